use trunkline::{Ctx, Result};

#[trunkline::service]
trait Arith {
    async fn mul(&self, a: i64, b: i64) -> Result<i64>;
    async fn div(&self, ctx: &Ctx, a: i64, b: i64) -> Result<i64>;
}

fn main() {}
