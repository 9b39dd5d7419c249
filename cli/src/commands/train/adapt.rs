//! `loopwright train adapt`.

use anyhow::{Result, bail};

use crate::args::{Adapt, General};
use crate::exit::Exit;

pub(super) fn run(_args: &Adapt, _general: &General) -> Result<Exit> {
    bail!("not there yet")
}
