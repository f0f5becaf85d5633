//! Stock as of every moment and every position, and ledgers between any two days, held against a fold of the events up to there
//! that is written here, apart from the views and from the domain's ledgers.

use crate::book::*;
use crate::journal::Broker;
use crate::server::Server;
use domain::command::*;
use domain::event::{Event, Fact, WasteReason};
use domain::id::*;
use domain::posting::Place;
use domain::quantity::Milli;
use domain::refusal::CommandRef;
use domain::state::State;
use domain::time::{BusinessDay, Precision};
use jiff::Timestamp;
use std::collections::BTreeMap;
use stream::Position;
use tonic::Code;
use uuid::Uuid;
use views::database::Settings;
use views::{Projector, Writer, database};
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::*;

type Client = StockServiceClient<tonic::service::Routes>;

const FIRST_DAY: &str = "2026-11-21";
const LOTS: [&str; 3] = ["A", "B", "C"];
const SITES: [&str; 3] = ["F1", "S1", "S2"];

/// Numbers that look random and are the same for a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn of<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.below(among.len() as u64) as usize]
    }

    fn quantity(&mut self) -> i64 {
        (1 + self.below(20) as i64) * 500
    }

    /// Moments, bare dates and, for counts, edges of four days.
    fn when(&mut self, counts: bool) -> When {
        let day = day(FIRST_DAY).plus(self.below(4) as i32);
        let date = |part| Point::Date { day, part };
        let point = match (self.below(6), counts) {
            (0, true) => date(DayPart::BeforeOpening),
            (5, true) => date(DayPart::AfterClosing),
            (0 | 5, false) => date(DayPart::Unspecified),
            (slot, _) => Point::Moment {
                instant: format!("{day}T{:02}:00+07:00", 3 + 4 * slot).parse().unwrap(),
                utc_offset_minutes: Some(420),
            },
        };
        When { point, typed: None }
    }
}

fn named(code: &str) -> LotReference {
    LotReference::Named { issuer: "HTX1".into(), product: "RAU".into(), code: code.into() }
}

fn much(milli: i64) -> Quantity {
    Quantity { value: Milli(milli), unit: String::new(), typed: None }
}

fn line(code: &str, milli: i64) -> LotLine {
    LotLine { lot: named(code), quantity: much(milli) }
}

fn begins(code: &str) -> NewLot {
    NewLot { issuer: "HTX1".into(), product: "RAU".into(), code: code.into(), chain: "CH1".into(), expiry: None }
}

fn by(site: &str) -> &'static str {
    if site == "F1" { "HTX1" } else { "BLE1" }
}

