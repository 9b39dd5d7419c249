use super::*;
use crate::learn::dataset::Group;
use crate::learn::split::Split;
use crate::model::{Calibration, ModelInfo, Output};
use crate::progress::Silent;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Gives one of its columns as the score.
struct Column(ModelInfo);

impl Column {
    fn of(column: &str, calibration: Option<Calibration>) -> Self {
        Self(ModelInfo {
            name: column.into(),
            columns: vec![column.into()],
            output: Output::Relative,
            alpha: None,
            calibration,
            embedding: None,
        })
    }
}

impl Scorer for Column {
    fn info(&self) -> &ModelInfo {
        &self.0
    }

    fn score(&self, rows: &FeatureTable) -> Result<Vec<f32>, ModelError> {
        let column = &self.0.columns[0];
        Ok(rows
            .column(column)
            .ok_or_else(|| ModelError::Missing(column.clone()))?
            .collect())
    }
}

/// Columns: the truth in log odds, the same with noise, noise alone, a boundary.
fn data(tracks: usize) -> Dataset {
    let mut random = Pcg64Mcg::seed_from_u64(3);
    let mut data = Dataset {
        columns: ["truth", "hint", "noise", "boundary_quiet_score"]
            .map(String::from)
            .to_vec(),
        ..Dataset::default()
    };
    for t in 0..tracks {
        for i in 0..40 {
            let truth: f32 = random.random_range(-5.0..2.0);
            let hint = truth + random.random_range(-3.0f32..3.0);
            data.values.extend([truth, hint, random.random_range(0.0..1.0), hint]);
            let good = random.random_range(0.0f32..1.0) < 1.0 / (1.0 + (-truth).exp());
            data.weights.push(f32::from(u8::from(good)));
            data.spans.push((f64::from(i), f64::from(i) + 4.0));
        }
        data.tracks.push(Group {
            track_id: format!("t{t}"),
            rows: t * 40..(t + 1) * 40,
        });
    }
    data
}

fn judge(data: &Dataset, models: &[Ranker<'_>], settings: &Settings) -> Result<Evaluation, EvaluateError> {
    let tracks: Vec<usize> = (0..data.tracks.len()).collect();
    evaluate(data, &tracks, &Column::of("hint", None), models, settings, &Silent)
}

fn ndcg(e: &Evaluation, ranker: usize) -> &Judged {
    e.rankers[ranker]
        .measures
        .iter()
        .find(|m| m.measure == "ndcg@10")
        .unwrap()
}

#[test]
fn models_stand_beside_chance_and_the_heuristic() {
    let data = data(60);
    let (truth, noise) = (Column::of("truth", None), Column::of("noise", None));
    let models = [
        Ranker {
            name: "a",
            scorer: &truth,
        },
        Ranker {
            name: "b",
            scorer: &noise,
        },
    ];
    let e = judge(&data, &models, &Settings::default()).unwrap();
    let names: Vec<&str> = e.rankers.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["chance", "heuristic", "a", "b"]);
    assert_eq!((e.tracks, e.candidates, e.rankers[0].measures.len()), (60, 2400, 21));
    assert!(ndcg(&e, 0).above_chance.is_none() && ndcg(&e, 1).above_heuristic.is_none());
    assert!(ndcg(&e, 1).above_chance.unwrap().low > 0.1);
    assert!(ndcg(&e, 2).above_heuristic.unwrap().low > 0.02);
    assert!(ndcg(&e, 3).above_heuristic.unwrap().high < -0.1);
    // Noise is chance: the exact value lies in its interval, and the difference holds 0.
    let (chance, noise) = (ndcg(&e, 0).value.unwrap(), ndcg(&e, 3));
    let value = noise.value.unwrap();
    assert!(value.low < chance.mean && chance.mean < value.high);
    let above = noise.above_chance.unwrap();
    assert!(above.low < 0.0 && above.high > 0.0);
    assert_eq!(e, judge(&data, &models, &Settings::default()).unwrap());
}

#[test]
fn calibration_is_judged() {
    let data = data(200);
    let right = Column::of(
        "truth",
        Some(Calibration {
            slope: 1.0,
            offset: 0.0,
        }),
    );
    let loud = Column::of(
        "truth",
        Some(Calibration {
            slope: 4.0,
            offset: 2.0,
        }),
    );
    let models = [
        Ranker {
            name: "right",
            scorer: &right,
        },
        Ranker {
            name: "loud",
            scorer: &loud,
        },
    ];
    let e = judge(&data, &models, &Settings::default()).unwrap();
    let of = |i: usize| e.rankers[i].reliability.clone().unwrap();
    assert!(e.rankers[0].reliability.is_none() && e.rankers[2].calibrated && !e.rankers[1].calibrated);
    assert!(of(2).ece < 0.02, "{:?}", of(2));
    assert!(of(3).ece > 0.1 && of(3).brier > of(2).brier);
}

