//! Parquet tables of tracks that were finished without them: made from the CSVs, so that nothing is analysed again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Tree};
use crate::export::destination::{Artefact, Destination};
use crate::export::manifest::{Journal, SCHEMA, TrackRecord};
use crate::export::{ExportError, twin};

/// Paths of the Parquet tables that stand, or could stand, beside CSVs of the track.
fn twins_of(record: &TrackRecord) -> BTreeSet<String> {
    record.artefacts.iter().filter_map(|a| twin::name(&a.path)).collect()
}

/// True where all files of a track are there; Parquet tables beside CSVs, which can be made again, do not count.
pub(super) fn held(destination: &Destination, record: &TrackRecord) -> bool {
    let twins = twins_of(record);
    let own = |a: &&Artefact| !twins.contains(&a.path);
    record.artefacts.iter().filter(own).all(|a| destination.holds(a))
}

/// True where two records differ in Parquet tables beside CSVs at most.
pub(super) fn same(one: &TrackRecord, other: &TrackRecord) -> bool {
    let without = |record: &TrackRecord| {
        let twins = twins_of(record);
        let mut record = record.clone();
        record.artefacts.retain(|a| !twins.contains(&a.path));
        record
    };
    without(one) == without(other)
}

impl Tree {
    /// Sees to the Parquet tables of the track in `folder`, and gives its record as it is then: what is missing is made where
    /// Parquet is wanted, and no longer listed elsewhere. `None` where there is no such track, or a table cannot be made
    /// because its CSV is none of ours any more.
    pub(super) fn with_twins(
        &self,
        destination: &Destination,
        folder: &str,
    ) -> Result<Option<TrackRecord>, ExportError> {
        let Some(Entry { record, rows, .. }) = self.lock().get(folder).cloned() else {
            return Ok(None);
        };
        let known: BTreeMap<&str, &Artefact> = record.artefacts.iter().map(|a| (a.path.as_str(), a)).collect();
        let twins = twins_of(&record);
        let is_there = |path: &str| known.get(path).is_some_and(|a| destination.holds(a));
        let (there, missing): (Vec<&String>, Vec<&String>) = twins.iter().partition(|path| is_there(path));
        if missing.is_empty() || (!self.parquet && missing.iter().all(|path| !known.contains_key(path.as_str()))) {
            return Ok(Some(record));
        }
        let mut made: BTreeMap<&str, Artefact> = BTreeMap::new();
        if self.parquet {
            let mut tables = Vec::new();
            for csv in &record.artefacts {
                let Some(beside) = twin::name(&csv.path).filter(|t| missing.contains(&t)) else {
                    continue;
                };
                let Some(table) = destination.read(&csv.path)?.and_then(|bytes| twin::of_csv(&bytes)) else {
                    return Ok(None);
                };
                tables.push((csv.path.as_str(), beside, table));
            }
            // A run that is killed now is followed by one that knows of these, and that the rest is whole.
            let adding = Journal {
                schema: SCHEMA,
                folder: folder.to_owned(),
                pending: tables.iter().map(|(_, beside, _)| beside.clone()).collect(),
                record: Some(record.clone()),
                rows: rows.clone(),
            };
            self.write_journal(destination, &adding)?;
            for (csv, beside, table) in &tables {
                made.insert(csv, destination.write(beside, |out| twin::write(out, table))?);
            }
        }
        let mut artefacts = Vec::new();
        for artefact in record.artefacts.iter().filter(|a| !twins.contains(&a.path)) {
            artefacts.push(artefact.clone());
            let beside = twin::name(&artefact.path).filter(|t| there.contains(&t));
            artefacts.extend(beside.and_then(|t| known.get(t.as_str()).map(|a| (*a).clone())));
            artefacts.extend(made.remove(artefact.path.as_str()));
        }
        let whole = TrackRecord {
            artefacts,
            ..record.clone()
        };
        self.keep(destination, whole, rows).map(Some)
    }
}
