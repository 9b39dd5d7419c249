//! `report` from a terminal, and its page in Chromium.

#[path = "common/browser.rs"]
mod browser;
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use browser::{Browser, wait};
use common::{Song, assert_same, expect_code, run_in, stderr, stdout, tree, write_wav};
use serde_json::Value;

/// A name that would be markup, a script and a formula, were it taken for one.
const HOSTILE: &str = "=</script><img src=x onerror=alert(1)>'\"&{{data}}\u{2028}\u{202e}evil";

/// Loops, breaks and quiet loops of a short song in `home/loops`.
fn exports(home: &Path) -> PathBuf {
    Song::default().write(&home.join("song.wav"));
    Song {
        bass: false,
        seed: 2,
        bpm: 100.0,
        rate: 44_100,
        channels: 2,
        ..Song::default()
    }
    .write(&home.join("drums.wav"));
    for command in ["find", "breaks", "quiet"] {
        let run = run_in(
            home,
            &[
                command,
                "song.wav",
                "drums.wav",
                "--out",
                "loops",
                "--quiet",
                "--top",
                "4",
            ],
        );
        assert!(matches!(run.status.code(), Some(0 | 4)), "{command}: {}", stderr(&run));
    }
    home.join("loops")
}

fn summary(run: &std::process::Output) -> Value {
    serde_json::from_str(&stdout(run)).unwrap()
}

/// The page's data, as its script reads them.
fn data_of(page: &Path) -> Value {
    let html = fs::read_to_string(page.join("index.html")).unwrap();
    let (_, rest) = html.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// Has the tables say hostile things, as a tag or a table from somebody else might.
fn poison(loops: &Path) {
    let path = loops.join("all_loops.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().enumerate().map(|(i, line)| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        if i == 0 {
            for column in ["track_id", "source", "key", "reasons"] {
                row[column] = HOSTILE.into();
            }
            row["__proto__"] = 0.5.into();
        }
        format!("{row}\n")
    });
    fs::write(&path, lines.collect::<String>()).unwrap();
}

#[test]
fn what_was_written_is_there_whole_and_the_same_each_time() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let loops = exports(home);
    let run = run_in(home, &["report", "loops", "--json", "--quiet"]);
    expect_code(&run, 0);
    let told = summary(&run);
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/FORMATS.md")).unwrap();
    for key in told.as_object().unwrap().keys() {
        let section = docs.split_once("`report --json`").expect("a description").1;
        assert!(
            section.contains(&format!("`{key}`")),
            "docs/FORMATS.md does not explain {key}"
        );
    }
    let page = loops.join("report");
    let first = tree(&page);
    assert_eq!(told["files"], first.len());
    assert_eq!(told["bytes"], first.values().map(Vec::len).sum::<usize>());
    let data = data_of(&page);
    let rows = data["rows"].as_array().unwrap();
    assert_eq!(told["rows"], rows.len());
    assert_eq!(told["playable"], rows.len());
    // As many as the manifests hold, of each kind.
    let held = |name: &str| {
        let manifest: Value = serde_json::from_slice(&fs::read(loops.join(name)).unwrap()).unwrap();
        let tracks = manifest["tracks"].as_array().unwrap().clone();
        tracks
            .iter()
            .map(|t| t["loops"].as_array().map_or(0, Vec::len))
            .sum::<usize>()
    };
    let of = |kinds: &[&str]| {
        rows.iter()
            .filter(|r| kinds.contains(&r["kind"].as_str().unwrap()))
            .count()
    };
    assert_eq!(of(&["loop"]), held("manifest.json"));
    assert_eq!(of(&["drums_only", "drum_heavy"]), held("breaks_manifest.json"));
    assert_eq!(of(&["quiet"]), held("quiet_manifest.json"));
    assert!(of(&["drums_only"]) > 0 && rows.iter().any(|r| r["marks"].as_u64() > Some(4)));
    assert!(
        rows.iter()
            .all(|r| r["bpm"].is_number() && r["seam"]["after"]["ratio"].is_number())
    );

    // Again, with another number of threads: the same bytes. What was laid there is kept.
    fs::write(page.join("ratings.json"), "mine").unwrap();
    expect_code(&run_in(home, &["report", "loops", "--quiet", "--jobs", "1"]), 0);
    let mut again = tree(&page);
    assert_eq!(again.remove("ratings.json").as_deref(), Some(&b"mine"[..]));
    assert_same(&first, &again);
    // Nothing names this machine, and nothing is asked of any other.
    for (name, bytes) in &again {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(home.to_str().unwrap()), "{name}");
        for address in ["http:", "https:"] {
            let own = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains(address), "{name} names an address");
        }
    }

    // Without sound, or with little, the loops' own files are linked to.
    let run = run_in(
        home,
        &[
            "report",
            "loops",
            "--out",
            "elsewhere/small",
            "--no-audio",
            "--json",
            "--quiet",
        ],
    );
    expect_code(&run, 0);
    let small = home.join("elsewhere/small");
    assert_eq!(summary(&run)["embedded"], 0);
    assert!(!small.join("audio").exists());
    for row in data_of(&small)["rows"].as_array().unwrap() {
        let href = row["href"].as_str().unwrap();
        assert!(href.starts_with("../../loops/"), "{href}");
        let path = href.replace("%20", " ");
        assert!(small.join(path).is_file(), "{href}");
    }
    let run = run_in(
        home,
        &[
            "report", "loops", "--out", "little", "--max-mb", "0", "--json", "--quiet",
        ],
    );
    expect_code(&run, 0);
    assert_eq!(summary(&run)["embedded"], 0);
}

