//! The main function of every Rust peer.

use std::{
    io::{Read, Write},
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet, time::timeout};

use crate::{
    BenchmarkMessage, Call, ClientSettings, Peer, Report, Result, ServerSettings, Settings, closed,
    open::Pace,
    operation::{Burn, Echo, Operation, Say},
    tally::Tally,
    window::{Spent, Window},
};

/// Serves, or calls and prints a [`Report`], as the command line says.
pub fn run<P: Peer>() -> ExitCode {
    match try_run::<P>() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn try_run<P: Peer>() -> Result<()> {
    let settings = Settings::from_args()?;
    // The multi-threaded runtime with its defaults, for every peer.
    let runtime = Runtime::new()?;
    match settings {
        Settings::Server(settings) => runtime.block_on(serve::<P>(settings)),
        Settings::Client(settings) => {
            let report = runtime.block_on(load::<P>(settings))?;
            println!("{}", serde_json::to_string(&report)?);
            // Without waiting for tasks that a peer left behind.
            runtime.shutdown_background();
            Ok(())
        }
    }
}

async fn serve<P: Peer>(settings: ServerSettings) -> Result<()> {
    end_with_parent();
    let listener = TcpListener::bind(settings.addr).await?;
    println!("listening on {}", listener.local_addr()?);
    std::io::stdout().flush()?;
    timeout(settings.lifetime, P::serve(listener)).await.unwrap_or(Ok(()))
}

/// Ends the process when its standard input is closed: the parent holds the other end.
fn end_with_parent() {
    thread::spawn(|| {
        let mut byte = [0];
        while matches!(std::io::stdin().read(&mut byte), Ok(1)) {}
        std::process::exit(0);
    });
}

async fn load<P: Peer>(settings: ClientSettings) -> Result<Report> {
    let peer = timeout(PATIENCE, P::connect(settings.addr, settings.connections))
        .await
        .map_err(|_| format!("{}: no connection within {PATIENCE:?}", settings.addr))??;
    let window = Arc::new(Window::default());

    let mut neighbours = JoinSet::new();
    if let Some(call) = &settings.beside {
        callers(&peer, call, settings.beside_callers, &settings, Closed(&mut neighbours, &window))?;
    }

    let mut measured = JoinSet::new();
    let mut pace = None;
    match settings.rate {
        None => callers(&peer, &settings.call, settings.callers, &settings, Closed(&mut measured, &window))?,
        Some(rate) => {
            callers(&peer, &settings.call, settings.callers, &settings, Paced(&mut pace, rate, &window))?;
        }
    }

    let spent = window.pass(settings.warmup, settings.length, settings.server_pid).await?;
    let beside = join(neighbours).await?;
    let (tally, skipped) = match pace {
        Some(pace) => pace.finish(PATIENCE).await,
        None => (join(measured).await?, 0),
    };
    let beside = settings.beside.is_some().then_some(beside);
    Ok(report(tally, beside.as_ref(), skipped, spent))
}

/// What becomes of the callers' operations; generic, so that each kind of call has its own loop.
trait Start {
    fn start<O: Operation>(self, operations: Vec<O>);
}

struct Closed<'a>(&'a mut JoinSet<Tally>, &'a Arc<Window>);

impl Start for Closed<'_> {
    fn start<O: Operation>(self, operations: Vec<O>) {
        for operation in operations {
            closed::start(self.0, operation, self.1);
        }
    }
}

struct Paced<'a>(&'a mut Option<Pace>, u32, &'a Arc<Window>);

impl Start for Paced<'_> {
    fn start<O: Operation>(self, operations: Vec<O>) {
        *self.0 = Some(Pace::start(operations, self.1, self.2));
    }
}

fn callers<P: Peer>(
    peer: &P,
    call: &Call,
    count: usize,
    settings: &ClientSettings,
    start: impl Start,
) -> Result<()> {
    let connections = (0..count).map(|caller| caller % settings.connections);
    let echo = |payload: Bytes| {
        connections
            .clone()
            .map(|connection| Echo { peer: peer.clone(), connection, payload: payload.clone() })
            .collect()
    };
    match call {
        Call::Say => start.start(
            connections
                .map(|connection| Say {
                    peer: peer.clone(),
                    connection,
                    message: Arc::new(BenchmarkMessage::request()),
                })
                .collect(),
        ),
        Call::Echo(size) => start.start(echo((0..*size).map(|index| index as u8).collect())),
        Call::File(path) => {
            let content = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            start.start(echo(content.into()));
        }
        Call::Burn(millis) => start.start(
            connections.map(|connection| Burn { peer: peer.clone(), connection, millis: *millis }).collect(),
        ),
    }
    Ok(())
}

async fn join(mut callers: JoinSet<Tally>) -> Result<Tally> {
    let mut sum = Tally::default();
    let all = async {
        while let Some(tally) = callers.join_next().await {
            sum.merge(tally?);
        }
        Ok(sum)
    };
    timeout(PATIENCE, all).await.map_err(|_| format!("calls did not end within {PATIENCE:?}"))?
}

fn report(tally: Tally, beside: Option<&Tally>, skipped: usize, spent: Spent) -> Report {
    let calls = tally.latency.count();
    let seconds = spent.wall.as_secs_f64();
    let each = |cpu: Duration| if calls == 0 { 0.0 } else { cpu.as_secs_f64() * 1e6 / calls as f64 };
    Report {
        calls,
        errors: tally.errors + beside.map_or(0, |beside| beside.errors),
        error: tally.error.or_else(|| beside.and_then(|beside| beside.error.clone())),
        skipped: skipped as u64,
        seconds,
        calls_per_second: calls as f64 / seconds,
        client_cpu_us: each(spent.client),
        server_cpu_us: spent.server.map_or(0.0, each),
        p50_us: tally.latency.quantile(0.5),
        p99_us: tally.latency.quantile(0.99),
        beside_per_second: beside.map(|beside| beside.latency.count() as f64 / seconds),
    }
}

/// How long connecting and winding down may take.
const PATIENCE: Duration = Duration::from_secs(10);
