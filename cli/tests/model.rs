//! `--model`: files by content, columns by name, and what is said of the rest.

mod common;

use std::path::Path;

use common::{Song, expect_code, run_in, stderr, stdout, tree};

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/data");
    std::fs::read(folder.join(name)).unwrap()
}

/// A song, and a model of five features under a name that says nothing.
fn work() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Song::default().write(&folder.path().join("song.wav"));
    std::fs::write(folder.path().join("ranker.bin"), fixture("xgboost/stopped.ubj")).unwrap();
    columns(
        folder.path(),
        r#"["inside_section", "rep_unit", "rep_span", "pt_mel_3", "bars"]"#,
    );
    folder
}

fn columns(folder: &Path, names: &str) {
    std::fs::write(folder.join("ranker.features.json"), names).unwrap();
}

#[test]
fn a_booster_ranks_and_is_part_of_the_settings() {
    let work = work();
    let here = work.path();
    let find = |model: &str| run_in(here, &["find", "song.wav", "--out", "out", "-v", "--model", model]);
    let run = find("ranker.bin");
    expect_code(&run, 0);
    let said = stderr(&run);
    assert!(
        said.contains("model: xgboost-") && said.contains("best_iteration"),
        "{said}"
    );
    assert!(stdout(&run).contains("own scale"), "{}", stdout(&run));
    let first = tree(&here.join("out"));
    assert!(
        stdout(&find("ranker.bin")).contains("already"),
        "{}",
        stdout(&find("ranker.bin"))
    );
    // Other columns are another model, under the same name.
    columns(
        here,
        r#"["rep_span", "inside_section", "rep_unit", "pt_mel_3", "bars"]"#,
    );
    let again = find("ranker.bin");
    assert!(!stdout(&again).contains("already"), "{}", stdout(&again));
    assert_ne!(tree(&here.join("out")), first);
    let heuristic = find("heuristic");
    expect_code(&heuristic, 0);
    assert!(stdout(&heuristic).contains("from 0 to 1"), "{}", stdout(&heuristic));
}

#[test]
fn breaks_quiet_and_predict_take_it_too() {
    let work = work();
    let here = work.path();
    for command in ["breaks", "quiet"] {
        let run = run_in(here, &[command, "song.wav", "--out", command, "--model", "ranker.bin"]);
        assert!([Some(0), Some(4)].contains(&run.status.code()), "{}", stderr(&run));
        let run = run_in(here, &[command, "song.wav", "--out", command, "--model", "nothing.bin"]);
        expect_code(&run, 3);
    }
    let set = here.join("set");
    std::fs::create_dir_all(&set).unwrap();
    let run = run_in(
        here,
        &["predict", "loops", "set", "--out", "p.jsonl", "--model", "nothing.bin"],
    );
    expect_code(&run, 3);
    assert!(stderr(&run).contains("nothing.bin"), "{}", stderr(&run));
}

#[test]
fn what_is_no_model_is_refused_before_any_work() {
    let work = work();
    let here = work.path();
    std::fs::write(here.join("notes.onnx"), "buy milk, and bread for tomorrow").unwrap();
    std::fs::write(here.join("net.pt"), b"PK\x03\x04\0\0\0\0 archive/data.pkl and more").unwrap();
    columns(
        here,
        r#"["inside_section", "rep_unit", "rep_span", "openl3_3", "bars"]"#,
    );
    for (file, word) in [
        ("missing.json", "cannot read"),
        ("notes.onnx", "text"),
        ("net.pt", "nothing in it was read or run"),
        ("ranker.bin", "openl3_3"),
        ("shipped", "heuristic"),
    ] {
        let run = run_in(here, &["find", "song.wav", "--out", "loops", "--model", file]);
        if file == "shipped" && run.status.success() {
            // A build with a model in it.
            continue;
        }
        expect_code(&run, 3);
        let said = stderr(&run);
        assert!(said.contains(file) && said.contains(word), "{said}");
        assert!(!here.join("loops").exists());
    }
    expect_code(&run_in(here, &["find", "song.wav", "--out", "loops", "--model", ""]), 2);
}

#[test]
fn doctor_checks_a_model() {
    let work = work();
    let here = work.path();
    let run = run_in(here, &["doctor", "--model", "ranker.bin"]);
    let said = stdout(&run);
    for word in [
        "kind XGBoost",
        "reg:squarederror",
        "5 columns",
        "pt_mel_3",
        "best_iteration",
    ] {
        assert!(said.contains(word), "{said}");
    }
    columns(here, r#"["inside_section", "rep_unit"]"#);
    let run = run_in(here, &["doctor", "--model", "ranker.bin"]);
    assert!(stdout(&run).contains("FAIL model"), "{}", stdout(&run));
    assert!(!run.status.success());
}

#[test]
fn the_setting_can_come_from_a_file() {
    let work = work();
    let here = work.path();
    std::fs::write(here.join("loopwright.toml"), "[rank]\nmodel = \"missing.onnx\"\n").unwrap();
    let find = |more: &[&str]| {
        let arguments: Vec<&str> = ["find", "song.wav", "--dry-run"].iter().chain(more).copied().collect();
        run_in(here, &arguments)
    };
    expect_code(&find(&[]), 3);
    expect_code(&find(&["--model", "heuristic"]), 0);
    let shown = stdout(&run_in(here, &["config"]));
    assert!(shown.contains("model = \"missing.onnx\""), "{shown}");
}
