//! What happens when the world does not play along: kills, full disks, hostile names.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Song, assert_same, expect_code, loops, run_in, stderr, stdout, tool, tree};

fn songs(folder: &Path, n: u32) {
    for i in 0..n {
        let song = Song {
            bpm: 84.0 + 11.0 * f64::from(i),
            seed: i,
            bars: 12,
            ..Song::default()
        };
        song.write(&folder.join(format!("song{i}.wav")));
    }
}

/// Every sound file and table that is visible is whole: readable, and of the length that its header says.
fn assert_whole(out: &Path) {
    for (name, bytes) in tree(out) {
        let hidden = name.split('/').any(|part| part.starts_with('.'));
        if hidden {
            continue;
        }
        if name.ends_with(".wav") {
            let size = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
            assert_eq!(bytes.len(), size + 8, "{name} is cut off");
        } else if name.ends_with(".json") {
            serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
}

#[test]
fn killed_at_any_moment_it_goes_on_to_the_same_tree() {
    let work = tempfile::tempdir().unwrap();
    songs(work.path(), 4);
    fn arguments(out: &str) -> Vec<&str> {
        let fixed = "find song0.wav song1.wav song2.wav song3.wav --jobs 2 --quiet --out";
        fixed.split(' ').chain([out]).collect()
    }
    let begun = Instant::now();
    expect_code(&run_in(work.path(), &arguments("whole")), 0);
    let undisturbed = begun.elapsed();
    let expected = tree(&work.path().join("whole"));
    assert!(!loops(&expected).is_empty());

    let mut random: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut killed = 0;
    for round in 0..20 {
        let out = format!("out{round}");
        // Up to three kills in a row before the run that is let through.
        for _ in 0..=round % 3 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let wait = undisturbed.mul_f64((random >> 40) as f64 / (1u64 << 24) as f64);
            let mut child = tool(&arguments(&out)).current_dir(work.path()).spawn().unwrap();
            sleep(wait);
            if child.try_wait().unwrap().is_none() {
                killed += 1;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            assert_whole(&work.path().join(&out));
        }
        expect_code(&run_in(work.path(), &arguments(&out)), 0);
        assert_same(&expected, &tree(&work.path().join(&out)));
    }
    assert!(killed >= 10, "only {killed} of the runs were killed before they ended");
}

#[test]
fn interrupted_it_says_so_and_goes_on_later() {
    let work = tempfile::tempdir().unwrap();
    songs(work.path(), 6);
    let files: Vec<String> = (0..6).map(|i| format!("song{i}.wav")).collect();
    let arguments = |out: &'static str| {
        let mut all = vec!["find", "--jobs", "1", "--out", out];
        all.extend(files.iter().map(String::as_str));
        all
    };
    expect_code(&run_in(work.path(), &arguments("whole")), 0);
    let mut child = tool(&arguments("out"))
        .current_dir(work.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once the first folder is there, the tool is at work.
    let out = work.path().join("out");
    let begun = Instant::now();
    while !out.is_dir() && begun.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(2));
    }
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    child.wait().unwrap();
    let run = child.wait_with_output().unwrap();
    expect_code(&run, 130);
    assert_whole(&out);
    assert!(
        stdout(&run).contains("left. The same command goes on"),
        "{}",
        stdout(&run)
    );
    assert!(loops(&tree(&out)).len() < loops(&tree(&work.path().join("whole"))).len());
    expect_code(&run_in(work.path(), &arguments("out")), 0);
    assert_same(&tree(&work.path().join("whole")), &tree(&out));
}

#[test]
fn a_file_that_may_not_grow_is_as_a_full_disk() {
    let work = tempfile::tempdir().unwrap();
    songs(work.path(), 2);
    let run = Command::new("sh")
        .args([
            "-c",
            "ulimit -f 64; trap '' XFSZ; exec \"$0\" find song0.wav song1.wav --out out",
        ])
        .arg(env!("CARGO_BIN_EXE_loopwright"))
        .current_dir(work.path())
        .output()
        .unwrap();
    let code = run.status.code();
    assert!(matches!(code, Some(1 | 3)), "{code:?} {}", stderr(&run));
    assert!(
        format!("{}{}", stdout(&run), stderr(&run)).contains("cannot write"),
        "{}",
        stdout(&run)
    );
    assert!(
        !tree(&work.path().join("out"))
            .keys()
            .any(|n| n.ends_with(".wav") || n.ends_with(".tmp"))
    );
    expect_code(
        &run_in(work.path(), &["find", "song0.wav", "song1.wav", "--out", "out"]),
        0,
    );
    expect_code(
        &run_in(work.path(), &["find", "song0.wav", "song1.wav", "--out", "whole"]),
        0,
    );
    assert_same(&tree(&work.path().join("whole")), &tree(&work.path().join("out")));
}

