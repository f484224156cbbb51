/* What a page does beyond its links and forms: answers that fail become a toast, the focus is never
   lost, results are spoken, times stay true. Everything here can be missing: pages work without. */

import "./keys.js";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const meta = (name) => $(`meta[name="${name}"]`)?.content ?? "";
const word = (name) => $("#words").content.querySelector(`[data-word="${name}"]`).textContent;

/* Every htmx request carries the CSRF token. The cookie's is newer than the page's after somebody
   signed in again in another tab, and the token typed into a form would be the old one. */
const token = () => document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1] ?? meta("csrf-token");
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  ctx.request.headers["X-CSRFToken"] = token();
  if (ctx.request.body?.has?.("csrfmiddlewaretoken")) ctx.request.body.set("csrfmiddlewaretoken", token());
});

/* Say something to those who listen. The pause makes equal words be spoken twice. */
const say = (text) => {
  const region = $("#say");
  region.textContent = "";
  setTimeout(() => { region.textContent = text }, 60);
};
document.addEventListener("announce", ({ detail }) => say(detail.message ?? detail.value ?? String(detail)));
const sayNew = (root) => $$("[data-announce]", root).slice(0, 1).forEach((node) => say(node.dataset.announce || node.textContent));

/* The way back. Where something is lost by it, a page says so before; else it is one press. The last
   changes of this tab are remembered for Z, the latest first; what was undone is not among them. */
const here = () => location.pathname + location.search;
const undoKey = () => `undo:${location.pathname.split("/").slice(0, 3).join("/")}`;
const changes = () => { try { return JSON.parse(sessionStorage.getItem(undoKey())) ?? [] } catch { return [] } };
const keepChanges = (list) => { try { sessionStorage.setItem(undoKey(), JSON.stringify(list.slice(-20))) } catch { /* private mode */ } };
const remember = (href, asks) => keepChanges([...changes().filter((one) => one.href !== href), { href, asks: Boolean(asks) }]);
const forget = (href) => keepChanges(changes().filter((one) => one.href !== href));
const offerUndo = (node, href, label, asks) => {
  const form = $("form", node), link = $(".toast-undo", node), shown = asks ? link : form;
  shown.hidden = false;
  (asks ? link : $("button", form)).textContent = label;
  link.href = href;
  form.action = href;
  form.elements.csrfmiddlewaretoken.value = token();
  form.elements.next.value = here();
};
document.addEventListener("submit", ({ target }) => { if (target.matches("form[action*='/undo/'], .undo form")) forget(new URL(target.action).pathname) });
document.addEventListener("undo", (event) => {
  const last = changes().at(-1);
  if (!last) return;
  event.preventDefault();
  if (last.asks) { location.assign(`${last.href}?next=${encodeURIComponent(here())}`); return }
  const form = $("#toast-form").content.cloneNode(true).querySelector("form");
  form.action = last.href;
  form.elements.csrfmiddlewaretoken.value = token();
  form.elements.next.value = here();
  document.body.append(form);
  form.requestSubmit();
});
document.addEventListener("undo:count", (event) => { if (changes().length) event.preventDefault() });

/* Toasts: one at a time, 10 s, waiting while somebody looks at it or the tab is hidden. Errors stay. */
let clock = 0, left = 0;
const clearToasts = () => { clearInterval(clock); $("#toast-polite").replaceChildren(); $("#toast-assertive").replaceChildren() };
const toast = ({ message, tone = "ok", undo, label, asks, again: redo, retry, signIn }) => {
  clearToasts();
  const node = $("#toast-form").content.cloneNode(true).firstElementChild;
  const failed = tone === "danger" || tone === "error";
  node.classList.toggle("danger", failed);
  $("span", node).textContent = message;
  if (undo) offerUndo(node, undo, label, asks);
  if (undo && !redo) remember(undo, asks);
  const again = $(".toast-retry", node);
  again.hidden = !retry;
  again.addEventListener("click", () => { clearToasts(); retry() });
  $(".toast-sign-in", node).hidden = !signIn;
  $(".toast-close", node).addEventListener("click", clearToasts);
  const region = $("#toasts");
  /* Above an open dialog too: only the top layer is. */
  region.popover = "manual";
  region.hidePopover();
  region.showPopover();
  $(failed ? "#toast-assertive" : "#toast-polite").append(node);
  if (failed) return;
  left = 10;
  clock = setInterval(() => {
    if (document.hidden || node.matches(":hover") || node.contains(document.activeElement)) return;
    left -= 1;
    if (left <= 0) clearToasts();
  }, 1000);
};
document.addEventListener("toast", ({ detail }) => toast(detail));

