//! `loopwright train boost`.

use anyhow::Result;
use loopwright_core::learn::boost::{Boost, Gain, Goal, Settings};

use crate::args::{self, General, ObjectiveName, TreeFlags};
use crate::exit::Exit;

pub(super) fn run(args: &args::Boost, general: &General) -> Result<Exit> {
    let settings = settings(&args.trees, args.train.seed);
    super::run::run(&args.train, &Boost { settings }, general)
}

fn settings(flags: &TreeFlags, seed: u64) -> Settings {
    let goal = match flags.objective {
        ObjectiveName::Regression => Goal::Regression,
        ObjectiveName::Rank => Goal::Rank {
            gain: match flags.gain {
                args::GainName::Linear => Gain::Linear,
                args::GainName::Exponential => Gain::Exponential,
            },
            top: flags.top,
            normalise: !flags.no_normalise,
        },
    };
    Settings {
        goal,
        rounds: flags.rounds,
        depth: flags.depth,
        learning_rate: flags.learning_rate,
        lambda: flags.lambda,
        gamma: flags.gamma,
        min_child_weight: flags.min_child_weight,
        subsample: flags.subsample,
        colsample: flags.colsample,
        bins: flags.bins,
        patience: flags.patience,
        seed,
        threads: flags
            .jobs
            .map_or_else(|| Settings::default().threads, usize::from)
            .max(1),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command, What};

    #[test]
    fn what_is_not_said_is_the_default() {
        let cli = Cli::parse_from(["loopwright", "train", "boost", "a.csv", "--out", "b"]);
        let Command::Train(train) = cli.command else { panic!() };
        let What::Boost(boost) = train.what else { panic!() };
        assert_eq!(settings(&boost.trees, 1337), Settings::default());
    }
}
