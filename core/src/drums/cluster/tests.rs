use super::*;

fn random(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 40) as f64 / (1u64 << 24) as f64
        })
        .collect()
}

/// The definition: join the pair whose union adds least to the sum of squares, computed from all the points each time.
fn textbook(points: &[f64], size: usize, k: usize) -> Vec<usize> {
    let n = points.len() / size;
    let mut groups: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    let spread = |group: &[usize]| -> f64 {
        (0..size)
            .map(|d| {
                let mean = group.iter().map(|i| points[i * size + d]).sum::<f64>() / group.len() as f64;
                group.iter().map(|i| (points[i * size + d] - mean).powi(2)).sum::<f64>()
            })
            .sum()
    };
    while groups.len() > k {
        let mut best = (f64::INFINITY, 0, 0);
        for a in 0..groups.len() {
            for b in a + 1..groups.len() {
                let union = [&groups[a][..], &groups[b][..]].concat();
                let cost = spread(&union) - spread(&groups[a]) - spread(&groups[b]);
                if cost < best.0 {
                    best = (cost, a, b);
                }
            }
        }
        let joined = groups.remove(best.2);
        groups[best.1].extend(joined);
    }
    let mut of = vec![0; n];
    for (c, group) in groups.iter().enumerate() {
        group.iter().for_each(|i| of[*i] = c);
    }
    numbered(&of)
}

#[test]
fn chains_find_what_the_definition_finds() {
    for (seed, n, size) in [(1, 40, 3), (2, 33, 7), (3, 25, 1), (4, 2, 2)] {
        let points = random(n * size, seed);
        for k in [1, 2, 5, 9, 20] {
            assert_eq!(
                ward(&points, size, k),
                textbook(&points, size, k.min(n)),
                "seed {seed}, k {k}"
            );
        }
    }
}

#[test]
fn degenerate_input_is_clustered() {
    assert!(ward(&[], 3, 4).is_empty());
    assert_eq!(ward(&[1.0, 2.0], 2, 4), [0]);
    assert_eq!(ward(&[1.0; 12], 2, 1), [0; 6]);
    assert_eq!(clusters(&[1.0; 12], 2, 4), [0; 6]);
    assert_eq!(ward(&random(20, 1), 2, 0), [0; 10]);
}

#[test]
fn near_duplicates_are_one_cluster_whatever_k() {
    // Three sounds with small differences, thirty hits.
    let noise = random(30 * 8, 9);
    let points: Vec<f64> = (0..240)
        .map(|i| {
            let (hit, d) = (i / 8, i % 8);
            let centre = if d % 3 == hit % 3 { 3.0 } else { 0.0 };
            centre + 0.1 * noise[i]
        })
        .collect();
    let of = clusters(&points, 8, 15);
    assert_eq!(of, (0..30).map(|i| i % 3).collect::<Vec<_>>());
}

#[test]
fn counts_are_sensible() {
    assert_eq!(count(200, 32.0), 16);
    assert_eq!(count(60, 8.0), 8);
    assert_eq!(count(5, 8.0), 3);
    assert_eq!(count(0, 0.0), 0);
    assert_eq!(count(5000, 3600.0), 40);
}
