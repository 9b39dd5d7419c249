//! SVG 1.1: text, which scales without end.

use std::fmt::Write as _;
use std::io::Write;

use super::super::FormatError;
use super::{Anchor, Paint, Picture, PictureFormat, Point, Shape};

/// SVG.
#[derive(Debug, Clone, Copy)]
pub struct Svg;

impl PictureFormat for Svg {
    fn extension(&self) -> &'static str {
        "svg"
    }

    fn write(&self, out: &mut dyn Write, picture: &Picture) -> Result<(), FormatError> {
        out.write_all(document(picture).as_bytes())?;
        Ok(())
    }
}

/// A number as short as a hundredth of a pixel allows.
struct N(f64);

impl std::fmt::Display for N {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Adding 0 turns a negative zero into a plain one.
        let rounded = if self.0.is_finite() {
            (self.0 * 100.0).round() / 100.0 + 0.0
        } else {
            0.0
        };
        write!(f, "{rounded}")
    }
}

/// The attributes of a colour, for `fill` or `stroke`.
fn colour(attribute: &str, paint: Paint) -> String {
    let mut text = format!("{attribute}=\"#{:06x}\"", paint.rgb & 0xff_ffff);
    if paint.alpha < 1.0 {
        let _ = write!(text, " {attribute}-opacity=\"{}\"", N(f64::from(paint.alpha)));
    }
    text
}

fn points(path: &mut String, points: &[Point]) {
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(path, "{}{} {}", if i == 0 { "M" } else { "L" }, N(*x), N(*y));
    }
}

/// A closed outline, in tenths and from point to point: those of waveforms are long.
fn outline(path: &mut String, points: &[Point]) {
    let tenths = |x: f64| (x * 10.0).round() as i64;
    let mut last: Option<(i64, i64)> = None;
    for (x, y) in points {
        let (x, y) = (tenths(*x), tenths(*y));
        let (command, dx, dy) = match last {
            None => ("M", x, y),
            Some((a, b)) => ("l", x - a, y - b),
        };
        let _ = write!(path, "{command}{} {}", N(dx as f64 / 10.0), N(dy as f64 / 10.0));
        last = Some((x, y));
    }
    path.push('Z');
}

fn document(picture: &Picture) -> String {
    let (w, h) = (N(picture.width), N(picture.height));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"DejaVu Sans, Verdana, Helvetica, Arial, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"{w}\" height=\"{h}\" {}/>\n",
        escaped(&picture.title),
        colour("fill", picture.paper)
    );
    for shape in &picture.shapes {
        let _ = match shape {
            Shape::Rect {
                at,
                size,
                radius,
                paint,
            } => {
                let round = if *radius > 0.0 {
                    format!(" rx=\"{}\"", N(*radius))
                } else {
                    String::new()
                };
                writeln!(
                    svg,
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{round} {}/>",
                    N(at.0),
                    N(at.1),
                    N(size.0),
                    N(size.1),
                    colour("fill", *paint)
                )
            }
            Shape::Lines { runs, width, paint } => {
                let mut path = String::new();
                runs.iter().for_each(|run| points(&mut path, run));
                writeln!(
                    svg,
                    "<path d=\"{path}\" fill=\"none\" stroke-width=\"{}\" {}/>",
                    N(*width),
                    colour("stroke", *paint)
                )
            }
            Shape::Area { outline, paint } => {
                let mut path = String::new();
                self::outline(&mut path, outline);
                writeln!(svg, "<path d=\"{path}\" {}/>", colour("fill", *paint))
            }
            Shape::Cells {
                at,
                size,
                columns,
                colours,
            } => {
                // Neighbours of one colour become one rectangle.
                let (w, h) = (size.0 / *columns as f64, size.1 / (colours.len() / columns) as f64);
                let mut rects = String::new();
                for (y, row) in colours.chunks_exact(*columns).enumerate() {
                    let mut x = 0;
                    for run in row.chunk_by(|a, b| a == b) {
                        let _ = writeln!(
                            rects,
                            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {}/>",
                            N(at.0 + x as f64 * w),
                            N(at.1 + y as f64 * h),
                            N(run.len() as f64 * w),
                            N(h),
                            colour("fill", Paint::solid(run[0]))
                        );
                        x += run.len();
                    }
                }
                write!(svg, "<g shape-rendering=\"crispEdges\">\n{rects}</g>\n")
            }
            Shape::Text(text) => {
                let anchor = match text.anchor {
                    Anchor::Start => "",
                    Anchor::Middle => " text-anchor=\"middle\"",
                    Anchor::End => " text-anchor=\"end\"",
                };
                let bold = if text.bold { " font-weight=\"bold\"" } else { "" };
                writeln!(
                    svg,
                    "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{anchor}{bold} {}>{}</text>",
                    N(text.at.0),
                    N(text.at.1),
                    N(text.size),
                    colour("fill", text.paint),
                    escaped(&text.words)
                )
            }
        };
    }
    svg += "</svg>\n";
    svg
}

/// Text as XML wants it: titles of strangers may hold anything.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            // Not even as a reference may these stand in XML 1.0.
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn shapes_become_elements_and_text_is_escaped() {
        let svg = document(&sample());
        for part in [
            "<title>A &amp; B</title>",
            "<rect x=\"10\" y=\"10\" width=\"20\" height=\"10\" rx=\"3\" fill=\"#ff0000\"/>",
            "<path d=\"M50 5L50 55\" fill=\"none\" stroke-width=\"2\" stroke=\"#00ff00\" stroke-opacity=\"0.5\"/>",
            "<path d=\"M70 50l20 0l-10 -20Z\" fill=\"#0000ff\"/>",
            ">a &lt; b ♯ </text>",
            "text-anchor=\"end\" font-weight=\"bold\"",
        ] {
            assert!(svg.contains(part), "no {part} in\n{svg}");
        }
        assert!(svg.ends_with("</svg>\n") && !svg.contains('\u{1}'));
    }

    #[test]
    fn numbers_are_short_and_always_numbers() {
        for (x, text) in [
            (1.0, "1"),
            (0.126, "0.13"),
            (-0.001, "0"),
            (f64::NAN, "0"),
            (1e4 + 0.5, "10000.5"),
        ] {
            assert_eq!(N(x).to_string(), text);
        }
    }
}
