//! Settings of quiet loops and their slices.

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Loops with quiet drums or none, and how they are sliced. How many and in which order is for `[rank]` to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quiet {
    /// Lengths in bars.
    pub bars: Vec<u32>,
    /// Most that the percussive part may have of the loop's level (RMS by RMS).
    ///
    /// In songs made by the project's own synthesiser, nine in ten of the spans without drums lie below 0.3 (their notes
    /// have attacks too), 98 in 100 of those with drums above it or over the next limit.
    pub max_perc_to_total_rms: f64,
    /// Most that `boundary_quiet_score` may be. It is of the order of a dB: 0.8 to 1.8 without drums, 1.5 to 3 with them.
    pub max_boundary_quiet_score: f64,
    /// Most that the percussive part may have where the whole loop lies in a passage that was found drumless: there
    /// it is plucks and picks.
    pub max_perc_drumless: f64,
    /// Into how many slices each loop is cut, once for each number. Numbers above 16 are for long loops: they are left out
    /// where they are more than twice the loop's bars.
    pub slices: Vec<u32>,
    /// Farthest that an edge moves to an onset, in milliseconds.
    pub slice_reach_ms: f64,
    /// Shortest slice in milliseconds.
    pub min_slice_ms: f64,
    /// Fade at the end of each slice file in milliseconds. 0 leaves the samples alone, so that slices put end to end are the
    /// loop.
    pub declick_ms: f64,
}

impl Default for Quiet {
    fn default() -> Self {
        Self {
            bars: vec![2, 4, 8, 16],
            max_perc_to_total_rms: 0.3,
            max_boundary_quiet_score: 1.8,
            max_perc_drumless: 0.4,
            slices: vec![8, 16, 32],
            slice_reach_ms: 120.0,
            min_slice_ms: 30.0,
            declick_ms: 0.0,
        }
    }
}

impl Quiet {
    /// Into how many slices a loop of `bars` bars is cut, smallest number first.
    pub fn counts(&self, bars: u32) -> Vec<u32> {
        let mut counts: Vec<u32> = self
            .slices
            .iter()
            .copied()
            .filter(|n| *n > 0 && (*n <= 16 || *n <= bars.saturating_mul(2)))
            .collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// Checks ranges.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let error = |key, problem: String| {
            Err(ConfigError {
                section: "quiet",
                key,
                problem,
            })
        };
        if self.bars.is_empty() || !self.bars.iter().all(|b| (1..=256).contains(b)) {
            return error("bars", "must hold lengths from 1 to 256, one at least".into());
        }
        if !self.slices.iter().all(|n| (2..=64).contains(n)) {
            return error("slices", "must hold numbers from 2 to 64".into());
        }
        for (key, x, lo, hi) in [
            ("max_perc_to_total_rms", self.max_perc_to_total_rms, 0.0, 2.0),
            ("max_boundary_quiet_score", self.max_boundary_quiet_score, 0.0, 1000.0),
            ("max_perc_drumless", self.max_perc_drumless, 0.0, 2.0),
            ("slice_reach_ms", self.slice_reach_ms, 0.0, 1000.0),
            ("min_slice_ms", self.min_slice_ms, 0.0, 1000.0),
            ("declick_ms", self.declick_ms, 0.0, 2.0),
        ] {
            if !(lo..=hi).contains(&x) {
                return error(key, format!("is {x}, must be from {lo} to {hi}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn thirty_two_slices_are_for_sixteen_bars() {
        let quiet = Quiet::default();
        assert_eq!(quiet.counts(2), [8, 16]);
        assert_eq!(quiet.counts(8), [8, 16]);
        assert_eq!(quiet.counts(16), [8, 16, 32]);
        let own = Quiet {
            slices: vec![24, 4, 4],
            ..quiet
        };
        assert_eq!(own.counts(12), [4, 24]);
    }

    #[test]
    fn values_out_of_range_are_named() {
        for text in [
            "bars = []",
            "slices = [1]",
            "declick_ms = 5",
            "slice_reach_ms = nan",
            "min_slice_ms = -1",
        ] {
            let error = toml::from_str::<Config>(&format!("[quiet]\n{text}"))
                .unwrap()
                .validate()
                .unwrap_err();
            assert_eq!((error.section, error.key), ("quiet", text.split(' ').next().unwrap()));
        }
        assert_eq!(Config::default().validate(), Ok(()));
    }
}
