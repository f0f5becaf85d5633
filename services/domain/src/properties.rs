//! The rules that say "always" and "never", driven with random commands: late, repeated and out of order.

use crate::command::{Action, Command};
use crate::entry::RecordedCommand;
use crate::event::registry::{DuplicateMerged, RegistryFact, Retirement, ThingRef};
use crate::event::{CountBasis, Event, Fact};
use crate::id::{LotId, SiteCode};
use crate::posting::{Outside, Place};
use crate::refusal::Refusal;
use crate::time::{BusinessDay, EventTime};
use crate::world::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What happens at random, on a few lots, sites and days, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    Harvest { lot: u8, quantity: i64, time: u8 },
    Open { lot: u8, site: u8, quantity: i64, time: u8 },
    Transform { lot: u8, into: u8, quantity: i64, out: i64, time: u8 },
    Dispatch { lot: u8, shipment: u8, quantity: i64, time: u8 },
    Receive { lot: u8, shipment: u8, quantity: i64, time: u8 },
    Refuse { lot: u8, shipment: u8, quantity: i64, time: u8, destroyed: bool },
    Short { lot: u8, shipment: u8, quantity: i64, time: u8 },
    Sell { lot: u8, site: u8, quantity: i64, time: u8 },
    SellProduct { site: u8, quantity: i64, time: u8 },
    Waste { lot: u8, site: u8, quantity: i64, time: u8 },
    Count { lot: u8, site: u8, quantity: i64, time: u8 },
    CountProduct { site: u8, quantity: i64, time: u8 },
    Void { which: usize },
    Correct { which: usize, quantity: i64 },
    Change { what: u8, time: u8 },
    Hold { lot: u8, site: u8, time: u8 },
    Recall { lot: u8, time: u8 },
    Release { which: usize, time: u8 },
    BringBack { lot: u8, site: u8, quantity: i64, time: u8 },
    SendBack { lot: u8, site: u8, shipment: u8, quantity: i64, time: u8 },
    Cancel { lot: u8, shipment: u8, quantity: i64, time: u8 },
    Pack { lot: u8, site: u8, unit: u8, quantity: i64, time: u8 },
    Unpack { site: u8, unit: u8, time: u8 },
    ShipUnit { unit: u8, shipment: u8, time: u8 },
    Order { order: u8, site: u8, quantity: i64, time: u8 },
    CloseOrder { order: u8, time: u8 },
    IssueCode { lot: u8, time: u8 },
    RevokeCode { which: usize, time: u8 },
    Scan { which: usize, count: i64, time: u8 },
    Notify { lot: u8, site: u8, time: u8 },
    Serve { order: u8, lot: u8, shipment: u8, quantity: i64, time: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let (lot, site, shipment, time) = (0..3u8, 0..3u8, 0..2u8, 0..24u8);
    let quantity = (1..40i64).prop_map(|tens| tens * 500);
    prop_oneof![
        4 => (lot.clone(), quantity.clone(), time.clone()).prop_map(|(lot, quantity, time)| Step::Harvest { lot, quantity: quantity * 4, time }),
        2 => (lot.clone(), site.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, site, quantity, time)| Step::Open { lot, site, quantity, time }),
        2 => (lot.clone(), lot.clone(), quantity.clone(), 1..100i64, time.clone())
            .prop_map(|(lot, into, quantity, percent, time)| Step::Transform { lot, into, quantity, out: (quantity * percent / 100).max(1), time }),
        7 => (lot.clone(), shipment.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, shipment, quantity, time)| Step::Dispatch { lot, shipment, quantity, time }),
        9 => (lot.clone(), shipment.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, shipment, quantity, time)| Step::Receive { lot, shipment, quantity, time }),
        2 => (lot.clone(), shipment.clone(), quantity.clone(), time.clone(), any::<bool>())
            .prop_map(|(lot, shipment, quantity, time, destroyed)| Step::Refuse { lot, shipment, quantity, time, destroyed }),
        2 => (lot.clone(), shipment.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, shipment, quantity, time)| Step::Short { lot, shipment, quantity, time }),
        6 => (lot.clone(), site.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, site, quantity, time)| Step::Sell { lot, site, quantity, time }),
        2 => (site.clone(), quantity.clone(), time.clone()).prop_map(|(site, quantity, time)| Step::SellProduct { site, quantity, time }),
        2 => (lot.clone(), site.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, site, quantity, time)| Step::Waste { lot, site, quantity, time }),
        1 => (lot.clone(), 0..4u8, time.clone()).prop_map(|(lot, site, time)| Step::Hold { lot, site, time }),
        1 => (lot.clone(), time.clone()).prop_map(|(lot, time)| Step::Recall { lot, time }),
        1 => (any::<usize>(), time.clone()).prop_map(|(which, time)| Step::Release { which, time }),
        1 => (lot.clone(), site.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, site, quantity, time)| Step::BringBack { lot, site, quantity, time }),
        1 => (lot.clone(), 1..3u8, shipment.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, site, shipment, quantity, time)| Step::SendBack { lot, site, shipment, quantity, time }),
        2 => (lot.clone(), shipment.clone(), quantity.clone(), time.clone())
            .prop_map(|(lot, shipment, quantity, time)| Step::Cancel { lot, shipment, quantity, time }),
        1 => (lot.clone(), site.clone(), 0..2u8, quantity.clone(), time.clone())
            .prop_map(|(lot, site, unit, quantity, time)| Step::Pack { lot, site, unit, quantity, time }),
        1 => (site.clone(), 0..2u8, time.clone()).prop_map(|(site, unit, time)| Step::Unpack { site, unit, time }),
        1 => (0..2u8, shipment.clone(), time.clone()).prop_map(|(unit, shipment, time)| Step::ShipUnit { unit, shipment, time }),
        1 => (0..2u8, 1..3u8, quantity.clone(), time.clone())
            .prop_map(|(order, site, quantity, time)| Step::Order { order, site, quantity, time }),
        1 => (0..2u8, time.clone()).prop_map(|(order, time)| Step::CloseOrder { order, time }),
        1 => (lot.clone(), time.clone()).prop_map(|(lot, time)| Step::IssueCode { lot, time }),
        1 => (any::<usize>(), time.clone()).prop_map(|(which, time)| Step::RevokeCode { which, time }),
        1 => (any::<usize>(), 1..9i64, time.clone()).prop_map(|(which, count, time)| Step::Scan { which, count, time }),
        1 => (lot.clone(), site.clone(), time.clone()).prop_map(|(lot, site, time)| Step::Notify { lot, site, time }),
        1 => (0..2u8, lot.clone(), shipment.clone(), quantity.clone(), time.clone())
            .prop_map(|(order, lot, shipment, quantity, time)| Step::Serve { order, lot, shipment, quantity, time }),
        4 => (lot, site.clone(), prop_oneof![1 => Just(0), 3 => quantity.clone()], time.clone())
            .prop_map(|(lot, site, quantity, time)| Step::Count { lot, site, quantity, time }),
        1 => (site, quantity.clone(), time).prop_map(|(site, quantity, time)| Step::CountProduct { site, quantity, time }),
        2 => any::<usize>().prop_map(|which| Step::Void { which }),
        1 => (0..6u8, 0..24u8).prop_map(|(what, time)| Step::Change { what, time }),
        2 => (any::<usize>(), quantity).prop_map(|(which, quantity)| Step::Correct { which, quantity }),
    ]
}

