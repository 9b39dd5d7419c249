use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::solve::logistic;
use super::*;
use crate::config::tuning::Tuning;
use crate::model::heuristic;

/// Loops as they might be: valid ones with equal base, features all over.
struct World(Pcg64Mcg);

impl World {
    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    fn chance(&mut self, p: f64) -> bool {
        // Φ^-1 is not at hand; a logistic variable is.
        let a: f64 = self.normal().abs() + 1e-12;
        let b: f64 = self.normal().abs() + 1e-12;
        // The ratio of two half-normals: its arctangent is uniform.
        (a / b).atan() / std::f64::consts::FRAC_PI_2 < p
    }

    fn example(&mut self, track: usize) -> Example {
        let valid = self.chance(0.8);
        Example {
            track,
            rating: 3.0,
            base: if valid { 4.0 } else { -4.0 } + 0.2 * self.normal(),
            steps: std::array::from_fn(|_| self.normal()),
        }
    }

    /// `count` ratings in tracks of five, by someone who likes what `likes` says.
    fn ratings(&mut self, count: usize, likes: impl Fn(&Example) -> f64) -> Vec<Example> {
        (0..count)
            .map(|n| {
                let mut e = self.example(n / 5);
                e.rating = if self.chance(logistic(likes(&e))) { 5.0 } else { 1.0 };
                e
            })
            .collect()
    }
}

fn world(seed: u64) -> World {
    World(Pcg64Mcg::seed_from_u64(seed))
}

fn taste_of(e: &Example) -> f64 {
    2.0 * e.steps[0] - 1.5 * e.steps[1]
}

/// How often, of two new loops of one track, the person would choose the one that is ranked higher with a taste.
fn order(taste: &Taste, likes: impl Fn(&Example) -> f64) -> f64 {
    let mut world = world(999);
    let loops: Vec<Example> = (0..300).map(|_| world.example(0)).collect();
    let ours = |e: &Example| e.base + taste.effect(&e.steps);
    let (mut sum, mut all) = (0.0, 0u32);
    for a in &loops {
        for b in &loops {
            if ours(a) > ours(b) {
                all += 1;
                sum += logistic(likes(a) - likes(b));
            }
        }
    }
    sum / f64::from(all)
}

#[test]
fn nothing_or_too_little_leaves_the_ranking_as_it_is() {
    assert!(fit(&[]).taste.is_none());
    let mut world = world(1);
    let one = world.ratings(1, taste_of);
    assert!(fit(&one).taste.is_none());
    let mut praise = world.ratings(30, taste_of);
    praise.iter_mut().for_each(|e| e.rating = 5.0);
    let fitted = fit(&praise);
    assert!(fitted.taste.is_none() && fitted.pairs == 0, "{fitted:?}");
}

#[test]
fn contradictions_leave_the_ranking_as_it_is() {
    let mut world = world(2);
    let mut said = world.ratings(20, taste_of);
    // All of it said again, the other way round.
    let mut unsaid = said.clone();
    unsaid.iter_mut().for_each(|e| e.rating = 6.0 - e.rating);
    said.extend(unsaid);
    let fitted = fit(&said);
    assert!(fitted.taste.is_none(), "{fitted:?}");
    assert_eq!(fitted.shrink, 0.0);
}

#[test]
fn a_taste_is_found_and_told_in_words() {
    let likes = |e: &Example| e.base.min(0.0) + taste_of(e);
    let said = world(3).ratings(60, likes);
    let fitted = fit(&said);
    assert!(fitted.shrink > 0.0 && fitted.gain > 0.0, "{fitted:?}");
    let words = fitted.taste.words();
    assert!(words.iter().any(|w| w.contains("longer loops")), "{words:?}");
    assert!(words.iter().any(|w| w.contains("fewer drums")), "{words:?}");
    let (before, after) = fitted.agreement.unwrap();
    assert!(after > before, "{before} {after}");
    assert!(order(&fitted.taste, likes) > order(&Taste::none(), likes) + 0.05);
    assert_eq!(fit(&said), fitted, "the same ratings, the same taste");
}

#[test]
fn twenty_ratings_help_and_chance_ones_hardly_harm_over_many_people() {
    let people = 120;
    let mean = |likes: &dyn Fn(&Example) -> f64, rated: &dyn Fn(&Example) -> f64| {
        let sum: f64 = (0..people)
            .map(|n| {
                let said = world(1000 + n).ratings(20, rated);
                order(&fit(&said).taste, likes) - order(&Taste::none(), likes)
            })
            .sum();
        sum / people as f64
    };
    let tasteful = |e: &Example| e.base.min(0.0) + taste_of(e);
    let gained = mean(&tasteful, &tasteful);
    assert!(gained > 0.02, "people with a taste: {gained}");
    let as_base = |e: &Example| e.base;
    let kept = mean(&as_base, &as_base);
    assert!(kept > -0.01, "people who agree with the base: {kept}");
    let lost = mean(&as_base, &|_| 0.0);
    assert!(lost > -0.02, "people who rate by chance: {lost}");
}

#[test]
fn one_track_each_is_enough() {
    let likes = |e: &Example| e.base.min(0.0) + taste_of(e);
    let mut said = world(5).ratings(60, likes);
    for (n, e) in said.iter_mut().enumerate() {
        e.track = n;
    }
    let fitted = fit(&said);
    assert_eq!((fitted.pairs, fitted.tracks), (0, 60));
    assert!(
        fitted.taste.weights[0] > 0.1 && fitted.taste.weights[1] < -0.1,
        "{fitted:?}"
    );
}

#[test]
fn many_ratings_of_one_track_are_thinned_out() {
    let mut world = world(6);
    let mut said = world.ratings(400, taste_of);
    said.iter_mut().for_each(|e| e.track = 0);
    let fitted = fit(&said);
    assert!(fitted.pairs <= 400 * MOST_RIVALS);
    assert!(fitted.taste.weights[0] > 0.2, "{fitted:?}");
}

#[test]
fn examples_are_ratings_whose_features_are_known() {
    let base = heuristic(&Tuning::default());
    let wanted = columns(base.info());
    let features: BTreeMap<String, f32> = wanted.iter().map(|c| (c.clone(), 1.0)).collect();
    let rating = |track: &str, value, features: &BTreeMap<String, f32>| Rating {
        track: track.into(),
        file: None,
        start: 0.0,
        end: 1.0,
        value,
        features: features.clone(),
    };
    let mut less = features.clone();
    less.remove("bars");
    let all = [
        rating("a", Some(5.0), &features),
        rating("b", Some(1.0), &less),
        rating("c", None, &features),
        rating("a", Some(2.0), &features),
    ];
    let found = examples(&all, &base).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].track, found[1].track), (found[0].track, found[0].track));
    assert_eq!((found[0].rating, found[1].rating), (5.0, 2.0));
    assert_eq!(all[1].lacks(&wanted), ["bars"]);
}
