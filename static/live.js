/* An open page stays true. The server names what changed (kind and id) as a stream of events, or
   when asked; the page then reads itself anew, once for a burst, and takes over the parts that
   changed, never one that somebody types in, points at or has the focus in.

   data-live="leads:12 ..."    a region of these records; it has an id, or is a row of a list
   data-live="leads contacts"  a region of all records of these kinds
   data-live-calm              with it: nothing moves under the pointer, it waits behind "Show"
   data-live-whole             with it: new parts (children with ids) come between the others; regions
                               in it wait while one of them has something dragged or on its way
   data-live-list="leads"      a list whose rows carry data-live; new rows wait behind "Show"
   data-live-thread            the region is a thread of messages: thread.js takes it over
   data-live-ask="leads:12"    is told "meanwhile" when the record changed, and asks by itself */

import "./portal.js";
import "./selection.js";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const bar = $("#live"), word = bar.dataset, href = word.href;
const BURST = 300, ASK = 5_000, LOOK = 20_000, SILENCE = 40_000, HIDDEN = 5_000, REFUSED = 60_000;
const fire = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
const say = (message) => fire("announce", { message });

let number = Number(word.number);          /* what this page knows */
let changed = new Set(), everything = false; /* heard of, not read yet */
let swaps = 0;                             /* how often somebody else changed the page */
let stopped = false;

/* -- Hearing ------------------------------------------------------------------------------- */

let stream = null, streamsAfter = 0, heardAt = Date.now(), lostAt = 0, tries = 0, asking = 0;
let clock = 0, hiddenClock = 0;

const plan = (wait) => { clearTimeout(clock); if (!stopped) clock = setTimeout(check, wait) };
const heard = () => { heardAt = Date.now() };

const close = () => { stream?.close(); stream = null };
const open = () => {
  if (stream || stopped || document.hidden || !window.EventSource || Date.now() < streamsAfter) return;
  const mine = stream = new EventSource(`${href}?after=${number}`);
  let opened = false;
  mine.addEventListener("open", () => { opened = true; heard() });
  mine.addEventListener("beat", () => { opened = true; heard() });
  mine.addEventListener("message", ({ data }) => { heard(); hear(JSON.parse(data)) });
  mine.addEventListener("bye", ({ data }) => {
    if (stream === mine) close();
    if (data === "full") streamsAfter = Date.now() + REFUSED;
    plan(data === "again" ? 100 + Math.random() * 900 : 100);
  });
  mine.addEventListener("error", () => {
    if (stream !== mine) return;
    close();
    if (!opened) streamsAfter = Date.now() + REFUSED;
    plan(opened ? 100 + Math.random() * 400 : 0);
  });
};

const hear = ({ number: told, changes, complete }) => {
  if (told < number && complete) return;
  number = told;
  for (const { kind, id } of changes) changed.add(`${kind}:${id}`);
  everything ||= !complete;
  if (changed.size || everything) soon();
};

/* Ask once, without a stream: what is new, how fresh, how much of the budget. */
const check = async () => {
  if (document.hidden || stopped) return;
  const turn = ++asking;
  let told;
  try {
    const answer = await fetch(`${href}?after=${number}`, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (refused(answer)) return;
    if (!answer.ok) throw new Error(answer.status);
    told = await answer.json();
  } catch {
    if (turn === asking) lose();
    return;
  }
  if (turn !== asking || stopped) return;
  heard();
  found(told.changes.length, told.complete);
  for (const [id, html] of Object.entries(told.parts)) fill(document.getElementById(id), html);
  hear(told);
  open();
  plan(stream ? LOOK : ASK);
};

/* Signed out, removed, or nothing here any more: nobody tells us anything again. */
const refused = (answer) => {
  const signedOut = answer.status === 401 || (answer.redirected && new URL(answer.url).pathname.startsWith("/accounts/"));
  if (!signedOut && ![403, 404].includes(answer.status)) return false;
  stop();
  if (signedOut) fire("toast", { message: $("#words").content.querySelector('[data-word="signed-out"]').textContent, tone: "danger", signIn: true });
  return true;
};
const stop = () => { stopped = true; close(); clearTimeout(clock); clearTimeout(reading) };

/* The line is lost: say so, keep what is shown, try again. */
const lose = () => {
  close();
  lostAt ||= Date.now();
  tries += 1;
  const offline = tries > 3 || Date.now() - lostAt > 6_000;
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }).format(heardAt);
  const text = offline ? word.offline.replace("#", time) : word.reconnecting;
  if ($("p", bar).textContent !== text) say(text);
  $("p", bar).textContent = text;
  bar.hidden = false;
  document.documentElement.classList.add("is-offline");
  plan(Math.min(15_000, 500 * 2 ** Math.min(tries, 5)) * (0.7 + Math.random() * 0.6));
};
const found = (changes, complete) => {
  if (!lostAt) return;
  lostAt = tries = 0;
  bar.hidden = true;
  $("p", bar).textContent = "";
  document.documentElement.classList.remove("is-offline");
  say(changes && complete ? `${word.back} ${word.caughtUp.replace("#", changes)}` : word.back);
};

