//! The drum breaks of a track, as `breaks` writes them.
//!
//! ```text
//! <track>_drum_breaks.csv              a row a break
//! <track>/break_01/
//!   drum_break.wav                     the break, as a loop
//!   drum_break_perc.wav                its percussive part
//!   groove.mid                         the notes that replay it on its kit
//!   break.png                          a picture, where asked for
//!   hits/hit_0000.wav, …_perc.wav      every hit, and its percussive part
//!   hits/hits_metadata.csv             a row a hit
//!   hits/clusters.csv                  a row a kind of hit: what a person corrects
//!   kit/samples/kick_01.wav, …         the kit's pieces
//!   kit/<track> - break 01.sfz, …      the kit in each format
//! ```
//!
//! One gain holds for a break and all that is made of it.

mod rows;

use super::cut::{self, Cut};
use super::kit::{KIT_FORMATS, KitFormat, sample_meta, sample_name};
use super::layout::BREAKS_TABLE;
use super::level;
use super::manifest::{LoopRecord, SourceKey, TrackRecord};
use super::meta::{self, LoopMeta};
use super::midi::{self, Channel};
use super::name;
use super::picture::{PICTURE_FORMATS, PictureFormat};
use super::plot::hits::{self as hits_plot, HitsPlot};
use super::table::Table;
use super::tree::loops::{formats, suffixes};
use super::tree::{Plan, Writer};
use super::wav::Wav;
use super::{AudioFormat, AudioView, ExportError};
use crate::audio::AudioBuffer;
use crate::config::{self, Config};
use crate::drums::breaks::Break;
use crate::drums::class::Class;
use crate::drums::hits::{Hits, slice};
use crate::drums::kit::Kit;
use crate::drums::{assemble, stem};
use crate::loops::snap::{self, Placement};
use crate::progress::{Progress, Stage};
use crate::rhythm::grid::BeatGrid;
use crate::track::Track;
use crate::units::{Span, db_amplitude};

/// Audio on either side of the loop that its percussive part is judged by, in seconds: the loop itself, played round.
const AROUND: f64 = 0.5;

/// A break to be written.
#[derive(Debug, Clone, Copy)]
pub struct BreakItem<'a> {
    /// Its place in the order, 1 the first.
    pub number: u32,
    /// The break.
    pub found: &'a Break,
    /// Its hits.
    pub hits: &'a Hits,
}

/// A track's breaks to be written.
pub struct Breaks<'a> {
    source: &'a SourceKey,
    track: &'a Track,
    grid: &'a BeatGrid,
    config: &'a Config,
    formats: Vec<(&'static dyn AudioFormat, String)>,
    picture: Option<&'static dyn PictureFormat>,
    breaks: Vec<Planned<'a>>,
}

/// A break and everything about its files but their content.
struct Planned<'a> {
    item: BreakItem<'a>,
    place: Placement,
    bpm: f64,
    /// `<track>/break_01`.
    folder: String,
    /// For people and for files: `<track> - break 01`.
    title: String,
    kit: Kit,
}