const LOTS: [&str; 4] = ["A", "B", "C", "D"];
const SITES: [&str; 3] = ["FA1", "SM1", "SM2"];
const SHIPMENTS: [&str; 3] = ["S1", "S2", "S3"];
const ORDERS: [&str; 2] = ["O1", "O2"];
const UNITS: [&str; 2] = ["095214100000000011", "095214100000000028"];

/// Moments and bare dates of four days; counts at the ends of days too.
fn when(time: u8, counts: bool) -> String {
    let day = format!("2026-11-2{}", 1 + time / 6);
    match (time % 6, counts) {
        (0, true) => format!("{day} opening"),
        (5, true) => format!("{day} closing"),
        (0 | 5, false) => day,
        (slot, _) => format!("{day} {:02}:00", 6 + 3 * slot),
    }
}

/// The command of a step; none where nothing is there to void, correct or repeat.
fn command(world: &mut World, step: &Step, reported: bool) -> Option<(String, Command)> {
    let lot = |index: u8| LOTS[usize::from(index)];
    let site = |index: u8| SITES[usize::from(index)];
    let shipment = |index: u8| SHIPMENTS[usize::from(index)];
    let destination = |index: u8| SITES[1 + usize::from(index % 2)];
    let mendable = |world: &World, which: usize| {
        let candidates: Vec<_> = world.journal.iter().filter(|it| it.organization.as_str() != AUTHORITY).collect();
        (!candidates.is_empty()).then(|| candidates[which % candidates.len()].clone())
    };
    let (time, action) = match *step {
        Step::Harvest { lot: l, quantity, time } => (time, harvest(lot(l), quantity)),
        Step::Open { lot: l, site: s, quantity, time } => (time, open(site(s), lot(l), quantity)),
        Step::Transform { lot: l, into, quantity, out, time } => (time, transform((lot(l), quantity), (lot(into), out))),
        Step::Dispatch { lot: l, shipment: s, quantity, time } => {
            (time, dispatch(shipment(s), destination(s), &[(lot(l), quantity)]))
        }
        Step::Order { order: o, site: s, quantity, time } => (time, order(site(s), ORDERS[usize::from(o)], quantity)),
        Step::Notify { lot: l, site: s, time } => {
            let give = notice(site(s), lot(l));
            let id = crate::id::CommandId::of_notice(&give.key);
            let command = world.command(at(&when(time, false)), Action::GiveNotice(give), false);
            return Some((AUTHORITY.to_owned(), Command { id, ..command }));
        }
        Step::CloseOrder { order: o, time } => (time, close_order(ORDERS[usize::from(o)])),
        Step::IssueCode { lot: l, time } => (time, issue_code(lot(l))),
        Step::RevokeCode { which, time } => (time, revoke_code(&issued(world, which)?)),
        Step::Scan { which, count, time } => (time, count_scans(&issued(world, which)?, count)),
        Step::Serve { order: o, lot: l, shipment: s, quantity, time } => {
            (time, serving(ORDERS[usize::from(o)], dispatch(shipment(s), destination(s), &[(lot(l), quantity)])))
        }
        Step::Receive { lot: l, shipment: s, quantity, time } => {
            (time, receive(shipment(s), destination(s), &[(lot(l), quantity)]))
        }
        Step::Refuse { lot: l, shipment: s, quantity, time, destroyed } => {
            let refuse = crate::command::RefuseDelivery {
                shipment: crate::world::shipment(shipment(s)),
                extent: extent(&[(lot(l), quantity)]),
                reason: crate::event::RefusalReason::Quality,
                destroyed,
            };
            (time, Action::RefuseDelivery(refuse))
        }
        Step::Short { lot: l, shipment: s, quantity, time } => {
            let short = crate::command::ReportShort {
                shipment: crate::world::shipment(shipment(s)),
                extent: extent(&[(lot(l), quantity)]),
            };
            (time, Action::ReportShort(short))
        }
        Step::Sell { lot: l, site: s, quantity, time } => (time, sell(site(s), &[(lot(l), quantity)])),
        Step::SellProduct { site: s, quantity, time } => (time, sell_product(site(s), quantity)),
        Step::Waste { lot: l, site: s, quantity, time } => (time, waste(site(s), &[(lot(l), quantity)])),
        Step::Count { lot: l, site: s, quantity, time } => (time, count(site(s), &[(lot(l), quantity)])),
        Step::CountProduct { site: s, quantity, time } => (time, count_product(site(s), quantity)),
        Step::Change { what, time } => (time, Action::Register(change(what))),
        Step::Hold { lot: l, site: s, time } => (time, hold(SITES.get(usize::from(s)).copied().unwrap_or(""), &[lot(l)])),
        Step::Recall { lot: l, time } => (time, recall(&[lot(l)])),
        Step::Release { which, time } => {
            let is_block = |it: &&RecordedCommand| matches!(it.events[0].fact, Fact::Held(_) | Fact::Recalled(_));
            let blocks: Vec<_> = world.journal.iter().filter(is_block).collect();
            let block = blocks.get(which % blocks.len().max(1))?;
            (time, release(block.organization.as_str(), block.id))
        }
        Step::BringBack { lot: l, site: s, quantity, time } => (time, bring_back(site(s), &[(lot(l), quantity)])),
        Step::SendBack { lot: l, site: s, shipment: code, quantity, time } => {
            let Action::Dispatch(sent) = dispatch(shipment(code), "FA1", &[(lot(l), quantity)]) else { return None };
            (time, Action::Dispatch(crate::command::Dispatch { from: site(s).into(), ..sent }))
        }
        Step::Cancel { lot: l, shipment: s, quantity, time } => (time, cancel(shipment(s), &[(lot(l), quantity)])),
        Step::Pack { lot: l, site: s, unit, quantity, time } => {
            (time, pack(site(s), UNITS[usize::from(unit)], &[(lot(l), quantity)], &[]))
        }
        Step::Unpack { site: s, unit, time } => (time, unpack(site(s), UNITS[usize::from(unit)])),
        Step::ShipUnit { unit, shipment: s, time } => {
            let Action::Dispatch(sent) = dispatch(shipment(s), "SM1", &[]) else { return None };
            (time, Action::Dispatch(crate::command::Dispatch { sscc: Some(UNITS[usize::from(unit)].into()), ..sent }))
        }
        Step::Void { which } => {
            let original = mendable(world, which)?;
            return Some((original.organization.to_string(), world.command(None, void(original.id), false)));
        }
        Step::Correct { which, quantity } => {
            let original = mendable(world, which)?;
            let replacement = replacement(original.events.iter().find(|event| event.is_primary())?, quantity)?;
            let command = world.command(None, correct(original.id, replacement), false);
            return Some((original.organization.to_string(), command));
        }
    };
    let counts = matches!(action, Action::Count(_));
    let command = world.command(at(&when(time, counts)), action, reported);
    Some((teller(&command.action).to_owned(), command))
}

