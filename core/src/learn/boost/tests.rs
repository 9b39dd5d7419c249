use super::*;
use crate::learn::dataset::Group;
use crate::learn::recorder::Nowhere;
use crate::progress::Silent;
use rand::RngExt;

/// Tracks whose good loops are planted: a product, a threshold and a feature that is missing where it is bad, under
/// an offset of the whole track that no regression can know.
fn planted(tracks: usize, seed: u64) -> Dataset {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut data = Dataset {
        columns: (0..6).map(|c| format!("f{c}")).collect(),
        ..Dataset::default()
    };
    for t in 0..tracks {
        let first = data.rows();
        let offset: f32 = random.random_range(-0.3..0.3);
        for i in 0..random.random_range(20..40) {
            let x: Vec<f32> = (0..6).map(|_| random.random_range(0.0f32..1.0)).collect();
            let mut good = 0.6 * x[0] * x[1] + if x[2] > 0.7 { 0.3 } else { 0.0 };
            let mut row = x.clone();
            if random.random_range(0.0..1.0) < 0.2 {
                row[3] = f32::NAN;
                good -= 0.3;
            }
            data.values.extend(row);
            data.weights.push((good + offset + 0.3).max(0.0));
            data.spans.push((f64::from(i), f64::from(i) + 1.0));
        }
        data.tracks.push(Group {
            track_id: format!("t{t}"),
            rows: first..data.rows(),
        });
    }
    data
}

fn split(tracks: usize) -> Split {
    let (a, b) = (tracks * 6 / 10, tracks * 8 / 10);
    Split {
        train: (0..a).collect(),
        valid: (a..b).collect(),
        test: (b..tracks).collect(),
    }
}

fn quick() -> Settings {
    Settings {
        rounds: 60,
        depth: 4,
        learning_rate: 0.15,
        min_child_weight: 0.1,
        threads: 2,
        ..Settings::default()
    }
}

fn learn(data: &Dataset, split: &Split, settings: &Settings) -> Result<Boosted, LearnError> {
    boost(data, split, settings, &mut Nowhere, &Silent)
}

/// The trees' value of a row, walked here.
fn margin(trees: &Trees, row: &[f32]) -> f32 {
    trees.trees.iter().fold(trees.base[0], |sum, t| {
        let mut node = 0;
        while t.left[node] >= 0 {
            let x = row[t.feature[node] as usize];
            let left = if x.is_nan() {
                t.default_left[node]
            } else {
                x < t.value[node]
            };
            node = if left { t.left[node] } else { t.right[node] } as usize;
        }
        sum + t.value[node]
    })
}

fn test_ndcg(data: &Dataset, split: &Split, trees: &Trees) -> f64 {
    let of = |t: &usize| {
        let rows = data.tracks[*t].rows.clone();
        let scores: Vec<f32> = rows.clone().map(|r| margin(trees, data.row(r))).collect();
        metrics::ndcg(&scores, &data.weights[rows], 10).unwrap()
    };
    split.test.iter().map(of).sum::<f64>() / split.test.len() as f64
}

#[test]
fn a_planted_order_is_learnt() {
    let (data, split) = (planted(100, 1), split(100));
    let chance = {
        let of = |t: &usize| {
            let weights = &data.weights[data.tracks[*t].rows.clone()];
            metrics::ndcg(&vec![0.0; weights.len()], weights, 10).unwrap()
        };
        split.test.iter().map(of).sum::<f64>() / split.test.len() as f64
    };
    assert!(chance < 0.75, "{chance}");
    for goal in [
        Goal::RANK,
        Goal::Rank {
            gain: Gain::Exponential,
            top: 10,
            normalise: false,
        },
        Goal::Regression,
    ] {
        let made = learn(&data, &split, &Settings { goal, ..quick() }).unwrap();
        let got = test_ndcg(&data, &split, &made.trees);
        assert!(got > 0.94, "{goal:?}: {got} after {} rounds", made.best_round);
        assert_eq!(made.trees.trees.len(), made.best_round);
        assert!(made.best_round <= made.tried && made.valid.unwrap() > 0.94);
    }
}

