use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::features::Schema;
use crate::learn::dataset::Group;
use crate::learn::recorder::{Nowhere, RecordError};
use crate::learn::split::split;
use crate::progress::{Cancelled, Silent};
use crate::rank::metrics;
use std::path::Path;
use std::sync::Arc;

/// Tracks of 20 to 59 candidates with normal features, each column shifted by track, 2 % missing; the weight is that of
/// a logistic over `merit`, standardised within the track, so that few candidates are good.
fn planted(tracks: usize, columns: usize, seed: u64, merit: impl Fn(&[f32]) -> f32) -> Dataset {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut normal = move || -> f32 { StandardNormal.sample(&mut rng) };
    let mut data = Dataset {
        columns: (0..columns).map(|c| format!("x{c}")).collect(),
        ..Dataset::default()
    };
    for track in 0..tracks {
        let n = 20 + (track * 37) % 40;
        let shift: Vec<f32> = (0..columns).map(|_| normal()).collect();
        let rows: Vec<Vec<f32>> = (0..n).map(|_| (0..columns).map(|_| normal()).collect()).collect();
        let merits: Vec<f32> = rows.iter().map(|r| merit(r) + 0.3 * normal()).collect();
        let mean = merits.iter().sum::<f32>() / n as f32;
        let deviation = (merits.iter().map(|m| (m - mean).powi(2)).sum::<f32>() / n as f32).sqrt();
        let first = data.weights.len();
        for (row, merit) in rows.iter().zip(merits) {
            let z = (merit - mean) / deviation;
            data.weights.push(1.0 / (1.0 + (-4.0 * (z - 1.5)).exp()));
            data.spans.push((0.0, 1.0));
            data.values.extend(row.iter().zip(&shift).map(|(x, s)| {
                if normal().abs() > 2.33 {
                    f32::NAN
                } else {
                    3.0 * (x + s) + 10.0
                }
            }));
        }
        data.tracks.push(Group {
            track_id: format!("track {track}"),
            rows: first..data.weights.len(),
        });
    }
    data
}

fn linear(row: &[f32]) -> f32 {
    row[0] - 0.7 * row[1] + 0.5 * row[2]
}

/// No linear function of the features orders these.
fn nonlinear(row: &[f32]) -> f32 {
    (row[0] * row[1]).abs() - row[2].abs()
}

fn quick(loss: Loss) -> Settings {
    Settings {
        hidden: vec![24, 12],
        epochs: 25,
        patience: 25,
        rate: 5e-3,
        threads: NonZeroUsize::MIN,
        ..Settings::of(loss)
    }
}

fn fit(settings: Settings, data: &Dataset) -> Result<Fitted, LearnError> {
    let split = split(&data.tracks, 0.2, 0.2, 1).unwrap();
    Mlp { settings }.fit(data, &split, &mut Nowhere, &Silent)
}

fn table(data: &Dataset, track: usize) -> FeatureTable {
    let width = data.columns.len();
    let rows = &data.tracks[track].rows;
    let values = data.values[rows.start * width..rows.end * width].to_vec();
    FeatureTable::from_values(Arc::new(Schema::plain(data.columns.clone())), values)
}

/// NDCG at 10 over the test tracks: of the model, and of chance.
fn test_ndcg(fitted: &Fitted, data: &Dataset) -> (f64, f64) {
    let split = split(&data.tracks, 0.2, 0.2, 1).unwrap();
    let mean = |score: &dyn Fn(usize) -> Vec<f32>| {
        let of = |t: &usize| {
            let weights = &data.weights[data.tracks[*t].rows.clone()];
            metrics::ndcg(&score(*t), weights, 10).unwrap()
        };
        split.test.iter().map(of).sum::<f64>() / split.test.len() as f64
    };
    let model = mean(&|t| fitted.scorer.score(&table(data, t)).unwrap());
    (model, mean(&|t| vec![0.0; data.tracks[t].rows.len()]))
}

const LOSSES: [Loss; 4] = [Loss::Squared, Loss::ListNet, Loss::ListMle, Loss::LambdaRank];

#[test]
fn a_planted_linear_order_is_learnt_by_every_loss() {
    let data = planted(100, 6, 2, linear);
    for loss in LOSSES {
        let (model, chance) = test_ndcg(&fit(quick(loss), &data).unwrap(), &data);
        eprintln!("linear {loss:?}: {model:.3}, chance {chance:.3}");
        assert!(model > 0.8 && chance < 0.45, "{loss:?} {model} {chance}");
    }
}

