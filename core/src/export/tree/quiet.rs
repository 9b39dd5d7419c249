//! Quiet loops and their slices, as `quiet` writes them: the layout and the columns of the Python pipeline.
//!
//! ```text
//! <track>/loop_01.wav                                            with its finest slices as cue points
//! <track>/loop_01.mid                                            plays those slices in order
//! <track>/loop_01/slices_08/<track>_loop01_08_slice_000.wav …    whose samples, end to end, are the loop's
//! <track>/loop_01/slices_08/<track>_loop01_08_slices.csv         a row a slice
//! <track>_quiet_loops_and_slices.csv                             a row for each way to slice each loop
//! ```
//!
//! Slices are cut from the loop as written, after its seam was mended and its level set, so that they tile it exactly. In
//! the formats without dither (all but 16-bit WAV, whose dither differs from file to file) they do so bit for bit.

use super::loops::{Format, formats, round3, suffixes};
use super::{LoopItem, Plan, QUIET, TrackRequest, Writer};
use crate::export::cut::{self, Cut};
use crate::export::layout::QUIET_TABLE;
use crate::export::level;
use crate::export::manifest::LoopRecord;
use crate::export::meta::{self, LoopMeta};
use crate::export::midi;
use crate::export::name::component;
use crate::export::table::{Cell, Table};
use crate::export::{AudioView, ExportError};
use crate::loops::slices;
use crate::loops::snap::Placement;
use crate::progress::{Progress, Stage};

/// Most bytes that are left of a track's name in the names of its slices.
const STEM: usize = 120;

/// One way to slice a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceItem {
    /// One more than there are slices: from 0 to the loop's length, in frames, strictly increasing.
    pub edges: Vec<usize>,
    /// How many onsets were heard in the loop.
    pub num_onsets: usize,
    /// How many inner edges lie on one.
    pub onsets_used: usize,
    /// What was listened to: `notes`, or `mix` where there were too few.
    pub heard: &'static str,
}

/// A quiet loop to be written.
#[derive(Debug, Clone)]
pub struct QuietItem {
    /// The loop. Its number names its files.
    pub item: LoopItem,
    /// Where it is cut.
    pub place: Placement,
    /// Share of the percussive part in its level.
    pub perc_to_total_rms: f32,
    /// How much starts at its ends.
    pub boundary_quiet_score: f32,
    /// Its slices, coarsest first.
    pub slices: Vec<SliceItem>,
}

/// Everything about a track's quiet loops but their samples.
pub struct QuietCuts<'a> {
    request: &'a TrackRequest<'a>,
    formats: Vec<Format>,
    loops: Vec<Planned<'a>>,
    /// Fade at the end of each slice, in frames.
    declick: usize,
    table: String,
}

struct Planned<'a> {
    quiet: &'a QuietItem,
    bpm: f64,
    /// One path a format.
    files: Vec<String>,
    midi: Option<String>,
    sets: Vec<PlannedSet<'a>>,
}

struct PlannedSet<'a> {
    slices: &'a SliceItem,
    folder: String,
    /// For each slice one name a format, in that folder.
    files: Vec<Vec<String>>,
    table: String,
}

impl PlannedSet<'_> {
    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }
}

