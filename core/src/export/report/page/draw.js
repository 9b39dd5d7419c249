// Waveforms and seams, on canvases that are as sharp as the screen.

const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
};

/** The canvas's context in units of the page, cleared; null while it has no size. */
function surface(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  if (width < 1 || height < 1) return null;
  const scale = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const g = canvas.getContext("2d");
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, width, height);
  return { g, width, height };
}

const signed = (byte) => (byte > 127 ? byte - 256 : byte) / 127;

/** Columns of highest and lowest sample and RMS (three bytes each) into a box. */
function drawColumns(g, bytes, box, colour, soft) {
  const columns = Math.floor(bytes.length / 3);
  const middle = box.y + box.height / 2;
  const half = box.height / 2;
  const pixels = Math.max(1, Math.round(box.width * (window.devicePixelRatio || 1)));
  const step = box.width / pixels;
  const outline = new Path2D();
  const body = new Path2D();
  for (let x = 0; x < pixels; x++) {
    const from = Math.min(columns - 1, Math.floor((x * columns) / pixels));
    const to = Math.min(columns, Math.max(from + 1, Math.floor(((x + 1) * columns) / pixels)));
    let [high, low, rms] = [-1, 1, 0];
    for (let c = from; c < to; c++) {
      high = Math.max(high, signed(bytes[c * 3]));
      low = Math.min(low, signed(bytes[c * 3 + 1]));
      rms = Math.max(rms, bytes[c * 3 + 2] / 255);
    }
    const top = middle - high * half;
    outline.rect(box.x + x * step, top, step, Math.max(0.75, middle - low * half - top));
    body.rect(box.x + x * step, middle - rms * half, step, Math.max(0.75, 2 * rms * half));
  }
  g.fillStyle = soft;
  g.fill(outline);
  g.fillStyle = colour;
  g.fill(body);
}

/** The small waveform of a row of the table. */
function drawThumb(canvas, row) {
  const s = surface(canvas);
  if (!s || !row.thumb) return;
  const c = colours();
  drawColumns(s.g, bytesOf(row.thumb), { x: 0, y: 1, width: s.width, height: s.height - 2 }, c("wave"), c("wave-soft"));
}

const CLASSES = [
  "kick", "snare", "clap", "hat_closed", "hat_open", "tom", "crash", "ride", "perc", "bass", "lead", "stab", "fx", "slice",
];
/** The colour of a class of hits: its name in the style sheet, and what it is now. */
const classKey = (name) => (CLASSES.includes(name) ? `hit-${name.replace("_", "-")}` : "hit-other");
const classVariable = (name) => `var(--${classKey(name)})`;
const classColour = (name) => colours()(classKey(name));
const className = (name) => name.replaceAll("_", " ");

/** The waveform with bars, beats and marks. */
function drawWave(canvas, row, sound, marks) {
  const s = surface(canvas);
  if (!s) return;
  const { g, width, height } = s;
  const c = colours();
  const top = 16;
  const bottom = marks.length ? 12 : 2;
  const box = { x: 0, y: top, width, height: height - top - bottom };
  const { beats, meter } = row;
  g.font = `11px ${c("font") || "sans-serif"}`;
  g.textBaseline = "middle";
  if (beats && beats <= 1024) {
    const bar = meter || beats;
    const space = width / (beats / bar);
    const every = space < 26 ? Math.ceil(26 / space) : 1;
    for (let beat = 0; beat < beats; beat++) {
      const x = Math.round((beat / beats) * width) + 0.5;
      const down = beat % bar === 0;
      const count = beat / bar;
      if (down && Math.floor(count) % 2 === 1) {
        g.fillStyle = c("stripe");
        g.fillRect(x - 0.5, top, Math.min(space, width - x), box.height);
      }
      if (!down && width / beats < 5) continue;
      g.strokeStyle = c(down ? "grid-bar" : "grid-beat");
      g.lineWidth = 1;
      g.beginPath();
      g.moveTo(x, down ? 2 : top);
      g.lineTo(x, top + box.height);
      g.stroke();
      if (down && count % every === 0) {
        g.fillStyle = c("muted");
        g.fillText(String(count + 1), x + 4, 8);
      }
    }
  }
  drawColumns(g, sound.bytes, box, c("wave"), c("wave-soft"));
  const length = seconds(row);
  if (length <= 0) return;
  for (const mark of marks) {
    const at = mark.class === "slice" ? mark.start : mark.peak === undefined ? mark.start : mark.peak;
    const x = clamp((at / length) * width, 0, width - 1);
    g.fillStyle = classColour(mark.class);
    if (mark.class === "slice") {
      g.globalAlpha = 0.55;
      g.fillRect(x, top, 1, box.height);
      g.globalAlpha = 1;
    } else {
      g.globalAlpha = 0.28;
      g.fillRect(x, top, 1, box.height);
      g.globalAlpha = 1;
    }
    g.beginPath();
    g.roundRect(x - 1.5, height - 9, 4, 8, 1.5);
    g.fill();
  }
}

/** The end of the loop joined to its start: first a quarter of a second to each side. */
function drawNear(canvas, sound) {
  const s = surface(canvas);
  if (!s) return;
  const c = colours();
  const { g, width, height } = s;
  drawColumns(g, sound.near, { x: 0, y: 2, width, height: height - 4 }, c("wave"), c("wave-soft"));
  wrapLine(g, width, height, c);
}

function wrapLine(g, width, height, c) {
  g.strokeStyle = c("accent");
  g.lineWidth = 1.5;
  g.setLineDash([4, 3]);
  g.beginPath();
  g.moveTo(width / 2, 0);
  g.lineTo(width / 2, height);
  g.stroke();
  g.setLineDash([]);
}

/** Then sample by sample: a loop that wraps well goes on here as if nothing were. */
function drawEdge(canvas, sound) {
  const s = surface(canvas);
  if (!s) return;
  const c = colours();
  const { g, width, height } = s;
  g.strokeStyle = c("grid-beat");
  g.beginPath();
  g.moveTo(0, height / 2);
  g.lineTo(width, height / 2);
  g.stroke();
  let most = 0.02;
  for (const samples of sound.edge) for (const x of samples) most = Math.max(most, Math.abs(x));
  const names = ["wave", "second"];
  sound.edge.forEach((samples, channel) => {
    const at = (i) => ((i + 0.5) / samples.length) * width;
    const y = (x) => height / 2 - (x / most) * (height / 2 - 8);
    g.strokeStyle = c(names[channel] || "wave");
    g.fillStyle = g.strokeStyle;
    g.lineWidth = 1.25;
    g.lineJoin = "round";
    g.beginPath();
    samples.forEach((x, i) => (i ? g.lineTo(at(i), y(x)) : g.moveTo(at(i), y(x))));
    g.stroke();
    if (width / samples.length >= 2) {
      g.beginPath();
      samples.forEach((x, i) => {
        g.moveTo(at(i) + 1.9, y(x));
        g.arc(at(i), y(x), 1.9, 0, 7);
      });
      g.fill();
    }
  });
  wrapLine(g, width, height, c);
}

/** The drawn part of a row's details, unpacked. */
function unpack(sound) {
  const edge = sound.edge.map((text) => {
    const bytes = bytesOf(text);
    const view = new DataView(bytes.buffer);
    return Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(i * 2, true) / 32767);
  });
  return { peak: sound.peak, bytes: bytesOf(sound.wave), near: bytesOf(sound.near), nearSeconds: sound.nearSeconds, edge };
}
