//! DecentSampler's `.dspreset`: XML beside the samples. Source: the DecentSampler Developer's Guide (format 1.x).

use super::super::{FormatError, WriteSeek, Written};
use super::{KitFormat, check, check_samples, document, title};
use crate::drums::kit::Kit;
use crate::drums::render::CHOKE_FADE;

/// DecentSampler.
#[derive(Debug, Clone, Copy)]
pub struct DecentSampler;

/// Seconds in which a note fades once its key is up. The format has no one-shots; against a minute, no drum is long.
const RELEASE: &str = "60";

impl KitFormat for DecentSampler {
    fn name(&self) -> &'static str {
        "decent"
    }

    fn extension(&self) -> &'static str {
        "dspreset"
    }

    fn holds_samples(&self) -> bool {
        false
    }

    fn write(&self, out: &mut dyn WriteSeek, kit: &Kit, samples: &[String]) -> Result<Written, FormatError> {
        check(kit)?;
        check_samples(kit, samples)?;
        let fade = CHOKE_FADE.to_string();
        let bytes = document(|xml| {
            xml.create_element("DecentSampler")
                .with_attribute(("minVersion", "1.0.0"))
                .write_inner_content(|xml| {
                    // The format has no name of its own: players show the file's. This one is for whoever opens it.
                    xml.create_element("ui").write_inner_content(|xml| {
                        xml.create_element("tab")
                            .with_attribute(("name", "main"))
                            .write_inner_content(|xml| {
                                xml.create_element("label")
                                    .with_attributes([("x", "20"), ("y", "20"), ("width", "700"), ("height", "30")])
                                    .with_attribute(("text", title(kit).as_str()))
                                    .write_empty()?;
                                Ok(())
                            })?;
                        Ok(())
                    })?;
                    let envelope = [
                        ("ampVelTrack", "1"),
                        ("attack", "0"),
                        ("decay", "0"),
                        ("sustain", "1"),
                        ("release", RELEASE),
                        ("releaseCurve", "0"),
                    ];
                    xml.create_element("groups").write_inner_content(|xml| {
                        for (piece, sample) in kit.pieces.iter().zip(samples) {
                            let choke = piece.choke.map(|c| format!("choke_{c}"));
                            let tags = match &choke {
                                Some(choke) => format!("{},{choke}", piece.name),
                                None => piece.name.clone(),
                            };
                            let mut group = xml
                                .create_element("group")
                                .with_attributes([("name", piece.name.as_str()), ("tags", tags.as_str())])
                                .with_attributes(envelope);
                            if let Some(choke) = &choke {
                                // The mode is for players that do not know the decay.
                                group = group
                                    .with_attribute(("silencedByTags", choke.as_str()))
                                    .with_attributes([("silencingMode", "fast"), ("silencingDecay", fade.as_str())]);
                            }
                            let note = piece.note.to_string();
                            let last = (piece.planes[0].len() - 1).to_string();
                            group.write_inner_content(|xml| {
                                xml.create_element("sample")
                                    .with_attributes([
                                        ("path", sample.as_str()),
                                        ("rootNote", &note),
                                        ("loNote", &note),
                                        ("hiNote", &note),
                                        ("loVel", "0"),
                                        ("hiVel", "127"),
                                        ("start", "0"),
                                        ("end", &last),
                                        ("loopEnabled", "false"),
                                        ("volume", "1.0"),
                                        ("pitchKeyTrack", "0"),
                                    ])
                                    .write_empty()?;
                                Ok(())
                            })?;
                        }
                        Ok(())
                    })?;
                    Ok(())
                })?;
            Ok(())
        })?;
        out.write_all(&bytes)?;
        Ok(Written::default())
    }
}
