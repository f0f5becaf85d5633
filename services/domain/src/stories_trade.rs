//! What happens in the trade besides the way from the field to the shelf: holds, recalls, returns, logistic units, papers,
//! observations, catch weight.

use crate::command::*;
use crate::entry::Document;
use crate::event::{Fact, Finding, ObservationKind, Temperature, Treatment, WasteReason};
use crate::id::CommandId;
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::Holder;
use crate::world::*;

const CRATE: &str = "095214100000000011";
const PALLET: &str = "095214100000000028";

/// A farm with a lot of 100 kg, and a shop that received 40 of it.
fn stocked() -> World {
    let mut world = World::new();
    world.record_at("2026-11-20 06:00", harvest("A", 100_000)).unwrap();
    world.record_at("2026-11-20 20:00", dispatch("S0", "SM1", &[("A", 40_000)])).unwrap();
    world.record_at("2026-11-21 05:00", receive("S0", "SM1", &[])).unwrap();
    world
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.reason(), |_| "accepted")
}

fn dispatched_from(from: &str, code: &str, to: &str, lines: &[(&str, i64)]) -> Action {
    let Action::Dispatch(dispatch) = dispatch(code, to, lines) else { unreachable!("it is one") };
    Action::Dispatch(Dispatch { from: from.into(), ..dispatch })
}

