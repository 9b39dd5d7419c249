//! `neighbors`: the loops that go with one file.
//!
//! 1. [`gather`] hears every file of a collection, or takes what an index file ([`cache`]) knows of it.
//! 2. [`query::resolve`] finds out which file is meant.
//! 3. [`rank`] compares it with each ([`crate::similarity::neighbors`]): 50,000 profiles take a tenth of a second, so a
//!    single query looks at all of them and is exact.
//! 4. [`table`] tells the result in the Python pipeline's columns, with what a DJ does about it ([`hints`]).
//!
//! Where a contact map is there already, [`map`] reads its row of the query instead of steps 1 and 3.

pub mod answers;
pub mod cache;
pub mod hints;
pub mod map;
pub mod query;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use cache::{Cache, Stamp, Stored};
use hints::Hints;

use super::collection::{self, MemberError};
use super::run::{Observer, Source};
use crate::analysis::key::Key;
use crate::analysis::loop_file::{Kind, LoopFile, LoopTempo};
use crate::audio::resample::mono_to_rate;
use crate::config::Config;
use crate::export::table::{Cell, Table};
use crate::progress::Progress;
use crate::similarity::RATE;
use crate::similarity::neighbors::{self, Affinity, Weights};
use crate::similarity::profile::Profile;
use crate::store::Place;
use crate::track::TrackId;

/// The Python pipeline's columns, in its order; ours follow.
pub const COLUMNS: [&str; 11] = [
    "file",
    "neighbor_rank",
    "neighbor_file",
    "similarity",
    "distance",
    "stretch_ratio_neighbor_over_file",
    "query_bpm_est",
    "neighbor_bpm_est",
    "neighbor_target_bpm_from_stretch",
    "neighbor_pitch_fader_pct_from_stretch",
    "neighbor_pitch_fader_pct_to_match_query_bpm",
];
/// What stands after [`COLUMNS`].
pub const MORE_COLUMNS: [&str; 9] = [
    "similarity_rhythm",
    "similarity_timbre",
    "similarity_harmony",
    "bars_ratio_neighbor_over_file",
    "query_key",
    "neighbor_key",
    "key_relation",
    "transposition_semitones",
    "same_audio",
];
/// Newly heard files after which they are saved, so that a long run that is cut off need not begin again.
const CHECKPOINT: usize = 1000;

/// A file of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its path, as it was given.
    pub path: PathBuf,
    /// What it is called in outputs.
    pub name: String,
    /// Its name by content.
    pub id: TrackId,
    /// What it is.
    pub kind: Kind,
    /// Its likeliest tempo; none where it is no loop.
    pub tempo: Option<LoopTempo>,
    /// Its key; none for drums and noise.
    pub key: Option<Key>,
    /// What it is compared by.
    pub profile: Profile,
}

impl Entry {
    /// A file of which nothing but its place is known: it goes with nothing.
    pub fn unheard(path: &Path, name: &str) -> Self {
        Self {
            path: path.into(),
            name: name.to_owned(),
            id: TrackId([0; 32]),
            kind: Kind::Silence,
            tempo: None,
            key: None,
            profile: Profile::default(),
        }
    }

    /// What [`query::resolve`] looks for.
    pub fn named(&self) -> query::Named<'_> {
        query::Named {
            path: &self.path,
            name: &self.name,
        }
    }
}

/// Listens to the file at `source`.
///
/// # Errors
///
/// [`MemberError`]: it cannot be read, is silent, too short, or too long for a loop.
pub fn hear(source: &Source, config: &Config, progress: &dyn Progress) -> Result<Entry, MemberError> {
    let audio = collection::audible(&source.place, config, progress)?;
    let file = LoopFile::of(&audio, progress)?;
    if file.kind == Kind::Recording {
        return Err(MemberError::Unfit {
            path: source.place.path().to_path_buf(),
            why: format!("{:.0} s long: a recording, no loop", file.seconds),
        });
    }
    let mono = mono_to_rate(&audio, RATE)?;
    progress.check()?;
    let profile = Profile::of(&mono, &file);
    Ok(Entry {
        path: source.place.path().to_path_buf(),
        name: source.name.clone(),
        id: TrackId::of(&audio),
        kind: file.kind,
        tempo: file.tempo().copied(),
        key: file.key,
        profile,
    })
}

/// What [`gather`] found.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The files, in the order in which they were given, with what tells whether they have changed.
    pub stored: Vec<Stored>,
    /// Those that cannot be compared, and why.
    pub failed: Vec<(PathBuf, MemberError)>,
    /// How many were listened to; the others were known.
    pub heard: usize,
}

