//! The command line's grammar: what can be said, and the help that teaches it.
//!
//! Parsing decides nothing: flags that stand for settings are handed on as an overlay (see [`crate::settings`]), so
//! that defaults live in one place, [`loopwright_core::config`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use loopwright_core::pipeline::shard::Shard;

#[cfg(feature = "onnx")]
mod classify;
mod contact_map;
#[cfg(feature = "dropbox")]
mod dropbox;
mod learn;
mod merge;
mod neighbors;
mod report;
mod settings;
mod tables;
#[cfg(feature = "onnx")]
mod tags;

#[cfg(feature = "onnx")]
pub use classify::Classify;
pub use contact_map::{ContactMap, SharpenName};
#[cfg(feature = "dropbox")]
pub use dropbox::{Dropbox, DropboxLogin, DropboxLogout, DropboxPull, DropboxStatus, DropboxWhat};
pub use learn::{
    Adapt, AlignName, Boost, Dataset, Evaluate, GainName, Hidden, ListenFlags, LossName, MlflowFlags, Mlp,
    NetworkFlags, ObjectiveName, Rank, Train, TrainFlags, TreeFlags, What,
};
pub use merge::Merge;
pub use neighbors::{Aspect, AspectWeights, Neighbors};
pub use report::Report;
pub use settings::{
    BeatModelFlag, BreakFlags, EmbeddingFlag, ExportFlags, FormatName, LevelName, LoopFlags, ModelFlag, OrderName,
    QuietFlags, QuietSettingFlags, RankFlags, RhythmFlags, Said, SettingFlags,
};
#[cfg(feature = "onnx")]
pub use tags::{GroupName, LabelSource, LearnerName, TagFlags, TrainContact, TrainTags};

const EXAMPLES: &str = "\
Examples:
  loopwright find song.wav --out loops            the five best loops of a song, as WAV
  loopwright find ~/Music --out loops --jobs 4    a whole folder, four tracks at a time
  loopwright breaks song.wav --out breaks         its drum breaks, their hits as kits
  loopwright analyze song.wav                     tempo, beats, meter, key, sections
  loopwright find --help                          everything about finding loops

Exit codes: 0 done, 1 some inputs failed, 2 wrong usage, 3 reading, writing or set-up failed,
4 nothing found, 130 interrupted.";

/// Finds the passages of a recording worth looping, ranks them, and writes them out ready to drop on a track.
///
/// Everything happens on this machine, unless you name an address: dropbox:/Music, s3://bucket/music, https://host/music/.
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
    /// Find drum breaks and write them out with their hits, kits and grooves
    Breaks(Box<Breaks>),
    /// Find loops with quiet drums or none, and slice them on their notes
    Quiet(Box<Quiet>),
    /// Put the folders of several runs together
    Merge(Merge),
    /// Show a track's tempo, beats, meter, key, sections and regions
    Analyze(Analyze),
    /// Compare loops with each other: which go together, in what order, at what stretch
    ContactMap(ContactMap),
    /// Find the loops of a collection that go with one file
    Neighbors(Neighbors),
    /// Answer a labelled set for a scorer
    Predict(Predict),
    /// Make a dataset to train a ranker on, from audio and what is known of it
    Dataset(Box<Dataset>),
    /// Train a ranker on a dataset
    Train(Box<Train>),
    /// Judge rankers on a dataset, beside the heuristic and chance
    Evaluate(Evaluate),
    /// Tell which tags files have, by models that `train tags` and `train contact` made
    #[cfg(feature = "onnx")]
    Classify(Classify),
    /// Make a page to listen to, from what find, breaks and quiet wrote
    Report(Report),
    /// Log in to Dropbox, and copy music from there
    #[cfg(feature = "dropbox")]
    Dropbox(Dropbox),
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
    /// What every command that writes a folder takes.
    #[command(flatten)]
    pub batch: BatchFlags,
    /// Settings.
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// `breaks`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright breaks song.wav --out breaks
      The best breaks of one song in breaks/song/break_01 and on: the loop, its percussive part, every
      hit, the hits as a kit for SFZ players, DecentSampler, Bitwig and Hydrogen, and a MIDI file that
      replays the break on the kit.
  loopwright breaks ~/Music --out breaks --kit sfz --no-stems
      A folder; kits as SFZ only, no percussive parts.
  loopwright breaks song.wav --out breaks --plot
      With a picture of each break, its hits coloured by class.
  loopwright breaks song.wav --out breaks --relabel breaks/song/break_01/hits/clusters.csv
      Some hits are not what they were taken for: change class_label in clusters.csv (one row for all
      hits that sound alike) and run again with it. Names, kits, notes follow. Classes: kick, snare,
      hat_closed, hat_open, tom, clap, crash, ride, perc, bass, lead, stab, fx.

