//! How well tags are told, label by label and over all, beside always giving the most common.

use serde::Serialize;

use super::examples::Examples;

/// How one tag is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelScores {
    /// The tag.
    pub label: String,
    /// Files that have it.
    pub support: usize,
    /// Files of which it is known.
    pub files: usize,
    /// Of the files that were given it, the share that have it; 0 where it was given to none.
    pub precision: f64,
    /// Of the files that have it, the share that were given it.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// F1 of the baseline.
    pub baseline_f1: f64,
    /// Mean squared error of the probability (Brier 1950).
    pub brier: f64,
    /// That of the share of files that have it, told of every file.
    pub baseline_brier: f64,
}

/// How all tags are told. The baseline gives every file the most common tag of each family, and each other tag if most files
/// have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scores {
    /// Files that were judged.
    pub files: usize,
    /// Mean of the labels' F1.
    pub macro_f1: f64,
    /// F1 over all pairs of file and label.
    pub micro_f1: f64,
    /// Of the baseline.
    pub baseline_macro_f1: f64,
    /// Of the baseline.
    pub baseline_micro_f1: f64,
    /// Each label.
    pub labels: Vec<LabelScores>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    both: usize,
    given: usize,
    has: usize,
}

impl Counts {
    fn add(&mut self, given: bool, has: bool) {
        self.both += usize::from(given && has);
        self.given += usize::from(given);
        self.has += usize::from(has);
    }

    fn plus(self, other: Self) -> Self {
        Self {
            both: self.both + other.both,
            given: self.given + other.given,
            has: self.has + other.has,
        }
    }

    fn f1(self) -> f64 {
        share(2 * self.both, self.given + self.has)
    }
}

fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

impl Scores {
    /// Judges `given` (whether each file was given each label) and `probabilities`, both file by file.
    pub fn of(examples: &Examples, given: &[bool], probabilities: &[f64]) -> Self {
        let n = examples.labels.len();
        let most = most_common(examples);
        let (mut all, mut all_baseline) = (Counts::default(), Counts::default());
        let mut labels = Vec::new();
        for (l, label) in examples.labels.iter().enumerate() {
            let (mut own, mut baseline) = (Counts::default(), Counts::default());
            let known = || (0..examples.len()).filter_map(|f| Some((f, examples.truth(f, l)?)));
            for (file, has) in known() {
                own.add(given[file * n + l], has);
                baseline.add(most[l], has);
            }
            let files = known().count();
            let prior = share(own.has, files);
            let squared = |p: f64, has: bool| (p - f64::from(u8::from(has))).powi(2);
            let brier: f64 = known().map(|(f, has)| squared(probabilities[f * n + l], has)).sum();
            labels.push(LabelScores {
                label: label.name.clone(),
                support: own.has,
                files,
                precision: share(own.both, own.given),
                recall: share(own.both, own.has),
                f1: own.f1(),
                baseline_f1: baseline.f1(),
                brier: brier / files.max(1) as f64,
                baseline_brier: prior * (1.0 - prior),
            });
            all = all.plus(own);
            all_baseline = all_baseline.plus(baseline);
        }
        let mean = |f: fn(&LabelScores) -> f64| labels.iter().map(f).sum::<f64>() / labels.len().max(1) as f64;
        Self {
            files: examples.len(),
            macro_f1: mean(|l| l.f1),
            micro_f1: all.f1(),
            baseline_macro_f1: mean(|l| l.baseline_f1),
            baseline_micro_f1: all_baseline.f1(),
            labels,
        }
    }
}

/// The labels that the baseline gives.
fn most_common(examples: &Examples) -> Vec<bool> {
    let support: Vec<usize> = (0..examples.labels.len()).map(|l| examples.support(l).files).collect();
    let known = |l: usize| examples.len() - examples.support(l).unknown;
    let labels = examples.labels.iter().enumerate();
    labels
        .map(|(l, label)| match &label.family {
            None => 2 * support[l] > known(l),
            Some(family) => {
                let rivals = examples
                    .labels
                    .iter()
                    .enumerate()
                    .filter(|(_, o)| o.family.as_ref() == Some(family));
                let best = rivals.max_by_key(|(i, _)| (support[*i], std::cmp::Reverse(*i)));
                best.is_some_and(|(i, _)| i == l)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::multilabel::examples::Label;

    #[test]
    fn figures_are_their_definitions() {
        let labels = vec![Label::of("a", "x"), Label::of("b", "x"), Label::alone("c")];
        let mut examples = Examples::new(labels);
        for (i, truth) in [
            [Some(true), Some(false), Some(true)],
            [Some(true), Some(false), Some(false)],
            [Some(false), Some(true), Some(false)],
            [Some(true), Some(false), None],
        ]
        .into_iter()
        .enumerate()
        {
            examples.push("f", i, &[0.0], truth.to_vec());
        }
        let given = [
            true, false, true, //
            false, true, true, //
            false, true, false, //
            true, false, true,
        ];
        let scores = Scores::of(&examples, &given, &given.map(|g| f64::from(u8::from(g))));
        let [a, b, c] = &scores.labels[..] else { panic!() };
        assert_eq!(
            (a.support, a.files, a.precision, a.recall, a.f1),
            (3, 4, 1.0, 2.0 / 3.0, 0.8)
        );
        assert_eq!((b.precision, b.recall), (0.5, 1.0));
        // The file of which c is not known does not count.
        assert_eq!((c.files, c.precision, c.recall), (3, 0.5, 1.0));
        assert_eq!((a.brier, a.baseline_brier), (0.25, 0.1875));
        // Always a, never b, never c.
        assert_eq!((a.baseline_f1, b.baseline_f1, c.baseline_f1), (6.0 / 7.0, 0.0, 0.0));
        // Right: 2 + 1 + 1; given: 2 + 2 + 2; there: 3 + 1 + 1.
        assert_eq!(scores.micro_f1, 8.0 / 11.0);
        assert_eq!(scores.baseline_micro_f1, 6.0 / 9.0);
    }
}
