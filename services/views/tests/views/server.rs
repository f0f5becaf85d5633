//! A private PostgreSQL: its own folder and socket, no port, gone when it is dropped.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use views::database::{self, Settings};

/// A running server with empty, migrated tables.
pub struct Server {
    child: Child,
    bin: PathBuf,
    folder: tempfile::TempDir,
    /// How to reach it.
    pub settings: Settings,
}

impl Server {
    /// Starts one.
    pub async fn start() -> Server {
        let bin = bin();
        let folder = tempfile::Builder::new().prefix("views").tempdir_in("/tmp").unwrap();
        if let Some((uid, gid)) = other_user() {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = folder.path().join("data");
        let init = run(&bin.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=chuoi", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(init.status.success(), "initdb: {}", String::from_utf8_lossy(&init.stderr));
        let child = launch(&bin, folder.path());
        let settings = Settings::of(format!("host={} user=chuoi dbname=postgres", folder.path().display()));
        let server = Server { child, bin, folder, settings };
        let begun = Instant::now();
        loop {
            match database::migrate(&server.settings).await {
                Ok(()) => return server,
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL did not start: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Other tables on the same server.
    pub async fn tables(&self, schema: &str) -> Settings {
        let settings = Settings { schema: schema.into(), ..self.settings.clone() };
        database::migrate(&settings).await.unwrap();
        settings
    }

    /// A connection that sees these tables.
    pub async fn client(&self, settings: &Settings) -> tokio_postgres::Client {
        let url = format!("{} options=-csearch_path=\"{}\"", settings.url, settings.schema);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Server {
    /// Stops it as a crash would.
    pub fn stop(&mut self) {
        let stop = run(&self.bin.join("pg_ctl"))
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.folder.path().join("data"))
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !stop.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }

    /// Starts it again; it answers a little later.
    pub fn start_again(&mut self) {
        self.child = launch(&self.bin, self.folder.path());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(bin: &Path, folder: &Path) -> Child {
    // Where setpriv is, the server ends with the test's thread, should that be killed; otherwise Drop has to do.
    let mut command = if Path::new("/usr/bin/setpriv").exists() {
        let mut command = run(Path::new("/usr/bin/setpriv"));
        command.args(["--pdeathsig", "INT"]).arg(bin.join("postgres"));
        command
    } else {
        run(&bin.join("postgres"))
    };
    command
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// PostgreSQL refuses to run as root: then as its own user.
fn other_user() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let user = users.lines().find(|line| line.starts_with("postgres:")).expect("a user postgres, as root cannot run PostgreSQL");
    let mut fields = user.split(':').skip(2).map(|field| field.parse().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}

fn run(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = other_user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// The newest installed version's programs.
fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path()))).max();
    if let Some((_, folder)) = newest {
        return folder.join("bin");
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).find(|folder| folder.join("initdb").exists()).expect("PostgreSQL 15 or newer")
}
