//! From scores of files that a model did not see: probabilities, and the thresholds above which a tag is given.

use super::logistic;

/// Lowest and highest threshold, and the step between them.
pub const LOW: f64 = 0.10;
/// Highest threshold.
pub const HIGH: f64 = 0.85;
/// From threshold to threshold.
pub const STEP: f64 = 0.02;
/// A tag of fewer files than this gets no threshold below [`RARE_FLOOR`].
pub const RARE: usize = 6;
/// See [`RARE`].
pub const RARE_FLOOR: f64 = 0.24;

/// Log odds from a score: `slope·score + offset` (Platt 1999).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Platt {
    /// From 0.
    pub slope: f64,
    /// Log odds at a score of 0.
    pub offset: f64,
}

impl Platt {
    /// Scores are log odds as they are.
    pub const NONE: Self = Self {
        slope: 1.0,
        offset: 0.0,
    };

    /// From scores with what was true, with Platt's softened targets; [`Platt::NONE`] where a class has fewer files than
    /// [`RARE`], which say too little. Where higher scores do not mean a likelier tag, the share of files that have it.
    pub fn fit(scores: &[(f64, bool)]) -> Self {
        let with = scores.iter().filter(|s| s.1).count();
        let without = scores.len() - with;
        if with.min(without) < RARE {
            return Self::NONE;
        }
        let (high, low) = ((with as f64 + 1.0) / (with as f64 + 2.0), 1.0 / (without as f64 + 2.0));
        let targets: Vec<f64> = scores.iter().map(|s| if s.1 { high } else { low }).collect();
        let x: Vec<f32> = scores.iter().map(|s| s.0 as f32).collect();
        let (slope, offset) = logistic::fit(&x, 1, &targets, 1e-3);
        match slope.first() {
            Some(&slope) if slope > 0.0 => Self { slope, offset },
            _ => {
                let share = targets.iter().sum::<f64>() / targets.len() as f64;
                Self {
                    slope: 0.0,
                    offset: (share / (1.0 - share)).ln(),
                }
            }
        }
    }

    /// The probability.
    pub fn probability(self, score: f64) -> f64 {
        logistic::logistic(self.slope * score + self.offset)
    }
}

/// The threshold with the best F1 on probabilities with what was true: of [`LOW`], `LOW` + [`STEP`], … to [`HIGH`]; of equals
/// the one nearest to a half. Without a file that has the tag, a half.
pub fn threshold(probabilities: &[(f64, bool)]) -> f64 {
    let with = probabilities.iter().filter(|p| p.1).count();
    if with == 0 {
        return 0.5;
    }
    let steps = ((HIGH - LOW) / STEP + 1e-9).floor() as usize;
    let at = |k: usize| (LOW + STEP * k as f64 + 1e-12).mul_add(1e6, 0.0).round() / 1e6;
    let f1 = |t: f64| {
        let given = probabilities.iter().filter(|p| p.0 >= t).count();
        let right = probabilities.iter().filter(|p| p.0 >= t && p.1).count();
        2.0 * right as f64 / (given + with) as f64
    };
    let better = |a: f64, b: f64| {
        let order = f1(a).total_cmp(&f1(b));
        order.then((b - 0.5).abs().total_cmp(&(a - 0.5).abs())).is_gt()
    };
    let best = (0..=steps)
        .map(at)
        .reduce(|best, t| if better(t, best) { t } else { best });
    let best = best.unwrap_or(0.5);
    if with < RARE { best.max(RARE_FLOOR) } else { best }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_on_the_grid_and_best() {
        let of = |pairs: &[(f64, bool)]| threshold(pairs);
        let mut clear: Vec<(f64, bool)> = (0..20).map(|i| (0.9 - 0.01 * f64::from(i), true)).collect();
        clear.extend((0..20).map(|i| (0.01 * f64::from(i), false)));
        // Anything from 0.20 to 0.70 is perfect; 0.5 is nearest to a half.
        assert!((of(&clear) - 0.5).abs() < 1e-9);
        let low: Vec<(f64, bool)> = clear.iter().map(|(p, y)| (p * 0.2, *y)).collect();
        let t = of(&low);
        assert!((0.10..0.16).contains(&t), "{t}");
        // The same with few files: not below the floor.
        let few: Vec<(f64, bool)> = low[..3].iter().chain(&low[20..]).copied().collect();
        assert_eq!(of(&few), RARE_FLOOR);
        assert_eq!(of(&[(0.3, false)]), 0.5);
        assert_eq!(of(&[]), 0.5);
        let grid = (of(&low) - LOW) / STEP;
        assert!((grid - grid.round()).abs() < 1e-6);
        let high: Vec<(f64, bool)> = (0..40).map(|i| (0.9 + 0.001 * f64::from(i), i % 2 == 0)).collect();
        assert!(of(&high) <= HIGH);
    }

    #[test]
    fn scores_that_say_too_much_are_toned_down() {
        // Log odds of ±4, true 80 % of the time.
        let scores: Vec<(f64, bool)> = (0..200)
            .map(|i| (if i % 2 == 0 { 4.0 } else { -4.0 }, (i % 2 == 0) == (i % 10 < 8)))
            .collect();
        let platt = Platt::fit(&scores);
        assert!((platt.probability(4.0) - 0.8).abs() < 0.02, "{platt:?}");
        assert!((platt.probability(-4.0) - 0.2).abs() < 0.02);
        let turned: Vec<(f64, bool)> = scores.iter().map(|(s, y)| (-s, *y)).collect();
        assert_eq!(Platt::fit(&turned).slope, 0.0);
        assert_eq!(Platt::fit(&scores[..8]), Platt::NONE);
    }
}
