//! A real etcd: started on free loopback ports in a folder of its own, ended by its process id.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running etcd, and what is needed to start it again.
pub(crate) struct Etcd {
    pub(crate) client: u16,
    peer: u16,
    pub(crate) folder: PathBuf,
    /// Whether its clients come by TLS, with certificates of their own.
    tls: bool,
    process: Option<Child>,
}

impl Etcd {
    /// Starts one; none, and a line that says so, where there is no etcd.
    pub(crate) fn start() -> Option<Self> {
        Self::start_in(&folder(), false)
    }

    /// Starts one with the certificates `ca.pem`, `server.pem` and `server.key` of this folder.
    pub(crate) fn start_with_tls(folder: &Path) -> Option<Self> {
        Self::start_in(folder, true)
    }

    fn start_in(folder: &Path, tls: bool) -> Option<Self> {
        if !is_here() {
            return None;
        }
        for _ in 0..5 {
            let mut etcd = Self {
                client: free_port(),
                peer: free_port(),
                folder: folder.to_owned(),
                tls,
                process: None,
            };
            if etcd.run() {
                return Some(etcd);
            }
        }
        panic!("etcd does not start: {}", fs::read_to_string(folder.join("log")).unwrap_or_default());
    }

    /// Starts the process and waits until it answers.
    pub(crate) fn run(&mut self) -> bool {
        let log = File::create(self.folder.join("log")).unwrap();
        let scheme = if self.tls { "https" } else { "http" };
        let client = format!("{scheme}://127.0.0.1:{}", self.client);
        let peer = format!("http://127.0.0.1:{}", self.peer);
        let mut command = Command::new("etcd");
        command
            .args(["--name", "test", "--data-dir"])
            .arg(self.folder.join("data"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("test={peer}")]);
        if self.tls {
            let file = |name| self.folder.join(name);
            command.arg("--client-cert-auth").arg("--trusted-ca-file").arg(file("ca.pem"));
            command.arg("--cert-file").arg(file("server.pem")).arg("--key-file").arg(file("server.key"));
        }
        let process = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
        self.process = Some(process.unwrap());
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            if self.process.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.client)).is_ok()
                && self.try_ctl(&["get", "ready"]).is_ok()
            {
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(30));
        }
        false
    }

    /// Kills it, as the system would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Deletes all it has stored, while it is not running.
    pub(crate) fn wipe(&self) {
        assert!(self.process.is_none(), "it is running");
        fs::remove_dir_all(self.folder.join("data")).unwrap();
    }

    /// Starts it again on its ports.
    pub(crate) fn restart(&mut self) {
        assert!(self.run(), "{}", fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    /// Stops the process without ending it: its sockets stay open and silent.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.process.as_ref().expect("it is running").id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    pub(crate) fn url(&self, rest: &str) -> String {
        format!("etcd://127.0.0.1:{}{rest}", self.client)
    }

    /// What etcd's own tool answers.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        self.try_ctl(arguments).unwrap_or_else(|error| panic!("etcdctl {arguments:?}: {error}"))
    }

    pub(crate) fn try_ctl(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3");
        let scheme = if self.tls { "https" } else { "http" };
        command.args([
            "--endpoints",
            &format!("{scheme}://127.0.0.1:{}", self.client),
            "--command-timeout",
            "5s",
        ]);
        if self.tls {
            let file = |name| self.folder.join(name);
            command.arg("--cacert").arg(file("ca.pem"));
            command.arg("--cert").arg(file("client.pem")).arg("--key").arg(file("client.key"));
        }
        let output = command.args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }

    /// The keys below a prefix with their values, sorted.
    pub(crate) fn entries(&self, prefix: &str) -> Vec<(String, String)> {
        let text = self.ctl(&["get", "--prefix", prefix]);
        let lines: Vec<_> = text.lines().collect();
        lines
            .chunks(2)
            .map(|pair| (pair[0].to_owned(), pair.get(1).copied().unwrap_or_default().to_owned()))
            .collect()
    }

    /// The leases that are alive.
    pub(crate) fn leases(&self) -> Vec<String> {
        self.ctl(&["lease", "list"]).lines().skip(1).map(str::to_owned).collect()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder of this test's own.
pub(crate) fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("etcd-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Whether the programs are here.
#[allow(clippy::print_stderr, reason = "what is skipped has to be seen")]
fn is_here() -> bool {
    let runs = |name, arguments: &[&str]| {
        let mut command = Command::new(name);
        command.args(arguments).env("ETCDCTL_API", "3").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let here = runs("etcd", &["--version"]) && runs("etcdctl", &["version"]);
    if !here {
        let missing = "etcd and etcdctl are not in PATH (Debian: etcd-server, etcd-client)";
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{missing}, and CI does not skip");
        eprintln!("SKIPPED: {missing}");
    }
    here
}

/// A port that nothing listens on, from below the range that outgoing connections take theirs from.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number =
            std::process::id().wrapping_mul(131).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed) * 7);
        let port = 10_000 + u16::try_from(number % 20_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
