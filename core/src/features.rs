//! What is measured of each candidate: one ordered registry of features.
//!
//! [`REGISTRY`] is the only place that lists them. It makes the table's columns, the CSV header, the documentation and
//! `features.json`. A name never changes its meaning: a change of meaning raises [`Feature::version`]. A feature sees its
//! candidate through a [`LoopView`]; what it needs of the track is summed up once, so that each costs a few additions
//! however long the loop is.

/// Defines a feature of one column, version 1, from what it is called and a function of the view that gives its value.
macro_rules! scalar {
    ($id:ident, $name:literal, $unit:literal, $range:literal, $doc:literal, $value:expr) => {
        #[doc = concat!("`", $name, "`")]
        pub(super) static $id: Feature = Feature {
            name: $name,
            unit: $unit,
            range: $range,
            width: 1,
            version: 1,
            doc: $doc,
            compute: |v, out| {
                const VALUE: fn(&LoopView<'_>) -> f32 = $value;
                out[0] = VALUE(v);
            },
        };
    };
}

mod form;
mod levels;
mod seam;
mod structure;

use std::ops::Range;
use std::sync::Arc;

use crate::analysis::Analysis;
use crate::analysis::embedding::EmbeddingInfo;
use crate::loops::{Candidate, Section, Structure};

/// One feature: one or more columns.
pub struct Feature {
    /// Stable, in snake case. A feature of several columns numbers them: `name_0`, `name_1`, …
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// The values it can take.
    pub range: &'static str,
    /// Number of columns.
    pub width: usize,
    /// Raised when the meaning changes.
    pub version: u32,
    /// What it is, in a sentence or two.
    pub doc: &'static str,
    /// Writes `width` values.
    pub compute: fn(&LoopView<'_>, &mut [f32]),
}

impl std::fmt::Debug for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feature")
            .field("name", &self.name)
            .field("width", &self.width)
            .finish()
    }
}

/// All features, in the order of columns.
pub static REGISTRY: &[&Feature] = &[
    // Those of the Python pipeline, in its order.
    &structure::BARS,
    &levels::RMS_MEAN,
    &levels::ONSET_MEAN,
    &levels::PERC_RMS,
    &levels::HARM_RMS,
    &levels::PERC_TO_TOTAL_RMS,
    &levels::HARM_TO_TOTAL_RMS,
    &levels::PERC_ONSET_MEAN,
    &levels::PERC_ONSET_STD,
    &levels::BOUNDARY_PERC_RMS_START,
    &levels::BOUNDARY_PERC_RMS_END,
    &levels::BOUNDARY_PERC_ONSET_START,
    &levels::BOUNDARY_PERC_ONSET_END,
    &levels::BOUNDARY_QUIET_SCORE,
    &levels::PT_MEL,
    // Form.
    &structure::INSIDE_SECTION,
    &structure::UNIT_DIVIDES,
    &structure::REP_UNIT,
    &structure::REP_SPAN,
    &structure::PHRASE_POSITION,
    &structure::HOLDS_FILL,
    &structure::TEXTURE_DEV,
    &structure::SECTION_NOVELTY,
    // Repetition.
    &structure::REPEATS_COUNT,
    &structure::REPEAT_DISTANCE_DB,
    &structure::RECURS_BEFORE,
    &structure::RECURS_AFTER,
    &structure::RECURS_ELSEWHERE,
    // Seam.
    &seam::SEAM_BEFORE_DB,
    &seam::SEAM_BEFORE_CHROMA,
    &seam::SEAM_AFTER_DB,
    &seam::SEAM_AFTER_CHROMA,
    &seam::CHROMA_CLOSURE,
    &seam::WRAP_FLUX_PERCENTILE,
    // Course.
    &structure::RISER_SLOPE,
    &structure::LEVEL_SLOPE,
    &structure::TONAL_LEVEL,
    &structure::DRUMLESS_ODDS,
    &structure::TEMPO_DEVIATION,
    &structure::START_POSITION,
    // Evidence of form, graded.
    &form::ORPHAN_DB,
    &form::ORPHAN_ONSET,
    &form::EDGE_START,
    &form::EDGE_END,
    &form::SECTION_BARS,
    &form::SECTION_BEFORE,
    &form::SECTION_AFTER,
    &form::UNIT_BARS,
    &form::UNIT_FOUND,
    &form::UNLIKE_LAG_1,
    &form::UNLIKE_LAG_2,
    &form::UNLIKE_LAG_4,
    &form::UNLIKE_LAG_8,
    &form::HALVES_UNLIKE,
    &form::HALVES_UNLIKE_WORST,
    &form::WRAP_START_UNLIKE,
    &form::WRAP_END_UNLIKE,
    &form::WORST_BAR_UNLIKE,
    &form::DRUMS_ONLY,
];

