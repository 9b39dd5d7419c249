//! Tabs, and what is hidden by choice.

use egui::{Align2, CursorIcon, Id, Popup, PopupCloseBehavior, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::icons::{self, Icon};
use super::layout::{Layout, Line};
use super::model::{Model, Scene, Wishes};
use super::rows::{self, BARS, Tab};
use super::theme;
use super::widgets::{Face, button, slider, text, text_width};

/// Draws them.
pub(crate) fn show(ui: &mut Ui, at: &Layout, scene: &Scene<'_>, model: &mut Model, _wishes: &mut Wishes) {
    ui.painter().rect_filled(at.tabs, 0.0, theme::PANEL);
    ui.painter()
        .hline(at.tabs.x_range(), at.tabs.bottom() - 0.5, Stroke::new(1.0, theme::LINE));
    let counts = rows::counts(scene.snapshot, &model.ahead);
    let mut line = Line::new(at.tabs.shrink2(vec2(8.0, 0.0)), 2.0);
    let wide: f32 = Tab::ALL
        .iter()
        .zip(counts)
        .map(|(tab, count)| tab_width(ui, *tab, count))
        .sum();
    // Room for tabs and filters side by side, else the filters go behind a button.
    let folded = line.rest().width() < wide + 10.0 + FILTERS;
    if folded {
        let place = Line::new(line.right(74.0).shrink2(vec2(0.0, 4.0)), 0.0).rest();
        let on = rows::filtered(&model.editor);
        let response = button(
            ui,
            place,
            "filter",
            &Face::both(Icon::Funnel, "Filter").on(on),
            "Hides what is too short, too long or too poor.",
        );
        Popup::from_toggle_button_response(&response)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(250.0, 26.0 * 3.0 + 12.0), Sense::hover());
                let row =
                    |index: f32| Rect::from_min_size(rect.min + vec2(0.0, index * 30.0), vec2(rect.width(), 24.0));
                bars(ui, &mut Line::new(row(0.0), 4.0), model);
                score(ui, &mut Line::new(row(1.0), 6.0), model);
                liked(ui, &mut Line::new(row(2.0), 4.0), true, model);
            });
    } else {
        let mut filters = Line::new(line.right(FILTERS).shrink2(vec2(0.0, 5.0)), 6.0);
        bars(ui, &mut filters, model);
        filters.left(2.0);
        score(ui, &mut filters, model);
        liked(ui, &mut filters, false, model);
    }
    let scale = (line.rest().width() / wide).min(1.0);
    for (tab, count) in Tab::ALL.into_iter().zip(counts) {
        let place = line.left((tab_width(ui, tab, count) * scale - 2.0).max(0.0));
        show_tab(ui, place, tab, count, scale >= 1.0, model);
    }
}

/// Points that the filters take.
const FILTERS: f32 = 372.0;

fn tab_width(ui: &Ui, tab: Tab, count: usize) -> f32 {
    let words = text_width(ui.painter(), tab.name(), theme::bold(12.0));
    // As wide as three digits, so that nothing moves while suggestions come in.
    let digits = count.max(100).to_string().len() as f32;
    words + digits * 7.0 + 38.0
}

