//! From distances to a graph of who belongs with whom.

/// How similarities are sharpened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharpening {
    /// Mutual nearest neighbours, each distance measured by both sides' own scale (L. Zelnik-Manor and P. Perona,
    /// "Self-tuning spectral clustering", 2004).
    #[default]
    SelfTunedKnn,
    /// Rows and columns brought to the same sum (R. Sinkhorn, 1964).
    Sinkhorn,
    /// Left as they are.
    None,
}
