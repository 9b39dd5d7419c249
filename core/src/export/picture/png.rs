//! PNG, eight bits a channel, two pixels a unit.

use std::io::Write;

use tiny_skia::{Color, FillRule, LineCap, LineJoin, PathBuilder, Pixmap, Stroke, Transform};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::super::FormatError;
use super::{Anchor, Paint, Picture, PictureFormat, Point, Shape, Text};

/// PNG.
#[derive(Debug, Clone, Copy)]
pub struct Png;

/// Pixels a unit: sharp on dense displays, and when somebody looks closer.
const SCALE: f64 = 2.0;
/// Most pixels: 240 MB of memory while drawing.
const MOST_PIXELS: f64 = 60e6;

/// Subsets of DejaVu Sans (Latin, Greek, Cyrillic, arrows, notes): see LICENSE-FONTS.
static REGULAR: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans-subset.ttf");
static BOLD: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans-Bold-subset.ttf");

impl PictureFormat for Png {
    fn extension(&self) -> &'static str {
        "png"
    }

    fn write(&self, out: &mut dyn Write, picture: &Picture) -> Result<(), FormatError> {
        let pixels = draw(picture)?;
        let bytes = pixels
            .encode_png()
            .map_err(|e| FormatError::Unfit(format!("the picture cannot be written as PNG: {e}")))?;
        out.write_all(&bytes)?;
        Ok(())
    }
}

fn draw(picture: &Picture) -> Result<Pixmap, FormatError> {
    let too_large = || FormatError::Unfit("the picture is too large for PNG: choose a shorter range, or SVG".into());
    let area = picture.width * picture.height;
    // A long picture is drawn at one pixel a unit rather than not at all.
    let scale = if area * SCALE * SCALE <= MOST_PIXELS {
        SCALE
    } else {
        1.0
    };
    if !area.is_finite() || area * scale * scale > MOST_PIXELS {
        return Err(too_large());
    }
    let size = |x: f64| (x * scale).ceil().max(1.0) as u32;
    let mut pixels = Pixmap::new(size(picture.width), size(picture.height)).ok_or_else(too_large)?;
    let paper = picture.paper;
    pixels.fill(colour(paper));
    let fonts = Fonts {
        regular: font(REGULAR)?,
        bold: font(BOLD)?,
    };
    let canvas = Transform::from_scale(scale as f32, scale as f32);
    for shape in &picture.shapes {
        paint(&mut pixels, canvas, &fonts, shape);
    }
    Ok(pixels)
}

struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

fn font(bytes: &'static [u8]) -> Result<Face<'static>, FormatError> {
    Face::parse(bytes, 0).map_err(|e| FormatError::Unfit(format!("the built-in font is damaged: {e}")))
}

fn colour(paint: Paint) -> Color {
    let [_, r, g, b] = paint.rgb.to_be_bytes();
    Color::from_rgba8(r, g, b, (paint.alpha.clamp(0.0, 1.0) * 255.0).round() as u8)
}

fn solid(paint: Paint) -> tiny_skia::Paint<'static> {
    let mut out = tiny_skia::Paint::default();
    out.set_color(colour(paint));
    out.anti_alias = true;
    out
}

fn paint(pixels: &mut Pixmap, canvas: Transform, fonts: &Fonts, shape: &Shape) {
    let mut path = PathBuilder::new();
    match shape {
        Shape::Cells {
            at,
            size,
            columns,
            colours,
        } => return cells(pixels, canvas.sx.into(), *at, *size, (*columns, colours)),
        Shape::Rect { at, size, radius, .. } => rounded(&mut path, *at, *size, *radius),
        Shape::Lines { runs, .. } => runs.iter().for_each(|run| points(&mut path, run)),
        Shape::Area { outline, .. } => {
            points(&mut path, outline);
            path.close();
        }
        Shape::Text(text) => glyphs(&mut path, fonts, text),
    }
    // Nothing but what is not finite or empty makes no path.
    let Some(path) = path.finish() else { return };
    match shape {
        Shape::Lines { width, paint, .. } => {
            let stroke = Stroke {
                width: *width as f32,
                line_cap: LineCap::Butt,
                line_join: LineJoin::Round,
                ..Stroke::default()
            };
            pixels.stroke_path(&path, &solid(*paint), &stroke, canvas, None);
        }
        Shape::Rect { paint, .. } | Shape::Area { paint, .. } | Shape::Text(Text { paint, .. }) => {
            pixels.fill_path(&path, &solid(*paint), FillRule::Winding, canvas, None);
        }
        Shape::Cells { .. } => {}
    }
}

/// Each pixel takes the colour of the cell that its centre lies in.
fn cells(pixels: &mut Pixmap, scale: f64, at: Point, size: Point, (columns, colours): (usize, &[u32])) {
    let rows = colours.len() / columns.max(1);
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let edge = |x: f64, most: usize| ((x * scale).round().max(0.0) as usize).min(most);
    let (left, right) = (edge(at.0, width), edge(at.0 + size.0, width));
    let (top, bottom) = (edge(at.1, height), edge(at.1 + size.1, height));
    let (wide, high) = (right.saturating_sub(left).max(1), bottom.saturating_sub(top).max(1));
    let (data, _) = pixels.data_mut().as_chunks_mut::<4>();
    for (y, row) in data.chunks_exact_mut(width).enumerate().take(bottom).skip(top) {
        let cells = &colours[(y - top) * rows / high * columns..][..columns];
        for (x, pixel) in row.iter_mut().enumerate().take(right).skip(left) {
            let [_, r, g, b] = cells[(x - left) * columns / wide].to_be_bytes();
            *pixel = [r, g, b, 255];
        }
    }
}

