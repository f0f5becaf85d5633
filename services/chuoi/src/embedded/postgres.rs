//! A private PostgreSQL. It listens on a Unix socket only, in a folder that nobody but its user may enter, and asks for no
//! password there.
//!
//! PostgreSQL refuses to run as root. When this process is root, the server runs as the user `postgres` (else `nobody`), and
//! its folder belongs to that user. Where that user cannot walk down to the folder (it lies under /root, say), the server's
//! files lie under /var/lib/chuoi instead, and the folder holds a link to them; without the link, files that are left there
//! from a folder that was removed are removed too.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ::postgres::error::SqlState;
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};
use uuid::Uuid;

use super::child::{self, Running};
use super::{Error, PostgresPrograms, Result, predecessor, tail, tools, tried};

const PROGRAM: &str = "PostgreSQL";
/// The database's superuser, whose name has nothing to do with the operating system's users.
const USER: &str = "chuoi";
/// Where the files go that the server's user cannot reach in the folder that was asked for.
const ELSEWHERE: &str = "/var/lib/chuoi";
/// What PostgreSQL calls its socket: the port is part of the name, and each server has a folder of its own.
const SOCKET: &str = ".s.PGSQL.5432";
/// The kernel's limit on the path of a socket, less the closing zero.
const SOCKET_PATH_LIMIT: usize = 107;
/// Until it answers. After a crash it replays its log first.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where and how to run it.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// What it keeps: data, socket, log. Made if it is not there.
    pub folder: PathBuf,
    /// True: a crash of the machine may lose everything; a crash of the server still loses nothing. For tests.
    pub fast: bool,
    /// The folder of the programs, if not the one that [`tools::postgres_programs`](super::postgres_programs) finds.
    pub programs: Option<PathBuf>,
}

/// A PostgreSQL that ends with this value.
pub struct PostgresServer {
    programs: PostgresPrograms,
    place: Place,
    fast: bool,
    running: Running,
}

/// Where a server's files are, and whose.
struct Place {
    home: PathBuf,
    socket: PathBuf,
    /// Whom the server runs as, if not as this process.
    user: Option<User>,
}

impl PostgresServer {
    /// Starts it, with a new empty cluster if the folder holds none, and waits until it answers.
    pub fn start(options: &PostgresOptions) -> Result<PostgresServer> {
        let programs = tools::postgres_programs(options.programs.as_deref())?;
        let place = Place::prepare(&options.folder)?;
        if !place.data().exists() {
            initdb(&programs, &place, options.fast)?;
        }
        let running = launch(&programs, &place, options.fast)?;
        let mut server = PostgresServer { programs, place, fast: options.fast, running };
        server.wait_until_it_answers()?;
        Ok(server)
    }

    /// How to connect to one of its databases: `host=… user=… dbname=…`, which psql understands as well.
    pub fn url(&self, database: &str) -> String {
        format!("host={} user={USER} dbname={}", quoted(&self.place.socket.to_string_lossy()), quoted(database))
    }

    /// Makes a database, unless it is there.
    pub fn create_database(&self, name: &str) -> Result<()> {
        let statement = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
        match self.execute(&statement) {
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
            outcome => outcome.map_err(|source| Error::Sql { doing: format!("make the database {name}"), source }),
        }
    }

