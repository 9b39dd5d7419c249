//! What sections, repeat units and fills are decided upon, as it was before the decision: a scorer that learns can weigh it
//! anew where the decision was close.

use super::{Feature, LoopView};

scalar!(
    ORPHAN_DB,
    "orphan_db",
    "octaves",
    "any, most between −1 and 3",
    "How far the loop's most outstanding bar is from its nearest repeat in its section, against what is usual there, by the \
     level of its worst beat: a fill stands out by half an octave and more.",
    |v| orphan(v, 0)
);
scalar!(
    ORPHAN_ONSET,
    "orphan_onset",
    "octaves",
    "any, most between −1 and 3",
    "The same by the onsets of the worst beat.",
    |v| orphan(v, 1)
);
scalar!(
    EDGE_START,
    "edge_start",
    "texture steps",
    "from 0",
    "Change of texture at the bar line where the loop begins, where 1 is the track's median change from bar to bar.",
    |v| v.structure.textures.novelty(v.candidate.touched().start)
);
scalar!(
    EDGE_END,
    "edge_end",
    "texture steps",
    "from 0; 0 at the end of the track",
    "Change of texture at the bar line where the loop ends.",
    |v| v.structure.textures.novelty(v.candidate.touched().end)
);
scalar!(
    SECTION_BARS,
    "section_bars",
    "bars",
    "0 outside all sections; 1, 2, …",
    "Length of the section in which the loop begins.",
    |v| v.section().map_or(0.0, |s| s.bars.len() as f32)
);
scalar!(
    SECTION_BEFORE,
    "section_before",
    "bars",
    "0, 1, 2, …; −1 outside all sections",
    "Bars of its section before the loop.",
    |v| v
        .section()
        .map_or(-1.0, |s| (v.candidate.first_bar - s.bars.start) as f32)
);
scalar!(
    SECTION_AFTER,
    "section_after",
    "bars",
    "any; negative where the loop runs into the next section",
    "Bars of its section after the loop.",
    |v| v
        .section()
        .map_or(0.0, |s| s.bars.end as f32 - v.candidate.touched().end as f32)
);
scalar!(
    UNIT_BARS,
    "unit_bars",
    "bars",
    "0 outside all sections; 1, 2, 4, 8",
    "Repeat unit of the section in which the loop begins.",
    |v| v.section().map_or(0.0, |s| s.unit as f32)
);
scalar!(
    UNIT_FOUND,
    "unit_found",
    "",
    "0 or 1",
    "1 where that unit was heard, 0 where it stands in for want of better.",
    |v| f32::from(v.section().is_some_and(|s| s.unit_found))
);
scalar!(
    UNLIKE_LAG_1,
    "unlike_lag_1",
    "",
    "0 to 1; 1 where the section is too short",
    "How unlike the section's bars are at a lag of one bar, by the worse of levels and pitches (onsets where drums play \
     alone): what decides upon its unit.",
    |v| unlike_at(v, 1)
);
scalar!(
    UNLIKE_LAG_2,
    "unlike_lag_2",
    "",
    "0 to 1; 1 where the section is too short",
    "The same at a lag of two bars.",
    |v| unlike_at(v, 2)
);
scalar!(
    UNLIKE_LAG_4,
    "unlike_lag_4",
    "",
    "0 to 1; 1 where the section is too short",
    "The same at a lag of four bars.",
    |v| unlike_at(v, 4)
);
scalar!(
    UNLIKE_LAG_8,
    "unlike_lag_8",
    "",
    "0 to 1; 1 where the section is too short",
    "The same at a lag of eight bars.",
    |v| unlike_at(v, 8)
);
scalar!(
    HALVES_UNLIKE,
    "halves_unlike",
    "",
    "0 to 1; 0 of a single bar",
    "How unlike the loop's halves are on average, bar by bar.",
    |v| {
        let (sum, n) = halves(v).fold((0.0, 0), |(sum, n), z| (sum + z, n + 1));
        if n > 0 { sum / n as f32 } else { 0.0 }
    }
);
scalar!(
    HALVES_UNLIKE_WORST,
    "halves_unlike_worst",
    "",
    "0 to 1; 0 of a single bar",
    "How unlike the loop's halves are where they are most so.",
    |v| halves(v).fold(0.0, f32::max)
);
scalar!(
    WRAP_START_UNLIKE,
    "wrap_start_unlike",
    "",
    "0 to 1; 1 at the end of the track",
    "How unlike the bar after the loop is to its first: 0 where the music itself goes round.",
    |v| {
        let at = v.candidate.touched();
        pair(v, Some(at.start), at.end)
    }
);
scalar!(
    WRAP_END_UNLIKE,
    "wrap_end_unlike",
    "",
    "0 to 1; 1 at the start of the track",
    "How unlike the bar before the loop is to its last.",
    |v| {
        let at = v.candidate.touched();
        pair(v, at.start.checked_sub(1), at.end.saturating_sub(1))
    }
);
scalar!(
    WORST_BAR_UNLIKE,
    "worst_bar_unlike",
    "",
    "0 to 1",
    "How unlike the loop's most singular bar is to the bar most like it among those 1, 2, 4 and 8 bars away.",
    |v| {
        let n = v.structure.bars.len();
        let nearest = |bar: usize| {
            [1usize, 2, 4, 8]
                .iter()
                .flat_map(|lag| [bar.checked_sub(*lag), Some(bar + lag).filter(|b| *b < n)])
                .flatten()
                .map(|other| v.structure.repetition.unlike(bar, other).all)
                .fold(1.0, f32::min)
        };
        v.candidate.touched().map(nearest).fold(0.0, f32::max)
    }
);
scalar!(
    DRUMS_ONLY,
    "drums_only",
    "",
    "0 or 1",
    "1 where the loop's section is drums alone.",
    |v| f32::from(v.section().is_some_and(|s| s.drums_only))
);

