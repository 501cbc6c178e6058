use trunkline::{Ctx, Result};

#[trunkline::message]
struct Args {
    a: i64,
}

#[trunkline::service]
trait Arith {
    async fn message(&self, args: &Args) -> Result<i64>;
    async fn text(&self, ctx: &Ctx, args: &str) -> Result<i64>;
    async fn slice(&self, args: &[Args]) -> Result<i64>;
    async fn inside(&self, args: Option<&str>) -> Result<i64>;
    async fn lifetime(&self, args: std::borrow::Cow<'_, str>) -> Result<i64>;
    async fn reply(&self) -> Result<&str>;
    async fn of_the_service(&self, args: Self) -> Result<i64>;
}

fn main() {}