setInterval(() => {
  if (stream && Date.now() - heardAt > SILENCE) { close(); check() }
}, 10_000);
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiddenClock);
  if (document.hidden) hiddenClock = setTimeout(() => { close(); clearTimeout(clock) }, HIDDEN);
  else { if (changed.size || everything) soon(); check() }
});
addEventListener("online", () => check());
addEventListener("offline", () => { if (!stopped && !document.hidden) { close(); lose() } });
addEventListener("pagehide", () => { close(); clearTimeout(clock); clearTimeout(reading); asking += 1 });
addEventListener("pageshow", ({ persisted }) => { if (persisted) check() });

/* -- Reading ------------------------------------------------------------------------------- */

let reading = 0, busyReading = false, readAfter = 0, etag = "", etagOf = "";
let latest = null;                         /* what was read last, for parts that had to wait */

const soon = () => {
  if (reading || busyReading || document.hidden || stopped) return;
  reading = setTimeout(() => { reading = 0; read() }, Math.max(BURST, readAfter - Date.now()));
};

const concerns = (node, keys, all) => all || node.dataset.live?.split(" ").some((key) => keys.has(key) || (!key.includes(":") && kindIn(key, keys)));
const kindIn = (kind, keys) => [...keys].some((key) => key.startsWith(`${kind}:`));
const listsOf = (keys, all) => $$("[data-live-list]").filter((list) => all || kindIn(list.dataset.liveList, keys));
const regionsOf = (keys, all) => $$("[data-live][id]").filter((region) => concerns(region, keys, all));

const read = async () => {
  const keys = changed, all = everything;
  changed = new Set();
  everything = false;
  for (const node of $$("[data-live-ask]")) if (all || keys.has(node.dataset.liveAsk)) node.dispatchEvent(new CustomEvent("meanwhile"));
  if (!listsOf(keys, all).length && !regionsOf(keys, all).length) { check(); return }
  const started = performance.now(), before = swaps;
  busyReading = true;
  const page = await readPage().catch(() => null);
  busyReading = false;
  /* A busy workspace does not keep the server busy: a fifth of the time at most. */
  readAfter = Date.now() + Math.min(5_000, 4 * (performance.now() - started));
  if (page instanceof Document && before === swaps) {
    latest = { page, keys, swaps };
    take(page, keys, all);
  } else if (!["same", "gone"].includes(page)) {
    keys.forEach((key) => changed.add(key));
    everything ||= all;
  }
  if (page === null) plan(ASK);
  else if (changed.size || everything) soon();
};

/* This page as it is now: a document, "same", "gone", "moved" (another address by now), or null. */
const address = () => location.href.split("#")[0];
const readPage = async () => {
  const here = address(), headers = { "X-Live": "1", Accept: "text/html" };
  if (etag && etagOf === here) headers["If-None-Match"] = etag;
  const answer = await fetch(here, { headers, cache: "no-store", signal: AbortSignal.timeout(15_000) });
  if (answer.status === 304) return "same";
  if (answer.status === 404) { missing(); return "gone" }
  if (here !== address()) return "moved";
  if (refused(answer) || !answer.ok) return null;
  etag = answer.headers.get("ETag") ?? "";
  etagOf = here;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};

const missing = () => {
  if ($("p", bar).textContent === word.gone) return;
  $("p", bar).textContent = word.gone;
  bar.hidden = false;
  say(word.gone);
};

/* -- Taking over --------------------------------------------------------------------------- */

let waits = false;                         /* something could not be taken over yet */

