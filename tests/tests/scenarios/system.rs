//! A whole system for one scenario: servers of its own, recorder, projector and queries, and a small registry recorded through
//! the public API.

use jiff::Timestamp;
use std::time::Duration;
pub use tests::world::*;
use tests::{Database, Nats, Postgres};
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::*;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{GetShipmentRequest, QueryStockRequest, Shipment, StockFilter};

const STREAM: &str = "chuoi-journal-1";

/// What traceability codes are checked with here.
fn code_keys() -> views::CodeKeys {
    views::CodeKeys::parse(&"00".repeat(32)).expect("a key")
}

/// A product beside PK1, sold loose by the kilogram.
pub fn second_product() -> event::ProductRegistered {
    event::ProductRegistered {
        product_code: "PK2".into(),
        name: "Cải ngọt".into(),
        group_code: "rau".into(),
        ocop_group: 1,
        base_unit: "KGM".into(),
        mass_gram: 1_000,
        content_kind: "loose".into(),
        ..event::ProductRegistered::default()
    }
}

pub struct System {
    pub nats: Nats,
    /// A PostgreSQL of its own, where the scenario stops it.
    pub postgres: Option<Postgres>,
    _database: Option<Database>,
    database_url: String,
    pub journal: stream::Journal,
    pub channel: Channel,
    /// Where the services are.
    pub address: std::net::SocketAddr,
    recording: JoinHandle<Result<(), record::Error>>,
    projecting: JoinHandle<Result<(), views::Error>>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    folder: tempfile::TempDir,
    kept: usize,
}

impl System {
    pub async fn start() -> System {
        System::keeping(64).await
    }

    /// A system whose recorder puts away what changed once so many books have.
    pub async fn keeping(kept: usize) -> System {
        let database = Database::create().await;
        let url = database.url().to_owned();
        System::over(Some(database), None, url, kept).await
    }

    /// A system with a PostgreSQL that can be stopped without disturbing other scenarios.
    pub async fn with_own_postgresql() -> System {
        let postgres = Postgres::start().await;
        let url = postgres.url().to_owned();
        System::over(None, Some(postgres), url, 1_000_000).await
    }

    async fn over(_database: Option<Database>, postgres: Option<Postgres>, database_url: String, kept: usize) -> System {
        let nats = Nats::start().await;
        let stream = stream::Settings::new(nats.url(), STREAM);
        let genesis = event::Genesis {
            business_time_zone: "Asia/Ho_Chi_Minh".into(),
            authority_code: AUTHORITY.into(),
            authority_name: "Sở Công Thương Hà Nội".into(),
        };
        let journal = stream::init(&stream, genesis, Timestamp::now()).await.expect("a new journal");
        let database = views::database::Settings::of(database_url.clone());
        views::database::migrate(&database).await.expect("migrated tables");
        let folder = tests::folder();
        let (recorder, recording) = recorder(&journal, folder.path(), kept);
        let projecting = tokio::spawn(views::Projector::new(journal.clone(), database.clone()).run(std::future::pending()));
        let address = tests::free_address();
        let serving = serve(recorder, &database, address);
        let channel = connect(address).await;
        let system = System {
            nats,
            postgres,
            _database,
            database_url,
            journal,
            channel,
            address,
            recording,
            projecting,
            serving,
            folder,
            kept,
        };
        for outcome in system.send_all(AUTHORITY, registry()).await {
            assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
        }
        system
    }

    pub fn database(&self) -> views::database::Settings {
        views::database::Settings::of(self.database_url.clone())
    }

    /// Another recorder of the same journal, as a second instance would run it, over a connection of its own.
    pub async fn second_recorder(&self) -> Channel {
        self.recorder_with(|settings| settings).await
    }

    /// The same with other settings.
    pub async fn recorder_with(&self, change: impl FnOnce(record::Settings) -> record::Settings) -> Channel {
        let stream = stream::Settings::new(self.nats.url(), STREAM);
        let journal = stream::Journal::open(&stream).await.expect("the journal");
        let folder = self.folder.path().join(Uuid::now_v7().to_string());
        let settings = change(recorder_settings(&folder, self.kept));
        let (recorder, recording) = record::Recorder::new(journal, settings);
        tokio::spawn(recording.run());
        let address = tests::free_address();
        serve(recorder, &self.database(), address);
        connect(address).await
    }

    /// Ends the recorder at once, whatever it is doing, and starts another one in its folder.
    pub async fn replace_recorder(&mut self) {
        self.replace_recorder_over(|_| ()).await;
    }

