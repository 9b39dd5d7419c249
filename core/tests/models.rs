//! Models from files: scores, names of columns, and what is said of files that are none.

use std::path::PathBuf;
use std::sync::Arc;

use loopwright_core::config::tuning::Tuning;
use loopwright_core::features::{FeatureTable, Schema};
use loopwright_core::model::{self, ModelError, ModelFileError, Output, Scorer};
use serde::Deserialize;

fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(data(file)).unwrap()
}

fn floats(hex: &str) -> Vec<f32> {
    (0..hex.len() / 8)
        .map(|i| f32::from_bits(u32::from_str_radix(&hex[8 * i..8 * i + 8], 16).unwrap()))
        .collect()
}

fn table(columns: &[String], values: Vec<f32>) -> FeatureTable {
    FeatureTable::from_values(Arc::new(Schema::plain(columns.to_vec())), values)
}

fn load(file: &str) -> Result<Box<dyn Scorer>, ModelFileError> {
    model::of_bytes(file, &bytes(file), None)
}

/// The error, in words.
fn refused(name: &str, bytes: &[u8], schema: Option<&str>) -> String {
    match model::of_bytes(name, bytes, schema.map(|s| ("features.json", s.as_bytes()))) {
        Ok(scorer) => panic!("{name} is {}", scorer.info().name),
        Err(e) => e.to_string(),
    }
}

#[derive(Deserialize)]
struct Case {
    name: String,
    columns: Vec<String>,
    rows: String,
    scores: String,
}

fn networks() -> Vec<Case> {
    serde_json::from_slice(&bytes("rankers/cases.json")).unwrap()
}

#[test]
#[cfg(feature = "onnx")]
fn networks_score_as_in_onnxruntime() {
    let mut compared = 0;
    for case in networks() {
        let file = format!("rankers/{}.onnx", case.name);
        let names = serde_json::to_string(&case.columns).unwrap();
        let schema = (case.name == "unnamed").then_some(("features.json", names.as_bytes()));
        let scorer = model::of_bytes(&file, &bytes(&file), schema).unwrap();
        assert_eq!(scorer.info().columns, case.columns);
        let scores = scorer.score(&table(&case.columns, floats(&case.rows))).unwrap();
        let expected = floats(&case.scores);
        assert_eq!(scores.len(), expected.len());
        for (own, theirs) in scores.iter().zip(&expected) {
            assert!(
                (own - theirs).abs() <= 1e-6 * theirs.abs().max(1.0),
                "{file}: {own} {theirs}"
            );
        }
        compared += scores.len();
        assert!(scorer.score(&table(&case.columns, vec![])).unwrap().is_empty());
    }
    assert!(compared > 1_000);
}

#[test]
#[cfg(feature = "onnx")]
fn notes_in_a_network_are_heard() {
    let scorer = load("rankers/column.onnx").unwrap();
    let info = scorer.info();
    assert_eq!((info.output, info.alpha), (Output::Relative, Some(0.25)));
    let calibration = info.calibration.unwrap();
    assert_eq!((calibration.slope, calibration.offset), (1.5, -0.5));
    assert_eq!(
        load("rankers/probability.onnx").unwrap().info().output,
        Output::Probability
    );
    let two = refused("two", &bytes("rankers/two.onnx"), None);
    assert!(two.contains("one output"), "{two}");
    let unnamed = refused("unnamed", &bytes("rankers/unnamed.onnx"), None);
    assert!(
        unnamed.contains("6 inputs") && unnamed.contains("features.json"),
        "{unnamed}"
    );
}

/// Columns are found by name, in whatever order a table has them, and whatever else it has.
#[test]
fn the_order_of_a_table_does_not_matter() {
    let scorer = load("xgboost/missing.ubj").unwrap();
    let columns = &scorer.info().columns;
    assert_eq!(columns[3], "feature 3");
    let rows: Vec<f32> = (0..90 * 5).map(|i| ((i * 37) % 23) as f32 / 7.0 - 1.0).collect();
    let straight = scorer.score(&table(columns, rows.clone())).unwrap();
    let mut turned: Vec<String> = columns.iter().rev().cloned().collect();
    turned.insert(2, "another".into());
    let values = rows
        .chunks(5)
        .flat_map(|r| [r[4], r[3], f32::NAN, r[2], r[1], r[0]])
        .collect();
    assert_eq!(scorer.score(&table(&turned, values)).unwrap(), straight);
    assert!(straight.iter().any(|s| *s != straight[0]));
    let without = table(&columns[..4], vec![0.0; 8]);
    assert_eq!(scorer.score(&without), Err(ModelError::Missing("feature 4".into())));
}

#[test]
fn a_boosters_score_is_its_prediction() {
    let kinds = [
        ("xgboost/rank.json", Output::Relative),
        ("xgboost/logistic.ubj", Output::Probability),
        ("xgboost/softprob.ubj", Output::Relative),
        ("xgboost/linear.json", Output::Relative),
    ];
    for (file, output) in kinds {
        let scorer = load(file).unwrap();
        assert_eq!(scorer.info().output, output, "{file}");
        assert!(scorer.info().name.starts_with("xgboost-"));
        let scores = scorer.score(&table(&scorer.info().columns, vec![0.3; 10])).unwrap();
        assert_eq!(scores.len(), 2);
        if output == Output::Probability {
            assert!(scores.iter().all(|s| (0.0..=1.0).contains(s)));
        }
    }
    let stopped = load("xgboost/stopped.json").map(|_| ()).unwrap_err().to_string();
    assert!(stopped.contains("features.json"), "{stopped}");
    let names = br#"["a","b","c","d","e"]"#;
    let stopped = model::of_bytes("s", &bytes("xgboost/stopped.json"), Some(("features.json", names))).unwrap();
    let details = stopped.details();
    let trees = details.iter().find(|(name, _)| name == "trees").unwrap();
    assert!(trees.1.contains("best_iteration"), "{trees:?}");
    let two = refused("q", &bytes("xgboost/quantiles.json"), None);
    assert!(two.contains("2 numbers"), "{two}");
}

