#[derive(Debug, trunkline::Failure)]
enum DivError {
    ByZero,
}

#[derive(Debug, trunkline::Failure)]
struct Caused(#[failure(source)] std::io::Error);

fn main() {}
