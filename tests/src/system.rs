//! A whole system, each part a process of its own that can be killed, frozen and resumed: what is broken, and what is measured.

use crate::world;
use crate::{Nats, Postgres};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use stream::{Journal, Position};
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};
use wire::proto::chuoi::event::v1::Genesis;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::{RecordBatchRequest, Verdict};
use wire::proto::chuoi::stock::v1::QueryStockRequest;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;

const STREAM: &str = "system-1";

/// A role that runs as a process.
pub struct Process {
    arguments: Vec<String>,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Its number.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    fn start(arguments: Vec<String>, log: PathBuf) -> Process {
        let child = launch(&arguments, &log);
        Process { arguments, log, child }
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a process to kill");
    }

    /// The same again.
    pub fn start_again(&mut self) {
        self.child = launch(&self.arguments, &self.log);
    }

    /// SIGSTOP: it does nothing, and does not know.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).expect("a running process");
        kill(Pid::from_raw(pid), signal).expect("a signal");
    }
}

/// The program under test lies beside this one.
fn launch(arguments: &[String], log: &Path) -> Child {
    let program = std::env::current_exe().expect("this program's path").with_file_name("chuoi");
    let log = File::options().create(true).append(true).open(log).expect("a log file");
    let errors = log.try_clone().expect("the log file again");
    let mut command = Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::null()).stdout(log).stderr(errors).kill_on_drop(true);
    command.spawn().expect("chuoi, built beside this program")
}

/// A whole system: two recorders, a projector, and queries.
pub struct System {
    /// Holds the journal.
    pub nats: Nats,
    /// Holds the views.
    pub postgres: Postgres,
    /// Recorders of one journal.
    pub recorders: Vec<Process>,
    /// A channel to each of them.
    pub channels: Vec<Channel>,
    /// Where each of them listens.
    pub addresses: Vec<String>,
    /// Projectors of one journal.
    pub projectors: Vec<Process>,
    /// The journal.
    pub journal: Journal,
    /// Where questions are asked.
    pub query_process: Process,
    query: Channel,
    folder: tempfile::TempDir,
}

impl System {
    /// With the small world registered; PostgreSQL does not wait for its disk.
    pub async fn start() -> System {
        let system = System::empty(Postgres::start().await).await;
        system.register().await;
        system
    }

    /// With nothing registered.
    pub async fn empty(postgres: Postgres) -> System {
        let nats = Nats::start().await;
        let genesis = Genesis {
            business_time_zone: "Asia/Ho_Chi_Minh".into(),
            authority_code: world::AUTHORITY.into(),
            authority_name: "Sở Công Thương Hà Nội".into(),
        };
        let settings = stream::Settings::new(nats.url(), STREAM);
        let journal = stream::init(&settings, genesis, jiff::Timestamp::now()).await.expect("a new journal");
        let folder = crate::folder();
        let serve = |role: &str, name: &str| {
            let address = crate::free_address();
            let mut arguments: Vec<String> = vec!["serve".into(), role.into()];
            let data = folder.path().join(name).display().to_string();
            for (flag, value) in [
                ("--nats-url", nats.url()),
                ("--stream", STREAM.into()),
                ("--database-url", postgres.url().into()),
                ("--listen", address.to_string()),
                ("--data", data),
            ] {
                arguments.extend([flag.to_owned(), value]);
            }
            (Process::start(arguments, folder.path().join(format!("{name}.log"))), address)
        };
        let started = [serve("recorder", "recorder-1"), serve("recorder", "recorder-2")];
        let addresses = started.iter().map(|(_, address)| format!("http://{address}")).collect();
        let (recorders, channels) = started.into_iter().map(|(process, address)| (process, channel(address))).unzip();
        let projectors = vec![serve("projector", "projector").0];
        let (query_process, address) = serve("query", "query");
        let query = channel(address);
        System { nats, postgres, recorders, channels, addresses, projectors, journal, query_process, query, folder }
    }

    async fn register(&self) {
        let commands = world::registry();
        for _ in 0..200 {
            let request = world::on_behalf_of(world::AUTHORITY, RecordBatchRequest { commands: commands.clone() });
            if let Ok(answer) = RecordServiceClient::new(self.channels[0].clone()).record_batch(request).await {
                let outcomes = answer.into_inner().outcomes;
                assert!(
                    outcomes.iter().all(|outcome| matches!(outcome.verdict(), Verdict::Accepted | Verdict::Duplicate)),
                    "{outcomes:?}"
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the recorder did not answer; see {}", self.folder.path().display());
    }

    /// Another projector beside the one that runs.
    pub fn add_projector(&mut self) {
        let mut arguments = self.projectors[0].arguments.clone();
        let listen = arguments.iter().position(|argument| argument == "--listen").expect("an address") + 1;
        arguments[listen] = crate::free_address().to_string();
        self.projectors.push(Process::start(arguments, self.folder.path().join("projector-2.log")));
    }

    /// Waits until the tables have what the journal holds now; the seconds it took.
    pub async fn caught_up(&self) -> f64 {
        let begun = std::time::Instant::now();
        let last = loop {
            match self.journal.last_sequence().await {
                Ok(last) => break last,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let position: Position = self.journal.position(last);
        loop {
            let request = QueryStockRequest { at_least: position.to_string(), page_size: 1, ..QueryStockRequest::default() };
            if StockServiceClient::new(self.query.clone()).query_stock(request).await.is_ok() {
                return begun.elapsed().as_secs_f64();
            }
            assert!(begun.elapsed() < Duration::from_secs(900), "the tables did not reach {position}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A channel to where questions are asked.
    pub fn query(&self) -> Channel {
        self.query.clone()
    }

    /// What the tables say that a site holds, all lots together.
    pub async fn stock(&self, site: &str) -> i64 {
        let filter = wire::proto::chuoi::stock::v1::StockFilter { sites: vec![site.into()], ..Default::default() };
        let request = QueryStockRequest { filter: Some(filter), ..QueryStockRequest::default() };
        let answer = StockServiceClient::new(self.query.clone()).query_stock(request).await.expect("stock").into_inner();
        answer.totals.iter().map(|total| total.quantity_milli).sum()
    }

    /// How to reach the views.
    pub fn database(&self) -> views::database::Settings {
        views::database::Settings::of(self.postgres.url())
    }
}

/// A channel that connects when it is used.
fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect_timeout(Duration::from_secs(1)).connect_lazy()
}
