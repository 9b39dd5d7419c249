//! Which rows are selected.

use crate::snapshot::ItemId;

/// What was held while something was clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Held {
    /// One more or one less: Ctrl, on a Mac Cmd.
    pub(crate) toggle: bool,
    /// All from the last one to this: Shift.
    pub(crate) range: bool,
}

impl From<egui::Modifiers> for Held {
    fn from(modifiers: egui::Modifiers) -> Self {
        Self {
            toggle: modifiers.command,
            range: modifiers.shift,
        }
    }
}

/// The selected rows, by the names of their items.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Selection {
    ids: Vec<ItemId>,
    /// Where a range begins.
    anchor: Option<ItemId>,
    /// What the arrow keys move.
    cursor: Option<ItemId>,
}

impl Selection {
    /// All, in the order of the list they were selected from.
    pub(crate) fn ids(&self) -> &[ItemId] {
        &self.ids
    }
    /// The one that was selected last.
    pub(crate) fn cursor(&self) -> Option<ItemId> {
        self.cursor
    }
    /// Whether an item is selected.
    pub(crate) fn contains(&self, id: ItemId) -> bool {
        self.ids.contains(&id)
    }
    /// Only this one.
    pub(crate) fn only(&mut self, id: ItemId) {
        self.ids.clear();
        self.ids.push(id);
        self.anchor = Some(id);
        self.cursor = Some(id);
    }
    /// Nothing.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
    /// The button went down on an item. A selected one stays selected with the others: it may be the start of a drag.
    pub(crate) fn press(&mut self, order: &[ItemId], id: ItemId, held: Held) {
        if held.range {
            self.range_to(order, id);
        } else if held.toggle {
            if let Some(at) = self.ids.iter().position(|&other| other == id) {
                self.ids.remove(at);
            } else {
                self.ids.push(id);
                self.sort(order);
            }
            self.anchor = Some(id);
            self.cursor = Some(id);
        } else if self.contains(id) {
            self.cursor = Some(id);
        } else {
            self.only(id);
        }
    }
    /// The button came up again on the same item, and nothing was dragged.
    pub(crate) fn click(&mut self, id: ItemId, held: Held) {
        if !held.range && !held.toggle {
            self.only(id);
        }
    }
    /// The arrow keys: moves the cursor by so many rows, and selects; with `range`, all in between. Returns the row.
    pub(crate) fn step(&mut self, order: &[ItemId], by: isize, range: bool) -> Option<usize> {
        let last = order.len().checked_sub(1)?;
        let at = self.cursor.and_then(|id| order.iter().position(|&other| other == id));
        let to = match at {
            Some(at) => at.saturating_add_signed(by).min(last),
            None if by < 0 => last,
            None => 0,
        };
        let id = *order.get(to)?;
        if range {
            self.range_to(order, id);
        } else {
            self.only(id);
        }
        Some(to)
    }
    /// All of the list.
    pub(crate) fn all(&mut self, order: &[ItemId]) {
        self.ids = order.to_vec();
        self.anchor = order.first().copied();
        self.cursor = self.cursor.or(self.anchor);
    }
    /// Forgets items that are gone.
    pub(crate) fn retain(&mut self, exists: impl Fn(ItemId) -> bool) {
        self.ids.retain(|&id| exists(id));
        self.anchor = self.anchor.filter(|&id| exists(id));
        self.cursor = self.cursor.filter(|&id| exists(id));
    }

    fn range_to(&mut self, order: &[ItemId], id: ItemId) {
        let find = |id: ItemId| order.iter().position(|&other| other == id);
        let Some(to) = find(id) else { return };
        let from = self.anchor.and_then(find).unwrap_or(to);
        self.ids.clear();
        self.ids
            .extend_from_slice(order.get(from.min(to)..=from.max(to)).unwrap_or_default());
        self.anchor = order.get(from).copied();
        self.cursor = Some(id);
    }

    fn sort(&mut self, order: &[ItemId]) {
        self.ids
            .sort_by_key(|id| order.iter().position(|other| other == id).unwrap_or(usize::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Held = Held {
        toggle: false,
        range: false,
    };
    const TOGGLE: Held = Held {
        toggle: true,
        range: false,
    };
    const RANGE: Held = Held {
        toggle: false,
        range: true,
    };

    fn order() -> Vec<ItemId> {
        (1..=5).map(ItemId).collect()
    }

    fn ids(selection: &Selection) -> Vec<u64> {
        selection.ids().iter().map(|id| id.0).collect()
    }

    #[test]
    fn toggles_and_ranges() {
        let (order, mut s) = (order(), Selection::default());
        s.press(&order, ItemId(4), PLAIN);
        s.press(&order, ItemId(2), TOGGLE);
        assert_eq!(ids(&s), [2, 4], "in the order of the list");
        s.press(&order, ItemId(5), RANGE);
        assert_eq!(ids(&s), [2, 3, 4, 5]);
        s.press(&order, ItemId(1), RANGE);
        assert_eq!(ids(&s), [1, 2], "a range begins where the last click was");
        s.press(&order, ItemId(2), TOGGLE);
        assert_eq!(ids(&s), [1]);
    }

    #[test]
    fn pressing_one_of_many_keeps_them_for_the_drag_and_a_click_takes_only_it() {
        let (order, mut s) = (order(), Selection::default());
        s.press(&order, ItemId(1), PLAIN);
        s.press(&order, ItemId(3), RANGE);
        s.press(&order, ItemId(2), PLAIN);
        assert_eq!(ids(&s), [1, 2, 3]);
        s.click(ItemId(2), PLAIN);
        assert_eq!(ids(&s), [2]);
    }

    #[test]
    fn arrows_stop_at_the_ends() {
        let (order, mut s) = (order(), Selection::default());
        assert_eq!(s.step(&order, 1, false), Some(0));
        assert_eq!(s.step(&order, -1, false), Some(0));
        assert_eq!(s.step(&order, 100, false), Some(4));
        assert_eq!(s.step(&order, -2, true), Some(2));
        assert_eq!(ids(&s), [3, 4, 5]);
        assert_eq!(s.step(&[], 1, false), None);
    }

    #[test]
    fn what_is_gone_is_not_selected() {
        let (order, mut s) = (order(), Selection::default());
        s.all(&order);
        s.retain(|id| id.0 > 3);
        assert_eq!(ids(&s), [4, 5]);
        assert_eq!(s.cursor(), None);
        s.press(&order, ItemId(5), RANGE);
        assert_eq!(ids(&s), [5], "without an anchor a range is one item");
    }
}
