//! The level of auditions: the host's parameter, as the window shows and turns it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use egui::{Align2, Rect, Ui};
use nice_plug::context::gui::GuiContext;

use super::layout::Line;
use super::model::{Model, Scene, Wishes};
use super::theme;
use super::widgets::{slider, text};
use crate::params::{LEVEL_DB, LoopwrightParams};

/// The slider's steps in dB.
const STEP: f32 = 0.5;
/// A host hands a value back with one of its next blocks; until then, at most so many seconds, ours is shown.
const SETTLES: f64 = 0.5;

/// One move of a hand on the slider, as hosts record it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn {
    /// It took hold.
    Begin,
    /// The level in dB.
    To(f32),
    /// It let go.
    End,
}

/// What the slider turns.
pub trait Knob: Send {
    /// The level in dB.
    fn db(&self) -> f32;
    /// Turns it.
    fn turn(&self, turn: Turn);
}

/// The host's parameter.
pub(crate) struct HostKnob {
    gui: GuiContext,
    params: Arc<LoopwrightParams>,
}

impl HostKnob {
    pub(crate) fn new(gui: GuiContext, params: Arc<LoopwrightParams>) -> Self {
        Self { gui, params }
    }
}

impl Knob for HostKnob {
    fn db(&self) -> f32 {
        self.params.audition_level.value()
    }

    fn turn(&self, turn: Turn) {
        let (setter, level) = (self.gui.param_setter(), &self.params.audition_level);
        match turn {
            Turn::Begin => setter.begin_set_parameter(level),
            Turn::To(db) => setter.set_parameter(level, db),
            Turn::End => setter.end_set_parameter(level),
        }
    }
}

/// A level of its own, where there is no host.
#[derive(Debug, Default)]
pub struct LooseKnob(AtomicU32);

impl Knob for LooseKnob {
    fn db(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn turn(&self, turn: Turn) {
        if let Turn::To(db) = turn {
            self.0.store(db.to_bits(), Ordering::Relaxed);
        }
    }
}

/// What the window knows of the level.
#[derive(Debug, Default)]
pub(crate) struct Level {
    /// As the parameter stands.
    db: f32,
    /// As it was turned, and when, until the parameter says the same.
    turned: Option<(f32, f64)>,
    /// A hand is on it.
    held: bool,
}

impl Level {
    /// Before drawing: as the parameter stands.
    pub(crate) fn update(&mut self, db: f32, now: f64) {
        self.db = db;
        if let Some((ours, since)) = self.turned
            && !self.held
            && ((ours - db).abs() < 0.01 || !(0.0..SETTLES).contains(&(now - since)))
        {
            self.turned = None;
        }
    }

    /// What is shown, in dB.
    pub(crate) fn db(&self) -> f32 {
        self.turned.map_or(self.db, |(db, _)| db)
    }

    fn turn(&mut self, db: f32, now: f64, turns: &mut Vec<Turn>) {
        if !self.held {
            self.held = true;
            turns.push(Turn::Begin);
        }
        turns.push(Turn::To(db));
        self.turned = Some((db, now));
    }

    /// After drawing: with no button down no hand is on it, whatever became of the slider.
    pub(crate) fn release(&mut self, button: bool, turns: &mut Vec<Turn>) {
        if self.held && !button {
            self.held = false;
            turns.push(Turn::End);
        }
    }
}

/// Draws the slider.
pub(crate) fn show(ui: &mut Ui, place: Rect, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let mut line = Line::new(place, 4.0);
    let shown = model.level.db();
    let mut db = shown;
    let words = line.right(56.0);
    let tip = "Level of auditions against what was captured, never above −1 dBFS. Double click for 0 dB.";
    let range = LEVEL_DB.0..=LEVEL_DB.1;
    let response = slider(ui, line.rest(), "level", &mut db, range, "Audition level", tip);
    if response.double_clicked() {
        db = 0.0;
    }
    if db != shown {
        db = ((db / STEP).round() * STEP).clamp(LEVEL_DB.0, LEVEL_DB.1);
        if db != shown {
            model.level.turn(db, scene.now, &mut wishes.turns);
        }
    }
    let shown = model.level.db();
    let shown = if shown <= -0.05 {
        format!("−{:.1} dB", -shown)
    } else {
        format!("{:.1} dB", shown.abs())
    };
    text(
        ui.painter(),
        words,
        Align2::RIGHT_CENTER,
        &shown,
        theme::plain(11.0),
        theme::MUTED,
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use nice_plug::context::PluginApi;
    use nice_plug::context::gui::GuiContextInner;
    use nice_plug::params::Param;
    use nice_plug::params::internals::ParamPtr;
    use nice_plug::plugin::PluginState;

    use super::*;

    /// A host that writes down what it is told.
    #[derive(Default)]
    struct Told(Mutex<Vec<(ParamPtr, &'static str, f32)>>);

    impl Told {
        fn tell(&self, param: ParamPtr, what: &'static str, value: f32) {
            self.0.lock().unwrap().push((param, what, value));
        }
    }

    impl GuiContextInner for Told {
        fn plugin_api(&self) -> PluginApi {
            PluginApi::Clap
        }
        unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
            self.tell(param, "begin", 0.0);
        }
        unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
            self.tell(param, "set", normalized);
        }
        unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
            self.tell(param, "end", 0.0);
        }
        fn get_state(&self) -> PluginState {
            unreachable!("nobody asks")
        }
        fn set_state(&self, _: PluginState) {}
        fn request_restart(&self) {}
    }

    #[test]
    fn the_hosts_parameter_is_turned_as_one_gesture() {
        let told = Arc::new(Told::default());
        let params = Arc::new(LoopwrightParams::default());
        let knob = HostKnob::new(GuiContext::new(told.clone()), params.clone());
        assert_eq!(knob.db(), 0.0);
        for turn in [Turn::Begin, Turn::To(-36.0), Turn::To(-12.0), Turn::To(12.0), Turn::End] {
            knob.turn(turn);
        }
        let level = params.audition_level.as_ptr();
        let wanted = [
            (level, "begin", 0.0),
            (level, "set", 0.0),
            (level, "set", 0.5),
            (level, "set", 1.0),
            (level, "end", 0.0),
        ];
        assert_eq!(*told.0.lock().unwrap(), wanted);
    }

    #[test]
    fn what_was_turned_is_shown_until_the_host_says_so_too() {
        let (mut level, mut turns) = (Level::default(), Vec::new());
        level.update(0.0, 1.0);
        level.turn(-6.0, 1.0, &mut turns);
        level.release(true, &mut turns);
        // However long it is held.
        level.update(0.0, 9.0);
        assert_eq!(level.db(), -6.0);
        level.turn(-7.0, 9.0, &mut turns);
        level.release(false, &mut turns);
        level.release(false, &mut turns);
        assert_eq!(turns, [Turn::Begin, Turn::To(-6.0), Turn::To(-7.0), Turn::End]);
        level.update(0.0, 9.1);
        assert_eq!(level.db(), -7.0);
        level.update(-7.0, 9.2);
        level.update(3.0, 9.3);
        assert_eq!(level.db(), 3.0);
        // A host that does not take it has the last word.
        level.turn(1.0, 10.0, &mut turns);
        level.release(false, &mut turns);
        level.update(3.0, 11.0);
        assert_eq!(level.db(), 3.0);
    }
}