/// One of the codes that were ever issued.
fn issued(world: &World, which: usize) -> Option<String> {
    let events = world.journal.iter().flat_map(|command| &command.events);
    let codes = events.filter_map(|event| match &event.fact {
        Fact::CodeIssued(issued) => Some(issued.code.to_string()),
        _ => None,
    });
    let codes: Vec<_> = codes.collect();
    codes.get(which % codes.len().max(1)).cloned()
}

/// Something becomes of the registry: shops and products are retired and in use again, SM2 turns out to be SM1.
fn change(what: u8) -> RegistryFact {
    let site = |code: &str| ThingRef::Site(site(code));
    let product = || ThingRef::Product(crate::id::ProductCode::parse("PK1").unwrap());
    let retirement = |thing| Retirement { thing, reason: String::new() };
    match what {
        0 => RegistryFact::Retired(retirement(site("SM1"))),
        1 => RegistryFact::Reinstated(retirement(site("SM1"))),
        2 => RegistryFact::Retired(retirement(product())),
        3 => RegistryFact::Reinstated(retirement(product())),
        _ => RegistryFact::DuplicateMerged(DuplicateMerged {
            duplicate: site("SM2"),
            survivor: site("SM1"),
            reason: String::new(),
        }),
    }
}

/// Books with what stands under the code of a duplicate under the survivor's.
fn under_survivors(books: BTreeMap<(LotId, Place), i64>) -> BTreeMap<(LotId, Place), i64> {
    let mut summed = BTreeMap::new();
    for ((lot, place), held) in books {
        let place = if place == Place::Site(site("SM2")) { Place::Site(site("SM1")) } else { place };
        *summed.entry((lot, place)).or_insert(0) += held;
    }
    summed.retain(|_, held| *held != 0);
    summed
}

