//! Watches: whoever watches sees each change once and in the journal's order, however often the watch breaks off and however slowly
//! it is read.

use crate::system::*;
use domain::posting::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use stream::Position;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Response, Status, Streaming};
use uuid::Uuid;
use wire::proto::chuoi::record::v1::*;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::*;
use wire::proto::chuoi::trace::v1::trace_service_client::TraceServiceClient;
use wire::proto::chuoi::trace::v1::*;

/// How long a watcher is away.
const AWAY: Duration = Duration::from_secs(2);
/// How long it watches each time.
const WATCHED: Duration = Duration::from_secs(1);

/// A command as the journal holds it: what it changed of each lot's balance at each site and on each shipment.
#[derive(Debug)]
struct Recorded {
    sequence: u64,
    command: Uuid,
    /// Numbers and kinds of its events, those of the registry left out.
    events: Vec<(u32, &'static str)>,
    changes: BTreeMap<(Place, Uuid), i64>,
}

async fn journal(system: &System) -> Vec<Recorded> {
    let last = system.journal.last_sequence().await.unwrap();
    let mut reader = system.journal.read_from(None);
    let mut all = Vec::new();
    while reader.tip().is_none_or(|tip| tip.last_seen < last) {
        for live in reader.next(1_000, Duration::from_secs(5)).await.unwrap() {
            let mut ordinal = 0..;
            for command in wire::entry::read(&live.entry).unwrap().commands {
                let mut recorded =
                    Recorded { sequence: live.tip.sequence, command: command.id.0, events: Vec::new(), changes: BTreeMap::new() };
                for (event, ordinal) in command.events.iter().zip(&mut ordinal) {
                    if !matches!(event.fact, domain::event::Fact::Registered(_)) {
                        recorded.events.push((ordinal, event.fact.name()));
                    }
                    for posting in event.postings() {
                        *recorded.changes.entry((posting.from.clone(), posting.lot.0)).or_default() -= posting.quantity.0;
                        *recorded.changes.entry((posting.to.clone(), posting.lot.0)).or_default() += posting.quantity.0;
                    }
                }
                recorded.changes.retain(|(place, _), change| *change != 0 && !matches!(place, Place::Outside(_)));
                all.push(recorded);
            }
        }
    }
    all
}

/// What a watch tells.
trait Told: Debug + Send + 'static {
    fn position(&self) -> &str;
}
impl Told for WatchEventsResponse {
    fn position(&self) -> &str {
        &self.position
    }
}
impl Told for WatchStockResponse {
    fn position(&self) -> &str {
        &self.position
    }
}
impl Told for WatchShipmentsResponse {
    fn position(&self) -> &str {
        &self.position
    }
}

/// Watches so long, then hangs up.
async fn watch<M, F>(position: &mut String, told: &mut Vec<M>, duration: Duration, call: impl FnOnce(String) -> F)
where
    M: Told,
    F: Future<Output = Result<Response<Streaming<M>>, Status>>,
{
    let until = Instant::now() + duration;
    let mut messages = call(position.clone()).await.unwrap().into_inner();
    while let Ok(message) = tokio::time::timeout_at(until, messages.message()).await {
        let message = message.unwrap().expect("a watch has no end");
        *position = message.position().to_owned();
        told.push(message);
    }
}

/// Watches until a sequence is reached.
async fn watch_to<M, F>(position: &mut String, told: &mut Vec<M>, sequence: u64, call: impl FnOnce(String) -> F)
where
    M: Told,
    F: Future<Output = Result<Response<Streaming<M>>, Status>>,
{
    let mut messages = call(position.clone()).await.unwrap().into_inner();
    let reached =
        |position: &str| position.parse::<Position>().is_ok_and(|at| at.sequence() >= sequence && at.ordinal().is_none());
    while !reached(position) {
        let message = timeout(Duration::from_secs(30), messages.message()).await.expect("a message in time");
        let message = message.unwrap().expect("a watch has no end");
        *position = message.position().to_owned();
        told.push(message);
    }
}

