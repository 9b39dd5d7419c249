use std::fmt::Write as _;
use std::fs;

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::learn::listwise::Loss;
use crate::learn::mlp::{Mlp, Settings};
use crate::learn::recorder::Nowhere;
use crate::progress::{Cancelled, Silent};

/// A dataset in which a column tells which candidates are good, `boundary_quiet_score` which of them are bad after all, and
/// the columns of the heuristic are noise.
fn csv(tracks: usize) -> String {
    let mut rng = Pcg64Mcg::seed_from_u64(4);
    let mut normal = move || -> f32 { StandardNormal.sample(&mut rng) };
    let structure = "inside_section,unit_divides,rep_unit,rep_span,holds_fill,texture_dev,phrase_position";
    let mut text = format!("track_id,start_time,end_time,weight,tell,other,boundary_quiet_score,{structure}\n");
    for track in 0..tracks {
        for row in 0..25 {
            let (tell, boundary) = (normal(), normal().abs());
            let weight = 1.0 / (1.0 + (-3.0 * (tell - 1.5 * boundary)).exp());
            let _ = write!(
                text,
                "t{track},{row},{},{weight},{tell},{},{boundary}",
                row + 2,
                normal()
            );
            (0..7).for_each(|_| {
                let _ = write!(text, ",{}", normal());
            });
            text.push('\n');
        }
    }
    text
}

struct Set {
    folder: tempfile::TempDir,
    data: Vec<PathBuf>,
    out: PathBuf,
    target: Target,
    exclude: Vec<String>,
}

impl Set {
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("loops.csv");
        fs::write(&file, text).unwrap();
        Self {
            out: folder.path().join("out"),
            target: folder.path().join("out").into(),
            data: vec![file],
            exclude: vec!["boundary*".into()],
            folder,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            data: &self.data,
            out: &self.target,
            extension: "onnx",
            include: &[],
            exclude: &self.exclude,
            valid: 0.25,
            test: 0.25,
            folds: None,
            seed: 1,
        }
    }
}

fn learner() -> Mlp {
    Mlp {
        settings: Settings {
            hidden: vec![8],
            epochs: 8,
            rate: 0.01,
            ..Settings::of(Loss::ListNet)
        },
    }
}

fn run(request: &Request<'_>) -> Result<Report, TrainError> {
    let prepared = prepare(request, &Silent)?;
    train(request, &prepared, &learner(), &mut Nowhere, &Silent)
}

/// Names of the columns in a `features.json`.
#[cfg(feature = "onnx")]
fn features_of(file: &serde_json::Value) -> String {
    let columns = file["columns"].as_array().unwrap();
    columns
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

fn ndcg(judgement: &Judgement, ranker: usize) -> f64 {
    judgement.rankers[ranker].measures[0].1.mean
}

#[test]
fn a_run_leaves_a_model_its_features_and_its_card() {
    let set = Set::of(&csv(60));
    let report = run(&set.request()).unwrap();
    assert_eq!(report.files, ["ranker.onnx", "features.json", "MODEL.md", "split.json"]);
    let judgement = report.judgement.as_ref().unwrap();
    let names: Vec<&str> = judgement.rankers.iter().map(|r| r.ranker).collect();
    assert_eq!(names, ["model", "heuristic", "chance"]);
    assert!(ndcg(judgement, 0) > ndcg(judgement, 2) + 0.2, "{judgement:?}");
    assert!(judgement.above_heuristic.unwrap().low > 0.1);
    // What the model was not shown is found again as a penalty.
    assert!(report.alpha.unwrap() > 0.0, "{:?}", report.alpha);
    let card = fs::read_to_string(set.out.join("MODEL.md")).unwrap();
    assert!(
        card.starts_with(crate::learn::card::MARK) && card.contains("loops.csv"),
        "{card}"
    );
    assert!(card.contains("| exclude | boundary\\* |"), "{card}");
    let features: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(set.out.join("features.json")).unwrap()).unwrap();
    assert!(
        features["columns"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["name"] == "tell"),
        "{features}"
    );
    assert!(!features.to_string().contains("boundary"));
    #[cfg(feature = "onnx")]
    {
        let model = crate::model::load(&report.model).unwrap();
        assert_eq!(model.info().columns.join(" "), features_of(&features));
        assert_eq!(model.info().alpha, report.alpha);
        assert_eq!(model.info().calibration, report.calibration);
    }
    // Once more, over what is there: the same bytes.
    let before: Vec<Vec<u8>> = report
        .files
        .iter()
        .map(|f| fs::read(set.out.join(f)).unwrap())
        .collect();
    assert_eq!(run(&set.request()).unwrap(), report);
    let after: Vec<Vec<u8>> = report
        .files
        .iter()
        .map(|f| fs::read(set.out.join(f)).unwrap())
        .collect();
    assert_eq!(before, after);
    assert_eq!(fs::read_dir(&set.out).unwrap().count(), 4);
}

