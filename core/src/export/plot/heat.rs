//! A matrix of similarities as a heat map.

use super::{FAINT, INK, PAPER};
use crate::export::picture::{Anchor, Picture, text_width};

/// Side of the map.
const SIDE: f64 = 640.0;
const LEFT: f64 = 60.0;
const HEAD: f64 = 76.0;
const SCALE: f64 = 14.0;
/// Cells a side; larger matrices are thinned out to it.
const MOST: usize = 1_280;
/// Up to this many rows each has its name beside it.
const NAMED: usize = 48;
/// Characters of a name.
const NAME: usize = 40;

/// Tells column and value of what is not 0 in a row of a matrix.
pub type Row<'a> = dyn Fn(usize, &mut dyn FnMut(usize, f32)) + 'a;

/// What is drawn.
pub struct HeatMap<'a> {
    /// What stands above it.
    pub title: &'a str,
    /// A line of facts below that.
    pub facts: &'a str,
    /// What each row is called, in the order of the matrix.
    pub names: &'a [String],
    /// The order in which rows and columns stand.
    pub order: &'a [usize],
    /// Tells column and value of what is not 0 in a row of the matrix: 0 is dark, large is light.
    pub row: &'a Row<'a>,
    /// Values from this one on are as light as can be.
    pub top: f32,
}

/// Draws a heat map. Where there are more rows than there is room for, each cell shows the largest of those that it stands
/// for.
pub fn draw(map: &HeatMap<'_>) -> Picture {
    let n = map.order.len();
    let side = n.clamp(1, MOST);
    let mut values = vec![0.0f32; side * side];
    let mut place = vec![0; n];
    for (x, &j) in map.order.iter().enumerate() {
        if let Some(place) = place.get_mut(j) {
            *place = x;
        }
    }
    for (y, &i) in map.order.iter().enumerate() {
        let cells = &mut values[y * side / n * side..][..side];
        (map.row)(i, &mut |j, value| {
            if let Some(x) = place.get(j) {
                let cell = &mut cells[x * side / n];
                *cell = cell.max(value);
            }
        });
    }
    let top = map.top.max(f32::MIN_POSITIVE);
    let palette: Vec<u32> = (0..=255).map(|i| colour(f32::from(i as u8) / 255.0)).collect();
    let shade = |v: &f32| palette[((v / top).clamp(0.0, 1.0) * 255.0) as usize];
    let colours = values.iter().map(shade).collect();
    let names = if n <= NAMED { 300.0 } else { 0.0 };
    let mut picture = Picture {
        width: LEFT + SIDE + 90.0 + names,
        height: HEAD + SIDE + 36.0,
        title: format!("{}: heat map of {n} by {n}", map.title),
        paper: PAPER,
        shapes: Vec::new(),
    };
    picture.bold((LEFT, 34.0), Anchor::Start, 20.0, INK, map.title);
    picture.text((LEFT, 58.0), Anchor::Start, 13.0, FAINT, map.facts);
    picture.cells((LEFT, HEAD), (SIDE, SIDE), side, colours);
    // Places along the order.
    let ticks = [0, n / 4, n / 2, n * 3 / 4, n.saturating_sub(1)];
    for (k, tick) in ticks.iter().enumerate().filter(|(k, t)| *k == 0 || ticks[k - 1] < **t) {
        let at = (*tick as f64 + 0.5) / n.max(1) as f64 * SIDE;
        let anchor = if k == 0 && n > NAMED {
            Anchor::Start
        } else {
            Anchor::Middle
        };
        picture.text(
            (LEFT + at, HEAD + SIDE + 20.0),
            anchor,
            12.0,
            FAINT,
            (tick + 1).to_string(),
        );
        picture.text(
            (LEFT - 8.0, HEAD + at + 4.0),
            Anchor::End,
            12.0,
            FAINT,
            (tick + 1).to_string(),
        );
    }
    let right = LEFT + SIDE;
    if n <= NAMED {
        let step = SIDE / n.max(1) as f64;
        let size = (step * 0.7).clamp(7.0, 13.0);
        for (k, &i) in map.order.iter().enumerate() {
            let name = short(map.names.get(i).map_or("", String::as_str), size, names - 16.0);
            let y = HEAD + (k as f64 + 0.5) * step + size * 0.35;
            picture.text((right + 10.0, y), Anchor::Start, size, FAINT, name);
        }
    }
    let bar = right + names + 18.0;
    let scale: Vec<u32> = palette.iter().rev().copied().collect();
    picture.cells((bar, HEAD), (SCALE, SIDE), 1, scale);
    for (share, value) in [(0.0, map.top), (0.5, map.top / 2.0), (1.0, 0.0)] {
        let y = HEAD + share * SIDE + 4.0;
        picture.text(
            (bar + SCALE + 6.0, y),
            Anchor::Start,
            12.0,
            FAINT,
            format!("{value:.2}"),
        );
    }
    picture
}

