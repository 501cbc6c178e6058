#[trunkline::message]
struct Args {
    user_id: i64,
    #[message(json = "UserID")]
    other: i64,
}

fn main() {}
