//! Where a loop stands in the form of its track.

use super::{Feature, LoopView};

/// `bars`
pub(super) static BARS: Feature = Feature {
    name: "bars",
    unit: "bars",
    range: "1, 2, 4, …",
    width: 1,
    version: 1,
    doc: "Length of the loop.",
    compute: |v, out| out[0] = v.candidate.bars as f32,
};

/// `inside_section`
pub(super) static INSIDE_SECTION: Feature = Feature {
    name: "inside_section",
    unit: "",
    range: "0 or 1",
    width: 1,
    version: 1,
    doc: "1 where the loop lies wholly inside one section.",
    compute: |v, out| out[0] = f32::from(v.inside().is_some()),
};

/// `unit_divides`
pub(super) static UNIT_DIVIDES: Feature = Feature {
    name: "unit_divides",
    unit: "",
    range: "0 or 1",
    width: 1,
    version: 1,
    doc: "1 where the loop's length is a multiple of its section's repeat unit.",
    compute: |v, out| out[0] = f32::from(v.section().is_some_and(|s| v.candidate.bars % s.unit.max(1) == 0)),
};

/// `rep_unit`
pub(super) static REP_UNIT: Feature = Feature {
    name: "rep_unit",
    unit: "",
    range: "0 to 1; 0.5 where the section holds no pair",
    width: 1,
    version: 1,
    doc: "How well the loop's section repeats at its own unit: 1 as well as repeats of this track do.",
    compute: |v, out| out[0] = v.section().and_then(|s| s.repeats).unwrap_or(0.5),
};

/// `rep_span`
pub(super) static REP_SPAN: Feature = Feature {
    name: "rep_span",
    unit: "",
    range: "0 to 1; 0.5 where the section holds no pair",
    width: 1,
    version: 1,
    doc: "How well the loop's section repeats at the loop's length: 1 as well as repeats of this track do.",
    compute: |v, out| {
        let lag = v.candidate.bars as usize;
        out[0] = v.section().and_then(|s| v.structure.repeats_at(s, lag)).unwrap_or(0.5);
    },
};

/// `phrase_position`
pub(super) static PHRASE_POSITION: Feature = Feature {
    name: "phrase_position",
    unit: "bars",
    range: "0 to the unit",
    width: 1,
    version: 1,
    doc: "How far into its section's repeat unit the loop begins; 0 on a phrase. −1 outside all sections.",
    compute: |v, out| out[0] = phrase_position(v).unwrap_or(-1.0),
};

fn phrase_position(v: &LoopView<'_>) -> Option<f32> {
    let s = v.section()?;
    let bars = (v.candidate.first_bar - s.bars.start) % s.unit.max(1) as usize;
    let beats = v.candidate.beat_offset as f32 / v.structure.bars.beats_per_bar as f32;
    Some(bars as f32 + beats)
}

/// `holds_fill`
pub(super) static HOLDS_FILL: Feature = Feature {
    name: "holds_fill",
    unit: "",
    range: "0 or 1",
    width: 1,
    version: 1,
    doc: "1 where the loop touches a bar that holds a fill.",
    compute: |v, out| {
        let touched = v.candidate.touched();
        let first = v.structure.section_at(touched.start);
        let last = v.structure.section_at(touched.end.saturating_sub(1));
        let sections = match (first, last) {
            (Some(a), Some(b)) => v.structure.sections.get(a..=b).unwrap_or_default(),
            _ => &[],
        };
        let held = sections.iter().flat_map(|s| &s.fills).any(|f| touched.contains(f));
        out[0] = f32::from(held);
    },
};

/// `texture_dev`
pub(super) static TEXTURE_DEV: Feature = Feature {
    name: "texture_dev",
    unit: "texture steps",
    range: "from 0",
    width: 1,
    version: 1,
    doc: "Mean deviation of the loop's bars from their median texture (band levels and onset strengths), where 1 is the \
          track's median change from bar to bar.",
    compute: |v, out| out[0] = v.structure.textures.deviation(v.candidate.touched()),
};
