//! The outline of a waveform, column by column.

use crate::audio::AudioBuffer;

/// Highest and lowest sample and RMS of each column, over all channels; full scale 1.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::export) struct Envelope {
    pub(in crate::export) high: Vec<f32>,
    pub(in crate::export) low: Vec<f32>,
    pub(in crate::export) rms: Vec<f32>,
}

impl Envelope {
    /// The envelope of `frames` (from, to) in `columns` columns. Each covers a frame at least.
    pub(in crate::export) fn of(audio: &AudioBuffer, frames: (f64, f64), columns: usize) -> Self {
        let mut out = Self {
            high: Vec::with_capacity(columns),
            low: Vec::with_capacity(columns),
            rms: Vec::with_capacity(columns),
        };
        let edge = |c: usize| {
            let at = frames.0 + (frames.1 - frames.0) * c as f64 / columns.max(1) as f64;
            (at.max(0.0) as usize).min(audio.frames())
        };
        for column in 0..columns {
            let from = edge(column);
            let to = edge(column + 1).max(from + 1).min(audio.frames());
            let (mut high, mut low, mut power, mut count) = (0f32, 0f32, 0f64, 0u32);
            for plane in audio.planes() {
                for &x in plane.get(from..to).unwrap_or_default().iter().filter(|x| x.is_finite()) {
                    high = high.max(x);
                    low = low.min(x);
                    power += f64::from(x) * f64::from(x);
                    count += 1;
                }
            }
            out.high.push(high);
            out.low.push(low);
            out.rms.push((power / f64::from(count.max(1))).sqrt() as f32);
        }
        out
    }
}

/// Highest sample of a track, whatever its sign.
pub(in crate::export) fn peak(audio: &AudioBuffer) -> f32 {
    let finite = audio.planes().iter().flatten().filter(|x| x.is_finite());
    finite.fold(0.0, |m, x| m.max(x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_hold_extremes_and_power_of_what_they_cover() {
        let left = vec![0.0, 0.5, -0.25, 0.0, 1.0, 0.0, 0.0, 0.0];
        let right = vec![0.0, 0.0, 0.0, -0.75, 0.0, 0.0, f32::NAN, 0.0];
        let audio = AudioBuffer::new(vec![left, right], 8000).unwrap();
        let e = Envelope::of(&audio, (0.0, 8.0), 4);
        assert_eq!(e.high, [0.5, 0.0, 1.0, 0.0]);
        assert_eq!(e.low, [0.0, -0.75, 0.0, 0.0]);
        assert!((e.rms[0] - 0.25).abs() < 1e-6 && (e.rms[2] - 0.5).abs() < 1e-6);
        assert_eq!(peak(&audio), 1.0);
        // More columns than frames, and beyond the end.
        let e = Envelope::of(&audio, (4.0, 6.0), 8);
        assert_eq!(e.high[..4], [1.0; 4]);
        assert_eq!(Envelope::of(&audio, (8.0, 20.0), 3).high, [0.0; 3]);
    }
}
