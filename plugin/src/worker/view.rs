//! The picture that the editor draws.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use loopwright_core::rhythm::Rhythm;
use loopwright_core::rhythm::grid::BeatGrid;

use super::crop::Entry;
use super::desk::{Desk, Known};
use crate::capture::history::Take;
use crate::capture::peaks::Peaks;
use crate::snapshot::{
    Correction, FileState, GridOrigin, Item, ItemId, ItemKind, Kept, Snapshot, Status, TakeView, TransportState,
};
use crate::state::Favourite;

/// Bars of a growing take are looked at anew when it has grown by this, in seconds, or by this part of its length:
/// fitting them costs the more the longer the take is, and must not cost more and more for each new second of it.
const STALE: (f64, f64) = (0.25, 1.0 / 500.0);
/// Sound counts as being kept for so long after the last block.
const QUIET: Duration = Duration::from_millis(500);

/// A take's bar lines and peaks, as they were when last looked at.
#[derive(Default)]
pub(super) struct Lines {
    /// First and end of the take, whether it was open, its correction and how many analyses it had had.
    of: Option<(u64, u64, bool, Correction, Option<u64>)>,
    pub(super) bars: Arc<[f64]>,
    pub(super) first_bar: Option<i64>,
    pub(super) grid: Option<GridOrigin>,
    pub(super) bpm: f64,
    /// Whole bars of the host, corrected.
    pub(super) whole: usize,
    peaks_of: Option<(u64, u64)>,
    peaks: Arc<Peaks>,
}

impl Lines {
    /// Forgets bars before frame `first`, which have left the history.
    fn forget(&mut self, first: u64) {
        let gone = self.bars.partition_point(|line| *line < first as f64);
        let Some(left) = self.bars.get(gone..).filter(|_| gone > 0) else {
            return;
        };
        self.bars = left.into();
        self.whole = self.whole.saturating_sub(gone);
        let number = match self.grid {
            Some(GridOrigin::Tracked) => Some(self.first_bar.unwrap_or(1)),
            _ => self.first_bar,
        };
        self.first_bar = number.and_then(|n| n.checked_add_unsigned(gone as u64));
    }

    /// Looks at the take again where it has changed.
    pub(super) fn refresh(known: &mut Known, take: &Take) {
        let state = (
            take.first(),
            take.end(),
            take.is_open(),
            known.correction,
            known.analysed,
        );
        let lines = &mut known.lines;
        if lines.peaks_of != Some((take.first(), take.end())) {
            lines.peaks_of = Some((take.first(), take.end()));
            lines.peaks = take.peaks();
        }
        let fresh = lines.of.is_some_and(|was| {
            let rate = f64::from(take.rate().max(1));
            let moved = take.end().saturating_sub(was.1).max(take.first().saturating_sub(was.0));
            let stale = STALE.0.max(STALE.1 * (take.end() - take.first()) as f64 / rate);
            let same = (was.2, was.3, was.4) == (state.2, state.3, state.4);
            was == state || (same && (moved as f64 / rate) < stale)
        });
        if fresh {
            lines.forget(take.first());
            return;
        }
        lines.of = Some(state);
        let seconds = (take.end() - take.first()) as f64 / f64::from(take.rate().max(1));
        let host = take.grid().filter(|g| g.beats.len() >= 2);
        let (grid, from, origin) = match (host, &known.grid) {
            (Some(grid), _) => {
                let told = super::analysis::rhythm(known.correction, Some(grid.beats_per_bar));
                let grid = if known.correction == Correction::default() {
                    grid
                } else {
                    Rhythm::given_as(&grid, &told, take.rate(), seconds).grid
                };
                (grid, take.first(), GridOrigin::Host)
            }
            (None, Some((grid, from))) if !grid.beats.is_empty() => (grid.clone(), *from, GridOrigin::Tracked),
            _ => {
                let same = (take.first(), GridOrigin::None);
                (
                    BeatGrid::empty(loopwright_core::rhythm::grid::GridSource::Host),
                    same.0,
                    same.1,
                )
            }
        };
        lines.bars = lines_of(&grid, from, take.first());
        lines.grid = Some(origin);
        lines.bpm = if origin == GridOrigin::None { 0.0 } else { grid.tempo.0 };
        lines.whole = if origin == GridOrigin::Host {
            grid.bars().len()
        } else {
            0
        };
        // Bars that are counted otherwise than the host's have none of its numbers.
        let hosts = origin == GridOrigin::Host && known.correction == Correction::default();
        lines.first_bar = if hosts {
            take.first_bar()
        } else {
            // Heard bars count from the first that was heard, also where it has been forgotten since.
            let gone = match (origin, &known.grid) {
                (GridOrigin::Tracked, Some((grid, _))) => lines_of(grid, from, 0).len() - lines.bars.len(),
                _ => 0,
            };
            i64::try_from(gone).ok().filter(|n| *n > 0).map(|n| n + 1)
        };
    }
}

/// Bar lines in frames of the take, from `first` on, with the end of the last whole bar.
fn lines_of(grid: &BeatGrid, from: u64, first: u64) -> Arc<[f64]> {
    let mut lines: Vec<f64> = grid
        .downbeats
        .iter()
        .filter_map(|d| grid.beats.get(*d))
        .copied()
        .collect();
    if let Some((last, _)) = grid.bars().last()
        && lines.last().is_some_and(|l| *l + 0.5 < last.end)
    {
        lines.push(last.end);
    }
    lines
        .into_iter()
        .map(|l| l + from as f64)
        .filter(|l| *l >= first as f64)
        .collect()
}

