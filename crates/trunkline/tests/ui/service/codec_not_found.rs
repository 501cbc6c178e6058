use trunkline::Result;

mod formats {}

#[trunkline::service(codecs(formats::Mine, msgpack))]
trait Arith {
    async fn mul(&self, args: i64) -> Result<i64>;
    async fn div(&self, args: i64) -> Result<i64>;
}

fn main() {}
