//! Notices and webhooks: each thing is told once, and whoever was away hears each notice, in order, with an id.

use crate::system::*;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as At, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::Date;
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::{self as event, NoticeKind, chain_member_joined::Member};
use wire::proto::chuoi::notice::v1::notice_service_client::NoticeServiceClient;
use wire::proto::chuoi::notice::v1::*;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::register::Fact;
use wire::proto::chuoi::record::v1::*;
use wire::proto::chuoi::report::v1::ListIdleChainsRequest;
use wire::proto::chuoi::report::v1::report_service_client::ReportServiceClient;

/// Today in Hanoi, and days before and after.
fn day(from_today: i32) -> Date {
    let zone = jiff::tz::TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    zone.to_datetime(jiff::Timestamp::now()).date().checked_add(jiff::Span::new().days(from_today)).unwrap()
}

fn at(from_today: i32, time: &str) -> String {
    format!("{} {time}", day(from_today))
}

/// A notifier, at a pace for tests.
fn notifier(system: &System) -> JoinHandle<()> {
    let (journal, database) = (system.journal.clone(), system.database());
    let recorder = format!("http://{}", system.address);
    let pace = chuoi::notify::Pace { look: Duration::from_millis(50), sweep: Duration::from_millis(300), most: 4, found: 6 };
    tokio::spawn(async move { drop(chuoi::notify::run(journal, &database, &recorder, pace).await) })
}

async fn list(system: &System, request: ListNoticesRequest) -> Vec<Notice> {
    NoticeServiceClient::new(system.channel.clone()).list_notices(request).await.unwrap().into_inner().rows
}