fn orphan(v: &LoopView<'_>, kind: usize) -> f32 {
    let octaves = v.candidate.touched().map(|bar| v.structure.orphan(bar)[kind]);
    octaves.reduce(f32::max).unwrap_or(0.0)
}

fn unlike_at(v: &LoopView<'_>, lag: usize) -> f32 {
    v.section()
        .and_then(|s| v.structure.unit_evidence(s, lag))
        .unwrap_or(1.0)
}

/// How unlike the bars of the loop's halves are, pair by pair.
fn halves<'a>(v: &'a LoopView<'_>) -> impl Iterator<Item = f32> + 'a {
    let at = v.candidate.touched();
    let half = v.candidate.bars as usize / 2;
    (at.start..at.start + half).map(move |k| v.structure.repetition.unlike(k, k + half).all)
}

fn pair(v: &LoopView<'_>, a: Option<usize>, b: usize) -> f32 {
    match a {
        Some(a) if b < v.structure.bars.len() => v.structure.repetition.unlike(a, b).all,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::config::tuning::Tuning;
    use crate::features::{FeatureTable, Schema};
    use crate::model::{self, Output};

    /// What the model of the build says of a row of `usual` values with some others.
    fn score(others: &[(&str, f32)]) -> f32 {
        let scorer = model::select(Some("shipped"), &Tuning::default()).unwrap();
        let usual = [
            ("bars", 4.0),
            ("inside_section", 1.0),
            ("unit_divides", 1.0),
            ("rep_unit", 0.95),
            ("rep_span", 0.95),
            ("repeats_count", 3.0),
            ("repeat_distance_db", 0.6),
            ("recurs_after", 1.0),
            ("section_bars", 16.0),
            ("section_before", 4.0),
            ("section_after", 8.0),
            ("unit_bars", 4.0),
            ("unit_found", 1.0),
            ("unlike_lag_1", 0.6),
            ("unlike_lag_2", 0.5),
        ];
        let columns = scorer.info().columns.clone();
        let value = |c: &String| {
            let of = |list: &[(&str, f32)]| list.iter().find(|(n, _)| n == c).map(|(_, v)| *v);
            of(others).or_else(|| of(&usual)).unwrap_or(0.0)
        };
        let values = columns.iter().map(value).collect();
        let table = FeatureTable::from_values(Arc::new(Schema::plain(columns)), values);
        scorer.score(&table).unwrap()[0]
    }

    #[test]
    fn the_shipped_model_hears_odd_bars_and_edges() {
        let good = score(&[]);
        let fill = score(&[
            ("holds_fill", 1.0),
            ("orphan_db", 1.5),
            ("orphan_onset", 2.0),
            ("halves_unlike_worst", 0.8),
            ("worst_bar_unlike", 0.7),
        ]);
        let edge = score(&[
            ("inside_section", 0.0),
            ("section_after", -2.0),
            ("section_novelty", 4.0),
            ("recurs_after", 0.0),
            ("halves_unlike", 0.7),
            ("halves_unlike_worst", 0.9),
        ]);
        assert!(good > 0.7 && fill < 0.4 && edge < 0.4, "{good} {fill} {edge}");
        let info = model::select(Some("shipped"), &Tuning::default())
            .unwrap()
            .info()
            .clone();
        assert_eq!(info.output, Output::Probability);
        assert!(info.calibration.is_some());
    }
}
