//! The waveform as one mesh, kept until something of it changes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use egui::{Mesh, Rect, pos2};

use super::theme;
use super::timeline::{Scale, Timeline};
use crate::snapshot::Snapshot;

/// The waveform's shapes, until something of it changes.
#[derive(Default)]
pub(crate) struct Cache {
    key: u64,
    mesh: Arc<Mesh>,
    /// How often it was drawn anew.
    pub(crate) drawn: u64,
}

/// One column a pixel from the lowest to the loudest sample, as one mesh.
pub(crate) fn waveform(
    snapshot: &Snapshot,
    line: &Timeline,
    scale: &Scale,
    rect: Rect,
    density: f32,
    cache: &mut Cache,
) -> Arc<Mesh> {
    let mut hasher = DefaultHasher::new();
    for value in [rect.left(), rect.top(), rect.width(), rect.height(), density] {
        value.to_bits().hash(&mut hasher);
    }
    (scale.from.to_bits(), scale.seconds.to_bits()).hash(&mut hasher);
    for take in &snapshot.takes {
        (take.id, take.first, take.end, take.analysed_to, take.rate).hash(&mut hasher);
        (Arc::as_ptr(&take.peaks) as usize, take.peaks.end()).hash(&mut hasher);
    }
    let key = hasher.finish();
    if key == cache.key && cache.drawn > 0 {
        return cache.mesh.clone();
    }
    let mut mesh = Mesh::default();
    let column = 1.0 / density.max(0.5);
    let (middle, half) = (rect.center().y, (rect.height() * 0.5 - 2.0).max(0.0));
    for span in &line.spans {
        let Some(take) = snapshot.takes.get(span.index) else {
            continue;
        };
        let from = scale.x(span.at).max(rect.left());
        let to = scale.x(span.at + span.seconds).min(rect.right());
        let columns = ((to - from) / column).ceil().clamp(0.0, 16_384.0) as usize;
        mesh.reserve_vertices(columns * 4);
        mesh.reserve_triangles(columns * 2);
        let frame = |x: f32| (span.frame_at(scale.seconds(x)).max(0.0) as u64).clamp(take.first, take.end);
        for index in 0..columns {
            let x = from + index as f32 * column;
            let (a, b) = (frame(x), frame(x + column));
            let Some((low, high)) = take.peaks.range(a, b.max(a + 1)) else {
                continue;
            };
            let (low, high) = (low.clamp(-1.0, 1.0), high.clamp(-1.0, 1.0));
            if low.is_nan() || high.is_nan() {
                continue;
            }
            let colour = if a < take.analysed_to {
                theme::WAVE
            } else {
                theme::WAVE_NEW
            };
            let top = middle - high.max(low) * half;
            let bottom = (middle - low * half).max(top + column);
            mesh.add_colored_rect(Rect::from_min_max(pos2(x, top), pos2(x + column, bottom)), colour);
        }
    }
    cache.key = key;
    cache.drawn += 1;
    cache.mesh = Arc::new(mesh);
    cache.mesh.clone()
}
