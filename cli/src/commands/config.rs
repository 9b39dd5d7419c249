//! `loopwright config`.

use anyhow::Result;

use crate::args::{General, ShowConfig};
use crate::exit::Exit;
use crate::settings::Settings;

pub(super) fn run(args: &ShowConfig, general: &General) -> Result<Exit> {
    let settings = Settings::load(general.config.as_deref(), &args.settings.said())?;
    super::print(&settings.to_toml()?)?;
    Ok(Exit::Done)
}
