//! The window: egui, drawn from the latest [`Snapshot`](crate::snapshot::Snapshot), sending
//! [`Command`]s.
//!
//! `view::show` draws a frame and returns what the user wishes for; it touches neither the window nor the worker, so
//! that tests run all of it without a display. [`App`] carries the wishes out.

mod actions;
mod details;
mod drag;
mod driver;
mod empty;
mod filters;
#[cfg(target_os = "linux")]
mod fit;
mod help;
mod icons;
mod keys;
mod layout;
mod level;
mod list;
mod mesh;
mod model;
mod notes;
mod rows;
mod select;
mod settings;
mod status;
mod take;
mod theme;
pub mod threads;
mod timeline;
mod view;
mod waveform;
mod widgets;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug::editor::{HostMethods, SpawnedEditor};
use nice_plug::prelude::{Editor, ParentWindowHandle, ResizeHint, TrackInfo};
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::resizable_window::ResizableWindow;
use nice_plug_egui::{
    EguiEditor, EguiEditorHandle, EguiEditorState, EguiNiceSettings, Frame, Key, KeyCapture, NiceEguiApp,
    create_egui_editor,
};
use raw_window_handle::{HasDisplayHandle, HasWindowHandle};

use crate::command::Command;
use crate::dragout::{self, Drag, DragError, Outcome};
use crate::params::LoopwrightParams;
use crate::shared::Shared;
use crate::snapshot::Severity;
use crate::state::EditorState;

use keys::Ours;
use level::HostKnob;
pub use level::{Knob, LooseKnob, Turn};
use model::{Model, Scene, Wishes};

/// The smallest window, in points at 100 %.
pub const SMALLEST: (f32, f32) = (560.0, 360.0);

/// What outlives a window: it may be closed and opened again.
#[derive(Default)]
struct Memory {
    model: Model,
    /// [`Kept::loads`](crate::state::Kept::loads) that the model has seen; `None` before the first.
    loads: Option<u64>,
    /// Pixels a point, as the system last said, without our zoom.
    scale: Option<f64>,
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes windows for an instance.
///
/// The framework's own [`EguiEditor`] keeps size and zoom to itself, from before the host has brought the state back, and
/// tells the host a size without the zoom; so one is made for each opening, from the state as it is then.
pub struct Window {
    shared: Arc<Shared>,
    params: Arc<LoopwrightParams>,
    memory: Arc<Mutex<Memory>>,
}

/// The window of an instance with these parameters.
pub fn create(shared: Arc<Shared>, params: Arc<LoopwrightParams>) -> Option<Window> {
    Some(Window {
        shared,
        params,
        memory: Arc::default(),
    })
}

/// A state that can be worked with, whatever the host brought back.
fn sane(mut editor: EditorState) -> EditorState {
    let default = EditorState::default();
    let within = |value: f32, low: f32, high: f32, default: f32| {
        if value.is_finite() {
            value.clamp(low, high)
        } else {
            default
        }
    };
    editor.zoom = within(editor.zoom, 0.75, 2.0, default.zoom);
    editor.width = within(editor.width, SMALLEST.0 / editor.zoom, 8192.0, default.width);
    editor.height = within(editor.height, SMALLEST.1 / editor.zoom, 8192.0, default.height);
    editor.min_score = within(editor.min_score, 0.0, 1.0, 0.0);
    editor.bars.retain(|bars| rows::BARS.contains(bars));
    editor
}

impl Window {
    fn hint() -> ResizeHint {
        ResizeHint::resizable().with_min_logical_size(LogicalSize::new(SMALLEST.0, SMALLEST.1))
    }

    fn kept(&self) -> EditorState {
        sane(self.shared.state.lock().editor.clone())
    }

    /// What draws the window, for a window that the caller opens; it calls [`App::begin`] first.
    pub fn app(&self) -> App {
        App {
            shared: self.shared.clone(),
            params: self.params.clone(),
            memory: self.memory.clone(),
            knob: Box::new(LooseKnob::default()),
            drag: None,
            opened: Instant::now(),
            context: None,
            #[cfg(target_os = "linux")]
            fit: fit::Fit::default(),
        }
    }