#[test]
fn the_name_tells_contents_apart() {
    let file = bytes("xgboost/stopped.json");
    let named = |names: &str| {
        let schema = ("features.json", names.as_bytes());
        model::of_bytes("m", &file, Some(schema)).unwrap().info().name.clone()
    };
    let one = named(r#"["a","b","c","d","e"]"#);
    assert_eq!(one, named(r#"["a","b","c","d","e"]"#));
    assert_ne!(one, named(r#"["b","a","c","d","e"]"#));
}

#[test]
fn columns_that_do_not_fit_are_named() {
    let named = bytes("xgboost/rank.json");
    let unnamed = bytes("xgboost/stopped.ubj");
    for (model, schema, words) in [
        (&unnamed, r#"["a","b","c"]"#, &["3 columns", "5"][..]),
        (&unnamed, r#"["a","b","c","d","a"]"#, &["more than once", "a"]),
        (
            &named,
            r#"["feature 0","feature 1","feature 2","feature 3","loudness"]"#,
            &["feature 4", "loudness"],
        ),
        (
            &named,
            r#"["feature 1","feature 0","feature 2","feature 3","feature 4"]"#,
            &["another order"],
        ),
        (&named, r#"["feature 0"]"#, &["lacks", "feature 3"]),
        (&named, "{", &["not a description"]),
    ] {
        let error = refused("model.json", model, Some(schema));
        for word in words {
            assert!(error.contains(word), "{error} lacks {word}");
        }
        assert!(error.contains("features.json"), "{error}");
    }
}

#[test]
fn a_model_for_ranking_reads_features_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ranker.ubj");
    std::fs::write(&path, bytes("xgboost/stopped.ubj")).unwrap();
    let select = |names: &str| {
        std::fs::write(folder.path().join("features.json"), names).unwrap();
        model::select(Some(path.to_str().unwrap()), &Tuning::default())
    };
    let scorer = select(r#"["bars","rms_mean","pt_mel_0","pt_mel_255","rep_unit"]"#).unwrap();
    assert_eq!(scorer.info().columns[3], "pt_mel_255");
    let error = select(r#"["bars","openl3_0","pt_mel_0","openl3_1","rep_unit"]"#)
        .map(|_| ())
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("openl3_0, openl3_1")
            && error.contains("2 columns of an embedding")
            && error.contains("--embedding-model"),
        "{error}"
    );
    assert_eq!(
        model::select(None, &Tuning::default()).unwrap().info().name,
        "heuristic-1"
    );
    let nowhere = model::select(Some("/nowhere/model.json"), &Tuning::default());
    assert!(matches!(nowhere.map(|_| ()), Err(ModelFileError::Read { .. })));
    let a_folder = model::load(folder.path()).map(|_| ()).unwrap_err().to_string();
    assert!(a_folder.contains("folder"), "{a_folder}");
}

#[test]
fn files_that_are_no_models_are_told_apart() {
    let pickle = b"\x80\x04\x95\x0f\0\0\0\0\0\0\0\x8c\x02os\x8c\x06system\x93.";
    let torch = b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0archive/data.pkl";
    for (content, words) in [
        (&b""[..], &["empty"][..]),
        (b"abc", &["3 bytes", "short"]),
        (b"<!DOCTYPE html><html>Not found", &["web page", "again"]),
        (pickle, &["pickled", "nothing in it was read or run", "save_model"]),
        (torch, &["PyTorch", "nothing in it was read or run", "onnx"]),
        (b"PK\x03\x04 something else altogether", &["ZIP"]),
        (b"\x89HDF\r\n\x1a\n and more of that", &["HDF5"]),
        (b"\x1f\x8b\x08 joblib writes such", &["compressed"]),
        (b"tree\nversion=v4\nnum_class=1\n", &["LightGBM"]),
        (b"booster[0]:\n0:[f0<1] yes=1,no=2", &["dump", "save_model"]),
        (b"version https://git-lfs.github.com/spec/v1\noid", &["Git LFS"]),
        (b"{\"columns\": [\"a\"], \"version\": 1}", &["JSON", "learner"]),
        (b"binf\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", &["old binary"]),
        (b"just a few words that say nothing", &["text"]),
        (
            b"\xff\xfe\xfd\xfc\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b",
            &["unknown"],
        ),
        (b"[{\"nodeid\": 0, \"leaf\": 1.0}]", &["dump", "save_model"]),
        (b"{\"learner\": {}}", &["broken XGBoost", "objective"]),
    ] {
        let error = refused("some/file", content, None);
        for word in words.iter().chain(&["some/file"]) {
            assert!(error.contains(word), "{error} lacks {word}");
        }
    }
}
