#[derive(Debug, trunkline::Failure)]
#[failure("{name} borrows")]
struct Borrows<'a> {
    name: &'a str,
}

#[derive(Debug, trunkline::Failure)]
enum Never {}

#[derive(trunkline::Failure)]
union Either {
    a: u8,
    b: i8,
}

#[derive(Debug, trunkline::Failure)]
#[failure("two causes")]
struct Two(#[failure(source)] std::fmt::Error, #[failure(source)] std::fmt::Error);

fn main() {}
