struct Calculator;

#[trunkline::service]
impl Calculator {}

#[trunkline::service]
struct Arith;

fn main() {}