Breaks where nothing but drums plays come first; passages in which drums stand out follow. Interrupted
runs go on where they stopped: the same command skips what is already done.")]
pub struct Breaks {
    /// What every command that writes a folder takes.
    #[command(flatten)]
    pub batch: BatchFlags,
    /// Which breaks.
    #[command(flatten)]
    pub breaks: BreakFlags,
    /// Of the beat tracker.
    #[command(flatten)]
    pub rhythm: RhythmFlags,
    /// What scores how well they run round.
    #[command(flatten)]
    pub model: ModelFlag,
    /// Of the files written.
    #[command(flatten)]
    pub export: ExportFlags,
}

/// `quiet`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright quiet song.wav --out quiet
      The best bars to layer over something else, in quiet/song/, each also as 8 and 16 slices.
  loopwright quiet ~/Music --out quiet --bars 8,16 --slices 16
      Longer ones of every track under a folder, sixteen slices each.
  loopwright quiet song.wav --out quiet --max-perc 0.5 --max-boundary 3
      Soft drums are welcome too.
  loopwright quiet song.wav --out quiet --declick 1
      Slices for one-shot use: each ends in a fade. Without it they make up the loop, sample by sample.

For each loop: loop_01.wav with the finest slices as cue points, loop_01.mid that plays them in order
from note 36 (C1) up, and loop_01/slices_08/ and so on with the slices and a table. Interrupted runs go on where
they stopped: the same command skips what is already done.")]
pub struct Quiet {
    /// What every command that writes a folder takes.
    #[command(flatten)]
    pub batch: BatchFlags,
    /// Settings.
    #[command(flatten)]
    pub settings: QuietSettingFlags,
}

/// What every command that works through files and writes a folder takes.
#[derive(Debug, Args)]
pub struct BatchFlags {
    /// Audio files, folders to search for them, and addresses: dropbox:/Music, s3://bucket/music, https://host/music/
    ///
    /// Folders are searched with everything beneath them, in sorted order. Hidden files and the output of earlier runs
    /// are skipped. What is at an address is fetched into memory, never to the disk.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder to write to, made if missing; or an address in Dropbox or S3
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Tracks worked on at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Work on one part of the tracks, 3/16 for the third of sixteen: for many machines, each with a folder of its own
    ///
    /// Which part a track belongs to depends on its name alone. `loopwright merge` puts the folders together.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Write one JSON object a line to standard output: tracks, loops, failures, a summary
    #[arg(long)]
    pub json: bool,
    /// Find and rank, but write no files
    #[arg(long)]
    pub dry_run: bool,
    /// Do every track again, even where an earlier run has finished it
    #[arg(long, visible_alias = "force")]
    pub no_resume: bool,
}

/// `analyze`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright analyze song.wav
  loopwright analyze song.wav --json | jq .tempo.bpm
  loopwright analyze song.wav --click click.wav --plot song.png
      Hear the beats on top of the track, see them under its waveform: are they right?
  loopwright analyze song.wav --plot start.svg --plot-range 0-0:12
      The first twelve seconds, close enough to see beats against attacks.
  loopwright analyze song.wav --json | jq -r '.alternatives[] | [.name, .bpm, .flags] | @tsv'
      What else it could be, and the flags that say so; find takes the same ones.
  loopwright analyze song.wav --tempo-ratio 3/2 --click click.wav
      The track counted in triplets: three beats for every two.
  loopwright analyze waltz.flac --meter 3 --bpm 174

Overrides apply in this order: the tempo (--bpm; or --double, --half, --tempo-ratio), --shift-beat,
--meter, the bar lines (--shift-bar or --first-downbeat), --grid-offset. Everything that is shown and
written follows the grid that results. What you say counts as certain in the confidence.")]
pub struct Analyze {
    /// Audio file
    #[arg(value_name = "FILE")]
    pub input: PathBuf,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// Write the track with a click on every beat, high and loud on downbeats, as 24-bit WAV; the track is brought down
    /// to half scale where it is louder, so that nothing clips
    #[arg(long, value_name = "OUT.wav")]
    pub click: Option<PathBuf>,
    /// The clicks alone, without the track
    #[arg(long, requires = "click")]
    pub click_only: bool,
    /// Draw the waveform with beats, bars, sections and regions, rows of whole bars under each other; .png or .svg
    #[arg(long, value_name = "OUT.png|OUT.svg")]
    pub plot: Option<PathBuf>,
    /// Draw only from START to END, in seconds or m:ss
    #[arg(long, value_name = "START-END", requires = "plot", value_parser = range)]
    pub plot_range: Option<(f64, f64)>,
    /// Settings of the beat tracker.
    #[command(flatten)]
    pub rhythm: RhythmFlags,
}

/// Two times with a hyphen between them: `12.5-20`, `1:02-1:10.5`.
fn range(text: &str) -> Result<(f64, f64), String> {
    let wrong = || "not a range of times, such as 12.5-20 or 1:02-1:10".to_owned();
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let (from, to) = (time(from).ok_or_else(wrong)?, time(to).ok_or_else(wrong)?);
    if to > from {
        Ok((from, to))
    } else {
        Err("must end after it begins".to_owned())
    }
}

