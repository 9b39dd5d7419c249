//! What the plugin, its worker and its editor hold in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, unbounded};
use nice_plug_egui::RepaintNotifier;

use crate::command::Command;
use crate::editor::threads::Threads;
use crate::snapshot::{ItemId, Message, Severity, Snapshot};
use crate::state::Kept;

/// Shared by `Arc`; every field may be used from any thread but the audio thread, except where it says otherwise.
#[derive(Debug)]
pub struct Shared {
    /// What the editor draws.
    pub snapshot: ArcSwap<Snapshot>,
    /// To the worker.
    pub commands: Sender<Command>,
    /// The worker's end of it.
    pub received: Receiver<Command>,
    /// What the host keeps.
    pub state: Arc<Kept>,
    /// Wakes the editor. `request_repaint` is safe on the audio thread.
    pub repaint: RepaintNotifier,
    /// What is being auditioned, and where. Written by the audio thread.
    pub heard: Heard,
    /// Threads that draw our windows.
    pub windows: Arc<Threads>,
}

/// What is being auditioned: atomics that the audio thread writes and the editor reads.
#[derive(Debug, Default)]
pub struct Heard {
    item: AtomicU64,
    position: AtomicU64,
}

impl Heard {
    /// Tells what plays: the item and the fraction of it that has been heard. Safe on the audio thread.
    pub fn set(&self, item: Option<ItemId>, fraction: f64) {
        self.item.store(item.map_or(0, |i| i.0), Ordering::Relaxed);
        self.position.store(fraction.to_bits(), Ordering::Relaxed);
    }

    /// What plays, and the fraction of it that has been heard, 0 to 1.
    pub fn get(&self) -> Option<(ItemId, f64)> {
        let item = self.item.load(Ordering::Relaxed);
        (item != 0).then(|| (ItemId(item), f64::from_bits(self.position.load(Ordering::Relaxed))))
    }
}

impl Shared {
    /// With nothing captured.
    pub fn new(state: Arc<Kept>) -> Self {
        let (commands, received) = unbounded();
        Self {
            snapshot: ArcSwap::default(),
            commands,
            received,
            state,
            repaint: RepaintNotifier::default(),
            heard: Heard::default(),
            windows: Arc::default(),
        }
    }

    /// Tells the editor that there is no worker, and will be none.
    pub fn despair(&self, why: &dyn std::fmt::Display) {
        let text = format!(
            "Nothing can be captured: the system gives no thread ({why}). Close other programs and load the plugin anew."
        );
        self.snapshot.store(Arc::new(Snapshot {
            messages: vec![Message {
                number: 1,
                severity: Severity::Error,
                text,
            }],
            ..Snapshot::default()
        }));
        self.repaint.request_repaint();
    }

    /// Sends a command; there is always room, and nothing happens once the worker is gone.
    pub fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}
