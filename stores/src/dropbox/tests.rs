//! Against a server that misbehaves on request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use loopwright_core::progress::{Progress, Silent};
use loopwright_core::store::{Entry, Store};
use loopwright_tests::dropbox::{ACCESS, APP_KEY, FakeDropbox, Fault, Kind, REFRESH};
use serde_json::json;

use super::store::Limits;
use super::*;

fn settings(server: &FakeDropbox) -> Stores {
    Stores {
        dropbox_url: Some(server.url().to_owned()),
        timeout_seconds: 5.0,
        retries: 3,
        ..Stores::default()
    }
}

fn credentials(access: Option<&str>, refresh: Option<&str>) -> Credentials {
    Credentials {
        access: access.and_then(|t| Secret::new(t.into())),
        refresh: refresh.map(|t| Refresh {
            token: Secret::new(t.into()).unwrap(),
            app_key: APP_KEY.into(),
            app_secret: None,
        }),
        origin: Origin::Environment,
    }
}

fn dropbox(server: &FakeDropbox) -> Dropbox {
    connect(&settings(server), credentials(Some(ACCESS), Some(REFRESH))).unwrap()
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(next).collect()
}

fn keys(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|e| e.key.as_str()).collect()
}

/// Names that are hard on headers, JSON and paths.
const HOSTILE: [&str; 6] = [
    "/Ü/ä ö.wav",
    "/\u{1f3b5} music/\u{1f941}.wav",
    "/a/../b.wav",
    "/quote\"back\\slash.wav",
    "/tab\tbell\u{7}.wav",
    "/\u{7f}\u{202e}vaw.wav",
];

#[test]
fn a_listing_is_whole_in_pages_and_after_resets() {
    let server = FakeDropbox::start();
    for i in 0..25 {
        server.put_file(&format!("/FMA/{:02}/{i}.MP3", i % 7), vec![i; 10]);
    }
    server.put_file("/other.mp3", *b"x");
    server.page(4);
    let store = dropbox(&server);
    let entries = store.list("FMA", &Silent).unwrap();
    assert_eq!(entries.len(), 25);
    assert!(entries.is_sorted_by(|a, b| a.key < b.key) && entries[0].key == "FMA/00/0.MP3");
    let hash = content_hash(&[0; 10]);
    assert_eq!(
        (entries[0].bytes, entries[0].fingerprint.clone()),
        (Some(10), Some(format!("dropbox:{hash}")))
    );
    assert_eq!(store.list("", &Silent).unwrap().len(), 26);
    assert_eq!(
        store.list("fma", &Silent).unwrap(),
        entries,
        "paths are the same in any case"
    );
    server.fault(Fault::cursor_reset().after(2));
    server.fault(Fault::cursor_reset().after(1));
    assert_eq!(store.list("FMA", &Silent).unwrap(), entries);
    assert_eq!(server.faults_left(), 0);
    server.fault(Fault::cursor_reset().always());
    assert!(matches!(
        store.list("FMA", &Silent).unwrap_err().kind,
        StoreErrorKind::Unreachable(_)
    ));
    server.clear_faults();
    // A file, and nothing.
    assert_eq!(keys(&store.list("other.mp3", &Silent).unwrap()), ["other.mp3"]);
    let missing = store.list("none", &Silent).unwrap_err();
    assert!(matches!(missing.kind, StoreErrorKind::NotFound) && missing.to_string().starts_with("dropbox:/none: "));
}

#[test]
fn names_are_taken_as_they_are() {
    let server = FakeDropbox::start();
    let store = dropbox(&server);
    for (i, name) in HOSTILE.iter().enumerate() {
        store.put(&name[1..], &[i as u8], &Silent).unwrap();
    }
    let mut names: Vec<String> = server.files().into_keys().collect();
    let mut given: Vec<String> = HOSTILE.iter().map(|n| (*n).to_owned()).collect();
    names.sort();
    given.sort();
    assert_eq!(names, given);
    let entries = store.list("", &Silent).unwrap();
    assert_eq!(entries.len(), HOSTILE.len());
    for entry in &entries {
        let name = format!("/{}", entry.key);
        assert_eq!(store.read(entry, &Silent).unwrap(), server.files()[&name]);
    }
    let headers: Vec<String> = server.log().into_iter().filter_map(|r| r.header).collect();
    assert!(headers.len() >= 2 * HOSTILE.len());
    assert!(
        headers.iter().all(|h| h.bytes().all(|b| (b' '..=b'~').contains(&b))),
        "{headers:?}"
    );
    for name in HOSTILE {
        store.remove(&name[1..], &Silent).unwrap();
        store.remove(&name[1..], &Silent).unwrap();
    }
    assert!(server.files().is_empty());
}

