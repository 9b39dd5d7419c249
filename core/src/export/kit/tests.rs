use std::collections::BTreeMap;
use std::io::Read;

use quick_xml::Reader;

use super::super::name::component;
use super::*;
use crate::audio::riff::read_header;
use crate::drums::class::{Class, Drum};

const RATE: u32 = 44_100;

/// Names as tags may bring them.
const HOSTILE: [&str; 12] = [
    "../../x",
    "/etc/passwd",
    "C:\\x",
    r#"<a&"b'>"#,
    "one\r\n<region> sample=two",
    "*/ /* // #include \"x\"",
    "",
    " . ",
    "\u{0}\u{FFFE}\u{FFFF}\u{1B}[31m",
    "\u{202E}gpj.exe",
    "ドラム",
    "NUL",
];

fn piece(drum: Drum, name: &str, note: u8, choke: Option<u8>, planes: Vec<Vec<f32>>) -> Piece {
    Piece {
        class: Class::Drum(drum),
        name: name.into(),
        planes,
        note,
        choke,
    }
}

fn kit(name: &str) -> Kit {
    let tone = |frames: usize| -> Vec<f32> {
        (0..frames)
            .map(|i| (i as f32 * 0.1).sin() * (1.0 - i as f32 / frames as f32))
            .collect()
    };
    Kit {
        name: name.into(),
        sample_rate: RATE,
        pieces: vec![
            piece(Drum::Kick, "kick_01", 36, None, vec![tone(3_001); 2]),
            piece(Drum::Snare, "snare_01", 38, None, vec![tone(2_000)]),
            piece(Drum::HatClosed, "hat_closed_01", 42, Some(0), vec![tone(900); 2]),
            piece(Drum::HatOpen, "hat_open_01", 46, Some(0), vec![tone(9_000); 2]),
            piece(Drum::Crash, "crash_01", 49, Some(7), vec![tone(500); 2]),
        ],
    }
}

fn samples(kit: &Kit) -> Vec<String> {
    kit.pieces
        .iter()
        .map(|p| format!("samples/{}", sample_name(p)))
        .collect()
}

fn write(format: &dyn KitFormat, kit: &Kit) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    assert_eq!(format.write(&mut out, kit, &samples(kit)).unwrap(), Written::default());
    out.into_inner()
}

/// An element of an XML document.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn parse(xml: &[u8]) -> Self {
        let mut reader = Reader::from_str(std::str::from_utf8(xml).unwrap());
        let mut open = vec![Self::default()];
        let element = |e: &quick_xml::events::BytesStart<'_>| Self {
            name: e.name().as_ref().to_owned(),
            attributes: e
                .attributes()
                .map(|a| {
                    let a = a.unwrap();
                    let value = a
                        .normalized_value(quick_xml::XmlVersion::default())
                        .unwrap()
                        .into_owned();
                    (a.key.as_ref().to_owned(), value)
                })
                .collect(),
            ..Self::default()
        };
        loop {
            match reader.read_event().unwrap() {
                Event::Start(e) => open.push(element(&e)),
                Event::Empty(e) => open.last_mut().unwrap().children.push(element(&e)),
                Event::End(_) => {
                    let done = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(done);
                }
                Event::Text(t) => open.last_mut().unwrap().text += &t,
                Event::GeneralRef(r) => {
                    let c = match &*r {
                        "amp" => "&",
                        "lt" => "<",
                        "gt" => ">",
                        "quot" => "\"",
                        "apos" => "'",
                        other => panic!("&{other};"),
                    };
                    open.last_mut().unwrap().text += c;
                }
                Event::Decl(_) => {}
                Event::Eof => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((open.len(), open[0].children.len()), (1, 1));
        open[0].children.remove(0)
    }

    fn all(&self, name: &str) -> Vec<&Self> {
        let own = self.children.iter().filter(|c| c.name == name);
        own.chain(self.children.iter().flat_map(|c| c.all(name))).collect()
    }

    fn one(&self, name: &str) -> &Self {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name}");
        all[0]
    }

    fn names(&self) -> Vec<&str> {
        self.children.iter().map(|c| c.name.as_str()).collect()
    }

    fn get(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).map_or("", String::as_str)
    }
}

