//! What writing a track would tell, with nothing written.

use std::io::{self, Seek, SeekFrom, Write};

use super::{Place, Plan, Writer};
use crate::export::ExportError;
use crate::export::manifest::{SourceKey, Status, TrackRecord};
use crate::export::table::Table;
use crate::progress::Progress;

/// The record and the rows that [`Tree::write`](super::Tree::write) would leave of one track: everything is cut, mended and
/// encoded, so that every number is the one that a written file would have, and nothing is kept. The record lists no files.
///
/// # Errors
///
/// As the plan's.
pub fn measured(
    source: &SourceKey,
    plan: &dyn Plan,
    progress: &dyn Progress,
) -> Result<(TrackRecord, Table), ExportError> {
    let mut record = unwritten(source);
    let mut out = Writer {
        place: Place::Nowhere,
        record: &mut record,
        parquet: false,
    };
    let rows = plan.write(&mut out, progress)?;
    Ok((record, rows))
}

/// The record of a track of which nothing is on the disk.
pub(super) fn unwritten(source: &SourceKey) -> TrackRecord {
    TrackRecord {
        source: source.clone(),
        settings: String::new(),
        tool: String::new(),
        status: Status::Done,
        detail: String::new(),
        loops: Vec::new(),
        artefacts: Vec::new(),
    }
}

/// A stream that forgets its bytes, but not how many they were.
#[derive(Debug, Default)]
pub(super) struct Void {
    at: u64,
    length: u64,
}

impl Write for Void {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.at += bytes.len() as u64;
        self.length = self.length.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Void {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
