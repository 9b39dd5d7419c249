//! Records of runs on an MLflow server: a real one where there is one, and a small one that misbehaves on request.
#![cfg(feature = "mlflow")]

#[path = "mlflow/faulty.rs"]
mod faulty;
#[path = "mlflow/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use faulty::{Answer, Faulty};
use loopwright::args::MlflowFlags;
use loopwright::record;
use loopwright_core::learn::recorder::{Ending, Recorder};
use serde_json::{Value, json};
use server::Server;

fn flags(uri: &str, experiment: &str) -> MlflowFlags {
    MlflowFlags {
        mlflow: true,
        mlflow_uri: Some(uri.into()),
        mlflow_experiment: Some(experiment.into()),
        mlflow_run_name: None,
    }
}

fn nothing(_: &str) -> Option<String> {
    None
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(record::FILE)).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// A run with more of everything than fits one request.
fn whole_run(record: &mut dyn Recorder, model: &[u8]) {
    for i in 0..130 {
        record
            .param(&format!("setting {i}"), &format!("wert {i} \u{1f3b5}"))
            .unwrap();
    }
    record.param("long", &"x".repeat(20_000)).unwrap();
    record.param("a@b", "first").unwrap();
    record.param("a#b", "second").unwrap();
    for step in 0..1200 {
        record.metric("valid/ndcg@10", step, step as f64 / 1200.0).unwrap();
        record.metric("loss", step, 0.1 + 0.2).unwrap();
    }
    record.metric("odd", 0, f64::NAN).unwrap();
    record.artifact("my model.onnx", model).unwrap();
}

/// What MLflow's own client reads back of a run.
const READ_BACK: &str = r#"
import json, sys, hashlib, os
import mlflow
from mlflow.tracking import MlflowClient
uri, experiment, folder = sys.argv[1:4]
mlflow.set_tracking_uri(uri)
client = MlflowClient()
found = client.get_experiment_by_name(experiment)
out = []
for run in client.search_runs([found.experiment_id]):
    files = {}
    for f in client.list_artifacts(run.info.run_id):
        path = client.download_artifacts(run.info.run_id, f.path, folder)
        files[f.path] = open(path, "rb").read().hex()
    history = {k: [(m.step, repr(m.value)) for m in client.get_metric_history(run.info.run_id, k)] for k in run.data.metrics}
    out.append(dict(name=run.info.run_name, status=run.info.status, params=run.data.params, tags=run.data.tags,
                    ended=run.info.end_time is not None, history=history, files=files))
print(json.dumps(out))
"#;

#[derive(Debug, serde::Deserialize)]
struct Run {
    name: String,
    status: String,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    ended: bool,
    history: BTreeMap<String, Vec<(u64, String)>>,
    files: BTreeMap<String, String>,
}

#[test]
fn a_real_server_has_all_of_a_run() {
    let home = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(home.path(), &[]) else {
        return;
    };
    let out = home.path().join("my ranker");
    fs::create_dir(&out).unwrap();
    let model: Vec<u8> = (0..300_000u32).map(|i| (i * 7 % 251) as u8).collect();
    let experiment = "loops & more/ü";
    // A slash at the end is no other server.
    let flags = flags(&format!("{}/", server.uri), experiment);
    let mut record = record::open_with(&flags, &out, "train rank", &nothing).unwrap();
    whole_run(record.as_mut(), &model);
    record.finish(Ending::Finished).unwrap();
    drop(record);
    // Again, in the experiment that is there now; dropped without a word, as where an error ended the work.
    let mut record = record::open_with(&flags, &out, "train rank", &nothing).unwrap();
    record.metric("loss", 1, 2.5).unwrap();
    drop(record);
    let mut record = record::open_with(&flags, &out, "train rank", &nothing).unwrap();
    record.finish(Ending::Killed).unwrap();
    drop(record);

    let read = server.python(READ_BACK, &[&server.uri, experiment, &home.path().to_string_lossy()]);
    let runs: Vec<Run> = serde_json::from_str(read.lines().last().unwrap()).unwrap();
    let by_status = |status: &str| runs.iter().find(|r| r.status == status).unwrap();
    assert_eq!(runs.len(), 3);
    let run = by_status("FINISHED");
    assert_eq!(run.name, "my ranker");
    assert_eq!(run.tags["mlflow.source.name"], "loopwright train rank");
    assert!(run.ended);
    assert_eq!(run.params.len(), 133);
    assert_eq!(run.params["setting 129"], "wert 129 \u{1f3b5}");
    assert_eq!(run.params["long"], "x".repeat(6000));
    assert_eq!(
        (run.params["a_b"].as_str(), run.params["a_b_2"].as_str()),
        ("first", "second")
    );
    let curve = &run.history["valid/ndcg_10"];
    assert_eq!(curve.len(), 1200);
    for (step, value) in curve {
        assert_eq!(value.parse::<f64>().unwrap(), *step as f64 / 1200.0);
    }
    assert!(run.history["loss"].iter().all(|(_, v)| v == "0.30000000000000004"));
    assert_eq!(run.history["odd"], [(0, "nan".to_owned())]);
    let hex: String = model.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(run.files.keys().collect::<Vec<_>>(), ["my model.onnx"]);
    assert!(run.files["my model.onnx"] == hex, "the file comes back byte for byte");
    let failed = by_status("FAILED");
    assert_eq!(failed.history["loss"], [(1, "2.5".to_owned())], "what waited was sent");
    assert!(failed.ended && by_status("KILLED").ended);
}

