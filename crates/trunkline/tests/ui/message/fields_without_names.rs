#[trunkline::message]
struct Pair(i64, String);

fn main() {}
