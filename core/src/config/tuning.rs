//! Every constant of the loop finder, in one table.
//!
//! The values are round on purpose: each stands on a plateau (the results move little when it is changed by 30 %), and
//! none is fitted to particular songs. They are settings like any other (`[tuning]` in `loopwright.toml`), for those
//! who work on material far from what the defaults expect: [`Tuning::phrase_prior`] at 0 for music without
//! eight-bar phrases, [`Tuning::unit_threshold`] higher for played music, the `spread_*` weights for more or less
//! variety.

use serde::{Deserialize, Serialize};

/// The constants of sections, repeat units, fills, scores, order and regions.
///
/// "Bar distance" is what [`crate::loops::distance`] measures between two bars; "normalised" distances run from 0 (as
/// alike as repeats in this track are) to 1 (different), see [`crate::loops::repetition`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Seconds by which content windows begin before their grid time, so that an attack that comes early, or a grid
    /// that is late, does not fall into the slot before.
    pub slot_lead: f64,
    /// Seconds by which they end before the next one begins, so that a late grid does not let the next section's first
    /// hit into the last bar of this one.
    pub slot_gap: f64,
    /// Half width in seconds of the window in which a slot's onset strength is the maximum.
    pub onset_reach: f64,
    /// Spectral levels are floored this many dB below the track's 99th percentile.
    pub level_range: f64,
    /// Least sum of onset strength (dB, over the 32 cells of a beat pair) by which an onset distance is divided, so
    /// that near-silence does not count as different.
    pub onset_ground: f64,

    /// Lags in bars at which repeats are looked for, and the repeat units that a section can have.
    pub lags: Vec<u32>,
    /// Percentile over bars (0 to 1) of the nearest repeat's distance that is the track's repeat floor.
    pub floor_quantile: f64,
    /// Lowest mel repeat floor in dB: a sequencer repeats exactly, but what is not heard does not part a repeat from it.
    pub floor_min_mel: f64,
    /// Lowest chroma repeat floor.
    pub floor_min_chroma: f64,
    /// Lowest onset repeat floor.
    pub floor_min_onset: f64,
    /// Highest mel repeat floor in dB: where nothing repeats, the floor must not rise until everything seems to.
    pub floor_max_mel: f64,
    /// Highest chroma repeat floor.
    pub floor_max_chroma: f64,
    /// Highest onset repeat floor.
    pub floor_max_onset: f64,
    /// Added to mel distances (dB) before their logarithm.
    pub offset_mel: f64,
    /// Added to chroma distances before their logarithm.
    pub offset_chroma: f64,
    /// Added to onset distances before their logarithm.
    pub offset_onset: f64,
    /// Octaves above the floor at which mel distance counts as different.
    pub octaves_mel: f64,
    /// Octaves above the floor at which chroma distance counts as different.
    pub octaves_chroma: f64,
    /// Octaves above the floor at which onset distance counts as different.
    pub octaves_onset: f64,
    /// Weight of mel in the combined normalised distance.
    pub weight_mel: f64,
    /// Weight of chroma in it.
    pub weight_chroma: f64,
    /// Weight of onsets in it.
    pub weight_onset: f64,
    /// Share of the worst bar pairs left out of a mean (one bad bar must not hide a repeat).
    pub trim: f64,
    /// Pairs of bars further apart than this many bars are compared only where content is clustered; it bounds time
    /// and memory on long recordings.
    pub reach: usize,

    /// Cost λ of a section: how much better two sections must explain the music than one.
    pub section_cost: f64,
    /// Cost κ of each bar of a section's repeat unit.
    pub unit_cost: f64,
    /// Reward μ of sections of 8 (twice), 4 (1.5 times) bars, and against an odd number of bars (1.5 times).
    /// 0 for music that does not move in fours.
    pub phrase_prior: f64,
    /// Longest section in bars; a longer stretch of the same is cut.
    pub section_max: usize,
    /// Texture deviation, in texture steps, that costs as much as a bar that does not repeat.
    pub texture_scale: f64,
    /// Most that one bar's texture deviation can cost.
    pub texture_cap: f64,
    /// Cost of each bar of drums alone in a section of others, or the reverse.
    pub break_cost: f64,
    /// Least texture step in dB.
    pub texture_step_min: f64,

    /// Highest trimmed mean normalised distance at its own lag for a repeat unit.
    pub unit_threshold: f64,
    /// Trimmed mean normalised distance at a lag from which the section certainly does not repeat after it: a unit that
    /// stands in for want of better must not be refuted so.
    pub unit_refuted: f64,
    /// Highest trimmed mean normalised distance of the openings of two sections that count as the same content.
    pub content_threshold: f64,
    /// A bar that ends a phrase is a fill where its worst beat is this many octaves further from its nearest repeat
    /// than the other bars' are, by mel.
    pub fill_octaves_mel: f64,
    /// The same by onsets.
    pub fill_octaves_onset: f64,
    /// How many octaves more it takes where the bar ends no phrase; from 8 on, such bars are never fills.
    pub fill_octaves_inside: f64,
    /// Least distances (mel dB, onset) by which the two fill ratios are steadied.
    pub fill_ground_mel: f64,
    /// See [`Tuning::fill_ground_mel`].
    pub fill_ground_onset: f64,

    /// Weight of lying inside one section.
    pub weight_inside: f64,
    /// Weight of a length that is a multiple of the section's unit.
    pub weight_unit: f64,
    /// Weight of how well the section repeats at its unit.
    pub weight_rep_unit: f64,
    /// Weight of how well the section repeats at the loop's length.
    pub weight_rep_span: f64,
    /// Weight against holding a fill.
    pub weight_fill: f64,
    /// Weight against each texture step of deviation inside the loop.
    pub weight_texture: f64,
    /// The sum of the above at which a loop is as likely valid as not.
    pub valid_at: f64,
    /// Steepness of the logistic around [`Tuning::valid_at`].
    pub valid_slope: f64,
    /// What a valid loop that does not begin on a phrase is worth, of 1.
    pub off_phrase: f64,

    /// Variety: how much more a loop is worth while no loop of its content and length has been taken.
    pub spread_family: f64,
    /// Variety: how much more it is worth while no loop of its content has been taken.
    pub spread_content: f64,
    /// Variety: how much less it is worth where it lies wholly on a taken loop of its length.
    pub spread_overlap: f64,
    /// Loops of one length that share more than this part of it are near-duplicates: the better one stays.
    pub duplicate_overlap: f64,

    /// Shortest break in bars.
    pub break_bars: usize,
    /// Least share of percussive sound in all power (0 to 1) of a drum-heavy section.
    pub heavy_share: f64,
    /// Least number of broadband hits a beat of a drum-heavy section.
    pub heavy_hits: f64,
    /// A section this many dB or more below the loudest is quiet.
    pub quiet_drop: f64,
}

