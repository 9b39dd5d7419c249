//! Bitwig and PreSonus's `.multisample`: a zip of `multisample.xml` and the samples, stored so that they can be streamed.
//! Source: the format's public description and its schema (github.com/bitwig/multisample).

use std::io::Write;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::super::meta::SOFTWARE;
use super::super::{FormatError, WriteSeek, Written};
use super::{KitFormat, check, document, leaf, sample_name, title, wav};
use crate::drums::kit::Kit;

/// Bitwig multisample; Studio One reads it too.
#[derive(Debug, Clone, Copy)]
pub struct Bitwig;

impl KitFormat for Bitwig {
    fn name(&self) -> &'static str {
        "bitwig"
    }

    fn extension(&self) -> &'static str {
        "multisample"
    }

    fn holds_samples(&self) -> bool {
        true
    }

    fn write(&self, out: &mut dyn WriteSeek, kit: &Kit, _samples: &[String]) -> Result<Written, FormatError> {
        check(kit)?;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        let mut written = Written::default();
        let mut zip = ZipWriter::new(out);
        zip.start_file("multisample.xml", options).map_err(fail)?;
        zip.write_all(&mapping(kit)?)?;
        for piece in &kit.pieces {
            let wav = wav(kit, piece, &mut written)?;
            zip.start_file(sample_name(piece), options).map_err(fail)?;
            zip.write_all(&wav)?;
        }
        zip.finish().map_err(fail)?;
        Ok(written)
    }
}

fn fail(error: zip::result::ZipError) -> FormatError {
    match error {
        zip::result::ZipError::Io(e) => FormatError::Io(e),
        other => FormatError::Unfit(format!("zip: {other}")),
    }
}

/// `multisample.xml`. Elements in the order of the schema; no `loop`, which is how a sample does not loop.
fn mapping(kit: &Kit) -> std::io::Result<Vec<u8>> {
    document(|xml| {
        xml.create_element("multisample")
            .with_attribute(("name", title(kit).as_str()))
            .write_inner_content(|xml| {
                leaf(xml, "generator", SOFTWARE)?;
                leaf(xml, "category", "Drums")?;
                leaf(xml, "creator", "")?;
                leaf(xml, "description", "")?;
                xml.create_element("keywords")
                    .write_inner_content(|xml| leaf(xml, "keyword", "drums"))?;
                for piece in &kit.pieces {
                    xml.create_element("group")
                        .with_attribute(("name", piece.name.as_str()))
                        .write_empty()?;
                }
                for (i, piece) in kit.pieces.iter().enumerate() {
                    let stop = piece.planes[0].len().to_string();
                    let (file, group, note) = (sample_name(piece), i.to_string(), piece.note.to_string());
                    let fades = [("low-fade", "0"), ("high-fade", "0")];
                    xml.create_element("sample")
                        .with_attributes([
                            ("file", file.as_str()),
                            ("sample-start", "0"),
                            ("sample-stop", &stop),
                            ("gain", "0"),
                            ("group", &group),
                            ("reverse", "false"),
                            ("zone-logic", "always-play"),
                        ])
                        .write_inner_content(|xml| {
                            xml.create_element("key")
                                .with_attributes([("low", note.as_str()), ("high", &note), ("root", &note)])
                                .with_attributes([("track", "0"), ("tune", "0")])
                                .with_attributes(fades)
                                .write_empty()?;
                            xml.create_element("velocity")
                                .with_attributes([("low", "0"), ("high", "127")])
                                .with_attributes(fades)
                                .write_empty()?;
                            xml.create_element("select")
                                .with_attributes([("low", "0"), ("high", "127")])
                                .with_attributes(fades)
                                .write_empty()?;
                            Ok(())
                        })?;
                }
                Ok(())
            })?;
        Ok(())
    })
}
