//! Medians, and ratios to the bare loop of the same cell and round.

use bench_load::Report;
use serde::Serialize;

use crate::{
    cells::{Cell, YARDSTICK},
    machine,
    settings::{Program, Settings},
};

/// Everything that was measured: for each cell and entry the runs of all rounds.
pub(crate) struct Figures<'a> {
    cells: &'a [Cell],
    entries: &'a [Program],
    runs: Vec<Vec<Vec<Result<Report, String>>>>,
}

/// The whole comparison, as it is printed and written as JSON.
#[derive(Serialize)]
pub(crate) struct Outcome {
    pub(crate) machine: String,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    /// The loop's throughput over Go rpcx's in the yardstick cell, if both were measured.
    pub(crate) loop_over_rpcx: Option<f64>,
    pub(crate) ratios_count: bool,
    pub(crate) cells: Vec<CellOutcome>,
}

/// One cell.
#[derive(Serialize)]
pub(crate) struct CellOutcome {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) peers: Vec<PeerOutcome>,
}

/// One peer in one cell.
#[derive(Serialize)]
pub(crate) struct PeerOutcome {
    pub(crate) name: String,
    /// Each figure the median of its own over the rounds.
    pub(crate) median: Option<Report>,
    /// Throughput over the loop's: more is better.
    pub(crate) calls_ratio: Option<Spread>,
    /// CPU of both sides for each call over the loop's: less is better.
    pub(crate) cpu_ratio: Option<Spread>,
    /// 99th percentile over the loop's: less is better.
    pub(crate) p99_ratio: Option<Spread>,
    pub(crate) runs: Vec<Result<Report, String>>,
}

/// A ratio over the rounds.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl<'a> Figures<'a> {
    pub(crate) fn new(entries: &'a [Program], cells: &'a [Cell]) -> Self {
        let runs = cells.iter().map(|_| entries.iter().map(|_| Vec::new()).collect()).collect();
        Self { cells, entries, runs }
    }

    /// Adds a run; rounds come in order.
    pub(crate) fn add(&mut self, cell: usize, entry: usize, run: Result<Report, String>) {
        self.runs[cell][entry].push(run);
    }

    pub(crate) fn outcome(&self, settings: &Settings) -> Outcome {
        let loop_over_rpcx = self.loop_over_rpcx();
        Outcome {
            machine: machine::describe(),
            rounds: settings.rounds,
            seconds: settings.length.as_secs_f64(),
            loop_over_rpcx,
            ratios_count: loop_over_rpcx.is_some_and(|ratio| ratio >= ENOUGH),
            cells: self.cells.iter().zip(&self.runs).map(|(cell, runs)| self.cell(cell, runs)).collect(),
        }
    }

    fn cell(&self, cell: &Cell, runs: &[Vec<Result<Report, String>>]) -> CellOutcome {
        let peers = self.entries.iter().zip(runs).enumerate().map(|(number, (entry, mine))| {
            // The loop is not compared with itself; its second entry is.
            let ratio = |figure: fn(&Report) -> f64| {
                if number == 0 { None } else { Spread::of(ratios(mine, &runs[0], figure)) }
            };
            PeerOutcome {
                name: entry.name.clone(),
                median: median_report(mine),
                calls_ratio: ratio(|report| report.calls_per_second),
                cpu_ratio: ratio(|report| report.client_cpu_us + report.server_cpu_us),
                p99_ratio: ratio(|report| report.p99_us),
                runs: mine.clone(),
            }
        });
        CellOutcome { name: cell.name.clone(), about: cell.about.clone(), peers: peers.collect() }
    }

    fn loop_over_rpcx(&self) -> Option<f64> {
        let cell = self.cells.iter().position(|cell| cell.name == YARDSTICK)?;
        let rpcx = self.entries.iter().position(|entry| entry.name == RPCX)?;
        let runs = &self.runs[cell];
        Spread::of(ratios(&runs[0], &runs[rpcx], |report| report.calls_per_second))
            .map(|spread| spread.median)
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        Some(Self { min: *values.first()?, median: median(&values)?, max: *values.last()? })
    }
}

/// Round by round, so that a slow minute of the machine slows both.
fn ratios(
    mine: &[Result<Report, String>],
    base: &[Result<Report, String>],
    figure: fn(&Report) -> f64,
) -> Vec<f64> {
    let pairs =
        mine.iter().zip(base).filter_map(|(mine, base)| Some((mine.as_ref().ok()?, base.as_ref().ok()?)));
    pairs.map(|(mine, base)| figure(mine) / figure(base)).filter(|ratio| ratio.is_finite()).collect()
}

fn median_report(runs: &[Result<Report, String>]) -> Option<Report> {
    let good: Vec<_> = runs.iter().filter_map(|run| run.as_ref().ok()).collect();
    let of = |figure: fn(&Report) -> f64| Spread::of(good.iter().map(|run| figure(run)).collect());
    let beside = good.iter().filter_map(|run| run.beside_per_second).collect();
    Some(Report {
        calls: of(|run| run.calls as f64)?.median as u64,
        errors: good.iter().map(|run| run.errors).sum(),
        error: good.iter().find_map(|run| run.error.clone()),
        skipped: good.iter().map(|run| run.skipped).sum(),
        seconds: of(|run| run.seconds)?.median,
        calls_per_second: of(|run| run.calls_per_second)?.median,
        client_cpu_us: of(|run| run.client_cpu_us)?.median,
        server_cpu_us: of(|run| run.server_cpu_us)?.median,
        p50_us: of(|run| run.p50_us)?.median,
        p99_us: of(|run| run.p99_us)?.median,
        beside_per_second: Spread::of(beside).map(|spread| spread.median),
    })
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { *upper } else { (sorted[middle - 1] + upper) / 2.0 })
}

/// Go's rpcx, by the name of its program.
const RPCX: &str = "rpcx";

/// So many times Go rpcx's throughput the loop must reach: below that it is the loop that is slow.
pub(crate) const ENOUGH: f64 = 7.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(throughput: &[f64]) -> Vec<Result<Report, String>> {
        throughput.iter().map(|calls| Ok(Report { calls_per_second: *calls, ..Report::default() })).collect()
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let spread = Spread::of(ratios(&runs(&[10.0, 40.0, 90.0]), &runs(&[10.0, 20.0, 30.0]), |report| {
            report.calls_per_second
        }));
        let spread = spread.unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 3.0));
    }

    #[test]
    fn a_failed_round_is_left_out() {
        let mut mine = runs(&[10.0, 10.0]);
        mine.push(Err("gone".to_owned()));
        let base = runs(&[10.0, 20.0, 1.0]);
        assert_eq!(ratios(&mine, &base, |report| report.calls_per_second), [1.0, 0.5]);
        assert_eq!(median_report(&mine).unwrap().calls_per_second, 10.0);
        assert!(median_report(&[Err("gone".to_owned())]).is_none());
    }

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }
}
