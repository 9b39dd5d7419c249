//! What a margin means: from margins to predictions, and from a file's base score to a margin.

/// What margins mean, and what becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// Margins as they are: `reg:squarederror`, `rank:*` and the like.
    Identity,
    /// 1/(1 + e^-margin): `binary:logistic`, `reg:logistic`.
    Logistic,
    /// e^margin: `count:poisson`, `reg:gamma`, `reg:tweedie`.
    Exponential,
    /// Softmax over the classes: `multi:softprob`.
    Softmax,
    /// The class of the greatest margin: `multi:softmax`.
    Argmax,
    /// 1 where the margin is over 0, else 0: `binary:hinge`.
    Hinge,
}

impl Objective {
    /// The kind of the objective that XGBoost knows under this name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "reg:squarederror"
            | "reg:linear"
            | "reg:squaredlogerror"
            | "reg:pseudohubererror"
            | "reg:absoluteerror"
            | "reg:quantileerror"
            | "rank:pairwise"
            | "rank:ndcg"
            | "rank:map"
            | "binary:logitraw" => Self::Identity,
            "binary:logistic" | "reg:logistic" => Self::Logistic,
            "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => Self::Exponential,
            "multi:softprob" => Self::Softmax,
            "multi:softmax" => Self::Argmax,
            "binary:hinge" => Self::Hinge,
            _ => return None,
        })
    }

    /// Numbers that a row's prediction has, given so many margins.
    pub fn width(self, outputs: usize) -> usize {
        match self {
            Self::Argmax => 1,
            _ => outputs,
        }
    }

    /// Makes predictions of one row's margins, in place; [`Objective::Argmax`] leaves its class in the first.
    ///
    /// Exponentials are the platform's `expf`, as in XGBoost: bit-equal to it where both use one mathematical library.
    pub fn predict(self, margins: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Logistic => margins.iter_mut().for_each(|m| *m = logistic(*m)),
            Self::Exponential => margins.iter_mut().for_each(|m| *m = m.exp()),
            Self::Hinge => margins.iter_mut().for_each(|m| *m = f32::from(u8::from(*m > 0.0))),
            Self::Softmax => softmax(margins),
            Self::Argmax => {
                let mut best = 0;
                for (i, m) in margins.iter().enumerate() {
                    if *m > margins[best] {
                        best = i;
                    }
                }
                if let Some(first) = margins.first_mut() {
                    *first = best as f32;
                }
            }
        }
    }

    /// The margin at which a model of this base score begins; files hold base scores in the space of predictions.
    pub fn base_margin(name: &str, base_score: f32) -> f32 {
        match Link::of(name) {
            Link::Identity => base_score,
            Link::Logit => -(1.0 / base_score - 1.0).ln(),
            Link::Log => base_score.ln(),
        }
    }

    /// The base score that stands for this margin in a file: the one whose margin is nearest, which is the same in all
    /// bits but for logistic objectives at some margins within ±1 (other than 0).
    pub fn base_score(name: &str, margin: f32) -> f32 {
        let guess = match Link::of(name) {
            Link::Identity => return margin,
            Link::Logit => logistic(margin),
            Link::Log => margin.exp(),
        };
        // A few units in the last place about the guess.
        let near = (-8i32..=8).map(|d| f32::from_bits(guess.to_bits().saturating_add_signed(d)));
        let off = |b: &f32| (Self::base_margin(name, *b) - margin).abs();
        near.filter(|b| off(b).is_finite())
            .min_by(|a, b| off(a).total_cmp(&off(b)))
            .unwrap_or(guess)
    }
}

/// From base scores to margins.
enum Link {
    Identity,
    Logit,
    Log,
}

impl Link {
    fn of(name: &str) -> Self {
        match Objective::of(name) {
            Some(Objective::Logistic) => Self::Logit,
            Some(Objective::Exponential) => Self::Log,
            _ => Self::Identity,
        }
    }
}

/// The logistic function in single precision; the exponent is bounded so that e^-margin stays finite.
fn logistic(margin: f32) -> f32 {
    1.0 / ((-margin).min(88.7).exp() + 1.0)
}

/// Softmax with the greatest margin taken off; terms in single precision, their sum in double.
fn softmax(margins: &mut [f32]) {
    let best = margins.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0f64;
    for m in margins.iter_mut() {
        *m = (*m - best).exp();
        sum += f64::from(*m);
    }
    let sum = sum as f32;
    margins.iter_mut().for_each(|m| *m /= sum);
}
