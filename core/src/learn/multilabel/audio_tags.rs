//! Tags that follow from the audio: six families, of which a file has exactly one tag each.
//!
//! Measured on the first [`LENGTH`] seconds at 22.05 kHz. A measure that a file does not have (the spread of the intervals
//! between beats, where there are no beats) leaves its family unknown.

use super::features::{hear, levelled};
use super::pulse::Pulse;
use crate::progress::{Cancelled, Progress};

/// Seconds of a file that are measured.
pub const LENGTH: f64 = 20.0;

/// What the tags are told by; NaN where a file does not have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Tempo and what follows from the onsets.
    pub pulse: Pulse,
    /// Energy of the percussive part over that of both, 0 to 1.
    pub percussive: f32,
}

impl Measures {
    /// Measures `mono` (22.05 kHz); `None` where there is nothing to hear. `known` is the tempo that its file's length tells.
    pub(super) fn of(mono: &[f32], known: Option<f64>, progress: &dyn Progress) -> Result<Option<Self>, Cancelled> {
        let Some(mono) = levelled(mono) else {
            return Ok(None);
        };
        let heard = hear(&mono, progress)?;
        Ok(Some(Self {
            pulse: Pulse::of(&mono, &heard.strength, super::FPS, known, progress)?,
            percussive: heard.percussive,
        }))
    }
}

/// Tags that exclude each other and leave nothing between them.
#[derive(Debug)]
pub struct Family {
    /// Its name, for models and records.
    pub name: &'static str,
    /// What it goes by.
    pub measure: fn(&Measures) -> f32,
    /// What that is, for people.
    pub meaning: &'static str,
    /// The tags in order of the measure.
    pub tags: &'static [&'static str],
    /// Where one ends and the next begins: a measure that equals it has the later tag.
    pub limits: &'static [f32],
}

impl Family {
    /// The tag of a file, if the measure is known.
    pub fn tag(&self, measures: &Measures) -> Option<&'static str> {
        let x = (self.measure)(measures);
        if x.is_nan() {
            return None;
        }
        self.tags
            .get(self.limits.iter().filter(|limit| x >= **limit).count())
            .copied()
    }
}

/// All families.
pub static FAMILIES: [Family; 6] = [
    Family {
        name: "tempo",
        measure: |m| m.pulse.tempo,
        meaning: "beats a minute",
        tags: &["tempo_slow", "tempo_mid", "tempo_fast"],
        limits: &[95.0, 130.0],
    },
    Family {
        name: "beat",
        measure: |m| m.pulse.interval_cv,
        meaning: "deviation of the intervals between beats over their mean",
        tags: &["beat_stable", "beat_loose"],
        limits: &[0.18],
    },
    Family {
        name: "sync",
        measure: |m| m.pulse.offbeat_ratio,
        meaning: "onset strength between beats over that on beats",
        tags: &["sync_low", "sync_high"],
        limits: &[1.05],
    },
    Family {
        name: "percussive",
        measure: |m| m.percussive,
        meaning: "energy of the percussive part over that of both",
        tags: &["percussive_low", "percussive_high"],
        limits: &[0.55],
    },
    Family {
        name: "density",
        measure: |m| m.pulse.density,
        meaning: "onsets a second",
        tags: &["density_sparse", "density_mid", "density_dense"],
        limits: &[2.0, 4.0],
    },
    Family {
        name: "phrase",
        measure: |m| m.pulse.autocorrelation,
        meaning: "greatest autocorrelation of the onset strength past its main lobe, to 299 frames (6.9 s)",
        tags: &["phrase_free", "phrase_regular"],
        limits: &[0.30],
    },
];

/// The family of a tag.
pub fn family(tag: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|f| f.tags.contains(&tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures() -> Measures {
        Measures {
            pulse: Pulse {
                tempo: 120.0,
                interval_cv: 0.02,
                offbeat_ratio: 0.5,
                density: 3.0,
                autocorrelation: 0.6,
            },
            percussive: 0.7,
        }
    }

    #[test]
    fn limits_belong_to_the_side_that_the_definitions_say() {
        let tag = |i: usize, change: &dyn Fn(&mut Measures)| {
            let mut m = measures();
            change(&mut m);
            FAMILIES[i].tag(&m)
        };
        assert_eq!(tag(0, &|m| m.pulse.tempo = 94.99), Some("tempo_slow"));
        assert_eq!(tag(0, &|m| m.pulse.tempo = 95.0), Some("tempo_mid"));
        assert_eq!(tag(0, &|m| m.pulse.tempo = 130.0), Some("tempo_fast"));
        assert_eq!(tag(0, &|m| m.pulse.tempo = f32::NAN), None);
        assert_eq!(tag(1, &|m| m.pulse.interval_cv = 0.1799), Some("beat_stable"));
        assert_eq!(tag(1, &|m| m.pulse.interval_cv = 0.18), Some("beat_loose"));
        assert_eq!(tag(2, &|m| m.pulse.offbeat_ratio = 1.04), Some("sync_low"));
        assert_eq!(tag(2, &|m| m.pulse.offbeat_ratio = 1.05), Some("sync_high"));
        assert_eq!(tag(3, &|m| m.percussive = 0.549), Some("percussive_low"));
        assert_eq!(tag(3, &|m| m.percussive = 0.55), Some("percussive_high"));
        assert_eq!(tag(4, &|m| m.pulse.density = 1.9), Some("density_sparse"));
        assert_eq!(tag(4, &|m| m.pulse.density = 2.0), Some("density_mid"));
        assert_eq!(tag(4, &|m| m.pulse.density = 4.0), Some("density_dense"));
        assert_eq!(tag(5, &|m| m.pulse.autocorrelation = 0.30), Some("phrase_regular"));
        assert_eq!(tag(5, &|m| m.pulse.autocorrelation = 0.29), Some("phrase_free"));
    }

    #[test]
    fn each_tag_is_of_one_family() {
        let mut all: Vec<&str> = FAMILIES.iter().flat_map(|f| f.tags).copied().collect();
        assert_eq!(all.len(), 14);
        assert!(FAMILIES.iter().all(|f| f.tags.len() == f.limits.len() + 1));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 14);
        assert_eq!(family("sync_low").map(|f| f.name), Some("sync"));
        assert!(family("house").is_none());
    }
}
