//! What a network takes: samples or a log-mel spectrum, of which rate and length.
//!
//! Found from the shape of its input; notes in the file (`metadata_props`) under `loopwright.` say what a shape cannot.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// Rates for which a window of as many samples is taken for a second.
const USUAL_RATES: [usize; 8] = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
/// Numbers of mel bands by which the axis of bands is told from that of frames.
const USUAL_MELS: [usize; 8] = [40, 64, 80, 96, 128, 229, 256, 512];
/// Rate of OpenL3's samples.
const OPENL3_RATE: u32 = 48_000;
/// Rate of log-mel spectra where nothing is said, in Hz: that of the analysis (`pt_mel`).
const LOGMEL_RATE: u32 = 44_100;
/// Longest window, in seconds.
const LONGEST: f64 = 60.0;

/// Notes of a file.
pub(super) struct Notes<'a>(pub(super) &'a BTreeMap<String, String>);

impl Notes<'_> {
    /// The text of `loopwright.{key}`.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(&format!("loopwright.{key}")).map(|t| t.trim())
    }

    /// The number of `loopwright.{key}`, within limits.
    pub(super) fn number<T>(&self, key: &str, low: T, high: T) -> Result<Option<T>, String>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let Some(text) = self.text(key) else { return Ok(None) };
        match text.parse::<T>() {
            Ok(n) if (low..=high).contains(&n) => Ok(Some(n)),
            _ => Err(format!(
                "its note loopwright.{key} says {text:?}, and must be a number from {low} to {high}"
            )),
        }
    }

    /// Which of `choices` the note `loopwright.{key}` says.
    fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>, String> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                Err(format!(
                    "its note loopwright.{key} says {text:?}, and must be one of: {}",
                    names.join(", ")
                ))
            }
        }
    }
}

/// How mel power becomes what the network reads; `x` is mel power or magnitude, `f` the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    /// `log10(x + f)`.
    Log10,
    /// `ln(x + f)`.
    Ln,
    /// `20 / power · log10(max(x, f))`: librosa's `power_to_db(ref=1, top_db=None)` for a power of 2.
    Decibel,
    /// `x` itself.
    None,
}

/// A log-mel spectrum.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LogMel {
    /// Length of the transform.
    pub(super) n_fft: usize,
    /// Samples from frame to frame.
    pub(super) hop: usize,
    /// Bands.
    pub(super) mels: usize,
    /// Frames of a window.
    pub(super) frames: usize,
    /// Lowest frequency of the bands, in Hz.
    pub(super) low: f64,
    /// Highest frequency of the bands, in Hz.
    pub(super) high: f64,
    /// Exponent of magnitudes: 1 or 2.
    pub(super) power: u32,
    /// What is done to mel values.
    pub(super) log: Log,
    /// Its floor.
    pub(super) floor: f32,
    /// True where frame `t` is centred on sample `t · hop`; else it begins there.
    pub(super) centred: bool,
    /// True for a row a band; else a row a frame.
    pub(super) bands_first: bool,
}

impl LogMel {
    /// Frames of a window of so many samples.
    fn frames_of(&self, samples: usize) -> usize {
        if self.centred {
            1 + samples / self.hop
        } else {
            samples.checked_sub(self.n_fft).map_or(0, |n| 1 + n / self.hop)
        }
    }
}

/// What a window is turned into.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Samples, mono, at full scale ±1.
    Samples,
    /// A log-mel spectrum.
    LogMel(LogMel),
}

/// What a network takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Input {
    /// Shape of the input, its open axes filled in.
    pub(super) shape: Vec<usize>,
    /// Rate of the samples, in Hz.
    pub(super) rate: u32,
    /// Samples of a window.
    pub(super) window: usize,
    /// Samples from window to window.
    pub(super) step: usize,
    /// What it is turned into.
    pub(super) kind: Kind,
}

const HOW: &str = "say it in the file's metadata_props (docs/FORMATS.md, Embedding models)";

impl Input {
    /// From the axes of the input (`None` where one is open) and what the file says of itself.
    pub(super) fn of(axes: &[Option<usize>], notes: &Notes<'_>, openl3: bool) -> Result<Self, String> {
        if axes.contains(&Some(0)) {
            return Err(format!("its input {} takes nothing", show(axes)));
        }
        if axes.len() >= 2 && axes[0].is_some_and(|n| n != 1) {
            return Err(format!(
                "its input {} takes several windows at once: export it for a batch of 1 or an open one",
                show(axes)
            ));
        }
        let said = notes.choice("input", &[("samples", true), ("logmel", false)])?;
        let samples = match (said, axes) {
            (Some(samples), _) => samples,
            (None, [_] | [_, _]) => true,
            (None, [_, a, b]) => *a == Some(1) || *b == Some(1),
            (None, [_, _, _, _]) => false,
            (None, other) => return Err(not_understood(other)),
        };
        let step_seconds = notes.number("window_hop_seconds", 0.05, LONGEST)?.unwrap_or(0.5);
        let mut input = if samples {
            Self::samples(axes, notes, openl3)?
        } else {
            Self::logmel(axes, notes)?
        };
        if input.window as f64 > LONGEST * f64::from(input.rate) + 0.5 {
            return Err(format!(
                "its windows last {:.1} s, and at most {LONGEST} s can be taken",
                input.window as f64 / f64::from(input.rate)
            ));
        }
        input.step = ((step_seconds * f64::from(input.rate)).round() as usize).max(1);
        Ok(input)
    }

