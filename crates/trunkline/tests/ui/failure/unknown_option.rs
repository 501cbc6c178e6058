#[derive(Debug, trunkline::Failure)]
#[failure("by zero", kind = bad)]
struct ByZero;

#[derive(Debug, trunkline::Failure)]
#[failure("too large", cod = "large")]
struct TooLarge;

#[derive(Debug, trunkline::Failure)]
#[failure("slow", retry_after = "soon")]
struct Slow;

#[derive(Debug, trunkline::Failure)]
#[failure("nameless", code = "")]
struct Nameless;

#[derive(Debug, trunkline::Failure)]
#[failure("for all", details)]
enum Several {
    One,
}

#[derive(Debug, trunkline::Failure)]
enum Variant {
    #[failure("one", details)]
    One,
}

fn main() {}
