//! Every table of every command, as CSV and as Parquet: the same cells, by the `parquet` crate, by pyarrow and by DuckDB.
#![cfg(all(feature = "parquet", feature = "onnx"))]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{Song, assert_same, expect_code, run_in, stderr, stdout, tree, write_wav};
use loopwright_core::export::table::undisarmed;
use loopwright_core::export::twin::{Kind, known_kind};
use parquet::basic::Type as Physical;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

const RATE: u32 = 22_050;
const PARQUET: [&str; 2] = ["--format", "parquet"];

/// Eight bars of drums alone, then eight of plucked eighths over a held bass, at 120 BPM.
fn song(path: &Path, seed: u32) {
    let drums = Song {
        bars: 8,
        bass: false,
        seed,
        ..Song::default()
    };
    let mut x = drums.samples();
    let drummed = x.len();
    x.resize(2 * drummed, 0.0);
    let rate = f64::from(RATE);
    let tau = std::f64::consts::TAU;
    for k in 0..64 {
        let note = [57, 60, 64, 69, 67, 64, 60, 62][k % 8] + [0, -4, 3, -2][k / 8 % 4];
        let hz = 440.0 * (f64::from(note - 69) / 12.0).exp2();
        let from = drummed + (k as f64 * 0.25 * rate) as usize;
        for (i, v) in x[from..].iter_mut().take(12_000).enumerate() {
            let t = i as f64 / rate;
            let partial = |p: f64| (tau * hz * p * t).sin() / p * (-t * (3.0 + 2.0 * p)).exp();
            *v += (0.2 * (t * 300.0).min(1.0) * (1..7).map(|p| partial(f64::from(p))).sum::<f64>()) as f32;
        }
    }
    for (i, v) in x[drummed..].iter_mut().enumerate() {
        let t = i as f64 / rate;
        let hz = [55.0, 43.65, 65.4, 49.0][(t / 4.0) as usize % 4];
        *v += (0.1 * (tau * hz * t).sin() + 0.05 * (2.0 * tau * hz * t).sin()) as f32;
    }
    write_wav(path, &x, RATE, 2);
}

/// Two songs under names that are a formula and a number, so that text may not be taken for something else.
fn songs(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    song(&folder.join("=1+1.wav"), 1);
    song(&folder.join("1999.wav"), 2);
}

fn run(at: &Path, line: &str, more: &[&str]) -> Output {
    let arguments: Vec<&str> = line.split(' ').chain(more.iter().copied()).collect();
    let run = run_in(at, &arguments);
    expect_code(&run, 0);
    run
}

/// The commands that write folders, of the files in `in`.
const FOLDERS: [(&str, &str); 3] = [
    ("find", "find in --top 3 --bars 2,4 -q --json --out"),
    ("breaks", "breaks in --top 1 --no-stems --no-kit -q --json --out"),
    ("quiet", "quiet in --bars 4 --top 1 -q --json --out"),
];