/// Hears the files at `sources` that `cache` does not know, on `jobs` threads. `done` is called on the calling thread as
/// each ends, in order, with whether it was known. `save` is called now and then with all that is known so far.
///
/// # Errors
///
/// No thread can be started.
pub fn gather(
    sources: &[Source],
    cache: &Cache,
    config: &Config,
    jobs: NonZeroUsize,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, Result<bool, &MemberError>),
    mut save: impl FnMut(&[Stored]),
) -> std::io::Result<Gathered> {
    let mut gathered = Gathered::default();
    let places: Vec<Place> = sources.iter().map(|s| s.place.clone()).collect();
    let work = |index: usize, progress: &dyn Progress| -> Result<(Stored, bool), MemberError> {
        let source = &sources[index];
        // A stamp that cannot be taken is no news: reading the file will say why. What is in a store has none.
        let path = source.place.path();
        let stamp = cache.is_used().then(|| Stamp::of(path, cache).ok()).flatten();
        if let Some(entry) = stamp.as_ref().and_then(|stamp| cache.find(stamp)) {
            let entry = Entry {
                path: source.place.path().to_path_buf(),
                name: source.name.clone(),
                ..entry.clone()
            };
            return Ok((Stored { entry, stamp }, true));
        }
        let entry = hear(source, config, progress)?;
        Ok((Stored { entry, stamp }, false))
    };
    collection::each(&places, jobs, observer, &work, |index, result| match result {
        Ok((stored, known)) => {
            done(index, Ok(known));
            gathered.stored.push(stored);
            if !known {
                gathered.heard += 1;
                if gathered.heard.is_multiple_of(CHECKPOINT) {
                    save(&gathered.stored);
                }
            }
        }
        Err(e) => {
            done(index, Err(&e));
            gathered.failed.push((places[index].path().to_path_buf(), e));
        }
    })?;
    Ok(gathered)
}

/// A neighbour of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbor<'a> {
    /// Who.
    pub entry: &'a Entry,
    /// How they go together.
    pub affinity: Affinity,
    /// How far apart they are: `1 − similarity`, or what a contact map says.
    pub distance: f32,
    /// What to do about tempo and key.
    pub hints: Hints,
}

/// The `top` of `entries` that go best with `query`, best first, without the file `query` itself; copies of it are told.
/// Equally good ones are in the order of `entries`.
pub fn rank<'a>(query: &Entry, entries: &[&'a Entry], weights: &Weights, top: usize) -> Vec<Neighbor<'a>> {
    let others: Vec<&'a Entry> = entries.iter().copied().filter(|e| e.path != query.path).collect();
    let profiles: Vec<&Profile> = others.iter().map(|e| &e.profile).collect();
    neighbors::rank(&query.profile, &profiles, weights, top)
        .into_iter()
        .map(|(i, affinity)| Neighbor {
            entry: others[i],
            affinity,
            distance: affinity.distance(),
            hints: Hints::of(query, others[i], affinity.stretch),
        })
        .collect()
}

/// Neighbours that a contact map tells of, in its order; `entries` are the files of `mapped`, those that could be heard with
/// their profiles.
pub fn mapped<'a>(query: &Entry, rows: &[map::Mapped], entries: &'a [Entry]) -> Vec<Neighbor<'a>> {
    let probe = neighbors::Probe::of(&query.profile);
    rows.iter()
        .zip(entries)
        .map(|(row, entry)| {
            let affinity = Affinity {
                similarity: row.similarity as f32,
                stretch: row.stretch,
                ..neighbors::compare(&probe, &query.profile, &entry.profile, &Weights::default())
            };
            Neighbor {
                entry,
                affinity,
                distance: row.distance as f32,
                hints: Hints::of(query, entry, row.stretch),
            }
        })
        .collect()
}

/// The neighbours as a table: [`COLUMNS`], then [`MORE_COLUMNS`]. What is not known is empty.
pub fn table(query: &Entry, neighbors: &[Neighbor<'_>]) -> Table {
    let mut table = Table::new(COLUMNS.into_iter().chain(MORE_COLUMNS));
    for (i, n) in neighbors.iter().enumerate() {
        let hints = &n.hints;
        let heard = !n.entry.profile.rhythm.is_empty() && !query.profile.rhythm.is_empty();
        let key = |e: &Entry| Cell::from(e.key.map(|k| k.name()));
        table.rows.push(vec![
            query.name.as_str().into(),
            (i + 1).into(),
            n.entry.name.as_str().into(),
            n.affinity.similarity.into(),
            n.distance.into(),
            rounded(n.affinity.stretch).into(),
            hints.query_bpm.map(rounded).into(),
            hints.neighbor_bpm.map(rounded).into(),
            hints.target_bpm.map(rounded).into(),
            rounded(hints.fader_from_stretch).into(),
            hints.fader_to_match.map(rounded).into(),
            heard.then_some(n.affinity.rhythm).into(),
            heard.then_some(n.affinity.timbre).into(),
            n.affinity.harmony.into(),
            heard.then_some(n.affinity.bars).into(),
            key(query),
            key(n.entry),
            hints.relation.map(|r| r.words()).into(),
            n.affinity.transposition.map(i64::from).into(),
            heard.then_some(n.entry.id == query.id).into(),
        ]);
    }
    table
}

/// To six decimals: what lies beyond is arithmetic.
fn rounded(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
