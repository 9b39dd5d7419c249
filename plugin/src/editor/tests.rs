//! The window without a window: frames are run with made-up pictures and made-up hands.

use std::path::PathBuf;

use egui::{Context, Event, Key, Modifiers, PointerButton, Pos2, RawInput, Rect, pos2, vec2};

use super::fixture;
use super::layout::layout;
use super::level::{Knob, LooseKnob, Turn};
use super::model::{Model, Scene, Sheet, Wishes};
use super::rows::Tab;
use super::theme;
use crate::command::{Audition, Command};
use crate::snapshot::{Correction, FileState, ItemId, ItemKind, Kept, Message, Severity, Snapshot};
use crate::state::{EditorState, Settings};

/// A window of `size` points, a pointer, and time that goes by a tenth of a second a frame.
struct Bench {
    ctx: Context,
    size: egui::Vec2,
    time: f64,
    model: Model,
    heard: Option<(ItemId, f64)>,
    held: Modifiers,
    texts: String,
    /// The host's parameter of the audition level.
    knob: LooseKnob,
}

impl Bench {
    fn new(width: f32, height: f32) -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        Self {
            ctx,
            size: vec2(width, height),
            time: 0.0,
            model: Model::new(Settings::default(), EditorState::default()),
            heard: None,
            held: Modifiers::NONE,
            texts: String::new(),
            knob: LooseKnob::default(),
        }
    }

    fn frame(&mut self, snapshot: &Snapshot, mut events: Vec<Event>) -> Wishes {
        self.time += 0.1;
        events.insert(0, Event::ModifiersChanged(self.held));
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.time),
            events,
            ..RawInput::default()
        };
        let scene = Scene {
            snapshot,
            heard: self.heard,
            now: self.time,
        };
        let mut wishes = Wishes::default();
        let model = &mut self.model;
        model.level.update(self.knob.db(), self.time);
        let mut output = self.ctx.run_ui(input, |ui| {
            let more = super::view::show(ui, &scene, model);
            wishes.commands.extend(more.commands);
            wishes.copy = more.copy.or(wishes.copy.take());
            wishes.zoom = more.zoom.or(wishes.zoom);
            wishes.drag = more.drag.or(wishes.drag.take());
            wishes.settings |= more.settings;
            wishes.turns.extend(more.turns);
        });
        wishes.turns.iter().for_each(|turn| self.knob.turn(*turn));
        output.textures_delta.clear();
        self.texts.clear();
        for shape in &output.shapes {
            collect(&shape.shape, &mut self.texts);
        }
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        for part in triangles {
            if let egui::epaint::Primitive::Mesh(mesh) = part.primitive {
                assert!(
                    mesh.vertices.iter().all(|v| v.pos.x.is_finite() && v.pos.y.is_finite()),
                    "a point is nowhere"
                );
            }
        }
        wishes
    }

    /// Enough frames for the widgets to be known.
    fn settle(&mut self, snapshot: &Snapshot) {
        for _ in 0..3 {
            self.frame(snapshot, Vec::new());
        }
    }

    fn move_to(&mut self, snapshot: &Snapshot, at: Pos2) -> Wishes {
        self.frame(snapshot, vec![Event::PointerMoved(at)])
    }

    fn button(&mut self, snapshot: &Snapshot, at: Pos2, pressed: bool) -> Wishes {
        let event = Event::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed,
            modifiers: self.held,
        };
        self.frame(snapshot, vec![event])
    }

    /// Moves there, presses, and lets go; all that was wished for meanwhile.
    fn click(&mut self, snapshot: &Snapshot, at: Pos2) -> Vec<Command> {
        self.move_to(snapshot, at);
        let mut commands = self.button(snapshot, at, true).commands;
        commands.extend(self.button(snapshot, at, false).commands);
        commands
    }

    fn key(&mut self, snapshot: &Snapshot, key: Key) -> Wishes {
        let event = Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: self.held,
        };
        self.frame(snapshot, vec![event])
    }

    /// The middle of a row's words.
    fn row(&self, index: usize) -> Pos2 {
        let at = layout(Rect::from_min_size(Pos2::ZERO, self.size));
        let height = super::list::row_height(at.low);
        pos2(300.0, at.list.top() + 20.0 + (index as f32 + 0.5) * height)
    }

    fn widget(&self, id: impl std::hash::Hash + std::fmt::Debug) -> Pos2 {
        let id = egui::Id::unique(("button", id));
        self.ctx.read_response(id).expect("the button is there").rect.center()
    }

    fn selected(&self) -> Vec<u64> {
        self.model.selection.ids().iter().map(|id| id.0).collect()
    }
}