/// Runs every command that writes a table, in both forms.
fn all_commands(at: &Path) {
    songs(&at.join("in"));
    for (out, line) in FOLDERS {
        run(at, line, &[&[out], &PARQUET[..]].concat());
    }
    run(at, "merge find breaks quiet --out merged -q", &[]);
    run(at, "contact-map find --out map -q --format parquet", &[]);
    run(
        at,
        "contact-map find --out pairs --max-exact 1 -q --format csv --format parquet",
        &[],
    );
    fs::create_dir(at.join("named")).unwrap();
    fs::write(at.join("t.json"), r#"{"=1+1": [6.0], "1999": [3.0]}"#).unwrap();
    for ending in ["csv", "parquet"] {
        let query = "neighbors in/1999.wav --in in find -q --out";
        run(at, query, &[&format!("named/near.{ending}")]);
        run(
            at,
            "dataset in --timestamps t.json --bpm 120 --bars 2,4 -q --annotate --out",
            &[&format!("named/data.{ending}")],
        );
        run(
            at,
            "evaluate named/data.csv --per-track",
            &[&format!("named/scores.{ending}")],
        );
    }
    tags(at);
}

/// A model of tags learnt from short loops whose names tell them, and what it says.
fn tags(at: &Path) {
    fs::create_dir(at.join("set")).unwrap();
    for (g, genre) in ["techno", "hiphop", "ambient"].into_iter().enumerate() {
        for i in 0..6u32 {
            let song = Song {
                bars: 2,
                bpm: [132.0, 88.0, 70.0][g] + f64::from(i),
                bass: g > 0,
                seed: i + 10 * g as u32,
                ..Song::default()
            };
            song.write(&at.join(format!("set/{genre}_{i}.wav")));
        }
    }
    write_wav(&at.join("set/silent.wav"), &vec![0.0; 22_050], RATE, 1);
    run(
        at,
        "train tags set --label-source filename --out tags.onnx --rounds 5 --folds 2 -q --learner linear",
        &[],
    );
    for ending in ["csv", "parquet"] {
        run(
            at,
            "classify set --model tags.onnx -q --out",
            &[&format!("named/tags.{ending}")],
        );
    }
}

/// The tables under `at` by their paths without the ending: of each both forms must be there.
fn tables(at: &Path) -> Vec<PathBuf> {
    let files = tree(at);
    let stems = |ending: &str| -> Vec<PathBuf> {
        files
            .keys()
            .filter_map(|f| f.strip_suffix(ending))
            .map(|f| at.join(f))
            .collect()
    };
    assert_eq!(stems(".csv"), stems(".parquet"));
    stems(".csv")
}

/// `stem` with an ending: names may have dots.
fn ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Compares a table's two forms; gives how many cells there are.
fn compare(stem: &Path) -> usize {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(ending(stem, ".csv"))
        .unwrap();
    let mut records = reader.records().map(Result::unwrap);
    let mut names: Vec<String> = records
        .next()
        .unwrap()
        .iter()
        .map(|n| undisarmed(n).to_owned())
        .collect();
    let rows: Vec<csv::StringRecord> = records.collect();
    let file = SerializedFileReader::new(File::open(ending(stem, ".parquet")).unwrap()).unwrap();
    let meta = file.metadata().file_metadata();
    let columns = meta.schema_descr().columns();
    let matrix = names[0].is_empty();
    if matrix {
        names[0] = "file".into();
    }
    assert_eq!(
        columns.iter().map(|c| c.name()).collect::<Vec<_>>(),
        names,
        "{}",
        stem.display()
    );
    assert_eq!(meta.num_rows() as usize, rows.len(), "{}", stem.display());
    for (c, column) in columns.iter().enumerate() {
        let kind = match column.physical_type() {
            Physical::INT64 => Kind::Int,
            Physical::DOUBLE => Kind::Double,
            Physical::FLOAT => Kind::Float,
            Physical::BOOLEAN => Kind::Bool,
            _ => Kind::Text,
        };
        // Of a dataset features are single, and section and content are numbers.
        let known = if matrix && c > 0 {
            Kind::Double
        } else {
            known_kind(column.name())
        };
        let fits = kind == known || stem.ends_with("named/data") && matches!(kind, Kind::Float | Kind::Int);
        assert!(fits, "{}: {} is {kind:?}, not {known:?}", stem.display(), column.name());
    }
    for (r, (row, record)) in file.get_row_iter(None).unwrap().zip(&rows).enumerate() {
        for ((name, field), text) in row.unwrap().get_column_iter().zip(record) {
            let same = match field {
                Field::Null => text.is_empty(),
                Field::Str(t) => t == undisarmed(text),
                Field::Long(i) => text.parse() == Ok(*i),
                Field::Double(x) => text.parse() == Ok(*x),
                Field::Float(x) => text.parse() == Ok(*x),
                Field::Bool(b) => text.parse() == Ok(*b),
                _ => false,
            };
            assert!(same, "{}: {name}, row {r}: {field:?}, not {text:?}", stem.display());
        }
    }
    rows.len() * names.len()
}

/// A Python with pyarrow and DuckDB: the one that `$LOOPWRIGHT_TABLES_PYTHON` names, which `cargo xtask test` makes, else
/// whatever is there.
fn python() -> Option<String> {
    let named = std::env::var("LOOPWRIGHT_TABLES_PYTHON").ok();
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let able = Command::new(&python)
        .args(["-c", "import duckdb, pyarrow.parquet"])
        .output();
    if able.is_ok_and(|o| o.status.success()) {
        return Some(python);
    }
    assert!(named.is_none(), "{python} lacks pyarrow or DuckDB");
    eprintln!("pyarrow, DuckDB: SKIPPED, {python} has none; $LOOPWRIGHT_TABLES_PYTHON names another Python");
    None
}

fn check(python: &str, folder: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tables/check.py");
    Command::new(python).arg(script).arg(folder).output().unwrap()
}

#[test]
fn every_table_of_every_command_is_the_same_in_both_forms() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    all_commands(at);
    let stems = tables(at);
    let named: Vec<String> = stems.iter().map(|s| s.to_string_lossy().replace('\\', "/")).collect();
    for name in [
        "find/all_loops",
        "find/=1+1/loops_metadata",
        "breaks/all_breaks",
        "breaks/1999_drum_breaks",
        "breaks/1999/break_01/hits/hits_metadata",
        "breaks/1999/break_01/hits/clusters",
        "quiet/all_quiet_loops",
        "quiet/1999_quiet_loops_and_slices",
        "quiet/1999/loop_01/slices_08/1999_loop01_08_slices",
        "merged/1999/loops_metadata",
        "merged/1999/break_01/hits/clusters",
        "map/contact_similarity_matrix",
        "map/contact_similarity_matrix_raw",
        "map/contact_distance_matrix",
        "map/contact_stretch_ratio_matrix",
        "map/contact_map_labels",
        "map/contact_map_order",
        "map/contact_top_pairs",
        "map/contact_nearest_neighbors",
        "pairs/contact_pairs",
        "named/near",
        "named/data",
        "named/scores",
        "named/tags",
    ] {
        assert!(
            named.iter().any(|n| n.ends_with(&format!("/{name}"))),
            "no {name} among {named:#?}"
        );
    }
    let cells: usize = stems.iter().map(|stem| compare(stem)).sum();
    assert!(cells > 5_000, "{cells}");
    // Text as it is: no guard, and no number where text looks like one.
    let manifest: Value = serde_json::from_slice(&fs::read(at.join("find/manifest.json")).unwrap()).unwrap();
    assert!(manifest.to_string().contains("1999/loops_metadata.parquet"));

    let Some(python) = python() else { return };
    let checked = check(&python, at);
    expect_code(&checked, 0);
    assert!(stdout(&checked).starts_with(&format!("{} tables, {cells} cells", stems.len())));
    println!("{}", stdout(&checked));
    // What is wrong is found: a number, a text, a row, a table without the other form.
    let near = fs::read_to_string(at.join("named/near.csv")).unwrap();
    let (header, row) = (near.lines().next().unwrap(), near.lines().nth(1).unwrap());
    let mut cells: Vec<&str> = row.split(',').collect();
    cells[3] = "0.123";
    let wrong = [
        (
            format!("{header}\n{}\n", cells.join(",")) + &rest(&near),
            "similarity, row 1",
        ),
        (near.replacen("1999.wav", "2000.wav", 1), "file, row 1"),
        (format!("{near}{row}\n"), "rows, not"),
    ];
    for (i, (text, said)) in wrong.iter().enumerate() {
        let folder = at.join(format!("wrong{i}"));
        fs::create_dir(&folder).unwrap();
        fs::copy(at.join("named/near.parquet"), folder.join("near.parquet")).unwrap();
        fs::write(folder.join("near.csv"), text).unwrap();
        let checked = check(&python, &folder);
        expect_code(&checked, 1);
        assert!(stderr(&checked).contains(said), "{said}: {}", stderr(&checked));
    }
    fs::remove_file(at.join("wrong0/near.parquet")).unwrap();
    expect_code(&check(&python, &at.join("wrong0")), 1);
}

