//! Which suggestions are listed, and in what order.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{FileState, Item, ItemId, ItemKind, Snapshot};
use crate::state::EditorState;

/// A list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tab {
    /// Suggestions of a kind.
    Kind(ItemKind),
    /// Favourites of all kinds, also of takes that are gone.
    Favourites,
}

impl Tab {
    /// All, in the order of the window.
    pub(crate) const ALL: [Self; 5] = [
        Self::Kind(ItemKind::Loop),
        Self::Kind(ItemKind::Break),
        Self::Kind(ItemKind::OneShot),
        Self::Kind(ItemKind::Quiet),
        Self::Favourites,
    ];
    /// The one that was in front.
    pub(crate) fn kept(editor: &EditorState) -> Self {
        if editor.favourites_tab {
            Self::Favourites
        } else {
            Self::Kind(editor.tab.unwrap_or(ItemKind::Loop))
        }
    }
    /// Puts it in front.
    pub(crate) fn keep(self, editor: &mut EditorState) {
        editor.favourites_tab = self == Self::Favourites;
        if let Self::Kind(kind) = self {
            editor.tab = Some(kind);
        }
    }
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => super::theme::plural(kind),
            Self::Favourites => "Favourites",
        }
    }
}

/// What a list goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    /// Best first.
    #[default]
    Score,
    /// As they were played.
    Time,
    /// Longest first.
    Bars,
    /// Slowest first.
    Tempo,
    /// By name.
    Name,
}

/// One row: where its suggestion stands in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    /// Of [`Snapshot::items`].
    Live(usize),
    /// Of [`Snapshot::kept`].
    Kept(usize),
}

impl Row {
    /// Its suggestion.
    pub(crate) fn item(self, snapshot: &Snapshot) -> Option<&Item> {
        match self {
            Self::Live(index) => snapshot.items.get(index),
            Self::Kept(index) => snapshot.kept.get(index).map(|kept| &kept.item),
        }
    }
}

/// What the user did that the worker has not shown yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead {
    /// Rejected.
    pub(crate) hidden: BTreeSet<ItemId>,
    /// Marked or unmarked, and when, in seconds.
    pub(crate) stars: BTreeMap<ItemId, (bool, f64)>,
}

impl Ahead {
    /// Whether an item is a favourite.
    pub(crate) fn favourite(&self, item: &Item) -> bool {
        self.stars.get(&item.id).map_or(item.favourite, |&(star, _)| star)
    }
    /// Forgets what the snapshot shows by now, and what it has not shown for two seconds.
    pub(crate) fn settle(&mut self, snapshot: &Snapshot, now: f64) {
        if self.stars.is_empty() {
            return;
        }
        self.stars.retain(|id, &mut (star, at)| {
            now - at < 2.0 && find(snapshot, *id).is_some_and(|(_, item)| item.favourite != star)
        });
    }
}

/// An item by its name.
pub(crate) fn find(snapshot: &Snapshot, id: ItemId) -> Option<(Row, &Item)> {
    let live = snapshot.items.iter().position(|item| item.id == id).map(Row::Live);
    let row = live.or_else(|| snapshot.kept.iter().position(|kept| kept.item.id == id).map(Row::Kept))?;
    row.item(snapshot).map(|item| (row, item))
}