    /// The same, after something was done to what it had put away.
    pub async fn replace_recorder_over(&mut self, befalls: impl FnOnce(&std::path::Path)) {
        self.recording.abort();
        self.serving.abort();
        let _aborted = (&mut self.recording).await;
        befalls(self.folder.path());
        let (recorder, recording) = recorder(&self.journal, self.folder.path(), self.kept);
        self.recording = recording;
        let address = tests::free_address();
        self.serving = serve(recorder, &self.database(), address);
        (self.channel, self.address) = (connect(address).await, address);
    }

    /// Ends the projector at once, whatever it is doing, and starts another one.
    pub fn replace_projector(&mut self) {
        self.projecting.abort();
        let projector = views::Projector::new(self.journal.clone(), self.database());
        self.projecting = tokio::spawn(projector.run(std::future::pending()));
    }

    /// Sends a command of an organization by itself.
    pub async fn send(&self, organization: &str, command: Command) -> Outcome {
        self.send_all(organization, vec![command]).await.remove(0)
    }

    /// Sends commands of an organization together.
    pub async fn send_all(&self, organization: &str, commands: Vec<Command>) -> Vec<Outcome> {
        self.try_send_all(organization, commands).await.expect("an answer")
    }

    pub async fn try_send_all(&self, organization: &str, commands: Vec<Command>) -> Result<Vec<Outcome>, Status> {
        let request = on_behalf_of(organization, RecordBatchRequest { commands });
        let mut client = RecordServiceClient::new(self.channel.clone()).max_decoding_message_size(16 << 20);
        Ok(client.record_batch(request).await?.into_inner().outcomes)
    }

    /// Sends what has to be accepted; its position.
    pub async fn record(&self, organization: &str, when: &str, action: Action) -> Recorded {
        let outcome = self.send(organization, command(when, action)).await;
        assert_eq!(outcome.verdict(), Verdict::Accepted, "{:?}", outcome.refused);
        outcome.recorded.expect("what was recorded")
    }

    /// What a site holds of product PK1, in thousandths of a kilogram.
    pub async fn stock(&self, site: &str, at_least: &str) -> i64 {
        let request = QueryStockRequest {
            filter: Some(StockFilter { sites: vec![site.into()], ..StockFilter::default() }),
            at_least: at_least.into(),
            ..QueryStockRequest::default()
        };
        let answer = StockServiceClient::new(self.channel.clone()).query_stock(request).await.expect("stock").into_inner();
        answer.totals.iter().map(|total| total.quantity_milli).sum()
    }

    pub async fn shipment(&self, code: &str, at_least: &str) -> Shipment {
        let request = GetShipmentRequest {
            issuer_code: COOP.into(),
            shipment_code: code.into(),
            at_least: at_least.into(),
            ..GetShipmentRequest::default()
        };
        let answer = StockServiceClient::new(self.channel.clone()).get_shipment(request).await.expect("a shipment");
        answer.into_inner().shipment.expect("a shipment")
    }

    /// Waits until the projection has everything that is in the journal now.
    pub async fn caught_up(&self) {
        let last = self.journal.last_sequence().await.expect("the journal's end");
        let position = self.journal.position(last).to_string();
        for _ in 0..60 {
            let request = QueryStockRequest { at_least: position.clone(), ..QueryStockRequest::default() };
            if StockServiceClient::new(self.channel.clone()).query_stock(request).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("the projection did not reach {position}");
    }

    /// Replays the journal and compares it with the tables, row by row, and with an independent fold.
    pub async fn verify(&self) -> views::Report {
        self.caught_up().await;
        let report = views::verify(&self.journal, &self.database(), |_, _| {}).await.expect("a report");
        assert!(report.is_clean(), "{report:?}");
        report
    }
}

fn recorder(
    journal: &stream::Journal,
    folder: &std::path::Path,
    kept: usize,
) -> (record::Recorder, JoinHandle<Result<(), record::Error>>) {
    let (recorder, recording) = record::Recorder::new(journal.clone(), recorder_settings(folder, kept));
    (recorder, tokio::spawn(recording.run()))
}

fn recorder_settings(folder: &std::path::Path, kept: usize) -> record::Settings {
    record::Settings { kept, doubt_after: Duration::from_secs(2), ..record::Settings::new(folder) }
}

fn serve(
    recorder: record::Recorder,
    database: &views::database::Settings,
    address: std::net::SocketAddr,
) -> JoinHandle<Result<(), tonic::transport::Error>> {
    let pool = views::database::connect(database).expect("a pool");
    let closing = tokio::sync::watch::channel(false).1;
    let routes = views::services_until(pool, database.clone(), code_keys(), closing).add_service(record::service(recorder));
    tokio::spawn(tonic::transport::Server::builder().add_routes(routes).serve(address))
}

async fn connect(address: std::net::SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
    for _ in 0..200 {
        match endpoint.connect().await {
            Ok(channel) => return channel,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("nothing listens on {address}");
}
