use std::rc::Rc;
use trunkline::Result;

#[trunkline::service]
trait Arith {
    async fn mul(&self, args: i64) -> Result<i64>;
}

struct Calculator;

impl Arith for Calculator {
    async fn mul(&self, args: i64) -> Result<i64> {
        let shared = Rc::new(args);
        std::future::ready(()).await;
        Ok(*shared)
    }
}

struct Local(Rc<i64>);

impl Arith for Local {
    async fn mul(&self, args: i64) -> Result<i64> {
        Ok(args)
    }
}

fn main() {}
