//! Hydrogen's `.h2drumkit`: a tar, compressed by gzip, of a folder with `drumkit.xml` and the samples.
//!
//! The XML is that of Hydrogen 1.0 to 1.2, which later versions take as well. Its schema fixes the order of the elements
//! (`data/xsd/drumkit.xsd` of Hydrogen's sources, there under the GPL).

use std::io;

use flate2::{Compression, GzBuilder};
use unicode_normalization::UnicodeNormalization;

use super::super::meta::SOFTWARE;
use super::super::name::component;
use super::super::{FormatError, WriteSeek, Written};
use super::{KitFormat, Xml, check, document, leaf, sample_name, title, wav};
use crate::drums::kit::{Kit, Piece};
use crate::drums::render::CHOKE_FADE;

/// Hydrogen.
#[derive(Debug, Clone, Copy)]
pub struct Hydrogen;

/// Longest name of the folder in the archive: with a piece's name it still fits a tar header without extensions.
const FOLDER_BYTES: usize = 60;
/// Shortest release that Hydrogen's editor can show, in frames.
const SHORTEST_RELEASE: f64 = 256.0;

impl KitFormat for Hydrogen {
    fn name(&self) -> &'static str {
        "hydrogen"
    }

    fn extension(&self) -> &'static str {
        "h2drumkit"
    }

    fn holds_samples(&self) -> bool {
        true
    }

    fn write(&self, out: &mut dyn WriteSeek, kit: &Kit, _samples: &[String]) -> Result<Written, FormatError> {
        check(kit)?;
        let folder = folder(kit);
        // 255: made on no system in particular.
        let gzip = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(out, Compression::default());
        let mut tar = tar::Builder::new(gzip);
        let mut add = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, format!("{folder}/{name}"), bytes)
        };
        add("drumkit.xml", &drumkit(kit)?)?;
        let mut written = Written::default();
        for piece in &kit.pieces {
            add(&sample_name(piece), &wav(kit, piece, &mut written)?)?;
        }
        tar.into_inner()?.finish()?;
        Ok(written)
    }
}

/// The folder in the archive, which becomes the kit's in Hydrogen's data folder: ASCII, since names in a tar have no
/// declared encoding. Accents are dropped; where nothing is left, a hash of the name stands for it.
fn folder(kit: &Kit) -> String {
    let ascii: String = component(&title(kit))
        .nfd()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .collect();
    let short = ascii[..ascii.floor_char_boundary(FOLDER_BYTES)].trim_matches([' ', '.']);
    if short.bytes().any(|b| b.is_ascii_alphanumeric()) {
        return component(short);
    }
    let hash = blake3::hash(kit.name.as_bytes()).to_hex();
    format!("kit-{}", &hash[..8])
}

/// `drumkit.xml`.
fn drumkit(kit: &Kit) -> io::Result<Vec<u8>> {
    document(|xml| {
        xml.create_element("drumkit_info")
            .with_attribute(("xmlns", "http://www.hydrogen-music.org/drumkit"))
            .write_inner_content(|xml| {
                leaf(xml, "name", &title(kit))?;
                leaf(xml, "author", "")?;
                leaf(xml, "info", SOFTWARE)?;
                // Hydrogen's own word for not known: the recording's rights are not ours to state.
                leaf(xml, "license", "undefined license")?;
                leaf(xml, "image", "")?;
                leaf(xml, "imageLicense", "undefined license")?;
                xml.create_element("componentList").write_inner_content(|xml| {
                    xml.create_element("drumkitComponent").write_inner_content(|xml| {
                        leaf(xml, "id", "0")?;
                        leaf(xml, "name", "Main")?;
                        leaf(xml, "volume", "1")
                    })?;
                    Ok(())
                })?;
                xml.create_element("instrumentList").write_inner_content(|xml| {
                    for (id, piece) in kit.pieces.iter().enumerate() {
                        xml.create_element("instrument")
                            .write_inner_content(|xml| instrument(xml, id, piece, kit.sample_rate))?;
                    }
                    Ok(())
                })?;
                Ok(())
            })?;
        Ok(())
    })
}

fn instrument(xml: &mut Xml, id: usize, piece: &Piece, sample_rate: u32) -> io::Result<()> {
    // A choked note is released, in frames.
    let release = (CHOKE_FADE * f64::from(sample_rate)).max(SHORTEST_RELEASE).round();
    for (name, value) in [
        ("id", id.to_string().as_str()),
        ("name", &piece.name),
        ("volume", "1"),
        ("isMuted", "false"),
        ("isSoloed", "false"),
        // Both at full: the middle, in every version.
        ("pan_L", "1"),
        ("pan_R", "1"),
        ("pitchOffset", "0"),
        ("randomPitchFactor", "0"),
        ("gain", "1"),
        ("applyVelocity", "true"),
        ("filterActive", "false"),
        ("filterCutoff", "1"),
        ("filterResonance", "0"),
        ("Attack", "0"),
        ("Decay", "0"),
        ("Sustain", "1"),
        ("Release", &release.to_string()),
        ("muteGroup", &piece.choke.map_or("-1".into(), |c| c.to_string())),
        ("midiOutChannel", "-1"),
        ("midiOutNote", &piece.note.to_string()),
        ("isStopNote", "false"),
        ("sampleSelectionAlgo", "VELOCITY"),
        ("isHihat", "-1"),
        ("lower_cc", "0"),
        ("higher_cc", "127"),
        ("FX1Level", "0"),
        ("FX2Level", "0"),
        ("FX3Level", "0"),
        ("FX4Level", "0"),
    ] {
        leaf(xml, name, value)?;
    }
    xml.create_element("instrumentComponent").write_inner_content(|xml| {
        leaf(xml, "component_id", "0")?;
        leaf(xml, "gain", "1")?;
        xml.create_element("layer").write_inner_content(|xml| {
            leaf(xml, "filename", &sample_name(piece))?;
            leaf(xml, "min", "0")?;
            leaf(xml, "max", "1")?;
            leaf(xml, "gain", "1")?;
            leaf(xml, "pitch", "0")
        })?;
        Ok(())
    })?;
    Ok(())
}
