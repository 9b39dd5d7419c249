//! `loopwright train rank`.

use anyhow::Result;
use loopwright_core::learn::listwise::Loss;
use loopwright_core::learn::mlp::{Mlp, Settings};

use crate::args::{General, LossName, Rank};
use crate::exit::Exit;

pub(super) fn run(args: &Rank, general: &General) -> Result<Exit> {
    let loss = match args.loss {
        LossName::Listnet => Loss::ListNet,
        LossName::Listmle => Loss::ListMle,
        LossName::Lambdarank => Loss::LambdaRank,
    };
    let usual = super::mlp::settings(&args.network, loss, args.train.seed);
    let settings = Settings {
        temperature: args.temperature.unwrap_or(usual.temperature),
        ..usual
    };
    super::run::run(&args.train, &Mlp { settings }, general)
}
