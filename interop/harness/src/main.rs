//! Calls between trunkline and real Go rpcx programs, in both directions.
//!
//! What a value should be is always said by the Go process. See `interop/README.md`.

mod check;
mod client;
mod dialect;
mod go_calls;
mod messages;
mod peers;
mod plan;
mod report;
mod rust_calls;
mod secure;
mod server;
mod services;
mod stopping;
mod until;
mod values;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use check::{Check, Problem};
use peers::{FOLDERS, Peer};
use plan::Step;
use report::Column;
use secure::Certificates;
use tokio::time::timeout;
use values::Values;

const USAGE: &str = "expected --rows (list every row), --case NAME (only rows whose case begins so), \
                     --verbose (show what the Go peers log) and peers to play with";

/// More than a healthy direction takes many times over; one that hangs must not take the whole day.
const DIRECTION_LIMIT: Duration = Duration::from_secs(90);
const OUT_OF_TIME: &str = "the time for this direction was up";

/// What was asked for.
struct Arguments {
    rows: bool,
    verbose: bool,
    case: String,
    folders: Vec<String>,
}

impl Arguments {
    fn parse() -> Check<Self> {
        let mut parsed = Self { rows: false, verbose: false, case: String::new(), folders: Vec::new() };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--rows" => parsed.rows = true,
                "--verbose" => parsed.verbose = true,
                "--case" => parsed.case = arguments.next().ok_or_else(|| Problem(USAGE.to_owned()))?,
                folder if FOLDERS.contains(&folder) => parsed.folders.push(argument),
                other => return Err(Problem(format!("unknown argument {other:?}; {USAGE}: {FOLDERS:?}"))),
            }
        }
        if parsed.folders.is_empty() {
            parsed.folders = FOLDERS.map(str::to_owned).to_vec();
        }
        Ok(parsed)
    }

    /// The steps that were asked for.
    fn chosen(&self, mut steps: Vec<Step>) -> Vec<Step> {
        steps.retain(|step| step.case.starts_with(&self.case));
        steps
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    silence_asked_panics();
    let (text, code) = match run().await {
        Ok((text, green)) => (text, if green { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
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
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        if text.or_else(|| payload.downcast_ref().map(String::as_str)) != Some(server::ASKED_TO_PANIC) {
            usual(panic);
        }
    }));
}

async fn run() -> Check<(String, bool)> {
    let arguments = Arguments::parse()?;
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let certificates = Certificates::make()?;
    let mut columns = Vec::new();
    for folder in &arguments.folders {
        let peer = Peer::new(&interop, folder, arguments.verbose);
        columns.extend(both_directions(&arguments, &peer, &certificates).await?);
    }
    let peer = Peer::new(&interop, &arguments.folders[0], arguments.verbose);
    columns.push(among_us(&arguments, &peer).await?);
    Ok(report::render(&columns, arguments.rows))
}

/// Go calls Rust, Rust calls Go.
async fn both_directions(
    arguments: &Arguments,
    peer: &Peer,
    certificates: &Certificates,
) -> Check<[Column; 2]> {
    let plan = peer.cases().await?;
    let values = Arc::new(Values::read(peer.values().await?)?);
    let go = peer.serve(certificates.folder()).await?;

    let mut inward = Column::new(format!("{}→us", go.rpcx), arguments.chosen(go_calls::steps(&plan)));
    let played = timeout(DIRECTION_LIMIT, go_calls::play(peer, &values, certificates, &mut inward)).await;
    match played {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => inward.abandon(&problem.0),
        Err(_) => inward.abandon(OUT_OF_TIME),
    }
    let steps = arguments.chosen(rust_calls::steps(&plan, &values));
    let mut outward = Column::new(format!("us→{}", go.rpcx), steps);
    if timeout(DIRECTION_LIMIT, rust_calls::play(&go, &values, certificates, &mut outward)).await.is_err() {
        outward.abandon(OUT_OF_TIME);
    }
    Ok([inward, outward])
}

/// Rust calls Rust, where the same promise is made to both.
async fn among_us(arguments: &Arguments, peer: &Peer) -> Check<Column> {
    let values = Arc::new(Values::read(peer.values().await?)?);
    let mut column = Column::new("us→us", arguments.chosen(stopping::steps()));
    stopping::play_rust(&values, &mut column).await;
    Ok(column)
}
