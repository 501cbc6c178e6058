struct Socket;

#[trunkline::message]
struct Args {
    socket: Socket,
}

fn main() {}
