//! Sequences and alignments against librosa, on the fixtures of `tests/reference` (see `make_similarity.py` there).

use std::path::PathBuf;

use loopwright_core::similarity::dtw::exact::warp;
use loopwright_core::similarity::dtw::{Aligner, Frames, subsequence};
use loopwright_core::similarity::sequence::{ROWS, Sequence};
use proptest::prelude::*;

#[derive(serde::Deserialize)]
struct Fixtures {
    versions: std::collections::BTreeMap<String, String>,
    rows: Vec<Vec<f32>>,
    tempogram_max: [f64; 2],
    long_total: usize,
    long_rows: Vec<Vec<f32>>,
    alignments: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    a: Vec<f32>,
    b: Vec<f32>,
    cost: Vec<f64>,
    last_row: Vec<f64>,
    total: f64,
    path: Vec<(usize, usize)>,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/reference")
        .join(name)
}

fn fixtures() -> Fixtures {
    let text = std::fs::read_to_string(path("similarity.json")).expect("tests/reference/similarity.json");
    serde_json::from_str(&text).expect("fixtures as the script writes them")
}

fn signal() -> Vec<f32> {
    let mut wav = hound::WavReader::open(path("signal.wav")).expect("tests/reference/signal.wav");
    wav.samples::<i16>()
        .map(|x| f32::from(x.expect("sample")) / 32768.0)
        .collect()
}

fn sequence(flat: &[f32]) -> Sequence {
    Sequence {
        frames: flat.as_chunks::<ROWS>().0.to_vec(),
        step: 0.02,
    }
}

#[test]
fn fixtures_are_complete() {
    let fixtures = fixtures();
    for module in ["librosa", "numpy", "scipy"] {
        assert!(fixtures.versions.contains_key(module));
    }
    assert_eq!((fixtures.rows.len(), fixtures.long_rows.len()), (ROWS, ROWS));
    assert_eq!(fixtures.alignments.len(), 13);
}

#[test]
fn rows_are_those_of_librosa() {
    let fixtures = fixtures();
    let signal = signal();
    let short = Sequence::of(&signal);
    assert_eq!(short.frames.len(), fixtures.rows[0].len());
    assert!((short.step - 512.0 / 22_050.0).abs() < 1e-12);
    let long = Sequence::of(&signal.repeat(5));
    assert_eq!(long.frames.len(), 600);
    assert!((long.step * 599.0 - short.step * (fixtures.long_total - 1) as f64).abs() < 1e-9);
    let thin: Vec<[f32; ROWS]> = long.frames.iter().step_by(7).copied().collect();
    // In standard deviations: single precision on a scale of 80 dB.
    for (what, got, expected) in [
        ("short", &short.frames, &fixtures.rows),
        ("long", &thin, &fixtures.long_rows),
    ] {
        for (k, row) in expected.iter().enumerate() {
            assert_eq!(got.len(), row.len());
            let worst = got.iter().zip(row).map(|(g, e)| (g[k] - e).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-3, "{what}, row {k}: {worst}");
        }
    }
    // Why row 3 is not the maximum over all lags: that says nothing.
    assert_eq!(fixtures.tempogram_max, [1.0, 1.0]);
}

#[test]
fn accumulated_costs_and_paths_are_those_of_librosa() {
    for case in fixtures().alignments {
        let (a, b) = (sequence(&case.a), sequence(&case.b));
        // librosa looks for the shorter one in the longer one.
        let swapped = a.frames.len() > b.frames.len();
        let (query, other) = if swapped { (&b, &a) } else { (&a, &b) };
        let found = warp(query, other).unwrap();
        let name = &case.name;
        let last = &found.cost[found.cost.len() - found.columns..];
        let cells = if case.cost.is_empty() { last } else { &found.cost[..] };
        let expected = if case.cost.is_empty() {
            &case.last_row
        } else {
            &case.cost
        };
        assert_eq!(cells.len(), expected.len(), "{name}");
        for (got, expected) in cells.iter().zip(expected) {
            // Nine digits were kept.
            assert!((got - expected).abs() < 1e-6, "{name}: {got} for {expected}");
        }
        assert!((found.total() - case.total).abs() < 1e-6, "{name}");
        let path: Vec<(usize, usize)> = match swapped {
            true => found.path.iter().map(|(i, j)| (*j, *i)).collect(),
            false => found.path.clone(),
        };
        assert_eq!(path, case.path, "{name}");
        // And the fast one. Where costs are equal but for rounding, another path may be as good.
        let fast = subsequence(query, other).unwrap();
        let cost = f64::from(fast.distance) * fast.cells as f64;
        assert!(
            (cost - case.total).abs() < 2e-5 * case.total.max(1.0),
            "{name}: {cost} for {}",
            case.total
        );
        assert_eq!(fast.cells, case.path.len(), "{name}");
        let (first, end) = (found.path[0].1, found.path[found.path.len() - 1].1 + 1);
        assert_eq!((fast.start, fast.end), (first, end), "{name}");
    }
}

fn frames(most: usize) -> impl Strategy<Value = Vec<[f32; ROWS]>> {
    prop::collection::vec(prop::array::uniform4(-1.0f32..1.0), 1..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_fast_one_is_the_exact_one(a in frames(300), b in frames(300)) {
        let (a, b) = (Sequence { frames: a, step: 0.02 }, Sequence { frames: b, step: 0.02 });
        let mut aligner = Aligner::default();
        // Either may be the query, whichever is longer.
        for (query, other) in [(&a, &b), (&b, &a)] {
            let exact = warp(query, other).unwrap();
            let fast = aligner.subsequence(&Frames::of(query), &Frames::of(other)).unwrap();
            let cost = f64::from(fast.distance) * fast.cells as f64;
            prop_assert!((cost - exact.total()).abs() < 1e-4 * exact.total().max(1.0), "{cost} {}", exact.total());
            prop_assert!(fast.cells >= query.frames.len());
            prop_assert!(fast.start < fast.end && fast.end <= other.frames.len());
            // A bound that it keeps changes nothing; one that nothing keeps stops it or changes nothing.
            let (q, o) = (Frames::of(query), Frames::of(other));
            prop_assert_eq!(aligner.below(&q, &o, fast.distance), Some(fast));
            let stopped = aligner.below(&q, &o, 1e-6);
            prop_assert!(stopped.is_none() || stopped == Some(fast));
        }
        let (one, two) = (Frames::of(&a), Frames::of(&b));
        if a.frames.len() != b.frames.len() {
            let (ab, ba) = (aligner.pair(&one, &two).unwrap(), aligner.pair(&two, &one).unwrap());
            prop_assert_eq!((ab.distance, ab.overlap), (ba.distance, ba.overlap));
            prop_assert!((ab.stretch * ba.stretch - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn nothing_and_frames_without_direction() {
    let nothing = sequence(&[]);
    let some = sequence(&[1.0; 20]);
    assert_eq!(subsequence(&nothing, &some), None);
    assert_eq!(subsequence(&some, &nothing), None);
    assert!(warp(&nothing, &some).is_none());
    let silent = sequence(&[0.0; 20]);
    for (a, b) in [(&silent, &some), (&some, &silent), (&silent, &silent)] {
        let (fast, exact) = (subsequence(a, b).unwrap(), warp(a, b).unwrap());
        assert_eq!((fast.distance, exact.distance()), (1.0, 1.0));
    }
}
