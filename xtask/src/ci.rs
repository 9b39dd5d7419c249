//! Checks: formatting, lints, documentation, tests.

use crate::{Outcome, hosts, layers, setup, shell};

/// `cargo xtask test`: what the machine lacks, then every test of the workspace, then the plugin in foreign hosts.
pub(crate) fn test(arguments: &[String]) -> Outcome {
    setup::system_packages()?;
    setup::test_packages();
    let mut command = shell::cargo(&["test", "--workspace"]);
    shell::run(command.args(arguments))?;
    // Whoever names some tests wants those.
    if arguments.is_empty() {
        hosts::run(&["--if-possible".into()])?;
    }
    Ok(())
}

/// `cargo xtask lint`.
pub(crate) fn lint(_: &[String]) -> Outcome {
    setup::system_packages()?;
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))?;
    layers::run(&[])?;
    shell::run(&mut shell::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    let mut doc = shell::cargo(&["doc", "--workspace", "--no-deps"]);
    shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// `cargo xtask ci`.
pub(crate) fn run(_: &[String]) -> Outcome {
    lint(&[])?;
    test(&[])
}

/// `cargo xtask reference`.
pub(crate) fn reference(_: &[String]) -> Outcome {
    let script = shell::root().join("tests").join("reference").join("make_librosa.py");
    if !script.is_file() {
        return Err(format!("there is no {}", script.display()));
    }
    shell::run(shell::command("python3", &[]).arg(script))
}
