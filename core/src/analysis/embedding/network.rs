//! Networks that embed: an ONNX file, what it takes, what it gives.

use std::path::Path;
use std::sync::Arc;

use super::input::{Input, Kind, Notes};
use super::logmel::{self, Spectra};
use super::{Embedder, EmbeddingError, EmbeddingInfo, MAX_DIMS, OPENL3, OTHER, TrackEmbedding};
use crate::audio::resample::mono_to_rate;
use crate::dsp::mel::MelBank;
use crate::onnx::{Model, Network};
use crate::progress::Progress;
use crate::track::Track;

/// Most numbers that are kept of a track.
const MOST: usize = 1 << 26;

/// A network of the user's own.
#[derive(Debug)]
pub struct EmbeddingNetwork {
    /// What errors call it.
    name: String,
    info: Arc<EmbeddingInfo>,
    input: Input,
    bank: Option<MelBank>,
    network: Network,
    /// Which of its outputs, and how that is laid out.
    output: usize,
    layout: Layout,
    details: Vec<(String, String)>,
}

/// An output: `steps` rows of `dims` numbers, whose mean is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    steps: usize,
    dims: usize,
}

impl Layout {
    /// `[D]`, `[1, D]`, `[1, T, D]`, or either with axes of 1 around it; none for anything else.
    fn of(shape: &[usize]) -> Option<Self> {
        let rest = match shape {
            [1, rest @ ..] if !rest.is_empty() => rest,
            [_] => shape,
            _ => return None,
        };
        let large: Vec<usize> = rest.iter().copied().filter(|n| *n != 1).collect();
        match (rest, &large[..]) {
            (_, []) => Some(Self { steps: 1, dims: 1 }),
            (_, &[dims]) => Some(Self { steps: 1, dims }),
            (&[steps, dims], _) => Some(Self { steps, dims }),
            _ => None,
        }
    }
}

impl EmbeddingNetwork {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// [`EmbeddingError`].
    pub fn read(path: &Path) -> Result<Self, EmbeddingError> {
        let file = path.file_name().map(|n| n.to_string_lossy().into_owned());
        Self::of_model(&Model::read(path)?, &file.unwrap_or_default())
    }

    /// Takes the content of a file; `name` is what errors and records call it.
    ///
    /// # Errors
    ///
    /// [`EmbeddingError`].
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, EmbeddingError> {
        Self::of_model(&Model::of(name, bytes)?, name)
    }

    fn of_model(model: &Model, file: &str) -> Result<Self, EmbeddingError> {
        let interface = |problem: String| EmbeddingError::Interface {
            name: model.name().to_owned(),
            problem,
        };
        let notes = Notes(model.metadata());
        let prefix = prefix(model, file, &notes).map_err(interface)?;
        let [port] = model.inputs() else {
            let n = model.inputs().len();
            return Err(interface(format!("it has {n} inputs, and one that embeds has one")));
        };
        let Some(axes) = &port.shape else {
            return Err(interface(format!(
                "it does not say what shape its input `{}` has",
                port.name
            )));
        };
        let input = Input::of(axes, &notes, prefix == OPENL3).map_err(interface)?;
        let network = model.network(&[&input.shape])?;
        let output = output(&network, notes.text("embedding_output")).map_err(interface)?;
        let (output_name, shape) = &network.outputs()[output];
        let layout = Layout::of(shape)
            .filter(|l| (1..=MAX_DIMS).contains(&l.dims) && l.steps > 0)
            .ok_or_else(|| {
                interface(format!(
                    "its output `{output_name}` is {shape:?}, and an embedding is [1, D], [1, T, D] or [1, D, 1, 1] with D up \
                     to {MAX_DIMS}"
                ))
            })?;
        let bank = match &input.kind {
            Kind::LogMel(spec) => Some(logmel::bank(spec, input.rate)),
            Kind::Samples => None,
        };
        let info = Arc::new(EmbeddingInfo {
            model: file.to_owned(),
            digest: model.digest().to_owned(),
            prefix: prefix.to_owned(),
            dims: layout.dims,
        });
        let details = details(&input, &port.name, output_name, layout);
        Ok(Self {
            name: model.name().to_owned(),
            info,
            input,
            bank,
            network,
            output,
            layout,
            details,
        })
    }

    /// The numbers of one window, added to `values`.
    fn window(&self, tensor: &[f32], start: usize, values: &mut Vec<f32>) -> Result<(), EmbeddingError> {
        let outputs = self.network.run(&[tensor])?;
        let Layout { steps, dims } = self.layout;
        let output = outputs.get(self.output).map_or(&[][..], Vec::as_slice);
        for d in 0..dims {
            let sum: f64 = (0..steps)
                .map(|t| f64::from(output.get(t * dims + d).copied().unwrap_or(f32::NAN)))
                .sum();
            let value = (sum / steps as f64) as f32;
            if !value.is_finite() {
                return Err(EmbeddingError::NotFinite {
                    name: self.name.clone(),
                    column: self.info.column(d),
                    value,
                    seconds: start as f64 / f64::from(self.input.rate),
                });
            }
            values.push(value);
        }
        Ok(())
    }
}

