//! What stands in the list's place where there is nothing to list.

use egui::{Align2, Rect, Stroke, Ui, pos2, vec2};

use crate::command::Command;
use crate::snapshot::{GridOrigin, Snapshot, TransportState};
use crate::worker::{EVERY_BARS, EVERY_SECONDS};

use super::filters::unfilter;
use super::layout::Layout;
use super::model::{Model, Scene, Wishes};
use super::rows::{self, Tab};
use super::widgets::{Face, button, clock, text};
use super::{status, theme};

/// Why a list is empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Why {
    /// Nothing has come in: what to do first. True where the host plays already.
    Newcomer {
        /// The host stands still.
        stopped: bool,
    },
    /// Sound comes in; there are not enough bars yet.
    Listening {
        /// Whole bars so far, where they are known.
        bars: Option<usize>,
        /// Seconds so far.
        seconds: f64,
    },
    /// Being looked through.
    Analysing(f32),
    /// Enough has come in; analysis was not asked for.
    NotAsked,
    /// Enough has come in; the analysis is about to begin.
    Soon,
    /// Looked through, and nothing found; why.
    Nothing(Option<String>),
    /// There are some, and all are hidden by filters.
    Filtered(usize),
    /// Nothing is marked.
    NoFavourites,
    /// Other lists have something, this one has not.
    NoneOfKind,
}

/// Why the list in front is empty.
pub(crate) fn why(snapshot: &Snapshot, model: &Model) -> Why {
    let tab = model.tab();
    let place = Tab::ALL.iter().position(|&other| other == tab).unwrap_or(0);
    let hidden = rows::counts(snapshot, &model.ahead).get(place).copied().unwrap_or(0);
    if hidden > 0 && rows::filtered(&model.editor) {
        return Why::Filtered(hidden);
    }
    if tab == Tab::Favourites {
        return Why::NoFavourites;
    }
    let stopped = snapshot.status.transport == TransportState::Stopped;
    let takes = snapshot.takes.iter().filter(|take| take.end > take.first);
    let Some(last) = takes.clone().next_back() else {
        return Why::Newcomer { stopped };
    };
    if let Some(part) = snapshot.status.analysing {
        return Why::Analysing(part);
    }
    let analysed = takes.clone().any(|take| take.analysed_to > take.first);
    if analysed && !snapshot.items.is_empty() {
        return Why::NoneOfKind;
    }
    let note = || takes.clone().rev().find_map(|take| take.note.clone());
    let seconds = last.end.saturating_sub(last.first) as f64 / f64::from(last.rate.max(1));
    let bars = (last.grid != GridOrigin::None && !last.bars.is_empty()).then(|| last.bars.len() - 1);
    let enough = bars.map_or(seconds >= EVERY_SECONDS, |bars| bars >= EVERY_BARS);
    if last.open && !enough {
        return Why::Listening { bars, seconds };
    }
    if analysed {
        return Why::Nothing(note());
    }
    match (model.settings.automatic, enough) {
        (false, _) => Why::NotAsked,
        (true, true) => Why::Soon,
        (true, false) => Why::Nothing(note().or_else(|| Some("The take was too short.".into()))),
    }
}