fn collect(shape: &egui::Shape, words: &mut String) {
    match shape {
        egui::Shape::Text(text) => {
            words.push_str(text.galley.text());
            words.push('\n');
        }
        egui::Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, words)),
        _ => {}
    }
}

/// Loops whose files are all complete.
fn ready(count: u64) -> Snapshot {
    let mut snapshot = fixture::with_loops(count);
    let items = snapshot.items.iter().cloned().map(|mut item| {
        item.file = FileState::Ready(PathBuf::from(format!("/captures/{}.wav", item.id.0)));
        item
    });
    snapshot.items = items.collect::<Vec<_>>().into();
    snapshot
}

const HOW: Audition = Audition {
    sync: true,
    looped: true,
    solo: false,
};

#[test]
fn a_newcomer_is_told_what_to_do() {
    let mut bench = Bench::new(960.0, 600.0);
    let wishes = bench.frame(&Snapshot::default(), Vec::new());
    assert!(wishes.commands.is_empty());
    bench.settle(&Snapshot::default());
    for words in ["Play", "Listen", "Drag", "timeline", "Waiting for the host"] {
        assert!(bench.texts.contains(words), "{words:?} is not in\n{}", bench.texts);
    }
}

#[test]
fn a_click_selects_prepares_and_lets_it_be_heard_and_another_stops() {
    let snapshot = fixture::with_loops(20);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let at = bench.row(1);
    let commands = bench.click(&snapshot, at);
    assert_eq!(bench.selected(), [2]);
    assert_eq!(
        commands,
        [Command::Prepare(vec![ItemId(2)]), Command::Audition(ItemId(2), HOW)]
    );
    bench.heard = Some((ItemId(2), 0.3));
    bench.time += 1.0;
    bench.settle(&snapshot);
    let commands = bench.click(&snapshot, at);
    assert!(commands.contains(&Command::StopAudition), "{commands:?}");
}

#[test]
fn a_click_is_silent_where_the_user_wants_that() {
    let snapshot = ready(5);
    let mut bench = Bench::new(960.0, 600.0);
    bench.model.editor.click_auditions = false;
    bench.settle(&snapshot);
    let at = bench.row(0);
    assert_eq!(bench.click(&snapshot, at), []);
    let play = bench.widget(("play", ItemId(3)));
    assert_eq!(bench.click(&snapshot, play), [Command::Audition(ItemId(3), HOW)]);
}

#[test]
fn several_are_selected_with_ctrl_and_shift() {
    let snapshot = ready(20);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let at = bench.row(0);
    bench.click(&snapshot, at);
    bench.held = Modifiers::COMMAND;
    let at = bench.row(2);
    let commands = bench.click(&snapshot, at);
    assert_eq!(bench.selected(), [1, 3]);
    assert_eq!(commands, [], "nothing is heard while several are gathered");
    bench.held = Modifiers::SHIFT;
    let at = bench.row(4);
    bench.click(&snapshot, at);
    assert_eq!(bench.selected(), [3, 4, 5]);
}

#[test]
fn a_click_within_one_frame_is_a_click() {
    let snapshot = fixture::with_loops(20);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let quick = |bench: &mut Bench, row: usize, held: Modifiers| {
        bench.held = held;
        let at = bench.row(row);
        bench.move_to(&snapshot, at);
        let button = |pressed| Event::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed,
            modifiers: held,
        };
        bench.frame(&snapshot, vec![button(true), button(false)]).commands
    };
    let commands = quick(&mut bench, 0, Modifiers::NONE);
    assert_eq!(
        commands,
        [Command::Prepare(vec![ItemId(1)]), Command::Audition(ItemId(1), HOW)]
    );
    quick(&mut bench, 3, Modifiers::COMMAND);
    assert_eq!(bench.selected(), [1, 4]);
    quick(&mut bench, 5, Modifiers::SHIFT);
    assert_eq!(bench.selected(), [4, 5, 6]);
    bench.move_to(&snapshot, pos2(500.0, 500.0));
    assert_eq!(
        bench.frame(&snapshot, Vec::new()).drag,
        None,
        "and no drag is left over"
    );
}