impl<'a> QuietCuts<'a> {
    /// Names the files of `loops`; those of `request` are not looked at. `declick_ms` is the length of the fade at the end
    /// of each slice, 0 for none.
    ///
    /// # Errors
    ///
    /// [`ExportError::NoFormat`] where this build lacks a format.
    pub fn of(request: &'a TrackRequest<'a>, loops: &'a [QuietItem], declick_ms: f64) -> Result<Self, ExportError> {
        let formats = formats(request.config)?;
        let suffixes = suffixes(&formats);
        let folder = &request.source.folder;
        let last = folder.rsplit('/').next().unwrap_or(folder);
        let stem = component(&last[..last.floor_char_boundary(STEM)]);
        let sample_rate = request.track.audio.sample_rate();
        let named = |name: &str| -> Vec<String> { suffixes.iter().map(|s| format!("{name}{s}")).collect() };
        let planned = loops
            .iter()
            .map(|quiet| {
                let number = quiet.item.number;
                let base = format!("{folder}/loop_{number:02}");
                let sets: Vec<PlannedSet<'_>> = quiet
                    .slices
                    .iter()
                    .map(|slices| {
                        let count = slices.edges.len().saturating_sub(1);
                        let name = format!("{stem}_loop{number:02}_{count:02}");
                        PlannedSet {
                            slices,
                            folder: format!("{base}/slices_{count:02}"),
                            files: (0..count).map(|i| named(&format!("{name}_slice_{i:03}"))).collect(),
                            table: format!("{name}_slices.csv"),
                        }
                    })
                    .collect();
                Planned {
                    quiet,
                    bpm: meta::implied_bpm(quiet.item.candidate.beats, quiet.place.frames, sample_rate),
                    files: named(&base),
                    midi: (!sets.is_empty()).then(|| format!("{base}.mid")),
                    sets,
                }
            })
            .collect();
        Ok(Self {
            request,
            formats,
            loops: planned,
            declick: (declick_ms * 1e-3 * f64::from(sample_rate)).round() as usize,
            table: format!("{folder}{QUIET_TABLE}"),
        })
    }

    /// The rows for the run's tables of loops that were cut as `records` say, in the order of the loops.
    pub fn rows(&self, records: &[LoopRecord]) -> Table {
        let mut rows = Table::default();
        for (planned, done) in self.loops.iter().zip(records) {
            self.push_rows(planned, done, &mut rows);
        }
        rows
    }

    fn push_rows(&self, planned: &Planned<'_>, done: &LoopRecord, rows: &mut Table) {
        for set in &planned.sets {
            rows.push(row(self.request, planned, done, Some(set)));
        }
        if planned.sets.is_empty() {
            rows.push(row(self.request, planned, done, None));
        }
    }

    fn record(&self, planned: &Planned<'_>, cut: &Cut, gain_db: f64, clipped: u64) -> LoopRecord {
        let Planned { quiet, .. } = planned;
        LoopRecord {
            file: planned.files.first().cloned().unwrap_or_default(),
            start_frame: cut.start.unwrap_or(quiet.place.start) as u64,
            frames: quiet.place.frames as u64,
            sample_rate: self.request.track.audio.sample_rate(),
            bars: quiet.item.candidate.bars,
            beats: quiet.item.candidate.beats,
            bpm: planned.bpm,
            seam: cut.seam,
            gain_db,
            clipped,
        }
    }

    /// Writes one loop with all that belongs to it, and its rows.
    fn write_loop(&self, planned: &Planned<'_>, out: &mut Writer<'_>, rows: &mut Table) -> Result<(), ExportError> {
        let request = self.request;
        let place = planned.quiet.place;
        let sample_rate = request.track.audio.sample_rate();
        let mut cut = cut::cut(&request.track.audio, place.start, place.frames, request.config)?;
        let gain_db = level::apply(request.config.level, &mut cut.planes, sample_rate);
        let moved = cut.start.unwrap_or(place.start) as i64 - place.start as i64;
        let edges: Vec<Vec<usize>> = planned.sets.iter().map(|s| follow(&s.slices.edges, moved)).collect();
        let finest = edges.iter().max_by_key(|e| e.len());

        let mut meta = LoopMeta::of(request, &planned.quiet.item, place.frames, planned.bpm);
        if let Some(finest) = finest {
            meta.cues = finest[..finest.len() - 1]
                .iter()
                .enumerate()
                .map(|(i, e)| (u32::try_from(*e).unwrap_or(u32::MAX), format!("Slice {:02}", i + 1)))
                .collect();
        }
        let view = AudioView {
            planes: &cut.planes,
            sample_rate,
        };
        let mut clipped = Vec::new();
        for ((_, format), path) in self.formats.iter().zip(&planned.files) {
            clipped.push(out.audio(path, *format, view, &meta)?.clipped);
        }
        if let (Some(path), Some(finest)) = (&planned.midi, finest) {
            let beats_per_bar = meta.beats_per_bar;
            out.file(path, |out| {
                let groove = midi::slices_groove(&meta.title, finest, meta.bpm, meta.beats, beats_per_bar)?;
                midi::write(out, &groove, midi::Channel::Slices)
            })?;
        }
        let done = self.record(planned, &cut, gain_db, clipped.first().copied().unwrap_or(0));
        for (set, edges) in planned.sets.iter().zip(&edges) {
            self.write_slices(set, edges, &cut.planes, &meta, out)?;
        }
        self.push_rows(planned, &done, rows);
        out.record(done);
        Ok(())
    }

