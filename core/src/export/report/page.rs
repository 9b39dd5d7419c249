//! `index.html`.

use serde_json::json;

use super::{Audio, Map, Page, Row, SCHEMA, parts};
use crate::export::meta::SOFTWARE;
use crate::features::REGISTRY;

const HTML: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
/// The script, in the order in which its parts need each other. They share one function scope.
const SCRIPT: &[&str] = &[
    include_str!("page/base.js"),
    include_str!("page/player.js"),
    include_str!("page/draw.js"),
    include_str!("page/ratings.js"),
    include_str!("page/table.js"),
    include_str!("page/detail.js"),
    include_str!("page/map.js"),
    include_str!("page/main.js"),
];

/// The page: its data stand in a block that no browser runs.
pub(super) fn html(page: &Page, rows: &[Row], map: Option<&Map>) -> String {
    let features: serde_json::Map<String, serde_json::Value> = REGISTRY
        .iter()
        .filter(|f| f.width == 1)
        .map(|f| {
            let about = json!({ "unit": f.unit, "range": f.range, "doc": f.doc });
            (f.name.to_owned(), about)
        })
        .collect();
    let data = json!({
        "schema": SCHEMA,
        "tool": SOFTWARE,
        "title": page.title,
        "problems": page.problems,
        "rows": rows,
        "features": features,
        "map": map.map(|m| m.names.len()),
    });
    let data = parts::escaped(&data.to_string());
    let script = format!("(() => {{\n\"use strict\";\n{}}})();\n", SCRIPT.concat());
    let linked = rows.iter().any(|r| r.audio == Audio::Linked);
    // What a name in the data would have to know in advance, it is part of itself.
    let mut hash = blake3::Hasher::new();
    for part in [HTML, STYLE, &script, &data] {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    let nonce = hash.finalize().to_hex();
    let nonce = &nonce[..32];
    let media = if linked { " media-src 'self' file:;" } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}';{media} base-uri 'none'; \
         form-action 'none'"
    );
    // The data last: nothing in them is looked at for what is to be put in.
    let mut out = HTML.replace("{{policy}}", &policy).replace("{{nonce}}", nonce);
    for (mark, text) in [("{{style}}", STYLE), ("{{script}}", &script), ("{{data}}", &data)] {
        if let Some((before, after)) = out.split_once(mark) {
            out = [before, text, after].concat();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_page_fit_into_it() {
        let script = SCRIPT.concat();
        assert!(!script.to_ascii_lowercase().contains("</script") && !script.contains("<!--"));
        assert!(!STYLE.to_ascii_lowercase().contains("</style"));
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ] {
            assert!(!script.contains(forbidden), "{forbidden}");
        }
        for mark in ["{{policy}}", "{{style}}", "{{script}}", "{{data}}"] {
            assert_eq!(HTML.matches(mark).count(), 1, "{mark}");
            assert!(!script.contains(mark) && !STYLE.contains(mark));
        }
        assert!(!HTML.contains(" on") || !HTML.contains("onclick"));
    }

    #[test]
    fn hostile_titles_stay_data_and_change_the_nonce() {
        let make = |title: &str| {
            let page = Page {
                title: title.into(),
                problems: Vec::new(),
            };
            html(&page, &[], None)
        };
        let hostile = make("</script><script nonce=\"{{nonce}}\">alert(1)</script>{{style}}");
        assert_eq!(hostile.matches("<script").count(), 2, "the data and the script");
        let nonce = |html: &str| {
            let (_, rest) = html.split_once("'nonce-").unwrap();
            rest[..32].to_owned()
        };
        assert_ne!(nonce(&hostile), nonce(&make("a")));
        assert_eq!(make("a"), make("a"));
        assert!(hostile.contains("\\u003c/script\\u003e"));
    }
}
