//! `cargo xtask dist`: the headless tool, and the bundles where they have been made, in a folder that can be handed on.

use std::fs;
use std::path::Path;

use crate::bundles::Interface;
use crate::{Outcome, bundle, install, setup, shell};

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
    bundle::licences("loopwright", &dist.join(bundle::THIRD_PARTY))?;
    plugin(&bundle::folder(), &dist)?;
    println!("{}", dist.display());
    Ok(())
}

/// The bundles, as `cargo xtask bundle` has left them; with what it says of them, for they may be older than the tool.
fn plugin(made: &Path, dist: &Path) -> Outcome {
    for interface in Interface::ALL {
        let name = interface.bundle();
        match bundle::check(interface, &made.join(&name)) {
            Ok(version) => {
                install::lay(&made.join(&name), &dist.join(&name))?;
                println!("{name}: {version}, as `cargo xtask bundle` has made it");
            }
            Err(why) => println!("{name} is left out: {why}; `cargo xtask bundle` makes it"),
        }
    }
    let licences = bundle::licence_folder();
    if made.join(&licences).is_dir() {
        install::lay(&made.join(&licences), &dist.join(&licences))?;
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn bundles_go_along_where_they_are() {
        let root = std::env::temp_dir().join(format!("loopwright-dist-{}", std::process::id()));
        let (made, dist) = (root.join("made"), root.join("dist"));
        fs::create_dir_all(&made).unwrap();
        plugin(&made, &dist).unwrap();
        assert!(!dist.exists(), "nothing was made, and nothing goes along");
        let clap = Interface::Clap.bundle();
        fs::write(made.join(&clap), b"clap_entry, Loopwright plugin, version 1.2.3\0...").unwrap();
        fs::create_dir_all(made.join(bundle::licence_folder())).unwrap();
        plugin(&made, &dist).unwrap();
        plugin(&made, &dist).unwrap();
        assert!(dist.join(&clap).is_file() && dist.join(bundle::licence_folder()).is_dir());
        assert!(!dist.join(Interface::Vst3.bundle()).exists());
        fs::remove_dir_all(&root).unwrap();
    }
}