/// Frames to either side of a moment between which its spectral rise is measured: far enough apart to share nothing.
const RISE: usize = 2;

/// What features need of the whole track beyond its analysis.
#[derive(Debug, Clone)]
pub struct Context {
    /// Spectral rise about each frame.
    rise: Vec<f32>,
}

impl Context {
    /// Computed once for a table.
    pub fn of(analysis: &Analysis) -> Self {
        let mel = &analysis.spectrum.logmel;
        let last = mel.rows().saturating_sub(1);
        let rise = (0..mel.rows())
            .map(|t| rise(mel.row(t.saturating_sub(RISE)), mel.row((t + RISE).min(last))))
            .collect();
        Self { rise }
    }
}

/// Mean rise over the bands from one log-mel frame to another.
fn rise(from: &[f32], to: &[f32]) -> f32 {
    from.iter().zip(to).map(|(a, b)| (b - a).max(0.0)).sum::<f32>() / from.len().max(1) as f32
}

/// A candidate seen through its track's analysis.
#[derive(Debug, Clone)]
pub struct LoopView<'a> {
    /// The candidate.
    pub candidate: &'a Candidate,
    /// Its track.
    pub analysis: &'a Analysis,
    /// The track's form.
    pub structure: &'a Structure,
    /// What was computed for the whole track.
    pub context: &'a Context,
    /// Its frames in [`Analysis::spectrum`].
    pub frames: Range<usize>,
}

impl<'a> LoopView<'a> {
    /// The section in which the candidate begins.
    pub fn section(&self) -> Option<&'a Section> {
        self.structure
            .section_at(self.candidate.first_bar)
            .map(|i| &self.structure.sections[i])
    }

    /// The section that holds all of the candidate.
    pub fn inside(&self) -> Option<&'a Section> {
        self.section().filter(|s| self.candidate.touched().end <= s.bars.end)
    }
}

/// Which columns a table has.
#[derive(Debug, Clone)]
pub struct Schema {
    features: Vec<&'static Feature>,
    columns: Vec<String>,
    /// Dimensions of the track's embedding, whose columns follow those of the features.
    embedded: Vec<usize>,
}

impl Schema {
    /// All features.
    pub fn full() -> Self {
        Self::full_with(None)
    }

    /// All features, and all columns of an embedding where there is one.
    pub fn full_with(embedding: Option<&EmbeddingInfo>) -> Self {
        Self::new(
            REGISTRY.to_vec(),
            embedding,
            (0..embedding.map_or(0, |e| e.dims)).collect(),
        )
    }

    /// The features of which `wanted` names a column, in the order of the registry; or the names that there are none for.
    pub fn of<S: AsRef<str>>(wanted: &[S]) -> Result<Self, UnknownFeatures> {
        Self::of_with(wanted, None)
    }

    /// The same, where names may also be those of an embedding's columns; these come last.
    pub fn of_with<S: AsRef<str>>(wanted: &[S], embedding: Option<&EmbeddingInfo>) -> Result<Self, UnknownFeatures> {
        let full = Self::full();
        let index = |name: &str| embedding.and_then(|e| e.index(name));
        let (embedded, wanted): (Vec<&str>, Vec<&str>) =
            wanted.iter().map(|w| w.as_ref()).partition(|w| index(w).is_some());
        let unknown: Vec<String> = wanted
            .iter()
            .copied()
            .filter(|w| !full.columns.iter().any(|c| c == w))
            .map(String::from)
            .collect();
        if !unknown.is_empty() {
            return Err(UnknownFeatures(unknown));
        }
        let features = REGISTRY
            .iter()
            .copied()
            .filter(|f| columns(f).any(|c| wanted.iter().any(|w| *w == c)))
            .collect();
        let mut dims: Vec<usize> = embedded.iter().filter_map(|name| index(name)).collect();
        dims.sort_unstable();
        dims.dedup();
        Ok(Self::new(features, embedding, dims))
    }

