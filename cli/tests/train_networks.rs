//! `loopwright train mlp` and `train rank`, from a CSV to a model.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{expect_code, run_in, stderr, stdout};
use serde_json::Value;

/// Candidates whose weight follows from `tell`; `noise` says nothing.
fn dataset(path: &Path, tracks: usize) {
    let mut text = String::from("track_id,start_time,end_time,bars,weight,tell,noise\n");
    let mut state = 12_345u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 24)
    };
    for track in 0..tracks {
        for row in 0..30 {
            let (tell, noise) = (random(), random());
            let weight = if tell > 0.85 { 1.0 } else { 0.0 };
            let _ = writeln!(text, "song {track},{row},{},4,{weight},{tell},{noise}", row + 8);
        }
    }
    fs::write(path, text).unwrap();
}

fn ndcg(report: &Value, ranker: usize) -> f64 {
    let measures = &report["judgement"]["rankers"][ranker]["measures"];
    measures["ndcg@10"]["mean"].as_f64().unwrap()
}

#[test]
fn networks_are_trained_from_a_table() {
    let work = tempfile::tempdir().unwrap();
    dataset(&work.path().join("loops.csv"), 50);
    let quick = ["--epochs", "15", "--lr", "0.01", "--hidden", "16", "--test", "0.3"];
    for (command, more) in [
        ("mlp", &[][..]),
        ("rank", &["--loss", "lambdarank"]),
        ("rank", &["--temperature", "0.2"]),
    ] {
        let arguments = [
            &["train", command, "loops.csv", "--out", "made", "--json"],
            &quick[..],
            more,
        ]
        .concat();
        let run = run_in(work.path(), &arguments);
        expect_code(&run, 0);
        let report: Value = serde_json::from_str(&stdout(&run)).unwrap();
        assert_eq!(report["learner"], command);
        let chance = report["judgement"]["rankers"].as_array().unwrap().len() - 1;
        assert!(ndcg(&report, 0) > ndcg(&report, chance) + 0.3, "{report}");
        assert!(stderr(&run).contains("valid ndcg@10"), "{}", stderr(&run));
        for file in ["ranker.onnx", "features.json", "MODEL.md", "split.json", "run.jsonl"] {
            assert!(work.path().join("made").join(file).is_file(), "{file}");
        }
        let record = fs::read_to_string(work.path().join("made/run.jsonl")).unwrap();
        assert!(
            record.contains("valid_ndcg_at_10") && record.ends_with("{\"end\":\"finished\"}\n"),
            "{record}"
        );
    }
}

#[test]
fn what_cannot_be_trained_says_why() {
    let work = tempfile::tempdir().unwrap();
    dataset(&work.path().join("one.csv"), 1);
    dataset(&work.path().join("loops.csv"), 12);
    for (arguments, code, said) in [
        (&["one.csv"][..], 2, "one track cannot be split"),
        (&["loops.csv", "--exclude", "pt_mel_*"], 2, "pt_mel_*"),
        (&["loops.csv", "--dropout", "1"], 2, "dropout"),
        (&["loops.csv", "--hidden", "64,x"], 2, "128,64"),
        (&["gone.csv"], 3, "gone.csv"),
    ] {
        let run = run_in(work.path(), &[&["train", "rank", "--out", "made"], arguments].concat());
        expect_code(&run, code);
        assert!(stderr(&run).contains(said), "{}", stderr(&run));
        assert!(!work.path().join("made/ranker.onnx").exists());
    }
}
