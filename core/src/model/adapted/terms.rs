//! What a taste can be about: things that can be heard and said.

/// How a column becomes something that is felt in even steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// As it is.
    Plain,
    /// Logarithm to base 2: doublings.
    Log2,
    /// Logarithm to base 2 of one more.
    Log2Of1Plus,
    /// 20 times the logarithm to base 10: levels in dB.
    Decibel,
}

/// One thing that a person can like more or less of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// The column that tells it.
    pub column: &'static str,
    /// What is done with the column first.
    pub transform: Transform,
    /// What is usual, after the transform.
    pub centre: f64,
    /// One step, after the transform: about the spread among the loops of one track.
    pub scale: f64,
    /// What a positive weight prefers.
    pub more: &'static str,
    /// What a negative weight prefers.
    pub less: &'static str,
}

const fn term(
    column: &'static str,
    transform: Transform,
    centre: f64,
    scale: f64,
    more: &'static str,
    less: &'static str,
) -> Term {
    Term {
        column,
        transform,
        centre,
        scale,
        more,
        less,
    }
}

/// What tastes are about. Nothing that says whether a loop is valid is among them: that is the base's to judge. Centres and
/// steps are rounded medians and spreads within tracks of loops of synthesised songs; they are constants, so that a taste
/// means the same in every track.
pub const TERMS: [Term; 9] = [
    term("bars", Transform::Log2, 2.0, 1.0, "longer loops", "shorter loops"),
    term(
        "perc_to_total_rms",
        Transform::Plain,
        0.37,
        0.1,
        "more drums",
        "fewer drums",
    ),
    term(
        "onset_mean",
        Transform::Plain,
        1.15,
        0.22,
        "busier passages",
        "calmer passages",
    ),
    term(
        "rms_mean",
        Transform::Decibel,
        -15.0,
        3.0,
        "louder passages",
        "softer passages",
    ),
    term(
        "tonal_level",
        Transform::Plain,
        -1.0,
        6.0,
        "more pitched sound",
        "less pitched sound",
    ),
    term(
        "texture_dev",
        Transform::Plain,
        0.45,
        0.4,
        "loops that change as they go",
        "even loops",
    ),
    term(
        "repeats_count",
        Transform::Log2Of1Plus,
        1.5,
        1.0,
        "what the track repeats often",
        "what is heard seldom",
    ),
    term(
        "level_slope",
        Transform::Plain,
        0.0,
        0.3,
        "loops that grow louder",
        "loops that fade",
    ),
    term(
        "start_position",
        Transform::Plain,
        0.5,
        0.27,
        "loops from late in the track",
        "loops from early in the track",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Schema;

    #[test]
    fn every_term_is_a_feature_and_said_once() {
        let schema = Schema::full();
        for (i, term) in TERMS.iter().enumerate() {
            assert!(schema.column(term.column).is_some(), "{}", term.column);
            assert!(term.scale > 0.0 && term.more != term.less);
            assert!(TERMS[..i].iter().all(|t| t.column != term.column));
        }
    }
}
