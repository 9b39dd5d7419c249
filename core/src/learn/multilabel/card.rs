//! The card of a model of tags: what it tells, what from, how well. No date: the same run writes the same card.

use std::fmt::Write as _;

use super::train::Trained;
use crate::learn::card::{MARK, escaped};
use crate::model::multilabel::CONTACT;

/// What a card says beside what the training found.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// `tags` or `contact`.
    pub kind: &'a str,
    /// The model's file.
    pub model: &'a str,
    /// Where the labels come from, in words.
    pub labels: &'a str,
    /// Files that were learnt from, that could not be read, that were silent.
    pub files: (usize, usize, usize),
    /// Groups that the files are of.
    pub groups: usize,
    /// Settings of the run, by name.
    pub settings: &'a [(String, String)],
}

/// The card as Markdown.
pub fn text(facts: &Facts<'_>, trained: &Trained) -> String {
    let scores = &trained.scores;
    let mut t = format!("{MARK}\n\n# {}\n\n", escaped(facts.model));
    let _ = writeln!(
        t,
        "Tells tags of audio files, each by a model of its own against the rest, trained by `loopwright train {}` {}. Use it \
         with `loopwright classify INPUT --{} {} --out tags.csv`.\n",
        facts.kind,
        env!("CARGO_PKG_VERSION"),
        if facts.kind == CONTACT {
            "contact-model"
        } else {
            "model"
        },
        facts.model
    );
    let _ = writeln!(t, "Labels: {}.\n", facts.labels);
    if facts.kind == CONTACT {
        let _ = writeln!(
            t,
            "**These labels are transductive**: they are places in one contact map of these very files, not properties that \
             a file has alone. The folds below leave files out of the learning, but the map that gave their labels was made \
             with them. The figures say how well this map's labels can be told from the sound of one file; they do not say \
             what another map, of other files, would call it.\n"
        );
    }
    let _ = writeln!(t, "## Scores\n");
    let _ = writeln!(
        t,
        "Over {} files in {} folds: every file is judged by a model, a calibration and thresholds that were made without it, \
         and without files of its source or content. Baseline: the most common tag of each family, and each other tag if most \
         files have it.\n",
        scores.files, trained.folds
    );
    let _ = writeln!(t, "| | model | baseline |\n|---|---|---|");
    let _ = writeln!(
        t,
        "| macro F1 | {:.3} | {:.3} |",
        scores.macro_f1, scores.baseline_macro_f1
    );
    let _ = writeln!(
        t,
        "| micro F1 | {:.3} | {:.3} |\n",
        scores.micro_f1, scores.baseline_micro_f1
    );
    let _ = writeln!(
        t,
        "| tag | files | threshold | precision | recall | F1 | baseline F1 | Brier | baseline Brier |"
    );
    let _ = writeln!(t, "|---|---|---|---|---|---|---|---|---|");
    for (tag, s) in trained.tags.iter().zip(&scores.labels) {
        let _ = writeln!(
            t,
            "| {} | {} of {} | {:.2} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
            escaped(&s.label),
            s.support,
            s.files,
            tag.threshold,
            s.precision,
            s.recall,
            s.f1,
            s.baseline_f1,
            s.brier,
            s.baseline_brier
        );
    }
    if !trained.left_out.is_empty() {
        let _ = writeln!(t, "\nNot learnt:\n");
        for left in &trained.left_out {
            let _ = writeln!(
                t,
                "- {} ({} files): {}",
                escaped(&left.label),
                left.support,
                escaped(&left.why)
            );
        }
    }
    let (learnt, unread, silent) = facts.files;
    let _ = writeln!(
        t,
        "\n## Data\n\n- {learnt} files of {} sources; {unread} more could not be read, {silent} more are silent",
        facts.groups
    );
    let names: Vec<String> = trained.features.iter().map(|c| escaped(c)).collect();
    let _ = writeln!(t, "- reads: {}", names.join(", "));
    let _ = writeln!(t, "\n## Settings\n\n| | |\n|---|---|");
    for (name, value) in facts.settings {
        let _ = writeln!(t, "| {} | {} |", escaped(name), escaped(value));
    }
    t
}
