//! The grammar of `neighbors`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use loopwright_core::similarity::neighbors::Weights;

/// An aspect in which loops are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Aspect {
    /// What is struck when
    Rhythm,
    /// How it sounds
    Timbre,
    /// Which pitches it has
    Harmony,
}

impl From<Aspect> for Weights {
    fn from(aspect: Aspect) -> Self {
        let of = |this| if aspect == this { 1.0 } else { 0.0 };
        Self {
            rhythm: of(Aspect::Rhythm),
            timbre: of(Aspect::Timbre),
            harmony: of(Aspect::Harmony),
        }
    }
}

/// Weights of the aspects, as they are written: `rhythm=1,timbre=0.3`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AspectWeights(pub Weights);

impl std::str::FromStr for AspectWeights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut weights = Weights {
            rhythm: 0.0,
            timbre: 0.0,
            harmony: 0.0,
        };
        for part in text.split(',') {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("{part:?} is no name=number, such as rhythm=1"))?;
            let value: f32 = value.trim().parse().map_err(|_| format!("{value:?} is no number"))?;
            match name.trim() {
                "rhythm" => weights.rhythm = value,
                "timbre" => weights.timbre = value,
                "harmony" => weights.harmony = value,
                other => return Err(format!("{other:?} is no aspect; there are rhythm, timbre, harmony")),
            }
        }
        if weights.is_valid() {
            Ok(Self(weights))
        } else {
            Err("weights are 0 or more, and not all of them 0".to_owned())
        }
    }
}

/// `neighbors`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright neighbors loops/break_01.wav --in loops/
      The loops under loops/ whose groove is most like that of break_01, at any tempo and on any kit, with
      how far to move the pitch fader so that they run together.
  loopwright neighbors funky_12 --in loops/ --in more/ --top 20 --out neighbors.csv
      A part of a name will do where only one file has it. The table as CSV.
  loopwright neighbors my_beat.wav --in ~/samples --index samples.lwi
      Any file may be asked for. What was heard of ~/samples is kept in samples.lwi: the next question
      listens only to what is new or has changed.
  loopwright neighbors other_beat.wav --index samples.lwi
      The index alone; the folder is not looked at.
  loopwright neighbors pad.wav --in loops/ --by harmony
  loopwright neighbors pad.wav --in loops/ --weight rhythm=1,timbre=0.3,harmony=0.5
      Other aspects than rhythm: one, or several with weights.
  loopwright neighbors break_01 --map map/
      Neighbours as a contact map has them, from the folder that contact-map wrote.

A similarity is from 0 to 1. A stretch of 1.25 says that the neighbour's bars are a quarter longer:
played 25 % faster it fits. The fader never asks for what half or double time gives for nothing.
Files that are silent, shorter than 0.2 s, longer than a loop or unreadable are reported and left out;
the exit code is 1 then.")]
pub struct Neighbors {
    /// Audio file, or the name of a file of the collection, or a part of it that no other has
    #[arg(value_name = "QUERY")]
    pub query: String,
    /// Audio files, and folders to search for them, folders that find and breaks have written too; give it again for more
    #[arg(long = "in", value_name = "FOLDER", num_args = 1.., required_unless_present_any = ["index", "map"])]
    pub inputs: Vec<PathBuf>,
    /// Keep what was heard in FILE, and hear only what it does not know; without --in, search what it holds
    #[arg(long, value_name = "FILE")]
    pub index: Option<PathBuf>,
    /// A folder that contact-map wrote
    #[arg(long, value_name = "DIR", conflicts_with_all = ["inputs", "index", "by", "weight"])]
    pub map: Option<PathBuf>,
    /// Aspect to go by [default: rhythm]
    #[arg(long, value_name = "ASPECT", conflicts_with = "weight")]
    pub by: Option<Aspect>,
    /// How much each aspect counts: rhythm=1,timbre=0.3,harmony=0.2. What is not named counts for nothing
    #[arg(long, value_name = "WEIGHTS")]
    pub weight: Option<AspectWeights>,
    /// Neighbours to tell
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// Write the table: .parquet, .jsonl, or else CSV
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write one JSON object a line to standard output: failures, neighbours, a summary
    #[arg(long)]
    pub json: bool,
    /// Files heard at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
}

impl Neighbors {
    /// What counts how much.
    pub fn weights(&self) -> Weights {
        match (self.by, self.weight) {
            (Some(aspect), _) => aspect.into(),
            (None, Some(AspectWeights(weights))) => weights,
            (None, None) => Weights::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn parsed(flags: &str) -> Result<Neighbors, clap::Error> {
        let line = ["loopwright", "neighbors"].into_iter().chain(flags.split(' '));
        Cli::try_parse_from(line).map(|cli| match cli.command {
            Command::Neighbors(args) => args,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn weights_are_said_by_aspect() {
        let weights = |flags: &str| parsed(&format!("q --in a {flags}")).unwrap().weights();
        assert_eq!(weights("--top 3"), Weights::default());
        assert_eq!(weights("--by timbre").timbre, 1.0);
        let some = weights("--weight rhythm=1,harmony=.2");
        assert_eq!((some.rhythm, some.timbre, some.harmony), (1.0, 0.0, 0.2));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for flags in [
            "q",
            "q --in a --map b",
            "q --map b --by timbre",
            "q --in a --by rhythm --weight rhythm=1",
            "q --in a --weight rhythm=0",
            "q --in a --weight rhythm=-1",
            "q --in a --weight rhythm=nan",
            "q --in a --weight groove=1",
            "q --in a --weight rhythm",
            "q --in a --top 0",
        ] {
            assert!(parsed(flags).is_err(), "{flags}");
        }
        assert!(parsed("q --index i").is_ok() && parsed("q --map m").is_ok());
    }
}
