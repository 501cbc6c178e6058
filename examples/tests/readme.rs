//! The README says what is so: the program that its first command runs, the examples, the defaults.

use trunkline::ByteBudget;
use trunkline::server::ServerLimits;

const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_shows_the_quickstart() {
    let readme = README.replace("\r\n", "\n");
    let program = include_str!("../quickstart.rs").replace("\r\n", "\n");
    let (_, code) = program.split_once("\n\n").expect("the program begins with its module comment");
    let (_, block) = readme.split_once("```rust\n").expect("the README has a block of Rust");
    let (block, _) = block.split_once("```").expect("the block ends");
    assert_eq!(block.trim(), code.trim(), "README.md and examples/quickstart.rs differ");
}

#[test]
fn the_readme_names_every_example() {
    let manifest = include_str!("../Cargo.toml");
    let examples = manifest.split("[[example]]").skip(1).filter_map(|entry| entry.split('"').nth(1));
    let (_, table) = README.split_once("| example | shows |").expect("the README has a table of examples");
    for example in examples {
        assert!(table.contains(&format!("`{example}`")), "README.md does not name the example {example}");
    }
}

#[test]
fn the_defaults_are_those_of_the_readme() {
    let limits = ServerLimits::default();
    let thousands = |n: usize| match n {
        0..1_000 => n.to_string(),
        _ => format!("{},{:03}", n / 1_000, n % 1_000),
    };
    let mib = |n: usize| format!("{} MiB", n >> 20);
    for row in [
        format!(
            "| frame; metadata; payload after inflating | {}; {}; {} |",
            mib(limits.wire.frame),
            mib(limits.wire.metadata),
            mib(limits.wire.inflated)
        ),
        format!("| connections of a server | {} |", thousands(limits.connections)),
        format!(
            "| calls under way per connection; per server | {}; {} |",
            thousands(limits.in_flight_per_connection),
            thousands(limits.in_flight)
        ),
        format!(
            "| requests of a connection that wait for a place | {}, for {:?} or",
            thousands(limits.queue_per_connection),
            limits.queue_wait
        )
        .replace("10s", "10 s"),
        format!("nothing more is read from it | {} |", mib(limits.unwritten_per_connection)),
        format!("holds for far ends | {} |", mib(ByteBudget::default().limit())),
    ] {
        assert!(README.contains(&row), "README.md does not say: {row}");
    }
}
