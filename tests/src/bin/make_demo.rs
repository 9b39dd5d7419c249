//! Makes the track that ships with the project: `make-demo [DIR]`, `assets/demo` by default.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use loopwright_tests::demo;

fn run(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let song = demo::song().build();
    let flac = folder.join("loopwright-demo.flac");
    demo::write_flac(&flac, &song.audio)?;
    let truth = serde_json::to_string_pretty(&song.truth.sections)?;
    std::fs::write(folder.join("sections.json"), truth + "\n")?;
    eprintln!(
        "{}: {:.1} s, {} bytes",
        flac.display(),
        song.truth.dur,
        std::fs::metadata(&flac)?.len()
    );
    Ok(())
}

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo"),
        PathBuf::from,
    );
    match run(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("make-demo: {error}");
            ExitCode::FAILURE
        }
    }
}