/// The end of a name, which tells files of one folder apart, as far as it fits.
fn short(name: &str, size: f64, room: f64) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut from = chars.len().saturating_sub(NAME);
    while from < chars.len() && text_width(&chars[from..].iter().collect::<String>(), size) > room {
        from += 1;
    }
    let end: String = chars[from..].iter().collect();
    if from > 0 { format!("…{end}") } else { end }
}

/// From near black over violet and orange to pale yellow: brightness rises evenly, also in print and for most eyes that tell
/// fewer colours. Points of a path through CIELAB, straight between them.
fn colour(x: f32) -> u32 {
    const STOPS: [[f32; 3]; 6] = [
        [20.0, 16.0, 30.0],
        [74.0, 28.0, 96.0],
        [150.0, 44.0, 98.0],
        [217.0, 83.0, 66.0],
        [247.0, 157.0, 52.0],
        [252.0, 244.0, 178.0],
    ];
    let at = x.clamp(0.0, 1.0) * (STOPS.len() - 1) as f32;
    let k = (at as usize).min(STOPS.len() - 2);
    let part = at - k as f32;
    (0..3).fold(0, |rgb, c| {
        let value = STOPS[k][c] + (STOPS[k + 1][c] - STOPS[k][c]) * part;
        rgb << 8 | value.round() as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::picture::Shape;

    fn cells(n: usize, order: &[usize]) -> (usize, Vec<u32>) {
        let row = |i: usize, tell: &mut dyn FnMut(usize, f32)| {
            (0..n).for_each(|j| tell(j, if i == 0 && j == n - 1 { 1.0 } else { 0.1 }));
        };
        let names: Vec<String> = (0..n).map(|i| format!("ø{i}.wav")).collect();
        let picture = draw(&HeatMap {
            title: "t",
            facts: "f",
            names: &names,
            order,
            row: &row,
            top: 1.0,
        });
        let found = picture.shapes.iter().find_map(|s| match s {
            Shape::Cells { columns, colours, .. } => Some((*columns, colours.clone())),
            _ => None,
        });
        found.unwrap()
    }

    #[test]
    fn cells_follow_the_order_and_the_largest_is_seen() {
        let (columns, colours) = cells(3, &[1, 0, 2]);
        assert_eq!((columns, colours.len()), (3, 9));
        let light = colour(1.0);
        assert_eq!(colours.iter().position(|c| *c == light), Some(5));
        // More rows than cells: the only light one does not get lost.
        let n = MOST + 700;
        let (columns, colours) = cells(n, &(0..n).collect::<Vec<_>>());
        assert_eq!((columns, colours.len()), (MOST, MOST * MOST));
        assert_eq!(colours.iter().position(|c| *c == light), Some(MOST - 1));
        assert_eq!(cells(1, &[0]).0, 1);
    }

    #[test]
    fn brightness_rises() {
        let luma = |c: u32| {
            let [_, r, g, b] = c.to_be_bytes().map(f32::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let shades: Vec<f32> = (0..=20).map(|i| luma(colour(i as f32 / 20.0))).collect();
        assert!(shades.windows(2).all(|w| w[1] > w[0]));
    }
}
