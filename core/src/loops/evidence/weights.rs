//! Weights of the traits, written by `training/regions/fit.py`.

use super::Trait;

/// The traits, in order.
pub const TRAITS: [Trait; 22] = [
    weigh("high_rise", -0.9980, 0.5990, -0.934, 1.260),
    weigh("high_hits", -0.4228, 0.7198, -0.718, 0.000),
    weigh("low_hits", -0.2375, 0.6729, 0.000, -0.866),
    weigh("cover_99", 0.7642, 0.2711, -0.504, 0.000),
    weigh("cover_97", 0.6713, 0.2887, -0.193, 0.000),
    weigh("cover_90", 0.3825, 0.2561, -0.166, -0.866),
    weigh("jagged_hits", 5.1117, 2.2270, 1.517, 0.591),
    weigh("jagged", 5.3264, 2.7138, -0.832, 0.000),
    weigh("high_flat", -3.5038, 3.1726, -0.774, 0.000),
    weigh("low_percussive", -4.7193, 2.8584, -0.356, 0.000),
    weigh("high_percussive", -2.3704, 1.6710, 0.491, 0.000),
    weigh("hats", -22.1181, 10.7188, 0.275, 0.000),
    weigh("top_share", -28.2742, 14.3870, -0.753, 0.000),
    weigh("peak", 5.1474, 2.3407, -0.364, 0.000),
    weigh("level", -3.2163, 4.6737, -0.593, 0.000),
    weigh("tonal", -13.1436, 10.9386, 0.780, 1.517),
    weigh("low_steady", -25.7469, 18.0435, 0.000, 0.351),
    weigh("steady", -11.6212, 8.9099, 0.000, 1.034),
    weigh("tonal_usual", -3.6115, 9.2261, 0.000, 0.081),
    weigh("low_steady_usual", -6.9906, 16.7922, 0.000, 0.768),
    weigh("low_share", -4.8461, 7.0981, 0.000, 0.827),
    weigh("high_floor", -6.5285, 6.6550, 0.000, -0.277),
];

/// Log odds of a bar of usual traits that it has no drums.
pub(super) const DRUMLESS_BIAS: f32 = -0.845;
/// Log odds of a bar of usual traits that something pitched sounds.
pub(super) const PITCHED_BIAS: f32 = 1.363;

const fn weigh(name: &'static str, mean: f32, scale: f32, drumless: f32, pitched: f32) -> Trait {
    Trait {
        name,
        mean,
        scale,
        drumless,
        pitched,
    }
}
