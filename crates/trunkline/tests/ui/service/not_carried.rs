use trunkline::Result;

struct Plain {
    a: i64,
}

#[trunkline::message]
struct Message {
    a: i64,
}

#[trunkline::service]
trait Arguments {
    async fn mul(&self, args: Plain) -> Result<Message>;
}

#[trunkline::service]
trait Replies {
    async fn mul(&self, args: Message) -> Result<Plain>;
}

fn main() {}
