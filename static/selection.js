/* Selecting rows of a list (B1, B4): how many, a whole page, a range by Shift; kept over pages and
   sorting in this tab, given up when the filter changes. Without it the boxes work page by page. */

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const fire = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

const selecting = (bar) => {
  const elsewhere = $("#bulk-elsewhere"), results = $("#results");

  const boxes = () => $$('input[name="ids"][type="checkbox"]', results);
  const all = () => $('input[name="all"]', bar);

  /* The list without its page and order: as long as that stays, so does the selection. */
  const filter = () => {
    const query = new URLSearchParams($('input[name="query"]', bar).value);
    for (const name of ["sort", "per", "after", "before", "from"]) query.delete(name);
    query.sort();
    return `${bar.getAttribute("action")}?${query}`;
  };
  const KEY = "selection";
  let picked = new Set(), of = filter();
  const keep = () => {
    try {
      if (picked.size) sessionStorage.setItem(KEY, JSON.stringify([of, [...picked]]));
      else sessionStorage.removeItem(KEY);
    } catch { /* private mode */ }
  };
  try {
    const [where, ids] = JSON.parse(sessionStorage.getItem(KEY)) ?? [];
    if (where === of) picked = new Set(ids);
  } catch { /* none, or not ours */ }

  const show = () => {
    const here = boxes(), chosen = here.filter((box) => box.checked).length, page = $("#pick-page");
    const away = [...picked].filter((id) => !here.some((box) => box.value === id));
    elsewhere.value = away.join(",");
    elsewhere.disabled = !away.length;
    bar.classList.toggle("open", picked.size > 0);
    $("#bulk-count").textContent = bar.dataset.selected.replace("#", picked.size.toLocaleString(document.documentElement.lang));
    $("#bulk-count").hidden = all().checked;
    if (page) {
      page.checked = here.length > 0 && chosen === here.length;
      page.indeterminate = chosen > 0 && chosen < here.length;
    }
  };
  const take = (box) => { if (box.checked) picked.add(box.value); else picked.delete(box.value) };
  const told = () => { keep(); show(); fire("announce", { message: $("#bulk-count").textContent }) };
  const clear = () => {
    picked.clear();
    for (const box of boxes()) box.checked = false;
    all().checked = false;
    keep();
    show();
  };

  /* Rows that were swapped in stand as they were chosen; what the browser kept over a reload counts. */
  const apply = () => {
    const now = filter();
    if (now !== of) {
      of = now;
      if (picked.size) { clear(); fire("toast", { message: bar.dataset.ended }) }
    }
    for (const box of boxes()) box.checked = picked.has(box.value);
    show();
  };

  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.('input[name="ids"][type="checkbox"]');
    if (!box) return;
    const here = boxes(), from = here.findIndex((other) => other.value === last), to = here.indexOf(box);
    if (event.shiftKey && from >= 0) {
      for (const other of here.slice(Math.min(from, to), Math.max(from, to) + 1)) { other.checked = box.checked; take(other) }
    }
    last = box.value;
    take(box);
    told();
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "pick-page") {
      for (const box of boxes()) { box.checked = event.target.checked; take(box) }
      told();
    } else if (event.target === all()) show();
  });
  $("#bulk-clear").addEventListener("click", () => {
    clear();
    (boxes()[0] ?? results).focus();
    fire("announce", { message: bar.dataset.selected.replace("#", 0) });
  });
  /* X selects the row with the focus, Escape gives the selection up when nothing lies above it. */
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input:not([type=checkbox]),textarea,select,[contenteditable]");
    if (event.key === "Escape" && picked.size && !typing && !$("dialog[open],:popover-open:not(.toasts)")) clear();
    if (event.key.toLowerCase() !== "x" || typing || document.documentElement.dataset.keys === "off") return;
    const box = $('input[name="ids"]', event.target.closest?.("tr,li") ?? bar);
    if (box?.type === "checkbox") { event.preventDefault(); box.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: event.shiftKey })) }
  });
  /* Enter in a field of the bar means its own button, not the first of the form. */
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input:not([type=checkbox]),select")) return;
    event.preventDefault();
    event.target.closest("[popover]")?.querySelector("button[name=do]").click();
  });
  bar.addEventListener("submit", () => { try { sessionStorage.removeItem(KEY) } catch { /* private mode */ } });

  new MutationObserver(apply).observe(results, { childList: true, subtree: true });
  new MutationObserver(apply).observe($("#bulk-means"), { childList: true });
  /* On the way back the browser ticks again what was ticked, often after this script has come. */
  addEventListener("pageshow", () => { for (const box of boxes()) take(box); keep(); show() });
  for (const node of $$("[data-needs-script]", bar)) node.hidden = false;
  /* What was ticked before this script came. */
  for (const box of boxes()) if (box.checked) picked.add(box.value);
  apply();
  keep();
};
if ($("#bulk")) selecting($("#bulk"));
