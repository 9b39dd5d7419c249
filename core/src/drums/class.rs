//! What a hit is: the classes of drums, and of the pitched sounds that a sampler's synth bank holds.

use serde::{Deserialize, Serialize};

/// A class of drum sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drum {
    /// Bass drum.
    Kick,
    /// Snare drum: struck, brushed or electronic.
    Snare,
    /// Hi-hat, closed or with the pedal.
    HatClosed,
    /// Hi-hat, open or half open.
    HatOpen,
    /// Toms.
    Tom,
    /// Hand clap.
    Clap,
    /// Crash, splash and china cymbals.
    Crash,
    /// Ride cymbal and its bell.
    Ride,
    /// Everything else that is struck, shaken or scraped: rim, cowbell, conga, shaker, tambourine.
    Perc,
}

impl Drum {
    /// Every class, in the order in which models give their probabilities.
    pub const ALL: [Self; 9] = [
        Self::Kick,
        Self::Snare,
        Self::HatClosed,
        Self::HatOpen,
        Self::Tom,
        Self::Clap,
        Self::Crash,
        Self::Ride,
        Self::Perc,
    ];

    /// Its place in [`Self::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in tables, file names and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kick => "kick",
            Self::Snare => "snare",
            Self::HatClosed => "hat_closed",
            Self::HatOpen => "hat_open",
            Self::Tom => "tom",
            Self::Clap => "clap",
            Self::Crash => "crash",
            Self::Ride => "ride",
            Self::Perc => "perc",
        }
    }

    /// The General MIDI note on which a kit holds its first sound of this class.
    pub fn note(self) -> u8 {
        match self {
            Self::Kick => 36,
            Self::Snare => 38,
            Self::HatClosed => 42,
            Self::HatOpen => 46,
            Self::Tom => 45,
            Self::Clap => 39,
            Self::Crash => 49,
            Self::Ride => 51,
            Self::Perc => 56,
        }
    }
}

/// A class of pitched sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Synth {
    /// Low notes.
    Bass,
    /// Notes of a melody.
    Lead,
    /// Short chords.
    Stab,
    /// Noises and sweeps.
    Fx,
}

impl Synth {
    /// Every class, in the order in which models give their probabilities.
    pub const ALL: [Self; 4] = [Self::Bass, Self::Lead, Self::Stab, Self::Fx];

    /// Its name in tables, file names and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bass => "bass",
            Self::Lead => "lead",
            Self::Stab => "stab",
            Self::Fx => "fx",
        }
    }
}

/// What a sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A drum.
    Drum(Drum),
    /// A pitched sound.
    Synth(Synth),
    /// Nothing can be heard.
    Silence,
}

impl Class {
    /// The bank that it belongs to: `drum_kit`, `synth` or `unknown`.
    pub fn bank(self) -> &'static str {
        match self {
            Self::Drum(_) => "drum_kit",
            Self::Synth(_) => "synth",
            Self::Silence => "unknown",
        }
    }

    /// Its label: the name of the class, `silence` for none.
    pub fn label(self) -> &'static str {
        match self {
            Self::Drum(d) => d.name(),
            Self::Synth(s) => s.name(),
            Self::Silence => "silence",
        }
    }

    /// The class of a label; `other` is `perc`.
    pub fn parse(label: &str) -> Option<Self> {
        let drum = Drum::ALL.into_iter().find(|d| d.name() == label).map(Self::Drum);
        let synth = || Synth::ALL.into_iter().find(|s| s.name() == label).map(Self::Synth);
        drum.or_else(synth).or(match label {
            "other" => Some(Self::Drum(Drum::Perc)),
            "silence" => Some(Self::Silence),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_back_and_stand_in_order() {
        for (i, d) in Drum::ALL.into_iter().enumerate() {
            assert_eq!(d.index(), i);
            assert_eq!(Class::parse(d.name()), Some(Class::Drum(d)));
        }
        for s in Synth::ALL {
            assert_eq!(Class::parse(s.name()), Some(Class::Synth(s)));
        }
        assert_eq!(Class::parse("other"), Some(Class::Drum(Drum::Perc)));
        assert_eq!(Class::parse("Kick"), None);
    }
}
