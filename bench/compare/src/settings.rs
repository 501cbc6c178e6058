//! The command line of the comparison.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bench_load::Result;
use lexopt::{Arg, Parser, ValueExt};

/// What to run, and how long.
pub(crate) struct Settings {
    /// The bare loop first.
    pub(crate) programs: Vec<Program>,
    /// Names of cells or beginnings of them; all when empty.
    pub(crate) cells: Vec<String>,
    pub(crate) rounds: usize,
    pub(crate) warmup: Duration,
    pub(crate) length: Duration,
    /// Calls per second of the open loop.
    pub(crate) rate: u32,
    /// Takes the place of the 581-byte message, as an echo of bytes.
    pub(crate) payload: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
}

/// A peer's program: server and client.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl Settings {
    pub(crate) fn from_args() -> Result<Self> {
        let mut settings = Self {
            programs: Vec::new(),
            cells: Vec::new(),
            rounds: 3,
            warmup: Duration::from_millis(300),
            length: Duration::from_secs(1),
            rate: 20_000,
            payload: None,
            json: None,
        };
        let mut peers = Vec::new();
        let mut parser = Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("program") => settings.programs.push(program(Path::new(&parser.value()?))?),
                Arg::Long("peers") => peers = list(&mut parser)?,
                Arg::Long("cells") => settings.cells = list(&mut parser)?,
                Arg::Long("rounds") => settings.rounds = parser.value()?.parse()?,
                Arg::Long("warmup") => settings.warmup = seconds(&mut parser)?,
                Arg::Long("seconds") => settings.length = seconds(&mut parser)?,
                Arg::Long("rate") => settings.rate = parser.value()?.parse()?,
                Arg::Long("payload") => settings.payload = Some(parser.value()?.into()),
                Arg::Long("json") => settings.json = Some(parser.value()?.into()),
                _ => return Err(arg.unexpected().into()),
            }
        }
        settings.choose(&peers)?;
        if settings.rounds == 0 || settings.rate == 0 || settings.length.is_zero() {
            return Err("--rounds, --rate and --seconds must be more than 0".into());
        }
        if let Some(payload) = &settings.payload {
            std::fs::metadata(payload).map_err(|error| format!("{}: {error}", payload.display()))?;
        }
        Ok(settings)
    }

    /// Keeps the peers asked for, and the loop, which all ratios are to.
    fn choose(&mut self, peers: &[String]) -> Result<()> {
        let known = |name: &str| self.programs.iter().any(|program| program.name == name);
        if !known(LOOP) {
            return Err(format!("no program named {LOOP}: every ratio is to it").into());
        }
        if let Some(unknown) = peers.iter().find(|name| !known(name)) {
            let names: Vec<_> = self.programs.iter().map(|program| program.name.as_str()).collect();
            return Err(format!("no peer named {unknown}, there are: {}", names.join(", ")).into());
        }
        self.programs
            .retain(|program| peers.is_empty() || program.name == LOOP || peers.contains(&program.name));
        self.programs.sort_by_key(|program| program.name != LOOP);
        Ok(())
    }
}

/// A peer is named as its program's file.
fn program(path: &Path) -> Result<Program> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| format!("{}: not a program", path.display()))?;
    Ok(Program { name: name.to_owned(), path: path.to_owned() })
}

fn list(parser: &mut Parser) -> Result<Vec<String>> {
    Ok(parser.value()?.string()?.split(',').map(str::to_owned).collect())
}

fn seconds(parser: &mut Parser) -> Result<Duration> {
    let seconds: f64 = parser.value()?.parse()?;
    Ok(Duration::try_from_secs_f64(seconds)?)
}

/// The bare loop's name.
pub(crate) const LOOP: &str = "bare";
