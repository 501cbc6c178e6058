use trunkline::Result;

#[trunkline::service]
trait Arith {
    async fn mul(&self, args: i64) -> Result<i64>;
    #[method(name = "Mul")]
    async fn multiply(&self, args: i64) -> Result<i64>;
}

fn main() {}
