//! The picture of the history: takes, bars, suggestions.

use egui::{Align2, Color32, CursorIcon, Id, PointerButton, Rect, Sense, Shape, Stroke, StrokeKind, Ui, pos2, vec2};

use crate::snapshot::{Item, ItemId, Snapshot, TakeView};

use super::icons::{self, Icon};
use super::layout::Layout;
use super::model::{Model, Scene, Wishes};
use super::rows::Row;
use super::select::Held;
use super::timeline::{Scale, Timeline, View, bar_steps, lanes, timeline};
use super::widgets::{text, text_width};
use super::{mesh, take, theme};

/// A suggestion in the picture.
struct Region {
    id: ItemId,
    row: usize,
    left: f32,
    right: f32,
    lane: Option<usize>,
}

/// The picture's parts.
struct Parts {
    info: Rect,
    ruler: Rect,
    wave: Rect,
    lanes: Rect,
    lane: f32,
    count: usize,
}

fn parts(rect: Rect, low: bool) -> Parts {
    let (info, ruler) = if low { (24.0, 13.0) } else { (28.0, 16.0) };
    let lane = if low { 11.0 } else { 16.0 };
    let inner = rect.shrink2(vec2(8.0, 0.0));
    let room = (inner.height() - info - ruler - 4.0).max(0.0);
    let count = ((room * 0.42 / lane).floor() as usize).clamp(1, 5);
    let strip = (lane * count as f32).min(room);
    let cut = |from: f32, to: f32| {
        let (from, to) = (from.min(inner.bottom()), to.min(inner.bottom()));
        Rect::from_min_max(pos2(inner.left(), from), pos2(inner.right(), to.max(from)))
    };
    let top = inner.top();
    Parts {
        info: cut(top, top + info),
        ruler: cut(top + info, top + info + ruler),
        wave: cut(top + info + ruler, top + info + ruler + room - strip),
        lanes: cut(top + info + ruler + room - strip, top + info + ruler + room),
        lane,
        count,
    }
}

/// Draws it, and hears clicks, drags and the wheel.
pub(crate) fn show(ui: &mut Ui, at: &Layout, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let snapshot = scene.snapshot;
    let parts = parts(at.wave, at.low);
    ui.painter().rect_filled(at.wave, 0.0, theme::PANEL);
    take::show(ui, parts.info, scene, model, wishes);

    let line = timeline(&snapshot.takes);
    let growing = snapshot.takes.last().is_some_and(|take| take.open) && snapshot.status.capturing;
    let whole = line.whole(growing);
    let picture = Rect::from_min_max(parts.ruler.min, parts.lanes.max);
    if picture.width() < 8.0 || picture.height() < 8.0 {
        return;
    }
    let response = ui.interact(picture, Id::unique("waveform"), Sense::click_and_drag());
    look_around(ui, &response, whole, model);
    follow(snapshot, &line, whole, model);
    let (from, seconds) = model.view.range(whole);
    let scale = Scale {
        left: picture.left(),
        width: picture.width(),
        from,
        seconds,
    };

    let painter = ui.painter_at(picture);
    painter.rect_filled(parts.wave.union(parts.lanes), 4.0, theme::GROUND);
    let regions = regions(snapshot, model, &line, &scale, &parts);
    let under = response
        .hover_pos()
        .and_then(|pos| hit(&regions, model, &parts, pos))
        .map(|region| region.id);
    if under.is_some() {
        model.hovering = under;
    }

    for span in &line.spans {
        let Some(take) = snapshot.takes.get(span.index) else {
            continue;
        };
        let (left, right) = (scale.x(span.at), scale.x(span.at + span.seconds));
        let ground = Rect::from_min_max(pos2(left, parts.wave.top()), pos2(right, parts.lanes.bottom()));
        painter.rect_filled(ground, 3.0, Color32::from_rgb(0x17, 0x1a, 0x20));
        bars(
            &painter,
            take,
            span.first,
            &|frame| scale.x(span.seconds_of(frame)),
            &scale,
            &parts,
        );
    }
    overlays(&painter, &regions, snapshot, model, &parts, true);
    painter.add(Shape::mesh(mesh::waveform(
        snapshot,
        &line,
        &scale,
        parts.wave,
        ui.pixels_per_point(),
        &mut model.cache,
    )));
    overlays(&painter, &regions, snapshot, model, &parts, false);
    blocks(&painter, &regions, snapshot, model, &parts);
    edge(&painter, &line, snapshot, &scale, &parts, scene.now);
    playhead(&painter, scene, &line, &scale, &parts);
    if line.spans.is_empty() {
        let y = parts.wave.union(parts.lanes).center().y;
        painter.hline(parts.wave.x_range().shrink(12.0), y, Stroke::new(1.0, theme::LINE));
    }
    hear(ui, &response, &regions, scene, model, &parts, (&line, &scale), wishes);
}