#[test]
fn a_drag_begins_when_the_pointer_has_moved_and_the_files_are_complete() {
    let writing = fixture::with_loops(5);
    let complete = ready(5);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&writing);
    let at = bench.row(0);
    bench.move_to(&writing, at);
    let wishes = bench.button(&writing, at, true);
    assert_eq!(wishes.commands, [Command::Prepare(vec![ItemId(1)])]);
    let wishes = bench.move_to(&writing, at + vec2(4.0, 0.0));
    assert_eq!(wishes.drag, None, "that was a tremble");
    let wishes = bench.move_to(&writing, at + vec2(30.0, 10.0));
    assert_eq!(wishes.drag, None, "the file is not complete");
    bench.frame(&writing, Vec::new());
    assert!(bench.texts.contains("Writing the file"), "and that is said");
    let wishes = bench.frame(&complete, Vec::new());
    assert_eq!(wishes.drag, Some(vec![PathBuf::from("/captures/1.wav")]));
    assert!(wishes.commands.is_empty());
    let wishes = bench.frame(&complete, Vec::new());
    assert_eq!(wishes.drag, None, "it begins once");
    let wishes = bench.button(&complete, at + vec2(30.0, 10.0), false);
    assert!(
        wishes.commands.is_empty(),
        "letting go of a drag is no click: {:?}",
        wishes.commands
    );
}

#[test]
fn all_that_is_selected_is_dragged() {
    let snapshot = ready(10);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let at = bench.row(1);
    bench.click(&snapshot, at);
    bench.held = Modifiers::SHIFT;
    let at = bench.row(3);
    bench.click(&snapshot, at);
    bench.held = Modifiers::NONE;
    let at = bench.row(2);
    bench.move_to(&snapshot, at);
    bench.button(&snapshot, at, true);
    let wishes = bench.move_to(&snapshot, at + vec2(20.0, 0.0));
    let expected = ["/captures/2.wav", "/captures/3.wav", "/captures/4.wav"].map(PathBuf::from);
    assert_eq!(wishes.drag.as_deref(), Some(&expected[..]));
}

#[test]
fn a_region_of_the_waveform_is_dragged_too() {
    let snapshot = ready(3);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let at = layout(Rect::from_min_size(Pos2::ZERO, bench.size));
    // Item 1 begins at 2 s of 60 and is 4 s long; its block is in the first lane.
    let x = 8.0 + 944.0 * 4.0 / 60.0;
    let block = (0..200).map(|step| at.wave.bottom() - step as f32).find(|&y| {
        bench.move_to(&snapshot, pos2(x, y));
        bench.frame(&snapshot, Vec::new());
        bench.model.hovered == Some(ItemId(1))
    });
    let block = pos2(x, block.expect("the region is somewhere"));
    let commands = bench.click(&snapshot, block);
    assert_eq!(commands, [Command::Audition(ItemId(1), HOW)]);
    bench.time += 1.0;
    bench.button(&snapshot, block, true);
    let wishes = bench.move_to(&snapshot, block + vec2(20.0, 0.0));
    assert_eq!(wishes.drag, Some(vec![PathBuf::from("/captures/1.wav")]));
}

#[test]
fn a_kit_is_dragged_by_its_handle() {
    let mut snapshot = fixture::snapshot();
    let mut item = fixture::item(7, ItemKind::Break, 0.9);
    item.file = FileState::Ready("/break.wav".into());
    snapshot.items = vec![item.clone()].into();
    let mut bench = Bench::new(960.0, 600.0);
    bench.model.set_tab(Tab::Kind(ItemKind::Break));
    bench.settle(&snapshot);
    let at = bench.row(0);
    bench.click(&snapshot, at);
    bench.settle(&snapshot);
    let handle = bench
        .ctx
        .read_response(egui::Id::unique("kit"))
        .expect("a break has the handle")
        .rect
        .center();
    bench.move_to(&snapshot, handle);
    let wishes = bench.button(&snapshot, handle, true);
    assert_eq!(wishes.commands, [Command::PrepareKit(vec![ItemId(7)])]);
    assert_eq!(bench.move_to(&snapshot, handle + vec2(0.0, -40.0)).drag, None);
    item.kit = vec!["/kick.wav".into(), "/break.mid".into()];
    snapshot.items = vec![item].into();
    let wishes = bench.frame(&snapshot, Vec::new());
    assert_eq!(
        wishes.drag,
        Some(["/break.wav", "/kick.wav", "/break.mid"].map(PathBuf::from).to_vec())
    );
}

