//! Servers and clients as child processes that end whatever happens.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bench_load::{Report, Result};

/// A peer's server; ended when dropped. It also ends by itself when its standard input closes or its time is up.
pub(crate) struct Server {
    child: Child,
    addr: String,
}

impl Server {
    pub(crate) fn start(program: &Path, lifetime: Duration) -> Result<Self> {
        let child = Command::new(program)
            .args(["server", "--addr", "127.0.0.1:0", "--lifetime", &lifetime.as_secs_f64().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut server = Self { child, addr: String::new() };
        let mut line = String::new();
        if let Some(stdout) = server.child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let addr = line.trim().strip_prefix("listening on ");
        server.addr = addr.ok_or_else(|| format!("{}: no server: {line:?}", program.display()))?.to_owned();
        Ok(server)
    }

    /// Runs a client against it.
    pub(crate) fn load(&self, program: &Path, arguments: &[String], limit: Duration) -> Result<Report> {
        let mut child = Command::new(program)
            .args(["client", "--addr", &self.addr, "--server-pid", &self.child.id().to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        // A report is far shorter than a pipe holds, so it may be read when the client has ended.
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                end(&mut child);
                return Err(format!("the client did not end within {limit:?}").into());
            }
            thread::sleep(Duration::from_millis(20));
        };
        let output = text(child.stdout.take())?;
        if !status.success() {
            return Err(format!("{status}: {}", text(child.stderr.take())?.trim()).into());
        }
        Ok(serde_json::from_str(&output)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Already gone is as good.
    let _ = child.kill();
    let _ = child.wait();
}

fn text(pipe: Option<impl Read>) -> Result<String> {
    let mut text = String::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_string(&mut text)?;
    }
    Ok(text)
}

/// What connecting and winding down may take on top of warm-up and window.
pub(crate) const MARGIN: Duration = Duration::from_secs(30);
