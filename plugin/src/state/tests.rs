//! States of every kind.

use super::*;

fn favourite(id: u64) -> Favourite {
    Favourite {
        id,
        kind: ItemKind::Break,
        title: "Break, bars 5–8".into(),
        path: "/music/Loopwright/Captures/Söng/break_01/drum_break.wav".into(),
        relative: "Söng/break_01/drum_break.wav".into(),
        hash: "ab".repeat(32),
        bars: 4.0,
        bpm: 123.456_789_012_345,
        key: Some("F#m".into()),
        score: 0.875,
        class: None,
    }
}

fn full() -> State {
    State {
        settings: Settings {
            history_seconds: 600,
            folder: "/music/captures".into(),
            export_automatically: 3,
            ..Settings::default()
        },
        editor: EditorState {
            zoom: 1.25,
            tab: Some(ItemKind::OneShot),
            bars: vec![4, 8],
            ..EditorState::default()
        },
        favourites: vec![favourite(u64::MAX), favourite(7)],
        ..State::default()
    }
}

fn read(json: &str) -> State {
    serde_json::from_str(json).unwrap()
}

#[test]
fn a_state_comes_back_as_it_was_and_to_the_byte() {
    let state = full();
    let json = serde_json::to_string(&state).unwrap();
    assert_eq!(read(&json), state);
    assert_eq!(serde_json::to_string(&read(&json)).unwrap(), json);
    assert_eq!(read("{}"), State::default());
}

#[test]
fn what_cannot_be_understood_costs_nothing_else() {
    let state = read(
        r#"{"version":9,"new":{"a":[1]},"settings":{"history_seconds":"long","history_mib":1e30,"audition_db":null,
        "sync":false,"folder":"/a\u0000b"},"editor":{"tab":"hologram","zoom":-1,"bars":[4,"x",-1,999,8]},
        "favourites":[3,{"id":0,"kind":"loop"},{"id":5,"kind":"cloud"},{"id":6,"kind":"quiet","score":7,"bpm":-1},
        {"id":6,"kind":"loop"}]}"#,
    );
    assert_eq!(state.version, VERSION);
    assert_eq!(
        (state.settings.history_seconds, state.settings.history_mib),
        (240, 4096)
    );
    assert!(!state.settings.sync && state.settings.looped);
    assert_eq!(state.settings.folder, "/ab");
    assert_eq!((state.editor.tab, state.editor.zoom), (None, 0.5));
    assert_eq!(state.editor.bars, [4, 8]);
    assert_eq!(state.favourites.len(), 1);
    assert_eq!((state.favourites[0].score, state.favourites[0].bpm), (1.0, 0.0));
}

#[test]
fn it_is_bounded() {
    let many = State {
        favourites: (1..2000).map(favourite).collect(),
        settings: Settings {
            folder: "x".repeat(1 << 20),
            ..Settings::default()
        },
        ..State::default()
    };
    let state = read(&serde_json::to_string(&many).unwrap());
    assert_eq!(state.favourites.len(), MOST_FAVOURITES);
    assert_eq!(state.settings.folder.len(), LONGEST_PATH);
}

#[test]
fn settings_are_brought_into_their_ranges() {
    let odd = Settings {
        history_seconds: 0,
        history_mib: u32::MAX,
        export_automatically: 1000,
        ..Settings::default()
    };
    let sane = odd.sane();
    assert_eq!((sane.history_seconds, sane.history_mib), (30, 4096));
    assert_eq!(sane.export_automatically, 64);
    let editor = EditorState {
        width: f32::INFINITY,
        height: -5.0,
        min_score: 2.0,
        ..EditorState::default()
    };
    let sane = editor.sane();
    assert_eq!((sane.width, sane.height, sane.min_score), (960.0, 150.0, 1.0));
}

/// JSON of every kind, from a number.
fn random(state: &mut u64, depth: u32) -> Value {
    let mut next = |n: u64| {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % n
    };
    let names = [
        "version",
        "settings",
        "editor",
        "favourites",
        "id",
        "kind",
        "path",
        "bars",
        "bpm",
        "score",
        "zoom",
        "tab",
        "history_seconds",
        "folder",
        "audition_db",
        "hash",
        "title",
        "key",
        "other",
    ];
    match next(if depth > 4 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(next(2) == 1),
        2 => Value::from(next(1 << 31) as i64 - (1 << 30)),
        3 => Value::from(f64::from_bits((next(1 << 31) << 33) | next(1 << 31))),
        4 => Value::from(["loop", "break", "one_shot", "quiet", "", "\u{0}\u{202e}/../x"][next(6) as usize]),
        5 => Value::from("é".repeat(next(300) as usize)),
        6 => {
            let n = next(5);
            (0..n).map(|_| random(state, depth + 1)).collect()
        }
        _ => {
            let n = next(12);
            let mut map = Map::new();
            for _ in 0..n {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let name = names[(*state >> 40) as usize % names.len()];
                map.insert(name.into(), random(state, depth + 1));
            }
            Value::Object(map)
        }
    }
}

#[test]
fn any_json_is_a_state_and_a_state_is_stable() {
    let mut seed = 1;
    for round in 0..4000u64 {
        seed ^= round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let value = random(&mut seed, 0);
        let state = read(&value.to_string());
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(read(&json), state, "{value}");
        assert_eq!(state.clone().settings.sane(), state.settings);
    }
}

#[test]
fn the_host_brings_it_through_the_parameters() {
    let kept = std::sync::Arc::new(Kept::default());
    assert_eq!(kept.loads(), 0);
    PersistentField::set(&kept, full());
    assert_eq!(kept.loads(), 1);
    assert_eq!(kept.lock().clone(), full());
    let json = PersistentField::map(&kept, |s: &State| serde_json::to_string(s).unwrap());
    assert_eq!(read(&json), full());
}

#[test]
fn states_that_are_too_deep_or_too_large_are_survived() {
    // As deep as a parser on the stack would fall through.
    for (open, close) in [("[", "]"), (r#"{"settings":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(200_000), close.repeat(200_000));
        assert!(serde_json::from_str::<State>(&deep).is_err());
    }
    assert!(serde_json::from_str::<State>(r#"{"settings":{"history_seconds":1e999}}"#).is_err());
    // 10 MB of favourites: those with a path, one that is not whole, one with a NUL.
    let mut text = String::from(r#"{"favourites":["#);
    for id in 1..40_000 {
        text += &format!(
            r#"{{"id":{id},"kind":"loop","path":"{}","bars":-1e300,"score":1e300}},"#,
            "x".repeat(200)
        );
    }
    text += r#"{"id":-3,"kind":"loop"},{"id":18446744073709551616,"kind":"loop"},{"id":1,"kind":"loop"}]}"#;
    assert!(text.len() > 10_000_000);
    let state = read(&text);
    assert_eq!(state.favourites.len(), MOST_FAVOURITES);
    assert_eq!((state.favourites[0].bars, state.favourites[0].score), (0.0, 1.0));
    let odd = read(r#"{"favourites":[{"id":1,"kind":"loop","path":"/a\u0000b","relative":"..\u0000/x"}]}"#);
    assert_eq!(
        (odd.favourites[0].path.as_str(), odd.favourites[0].relative.as_str()),
        ("/ab", "../x")
    );
    assert!(serde_json::to_string(&state).unwrap().len() < 1_000_000);
}
