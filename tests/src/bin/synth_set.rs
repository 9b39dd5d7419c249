//! Writes a set of synthesised songs with their truth: `synth-set DIR [COUNT] [SEED] [clean|wild|short]`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use loopwright_tests::synth::{Preset, write_set};

const USAGE: &str = "usage: synth-set DIR [COUNT] [SEED] [clean|wild|short]";

fn parse(args: &[String]) -> Option<(&str, usize, u64, Preset)> {
    let get = |i: usize, default: &'static str| args.get(i).map_or(default, String::as_str);
    let preset = match get(3, "clean") {
        "clean" => Preset::Clean,
        "wild" => Preset::Wild,
        "short" => Preset::Short,
        _ => return None,
    };
    Some((
        args.first()?,
        get(1, "14").parse().ok()?,
        get(2, "1").parse().ok()?,
        preset,
    ))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, count, seed, preset)) = parse(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match write_set(Path::new(folder), count, seed, preset, |id| eprintln!("{id}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = std::error::Error::source(&error).map_or(String::new(), |e| format!(": {e}"));
            eprintln!("synth-set: {error}{cause}");
            ExitCode::from(3)
        }
    }
}
