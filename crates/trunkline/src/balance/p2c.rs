//! Power of two choices.

use super::{Balancer, Candidate, Pick, Picker};

/// The better of two drawn at random.
#[derive(Clone, Copy, Debug, Default)]
pub struct P2c;

impl Balancer for P2c {
    fn picker(&self, _: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        Box::new(*self)
    }

    fn name(&self) -> &'static str {
        "p2c"
    }
}

impl Picker for P2c {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let n = pick.candidates.len();
        let start = pick.random.below(n);
        let mut open = (0..n).map(|step| (start + step) % n).filter(|place| pick.is_open(*place));
        let (one, other) = (open.next()?, open.next());
        let cost = |place: usize| {
            let stats = &pick.candidates[place].stats;
            let latency = stats.latency(pick.now).map_or(0.0, |l| l.as_secs_f64());
            (latency + 1e-6) * f64::from(stats.in_flight() + 1)
        };
        Some(match other {
            Some(other) if cost(other) < cost(one) => other,
            _ => one,
        })
    }
}
