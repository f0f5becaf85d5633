//! Stock as of every moment and every position, and ledgers between any two days, held against a fold of the events up to there
//! that is written here, apart from the views and from the domain's ledgers.

use crate::book::*;
use crate::following::{Running, reaches};
use crate::journal::Broker;
use crate::server::Server;
use domain::command::*;
use domain::event::{Event, Fact, WasteReason};
use domain::id::*;
use domain::posting::Place;
use domain::quantity::Milli;
use domain::state::State;
use domain::time::{BusinessDay, Precision};
use jiff::Timestamp;
use std::collections::BTreeMap;
use stream::Position;
use tonic::Code;
use uuid::Uuid;
use views::database::Settings;
use views::{Writer, database};
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
    Quantity { value: Milli(milli), unit: String::new(), typed: None, catch: None }
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
pub fn history(seed: u64, accepted: usize) -> Book {
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
            0..3 => (
                "HTX1",
                Action::Harvest(Harvest {
                    site: "F1".into(),
                    lot: begins(lot),
                    quantity: much(milli * 6),
                    plot: None,
                    households: vec![],
                }),
            ),
            3 => (by(site), Action::OpenLot(OpenLot { site: site.into(), lot: begins(lot), quantity: much(milli) })),
            4..7 => {
                let (code, lines) = (shipment.into(), vec![line(lot, milli)]);
                (
                    "HTX1",
                    Action::Dispatch(Dispatch {
                        from: "F1".into(),
                        to: shop.into(),
                        code,
                        lines,
                        trip: None,
                        sscc: None,
                        is_consignment: false,
                        order: None,
                    }),
                )
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
        let Ok(Decision { events, after }) = decide(&state, &sent, &context) else { continue };
        state = after;
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
                    Moment::EndOf(_) => {
                        assert!(seen.values().all(|held| *held > 0), "seed {seed}, {entries}, {moment:?}: {seen:?}")
                    }
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

/// A lot's or a site's part of what is held.
fn of(held: &Held, site: &str, lot: &str) -> i64 {
    held.iter().filter(|((at, of), _)| at == site && (lot.is_empty() || of == lot)).map(|(_, held)| held).sum()
}

async fn ledgers(client: &mut Client, mut request: QueryLedgerRequest) -> Vec<Ledger> {
    let mut all: Vec<Ledger> = Vec::new();
    loop {
        let page = client.query_ledger(request.clone()).await.unwrap().into_inner();
        for ledger in page.ledgers {
            match all.last_mut().filter(|last| last.site_code == ledger.site_code) {
                Some(last) => {
                    assert_eq!(Ledger { moves: vec![], ..last.clone() }, Ledger { moves: vec![], ..ledger.clone() });
                    last.moves.extend(ledger.moves);
                }
                None => all.push(ledger),
            }
        }
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all;
        }
    }
}

#[tokio::test]
async fn opening_and_moves_make_closing_for_every_range() {
    let server = Server::start().await;
    let (mut dips, mut pairs) = (0, 0);
    for seed in [6, 7, 8] {
        let book = history(seed, 60);
        let mut client = serve(&server.tables(&format!("seed{seed}")).await, &book).await;
        for entries in [book.entries.len(), book.entries.len() - 20] {
            let end = |day: BusinessDay| folded(&book, entries, Some(Moment::EndOf(day)));
            let first = day(FIRST_DAY).plus(-1);
            for (from, to) in (0..6).flat_map(|from| (from..6).map(move |to| (first.plus(from), first.plus(to)))) {
                let request = QueryLedgerRequest {
                    filter: Some(StockFilter { products: vec!["RAU".into()], ..Default::default() }),
                    from_date: from.to_string(),
                    to_date: to.to_string(),
                    as_of_position: position(entries),
                    ..Default::default()
                };
                let seen = ledgers(&mut client, request.clone()).await;
                let paged = ledgers(&mut client, QueryLedgerRequest { page_size: 3, ..request.clone() }).await;
                assert_eq!(paged, seen, "seed {seed}, {from} to {to}");
                let (opening, closing) = (end(from.plus(-1)), end(to));
                for site in SITES {
                    let none = Ledger { site_code: site.into(), ..Default::default() };
                    let ledger = seen.iter().find(|ledger| ledger.site_code == site).unwrap_or(&none);
                    let said = format!("seed {seed}, {entries} entries, {site} from {from} to {to}: {ledger:#?}");
                    assert_eq!(ledger.opening_milli, of(&opening, site, ""), "{said}");
                    assert_eq!(ledger.closing_milli, of(&closing, site, ""), "{said}");
                    assert_eq!(ledger.opening_milli + ledger.in_milli - ledger.out_milli, ledger.closing_milli, "{said}");
                    let mut balance = ledger.opening_milli;
                    let mut lots: BTreeMap<&str, i64> = BTreeMap::new();
                    for moved in &ledger.moves {
                        balance += moved.in_milli - moved.out_milli;
                        assert_eq!(moved.balance_milli, balance, "{said}");
                        let lot = lots.entry(&moved.lot_id).or_insert(of(&opening, site, &moved.lot_id));
                        *lot += moved.in_milli - moved.out_milli;
                        assert_eq!(moved.lot_balance_milli, *lot, "{said}");
                        assert_eq!(moved.in_milli + moved.out_milli < 0, moved.is_reversal, "{said}");
                        dips += usize::from(moved.below_zero);
                        pairs += usize::from(moved.voided || moved.corrected);
                    }
                    assert_eq!(balance, ledger.closing_milli, "{said}");
                    lots.iter().for_each(|(lot, held)| assert_eq!(*held, of(&closing, site, lot), "{said}"));
                    let order: Vec<_> = ledger.moves.iter().map(|moved| &moved.business_date).collect();
                    assert!(order.is_sorted(), "{said}");
                }
            }
        }
    }
    assert!(dips > 0 && pairs > 0, "the histories hold what is hard: {dips} {pairs}");
}

/// A day at a shop, in every way in which time can be known.
fn busy_day() -> Book {
    let mut book = Book::small();
    let a = lot("A", "RAU");
    let on = |book: &Book, precision| book.calendar.day_time(day("2026-11-20"), precision, None);
    let (opening, closing) = (on(&book, Precision::BeforeOpening), on(&book, Precision::AfterClosing));
    let (eight, nine, noon) =
        (book.at("2026-11-20T08:00+07:00"), book.at("2026-11-20T09:00+07:00"), book.at("2026-11-20T12:00+07:00"));
    let (yesterday, today) = (book.on("2026-11-19"), book.on("2026-11-20"));
    book.say("BLE1", &yesterday, opened(&a, "S1", 10_000)); // Entry 3.
    book.say("BLE1", &opening, counted("S1", &a, 10_000, 9_000)); // 4
    book.say("BLE1", &noon, counted("S1", &a, 9_000, 9_500)); // 5
    book.say("HTX1", &yesterday, harvested(&a, "F1", 100_000)); // 6
    book.say("HTX1", &yesterday, dispatched("1", "F1", "S1", &[(&a, 20_000)])); // 7
    let event = |time: &domain::time::EventTime, fact| Event { time: time.clone(), violations: vec![], names: vec![], fact };
    // Late: sold at eight before what came at nine. The count at noon stands; its variance follows.
    book.record("BLE1", vec![event(&nine, received("1", "S1", &[(&a, 20_000)])), event(&noon, restated("S1", &a, -20_000))]); // 8
    book.record("BLE1", vec![event(&eight, sold("S1", &[(&a, 15_000)])), event(&noon, restated("S1", &a, 15_000))]); // 9
    let wrong = book.say("BLE1", &today, sold("S1", &[(&a, 4_000)])); // 10
    book.take_back("BLE1", &closing, wrong, vec![]); // 11
    book.say("BLE1", &today, wasted("S1", &[(&a, 500)])); // 12
    book.say("BLE1", &closing, counted("S1", &a, 9_000, 8_000)); // 13
    book
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[rustfmt::skip] // Columns.
async fn a_day_in_a_journal_is_read_in_the_order_of_the_world() {
    let (server, broker) = (Server::start().await, Broker::start());
    let (journal, tip) = broker.journal(&busy_day()).await;
    let projector = Running::start(&journal, &server.settings);
    reaches(&server.settings, tip.sequence).await;
    projector.stop().await;
    let mut client = StockServiceClient::new(views::services(database::connect(&server.settings).unwrap()));
    let now = client.query_stock(QueryStockRequest::default()).await.unwrap().into_inner().position;
    let (tag, _) = now.split_once('-').unwrap();
    let filter = Some(StockFilter { sites: vec!["S1".into()], ..Default::default() });
    let (before, after, end) = (DayEdge::BeforeOpening, DayEdge::AfterClosing, DayEdge::Unspecified);
    // moment, of a date where in it, known up to which entry, held at S1
    for (moment, edge, entry, milli) in [
        ("",                                 end,    0,  8_000),
        ("2026-11-18",                       end,    0,  0),
        ("2026-11-19",                       before, 0,  0),
        ("2026-11-19",                       end,    0,  10_000),
        ("2026-11-20",                       before, 0,  9_000),  // Counted before opening.
        ("2026-11-20T07:59:59.999999+07:00", end,    0,  9_000),
        ("2026-11-20T08:00:00+07:00",        end,    0,  -6_000), // Sold before it came.
        ("2026-11-20T08:59:59+07:00",        end,    0,  -6_000),
        ("2026-11-20T09:00:00+07:00",        end,    0,  14_000),
        ("2026-11-20T12:00:00+07:00",        end,    0,  9_500),  // At equal times events precede the count.
        ("2026-11-20T16:59:59.999999Z",      end,    0,  9_500),  // What went out that day did so after all moments.
        ("2026-11-20T17:00:00Z",             end,    0,  8_000),  // Midnight in Hanoi.
        ("2026-11-20",                       after,  0,  8_000),
        ("2026-11-20",                       after,  12, 9_000),
        ("2026-11-20",                       end,    10, 5_500),  // Voided afterwards.
        ("2026-11-20",                       end,    5,  9_500),
        ("2026-11-20T09:00:00+07:00",        end,    5,  9_000),
        ("2026-11-20",                       before, 3,  10_000),
        ("",                                 end,    2,  0),
    ] {
        let time = moment.parse::<Timestamp>().ok();
        let as_of = AsOf {
            time: time.map(|time| prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }),
            date: if time.is_none() { moment.into() } else { String::new() },
            day_edge: edge.into(),
            position: if entry == 0 { String::new() } else { format!("{tag}-{entry}") },
        };
        let request = QueryStockRequest { filter: filter.clone(), as_of: Some(as_of.clone()), ..Default::default() };
        let rows = client.query_stock(request).await.unwrap().into_inner().rows;
        assert_eq!(rows.iter().map(|row| row.quantity_milli).sum::<i64>(), milli, "{as_of:?}");
    }
    let asked = QueryLedgerRequest { filter, from_date: "2026-11-20".into(), to_date: "2026-11-20".into(), ..Default::default() };
    let ledger = client.query_ledger(asked.clone()).await.unwrap().into_inner().ledgers.remove(0);
    assert_eq!((ledger.opening_milli, ledger.in_milli, ledger.out_milli, ledger.closing_milli), (10_000, 35_500, 37_500, 8_000));
    use LedgerMoveKind::*;
    let seen: Vec<_> = ledger.moves.iter().map(|it| (it.kind(), it.in_milli, it.out_milli, it.balance_milli, it.below_zero, it.voided)).collect();
    assert_eq!(seen, [
        (Counted,       0,      1_000,  9_000,  false, false),
        (Sold,          0,      15_000, -6_000, true,  false),
        (Received,      20_000, 0,      14_000, false, false),
        (Counted,       500,    0,      14_500, false, false),
        (CountRestated, 0,      20_000, -5_500, false, false), // Of one moment with the rows beside it: no dip.
        (CountRestated, 15_000, 0,      9_500,  false, false),
        (Sold,          0,      4_000,  5_500,  false, true),
        (Voided,        0,      -4_000, 9_500,  false, false),
        (Wasted,        0,      500,    9_000,  false, false),
        (Counted,       0,      1_000,  8_000,  false, false),
    ]);
    assert_eq!(ledger.moves[2].shipment_code, "1");
    assert_eq!((ledger.moves[1].outside(), ledger.moves[9].outside()), (OutsideReason::Sold, OutsideReason::Missing));
    let known = QueryLedgerRequest { as_of_position: format!("{tag}-5"), ..asked.clone() };
    let known = client.query_ledger(known).await.unwrap().into_inner();
    assert_eq!((known.ledgers[0].moves.len(), known.ledgers[0].closing_milli, known.as_of_position), (2, 9_500, format!("{tag}-5")));

    let some = prost_types::Timestamp { seconds: 0, nanos: 0 };
    for (as_of, field) in [
        (AsOf { time: Some(some), date: "2026-11-20".into(), ..Default::default() }, "as_of.date"),
        (AsOf { date: "20/11/2026".into(), ..Default::default() },                   "as_of.date"),
        (AsOf { time: Some(some), day_edge: before.into(), ..Default::default() },   "as_of.day_edge"),
        (AsOf { date: "2026-11-20".into(), day_edge: 9, ..Default::default() },      "as_of.day_edge"),
        (AsOf { position: "somewhere".into(), ..Default::default() },                "as_of.position"),
        (AsOf { position: position(3), ..Default::default() },                       "as_of.position"), // Of another journal.
    ] {
        let error = client.query_stock(QueryStockRequest { as_of: Some(as_of.clone()), ..Default::default() }).await.unwrap_err();
        assert_eq!((error.code(), error.message().contains(field)), (Code::InvalidArgument, true), "{as_of:?}: {error}");
    }
    for (request, field) in [
        (QueryLedgerRequest { filter: None, ..asked.clone() },                          "filter"),
        (QueryLedgerRequest { from_date: String::new(), ..asked.clone() },              "from_date"),
        (QueryLedgerRequest { to_date: "2026-11-19".into(), ..asked.clone() },          "to_date"),
        (QueryLedgerRequest { as_of_position: "somewhere".into(), ..asked.clone() },    "as_of_position"),
    ] {
        let error = client.query_ledger(request).await.unwrap_err();
        assert_eq!((error.code(), error.message().contains(field)), (Code::InvalidArgument, true), "{field}: {error}");
    }
}
