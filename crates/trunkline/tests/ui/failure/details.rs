#[derive(Debug, trunkline::Failure)]
#[failure("by zero", details)]
struct ByZero {
    n: i64,
}

fn main() {}
