//! A part of the sources, so that many machines can share the work: each takes its own, and [`super::merge`] puts their
//! trees together.
//!
//! Which part a source belongs to depends on its name alone. So machines agree without speaking to each other, even where
//! files are added while they run; parts are of about equal size where there are many sources.

use std::fmt;
use std::str::FromStr;

/// One part of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

/// Why a text names no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no part: say 3/16 for the third of sixteen parts")]
pub struct ShardError(String);

impl Shard {
    /// The part `index` (from 1) of `of`; `None` where there is no such part.
    pub fn new(index: u32, of: u32) -> Option<Self> {
        (1..=of).contains(&index).then_some(Self { index, of })
    }

    /// True where the source called `name` belongs to this part.
    pub fn holds(&self, name: &str) -> bool {
        let hash = blake3::hash(name.as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(first) % u64::from(self.of) == u64::from(self.index - 1)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let parts = text.split_once('/').and_then(|(index, of)| {
            let number = |t: &str| t.parse().ok().filter(|_| t.bytes().all(|b| b.is_ascii_digit()));
            Self::new(number(index)?, number(of)?)
        });
        parts.ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_belongs_to_one_part() {
        let mut sizes = [0; 7];
        for n in 0..7000 {
            let name = format!("folder/track {n}.flac");
            let parts: Vec<usize> = (1..=7)
                .filter(|&i| Shard::new(i, 7).unwrap().holds(&name))
                .map(|i| i as usize - 1)
                .collect();
            assert_eq!(parts.len(), 1, "{name}");
            sizes[parts[0]] += 1;
        }
        assert!(sizes.iter().all(|s| (850..1150).contains(s)), "{sizes:?}");
    }

    #[test]
    fn what_names_no_part_is_refused() {
        for text in [
            "",
            "3",
            "0/4",
            "5/4",
            "+1/4",
            "1/+4",
            "-1/4",
            "1/0",
            "a/b",
            "1/2/3",
            "1 /2",
            "1/99999999999",
        ] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("4/4".parse::<Shard>().unwrap().to_string(), "4/4");
        assert_eq!("1/1".parse::<Shard>().unwrap(), Shard::new(1, 1).unwrap());
    }
}
