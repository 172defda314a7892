// What every page does beyond what it does without a script: copying ids, times of the reader's place, selecting, keys, what stands in
// the way of each customer. Nothing here is needed to use a page.

const said = document.getElementById("said");
const french = document.documentElement.lang === "fr";
export const say = (text) => { if (said) said.textContent = text; };

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.done = "";
    say(french ? "Copié" : "Copied");
    setTimeout(() => { delete button.dataset.done; }, 1500);
  } catch {
    // without leave, the text is selected, to be copied by hand
    getSelection().selectAllChildren(button.previousElementSibling);
  }
});

// Times are in UTC on the page, as they are on invoices; the reader sees those of his place and in its manner, with UTC in the title.
const tongue = document.documentElement.lang;
const manner = (navigator.languages ?? []).find((one) => one.split("-")[0] === tongue) ?? tongue;
const format = new Intl.DateTimeFormat(manner, { dateStyle: "medium", timeStyle: "short" });
export function times(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = format.format(at);
  }
}
times(document);
document.addEventListener("planshift:changed", (event) => times(event.target));

// On a phone the way to the other pages is one line: the present one is to be seen.
const present = document.querySelector(".bar nav [aria-current]");
if (present) present.parentElement.scrollLeft = present.offsetLeft - present.parentElement.offsetLeft - 48;

// A time zone that nobody has filled in yet is the reader's own.
for (const field of document.querySelectorAll("[data-time-zone]")) field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

// "/" goes to the search, as on other pages that people live in; Escape leaves it.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector('[data-key="/"]');
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
  if (event.key === "Escape" && isTyping) event.target.blur();
});

for (const form of document.querySelectorAll("[data-select]")) {
  const boxes = [...form.querySelectorAll('input[name="customer"]')];
  const all = form.querySelector("[data-all]");
  const every = form.querySelector('input[name="all"]');
  const shown = form.querySelector("[data-selected]");
  const button = form.querySelector("button.primary");
  if (!shown) continue;
  let last = null;
  const count = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    shown.textContent = chosen ? `${chosen} ${shown.dataset.some}` : shown.dataset.none;
    all.checked = chosen === boxes.length && chosen > 0;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    button.disabled = chosen === 0 && !every.checked;
  };
  // with Shift, everything from the last one to this
  form.addEventListener("click", (event) => {
    const at = boxes.indexOf(event.target);
    if (at < 0) return;
    if (event.shiftKey && last !== null) {
      const [from, to] = [Math.min(at, last), Math.max(at, last)];
      for (const box of boxes.slice(from, to + 1)) box.checked = event.target.checked;
    }
    last = at;
  });
  form.addEventListener("change", (event) => {
    if (event.target === all) for (const box of boxes) box.checked = all.checked;
    count();
  });
  addEventListener("pageshow", count);
  count();
}

// Customers that nobody has looked at are looked at some hundred at a time, until none is left or none can be told.
const looking = document.querySelector("[data-look]");
looking?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const shown = looking.querySelector("[data-left]");
  const fields = new URLSearchParams(new FormData(looking));
  looking.querySelector("button").disabled = true;
  for (let left = Number(shown.dataset.left); left > 0;) {
    const answer = await fetch(looking.action, { method: "POST", body: fields, headers: { accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) break;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = Number(page.querySelector("[data-left]")?.dataset.left ?? 0);
    if (now >= left) break;
    left = now;
    shown.textContent = new Intl.NumberFormat(document.documentElement.lang).format(left);
  }
  location.assign(looking.dataset.look);
});

// What stands in the way of each customer of the page, asked for once the page is there.
const asked = [...document.querySelectorAll("[data-blocker]")];
if (asked.length) {
  const ids = asked.map((cell) => cell.dataset.partner ? `${cell.dataset.blocker}:${cell.dataset.partner}` : cell.dataset.blocker);
  fetch(`/portal/blockers?customers=${ids.join(",")}`, { headers: { accept: "text/html" } })
    .then(async (answer) => {
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const told = [...page.querySelectorAll("[data-for]")];
      asked.forEach((cell, at) => { if (told[at]) cell.replaceChildren(...told[at].childNodes); });
    })
    .catch(() => { for (const cell of asked) cell.textContent = "–"; });
}

// A page that asks again by itself while something goes on: its parts that are other than before are exchanged.
export async function exchange(here, root) {
  const answer = await fetch(here, { headers: { accept: "text/html" } });
  if (answer.redirected) { location.reload(); return false; }
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of root.querySelectorAll("[data-part]")) {
    const now = page.querySelector(`[data-part="${old.dataset.part}"]`);
    if (!now || now.innerHTML === (old.was ?? (old.was = original(old)))) continue;
    // what somebody has opened stays open, and what has the focus keeps it
    const open = [...old.querySelectorAll("details")].map((one) => one.open);
    const place = old.contains(document.activeElement) ? [...old.querySelectorAll("a, button, summary, [tabindex]")].indexOf(document.activeElement) : -1;
    old.was = now.innerHTML;
    old.replaceChildren(...now.childNodes);
    old.querySelectorAll("details").forEach((one, at) => { if (at < open.length) one.open = open[at]; });
    if (place >= 0) {
      // what had the focus may be gone: its neighbour has it then, or the heading, and not the top of the page
      const all = [...old.querySelectorAll("a, button, summary, [tabindex]")];
      const next = all[Math.min(place, all.length - 1)] ?? old.querySelector("h1, h2");
      if (next && !next.matches("a, button, summary, [tabindex]")) next.tabIndex = -1;
      next?.focus();
    }
    old.dispatchEvent(new CustomEvent("planshift:changed", { bubbles: true }));
  }
  return page;
}
function original(part) {
  const copy = part.cloneNode(true);
  for (const time of copy.querySelectorAll("time[title]")) { time.textContent = time.title; time.removeAttribute("title"); }
  return copy.innerHTML;
}

const polled = document.querySelector("[data-poll]");
if (polled) {
  const every = Number(polled.dataset.every ?? 2000);
  const again = async () => {
    // what nobody sees need not move
    if (document.hidden) { document.addEventListener("visibilitychange", again, { once: true }); return; }
    const page = await exchange(polled.dataset.poll, polled).catch(() => null);
    if (page && !page.querySelector("[data-poll]")) return;
    setTimeout(again, every);
  };
  setTimeout(again, every / 2);
}

document.documentElement.dataset.ready = String(Math.round(performance.now()));
