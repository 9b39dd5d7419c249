//! From a pressed button to files that are dragged.

use std::path::PathBuf;

use egui::Pos2;

use crate::snapshot::{FileState, Item, ItemId, ItemKind, Snapshot};

use super::rows;

/// How far the pointer moves before a press becomes a drag, in points.
pub(crate) const SLACK: f32 = 6.0;

/// What is dragged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    /// The items.
    pub(crate) items: Vec<ItemId>,
    /// With their kits.
    pub(crate) kit: bool,
}

/// Whether the files of a load can be dragged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// All are complete.
    Files(Vec<PathBuf>),
    /// Some are still being written.
    Writing,
    /// Some cannot be had; why.
    Never(String),
}

/// Looks at the files of a load.
pub(crate) fn readiness(snapshot: &Snapshot, load: &Load) -> Readiness {
    let mut files = Vec::new();
    let mut writing = false;
    for &id in &load.items {
        // What is gone from the list meanwhile is left out.
        let Some((_, item)) = rows::find(snapshot, id) else {
            continue;
        };
        match &item.file {
            FileState::Ready(path) => files.push(path.clone()),
            FileState::None | FileState::Writing => writing = true,
            FileState::Missing(path) => {
                return Readiness::Never(format!(
                    "{} is missing from {}; relink it first",
                    item.title,
                    path.display()
                ));
            }
            FileState::Failed(why) => return Readiness::Never(format!("{} could not be written: {why}", item.title)),
        }
        if load.kit && item.kind == ItemKind::Break {
            writing |= item.kit.is_empty();
            files.extend(item.kit.iter().cloned());
        }
    }
    match (writing, files.is_empty()) {
        (true, _) => Readiness::Writing,
        (false, true) => Readiness::Never("there is nothing left to drag".into()),
        (false, false) => Readiness::Files(files),
    }
}

/// Those of a load that have no file yet, and are not being written.
pub(crate) fn unwritten<'a>(items: impl Iterator<Item = &'a Item>) -> Vec<ItemId> {
    items
        .filter(|item| matches!(item.file, FileState::None | FileState::Failed(_)))
        .map(|item| item.id)
        .collect()
}

/// The way from a press to a drag.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Drag {
    /// Nothing is held.
    #[default]
    Idle,
    /// The button is down on something.
    Pressed {
        /// What.
        load: Load,
        /// Where it went down.
        at: Pos2,
    },
    /// It moved, and the files are not complete.
    Waiting {
        /// What.
        load: Load,
    },
    /// The system drags. egui may not hear of the button until it ends.
    Running {
        /// How many files.
        files: usize,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Begin to drag these.
    Begin(Vec<PathBuf>),
    /// Tell the user.
    Say(String),
}

