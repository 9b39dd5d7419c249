//! The licences of all crates that are linked into a program, in one file.
//!
//! Which crates those are, `cargo tree` knows (it resolves features as a build of that one package does); where they lie and
//! what licence they name, `cargo metadata`. The texts are the files that lie in each crate's folder, each kind once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// How deep below a crate's folder licence texts are looked for: some bring another's sources along.
const DEPTH: usize = 3;
/// Names of licence texts begin with one of these, in lower case.
const NAMES: &[&str] = &[
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
    "ofl",
    "ufl",
];
/// And end with one of these, if a name has such an end at all.
const SOURCES: &[&str] = &[
    "rs", "toml", "json", "py", "yml", "yaml", "html", "c", "h", "sh", "ttf", "lock",
];

/// Why there is no such file.
#[derive(Debug)]
pub(crate) struct LicenceError(String);

impl std::fmt::Display for LicenceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LicenceError {}

fn error(what: impl std::fmt::Display, why: impl std::fmt::Display) -> LicenceError {
    LicenceError(format!("{what}: {why}"))
}

/// A crate and what it says of its licence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    /// The SPDX expression; empty where it names a file only.
    licence: String,
    /// Who made it, for those that bring no text with their names in it.
    authors: String,
    /// The texts in its folder.
    texts: BTreeSet<String>,
}

/// Writes the licences of what is linked into `package` on this platform to `to`.
pub(crate) fn write(package: &str, to: &Path) -> Result<(), LicenceError> {
    let linked = linked(package)?;
    let mut crates = read(&linked)?;
    crates.sort();
    crates.push(standard_library()?);
    let without: Vec<&str> = crates
        .iter()
        .filter(|c| c.texts.is_empty())
        .map(|c| c.name.as_str())
        .collect();
    let text = lay_out(package, &crates);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|e| error(folder.display(), e))?;
    }
    fs::write(to, &text).map_err(|e| error(to.display(), e))?;
    println!(
        "{}: {} crates, {} without a text of their own, {} kB",
        to.display(),
        crates.len(),
        without.len(),
        text.len() / 1000
    );
    Ok(())
}