/// A score that can be compared and drawn: 0 to 1.
pub(crate) fn score(item: &Item) -> f32 {
    if item.score.is_finite() {
        item.score.clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// Lengths that can be chosen, in bars.
pub(crate) const BARS: [u32; 5] = [1, 2, 4, 8, 16];

/// Whether a filter lets an item through. One-shots have no bars to be filtered by.
pub(crate) fn passes(item: &Item, editor: &EditorState, ahead: &Ahead) -> bool {
    let long_enough = editor.bars.is_empty()
        || item.bars <= 0.0
        || editor
            .bars
            .iter()
            .any(|&bars| (item.bars - f64::from(bars)).abs() < 0.05);
    long_enough && score(item) >= editor.min_score && (!editor.favourites_only || ahead.favourite(item))
}

/// True where something is hidden by choice.
pub(crate) fn filtered(editor: &EditorState) -> bool {
    !editor.bars.is_empty() || editor.min_score > 0.0 || editor.favourites_only
}

/// Fills `rows` with what the tab shows.
pub(crate) fn list(
    snapshot: &Snapshot,
    tab: Tab,
    editor: &EditorState,
    order: Order,
    ahead: &Ahead,
    rows: &mut Vec<Row>,
) {
    rows.clear();
    let belongs = |item: &Item| match tab {
        Tab::Kind(kind) => item.kind == kind,
        Tab::Favourites => ahead.favourite(item),
    };
    let live = snapshot
        .items
        .iter()
        .enumerate()
        .filter(|(_, item)| belongs(item) && !ahead.hidden.contains(&item.id) && passes(item, editor, ahead));
    rows.extend(live.map(|(index, _)| Row::Live(index)));
    if tab == Tab::Favourites {
        let kept = snapshot.kept.iter().enumerate();
        let shown = kept.filter(|(_, kept)| !ahead.hidden.contains(&kept.item.id) && passes(&kept.item, editor, ahead));
        rows.extend(shown.map(|(index, _)| Row::Kept(index)));
    }
    let take = |item: &Item| snapshot.takes.iter().position(|take| take.id == item.take);
    rows.sort_by(|a, b| {
        let (Some(a), Some(b)) = (a.item(snapshot), b.item(snapshot)) else {
            return std::cmp::Ordering::Equal;
        };
        match order {
            Order::Score => score(b).total_cmp(&score(a)),
            Order::Time => (take(a), a.start).cmp(&(take(b), b.start)),
            Order::Bars => b.bars.total_cmp(&a.bars),
            Order::Tempo => a.bpm.total_cmp(&b.bpm),
            Order::Name => a.title.cmp(&b.title),
        }
    });
}

/// How many each tab has, hidden ones not counted.
pub(crate) fn counts(snapshot: &Snapshot, ahead: &Ahead) -> [usize; 5] {
    let mut counts = [0; 5];
    for item in snapshot.items.iter().filter(|item| !ahead.hidden.contains(&item.id)) {
        let kind = match item.kind {
            ItemKind::Loop => 0,
            ItemKind::Break => 1,
            ItemKind::OneShot => 2,
            ItemKind::Quiet => 3,
        };
        counts[kind] += 1;
        counts[4] += usize::from(ahead.favourite(item));
    }
    counts[4] += snapshot
        .kept
        .iter()
        .filter(|kept| !ahead.hidden.contains(&kept.item.id))
        .count();
    counts
}

/// Where an item's file is, if it is complete.
pub(crate) fn ready(item: &Item) -> Option<&std::path::Path> {
    match &item.file {
        FileState::Ready(path) => Some(path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn listed(snapshot: &Snapshot, tab: Tab, editor: &EditorState, order: Order, ahead: &Ahead) -> Vec<u64> {
        let mut rows = Vec::new();
        list(snapshot, tab, editor, order, ahead, &mut rows);
        rows.iter()
            .filter_map(|row| row.item(snapshot))
            .map(|item| item.id.0)
            .collect()
    }

    #[test]
    fn filters_take_away_what_they_say() {
        let mut snapshot = fixture::snapshot();
        let mut items = vec![
            fixture::item(1, ItemKind::Loop, 0.9),
            fixture::item(2, ItemKind::Loop, f32::NAN),
            fixture::item(3, ItemKind::Loop, 0.5),
            fixture::item(4, ItemKind::OneShot, 0.8),
        ];
        items[2].bars = 2.0;
        items[3].bars = 0.0;
        items[0].favourite = true;
        snapshot.items = items.into();
        let loops = Tab::Kind(ItemKind::Loop);
        let all = EditorState::default();
        let none = Ahead::default();
        assert_eq!(listed(&snapshot, loops, &all, Order::Score, &none), [1, 3, 2]);
        let scored = EditorState {
            min_score: 0.6,
            ..all.clone()
        };
        assert_eq!(listed(&snapshot, loops, &scored, Order::Score, &none), [1]);
        let short = EditorState {
            bars: vec![2],
            ..all.clone()
        };
        assert_eq!(listed(&snapshot, loops, &short, Order::Score, &none), [3]);
        assert_eq!(
            listed(&snapshot, Tab::Kind(ItemKind::OneShot), &short, Order::Score, &none),
            [4]
        );
        let liked = EditorState {
            favourites_only: true,
            ..all.clone()
        };
        assert_eq!(listed(&snapshot, loops, &liked, Order::Score, &none), [1]);
        assert_eq!(listed(&snapshot, Tab::Favourites, &all, Order::Score, &none), [1]);
        let mut ahead = Ahead::default();
        ahead.hidden.insert(ItemId(1));
        ahead.stars.insert(ItemId(3), (true, 0.0));
        assert_eq!(listed(&snapshot, loops, &all, Order::Score, &ahead), [3, 2]);
        assert_eq!(listed(&snapshot, Tab::Favourites, &all, Order::Score, &ahead), [3]);
        assert_eq!(counts(&snapshot, &ahead), [2, 0, 1, 0, 1]);
    }

    #[test]
    fn lists_sort_by_what_is_chosen() {
        let mut snapshot = fixture::snapshot();
        let mut items: Vec<Item> = (1..=3)
            .map(|id| fixture::item(id, ItemKind::Loop, id as f32 / 10.0))
            .collect();
        items[0].start = 300;
        items[1].start = 100;
        items[2].start = 200;
        items[1].bars = 8.0;
        items[2].bpm = 60.0;
        snapshot.items = items.into();
        let (loops, all, none) = (Tab::Kind(ItemKind::Loop), EditorState::default(), Ahead::default());
        let by = |order| listed(&snapshot, loops, &all, order, &none);
        assert_eq!(by(Order::Score), [3, 2, 1]);
        assert_eq!(by(Order::Time), [2, 3, 1]);
        assert_eq!(by(Order::Bars), [2, 1, 3]);
        assert_eq!(by(Order::Tempo), [3, 1, 2]);
    }

    #[test]
    fn what_was_done_ahead_is_forgotten_once_shown() {
        let mut snapshot = fixture::snapshot();
        let mut ahead = Ahead::default();
        ahead.stars.insert(ItemId(1), (true, 10.0));
        snapshot.items = vec![fixture::item(1, ItemKind::Loop, 0.5)].into();
        ahead.settle(&snapshot, 10.5);
        assert_eq!(ahead.stars.len(), 1, "not shown yet");
        let mut shown = fixture::item(1, ItemKind::Loop, 0.5);
        shown.favourite = true;
        snapshot.items = vec![shown].into();
        ahead.settle(&snapshot, 10.6);
        assert!(ahead.stars.is_empty());
        ahead.stars.insert(ItemId(1), (false, 10.0));
        ahead.settle(&snapshot, 12.5);
        assert!(ahead.stars.is_empty(), "never shown: the worker knows better");
    }

    #[test]
    fn tabs_are_kept() {
        let mut editor = EditorState::default();
        assert_eq!(Tab::kept(&editor), Tab::Kind(ItemKind::Loop));
        for tab in Tab::ALL {
            tab.keep(&mut editor);
            assert_eq!(Tab::kept(&editor), tab);
        }
    }
}
