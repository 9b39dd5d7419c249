//! Neural networks that hear beats: which interfaces there are, and how a track is played to them.
//!
//! Two interfaces are known, told apart by their inputs:
//!
//! * **Loopwright's**: `mel` [1, 64, T] and `pitch` [1, 48, T / 2], as [`Input`](super::input::Input) makes them; out
//!   comes `logits` [1, 2, T] at 50.11 frames a second: row 0 beats, row 1 downbeats. Windows of 3072 frames (61 s), of
//!   which 512 at either side are context only.
//! * **Beat This!**'s (Foscarin, Schlüter and Widmer, ISMIR 2024): one input [1, T, 128], its log-mel spectrogram at 50
//!   frames a second (see `beat_this`); out come two, [1, T] each, beats and downbeats. Windows of 1500 frames (30 s) of
//!   which six at either side are dropped, as its authors do. Of the outputs, the one with `downbeat` in its name is the
//!   downbeats'; where no name says so, the second.
//!
//! Where a file fixes T, that is the window. All outputs are logits. The same sound gives the same numbers, for any
//! number of threads.

mod beat_this;
#[cfg(test)]
mod tests;
mod windows;

use std::path::Path;

use super::RhythmError;
use super::activation::{Activations, BeatModel, Sound};
use super::input::{FRAME_RATE, MEL_BANDS, PITCH_BANDS};
use super::load::LoadError;
use crate::onnx::{Model, Network, OnnxError, Port};
use crate::progress::Progress;
use windows::{Layout, Window};

/// Frames of a window where the file leaves it open, and of the context at either side.
const WINDOW: usize = 3072;
const CONTEXT: usize = 512;
/// The same for Beat This!.
const BEAT_THIS_WINDOW: usize = 1500;
const BEAT_THIS_BORDER: usize = 6;

/// A network that hears beats, ready to run.
#[derive(Debug)]
pub struct BeatNetwork {
    id: String,
    interface: Interface,
    network: Network,
    layout: Layout,
}

/// How a network wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interface {
    /// Loopwright's own; which of the inputs is `mel`.
    Own { mel: usize },
    /// Beat This!'s; which of the outputs are downbeats.
    BeatThis { downbeats: usize },
}

impl BeatNetwork {
    /// Reads an ONNX file.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        Self::new(&Model::read(path)?)
    }

    /// Takes the content of an ONNX file; `name` is what errors call it.
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        Self::new(&Model::of(name, bytes)?)
    }

    fn new(model: &Model) -> Result<Self, LoadError> {
        let wrong = |problem: String| LoadError::Interface {
            name: model.name().to_owned(),
            problem,
        };
        let (interface, frames) = recognise(model.inputs(), model.outputs()).map_err(wrong)?;
        let (layout, network) = match interface {
            Interface::Own { mel } => {
                let size = frames.unwrap_or(WINDOW);
                if !size.is_multiple_of(2) || size < 8 {
                    let problem =
                        format!("{size} mel frames a window; an even number is needed, since pitch has half as many");
                    return Err(wrong(problem));
                }
                let (m, p) = ([1, MEL_BANDS, size], [1, PITCH_BANDS, size / 2]);
                let shapes: [&[usize]; 2] = if mel == 0 { [&m, &p] } else { [&p, &m] };
                let layout = Layout {
                    size,
                    context: CONTEXT.min(size / 4),
                    lead: 0,
                };
                (layout, model.network(&shapes)?)
            }
            Interface::BeatThis { .. } => {
                let size = frames.unwrap_or(BEAT_THIS_WINDOW);
                if size <= 2 * BEAT_THIS_BORDER {
                    return Err(wrong(format!("{size} frames a window are too few")));
                }
                let layout = Layout {
                    size,
                    context: BEAT_THIS_BORDER,
                    lead: BEAT_THIS_BORDER,
                };
                (layout, model.network(&[&[1, size, beat_this::BANDS]])?)
            }
        };
        let expected = match interface {
            Interface::Own { .. } => vec![2 * layout.size],
            Interface::BeatThis { .. } => vec![layout.size; 2],
        };
        for ((name, shape), expected) in network.outputs().iter().zip(expected) {
            if shape.iter().product::<usize>() != expected {
                return Err(wrong(format!(
                    "output `{name}` has shape {shape:?} for {} frames",
                    layout.size
                )));
            }
        }
        Ok(Self {
            id: format!("{} {}", interface.name(), model.digest()),
            interface,
            network,
            layout,
        })
    }

    /// Runs the windows of `frames` frames; `play` fills the inputs of each.
    fn stitch(
        &self,
        frames: usize,
        rate: f64,
        mut play: impl FnMut(&Window) -> Result<Vec<Vec<f32>>, OnnxError>,
        progress: &dyn Progress,
    ) -> Result<Activations, RhythmError> {
        let mut out = Activations {
            rate,
            beat: vec![0.0; frames],
            downbeat: vec![0.0; frames],
        };
        for window in self.layout.windows(frames) {
            progress.check()?;
            let rows = play(&window).map_err(|e| self.failed(e.to_string()))?;
            let (beat, downbeat): (&[f32], &[f32]) = match (self.interface, &rows[..]) {
                (Interface::Own { .. }, [both]) => both.split_at(self.layout.size),
                (Interface::BeatThis { downbeats: 0 }, [downbeat, beat]) => (beat, downbeat),
                (Interface::BeatThis { .. }, [beat, downbeat]) => (beat, downbeat),
                _ => return Err(self.failed(format!("{} outputs", rows.len()))),
            };
            // Frame of the window that the first decided frame of the track is.
            let from = (window.decides.start as isize - window.start) as usize;
            for (to, logits) in [(&mut out.beat, beat), (&mut out.downbeat, downbeat)] {
                for (p, x) in to[window.decides.clone()].iter_mut().zip(&logits[from..]) {
                    if !x.is_finite() {
                        return Err(self.failed("it gave values that are not numbers".into()));
                    }
                    *p = 1.0 / (1.0 + (-x).exp());
                }
            }
        }
        Ok(out)
    }

    fn failed(&self, problem: String) -> RhythmError {
        RhythmError::Model {
            model: self.id.clone(),
            problem,
        }
    }
}

