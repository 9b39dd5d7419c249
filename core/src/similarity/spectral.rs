//! The order and the bins of a graph, by the eigenvectors of its normalised Laplacian.
