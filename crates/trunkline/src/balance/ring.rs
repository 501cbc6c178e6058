//! The order of a weighted round: who comes how often and when, laid out once.

/// A round may have this many entries, or [`PER_PLACE`] for each place where that is more.
const LONGEST: u128 = 65_536;
const PER_PLACE: u128 = 8;

/// Up to this many steps the round is laid out exactly as nginx and rpcx do it.
const STEPS: u128 = 1 << 18;

/// A round in which each place comes as often as its weight says, spread evenly. Places without a
/// weight are not in it; without any weight it is empty.
///
/// Weights are divided by what they have in common. Rounds that would still be too long are scaled
/// down; everybody stays in them at least once.
pub(super) fn ring(weights: &[u64]) -> Vec<u32> {
    let places: Vec<u32> = (0..weights.len() as u32).filter(|&place| weights[place as usize] > 0).collect();
    let mut weights: Vec<u64> = places.iter().map(|&place| weights[place as usize]).collect();
    reduce(&mut weights);
    let total = sum(&weights);
    let bound = LONGEST.max(PER_PLACE * weights.len() as u128);
    if total > bound {
        for weight in &mut weights {
            *weight = ((u128::from(*weight) * bound / total) as u64).max(1);
        }
        reduce(&mut weights);
    }

    let total = sum(&weights);
    let order = if weights.iter().all(|&weight| weight == 1) {
        (0..weights.len() as u32).collect()
    } else if total * weights.len() as u128 <= STEPS {
        smooth(&weights, total as usize)
    } else {
        spread(&weights, total as usize)
    };
    order.into_iter().map(|at| places[at as usize]).collect()
}

/// Smooth weighted round robin: at each step everybody gains its weight, the first of the richest
/// comes and pays for all.
fn smooth(weights: &[u64], total: usize) -> Vec<u32> {
    let mut current = vec![0i64; weights.len()];
    let mut order = Vec::with_capacity(total);
    for _ in 0..total {
        let (mut richest, mut most) = (0, i64::MIN);
        for (place, (current, weight)) in current.iter_mut().zip(weights).enumerate() {
            *current += *weight as i64;
            if *current > most {
                (richest, most) = (place, *current);
            }
        }
        current[richest] -= total as i64;
        order.push(richest as u32);
    }
    order
}

/// In linear time: each place's turns stand at even distances on the round, shifted against the
/// others' by the golden section, and are sorted into as many boxes as there are turns.
fn spread(weights: &[u64], total: usize) -> Vec<u32> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let turns = || {
        weights.iter().enumerate().flat_map(|(place, &weight)| {
            let shift = (place as f64 * GOLDEN).fract();
            (0..weight).map(move |turn| {
                let at = (turn as f64 + shift) / weight as f64 * total as f64;
                (place as u32, (at as usize).min(total - 1))
            })
        })
    };
    let mut ends = vec![0u32; total + 1];
    for (_, at) in turns() {
        ends[at + 1] += 1;
    }
    for at in 0..total {
        ends[at + 1] += ends[at];
    }
    let mut order = vec![0; total];
    for (place, at) in turns() {
        order[ends[at] as usize] = place;
        ends[at] += 1;
    }
    order
}

fn sum(weights: &[u64]) -> u128 {
    weights.iter().map(|&weight| u128::from(weight)).sum()
}

fn reduce(weights: &mut [u64]) {
    let common = weights.iter().fold(0, |a, &b| gcd(a, b));
    if common > 1 {
        weights.iter_mut().for_each(|weight| *weight /= common);
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(ring: &[u32], places: usize) -> Vec<u64> {
        let mut counts = vec![0; places];
        ring.iter().for_each(|&place| counts[place as usize] += 1);
        counts
    }

    #[test]
    fn the_order_is_that_of_nginx() {
        for (weights, order) in [
            (&[5, 1, 1][..], &[0, 0, 1, 0, 2, 0, 0][..]),
            (&[10, 2, 2], &[0, 0, 1, 0, 2, 0, 0]),
            (&[1, 1, 1], &[0, 1, 2]),
            (&[4, 2, 1], &[0, 1, 0, 2, 0, 1, 0]),
            (&[0, 3, 0, 3], &[1, 3]),
            (&[7], &[0]),
            (&[0], &[]),
            (&[], &[]),
        ] {
            assert_eq!(ring(weights), order, "{weights:?}");
        }
    }

    #[test]
    fn huge_weights_make_no_huge_round() {
        let heavy = ring(&[u64::MAX, u64::MAX - 1, 1]);
        assert!(heavy.len() <= 65_536 + 3, "{}", heavy.len());
        let counts = counts(&heavy, 3);
        assert!(counts[0].abs_diff(counts[1]) <= 1 && counts[2] == 1, "{counts:?}");
    }

    proptest! {
        #[test]
        fn everybody_comes_as_often_as_its_weight_says(weights in prop::collection::vec(1u64..200, 1..40)) {
            let mut reduced = weights.clone();
            reduce(&mut reduced);
            prop_assert_eq!(counts(&ring(&weights), weights.len()), reduced.clone());
            let total = sum(&reduced) as usize;
            prop_assert_eq!(counts(&spread(&reduced, total), weights.len()), reduced);
        }

        /// In every stretch of the round everybody has its share, but for a few turns: of the exact
        /// order two, and of the linear one what the boxes' chance adds.
        #[test]
        fn turns_are_spread(weights in prop::collection::vec(1u64..50, 2..20)) {
            let mut reduced = weights.clone();
            reduce(&mut reduced);
            let total = sum(&reduced) as usize;
            for (order, slack) in [(smooth(&reduced, total), 2.0), (spread(&reduced, total), 4.0)] {
                let mut come = vec![0.0; reduced.len()];
                for (turn, &place) in order.iter().enumerate() {
                    come[place as usize] += 1.0;
                    for (come, &weight) in come.iter().zip(&reduced) {
                        let share = (turn + 1) as f64 * weight as f64 / total as f64;
                        prop_assert!((come - share).abs() <= slack, "{} {}", come, share);
                    }
                }
            }
        }
    }
}
