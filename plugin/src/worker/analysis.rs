//! One analysis of one take.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use loopwright_core::audio::loudness;
use loopwright_core::audio::{AudioBuffer, AudioStatus};
use loopwright_core::config;
use loopwright_core::config::fraction::Fraction;
use loopwright_core::drums;
use loopwright_core::drums::model::HitModel;
use loopwright_core::model::heuristic::Heuristic;
use loopwright_core::model::{self, Scorer};
use loopwright_core::pipeline::harvest::harvest;
use loopwright_core::pipeline::{Error, Models};
use loopwright_core::progress::Progress;
use loopwright_core::rhythm::activation::BeatModel;
use loopwright_core::rhythm::{self};
use loopwright_core::track::{Origin, Track, TrackId};

use super::cpu::Cost;
use super::crop::{self, Ground};
use super::desk::{Desk, Known};
use super::ear::Ear;
use super::lock;
use super::schedule::{self, Standing};
use super::view::Lines;
use crate::snapshot::{Correction, GridOrigin, ItemKind, Severity, TakeId};

/// The models, loaded at the first analysis and never before: hosts scan plugins by the hundred.
#[derive(Default)]
pub(super) struct Loaded(Option<Set>);

struct Set {
    beats: Option<Arc<dyn BeatModel>>,
    hits: Option<Arc<dyn HitModel>>,
    scorer: Heuristic,
}

impl Loaded {
    fn get(&mut self) -> Result<&Set, String> {
        if self.0.is_none() {
            let config = super::config();
            self.0 = Some(Set {
                beats: rhythm::load::load(&config.rhythm).map_err(|e| e.to_string())?,
                hits: drums::model::shipped().map_err(|e| e.to_string())?,
                scorer: model::heuristic(&config.tuning),
            });
        }
        self.0.as_ref().ok_or_else(|| "no models".to_owned())
    }
}

/// What is to be analysed.
pub(super) struct Job {
    take: TakeId,
    generation: u64,
    base: u64,
    end: u64,
    track: Track,
    correction: Correction,
    first_bar: Option<i64>,
    /// Note that is a beat, where the host tells it.
    unit: Option<u16>,
}

/// A correction as the analysis takes it; `meter` is the number of beats in a bar, where it is known.
pub(super) fn rhythm(correction: Correction, meter: Option<u32>) -> config::Rhythm {
    let octave = correction.octave.clamp(-2, 2);
    let ratio = match octave {
        0 => None,
        1.. => Fraction::new(1 << octave, 1),
        _ => Fraction::new(1, 1 << -octave),
    };
    let shift = i32::from(correction.shift);
    config::Rhythm {
        tempo_ratio: ratio,
        shift_bar: meter.map_or(shift % 16, |m| shift % m.max(1) as i32).clamp(-15, 15),
        ..config::Rhythm::default()
    }
}

impl Desk {
    /// The next take to analyse, with a copy of its sound; the newest first.
    pub(super) fn next_job(&mut self) -> Option<Job> {
        let automatic = self.settings.automatic;
        let mut chosen = None;
        for take in self.history.takes().iter().rev() {
            let known = self.takes.entry(take.id()).or_default();
            // Not `has_host_grid`: that fits all anchors anew, and this is asked many times a second.
            Lines::refresh(known, take);
            let host = known.lines.grid == Some(GridOrigin::Host);
            let rate = f64::from(take.rate().max(1));
            let from = known.analysed.unwrap_or(0).max(take.first());
            // A take that ends may lose what turns out not to belong to it.
            let news = if take.is_open() {
                take.end().saturating_sub(from)
            } else {
                take.end().abs_diff(from)
            };
            let standing = Standing {
                seconds: (take.end() - take.first()) as f64 / rate,
                bars: host.then_some(known.lines.whole),
                open: take.is_open(),
                new_seconds: news as f64 / rate,
                new_bars: new_bars(known),
                cost: known.cost,
                requested: known.requested,
                automatic,
            };
            if schedule::is_due(&standing) {
                chosen = Some(take.id());
                break;
            }
        }
        let id = chosen?;
        let take = self.history.takes().iter().find(|t| t.id() == id)?;
        let known = self.takes.get_mut(&id)?;
        known.requested = false;
        // Even if it fails: it is not tried again until it has grown.
        known.analysed = Some(take.end());
        let audio = Arc::new(take.audio());
        let job = Job {
            take: id,
            generation: known.generation,
            base: take.first(),
            end: take.end(),
            correction: known.correction,
            first_bar: take.first_bar(),
            unit: take.meter().map(|m| m.1),
            track: Track {
                // Filled in where there is time.
                id: TrackId([0; 32]),
                audio,
                origin: Origin::Live { take: id },
                name: String::new(),
                tags: Default::default(),
                grid: take.grid().filter(|g| g.beats.len() >= 2),
            },
        };
        self.running = Some((id, 0.0));
        self.changed();
        Some(job)
    }
}

