//! The Go peers: their programs, their servers, their clients.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::check::{Check, During, Problem};
use crate::plan::Step;
use crate::values::Golden;

/// The folders of the peers below `interop/go`.
pub(crate) const FOLDERS: [&str; 3] = ["v194", "v1835", "v174"];

/// More than the time after which the peer itself gives a case up.
const CASE_LIMIT: Duration = Duration::from_secs(30);
const START_LIMIT: Duration = Duration::from_secs(20);

/// The program of one peer.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    program: PathBuf,
    /// Whether to show what it logs: mostly errors that the cases provoke.
    verbose: bool,
}

/// A Go server. It ends when it is dropped.
pub(crate) struct GoServer {
    pub(crate) address: String,
    pub(crate) auth_address: String,
    pub(crate) rpcx: String,
    pub(crate) secure: Secure,
    _child: Child,
}

/// Where a Go server speaks TLS: in any version, in none that is newer than 1.2, and with callers that have a
/// certificate.
#[derive(Debug, Deserialize)]
pub(crate) struct Secure {
    pub(crate) tls: String,
    pub(crate) tls12: String,
    pub(crate) mutual: String,
}

/// A Go client, which plays one case after another. It ends when it is dropped.
pub(crate) struct GoClient {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

/// How a case went that a Go client played.
#[derive(Debug, Deserialize)]
pub(crate) struct GoResult {
    ok: bool,
    detail: String,
    pub(crate) values: Map<String, Value>,
}

impl Peer {
    pub(crate) fn new(interop: &Path, folder: &str, verbose: bool) -> Self {
        Self { program: interop.join("go").join(folder).join("bin/peer"), verbose }
    }

    /// The case list.
    pub(crate) async fn cases(&self) -> Check<Vec<Step>> {
        self.lines("cases").await
    }

    /// The variants of `Everything`.
    pub(crate) async fn values(&self) -> Check<Vec<Golden>> {
        self.lines("values").await
    }

    pub(crate) async fn serve(&self, certificates: &Path) -> Check<GoServer> {
        #[derive(Deserialize)]
        struct Ready {
            listening: String,
            auth: String,
            rpcx: String,
            #[serde(flatten)]
            secure: Secure,
        }
        let folder =
            certificates.to_str().ok_or_else(|| Problem("the folder's name is no text".to_owned()))?;
        let mut child = self.command(&["server", "--tls", folder]).spawn().during(&self.at("starting"))?;
        let mut output = lines_of(&mut child)?;
        let ready =
            timeout(START_LIMIT, output.next_line()).await.during(&self.at("waiting for the server"))??;
        let ready: Ready = serde_json::from_str(&ready.unwrap_or_default()).during(&self.at("starting"))?;
        let Ready { listening: address, auth: auth_address, rpcx, secure } = ready;
        Ok(GoServer { address, auth_address, rpcx, secure, _child: child })
    }

    /// A client that calls the server at these addresses.
    pub(crate) fn client(&self, address: &str, auth_address: &str) -> Check<GoClient> {
        let arguments = ["client", "--addr", address, "--auth-addr", auth_address];
        let mut child = self.command(&arguments).spawn().during(&self.at("starting"))?;
        let input = child.stdin.take().ok_or_else(|| Problem("the peer has no standard input".to_owned()))?;
        Ok(GoClient { input, output: lines_of(&mut child)?, _child: child })
    }

    async fn lines<T: DeserializeOwned>(&self, mode: &str) -> Check<Vec<T>> {
        let running = self.command(&[mode]).output();
        let output = timeout(START_LIMIT, running).await.during(&self.at(mode))?.during(&self.at(mode))?;
        let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).during(&self.at(mode))).collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        command.stderr(if self.verbose { Stdio::inherit() } else { Stdio::null() });
        command
    }

    fn at(&self, doing: &str) -> String {
        format!("{}: {doing}", self.program.display())
    }
}

impl GoClient {
    /// Plays a case against our server.
    pub(crate) async fn play(&mut self, step: &Step) -> Check<GoResult> {
        let Step { case, codec, gzip, size, variant, .. } = step;
        let command =
            json!({"case": case, "codec": codec.name(), "gzip": gzip, "size": size, "variant": variant});
        self.command(&command).await
    }

    /// Gives a command and waits for its result.
    pub(crate) async fn command(&mut self, command: &Value) -> Check<GoResult> {
        let answered = timeout(CASE_LIMIT, async {
            self.input.write_all(format!("{command}\n").as_bytes()).await?;
            self.input.flush().await?;
            self.output.next_line().await
        });
        let line = answered.await.during("waiting for the Go client")?.during("talking to the Go client")?;
        let line = line.ok_or_else(|| Problem("the Go client has ended".to_owned()))?;
        let result: GoResult = serde_json::from_str(&line).during("the Go client's answer")?;
        if result.ok { Ok(result) } else { Err(Problem(result.detail)) }
    }
}

impl GoResult {
    /// A number that the case saw.
    pub(crate) fn number(&self, name: &str) -> Check<i64> {
        let value = self.values.get(name).and_then(Value::as_i64);
        value.ok_or_else(|| Problem(format!("the Go client reported no number `{name}`")))
    }
}

fn lines_of(child: &mut Child) -> Check<Lines<BufReader<ChildStdout>>> {
    let output = child.stdout.take().ok_or_else(|| Problem("the peer has no standard output".to_owned()))?;
    Ok(BufReader::new(output).lines())
}
