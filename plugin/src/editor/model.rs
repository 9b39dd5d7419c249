//! What the window remembers from frame to frame, and what it wishes for.

use std::path::PathBuf;

use egui::Pos2;

use crate::command::{Audition, Command};
use crate::snapshot::{Item, ItemId, ItemKind, Severity, Snapshot};
use crate::state::{EditorState, Settings};

use super::drag::{self, Drag, Load};
use super::level::{Level, Turn};
use super::mesh::Cache;
use super::notes::Notes;
use super::rows::{self, Ahead, Order, Row, Tab};
use super::select::{Held, Selection};
use super::timeline::View;

/// What lies over the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sheet {
    /// Settings.
    Settings,
    /// What the keys do.
    Help,
}

/// What the frame is drawn from.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// The worker's picture.
    pub(crate) snapshot: &'a Snapshot,
    /// What is auditioned, and how much of it has been heard.
    pub(crate) heard: Option<(ItemId, f64)>,
    /// Seconds since the window opened.
    pub(crate) now: f64,
}

/// What a frame wishes for. The window carries it out.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// For the worker, in order.
    pub(crate) commands: Vec<Command>,
    /// For the clipboard.
    pub(crate) copy: Option<String>,
    /// Another zoom.
    pub(crate) zoom: Option<f32>,
    /// Files to drag.
    pub(crate) drag: Option<Vec<PathBuf>>,
    /// [`Model::settings`] were changed.
    pub(crate) settings: bool,
    /// For the level of auditions, in order.
    pub(crate) turns: Vec<Turn>,
}

impl Wishes {
    /// For the worker.
    pub(crate) fn send(&mut self, command: Command) {
        self.commands.push(command);
    }
}

/// What the window remembers.
#[derive(Default)]
pub(crate) struct Model {
    /// The level of auditions.
    pub(crate) level: Level,
    /// The user's settings; the state's are written when they change.
    pub(crate) settings: Settings,
    /// How the editor was left.
    pub(crate) editor: EditorState,
    /// Selected rows.
    pub(crate) selection: Selection,
    /// What the list goes by.
    pub(crate) order: Order,
    /// What was done that is not shown yet.
    pub(crate) ahead: Ahead,
    /// Rejected, latest last: what can be taken back.
    pub(crate) rejected: Vec<Vec<ItemId>>,
    /// What is held or dragged.
    pub(crate) drag: Drag,
    /// What of the history is seen.
    pub(crate) view: View,
    /// What lies over the list.
    pub(crate) sheet: Option<Sheet>,
    /// Messages.
    pub(crate) notes: Notes,
    /// The list in front, and the names of its items.
    pub(crate) rows: Vec<Row>,
    /// Names of [`Self::rows`].
    pub(crate) ids: Vec<ItemId>,
    /// The waveform's shapes.
    pub(crate) cache: Cache,
    /// The item that the picture was moved to last.
    pub(crate) followed: Option<ItemId>,
    /// A row to be brought into view.
    pub(crate) scroll_to: Option<usize>,
    /// The item under the pointer in list or waveform, in this frame and the one before.
    pub(crate) hovered: Option<ItemId>,
    /// As found in this frame.
    pub(crate) hovering: Option<ItemId>,
    /// What was asked to be heard, and when: it takes a moment to begin.
    pub(crate) asked: Option<(Option<ItemId>, f64)>,
    /// "Clear history" was pressed once.
    pub(crate) confirm_clear: bool,
    /// The capture folder as it is being typed.
    pub(crate) folder: Option<String>,
    /// History length in seconds and memory in MiB while their sliders are held: applying them at once would drop sound.
    pub(crate) history: Option<(u32, u32)>,
    /// A favourite's new path as it is being typed.
    pub(crate) relink: String,
}

impl Model {
    /// With these.
    #[cfg(test)]
    pub(crate) fn new(settings: Settings, editor: EditorState) -> Self {
        Self {
            settings,
            editor,
            ..Self::default()
        }
    }

    /// Before drawing: what is listed now.
    pub(crate) fn update(&mut self, scene: &Scene<'_>) {
        let snapshot = scene.snapshot;
        self.ahead.settle(snapshot, scene.now);
        self.notes.update(&snapshot.messages, scene.now);
        rows::list(
            snapshot,
            self.tab(),
            &self.editor,
            self.order,
            &self.ahead,
            &mut self.rows,
        );
        self.ids.clear();
        self.ids.extend(
            self.rows
                .iter()
                .filter_map(|row| row.item(snapshot))
                .map(|item| item.id),
        );
        if !matches!(self.drag, Drag::Pressed { .. } | Drag::Waiting { .. }) {
            let ids = &self.ids;
            self.selection.retain(|id| ids.contains(&id));
        }
        self.hovered = self.hovering.take();
        if self.rejected.len() > 64 {
            self.rejected.remove(0);
        }
    }

