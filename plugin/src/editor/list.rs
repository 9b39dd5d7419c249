//! The ranked list.

use egui::scroll_area::ScrollSource;
use egui::{Align2, CursorIcon, Id, Rect, Role, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::snapshot::{FileState, Item, ItemId, ItemKind};

use super::icons::Icon;
use super::layout::{Layout, Line};
use super::model::{Model, Scene, Wishes};
use super::rows::{self, Order, Row, Tab};
use super::select::Held;
use super::widgets::{Face, button, text};
use super::{details, icons, keys, theme};

/// Height of a row in points.
pub(crate) fn row_height(low: bool) -> f32 {
    if low { 27.0 } else { 42.0 }
}

/// Height of the line of column names.
const NAMES: f32 = 20.0;

/// `4 bars`, `1 bar`, `2½ bars`.
pub(crate) fn bars_words(bars: f64) -> String {
    if !bars.is_finite() || bars <= 0.0 {
        return String::new();
    }
    let rounded = bars.round();
    match (bars - rounded).abs() < 0.01 {
        true if rounded == 1.0 => "1 bar".into(),
        true => format!("{rounded:.0} bars"),
        false if (bars * 2.0 - (bars * 2.0).round()).abs() < 0.01 => match bars.floor() {
            0.0 => "½ bar".into(),
            whole => format!("{whole:.0}½ bars"),
        },
        false => format!("{bars:.2} bars"),
    }
}

/// Where the columns of a row stand. Those for which there is no room are left out.
struct Columns {
    play: Rect,
    star: Rect,
    score: Rect,
    words: Rect,
    class: Option<Rect>,
    bars: Option<Rect>,
    tempo: Option<Rect>,
    key: Option<Rect>,
    file: Rect,
    reject: Rect,
}

fn columns(row: Rect, tab: Tab, low: bool) -> Columns {
    let mut line = Line::new(row.shrink2(vec2(8.0, 0.0)), 6.0);
    let play = line.left(26.0);
    let star = line.left(22.0);
    let score = line.left(if row.width() < 420.0 { 30.0 } else { 74.0 });
    let reject = line.right(24.0);
    let file = line.right(18.0);
    // The words keep at least this much.
    let room = |line: &Line, width: f32| line.rest().width() - width > if low { 150.0 } else { 190.0 };
    let (hits, mixed) = (tab == Tab::Kind(ItemKind::OneShot), tab == Tab::Favourites);
    let tempo = (!hits && room(&line, 60.0)).then(|| line.right(56.0));
    let bars = (!hits && room(&line, 64.0)).then(|| line.right(60.0));
    let key = (!hits && room(&line, 44.0)).then(|| line.right(40.0));
    let class = ((hits || mixed) && room(&line, 96.0)).then(|| line.right(92.0));
    Columns {
        play,
        star,
        score,
        words: line.rest(),
        class,
        bars,
        tempo,
        key,
        file,
        reject,
    }
}

/// Draws it, and hears clicks and drags.
pub(crate) fn show(ui: &mut Ui, at: &Layout, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let names = Rect::from_min_max(
        at.list.min,
        pos2(at.list.right(), (at.list.top() + NAMES).min(at.list.bottom())),
    );
    column_names(ui, names, at, model);
    let place = Rect::from_min_max(pos2(at.list.left(), names.bottom()), at.list.max);
    let height = row_height(at.low);
    let below = ui.interact(place, Id::unique("below the rows"), Sense::click());
    if below.clicked() {
        // The empty part below the last row.
        keys::focus(ui);
        model.selection.clear();
    }
    let mut child = ui.new_child(UiBuilder::new().max_rect(place).id_salt("list"));
    child.spacing_mut().item_spacing = vec2(0.0, 0.0);
    child.set_clip_rect(place.intersect(ui.clip_rect()));
    let mut area = ScrollArea::vertical()
        .id_salt(model.tab())
        .auto_shrink(false)
        .scroll_source(ScrollSource::SCROLL_BAR | ScrollSource::MOUSE_WHEEL);
    if let Some(row) = model.scroll_to.take() {
        let state = egui::scroll_area::State::load(ui.ctx(), child.make_persistent_id(model.tab()));
        let offset = state.map_or(0.0, |state| state.clamped_offset().y);
        let (top, bottom) = (row as f32 * height, (row + 1) as f32 * height);
        if top < offset {
            area = area.vertical_scroll_offset(top);
        } else if bottom > offset + place.height() {
            area = area.vertical_scroll_offset((bottom - place.height()).max(0.0));
        }
    }
    let total = model.rows.len();
    area.show_rows(&mut child, height, total, |ui, range| {
        let (left, right) = (ui.max_rect().left(), ui.max_rect().right());
        let top = ui.max_rect().top();
        let first = range.start;
        for index in range {
            let y = top + (index - first) as f32 * height;
            let rect = Rect::from_min_max(pos2(left, y), pos2(right, y + height));
            let Some(&row) = model.rows.get(index) else { continue };
            let Some(item) = row.item(scene.snapshot) else { continue };
            show_row(ui, rect, index, row, item, at.low, scene, model, wishes);
        }
    });
}

fn column_names(ui: &mut Ui, rect: Rect, at: &Layout, model: &mut Model) {
    ui.painter().rect_filled(rect, 0.0, theme::GROUND);
    let places = columns(rect, model.tab(), at.low);
    let score = Rect::from_min_max(places.score.min, pos2(places.score.right(), rect.bottom()));
    let entries = [
        (Some(score), "Score", Order::Score, Align2::LEFT_CENTER, "Best first."),
        (
            Some(places.words),
            "Name",
            Order::Time,
            Align2::LEFT_CENTER,
            "In the order they were played.",
        ),
        (places.bars, "Bars", Order::Bars, Align2::RIGHT_CENTER, "Longest first."),
        (
            places.tempo,
            "BPM",
            Order::Tempo,
            Align2::RIGHT_CENTER,
            "Slowest first. The tempo of the loop itself.",
        ),
        (places.key, "Key", Order::Score, Align2::LEFT_CENTER, ""),
        (places.class, "What", Order::Name, Align2::LEFT_CENTER, "By name."),
    ];
    for (place, words, order, align, tip) in entries {
        let Some(place) = place else { continue };
        let sortable = !tip.is_empty();
        let chosen = sortable && model.order == order;
        let response = ui.interact(
            place,
            Id::unique(("column", words)),
            if sortable { Sense::click() } else { Sense::hover() },
        );
        let colour = if chosen { theme::ACCENT } else { theme::MUTED };
        let font = if chosen { theme::bold(10.5) } else { theme::plain(10.5) };
        let shown = if words == "Name" && chosen {
            "Name, as played"
        } else {
            words
        };
        text(ui.painter(), place, align, shown, font, colour);
        if sortable {
            if response.clicked() {
                model.order = order;
                model.scroll_to = Some(0);
            }
            response
                .on_hover_cursor(CursorIcon::PointingHand)
                .on_hover_text(format!("Sort: {tip}"));
        }
    }
    ui.painter()
        .hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, theme::LINE));
}

