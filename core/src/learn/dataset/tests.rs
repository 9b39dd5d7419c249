use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn read(text: &str) -> Result<Dataset, DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    Dataset::read(&file(folder.path(), "d.csv", text))
}

const HEAD: &str = "track_id,start_time,end_time,bars,weight,rms_mean,kind\n";

#[test]
fn rows_come_together_by_track_and_missing_features_are_nan() {
    let data = read(&format!(
        "\u{feff}{HEAD}b,0,2,1,0.5,0.25,loop\n'=a,1.5,3,2,1,,\nb,2,4,1,0,nan,x\n'=a,4,8,4,0,true,x\nb,6,8,1,0,-1e-3,\n"
    ))
    .unwrap();
    assert_eq!(data.columns, ["bars", "rms_mean"]);
    let tracks: Vec<(&str, Range<usize>)> = data
        .tracks
        .iter()
        .map(|t| (t.track_id.as_str(), t.rows.clone()))
        .collect();
    assert_eq!(tracks, [("b", 0..3), ("=a", 3..5)]);
    assert_eq!(data.spans, [(0.0, 2.0), (2.0, 4.0), (6.0, 8.0), (1.5, 3.0), (4.0, 8.0)]);
    assert_eq!(data.weights, [0.5, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(data.row(0), [1.0, 0.25]);
    assert!(data.row(1)[1].is_nan() && data.row(3)[1].is_nan());
    assert_eq!(data.row(2), [1.0, -1e-3]);
    assert_eq!(data.row(4), [4.0, 1.0]);
    assert_eq!(
        (data.rows(), data.column("rms_mean"), data.column("kind")),
        (5, Some(1), None)
    );
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_column() {
    for (text, said) in [
        (String::new(), "d.csv: no rows"),
        (HEAD.to_owned(), "d.csv: no rows"),
        (
            "track_id,start,end\na,0,1\n".into(),
            "d.csv: no column `start_time`, `end_time`, `weight`; a dataset needs",
        ),
        (
            "track_id,start_time,end_time,weight,kind\na,0,1,1,x\n".into(),
            "no column of features",
        ),
        (
            "track_id,start_time,end_time,weight,x,x\na,0,1,1,1,1\n".into(),
            "two columns are called `x`",
        ),
        (
            format!("{HEAD}a,0,1,1,1,loud,\n"),
            "d.csv, line 2, column `rms_mean`: `loud` is not a number",
        ),
        (
            format!("{HEAD}a,0,1,1,1,1e99,\n"),
            "line 2, column `rms_mean`: `1e99` is no finite number",
        ),
        (
            format!("{HEAD}a,0,1,1,1,1,\nb,zero,1,1,1,1,\n"),
            "line 3, column `start_time`: `zero`",
        ),
        (format!("{HEAD}a,0,,1,1,1,\n"), "line 2, column `end_time`: is empty"),
        (
            format!("{HEAD}a,5,4,1,1,1,\n"),
            "line 2, column `end_time`: 4 is no time",
        ),
        (
            format!("{HEAD}a,-1,4,1,1,1,\n"),
            "line 2, column `start_time`: -1 is no time",
        ),
        (format!("{HEAD},0,4,1,1,1,\n"), "line 2, column `track_id`: is empty"),
        (format!("{HEAD}a,0,4,1,1\n"), "line 2: 5 fields, but the header names 7"),
        (
            format!("{HEAD}a,0,4,1,1,1,\na,0,4,1,nan,1,\nb,0,4,1,-2,1,\nc,0,4,1,inf,1,\nd,0,4,1,,1,\n"),
            "d.csv: 4 of 5 weights are no finite numbers from 0 up: line 3 (a) NaN, line 4 (b) -2, line 5 (c) inf, line 6 (d) NaN;",
        ),
        (
            format!("{HEAD}a,0,4,1,much,1,\n"),
            "line 2, column `weight`: `much` is not a number",
        ),
    ] {
        let error = read(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{text:?}\n{error}");
    }
    assert!(matches!(
        Dataset::read(Path::new("/nonexistent")),
        Err(DatasetError::Io { .. })
    ));
}

#[test]
fn files_are_joined_by_name_of_column() {
    let folder = tempfile::tempdir().unwrap();
    let a = file(
        folder.path(),
        "a.csv",
        &format!("{HEAD}s,0,2,1,1,0.5,\nt,0,2,1,1,0.25,\n"),
    );
    let b = file(
        folder.path(),
        "b.csv",
        "weight,rms_mean,bars,end_time,start_time,track_id\n0,0.125,8,6,2,s\n",
    );
    let data = Dataset::read_all(&[&a, &b]).unwrap();
    assert_eq!(data.columns, ["bars", "rms_mean"]);
    assert_eq!(data.tracks.len(), 2);
    assert_eq!(data.row(1), [8.0, 0.125]);
    assert_eq!(data.spans[1], (2.0, 6.0));
    let c = file(
        folder.path(),
        "c.csv",
        "track_id,start_time,end_time,weight,bars,rms\ns,0,1,1,1,1\n",
    );
    let error = Dataset::read_all(&[&a, &c]).unwrap_err().to_string();
    assert!(
        error.contains("c.csv") && error.contains("a.csv") && error.contains("lacks `rms_mean`; it alone has `rms`"),
        "{error}"
    );
}

/// Any order of rows is put in order of tracks, rows of each in their own order.
#[test]
fn scattered_rows_keep_their_order_within_each_track() {
    let mut text = HEAD.to_owned();
    let mut state = 1u32;
    let mut expected: Vec<(String, Vec<f32>)> = Vec::new();
    for i in 0..500 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let id = format!("t{}", (state >> 16) % 7);
        text.push_str(&format!("{id},{i},{},1,{i},{i}.5,\n", i + 1));
        match expected.iter_mut().find(|(name, _)| *name == id) {
            Some((_, rows)) => rows.push(i as f32),
            None => expected.push((id, vec![i as f32])),
        }
    }
    let data = read(&text).unwrap();
    let found: Vec<(String, Vec<f32>)> = data
        .tracks
        .iter()
        .map(|t| (t.track_id.clone(), data.weights[t.rows.clone()].to_vec()))
        .collect();
    assert_eq!(found, expected);
    for r in 0..data.rows() {
        assert_eq!(data.row(r)[1], data.weights[r] + 0.5);
        assert_eq!(data.spans[r].0 as f32, data.weights[r]);
    }
}

#[cfg(feature = "parquet")]
#[test]
fn a_broken_parquet_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.parquet");
    for bytes in [
        &b"PAR1"[..],
        b"PAR1 and then nothing of the sort PAR1",
        b"PAR1\0\0\0\0\xff\xff\xff\xffPAR1",
    ] {
        fs::write(&path, bytes).unwrap();
        let error = Dataset::read(&path).unwrap_err().to_string();
        assert!(error.contains("d.parquet: cannot be read as Parquet"), "{error}");
    }
}
