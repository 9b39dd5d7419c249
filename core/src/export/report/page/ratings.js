// What is said of loops: kept in the browser where it allows that, saved as the JSON that `train adapt` reads.

const ratings = (() => {
  const STORE = "loopwright.ratings";
  // Of loops of other reports, or of a file that was loaded: handed on as they came.
  let foreign = [];
  let stored = {};
  let lasting = true;
  try {
    stored = JSON.parse(localStorage.getItem(STORE) || "{}") || {};
  } catch {
    lasting = false;
    stored = {};
  }
  const known = new Map();
  const ids = new Map(rows.map((row, index) => [row.id, index]));
  for (const [id, value] of Object.entries(stored)) {
    const number = Number(value);
    if (ids.has(id) && (value === "reject" || (number >= 1 && number <= 5))) {
      known.set(id, value === "reject" ? "reject" : number);
    }
  }

  function keep() {
    try {
      // Another page may have written since.
      const all = JSON.parse(localStorage.getItem(STORE) || "{}") || {};
      for (const row of rows) {
        if (known.has(row.id)) all[row.id] = known.get(row.id);
        else delete all[row.id];
      }
      localStorage.setItem(STORE, JSON.stringify(all));
      lasting = true;
    } catch {
      lasting = false;
    }
  }

  const get = (index) => known.get(rows[index].id);
  const count = () => known.size;

  function set(index, value) {
    if (!rows[index]) return;
    if (value === null) known.delete(rows[index].id);
    else known.set(rows[index].id, value);
    keep();
    tell("rate", index);
  }

  const hundredths = (time) => Math.round(time * 100);
  const keyOf = (track, start, end) => JSON.stringify([track, hundredths(start), hundredths(end)]);

  /** The file's content. Features come along, so that nothing need be listened to again. */
  async function json() {
    const list = [];
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index];
      if (!known.has(row.id)) continue;
      let features = {};
      try {
        features = (await details(index)).measures;
      } catch {
        // A rating without features is one, too.
      }
      list.push({ track: row.track, file: row.file, start: row.start, end: row.end, rating: known.get(row.id), features });
    }
    const own = new Set(list.map((r) => keyOf(r.track, r.start, r.end)));
    list.unshift(...foreign.filter((r) => !own.has(keyOf(r.track, r.start, r.end))));
    return JSON.stringify({ schema: 1, type: "ratings", ratings: list }, null, 1) + "\n";
  }

  async function save() {
    if (known.size === 0 && foreign.length === 0) {
      toast("Nothing is rated yet: select a loop and press 1 to 5, or X.");
      return;
    }
    const url = URL.createObjectURL(new Blob([await json()], { type: "application/json" }));
    const link = make("a", { href: url, download: "loopwright-ratings.json" });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    toast(`${known.size} rating${known.size === 1 ? "" : "s"} saved as loopwright-ratings.json`);
  }

  const WORDS = { reject: "reject", rejected: "reject", accept: 4, accepted: 4, favourite: 5, favorite: 5 };
  function valueOf(said) {
    if (said === null || said === undefined) return null;
    const word = String(said).trim().toLowerCase();
    if (word === "none") return null;
    if (Object.hasOwn(WORDS, word)) return WORDS[word];
    const value = Number(word);
    if (!(value >= 1 && value <= 5)) throw new Error(`${word.slice(0, 40)} is no rating`);
    return value;
  }

  /** Takes over what a file says; gives how many loops it spoke of, and how many are of other reports. */
  function read(text) {
    let list;
    try {
      const whole = JSON.parse(text);
      list = Array.isArray(whole.ratings) ? whole.ratings : [whole];
      if (whole.type !== "ratings" && whole.track === undefined) throw new Error("it holds no ratings");
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      list = text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
    }
    const places = new Map();
    rows.forEach((row, index) => {
      const key = keyOf(row.track, row.start, row.end);
      places.set(key, [...(places.get(key) || []), index]);
    });
    const checked = list.map((entry) => {
      if (typeof entry.track !== "string" || !Number.isFinite(entry.start) || !Number.isFinite(entry.end)) {
        throw new Error("a rating in it names no loop");
      }
      return [entry, valueOf(entry.rating)];
    });
    let taken = 0;
    const others = new Map(foreign.map((r) => [keyOf(r.track, r.start, r.end), r]));
    for (const [entry, value] of checked) {
      const found = places.get(keyOf(entry.track, entry.start, entry.end));
      if (!found) {
        others.set(keyOf(entry.track, entry.start, entry.end), entry);
        continue;
      }
      taken++;
      // Two files of the same passage are the same loop, but for which of them was meant.
      const exact = found.filter((index) => rows[index].file === entry.file);
      for (const index of exact.length ? exact : found) {
        if (value === null) known.delete(rows[index].id);
        else known.set(rows[index].id, value === 1 && entry.rating !== 1 ? "reject" : value);
      }
    }
    foreign = [...others.values()];
    keep();
    tell("rate", -1);
    return [taken, foreign.length];
  }

  return { get, set, count, json, save, read, lasting: () => lasting };
})();

/** Rates the row and says so. */
function rate(index, value) {
  if (index < 0) return;
  const same = ratings.get(index) === value;
  ratings.set(index, same ? null : value);
  const name = shortName(rows[index]);
  if (same || value === null) say(`${name}: no rating`);
  else say(value === "reject" ? `${name}: rejected` : `${name}: ${value} of 5`);
  if (!ratings.lasting() && ratings.count() === 1) {
    toast("This browser keeps nothing for pages from disk: save your ratings before you close the page.");
  }
}
const ratingText = (value) => (value === undefined ? "" : value === "reject" ? "✕" : "★".repeat(Math.round(value)));
