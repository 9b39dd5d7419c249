//! Pictures: what can be drawn, and the formats that hold it.
//!
//! A [`Picture`] is a list of shapes in the order in which they are painted, in user units of about a pixel, the origin at
//! the top left. Who draws knows no format, and the formats know nothing of music: [`svg`] writes text that scales, `png`
//! (feature `png`) pixels, with a font of its own so that the same picture has the same bytes on every machine.

#[cfg(feature = "png")]
pub mod png;
pub mod svg;

use std::io::Write;

use super::FormatError;

/// A colour with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paint {
    /// 0xRRGGBB, sRGB.
    pub rgb: u32,
    /// Opacity, 0 to 1.
    pub alpha: f32,
}

impl Paint {
    /// An opaque colour.
    pub const fn solid(rgb: u32) -> Self {
        Self { rgb, alpha: 1.0 }
    }

    /// The colour with another opacity.
    pub const fn at(self, alpha: f32) -> Self {
        Self { rgb: self.rgb, alpha }
    }
}

/// A place: to the right, and down.
pub type Point = (f64, f64);

/// Which point of a text its place names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// Text on one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Its place on the base line.
    pub at: Point,
    /// Which point of it that is.
    pub anchor: Anchor,
    /// Height of the font.
    pub size: f64,
    /// Heavier strokes.
    pub bold: bool,
    /// Colour.
    pub paint: Paint,
    /// What it says.
    pub words: String,
}

/// Something to paint.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A filled rectangle with rounded corners.
    Rect {
        /// Its upper left corner.
        at: Point,
        /// Width and height.
        size: Point,
        /// Radius of the corners.
        radius: f64,
        /// Colour.
        paint: Paint,
    },
    /// Lines through points.
    Lines {
        /// Each a line through its points.
        runs: Vec<Vec<Point>>,
        /// Thickness.
        width: f64,
        /// Colour.
        paint: Paint,
    },
    /// A filled polygon.
    Area {
        /// Its corners.
        outline: Vec<Point>,
        /// Colour.
        paint: Paint,
    },
    /// Text.
    Text(Text),
    /// A table of opaque colours that fills a rectangle without gaps.
    Cells {
        /// Its upper left corner.
        at: Point,
        /// Width and height.
        size: Point,
        /// Cells in a row.
        columns: usize,
        /// 0xRRGGBB, row by row.
        colours: Vec<u32>,
    },
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What it shows, for those who do not see it.
    pub title: String,
    /// The background.
    pub paper: Paint,
    /// The shapes, the first at the bottom.
    pub shapes: Vec<Shape>,
}

impl Picture {
    /// Paints a rectangle.
    pub fn rect(&mut self, at: Point, size: Point, radius: f64, paint: Paint) {
        self.shapes.push(Shape::Rect {
            at,
            size,
            radius,
            paint,
        });
    }

    /// Paints lines, each through its points; nothing where there are none.
    pub fn lines(&mut self, runs: Vec<Vec<Point>>, width: f64, paint: Paint) {
        if !runs.is_empty() {
            self.shapes.push(Shape::Lines { runs, width, paint });
        }
    }

    /// Paints a polygon; nothing where it has fewer than three corners.
    pub fn area(&mut self, outline: Vec<Point>, paint: Paint) {
        if outline.len() >= 3 {
            self.shapes.push(Shape::Area { outline, paint });
        }
    }

    /// Paints a table of colours, row by row, over a rectangle; nothing where there are no whole rows.
    pub fn cells(&mut self, at: Point, size: Point, columns: usize, colours: Vec<u32>) {
        if columns > 0 && colours.len() >= columns {
            self.shapes.push(Shape::Cells {
                at,
                size,
                columns,
                colours,
            });
        }
    }

    /// Writes text.
    pub fn text(&mut self, at: Point, anchor: Anchor, size: f64, paint: Paint, words: impl Into<String>) {
        self.shapes.push(Shape::Text(Text {
            at,
            anchor,
            size,
            bold: false,
            paint,
            words: words.into(),
        }));
    }

    /// Writes heavier text.
    pub fn bold(&mut self, at: Point, anchor: Anchor, size: f64, paint: Paint, words: impl Into<String>) {
        self.shapes.push(Shape::Text(Text {
            at,
            anchor,
            size,
            bold: true,
            paint,
            words: words.into(),
        }));
    }
}

/// About how wide text of `size` is: enough to see whether it fits, whatever the font.
pub fn text_width(words: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' | '/' => 0.32,
        'f' | 'r' | 't' | '(' | ')' | '!' => 0.4,
        'm' | 'w' | 'M' | 'W' | '%' => 0.95,
        c if c.is_ascii_lowercase() => 0.6,
        c if c.is_ascii_digit() => 0.64,
        _ => 0.7,
    };
    words.chars().map(em).sum::<f64>() * size
}

/// A picture file format.
pub trait PictureFormat: Sync {
    /// The file name's extension, without the dot.
    fn extension(&self) -> &'static str;

    /// Writes a whole file.
    fn write(&self, out: &mut dyn Write, picture: &Picture) -> Result<(), FormatError>;
}

/// Every picture format that this build can write.
pub static PICTURE_FORMATS: &[&dyn PictureFormat] = &[
    #[cfg(feature = "png")]
    &png::Png,
    &svg::Svg,
];

/// The format for files with `extension`, case ignored; `None` where this build has none.
pub fn picture_format(extension: &str) -> Option<&'static dyn PictureFormat> {
    let fits = |f: &&&dyn PictureFormat| f.extension().eq_ignore_ascii_case(extension);
    PICTURE_FORMATS.iter().find(fits).copied()
}

/// What the tests of both formats draw.
#[cfg(test)]
pub(crate) fn sample() -> Picture {
    let mut picture = Picture {
        width: 120.0,
        height: 60.0,
        title: "A & B".into(),
        paper: Paint::solid(0x102030),
        shapes: Vec::new(),
    };
    picture.rect((10.0, 10.0), (20.0, 10.0), 3.0, Paint::solid(0xff0000));
    picture.lines(
        vec![vec![(50.0, 5.0), (50.0, 55.0)]],
        2.0,
        Paint::solid(0x00ff00).at(0.5),
    );
    picture.area(vec![(70.0, 50.0), (90.0, 50.0), (80.0, 30.0)], Paint::solid(0x0000ff));
    picture.text(
        (10.0, 50.0),
        Anchor::Start,
        12.0,
        Paint::solid(0xffffff),
        "a < b ♯ \u{1}",
    );
    picture.bold((110.0, 20.0), Anchor::End, 12.0, Paint::solid(0xffffff), "H");
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_extension() {
        assert!(picture_format("svg").is_some() && picture_format("SVG").is_some());
        assert_eq!(picture_format("png").is_some(), cfg!(feature = "png"));
        assert!(picture_format("jpg").is_none() && picture_format("").is_none());
    }
}