    fn samples(axes: &[Option<usize>], notes: &Notes<'_>, openl3: bool) -> Result<Self, String> {
        let at = match axes {
            [_] => 0,
            [_, _] => 1,
            [_, Some(1) | None, _] => 2,
            [_, _, Some(1) | None] => 1,
            [_, Some(n), Some(_)] => {
                return Err(format!(
                    "its input {} takes {n} channels, and samples are given in mono",
                    show(axes)
                ));
            }
            other => return Err(not_understood(other)),
        };
        // Open both ways: the last is time only where nothing else is said; [1, N, 1] has its last axis fixed.
        let at = if axes.len() == 3 && at == 2 && axes[1].is_none() && axes[2] == Some(1) {
            1
        } else {
            at
        };
        let seconds = notes.number("window_seconds", 0.01, LONGEST)?;
        let rate = notes.number("sample_rate", 1000u32, 384_000)?;
        let rate = match (rate, axes[at], seconds) {
            (Some(rate), _, _) => rate,
            _ if openl3 => OPENL3_RATE,
            (None, Some(n), Some(seconds)) => (n as f64 / seconds).round() as u32,
            (None, Some(n), None) if USUAL_RATES.contains(&n) => n as u32,
            _ => {
                return Err(format!(
                    "it does not say at which rate its samples are (loopwright.sample_rate, in Hz): {HOW}"
                ));
            }
        };
        let asked = seconds.map(|s| (s * f64::from(rate)).round() as usize);
        let window = match (axes[at], asked) {
            (Some(n), Some(asked)) if n.abs_diff(asked) > 1 => {
                return Err(format!(
                    "its input {} takes {n} samples, and its notes say {asked} (loopwright.window_seconds by sample_rate)",
                    show(axes)
                ));
            }
            (Some(n), _) => n,
            (None, asked) => asked.unwrap_or(rate as usize),
        };
        let mut shape = vec![1; axes.len()];
        shape[at] = window;
        Ok(Self {
            shape,
            rate,
            window,
            step: 0,
            kind: Kind::Samples,
        })
    }

