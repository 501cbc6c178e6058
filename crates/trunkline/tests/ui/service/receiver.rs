use trunkline::Result;

#[trunkline::message]
struct Args {
    a: i64,
}

#[trunkline::service]
trait Arith {
    async fn none(args: Args) -> Result<i64>;
    async fn nothing() -> Result<i64>;
    async fn mutable(&mut self, args: Args) -> Result<i64>;
    async fn owned(self, args: Args) -> Result<i64>;
    async fn shared(self: std::sync::Arc<Self>, args: Args) -> Result<i64>;
}

fn main() {}
