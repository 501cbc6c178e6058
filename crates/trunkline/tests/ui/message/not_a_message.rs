use trunkline::codec::{CodecSet, Json, MsgPack};

struct Args {
    a: i64,
}

#[trunkline::message]
struct Reply {
    c: i64,
}

fn speaks<S: CodecSet<A, R>, A, R>() {}

fn main() {
    speaks::<(MsgPack, Json), Args, Reply>();
    speaks::<(MsgPack, Json), Reply, Args>();
}
