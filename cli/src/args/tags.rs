//! The grammar of `train tags` and `train contact`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::MlflowFlags;

/// `train tags`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train tags ~/Loops --label-source filename --out genres.onnx
      Learns genres from how files and their folders are called (deep-house_01.wav, DnB/174/a.wav).
  loopwright train tags ~/Loops --label-source hybrid --out tags.onnx
      Genres, and tempo_slow, beat_stable, density_dense and so on, measured of the audio.
  loopwright train tags ~/Loops --tags mine.csv --label-source audio --out mine.onnx
      With tags of your own: a CSV of `file` and `tags`, tags separated by |.
  loopwright classify new.wav --model tags.onnx --out tags.csv
      The model at work.

Beside tags.onnx lie tags.features.json (what it reads), tags.MODEL.md (how well it does, tag by tag) and
tags.run.jsonl. Scores, thresholds and calibration come from files that the model had not seen: files of one
source (song_loop1.wav, song_loop2.wav) or of the same content are always on one side. A file whose name
tells no genre counts neither for nor against one. The same files, settings and seed give the same model, whatever
--jobs says.")]
pub struct TrainTags {
    /// Audio files, and folders to search for them
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Where labels come from
    #[arg(long, visible_alias = "label_source", value_name = "SOURCE", value_enum, default_value_t = LabelSource::Hybrid)]
    pub label_source: LabelSource,
    /// Tags of your own: CSV of `file` and `tags`, separated by |; they count before what names say
    #[arg(long, value_name = "FILE.csv")]
    pub tags: Option<PathBuf>,
    /// What both trainings take.
    #[command(flatten)]
    pub flags: TagFlags,
}

/// `train contact`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright contact-map ~/Loops --out map
  loopwright train contact --map map --out contact.onnx
      Learns to tell the map's bins and eigenvector signs from the sound of one file.
  loopwright train contact --map map --audio ~/Loops --out contact.onnx
      The files have moved: they are found by name.
  loopwright classify new.wav --model tags.onnx --contact-model contact.onnx --out tags.csv
      The model at work, beside one of tags.

The labels are places in one map of these very files: scores say how well they can be told from sound, not
what a map of other files would call them. The card says so too.")]
pub struct TrainContact {
    /// Folder that `contact-map` wrote, with contact_map_labels.csv
    #[arg(long, value_name = "DIR")]
    pub map: PathBuf,
    /// Where the files are now, if not where the map has them: files and folders
    #[arg(long, value_name = "INPUT", num_args = 1..)]
    pub audio: Vec<PathBuf>,
    /// What both trainings take.
    #[command(flatten)]
    pub flags: TagFlags,
}

/// What `train tags` and `train contact` take.
#[derive(Debug, Args)]
pub struct TagFlags {
    /// The model's file, .onnx; what belongs to it lies beside it under the same name
    #[arg(short, long, value_name = "MODEL.onnx")]
    pub out: PathBuf,
    /// What learns
    #[arg(long, value_enum, default_value_t = LearnerName::Trees)]
    pub learner: LearnerName,
    /// What is never divided between learning and judging: files of one source by their names, a folder, a file
    #[arg(long, value_enum, default_value_t = GroupName::Name)]
    pub group: GroupName,
    /// Folds that judge, calibrate and set thresholds
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub folds: usize,
    /// Of trees: how many of each tag
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub rounds: usize,
    /// Of networks: passes over the files
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub epochs: usize,
    /// Of networks: hidden units of each tag
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub hidden: usize,
    /// Of linear models: ridge
    #[arg(long, value_name = "L2", default_value_t = 10.0)]
    pub l2: f64,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1337)]
    pub seed: u64,
    /// Files worked on at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// Where the run is recorded.
    #[command(flatten)]
    pub mlflow: MlflowFlags,
}

/// Where labels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LabelSource {
    /// Genres by the names of files and folders
    Filename,
    /// Tempo, beat, rhythm, density, measured of the audio
    Audio,
    /// Both
    Hybrid,
}

/// What learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LearnerName {
    /// Logistic regression with a ridge
    Linear,
    /// A network with one hidden layer for each tag
    Network,
    /// Boosted trees for each tag
    Trees,
}

/// How files are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GroupName {
    /// By the source that names tell
    Name,
    /// By folder
    Folder,
    /// Each file by itself
    File,
}
