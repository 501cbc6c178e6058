use trunkline::Result;

#[trunkline::message]
struct Message {
    a: i64,
}

#[trunkline::service(codecs(json, raw))]
trait Arith {
    async fn mul(&self, args: Message) -> Result<Vec<u8>>;
}

fn main() {}