/// Wheel and pan.
fn look_around(ui: &Ui, response: &egui::Response, whole: f64, model: &mut Model) {
    if response.contains_pointer()
        && let Some(pos) = ui.input(|i| i.pointer.hover_pos())
    {
        let (scroll, pinch) = ui.input(|i| (i.smooth_scroll_delta(), i.zoom_delta()));
        let pivot = f64::from((pos.x - response.rect.left()) / response.rect.width()).clamp(0.0, 1.0);
        let factor = f64::from(scroll.y / 160.0).exp2() * f64::from(pinch);
        if factor != 1.0 {
            model.view = model.view.zoomed(whole, factor, pivot);
        }
        if scroll.x != 0.0 {
            model.view = model.view.panned(whole, -f64::from(scroll.x / response.rect.width()));
        }
    }
    let held = response.dragged_by(PointerButton::Primary) && model.drag == super::drag::Drag::Idle;
    if held || response.dragged_by(PointerButton::Middle) {
        model.view = model
            .view
            .panned(whole, -f64::from(response.drag_delta().x / response.rect.width()));
        if model.view != View::Whole {
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        }
    }
}

/// Brings what was selected last into view.
fn follow(snapshot: &Snapshot, line: &Timeline, whole: f64, model: &mut Model) {
    let cursor = model.selection.cursor();
    if cursor == model.followed {
        return;
    }
    model.followed = cursor;
    if let Some(item) = model.current(snapshot)
        && let Some(span) = line.span(item.take)
    {
        let (from, to) = (item.start as f64, item.start.saturating_add(item.frames) as f64);
        model.view = model.view.showing(whole, span.seconds_of(from), span.seconds_of(to));
    }
}

/// What of the list can be seen, in lanes.
fn regions(snapshot: &Snapshot, model: &Model, line: &Timeline, scale: &Scale, parts: &Parts) -> Vec<Region> {
    let mut list: Vec<Region> = Vec::with_capacity(model.rows.len());
    for (row, place) in model.rows.iter().enumerate() {
        let (Row::Live(_), Some(item)) = (place, place.item(snapshot)) else {
            continue;
        };
        let Some(span) = line.span(item.take) else { continue };
        let left = scale.x(span.seconds_of(item.start as f64));
        let right = scale
            .x(span.seconds_of(item.start.saturating_add(item.frames) as f64))
            .max(left + 3.0);
        if right >= scale.left && left <= scale.left + scale.width {
            list.push(Region {
                id: item.id,
                row,
                left,
                right,
                lane: None,
            });
        }
    }
    // The best of the list come first, whatever it is sorted by.
    let places = lanes(list.iter().map(|region| (region.left, region.right)), parts.count, 1.0);
    for (region, lane) in list.iter_mut().zip(places) {
        region.lane = lane;
    }
    list
}

/// The suggestion under a point: in the lanes the block, in the waveform a selected one, else the best.
fn hit<'a>(regions: &'a [Region], model: &Model, parts: &Parts, pos: egui::Pos2) -> Option<&'a Region> {
    let mut inside = regions
        .iter()
        .filter(|region| pos.x >= region.left - 1.0 && pos.x <= region.right + 1.0);
    if pos.y >= parts.lanes.top() {
        let lane = ((pos.y - parts.lanes.top()) / parts.lane) as usize;
        return inside.find(|region| region.lane == Some(lane));
    }
    if pos.y < parts.wave.top() {
        return None;
    }
    let selected = inside.clone().find(|region| model.selection.contains(region.id));
    selected.or_else(|| inside.next())
}

