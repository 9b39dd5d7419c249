//! Every number that the tracker was given by hand, in one place.
//!
//! Windows and tolerances are textbook values or follow from the signal; weights are round on purpose. None of them is
//! fitted finely: a change of any by a third should move single tracks, not the average.

/// Sample rate of the analysis signal in Hz.
pub(crate) const RATE: f64 = 22_050.0;
/// Window of the onset spectra in samples (46 ms).
pub(crate) const N_FFT: usize = 1024;
/// Hop of the onset spectra in samples (9.98 ms).
pub(crate) const HOP: usize = 220;
/// Onset frames a second.
pub(crate) const FPS: f64 = RATE / HOP as f64;
/// Window of the chroma spectra in samples (186 ms).
pub(crate) const CHROMA_FFT: usize = 4096;
/// Hop of the chroma spectra in samples (100 ms).
pub(crate) const CHROMA_HOP: usize = 2205;
/// Spread of a chroma frame about its mean, as a share of the mean, up to which it is taken for noise.
pub(crate) const CHROMA_FLOOR: f64 = 0.1;
/// Level to which a track is brought before magnitudes are compressed: RMS, full scale 1.
pub(crate) const RMS: f64 = 0.1;
/// Below this RMS (−100 dBFS) a track is silent.
pub(crate) const SILENCE_RMS: f64 = 1e-5;
/// Shortest track in seconds in which beats are looked for.
pub(crate) const MIN_SECONDS: f64 = 3.0;
/// Upper edges of the groups of bands in Hz; the last group is what lies above.
pub(crate) const GROUP_EDGES: [f64; 4] = [150.0, 450.0, 2_000.0, 6_000.0];
/// Weights of the groups in the pulse curve: bass first, because beats live there more than bars of hi-hats.
pub(crate) const GROUP_WEIGHTS: [f32; 5] = [1.0, 0.5, 0.75, 0.75, 0.75];
/// A flux maximum leads the attack that makes it by about this many seconds: a click rises fastest where the window is
/// steepest, a quarter of its length early (12 ms); sounds that last rise later (6 ms). The middle of kicks, snares,
/// hats, bursts and plucks; `attack` finds the rest in the waveform.
pub(crate) const FLUX_ADVANCE: f64 = 0.009;
/// Onset frames a texture slot (50 ms).
pub(crate) const SLOT: usize = 5;
/// Reach of the texture comparison on either side of a section cut, in slots (4 s).
pub(crate) const CUT_REACH: usize = 80;
/// Least distance of two section cuts in slots (2 s).
pub(crate) const CUT_GAP: usize = 40;
/// Novelty of the least section cut, over the track's median novelty.
pub(crate) const CUT_USUAL: f64 = 1.5;
/// Weight of cuts at which their vote counts half.
pub(crate) const CUT_DOUBT: f64 = 3.0;

/// Window of a tempo estimate in seconds.
pub(crate) const TEMPO_WINDOW: f64 = 10.0;
/// Hop of the tempo estimates in seconds.
pub(crate) const TEMPO_HOP: f64 = 1.0;
/// Slowest and fastest pulse that the tempo path may take, in BPM.
pub(crate) const TEMPO_RANGE: (f64, f64) = (40.0, 250.0);
/// Step of the tempo grid, as a ratio.
pub(crate) const TEMPO_STEP: f64 = 1.005;
/// Centre of the tempo prior in BPM: between the tempo people tap best (120; Parncutt 1994, van Noorden and Moelants
/// 1999) and what music made for loops is written in.
pub(crate) const PREFERRED_BPM: f64 = 128.0;
/// Below this periodicity (mean normalised autocorrelation at one to four pulses) there is no pulse: white noise stays
/// under it.
pub(crate) const MIN_CLARITY: f32 = 0.06;
/// From here on clarity no longer lowers the confidence.
pub(crate) const FULL_CLARITY: f32 = 0.12;

