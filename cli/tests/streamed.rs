//! Recordings that are in a store, and results that go there: the same as on this machine, whatever happens on the way.
#![cfg(all(feature = "dropbox", feature = "mp3"))]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::{Song, expect_code, stderr, stdout, tool};
use loopwright_core::config::Format;
use loopwright_core::export::meta::LoopMeta;
use loopwright_core::export::{AudioView, audio_format};
use loopwright_tests::dropbox::{APP_KEY, FakeDropbox, Fault, Kind, REFRESH};
use serde_json::Value;

/// Songs with names, tempi and formats.
const SONGS: [(&str, f64, Option<Format>); 6] = [
    ("FMA/one.wav", 120.0, None),
    ("FMA/deep/two (live).flac", 96.0, Some(Format::Flac)),
    ("FMA/=3, \"drei\".mp3", 140.0, Some(Format::Mp3)),
    ("Jamendo/four.wav", 104.0, None),
    ("Jamendo/fünf %41+.FLAC", 128.0, Some(Format::Flac)),
    ("Jamendo/six.mp3", 112.0, Some(Format::Mp3)),
];

const TIMESTAMPS: &str = r#"{"one": [9.0], "two (live)": [12.5, 20.0], "=3, \"drei\"": [4.0], "four": [10.0],
    "fünf %41+": [8.0, 15.0], "six": [12.0]}"#;

/// A folder with music, the same in a store, and a user who may get in.
struct Place {
    folder: tempfile::TempDir,
    server: FakeDropbox,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = FakeDropbox::start();
        let place = Self { folder, server };
        for (n, (name, bpm, format)) in SONGS.iter().enumerate() {
            let song = Song {
                bpm: *bpm,
                seed: n as u32,
                ..Song::default()
            };
            let path = place.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match format {
                None => drop(song.write(&path)),
                Some(format) => {
                    let mut out = std::io::Cursor::new(Vec::new());
                    let view = AudioView {
                        planes: &[song.samples()],
                        sample_rate: song.rate,
                    };
                    let writer = audio_format(*format).unwrap();
                    writer.write(&mut out, view, &LoopMeta::default()).unwrap();
                    fs::write(&path, out.into_inner()).unwrap();
                }
            }
            place.server.put_file(&format!("/{name}"), fs::read(&path).unwrap());
        }
        place.server.put_file("/FMA/notes.txt", *b"no music");
        fs::write(place.path("t.json"), TIMESTAMPS).unwrap();
        let settings = format!(
            "[stores]\ndropbox_url = \"{}\"\nretries = 5\ntimeout_seconds = 10.0\n",
            place.server.url()
        );
        fs::write(place.path("loopwright.toml"), settings).unwrap();
        for home in ["home", "temp"] {
            fs::create_dir(place.path(home)).unwrap();
        }
        place
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The tool in the folder, with a refresh token in its environment; `limited`, no byte can be written to any file.
    fn command(&self, arguments: &[&str], limited: bool) -> Command {
        let plain = tool(arguments);
        let mut command = if limited {
            let mut shell = Command::new("sh");
            shell.args(["-c", "ulimit -f 0 && exec \"$@\"", "sh"]);
            shell.arg(plain.get_program()).args(plain.get_args());
            shell
        } else {
            Command::new(plain.get_program())
        };
        if !limited {
            command.args(plain.get_args());
        }
        for name in ["DROPBOX_ACCESS_TOKEN", "DROPBOX_APP_SECRET", "LOOPWRIGHT_CONFIG_DIR"] {
            command.env_remove(name);
        }
        command
            .env("DROPBOX_REFRESH_TOKEN", REFRESH)
            .env("DROPBOX_APP_KEY", APP_KEY)
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("home"))
            .env("XDG_CACHE_HOME", self.path("home"))
            .env("TMPDIR", self.path("temp"))
            .env("NO_COLOR", "1")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments, false).output().unwrap()
    }

    /// All files of the folder, by their paths in it.
    fn files(&self, relative: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path(relative);
        let mut files = BTreeMap::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// The files in the store below `folder`.
    fn stored(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let below = |(path, content): (String, Vec<u8>)| Some((path.strip_prefix(folder)?.to_owned(), content));
        self.server.files().into_iter().filter_map(below).collect()
    }
}

