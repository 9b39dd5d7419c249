//! Folds in which every label has its share of positives as far as its groups allow, and every group is whole (iterative
//! stratification, after Sechidis, Tsoumakas and Vlahavas, ECML 2011).

use super::examples::Examples;

/// The fold of each file, from 0 to below `folds`. Groups are placed one after another, those of the rarest label first, each
/// where that label is missed most; ties go to the fold with the fewest files. Order follows from `seed`, not from the files'.
pub fn assign(examples: &Examples, folds: usize, seed: u64) -> Vec<usize> {
    let groups = examples.groups.iter().max().map_or(0, |g| g + 1);
    let labels = examples.labels.len();
    // Positives of each group, and its size.
    let mut counts = vec![vec![0usize; labels]; groups];
    let mut sizes = vec![0usize; groups];
    for (file, &g) in examples.groups.iter().enumerate() {
        sizes[g] += 1;
        for (label, count) in counts[g].iter_mut().enumerate() {
            *count += usize::from(examples.truth(file, label) == Some(true));
        }
    }
    let mut order: Vec<usize> = (0..groups).collect();
    let places: Vec<u64> = order.iter().map(|&g| place(g, seed)).collect();
    order.sort_by_key(|&g| places[g]);
    let mut remaining: Vec<usize> = (0..labels)
        .map(|l| counts.iter().filter(|c| c[l] > 0).count())
        .collect();
    let mut fold_of = vec![usize::MAX; groups];
    let mut held = vec![vec![0usize; labels]; folds];
    let mut filled = vec![0usize; folds];
    let mut put = |g: usize, label: Option<usize>, fold_of: &mut Vec<usize>, remaining: &mut Vec<usize>| {
        let missed = |f: usize| (label.map_or(0, |l| held[f][l]), filled[f], f);
        let fold = (0..folds).min_by_key(|&f| missed(f)).unwrap_or(0);
        fold_of[g] = fold;
        filled[fold] += sizes[g];
        for l in 0..labels {
            held[fold][l] += counts[g][l];
            remaining[l] -= usize::from(counts[g][l] > 0);
        }
    };
    loop {
        let rarest = (0..labels)
            .filter(|&l| remaining[l] > 0)
            .min_by_key(|&l| (remaining[l], l));
        let Some(label) = rarest else { break };
        for &g in &order {
            if fold_of[g] == usize::MAX && counts[g][label] > 0 {
                put(g, Some(label), &mut fold_of, &mut remaining);
            }
        }
    }
    for &g in &order {
        if fold_of[g] == usize::MAX {
            put(g, None, &mut fold_of, &mut remaining);
        }
    }
    examples.groups.iter().map(|&g| fold_of[g]).collect()
}

fn place(group: usize, seed: u64) -> u64 {
    let mut hash = blake3::Hasher::new();
    hash.update(&seed.to_le_bytes());
    hash.update(&(group as u64).to_le_bytes());
    let bytes = hash.finalize();
    u64::from_le_bytes(std::array::from_fn(|i| bytes.as_bytes()[i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::multilabel::examples::Label;

    #[test]
    fn rare_labels_are_spread_and_groups_stay_whole() {
        // Forty groups of three files; label 0 on four groups, label 1 on half of them.
        let labels = vec![Label::alone("rare"), Label::alone("common")];
        let mut examples = Examples::new(labels);
        for file in 0..120 {
            let g = file / 3;
            examples.push(
                &format!("f{file}"),
                g,
                &[file as f32; 53],
                vec![Some(g % 10 == 0), Some(g % 2 == 0)],
            );
        }
        for seed in 0..20 {
            let folds = assign(&examples, 4, seed);
            assert!((0..120).all(|f| folds[f] == folds[f / 3 * 3]));
            for fold in 0..4 {
                let of = |l: usize| {
                    (0..120)
                        .filter(|&f| folds[f] == fold && examples.truth(f, l) == Some(true))
                        .count()
                };
                assert_eq!(of(0), 3, "seed {seed}");
                assert!((9..=21).contains(&of(1)), "seed {seed}: {}", of(1));
                assert_eq!(folds.iter().filter(|f| **f == fold).count(), 30);
            }
        }
        assert_eq!(assign(&examples, 4, 1), assign(&examples, 4, 1));
        assert_ne!(assign(&examples, 4, 1), assign(&examples, 4, 2));
    }
}
