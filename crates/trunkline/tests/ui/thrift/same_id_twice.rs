#[derive(trunkline::Thrift)]
struct Args {
    #[thrift(1)]
    a: i32,
    #[thrift(1)]
    b: i32,
}

fn main() {}
