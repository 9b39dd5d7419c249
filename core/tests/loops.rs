//! The loop finder on small songs that are made here, whose form is therefore known.

use std::f32::consts::TAU;
use std::sync::Arc;

use loopwright_core::analysis::Analysis;
use loopwright_core::audio::AudioBuffer;
use loopwright_core::audio::decode::Tags;
use loopwright_core::config::{Config, Order};
use loopwright_core::features::{FeatureTable, REGISTRY, Schema};
use loopwright_core::loops::{Structure, candidate};
use loopwright_core::model::{self, ModelError, Scorer};
use loopwright_core::pipeline::suggest::{Error, Suggestions, from_analysis, suggest};
use loopwright_core::progress::{Progress, Silent};
use loopwright_core::rhythm::grid::{BeatGrid, GridSource};
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_core::units::Bpm;

const RATE: u32 = 44_100;
/// 120 BPM.
const BEAT: usize = RATE as usize / 2;

/// What sounds in a bar.
#[derive(Clone, Copy, Default)]
struct Bar {
    drums: bool,
    fill: bool,
    /// Root of a triad in semitones above A = 220 Hz.
    chord: Option<f32>,
}

fn noise(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*state >> 8) as f32 / (1 << 23) as f32 - 1.0
}

fn song(bars: &[Bar], per: usize) -> Vec<f32> {
    let mut out = vec![0f32; bars.len() * per * BEAT];
    // Every hit is the same sample, as from a sequencer.
    let mut add = |at: usize, seconds: f32, sound: &mut dyn FnMut(f32) -> f32| {
        let n = (seconds * RATE as f32) as usize;
        let end = (at + n).min(out.len());
        for (i, x) in out[at.min(end)..end].iter_mut().enumerate() {
            *x += sound(i as f32 / RATE as f32);
        }
    };
    for (b, bar) in bars.iter().enumerate() {
        let line = b * per * BEAT;
        if bar.drums {
            for beat in 0..per {
                let at = line + beat * BEAT;
                if beat % 2 == 0 {
                    add(at, 0.15, &mut |t| {
                        0.5 * (TAU * (50.0 * t - 1.5 * (-30.0 * t).exp())).sin() * (-25.0 * t).exp()
                    });
                } else {
                    let mut state = 1;
                    add(at, 0.15, &mut |t| 0.3 * noise(&mut state) * (-30.0 * t).exp());
                }
                for eighth in 0..2 {
                    let mut state = 2;
                    add(at + eighth * BEAT / 2, 0.04, &mut |t| {
                        0.1 * noise(&mut state) * (-90.0 * t).exp()
                    });
                }
            }
        }
        if bar.fill {
            for s in 0..8 {
                let at = line + (per - 2) * BEAT + s * BEAT / 4;
                let mut state = 1;
                add(at, 0.1, &mut |t| 0.4 * noise(&mut state) * (-30.0 * t).exp());
            }
        }
        if let Some(root) = bar.chord {
            let seconds = (per * BEAT) as f32 / RATE as f32;
            for semitones in [0.0, 4.0, 7.0] {
                let hz = 220.0 * 2f32.powf((root + semitones) / 12.0);
                add(line, seconds, &mut |t| {
                    let level = 0.05 * (50.0 * t).min(1.0) * (20.0 * (seconds - t)).clamp(0.0, 1.0);
                    level * ((TAU * hz * t).sin() + 0.5 * (2.0 * TAU * hz * t).sin() + 0.3 * (3.0 * TAU * hz * t).sin())
                });
            }
        }
    }
    out
}

fn grid(bars: usize, per: usize) -> BeatGrid {
    BeatGrid {
        beats: (0..bars * per).map(|i| (i * BEAT) as f64).collect(),
        downbeats: (0..bars).map(|b| b * per).collect(),
        beats_per_bar: per as u32,
        tempo: Bpm(120.0),
        constant: true,
        confidence: 1.0,
        source: GridSource::Host,
    }
}

