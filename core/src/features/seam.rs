//! How a loop's end leads back to its start.

use super::{Feature, LoopView};
use crate::loops::distance::Distance;

/// Between the beat before the end and the beat before the start.
fn before(v: &LoopView<'_>) -> Option<Distance> {
    let start = beat(v, -1)?;
    let end = beat(v, i64::from(v.candidate.beats) - 1)?;
    Some(v.structure.repetition.contents.between_beats(end, start))
}

/// Between the beat at the end and the beat at the start.
fn after(v: &LoopView<'_>) -> Option<Distance> {
    let start = beat(v, 0)?;
    let end = beat(v, i64::from(v.candidate.beats))?;
    Some(v.structure.repetition.contents.between_beats(end, start))
}

/// Between the last and the first beat of the loop.
fn wrap(v: &LoopView<'_>) -> Option<Distance> {
    let start = beat(v, 0)?;
    let end = beat(v, i64::from(v.candidate.beats) - 1)?;
    Some(v.structure.repetition.contents.between_beats(end, start))
}

/// Bar and beat of the beat `offset` beats after the loop's start, if it lies in a regular bar.
fn beat(v: &LoopView<'_>, offset: i64) -> Option<(usize, usize)> {
    let bars = &v.structure.bars;
    let per = i64::from(bars.beats_per_bar);
    let at = v.candidate.first_bar as i64 * per + i64::from(v.candidate.beat_offset) + offset;
    // Within the loop all bars are regular; one step outside, the neighbour must be.
    let bar = usize::try_from(at.div_euclid(per)).ok()?;
    bars.bars.get(bar).filter(|b| b.regular)?;
    Some((bar, at.rem_euclid(per) as usize))
}

macro_rules! seam {
    ($id:ident, $name:literal, $unit:literal, $range:literal, $doc:literal, $value:expr) => {
        scalar!($id, $name, $unit, $range, $doc, |v| {
            const SEAM: fn(&LoopView<'_>) -> Option<f32> = $value;
            SEAM(v).unwrap_or(-1.0)
        });
    };
}

seam!(
    SEAM_BEFORE_DB,
    "seam_before_db",
    "dB",
    "from 0; −1 where no beat is known there",
    "Mean level difference (64 mel bands, 4 slots) between the loop's last beat and the beat before its start: small where \
     the jump back is prepared as the track prepares it.",
    |v| before(v).map(|d| d.mel)
);
seam!(
    SEAM_BEFORE_CHROMA,
    "seam_before_chroma",
    "1 − cosine",
    "0 to 1; −1 where no beat is known there",
    "Chroma distance between the loop's last beat and the beat before its start.",
    |v| before(v).map(|d| d.chroma)
);
seam!(
    SEAM_AFTER_DB,
    "seam_after_db",
    "dB",
    "from 0; −1 where no beat is known there",
    "Mean level difference between the beat that follows the loop in the track and the loop's first beat: small where the \
     track goes on as the loop does.",
    |v| after(v).map(|d| d.mel)
);
seam!(
    SEAM_AFTER_CHROMA,
    "seam_after_chroma",
    "1 − cosine",
    "0 to 1; −1 where no beat is known there",
    "Chroma distance between the beat that follows the loop in the track and the loop's first beat.",
    |v| after(v).map(|d| d.chroma)
);
seam!(
    CHROMA_CLOSURE,
    "chroma_closure",
    "cosine",
    "0 to 1",
    "Likeness of the chromas of the last and the first beat: 1 where the harmony does not change at the wrap.",
    |v| wrap(v).map(|d| 1.0 - d.chroma)
);

/// `wrap_flux_percentile`
pub(super) static WRAP_FLUX_PERCENTILE: Feature = Feature {
    name: "wrap_flux_percentile",
    unit: "",
    range: "0 to 1",
    width: 1,
    version: 1,
    doc: "Share of the loop's own frames whose spectral rise is smaller than that from its end to its start: a kick on the \
          first beat is not held against a loop of kicks, a jump that the loop itself never makes is.",
    compute: |v, out| {
        let mel = &v.analysis.spectrum.logmel;
        let frames = &v.frames;
        let own = v.context.rise.get(frames.clone()).unwrap_or_default();
        if own.is_empty() || mel.rows() == 0 {
            out[0] = 0.0;
            return;
        }
        let last = mel.rows() - 1;
        // As in the loop itself, frames that stand clear of the seam on both sides.
        let from = mel.row(frames.end.saturating_sub(super::RISE));
        let to = mel.row((frames.start + super::RISE).min(last));
        let jump = super::rise(from, to);
        out[0] = own.iter().filter(|r| **r < jump).count() as f32 / own.len() as f32;
    },
};