async fn events(system: &System, after: String) -> Result<Response<Streaming<WatchEventsResponse>>, Status> {
    let request = WatchEventsRequest { after_position: after, ..Default::default() };
    TraceServiceClient::new(system.channel.clone()).watch_events(request).await
}

async fn stock(system: &System, after: String) -> Result<Response<Streaming<WatchStockResponse>>, Status> {
    let request = WatchStockRequest { after_position: after, ..Default::default() };
    StockServiceClient::new(system.channel.clone()).watch_stock(request).await
}

async fn shipments(system: &System, after: String) -> Result<Response<Streaming<WatchShipmentsResponse>>, Status> {
    let request = WatchShipmentsRequest { after_position: after, ..Default::default() };
    StockServiceClient::new(system.channel.clone()).watch_shipments(request).await
}

/// Trade without a pause: each round is harvested, sent, received, sold, and some of it voided.
async fn trade(system: &System, stop: &AtomicBool) {
    static ROUND: AtomicU32 = AtomicU32::new(0);
    while !stop.load(Ordering::SeqCst) {
        let round = ROUND.fetch_add(1, Ordering::SeqCst);
        let lots: Vec<String> = (0..40).map(|n| format!("R{round}-{n}")).collect();
        let all = |of: &dyn Fn(&String) -> Command| lots.iter().map(of).collect::<Vec<_>>();
        system.send_all(COOP, all(&|lot| command("2026-11-20 06:00", harvest(lot, 9_000)))).await;
        let sent: Vec<(&str, i64)> = lots.iter().map(|lot| (lot.as_str(), 6_000)).collect();
        let (first, second) = sent.split_at(20);
        let (one, other) = (format!("P{round}-1"), format!("P{round}-2"));
        let dispatches = vec![
            command("2026-11-20 20:00", dispatch(&one, "SM1", first)),
            command("2026-11-20 20:00", dispatch(&other, "SM2", second)),
        ];
        let dispatched = system.send_all(COOP, dispatches).await;
        let receipts = vec![
            command("2026-11-21 05:00", receive(&one, &[])),
            command("2026-11-21 05:00", receive(&other, &[(second[0].0, 2_000)])),
        ];
        system.send_all(SHOP, receipts).await;
        system.send_all(SHOP, all(&|lot| command("2026-11-21 09:00", sell("SM1", &[(lot, 6_000)])))).await;
        system.send(SHOP, reported(command("2026-11-21 10:00", sell("SM1", &[(&lots[0], 500)])))).await;
        let void = Void { command_id: dispatched[1].command_id.clone(), reason: "never left".into() };
        system.send(COOP, command("2026-11-21 11:00", record_action(void))).await;
    }
}

fn record_action(void: Void) -> command::Action {
    command::Action::Void(void)
}

fn place(text: &str) -> (u64, Option<u32>) {
    let position: Position = text.parse().unwrap();
    (position.sequence(), position.ordinal())
}

/// The events that were told are those of the journal after a sequence.
fn are_events(told: &[WatchEventsResponse], journal: &[Recorded], after: u64) {
    let heard = told.iter().filter_map(|message| {
        let event = message.event.as_ref()?;
        Some((place(&message.position), event.command_id.parse().unwrap(), event.kind().as_str_name().replace("EVENT_KIND_", "")))
    });
    let heard: Vec<((u64, Option<u32>), Uuid, String)> = heard.collect();
    let written = journal.iter().filter(|recorded| recorded.sequence > after).flat_map(|recorded| {
        let event = |(ordinal, kind): &(u32, &'static str)| {
            let kind = kind.char_indices().map(|(at, letter)| match letter.is_ascii_uppercase() && at > 0 {
                true => format!("_{letter}"),
                false => letter.to_ascii_uppercase().to_string(),
            });
            ((recorded.sequence, Some(*ordinal)), recorded.command, kind.collect::<String>())
        };
        recorded.events.iter().map(event).collect::<Vec<_>>()
    });
    let written: Vec<_> = written.collect();
    equal(&heard, &written);
    for message in told.iter().filter(|message| message.event.as_ref().is_some_and(|event| event.kind() == EventKind::Sold)) {
        assert_eq!(message.lots[0].movements[0].to_outside(), OutsideReason::Sold, "{message:?}");
    }
}

