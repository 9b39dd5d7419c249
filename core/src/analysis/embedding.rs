//! Embeddings: what a network of the user's own says of a track, second by second.
//!
//! The network (OpenL3, or any that takes samples or a log-mel spectrum) is run once a track, over windows that overlap. The
//! embedding of a stretch is the mean over the windows whose centres lie in it; a stretch that holds no centre has that of the
//! window nearest to its middle. Sums are kept, so that a stretch costs one subtraction a dimension however long it is.

#[cfg(feature = "onnx")]
mod input;
#[cfg(feature = "onnx")]
mod logmel;
#[cfg(feature = "onnx")]
mod network;

use std::path::Path;
use std::sync::Arc;

use crate::audio::resample::ResampleError;
#[cfg(feature = "onnx")]
use crate::onnx::OnnxError;
use crate::progress::{Cancelled, Progress};
use crate::track::Track;
use crate::units::Span;

#[cfg(feature = "onnx")]
pub use network::EmbeddingNetwork;

/// What the columns of OpenL3 begin with.
pub const OPENL3: &str = "openl3_";
/// What the columns of any other network begin with.
pub const OTHER: &str = "emb_";
/// Most dimensions of an embedding: OpenL3 has 512 or 6144.
pub const MAX_DIMS: usize = 8192;

/// Why there is no embedding.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// The work was given up.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The file cannot be read or run.
    #[cfg(feature = "onnx")]
    #[error("embedding model {0}")]
    Onnx(#[from] OnnxError),
    /// A network, but not one whose inputs and outputs are understood.
    #[error("embedding model {name}: {problem}")]
    Interface {
        /// The file.
        name: String,
        /// What is missing or not as it should be, and what to do about it.
        problem: String,
    },
    /// The network gave something else than numbers.
    #[error("embedding model {name}: gave {value} for column {column} at {seconds:.2} s")]
    NotFinite {
        /// The file.
        name: String,
        /// The column.
        column: String,
        /// What it gave.
        value: f32,
        /// Where the window begins.
        seconds: f64,
    },
    /// The embedding of the whole track would not fit in bearable memory.
    #[error(
        "embedding model {name}: {windows} windows of {dims} dimensions are too many: set loopwright.window_hop_seconds \
         higher, or cut the recording"
    )]
    TooLong {
        /// The file.
        name: String,
        /// Windows of the track.
        windows: usize,
        /// Numbers for each.
        dims: usize,
    },
    /// The track's rate cannot be brought to the network's.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// This build has no engine for networks.
    #[error("embedding model {name}: this build runs no networks (the feature `onnx` is off)")]
    NoEngine {
        /// The file.
        name: String,
    },
}

/// Which network an embedding is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingInfo {
    /// The name of its file, without folders.
    pub model: String,
    /// Sixteen hexadecimal digits that name its content: the start of its BLAKE3.
    pub digest: String,
    /// What its columns' names begin with: [`OPENL3`] or [`OTHER`].
    pub prefix: String,
    /// How many columns it gives.
    pub dims: usize,
}

impl EmbeddingInfo {
    /// The name of column `i`.
    pub fn column(&self, i: usize) -> String {
        format!("{}{i}", self.prefix)
    }

    /// The names of its columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.dims).map(|i| self.column(i))
    }

    /// Which of its columns has this name.
    pub fn index(&self, column: &str) -> Option<usize> {
        let number = column.strip_prefix(self.prefix.as_str())?;
        let i = number.parse::<usize>().ok().filter(|i| i.to_string() == number)?;
        (i < self.dims).then_some(i)
    }

    /// What all of its columns are called together: the prefix without its underscore.
    pub fn family(&self) -> &str {
        self.prefix.trim_end_matches('_')
    }
}

