//! `cargo xtask python`: the wheel, installed where nothing else is, and its tests.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::python::Environment;
use crate::{Outcome, shell};

const USAGE: &str = "usage: cargo xtask python [--maturin | --built] [--if-possible] [ARGUMENTS OF pytest]...
  --maturin      build by maturin, as `pip install` does (minutes)
  --built        take the extension as `cargo test --workspace` has left it
  --if-possible  no Python is no failure";

/// What the tests need. The wheel itself is installed anew each time.
const PYTHON: Environment = Environment {
    what: "maturin, numpy, pytest or mypy",
    variable: "LOOPWRIGHT_PYTHON",
    folder: "python-venv",
    packages: &[
        "maturin==1.16.0",
        "numpy",
        "pytest==9.2.0",
        "mypy==2.4.1",
        "onnx==1.23.2",
        "onnxruntime==1.31.1",
        "scikit-learn==1.9.1",
        "xgboost==3.2.0",
    ],
    check: "import importlib.util as u, sys; \
            sys.exit(not all(map(u.find_spec, ['maturin', 'numpy', 'pytest', 'mypy', 'onnx', 'onnxruntime', 'sklearn', 'xgboost'])))",
};

/// `cargo xtask python`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (mut maturin, mut built, mut if_possible) = (false, false, false);
    let mut rest = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--maturin" => maturin = true,
            "--built" => built = true,
            "--if-possible" => if_possible = true,
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(());
            }
            other => rest.push(other),
        }
    }
    let python = match PYTHON.get() {
        Ok(python) => python,
        // A clean machine of ours has Python: there its lack is a failure, not an excuse.
        Err(why) if if_possible && std::env::var_os("CI").is_none() => {
            eprintln!("python: SKIPPED, {why}");
            return Ok(());
        }
        Err(why) => return Err(why),
    };
    let wheels = shell::target().join("wheels");
    let wheel = if maturin {
        by_maturin(&python, &wheels)?
    } else {
        if !built {
            // The same build as the tests', so that heavy dependencies are not built twice.
            shell::run(&mut shell::cargo(&["test", "--workspace", "--no-run"]))?;
        }
        let script = shell::root().join("python").join("pack.py");
        let mut pack = shell::command(&python, &[]);
        let told = shell::capture(pack.arg(script).arg(extension()?).arg(&wheels))?;
        PathBuf::from(told.trim())
    };
    let pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall"];
    shell::run(shell::command(&python, &pip).arg(&wheel))?;
    // Not from the folder of the sources, which would be imported in place of what is installed.
    let tests = shell::root().join("python").join("tests");
    let configuration = shell::root().join("python").join("pyproject.toml");
    let mut mypy = shell::command(&python, &["-m", "mypy", "--config-file"]);
    shell::run(mypy.arg(&configuration).args(["-p", "loopwright"]))?;
    let mut pytest = shell::command(&python, &["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c"]);
    pytest.arg(&configuration).arg(tests).args(rest);
    shell::run(pytest.env("LOOPWRIGHT_TOOL", tool()?))
}

/// The extension as the tests have left it, or as `cargo build` has, whichever is newer.
fn extension() -> Result<PathBuf, String> {
    let name = format!(
        "{}_loopwright{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let folder = shell::target().join("debug");
    newest(&[folder.join("deps").join(&name), folder.join(&name)])
        .ok_or_else(|| format!("there is no {name} in {}: leave out --built", folder.display()))
}

/// The command line, built with it.
fn tool() -> Result<PathBuf, String> {
    newest(&[shell::tool("debug")]).ok_or_else(|| "there is no command line to compare with: leave out --built".into())
}

fn newest(files: &[PathBuf]) -> Option<PathBuf> {
    let changed = |file: &Path| file.metadata().and_then(|m| m.modified()).ok();
    let found = files.iter().filter_map(|f| Some((changed(f)?, f)));
    let best: Option<(SystemTime, &PathBuf)> = found.max_by_key(|(at, _)| *at);
    best.map(|(_, file)| file.clone())
}

fn by_maturin(python: &Path, wheels: &Path) -> Result<PathBuf, String> {
    let manifest = shell::root().join("python").join("Cargo.toml");
    // Of an earlier version, which would be mistaken for this one.
    if wheels.is_dir() {
        std::fs::remove_dir_all(wheels).map_err(|e| format!("{}: {e}", wheels.display()))?;
    }
    let mut command = shell::command(
        python,
        &["-m", "maturin", "build", "--profile", "dev", "--manifest-path"],
    );
    command.arg(manifest).arg("--out").arg(wheels);
    shell::run(command.arg("--interpreter").arg(python))?;
    shell::run(&mut shell::cargo(&["build", "--package", "loopwright"]))?;
    let entries = std::fs::read_dir(wheels).map_err(|e| format!("{}: {e}", wheels.display()))?;
    let made: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    let wheel = made.iter().find(|p| p.extension().is_some_and(|e| e == "whl"));
    wheel.cloned().ok_or_else(|| "maturin left no wheel".into())
}
