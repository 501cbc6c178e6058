//! The command line that all peers share.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use lexopt::{Arg, Parser, ValueExt};

use crate::Result;

/// One end of the service.
#[derive(Clone, Debug)]
pub enum Settings {
    /// `server`
    Server(ServerSettings),
    /// `client`
    Client(ClientSettings),
}

/// Flags of `server`.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where to listen; port 0 takes a free one. The address is printed.
    pub addr: SocketAddr,
    /// The process ends by itself after this time, whatever happens to its parent.
    pub lifetime: Duration,
}

/// Flags of `client`.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The server.
    pub addr: SocketAddr,
    /// Its process, for its CPU time.
    pub server_pid: Option<i32>,
    /// What the callers do.
    pub call: Call,
    /// How many do it.
    pub callers: usize,
    /// Connections, shared out by caller number.
    pub connections: usize,
    /// What is going on beside it on the same connections.
    pub beside: Option<Call>,
    /// How many do that.
    pub beside_callers: usize,
    /// Open loop with so many calls a second; closed loop without.
    pub rate: Option<u32>,
    /// Time before the window.
    pub warmup: Duration,
    /// The window.
    pub length: Duration,
}

/// What a caller does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The 581-byte message.
    Say,
    /// An echo of so many bytes.
    Echo(usize),
    /// An echo of a file's content.
    File(PathBuf),
    /// So many milliseconds of the server's CPU.
    Burn(u32),
}

impl Settings {
    /// Reads the command line.
    ///
    /// # Errors
    /// A flag is unknown, has no usable value, or is missing.
    pub fn from_args() -> Result<Self> {
        let mut parser = Parser::from_env();
        match parser.next()? {
            Some(Arg::Value(mode)) if mode == "server" => server(&mut parser).map(Self::Server),
            Some(Arg::Value(mode)) if mode == "client" => client(&mut parser).map(Self::Client),
            _ => Err("expected `server` or `client` as the first argument".into()),
        }
    }
}

impl std::str::FromStr for Call {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = |digits: &str| digits.parse::<u32>().map_err(|error| format!("{text}: {error}"));
        match text.split_once(':') {
            None if text == "say" => Ok(Self::Say),
            Some(("echo", size)) => Ok(Self::Echo(number(size)? as usize)),
            Some(("file", path)) => Ok(Self::File(path.into())),
            Some(("burn", millis)) => Ok(Self::Burn(number(millis)?)),
            _ => Err(format!("{text}: expected say, echo:BYTES, file:PATH or burn:MILLISECONDS")),
        }
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Say => write!(f, "say"),
            Self::Echo(size) => write!(f, "echo:{size}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Burn(millis) => write!(f, "burn:{millis}"),
        }
    }
}

fn server(parser: &mut Parser) -> Result<ServerSettings> {
    let mut settings =
        ServerSettings { addr: SocketAddr::from(([127, 0, 0, 1], 0)), lifetime: Duration::from_secs(600) };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("addr") => settings.addr = parser.value()?.parse()?,
            Arg::Long("lifetime") => settings.lifetime = seconds(parser)?,
            _ => return Err(arg.unexpected().into()),
        }
    }
    Ok(settings)
}

fn client(parser: &mut Parser) -> Result<ClientSettings> {
    let mut addr = None;
    let mut settings = ClientSettings {
        addr: SocketAddr::from(([127, 0, 0, 1], 0)),
        server_pid: None,
        call: Call::Say,
        callers: 100,
        connections: 10,
        beside: None,
        beside_callers: 1,
        rate: None,
        warmup: Duration::from_millis(300),
        length: Duration::from_secs(1),
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("addr") => addr = Some(parser.value()?.parse()?),
            Arg::Long("server-pid") => settings.server_pid = Some(parser.value()?.parse()?),
            Arg::Long("call") => settings.call = parser.value()?.parse()?,
            Arg::Long("callers") => settings.callers = parser.value()?.parse()?,
            Arg::Long("connections") => settings.connections = parser.value()?.parse()?,
            Arg::Long("beside") => settings.beside = Some(parser.value()?.parse()?),
            Arg::Long("beside-callers") => settings.beside_callers = parser.value()?.parse()?,
            Arg::Long("rate") => settings.rate = Some(parser.value()?.parse()?),
            Arg::Long("warmup") => settings.warmup = seconds(parser)?,
            Arg::Long("seconds") => settings.length = seconds(parser)?,
            _ => return Err(arg.unexpected().into()),
        }
    }
    settings.addr = addr.ok_or("--addr is missing: where does the server listen?")?;
    if settings.callers == 0 || settings.connections == 0 || settings.rate == Some(0) {
        return Err("--callers, --connections and --rate must be at least 1".into());
    }
    Ok(settings)
}

fn seconds(parser: &mut Parser) -> Result<Duration> {
    let seconds: f64 = parser.value()?.parse()?;
    Ok(Duration::try_from_secs_f64(seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_reads_what_it_writes() {
        for call in [Call::Say, Call::Echo(65_536), Call::File("a:b".into()), Call::Burn(5)] {
            assert_eq!(call.to_string().parse(), Ok(call));
        }
        assert!("echo".parse::<Call>().is_err());
        assert!("burn:x".parse::<Call>().is_err());
    }
}
