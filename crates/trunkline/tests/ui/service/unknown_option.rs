use trunkline::Result;

#[trunkline::service(path = "Math")]
trait Arith {
    #[method(idempotant)]
    async fn mul(&self, args: i64) -> Result<i64>;
    #[method(name = "")]
    async fn div(&self, args: i64) -> Result<i64>;
    #[method(name)]
    async fn sum(&self, args: i64) -> Result<i64>;
}

fn main() {}
