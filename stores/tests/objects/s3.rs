//! S3, against moto.

use std::sync::{Arc, Mutex};

use loopwright_core::config::Stores;
use loopwright_core::progress::Silent;
use loopwright_core::store::{Location, Store, StoreErrorKind};
use loopwright_stores::objects::open_s3_as;

use crate::servers::{GivesUp, Listener, S3, nobody, s3};
use crate::{noise, said, settings};

fn open(server: &S3, address: &str) -> Location {
    open_s3_as(address, &settings(3), server.environment()).unwrap()
}

/// The same, at another address than the server's own.
fn open_at(server: &S3, endpoint: &str, settings: Stores, address: &str) -> Location {
    let settings = Stores {
        s3_endpoint: Some(endpoint.to_owned()),
        ..settings
    };
    open_s3_as(address, &settings, server.environment()).unwrap()
}

#[test]
fn a_listing_has_as_many_pages_as_it_takes() {
    let Some(server) = s3() else { return };
    let place = open(server, "s3://many/");
    let all = place.store.list("", &Silent).unwrap();
    assert_eq!(all.len(), server.many);
    assert!(all.is_sorted_by(|a, b| a.key < b.key));
    let some = place.store.list("folder 3", &Silent).unwrap();
    let expected: Vec<_> = all.iter().filter(|e| e.key.starts_with("folder 3/")).cloned().collect();
    assert_eq!(some, expected);
    let one = place.store.list(&some[0].key, &Silent).unwrap();
    assert_eq!(one, [some[0].clone()]);
    // Not every key that begins so is beneath.
    let error = place.store.list("folder", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::NotFound), "{error}");
    assert_eq!(place.store.uri("folder 3/a.wav"), "s3://many/folder 3/a.wav");
}

#[test]
fn any_name_comes_back_as_it_went() {
    let Some(server) = s3() else { return };
    let place = open(server, "s3://music/names");
    let store = &place.store;
    let mut names = [
        "a b.wav",
        "100%.wav",
        "%41.wav",
        "a+b&c=d.wav",
        "ü.wav",
        "u\u{308}.wav",
        "🎵.wav",
        "q?x#y.wav",
        "it's \"q\" <x>.wav",
        "c:d;e,f@g.wav",
        "back\\slash.wav",
        "=cmd|'.wav",
        "deep/er/est/~.wav",
        "[x]{y}^`.wav",
        "ends.",
    ]
    .map(|name| format!("names/{name}"));
    names.sort();
    for name in &names {
        store.put(name, name.as_bytes(), &Silent).unwrap();
    }
    let listed = store.list("names", &Silent).unwrap();
    assert_eq!(
        listed.iter().map(|e| &e.key).collect::<Vec<_>>(),
        names.iter().collect::<Vec<_>>()
    );
    for entry in &listed {
        assert_eq!(entry.bytes, Some(entry.key.len() as u64));
        assert!(entry.fingerprint.as_deref().unwrap().starts_with("etag:"));
        assert_eq!(store.read(entry, &Silent).unwrap(), entry.key.as_bytes());
        assert_eq!(store.get(&entry.key, &Silent).unwrap().unwrap(), entry.key.as_bytes());
        store.remove(&entry.key, &Silent).unwrap();
        assert_eq!(store.get(&entry.key, &Silent).unwrap(), None);
        // Removed twice is removed.
        store.remove(&entry.key, &Silent).unwrap();
    }
    for none in ["a//b", "a/../b", "a/", "./a", "a\u{1}"] {
        let error = store.put(none, b"", &Silent).unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::Unsupported(_)), "{error}");
    }
}

#[test]
fn markers_of_folders_are_no_files_but_empty_files_are() {
    let Some(server) = s3() else { return };
    let place = open(server, "s3://music/marked/");
    assert_eq!(place.key, "marked");
    let listed = place.store.list(&place.key, &Silent).unwrap();
    let keys: Vec<&str> = listed.iter().map(|e| e.key.as_str()).collect();
    assert_eq!(keys, ["marked/empty.wav", "marked/sub/a.wav"]);
}

#[test]
fn what_changed_after_it_was_listed_is_not_taken_for_what_was_listed() {
    let Some(server) = s3() else { return };
    let store = open(server, "s3://music").store;
    store.put("changing.wav", b"before", &Silent).unwrap();
    let listed = store.list("changing.wav", &Silent).unwrap();
    store.put("changing.wav", b"after!", &Silent).unwrap();
    let error = store.read(&listed[0], &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Changed), "{error}");
    assert_eq!(store.get("changing.wav", &Silent).unwrap().unwrap(), b"after!");
    store.remove("changing.wav", &Silent).unwrap();
    let error = store.read(&listed[0], &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::NotFound), "{error}");
}

#[test]
fn large_files_go_in_parts_and_leave_none_when_given_up() {
    let Some(server) = s3() else { return };
    let store = open(server, "s3://music").store;
    let content = noise((40 << 20) + 7);
    store.put("large.bin", &content, &Silent).unwrap();
    assert!(store.get("large.bin", &Silent).unwrap().unwrap() == content);
    assert_eq!(server.uploads(), 0);
    // Given up at the question before the last part: the upload has begun, and the file is what it was.
    let counting = GivesUp::after(usize::MAX);
    store.put("large.bin", &content, &counting).unwrap();
    let error = store.put("large.bin", &content[1..], &GivesUp::after(4)).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Cancelled(_)), "{error}");
    assert_eq!(server.uploads(), 0);
    assert!(store.get("large.bin", &Silent).unwrap().unwrap() == content);
    store.remove("large.bin", &Silent).unwrap();
}

