//! Programs with all kinds of manners as the target.

use std::time::Duration;

use loopwright_plugin::dragout::Outcome;

use x11rb::protocol::xproto::ConnectionExt as _;

use super::{Files, drag, drop_on};
use crate::stage::{Stage, outcome};
use crate::stub::{Heard, Manners, Stub};

#[test]
fn a_target_that_never_answers_gets_nothing() {
    let Some(stage) = Stage::new() else { return };
    let stub = Stub::new(
        &stage,
        Manners {
            answers: false,
            ..Manners::default()
        },
    );
    assert_eq!(drop_on(&stage, &stub, &Files::new()), Outcome::Cancelled);
    assert_eq!(stub.next_event(), Heard::Leave);
    assert_eq!(stub.all(), []);
}

#[test]
fn a_target_that_refuses_gets_nothing() {
    let Some(stage) = Stage::new() else { return };
    let stub = Stub::new(
        &stage,
        Manners {
            accepts: false,
            ..Manners::default()
        },
    );
    assert_eq!(drop_on(&stage, &stub, &Files::new()), Outcome::Cancelled);
    assert_eq!(stub.next_event(), Heard::Leave);
    assert_eq!(stub.all(), []);
}

#[test]
fn a_target_that_denies_its_success_has_the_files() {
    let Some(stage) = Stage::new() else { return };
    let stub = Stub::new(
        &stage,
        Manners {
            finishes: Some(false),
            ..Manners::default()
        },
    );
    assert_eq!(drop_on(&stage, &stub, &Files::new()), Outcome::Dropped);
}

#[test]
fn a_target_that_finishes_without_asking_has_nothing() {
    let Some(stage) = Stage::new() else { return };
    let stub = Stub::new(
        &stage,
        Manners {
            asks: Vec::new(),
            ..Manners::default()
        },
    );
    assert_eq!(drop_on(&stage, &stub, &Files::new()), Outcome::Cancelled);
}

#[test]
fn a_target_that_never_finishes_is_not_waited_for() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let stub = Stub::new(
        &stage,
        Manners {
            finishes: None,
            ..Manners::default()
        },
    );
    let (_, drag) = drag(&stage, &files);
    stage.move_to(500, 200);
    stage.release();
    while !matches!(stub.next(), Heard::Data(..)) {}
    // As the owner does when it goes; otherwise it takes longer.
    drag.cancel();
    assert_eq!(outcome(&drag), Outcome::Dropped);
}

#[test]
fn a_target_that_goes_away_on_the_way() {
    let Some(stage) = Stage::new() else { return };
    let stub = Stub::new(
        &stage,
        Manners {
            vanishes: true,
            ..Manners::default()
        },
    );
    assert_eq!(drop_on(&stage, &stub, &Files::new()), Outcome::Cancelled);
    assert_eq!(stub.all(), []);
}

#[test]
fn a_target_that_goes_away_with_the_drop() {
    let Some(stage) = Stage::new() else { return };
    let stub = Stub::new(
        &stage,
        Manners {
            dies: true,
            ..Manners::default()
        },
    );
    assert_eq!(drop_on(&stage, &stub, &Files::new()), Outcome::Failed);
}

#[test]
fn positions_wait_for_answers() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let stub = Stub::new(
        &stage,
        Manners {
            thinks: Duration::from_millis(60),
            ..Manners::default()
        },
    );
    let (_, drag) = drag(&stage, &files);
    for x in 0..100 {
        stage.move_to(410 + 2 * x, 200);
        std::thread::sleep(Duration::from_millis(4));
    }
    stage.release();
    assert_eq!(outcome(&drag), Outcome::Dropped);
    let heard = stub.all();
    assert!(!heard.contains(&Heard::Hurried), "{heard:?}");
    let positions: Vec<_> = heard
        .iter()
        .filter(|heard| matches!(heard, Heard::Position { .. }))
        .collect();
    assert!(positions.len() > 2, "{heard:?}");
    assert_eq!(
        positions.last(),
        Some(&&Heard::Position {
            x: 608,
            y: 200,
            copy: true
        })
    );
}

#[test]
fn a_target_that_wants_no_more_positions_gets_none() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let stub = Stub::new(
        &stage,
        Manners {
            calm: true,
            ..Manners::default()
        },
    );
    let (_, drag) = drag(&stage, &files);
    stage.move_to(500, 200);
    while !matches!(stub.next(), Heard::Position { .. }) {}
    for x in 0..20 {
        stage.move_to(450 + x, 300);
        std::thread::sleep(Duration::from_millis(10));
    }
    stage.release();
    assert_eq!(outcome(&drag), Outcome::Dropped);
    let positions = stub
        .all()
        .into_iter()
        .filter(|heard| matches!(heard, Heard::Position { .. }))
        .count();
    // One more at the most, from before its answer came.
    assert!(positions <= 1, "{positions}");
}

#[test]
fn proxies() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    for manners in [
        Manners {
            proxy: true,
            ..Manners::default()
        },
        Manners {
            stale_proxy: true,
            ..Manners::default()
        },
        Manners {
            framed: true,
            ..Manners::default()
        },
    ] {
        let stub = Stub::new(&stage, manners.clone());
        assert_eq!(drop_on(&stage, &stub, &files), Outcome::Dropped, "{manners:?}");
        let heard = stub.all();
        assert!(!heard.contains(&Heard::Misled), "{heard:?}");
    }
}

#[test]
fn versions() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    for (theirs, common) in [(3, 3), (4, 4), (5, 5), (6, 5)] {
        let stub = Stub::new(
            &stage,
            Manners {
                version: theirs,
                ..Manners::default()
            },
        );
        let (own, drag) = drag(&stage, &files);
        stage.move_to(500, 200);
        assert!(matches!(stub.next(), Heard::Enter { version, .. } if version == common));
        stage.release();
        assert_eq!(outcome(&drag), Outcome::Dropped);
        stage.link.destroy_window(own).unwrap();
    }
    let stub = Stub::new(
        &stage,
        Manners {
            version: 2,
            ..Manners::default()
        },
    );
    let (_, drag) = drag(&stage, &files);
    stage.move_to(500, 200);
    stage.release();
    assert_eq!(outcome(&drag), Outcome::Cancelled);
    assert_eq!(stub.all(), []);
}