async fn all(system: &System) -> Vec<Notice> {
    list(system, ListNoticesRequest { oldest_first: true, ..ListNoticesRequest::default() }).await
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A second chain, CH2, with a product of its own, which the cooperative harvests too.
async fn second_chain(system: &System) {
    let chain = event::ChainRegistered {
        chain_code: "CH2".into(),
        name: "Chuỗi cải".into(),
        lead_organization_code: COOP.into(),
        district_code: "001".into(),
        group_code: "rau".into(),
        share_supermarket_percent: 100,
        ..event::ChainRegistered::default()
    };
    let joined = |member| {
        Fact::MemberJoined(event::ChainMemberJoined { chain_code: "CH2".into(), member: Some(member), is_primary: true })
    };
    for fact in [
        Fact::Product(second_product()),
        Fact::Chain(chain),
        joined(Member::SiteCode("FA1".into())),
        joined(Member::ProductCode("PK2".into())),
    ] {
        system.record(AUTHORITY, "2020-01-01", Action::Register(Register { fact: Some(fact) })).await;
    }
}

/// Everything that there is to tell happens, once each.
async fn everything_happens(system: &System) {
    second_chain(system).await;
    let begun = |product: &str, code: &str, chain: &str, expiry: Option<Date>| {
        let lot = NewLot {
            issuer: COOP.into(),
            product: product.into(),
            lot_code: code.into(),
            chain: chain.into(),
            expiry_date: expiry.map(|day| day.to_string()).unwrap_or_default(),
        };
        Action::Harvest(Harvest { site: "FA1".into(), lot: Some(lot), quantity: quantity(20_000), ..Harvest::default() })
    };
    // An idle chain: nothing of CH2 for nine days.
    system.record(COOP, &at(-9, "06:00"), begun("PK2", "C1", "CH2", None)).await;
    // A lot about to expire stands at SM1; SM2 sold what it had.
    system.record(COOP, &at(-2, "06:00"), begun("PK1", "E1", "CH1", Some(day(1)))).await;
    system.record(COOP, &at(-2, "06:10"), begun("PK1", "S1", "CH1", None)).await;
    system.record(COOP, &at(-2, "20:00"), dispatch("X1", "SM1", &[("E1", 20_000)])).await;
    system.record(COOP, &at(-2, "20:10"), dispatch("X2", "SM2", &[("S1", 5_000)])).await;
    system.record(SHOP, &at(-1, "05:00"), receive("X1", &[])).await;
    system.record(SHOP, &at(-1, "05:10"), receive("X2", &[])).await;
    system.record(SHOP, &at(-1, "09:00"), sell("SM2", &[("S1", 5_000)])).await;
    // A count that is not what the book says.
    system.record(SHOP, &at(-1, "closing"), count("SM1", &[("E1", 17_000)])).await;
    // A recall.
    system.record(COOP, &at(-1, "06:00"), harvest("R1", 3_000)).await;
    let recall = Recall {
        lots: vec![lot("R1").unwrap()],
        form: event::RecallForm::Compulsory.into(),
        reason: "tồn dư thuốc".into(),
        ..Recall::default()
    };
    system.record(AUTHORITY, &at(-1, "10:00"), Action::Recall(recall)).await;
    // A temperature beyond what is allowed, which is a discrepancy too and is told as what it is.
    let temperature = event::Temperature { milli_celsius: 12_000, min_milli_celsius: None, max_milli_celsius: Some(8_000) };
    let observe = Observe {
        site: "SM1".into(),
        kind: event::ObservationKind::Temperature.into(),
        what: "tủ mát 2".into(),
        temperature: Some(temperature),
        ..Observe::default()
    };
    system.record(SHOP, &at(-1, "11:00"), Action::Observe(observe)).await;
    // A certificate about to lapse, and one that is not.
    for (number, until) in [("VG-01/2026", 10), ("VG-02/2026", 400)] {
        let certificate = event::CertificateIssued {
            kind: event::CertificateKind::Vietgap.into(),
            number: number.into(),
            holder_code: COOP.into(),
            issuer: "Chi cục QLCL NLS&TS".into(),
            until_day: Some(domain::time::BusinessDay::of(day(until)).0),
            ..Default::default()
        };
        let register = Register { fact: Some(Fact::Certificate(certificate)) };
        system.record(AUTHORITY, "2024-01-01", Action::Register(register)).await;
    }
}

/// Two notifiers at once, killed and started again, tell each thing once.
#[tokio::test(flavor = "multi_thread")]
async fn each_thing_is_told_once_whoever_tells_it_and_however_often() {
    let system = System::start().await;
    everything_happens(&system).await;
    let mut reports = ReportServiceClient::new(system.channel.clone());
    // While farms rest for Tết nobody is told of silence.
    let rests = reports.list_idle_chains(ListIdleChainsRequest::default()).await.unwrap().into_inner().tet_pause;
    let expected = if rests { 6 } else { 7 };
    let first = [notifier(&system), notifier(&system)];
    until("every notice", async || all(&system).await.len() >= expected).await;
    first.iter().for_each(|notifier| notifier.abort());
    let again = [notifier(&system), notifier(&system)];
    sleep(Duration::from_secs(3)).await;
    again.iter().for_each(|notifier| notifier.abort());

    let told = all(&system).await;
    let by_kind: BTreeMap<i32, &Notice> = told.iter().map(|notice| (notice.kind, notice)).collect();
    assert_eq!((told.len(), by_kind.len()), (expected, expected), "{told:#?}");
    let of = |kind: NoticeKind| by_kind[&i32::from(kind)];
    let lot_of = |kind: NoticeKind| (of(kind).lot_code.as_str(), of(kind).site_code.as_str(), of(kind).chain_code.as_str());
    assert_eq!(lot_of(NoticeKind::Recall), ("R1", "", "CH1"));
    assert_eq!(lot_of(NoticeKind::Expiry), ("E1", "SM1", "CH1"));
    assert_eq!((of(NoticeKind::Expiry).days, of(NoticeKind::Expiry).quantity_milli), (Some(1), Some(17_000)));
    assert_eq!(of(NoticeKind::Expiry).about_date, day(1).to_string());
    let shelf = of(NoticeKind::OutOfStock);
    assert_eq!((shelf.site_code.as_str(), shelf.product_code.as_str()), ("SM2", "PK1"));
    assert_eq!(lot_of(NoticeKind::Discrepancy), ("E1", "SM1", "CH1"));
    assert_eq!(lot_of(NoticeKind::TemperatureBreach), ("", "SM1", ""));
    let lapsing = of(NoticeKind::CertificateLapsing);
    assert_eq!((lapsing.certificate_number.as_str(), lapsing.days), ("VG-01/2026", Some(10)));
    if !rests {
        assert_eq!((of(NoticeKind::IdleChain).chain_code.as_str(), of(NoticeKind::IdleChain).days), ("CH2", Some(9)));
    }
    for notice in &told {
        assert_eq!(notice.id, domain::id::CommandId::of_notice(&notice.key).to_string());
    }

    // Filters, pages and order.
    let at_sites = ListNoticesRequest { sites: vec!["SM2".into()], ..ListNoticesRequest::default() };
    assert_eq!(list(&system, at_sites).await, std::slice::from_ref(shelf));
    let kinds = vec![NoticeKind::Recall.into(), NoticeKind::Expiry.into()];
    assert_eq!(list(&system, ListNoticesRequest { kinds, ..ListNoticesRequest::default() }).await.len(), 2);
    let after = ListNoticesRequest { after_position: told[2].position.clone(), ..ListNoticesRequest::default() };
    let newest: Vec<_> = list(&system, after).await;
    assert_eq!(newest, told[3..].iter().rev().cloned().collect::<Vec<_>>());
    let (mut token, mut paged) = (String::new(), Vec::new());
    loop {
        let request = ListNoticesRequest { page_size: 3, page_token: token, ..ListNoticesRequest::default() };
        let page = NoticeServiceClient::new(system.channel.clone()).list_notices(request).await.unwrap().into_inner();
        paged.extend(page.rows);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, told.iter().rev().cloned().collect::<Vec<_>>());

    // What stands in the journal is in the tables whichever way they are made.
    system.verify().await;
    views::rebuild(&system.journal, &system.database(), |_, _| {}).await.unwrap();
    assert_eq!(all(&system).await, told);
    system.verify().await;

    // Nobody else gives notices.
    let (key, about) = (format!("discrepancy/{SHOP}/1"), Uuid::now_v7());
    let outcome = system.send(SHOP, give(&key, about, "SM1")).await;
    assert_eq!(outcome.refused.map(|refused| refused.reason).as_deref(), Some("NOT_THE_AUTHORITY"));
}

fn give(key: &str, about: Uuid, site: &str) -> Command {
    let notice = GiveNotice {
        kind: NoticeKind::Discrepancy.into(),
        key: key.into(),
        site: site.into(),
        organization: SHOP.into(),
        about_command_id: about.to_string(),
        ..GiveNotice::default()
    };
    let mut command = command(&day(0).to_string(), Action::GiveNotice(notice));
    if let Some(header) = &mut command.header {
        header.command_id = domain::id::CommandId::of_notice(key).to_string();
    }
    command
}

/// What came to a receiver: each attempt with what was answered.
#[derive(Clone)]
struct Attempt {
    id: String,
    key: String,
    signatures: Vec<String>,
    signed: String,
    taken: bool,
}

/// A receiver whose answers are said beforehand, by the last part of the address.
#[derive(Clone, Default)]
struct Inbox {
    answers: Arc<Mutex<BTreeMap<String, u16>>>,
    attempts: Arc<Mutex<BTreeMap<String, Vec<Attempt>>>>,
}

async fn take(State(inbox): State<Inbox>, At(name): At<String>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let status = inbox.answers.lock().unwrap().get(&name).copied().unwrap_or(200);
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let id = header("webhook-id");
    let text = String::from_utf8(body.to_vec()).unwrap();
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((said["type"].as_str(), said["data"]["id"].as_str()), (Some("notice.discrepancy"), Some(id.as_str())));
    let attempt = Attempt {
        key: said["data"]["key"].as_str().unwrap().to_owned(),
        signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
        signed: format!("{id}.{}.{text}", header("webhook-timestamp")),
        taken: (200..300).contains(&status),
        id,
    };
    inbox.attempts.lock().unwrap().entry(name).or_default().push(attempt);
    StatusCode::from_u16(status).unwrap()
}

impl Inbox {
    async fn listen(&self, address: SocketAddr) {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let router = Router::new().route("/{name}", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
    }

    fn answer(&self, name: &str, status: u16) {
        self.answers.lock().unwrap().insert(name.to_owned(), status);
    }

    fn attempts(&self, name: &str) -> Vec<Attempt> {
        self.attempts.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    /// Keys of what was taken, in order, a repetition too.
    fn taken(&self, name: &str) -> Vec<String> {
        self.attempts(name).into_iter().filter(|attempt| attempt.taken).map(|attempt| attempt.key).collect()
    }
}

const OLD: &str = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQt";
const NEW: &str = "whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXct";

/// By the published scheme, written apart from the program's.
fn verifies(attempt: &Attempt, signature: &str, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(attempt.signed.as_bytes());
    signature.strip_prefix("v1,").is_some_and(|signature| mac.verify_slice(&STANDARD.decode(signature).unwrap()).is_ok())
}

fn entry(name: &str, address: SocketAddr, secrets: &[&str], more: &str) -> String {
    format!("[[webhook]]\nname = \"{name}\"\nurl = \"http://{address}/{name}?token=t0ken\"\nsecrets = {secrets:?}\n{more}\n")
}

/// A deliverer, at a pace for tests.
fn deliverer(system: &System, file: &Path) -> JoinHandle<()> {
    let (database, file) = (system.database(), file.to_owned());
    let backoff = chuoi::webhooks::Backoff { first: Duration::from_millis(50), longest: Duration::from_millis(300) };
    let pace = chuoi::webhooks::Pace { look: Duration::from_millis(50), timeout: Duration::from_secs(2), backoff };
    tokio::spawn(async move { drop(chuoi::webhooks::run(&database, &file, pace).await) })
}

async fn webhook(system: &System, name: &str) -> Webhook {
    let request = ListWebhooksRequest { include_removed: true, ..ListWebhooksRequest::default() };
    let rows = NoticeServiceClient::new(system.channel.clone()).list_webhooks(request).await.unwrap().into_inner().rows;
    rows.into_iter().find(|row| row.name == name).unwrap_or_default()
}

/// Gives so many notices, and says their keys.
async fn tell(system: &System, site: &str, count: usize) -> Vec<String> {
    let keys: Vec<String> = (0..count).map(|_| format!("discrepancy/{SHOP}/{}", Uuid::now_v7())).collect();
    let commands = keys.iter().map(|key| give(key, Uuid::now_v7(), site)).collect();
    for outcome in system.send_all(AUTHORITY, commands).await {
        assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
    }
    keys
}

/// A receiver that was away hears each notice at least once, in order, with an id; whatever stops, nothing is skipped, and nothing
/// begins anew. Its neighbours do not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_away_hears_each_notice_in_order_with_an_id() {
    let system = System::start().await;
    let (folder, address, inbox) = (tests::folder(), tests::free_address(), Inbox::default());
    let file = folder.path().join("webhooks.toml");
    let mut told = tell(&system, "SM1", 2).await;
    let everything = entry("a", address, &[OLD], "from = \"beginning\"");
    std::fs::write(&file, &everything).unwrap();
    let mut running = deliverer(&system, &file);
    told.extend(tell(&system, "SM1", 3).await);
    system.caught_up().await;

    // Nobody listens.
    let waits = async || {
        let state = webhook(&system, "a").await;
        state.failures_count >= 2 && state.behind_count == 5
    };
    until("two failures", waits).await;
    let state = webhook(&system, "a").await;
    assert_eq!((state.state(), state.behind_count, state.delivered_count), (WebhookState::Failing, 5, 0));
    assert!(state.problem.contains("refused"), "{state:?}");
    assert_eq!(state.url, format!("http://{address}"), "no secret is shown");

    // It listens, and is not ready: the first notice alone is tried.
    inbox.answer("a", 503);
    inbox.listen(address).await;
    until("attempts", async || inbox.attempts("a").len() >= 3).await;
    assert!(inbox.attempts("a").iter().all(|attempt| attempt.key == told[0]));
    assert!(webhook(&system, "a").await.problem.contains("503"));
    inbox.answer("a", 204);
    until("five notices", async || inbox.taken("a").len() >= 5).await;
    assert_eq!(inbox.taken("a"), told);
    for attempt in inbox.attempts("a") {
        assert_eq!(attempt.id, domain::id::CommandId::of_notice(&attempt.key).to_string());
        let [signature] = attempt.signatures.as_slice() else { panic!("one secret, one signature") };
        assert!(verifies(&attempt, signature, OLD) && !verifies(&attempt, signature, NEW));
    }

    // A neighbour that is new hears what is told from now on, of its sites alone; one that is away holds nobody up.
    let all = [
        everything.clone(),
        entry("b", address, &[OLD], "sites = [\"SM2\"]"),
        entry("c", tests::free_address(), &[OLD], "kinds = [\"discrepancy\"]"),
    ];
    std::fs::write(&file, all.concat()).unwrap();
    until("neighbours", async || webhook(&system, "c").await.state() != WebhookState::Unspecified).await;
    told.extend(tell(&system, "SM1", 1).await);
    let here = tell(&system, "SM2", 1).await;
    told.extend(here.clone());
    until("a neighbour's notice", async || inbox.taken("b").len() == 1 && inbox.taken("a").len() >= 7).await;
    assert_eq!((inbox.taken("a"), inbox.taken("b")), (told.clone(), here));
    assert_eq!(webhook(&system, "c").await.behind_count, 2);

    // Secrets rotate without a restart: both sign, then the new one alone.
    for (secrets, count) in [(&[NEW, OLD][..], 2), (&[NEW][..], 1)] {
        std::fs::write(&file, entry("a", address, secrets, "from = \"beginning\"")).unwrap();
        sleep(Duration::from_millis(300)).await;
        told.extend(tell(&system, "SM1", 1).await);
        until("a notice", async || inbox.taken("a").len() >= told.len()).await;
        let last = inbox.attempts("a").pop().unwrap();
        assert_eq!(last.signatures.len(), count);
        assert!(last.signatures.iter().zip(secrets).all(|(signature, secret)| verifies(&last, signature, secret)));
        assert_eq!(last.signatures.iter().any(|signature| verifies(&last, signature, OLD)), count == 2);
    }
    assert_eq!(webhook(&system, "b").await.state(), WebhookState::Removed);

    // Neither a restart nor tables that are built anew begin from the beginning.
    running.abort();
    told.extend(tell(&system, "SM1", 1).await);
    running = deliverer(&system, &file);
    until("a notice after the restart", async || inbox.taken("a").len() >= told.len()).await;
    views::rebuild(&system.journal, &system.database(), |_, _| {}).await.unwrap();
    told.extend(tell(&system, "SM1", 1).await);
    until("a notice after the rebuild", async || inbox.taken("a").len() >= told.len()).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(inbox.taken("a"), told);
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());

    // Whoever says that it is gone is left alone until its entry changes.
    inbox.answer("a", 410);
    let before = inbox.attempts("a").len();
    told.extend(tell(&system, "SM1", 2).await);
    until("it is gone", async || webhook(&system, "a").await.state() == WebhookState::Stopped).await;
    sleep(Duration::from_millis(700)).await;
    assert_eq!(inbox.attempts("a").len(), before + 1);
    inbox.answer("a", 200);
    std::fs::write(&file, entry("a", address, &[NEW, OLD], "from = \"beginning\"")).unwrap();
    until("the last notices", async || inbox.taken("a").len() >= told.len()).await;
    assert_eq!(inbox.taken("a"), told);
    running.abort();
}

/// Killed again and again while notices are given and while nobody can say whether an answer was heard: each is taken at least once,
/// first times in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_deliverer_that_is_killed_skips_nothing() {
    let system = System::start().await;
    let (folder, address, inbox) = (tests::folder(), tests::free_address(), Inbox::default());
    let file = folder.path().join("webhooks.toml");
    std::fs::write(&file, entry("a", address, &[OLD], "from = \"beginning\"")).unwrap();
    inbox.listen(address).await;
    let mut told = Vec::new();
    let mut running = deliverer(&system, &file);
    for round in 0..6 {
        inbox.answer("a", if round % 2 == 0 { 200 } else { 500 });
        told.extend(tell(&system, "SM1", 20).await);
        sleep(Duration::from_millis(150 + 37 * round)).await;
        running.abort();
        running = deliverer(&system, &file);
    }
    inbox.answer("a", 200);
    let first_times = || {
        let mut seen = BTreeSet::new();
        inbox.taken("a").into_iter().filter(|key| seen.insert(key.clone())).collect::<Vec<_>>()
    };
    until("every notice", async || first_times().len() >= told.len()).await;
    running.abort();
    assert_eq!(first_times(), told);
    println!("{} notices taken {} times", told.len(), inbox.taken("a").len());
}
