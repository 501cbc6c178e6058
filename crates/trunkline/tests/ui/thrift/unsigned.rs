#[derive(trunkline::Thrift)]
struct Args {
    #[thrift(1)]
    a: u32,
}

fn main() {}