impl<'a> Breaks<'a> {
    /// Places the breaks and makes their kits; fails where this build lacks a format.
    pub fn of(
        source: &'a SourceKey,
        track: &'a Track,
        grid: &'a BeatGrid,
        items: &[BreakItem<'a>],
        config: &'a Config,
    ) -> Result<Self, ExportError> {
        let breaks = items
            .iter()
            .map(|&item| {
                let place = snap::place(&track.audio, grid, &item.found.candidate);
                let track_name: String = track.name.chars().take(80).collect();
                let title = format!("{} - break {:02}", name::component(&track_name), item.number);
                Planned {
                    item,
                    place,
                    bpm: meta::implied_bpm(item.found.candidate.beats, place.frames, track.audio.sample_rate()),
                    folder: format!("{}/break_{:02}", source.folder, item.number),
                    kit: assemble::kit(&title, &track.audio, item.hits),
                    title,
                }
            })
            .collect();
        let formats = formats(&config.export)?;
        let endings = suffixes(&formats);
        Ok(Self {
            source,
            track,
            grid,
            config,
            formats: formats.into_iter().map(|(_, w)| w).zip(endings).collect(),
            picture: config.breaks.plot.then(|| PICTURE_FORMATS.first().copied()).flatten(),
            breaks,
        })
    }

    fn table(&self) -> String {
        format!("{}{BREAKS_TABLE}", self.source.folder)
    }

    /// The ending of stems and hits: that of the first format.
    fn ending(&self) -> &str {
        self.formats.first().map_or(".wav", |(_, ending)| ending)
    }

    fn kit_formats(&self) -> impl Iterator<Item = &'static dyn KitFormat> {
        let wanted = |kit: &config::Kit| {
            let name = match kit {
                config::Kit::Sfz => "sfz",
                config::Kit::Decent => "decent",
                config::Kit::Bitwig => "bitwig",
                config::Kit::Hydrogen => "hydrogen",
            };
            super::kit::kit_format(name)
        };
        let asked: Vec<&'static dyn KitFormat> = self.config.breaks.kits.iter().filter_map(wanted).collect();
        // In the table's order and each once, whatever was asked for how often.
        KIT_FORMATS
            .iter()
            .copied()
            .filter(move |f| asked.iter().any(|a| a.name() == f.name()))
    }

    fn stems(&self) -> bool {
        self.config.breaks.stems
    }
}

/// Files of one break, as paths from the output folder.
impl Planned<'_> {
    fn loop_file(&self, ending: &str) -> String {
        format!("{}/drum_break{ending}", self.folder)
    }

    fn perc_file(&self, ending: &str) -> String {
        format!("{}/drum_break_perc{ending}", self.folder)
    }

    fn hit_file(&self, hit: usize, ending: &str) -> String {
        format!("{}/hits/hit_{hit:04}{ending}", self.folder)
    }

    fn hit_perc_file(&self, hit: usize, ending: &str) -> String {
        format!("{}/hits/hit_{hit:04}_perc{ending}", self.folder)
    }

    fn hits_table(&self) -> String {
        format!("{}/hits/hits_metadata.csv", self.folder)
    }

    fn clusters_table(&self) -> String {
        format!("{}/hits/clusters.csv", self.folder)
    }

    fn midi(&self) -> String {
        format!("{}/groove.mid", self.folder)
    }

    fn picture(&self, format: &dyn PictureFormat) -> String {
        format!("{}/break.{}", self.folder, format.extension())
    }

    fn kit_file(&self, format: &dyn KitFormat) -> String {
        format!("{}/kit/{}.{}", self.folder, self.title, format.extension())
    }

    /// The piece's file as a kit's file names it.
    fn sample(&self, piece: usize) -> String {
        format!("samples/{}", sample_name(&self.kit.pieces[piece]))
    }

    fn record(&self, cut: &Cut, gain_db: f64, clipped: u64, ending: &str) -> LoopRecord {
        LoopRecord {
            file: self.loop_file(ending),
            start_frame: cut.start.unwrap_or(self.place.start) as u64,
            frames: self.place.frames as u64,
            sample_rate: self.kit.sample_rate,
            bars: self.item.found.candidate.bars,
            beats: self.item.found.candidate.beats,
            bpm: self.bpm,
            seam: cut.seam,
            gain_db,
            clipped,
        }
    }
}