#[test]
fn same_seed_same_trees_whatever_the_threads() {
    let (data, split) = (planted(30, 2), split(30));
    let with = |seed, threads| {
        let settings = Settings {
            seed,
            threads,
            rounds: 12,
            subsample: 0.7,
            colsample: 0.7,
            ..quick()
        };
        learn(&data, &split, &settings).unwrap()
    };
    let one = with(5, 1);
    assert_eq!(one, with(5, 1));
    assert_eq!(one, with(5, 2));
    assert_eq!(one, with(5, 7));
    assert_ne!(one.trees, with(6, 1).trees);
}

#[test]
fn training_stops_at_the_best_round() {
    // Weights that nothing explains: what is learnt is noise, and does not last.
    let mut data = planted(40, 3);
    let mut random = Pcg64Mcg::seed_from_u64(9);
    data.weights.iter_mut().for_each(|w| *w = random.random_range(0.0..1.0));
    let settings = Settings {
        rounds: 200,
        patience: 5,
        ..quick()
    };
    let made = learn(&data, &split(40), &settings).unwrap();
    assert_eq!(made.tried, made.best_round + 5);
    let without = Split {
        valid: Vec::new(),
        ..split(40)
    };
    let all = learn(&data, &without, &Settings { rounds: 9, ..settings }).unwrap();
    assert_eq!((all.best_round, all.tried, all.valid), (9, 9, None));
}

#[test]
fn bad_data_are_named() {
    let good = planted(10, 4);
    let split = split(10);
    let problem = |data: &Dataset, split: &Split, settings: &Settings| match learn(data, split, settings) {
        Err(LearnError::Data(text) | LearnError::Setting(text)) => text,
        other => panic!("{other:?}"),
    };
    let mut data = good.clone();
    data.weights[data.tracks[1].rows.start + 2] = f32::NAN;
    let text = problem(&data, &split, &quick());
    assert!(
        text.contains("row 3") && text.contains("\"t1\"") && text.contains("weight"),
        "{text}"
    );
    let mut data = good.clone();
    data.values[6 * 4 + 2] = f32::INFINITY;
    let text = problem(&data, &split, &quick());
    assert!(
        text.contains("f2") && text.contains("row 5") && text.contains("infinite"),
        "{text}"
    );
    let mut data = good.clone();
    data.weights.fill(0.0);
    assert!(problem(&data, &split, &quick()).contains("nothing to rank"));
    let mut data = good.clone();
    data.values.fill(1.0);
    assert!(problem(&data, &split, &quick()).contains("one value in all"));
    let mut data = good.clone();
    data.tracks.truncate(1);
    let one = Split {
        train: vec![0],
        ..Split::default()
    };
    assert!(problem(&data, &one, &quick()).contains("1 track:"));
    assert!(problem(&good, &Split::default(), &quick()).contains("no track is left"));
    assert!(problem(&good, &split, &Settings { depth: 0, ..quick() }).contains("depth"));
    assert!(
        problem(
            &good,
            &split,
            &Settings {
                subsample: 0.0,
                ..quick()
            }
        )
        .contains("subsample")
    );
    assert!(
        problem(
            &good,
            &split,
            &Settings {
                min_child_weight: 1e9,
                ..quick()
            }
        )
        .contains("min-child-weight")
    );
}

#[test]
fn constant_columns_are_left_alone() {
    let mut data = planted(30, 6);
    for row in data.values.chunks_exact_mut(6) {
        row[4] = 3.0;
        row[5] = f32::NAN;
    }
    let made = learn(&data, &split(30), &quick()).unwrap();
    let used = |f: u32| {
        made.trees
            .trees
            .iter()
            .any(|t| t.left.iter().zip(&t.feature).any(|(l, x)| *l >= 0 && *x == f))
    };
    assert!(used(0) && used(1) && !used(4) && !used(5));
}

