use trunkline::codec::{Codec, Json};

#[trunkline::message]
struct Reply<'a> {
    text: &'a str,
}

fn main() {
    let _ = Codec::<i64, Reply<'static>>::of::<Json>();
}