#[test]
fn refusals_say_what_to_do_and_no_secrets() {
    let Some(server) = s3() else { return };
    let store = |environment, address: &str| open_s3_as(address, &settings(1), environment).unwrap().store;
    let denied = |store: &Arc<dyn Store>, words: &str| {
        for error in [
            store.list("", &Silent).unwrap_err(),
            store.get("a.wav", &Silent).unwrap_err(),
            store.put("a.wav", b"x", &Silent).unwrap_err(),
        ] {
            assert!(matches!(error.kind, StoreErrorKind::Denied(_)), "{error:?}");
            assert!(said(&error).contains(words), "{error}");
            assert!(!said(&error).contains("canary"), "{error:?}");
        }
        assert!(!format!("{store:?}").contains("canary"));
    };
    denied(
        &store(server.environment_with(&server.key, "canary"), "s3://music"),
        "AWS_SECRET_ACCESS_KEY",
    );
    denied(
        &store(server.environment_with("AKIANOBODY", "canary"), "s3://music"),
        "AWS_ACCESS_KEY_ID",
    );
    let error = store(server.environment(), "s3://missing")
        .list("", &Silent)
        .unwrap_err();
    assert!(said(&error).contains("no such bucket"), "{error:?}");
    let music = store(server.environment(), "s3://music");
    let error = music.list("nowhere", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::NotFound), "{error}");
    assert_eq!(error.uri, "s3://music/nowhere");

    let half = vec![("AWS_ACCESS_KEY_ID".to_owned(), "x".to_owned())];
    let error = open_s3_as("s3://music", &settings(1), half).unwrap_err();
    assert!(said(&error).contains("AWS_SECRET_ACCESS_KEY"), "{error}");
    for none in ["s3:", "s3://", "s3:///a", "s3://a b/c", "s3:music"] {
        let error = open_s3_as(none, &settings(1), []).unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::Unsupported(_)), "{error}");
    }
}

#[test]
fn connections_that_break_cost_time_only() {
    let Some(server) = s3() else { return };
    let content = noise(700 << 10);
    open(server, "s3://music")
        .store
        .put("broken.wav", &content, &Silent)
        .unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let proxy = Listener::breaking(&server.endpoint, 200 << 10, 3, asked.clone());
    let place = open_at(server, &proxy.address, settings(5), "s3://music/broken.wav");
    let listed = place.store.list(&place.key, &Silent).unwrap();
    assert!(place.store.read(&listed[0], &Silent).unwrap() == content);
    // What had arrived was not fetched again.
    let asked = asked.lock().unwrap();
    let ranges = asked
        .iter()
        .filter(|r| r.to_ascii_lowercase().contains("\r\nrange: bytes="))
        .count();
    assert_eq!(ranges, 3, "{asked:?}");
}

#[test]
fn servers_that_are_gone_or_silent_are_told_of() {
    let Some(server) = s3() else { return };
    let store = open_at(server, &nobody(), settings(1), "s3://music").store;
    let error = store.get("a.wav", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("nothing answers"), "{error}");

    let silent = Listener::silent();
    let impatient = Stores {
        timeout_seconds: 0.2,
        ..settings(1)
    };
    let store = open_at(server, &silent.address, impatient, "s3://music").store;
    let error = store.list("", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("in time"), "{error}");
}

#[test]
fn who_gives_up_is_let_go() {
    let Some(server) = s3() else { return };
    let silent = Listener::silent();
    let store = open_at(server, &silent.address, settings(5), "s3://music").store;
    for (questions, what) in [(1, "before"), (4, "while it waits")] {
        let gives_up = GivesUp::after(questions);
        let error = store.get("a.wav", &gives_up).unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::Cancelled(_)), "{what}: {error}");
        assert!(
            gives_up.ignored() <= 1,
            "{what}: asked {} times more",
            gives_up.ignored()
        );
    }
}

#[test]
fn without_a_key_public_files_are_read_and_the_rest_is_told_of() {
    // moto fails where nobody signs; that a key is not asked for anywhere else shows in the time this takes.
    let server = Listener::answering(|_, head| {
        assert!(!head.to_ascii_lowercase().contains("authorization"), "{head}");
        let body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        match head.split(' ').nth(1).unwrap() {
            "/music/public%20file.wav" => {
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"x\"\r\nLast-Modified: Sun, 01 Mar 2026 00:00:00 GMT\r\n\r\nhi".into()
            }
            _ => format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()),
        }
    });
    let environment = vec![("AWS_ENDPOINT_URL".to_owned(), server.address.clone())];
    let store = open_s3_as("s3://music", &settings(1), environment).unwrap().store;
    assert_eq!(store.get("public file.wav", &Silent).unwrap().unwrap(), b"hi");
    let error = store.list("", &Silent).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Denied(_)), "{error}");
    assert!(said(&error).contains("AWS_ACCESS_KEY_ID"), "{error}");
}

#[test]
fn spaces_in_questions_are_written_so_that_every_server_reads_them() {
    let asked = Arc::new(Mutex::new(String::new()));
    let seen = asked.clone();
    let server = Listener::answering(move |_, head| {
        *seen.lock().unwrap() = head.to_owned();
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()
    });
    let environment = vec![("AWS_ENDPOINT_URL".to_owned(), server.address.clone())];
    let store = open_s3_as("s3://music", &settings(1), environment).unwrap().store;
    store.list("a b+c", &Silent).unwrap_err();
    let asked = asked.lock().unwrap();
    assert!(asked.contains("prefix=a%20b%2Bc%2F"), "{asked}");
}
