//! A journal in a nats-server of the test's own, filled from a book.

use crate::book::Book;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use stream::{Journal, Settings, Tip};

/// A running nats-server.
pub struct Broker {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Broker {
    /// Starts one on a free port with an empty folder.
    pub fn start() -> Broker {
        let folder = tempfile::Builder::new().prefix("views-nats").tempdir().unwrap();
        let port = free_port();
        let child = launch(&folder, port);
        Broker { child, port, folder }
    }

    /// A journal that holds a book, and its tip.
    pub async fn journal(&self, book: &Book) -> (Journal, Tip) {
        let settings = Settings::new(format!("nats://127.0.0.1:{}", self.port), "views-test-1");
        let first = &book.entries[0].entry;
        let genesis = wire::entry::write_genesis(first.genesis.as_ref().unwrap());
        let journal = stream::init(&settings, genesis, first.record_time).await.unwrap();
        let tip = append(&journal, journal.genesis_entry().tip.clone(), book, 1).await;
        (journal, tip)
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        self.child = launch(&self.folder, self.port);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Appends what a book holds from an entry on.
pub async fn append(journal: &Journal, mut tip: Tip, book: &Book, from: usize) -> Tip {
    for numbered in &book.entries[from..] {
        let commands = numbered.entry.commands.iter().map(wire::entry::write_command).collect();
        let sealed = journal.seal(&tip, numbered.entry.record_time, commands).unwrap();
        tip = journal.append(&sealed).await.unwrap();
    }
    tip
}

fn launch(folder: &tempfile::TempDir, port: u16) -> Child {
    let config = folder.path().join("nats.conf");
    let store = folder.path().join("data");
    std::fs::write(&config, format!("listen: 127.0.0.1:{port}\njetstream {{ store_dir: {store:?}, sync_interval: always }}\n"))
        .unwrap();
    let mut command = if std::path::Path::new("/usr/bin/setpriv").exists() {
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(nats_server());
        command
    } else {
        Command::new(nats_server())
    };
    let mut child =
        command.arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let since = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(child.try_wait().unwrap().is_none() && since.elapsed() < Duration::from_secs(20), "nats-server did not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// Where the set-up script puts it, else in PATH.
fn nats_server() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")));
    let own = data.map(|data| data.join("chuoi/bin/nats-server")).filter(|program| program.is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = || std::env::split_paths(&path).map(|folder| folder.join("nats-server")).find(|program| program.is_file());
    own.or_else(found).expect("nats-server: run deploy/setup")
}

/// Below the ports that the system gives to outgoing connections, which could take it while the server is down.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 200) as u16 * 50;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 50;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