impl Tuning {
    /// The same with usable lags: positive, rising, at least one.
    pub fn sanitized(&self) -> Self {
        let mut tuning = self.clone();
        tuning.lags.retain(|lag| *lag > 0);
        tuning.lags.sort_unstable();
        tuning.lags.dedup();
        if tuning.lags.is_empty() {
            tuning.lags = Self::default().lags;
        }
        tuning
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            slot_lead: 0.025,
            slot_gap: 0.02,
            onset_reach: 0.035,
            level_range: 40.0,
            onset_ground: 48.0,

            lags: vec![1, 2, 4, 8],
            floor_quantile: 0.4,
            floor_min_mel: 0.5,
            floor_min_chroma: 0.0003,
            floor_min_onset: 0.05,
            floor_max_mel: 2.5,
            floor_max_chroma: 0.006,
            floor_max_onset: 0.25,
            offset_mel: 0.3,
            offset_chroma: 0.002,
            offset_onset: 0.02,
            octaves_mel: 2.0,
            octaves_chroma: 4.0,
            octaves_onset: 1.5,
            weight_mel: 0.5,
            weight_chroma: 0.3,
            weight_onset: 0.2,
            trim: 0.25,
            reach: 256,

            section_cost: 3.0,
            unit_cost: 0.35,
            phrase_prior: 0.35,
            section_max: 32,
            texture_scale: 3.0,
            texture_cap: 1.5,
            break_cost: 1.0,
            texture_step_min: 0.8,

            unit_threshold: 0.15,
            unit_refuted: 0.45,
            content_threshold: 0.25,
            fill_octaves_mel: 0.5,
            fill_octaves_onset: 0.6,
            fill_octaves_inside: 8.0,
            fill_ground_mel: 0.3,
            fill_ground_onset: 0.02,

            weight_inside: 2.0,
            weight_unit: 2.0,
            weight_rep_unit: 2.0,
            weight_rep_span: 1.0,
            weight_fill: 2.0,
            weight_texture: 0.1,
            valid_at: 5.2,
            valid_slope: 3.0,
            off_phrase: 0.15,

            spread_family: 1.0,
            spread_content: 0.3,
            spread_overlap: 0.5,
            duplicate_overlap: 0.9,

            break_bars: 2,
            heavy_share: 0.45,
            heavy_hits: 0.75,
            quiet_drop: 6.0,
        }
    }
}
