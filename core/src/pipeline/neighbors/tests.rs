use std::fs;
use std::path::Path;

use super::map::{MapError, Mapped};
use super::query::{Named, ResolveError, Resolved, resolve};
use super::*;
use crate::analysis::key::Mode;
use crate::similarity::profile::{RHYTHM, TIMBRE};

struct Nobody;
impl Observer for Nobody {}

const ONE: NonZeroUsize = NonZeroUsize::MIN;

fn entry(path: &str, seed: u32) -> Entry {
    let number =
        |i: usize| ((i as u32 + 1).wrapping_mul(2_654_435_761).wrapping_add(seed * 977) % 1000) as f32 / 500.0 - 1.0;
    Entry {
        kind: Kind::Loop,
        id: TrackId([seed as u8; 32]),
        tempo: Some(LoopTempo {
            bpm: 120.0,
            beats: 8,
            meter: 4,
            confidence: 0.9,
        }),
        key: (seed.is_multiple_of(2)).then_some(Key {
            tonic: 9,
            mode: Mode::Minor,
            confidence: 0.7,
        }),
        profile: Profile {
            seconds: 4.0,
            rhythm: (0..RHYTHM).map(|i| number(i) / 20.0).collect(),
            timbre: (0..TIMBRE).map(number).collect(),
            harmony: if seed.is_multiple_of(2) {
                (0..12).map(number).collect()
            } else {
                Vec::new()
            },
        },
        ..Entry::unheard(Path::new(path), path)
    }
}

/// Clicks at these places of a bar of `bar` seconds, twice.
fn click_wav(path: &Path, bar: f64, at: &[f64]) {
    let rate = 22_050;
    let n = (2.0 * bar * f64::from(rate)) as usize;
    let mut samples = vec![0.0f32; n];
    for start in [0.0, 1.0].iter().flat_map(|b| at.iter().map(move |a| (b + a) * bar)) {
        let from = (start * f64::from(rate)) as usize;
        for t in 0..1000 {
            let noise = ((t as u32).wrapping_mul(2_654_435_761) >> 16) as f32 / 32_768.0 - 1.0;
            samples[(from + t) % n] += 0.5 * noise * (-(t as f32) / 200.0).exp();
        }
    }
    wav(path, rate, &samples);
}

fn wav(path: &Path, rate: u32, samples: &[f32]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut out = hound::WavWriter::create(path, spec).unwrap();
    for x in samples {
        out.write_sample((x.clamp(-1.0, 1.0) * 32_767.0) as i16).unwrap();
    }
    out.finalize().unwrap();
}

fn sources(folder: &Path) -> Vec<Source> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let source = |path: PathBuf| Source {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        place: path.into(),
    };
    files.into_iter().map(source).collect()
}

fn gathered(sources: &[Source], cache: &Cache, jobs: usize) -> Gathered {
    let jobs = NonZeroUsize::new(jobs).unwrap();
    gather(sources, cache, &Config::default(), jobs, &Nobody, |_, _| (), |_| ()).unwrap()
}

#[test]
fn files_are_heard_those_that_cannot_be_are_told_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    click_wav(&at("a.wav"), 1.0, &[0.0, 0.25, 0.4375, 0.75]);
    click_wav(&at("b.wav"), 1.2, &[0.0, 0.25, 0.4375, 0.75]);
    click_wav(&at("c.wav"), 1.0, &[0.0, 0.5, 0.625]);
    wav(&at("d_silent.wav"), 22_050, &[0.0; 44_100]);
    wav(&at("e_short.wav"), 22_050, &[0.5; 100]);
    fs::write(at("f_broken.wav"), b"RIFF no more").unwrap();
    let sources = sources(dir.path());
    let (one, four) = (
        gathered(&sources, &Cache::default(), 1),
        gathered(&sources, &Cache::default(), 4),
    );
    assert_eq!(one.stored, four.stored);
    assert_eq!((one.stored.len(), one.heard, one.failed.len()), (3, 3, 3));
    let told: Vec<String> = one.failed.iter().map(|(_, e)| e.to_string()).collect();
    for (told, words) in told.iter().zip(["silent", "0.005 s", "f_broken"]) {
        assert!(told.contains(words), "{told}");
    }
    let entries: Vec<&Entry> = one.stored.iter().map(|s| &s.entry).collect();
    let found = rank(entries[0], &entries, &Weights::default(), 5);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].entry.name, "b.wav");
    assert!((found[0].affinity.stretch - 1.2).abs() < 1e-3 && (found[0].hints.fader_from_stretch - 20.0).abs() < 0.1);
    let table = table(entries[0], &found);
    assert_eq!(table.columns[..COLUMNS.len()], COLUMNS);
    assert_eq!(table.cell(0, "neighbor_file"), &Cell::from("b.wav"));
    assert_eq!(table.cell(0, "same_audio"), &Cell::from(false));
}

