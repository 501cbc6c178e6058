#[trunkline::message]
#[derive(Debug, serde::Serialize)]
struct Args {
    a: i64,
}

#[trunkline::message]
struct Reply {
    #[serde(rename = "C")]
    c: i64,
}

fn main() {}
