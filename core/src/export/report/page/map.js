// The contact map: how alike the loops are, pair by pair, in an order that puts together what belongs together.

const contactMap = (() => {
  let known = null;
  let place = new Map();
  let cell = [0, 0];
  let canvas = null;
  let info = null;
  let painted = null;

  function load() {
    if (!data.map) return Promise.reject(new Error("This report has no contact map."));
    if (!known) {
      known = loadPart("map", 0, "map.js").then((text) => {
        const map = JSON.parse(text);
        map.n = map.names.length;
        map.bytes = bytesOf(map.cells);
        map.rows.forEach((row, i) => { if (row !== null && !place.has(row)) place.set(row, i); });
        return map;
      });
      known.catch(() => { known = null; });
    }
    return known;
  }

  const value = (map, i, j) => map.low + (map.bytes[i * map.n + j] / 255) * (map.high - map.low);
  const nameOf = (map, i) => (map.rows[i] === null ? map.names[i].split(/[/\\]/).pop() : label(rows[map.rows[i]]));
  const label = (row) => `${ownName(row)}${row.track === ownName(row) ? "" : ` · ${row.track}`}`;

  // Perceptually even, dark to light (after viridis), so that it reads without seeing colours.
  const STOPS = [[20, 14, 54], [59, 47, 128], [44, 107, 142], [33, 153, 137], [94, 201, 98], [250, 230, 60]];
  function colour(byte) {
    const at = (byte / 255) * (STOPS.length - 1);
    const i = Math.min(STOPS.length - 2, Math.floor(at));
    return STOPS[i].map((x, k) => Math.round(x + (STOPS[i + 1][k] - x) * (at - i)));
  }

  function paint(map) {
    const image = document.createElement("canvas");
    [image.width, image.height] = [map.n, map.n];
    const g = image.getContext("2d");
    const pixels = g.createImageData(map.n, map.n);
    const palette = Array.from({ length: 256 }, (_, byte) => colour(byte));
    map.bytes.forEach((byte, i) => {
      const [r, green, b] = palette[byte];
      pixels.data.set([r, green, b, 255], i * 4);
    });
    g.putImageData(pixels, 0, 0);
    return image;
  }

  function draw(map) {
    const s = canvas && surface(canvas);
    if (!s) return;
    const { g, width } = s;
    const size = width / map.n;
    g.imageSmoothingEnabled = size < 1;
    g.drawImage(painted, 0, 0, width, width);
    const [i, j] = cell;
    const c = colours();
    g.lineWidth = 1;
    g.strokeStyle = "rgba(255,255,255,.55)";
    g.strokeRect(0, i * size, width, size);
    g.strokeRect(j * size, 0, size, width);
    g.lineWidth = 2;
    g.strokeStyle = c("map-mark");
    g.strokeRect(j * size - 1, i * size - 1, size + 2, size + 2);
  }

  function tellCell(map, played) {
    const [i, j] = cell;
    const line = (k, mark) => make("p", { class: "pair-line" }, make("b", {}, mark), " ", nameOf(map, k),
      map.rows[k] === null ? make("em", {}, " is not in this report") : null);
    const alike = make("p", { class: "alike" }, "Similarity ", make("strong", {}, number(value(map, i, j), 3)));
    info.replaceChildren(line(i, "A"), line(j, "B"), alike);
    if (played) say(`${nameOf(map, i)} and ${nameOf(map, j)}, similarity ${number(value(map, i, j), 3)}`);
  }

  function choose(map, i, j, sound) {
    cell = [clamp(i, 0, map.n - 1), clamp(j, 0, map.n - 1)];
    tellCell(map, true);
    draw(map);
    const [a, b] = [map.rows[cell[0]], map.rows[cell[1]]];
    if (!sound) return;
    const both = [a, b].filter((row) => row !== null && playable(row));
    if (both.length === 0) {
      player.stop();
      toast("Neither of the two can be played here.");
    } else {
      if (a !== null) select(a);
      if (both.length === 2) playPair(a, b);
      else play(both[0]);
    }
  }

  async function show() {
    const box = byId("map");
    let map;
    try {
      map = await load();
    } catch (error) {
      box.replaceChildren(make("p", { class: "problem" }, error.message));
      return;
    }
    if (!canvas) {
      painted = paint(map);
      canvas = make("canvas", { class: "heat", tabindex: "0", role: "application",
        "aria-label": `Contact map of ${map.n} loops. Arrows move, Enter plays both loops.` });
      info = make("div", { class: "pair", role: "status" });
      const legend = make("canvas", { class: "legend", "aria-hidden": "true" });
      box.replaceChildren(
        make("div", { class: "map-side" }, make("h2", {}, "Contact map"),
          make("p", { class: "note" }, "Which loops go together: the brighter, the more alike. Neighbours in order belong together. Click a cell to hear both loops at one tempo."),
          info,
          make("div", { class: "pair-buttons" },
            make("button", { type: "button", class: "small", click: () => map.rows[cell[0]] !== null && play(map.rows[cell[0]]) }, "Play A"),
            make("button", { type: "button", class: "small", click: () => map.rows[cell[1]] !== null && play(map.rows[cell[1]]) }, "Play B"),
            make("button", { type: "button", class: "small strong", click: () => choose(map, ...cell, true) }, "Both"),
            make("button", { type: "button", class: "small", click: () => player.stop() }, "Stop")),
          make("div", { class: "legend-line" }, make("span", {}, number(map.low, 2)), legend, make("span", {}, number(map.high, 2)))),
        make("div", { class: "heat-box" }, canvas));
      const at = (event) => {
        const { left, top, width, height } = canvas.getBoundingClientRect();
        const of = (x, size) => clamp(Math.floor((x / size) * map.n), 0, map.n - 1);
        return [of(event.clientY - top, height), of(event.clientX - left, width)];
      };
      canvas.addEventListener("pointermove", (event) => {
        const before = cell;
        cell = at(event);
        if (before[0] !== cell[0] || before[1] !== cell[1]) {
          tellCell(map, false);
          draw(map);
        }
      });
      canvas.addEventListener("click", (event) => choose(map, ...at(event), true));
      canvas.addEventListener("keydown", (event) => {
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
        if (step) choose(map, cell[0] + step[0], cell[1] + step[1], player.playing());
        else if (event.key === "Enter") choose(map, ...cell, true);
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      requestAnimationFrame(() => {
        const s = surface(legend);
        if (!s) return;
        for (let x = 0; x < s.width; x++) {
          s.g.fillStyle = `rgb(${colour((x / s.width) * 255).join(",")})`;
          s.g.fillRect(x, 0, 1, s.height);
        }
      });
    }
    const own = place.get(state.selected);
    if (own !== undefined && cell[0] !== own) cell = [own, nearest(map, own, 1)[0] ?? own];
    tellCell(map, false);
    draw(map);
  }

  /** The places most like one, best first. */
  function nearest(map, i, count) {
    const others = Array.from({ length: map.n }, (_, j) => j).filter((j) => j !== i);
    return others.sort((a, b) => map.bytes[i * map.n + b] - map.bytes[i * map.n + a] || a - b).slice(0, count);
  }

  /** What goes with a row; filled in once the map is there. */
  function partners(index) {
    if (!data.map) return null;
    const list = make("ul", { class: "partners" });
    const part = make("section", { class: "part" }, make("h3", {}, "Goes with"), list);
    load().then((map) => {
      const own = place.get(index);
      if (own === undefined) {
        part.remove();
        return;
      }
      list.append(...nearest(map, own, 5).filter((j) => map.rows[j] !== null && map.rows[j] !== index).map((j) => make("li", {},
        make("button", { type: "button", class: "small", "aria-label": `Play both with ${nameOf(map, j)}`,
          click: () => playPair(index, map.rows[j]) }, "Both"),
        make("button", { type: "button", class: "link", click: () => select(map.rows[j]) }, nameOf(map, j)),
        make("span", { class: "num" }, number(value(map, own, j), 2)))));
    }).catch(() => part.remove());
    return part;
  }

  const redraw = () => { if (known && canvas) known.then(draw); };
  return { show, partners, redraw };
})();
