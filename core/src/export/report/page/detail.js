// What is selected: its waveform, its rating, why it was chosen, its seam, its hits.

const detail = (() => {
  // What speaks for a loop, in the order of what the finder looks at; those from 0 to 1 as bars. "less" is better low.
  const WHY = [
    ["score", "Score"], ["score_prob", "Probability"], ["break_score", "Break score"],
    ["inside_section", "Inside one section"], ["unit_divides", "Whole repeats"], ["rep_unit", "Section repeats"],
    ["rep_span", "Repeats at its length"], ["recurs_before", "Heard just before"], ["recurs_after", "Heard just after"],
    ["recurs_elsewhere", "Heard elsewhere"], ["chroma_closure", "Harmony closes"], ["wrap_flux_percentile", "Jump at the wrap", "less"],
    ["holds_fill", "Holds a fill", "less"], ["worst_bar_unlike", "Most singular bar", "less"],
    ["perc_to_total_rms", "Percussive part"], ["grid_confidence", "Grid confidence"],
  ];
  const SUMS = {
    score: "The scorer's score: how likely the loop runs round well.",
    score_prob: "The probability that it is good, to compare across tracks.",
    break_score: "How sure it is that it is a break worth having.",
    grid_confidence: "How far the track's beats and bars can be trusted.",
    ml_score: "What the scorer of loops says of it.",
  };
  let canvases = {};
  let current = null;
  let ticket = 0;
  let head = null;

  const about = (name) => (Object.hasOwn(data.features, name) ? data.features[name] : null);
  const section = (title, ...children) => make("section", { class: "part" }, make("h3", {}, title), ...children);

  function facts(row) {
    const list = [];
    const add = (name, text, title) => { if (text) list.push(make("div", { title }, make("dt", {}, name), make("dd", {}, text))); };
    add("Bars", row.bars === undefined ? "" : `${barsText(row.bars)}${row.meter ? ` (${row.meter}/4)` : ""}`);
    add("BPM", tempoText(row.bpm));
    add("Key", row.key);
    add("Length", row.frames ? `${number(seconds(row), 3)} s` : "", `${row.frames} frames at ${row.rate} Hz`);
    if (row.end > row.start && row.source) add("In the track", `${clock(row.start)} to ${clock(row.end)}`, row.source);
    return make("dl", { class: "facts" }, ...list);
  }

  function stars(index) {
    const buttons = [1, 2, 3, 4, 5].map((value) => make("button", {
      type: "button", class: "star", "data-rate": value, "aria-label": `${value} of 5`, "aria-pressed": "false",
      title: `${value} (key ${value})`, click: () => rate(index, value),
    }, "★"));
    const reject = make("button", {
      type: "button", class: "reject", "data-rate": "reject", "aria-pressed": "false", title: "Reject (key X)",
      click: () => rate(index, "reject"),
    }, "✕ Reject");
    return make("div", { class: "stars", role: "group", "aria-label": "Rating" }, make("span", { class: "row-of-stars" }, ...buttons), reject);
  }

  function showRating() {
    if (!current) return;
    const value = ratings.get(current.index);
    for (const button of byId("detail").querySelectorAll("[data-rate]")) {
      const own = button.dataset.rate;
      const held = own === "reject" ? value === "reject" : typeof value === "number" && Number(own) <= value;
      button.classList.toggle("on", held);
      button.setAttribute("aria-pressed", String(own === String(value)));
    }
  }

  function bar(name, label, value, less) {
    const info = about(name);
    const fill = make("i", { class: less ? "less" : "" });
    fill.style.width = `${clamp(value, 0, 1) * 100}%`;
    return make("div", { class: "why", title: info ? info.doc : SUMS[name] },
      make("span", { class: "why-name" }, label), make("span", { class: "why-bar", "aria-hidden": "true" }, fill),
      make("span", { class: "why-value" }, number(value, 2)));
  }

  function why(found) {
    const reasons = found.reasons.map((reason) => make("li", {}, reason));
    // The scorer's score often is a probability: once is enough.
    const twice = found.measures.score === found.measures.score_prob;
    const bars = WHY.filter(([name]) => !(twice && name === "score_prob"))
      .filter(([name]) => Object.hasOwn(found.measures, name) && found.measures[name] >= 0 && found.measures[name] <= 1.0001)
      .map(([name, label, less]) => bar(name, label, found.measures[name], less));
    if (!reasons.length && !bars.length) return null;
    const others = Object.keys(found.measures).filter((name) => !/^(pt_mel|emb|openl3)_\d+$/.test(name)).sort();
    const all = others.length < 4 ? null : make("details", { class: "all" }, make("summary", {}, `All ${others.length} measures`),
      make("table", { class: "measures" }, make("tbody", {}, ...others.map((name) => make("tr", { title: about(name) ? about(name).doc : undefined },
        make("th", { scope: "row" }, name), make("td", { class: "num" }, String(Math.round(found.measures[name] * 1e4) / 1e4)),
        make("td", { class: "unit" }, about(name) ? about(name).unit : ""))))));
    return section("Why it was chosen", reasons.length ? make("ul", { class: "reasons" }, ...reasons) : null,
      bars.length ? make("div", { class: "bars" }, ...bars) : null, all);
  }

  function seam(row, sound) {
    if (!sound) return null;
    const near = make("canvas", { class: "near", role: "img",
      "aria-label": `The last ${number(sound.nearSeconds, 2)} seconds of the loop joined to its first` });
    const edge = make("canvas", { class: "edge", role: "img", "aria-label": "The samples around the wrap" });
    canvases.near = near;
    canvases.edge = edge;
    const notes = [];
    if (row.seam) {
      const { before, after, crossfade_ms: fade } = row.seam;
      const click = after.ratio > 1.5 || Math.abs(after.energy_db) > 0.5;
      const verdict = click ? "It may click" : "No click";
      notes.push(make("strong", { class: click ? "bad" : "good" }, verdict), ` · jump ${number(after.ratio, 2)}`);
      if (fade > 0) notes.push(` (${number(before.ratio, 2)} before a cross-fade of ${number(fade, 1)} ms)`);
      else if (Math.abs(before.ratio - after.ratio) > 0.005) notes.push(` (${number(before.ratio, 2)} before it was mended)`);
      else notes.push(", cut as it is");
      notes.push(`, energy ${after.energy_db >= 0 ? "+" : "−"}${number(Math.abs(after.energy_db), 2)} dB`);
    }
    const reach = sound.edge[0] ? (sound.edge[0].length / 2 / row.rate) * 1000 : 0;
    const hear = make("button", { type: "button", class: "small", title: "Jump to just before the wrap (J)", click: () => hearSeam() }, "Hear it");
    const part = section("Seam", make("p", { class: "note" }, ...notes, " ", playable(current.index) ? hear : null),
      make("div", { class: "seam-views" },
        make("figure", {}, near, make("figcaption", {}, `end | start, ±${number(sound.nearSeconds * 1000, 0)} ms`)),
        make("figure", {}, edge, make("figcaption", {}, `±${number(reach, 1)} ms, sample by sample`))));
    part.classList.add("seam");
    return part;
  }

  function hits(index, found) {
    if (!found.marks.length) return null;
    const groups = new Map();
    found.marks.forEach((mark) => groups.set(mark.class, [...(groups.get(mark.class) || []), mark]));
    const slices = groups.size === 1 && groups.has("slice");
    const lists = [...groups].sort((a, b) => b[1].length - a[1].length).map(([name, marks]) => {
      const dot = make("i", { class: "dot", "aria-hidden": "true" });
      dot.style.background = classVariable(name);
      const buttons = marks.map((mark, i) => {
        const sure = mark.confidence === undefined ? "" : `, ${Math.round(mark.confidence * 100)} %`;
        const button = make("button", {
          type: "button", class: "hit", "aria-label": `Play ${className(name)} ${i + 1}`, title: `${number(mark.start, 3)} s${sure}`,
          click: () => playable(index) && player.play([{ index, span: [mark.start, mark.end] }]),
        }, String(i + 1));
        button.style.borderColor = classVariable(name);
        return button;
      });
      return make("div", { class: "hit-class" }, make("h4", {}, dot, className(name), make("small", {}, String(marks.length))),
        make("div", { class: "hit-buttons" }, ...buttons));
    });
    return section(slices ? "Slices" : "Hits by class", make("div", { class: "hits" }, ...lists));
  }

  function files(row) {
    const link = row.href ? make("a", { href: row.href, target: "_blank", rel: "noopener" }, row.file) : make("span", {}, row.file);
    return make("p", { class: "file" }, link);
  }

  async function show(index) {
    const mine = ++ticket;
    const row = rows[index];
    current = { index, sound: null, marks: [] };
    canvases = {};
    const wave = make("canvas", { class: "wave", role: "img", "aria-label": `Waveform of ${shortName(row)} with its bars and beats` });
    head = make("i", { class: "head", "aria-hidden": "true", hidden: true });
    const shell = make("div", { class: "wave-box" }, wave, head);
    canvases.wave = wave;
    shell.addEventListener("pointerdown", (event) => {
      const { left, width } = wave.getBoundingClientRect();
      play(index, { offset: clamp((event.clientX - left) / width, 0, 0.9999) * seconds(row) });
    });
    const button = make("button", { type: "button", class: "play big", "aria-label": "Play or stop", click: () => toggle(index) },
      make("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
        make("path", { class: "go", d: "M4.5 2.5v11l9-5.5z" }), make("path", { class: "halt", d: "M3.5 3.5h9v9h-9z" })));
    const below = make("div", { class: "below" });
    const where = row.track === ownName(row) ? "" : row.track;
    byId("detail").replaceChildren(make("div", { class: "now" },
      make("div", { class: "detail-head" }, button,
        make("div", { class: "titles" }, make("h2", {}, ownName(row)),
          make("p", { class: "sub" }, make("span", { class: `kind k-${row.kind.replace(/[^a-z_-]/g, "")}` }, kindName(row.kind)), " ", where)), stars(index)),
      row.problem ? make("p", { class: "problem" }, `This file ${row.problem}.`) : null,
      shell, facts(row)), below);
    button.disabled = !playable(index);
    showRating();
    showPlaying();
    let found;
    try {
      found = await details(index);
    } catch (error) {
      if (mine === ticket) below.replaceChildren(make("p", { class: "problem" }, error.message));
      return;
    }
    if (mine !== ticket) return;
    current.sound = found.sound ? unpack(found.sound) : null;
    current.marks = found.marks;
    shell.hidden = !current.sound;
    below.replaceChildren(...[
      seam(row, current.sound), why(found), hits(index, found), contactMap.partners(index), files(row),
    ].filter(Boolean));
    draw();
  }

  function draw() {
    if (!current || !current.sound) return;
    drawWave(canvases.wave, rows[current.index], current.sound, current.marks);
    if (canvases.near) drawNear(canvases.near, current.sound);
    if (canvases.edge) drawEdge(canvases.edge, current.sound);
  }

  function hearSeam() {
    if (!current) return;
    const row = rows[current.index];
    play(current.index, { offset: Math.max(0, seconds(row) - (row.bpm ? 120 / row.bpm : 1)) });
  }

  function seek(bars) {
    if (!current) return;
    const row = rows[current.index];
    const length = seconds(row);
    const bar = row.bars ? length / row.bars : length / 4;
    const now = player.position(current.index) || 0;
    // A bar back from within a bar is its start.
    const at = bars < 0 ? (Math.ceil(now / bar - 0.25) - 1) * bar : (Math.floor(now / bar) + 1) * bar;
    play(current.index, { offset: ((at % length) + length) % length });
  }

  function showPlaying() {
    const button = byId("detail").querySelector("button.big");
    if (!button || !current) return;
    const playing = player.playing(current.index);
    button.classList.toggle("on", playing);
    button.setAttribute("aria-pressed", String(playing));
  }

  /** Moves the playhead, once a frame while something plays. */
  function follow() {
    if (!current || !head) return;
    const at = player.position(current.index);
    const length = seconds(rows[current.index]);
    head.hidden = at === null || length <= 0;
    if (!head.hidden) head.style.left = `${(at / length) * 100}%`;
  }

  on("select", (index) => show(index));
  on("rate", () => showRating());
  on("play", () => { showPlaying(); follow(); });
  return { draw, follow, hearSeam, seek };
})();
