//! Checks: formatting, lints, documentation, tests.

use crate::python::Environment;
use crate::{Outcome, hosts, layers, setup, shell, tables, wheel};

/// The server that records of training are sent to in a test.
const MLFLOW: Environment = Environment {
    what: "mlflow",
    variable: "LOOPWRIGHT_MLFLOW_PYTHON",
    folder: "mlflow-venv",
    packages: &["mlflow==3.17.2"],
    // Without importing it, which takes seconds.
    check: "import importlib.util as u, sys; sys.exit(not (u.find_spec('mlflow') and u.find_spec('sqlalchemy')))",
};

/// The reference runtime of ONNX, for the networks that training writes.
const ONNX: Environment = Environment {
    what: "onnxruntime",
    variable: "LOOPWRIGHT_ONNX_PYTHON",
    folder: "onnx-venv",
    packages: &["onnx==1.23.2", "onnxruntime==1.31.1", "numpy"],
    check: "import onnx, onnxruntime",
};

/// A server of S3.
const S3: Environment = Environment {
    what: "moto",
    variable: "LOOPWRIGHT_S3_PYTHON",
    folder: "s3-venv",
    packages: &["moto[s3,server]==5.2.5"],
    check: "import importlib.util as u, sys; sys.exit(not (u.find_spec('moto') and u.find_spec('flask')))",
};

/// `cargo xtask test`: what the machine lacks, then every test of the workspace, then the plugin in foreign hosts.
pub(crate) fn test(arguments: &[String]) -> Outcome {
    setup::system_packages()?;
    setup::test_packages();
    let mut command = shell::cargo(&["test", "--workspace"]);
    // A minute to install; whoever names some tests has it already or does not want it.
    if arguments.is_empty() {
        for (environment, tested) in [
            (&MLFLOW, "a real MLflow server"),
            (&ONNX, "onnxruntime"),
            (&S3, "a server of S3"),
            (&tables::PYTHON, "pyarrow and DuckDB"),
        ] {
            match environment.get() {
                Ok(python) => {
                    command.env(environment.variable, python);
                }
                Err(why) => eprintln!("tests: {tested} will be SKIPPED: {why}"),
            }
        }
    }
    shell::run(command.args(arguments))?;
    // Whoever names some tests wants those.
    if arguments.is_empty() {
        hosts::run(&["--if-possible".into()])?;
        wheel::run(&["--built".into(), "--if-possible".into()])?;
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