/// Books with found and missing as one: a variance that is restated may pass through either.
fn netted(books: BTreeMap<(LotId, Place), i64>) -> BTreeMap<(LotId, Place), i64> {
    let mut summed = BTreeMap::new();
    for ((lot, place), held) in books {
        let place = if place == Place::Outside(Outside::Missing) { Place::Outside(Outside::Found) } else { place };
        *summed.entry((lot, place)).or_insert(0) += held;
    }
    summed.retain(|_, held| *held != 0);
    summed
}

/// The same with another quantity.
fn replacement(event: &Event, quantity: i64) -> Option<Action> {
    let code = |id: LotId| LOTS.into_iter().find(|code| lot(code) == id);
    let shipment = |id| SHIPMENTS.into_iter().find(|code| shipment_id(code) == id);
    Some(match &event.fact {
        Fact::Harvested(it) => harvest(code(it.lot.id)?, quantity * 4),
        Fact::Dispatched(it) => dispatch(it.code.as_str(), it.to.as_str(), &[(code(it.lines[0].lot)?, quantity)]),
        Fact::Received(it) => receive(shipment(it.shipment)?, it.site.as_str(), &[(code(it.lines[0].lot)?, quantity)]),
        Fact::Sold(it) => sell(it.site.as_str(), &[(code(it.lines[0].lot)?, quantity)]),
        Fact::Counted(it) => count(it.site.as_str(), &[(code(it.lines.first()?.lot)?, quantity)]),
        _ => return None,
    })
}

/// What keeps lots from moving on, read off a journal: written apart from the state, by walking up from each lot.
struct Blocks<'a> {
    standing: Vec<&'a RecordedCommand>,
}

