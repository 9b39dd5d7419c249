//! Milliseconds that each stage of `find` takes for one file, the best of some rounds:
//!
//!     cargo run --release -p loopwright-core --example stages -- FILE [ROUNDS [BEAT_MODEL]]
//!
//! One thread does all the work, so these are CPU times too, on a machine with nothing else to do.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use loopwright_core::analysis::{Analysis, key, spectrum, texture};
use loopwright_core::audio::decode::decode_file;
use loopwright_core::audio::resample::{halve, mono_to_rate};
use loopwright_core::config::Config;
use loopwright_core::export::cut::cut;
use loopwright_core::export::meta::LoopMeta;
use loopwright_core::export::{AudioView, audio_format};
use loopwright_core::loops::snap;
use loopwright_core::model;
use loopwright_core::pipeline::suggest::from_analysis;
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::activation::BeatModel;
use loopwright_core::rhythm::{self, Tracker};
use loopwright_core::track::{Origin, Track, TrackId};

/// Stages in the order of the work, with the best time of each in milliseconds.
#[derive(Default)]
struct Times(Vec<(&'static str, f64)>);

impl Times {
    fn take<T>(&mut self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let since = Instant::now();
        let result = work();
        let ms = since.elapsed().as_secs_f64() * 1e3;
        match self.0.iter_mut().find(|(name, _)| *name == what) {
            Some((_, best)) => *best = best.min(ms),
            None => self.0.push((what, ms)),
        }
        result
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: stages FILE [ROUNDS [BEAT_MODEL]]")?;
    let rounds = std::env::args().nth(2).map_or(Ok(5), |n| n.parse::<usize>())?;
    let mut config = Config::default();
    config.rhythm.beat_model = std::env::args().nth(3);
    let mut times = Times::default();
    let model = times.take("beat model: load, optimise (once a run)", || {
        rhythm::load::load(&config.rhythm)
    })?;
    let mut seconds = 0.0;
    for _ in 0..rounds.max(1) {
        seconds = round(Path::new(&path), &config, model.as_deref(), &mut times)?;
    }
    let total: f64 = times.0.iter().map(|(_, ms)| ms).sum();
    for (what, ms) in &times.0 {
        println!("{what:<44} {ms:7.1} ms  {:5.1} %", 100.0 * ms / total);
    }
    println!("{:<44} {total:7.1} ms  {:.0} x real time", "all", seconds * 1e3 / total);
    Ok(())
}

fn round(
    path: &Path,
    config: &Config,
    model: Option<&dyn BeatModel>,
    times: &mut Times,
) -> Result<f64, Box<dyn Error>> {
    let rate = f64::from(spectrum::RATE);
    let decoded = times.take("decode", || decode_file(path, &config.decode))?;
    let audio = Arc::new(decoded.audio);
    let id = times.take("name by content (BLAKE3)", || TrackId::of(&audio));
    let track = Track {
        audio: audio.clone(),
        id,
        origin: Origin::File(path.into()),
        name: "track".into(),
        tags: decoded.tags,
        grid: None,
    };
    let mono = times.take("mono at 44.1 kHz", || mono_to_rate(&audio, spectrum::RATE))?;
    let mut bands = texture::BandSink::new(
        rate / spectrum::N_FFT as f64,
        spectrum::HOP as f64 / rate,
        1 + mono.len() / spectrum::HOP,
    );
    let native = audio.sample_rate();
    let spectrum = times.take("spectra: HPSS, log-mel, onsets, levels, bands", || {
        spectrum::analyse(&mono, native, &mut |_, magnitude| bands.push(magnitude), &Silent)
    })?;
    let bands = times.take("texture: separation of the bands", || bands.finish());
    let half = times.take("half rate", || halve(&mono));
    let rhythm = times.take("beats and bars", || {
        let settings = &config.rhythm;
        rhythm::track(&half, native, Tracker { settings, model }, &Silent)
    })?;
    let key = times.take("key", || {
        let pitches = key::Pitches::of(&half, rate / 2.0);
        key::estimate(&pitches.chroma, pitches.tonalness)
    });
    let tonal = times.take("chroma and tonal level", || {
        texture::tonal(&halve(&half), rate / 4.0, &Silent)
    })?;
    let analysis = Analysis {
        track,
        rhythm,
        spectrum,
        texture: texture::Texture { bands, tonal },
        key,
        embedding: None,
    };
    let scorer = model::heuristic(&config.tuning);
    let found = times.take("structure, features, ranking", || {
        from_analysis(analysis, &scorer, config, &Silent)
    })?;
    let grid = &found.analysis.rhythm.grid;
    let format = audio_format(config.export.formats[0]).ok_or("no such format")?;
    times.take("cut, seam, encode the loops", || -> Result<(), Box<dyn Error>> {
        for suggestion in &found.suggestions {
            let place = snap::place(&audio, grid, &suggestion.candidate);
            let made = cut(&audio, place.start, place.frames, &config.export)?;
            let view = AudioView {
                planes: &made.planes,
                sample_rate: native,
            };
            format.write(&mut std::io::Cursor::new(Vec::new()), view, &LoopMeta::default())?;
        }
        Ok(())
    })?;
    Ok(audio.seconds())
}
