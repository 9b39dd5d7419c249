//! Loopwright without a host: the same plugin between an audio device's input and output.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Devices that are not there, above all.
    loopwright_plugin::log_to_terminal();
    if nice_plug::prelude::nice_export_standalone::<loopwright_plugin::Loopwright>() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
