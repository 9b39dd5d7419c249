//! Sound that may turn out to belong to a take.

/// Sound of the last moments while no take with the host's time runs: what a take may turn out to have begun in.
#[derive(Debug, Default)]
pub(super) struct Recent {
    planes: [Vec<f32>; 2],
    /// Frame of the stream that the planes begin with.
    start: u64,
    longest: usize,
}

impl Recent {
    pub(super) fn push(&mut self, at: u64, left: &[f32], right: &[f32], keep: usize) {
        let [l, r] = &mut self.planes;
        if l.is_empty() {
            self.start = at;
        }
        self.longest = self.longest.max(left.len());
        let keep = keep.max(4 * self.longest);
        l.extend_from_slice(left);
        r.extend_from_slice(right);
        if l.len() > 2 * keep {
            let gone = l.len() - keep;
            l.drain(..gone);
            r.drain(..gone);
            self.start += gone as u64;
        }
    }

    pub(super) fn clear(&mut self) {
        self.planes.iter_mut().for_each(Vec::clear);
        self.longest = 0;
    }

    /// The planes from frame `at` on, or from the oldest, which is returned.
    pub(super) fn from(&self, at: u64) -> (u64, &[f32], &[f32]) {
        let [l, r] = &self.planes;
        let skip = usize::try_from(at.saturating_sub(self.start)).unwrap_or(0).min(l.len());
        (self.start + skip as u64, &l[skip..], &r[skip..])
    }
}
