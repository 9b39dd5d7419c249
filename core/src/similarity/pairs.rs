//! The pairs of a collection that were aligned: all of them, or those that were thought worth it.

use super::dtw::Pair;

/// Pairs of `0..len()`. Each is held once and seen from both sides.
#[derive(Debug, Clone, PartialEq)]
pub enum Pairs {
    /// Every pair.
    All {
        /// Members.
        members: usize,
        /// Those of member 0 with 1, 2, …, then those of member 1 with 2, 3, …
        upper: Vec<Pair>,
    },
    /// Some pairs.
    Some {
        /// For each member its partners in rising order, each pair in both lists.
        rows: Vec<Vec<(u32, Pair)>>,
    },
}

impl Pairs {
    /// Every pair, from rows `i` that hold the pairs of `i` with `i + 1..members`. What is
    /// missing counts as having nothing in common.
    pub fn all(members: usize, rows: impl IntoIterator<Item = Vec<Pair>>) -> Self {
        let mut upper = Vec::with_capacity(members * members.saturating_sub(1) / 2);
        rows.into_iter().for_each(|row| upper.extend(row));
        upper.resize(members * members.saturating_sub(1) / 2, Pair::APART);
        Self::All { members, upper }
    }

    /// Some pairs: for each member what it was aligned with, seen from it. A pair that both sides name is taken from the
    /// first.
    pub fn some(found: Vec<Vec<(u32, Pair)>>) -> Self {
        let mut rows: Vec<Vec<(u32, Pair)>> = vec![Vec::new(); found.len()];
        for (i, partners) in found.into_iter().enumerate() {
            for (j, pair) in partners {
                if j as usize != i && (j as usize) < rows.len() {
                    rows[i].push((j, pair));
                    rows[j as usize].push((i as u32, pair.reversed()));
                }
            }
        }
        for row in &mut rows {
            row.sort_by_key(|(j, _)| *j);
            row.dedup_by_key(|(j, _)| *j);
        }
        Self::Some { rows }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        match self {
            Self::All { members, .. } => *members,
            Self::Some { rows } => rows.len(),
        }
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of pairs.
    pub fn count(&self) -> usize {
        match self {
            Self::All { upper, .. } => upper.len(),
            Self::Some { rows } => rows.iter().map(Vec::len).sum::<usize>() / 2,
        }
    }

    /// The pair of `i` and `j`, seen from `i`; [`Pair::SAME`] for one member, `None` where it was not aligned.
    pub fn get(&self, i: usize, j: usize) -> Option<Pair> {
        if i == j {
            return (i < self.len()).then_some(Pair::SAME);
        }
        match self {
            Self::All { members, upper } => {
                let (a, b) = (i.min(j), i.max(j));
                if b >= *members {
                    return None;
                }
                let pair = *upper.get(a * (2 * members - a - 1) / 2 + b - a - 1)?;
                Some(if i < j { pair } else { pair.reversed() })
            }
            Self::Some { rows } => {
                let row = rows.get(i)?;
                let at = row.binary_search_by_key(&(j as u32), |(j, _)| *j).ok()?;
                Some(row[at].1)
            }
        }
    }

    /// The partners of `i` in rising order, each with the pair seen from `i`.
    pub fn row(&self, i: usize) -> Box<dyn Iterator<Item = (usize, Pair)> + '_> {
        match self {
            Self::All { members, .. } => Box::new(
                (0..*members)
                    .filter(move |j| *j != i)
                    .filter_map(move |j| Some((j, self.get(i, j)?))),
            ),
            Self::Some { rows } => Box::new(rows.get(i).into_iter().flatten().map(|(j, pair)| (*j as usize, *pair))),
        }
    }

    /// Median of the distances above 0; 1 where there are none.
    pub fn median_distance(&self) -> f32 {
        let positive = |d: &f32| *d > 0.0 && d.is_finite();
        let mut all: Vec<f32> = match self {
            Self::All { upper, .. } => upper.iter().map(|p| p.distance).filter(positive).collect(),
            // Each pair twice: the median is the same.
            Self::Some { rows } => rows
                .iter()
                .flatten()
                .map(|(_, p)| p.distance)
                .filter(positive)
                .collect(),
        };
        if all.is_empty() {
            return 1.0;
        }
        let (even, middle) = (all.len().is_multiple_of(2), all.len() / 2);
        let (below, upper, _) = all.select_nth_unstable_by(middle, f32::total_cmp);
        match below.iter().copied().max_by(f32::total_cmp) {
            Some(lower) if even => (lower + *upper) / 2.0,
            _ => *upper,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(distance: f32) -> Pair {
        Pair {
            distance,
            overlap: 0.5,
            stretch: 2.0,
        }
    }

    #[test]
    fn all_and_some_answer_alike() {
        let all = Pairs::all(
            4,
            [
                vec![pair(1.0), pair(2.0), pair(3.0)],
                vec![pair(4.0), pair(5.0)],
                vec![pair(6.0)],
            ],
        );
        // Each pair named by one side or both.
        let some = Pairs::some(vec![
            vec![(3, pair(3.0)), (1, pair(1.0))],
            vec![(2, pair(4.0))],
            vec![(0, pair(2.0).reversed()), (3, pair(6.0))],
            vec![
                (1, pair(5.0).reversed()),
                (0, pair(9.0)),
                (3, pair(9.0)),
                (77, pair(9.0)),
            ],
        ]);
        assert_eq!((all.count(), some.count(), all.len(), some.len()), (6, 6, 4, 4));
        for i in 0..4 {
            for j in 0..4 {
                assert_eq!(all.get(i, j), some.get(i, j), "{i} {j}");
            }
            assert!(all.row(i).eq(some.row(i)));
            assert_eq!(all.row(i).count(), 3);
        }
        assert_eq!(all.get(1, 3).map(|p| (p.distance, p.stretch)), Some((5.0, 2.0)));
        assert_eq!(all.get(3, 1).map(|p| (p.distance, p.stretch)), Some((5.0, 0.5)));
        assert_eq!((all.get(0, 4), all.get(4, 4), some.get(9, 0)), (None, None, None));
        assert_eq!((all.median_distance(), some.median_distance()), (3.5, 3.5));
        assert!(Pairs::all(0, []).is_empty());
    }
}
