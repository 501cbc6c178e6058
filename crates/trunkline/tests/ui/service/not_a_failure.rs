use trunkline::Result;

#[derive(Debug)]
enum DivError {
    ByZero,
}

#[trunkline::service]
trait Arith {
    async fn div(&self, args: i64) -> Result<i64, DivError>;
}

fn main() {}
