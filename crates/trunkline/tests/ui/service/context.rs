use trunkline::{Ctx, Result};

#[trunkline::service]
trait Arith {
    async fn late(&self, args: i64, ctx: &Ctx) -> Result<i64>;
    async fn owned(&self, ctx: Ctx, args: i64) -> Result<i64>;
    async fn alone(&self, ctx: Ctx) -> Result<i64>;
    async fn mutable(&self, ctx: &mut Ctx) -> Result<i64>;
}

fn main() {}
