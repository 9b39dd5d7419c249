//! What the user wants done.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loopwright_core::audio::AudioBuffer;
use loopwright_core::audio::decode::decode_file;
use loopwright_core::config;
use loopwright_core::drums::hits::slice;
use loopwright_core::export::cut;
use loopwright_core::progress::Silent;
use loopwright_core::track::{Origin, Track};

use super::clip;
use super::crop::{Entry, What};
use super::desk::{Desk, Files};
use crate::command::{Audition, Command};
use crate::library::ratings::{self, Said};
use crate::library::{self, LibraryError};
use crate::preview::{Clip, Cue};
use crate::snapshot::{Correction, FileState, ItemId, ItemKind, Severity, TakeId};
use crate::state::{Favourite, MOST_FAVOURITES};

/// Sound around an item that its cut may look at, in seconds.
const AROUND: f64 = 1.0;
/// How much of the sound before an item must still be there for it to be cut, in seconds: what a cross-fade takes.
const BEFORE: f64 = 0.06;
/// Name of files where the host names no track.
const NAMELESS: &str = "Take";

/// Why an item cannot be heard or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    /// It is not in the lists any more.
    #[error("it is no longer there")]
    Unknown,
    /// Its take has left the history.
    #[error("its sound has left the history, and there is no file of it")]
    Gone,
    /// It cannot be written.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