/* What the server said in a failed answer, if it is short enough to read. The body first: a header
   holds ASCII only. */
const saidBy = (ctx) => {
  const type = ctx.response.headers.get("Content-Type") ?? "", text = (ctx.text ?? "").trim();
  if (type.startsWith("text/plain") && text && text.length <= 300) return text;
  if (type.includes("json")) { try { const body = JSON.parse(text); return body.message ?? body.error ?? "" } catch { return "" } }
  return ctx.response.headers.get("X-Error") ?? "";
};
const retryOf = (ctx) => ctx.request?.method === "GET" && ctx.sourceElement?.isConnected
  ? () => htmx.ajax("GET", ctx.request.action, { source: ctx.sourceElement, target: ctx.target, swap: ctx.swap }) : undefined;

/* What asks for the focus gets it from us: browsers refuse `autofocus` once something has it. */
document.addEventListener("htmx:before:swap", ({ detail: { tasks } }) => {
  for (const { fragment } of tasks ?? []) {
    for (const node of fragment?.querySelectorAll?.("[autofocus]") ?? []) {
      node.removeAttribute("autofocus");
      node.dataset.focus = "";
    }
  }
});

/* 401, 403, 404, 429 and 5xx never land in a table cell. What does is a form (422) or a conflict (409). */
const SWAPPED = new Set([409, 422]);
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const { status, raw } = ctx.response;
  const signedOut = status === 401 || (raw.redirected && new URL(raw.url).pathname.startsWith("/accounts/login/"));
  ctx.failed = signedOut || (status >= 400 && !SWAPPED.has(status));
  if (signedOut) toast({ message: word("signed-out"), tone: "danger", signIn: true });
  else if (ctx.failed) toast({ message: saidBy(ctx) || word("failed"), tone: "danger", retry: retryOf(ctx) });
});
document.addEventListener("htmx:before:swap", (event) => { if (event.detail.ctx?.failed) event.preventDefault() });
document.addEventListener("htmx:error", ({ detail }) => {
  if (detail.error?.name === "AbortError" && detail.ctx?.request?.signal?.reason !== "timeout") return;
  if (detail.ctx && !detail.ctx.response) toast({ message: word("offline"), tone: "danger", retry: retryOf(detail.ctx) });
});

const waiting = new Map();

/* A list answers one wish after the other. A link of the old list would take back what was asked a
   moment before, so it is pressed again in the new one; so is the search, which waits 250 ms. What
   Enter has asked is not asked again by it. */
let asked = null, next = null;
const asking = (but) => [...waiting.keys()].some((ctx) => ctx.target?.id === "results" && ctx.sourceElement !== but);
const press = (source) => {
  if (source.matches("form")) source.requestSubmit();
  else if (source.matches("[data-search]")) htmx.ajax("GET", source.dataset.hxGet, { source, target: "#results" });
  else source.click();
};
document.addEventListener("htmx:before:request", (event) => {
  const { sourceElement: source, target } = event.detail.ctx;
  if (target?.id !== "results" || !source.id) return;
  if (source.matches("[data-search]") && source.value === asked) event.preventDefault();
  else if (asking(source)) { event.preventDefault(); next = source.id }
  else asked = source.matches("#list-form") ? source.elements.q.value : null;
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.target?.id !== "results" || !waiting.delete(ctx) || !next) return;
  const source = document.getElementById(next);
  next = null;
  if (source) setTimeout(press, 0, source);
});

