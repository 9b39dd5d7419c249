//! The layers of `core`: a module imports what is below it, or on its own line to its right, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Outcome, shell};

/// From the top down, and on each line from left to right.
const LAYERS: &[&[&str]] = &[
    &["pipeline"],
    &["export"],
    &["learn", "similarity", "drums"],
    &["rank", "model"],
    &["features", "loops"],
    &["analysis", "track", "rhythm"],
    &["audio", "dsp", "onnx", "store"],
    &["config", "guard", "progress", "units"],
];

/// `cargo xtask layers`.
pub(crate) fn run(_: &[String]) -> Outcome {
    let source = shell::root().join("core").join("src");
    let mut files = Vec::new();
    list(&source, &mut files).map_err(|e| format!("{}: {e}", source.display()))?;
    files.sort();
    let mut texts = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let relative = file.strip_prefix(&source).unwrap_or(file);
        if let Some(module) = module_of(relative) {
            texts.push((relative, module, text));
        }
    }
    let macros: Macros = texts
        .iter()
        .flat_map(|(_, module, text)| macros(module, text))
        .collect();
    let mut wrong = Vec::new();
    for (relative, module, text) in &texts {
        let found = check(module, text, &macros);
        wrong.extend(
            found
                .into_iter()
                .map(|w| format!("core/src/{}:{w}", relative.display())),
        );
    }
    if !wrong.is_empty() {
        return Err(format!("imports that climb:\n  {}", wrong.join("\n  ")));
    }
    println!("layers: {} files, no import climbs", texts.len());
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The top-level module that a file belongs to; `None` for the crate's root, which names them all.
fn module_of(relative: &Path) -> Option<String> {
    let first = relative.components().next()?.as_os_str().to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (module != "lib").then(|| module.to_owned())
}

/// Line and column of a module in the table.
fn place(module: &str) -> Option<(usize, usize)> {
    LAYERS
        .iter()
        .enumerate()
        .find_map(|(line, names)| names.iter().position(|n| *n == module).map(|column| (line, column)))
}

/// Exported macros, which stand at the crate's root whatever module defines them, each with that module.
type Macros = BTreeMap<String, String>;

/// The macros that `text`, a file of `module`, exports.
fn macros(module: &str, text: &str) -> Vec<(String, String)> {
    let mut exported = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[macro_export]") {
            exported = true;
        } else if let Some(rest) = line.strip_prefix("macro_rules!") {
            let name: String = rest
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if std::mem::take(&mut exported) {
                found.push((name, module.to_owned()));
            }
        }
    }
    found
}

/// The lines of `text`, a file of `module`, whose imports are not allowed, each as `line: why`.
fn check(module: &str, text: &str, macros: &Macros) -> Vec<String> {
    let Some(own) = place(module) else {
        return vec![format!(
            "1: module `{module}` stands in no layer; add it to xtask/src/layers.rs"
        )];
    };
    imports(text)
        .into_iter()
        .map(|(line, target)| (line, macros.get(&target).cloned().unwrap_or(target)))
        .filter(|(_, target)| target != module)
        .filter_map(|(line, target)| match place(&target) {
            None => Some(format!(
                "{line}: `{target}` stands in no layer; add it to xtask/src/layers.rs"
            )),
            Some(at) if at.0 > own.0 || (at.0 == own.0 && at.1 > own.1) => None,
            Some(_) => Some(format!("{line}: `{module}` must not import `{target}`")),
        })
        .collect()
}

/// The top-level modules that are named after `crate::`, each with its line, counted from 1. Comments do not count, nor
/// do tests: a test module may look up.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code: Vec<&str> = text.lines().map(|l| l.split("//").next().unwrap_or_default()).collect();
    let end = code
        .windows(2)
        .position(|w| w[0].trim() == "#[cfg(test)]" && w[1].trim_start().starts_with("mod "))
        .unwrap_or(code.len());
    let mut text = String::new();
    let mut lines = Vec::new();
    for (number, line) in code[..end].iter().enumerate() {
        lines.push((text.len(), number + 1));
        text += line;
        text.push('\n');
    }
    let line_at = |at: usize| lines.iter().rev().find(|(start, _)| *start <= at).map_or(1, |l| l.1);
    for (at, _) in text.match_indices("crate::") {
        let boundary = text[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '$'));
        if !boundary {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => first_names(group),
            None => vec![rest],
        };
        for name in names {
            let name: String = name
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            // Names of types and macros at the crate's root are no modules.
            if name.starts_with(|c: char| c.is_lowercase()) {
                found.push((line_at(at), name));
            }
        }
    }
    found
}

/// The first names of the members of a `{...}` group, given from after its opening brace.
fn first_names(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut names) = (0usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(module: &str, text: &str) -> Vec<String> {
        super::check(module, text, &Macros::new())
    }

    #[test]
    fn an_exported_macro_belongs_to_the_module_that_defines_it() {
        let text = "#[macro_export]\nmacro_rules! wide {\n    () => {};\n}\nmacro_rules! own { () => {} }\n";
        let known: Macros = macros("dsp", text).into_iter().collect();
        assert_eq!(known, Macros::from([("wide".into(), "dsp".into())]));
        assert!(super::check("audio", "use crate::wide;\n", &known).is_empty());
        assert_eq!(
            super::check("units", "use crate::wide;\n", &known),
            ["1: `units` must not import `dsp`"]
        );
    }

    #[test]
    fn downwards_and_rightwards_pass() {
        assert!(
            check(
                "analysis",
                "use crate::track::Track;\nuse crate::dsp::stft;\nuse crate::analysis::x;\n"
            )
            .is_empty()
        );
        assert!(
            check(
                "rank",
                "use crate::model::Scorer;\nuse crate::{config::Config, units::{Bpm, Span}};\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn upwards_and_leftwards_fail_with_their_line() {
        let wrong = check("dsp", "use std::fmt;\nuse crate::audio::AudioBuffer;\n");
        assert_eq!(wrong, ["2: `dsp` must not import `audio`"]);
        assert_eq!(
            check("units", "use crate::{\n    units::Bpm,\n    pipeline::find,\n};\n").len(),
            1
        );
        assert_eq!(check("track", "fn f() -> crate::analysis::Analysis {}\n").len(), 1);
        assert_eq!(
            check("rhythm", "pub(crate) use crate::track::{Track, Origin};\n").len(),
            1
        );
    }

    #[test]
    fn unknown_modules_fail() {
        assert_eq!(check("attic", "").len(), 1);
        assert_eq!(check("dsp", "use crate::attic::x;\n").len(), 1);
    }

    #[test]
    fn comments_tests_and_visibility_do_not_count() {
        let text = "//! See [`crate::pipeline`].\npub(in crate::dsp) fn f() {}\npub(crate) fn g() {}\n\
                    #[cfg(test)]\nmod tests {\n    use crate::pipeline::find;\n}\n";
        assert!(check("dsp", text).is_empty());
    }

    #[test]
    fn modules_are_named_after_files_and_folders() {
        assert_eq!(module_of(Path::new("lib.rs")), None);
        assert_eq!(module_of(Path::new("dsp.rs")).as_deref(), Some("dsp"));
        assert_eq!(module_of(&Path::new("dsp").join("stft.rs")).as_deref(), Some("dsp"));
    }
}
