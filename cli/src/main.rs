//! The headless tool. All of it is in the library, so that tests can reach it.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    loopwright::run(std::env::args_os()).into()
}