#[test]
fn stars_and_rejects_show_at_once_and_can_be_taken_back() {
    let snapshot = ready(5);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let star = bench.widget(("star", ItemId(2)));
    assert_eq!(bench.click(&snapshot, star), [Command::Favourite(ItemId(2), true)]);
    assert!(bench.model.ahead.favourite(&snapshot.items[1]));
    assert_eq!(bench.selected(), [] as [u64; 0], "the star is not the row");
    let row = bench.row(0);
    bench.move_to(&snapshot, row);
    bench.settle(&snapshot);
    let cross = bench.widget(("reject", ItemId(1)));
    assert_eq!(bench.click(&snapshot, cross), [Command::Reject(ItemId(1), true)]);
    bench.settle(&snapshot);
    assert_eq!(bench.model.rows.len(), 4);
    assert!(bench.texts.contains("Rejected Loop 1."));
    let undo = bench.widget("undo");
    assert_eq!(bench.click(&snapshot, undo), [Command::Reject(ItemId(1), false)]);
    bench.settle(&snapshot);
    assert_eq!(bench.model.rows.len(), 5);
}

#[test]
fn filters_are_clicked() {
    let mut snapshot = ready(8);
    let mut items = snapshot.items.to_vec();
    items[0].bars = 2.0;
    snapshot.items = items.into();
    let mut bench = Bench::new(1100.0, 600.0);
    bench.settle(&snapshot);
    let two = bench.widget(("bars", 2_u32));
    bench.click(&snapshot, two);
    bench.settle(&snapshot);
    assert_eq!(
        (bench.model.editor.bars.as_slice(), bench.model.rows.len()),
        (&[2][..], 1)
    );
    bench.model.editor.bars = vec![16];
    bench.settle(&snapshot);
    assert!(bench.texts.contains("All 8 suggestions are hidden."));
    let all = bench.widget("show hidden");
    bench.click(&snapshot, all);
    bench.settle(&snapshot);
    assert_eq!(bench.model.rows.len(), 8);
}

#[test]
fn keys_are_ours_only_after_a_click_and_with_the_pointer_here() {
    let snapshot = ready(30);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    assert_eq!(super::keys::ours(&bench.ctx), super::Ours::None);
    bench.key(&snapshot, Key::ArrowDown);
    assert_eq!(bench.selected(), [] as [u64; 0], "the host's");
    let at = bench.row(0);
    bench.click(&snapshot, at);
    bench.settle(&snapshot);
    assert_eq!(super::keys::ours(&bench.ctx), super::Ours::Known);
    bench.time += 1.0;
    bench.key(&snapshot, Key::ArrowDown);
    bench.key(&snapshot, Key::ArrowDown);
    assert_eq!(bench.selected(), [3]);
    assert_eq!(
        bench.key(&snapshot, Key::Enter).commands,
        [Command::Audition(ItemId(3), HOW)]
    );
    assert_eq!(bench.key(&snapshot, Key::Escape).commands, [Command::StopAudition]);
    assert_eq!(
        bench.key(&snapshot, Key::F).commands,
        [Command::Favourite(ItemId(3), true)]
    );
    assert_eq!(
        bench.key(&snapshot, Key::Delete).commands,
        [Command::Reject(ItemId(3), true)]
    );
    assert_eq!(bench.selected(), [4], "on to the next");
    bench.held = Modifiers::COMMAND;
    assert_eq!(
        bench.key(&snapshot, Key::Z).commands,
        [Command::Reject(ItemId(3), false)]
    );
    assert_eq!(
        bench.key(&snapshot, Key::E).commands,
        [Command::Export {
            items: vec![ItemId(4)],
            folder: None
        }]
    );
    bench.held = Modifiers::NONE;
    assert_eq!(
        bench.frame(&snapshot, vec![Event::Copy]).copy.as_deref(),
        Some("/captures/4.wav")
    );
    assert!(
        bench
            .frame(&snapshot, vec![Event::Text("+".into())])
            .zoom
            .is_some_and(|zoom| zoom > 1.0)
    );
    bench.key(&snapshot, Key::Num3);
    assert_eq!(bench.model.tab(), Tab::Kind(ItemKind::OneShot));
    let wishes = bench.key(&snapshot, Key::Space);
    assert!(
        wishes.commands.is_empty(),
        "the space bar starts the host, nothing here"
    );
    bench.frame(&snapshot, vec![Event::PointerGone]);
    assert_eq!(super::keys::ours(&bench.ctx), super::Ours::None);
}

