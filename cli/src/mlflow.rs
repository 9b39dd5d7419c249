//! The record of a run on an MLflow server, over MLflow's REST API 2.0.
//!
//! Of the API this uses `experiments/get-by-name`, `experiments/create`, `runs/create`, `runs/log-batch`, `runs/update` and
//! the proxied artefact store (`mlflow-artifacts`). Credentials come from the environment, as for MLflow's own client, and
//! appear in no message and no record.

mod address;
mod artifacts;
mod client;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use loopwright_core::learn::recorder::{Ending, RecordError, Recorder, jsonl};
use serde_json::{Value, json};

use crate::args::MlflowFlags;
use artifacts::Store;
use client::{Client, Reply};

/// Most measures and parameters in one request that the API takes.
const MOST_METRICS: usize = 1000;
const MOST_PARAMS: usize = 100;

/// Longest name and value, in characters, that the API takes.
const LONGEST_NAME: usize = 250;
const LONGEST_VALUE: usize = 6000;

/// Measures wait at most about this long, so that the server's curves grow while the training runs.
const PATIENCE: Duration = Duration::from_secs(2);

/// A run on an MLflow server.
#[derive(Debug)]
pub(crate) struct Mlflow {
    client: Client,
    experiment: String,
    run: String,
    store: Store,
    /// Names as MLflow takes them, by ours.
    names: HashMap<(Kind, String), String>,
    taken: HashSet<(Kind, String)>,
    params: Vec<Value>,
    metrics: Vec<Value>,
    sent: Instant,
    /// Ended, or given up.
    over: bool,
}

/// What has names of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Param,
    Metric,
}

impl Mlflow {
    /// Begins a run of `command`, in an experiment that is made where it is missing.
    pub(crate) fn open(
        flags: &MlflowFlags,
        out: &Path,
        command: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, RecordError> {
        let client = Client::open(flags.mlflow_uri.as_deref(), environment)?;
        let set = |name: &str| environment(name).filter(|v| !v.trim().is_empty());
        let name = flags.mlflow_experiment.clone();
        let name = name
            .or_else(|| set("MLFLOW_EXPERIMENT_NAME"))
            .unwrap_or_else(|| "loopwright".into());
        let experiment = experiment(&client, &name)?;
        let folder = out.file_name().map(|n| n.to_string_lossy().into_owned());
        let run_name = flags.mlflow_run_name.clone().or(folder);
        let run_name = run_name.unwrap_or_else(|| command.to_owned());
        let tags = [
            ("mlflow.runName", run_name.as_str()),
            ("mlflow.source.name", &format!("loopwright {command}")),
            ("mlflow.source.type", "LOCAL"),
            ("loopwright.version", env!("CARGO_PKG_VERSION")),
        ];
        let tags: Vec<Value> = tags.iter().map(|(k, v)| json!({ "key": k, "value": v })).collect();
        let body = json!({ "experiment_id": experiment, "start_time": now(), "run_name": run_name, "tags": tags });
        let reply = client.post("runs/create", &body)?;
        let info = &reply["run"]["info"];
        let field = |name: &str| {
            let value = info[name].as_str().filter(|v| !v.is_empty()).map(str::to_owned);
            value.ok_or_else(|| client.error(format!("its answer to runs/create has no {name}: is it MLflow?")))
        };
        let run = field("run_id")?;
        let store = Store::of(info["artifact_uri"].as_str().unwrap_or_default(), client.base());
        Ok(Self {
            experiment,
            run,
            store,
            client,
            names: HashMap::new(),
            taken: HashSet::new(),
            params: Vec::new(),
            metrics: Vec::new(),
            sent: Instant::now(),
            over: false,
        })
    }

    /// The address of the run's page.
    pub(crate) fn page(&self) -> String {
        format!(
            "{}/#/experiments/{}/runs/{}",
            self.client.base().shown(),
            self.experiment,
            self.run
        )
    }

    /// `name` as MLflow takes it: another for each name of ours.
    fn name(&mut self, kind: Kind, name: &str) -> String {
        if let Some(known) = self.names.get(&(kind, name.to_owned())) {
            return known.clone();
        }
        let clean = accepted(name);
        let mut free = clean.clone();
        let mut number = 2;
        while !self.taken.insert((kind, free.clone())) {
            free = format!("{clean}_{number}");
            number += 1;
        }
        self.names.insert((kind, name.to_owned()), free.clone());
        free
    }

    /// Sends what waits.
    fn flush(&mut self) -> Result<(), RecordError> {
        self.sent = Instant::now();
        while !(self.params.is_empty() && self.metrics.is_empty()) {
            let params: Vec<Value> = self.params.drain(..self.params.len().min(MOST_PARAMS)).collect();
            // The API counts both together.
            let most = (MOST_METRICS - params.len()).min(self.metrics.len());
            let metrics: Vec<Value> = self.metrics.drain(..most).collect();
            let body = json!({ "run_id": self.run, "metrics": metrics, "params": params });
            self.client
                .post("runs/log-batch", &body)
                .inspect_err(|_| self.over = true)?;
        }
        Ok(())
    }
}

impl Recorder for Mlflow {
    fn param(&mut self, name: &str, value: &str) -> Result<(), RecordError> {
        let name = self.name(Kind::Param, name);
        let value: String = value.chars().take(LONGEST_VALUE).collect();
        self.params.push(json!({ "key": name, "value": value }));
        if self.params.len() >= MOST_PARAMS {
            self.flush()?;
        }
        Ok(())
    }

    fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError> {
        let name = self.name(Kind::Metric, name);
        let (value, step) = (jsonl::number(value), i64::try_from(step).unwrap_or(i64::MAX));
        self.metrics
            .push(json!({ "key": name, "value": value, "timestamp": now(), "step": step }));
        if self.metrics.len() >= MOST_METRICS || self.sent.elapsed() >= PATIENCE {
            self.flush()?;
        }
        Ok(())
    }

    fn artifact(&mut self, name: &str, content: &[u8]) -> Result<(), RecordError> {
        self.store.put(&self.client, name, content)
    }

    fn finish(&mut self, ending: Ending) -> Result<(), RecordError> {
        self.flush()?;
        self.over = true;
        let status = ending.name().to_uppercase();
        let body = json!({ "run_id": self.run, "status": status, "end_time": now() });
        self.client.post("runs/update", &body).map(drop)
    }

    fn note(&mut self, text: &str) -> Result<(), RecordError> {
        let value: String = text.chars().take(LONGEST_VALUE).collect();
        let body = json!({ "run_id": self.run, "key": "mlflow.note.content", "value": value });
        let sent = self.client.post("runs/set-tag", &body);
        sent.map(drop).inspect_err(|_| self.over = true)
    }
}

impl Drop for Mlflow {
    fn drop(&mut self) {
        // Work that ended by an error without a word: the run must not look as if it went on.
        if !self.over {
            let _ = self.finish(Ending::Failed);
        }
    }
}

/// The number of the experiment of this name, made where there is none.
fn experiment(client: &Client, name: &str) -> Result<String, RecordError> {
    let known = || -> Result<Option<String>, RecordError> {
        let reply = match client.get("experiments/get-by-name", &[("experiment_name", name)])? {
            Reply::Found(reply) => reply,
            Reply::Missing => return Ok(None),
        };
        let found = &reply["experiment"];
        if found["lifecycle_stage"] == "deleted" {
            return Err(client.error(format!(
                "the experiment {name:?} was deleted there: restore it, or name another with --mlflow-experiment"
            )));
        }
        match found["experiment_id"].as_str() {
            Some(id) => Ok(Some(id.to_owned())),
            None => Err(client.error("its answer to experiments/get-by-name is not MLflow's".into())),
        }
    };
    if let Some(id) = known()? {
        return Ok(id);
    }
    match client.post("experiments/create", &json!({ "name": name })) {
        Ok(reply) => match reply["experiment_id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(client.error("its answer to experiments/create is not MLflow's".into())),
        },
        // Somebody else may have made it in the meantime.
        Err(e) => known().ok().flatten().ok_or(e),
    }
}

/// `name` with what MLflow refuses replaced by `_`: it takes letters, digits, `_`, `-`, `.`, spaces and `/`, in a form that
/// is also a clean relative path.
fn accepted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let parts: Vec<String> = name
        .split('/')
        .map(|part| part.chars().map(|c| if plain(c) { c } else { '_' }).collect::<String>())
        .filter(|part| !part.is_empty() && part != "." && part != "..")
        .collect();
    // Room is left for a number where two names become one.
    let clean: String = parts.join("/").chars().take(LONGEST_NAME - 8).collect();
    let clean = clean.trim_end_matches('/');
    if clean.is_empty() { "_".into() } else { clean.to_owned() }
}

/// Milliseconds since 1970, which MLflow wants with everything.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_the_server_takes() {
        for (name, wanted) in [
            ("valid/ndcg@10", "valid/ndcg_10"),
            ("learning rate", "learning rate"),
            ("../etc/passwd", "etc/passwd"),
            ("/a//b/./c/", "a/b/c"),
            ("größe:µ", "gr__e__"),
            ("..", "_"),
            ("", "_"),
            ("a...b", "a...b"),
        ] {
            assert_eq!(accepted(name), wanted, "{name}");
        }
        assert!(accepted(&"x".repeat(999)).len() <= LONGEST_NAME);
        assert!(accepted(&"x/".repeat(999)).len() <= LONGEST_NAME);
    }
}