    fn new(features: Vec<&'static Feature>, embedding: Option<&EmbeddingInfo>, embedded: Vec<usize>) -> Self {
        let own = features.iter().flat_map(|f| columns(f));
        let theirs = embedding
            .into_iter()
            .flat_map(|e| embedded.iter().map(|i| e.column(*i)));
        Self {
            columns: own.chain(theirs).collect(),
            features,
            embedded,
        }
    }

    /// Columns of any names, whose values come from elsewhere than the registry: a dataset's, a network's.
    pub fn plain(columns: Vec<String>) -> Self {
        Self {
            features: Vec::new(),
            columns,
            embedded: Vec::new(),
        }
    }

    /// The features.
    pub fn features(&self) -> &[&'static Feature] {
        &self.features
    }

    /// The columns' names.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Which column has this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }
}

fn columns(f: &'static Feature) -> impl Iterator<Item = String> {
    (0..f.width).map(|i| {
        if f.width == 1 {
            f.name.to_owned()
        } else {
            format!("{}_{i}", f.name)
        }
    })
}

/// Names that no feature has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such features: {}", .0.join(", "))]
pub struct UnknownFeatures(pub Vec<String>);

/// Values of features, a row a candidate.
#[derive(Debug, Clone)]
pub struct FeatureTable {
    schema: Arc<Schema>,
    values: Vec<f32>,
    rows: usize,
}

impl FeatureTable {
    /// Computes the features of `schema` for each of `candidates`; columns of an embedding are those of
    /// [`Analysis::embedding`], NaN where the analysis has none.
    pub fn of(schema: Arc<Schema>, candidates: &[Candidate], analysis: &Analysis, structure: &Structure) -> Self {
        let width = schema.columns.len();
        let context = Context::of(analysis);
        let mut values = vec![0f32; candidates.len() * width];
        for (candidate, row) in candidates.iter().zip(values.chunks_exact_mut(width.max(1))) {
            let view = LoopView {
                candidate,
                analysis,
                structure,
                context: &context,
                frames: analysis.spectrum.frames_of(candidate.span),
            };
            let mut rest = row;
            for feature in &schema.features {
                let (own, after) = rest.split_at_mut(feature.width);
                (feature.compute)(&view, own);
                rest = after;
            }
            match &analysis.embedding {
                Some(embedding) if !schema.embedded.is_empty() => {
                    embedding.mean(candidate.span, &schema.embedded, rest);
                }
                _ => rest.fill(f32::NAN),
            }
        }
        Self {
            schema,
            values,
            rows: candidates.len(),
        }
    }

    /// A table of values that are at hand, row by row; values beyond the last whole row are dropped. NaN stands for a value
    /// that is missing.
    pub fn from_values(schema: Arc<Schema>, mut values: Vec<f32>) -> Self {
        let width = schema.columns.len();
        let rows = values.len().checked_div(width).unwrap_or(0);
        values.truncate(rows * width);
        Self { schema, values, rows }
    }

    /// The columns.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f32] {
        let width = self.schema.columns.len();
        &self.values[row * width..(row + 1) * width]
    }

    /// One value by name.
    pub fn get(&self, row: usize, name: &str) -> Option<f32> {
        let column = self.schema.column(name)?;
        self.values.get(row * self.schema.columns.len() + column).copied()
    }

    /// The values of the column of this name, from the first row to the last.
    pub fn column(&self, name: &str) -> Option<impl Iterator<Item = f32> + '_> {
        let column = self.schema.column(name)?;
        let width = self.schema.columns.len();
        Some((0..self.rows).map(move |r| self.values[r * width + column]))
    }
}
