//! Names for hits by rules, where no model is at hand.
//!
//! The rules are those of the Python pipeline that Loopwright replaces, so that its users' labels go on meaning what
//! they did: thresholds on brightness, noise, length and pitch, the first that fits wins.

use super::class::{Class, Drum, Synth};
use super::describe::Description;

/// RMS up to which a hit is silence.
const SILENT_RMS: f32 = 1e-6;
/// A pitch is stable with so many frames and no more deviation in Hz.
const STABLE_FRAMES: usize = 5;
const STABLE_HZ: f32 = 25.0;

/// The class of a hit, and how far that is to be trusted, 0 to 1.
pub fn classify(d: &Description) -> (Class, f32) {
    if is_silent(d) {
        return (Class::Silence, 0.0);
    }
    let pitch = d.f0_median;
    let stable = is_stable(d);
    let drum = if d.harm_ratio > 0.65 && stable {
        false
    } else {
        d.perc_ratio > 0.55 || d.flatness > 0.2 || d.zcr > 0.08
    };
    if drum {
        classify_drum(d)
    } else {
        let (class, confidence) = synth_of(d, pitch, stable);
        (Class::Synth(class), confidence)
    }
}

/// The class of a hit that is known to be a drum: a kick that rings is harmonic and of stable pitch, and would pass for a
/// bass note.
pub fn classify_drum(d: &Description) -> (Class, f32) {
    if is_silent(d) {
        return (Class::Silence, 0.0);
    }
    let (class, confidence) = drum_of(d, d.f0_median, is_stable(d));
    (Class::Drum(class), confidence)
}

fn is_silent(d: &Description) -> bool {
    d.rms <= SILENT_RMS || d.duration <= 0.0
}

fn is_stable(d: &Description) -> bool {
    d.f0_frames >= STABLE_FRAMES && d.f0_std.is_some_and(|s| s < STABLE_HZ)
}

fn drum_of(d: &Description, pitch: Option<f32>, stable: bool) -> (Drum, f32) {
    if d.centroid < 1500.0 && d.zcr < 0.06 && pitch.is_none_or(|p| p < 200.0) {
        (Drum::Kick, 0.75)
    } else if d.centroid > 6000.0 && d.zcr > 0.10 && d.duration < 0.25 {
        (Drum::HatClosed, 0.75)
    } else if d.centroid > 7000.0 && d.duration >= 0.20 {
        (Drum::Crash, 0.65)
    } else if (2000.0..7000.0).contains(&d.centroid) && (d.flatness > 0.25 || d.zcr > 0.08) {
        (Drum::Snare, 0.60)
    } else if stable && pitch.is_some_and(|p| (120.0..=450.0).contains(&p)) && d.centroid < 3500.0 {
        (Drum::Tom, 0.55)
    } else {
        (Drum::Perc, 0.45)
    }
}

fn synth_of(d: &Description, pitch: Option<f32>, stable: bool) -> (Synth, f32) {
    match pitch.filter(|_| stable) {
        Some(p) if p < 200.0 => (Synth::Bass, 0.65),
        Some(p) if p < 800.0 => (Synth::Lead, 0.55),
        Some(_) => (Synth::Lead, 0.50),
        None if d.flatness > 0.35 => (Synth::Fx, 0.45),
        None => (Synth::Stab, 0.45),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A short hit without pitch.
    fn hit() -> Description {
        Description {
            duration: 0.15,
            rms: 0.1,
            centroid: 4000.0,
            rolloff: 8000.0,
            flatness: 0.3,
            zcr: 0.2,
            harm_ratio: 0.2,
            perc_ratio: 0.8,
            ..Description::default()
        }
    }

    #[test]
    fn each_rule_has_its_case() {
        let drum = |d: Description| classify(&d);
        let is = |got: (Class, f32), class: Drum, confidence: f32| {
            assert_eq!(got, (Class::Drum(class), confidence));
        };
        is(drum(hit()), Drum::Snare, 0.60);
        is(
            drum(Description {
                centroid: 900.0,
                zcr: 0.02,
                ..hit()
            }),
            Drum::Kick,
            0.75,
        );
        is(
            drum(Description {
                centroid: 9000.0,
                ..hit()
            }),
            Drum::HatClosed,
            0.75,
        );
        is(
            drum(Description {
                centroid: 9000.0,
                duration: 0.5,
                ..hit()
            }),
            Drum::Crash,
            0.65,
        );
        let tom = Description {
            centroid: 900.0,
            flatness: 0.01,
            zcr: 0.03,
            f0_median: Some(210.0),
            f0_std: Some(4.0),
            f0_frames: 10,
            ..hit()
        };
        is(drum(tom), Drum::Tom, 0.55);
        is(
            drum(Description {
                centroid: 1600.0,
                zcr: 0.03,
                flatness: 0.1,
                ..hit()
            }),
            Drum::Perc,
            0.45,
        );
        assert_eq!(classify(&Description { rms: 0.0, ..hit() }), (Class::Silence, 0.0));
    }

    #[test]
    fn stable_harmonic_sounds_are_notes() {
        let note = |hz: f32| Description {
            harm_ratio: 0.9,
            perc_ratio: 0.1,
            flatness: 0.001,
            zcr: 0.01,
            f0_median: Some(hz),
            f0_std: Some(2.0),
            f0_frames: 12,
            ..hit()
        };
        assert_eq!(classify(&note(80.0)), (Class::Synth(Synth::Bass), 0.65));
        assert_eq!(classify(&note(440.0)), (Class::Synth(Synth::Lead), 0.55));
        assert_eq!(classify(&note(1000.0)), (Class::Synth(Synth::Lead), 0.50));
        // Known to be a drum, the low one is a kick.
        let low = Description {
            centroid: 300.0,
            ..note(80.0)
        };
        assert_eq!(classify_drum(&low), (Class::Drum(Drum::Kick), 0.75));
        let unstable = Description {
            f0_std: Some(90.0),
            ..note(300.0)
        };
        assert_eq!(classify(&unstable), (Class::Synth(Synth::Stab), 0.45));
    }
}
