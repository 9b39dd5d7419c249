//! `--embedding-model`: from recordings to columns, from columns to a model, and back to recordings.

mod common;

use std::fs;
use std::path::Path;

use common::{Song, expect_code, run_in, stderr, stdout};
use serde_json::Value;

/// Eight short songs with labels, and two networks that embed.
fn work() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/data/embeddings");
    for (from, to) in [("samples.onnx", "mine.onnx"), ("openl3_tiny.onnx", "openl3_tiny.onnx")] {
        fs::copy(fixtures.join(from), here.join(to)).unwrap();
    }
    fs::create_dir(here.join("in")).unwrap();
    let mut labels = serde_json::Map::new();
    for i in 0..6 {
        let song = Song {
            seed: i,
            bars: 8,
            ..Song::default()
        };
        song.write(&here.join(format!("in/song{i}.wav")));
        labels.insert(format!("song{i}"), serde_json::json!([[4.0, 8.0]]));
    }
    fs::write(here.join("labels.json"), Value::from(labels).to_string()).unwrap();
    folder
}

fn run(folder: &Path, arguments: &str) -> std::process::Output {
    run_in(folder, &arguments.split(' ').collect::<Vec<_>>())
}

fn columns(csv: &Path) -> Vec<String> {
    let text = fs::read_to_string(csv).unwrap();
    text.lines().next().unwrap().split(',').map(String::from).collect()
}

#[test]
fn a_model_learns_from_an_embedding_and_asks_for_it_again() {
    let work = work();
    let here = work.path();
    let made = run(
        here,
        "dataset in --labels labels.json --bpm 120 --bars 1,2 --columns emb,rms_mean,boundary_quiet_score \
         --embedding-model mine.onnx --out loops.csv --quiet",
    );
    expect_code(&made, 0);
    let all = columns(&here.join("loops.csv"));
    assert_eq!(all[all.len() - 4..], ["emb_0", "emb_1", "emb_2", "emb_3"]);
    let text = fs::read_to_string(here.join("loops.csv")).unwrap();
    let values: Vec<f32> = text
        .lines()
        .skip(1)
        .map(|l| l.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    assert!(
        values.iter().all(|x| x.is_finite()) && values.iter().any(|x| *x != values[0]),
        "{values:?}"
    );
    let record: Value = serde_json::from_slice(&fs::read(here.join("loops.csv.features.json")).unwrap()).unwrap();
    let embedding = &record["embedding"];
    assert_eq!(
        (&embedding["model"], &embedding["prefix"], &embedding["dims"]),
        (&"mine.onnx".into(), &"emb_".into(), &4.into())
    );

    let trained = run(
        here,
        "train rank loops.csv --out made --epochs 2 --hidden 4 --valid 0.3 --test 0.2 --json",
    );
    expect_code(&trained, 0);
    let features: Value = serde_json::from_slice(&fs::read(here.join("made/features.json")).unwrap()).unwrap();
    assert_eq!(&features["embedding"], embedding);
    assert!(
        fs::read_to_string(here.join("made/MODEL.md"))
            .unwrap()
            .contains("mine.onnx")
    );

    // The columns are in the table of loops, whatever ranks them.
    let find = |more: &str| run(here, &format!("find in/song0.wav --bpm 120 --out out {more}"));
    let found = find("--model made/ranker.onnx --embedding-model mine.onnx -v");
    expect_code(&found, 0);
    assert!(
        stderr(&found).contains("embedding model: mine.onnx (digest"),
        "{}",
        stderr(&found)
    );
    let table = here.join("out/all_loops.csv");
    let of = |prefix: &str| columns(&table).iter().filter(|c| c.starts_with(prefix)).count();
    assert_eq!((of("emb_"), of("openl3_")), (4, 0), "{:?}", columns(&table));
    let again = find("--model made/ranker.onnx --embedding-model mine.onnx");
    assert!(stdout(&again).contains("already"), "{}", stdout(&again));
    let openl3 = find("--embedding-model openl3_tiny.onnx");
    expect_code(&openl3, 0);
    assert!(!stdout(&openl3).contains("already"), "{}", stdout(&openl3));
    assert_eq!((of("emb_"), of("openl3_")), (0, 3), "{:?}", columns(&table));

    // Without it, or with another, there is no ranking.
    let none = find("--model made/ranker.onnx");
    expect_code(&none, 3);
    let said = stderr(&none);
    assert!(
        said.contains("emb_0, emb_1, emb_2, emb_3") && said.contains("--embedding-model") && said.contains("mine.onnx"),
        "{said}"
    );
    let other = find("--model made/ranker.onnx --embedding-model openl3_tiny.onnx");
    expect_code(&other, 3);
    let digest = embedding["digest"].as_str().unwrap();
    assert!(
        stderr(&other).contains(digest) && stderr(&other).contains("openl3_tiny.onnx"),
        "{}",
        stderr(&other)
    );
    for command in ["breaks", "quiet"] {
        let taken = run(
            here,
            &format!(
                "{command} in/song0.wav --bpm 120 --out {command} --model made/ranker.onnx --embedding-model mine.onnx"
            ),
        );
        assert!([Some(0), Some(4)].contains(&taken.status.code()), "{}", stderr(&taken));
    }
    let doctor = run(here, "doctor --embedding-model mine.onnx --model made/ranker.onnx");
    let said = stdout(&doctor);
    assert!(
        said.contains("ok   embedding model") && said.contains("16000 Hz") && said.contains("ok   model "),
        "{said}"
    );
}

#[test]
fn what_cannot_be_used_says_why() {
    let work = work();
    let here = work.path();
    for (arguments, code, named) in [
        ("find in --out out --embedding-model gone.onnx", 3, "gone.onnx"),
        (
            "find in --out out --embedding-model labels.json",
            3,
            "not an ONNX model",
        ),
        ("dataset in --labels labels.json --out x.csv --columns emb", 2, "emb"),
        (
            "dataset in --labels labels.json --out x.csv --columns emb --embedding-model openl3_tiny.onnx",
            2,
            "no such features: emb",
        ),
    ] {
        let run = run(here, arguments);
        expect_code(&run, code);
        assert!(stderr(&run).contains(named), "{}", stderr(&run));
        assert!(!here.join("x.csv").exists());
    }
    fs::write(here.join("loopwright.toml"), "[rank]\nembedding_model = \"\"\n").unwrap();
    let run = run(here, "find in --out out");
    expect_code(&run, 2);
    assert!(stderr(&run).contains("embedding_model"), "{}", stderr(&run));
}