#[test]
fn what_is_missing_changed_or_outside_is_told() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let loops = exports(home);
    let path = loops.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let file = |manifest: &Value, i: usize| manifest["tracks"][0]["loops"][i]["file"].as_str().unwrap().to_owned();
    fs::remove_file(loops.join(file(&manifest, 0))).unwrap();
    let changed = loops.join(file(&manifest, 1));
    let mut bytes = fs::read(&changed).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&changed, bytes).unwrap();
    fs::write(home.join("secret.wav"), "x").unwrap();
    manifest["tracks"][0]["loops"][2]["file"] = "../secret.wav".into();
    fs::write(&path, manifest.to_string()).unwrap();
    fs::write(loops.join("quiet_manifest.json"), "{half").unwrap();
    let run = run_in(home, &["report", "loops", "--json", "--quiet"]);
    expect_code(&run, 1);
    let told = summary(&run);
    assert_eq!(told["rows"].as_u64().unwrap() - told["playable"].as_u64().unwrap(), 3);
    let problems = told["problems"].to_string();
    for said in [
        "not there any more",
        "not what was written",
        "leads out of the folder",
        "quiet_manifest.json",
    ] {
        assert!(problems.contains(said), "{said}: {problems}");
    }
    let states: Vec<String> = data_of(&loops.join("report"))["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states[..4], ["missing", "changed", "outside", "ok"]);
    // A map that was named must be one.
    let run = run_in(home, &["report", "loops", "--map", "loops", "--quiet"]);
    expect_code(&run, 2);
    assert!(stderr(&run).contains("contact_similarity_matrix.csv"));
}

#[test]
fn nothing_to_show_is_said() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::create_dir(home.join("empty")).unwrap();
    let run = run_in(home, &["report", "empty"]);
    expect_code(&run, 4);
    assert!(stderr(&run).contains("nothing to show"));
    assert!(!home.join("empty/report").exists());
    expect_code(&run_in(home, &["report", "absent"]), 3);
    // What is not ours is not replaced.
    fs::create_dir(home.join("empty/report")).unwrap();
    fs::write(home.join("empty/report/song.txt"), "mine").unwrap();
    write_wav(
        &home.join("empty/a.wav"),
        &Song::default().samples()[..44_100],
        22_050,
        1,
    );
    let run = run_in(home, &["report", "empty", "--quiet"]);
    expect_code(&run, 3);
    assert!(stderr(&run).contains("--out"));
    expect_code(&run_in(home, &["report", "empty", "--quiet", "--out", "r"]), 0);
}

