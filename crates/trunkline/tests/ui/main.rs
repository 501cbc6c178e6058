//! What the macros say to somebody who writes their first service: each file beside this one fails to compile with
//! the text that stands in its `.stderr`.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*/*.rs");
}
