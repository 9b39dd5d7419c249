use super::*;

/// What scikit-learn measures: see `tests/reference/make_ranking.py`.
const REFERENCE: &str = include_str!("../../../../tests/reference/ranking.json");

#[derive(serde::Deserialize)]
struct Reference {
    k: Vec<usize>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    scores: Vec<f32>,
    weights: Vec<f32>,
    ndcg: Vec<f64>,
    precision: Option<Vec<f64>>,
}

#[test]
fn ndcg_and_precision_are_those_of_scikit_learn() {
    let reference: Reference = serde_json::from_str(REFERENCE).unwrap();
    let mut untied = 0;
    for case in &reference.cases {
        let order = Ordering::of(&case.scores, &case.weights, RELEVANT);
        for (i, &k) in reference.k.iter().enumerate() {
            let ndcg = order.measure(Measure::Ndcg(k)).unwrap();
            assert!((ndcg - case.ndcg[i]).abs() < 1e-9, "ndcg@{k} {ndcg} {}", case.ndcg[i]);
            if let Some(precision) = &case.precision {
                let got = order.measure(Measure::Precision(k)).unwrap();
                assert!((got - precision[i]).abs() < 1e-12);
                untied += 1;
            }
        }
    }
    assert!(untied > 0);
}

/// All orders of `n` things.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n - 1);
    let insert = |at: usize| {
        shorter.iter().map(move |p| {
            let mut p = p.clone();
            p.insert(at, n - 1);
            p
        })
    };
    (0..n).flat_map(insert).collect()
}

/// The measure of one strict order of weights.
fn strict(measure: Measure, w: &[f32]) -> f64 {
    let good = |k: usize| w.iter().take(k).filter(|w| **w >= RELEVANT).count() as f64;
    let most = w.iter().copied().fold(0.0, f32::max);
    let dcg = |w: &[f32], k: usize| {
        w.iter()
            .take(k)
            .enumerate()
            .map(|(i, w)| f64::from(*w) * discount(i))
            .sum::<f64>()
    };
    match measure {
        Measure::Precision(k) => good(k) / k as f64,
        Measure::Recall(k) => good(k) / good(w.len()),
        Measure::Hit(k) => good(k).min(1.0),
        Measure::Best(k) => f64::from(w.iter().take(k).any(|w| *w == most)),
        Measure::ReciprocalRank => 1.0 / (w.iter().position(|w| *w >= RELEVANT).unwrap() + 1) as f64,
        Measure::Ndcg(k) => {
            let mut ideal = w.to_vec();
            ideal.sort_by(|a, b| b.total_cmp(a));
            dcg(w, k) / dcg(&ideal, k)
        }
    }
}

#[test]
fn ties_are_averaged_over_all_their_orders() {
    let weights = [0.2f32, 1.0, 0.0, 0.6, 1.0, 0.1];
    for scores in [
        [1.0f32, 2.0, 2.0, 2.0, 0.0, 2.0],
        [0.0; 6],
        [3.0, 3.0, 2.0, 2.0, 2.0, 1.0],
    ] {
        let order = Ordering::of(&scores, &weights, RELEVANT);
        // The orders of all six that keep to the scores are the orders of the ties, each as often.
        let orders: Vec<Vec<f32>> = permutations(6)
            .into_iter()
            .filter(|p| p.windows(2).all(|x| scores[x[0]] >= scores[x[1]]))
            .map(|p| p.into_iter().map(|i| weights[i]).collect())
            .collect();
        assert!(orders.len() > 1);
        for k in [1, 2, 3, 5, 6, 9] {
            for m in [
                Measure::Precision(k),
                Measure::Recall(k),
                Measure::Ndcg(k),
                Measure::Hit(k),
                Measure::Best(k),
                Measure::ReciprocalRank,
            ] {
                let mean = orders.iter().map(|w| strict(m, w)).sum::<f64>() / orders.len() as f64;
                let got = order.measure(m).unwrap();
                assert!((got - mean).abs() < 1e-12, "{m} {got} {mean}");
            }
        }
    }
}

#[test]
fn chance_does_not_see_the_order_of_the_rows() {
    let weights: Vec<f32> = (0..100).map(|i| if i < 10 { 1.0 } else { 0.0 }).collect();
    let chance = Ordering::chance(&weights, RELEVANT);
    assert!((chance.measure(Measure::Precision(10)).unwrap() - 0.1).abs() < 1e-12);
    assert!((chance.measure(Measure::Hit(1)).unwrap() - 0.1).abs() < 1e-12);
    // The expected place of the first of m among n is (n + 1)/(m + 1); its reciprocal is somewhat more.
    let mrr = chance.measure(Measure::ReciprocalRank).unwrap();
    assert!(mrr > 11.0 / 101.0 && mrr < 0.35, "{mrr}");
}

#[test]
fn what_means_nothing_is_not_measured() {
    let order = Ordering::of(&[1.0, 2.0], &[0.0, 0.0], RELEVANT);
    assert_eq!(order.measure(Measure::Recall(1)), None);
    assert_eq!(order.measure(Measure::Ndcg(1)), None);
    assert_eq!(order.measure(Measure::ReciprocalRank), None);
    assert_eq!(order.measure(Measure::Precision(1)), Some(0.0));
    assert_eq!(Ordering::of(&[], &[], RELEVANT).measure(Measure::Precision(1)), None);
    // Scores that are no numbers come last, and fewer candidates than K leave places empty.
    let order = Ordering::of(&[f32::NAN, -9.0], &[0.0, 1.0], RELEVANT);
    assert_eq!(order.measure(Measure::Hit(1)), Some(1.0));
    assert_eq!(order.measure(Measure::Precision(4)), Some(0.25));
}
