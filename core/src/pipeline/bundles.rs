//! Where hosts look for plugins, and what of ours lies there.
//!
//! Nothing here needs more than the standard library: the project's own commands, which install the bundles, share this
//! file.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// File stem of the bundles.
pub const NAME: &str = "Loopwright";

/// What stands in the plugin's library right before its version and a zero byte.
pub const STAMP: &str = "Loopwright plugin, version ";

/// A plugin interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// VST3: a folder that holds the library.
    Vst3,
    /// CLAP: the library itself; a folder on macOS.
    Clap,
}

impl Interface {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Vst3, Self::Clap];

    /// Name of the bundle.
    pub fn bundle(self) -> String {
        let extension = match self {
            Self::Vst3 => "vst3",
            Self::Clap => "clap",
        };
        format!("{NAME}.{extension}")
    }

    /// What its library must export to be found by hosts.
    pub fn entry(self) -> &'static str {
        match self {
            Self::Vst3 => "GetPluginFactory",
            Self::Clap => "clap_entry",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vst3 => "VST3",
            Self::Clap => "CLAP",
        })
    }
}

/// Whose plugins a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One user's.
    User,
    /// Everybody's.
    System,
}

/// A folder that hosts look in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// For what.
    pub interface: Interface,
    /// Whose.
    pub scope: Scope,
    /// Where.
    pub path: PathBuf,
}

/// The folders that hosts look in on this system, those that are installed to first.
pub fn folders() -> Vec<Folder> {
    folders_on(std::env::consts::OS, &|name| {
        std::env::var_os(name).filter(|value| !value.is_empty())
    })
}

/// The same for a system of `std::env::consts::OS`, with the variables of its environment.
pub fn folders_on(os: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<Folder> {
    let from = |name: &str| variable(name).map(PathBuf::from);
    let mut found = Vec::new();
    let mut add = |interface, scope, path: Option<PathBuf>| {
        found.extend(path.map(|path| Folder { interface, scope, path }));
    };
    for interface in Interface::ALL {
        let upper = interface.to_string();
        let lower = upper.to_lowercase();
        match os {
            "macos" => {
                let in_library = |root: PathBuf| root.join("Library").join("Audio").join("Plug-Ins").join(&upper);
                add(interface, Scope::User, from("HOME").map(in_library));
                add(interface, Scope::System, Some(in_library(PathBuf::from("/"))));
            }
            "windows" => {
                let local = from("LOCALAPPDATA").map(|p| p.join("Programs").join("Common").join(&upper));
                add(interface, Scope::User, local);
                let common = from("COMMONPROGRAMFILES").map(|p| p.join(&upper));
                add(interface, Scope::System, common);
            }
            _ => {
                add(
                    interface,
                    Scope::User,
                    from("HOME").map(|p| p.join(format!(".{lower}"))),
                );
                for root in ["/usr/lib", "/usr/local/lib"] {
                    add(interface, Scope::System, Some(Path::new(root).join(&lower)));
                }
            }
        }
    }
    found
}

/// One of our bundles in a folder that hosts look in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The folder.
    pub folder: Folder,
    /// The bundle.
    pub bundle: PathBuf,
    /// Its version, or what is wrong with it.
    pub version: Result<String, String>,
}

/// Every bundle of ours in `folders`.
pub fn installed(folders: &[Folder]) -> Vec<Installed> {
    let look = |folder: &Folder| {
        let bundle = folder.path.join(folder.interface.bundle());
        // A link that leads nowhere is there too, and is wrong.
        fs::symlink_metadata(&bundle).ok()?;
        Some(Installed {
            version: version(folder.interface, &bundle),
            folder: folder.clone(),
            bundle,
        })
    };
    folders.iter().filter_map(look).collect()
}

/// The library in a bundle: the bundle itself where that is a file.
pub fn library(bundle: &Path) -> Result<PathBuf, String> {
    let says = |path: &Path, e: &io::Error| format!("{}: {e}", path.display());
    if fs::metadata(bundle).map_err(|e| says(bundle, &e))?.is_file() {
        return Ok(bundle.to_path_buf());
    }
    let contents = bundle.join("Contents");
    let (folder, file) = if cfg!(target_os = "macos") {
        ("MacOS".into(), NAME.into())
    } else if cfg!(windows) {
        let arch = if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            std::env::consts::ARCH
        };
        (format!("{arch}-win"), format!("{NAME}.vst3"))
    } else {
        (format!("{}-linux", std::env::consts::ARCH), format!("{NAME}.so"))
    };
    let path = contents.join(&folder).join(file);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("incomplete: there is no {}", path.display()))
    }
}

