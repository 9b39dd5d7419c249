//! The command line's grammar: what can be said, and the help that teaches it.
//!
//! Parsing decides nothing: flags that stand for settings are handed on as an overlay (see [`crate::settings`]), so
//! that defaults live in one place, [`loopwright_core::config`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod settings;

pub use settings::{
    BeatModelFlag, ExportFlags, FormatName, LevelName, LoopFlags, OrderName, RankFlags, RhythmFlags, Said, SettingFlags,
};

const EXAMPLES: &str = "\
Examples:
  loopwright find song.wav --out loops            the five best loops of a song, as WAV
  loopwright find ~/Music --out loops --jobs 4    a whole folder, four tracks at a time
  loopwright analyze song.wav                     tempo, beats, meter, key, sections
  loopwright find --help                          everything about finding loops

Exit codes: 0 done, 1 some inputs failed, 2 wrong usage, 3 reading, writing or set-up failed,
4 nothing found, 130 interrupted.";

/// Finds the passages of a recording worth looping, ranks them, and writes them out ready to drop on a track.
///
/// Everything happens on this machine: no network, no account.
#[derive(Debug, Parser)]
#[command(name = "loopwright", version, after_help = EXAMPLES, max_term_width = 100, subcommand_required = true,
          arg_required_else_help = true, infer_subcommands = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub general: General,
}

/// Options that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "General")]
pub struct General {
    /// Read settings from FILE only, not from ./loopwright.toml and the user's own
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: reasons, warnings, settings (twice: more still)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Draw no progress bars (they are drawn only on a terminal)
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find loops in audio files and folders and write them out
    Find(Box<Find>),
    /// Show a track's tempo, beats, meter, key, sections and regions
    Analyze(Analyze),
    /// Answer a labelled set for a scorer
    Predict(Predict),
    /// List the features that loops are ranked by
    Features(Features),
    /// Show the settings in force and where each comes from
    Config(Box<ShowConfig>),
    /// Check that the tool can do its work on this machine
    Doctor(Doctor),
    /// Print a completion script for a shell
    Completions(Completions),
}

/// `find`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright find song.wav --out loops
      The best loops of one song, in loops/song/.
  loopwright find ~/Music/sets --out loops --jobs 4 --format wav --format mp3
      Every track under a folder, four at a time, each loop as WAV and as an MP3 preview.
  loopwright find song.flac --out loops --bars 4,8 --top 10 --order best
      Ten loops of 4 or 8 bars, highest score first.
  loopwright find song.wav --out loops --half
      The tempo came out twice too fast: read every two beats as one.
  loopwright find song.wav --out loops --beats beats.txt
      Your own beats, one time in seconds a line.
  loopwright find ~/Music --out loops --dry-run --json > loops.jsonl
      Write no audio; one JSON object a line on standard output.

Interrupted runs go on where they stopped: the same command skips what is already done. Reading
and writing never touch the inputs.")]
pub struct Find {
    /// Audio files, and folders to search for them
    ///
    /// Folders are searched with everything beneath them, in sorted order. Hidden files and the output of earlier runs
    /// are skipped.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder to write to; made if missing
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Tracks worked on at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write one JSON object a line to standard output: tracks, loops, failures, a summary
    #[arg(long)]
    pub json: bool,
    /// Find and rank, but write no files
    #[arg(long)]
    pub dry_run: bool,
    /// Do every track again, even where an earlier run has finished it
    #[arg(long, visible_alias = "force")]
    pub no_resume: bool,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// `analyze`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright analyze song.wav
  loopwright analyze song.wav --json | jq .tempo.bpm
  loopwright analyze waltz.flac --meter 3 --bpm 174")]
pub struct Analyze {
    /// Audio file
    #[arg(value_name = "FILE")]
    pub input: PathBuf,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// Settings of the beat tracker.
    #[command(flatten)]
    pub rhythm: RhythmFlags,
}

/// The tasks that `predict` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// Beats, downbeats and tempo.
    Beats,
    /// Twenty loops in variety order, and the break, drumless and quiet regions.
    Loops,
}

/// `predict`.
#[derive(Debug, Args)]
#[command(after_help = "\
SET_DIR holds manifest.json: an array of objects with an `id` and the path of an `audio` file relative
to SET_DIR. The answer is one JSON object a line, in the manifest's order; an item that fails is
reported and answered with nothing. Default settings are used, not those of loopwright.toml, so that
figures can be compared.

Examples:
  loopwright predict beats eval/beats --out beats.jsonl
  loopwright predict loops eval/songs --out loops.jsonl --grid truth.jsonl
      Ranks with the given beats ({\"id\", \"beats\", \"downbeats\"} in seconds, a line each), so that
      ranking is scored apart from beat tracking.")]
pub struct Predict {
    /// What to answer
    #[arg(value_name = "TASK")]
    pub task: Task,
    /// Folder of the labelled set
    #[arg(value_name = "SET_DIR")]
    pub set: PathBuf,
    /// File to write the answers to
    #[arg(short, long, value_name = "P.jsonl")]
    pub out: PathBuf,
    /// Beats and downbeats to use in place of tracked ones
    #[arg(long, value_name = "G.jsonl")]
    pub grid: Option<PathBuf>,
    /// What hears the beats.
    #[command(flatten)]
    pub model: BeatModelFlag,
    /// Tracks worked on at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
}

/// `features`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright features
  loopwright features --json > features.json")]
pub struct Features {
    /// Write one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `config`.
#[derive(Debug, Args)]
#[command(after_help = "\
Settings come from, each overriding the one before: the defaults, the user's loopwright.toml, the
loopwright.toml of the current folder, flags. An unknown key is an error.

Examples:
  loopwright config                        what holds here, and why
  loopwright config > loopwright.toml      a file to begin with
  loopwright config --bars 4,8 --top 20    what these flags would do")]
pub struct ShowConfig {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright doctor
  loopwright doctor --out /mnt/loops --json")]
pub struct Doctor {
    /// Folder to test for writing
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// Write one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright completions bash > ~/.local/share/bash-completion/completions/loopwright
  loopwright completions zsh > ~/.zfunc/_loopwright
  loopwright completions fish > ~/.config/fish/completions/loopwright.fish")]
pub struct Completions {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_flag_is_explained_and_every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains("Examples:"), "{} has no examples", command.get_name());
            for arg in command.get_arguments() {
                assert!(
                    arg.get_help().is_some(),
                    "{} {} has no help",
                    command.get_name(),
                    arg.get_id()
                );
            }
        }
    }

    #[test]
    fn dry_run_needs_no_folder() {
        assert!(Cli::try_parse_from(["loopwright", "find", "a.wav"]).is_err());
        assert!(Cli::try_parse_from(["loopwright", "find", "a.wav", "--dry-run"]).is_ok());
    }
}