#[track_caller]
fn same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, content) in a {
        assert!(b[name] == *content, "{name} differs");
    }
}

fn train<'a>(root: &'a str, out: &'a str) -> Vec<&'a str> {
    let audio: [&str; 2] = match root {
        "" => ["FMA", "Jamendo"],
        _ => ["dropbox:/FMA", "dropbox:/Jamendo"],
    };
    let mut arguments = vec!["train", "rank", "--audio", audio[0], "--audio", audio[1]];
    arguments.extend(["--timestamps", "t.json", "--out", out, "--epochs", "4", "--hidden", "8"]);
    arguments
}

#[cfg(unix)]
#[test]
fn training_streamed_through_every_fault_is_that_of_local_files_and_writes_nothing_here() {
    let place = Place::new();
    fs::create_dir(place.path("Models")).unwrap();
    expect_code(&place.run(&train("", "Models/loop_ranker.onnx")), 0);

    let server = &place.server;
    server.page(2);
    for fault in [
        Fault::rate_limit(0).on("files/list_folder").times(2),
        Fault::cursor_reset(),
        Fault::new(Kind::Expired).on("files/download").after(2),
        Fault::rate_limit(1).on("files/download").after(1),
        Fault::new(Kind::DropInBody(50_000))
            .on("files/download")
            .path("/FMA/one.wav"),
        Fault::new(Kind::Drop).on("files/download").path("/Jamendo/four.wav"),
        Fault::new(Kind::Status(503))
            .on("files/download")
            .path("/Jamendo/six.mp3"),
        Fault::new(Kind::Corrupt)
            .on("files/download")
            .path("/FMA/deep/two (live).flac"),
        Fault::new(Kind::Late(Duration::from_millis(300)))
            .on("files/download")
            .after(4),
        Fault::new(Kind::TooManyWrites).on("files/upload"),
        Fault::new(Kind::DropAfter).on("files/upload").after(1),
    ] {
        server.fault(fault);
    }
    let before = place.files("");
    let streamed = place
        .command(&train("dropbox:", "dropbox:/Models/loop_ranker.onnx"), true)
        .output()
        .unwrap();
    expect_code(&streamed, 0);
    assert_eq!(server.faults_left(), 0, "every fault came");
    // Not one byte could be written to a file of this machine, and none was made.
    same(&before, &place.files(""));
    let made = place.stored("/Models/");
    assert!(
        made.contains_key("loop_ranker.onnx") && made.len() == 5,
        "{:?}",
        made.keys()
    );
    same(&place.files("Models"), &made);

    // The limit is one: with it, the same run to a local file fails.
    let limited = place.command(&train("", "local.onnx"), true).output().unwrap();
    assert!(!limited.status.success(), "{}", stderr(&limited));

    // A model that is somebody else's is left alone, before anything is fetched.
    server.put_file("/Other/m.onnx", *b"mine");
    let fetched = server.count("files/download");
    let refused = place.run(&train("dropbox:", "dropbox:/Other/m.onnx"));
    expect_code(&refused, 3);
    assert!(
        stderr(&refused).contains("dropbox:/Other/m.onnx"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(server.count("files/download"), fetched);
    assert_eq!(place.stored("/Other/")["m.onnx"], b"mine");
}

#[test]
fn what_is_learnt_from_recordings_is_what_their_table_would_give() {
    let place = Place::new();
    for table in ["t.csv", "t.parquet"] {
        let made = place.run(&["dataset", "FMA", "Jamendo", "--timestamps", "t.json", "--out", table]);
        expect_code(&made, 0);
        let out = format!("from_{table}");
        let quick = ["--epochs", "4", "--hidden", "8"];
        let trained = place.run(&[&["train", "rank", table, "--out", &out][..], &quick].concat());
        expect_code(&trained, 0);
        expect_code(&place.run(&train("", "heard")), 0);
        let (a, b) = (place.files(&out), place.files("heard"));
        for file in ["ranker.onnx", "features.json", "split.json"] {
            assert!(a[file] == b[file], "{file} from {table} differs");
        }
    }
    // One that does not end as the learner's models do.
    let wrong = place.run(&train("", "x.json"));
    expect_code(&wrong, 2);
    assert!(stderr(&wrong).contains(".onnx"), "{}", stderr(&wrong));
    // Nothing to learn from.
    let nothing = place.run(&["train", "rank", "--audio", "FMA", "--out", "x"]);
    expect_code(&nothing, 2);
    assert!(stderr(&nothing).contains("--timestamps"), "{}", stderr(&nothing));
}

#[test]
fn rows_that_are_kept_need_no_second_fetch() {
    let place = Place::new();
    let mut arguments = train("dropbox:", "one");
    arguments.extend(["--keep-rows", "rows"]);
    place
        .server
        .fault(Fault::new(Kind::Remove).on("files/download").path("/Jamendo/six.mp3"));
    let first = place.run(&arguments);
    expect_code(&first, 1);
    assert!(
        stderr(&first).contains("dropbox:/Jamendo/six.mp3"),
        "{}",
        stderr(&first)
    );
    assert!(place.path("one/ranker.onnx").is_file(), "the others were learnt from");
    let fetched = place.server.count("files/download");
    let six = fs::read(place.path("Jamendo/six.mp3")).unwrap();
    place.server.put_file("/Jamendo/six.mp3", six);
    expect_code(&place.run(&arguments), 0);
    assert_eq!(place.server.count("files/download"), fetched + 1);
    let mut local = train("", "two");
    local.extend(["--keep-rows", "rows2"]);
    expect_code(&place.run(&local), 0);
    same(&place.files("one"), &place.files("two"));
}

#[test]
fn loops_and_tables_are_the_same_from_a_store_and_in_one() {
    let place = Place::new();
    let server = &place.server;
    let find =
        |input: &'static str, out: &'static str| ["find", input, "--out", out, "--top", "2", "--bars", "2,4", "--json"];
    let local = place.run(&find("FMA", "local"));
    expect_code(&local, 0);
    server.page(1);
    server.fault(Fault::new(Kind::DropInBody(10_000)).on("files/download"));
    let remote = place.run(&find("dropbox:/FMA", "remote"));
    expect_code(&remote, 0);
    let without_manifest = |mut files: BTreeMap<String, Vec<u8>>| {
        files.remove("manifest.json").unwrap();
        files
    };
    same(
        &without_manifest(place.files("local")),
        &without_manifest(place.files("remote")),
    );
    let sources = |output: &Output| -> Vec<String> {
        let lines = stdout(output);
        let lines = lines.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
        lines.filter_map(|l| l["source"].as_str().map(str::to_owned)).collect()
    };
    assert!(
        sources(&remote).contains(&"dropbox:/FMA/one.wav".to_owned()),
        "{:?}",
        sources(&remote)
    );

    // A second run knows by the listing that nothing changed; what did is fetched, and only that.
    let fetched = server.count("files/download");
    expect_code(&place.run(&find("dropbox:/FMA", "remote")), 0);
    assert_eq!(server.count("files/download"), fetched);
    server.put_file("/FMA/one.wav", fs::read(place.path("Jamendo/four.wav")).unwrap());
    expect_code(&place.run(&find("dropbox:/FMA", "remote")), 0);
    assert_eq!(server.count("files/download"), fetched + 1);
    server.put_file("/FMA/one.wav", fs::read(place.path("FMA/one.wav")).unwrap());

    // From here to the store, from the store to itself; our own output there is no input.
    for _ in 0..2 {
        expect_code(&place.run(&find("FMA", "dropbox:/Loops")), 0);
        same(&place.files("local"), &place.stored("/Loops/"));
    }
    expect_code(&place.run(&find("dropbox:/", "dropbox:/All")), 0);
    let names: Vec<String> = place.stored("/All/").into_keys().collect();
    assert!(names.iter().any(|n| n.starts_with("Jamendo/four/")), "{names:?}");
    assert!(!names.iter().any(|n| n.contains("Loops")), "{names:?}");

    // A table, both ways.
    let dataset = |input: &'static str, out: &'static str| {
        let run = place.run(&[
            "dataset",
            input,
            "--timestamps",
            "t.json",
            "--out",
            out,
            "--max-candidates",
            "50",
        ]);
        expect_code(&run, 0);
    };
    dataset("FMA", "a.csv");
    dataset("dropbox:/FMA", "b.csv");
    dataset("dropbox:/FMA", "dropbox:/Tables/c.csv");
    let a = fs::read(place.path("a.csv")).unwrap();
    assert!(a == fs::read(place.path("b.csv")).unwrap());
    assert!(a == place.stored("/Tables/")["c.csv"]);
}

#[test]
fn every_format_that_is_read_here_is_read_from_a_store() {
    let place = Place::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/tests/data");
    let mut tried = 0;
    for entry in fs::read_dir(data).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let audio = ["aac", "m4a", "wav", "caf", "flac", "mp3", "ogg"];
        if !name.rsplit_once('.').is_some_and(|(_, e)| audio.contains(&e)) {
            continue;
        }
        let content = fs::read(entry.path()).unwrap();
        fs::write(place.path(&name), &content).unwrap();
        place.server.put_file(&format!("/Formats/{name}"), content);
        let address = format!("dropbox:/Formats/{name}");
        let told = |source: &str| -> Value {
            let run = place.run(&["analyze", source, "--json"]);
            let mut told: Value =
                serde_json::from_str(&stdout(&run)).unwrap_or_else(|e| panic!("{e}: {}", stderr(&run)));
            assert_eq!(told["source"].take(), source);
            told
        };
        assert_eq!(told(&name), told(&address), "{name}");
        tried += 1;
    }
    assert!(tried >= 8, "{tried} formats");
}

#[test]
fn what_cannot_be_had_is_named_and_the_rest_goes_on() {
    let place = Place::new();
    let server = &place.server;
    server.fault(
        Fault::new(Kind::Rename("/FMA/renamed.wav".into()))
            .on("files/download")
            .path("/FMA/one.wav"),
    );
    server.put_file("/FMA/broken.mp3", *b"this is no music");
    let run = place.run(&["find", "dropbox:/FMA", "dropbox:/Nowhere", "--out", "out", "--top", "1"]);
    expect_code(&run, 1);
    let said = format!("{}{}", stdout(&run), stderr(&run));
    for named in ["dropbox:/FMA/one.wav", "dropbox:/FMA/broken.mp3", "dropbox:/Nowhere"] {
        assert!(said.contains(named), "{named} in:\n{said}");
    }
    assert!(place.files("out").keys().any(|n| n.starts_with("deep/two (live)/")));
    // A refresh token that is good no more, and none at all.
    server.expire_access();
    server.revoke_refresh();
    for (token, words) in [(Some(REFRESH), "login"), (None, "login")] {
        let mut command = place.command(&["find", "dropbox:/FMA", "--out", "out2"], false);
        match token {
            Some(token) => command.env("DROPBOX_REFRESH_TOKEN", token),
            None => command.env_remove("DROPBOX_REFRESH_TOKEN"),
        };
        let run = command.output().unwrap();
        assert!(!run.status.success());
        assert!(stderr(&run).contains(words), "{}", stderr(&run));
        assert!(!stderr(&run).contains(REFRESH), "{}", stderr(&run));
    }
}
