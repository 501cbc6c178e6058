#[trunkline::message]
struct Args {
    #[message(rename = "B")]
    a: i64,
}

#[trunkline::message(deny_unknown)]
struct Reply {
    c: i64,
}

fn main() {}
