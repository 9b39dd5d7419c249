//! What a file is made of, and whether it runs round.

use super::sound::{GROUPS, Sound};
use super::weights::{CLASSES, CONTENT, ROUND};
use crate::analysis::key::Pitches;

/// Numbers that describe a file's content.
pub const CONTENT_TRAITS: usize = 15 + 3 * GROUPS;
/// From this share of drums on there is nothing else that could have a key.
pub(super) const DRUMS_ALONE: f32 = 0.8;
/// Traits beyond this many deviations count no more.
const MOST: f32 = 5.0;

/// What a loop can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// A drum kit.
    Drums,
    /// Percussion without kick and snare.
    Perc,
    /// Drums and music.
    Full,
    /// A line of notes.
    Melodic,
    /// Chords.
    Chords,
    /// A held sound or a texture.
    Drone,
}

impl Content {
    /// All of them, in the order of the weights.
    pub const ALL: [Self; CLASSES] = [
        Self::Drums,
        Self::Perc,
        Self::Full,
        Self::Melodic,
        Self::Chords,
        Self::Drone,
    ];

    /// Its tags: `drums`, `perc`, `full`, `melodic`, `chords`, `drone`, and `drumless` for the last three.
    pub fn tags(self) -> &'static [&'static str] {
        match self {
            Self::Drums => &["drums"],
            Self::Perc => &["perc"],
            Self::Full => &["drums", "full"],
            Self::Melodic => &["melodic", "drumless"],
            Self::Chords => &["chords", "drumless"],
            Self::Drone => &["drone", "drumless"],
        }
    }
}

/// How likely a file is made of each; all 0 where nothing is heard.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Contents {
    /// Probabilities, in the order of [`Content::ALL`].
    pub probability: [f32; CLASSES],
}

impl Contents {
    /// The likeliest; none where nothing is heard.
    pub fn best(&self) -> Option<Content> {
        let pairs = Content::ALL.into_iter().zip(self.probability);
        pairs
            .filter(|(_, p)| *p > 0.0)
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(c, _)| c)
    }

    /// How much of it is drums: all of drums and percussion, half of a mixture.
    pub fn drums(&self) -> f32 {
        let p = &self.probability;
        (p[0] + p[1] + 0.5 * p[2]).clamp(0.0, 1.0)
    }
}

/// A linear function of traits for each of `N` classes.
pub(super) struct Linear<const N: usize> {
    pub(super) mean: [f32; CONTENT_TRAITS],
    pub(super) gain: [f32; CONTENT_TRAITS],
    pub(super) weight: [[f32; N]; CONTENT_TRAITS],
    pub(super) bias: [f32; N],
}

impl<const N: usize> Linear<N> {
    fn of(&self, traits: &[f32; CONTENT_TRAITS]) -> [f32; N] {
        let mut out = self.bias;
        for (i, x) in traits.iter().enumerate() {
            let x = ((x - self.mean[i]) * self.gain[i]).clamp(-MOST, MOST);
            for (o, w) in out.iter_mut().zip(&self.weight[i]) {
                *o += w * x;
            }
        }
        out
    }
}

/// What the content is likely to be.
pub(super) fn contents(traits: &[f32; CONTENT_TRAITS]) -> Contents {
    let scores = CONTENT.of(traits);
    let top = scores.iter().fold(f32::MIN, |a, b| a.max(*b));
    let odds = scores.map(|s| (s - top).exp());
    let sum: f32 = odds.iter().sum();
    Contents {
        probability: odds.map(|o| o / sum),
    }
}

/// True for what runs round, false for a single sound.
pub(super) fn runs_round(traits: &[f32; CONTENT_TRAITS]) -> bool {
    ROUND.of(traits)[0] > 0.0
}

/// Describes a file's content.
pub(super) fn traits(sound: &Sound, pitches: &Pitches) -> [f32; CONTENT_TRAITS] {
    let mut out = [0.0f32; CONTENT_TRAITS];
    let mut at = 0;
    let mut push = |x: f32| {
        if let Some(o) = out.get_mut(at) {
            *o = if x.is_finite() { x } else { 0.0 };
        }
        at += 1;
    };
    let seconds = sound.frames as f32 * 0.01;
    push(seconds.ln());
    let attacks = Sound::attacks(&sound.all);
    push((attacks.len() as f32 + 1.0).ln());
    push((attacks.len() as f32 / seconds + 0.1).ln());
    push(jagged(&sound.all));
    push(pitches.tonalness as f32);
    push(pitches.chroma.iter().fold(0.0f64, |a, b| a.max(*b)) as f32);
    push((sound.flatness + 1e-3).ln());
    // How the level goes: 20 parts.
    let parts = levels(&sound.level, 20);
    let top = parts.iter().fold(1e-6f32, |a, b| a.max(*b));
    let db = |x: f32| (20.0 * (x / top + 1e-5).log10()).max(-80.0) / 20.0;
    let mean = |p: &[f32]| p.iter().sum::<f32>() / p.len().max(1) as f32;
    push(db(parts[19]));
    push(db(mean(&parts[15..])));
    push(db(mean(&parts[10..])) - db(mean(&parts[..10])));
    push(db(parts.iter().fold(f32::MAX, |a, b| a.min(*b))));
    // Steps at which it rises again by 3 dB.
    push(
        parts
            .windows(2)
            .filter(|w| w[1] > 1.4 * w[0] && w[1] > 0.03 * top)
            .count() as f32,
    );
    push((attacks.len() as f32).min(4.0));
    // The greatest attack, as a share of all rises: one for a single hit.
    let sum: f32 = sound.all.iter().sum::<f32>().max(1e-6);
    push(sound.all.iter().fold(0.0f32, |a, b| a.max(*b)) / sum);
    // The last attack's place in the file: one-shots have theirs at the start.
    let places = attacks.iter().map(|&a| (a as f32 + 1.0) / sound.frames as f32 % 1.0);
    push(places.filter(|p| *p < 0.97).fold(0.0, f32::max));
    for g in 0..GROUPS {
        push((sound.share[g] + 1e-3).ln());
        push((sound.rising[g] + 1e-3).ln());
        push(jagged(&sound.flux[g]));
    }
    out
}

/// Logarithm of the standard deviation of a curve of mean 1: high for attacks out of nothing, low for a steady sound.
fn jagged(curve: &[f32]) -> f32 {
    let n = curve.len().max(1) as f32;
    let mean = curve.iter().sum::<f32>() / n;
    let variance = curve.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n;
    (variance.sqrt() + 0.05).ln()
}

/// RMS of `parts` equal parts.
fn levels(level: &[f32], parts: usize) -> Vec<f32> {
    let n = level.len();
    (0..parts)
        .map(|k| {
            let (a, b) = (
                k * n / parts,
                ((k + 1) * n / parts).max(k * n / parts + 1).min(n.max(1)),
            );
            let part = &level[a.min(n.saturating_sub(1))..b];
            (part.iter().map(|x| x * x).sum::<f32>() / part.len().max(1) as f32).sqrt()
        })
        .collect()
}
