use trunkline::Result;

#[trunkline::service]
trait Arith {
    type Number;
    const ZERO: i64;
    async fn mul(&self, args: i64) -> Result<i64>;
}

#[trunkline::service]
trait Empty {}

fn main() {}
