//! The track that ships with the project, so that a newcomer can try the tool before looking for music.

use std::path::Path;

use flac_codec::encode::{FlacSampleWriter, Options};
use loopwright_core::audio::AudioBuffer;

use crate::synth::{SectionPlan, Song, Style};

/// The demo: 40 bars of house in which there is something to find: a drumless intro and breakdown, a fill at the end of
/// two sections, a drum break, a riser, a lead that repeats every 8 bars, and a level part to loop.
pub fn song() -> Song {
    let s = SectionPlan::new;
    Song::new(Style::House, SEED)
        .bpm(126.0)
        .swing(0.08)
        .loudness(-16.0)
        .plan(vec![
            s("intro", 4, "PA"),
            s("groove", 8, "DBC").crash().fill(),
            s("break", 4, "D").crash(),
            s("theme", 8, "DBCL").crash(),
            s("breakdown", 4, "PA").riser(),
            s("drop", 8, "DBCAL").crash().fill(),
            s("outro", 4, "DB").crash(),
        ])
}

const SEED: u64 = 25;

/// Writes `audio` as 16-bit FLAC with the demo's tags, dithered with triangular noise of one step.
pub fn write_flac(path: &Path, audio: &AudioBuffer) -> Result<(), flac_codec::Error> {
    let options = Options::best()
        .overwrite()
        .no_padding()
        .tag("TITLE", "Loopwright demo")
        .tag("ARTIST", "The Loopwright developers")
        .tag("GENRE", "House")
        .tag("BPM", "126")
        .tag("LICENSE", "CC0-1.0")
        .tag(
            "DESCRIPTION",
            "Synthesised by Loopwright's own test synthesiser; see README.md beside it",
        );
    let mut dither = Dither(0x2545_f491);
    let samples: Vec<i32> = (0..audio.frames())
        .flat_map(|i| audio.planes().iter().map(move |plane| plane[i]))
        .map(|x| {
            (f64::from(x) * 32_767.0 + dither.next())
                .round()
                .clamp(-32_768.0, 32_767.0) as i32
        })
        .collect();
    let channels = audio.channels() as u8;
    let mut writer = FlacSampleWriter::create(
        path,
        options,
        audio.sample_rate(),
        16,
        channels,
        Some(samples.len() as u64),
    )?;
    writer.write(&samples)?;
    writer.finalize()
}

/// Triangular noise between −1 and 1, the same every time.
struct Dither(u32);

impl Dither {
    fn next(&mut self) -> f64 {
        let mut uniform = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            f64::from(self.0) / f64::from(u32::MAX)
        };
        uniform() - uniform()
    }
}
