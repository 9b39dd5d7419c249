//! The card of a model (Mitchell et al. 2019, in brief): what it is, what it was learnt from, how well it does. No date: the
//! same run writes the same card.

use std::fmt::Write as _;

use crate::model::Calibration;
use crate::rank::metrics::Interval;

/// How a card of ours begins.
pub const MARK: &str = "<!-- loopwright model card -->";

/// What a card says.
#[derive(Debug, Clone)]
pub struct Card<'a> {
    /// What learnt: `mlp`, `rank`, `boost`.
    pub learner: &'a str,
    /// The model's file.
    pub model: &'a str,
    /// Settings of the run, by name.
    pub settings: &'a [(String, String)],
    /// What the learner says of the model.
    pub facts: &'a [(String, String)],
    /// Files that were learnt from: name and the start of their BLAKE3.
    pub data: Vec<(String, String)>,
    /// Rows, tracks and columns.
    pub size: (usize, usize, usize),
    /// Tracks that were learnt from, that stopped the learning, that judged.
    pub parts: (usize, usize, usize),
    /// Folds that judged; 0 where a part of the tracks did.
    pub folds: usize,
    /// Rounds or epochs until the best one.
    pub best_round: usize,
    /// Weight of `boundary_quiet_score`.
    pub alpha: Option<f64>,
    /// From scores to probabilities.
    pub calibration: Option<Calibration>,
    /// Columns that the model reads.
    pub columns: &'a [String],
}

/// How rankers do on tracks that the model has not seen.
#[derive(Debug, Clone)]
pub struct Scores<'a> {
    /// Number of tracks.
    pub tracks: usize,
    /// Name and measures of each; all have the same measures, or fewer.
    pub rankers: Vec<(&'a str, &'a [(String, Interval)])>,
    /// The model's NDCG@10 less the heuristic's.
    pub above_heuristic: Option<Interval>,
    /// The same less chance's.
    pub above_chance: Option<Interval>,
}

/// Text in a cell or a list: nothing that Markdown or HTML would read as its own.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn interval(i: &Interval) -> String {
    format!("{:.3} ({:.3} to {:.3})", i.mean, i.low, i.high)
}