/// The version of a bundle, whose library must be there, be readable, and have what hosts look for.
pub fn version(interface: Interface, bundle: &Path) -> Result<String, String> {
    let path = library(bundle)?;
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|e| format!("{}: {e}", path.display()))?;
    if find(&bytes, interface.entry().as_bytes()).is_none() {
        return Err(format!("{} has no {}", path.display(), interface.entry()));
    }
    stamp(&bytes).ok_or_else(|| format!("{} is no library of {NAME}", path.display()))
}

/// The version in a library's bytes.
fn stamp(bytes: &[u8]) -> Option<String> {
    /// Longest version that is believed.
    const LONGEST: usize = 64;
    let mut rest = bytes;
    while let Some(at) = find(rest, STAMP.as_bytes()) {
        rest = rest.get(at + STAMP.len()..)?;
        let version = rest
            .iter()
            .take(LONGEST)
            .take_while(|b| !matches!(b, 0))
            .copied()
            .collect();
        match String::from_utf8(version) {
            Ok(text) if text.starts_with(|c: char| c.is_ascii_digit()) && text.is_ascii() => return Some(text),
            _ => {}
        }
    }
    None
}

/// Where `what` begins in `bytes`.
fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|b| *b == first) {
        if bytes.get(from + at..)?.starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(os: &str, variables: &[(&str, &str)]) -> Vec<(Interface, Scope, String)> {
        let variable = |name: &str| variables.iter().find(|v| v.0 == name).map(|v| OsString::from(v.1));
        folders_on(os, &variable)
            .into_iter()
            .map(|f| (f.interface, f.scope, f.path.to_string_lossy().replace('\\', "/")))
            .collect()
    }

    #[test]
    fn folders_are_those_of_the_system() {
        use Interface::{Clap, Vst3};
        use Scope::{System, User};
        let linux = on("linux", &[("HOME", "/home/a")]);
        assert!(linux.contains(&(Vst3, User, "/home/a/.vst3".into())));
        assert!(linux.contains(&(Clap, User, "/home/a/.clap".into())));
        assert!(linux.contains(&(Vst3, System, "/usr/lib/vst3".into())));
        let mac = on("macos", &[("HOME", "/Users/a")]);
        assert!(mac.contains(&(Vst3, User, "/Users/a/Library/Audio/Plug-Ins/VST3".into())));
        assert!(mac.contains(&(Clap, System, "/Library/Audio/Plug-Ins/CLAP".into())));
        let windows = on("windows", &[("LOCALAPPDATA", "C:/L"), ("COMMONPROGRAMFILES", "C:/C")]);
        assert_eq!(
            windows,
            [
                (Vst3, User, "C:/L/Programs/Common/VST3".into()),
                (Vst3, System, "C:/C/VST3".into()),
                (Clap, User, "C:/L/Programs/Common/CLAP".into()),
                (Clap, System, "C:/C/CLAP".into()),
            ]
        );
        assert!(on("windows", &[]).is_empty());
    }

    fn folder(path: &Path, interface: Interface) -> Folder {
        Folder {
            interface,
            scope: Scope::User,
            path: path.to_path_buf(),
        }
    }

    #[test]
    fn a_bundle_tells_its_version_or_what_is_wrong() {
        let root = std::env::temp_dir().join(format!("loopwright-bundles-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let clap = [folder(&root, Interface::Clap)];
        assert!(installed(&clap).is_empty());
        let bundle = root.join("Loopwright.clap");
        let verdict = || installed(&clap).remove(0).version;
        fs::write(&bundle, b"something else").unwrap();
        assert!(verdict().unwrap_err().contains("clap_entry"));
        fs::write(&bundle, b"..clap_entry..").unwrap();
        assert!(verdict().unwrap_err().contains("no library"));
        // The stamp's own text may stand alone elsewhere in the library.
        let good = [
            &b".clap_entry."[..],
            STAMP.as_bytes(),
            b"\xff\0",
            STAMP.as_bytes(),
            b"1.2.3-beta\0x",
        ]
        .concat();
        fs::write(&bundle, good).unwrap();
        assert_eq!(verdict(), Ok("1.2.3-beta".into()));

        let vst3 = [folder(&root, Interface::Vst3)];
        fs::create_dir_all(root.join("Loopwright.vst3").join("Contents")).unwrap();
        let found = installed(&vst3).remove(0);
        assert!(found.version.unwrap_err().contains("incomplete"));
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn bytes_are_found() {
        assert_eq!(find(b"aab", b"ab"), Some(1));
        assert_eq!(find(b"aaa", b"ab"), None);
        assert_eq!(find(b"", b"ab"), None);
        assert_eq!(find(b"ab", b""), None);
    }
}