/// Draws it over the list.
pub(crate) fn show(ui: &mut Ui, at: &Layout, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let place = at.list;
    ui.painter().rect_filled(place, 0.0, theme::GROUND);
    let width = (place.width() - 32.0).clamp(0.0, 560.0);
    let column = Rect::from_center_size(place.center(), vec2(width, place.height()));
    match why(scene.snapshot, model) {
        Why::Newcomer { stopped } => newcomer(ui, column, stopped, model.settings.capture_stopped, at.low),
        Why::Listening { bars, seconds } => {
            let (words, part) = match bars {
                Some(bars) => {
                    let left = EVERY_BARS.saturating_sub(bars);
                    let words = if left == 1 {
                        "One more bar".to_owned()
                    } else {
                        format!("{left} more bars")
                    };
                    (
                        format!("{words} until the first suggestions"),
                        bars as f32 / EVERY_BARS as f32,
                    )
                }
                None => (
                    format!(
                        "{} heard. Finding the beat takes about {}",
                        clock(seconds),
                        clock(EVERY_SECONDS)
                    ),
                    (seconds / EVERY_SECONDS) as f32,
                ),
            };
            let counted = bars.map_or(String::new(), |bars| {
                format!("{} of {EVERY_BARS} bars", bars.min(EVERY_BARS))
            });
            lines(ui, column, "Listening", &[&words, &counted], Some((part, scene.now)));
        }
        Why::Analysing(part) => {
            lines(
                ui,
                column,
                "Analysing",
                &["Suggestions appear as soon as it is done. Capturing goes on."],
                Some((part, scene.now)),
            );
        }
        Why::Soon => {
            lines(
                ui,
                column,
                "Enough has been captured",
                &["The analysis is about to begin."],
                None,
            );
        }
        Why::NotAsked => {
            let under = lines(
                ui,
                column,
                "Ready to be analysed",
                &["Automatic analysis is switched off in the settings."],
                None,
            );
            if button(ui, under, "analyse now", &Face::words("Analyse now"), "").clicked() {
                wishes.send(Command::Analyse);
            }
        }
        Why::Nothing(note) => {
            let note = note.unwrap_or_else(|| "No stretch repeats well enough.".into());
            lines(
                ui,
                column,
                "Nothing worth looping yet",
                &[&note, "Go on playing: every eight bars are looked through anew."],
                None,
            );
        }
        Why::Filtered(count) => {
            let words = if count == 1 {
                "One suggestion is hidden.".to_owned()
            } else {
                format!("All {count} suggestions are hidden.")
            };
            let under = lines(ui, column, "The filters let nothing through", &[&words], None);
            if button(ui, under, "show hidden", &Face::words("Show all"), "").clicked() {
                unfilter(model);
            }
        }
        Why::NoFavourites => {
            lines(
                ui,
                column,
                "No favourites yet",
                &[
                    "Mark what you like with the star.",
                    "Favourites stay with the project, and their files stay on disk.",
                ],
                None,
            );
        }
        Why::NoneOfKind => {
            let words = match model.tab() {
                Tab::Kind(crate::snapshot::ItemKind::Break) => "No stretch with drums alone was heard.",
                Tab::Kind(crate::snapshot::ItemKind::OneShot) => "No single hit stood clear enough.",
                Tab::Kind(crate::snapshot::ItemKind::Quiet) => "No stretch without drums was heard.",
                _ => "No stretch repeats well enough.",
            };
            lines(
                ui,
                column,
                "None of these yet",
                &[words, "The other lists have suggestions."],
                None,
            );
        }
    }
}

/// A heading, some lines and perhaps a bar that fills, in the middle. Returns where a button would go.
fn lines(ui: &Ui, column: Rect, heading: &str, words: &[&str], bar: Option<(f32, f64)>) -> Rect {
    let words: Vec<&&str> = words.iter().filter(|words| !words.is_empty()).collect();
    let height = 26.0 + words.len() as f32 * 19.0 + 34.0;
    let mut y = (column.center().y - height * 0.5).max(column.top() + 4.0);
    let mut next = |height: f32| {
        let rect = Rect::from_min_max(pos2(column.left(), y), pos2(column.right(), y + height));
        y += height;
        rect
    };
    let painter = ui.painter_at(column);
    text(
        &painter,
        next(26.0),
        Align2::CENTER_CENTER,
        heading,
        theme::bold(15.0),
        theme::TEXT,
    );
    for words in words {
        text(
            &painter,
            next(19.0),
            Align2::CENTER_CENTER,
            words,
            theme::plain(12.0),
            theme::MUTED,
        );
    }
    let under = next(34.0);
    if let Some((part, now)) = bar {
        let rail = Rect::from_center_size(under.center(), vec2((column.width() * 0.6).min(260.0), 12.0));
        status::progress(ui, rail, "", part, now);
    }
    Rect::from_center_size(under.center(), vec2(110.0, 26.0))
}