#[test]
fn an_index_knows_files_again_and_hears_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join("loops").join(name);
    fs::create_dir(dir.path().join("loops")).unwrap();
    click_wav(&at("a.wav"), 1.0, &[0.0, 0.25]);
    click_wav(&at("b.wav"), 1.2, &[0.0, 0.75]);
    let index = dir.path().join("x.lwi");
    assert!(Cache::read(&index).unwrap().is_none());
    let first = gathered(&sources(&dir.path().join("loops")), &Cache::new(), 1);
    cache::write(&index, &first.stored).unwrap();
    let known = || Cache::read(&index).unwrap().unwrap();
    let again = gathered(&sources(&dir.path().join("loops")), &known(), 2);
    assert_eq!((again.heard, &again.stored), (0, &first.stored));
    let entries: Vec<Entry> = first.stored.iter().map(|s| s.entry.clone()).collect();
    assert_eq!(known().into_entries(), entries);
    // A copy under another name is known by its content, a changed file is heard.
    fs::copy(at("a.wav"), at("c.wav")).unwrap();
    click_wav(&at("b.wav"), 1.4, &[0.0, 0.75]);
    let third = gathered(&sources(&dir.path().join("loops")), &known(), 1);
    assert_eq!((third.heard, third.stored.len()), (1, 3));
    assert_eq!(third.stored[2].entry.name, "c.wav");
    assert_eq!(third.stored[2].entry.id, third.stored[0].entry.id);
    assert_ne!(third.stored[1].entry.profile, first.stored[1].entry.profile);
}

#[test]
fn a_damaged_index_is_never_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.lwi");
    click_wav(&dir.path().join("a.wav"), 1.0, &[0.0, 0.25]);
    let all = gathered(&sources(dir.path()), &Cache::new(), 1);
    cache::write(&path, &all.stored).unwrap();
    let good = fs::read(&path).unwrap();
    assert!(Cache::read(&path).is_ok());
    let broken = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        assert!(Cache::read(&path).is_err(), "{} bytes", bytes.len());
    };
    broken(b"");
    broken(b"LWNEIGH1");
    broken(&good[..good.len() - 1]);
    broken(&good[..100]);
    for at in [0, 9, 40, good.len() / 2, good.len() - 5] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        broken(&bytes);
    }
    // A digest that fits does not make nonsense of a header right.
    let mut forged = good[..8].to_vec();
    forged.extend(u64::MAX.to_le_bytes());
    forged.extend(blake3::hash(&forged.clone()).as_bytes());
    broken(&forged);
    let mut other = b"LWNEIGH1".to_vec();
    let header = br#"{"tool":"0.0.0","profile":1,"entries":[]}"#;
    other.extend((header.len() as u64).to_le_bytes());
    other.extend(header);
    other.extend(blake3::hash(&other.clone()).as_bytes());
    broken(&other);
}

#[test]
fn a_query_is_a_path_a_name_or_a_part_of_one() {
    let files = [
        "x/kick one.wav",
        "x/Break.wav",
        "y/Break.wav",
        "y/=cmd.wav",
        "y/größe.flac",
        "y/one.wav",
    ];
    let named: Vec<Named<'_>> = files
        .iter()
        .map(|f| Named {
            path: Path::new(f),
            name: f,
        })
        .collect();
    for (query, wanted) in [
        ("y/Break.wav", 2),
        ("one.wav", 5),
        ("kick", 0),
        ("=cmd", 3),
        ("größe", 4),
        ("KICK", 0),
        ("one", 5),
        ("x/Br", 1),
    ] {
        assert_eq!(resolve(query, &named), Ok(Resolved::Member(wanted)), "{query}");
    }
    match resolve("Break.wav", &named) {
        Err(ResolveError::Ambiguous { matches, .. }) => assert_eq!(matches, ["x/Break.wav", "y/Break.wav"]),
        other => panic!("{other:?}"),
    }
    assert!(
        resolve("wav", &named)
            .unwrap_err()
            .to_string()
            .contains("x/kick one.wav")
    );
    assert!(matches!(
        resolve("nothing", &named),
        Err(ResolveError::Unknown { files: 6, .. })
    ));
    assert!(resolve("a", &[]).is_err());
    // A file that is none of them.
    let dir = tempfile::tempdir().unwrap();
    let stranger = dir.path().join("kick.wav");
    fs::write(&stranger, b"").unwrap();
    let text = stranger.to_str().unwrap();
    assert_eq!(resolve(text, &named), Ok(Resolved::File(stranger.clone())));
}