impl Desk {
    /// Carries out a command, or puts it off where it takes long.
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::PrepareKit(_)
            | Command::Export { .. }
            | Command::Relink(..)
            | Command::CheckFiles
            | Command::Opened => {
                self.put_off(command);
            }
            Command::Prepare(ids) => {
                for id in ids {
                    if self.entry(id).is_some() && self.ready(id).is_none() {
                        self.set_file(id, FileState::Writing);
                    }
                    self.to_write.push_back(id);
                }
            }
            Command::Favourite(id, on) => self.favourite(id, on),
            Command::Reject(id, on) => self.reject(id, on),
            Command::Audition(id, how) => {
                if let Err(e) = self.audition(id, how) {
                    self.say(Severity::Warning, &format!("This cannot be heard: {e}."));
                }
            }
            Command::StopAudition => {
                self.cue = Some(Cue::Stop);
                self.hand_over();
            }
            Command::Correct { take, octave, shift } => self.correct(take, |c, meter| Correction {
                octave: c.octave.saturating_add(octave).clamp(-2, 2),
                shift: turned(c.shift, shift, meter),
            }),
            Command::Uncorrect(take) => self.correct(take, |_, _| Correction::default()),
            Command::Settings(settings) => {
                self.set_settings(settings);
                self.store();
            }
            Command::Clear => self.clear(),
            Command::Analyse => self.analyse(),
            Command::TrackName(name) => self.track_name = name.chars().take(200).collect(),
            Command::Reveal(id) => self.reveal(id),
        }
        self.changed();
    }

    /// What has grown is analysed; where nothing has, everything, for somebody who asks has a reason.
    fn analyse(&mut self) {
        let grown: Vec<TakeId> = self
            .history
            .takes()
            .iter()
            .filter(|t| self.takes.get(&t.id()).is_some_and(|k| k.analysed != Some(t.end())))
            .map(|t| t.id())
            .collect();
        for (id, known) in &mut self.takes {
            known.requested |= grown.is_empty() || grown.contains(id);
        }
    }

    fn clear(&mut self) {
        self.history.clear();
        for known in self.takes.values_mut() {
            known.generation += 1;
            known.analysed = None;
            known.grid = None;
            known.note = None;
            known.lines = Default::default();
        }
        self.lists_changed();
    }

    fn correct(&mut self, take: TakeId, to: impl FnOnce(Correction, i32) -> Correction) {
        let meter = self.take(take).and_then(|t| t.meter()).map(|m| i32::from(m.0));
        let Some(known) = self.takes.get_mut(&take) else { return };
        let tracked = known.grid.as_ref().map(|(g, _)| g.beats_per_bar as i32);
        let next = to(known.correction, meter.or(tracked).unwrap_or(4));
        if next != known.correction {
            known.correction = next;
            known.generation += 1;
            known.requested = true;
            self.lists_changed();
        }
    }

    /// Notes what the user said of a loop, for `loopwright train adapt`. What else is suggested is not learnt from.
    fn note(&mut self, id: ItemId, rating: &'static str) {
        let Some(entry) = self.entry(id).cloned() else { return };
        let What::Loop(item) = &entry.what else { return };
        let rate = f64::from(entry.ground.rate.max(1));
        let (start, end) = (entry.item.start, entry.item.start + entry.item.frames);
        let name = self.track_name.trim();
        let name = if name.is_empty() { NAMELESS } else { name };
        // Loops are compared within a take; the session tells takes of one number apart.
        let track = format!("{name}, take {} of {:08x}", entry.ground.take, self.session);
        let mut said = Said::new(track, (start as f64 / rate, end as f64 / rate), rating, &item.columns);
        said.file = self.ready(id).and_then(|path| self.library.relative(&path));
        if let Err(e) = ratings::append(self.library.folder(), &said) {
            self.say(Severity::Warning, &format!("What you said of it was not noted: {e}"));
        }
    }

    fn reject(&mut self, id: ItemId, on: bool) {
        self.note(id, if on { "reject" } else { "none" });
        if on {
            self.rejected.insert(id);
            let before = self.favourites.len();
            self.favourites.retain(|f| f.id != id.0);
            if before != self.favourites.len() {
                self.store();
            }
        } else {
            self.rejected.remove(&id);
        }
        self.lists_changed();
    }

    fn reveal(&mut self, id: Option<ItemId>) {
        let file = id.and_then(|id| self.ready(id));
        let (path, select) = match file {
            Some(file) => (file, true),
            None => (self.library.folder().to_path_buf(), false),
        };
        if let Err(e) = self.library.reveal(&path, select) {
            self.say(Severity::Warning, &format!("{}: {e}", path.display()));
        }
    }

    /// The item's file, where it is complete.
    pub(super) fn ready(&self, id: ItemId) -> Option<PathBuf> {
        match &self.files.get(&id)?.state {
            FileState::Ready(path) => Some(path.clone()),
            _ => None,
        }
    }

    pub(super) fn set_file(&mut self, id: ItemId, state: FileState) {
        let files = self.files.entry(id).or_insert_with(|| Files {
            state: FileState::None,
            kit: Vec::new(),
        });
        files.state = state;
        self.lists_changed();
    }

    /// Writes the file of an item that was said to be written.
    pub(super) fn write(&mut self, id: ItemId) {
        self.prepare(id);
        // It has left the lists meanwhile, and may come back.
        if let Some(files) = self.files.get_mut(&id)
            && files.state == FileState::Writing
        {
            files.state = FileState::None;
        }
    }

    /// Writes the item's file, unless it is there. Tells whether it is.
    fn prepare(&mut self, id: ItemId) -> bool {
        if self.ready(id).is_some_and(|path| path.is_file()) {
            return true;
        }
        let Some(entry) = self.entry(id).cloned() else {
            // A kept one: its file is there or is not.
            let known = self.favourites.iter().any(|f| f.id == id.0);
            if known {
                self.look_for(id);
            }
            return self.ready(id).is_some();
        };
        self.set_file(id, FileState::Writing);
        let written = self.source(&entry).and_then(|track| {
            let rendered = library::render(&entry, &track, false, self.library.config(), &Silent)?;
            Ok(self.library.keep(&rendered)?)
        });
        match written {
            Ok(files) => {
                self.moved(id, &files.main);
                self.set_file(id, FileState::Ready(files.main));
                true
            }
            Err(e) => {
                self.fail(id, &e);
                false
            }
        }
    }

    /// A favourite whose file was gone has a new one.
    fn moved(&mut self, id: ItemId, path: &Path) {
        let relative = self.library.relative(path).unwrap_or_default();
        if let Some(favourite) = self.favourites.iter_mut().find(|f| f.id == id.0) {
            favourite.path = path.to_string_lossy().into_owned();
            favourite.relative = relative;
            favourite.hash = library::hash(path).unwrap_or_default();
            self.store();
        }
    }

    pub(super) fn fail(&mut self, id: ItemId, error: &OrderError) {
        let text = error.to_string();
        self.say(Severity::Error, &format!("The file was not written: {text}"));
        self.set_file(id, FileState::Failed(text));
    }

    /// The take as it was analysed, as far as an entry needs it: around it its sound, elsewhere silence, which costs nothing.
    pub(super) fn source(&self, entry: &Entry) -> Result<Track, OrderError> {
        let ground = &entry.ground;
        let take = self.take(ground.take).ok_or(OrderError::Gone)?;
        let extent = entry.extent();
        let frames = |seconds: f64| (seconds * f64::from(ground.rate)) as usize;
        let least = ground.base + extent.start.saturating_sub(frames(BEFORE)) as u64;
        if least < take.first() {
            return Err(OrderError::Gone);
        }
        let from = extent.start.saturating_sub(frames(AROUND)).min(ground.frames);
        let to = (extent.end + frames(AROUND)).clamp(from, ground.frames);
        let mut planes = vec![vec![0.0f32; ground.frames], vec![0.0f32; ground.frames]];
        for (channel, plane) in planes.iter_mut().enumerate() {
            if let Some(part) = plane.get_mut(from..to) {
                take.read(channel, ground.base + from as u64, part);
            }
        }
        let audio = AudioBuffer::new(planes, ground.rate).map_err(|e| OrderError::Other(e.to_string()))?;
        let name = self.track_name.trim();
        Ok(Track {
            audio: Arc::new(audio),
            id: ground.id,
            origin: Origin::Live { take: ground.take },
            name: if name.is_empty() {
                NAMELESS.into()
            } else {
                name.to_owned()
            },
            tags: Default::default(),
            grid: Some(ground.grid.clone()),
        })
    }

    fn favourite(&mut self, id: ItemId, on: bool) {
        if !on {
            self.note(id, "none");
            self.favourites.retain(|f| f.id != id.0);
            self.store();
            self.lists_changed();
            return;
        }
        if self.favourites.iter().any(|f| f.id == id.0) {
            return;
        }
        let Some(item) = self.entry(id).map(|e| e.item.clone()) else {
            return;
        };
        if self.favourites.len() >= MOST_FAVOURITES {
            let text = format!("There are {MOST_FAVOURITES} favourites already, which is all that a project holds.");
            self.say(Severity::Warning, &text);
            return;
        }
        // One that has no file is lost with its take: what cannot be written is no favourite, and the message says why.
        if !self.prepare(id) {
            return;
        }
        let Some(path) = self.ready(id) else { return };
        let favourite = Favourite {
            id: id.0,
            kind: item.kind,
            title: item.title,
            relative: self.library.relative(&path).unwrap_or_default(),
            hash: library::hash(&path).unwrap_or_default(),
            path: path.to_string_lossy().into_owned(),
            bars: item.bars,
            bpm: item.bpm,
            key: item.key,
            score: item.score,
            class: item.class,
        };
        self.favourites.push(favourite);
        self.note(id, "favourite");
        self.rejected.remove(&id);
        self.store();
        self.lists_changed();
    }

    /// Looks where the files of all favourites are, without searching.
    pub(super) fn look_for_favourites(&mut self) {
        let ids: Vec<ItemId> = self.favourites.iter().map(|f| ItemId(f.id)).collect();
        for id in ids {
            self.look_for(id);
        }
    }

    fn look_for(&mut self, id: ItemId) {
        let Some(favourite) = self.favourites.iter().find(|f| f.id == id.0) else {
            return;
        };
        let state = match self.library.find(favourite) {
            Some(path) => FileState::Ready(path),
            None => FileState::Missing(PathBuf::from(&favourite.path)),
        };
        self.set_file(id, state);
    }

    fn audition(&mut self, id: ItemId, how: Audition) -> Result<(), OrderError> {
        let Some(rate) = self.stream.as_ref().map(|s| s.rate.round().clamp(1.0, 4e9) as u32) else {
            return Err(OrderError::Other("the host has not started the plugin's audio".into()));
        };
        let entry = self.entry(id).cloned();
        let cut = entry
            .as_ref()
            .map(|e| self.source(e).and_then(|track| samples(e, &track)));
        let (planes, from, quarters, target, one_shot) = match (entry, cut) {
            (Some(entry), Some(Ok(planes))) => {
                let target = Some(entry.ground.loudness).filter(|l| l.is_finite());
                let one_shot = entry.item.kind == ItemKind::OneShot;
                (
                    clip::stereo(planes),
                    entry.ground.rate,
                    entry.quarters(),
                    target,
                    one_shot,
                )
            }
            (_, cut) => {
                let Some(path) = self.ready(id) else {
                    return Err(cut.and_then(Result::err).unwrap_or(OrderError::Unknown));
                };
                let (planes, from) = read(&path)?;
                let seconds = planes[0].len() as f64 / f64::from(from.max(1));
                let favourite = self.favourites.iter().find(|f| f.id == id.0);
                let one_shot = favourite.is_some_and(|f| f.kind == ItemKind::OneShot);
                let quarters = favourite
                    .filter(|f| f.bpm > 0.0 && !one_shot)
                    .map(|f| (seconds * f.bpm / 60.0).round());
                let newest = self.takes.values().rev().find_map(|k| k.entries.first());
                let target = newest.map(|e| e.ground.loudness).filter(|l| l.is_finite());
                (planes, from, quarters, target, one_shot)
            }
        };
        let looped = how.looped && !one_shot;
        let mut planes = clip::at_rate(planes, from, rate, looped).map_err(|e| OrderError::Other(e.to_string()))?;
        // A hit is as loud as it was: loudness is a matter of more than a moment.
        let own = if one_shot {
            None
        } else {
            clip::loudness_of(&planes, rate)
        };
        let peak = clip::match_loudness(&mut planes, own, target);
        let clip = Clip {
            item: id,
            planes,
            peak,
            quarters,
            how: Audition { looped, ..how },
        };
        self.cue = Some(Cue::Play(Box::new(clip)));
        self.hand_over();
        if !self.hears() {
            let text = "The host sends the plugin no sound (it is bypassed, or asleep): auditions are heard only while it does.";
            self.say(Severity::Info, text);
        }
        Ok(())
    }
}

