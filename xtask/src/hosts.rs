//! `cargo xtask hosts`: the VST3 in hosts that Python drives.

use std::path::{Path, PathBuf};

use crate::{Outcome, bundle, shell};

/// The hosts, at the versions that the scripts are known to work with.
const PACKAGES: &[&str] = &["dawdreamer==0.9.0", "pedalboard==0.9.26", "numpy"];

const SCRIPTS: &[&str] = &["pedalboard_host.py", "dawdreamer_host.py"];

/// `cargo xtask hosts [--if-possible]`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let if_possible = match arguments {
        [] => false,
        [flag] if flag == "--if-possible" => true,
        _ => return Err("usage: cargo xtask hosts [--if-possible]".into()),
    };
    let python = match python() {
        Ok(python) => python,
        Err(why) if if_possible => {
            eprintln!("hosts: SKIPPED, {why}");
            return Ok(());
        }
        Err(why) => return Err(why),
    };
    bundle::run(&["--built".into()]).or_else(|why| {
        eprintln!("{why}");
        bundle::run(&["--debug".into()])
    })?;
    let bundle = bundle::folder().join("Loopwright.vst3");
    for script in SCRIPTS {
        let script = shell::root().join("plugin").join("tests").join("hosts").join(script);
        shell::run(shell::command(&python, &[]).arg(script).arg(&bundle))?;
    }
    Ok(())
}

/// A Python with the hosts: `$LOOPWRIGHT_HOSTS_PYTHON`, or one of our own under `target/`, made where need be.
fn python() -> Result<PathBuf, String> {
    let able = |python: &Path| shell::works(&python.to_string_lossy(), &["-c", "import dawdreamer, pedalboard"]);
    if let Some(named) = std::env::var_os("LOOPWRIGHT_HOSTS_PYTHON").map(PathBuf::from) {
        return if able(&named) {
            Ok(named)
        } else {
            Err(format!("{} lacks dawdreamer or pedalboard", named.display()))
        };
    }
    let own = shell::target().join("hosts-venv");
    let in_own = own.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    if able(&in_own) {
        return Ok(in_own);
    }
    if !shell::works("python3", &["-c", "import venv, ensurepip"]) {
        return Err("there is no python3 with venv".into());
    }
    shell::run(shell::command("python3", &["-m", "venv"]).arg(&own))?;
    let mut pip = shell::command(&in_own, &["-m", "pip", "install", "--quiet"]);
    shell::run(pip.args(PACKAGES))?;
    if able(&in_own) {
        Ok(in_own)
    } else {
        Err("dawdreamer or pedalboard cannot be imported here".into())
    }
}