fn track(samples: Vec<f32>, grid: BeatGrid) -> Track {
    let audio = AudioBuffer::new(vec![samples], RATE).unwrap();
    Track {
        id: TrackId::of(&audio),
        audio: Arc::new(audio),
        origin: Origin::Live { take: 0 },
        name: "test".into(),
        tags: Tags::default(),
        grid: Some(grid),
    }
}

fn found(bars: &[Bar], per: usize, config: &Config) -> Suggestions {
    let track = track(song(bars, per), grid(bars.len(), per));
    suggest(&track, &model::heuristic(&config.tuning), config, &Silent).unwrap()
}

/// Eight bars of drums and chords with a fill at their end, four of drums, eight of other chords alone.
fn three_parts() -> Vec<Bar> {
    let chords = |roots: [f32; 4], drums: bool| {
        (0..8).map(move |i| Bar {
            drums,
            fill: false,
            chord: Some(roots[i % 4]),
        })
    };
    let drums = Bar {
        drums: true,
        ..Bar::default()
    };
    let mut bars: Vec<Bar> = chords([0.0, 5.0, 7.0, -4.0], true)
        .chain([drums; 4])
        .chain(chords([2.0, -3.0, 9.0, 4.0], false))
        .collect();
    bars[7].fill = true;
    bars
}

#[test]
fn the_form_of_a_song_is_found_in_any_meter() {
    for per in [4, 3] {
        let s = found(&three_parts(), per, &Config::default()).structure;
        let parts: Vec<(usize, usize)> = s.sections.iter().map(|s| (s.bars.start, s.bars.end)).collect();
        assert_eq!(parts, [(0, 8), (8, 12), (12, 20)], "{per} beats a bar");
        assert_eq!((s.sections[0].unit, s.sections[2].unit), (4, 4));
        assert!(s.sections[0].unit_found && s.sections[2].unit_found);
        assert_eq!(s.sections[0].fills, [7]);
        assert!(s.sections[2].fills.is_empty());
        assert!(s.sections[1].drums_only && s.sections[2].drumless);
        let spans = |r: &[loopwright_core::loops::regions::Region]| -> Vec<(usize, usize)> {
            r.iter().map(|r| (r.first_bar, r.bars)).collect()
        };
        assert_eq!(spans(&s.regions.breaks), [(8, 4)]);
        assert_eq!(spans(&s.regions.drumless), [(12, 8)]);
    }
}

#[test]
fn suggestions_keep_to_sections_units_and_phrases() {
    let mut config = Config::default();
    config.rank.top_k = 0;
    let all = found(&three_parts(), 4, &config);
    let best = &all.suggestions[0];
    assert!(best.score > 0.8, "{}", best.score);
    let of = |first: usize, bars: u32| {
        let is =
            |s: &&loopwright_core::pipeline::Suggestion| (s.candidate.first_bar, s.candidate.bars) == (first, bars);
        all.suggestions.iter().find(is)
    };
    let Some(good) = of(0, 4) else {
        panic!("the first phrase is not suggested")
    };
    assert!(
        good.reasons.iter().any(|r| r == "starts on a phrase"),
        "{:?}",
        good.reasons
    );
    assert!(
        good.reasons.iter().any(|r| r.starts_with("section 1 of 3 (8 bars")),
        "{:?}",
        good.reasons
    );
    let Some(before) = of(3, 4) else {
        panic!("no loop before the fill")
    };
    assert!(
        before.reasons.iter().any(|r| r == "ends before the fill"),
        "{:?}",
        before.reasons
    );
    assert!(
        before.reasons.iter().any(|r| r == "starts 3 bars into a phrase"),
        "{:?}",
        before.reasons
    );
    assert!(before.score < good.score);
    for (first, bars) in [(4, 4), (6, 4), (10, 4), (12, 2)] {
        let worse = of(first, bars).map_or(0.0, |s| s.score);
        assert!(worse < 0.5 * good.score, "{bars} bars from bar {first} score {worse}");
    }
    // The default cut-offs leave something, ranks follow scores, and shares are probabilities.
    let some = found(&three_parts(), 4, &Config::default());
    assert_eq!(some.suggestions.len(), Config::default().rank.top_k);
    assert!(all.suggestions.iter().all(|s| s.score_prob > 0.0 && s.score_prob < 1.0));
    let mut by_rank: Vec<_> = all.suggestions.iter().collect();
    by_rank.sort_by_key(|s| s.score_rank);
    assert!(by_rank.windows(2).all(|w| w[0].score >= w[1].score));
}

