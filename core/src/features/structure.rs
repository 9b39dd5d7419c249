//! Where a loop stands in the form of its track, and where else it is heard.

use super::{Feature, LoopView};

scalar!(
    BARS,
    "bars",
    "bars",
    "1, 2, 4, …",
    "Length of the loop.",
    |v| v.candidate.bars as f32
);
scalar!(
    INSIDE_SECTION,
    "inside_section",
    "",
    "0 or 1",
    "1 where the loop lies wholly inside one section.",
    |v| f32::from(v.inside().is_some())
);
scalar!(
    UNIT_DIVIDES,
    "unit_divides",
    "",
    "0 or 1",
    "1 where the loop's length is a multiple of its section's repeat unit.",
    |v| f32::from(v.section().is_some_and(|s| v.candidate.bars % s.unit.max(1) == 0))
);
scalar!(
    REP_UNIT,
    "rep_unit",
    "",
    "0 to 1; 0.5 where the section holds no pair",
    "How well the loop's section repeats at its own unit: 1 as well as repeats of this track do.",
    |v| v.section().and_then(|s| s.repeats).unwrap_or(0.5)
);
scalar!(
    REP_SPAN,
    "rep_span",
    "",
    "0 to 1; 0.5 where the section holds no pair",
    "How well the loop's section repeats at the loop's length: 1 as well as repeats of this track do.",
    |v| {
        let lag = v.candidate.bars as usize;
        v.section().and_then(|s| v.structure.repeats_at(s, lag)).unwrap_or(0.5)
    }
);
scalar!(
    PHRASE_POSITION,
    "phrase_position",
    "bars",
    "0 to the unit; −1 outside all sections",
    "How far into its section's repeat unit the loop begins; 0 on a phrase.",
    |v| {
        let Some(s) = v.section() else { return -1.0 };
        let bars = (v.candidate.first_bar - s.bars.start) % s.unit.max(1) as usize;
        bars as f32 + v.candidate.beat_offset as f32 / v.structure.bars.beats_per_bar as f32
    }
);
scalar!(
    HOLDS_FILL,
    "holds_fill",
    "",
    "0 or 1",
    "1 where the loop touches a bar that holds a fill.",
    |v| {
        let touched = v.candidate.touched();
        let first = v.structure.section_at(touched.start);
        let last = v.structure.section_at(touched.end.saturating_sub(1));
        let sections = match (first, last) {
            (Some(a), Some(b)) => v.structure.sections.get(a..=b).unwrap_or_default(),
            _ => &[],
        };
        f32::from(sections.iter().flat_map(|s| &s.fills).any(|f| touched.contains(f)))
    }
);
scalar!(
    TEXTURE_DEV,
    "texture_dev",
    "texture steps",
    "from 0",
    "Mean deviation of the loop's bars from their median texture (band levels and onset strengths), where 1 is the \
     track's median change from bar to bar.",
    |v| v.structure.textures.deviation(v.candidate.touched())
);
scalar!(
    REPEATS_COUNT,
    "repeats_count",
    "",
    "0, 1, 2, …",
    "How many other stretches of the track, apart from the loop and from each other, are the same.",
    |v| v.structure.occurrences(&v.candidate.touched()).count as f32
);
scalar!(
    REPEAT_DISTANCE_DB,
    "repeat_distance_db",
    "dB",
    "from 0; 60 where there is nothing to compare with",
    "Mean level difference (64 mel bands, 4 slots a beat) between the loop and the stretch that is most like it.",
    |v| v
        .structure
        .occurrences(&v.candidate.touched())
        .nearest_db
        .unwrap_or(60.0)
);
scalar!(
    RECURS_BEFORE,
    "recurs_before",
    "",
    "0 to 1; 0 at the start of the track",
    "How alike the stretch of the loop's length just before it is: 1 as alike as repeats of this track are.",
    |v| {
        let (at, n) = (v.candidate.touched(), v.candidate.bars as usize);
        let like = at
            .start
            .checked_sub(n)
            .and_then(|before| v.structure.unlike(before, at.start, at.len()));
        1.0 - like.unwrap_or(1.0)
    }
);
scalar!(
    RECURS_AFTER,
    "recurs_after",
    "",
    "0 to 1; 0 at the end of the track",
    "How alike the stretch of the loop's length just after it is.",
    |v| {
        let (at, n) = (v.candidate.touched(), v.candidate.bars as usize);
        1.0 - v.structure.unlike(at.start, at.start + n, at.len()).unwrap_or(1.0)
    }
);
scalar!(
    RECURS_ELSEWHERE,
    "recurs_elsewhere",
    "",
    "0 to 1",
    "How alike the most similar stretch is that neither overlaps nor adjoins the loop.",
    |v| v.structure.occurrences(&v.candidate.touched()).elsewhere
);
scalar!(
    SECTION_NOVELTY,
    "section_novelty",
    "texture steps",
    "from 0",
    "Largest change of texture at a bar line inside the loop, where 1 is the track's median change from bar to bar.",
    |v| {
        let touched = v.candidate.touched();
        (touched.start + 1..touched.end)
            .map(|i| v.structure.textures.novelty(i))
            .fold(0.0, f32::max)
    }
);
scalar!(
    RISER_SLOPE,
    "riser_slope",
    "dB a bar",
    "any",
    "Slope of the level above 2 kHz over the loop's bars: a riser climbs.",
    |v| slope(v.candidate.touched().map(|i| v.structure.textures.highs(i)))
);
scalar!(
    LEVEL_SLOPE,
    "level_slope",
    "dB a bar",
    "any",
    "Slope of the level over the loop's bars: a fade falls.",
    |v| slope(v.candidate.touched().map(|i| v.structure.traits.level[i].max(-100.0)))
);
scalar!(
    TONAL_LEVEL,
    "tonal_level",
    "dB",
    "any, most between −40 and 5",
    "Mean level of steady pitches against what is usual in the track: far below 0 in a break of drums alone.",
    |v| mean(v.candidate.touched().map(|i| v.structure.traits.tonal[i].max(-100.0)))
);
scalar!(
    DRUMLESS_ODDS,
    "drumless_odds",
    "log odds",
    "−30 to 30",
    "How likely no drums play in the loop; positive where that is likelier than not.",
    |v| mean(
        v.candidate
            .touched()
            .map(|i| v.structure.traits.drumless[i].clamp(-30.0, 30.0))
    )
);
scalar!(
    TEMPO_DEVIATION,
    "tempo_deviation",
    "share of a beat",
    "from 0",
    "Standard deviation of the lengths of the loop's beats by their mean: 0 where the tempo is steady.",
    |v| {
        let bars = &v.structure.bars;
        let Some(bar) = bars.bars.get(v.candidate.first_bar) else {
            return 0.0;
        };
        let first = bar.first_beat + v.candidate.beat_offset as usize;
        let beats = bars
            .beats
            .get(first..=first + v.candidate.beats as usize)
            .unwrap_or_default();
        let n = beats.len().saturating_sub(1).max(1) as f64;
        let mean = beats.windows(2).map(|w| w[1] - w[0]).sum::<f64>() / n;
        let variance = beats.windows(2).map(|w| (w[1] - w[0] - mean).powi(2)).sum::<f64>() / n;
        (variance.sqrt() / mean.max(1e-9)) as f32
    }
);
scalar!(
    START_POSITION,
    "start_position",
    "",
    "0 to 1",
    "Where in the track the loop begins.",
    |v| (v.candidate.span.start / (v.analysis.track.audio.frames().max(1) as f64)).clamp(0.0, 1.0) as f32
);

fn mean(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let n = values.len().max(1) as f32;
    values.sum::<f32>() / n
}

/// Least-squares slope of `values` against their index; 0 of fewer than two.
fn slope(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let n = values.len() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let middle = (n - 1.0) / 2.0;
    let (mut along, mut across) = (0.0, 0.0);
    for (i, y) in values.enumerate() {
        let x = i as f64 - middle;
        along += x * f64::from(y);
        across += x * x;
    }
    (along / across) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes() {
        assert_eq!(slope([1.0, 3.0, 5.0].into_iter()), 2.0);
        assert_eq!(slope([4.0].into_iter()), 0.0);
        assert_eq!(slope([].into_iter()), 0.0);
    }
}
