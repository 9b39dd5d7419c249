//! Damaged model files never panic, hang, or take more memory than their size warrants.

use std::path::Path;
use std::sync::Arc;

use loopwright_core::features::{FeatureTable, Schema};
use loopwright_core::model::trees::Trees;
use loopwright_core::model::{self, ModelError};
use proptest::prelude::*;

const FILES: [&str; 11] = [
    "xgboost/sets.ubj",
    "xgboost/sets.json",
    "xgboost/dart.json",
    "xgboost/dart_logistic.ubj",
    "xgboost/linear_classes.json",
    "xgboost/linear.ubj",
    "xgboost/softprob.ubj",
    "xgboost/stopped.json",
    "xgboost/exact.ubj",
    "rankers/column.onnx",
    "rankers/trackwise.onnx",
];

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

#[derive(Debug, Clone)]
enum Damage {
    Set(prop::sample::Index, u8),
    Bit(prop::sample::Index, u8),
    Word(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, u8),
    Repeat(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    let word = prop_oneof![Just(0u32), Just(u32::MAX), Just(0x7fff_ffff), any::<u32>()];
    let marks = prop::sample::select(b"[]{}$#iUIlLdDSCTFZNH09-,:\"".to_vec());
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(i, b)| Damage::Set(i, b)),
        3 => (at(), marks).prop_map(|(i, b)| Damage::Set(i, b)),
        3 => (at(), 0u8..8).prop_map(|(i, b)| Damage::Bit(i, b)),
        2 => (at(), word).prop_map(|(i, w)| Damage::Word(i, w)),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), any::<u8>()).prop_map(|(i, n)| Damage::Remove(i, n)),
        1 => (at(), any::<u8>()).prop_map(|(i, n)| Damage::Repeat(i, n)),
    ]
}

fn apply(file: &mut Vec<u8>, damage: &Damage) {
    if file.is_empty() {
        return;
    }
    let length = file.len();
    let part = |i: &prop::sample::Index, n: usize| {
        let at = i.index(length);
        at..(at + n).min(length)
    };
    match damage {
        Damage::Set(i, b) => file[i.index(length)] = *b,
        Damage::Bit(i, b) => file[i.index(length)] ^= 1 << b,
        Damage::Word(i, w) => {
            let range = part(i, 4);
            let bytes = w.to_be_bytes();
            file[range.clone()].copy_from_slice(&bytes[..range.len()]);
        }
        Damage::Cut(i) => file.truncate(i.index(length)),
        Damage::Remove(i, n) => drop(file.drain(part(i, usize::from(*n)))),
        Damage::Repeat(i, n) => {
            let range = part(i, usize::from(*n));
            let piece = file[range.clone()].to_vec();
            file.splice(range.start..range.start, piece);
        }
    }
}

/// Loads it, and scores with what is left of it.
fn exercise(bytes: &[u8], schema: bool) {
    let names = br#"["a","b","c","d","e"]"#;
    let schema = schema.then_some(("features.json", &names[..]));
    let Ok(scorer) = model::of_bytes("damaged", bytes, schema) else {
        return;
    };
    let columns = scorer.info().columns.clone();
    if columns.len() > 1_000 {
        return;
    }
    let special = [f32::NAN, 0.0, -1.5, 3.0, f32::INFINITY, 1e30, 11.0];
    let values = (0..columns.len() * 19)
        .map(|i| special[i * 5 % special.len()])
        .collect();
    let table = FeatureTable::from_values(Arc::new(Schema::plain(columns)), values);
    match scorer.score(&table) {
        Ok(scores) => assert!(scores.len() == table.rows() && scores.iter().all(|s| s.is_finite())),
        Err(ModelError::BadScore { .. } | ModelError::Engine { .. }) => {}
        Err(other) => panic!("{other}"),
    }
    if let Ok(trees) = Trees::read("damaged", bytes) {
        let written = trees.to_json();
        assert!(Trees::read("written", written.as_bytes()).is_ok(), "{written}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_boosters(which in 0..9usize, damages in prop::collection::vec(damage(), 1..4)) {
        let mut file = fixture(FILES[which]);
        for damage in &damages {
            apply(&mut file, damage);
        }
        exercise(&file, FILES[which].contains("stopped"));
    }

    #[test]
    fn random_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..400), head in 0..6usize) {
        let heads: [&[u8]; 6] = [b"", b"{L", b"{i", b"{#", b"{\"learner\":", b"\x08\x07\x3a"];
        bytes.splice(0..0, heads[head].iter().copied());
        exercise(&bytes, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg(feature = "onnx")]
    fn damaged_networks(which in 9..11usize, damages in prop::collection::vec(damage(), 1..4)) {
        let mut file = fixture(FILES[which]);
        for damage in &damages {
            apply(&mut file, damage);
        }
        exercise(&file, false);
    }
}

