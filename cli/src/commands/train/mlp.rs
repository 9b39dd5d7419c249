//! `loopwright train mlp`.

use anyhow::Result;
use loopwright_core::learn::listwise::Loss;
use loopwright_core::learn::mlp::{self, Settings};

use crate::args::{General, Mlp, NetworkFlags};
use crate::exit::Exit;

pub(super) fn run(args: &Mlp, general: &General) -> Result<Exit> {
    let settings = settings(&args.network, Loss::Squared, args.train.seed);
    super::run::run(&args.train, &mlp::Mlp { settings }, general)
}

/// What suits the loss, but for what the flags say.
pub(super) fn settings(flags: &NetworkFlags, loss: Loss, seed: u64) -> Settings {
    let usual = Settings::of(loss);
    let mut scaling = usual.scaling;
    scaling.trackwise &= !flags.no_trackwise;
    Settings {
        hidden: flags.hidden.clone().map_or(usual.hidden, |h| h.0),
        dropout: flags.dropout.unwrap_or(usual.dropout),
        epochs: flags.epochs.unwrap_or(usual.epochs),
        patience: flags.patience.unwrap_or(usual.patience),
        rate: flags.lr.unwrap_or(usual.rate),
        decay: flags.weight_decay.unwrap_or(usual.decay),
        batch: flags.batch.unwrap_or(usual.batch),
        max_candidates: match flags.max_candidates {
            None => usual.max_candidates,
            Some(0) => None,
            some => some,
        },
        scaling,
        seed,
        threads: crate::commands::jobs(flags.jobs),
        ..usual
    }
}