    fn logmel(axes: &[Option<usize>], notes: &Notes<'_>) -> Result<Self, String> {
        let at = match axes {
            [_, _, _] => 1,
            [_, Some(1) | None, _, _] => 2,
            [_, _, _, Some(1)] => 1,
            other => return Err(not_understood(other)),
        };
        let (a, b) = (axes[at], axes[at + 1]);
        let rate = notes.number("sample_rate", 1000u32, 384_000)?.unwrap_or(LOGMEL_RATE);
        let said = notes.number("n_mels", 1usize, 1024)?;
        let layout = notes.choice("layout", &[("mels_frames", true), ("frames_mels", false)])?;
        let bands_first = match layout {
            Some(first) => first,
            None => bands_first(a, b, said).ok_or_else(|| {
                format!(
                    "which axis of its input {} is that of mel bands is not clear (loopwright.n_mels, or \
                     loopwright.layout = mels_frames or frames_mels): {HOW}",
                    show(axes)
                )
            })?,
        };
        let (bands, time) = if bands_first { (a, b) } else { (b, a) };
        let mels = match (bands, said) {
            (Some(n), Some(said)) if n != said => {
                return Err(format!(
                    "its input {} has {n} mel bands, and its note loopwright.n_mels says {said}",
                    show(axes)
                ));
            }
            (Some(n), _) | (None, Some(n)) => n,
            (None, None) => {
                return Err(format!(
                    "it does not say how many mel bands it reads (loopwright.n_mels): {HOW}"
                ));
            }
        };
        let nyquist = f64::from(rate) / 2.0;
        let mut spec = LogMel {
            n_fft: notes.number("n_fft", 16usize, 65_536)?.unwrap_or(2048),
            hop: notes.number("hop", 1usize, 65_536)?.unwrap_or(512),
            mels,
            frames: 0,
            low: notes.number("fmin", 0.0, nyquist)?.unwrap_or(0.0),
            high: notes.number("fmax", 0.0, nyquist)?.unwrap_or(nyquist),
            power: notes.number("power", 1u32, 2)?.unwrap_or(2),
            log: notes
                .choice(
                    "log",
                    &[
                        ("log10", Log::Log10),
                        ("ln", Log::Ln),
                        ("db", Log::Decibel),
                        ("none", Log::None),
                    ],
                )?
                .unwrap_or(Log::Log10),
            floor: notes.number("floor", 1e-30f32, 1.0)?.unwrap_or(1e-10),
            centred: notes
                .choice("center", &[("true", true), ("false", false)])?
                .unwrap_or(true),
            bands_first,
        };
        if !spec.n_fft.is_multiple_of(2) {
            return Err(format!(
                "its note loopwright.n_fft says {}, and must be even",
                spec.n_fft
            ));
        }
        if spec.low >= spec.high {
            return Err(format!("its mel bands reach from {} to {} Hz", spec.low, spec.high));
        }
        let asked = notes
            .number("window_seconds", 0.01, LONGEST)?
            .map(|s| (s * f64::from(rate)).round() as usize);
        let window = match time {
            None => asked.unwrap_or(rate as usize),
            Some(frames) => {
                let least = match spec.centred {
                    true => (frames - 1).saturating_mul(spec.hop).max(1),
                    false => (frames - 1).saturating_mul(spec.hop).saturating_add(spec.n_fft),
                };
                match asked {
                    Some(n) if spec.frames_of(n) == frames => n,
                    Some(n) => {
                        return Err(format!(
                            "its input {} takes {frames} frames, and a window as its notes have it gives {} \
                             (loopwright.window_seconds, hop, n_fft, center)",
                            show(axes),
                            spec.frames_of(n)
                        ));
                    }
                    None if spec.frames_of(rate as usize) == frames => rate as usize,
                    None => least,
                }
            }
        };
        spec.frames = spec.frames_of(window);
        if spec.frames == 0 {
            return Err(format!(
                "its windows of {window} samples are shorter than one frame of {}",
                spec.n_fft
            ));
        }
        let mut shape = vec![1; axes.len()];
        shape[at] = if bands_first { mels } else { spec.frames };
        shape[at + 1] = if bands_first { spec.frames } else { mels };
        Ok(Self {
            shape,
            rate,
            window,
            step: 0,
            kind: Kind::LogMel(spec),
        })
    }
}

/// Whether the first of two axes is that of mel bands; none where it cannot be told.
fn bands_first(a: Option<usize>, b: Option<usize>, said: Option<usize>) -> Option<bool> {
    let is = |axis: Option<usize>, n: usize| axis == Some(n);
    match (a, b, said) {
        (_, _, Some(n)) if is(a, n) => Some(true),
        (_, _, Some(n)) if is(b, n) => Some(false),
        (None, _, Some(_)) => Some(true),
        (_, None, Some(_)) => Some(false),
        (Some(_), Some(_), Some(_)) => Some(true),
        // One band is no spectrum.
        (Some(1), None, None) | (None, Some(1), None) => None,
        (Some(_), None, None) => Some(true),
        (None, Some(_), None) => Some(false),
        (Some(a), Some(b), None) if a == b => Some(true),
        (Some(a), Some(b), None) => match (USUAL_MELS.contains(&a), USUAL_MELS.contains(&b)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        },
        (None, None, None) => None,
    }
}

fn not_understood(axes: &[Option<usize>]) -> String {
    format!(
        "its input {} is neither samples ([N], [1, N], [1, 1, N], [1, N, 1]) nor a log-mel spectrum ([1, bands, frames], \
         [1, 1, bands, frames], either way round)",
        show(axes)
    )
}