/// The lines from the third on.
fn rest(text: &str) -> String {
    text.lines().skip(2).map(|l| format!("{l}\n")).collect()
}

#[test]
fn parquet_that_is_asked_for_later_is_that_of_one_run_and_nothing_is_analysed_again() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    songs(&at.join("in"));
    for (name, line) in FOLDERS {
        let whole = format!("{name} whole");
        let later = format!("{name} later");
        run(at, line, &[&[whole.as_str()], &PARQUET[..]].concat());
        run(at, line, &[&later]);
        let plain = tree(&at.join(&later));
        assert!(plain.keys().all(|f| !f.ends_with(".parquet")));
        let resumed = run(at, line, &[&[later.as_str()], &PARQUET[..]].concat());
        let summary: Value = serde_json::from_str(stdout(&resumed).lines().last().unwrap()).unwrap();
        assert_eq!(summary["resumed"], 2, "{name}: {summary}");
        assert_same(&tree(&at.join(&whole)), &tree(&at.join(&later)));
        assert!(tables(&at.join(&later)).len() > 2);
        // What was there before is as it was, but for the manifest, which lists more.
        let now: BTreeMap<_, _> = tree(&at.join(&later));
        for (file, bytes) in plain.iter().filter(|(f, _)| !f.ends_with("manifest.json")) {
            assert!(now[file] == *bytes, "{file} differs");
        }
    }
}
