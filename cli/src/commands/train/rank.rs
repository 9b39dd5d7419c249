//! `loopwright train rank`.

use anyhow::{Result, bail};

use crate::args::{General, Rank};
use crate::exit::Exit;

pub(super) fn run(_args: &Rank, _general: &General) -> Result<Exit> {
    bail!("not there yet")
}