/// A file system of a given size, while this value lives; `None` where the tests may not mount one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={kilobytes}k");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .output()
            .ok()?;
        mount.status.success().then(|| Self(at.to_path_buf()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_said_leaves_nothing_half_done_and_is_recovered_from() {
    let work = tempfile::tempdir().unwrap();
    songs(work.path(), 3);
    let disk = work.path().join("disk");
    let Some(mounted) = SmallDisk::mount(&disk, 900) else {
        eprintln!("skipped: no right to mount a small file system");
        return;
    };
    let arguments = [
        "find",
        "song0.wav",
        "song1.wav",
        "song2.wav",
        "--jobs",
        "1",
        "--out",
        "disk/out",
    ];
    let run = run_in(work.path(), &arguments);
    expect_code(&run, 3);
    assert!(stderr(&run).contains("free some space"), "{}", stderr(&run));
    let out = disk.join("out");
    assert_whole(&out);
    assert!(
        !tree(&out).keys().any(|n| n.ends_with(".tmp")),
        "{:?}",
        tree(&out).keys()
    );
    let grown = Command::new("mount")
        .args(["-o", "remount,size=64m"])
        .arg(&disk)
        .status()
        .unwrap();
    assert!(grown.success());
    expect_code(&run_in(work.path(), &arguments), 0);
    let whole = ["find", "song0.wav", "song1.wav", "song2.wav", "--out", "whole"];
    expect_code(&run_in(work.path(), &whole), 0);
    assert_same(&tree(&work.path().join("whole")), &tree(&out));
    drop(mounted);
}

#[test]
fn a_read_only_folder_is_said_at_once() {
    let work = tempfile::tempdir().unwrap();
    songs(work.path(), 1);
    let locked = work.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
    // The administrator may write everywhere; a file system that is read-only holds for everyone.
    let probe = fs::write(locked.join("probe"), b"").is_ok();
    let disk = work.path().join("disk");
    let mounted = probe.then(|| SmallDisk::mount(&disk, 900)).flatten();
    let out = if probe {
        let Some(_) = &mounted else {
            eprintln!("skipped: nothing here is read-only for this user");
            return;
        };
        assert!(
            Command::new("mount")
                .args(["-o", "remount,ro"])
                .arg(&disk)
                .status()
                .unwrap()
                .success()
        );
        "disk/out"
    } else {
        "locked/out"
    };
    let run = run_in(work.path(), &["find", "song0.wav", "--out", out]);
    expect_code(&run, 3);
    assert!(stderr(&run).contains("make the folder writable"), "{}", stderr(&run));
}

#[test]
fn hostile_names_stay_in_the_folder_and_off_the_terminal() {
    let work = tempfile::tempdir().unwrap();
    let music = work.path().join("music");
    fs::create_dir(&music).unwrap();
    let long = "x".repeat(240);
    let names = [
        "a\\..\\b",
        "CON",
        "com1.backup",
        "=HYPERLINK(1)",
        "@SUM(A1)",
        "a\u{1b}[31mred",
        "line\nbreak",
        "trailing. ",
        "-rf",
        "quote\"and,comma",
        "\u{202e}gpj",
        "naïve Ünïcode 音",
        &long,
        "NAME",
        "name",
    ];
    for name in names {
        Song {
            bars: 8,
            ..Song::default()
        }
        .write(&music.join(format!("{name}.wav")));
    }
    let run = run_in(
        work.path(),
        &["find", "music", "--out", "out", "--top", "1", "--jobs", "2"],
    );
    expect_code(&run, 0);
    for text in [stdout(&run), stderr(&run)] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
    let files = tree(&work.path().join("out"));
    assert_eq!(loops(&files).len(), names.len(), "{:?}", files.keys());
    assert_eq!(
        fs::read_dir(work.path()).unwrap().count(),
        2,
        "something was written beside the output folder"
    );
    let mut lower = std::collections::BTreeSet::new();
    for path in files.keys() {
        assert!(
            lower.insert(path.to_lowercase()),
            "{path} collides where case does not count"
        );
        for part in path.split('/') {
            assert!(part.len() <= 255 && part != "..", "{part}");
            assert!(
                !part.contains(['<', '>', ':', '"', '\\', '|', '?', '*', '\u{202e}']),
                "{part}"
            );
            assert!(
                !part.chars().any(char::is_control) && !part.ends_with(['.', ' ']),
                "{part:?}"
            );
            let stem = part.split('.').next().unwrap().trim().to_ascii_uppercase();
            assert!(
                !["CON", "PRN", "AUX", "NUL", "COM1", "LPT1"].contains(&stem.as_str()),
                "{part}"
            );
        }
    }
    assert_no_formulas(&String::from_utf8(files["all_loops.csv"].clone()).unwrap());
}

/// No cell of a table is taken for a formula by a spreadsheet.
fn assert_no_formulas(table: &str) {
    let mut reader = csv::ReaderBuilder::new().from_reader(table.as_bytes());
    for row in reader.records() {
        for cell in &row.unwrap() {
            let formula = cell.starts_with(['=', '+', '@', '\t', '\r'])
                || (cell.starts_with('-') && cell.parse::<f64>().is_err());
            assert!(!formula, "{cell:?}");
        }
    }
}

/// Appends a `LIST INFO` chunk with an artist and a title to a WAV file.
fn tag(path: &Path, artist: &str, title: &str) {
    let mut info = b"INFO".to_vec();
    for (id, text) in [(b"IART", artist), (b"INAM", title)] {
        let mut text = text.as_bytes().to_vec();
        text.push(0);
        info.extend_from_slice(id);
        info.extend_from_slice(&(text.len() as u32).to_le_bytes());
        info.extend_from_slice(&text);
        if text.len() % 2 == 1 {
            info.push(0);
        }
    }
    let mut bytes = fs::read(path).unwrap();
    bytes.extend_from_slice(b"LIST");
    bytes.extend_from_slice(&(info.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&info);
    let size = (bytes.len() - 8) as u32;
    bytes[4..8].copy_from_slice(&size.to_le_bytes());
    fs::write(path, bytes).unwrap();
}

#[test]
fn hostile_tags_stay_in_the_folder() {
    let work = tempfile::tempdir().unwrap();
    let tags = [
        ("../../../../tmp/evil", "../up"),
        ("/etc/passwd", "C:\\Windows\\x"),
        ("=cmd|' /C calc'!A0", "+1"),
        ("NUL", "COM1"),
        ("\u{1b}]0;owned\u{7}", "a\nb\rc"),
        ("\u{202e}", "\u{2066}..."),
    ];
    for (i, (artist, title)) in tags.iter().enumerate() {
        let path = Song {
            bars: 8,
            ..Song::default()
        }
        .write(&work.path().join(format!("t{i}.wav")));
        tag(&path, artist, title);
    }
    let run = run_in(work.path(), &["find", ".", "--out", "out", "--top", "1", "-v"]);
    expect_code(&run, 0);
    for text in [stdout(&run), stderr(&run)] {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{2066}']), "{text:?}");
    }
    let out = tree(&work.path().join("out"));
    assert_eq!(loops(&out).len(), tags.len(), "{:?}", out.keys());
    assert_eq!(
        tree(work.path()).len(),
        out.len() + tags.len(),
        "something was written beside the output folder"
    );
    for name in out.keys() {
        let characters = ['<', '>', ':', '"', '\\', '|', '?', '*', '\u{202e}', '\u{2066}'];
        assert!(
            !name.contains(characters) && !name.chars().any(char::is_control),
            "{name:?}"
        );
    }
    assert_no_formulas(&String::from_utf8(out["all_loops.csv"].clone()).unwrap());
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let work = tempfile::tempdir().unwrap();
    let run = Command::new("sh")
        .args(["-c", "\"$0\" completions bash | head -c 10 >/dev/null; echo done"])
        .arg(env!("CARGO_BIN_EXE_loopwright"))
        .current_dir(work.path())
        .output()
        .unwrap();
    assert_eq!(stdout(&run).trim(), "done");
    assert!(!stderr(&run).contains("panicked"), "{}", stderr(&run));
}
