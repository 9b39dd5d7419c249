//! The grammar of `report`.

use std::path::PathBuf;

use clap::Args;

/// `report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright report loops
      A page of everything that find, breaks and quiet wrote to loops: loops/report/index.html.
  loopwright report loops --open
      The same, shown in your browser at once.
  loopwright report loops --out ~/Desktop/loops-report --no-audio
      A small report that plays the loops' own files, wherever it lies on this machine.
  loopwright report loops --map contact
      With the contact map that contact-map wrote to contact: click a cell to hear both loops.
  loopwright train adapt ~/Downloads/loopwright-ratings.json --out mine
      What you rated on the page, as a taste for find.

On the page: space plays and stops, arrows go from loop to loop, 1 to 5 rate, X rejects, / filters,
? tells the rest. It needs no server and no network; give the whole folder to whoever is to listen.")]
pub struct Report {
    /// Folder that find, breaks or quiet wrote, a folder of such folders, or one of loops
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Folder of the report; made if missing, and replaced if it is an older report [default: DIR/report]
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Folder of the contact map [default: the first one beneath DIR]
    #[arg(short, long, value_name = "DIR")]
    pub map: Option<PathBuf>,
    /// Do not embed the sound: the page plays the loops' files where they are, which may leave a gap at the wrap
    #[arg(long)]
    pub no_audio: bool,
    /// Most sound to embed, in MB; what is beyond it is played from its file
    #[arg(long, value_name = "MB", default_value_t = 2000, conflicts_with = "no_audio",
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub max_mb: u32,
    /// Show the page in the browser
    #[arg(long)]
    pub open: bool,
    /// Files read at the same time [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}