fn output(command: &mut Command) -> Result<String, LicenceError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| error(&name, e))?;
    if !output.status.success() {
        return Err(error(&name, output.status));
    }
    String::from_utf8(output.stdout).map_err(|e| error(&name, e))
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Name and version of all crates that are linked into the package; what runs only while it is built is not among them.
fn linked(package: &str) -> Result<BTreeSet<(String, String)>, LicenceError> {
    let tree = output(cargo().args([
        "tree",
        "--locked",
        "--package",
        package,
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let names: BTreeSet<_> = tree.lines().filter_map(name_and_version).collect();
    if names.is_empty() {
        return Err(error(package, "cargo tree lists nothing"));
    }
    Ok(names)
}

/// `serde v1.0.228` or `core v0.1.0 (/a/path)`.
fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let version = words.next()?.strip_prefix('v')?;
    Some((name.to_owned(), version.to_owned()))
}

/// The crates of these names, without our own, with their texts.
fn read(linked: &BTreeSet<(String, String)>) -> Result<Vec<Crate>, LicenceError> {
    let platform = output(Command::new("rustc").arg("-vV"))?;
    let platform = platform
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or_else(|| error("rustc", "names no host"))?;
    let metadata = output(cargo().args([
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        platform,
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|e| error("cargo metadata", e))?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .ok_or_else(|| error("cargo metadata", "lists no packages"))?;
    let mut crates = Vec::new();
    let mut found = BTreeSet::new();
    for package in packages {
        let word = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        let key = (word("name").to_owned(), word("version").to_owned());
        if !linked.contains(&key) {
            continue;
        }
        found.insert(key.clone());
        // Our own are under our own licences.
        if package.get("source").is_none_or(Value::is_null) {
            continue;
        }
        let manifest = PathBuf::from(word("manifest_path"));
        let folder = manifest.parent().unwrap_or(Path::new("."));
        let mut texts = BTreeSet::new();
        collect(folder, 0, &mut texts)?;
        if let Some(file) = package.get("license_file").and_then(Value::as_str) {
            texts.insert(text(&folder.join(file))?);
        }
        crates.push(Crate {
            name: key.0,
            version: key.1,
            licence: word("license").to_owned(),
            authors: authors(package),
            texts,
        });
    }
    match linked.difference(&found).next() {
        Some((name, version)) => Err(error(name, format!("cargo metadata does not know version {version}"))),
        None => Ok(crates),
    }
}

fn authors(package: &Value) -> String {
    let list = package.get("authors").and_then(Value::as_array);
    let names: Vec<&str> = list.into_iter().flatten().filter_map(Value::as_str).collect();
    names.join(", ").replace('|', "/")
}

/// What every Rust program has in it.
fn standard_library() -> Result<Crate, LicenceError> {
    let version = output(Command::new("rustc").arg("--version"))?;
    let version = version.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let root = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let folder = Path::new(root.trim()).join("share/doc/rust/licenses");
    let mut texts = BTreeSet::new();
    for name in ["MIT.txt", "Apache-2.0.txt", "LLVM-exception.txt"] {
        // Not every installation of Rust has them.
        if let Ok(text) = text(&folder.join(name)) {
            texts.insert(text);
        }
    }
    Ok(Crate {
        name: "the Rust standard library".into(),
        version,
        licence: "MIT OR Apache-2.0".into(),
        authors: "the Rust project's developers".into(),
        texts,
    })
}

/// The licence texts in a folder and below it.
fn collect(folder: &Path, depth: usize, texts: &mut BTreeSet<String>) -> Result<(), LicenceError> {
    for entry in fs::read_dir(folder).map_err(|e| error(folder.display(), e))? {
        let entry = entry.map_err(|e| error(folder.display(), e))?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if path.is_dir() {
            if depth + 1 < DEPTH && !name.starts_with('.') && name != "target" {
                collect(&path, depth + 1, texts)?;
            }
        } else if is_licence(&name) {
            texts.insert(text(&path)?);
        }
    }
    Ok(())
}

/// By its name in lower case. Fonts carry theirs as `Name-license.txt`.
fn is_licence(name: &str) -> bool {
    let source = name.rsplit_once('.').is_some_and(|(_, end)| SOURCES.contains(&end));
    let begins = NAMES.iter().any(|n| name.starts_with(n));
    !source && (begins || name.ends_with("license.txt") || name.ends_with("regular.txt") || name == "egui-icons.txt")
}

/// The text of a file, such that the same words are the same text.
fn text(path: &Path) -> Result<String, LicenceError> {
    let bytes = fs::read(path).map_err(|e| error(path.display(), e))?;
    Ok(even(&String::from_utf8_lossy(&bytes)))
}

/// Without the differences between systems and editors.
fn even(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// The file: a table of crates, then the texts, numbered in the order in which the table names them.
fn lay_out(package: &str, crates: &[Crate]) -> String {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut texts: Vec<&str> = Vec::new();
    let mut out = format!(
        "# Software by others in {package}\n\n\
         Each of these is linked into the program, under the licence that it names. Where there is a choice (OR), it is the\n\
         reader's; the numbers stand for the texts below that come with it.\n\n\
         | crate | version | licence | texts |\n|---|---|---|---|\n"
    );
    for one in crates {
        let own: Vec<String> = one
            .texts
            .iter()
            .map(|text| {
                let number = *numbers.entry(text).or_insert_with(|| {
                    texts.push(text);
                    texts.len()
                });
                format!("[{number}](#text-{number})")
            })
            .collect();
        let own = match (own.is_empty(), one.authors.is_empty()) {
            (false, _) => own.join(" "),
            (true, true) => "none in the crate".to_owned(),
            (true, false) => format!("none in the crate; by {}", one.authors),
        };
        let licence = if one.licence.is_empty() {
            "as its text says"
        } else {
            &one.licence
        };
        let _ = writeln!(out, "| {} | {} | {licence} | {own} |", one.name, one.version);
    }
    out += "\nA crate with no text of its own is published under the licence that the table names; <https://spdx.org/licenses/>\n\
            has its words.\n";
    for (index, text) in texts.iter().enumerate() {
        let fence = fence(text);
        let _ = write!(out, "\n## Text {}\n\n{fence}text\n{text}\n{fence}\n", index + 1);
    }
    out
}

/// A fence longer than any in the text.
fn fence(text: &str) -> String {
    let longest = text
        .lines()
        .map(|line| line.trim_start().chars().take_while(|c| *c == '`').count())
        .max();
    "`".repeat(longest.unwrap_or(0).max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_tree_are_understood() {
        let name = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(name_and_version("serde v1.0.228"), name("serde", "1.0.228"));
        assert_eq!(name_and_version("own v0.1.0 (/a b/own)"), name("own", "0.1.0"));
        assert_eq!(
            name_and_version("zstd v2.0.16+zstd.1.5.7"),
            name("zstd", "2.0.16+zstd.1.5.7")
        );
        assert_eq!(name_and_version(""), None);
        assert_eq!(name_and_version("[build-dependencies]"), None);
    }

    #[test]
    fn licences_are_known_by_their_names() {
        for name in [
            "license",
            "license-mit",
            "licence.md",
            "copying",
            "license.apache2",
            "unlicense",
            "ofl.txt",
            "hack-regular.txt",
            "emoji-icon-font-mit-license.txt",
        ] {
            assert!(is_licence(name), "{name}");
        }
        for name in [
            "license.rs",
            "readme.md",
            "licenses.html",
            "copyright.toml",
            "cargo.toml",
        ] {
            assert!(!is_licence(name), "{name}");
        }
    }

    #[test]
    fn each_text_stands_there_once() {
        let one = |name: &str, licence: &str, texts: &[&str]| Crate {
            name: name.into(),
            version: "1.0.0".into(),
            licence: licence.into(),
            authors: "A. Author".into(),
            texts: texts.iter().map(|t| even(t)).collect(),
        };
        let crates = [
            one("a", "MIT", &["Words.\r\nMore.  \r\n"]),
            one("b", "", &["\u{feff}Words.\nMore.\n\n", "Other ``` words."]),
            one("c", "Zlib", &[]),
        ];
        let out = lay_out("program", &crates);
        assert_eq!(out.matches("Words.\nMore.\n").count(), 1);
        assert!(out.contains("| a | 1.0.0 | MIT | [1](#text-1) |"));
        assert!(
            out.contains("| b | 1.0.0 | as its text says | [2](#text-2) [1](#text-1) |"),
            "{out}"
        );
        assert!(out.contains("| c | 1.0.0 | Zlib | none in the crate; by A. Author |"));
        assert_eq!(fence("x\n````\n"), "`````");
        assert_eq!(out, lay_out("program", &crates));
    }
}