/// A contact map of the rows, in an order of its own.
fn contact_map(home: &Path, rows: &[Value]) {
    let folder = home.join("loops/map");
    fs::create_dir_all(&folder).unwrap();
    let files: Vec<String> = rows
        .iter()
        .map(|r| format!("loops/{}", r["file"].as_str().unwrap()))
        .collect();
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let mut matrix = format!("path,{}\n", files.iter().map(quoted).collect::<Vec<_>>().join(","));
    for (i, file) in files.iter().enumerate() {
        matrix += &quoted(file);
        for j in 0..files.len() {
            matrix += &format!(",{}", 1.0 / (1.0 + i.abs_diff(j) as f64));
        }
        matrix.push('\n');
    }
    fs::write(folder.join("contact_similarity_matrix.csv"), matrix).unwrap();
    let mut order = String::from("rank,file,index\n");
    for (rank, (i, file)) in files.iter().enumerate().rev().enumerate() {
        order += &format!("{rank},{},{i}\n", quoted(file));
    }
    fs::write(folder.join("contact_map_order.csv"), order).unwrap();
}

/// Nothing was complained of, refused, run or asked for.
#[track_caller]
fn content(browser: &mut Browser, page: &Path) {
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let own = format!("file://{}/", page.display());
    for url in browser.requests() {
        assert!(url.starts_with(&own) || url.starts_with("blob:"), "{url} was asked for");
    }
}

/// Names of the rows as the table shows them.
fn shown(browser: &mut Browser) -> Vec<usize> {
    let rows = browser.value("[...document.querySelectorAll('#rows tr')].map((r) => Number(r.dataset.index))");
    serde_json::from_value(rows).unwrap()
}

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("report")
}

#[test]
fn the_page_shows_plays_sorts_filters_and_rates() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let downloads = home.join("downloads");
    fs::create_dir(&downloads).unwrap();
    let Some(mut browser) = Browser::start(&downloads) else {
        return;
    };
    let loops = exports(home);
    poison(&loops);
    expect_code(&run_in(home, &["report", "loops", "--quiet"]), 0);
    let page = fs::canonicalize(loops.join("report")).unwrap();
    let first = data_of(&page)["rows"].as_array().unwrap().clone();
    contact_map(home, &first);
    let run = run_in(home, &["report", "loops", "--json", "--quiet"]);
    expect_code(&run, 0);
    assert_eq!(summary(&run)["map"], first.len());
    let rows = data_of(&page)["rows"].as_array().unwrap().clone();

    browser.screen(1280, 800, 1.0, false);
    browser.open(&page.join("index.html"));
    // Every row, with hostile names as text.
    assert_eq!(shown(&mut browser), (0..rows.len()).collect::<Vec<_>>());
    browser.until("document.querySelector('#detail .reasons li') !== null");
    let text =
        browser.value("document.querySelector('#detail').textContent + document.querySelector('#rows').textContent");
    assert!(text.as_str().unwrap().contains(HOSTILE));
    assert_eq!(
        browser.value("document.querySelectorAll('img, iframe, object, [onerror]').length"),
        0
    );
    assert_eq!(
        browser.value("({}).polluted === undefined && document.scripts.length"),
        2
    );

    sorts_and_filters(&mut browser, &rows);
    plays(&mut browser, &rows, &loops);
    let file = rates(&mut browser, &rows, &downloads);
    adapts(home, &file, &rows);
    hits_play(&mut browser, &rows);
    map_plays(&mut browser, &rows);
    content(&mut browser, &page);

    // Ratings outlive the page, and a file of them brings them back.
    browser.open(&page.join("index.html"));
    assert_eq!(browser.value("document.querySelector('#rated-count').textContent"), "3");
    browser.value("localStorage.clear()");
    browser.open(&page.join("index.html"));
    assert_eq!(browser.value("document.querySelector('#rated-count').hidden"), true);
    let text = serde_json::Value::from(fs::read_to_string(&file).unwrap());
    browser.value(&format!(
        "(() => {{ const t = new DataTransfer(); t.items.add(new File([{text}], 'r.json')); \
         const i = document.querySelector('#load-file'); i.files = t.files; i.dispatchEvent(new Event('change')); }})()"
    ));
    browser.until("document.querySelector('#rated-count').textContent === '3'");
    content(&mut browser, &page);

    // Narrow, and dark: nothing sticks out.
    for (name, width, height, dark) in [
        ("desktop", 1280, 800, false),
        ("narrow", 400, 860, false),
        ("dark", 1280, 800, true),
    ] {
        browser.screen(width, height, 1.0, dark);
        browser.picture(&pictures().join(format!("{name}.png")));
        let wide = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert!(wide.as_i64().unwrap() <= 0, "{name}: {wide} too wide");
    }
    content(&mut browser, &page);
}

