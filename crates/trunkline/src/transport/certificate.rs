//! Reads names and times out of an X.509 certificate.
//!
//! This is for showing and comparing names. It checks nothing: signatures, chains, names and times
//! are checked where a handshake is. What is not understood is left out.

use std::fmt;
use std::net::IpAddr;

/// What a certificate says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) subject: String,
    pub(crate) common_name: Option<String>,
    pub(crate) issuer: String,
    pub(crate) valid: Option<(Moment, Moment)>,
    pub(crate) dns_names: Vec<String>,
    pub(crate) uris: Vec<String>,
    pub(crate) ip_addresses: Vec<IpAddr>,
    pub(crate) emails: Vec<String>,
}

/// A time in UTC, as certificates have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    year: u16,
    /// Month, day, hour, minute, second.
    rest: [u8; 5],
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

impl Certificate {
    /// Reads one, RFC 5280 section 4.1.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (mut whole, _) = take(der, SEQUENCE)?;
        let mut tbs = next(&mut whole, SEQUENCE)?;
        if tbs.first() == Some(&VERSION) {
            next(&mut tbs, VERSION)?;
        }
        let (_serial, _algorithm) = (one(&mut tbs)?, next(&mut tbs, SEQUENCE)?);
        let issuer = next(&mut tbs, SEQUENCE)?;
        let mut validity = next(&mut tbs, SEQUENCE)?;
        let subject = next(&mut tbs, SEQUENCE)?;
        let _key = next(&mut tbs, SEQUENCE)?;
        let mut read = Self {
            subject: name(subject)?,
            common_name: attributes(subject)?.into_iter().rfind(|(oid, _)| *oid == COMMON_NAME).map(|a| a.1),
            issuer: name(issuer)?,
            valid: Moment::read(&mut validity).zip(Moment::read(&mut validity)),
            ..Self::default()
        };
        while let Some((tag, content)) = one(&mut tbs) {
            if tag == EXTENSIONS {
                read.extensions(content);
            }
        }
        Some(read)
    }

    fn extensions(&mut self, mut content: &[u8]) -> Option<()> {
        let mut list = next(&mut content, SEQUENCE)?;
        while !list.is_empty() {
            let mut extension = next(&mut list, SEQUENCE)?;
            let oid = next(&mut extension, OID)?;
            if extension.first() == Some(&BOOLEAN) {
                next(&mut extension, BOOLEAN)?;
            }
            if oid == SUBJECT_ALT_NAME {
                let mut value = next(&mut extension, OCTETS)?;
                self.alternative_names(next(&mut value, SEQUENCE)?);
            }
        }
        Some(())
    }

    /// RFC 5280 section 4.2.1.6: the kinds that name machines and programs.
    fn alternative_names(&mut self, mut names: &[u8]) {
        while let Some((tag, content)) = one(&mut names) {
            let text = || std::str::from_utf8(content).ok().map(shown);
            match tag {
                0x81 => self.emails.extend(text()),
                0x82 => self.dns_names.extend(text()),
                0x86 => self.uris.extend(text()),
                0x87 => self.ip_addresses.extend(
                    <[u8; 4]>::try_from(content)
                        .map(IpAddr::from)
                        .or_else(|_| <[u8; 16]>::try_from(content).map(IpAddr::from)),
                ),
                _ => {}
            }
        }
    }
}

impl Moment {
    fn read(der: &mut &[u8]) -> Option<Self> {
        let (tag, text) = one(der)?;
        let digits = text.strip_suffix(b"Z")?;
        let two = |at: usize| -> Option<u8> {
            let pair = digits.get(at..at + 2).filter(|pair| pair.iter().all(u8::is_ascii_digit))?;
            Some((pair[0] - b'0') * 10 + (pair[1] - b'0'))
        };
        let (year, at) = match tag {
            // RFC 5280 section 4.1.2.5.1: two digits mean 1950 to 2049.
            UTC_TIME => (u16::from(two(0)?) + if two(0)? < 50 { 2000 } else { 1900 }, 2),
            GENERALIZED_TIME => (u16::from(two(0)?) * 100 + u16::from(two(2)?), 4),
            _ => return None,
        };
        let rest = [two(at)?, two(at + 2)?, two(at + 4)?, two(at + 6)?, two(at + 8)?];
        let possible = (1..=12).contains(&rest[0]) && (1..=31).contains(&rest[1]) && rest[2] < 24;
        possible.then_some(Self { year, rest })
    }

    /// Seconds since 1970.
    #[cfg(feature = "tls")]
    pub(crate) fn seconds(self) -> i64 {
        let [month, day, hour, minute, second] = self.rest.map(i64::from);
        // Years that begin in March have their leap day at the end.
        let year = i64::from(self.year) - i64::from(month <= 2);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days =
            365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
                - 719_468;
        days * 86_400 + hour * 3_600 + minute * 60 + second
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [month, day, hour, minute, second] = self.rest;
        write!(f, "{:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC", self.year)
    }
}