#[test]
fn a_download_goes_on_where_the_connection_broke_off() {
    let server = FakeDropbox::start();
    let content = noise(3 << 20);
    server.put_file("/a.wav", content.clone());
    let store = dropbox(&server);
    let entry = store.list("a.wav", &Silent).unwrap().remove(0);
    let download = |kind| Fault::new(kind).on("files/download");
    server.fault(download(Kind::DropInBody(1_000_000)));
    server.fault(download(Kind::DropInBody(500_000)));
    server.fault(download(Kind::Drop));
    server.fault(download(Kind::Status(503)));
    assert_eq!(store.read(&entry, &Silent).unwrap(), content);
    let ranges: Vec<String> = server.log().into_iter().filter_map(|r| r.range).collect();
    assert!(
        ranges.len() >= 2 && ranges.iter().all(|r| r != "bytes=0-"),
        "{ranges:?}"
    );
    assert_eq!(server.faults_left(), 0);
    // What goes on is checked as a whole; what is wrong is read from the start.
    server.fault(download(Kind::Corrupt).times(2));
    assert_eq!(store.read(&entry, &Silent).unwrap(), content);
    server.fault(download(Kind::Corrupt).always());
    assert!(matches!(
        store.read(&entry, &Silent).unwrap_err().kind,
        StoreErrorKind::Unreachable(_)
    ));
    server.clear_faults();
    server.fault(download(Kind::DropInBody(0)).always());
    let error = store.read(&entry, &Silent).unwrap_err();
    assert!(error.to_string().contains("tried 4 times"), "{error}");
}

#[test]
fn what_is_no_more_what_was_listed_is_told() {
    let server = FakeDropbox::start();
    let store = dropbox(&server);
    let entry = |name: &str| {
        server.put_file(&format!("/{name}"), noise(100_000));
        store.list(name, &Silent).unwrap().remove(0)
    };
    let read = |entry: &Entry| store.read(entry, &Silent).unwrap_err().kind;
    let changed = entry("changed.wav");
    server.put_file("/changed.wav", *b"new");
    assert!(matches!(read(&changed), StoreErrorKind::Changed));
    let moved = entry("moved.wav");
    server.fault(Fault::new(Kind::Rename("/b/moved.wav".into())).on("files/download"));
    assert!(matches!(read(&moved), StoreErrorKind::NotFound));
    let removed = entry("removed.wav");
    server.fault(Fault::new(Kind::Remove).on("files/download"));
    assert!(matches!(read(&removed), StoreErrorKind::NotFound));
    // Between two parts of one download.
    let cut = entry("cut.wav");
    server.fault(Fault::new(Kind::DropInBody(50_000)).on("files/download"));
    server.fault(Fault::new(Kind::Change(noise(99_999))).on("files/download").after(0));
    assert!(matches!(read(&cut), StoreErrorKind::Changed));
    // Whoever takes what there is gets one content or the other, never both.
    server.put_file("/cut.wav", vec![1; 100_000]);
    server.fault(Fault::new(Kind::DropInBody(50_000)).on("files/download"));
    server.fault(Fault::new(Kind::Change(vec![2; 90_000])).on("files/download"));
    assert_eq!(store.get("cut.wav", &Silent).unwrap(), Some(vec![2; 90_000]));
    assert_eq!(store.get("none.wav", &Silent).unwrap(), None);
}