const take = (page, keys, all) => {
  waits = false;
  for (const id of ["freshness", "side-status"]) fill(document.getElementById(id), $(`#${id}`, page)?.innerHTML ?? "");
  for (const list of listsOf(keys, all)) takeList(list, page.getElementById(list.id));
  for (const region of regionsOf(keys, all)) takeRegion(region, page.getElementById(region.id), keys);
  const title = $("#page-title"), now = $("#page-title", page);
  if (title && now && title.textContent !== now.textContent) title.textContent = now.textContent;
  if (document.title !== page.title) document.title = page.title;
};
const fill = (node, html) => {
  if (!node || node.contains(document.activeElement)) return;
  const holder = document.createElement("div");
  holder.innerHTML = html;
  if (plain(holder) !== plain(node)) node.replaceChildren(...holder.childNodes);
};

/* The words of a part without what differs each time it is made, or is kept with what was typed. */
const plain = (node) => {
  const copy = node.cloneNode(true);
  $$(".live-note,.live-more", copy).forEach((own) => own.remove());
  $$("input[name=csrfmiddlewaretoken],input[name=form_id],input[name^='before-']", copy).forEach((field) => field.setAttribute("value", ""));
  $$("time", copy).forEach((time) => { time.textContent = ""; time.removeAttribute("data-relative") });
  $$("[data-needs-script]", copy).forEach((part) => part.removeAttribute("hidden"));
  for (const name of ["data-htmx-powered", "aria-busy", "aria-current", "data-focus", "autofocus", "open"]) {
    $$(`[${name}]`, copy).forEach((part) => part.removeAttribute(name));
  }
  $$("[tabindex='-1']", copy).forEach((part) => part.removeAttribute("tabindex"));
  return copy.innerHTML.replace(/\s+/g, " ").trim();
};
const same = (one, other) => plain(one) === plain(other);
const copyOf = (node) => document.importNode(node, true);
const wake = (node) => { window.htmx?.process(node) };

const edited = (field) => {
  if (!field.name || field.type === "hidden") return false;
  if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected && (option.defaultSelected || option.index > 0));
  return field.matches("[type=checkbox],[type=radio]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
};
const fieldsOf = (node) => $$("input,select,textarea", node);
const selects = (node) => { const picked = getSelection(); return !picked.isCollapsed && node.contains(picked.anchorNode) };
const busy = (node) => (node !== document.activeElement && node.contains(document.activeElement)) || selects(node)
  || fieldsOf(node).some(edited) || $(".summary,.conflict,.errorlist,:popover-open,dialog[open]", node);

/* A region: taken over at once, or behind "Changed meanwhile · Show". */
const takeRegion = (region, now, keys) => {
  if (!now || region.matches("[data-live-list] *, tr, li")) return;
  if (region.matches("[data-live-thread]")) {
    if (selects(region)) waits = true;
    else region.dispatchEvent(new CustomEvent("live:thread", { bubbles: true, detail: { now, keys, same, copyOf, wake, busy } }));
    return;
  }
  if (region.matches("[data-live-whole]")) { takeParts(region, now); return }
  if (same(region, now)) { $(".live-note", region)?.remove(); return }
  if ($(".moving,.dragging", region.closest("[data-live-whole]") ?? region)) { waits = true; return }
  if (busy(region) || region.matches("[data-live-calm]:hover")) { waits = true; note(region, now); return }
  replace(region, now);
};
const takeParts = (region, now) => {
  let last = null;
  for (const part of $$(":scope > [id]", now)) {
    let mine = document.getElementById(part.id);
    if (!mine) {
      mine = copyOf(part);
      if (last) last.after(mine); else region.prepend(mine);
      wake(mine);
    }
    last = mine;
  }
};
const replace = (region, now) => {
  const opened = $$("details", region).map((part) => part.open);
  region.replaceChildren(...copyOf(now).childNodes);
  $$("details", region).forEach((part, at) => { part.open = opened[at] ?? part.open });
  wake(region);
};
/* Its button stays while it is pressed: a new one would miss the click. It shows what is newest. */
const newest = new WeakMap();
const note = (region, now) => {
  newest.set(region, now);
  if ($(".live-note", region)) return;
  const line = document.createElement(region.matches("ol") ? "li" : "p"), button = document.createElement("button");
  line.className = "live-note";
  button.type = "button";
  button.className = "btn-link";
  button.textContent = word.show;
  button.addEventListener("click", () => { showAll(region, newest.get(region)) });
  line.append(`${word.meanwhile} · `, button);
  region.prepend(line);
};
/* Shown although somebody typed: what was typed stays, and so does what it is compared with. */
const showAll = (region, now) => {
  const kept = fieldsOf(region).filter((field) => edited(field) || field.name.startsWith("before-")).map((field) => [field.name, field.type, field.value, field.checked]);
  const typed = kept.some(([name]) => !name.startsWith("before-"));
  replace(region, now);
  for (const [name, type, value, checked] of typed ? kept : []) {
    const field = fieldsOf(region).find((one) => one.name === name && (!["checkbox", "radio"].includes(type) || one.value === value));
    if (field && ["checkbox", "radio"].includes(type)) field.checked = checked;
    else if (field) field.value = value;
  }
  if (!region.hasAttribute("tabindex")) region.tabIndex = -1;
  region.focus({ preventScroll: true });
};

