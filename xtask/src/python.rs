//! Pythons with packages that tests talk to, under `target/`.

use std::path::{Path, PathBuf};

use crate::shell;

/// A Python that a test needs.
pub(crate) struct Environment {
    /// What is imported from it, in words.
    pub(crate) what: &'static str,
    /// The variable that names another one.
    pub(crate) variable: &'static str,
    /// Its folder under `target/`.
    pub(crate) folder: &'static str,
    /// What pip installs, at the versions that the tests are known to work with.
    pub(crate) packages: &'static [&'static str],
    /// A line of Python that succeeds where all is there.
    pub(crate) check: &'static str,
}

impl Environment {
    /// The one that the variable names, or our own, made where need be.
    pub(crate) fn get(&self) -> Result<PathBuf, String> {
        let able = |python: &Path| shell::works(&python.to_string_lossy(), &["-c", self.check]);
        if let Some(named) = std::env::var_os(self.variable).map(PathBuf::from) {
            return if able(&named) {
                Ok(named)
            } else {
                Err(format!("{} lacks {}", named.display(), self.what))
            };
        }
        let own = shell::target().join(self.folder);
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
        shell::run(pip.args(self.packages))?;
        if able(&in_own) {
            Ok(in_own)
        } else {
            Err(format!("{} cannot be imported here", self.what))
        }
    }
}
