//! `docs/FORMATS.md` says what the tool writes: every column, field, setting and feature, each under its own heading.
//! What is new and not yet written down fails here. `UPDATE_GOLDEN=1 cargo test` writes the table of features anew.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Song, expect_code, run_in, stdout, tree};
use loopwright_core::config::Config;
use loopwright_core::export::name;
use loopwright_core::features::{Feature, REGISTRY};
use serde_json::Value;

/// The features that the Python pipeline had: those who come from it find them here under their names.
const PYTHON: [&str; 15] = [
    "bars",
    "rms_mean",
    "onset_mean",
    "perc_rms",
    "harm_rms",
    "perc_to_total_rms",
    "harm_to_total_rms",
    "perc_onset_mean",
    "perc_onset_std",
    "boundary_perc_rms_start",
    "boundary_perc_rms_end",
    "boundary_perc_onset_start",
    "boundary_perc_onset_end",
    "boundary_quiet_score",
    "pt_mel",
];

const FIRST: &str = "<!-- features: begin -->\n";
const LAST: &str = "<!-- features: end -->";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/FORMATS.md")
}

fn text() -> String {
    fs::read_to_string(path()).unwrap().replace("\r\n", "\n")
}

/// The text from the heading `## title` to the next one of that rank.
#[track_caller]
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, rest) = text
        .split_once(&format!("\n## {title}\n"))
        .unwrap_or_else(|| panic!("docs/FORMATS.md has no section `## {title}`"));
    rest.split_once("\n## ").map_or(rest, |(own, _)| own)
}

#[track_caller]
fn says(section: &str, title: &str, names: impl IntoIterator<Item = String>) {
    let missing: Vec<String> = names
        .into_iter()
        .filter(|name| !section.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/FORMATS.md, section `{title}`, does not explain: {missing:?}"
    );
}

/// The keys of all objects in a value.
fn keys(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            into.insert(key.clone());
            keys(value, into);
        }),
        Value::Array(list) => list.iter().for_each(|value| keys(value, into)),
        _ => {}
    }
}

fn keys_of(lines: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in lines.lines() {
        keys(&serde_json::from_str(line).unwrap(), &mut found);
    }
    assert!(!found.is_empty());
    found
}

fn row(f: &Feature) -> String {
    let name = if f.width == 1 {
        format!("`{}`", f.name)
    } else {
        format!("`{}_0` … `{}_{}`", f.name, f.name, f.width - 1)
    };
    let python = if PYTHON.contains(&f.name) { "yes" } else { "" };
    let [unit, range, doc] = [f.unit, f.range, f.doc].map(|t| t.replace('|', "\\|"));
    let unit = if unit.is_empty() { "–" } else { &unit };
    format!("| {name} | {python} | {unit} | {range} | {doc} |\n")
}

#[test]
fn every_feature_is_explained_as_the_registry_explains_it() {
    for name in PYTHON {
        assert!(
            REGISTRY.iter().any(|f| f.name == name),
            "{name}, which the Python pipeline had, is gone"
        );
    }
    let text = text();
    let (before, rest) = text.split_once(FIRST).expect("a table of features");
    let (table, after) = rest.split_once(LAST).expect("an end of the table of features");
    let mut made = String::from("| column | Python | unit | range | meaning |\n|---|---|---|---|---|\n");
    REGISTRY.iter().for_each(|f| made += &row(f));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path(), format!("{before}{FIRST}{made}{LAST}{after}")).unwrap();
        return;
    }
    assert!(
        table == made,
        "the table of features in docs/FORMATS.md is not that of the registry; UPDATE_GOLDEN=1 writes it anew"
    );
}

