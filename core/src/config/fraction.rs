//! Ratios of small whole numbers, as musicians say them: 3/2, 1/2, 2.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A ratio of whole numbers in lowest terms, the denominator above 0.
///
/// Settings and flags write it `3/2`, `2` or `-1/3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: i32,
    denominator: u32,
}

impl Fraction {
    /// One.
    pub const ONE: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// `numerator` / `denominator` in lowest terms; `None` for a denominator of 0.
    pub fn new(numerator: i32, denominator: u32) -> Option<Self> {
        let common = common_divisor(numerator.unsigned_abs(), denominator);
        let divisor = i32::try_from(common).ok().filter(|_| denominator > 0)?;
        Some(Self {
            numerator: numerator / divisor,
            denominator: denominator / common,
        })
    }

    /// What stands above the line.
    pub fn numerator(self) -> i32 {
        self.numerator
    }

    /// What stands below the line; above 0.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// Its value.
    pub fn value(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

fn common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            d => write!(f, "{}/{d}", self.numerator),
        }
    }
}

/// Text that is no fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a fraction of whole numbers, such as 3/2, 1/2 or 2")]
pub struct NotAFraction;

impl FromStr for Fraction {
    type Err = NotAFraction;

    fn from_str(text: &str) -> Result<Self, NotAFraction> {
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        let numerator = above.trim().parse().map_err(|_| NotAFraction)?;
        let denominator = below.trim().parse().map_err(|_| NotAFraction)?;
        Self::new(numerator, denominator).ok_or(NotAFraction)
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Fraction;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a fraction of whole numbers, such as \"3/2\", \"1/2\" or 2")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Fraction, E> {
                text.parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Fraction, E> {
                let whole = i32::try_from(n).ok().and_then(|n| Fraction::new(n, 1));
                whole.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(n), &self))
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Fraction, E> {
                let whole = i32::try_from(n).ok().and_then(|n| Fraction::new(n, 1));
                whole.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(n), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_read_reduced_and_written() {
        for (text, written) in [
            ("3/2", "3/2"),
            ("6/4", "3/2"),
            ("2", "2"),
            (" 4 / 2", "2"),
            ("-1/3", "-1/3"),
        ] {
            assert_eq!(text.parse::<Fraction>().unwrap().to_string(), written);
        }
        for wrong in ["", "x", "1/0", "1/-2", "0.5", "1/2/3", "99999999999"] {
            assert_eq!(wrong.parse::<Fraction>(), Err(NotAFraction), "{wrong}");
        }
        assert_eq!(Fraction::new(2, 6).unwrap().value(), 1.0 / 3.0);
        assert_eq!(Fraction::new(0, 5).unwrap().to_string(), "0");
    }

    #[test]
    fn settings_say_them_as_text_or_as_a_whole_number() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct S {
            x: Fraction,
        }
        let of = |n, d| S {
            x: Fraction::new(n, d).unwrap(),
        };
        assert_eq!(toml::from_str::<S>("x = \"3/2\"").unwrap(), of(3, 2));
        assert_eq!(toml::from_str::<S>("x = 2").unwrap(), of(2, 1));
        assert_eq!(toml::to_string(&of(1, 2)).unwrap(), "x = \"1/2\"\n");
        assert!(
            toml::from_str::<S>("x = \"half\"")
                .unwrap_err()
                .to_string()
                .contains("3/2")
        );
    }
}
