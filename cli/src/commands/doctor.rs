//! `loopwright doctor`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use loopwright_core::analysis::embedding::{self, EmbeddingInfo};
use loopwright_core::config::tuning::Tuning;
use loopwright_core::model;
use loopwright_core::pipeline::{batch, bundles, doctor};
use serde_json::json;

use crate::args::{Doctor, General};
use crate::exit::Exit;
use crate::output::{plain, size};
use crate::settings::{self, Settings};

/// What was looked at, how it was found, and whether that is well.
struct Finding {
    what: &'static str,
    found: String,
    well: bool,
}

pub(super) fn run(args: &Doctor, general: &General) -> Result<Exit> {
    let mut findings = vec![
        fact(
            "version",
            format!(
                "{} for {}-{}",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::ARCH,
                std::env::consts::OS
            ),
        ),
        fact("processors", batch::default_jobs().to_string()),
        fact("vector instructions", vector_instructions()),
    ];
    for (format, result) in doctor::formats(&std::env::temp_dir()) {
        let name = json!(format).as_str().unwrap_or("format").to_owned();
        findings.push(match result {
            Ok(()) => fact("format", format!("{name}: written and read back")),
            Err(e) => trouble("format", format!("{name}: {e}")),
        });
    }
    findings.push(fact("formats read", crate::sources::EXTENSIONS.join(" ")));
    findings.push(writing(&args.out));
    findings.extend(space(&args.out));
    findings.push(match Settings::load(general.config.as_deref(), &[]) {
        Ok(_) => fact("settings", settings_files(general.config.as_deref())),
        Err(e) => trouble("settings", format!("{e:#}")),
    });
    let mut embedding = None;
    if let Some(file) = &args.embedding_model {
        findings.push(match embedding::load(Path::new(file)) {
            Ok(embedder) => {
                embedding = Some(embedder.info().clone());
                fact("embedding model", super::scorer::embedder_in_words(embedder.as_ref()))
            }
            Err(e) => trouble("embedding model", e.to_string()),
        });
    }
    if let Some(file) = &args.model {
        findings.extend(ranking_model(file, embedding.as_deref()));
    }
    findings.extend(plugins(&bundles::installed(&bundles::folders())));
    findings.extend(captures());
    for finding in &findings {
        let Finding { what, found, well } = finding;
        if args.json {
            super::print_json(&json!({ "schema": 1, "what": what, "found": found, "ok": well }))?;
        } else {
            super::print(&format!(
                "{} {what:<20} {}\n",
                if *well { "ok  " } else { "FAIL" },
                plain(found)
            ))?;
        }
    }
    Ok(if findings.iter().all(|f| f.well) {
        Exit::Done
    } else {
        Exit::Io
    })
}

fn fact(what: &'static str, found: String) -> Finding {
    Finding {
        what,
        found,
        well: true,
    }
}

fn trouble(what: &'static str, found: String) -> Finding {
    Finding {
        what,
        found,
        well: false,
    }
}

/// Whether the model scores loops, and what it is; where it does, all its columns are features of this version.
fn ranking_model(file: &str, embedding: Option<&EmbeddingInfo>) -> Vec<Finding> {
    match model::select_with(Some(file), &Tuning::default(), embedding) {
        Err(e) => vec![trouble("model", e.to_string())],
        Ok(scorer) => vec![
            fact("model", super::scorer::in_words(scorer.as_ref())),
            fact("model columns", scorer.info().columns.join(" ")),
        ],
    }
}

fn vector_instructions() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let have = [
            ("AVX-512", std::is_x86_feature_detected!("avx512f")),
            ("AVX2", std::is_x86_feature_detected!("avx2")),
            ("FMA", std::is_x86_feature_detected!("fma")),
        ];
        let names: Vec<&str> = have.iter().filter(|h| h.1).map(|h| h.0).collect();
        if names.is_empty() {
            "SSE2".into()
        } else {
            names.join(", ")
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        "NEON".into()
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        "none known".into()
    }
}

/// The nearest folder at or above `path` that exists: where a missing output folder would be made.
fn existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute
        .ancestors()
        .find(|p| p.is_dir())
        .unwrap_or(Path::new("."))
        .to_path_buf()
}