/* A list: rows change where they stand; what is new, gone or elsewhere waits for "Show". */
const rowsOf = (list) => new Map($$("[data-live]", list).map((row) => [row.dataset.live, row]));
const takeList = (list, now) => {
  if (!now) return;
  const shown = rowsOf(list), fresh = rowsOf(now);
  if (!shown.size && !busy(list)) { if (!same(list, now)) replace(list, now); return }
  for (const [key, row] of shown) {
    const other = fresh.get(key);
    if (other && !same(row, other)) takeRow(row, other);
  }
  more(list, difference([...shown.keys()], [...fresh.keys()]));
};
const takeRow = (row, now) => {
  if (row.matches(":hover") || selects(row)) { waits = true; return }
  const next = copyOf(now);
  if (!row.contains(document.activeElement)) {
    const open = row.querySelector("[aria-current]");
    if (open) $("a", next)?.setAttribute("aria-current", open.getAttribute("aria-current"));
    row.replaceWith(next);
    next.classList.add("live-new");
    wake(next);
    return;
  }
  /* The cell with the focus stays, its neighbours change. */
  waits = true;
  [...row.cells ?? []].forEach((cell, at) => {
    if (next.cells[at] && !cell.contains(document.activeElement) && cell.outerHTML !== next.cells[at].outerHTML) cell.replaceWith(copyOf(now.cells[at]));
  });
};
const difference = (shown, fresh) => {
  const come = fresh.filter((key) => !shown.includes(key)).length, left = shown.filter((key) => !fresh.includes(key)).length;
  if (come || left) return Math.max(come, left);
  /* The same rows in another order: those that must move for the others to stay. */
  const ends = [];
  for (const at of shown.map((key) => fresh.indexOf(key))) {
    const place = ends.findIndex((end) => end > at);
    ends[place < 0 ? ends.length : place] = at;
  }
  return shown.length - ends.length;
};
const more = (list, count) => {
  const old = $(":scope > .live-more", list);
  if (!count) { old?.remove(); return }
  const text = word.more.replace("#", count);
  if (old) { $("span", old).textContent = text; return }
  const box = document.createElement("div"), link = document.createElement("a"), words = document.createElement("span");
  box.className = "live-more";
  link.href = location.href;
  words.textContent = text;
  link.append(words, " · ", Object.assign(document.createElement("b"), { textContent: word.show }));
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    reload(list, link);
  });
  box.append(link);
  list.prepend(box);
  say(`${text}. ${word.show}`);
};
const reload = async (list, link) => {
  link.setAttribute("aria-busy", "true");
  etag = "";
  const page = await readPage().catch(() => null);
  const now = page?.getElementById?.(list.id);
  if (!now || !list.isConnected) { location.reload(); return }
  replace(list, now);
  const region = $("[tabindex]", list) ?? list;
  if (!region.hasAttribute("tabindex")) region.tabIndex = -1;
  region.focus({ preventScroll: true });
  region.scrollTop = 0;
  say($("[data-announce]", list)?.dataset.announce ?? "");
};

/* What had to wait is taken over when the pointer, the focus or the selection has left. */
let retry = 0;
const later = () => {
  if (!waits || retry) return;
  retry = setTimeout(() => {
    retry = 0;
    if (!latest || stopped) return;
    if (latest.swaps === swaps) take(latest.page, latest.keys, false);
    else { waits = false; latest.keys.forEach((key) => changed.add(key)); soon() }
  }, 200);
};
for (const name of ["pointerout", "focusout", "selectionchange", "toggle"]) document.addEventListener(name, later, { capture: true, passive: true });

/* Somebody else changed the page: what was read before is older than what is shown. */
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx?.target?.matches?.("[data-live-ask]")) return; /* only told what we have heard of ourselves */
  swaps += 1;
  etag = "";
});

/* Not at once: many a page is left again within a second. */
clock = setTimeout(() => { open(); plan(stream ? LOOK : 0) }, 1_000);