impl Desk {
    /// All that is to be seen.
    pub(super) fn picture(&mut self, number: u64) -> Snapshot {
        for take in self.history.takes() {
            Lines::refresh(self.takes.entry(take.id()).or_default(), take);
        }
        if std::mem::take(&mut self.lists_dirty) {
            self.items = self.lists();
            let there: BTreeSet<ItemId> = self.items.iter().map(|i| i.id).collect();
            self.kept = self
                .favourites
                .iter()
                .filter(|f| !there.contains(&ItemId(f.id)))
                .map(|f| self.kept_item(f))
                .collect();
        }
        let takes = self.history.takes().iter().filter_map(|take| {
            let known = self.takes.get(&take.id())?;
            Some(TakeView {
                id: take.id(),
                rate: take.rate(),
                first: take.first(),
                end: take.end(),
                peaks: known.lines.peaks.clone(),
                bars: known.lines.bars.clone(),
                first_bar: known.lines.first_bar,
                grid: known.lines.grid.unwrap_or(GridOrigin::None),
                bpm: known.lines.bpm,
                meter: take.meter().unwrap_or_else(|| {
                    let tracked = known.grid.as_ref().map_or(4, |(g, _)| g.beats_per_bar);
                    (u16::try_from(tracked).unwrap_or(4), 4)
                }),
                open: take.is_open(),
                analysed_to: known.analysed.unwrap_or(0).min(take.end()),
                correction: known.correction,
                note: known.note.clone(),
            })
        });
        Snapshot {
            number,
            status: self.status(),
            takes: takes.collect(),
            items: self.items.clone(),
            kept: self.kept.clone(),
            messages: self.messages(),
            folder: self.library.folder().to_path_buf(),
        }
    }

    /// True while sound comes in and is kept.
    pub(super) fn is_capturing(&self) -> bool {
        self.history.is_capturing() && self.is_fed()
    }

    /// What the transport says, or would say: hosts that stand still may send nothing at all, not even that.
    pub(super) fn transport(&self) -> TransportState {
        match self.history.transport() {
            _ if self.stream.is_none() => TransportState::Unknown,
            TransportState::Playing if !self.is_fed() => TransportState::Stopped,
            told => told,
        }
    }

    /// True while blocks come in.
    fn is_fed(&self) -> bool {
        self.heard.is_some_and(|h| h.elapsed() < QUIET)
    }

    fn status(&self) -> Status {
        let host = self.host.unwrap_or_default();
        let meter = host
            .meter
            .and_then(|(n, d)| Some((u16::try_from(n).ok()?, u16::try_from(d).ok()?)));
        let tempo = host.tempo.filter(|t| t.is_finite() && *t > 0.0).unwrap_or(0.0);
        Status {
            transport: self.transport(),
            capturing: self.is_capturing(),
            analysing: self.running.map(|(_, fraction)| fraction),
            bpm: tempo,
            meter: meter.unwrap_or((4, 4)),
            lost_frames: self.history.lost(),
            history_seconds: self.history.seconds(),
            history_bytes: self.history.bytes(),
            rate: self.rate,
            analysis_seconds: self.last_cost,
        }
    }

    /// The items of all takes: by kind; those of one take in the analysis' order, which spreads over the music; between takes
    /// the better next one first, and of equals the newer take's.
    fn lists(&self) -> Arc<[Item]> {
        let mut out = Vec::new();
        for kind in ItemKind::ALL {
            let mut queues: Vec<std::vec::IntoIter<&Arc<Entry>>> = self
                .takes
                .values()
                .rev()
                .map(|k| {
                    let own = k.entries.iter();
                    own.filter(|e| e.item.kind == kind && !self.rejected.contains(&e.item.id))
                        .collect::<Vec<_>>()
                        .into_iter()
                })
                .collect();
            loop {
                let heads = queues
                    .iter()
                    .enumerate()
                    .filter_map(|(i, q)| Some((i, q.as_slice().first()?.item.score)));
                let best = heads.reduce(|a, b| if b.1 > a.1 { b } else { a });
                let Some(entry) = best.and_then(|(i, _)| queues.get_mut(i)?.next()) else {
                    break;
                };
                out.push(self.dressed(entry));
            }
        }
        out.into()
    }

    /// An item with what changes about it.
    fn dressed(&self, entry: &Entry) -> Item {
        let mut item = entry.item.clone();
        item.favourite = self.favourites.iter().any(|f| f.id == item.id.0);
        if let Some(files) = self.files.get(&item.id) {
            item.file = files.state.clone();
            item.kit = files.kit.clone();
        }
        item
    }

    fn kept_item(&self, favourite: &Favourite) -> Kept {
        let id = ItemId(favourite.id);
        let files = self.files.get(&id);
        Kept {
            item: Item {
                id,
                kind: favourite.kind,
                take: 0,
                start: 0,
                frames: 0,
                title: favourite.title.clone(),
                bars: favourite.bars,
                bpm: favourite.bpm,
                key: favourite.key.clone(),
                score: favourite.score,
                reasons: Vec::new(),
                class: favourite.class.clone(),
                favourite: true,
                file: files.map_or_else(
                    || FileState::Missing(favourite.path.clone().into()),
                    |f| f.state.clone(),
                ),
                kit: files.map(|f| f.kit.clone()).unwrap_or_default(),
            },
        }
    }
}
