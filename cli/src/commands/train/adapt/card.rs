//! What a taste is, in words.

use std::fmt::Write as _;
use std::path::Path;

use loopwright_core::learn::adapt::Fit;
use loopwright_core::model::adapted::TERMS;

use crate::output::{count, plain};

/// The card of an adapted ranking, as Markdown.
pub(super) fn card(fit: &Fit, base: &str, place: &Path) -> String {
    let file = place
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut text = format!("# An adapted ranking\n\n{}\n\n", summary(fit));
    // A string takes all that is written.
    let _ = writeln!(
        text,
        "| | |\n|---|---|\n| file | `{file}` |\n| base | `{base}` |\n| ratings | {} of {} |\n| pairs compared | {} |\n\
         | part of the taste that is kept | {:.0} % |\n| most that it moves a loop's odds | {:.1} to 1 |",
        fit.ratings,
        count(fit.tracks, "track"),
        fit.pairs,
        fit.shrink * 100.0,
        fit.taste.bound.exp()
    );
    if let Some((base, adapted)) = fit.agreement {
        let _ = writeln!(
            text,
            "| left-out pairs in the right order | base {:.0} %, adapted {:.0} % |",
            base * 100.0,
            adapted * 100.0
        );
    }
    text += "\n## Weights\n\nLog odds for one step, a step being about the spread among the loops of one track.\n\n\
             | column | weight | prefers |\n|---|---|---|\n";
    for (term, weight) in TERMS.iter().zip(fit.taste.weights) {
        let words = match weight {
            w if w > 0.0 => term.more,
            w if w < 0.0 => term.less,
            _ => "",
        };
        let _ = writeln!(text, "| `{}` | {weight:.3} | {words} |", term.column);
    }
    text += "\nIt chooses among loops that work: what the base holds for a bad loop it does not make a good one.\n";
    text
}

/// What was learnt, in a sentence or two.
pub(super) fn summary(fit: &Fit) -> String {
    let of = format!("{} of {}", count(fit.ratings, "rating"), count(fit.tracks, "track"));
    if fit.taste.is_none() {
        let why = match fit.ratings {
            0 => "There are no ratings",
            _ if fit.pairs == 0 => "No track has loops that you rated differently",
            _ => "Your ratings say nothing that holds for loops left out",
        };
        return format!(
            "{why} ({of}): the ranking stays as it was. More ratings, good and bad ones of a track, tell more."
        );
    }
    let words = fit.taste.words();
    let prefers = if words.is_empty() {
        "You lean a little, but in nothing that stands out".to_owned()
    } else {
        format!("You prefer {}", words.join(", "))
    };
    let proof = fit.agreement.map_or(String::new(), |(base, adapted)| {
        format!(
            " Of pairs of loops that were left out, {:.0} % are in your order now, {:.0} % before.",
            adapted * 100.0,
            base * 100.0
        )
    });
    plain(&format!("{prefers} ({of}).{proof}"))
}
