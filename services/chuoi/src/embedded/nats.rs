//! A private nats-server. It acknowledges only what is on disk, listens on the loopback address, and takes only those who
//! know the password that its `url` carries: other users of the machine share the loopback address.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde::Deserialize;

use super::child::{self, Running};
use super::{Error, Result, predecessor, tail, tools, tried};

const PROGRAM: &str = "nats-server";
const USER: &str = "chuoi";
/// An entry of the journal is at most 512 KiB; the rest is for headers and what is asked of JetStream.
const MAX_PAYLOAD: usize = 1 << 20;
/// Until it answers. It reads a journal that it did not close itself from end to end first.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where and how to run it.
#[derive(Debug, Clone, Default)]
pub struct NatsOptions {
    /// What it keeps: settings, log, streams. Made if it is not there.
    pub folder: PathBuf,
    /// The port; by default a free one, kept as long as this value lives.
    pub port: Option<u16>,
    /// The program, if not the one that [`tools::nats_server`](super::nats_server) finds.
    pub program: Option<PathBuf>,
}

/// A nats-server that ends with this value.
pub struct NatsServer {
    program: PathBuf,
    folder: PathBuf,
    port: Option<u16>,
    password: String,
    running: Running,
}

impl NatsServer {
    /// Starts it and waits until it answers.
    pub fn start(options: &NatsOptions) -> Result<NatsServer> {
        let program = tools::nats_server(options.program.as_deref())?;
        let folder = &options.folder;
        tried(fs::create_dir_all(folder), || format!("make {}", folder.display()))?;
        let folder = tried(folder.canonicalize(), || format!("enter {}", folder.display()))?;
        let password = tried(random_text(), || "read /dev/urandom".to_owned())?;
        let running = launch(&program, &folder, options.port, &password)?;
        let mut server = NatsServer { program, folder, port: options.port, password, running };
        server.wait_until_it_answers()?;
        Ok(server)
    }

    /// Where it listens, with the user and the password.
    pub fn url(&self) -> String {
        format!("nats://{USER}:{}@127.0.0.1:{}", self.password, self.port())
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or_default() // Known since `start`.
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.running.ended()
    }

    /// Lets it write what it has in hand and end.
    pub fn stop(&mut self) {
        self.running.stop(&[(Signal::SIGTERM, Duration::from_secs(30))]);
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.running.kill();
    }

    /// Starts it again after it ended: same folder, port and password, so the same `url`.
    pub fn start_again(&mut self) -> Result<()> {
        self.stop();
        self.running = launch(&self.program, &self.folder, self.port, &self.password)?;
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            self.port = self.port.or_else(|| announced_port(&self.folder));
            if self.port.is_some_and(|port| answers(port, &self.password).unwrap_or(false)) {
                return Ok(());
            }
            let log = log(&self.folder);
            if let Some(status) = self.ended() {
                return Err(Error::Ended { program: PROGRAM, status, tail: tail(&log), log });
            }
            if start.elapsed() > PATIENCE {
                return Err(Error::Silent { program: PROGRAM, seconds: PATIENCE.as_secs(), tail: tail(&log), log });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("nats-server.log")
}

/// Writes the settings and starts the program; it does not answer yet.
fn launch(program: &Path, folder: &Path, port: Option<u16>, password: &str) -> Result<Running> {
    let settings = folder.join("nats-server.conf");
    predecessor::wait_for_its_end(PROGRAM, &pid_file(folder), folder)?;
    tried(write_private(&settings, &settings_text(folder, port, password)), || format!("write {}", settings.display()))?;
    // What it says before it has read its settings, such as why it cannot, goes to the same log.
    let output = fs::OpenOptions::new().append(true).create(true).open(log(folder));
    let output = tried(output, || format!("write {}", log(folder).display()))?;
    let ports = ports_folder(folder); // Emptied: a killed one left its file.
    let _ = fs::remove_dir_all(&ports);
    tried(fs::create_dir(&ports), || format!("make {}", ports.display()))?;
    let mut command = child::command(program, Signal::SIGTERM);
    command.arg("--config").arg(&settings).stdout(Stdio::null()).stderr(output);
    tried(Running::spawn(command), || format!("start {}", program.display()))
}

fn pid_file(folder: &Path) -> PathBuf {
    folder.join("nats-server.pid")
}

fn ports_folder(folder: &Path) -> PathBuf {
    folder.join("ports")
}

fn settings_text(folder: &Path, port: Option<u16>, password: &str) -> String {
    let quoted = |path: PathBuf| format!("{:?}", path.to_string_lossy());
    let port = port.map_or(-1, i32::from); // -1: a free one, told in a file that names the process.
    format!(
        "# Written by chuoi at every start.\n\
         server_name: chuoi\n\
         listen: \"127.0.0.1:{port}\"\n\
         authorization {{ user: {USER}, password: \"{password}\" }}\n\
         max_payload: {MAX_PAYLOAD}\n\
         jetstream {{\n    store_dir: {store}\n    # An acknowledgement means: on disk.\n    sync_interval: always\n}}\n\
         log_file: {log}\n\
         logfile_size_limit: 16777216\n\
         logfile_max_num: 4\n\
         pid_file: {pid}\n\
         ports_file_dir: {ports}\n",
        store = quoted(folder.join("jetstream")),
        log = quoted(log(folder)),
        pid = quoted(pid_file(folder)),
        ports = quoted(ports_folder(folder)),
    )
}

/// Only this user may read it: it holds the password.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// 128 random bits.
fn random_text() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The port from the one file that a nats-server writes once it listens.
fn announced_port(folder: &Path) -> Option<u16> {
    #[derive(Deserialize)]
    struct Ports {
        nats: Vec<String>,
    }
    let file = fs::read_dir(ports_folder(folder)).ok()?.next()?.ok()?;
    let ports: Ports = serde_json::from_slice(&fs::read(file.path()).ok()?).ok()?; // Half written: the next time.
    ports.nats.first()?.rsplit(':').next()?.parse().ok()
}

/// True if what listens there lets the user in and offers JetStream.
fn answers(port: u16, password: &str) -> std::io::Result<bool> {
    let patience = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), patience)?;
    stream.set_read_timeout(Some(patience))?;
    let connect = serde_json::json!({ "user": USER, "pass": password, "verbose": false });
    write!(stream, "CONNECT {connect}\r\nPING\r\n")?;
    let mut lines = BufReader::new(stream).lines();
    let info = lines.next().transpose()?.unwrap_or_default();
    let pong = lines.next().transpose()?.unwrap_or_default();
    Ok(info.starts_with("INFO ") && info.contains("\"jetstream\":true") && pong == "PONG")
}