#[test]
fn the_query_itself_is_no_neighbour_and_its_copies_are_told() {
    let mut all = [entry("a", 1), entry("b", 2), entry("c", 1)];
    all[2].id = all[0].id;
    let refs: Vec<&Entry> = all.iter().collect();
    let found = rank(&all[0], &refs, &Weights::default(), 10);
    assert_eq!(
        found.iter().map(|n| n.entry.name.as_str()).collect::<Vec<_>>(),
        ["c", "b"]
    );
    let told = table(&all[0], &found);
    assert_eq!(told.cell(0, "same_audio"), &Cell::from(true));
    assert_eq!(told.cell(0, "similarity_harmony"), &Cell::Empty);
    assert!(rank(&all[0], &refs[..1], &Weights::default(), 10).is_empty());
}

#[test]
fn a_map_is_read_and_what_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    assert!(matches!(map::names(dir.path()), Err(MapError::Io { .. })));
    write(
        "contact_similarity_matrix.csv",
        ",a.wav,'=b.wav,c.wav\na.wav,1.0,0.2,0.9\n'=b.wav,0.2,1.0,0.1\nc.wav,0.9,0.1,1.0\n",
    );
    write(
        "contact_distance_matrix.csv",
        ",a.wav,'=b.wav,c.wav\na.wav,0.0,0.5,0.1\n'=b.wav,0.5,0.0,0.6\nc.wav,0.1,0.6,0.0\n",
    );
    write(
        "contact_stretch_ratio_matrix.csv",
        ",a.wav,'=b.wav,c.wav\na.wav,1.0,2.0,1.1\n'=b.wav,0.5,1.0,1\nc.wav,0.9,1,1.0\n",
    );
    assert_eq!(map::names(dir.path()).unwrap(), ["a.wav", "=b.wav", "c.wav"]);
    let row = map::row(dir.path(), 0).unwrap();
    assert_eq!(
        row[0],
        Mapped {
            name: "c.wav".into(),
            similarity: 0.9,
            distance: 0.1,
            stretch: 1.1
        }
    );
    assert_eq!(row[1].name, "=b.wav");
    let entries = [entry("c.wav", 3), Entry::unheard(Path::new("=b.wav"), "=b.wav")];
    let query = entry("a.wav", 1);
    let found = mapped(&query, &row, &entries);
    assert_eq!(
        (found[0].affinity.stretch, found[1].hints.fader_from_stretch),
        (1.1, 0.0)
    );
    let told = table(&query, &found);
    assert_eq!(told.cell(1, "similarity_rhythm"), &Cell::Empty);
    assert_eq!(told.cell(1, "neighbor_bpm_est"), &Cell::Empty);
    assert!(map::row(dir.path(), 3).is_err());
    write("contact_distance_matrix.csv", ",a.wav,x.wav,c.wav\na.wav,0.0,0.5,0.1\n");
    assert!(map::row(dir.path(), 0).is_err());
    write(
        "contact_distance_matrix.csv",
        ",a.wav,'=b.wav,c.wav\na.wav,0.0,nan,0.1\n",
    );
    assert!(map::row(dir.path(), 0).is_err());
}

#[test]
fn stopping_leaves_what_was_heard() {
    struct Stopped;
    impl Observer for Stopped {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let dir = tempfile::tempdir().unwrap();
    click_wav(&dir.path().join("a.wav"), 1.0, &[0.0]);
    let sources = sources(dir.path());
    let done = gather(
        &sources,
        &Cache::default(),
        &Config::default(),
        ONE,
        &Stopped,
        |_, _| (),
        |_| (),
    )
    .unwrap();
    assert!(done.stored.is_empty());
}