impl Drag {
    /// The button went down on something.
    pub(crate) fn press(&mut self, load: Load, at: Pos2) {
        if matches!(self, Self::Idle | Self::Pressed { .. }) && !load.items.is_empty() {
            *self = Self::Pressed { load, at };
        }
    }
    /// True once a press is no click any more.
    pub(crate) fn moved(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Running { .. })
    }
    /// Every frame: where the pointer is, whether the button is down, and how to look at the files.
    pub(crate) fn step(
        &mut self,
        pointer: Option<Pos2>,
        down: bool,
        look: impl FnOnce(&Load) -> Readiness,
    ) -> Option<Step> {
        let load = match self {
            Self::Idle | Self::Running { .. } => return None,
            Self::Pressed { .. } if !down => {
                *self = Self::Idle;
                return None;
            }
            Self::Waiting { .. } if !down => {
                *self = Self::Idle;
                return Some(Step::Say(
                    "Let go before the file was written. It is now: drag once more".into(),
                ));
            }
            Self::Pressed { load, at } => {
                // Outside the window there may be no position at all: that is far enough.
                if pointer.is_some_and(|pos| pos.distance(*at) <= SLACK) {
                    return None;
                }
                load.clone()
            }
            Self::Waiting { load } => load.clone(),
        };
        match look(&load) {
            Readiness::Files(files) => {
                *self = Self::Running { files: files.len() };
                Some(Step::Begin(files))
            }
            Readiness::Writing => {
                *self = Self::Waiting { load };
                None
            }
            Readiness::Never(why) => {
                *self = Self::Idle;
                Some(Step::Say(why))
            }
        }
    }
    /// The system's drag ended, or could not begin.
    pub(crate) fn end(&mut self) {
        *self = Self::Idle;
    }
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::super::fixture;
    use super::*;

    fn load() -> Load {
        Load {
            items: vec![ItemId(1)],
            kit: false,
        }
    }

    fn files() -> Readiness {
        Readiness::Files(vec!["/a.wav".into()])
    }

    #[test]
    fn a_small_move_is_a_click() {
        let mut drag = Drag::default();
        drag.press(load(), pos2(10.0, 10.0));
        assert_eq!(drag.step(Some(pos2(14.0, 12.0)), true, |_| files()), None);
        assert!(!drag.moved());
        assert_eq!(drag.step(Some(pos2(14.0, 12.0)), false, |_| files()), None);
        assert_eq!(drag, Drag::Idle);
    }

    #[test]
    fn a_drag_begins_only_with_complete_files() {
        let mut drag = Drag::default();
        drag.press(load(), pos2(10.0, 10.0));
        assert_eq!(drag.step(Some(pos2(40.0, 10.0)), true, |_| Readiness::Writing), None);
        assert!(matches!(drag, Drag::Waiting { .. }));
        assert_eq!(drag.step(Some(pos2(12.0, 10.0)), true, |_| Readiness::Writing), None);
        assert!(matches!(drag, Drag::Waiting { .. }), "going back does not undo it");
        assert_eq!(
            drag.step(None, true, |_| files()),
            Some(Step::Begin(vec!["/a.wav".into()]))
        );
        assert_eq!(drag.step(None, false, |_| files()), None, "only once");
        assert!(drag.moved());
        drag.press(load(), pos2(0.0, 0.0));
        assert!(matches!(drag, Drag::Running { .. }), "one at a time");
        drag.end();
        assert_eq!(drag, Drag::Idle);
    }

    #[test]
    fn letting_go_too_early_is_said() {
        let mut drag = Drag::default();
        drag.press(load(), pos2(10.0, 10.0));
        drag.step(Some(pos2(40.0, 10.0)), true, |_| Readiness::Writing);
        assert!(matches!(drag.step(None, false, |_| files()), Some(Step::Say(_))));
        assert_eq!(drag, Drag::Idle);
    }

    #[test]
    fn nothing_is_no_load() {
        let mut drag = Drag::default();
        drag.press(
            Load {
                items: vec![],
                kit: false,
            },
            pos2(0.0, 0.0),
        );
        assert_eq!(drag, Drag::Idle);
    }

    #[test]
    fn files_are_looked_at_one_by_one() {
        let mut snapshot = fixture::snapshot();
        let mut a = fixture::item(1, ItemKind::Break, 0.9);
        let mut b = fixture::item(2, ItemKind::Loop, 0.8);
        let both = Load {
            items: vec![ItemId(1), ItemId(2)],
            kit: true,
        };
        let look = |snapshot: &mut Snapshot, a: &Item, b: &Item| {
            snapshot.items = vec![a.clone(), b.clone()].into();
            readiness(snapshot, &both)
        };
        a.file = FileState::Ready("/a.wav".into());
        assert_eq!(look(&mut snapshot, &a, &b), Readiness::Writing);
        b.file = FileState::Ready("/b.wav".into());
        assert_eq!(
            look(&mut snapshot, &a, &b),
            Readiness::Writing,
            "the kit is not there yet"
        );
        a.kit = vec!["/kick.wav".into(), "/a.mid".into()];
        let expected = ["/a.wav", "/kick.wav", "/a.mid", "/b.wav"].map(PathBuf::from).to_vec();
        assert_eq!(look(&mut snapshot, &a, &b), Readiness::Files(expected));
        b.file = FileState::Missing("/b.wav".into());
        assert!(matches!(look(&mut snapshot, &a, &b), Readiness::Never(_)));
        b.file = FileState::Failed("disk full".into());
        assert!(matches!(look(&mut snapshot, &a, &b), Readiness::Never(why) if why.contains("disk full")));
        snapshot.items = Vec::new().into();
        assert!(matches!(readiness(&snapshot, &both), Readiness::Never(_)));
    }
}
