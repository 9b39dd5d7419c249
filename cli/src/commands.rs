//! One file per command: flags become a request, one function of the core does the work, and the outcome is told.

mod analyze;
mod batch;
mod breaks;
#[cfg(feature = "onnx")]
mod classify;
mod completions;
mod config;
mod contact_map;
mod dataset;
mod doctor;
#[cfg(feature = "dropbox")]
mod dropbox;
mod evaluate;
mod features;
mod find;
mod merge;
mod neighbors;
mod predict;
mod quiet;
mod report;
mod scorer;
mod train;

use std::io::{ErrorKind, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context, Result};
use loopwright_core::export::table::{Csv, TableFormat};
use loopwright_core::export::table_format as table_format_of;

use crate::args::{Cli, Command};
use crate::exit::{Exit, UsageError};

/// Runs the command that was asked for.
pub fn run(cli: &Cli) -> Result<Exit> {
    let general = &cli.general;
    match &cli.command {
        Command::Find(args) => find::run(args, general),
        Command::Breaks(args) => breaks::run(args, general),
        Command::Quiet(args) => quiet::run(args, general),
        Command::Merge(args) => merge::run(args, general),
        Command::Analyze(args) => analyze::run(args, general),
        Command::ContactMap(args) => contact_map::run(args, general),
        Command::Neighbors(args) => neighbors::run(args, general),
        Command::Predict(args) => predict::run(args, general),
        Command::Dataset(args) => dataset::run(args, general),
        Command::Train(args) => train::run(args, general),
        Command::Evaluate(args) => evaluate::run(args, general),
        #[cfg(feature = "onnx")]
        Command::Classify(args) => classify::run(args, general),
        Command::Report(args) => report::run(args, general),
        #[cfg(feature = "dropbox")]
        Command::Dropbox(args) => dropbox::run(args, general),
        Command::Features(args) => features::run(args),
        Command::Config(args) => config::run(args, general),
        Command::Doctor(args) => doctor::run(args, general),
        Command::Completions(args) => completions::run(args),
    }
}

/// Writes to standard output at once. A reader that has seen enough (`| head`) is no failure.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// One JSON object a line on standard output.
fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value}\n"))
}

/// The format of a table that the user names: what its ending says, and CSV where it says nothing.
fn table_format(flag: &str, path: &Path) -> Result<&'static dyn TableFormat, UsageError> {
    match table_format_of(path) {
        Some(format) => Ok(format),
        None if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet")) => Err(UsageError(format!(
            "{flag} {}: this build writes no Parquet; name a .csv",
            path.display()
        ))),
        None => Ok(&Csv),
    }
}

fn jobs(asked: Option<u16>) -> NonZeroUsize {
    asked
        .and_then(|n| NonZeroUsize::new(n.into()))
        .unwrap_or_else(loopwright_core::pipeline::batch::default_jobs)
}