fn sorts_and_filters(browser: &mut Browser, rows: &[Value]) {
    let all: Vec<usize> = (0..rows.len()).collect();
    let number = |i: &usize, column: &str| rows[*i][column].as_f64();
    browser.click("[data-sort=bpm]", 0.5, 0.5);
    let mut wanted = all.clone();
    wanted.sort_by(|a, b| number(a, "bpm").partial_cmp(&number(b, "bpm")).unwrap());
    assert_eq!(shown(browser), wanted);
    assert_eq!(
        browser.value("document.querySelector('[aria-sort]').getAttribute('aria-sort')"),
        "ascending"
    );
    browser.click("[data-sort=bpm]", 0.5, 0.5);
    wanted.sort_by(|a, b| number(b, "bpm").partial_cmp(&number(a, "bpm")).unwrap());
    assert_eq!(shown(browser), wanted);
    browser.click("[data-sort=bpm]", 0.5, 0.5);
    assert_eq!(shown(browser), all, "and back to the order of export");
    // The highest score first; what has none last.
    browser.click("[data-sort=prob]", 0.5, 0.5);
    let sorted = shown(browser);
    let known: Vec<f64> = sorted.iter().map_while(|i| number(i, "prob")).collect();
    assert!(known.is_sorted_by(|a, b| a >= b) && known.len() > 1);
    assert!(sorted[known.len()..].iter().all(|i| number(i, "prob").is_none()));
    browser.click("[data-sort=prob]", 0.5, 0.5);
    browser.click("[data-sort=prob]", 0.5, 0.5);

    browser.key("/");
    browser.write("99-101 break");
    let breaks: Vec<usize> = all
        .iter()
        .copied()
        .filter(|&i| {
            rows[i]["file"].as_str().unwrap().contains("break_") && (99.0..=101.0).contains(&number(&i, "bpm").unwrap())
        })
        .collect();
    assert!(!breaks.is_empty() && breaks.len() < rows.len());
    assert_eq!(shown(browser), breaks);
    browser.value("document.querySelector('#filter').select()");
    browser.write("nothing is called so");
    assert_eq!(shown(browser), [0usize; 0]);
    browser.click("#clear", 0.5, 0.5);
    assert_eq!(shown(browser), all);
    browser.value("(() => { const k = document.querySelector('#f-kind'); k.value = 'Loop'; k.dispatchEvent(new Event('change')); })()");
    assert_eq!(
        shown(browser).len(),
        rows.iter().filter(|r| r["kind"] == "loop").count()
    );
    browser.value("(() => { const k = document.querySelector('#f-kind'); k.value = ''; k.dispatchEvent(new Event('change')); })()");
}