/// The first difference tells more than two long lists.
fn equal<T: PartialEq + Debug>(heard: &[T], written: &[T]) {
    for (index, (heard, written)) in heard.iter().zip(written).enumerate() {
        assert_eq!(heard, written, "number {index}");
    }
    assert_eq!(heard.len(), written.len());
}

type Change = (u64, Uuid, String, Uuid, i64, i64);

/// What the journal changed at places after a sequence: by command, place and lot, with the balance after it.
fn changes(journal: &[Recorded], after: u64, named: impl Fn(&Place) -> Option<String>) -> Vec<Change> {
    let mut balances: BTreeMap<(String, Uuid), i64> = BTreeMap::new();
    let mut all = Vec::new();
    for recorded in journal {
        let mut of_command = BTreeMap::new();
        for ((place, lot), change) in &recorded.changes {
            let Some(name) = named(place) else { continue };
            let balance = balances.entry((name.clone(), *lot)).or_default();
            *balance += change;
            of_command.insert((name, *lot), (*change, *balance));
        }
        if recorded.sequence > after {
            all.extend(
                of_command
                    .into_iter()
                    .map(|((name, lot), (change, balance))| (recorded.sequence, recorded.command, name, lot, change, balance)),
            );
        }
    }
    all
}

fn site(place: &Place) -> Option<String> {
    if let Place::Site(site) = place { Some(site.to_string()) } else { None }
}

fn are_stock(told: &[WatchStockResponse], journal: &[Recorded], after: u64) {
    let heard = told.iter().filter(|message| !message.at_beginning).flat_map(|message| {
        message.balances.iter().map(|balance| {
            let (command, lot) = (message.command_id.parse().unwrap(), balance.lot_id.parse().unwrap());
            let (change, quantity) = (balance.change_milli, balance.quantity_milli);
            (place(&message.position).0, command, balance.site_code.clone(), lot, change, quantity)
        })
    });
    equal(&heard.collect::<Vec<Change>>(), &changes(journal, after, site));
}