/// A name as text, the most special part first (RFC 4514).
fn name(der: &[u8]) -> Option<String> {
    let parts = attributes(der)?.into_iter().rev().map(|(oid, value)| {
        let escaped: String = value
            .chars()
            .flat_map(|c| {
                matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';').then_some('\\').into_iter().chain([c])
            })
            .collect();
        format!("{}={escaped}", short(oid))
    });
    Some(parts.collect::<Vec<_>>().join(","))
}

/// The attributes of a name, in their order.
fn attributes(mut names: &[u8]) -> Option<Vec<(&[u8], String)>> {
    let mut found = Vec::new();
    while !names.is_empty() {
        let mut set = next(&mut names, SET)?;
        while !set.is_empty() {
            let mut attribute = next(&mut set, SEQUENCE)?;
            let oid = next(&mut attribute, OID)?;
            let (tag, value) = one(&mut attribute)?;
            found.push((oid, text(tag, value)));
        }
    }
    Some(found)
}

fn text(tag: u8, value: &[u8]) -> String {
    const BMP: u8 = 0x1e;
    if tag == BMP {
        let units: Vec<_> =
            value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        return shown(&String::from_utf16_lossy(&units));
    }
    shown(&String::from_utf8_lossy(value))
}

/// What somebody else wrote must not break a line of a log, nor pass for a name that it is not.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// An attribute's short name, RFC 4514 section 3, or its number.
fn short(oid: &[u8]) -> String {
    let known = match oid {
        COMMON_NAME => "CN",
        [0x55, 0x04, 0x05] => "SERIALNUMBER",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x09] => "STREET",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
        _ => return dotted(oid),
    };
    known.to_owned()
}

fn dotted(oid: &[u8]) -> String {
    let mut numbers = Vec::new();
    let mut number = 0_u64;
    for byte in oid {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                // The first two numbers share one.
                let first = (number / 40).min(2);
                numbers.push(first);
                number -= first * 40;
            }
            numbers.push(number);
            number = 0;
        }
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

/// The content of an element with this tag, and what follows it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(der)?;
    (found == tag).then_some((content, rest))
}

fn next<'a>(der: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (content, rest) = take(der, tag)?;
    *der = rest;
    Some(content)
}

fn one<'a>(der: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, content, rest) = element(der)?;
    *der = rest;
    Some((tag, content))
}

/// Tag, content and what follows. Certificates have no tags of several bytes and, in DER, no
/// lengths that are not known.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, SanType};

    use super::*;

    fn sample() -> Vec<u8> {
        let mut params =
            CertificateParams::new(vec!["a.example".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI("spiffe://example/billing".try_into().unwrap()));
        params.subject_alt_names.push(SanType::Rfc822Name("ops@example".try_into().unwrap()));
        params.subject_alt_names.push(SanType::IpAddress("::1".parse().unwrap()));
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
        params.distinguished_name.push(DnType::CommonName, "bil\nling");
        params.not_before = rcgen::date_time_ymd(1999, 12, 31);
        params.not_after = rcgen::date_time_ymd(2096, 2, 29);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn names_and_times_are_read() {
        let read = Certificate::read(&sample()).unwrap();
        assert_eq!(read.common_name.as_deref(), Some("bil\u{fffd}ling"));
        let mut parts: Vec<_> = read.subject.split(",").collect();
        parts.sort_unstable();
        assert_eq!(parts, [" Inc.", "CN=bil\u{fffd}ling", "O=Example\\"]);
        assert_eq!(read.issuer, read.subject);
        assert_eq!(read.dns_names, ["a.example"]);
        assert_eq!(read.ip_addresses, ["127.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert_eq!(read.uris, ["spiffe://example/billing"]);
        assert_eq!(read.emails, ["ops@example"]);
        let (from, until) = read.valid.unwrap();
        assert_eq!(from.to_string(), "1999-12-31 00:00:00 UTC");
        assert_eq!(until.to_string(), "2096-02-29 00:00:00 UTC");
        #[cfg(feature = "tls")]
        assert_eq!((from.seconds(), until.seconds()), (946_598_400, 3_981_312_000));
    }

    #[test]
    fn numbers_of_attributes_are_dotted() {
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]), "1.2.840.113549");
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut der = sample();
            let at = at.index(der.len());
            der[at] = byte;
            let _ = Certificate::read(&der);
            let cut = cut.index(der.len());
            let _ = Certificate::read(&der[..cut]);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Certificate::read(&bytes);
            let mut reading = &bytes[..];
            let _ = Moment::read(&mut reading);
            let _ = dotted(&bytes);
        }
    }
}
