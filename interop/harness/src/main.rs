//! Calls between trunkline and real Go rpcx programs, in both directions.
//!
//! What a value should be is always said by the Go process. See `interop/README.md`.

mod check;
mod go_calls;
mod messages;
mod peers;
mod plan;
mod report;
mod server;
mod services;
mod until;
mod values;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use check::Check;
use peers::{FOLDERS, Peer};
use report::Column;
use values::Values;

/// `--rows` lists every row, `--verbose` shows what the Go peers log; other arguments are the peers to play with.
struct Arguments {
    rows: bool,
    verbose: bool,
    folders: Vec<String>,
}

impl Arguments {
    fn parse() -> Check<Self> {
        let mut parsed = Self { rows: false, verbose: false, folders: Vec::new() };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                "--rows" => parsed.rows = true,
                "--verbose" => parsed.verbose = true,
                folder if FOLDERS.contains(&folder) => parsed.folders.push(argument),
                _ => {
                    let text = format!(
                        "unknown argument {argument:?}, expected --rows, --verbose or one of {FOLDERS:?}"
                    );
                    return Err(check::Problem(text));
                }
            }
        }
        if parsed.folders.is_empty() {
            parsed.folders = FOLDERS.map(str::to_owned).to_vec();
        }
        Ok(parsed)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    silence_asked_panics();
    let (text, code) = match run().await {
        Ok((text, failed)) => (text, if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Err(problem) => (format!("interop: {}", problem.0), ExitCode::from(2)),
    };
    // Nobody is left to be told when standard output is closed.
    let _ = writeln!(std::io::stdout(), "{text}");
    code
}

/// The panics that cases ask for are no news.
fn silence_asked_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str() != Some(server::ASKED_TO_PANIC) {
            usual(panic);
        }
    }));
}

async fn run() -> Check<(String, usize)> {
    let arguments = Arguments::parse()?;
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let mut columns = Vec::new();
    for folder in &arguments.folders {
        let peer = Peer::new(interop, folder, arguments.verbose);
        columns.extend(both_directions(&peer).await?);
    }
    Ok(report::render(&columns, arguments.rows))
}

async fn both_directions(peer: &Peer) -> Check<[Column; 1]> {
    let plan = peer.cases().await?;
    let values = Arc::new(Values::read(peer.values().await?)?);
    let go = peer.serve().await?;

    let mut inward = Column::new(format!("go {}→", go.rpcx), go_calls::steps(&plan));
    if let Err(problem) = go_calls::play(peer, &values, &mut inward).await {
        inward.abandon(&problem.0);
    }
    Ok([inward])
}