/// The bar lines moved by `by` more beats, within half a bar either way of where they were.
fn turned(shift: i8, by: i8, meter: i32) -> i8 {
    let meter = meter.clamp(1, 32);
    let sum = (i32::from(shift) + i32::from(by)).rem_euclid(meter);
    let near = if sum > meter / 2 { sum - meter } else { sum };
    i8::try_from(near).unwrap_or(0)
}

/// The samples of an entry, with the seams that its file has.
fn samples(entry: &Entry, track: &Track) -> Result<Vec<Vec<f32>>, OrderError> {
    match &entry.what {
        What::OneShot(numbered, hit) => {
            let hit = numbered.hits.hits.get(*hit).ok_or(OrderError::Unknown)?;
            Ok(slice::cut(&track.audio, hit.span))
        }
        _ => {
            let export = config::Export::default();
            let cut = cut::cut(&track.audio, entry.place.start, entry.place.frames, &export);
            Ok(cut.map_err(|e| OrderError::Other(e.to_string()))?.planes)
        }
    }
}

/// A kept item's file.
fn read(path: &Path) -> Result<([Vec<f32>; 2], u32), OrderError> {
    let limits = config::Decode {
        max_seconds: 600.0,
        max_memory_mb: 512,
        ..config::Decode::default()
    };
    let decoded = decode_file(path, &limits).map_err(|e| OrderError::Other(e.to_string()))?;
    Ok(clip::of_buffer(decoded.audio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_go_round() {
        let mut shift = 0;
        let seen: Vec<i8> = (0..5)
            .map(|_| {
                shift = turned(shift, 1, 4);
                shift
            })
            .collect();
        assert_eq!(seen, [1, 2, -1, 0, 1]);
        assert_eq!(turned(0, -1, 3), -1);
        assert_eq!(turned(120, 120, 7), 2);
        assert_eq!(turned(5, 5, 0), 0);
    }
}