/// True for names that only the column of an embedding has.
pub fn is_column(name: &str) -> bool {
    [OPENL3, OTHER].iter().any(|prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Something that embeds tracks. Loaded once, shared by all tracks and threads.
pub trait Embedder: Send + Sync {
    /// What it is, and which columns it gives.
    fn info(&self) -> &Arc<EmbeddingInfo>;

    /// The embedding of a track.
    ///
    /// # Errors
    ///
    /// [`EmbeddingError`]; what the network gives that is not finite is one.
    fn embed(&self, track: &Track, progress: &dyn Progress) -> Result<TrackEmbedding, EmbeddingError>;

    /// What else there is to know of it, for people: names and values.
    fn details(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// Reads the network at `path`.
///
/// # Errors
///
/// [`EmbeddingError`], which says what is wrong with its inputs and outputs and how metadata mend it.
#[cfg(feature = "onnx")]
pub fn load(path: &Path) -> Result<Box<dyn Embedder>, EmbeddingError> {
    Ok(Box::new(EmbeddingNetwork::read(path)?))
}

/// Says that this build runs no networks.
///
/// # Errors
///
/// Always.
#[cfg(not(feature = "onnx"))]
pub fn load(path: &Path) -> Result<Box<dyn Embedder>, EmbeddingError> {
    Err(EmbeddingError::NoEngine {
        name: path.display().to_string(),
    })
}

/// A track's embedding, window by window.
#[derive(Debug, Clone)]
pub struct TrackEmbedding {
    info: Arc<EmbeddingInfo>,
    /// Centre of the first window, and from each to the next, in frames at the track's own rate.
    first: f64,
    step: f64,
    windows: usize,
    /// Sums over the windows before each, and over all: `(windows + 1) · dims` values.
    sums: Vec<f64>,
}

impl TrackEmbedding {
    /// From the values of windows, window by window, whose centres lie at `first`, `first + step`, … frames at the track's own
    /// rate; values beyond the last whole window are dropped.
    pub fn new(info: Arc<EmbeddingInfo>, first: f64, step: f64, values: &[f32]) -> Self {
        let dims = info.dims;
        let windows = values.len().checked_div(dims).unwrap_or(0);
        let mut sums = vec![0f64; (windows + 1) * dims];
        for (w, window) in values.chunks_exact(dims.max(1)).take(windows).enumerate() {
            let (before, after) = sums.split_at_mut((w + 1) * dims);
            let before = &before[w * dims..];
            for ((sum, before), x) in after.iter_mut().zip(before).zip(window) {
                *sum = before + f64::from(*x);
            }
        }
        Self {
            info,
            first,
            step,
            windows,
            sums,
        }
    }

    /// Which network it is of.
    pub fn info(&self) -> &Arc<EmbeddingInfo> {
        &self.info
    }

    /// How many windows there are.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// Writes the means of the dimensions `dims` over a span in frames at the track's own rate; NaN where there is no window.
    pub fn mean(&self, span: Span, dims: &[usize], out: &mut [f32]) {
        if self.windows == 0 {
            out.fill(f32::NAN);
            return;
        }
        let place = |frame: f64| (frame - self.first) / self.step;
        // `as` saturates: before the first window is 0.
        let bound = |frame: f64| (place(frame).ceil().max(0.0) as usize).min(self.windows);
        let (mut from, mut to) = (bound(span.start), bound(span.end));
        if from >= to {
            let nearest = place(0.5 * (span.start + span.end)).round().max(0.0) as usize;
            from = nearest.min(self.windows - 1);
            to = from + 1;
        }
        let width = self.info.dims;
        let sums = |w: usize| &self.sums[w * width..(w + 1) * width];
        let (before, after) = (sums(from), sums(to));
        let count = (to - from) as f64;
        for (out, &d) in out.iter_mut().zip(dims) {
            *out = match (after.get(d), before.get(d)) {
                (Some(after), Some(before)) => ((after - before) / count) as f32,
                _ => f32::NAN,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(dims: usize) -> Arc<EmbeddingInfo> {
        Arc::new(EmbeddingInfo {
            model: "m.onnx".into(),
            digest: "0".repeat(16),
            prefix: OTHER.into(),
            dims,
        })
    }

    #[test]
    fn columns_are_known_by_their_names() {
        let info = info(12);
        assert_eq!(info.columns().nth(11).as_deref(), Some("emb_11"));
        assert_eq!(info.index("emb_11"), Some(11));
        for none in ["emb_12", "emb_01", "emb_", "emb_-1", "openl3_1", "emb_1x"] {
            assert_eq!(info.index(none), None, "{none}");
        }
        assert!(is_column("openl3_511") && is_column("emb_0"));
        assert!(!is_column("emb_") && !is_column("embers_0") && !is_column("emb_x"));
    }

    #[test]
    fn a_span_has_the_mean_of_the_windows_whose_centres_it_holds() {
        // Centres at 50, 150, 250, 350 and 450.
        let values: Vec<f32> = (0..5).flat_map(|w| [w as f32, (w * w) as f32]).collect();
        let e = TrackEmbedding::new(info(2), 50.0, 100.0, &values);
        let mean = |start: f64, end: f64| {
            let mut out = [0.0; 2];
            e.mean(Span { start, end }, &[0, 1], &mut out);
            out
        };
        assert_eq!(e.windows(), 5);
        assert_eq!(mean(0.0, 500.0), [2.0, 6.0]);
        assert_eq!(
            mean(150.0, 350.0),
            [1.5, 2.5],
            "from the start on, up to the end and without it"
        );
        assert_eq!(mean(160.0, 220.0), [1.0, 1.0], "none inside: the nearest to 190");
        assert_eq!(mean(160.0, 244.0), [2.0, 4.0], "none inside: the nearest to 202");
        assert_eq!(mean(-900.0, -800.0), [0.0, 0.0]);
        assert_eq!(mean(9e9, 9.1e9), [4.0, 16.0]);
        let mut one = [0.0];
        e.mean(Span { start: 0.0, end: 500.0 }, &[1], &mut one);
        assert_eq!(one, [6.0]);
        let none = TrackEmbedding::new(info(2), 50.0, 100.0, &[]);
        none.mean(Span { start: 0.0, end: 1.0 }, &[0], &mut one);
        assert!(one[0].is_nan());
    }
}
