use super::*;
use crate::drums::class::Synth;
use crate::progress::Silent;

const AT: f64 = 48_000.0;

/// Deterministic noise.
fn noise(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

/// Kicks on the even quarters, snares of noise on the odd, a soft tick of treble between: 0.25 s apart, from 0.1 s on.
fn beat(bars: usize) -> (AudioBuffer, Vec<(f64, Drum)>) {
    let hits = bars * 8;
    let n = ((0.1 + 0.25 * hits as f64 + 0.5) * AT) as usize;
    let mut x = vec![0.0f32; n];
    let mut truth = Vec::new();
    for hit in 0..hits {
        let at = ((0.1 + 0.25 * hit as f64) * AT) as usize + (hit * 7) % 5;
        let drum = [Drum::Kick, Drum::HatClosed, Drum::Snare, Drum::HatClosed][hit % 4];
        truth.push((at as f64, drum));
        let (mut phase, mut last) = (0.0f32, 0.0f32);
        for (i, r) in noise(9000, hit as u32 + 1).into_iter().enumerate() {
            let t = i as f32 / AT as f32;
            x[at + i] += match drum {
                Drum::Kick => {
                    phase += std::f32::consts::TAU * (50.0 + 90.0 * (-t * 50.0).exp()) / AT as f32;
                    0.8 * phase.cos() * (-t * 25.0).exp()
                }
                Drum::Snare => 0.5 * r * (-t * 30.0).exp(),
                // Differences of noise: treble.
                _ => 0.2 * (r - std::mem::replace(&mut last, r)) * (-t * 90.0).exp(),
            };
        }
    }
    (AudioBuffer::new(vec![x.clone(), x], AT as u32).unwrap(), truth)
}

fn whole(audio: &AudioBuffer) -> Span {
    Span {
        start: 0.0,
        end: audio.frames() as f64,
    }
}

/// Hears what the brightness of the patch says; every fourth hit it is wrong, and what is weak is no drum.
#[derive(Debug)]
struct ByBrightness;

impl HitModel for ByBrightness {
    fn id(&self) -> &str {
        "brightness"
    }

    fn hear(&self, candidates: &Candidates, _: &dyn Progress) -> Result<Vec<Heard>, HitModelError> {
        let one = |i: usize| {
            let level = |bands: std::ops::Range<usize>| -> f32 {
                bands.map(|b| candidates.patch(i)[b * 32 + 8]).sum::<f32>() / 16.0
            };
            let (low, high) = (level(0..16), level(32..48));
            let mut classes = [0.02; 9];
            let class = match high - low {
                x if x < -1.0 => Drum::Kick,
                x if x > 0.8 => Drum::HatClosed,
                _ => Drum::Snare,
            };
            classes[class.index()] = 0.9;
            Heard {
                classes,
                drum: if candidates.onsets[i].strength > 1.0 { 0.9 } else { 0.1 },
            }
        };
        Ok((0..candidates.len()).map(one).collect())
    }
}

#[test]
fn a_beat_is_found_and_sorted_into_its_drums() {
    let (audio, truth) = beat(4);
    let found = of(&audio, whole(&audio), Some(&ByBrightness), &Silent).unwrap();
    assert_eq!(found.hits.len(), truth.len());
    for (hit, (at, drum)) in found.hits.iter().zip(&truth) {
        assert!((hit.onset - at).abs() < 0.002 * AT, "{} {at}", hit.onset);
        assert_eq!(hit.labels[0], Class::Drum(*drum));
        assert!(hit.span.start < hit.onset && hit.onset - hit.span.start <= 0.0021 * AT);
        assert_eq!(found.clusters[hit.cluster].class, hit.labels[0]);
    }
    // Three sounds, three clusters, in the order of the classes.
    let classes: Vec<Class> = found.clusters.iter().map(|c| c.class).collect();
    assert_eq!(classes, [Drum::Kick, Drum::Snare, Drum::HatClosed].map(Class::Drum));
    for (id, c) in found.clusters.iter().enumerate() {
        assert_eq!(c.id, id);
        assert!(!c.picks.is_empty() && c.picks.len() <= pick::OFFERED);
        assert!(c.picks.iter().all(|p| c.hits.contains(p)));
    }
    assert_eq!(found.model.as_deref(), Some("brightness"));
    assert!(!found.mix);
}

#[test]
fn a_passage_has_its_own_hits_only() {
    let (audio, truth) = beat(4);
    // The second bar of four: from its kick, which the grid has 4 ms late, to the next.
    let span = Span {
        start: truth[8].0 + 0.004 * AT,
        end: truth[16].0,
    };
    let found = of(&audio, span, Some(&ByBrightness), &Silent).unwrap();
    assert_eq!(found.hits.len(), 8);
    assert!((found.hits[0].onset - truth[8].0).abs() < 0.002 * AT);
    assert!(found.hits[7].span.end <= span.end);
}

#[test]
fn rules_name_hits_without_a_model() {
    let (audio, truth) = beat(2);
    let found = of(&audio, whole(&audio), None, &Silent).unwrap();
    assert_eq!(found.hits.len(), truth.len());
    assert_eq!(found.model, None);
    // Rules are rules: white noise is no snare to them. Hats they know.
    for (hit, (at, drum)) in found.hits.iter().zip(&truth) {
        assert_eq!(hit.labels.len(), 1);
        if *drum == Drum::HatClosed {
            assert_eq!(
                hit.labels,
                [Class::Drum(Drum::HatClosed)],
                "{at}: {:?}",
                hit.description
            );
        }
    }
    assert!(found.hits.iter().all(|h| h.drum >= 0.5 && h.description.rms > 0.0));
}

#[test]
fn relabelling_a_cluster_names_its_hits_and_nothing_else() {
    let (audio, _) = beat(2);
    let mut found = of(&audio, whole(&audio), Some(&ByBrightness), &Silent).unwrap();
    let before = found.clone();
    assert!(found.relabel(1, Class::Synth(Synth::Stab)));
    assert_eq!(found.clusters[1].class, Class::Synth(Synth::Stab));
    assert_eq!(found.clusters[1].hits, before.clusters[1].hits);
    for (i, (now, then)) in found.hits.iter().zip(&before.hits).enumerate() {
        if now.cluster == 1 {
            assert_eq!(
                (&now.labels[..], now.confidence),
                (&[Class::Synth(Synth::Stab)][..], 1.0)
            );
        } else {
            assert_eq!(now, then, "hit {i}");
        }
        assert_eq!(now.probabilities, then.probabilities);
    }
    assert!(!found.relabel(99, Class::Silence));
}

#[test]
fn silence_and_nothing_have_no_hits() {
    for frames in [0, 10, 48_000] {
        let audio = AudioBuffer::new(vec![vec![0.0; frames]], AT as u32).unwrap();
        let found = of(&audio, whole(&audio), Some(&ByBrightness), &Silent).unwrap();
        assert!(found.hits.is_empty() && found.clusters.is_empty());
    }
    let (audio, _) = beat(1);
    let beyond = Span { start: 1e9, end: 2e9 };
    assert!(of(&audio, beyond, None, &Silent).unwrap().hits.is_empty());
    let inverted = Span { start: 5e4, end: 1e4 };
    assert!(of(&audio, inverted, None, &Silent).unwrap().hits.is_empty());
}

#[test]
fn giving_up_is_heard() {
    struct Stop;
    impl Progress for Stop {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let (audio, _) = beat(1);
    assert!(matches!(
        of(&audio, whole(&audio), None, &Stop),
        Err(HitsError::Cancelled(_))
    ));
}

#[test]
fn odd_audio_is_taken_as_it_comes() {
    for rate in [4000, 8000, 96_000, 192_000] {
        for plane in [
            vec![0.5; 9000],
            noise(9000, 3),
            vec![f32::NAN; 9000],
            vec![f32::INFINITY; 9000],
        ] {
            let audio = AudioBuffer::new(vec![plane.clone(), plane.clone(), plane], rate).unwrap();
            // A rate that cannot be converted is an error; nothing panics, and no slice leaves the audio.
            for hit in of(&audio, whole(&audio), None, &Silent)
                .iter()
                .flat_map(|found| &found.hits)
            {
                assert!(hit.span.start >= 0.0 && hit.span.end <= 9000.0 && !hit.span.is_empty());
                assert!(hit.confidence.is_finite() && hit.level.is_finite());
            }
        }
    }
}

#[test]
fn the_same_audio_gives_the_same_hits() {
    let (audio, _) = beat(3);
    let once = of(&audio, whole(&audio), Some(&ByBrightness), &Silent).unwrap();
    assert_eq!(once, of(&audio, whole(&audio), Some(&ByBrightness), &Silent).unwrap());
}
