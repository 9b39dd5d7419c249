//! `cargo xtask tables`: the tables of every command, read as Parquet by those who did not write them.

use crate::python::Environment;
use crate::{Outcome, shell};

/// The readers of Parquet that most people have.
pub(crate) const PYTHON: Environment = Environment {
    what: "pyarrow or duckdb",
    variable: "LOOPWRIGHT_TABLES_PYTHON",
    folder: "tables-venv",
    packages: &["pyarrow==26.0.1", "duckdb==2.0.0"],
    check: "import duckdb, pyarrow.parquet",
};

/// `cargo xtask tables [--if-possible]`. `cargo xtask test` runs the same among the other tests.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let if_possible = match arguments {
        [] => false,
        [flag] if flag == "--if-possible" => true,
        _ => return Err("usage: cargo xtask tables [--if-possible]".into()),
    };
    let python = match PYTHON.get() {
        Ok(python) => python,
        Err(why) if if_possible => {
            eprintln!("tables: SKIPPED, {why}");
            return Ok(());
        }
        Err(why) => return Err(why),
    };
    let mut test = shell::cargo(&["test", "-p", "loopwright", "--test", "tables", "--", "--nocapture"]);
    shell::run(test.env(PYTHON.variable, python))
}
