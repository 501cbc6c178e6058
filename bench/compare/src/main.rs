//! Runs the peers side by side: every cell with every peer in turn, again for each round, and prints medians
//! and their ratios to the bare loop. Started by `bench/run`, which builds the peers and names them.

mod cells;
mod figures;
mod machine;
mod process;
mod settings;
mod table;

use std::{io::IsTerminal, process::ExitCode};

use bench_load::{Report, Result};

use crate::{
    figures::Figures,
    process::Server,
    settings::{Program, Settings},
};

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<()> {
    let settings = Settings::from_args()?;
    let cells = cells::all(&settings);
    // The loop first and once more at the end: its ratio to itself shows how far to trust the others.
    let mut entries = settings.programs.clone();
    let again = Program { name: AGAIN.to_owned(), path: settings.programs[0].path.clone() };
    entries.push(again);

    let mut figures = Figures::new(&entries, &cells);
    for round in 0..settings.rounds {
        for (number, cell) in cells.iter().enumerate() {
            // Each round starts with another peer, so that none always follows the same one.
            for turn in 0..entries.len() {
                let entry = (turn + round) % entries.len();
                let program = &entries[entry];
                progress(&format!(
                    "round {} of {}: {} {}",
                    round + 1,
                    settings.rounds,
                    cell.name,
                    program.name
                ));
                let outcome = measure(program, cell, &settings);
                figures.add(number, entry, outcome.map_err(|error| error.to_string()));
            }
        }
    }
    progress("");

    let outcome = figures.outcome(&settings);
    print!("{}", table::render(&outcome));
    if let Some(path) = &settings.json {
        std::fs::write(path, serde_json::to_string_pretty(&outcome)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// One cell with one peer, by a server and a client of their own.
fn measure(program: &Program, cell: &cells::Cell, settings: &Settings) -> Result<Report> {
    let limit = settings.warmup + settings.length + process::MARGIN;
    let server = Server::start(&program.path, limit)?;
    server.load(&program.path, &cell.arguments(settings), limit)
}

/// One line that is written over, where somebody is looking.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

/// The second entry of the bare loop.
const AGAIN: &str = "bare again";