/// Three steps.
fn newcomer(ui: &Ui, column: Rect, stopped: bool, capture_stopped: bool, low: bool) {
    let second = match (stopped, capture_stopped) {
        (true, true) => "Press play in your host, or just make sound: it listens along.",
        (true, false) => "Press play in your host: it listens along while the host plays.",
        (false, _) => "Let some music through, from this track or the whole mix.",
    };
    let steps = [
        ("Play", second),
        (
            "Listen",
            "After eight bars, the best loops, breaks and hits appear here, ranked.",
        ),
        (
            "Drag",
            "Click one to hear it in time. Drag it from here into your timeline.",
        ),
    ];
    let step = if low { 30.0 } else { 44.0 };
    let heading = if low { 24.0 } else { 38.0 };
    let top = (column.center().y - (heading + step * 3.0) * 0.5).max(column.top() + 2.0);
    let painter = ui.painter_at(column);
    let head = Rect::from_min_size(pos2(column.left(), top), vec2(column.width(), heading));
    text(
        &painter,
        head,
        Align2::LEFT_CENTER,
        "The best loops of what you play, ready to drag",
        theme::bold(14.5),
        theme::TEXT,
    );
    for (index, (name, words)) in steps.into_iter().enumerate() {
        let y = top + heading + index as f32 * step;
        let row = Rect::from_min_size(pos2(column.left(), y), vec2(column.width(), step));
        let middle = pos2(row.left() + 12.0, row.center().y);
        painter.circle(middle, 11.0, theme::RAISED, Stroke::new(1.2, theme::ACCENT));
        painter.text(
            middle,
            Align2::CENTER_CENTER,
            index + 1,
            theme::bold(11.5),
            theme::ACCENT,
        );
        let room = Rect::from_min_max(pos2(row.left() + 34.0, row.top()), row.max);
        let drawn = text(
            &painter,
            room,
            Align2::LEFT_CENTER,
            name,
            theme::bold(12.5),
            theme::TEXT,
        );
        let rest = Rect::from_min_max(pos2((room.left() + 54.0).max(drawn.right() + 8.0), row.top()), row.max);
        text(
            &painter,
            rest,
            Align2::LEFT_CENTER,
            words,
            theme::plain(12.0),
            theme::MUTED,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::snapshot::ItemKind;
    use crate::state::{EditorState, Settings};

    #[test]
    fn every_emptiness_has_its_reason() {
        let mut snapshot = Snapshot::default();
        let mut model = Model::new(Settings::default(), EditorState::default());
        assert_eq!(why(&snapshot, &model), Why::Newcomer { stopped: false });
        snapshot.status.transport = TransportState::Stopped;
        assert_eq!(why(&snapshot, &model), Why::Newcomer { stopped: true });
        snapshot.takes = vec![fixture::take(1, 6.0, 120.0)];
        snapshot.takes[0].open = true;
        assert!(
            matches!(why(&snapshot, &model), Why::Listening { bars: Some(3), .. }),
            "{:?}",
            why(&snapshot, &model)
        );
        snapshot.takes[0].grid = GridOrigin::None;
        snapshot.takes[0].bars = [].into();
        assert!(matches!(why(&snapshot, &model), Why::Listening { bars: None, .. }));
        snapshot.takes = vec![fixture::take(1, 40.0, 120.0)];
        assert_eq!(why(&snapshot, &model), Why::Soon);
        model.settings.automatic = false;
        assert_eq!(why(&snapshot, &model), Why::NotAsked);
        snapshot.status.analysing = Some(0.4);
        assert_eq!(why(&snapshot, &model), Why::Analysing(0.4));
        snapshot.status.analysing = None;
        snapshot.takes[0].analysed_to = snapshot.takes[0].end;
        snapshot.takes[0].note = Some("Silent.".into());
        assert_eq!(why(&snapshot, &model), Why::Nothing(Some("Silent.".into())));
        snapshot.items = vec![fixture::item(1, ItemKind::Break, 0.5)].into();
        assert_eq!(why(&snapshot, &model), Why::NoneOfKind);
        model.set_tab(Tab::Favourites);
        assert_eq!(why(&snapshot, &model), Why::NoFavourites);
        model.set_tab(Tab::Kind(ItemKind::Break));
        model.editor.min_score = 0.9;
        assert_eq!(why(&snapshot, &model), Why::Filtered(1));
    }
}
