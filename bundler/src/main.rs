//! Makes VST3 and CLAP bundles of the plugin: `cargo run -p bundler -- bundle loopwright-plugin --release` leaves them in
//! `target/bundled`.
//!
//! `bundler built` builds nothing and bundles the library of the development profile that the tests have left. A plain
//! build would make it once more, with other features of its dependencies.
//!
//! `bundler licences PACKAGE FILE` writes the licences of all that is linked into a package.
//!
//! A crate of its own, because `xtask` must build in seconds and this brings the framework's bundling library along.
#![forbid(unsafe_code)]

mod licences;

use std::fs;
use std::path::{Path, PathBuf};

use nice_plug_xtask::Result;

const PACKAGE: &str = "loopwright-plugin";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["built"] => {
            nice_plug_xtask::chdir_workspace_root()?;
            let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
            lay_ready(&target.join("debug"))?;
            nice_plug_xtask::bundle(&target, PACKAGE, &[], false)
        }
        ["licences", package, file] => Ok(licences::write(package, Path::new(file))?),
        _ => nice_plug_xtask::main(),
    }
}

/// Tests leave the library among the dependencies; the bundling library looks for it one folder up.
fn lay_ready(profile: &Path) -> std::io::Result<()> {
    let name = format!(
        "{}loopwright_plugin{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let ready = profile.join(&name);
    let built = profile.join("deps").join(&name);
    if built.is_file() {
        // It may be a second name of the same file, which copying on to itself would empty.
        let _ = fs::remove_file(&ready);
        fs::copy(built, ready)?;
    }
    Ok(())
}