#[test]
fn a_planted_order_that_no_line_gives_is_learnt_by_units_and_not_without() {
    let data = planted(150, 5, 3, nonlinear);
    let settings = Settings {
        epochs: 40,
        ..quick(Loss::LambdaRank)
    };
    let (model, _) = test_ndcg(&fit(settings.clone(), &data).unwrap(), &data);
    let bare = Settings {
        hidden: vec![],
        ..settings
    };
    let (line, chance) = test_ndcg(&fit(bare, &data).unwrap(), &data);
    eprintln!("nonlinear: {model:.3}, without hidden units {line:.3}, chance {chance:.3}");
    assert!(model > 0.65 && line < 0.45, "{model} {line} {chance}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let data = planted(30, 4, 5, linear);
    let with = |threads: usize, seed: u64| {
        let settings = Settings {
            epochs: 3,
            threads: NonZeroUsize::new(threads).unwrap(),
            seed,
            ..quick(Loss::ListMle)
        };
        fit(settings, &data).unwrap().bytes
    };
    let one = with(1, 7);
    assert_eq!(one, with(1, 7));
    assert_eq!(one, with(3, 7));
    assert_ne!(one, with(1, 8));
}

#[test]
fn candidates_beyond_the_limit_are_left_out_of_steps_only() {
    let data = planted(60, 4, 6, linear);
    let settings = Settings {
        max_candidates: Some(12),
        ..quick(Loss::ListNet)
    };
    let thin = fit(settings, &data).unwrap();
    let (model, _) = test_ndcg(&thin, &data);
    assert!(model > 0.75, "{model}");
    assert_ne!(thin.bytes, fit(quick(Loss::ListNet), &data).unwrap().bytes);
}

#[test]
#[cfg(feature = "onnx")]
fn the_file_gives_the_scores_of_the_network() {
    let mut data = planted(40, 5, 8, linear);
    data.columns.push("same".into());
    data.values = data.values.chunks(5).flat_map(|r| [r, &[4.0]].concat()).collect();
    for (trackwise, loss) in [(true, Loss::ListNet), (false, Loss::Squared)] {
        let mut settings = Settings {
            epochs: 4,
            ..quick(loss)
        };
        settings.scaling.trackwise = trackwise;
        let fitted = fit(settings, &data).unwrap();
        let model = crate::onnx::Model::of("test", &fitted.bytes).unwrap();
        assert_eq!(model.metadata()["loopwright.features"], r#"["x0","x1","x2","x3","x4"]"#);
        assert_eq!(model.metadata()["loopwright.trackwise"], trackwise.to_string());
        assert_eq!(model.metadata()["loopwright.output"], "relative");
        for track in 0..3 {
            let own = fitted.scorer.score(&table(&data, track)).unwrap();
            let n = own.len();
            let rows = data.tracks[track].rows.clone();
            let mut raw: Vec<f32> = rows.flat_map(|r| data.row(r)[..5].to_vec()).collect();
            let network = model.network(&[&[n, 5]]).unwrap();
            let other = &network.run(&[&raw]).unwrap()[0];
            // Padded with rows of nothing, as a scorer in fixed windows does.
            raw.resize((n + 19) * 5, f32::NAN);
            let padded = &model.network(&[&[n + 19, 5]]).unwrap().run(&[&raw]).unwrap()[0];
            for (i, a) in own.iter().enumerate() {
                assert!((a - other[i]).abs() < 1e-6 * a.abs().max(1.0), "{a} {}", other[i]);
                assert!((a - padded[i]).abs() < 1e-6 * a.abs().max(1.0), "{a} {}", padded[i]);
            }
            assert!(own.iter().any(|a| (a - own[0]).abs() > 1e-3));
        }
    }
}

#[test]
#[cfg(feature = "onnx")]
fn what_is_found_later_is_added_to_the_file() {
    let data = planted(12, 3, 9, linear);
    let settings = Settings {
        epochs: 1,
        ..quick(Loss::ListNet)
    };
    let mut bytes = fit(settings, &data).unwrap().bytes;
    let calibration = crate::model::Calibration {
        slope: 1.5,
        offset: -2.0,
    };
    onnx_write::add_findings(&mut bytes, Some(0.25), Some(calibration));
    let model = crate::onnx::Model::of("test", &bytes).unwrap();
    assert_eq!(model.metadata()["loopwright.alpha"], "0.25");
    let read: crate::model::Calibration = serde_json::from_str(&model.metadata()["loopwright.calibration"]).unwrap();
    assert_eq!(read, calibration);
}

#[test]
fn data_that_teach_nothing_are_named() {
    let message = |data: &Dataset| match fit(quick(Loss::ListNet), data) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("learnt from nothing"),
    };
    let good = planted(12, 3, 9, linear);
    let mut bad = good.clone();
    bad.weights.iter_mut().for_each(|w| *w = 0.0);
    assert!(message(&bad).contains("nothing to learn"), "{}", message(&bad));
    for weight in [f32::NAN, -1.0, f32::INFINITY] {
        let mut bad = good.clone();
        let of = split(&good.tracks, 0.2, 0.2, 1).unwrap().train[0];
        let row = good.tracks[of].rows.start + 3;
        bad.weights[row] = weight;
        let said = message(&bad);
        assert!(
            said.contains("`weight`") && said.contains(&format!("row {}", row + 1)) && said.contains("track"),
            "{said}"
        );
    }
    let mut bad = good.clone();
    bad.values.iter_mut().for_each(|x| *x = f32::NAN);
    assert!(message(&bad).contains("none of the 3 feature columns"));
    // Some tracks without an order, or of a single candidate, are left out and counted.
    let mut mixed = good.clone();
    for track in &good.tracks[..5] {
        mixed.weights[track.rows.clone()].fill(0.5);
    }
    let fitted = fit(quick(Loss::ListNet), &mixed).unwrap();
    assert!(fitted.facts.iter().any(|(name, _)| name.contains("without a better")));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let data = planted(12, 3, 9, linear);
    let faults: [fn(&mut Settings); 7] = [
        |s| s.hidden = vec![0],
        |s| s.dropout = 1.0,
        |s| s.epochs = 0,
        |s| s.rate = f32::NAN,
        |s| s.temperature = 0.0,
        |s| s.max_candidates = Some(1),
        |s| s.decay = -1.0,
    ];
    for fault in faults {
        let mut settings = quick(Loss::ListNet);
        fault(&mut settings);
        assert!(matches!(fit(settings, &data), Err(LearnError::Setting(_))));
    }
    let wild = Settings {
        rate: 1e30,
        ..quick(Loss::Squared)
    };
    let said = match fit(wild, &data) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("learnt at a rate of 1e30"),
    };
    assert!(said.contains("lower the learning rate"), "{said}");
}

