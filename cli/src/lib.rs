//! The headless tool, as a library for its tests: arguments become a request, one function of
//! [`loopwright_core::pipeline`] does the work, and what it returns is told to people or to programs.
#![forbid(unsafe_code)]

pub mod args;
pub mod commands;
pub mod exit;
#[cfg(feature = "mlflow")]
mod mlflow;
pub mod output;
pub mod places;
pub mod progress;
pub mod record;
pub mod settings;
pub mod sources;

use std::ffi::OsString;

use clap::Parser;

pub use exit::Exit;

/// Runs the tool with `arguments` (the first is the program's own name) and says how it went.
pub fn run<I, T>(arguments: I) -> Exit
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match args::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(message) => {
            // Printing fails only where nobody reads.
            let _ = message.print();
            return if message.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    if cli.general.verbose == 0 {
        // A panic in the work on one track is caught there and reported as that track's failure, in its place.
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let worker = std::thread::current()
                .name()
                .is_some_and(|name| name.starts_with("track-"));
            if !worker {
                usual(info);
            }
        }));
    }
    match commands::run(&cli) {
        Ok(exit) => exit,
        Err(e) => {
            let exit = exit::of(&e);
            if exit != Exit::Interrupted {
                eprintln!("loopwright: {}", output::plain(&format!("{e:#}")));
            }
            exit
        }
    }
}
