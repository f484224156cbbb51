/* Keys (ux K3 to K5): what is bound is what "?" lists. Single letters rest while somebody types. */

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const typing = (node) => node?.closest?.("input:not([type=checkbox],[type=radio],[type=submit]),textarea,select,[contenteditable]");
const shown = (node) => node?.checkVisibility?.();
const off = () => document.documentElement.dataset.keys === "off";
const search = () => $$("[data-search],.search input").find(shown);

/* Rows: links that carry a row's name, in a table, on a board or in the list of conversations. */
const rows = () => $$(".t td.name a, .conv-row, .deal-name").filter(shown);
const move = (step) => {
  const all = rows(), here = document.activeElement?.closest?.("tr, .conv-row, .deal");
  if (!all.length) return false;
  const at = all.findIndex((link) => link === here || here?.contains(link));
  const current = at < 0 ? all.findIndex((link) => link.getAttribute("aria-current") === "true") : at;
  const next = all[Math.min(all.length - 1, Math.max(0, current < 0 ? (step > 0 ? 0 : all.length - 1) : current + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
};

/* portal.js knows what this tab changed last; what it takes on, it prevents. */
const asks = (name) => !document.dispatchEvent(new CustomEvent(name, { cancelable: true }));
const canUndo = () => asks("undo:count");

/* The keys of this page: [keys, what they do]. [data-key] and [data-go] name theirs in the page. */
const nameOf = (node) => node.dataset.keyName || node.getAttribute("aria-label") || [...node.childNodes].filter((part) => !part.matches?.("kbd,svg")).map((part) => part.textContent).join("").trim() || node.title;
const listed = () => {
  const words = $("#keys-list").dataset, found = [];
  if (rows().length) found.push([["J", "K"], words.move], [["Enter"], words.open]);
  if (rows().length && $("#bulk")) found.push([["X"], words.select]);
  if ($$(".deal").some(shown)) found.push([["←", "→"], words.column]);
  if ($$(".deal.movable").some(shown)) found.push([["M"], words.stage], [["Shift", "←"], words.left], [["Shift", "→"], words.right]);
  if (search()) found.push([["/"], words.search]);
  if (canUndo() && !$$("[data-key=z]").some(shown)) found.push([["Z"], words.undo]);
  for (const node of $$("[data-key]")) if (shown(node)) found.push([[node.dataset.key.toUpperCase()], nameOf(node)]);
  for (const node of $$("[data-go]")) found.push([["G", words.then, node.dataset.go.toUpperCase()], node.title]);
  if ($("form textarea")) found.push([["Ctrl", "Enter"], words.send]);
  return [...found, [["Esc"], words.close], [["?"], words.help]];
};
const help = () => {
  const list = $("#keys-list");
  list.replaceChildren();
  for (const [keys, does] of listed()) {
    const term = document.createElement("dt"), shows = document.createElement("dd");
    term.textContent = does;
    for (const key of keys) {
      const node = document.createElement(key === list.dataset.then ? "span" : "kbd");
      node.textContent = key;
      shows.append(node);
    }
    list.append(term, shows);
  }
};
$("#keys").addEventListener("toggle", (event) => { if (event.newState === "open") help() });

const letter = (key) => {
  if (key === "/") { const box = search(); box?.focus(); box?.select(); return Boolean(box) }
  if (key === "?") { help(); $("#keys").showModal(); return true }
  if (key === "j") return move(1);
  if (key === "k") return move(-1);
  if (key === "o") { const link = rows().find((row) => row === document.activeElement); link?.click(); return Boolean(link) }
  const bound = $$(`[data-key="${CSS.escape(key)}"]`).find(shown);
  if (!bound) return key === "z" && asks("undo");
  if (bound.matches("[type=radio]")) { bound.click(); $("textarea", bound.form)?.focus() }
  else if (bound.matches("input,textarea,select")) bound.focus();
  else bound.click();
  return true;
};

let pressedG = 0;
const plain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
const onLetter = (event) => {
  if (event.key === "g") { pressedG = Date.now(); return }
  const going = Date.now() - pressedG < 1200 && $(`[data-go="${CSS.escape(event.key)}"]`);
  pressedG = 0;
  if (going) { event.preventDefault(); going.click(); return }
  if (letter(event.key)) event.preventDefault();
};

/* Inside an open menu: arrows, Home, End, and letters that begin an entry (N2). */
const inMenu = (event, menu) => {
  const items = $$("li a, li button", menu).filter(shown), at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? items.length - 1 : at - 1, Home: 0, End: items.length - 1 }[event.key];
  let next = to === undefined ? undefined : items[(to + items.length) % items.length];
  if (event.key.length === 1 && plain(event)) {
    const turn = [...items.slice(at + 1), ...items.slice(0, at + 1)];
    next = turn.find((item) => nameOf(item).toLowerCase().startsWith(event.key.toLowerCase()));
  }
  if (next) { event.preventDefault(); next.focus() }
};

const send = (event) => {
  const form = event.target.closest?.("form");
  const button = form && $$("button:not([type=button]),input[type=submit]", form).find((node) => shown(node) && !node.name.startsWith("theme"));
  if (button) { event.preventDefault(); button.click() }
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { send(event); return }
  const box = event.target.closest?.("[data-search],.search input");
  if (event.key === "Escape" && box?.value) {
    event.preventDefault();
    box.value = "";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
  const menu = $$(".menu:popover-open").at(-1);
  if (menu && !menu.matches(".panel") && !typing(event.target)) { inMenu(event, menu); return }
  if (off() || !plain(event) || typing(event.target) || $("dialog:modal")) return;
  const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (arrow && document.activeElement?.matches?.(".t td.name a, .conv-row, .deal-name")) { event.preventDefault(); move(arrow); return }
  onLetter(event);
});