impl Plan for Breaks<'_> {
    fn paths(&self) -> Vec<String> {
        let ending = self.ending();
        let mut paths = Vec::new();
        for b in &self.breaks {
            paths.extend(self.formats.iter().map(|(_, ending)| b.loop_file(ending)));
            paths.extend(self.stems().then(|| b.perc_file(ending)));
            let hits = b.item.hits.hits.len();
            paths.extend((0..hits).map(|i| b.hit_file(i, ending)));
            if self.stems() {
                paths.extend((0..hits).map(|i| b.hit_perc_file(i, ending)));
            }
            paths.extend([b.hits_table(), b.clusters_table(), b.midi()]);
            paths.extend(self.picture.map(|f| b.picture(f)));
            if !b.kit.pieces.is_empty() {
                if self.kit_formats().any(|f| !f.holds_samples()) {
                    paths.extend((0..b.kit.pieces.len()).map(|p| format!("{}/kit/{}", b.folder, b.sample(p))));
                }
                paths.extend(self.kit_formats().map(|f| b.kit_file(f)));
            }
        }
        if !paths.is_empty() {
            paths.push(self.table());
        }
        paths
    }

    fn outline(&self) -> Vec<LoopRecord> {
        let ending = self.ending();
        let outline = |b: &Planned<'_>| b.record(&Cut::default(), 0.0, 0, ending);
        self.breaks.iter().map(outline).collect()
    }

    fn write(&self, out: &mut Writer<'_>, progress: &dyn Progress) -> Result<Table, ExportError> {
        let mut records = Vec::new();
        for (i, planned) in self.breaks.iter().enumerate() {
            progress.check()?;
            progress.report(Stage::Export, i as f32 / self.breaks.len() as f32);
            let record = self.write_break(planned, out, progress)?;
            records.push(record.clone());
            out.record(record);
        }
        progress.report(Stage::Export, 1.0);
        let rows = self.table_of(&records);
        if !self.breaks.is_empty() {
            out.csv(&self.table(), &rows)?;
        }
        Ok(rows)
    }
}

impl Breaks<'_> {
    /// The rows of the run's table, from what was written.
    pub fn rows(&self, record: &TrackRecord) -> Table {
        self.table_of(&record.loops)
    }

    fn table_of(&self, records: &[LoopRecord]) -> Table {
        let mut table = Table::default();
        for (planned, record) in self.breaks.iter().zip(records) {
            table.push(rows::of_break(self, planned, record));
        }
        table
    }

    fn write_break(
        &self,
        planned: &Planned<'_>,
        out: &mut Writer<'_>,
        progress: &dyn Progress,
    ) -> Result<LoopRecord, ExportError> {
        let Planned { item, place, .. } = planned;
        let audio = &self.track.audio;
        let sample_rate = audio.sample_rate();
        let mut cut = cut::cut(audio, place.start, place.frames, &self.config.export)?;
        let gain_db = level::apply(self.config.export.level, &mut cut.planes, sample_rate);
        let gain = db_amplitude(gain_db) as f32;
        let start = cut.start.unwrap_or(place.start);

        let beats_per_bar = meta::beats_per_bar(&item.found.candidate);
        let loop_meta = LoopMeta::of_loop(
            self.track,
            self.grid,
            None,
            &item.found.candidate,
            (place.frames, planned.bpm),
            &self.config.export,
        );
        let mut clipped = Vec::new();
        for (format, ending) in &self.formats {
            let written = out.audio(
                &planned.loop_file(ending),
                *format,
                view(&cut.planes, sample_rate),
                &loop_meta,
            )?;
            clipped.push(written.clipped);
        }
        let (format, ending) = match self.formats.first() {
            Some((format, ending)) => (*format, ending.as_str()),
            None => (&Wav::Int24 as &dyn AudioFormat, ".wav"),
        };
        // Its planes are all as long as the loop, which has some.
        let stem = || AudioBuffer::new(stem_of(&cut.planes, sample_rate), sample_rate).ok();
        let stem = if self.stems() { stem() } else { None };
        if let Some(stem) = &stem {
            out.audio(
                &planned.perc_file(ending),
                format,
                view(stem.planes(), sample_rate),
                &loop_meta,
            )?;
        }
        progress.check()?;

        for (i, hit) in item.hits.hits.iter().enumerate() {
            let class = hit.labels.first().copied().unwrap_or(Class::Silence);
            let title = format!("{} - {} {:04}", planned.title, class.label(), i);
            let meta = LoopMeta::one_shot(&title, self.track.tags.artist.as_deref(), class);
            let mut planes = slice::cut(audio, hit.span);
            planes.iter_mut().flatten().for_each(|x| *x *= gain);
            out.audio(&planned.hit_file(i, ending), format, view(&planes, sample_rate), &meta)?;
            if let Some(stem) = &stem {
                let planes = slice_of(stem, hit.span, start);
                out.audio(
                    &planned.hit_perc_file(i, ending),
                    format,
                    view(&planes, sample_rate),
                    &meta,
                )?;
            }
        }
        let groove = assemble::groove(
            &planned.title,
            audio,
            &planned.kit,
            item.hits,
            (start, place.frames),
            (item.found.candidate.beats, beats_per_bar),
        );
        out.csv(&planned.hits_table(), &rows::of_hits(self, planned, start))?;
        out.csv(&planned.clusters_table(), &rows::of_clusters(self, planned))?;
        out.file(&planned.midi(), |f| midi::write(f, &groove, Channel::Drums))?;
        if let Some(format) = self.picture {
            let picture = hits_plot::draw(&HitsPlot {
                title: &planned.title,
                planes: &cut.planes,
                sample_rate,
                start,
                beats: item.found.candidate.beats,
                beats_per_bar,
                bpm: planned.bpm,
                hits: item.hits,
            });
            out.file(&planned.picture(format), |f| format.write(f, &picture))?;
        }
        self.write_kit(planned, gain, out)?;
        Ok(planned.record(&cut, gain_db, clipped.first().copied().unwrap_or(0), ending))
    }

    fn write_kit(&self, planned: &Planned<'_>, gain: f32, out: &mut Writer<'_>) -> Result<(), ExportError> {
        if planned.kit.pieces.is_empty() {
            return Ok(());
        }
        let mut kit = planned.kit.clone();
        for piece in &mut kit.pieces {
            piece.planes.iter_mut().flatten().for_each(|x| *x *= gain);
        }
        if self.kit_formats().any(|f| !f.holds_samples()) {
            for (i, piece) in kit.pieces.iter().enumerate() {
                let path = format!("{}/kit/{}", planned.folder, planned.sample(i));
                let samples = view(&piece.planes, kit.sample_rate);
                out.audio(&path, &Wav::Int24, samples, &sample_meta(piece))?;
            }
        }
        let samples: Vec<String> = (0..kit.pieces.len()).map(|p| planned.sample(p)).collect();
        for format in self.kit_formats() {
            out.file(&planned.kit_file(format), |f| {
                format.write(f, &kit, &samples).map(|_| ())
            })?;
        }
        Ok(())
    }
}