#[allow(clippy::too_many_arguments)]
fn show_row(
    ui: &mut Ui,
    rect: Rect,
    index: usize,
    row: Row,
    item: &Item,
    low: bool,
    scene: &Scene<'_>,
    model: &mut Model,
    wishes: &mut Wishes,
) {
    let id = item.id;
    let places = columns(rect, model.tab(), low);
    let response = ui.interact(rect, Id::unique(("row", id)), Sense::click_and_drag());
    let selected = model.selection.contains(id);
    let playing = model.playing(scene) == Some(id);
    if response.contains_pointer() {
        model.hovering = Some(id);
    }
    let lit = model.hovered == Some(id);
    let painter = ui.painter().clone();
    let ground = match (selected, lit) {
        (true, _) => theme::CHOSEN,
        (false, true) => theme::RAISED,
        (false, false) if index % 2 == 1 => theme::mix(theme::GROUND, theme::PANEL, 0.6),
        _ => theme::GROUND,
    };
    painter.rect_filled(rect, 0.0, ground);
    let colour = theme::colour(item.kind);
    if selected {
        painter.rect_filled(Rect::from_min_size(rect.min, vec2(3.0, rect.height())), 0.0, colour);
    }
    score(&painter, places.score, rows::score(item), colour);
    words(ui, &places, row, item, low);
    file(ui, places.file, item);
    if playing
        && let Some((heard, part)) = scene.heard
        && heard == id
        && part.is_finite()
    {
        let done = rect.width() * part.clamp(0.0, 1.0) as f32;
        let line = Rect::from_min_size(pos2(rect.left(), rect.bottom() - 2.0), vec2(done, 2.0));
        painter.rect_filled(line, 0.0, theme::ACCENT);
    }
    press(ui, &response, id, scene, model, wishes);

    let (icon, name) = if playing {
        (Icon::Stop, "Stop")
    } else {
        (Icon::Play, "Hear it")
    };
    let face = Face::icon(icon, name).colour(if playing { theme::ACCENT } else { theme::TEXT });
    let middle =
        |place: Rect| Rect::from_center_size(place.center(), vec2(place.width(), 24.0_f32.min(place.height())));
    if button(
        ui,
        middle(places.play),
        ("play", id),
        &face,
        "Hears it through the plugin's output (Enter).",
    )
    .clicked()
    {
        model.audition(scene, id, wishes);
    }
    let star = model.ahead.favourite(item);
    let face = Face::icon(Icon::Star(star), "Favourite").colour(if star { theme::STAR } else { theme::MUTED });
    let tip = if star {
        "A favourite: it stays in the project (F)."
    } else {
        "Makes it a favourite: its file stays, also when it is analysed anew (F)."
    };
    if button(ui, middle(places.star), ("star", id), &face, tip).clicked() {
        model.star(scene, id, !star, wishes);
    }
    if matches!(row, Row::Live(_)) && (lit || selected) {
        let face = Face::icon(Icon::Cross, "Reject").colour(theme::MUTED);
        let tip = "Rejects it: it is not suggested again (Delete). Ctrl+Z takes that back.";
        if button(ui, middle(places.reject), ("reject", id), &face, tip).clicked() {
            let ids = if selected {
                model.selection.ids().to_vec()
            } else {
                vec![id]
            };
            model.reject(scene, &ids, wishes);
        }
    }
}