fn are_shipments(told: &[WatchShipmentsResponse], journal: &[Recorded], after: u64) {
    let heard = told.iter().flat_map(|message| {
        message.changes.iter().flat_map(move |change| {
            let id = change.shipment.as_ref().unwrap().shipment_id.clone();
            let of = move |line: &ShipmentLineChange| {
                let (command, lot) = (message.command_id.parse().unwrap(), line.lot_id.parse().unwrap());
                (place(&message.position).0, command, id.clone(), lot, line.change_milli, line.open_milli)
            };
            change.lines.iter().map(of)
        })
    });
    let shipment = |place: &Place| if let Place::Shipment(shipment) = place { Some(shipment.to_string()) } else { None };
    equal(&heard.collect::<Vec<Change>>(), &changes(journal, after, shipment));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_was_away_under_load_sees_each_change_once_and_in_order() {
    let system = System::start().await;
    system.caught_up().await;
    let begun = system.journal.last_sequence().await.unwrap();
    let from = system.journal.position(begun).to_string();
    let stop = AtomicBool::new(false);
    let (mut seen, mut held, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = [from.clone(), from.clone(), from];
    let watching = async {
        for _ in 0..3 {
            let [one, two, three] = &mut at;
            tokio::join!(
                watch(one, &mut seen, WATCHED, |after| events(&system, after)),
                watch(two, &mut held, WATCHED, |after| stock(&system, after)),
                watch(three, &mut sent, WATCHED, |after| shipments(&system, after)),
            );
            // What was told last may not have been heard: whoever stopped anywhere within an entry goes on there.
            seen.truncate(seen.len() - 7);
            one.clone_from(&seen.last().unwrap().position);
            sleep(AWAY).await;
        }
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(trade(&system, &stop), watching);
    let last = system.journal.last_sequence().await.unwrap();
    let [one, two, three] = &mut at;
    tokio::join!(
        watch_to(one, &mut seen, last, |after| events(&system, after)),
        watch_to(two, &mut held, last, |after| stock(&system, after)),
        watch_to(three, &mut sent, last, |after| shipments(&system, after)),
    );
    let journal = journal(&system).await;
    are_events(&seen, &journal, begun);
    are_stock(&held, &journal, begun);
    are_shipments(&sent, &journal, begun);
    println!("{} events of {} commands, each once and in order", seen.len(), journal.len());
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_sleeps_while_thousands_of_events_arrive_misses_none() {
    let system = System::start().await;
    system.caught_up().await;
    let begun = system.journal.last_sequence().await.unwrap();
    let from = system.journal.position(begun).to_string();
    let mut asleep = events(&system, from).await.unwrap().into_inner();
    for round in 0..8 {
        let commands = (0..1_000).map(|n| command("2026-11-20 06:00", harvest(&format!("S{round}-{n}"), 1_000))).collect();
        system.send_all(COOP, commands).await;
    }
    system.caught_up().await;
    let mut told = Vec::new();
    while told.iter().filter(|message: &&WatchEventsResponse| message.event.is_some()).count() < 8_000 {
        told.push(timeout(Duration::from_secs(30), asleep.message()).await.unwrap().unwrap().unwrap());
    }
    are_events(&told, &journal(&system).await, begun);
}

#[tokio::test(flavor = "multi_thread")]
async fn balances_at_the_beginning_are_those_of_its_position_while_trade_goes_on() {
    let system = System::start().await;
    let old: Vec<String> = (0..1_200).map(|n| format!("B{n}")).collect();
    for some in old.chunks(600) {
        let commands = some.iter().map(|lot| command("2026-11-20", open("SM1", lot, 1_000))).collect();
        system.send_all(SHOP, commands).await;
    }
    system.caught_up().await;
    let stop = AtomicBool::new(false);
    let (mut position, mut told) = (String::new(), Vec::new());
    let watching = async {
        let mut messages = stock(&system, String::new()).await.unwrap().into_inner();
        loop {
            let message = messages.message().await.unwrap().unwrap();
            position.clone_from(&message.position);
            let begun = !message.at_beginning;
            told.push(message);
            if begun {
                break;
            }
            // Between its pages everything that is still to come is sold.
            let sales =
                old.iter().rev().take(1_000).map(|lot| command("2026-11-21 09:00", sell("SM1", &[(lot, 1_000)]))).collect();
            system.send_all(SHOP, sales).await;
        }
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(trade(&system, &stop), watching);
    let (begun, within) = place(&position);
    assert_eq!(within, None, "the first message after the beginning says where it was: {:?}", told.last());
    let last = system.journal.last_sequence().await.unwrap();
    watch_to(&mut position, &mut told, last, |after| stock(&system, after)).await;
    let journal = journal(&system).await;
    let mut balances: BTreeMap<(String, Uuid), i64> = BTreeMap::new();
    for recorded in journal.iter().filter(|recorded| recorded.sequence <= begun) {
        for ((place, lot), change) in &recorded.changes {
            if let Some(site) = site(place) {
                *balances.entry((site, *lot)).or_default() += change;
            }
        }
    }
    balances.retain(|_, balance| *balance != 0);
    let first = told.iter().filter(|message| message.at_beginning).flat_map(|message| &message.balances);
    let first: Vec<_> = first.map(|held| ((held.site_code.clone(), held.lot_id.parse().unwrap()), held.quantity_milli)).collect();
    assert!(first.len() > 1_000, "more than one page: {}", first.len());
    assert_eq!(first.len(), first.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len(), "each once");
    assert_eq!(first.into_iter().collect::<BTreeMap<_, _>>(), balances);
    are_stock(&told, &journal, begun);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_through_rebuilds_and_restarts_of_postgresql() {
    let system = System::with_own_postgresql().await;
    system.caught_up().await;
    let begun = system.journal.last_sequence().await.unwrap();
    let from = system.journal.position(begun).to_string();
    let mut seen = events(&system, from.clone()).await.unwrap().into_inner();
    let mut held = stock(&system, from).await.unwrap().into_inner();
    let stop = AtomicBool::new(false);
    let trouble = async {
        for _ in 0..3 {
            views::rebuild(&system.journal, &system.database(), |_, _| {}).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
        let postgres = system.postgres.as_ref().unwrap();
        postgres.stop().await;
        postgres.start_again().await;
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(trade(&system, &stop), trouble);
    let last = system.journal.last_sequence().await.unwrap();
    let (mut told_events, mut told_stock) = (Vec::new(), Vec::new());
    let whole = |position: &str| place(position).0 >= last && place(position).1.is_none();
    while told_events.last().is_none_or(|message: &WatchEventsResponse| !whole(&message.position)) {
        told_events.push(timeout(Duration::from_secs(30), seen.message()).await.unwrap().unwrap().unwrap());
    }
    while told_stock.last().is_none_or(|message: &WatchStockResponse| !whole(&message.position)) {
        told_stock.push(timeout(Duration::from_secs(30), held.message()).await.unwrap().unwrap().unwrap());
    }
    let journal = journal(&system).await;
    are_events(&told_events, &journal, begun);
    are_stock(&told_stock, &journal, begun);
}

#[tokio::test(flavor = "multi_thread")]
#[rustfmt::skip] // Columns.
async fn a_watch_takes_what_its_filter_takes() {
    use EventKind::*;
    let system = System::start().await;
    system.record(COOP, "2026-11-20 06:00", harvest("L1", 9_000)).await;
    system.record(COOP, "2026-11-20 06:00", harvest("L2", 9_000)).await;
    let sent = system.record(COOP, "2026-11-20 20:00", dispatch("P1", "SM1", &[("L1", 2_000), ("L2", 2_000)])).await;
    system.record(COOP, "2026-11-20 20:00", dispatch("P2", "SM2", &[("L2", 3_000)])).await;
    system.record(SHOP, "2026-11-21 05:00", receive("P2", &[])).await;
    let void = Void { command_id: sent.command_id, reason: "never left".into() };
    let last = system.record(COOP, "2026-11-21 06:00", record_action(void)).await;
    system.caught_up().await;
    let (all, text) = (WatchEventsRequest { from_beginning: true, ..Default::default() }, |text: &str| vec![text.to_owned()]);
    for (request, expected) in [
        (all.clone(),                                                                              &[Harvested, Harvested, Dispatched, Dispatched, Received, Voided][..]),
        (WatchEventsRequest { kinds: vec![Received.into(), Voided.into()], ..all.clone() },        &[Received, Voided]),
        (WatchEventsRequest { sites: text("fa1"), ..all.clone() },                                 &[Harvested, Harvested, Dispatched, Dispatched, Voided]),
        (WatchEventsRequest { sites: text("SM1"), ..all.clone() },                                 &[Dispatched]),
        (WatchEventsRequest { lots: text("L1"), ..all.clone() },                                   &[Harvested, Dispatched, Voided]),
        (WatchEventsRequest { organizations: text(SHOP), ..all.clone() },                          &[Received]),
        (WatchEventsRequest { chains: text("CH1"), products: text("PK1"), ..all.clone() },         &[Harvested, Harvested, Dispatched, Dispatched, Received, Voided]),
        (WatchEventsRequest { lots: text("L1"), kinds: vec![Dispatched.into()], ..all.clone() },   &[Dispatched]),
        (WatchEventsRequest { lots: text("not yet"), ..all.clone() },                              &[]),
        (WatchEventsRequest { after_position: last.position.clone(), ..all.clone() },              &[]),
    ] {
        let mut messages = TraceServiceClient::new(system.channel.clone()).watch_events(request.clone()).await.unwrap().into_inner();
        let mut kinds = Vec::new();
        loop {
            let message = messages.message().await.unwrap().unwrap();
            match &message.event {
                Some(event) => kinds.push(event.kind()),
                None => if place(&message.position) == place(&last.position) { break },
            }
        }
        assert_eq!(kinds, expected, "{request:?}");
    }
    let shipped = |to: &str, from: &str, by: &str| {
        let some = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
        WatchShipmentsRequest { to_sites: some(to), from_sites: some(from), organizations: some(by), from_beginning: true, ..Default::default() }
    };
    // to, from, organization: code, change and what is open after it, of each line
    for (request, expected) in [
        (shipped("SM2", "", ""),  &[("P2", 3_000, 3_000), ("P2", -3_000, 0)][..]),
        (shipped("", "SM2", ""),  &[]),
        (shipped("SM1", "FA1", SHOP), &[("P1", 2_000, 2_000), ("P1", 2_000, 2_000), ("P1", -2_000, 0), ("P1", -2_000, 0)]),
    ] {
        let mut messages = StockServiceClient::new(system.channel.clone()).watch_shipments(request.clone()).await.unwrap().into_inner();
        let mut told = Vec::new();
        loop {
            let message = messages.message().await.unwrap().unwrap();
            if message.changes.is_empty() && place(&message.position) == place(&last.position) { break }
            for change in message.changes {
                let shipment = change.shipment.unwrap();
                assert_eq!(shipment.lines.len(), change.lines.len());
                told.extend(change.lines.iter().map(|line| (shipment.shipment_code.clone(), line.change_milli, line.open_milli)));
            }
        }
        let told: Vec<_> = told.iter().map(|(code, change, open)| (code.as_str(), *change, *open)).collect();
        assert_eq!(told, expected, "{request:?}");
    }
    // A receipt whose dispatch nobody knows, and its void, change a shipment although nothing was ever on its way.
    let reference = ShipmentReference { issuer: COOP.into(), shipment_code: "P9".into(), ..ShipmentReference::default() };
    let receive = Receive { shipment: Some(reference), site: "SM1".into(), lines: lines(&[("L1", 500)]), ..Receive::default() };
    let arrived = system.send(SHOP, reported(command("2026-11-21 07:00", command::Action::Receive(receive)))).await.recorded.unwrap();
    let void = Void { command_id: arrived.command_id, reason: "of somebody else".into() };
    let last = system.record(SHOP, "2026-11-21 08:00", record_action(void)).await;
    system.caught_up().await;
    let mut messages = StockServiceClient::new(system.channel.clone()).watch_shipments(shipped("SM1", "", "")).await.unwrap().into_inner();
    let mut told = Vec::new();
    loop {
        let message = messages.message().await.unwrap().unwrap();
        if message.changes.is_empty() && place(&message.position) == place(&last.position) { break }
        told.extend(message.changes.into_iter().filter_map(|change| change.shipment).map(|it| (it.shipment_code, message.command_id.clone())));
    }
    let of: Vec<_> = told.iter().filter(|(code, _)| code == "P9").map(|(_, command)| command.as_str()).collect();
    assert_eq!(of.len(), 2, "{told:?}");
    assert_eq!(of[1], last.command_id);
    // What cannot be watched.
    for (request, said) in [
        (WatchEventsRequest { after_position: "yesterday".into(), ..all.clone() },                             "after_position"),
        (WatchEventsRequest { after_position: Position::new(Uuid::nil(), 1).to_string(), ..all.clone() },      "after_position"),
        (WatchEventsRequest { kinds: vec![99], ..all.clone() },                                                "kinds"),
        (WatchEventsRequest { sites: text("SM9"), ..all.clone() },                                             "SM9"),
    ] {
        let status = TraceServiceClient::new(system.channel.clone()).watch_events(request).await.unwrap_err();
        assert!(status.message().contains(said), "{status:?}");
    }
}
