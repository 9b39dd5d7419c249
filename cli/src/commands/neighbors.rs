//! `loopwright neighbors`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use loopwright_core::export::destination::write_file;
use loopwright_core::export::table::Table;
use loopwright_core::pipeline::collection::MemberError;
use loopwright_core::pipeline::neighbors::cache::{self, Cache, CacheError};
use loopwright_core::pipeline::neighbors::query::{self, Named, Resolved};
use loopwright_core::pipeline::neighbors::{self, Entry, Neighbor, map};
use loopwright_core::pipeline::run::Source;
use loopwright_core::progress::Silent;
use serde_json::{Value, json};

use crate::args::{General, Neighbors};
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain};
use crate::progress::{self, Display};
use crate::settings::Settings;
use crate::sources;

const SCHEMA: u32 = 1;

pub(super) fn run(args: &Neighbors, general: &General) -> Result<Exit> {
    if let Some(path) = &args.out {
        super::table_format("--out", path)?;
    }
    let settings = Settings::load(general.config.as_deref(), &[])?;
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let mut work = Work {
        args,
        general,
        settings,
        failures: 0,
    };
    match &args.map {
        Some(folder) => work.of_map(folder),
        None => work.of_files(),
    }
}

struct Work<'a> {
    args: &'a Neighbors,
    general: &'a General,
    settings: Settings,
    /// Files that cannot be compared.
    failures: usize,
}

