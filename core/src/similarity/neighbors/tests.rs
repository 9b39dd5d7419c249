use super::*;
use crate::analysis::loop_file::{Kind, LoopFile};
use crate::similarity::RATE;

/// Strokes of noise: where in the bar, how bright (0 to 1).
type Pattern<'a> = &'a [(f64, f64)];

const BREAK: Pattern<'_> = &[
    (0.0, 0.0),
    (0.125, 0.9),
    (0.25, 0.5),
    (0.4375, 0.5),
    (0.625, 0.0),
    (0.75, 0.5),
    (0.875, 0.9),
];
const FLOOR: Pattern<'_> = &[
    (0.0, 0.0),
    (0.25, 0.0),
    (0.5, 0.0),
    (0.75, 0.0),
    (0.125, 0.9),
    (0.375, 0.9),
    (0.625, 0.9),
];
const HALFTIME: Pattern<'_> = &[(0.0, 0.0), (0.5, 0.5), (0.3125, 0.0), (0.90625, 0.9)];

fn render(pattern: Pattern<'_>, bar: f64, bars: usize, kit: u32) -> Vec<f32> {
    let rate = f64::from(RATE);
    let n = (bar * bars as f64 * rate).round() as usize;
    let mut out = vec![0.0f32; n];
    for b in 0..bars {
        for (at, bright) in pattern {
            let start = ((b as f64 + at) * bar * rate).round() as usize;
            let mut state = 77 + kit;
            let (mut low, decay) = (0.0f32, 200.0 + 100.0 * kit as f32);
            let keep = 0.05 + (0.9 + 0.03 * kit as f32).min(1.0) * *bright as f32 * 0.95;
            for t in 0..3000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
                low += keep * (noise - low);
                // The brighter, the less of the low end is left.
                let sound = if *bright > 0.7 { noise - low } else { low };
                out[(start + t) % n] += sound * (-(t as f32) / decay).exp();
            }
        }
    }
    out
}

fn profile(mono: &[f32]) -> Profile {
    let file = LoopFile {
        kind: Kind::Loop,
        seconds: mono.len() as f64 / f64::from(RATE),
        tempi: Vec::new(),
        key: None,
        drums: 1.0,
        contents: Default::default(),
    };
    Profile::of(mono, &file)
}

fn with_chords(mut mono: Vec<f32>) -> Vec<f32> {
    let n = mono.len();
    for (t, x) in mono.iter_mut().enumerate() {
        let chord = if t < n / 2 {
            [220.0, 261.6, 329.6]
        } else {
            [196.0, 246.9, 293.7]
        };
        let tone = |hz: f64| (std::f64::consts::TAU * hz * t as f64 / f64::from(RATE)).sin();
        *x += (chord.iter().map(|hz| tone(*hz)).sum::<f64>() * 0.1) as f32;
    }
    mono
}

#[test]
fn a_groove_is_known_at_other_tempi_on_other_kits_and_under_chords() {
    let same = [
        profile(&render(BREAK, 2.0, 2, 0)),
        profile(&render(BREAK, 1.7, 2, 0)),
        profile(&render(BREAK, 2.3, 2, 2)),
        profile(&with_chords(render(BREAK, 2.0, 2, 0))),
    ];
    let others = [
        profile(&render(FLOOR, 2.0, 2, 0)),
        profile(&render(HALFTIME, 2.0, 2, 1)),
    ];
    let all: Vec<&Profile> = same.iter().chain(&others).collect();
    for query in &same {
        let order: Vec<usize> = rank(query, &all, &Weights::default(), 6)
            .iter()
            .map(|(i, _)| *i)
            .collect();
        let mut first = order[..4].to_vec();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3], "{order:?}");
    }
}