/// Selection, audition, dragging.
fn press(ui: &Ui, response: &egui::Response, id: ItemId, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let (pressed, held, origin) = ui.input(|i| {
        (
            i.pointer.primary_pressed(),
            Held::from(i.modifiers),
            i.pointer.interact_pos(),
        )
    });
    // A quick click comes and goes within one frame.
    if pressed
        && (response.is_pointer_button_down_on() || response.clicked())
        && let Some(pos) = origin
    {
        keys::focus(ui);
        model.press(scene, id, held, pos, wishes);
    }
    if response.clicked() {
        keys::focus(ui);
        model.click(scene, id, held, wishes);
    }
}

fn score(painter: &egui::Painter, place: Rect, score: f32, colour: egui::Color32) {
    let number = Rect::from_min_size(place.min, vec2(26.0, place.height()));
    text(
        painter,
        number,
        Align2::RIGHT_CENTER,
        &format!("{:.0}", score * 100.0),
        theme::bold(12.0),
        theme::TEXT,
    );
    let rail = Rect::from_min_max(
        pos2(number.right() + 6.0, place.center().y - 2.5),
        pos2(place.right(), place.center().y + 2.5),
    );
    if rail.width() > 8.0 {
        painter.rect_filled(rail, 2.5, theme::HOVER);
        let done = Rect::from_min_size(rail.min, vec2(rail.width() * score, rail.height()));
        painter.rect_filled(done, 2.5, colour);
    }
}

