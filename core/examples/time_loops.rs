//! Seconds that each stage of the loop finder takes for one file: `time_loops FILE [TIMES_LONGER]`.
//!
//! The grid is a made-up one of 120 BPM, so that ranking has as much to do as for a song of that tempo.

use std::sync::Arc;
use std::time::Instant;

use loopwright_core::analysis::{Analysis, spectrum, texture};
use loopwright_core::audio::AudioBuffer;
use loopwright_core::audio::decode::decode_file;
use loopwright_core::audio::resample::halve;
use loopwright_core::config::Config;
use loopwright_core::features::{FeatureTable, Schema};
use loopwright_core::loops::{Structure, candidate};
use loopwright_core::model;
use loopwright_core::pipeline::suggest::from_analysis;
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::grid::{BeatGrid, GridSource};
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_core::units::Bpm;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("which file?")?;
    let times: usize = args.next().map_or(Ok(1), |n| n.parse())?;
    let config = Config::default();
    let mono = decode_file(path.as_ref(), &config.decode)?.audio.mono();
    let audio = AudioBuffer::new(vec![mono.repeat(times)], spectrum::RATE)?;
    let clock = |what: &str, since: Instant| println!("{what:24} {:8.4} s", since.elapsed().as_secs_f64());
    println!("{:.0} s of sound", audio.seconds());

    let mono = &audio.planes()[0];
    let mut bands = texture::BandSink::new(44_100.0 / 2048.0, 512.0 / 44_100.0, mono.len() / 512 + 1);
    let start = Instant::now();
    let mut spent = std::time::Duration::ZERO;
    spectrum::analyse(
        mono,
        spectrum::RATE,
        &mut |_, magnitude| {
            let start = Instant::now();
            bands.push(magnitude);
            spent += start.elapsed();
        },
        &Silent,
    )?;
    clock("spectrum and bands", start);
    println!("{:24} {:8.4} s", "  of it bands", spent.as_secs_f64());
    let start = Instant::now();
    bands.finish();
    clock("bands, the end", start);
    let quarter = halve(&halve(mono));
    let start = Instant::now();
    texture::tonal(&quarter, 11_025.0, &Silent)?;
    clock("tonal", start);

    let bars = (audio.seconds() / 2.0) as usize;
    let grid = BeatGrid {
        beats: (0..bars * 4).map(|i| i as f64 * 22_050.0).collect(),
        downbeats: (0..bars).map(|b| b * 4).collect(),
        beats_per_bar: 4,
        tempo: Bpm(120.0),
        constant: true,
        confidence: 1.0,
        source: GridSource::Host,
    };
    let track = Track {
        id: TrackId::of(&audio),
        audio: Arc::new(audio),
        origin: Origin::Live { take: 0 },
        name: String::new(),
        tags: Default::default(),
        grid: Some(grid),
    };
    let analysis = Analysis::of(&track, None, &config, &Silent)?;
    let start = Instant::now();
    let structure = Structure::of(&analysis, &config.tuning, &Silent)?;
    clock("structure", start);
    for any_beat in [false, true] {
        let mut config = config.clone();
        config.loops.any_beat = any_beat;
        let candidates = candidate::all(&structure.bars, &config.loops);
        let start = Instant::now();
        let table = FeatureTable::of(Arc::new(Schema::full()), &candidates, &analysis, &structure);
        clock("all features", start);
        println!("{:24} {:8} candidates", "", table.rows());
    }
    let start = Instant::now();
    let scorer = model::heuristic(&config.tuning);
    let found = from_analysis(analysis, &scorer, &config, &Silent)?;
    clock("structure to suggestions", start);
    println!("{} suggestions", found.suggestions.len());
    Ok(())
}
