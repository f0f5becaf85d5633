//! A whole system for one scenario: servers of its own, recorder, projector and queries, and a small registry recorded through
//! the public API.

use jiff::Timestamp;
use std::time::Duration;
use tests::{Database, Nats, Postgres};
use tokio::task::JoinHandle;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;
use wire::proto::chuoi::event::v1::{self as event, chain_member_joined::Member};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::{self as proto, *};
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{GetShipmentRequest, QueryStockRequest, Shipment, StockFilter};

pub const AUTHORITY: &str = "SCT";
/// Leads chain CH1 and runs its farm FA1.
pub const COOP: &str = "HTX1";
/// Runs supermarkets SM1 and SM2.
pub const SHOP: &str = "DV1";

const STREAM: &str = "chuoi-journal-1";

pub struct System {
    pub nats: Nats,
    /// A PostgreSQL of its own, where the scenario stops it.
    pub postgres: Option<Postgres>,
    _database: Option<Database>,
    database_url: String,
    pub journal: stream::Journal,
    pub channel: Channel,
    recording: JoinHandle<Result<(), record::Error>>,
    projecting: JoinHandle<Result<(), views::Error>>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
    folder: tempfile::TempDir,
    remembered: usize,
}

impl System {
    pub async fn start() -> System {
        System::remembering(1_000_000).await
    }

    /// A system whose recorder keeps so many command ids in memory.
    pub async fn remembering(remembered: usize) -> System {
        let database = Database::create().await;
        let url = database.url().to_owned();
        System::over(Some(database), None, url, remembered).await
    }

    /// A system with a PostgreSQL that can be stopped without disturbing other scenarios.
    pub async fn with_own_postgresql() -> System {
        let postgres = Postgres::start().await;
        let url = postgres.url().to_owned();
        System::over(None, Some(postgres), url, 1_000_000).await
    }

    async fn over(_database: Option<Database>, postgres: Option<Postgres>, database_url: String, remembered: usize) -> System {
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
        let (recorder, recording) = recorder(&journal, folder.path(), remembered);
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
            recording,
            projecting,
            serving,
            folder,
            remembered,
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
        let settings = change(recorder_settings(self.folder.path(), self.remembered));
        let (recorder, recording) = record::Recorder::new(journal, settings);
        tokio::spawn(recording.run());
        let address = tests::free_address();
        serve(recorder, &self.database(), address);
        connect(address).await
    }

