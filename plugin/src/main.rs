//! Loopwright without a host: the same plugin between an audio device's input and output.
#![forbid(unsafe_code)]

fn main() {
    nice_plug::prelude::nice_export_standalone::<loopwright_plugin::Loopwright>();
}