/// Regions of an SFZ as players read them: opcodes by name, with those of the group.
fn regions(text: &str) -> Vec<BTreeMap<String, String>> {
    let (mut group, mut regions) = (BTreeMap::new(), Vec::<BTreeMap<String, String>>::new());
    for line in text.lines().map(|l| l.split("//").next().unwrap().trim()) {
        match line {
            "" => {}
            "<group>" => assert!(group.is_empty() && regions.is_empty()),
            "<region>" => regions.push(group.clone()),
            line => {
                let into = regions.last_mut().unwrap_or(&mut group);
                let opcodes = match line.strip_prefix("sample=") {
                    Some(path) => vec![("sample", path)],
                    None => line.split(' ').map(|o| o.split_once('=').unwrap()).collect(),
                };
                for (name, value) in opcodes {
                    assert_eq!(into.insert(name.into(), value.into()), None, "{name} twice");
                }
            }
        }
    }
    regions
}

fn zipped(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|i| {
            let mut file = zip.by_index(i).unwrap();
            assert_eq!(file.compression(), zip::CompressionMethod::Stored);
            assert_eq!(file.last_modified(), Some(zip::DateTime::default()));
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn untarred(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let gzip = flate2::read::GzDecoder::new(bytes);
    let header = gzip.header().unwrap();
    assert_eq!(
        (header.mtime(), header.filename(), header.operating_system()),
        (0, None, 255)
    );
    tar::Archive::new(gzip)
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.entry_type(), tar::EntryType::Regular);
            assert_eq!(
                (header.mtime().unwrap(), header.uid().unwrap(), header.mode().unwrap()),
                (0, 0, 0o644)
            );
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (name, bytes)
        })
        .collect()
}

/// Checks that `file` is the piece in 24 bits, and says that it is a one-shot.
fn assert_is_piece(file: &[u8], piece: &Piece) {
    let header = read_header(Cursor::new(file), 0).unwrap();
    assert_eq!(header.frames(), piece.planes[0].len() as u64);
    assert!(header.acid.unwrap().one_shot);
    let mut reader = hound::WavReader::new(Cursor::new(file)).unwrap();
    assert_eq!((reader.spec().bits_per_sample, reader.spec().sample_rate), (24, RATE));
    let channels = piece.planes.len();
    assert_eq!(usize::from(reader.spec().channels), channels);
    for (i, x) in reader.samples::<i32>().enumerate() {
        let back = x.unwrap() as f32 / 8_388_608.0;
        assert!((back - piece.planes[i % channels][i / channels]).abs() <= 1.0 / 8_388_607.0);
    }
}

#[test]
fn formats_have_names_of_their_own() {
    for format in KIT_FORMATS {
        let found = kit_format(format.name()).unwrap();
        assert_eq!((found.name(), found.extension()), (format.name(), format.extension()));
        let extensions = KIT_FORMATS.iter().filter(|f| f.extension() == format.extension());
        assert_eq!(extensions.count(), 1);
    }
    assert!(kit_format("kontakt").is_none());
}

#[test]
fn the_same_kit_has_the_same_bytes() {
    for format in KIT_FORMATS {
        assert_eq!(
            write(*format, &kit("A kit")),
            write(*format, &kit("A kit")),
            "{}",
            format.name()
        );
    }
}

