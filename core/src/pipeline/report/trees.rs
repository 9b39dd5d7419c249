//! Rows from what `find`, `breaks` and `quiet` wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{Entry, Measures, contact, id_of, link};
use crate::export::destination::Artefact;
use crate::export::manifest::{LoopRecord, Manifest, SCHEMA, Status, TrackRecord};
use crate::export::report::{Audio, Details, Mark, Problem, Row, State, is_report};
use crate::export::table::{Cell, Table, read_json_lines, undisarmed};
use crate::export::tree::{BREAKS, KINDS, Kind, QUIET};

/// How deep folders are searched.
const DEEPEST: usize = 24;
/// Files larger than this are no manifests or tables of ours.
const LARGEST: u64 = 1 << 30;

/// A folder with a manifest.
#[derive(Debug)]
pub(super) struct Tree {
    folder: PathBuf,
    kind: &'static Kind,
}

/// What there is beneath a folder.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Folders with manifests, by path, those of `find` before those of `breaks` and `quiet`.
    pub(super) trees: Vec<Tree>,
    /// Folders with contact maps.
    pub(super) maps: Vec<PathBuf>,
}

/// Searches `root` and the folders beneath it, but for hidden ones, links and reports.
pub(super) fn places(root: &Path) -> std::io::Result<Places> {
    let mut found = Places::default();
    let mut open = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if folder == root => return Err(e),
            // What cannot be entered holds nothing for us; the tables say what is missing.
            Err(_) => continue,
        };
        let mut below: Vec<PathBuf> = entries
            .flatten()
            .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()) && !e.file_name().to_string_lossy().starts_with('.'))
            .map(|e| e.path())
            .filter(|path| !is_report(path))
            .collect();
        let holds = |name: &str| folder.join(name).is_file();
        let kinds = KINDS.iter().filter(|k| holds(k.manifest));
        found.trees.extend(kinds.map(|kind| Tree {
            folder: folder.clone(),
            kind,
        }));
        if holds(contact::MATRIX) {
            found.maps.push(folder);
        }
        if depth < DEEPEST {
            below.sort();
            open.extend(below.into_iter().rev().map(|path| (path, depth + 1)));
        }
    }
    Ok(found)
}

/// Adds the rows of one tree.
pub(super) fn read(root: &Path, tree: &Tree, entries: &mut Vec<Entry>, problems: &mut Vec<Problem>) {
    let at = |name: &str| link::relative(root, &tree.folder.join(name));
    let mut problem = |file: String, problem: String| problems.push(Problem { file, problem });
    let manifest = match manifest(&tree.folder.join(tree.kind.manifest)) {
        Ok(manifest) => manifest,
        Err(words) => {
            problem(at(tree.kind.manifest), words);
            return;
        }
    };
    let table = match lines(&tree.folder.join(tree.kind.lines)) {
        Ok(table) => table,
        Err(words) => {
            problem(
                at(tree.kind.lines),
                format!("{words}; keys, scores and reasons are missing"),
            );
            Table::default()
        }
    };
    let rows = Rows::of(&table);
    for track in &manifest.tracks {
        if track.status == Status::Failed {
            problem(
                track.source.name.clone(),
                format!("failed when it was made: {}", track.detail),
            );
        }
        let artefacts: BTreeMap<&str, &Artefact> = track.artefacts.iter().map(|a| (a.path.as_str(), a)).collect();
        for record in &track.loops {
            let row = rows.find(&record.file);
            entries.push(entry(root, tree, track, record, &row, &artefacts));
        }
    }
}

fn manifest(path: &Path) -> Result<Manifest, String> {
    let text = text(path)?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|e| format!("is no manifest: {e}"))?;
    if manifest.schema == SCHEMA {
        Ok(manifest)
    } else {
        Err(format!(
            "is a manifest of schema {}, but only {SCHEMA} is known",
            manifest.schema
        ))
    }
}

fn lines(path: &Path) -> Result<Table, String> {
    read_json_lines(&text(path)?).ok_or_else(|| "is no table as it was written".into())
}

fn text(path: &Path) -> Result<String, String> {
    match fs::metadata(path) {
        Ok(m) if m.len() > LARGEST => return Err("is too large".into()),
        Ok(m) if !m.is_file() => return Err("is no file".into()),
        Ok(_) => {}
        Err(e) => return Err(format!("cannot be read: {e}")),
    }
    fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}"))
}

