#[derive(Debug, trunkline::Failure)]
#[failure("{nmae} is missing")]
struct Missing {
    name: String,
}

#[derive(Debug, trunkline::Failure)]
#[failure("{} is missing")]
struct Unnamed(String);

#[derive(Debug, trunkline::Failure)]
#[failure("{1} is missing")]
struct Beyond(String);

#[derive(Debug, trunkline::Failure)]
#[failure("{name} is missing")]
struct Unit;

#[derive(Debug, trunkline::Failure)]
#[failure("a brace } alone")]
struct Brace;

#[derive(Debug)]
struct Mute;

#[derive(Debug, trunkline::Failure)]
#[failure("{0} cannot be shown")]
struct Hidden(Mute);

#[derive(Debug, trunkline::Failure)]
enum Some {
    #[failure("has a text")]
    One,
    Other,
}

fn main() {}