#[test]
fn a_one_shot_says_so_and_nothing_of_tempo_or_key() {
    let kit = kit("k");
    let mut written = Written::default();
    let file = wav(&kit, &kit.pieces[0], &mut written).unwrap();
    assert_is_piece(&file, &kit.pieces[0]);
    let header = read_header(Cursor::new(&file), 0).unwrap();
    let acid = header.acid.unwrap();
    assert_eq!(
        (acid.one_shot, acid.beats, acid.tempo, acid.root_note),
        (true, 0, None, None)
    );
    let sampler = header.sampler.unwrap();
    assert_eq!((sampler.unity_note, sampler.loops.len()), (60, 0));
    assert!(header.cues.is_empty() && header.warnings.is_empty());
    assert_eq!(header.tags.title.as_deref(), Some("kick_01"));
    let text = String::from_utf8_lossy(&file[..300]);
    assert!(text.contains("One-shot, kick") && !text.to_lowercase().contains("bpm"));

    let mut flac = Cursor::new(Vec::new());
    let audio = AudioView {
        planes: &kit.pieces[0].planes,
        sample_rate: RATE,
    };
    super::super::flac::Flac
        .write(&mut flac, audio, &sample_meta(&kit.pieces[0]))
        .unwrap();
    assert!(!String::from_utf8_lossy(&flac.into_inner()[..400]).contains("BPM"));
}

#[test]
fn clipping_in_archives_is_counted() {
    let mut loud = kit("k");
    loud.pieces[0].planes[0][5] = 1.5;
    for format in KIT_FORMATS {
        let written = format
            .write(&mut Cursor::new(Vec::new()), &loud, &samples(&loud))
            .unwrap();
        assert_eq!(written.clipped, u64::from(format.holds_samples()), "{}", format.name());
    }
}

#[test]
fn sfz_maps_each_piece_and_chokes_groups() {
    let kit = kit("My kit");
    let text = String::from_utf8(write(&sfz::Sfz, &kit)).unwrap();
    assert!(text.starts_with("// My kit\n"));
    let found = regions(&text);
    assert_eq!(found.len(), kit.pieces.len());
    for (region, piece) in found.iter().zip(&kit.pieces) {
        let get = |name: &str| region.get(name).map_or("", String::as_str);
        assert_eq!(get("sample"), format!("samples/{}.wav", piece.name));
        assert_eq!(get("key"), piece.note.to_string());
        assert_eq!((get("lovel"), get("hivel"), get("loop_mode")), ("0", "127", "one_shot"));
        assert_eq!(get("ampeg_release"), "0.01");
        assert_eq!((get("amp_velcurve_1"), get("amp_velcurve_127")), ("0.007874", "1"));
        let group = piece.choke.map_or(String::new(), |c| (c + 1).to_string());
        assert_eq!((get("group"), get("off_by")), (group.as_str(), group.as_str()));
        assert_eq!(get("off_mode"), if group.is_empty() { "" } else { "normal" });
    }
}

#[test]
fn decent_sampler_maps_each_piece_and_chokes_by_tags() {
    let kit = kit("My kit");
    let root = Element::parse(&write(&decent::DecentSampler, &kit));
    assert_eq!(
        (root.name.as_str(), root.names()),
        ("DecentSampler", vec!["ui", "groups"])
    );
    assert_eq!(root.one("label").get("text"), "My kit");
    let groups = root.all("group");
    assert_eq!(groups.len(), kit.pieces.len());
    for (group, piece) in groups.into_iter().zip(&kit.pieces) {
        let sample = group.one("sample");
        let note = piece.note.to_string();
        assert_eq!(sample.get("path"), format!("samples/{}.wav", piece.name));
        for (name, value) in [
            ("rootNote", &*note),
            ("loNote", &note),
            ("hiNote", &note),
            ("loVel", "0"),
            ("hiVel", "127"),
        ] {
            assert_eq!(sample.get(name), value, "{name}");
        }
        assert_eq!(sample.get("end"), (piece.planes[0].len() - 1).to_string());
        assert_eq!((sample.get("loopEnabled"), group.get("ampVelTrack")), ("false", "1"));
        let tags: Vec<&str> = group.get("tags").split(',').collect();
        match piece.choke {
            Some(c) => {
                assert_eq!(tags, [piece.name.clone(), format!("choke_{c}")]);
                assert_eq!(group.get("silencedByTags"), format!("choke_{c}"));
                assert_eq!(group.get("silencingDecay"), "0.01");
            }
            None => assert_eq!((tags, group.get("silencedByTags")), (vec![piece.name.as_str()], "")),
        }
    }
}