#[test]
fn a_real_server_with_a_store_of_its_own_gets_the_files_in_its_folder() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("the store");
    let root = store.to_string_lossy().into_owned();
    let Some(server) = Server::start(home.path(), &["--no-serve-artifacts", "--default-artifact-root", &root]) else {
        return;
    };
    let out = home.path().join("run");
    fs::create_dir(&out).unwrap();
    let flags = flags(&server.uri, "here");
    let mut record = record::open_with(&flags, &out, "train boost", &nothing).unwrap();
    record.artifact("m.json", b"{}").unwrap();
    record.finish(Ending::Finished).unwrap();
    assert!(
        !lines(&out).iter().any(|l| l.get("note").is_some()),
        "{:?}",
        lines(&out)
    );
    let read = server.python(READ_BACK, &[&server.uri, "here", &home.path().to_string_lossy()]);
    let runs: Vec<Run> = serde_json::from_str(read.lines().last().unwrap()).unwrap();
    assert_eq!(runs[0].files["m.json"], "7b7d");
}

#[test]
fn without_a_server_nothing_is_begun_and_the_error_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(record::FILE), "earlier\n").unwrap();
    let error = |uri: &str| {
        let flags = flags(uri, "x");
        let error = record::open_with(&flags, home.path(), "train rank", &nothing)
            .err()
            .unwrap();
        format!("{error:#}")
    };
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let refused = error(&format!("http://bertha:pa55word@127.0.0.1:{port}/"));
    assert!(refused.contains(&format!("http://127.0.0.1:{port}:")), "{refused}");
    assert!(refused.contains("is `mlflow server` running?"), "{refused}");
    assert!(
        !refused.contains("pa55word") && !refused.contains("bertha"),
        "{refused}"
    );
    assert!(error("file:///tmp/mlruns").contains("file: is no server's scheme"));
    assert!(error("nonsense").contains("--mlflow-uri"));
    let kept = fs::read_to_string(home.path().join(record::FILE)).unwrap();
    assert_eq!(kept, "earlier\n", "the record of an earlier run stays");
}