fn view(planes: &[Vec<f32>], sample_rate: u32) -> AudioView<'_> {
    AudioView { planes, sample_rate }
}

/// The percussive part of a loop, which loops as it does: both ends are judged by what sounds there when it runs round.
fn stem_of(planes: &[Vec<f32>], sample_rate: u32) -> Vec<Vec<f32>> {
    let frames = planes.first().map_or(0, Vec::len);
    let around = ((AROUND * f64::from(sample_rate)) as usize).min(frames);
    let round: Vec<Vec<f32>> = planes
        .iter()
        .map(|p| [&p[frames - around..], p, &p[..around]].concat())
        .collect();
    let views: Vec<&[f32]> = round.iter().map(Vec::as_slice).collect();
    let mut stem = stem::percussive(&views, sample_rate);
    for plane in &mut stem {
        plane.drain(..around);
        plane.truncate(frames);
    }
    stem
}

/// The part of a loop's stem that a hit's slice covers, silent where it reaches beyond the loop (a first hit begins a
/// millisecond before its attack); the loop begins at frame `start` of the track.
fn slice_of(stem: &AudioBuffer, span: Span, start: usize) -> Vec<Vec<f32>> {
    let from = span.start - start as f64;
    let own = Span {
        start: from.max(0.0),
        end: from + span.len(),
    };
    let frames = span.len().max(0.0) as usize;
    let before = ((-from).max(0.0) as usize).min(frames);
    let mut planes = slice::cut(stem, own);
    for plane in &mut planes {
        plane.splice(0..0, std::iter::repeat_n(0.0, before));
        plane.resize(frames, 0.0);
    }
    planes
}