#[test]
fn bitwig_holds_its_mapping_and_the_samples_unlooped() {
    let kit = kit("My kit");
    let files = zipped(&write(&bitwig::Bitwig, &kit));
    let names: Vec<&str> = files.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(names[0], "multisample.xml");
    let root = Element::parse(&files[0].1);
    assert_eq!((root.name.as_str(), root.get("name")), ("multisample", "My kit"));
    let mut order = vec!["generator", "category", "creator", "description", "keywords"];
    order.extend(["group"; 5]);
    order.extend(["sample"; 5]);
    assert_eq!(root.names(), order);
    assert!(root.all("loop").is_empty());
    for (i, (sample, piece)) in root.all("sample").into_iter().zip(&kit.pieces).enumerate() {
        assert_eq!(sample.get("file"), names[i + 1]);
        assert_is_piece(&files[i + 1].1, piece);
        assert_eq!(sample.names(), ["key", "velocity", "select"]);
        assert_eq!(sample.get("sample-stop"), piece.planes[0].len().to_string());
        assert_eq!((sample.get("gain"), sample.get("group")), ("0", &*i.to_string()));
        assert_eq!(root.all("group")[i].get("name"), piece.name);
        let (key, note) = (sample.one("key"), piece.note.to_string());
        assert_eq!(
            (key.get("low"), key.get("root"), key.get("high")),
            (&*note, &*note, &*note)
        );
        let velocity = sample.one("velocity");
        assert_eq!((velocity.get("low"), velocity.get("high")), ("0", "127"));
    }
    assert_eq!(names.len(), 6);
}

#[test]
fn hydrogen_holds_a_folder_whose_elements_stand_in_order() {
    let kit = kit("Möbius: kit");
    let files = untarred(&write(&hydrogen::Hydrogen, &kit));
    let mut names = vec!["Mobius_ kit/drumkit.xml".to_owned()];
    names.extend(kit.pieces.iter().map(|p| format!("Mobius_ kit/{}.wav", p.name)));
    assert_eq!(files.iter().map(|f| f.0.clone()).collect::<Vec<_>>(), names);
    let root = Element::parse(&files[0].1);
    assert_eq!(root.get("xmlns"), "http://www.hydrogen-music.org/drumkit");
    assert_eq!(root.children[0].text, "Möbius: kit");
    assert_eq!(
        root.names(),
        [
            "name",
            "author",
            "info",
            "license",
            "image",
            "imageLicense",
            "componentList",
            "instrumentList"
        ]
    );
    let instruments = root.one("instrumentList");
    assert_eq!(instruments.names(), ["instrument"; 5]);
    for (i, (instrument, piece)) in instruments.children.iter().zip(&kit.pieces).enumerate() {
        assert_eq!(instrument.names().join(" "), INSTRUMENT);
        let text = |name: &str| {
            instrument
                .children
                .iter()
                .find(|c| c.name == name)
                .unwrap()
                .text
                .as_str()
        };
        assert_eq!((text("id"), text("name")), (&*i.to_string(), &*piece.name));
        assert_eq!(text("midiOutNote"), piece.note.to_string());
        assert_eq!(text("muteGroup"), piece.choke.map_or("-1".into(), |c| c.to_string()));
        assert_eq!((text("gain"), text("volume"), text("Release")), ("1", "1", "441"));
        assert_eq!(text("applyVelocity"), "true");
        let layer = instrument.one("layer");
        assert_eq!(layer.names(), ["filename", "min", "max", "gain", "pitch"]);
        assert_eq!(format!("Mobius_ kit/{}", layer.children[0].text), files[i + 1].0);
        assert_is_piece(&files[i + 1].1, piece);
    }
}