    fn inner(&self) -> Option<EguiEditor<App>> {
        let kept = self.kept();
        let state = EguiEditorState::from_size(LogicalSize::new(kept.width, kept.height), kept.zoom);
        let settings = EguiNiceSettings::new()
            .with_tile("Loopwright")
            .with_resize_hint(Self::hint());
        create_egui_editor(state, self.shared.repaint.clone(), settings, self.app())
    }
}

impl Editor for Window {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        if let Some(scale) = fallback_scale_factor {
            lock(&self.memory).scale.get_or_insert(scale);
        }
        let inner = self.inner().ok_or("the window could not be made")?;
        inner.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)
    }

    fn size(&self) -> NativeSize<u32> {
        let kept = self.kept();
        let scale = lock(&self.memory).scale.unwrap_or(1.0);
        let (width, height) = (f64::from(kept.width * kept.zoom), f64::from(kept.height * kept.zoom));
        NativeSize::from_size(Size::Logical(LogicalSize::new(width.round(), height.round())), scale)
    }

    fn resize_hint(&self) -> ResizeHint {
        Self::hint()
    }

    fn track_info_updated(&self, info: TrackInfo) {
        if !info.name().is_empty() {
            self.shared.send(Command::TrackName(info.name().to_owned()));
        }
        self.shared.repaint.request_repaint();
    }
}

/// Prints what a frame of the window's own code costs, without a window: laid out, and tessellated.
#[doc(hidden)]
pub fn time_frames(snapshot: &crate::snapshot::Snapshot, width: f32, height: f32) {
    let ctx = egui::Context::default();
    theme::install(&ctx);
    let mut model = Model::default();
    let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height));
    for (words, afresh) in [("as it stands", false), ("with the waveform drawn anew", true)] {
        let mut times = Vec::new();
        for turn in 0..300_u32 {
            let now = f64::from(turn) * 0.05;
            if afresh {
                model.cache = mesh::Cache::default();
            }
            let input = egui::RawInput {
                screen_rect: Some(screen),
                time: Some(now),
                ..egui::RawInput::default()
            };
            let scene = Scene {
                snapshot,
                heard: None,
                now,
            };
            let start = Instant::now();
            let mut output = ctx.run_ui(input, |ui| drop(view::show(ui, &scene, &mut model)));
            let laid_out = start.elapsed();
            output.textures_delta.clear();
            let triangles = ctx.tessellate(output.shapes, output.pixels_per_point);
            times.push((start.elapsed(), laid_out, triangles.len()));
        }
        times.sort();
        let (all, laid_out, parts) = times.get(150).copied().unwrap_or_default();
        let worst = times.get(297).copied().unwrap_or_default().0;
        println!("{words}: median {all:?} (laid out {laid_out:?}), 99 % {worst:?}, {parts} meshes");
    }
}

/// What draws the window.
pub struct App {
    shared: Arc<Shared>,
    params: Arc<LoopwrightParams>,
    knob: Box<dyn Knob>,
    memory: Arc<Mutex<Memory>>,
    drag: Option<Drag>,
    opened: Instant,
    context: Option<egui::Context>,
    #[cfg(target_os = "linux")]
    fit: fit::Fit,
}

impl NiceEguiApp for App {
    fn build(&mut self, ctx: egui::Context, gui: GuiContext, _frame: &mut Frame) -> Result<(), HandlerError> {
        driver::keep();
        self.shared.windows.enter();
        let knob = HostKnob::new(gui, self.params.clone());
        self.begin(ctx, Box::new(knob));
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        let snapshot = self.shared.snapshot.load_full();
        let memory = self.memory.clone();
        let mut memory = lock(&memory);
        self.reload(ui.ctx(), &mut memory);
        let scene = Scene {
            snapshot: &snapshot,
            heard: self.shared.heard.get(),
            now: self.opened.elapsed().as_secs_f64(),
        };
        let before = memory.model.editor.clone();
        let smallest = egui::vec2(SMALLEST.0, SMALLEST.1) / ui.ctx().zoom_factor().max(0.1);
        let model = &mut memory.model;
        model.level.update(self.knob.db(), scene.now);
        let wishes = ResizableWindow::new("corner")
            .min_size(smallest)
            .show(ui, |ui| view::show(ui, &scene, model))
            .inner;
        self.carry_out(ui.ctx(), frame, wishes, model, scene.now);
        self.watch_drag(ui.ctx(), model, scene.now);
        #[cfg(target_os = "linux")]
        self.fit.step(ui.ctx(), frame);
        if model.editor != before {
            self.shared.state.lock().editor = model.editor.clone();
        }
        frame.set_key_capture(capture(keys::ours(ui.ctx())));
    }

    fn resized(&mut self, size: WindowSize) {
        #[cfg(target_os = "linux")]
        self.fit.changed();
        let mut memory = lock(&self.memory);
        let zoom = self.context.as_ref().map_or(1.0, egui::Context::zoom_factor);
        let (width, height) = (size.logical.width as f32, size.logical.height as f32);
        if width < 1.0 || height < 1.0 {
            return;
        }
        memory.scale = Some(size.scale_factor / f64::from(zoom.max(0.1)));
        memory.model.editor.width = width;
        memory.model.editor.height = height;
        let mut state = self.shared.state.lock();
        state.editor.width = width;
        state.editor.height = height;
    }