    /// The list in front.
    pub(crate) fn tab(&self) -> Tab {
        Tab::kept(&self.editor)
    }

    /// Brings a list to the front.
    pub(crate) fn set_tab(&mut self, tab: Tab) {
        if self.tab() != tab {
            tab.keep(&mut self.editor);
            self.selection.clear();
            self.scroll_to = Some(0);
        }
        self.sheet = None;
    }

    /// The item that details are about: the last selected.
    pub(crate) fn current<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a Item> {
        let id = self
            .selection
            .cursor()
            .or_else(|| self.selection.ids().first().copied())?;
        rows::find(snapshot, id).map(|(_, item)| item)
    }

    /// Selected items, in the order of the list.
    pub(crate) fn selected<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Item> + 'a {
        self.selection
            .ids()
            .iter()
            .filter_map(move |&id| rows::find(snapshot, id))
            .map(|(_, item)| item)
    }

    /// Asks for the files of what is selected.
    pub(crate) fn prepare(&self, scene: &Scene<'_>, wishes: &mut Wishes) {
        let items = drag::unwritten(self.selected(scene.snapshot));
        if !items.is_empty() {
            wishes.send(Command::Prepare(items));
        }
    }

    /// The button went down on an item: it is selected, its file is asked for, and a drag may follow.
    pub(crate) fn press(&mut self, scene: &Scene<'_>, id: ItemId, held: Held, at: Pos2, wishes: &mut Wishes) {
        self.selection.press(&self.ids, id, held);
        self.prepare(scene, wishes);
        let items = if self.selection.contains(id) {
            self.selection.ids().to_vec()
        } else {
            Vec::new()
        };
        self.drag.press(Load { items, kit: false }, at);
    }

    /// The handle of a kit was pressed.
    pub(crate) fn press_kit(&mut self, scene: &Scene<'_>, items: Vec<ItemId>, at: Pos2, wishes: &mut Wishes) {
        let unfinished = items.iter().copied().filter(|&id| {
            rows::find(scene.snapshot, id).is_some_and(|(_, item)| item.kit.is_empty() || rows::ready(item).is_none())
        });
        let unfinished: Vec<ItemId> = unfinished.collect();
        if !unfinished.is_empty() {
            wishes.send(Command::PrepareKit(unfinished));
        }
        self.drag.press(Load { items, kit: true }, at);
    }

    /// An item was clicked: it is heard, or silent if it was heard.
    pub(crate) fn click(&mut self, scene: &Scene<'_>, id: ItemId, held: Held, wishes: &mut Wishes) {
        self.selection.click(id, held);
        if held == Held::default() && self.editor.click_auditions {
            self.audition(scene, id, wishes);
        }
    }

    /// What is heard, or about to be.
    pub(crate) fn playing(&self, scene: &Scene<'_>) -> Option<ItemId> {
        match self.asked {
            Some((id, at)) if (0.0..0.6).contains(&(scene.now - at)) => id,
            _ => scene.heard.map(|(id, _)| id),
        }
    }

    /// Lets an item be heard; silences it if it is.
    pub(crate) fn audition(&mut self, scene: &Scene<'_>, id: ItemId, wishes: &mut Wishes) {
        if self.playing(scene) == Some(id) {
            self.stop(scene, wishes);
        } else {
            self.play(scene, id, wishes);
        }
    }

    /// Lets an item be heard from its beginning.
    pub(crate) fn play(&mut self, scene: &Scene<'_>, id: ItemId, wishes: &mut Wishes) {
        let Some((_, item)) = rows::find(scene.snapshot, id) else {
            return;
        };
        let how = Audition {
            sync: self.settings.sync && item.kind != ItemKind::OneShot,
            looped: self.settings.looped && item.kind != ItemKind::OneShot,
            solo: self.settings.solo,
        };
        self.asked = Some((Some(id), scene.now));
        wishes.send(Command::Audition(id, how));
    }

    /// Silence.
    pub(crate) fn stop(&mut self, scene: &Scene<'_>, wishes: &mut Wishes) {
        self.asked = Some((None, scene.now));
        wishes.send(Command::StopAudition);
    }

    /// The way of auditioning was changed: kept, and heard at once.
    pub(crate) fn audition_changed(&mut self, scene: &Scene<'_>, wishes: &mut Wishes) {
        wishes.settings = true;
        if let Some(id) = self.playing(scene) {
            self.play(scene, id, wishes);
        }
    }

    /// Marks or unmarks.
    pub(crate) fn star(&mut self, scene: &Scene<'_>, id: ItemId, star: bool, wishes: &mut Wishes) {
        self.ahead.stars.insert(id, (star, scene.now));
        wishes.send(Command::Favourite(id, star));
    }

    /// Marks all that is selected, or unmarks it if all is marked.
    pub(crate) fn star_selected(&mut self, scene: &Scene<'_>, wishes: &mut Wishes) {
        let items: Vec<(ItemId, bool)> = self
            .selected(scene.snapshot)
            .map(|item| (item.id, self.ahead.favourite(item)))
            .collect();
        let all = items.iter().all(|&(_, star)| star);
        for (id, star) in items {
            if star == all {
                self.star(scene, id, !all, wishes);
            }
        }
    }

    /// Takes items from the lists. Favourites of former sessions stay: they are unmarked by their star.
    pub(crate) fn reject(&mut self, scene: &Scene<'_>, ids: &[ItemId], wishes: &mut Wishes) {
        let live: Vec<&Item> = scene
            .snapshot
            .items
            .iter()
            .filter(|item| ids.contains(&item.id) && !self.ahead.hidden.contains(&item.id))
            .collect();
        let Some(first) = live.first() else { return };
        let words = match live.len() {
            1 => format!("Rejected {}.", first.title),
            count => format!("Rejected {count} suggestions."),
        };
        let gone: Vec<ItemId> = live.iter().map(|item| item.id).collect();
        if self.playing(scene).is_some_and(|id| gone.contains(&id)) {
            self.stop(scene, wishes);
        }
        // The next row takes the place of the last that goes, so that one can go through a list.
        let next = self
            .ids
            .iter()
            .rposition(|id| gone.contains(id))
            .and_then(|at| self.ids.get(at + 1))
            .copied();
        for &id in &gone {
            self.ahead.hidden.insert(id);
            wishes.send(Command::Reject(id, true));
        }
        if gone.iter().any(|&id| self.selection.contains(id)) {
            match next {
                Some(id) => self.selection.only(id),
                None => self.selection.clear(),
            }
        }
        self.rejected.push(gone);
        self.notes.settle_undo();
        self.notes.offer_undo(words, scene.now);
    }

    /// Brings back what was rejected last.
    pub(crate) fn undo(&mut self, wishes: &mut Wishes) {
        for id in self.rejected.pop().unwrap_or_default() {
            self.ahead.hidden.remove(&id);
            wishes.send(Command::Reject(id, false));
        }
        self.notes.settle_undo();
    }

    /// Exports what is selected.
    pub(crate) fn export(&mut self, scene: &Scene<'_>, wishes: &mut Wishes) {
        let items = self.selection.ids().to_vec();
        if items.is_empty() {
            self.notes
                .say(Severity::Info, "Select what to export first.", scene.now);
            return;
        }
        let folder = self.editor.export_folder.trim();
        let folder = (!folder.is_empty()).then(|| PathBuf::from(folder));
        wishes.send(Command::Export { items, folder });
    }

    /// Copies the paths of what is selected, one a line.
    pub(crate) fn copy_paths(&mut self, scene: &Scene<'_>, wishes: &mut Wishes) {
        let mut missing = 0;
        let mut paths = Vec::new();
        for item in self.selected(scene.snapshot) {
            match rows::ready(item) {
                Some(path) => paths.push(path.display().to_string()),
                None => missing += 1,
            }
        }
        let words = match (paths.len(), missing) {
            (0, 0) => "Select what to copy first.".to_owned(),
            (0, _) => "The file is still being written: try again in a moment.".to_owned(),
            (1, 0) => "Copied the path.".to_owned(),
            (count, 0) => format!("Copied {count} paths."),
            (count, _) => format!("Copied {count} paths; {missing} are still being written."),
        };
        self.notes.say(Severity::Info, words, scene.now);
        if paths.is_empty() {
            self.prepare(scene, wishes);
        } else {
            wishes.copy = Some(paths.join("\n"));
        }
    }

    /// Shows an item's file, or the capture folder.
    pub(crate) fn reveal(&mut self, scene: &Scene<'_>, wishes: &mut Wishes) {
        let item = self
            .current(scene.snapshot)
            .filter(|item| rows::ready(item).is_some())
            .map(|item| item.id);
        wishes.send(Command::Reveal(item));
    }
}
