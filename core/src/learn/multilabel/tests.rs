//! Learning of planted labels.

use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;

use super::examples::{Examples, Label};
use super::train::{Kind, Settings, train};
use super::*;
use crate::learn::LearnError;
use crate::model::multilabel::{TAGS, TagModel};
use crate::progress::Silent;

fn settings(kind: Kind) -> Settings {
    Settings {
        kind,
        epochs: 20,
        rounds: 60,
        threads: 2,
        ..Settings::default()
    }
}

/// Files whose labels follow from numbers: `linear` from a sum, `middle` (with `outer`, a family) from an interval, `noise` from
/// nothing, `rare` from a large value.
fn planted(files: usize, seed: u64) -> Examples {
    let labels = vec![
        Label::alone("linear"),
        Label::of("middle", "place"),
        Label::of("outer", "place"),
        Label::alone("noise"),
        Label::alone("rare"),
    ];
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut examples = Examples::new(labels);
    for file in 0..files {
        let mut x: Vec<f32> = (0..features::COUNT).map(|_| StandardNormal.sample(&mut rng)).collect();
        let middle = x[3].abs() < 0.7;
        let truth = vec![
            Some(x[0] + 0.5 * x[1] > 0.8),
            Some(middle),
            Some(!middle),
            if file % 5 == 0 {
                None
            } else {
                Some(rng.random_bool(0.3))
            },
            Some(x[2] > 1.9),
        ];
        if file % 11 == 0 {
            x[20] = f32::NAN;
        }
        examples.push(&format!("f{file}"), file, &x, truth);
    }
    examples
}

#[test]
fn planted_labels_are_told_and_noise_is_not() {
    let examples = planted(500, 1);
    for kind in [Kind::Linear, Kind::Network, Kind::Trees] {
        let trained = train(&examples, TAGS, &settings(kind), &Silent).unwrap();
        let of = |name: &str| trained.scores.labels.iter().find(|l| l.label == name).unwrap();
        assert!(of("linear").f1 > 0.65, "{kind:?}: {:?}", of("linear"));
        assert!(of("linear").brier < 0.6 * of("linear").baseline_brier);
        if kind == Kind::Trees {
            assert!(of("middle").f1 > 0.75, "{:?}", of("middle"));
        }
        // Told by nothing, it is no likelier than it is: the probabilities stay near its share.
        assert!(
            of("noise").brier < 1.08 * of("noise").baseline_brier,
            "{kind:?}: {:?}",
            of("noise")
        );
        assert_eq!(of("noise").files, 400);
        assert!(trained.scores.macro_f1 > trained.scores.baseline_macro_f1 + 0.2);
    }
}

