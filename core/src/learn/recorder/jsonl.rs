//! The record of a run as a file of JSON lines.
//!
//! ```text
//! {"run":"train rank","schema":1}
//! {"param":"epochs","value":"50"}
//! {"metric":"valid/ndcg_10","step":1,"value":0.71}
//! {"artifact":"ranker.onnx","bytes":20480,"blake3":"…"}
//! {"note":"…"}
//! {"end":"finished"}
//! ```
//!
//! A line is on its way to the disk as soon as it is known, so that a run can be followed with `tail -f` and one that was
//! killed has told all it did; it then lacks the line `end`. No line holds the time of day: the same run writes the same file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Ending, RecordError, Recorder};
use crate::progress::Silent;
use crate::store::{Location, Target};

/// Version of the format, in its first line.
pub const SCHEMA: u32 = 1;

/// Writes a run to a file of JSON lines. One in a store is put there at the end of the run.
#[derive(Debug)]
pub struct Jsonl {
    path: PathBuf,
    out: Out,
}

#[derive(Debug)]
enum Out {
    File(File),
    Store(Location, Vec<u8>),
}

impl Jsonl {
    /// Begins the record of `command` at `path`; a record that was there is replaced. The folder must be there.
    ///
    /// # Errors
    ///
    /// [`RecordError`] where the file cannot be written, here and in all that follows.
    pub fn create(path: &Path, command: &str) -> Result<Self, RecordError> {
        Self::create_at(&path.into(), command)
    }

    /// As [`Jsonl::create`], wherever the file lies.
    ///
    /// # Errors
    ///
    /// As [`Jsonl::create`].
    pub fn create_at(target: &Target, command: &str) -> Result<Self, RecordError> {
        let path = target.shown();
        let out = match target {
            Target::Local(path) => Out::File(File::create(path).map_err(|e| error(path, "make the file", &e))?),
            Target::Store(location) => Out::Store(location.clone(), Vec::new()),
        };
        let mut record = Self { path, out };
        record.line(&json!({ "schema": SCHEMA, "run": command }))?;
        Ok(record)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn line(&mut self, value: &Value) -> Result<(), RecordError> {
        let line = format!("{value}\n");
        match &mut self.out {
            // One call, so that a reader never sees half a line.
            Out::File(file) => file
                .write_all(line.as_bytes())
                .map_err(|e| error(&self.path, "write", &e)),
            Out::Store(_, text) => {
                text.extend_from_slice(line.as_bytes());
                Ok(())
            }
        }
    }
}

impl Recorder for Jsonl {
    fn param(&mut self, name: &str, value: &str) -> Result<(), RecordError> {
        self.line(&json!({ "param": name, "value": value }))
    }

    fn metric(&mut self, name: &str, step: u64, value: f64) -> Result<(), RecordError> {
        self.line(&json!({ "metric": name, "step": step, "value": number(value) }))
    }

    fn artifact(&mut self, name: &str, content: &[u8]) -> Result<(), RecordError> {
        let hash = blake3::hash(content).to_hex().to_string();
        self.line(&json!({ "artifact": name, "bytes": content.len(), "blake3": hash }))
    }

    fn finish(&mut self, ending: Ending) -> Result<(), RecordError> {
        self.line(&json!({ "end": ending.name() }))?;
        match &self.out {
            Out::File(file) => file.sync_all().map_err(|e| error(&self.path, "write", &e)),
            Out::Store(place, text) => place.store.put(&place.key, text, &Silent).map_err(|e| RecordError {
                place: e.uri,
                problem: e.kind.to_string(),
            }),
        }
    }

    fn note(&mut self, text: &str) -> Result<(), RecordError> {
        self.line(&json!({ "note": text }))
    }
}

/// A number as JSON; those that JSON has no word for as text, as protocol buffers spell them.
pub fn number(value: f64) -> Value {
    if value.is_nan() {
        "NaN".into()
    } else if value == f64::INFINITY {
        "Infinity".into()
    } else if value == f64::NEG_INFINITY {
        "-Infinity".into()
    } else {
        value.into()
    }
}

fn error(path: &Path, doing: &str, source: &std::io::Error) -> RecordError {
    RecordError {
        place: path.display().to_string(),
        problem: format!("cannot {doing}: {source}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'));
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    #[test]
    fn a_run_is_one_object_a_line_and_there_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let mut record = Jsonl::create(&path, "train rank").unwrap();
        record.param("name", "a \"b\"\n\u{1f600}").unwrap();
        record.metric("loss", 3, 0.1).unwrap();
        for (step, odd) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().enumerate() {
            record.metric("odd", step as u64, odd).unwrap();
        }
        assert_eq!(lines(&path).len(), 6, "nothing waits");
        record.artifact("model.onnx", b"abc").unwrap();
        record.note("well").unwrap();
        record.finish(Ending::Killed).unwrap();
        let hash = blake3::hash(b"abc").to_hex().to_string();
        assert_eq!(
            lines(&path),
            [
                json!({ "schema": 1, "run": "train rank" }),
                json!({ "param": "name", "value": "a \"b\"\n\u{1f600}" }),
                json!({ "metric": "loss", "step": 3, "value": 0.1 }),
                json!({ "metric": "odd", "step": 0, "value": "NaN" }),
                json!({ "metric": "odd", "step": 1, "value": "Infinity" }),
                json!({ "metric": "odd", "step": 2, "value": "-Infinity" }),
                json!({ "artifact": "model.onnx", "bytes": 3, "blake3": hash }),
                json!({ "note": "well" }),
                json!({ "end": "killed" }),
            ]
        );
    }

    #[test]
    fn what_cannot_be_kept_is_said_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("no").join("run.jsonl");
        let error = Jsonl::create(&nowhere, "x").unwrap_err().to_string();
        assert!(error.contains("run.jsonl") && error.contains("make"), "{error}");
    }

    #[test]
    fn in_a_store_it_is_there_at_the_end() {
        use std::sync::Arc;

        use crate::store::{Memory, Store};

        let store = Arc::new(Memory::new("memory:"));
        let place = Location {
            store: store.clone(),
            key: "a/run.jsonl".into(),
        };
        let mut record = Jsonl::create_at(&Target::Store(place), "x").unwrap();
        record.param("a", "b").unwrap();
        assert_eq!(store.get("a/run.jsonl", &Silent).unwrap(), None);
        record.finish(Ending::Finished).unwrap();
        let text = String::from_utf8(store.get("a/run.jsonl", &Silent).unwrap().unwrap()).unwrap();
        assert_eq!(text.lines().count(), 3);
    }
}