#[test]
fn host_gets_the_keys_that_are_not_ours() {
    use nice_plug_egui::{Key, KeyCapture};
    assert_eq!(super::capture(super::Ours::None), KeyCapture::IgnoreAll);
    let KeyCapture::CaptureKeys(keys) = super::capture(super::Ours::Known) else {
        panic!("some keys are ours")
    };
    assert_eq!(keys.len(), super::keys::KNOWN.len(), "every name is one of a key");
    assert!(!keys.contains(&Key::Character(" ".into())));
}

#[test]
fn corrections_are_for_the_take_of_what_is_selected() {
    let mut snapshot = ready(3);
    let mut second = fixture::take(2, 30.0, 90.0);
    second.correction = Correction { octave: 1, shift: 0 };
    snapshot.takes.push(second);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    assert!(bench.texts.contains("Take 2 of 2") && bench.texts.contains("tempo ×2"));
    let reset = bench.widget(("correct", "Reset"));
    assert_eq!(bench.click(&snapshot, reset), [Command::Uncorrect(2)]);
    let at = bench.row(0);
    bench.click(&snapshot, at);
    bench.settle(&snapshot);
    assert!(bench.texts.contains("Take 1 of 2"));
    for (words, octave, shift) in [("×2", 1, 0), ("÷2", -1, 0), ("beat ›", 0, 1), ("‹ beat", 0, -1)] {
        let at = bench.widget(("correct", words));
        assert_eq!(
            bench.click(&snapshot, at),
            [Command::Correct { take: 1, octave, shift }]
        );
    }
}

#[test]
fn a_missing_file_is_shown_and_can_be_found_again() {
    let mut snapshot = fixture::snapshot();
    let mut item = fixture::item(9, ItemKind::Loop, 0.7);
    item.take = 0;
    item.favourite = true;
    item.file = FileState::Missing("/gone/loop.wav".into());
    snapshot.kept = vec![Kept { item }].into();
    let mut bench = Bench::new(960.0, 600.0);
    bench.model.set_tab(Tab::Favourites);
    bench.model.editor.click_auditions = false;
    bench.settle(&snapshot);
    assert!(bench.texts.contains("File missing: /gone/loop.wav"), "{}", bench.texts);
    let at = bench.row(0);
    bench.click(&snapshot, at);
    bench.settle(&snapshot);
    bench.model.relink = " /here/loop.wav ".into();
    bench.settle(&snapshot);
    let at = bench.widget("relink");
    assert_eq!(
        bench.click(&snapshot, at),
        [Command::Relink(ItemId(9), "/here/loop.wav".into())]
    );
}

#[test]
fn a_text_field_has_all_keys_and_sends_nothing() {
    let snapshot = ready(3);
    let mut bench = Bench::new(960.0, 600.0);
    bench.model.sheet = Some(Sheet::Settings);
    bench.settle(&snapshot);
    bench.ctx.memory_mut(|m| m.request_focus(egui::Id::unique("folder")));
    bench.settle(&snapshot);
    assert_eq!(super::keys::ours(&bench.ctx), super::Ours::All);
    let wishes = bench.frame(&snapshot, vec![Event::Text("/music f".into())]);
    assert!(
        wishes.commands.is_empty() && !wishes.settings,
        "while it is being typed nothing is moved"
    );
    let wishes = bench.key(&snapshot, Key::Enter);
    assert!(wishes.settings);
    assert_eq!(bench.model.settings.folder, "/music f");
}

