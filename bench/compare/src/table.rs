//! The outcome for people.

use std::fmt::Write;

use crate::{
    cells::YARDSTICK,
    figures::{ENOUGH, Outcome, PeerOutcome, Spread},
};

pub(crate) fn render(outcome: &Outcome) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, outcome);
    text
}

fn write(text: &mut String, outcome: &Outcome) -> std::fmt::Result {
    writeln!(text, "{}; {} rounds of {} s, medians", outcome.machine, outcome.rounds, outcome.seconds)?;
    writeln!(
        text,
        "×loop: median (lowest–highest) ratio to the bare loop in the same round; CPU of both sides"
    )?;
    for cell in &outcome.cells {
        writeln!(text, "\n{}: {}", cell.name, cell.about)?;
        writeln!(
            text,
            "  {:<12} {:>9} {:>18} {:>9} {:>9} {:>18} {:>9} {:>9} {:>7}",
            "", "calls/s", "×loop", "client µs", "server µs", "cpu ×loop", "p50 µs", "p99 µs", "×loop"
        )?;
        for peer in &cell.peers {
            write_peer(text, peer)?;
        }
    }
    writeln!(text)?;
    match outcome.loop_over_rpcx {
        Some(ratio) if outcome.ratios_count => {
            writeln!(text, "the bare loop does {ratio:.1} × Go rpcx at {YARDSTICK}: ratios count")
        }
        Some(ratio) => writeln!(
            text,
            "the bare loop does {ratio:.1} × Go rpcx at {YARDSTICK}, expected {ENOUGH} ×: no ratio counts"
        ),
        None => {
            writeln!(text, "the bare loop and Go rpcx were not both measured at {YARDSTICK}: no ratio counts")
        }
    }
}

fn write_peer(text: &mut String, peer: &PeerOutcome) -> std::fmt::Result {
    write!(text, "  {:<12} ", peer.name)?;
    match &peer.median {
        None => write!(text, "no run")?,
        Some(median) => {
            write!(
                text,
                "{:>9.0} {:>18} {:>9.2} {:>9.2} {:>18} {:>9.1} {:>9.1} {:>7}",
                median.calls_per_second,
                spread(peer.calls_ratio),
                median.client_cpu_us,
                median.server_cpu_us,
                spread(peer.cpu_ratio),
                median.p50_us,
                median.p99_us,
                peer.p99_ratio.map_or_else(String::new, |ratio| format!("{:.2}", ratio.median)),
            )?;
            if let Some(beside) = median.beside_per_second {
                write!(text, "  beside {beside:.0}/s")?;
            }
            if median.skipped > 0 {
                write!(text, "  {} calls not started", median.skipped)?;
            }
            if median.errors > 0 {
                let error = median.error.as_deref().unwrap_or_default();
                write!(text, "  {} calls failed: {error}", median.errors)?;
            }
        }
    }
    for run in &peer.runs {
        if let Err(error) = run {
            write!(text, "  [{error}]")?;
        }
    }
    writeln!(text)
}

fn spread(spread: Option<Spread>) -> String {
    spread.map_or_else(String::new, |Spread { min, median, max }| format!("{median:.2} ({min:.2}–{max:.2})"))
}
