//! `loopwright evaluate`.

use anyhow::{Result, bail};

use crate::args::{Evaluate, General};
use crate::exit::Exit;

pub(super) fn run(_args: &Evaluate, _general: &General) -> Result<Exit> {
    bail!("not there yet")
}
