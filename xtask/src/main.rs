//! The project's own commands: `cargo xtask --help`.
//!
//! This program depends on nothing but the standard library, so that it builds in seconds.
#![forbid(unsafe_code)]

mod bundle;
// Shared with `loopwright doctor`; it needs nothing but the standard library.
#[allow(dead_code, unreachable_pub)]
#[path = "../../core/src/pipeline/bundles.rs"]
mod bundles;
mod ci;
mod demo;
mod dist;
mod eval;
mod hosts;
mod install;
mod layers;
mod python;
mod setup;
mod shell;
mod tables;
mod wheel;

use std::process::ExitCode;

/// What a command gives back: nothing, or words on why it failed.
type Outcome = Result<(), String>;

/// A command's name, what its arguments look like, what it does, and the function that does it.
type Task = (&'static str, &'static str, &'static str, fn(&[String]) -> Outcome);

const TASKS: &[Task] = &[
    (
        "demo",
        "[INPUT]...",
        "build in release and find loops in the track that comes with the project",
        demo::run,
    ),
    ("test", "[ARGUMENTS OF cargo test]...", "run all tests", ci::test),
    (
        "eval",
        "[DIR] [--quick]",
        "score on the labelled sets in DIR (../shared/eval) and check the guards",
        eval::run,
    ),
    (
        "hosts",
        "[--if-possible]",
        "try the VST3 in DawDreamer and pedalboard, which pip brings",
        hosts::run,
    ),
    (
        "tables",
        "[--if-possible]",
        "read every Parquet table with pyarrow and DuckDB, which pip brings",
        tables::run,
    ),
    (
        "python",
        "[--maturin | --built] [--if-possible] [ARGUMENTS OF pytest]...",
        "make the wheel, install it in an environment of its own, and run its tests",
        wheel::run,
    ),
    (
        "bundle",
        "[--release | --debug]",
        "make Loopwright.vst3 and Loopwright.clap in target/bundled",
        bundle::run,
    ),
    (
        "install",
        "[--user | --system] [--to DIR]",
        "put the bundles where hosts look for them",
        install::install,
    ),
    (
        "uninstall",
        "[--user | --system] [--to DIR]",
        "take them away again",
        install::uninstall,
    ),
    (
        "dist",
        "",
        "build the headless tool into dist/, with licences, completions and what `bundle` has made",
        dist::run,
    ),
    (
        "layers",
        "",
        "check that no module of core imports one above it",
        layers::run,
    ),
    ("lint", "", "formatting, clippy, documentation, layers", ci::lint),
    ("ci", "", "lint, then test", ci::run),
    (
        "reference",
        "",
        "make the fixtures of the Python reference anew (needs librosa)",
        ci::reference,
    ),
];

fn help() -> String {
    let mut text = String::from("Usage: cargo xtask COMMAND\n\nCommands:\n");
    for (name, arguments, does, _) in TASKS {
        text += &format!("  {:<42} {does}\n", format!("{name} {arguments}"));
    }
    text
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("--help", String::as_str);
    if matches!(name, "--help" | "-h" | "help") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some((_, _, _, task)) = TASKS.iter().find(|task| task.0 == name) else {
        eprint!("no command `{name}`\n\n{}", help());
        return ExitCode::from(2);
    };
    match task(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask {name}: {why}");
            ExitCode::FAILURE
        }
    }
}
