//! Classes by a handful of rules, for builds without a network.

use super::features;
use crate::drums::class::{Class, Drum};

/// What the class that the rules name is given; the others share the rest.
const SURE: f32 = 0.6;

/// Probabilities by rules for a row of all features.
pub(super) fn probabilities(row: &[f32]) -> Vec<(Class, f32)> {
    let names = features::names();
    let value = |name: &str| {
        let at = names.iter().position(|n| n == name);
        at.and_then(|i| row.get(i)).copied().unwrap_or(0.0)
    };
    // Half of the energy of 30 to 120 ms lies below this; and how long the sound takes to fall by 20 dB.
    let middle = 55.0 * value("shape_9").exp2();
    let fall_ms = value("fall_2").exp2() - 1.0;
    let drum = match middle {
        ..115.0 => Drum::Kick,
        ..400.0 if value("tone_2") > 13.0 => Drum::Tom,
        ..4000.0 if value("bumps_0") >= 2.0 => Drum::Clap,
        ..4000.0 if value("shape_12") > -16.0 => Drum::Snare,
        ..4000.0 => Drum::Perc,
        // The head of a snare sounds below its wires.
        _ if value("band_level_1") > -20.0 => Drum::Snare,
        _ if fall_ms < 120.0 => Drum::HatClosed,
        _ if fall_ms < 500.0 => Drum::HatOpen,
        _ => Drum::Crash,
    };
    let rest = (1.0 - SURE) / (Drum::ALL.len() - 1) as f32;
    let share = |d: Drum| if d == drum { SURE } else { rest };
    Drum::ALL.into_iter().map(|d| (Class::Drum(d), share(d))).collect()
}
