//! The hits of a passage: where they are, what they are, which sound alike, and which is the cleanest of each kind.
//!
//! 1. Candidate onsets ([`onset`]) with half a second around the passage as context.
//! 2. A [`HitModel`] says what it hears in each; what is no drum is left out. Without a model, the plain onsets are kept
//!    and named by [`rules`].
//! 3. Hits nearer than 30 ms are one, with the classes of both: they cannot be cut apart.
//! 4. Labels are smoothed over the six hits most alike; the probabilities that are kept are the raw ones, since purity is
//!    a matter of the single hit.
//! 5. Each hit is given its slice ([`mod@slice`]), its numbers ([`describe`](super::describe)) and its cluster
//!    (`cluster`), and of each cluster the cleanest are offered ([`pick`]).
//!
//! The same audio gives the same hits.

mod label;
pub mod slice;

use super::class::{Class, Drum};
use super::describe::{Describer, Description};
use super::model::{Heard, HitModel, HitModelError};
use super::onset::{self, OnsetError, PLAIN, RATE};
use super::patch::Candidates;
use super::{cluster, pick, rules};
use crate::audio::AudioBuffer;
use crate::audio::resample::ResampleError;
use crate::progress::{Cancelled, Progress};
use crate::units::Span;

/// What the logarithm of an onset's strength, in units of the plain threshold, adds to the log-odds of its being a drum.
/// The model has heard how loud it is; but where it meets drums that it does not know, loudness is the better witness.
const STRENGTH: f64 = 0.5;
/// Hits nearer than this in seconds are one.
const TOGETHER: f64 = 0.030;
/// Audio around the passage that its analysis may use, in seconds.
const CONTEXT: f64 = 0.5;
/// How much before the passage a hit may lie that belongs to it, in seconds: grids are not that exact.
const EDGE: f64 = 0.010;
/// Where [`Candidates`] hold the level of the attack, and its unit in dB.
const LEVEL: (usize, f32) = (2, 20.0);

/// A drum hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The attack, in frames at the track's rate, between frames where it lies there.
    pub onset: f64,
    /// Its slice, in whole frames of the track: from 1 to 2 ms before the attack to 8 ms before the next hit, or to where
    /// it has died away. [`slice::cut`] takes it out.
    pub span: Span,
    /// What it is, surest first; more than one where hits coincide. Never empty.
    pub labels: Vec<Class>,
    /// Probability of each class of [`Drum::ALL`] on its own, 0 to 1, not smoothed.
    pub probabilities: [f32; Drum::ALL.len()],
    /// Probability that it is a drum at all.
    pub drum: f32,
    /// How sure the first label is, 0 to 1; 1 where a person gave it.
    pub confidence: f32,
    /// Level of the attack in dB, relative to the passage's own (its loud moments are near 0).
    pub level: f32,
    /// How far the onset stands out, in means of the passage's onset strength.
    pub strength: f32,
    /// The cluster that it belongs to: an index of [`Hits::clusters`].
    pub cluster: usize,
    /// What tables tell of it.
    pub description: Description,
}

/// Hits that sound alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its index, which relabelling does not change.
    pub id: usize,
    /// What they are.
    pub class: Class,
    /// Its hits, in order of time; never empty.
    pub hits: Vec<usize>,
    /// The cleanest of them, best first: at most [`pick::OFFERED`], at least one.
    pub picks: Vec<usize>,
}

/// The hits of a passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Hits {
    /// The track's sample rate in Hz.
    pub sample_rate: u32,
    /// The passage, in frames.
    pub span: Span,
    /// Its hits, in order of time.
    pub hits: Vec<Hit>,
    /// Kinds of hits: drums in the order of [`Drum::ALL`], of one class the larger first.
    pub clusters: Vec<Cluster>,
    /// True where other instruments play as well.
    pub mix: bool,
    /// The model that named them; `None` for rules.
    pub model: Option<String>,
}

/// Why hits cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum HitsError {
    /// The work was given up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The audio cannot be brought to the analysis rate.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// The model failed.
    #[error(transparent)]
    Model(HitModelError),
}

impl From<OnsetError> for HitsError {
    fn from(error: OnsetError) -> Self {
        match error {
            OnsetError::Resample(e) => Self::Resample(e),
            OnsetError::Cancelled(c) => Self::Cancelled(c),
        }
    }
}

impl From<HitModelError> for HitsError {
    fn from(error: HitModelError) -> Self {
        match error {
            HitModelError::Cancelled(c) => Self::Cancelled(c),
            other => Self::Model(other),
        }
    }
}

