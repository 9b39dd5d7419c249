use std::fs;

use super::matching::{Names, matched};
use super::weigh::{Align, Place, weight};
use super::*;
use crate::config;
use crate::loops::bars::Bars;
use crate::loops::candidate;
use crate::rhythm::grid::{BeatGrid, GridSource};
use crate::units::Bpm;

fn read(name: &str, text: &str) -> Result<Labels, LabelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    Labels::read(&path)
}

/// Eight beats from `start` at 120 BPM.
fn place(start: f64) -> Place {
    Place {
        start,
        end: start + 4.0,
        beat: 0.5,
        beats_per_bar: 4,
    }
}

fn span(start: f64, end: f64) -> Mark {
    Mark::Loop {
        start,
        end,
        weight: 1.0,
    }
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

/// numpy: `np.exp(-0.5 * ((centre - t) / 0.25) ** 2).sum()` for centre 12, t = 12, 12.25, 13.
#[test]
fn moments_weigh_as_in_the_python_pipeline() {
    let marks = [12.0, 12.25, 13.0].map(Mark::Moment);
    close(weight(&place(10.0), &marks, Align::Centre), 1.606_866_122_340_535_8);
    close(weight(&place(12.0), &marks, Align::Start), 1.606_866_122_340_535_8);
    close(weight(&place(10.0), &[], Align::Centre), 0.0);
}

#[test]
fn a_marked_loop_is_worth_most_and_what_is_off_less() {
    let w = |start: f64, mark: Mark| weight(&place(start), &[mark], Align::Centre);
    // Within an eighth of a beat, 62.5 ms, it is the marked one.
    close(w(10.0, span(10.0, 14.0)), 1.0);
    close(w(10.0, span(10.06, 13.95)), 1.0);
    // Half a beat off: (0.5 − 0.125) / 0.25 = 1.5 deviations.
    close(w(10.25, span(10.0, 14.0)), (-0.5f64 * 1.5 * 1.5).exp());
    // A beat off: next to nothing, though most of it overlaps.
    assert!(w(10.5, span(10.0, 14.0)) < 0.003);
    // A bar later: a quarter of the overlap, 2 s of 6.
    close(w(12.0, span(10.0, 14.0)), 0.25 * 2.0 / 6.0);
    // Twice as long from the same start: 4 s of 8.
    close(w(10.0, span(10.0, 18.0)), 0.25 * 0.5);
    close(w(30.0, span(10.0, 14.0)), 0.0);
    let half = Mark::Loop {
        start: 10.0,
        end: 14.0,
        weight: 0.5,
    };
    close(w(10.0, half), 0.5);
    // The best mark counts; a cue is worth 0.6.
    let marks = [half, Mark::Start(10.0), Mark::Moment(40.0)];
    close(weight(&place(10.0), &marks, Align::Centre), 0.6);
    close(w(10.25, Mark::Start(10.0)), 0.6 * (-0.5f64).exp());
}

#[test]
fn json_holds_moments_and_loops() {
    let labels = read(
        "l.json",
        "\u{feff}{\"b\": [1, 2.5], \"a\": [[3, 4.5], [5, 6, 0.25], {\"start\": 7, \"end\": 8}]}",
    )
    .unwrap();
    assert_eq!(labels.tracks[0].key, "a");
    assert_eq!(
        labels.tracks[0].marks,
        [
            span(3.0, 4.5),
            Mark::Loop {
                start: 5.0,
                end: 6.0,
                weight: 0.25
            },
            span(7.0, 8.0)
        ]
    );
    assert_eq!(labels.tracks[1].marks, [Mark::Moment(1.0), Mark::Moment(2.5)]);
}

#[test]
fn csv_holds_loops_by_any_of_their_usual_names() {
    let labels = read(
        "l.csv",
        "start,end,file,weight\n1,2,'=x.wav,\n3,4,b,0.5\n5,6,'=x.wav,0\n",
    )
    .unwrap();
    assert_eq!(labels.tracks[0].key, "=x.wav");
    assert_eq!(labels.tracks[0].marks.len(), 2);
    assert_eq!(labels.tracks[1].marks, [loop_of(3.0, 4.0, 0.5).unwrap()]);
}

#[test]
fn what_is_wrong_with_labels_is_said_with_its_place() {
    for (name, text, said) in [
        ("a.json", "{\"a\": 5}", "track `a`: expected an object"),
        ("a.json", "{\"a\": [1, -2]}", "track `a`: entry 2: -2 is no time"),
        ("a.json", "{\"a\": [\"x\"]}", "entry 1: \"x\" is neither"),
        (
            "a.json",
            "{\"a\": [[4, 3]]}",
            "entry 1: a loop cannot go from 4 s to 3 s",
        ),
        ("a.json", "{\"a\": [[4]]}", "a loop is [start, end]"),
        ("a.json", "{\"a\": [1,", "line 1"),
        ("a.json", "[1]", "expected an object"),
        ("a.json", "{\"a\": []}", "no labels"),
        ("a.csv", "", "no labels"),
        ("a.csv", "track_id,start_time,end_time\n", "no labels"),
        ("a.csv", "track,from\na,1\n", "found: track, from"),
        (
            "a.csv",
            "track_id,start_time,end_time\na,1,two\n",
            "line 2, column `end_time`: `two`",
        ),
        (
            "a.csv",
            "track_id,start_time,end_time\na,1,1\n",
            "line 2: a loop cannot",
        ),
        (
            "a.csv",
            "track_id,start_time,end_time\n,1,2\n",
            "line 2, column `track_id`: is empty",
        ),
        ("a.xml", "<html></html>", "no DJ_PLAYLISTS"),
        ("a.xml", "<DJ_PLAYLISTS><COLLECTION></X>", "byte "),
        (
            "a.xml",
            "<!DOCTYPE x [<!ENTITY e \"e\">]><DJ_PLAYLISTS/>",
            "document type",
        ),
        (
            "a.xml",
            "<DJ_PLAYLISTS Version=\"1.0.0\"><COLLECTION Entries=\"0\"/></DJ_PLAYLISTS>",
            "no labels",
        ),
    ] {
        let error = read(name, text).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(name), "{text}\n{error}");
    }
}

