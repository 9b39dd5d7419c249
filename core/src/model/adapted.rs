//! A ranking bent to one person's taste: another scorer, and a little added for what the person likes.
//!
//! The base gives log odds that a loop is good; a [`Taste`] moves them by a weighted sum of a few things that can be heard
//! and said (length, drums, loudness, …), at most by its bound. What the base holds for a bad loop therefore stays one:
//! taste chooses among good ones. A taste of weights that are all 0 gives the base's scores, bit for bit.

pub mod file;
pub mod terms;

pub use file::{AdaptedFile, Base};
pub use terms::{TERMS, Term, Transform};

use std::path::Path;

use super::load::Source;
use super::{Calibration, ModelError, ModelFileError, ModelInfo, Output, Scorer, heuristic};
use crate::config::tuning::Tuning;
use crate::features::FeatureTable;

/// Most that taste can move log odds: odds of 4.5 to 1.
pub const BOUND: f64 = 1.5;

/// Log odds of the base beyond which differences count for a hundredth: a base that is sure says by how much only roughly
/// (the heuristic saturates on purpose), and taste decides among what it is sure of.
const SURE: f64 = 4.0;

/// Terms are cut off at this many steps from their centre, so that no odd value decides alone.
const FAR: f64 = 3.0;

/// What a person likes: weights of [`TERMS`], in log odds a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Taste {
    /// One for each of [`TERMS`].
    pub weights: [f64; TERMS.len()],
    /// Most that the log odds are moved; positive.
    pub bound: f64,
}

impl Taste {
    /// No preferences.
    pub fn none() -> Self {
        Self {
            weights: [0.0; TERMS.len()],
            bound: BOUND,
        }
    }

    /// True where it changes nothing.
    pub fn is_none(&self) -> bool {
        self.weights.iter().all(|w| *w == 0.0)
    }

    /// How far it moves the log odds of a loop of these [`steps`]: `bound · tanh(sum / bound)`.
    pub fn effect(&self, steps: &[f64; TERMS.len()]) -> f64 {
        let sum: f64 = self.weights.iter().zip(steps).map(|(w, z)| w * z).sum();
        self.bound * (sum / self.bound).tanh()
    }

    /// What it prefers, in words, strongest first: `longer loops`, `fewer drums`.
    pub fn words(&self) -> Vec<String> {
        let mut strong: Vec<(f64, &Term)> = self.weights.iter().copied().zip(&TERMS).collect();
        strong.retain(|(w, _)| w.abs() >= 0.1);
        strong.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        let say = |(w, term): &(f64, &Term)| {
            let words = if *w > 0.0 { term.more } else { term.less };
            if w.abs() >= 0.5 {
                format!("clearly {words}")
            } else {
                words.to_owned()
            }
        };
        strong.iter().map(say).collect()
    }
}

/// How far a loop is from the usual in each of [`TERMS`], from the value of a column by its name; 0 where it is missing.
pub fn steps(value: impl Fn(&str) -> Option<f32>) -> [f64; TERMS.len()] {
    TERMS
        .each_ref()
        .map(|term| value(term.column).map_or(0.0, |v| step(term, v)))
}

fn step(term: &Term, value: f32) -> f64 {
    let x = match (term.transform, f64::from(value)) {
        (Transform::Plain, v) => v,
        (Transform::Log2, v) => v.max(0.25).log2(),
        (Transform::Log2Of1Plus, v) => (1.0 + v.max(0.0)).log2(),
        (Transform::Decibel, v) => 20.0 * v.max(1e-5).log10(),
    };
    let z = (x - term.centre) / term.scale;
    if z.is_finite() { z.clamp(-FAR, FAR) } else { 0.0 }
}

/// The base's opinion as log odds, with certainty beyond a point pressed together.
pub fn base_log_odds(score: f32, info: &ModelInfo) -> f64 {
    let score = f64::from(score);
    let odds = match (info.output, info.calibration) {
        (Output::Probability, _) => {
            let p = score.clamp(1e-8, 1.0 - 1e-8);
            (p / (1.0 - p)).ln()
        }
        (Output::Relative, Some(Calibration { slope, offset })) => slope * score + offset,
        (Output::Relative, None) => return score,
    };
    let sure = odds.clamp(-SURE, SURE);
    sure + 0.01 * (odds - sure)
}

/// Reads an adapted ranking and the base that it names. The heuristic it rests on is the one of the default tuning.
pub(super) fn load(source: &Source<'_>) -> Result<Box<dyn Scorer>, ModelFileError> {
    let broken = |problem: String| ModelFileError::Broken {
        name: source.name.to_owned(),
        kind: "adapted",
        problem,
    };
    let file = AdaptedFile::read(source.bytes).map_err(|e| broken(e.to_string()))?;
    let base = match &file.base {
        Base::Heuristic => Box::new(heuristic(&Tuning::default())),
        Base::File { path, blake3 } => base(source.name, path, blake3)?,
    };
    let mut adapted = file.scorer(base);
    let mut digest = blake3::Hasher::new();
    digest.update(source.bytes);
    adapted.info.name = format!("adapted-{}", &digest.finalize().to_hex()[..16]);
    Ok(Box::new(adapted))
}

