use trunkline::Result;

#[trunkline::service]
trait Factory {
    async fn new(&self, args: i64) -> Result<i64>;
    async fn into_service(&self) -> Result<i64>;
}

fn main() {}