#[test]
fn every_cut_is_refused() {
    for name in FILES.iter().filter(|f| !f.ends_with("onnx")) {
        let file = fixture(name);
        for length in (0..file.len()).step_by(1 + file.len() / 97) {
            assert!(
                model::of_bytes("cut", &file[..length], None).is_err(),
                "{name} at {length}"
            );
        }
    }
}

fn refused(bytes: &[u8]) -> String {
    match Trees::read("file", bytes) {
        Ok(_) => panic!("taken"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn nesting_and_counts_are_bounded() {
    // A hundred thousand levels, in all ways.
    for (open, times) in [
        (&b"[#U\x01"[..], 100_000),
        (b"[", 100_000),
        (b"{U\x01a", 100_000),
        (b"[$[#U\x01", 100_000),
    ] {
        let mut file = b"{U\x07learner".to_vec();
        for _ in 0..times {
            file.extend_from_slice(open);
        }
        assert!(refused(&file).contains("nested"), "{}", refused(&file));
    }
    let mut json = br#"{"learner":"#.to_vec();
    json.extend(std::iter::repeat_n(b'[', 100_000));
    assert!(refused(&json).contains("recursion"));
    // Counts of what is not there.
    for kind in *b"ZTFNiUIlLdDSHC[{" {
        let mut file = b"{U\x07learner[$".to_vec();
        file.push(kind);
        file.extend_from_slice(b"#L\x00\x7f\xff\xff\xff\xff\xff\xff");
        let error = refused(&file);
        assert!(error.contains("elements"), "{error}");
    }
    let mut negative = b"{U\x07learnerS".to_vec();
    negative.extend_from_slice(b"L\xff\xff\xff\xff\xff\xff\xff\xff");
    assert!(refused(&negative).contains("length"));
}

/// Elements of no bytes cost memory but no file, many times over: they are counted.
#[test]
fn nothing_multiplies() {
    let mut file = b"{U\x07learner[".to_vec();
    for _ in 0..2_000 {
        file.extend_from_slice(b"[$T#l\x00\x01\x00\x00");
    }
    file.resize(file.len() + 70_000, b'Z');
    assert!(refused(&file).contains("too many values"), "{}", refused(&file));
}

#[test]
fn trees_that_are_none_are_refused() {
    let text = String::from_utf8(fixture("xgboost/dense.json")).unwrap();
    let change = |path: &str, of: &dyn Fn(&mut serde_json::Value)| {
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let tree = value.pointer_mut(path).unwrap();
        of(tree);
        refused(value.to_string().as_bytes())
    };
    let tree = "/learner/gradient_booster/model/trees/1";
    for (key, node, to, words) in [
        ("left_children", 1, 0, "reached twice"),
        ("right_children", 0, 0, "reached twice"),
        ("left_children", 0, 9_999, "leads to node 9999"),
        ("right_children", 0, -1, "leads to node -1"),
        ("split_indices", 0, 5, "asks for feature 5"),
        ("left_children", 0, -7, "-7"),
    ] {
        let error = change(tree, &|t| t[key][node] = to.into());
        assert!(error.contains(words) && error.contains("trees[1]"), "{error}");
    }
    let short = change(tree, &|t| drop(t["default_left"].as_array_mut().unwrap().pop()));
    assert!(short.contains("default_left"), "{short}");
    let group = change("/learner/gradient_booster/model", &|m| m["tree_info"][3] = 1.into());
    assert!(group.contains("tree_info"), "{group}");
    let rounds = change("/learner/gradient_booster/model", &|m| {
        m["iteration_indptr"][2] = 11.into()
    });
    assert!(rounds.contains("rounds"), "{rounds}");
    let base = change("/learner/learner_model_param", &|p| {
        p["base_score"] = "[1E0,2E0]".into()
    });
    assert!(base.contains("base_score"), "{base}");
    let objective = change("/learner/objective", &|o| o["name"] = "reg:mine".into());
    assert!(objective.contains("reg:mine"), "{objective}");
    let pandas = change("/learner/gradient_booster/model", &|m| {
        m["cats"]["enc"] = serde_json::json!([{"offsets": [], "values": []}, {"type": 15, "values": [1, 2, 4]}]);
    });
    assert!(pandas.contains("pandas") && pandas.contains("feature 1"), "{pandas}");
    let huge = change("/learner/learner_model_param", &|p| {
        p["num_feature"] = "99999999999".into()
    });
    assert!(huge.contains("num_feature"), "{huge}");
}
