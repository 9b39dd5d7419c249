//! The grammar of `dropbox`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `dropbox`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright dropbox login --app-key KEY
      Opens Dropbox's page in your browser; the login is kept for the commands that read dropbox:/...
  loopwright dropbox login --app-key KEY --paste --read-only
      On a machine without a browser: open the page anywhere, and paste the code that it shows.
  loopwright dropbox pull /Music --out music
      Copies the audio files of a folder; run it again to go on, or to fetch what is new.
  loopwright dropbox status
  loopwright dropbox logout

The app: make one at dropbox.com/developers/apps (scoped access), tick files.metadata.read,
files.content.read and, to write, files.content.write among its permissions, and list
http://127.0.0.1:17823/ as a redirect address (not needed for --paste). Its key is no secret; its
secret is not needed. Or set DROPBOX_ACCESS_TOKEN, or DROPBOX_REFRESH_TOKEN and DROPBOX_APP_KEY, in
the environment or in .env.")]
pub struct Dropbox {
    /// What to do.
    #[command(subcommand)]
    pub what: DropboxWhat,
}

/// What can be done about Dropbox.
#[derive(Debug, Subcommand)]
pub enum DropboxWhat {
    /// Ask for access, in the browser, and keep it
    Login(DropboxLogin),
    /// Give the access back, and forget it
    Logout(DropboxLogout),
    /// Tell who would ask, and whether Dropbox lets them
    Status(DropboxStatus),
    /// Copy a folder's audio files to this machine
    Pull(DropboxPull),
}

/// `dropbox login`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright dropbox login --app-key KEY
      The browser opens; the answer comes back to this machine.
  loopwright dropbox login --app-key KEY --read-only
      Access to read only: nothing can be written to dropbox:/...
  loopwright dropbox login --paste
      The app key from DROPBOX_APP_KEY or the setting dropbox_app_key; the code is pasted.

The login is kept in a file that only you can read: credentials/dropbox.json in the folder of your
settings.")]
pub struct DropboxLogin {
    /// Key of the app that asks [default: DROPBOX_APP_KEY, or the setting dropbox_app_key]
    #[arg(long, value_name = "KEY")]
    pub app_key: Option<String>,
    /// Read the code from standard input instead of waiting for the browser's answer
    #[arg(long)]
    pub paste: bool,
    /// Ask for access to read only
    #[arg(long)]
    pub read_only: bool,
    /// Port of this machine that the answer comes to; 0 takes a free one. The app must list the address
    #[arg(long, value_name = "PORT", default_value_t = 17_823, conflicts_with = "paste")]
    pub port: u16,
    /// Do not open the browser, only print the address
    #[arg(long)]
    pub no_browser: bool,
    /// Longest wait for the browser's answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub wait: u32,
}

/// `dropbox logout`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright dropbox logout
      Dropbox takes the access back, and the file that kept it is removed.
  loopwright dropbox logout --local
      Removes the file alone, where Dropbox cannot be reached.")]
pub struct DropboxLogout {
    /// Remove the login from this machine without asking Dropbox to take the access back
    #[arg(long)]
    pub local: bool,
}

/// `dropbox status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright dropbox status
      Where the access comes from, and whether it is good.
  loopwright dropbox status --json")]
pub struct DropboxStatus {
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}

/// `dropbox pull`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  loopwright dropbox pull /Music --out music
      The audio files beneath the folder Music, in the same folders beneath music.
  loopwright dropbox pull dropbox:/FMA --out fma --jobs 8 --json
      Eight at a time; one JSON object for each file.
  loopwright dropbox pull / --out all --all --dry-run
      What would be copied of the whole Dropbox, whatever it is.

What is there already with the right content is not fetched again; what is there with another content is
replaced. Each file is checked against Dropbox's hash of it and is there whole or not at all. Names that not every
system can hold are changed. Nothing is ever removed.")]
pub struct DropboxPull {
    /// Folder or file in Dropbox, /Music or dropbox:/Music
    #[arg(value_name = "FOLDER")]
    pub folder: String,
    /// Folder to write to; made if missing
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Copy all files, not audio files alone
    #[arg(long)]
    pub all: bool,
    /// Files fetched at the same time
    #[arg(short, long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// Tell what would be fetched, and fetch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write one JSON object a line to standard output
    #[arg(long)]
    pub json: bool,
}
