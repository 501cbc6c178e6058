use trunkline::Result;

#[trunkline::message]
struct Args {
    a: i64,
}

type Answer = Result<i64>;

#[trunkline::service]
trait Arith {
    async fn nothing(&self, args: Args);
    async fn bare(&self, args: Args) -> i64;
    async fn option(&self, args: Args) -> Option<i64>;
    async fn tuple(&self, args: Args) -> (i64, bool);
    async fn hidden(&self, args: Args) -> Answer;
    async fn hidden_too(&self, args: Args) -> MulResult;
}

fn main() {}
