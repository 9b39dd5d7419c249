//! `loopwright train mlp`.

use anyhow::{Result, bail};

use crate::args::{General, Mlp};
use crate::exit::Exit;

pub(super) fn run(_args: &Mlp, _general: &General) -> Result<Exit> {
    bail!("not there yet")
}