impl Embedder for EmbeddingNetwork {
    fn info(&self) -> &Arc<EmbeddingInfo> {
        &self.info
    }

    fn embed(&self, track: &Track, progress: &dyn Progress) -> Result<TrackEmbedding, EmbeddingError> {
        progress.check()?;
        let input = &self.input;
        let mono = mono_to_rate(&track.audio, input.rate)?;
        // The last window reaches to the end or beyond it, into silence.
        let windows = 1 + mono.len().saturating_sub(input.window).div_ceil(input.step);
        let dims = self.layout.dims;
        if windows.saturating_mul(dims) > MOST {
            return Err(EmbeddingError::TooLong {
                name: self.name.clone(),
                windows,
                dims,
            });
        }
        let mut spectra = match (&input.kind, &self.bank) {
            (Kind::LogMel(spec), Some(bank)) => Some(Spectra::new(spec, bank)),
            _ => None,
        };
        let mut window = vec![0f32; input.window];
        let mut tensor = vec![0f32; input.shape.iter().product()];
        let mut values = Vec::with_capacity(windows * dims);
        for start in (0..windows).map(|w| w * input.step) {
            progress.check()?;
            let there = &mono[start.min(mono.len())..(start + input.window).min(mono.len())];
            window[..there.len()].copy_from_slice(there);
            window[there.len()..].fill(0.0);
            match &mut spectra {
                Some(spectra) => {
                    spectra.write(&window, &mut tensor);
                    self.window(&tensor, start, &mut values)?;
                }
                None => self.window(&window, start, &mut values)?,
            }
        }
        let native = f64::from(track.audio.sample_rate()) / f64::from(input.rate);
        Ok(TrackEmbedding::new(
            self.info.clone(),
            0.5 * input.window as f64 * native,
            input.step as f64 * native,
            &values,
        ))
    }

    fn details(&self) -> Vec<(String, String)> {
        self.details.clone()
    }
}

/// What its columns begin with: as the file says, or by its name.
fn prefix(model: &Model, file: &str, notes: &Notes<'_>) -> Result<&'static str, String> {
    match notes.text("prefix") {
        Some("openl3") => return Ok(OPENL3),
        Some("emb") => return Ok(OTHER),
        Some(other) => {
            return Err(format!(
                "its note loopwright.prefix says {other:?}, and must be one of: openl3, emb"
            ));
        }
        None => {}
    }
    let says = |text: &str| text.to_ascii_lowercase().contains("openl3");
    let named = ["loopwright.name", "name", "model", "description"]
        .iter()
        .any(|key| model.metadata().get(*key).is_some_and(|t| says(t)));
    Ok(if named || says(file) { OPENL3 } else { OTHER })
}

/// Which output is the embedding.
fn output(network: &Network, wanted: Option<&str>) -> Result<usize, String> {
    let names: Vec<&str> = network.outputs().iter().map(|(name, _)| name.as_str()).collect();
    match wanted {
        Some(wanted) => names.iter().position(|n| *n == wanted).ok_or_else(|| {
            format!(
                "its note loopwright.embedding_output says {wanted:?}, and its outputs are {}",
                names.join(", ")
            )
        }),
        None if names.len() == 1 => Ok(0),
        None => Err(format!(
            "which of its outputs is the embedding is not said (loopwright.embedding_output): {}",
            names.join(", ")
        )),
    }
}

fn details(input: &Input, port: &str, output: &str, layout: Layout) -> Vec<(String, String)> {
    let rate = f64::from(input.rate);
    let kind = match &input.kind {
        Kind::Samples => format!("samples, mono, {} Hz", input.rate),
        Kind::LogMel(s) => format!(
            "log-mel ({:?}, power {}, floor {:e}), {} bands from {} to {} Hz, {} frames, n_fft {}, hop {}{}, {} Hz, a row a {}",
            s.log,
            s.power,
            s.floor,
            s.mels,
            s.low,
            s.high,
            s.frames,
            s.n_fft,
            s.hop,
            if s.centred { "" } else { ", not centred" },
            input.rate,
            if s.bands_first { "band" } else { "frame" },
        ),
    };
    let mean = match layout.steps {
        1 => String::new(),
        n => format!(", the mean of {n} steps"),
    };
    vec![
        ("input".into(), format!("`{port}` {:?}: {kind}", input.shape)),
        (
            "windows".into(),
            format!(
                "{:.3} s every {:.3} s",
                input.window as f64 / rate,
                input.step as f64 / rate
            ),
        ),
        ("output".into(), format!("`{output}`: {} numbers{mean}", layout.dims)),
    ]
}

#[cfg(test)]
mod tests;