#[test]
fn a_request_to_stop_stops_and_measures_are_recorded_by_epoch() {
    struct Stop;
    impl Progress for Stop {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    #[derive(Default)]
    struct Keep(Vec<(String, u64, f64)>);
    impl Recorder for Keep {
        fn param(&mut self, _: &str, _: &str) -> Result<(), RecordError> {
            Ok(())
        }
        fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError> {
            self.0.push((name.into(), step, value));
            Ok(())
        }
        fn artifact(&mut self, _: &str, _: &[u8]) -> Result<(), RecordError> {
            Ok(())
        }
        fn finish(&mut self, _: crate::learn::recorder::Ending) -> Result<(), RecordError> {
            Ok(())
        }
    }
    let data = planted(12, 3, 9, linear);
    let split = split(&data.tracks, 0.2, 0.2, 1).unwrap();
    let settings = Settings {
        epochs: 3,
        ..quick(Loss::ListNet)
    };
    let mlp = Mlp { settings };
    let mut kept = Keep::default();
    let stopped = mlp.fit(&data, &split, &mut kept, &Stop);
    assert!(matches!(stopped, Err(LearnError::Cancelled(Cancelled))));
    mlp.fit(&data, &split, &mut kept, &Silent).unwrap();
    let names: Vec<(&str, u64)> = kept.0.iter().map(|(n, s, _)| (n.as_str(), *s)).collect();
    assert_eq!(
        names[..3],
        [("train_loss", 1), ("valid_ndcg_at_10", 1), ("train_loss", 2)]
    );
    assert!(kept.0.iter().all(|(_, _, v)| v.is_finite()));
}

/// With `$LOOPWRIGHT_ONNX_PYTHON`, a Python that has onnx and onnxruntime: `cargo xtask test` brings one.
#[test]
fn onnxruntime_gives_the_scores_of_the_network() {
    let Some(python) = std::env::var_os("LOOPWRIGHT_ONNX_PYTHON") else {
        eprintln!("SKIPPED: $LOOPWRIGHT_ONNX_PYTHON names no Python with onnxruntime");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let data = planted(40, 12, 8, nonlinear);
    for (name, loss, trackwise, hidden) in [
        ("listnet", Loss::ListNet, true, vec![128, 64]),
        ("lambdarank", Loss::LambdaRank, true, vec![32]),
        ("squared", Loss::Squared, false, vec![64, 32, 16]),
        ("linear", Loss::ListMle, true, vec![]),
    ] {
        let mut settings = Settings {
            epochs: 8,
            hidden,
            ..quick(loss)
        };
        settings.scaling.trackwise = trackwise;
        let fitted = fit(settings, &data).unwrap();
        std::fs::write(folder.join(format!("{name}.onnx")), &fitted.bytes).unwrap();
        let mut tables = Vec::new();
        for track in 0..6 {
            let rows: Vec<Vec<Option<f32>>> = data.tracks[track]
                .rows
                .clone()
                .map(|r| data.row(r).iter().map(|x| (!x.is_nan()).then_some(*x)).collect())
                .collect();
            let scores = fitted.scorer.score(&table(&data, track)).unwrap();
            tables.push(serde_json::json!({ "features": rows, "scores": scores }));
        }
        let json = serde_json::to_vec(&tables).unwrap();
        std::fs::write(folder.join(format!("{name}.json")), json).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/check_onnx.py");
    let run = std::process::Command::new(python)
        .arg(script)
        .arg(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    eprintln!("{said}");
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
}
