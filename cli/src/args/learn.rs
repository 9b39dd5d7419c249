//! The grammar of learning: `dataset`, `train`, `evaluate`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use loopwright_core::learn::labels::weigh::Align;

use super::{EmbeddingFlag, LoopFlags, RhythmFlags};

/// `dataset`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright dataset ~/Music --labels timestamps.json --out loops.csv
      Weak labels, {\"song\": [12.5, 61.0]}: loops about these seconds are good. A row a candidate, with
      the columns of the Python pipeline first.
  loopwright dataset ~/Music --labels loops.json --hard-negatives 4 --out loops.parquet
      The loops themselves, {\"song\": [[12.5, 20.5]]}, with wrong ones that are hard to tell from them.
  loopwright dataset ~/Music --labels rekordbox.xml --max-candidates 300 --out loops.parquet
      A DJ's own loops and cues; 300 rows a track at most, the good ones among them.
  loopwright dataset ~/Music --self-supervised --without pt_mel --out pairs.csv
      No labels: what each track repeats, against the same length cut in the wrong place.
  loopwright dataset ~/Music --labels loops.json --embedding-model openl3.onnx --out loops.parquet
      With the columns openl3_0, openl3_1, ... of a network of your own, whose name and digest are kept in
      loops.parquet.features.json, then in features.json of the model that learns from them.
  loopwright dataset set --grid true_beats.jsonl --labels truth.json --out set.csv
      A labelled set with a manifest.json, on given beats.

Labels are told by content: JSON of seconds or of [start, end], CSV with track_id, start_time and
end_time, or rekordbox's XML. Their keys are names of tracks, names of files or paths. Interrupted runs
go on where they stopped.")]
pub struct Dataset {
    /// Audio files, folders to search for them, sets with a manifest.json of `id` and `audio`, and addresses (dropbox:/FMA)
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// File to write: .csv or .parquet, here or at an address
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Which loops are good; give it again for more than one file
    #[arg(short, long, value_name = "FILE", visible_aliases = ["timestamps", "boundaries", "rekordbox"],
          help_heading = "Labels")]
    pub labels: Vec<PathBuf>,
    /// Learn from what each track repeats instead of labels
    #[arg(long, conflicts_with = "labels", help_heading = "Labels")]
    pub self_supervised: bool,
    /// What a label of one moment is compared to: a loop's middle or its start
    #[arg(long, value_name = "PLACE", default_value = "centre", help_heading = "Labels")]
    pub align: AlignName,
    /// Also rows of up to so many wrong loops for each good one: a beat or half a bar off, or ranked high and overlapping it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), conflicts_with = "self_supervised",
          help_heading = "Labels")]
    pub hard_negatives: Option<u32>,
    /// Keep tracks that no label is of, with weights of 0
    #[arg(long, help_heading = "Labels")]
    pub keep_unlabelled: bool,
    /// Most rows of a track: good ones are all kept, then hard ones, then others, by lot
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Table")]
    pub max_candidates: Option<u32>,
    /// Features to have, by commas: names from `loopwright features`, one column or all of a kind [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Table")]
    pub columns: Vec<String>,
    /// Features to leave out, by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Table")]
    pub without: Vec<String>,
    /// What embeds recordings.
    #[command(flatten)]
    pub embedding: EmbeddingFlag,
    /// Say in further columns what each row is: kind, section, content. They are no features
    #[arg(long, help_heading = "Table")]
    pub annotate: bool,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1337, help_heading = "Table")]
    pub seed: u64,
    /// Beats and downbeats of tracks by name, as `predict` takes them: JSON lines of id, beats, downbeats
    #[arg(long, value_name = "G.jsonl", help_heading = "Tempo and beats")]
    pub grid: Option<PathBuf>,
    /// Of the beat tracker.
    #[command(flatten)]
    pub rhythm: RhythmFlags,
    /// Of the candidates.
    #[command(flatten)]
    pub loops: LoopFlags,
    /// Tracks worked on at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write one JSON object a line to standard output: tracks, failures, a summary
    #[arg(long)]
    pub json: bool,
    /// Do every track again, even where an earlier run has finished it
    #[arg(long, visible_alias = "force")]
    pub no_resume: bool,
}

/// What a moment is compared to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum AlignName {
    /// The loop's middle, as the Python pipeline has it
    #[default]
    Centre,
    /// Its start
    Start,
}

impl From<AlignName> for Align {
    fn from(name: AlignName) -> Self {
        match name {
            AlignName::Centre => Self::Centre,
            AlignName::Start => Self::Start,
        }
    }
}

/// `train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train rank loops.csv --out ranker
  loopwright train boost loops.csv --out booster
  loopwright train rank --help")]
