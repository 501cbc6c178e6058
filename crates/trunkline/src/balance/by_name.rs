//! Balancers by the names that stand in configurations.

use std::fmt::Write;
use std::sync::Arc;

use super::{Balancer, NAMED};
use crate::error::{Error, ErrorKind};

/// What a balancer is called in a configuration.
pub(super) struct Named {
    /// Our name first, then Go's.
    pub(super) names: &'static [&'static str],
    pub(super) make: Make,
}

/// How a named balancer is made.
pub(super) enum Make {
    Plain(fn() -> Arc<dyn Balancer>),
    /// From what stands in parentheses, if anything does.
    From(fn(Option<&str>) -> Made),
}

type Made = Result<Arc<dyn Balancer>, Error>;

/// The balancer of this name: ours, such as `p2c` and `round-robin`, or Go's, such as `RoundRobin`
/// and `WeightedICMP`. Case, `-` and `_` do not matter. What a balancer needs to know stands in
/// parentheses.
///
/// ```
/// use trunkline::balance::by_name;
///
/// assert_eq!(by_name("ConsistentHash")?.name(), "go-hash");
/// assert_eq!(by_name("least_connections")?.name(), "least-connections");
/// assert_eq!(by_name("nearest(48.2, 16.4)")?.name(), "nearest");
/// assert_eq!(by_name("pinned(tcp@127.0.0.1:8972)")?.name(), "pinned");
/// assert!(by_name("best").unwrap_err().message().contains("round-robin"));
/// # Ok::<(), trunkline::Error>(())
/// ```
///
/// # Errors
/// For a name that is not known, with a list of those that are; and where what stands in parentheses
/// is missing, wrong, or too much.
pub fn by_name(text: &str) -> Result<Arc<dyn Balancer>, Error> {
    let text = text.trim();
    let (name, argument) = match text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        Some((name, argument)) => (name, Some(argument.trim())),
        None => (text, None),
    };
    let wanted = plain(name);
    let found = NAMED.iter().find(|named| named.names.iter().any(|name| plain(name) == wanted));
    match (found.map(|named| &named.make), argument) {
        (Some(Make::Plain(make)), None) => Ok(make()),
        (Some(Make::Plain(_)), Some(argument)) => {
            Err(wrong(format!("the balancer `{name}` takes nothing in parentheses; found `({argument})`")))
        }
        (Some(Make::From(make)), argument) => make(argument),
        (None, _) if wanted == plain("SelectByUser") => {
            Err(wrong("a balancer of one's own is given to the client in code, not by a name".to_owned()))
        }
        (None, _) => Err(wrong(unknown(name))),
    }
}

/// An error about what a configuration says.
pub(super) fn wrong(why: String) -> Error {
    Error::new(ErrorKind::Invalid, why).not_sent()
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

fn unknown(name: &str) -> String {
    let mut text = format!("there is no balancer `{name}`; there are ");
    for (i, named) in NAMED.iter().enumerate() {
        let _ = write!(text, "{}{}", if i == 0 { "" } else { ", " }, named.names[0]);
        if let [_, go, ..] = named.names {
            let _ = write!(text, " ({go})");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_go_and_ours_are_known() {
        for (text, name) in [
            ("RandomSelect", "random"),
            ("RoundRobin", "round-robin"),
            ("WeightedRoundRobin", "weighted"),
            ("WeightedICMP", "network-quality"),
            ("ConsistentHash", "go-hash"),
            ("Closest(39.9,116.4)", "nearest"),
            (" p2c ", "p2c"),
            ("P2C", "p2c"),
            ("round_robin", "round-robin"),
            ("weighted-random", "weighted-random"),
            ("rendezvous", "rendezvous"),
            ("sticky", "sticky"),
            ("sticky(round-robin)", "sticky"),
            ("sticky(nearest(1,2))", "sticky"),
        ] {
            assert_eq!(by_name(text).unwrap().name(), name, "{text}");
        }
    }

    #[test]
    fn every_name_leads_to_its_own_balancer() {
        for named in NAMED {
            if let Make::Plain(make) = &named.make {
                assert_eq!(make().name(), named.names[0]);
            }
            let name = plain(named.names[0]);
            let twins = NAMED.iter().filter(|other| other.names.iter().any(|other| plain(other) == name));
            assert_eq!(twins.count(), 1, "{name}");
        }
    }

    #[test]
    fn errors_say_what_would_do() {
        for (text, says) in [
            ("best", "there are p2c, random (RandomSelect), "),
            ("", "there is no balancer ``"),
            ("Closest", "nearest(LATITUDE,LONGITUDE)"),
            ("nearest(north)", "LATITUDE,LONGITUDE"),
            ("nearest(100,0)", "from -90 to 90"),
            ("p2c(3)", "nothing in parentheses"),
            ("pinned", "pinned(ADDRESS)"),
            ("pinned(@@)", "pinned"),
            ("SelectByUser", "in code"),
            ("sticky(best)", "there is no balancer `best`"),
        ] {
            let error = by_name(text).unwrap_err();
            assert!(error.message().contains(says), "{text}: {}", error.message());
            assert_eq!(error.kind(), ErrorKind::Invalid);
        }
    }
}