/// One hit on its way: the candidates that it is made of.
struct Group {
    /// Seconds from the start of the region.
    time: f64,
    /// The strongest of its candidates.
    main: usize,
    heard: Heard,
    /// The rules' word, where there is no model.
    ruled: Option<(Class, f32)>,
}

/// The hits of `audio` in `span` (frames; cut to the audio). Silence has none.
///
/// Costs about 0.15 s of processor time for half a minute, the model's own apart: half of it for the percussive shares
/// of [`Description`].
pub fn of(
    audio: &AudioBuffer,
    span: Span,
    model: Option<&dyn HitModel>,
    progress: &dyn Progress,
) -> Result<Hits, HitsError> {
    let sample_rate = audio.sample_rate();
    let rate = f64::from(sample_rate);
    let end = span.end.min(audio.frames() as f64);
    let span = Span {
        start: span.start.max(0.0).min(end.max(0.0)),
        end: end.max(0.0),
    };
    let from = (span.start - CONTEXT * rate).max(0.0) as usize;
    let to = ((span.end + CONTEXT * rate) as usize).min(audio.frames());
    let own = mono(audio, from, to);
    let region = onset::at_rate(&own, sample_rate)?;
    let candidates = Candidates::at_rate(&region, progress)?;
    let heard = model.map(|m| m.hear(&candidates, progress)).transpose()?;

    let offset = from as f64 / rate;
    let (first, last) = (span.start / rate - offset - EDGE, span.end / rate - offset - EDGE);
    let inside = |i: &usize| (first..last).contains(&candidates.onsets[*i].time);
    let inside: Vec<usize> = (0..candidates.len()).filter(inside).collect();
    let mut groups = groups(&candidates, heard.as_deref(), &inside);

    let frame = |seconds: f64| (offset + seconds) * rate;
    let onsets: Vec<f64> = groups.iter().map(|g| frame(g.time)).collect();
    let slices = slice::bounds(&own, from, sample_rate, &onsets, span.end);
    let describer = Describer::new(&region, progress)?;
    let at = |frames: f64| ((frames / rate - offset) * f64::from(RATE)).round().max(0.0) as usize;
    let mut descriptions = Vec::with_capacity(groups.len());
    for slice in &slices {
        progress.check()?;
        descriptions.push(describer.describe(at(slice.start), at(slice.end)));
    }
    if model.is_none() {
        for (group, description) in groups.iter_mut().zip(&descriptions) {
            let (class, confidence) = rules::classify_drum(description);
            group.heard.classes = label::spread(class, confidence);
            group.ruled = Some((class, confidence));
        }
    }

    let members: Vec<usize> = groups.iter().map(|g| g.main).collect();
    let points = cluster::vectors(&candidates, &members);
    let raw: Vec<[f32; Drum::ALL.len()]> = groups.iter().map(|g| g.heard.classes).collect();
    let smoothed = label::smoothed(&raw, &points, cluster::SIZE);
    let hits = groups
        .iter()
        .enumerate()
        .map(|(i, group)| {
            let (labels, confidence) = match group.ruled {
                Some((class, confidence)) => (vec![class], confidence),
                None => label::labels(&smoothed[i]),
            };
            let onset = &candidates.onsets[group.main];
            Hit {
                onset: onsets[i],
                span: slices[i],
                labels,
                probabilities: group.heard.classes,
                drum: group.heard.drum,
                confidence,
                level: candidates.scalars(group.main)[LEVEL.0] * LEVEL.1,
                strength: onset.strength,
                cluster: 0,
                description: descriptions[i],
            }
        })
        .collect();
    let mut found = Hits {
        sample_rate,
        span,
        hits,
        clusters: Vec::new(),
        mix: heard.is_some_and(|heard| is_mix(&candidates, &heard, &inside)),
        model: model.map(|m| m.id().to_owned()),
    };
    let k = cluster::count(found.hits.len(), span.len() / rate);
    let of = cluster::clusters(&points, cluster::SIZE, k);
    found.gather(&of, &smoothed);
    Ok(found)
}

impl Hits {
    /// A person says what the hits of a cluster are: they are named so, surely, and the picks chosen anew. False where
    /// there is no such cluster.
    pub fn relabel(&mut self, cluster: usize, class: Class) -> bool {
        let Some(members) = self.clusters.get(cluster).map(|c| c.hits.clone()) else {
            return false;
        };
        for &i in &members {
            self.hits[i].labels = vec![class];
            self.hits[i].confidence = 1.0;
        }
        let picks = self.picks(&members, class);
        self.clusters[cluster].class = class;
        self.clusters[cluster].picks = picks;
        true
    }