/// The installed plugins: each bundle, and whether hosts would find one of them twice.
fn plugins(installed: &[bundles::Installed]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for interface in bundles::Interface::ALL {
        let ours: Vec<_> = installed.iter().filter(|i| i.folder.interface == interface).collect();
        for bundle in &ours {
            let path = bundle.bundle.display();
            findings.push(match &bundle.version {
                Ok(version) if version == env!("CARGO_PKG_VERSION") => {
                    fact("plugin", format!("{interface} {version} at {path}"))
                }
                Ok(version) => fact(
                    "plugin",
                    format!(
                        "{interface} {version} at {path}; this is {}: they need not be the same",
                        env!("CARGO_PKG_VERSION")
                    ),
                ),
                Err(why) => trouble("plugin", format!("{interface} at {path}: {why}; install it again")),
            });
        }
        match ours.as_slice() {
            [] => findings.push(fact("plugin", format!("{interface} is not installed"))),
            [_] => {}
            [first, ..] => findings.push(trouble(
                "plugin",
                format!(
                    "{interface} is installed {} times, and hosts may take any of them; keep one, such as {}",
                    ours.len(),
                    first.bundle.display()
                ),
            )),
        }
    }
    findings
}

/// Whether the plugin could write its captures where it does by itself.
fn captures() -> Option<Finding> {
    let documents = dirs::document_dir().or_else(dirs::home_dir)?;
    let Finding { found, well, .. } = writing(&documents.join("Loopwright").join("Captures"));
    Some(Finding {
        what: "captures",
        found,
        well,
    })
}

fn writing(out: &Path) -> Finding {
    let folder = existing(out);
    let probe = folder.join(format!(".loopwright-{}.probe", std::process::id()));
    let tried = std::fs::File::create_new(&probe)
        .and_then(|file| file.sync_all())
        .and(std::fs::remove_file(&probe));
    match tried {
        Ok(()) => fact("writing", format!("{} can be written", folder.display())),
        Err(e) => trouble(
            "writing",
            format!("{}: {e}; choose another folder or make it writable", folder.display()),
        ),
    }
}

#[cfg(unix)]
fn space(out: &Path) -> Option<Finding> {
    /// Loops of a few hundred tracks.
    const ENOUGH: u64 = 1_000_000_000;
    let folder = existing(out);
    let stat = rustix::fs::statvfs(&folder).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let found = format!("{} free at {}", size(free), folder.display());
    Some(fact(
        "space",
        if free < ENOUGH {
            format!("{found}: little, for a large collection")
        } else {
            found
        },
    ))
}

#[cfg(not(unix))]
fn space(_: &Path) -> Option<Finding> {
    None
}

fn settings_files(explicit: Option<&Path>) -> String {
    let files: Vec<PathBuf> = match explicit {
        Some(path) => vec![path.to_path_buf()],
        None => settings::files().into_iter().filter(|p| p.is_file()).collect(),
    };
    let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
    if names.is_empty() {
        "the defaults; no loopwright.toml".into()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bundles::{Folder, Installed, Interface, Scope};

    fn installed(interface: Interface, path: &str, version: Result<&str, &str>) -> Installed {
        Installed {
            folder: Folder {
                interface,
                scope: Scope::User,
                path: PathBuf::from(path),
            },
            bundle: Path::new(path).join(interface.bundle()),
            version: version.map(Into::into).map_err(Into::into),
        }
    }

    fn troubles(installed: &[Installed]) -> Vec<String> {
        plugins(installed)
            .into_iter()
            .filter(|f| !f.well)
            .map(|f| f.found)
            .collect()
    }

    #[test]
    fn no_plugin_is_no_trouble_but_a_broken_or_a_second_one_is() {
        assert!(troubles(&[]).is_empty());
        assert_eq!(plugins(&[]).len(), 2);
        let good = installed(Interface::Clap, "/a", Ok("0.0.1"));
        assert!(troubles(std::slice::from_ref(&good)).is_empty());
        let broken = installed(Interface::Vst3, "/a", Err("incomplete"));
        assert!(troubles(&[good.clone(), broken])[0].contains("incomplete"));
        let twice = troubles(&[good, installed(Interface::Clap, "/b", Ok("0.0.2"))]);
        assert!(twice[0].contains("2 times"), "{twice:?}");
    }
}
