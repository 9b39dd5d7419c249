//! The grammar of learning: `dataset`, `train`, `evaluate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `dataset`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright dataset ~/Music --timestamps t.json --out loops.csv")]
pub struct Dataset {
    /// Audio files, and folders to search for them
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// File to write: .csv or .parquet
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train rank loops.csv --out ranker
  loopwright train boost loops.csv --out booster")]
pub struct Train {
    /// What to train
    #[command(subcommand)]
    pub what: What,
}

/// What can be trained.
#[derive(Debug, Subcommand)]
pub enum What {
    /// A network that tells a loop's weight from its features
    Mlp(Mlp),
    /// A network that ranks the loops of a track, list by list
    Rank(Rank),
    /// Gradient-boosted trees, saved as XGBoost JSON
    Boost(Boost),
    /// Bends a ranking to your taste, from loops that you kept and rejected
    Adapt(Adapt),
}

/// What every training takes.
#[derive(Debug, Args)]
pub struct TrainFlags {
    /// Dataset: .csv or .parquet, as `dataset` writes it; several are joined
    #[arg(required = true, value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Folder to write to: the model, features.json, MODEL.md, the record of the run
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1337)]
    pub seed: u64,
    /// Part of the tracks that stops the training
    #[arg(long, value_name = "PART", default_value_t = 0.15)]
    pub valid: f64,
    /// Part of the tracks that judges the result
    #[arg(long, value_name = "PART", default_value_t = 0.15)]
    pub test: f64,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// Where the run is recorded.
    #[command(flatten)]
    pub mlflow: MlflowFlags,
}

/// Where a run is recorded.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Record")]
pub struct MlflowFlags {
    /// Record the run on an MLflow server too: settings, measures by epoch, the finished files
    ///
    /// Without it the run is recorded in DIR/run.jsonl alone. A server that goes away while the training runs does not
    /// end it. Who you are is said by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; a
    /// certificate of your own by MLFLOW_TRACKING_SERVER_CERT_PATH.
    #[arg(long)]
    pub mlflow: bool,
    /// The server [default: $MLFLOW_TRACKING_URI, then http://127.0.0.1:5000]
    #[arg(long, value_name = "URI", requires = "mlflow")]
    pub mlflow_uri: Option<String>,
    /// The experiment; made if missing [default: $MLFLOW_EXPERIMENT_NAME, then loopwright]
    #[arg(long, value_name = "NAME", requires = "mlflow")]
    pub mlflow_experiment: Option<String>,
    /// The run's name [default: that of the folder]
    #[arg(long, value_name = "NAME", requires = "mlflow")]
    pub mlflow_run_name: Option<String>,
}

/// `train mlp`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train mlp loops.csv --out mlp")]
pub struct Mlp {
    /// What every training takes.
    #[command(flatten)]
    pub train: TrainFlags,
}

/// `train rank`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train rank loops.csv --out ranker")]
pub struct Rank {
    /// What every training takes.
    #[command(flatten)]
    pub train: TrainFlags,
}

/// `train boost`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train boost loops.csv --out booster")]
pub struct Boost {
    /// What every training takes.
    #[command(flatten)]
    pub train: TrainFlags,
}

/// `train adapt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train adapt ratings.csv --out mine
      Writes mine/adapted.json and says in words what you seem to like.
  loopwright find song.wav --out loops --model mine/adapted.json
      Ranks by it.
  loopwright train adapt ~/Documents/Loopwright/Captures/ratings.jsonl report.json --out mine
      Joins what you said in the plugin and in a report.
  loopwright train adapt ratings.csv --audio ~/Music --out mine
      Listens to the recordings of ratings that hold nothing but times.
  loopwright train adapt ratings.csv --model ranker/ranker.onnx --out mine
      Bends a trained ranking instead of the heuristic.

Ratings: a table with track_id, start_time, end_time and rating (1 to 5, reject, accept, favourite), such as a
loops_metadata.csv with a column rating added; or the JSON of a report, or of the plugin. Loops are compared within
a track, so rate several of each track, good and bad.

The taste moves a loop's odds by at most 4.5 to 1: what does not work as a loop is not made one. It is kept only so
far as it predicts ratings that were left out; where it does not, the ranking stays exactly as it was.")]
pub struct Adapt {
    /// Ratings: CSV, the report's JSON or the plugin's; several are joined
    #[arg(required = true, value_name = "RATINGS")]
    pub ratings: Vec<PathBuf>,
    /// Folder to write to: adapted.json and MODEL.md; made if missing
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// What the taste is added to: a model file, or `heuristic` [default: heuristic]
    #[arg(short, long, value_name = "FILE")]
    pub model: Option<String>,
    /// Recordings of the rated tracks, and folders to search for them: for ratings without features
    #[arg(long, value_name = "INPUT", num_args = 1..)]
    pub audio: Vec<PathBuf>,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}

/// `evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright evaluate loops.csv --model ranker/ranker.onnx")]
pub struct Evaluate {
    /// Dataset: .csv or .parquet
    #[arg(required = true, value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Models to judge beside the heuristic and chance; several may be given
    #[arg(short, long, value_name = "FILE")]
    pub model: Vec<PathBuf>,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}
