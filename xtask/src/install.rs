//! `cargo xtask install` and `cargo xtask uninstall`: bundles to where hosts look for them, and away again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::bundle::{self, copy, says};
use crate::bundles::{self, Folder, Interface, Scope};

const USAGE: &str = "usage: cargo xtask install|uninstall [--user | --system] [--to DIR] [--dry-run]
  --user     for you alone (the default)
  --system   for everybody on this machine; mostly needs an administrator
  --to DIR   into DIR
  --dry-run  say what would be done";

/// What was asked for.
struct Wish {
    scope: Scope,
    to: Option<PathBuf>,
    dry: bool,
}

fn wish(arguments: &[String]) -> Result<Option<Wish>, String> {
    let mut wish = Wish {
        scope: Scope::User,
        to: None,
        dry: false,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--user" => wish.scope = Scope::User,
            "--system" => wish.scope = Scope::System,
            "--dry-run" => wish.dry = true,
            "--to" => {
                let folder = arguments.next().ok_or(format!("--to needs a folder\n{USAGE}"))?;
                let here = std::env::current_dir().map_err(|e| e.to_string())?;
                wish.to = Some(here.join(folder));
            }
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(None);
            }
            other => return Err(format!("no argument {other}\n{USAGE}")),
        }
    }
    Ok(Some(wish))
}

impl Wish {
    /// The folder for an interface.
    fn folder(&self, interface: Interface) -> Result<PathBuf, String> {
        if let Some(folder) = &self.to {
            return Ok(folder.clone());
        }
        bundles::folders()
            .into_iter()
            .find(|f| f.interface == interface && f.scope == self.scope)
            .map(|f| f.path)
            .ok_or(format!("this system names no folder for {interface}; say --to DIR"))
    }
}

/// `cargo xtask install`.
pub(crate) fn install(arguments: &[String]) -> Outcome {
    let Some(wish) = wish(arguments)? else {
        return Ok(());
    };
    for interface in Interface::ALL {
        let from = bundle::folder().join(interface.bundle());
        let version = bundle::check(interface, &from).map_err(|e| format!("{e}; `cargo xtask bundle` makes it"))?;
        let folder = wish.folder(interface)?;
        let to = folder.join(interface.bundle());
        if wish.dry {
            println!("would install {interface} {version} at {}", to.display());
            continue;
        }
        lay(&from, &to)?;
        let arrived = bundle::check(interface, &to)?;
        println!("installed {interface} {arrived} at {}", to.display());
    }
    if wish.to.is_none() && !wish.dry {
        let twice: Vec<Folder> = bundles::folders()
            .into_iter()
            .filter(|f| f.scope != wish.scope)
            .collect();
        for other in bundles::installed(&twice) {
            println!(
                "note: there is another one at {}; hosts may take either",
                other.bundle.display()
            );
        }
    }
    Ok(())
}

/// `cargo xtask uninstall`.
pub(crate) fn uninstall(arguments: &[String]) -> Outcome {
    let Some(wish) = wish(arguments)? else {
        return Ok(());
    };
    for interface in Interface::ALL {
        let bundle = wish.folder(interface)?.join(interface.bundle());
        if fs::symlink_metadata(&bundle).is_err() {
            println!("{} is not there", bundle.display());
        } else if wish.dry {
            println!("would remove {}", bundle.display());
        } else {
            remove(&bundle)?;
            println!("removed {}", bundle.display());
        }
    }
    Ok(())
}

/// Copies under another name and then renames, so that a host that scans meanwhile sees the old one or the new one, and
/// a running host keeps the file that it has loaded.
pub(crate) fn lay(from: &Path, to: &Path) -> Outcome {
    let folder = to.parent().ok_or("the folder has no name")?;
    fs::create_dir_all(folder).map_err(|e| says(folder, &e))?;
    let [new, old] = ["new", "old"].map(|what| to.with_extension(format!("{what}-{}", std::process::id())));
    copy_all(from, &new).inspect_err(|_| drop(remove(&new)))?;
    // Only files can be renamed over one another everywhere.
    let replaced = fs::symlink_metadata(to).is_ok();
    if replaced {
        fs::rename(to, &old).map_err(|e| says(to, &e))?;
    }
    if let Err(e) = fs::rename(&new, to) {
        if replaced {
            let _ = fs::rename(&old, to);
        }
        let _ = remove(&new);
        return Err(says(to, &e));
    }
    if replaced {
        // Windows does not let go of a library that is loaded; the old one is in nobody's way.
        if let Err(why) = remove(&old) {
            eprintln!("the old one is still in use: {why}");
        }
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Outcome {
    if !from.is_dir() {
        return copy(from, to);
    }
    fs::create_dir_all(to).map_err(|e| says(to, &e))?;
    for entry in fs::read_dir(from).map_err(|e| says(from, &e))? {
        let entry = entry.map_err(|e| says(from, &e))?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Outcome {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let removed = if meta.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(|e| says(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_replaces_the_one_before_it_whole() {
        let root = std::env::temp_dir().join(format!("loopwright-install-{}", std::process::id()));
        let (from, to) = (
            root.join("from").join("L.vst3"),
            root.join("deep").join("to").join("L.vst3"),
        );
        fs::create_dir_all(from.join("Contents")).unwrap();
        fs::write(from.join("Contents").join("new"), "new").unwrap();
        fs::create_dir_all(to.join("Contents")).unwrap();
        fs::write(to.join("Contents").join("old"), "old").unwrap();
        lay(&from, &to).unwrap();
        lay(&from, &to).unwrap();
        let left: Vec<_> = fs::read_dir(to.join("Contents"))
            .unwrap()
            .flatten()
            .map(|e| e.file_name())
            .collect();
        assert_eq!(left, ["new"]);
        assert_eq!(
            fs::read_dir(to.parent().unwrap()).unwrap().count(),
            1,
            "nothing else is left"
        );
        assert!(lay(&root.join("not there"), &to).is_err());
        assert!(
            to.join("Contents").join("new").is_file(),
            "a failed copy leaves what was there"
        );
        remove(&to).unwrap();
        assert!(!to.exists());
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn arguments_are_understood() {
        let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        let given = wish(&words("--system --dry-run --to /x")).unwrap().unwrap();
        assert!(given.scope == Scope::System && given.dry && given.to == Some(PathBuf::from("/x")));
        assert!(wish(&words("--to")).is_err());
        assert!(wish(&words("--sytem")).is_err());
        assert!(wish(&words("--help")).unwrap().is_none());
    }
}
