// A transition, or a batch, that moves. The browser's own EventSource reads the events, comes again by itself when it is cut off, and says
// from where it goes on: nothing is missed. An event says that something has changed; the page is then asked for, and its changed parts are
// exchanged.

const root = document.querySelector("[data-live]");
const told = root?.dataset.events ?? `${root?.dataset.live}/events`;
const connection = root?.querySelector("[data-connection]");
const section = root?.querySelector("[data-cells]");
const canvas = section?.querySelector("canvas");

// ------------------------------------------------------------------------------------------------------------------ cells

const LOOKS = { n: "--idle", p: "--waiting", m: "--moving", c: "--good", f: "--bad", u: "--held" };
let letters = "";   // as they are
let drawn = "";     // as they were drawn
let shape = "";     // size and colours that they were drawn with
let frame = 0;

function sizes(count) {
  const width = Math.max(120, section.clientWidth);
  const cell = count <= 200 ? 18 : count <= 2000 ? 12 : count <= 20000 ? 7 : 4;
  const columns = Math.max(1, Math.floor(width / cell));
  return { cell, gap: cell > 8 ? 2 : 1, columns, rows: Math.ceil(count / columns) };
}

function draw() {
  frame = 0;
  const { cell, gap, columns, rows } = sizes(letters.length);
  const style = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries(Object.entries(LOOKS).map(([letter, name]) => [letter, style.getPropertyValue(name).trim()]));
  const scale = Math.min(2, devicePixelRatio || 1);
  const now = [letters.length, columns, scale, ...Object.values(colours)].join();
  const context = canvas.getContext("2d");
  if (now !== shape) {
    canvas.width = columns * cell * scale;
    canvas.height = rows * cell * scale;
    canvas.style.aspectRatio = `${columns} / ${rows}`;
    canvas.style.width = `${columns * cell}px`;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    [shape, drawn] = [now, ""];
  }
  // the cells that have changed, and no others: ten thousand of them are drawn in one frame
  for (let at = 0; at < letters.length; at += 1) {
    if (letters[at] === drawn[at]) continue;
    const [x, y] = [(at % columns) * cell, Math.floor(at / columns) * cell];
    context.clearRect(x, y, cell, cell);
    context.fillStyle = colours[letters[at]] ?? colours.n;
    context.fillRect(x, y, cell - gap, cell - gap);
    if (letters[at] === "f" && cell > 8) {
      // not by its colour alone
      context.fillStyle = style.getPropertyValue("--paper").trim();
      context.fillRect(x + cell / 2 - gap, y + 3, gap, cell - gap - 6);
    }
  }
  drawn = letters;
}

function legend() {
  const counts = {};
  for (const letter of letters) counts[letter] = (counts[letter] ?? 0) + 1;
  const number = new Intl.NumberFormat(document.documentElement.lang);
  section.querySelector(".count").textContent = number.format(letters.length);
  const words = [];
  for (const item of section.querySelectorAll("[data-kind]")) {
    const count = counts[item.dataset.kind] ?? 0;
    item.hidden = count === 0;
    item.querySelector("b").textContent = number.format(count);
    if (count) words.push(item.textContent.trim());
  }
  canvas.setAttribute("aria-label", words.join(", "));
}

async function cells() {
  if (!section) return;
  const answer = await fetch(section.dataset.cells);
  if (!answer.ok) return;
  letters = await answer.text();
  if (!letters) return;
  section.hidden = false;
  legend();
  frame ||= requestAnimationFrame(draw);
}

// ------------------------------------------------------------------------------------------------------------------ parts

const common = document.querySelector('script[src*="/portal."]')?.src;
const { exchange, say } = await import(common);

const LEAST = 500;  // milliseconds between two looks at the page; more where a look takes long
const STILL = 30_000; // and where no event comes: an end that was expected has passed, or nothing answers any more
let wanted = false, busy = false, pause = LEAST;

/** How it is, in words: what its head says beside the name. */
const standing = () => root.querySelector('[data-part="head"] .mark')?.textContent ?? "";

async function look() {
  if (busy) { wanted = true; return; }
  [busy, wanted] = [true, false];
  const begun = performance.now();
  try {
    const before = standing();
    const [page] = await Promise.all([exchange(root.dataset.live, root), cells()]);
    if (page) document.title = page.title;
    // whoever hears the page is told when it gets further, and is not told each number
    if (standing() !== before) say(document.title);
  } catch {
    wanted = true;
  }
  pause = Math.max(LEAST, 3 * (performance.now() - begun));
  setTimeout(() => { busy = false; if (wanted) look(); }, pause);
}

// ----------------------------------------------------------------------------------------------------------------- events

let timer = 0, wasLost = false;

function connected(is) {
  if (!is) {
    wasLost = true;
    connection.hidden = false;
    connection.className = "notice held lost";
    connection.textContent = root.dataset.lost;
  } else if (wasLost) {
    wasLost = false;
    connection.className = "notice good lost";
    connection.textContent = root.dataset.back;
    clearTimeout(timer);
    timer = setTimeout(() => { connection.hidden = true; }, 6000);
    look();
  }
}

let source = null, last = "";
function listen() {
  const from = last ? `?lastEventId=${encodeURIComponent(last)}` : "";
  source = new EventSource(`${told}${from}`);
  source.onopen = () => connected(true);
  const changed = (event) => { last = event.lastEventId; look(); };
  for (const name of ["state", "history"]) source.addEventListener(name, changed);
  source.addEventListener("reset", () => location.reload());
  source.addEventListener("end", (event) => { changed(event); source.close(); });
  source.onerror = () => {
    // the browser comes again by itself, unless it was told that there is nothing more, or was refused: a server that is just starting
    connected(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => { fetch(root.dataset.live, { headers: { accept: "text/html" } }).then((answer) => { if (answer.redirected) location.reload(); else listen(); }).catch(listen); }, 2000);
  };
}

if (root) {
  cells();
  addEventListener("resize", () => { if (letters) frame ||= requestAnimationFrame(draw); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (letters) frame ||= requestAnimationFrame(draw); });
  if (!root.dataset.over) {
    addEventListener("offline", () => connected(false));
    setInterval(() => { if (!document.hidden && source?.readyState === EventSource.OPEN) look(); }, STILL);
    listen();
  }
}