#[allow(clippy::too_many_arguments)]
fn hear(
    ui: &Ui,
    response: &egui::Response,
    regions: &[Region],
    scene: &Scene<'_>,
    model: &mut Model,
    parts: &Parts,
    (line, scale): (&Timeline, &Scale),
    wishes: &mut Wishes,
) {
    let Some(pos) = response.interact_pointer_pos().or(response.hover_pos()) else {
        return;
    };
    let (pressed, held) = ui.input(|i| (i.pointer.primary_pressed(), Held::from(i.modifiers)));
    let region = hit(regions, model, parts, pos).map(|region| (region.id, region.row));
    // A quick click comes and goes within one frame.
    if pressed && (response.is_pointer_button_down_on() || response.clicked()) {
        super::keys::focus(ui);
        // In the waveform only a selected stretch can be taken hold of: the rest of it pans.
        if let Some((id, row)) = region
            && (pos.y >= parts.lanes.top() || model.selection.contains(id))
        {
            model.press(scene, id, held, pos, wishes);
            model.scroll_to = Some(row);
        }
    }
    if response.clicked()
        && let Some((id, row)) = region
    {
        if !model.selection.contains(id) {
            model.selection.press(&model.ids, id, held);
            model.prepare(scene, wishes);
        }
        super::keys::focus(ui);
        model.click(scene, id, held, wishes);
        model.scroll_to = Some(row);
    }
    if response.double_clicked() && region.is_none() {
        let span = line
            .at(scale.seconds(pos.x))
            .filter(|_| model.view == View::Whole && line.spans.len() > 1);
        model.view = span.map_or(View::Whole, |span| View::Part {
            from: span.at,
            seconds: span.seconds,
        });
    }
    if let Some((id, _)) = region
        && response.hovered()
        && !model.drag.moved()
        && let Some((_, item)) = super::rows::find(scene.snapshot, id)
    {
        ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        response
            .clone()
            .on_hover_ui_at_pointer(|ui| super::details::show(ui, item, &model.ahead));
    }
}

/// Bar lines, and their numbers.
fn bars(painter: &egui::Painter, take: &TakeView, first: u64, x: &dyn Fn(f64) -> f32, scale: &Scale, parts: &Parts) {
    let (Some(&start), Some(&end)) = (take.bars.first(), take.bars.last()) else {
        return;
    };
    let count = take.bars.len();
    if count < 2 || end <= start || !start.is_finite() || !end.is_finite() {
        return;
    }
    let frames = (end - start) / (count - 1) as f64;
    let (lines, numbers) = bar_steps(frames / f64::from(take.rate.max(1)) * scale.density(), 5.0, 40.0);
    let (left, right) = (scale.left, scale.left + scale.width);
    let number = take.first_bar.unwrap_or(1);
    for (index, &bar) in take.bars.iter().enumerate() {
        // Counted so that round numbers are the ones that stay.
        let counted = number + index as i64 - 1;
        let (on_line, on_number) = (
            counted.rem_euclid(lines as i64) == 0,
            counted.rem_euclid(numbers as i64) == 0,
        );
        if !on_line || !bar.is_finite() || bar < first as f64 || bar > take.end as f64 {
            continue;
        }
        let x = x(bar);
        if x < left - 40.0 || x > right {
            continue;
        }
        let colour = if on_number {
            theme::mix(theme::GROUND, theme::MUTED, 0.35)
        } else {
            theme::LINE
        };
        painter.vline(x, parts.wave.top()..=parts.lanes.bottom(), Stroke::new(1.0, colour));
        if on_number {
            painter.vline(
                x,
                parts.ruler.center().y..=parts.ruler.bottom(),
                Stroke::new(1.0, colour),
            );
            let place = pos2(x + 3.0, parts.ruler.center().y);
            painter.text(place, Align2::LEFT_CENTER, counted + 1, theme::plain(9.5), theme::MUTED);
        }
    }
}

/// The stretches that are selected or under the pointer, through the whole height.
fn overlays(
    painter: &egui::Painter,
    regions: &[Region],
    snapshot: &Snapshot,
    model: &Model,
    parts: &Parts,
    under: bool,
) {
    for region in regions {
        let (selected, hovered) = (model.selection.contains(region.id), model.hovered == Some(region.id));
        if !selected && !hovered {
            continue;
        }
        let Some(item) = model.rows.get(region.row).and_then(|row| row.item(snapshot)) else {
            continue;
        };
        let colour = theme::colour(item.kind);
        let rect = Rect::from_min_max(
            pos2(region.left, parts.wave.top()),
            pos2(region.right, parts.wave.bottom()),
        );
        if under {
            painter.rect_filled(rect, 0.0, colour.gamma_multiply(if selected { 0.34 } else { 0.18 }));
        } else {
            let stroke = Stroke::new(if selected { 1.5 } else { 1.0 }, colour);
            painter.vline(rect.left(), rect.y_range(), stroke);
            painter.vline(rect.right(), rect.y_range(), stroke);
        }
    }
}

