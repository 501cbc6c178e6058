//! The README shows the program that its first command runs.

#[test]
fn the_readme_shows_the_quickstart() {
    let readme = include_str!("../../README.md").replace("\r\n", "\n");
    let program = include_str!("../quickstart.rs").replace("\r\n", "\n");
    let (_, code) = program.split_once("\n\n").expect("the program begins with its module comment");
    let (_, block) = readme.split_once("```rust\n").expect("the README has a block of Rust");
    let (block, _) = block.split_once("```").expect("the block ends");
    assert_eq!(block.trim(), code.trim(), "README.md and examples/quickstart.rs differ");
}