#[test]
fn history_changes_when_the_slider_is_let_go() {
    let snapshot = ready(3);
    let mut bench = Bench::new(960.0, 700.0);
    bench.model.sheet = Some(Sheet::Settings);
    bench.settle(&snapshot);
    let slider = bench
        .ctx
        .read_response(egui::Id::unique(("slider", "History")))
        .expect("a slider")
        .rect;
    bench.move_to(&snapshot, slider.center());
    assert!(!bench.button(&snapshot, slider.center(), true).settings);
    let wishes = bench.move_to(&snapshot, slider.left_center() + vec2(8.0, 0.0));
    assert!(!wishes.settings, "passing over a low value drops nothing");
    bench.move_to(&snapshot, slider.right_center());
    let wishes = bench.button(&snapshot, slider.right_center(), false);
    assert!(wishes.settings);
    assert_eq!(bench.model.settings.history_seconds, 1800);
}

#[test]
fn clearing_asks_first() {
    let snapshot = ready(3);
    let mut bench = Bench::new(960.0, 900.0);
    bench.model.sheet = Some(Sheet::Settings);
    bench.settle(&snapshot);
    assert!(bench.texts.contains("Clear history…") && !bench.texts.contains("Forget all"));
    bench.model.confirm_clear = true;
    bench.settle(&snapshot);
    assert!(bench.texts.contains("Forget all captured sound?"));
}

#[test]
fn messages_come_and_errors_are_dismissed() {
    let mut snapshot = ready(3);
    snapshot.messages = vec![
        Message {
            number: 1,
            severity: Severity::Info,
            text: "Exported.".into(),
        },
        Message {
            number: 2,
            severity: Severity::Error,
            text: "The disk is full: choose another folder.".into(),
        },
    ];
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    bench.time += 100.0;
    bench.settle(&snapshot);
    assert!(bench.texts.contains("The disk is full"));
    let at = bench.widget("dismiss");
    bench.click(&snapshot, at);
    bench.settle(&snapshot);
    assert!(!bench.texts.contains("The disk is full"));
}

#[test]
fn hundreds_of_rows_cost_as_many_as_are_seen() {
    let snapshot = ready(500);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let seen = bench
        .texts
        .lines()
        .filter(|line| line.starts_with("The seam is clean"))
        .count();
    assert!((3..20).contains(&seen), "{seen} rows were drawn");
    bench.settle(&snapshot);
    let before = bench.model.cache.drawn;
    bench.settle(&snapshot);
    assert_eq!(
        bench.model.cache.drawn, before,
        "the waveform is not drawn anew without need"
    );
}

#[test]
fn any_size_any_sheet_and_broken_numbers_are_drawn() {
    let mut snapshot = ready(40);
    let mut items = snapshot.items.to_vec();
    items[0].score = f32::NAN;
    items[1].score = f32::INFINITY;
    items[2].bpm = f64::NAN;
    items[3].bars = f64::INFINITY;
    items[4].frames = 0;
    items[5].start = u64::MAX / 2;
    items[6].take = 77;
    items[7].title = "ä".repeat(5000);
    snapshot.items = items.into();
    let mut empty = fixture::take(5, 0.0, 120.0);
    empty.bars = vec![f64::NAN, 1.0].into();
    snapshot.takes.push(empty);
    let mut backwards = fixture::take(6, 10.0, 120.0);
    backwards.bars = vec![5e5, 1.0, f64::INFINITY].into();
    backwards.first = 1000;
    snapshot.takes.push(backwards);
    snapshot.status.analysing = Some(f32::NAN);
    snapshot.status.bpm = f64::INFINITY;
    snapshot.status.history_seconds = f64::NAN;
    snapshot.status.lost_frames = u64::MAX;
    for (width, height) in [
        (1.0, 1.0),
        (90.0, 60.0),
        (280.0, 180.0),
        (560.0, 360.0),
        (960.0, 600.0),
        (5000.0, 3000.0),
    ] {
        for sheet in [None, Some(Sheet::Settings), Some(Sheet::Help)] {
            let mut bench = Bench::new(width, height);
            bench.model.sheet = sheet;
            bench.heard = Some((ItemId(1), f64::NAN));
            bench.settle(&snapshot);
            bench.model.selection.only(ItemId(6));
            for tab in Tab::ALL {
                if sheet.is_none() {
                    bench.model.set_tab(tab);
                }
                bench.settle(&snapshot);
                bench.settle(&Snapshot::default());
            }
        }
    }
}

