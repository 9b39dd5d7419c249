//! One listening gives what each of the three gives alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use loopwright_core::config::Config;
use loopwright_core::drums;
use loopwright_core::drums::class::Class;
use loopwright_core::model;
use loopwright_core::pipeline::harvest::harvest;
use loopwright_core::pipeline::{self, Error, Models, breaks, quiet};
use loopwright_core::progress::{Progress, Silent, Stage};
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_tests::synth::{SectionPlan, Song, Style};

fn track(style: Style, seed: u64) -> Track {
    let s = SectionPlan::new;
    let plan = vec![s("groove", 8, "DBC").fill(), s("break", 4, "D"), s("pad", 8, "PA")];
    let audio = Arc::new(Song::new(style, seed).plan(plan).build().audio);
    Track {
        id: TrackId::of(&audio),
        audio,
        origin: Origin::Stream { uri: "test".into() },
        name: "song".into(),
        tags: Default::default(),
        grid: None,
    }
}

#[test]
fn one_listening_is_as_good_as_three() {
    let config = Config::default();
    let beats = loopwright_core::rhythm::load::load(&config.rhythm).unwrap();
    let hits = drums::model::shipped().unwrap();
    let models = Models {
        scorer: &model::heuristic(&config.tuning),
        beats: beats.as_deref(),
        embedding: None,
    };
    for (style, seed) in [(Style::House, 4), (Style::Rock, 2)] {
        let track = track(style, seed);
        let all = harvest(&track, models, hits.as_deref(), &config, &Silent).unwrap();
        let loops = pipeline::suggest(&track, models, &config, &Silent).unwrap();
        let breaks = breaks::suggest(&track, models, hits.as_deref(), &config, &Silent).unwrap();
        let quiet = quiet::suggest(&track, models, &config, &Silent).unwrap();
        // Debug tells every field of everything, floats to the last digit.
        assert_eq!(
            format!("{:?}", all.loops.suggestions),
            format!("{:?}", loops.suggestions)
        );
        assert_eq!(all.loops.candidates, loops.candidates);
        assert_eq!(all.breaks, breaks.breaks);
        assert_eq!(format!("{:?}", all.quiet.loops), format!("{:?}", quiet.loops));
        assert_eq!((all.quiet.candidates, all.quiet.quiet), (quiet.candidates, quiet.quiet));
        assert!(!all.loops.suggestions.is_empty() && !all.breaks.is_empty(), "{style:?}");

        // One-shots are picks of clusters, purest first, each sound once.
        assert!(!all.one_shots.is_empty());
        assert!(all.one_shots.windows(2).all(|w| w[0].purity >= w[1].purity));
        for one in &all.one_shots {
            let cluster = &all.breaks[one.of].1.clusters[one.cluster];
            assert_eq!((cluster.class, cluster.picks[0]), (one.class, one.hit));
            assert!((0.0..=1.0).contains(&one.purity) && one.class != Class::Silence);
        }
    }
}

/// Says stop at a certain poll, and counts.
struct Impatient {
    polls: AtomicUsize,
    most: usize,
}

impl Progress for Impatient {
    fn report(&self, _stage: Stage, fraction: f32) {
        assert!((0.0..=1.0).contains(&fraction));
    }

    fn is_cancelled(&self) -> bool {
        self.polls.fetch_add(1, Ordering::Relaxed) >= self.most
    }
}

#[test]
fn it_stops_at_the_first_poll_that_says_so() {
    let config = Config::default();
    let hits = drums::model::shipped().unwrap();
    let models = Models {
        scorer: &model::heuristic(&config.tuning),
        beats: None,
        embedding: None,
    };
    let track = track(Style::House, 4);
    let count = |most| {
        let progress = Impatient {
            polls: AtomicUsize::new(0),
            most,
        };
        let done = harvest(&track, models, hits.as_deref(), &config, &progress);
        (progress.polls.into_inner(), matches!(done, Err(Error::Cancelled(_))))
    };
    let (all, cancelled) = count(usize::MAX);
    assert!(!cancelled && all > 100, "{all} polls");
    for part in 0..12 {
        let most = all * part / 12;
        assert_eq!(count(most), (most + 1, true));
    }
}

/// Seconds since the poll before, and where the work was.
type Gap = (f64, Stage, f32);

/// Measures the time between polls.
struct Gaps(Mutex<(Instant, Vec<Gap>, (Stage, f32))>);

impl Progress for Gaps {
    fn report(&self, stage: Stage, fraction: f32) {
        self.0.lock().unwrap().2 = (stage, fraction);
    }

    fn is_cancelled(&self) -> bool {
        let mut own = self.0.lock().unwrap();
        let (stage, fraction) = own.2;
        let gap = own.0.elapsed().as_secs_f64();
        own.1.push((gap, stage, fraction));
        own.0 = Instant::now();
        false
    }
}

/// How long the models take to load and how far polls are apart in a long take:
/// `cargo test -p loopwright-plugin --test harvest -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a test"]
fn polls_of_a_long_take() {
    let config = Config::default();
    let begun = Instant::now();
    let beats = loopwright_core::rhythm::load::load(&config.rhythm).unwrap();
    println!("beat model: {:.0} ms", 1e3 * begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let hits = drums::model::shipped().unwrap();
    println!("hit model: {:.0} ms", 1e3 * begun.elapsed().as_secs_f64());
    let models = Models {
        scorer: &model::heuristic(&config.tuning),
        beats: beats.as_deref(),
        embedding: None,
    };
    let mut track = track(Style::House, 4);
    let long: Vec<Vec<f32>> = track
        .audio
        .planes()
        .iter()
        .map(|p| p.iter().copied().cycle().take(180 * 44_100).collect())
        .collect();
    track.audio = Arc::new(loopwright_core::audio::AudioBuffer::new(long, 44_100).unwrap());
    let begun = Instant::now();
    track.id = TrackId::of(&track.audio);
    println!("hash: {:.0} ms", 1e3 * begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let views: Vec<&[f32]> = track.audio.planes().iter().map(Vec::as_slice).collect();
    let lufs = loopwright_core::audio::loudness::integrated(&views, 44_100).unwrap();
    println!(
        "loudness: {lufs:.1} LUFS in {:.0} ms",
        1e3 * begun.elapsed().as_secs_f64()
    );
    let begun = Instant::now();
    let status = loopwright_core::audio::AudioStatus::of(&track.audio);
    println!("status: {status} in {:.0} ms", 1e3 * begun.elapsed().as_secs_f64());
    let gaps = Gaps(Mutex::new((Instant::now(), Vec::new(), (Stage::Decode, 0.0))));
    let begun = Instant::now();
    harvest(&track, models, hits.as_deref(), &config, &gaps).unwrap();
    println!("harvest: {:.0} ms", 1e3 * begun.elapsed().as_secs_f64());
    let mut gaps = gaps.0.into_inner().unwrap().1;
    gaps.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (gap, stage, fraction) in gaps.iter().take(12) {
        println!("{:.0} ms after {stage:?} {fraction:.2}", 1e3 * gap);
    }
}
