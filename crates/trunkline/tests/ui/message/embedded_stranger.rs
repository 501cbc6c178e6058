struct Base {
    id: i64,
}

#[trunkline::message]
struct Args {
    #[message(flatten)]
    base: Base,
}

fn main() {}