/// Axes in words; `?` for an open one.
pub(super) fn show(axes: &[Option<usize>]) -> String {
    let words: Vec<String> = axes
        .iter()
        .map(|a| a.map_or_else(|| "?".to_owned(), |n| n.to_string()))
        .collect();
    format!("[{}]", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(axes: &[usize], notes: &[(&str, &str)], openl3: bool) -> Result<Input, String> {
        // 0 stands for an open axis.
        let axes: Vec<Option<usize>> = axes.iter().map(|&n| (n > 0).then_some(n)).collect();
        let notes: BTreeMap<String, String> = notes
            .iter()
            .map(|(k, v)| (format!("loopwright.{k}"), (*v).to_owned()))
            .collect();
        Input::of(&axes, &Notes(&notes), openl3)
    }

    fn mel(input: &Input) -> &LogMel {
        match &input.kind {
            Kind::LogMel(spec) => spec,
            Kind::Samples => panic!("{input:?}"),
        }
    }

    #[test]
    fn samples_are_told_by_their_shapes() {
        let rate = &[("sample_rate", "16000")][..];
        for (axes, shape) in [
            (&[0][..], &[16_000][..]),
            (&[0, 0], &[1, 16_000]),
            (&[1, 0], &[1, 16_000]),
            (&[1, 1, 0], &[1, 1, 16_000]),
            (&[0, 0, 1], &[1, 16_000, 1]),
            (&[1, 8000, 1], &[1, 8000, 1]),
        ] {
            let input = of(axes, rate, false).unwrap();
            assert_eq!(
                (&input.shape[..], input.rate, input.step),
                (shape, 16_000, 8000),
                "{axes:?}"
            );
            assert_eq!(input.kind, Kind::Samples);
        }
        assert_eq!(of(&[1, 1, 48_000], &[], false).unwrap().rate, 48_000);
        assert_eq!(
            of(&[1, 96_000], &[("window_seconds", "2")], false).unwrap().rate,
            48_000
        );
        let openl3 = of(&[0, 1, 0], &[], true).unwrap();
        assert_eq!((openl3.rate, openl3.window, openl3.step), (48_000, 48_000, 24_000));
        let long = of(&[1, 0], &[("sample_rate", "8000"), ("window_seconds", "2.5")], false).unwrap();
        assert_eq!(long.shape, [1, 20_000]);
    }

    #[test]
    fn log_mel_spectra_are_told_by_their_shapes() {
        // Axes, notes, whether bands come first, bands, frames.
        for (axes, notes, first, bands, frames) in [
            (&[1, 1, 128, 87][..], &[][..], true, 128, 87),
            (&[1, 87, 128], &[], false, 128, 87),
            (&[1, 64, 0], &[], true, 64, 87),
            (&[1, 0, 64], &[], false, 64, 87),
            (&[0, 0, 0], &[("n_mels", "40")], true, 40, 87),
            (&[1, 64, 64], &[], true, 64, 64),
            (&[1, 1, 96, 64], &[("n_mels", "64")], false, 64, 96),
            (&[1, 96, 64, 1], &[("layout", "frames_mels")], false, 64, 96),
        ] {
            let input = of(axes, notes, false).unwrap();
            let spec = mel(&input);
            assert_eq!(
                (spec.bands_first, spec.mels, spec.frames),
                (first, bands, frames),
                "{axes:?}"
            );
            assert_eq!(spec.frames_of(input.window), frames);
            assert_eq!(input.shape.iter().product::<usize>(), bands * frames);
        }
        // A second of 87 frames at 44.1 kHz; others have the samples that their frames need.
        assert_eq!(of(&[1, 128, 87], &[], false).unwrap().window, 44_100);
        assert_eq!(of(&[1, 128, 64], &[("n_mels", "128")], false).unwrap().window, 63 * 512);
        let edge = [
            ("center", "false"),
            ("n_fft", "400"),
            ("hop", "160"),
            ("sample_rate", "16000"),
        ];
        let input = of(&[1, 1, 98, 64], &edge, false).unwrap();
        assert_eq!((mel(&input).frames, input.window), (98, 16_000));
    }

    #[test]
    fn what_cannot_be_told_is_asked_for() {
        for (axes, notes, said) in [
            (&[1, 0][..], &[][..], "loopwright.sample_rate"),
            (&[1, 12_345], &[], "loopwright.sample_rate"),
            (&[4, 48_000], &[], "batch of 1"),
            (&[1, 2, 48_000], &[("input", "samples")], "2 channels"),
            (&[1, 1, 96, 64], &[], "loopwright.n_mels"),
            (&[1, 0, 0], &[], "loopwright.n_mels"),
            (&[1, 1, 0], &[("input", "logmel")], "loopwright.n_mels"),
            (&[1, 128, 87], &[("n_mels", "64")], "loopwright.n_mels says 64"),
            (&[1, 1, 3, 4, 5], &[], "neither samples"),
            (&[1, 3, 128, 87], &[], "neither samples"),
            (&[1, 48_000], &[("input", "noise")], "must be one of: samples, logmel"),
            (&[1, 48_000], &[("sample_rate", "fast")], "\"fast\""),
            (
                &[1, 48_000],
                &[("window_seconds", "2"), ("sample_rate", "48000")],
                "96000",
            ),
            (&[1, 128, 87], &[("fmin", "9000"), ("fmax", "80")], "9000 to 80 Hz"),
            (&[1, 128, 87], &[("window_seconds", "3")], "takes 87 frames"),
            (&[1, 9_000_000], &[("sample_rate", "8000")], "at most 60 s"),
        ] {
            let problem = of(axes, notes, false).unwrap_err();
            assert!(problem.contains(said), "{axes:?}: {problem}");
        }
    }
}