impl Card<'_> {
    /// The card as Markdown.
    pub fn text(&self, scores: Option<&Scores<'_>>) -> String {
        let mut t = format!("{MARK}\n\n# {}\n\n", escaped(self.model));
        let what = match self.learner {
            "mlp" => "A network that tells a loop's weight from its features",
            "rank" => "A network that ranks the loops of a track",
            "boost" => "Gradient-boosted trees that rank the loops of a track",
            other => other,
        };
        let _ = writeln!(
            t,
            "{what}, trained by `loopwright train {}` {}. Use it with `--model {}`.\n",
            self.learner,
            env!("CARGO_PKG_VERSION"),
            self.model
        );
        let _ = writeln!(t, "## Scores\n");
        match scores {
            None => t += "Not judged: no tracks were kept for it.\n",
            Some(scores) => self.scores(&mut t, scores),
        }
        let (rows, tracks, columns) = self.size;
        let _ = writeln!(
            t,
            "\n## Data\n\n{rows} candidates of {tracks} tracks, {columns} columns, split by track.\n"
        );
        for (name, hash) in &self.data {
            let _ = writeln!(t, "- {} (BLAKE3 {hash}…)", escaped(name));
        }
        let (train, valid, _) = self.parts;
        let _ = writeln!(t, "- {train} tracks were learnt from, {valid} stopped the learning");
        let _ = writeln!(t, "\n## Model\n");
        let _ = writeln!(t, "- best round: {}", self.best_round);
        for (name, value) in self.facts {
            let _ = writeln!(t, "- {}: {}", escaped(name), escaped(value));
        }
        if let Some(alpha) = self.alpha {
            let _ = writeln!(
                t,
                "- alpha (weight of `boundary_quiet_score`, tuned on validation): {alpha}"
            );
        }
        if let Some(c) = self.calibration {
            let _ = writeln!(
                t,
                "- probability that a loop is good: 1/(1 + exp(−({:.4} · score + {:.4})))",
                c.slope, c.offset
            );
        }
        let names: Vec<String> = self.columns.iter().map(|c| escaped(c)).collect();
        let _ = writeln!(t, "- reads: {}", names.join(", "));
        let _ = writeln!(t, "\n## Settings\n\n| | |\n|---|---|");
        for (name, value) in self.settings {
            let _ = writeln!(t, "| {} | {} |", escaped(name), escaped(value));
        }
        t
    }

    fn scores(&self, t: &mut String, scores: &Scores<'_>) {
        let how = match self.folds {
            0 => "which took no part in the training".to_owned(),
            n => format!("each by a model that had not seen it ({n} folds)"),
        };
        let _ = writeln!(
            t,
            "Means over {} tracks, {how}, with 95 % bootstrap intervals over tracks.\n",
            scores.tracks
        );
        let measures: Vec<&String> = scores
            .rankers
            .iter()
            .take(1)
            .flat_map(|r| r.1.iter().map(|m| &m.0))
            .collect();
        let _ = write!(t, "| |");
        measures.iter().for_each(|m| {
            let _ = write!(t, " {m} |");
        });
        let _ = writeln!(t, "\n|---|{}", "---|".repeat(measures.len()));
        for (name, own) in &scores.rankers {
            let _ = write!(t, "| {name} |");
            for measure in &measures {
                let value = own.iter().find(|m| m.0 == **measure);
                let _ = write!(t, " {} |", value.map_or_else(String::new, |m| interval(&m.1)));
            }
            let _ = writeln!(t);
        }
        for (i, over) in [
            (scores.above_heuristic, "the heuristic"),
            (scores.above_chance, "chance"),
        ] {
            if let Some(i) = i {
                let verdict = if i.low > 0.0 {
                    "better"
                } else if i.high < 0.0 {
                    "worse"
                } else {
                    "no difference beyond the uncertainty"
                };
                let _ = writeln!(
                    t,
                    "\nNDCG@10 against {over}, track by track: {}: {verdict}.",
                    interval(&i)
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_tells_and_its_text_stays_text() {
        let settings = [("loss".to_owned(), "listnet".to_owned())];
        let facts = [("epochs run".to_owned(), "9".to_owned())];
        let columns = ["rms_mean".to_owned(), "<b>|x|".to_owned()];
        let card = Card {
            learner: "rank",
            model: "ranker.onnx",
            settings: &settings,
            facts: &facts,
            data: vec![("[a](http://x).csv".into(), "0123".into())],
            size: (100, 10, 2),
            parts: (7, 1, 2),
            folds: 0,
            best_round: 4,
            alpha: Some(0.2),
            calibration: Some(Calibration {
                slope: 1.0,
                offset: -2.0,
            }),
            columns: &columns,
        };
        let at = |mean: f64| Interval {
            mean,
            low: mean - 0.1,
            high: mean + 0.1,
            tracks: 2,
        };
        let (own, chance) = ([("ndcg@10".to_owned(), at(0.8))], [("ndcg@10".to_owned(), at(0.3))]);
        let scores = Scores {
            tracks: 2,
            rankers: vec![("model", &own[..]), ("chance", &chance[..])],
            above_heuristic: Some(at(0.05)),
            above_chance: Some(at(0.5)),
        };
        let text = card.text(Some(&scores));
        assert!(text.starts_with(MARK));
        for said in [
            "| model | 0.800 (0.700 to 0.900) |",
            "| chance | 0.300",
            "against the heuristic, track by track: 0.050 (-0.050 to 0.150): no difference",
            "against chance, track by track: 0.500 (0.400 to 0.600): better",
            "\\[a\\](http://x).csv (BLAKE3 0123…)",
            "rms\\_mean, &lt;b&gt;\\|x\\|",
            "| loss | listnet |",
            "alpha (weight of `boundary_quiet_score`, tuned on validation): 0.2",
        ] {
            assert!(text.contains(said), "{said} is not in:\n{text}");
        }
        assert!(card.text(None).contains("Not judged"));
    }
}
