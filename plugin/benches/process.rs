//! Time of one block of 64 frames on the audio thread: the tap, the player, both.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use loopwright_plugin::capture::mark::HostTime;
use loopwright_plugin::capture::tap;
use loopwright_plugin::command::Audition;
use loopwright_plugin::preview::{self, Clip, Cue};
use loopwright_plugin::shared::Shared;
use loopwright_plugin::snapshot::ItemId;
use loopwright_plugin::state::Kept;

const RATE: f64 = 48_000.0;

fn host() -> HostTime {
    HostTime {
        playing: true,
        samples: Some(0),
        beats: Some(0.0),
        tempo: Some(120.0),
        meter: Some((4, 4)),
        bar_start: Some(0.0),
        cycle: None,
    }
}

fn blocks(c: &mut Criterion) {
    let (mut left, mut right) = ([0.25f32; 64], [0.25f32; 64]);
    let (mut tap, mut feed) = tap::channel(RATE);
    let mut n = 0;
    c.bench_function("tap, 64 frames", |b| {
        b.iter(|| {
            tap.block(black_box(&left), black_box(&right), host());
            n += 1;
            if n % 4096 == 0 {
                feed.drain(|_, _, _| {});
            }
        });
    });
    let shared = Arc::new(Shared::new(Arc::new(Kept::default())));
    let (mut player, mut booth) = preview::channel(RATE, shared);
    c.bench_function("player, idle, 64 frames", |b| {
        b.iter(|| player.block(black_box(&mut left), black_box(&mut right), &host()));
    });
    let clip = Clip {
        item: ItemId(1),
        planes: [vec![0.1; 96_000], vec![0.1; 96_000]],
        peak: 0.1,
        quarters: None,
        how: Audition {
            sync: false,
            looped: true,
            solo: true,
        },
    };
    assert!(booth.send(Cue::Play(Box::new(clip))));
    c.bench_function("player, auditioning, 64 frames", |b| {
        b.iter(|| player.block(black_box(&mut left), black_box(&mut right), &host()));
    });
}

criterion_group!(benches, blocks);
criterion_main!(benches);
