//! The one that is nearest on the globe.

use std::sync::Arc;

use super::by_name::{Make, Named, wrong};
use super::{Balancer, Candidate, Pick, Picker};
use crate::error::Error;

/// A place on earth, in degrees.
///
/// ```
/// use trunkline::balance::Position;
///
/// let beijing = Position::new(39.9042, 116.4074)?;
/// let shanghai = Position::new(31.2304, 121.4737)?;
/// assert_eq!(beijing.metres_to(shanghai).round(), 1_068_500.0);
/// assert!(Position::new(91.0, 0.0).is_err());
/// # Ok::<(), trunkline::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    latitude: f64,
    longitude: f64,
}

impl Position {
    /// A position; north and east are positive.
    ///
    /// # Errors
    /// When the latitude is not from -90 to 90 or the longitude not from -180 to 180.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, Error> {
        if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
            return Err(wrong(format!(
                "{latitude}, {longitude} is no position: expected a latitude from -90 to 90 and a longitude from \
                 -180 to 180"
            )));
        }
        Ok(Self { latitude, longitude })
    }

    /// The length of the great circle between two positions, computed as rpcx does: haversine on a
    /// sphere of 6,378,100 m.
    pub fn metres_to(self, other: Self) -> f64 {
        const RADIUS: f64 = 6_378_100.0;
        let haversine = |angle: f64| (angle / 2.0).sin().powi(2);
        let [a, b] = [self.latitude, other.latitude].map(f64::to_radians);
        let [east_a, east_b] = [self.longitude, other.longitude].map(f64::to_radians);
        let h = haversine(b - a) + a.cos() * b.cos() * haversine(east_b - east_a);
        // Rounding may lift opposite ends of the earth a hair above 1.
        2.0 * RADIUS * h.min(1.0).sqrt().asin()
    }
}

/// Picks the open candidate that is nearest to this client: rpcx's `Closest`.
///
/// Instances say where they are with the attributes `latitude` and `longitude`, in degrees. Of
/// several at exactly the same distance chance decides; those that do not say where they are get calls
/// only when no other is open. Weights are ignored.
///
/// ```
/// use trunkline::balance::{Balancer, Nearest, Position};
///
/// let balancer = Nearest::to(Position::new(48.2, 16.4)?);
/// assert_eq!(balancer.name(), "nearest");
/// # Ok::<(), trunkline::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Nearest {
    here: Position,
}

impl Nearest {
    /// Nearest to this position.
    pub fn to(here: Position) -> Self {
        Self { here }
    }
}

impl Balancer for Nearest {
    fn picker(&self, candidates: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        let distance = |candidate: &Candidate| match candidate.instance.position() {
            Some((latitude, longitude)) => self.here.metres_to(Position { latitude, longitude }),
            None => f64::INFINITY,
        };
        let distances: Vec<f64> = candidates.iter().map(distance).collect();
        let mut places: Vec<u32> = (0..candidates.len() as u32).collect();
        let of = |place: u32| distances[place as usize];
        places.sort_by(|&a, &b| of(a).total_cmp(&of(b)));
        let ends = places
            .chunk_by(|&a, &b| of(a) == of(b))
            .scan(0, |end, group| {
                *end += group.len();
                Some(*end)
            })
            .collect();
        Box::new(NearestPicker { places, ends })
    }

    fn name(&self) -> &'static str {
        "nearest"
    }
}

struct NearestPicker {
    /// The nearest first.
    places: Vec<u32>,
    /// Where each group of equally distant places ends.
    ends: Vec<usize>,
}

impl Picker for NearestPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let mut begin = 0;
        self.ends.iter().find_map(|&end| {
            let group = &self.places[begin..end];
            begin = end;
            pick.any_open(group)
        })
    }
}

pub(super) const NAMED: Named = Named {
    names: &["nearest", "Closest"],
    make: Make::From(|argument| {
        let text = argument.ok_or_else(|| {
            wrong(
                "the balancer needs to know where this client is: write nearest(LATITUDE,LONGITUDE)"
                    .to_owned(),
            )
        })?;
        let numbers = text.split_once(',').and_then(|(latitude, longitude)| {
            Some((latitude.trim().parse().ok()?, longitude.trim().parse().ok()?))
        });
        let (latitude, longitude) = numbers.ok_or_else(|| {
            wrong(format!("`{text}` is no position: expected LATITUDE,LONGITUDE, such as 48.2,16.4"))
        })?;
        Ok(Arc::new(Nearest::to(Position::new(latitude, longitude)?)))
    }),
};

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::*;

    fn somewhere() -> Fleet {
        Fleet::at(
            [
                "tcp@nowhere:1",
                "tcp@shanghai:1?latitude=31.2304&longitude=121.4737",
                "tcp@beijing:1?latitude=39.9042&longitude=116.4074",
                "tcp@beijing:2?latitude=39.9042&longitude=116.4074",
                "tcp@half:1?latitude=39.9042",
            ]
            .map(str::to_owned),
        )
    }

    #[test]
    fn the_distance_is_the_references() {
        let beijing = Position::new(39.9042, 116.4074).unwrap();
        let shanghai = Position::new(31.2304, 121.4737).unwrap();
        assert!((beijing.metres_to(shanghai) - 1_068_499.607_8).abs() < 1e-3);
        assert_eq!(beijing.metres_to(beijing), 0.0);
        let pole = Position::new(90.0, 0.0).unwrap();
        assert!(pole.metres_to(Position::new(-90.0, 180.0).unwrap()).is_finite());
    }

    #[test]
    fn the_nearest_open_one_gets_the_calls() {
        let fleet = somewhere();
        let picker = Nearest::to(Position::new(40.0, 116.0).unwrap()).picker(&fleet.candidates, None);
        let counts = fleet.counts(&*picker, 1_000);
        assert!(counts[2] + counts[3] == 1_000 && counts[2].abs_diff(counts[3]) < 150, "{counts:?}");
        (2..=3).for_each(|place| fleet.close(place));
        assert_eq!(fleet.counts(&*picker, 100), [0, 100, 0, 0, 0]);
        fleet.close(1);
        let counts = fleet.counts(&*picker, 100);
        assert!(counts[0] > 0 && counts[4] > 0, "{counts:?}");
    }

    #[test]
    fn what_is_no_position_is_refused() {
        for (latitude, longitude) in [(f64::NAN, 0.0), (0.0, f64::INFINITY), (90.5, 0.0), (0.0, -180.5)] {
            assert!(Position::new(latitude, longitude).is_err(), "{latitude} {longitude}");
        }
    }
}