#[test]
fn servers_that_refuse_are_understood_and_no_secret_is_told() {
    let home = tempfile::tempdir().unwrap();
    for (answer, said, requests) in [
        (
            Answer::new(401, "You are not authenticated."),
            "status 401: it refuses: set MLFLOW_TRACKING_USERNAME",
            1,
        ),
        (
            Answer::new(403, r#"{"error_code":"PERMISSION_DENIED","message":"no"}"#),
            "status 403",
            1,
        ),
        (
            Answer::new(404, "<html>nothing</html>"),
            "there is no MLflow interface at this address",
            1,
        ),
        (Answer::new(500, "oh"), "status 500: it failed (oh)", 3),
        (Answer::new(200, "<html>hello</html>"), "is it an MLflow server?", 1),
        (
            Answer::new(302, "").to("https://u:pa55@login.example/in?next=1"),
            "redirects to https://login.example/in:",
            1,
        ),
        (Answer::HangUp, "", 3),
        (Answer::Noise, "", 3),
    ] {
        let server = Faulty::start(move |_, _| answer.clone());
        let environment = |name: &str| match name {
            "MLFLOW_TRACKING_URI" => Some(server.uri.clone()),
            "MLFLOW_TRACKING_USERNAME" => Some("Aladdin".to_owned()),
            "MLFLOW_TRACKING_PASSWORD" => Some("open sesame".to_owned()),
            "MLFLOW_TRACKING_TOKEN" => Some("t0ken".to_owned()),
            _ => None,
        };
        let flags = MlflowFlags {
            mlflow: true,
            ..MlflowFlags::default()
        };
        let error = record::open_with(&flags, home.path(), "train rank", &environment)
            .err()
            .unwrap();
        let error = format!("{error:#}");
        assert!(error.contains(said) && error.contains(&server.uri), "{error}");
        for secret in ["Aladdin", "sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ", "t0ken", "pa55"] {
            assert!(!error.contains(secret), "{error}");
        }
        let seen = server.seen();
        assert_eq!(seen.len(), requests, "{error}");
        assert!(
            seen.iter()
                .all(|r| r.authorization.as_deref() == Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="))
        );
        assert!(!home.path().join(record::FILE).exists());
    }
}

/// An answer that is good enough for a client.
fn fair(path: &str) -> Answer {
    if path.contains("experiments/get-by-name") {
        return Answer::new(
            200,
            r#"{"experiment":{"experiment_id":"7","lifecycle_stage":"active"}}"#,
        );
    }
    if path.contains("runs/create") {
        return Answer::new(
            200,
            r#"{"run":{"info":{"run_id":"abc","artifact_uri":"mlflow-artifacts:/7/abc/artifacts"}}}"#,
        );
    }
    Answer::new(200, "{}")
}

#[test]
fn batches_keep_to_the_limits_of_the_interface() {
    let home = tempfile::tempdir().unwrap();
    let server = Faulty::start(|_, path| fair(path));
    let environment = |name: &str| (name == "MLFLOW_TRACKING_TOKEN").then(|| "t0ken".to_owned());
    let mut record = record::open_with(&flags(&server.uri, "x"), home.path(), "train rank", &environment).unwrap();
    whole_run(record.as_mut(), b"model");
    record.finish(Ending::Finished).unwrap();
    drop(record);
    let seen = server.seen();
    assert!(seen.iter().all(|r| r.authorization.as_deref() == Some("Bearer t0ken")));
    let batches: Vec<Value> = seen
        .iter()
        .filter(|r| r.path.ends_with("runs/log-batch"))
        .map(|r| serde_json::from_slice(&r.body).unwrap())
        .collect();
    let count = |batch: &Value, of: &str| batch[of].as_array().unwrap().len();
    let (params, metrics) = (|b: &Value| count(b, "params"), |b: &Value| count(b, "metrics"));
    assert!(
        batches
            .iter()
            .all(|b| params(b) <= 100 && params(b) + metrics(b) <= 1000 && params(b) + metrics(b) > 0)
    );
    assert_eq!(batches.iter().map(params).sum::<usize>(), 133);
    assert_eq!(batches.iter().map(metrics).sum::<usize>(), 2401);
    let put = seen.iter().find(|r| r.method == "PUT").unwrap();
    assert_eq!(
        put.path,
        "/api/2.0/mlflow-artifacts/artifacts/7/abc/artifacts/my%20model.onnx"
    );
    assert_eq!(put.body, b"model");
    let last: Value = serde_json::from_slice(&seen.last().unwrap().body).unwrap();
    assert_eq!((&last["status"], &last["run_id"]), (&json!("FINISHED"), &json!("abc")));
}

#[test]
fn a_server_that_fails_now_and_then_is_asked_again() {
    let home = tempfile::tempdir().unwrap();
    // Every other request fails, by an error or by a hang-up.
    let server = Faulty::start(|n, path| match n % 4 {
        0 => Answer::new(503, "busy"),
        2 => Answer::HangUp,
        _ => fair(path),
    });
    let mut record = record::open_with(&flags(&server.uri, "x"), home.path(), "train rank", &nothing).unwrap();
    record.metric("loss", 1, 0.5).unwrap();
    record.finish(Ending::Finished).unwrap();
    assert!(!lines(home.path()).iter().any(|l| l.get("note").is_some()));
}

#[test]
fn a_server_that_goes_away_does_not_end_the_run() {
    let home = tempfile::tempdir().unwrap();
    let server = Faulty::start(|_, path| {
        if path.contains("log-batch") {
            Answer::HangUp
        } else {
            fair(path)
        }
    });
    let mut record = record::open_with(&flags(&server.uri, "x"), home.path(), "train rank", &nothing).unwrap();
    whole_run(record.as_mut(), b"model");
    record.finish(Ending::Finished).unwrap();
    drop(record);
    let lines = lines(home.path());
    assert_eq!(
        lines.iter().filter(|l| l.get("metric").is_some()).count(),
        2401,
        "the file has all of it"
    );
    assert_eq!(lines.iter().filter(|l| l.get("param").is_some()).count(), 133);
    let notes: Vec<&str> = lines.iter().filter_map(|l| l["note"].as_str()).collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].contains(&server.uri) && notes[0].contains("nothing more is recorded there"),
        "{notes:?}"
    );
    assert_eq!(lines.last().unwrap(), &json!({ "end": "finished" }));
}

#[test]
fn a_store_that_cannot_be_reached_is_named_and_the_rest_is_recorded() {
    let home = tempfile::tempdir().unwrap();
    let server = Faulty::start(|_, path| {
        if path.contains("runs/create") {
            return Answer::new(
                200,
                r#"{"run":{"info":{"run_id":"abc","artifact_uri":"s3://bucket/7/abc"}}}"#,
            );
        }
        fair(path)
    });
    let mut record = record::open_with(&flags(&server.uri, "x"), home.path(), "train rank", &nothing).unwrap();
    whole_run(record.as_mut(), b"model");
    record.finish(Ending::Finished).unwrap();
    drop(record);
    let notes: Vec<Value> = lines(home.path())
        .into_iter()
        .filter(|l| l.get("note").is_some())
        .collect();
    assert_eq!(notes.len(), 1);
    let note = notes[0]["note"].as_str().unwrap();
    assert!(
        note.contains("my model.onnx") && note.contains("s3:") && note.contains("--serve-artifacts"),
        "{note}"
    );
    assert!(
        server.seen().iter().any(|r| r.path.ends_with("runs/update")),
        "the run ends there as well"
    );
}