    /// The process id of the server, which is the parent of its backends.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.running.ended()
    }

    /// Ends its sessions and lets it write what it has in hand. A transaction that is not committed is rolled back.
    pub fn stop(&mut self) {
        let (fast, immediate) = (Duration::from_secs(60), Duration::from_secs(10));
        self.running.stop(&[(Signal::SIGINT, fast), (Signal::SIGQUIT, immediate)]);
    }

    /// Ends it at once with all its backends, as a crash would.
    pub fn kill(&mut self) {
        // Each backend leads a process group of its own, so the children are asked for by name.
        let pid = self.pid();
        let backends = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        self.running.kill();
        backends.split_whitespace().filter_map(|pid| pid.parse().ok()).for_each(|pid| child::send(pid, Signal::SIGKILL));
    }

    /// Starts it again after it ended: same folder, so the same `url`.
    pub fn start_again(&mut self) -> Result<()> {
        self.stop();
        self.running = launch(&self.programs, &self.place, self.fast)?;
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let start = Instant::now();
        while self.execute("SELECT 1").is_err() {
            let log = self.place.log();
            if let Some(status) = self.ended() {
                return Err(Error::Ended { program: PROGRAM, status, tail: tail(&log), log });
            }
            if start.elapsed() > PATIENCE {
                return Err(Error::Silent { program: PROGRAM, seconds: PATIENCE.as_secs(), tail: tail(&log), log });
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Runs one statement in the database `postgres`.
    fn execute(&self, statement: &str) -> std::result::Result<(), ::postgres::Error> {
        let mut client = ::postgres::Client::connect(&self.url("postgres"), ::postgres::NoTls)?;
        client.batch_execute(statement)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.place.socket); // Made again at the next start; it may lie in /tmp.
    }
}

impl Place {
    /// Makes what is not there yet, and gives it to the server's user.
    fn prepare(folder: &Path) -> Result<Place> {
        tried(fs::create_dir_all(folder), || format!("make {}", folder.display()))?;
        let folder = tried(folder.canonicalize(), || format!("enter {}", folder.display()))?;
        let user = server_user()?;
        let home = home(&folder, user.as_ref())?;
        let socket = socket_folder(&home);
        Ok(Place { home, socket, user })
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    /// A command that runs as the server's user, where that user may be: PostgreSQL's programs go back to the folder
    /// that they were started in.
    fn run_as_server(&self, mut command: Command) -> Command {
        command.current_dir(&self.home).env("LC_ALL", "C");
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }
}

/// Whom the server runs as when this process is root.
fn server_user() -> Result<Option<User>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let known = |name| User::from_name(name).ok().flatten();
    known("postgres").or_else(|| known("nobody")).map(Some).ok_or_else(|| Error::Io {
        doing: "find a user for PostgreSQL, which refuses to run as root (postgres, else nobody)".to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    })
}

/// The folder that the server's user owns: the one that was asked for, or one elsewhere that a link there leads to.
fn home(folder: &Path, user: Option<&User>) -> Result<PathBuf> {
    let Some(user) = user else {
        own(folder, None)?;
        return Ok(folder.to_owned());
    };
    let link = folder.join("elsewhere");
    if !link.is_symlink() && can_be_reached(folder, user)? {
        own(folder, Some(user))?;
        return Ok(folder.to_owned());
    }
    // The same folder leads to the same place, so at most one is left behind per folder that was removed.
    let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, folder.as_os_str().as_bytes());
    let elsewhere = Path::new(ELSEWHERE).join(format!("postgres-{name}"));
    if !link.is_symlink() {
        let _ = fs::remove_dir_all(&elsewhere);
        tried(fs::create_dir_all(&elsewhere), || format!("make {}", elsewhere.display()))?;
        let enter = fs::set_permissions(ELSEWHERE, fs::Permissions::from_mode(0o711)); // Whatever the umask.
        tried(enter, || format!("open {ELSEWHERE}"))?;
        tried(symlink(&elsewhere, &link), || format!("make {}", link.display()))?;
    }
    own(&elsewhere, Some(user))?;
    Ok(elsewhere)
}

/// True if the user can walk down to the folder's parent; the folder itself will be that user's.
fn can_be_reached(folder: &Path, user: &User) -> Result<bool> {
    let parent = folder.parent().unwrap_or(folder);
    let mut test = Command::new("test");
    test.arg("-x").arg(parent).current_dir("/").uid(user.uid.as_raw()).gid(user.gid.as_raw());
    let status = tried(test.status(), || "run test (coreutils)".to_owned())?;
    Ok(status.success())
}

/// Only the server's user may enter; root may anyway.
fn own(folder: &Path, user: Option<&User>) -> Result<()> {
    let outcome = fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).and_then(|()| match user {
        Some(user) => chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
        None => Ok(()),
    });
    tried(outcome, || format!("take {} for PostgreSQL", folder.display()))
}

