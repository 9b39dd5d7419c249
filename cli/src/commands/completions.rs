//! `loopwright completions`.

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Cli, Completions};
use crate::exit::Exit;

pub(super) fn run(args: &Completions) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "loopwright", &mut script);
    super::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
