//! `loopwright merge`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use loopwright_core::export::manifest::Status;
use loopwright_core::pipeline::merge::{self, MergeError, Merged};
use loopwright_core::pipeline::run::OfItem;
use serde_json::json;

use crate::args::{General, Merge};
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain};
use crate::progress::{self, Display};

pub(super) fn run(args: &Merge, general: &General) -> Result<Exit> {
    let real = |p: &Path| p.canonicalize().ok();
    if let Some(own) = args
        .parts
        .iter()
        .find(|p| real(p).is_some() && real(p) == real(&args.out))
    {
        let problem = format!(
            "{} is to be merged and written to at once",
            plain(&own.to_string_lossy())
        );
        return Err(UsageError(problem).into());
    }
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let display = Display::new(vec![plain(&args.out.to_string_lossy())], general);
    let progress = OfItem {
        observer: &display,
        index: 0,
    };
    let merged = merge::merge(&args.parts, &args.out, args.tables.parquet(), &progress);
    display.close();
    let merged = match merged {
        Err(MergeError::NoTree { path }) => {
            return Err(UsageError(MergeError::NoTree { path }.to_string()).into());
        }
        other => other?,
    };
    let mut text = String::new();
    for m in &merged {
        if args.json {
            super::print_json(&fields(m))?;
        }
        tell(&mut text, m);
    }
    if args.json || general.quiet {
        for line in text.lines().filter(|l| l.starts_with("  ")) {
            eprintln!("loopwright: {}", line.trim());
        }
    } else {
        super::print(&text)?;
    }
    let dropped = merged.iter().any(|m| !m.dropped.is_empty());
    Ok(if dropped { Exit::SomeFailed } else { Exit::Done })
}

fn failed(m: &Merged) -> usize {
    let tracks = &m.summary.manifest.tracks;
    tracks.iter().filter(|t| t.status == Status::Failed).count()
}

fn fields(m: &Merged) -> serde_json::Value {
    json!({
        "schema": 1, "type": "merged", "manifest": m.kind.manifest, "tracks": m.summary.manifest.tracks.len(),
        "copied": m.copied, "loops": m.summary.loops, "failed": failed(m), "settings": m.settings,
        "dropped": m.dropped.iter().map(|d| json!({
            "part": d.tree.to_string_lossy(), "folder": d.folder, "why": d.why,
        })).collect::<Vec<_>>(),
    })
}

/// Lines for people; what needs a look is indented.
fn tell(text: &mut String, m: &Merged) {
    let _ = writeln!(
        text,
        "{}: {}, {} of them new, {}",
        m.kind.manifest,
        count(m.summary.manifest.tracks.len(), "track"),
        m.copied,
        count(m.summary.loops, "loop"),
    );
    if failed(m) > 0 {
        let _ = writeln!(
            text,
            "  {} FAILED where it was worked on; the manifest says why",
            count(failed(m), "track")
        );
    }
    if m.settings > 1 {
        let _ = writeln!(text, "  made with {} different settings or versions", m.settings);
    }
    for d in &m.dropped {
        let (tree, folder) = (plain(&d.tree.to_string_lossy()), plain(&d.folder));
        let _ = writeln!(text, "  left out: {folder} of {tree}: {}", plain(&d.why));
    }
}
