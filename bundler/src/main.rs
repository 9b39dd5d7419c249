//! Makes VST3 and CLAP bundles of the plugin: `cargo run -p bundler -- bundle loopwright-plugin --release` leaves them in
//! `target/bundled`.
//!
//! A crate of its own, because `xtask` must build in seconds and this brings the framework's bundling library along.
#![forbid(unsafe_code)]

fn main() -> nice_plug_xtask::Result<()> {
    nice_plug_xtask::main()
}