/// The order that Hydrogen's schema fixes.
const INSTRUMENT: &str = "id name volume isMuted isSoloed pan_L pan_R pitchOffset randomPitchFactor gain applyVelocity \
    filterActive filterCutoff filterResonance Attack Decay Sustain Release muteGroup midiOutChannel midiOutNote \
    isStopNote sampleSelectionAlgo isHihat lower_cc higher_cc FX1Level FX2Level FX3Level FX4Level instrumentComponent";

#[test]
fn hostile_names_stay_text_and_stay_inside() {
    let long = "ä<&".repeat(300);
    for name in HOSTILE.into_iter().chain([long.as_str()]) {
        let kit = kit(name);
        let title = title(&kit);
        assert!(!title.is_empty() && title.chars().count() <= 200 && !title.contains(char::is_control));

        let text = String::from_utf8(write(&sfz::Sfz, &kit)).unwrap();
        assert_eq!(
            regions(&text),
            regions(&String::from_utf8(write(&sfz::Sfz, &super::tests::kit("k"))).unwrap())
        );
        let first = text.lines().next().unwrap();
        assert!(!first[2..].contains(['/', '*', '<', '>', '"']), "{first}");

        let decent = Element::parse(&write(&decent::DecentSampler, &kit));
        assert_eq!(decent.one("label").get("text"), title);
        let bitwig = zipped(&write(&bitwig::Bitwig, &kit));
        assert_eq!(Element::parse(&bitwig[0].1).get("name"), title);
        let hydrogen = untarred(&write(&hydrogen::Hydrogen, &kit));
        assert_eq!(Element::parse(&hydrogen[0].1).children[0].text, title);
        for (path, _) in &hydrogen {
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(parts.len(), 2, "{path}");
            assert!(
                parts[0].is_ascii() && component(parts[0]) == parts[0] && parts[0].len() <= 61,
                "{path}"
            );
        }
    }
}

#[test]
fn kits_that_break_the_rules_are_refused() {
    let refused = |change: &dyn Fn(&mut Kit)| {
        let mut kit = kit("k");
        change(&mut kit);
        let names = vec!["a.wav".to_owned(); kit.pieces.len()];
        for format in KIT_FORMATS {
            let mut out = Cursor::new(Vec::new());
            let done = format.write(&mut out, &kit, &names);
            assert!(matches!(done, Err(FormatError::Unfit(_))), "{}", format.name());
            assert!(out.into_inner().is_empty());
        }
    };
    for name in ["", "../x", "a b", "a=b", "ä", "snare_01", "SNARE_01", "a.wav", "a\n"] {
        refused(&|k| k.pieces[0].name = name.into());
    }
    refused(&|k| k.pieces[0].note = 128);
    refused(&|k| k.pieces[0].note = 38);
    refused(&|k| k.pieces[0].planes.clear());
    refused(&|k| k.pieces[0].planes = vec![Vec::new()]);
    refused(&|k| k.pieces[0].planes = vec![vec![0.0; 3], vec![0.0; 2]]);
    refused(&|k| k.pieces.clear());
    refused(&|k| k.sample_rate = 0);
}

#[test]
fn paths_that_could_be_misread_are_refused() {
    let kit = kit("k");
    for bad in [
        "",
        "/a.wav",
        "../a.wav",
        "a/../b.wav",
        "a//b.wav",
        "a\\b.wav",
        "a\n.wav",
        "a=b.wav",
        "<a>.wav",
        "a ",
        "./a",
        "C:/a",
        "$a.wav",
        "a#b",
    ] {
        let mut names = samples(&kit);
        names[1] = bad.into();
        for format in KIT_FORMATS {
            let done = format.write(&mut Cursor::new(Vec::new()), &kit, &names);
            assert_eq!(done.is_err(), !format.holds_samples(), "{} {bad:?}", format.name());
        }
    }
    let few = &samples(&kit)[1..];
    assert!(sfz::Sfz.write(&mut Cursor::new(Vec::new()), &kit, few).is_err());
}
