//! A weighted graph, symmetric, with the weight of each node to itself.

/// Compressed rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    starts: Vec<usize>,
    columns: Vec<u32>,
    weights: Vec<f32>,
}

impl Graph {
    /// From rows of (node, weight) in rising order. The caller sees to symmetry.
    pub fn from_rows(rows: impl IntoIterator<Item = Vec<(u32, f32)>>) -> Self {
        let mut graph = Self {
            starts: vec![0],
            columns: Vec::new(),
            weights: Vec::new(),
        };
        for row in rows {
            for (j, w) in row {
                graph.columns.push(j);
                graph.weights.push(w);
            }
            graph.starts.push(graph.columns.len());
        }
        graph
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True without nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of weights that are kept.
    pub fn weights(&self) -> usize {
        self.weights.len()
    }

    /// The neighbours of `i` with their weights, in rising order, itself among them where it has a weight to itself.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = match (self.starts.get(i), self.starts.get(i + 1)) {
            (Some(from), Some(to)) => *from..*to,
            _ => 0..0,
        };
        let columns = self.columns[range.clone()].iter().map(|j| *j as usize);
        columns.zip(self.weights[range].iter().copied())
    }

    /// The weight between `i` and `j`; 0 where there is none.
    pub fn weight(&self, i: usize, j: usize) -> f32 {
        let (Some(from), Some(to)) = (self.starts.get(i), self.starts.get(i + 1)) else {
            return 0.0;
        };
        let at = self.columns[*from..*to].binary_search(&(j as u32));
        at.map_or(0.0, |at| self.weights[from + at])
    }

    /// Sum of the weights of each node.
    pub fn degrees(&self) -> Vec<f64> {
        (0..self.len())
            .map(|i| self.row(i).map(|(_, w)| f64::from(w)).sum())
            .collect()
    }

    /// The connected component of each node, numbered in the order of their first nodes, and how many there are.
    pub fn components(&self) -> (Vec<usize>, usize) {
        let mut component = vec![usize::MAX; self.len()];
        let mut count = 0;
        for first in 0..self.len() {
            if component[first] != usize::MAX {
                continue;
            }
            component[first] = count;
            let mut open = vec![first];
            while let Some(i) = open.pop() {
                for (j, w) in self.row(i) {
                    if w > 0.0 && component[j] == usize::MAX {
                        component[j] = count;
                        open.push(j);
                    }
                }
            }
            count += 1;
        }
        (component, count)
    }
}