/* Waiting: nothing for 150 ms, then the bar; after 400 ms the old content is dimmed. */
const showWaiting = () => {
  const ages = [...waiting.values()].map((since) => performance.now() - since);
  const oldest = Math.max(-1, ...ages);
  document.documentElement.classList.toggle("is-loading", oldest >= 150);
  document.documentElement.classList.toggle("is-slow", oldest >= 400);
};
document.addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail;
  if (event.defaultPrevented) return;
  waiting.set(ctx, performance.now());
  ctx.busy = ctx.target; /* the answer may name another one */
  ctx.busy?.setAttribute?.("aria-busy", "true");
  ctx.focused = document.activeElement;
  const button = ctx.request.submitter;
  if (button?.matches?.(".btn")) button.setAttribute("aria-busy", "true");
  setTimeout(showWaiting, 150);
  setTimeout(showWaiting, 400);
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  waiting.delete(ctx);
  ctx.busy?.removeAttribute?.("aria-busy");
  ctx.request?.submitter?.removeAttribute?.("aria-busy");
  showWaiting();
  restoreFocus(ctx);
});

/* The focus: the same id, else the first that can take it in the region, else the region itself. */
const FOCUSABLE = 'a[href],button:not(:disabled),input:not([type=hidden],:disabled),select:not(:disabled),textarea:not(:disabled),summary,[tabindex]:not([tabindex="-1"])';
const restoreFocus = (ctx) => {
  const before = ctx.focused, now = document.activeElement;
  if (!before || before === document.body || (now && now !== document.body)) return;
  const same = before.id && document.getElementById(before.id);
  let region = ctx.target?.isConnected ? ctx.target : ctx.target?.id && document.getElementById(ctx.target.id);
  region ||= $("main");
  const next = same || $$(FOCUSABLE, region).find((node) => node.checkVisibility()) || region;
  if (next === region && !region.hasAttribute("tabindex")) region.tabIndex = -1;
  next.focus({ preventScroll: !same });
};
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const target = ctx?.target?.isConnected ? ctx.target : document.body;
  $("[data-focus]")?.focus();
  $$("[data-focus]").forEach((node) => node.removeAttribute("data-focus"));
  $$("[data-needs-script]", target).forEach((node) => { node.hidden = false });
  sayNew(target);
  tick();
});

/* A list that stays while its rows open beside it (I3): the open one is marked. Where the list gives
   way to what opened (phones), the focus goes there too. */
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const row = ctx?.sourceElement;
  if (!row?.matches?.(".conv-row")) return;
  for (const other of $$(".conv-row[aria-current]")) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  if (!row.checkVisibility()) $("#thread-title")?.focus();
});

/* Relative times: each 10 s under a minute, then each minute. The words come from the server. */
const WORDS = meta("relative-words").split("|"), UNITS = [1, 60, 3600, 86400];
const ago = (seconds) => {
  if (seconds < 5) return WORDS[0];
  const unit = UNITS.findLastIndex((size) => seconds >= size);
  return WORDS[unit + 1].replace("#", Math.floor(seconds / UNITS[unit]));
};
let ticks = 0;
const tick = () => {
  for (const node of $$("time[data-relative]")) {
    const seconds = Math.floor((Date.now() - Date.parse(node.dateTime)) / 1000);
    if (seconds >= 604800 || Number.isNaN(seconds)) { node.removeAttribute("data-relative"); continue }
    if (seconds >= 70 && ticks % 6) continue;
    const text = ago(seconds);
    if (node.textContent !== text) node.textContent = text;
  }
};
setInterval(() => { ticks += 1; if (!document.hidden) tick() }, 10_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) { ticks = 0; tick() } });

/* Dialogs: [data-dialog=ID] opens it (a link stays a link without script), [data-close] closes it. */
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    opener.closest("[popover]:not(.side)")?.hidePopover();
    dialog.showModal();
  }
  event.target.closest?.("[data-close]")?.closest("dialog")?.close();
  if (event.target.matches?.("dialog") && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.detail) event.target.close();
  }
});

/* [data-copy=ID] copies the text of another element; [data-show=ID] shows and hides a password. */
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy],[data-show]");
  const other = button && document.getElementById(button.dataset.copy ?? button.dataset.show);
  if (!other) return;
  if (button.dataset.copy) {
    await navigator.clipboard.writeText(other.value ?? other.textContent.trim());
    if (button.dataset.done) { toast({ message: button.dataset.done }) }
  } else {
    other.type = other.type === "password" ? "text" : "password";
    button.setAttribute("aria-pressed", other.type === "text");
  }
});