#[test]
fn the_stretch_is_that_of_bars_however_many_there_are() {
    let query = profile(&render(BREAK, 2.0, 2, 0));
    let probe = Probe::of(&query);
    for (bar, bars) in [
        (2.0, 1),
        (2.0, 2),
        (2.0, 4),
        (1.6, 1),
        (1.6, 4),
        (2.5, 1),
        (2.5, 4),
        (2.2, 8),
    ] {
        let found = probe.matched(&profile(&render(BREAK, bar, bars, 1)));
        assert_eq!(found.bars, bars as f64 / 2.0, "{bar} s, {bars} bars: {found:?}");
        assert!((found.stretch / (bar / 2.0) - 1.0).abs() < 1e-3, "{found:?}");
        assert!(found.similarity > 0.8, "{bar} s, {bars} bars: {found:?}");
    }
}

#[test]
fn it_is_the_same_from_either_side() {
    let a = profile(&render(BREAK, 2.0, 2, 0));
    let b = profile(&with_chords(render(FLOOR, 1.1, 4, 2)));
    let there = compare(&Probe::of(&a), &a, &b, &Weights::default());
    let back = compare(&Probe::of(&b), &b, &a, &Weights::default());
    assert!((there.similarity - back.similarity).abs() < 1e-5);
    assert!((there.stretch * back.stretch - 1.0).abs() < 1e-9);
    let itself = compare(&Probe::of(&a), &a, &a, &Weights::default());
    assert!(
        itself.similarity > 0.999 && itself.stretch == 1.0 && itself.timbre > 0.999,
        "{itself:?}"
    );
}

#[test]
fn weights_say_what_counts() {
    let query = profile(&render(BREAK, 2.0, 2, 0));
    let groove = profile(&render(BREAK, 2.0, 2, 3));
    let kit = profile(&render(
        &[
            (0.0, 0.0),
            (0.1, 0.9),
            (0.3, 0.5),
            (0.45, 0.5),
            (0.6, 0.0),
            (0.8, 0.5),
            (0.95, 0.9),
        ],
        2.0,
        2,
        0,
    ));
    let first = |rhythm, timbre| {
        let weights = Weights {
            rhythm,
            timbre,
            harmony: 0.0,
        };
        rank(&query, &[&groove, &kit], &weights, 1)[0].0
    };
    assert_eq!((first(1.0, 0.0), first(0.0, 1.0)), (0, 1));
    assert!(
        !Weights {
            rhythm: 0.0,
            timbre: 0.0,
            harmony: 0.0
        }
        .is_valid()
    );
    assert!(
        !Weights {
            rhythm: f32::NAN,
            ..Weights::default()
        }
        .is_valid()
    );
}

#[test]
fn silence_goes_with_nothing() {
    let silence = profile(&vec![0.0; 44_100]);
    let query = profile(&render(BREAK, 2.0, 2, 0));
    for (a, b) in [
        (&silence, &query),
        (&query, &silence),
        (&silence, &silence),
        (&Profile::default(), &query),
    ] {
        let found = compare(&Probe::of(a), a, b, &Weights::default());
        assert_eq!(found.rhythm, 0.0);
        assert!(found.similarity == 0.0 && found.stretch.is_finite());
    }
    assert!(rank(&query, &[], &Weights::default(), 5).is_empty());
}

#[test]
fn a_transposition_is_told() {
    let harmony = |root: usize| -> Vec<f32> {
        let mut h = [-0.2f32; 12];
        [0, 4, 7].iter().for_each(|d| h[(root + d) % 12] = 0.6);
        h.to_vec()
    };
    let of = |root| Profile {
        harmony: harmony(root),
        ..Profile::default()
    };
    let query = of(0);
    let moved = |root| compare(&Probe::of(&query), &query, &of(root), &Weights::default());
    assert_eq!(moved(0).transposition, Some(0));
    assert_eq!(moved(2).transposition, Some(-2));
    assert_eq!(moved(9).transposition, Some(3));
    assert!(moved(0).harmony > moved(7).harmony);
}
