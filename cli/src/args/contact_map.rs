//! `contact-map`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use loopwright_core::pipeline::contact::Settings;
use loopwright_core::similarity::dtw::MOST_FRAMES;
use loopwright_core::similarity::sequence::Extent;
use loopwright_core::similarity::sharpen::Sharpening;

use super::tables::TableFlags;

/// How similarities are sharpened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SharpenName {
    /// Mutual nearest neighbours, each distance by both sides' own scale
    #[value(alias = "self_tuned_knn")]
    SelfTunedKnn,
    /// Rows and columns brought to a sum of 1
    Sinkhorn,
    /// As they are
    None,
}

/// `contact-map`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright contact-map loops/ --out map
      Up to 200 loops against each other: map/contact_nearest_neighbors.csv says what goes with what,
      map/contact_similarity_matrix_ordered.png shows the groups.
  loopwright contact-map loops/ --out map --max-files 0 --jobs 8
      All of them, whatever their number.
  loopwright contact-map loops/ more/ one.wav --out map --top-k-neighbors 5 --top-pairs-limit 100
      Several folders and a file; shorter lists.
  loopwright contact-map loops/ --out map --sharpen sinkhorn
      Every pair keeps some similarity; each row of the matrix sums to 1.
  loopwright contact-map loops/ --out map --format parquet
      Every table as Parquet too: map/contact_nearest_neighbors.parquet, and so on.
  loopwright contact-map loops/ --out map --json | jq .top_overlaps[0]
      One JSON object a line: files that failed, then the summary.

Loops are compared by rhythm: onsets, their changes, the low band and the pulse, aligned in time
(subsequence dynamic time warping), so that tempo and length may differ. Files that cannot be read or
are silent are reported and left out; the map is made of the others.")]
pub struct ContactMap {
    /// Audio files, and folders to search for them
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder to write to; made if missing
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// In which forms tables are written.
    #[command(flatten)]
    pub tables: TableFlags,
    /// Most files, in sorted order; the others are named and left out. 0 for all
    #[arg(long, value_name = "N", default_value_t = Settings::default().max_files)]
    pub max_files: usize,
    /// Neighbours listed for each file
    #[arg(long, value_name = "N", default_value_t = Settings::default().top_k_neighbors)]
    pub top_k_neighbors: usize,
    /// Pairs listed in contact_top_pairs.csv
    #[arg(long, value_name = "N", default_value_t = Settings::default().top_pairs_limit)]
    pub top_pairs_limit: usize,
    /// How similarities are sharpened into a graph
    #[arg(long, value_enum, default_value_t = SharpenName::SelfTunedKnn)]
    pub sharpen: SharpenName,
    /// Neighbours that set a file's own scale of distance, and that must name each other to be kept
    #[arg(long, value_name = "K", default_value_t = Settings::default().self_tune_k,
          value_parser = positive)]
    pub self_tune_k: usize,
    /// Rounds of scaling for --sharpen sinkhorn
    #[arg(long, value_name = "N", default_value_t = Settings::default().sinkhorn_iterations)]
    pub sinkhorn_iters: usize,
    /// Seconds of each file that are heard
    #[arg(long, value_name = "S", default_value_t = Extent::default().max_seconds, value_parser = seconds)]
    pub max_seconds: f64,
    /// Frames (of 23 ms) to which longer sequences are thinned out
    #[arg(long, value_name = "N", default_value_t = Extent::default().max_frames, value_parser = frames)]
    pub max_frames: usize,
    /// Up to this many files every pair is aligned; beyond, those that an index of profiles proposes, and pairs are
    /// written in place of matrices
    #[arg(long, value_name = "N", default_value_t = Settings::default().max_exact)]
    pub max_exact: usize,
    /// Partners proposed for each file then, by profile, to be aligned: more find more of the nearest, and take longer
    #[arg(long, value_name = "N", default_value_t = Settings::default().proposals)]
    pub proposals: usize,
    /// Threads [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write one JSON object a line to standard output: files that failed, the summary
    #[arg(long)]
    pub json: bool,
}

impl ContactMap {
    /// What shapes the map.
    pub fn settings(&self) -> Settings {
        Settings {
            extent: Extent {
                max_seconds: self.max_seconds,
                max_frames: self.max_frames,
            },
            sharpening: match self.sharpen {
                SharpenName::SelfTunedKnn => Sharpening::SelfTunedKnn,
                SharpenName::Sinkhorn => Sharpening::Sinkhorn,
                SharpenName::None => Sharpening::None,
            },
            self_tune_k: self.self_tune_k,
            sinkhorn_iterations: self.sinkhorn_iters,
            top_k_neighbors: self.top_k_neighbors,
            top_pairs_limit: self.top_pairs_limit,
            max_files: self.max_files,
            max_exact: self.max_exact,
            proposals: self.proposals,
        }
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("must be a whole number above 0".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.2..=3600.0).contains(&s) => Ok(s),
        _ => Err("must be from 0.2 to 3600".to_owned()),
    }
}

fn frames(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if (8..=MOST_FRAMES).contains(&n) => Ok(n),
        _ => Err(format!("must be from 8 to {MOST_FRAMES}")),
    }
}
