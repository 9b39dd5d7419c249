//! The settings in force, and where each comes from.
//!
//! Layers, each overriding the one below it key by key: the defaults, the user's `loopwright.toml`, the
//! `loopwright.toml` of the current folder, flags. With `--config FILE` that file stands in place of both files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use loopwright_core::config::Config;
use serde_json::{Map, Value};

use crate::args::Said;
use crate::exit::UsageError;

/// The name of a settings file.
pub const FILE_NAME: &str = "loopwright.toml";

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// A file.
    File(PathBuf),
    /// A flag.
    Flag(&'static str),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(path) => write!(f, "{}", crate::output::plain(&path.display().to_string())),
            Source::Flag(flag) => f.write_str(flag),
        }
    }
}

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Their values.
    pub config: Config,
    origins: Vec<((String, String), Source)>,
}

impl Settings {
    /// Layers the files that apply here and what the flags say.
    pub fn load(explicit: Option<&Path>, said: &[Said]) -> Result<Self> {
        let files = match explicit {
            Some(path) => vec![path.to_path_buf()],
            None => files().into_iter().filter(|path| path.is_file()).collect(),
        };
        Self::layer(&files, said)
    }

    /// The defaults and what the flags say, whatever files lie around.
    pub fn without_files(explicit: Option<&Path>, said: &[Said]) -> Result<Self> {
        Self::layer(&explicit.map(Path::to_path_buf).into_iter().collect::<Vec<_>>(), said)
    }

    fn layer(files: &[PathBuf], said: &[Said]) -> Result<Self> {
        let mut values = serde_json::to_value(Config::default()).context("the default settings")?;
        let mut origins = Vec::new();
        for path in files {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            for (section, key, value) in parse(&text).map_err(|e| UsageError(format!("{}: {e:#}", path.display())))? {
                put(&mut values, &section, &key, value);
                origins.push(((section, key), Source::File(path.clone())));
            }
        }
        for (section, key, value, flag) in said {
            put(&mut values, section, key, value.clone());
            origins.push((((*section).to_owned(), (*key).to_owned()), Source::Flag(flag)));
        }
        let config: Config = serde_json::from_value(values).map_err(|e| UsageError(format!("settings: {e}")))?;
        config.validate().map_err(|e| {
            let place = origins.iter().rev().find(|(at, _)| at.0 == e.section && at.1 == e.key);
            let place = place.map(|(_, source)| format!(" (from {source})")).unwrap_or_default();
            UsageError(format!("{e}{place}"))
        })?;
        Ok(Self { config, origins })
    }

    /// Where the value of `key` in `section` comes from.
    pub fn origin(&self, section: &str, key: &str) -> Source {
        let said = self.origins.iter().rev().find(|((s, k), _)| s == section && k == key);
        said.map_or(Source::Default, |(_, source)| source.clone())
    }

    /// The settings as TOML, each with its origin; what is not set stands as a comment. Reads back as a settings file.
    pub fn to_toml(&self) -> Result<String> {
        let values = serde_json::to_value(&self.config)?;
        let mut text = String::new();
        for (section, table) in values.as_object().into_iter().flatten() {
            let _ = writeln!(text, "{}[{section}]", if text.is_empty() { "" } else { "\n" });
            for (key, value) in table.as_object().into_iter().flatten() {
                let line = match literal(value) {
                    Some(value) => format!("{key} = {value}"),
                    None => format!("# {key} ="),
                };
                let note = if value.is_null() { " (not set)" } else { "" };
                let _ = writeln!(text, "{line:<34} # {}{note}", self.origin(section, key));
            }
        }
        Ok(text)
    }
}

/// A value in TOML's notation; `None` for what is not set.
fn literal(value: &Value) -> Option<String> {
    toml::Value::try_from(value).ok().map(|v| v.to_string())
}

/// The settings that a file gives. The whole configuration is read once for its errors, which name the key, its line,
/// and the keys that there are.
fn parse(text: &str) -> Result<Vec<(String, String, Value)>> {
    // TOML knows numbers that are not finite, which would pass for "not set" further on.
    toml::from_str::<Config>(text)?.validate()?;
    let sections: Map<String, Value> = toml::from_str(text)?;
    Ok(sections
        .into_iter()
        .flat_map(|(section, table)| {
            let keys = match table {
                Value::Object(keys) => keys,
                _ => Map::new(),
            };
            keys.into_iter().map(move |(key, value)| (section.clone(), key, value))
        })
        .collect())
}

fn put(values: &mut Value, section: &str, key: &str, value: Value) {
    values[section][key] = value;
}

/// The settings files that apply here where they exist, in the order in which they are laid over each other.
pub fn files() -> Vec<PathBuf> {
    user_file().into_iter().chain([PathBuf::from(FILE_NAME)]).collect()
}

/// The user's own settings file: under `$XDG_CONFIG_HOME` or where the system keeps such files.
pub fn user_file() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let folder = if let Some(xdg) = from("XDG_CONFIG_HOME") {
        xdg
    } else if cfg!(windows) {
        from("APPDATA")?
    } else if cfg!(target_os = "macos") {
        from("HOME")?.join("Library").join("Application Support")
    } else {
        from("HOME")?.join(".config")
    };
    Some(folder.join("loopwright").join(FILE_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(text: &str, said: &[Said]) -> Result<Settings> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, text)?;
        Settings::layer(&[path], said)
    }

    #[test]
    fn flags_override_files_and_files_override_defaults() {
        let text = "[rank]\ntop_k = 9\nalpha = 0.25\n";
        let s = settings(text, &[("rank", "top_k", json!(3), "--top")]).unwrap();
        assert_eq!((s.config.rank.top_k, s.config.rank.alpha), (3, 0.25));
        assert_eq!(s.origin("rank", "top_k"), Source::Flag("--top"));
        assert!(matches!(s.origin("rank", "alpha"), Source::File(_)));
        assert_eq!(s.origin("rank", "order"), Source::Default);
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_usage_errors_that_name_them() {
        for (text, named) in [
            ("[rank]\ntop = 9\n", "top"),
            ("[ranks]\ntop_k = 9\n", "ranks"),
            ("[rank]\ntop_k = \"many\"\n", "top_k"),
            ("[loops]\nbars = []\n", "loops.bars"),
            ("[rhythm]\nbpm = nan\n", "rhythm.bpm"),
            ("loops = 3\n", "loops"),
            ("[rank\n", "1"),
        ] {
            let error = settings(text, &[]).unwrap_err();
            assert!(error.downcast_ref::<UsageError>().is_some(), "{text}: {error:#}");
            assert!(format!("{error:#}").contains(named), "{text}: {error:#}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        let said = [
            ("loops", "bars", json!([4, 8]), "--bars"),
            ("rhythm", "bpm", json!(98.5), "--bpm"),
        ];
        let s = Settings::layer(&[], &said).unwrap();
        let printed = s.to_toml().unwrap();
        assert!(
            printed.contains("--bars") && printed.contains("# beats_per_bar ="),
            "{printed}"
        );
        assert_eq!(toml::from_str::<Config>(&printed).unwrap(), s.config);
    }
}