/// Space plays the loop: exactly its samples, round and round.
fn plays(browser: &mut Browser, rows: &[Value], loops: &Path) {
    browser.value("document.activeElement.blur()");
    browser.click("#rows tr[data-index='0'] .name", 0.5, 0.5);
    browser.key(" ");
    browser.until("window.__seen.started.length === 1");
    browser.value("window.node = window.__seen.started[0]");
    assert_eq!(browser.value("node.loop"), true);
    assert_eq!(browser.value("node.buffer.length"), rows[0]["frames"]);
    assert_eq!(browser.value("node.buffer.sampleRate"), rows[0]["rate"]);
    assert_eq!(
        browser.value("Math.round(node.loopEnd * node.buffer.sampleRate)"),
        rows[0]["frames"]
    );
    assert_eq!(browser.value("node.loopStart"), 0);
    // It is heard, and time goes on.
    browser.value(
        "window.ear = node.context.createAnalyser(); node.connect(ear); window.since = node.context.currentTime",
    );
    browser.until("node.context.currentTime > since + 0.2");
    browser.until("(() => { const x = new Float32Array(ear.fftSize); ear.getFloatTimeDomainData(x); return x.some((v) => Math.abs(v) > 1e-3); })()");
    browser.until("(() => { const h = document.querySelector('#detail .head'); return !h.hidden && parseFloat(h.style.left) > 0; })()");
    // Rendered for two rounds: the second is the first, sample for sample, and the first is the file.
    let same = browser.value(
        "(async () => { const b = node.buffer, n = b.length; \
         const c = new OfflineAudioContext(b.numberOfChannels, 2 * n, b.sampleRate); \
         const s = c.createBufferSource(); s.buffer = b; s.loop = true; s.loopEnd = node.loopEnd; \
         s.connect(c.destination); s.start(); const out = await c.startRendering(); \
         for (let k = 0; k < b.numberOfChannels; k++) { const x = out.getChannelData(k), y = b.getChannelData(k); \
         for (let i = 0; i < n; i++) if (x[i] !== y[i] || x[n + i] !== y[i]) return `channel ${k}, frame ${i}`; } return true; })()",
    );
    assert_eq!(same, true, "no gap and no other sample");
    let heard: Vec<f32> =
        serde_json::from_value(browser.value("[...node.buffer.getChannelData(0).slice(0, 4000)]")).unwrap();
    let mut wav = hound::WavReader::open(loops.join(rows[0]["file"].as_str().unwrap())).unwrap();
    let channels = usize::from(wav.spec().channels);
    let samples: Vec<f32> = wav
        .samples::<i32>()
        .map(|s| s.unwrap() as f32 / 8_388_608.0)
        .step_by(channels)
        .take(4000)
        .collect();
    for (i, (a, b)) in heard.iter().zip(&samples).enumerate() {
        assert!((a - b).abs() <= 1.01 / 32_768.0, "sample {i}: {a} for {b}");
    }
    // Down the table it goes on playing; space stops.
    browser.key("ArrowDown");
    browser.until(
        "window.__seen.started.length === 2 && document.querySelector('#rows tr.playing').dataset.index === '1'",
    );
    browser.key("j");
    browser.until("window.__seen.started.length === 3");
    browser.key(" ");
    browser.until("document.querySelector('#rows tr.playing') === null");
}

/// Rates three loops by keys; gives the file that was saved.
fn rates(browser: &mut Browser, rows: &[Value], downloads: &Path) -> PathBuf {
    browser.value("document.activeElement.blur()");
    browser.click("#rows tr[data-index='0'] .name", 0.5, 0.5);
    browser.key("5");
    browser.key("ArrowDown");
    browser.key("x");
    browser.key("ArrowDown");
    browser.key("3");
    browser.key("2");
    assert_eq!(
        browser.value(
            "[0, 1, 2].map((i) => document.querySelector(`#rows tr[data-index='${i}'] .c-rating`).textContent).join()"
        ),
        "★★★★★,✕,★★"
    );
    // Said twice is taken back.
    browser.key("ArrowDown");
    browser.key("4");
    browser.key("4");
    assert_eq!(browser.value("document.querySelector('#rated-count').textContent"), "3");
    browser.key("s");
    let file = downloads.join("loopwright-ratings.json");
    wait("the ratings are saved", || {
        fs::read(&file).ok().filter(|bytes| bytes.ends_with(b"}\n"))
    });
    let read = loopwright_core::learn::ratings::read(&file).unwrap();
    assert_eq!(
        read.iter().map(|r| r.value).collect::<Vec<_>>(),
        [Some(5.0), Some(1.0), Some(2.0)]
    );
    for (rating, row) in read.iter().zip(rows) {
        assert_eq!(rating.track, row["track"].as_str().unwrap());
        assert_eq!(rating.file.as_deref(), row["file"].as_str());
        assert_eq!(
            (Some(rating.start), Some(rating.end)),
            (row["start"].as_f64(), row["end"].as_f64())
        );
        for feature in loopwright_core::features::REGISTRY.iter().filter(|f| f.width == 1) {
            assert!(rating.features.contains_key(feature.name), "{}", feature.name);
        }
        assert!(rating.features.contains_key("pt_mel_255"));
    }
    file
}