    fn write_slices(
        &self,
        set: &PlannedSet<'_>,
        edges: &[usize],
        planes: &[Vec<f32>],
        of: &LoopMeta,
        out: &mut Writer<'_>,
    ) -> Result<(), ExportError> {
        let sample_rate = self.request.track.audio.sample_rate();
        let seconds = |frame: usize| frame as f64 / f64::from(sample_rate);
        let count = set.files.len();
        let mut table = Table::new(["slice_index", "start_s", "end_s", "duration_s", "wav"]);
        for (i, (w, files)) in edges.windows(2).zip(&set.files).enumerate() {
            let mut slice: Vec<Vec<f32>> = planes
                .iter()
                .map(|p| p.get(w[0]..w[1]).unwrap_or_default().to_vec())
                .collect();
            if self.declick > 0 {
                slices::declick(&mut slice, self.declick);
            }
            // A one-shot: no tempo, no key, no loop points.
            let meta = LoopMeta {
                comment: format!("Slice {} of {count}", i + 1),
                beats: 0,
                bpm: 0.0,
                key: None,
                root: None,
                cues: Vec::new(),
                seed: of.seed.wrapping_add(w[0] as u64),
                ..of.clone()
            };
            let view = AudioView {
                planes: &slice,
                sample_rate,
            };
            for ((_, format), name) in self.formats.iter().zip(files) {
                out.audio(&set.path(name), *format, view, &meta)?;
            }
            table.push([
                ("slice_index".to_owned(), Cell::from(i)),
                ("start_s".to_owned(), seconds(w[0]).into()),
                ("end_s".to_owned(), seconds(w[1]).into()),
                ("duration_s".to_owned(), seconds(w[1] - w[0]).into()),
                ("wav".to_owned(), files.first().map(String::as_str).into()),
            ]);
        }
        out.csv(&set.path(&set.table), &table)
    }
}

impl Plan for QuietCuts<'_> {
    fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for planned in &self.loops {
            paths.extend(planned.files.iter().cloned());
            paths.extend(planned.midi.clone());
            for set in &planned.sets {
                paths.extend(set.files.iter().flatten().map(|name| set.path(name)));
                paths.push(set.path(&set.table));
            }
        }
        if !self.loops.is_empty() {
            paths.push(self.table.clone());
        }
        paths
    }

    fn outline(&self) -> Vec<LoopRecord> {
        self.loops
            .iter()
            .map(|l| self.record(l, &Cut::default(), 0.0, 0))
            .collect()
    }

    fn write(&self, out: &mut Writer<'_>, progress: &dyn Progress) -> Result<Table, ExportError> {
        let mut rows = Table::default();
        for (i, planned) in self.loops.iter().enumerate() {
            progress.check()?;
            progress.report(Stage::Export, i as f32 / self.loops.len() as f32);
            self.write_loop(planned, out, &mut rows)?;
        }
        progress.report(Stage::Export, 1.0);
        if !self.loops.is_empty() {
            out.csv(&self.table, &known_columns(&rows, &self.request.source.folder))?;
        }
        Ok(rows)
    }
}