#[test]
fn folds_judge_every_track_once() {
    let set = Set::of(&csv(24));
    let request = Request {
        folds: Some(3),
        ..set.request()
    };
    let report = run(&request).unwrap();
    assert_eq!(report.judgement.as_ref().unwrap().tracks, 24);
    assert_eq!(report.train_tracks + report.valid_tracks, 24);
    let card = fs::read_to_string(set.out.join("MODEL.md")).unwrap();
    assert!(card.contains("(3 folds)"), "{card}");
}

#[test]
fn what_is_wrong_is_told_before_anything_is_made() {
    let one = Set::of(&csv(1));
    let said = run(&one.request()).unwrap_err().to_string();
    assert!(said.contains("one track cannot be split"), "{said}");
    assert!(!one.out.exists());
    let mut set = Set::of(&csv(12));
    set.exclude = vec!["pt_mel_*".into()];
    let said = run(&set.request()).unwrap_err().to_string();
    assert!(said.contains("pt_mel_*") && said.contains("tell"), "{said}");
    set.data.push(set.folder.path().join("gone.csv"));
    let said = run(&set.request()).unwrap_err().to_string();
    assert!(said.contains("gone.csv"), "{said}");
    assert!(!set.out.exists());
    // All tracks without an order: an error, and no model.
    let flat = Set::of(&csv(12).lines().enumerate().fold(String::new(), |mut text, (i, line)| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if i > 0 {
            cells[3] = "0.5";
        }
        let _ = writeln!(text, "{}", cells.join(","));
        text
    }));
    let said = run(&flat.request()).unwrap_err().to_string();
    assert!(said.contains("nothing to learn"), "{said}");
    assert!(!flat.out.join("ranker.onnx").exists());
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    for name in ["MODEL.md", "ranker.onnx", "features.json"] {
        let set = Set::of(&csv(12));
        fs::create_dir(&set.out).unwrap();
        fs::write(set.out.join(name), "mine").unwrap();
        fs::write(set.out.join("notes.txt"), "mine").unwrap();
        let said = run(&set.request()).unwrap_err().to_string();
        assert!(said.contains(name) && said.contains("not from here"), "{said}");
        assert_eq!(fs::read(set.out.join(name)).unwrap(), b"mine");
    }
}

#[test]
fn a_run_that_is_stopped_leaves_the_model_that_was_there() {
    struct Stop;
    impl Progress for Stop {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    #[derive(Default)]
    struct Ends(Vec<Ending>);
    impl Recorder for Ends {
        fn param(&mut self, _: &str, _: &str) -> Result<(), RecordError> {
            Ok(())
        }
        fn metric(&mut self, _: &str, _: u64, _: f64) -> Result<(), RecordError> {
            Ok(())
        }
        fn artifact(&mut self, _: &str, _: &[u8]) -> Result<(), RecordError> {
            Ok(())
        }
        fn finish(&mut self, ending: Ending) -> Result<(), RecordError> {
            self.0.push(ending);
            Ok(())
        }
    }
    let set = Set::of(&csv(12));
    run(&set.request()).unwrap();
    let before = fs::read(set.out.join("ranker.onnx")).unwrap();
    let request = Request {
        seed: 2,
        ..set.request()
    };
    let prepared = prepare(&request, &Silent).unwrap();
    let mut ends = Ends::default();
    let stopped = train(&request, &prepared, &learner(), &mut ends, &Stop);
    assert!(matches!(
        stopped,
        Err(TrainError::Learn(LearnError::Cancelled(Cancelled)))
    ));
    assert_eq!(ends.0, [Ending::Killed]);
    assert_eq!(fs::read(set.out.join("ranker.onnx")).unwrap(), before);
    train(&request, &prepared, &learner(), &mut ends, &Silent).unwrap();
    assert_eq!(ends.0, [Ending::Killed, Ending::Finished]);
    assert_ne!(fs::read(set.out.join("ranker.onnx")).unwrap(), before);
}