/// Bar lines that have come since the last analysis; before the first, all whole bars.
fn new_bars(known: &Known) -> usize {
    match known.analysed {
        None => known.lines.whole,
        Some(end) => known.lines.bars.iter().filter(|line| **line > end as f64).count(),
    }
}

/// Analyses, and puts what was found on the desk.
pub(super) fn run(desk: &Mutex<Desk>, stop: &AtomicBool, models: &mut Loaded, mut job: Job) {
    let cost = Cost::start();
    let ear = Ear::new(desk, stop, Some((job.take, job.generation)));
    let status = AudioStatus::of(&job.track.audio);
    let outcome = if !status.is_usable() {
        Err(Failure::Nothing(format!("The recording {status}.")))
    } else {
        // Each of these goes through all of the sound, which may be half an hour.
        let mut level = f64::NEG_INFINITY;
        if !ear.is_cancelled() {
            job.track.id = TrackId::of(&job.track.audio);
        }
        if !ear.is_cancelled() {
            level = recent_loudness(&job.track.audio);
        }
        work(&ear, models, &job, level)
    };
    let seconds = cost.seconds();
    let mut desk = lock(desk);
    desk.running = None;
    desk.changed();
    let Some(known) = desk.takes.get_mut(&job.take) else {
        return;
    };
    known.cost = seconds;
    match outcome {
        Ok(found) => {
            desk.last_cost = seconds;
            desk.reap(job, found);
        }
        Err(Failure::Cancelled) => {
            // A change of what is wanted asks for the next by itself; where the thread ends nobody cares.
        }
        Err(Failure::Nothing(note)) => known.note = Some(note),
        Err(Failure::Broken(text)) => {
            known.note = Some("The analysis failed.".into());
            desk.say(Severity::Error, &format!("The analysis failed: {text}"));
        }
    }
}

/// Integrated loudness in LUFS of the last minute: what auditions are compared with.
fn recent_loudness(audio: &AudioBuffer) -> f64 {
    let minute = 60 * audio.sample_rate() as usize;
    let from = audio.frames().saturating_sub(minute);
    let views: Vec<&[f32]> = audio.planes().iter().filter_map(|p| p.get(from..)).collect();
    loudness::integrated(&views, audio.sample_rate()).unwrap_or(f64::NEG_INFINITY)
}

enum Failure {
    Cancelled,
    Nothing(String),
    Broken(String),
}

struct Outcome {
    harvest: loopwright_core::pipeline::harvest::Harvest,
    loudness: f64,
    output: model::Output,
}

