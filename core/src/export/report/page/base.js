// What the other parts stand on: the data, elements, and scripts that are loaded when they are needed.

const data = JSON.parse(document.getElementById("data").textContent);
const rows = data.rows;
const nonce = document.currentScript.nonce;
const byId = (id) => document.getElementById(id);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

/** Makes an element. Text and attributes are data: they are set, and never parsed. */
function make(tag, attributes, ...children) {
  const svg = ["svg", "path", "rect", "line", "circle", "text", "g", "polyline"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** For those who do not see the page. */
function say(text) {
  byId("say").textContent = text;
}

let toastTimer = 0;
/** A short notice for everybody. */
function toast(text) {
  const element = byId("toast");
  element.textContent = text;
  element.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { element.hidden = true; }, 3200);
  say(text);
}

const KINDS = {
  "loop": "Loop", "quiet": "Quiet loop", "drums_only": "Break", "drum_heavy": "Break, not alone", "break": "Break",
  "one-shot": "One-shot", "silence": "Silence",
};
const kindName = (kind) => Object.hasOwn(KINDS, kind) ? KINDS[kind] : kind;
const STATES = {
  missing: "missing", changed: "changed", outside: "outside", unreadable: "unreadable",
};

/** The file's name without its folders and ending. */
function fileName(row) {
  const name = row.file.split("/").pop();
  return name.replace(/\.[A-Za-z0-9]{1,5}$/, "");
}

/** What a loop is called in the table: its file, but breaks and quiet loops by their number, which say more. */
function shortName(row) {
  const parts = row.file.split("/");
  const match = /^break_(\d+)$/.exec(parts[parts.length - 2] || "");
  if (match) return `Break ${Number(match[1])}`;
  const quiet = row.kind === "quiet" && /^loop_(\d+)$/.exec(fileName(row));
  if (quiet) return `Quiet loop ${Number(quiet[1])}`;
  return fileName(row);
}

/** Names of loops repeat the track, the tempo and the key, which have columns of their own: what is left. */
function ownName(row) {
  const name = shortName(row);
  const number = / - (\d{2,})$/.exec(name);
  if (number && /\d+bpm/i.test(name)) return `${kindName(row.kind)} ${Number(number[1])}`;
  return name;
}

const number = (x, digits) => (x === undefined || x === null ? "" : x.toFixed(digits));
/** A tempo, without zeros that say nothing. */
const tempoText = (bpm) => (bpm === undefined ? "" : String(Math.round(bpm * 100) / 100));
const barsText = (bars) => (bars === undefined ? "" : String(Math.round(bars * 100) / 100));
const seconds = (row) => (row.rate > 0 ? row.frames / row.rate : 0);
function clock(time) {
  const tenths = Math.round(time * 10);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

/** Bytes from base64. */
function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

// A page that was opened from disk may not fetch, but it may load scripts: each calls loopwrightPart with what it holds.
const parts = new Map();
window.loopwrightPart = (what, index, value) => {
  const waiting = parts.get(`${what} ${index}`);
  if (waiting) waiting.value = value;
};

function loadPart(what, index, file) {
  const name = `${what} ${index}`;
  const known = parts.get(name);
  if (known) return known.promise;
  const part = { value: undefined, promise: null };
  part.promise = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.nonce = nonce;
    script.src = file;
    const end = (error) => {
      script.remove();
      parts.delete(name);
      if (error) reject(error);
      else resolve(part.value);
    };
    script.addEventListener("load", () => end(part.value === undefined ? new Error(`${file} holds nothing`) : null));
    script.addEventListener("error", () => end(new Error(`${file} cannot be read: is the report's folder complete?`)));
    document.head.append(script);
  });
  parts.set(name, part);
  return part.promise;
}

const fileOf = (folder, index) => `${folder}/${String(index + 1).padStart(4, "0")}.js`;
const detailsKnown = new Map();
/** What is drawn of a row, and why it was chosen. Kept: it is small. */
function details(index) {
  if (!detailsKnown.has(index)) {
    const promise = loadPart("loop", index, fileOf("loops", index)).then((text) => JSON.parse(text));
    promise.catch(() => detailsKnown.delete(index));
    detailsKnown.set(index, promise);
  }
  return detailsKnown.get(index);
}

// What is selected, and who wants to know.
const state = { selected: -1, view: "table" };
const listeners = { select: [], play: [], rate: [] };
const on = (event, listener) => listeners[event].push(listener);
const tell = (event, ...values) => listeners[event].forEach((listener) => listener(...values));