/// The base of the file called `name`: the very model that the taste was learnt on.
fn base(name: &str, path: &str, digest: &str) -> Result<Box<dyn Scorer>, ModelFileError> {
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let place = folder.join(path);
    let shown = place.display().to_string();
    let bytes = std::fs::read(&place).map_err(|e| ModelFileError::Read {
        name: name.to_owned(),
        problem: format!("its base {shown}: {e}"),
    })?;
    let refused = |problem: String| ModelFileError::Unsupported {
        name: name.to_owned(),
        problem,
    };
    // One that rests on itself would never end.
    if AdaptedFile::looks_like(&bytes) {
        return Err(refused(format!("its base {shown} is an adapted ranking itself")));
    }
    if blake3::hash(&bytes).to_hex().as_str() != digest {
        return Err(refused(format!(
            "its base {shown} is no longer the model that it was learnt on: run `loopwright train adapt` again"
        )));
    }
    super::load(&place)
}

/// A scorer and a taste.
pub struct Adapted {
    info: ModelInfo,
    base: Box<dyn Scorer>,
    taste: Taste,
}

impl Adapted {
    /// `base` bent by `taste`. Its columns are those of both; its scores mean what those of the base mean.
    pub fn new(base: Box<dyn Scorer>, taste: Taste) -> Self {
        let mut info = base.info().clone();
        info.name = format!("{}, adapted", info.name);
        for term in TERMS {
            if !taste.is_none() && !info.columns.iter().any(|c| c == term.column) {
                info.columns.push(term.column.into());
            }
        }
        Self { info, base, taste }
    }

    /// The taste.
    pub fn taste(&self) -> &Taste {
        &self.taste
    }
}

impl std::fmt::Debug for Adapted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = (&self.info, &self.taste);
        f.debug_tuple("Adapted").field(&parts.0).field(&parts.1).finish()
    }
}

impl Scorer for Adapted {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn details(&self) -> Vec<(String, String)> {
        let words = self.taste.words();
        let words = if words.is_empty() {
            "nothing in particular".to_owned()
        } else {
            words.join(", ")
        };
        vec![
            ("base".into(), self.base.info().name.clone()),
            ("prefers".into(), words),
        ]
    }