/// What was saved teaches the finder, with nothing else at hand.
fn adapts(home: &Path, file: &Path, rows: &[Value]) {
    let run = run_in(
        home,
        &["train", "adapt", file.to_str().unwrap(), "--out", "mine", "--json"],
    );
    expect_code(&run, 0);
    assert!(stdout(&run).contains("\"ratings\":3"), "{}", stdout(&run));
    assert!(rows.len() > 3 && home.join("mine").is_dir());
}

fn hits_play(browser: &mut Browser, rows: &[Value]) {
    let broken = rows.iter().position(|r| r["kind"] == "drums_only").unwrap();
    browser.click(&format!("#rows tr[data-index='{broken}'] .name"), 0.5, 0.5);
    browser.until("document.querySelector('#detail .hit') !== null");
    let hits = browser.value("document.querySelectorAll('#detail .hit').length");
    assert_eq!(hits, rows[broken]["marks"]);
    let before = browser.value("window.__seen.started.length").as_u64().unwrap();
    browser.click("#detail .hit", 0.5, 0.5);
    browser.until(&format!("window.__seen.started.length === {}", before + 1));
    assert_eq!(browser.value("window.__seen.started.at(-1).loop"), false);
}

fn map_plays(browser: &mut Browser, rows: &[Value]) {
    browser.key("m");
    browser.until("document.querySelector('#map .heat') !== null");
    let n = rows.len() as f64;
    // The map is in reverse: its first row is the last loop. The first against the third.
    let before = browser.value("window.__seen.started.length").as_u64().unwrap();
    browser.click("#map .heat", 2.5 / n, 0.5 / n);
    browser.until(&format!("window.__seen.started.length === {}", before + 2));
    let frames = browser.value("window.__seen.started.slice(-2).map((node) => node.buffer.length)");
    assert_eq!(frames[0], rows[rows.len() - 1]["frames"]);
    assert_eq!(frames[1], rows[rows.len() - 3]["frames"]);
    // At one tempo, but for octaves.
    let speeds = browser.value("window.__seen.started.slice(-2).map((node) => node.playbackRate.value)");
    let tempo = |i: usize, back: usize| speeds[i].as_f64().unwrap() * rows[rows.len() - back]["bpm"].as_f64().unwrap();
    let octaves = (tempo(0, 1) / tempo(1, 3)).log2();
    assert!((octaves - octaves.round()).abs() < 1e-3, "{speeds}");
    let alike = browser.value("document.querySelector('#map .alike strong').textContent");
    assert!(
        (alike.as_str().unwrap().parse::<f64>().unwrap() - 1.0 / 3.0).abs() < 0.01,
        "{alike}"
    );
    browser.picture(&pictures().join("map.png"));
    browser.key("m");
    browser.key(" ");
}