#[test]
fn one_cut_keeps_the_same_loops_of_1500_candidates_and_of_50() {
    use crate::config;
    use crate::loops::Candidate;
    use crate::rank::{Entry, calibrate, rank};
    use crate::units::Span;

    // Calibrated on tracks of 40 candidates, used on 1,500 and on 50 of these.
    let learnt = data(400);
    let scores: Vec<f32> = (0..learnt.rows()).map(|r| learnt.row(r)[1] * 3.0 + 7.0).collect();
    let good: Vec<bool> = learnt.weights.iter().map(|w| *w >= 0.5).collect();
    let info = Column::of("hint", calibrate::platt(&scores, &good)).0;
    assert!(info.calibration.is_some());
    let mut random = Pcg64Mcg::seed_from_u64(8);
    let all: Vec<f32> = (0..1500).map(|_| random.random_range(-30.0f32..25.0)).collect();
    let kept = |indices: &[usize]| -> Vec<usize> {
        let candidates: Vec<Candidate> = indices
            .iter()
            .map(|&i| Candidate {
                span: Span {
                    start: i as f64 * 1e6,
                    end: i as f64 * 1e6 + 1e5,
                },
                bars: 4,
                beats: 16,
                first_bar: 4 * i,
                beat_offset: 0,
            })
            .collect();
        let entries: Vec<Entry<'_>> = candidates
            .iter()
            .enumerate()
            .map(|(content, candidate)| Entry {
                candidate,
                content,
                boundary: 0.0,
            })
            .collect();
        let scores: Vec<f32> = indices.iter().map(|&i| all[i]).collect();
        let cut = config::Rank {
            top_k: 0,
            order: config::Order::Best,
            min_score_prob: Some(0.5),
            min_rel_score: None,
            ..config::Rank::default()
        };
        let ranked = rank(&entries, &scores, &info, &cut, &config::tuning::Tuning::default());
        let mut kept: Vec<usize> = ranked.iter().map(|r| indices[r.index]).collect();
        kept.sort_unstable();
        kept
    };
    let everything: Vec<usize> = (0..1500).collect();
    let few: Vec<usize> = (0..1500).step_by(30).collect();
    let (of_all, of_few) = (kept(&everything), kept(&few));
    assert!(of_few.len() > 3 && of_few.len() < 40 && of_all.len() > 100);
    let expected: Vec<usize> = of_all.into_iter().filter(|i| few.contains(i)).collect();
    assert_eq!(of_few, expected);
}

#[test]
fn alpha_is_the_models_own_unless_said() {
    let data = data(60);
    let mut careful = Column::of("hint", None);
    careful.0.alpha = Some(2.0);
    let models = [Ranker {
        name: "m",
        scorer: &careful,
    }];
    let with = |alpha| {
        let e = judge(
            &data,
            &models,
            &Settings {
                alpha,
                ..Settings::default()
            },
        )
        .unwrap();
        ndcg(&e, 2).value.unwrap().mean
    };
    // The boundary is the hint: taking twice of it away turns the order round.
    assert!(with(None) < with(Some(0.0)) - 0.3);
    assert_eq!(with(None), with(Some(2.0)));
}

#[test]
fn what_cannot_be_judged_says_so() {
    let mut data = data(4);
    let other = Column::of("pt_mel_0", None);
    let e = judge(
        &data,
        &[Ranker {
            name: "m.json",
            scorer: &other,
        }],
        &Settings::default(),
    )
    .unwrap_err();
    assert!(
        e.to_string().contains("m.json reads 1 columns") && e.to_string().contains("pt_mel_0"),
        "{e}"
    );
    let e = evaluate(&data, &[0], &other, &[], &Settings::default(), &Silent).unwrap();
    assert_eq!(
        (e.heuristic_lacks.as_slice(), e.rankers.len()),
        (&["pt_mel_0".to_owned()][..], 1)
    );
    assert!(evaluate(&data, &[], &other, &[], &Settings::default(), &Silent).is_err());
    assert!(
        judge(
            &data,
            &[],
            &Settings {
                k: vec![0],
                ..Settings::default()
            }
        )
        .is_err()
    );
    data.values[4 * 50] = f32::NAN;
    let truth = Column::of("truth", None);
    let e = judge(
        &data,
        &[Ranker {
            name: "m.json",
            scorer: &truth,
        }],
        &Settings::default(),
    )
    .unwrap_err();
    assert!(
        e.to_string().contains("t1") && e.to_string().contains("candidate 10"),
        "{e}"
    );
    data.weights.fill(0.0);
    let e = judge(&data, &[], &Settings::default()).unwrap();
    assert_eq!((e.tracks_without_relevant, ndcg(&e, 0).value), (4, None));
}

#[test]
fn splits_are_read_back() {
    let data = data(4);
    let dir = tempfile::tempdir().unwrap();
    let path = split_beside(&dir.path().join("ranker.json"));
    assert!(read_split(&path).unwrap_err().to_string().contains("split.json"));
    let split = Split {
        train: vec![0, 2],
        valid: vec![3],
        test: vec![1],
    };
    std::fs::write(&path, write_split(&data, &split)).unwrap();
    let named = read_split(&path).unwrap();
    assert_eq!(
        (named.train, named.valid, named.test),
        (vec!["t0".into(), "t2".into()], vec!["t3".into()], vec!["t1".into()])
    );
    std::fs::write(&path, "[1]").unwrap();
    assert!(read_split(&path).unwrap_err().to_string().contains("no record"));
}