    fn score(&self, rows: &FeatureTable) -> Result<Vec<f32>, ModelError> {
        let mut scores = self.base.score(rows)?;
        if self.taste.is_none() {
            return Ok(scores);
        }
        if let Some(term) = TERMS.iter().find(|t| rows.schema().column(t.column).is_none()) {
            return Err(ModelError::Missing(term.column.into()));
        }
        let info = self.base.info();
        for (row, score) in scores.iter_mut().enumerate() {
            // Whoever asked for scores checks that they are numbers.
            if !score.is_finite() {
                continue;
            }
            let effect = self.taste.effect(&steps(|column| rows.get(row, column)));
            let odds = base_log_odds(*score, info) + effect;
            *score = match (info.output, info.calibration) {
                (Output::Probability, _) => 1.0 / (1.0 + (-odds).exp()),
                (Output::Relative, Some(Calibration { slope, offset })) => (odds - offset) / slope,
                (Output::Relative, None) => odds,
            } as f32;
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::tuning::Tuning;
    use crate::features::Schema;
    use crate::model::heuristic;

    /// Gives what stands in the first column.
    struct First(ModelInfo);

    impl Scorer for First {
        fn info(&self) -> &ModelInfo {
            &self.0
        }
        fn score(&self, rows: &FeatureTable) -> Result<Vec<f32>, ModelError> {
            Ok((0..rows.rows()).map(|r| rows.row(r)[0]).collect())
        }
    }

    fn first(output: Output, calibration: Option<Calibration>) -> Box<dyn Scorer> {
        Box::new(First(ModelInfo {
            name: "first".into(),
            columns: vec!["own".into()],
            output,
            alpha: None,
            calibration,
            embedding: None,
        }))
    }

    /// A table of scores and lengths in bars; all else is usual.
    fn table(rows: &[(f32, f32)]) -> FeatureTable {
        let columns: Vec<String> = std::iter::once("own")
            .chain(TERMS.iter().map(|t| t.column))
            .map(String::from)
            .collect();
        let values = rows.iter().flat_map(|(own, bars)| {
            let rest = TERMS
                .iter()
                .map(move |t| if t.column == "bars" { *bars } else { f32::NAN });
            std::iter::once(*own).chain(rest)
        });
        FeatureTable::from_values(Arc::new(Schema::plain(columns)), values.collect())
    }

    fn longer(weight: f64) -> Taste {
        let mut taste = Taste::none();
        taste.weights[0] = weight;
        taste
    }

    #[test]
    fn no_taste_changes_no_bit() {
        let rows = table(&[(0.1, 1.0), (0.999_999_9, 2.0), (0.0, 4.0), (1.0, 16.0), (0.7, 3.0)]);
        let adapted = Adapted::new(first(Output::Probability, None), Taste::none());
        assert_eq!(adapted.score(&rows).unwrap(), [0.1, 0.999_999_9, 0.0, 1.0, 0.7]);
        assert_eq!(adapted.info().columns, ["own"]);
        let heuristic = heuristic(&Tuning::default());
        let columns = heuristic.info().columns.clone();
        let adapted = Adapted::new(Box::new(heuristic), longer(0.3));
        assert!(columns.iter().all(|c| adapted.info().columns.contains(c)));
        assert!(adapted.info().columns.iter().any(|c| c == "bars"));
    }

    #[test]
    fn what_is_liked_rises_and_what_is_bad_stays_bad() {
        for taste in [longer(0.6), longer(1e6)] {
            let adapted = Adapted::new(first(Output::Probability, None), taste);
            let rows = table(&[(0.9, 4.0), (0.9, 16.0), (0.9, 1.0), (0.1, 128.0), (0.5, 4.0)]);
            let scores = adapted.score(&rows).unwrap();
            assert!(scores[1] > scores[0] && scores[0] > scores[2], "{scores:?}");
            assert!((scores[0] - 0.9).abs() < 1e-6, "4 bars are the usual: {scores:?}");
            assert!(scores[3] < 0.5, "odds of 1 to 9 stay below evens: {scores:?}");
            assert!((scores[4] - 0.5).abs() < 1e-6);
        }
    }

    #[test]
    fn what_the_base_is_sure_of_keeps_its_order_where_taste_is_equal() {
        let adapted = Adapted::new(first(Output::Probability, None), longer(0.4));
        let rows = table(&[
            (0.99, 8.0),
            (0.999, 8.0),
            (0.999_99, 8.0),
            (0.001, 8.0),
            (0.000_01, 8.0),
            (0.0, 8.0),
        ]);
        let scores = adapted.score(&rows).unwrap();
        assert!(scores[0] < scores[1] && scores[1] < scores[2], "{scores:?}");
        assert!(scores[3] > scores[4] && scores[4] > scores[5], "{scores:?}");
    }

    #[test]
    fn relative_scores_move_in_their_own_units() {
        let rows = table(&[(2.0, 8.0), (2.0, 4.0)]);
        let plain = Adapted::new(first(Output::Relative, None), longer(0.5))
            .score(&rows)
            .unwrap();
        let calibration = Calibration {
            slope: 2.0,
            offset: -1.0,
        };
        let calibrated = Adapted::new(first(Output::Relative, Some(calibration)), longer(0.5));
        let calibrated = calibrated.score(&rows).unwrap();
        let effect = f64::from(plain[0] - plain[1]);
        assert!((effect - 1.5 * (0.5f64 / 1.5).tanh()).abs() < 1e-6, "{effect}");
        assert!((f64::from(calibrated[0] - calibrated[1]) - effect / 2.0).abs() < 1e-6);
        assert!((plain[1] - 2.0).abs() < 1e-6 && (calibrated[1] - 2.0).abs() < 1e-6);
    }

    #[test]
    fn a_taste_is_told_in_words() {
        let mut taste = Taste::none();
        assert!(taste.words().is_empty());
        taste.weights[0] = 0.3;
        taste.weights[1] = -0.7;
        taste.weights[2] = 0.05;
        assert_eq!(taste.words(), ["clearly fewer drums", "longer loops"]);
    }

    #[test]
    fn a_file_brings_its_base_along_or_says_why_not() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let write = |name: &str, base: Base| {
            let file = AdaptedFile {
                base,
                taste: longer(0.3),
                ratings: 9,
                tracks: 2,
                shrink: 1.0,
            };
            std::fs::write(at(name), file.to_json()).unwrap();
        };
        write("mine.json", Base::Heuristic);
        let scorer = crate::model::load(&at("mine.json")).unwrap();
        assert!(scorer.info().name.starts_with("adapted-") && scorer.info().columns.iter().any(|c| c == "bars"));
        assert!(scorer.details().contains(&("prefers".into(), "longer loops".into())));
        let refused = |path: &str, digest: &str, said: &str| {
            let (path, blake3) = (path.to_owned(), digest.to_owned());
            write("other.json", Base::File { path, blake3 });
            let error = crate::model::load(&at("other.json")).err().unwrap().to_string();
            assert!(error.contains(said) && error.contains("other.json"), "{error}");
        };
        refused("gone.onnx", "", "its base");
        refused("mine.json", "", "adapted ranking itself");
        refused("other.json", "", "adapted ranking itself");
        std::fs::write(at("changed.onnx"), b"something").unwrap();
        refused("changed.onnx", "00", "no longer the model");
    }

    #[test]
    fn odd_values_stay_within_bounds() {
        let taste = longer(1e9);
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -5.0, f32::MAX] {
            let z = steps(|_| Some(value));
            assert!(z.iter().all(|z| z.abs() <= FAR), "{value}: {z:?}");
            assert!(taste.effect(&z).abs() <= BOUND);
        }
        assert_eq!(steps(|_| None), [0.0; TERMS.len()]);
    }
}
