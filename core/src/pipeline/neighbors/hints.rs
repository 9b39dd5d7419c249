//! What a DJ does so that a neighbour fits: tempo, pitch fader, key.

use super::Entry;
use crate::analysis::key::{Key, Mode};

/// What to do about a neighbour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hints {
    /// Tempo of the query in beats a minute.
    pub query_bpm: Option<f64>,
    /// Tempo of the neighbour.
    pub neighbor_bpm: Option<f64>,
    /// The tempo to which the neighbour is brought so that its bars are as long as the query's, or half or twice as long.
    pub target_bpm: Option<f64>,
    /// What the pitch fader is moved by for that, in percent: positive is faster.
    pub fader_from_stretch: f64,
    /// What it is moved by so that the tempi are equal, or one is twice the other, in percent.
    pub fader_to_match: Option<f64>,
    /// How the keys lie to each other; none without two keys.
    pub relation: Option<Relation>,
}

impl Hints {
    /// Of a neighbour whose bars are `stretch` times as long as the query's.
    pub(super) fn of(query: &Entry, neighbor: &Entry, stretch: f64) -> Self {
        let bpm = |e: &Entry| e.tempo.map(|t| t.bpm).filter(|b| b.is_finite() && *b > 0.0);
        let (query_bpm, neighbor_bpm) = (bpm(query), bpm(neighbor));
        let faster = folded(stretch);
        Self {
            query_bpm,
            neighbor_bpm,
            target_bpm: neighbor_bpm.map(|b| b * faster),
            fader_from_stretch: (faster - 1.0) * 100.0,
            fader_to_match: query_bpm.zip(neighbor_bpm).map(|(q, n)| (folded(q / n) - 1.0) * 100.0),
            relation: query.key.zip(neighbor.key).map(|(q, n)| Relation::of(&q, &n)),
        }
    }
}

/// The ratio brought to within half an octave of 1: half and double time fit as they are.
pub fn folded(ratio: f64) -> f64 {
    if ratio.is_finite() && ratio > 0.0 {
        ratio * (-ratio.log2().round()).exp2()
    } else {
        1.0
    }
}

/// How a key lies to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The same.
    Same,
    /// Relative major and minor: the same notes.
    Relative,
    /// A fifth up, in the same mode: one note differs.
    FifthUp,
    /// A fifth down.
    FifthDown,
    /// Major and minor on one tonic.
    Parallel,
    /// Anything else.
    Far,
}

impl Relation {
    /// From `from` to `to`.
    pub fn of(from: &Key, to: &Key) -> Self {
        let up = (i32::from(to.tonic) - i32::from(from.tonic)).rem_euclid(12);
        match (from.mode, to.mode, up) {
            (a, b, 0) if a == b => Self::Same,
            (a, b, 7) if a == b => Self::FifthUp,
            (a, b, 5) if a == b => Self::FifthDown,
            (_, _, 0) => Self::Parallel,
            (Mode::Major, Mode::Minor, 9) | (Mode::Minor, Mode::Major, 3) => Self::Relative,
            _ => Self::Far,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Relative => "relative",
            Self::FifthUp => "fifth up",
            Self::FifthDown => "fifth down",
            Self::Parallel => "parallel",
            Self::Far => "far",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fader_never_bridges_an_octave() {
        for (ratio, wanted) in [
            (1.0, 1.0),
            (2.0, 1.0),
            (0.5, 1.0),
            (4.2, 1.05),
            (0.49, 0.98),
            (1.2, 1.2),
            (1.5, 0.75),
        ] {
            assert!((folded(ratio) - wanted).abs() < 1e-12, "{ratio}: {}", folded(ratio));
        }
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(folded(bad), 1.0);
        }
    }

    #[test]
    fn keys_have_relations() {
        let key = |tonic, mode| Key {
            tonic,
            mode,
            confidence: 1.0,
        };
        let from_a_minor = |tonic, mode| Relation::of(&key(9, Mode::Minor), &key(tonic, mode));
        assert_eq!(from_a_minor(9, Mode::Minor), Relation::Same);
        assert_eq!(from_a_minor(0, Mode::Major), Relation::Relative);
        assert_eq!(from_a_minor(4, Mode::Minor), Relation::FifthUp);
        assert_eq!(from_a_minor(2, Mode::Minor), Relation::FifthDown);
        assert_eq!(from_a_minor(9, Mode::Major), Relation::Parallel);
        assert_eq!(from_a_minor(6, Mode::Major), Relation::Far);
        assert_eq!(
            Relation::of(&key(0, Mode::Major), &key(9, Mode::Minor)),
            Relation::Relative
        );
    }
}