#[test]
fn variety_spreads_over_contents_where_best_does_not_have_to() {
    let mut config = Config::default();
    config.rank.top_k = 3;
    let contents = |config: &Config| {
        let mut c: Vec<usize> = found(&three_parts(), 4, config)
            .suggestions
            .iter()
            .map(|s| s.content)
            .collect();
        c.sort_unstable();
        c.dedup();
        c.len()
    };
    assert!(contents(&config) >= 2);
    config.rank.order = Order::Best;
    let best = found(&three_parts(), 4, &config);
    assert!(best.suggestions.windows(2).all(|w| w[0].score >= w[1].score));
    assert!(
        best.suggestions
            .iter()
            .enumerate()
            .all(|(i, s)| s.score_rank == i + 1 || i > 0)
    );
}

#[test]
fn a_track_that_never_repeats_is_no_track_of_repeats() {
    let bars: Vec<Bar> = (0..24)
        .map(|i| Bar {
            chord: Some(
                [0.0, 1.0, 6.0, -5.0, 3.0, 8.0, -2.0, 4.0, 10.0, -7.0, 2.0][(i * i + 3 * i / 2) % 11] + 0.3 * i as f32,
            ),
            ..Bar::default()
        })
        .collect();
    let s = found(&bars, 4, &Config::default());
    let repeating = s
        .structure
        .sections
        .iter()
        .filter(|s| s.repeats.is_some_and(|r| r > 0.7))
        .count();
    assert_eq!(repeating, 0, "{:?}", s.structure.sections);
}

#[test]
fn short_pieces_have_candidates() {
    let bars: Vec<Bar> = three_parts()[..4].to_vec();
    let s = found(&bars, 4, &Config::default());
    assert_eq!(s.structure.sections.len(), 1);
    assert!(s.suggestions.iter().any(|s| s.candidate.bars == 4));
    let one = found(&bars[..1], 4, &Config::default());
    assert_eq!(one.candidates, 1);
    assert_eq!(one.suggestions.len(), 1);
    let none = track(vec![0.0; RATE as usize], BeatGrid::empty(GridSource::Host));
    let config = Config::default();
    let none = suggest(&none, &model::heuristic(&config.tuning), &config, &Silent).unwrap();
    assert!(none.suggestions.is_empty() && none.structure.sections.is_empty());
}

#[test]
fn odd_bars_are_in_no_loop() {
    let bars = three_parts();
    let mut g = grid(bars.len(), 4);
    // Bar 10 has two beats: all later lines come two beats early.
    for d in g.downbeats.iter_mut().filter(|d| **d > 40) {
        *d -= 2;
    }
    let track = track(song(&bars, 4), g);
    let mut config = Config::default();
    config.rank.top_k = 0;
    config.rank.min_rel_score = None;
    let s = suggest(&track, &model::heuristic(&config.tuning), &config, &Silent).unwrap();
    assert!(s.structure.section_at(10).is_none());
    assert!(s.suggestions.iter().all(|s| !s.candidate.touched().contains(&10)));
    assert!(
        s.suggestions
            .iter()
            .all(|s| s.candidate.span.len() == f64::from(s.candidate.beats) * BEAT as f64)
    );
}