#[test]
fn rule_6_a_held_lot_moves_only_back_to_waste_or_to_destruction() {
    let mut world = stocked();
    let (held, _) = world.record_at("2026-11-22 08:00", hold("", &["A"])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 09:00", sell("SM1", &[("A", 1_000)]))), "HELD");
    assert_eq!(reason(world.record_at("2026-11-22 09:00", sell_product("SM1", 1_000))), "NOT_ENOUGH_OF_PRODUCT");
    assert_eq!(reason(world.record_at("2026-11-22 09:00", dispatch("S1", "SM2", &[("A", 1_000)]))), "HELD");
    assert_eq!(reason(world.record_at("2026-11-22 09:00", transform(("A", 1_000), ("B", 900)))), "HELD");
    let given_away = Waste { site: "SM1".into(), lines: vec![line("A", 1_000)], reason: WasteReason::Donated };
    assert_eq!(reason(world.record_at("2026-11-22 09:00", Action::Waste(given_away))), "HELD");
    // Back to the farm, to waste, and counted: all that may be.
    assert_eq!(reason(world.record_at("2026-11-22 10:00", dispatched_from("SM1", "R1", "FA1", &[("A", 5_000)]))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-22 10:00", waste("SM1", &[("A", 5_000)]))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-22 11:00", count("SM1", &[("A", 29_000)]))), "accepted");
    // What was sold before it was held was sold.
    assert_eq!(reason(world.record_at("2026-11-21 20:00", sell("SM1", &[("A", 1_000)]))), "accepted");
    world.record_at("2026-11-23 08:00", release(COOP, held)).unwrap();
    assert_eq!(reason(world.record_at("2026-11-23 09:00", sell("SM1", &[("A", 1_000)]))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-22 12:00", sell("SM1", &[("A", 1_000)]))), "HELD", "it was, then");
    assert_eq!(reason(world.record_at("2026-11-23 10:00", release(COOP, held))), "RELEASED_ALREADY");
}

#[test]
fn rule_6_a_lot_held_at_one_site_moves_on_elsewhere() {
    let mut world = stocked();
    world.record_at("2026-11-22 08:00", hold("SM1", &["A"])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 09:00", sell("SM1", &[("A", 1_000)]))), "HELD");
    assert_eq!(reason(world.record_at("2026-11-22 09:00", dispatch("S1", "SM2", &[("A", 1_000)]))), "accepted");
}

#[test]
fn rule_6_only_who_speaks_for_a_lot_holds_and_recalls_it() {
    let mut world = stocked();
    for (by, action, outcome) in [
        (SHOP, hold("", &["A"]), "NOT_YOUR_LOT"),
        (SHOP, recall(&["A"]), "NOT_YOUR_LOT"),
        (OTHER_COOP, hold("SM1", &["A"]), "NOT_YOUR_LOT"),
        (SHOP, hold("SM1", &["A"]), "accepted"),
        (COOP, recall(&["A"]), "accepted"),
        (AUTHORITY, hold("", &["A"]), "accepted"),
    ] {
        let command = world.command(at("2026-11-22 08:00"), action.clone(), false);
        assert_eq!(reason(world.send(by, command)), outcome, "{by}: {action:?}");
    }
    let authoritys = world.journal.last().unwrap().id;
    let command = world.command(at("2026-11-22 09:00"), release(AUTHORITY, authoritys), false);
    assert_eq!(reason(world.send(COOP, command)), "NOT_YOUR_COMMAND");
    let unknown = world.command(at("2026-11-22 09:00"), release("", CommandId(uuid::Uuid::from_u128(7))), false);
    assert_eq!(reason(world.send(COOP, unknown)), "UNKNOWN");
}

#[test]
fn rule_6_a_recall_reaches_every_lot_made_of_it_also_those_born_later() {
    let mut world = stocked();
    world.record_at("2026-11-21 07:00", transform(("A", 20_000), ("B", 18_000))).unwrap();
    let (packed, _) = world.record_at("2026-11-21 08:00", transform(("B", 10_000), ("C", 9_000))).unwrap();
    world.record_at("2026-11-21 09:00", dispatch("S2", "SM2", &[("C", 9_000)])).unwrap();
    let (recalled, _) = world.record_at("2026-11-22 08:00", recall(&["A"])).unwrap();
    // Logged late: packed before the recall, born recalled.
    world.record_at("2026-11-21 10:00", transform(("B", 4_000), ("D", 4_000))).unwrap();
    // A truck on the road delivers it, received and held.
    assert_eq!(reason(world.record_at("2026-11-22 09:00", receive("S2", "SM2", &[]))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-22 10:00", sell("SM2", &[("C", 1_000)]))), "RECALLED");
    assert_eq!(reason(world.record_at("2026-11-22 10:00", dispatch("S3", "SM1", &[("D", 1_000)]))), "RECALLED");
    assert_eq!(reason(world.record_at("2026-11-22 10:00", transform(("B", 1_000), ("E", 1_000)))), "RECALLED");
    // Sold offline and reported later: a fact, and a violation.
    let (_, events) = world.report_at("2026-11-22 10:00", sell("SM2", &[("C", 1_000)])).unwrap();
    assert_eq!((events[0].violations[0].rule, events[0].violations[0].reason.as_str()), (6, "RECALLED"));
    world.record_at("2026-11-23 08:00", release(AUTHORITY, recalled)).unwrap();
    assert_eq!(reason(world.record_at("2026-11-23 10:00", sell("SM2", &[("C", 1_000)]))), "accepted");
    assert_eq!(reason(world.mend(COOP, void(packed))), "IN_THE_WAY", "its goods are in a shop");
}

#[test]
fn rule_6_what_was_not_made_of_a_recalled_lot_after_all_is_free() {
    let mut world = stocked();
    world.record_at("2026-11-20 07:00", harvest("X", 50_000)).unwrap();
    let (wrong, _) = world.record_at("2026-11-21 07:00", transform(("A", 20_000), ("B", 18_000))).unwrap();
    world.record_at("2026-11-22 08:00", recall(&["A"])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 09:00", dispatch("S3", "SM1", &[("B", 1_000)]))), "RECALLED");
    let of_x = Transform { inputs: vec![line("X", 20_000)], ..transform_of(("A", 20_000), ("B", 18_000)) };
    world.mend(COOP, correct(wrong, Action::Transform(of_x))).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 09:00", dispatch("S3", "SM1", &[("B", 1_000)]))), "accepted");
}

fn transform_of(input: (&str, i64), output: (&str, i64)) -> Transform {
    let Action::Transform(transform) = transform(input, output) else { unreachable!("it is one") };
    transform
}

#[test]
fn a_recall_of_lots_made_of_each_other_ends() {
    let mut world = stocked();
    // B and C stand from before the book; then each is made of the other.
    for lot in ["B", "C"] {
        world.record_at("2026-11-20", open("FA1", lot, 10_000)).unwrap();
    }
    world.record_at("2026-11-21 07:00", transform(("B", 1_000), ("C", 1_000))).unwrap();
    let (circle, _) = world.record_at("2026-11-21 08:00", transform(("C", 1_000), ("B", 1_000))).unwrap();
    world.record_at("2026-11-22 08:00", recall(&["B"])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 09:00", dispatch("S3", "SM1", &[("C", 1_000)]))), "RECALLED");
    world.mend(COOP, void(circle)).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 09:00", dispatch("S3", "SM1", &[("C", 1_000)]))), "RECALLED");
}

#[test]
fn a_hold_recorded_in_error_never_was() {
    let mut world = stocked();
    let (held, _) = world.record_at("2026-11-22 08:00", hold("", &["A"])).unwrap();
    world.mend(COOP, void(held)).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 09:00", sell("SM1", &[("A", 1_000)]))), "accepted");
    let (held, _) = world.record_at("2026-11-22 10:00", hold("", &["A"])).unwrap();
    let command = world.command(at("2026-11-22 11:00"), release("", held), false);
    let (released, _) = world.send(COOP, command).unwrap();
    world.mend(COOP, void(released)).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 12:00", sell("SM1", &[("A", 1_000)]))), "HELD");
}

#[test]
fn a_consumer_brings_back_the_very_lot_also_where_nothing_of_it_stands() {
    let mut world = stocked();
    world.record_at("2026-11-22 08:00", sell("SM1", &[("A", 40_000)])).unwrap();
    world.record_at("2026-11-23 08:00", bring_back("SM1", &[("A", 1_000)])).unwrap();
    assert_eq!(world.held("A", "SM1"), 1_000);
    world.record_at("2026-11-23 09:00", recall(&["A"])).unwrap();
    world.record_at("2026-11-25 10:00", bring_back("SM1", &[("A", 2_000)])).unwrap();
    assert_eq!(world.held("A", "SM1"), 3_000, "recalled and expired goods come back all the more");
    assert_eq!(world.books().values().sum::<i64>(), 0);
}

#[test]
fn goods_go_back_and_forth_and_every_lot_stays_itself() {
    let mut world = stocked();
    world.record_at("2026-11-21 20:00", dispatched_from("SM1", "R1", "FA1", &[("A", 40_000)])).unwrap();
    let back = ShipmentReference::Named { issuer: SHOP.into(), code: "R1".into() };
    let receipt = Action::Receive(Receive { shipment: back, site: "FA1".into(), extent: Extent::Everything });
    let command = world.command(at("2026-11-22 05:00"), receipt, false);
    world.send(COOP, command).unwrap();
    world.record_at("2026-11-22 20:00", dispatch("S1", "SM1", &[("A", 40_000)])).unwrap();
    world.record_at("2026-11-23 05:00", receive("S1", "SM1", &[])).unwrap();
    assert_eq!((world.held("A", "SM1"), world.held("A", "FA1")), (40_000, 60_000));
}

#[test]
fn a_cancelled_shipment_is_back_where_it_left_and_a_lost_one_nowhere() {
    let mut world = stocked();
    world.record_at("2026-11-21 20:00", dispatch("S1", "SM1", &[("A", 20_000)])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-21 19:00", cancel("S1", &[]))), "BEFORE_DISPATCH");
    let command = world.command(at("2026-11-21 21:00"), cancel("S1", &[]), false);
    assert_eq!(reason(world.send(SHOP, command)), "NOT_YOUR_SITE");
    world.record_at("2026-11-21 21:00", cancel("S1", &[("A", 15_000)])).unwrap();
    assert_eq!((world.held("A", "FA1"), world.in_transit("A", "S1")), (55_000, 5_000));
    let lost = Action::ReportShort(ReportShort { shipment: shipment("S1"), extent: Extent::Everything });
    let command = world.command(at("2026-11-21 22:00"), lost, false);
    world.send(COOP, command).unwrap();
    assert_eq!((world.held("A", "FA1"), world.in_transit("A", "S1")), (55_000, 0));
    assert_eq!(reason(world.record_at("2026-11-22 08:00", receive("S1", "SM1", &[]))), "ALREADY_RECEIVED");
    // What came back is dispatched again, not for the first time.
    let (_, events) = world.record_at("2026-11-22 09:00", dispatch("S2", "SM1", &[("A", 16_000)])).unwrap();
    let Fact::Dispatched(again) = &events[0].fact else { panic!("{events:?}") };
    assert_eq!(again.lines[0].redispatched, Milli(15_000));
    assert_eq!(world.books().values().sum::<i64>(), 0);
}

#[test]
fn a_logistic_unit_ships_as_a_whole() {
    let mut world = stocked();
    world.record_at("2026-11-20 07:00", harvest("B", 30_000)).unwrap();
    world.record_at("2026-11-21 08:00", pack("FA1", CRATE, &[("A", 10_000)], &[])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-21 08:00", pack("FA1", CRATE, &[("A", 60_000)], &[]))), "NOT_ENOUGH");
    world.record_at("2026-11-21 09:00", pack("FA1", PALLET, &[("B", 5_000)], &[CRATE])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-21 09:00", pack("FA1", CRATE, &[], &[PALLET]))), "MALFORMED", "a circle");
    let with = |sscc: &str, lines: &[(&str, i64)]| {
        let Action::Dispatch(it) = dispatch("P1", "SM1", lines) else { unreachable!("it is one") };
        Action::Dispatch(Dispatch { sscc: Some(sscc.into()), ..it })
    };
    assert_eq!(reason(world.record_at("2026-11-21 10:00", with(CRATE, &[]))), "UNIT_INSIDE");
    assert_eq!(reason(world.record_at("2026-11-21 10:00", with(PALLET, &[("A", 10_000)]))), "UNIT_NOT_WHOLE");
    world.record_at("2026-11-21 10:00", with(PALLET, &[])).unwrap();
    assert_eq!((world.in_transit("A", "P1"), world.in_transit("B", "P1")), (10_000, 5_000));
    assert_eq!(reason(world.record_at("2026-11-21 11:00", pack("FA1", PALLET, &[("B", 1_000)], &[]))), "UNIT_ELSEWHERE");
    assert_eq!(reason(world.record_at("2026-11-22 04:00", unpack("SM1", PALLET))), "UNIT_ELSEWHERE", "on the road");
    world.record_at("2026-11-22 05:00", receive("P1", "SM1", &[])).unwrap();
    world.record_at("2026-11-22 06:00", unpack("SM1", PALLET)).unwrap();
    let (_, events) = world.record_at("2026-11-22 07:00", unpack("SM1", CRATE)).unwrap();
    let Fact::Unpacked(crate_) = &events[0].fact else { panic!("{events:?}") };
    assert_eq!(crate_.lines[0].amount.quantity, Milli(10_000));
    assert_eq!(reason(world.record_at("2026-11-22 08:00", unpack("SM1", CRATE))), "MALFORMED", "empty");
}

#[test]
fn a_crate_that_nobody_took_in_is_back_where_it_left() {
    let mut world = stocked();
    world.record_at("2026-11-21 08:00", pack("FA1", CRATE, &[("A", 10_000)], &[])).unwrap();
    let with = |code: &str| {
        let Action::Dispatch(it) = dispatch(code, "SM1", &[]) else { unreachable!("it is one") };
        Action::Dispatch(Dispatch { sscc: Some(CRATE.into()), ..it })
    };
    world.record_at("2026-11-21 10:00", with("P1")).unwrap();
    world.record_at("2026-11-21 11:00", cancel("P1", &[])).unwrap();
    world.record_at("2026-11-21 12:00", with("P2")).unwrap();
    let extent = Extent::Everything;
    let refuse =
        RefuseDelivery { shipment: shipment("P2"), extent, reason: crate::event::RefusalReason::Quality, destroyed: false };
    world.record_at("2026-11-21 15:00", Action::RefuseDelivery(refuse)).unwrap();
    assert_eq!(reason(world.record_at("2026-11-21 20:00", unpack("FA1", CRATE))), "accepted");
}

#[test]
fn the_same_paper_is_recorded_once() {
    let mut world = stocked();
    let paper = |number: &str| Document { issuer: String::new(), kind: "PXK".into(), year: 2026, number: number.into() };
    let mut sent = |action: Action, number: &str| {
        let mut command = world.command(at("2026-11-22 08:00"), action, false);
        command.document = Some(paper(number));
        let outcome = world.send(COOP, command);
        (reason(outcome.clone()), outcome.ok().map(|(id, _)| id))
    };
    let (first, id) = sent(dispatch("S1", "SM1", &[("A", 5_000)]), "0123");
    assert_eq!(first, "accepted");
    assert_eq!(sent(dispatch("S2", "SM1", &[("A", 5_000)]), " 0123 ").0, "PAPER_USED", "a new id and code, the same slip");
    assert_eq!(sent(dispatch("S3", "SM1", &[("A", 5_000)]), "0124").0, "accepted");
    assert_eq!(sent(cancel("S1", &[]), "0123").0, "accepted", "another fact about the same slip");
    assert_eq!(sent(correct(id.unwrap(), dispatch("S1", "SM1", &[("A", 4_000)])), "0123").0, "IN_THE_WAY");
    let (_, other) = sent(dispatch("S5", "SM1", &[("A", 5_000)]), "0125");
    assert_eq!(sent(correct(other.unwrap(), dispatch("S5", "SM1", &[("A", 4_000)])), "0125").0, "accepted");
}

#[test]
#[rustfmt::skip] // Columns.
fn a_temperature_beyond_what_is_allowed_is_said_as_such() {
    let mut world = stocked();
    for (milli_celsius, range, finding) in [
        (8_000,   (Some(4_000), Some(10_000)), Finding::Conformant),
        (10_500,  (Some(4_000), Some(10_000)), Finding::NonConformant),
        (-18_500, (None,        Some(-18_000)), Finding::Conformant),
        (3_999,   (Some(4_000), None),          Finding::NonConformant),
        (20_000,  (None,        None),          Finding::Unspecified),
    ] {
        let (min_milli_celsius, max_milli_celsius) = range;
        let temperature = Some(Temperature { milli_celsius, min_milli_celsius, max_milli_celsius });
        let seen = observe(temperature, ObservationKind::Temperature);
        let (_, events) = world.record_at("2026-11-22 08:00", seen).unwrap();
        let Fact::Observed(observed) = &events[0].fact else { panic!("{events:?}") };
        assert_eq!(observed.finding, finding, "{milli_celsius} in {range:?}");
    }
    let hot = Some(Temperature { milli_celsius: 400_000, min_milli_celsius: None, max_milli_celsius: None });
    for (temperature, kind) in [(None, ObservationKind::Temperature), (hot, ObservationKind::Temperature)] {
        assert_eq!(reason(world.record_at("2026-11-22 08:00", observe(temperature, kind))), "MALFORMED");
    }
}

fn observe(temperature: Option<Temperature>, kind: ObservationKind) -> Action {
    Action::Observe(Observe {
        site: "SM1".into(),
        shipment: None,
        sscc: String::new(),
        lots: vec![named("A")],
        kind,
        what: "tủ mát 2".into(),
        reference: None,
        finding: Finding::Unspecified,
        temperature,
        treatment: None,
    })
}

#[test]
#[rustfmt::skip] // Columns.
fn a_treatment_names_its_plot_and_how_long_to_wait() {
    let mut world = stocked();
    for (kind, site, treatment, outcome) in [
        (ObservationKind::Treatment,  "FA1", Some(("Lô 7", 7)),   "accepted"),
        (ObservationKind::Treatment,  "FA1", Some(("Lô 7", 365)), "accepted"),
        (ObservationKind::Treatment,  "FA1", Some(("Lô 7", 366)), "MALFORMED"),
        (ObservationKind::Treatment,  "FA1", Some((" ", 7)),      "MALFORMED"),
        (ObservationKind::Treatment,  "FA1", None,                "MALFORMED"),
        (ObservationKind::Treatment,  "",    Some(("Lô 7", 7)),   "MALFORMED"),
        (ObservationKind::Inspection, "FA1", Some(("Lô 7", 7)),   "MALFORMED"),
    ] {
        let Action::Observe(seen) = observe(None, kind) else { unreachable!("it is one") };
        let treatment = treatment.map(|(plot, waiting_days)| Treatment { plot: plot.into(), waiting_days });
        let seen = Action::Observe(Observe { site: site.into(), treatment, ..seen });
        let command = world.command(at("2026-11-22 08:00"), seen, false);
        assert_eq!(reason(world.send(COOP, command)), outcome, "{kind:?} at {site:?}");
    }
}

#[test]
fn rule_12_a_discrepancy_is_resolved_by_whoever_recorded_it_or_the_authority() {
    let mut world = stocked();
    let (broken, _) = world.report_at("2026-11-22 08:00", sell("SM1", &[("A", 41_000)])).unwrap();
    let (fine, _) = world.record_at("2026-11-22 09:00", bring_back("SM1", &[("A", 1_000)])).unwrap();
    let resolve = |command: CommandId| {
        let command = CommandReference { organization: SHOP.into(), command };
        Action::Resolve(Resolve { command, resolution: "cân lại: 40 kg".into() })
    };
    for (by, command, outcome) in
        [(COOP, broken, "NOT_YOUR_COMMAND"), (SHOP, broken, "accepted"), (AUTHORITY, broken, "accepted")]
    {
        let command = world.command(at("2026-11-23 08:00"), resolve(command), false);
        assert_eq!(reason(world.send(by, command)), outcome, "{by}");
    }
    let command = world.command(at("2026-11-23 08:00"), resolve(fine), false);
    assert_eq!(reason(world.send(SHOP, command)), "NOTHING_TO_RESOLVE");
    let command = world.command(at("2026-11-23 08:00"), resolve(CommandId(uuid::Uuid::from_u128(9))), false);
    assert_eq!(reason(world.send(SHOP, command)), "NO_SUCH_COMMAND");
}

#[test]
#[rustfmt::skip] // Columns.
fn rule_14_pieces_and_weight_are_both_kept() {
    for (product, quantity, catch, outcome) in [
        ("PK1", 110_400, (5_000,   "con"),  "accepted"),
        ("PK1", 110_400, (5_500,   "con"),  "NOT_WHOLE"),
        ("PK1", 110_400, (110_400, "kg"),   "MALFORMED"),
        ("PK1", 110_400, (0,       "con"),  "QUANTITY_OUT_OF_BOUNDS"),
        ("PK1", 110_400, (1_000,   "bao"),  "MALFORMED"),
        ("PK2", 5_000,   (110_400, "kg"),   "accepted"),
        ("PK2", 5_000,   (1_104,   "tạ"),   "accepted"),
    ] {
        let mut world = World::new();
        let quantity = Quantity { catch: Some((Milli(catch.0), catch.1.into())), ..base(quantity) };
        let action = Action::Harvest(Harvest { site: "FA1".into(), lot: new_lot(product, "A"), quantity, plot: None, households: Vec::new() });
        let recorded = world.record_at("2026-11-20 06:00", action);
        if let Ok((_, events)) = &recorded {
            let Fact::Harvested(harvested) = &events[0].fact else { panic!("{events:?}") };
            assert!(harvested.amount.catch.is_some_and(|catch| catch.unit != crate::unit::BaseUnit::Litre));
        }
        assert_eq!(reason(recorded), outcome, "{product} {catch:?}");
    }
}

#[test]
#[rustfmt::skip] // Columns.
fn households_are_named_by_reference_and_their_parts_make_the_lot() {
    for (households, outcome) in [
        (&[("HO-017", Some(60_000)), ("HO-018", Some(40_000))][..], "accepted"),
        (&[("HO-017", Some(60_000)), ("HO-018", None)],             "accepted"),
        (&[("HO-017", Some(60_000)), ("HO-018", Some(30_000))],     "MALFORMED"),
        (&[("HO-017", Some(110_000)), ("HO-018", None)],            "MALFORMED"),
        (&[("HO-017", None), ("HO-017", None)],                     "MALFORMED"),
        (&[("0912345678", None)],                                   "MALFORMED"), // A phone number.
        (&[("Bà Tư", None)],                                        "MALFORMED"), // A name.
    ] {
        let mut world = World::new();
        let share = |(household, milli): &(&str, Option<i64>)| ((*household).into(), milli.map(base));
        let households_given = households.iter().map(share).collect();
        let action = Action::Harvest(Harvest { site: "FA1".into(), lot: new_lot("PK1", "A"), quantity: base(100_000), plot: None, households: households_given });
        assert_eq!(reason(world.record_at("2026-11-20 06:00", action)), outcome, "{households:?}");
    }
}

#[test]
#[rustfmt::skip] // Columns.
fn an_order_is_placed_once_and_served_only_where_it_was_placed() {
    let mut world = stocked();
    let id = world.record_at("2026-11-22 08:00", order("SM1", "O1", 30_000)).unwrap().0;
    for (action, outcome) in [
        (order("SM1", "O1", 30_000),                                          "ORDER_EXISTS"),
        (order("FA1", "O2", 30_000),                                          "NOT_YOUR_SITE"),
        (serving("O1", dispatch("S1", "SM1", &[("A", 2_000)])),               "accepted"),
        (serving("O1", dispatch("S2", "SM2", &[("A", 2_000)])),               "CONTRADICTION"),
        (serving("O3", dispatch("S2", "SM1", &[("A", 2_000)])),               "NO_ORDER"),
        (close_order("O1"),                                                   "accepted"),
        (close_order("O1"),                                                   "ORDER_CLOSED"),
        // What left that day, before it was closed or after, served it.
        (serving("O1", dispatch("S2", "SM1", &[("A", 1_000)])),               "accepted"),
    ] {
        let teller = if matches!(action, Action::PlaceOrder(_)) { SHOP } else { teller(&action) };
        let command = world.command(at("2026-11-22 09:00"), action.clone(), false);
        assert_eq!(reason(world.send(teller, command)), outcome, "{action:?}");
    }
    let late = serving("O1", dispatch("S3", "SM1", &[("A", 2_000)]));
    assert_eq!(reason(world.record_at("2026-11-23 09:00", late.clone())), "ORDER_CLOSED");
    // Voided it was never placed; its code is free again, and what was sent for it went somewhere all the same.
    world.record_at("2026-11-22 10:00", void(id)).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 10:00", order("SM1", "O1", 10_000))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-23 09:00", late)), "accepted", "nobody closed that one");
    assert_eq!(world.state.held(lot("A"), &Holder::Shipment(shipment_id("S1"))), Milli(2_000));
}

/// What is sent without a code of its own is known by the command's; a correction of it stays the same thing.
#[test]
fn what_is_corrected_keeps_the_code_that_it_was_given() {
    let mut world = stocked();
    let (placed, events) = world.record_at("2026-11-22 08:00", order("SM1", "", 30_000)).unwrap();
    let Fact::Ordered(ordered) = &events[0].fact else { panic!("{events:?}") };
    let (_, events) = world.record_at("2026-11-22 09:00", correct(placed, order("SM1", "", 20_000))).unwrap();
    let Fact::Ordered(corrected) = &events[1].fact else { panic!("{events:?}") };
    assert_eq!((corrected.order, &corrected.code), (ordered.order, &ordered.code));
    let (sent, events) = world.record_at("2026-11-22 10:00", dispatch("", "SM1", &[("A", 5_000)])).unwrap();
    let Fact::Dispatched(dispatched) = &events[0].fact else { panic!("{events:?}") };
    let shipment = dispatched.shipment;
    let (_, events) = world.record_at("2026-11-22 10:30", correct(sent, dispatch("", "SM1", &[("A", 4_000)]))).unwrap();
    let Fact::Dispatched(corrected) = &events[1].fact else { panic!("{events:?}") };
    assert_eq!(corrected.shipment, shipment);
}

#[test]
#[rustfmt::skip] // Columns.
fn a_code_is_issued_by_who_speaks_for_the_lot_and_revoked_once() {
    let mut world = stocked();
    let (id, events) = world.record_at("2026-11-22 08:00", issue_code("A")).unwrap();
    let Fact::CodeIssued(issued) = &events[0].fact else { panic!("{events:?}") };
    assert_eq!((&issued.code, issued.lot), (&crate::id::TraceCode::derive(&organization(COOP), id), Some(lot("A"))));
    let code = issued.code.to_string();
    let all_of = |product: &str| Action::IssueCode(IssueCode { product: product.into(), lot: None });
    let other = Action::IssueCode(IssueCode { product: "PK2".into(), lot: Some(named("A")) });
    for (by, action, outcome) in [
        (SHOP,      issue_code("A"),                 "NOT_YOUR_LOT"),
        (COOP,      issue_code("Z"),                 "UNKNOWN"),
        (COOP,      other,                           "CONTRADICTION"),
        (COOP,      all_of(""),                      "MALFORMED"),
        (COOP,      all_of("PK1"),                   "accepted"),
        (SHOP,      count_scans(&code, 3),           "NOT_THE_AUTHORITY"),
        (AUTHORITY, count_scans(&code, 3),           "accepted"),
        (AUTHORITY, count_scans(&code, 0),           "MALFORMED"),
        (AUTHORITY, count_scans("000000000000", 3),  "UNKNOWN"),
        (AUTHORITY, count_scans("0000", 3),          "BAD_CODE"),
        (SHOP,      revoke_code(&code),              "NOT_YOUR_COMMAND"),
        (COOP,      revoke_code(&code),              "accepted"),
        (COOP,      revoke_code(&code),              "CONTRADICTION"),
        // A revoked code is scanned all the more.
        (AUTHORITY, count_scans(&code, 3),           "accepted"),
    ] {
        let command = world.command(at("2026-11-22 09:00"), action.clone(), false);
        assert_eq!(reason(world.send(by, command)), outcome, "{by} {action:?}");
    }
    // Corrected it keeps what is printed; voided nobody issued it.
    let (_, events) = world.record_at("2026-11-22 10:00", correct(id, issue_code("A"))).unwrap();
    let Fact::CodeIssued(corrected) = &events[1].fact else { panic!("{events:?}") };
    assert_eq!(corrected.code.to_string(), code);
}

/// Whoever gives a notice gives the same, and only the authority does: its command has the id of its key.
#[test]
#[rustfmt::skip] // Columns.
fn a_notice_is_given_once_by_the_authority_and_names_what_it_is_about() {
    let mut world = stocked();
    let give = |change: fn(&mut GiveNotice)| {
        let mut give = notice("SM1", "A");
        change(&mut give);
        give
    };
    let known = |give: &GiveNotice| CommandId::of_notice(&give.key);
    for (teller, give, outcome) in [
        (SHOP,      give(|_| ()),                                                    "NOT_THE_AUTHORITY"),
        (AUTHORITY, give(|give| give.key = "expiry".into()),                         "MALFORMED"),
        (AUTHORITY, give(|give| give.key = "expiry/".into()),                        "MALFORMED"),
        (AUTHORITY, give(|give| give.key = "recall/A".into()),                       "MALFORMED"),
        (AUTHORITY, give(|give| give.key = format!("expiry/{}", "x".repeat(2_000))), "MALFORMED"),
        (AUTHORITY, give(|give| give.site.clear()),                                  "MALFORMED"),
        (AUTHORITY, give(|give| give.day = None),                                    "MALFORMED"),
        (AUTHORITY, give(|give| give.product = "PK2".into()),                        "MALFORMED"),
        (AUTHORITY, give(|give| give.site = "SM9".into()),                           "UNKNOWN"),
        (AUTHORITY, give(|give| give.lot = Some(named("Z"))),                        "UNKNOWN"),
        (AUTHORITY, give(|_| ()),                                                    "accepted"),
        (AUTHORITY, give(|_| ()),                                                    "accepted"), // The same again.
        (AUTHORITY, give(|give| give.days = Some(0)),                                "OTHER_CONTENT"),
    ] {
        let command = world.command(at("2026-11-22"), Action::GiveNotice(give.clone()), false);
        let command = Command { id: known(&give), ..command };
        assert_eq!(reason(world.send(teller, command)), outcome, "{teller} {give:?}");
    }
    let given: Vec<_> = world.journal.iter().flat_map(|it| &it.events).filter_map(|event| match &event.fact {
        Fact::NoticeGiven(notice) => Some(notice),
        _ => None,
    }).collect();
    let [given] = given.as_slice() else { panic!("{given:?}") };
    let about = (given.lot, given.product.as_ref().map(|it| it.as_str()), given.chain.as_ref().map(|it| it.as_str()));
    assert_eq!(about, (Some(lot("A")), Some("PK1"), Some("CH1")));

    // Under any other id it could be given twice; and whoever was told was told.
    assert_eq!(reason(world.record_at("2026-11-22", Action::GiveNotice(give(|_| ())))), "MALFORMED");
    let id = known(&give(|_| ()));
    assert_eq!(reason(world.mend(AUTHORITY, void(id))), "NOT_VOIDABLE");
}
