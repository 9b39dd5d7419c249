// The table: every row there is, sorted and filtered.

const table = (() => {
  const RATED = (index) => {
    const value = ratings.get(index);
    return value === undefined ? undefined : value === "reject" ? 0 : value;
  };
  const seamOf = (row) => (row.seam ? row.seam.after.ratio : undefined);
  // By name, what it sorts by, and whether the first press on it puts the highest first.
  const COLUMNS = [
    { id: "play", label: "Play", hidden: true },
    { id: "name", label: "Loop", by: (row, i) => [ownName(row), i] },
    { id: "kind", label: "Kind", by: (row) => kindName(row.kind) },
    { id: "track", label: "Track", by: (row) => row.track },
    { id: "bars", label: "Bars", by: (row) => row.bars, numeric: true },
    { id: "bpm", label: "BPM", by: (row) => row.bpm, numeric: true },
    { id: "key", label: "Key", by: (row) => row.key },
    { id: "score", label: "Score", by: (row) => row.score, numeric: true, high: true,
      title: "What the scorer says of it; of a break, how sure it is that it is one worth having" },
    { id: "prob", label: "Prob.", by: (row) => row.prob, numeric: true, high: true,
      title: "The probability that it is good: one loop at a time, so that tracks compare" },
    { id: "seam", label: "Seam", by: (row) => seamOf(row), numeric: true,
      title: "The jump at the wrap against those inside the loop: above 1.5 it can click" },
    { id: "rating", label: "Rating", by: (row, i) => RATED(i), high: true },
  ];
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  let sort = { column: null, down: false };
  let shown = rows.map((_, index) => index);
  const lines = [];

  function compare(a, b) {
    if (Array.isArray(a)) return collator.compare(a[0], b[0]) || a[1] - b[1];
    return typeof a === "string" ? collator.compare(a, b) : a - b;
  }

  function order() {
    const indices = rows.map((_, index) => index);
    const column = COLUMNS.find((c) => c.id === sort.column);
    if (!column) return indices;
    const keys = rows.map((row, index) => column.by(row, index));
    return indices.sort((a, b) => {
      // What is not known comes last, whichever way it is sorted.
      if (keys[a] === undefined || keys[b] === undefined) return (keys[a] === undefined) - (keys[b] === undefined) || a - b;
      return (sort.down ? compare(keys[b], keys[a]) : compare(keys[a], keys[b])) || a - b;
    });
  }

  function header() {
    byId("head").append(...COLUMNS.map((column) => {
      const cell = make("th", { scope: "col", class: `c-${column.id}${column.numeric ? " num" : ""}`, title: column.title });
      if (column.by) {
        cell.append(make("button", { type: "button", "data-sort": column.id, click: () => sortBy(column.id) }, column.label));
      } else {
        cell.append(make("span", { class: "sr" }, column.label));
      }
      column.cell = cell;
      return cell;
    }));
  }

  function sortBy(id) {
    const column = COLUMNS.find((c) => c.id === id);
    const first = Boolean(column.high);
    if (sort.column !== id) sort = { column: id, down: first };
    else if (sort.down === first) sort = { column: id, down: !first };
    else sort = { column: null, down: false };
    for (const c of COLUMNS) {
      if (sort.column === c.id) c.cell.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
      else c.cell.removeAttribute("aria-sort");
    }
    update();
    say(sort.column ? `Sorted by ${column.label}, ${sort.down ? "descending" : "ascending"}` : "In the order of export");
  }

  const sight = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting) {
        drawThumb(target, rows[Number(target.dataset.index)]);
        sight.unobserve(target);
      }
    }
  }, { rootMargin: "300px" });

  function line(row, index) {
    const button = make("button", {
      type: "button", class: "play", tabindex: "-1", "aria-label": `Play ${shortName(row)}`, "aria-pressed": "false",
    }, make("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
      make("path", { class: "go", d: "M4.5 2.5v11l9-5.5z" }), make("path", { class: "halt", d: "M3.5 3.5h9v9h-9z" })));
    const thumb = make("canvas", { class: "thumb", "data-index": index, "aria-hidden": "true" });
    const name = ownName(row);
    const sub = make("span", { class: "sub" }, make("span", { class: "of" }, `${row.track} · `),
      [row.bars === undefined ? "" : `${barsText(row.bars)} bar${row.bars === 1 ? "" : "s"}`, row.bpm === undefined ? "" : `${tempoText(row.bpm)} BPM`]
        .filter(Boolean).join(" · "));
    const state = row.state === "ok" ? null : make("span", { class: "state", title: row.problem }, STATES[row.state] || row.state);
    const seam = seamOf(row);
    const faded = row.seam && row.seam.crossfade_ms > 0;
    const cell = (id, text, attributes) => {
      const column = COLUMNS.find((c) => c.id === id);
      return make("td", { class: `c-${id}${column.numeric ? " num" : ""}`, ...attributes }, text);
    };
    const rating = cell("rating", "");
    const tr = make("tr", { "data-index": index, class: row.state === "ok" ? "" : "gone" },
      cell("play", button),
      make("th", { scope: "row", class: "c-name", title: row.file },
        make("span", { class: "with-thumb" }, row.thumb ? thumb : null,
          make("span", { class: "names" }, make("span", { class: "name" }, name), state, sub))),
      cell("kind", make("span", { class: `kind k-${row.kind.replace(/[^a-z_-]/g, "")}` }, kindName(row.kind))),
      cell("track", row.track, { title: row.source || row.track }),
      cell("bars", barsText(row.bars)),
      cell("bpm", tempoText(row.bpm)),
      cell("key", row.key || ""),
      cell("score", meter(row.score)),
      cell("prob", meter(row.prob)),
      cell("seam", seam === undefined ? "" : make("span", { class: seam > 1.5 ? "bad" : "", title: faded ? "cross-faded" : "cut as it is" },
        number(seam, 2), faded ? make("span", { class: "faded" }, "×") : null)),
      rating);
    if (row.thumb) sight.observe(thumb);
    tr.addEventListener("click", (event) => {
      const pressed = event.target.closest("button.play");
      if (pressed) {
        select(index);
        toggle(index);
      } else {
        select(index);
      }
    });
    tr.addEventListener("dblclick", () => play(index));
    lines[index] = { tr, button, rating, thumb };
    return tr;
  }

  /** A number from 0 to 1 with a bar under it; others as they are. */
  function meter(value) {
    if (value === undefined) return "";
    const inside = value >= 0 && value <= 1;
    const text = make("span", { class: "value" }, number(value, 2));
    if (!inside) return text;
    const fill = make("i", { "aria-hidden": "true" });
    fill.style.width = `${Math.round(value * 100)}%`;
    return make("span", { class: "meter" }, text, make("b", { "aria-hidden": "true" }, fill));
  }

  function words() {
    return byId("filter").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  }

  function fits(row, index, all) {
    const kind = byId("f-kind").value;
    const bars = byId("f-bars").value;
    const key = byId("f-key").value;
    const rated = byId("f-rated").value;
    const value = ratings.get(index);
    if (kind && kindName(row.kind) !== kind) return false;
    if (bars && barsText(row.bars) !== bars) return false;
    if (key && (row.key || "") !== key) return false;
    if (rated === "none" && value !== undefined) return false;
    if (rated === "any" && value === undefined) return false;
    if (rated === "good" && !(value >= 4)) return false;
    if (rated === "x" && value !== "reject") return false;
    const text = `${row.file} ${row.track} ${row.source || ""} ${kindName(row.kind)} ${row.key || ""} ${ownName(row)}`.toLowerCase();
    return all.every((word) => {
      const range = /^(\d+(?:\.\d+)?)[-–](\d+(?:\.\d+)?)(?:bpm)?$/.exec(word);
      if (range) return row.bpm >= Number(range[1]) - 0.005 && row.bpm <= Number(range[2]) + 0.005;
      return text.includes(word);
    });
  }

  function update() {
    const all = words();
    shown = order().filter((index) => fits(rows[index], index, all));
    byId("rows").replaceChildren(...shown.map((index) => lines[index].tr));
    const total = rows.length;
    byId("shown").textContent = shown.length === total ? `${total} loop${total === 1 ? "" : "s"}` : `${shown.length} of ${total}`;
    byId("nothing").hidden = shown.length > 0;
    focusable();
  }

  /** One row is in the order of tabs: the selected one, or the first. */
  function focusable() {
    const current = shown.includes(state.selected) ? state.selected : shown[0];
    lines.forEach(({ button }, index) => { button.tabIndex = index === current ? 0 : -1; });
  }

  function choices(id, all, values) {
    byId(id).append(make("option", { value: "" }, all), ...values.map((v) => make("option", { value: v }, v)));
    byId(id).closest("label").hidden = values.length < 2;
  }

  function start() {
    header();
    rows.forEach((row, index) => line(row, index));
    for (const column of COLUMNS) {
      // A column that says nothing of any row only takes room.
      if (column.by && !["name", "rating"].includes(column.id) && rows.every((row, i) => column.by(row, i) === undefined)) {
        byId("table").classList.add(`no-${column.id}`);
      }
    }
    const tracks = new Set(rows.map((row) => row.track)).size;
    if (tracks < 2 || rows.every((row) => row.track === ownName(row))) byId("table").classList.add("no-track");
    const unique = (values) => [...new Set(values.filter((v) => v !== undefined && v !== ""))];
    choices("f-kind", "All kinds", unique(rows.map((row) => kindName(row.kind))));
    choices("f-bars", "All lengths", unique(rows.map((row) => barsText(row.bars))).sort((a, b) => a - b));
    for (const option of byId("f-bars").options) if (option.value) option.textContent = `${option.value} bar${option.value === "1" ? "" : "s"}`;
    choices("f-key", "All keys", unique(rows.map((row) => row.key)).sort(collator.compare));
    for (const id of ["f-kind", "f-bars", "f-key", "f-rated"]) byId(id).addEventListener("change", update);
    byId("filter").addEventListener("input", update);
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("clear").addEventListener("click", () => {
      byId("filter").value = "";
      for (const id of ["f-kind", "f-bars", "f-key", "f-rated"]) byId(id).value = "";
      update();
    });
    on("select", (index, before) => {
      if (lines[before]) lines[before].tr.removeAttribute("aria-current");
      if (lines[index]) lines[index].tr.setAttribute("aria-current", "true");
      focusable();
    });
    on("play", () => lines.forEach(({ tr, button }, index) => {
      const playing = player.playing(index);
      tr.classList.toggle("playing", playing);
      button.setAttribute("aria-pressed", String(playing));
    }));
    const rated = (index) => {
      const value = ratings.get(index);
      const { rating } = lines[index];
      rating.textContent = ratingText(value);
      rating.classList.toggle("rejected", value === "reject");
      if (value !== undefined) rating.setAttribute("aria-label", value === "reject" ? "rejected" : `${value} of 5`);
      else rating.removeAttribute("aria-label");
    };
    on("rate", (index) => (index < 0 ? rows.forEach((_, i) => rated(i)) : rated(index)));
    rows.forEach((_, index) => rated(index));
    update();
  }

  /** Selects the row that many places on. */
  function move(by) {
    if (shown.length === 0) return -1;
    const at = shown.indexOf(state.selected);
    const to = at < 0 ? (by > 0 ? 0 : shown.length - 1) : clamp(at + by, 0, shown.length - 1);
    const index = shown[to];
    select(index);
    lines[index].button.focus({ preventScroll: true });
    lines[index].tr.scrollIntoView({ block: "nearest" });
    return index;
  }

  const redraw = () => lines.forEach(({ thumb }, index) => { if (rows[index].thumb) sight.observe(thumb); });
  return { start, update, move, sortBy, redraw, first: () => shown[0], shown: () => shown };
})();

function select(index) {
  if (index === state.selected || !rows[index]) return;
  const before = state.selected;
  state.selected = index;
  tell("select", index, before);
}
