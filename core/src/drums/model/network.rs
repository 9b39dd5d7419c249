//! A network that classifies hits.
//!
//! Its inputs, told apart by their names, are `patch` [N, 48, 32], `low` [N, 16, 8] and `scalars` [N, 22] as
//! [`patch`](crate::drums::patch) makes them; its output is `logits` [N, 10]: the classes of [`Drum::ALL`], then whether
//! it is a drum. The candidates are those of one recording in order of time, for the network may hear each beside its
//! neighbours; rows of nothing but zeros fill up the end. A recording is cut into windows of N candidates ([`WINDOW`]
//! where the file leaves it open), of which [`CONTEXT`] at either side are context only.

use std::ops::Range;
use std::path::Path;

use super::{Heard, HitModel, HitModelError};
use crate::drums::class::Drum;
use crate::drums::patch::{BANDS, Candidates, FRAMES, LOW_BANDS, LOW_FRAMES, SCALARS};
use crate::onnx::{Model, Network};
use crate::progress::Progress;

/// Candidates of a window where the file leaves it open.
const WINDOW: usize = 128;
/// Candidates at either side of a window that the next one decides: as far as the shipped network hears.
const CONTEXT: usize = 16;
const CLASSES: usize = Drum::ALL.len();
const OUTPUTS: usize = CLASSES + 1;

/// One of the parts of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Patch,
    Low,
    Scalars,
}

impl Part {
    const ALL: [(&'static str, Self); 3] = [("patch", Self::Patch), ("low", Self::Low), ("scalars", Self::Scalars)];

    /// Its axes after the candidate's.
    fn shape(self) -> &'static [usize] {
        match self {
            Self::Patch => &[BANDS, FRAMES],
            Self::Low => &[LOW_BANDS, LOW_FRAMES],
            Self::Scalars => &[SCALARS],
        }
    }

    fn of(self, candidates: &Candidates) -> &[f32] {
        match self {
            Self::Patch => &candidates.patch,
            Self::Low => &candidates.low,
            Self::Scalars => &candidates.scalars,
        }
    }
}

/// A network that classifies hits, ready to run.
#[derive(Debug)]
pub struct HitNetwork {
    id: String,
    network: Network,
    parts: Vec<Part>,
    window: usize,
}

impl HitNetwork {
    /// Reads an ONNX file.
    pub fn read(path: &Path) -> Result<Self, HitModelError> {
        Self::new(&Model::read(path)?)
    }

    /// Takes the content of an ONNX file; `name` is what errors call it.
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, HitModelError> {
        Self::new(&Model::of(name, bytes)?)
    }

    fn new(model: &Model) -> Result<Self, HitModelError> {
        let wrong = |problem: String| HitModelError::Interface {
            name: model.name().to_owned(),
            problem,
        };
        let mut parts = Vec::new();
        let mut window = None;
        for port in model.inputs() {
            let known = Part::ALL.iter().find(|(name, _)| *name == port.name);
            let Some((_, part)) = known else {
                return Err(wrong(format!("input `{}`", port.name)));
            };
            window = window.or(port.shape.as_ref().and_then(|s| s.first().copied().flatten()));
            parts.push(*part);
        }
        if Part::ALL.iter().any(|(_, part)| !parts.contains(part)) {
            return Err(wrong("its inputs are not `patch`, `low` and `scalars`".into()));
        }
        let window = window.unwrap_or(WINDOW);
        if window == 0 {
            return Err(wrong("it takes no candidates".into()));
        }
        let shapes: Vec<Vec<usize>> = parts.iter().map(|p| [&[window], p.shape()].concat()).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let network = model.network(&shapes)?;
        match network.outputs() {
            [(_, shape)] if *shape == [window, OUTPUTS] => {}
            others => return Err(wrong(format!("outputs {others:?}, not `logits` [{window}, {OUTPUTS}]"))),
        }
        Ok(Self {
            id: format!("hits {}", model.digest()),
            network,
            parts,
            window,
        })
    }
}

impl HitModel for HitNetwork {
    fn id(&self) -> &str {
        &self.id
    }

