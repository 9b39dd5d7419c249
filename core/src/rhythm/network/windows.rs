//! Windows over a track, and which of them decides each frame.

use std::ops::Range;

/// How a track is cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Frames a window.
    pub(super) size: usize,
    /// Frames at either side of a window that a neighbour decides.
    pub(super) context: usize,
    /// Frames of silence played before the track and after it.
    pub(super) lead: usize,
}

/// One window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    /// First frame of the track in it; negative where silence is played first. Even where there is no lead.
    pub(super) start: isize,
    /// Frames of the track that it decides.
    pub(super) decides: Range<usize>,
}

impl Layout {
    /// The windows of a track of `frames` frames. What each decides joins without gap or overlap; the last one is drawn
    /// back so that it ends where the track does, if the track fills a window.
    pub(super) fn windows(&self, frames: usize) -> Vec<Window> {
        let (size, lead) = (self.size as isize, self.lead as isize);
        let step = size - 2 * self.context as isize;
        let n = frames as isize;
        let mut out: Vec<Window> = Vec::new();
        let mut start = -lead;
        let mut from = 0;
        while from < frames {
            let last = start + size - lead >= n;
            if last && !out.is_empty() {
                start = n + lead - size;
                if lead == 0 {
                    // A pitch frame spans two frames: a window begins with a whole one.
                    start += start.rem_euclid(2);
                }
            }
            let to = if last {
                frames
            } else {
                (start + size - self.context as isize) as usize
            };
            out.push(Window {
                start,
                decides: from..to,
            });
            from = to;
            start += step;
        }
        out
    }
}

impl Window {
    /// The frames of a track of `frames` frames that lie in this window of `size` frames.
    pub(super) fn within(&self, frames: usize, size: usize) -> (usize, usize) {
        let lo = self.start.clamp(0, frames as isize);
        let hi = (self.start + size as isize).clamp(lo, frames as isize);
        (lo as usize, hi as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_join_and_keep_their_distance() {
        for layout in [
            Layout {
                size: 3072,
                context: 512,
                lead: 0,
            },
            Layout {
                size: 256,
                context: 64,
                lead: 0,
            },
            Layout {
                size: 1500,
                context: 6,
                lead: 6,
            },
        ] {
            let Layout { size, context, lead } = layout;
            assert!(layout.windows(0).is_empty());
            for frames in (1..9_100)
                .step_by(37)
                .chain([size - 1, size, size + 1, 2 * size - context])
            {
                let windows = layout.windows(frames);
                let mut next = 0;
                for (i, w) in windows.iter().enumerate() {
                    assert_eq!(w.decides.start, next);
                    next = w.decides.end;
                    let (lo, hi) = (w.decides.start as isize - w.start, w.decides.end as isize - w.start);
                    let room = if i == 0 { lead } else { context };
                    assert!(lo >= room as isize, "{layout:?}, {frames}: {w:?}");
                    let room = if i + 1 == windows.len() { lead } else { context };
                    assert!(hi + room as isize <= size as isize, "{layout:?}, {frames}: {w:?}");
                    assert!(lead > 0 || w.start % 2 == 0);
                }
                assert_eq!(next, frames);
            }
        }
    }

    #[test]
    fn three_minutes_take_few_windows() {
        let layout = Layout {
            size: 3072,
            context: 512,
            lead: 0,
        };
        assert_eq!(layout.windows(9_021).len(), 4);
    }
}
