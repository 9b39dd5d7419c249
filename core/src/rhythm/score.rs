//! How well a reading of the pulse explains the track. Beats and bars are judged together: the score of a beat reading
//! holds that of its best bars.

use super::activation::Heard;
use super::bars::{self, BarReading, BeatEvidence, Evidence};
use super::constants::*;
use super::hypothesis::{Draft, Term};
use super::onset::{Front, GROUPS, mean, running_max};
use super::sections::{self, Cut};
use super::tempo::TempoMap;

/// A scored reading.
pub(crate) struct Scored {
    pub(crate) draft: Draft,
    pub(crate) evidence: BeatEvidence,
    pub(crate) bars: Vec<BarReading>,
    pub(crate) terms: Vec<Term>,
    pub(crate) score: f32,
}

/// Judges readings of one track.
pub(crate) struct Judge<'a> {
    map: &'a TempoMap,
    best_support: f32,
    cuts: &'a [Cut],
    shares: Vec<f32>,
    evidence: Evidence<'a>,
    attack: Vec<f32>,
    upper: Vec<f32>,
    kick: Vec<f32>,
    meters: Vec<u32>,
    heard: Option<&'a Heard>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        front: &'a Front,
        attack: &[f32],
        map: &'a TempoMap,
        cuts: &'a [Cut],
        heard: Option<&'a Heard>,
        meter: Option<u32>,
    ) -> Self {
        let mut upper = vec![0.0f32; front.frames];
        for g in &front.flux[1..] {
            upper.iter_mut().zip(g).for_each(|(a, x)| *a += x / (GROUPS - 1) as f32);
        }
        Self {
            map,
            best_support: map.best_support(),
            cuts,
            shares: sections::shares(cuts),
            evidence: Evidence::new(front, cuts, heard),
            attack: running_max(attack, 2),
            upper: running_max(&upper, 2),
            kick: running_max(&front.kick, 2),
            meters: meter.map_or(vec![4, 3], |m| vec![m.max(1)]),
            heard,
        }
    }

    /// Scores one reading; `bpm` is its mean tempo. `free` leaves out what prefers common tempi and simple ratios.
    pub(crate) fn judge(&self, draft: Draft, free: bool) -> Scored {
        let beats = &draft.beats;
        let period = (beats[beats.len() - 1] - beats[0]) / (beats.len() - 1) as f64;
        let bpm = 60.0 * FPS / period;
        let octaves = (bpm / PREFERRED_BPM).log2() / 0.5;
        let attack = mean(&bars::sample(&self.attack, beats));
        let upper = bars::sample(&self.upper, beats);
        let half = |odd: usize| mean(&upper.iter().copied().skip(odd).step_by(2).collect::<Vec<_>>());
        let (even, odd) = (half(0), half(1));
        let on_beat = |t: f64| (std::f64::consts::TAU * bars::beat_number(beats, t)).cos() as f32;
        let cuts: f32 = self.cuts.iter().zip(&self.shares).map(|(c, w)| w * on_beat(c.at)).sum();
        let simple = [0.5, 1.0, 2.0].iter().any(|r| (draft.ratio / r - 1.0).abs() < 0.01);
        let evidence = self.evidence.at(beats);
        let readings = evidence.readings(&self.meters);
        // What the network says of the bars is a term of its own.
        let of_network = |r: &BarReading| r.terms.iter().find(|t| t.name == bars::HEARD).copied();
        let net_bar = readings.first().and_then(of_network);
        let bars = readings.first().map_or(0.0, |r| r.score) - net_bar.map_or(0.0, |t| t.contribution());
        let mut terms = vec![
            Term::new(
                "prior",
                BEAT.prior,
                if free { 0.0 } else { (-0.5 * octaves * octaves) as f32 },
            ),
            Term::new("comb", BEAT.comb, self.map.support(draft.ratio) / self.best_support),
            Term::new("attack", BEAT.attack, (attack + 0.02).ln()),
            Term::new("cuts", BEAT.cuts, cuts),
            Term::new(
                "alternation",
                BEAT.alternation,
                (even - odd).abs() / (0.5 * (even + odd) + 0.3),
            ),
            Term::new("bars", BEAT.bars, bars),
            Term::new("ternary", BEAT.ternary, if simple || free { 0.0 } else { -1.0 }),
            Term::new("kick", BEAT.kick, (mean(&bars::sample(&self.kick, beats)) + 0.02).ln()),
        ];
        if let Some(heard) = self.heard {
            terms.push(Term::new("net_beat", BEAT.network, heard.beat.at(beats).evidence()));
            terms.extend(net_bar);
        }
        Scored {
            score: terms.iter().map(Term::contribution).sum(),
            draft,
            evidence,
            bars: readings,
            terms,
        }
    }

    /// How sure a lead of these scores makes.
    pub(crate) fn calibration(&self) -> &'static Calibration {
        if self.heard.is_some() { &BY_NETWORK } else { &BY_SIGNAL }
    }

    /// Bar evidence of given beats.
    pub(crate) fn bars(&self, beats: &[f64]) -> (BeatEvidence, Vec<BarReading>) {
        let evidence = self.evidence.at(beats);
        let readings = evidence.readings(&self.meters);
        (evidence, readings)
    }
}