/// Commands at random, decided as a recorder decides them: late, voided, corrected, counted, restated, known to the day only.
fn history(seed: u64, accepted: usize) -> Book {
    let mut book = Book::small();
    let mut state = State::begin(book.entries[0].entry.genesis.as_ref().unwrap()).unwrap();
    book.entries.iter().for_each(|numbered| state.evolve_entry(&numbered.entry));
    let first = book.entries.len();
    let now: Timestamp = "2026-11-25T12:00+07:00".parse().unwrap();
    let mut dice = Dice(seed);
    let mut said = 10_000;
    while book.entries.len() < first + accepted {
        said += 1;
        let (lot, site, milli) = (dice.of(&LOTS), dice.of(&SITES), dice.quantity());
        let shipment = dice.of(&["1", "2", "3", "4"]);
        let shop = if shipment == "1" || shipment == "2" { "S1" } else { "S2" };
        let carried = ShipmentReference::Named { issuer: "HTX1".into(), code: shipment.into() };
        let recorded: Vec<_> = book.entries[first..].iter().map(|numbered| &numbered.entry.commands[0]).collect();
        let (who, action) = match dice.below(20) {
            0..3 => ("HTX1", Action::Harvest(Harvest { site: "F1".into(), lot: begins(lot), quantity: much(milli * 6), plot: None })),
            3 => (by(site), Action::OpenLot(OpenLot { site: site.into(), lot: begins(lot), quantity: much(milli) })),
            4..7 => {
                let (code, lines) = (shipment.into(), vec![line(lot, milli)]);
                ("HTX1", Action::Dispatch(Dispatch { from: "F1".into(), to: shop.into(), code, lines, trip: None, sscc: None }))
            }
            7..10 => {
                let extent = Extent::Lines(vec![line(lot, milli)]);
                ("BLE1", Action::Receive(Receive { shipment: carried, site: shop.into(), extent }))
            }
            10 => {
                let (extent, reason) = (Extent::Lines(vec![line(lot, milli)]), domain::event::RefusalReason::Quality);
                ("BLE1", Action::RefuseDelivery(RefuseDelivery { shipment: carried, extent, reason, destroyed: said % 2 == 0 }))
            }
            11..13 => (by(site), Action::Sell(Sell { site: site.into(), goods: Goods::Lots(vec![line(lot, milli)]) })),
            13 => (by(site), Action::Sell(Sell { site: site.into(), goods: Goods::Product("RAU".into(), much(milli)) })),
            14 => {
                let lines = vec![line(lot, milli)];
                (by(site), Action::Waste(Waste { site: site.into(), lines, reason: WasteReason::Spoiled }))
            }
            15..17 => (by(site), Action::Count(Count { site: site.into(), goods: Goods::Lots(vec![line(lot, milli)]) })),
            17 => (by(site), Action::Count(Count { site: site.into(), goods: Goods::Product("RAU".into(), much(milli)) })),
            mends if !recorded.is_empty() => {
                let original = recorded[dice.below(recorded.len() as u64) as usize];
                let (command, reason) = (original.id, String::from("gõ nhầm"));
                let by = if original.organization.as_str() == "HTX1" { "HTX1" } else { "BLE1" };
                match &original.events[0].fact {
                    Fact::Sold(sold) if mends == 18 => {
                        let goods = Goods::Lots(vec![line(lot, milli)]);
                        let replacement = Box::new(Action::Sell(Sell { site: sold.site.to_string(), goods }));
                        (by, Action::Correct(Correct { command, reason, when: None, replacement }))
                    }
                    _ => (by, Action::Void(Void { command, reason })),
                }
            }
            _ => continue,
        };
        let mends = match &action {
            Action::Void(void) => Some(void.command),
            Action::Correct(correct) => Some(correct.command),
            _ => None,
        };
        let id = CommandId(Uuid::from_u128(said));
        let sent = Command {
            id,
            when: mends.is_none().then(|| dice.when(matches!(action, Action::Count(_)))),
            actor: String::new(),
            device: String::new(),
            client: String::new(),
            reported_fact: dice.below(2) == 0,
            note: String::new(),
            document: None,
            action,
        };
        let original = recorded.into_iter().find(|command| Some(command.id) == mends);
        let organization = organization(who);
        let context = Context { organization: &organization, now, original };
        let Ok(events) = decide(&state, &sent, &context) else { continue };
        let by = CommandRef { organization: organization.clone(), command: id };
        events.iter().for_each(|event| state.evolve(&by, event));
        book.enter(None, vec![command(who, id, events)]);
    }
    book
}

/// A moment in the world.
#[derive(Clone, Copy, Debug)]
enum Moment {
    BeforeOpening(BusinessDay),
    At(BusinessDay, Timestamp),
    EndOf(BusinessDay),
}

impl Moment {
    /// Whether one side of an event's posting lies at it or before.
    fn is_past(self, event: &Event, incoming: bool) -> bool {
        let time = &event.time;
        match self {
            Moment::EndOf(day) => time.business_day <= day,
            Moment::BeforeOpening(day) if time.business_day == day => time.precision == Precision::BeforeOpening,
            Moment::At(day, instant) if time.business_day == day => match time.precision {
                Precision::BeforeOpening => true,
                Precision::Day => incoming, // Goods came in before they went out.
                Precision::Moment => time.instant <= instant,
                Precision::AfterClosing => false,
            },
            Moment::BeforeOpening(day) | Moment::At(day, _) => time.business_day < day,
        }
    }

    fn message(self, position: String) -> AsOf {
        match self {
            Moment::BeforeOpening(day) => {
                AsOf { date: day.to_string(), day_edge: DayEdge::BeforeOpening.into(), position, time: None }
            }
            Moment::EndOf(day) => AsOf { date: day.to_string(), day_edge: DayEdge::AfterClosing.into(), position, time: None },
            Moment::At(_, instant) => {
                let time = prost_types::Timestamp { seconds: instant.as_second(), nanos: instant.subsec_nanosecond() };
                AsOf { time: Some(time), position, ..Default::default() }
            }
        }
    }
}

type Held = BTreeMap<(String, String), i64>;

