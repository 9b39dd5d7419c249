//! Weights of the traits, written by `training/regions/fit.py`.

use super::Trait;

/// The traits, in order.
pub const TRAITS: [Trait; 22] = [
    weigh("high_rise", -1.0435, 0.5929, -0.931, 1.080),
    weigh("high_hits", -0.4371, 0.7194, -0.575, 0.000),
    weigh("low_hits", -0.2292, 0.6685, 0.000, -0.793),
    weigh("cover_99", 0.7466, 0.2731, -0.575, 0.000),
    weigh("cover_97", 0.6477, 0.2899, -0.115, 0.000),
    weigh("cover_90", 0.3673, 0.2504, -0.145, -0.673),
    weigh("jagged_hits", 5.2016, 2.3215, 1.331, 0.689),
    weigh("jagged", 5.3662, 2.8406, -0.563, 0.000),
    weigh("high_flat", -3.6337, 3.2159, -0.692, 0.000),
    weigh("low_percussive", -5.0753, 3.2141, -0.426, 0.000),
    weigh("high_percussive", -2.4595, 1.6548, 0.396, 0.000),
    weigh("hats", -22.7305, 11.0048, 0.602, 0.000),
    weigh("top_share", -29.2217, 14.8936, -1.215, 0.000),
    weigh("peak", 4.9681, 2.3318, 0.000, 0.000),
    weigh("level", -3.3982, 4.9258, -0.472, 0.000),
    weigh("tonal", -12.9699, 10.8187, 0.625, 1.727),
    weigh("low_steady", -25.8832, 18.2315, 0.000, 0.475),
    weigh("steady", -11.4080, 8.9270, 0.000, 1.002),
    weigh("tonal_usual", -3.9873, 9.9075, 0.000, 0.030),
    weigh("low_steady_usual", -6.6438, 17.0801, 0.000, 0.719),
    weigh("low_share", -4.9030, 6.7666, 0.000, 0.755),
    weigh("high_floor", -6.5144, 7.0072, 0.000, -0.447),
];

/// Log odds of a bar of usual traits that it has no drums.
pub(super) const DRUMLESS_BIAS: f32 = -0.452;
/// Log odds of a bar of usual traits that something pitched sounds.
pub(super) const PITCHED_BIAS: f32 = 1.267;

const fn weigh(name: &'static str, mean: f32, scale: f32, drumless: f32, pitched: f32) -> Trait {
    Trait {
        name,
        mean,
        scale,
        drumless,
        pitched,
    }
}
