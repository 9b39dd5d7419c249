//! Made-up pictures for tests.

use std::sync::Arc;

use crate::capture::peaks::Ridge;
use crate::snapshot::{
    Correction, FileState, GridOrigin, Item, ItemId, ItemKind, Snapshot, Status, TakeId, TakeView, TransportState,
};

/// A suggestion of two bars at 120 BPM, without a file.
pub(crate) fn item(id: u64, kind: ItemKind, score: f32) -> Item {
    Item {
        id: ItemId(id),
        kind,
        take: 1,
        start: 96_000 * (id % 8),
        frames: if kind == ItemKind::OneShot { 12_000 } else { 192_000 },
        title: format!("{kind:?} {id}"),
        bars: if kind == ItemKind::OneShot { 0.0 } else { 4.0 },
        bpm: if kind == ItemKind::OneShot { 0.0 } else { 120.0 },
        key: (kind == ItemKind::Loop).then(|| "Am".into()),
        score,
        reasons: vec!["The seam is clean".into(), "It repeats".into()],
        class: (kind == ItemKind::OneShot).then(|| "kick".into()),
        favourite: false,
        file: FileState::None,
        kit: Vec::new(),
    }
}

/// A take at 48 kHz with a host's bars in 4/4.
pub(crate) fn take(id: TakeId, seconds: f64, bpm: f64) -> TakeView {
    let end = (seconds * 48_000.0) as u64;
    let bar = 4.0 * 60.0 / bpm * 48_000.0;
    let bars: Vec<f64> = (0..)
        .map(|n| f64::from(n) * bar)
        .take_while(|&at| at <= end as f64)
        .collect();
    let mut ridge = Ridge::new();
    let sound: Vec<f32> = (0..end)
        .map(|n| ((n / 512 % 90) as f32 + 20.0) / 128.0 * if n % 2 == 0 { 1.0 } else { -1.0 })
        .collect();
    ridge.push(&sound, &sound);
    TakeView {
        id,
        rate: 48_000,
        first: 0,
        end,
        peaks: Arc::new(ridge.peaks(0, end)),
        bars: bars.into(),
        first_bar: Some(1),
        grid: GridOrigin::Host,
        bpm,
        meter: (4, 4),
        open: false,
        analysed_to: 0,
        correction: Correction::default(),
        note: None,
    }
}

/// One take and nothing found in it.
pub(crate) fn snapshot() -> Snapshot {
    let mut take = take(1, 60.0, 120.0);
    take.analysed_to = take.end;
    Snapshot {
        number: 1,
        status: Status {
            transport: TransportState::Playing,
            bpm: 120.0,
            meter: (4, 4),
            rate: 48_000,
            ..Status::default()
        },
        takes: vec![take],
        ..Snapshot::default()
    }
}

/// With so many loops, best first; ids count from 1.
pub(crate) fn with_loops(count: u64) -> Snapshot {
    let items: Vec<Item> = (1..=count)
        .map(|id| item(id, ItemKind::Loop, 1.0 - id as f32 / (count as f32 + 1.0)))
        .collect();
    Snapshot {
        items: items.into(),
        ..snapshot()
    }
}