/// Block of the coherence measure in seconds.
pub(crate) const COHERENCE_BLOCK: f64 = 8.0;
/// Phase coherence above which a pulse is one tempo throughout.
pub(crate) const CONSTANT_COHERENCE: f64 = 0.9;
/// Spread of the logarithmic tempo path below which a pulse is one tempo throughout.
pub(crate) const CONSTANT_SPREAD: f64 = 0.02;
/// Slow deviation of the attacks from the fitted line, in seconds, up to which a grid is constant.
pub(crate) const CONSTANT_RESIDUAL: f64 = 0.015;

/// Slowest and fastest beat in BPM.
pub(crate) const BEAT_RANGE: (f64, f64) = (52.0, 218.0);
/// Beats a pulse of the hypotheses.
pub(crate) const RATIOS: [f64; 9] = [1.0 / 3.0, 0.5, 2.0 / 3.0, 0.75, 1.0, 4.0 / 3.0, 1.5, 2.0, 3.0];
/// Bins of the phase fold.
pub(crate) const FOLD: usize = 48;
/// Hypotheses that are kept.
pub(crate) const KEPT: usize = 24;
/// Tolerance of the `bpm` override.
pub(crate) const BPM_TOLERANCE: f64 = 0.04;

/// Weights of the terms of a beat hypothesis; see [`super::score::Terms`].
pub(crate) struct BeatWeights {
    pub(crate) prior: f32,
    pub(crate) comb: f32,
    pub(crate) attack: f32,
    pub(crate) cuts: f32,
    pub(crate) alternation: f32,
    pub(crate) bars: f32,
    pub(crate) ternary: f32,
    pub(crate) kick: f32,
    /// Of the network's evidence for the beats.
    pub(crate) network: f32,
}

/// The weights in use.
pub(crate) const BEAT: BeatWeights = BeatWeights {
    prior: 2.0,
    comb: 2.0,
    attack: 2.0,
    cuts: 1.0,
    alternation: 1.0,
    bars: 1.0,
    ternary: 2.0,
    kick: 0.5,
    network: 8.0,
};

/// Weights of the terms of a reading of the bars; see [`super::bars`].
pub(crate) struct BarWeights {
    pub(crate) kick: f32,
    pub(crate) snare: f32,
    pub(crate) chord: f32,
    pub(crate) bass: f32,
    pub(crate) cuts: f32,
    pub(crate) meter: f32,
    pub(crate) start: f32,
    /// Of the network's evidence for the bars.
    pub(crate) network: f32,
}

/// The weights in use.
pub(crate) const BAR: BarWeights = BarWeights {
    kick: 1.5,
    snare: 0.75,
    chord: 1.25,
    bass: 1.0,
    cuts: 1.5,
    meter: 1.5,
    start: 0.25,
    network: 0.0,
};
/// The weights where a network is heard: it knows the kick's place better than a rule does, harmony and sections less.
pub(crate) const HEARD_BAR: BarWeights = BarWeights {
    kick: 1.0,
    bass: 1.5,
    cuts: 2.5,
    network: 2.0,
    ..BAR
};

/// Cost of a change of bar phase within two beats of a section cut, in standard deviations of the bar evidence.
pub(crate) const BAR_JUMP: f32 = 8.0;

/// Weight of the network's probability of a downbeat, beat by beat, where the phase of the bars may change.
pub(crate) const BAR_HEARD: f32 = 6.0;
/// Cost of such a change where a network was heard: the evidence is larger, and a network in doubt wavers between phases.
pub(crate) const HEARD_BAR_JUMP: f32 = 64.0;

/// Probability that beats are right which no other reading rivals.
pub(crate) const UNRIVALLED: f32 = 0.98;

/// Logistic maps from the lead of a reading over its best rival to the probability that it is right: slope and midpoint.
/// Fitted so that of the grids given some confidence about that share is right, on songs of the project's own making.
pub(crate) struct Calibration {
    /// Of the beats.
    pub(crate) beats: (f32, f32),
    /// Of the bars, given the beats.
    pub(crate) bars: (f32, f32),
}

/// Where signal processing alone chose.
pub(crate) const BY_SIGNAL: Calibration = Calibration {
    beats: (1.2, 0.3),
    bars: (1.2, 0.8),
};
/// Where a network was heard, whose evidence spreads the scores wider.
pub(crate) const BY_NETWORK: Calibration = Calibration {
    beats: (0.18, 4.1),
    bars: (0.39, 0.5),
};
