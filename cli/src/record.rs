//! Where the record of a training run goes: a file in its folder, always, and an MLflow server where the user names one.

use std::path::Path;

use anyhow::Result;
use loopwright_core::learn::recorder::{Jsonl, Recorder};
use loopwright_core::store::Target;

use crate::args::MlflowFlags;

/// The record's file in the run's folder.
pub const FILE: &str = "run.jsonl";

/// Opens the record of `command` (`train rank`) in the folder `out`, which must be there.
///
/// A server that cannot be used at all is an error now, before hours of work. One that goes away later is not: that is
/// told, noted in the file, and the file has the rest.
///
/// # Errors
///
/// Where the file cannot be written, or MLflow is wanted and the server refuses, cannot be reached, or is named wrongly.
pub fn open(flags: &MlflowFlags, out: &Path, command: &str) -> Result<Box<dyn Recorder>> {
    open_with(flags, out, command, &|name| std::env::var(name).ok())
}

/// As [`open`], with the record in `file` of its own; the run is called by `name` where the user names it not.
///
/// # Errors
///
/// As [`open`].
pub fn open_as(flags: &MlflowFlags, file: &Target, name: &Path, command: &str) -> Result<Box<dyn Recorder>> {
    if !flags.mlflow {
        return Ok(Box::new(Jsonl::create_at(file, command)?));
    }
    with_mlflow(flags, file, name, command, &|name| std::env::var(name).ok())
}

/// As [`open`], with another environment.
///
/// # Errors
///
/// As [`open`].
pub fn open_with(
    flags: &MlflowFlags,
    out: &Path,
    command: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Box<dyn Recorder>> {
    if !flags.mlflow {
        return Ok(Box::new(Jsonl::create(&out.join(FILE), command)?));
    }
    with_mlflow(flags, &out.join(FILE).into(), out, command, environment)
}

#[cfg(feature = "mlflow")]
fn with_mlflow(
    flags: &MlflowFlags,
    file: &Target,
    out: &Path,
    command: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Box<dyn Recorder>> {
    use loopwright_core::learn::recorder::Several;

    use crate::mlflow::Mlflow;
    use crate::output::plain;

    // The server first: where it refuses, the record of an earlier run stays as it is.
    let server = Mlflow::open(flags, out, command, environment)?;
    eprintln!("loopwright: recording at {}", plain(&server.page()));
    let file = Box::new(Jsonl::create_at(file, command)?);
    let tell = |words: &str| eprintln!("loopwright: {}", plain(words));
    Ok(Box::new(Several::new(file, vec![Box::new(server)], tell)))
}

#[cfg(not(feature = "mlflow"))]
fn with_mlflow(
    _: &MlflowFlags,
    _: &Target,
    _: &Path,
    _: &str,
    _: &dyn Fn(&str) -> Option<String>,
) -> Result<Box<dyn Recorder>> {
    Err(crate::exit::UsageError("this loopwright was built without MLflow (feature `mlflow`)".into()).into())
}