/// The suggestions as blocks, with what they are called where there is room.
fn blocks(painter: &egui::Painter, regions: &[Region], snapshot: &Snapshot, model: &Model, parts: &Parts) {
    for region in regions {
        let Some(lane) = region.lane else { continue };
        let Some(item) = model.rows.get(region.row).and_then(|row| row.item(snapshot)) else {
            continue;
        };
        let top = parts.lanes.top() + lane as f32 * parts.lane;
        let rect =
            Rect::from_min_max(pos2(region.left, top), pos2(region.right, top + parts.lane)).shrink2(vec2(0.5, 1.0));
        let colour = theme::colour(item.kind);
        let (selected, hovered) = (model.selection.contains(region.id), model.hovered == Some(region.id));
        // The better, the fuller.
        let part = 0.28 + 0.32 * super::rows::score(item);
        let fill = if selected || hovered {
            colour
        } else {
            theme::mix(theme::GROUND, colour, part)
        };
        painter.rect_filled(rect, 2.5, fill);
        if selected {
            painter.rect_stroke(rect, 2.5, Stroke::new(1.0, theme::TEXT), StrokeKind::Inside);
        }
        if rect.height() > 8.0 {
            let words = if selected || hovered {
                theme::GROUND
            } else {
                theme::TEXT
            };
            block_words(painter, rect, rect.intersect(parts.lanes), item, words);
        }
    }
}

/// The sign and the title of a block, or as much of it as there is room for.
fn block_words(painter: &egui::Painter, rect: Rect, visible: Rect, item: &Item, colour: Color32) {
    let font = theme::plain((rect.height() - 4.5).clamp(7.0, 10.0));
    let mut room = visible.shrink2(vec2(4.0, 0.0));
    if room.width() < 14.0 {
        return;
    }
    let title = text_width(painter, &item.title, font.clone());
    if room.width() >= title + 14.0 {
        let sign = Rect::from_min_size(pos2(room.left(), rect.center().y - 5.0), vec2(10.0, 10.0));
        icons::paint(painter, sign, Icon::Kind(item.kind), colour);
        room.min.x += 14.0;
    }
    if room.width() >= title {
        text(painter, room, Align2::LEFT_CENTER, &item.title, font, colour);
    } else {
        let score = format!("{:.0}", super::rows::score(item) * 100.0);
        text(painter, room, Align2::CENTER_CENTER, &score, font, colour);
    }
}

/// Where sound is coming in.
fn edge(painter: &egui::Painter, line: &Timeline, snapshot: &Snapshot, scale: &Scale, parts: &Parts, now: f64) {
    let Some(span) = line.spans.last() else { return };
    let open = snapshot.takes.get(span.index).is_some_and(|take| take.open);
    if !open || !snapshot.status.capturing {
        return;
    }
    let x = scale.x(span.at + span.seconds);
    painter.vline(
        x,
        parts.ruler.center().y..=parts.lanes.bottom(),
        Stroke::new(1.5, theme::RECORD),
    );
    let pulse = 2.5 + (now * std::f64::consts::PI).sin().abs() as f32;
    painter.circle_filled(pos2(x, parts.ruler.center().y), pulse, theme::RECORD);
}

/// Where the audition is.
fn playhead(painter: &egui::Painter, scene: &Scene<'_>, line: &Timeline, scale: &Scale, parts: &Parts) {
    let Some((id, part)) = scene.heard.filter(|(_, part)| part.is_finite()) else {
        return;
    };
    let Some((Row::Live(_), item)) = super::rows::find(scene.snapshot, id) else {
        return;
    };
    let Some(span) = line.span(item.take) else { return };
    let x = scale.x(span.seconds_of(item.start as f64 + part.clamp(0.0, 1.0) * item.frames as f64));
    painter.vline(
        x,
        parts.wave.top()..=parts.lanes.bottom(),
        Stroke::new(1.5, theme::TEXT),
    );
    let top = parts.wave.top();
    painter.add(Shape::convex_polygon(
        vec![pos2(x - 4.0, top), pos2(x + 4.0, top), pos2(x, top + 6.0)],
        theme::TEXT,
        Stroke::NONE,
    ));
}

/// Draws a small label with a ground of its own; for takes and the like.
pub(crate) fn tag(painter: &egui::Painter, at: egui::Pos2, words: &str, colour: Color32) -> f32 {
    let width = text_width(painter, words, theme::plain(10.5)) + 12.0;
    let rect = Rect::from_min_size(at, vec2(width, 17.0));
    painter.rect_filled(rect, 8.0, theme::mix(theme::PANEL, colour, 0.18));
    text(painter, rect, Align2::CENTER_CENTER, words, theme::plain(10.5), colour);
    width
}
