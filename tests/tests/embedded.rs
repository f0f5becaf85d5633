//! The embedded servers: what they keep over a crash, whom they let in, and that they end with their parent.

#![allow(clippy::expect_used, reason = "a test")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chuoi::embedded::{Error, NatsOptions, NatsServer, PostgresOptions, PostgresServer};
use postgres::{Client, NoTls};

fn nats(folder: &Path) -> Result<NatsServer, Error> {
    NatsServer::start(&NatsOptions { folder: folder.to_owned(), ..NatsOptions::default() })
}

fn postgres(folder: &Path) -> Result<PostgresServer, Error> {
    PostgresServer::start(&PostgresOptions { folder: folder.to_owned(), fast: true, ..PostgresOptions::default() })
}

#[test]
fn what_nats_acknowledged_is_there_after_a_kill_and_a_restart_at_the_same_url() {
    let folder = tests::folder();
    let mut server = nats(folder.path()).expect("start");
    let url = server.url();
    let stream = r#"{"name":"J","subjects":["j"],"storage":"file"}"#;
    assert!(ask(&url, "$JS.API.STREAM.CREATE.J", stream).contains(r#""name":"J""#));
    for expected in 1..=20 {
        assert!(ask(&url, "j", "an entry").contains(&format!(r#""seq":{expected}"#)));
        if expected % 5 == 0 {
            server.kill();
            assert!(server.ended().is_some());
            server.start_again().expect("start again");
            assert_eq!(server.url(), url);
        }
    }
    server.stop();
    server.start_again().expect("start again");
    assert!(ask(&url, "$JS.API.STREAM.INFO.J", "").contains(r#""messages":20"#));
}

#[test]
fn nats_lets_nobody_in_without_the_password_of_this_start() {
    let folder = tests::folder();
    let server = nats(folder.path()).expect("start");
    let mode = fs::metadata(folder.path().join("nats-server.conf")).expect("settings").permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may read the password");
    let guess = format!("nats://chuoi:guess@127.0.0.1:{}", server.port());
    assert!(try_to_ask(&guess, "$JS.API.INFO", "").is_err());
    assert!(try_to_ask(&server.url(), "$JS.API.INFO", "").is_ok());
}

#[test]
fn nats_takes_the_port_that_it_is_given_and_says_why_it_cannot() {
    let (folder, other) = (tests::folder(), tests::folder());
    let port = tests::free_address().port();
    let on =
        |folder: &Path| NatsServer::start(&NatsOptions { folder: folder.to_owned(), port: Some(port), ..NatsOptions::default() });
    let server = on(folder.path()).expect("start");
    assert!(server.url().ends_with(&format!("@127.0.0.1:{port}")));
    let refusal = on(other.path()).err().expect("the port is taken").to_string();
    assert!(refusal.contains("ended at its start") && refusal.contains("address already in use"), "{refusal}");
}

#[test]
fn what_postgres_committed_is_there_after_a_kill_and_a_restart_at_the_same_url() {
    let folder = tests::folder();
    let mut server = postgres(folder.path()).expect("start");
    server.create_database("shop's").expect("a database");
    server.create_database("shop's").expect("again changes nothing");
    let url = server.url("shop's");
    Client::connect(&url, NoTls).expect("connect").batch_execute("CREATE TABLE t (n bigint)").expect("a table");
    for n in 1..=3i64 {
        let mut client = Client::connect(&url, NoTls).expect("connect");
        client.execute("INSERT INTO t VALUES ($1)", &[&n]).expect("insert");
        server.kill();
        assert!(client.simple_query("SELECT 1").is_err(), "its backend is gone too");
        server.start_again().expect("start again");
        let rows: i64 =
            Client::connect(&url, NoTls).expect("connect").query_one("SELECT count(*) FROM t", &[]).expect("count").get(0);
        assert_eq!(rows, n);
    }
}

#[test]
fn a_stale_pid_file_that_names_a_living_process_does_not_keep_postgres_from_starting() {
    let folder = tests::folder();
    let mut server = postgres(folder.path()).expect("start");
    let pid_file = folder.path().join("data/postmaster.pid");
    let text = fs::read_to_string(&pid_file).expect("a pid file");
    server.kill();
    let mut stranger = Command::new("sleep").arg("60").spawn().expect("a process");
    fs::write(&pid_file, text.replacen(&server.pid().to_string(), &stranger.id().to_string(), 1)).expect("write");
    let outcome = server.start_again();
    stranger.kill().and_then(|()| stranger.wait()).expect("end it");
    outcome.expect("start again");
}

#[test]
fn postgres_runs_in_a_folder_that_its_user_cannot_walk_down_to_and_forgets_with_the_folder() {
    let outer = tests::folder(); // Nobody but this user may enter; as root, the server runs as another.
    let folder = outer.path().join("data of mine/postgres");
    let exists = |server: &PostgresServer| Client::connect(&server.url("kept"), NoTls).is_ok();
    let server = postgres(&folder).expect("start");
    server.create_database("kept").expect("a database");
    drop(server);
    let server = postgres(&folder).expect("start again");
    assert!(exists(&server));
    drop(server);
    fs::remove_dir_all(&folder).expect("remove");
    let server = postgres(&folder).expect("start afresh");
    assert!(!exists(&server));
    drop(server);
    if let Ok(elsewhere) = fs::read_link(folder.join("elsewhere")) {
        fs::remove_dir_all(elsewhere).expect("tidy up");
    }
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_no_hindrance() {
    let folder = tempfile::Builder::new().prefix(&"long".repeat(30)).tempdir().expect("a folder");
    let server = postgres(folder.path()).expect("start");
    assert!(Client::connect(&server.url("postgres"), NoTls).is_ok());
    let socket = PathBuf::from(server.url("postgres").trim_start_matches("host=").split(' ').next().expect("a path"));
    assert_eq!(fs::metadata(&socket).expect("the socket's folder").permissions().mode() & 0o077, 0);
    drop(server);
    assert!(!socket.exists(), "left behind");
}

#[test]
fn a_folder_that_is_served_is_not_served_twice() {
    let folder = tests::folder();
    let server = nats(folder.path()).expect("start");
    let refusal = nats(folder.path()).err().expect("refused").to_string();
    assert!(refusal.contains(&format!("already runs on {}", folder.path().display())), "{refusal}");
    assert!(refusal.contains(&format!("process {}", server.pid())), "{refusal}");
}

#[test]
fn a_killed_parent_takes_its_servers_along_and_its_folders_can_be_used_at_once() {
    let me = "a_killed_parent_takes_its_servers_along_and_its_folders_can_be_used_at_once";
    if let Some(folder) = env::var_os("TEST_PARENT_OF_SERVERS").map(PathBuf::from) {
        let (nats, postgres) = parent_of_servers(&folder);
        println!("\nservers: {} {}", nats.pid(), postgres.pid());
        thread::sleep(Duration::from_secs(60));
        return;
    }
    let (outer, other) = (tests::folder(), tests::folder());
    fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o711)).expect("let PostgreSQL's user through");
    let mut parent = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", me, "--nocapture"])
        .env("TEST_PARENT_OF_SERVERS", outer.path())
        .current_dir(other.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a parent");
    let mut lines = BufReader::new(parent.stdout.take().expect("its output")).lines();
    let pids = lines.find_map(|line| line.ok()?.strip_prefix("servers: ").map(str::to_owned)).expect("process ids");
    parent.kill().and_then(|()| parent.wait()).expect("kill it");
    drop(parent_of_servers(outer.path()));
    for pid in pids.split(' ') {
        assert!(!Path::new("/proc").join(pid).join("exe").exists(), "process {pid} is still there");
    }
}

fn parent_of_servers(folder: &Path) -> (NatsServer, PostgresServer) {
    (nats(&folder.join("nats")).expect("nats-server"), postgres(&folder.join("postgres")).expect("PostgreSQL"))
}

#[test]
fn a_server_outlives_the_thread_that_started_it() {
    let folder = tests::folder();
    let path = folder.path().to_owned();
    let mut server = thread::spawn(move || nats(&path).expect("start")).join().expect("started");
    thread::sleep(Duration::from_millis(200));
    assert!(server.ended().is_none());
    assert!(try_to_ask(&server.url(), "$JS.API.INFO", "").is_ok());
}

#[tokio::test]
async fn the_harness_gives_each_test_its_own_servers() {
    let (one, two) = tokio::join!(tests::Servers::start(), tests::Servers::start());
    assert_ne!(one.nats.url(), two.nats.url());
    assert_ne!(one.database.url(), two.database.url());
    one.nats.kill().await;
    one.nats.start_again().await;
    one.nats.stop().await;
    let postgres = tests::Postgres::start().await;
    postgres.kill().await;
    postgres.start_again().await;
    postgres.stop().await;
}

/// Asks a NATS subject, by the protocol itself, and gives the answer.
fn ask(url: &str, subject: &str, payload: &str) -> String {
    try_to_ask(url, subject, payload).expect("an answer")
}

fn try_to_ask(url: &str, subject: &str, payload: &str) -> std::io::Result<String> {
    let (user, address) = url.trim_start_matches("nats://").split_once('@').expect("a user");
    let (user, password) = user.split_once(':').expect("a password");
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "CONNECT {{\"user\":\"{user}\",\"pass\":\"{password}\",\"verbose\":false}}\r\nSUB answer 1\r\n")?;
    write!(stream, "PUB {subject} answer {}\r\n{payload}\r\n", payload.len())?;
    let mut reader = BufReader::new(stream);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.starts_with("-ERR") {
            break;
        }
        if let Some(head) = line.strip_prefix("MSG ") {
            let length = head.trim().rsplit(' ').next().and_then(|length| length.parse().ok()).expect("a length");
            let mut answer = vec![0; length];
            reader.read_exact(&mut answer)?;
            return Ok(String::from_utf8_lossy(&answer).into_owned());
        }
    }
    Err(std::io::ErrorKind::PermissionDenied.into())
}
