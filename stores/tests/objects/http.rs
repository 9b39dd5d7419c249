//! HTTP listings, against Python's `http.server`, nginx, and servers that misbehave.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use loopwright_core::config::Stores;
use loopwright_core::progress::Silent;
use loopwright_core::store::{Location, StoreErrorKind};
use loopwright_stores::objects::open_http;

use crate::servers::{GivesUp, Listener, Program, nginx, nobody, python};
use crate::{noise, said, settings};

const NAMES: &[&str] = &[
    "%41.wav",
    "100%.wav",
    "=cmd|'.wav",
    "a b.wav",
    "a+b&amp;c=d.wav",
    "a;b,c@d.wav",
    "c:d.wav",
    "deep/er/a b/x.wav",
    "deep/q?x#y/~.wav",
    "it's \"q\" <x>.wav",
    "u\u{308}.wav",
    "[x]{y}^`\\.wav",
    "ü.wav",
    "🎵.wav",
];

/// A folder with one file of each name beneath `music`.
fn tree() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in NAMES {
        write(root.path(), &format!("music/{name}"), name.as_bytes());
    }
    fs::create_dir(root.path().join("music/empty")).unwrap();
    write(root.path(), "above.wav", b"above");
    root
}

fn write(root: &Path, name: &str, content: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn open(address: &str) -> Location {
    open_http(address, &settings(3)).unwrap()
}

fn lists_and_reads(server: &Program, root: &Path) {
    let place = open(&format!("{}/music/", server.address));
    assert_eq!(place.key, "music");
    let listed = place.store.list(&place.key, &Silent).unwrap();
    let mut expected: Vec<String> = NAMES.iter().map(|n| format!("music/{n}")).collect();
    expected.sort();
    assert_eq!(listed.iter().map(|e| e.key.clone()).collect::<Vec<_>>(), expected);
    for entry in &listed {
        let name = entry.key.strip_prefix("music/").unwrap();
        assert_eq!(entry.bytes, Some(name.len() as u64));
        assert!(entry.fingerprint.is_some(), "{name}");
        assert_eq!(place.store.read(entry, &Silent).unwrap(), name.as_bytes());
        // Its address leads to it, too.
        let again = open(&place.store.uri(&entry.key));
        assert_eq!(again.key, entry.key);
        assert_eq!(
            again.store.list(&again.key, &Silent).unwrap(),
            std::slice::from_ref(entry)
        );
    }
    let all = place.store.list("", &Silent).unwrap();
    assert_eq!(all.len(), NAMES.len() + 1);
    assert_eq!(place.store.list("music/empty", &Silent).unwrap(), []);
    assert_eq!(place.store.list("music/deep", &Silent).unwrap().len(), 2);
    assert_eq!(place.store.get("above.wav", &Silent).unwrap().unwrap(), b"above");
    assert_eq!(place.store.get("nowhere.wav", &Silent).unwrap(), None);
    let error = place.store.list("nowhere", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::NotFound), "{error}");

    // Changed after it was listed, as far as a server tells: to the second, and by its length.
    let listed = place.store.list("above.wav", &Silent).unwrap();
    write(root, "above.wav", b"changed");
    let later = SystemTime::now() + Duration::from_secs(5);
    let file = fs::File::options().append(true).open(root.join("above.wav")).unwrap();
    file.set_modified(later).unwrap();
    let error = place.store.read(&listed[0], &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Changed), "{error}");

    for error in [
        place.store.put("a.wav", b"x", &Silent).unwrap_err(),
        place.store.remove("a.wav", &Silent).unwrap_err(),
    ] {
        assert!(matches!(error.kind, StoreErrorKind::Unsupported(_)), "{error}");
    }
}

/// A file read through connections that break; gives the requests.
fn reads_through_breaks(server: &Program, root: &Path, times: usize) -> Vec<String> {
    let content = noise(700 << 10);
    write(root, "large.wav", &content);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let proxy = Listener::breaking(&server.address, 200 << 10, times, asked.clone());
    let place = open(&format!("{}/large.wav", proxy.address));
    assert!(place.store.get(&place.key, &Silent).unwrap().unwrap() == content);
    let asked = asked.lock().unwrap();
    asked.clone()
}