fn work(ear: &Ear<'_>, models: &mut Loaded, job: &Job, loudness: f64) -> Result<Outcome, Failure> {
    if ear.is_cancelled() {
        return Err(Failure::Cancelled);
    }
    let set = models.get().map_err(Failure::Broken)?;
    if ear.is_cancelled() {
        return Err(Failure::Cancelled);
    }
    let meter = job.track.grid.as_ref().map(|g| g.beats_per_bar);
    let config = config::Config {
        rhythm: rhythm(job.correction, meter),
        ..super::config()
    };
    let all = Models {
        scorer: &set.scorer,
        beats: set.beats.as_deref(),
        embedding: None,
    };
    match harvest(&job.track, all, set.hits.as_deref(), &config, ear) {
        Ok(harvest) => Ok(Outcome {
            harvest,
            loudness,
            output: set.scorer.info().output,
        }),
        Err(Error::Cancelled(_)) => Err(Failure::Cancelled),
        Err(e) => Err(Failure::Broken(e.to_string())),
    }
}

impl Desk {
    /// Takes in what an analysis found, in place of what was found before.
    fn reap(&mut self, job: Job, found: Outcome) {
        let Some(known) = self.takes.get_mut(&job.take) else {
            return;
        };
        let grid = found.harvest.analysis.rhythm.grid.clone();
        let host = job.track.grid.is_some();
        let unit = f64::from(job.unit.filter(|u| *u > 0).unwrap_or(4));
        // A host's beat is the meter's note, whatever the user counts as one; a tracked beat is a quarter.
        let quarters = if host {
            4.0 / unit * 0.5f64.powi(job.correction.octave.into())
        } else {
            1.0
        };
        let ground = Arc::new(Ground {
            take: job.take,
            base: job.base,
            frames: job.track.audio.frames(),
            rate: job.track.audio.sample_rate(),
            grid: grid.clone(),
            quarters,
            key: found.harvest.analysis.key.map(|k| k.name().to_owned()),
            id: job.track.id,
            loudness: found.loudness,
        });
        let first_bar = if job.correction == Correction::default() {
            job.first_bar.unwrap_or(1)
        } else {
            1
        };
        known.note = if grid.beats.is_empty() {
            Some("It has no steady beat.".into())
        } else {
            found
                .harvest
                .loops
                .suggestions
                .is_empty()
                .then(|| "It is shorter than the shortest loop.".into())
        };
        let mut entries = crop::entries(found.harvest, &ground, first_bar, found.output, &mut known.names);
        // Favourites stay, whatever is suggested now.
        for old in &known.entries {
            let id = old.item.id;
            if self.favourites.iter().any(|f| f.id == id.0) && !entries.iter().any(|e| e.item.id == id) {
                entries.push(old.clone());
            }
        }
        known.entries = entries;
        known.grid = Some((grid, job.base));
        known.analysed = Some(job.end);
        known.lines = Lines::default();
        self.write_unattended(job.take);
        self.lists_changed();
    }

    /// Where the user wants the best written as they come.
    fn write_unattended(&mut self, take: TakeId) {
        let most = self.settings.export_automatically as usize;
        let Some(known) = self.takes.get(&take).filter(|_| most > 0) else {
            return;
        };
        let best: Vec<_> = ItemKind::ALL
            .iter()
            .flat_map(|kind| {
                let own = known.entries.iter().filter(|e| e.item.kind == *kind);
                own.filter(|e| !self.rejected.contains(&e.item.id)).take(most)
            })
            .map(|e| e.item.id)
            .collect();
        self.put_off(crate::command::Command::Prepare(best));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_are_settings_that_the_analysis_takes() {
        for octave in -8i8..=8 {
            for shift in -20i8..=20 {
                for meter in [None, Some(3), Some(4), Some(7)] {
                    let config = config::Config {
                        rhythm: rhythm(Correction { octave, shift }, meter),
                        ..Default::default()
                    };
                    assert_eq!(config.validate(), Ok(()), "{octave} {shift} {meter:?}");
                }
            }
        }
        let double = rhythm(Correction { octave: 1, shift: -1 }, Some(4));
        assert_eq!(double.tempo_ratio.map(Fraction::value), Some(2.0));
        assert_eq!(double.shift_bar, -1);
        assert_eq!(rhythm(Correction::default(), Some(4)), config::Rhythm::default());
    }
}
