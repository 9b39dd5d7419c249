//! SFZ: text beside the samples.
//!
//! Only opcodes of the first version of the format (Cakewalk, 2003), so that every player reads them.

use std::fmt::Write as _;

use super::super::meta::SOFTWARE;
use super::super::name::component;
use super::super::{FormatError, WriteSeek, Written};
use super::{KitFormat, check, check_samples, title};
use crate::drums::kit::Kit;
use crate::drums::render::CHOKE_FADE;

/// SFZ.
#[derive(Debug, Clone, Copy)]
pub struct Sfz;

impl KitFormat for Sfz {
    fn name(&self) -> &'static str {
        "sfz"
    }

    fn extension(&self) -> &'static str {
        "sfz"
    }

    fn holds_samples(&self) -> bool {
        false
    }

    fn write(&self, out: &mut dyn WriteSeek, kit: &Kit, samples: &[String]) -> Result<Written, FormatError> {
        check(kit)?;
        check_samples(kit, samples)?;
        // A comment has no escapes: what could end it, open another or be taken for a header is not in a path's alphabet.
        let mut text = format!("// {}\n// {SOFTWARE}\n\n<group>\n", component(&title(kit)));
        // Without a curve of its own, SFZ squares: the two points make it linear. Chokes end by the release.
        let one = 1.0 / 127.0;
        let _ = writeln!(
            text,
            "loop_mode=one_shot ampeg_release={CHOKE_FADE} amp_velcurve_1={one:.6} amp_velcurve_127=1"
        );
        for (piece, sample) in kit.pieces.iter().zip(samples) {
            let _ = write!(text, "\n<region>\nkey={} lovel=0 hivel=127", piece.note);
            if let Some(choke) = piece.choke {
                // Group 0 is that of all who name none.
                let group = u32::from(choke) + 1;
                let _ = write!(text, " group={group} off_by={group} off_mode=normal");
            }
            // On its own line: a path may hold spaces, and ends with the line.
            let _ = write!(text, "\nsample={sample}\n");
        }
        out.write_all(text.as_bytes())?;
        Ok(Written::default())
    }
}