/* Text that was typed and not sent: the browser asks before it is lost. */
const changed = (field) => {
  if (!field.name || field.name === "mode" || field.matches("[type=hidden],[type=submit],button,fieldset")) return false;
  if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected && (option.defaultSelected || option.index > 0));
  return field.matches("[type=checkbox],[type=radio]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
};
const typed = (form) => form.matches("[data-unsaved]") && form.elements.content.value.trim() !== "" || [...form.elements].some(changed);
let sending = false;
/* What the server took is not lost: htmx goes on to the page that says so. */
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => { if (ctx.request.method !== "GET" && ctx.response.headers.has("HX-Redirect")) sending = true });
addEventListener("beforeunload", (event) => {
  /* What a refused form shows again is not saved either. */
  const lost = (form) => typed(form) || $(".summary,.conflict", form);
  if (!sending && $$("form[data-guard]").some(lost)) event.preventDefault();
});

/* Opening another conversation beside the list: what was typed waits in this page's memory, with who
   was to read it, until its own composer is back. Nothing of it goes into the browser's storage. */
const drafts = new Map();
const keyOf = (form) => form.getAttribute("action").split("?")[0];
document.addEventListener("htmx:before:swap", (event) => {
  const form = $("#composer[data-guard]"), { ctx } = event.detail;
  if (!form || event.defaultPrevented) return;
  if (ctx?.target === form) { drafts.delete(keyOf(form)); return }
  if (!ctx?.target?.contains?.(form) || !typed(form)) return;
  drafts.set(keyOf(form), { text: form.elements.content.value, mode: form.elements.mode?.value });
});
document.addEventListener("htmx:after:swap", () => {
  const form = $("#composer[data-guard]"), draft = form && drafts.get(keyOf(form));
  if (!draft || form.elements.content.value) return;
  if (draft.mode) form.elements.mode.value = draft.mode;
  form.elements.content.value = draft.text;
});

/* A conflict's choice is seen in the field itself; who types there goes on with their own. */
document.addEventListener("change", ({ target }) => {
  if (target.matches?.("[data-fills]")) {
    const field = target.form.elements[target.dataset.fills];
    if (field && "value" in field && field.type !== "hidden") field.value = target.dataset.text;
  } else if (target.name && target.form) {
    const mine = $(`[data-fills="${CSS.escape(target.name)}"][value=mine]`, target.form);
    if (mine) { mine.checked = true; mine.dataset.text = target.value }
  }
});

/* Seconds that run down beside a message one can still take back. */
setInterval(() => {
  for (const node of $$("[data-count]")) {
    const left = Number(node.dataset.count) - 1;
    if (left < 0) continue;
    node.dataset.count = left;
    node.textContent = left ? node.dataset.countWords.replace("#", left) : node.dataset.countDone;
  }
}, 1000);

/* A plain form is sent once: the second press within 5 s is dropped, and Back finds it ready. */
document.addEventListener("submit", (event) => {
  const form = event.target, htmxOwns = form.matches("[data-hx-post],[data-hx-get]") || event.submitter?.matches("[data-hx-post]");
  if (event.defaultPrevented || htmxOwns || form.method !== "post") return;
  if (Date.now() - (form.sentAt ?? 0) < 5000) { event.preventDefault(); return }
  form.sentAt = Date.now();
  sending = true;
  if (event.submitter?.matches(".btn")) event.submitter.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  sending = false;
  $$("form").forEach((form) => { form.sentAt = 0 });
  $$(".btn[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
});

/* The region that scrolls is not the window: keep its place for Back. */
const placeKey = () => `place:${location.pathname}${location.search}`;
const scroller = () => $(".tablewrap,.body");
addEventListener("pagehide", () => {
  try { sessionStorage.setItem(placeKey(), scroller()?.scrollTop ?? 0) } catch { /* private mode */ }
});
if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") {
  try { scroller()?.scrollTo(0, Number(sessionStorage.getItem(placeKey()))) } catch { /* private mode */ }
}

/* What a plain page offers to undo is remembered for Z as well. */
$$("[data-undo-push]").forEach((node) => remember(node.dataset.undo, "asks" in node.dataset));
$$("[data-needs-script]").forEach((node) => { node.hidden = false });
sayNew(document);
tick();
