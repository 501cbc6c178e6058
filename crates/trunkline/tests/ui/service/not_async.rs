use trunkline::Result;

#[trunkline::message]
struct Args {
    a: i64,
}

#[trunkline::service]
trait Arith {
    fn mul(&self, args: Args) -> Result<i64>;
}

fn main() {}
