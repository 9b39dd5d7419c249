//! `cargo xtask bundle`: the plugin as VST3 and CLAP, with its licences.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bundles::{self, Interface};
use crate::{Outcome, setup, shell};

const USAGE: &str = "usage: cargo xtask bundle [--release | --debug | --built]
  --release  for use (the default; the first time takes many minutes)
  --debug    for tests: checks itself, and is slower
  --built    the development build as the tests have left it";

/// What belongs to every copy, with the models' cards.
const TEXTS: &[&str] = &["LICENSE-MIT", "LICENSE-APACHE", "LICENSE-FONTS"];
/// The licences of all that is linked in, a product of the build.
pub(crate) const THIRD_PARTY: &str = "THIRD-PARTY.md";

/// Where bundles are made.
pub(crate) fn folder() -> PathBuf {
    shell::target().join("bundled")
}

/// `cargo xtask bundle [--release | --debug | --built]`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut how = "--release";
    for argument in arguments {
        how = match argument.as_str() {
            "--release" => "--release",
            "--debug" => "--debug",
            "--built" => "--built",
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(format!("no argument {other}\n{USAGE}")),
        };
    }
    setup::system_packages()?;
    match how {
        "--release" => make(&["bundle", "loopwright-plugin", "--release", "--locked"])?,
        "--debug" => {
            // The same build as the tests', so that heavy dependencies are not built twice.
            shell::run(&mut shell::cargo(&["test", "--workspace", "--no-run"]))?;
            make(&["built"])?;
        }
        _ => make(&["built"])?,
    }
    if how == "--release" {
        strip()?;
    }
    add_texts()?;
    for interface in Interface::ALL {
        let bundle = folder().join(interface.bundle());
        let version = check(interface, &bundle)?;
        let size = fs::metadata(bundles::library(&bundle)?).map_or(0, |m| m.len());
        println!("{}  {version}, {:.1} MB", bundle.display(), size as f64 / 1e6);
    }
    Ok(())
}

/// Writes the licences of what is linked into a package.
pub(crate) fn licences(package: &str, to: &Path) -> Outcome {
    make(&["licences", package, &to.to_string_lossy()])
}

fn make(arguments: &[&str]) -> Outcome {
    let mut command = shell::cargo(&["run", "--quiet", "--package", "bundler", "--"]);
    shell::run(command.args(arguments))
}

/// Takes out what only a debugger wants, most of the library: users load it by the dozen. The names of functions stay, so
/// that a crash report can be read. Windows keeps such things beside the library.
fn strip() -> Outcome {
    if cfg!(windows) {
        return Ok(());
    }
    let flag = if cfg!(target_os = "macos") {
        "-S"
    } else {
        "--strip-debug"
    };
    if !shell::works("strip", &["--version"]) && !cfg!(target_os = "macos") {
        eprintln!("there is no `strip`: the bundles are much larger than they need be");
        return Ok(());
    }
    for interface in Interface::ALL {
        let library = bundles::library(&folder().join(interface.bundle()))?;
        shell::run(shell::command("strip", &[flag]).arg(library))?;
    }
    Ok(())
}

/// The folder of licences beside the bundles, for those that are files.
pub(crate) fn licence_folder() -> String {
    format!("{}-licences", bundles::NAME)
}

/// Lays licences and the cards of the models into the bundles that are folders, and beside the others.
fn add_texts() -> Outcome {
    let mut places = vec![folder().join(licence_folder())];
    for interface in Interface::ALL {
        let bundle = folder().join(interface.bundle());
        if bundle.is_dir() {
            places.push(bundle.join("Contents").join("Resources").join("Licences"));
        }
    }
    let others = folder().join(THIRD_PARTY);
    licences("loopwright-plugin", &others)?;
    for place in &places {
        fs::create_dir_all(place).map_err(|e| says(place, &e))?;
        copy(&others, &place.join(THIRD_PARTY))?;
        for text in TEXTS {
            let from = shell::root().join(text);
            if !from.is_file() {
                return Err(format!("{} is missing: no bundle without it", from.display()));
            }
            copy(&from, &place.join(text))?;
        }
        cards(&shell::root().join("models"), &place.join("models"))?;
    }
    seal()
}

/// Copies the Markdown files below `from`; the networks themselves are in the library.
fn cards(from: &Path, to: &Path) -> Outcome {
    for entry in fs::read_dir(from).map_err(|e| says(from, &e))?.flatten() {
        let path = entry.path();
        let goal = to.join(entry.file_name());
        if path.is_dir() {
            cards(&path, &goal)?;
        } else if path.extension().is_some_and(|e| e == "md") {
            fs::create_dir_all(to).map_err(|e| says(to, &e))?;
            copy(&path, &goal)?;
        }
    }
    Ok(())
}

/// On macOS what is in a bundle is sealed, and adding to it breaks the seal: names it as ours and signs it anew.
fn seal() -> Outcome {
    if !cfg!(target_os = "macos") {
        return Ok(());
    }
    for interface in Interface::ALL {
        let bundle = folder().join(interface.bundle());
        let plist = bundle.join("Contents").join("Info.plist");
        let text = fs::read_to_string(&plist).map_err(|e| says(&plist, &e))?;
        let kind = interface.to_string().to_lowercase();
        let text = text
            .replace("com.nice-plug.loopwright-plugin", &format!("org.loopwright.{kind}"))
            .replace(
                "<string>1.0.0</string>",
                &format!("<string>{}</string>", env!("CARGO_PKG_VERSION")),
            );
        fs::write(&plist, text).map_err(|e| says(&plist, &e))?;
        shell::run(shell::command("codesign", &["--force", "--sign", "-"]).arg(&bundle))?;
    }
    Ok(())
}

/// Version of a bundle that has all that hosts look for.
pub(crate) fn check(interface: Interface, bundle: &Path) -> Result<String, String> {
    let version = bundles::version(interface, bundle)?;
    if interface == Interface::Vst3 && cfg!(target_os = "linux") {
        let library = bundles::library(bundle)?;
        let bytes = fs::read(&library).map_err(|e| says(&library, &e))?;
        for entry in ["ModuleEntry", "ModuleExit"] {
            if !bytes.windows(entry.len()).any(|w| w == entry.as_bytes()) {
                return Err(format!("{} has no {entry}", library.display()));
            }
        }
    }
    Ok(version)
}

pub(crate) fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map(drop).map_err(|e| says(to, &e))
}

pub(crate) fn says(path: &Path, e: &std::io::Error) -> String {
    format!("{}: {e}", path.display())
}
