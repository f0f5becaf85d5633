//! A nats-server of one test's own, as durable as production's.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts it on a free port with an empty folder. (Takes a moment without letting other tasks of the thread run.)
    pub fn start() -> Server {
        Server::with("", "")
    }

    /// With more settings, of the server and of its store.
    pub fn with(server: &str, store: &str) -> Server {
        let folder = tempfile::Builder::new().prefix("chuoi-stream-").tempdir().unwrap();
        let port = free_port();
        let settings = format!(
            "listen: 127.0.0.1:{port}\n{server}\njetstream {{\nstore_dir: {:?}\nsync_interval: always\n{store}\n}}\n",
            folder.path().join("data"),
        );
        fs::write(folder.path().join("nats.conf"), settings).unwrap();
        let child = launch(folder.path(), port);
        Server { child, port, folder }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it as a crash would: SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = launch(self.folder.path(), self.port);
    }

    /// Removes all that the killed server keeps.
    pub fn forget(&self) {
        fs::remove_dir_all(self.folder.path().join("data")).unwrap();
    }

    /// Copies what the killed server keeps.
    pub fn back_up(&self) {
        copy(&self.folder.path().join("data"), &self.folder.path().join("backup"));
    }

    /// Puts the copy in the place of what the killed server keeps.
    pub fn restore(&self) {
        self.forget();
        copy(&self.folder.path().join("backup"), &self.folder.path().join("data"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(folder: &Path, port: u16) -> Child {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    // setpriv ends the server with the test's thread, should that be killed; where there is none, Drop has to do.
    let mut command = match found("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]).arg(nats_server());
            command
        }
        None => Command::new(nats_server()),
    };
    command.arg("--config").arg(folder.join("nats.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut child = command.spawn().unwrap();
    let since = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let ended = child.try_wait().unwrap();
        if ended.is_some() || since.elapsed() > Duration::from_secs(20) {
            panic!("nats-server: {ended:?}\n{}", fs::read_to_string(folder.join("log")).unwrap_or_default());
        }
        thread::sleep(Duration::from_millis(5));
    }
    child
}

/// Where the set-up script puts it, else in PATH.
fn nats_server() -> PathBuf {
    let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/share")));
    let own = data.map(|data| data.join("chuoi/bin/nats-server")).filter(|program| program.is_file());
    own.or_else(|| found("nats-server")).expect("nats-server: run deploy/setup")
}

fn found(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file())
}

/// Below the ports that the system gives to outgoing connections: one of those would otherwise be on the port while the
/// server is down.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 200) as u16 * 50;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let to = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &to);
        } else {
            fs::copy(item.path(), to).unwrap();
        }
    }
}
