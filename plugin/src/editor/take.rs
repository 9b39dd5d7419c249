//! The line above the waveform: what is known of a take's bars, and their corrections.

use egui::{Align2, Rect, Ui, vec2};

use crate::command::Command;
use crate::snapshot::{Correction, GridOrigin, Snapshot, TakeView};

use super::layout::Line;
use super::model::{Model, Scene, Wishes};
use super::timeline::View;
use super::widgets::{Face, button, text};
use super::{theme, waveform};

/// The take that the line is about: that of the selected item, else the newest with bars, else the newest.
pub(crate) fn chosen<'a>(snapshot: &'a Snapshot, model: &Model) -> Option<(usize, &'a TakeView)> {
    let selected = model.current(snapshot).map(|item| item.take);
    let takes = || snapshot.takes.iter().enumerate();
    let by_item = selected.and_then(|id| takes().find(|(_, take)| take.id == id));
    by_item
        .or_else(|| takes().rev().find(|(_, take)| !take.bars.is_empty()))
        .or_else(|| takes().next_back())
}

/// Where the bars came from, in words.
pub(crate) fn origin(origin: GridOrigin) -> &'static str {
    match origin {
        GridOrigin::Host => "bars from the host",
        GridOrigin::Tracked => "bars by ear",
        GridOrigin::None => "no bars yet",
    }
}

/// What was corrected, in words.
pub(crate) fn correction(correction: Correction) -> Option<String> {
    let mut words = Vec::new();
    match correction.octave {
        0 => {}
        octave @ 1.. => words.push(format!("tempo ×{}", 1u32 << octave.min(16))),
        octave => words.push(format!("tempo ÷{}", 1u32 << octave.unsigned_abs().min(16))),
    }
    match correction.shift {
        0 => {}
        1 => words.push("bars +1 beat".into()),
        -1 => words.push("bars −1 beat".into()),
        shift if shift > 0 => words.push(format!("bars +{shift} beats")),
        shift => words.push(format!("bars −{} beats", shift.unsigned_abs())),
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// Draws it.
pub(crate) fn show(ui: &mut Ui, rect: Rect, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let inner = rect.shrink2(vec2(2.0, (rect.height() - 22.0).max(0.0) * 0.5));
    let mut line = Line::new(inner, 4.0);
    let taken = chosen(scene.snapshot, model);
    let can = taken.is_some_and(|(_, take)| take.bars.len() > 1);
    if let Some((_, take)) = taken {
        let id = take.id;
        let corrected = take.correction != Correction::default();
        let send = |octave, shift| Command::Correct {
            take: id,
            octave,
            shift,
        };
        // From the right, so that nothing moves when the words change.
        let controls = [
            (
                "Reset",
                corrected,
                Command::Uncorrect(id),
                "Takes the corrections of this take back.",
            ),
            (
                "beat ›",
                can,
                send(0, 1),
                "The first beat of the bar is one beat later. Everything is found anew.",
            ),
            (
                "‹ beat",
                can,
                send(0, -1),
                "The first beat of the bar is one beat earlier. Everything is found anew.",
            ),
            (
                "×2",
                can,
                send(1, 0),
                "The music is twice as fast as it says. Everything is found anew.",
            ),
            (
                "÷2",
                can,
                send(-1, 0),
                "The music is half as fast as it says. Everything is found anew.",
            ),
        ];
        for (words, enabled, command, tip) in controls {
            let face = Face::words(words).enabled(enabled);
            let width = face.width(ui);
            let Some(place) = line.try_right(width) else { break };
            if button(ui, place, ("correct", words), &face, tip).clicked() {
                wishes.send(command);
            }
        }
    }
    if model.view != View::Whole {
        let face = Face::words("Show all");
        let width = face.width(ui);
        if let Some(place) = line.try_right(width)
            && button(
                ui,
                place,
                "show all",
                &face,
                "Shows the whole history. The wheel zooms, dragging pans.",
            )
            .clicked()
        {
            model.view = View::Whole;
        }
    }
    let painter = ui.painter();
    let Some((index, take)) = taken else {
        text(
            painter,
            line.rest(),
            Align2::LEFT_CENTER,
            "Nothing captured yet",
            theme::plain(11.5),
            theme::MUTED,
        );
        return;
    };
    let mut words = Vec::new();
    if scene.snapshot.takes.len() > 1 {
        words.push(format!("Take {} of {}", index + 1, scene.snapshot.takes.len()));
    }
    if take.bpm > 0.0 && take.bpm.is_finite() {
        words.push(format!("{:.1} BPM", take.bpm));
    }
    if take.meter.0 > 0 && take.meter.1 > 0 {
        words.push(format!("{}/{}", take.meter.0, take.meter.1));
    }
    let mut place = line.rest();
    let known = words.join(" · ");
    let drawn = text(
        painter,
        place,
        Align2::LEFT_CENTER,
        &known,
        theme::bold(11.5),
        theme::TEXT,
    );
    place.min.x = if known.is_empty() {
        place.left()
    } else {
        drawn.right() + 8.0
    };
    match correction(take.correction) {
        Some(words) => {
            let width = super::widgets::text_width(painter, &words, theme::plain(10.5)) + 12.0;
            if place.width() > width {
                waveform::tag(
                    painter,
                    egui::pos2(place.left(), place.center().y - 8.5),
                    &words,
                    theme::ACCENT,
                );
            }
        }
        None => {
            let colour = if take.grid == GridOrigin::Tracked {
                theme::WARNING
            } else {
                theme::MUTED
            };
            text(
                painter,
                place,
                Align2::LEFT_CENTER,
                origin(take.grid),
                theme::plain(11.5),
                colour,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_in_words() {
        let words = |octave, shift| correction(Correction { octave, shift });
        assert_eq!(words(0, 0), None);
        assert_eq!(words(1, 0).as_deref(), Some("tempo ×2"));
        assert_eq!(words(-2, -1).as_deref(), Some("tempo ÷4, bars −1 beat"));
        assert_eq!(words(0, 3).as_deref(), Some("bars +3 beats"));
        assert!(words(i8::MIN, i8::MIN).is_some() && words(i8::MAX, i8::MAX).is_some());
    }
}