/// What sites hold of lots by the events of these entries that lie at a moment or before.
fn folded(book: &Book, entries: usize, moment: Option<Moment>) -> Held {
    fn take(event: &Event, sign: i64, moment: Option<Moment>, held: &mut Held) {
        if let Fact::Voided(voided) | Fact::Corrected(voided) = &event.fact {
            return voided.originals.iter().for_each(|original| take(original, -sign, moment, held));
        }
        for posting in event.postings() {
            for (place, change, incoming) in [(&posting.from, -1, false), (&posting.to, 1, true)] {
                if let Place::Site(site) = place
                    && moment.is_none_or(|moment| moment.is_past(event, incoming))
                {
                    let key = (site.to_string(), posting.lot.0.to_string());
                    *held.entry(key).or_default() += sign * change * posting.quantity.0;
                }
            }
        }
    }
    let mut held = Held::new();
    let commands = book.entries[..entries].iter().flat_map(|numbered| &numbered.entry.commands);
    commands.flat_map(|command| &command.events).for_each(|event| take(event, 1, moment, &mut held));
    held.retain(|_, held| *held != 0);
    held
}

fn moments() -> Vec<Moment> {
    let days = (0..4).map(|later| day(FIRST_DAY).plus(later));
    days.flat_map(|day| {
        let at = |text: &str| Moment::At(day, format!("{day}T{text}+07:00").parse().unwrap());
        let inside = ["00:00", "06:59:59.999999", "07:00", "11:00", "14:30", "15:00", "19:00", "23:59:59"].map(at);
        [Moment::BeforeOpening(day)].into_iter().chain(inside).chain([Moment::EndOf(day)])
    })
    .collect()
}

async fn held(client: &mut Client, as_of: AsOf) -> (Held, QueryStockResponse) {
    let group_by = vec![StockKey::Site.into(), StockKey::Lot.into()];
    let request = QueryStockRequest { group_by, page_size: 5_000, as_of: Some(as_of), ..Default::default() };
    let answer = client.query_stock(request).await.unwrap().into_inner();
    let rows = answer.rows.iter().map(|row| ((row.site_code.clone(), row.lot_id.clone()), row.quantity_milli));
    (rows.collect(), answer)
}

fn position(entries: usize) -> String {
    Position::new(JOURNAL, entries as u64).to_string()
}

async fn serve(settings: &Settings, book: &Book) -> Client {
    Writer::open(settings).await.unwrap().apply(&book.entries).await.unwrap();
    StockServiceClient::new(views::services(database::connect(settings).unwrap()))
}

#[tokio::test]
async fn stock_as_of_every_moment_and_every_position_is_a_fold_of_the_events_up_to_there() {
    let server = Server::start().await;
    let (mut below, mut adjusted, mut reversed) = (0, 0, 0);
    for (seed, every) in [(1, 1), (2, 7), (3, 7), (4, 7), (5, 7)] {
        let book = history(seed, 60);
        let events = book.entries.iter().flat_map(|it| &it.entry.commands).flat_map(|command| &command.events);
        for event in events {
            adjusted += usize::from(matches!(event.fact, Fact::CountRestated(_)));
            reversed += usize::from(matches!(event.fact, Fact::Voided(_) | Fact::Corrected(_)));
        }
        let mut client = serve(&server.tables(&format!("seed{seed}")).await, &book).await;
        let last = book.entries.len();
        for entries in (1..=last).rev().step_by(every) {
            let (seen, answer) = held(&mut client, AsOf { position: position(entries), ..Default::default() }).await;
            assert_eq!(seen, folded(&book, entries, None), "seed {seed}, entry {entries}");
            assert_eq!(answer.as_of, Some(AsOf { position: position(entries), ..Default::default() }));
            for moment in moments() {
                let as_of = moment.message(position(entries));
                let (seen, answer) = held(&mut client, as_of.clone()).await;
                assert_eq!(seen, folded(&book, entries, Some(moment)), "seed {seed}, entry {entries}, {moment:?}");
                assert_eq!(answer.as_of, Some(as_of), "the answer says as of what it is");
                assert_eq!(answer.totals.iter().map(|total| total.quantity_milli).sum::<i64>(), seen.values().sum::<i64>());
                match moment {
                    Moment::EndOf(_) => assert!(seen.values().all(|held| *held > 0), "seed {seed}, {entries}, {moment:?}: {seen:?}"),
                    _ => below += seen.values().filter(|held| **held < 0).count(),
                }
            }
        }
        for moment in moments() {
            let (seen, answer) = held(&mut client, moment.message(String::new())).await;
            assert_eq!(seen, folded(&book, last, Some(moment)), "seed {seed}, {moment:?}");
            assert_eq!(answer.as_of, Some(moment.message(answer.position)));
        }
    }
    assert!(below > 0 && adjusted > 5 && reversed > 10, "the histories hold what is hard: {below} {adjusted} {reversed}");
}
