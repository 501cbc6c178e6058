use trunkline::codec::{Codec, Thrift};

#[trunkline::message]
struct Args {
    a: i32,
}

fn main() {
    let _ = Codec::<Args, Args>::of::<Thrift>();
}
