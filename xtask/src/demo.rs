//! `cargo xtask demo`: from a fresh machine to a folder of loops.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Outcome, setup, shell};

/// `cargo xtask demo [INPUT]...`; without inputs, the tracks that come with the project.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    setup::system_packages()?;
    let tracks = if arguments.is_empty() {
        shipped()?
    } else {
        given(arguments)?
    };
    println!("Building Loopwright in release. The first time takes a few minutes.");
    shell::run(&mut shell::cargo(&["build", "--release", "--package", "loopwright"]))?;
    let out = shell::root().join("demo-out");
    let mut find = shell::command(shell::tool("release"), &["find"]);
    find.args(&tracks).arg("--out").arg(&out).arg("--no-resume");
    shell::run(&mut find)?;
    println!("\n{}", out.display());
    tree(&out, "  ").map_err(|e| format!("{}: {e}", out.display()))?;
    let best = first_loop(&out).map_or_else(|| "LOOP.wav".into(), |path| path.display().to_string());
    println!(
        "\nDrag a loop from that folder on to a track, or hear the first one go round:\n  ffplay -loop 0 \"{best}\"\n\
         Then try your own music:\n  {} find YOUR-SONG --out loops",
        shell::tool("release").display()
    );
    Ok(())
}

fn shipped() -> Result<Vec<PathBuf>, String> {
    let folder = shell::root().join("assets").join("demo");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut tracks: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "flac"))
        .collect();
    tracks.sort();
    if tracks.is_empty() {
        return Err(format!("{} holds no track", folder.display()));
    }
    Ok(tracks)
}

/// What the user names is relative to where the user stands, not to the repository.
fn given(arguments: &[String]) -> Result<Vec<PathBuf>, String> {
    let here = std::env::current_dir().map_err(|e| e.to_string())?;
    Ok(arguments.iter().map(|a| here.join(a)).collect())
}

/// The loop numbered first in the first track's folder.
fn first_loop(out: &Path) -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(out)
        .ok()?
        .flatten()
        .filter_map(|folder| fs::read_dir(folder.path()).ok())
        .flat_map(|files| files.flatten().map(|file| file.path()))
        .filter(|path| path.to_string_lossy().ends_with("1.wav"))
        .collect();
    found.sort();
    found.into_iter().next()
}

fn tree(folder: &Path, indent: &str) -> std::io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            println!("{indent}{name}/");
            tree(&entry.path(), &format!("{indent}  "))?;
        } else {
            println!("{indent}{name}  ({:.0} kB)", entry.metadata()?.len() as f64 / 1e3);
        }
    }
    Ok(())
}