/// Edges of a loop whose start moved by `moved` frames to mend its seam: the inner ones stay with the sound, where there is
/// room.
fn follow(edges: &[usize], moved: i64) -> Vec<usize> {
    let last = edges.len().saturating_sub(1);
    let shifted: Vec<usize> = edges
        .iter()
        .enumerate()
        .map(|(i, &e)| {
            if i == 0 || i == last {
                e
            } else {
                usize::try_from(e as i64 - moved).unwrap_or(0)
            }
        })
        .collect();
    let increasing = shifted.windows(2).all(|w| w[0] < w[1]);
    if increasing { shifted } else { edges.to_vec() }
}

/// A row for the run's table: the columns of old, then ours.
fn row(
    request: &TrackRequest<'_>,
    planned: &Planned<'_>,
    done: &LoopRecord,
    set: Option<&PlannedSet<'_>>,
) -> Vec<(String, Cell)> {
    let quiet = planned.quiet;
    let rate = f64::from(done.sample_rate.max(1));
    let start = done.start_frame as f64;
    let cells: [(&str, Cell); 29] = [
        ("track_id", request.source.folder.as_str().into()),
        ("audio_file", request.source.name.as_str().into()),
        ("loop_index", quiet.item.number.into()),
        ("bars", done.bars.into()),
        ("start_time", (start / rate).into()),
        ("end_time", ((start + done.frames as f64) / rate).into()),
        ("ml_score", quiet.item.score.into()),
        ("perc_to_total_rms", quiet.perc_to_total_rms.into()),
        ("boundary_quiet_score", quiet.boundary_quiet_score.into()),
        ("loop_wav", done.file.as_str().into()),
        ("n_slices", set.map(|s| s.files.len()).into()),
        ("slice_dir", set.map(|s| s.folder.as_str()).into()),
        ("num_onsets", set.map(|s| s.slices.num_onsets).into()),
        ("onsets_used", set.map(|s| s.slices.onsets_used).into()),
        ("onsets_of", set.map(|s| s.slices.heard).into()),
        ("score_prob", quiet.item.score_prob.into()),
        ("score_rank", quiet.item.score_rank.into()),
        ("score_share", quiet.item.score_share.into()),
        ("bpm", done.bpm.into()),
        ("beats", done.beats.into()),
        ("beats_per_bar", meta::beats_per_bar(&quiet.item.candidate).into()),
        ("key", request.key.into()),
        ("sample_rate", done.sample_rate.into()),
        ("start_frame", (done.start_frame as usize).into()),
        ("frames", (done.frames as usize).into()),
        ("crossfade_ms", round3(done.seam.crossfade_ms).into()),
        ("gain_db", round3(done.gain_db).into()),
        ("reasons", quiet.item.reasons.join("; ").into()),
        ("audio_id", request.track.id.to_string().into()),
    ];
    cells.into_iter().map(|(n, c)| (n.to_owned(), c)).collect()
}

/// The columns of old alone, paths told from the folder in which the track's table lies.
fn known_columns(rows: &Table, folder: &str) -> Table {
    let parent = folder.rsplit_once('/').map_or(0, |(parent, _)| parent.len() + 1);
    let mut table = Table::new(QUIET.columns.iter().copied());
    for i in 0..rows.rows.len() {
        table.push(QUIET.columns.iter().map(|name| {
            let cell = match (*name, rows.cell(i, name)) {
                ("loop_wav" | "slice_dir", Cell::Text(path)) => path.get(parent..).unwrap_or_default().into(),
                (_, cell) => cell.clone(),
            };
            ((*name).to_owned(), cell)
        }));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_stay_with_the_sound_where_there_is_room() {
        assert_eq!(follow(&[0, 100, 200, 300], 44), [0, 56, 156, 300]);
        assert_eq!(follow(&[0, 100, 200, 300], -44), [0, 144, 244, 300]);
        assert_eq!(follow(&[0, 30, 200, 300], 44), [0, 30, 200, 300]);
        assert_eq!(follow(&[0, 100, 280, 300], -44), [0, 100, 280, 300]);
        assert_eq!(follow(&[0, 300], 44), [0, 300]);
    }
}
