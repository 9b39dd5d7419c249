// Everything in its place; keys; what follows the screen.

function view(name) {
  if (name === "map" && !data.map) {
    toast("This report has no contact map: make one with loopwright contact-map, then the report again.");
    return;
  }
  state.view = name;
  byId("list").hidden = name !== "table";
  byId("map").hidden = name !== "map";
  byId("view-table").setAttribute("aria-pressed", String(name === "table"));
  byId("view-map").setAttribute("aria-pressed", String(name === "map"));
  document.body.classList.toggle("on-map", name === "map");
  if (name === "map") contactMap.show();
  else table.redraw();
  detail.draw();
}

function typing(target) {
  return target instanceof HTMLElement && (target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName)
    || (target.tagName === "INPUT" && !["range", "checkbox", "button"].includes(target.type)));
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (byId("help").open) return;
  if (typing(event.target)) {
    if (event.key === "Escape" || (event.key === "Enter" && event.target.id === "filter")) {
      event.target.blur();
      if (!table.shown().includes(state.selected)) table.move(1);
    }
    return;
  }
  // What a button of its own does with the space bar, but for those that play.
  const pressed = event.target instanceof Element ? event.target.closest("button, a, summary") : null;
  const own = pressed && !pressed.classList.contains("play");
  const slider = event.target instanceof HTMLInputElement;
  let index = state.selected;
  const letter = event.key.toLowerCase();
  if (event.key === " ") {
    if (own) return;
    if (index < 0) {
      index = table.first();
      select(index);
    }
    if (index !== undefined) {
      if (player.playing()) player.stop();
      else play(index);
    }
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !slider) {
    const going = player.playing();
    const to = table.move(event.key === "ArrowDown" ? 1 : -1);
    if (going && to >= 0 && !player.playing(to)) play(to);
  } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !slider) {
    if (index < 0) return;
    detail.seek(event.key === "ArrowRight" ? 1 : -1);
  } else if (/^[1-5]$/.test(event.key)) {
    rate(index, Number(event.key));
  } else if (letter === "x") {
    rate(index, "reject");
  } else if (event.key === "0" || event.key === "Backspace" || event.key === "Delete") {
    rate(index, null);
  } else if (letter === "j") {
    detail.hearSeam();
  } else if (letter === "s") {
    ratings.save();
  } else if (letter === "m") {
    view(state.view === "map" ? "table" : "map");
  } else if (event.key === "/") {
    view("table");
    byId("filter").focus();
    byId("filter").select();
  } else if (event.key === "?") {
    byId("help").showModal();
  } else {
    return;
  }
  event.preventDefault();
}

function start() {
  document.title = `${data.title} · Loopwright report`;
  byId("title").textContent = data.title;
  const tracks = new Set(rows.map((row) => row.track)).size;
  const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
  const long = rows.reduce((sum, row) => sum + seconds(row), 0);
  byId("counts").textContent = `${count(rows.length, "loop")}${rows.some((row) => row.source) ? ` of ${count(tracks, "track")}` : ""}, ${clock(long)}`;
  const tempi = [...new Set(rows.map((row) => row.bpm).filter(Boolean).map((bpm) => Math.round(bpm * 100) / 100))].sort((a, b) => a - b);
  byId("tempo").append(...tempi.slice(0, 60).map((bpm) => make("option", { value: bpm }, `${bpm} BPM`)));
  byId("tempo").closest("label").hidden = tempi.length < 2;
  byId("tempo").addEventListener("change", () => {
    const playing = player.voices();
    if (playing.length === 1) play(playing[0]);
    else if (playing.length === 2) playPair(...playing);
  });
  byId("volume").addEventListener("input", (event) => player.setVolume(Number(event.target.value) / 100));
  byId("save").addEventListener("click", () => ratings.save());
  byId("load").addEventListener("click", () => byId("load-file").click());
  byId("load-file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const [taken, others] = ratings.read(await file.text());
      toast(`${count(taken, "rating")} taken over${others ? `; ${others} of other loops are kept for saving` : ""}`);
    } catch (error) {
      toast(`${file.name} holds no ratings: ${error.message}`);
    }
    event.target.value = "";
  });
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  byId("views").hidden = !data.map;
  byId("view-table").addEventListener("click", () => view("table"));
  byId("view-map").addEventListener("click", () => view("map"));
  if (data.problems.length) {
    byId("problems").hidden = false;
    byId("problems-title").textContent = `${count(data.problems.length, "remark")}: missing or odd`;
    byId("problems-list").append(...data.problems.map((p) => make("li", {}, make("code", {}, p.file), ` ${p.problem}`)));
  }
  const badge = () => {
    byId("rated-count").hidden = ratings.count() === 0;
    byId("rated-count").textContent = String(ratings.count());
  };
  on("rate", badge);
  badge();
  table.start();
  document.addEventListener("keydown", key);
  let frame = 0;
  const follow = () => {
    detail.follow();
    frame = player.playing() ? requestAnimationFrame(follow) : 0;
  };
  on("play", () => { if (!frame) frame = requestAnimationFrame(follow); });
  const redraw = () => {
    detail.draw();
    table.redraw();
    contactMap.redraw();
  };
  let resized = 0;
  window.addEventListener("resize", () => {
    cancelAnimationFrame(resized);
    resized = requestAnimationFrame(redraw);
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  window.addEventListener("beforeprint", redraw);
  if (rows.length) select(table.first());
}

start();