    /// Makes the clusters; `of` is that of each hit, and `smoothed` what its class is judged by.
    fn gather(&mut self, of: &[usize], smoothed: &[[f32; Drum::ALL.len()]]) {
        let count = of.iter().max().map_or(0, |m| m + 1);
        let mut clusters: Vec<Cluster> = (0..count)
            .map(|c| {
                let hits: Vec<usize> = (0..of.len()).filter(|&i| of[i] == c).collect();
                let class = self.class_of(&hits, smoothed);
                Cluster {
                    id: c,
                    class,
                    picks: self.picks(&hits, class),
                    hits,
                }
            })
            .collect();
        clusters.sort_by_key(|c| (c.class, std::cmp::Reverse(c.hits.len()), c.hits.first().copied()));
        for (id, cluster) in clusters.iter_mut().enumerate() {
            cluster.id = id;
            for &i in &cluster.hits {
                self.hits[i].cluster = id;
            }
        }
        self.clusters = clusters;
    }

    /// What the hits of a cluster are: the drum of the largest mean log-odds, or by rules what most are.
    fn class_of(&self, hits: &[usize], smoothed: &[[f32; Drum::ALL.len()]]) -> Class {
        if self.model.is_none() {
            let votes = |class: Class| hits.iter().filter(|i| self.hits[**i].labels.contains(&class)).count();
            let classes = hits.iter().flat_map(|i| self.hits[*i].labels.iter().copied());
            return classes
                .max_by_key(|class| (votes(*class), std::cmp::Reverse(*class)))
                .unwrap_or(Class::Silence);
        }
        let odds = |d: Drum| hits.iter().map(|i| pick::logit(smoothed[*i][d.index()])).sum::<f64>();
        let best = Drum::ALL
            .into_iter()
            .map(|d| (odds(d), d))
            .reduce(|a, b| if b.0 > a.0 { b } else { a });
        best.map_or(Class::Silence, |b| Class::Drum(b.1))
    }

    /// The cleanest of `hits` as a piece for `class`.
    fn picks(&self, hits: &[usize], class: Class) -> Vec<usize> {
        let rate = f64::from(self.sample_rate);
        let judged = hits.iter().map(|&i| {
            let hit = &self.hits[i];
            let next = self.hits.get(i + 1).map_or(self.span.end, |n| n.onset);
            let judged = pick::Judged {
                probabilities: &hit.probabilities,
                tail: (next - hit.onset) / rate,
            };
            (i, judged)
        });
        pick::best(judged, class, self.mix)
    }
}

/// The mean of the channels of frames `from..to`, with zeros for samples that are not finite.
fn mono(audio: &AudioBuffer, from: usize, to: usize) -> Vec<f32> {
    let gain = 1.0 / audio.channels() as f32;
    let mut out = vec![0.0; to.saturating_sub(from)];
    for plane in audio.planes() {
        for (out, x) in out.iter_mut().zip(&plane[from..]) {
            *out += gain * if x.is_finite() { *x } else { 0.0 };
        }
    }
    out
}

/// Joins the candidates of `inside` that are drums into hits.
fn groups(candidates: &Candidates, heard: Option<&[Heard]>, inside: &[usize]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &i in inside {
        let onset = candidates.onsets[i];
        let what = match heard {
            Some(heard) => heard[i],
            // As sure as it is loud: even odds at the threshold.
            None => Heard {
                classes: [0.0; Drum::ALL.len()],
                drum: onset.strength / (onset.strength + PLAIN),
            },
        };
        if !is_drum(what, onset.strength) {
            continue;
        }
        match groups.last_mut().filter(|g| onset.time - g.time < TOGETHER) {
            Some(group) => {
                for (p, new) in group.heard.classes.iter_mut().zip(what.classes) {
                    *p = p.max(new);
                }
                group.heard.drum = group.heard.drum.max(what.drum);
                if onset.strength > candidates.onsets[group.main].strength {
                    group.main = i;
                }
            }
            None => groups.push(Group {
                time: onset.time,
                main: i,
                heard: what,
                ruled: None,
            }),
        }
    }
    groups
}

/// True where a candidate is more likely a drum than not.
fn is_drum(heard: Heard, strength: f32) -> bool {
    pick::logit(heard.drum) + STRENGTH * f64::from(strength / PLAIN).ln() >= 0.0
}

/// True where many of the loud onsets are no drums.
fn is_mix(candidates: &Candidates, heard: &[Heard], inside: &[usize]) -> bool {
    let strength = |i: usize| candidates.onsets[i].strength;
    let loud = || inside.iter().filter(|i| strength(**i) >= PLAIN);
    let others = loud().filter(|i| !is_drum(heard[**i], strength(**i))).count();
    others as f32 > pick::BLEED * loud().count() as f32
}

#[cfg(test)]
mod tests;