/// In the server's own folder, unless the path would be too long for a socket, or means something to PostgreSQL's settings.
fn socket_folder(home: &Path) -> PathBuf {
    let beside = home.join("socket");
    let plain = beside.to_str().is_some_and(|path| !path.contains([',', '"', '\'', '\\', '@']));
    if plain && beside.as_os_str().len() + 1 + SOCKET.len() <= SOCKET_PATH_LIMIT {
        return beside;
    }
    let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, home.as_os_str().as_bytes()).simple().to_string();
    PathBuf::from(format!("/tmp/chuoi-{name}"))
}

/// Makes the folder of the socket, or finds it as it was left. Nobody else may have made it: in /tmp anyone can.
fn make_socket_folder(place: &Place) -> Result<()> {
    let folder = &place.socket;
    if let Err(error) = fs::DirBuilder::new().mode(0o700).create(folder)
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return tried(Err(error), || format!("make {}", folder.display()));
    }
    let mine = |folder: &Path| {
        let found = fs::symlink_metadata(folder)?;
        let owners = [Some(geteuid()), place.user.as_ref().map(|user| user.uid)];
        let owned = owners.iter().flatten().any(|owner| owner.as_raw() == found.uid());
        if found.is_dir() && owned { Ok(()) } else { Err(std::io::ErrorKind::PermissionDenied.into()) }
    };
    tried(mine(folder), || format!("use {}, which another user made", folder.display()))?;
    own(folder, place.user.as_ref())
}

/// Makes an empty cluster: all of it or nothing.
fn initdb(programs: &PostgresPrograms, place: &Place, fast: bool) -> Result<()> {
    let unfinished = place.home.join("data.new");
    let _ = fs::remove_dir_all(&unfinished);
    let mut command = place.run_as_server(child::command(&programs.initdb, Signal::SIGTERM));
    command
        .arg("--pgdata")
        .arg(&unfinished)
        // Texts compare by their bytes, the same on every machine; names are put in order by who shows them.
        .args(["--username", USER, "--encoding", "UTF8", "--locale", "C", "--auth", "trust", "--no-instructions"])
        .args(fast.then_some("--no-sync"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut running = tried(child::spawn(command), || format!("start {}", programs.initdb.display()))?;
    let mut output = String::new();
    let read = running.stderr.take().map_or(Ok(0), |mut stderr| stderr.read_to_string(&mut output));
    tried(read, || "read what initdb says".to_owned())?;
    let status = tried(running.wait(), || "wait for initdb".to_owned())?;
    if !status.success() {
        return Err(Error::Failed { program: "initdb", status, output });
    }
    tried(fs::rename(&unfinished, place.data()), || format!("make {}", place.data().display()))
}

/// Starts the server; it does not answer yet.
fn launch(programs: &PostgresPrograms, place: &Place, fast: bool) -> Result<Running> {
    // PostgreSQL itself would take any process of its user with the number in a stale file for its predecessor.
    predecessor::wait_for_its_end(PROGRAM, &place.data().join("postmaster.pid"), &place.home)?;
    make_socket_folder(place)?;
    let log = place.log();
    let output = tried(fs::File::create(&log), || format!("write {}", log.display()))?;
    let errors = tried(output.try_clone(), || format!("write {}", log.display()))?;
    // SIGINT when this process dies: a fast shutdown, where SIGTERM would wait for the sessions to end.
    let mut command = place.run_as_server(child::command(&programs.postgres, Signal::SIGINT));
    command.arg("-D").arg(place.data()).arg("-c");
    command.arg(format!("unix_socket_directories={}", place.socket.display()));
    let settings = ["listen_addresses=", "port=5432", "unix_socket_permissions=0700", "timezone=UTC", "log_timezone=UTC"];
    // Nobody replicates views, which the journal makes again: tables that are filled in the transaction that emptied them need no log.
    let views_settings = ["wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB", "shared_buffers=256MB"];
    let unsafe_settings = ["fsync=off", "full_page_writes=off"];
    for setting in settings.iter().chain(&views_settings).chain(unsafe_settings.iter().filter(|_| fast)) {
        command.args(["-c", setting]);
    }
    command.stdout(output).stderr(errors);
    tried(Running::spawn(command), || format!("start {}", programs.postgres.display()))
}

/// A value in a connection string.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