#[test]
fn limits_of_rate_are_waited_for() {
    let server = FakeDropbox::start();
    server.put_file("/a.wav", *b"a");
    let store = dropbox(&server);
    let limit = |header, body| Fault::new(Kind::RateLimit { header, body });
    for fault in [
        limit(Some(1), None),
        limit(None, Some(1)),
        limit(None, None),
        Fault::new(Kind::TooManyWrites),
    ] {
        server.fault(fault);
        let start = std::time::Instant::now();
        store.put("b.wav", b"b", &Silent).unwrap();
        // No shorter than was asked for; how much longer is the machine's business.
        let told = server.log().iter().filter(|r| r.status == 429).count() <= 2;
        assert!(start.elapsed() >= Duration::from_millis(if told { 1000 } else { 250 }));
    }
    let writes = json!({ ".tag": "path", "reason": { ".tag": "too_many_write_operations" }, "upload_session_id": "" });
    server.fault(Fault::new(Kind::Conflict(writes, "path/too_many_write_operations/.".into())).times(2));
    store.put("b.wav", b"c", &Silent).unwrap();
    assert_eq!(server.files()["/b.wav"], b"c");
    server.fault(limit(Some(0), None).always());
    let error = store.list("", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Unreachable(_)), "{error}");
}

/// Cancels once it is told to.
#[derive(Default)]
struct Stop(AtomicBool);

impl Progress for Stop {
    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn waiting_ends_when_nobody_wants_it_any_more() {
    let server = FakeDropbox::start();
    server.put_file("/a.wav", noise(1 << 20));
    let store = dropbox(&server);
    let entry = store.list("a.wav", &Silent).unwrap().remove(0);
    for fault in [
        Fault::rate_limit(600),
        Fault::new(Kind::Late(Duration::from_secs(4))),
        Fault::new(Kind::Stall(1000, Duration::from_secs(4))),
    ] {
        server.clear_faults();
        server.fault(fault.always());
        let stop = Stop::default();
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| store.read(&entry, &stop));
            std::thread::sleep(Duration::from_millis(150));
            stop.0.store(true, Ordering::SeqCst);
            let result = reading.join().unwrap();
            assert!(matches!(result.unwrap_err().kind, StoreErrorKind::Cancelled(_)));
        });
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let server = FakeDropbox::start();
    server.put_file("/a.wav", noise(1 << 20));
    let quick = Stores {
        timeout_seconds: 0.2,
        retries: 1,
        ..settings(&server)
    };
    let store = connect(&quick, credentials(Some(ACCESS), None)).unwrap();
    let entry = store.list("a.wav", &Silent).unwrap().remove(0);
    server.fault(Fault::new(Kind::Stall(1000, Duration::from_secs(2))).times(2));
    assert!(matches!(
        store.read(&entry, &Silent).unwrap_err().kind,
        StoreErrorKind::Unreachable(_)
    ));
    server.fault(Fault::new(Kind::Late(Duration::from_secs(2))));
    assert_eq!(store.read(&entry, &Silent).unwrap().len(), 1 << 20);
    drop(server);
    assert!(matches!(
        store.read(&entry, &Silent).unwrap_err().kind,
        StoreErrorKind::Unreachable(_)
    ));
}

#[test]
fn a_token_that_ran_out_is_renewed_once_for_all() {
    let server = FakeDropbox::start();
    for i in 0..16 {
        server.put_file(&format!("/{i}.wav"), vec![i; 1000]);
    }
    let store = dropbox(&server);
    let entries = store.list("", &Silent).unwrap();
    server.expire_access();
    std::thread::scope(|scope| {
        for entry in &entries {
            scope.spawn(|| assert_eq!(store.read(entry, &Silent).unwrap().len(), 1000));
        }
    });
    assert_eq!(server.count("oauth2/token"), 1);
    // Without an access token at all.
    let store = connect(&settings(&server), credentials(None, Some(REFRESH))).unwrap();
    server.fault(Fault::new(Kind::Status(500)).on("oauth2/token"));
    server.fault(Fault::new(Kind::Drop).on("oauth2/token"));
    assert_eq!(store.list("", &Silent).unwrap().len(), 16);
    // None to be had.
    server.expire_access();
    server.revoke_refresh();
    let error = store.list("", &Silent).unwrap_err();
    assert!(
        matches!(error.kind, StoreErrorKind::Denied(_)) && error.to_string().contains("dropbox login"),
        "{error}"
    );
    server.allow_access("other");
    let store = connect(&settings(&server), credentials(Some("other"), None)).unwrap();
    server.expire_access();
    let error = store.list("", &Silent).unwrap_err();
    assert!(
        matches!(error.kind, StoreErrorKind::Denied(_)) && error.to_string().contains("run out"),
        "{error}"
    );
}

