//! Models of tags give the probabilities that ONNX Runtime gives; `data/tags/make.py` asked it.
#![cfg(feature = "onnx")]

use std::path::Path;

use loopwright_core::model::multilabel::{TAGS, TagModel};
use serde_json::Value;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tags")
}

#[test]
fn probabilities_are_those_of_onnx_runtime() {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let models = expected["models"].as_object().unwrap();
    assert_eq!(models.len(), 2);
    for (name, case) in models {
        let model = TagModel::read(&folder().join(format!("{name}.onnx"))).unwrap();
        let tags: Vec<&str> = case["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t.as_str().unwrap())
            .collect();
        assert_eq!(model.tags().iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), tags);
        assert_eq!((model.kind(), model.features_version()), (TAGS, 1));
        let rows = case["features"].as_array().unwrap();
        assert_eq!(rows.len(), 12);
        let (mut greatest, mut spread) = (0.0f64, 0.0f64);
        for (row, wanted) in rows.iter().zip(case["probabilities"].as_array().unwrap()) {
            let values: Vec<f32> = row
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().map_or(f32::NAN, |v| v as f32))
                .collect();
            let got = model.probabilities(&values).unwrap();
            for (got, wanted) in got.iter().zip(wanted.as_array().unwrap()) {
                let wanted = wanted.as_f64().unwrap();
                greatest = greatest.max((got - wanted).abs());
                spread = spread.max((wanted - 0.5).abs());
            }
        }
        assert!(greatest < 1e-6, "{name}: {greatest}");
        assert!(spread > 0.3, "{name}: the cases say nothing");
    }
}

#[test]
fn what_is_no_model_of_tags_is_refused_in_words() {
    let bytes = std::fs::read(folder().join("linear.onnx")).unwrap();
    for (bytes, named) in [
        (&bytes[..bytes.len() / 2], "m.onnx"),
        (&b"not a model"[..], "m.onnx"),
        (&[][..], "m.onnx"),
        (&bytes[..bytes.len() - 60], "m.onnx"),
    ] {
        if let Err(error) = TagModel::of_bytes("m.onnx", bytes) {
            assert!(error.to_string().contains(named), "{error}");
        }
    }
    // Entries of metadata may come again; the last one counts.
    for (key, value, named) in [
        ("loopwright.tags", "[]", "names no tags"),
        ("loopwright.tags", "{", "loopwright.tags"),
        (
            "loopwright.tags",
            "[{\"name\":\"a\",\"threshold\":0.5}]",
            "names 1 tags",
        ),
        (
            "loopwright.tags",
            "[{\"name\":\"a\",\"threshold\":0.5},{\"name\":\"a\",\"threshold\":0.5}]",
            "more than once",
        ),
        ("loopwright.tags", "[{\"name\":\"a\",\"threshold\":7}]", "threshold"),
        ("loopwright.features_version", "x", "features_version"),
    ] {
        let mut changed = bytes.clone();
        loopwright_core::learn::onnx_write::add_metadata(&mut changed, key, value);
        let error = TagModel::of_bytes("m.onnx", &changed).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("m.onnx"), "{error}");
    }
}
