//! The grammar of `merge`.

use std::path::PathBuf;

use clap::Args;

use super::tables::TableFlags;

/// `merge`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright find /corpus --out part-1 --shard 1/2      on one machine
  loopwright find /corpus --out part-2 --shard 2/2      on another
  loopwright merge part-1 part-2 --out loops
      The same folder, byte for byte, that one machine would have written.
  loopwright merge part-* --out loops --json
      As a job array leaves them; one JSON object for each kind of run.
  loopwright merge part-* --out loops --format parquet
      Every table as Parquet too, whether or not the parts have it.

Files are checked against what each run recorded, and copied; the parts stay. Run it again after a break,
or after parts have grown: what is there already is not copied again.")]
pub struct Merge {
    /// Folders that find, breaks or quiet have written
    #[arg(required = true, value_name = "DIR")]
    pub parts: Vec<PathBuf>,
    /// Folder to write to; made if missing
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// In which forms tables are written.
    #[command(flatten)]
    pub tables: TableFlags,
    /// Write one JSON object a line to standard output
    #[arg(long)]
    pub json: bool,
}
