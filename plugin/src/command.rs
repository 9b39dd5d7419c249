//! What the editor asks of the worker.

use std::path::PathBuf;

use crate::snapshot::{ItemId, TakeId};
use crate::state::Settings;

/// How a clip is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audition {
    /// In time with the host where it plays at the loop's tempo; else it starts at once and runs freely.
    pub sync: bool,
    /// Round and round, rather than once. One-shots are heard once.
    pub looped: bool,
    /// The passing sound is silent meanwhile.
    pub solo: bool,
}

/// A wish of the user. Sent from the editor's thread, carried out by the worker within about 50 ms.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Write these items' files to the capture folder (they are selected, or about to be dragged).
    Prepare(Vec<ItemId>),
    /// Write the whole kits of these breaks: hits, instruments, MIDI.
    PrepareKit(Vec<ItemId>),
    /// Write these items' files to a folder of the user's.
    Export {
        /// Which.
        items: Vec<ItemId>,
        /// Where to; the capture folder's `Exports` when `None`.
        folder: Option<PathBuf>,
    },
    /// Mark or unmark as a favourite.
    Favourite(ItemId, bool),
    /// Take it from the lists, and do not suggest that stretch again; or bring it back.
    Reject(ItemId, bool),
    /// Let it be heard.
    Audition(ItemId, Audition),
    /// Silence.
    StopAudition,
    /// Correct the bars of a take: added to what is corrected already.
    Correct {
        /// Which.
        take: TakeId,
        /// -1 halves the tempo, 1 doubles it, 0 leaves it.
        octave: i8,
        /// Moves the bar lines by so many beats.
        shift: i8,
    },
    /// Take back all corrections of a take.
    Uncorrect(TakeId),
    /// New settings.
    Settings(Settings),
    /// Forget the history. Files and favourites stay.
    Clear,
    /// Analyse now, whatever has grown.
    Analyse,
    /// A favourite's file is now here.
    Relink(ItemId, PathBuf),
    /// Look again whether the files of favourites are there, and search the capture folder for those that are not.
    CheckFiles,
    /// The host names the track: a name for files.
    TrackName(String),
    /// Show the item's file, or the capture folder, in the system's file manager.
    Reveal(Option<ItemId>),
    /// The window was opened: as [`Command::CheckFiles`], but nothing is searched for a second time.
    Opened,
}
