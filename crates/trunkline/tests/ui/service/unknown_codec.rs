use trunkline::Result;

#[trunkline::service(codecs(msgpack, xml))]
trait Arith {
    async fn mul(&self, args: i64) -> Result<i64>;
}

#[trunkline::service(codecs())]
trait Mute {
    async fn mul(&self, args: i64) -> Result<i64>;
}

#[trunkline::service(codecs(json, json))]
trait Twice {
    async fn mul(&self, args: i64) -> Result<i64>;
}

fn main() {}
