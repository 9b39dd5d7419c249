//! `loopwright contact-map` as a user runs it.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{assert_same, expect_code, run_in, stderr, stdout, tree, write_wav};
use serde_json::Value;

const RATE: u32 = 22_050;

/// Four beats' worth of sixteenths, twice over, at 120 BPM: kicks and hats where the pattern has bits; `voice` sets how they
/// sound.
fn beat(pattern: u32, voice: u32) -> Vec<f32> {
    let rate = f64::from(RATE);
    let mut out = vec![0.0f32; 4 * RATE as usize];
    let mut noise = 12_345 + voice;
    let mut white = move || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(noise >> 8) / f64::from(1 << 23) - 1.0
    };
    for step in 0..32u32 {
        let start = (f64::from(step) * 0.125 * rate) as usize;
        let low = pattern >> (step % 16) & 1 == 1;
        let high = pattern.rotate_left(5) >> (step % 16) & 1 == 1;
        for (i, x) in out[start..].iter_mut().take(2_600).enumerate() {
            let t = i as f64 / rate;
            let hz = 50.0 + 4.0 * f64::from(voice);
            if low {
                *x += (0.6 * (-t * 20.0).exp() * (std::f64::consts::TAU * hz * t).sin()) as f32;
            }
            if high {
                *x += (0.2 * (-t * (50.0 + 5.0 * f64::from(voice))).exp() * white()) as f32;
            }
        }
    }
    out
}

const PATTERNS: [u32; 3] = [0x1111, 0x8a25, 0x4d49];

/// Three patterns with four voices each, in an order that mixes them.
fn set(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for voice in 0..4 {
        for (p, pattern) in PATTERNS.iter().enumerate() {
            let path = folder.join(format!("{voice}{} p{p}.wav", (p + voice as usize) % 3));
            write_wav(&path, &beat(*pattern, voice), RATE, 1);
        }
    }
}