#[test]
fn features_are_documented_named_once_and_finite() {
    let schema = Arc::new(Schema::full());
    let mut names = schema.columns().to_vec();
    let width = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), width);
    for f in REGISTRY {
        assert!(f.doc.len() > 15 && f.doc.ends_with('.'), "{}: {:?}", f.name, f.doc);
        assert!(!f.range.is_empty() && f.width > 0 && f.version > 0, "{}", f.name);
        assert!(
            f.name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
            "{}",
            f.name
        );
    }
    let n = 16 * BEAT;
    let mut state = 7;
    let mut click = vec![0.0; n];
    click[n / 2] = 1.0;
    let sounds = [
        ("silence", vec![0.0; n]),
        ("noise", (0..n).map(|_| noise(&mut state)).collect()),
        ("click", click),
        (
            "sine",
            (0..n).map(|i| (TAU * 997.0 * i as f32 / RATE as f32).sin()).collect(),
        ),
    ];
    let mut config = Config::default();
    config.loops.any_beat = true;
    for (what, samples) in sounds {
        let track = track(samples, grid(4, 4));
        let analysis = Analysis::of(&track, None, &config, &Silent).unwrap();
        let structure = Structure::of(&analysis, &config.tuning, &Silent).unwrap();
        let candidates = candidate::all(&structure.bars, &config.loops);
        assert!(candidates.len() > 10);
        let table = FeatureTable::of(schema.clone(), &candidates, &analysis, &structure);
        for row in 0..table.rows() {
            for (name, x) in schema.columns().iter().zip(table.row(row)) {
                assert!(x.is_finite(), "{name} of {what}");
            }
        }
        let scores = model::heuristic(&config.tuning).score(&table).unwrap();
        assert!(scores.iter().all(|s| (0.0..=1.0).contains(s)), "{what}");
    }
}

#[test]
fn the_features_of_the_python_pipeline_keep_names_and_order() {
    let columns = Schema::full().columns().to_vec();
    let first = [
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
        "pt_mel_0",
    ];
    assert_eq!(columns[..first.len()], first);
    assert_eq!(columns[first.len() + 254], "pt_mel_255");
    assert!(Schema::of(&["rms_mean", "no_such", "nor_this"]).is_err_and(|e| e.0 == ["no_such", "nor_this"]));
}

#[test]
fn a_table_without_a_column_is_an_error_that_names_it() {
    let track = track(song(&three_parts()[..2], 4), grid(2, 4));
    let config = Config::default();
    let analysis = Analysis::of(&track, None, &config, &Silent).unwrap();
    let structure = Structure::of(&analysis, &config.tuning, &Silent).unwrap();
    let candidates = candidate::all(&structure.bars, &config.loops);
    let schema = Arc::new(Schema::of(&["bars"]).unwrap());
    let table = FeatureTable::of(schema, &candidates, &analysis, &structure);
    let error = model::heuristic(&config.tuning).score(&table);
    assert!(matches!(error, Err(ModelError::Missing(name)) if name == "inside_section"));
}

#[test]
fn work_can_be_given_up() {
    struct Never;
    impl Progress for Never {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let track = track(song(&three_parts()[..4], 4), grid(4, 4));
    let config = Config::default();
    let scorer = model::heuristic(&config.tuning);
    assert!(matches!(
        suggest(&track, &scorer, &config, &Never),
        Err(Error::Cancelled(_))
    ));
    let analysis = Analysis::of(&track, None, &config, &Silent).unwrap();
    assert!(matches!(
        from_analysis(analysis, &scorer, &config, &Never),
        Err(Error::Cancelled(_))
    ));
}

#[test]
fn foolish_settings_do_no_harm() {
    let mut config = Config::default();
    config.tuning.lags = vec![0, 0];
    config.tuning.section_max = 0;
    config.tuning.trim = 1.0;
    config.tuning.weight_mel = 0.0;
    config.tuning.weight_chroma = 0.0;
    config.tuning.weight_onset = 0.0;
    config.tuning.offset_mel = 0.0;
    config.tuning.floor_min_mel = 0.0;
    config.tuning.reach = 0;
    config.loops.bars = vec![0, 3, 1000];
    let s = found(&three_parts()[..8], 4, &config);
    assert!(
        s.suggestions
            .iter()
            .all(|s| s.score.is_finite() && s.candidate.bars == 3)
    );
}
