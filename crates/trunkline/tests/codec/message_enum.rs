//! `#[trunkline::message]` on enums.

use trunkline::codec::{Json, MsgPack};
use trunkline::message;

use crate::sample::{Both, both, decoded, encoded};

#[message]
#[derive(Debug, PartialEq, Default)]
enum Colour {
    #[default]
    Red,
    #[message(name = "green")]
    Green,
    #[message(json = "b", msgpack = "B")]
    Blue,
}

#[test]
fn variants_without_values_are_text() {
    both(&Colour::Red, Both { json: r#""Red""#, msgpack: b"\xa3Red" });
    both(&Colour::Green, Both { json: r#""green""#, msgpack: b"\xa5green" });
    both(&Colour::Blue, Both { json: r#""b""#, msgpack: b"\xa1B" });
    for nothing in [&b"\xa0"[..], b"\xc0"] {
        assert_eq!(decoded::<MsgPack, Colour>(nothing).unwrap(), Colour::Red);
    }
    assert_eq!(
        decoded::<Json, Colour>(br#""pink""#).unwrap_err().to_string(),
        "json: cannot decode Colour: \"pink\" is no Colour; known are Red, green, b"
    );
}

#[test]
fn without_a_default_nothing_is_an_error() {
    #[message]
    #[derive(Debug, PartialEq)]
    enum Choice {
        Yes,
        No,
    }
    #[message]
    #[derive(Debug, PartialEq)]
    struct Form {
        choice: Choice,
    }
    both(&Choice::No, Both { json: r#""No""#, msgpack: b"\xa2No" });
    assert_eq!(decoded::<MsgPack, Choice>(b"\xa3Yes").unwrap(), Choice::Yes);
    assert!(decoded::<MsgPack, Choice>(b"\xc0").is_err());
    let text = decoded::<MsgPack, Form>(b"\x80").unwrap_err().to_string();
    assert!(text.contains("missing field Choice"), "{text}");
}

#[test]
fn the_unknown_can_be_caught() {
    #[message]
    #[derive(Debug, PartialEq)]
    enum State {
        On,
        #[message(other)]
        Unknown,
    }
    #[message]
    #[derive(Debug, PartialEq)]
    enum Kept {
        On,
        #[message(other)]
        Other(String),
    }
    assert_eq!(decoded::<Json, State>(br#""On""#).unwrap(), State::On);
    assert_eq!(decoded::<Json, State>(br#""Half""#).unwrap(), State::Unknown);
    both(&Kept::On, Both { json: r#""On""#, msgpack: b"\xa2On" });
    both(&Kept::Other("Half".into()), Both { json: r#""Half""#, msgpack: b"\xa4Half" });
}

#[message]
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
enum Level {
    Low,
    High = 200,
    Highest,
}

#[test]
fn variants_with_numbers_are_numbers() {
    both(&Level::Low, Both { json: "0", msgpack: b"\x00" });
    both(&Level::High, Both { json: "200", msgpack: b"\xcc\xc8" });
    both(&Level::Highest, Both { json: "201", msgpack: b"\xcc\xc9" });
    assert_eq!(decoded::<MsgPack, Level>(b"\xc0").unwrap(), Level::Low);
    assert_eq!(decoded::<MsgPack, Level>(b"\xd3\x00\x00\x00\x00\x00\x00\x00\xc8").unwrap(), Level::High);
    assert_eq!(
        decoded::<Json, Level>(b"7").unwrap_err().text(),
        "7 is no Level; known are 0 (Low), 200 (High), 201 (Highest)"
    );
    assert!(decoded::<Json, Level>(b"18446744073709551615").is_err());
}

#[test]
fn a_list_of_small_numbers_is_bin_as_in_go() {
    both(&vec![Level::Low, Level::High], Both { json: r#""AMg=""#, msgpack: b"\xc4\x02\x00\xc8" });
}

#[test]
fn a_number_can_be_asked_for_and_the_unknown_caught() {
    #[message(number)]
    #[derive(Debug, PartialEq)]
    enum Plain {
        Zero,
        One,
        #[message(other)]
        More(i64),
    }
    both(&Plain::One, Both { json: "1", msgpack: b"\x01" });
    both(&Plain::More(-5), Both { json: "-5", msgpack: b"\xfb" });
    assert_eq!(decoded::<Json, Plain>(b"0").unwrap(), Plain::Zero);
}

#[message]
#[derive(Debug, PartialEq)]
struct Circle {
    radius: f64,
}

#[message]
#[derive(Debug, PartialEq)]
enum Shape {
    #[message(default)]
    Nowhere,
    Circle(Circle),
    Label(String),
    #[message(json = "raw")]
    Raw(Vec<u8>),
}

#[test]
fn variants_with_values_are_a_map_of_one_entry() {
    both(
        &Shape::Circle(Circle { radius: 1.0 }),
        Both {
            json: r#"{"Circle":{"Radius":1}}"#,
            msgpack: b"\x81\xa6Circle\x81\xa6Radius\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00",
        },
    );
    both(&Shape::Label("x".into()), Both { json: r#"{"Label":"x"}"#, msgpack: b"\x81\xa5Label\xa1x" });
    both(&Shape::Raw(vec![]), Both { json: r#"{"raw":""}"#, msgpack: b"\x81\xa3Raw\xc4\x00" });
    both(&Shape::Nowhere, Both { json: r#"{"Nowhere":{}}"#, msgpack: b"\x81\xa7Nowhere\x80" });
}

#[test]
fn gos_struct_of_pointers_is_read() {
    let payload = br#"{"Nowhere":null,"Circle":null,"Label":"x","raw":null,"Later":[1]}"#;
    assert_eq!(decoded::<Json, Shape>(payload).unwrap(), Shape::Label("x".into()));
    for nothing in [&b"{}"[..], b"null", br#"{"Circle":null}"#, br#""Nowhere""#, br#""""#] {
        assert_eq!(decoded::<Json, Shape>(nothing).unwrap(), Shape::Nowhere);
    }
    assert_eq!(
        decoded::<Json, Shape>(br#"{"Circle":{"Radius":1},"Label":"x"}"#).unwrap_err().text(),
        "Shape is one variant, and both Circle and Label are set"
    );
    assert_eq!(
        decoded::<Json, Shape>(br#"{"Circle":{"Radius":"x"}}"#).unwrap_err().path(),
        Some("Circle.Radius")
    );
    assert_eq!(
        decoded::<Json, Shape>(br#""Circle""#).unwrap_err().text(),
        "\"Circle\" is no variant of Shape that holds nothing"
    );
}

#[test]
fn one_of_without_a_default_must_be_set() {
    #[message]
    #[derive(Debug, PartialEq)]
    enum Either<A, B> {
        Left(A),
        Right(B),
    }
    both(&Either::<i64, Circle>::Left(1), Both { json: r#"{"Left":1}"#, msgpack: b"\x81\xa4Left\x01" });
    assert_eq!(
        decoded::<MsgPack, Either<i64, i64>>(b"\x80").unwrap_err().text(),
        "no variant of Either is set, and none is the default; known are Left, Right"
    );
    assert_eq!(decoded::<Json, Either<i64, i64>>(br#"{"right":2}"#).unwrap(), Either::Right(2));
}

#[test]
fn enums_stand_in_structs() {
    #[message]
    #[derive(Debug, PartialEq)]
    struct Drawing {
        colour: Colour,
        level: Level,
        shape: Shape,
        shapes: Vec<Shape>,
    }
    let empty = Drawing { colour: Colour::Red, level: Level::Low, shape: Shape::Nowhere, shapes: vec![] };
    assert_eq!(decoded::<MsgPack, Drawing>(b"\x80").unwrap(), empty);
    assert_eq!(decoded::<Json, Drawing>(&encoded::<Json, _>(&empty)).unwrap(), empty);
}