/// A folder of files with names of all sorts, and no manifest.
#[test]
fn a_plain_folder_of_hostile_names_is_shown_and_played() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let Some(mut browser) = Browser::start(home) else {
        return;
    };
    let folder = home.join("löops #1%20?");
    fs::create_dir_all(folder.join("deep")).unwrap();
    let samples = Song::default().samples();
    let name = "=<img src=x onerror=alert(1)>'\"&.wav";
    for (name, rate) in [(name, 22_050), ("deep/ö ☃.wav", 48_000)] {
        write_wav(&folder.join(name), &samples[..88_200], rate, 2);
    }
    fs::write(folder.join("broken.wav"), "no sound").unwrap();
    let run = run_in(home, &["report", folder.to_str().unwrap(), "--json", "--quiet"]);
    expect_code(&run, 1);
    assert_eq!(summary(&run)["rows"], 3);
    assert_eq!(summary(&run)["playable"], 2);
    let page = fs::canonicalize(folder.join("report")).unwrap();
    browser.open(&page.join("index.html"));
    assert_eq!(shown(&mut browser).len(), 3);
    assert_eq!(
        browser.value("document.querySelector('#rows tr.gone .state').textContent"),
        "unreadable"
    );
    let index = data_of(&page)["rows"]
        .as_array()
        .unwrap()
        .iter()
        .position(|r| r["file"] == name)
        .unwrap();
    browser.click(&format!("#rows tr[data-index='{index}'] button.play"), 0.5, 0.5);
    browser.until("window.__seen.started.length === 1");
    assert_eq!(browser.value("window.__seen.started[0].buffer.length"), 88_200);
    assert!(
        browser
            .value("document.querySelector('#rows').textContent")
            .as_str()
            .unwrap()
            .contains("<img src=x")
    );
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");

    // The same from its files: the links lead there, whatever they are called.
    expect_code(
        &run_in(home, &["report", folder.to_str().unwrap(), "--no-audio", "--quiet"]),
        1,
    );
    browser.open(&page.join("index.html"));
    browser.value("window.heard = []; HTMLMediaElement.prototype.play = new Proxy(HTMLMediaElement.prototype.play, { apply(f, e, a) { window.heard.push(e); return Reflect.apply(f, e, a); } }); 0");
    browser.click(&format!("#rows tr[data-index='{index}'] button.play"), 0.5, 0.5);
    browser.until("window.heard.length === 1 && window.heard[0].currentTime > 0.1 && window.heard[0].loop");
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Pictures for the documentation, of a report that is named: `LOOPWRIGHT_REPORT=loops/report cargo test -p loopwright
/// --test report -- --ignored`.
#[test]
#[ignore = "draws the pictures of the documentation"]
fn pictures_of_a_report() {
    let page = std::env::var_os("LOOPWRIGHT_REPORT").expect("LOOPWRIGHT_REPORT names the folder of a report");
    let page = fs::canonicalize(PathBuf::from(page)).unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut browser = Browser::start(home.path()).expect("Chromium");
    let row: usize = std::env::var("LOOPWRIGHT_REPORT_ROW").map_or(0, |row| row.parse().unwrap());
    browser.screen(1280, 800, 1.5, false);
    browser.open(&page.join("index.html"));
    for (i, key) in ["5", "4", "x"].into_iter().enumerate() {
        browser.click(&format!("#rows tr[data-index='{i}'] .name"), 0.5, 0.5);
        browser.key(key);
    }
    browser.click(&format!("#rows tr[data-index='{row}'] .name"), 0.5, 0.5);
    browser.key(" ");
    browser.until("parseFloat(document.querySelector('#detail .head').style.left) > 20");
    for (name, width, height, scale, dark) in [
        ("page", 1280, 800, 1.5, false),
        ("page-tall", 1280, 1500, 1.0, false),
        ("page-dark", 1280, 800, 1.0, true),
        ("page-narrow", 400, 860, 1.5, false),
        ("page-narrow-tall", 400, 3000, 1.0, true),
    ] {
        browser.screen(width, height, scale, dark);
        browser.picture(&pictures().join(format!("{name}.png")));
    }
    if browser.value("!document.querySelector('#views').hidden") == true {
        browser.screen(1280, 800, 1.0, false);
        browser.key("m");
        browser.until("document.querySelector('#map .heat') !== null");
        browser.screen(1280, 800, 1.0, false);
        browser.picture(&pictures().join("page-map.png"));
    }
    browser.key("?");
    browser.picture(&pictures().join("page-help.png"));
}
