//! A balancer of one's own, in one function.

use std::fmt;
use std::sync::Arc;

use super::{Balancer, Candidate, Pick, Picker};

/// A balancer from a function that picks a place: rpcx's `SelectByUser`.
///
/// The function is asked at each pick and must not wait. A place it returns counts only if it is
/// [open](Pick::is_open). Whoever wants to prepare something for each list implements [`Balancer`].
///
/// ```
/// use trunkline::balance::{Balancer, from_fn};
///
/// // Writes go to the instance that says that it is the leader.
/// let balancer = from_fn(|pick| {
///     let leads = |place: &usize| pick.candidates[*place].instance.attributes().get("role") == Some("leader");
///     let mut open = (0..pick.candidates.len()).filter(|&place| pick.is_open(place));
///     if pick.method.starts_with("Get") { open.next() } else { open.find(leads) }
/// });
/// assert_eq!(balancer.name(), "function");
/// ```
pub fn from_fn<F>(function: F) -> FromFn<F>
where
    F: Fn(&Pick<'_>) -> Option<usize> + Send + Sync + 'static,
{
    FromFn(Arc::new(function))
}

/// A function as a balancer: see [`from_fn`].
pub struct FromFn<F>(Arc<F>);

impl<F> Balancer for FromFn<F>
where
    F: Fn(&Pick<'_>) -> Option<usize> + Send + Sync + 'static,
{
    fn picker(&self, _: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        Box::new(Self(self.0.clone()))
    }

    fn name(&self) -> &'static str {
        "function"
    }
}

impl<F> Picker for FromFn<F>
where
    F: Fn(&Pick<'_>) -> Option<usize> + Send + Sync + 'static,
{
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        (self.0)(pick).filter(|&place| pick.is_open(place))
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FromFn")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::*;

    #[test]
    fn a_place_that_is_closed_or_nowhere_is_no_pick() {
        let fleet = Fleet::new(2);
        fleet.close(1);
        for (place, expected) in [(0, Some(0)), (1, None), (2, None)] {
            let picker = from_fn(move |_| Some(place)).picker(&fleet.candidates, None);
            assert_eq!(fleet.pick(&*picker), expected);
        }
    }
}