pub struct Train {
    /// What to train
    #[command(subcommand)]
    pub what: What,
}

/// What can be trained.
#[derive(Debug, Subcommand)]
pub enum What {
    /// A network that tells a loop's weight from its features
    Mlp(Box<Mlp>),
    /// A network that ranks the loops of a track, list by list
    Rank(Box<Rank>),
    /// Gradient-boosted trees, saved as XGBoost JSON
    Boost(Box<Boost>),
    /// Bends a ranking to your taste, from loops that you kept and rejected
    Adapt(Adapt),
    /// Models that tell which tags a file has: genres, tempo, rhythm, your own
    #[cfg(feature = "onnx")]
    Tags(Box<super::TrainTags>),
    /// A model that tells the labels of a contact map from the sound of a file
    #[cfg(feature = "onnx")]
    Contact(Box<super::TrainContact>),
}

/// What every training takes.
#[derive(Debug, Args)]
pub struct TrainFlags {
    /// Dataset: .csv or .parquet, as `dataset` writes it; several are joined
    #[arg(required_unless_present = "audio", conflicts_with = "audio", value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Folder to write to: the model, features.json, MODEL.md, the record of the run; or the model's file, x.onnx, beside
    /// which the others are called x.features.json and so on. Either may be in a store, dropbox:/Models/x.onnx
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// What is listened to in place of a dataset.
    #[command(flatten)]
    pub listen: ListenFlags,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1337)]
    pub seed: u64,
    /// Part of the tracks that stops the training; 0 for none
    #[arg(long, value_name = "PART", default_value_t = 0.15)]
    pub valid: f64,
    /// Part of the tracks that judges the result; 0 for none
    #[arg(long, value_name = "PART", default_value_t = 0.15)]
    pub test: f64,
    /// Judge every track once, in N folds, and learn from all of them in the end (N + 1 trainings)
    #[arg(long, value_name = "N", conflicts_with = "test")]
    pub folds: Option<usize>,
    /// Learn only from columns of this name; * and ? match any characters and any one. May be given again
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<String>,
    /// Leave columns of this name out, such as 'pt_mel_*'. May be given again
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
    /// Where the run is recorded.
    #[command(flatten)]
    pub mlflow: MlflowFlags,
}

/// Recordings to learn from, without a table in between.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Recordings in place of DATA")]
pub struct ListenFlags {
    /// Audio file, folder to search, or address in a store (dropbox:/FMA, s3://bucket/folder); may be given again
    ///
    /// Recordings in a store are fetched one by one and kept in memory while they are listened to: no audio and no table is
    /// written to this machine.
    #[arg(long, value_name = "INPUT")]
    pub audio: Vec<PathBuf>,
    /// Which loops are good, as `dataset` takes it; may be given again
    #[arg(long, value_name = "FILE", visible_aliases = ["timestamps", "boundaries", "rekordbox"], requires = "audio")]
    pub labels: Vec<PathBuf>,
    /// Learn from what each track repeats instead of labels
    #[arg(long, requires = "audio", conflicts_with = "labels")]
    pub self_supervised: bool,
    /// What a label of one moment is compared to: a loop's middle or its start
    #[arg(long, value_name = "PLACE", default_value = "centre", requires = "audio")]
    pub align: AlignName,
    /// Also rows of up to so many wrong loops for each good one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), requires = "audio",
          conflicts_with = "self_supervised")]
    pub hard_negatives: Option<u32>,
    /// Learn from tracks that no label is of, too, with weights of 0
    #[arg(long, requires = "audio")]
    pub keep_unlabelled: bool,
    /// Keep the rows of each track in DIR, so that a run that was stopped goes on [default: in memory]
    #[arg(long, value_name = "DIR", requires = "audio")]
    pub keep_rows: Option<PathBuf>,
    /// Tracks listened to at the same time [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), requires = "audio")]
    pub listen_jobs: Option<u16>,
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