#[test]
fn every_setting_is_explained_with_its_default() {
    let text = text();
    let settings = section(&text, "Settings: loopwright.toml");
    let defaults = serde_json::to_value(Config::default()).unwrap();
    let mut missing = Vec::new();
    for (name, keys) in defaults.as_object().unwrap() {
        let own = settings
            .split_once(&format!("\n### [{name}]\n"))
            .unwrap_or_else(|| panic!("docs/FORMATS.md has no settings `### [{name}]`"))
            .1;
        let own = own.split_once("\n### ").map_or(own, |(own, _)| own);
        for (key, value) in keys.as_object().unwrap() {
            let default = match toml::Value::try_from(value) {
                Ok(value) => format!("`{value}`"),
                Err(_) => "not set".into(),
            };
            let row = format!("| `{key}` | {default} |");
            if !own.contains(&row) {
                missing.push(format!("[{name}] {row}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "docs/FORMATS.md has no such rows:\n{}",
        missing.join("\n")
    );
    says(
        section(&text, "File names"),
        "File names",
        name::FIELDS.map(|f| format!("{{{f}}}")),
    );
}

#[test]
fn everything_that_find_writes_is_explained() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("song.wav"));
    fs::write(work.path().join("broken.wav"), "no audio").unwrap();
    let run = run_in(
        work.path(),
        &[
            "find",
            "song.wav",
            "broken.wav",
            "--out",
            "out",
            "--json",
            "--format",
            "wav",
            "--quiet",
        ],
    );
    expect_code(&run, 1);
    let text = text();
    says(section(&text, "find --json"), "find --json", keys_of(&stdout(&run)));

    let files = tree(&work.path().join("out"));
    let read = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    let mut found = BTreeSet::new();
    keys(&serde_json::from_str(&read("manifest.json")).unwrap(), &mut found);
    says(section(&text, "manifest.json"), "manifest.json", found);

    let features: BTreeSet<String> = REGISTRY
        .iter()
        .filter(|f| f.width == 1)
        .map(|f| f.name.to_owned())
        .collect();
    let tables = section(&text, "Tables");
    for table in ["all_loops.csv", "song/loops_metadata.csv"] {
        let csv = read(table);
        let header = csv.lines().next().unwrap().split(',');
        let own = header
            .filter(|c| !features.contains(*c) || *c == "bars")
            .filter(|c| !c.starts_with("pt_mel_"))
            .map(str::to_owned);
        says(tables, "Tables", own);
    }
    says(
        tables,
        "Tables",
        keys_of(&read("all_loops.jsonl"))
            .into_iter()
            .filter(|k| !features.contains(k) && !k.starts_with("pt_mel_")),
    );

    let wav = &files[*common::loops(&files).first().unwrap()];
    let chunks = section(&text, "WAV");
    let mut at = 12;
    let mut seen = 0;
    while at + 8 <= wav.len() {
        let id = String::from_utf8_lossy(&wav[at..at + 4]).into_owned();
        let size = u32::from_le_bytes(wav[at + 4..at + 8].try_into().unwrap()) as usize;
        // Those whose place and size do not depend on the loop.
        let said = match id.as_str() {
            "fmt " | "acid" | "smpl" => format!("| `{id}` | {at} | {size} |"),
            "cue " => format!("| `{id}` | {at} |"),
            _ => format!("| `{id}"),
        };
        assert!(chunks.contains(&said), "docs/FORMATS.md, section `WAV`, lacks: {said}");
        seen += 1;
        at += 8 + size + size % 2;
    }
    assert_eq!(seen, 7);
}

#[test]
fn everything_that_breaks_writes_is_explained() {
    let work = tempfile::tempdir().unwrap();
    Song {
        bass: false,
        ..Song::default()
    }
    .write(&work.path().join("song.wav"));
    let run = run_in(
        work.path(),
        &["breaks", "song.wav", "--out", "out", "--json", "--quiet"],
    );
    expect_code(&run, 0);
    let title = "Breaks, hits and kits";
    let text = text();
    // Names of classes are content; what lines of every command have is said with `find`.
    let shared = keys_of(&stdout(&run_in(
        work.path(),
        &["find", "song.wav", "--dry-run", "--json", "--quiet"],
    )));
    let classes: Vec<&str> = loopwright_core::drums::class::Drum::ALL
        .iter()
        .map(|d| d.name())
        .collect();
    let own = |k: &String| !shared.contains(k) && !classes.contains(&k.as_str());
    says(
        section(&text, title),
        title,
        keys_of(&stdout(&run)).into_iter().filter(own),
    );
    let files = tree(&work.path().join("out"));
    for table in [
        "all_breaks.csv",
        "song_drum_breaks.csv",
        "song/break_01/hits/hits_metadata.csv",
        "song/break_01/hits/clusters.csv",
    ] {
        let csv = String::from_utf8(files[table].clone()).unwrap();
        let header = csv.lines().next().unwrap().split(',');
        let probability = |c: &&str| classes.iter().any(|d| **c == format!("p_{d}"));
        says(
            section(&text, title),
            title,
            header.filter(|c| !probability(c)).map(str::to_owned),
        );
    }
}

#[test]
fn everything_that_the_other_commands_print_is_explained() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("song.wav"));
    fs::write(
        work.path().join("manifest.json"),
        r#"[{"id": "a", "audio": "song.wav"}]"#,
    )
    .unwrap();
    let text = text();
    let json = |arguments: &[&str]| {
        let run = run_in(work.path(), arguments);
        expect_code(&run, 0);
        keys_of(&stdout(&run))
    };
    says(
        section(&text, "analyze --json"),
        "analyze --json",
        json(&["analyze", "song.wav", "--json"]),
    );
    says(
        section(&text, "features --json, doctor --json"),
        "features --json, doctor --json",
        json(&["features", "--json"]),
    );
    says(
        section(&text, "features --json, doctor --json"),
        "features --json, doctor --json",
        json(&["doctor", "--json"]),
    );
    for task in ["beats", "loops", "onsets", "oneshots", "looptempo", "neighbours"] {
        let run = run_in(work.path(), &["predict", task, ".", "--out", "p.jsonl", "--quiet"]);
        expect_code(&run, 0);
        let lines = fs::read_to_string(work.path().join("p.jsonl")).unwrap();
        says(section(&text, "predict"), "predict", keys_of(&lines));
    }
}