/// The rows of a table by the file that they speak of.
struct Rows<'a> {
    table: &'a Table,
    by_file: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Rows<'a> {
    fn of(table: &'a Table) -> Self {
        let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let columns = ["file", "loop_wav"].map(|name| table.columns.iter().position(|c| c == name));
        for (i, row) in table.rows.iter().enumerate() {
            for cell in columns.iter().flatten().filter_map(|&c| row.get(c)) {
                if let Cell::Text(file) = cell {
                    by_file.entry(file).or_default().push(i);
                }
            }
        }
        Self { table, by_file }
    }

    fn find(&self, file: &str) -> Known<'_> {
        Known {
            table: self.table,
            rows: self.by_file.get(file).map_or(&[], Vec::as_slice),
        }
    }
}

/// What the tables say of one loop: several rows where it is sliced in several ways.
struct Known<'a> {
    table: &'a Table,
    rows: &'a [usize],
}

impl Known<'_> {
    fn cell(&self, column: &str) -> &Cell {
        self.rows.first().map_or(&Cell::Empty, |&r| self.table.cell(r, column))
    }

    fn number(&self, column: &str) -> Option<f64> {
        number(self.cell(column))
    }

    fn text(&self, column: &str) -> Option<String> {
        match self.cell(column) {
            Cell::Text(t) if !t.is_empty() => Some(t.clone()),
            _ => None,
        }
    }

    fn measures(&self) -> Measures {
        let Some(row) = self.rows.first().and_then(|&r| self.table.rows.get(r)) else {
            return Measures::new();
        };
        let cells = self.table.columns.iter().zip(row);
        cells.filter_map(|(c, cell)| Some((c.clone(), number(cell)?))).collect()
    }

    /// The folder of the finest slicing.
    fn slices(&self) -> Option<String> {
        let finest = self
            .rows
            .iter()
            .max_by_key(|&&r| number(self.table.cell(r, "n_slices")).map_or(0, |n| n as u64))?;
        match self.table.cell(*finest, "slice_dir") {
            Cell::Text(folder) => Some(folder.clone()),
            _ => None,
        }
    }
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Int(i) => Some(*i as f64),
        Cell::Number(x) if x.is_finite() => Some(*x),
        Cell::Bool(b) => Some(f64::from(u8::from(*b))),
        _ => None,
    }
}

fn entry(
    root: &Path,
    tree: &Tree,
    track: &TrackRecord,
    record: &LoopRecord,
    known: &Known<'_>,
    artefacts: &BTreeMap<&str, &Artefact>,
) -> Entry {
    let name = known.text("track_id").unwrap_or_else(|| track.source.folder.clone());
    let rate = f64::from(record.sample_rate.max(1));
    let start = known.number("start_time").unwrap_or(record.start_frame as f64 / rate);
    let end = known.number("end_time").unwrap_or(start + record.frames as f64 / rate);
    let file = match link::relative(root, &tree.folder).as_str() {
        "." => record.file.clone(),
        below => format!("{below}/{}", record.file),
    };
    let artefact = artefacts.get(record.file.as_str());
    let (path, state, problem) = match inside(root, &tree.folder, &record.file) {
        Ok(path) => match (fs::metadata(&path), artefact) {
            (Ok(m), Some(a)) if m.len() != a.bytes => {
                let words = "is not what was written any more; run the command again that made it";
                (Some(path), State::Changed, Some(words.to_owned()))
            }
            (Ok(m), _) if !m.is_file() => (None, State::Unreadable, Some("is no file".to_owned())),
            (Ok(_), _) => (Some(path), State::Ok, None),
            (Err(e), _) => (None, State::Unreadable, Some(format!("cannot be read: {e}"))),
        },
        Err((state, words)) => (None, state, Some(words.to_owned())),
    };
    let kind = if *tree.kind == BREAKS {
        known.text("kind").unwrap_or_else(|| "break".into())
    } else if *tree.kind == QUIET {
        "quiet".into()
    } else {
        "loop".into()
    };
    let marks = if *tree.kind == BREAKS {
        hits(root, &tree.folder, &record.file)
    } else if *tree.kind == QUIET {
        slices(root, &tree.folder, known, artefacts)
    } else {
        Vec::new()
    };
    let (score, prob) = (["score", "break_score", "ml_score"], "score_prob");
    let row = Row {
        id: id_of(&name, start, end, &record.file),
        source: known.text("source").or_else(|| Some(track.source.name.clone())),
        track: name,
        file,
        kind,
        start,
        end,
        frames: record.frames,
        rate: record.sample_rate,
        channels: 0,
        bars: Some(f64::from(record.bars)),
        beats: Some(record.beats),
        meter: known.number("beats_per_bar").map(|m| m as u32).or_else(|| {
            let whole = record.beats.checked_rem(record.bars) == Some(0);
            whole.then(|| record.beats / record.bars)
        }),
        bpm: Some(record.bpm).filter(|b| b.is_finite()),
        key: known.text("key"),
        score: score.iter().find_map(|c| known.number(c)),
        prob: known.number(prob),
        seam: Some(record.seam),
        marks: 0,
        state,
        problem,
        audio: Audio::None,
        href: None,
        thumb: None,
    };
    let reasons = match known.text("reasons") {
        Some(reasons) => reasons
            .split("; ")
            .filter(|r| !r.is_empty())
            .map(str::to_owned)
            .collect(),
        None => of_break(known),
    };
    Entry {
        row,
        details: Details {
            reasons,
            measures: known.measures(),
            marks,
        },
        path,
        blake3: artefact.map(|a| a.blake3.clone()),
        plain: false,
    }
}

