//! `loopwright dataset`.

use anyhow::{Result, bail};

use crate::args::{Dataset, General};
use crate::exit::Exit;

pub(super) fn run(_args: &Dataset, _general: &General) -> Result<Exit> {
    bail!("not there yet")
}