/// How a network learns. What is not given is as it suits the command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkFlags {
    /// Most passes over the training tracks [default: 60]
    #[arg(long, value_name = "N")]
    pub epochs: Option<usize>,
    /// End after so many epochs without a better ranking of the validation tracks (NDCG@10) [default: 12]
    #[arg(long, value_name = "N")]
    pub patience: Option<usize>,
    /// Highest learning rate; it rises over the first epoch and falls along a cosine [default: 0.001]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f32>,
    /// Weight decay (AdamW) [default: 0.01]
    #[arg(long, value_name = "DECAY")]
    pub weight_decay: Option<f32>,
    /// Tracks in a batch [default: 8]
    #[arg(long, value_name = "N")]
    pub batch: Option<usize>,
    /// Units of the hidden layers, by commas; "none" for a linear model [default: 128,64]
    #[arg(long, value_name = "N,N,…", value_parser = hidden)]
    pub hidden: Option<Hidden>,
    /// Part of the hidden units silenced at each step, 0 to below 1 [default: 0.1]
    #[arg(long, value_name = "PART")]
    pub dropout: Option<f32>,
    /// Most candidates of a track in a step: the best half of them, the others drawn; 0 for all [default: 512]
    #[arg(long, value_name = "N")]
    pub max_candidates: Option<usize>,
    /// Do not add features standardised over the candidates of a track
    #[arg(long)]
    pub no_trackwise: bool,
    /// Threads; they change the time, not the result [default: all processors]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<u16>,
}

/// Units of hidden layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden(pub Vec<usize>);

fn hidden(text: &str) -> Result<Hidden, String> {
    if text == "none" {
        return Ok(Hidden(Vec::new()));
    }
    let layer = |n: &str| {
        n.trim()
            .parse()
            .map_err(|_| format!("{n:?} is no number of units; give them as 128,64, or \"none\""))
    };
    text.split(',').map(layer).collect::<Result<_, _>>().map(Hidden)
}

/// `train mlp`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train mlp loops.csv --out mlp
      Learns the column `weight` by regression; writes mlp/ranker.onnx, features.json, MODEL.md, run.jsonl.
  loopwright train mlp a.parquet b.parquet --out mlp --exclude 'pt_mel_*' --hidden 256,128 --epochs 100
      Two datasets as one, without the log-mel columns, in a larger network.
  loopwright find song.wav --out loops --model mlp/ranker.onnx
      The model at work.

Tracks, not rows, are split into those that are learnt from, those that stop the training, and those that
judge the result. The same data, settings and seed give the same file, whatever --jobs says. Ctrl-C stops
it; a model that was there stays as it was.")]
pub struct Mlp {
    /// What every training takes.
    #[command(flatten)]
    pub train: TrainFlags,
    /// How the network learns.
    #[command(flatten)]
    pub network: NetworkFlags,
}

/// `train rank`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train rank loops.csv --out ranker
      Learns which loops of a track are better; writes ranker/ranker.onnx, features.json, MODEL.md, run.jsonl.
  loopwright train rank loops.csv --out ranker --loss listnet
      Another loss: soft targets, as in the earlier Python pipeline.
  loopwright train rank loops.csv --out ranker --folds 5 --json > scores.json
      Every track judged once by a model that had not seen it; the scores, with intervals, as JSON.
  loopwright train rank --audio dropbox:/FMA --audio dropbox:/Jamendo --timestamps t.json \\
      --out dropbox:/Models/loop_ranker.onnx
      From recordings that are elsewhere to a model that is put there; nothing of either is kept here.
  loopwright find song.wav --out loops --model ranker/ranker.onnx
      The model at work.

Tracks, not rows, are split into those that are learnt from, those that stop the training, and those that
judge the result. The same data, settings and seed give the same file, whatever --jobs says. Ctrl-C stops
it; a model that was there stays as it was.")]
pub struct Rank {
    /// What every training takes.
    #[command(flatten)]
    pub train: TrainFlags,
    /// What is made small
    #[arg(long, value_enum, default_value_t = LossName::Lambdarank)]
    pub loss: LossName,
    /// Of listnet: the target is softmax(weight / T) [default: 0.125]
    #[arg(long, value_name = "T")]
    pub temperature: Option<f32>,
    /// How the network learns.
    #[command(flatten)]
    pub network: NetworkFlags,
}

/// Losses over the candidates of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LossName {
    /// Cross-entropy with soft targets
    Listnet,
    /// Likelihood of the best ten in their order
    Listmle,
    /// Pairs, weighted by what swapping them changes of NDCG
    Lambdarank,
}

/// `train boost`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright train boost loops.csv --out booster
      Trees that rank the loops of a track; writes booster/ranker.json, features.json, MODEL.md, run.jsonl, split.json.
  loopwright train boost loops.csv --out booster --objective regression --rounds 800
      Trees that tell the column `weight`.
  loopwright train boost loops.csv --out booster --depth 4 --subsample 0.6 --colsample 0.5
      Smaller trees, each on a part of the tracks and the columns, where there are few tracks.
  python3 -c \"import xgboost; xgboost.Booster(model_file='booster/ranker.json')\"
      The same model in Python, with the same predictions.

