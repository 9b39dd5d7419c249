//! `cargo xtask dist`: the headless tool in a folder that can be handed on.

use std::fs;
use std::path::Path;

use crate::{Outcome, setup, shell};

const SHELLS: &[(&str, &str)] = &[
    ("bash", "loopwright.bash"),
    ("zsh", "_loopwright"),
    ("fish", "loopwright.fish"),
    ("powershell", "loopwright.ps1"),
    ("elvish", "loopwright.elv"),
];

/// Texts that go along, each where it exists.
const TEXTS: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "LICENSE-FONTS",
    "THIRD-PARTY.md",
    "THIRD-PARTY-LICENSES.md",
];

/// Builds into `dist/`.
pub(crate) fn run(_: &[String]) -> Outcome {
    setup::system_packages()?;
    shell::run(&mut shell::cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "loopwright",
    ]))?;
    let dist = shell::root().join("dist");
    let completions = dist.join("completions");
    let says = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    fs::create_dir_all(&completions).map_err(|e| says(&completions, e))?;
    let tool = shell::tool("release");
    let name = tool.file_name().ok_or("the tool has no name")?;
    fs::copy(&tool, dist.join(name)).map_err(|e| says(&tool, e))?;
    for (shell_name, file) in SHELLS {
        let script = shell::capture(&mut shell::command(&tool, &["completions", shell_name]))?;
        let path = completions.join(file);
        fs::write(&path, script).map_err(|e| says(&path, e))?;
    }
    for text in TEXTS {
        let from = shell::root().join(text);
        if from.is_file() {
            fs::copy(&from, dist.join(text)).map_err(|e| says(&from, e))?;
        } else if text.starts_with("LICENSE") {
            return Err(format!(
                "{} is missing: a build must not go out without it",
                from.display()
            ));
        }
    }
    println!("{}", dist.display());
    Ok(())
}