#[test]
fn what_is_written_is_whole_or_not_there() {
    let server = FakeDropbox::start();
    let limits = Limits {
        single: 100_000,
        part: 40_000,
    };
    let client = Client::new(
        &settings(&server),
        Hosts::new(Some(server.url())).unwrap(),
        credentials(Some(ACCESS), Some(REFRESH)),
    );
    let store = Dropbox::with_limits(client, limits);
    for (bytes, faults) in [
        (0, vec![]),
        (
            100_000,
            vec![
                ("files/upload", Kind::Drop),
                ("files/upload", Kind::DropAfter),
                ("files/upload", Kind::Status(500)),
            ],
        ),
        (100_001, vec![]),
        (
            200_000,
            vec![
                ("files/upload_session/start", Kind::DropAfter),
                ("files/upload_session/append_v2", Kind::DropAfter),
                ("files/upload_session/append_v2", Kind::Drop),
                ("files/upload_session/append_v2", Kind::Expired),
                ("files/upload_session/finish", Kind::TooManyWrites),
                ("files/upload_session/finish", Kind::DropAfter),
            ],
        ),
    ] {
        let content = noise(bytes);
        for (route, kind) in faults {
            server.fault(Fault::new(kind).on(route));
        }
        store.put("Models/m.onnx", &content, &Silent).unwrap();
        assert_eq!(server.files()["/Models/m.onnx"], content, "{bytes}");
        assert_eq!(server.faults_left(), 0);
    }
    // Parts alone are no file.
    server.fault(Fault::new(Kind::Status(400)).on("files/upload_session/finish"));
    assert!(store.put("Models/n.onnx", &noise(200_000), &Silent).is_err());
    assert_eq!(server.files().len(), 1);
    // A folder is no file to write or remove.
    assert!(matches!(
        store.put("Models", b"x", &Silent).unwrap_err().kind,
        StoreErrorKind::Refused(_)
    ));
    assert!(matches!(
        store.remove("Models", &Silent).unwrap_err().kind,
        StoreErrorKind::Refused(_)
    ));
    assert!(store.remove("", &Silent).is_err());
    assert_eq!(server.files().len(), 1);
}

#[test]
fn nothing_that_is_told_holds_a_token() {
    let server = FakeDropbox::start();
    server.allow_access("canary-access");
    server.allow_refresh("canary-refresh", APP_KEY, None);
    server.issue("canary");
    let store = connect(
        &settings(&server),
        credentials(Some("canary-access"), Some("canary-refresh")),
    )
    .unwrap();
    let missing = json!({ ".tag": "missing_scope", "required_scope": "files.content.read" });
    for kind in [
        Kind::Echo,
        Kind::Status(418),
        Kind::Expired,
        Kind::Drop,
        Kind::Conflict(missing, "missing_scope/.".into()),
    ] {
        server.fault(Fault::new(kind).always());
        let error = store.list("", &Silent).unwrap_err();
        let text = format!("{error} {error:?} {store:?}");
        assert!(!text.contains("canary"), "{text}");
        server.clear_faults();
    }
    assert!(!format!("{:?}", server.log()).contains("canary"));
}

#[test]
fn addresses_start_at_the_root() {
    assert_eq!(key("dropbox:"), Some(""));
    assert_eq!(key("dropbox:/"), Some(""));
    assert_eq!(key("dropbox:/Music/"), Some("Music"));
    assert_eq!(key("dropbox:/Music/a.mp3"), Some("Music/a.mp3"));
    assert_eq!(key("dropbox:Music"), None);
    assert_eq!(key("s3://a"), None);
}