/// What the table says of a break, in words.
fn of_break(known: &Known<'_>) -> Vec<String> {
    let kind = known.text("kind").map(|kind| match kind.as_str() {
        "drums_only" => "drums play alone".to_owned(),
        "drum_heavy" => "other instruments play, and drums stand out".to_owned(),
        other => other.to_owned(),
    });
    let passage = known.number("passage_start").zip(known.number("passage_end"));
    let passage =
        passage.map(|(start, end)| format!("of a passage of {:.1} s, from {start:.1} to {end:.1} s", end - start));
    let classes = known.text("hit_classes").map(|classes| {
        // `kick=8 snare=4`
        let class = |c: &str| match c.split_once('=') {
            Some((name, count)) => format!("{count} {}", name.replace('_', " ")),
            None => c.to_owned(),
        };
        classes.split_whitespace().map(class).collect::<Vec<_>>().join(", ")
    });
    let hits = classes.map(|classes| format!("hits: {classes}"));
    let pieces = known.number("kit_pieces").map(|n| format!("a kit of {n:.0}"));
    [kind, passage, hits, pieces].into_iter().flatten().collect()
}

/// The file at `relative` in `folder`, which must lie beneath `root` when all links are followed.
fn inside(root: &Path, folder: &Path, relative: &str) -> Result<PathBuf, (State, &'static str)> {
    const OUTSIDE: (State, &str) = (State::Outside, "leads out of the folder and is not read");
    let mut path = folder.to_path_buf();
    for part in relative.split('/') {
        let mut parts = Path::new(part).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(p)), None) if p == part => path.push(p),
            _ => return Err(OUTSIDE),
        }
    }
    match fs::canonicalize(&path) {
        Ok(real) if real.starts_with(root) => Ok(real),
        Ok(_) => Err(OUTSIDE),
        Err(_) => Err((State::Missing, "is not there any more")),
    }
}

/// The hits of the break whose loop is `file`.
fn hits(root: &Path, folder: &Path, file: &str) -> Vec<Mark> {
    let above = file.rsplit_once('/').map_or("", |(above, _)| above);
    marks(root, folder, &format!("{above}/hits/hits_metadata.csv"))
}

/// The finest slices of a loop.
fn slices(root: &Path, folder: &Path, known: &Known<'_>, artefacts: &BTreeMap<&str, &Artefact>) -> Vec<Mark> {
    let Some(slices) = known.slices() else {
        return Vec::new();
    };
    let own = |path: &&&str| path.starts_with(&format!("{slices}/")) && path.ends_with("_slices.csv");
    artefacts
        .keys()
        .find(own)
        .map_or_else(Vec::new, |table| marks(root, folder, table))
}

/// A table of hits or slices; what cannot be read of it is left out.
fn marks(root: &Path, folder: &Path, table: &str) -> Vec<Mark> {
    let Ok(path) = inside(root, folder, table) else {
        return Vec::new();
    };
    let Ok(text) = text(&path) else {
        return Vec::new();
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let Ok(header) = reader.headers().cloned() else {
        return Vec::new();
    };
    let column = |name: &str| header.iter().position(|h| h == name);
    let (start, end) = (column("start_s"), column("end_s"));
    let (peak, class, confidence) = (column("peak_s"), column("class_label"), column("confidence"));
    let mark = |record: csv::StringRecord| {
        let number = |at: Option<usize>| record.get(at?)?.parse::<f64>().ok().filter(|x| x.is_finite());
        Some(Mark {
            start: number(start)?,
            end: number(end)?,
            peak: number(peak),
            class: class
                .and_then(|c| record.get(c))
                .map_or_else(|| "slice".into(), |c| undisarmed(c).to_owned()),
            confidence: number(confidence),
        })
    };
    reader.records().flatten().filter_map(mark).collect()
}
