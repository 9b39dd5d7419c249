//! Files, their descriptions, and which tags they have, have not, or may have.

use super::features;
use crate::learn::dataset::{Dataset, Group};

/// A tag to be learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The tag.
    pub name: String,
    /// The family of tags that exclude each other, of which it is one.
    pub family: Option<String>,
}

impl Label {
    /// A tag that excludes no other.
    pub fn alone(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            family: None,
        }
    }

    /// One of a family.
    pub fn of(name: &str, family: &str) -> Self {
        Self {
            name: name.to_owned(),
            family: Some(family.to_owned()),
        }
    }
}

/// Described files with their tags.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// The tags.
    pub labels: Vec<Label>,
    /// Descriptions; each file is a track of one row.
    pub data: Dataset,
    /// The group of each file, from 0: see [`super::sources`].
    pub groups: Vec<usize>,
    truth: Vec<Option<bool>>,
}

impl Examples {
    /// No files yet.
    pub fn new(labels: Vec<Label>) -> Self {
        Self {
            labels,
            data: Dataset {
                columns: features::names(),
                ..Dataset::default()
            },
            groups: Vec::new(),
            truth: Vec::new(),
        }
    }

    /// Adds a file: its name, its group, its description, and whether it has each label; `None` where nobody knows.
    pub fn push(&mut self, name: &str, group: usize, features: &[f32], truth: Vec<Option<bool>>) {
        let row = self.len();
        self.data.tracks.push(Group {
            track_id: name.to_owned(),
            rows: row..row + 1,
        });
        let width = self.data.columns.len();
        self.data
            .values
            .extend(features.iter().copied().chain(std::iter::repeat(f32::NAN)).take(width));
        self.data.weights.push(1.0);
        self.data.spans.push((0.0, 0.0));
        self.groups.push(group);
        let labels = self.labels.len();
        self.truth
            .extend(truth.into_iter().chain(std::iter::repeat(None)).take(labels));
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether a file has a label, where that is known.
    pub fn truth(&self, file: usize, label: usize) -> Option<bool> {
        self.truth[file * self.labels.len() + label]
    }

    /// Files with the label, and the groups that they and those without it are in.
    pub fn support(&self, label: usize) -> Support {
        let mut with = std::collections::BTreeSet::new();
        let mut without = std::collections::BTreeSet::new();
        let mut support = Support::default();
        for (file, &group) in self.groups.iter().enumerate() {
            match self.truth(file, label) {
                Some(true) => {
                    support.files += 1;
                    with.insert(group);
                }
                Some(false) => {
                    without.insert(group);
                }
                None => support.unknown += 1,
            }
        }
        support.groups = with.len();
        support.groups_without = without.len();
        support
    }

    /// The same files with only those labels that `keep` says.
    pub fn with_labels(&self, keep: &[usize]) -> Self {
        let truth = (0..self.len())
            .flat_map(|f| keep.iter().map(move |&l| self.truth(f, l)))
            .collect();
        Self {
            labels: keep.iter().map(|&l| self.labels[l].clone()).collect(),
            data: self.data.clone(),
            groups: self.groups.clone(),
            truth,
        }
    }
}

/// How much is known of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Support {
    /// Files that have it.
    pub files: usize,
    /// Groups in which some have it.
    pub groups: usize,
    /// Groups in which some have not.
    pub groups_without: usize,
    /// Files of which it is not known.
    pub unknown: usize,
}