    fn zoom_factor_changed(&mut self, zoom: f32) {
        lock(&self.memory).model.editor.zoom = zoom;
        self.shared.state.lock().editor.zoom = zoom;
    }
}

impl App {
    /// A window was opened; its slider turns `knob`.
    pub fn begin(&mut self, ctx: egui::Context, knob: Box<dyn Knob>) {
        theme::install(&ctx);
        self.context = Some(ctx);
        self.opened = Instant::now();
        self.knob = knob;
        // What was held when the last window closed is held no more.
        let mut turns = Vec::new();
        let mut memory = lock(&self.memory);
        memory.model.drag.end();
        memory.model.level.release(false, &mut turns);
        drop(memory);
        turns.into_iter().for_each(|turn| self.knob.turn(turn));
        self.shared.send(Command::Opened);
    }

    /// Takes over what the host brought back, also while the window is open.
    fn reload(&self, ctx: &egui::Context, memory: &mut Memory) {
        let loads = self.shared.state.loads();
        if memory.loads == Some(loads) {
            return;
        }
        let state = self.shared.state.lock();
        let (settings, editor) = (state.settings.clone(), sane(state.editor.clone()));
        drop(state);
        let again = memory.loads.is_some();
        memory.loads = Some(loads);
        memory.model.settings = settings;
        if again {
            // The window stays as large as it is.
            let (width, height) = (memory.model.editor.width, memory.model.editor.height);
            memory.model.editor = EditorState {
                width,
                height,
                ..editor
            };
            ctx.set_zoom_factor(memory.model.editor.zoom);
        } else {
            memory.model.editor = editor;
        }
    }

    fn carry_out(&mut self, ctx: &egui::Context, frame: &Frame, wishes: Wishes, model: &mut Model, now: f64) {
        if wishes.settings {
            self.shared.state.lock().settings = model.settings.clone();
            self.shared.send(Command::Settings(model.settings.clone()));
        }
        wishes.turns.into_iter().for_each(|turn| self.knob.turn(turn));
        for command in wishes.commands {
            self.shared.send(command);
        }
        if let Some(words) = wishes.copy {
            ctx.copy_text(words);
        }
        if let Some(zoom) = wishes.zoom {
            ctx.set_zoom_factor(zoom.clamp(0.75, 2.0));
        }
        if let Some(files) = wishes.drag {
            match begin(frame, &files) {
                Ok(drag) => {
                    self.drag = Some(drag);
                    let words = match files.len() {
                        1 => "Drop it on a track.".to_owned(),
                        count => format!("{count} files: drop them on a track."),
                    };
                    model.notes.say(Severity::Info, words, now);
                }
                Err(error) => {
                    model.drag.end();
                    model
                        .notes
                        .say(Severity::Error, format!("Dragging failed: {error}"), now);
                }
            }
        }
    }

    /// Asks a running drag whether it is done.
    fn watch_drag(&mut self, ctx: &egui::Context, model: &mut Model, now: f64) {
        let Some(outcome) = self.drag.as_ref().map(Drag::outcome) else {
            return;
        };
        ctx.request_repaint_after(Duration::from_millis(50));
        let Some(outcome) = outcome else { return };
        self.drag = None;
        model.drag.end();
        match outcome {
            Outcome::Dropped => model.notes.say(Severity::Info, "Dropped.", now),
            Outcome::Cancelled => {}
            Outcome::Failed => {
                let words = "The host did not take it. Export and Copy path lead to the same file.";
                model.notes.say(Severity::Warning, words, now);
            }
        }
        // Where the system kept the button's release to itself, the toolkit believes that it is still down.
        if ctx.input(|i| i.pointer.any_down()) {
            ctx.input_mut(|i| i.pointer = egui::PointerState::default());
            ctx.stop_dragging();
        }
    }
}

fn begin(frame: &Frame, files: &[std::path::PathBuf]) -> Result<Drag, DragError> {
    let window = frame.baseview_window();
    let (Ok(handle), Ok(display)) = (window.window_handle(), window.display_handle()) else {
        return Err(DragError::Unsupported);
    };
    dragout::start(handle.as_raw(), display.as_raw(), files)
}

/// What is kept from the host.
fn capture(ours: Ours) -> KeyCapture {
    let named =
        |names: &[&str]| KeyCapture::CaptureKeys(names.iter().filter_map(|name| name.parse::<Key>().ok()).collect());
    match ours {
        Ours::All => KeyCapture::CaptureAll,
        Ours::Known => named(&keys::KNOWN),
        Ours::Focus => named(&keys::MOVING),
        Ours::None => KeyCapture::IgnoreAll,
    }
}
