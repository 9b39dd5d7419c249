//! Signs, drawn as shapes: no font needs to have them.

use std::f32::consts::TAU;

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

use crate::snapshot::ItemKind;

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Let it be heard.
    Play,
    /// Silence.
    Stop,
    /// A favourite, or not yet.
    Star(bool),
    /// Reject, close, dismiss.
    Cross,
    /// Settings.
    Sliders,
    /// Help.
    Question,
    /// Something to take hold of.
    Grip,
    /// Mind this.
    Warning,
    /// A kind.
    Kind(ItemKind),
    /// Narrower.
    Funnel,
}

/// Draws a sign in the middle of `rect`, at most 16 points large.
pub(crate) fn paint(painter: &Painter, rect: Rect, icon: Icon, colour: Color32) {
    let size = rect.width().min(rect.height()).min(16.0);
    if size < 3.0 {
        return;
    }
    let c = rect.center();
    let r = size * 0.5;
    let line = Stroke::new(1.5, colour);
    match icon {
        Icon::Play => polygon(
            painter,
            &[
                c + vec2(-0.5, -0.7) * r,
                c + vec2(0.75, 0.0) * r,
                c + vec2(-0.5, 0.7) * r,
            ],
            colour,
        ),
        Icon::Stop => {
            painter.rect_filled(Rect::from_center_size(c, vec2(1.1, 1.1) * r), 1.0, colour);
        }
        Icon::Star(filled) => star(painter, c, r * 0.88, filled, colour),
        Icon::Cross => {
            let d = r * 0.45;
            painter.line_segment([c - vec2(d, d), c + vec2(d, d)], line);
            painter.line_segment([c + vec2(-d, d), c + vec2(d, -d)], line);
        }
        Icon::Sliders => {
            for (row, knob) in [(-0.5, 0.35), (0.0, -0.35), (0.5, 0.15)] {
                let y = c.y + row * r;
                painter.line_segment(
                    [pos2(c.x - 0.75 * r, y), pos2(c.x + 0.75 * r, y)],
                    Stroke::new(1.2, colour),
                );
                painter.circle_filled(pos2(c.x + knob * r, y), r * 0.24, colour);
            }
        }
        Icon::Question => {
            painter.text(
                c,
                egui::Align2::CENTER_CENTER,
                "?",
                super::theme::bold(size * 0.8),
                colour,
            );
        }
        Icon::Grip => {
            for x in [-0.25, 0.25] {
                for y in [-0.5, 0.0, 0.5] {
                    painter.circle_filled(c + vec2(x, y) * r, r * 0.13, colour);
                }
            }
        }
        Icon::Warning => {
            let points = vec![
                c + vec2(0.0, -0.75) * r,
                c + vec2(0.8, 0.65) * r,
                c + vec2(-0.8, 0.65) * r,
            ];
            painter.add(Shape::closed_line(points, Stroke::new(1.3, colour)));
            painter.line_segment(
                [c + vec2(0.0, -0.25) * r, c + vec2(0.0, 0.2) * r],
                Stroke::new(1.3, colour),
            );
            painter.circle_filled(c + vec2(0.0, 0.43) * r, 0.9, colour);
        }
        Icon::Kind(kind) => kind_sign(painter, c, r, kind, colour),
        Icon::Funnel => {
            for (row, half) in [(-0.45, 0.75), (0.0, 0.45), (0.45, 0.18)] {
                let y = c.y + row * r;
                painter.line_segment([pos2(c.x - half * r, y), pos2(c.x + half * r, y)], line);
            }
        }
    }
}

/// A ring with an arrow for loops, strokes for breaks, a decay for one-shots, a low wave for quiet ones.
fn kind_sign(painter: &Painter, c: Pos2, r: f32, kind: ItemKind, colour: Color32) {
    let line = Stroke::new(1.4, colour);
    match kind {
        ItemKind::Loop => ring(painter, c, r * 0.6, line),
        ItemKind::Break => {
            for (x, half) in [(-0.6, 0.7), (-0.2, 0.3), (0.2, 0.55), (0.6, 0.2)] {
                let x = c.x + x * r;
                painter.line_segment(
                    [pos2(x, c.y - half * r), pos2(x, c.y + half * r)],
                    Stroke::new(1.8, colour),
                );
            }
        }
        ItemKind::OneShot => polygon(
            painter,
            &[
                c + vec2(-0.65, -0.7) * r,
                c + vec2(0.75, 0.05) * r,
                c + vec2(-0.65, 0.7) * r,
                c + vec2(-0.4, 0.0) * r,
            ],
            colour,
        ),
        ItemKind::Quiet => {
            let points = (0..=12)
                .map(|step| {
                    let t = step as f32 / 12.0;
                    c + vec2((t * 2.0 - 1.0) * 0.8, (t * TAU).sin() * -0.35) * r
                })
                .collect();
            painter.add(Shape::line(points, line));
        }
    }
}

fn ring(painter: &Painter, c: Pos2, r: f32, line: Stroke) {
    let (from, to) = (-0.15 * TAU, 0.7 * TAU);
    let points: Vec<Pos2> = (0..=20)
        .map(|step| {
            let angle = from + (to - from) * step as f32 / 20.0;
            c + vec2(angle.cos(), angle.sin()) * r
        })
        .collect();
    let tip = points.last().copied().unwrap_or(c);
    painter.add(Shape::line(points, line));
    let along = vec2(-to.sin(), to.cos());
    let out = vec2(to.cos(), to.sin());
    let head = r * 0.6;
    polygon(
        painter,
        &[tip + along * head, tip + out * head * 0.7, tip - out * head * 0.7],
        line.color,
    );
}

fn star(painter: &Painter, c: Pos2, r: f32, filled: bool, colour: Color32) {
    let point = |step: usize| {
        let angle = -0.25 * TAU + TAU * step as f32 / 10.0;
        let r = if step.is_multiple_of(2) { r } else { r * 0.42 };
        c + vec2(angle.cos(), angle.sin()) * r
    };
    let outline: Vec<Pos2> = (0..10).map(point).collect();
    if filled {
        // A star is not convex: five kites are.
        for tip in 0..5 {
            polygon(
                painter,
                &[c, point((tip * 2 + 9) % 10), point(tip * 2), point(tip * 2 + 1)],
                colour,
            );
        }
        painter.add(Shape::closed_line(outline, Stroke::new(0.5, colour)));
    } else {
        painter.add(Shape::closed_line(outline, Stroke::new(1.1, colour)));
    }
}

fn polygon(painter: &Painter, points: &[Pos2], colour: Color32) {
    painter.add(Shape::convex_polygon(points.to_vec(), colour, Stroke::NONE));
}