fn words(ui: &mut Ui, places: &Columns, row: Row, item: &Item, low: bool) {
    let painter = &ui.painter().clone();
    let mut place = places.words;
    let sign = Rect::from_min_size(
        pos2(
            place.left(),
            if low { place.center().y - 7.0 } else { place.top() + 4.0 },
        ),
        vec2(14.0, 14.0),
    );
    icons::paint(painter, sign, Icon::Kind(item.kind), theme::colour(item.kind));
    place.min.x += 20.0;
    if low {
        text(
            painter,
            place,
            Align2::LEFT_CENTER,
            &item.title,
            theme::bold(12.0),
            theme::TEXT,
        );
    } else {
        let (top, bottom) = place.split_top_bottom_at_fraction(0.52);
        text(
            painter,
            top,
            Align2::LEFT_CENTER,
            &item.title,
            theme::bold(12.5),
            theme::TEXT,
        );
        let missing = matches!(item.file, FileState::Missing(_));
        let under = match (&item.file, row) {
            (FileState::Missing(path), _) => format!("File missing: {}", path.display()),
            (FileState::Failed(why), _) => format!("Not written: {why}"),
            (_, Row::Kept(_)) if item.reasons.is_empty() => "From an earlier session".to_owned(),
            _ => item.reasons.join(" · "),
        };
        let colour = if missing { theme::WARNING } else { theme::MUTED };
        let bottom = bottom.translate(vec2(0.0, -3.0));
        text(painter, bottom, Align2::LEFT_CENTER, &under, theme::plain(10.5), colour);
    }
    let column = |place: Option<Rect>, align, words: &str, colour| {
        if let Some(place) = place {
            text(painter, place, align, words, theme::plain(12.0), colour);
        }
    };
    column(places.bars, Align2::RIGHT_CENTER, &bars_words(item.bars), theme::TEXT);
    if item.bpm > 0.0 && item.bpm.is_finite() {
        column(
            places.tempo,
            Align2::RIGHT_CENTER,
            &format!("{:.1}", item.bpm),
            theme::TEXT,
        );
    }
    column(
        places.key,
        Align2::LEFT_CENTER,
        item.key.as_deref().unwrap_or("–"),
        theme::TEXT,
    );
    let class = item.class.as_deref().unwrap_or(theme::name(item.kind));
    column(places.class, Align2::LEFT_CENTER, class, theme::colour(item.kind));
    let hover = Rect::from_min_max(places.words.min, places.words.max);
    let response = ui.interact(hover, Id::unique(("words", item.id)), Sense::hover());
    let title = item.title.clone();
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &title));
    if low {
        let none = rows::Ahead::default();
        response.on_hover_ui(|ui| details::show(ui, item, &none));
    }
}

/// How its file is.
fn file(ui: &mut Ui, place: Rect, item: &Item) {
    let (icon, colour, tip) = match &item.file {
        FileState::None => return,
        FileState::Writing => {
            let painter = ui.painter();
            for (index, x) in [-5.0, 0.0, 5.0].into_iter().enumerate() {
                let lit = (ui.input(|i| i.time) * 3.0) as usize % 3 == index;
                let colour = if lit { theme::TEXT } else { theme::HOVER };
                painter.circle_filled(place.center() + vec2(x, 0.0), 1.6, colour);
            }
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
            return;
        }
        FileState::Ready(path) => (
            Icon::Grip,
            theme::MUTED,
            format!("Ready to be dragged.\n{}", path.display()),
        ),
        FileState::Missing(path) => (
            Icon::Warning,
            theme::WARNING,
            format!(
                "Its file is not where it was:\n{}\nSelect it to say where it is now.",
                path.display()
            ),
        ),
        FileState::Failed(why) => (
            Icon::Warning,
            theme::ERROR,
            format!("Its file could not be written: {why}"),
        ),
    };
    icons::paint(ui.painter(), place, icon, colour);
    ui.interact(place, Id::unique(("file", item.id)), Sense::hover())
        .on_hover_text(tip);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_in_words() {
        for (bars, words) in [
            (1.0, "1 bar"),
            (4.0, "4 bars"),
            (0.5, "½ bar"),
            (2.5, "2½ bars"),
            (3.999, "4 bars"),
            (0.0, ""),
            (f64::NAN, ""),
        ] {
            assert_eq!(bars_words(bars), words);
        }
        assert_eq!(bars_words(1.25), "1.25 bars");
    }

    #[test]
    fn columns_never_overlap() {
        for width in [40.0, 200.0, 420.0, 560.0, 960.0, 3000.0] {
            for tab in Tab::ALL {
                let row = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, 40.0));
                let c = columns(row, tab, width < 600.0);
                let right = [c.key, c.bars, c.tempo]
                    .into_iter()
                    .flatten()
                    .map(|r| r.left())
                    .fold(f32::MAX, f32::min);
                assert!(c.words.right() <= right, "{width} {tab:?}");
                assert!(c.words.width() >= 0.0);
            }
        }
    }
}
