//! `loopwright features`.

use std::fmt::Write as _;

use anyhow::Result;
use loopwright_core::features::REGISTRY;
use serde_json::json;

use crate::args::Features;
use crate::exit::Exit;

pub(super) fn run(args: &Features) -> Result<Exit> {
    let mut text = String::new();
    for f in REGISTRY {
        if args.json {
            let line = json!({
                "schema": 1, "name": f.name, "unit": f.unit, "range": f.range, "width": f.width, "version": f.version,
                "doc": f.doc,
            });
            let _ = writeln!(text, "{line}");
        } else {
            let name = if f.width == 1 {
                f.name.to_owned()
            } else {
                format!("{}_0..{}", f.name, f.width - 1)
            };
            let unit = if f.unit.is_empty() { "-" } else { f.unit };
            let _ = writeln!(text, "{name:<28} {unit:<10} {:<14} {}", f.range, f.doc);
        }
    }
    super::print(&text)?;
    Ok(Exit::Done)
}
