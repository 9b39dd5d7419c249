//! Levels, onsets and spectrum of a loop: the features of the Python pipeline, under its names.
//!
//! All come from the curves of [`crate::analysis::Spectrum`], by prefix sums. Percussive and harmonic parts are those of
//! median filtering (Fitzgerald, DAFx 2010) with the pipeline's settings.

use std::ops::Range;

use super::{Feature, LoopView};
use crate::analysis::spectrum::{HOP, MELS, RATE};

/// Length in seconds of the windows at both ends.
const BOUNDARY: f64 = 0.2;
/// Keeps ratios of silence finite.
const TINY: f64 = 1e-8;

/// Frames of the first and the last 0.2 s.
fn ends(v: &LoopView<'_>) -> [Range<usize>; 2] {
    let frames = v.frames.clone();
    let n = ((BOUNDARY * f64::from(RATE) / HOP as f64).round() as usize).clamp(1, frames.len().max(1));
    [frames.start..frames.start + n, frames.end.saturating_sub(n)..frames.end]
}

macro_rules! level {
    ($id:ident, $name:literal, $unit:literal, $range:literal, $doc:literal, $value:expr) => {
        scalar!($id, $name, $unit, $range, $doc, |v| {
            const LEVEL: fn(&LoopView<'_>) -> f64 = $value;
            LEVEL(v) as f32
        });
    };
}

level!(
    RMS_MEAN,
    "rms_mean",
    "full scale",
    "0 to 1",
    "Mean over the frames (2048 samples every 512) of their RMS.",
    |v| v.analysis.spectrum.rms.mean(v.frames.clone())
);
level!(
    ONSET_MEAN,
    "onset_mean",
    "dB",
    "from 0",
    "Mean onset strength: the rise over the mel bands from frame to frame.",
    |v| v.analysis.spectrum.onset.mean(v.frames.clone())
);
level!(
    PERC_RMS,
    "perc_rms",
    "full scale",
    "0 to 1",
    "RMS of the percussive part.",
    |v| v.analysis.spectrum.perc_rms(v.frames.clone())
);
level!(
    HARM_RMS,
    "harm_rms",
    "full scale",
    "0 to 1",
    "RMS of the harmonic part.",
    |v| v.analysis.spectrum.harm_rms(v.frames.clone())
);
level!(
    PERC_TO_TOTAL_RMS,
    "perc_to_total_rms",
    "",
    "0 to about 1",
    "RMS of the percussive part by that of everything.",
    |v| {
        let s = &v.analysis.spectrum;
        s.perc_rms(v.frames.clone()) / (s.total_rms(v.frames.clone()) + TINY)
    }
);
level!(
    HARM_TO_TOTAL_RMS,
    "harm_to_total_rms",
    "",
    "0 to about 1",
    "RMS of the harmonic part by that of everything.",
    |v| {
        let s = &v.analysis.spectrum;
        s.harm_rms(v.frames.clone()) / (s.total_rms(v.frames.clone()) + TINY)
    }
);
level!(
    PERC_ONSET_MEAN,
    "perc_onset_mean",
    "dB",
    "from 0",
    "Mean onset strength of the percussive part.",
    |v| v.analysis.spectrum.onset_perc.mean(v.frames.clone())
);
level!(
    PERC_ONSET_STD,
    "perc_onset_std",
    "dB",
    "from 0",
    "Population standard deviation of the onset strength of the percussive part.",
    |v| v.analysis.spectrum.onset_perc.deviation(v.frames.clone())
);
level!(
    BOUNDARY_PERC_RMS_START,
    "boundary_perc_rms_start",
    "full scale",
    "0 to 1",
    "RMS of the percussive part over the first 0.2 s.",
    |v| v.analysis.spectrum.perc_rms(ends(v)[0].clone())
);
level!(
    BOUNDARY_PERC_RMS_END,
    "boundary_perc_rms_end",
    "full scale",
    "0 to 1",
    "RMS of the percussive part over the last 0.2 s.",
    |v| v.analysis.spectrum.perc_rms(ends(v)[1].clone())
);
level!(
    BOUNDARY_PERC_ONSET_START,
    "boundary_perc_onset_start",
    "dB",
    "from 0",
    "Mean percussive onset strength over the first 0.2 s, read from the track's curve (the Python pipeline analysed the \
     0.2 s alone, which made it depend on their own loudest moment).",
    |v| v.analysis.spectrum.onset_perc.mean(ends(v)[0].clone())
);
level!(
    BOUNDARY_PERC_ONSET_END,
    "boundary_perc_onset_end",
    "dB",
    "from 0",
    "Mean percussive onset strength over the last 0.2 s, read from the track's curve.",
    |v| v.analysis.spectrum.onset_perc.mean(ends(v)[1].clone())
);
level!(
    BOUNDARY_QUIET_SCORE,
    "boundary_quiet_score",
    "",
    "from 0",
    "Half the sum of the four boundary features: low where both ends are quiet. Kept for those who know it; it mixes dB \
     with amplitudes and counts a kick on the first beat against the loop.",
    |v| {
        let s = &v.analysis.spectrum;
        let sum = |r: &Range<usize>| s.onset_perc.mean(r.clone()) + s.perc_rms(r.clone());
        0.5 * ends(v).iter().map(sum).sum::<f64>()
    }
);

/// `pt_mel_0` … `pt_mel_255`
pub(super) static PT_MEL: Feature = Feature {
    name: "pt_mel",
    unit: "log10 of power",
    range: "means from −10, deviations from 0",
    width: 2 * MELS,
    version: 1,
    doc: "Means of the 128 bands of the log-mel spectrum over the loop, then their population standard deviations.",
    compute: |v, out| {
        let (mean, deviation) = v.analysis.spectrum.logmel.statistics(v.frames.clone());
        for (out, x) in out.iter_mut().zip(mean.into_iter().chain(deviation)) {
            *out = x;
        }
    },
};