fn points(path: &mut PathBuilder, points: &[Point]) {
    for (i, (x, y)) in points.iter().enumerate() {
        if i == 0 {
            path.move_to(*x as f32, *y as f32);
        } else {
            path.line_to(*x as f32, *y as f32);
        }
    }
}

fn rounded(path: &mut PathBuilder, at: Point, size: Point, radius: f64) {
    let (l, t) = (at.0 as f32, at.1 as f32);
    let (r, b) = ((at.0 + size.0) as f32, (at.1 + size.1) as f32);
    let c = radius.min(size.0 / 2.0).min(size.1 / 2.0).max(0.0) as f32;
    path.move_to(l + c, t);
    path.line_to(r - c, t);
    path.quad_to(r, t, r, t + c);
    path.line_to(r, b - c);
    path.quad_to(r, b, r - c, b);
    path.line_to(l + c, b);
    path.quad_to(l, b, l, b - c);
    path.line_to(l, t + c);
    path.quad_to(l, t, l + c, t);
    path.close();
}

/// Outlines of a line of text.
fn glyphs(path: &mut PathBuilder, fonts: &Fonts, text: &Text) {
    let face = if text.bold { &fonts.bold } else { &fonts.regular };
    let scale = text.size / f64::from(face.units_per_em().max(1));
    let visible = text.words.chars().filter(|c| !c.is_control());
    // Characters that the font lacks show as its empty box.
    let row: Vec<GlyphId> = visible.map(|c| face.glyph_index(c).unwrap_or(GlyphId(0))).collect();
    let advance = |g: &GlyphId| f64::from(face.glyph_hor_advance(*g).unwrap_or(0)) * scale;
    let width: f64 = row.iter().map(advance).sum();
    let mut x = match text.anchor {
        Anchor::Start => text.at.0,
        Anchor::Middle => text.at.0 - width / 2.0,
        Anchor::End => text.at.0 - width,
    };
    for glyph in row {
        let mut pen = Pen {
            path: &mut *path,
            x: x as f32,
            y: text.at.1 as f32,
            scale: scale as f32,
        };
        face.outline_glyph(glyph, &mut pen);
        x += advance(&glyph);
    }
}

/// Draws a glyph, whose own coordinates grow upwards, at its place.
struct Pen<'a> {
    path: &'a mut PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn at(pixels: &Pixmap, x: f64, y: f64) -> [u8; 3] {
        let p = pixels
            .pixel((x * SCALE) as u32, (y * SCALE) as u32)
            .unwrap()
            .demultiply();
        [p.red(), p.green(), p.blue()]
    }

    #[test]
    fn shapes_lie_where_they_are_put() {
        let pixels = draw(&sample()).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (240, 120));
        let paper = [0x10, 0x20, 0x30];
        for (x, y, expected) in [
            (5.0, 5.0, paper),
            (20.0, 15.0, [255, 0, 0]),
            (10.2, 10.2, paper), // the corner is round
            (80.0, 45.0, [0, 0, 255]),
            (72.0, 32.0, paper),
        ] {
            assert_eq!(at(&pixels, x, y), expected, "{x} {y}");
        }
        // Half-transparent green over the paper.
        let [r, g, b] = at(&pixels, 50.0, 30.0);
        assert!(
            r.abs_diff(8) <= 1 && g.abs_diff(0x90) <= 1 && b.abs_diff(24) <= 1,
            "{r} {g} {b}"
        );
        // Text inks the place that it is put to, and none left of it.
        let inked = |x0: f64, x1: f64, y0: f64, y1: f64| {
            let mut n = 0;
            for y in (y0 * SCALE) as u32..(y1 * SCALE) as u32 {
                for x in (x0 * SCALE) as u32..(x1 * SCALE) as u32 {
                    n += usize::from(at(&pixels, f64::from(x) / SCALE, f64::from(y) / SCALE) != paper);
                }
            }
            n
        };
        assert!(inked(10.0, 50.0, 40.0, 52.0) > 30);
        assert_eq!(inked(0.0, 10.0, 38.0, 55.0), 0);
        assert!(inked(98.0, 110.0, 10.0, 21.0) > 30, "anchored at its right end");
        assert_eq!(inked(111.0, 120.0, 5.0, 25.0), 0);
    }

    #[test]
    fn the_file_is_a_png_and_always_the_same() {
        let bytes = || {
            let mut out = Vec::new();
            Png.write(&mut out, &sample()).unwrap();
            out
        };
        let png = bytes();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(png, bytes());
    }

    #[test]
    fn sizes_that_no_memory_holds_are_refused() {
        for (width, height) in [(1e6, 1e6), (f64::NAN, 10.0), (f64::INFINITY, 1.0)] {
            let picture = Picture {
                width,
                height,
                ..sample()
            };
            assert!(matches!(draw(&picture), Err(FormatError::Unfit(_))));
        }
        let long = Picture {
            width: 1600.0,
            height: 20_000.0,
            ..sample()
        };
        assert_eq!(draw(&long).unwrap().width(), 1600, "one pixel a unit");
    }

    #[test]
    fn the_font_has_what_titles_and_labels_need() {
        for bytes in [REGULAR, BOLD] {
            let face = font(bytes).unwrap();
            for c in "Az09 ·–—×…éßøŁžΩяЖ♯♭♪→".chars() {
                assert!(face.glyph_index(c).is_some_and(|g| g.0 > 0), "no {c}");
            }
        }
    }
}
