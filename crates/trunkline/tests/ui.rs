//! What the compiler says to somebody who holds a macro wrongly.

#[test]
#[cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
fn message() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/message/*.rs");
}

#[test]
#[cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
fn service() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/service/*.rs");
}

#[test]
#[cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
fn failure() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/failure/*.rs");
}

#[test]
#[cfg(all(feature = "macros", feature = "thrift"))]
fn thrift() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/thrift/*.rs");
}