    fn hear(&self, candidates: &Candidates, progress: &dyn Progress) -> Result<Vec<Heard>, HitModelError> {
        let mut out = Vec::with_capacity(candidates.len());
        let sizes: Vec<usize> = self.parts.iter().map(|p| p.shape().iter().product()).collect();
        let mut inputs: Vec<Vec<f32>> = sizes.iter().map(|s| vec![0.0; s * self.window]).collect();
        for (first, decides) in windows(candidates.len(), self.window) {
            progress.check()?;
            let n = self.window.min(candidates.len() - first);
            for ((input, part), size) in inputs.iter_mut().zip(&self.parts).zip(&sizes) {
                input[n * size..].fill(0.0);
                input[..n * size].copy_from_slice(&part.of(candidates)[first * size..(first + n) * size]);
            }
            let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
            let outputs = self.network.run(&inputs)?;
            let rows = outputs.iter().flat_map(|o| o.chunks_exact(OUTPUTS));
            for logits in rows.skip(decides.start - first).take(decides.len()) {
                if logits.iter().any(|x| !x.is_finite()) {
                    return Err(HitModelError::Output {
                        model: self.id.clone(),
                        problem: "it gave values that are not numbers".into(),
                    });
                }
                let probability = |i: usize| 1.0 / (1.0 + (-logits[i]).exp());
                out.push(Heard {
                    classes: std::array::from_fn(probability),
                    drum: probability(CLASSES),
                });
            }
        }
        Ok(out)
    }
}

/// The windows of `size` over `n` candidates: the first candidate of each, and those that it decides. The last is drawn
/// back to end where the recording does, if that fills a window.
fn windows(n: usize, size: usize) -> Vec<(usize, Range<usize>)> {
    let context = CONTEXT.min((size - 1) / 2);
    let mut out = Vec::new();
    let (mut first, mut from) = (0, 0);
    while from < n {
        let last = first + size >= n;
        if last {
            first = n.saturating_sub(size);
        }
        let to = if last { n } else { first + size - context };
        out.push((first, from..to));
        from = to;
        first += size - 2 * context;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drums::onset::Onset;
    use crate::progress::Silent;

    const TOY: &[u8] = include_bytes!("../../../tests/data/networks/hits_open.onnx");

    /// The test values of the script that made the toy.
    fn pattern(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 % 1009) as f64 / 252.25) as f32).collect()
    }

    fn candidates(n: usize) -> Candidates {
        let onset = |i: usize| Onset {
            time: i as f64 * 0.1,
            strength: 1.0,
        };
        Candidates {
            onsets: (0..n).map(onset).collect(),
            patch: pattern(n * BANDS * FRAMES),
            low: pattern(n * LOW_BANDS * LOW_FRAMES),
            scalars: pattern(n * SCALARS),
        }
    }

    #[test]
    fn windows_join_and_keep_their_context() {
        for (n, size) in [
            (0, 128),
            (1, 128),
            (128, 128),
            (129, 128),
            (1000, 128),
            (50, 1),
            (50, 2),
            (500, 33),
        ] {
            let windows = windows(n, size);
            let context = CONTEXT.min((size - 1) / 2);
            let mut from = 0;
            for (first, decides) in &windows {
                assert_eq!(decides.start, from);
                assert!(decides.end > from && *first <= from && decides.end <= (first + size).min(n));
                assert!(from == 0 || from - first >= context);
                assert!(decides.end == n || first + size - decides.end >= context);
                from = decides.end;
            }
            assert_eq!(from, n);
        }
    }

    #[test]
    fn a_recording_of_many_windows_is_heard_as_one() {
        let reference: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/data/networks/hits_reference.json")).unwrap();
        let number = |key: &str| reference[key].as_u64().unwrap() as usize;
        let logits: Vec<f32> = reference["logits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap() as f32)
            .collect();
        let network = HitNetwork::of("toy", TOY).unwrap();
        let heard = network.hear(&candidates(number("candidates")), &Silent).unwrap();
        assert_eq!(heard.len(), number("candidates"));
        let heard: Vec<&Heard> = heard.iter().step_by(number("every")).collect();
        assert_eq!(heard.len() * OUTPUTS, logits.len());
        for (heard, logits) in heard.into_iter().zip(logits.chunks_exact(OUTPUTS)) {
            let all = heard.classes.iter().chain([&heard.drum]);
            for (p, logit) in all.zip(logits) {
                assert!((p - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-5, "{p} {logit}");
            }
        }
        assert!(network.hear(&candidates(0), &Silent).unwrap().is_empty());
        assert_eq!(network.hear(&candidates(1), &Silent).unwrap().len(), 1);
    }

    #[test]
    fn other_networks_are_refused() {
        let beats = include_bytes!("../../../tests/data/networks/tracker_open.onnx");
        assert!(matches!(
            HitNetwork::of("beats", beats),
            Err(HitModelError::Interface { .. })
        ));
        assert!(HitNetwork::of("nothing", b"nothing").is_err());
    }
}