#[test]
fn what_python_serves() {
    let root = tree();
    let Some(server) = python(root.path()) else { return };
    lists_and_reads(&server, root.path());
    // It knows no ranges: all is fetched again.
    let asked = reads_through_breaks(&server, root.path(), 2);
    assert_eq!(asked.len(), 3, "{asked:?}");
}

#[test]
fn what_nginx_serves() {
    let root = tree();
    let Some(server) = nginx(root.path()) else { return };
    lists_and_reads(&server, root.path());
    // What had arrived is not fetched again.
    let asked = reads_through_breaks(&server, root.path(), 3);
    assert_eq!(asked.len(), 4, "{asked:?}");
    let begins = |request: &String| -> Option<usize> {
        let request = request.to_ascii_lowercase();
        assert!(request.contains("accept-encoding: identity"), "{request}");
        let (_, range) = request.split_once("range: bytes=")?;
        range.split('-').next()?.parse().ok()
    };
    let begins: Vec<usize> = asked.iter().filter_map(begins).collect();
    assert_eq!(begins.len(), 3);
    assert!(begins.is_sorted_by(|a, b| a < b) && begins[0] > 0, "{begins:?}");
}

#[cfg(unix)]
#[test]
fn folders_that_hold_themselves_end() {
    let root = tree();
    std::os::unix::fs::symlink(".", root.path().join("music/loop")).unwrap();
    let Some(server) = nginx(root.path()) else { return };
    let place = open(&format!("{}/music/", server.address));
    let error = place
        .store
        .list(&place.key, &Silent)
        .map(|listed| listed.len())
        .unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Refused(_)), "{error}");
    assert!(error.to_string().contains("without end"), "{error}");
}

fn page(links: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n<html>{links}</html>"
    )
}

fn file(content: &str) -> String {
    let length = content.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{content}"
    )
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn status(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n")
}

#[test]
fn logins_go_to_one_server_and_are_never_shown() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let other = Listener::answering(move |_, head| {
        seen.lock().unwrap().push(head.to_ascii_lowercase());
        file("elsewhere")
    });
    let (to, seen) = (other.address.clone(), heads.clone());
    let server = Listener::answering(move |_, head| {
        seen.lock().unwrap().push(head.to_ascii_lowercase());
        match head {
            _ if !head.to_ascii_lowercase().contains("authorization: basic bwu6y2fuyxj5") => {
                status("401 Unauthorized", "WWW-Authenticate: Basic\r\n")
            }
            _ if head.starts_with("GET /moved.wav") => moved(&format!("{to}/x.wav")),
            _ => file("here"),
        }
    });
    let login = server.address.replace("http://", "http://me:canary@");
    let place = open(&format!("{login}/moved.wav"));
    assert_eq!(place.store.get("moved.wav", &Silent).unwrap().unwrap(), b"elsewhere");
    assert_eq!(place.store.get("other.wav", &Silent).unwrap().unwrap(), b"here");
    {
        let heads = heads.lock().unwrap();
        assert_eq!(heads.len(), 3);
        let logged_in = |head: &String| head.contains("authorization");
        assert_eq!(heads.iter().map(logged_in).collect::<Vec<_>>(), [true, false, true]);
    }
    assert_eq!(place.uri(), format!("{}/moved.wav", server.address));
    assert!(!format!("{place:?}").contains("canary"));

    let stranger = open(&format!("{}/a.wav", server.address));
    let error = stranger.store.get("a.wav", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Denied(_)), "{error}");
    let wrong = open(&server.address.replace("http://", "http://me:wrong-canary@"));
    let error = wrong.store.list("", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Denied(_)), "{error}");
    assert!(!said(&error).contains("canary"), "{error:?}");
    let error = open_http("http://me:canary@", &settings(0)).unwrap_err();
    assert!(!said(&error).contains("canary"), "{error:?}");
}