/// Made by hand after the description of the format.
const REKORDBOX: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0">
  <PRODUCT Name="rekordbox" Version="6.0.0" Company="AlphaTheta"/>
  <COLLECTION Entries="4">
    <TRACK TrackID="1" Name="Caf&#233; &amp; Sol" TotalTime="300" AverageBpm="124.00"
           Location="file://localhost/C:/Music/Caf%C3%A9%20%26%20Sol.wav">
      <TEMPO Inizio="0.232" Bpm="124.00" Metro="4/4" Battito="1"/>
      <POSITION_MARK Name="verse" Type="4" Start="15.716" End="31.200" Num="0" Red="40" Green="226" Blue="20"/>
      <POSITION_MARK Name="" Type="0" Start="90.000" Num="-1"/>
      <POSITION_MARK Name="fade" Type="1" Start="1.000" Num="-1"/>
      <POSITION_MARK Name="bad" Type="4" Start="40.000" End="39.000" Num="1"/>
    </TRACK>
    <!-- <TRACK TrackID="9" Location="file://localhost/decoy.wav"><POSITION_MARK Type="0" Start="1"/></TRACK> -->
    <TRACK TrackID="2" Name="Linux" Location="file:///home/dj/two%25.flac">
      <POSITION_MARK Type="4" Start="1" End="2.5" Num="0"></POSITION_MARK>
    </TRACK>
    <TRACK TrackID="3" Name="No marks" Location="file://localhost/x.wav"/>
    <TRACK TrackID="4" Name="Nowhere"><POSITION_MARK Type="0" Start="1"/></TRACK>
  </COLLECTION>
  <PLAYLISTS><NODE Type="0" Name="ROOT" Count="1"><NODE Name="p" Type="1" KeyType="0" Entries="1"><TRACK Key="1"/></NODE></NODE></PLAYLISTS>
</DJ_PLAYLISTS>
"#;

#[test]
fn a_collection_of_rekordbox_gives_loops_and_cues() {
    let labels = read("rekordbox.xml", REKORDBOX).unwrap();
    assert_eq!(
        labels.tracks,
        [
            Labelled {
                key: "C:/Music/Café & Sol.wav".into(),
                marks: vec![span(15.716, 31.2), Mark::Start(90.0)],
            },
            Labelled {
                key: "/home/dj/two%.flac".into(),
                marks: vec![span(1.0, 2.5)],
            },
        ]
    );
    assert_eq!(labels.notes.len(), 2, "{:?}", labels.notes);
    assert!(labels.notes[0].contains("Café & Sol.wav: a loop cannot go from 40 s to 39 s"));
    assert!(labels.notes[1].contains("`Nowhere` has no Location"));
    for (uri, path) in [
        ("file://localhost/Users/x/a%20b.mp3", "/Users/x/a b.mp3"),
        ("file:///C:/a.wav", "C:/a.wav"),
        ("plain%zz.wav", "plain%zz.wav"),
        ("file://localhost/100%", "/100%"),
    ] {
        assert_eq!(rekordbox::location(uri), path);
    }
}

