//! What is measured of a one-shot: one ordered registry of features.
//!
//! [`registry`] is the only place that lists them. Models name the columns they want and are bound by name, so that a
//! model trained on other columns, or in another order, says so instead of guessing. A name never changes its meaning.
//! Every value is finite for every input, and none depends on the level of the sound or on silence before it.

mod envelope;
mod spectral;
mod timbre;

use super::sound::Sound;

/// One feature: one or more columns.
pub struct Feature {
    /// Stable, in snake case. A feature of several columns numbers them: `name_0`, `name_1`, …
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Number of columns.
    pub width: usize,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Writes `width` values.
    pub compute: fn(&Sound, &mut [f32]),
}

impl std::fmt::Debug for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feature")
            .field("name", &self.name)
            .field("width", &self.width)
            .finish()
    }
}

/// Groups of features, in the order of columns.
static GROUPS: &[&[Feature]] = &[timbre::FEATURES, spectral::FEATURES, envelope::FEATURES];

/// All features, in the order of columns.
pub fn registry() -> impl Iterator<Item = &'static Feature> {
    GROUPS.iter().copied().flatten()
}

/// Names of all columns, in order.
pub fn names() -> Vec<String> {
    let columns = |f: &'static Feature| {
        (0..f.width).map(move |i| match f.width {
            1 => f.name.to_owned(),
            _ => format!("{}_{i}", f.name),
        })
    };
    registry().flat_map(columns).collect()
}

/// All columns of a sound, in the order of [`names`].
pub fn measure(sound: &Sound) -> Vec<f32> {
    let mut row = Vec::new();
    for feature in registry() {
        let start = row.len();
        row.resize(start + feature.width, 0.0);
        (feature.compute)(sound, &mut row[start..]);
    }
    row.iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = 0.0);
    row
}
