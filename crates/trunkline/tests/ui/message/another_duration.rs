mod clock {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Duration(pub u32);
}

use clock::Duration;

#[trunkline::message]
struct Job {
    took: Duration,
}

fn main() {}