#[test]
fn keys_find_their_tracks_and_say_where_they_do_not() {
    let names = |list: &[(&str, &str)]| -> Vec<Names> {
        list.iter()
            .map(|(id, path)| Names {
                id: (*id).into(),
                path: (*path).into(),
            })
            .collect()
    };
    let tracks = names(&[
        ("one", "/m/one.wav"),
        ("a/two", "/m/a/two.wav"),
        ("b/two", "/m/b/two.wav"),
        // Decomposed, as some file systems have it.
        ("cafe", "/m/cafe\u{301} & sol.wav"),
        ("01. x", "/m/01. x.flac"),
    ]);
    let find = |key: &str| {
        let labels = Labels {
            tracks: vec![Labelled {
                key: key.into(),
                marks: vec![Mark::Moment(1.0)],
            }],
            notes: Vec::new(),
        };
        let found = matched(&tracks, &[labels]);
        match found.unmatched.first() {
            Some(u) => Err(u.why.clone()),
            None => Ok(found.marks.iter().position(|m| !m.is_empty()).unwrap()),
        }
    };
    for (key, track) in [
        ("one", 0),
        ("one.wav", 0),
        ("a/two", 1),
        ("/m/b/two.wav", 2),
        ("b/two.wav", 2),
        ("b\\two.wav", 2),
        ("C:/Music/caf\u{e9} & sol.wav", 3),
        ("01. x", 4),
        ("elsewhere/one.wav", 0),
    ] {
        assert_eq!(find(key), Ok(track), "{key}");
    }
    assert!(find("two.wav").unwrap_err().contains("2 tracks"));
    assert!(find("two").unwrap_err().contains("2 tracks"));
    assert!(find("three").unwrap_err().contains("no such track"));
    // A whole path in another format: it may begin later.
    assert!(find("/m/one.mp3").is_err() && find("/m/one").is_err());
    // One key says everything twice: it adds up.
    let twice = Labels {
        tracks: vec![
            Labelled {
                key: "one".into(),
                marks: vec![Mark::Moment(1.0)],
            },
            Labelled {
                key: "one.wav".into(),
                marks: vec![Mark::Moment(2.0)],
            },
        ],
        notes: Vec::new(),
    };
    assert_eq!(matched(&tracks, &[twice]).marks[0].len(), 2);
}

#[test]
fn near_misses_lie_on_the_grid_and_not_on_odd_bars() {
    let downbeats = vec![0, 4, 8, 10, 14, 18];
    let grid = BeatGrid {
        beats: (0..22).map(|i| f64::from(i) * 50.0).collect(),
        downbeats,
        beats_per_bar: 4,
        tempo: Bpm(120.0),
        constant: true,
        confidence: 1.0,
        source: GridSource::Given,
    };
    let bars = Bars::of(&grid, 100.0);
    let on = config::Loops {
        bars: vec![1],
        any_beat: false,
    };
    let any = config::Loops {
        any_beat: true,
        ..on.clone()
    };
    let (on, any) = (candidate::all(&bars, &on), candidate::all(&bars, &any));
    // Whatever a shift gives is what `--any-beat` has there, and it gives nothing else.
    for c in &on {
        for by in -4i64..=4 {
            let start = c.span.start + 50.0 * by as f64;
            let same = any.iter().find(|a| (a.span.start - start).abs() < 1e-9);
            assert_eq!(near::shifted(&bars, c, by).as_ref(), same, "{c:?} by {by}");
        }
    }
    // Nothing passes over the odd bar.
    assert_eq!(near::shifted(&bars, &on[1], 8), None);
    assert_eq!(near::misses(4), [1, -1, 2, -2]);
    assert_eq!(near::misses(3), [1, -1]);
    assert_eq!(near::misses(2), [1, -1]);
    // Of the wrong ones that overlap, the best.
    let four = &any[..4];
    let wrong = near::best_wrong(four, &[true, false, false, false], &[0.9, 0.1, 0.8, 0.5], 2);
    assert_eq!(wrong, [2, 3]);
}
