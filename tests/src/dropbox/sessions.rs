//! Uploads in parts, and cursors of listings.

use std::collections::BTreeMap;

use serde_json::Value;

#[derive(Default)]
pub(super) struct Sessions {
    uploads: BTreeMap<String, Upload>,
    cursors: BTreeMap<String, (Vec<Value>, usize)>,
    next: u64,
}

#[derive(Default)]
pub(super) struct Upload {
    pub(super) content: Vec<u8>,
    pub(super) closed: bool,
}

impl Sessions {
    pub(super) fn start(&mut self, content: Vec<u8>, closed: bool) -> String {
        self.next += 1;
        let id = format!("session-{}", self.next);
        self.uploads.insert(id.clone(), Upload { content, closed });
        id
    }

    pub(super) fn upload(&mut self, id: &str) -> Option<&mut Upload> {
        self.uploads.get_mut(id)
    }

    pub(super) fn end(&mut self, id: &str) {
        self.uploads.remove(id);
    }

    /// The first page of `entries`, the cursor, and whether there is more.
    pub(super) fn list(&mut self, entries: Vec<Value>, page: usize) -> (Vec<Value>, String, bool) {
        self.next += 1;
        let cursor = format!("cursor-{}", self.next);
        self.cursors.insert(cursor.clone(), (entries, page));
        self.page(&cursor, 0, page)
    }

    /// The page that `cursor` stands for; none where there is no such cursor.
    pub(super) fn go_on(&mut self, cursor: &str) -> Option<(Vec<Value>, String, bool)> {
        let (cursor, at) = cursor.rsplit_once('@')?;
        let page = self.cursors.get(cursor)?.1;
        Some(self.page(cursor, at.parse().ok()?, page))
    }

    fn page(&self, cursor: &str, from: usize, page: usize) -> (Vec<Value>, String, bool) {
        let entries = self.cursors.get(cursor).map_or(&[][..], |(e, _)| e);
        let to = (from + page).min(entries.len());
        let part = entries.get(from..to).unwrap_or_default().to_vec();
        (part, format!("{cursor}@{to}"), to < entries.len())
    }
}