impl Interface {
    fn name(self) -> &'static str {
        match self {
            Self::Own { .. } => "loopwright",
            Self::BeatThis { .. } => "beat-this",
        }
    }
}

impl BeatModel for BeatNetwork {
    fn id(&self) -> &str {
        &self.id
    }

    fn wants_input(&self) -> bool {
        matches!(self.interface, Interface::Own { .. })
    }

    fn activations(&self, sound: Sound<'_>, progress: &dyn Progress) -> Result<Activations, RhythmError> {
        let size = self.layout.size;
        match self.interface {
            Interface::Own { mel } => {
                let Some(input) = sound.input else {
                    return self.stitch(0, FRAME_RATE, |_| Ok(Vec::new()), progress);
                };
                let (mut a, mut b) = (vec![0.0; MEL_BANDS * size], vec![0.0; PITCH_BANDS * size / 2]);
                let play = |w: &Window| {
                    columns(&input.mel, MEL_BANDS, w.start, &mut a);
                    columns(&input.pitch, PITCH_BANDS, w.start / 2, &mut b);
                    self.network.run(&if mel == 0 { [&a, &b] } else { [&b, &a] })
                };
                self.stitch(input.frames(), FRAME_RATE, play, progress)
            }
            Interface::BeatThis { .. } => {
                let mel = beat_this::log_mel(sound.mono, progress)?;
                let frames = mel.len() / beat_this::BANDS;
                let mut rows = vec![0.0; beat_this::BANDS * size];
                let play = |w: &Window| {
                    rows.fill(0.0);
                    let (lo, hi) = w.within(frames, size);
                    let at = (lo as isize - w.start) as usize * beat_this::BANDS;
                    let part = &mel[lo * beat_this::BANDS..hi * beat_this::BANDS];
                    rows[at..at + part.len()].copy_from_slice(part);
                    self.network.run(&[&rows])
                };
                self.stitch(frames, beat_this::RATE, play, progress)
            }
        }
    }
}

/// Frames from `start` on of a matrix of one frame a row, as one band a row; zeros past its end.
fn columns(frames: &[f32], bands: usize, start: isize, out: &mut [f32]) {
    let size = out.len() / bands;
    let rows = frames.chunks_exact(bands).skip(start.max(0) as usize).take(size);
    out.fill(0.0);
    for (t, row) in rows.enumerate() {
        for (b, x) in row.iter().enumerate() {
            out[b * size + t] = *x;
        }
    }
}

/// Tells the interface from the inputs and outputs, and how many frames the file fixes a window to, if it does.
fn recognise(inputs: &[Port], outputs: &[String]) -> Result<(Interface, Option<usize>), String> {
    let axis = |port: &Port, i: usize| port.shape.as_ref().and_then(|s| s.get(i).copied().flatten());
    let rank = |port: &Port| port.shape.as_ref().map_or(3, Vec::len);
    match inputs {
        [a, b] => {
            let is = |port: &Port, bands: usize, name: &str| {
                rank(port) == 3 && (axis(port, 1) == Some(bands) || (axis(port, 1).is_none() && port.name == name))
            };
            let mel = match (is(a, MEL_BANDS, "mel"), is(b, MEL_BANDS, "mel")) {
                (true, _) if is(b, PITCH_BANDS, "pitch") => 0,
                (_, true) if is(a, PITCH_BANDS, "pitch") => 1,
                _ => {
                    return Err(format!(
                        "two inputs, but not `mel` [1, {MEL_BANDS}, T] and `pitch` [1, {PITCH_BANDS}, T / 2]"
                    ));
                }
            };
            match outputs {
                [_] => Ok((Interface::Own { mel }, axis(&inputs[mel], 2))),
                _ => Err(format!("{} outputs, not `logits` alone", outputs.len())),
            }
        }
        [a] => {
            let bands = axis(a, 2);
            if rank(a) != 3 || bands.is_some_and(|b| b != beat_this::BANDS) {
                return Err(format!(
                    "one input, but not a log-mel spectrogram [1, T, {}]",
                    beat_this::BANDS
                ));
            }
            let says = |name: &String| name.to_lowercase().contains("downbeat");
            match outputs {
                [first, second] => {
                    let downbeats = usize::from(!says(first) || says(second));
                    Ok((Interface::BeatThis { downbeats }, axis(a, 1)))
                }
                _ => Err(format!("{} outputs, not beats and downbeats", outputs.len())),
            }
        }
        _ => Err(format!(
            "{} inputs; one (a log-mel spectrogram) or two (`mel` and `pitch`) are known",
            inputs.len()
        )),
    }
}
