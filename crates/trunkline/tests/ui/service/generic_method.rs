use trunkline::Result;

#[trunkline::message]
struct Args {
    a: i64,
}

#[trunkline::service]
trait Arith {
    async fn mul<T: Into<Args>>(&self, args: T) -> Result<i64>;
    async fn div(&self, args: impl Into<Args>) -> Result<i64>;
    async fn sum(&self, args: Args) -> Result<i64>
    where
        Self: Clone;
}

fn main() {}
