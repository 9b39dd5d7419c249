//! The grammar of `classify`.

use std::path::PathBuf;

use clap::Args;

/// `classify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright classify ~/Loops --model tags.onnx --out tags.csv
      A row a file: file, predicted_tags, and the probability of each tag in prob_<tag>.
  loopwright classify ~/Loops --model tags.onnx --contact-model contact.onnx --out tags.parquet
      With predicted_contact_tags and prob_contact_<tag> too.
  loopwright classify new.wav --model tags.onnx --out tags.jsonl --json | jq -r '.predicted_tags[]?'
      The same as JSON lines on standard output.

Tags are separated by |. Of tags that exclude each other (tempo_slow, tempo_mid, tempo_fast) a file gets exactly
one; of others those that reach the threshold that was set for them in training, which may be none: the
probabilities then say what is likeliest. A silent file has a row of empty cells; one that cannot be read is
reported, and the others go on (exit code 1).")]
pub struct Classify {
    /// Audio files, and folders to search for them
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Model that `train tags` made
    #[arg(short, long, value_name = "MODEL.onnx")]
    pub model: PathBuf,
    /// Model that `train contact` made
    #[arg(long, visible_alias = "contact_model", value_name = "MODEL.onnx")]
    pub contact_model: Option<PathBuf>,
    /// Table to write: .csv, .jsonl or .parquet
    #[arg(short, long, value_name = "TABLE")]
    pub out: PathBuf,
    /// Files worked on at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write one JSON object a line to standard output: files, failures, a summary
    #[arg(long)]
    pub json: bool,
}