#[test]
fn the_file_scores_as_the_margins_that_were_boosted() {
    use crate::features::{FeatureTable, Schema};
    use crate::learn::Learner;
    use std::sync::Arc;

    let (data, split) = (planted(20, 7), split(20));
    let learner = Boost {
        settings: Settings { rounds: 10, ..quick() },
    };
    let fitted = learner.fit(&data, &split, &mut Nowhere, &Silent).unwrap();
    assert_eq!((learner.name(), fitted.extension), ("boost", "json"));
    let read = Trees::read("ranker.json", &fitted.bytes).unwrap();
    let made = learn(&data, &split, &learner.settings).unwrap();
    assert_eq!(read.features, data.columns);
    assert_eq!(read.objective_name, "rank:ndcg");
    // Columns are found by name: here they stand in another order, behind a foreign one.
    let mut columns = vec!["other".to_owned()];
    columns.extend(data.columns.iter().rev().cloned());
    let values = (0..data.rows())
        .flat_map(|r| std::iter::once(5.0).chain(data.row(r).iter().rev().copied()))
        .collect();
    let table = FeatureTable::from_values(Arc::new(Schema::plain(columns)), values);
    let scores = fitted.scorer.score(&table).unwrap();
    let forest = read.forest().unwrap();
    assert_eq!(forest.predict(&data.values), scores);
    for (row, score) in scores.iter().enumerate() {
        assert_eq!(*score, margin(&made.trees, data.row(row)));
    }
    let gains = importance(&made.trees);
    assert!(gains[0].1 >= gains[1].1 && gains.len() == 6);
    assert!(["f0", "f1", "f2"].contains(&gains[0].0.as_str()));
    assert!(
        fitted
            .facts
            .iter()
            .any(|(n, _)| n == &format!("gain by {}", gains[0].0))
    );
    assert!(learner.settings().contains(&("depth".into(), "4".into())));
    let short = FeatureTable::from_values(Arc::new(Schema::plain(vec!["f0".into()])), vec![1.0]);
    assert!(fitted.scorer.score(&short).is_err());
}

/// Files of ours as Python's xgboost predicts with them, bit for bit: see `core/tests/data/boost/make.py`.
#[test]
fn python_predicts_the_same() {
    use serde_json::{Value, json};
    use std::path::Path;

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/boost");
    let (data, split) = (planted(40, 11), split(40));
    let tested: Vec<&[f32]> = split
        .test
        .iter()
        .flat_map(|&t| data.tracks[t].rows.clone())
        .map(|r| data.row(r))
        .collect();
    for (name, goal) in [("rank", Goal::RANK), ("regression", Goal::Regression)] {
        let settings = Settings {
            goal,
            rounds: 8,
            depth: 3,
            ..quick()
        };
        let made = learn(&data, &split, &settings).unwrap().trees;
        let path = folder.join(format!("{name}.json"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, made.to_json()).unwrap();
            let number = |x: &f32| if x.is_nan() { Value::Null } else { json!(x) };
            let rows: Vec<Vec<Value>> = tested.iter().map(|r| r.iter().map(number).collect()).collect();
            let text = json!({ "columns": data.columns, "rows": rows }).to_string();
            std::fs::write(folder.join("rows.json"), text + "\n").unwrap();
            continue;
        }
        // Ranking goes through exponentials, which other systems round otherwise in the last bit.
        let bytes = std::fs::read(&path).unwrap();
        if goal == Goal::Regression {
            assert_eq!(
                made.to_json().into_bytes(),
                bytes,
                "the trainer makes other trees than it did"
            );
        }
        let text = std::fs::read_to_string(folder.join("predictions.json")).unwrap();
        let told: Value = serde_json::from_str(&text).unwrap();
        let told: Vec<f32> = serde_json::from_value(told[name].clone()).unwrap();
        let forest = Trees::read(name, &bytes).unwrap().forest().unwrap();
        let values: Vec<f32> = tested.iter().flat_map(|r| r.iter().copied()).collect();
        assert!(told.len() > 100 && values.iter().any(|x| x.is_nan()));
        assert_eq!(forest.predict(&values), told);
    }
}
