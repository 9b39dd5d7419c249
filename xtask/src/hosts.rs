//! `cargo xtask hosts`: the VST3 in hosts that Python drives.

use crate::python::Environment;
use crate::{Outcome, bundle, shell};

const PYTHON: Environment = Environment {
    what: "dawdreamer or pedalboard",
    variable: "LOOPWRIGHT_HOSTS_PYTHON",
    folder: "hosts-venv",
    packages: &["dawdreamer==0.9.0", "pedalboard==0.9.26", "numpy"],
    check: "import dawdreamer, pedalboard",
};

const SCRIPTS: &[&str] = &["pedalboard_host.py", "dawdreamer_host.py"];

/// `cargo xtask hosts [--if-possible]`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let if_possible = match arguments {
        [] => false,
        [flag] if flag == "--if-possible" => true,
        _ => return Err("usage: cargo xtask hosts [--if-possible]".into()),
    };
    let python = match PYTHON.get() {
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