impl Work<'_> {
    /// Neighbours among files and what an index holds.
    fn of_files(&mut self) -> Result<Exit> {
        let entries = if self.args.inputs.is_empty() {
            let Some(index) = &self.args.index else {
                return Err(UsageError("name folders with --in, or an index with --index".into()).into());
            };
            let Some(cache) = Cache::read(index)? else {
                let name = plain(&index.display().to_string());
                return Err(UsageError(format!("there is no index {name}; name folders with --in to make it")).into());
            };
            cache.into_entries()
        } else {
            let found = sources::collect_loops(&self.args.inputs, &self.settings.config.stores);
            for (folder, error) in &found.unreadable {
                self.failures += 1;
                eprintln!(
                    "loopwright: {}: cannot search: {error}",
                    plain(&folder.display().to_string())
                );
            }
            if found.files.is_empty() {
                let exit = sources::none_found(!found.unreadable.is_empty());
                return self.end(None, &[], 0, exit);
            }
            self.gather(&found.files, self.args.index.as_deref())?
        };
        if progress::interrupted() {
            return Ok(Exit::Interrupted);
        }
        self.among(&entries)
    }

    /// Hears the files, but for those that the index knows.
    fn gather(&mut self, files: &[Source], index: Option<&Path>) -> Result<Vec<Entry>> {
        let cache = match index.map(Cache::read) {
            None => Cache::default(),
            Some(Ok(cache)) => cache.unwrap_or_else(Cache::new),
            Some(Err(e @ CacheError::Unusable { .. })) => {
                eprintln!("loopwright: {}; it is made anew", plain(&e.to_string()));
                Cache::new()
            }
            Some(Err(e)) => return Err(e.into()),
        };
        let display = Display::new(files.iter().map(|s| plain(&s.name)).collect(), self.general);
        let mut broken = None;
        let gathered = neighbors::gather(
            files,
            &cache,
            &self.settings.config,
            super::jobs(self.args.jobs),
            &display,
            |at, result| {
                let words = match result {
                    Ok(true) => "known".into(),
                    Ok(false) => "heard".into(),
                    Err(e) => format!("left out: {e}"),
                };
                display.finished(at, &words);
            },
            |stored| {
                if let Some(Err(e)) = index.map(|path| cache::write(path, stored)) {
                    broken.get_or_insert(e);
                }
            },
        );
        display.close();
        let gathered = gathered.context("cannot start a thread")?;
        if let Some(e) = broken {
            return Err(e.into());
        }
        if let Some(path) = index {
            cache::write(path, &gathered.stored)?;
            if !self.general.quiet {
                eprintln!(
                    "{} in {}, {} of them heard now",
                    count(gathered.stored.len(), "file"),
                    plain(&path.display().to_string()),
                    gathered.heard
                );
            }
        }
        self.report(&gathered.failed)?;
        Ok(gathered.stored.into_iter().map(|s| s.entry).collect())
    }

    fn report(&mut self, failed: &[(PathBuf, MemberError)]) -> Result<()> {
        for (path, error) in failed {
            self.failures += 1;
            eprintln!("loopwright: {}", plain(&error.to_string()));
            if self.args.json {
                let line = json!({
                    "schema": SCHEMA, "type": "failure", "source": path.to_string_lossy(), "error": error.to_string(),
                });
                super::print_json(&line)?;
            }
        }
        Ok(())
    }

    /// Neighbours of the query among `entries`.
    fn among(&mut self, entries: &[Entry]) -> Result<Exit> {
        let query = self.query(&entries.iter().map(Entry::named).collect::<Vec<_>>())?;
        let stranger;
        let query = match query {
            Resolved::Member(i) => &entries[i],
            Resolved::File(path) => {
                stranger = self.hear(&path)?;
                &stranger
            }
        };
        let weights = self.args.weights();
        if weights.harmony > 0.0 && query.profile.harmony.is_empty() {
            eprintln!(
                "loopwright: {} has no pitch: harmony counts for nothing",
                plain(&query.name)
            );
        }
        let all: Vec<&Entry> = entries.iter().collect();
        let top = self.args.top as usize;
        let found = neighbors::rank(query, &all, &weights, top);
        let others = entries.iter().filter(|e| e.path != query.path).count();
        let exit = if found.is_empty() { self.nothing() } else { self.done() };
        self.end(Some(query), &found, others, exit)
    }

    fn query(&self, names: &[Named<'_>]) -> Result<Resolved> {
        Ok(query::resolve(&self.args.query, names).map_err(|e| UsageError(plain(&e.to_string())))?)
    }

    fn hear(&self, path: &Path) -> Result<Entry> {
        let source = Source {
            place: path.into(),
            name: path.to_string_lossy().into_owned(),
        };
        Ok(neighbors::hear(&source, &self.settings.config, &Silent)?)
    }

    /// Neighbours as a contact map has them. A file that is not in it is compared with all that are.
    fn of_map(&mut self, folder: &Path) -> Result<Exit> {
        let names = map::names(folder)?;
        let named: Vec<Named<'_>> = names
            .iter()
            .map(|n| Named {
                path: Path::new(n),
                name: n,
            })
            .collect();
        let Resolved::Member(index) = self.query(&named)? else {
            let files: Vec<Source> = names.iter().map(|n| source(n)).collect();
            let entries = self.gather(&files, None)?;
            if progress::interrupted() {
                return Ok(Exit::Interrupted);
            }
            return self.among(&entries);
        };
        let mut rows = map::row(folder, index)?;
        let others = rows.len();
        rows.truncate(self.args.top as usize);
        // Only these are listened to, for tempo and key.
        let files: Vec<Source> = std::iter::once(&names[index])
            .chain(rows.iter().map(|r| &r.name))
            .map(|n| source(n))
            .collect();
        let heard = self.gather(&files, None)?;
        if progress::interrupted() {
            return Ok(Exit::Interrupted);
        }
        let mut entries = files.iter().map(|s| {
            let found = heard.iter().find(|e| e.path == s.place.path());
            found
                .cloned()
                .unwrap_or_else(|| Entry::unheard(s.place.path(), &s.name))
        });
        let Some(query) = entries.next() else {
            return Ok(self.nothing());
        };
        let entries: Vec<Entry> = entries.collect();
        let found = neighbors::mapped(&query, &rows, &entries);
        let exit = if found.is_empty() { self.nothing() } else { self.done() };
        self.end(Some(&query), &found, others, exit)
    }

    fn done(&self) -> Exit {
        if self.failures > 0 {
            Exit::SomeFailed
        } else {
            Exit::Done
        }
    }

    fn nothing(&self) -> Exit {
        if self.failures > 0 {
            Exit::SomeFailed
        } else {
            Exit::NothingFound
        }
    }

    /// Tells and writes what was found.
    fn end(&self, query: Option<&Entry>, found: &[Neighbor<'_>], others: usize, exit: Exit) -> Result<Exit> {
        let table = query.map(|q| neighbors::table(q, found)).unwrap_or_default();
        if let (Some(path), Some(_)) = (&self.args.out, query) {
            let format = super::table_format("--out", path)?;
            write_file(path, |out| format.write(out, &table))?;
        }
        if self.args.json {
            for (row, neighbor) in found.iter().enumerate() {
                super::print_json(&line(&table, row, neighbor))?;
            }
            super::print_json(&json!({
                "schema": SCHEMA, "type": "summary", "query": query.map(|q| q.path.to_string_lossy()),
                "neighbors": found.len(), "files": others, "failed": self.failures,
            }))?;
        } else if let (Some(query), false) = (query, self.general.quiet) {
            super::print(&text(query, found, others))?;
        }
        Ok(exit)
    }
}

fn source(name: &str) -> Source {
    Source {
        place: PathBuf::from(name).into(),
        name: name.to_owned(),
    }
}

/// A row of the table as JSON, with the neighbour's path.
fn line(table: &Table, row: usize, neighbor: &Neighbor<'_>) -> Value {
    let mut line = json!({
        "schema": SCHEMA, "type": "neighbor", "neighbor_path": neighbor.entry.path.to_string_lossy(),
    });
    if let Value::Object(line) = &mut line {
        for name in &table.columns {
            let cell = serde_json::to_value(table.cell(row, name)).unwrap_or_default();
            line.insert(name.clone(), cell);
        }
    }
    line
}

fn text(query: &Entry, found: &[Neighbor<'_>], others: usize) -> String {
    let mut text = format!("{}: {}\n", plain(&query.name), facts(query));
    if found.is_empty() {
        text.push_str("There is no other file to compare it with.\n");
        return text;
    }
    let _ = writeln!(text, "The best of {}:", count(others, "file"));
    text.push_str("      alike  rhythm timbre harmony   stretch     bpm   fader  key  file\n");
    for (i, n) in found.iter().enumerate() {
        let number = |x: Option<f64>, digits: usize| x.map_or_else(|| "-".into(), |x| format!("{x:.digits$}"));
        let heard = !n.entry.profile.rhythm.is_empty();
        let aspect = |x: f32| number(heard.then_some(f64::from(x)), 2);
        let key = match (n.entry.key, n.hints.relation) {
            (Some(key), Some(relation)) => format!("{} ({})", key.name(), relation.words()),
            (Some(key), None) => key.name().to_owned(),
            (None, _) => "-".to_owned(),
        };
        let _ = writeln!(
            text,
            "  {:>2}.  {:.2}   {:>5}  {:>5}  {:>5}   {:>8.4}  {:>6}  {:>5.1}%  {key}  {}{}",
            i + 1,
            n.affinity.similarity,
            aspect(n.affinity.rhythm),
            aspect(n.affinity.timbre),
            number(n.affinity.harmony.map(f64::from), 2),
            n.affinity.stretch,
            number(n.hints.neighbor_bpm, 1),
            // Without the sign that a rounded zero may have.
            (n.hints.fader_from_stretch * 10.0).round() / 10.0 + 0.0,
            plain(&n.entry.name),
            if heard && n.entry.id == query.id {
                "  (same audio)"
            } else {
                ""
            },
        );
    }
    text.push_str("The fader is what brings a neighbour to the query's tempo, or to half or twice that.\n");
    text
}

fn facts(query: &Entry) -> String {
    let mut facts = vec![query.kind.name().to_owned()];
    if let Some(tempo) = query.tempo {
        facts.push(format!("{:.1} bpm", tempo.bpm));
        facts.push(format!("{} bars", tempo.bars()));
    }
    facts.extend(query.key.map(|k| k.name().to_owned()));
    facts.join(", ")
}
