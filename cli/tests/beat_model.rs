//! `--beat-model`: files of both interfaces, none, and what is no model.

mod common;

use std::path::{Path, PathBuf};

use common::{Song, expect_code, run_in, stderr, stdout};
use serde_json::Value;

/// Networks of random weights: they hear nonsense, but they are heard.
fn network(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/data/networks");
    folder.join(name).canonicalize().unwrap().display().to_string()
}

fn song() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Song::default().write(&folder.path().join("song.wav"));
    (folder, path)
}

#[test]
fn files_that_are_no_model_are_refused_before_any_work() {
    let (folder, _) = song();
    let here = folder.path();
    std::fs::write(here.join("notes.onnx"), "buy milk").unwrap();
    for (file, word) in [("missing.onnx", "cannot read"), ("notes.onnx", "not an ONNX model")] {
        for arguments in [
            vec!["analyze", "song.wav", "--beat-model", file],
            vec!["find", "song.wav", "--out", "loops", "--beat-model", file],
        ] {
            let output = run_in(here, &arguments);
            expect_code(&output, 3);
            let said = stderr(&output);
            assert!(said.contains(file) && said.contains(word), "{said}");
            assert!(!here.join("loops").exists());
        }
    }
    expect_code(&run_in(here, &["analyze", "song.wav", "--beat-model", ""]), 2);
}

#[test]
fn the_setting_can_come_from_a_file() {
    let (folder, _) = song();
    let here = folder.path();
    std::fs::write(
        here.join("loopwright.toml"),
        "[rhythm]\nbeat_model = \"missing.onnx\"\n",
    )
    .unwrap();
    expect_code(&run_in(here, &["analyze", "song.wav"]), 3);
    // A flag stands above it.
    expect_code(&run_in(here, &["analyze", "song.wav", "--beat-model", "none"]), 0);
    let shown = stdout(&run_in(here, &["config"]));
    assert!(shown.contains("beat_model = \"missing.onnx\""), "{shown}");
}

#[cfg(feature = "onnx")]
#[test]
fn both_interfaces_are_heard() {
    let (folder, _) = song();
    let here = folder.path();
    let analysis = |model: &str| -> Value {
        let output = run_in(here, &["analyze", "song.wav", "--json", "--beat-model", model]);
        expect_code(&output, 0);
        serde_json::from_str(&stdout(&output)).unwrap()
    };
    let without = analysis("none");
    for file in ["tracker_fixed.onnx", "tracker_open.onnx", "beat_this_open.onnx"] {
        let with = analysis(&network(file));
        // The grid is one of the tracker's own readings whatever the network says, and what the network says counts.
        assert!(with["beats"].as_array().unwrap().len() > 10, "{file}");
        assert_ne!(with["tempo"]["confidence"], without["tempo"]["confidence"], "{file}");
        assert_eq!(with, analysis(&network(file)), "{file}: the same again");
    }
}