#[test]
fn wheel_zooms_and_the_button_shows_all_again() {
    use super::timeline::View;
    let snapshot = ready(5);
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let at = layout(Rect::from_min_size(Pos2::ZERO, bench.size)).wave.center();
    bench.move_to(&snapshot, at);
    let wheel = Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, 5.0),
        modifiers: Modifiers::NONE,
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
    };
    bench.frame(&snapshot, vec![wheel]);
    for _ in 0..10 {
        bench.frame(&snapshot, Vec::new());
    }
    assert!(
        matches!(bench.model.view, View::Part { seconds, .. } if seconds < 50.0),
        "{:?}",
        bench.model.view
    );
    let all = bench.widget("show all");
    bench.click(&snapshot, all);
    assert_eq!(bench.model.view, View::Whole);
}

#[test]
fn restored_states_are_made_sane() {
    let odd = EditorState {
        width: f32::NAN,
        height: -5.0,
        zoom: 1e9,
        min_score: f32::NAN,
        bars: vec![3, 4],
        ..EditorState::default()
    };
    let editor = super::sane(odd);
    assert_eq!(editor.width, 960.0);
    assert!(editor.height >= 180.0);
    assert_eq!((editor.zoom, editor.min_score, editor.bars), (2.0, 0.0, vec![4]));
}

#[test]
fn the_slider_turns_the_hosts_level() {
    let snapshot = fixture::with_loops(3);
    for sheet in [None, Some(Sheet::Settings)] {
        let mut bench = Bench::new(960.0, 600.0);
        bench.model.sheet = sheet;
        bench.settle(&snapshot);
        let id = egui::Id::unique(("slider", "level"));
        let rect = bench.ctx.read_response(id).expect("the slider is there").rect;
        // To its left end, and on to the right one, in one gesture.
        bench.move_to(&snapshot, rect.left_center() + vec2(1.0, 0.0));
        let mut turns = bench.button(&snapshot, rect.left_center() + vec2(1.0, 0.0), true).turns;
        assert_eq!(bench.knob.db(), -36.0);
        assert!(bench.texts.contains("−36.0 dB"), "{}", bench.texts);
        turns.extend(bench.move_to(&snapshot, rect.right_center()).turns);
        turns.extend(bench.move_to(&snapshot, rect.right_center()).turns);
        turns.extend(bench.button(&snapshot, rect.right_center(), false).turns);
        assert_eq!(turns, [Turn::Begin, Turn::To(-36.0), Turn::To(12.0), Turn::End]);
        // The host's own knob moves it as well, to places between its steps, which are left alone.
        bench.time += 10.0;
        bench.knob.turn(Turn::To(-3.3));
        assert!(bench.frame(&snapshot, Vec::new()).turns.is_empty());
        assert!(bench.texts.contains("−3.3 dB"));
        // Twice, and it is where it was.
        for _ in 0..2 {
            bench.button(&snapshot, rect.center(), true);
            bench.button(&snapshot, rect.center(), false);
        }
        assert_eq!(bench.knob.db(), 0.0);
        assert!(bench.frame(&snapshot, Vec::new()).turns.is_empty());
        assert_eq!(bench.model.settings, Settings::default());
    }
    // What hides it while it is held does not keep the gesture open.
    let mut bench = Bench::new(960.0, 600.0);
    bench.settle(&snapshot);
    let id = egui::Id::unique(("slider", "level"));
    let at = bench
        .ctx
        .read_response(id)
        .expect("the slider is there")
        .rect
        .left_center();
    bench.move_to(&snapshot, at);
    assert_eq!(bench.button(&snapshot, at, true).turns.first(), Some(&Turn::Begin));
    bench.size = vec2(560.0, 360.0);
    assert!(bench.frame(&snapshot, Vec::new()).turns.is_empty());
    assert_eq!(bench.button(&snapshot, at, false).turns, [Turn::End]);
}
