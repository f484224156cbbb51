/* The board: cards are dragged, or moved by keys. A card stands where it was put at once, and goes
   back if it could not be moved. Without this script each card's menu leads to a page instead. */

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const dialog = $("#move"), words = dialog.dataset;
const say = (message) => document.dispatchEvent(new CustomEvent("announce", { detail: { message } }));
const columns = (root) => $$("#board .stage", root);
const columnOf = (stage, root) => columns(root).find((column) => column.dataset.stage === stage);
/* `randomUUID` is missing where the portal is not served by https. */
const formId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/* What is on its way: the card's id, the stage it goes to, and where it stood. */
const moving = new Map();

const put = (card, list, before) => {
  const focused = card.contains(document.activeElement) && document.activeElement;
  list.insertBefore(card, before?.parentElement === list ? before : list.firstElementChild);
  if (focused) { focused.focus({ preventScroll: true }); card.scrollIntoView({ block: "nearest", inline: "nearest" }) }
};
const overlay = (root) => {
  for (const [id, { stage }] of moving) {
    const card = root.querySelector(`#${id}`), column = columnOf(stage, root);
    if (!card || !column) continue;
    if (!column.contains(card)) put(card, $(".cards", column));
    card.classList.add("moving");
    card.setAttribute("aria-busy", "true");
  }
};
const move = (card, column) => {
  const { move: href, field, at, name } = card?.dataset ?? {}, { stage } = column?.dataset ?? {};
  if (!href || !stage || stage === at || moving.has(card.id)) return;
  moving.set(card.id, { stage, list: card.parentElement, before: card.nextElementSibling });
  overlay(document);
  say(words.moving.replace(/\{(lead|stage)\}/g, (_, part) => ({ lead: name, stage })[part]));
  const values = { [field]: stage, [`before-${field}`]: at, form_id: formId() }, { id } = card;
  htmx.ajax("POST", href, { source: card, target: card, swap: "none", values, card: id }).finally(() => answered(id, false));
};
const back = (id, { list, before }) => {
  const card = document.getElementById(id);
  if (!card) return;
  card.classList.remove("moving");
  card.removeAttribute("aria-busy");
  if (list.isConnected) put(card, list, before);
  card.classList.add("live-new");
  say(words.back);
};
/* A card whose request was never made is taken back, too: its promise ends without an answer. */
const answered = (id, well) => {
  const was = moving.get(id);
  if (moving.delete(id) && !well) back(id, was);
};
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => { answered(ctx.card, ctx.response?.status === 200 && !ctx.failed) });

/* An answer shows the board as it is there, with what is still on its way where it was put; or why
   its card was not moved. A target that the answer names is a selector still. */
const filled = (ctx) => ctx?.target?.id ?? String(ctx?.target).slice(1);
document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  if (ctx?.failed || filled(ctx) !== "results") return;
  moving.delete(ctx.card);
  for (const { fragment } of tasks ?? []) overlay(fragment);
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (filled(ctx) === "results" && dialog.open) dialog.close();
  if (filled(ctx) !== "move" || dialog.open) return;
  dialog.showModal();
  $(".conflict,.summary", dialog)?.focus();
});
dialog.addEventListener("click", (event) => { if (event.target.closest("a[data-close]")) event.preventDefault() });
dialog.addEventListener("close", () => dialog.replaceChildren());

/* By hand */
let dragged = null;
const over = (column) => { for (const one of columns()) one.classList.toggle("over", one === column) };
document.addEventListener("dragstart", (event) => {
  const card = event.target.closest?.(".deal.movable");
  if (!card || moving.has(card.id)) return;
  dragged = card;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", card.dataset.name);
  requestAnimationFrame(() => card.classList.add("dragging"));
});
document.addEventListener("dragover", (event) => {
  const column = dragged && event.target.closest?.(".stage[data-stage]");
  over(column);
  if (column) { event.preventDefault(); event.dataTransfer.dropEffect = "move" }
});
document.addEventListener("drop", (event) => {
  const column = dragged && event.target.closest?.(".stage[data-stage]");
  if (column) { event.preventDefault(); move(document.getElementById(dragged.id), column) }
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragging");
  dragged = null;
  over(null);
});

/* By keys: arrows go along the columns, with Shift they take the card along; M opens its menu. */
document.addEventListener("keydown", (event) => {
  const card = document.activeElement?.closest?.(".deal"), step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!card || event.ctrlKey || event.metaKey || event.altKey || $("dialog:modal")) return;
  const all = columns(), at = all.indexOf(card.closest(".stage"));
  if (step && event.shiftKey) {
    event.preventDefault();
    move(card, (step > 0 ? all.slice(at + 1) : all.slice(0, at).reverse()).find((column) => column.dataset.stage));
  } else if (step) {
    event.preventDefault();
    const there = (step > 0 ? all.slice(at + 1) : all.slice(0, at).reverse()).find((column) => $(".deal-name", column));
    $(".deal-name", there ?? card)?.focus();
  } else if (event.key === "m" && document.documentElement.dataset.keys !== "off") {
    event.preventDefault();
    $(".deal-move", card)?.click();
  }
});
