//! Prints a table: for each balancer what a pick takes among 10, 1,000 and 100,000 instances, and
//! what it takes to make a picker of a list in which one instance has changed.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use trunkline::balance::{Balancer, Candidate, Picker, Random, Stats, WarmUp, by_name};
use trunkline::balance::{Pick, Split};
use trunkline::registry::Instance;

const SIZES: [usize; 3] = [10, 1_000, 100_000];

const NAMES: [&str; 11] = [
    "p2c",
    "random",
    "weighted-random",
    "round-robin",
    "weighted",
    "network-quality",
    "least-connections",
    "go-hash",
    "rendezvous",
    "nearest(48.2,16.4)",
    "sticky(p2c)",
];

fn main() {
    println!("| balancer | pick of 10 | of 1,000 | of 100,000 | a change in 10 | in 1,000 | in 100,000 |");
    println!("|---|---|---|---|---|---|---|");
    let named = NAMES.map(|name| by_name(name).expect("the balancer is known"));
    let split = Split::over(named[0].clone()).share("version", "2", 5.0).expect("five is at most a hundred");
    let warm_up = WarmUp::over(named[0].clone(), Duration::from_secs(30));
    let wrapped: [Arc<dyn Balancer>; 2] = [Arc::new(split), Arc::new(warm_up)];
    for balancer in named.iter().chain(&wrapped) {
        let costs = SIZES.map(|size| cost(&**balancer, &fleet(size)));
        let picks = costs.map(|(pick, _)| shown(pick));
        let changes = costs.map(|(_, change)| shown(change));
        println!("| {} | {} | {} |", balancer.name(), picks.join(" | "), changes.join(" | "));
    }
}

/// Instances with the weights 1 to 4 all over the world, one in ten of version 2.
fn fleet(size: usize) -> Vec<Candidate> {
    let candidate = |i: usize| {
        let version = if i.is_multiple_of(10) { 2 } else { 1 };
        let (latitude, longitude) = (i % 170, i % 350);
        let text = format!(
            "tcp@10.{}.{}.{}:8972?version={version}&latitude={}&longitude={}",
            i / 65_536,
            i / 256 % 256,
            i % 256,
            latitude as i64 - 85,
            longitude as i64 - 175
        );
        let instance: Instance = text.parse().expect("the address is one");
        Candidate { instance, weight: 1 + i as u64 % 4, stats: Arc::new(Stats::new()) }
    };
    (0..size).map(candidate).collect()
}

/// Nanoseconds for a pick, and for a new picker after one instance was replaced.
fn cost(balancer: &dyn Balancer, candidates: &[Candidate]) -> (f64, f64) {
    let random = Random::seeded(1);
    let picker = balancer.picker(candidates, None);
    let now = tokio::time::Instant::now();
    let keys: Vec<String> = (0..1_024).map(|i| format!("user-{i}")).collect();
    let pick = Pick::new("Arith", "Mul", candidates, now, &random);
    let mut turn = 0;
    let pick_cost = nanoseconds(|| {
        turn += 1;
        let pick = pick.with_key(Some(keys[turn % keys.len()].as_bytes()));
        black_box(picker.pick(black_box(&pick)));
    });

    let mut changed = candidates.to_vec();
    let last = changed.len() / 2;
    let address: Instance = "tcp@127.0.0.1:1".parse().expect("the address is one");
    changed[last] = Candidate { instance: address, ..changed[last].clone() };
    let mut before: Box<dyn Picker> = picker;
    let mut is_changed = false;
    let change_cost = nanoseconds(|| {
        is_changed = !is_changed;
        let list = if is_changed { &changed } else { candidates };
        before = balancer.picker(black_box(list), Some(&*before));
    });
    (pick_cost, change_cost)
}

/// The median of five measurements of at least 20 ms, for each repetition.
fn nanoseconds(mut run: impl FnMut()) -> f64 {
    let mut measured = [0.0; 5];
    for measured in &mut measured {
        let begun = Instant::now();
        let mut runs = 0u32;
        while begun.elapsed() < Duration::from_millis(20) {
            let batch = (runs / 2).clamp(1, 10_000);
            (0..batch).for_each(|_| run());
            runs += batch;
        }
        *measured = begun.elapsed().as_nanos() as f64 / f64::from(runs);
    }
    measured.sort_by(f64::total_cmp);
    measured[2]
}

fn shown(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e6 => format!("{:.1} µs", n / 1e3),
        n => format!("{:.1} ms", n / 1e6),
    }
}