#[test]
fn probabilities_mean_what_they_say() {
    let (examples, unseen) = (planted(600, 1), planted(600, 2));
    for kind in [Kind::Linear, Kind::Network, Kind::Trees] {
        let trained = train(&examples, TAGS, &settings(kind), &Silent).unwrap();
        // Of files that are told 0 to 0.2, 0.2 to 0.4, … the share that have it, weighted by their number.
        let (mut sums, mut counts) = ([[0.0f64; 2]; 5], [0usize; 5]);
        for file in 0..unseen.len() {
            let p = trained.applied.probabilities(unseen.data.row(file))[0];
            let bin = ((p * 5.0) as usize).min(4);
            sums[bin][0] += p;
            sums[bin][1] += f64::from(u8::from(unseen.truth(file, 0) == Some(true)));
            counts[bin] += 1;
        }
        let error: f64 = sums.iter().map(|[p, y]| (p - y).abs()).sum::<f64>() / unseen.len() as f64;
        assert!(
            error < 0.06,
            "{kind:?}: expected calibration error {error}, {sums:?} of {counts:?}"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let examples = planted(120, 3);
    for kind in [Kind::Linear, Kind::Network, Kind::Trees] {
        let at = |threads: usize, seed: u64| {
            let settings = Settings {
                threads,
                seed,
                ..settings(kind)
            };
            train(&examples, TAGS, &settings, &Silent).unwrap().bytes
        };
        assert_eq!(at(1, 1), at(5, 1));
        assert_ne!(at(1, 1), at(1, 2));
    }
}

#[test]
fn the_file_gives_the_probabilities_that_we_give() {
    let examples = planted(150, 4);
    for kind in [Kind::Linear, Kind::Network, Kind::Trees] {
        let trained = train(&examples, TAGS, &settings(kind), &Silent).unwrap();
        let model = TagModel::of_bytes("m", &trained.bytes).unwrap();
        assert_eq!((model.kind(), model.tags()), (TAGS, &trained.tags[..]));
        let names = features::names();
        let mut greatest = 0.0f64;
        for file in 0..examples.len() {
            let row = examples.data.row(file);
            let read: Vec<f32> = model
                .features()
                .iter()
                .map(|f| row[names.iter().position(|n| n == f).unwrap()])
                .collect();
            let (a, b) = (model.probabilities(&read).unwrap(), trained.applied.probabilities(row));
            greatest = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(greatest, f64::max);
        }
        assert!(greatest < 1e-6, "{kind:?}: {greatest}");
    }
}

#[test]
fn labels_that_cannot_be_learnt_are_left_out_with_reasons() {
    let names = ["good", "none", "all", "once", "one_source", "unknown"];
    let mut examples = Examples::new(names.map(Label::alone).to_vec());
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    for file in 0..60 {
        let x: Vec<f32> = (0..features::COUNT).map(|_| StandardNormal.sample(&mut rng)).collect();
        // The first five files are of one source.
        let group = if file < 5 { 0 } else { file - 4 };
        let truth = [
            Some(x[0] > 0.0),
            Some(false),
            Some(true),
            Some(file == 30),
            Some(file < 5),
            None,
        ];
        examples.push("f", group, &x, truth.to_vec());
    }
    let trained = train(&examples, TAGS, &settings(Kind::Linear), &Silent).unwrap();
    assert_eq!(trained.tags.len(), 1);
    let why: Vec<(&str, usize, &str)> = trained
        .left_out
        .iter()
        .map(|l| (l.label.as_str(), l.support, l.why.as_str()))
        .collect();
    assert_eq!(
        why,
        [
            ("none", 0, "no file has it"),
            ("all", 60, "every file has it"),
            ("once", 1, "the files that have it are of one source"),
            ("one_source", 5, "the files that have it are of one source"),
            ("unknown", 0, "no file has it"),
        ]
    );
    let nothing = train(&examples.with_labels(&[1, 2]), TAGS, &settings(Kind::Linear), &Silent);
    let Err(LearnError::Data(words)) = nothing else {
        panic!()
    };
    assert!(
        words.contains("none of 2 tags") && words.contains("every file has it"),
        "{words}"
    );
    let empty = Examples::new(vec![Label::alone("x")]);
    assert!(matches!(
        train(&empty, TAGS, &settings(Kind::Linear), &Silent),
        Err(LearnError::Data(_))
    ));
    let bad = Settings {
        folds: 1,
        ..Settings::default()
    };
    assert!(matches!(
        train(&examples, TAGS, &bad, &Silent),
        Err(LearnError::Setting(_))
    ));
}

#[test]
fn two_files_of_each_class_are_enough_to_run() {
    let mut examples = Examples::new(vec![Label::alone("a")]);
    for file in 0..4 {
        examples.push("f", file, &[file as f32; features::COUNT], vec![Some(file < 2)]);
    }
    for kind in [Kind::Linear, Kind::Network, Kind::Trees] {
        let trained = train(&examples, TAGS, &settings(kind), &Silent).unwrap();
        assert!(trained.tags[0].threshold >= calibrate::RARE_FLOOR);
        assert!(trained.applied.probabilities(&[0.0; features::COUNT])[0].is_finite());
    }
}

/// Models, and what ONNX Runtime says of them: `make.py` there.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tags")
}

#[test]
fn probabilities_are_those_of_onnx_runtime() {
    let text = std::fs::read_to_string(folder().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let models = expected["models"].as_object().unwrap();
    assert_eq!(models.len(), 3);
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
        crate::learn::onnx_write::add_metadata(&mut changed, key, value);
        let error = TagModel::of_bytes("m.onnx", &changed).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("m.onnx"), "{error}");
    }
}
