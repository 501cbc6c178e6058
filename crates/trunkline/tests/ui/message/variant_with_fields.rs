#[trunkline::message]
enum Shape {
    Circle { radius: f64 },
    Label(String),
}

fn main() {}