Names and meanings are XGBoost's. Tracks, not rows, are split and drawn. The trees up to the round that ranks the
validation tracks best are kept. Missing values need nothing: each split learns where they belong. The same
data, settings and seed give the same file, whatever --jobs says.")]
pub struct Boost {
    /// What every training takes.
    #[command(flatten)]
    pub train: TrainFlags,
    /// How trees are boosted.
    #[command(flatten)]
    pub trees: TreeFlags,
}

/// How trees are boosted.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Trees")]
pub struct TreeFlags {
    /// What the trees are to do
    #[arg(long, value_enum, default_value_t = ObjectiveName::Rank)]
    pub objective: ObjectiveName,
    /// Most rounds, one tree each
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub rounds: usize,
    /// End after so many rounds without a better ranking of the validation tracks (NDCG@10)
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub patience: usize,
    /// Levels of splits, 1 to 12
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub depth: usize,
    /// What part of its correction each tree makes
    #[arg(long, value_name = "RATE", default_value_t = 0.1)]
    pub learning_rate: f64,
    /// Added to the sum of hessians of each leaf (L2)
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub lambda: f64,
    /// Least gain of a split
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    pub gamma: f64,
    /// Least sum of hessians on either side of a split
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub min_child_weight: f64,
    /// Part of the tracks that each tree is grown on
    #[arg(long, value_name = "PART", default_value_t = 0.8)]
    pub subsample: f64,
    /// Part of the columns that each tree is grown from
    #[arg(long, value_name = "PART", default_value_t = 0.8)]
    pub colsample: f64,
    /// Most bins of a column, 2 to 255; missing values have their own
    #[arg(long, value_name = "N", default_value_t = 255)]
    pub bins: usize,
    /// Of rank: what a weight is worth
    #[arg(long, value_enum, default_value_t = GainName::Linear)]
    pub gain: GainName,
    /// Of rank: only pairs with one of the first N places are looked at
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub top: usize,
    /// Of rank: do not weigh down pairs that are apart already, and tracks with many pairs
    #[arg(long)]
    pub no_normalise: bool,
    /// Threads; they change the time, not the result [default: all processors]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<u16>,
}

/// What trees are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ObjectiveName {
    /// Rank the loops of each track: XGBoost's rank:ndcg (LambdaMART)
    Rank,
    /// Tell each loop's weight: reg:squarederror
    Regression,
}

/// What a weight is worth in NDCG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GainName {
    /// The weight, for weights between 0 and 1
    Linear,
    /// 2^weight - 1, for grades 0, 1, 2, …
    Exponential,
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
  loopwright evaluate loops.csv
      The heuristic and chance.
  loopwright evaluate loops.csv --model ranker/ranker.onnx --model booster/ranker.json
      Two models beside them.
  loopwright evaluate loops.csv --model booster/ranker.json --only-test
      Only tracks that the training of the model did not see: those that booster/split.json names.
  loopwright evaluate loops.csv --model booster/ranker.json --per-track tracks.csv --json > scores.json
      Every measure of every track as a table, and the summary as JSON.

Measures are taken track by track and averaged; intervals hold 95 % (bootstrap over tracks). What is above another
ranker is compared track by track too. A loop is relevant where its weight reaches --threshold.
  ndcg@K       what the first K are worth, each less the lower it stands, over the best order (linear gain)
  precision@K  part of the first K that is relevant          recall@K  part of the relevant that is in the first K
  hit@K        a relevant loop is in the first K             best@K    one of the greatest weight is
  mrr          one over the place of the first relevant loop
Equal scores stand in no order: a measure is then its mean over all their orders. Chance is exact, not drawn.
Calibration: Brier's score and the expected calibration error of score_prob; lower is better.")]
pub struct Evaluate {
    /// Datasets: .csv or .parquet; several are joined
    #[arg(required = true, value_name = "DATA")]
    pub data: Vec<PathBuf>,
    /// Models to judge beside the heuristic and chance; may be given again
    #[arg(short, long, value_name = "FILE")]
    pub model: Vec<PathBuf>,
    /// Places that are looked at, by commas
    #[arg(long, value_name = "K,K,…", value_delimiter = ',', default_values_t = [1, 3, 5, 10])]
    pub k: Vec<usize>,
    /// From which weight a loop is relevant
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.5)]
    pub threshold: f32,
    /// Weight of boundary_quiet_score taken from models' scores [default: what each model brings]
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub alpha: Option<f64>,
    /// Judge only by tracks that no model was trained with, as the split.json beside each says
    #[arg(long, requires = "model")]
    pub only_test: bool,
    /// Write every measure of every track to FILE: .parquet, .jsonl, or else CSV
    #[arg(long, value_name = "FILE")]
    pub per_track: Option<PathBuf>,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}
