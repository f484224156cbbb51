/* An open thread stays true: messages come at its end; who reads further up stays there, and is told.
   live.js reads the page anew and hands over what the thread is now, with what it needs for it. */

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const word = $("#live").dataset;
const say = (message) => document.dispatchEvent(new CustomEvent("announce", { detail: { message } }));

const scrollerOf = (log) => { const box = log.parentElement; return box.scrollHeight > box.clientHeight + 1 ? box : document.scrollingElement };
const atEnd = (log) => log.getBoundingClientRect().bottom <= Math.min(innerHeight, log.parentElement.getBoundingClientRect().bottom) + 60;
const toEnd = (log) => { log.lastElementChild?.scrollIntoView({ block: "end" }); log.closest(".thread")?.querySelector(".live-end")?.remove() };
let askedAt = 0;
const takeThread = (log, { now, keys, busy, ...tools }) => {
  const end = atEnd(log), scroller = scrollerOf(log), top = log.parentElement.getBoundingClientRect().top;
  const anchor = $$(":scope > article", log).find((node) => node.getBoundingClientRect().bottom > top);
  const place = anchor?.getBoundingClientRect().top;
  const come = takeMessages(log, now, tools);
  if (end) toEnd(log);
  else if (anchor?.isConnected) scroller.scrollBy(0, anchor.getBoundingClientRect().top - place);
  const theirs = come.filter((node) => !node.matches(".out,.note"));
  if (theirs.length) say(word.message.replace("#", $("b", theirs.at(-1))?.textContent ?? ""));
  if (come.length && !end) jump(log);
  /* Older than a minute and changed: asks upstream once, as when it was opened. */
  if (now.dataset.hxGet && Date.now() - askedAt > 60_000 && [...keys].some((key) => log.dataset.live.split(" ").includes(key)) && !busy(log)) {
    askedAt = Date.now();
    for (const { name, value } of now.attributes) log.setAttribute(name, value);
    window.htmx?.process(log, true);
  }
};
/* The new messages of the log. What was on its way and arrived is replaced. */
const takeMessages = (log, now, { same, copyOf, wake }) => {
  const come = [];
  const left = new Map($$(":scope > [id]", log).map((node) => [node.id, node]));
  let last = $(":scope > .log-top", log);
  const topNow = $(":scope > .log-top", now);
  if (last && topNow && !same(last, topNow) && !last.contains(document.activeElement)) { const next = copyOf(topNow); last.replaceWith(next); wake(next); last = next }
  for (const node of $$(":scope > [id]", now)) {
    let mine = left.get(node.id);
    left.delete(node.id);
    if (!mine || !same(mine, node) || mine.className !== node.className) {
      const next = copyOf(node);
      if (mine) mine.replaceWith(next); else come.push(next);
      mine = next;
    }
    if (mine.previousElementSibling !== last || !mine.isConnected) { if (last) last.after(mine); else log.prepend(mine) }
    last = mine;
  }
  for (const node of left.values()) node.remove();
  if ($(":scope > article", log)) $$(":scope > p.event:not([id])", log).forEach((node) => node.remove());
  return come;
};
const jump = (log) => {
  const thread = log.closest(".thread");
  if (!thread || $(".live-end", thread)) return;
  const holder = document.createElement("div"), button = document.createElement("button");
  holder.className = "live-end";
  button.type = "button";
  button.className = "live-jump btn small";
  button.textContent = word.jump;
  button.addEventListener("click", () => { toEnd(log); const box = log.parentElement; if (box.tabIndex < 0) box.tabIndex = -1; box.focus({ preventScroll: true }) });
  holder.append(button);
  log.parentElement.after(holder);
};
document.addEventListener("scroll", ({ target }) => {
  const holder = $(".live-end"), log = holder && $("[data-live-thread]");
  if (log && (target === document || target.contains?.(log)) && atEnd(log)) holder.remove();
}, { capture: true, passive: true });

document.addEventListener("live:thread", ({ target, detail }) => takeThread(target, detail));