#[test]
fn servers_that_are_overrun_are_asked_again() {
    let server = Listener::answering(|i, _| match i {
        0 => status("429 Too Many Requests", "Retry-After: 0\r\n"),
        1 => status("503 Service Unavailable", ""),
        2 => String::new(),
        _ => file("at last"),
    });
    let place = open(&format!("{}/a.wav", server.address));
    assert_eq!(place.store.get("a.wav", &Silent).unwrap().unwrap(), b"at last");

    let server = Listener::answering(|_, _| status("503 Service Unavailable", "Retry-After: 86400\r\n"));
    let place = open(&format!("{}/a.wav", server.address));
    let error = place.store.get("a.wav", &Silent).unwrap_err();
    assert!(error.to_string().contains("86400"), "{error}");
}

#[test]
fn what_is_no_list_and_what_has_no_end_is_refused() {
    let server = Listener::answering(|_, head| {
        let path = head.split(' ').nth(1).unwrap();
        match path {
            "/round" => moved("/round"),
            "/endless.wav" => "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx".into(),
            "/page.html" => page("<a href='/up'>x</a>"),
            "/data/" => file("{}"),
            "/forbidden/" => status("403 Forbidden", ""),
            "/holes/" => page("<a href='gone/'>x</a>"),
            _ if path.starts_with("/deeper/") => page("<a href='x/'>x</a><a href='../'>up</a>"),
            _ => status("404 Not Found", ""),
        }
    });
    let place = open(&server.address);
    for key in ["round", "endless.wav"] {
        let error = place.store.get(key, &Silent).unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::Refused(_)), "{key}: {error}");
    }
    for (key, words) in [
        ("page.html", "neither"),
        ("data", "does not list"),
        ("holes", "is listed, but is not there"),
        ("deeper", "without end"),
    ] {
        let error = place.store.list(key, &Silent).unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::Refused(_)), "{key}: {error}");
        assert!(error.to_string().contains(words), "{key}: {error}");
    }
    let error = place.store.list("forbidden", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Denied(_)), "{error}");
}

#[test]
fn names_that_are_no_text_are_read_all_the_same() {
    let server = Listener::answering(|_, head| {
        let path = head.split(' ').nth(1).unwrap();
        match path {
            "/" => page("<a href='%FF.wav'>x</a><a href='a%2Fb.wav'>x</a><a href='?C=N;O=D'>x</a>"),
            "/%FF.wav" => file("not a letter"),
            "/a%2Fb.wav" => file("one name"),
            _ => status("404 Not Found", ""),
        }
    });
    let place = open(&server.address);
    let listed = place.store.list("", &Silent).unwrap();
    let contents: Vec<Vec<u8>> = listed.iter().map(|e| place.store.read(e, &Silent).unwrap()).collect();
    assert_eq!(contents, [b"not a letter".to_vec(), b"one name".to_vec()]);
}

#[test]
fn servers_that_are_gone_or_silent_are_told_of() {
    let place = open_http(&format!("{}/a.wav", nobody()), &settings(1)).unwrap();
    let error = place.store.get("a.wav", &Silent).unwrap_err();
    assert!(error.to_string().contains("nothing answers"), "{error}");
    let silent = Listener::silent();
    let impatient = Stores {
        timeout_seconds: 0.2,
        ..settings(1)
    };
    let place = open_http(&format!("{}/a.wav", silent.address), &impatient).unwrap();
    let error = place.store.get("a.wav", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("in time"), "{error}");
}

#[test]
fn who_gives_up_is_let_go() {
    let silent = Listener::silent();
    let place = open(&format!("{}/a.wav", silent.address));
    for (questions, what) in [(1, "before"), (5, "while it waits")] {
        let gives_up = GivesUp::after(questions);
        let error = place.store.get("a.wav", &gives_up).unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::Cancelled(_)), "{what}: {error}");
        assert!(
            gives_up.ignored() <= 1,
            "{what}: asked {} times more",
            gives_up.ignored()
        );
    }
    // While it pauses between two attempts, too.
    let failing = Listener::answering(|_, _| status("503 Service Unavailable", "Retry-After: 200\r\n"));
    let place = open(&format!("{}/a.wav", failing.address));
    let gives_up = GivesUp::after(30);
    let error = place.store.get("a.wav", &gives_up).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Cancelled(_)), "{error}");
    assert!(gives_up.ignored() <= 1);
}