/// Seconds, or minutes and seconds with a colon between them.
fn time(text: &str) -> Option<f64> {
    let (minutes, seconds) = text.trim().split_once(':').unwrap_or(("0", text.trim()));
    let seconds: f64 = seconds.parse().ok().filter(|s: &f64| s.is_finite() && *s >= 0.0)?;
    let minutes: u32 = minutes.parse().ok()?;
    Some(f64::from(minutes) * 60.0 + seconds)
}

/// The tasks that `predict` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// Beats, downbeats and tempo.
    Beats,
    /// Twenty loops in variety order, and the break, drumless and quiet regions.
    Loops,
    /// Drum hits and their classes.
    Onsets,
    /// What a single sound is: kick, snare, hi-hat, …
    Oneshots,
    /// Tempo, bars and content of a loop file, by its length and by ear.
    Looptempo,
    /// Which loops go with each, and how long their bars are to its own.
    Neighbours,
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
  loopwright predict oneshots eval/oneshots --out oneshots.jsonl
  loopwright predict looptempo eval/loops --out tempo.jsonl
  loopwright predict neighbours eval/loops --out neighbours.jsonl
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
    /// What scores the loops.
    #[command(flatten)]
    pub ranker: ModelFlag,
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
    /// Model that scores loops to check: what it is, which features it reads, what its scores mean
    #[arg(long, value_name = "FILE")]
    pub model: Option<String>,
    /// Network that embeds recordings to check: what it takes, which columns it gives; --model is then checked with it
    #[arg(long, value_name = "FILE")]
    pub embedding_model: Option<String>,
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
    fn ranges_of_times_are_read() {
        assert_eq!(range("12.5-20"), Ok((12.5, 20.0)));
        assert_eq!(range("0-0:12"), Ok((0.0, 12.0)));
        assert_eq!(range("1:02 - 1:10.5"), Ok((62.0, 70.5)));
        for wrong in ["", "5", "-5-3", "a-b", "3-inf", "1:-2", "7-7", "9-8", "1:1:1-2"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_of_an_alternative_say_its_settings() {
        use loopwright_core::config::Config;
        let settings = |text: &str| toml::from_str::<Config>(&format!("[rhythm]\n{text}")).unwrap().rhythm;
        for (toml, flags) in [
            ("", ""),
            ("half = true\nshift_bar = -1", "--tempo-ratio 1/2 --shift-bar -1"),
            (
                "bpm = 98.5\nbeats_per_bar = 3\nfirst_downbeat = 1.25",
                "--bpm 98.5 --meter 3 --first-downbeat 1.250",
            ),
            (
                "tempo_ratio = \"4/3\"\nshift_beat = \"-1/3\"\ngrid_offset_ms = -5.5",
                "--tempo-ratio 4/3 --shift-beat -1/3 --grid-offset -5.5",
            ),
        ] {
            let wanted = settings(toml);
            let made = loopwright_core::pipeline::analyze::flags(&wanted);
            assert_eq!(made.join(" "), flags);
            let line = ["loopwright", "analyze", "a.wav"]
                .map(str::to_owned)
                .into_iter()
                .chain(made);
            let Command::Analyze(analyze) = Cli::try_parse_from(line).unwrap().command else {
                panic!("analyze");
            };
            let mut values = serde_json::to_value(Config::default()).unwrap();
            for (section, key, value, _) in analyze.rhythm.said() {
                values[section][key] = value;
            }
            let read: Config = serde_json::from_value(values).unwrap();
            assert_eq!(read.validate(), Ok(()));
            assert_eq!(read.rhythm.ratio(), wanted.ratio());
            assert_eq!(
                (
                    read.rhythm.bpm,
                    read.rhythm.shift_beat,
                    read.rhythm.beats_per_bar,
                    read.rhythm.shift_bar
                ),
                (wanted.bpm, wanted.shift_beat, wanted.beats_per_bar, wanted.shift_bar)
            );
            assert_eq!(read.rhythm.first_downbeat, wanted.first_downbeat);
            assert_eq!(read.rhythm.grid_offset_ms, wanted.grid_offset_ms);
        }
    }

    #[test]
    fn flags_that_contradict_each_other_are_refused() {
        for flags in [
            "--half --double",
            "--half --tempo-ratio 2",
            "--double --tempo-ratio 2",
            "--bpm 120 --half",
            "--bpm 120 --tempo-ratio 2",
            "--bpm 120 --beats b.txt",
            "--shift-bar 1 --first-downbeat 2",
            "--tempo-ratio fast",
            "--shift-bar 16",
            "--first-downbeat -1",
            "--grid-offset 2000",
            "--click-only",
            "--plot-range 1-2",
            "--plot p.svg --plot-range 2-1",
        ] {
            let line = ["loopwright", "analyze", "a.wav"].into_iter().chain(flags.split(' '));
            assert!(Cli::try_parse_from(line).is_err(), "{flags}");
        }
    }

    #[test]
    fn dry_run_needs_no_folder() {
        assert!(Cli::try_parse_from(["loopwright", "find", "a.wav"]).is_err());
        assert!(Cli::try_parse_from(["loopwright", "find", "a.wav", "--dry-run"]).is_ok());
    }
}