    /// Ends the recorder at once, whatever it is doing, and starts another one that knows only the journal.
    pub async fn replace_recorder(&mut self) {
        self.recording.abort();
        self.serving.abort();
        let (recorder, recording) = recorder(&self.journal, self.folder.path(), self.remembered);
        self.recording = recording;
        let address = tests::free_address();
        self.serving = serve(recorder, &self.database(), address);
        self.channel = connect(address).await;
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
    remembered: usize,
) -> (record::Recorder, JoinHandle<Result<(), record::Error>>) {
    let (recorder, recording) = record::Recorder::new(journal.clone(), recorder_settings(folder, remembered));
    (recorder, tokio::spawn(recording.run()))
}

fn recorder_settings(folder: &std::path::Path, remembered: usize) -> record::Settings {
    let index = folder.join(Uuid::now_v7().to_string());
    record::Settings { remembered, doubt_after: Duration::from_secs(2), ..record::Settings::new(index) }
}

fn serve(
    recorder: record::Recorder,
    database: &views::database::Settings,
    address: std::net::SocketAddr,
) -> JoinHandle<Result<(), tonic::transport::Error>> {
    let pool = views::database::connect(database).expect("a pool");
    let routes = views::services(pool).add_service(record::service(recorder));
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

pub fn on_behalf_of<T>(organization: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let organization = MetadataValue::try_from(organization).expect("ASCII");
    request.metadata_mut().insert(wire::status::METADATA_ORGANIZATION, organization);
    request
}

/// `2026-11-20`, `2026-11-20 opening`, `2026-11-20 closing` or `2026-11-20 08:00`, at home.
pub fn when(text: &str) -> When {
    match text.split_once(' ') {
        None => When { date: text.into(), ..When::default() },
        Some((date, "opening")) => When { date: date.into(), day_part: DayPart::BeforeOpening.into(), ..When::default() },
        Some((date, "closing")) => When { date: date.into(), day_part: DayPart::AfterClosing.into(), ..When::default() },
        Some((date, time)) => {
            let instant: Timestamp = format!("{date}T{time}+07:00").parse().expect("a time");
            let event_time = prost_types::Timestamp { seconds: instant.as_second(), nanos: 0 };
            When { event_time: Some(event_time), utc_offset_minutes: Some(420), ..When::default() }
        }
    }
}

pub fn command(at: &str, action: Action) -> Command {
    let header = CommandHeader { command_id: Uuid::now_v7().to_string(), when: Some(when(at)), ..CommandHeader::default() };
    Command { header: Some(header), action: Some(action) }
}

/// What has happened already.
pub fn reported(mut command: Command) -> Command {
    if let Some(header) = &mut command.header {
        header.on_conflict = OnConflict::Record.into();
    }
    command
}

pub fn quantity(milli: i64) -> Option<Quantity> {
    Some(Quantity { value_milli: milli, ..Quantity::default() })
}

pub fn lot(code: &str) -> Option<LotReference> {
    Some(LotReference { issuer: COOP.into(), product: "PK1".into(), lot_code: code.into(), ..LotReference::default() })
}

fn line(code: &str, milli: i64) -> LotLine {
    LotLine { lot: lot(code), quantity: quantity(milli) }
}

pub fn lines(lines: &[(&str, i64)]) -> Vec<LotLine> {
    lines.iter().map(|(code, milli)| line(code, *milli)).collect()
}

pub fn new_lot(code: &str) -> Option<NewLot> {
    Some(NewLot { issuer: COOP.into(), product: "PK1".into(), lot_code: code.into(), ..NewLot::default() })
}

pub fn harvest(code: &str, milli: i64) -> Action {
    Action::Harvest(Harvest { site: "FA1".into(), lot: new_lot(code), quantity: quantity(milli), plot: String::new() })
}

pub fn open(site: &str, code: &str, milli: i64) -> Action {
    Action::OpenLot(OpenLot { site: site.into(), lot: new_lot(code), quantity: quantity(milli) })
}

pub fn dispatch(shipment: &str, to: &str, of: &[(&str, i64)]) -> Action {
    Action::Dispatch(Dispatch {
        from_site: "FA1".into(),
        to_site: to.into(),
        shipment_code: shipment.into(),
        lines: lines(of),
        ..Dispatch::default()
    })
}

/// No lines: everything.
pub fn receive(shipment: &str, of: &[(&str, i64)]) -> Action {
    let reference = ShipmentReference { issuer: COOP.into(), shipment_code: shipment.into(), ..ShipmentReference::default() };
    Action::Receive(Receive { shipment: Some(reference), lines: lines(of), everything: of.is_empty(), ..Receive::default() })
}

pub fn sell(site: &str, of: &[(&str, i64)]) -> Action {
    Action::Sell(Sell { site: site.into(), lines: lines(of), ..Sell::default() })
}

pub fn count(site: &str, of: &[(&str, i64)]) -> Action {
    Action::Count(Count { site: site.into(), lines: lines(of), ..Count::default() })
}

fn registry() -> Vec<Command> {
    use register::Fact;
    let organization = |code: &str, kind: event::OrganizationKind| {
        Fact::Organization(event::OrganizationRegistered {
            organization_code: code.into(),
            name: format!("Đơn vị {code}"),
            kind: kind.into(),
            gln: String::new(),
        })
    };
    let site = |code: &str, kind: event::SiteKind, by: &str| {
        Fact::Site(event::SiteRegistered {
            site_code: code.into(),
            name: format!("Cơ sở {code}"),
            kind: kind.into(),
            organization_code: by.into(),
            district_code: "001".into(),
            gln: String::new(),
            latitude_e6: 21_035_000,
            longitude_e6: 105_814_000,
        })
    };
    let joined = |member| {
        Fact::MemberJoined(event::ChainMemberJoined { chain_code: "CH1".into(), member: Some(member), is_primary: true })
    };
    let facts = vec![
        Fact::District(event::DistrictRegistered {
            district_code: "001".into(),
            name: "Ba Đình".into(),
            kind: "quận".into(),
            ends_day: None,
        }),
        organization(COOP, event::OrganizationKind::Cooperative),
        organization(SHOP, event::OrganizationKind::Retailer),
        site("FA1", event::SiteKind::Farm, COOP),
        site("SM1", event::SiteKind::Supermarket, SHOP),
        site("SM2", event::SiteKind::Supermarket, SHOP),
        Fact::Product(event::ProductRegistered {
            product_code: "PK1".into(),
            name: "Rau muống".into(),
            name_en: "Water spinach".into(),
            group_code: "rau".into(),
            ocop_group: 1,
            base_unit: "KGM".into(),
            mass_gram: 1_000,
            content_kind: "loose".into(),
            ..event::ProductRegistered::default()
        }),
        Fact::Chain(event::ChainRegistered {
            chain_code: "CH1".into(),
            name: "Chuỗi rau an toàn".into(),
            lead_organization_code: COOP.into(),
            district_code: "001".into(),
            group_code: "rau".into(),
            share_supermarket_percent: 100,
            ..event::ChainRegistered::default()
        }),
        joined(Member::SiteCode("FA1".into())),
        joined(Member::ProductCode("PK1".into())),
        Fact::Capacity(event::CapacityDeclared {
            chain_code: "CH1".into(),
            quantity_per_day_milli: 1_000_000,
            unit: "KGM".into(),
        }),
    ];
    facts.into_iter().map(|fact| command("2020-01-01", Action::Register(proto::Register { fact: Some(fact) }))).collect()
}
