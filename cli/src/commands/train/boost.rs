//! `loopwright train boost`.

use anyhow::{Result, bail};

use crate::args::{Boost, General};
use crate::exit::Exit;

pub(super) fn run(_args: &Boost, _general: &General) -> Result<Exit> {
    bail!("not there yet")
}
