//! A kit of one-shots as samplers read it.
//!
//! Every format maps each piece to its own note at every velocity, at 0 dB, unpitched, played whole whatever the length of
//! the note; pieces of a choke group end each other, where the format can say so (Bitwig's cannot). Amplitude follows
//! velocity linearly, as in [`crate::drums::render`], in all but Bitwig's, which leaves that to the sampler.
//!
//! Two formats are text that names sample files beside it, two are archives that hold the samples: see
//! [`KitFormat::holds_samples`]. All write to streams, and the same kit gives the same bytes: archives carry no clock time,
//! user or permissions of this machine.
//!
//! Names of kits come from tags. They are escaped where they are content, and brought to [`super::name::component`]'s
//! alphabet where they are paths; names of pieces are ASCII words or the kit is refused.

pub mod bitwig;
pub mod decent;
pub mod hydrogen;
pub mod sfz;

use std::collections::BTreeSet;
use std::io::{self, Cursor};

use quick_xml::events::{BytesDecl, BytesText, Event};

use super::meta::{LoopMeta, plain_text};
use super::{AudioFormat, AudioView, FormatError, WriteSeek, Written, wav::Wav};
use crate::drums::kit::{Kit, Piece};

/// A file format of kits.
pub trait KitFormat: Sync {
    /// Its name in settings and messages: `sfz`.
    fn name(&self) -> &'static str;

    /// The file name's extension, without the dot.
    fn extension(&self) -> &'static str;

    /// True where the file holds the samples itself, as 24-bit WAV; false where it names files that must be written
    /// beside it.
    fn holds_samples(&self) -> bool;

    /// Writes a whole file.
    ///
    /// `samples` are the files of `kit.pieces`, in their order, by their paths from the file's own folder with `/` between
    /// parts: `samples/kick_01.wav`. Formats that hold the samples do not look at them. [`Written`] counts what was
    /// clipped in samples held.
    ///
    /// # Errors
    ///
    /// [`FormatError::Unfit`] for a kit that breaks the rules of [`Kit`]: see [`check`]; for paths that are missing, lead
    /// out of the folder, or hold anything but letters, digits, spaces and `_ - . ( )`.
    fn write(&self, out: &mut dyn WriteSeek, kit: &Kit, samples: &[String]) -> Result<Written, FormatError>;
}

/// Every format of kits.
pub static KIT_FORMATS: &[&dyn KitFormat] = &[&sfz::Sfz, &decent::DecentSampler, &bitwig::Bitwig, &hydrogen::Hydrogen];

/// The format of a name; `None` where there is none.
pub fn kit_format(name: &str) -> Option<&'static dyn KitFormat> {
    KIT_FORMATS.iter().copied().find(|f| f.name() == name)
}

/// The file of a piece, from the folder of samples: `kick_01.wav`.
pub fn sample_name(piece: &Piece) -> String {
    format!("{}.wav", piece.name)
}

/// What a piece's file says about it.
pub fn sample_meta(piece: &Piece) -> LoopMeta {
    LoopMeta::one_shot(&piece.name, None, piece.class)
}

/// Refuses kits that no format can hold: without pieces or with more than 128, with a rate of 0, with names that are not
/// ASCII letters, digits and `_` or that differ in case only, with notes above 127 or given twice, with pieces without
/// samples or with channels of different lengths.
pub fn check(kit: &Kit) -> Result<(), FormatError> {
    let unfit = |reason: String| Err(FormatError::Unfit(reason));
    if kit.pieces.is_empty() || kit.pieces.len() > 128 || kit.sample_rate == 0 {
        return unfit(format!(
            "a kit of {} pieces at {} Hz",
            kit.pieces.len(),
            kit.sample_rate
        ));
    }
    let (mut names, mut notes) = (BTreeSet::new(), BTreeSet::new());
    for piece in &kit.pieces {
        let name = &piece.name;
        let word =
            !name.is_empty() && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !word || !names.insert(name.to_ascii_lowercase()) {
            return unfit(format!("a kit cannot have a piece named {name:?} here"));
        }
        if piece.note > 127 || !notes.insert(piece.note) {
            return unfit(format!("{name} cannot be on note {} here", piece.note));
        }
        let frames = piece.planes.first().map_or(0, Vec::len);
        if frames == 0 || piece.planes.iter().any(|p| p.len() != frames) {
            return unfit(format!("{name} has no samples, or channels of different lengths"));
        }
    }
    Ok(())
}

/// Refuses paths that a format which names files could misread; see [`KitFormat::write`].
fn check_samples(kit: &Kit, samples: &[String]) -> Result<(), FormatError> {
    if samples.len() != kit.pieces.len() {
        return Err(FormatError::Unfit(format!(
            "{} files for {} pieces",
            samples.len(),
            kit.pieces.len()
        )));
    }
    let part = |p: &str| {
        p.chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '(' | ')'))
            && !p.trim_matches(['.', ' ']).is_empty()
            && p.trim() == p
    };
    match samples.iter().find(|s| !s.split('/').all(part)) {
        Some(bad) => Err(FormatError::Unfit(format!("a kit cannot name the file {bad:?}"))),
        None => Ok(()),
    }
}

/// A kit's name for people: one line, legal in XML, without invisible characters; `Kit` where nothing is left.
fn title(kit: &Kit) -> String {
    let hidden = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFF}');
    let visible: String = kit.name.chars().filter(|c| !hidden(*c)).collect();
    let title = plain_text(&visible);
    if title.is_empty() { "Kit".into() } else { title }
}

/// A piece as a 24-bit WAV, for archives.
fn wav(kit: &Kit, piece: &Piece, written: &mut Written) -> Result<Vec<u8>, FormatError> {
    let mut file = Cursor::new(Vec::new());
    let audio = AudioView {
        planes: &piece.planes,
        sample_rate: kit.sample_rate,
    };
    written.clipped += Wav::Int24.write(&mut file, audio, &sample_meta(piece))?.clipped;
    Ok(file.into_inner())
}

type Xml = quick_xml::Writer<Vec<u8>>;

/// An XML document of what `root` writes.
fn document(root: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut xml = Xml::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    root(&mut xml)?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes an element that holds text only, escaped.
fn leaf(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(text))?;
    Ok(())
}

#[cfg(test)]
mod tests;
