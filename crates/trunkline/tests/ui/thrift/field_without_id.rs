#[derive(trunkline::Thrift)]
struct Args {
    a: i32,
}

fn main() {}
