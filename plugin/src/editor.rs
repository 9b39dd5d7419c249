//! The window.

use std::sync::Arc;

use nice_plug::editor::dpi::LogicalSize;
use nice_plug_egui::{EguiEditor, EguiEditorState, EguiNiceSettings, Frame, NiceEguiApp, create_egui_editor};

use crate::shared::Shared;

/// What draws the window.
pub struct App {
    shared: Arc<Shared>,
}

/// The window of an instance.
pub fn create(shared: Arc<Shared>) -> Option<EguiEditor<App>> {
    let kept = shared.state.lock().editor.clone();
    let state = EguiEditorState::from_size(LogicalSize::new(kept.width, kept.height), kept.zoom);
    let repaint = shared.repaint.clone();
    create_egui_editor(
        state,
        repaint,
        EguiNiceSettings::new().with_tile("Loopwright"),
        App { shared },
    )
}

impl NiceEguiApp for App {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut Frame) {
        let snapshot = self.shared.snapshot.load();
        ui.label(format!("Loopwright {}", snapshot.number));
    }
}