impl<'a> Blocks<'a> {
    /// As things stood when the last of these commands was decided.
    fn of(journal: &'a [RecordedCommand]) -> Blocks<'a> {
        let taken_back: Vec<_> = journal
            .iter()
            .flat_map(|command| command.events.iter().map(move |event| (command, event)))
            .filter_map(|(command, event)| match &event.fact {
                Fact::Voided(voided) | Fact::Corrected(voided) => Some((command.organization.clone(), voided.command)),
                _ => None,
            })
            .collect();
        let stands = |it: &&RecordedCommand| !taken_back.contains(&(it.organization.clone(), it.id));
        Blocks { standing: journal.iter().filter(stands).collect() }
    }

    /// A lot and all that it was made of.
    fn made_of(&self, lot: LotId) -> Vec<LotId> {
        let mut all = vec![lot];
        let mut at = 0;
        while let Some(lot) = all.get(at).copied() {
            for event in self.standing.iter().flat_map(|command| &command.events) {
                if let Fact::Transformed(transformed) = &event.fact
                    && transformed.outputs.iter().any(|(output, _)| output.id == lot)
                {
                    for input in &transformed.inputs {
                        if !all.contains(&input.lot) {
                            all.push(input.lot);
                        }
                    }
                }
            }
            at += 1;
        }
        all
    }

    /// Whether a lot may not leave a site at a time.
    fn bind(&self, lot: LotId, at: &SiteCode, time: &EventTime) -> bool {
        self.standing.iter().any(|command| {
            let event = &command.events[0];
            let reached = match &event.fact {
                Fact::Held(held) => held.lots.contains(&lot) && held.site.as_ref().is_none_or(|site| site == at),
                Fact::Recalled(recalled) => self.made_of(lot).iter().any(|lot| recalled.lots.contains(lot)),
                _ => false,
            };
            let released = self.standing.iter().any(|other| match &other.events[0].fact {
                Fact::Released(released) => released.block.command == command.id && !time.surely_before(&other.events[0].time),
                _ => false,
            });
            reached && !released && !time.surely_before(&event.time)
        })
    }
}

/// Plays steps; each is a fact that has happened already where the flag says so.
fn play(steps: &[(Step, bool)]) -> World {
    let mut world = World::new();
    for (step, reported) in steps {
        if let Some((by, command)) = command(&mut world, step, *reported) {
            let _refused = world.send(&by, command);
        }
    }
    world
}

/// What a place held of a lot, from postings alone: at the end of each day, and just before and just after each count.
/// Written for the check, apart from the ledgers: sorts all postings by where they lie in the order of a day.
fn histories(world: &World) -> BTreeMap<(LotId, Place), History> {
    let mut histories: BTreeMap<(LotId, Place), History> = BTreeMap::new();
    let voided: Vec<_> = world
        .journal
        .iter()
        .flat_map(|command| command.events.iter().map(move |event| (command, event)))
        .filter_map(|(command, event)| match &event.fact {
            Fact::Voided(voided) | Fact::Corrected(voided) => Some((command.organization.clone(), voided.command)),
            _ => None,
        })
        .collect();
    for command in &world.journal {
        let taken_back = voided.contains(&(command.organization.clone(), command.id));
        for event in &command.events {
            let is_adjustment = |event: &Event| match &event.fact {
                Fact::CountRestated(_) => true,
                Fact::Counted(counted) => counted.basis != CountBasis::Surplus,
                _ => false,
            };
            let adjusts = match &event.fact {
                // Its originals are taken back one by one.
                Fact::Voided(_) | Fact::Corrected(_) => None,
                _ => Some(is_adjustment(event)),
            };
            for posting in event.postings() {
                // A reversal lies where what it reverses lies.
                let of_adjustment = adjusts.unwrap_or(false);
                for (place, change, incoming) in
                    [(&posting.from, -posting.quantity.0, false), (&posting.to, posting.quantity.0, true)]
                {
                    if matches!(place, Place::Outside(_)) {
                        continue;
                    }
                    let rank = match (posting.time.precision, incoming != posting.reversal) {
                        (crate::time::Precision::BeforeOpening, _) => 0,
                        (crate::time::Precision::Day, true) => 1,
                        (crate::time::Precision::Moment, _) => 2,
                        (crate::time::Precision::Day, false) => 3,
                        (crate::time::Precision::AfterClosing, _) => 4,
                    };
                    let movement = if of_adjustment { Movement::Adjusted(change) } else { Movement::Moved(change) };
                    histories.entry((posting.lot, place.clone())).or_default().push((
                        posting.day(),
                        rank,
                        posting.time.micros,
                        movement,
                    ));
                }
            }
            if let (Fact::Counted(counted), false) = (&event.fact, taken_back)
                && counted.basis == CountBasis::Stocktake
            {
                let key = event.time.key();
                let rank = match key.precision {
                    crate::time::Precision::BeforeOpening => 0,
                    crate::time::Precision::AfterClosing => 4,
                    _ => 2,
                };
                for line in &counted.lines {
                    histories.entry((line.lot, Place::Site(counted.site.clone()))).or_default().push((
                        key.day,
                        rank,
                        key.micros,
                        Movement::Counted(line.counted.quantity.0),
                    ));
                }
            }
        }
    }
    for history in histories.values_mut() {
        history.sort_by_key(|(day, rank, micros, movement)| (*day, *rank, *micros, movement.order()));
    }
    histories
}

/// Movements by day, place in the day, and moment.
type History = Vec<(BusinessDay, u8, i64, Movement)>;

#[derive(Clone, Copy, Debug)]
enum Movement {
    Moved(i64),
    Adjusted(i64),
    Counted(i64),
}

impl Movement {
    fn order(self) -> u8 {
        match self {
            Movement::Moved(_) => 0,
            Movement::Adjusted(_) => 1,
            Movement::Counted(_) => 2,
        }
    }
}

/// Rules 2 and 11, read off the journal.
fn check_places(world: &World) -> Result<(), TestCaseError> {
    for ((lot, place), history) in histories(world) {
        let mut held = 0;
        for (index, (day, rank, micros, movement)) in history.iter().enumerate() {
            match movement {
                Movement::Moved(change) | Movement::Adjusted(change) => held += change,
                Movement::Counted(counted) => {
                    prop_assert_eq!(
                        held,
                        *counted,
                        "rule 11: {} at {} after the count of {} ({} {})",
                        lot,
                        place,
                        day,
                        rank,
                        micros
                    );
                }
            }
            let day_ends = history.get(index + 1).is_none_or(|(next, ..)| next > day);
            if day_ends {
                prop_assert!(held >= 0, "rule 2: {lot} at {place} ends {day} with {held}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// Conservation: entered from outside = at sites + in transit + left to outside, and the state is the sum of the postings.
    #[test]
    fn nothing_appears_or_vanishes(steps in prop::collection::vec((step(), any::<bool>()), 1..60)) {
        let world = play(&steps);
        let books = world.books();
        let mut totals: BTreeMap<LotId, i64> = BTreeMap::new();
        for ((lot, _), held) in &books {
            *totals.entry(*lot).or_default() += held;
        }
        prop_assert!(totals.values().all(|total| *total == 0), "{totals:?}");
        let inside: BTreeMap<_, _> = books.into_iter().filter(|((_, place), _)| !matches!(place, Place::Outside(_))).collect();
        prop_assert_eq!(inside, world.stock());
    }

    /// Rules 2 and 11 hold at every place, whatever arrived in whatever order.
    #[test]
    fn no_place_ever_holds_less_than_nothing_and_counts_stand(steps in prop::collection::vec((step(), any::<bool>()), 1..60)) {
        check_places(&play(&steps))?;
    }

    /// Rule 5: received + refused + short never exceed what was sent, and what arrives above it is a surplus beside the first
    /// receipt of a line: nobody receives twice.
    #[test]
    fn a_line_is_settled_once(steps in prop::collection::vec((step(), any::<bool>()), 1..60)) {
        let world = play(&steps);
        let mut settled: BTreeMap<(crate::id::ShipmentId, LotId), i64> = BTreeMap::new();
        for command in &world.journal {
            let (mut first, mut surplus) = (Vec::new(), Vec::new());
            for event in &command.events {
                let (shipment, lines) = match &event.fact {
                    Fact::Received(it) if it.unmatched.is_none() => (it.shipment, &it.lines),
                    Fact::DeliveryRefused(it) => (it.shipment, &it.lines),
                    Fact::ShortReported(it) => (it.shipment, &it.lines),
                    Fact::ShipmentCancelled(it) => (it.shipment, &it.lines),
                    Fact::Counted(it) if it.basis == CountBasis::Surplus => {
                        surplus.extend(it.lines.iter().map(|line| line.lot));
                        continue;
                    }
                    // What was settled is open again; the lines are not followed further.
                    Fact::Voided(_) | Fact::Corrected(_) => {
                        settled.clear();
                        first.clear();
                        surplus.clear();
                        break;
                    }
                    _ => continue,
                };
                for line in lines {
                    let so_far = settled.entry((shipment, line.lot)).or_insert(0);
                    if *so_far == 0 {
                        first.push(line.lot);
                    }
                    *so_far += line.amount.quantity.0;
                }
            }
            if !command.reported_fact {
                prop_assert!(surplus.iter().all(|lot| first.contains(lot)), "surplus of a line that was settled before: {command:?}");
            }
        }
        for (lot, place, held) in world.state.balances() {
            prop_assert!(!matches!(place, Place::Shipment(_)) || held.0 >= 0, "{lot} on {place}: {held} left");
        }
    }

    /// Rule 6: what is held or recalled, and everything made of it, is not sold, not processed and goes to no shop, unless that is
    /// reported as a fact, and then it is marked.
    #[test]
    fn what_is_held_or_recalled_does_not_move_on(steps in prop::collection::vec((step(), any::<bool>()), 1..60)) {
        let world = play(&steps);
        let merged = world.journal.iter().flat_map(|command| &command.events).any(|event| {
            matches!(event.fact, Fact::Registered(RegistryFact::DuplicateMerged(_)))
        });
        prop_assume!(!merged);
        for (index, command) in world.journal.iter().enumerate() {
            let marked = command.events.iter().flat_map(|event| &event.violations).any(|violation| violation.rule == 6);
            let blocks = Blocks::of(&world.journal[..=index]);
            for event in command.events.iter().filter(|_| !marked) {
                let (site, lots): (_, Vec<LotId>) = match &event.fact {
                    Fact::Sold(it) => (&it.site, it.lines.iter().map(|line| line.lot).collect()),
                    Fact::Transformed(it) => (&it.site, it.inputs.iter().map(|line| line.lot).collect()),
                    Fact::Dispatched(it) if it.to.as_str().starts_with("SM") => {
                        (&it.from, it.lines.iter().map(|line| line.lot).collect())
                    }
                    _ => continue,
                };
                for lot in lots {
                    prop_assert!(!blocks.bind(lot, site, &event.time), "{lot} left {site}: {command:?}");
                }
            }
        }
        // And the state says the same of every lot and shop as it is now.
        let now = world.state.calendar().moment(world.now, None, None);
        let blocks = Blocks::of(&world.journal);
        for (code, at) in LOTS.iter().flat_map(|code| SITES.map(|at| (*code, site(at)))) {
            let known = world.state.lot(lot(code));
            let says = known.iter().flat_map(|known| world.state.blocks_of(known));
            let is_bound = says.into_iter().any(|(_, block)| block.binds(lot(code), &now, |held_at| *held_at == at));
            prop_assert!(known.is_none() || is_bound == blocks.bind(lot(code), &at, &now), "{code} at {at}");
        }
    }

    /// Rule 8: voids that are all accepted end in the same book, in whatever order they were said.
    #[test]
    fn voids_in_any_order_end_in_the_same_book(
        steps in prop::collection::vec((step(), any::<bool>()), 1..40),
        which in prop::collection::vec(any::<prop::sample::Index>(), 2..5),
    ) {
        let world = play(&steps);
        let mendable: Vec<_> = world.journal.iter().filter(|it| it.organization.as_str() != AUTHORITY).collect();
        prop_assume!(!mendable.is_empty());
        let named: Vec<_> = which.iter().map(|index| mendable[index.index(mendable.len())]).collect();
        let voided = |order: &mut dyn Iterator<Item = &&RecordedCommand>| {
            let mut world = world.clone();
            let accepted: Vec<_> = order
                .map(|it| (it.id, world.mend(it.organization.as_str(), void(it.id)).is_ok()))
                .filter_map(|(id, is_accepted)| is_accepted.then_some(id))
                .collect();
            (world, accepted)
        };
        let (first, mut accepted) = voided(&mut named.iter());
        let (second, mut other) = voided(&mut named.iter().rev());
        accepted.sort();
        other.sort();
        prop_assume!(accepted == other);
        prop_assert_eq!(netted(first.books()), netted(second.books()));
        prop_assert_eq!(first.stock(), second.stock());
        for lot in LOTS.map(lot) {
            let blocked = |world: &World| {
                let known = world.state.lot(lot);
                let mut by: Vec<_> = known.iter().flat_map(|known| world.state.blocks_of(known)).map(|(by, _)| by).collect();
                by.sort();
                by
            };
            prop_assert_eq!(blocked(&first), blocked(&second));
        }
        check_places(&first)?;
    }

    /// Rule 2 for what is about to happen: without a reported fact nothing is ever filled.
    #[test]
    fn nothing_is_filled_unless_somebody_reports_a_fact(steps in prop::collection::vec(step(), 1..60)) {
        let world = play(&steps.into_iter().map(|step| (step, false)).collect::<Vec<_>>());
        let filled = world.journal.iter().flat_map(|command| &command.events).any(|event| {
            matches!(&event.fact, Fact::Counted(counted) if counted.basis == CountBasis::Provisional)
        });
        prop_assert!(!filled);
    }

    /// Rule 3: what is refused leaves no trace, and what is recorded is recorded whole: deciding never changes the state.
    #[test]
    fn a_refusal_changes_nothing(steps in prop::collection::vec((step(), any::<bool>()), 1..40), last in step()) {
        let mut world = play(&steps);
        let before = (world.stock(), world.journal.len());
        if let Some((by, command)) = command(&mut world, &last, false)
            && world.send(&by, command).is_err()
        {
            prop_assert_eq!((world.stock(), world.journal.len()), before);
        }
    }

    /// Identity: a command sent again is answered as it was, and records nothing; its id with other content is refused.
    #[test]
    fn a_command_sent_again_records_nothing(steps in prop::collection::vec((step(), any::<bool>()), 1..40), which: prop::sample::Index) {
        let (mut world, mut sent) = (World::new(), Vec::new());
        for (step, reported) in &steps {
            if let Some((by, command)) = command(&mut world, step, *reported)
                && let Ok((_, events)) = world.send(&by, command.clone())
            {
                sent.push((by, command, events));
            }
        }
        prop_assume!(!sent.is_empty());
        let (by, mut command, events) = sent[which.index(sent.len())].clone();
        let before = (world.stock(), world.journal.len());
        prop_assert_eq!(world.send(&by, command.clone()).map(|(_, events)| events), Ok(events));
        command.action = harvest("Z", 1_000);
        let refused = world.send(&by, command);
        prop_assert!(matches!(refused, Err(Refusal::OtherContent { .. })), "{refused:?}");
        prop_assert_eq!((world.stock(), world.journal.len()), before);
    }

    /// Rule 8: a void restores every place and every reason to what it would be without the command, and it is done once.
    #[test]
    fn a_void_undoes_a_command_whole_and_once(steps in prop::collection::vec((step(), any::<bool>()), 1..40), last in step(), reported: bool) {
        let mut world = play(&steps);
        let before = (world.books(), world.stock());
        let Some((by, command)) = command(&mut world, &last, reported) else { return Ok(()) };
        // What nobody voids: whoever was told by a notice was told.
        if matches!(command.action, Action::Void(_) | Action::Correct(_) | Action::Register(_) | Action::GiveNotice(_)) {
            return Ok(());
        }
        let Ok((id, events)) = world.send(&by, command) else { return Ok(()) };
        if let Err(refusal) = world.mend(&by, void(id)) {
            // Only what rests on it stands in the way: here reported facts whose filling it took back.
            let took_back = events.iter().any(|event| matches!(&event.fact, Fact::CountRestated(it) if it.basis == CountBasis::Provisional));
            prop_assert!(took_back && matches!(refusal, Refusal::InTheWay { .. }), "the last command was not voided: {refusal}");
            return Ok(());
        }
        // What is found less what is missing is one figure: a restated variance may cross zero. What was brought under a surviving
        // code stays there, and a filling that it took the place of does not come back: then both are one figure with what is there.
        let rebooked = events.iter().any(|event| matches!(event.fact, Fact::Rebooked(_)));
        let told = |books: BTreeMap<(LotId, Place), i64>| -> BTreeMap<_, _> {
            let counted = |place: &Place| matches!(place, Place::Outside(Outside::Found | Outside::Missing));
            if !rebooked {
                return books.into_iter().filter(|((_, place), _)| !counted(place)).collect();
            }
            let mut summed = BTreeMap::new();
            for ((lot, place), held) in under_survivors(books) {
                let place = if counted(&place) { Place::Site(site("SM1")) } else { place };
                *summed.entry((lot, place)).or_insert(0) += held;
            }
            summed.retain(|_, held| *held != 0);
            summed
        };
        prop_assert_eq!(told(world.books()), told(before.0));
        if !rebooked {
            prop_assert_eq!(world.stock(), before.1);
        }
        let again = world.mend(&by, void(id));
        prop_assert!(matches!(again, Err(Refusal::AlreadyVoided { .. })), "{again:?}");
    }

    /// The stock at the end does not depend on the order of arrival, for facts that are all accepted. Without sales and counts by
    /// product, whose lots are inferred from what is known, without voids, which name what must have arrived, and
    /// without changes of the registry, by which what comes later is judged.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        steps in prop::collection::vec(step(), 1..30),
        order in Just((0..30usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let plain: Vec<&Step> = steps
            .iter()
            .filter(|step| !matches!(step, Step::SellProduct { .. } | Step::CountProduct { .. } | Step::Void { .. } | Step::Correct { .. } | Step::Change { .. }))
            .collect();
        let mut first = World::new();
        let mut accepted = Vec::new();
        for step in plain {
            let Some((by, command)) = command(&mut first, step, true) else { continue };
            if first.send(&by, command.clone()).is_ok() {
                accepted.push((by, command));
            }
        }
        let mut second = World::new();
        let mut left: Vec<_> = order.iter().filter_map(|index| accepted.get(*index).cloned()).collect();
        // What rests on something (a lot, a shipment) waits until that has arrived: keep trying in the shuffled order.
        loop {
            let before = left.len();
            left.retain(|(by, command)| second.send(by, command.clone()).is_err());
            if left.is_empty() || left.len() == before {
                break;
            }
        }
        prop_assume!(left.is_empty());
        prop_assert_eq!(first.stock(), second.stock());
        check_places(&second)?;
    }

    /// Rule 12: a fact that only rule 2 stands against is recorded, marked, and what fills it is taken back by what comes to light.
    #[test]
    fn what_came_to_light_takes_the_filling_back(sold in 1..50i64, found in 1..80i64) {
        let mut world = World::new();
        world.record_at("2026-11-20", harvest("A", 100_000)).unwrap();
        world.record_at("2026-11-20", dispatch("S1", "SM1", &[("A", 80_000)])).unwrap();
        let (_, events) = world.report_at("2026-11-21 10:00", sell("SM1", &[("A", sold * 1_000)])).unwrap();
        prop_assert_eq!(events[0].violations.len(), 1);
        prop_assert_eq!(world.held("A", "SM1"), 0);
        // Received that day already, logged later.
        world.record_at("2026-11-21 08:00", receive("S1", "SM1", &[("A", found * 1_000)])).unwrap();
        prop_assert_eq!(world.held("A", "SM1"), (found - sold).max(0) * 1_000);
        check_places(&world)?;
    }
}
