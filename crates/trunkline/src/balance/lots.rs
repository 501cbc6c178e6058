//! Drawing lots: places by chance, equally likely or by weight.

use super::{Pick, Random};

/// How often a closed place is drawn before all places are looked at.
const DRAWS: usize = 8;

/// Draws a place with a chance proportional to its weight, in constant time (Vose's alias method).
#[derive(Debug)]
pub(super) enum Lots {
    Equal(usize),
    /// For each place the chance to keep it when it was drawn, and whom to take instead.
    Weighted(Vec<(f64, u32)>),
}

impl Lots {
    /// Lots over these weights.
    pub(super) fn new(weights: &[u64]) -> Self {
        let total: f64 = weights.iter().map(|&weight| weight as f64).sum();
        if total == 0.0 || weights.iter().all(|weight| *weight == weights[0]) {
            return Self::Equal(weights.len());
        }

        let mean = total / weights.len() as f64;
        let mut table: Vec<(f64, u32)> =
            weights.iter().enumerate().map(|(place, &weight)| (weight as f64 / mean, place as u32)).collect();
        let (mut poor, mut rich): (Vec<u32>, Vec<u32>) =
            (0..weights.len() as u32).partition(|&place| table[place as usize].0 < 1.0);
        while let (Some(&needs), Some(&gives)) = (poor.last(), rich.last()) {
            poor.pop();
            let lacks = 1.0 - table[needs as usize].0;
            table[needs as usize].1 = gives;
            table[gives as usize].0 -= lacks;
            if table[gives as usize].0 < 1.0 {
                rich.pop();
                poor.push(gives);
            }
        }
        // What is left over is 1 but for rounding, and points at itself.
        Self::Weighted(table)
    }

    /// Whether all places are equally likely.
    pub(super) fn are_equal(&self) -> bool {
        matches!(self, Self::Equal(_))
    }

    /// A place, open or not.
    fn draw(&self, random: &Random) -> usize {
        match self {
            Self::Equal(length) => random.below(*length),
            Self::Weighted(table) => {
                let place = random.below(table.len());
                let (keep, other) = table[place];
                if random.fraction() < keep { place } else { other as usize }
            }
        }
    }

    /// An open place other than `not`, with a chance proportional to its weight among those.
    pub(super) fn draw_open(&self, pick: &Pick<'_>, not: Option<usize>) -> Option<usize> {
        let fits = |place: usize| Some(place) != not && pick.is_open(place);
        for _ in 0..DRAWS {
            let place = self.draw(pick.random);
            if fits(place) {
                return Some(place);
            }
        }
        let is_equal = self.are_equal();
        let weight = |place: usize| if is_equal { 1 } else { pick.candidates[place].weight };
        one_of(pick.random, (0..pick.candidates.len()).filter(|&place| fits(place)), weight)
    }
}

impl Pick<'_> {
    /// One of these places that is open, each as likely as any other.
    pub(super) fn any_open(&self, among: &[u32]) -> Option<usize> {
        if among.len() > DRAWS {
            for _ in 0..DRAWS {
                let place = among[self.random.below(among.len())] as usize;
                if self.is_open(place) {
                    return Some(place);
                }
            }
        }
        let open = among.iter().map(|&place| place as usize).filter(|&place| self.is_open(place));
        one_of(self.random, open, |_| 1)
    }
}

/// One of the places, with a chance proportional to its weight, in one pass (reservoir sampling).
pub(super) fn one_of(
    random: &Random,
    places: impl Iterator<Item = usize>,
    weight: impl Fn(usize) -> u64,
) -> Option<usize> {
    let (mut chosen, mut total) = (None, 0.0);
    for place in places {
        let weight = weight(place).max(1) as f64;
        total += weight;
        if chosen.is_none() || random.fraction() * total < weight {
            chosen = Some(place);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_drawn_from_nothing() {
        assert_eq!(one_of(&Random::seeded(1), [].into_iter(), |_| 1), None);
        assert!(Lots::new(&[]).are_equal());
        assert!(Lots::new(&[0, 0]).are_equal());
    }

    proptest! {
        /// The table's chances add up to the weights' shares, exactly but for rounding.
        #[test]
        fn chances_are_shares(weights in prop::collection::vec(0u64..1_000_000, 2..50)) {
            let total: u64 = weights.iter().sum();
            if let Lots::Weighted(table) = Lots::new(&weights) {
                let mut shares = vec![0.0; weights.len()];
                for (place, (keep, other)) in table.iter().enumerate() {
                    let keep = keep.min(1.0);
                    shares[place] += keep / table.len() as f64;
                    shares[*other as usize] += (1.0 - keep) / table.len() as f64;
                }
                for (share, weight) in shares.iter().zip(&weights) {
                    prop_assert!((share - *weight as f64 / total as f64).abs() < 1e-9);
                }
            }
        }
    }
}
