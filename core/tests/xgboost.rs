//! Predictions of XGBoost models are those of Python xgboost, bit for bit (tests/data/xgboost/make.py).

use std::path::PathBuf;

use loopwright_core::model::ModelFileError;
use loopwright_core::model::trees::{Forest, Trees};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    kinds: Vec<String>,
    rows: String,
    margins: String,
    predictions: String,
    trees: Option<[usize; 2]>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/xgboost")
}

fn read(file: &str) -> Result<Trees, ModelFileError> {
    Trees::read(file, &std::fs::read(folder().join(file)).unwrap())
}

fn cases() -> Vec<Case> {
    ["cases.json", "old_cases.json"]
        .iter()
        .filter_map(|f| std::fs::read(folder().join(f)).ok())
        .flat_map(|bytes| serde_json::from_slice::<Vec<Case>>(&bytes).unwrap())
        .collect()
}

fn floats(hex: &str) -> Vec<f32> {
    let digits: Vec<&str> = (0..hex.len() / 8).map(|i| &hex[8 * i..8 * i + 8]).collect();
    digits
        .iter()
        .map(|d| f32::from_bits(u32::from_str_radix(d, 16).unwrap()))
        .collect()
}

fn differing(a: &[f32], b: &[f32]) -> usize {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).filter(|(a, b)| a.to_bits() != b.to_bits()).count()
}

fn greatest(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// All that differs, in words; nothing if all is equal.
fn compare(case: &Case, forest: &Forest, as_file: &str) -> Option<String> {
    let rows = floats(&case.rows);
    let (margins, predictions) = (floats(&case.margins), floats(&case.predictions));
    let (own, own_predictions) = (forest.margins(&rows), forest.predict(&rows));
    let differ = [differing(&own, &margins), differing(&own_predictions, &predictions)];
    (differ != [0, 0]).then(|| {
        format!(
            "{as_file}: {} margins of {} (by {:e}), {} predictions (by {:e})",
            differ[0],
            margins.len(),
            greatest(&own, &margins),
            differ[1],
            greatest(&own_predictions, &predictions),
        )
    })
}

#[test]
fn predictions_are_equal_in_all_bits() {
    let cases = cases();
    assert!(cases.len() >= 25);
    let mut wrong = Vec::new();
    let mut compared = 0;
    for case in &cases {
        for kind in &case.kinds {
            let file = format!("{}.{kind}", case.name);
            let trees = read(&file).unwrap();
            let forest = trees.forest().unwrap();
            if let Some([used, all]) = case.trees {
                assert_eq!((forest.trees(), trees.trees.len()), (used, all));
            }
            wrong.extend(compare(case, &forest, &file));
            compared += floats(&case.predictions).len();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 4_000, "{compared}");
}

#[test]
fn both_formats_hold_the_same() {
    for case in cases().iter().filter(|c| c.kinds.len() == 2) {
        let [json, ubj] = ["json", "ubj"].map(|k| read(&format!("{}.{k}", case.name)).unwrap());
        assert_eq!(json, ubj, "{}", case.name);
    }
}

#[test]
fn what_is_written_reads_back() {
    for case in cases() {
        let trees = read(&format!("{}.{}", case.name, case.kinds[0])).unwrap();
        let text = trees.to_json();
        assert_eq!(text, trees.to_json());
        if let Some(folder) = std::env::var_os("XGBOOST_WRITTEN") {
            // For `check.py`, which loads them in Python.
            std::fs::write(PathBuf::from(folder).join(format!("{}.json", case.name)), &text).unwrap();
        }
        let back = Trees::read("written", text.as_bytes()).unwrap();
        assert_eq!(back.objective_name, trees.objective_name);
        let wrong = compare(&case, &back.forest().unwrap(), &case.name);
        assert_eq!(wrong, None);
    }
}

/// Rows are scored alone as among others: a lane or a block is no part of the result.
#[test]
fn a_row_alone_scores_the_same() {
    for case in cases() {
        let forest = read(&format!("{}.{}", case.name, case.kinds[0]))
            .unwrap()
            .forest()
            .unwrap();
        let rows = floats(&case.rows);
        let all = forest.margins(&rows);
        let single: Vec<f32> = rows
            .chunks_exact(forest.width())
            .flat_map(|r| forest.margins(r))
            .collect();
        assert_eq!(differing(&all, &single), 0, "{}", case.name);
    }
}

#[test]
fn vector_leaves_are_refused_with_a_remedy() {
    let error = read("vector.json").unwrap_err();
    assert!(matches!(error, ModelFileError::Unsupported { .. }));
    assert!(error.to_string().contains("one_output_per_tree"), "{error}");
}
