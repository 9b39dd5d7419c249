//! Writes what models of tags learn from, for trying other learners on it:
//! `tag_features FOLDER > features.csv`: name, the features, then the measures of the audio tags.

use std::io::Write as _;
use std::path::Path;

use loopwright_core::config::Config;
use loopwright_core::learn::multilabel::audio_tags::FAMILIES;
use loopwright_core::learn::multilabel::{describe, features};
use loopwright_core::pipeline::load::load;
use loopwright_core::progress::Silent;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: tag_features FOLDER")?;
    let mut out = std::io::stdout().lock();
    let measures = FAMILIES.iter().map(|f| format!("measure_{}", f.name));
    let header: Vec<String> = features::names().into_iter().chain(measures).collect();
    writeln!(out, "name,{}", header.join(","))?;
    let mut files: Vec<_> = std::fs::read_dir(Path::new(&folder))?
        .flatten()
        .map(|e| e.path())
        .collect();
    files.sort();
    for path in files {
        let loaded = load(&path, &Config::default(), &Silent)?;
        let Some(described) = describe(&loaded.track.audio, true, &Silent)? else {
            continue;
        };
        let measures = described
            .measures
            .iter()
            .flat_map(|m| FAMILIES.iter().map(|f| (f.measure)(m)));
        let values: Vec<String> = described
            .features
            .iter()
            .copied()
            .chain(measures)
            .map(|x| x.to_string())
            .collect();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(out, "{name},{}", values.join(","))?;
    }
    Ok(())
}