fn rows(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<Vec<String>> {
    let mut csv = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&files[name][..]);
    let rows = csv.records().map(|r| r.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

fn matrix(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<Vec<f64>> {
    let rows = rows(files, name);
    assert_eq!(rows[0][0], "");
    let n = rows[0].len() - 1;
    assert_eq!(rows.len(), n + 1);
    for (i, row) in rows[1..].iter().enumerate() {
        assert_eq!(row[0], rows[0][i + 1], "{name}");
    }
    rows[1..]
        .iter()
        .map(|r| r[1..].iter().map(|x| x.parse().unwrap()).collect())
        .collect()
}

const TABLES: [&str; 4] = [
    "contact_map_labels.csv",
    "contact_map_order.csv",
    "contact_nearest_neighbors.csv",
    "contact_top_pairs.csv",
];
const MATRICES: [&str; 4] = [
    "contact_distance_matrix.csv",
    "contact_similarity_matrix.csv",
    "contact_similarity_matrix_raw.csv",
    "contact_stretch_ratio_matrix.csv",
];

#[test]
fn everything_is_written_under_the_names_of_old_and_groups_are_found() {
    let work = tempfile::tempdir().unwrap();
    set(&work.path().join("loops"));
    let arguments = [
        "contact-map",
        "loops",
        "--out",
        "map",
        "--self-tune-k",
        "3",
        "--top-k-neighbors",
        "3",
    ];
    let run = run_in(work.path(), &arguments);
    expect_code(&run, 0);
    assert!(
        stdout(&run).starts_with("12 loops, 66 pairs aligned, "),
        "{}",
        stdout(&run)
    );
    let files = tree(&work.path().join("map"));

    let pictures = [
        "contact_similarity_matrix.png",
        "contact_similarity_matrix_ordered.png",
        "contact_similarity_matrix_raw.png",
        "contact_similarity_matrix_raw_ordered.png",
    ];
    let mut names: Vec<&str> = TABLES.iter().chain(&MATRICES).chain(&pictures).copied().collect();
    names.push("contact_map_summary.json");
    names.sort_unstable();
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), names);
    for name in pictures {
        assert!(files[name].starts_with(b"\x89PNG"), "{name}");
    }

    let header = |name: &str| rows(&files, name)[0].join(",");
    assert_eq!(header(TABLES[0]), "file,contact_bin,contact_tags,fiedler_value");
    assert_eq!(header(TABLES[1]), "rank,file,index");
    assert_eq!(
        header(TABLES[2]),
        "file,neighbor_rank,neighbor_file,similarity,distance,stretch_ratio_neighbor_over_file"
    );
    assert_eq!(
        header(TABLES[3]),
        "file_i,file_j,similarity,distance,stretch_ratio_j_over_i"
    );

    let matrices: Vec<Vec<Vec<f64>>> = MATRICES.iter().map(|m| matrix(&files, m)).collect();
    for i in 0..12 {
        for j in 0..12 {
            for (name, m) in MATRICES.iter().zip(&matrices).take(3) {
                assert_eq!(m[i][j], m[j][i], "{name} {i} {j}");
            }
            assert!((matrices[3][i][j] * matrices[3][j][i] - 1.0).abs() < 1e-5, "{i} {j}");
        }
        assert_eq!([0, 1, 2, 3].map(|m: usize| matrices[m][i][i]), [0.0, 1.0, 1.0, 1.0]);
    }

    // Loops of one pattern are each other's three neighbours, and stand together in the order.
    let pattern = |name: &str| name.split(" p").nth(1).unwrap().to_owned();
    let neighbors = rows(&files, TABLES[2]);
    assert_eq!(neighbors.len(), 1 + 12 * 3);
    for row in &neighbors[1..] {
        assert_eq!(pattern(&row[0]), pattern(&row[2]), "{row:?}");
        assert!(row[0].starts_with("loops/"));
    }
    let order = rows(&files, TABLES[1]);
    let mut groups: Vec<String> = order[1..].iter().map(|r| pattern(&r[1])).collect();
    assert_eq!(order[1][0], "0");
    assert_eq!(groups.len(), 12);
    groups.dedup();
    assert_eq!(groups.len(), 3, "{order:?}");

    let labels = rows(&files, TABLES[0]);
    for row in &labels[1..] {
        assert!(row[2].starts_with(&format!("cm_bin_{};lap_e1_", row[1])), "{row:?}");
    }
    for bin in 0..4 {
        assert_eq!(labels[1..].iter().filter(|r| r[1] == bin.to_string()).count(), 3);
    }

    let summary: Value = serde_json::from_slice(&files["contact_map_summary.json"]).unwrap();
    assert_eq!(
        (&summary["n_files"], &summary["exact"], &summary["schema"]),
        (&12.into(), &true.into(), &1.into())
    );
    assert_eq!(summary["params"]["self_tune_k"], 3);
    assert_eq!(summary["laplacian_eigenvalues"].as_array().unwrap().len(), 10);
    assert_eq!(summary["top_overlaps"].as_array().unwrap().len(), 50);
    let artifacts: Vec<&str> = summary["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a.as_str().unwrap())
        .collect();
    assert!(names.iter().all(|n| artifacts.contains(n)) && artifacts.len() == names.len());

    // The same bytes for any number of threads.
    let again = run_in(
        work.path(),
        &[&arguments[..3], &["again", "--jobs", "5"], &arguments[4..]].concat(),
    );
    expect_code(&again, 0);
    assert_same(&files, &tree(&work.path().join("again")));
}

#[test]
fn sharpening_by_sinkhorn_gives_rows_that_sum_to_one_and_none_the_raw_ones() {
    let work = tempfile::tempdir().unwrap();
    set(&work.path().join("loops"));
    for how in ["sinkhorn", "none"] {
        expect_code(
            &run_in(
                work.path(),
                &["contact-map", "loops", "--out", how, "--sharpen", how, "--quiet"],
            ),
            0,
        );
        let files = tree(&work.path().join(how));
        let (sharp, raw) = (matrix(&files, MATRICES[1]), matrix(&files, MATRICES[2]));
        if how == "none" {
            assert_eq!(sharp, raw);
        } else {
            for row in &sharp {
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-5);
            }
        }
        let summary: Value = serde_json::from_slice(&files["contact_map_summary.json"]).unwrap();
        assert_eq!(summary["params"]["sharpen"], how);
    }
}

#[test]
fn what_cannot_be_compared_is_told_and_the_map_goes_on() {
    let work = tempfile::tempdir().unwrap();
    let loops = work.path().join("loops");
    std::fs::create_dir_all(&loops).unwrap();
    write_wav(&loops.join("=cmd()|'x'!A1.wav"), &beat(PATTERNS[0], 0), RATE, 1);
    write_wav(&loops.join("Ünïcode 音.wav"), &beat(PATTERNS[0], 0), RATE, 2);
    write_wav(&loops.join("third.wav"), &beat(PATTERNS[1], 1), RATE, 1);
    write_wav(&loops.join("silent.wav"), &vec![0.0; 44_100], RATE, 1);
    write_wav(&loops.join("click.wav"), &[0.5; 900], RATE, 1);
    std::fs::write(loops.join("broken.wav"), b"RIFF, and then no more").unwrap();
    let run = run_in(&loops, &["contact-map", ".", "--out", "../map", "--json"]);
    expect_code(&run, 1);
    let lines: Vec<Value> = stdout(&run).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    for (line, name) in lines.iter().zip(["broken.wav", "click.wav", "silent.wav"]) {
        assert_eq!(line["type"], "failure");
        assert!(line["file"].as_str().unwrap().ends_with(name), "{line}");
        assert!(stderr(&run).contains(name));
    }
    assert_eq!(
        (&lines[3]["type"], &lines[3]["n_files"]),
        (&"contact_map".into(), &3.into())
    );
    assert_eq!(lines[3]["failed"].as_array().unwrap().len(), 3);
    // A duplicate is the nearest there is: distance 0.
    let files = tree(&work.path().join("map"));
    let neighbors = rows(&files, TABLES[2]);
    let first = neighbors.iter().find(|r| r[0].contains("cmd")).unwrap();
    assert!(
        first[2].contains("Ünïcode 音") && first[4].parse::<f64>().unwrap() < 1e-5,
        "{first:?}"
    );

    // Named outright, a name that begins like a formula is guarded wherever it stands.
    let run = run_in(
        &loops,
        &["contact-map", "=cmd()|'x'!A1.wav", "third.wav", "--out", "../two"],
    );
    expect_code(&run, 0);
    let files = tree(&work.path().join("two"));
    for name in TABLES.iter().chain(&MATRICES) {
        for row in rows(&files, name) {
            assert!(row.iter().all(|cell| !cell.starts_with('=')), "{name}: {row:?}");
        }
    }
}

#[test]
fn nothing_one_and_too_many() {
    let work = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(work.path().join("empty")).unwrap();
    let run = run_in(work.path(), &["contact-map", "empty", "--out", "map"]);
    expect_code(&run, 4);
    assert!(stderr(&run).contains("no audio files"));
    assert!(!work.path().join("map").exists());

    let one = work.path().join("one");
    std::fs::create_dir_all(&one).unwrap();
    write_wav(&one.join("a.wav"), &beat(PATTERNS[0], 0), RATE, 1);
    expect_code(
        &run_in(work.path(), &["contact-map", "one", "--out", "map", "--quiet"]),
        0,
    );
    let files = tree(&work.path().join("map"));
    assert_eq!(files.len(), 13);
    assert_eq!(rows(&files, MATRICES[1]), [["", "one/a.wav"], ["one/a.wav", "1.0"]]);
    assert_eq!(rows(&files, TABLES[0])[1], ["one/a.wav", "0", "cm_bin_0", "0.0"]);
    assert_eq!(rows(&files, TABLES[2]).len(), 1);

    // Nothing but what cannot be compared: no map.
    write_wav(&work.path().join("empty/silent.wav"), &vec![0.0; 44_100], RATE, 1);
    let run = run_in(work.path(), &["contact-map", "empty", "--out", "none"]);
    expect_code(&run, 1);
    assert!(stdout(&run).contains("No map"));

    // More than asked for: told by name.
    write_wav(&one.join("b.wav"), &beat(PATTERNS[1], 0), RATE, 1);
    write_wav(&one.join("c.wav"), &beat(PATTERNS[2], 0), RATE, 1);
    let run = run_in(work.path(), &["contact-map", "one", "--out", "cut", "--max-files", "2"]);
    expect_code(&run, 0);
    assert!(
        stdout(&run).contains("--max-files is 2: one/c.wav."),
        "{}",
        stdout(&run)
    );
    let summary: Value = serde_json::from_slice(&tree(&work.path().join("cut"))["contact_map_summary.json"]).unwrap();
    assert_eq!(summary["left_out"], serde_json::json!(["one/c.wav"]));
    expect_code(
        &run_in(work.path(), &["contact-map", "one", "--out", "x", "--max-frames", "2"]),
        2,
    );
}

#[test]
fn beyond_the_exact_size_pairs_stand_in_place_of_matrices() {
    let work = tempfile::tempdir().unwrap();
    set(&work.path().join("loops"));
    expect_code(
        &run_in(work.path(), &["contact-map", "loops", "--out", "map", "--quiet"]),
        0,
    );
    let exact = rows(&tree(&work.path().join("map")), TABLES[2]);
    let run = run_in(
        work.path(),
        &["contact-map", "loops", "--out", "map", "--quiet", "--max-exact", "5"],
    );
    expect_code(&run, 0);
    let files = tree(&work.path().join("map"));
    // Matrices of the earlier run are gone.
    assert!(MATRICES.iter().all(|m| !files.contains_key(*m)));
    let pairs = rows(&files, "contact_pairs.csv");
    assert_eq!(
        pairs[0].join(","),
        "file_i,file_j,similarity,similarity_raw,distance,overlap,stretch_ratio_j_over_i"
    );
    // So few loops are all proposed: the answers are those of all pairs.
    assert_eq!(pairs.len(), 1 + 66);
    assert_eq!(rows(&files, TABLES[2]), exact);
    let summary: Value = serde_json::from_slice(&files["contact_map_summary.json"]).unwrap();
    assert_eq!(summary["exact"], false);
}