fn show_tab(ui: &mut Ui, place: Rect, tab: Tab, count: usize, roomy: bool, model: &mut Model) {
    let chosen = model.tab() == tab && model.sheet.is_none();
    let response = ui.interact(place, Id::unique(("tab", tab)), Sense::click());
    if response.clicked() {
        model.set_tab(tab);
        super::keys::focus(ui);
    }
    let painter = ui.painter();
    let colour = match tab {
        Tab::Kind(kind) => theme::colour(kind),
        Tab::Favourites => theme::STAR,
    };
    if response.hovered() && !chosen {
        painter.rect_filled(place.shrink2(vec2(0.0, 4.0)), 4.0, theme::RAISED);
    }
    let mut room = Rect::from_min_max(place.min + vec2(6.0, 0.0), place.max - vec2(4.0, 0.0));
    let icon = match tab {
        Tab::Kind(kind) => Icon::Kind(kind),
        Tab::Favourites => Icon::Star(true),
    };
    // All of them or none.
    if roomy {
        icons::paint(
            painter,
            Rect::from_center_size(pos2(room.left() + 7.0, room.center().y), vec2(13.0, 13.0)),
            icon,
            colour,
        );
        room.min.x += 19.0;
    }
    let words = if chosen { theme::TEXT } else { theme::MUTED };
    let font = if chosen { theme::bold(12.0) } else { theme::plain(12.0) };
    let drawn = text(painter, room, Align2::LEFT_CENTER, tab.name(), font, words);
    let rest = Rect::from_min_max(pos2(drawn.right() + 6.0, room.top()), room.max);
    text(
        painter,
        rest,
        Align2::LEFT_CENTER,
        &count.to_string(),
        theme::plain(10.5),
        theme::MUTED,
    );
    if chosen {
        let under = Rect::from_min_max(
            pos2(place.left() + 4.0, place.bottom() - 3.0),
            pos2(place.right() - 4.0, place.bottom()),
        );
        painter.rect_filled(under, 1.5, colour);
    }
    super::widgets::focus_ring(ui, &response);
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, chosen, tab.name()));
    response.on_hover_cursor(CursorIcon::PointingHand);
}

fn bars(ui: &mut Ui, line: &mut Line, model: &mut Model) {
    text(
        ui.painter(),
        line.left(30.0),
        Align2::LEFT_CENTER,
        "Bars",
        theme::plain(11.0),
        theme::MUTED,
    );
    for bars in BARS {
        let on = model.editor.bars.contains(&bars);
        let words = bars.to_string();
        let place = line.left(23.0);
        let tip = format!("Shows suggestions of {bars} bars. None chosen shows all lengths.");
        if button(ui, place, ("bars", bars), &Face::words(&words).on(on), &tip).clicked() {
            if on {
                model.editor.bars.retain(|&other| other != bars);
            } else {
                model.editor.bars.push(bars);
                model.editor.bars.sort_unstable();
            }
        }
    }
}

fn score(ui: &mut Ui, line: &mut Line, model: &mut Model) {
    let mut least = model.editor.min_score * 100.0;
    text(
        ui.painter(),
        line.left(36.0),
        Align2::LEFT_CENTER,
        "Score",
        theme::plain(11.0),
        theme::MUTED,
    );
    let place = line.left(72.0);
    if slider(
        ui,
        place,
        "score",
        &mut least,
        0.0..=99.0,
        "Least score",
        "Hides what scores less.",
    )
    .changed()
    {
        model.editor.min_score = least.round() / 100.0;
    }
    let words = if model.editor.min_score > 0.0 {
        format!("≥{least:.0}")
    } else {
        "all".to_owned()
    };
    text(
        ui.painter(),
        line.left(30.0),
        Align2::LEFT_CENTER,
        &words,
        theme::plain(11.0),
        theme::TEXT,
    );
}

fn liked(ui: &mut Ui, line: &mut Line, lettered: bool, model: &mut Model) {
    let on = model.editor.favourites_only;
    let face = Face::icon(Icon::Star(on), "Favourites only")
        .colour(if on { theme::STAR } else { theme::MUTED })
        .on(on);
    let face = Face { lettered, ..face };
    let width = face.width(ui).max(26.0);
    if button(ui, line.left(width), "liked", &face, "Shows favourites only.").clicked() {
        model.editor.favourites_only = !on;
    }
    if rows::filtered(&model.editor) {
        let place = line.left(24.0);
        let face = Face::icon(Icon::Cross, "Show all").colour(theme::MUTED);
        if button(ui, place, "unfilter", &face, "Shows everything again.").clicked() {
            unfilter(model);
        }
    }
}

/// Hides nothing.
pub(crate) fn unfilter(model: &mut Model) {
    model.editor.bars.clear();
    model.editor.min_score = 0.0;
    model.editor.favourites_only = false;
}
