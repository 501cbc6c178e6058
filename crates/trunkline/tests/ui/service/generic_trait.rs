use trunkline::Result;

#[trunkline::service]
trait Arith<T> {
    async fn mul(&self, args: T) -> Result<T>;
}

fn main() {}
