//! Tables of what happens and what comes of it: one story for each rule, in the words of those whom it met.

use crate::event::{CountBasis, Event, Fact};
use crate::refusal::Refusal;
use crate::world::*;

/// A farm with a lot of 100 kg, and a shop that received so much of it.
fn stocked(at_shop: i64) -> World {
    let mut world = World::new();
    world.record_at("2026-11-20 06:00", harvest("A", 100_000)).unwrap();
    if at_shop > 0 {
        world.record_at("2026-11-20 20:00", dispatch("S0", "SM1", &[("A", at_shop)])).unwrap();
        world.record_at("2026-11-21 05:00", receive("S0", "SM1", &[])).unwrap();
    }
    world
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.reason(), |_| "accepted")
}

#[test]
#[rustfmt::skip] // Columns.
fn rule_2_a_site_gives_no_more_than_it_holds() {
    // held, lines of one lot, refused: (there, asked)
    for (held, lines, refused) in [
        (5_000, &[5_000][..],    None),
        (5_000, &[5_001],        Some((5_000, 5_001))),
        (5_000, &[3_000, 3_000], Some((5_000, 6_000))), // Together, not each.
        (0,     &[1_000],        Some((0, 1_000))),
    ] {
        let mut world = stocked(held);
        let lines: Vec<_> = lines.iter().map(|milli| ("A", *milli)).collect();
        let outcome = world.record_at("2026-11-21 09:00", sell("SM1", &lines));
        let seen = match outcome { Err(Refusal::NotEnough { there, asked, .. }) => Some((there.0, asked.0)), other => { other.unwrap(); None } };
        assert_eq!(seen, refused, "held {held}, lines {lines:?}");
    }
}

#[test]
fn rule_2_a_late_sale_may_not_hollow_out_a_later_day() {
    let mut world = stocked(10_000);
    world.record_at("2026-11-23 09:00", sell("SM1", &[("A", 8_000)])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-22 09:00", sell("SM1", &[("A", 3_000)]))), "NOT_ENOUGH");
    world.record_at("2026-11-22 09:00", sell("SM1", &[("A", 2_000)])).unwrap();
    assert_eq!(world.held("A", "SM1"), 0);
}

#[test]
fn rule_2_goods_known_to_the_day_come_in_before_they_go_out() {
    for order in [[0, 1], [1, 0]] {
        let mut world = stocked(0);
        world.record_at("2026-11-20", dispatch("S1", "SM1", &[("A", 5_000)])).unwrap();
        let steps = [("2026-11-21", receive("S1", "SM1", &[])), ("2026-11-21", sell("SM1", &[("A", 5_000)]))];
        let outcomes = order.map(|index| world.report_at(steps[index].0, steps[index].1.clone()).map(|(_, events)| events.len()));
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(world.held("A", "SM1"), 0, "order {order:?}");
    }
}

#[test]
fn rule_4_the_future_is_refused_and_any_past_is_welcome() {
    let mut world = World::new();
    assert_eq!(reason(world.record_at("2026-11-25 12:05", harvest("A", 1_000))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-25 12:06", harvest("B", 1_000))), "IN_THE_FUTURE");
    assert_eq!(reason(world.record_at("2026-11-26", harvest("B", 1_000))), "IN_THE_FUTURE");
    assert_eq!(reason(world.record_at("2020-01-02", harvest("B", 1_000))), "accepted");
    assert_eq!(reason(world.record_at("2019-12-31", harvest("C", 1_000))), "NOT_YET_KNOWN");
}

#[test]
#[rustfmt::skip] // Columns.
fn rule_5_partial_receipts_surplus_and_twice_received() {
    // sent, receipts, then: at the shop, in transit, last outcome
    for (sent, receipts, at_shop, in_transit, last) in [
        (100_000, &[30_000, 30_000, 40_000][..], 100_000, 0,      "accepted"),
        (100_000, &[30_000, 30_000],             60_000,  40_000, "accepted"),
        (25_000,  &[30_000],                     30_000,  0,      "accepted"), // 25 received, 5 found.
        (25_000,  &[24_000],                     24_000,  1_000,  "accepted"),
        (25_000,  &[25_000, 25_000],             25_000,  0,      "ALREADY_RECEIVED"),
        (25_000,  &[20_000, 6_000],              20_000,  5_000,  "MORE_THAN_OPEN"),
    ] {
        let mut world = stocked(0);
        world.record_at("2026-11-20 20:00", dispatch("S1", "SM1", &[("A", sent)])).unwrap();
        let mut outcome = "accepted";
        for milli in receipts { outcome = reason(world.record_at("2026-11-21 05:00", receive("S1", "SM1", &[("A", *milli)]))); }
        assert_eq!((world.held("A", "SM1"), world.in_transit("A", "S1"), outcome), (at_shop, in_transit, last), "{sent} sent, {receipts:?}");
    }
}

#[test]
fn rule_5_a_surplus_is_said_beside_the_receipt() {
    let mut world = stocked(0);
    world.record_at("2026-11-20 20:00", dispatch("S1", "SM1", &[("A", 25_000)])).unwrap();
    let (_, events) = world.record_at("2026-11-21 05:00", receive("S1", "SM1", &[("A", 30_000)])).unwrap();
    let surplus = |event: &Event| match &event.fact {
        Fact::Counted(counted) if counted.basis == CountBasis::Surplus => counted.lines[0].variance.0,
        _ => 0,
    };
    assert_eq!(events.iter().map(surplus).sum::<i64>(), 5_000);
}

#[test]
fn rule_5_a_shipment_is_received_where_it_goes_after_it_left() {
    let mut world = stocked(0);
    world.record_at("2026-11-20 20:00", dispatch("S1", "SM1", &[("A", 25_000)])).unwrap();
    assert_eq!(reason(world.record_at("2026-11-21 05:00", receive("S1", "SM2", &[]))), "NOT_THE_DESTINATION");
    assert_eq!(reason(world.record_at("2026-11-20 19:59", receive("S1", "SM1", &[]))), "BEFORE_DISPATCH");
    assert_eq!(reason(world.record_at("2026-11-19", receive("S1", "SM1", &[]))), "BEFORE_DISPATCH");
    let command = world.command(at("2026-11-21 05:00"), receive("S1", "SM1", &[]), false);
    assert_eq!(reason(world.send(OTHER_COOP, command)), "NOT_YOUR_SITE");
}

#[test]
fn rule_7_an_expired_lot_is_wasted_not_sold() {
    let mut world = stocked(10_000); // Harvested on the 20th, keeps 4 days.
    assert_eq!(reason(world.record_at("2026-11-25 09:00", sell("SM1", &[("A", 1_000)]))), "EXPIRED");
    assert_eq!(reason(world.record_at("2026-11-25 09:00", sell_product("SM1", 1_000))), "NOT_ENOUGH_OF_PRODUCT");
    assert_eq!(reason(world.record_at("2026-11-24 21:00", sell("SM1", &[("A", 1_000)]))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-25 09:00", waste("SM1", &[("A", 9_000)]))), "accepted");
}

#[test]
fn rule_8_a_receipt_of_300_typed_for_30_is_corrected_although_20_are_sold() {
    let mut world = World::new();
    world.record_at("2026-11-20 06:00", harvest("A", 400_000)).unwrap();
    world.record_at("2026-11-20 20:00", dispatch("S1", "SM1", &[("A", 300_000)])).unwrap();
    let (typed, _) = world.record_at("2026-11-21 05:00", receive("S1", "SM1", &[("A", 300_000)])).unwrap();
    world.record_at("2026-11-21 09:00", sell("SM1", &[("A", 20_000)])).unwrap();
    // A void alone would take 300 away of which 20 are sold.
    let refused = world.mend(SHOP, void(typed));
    let Err(Refusal::InTheWay { in_the_way, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(in_the_way.len(), 1);
    let unknown = world.mend(SHOP, correct(typed, receive("S1", "SM9", &[("A", 30_000)]))).unwrap_err();
    assert_eq!(unknown.field(), Some("correct.receive.site"), "the path begins where the request does");
    world.mend(SHOP, correct(typed, receive("S1", "SM1", &[("A", 30_000)]))).unwrap();
    assert_eq!((world.held("A", "SM1"), world.in_transit("A", "S1")), (10_000, 270_000));
    assert_eq!(reason(world.mend(SHOP, void(typed))), "ALREADY_VOIDED");
}

#[test]
fn what_stands_in_a_commands_place_takes_over_its_time_only_where_that_suits_it() {
    let mut world = stocked(30_000);
    let (sold, _) = world.record_at("2026-11-22", sell("SM1", &[("A", 1_000)])).unwrap();
    let (counted, _) = world.record_at("2026-11-22 closing", count("SM1", &[("A", 29_000)])).unwrap();
    for (original, replacement) in [(sold, count("SM1", &[("A", 29_000)])), (counted, sell("SM1", &[("A", 1_000)]))] {
        let refused = world.mend(SHOP, correct(original, replacement)).unwrap_err();
        assert_eq!(refused.field(), Some("correct.when"), "{refused}");
    }
    world.mend(SHOP, correct(sold, sell("SM1", &[("A", 2_000)]))).unwrap();
    assert_eq!(world.held("A", "SM1"), 29_000, "counted after closing");
}

#[test]
fn rule_9_strangers_to_a_chain_and_to_a_site_are_refused() {
    let mut world = stocked(0);
    let elsewhere = world.command(at("2026-11-20"), dispatch("S9", "FA2", &[("A", 1_000)]), false);
    assert_eq!(reason(world.send(COOP, elsewhere)), "NOT_IN_CHAIN");
    let stranger = world.command(at("2026-11-20"), harvest("B", 1_000), false);
    assert_eq!(reason(world.send(OTHER_COOP, stranger)), "NOT_YOUR_SITE");
}

#[test]
fn rule_10_names_are_found_without_marks_and_never_guessed() {
    let world = World::new();
    let products = &world.state.registry().products;
    let day = crate::time::BusinessDay::of("2026-11-25".parse().unwrap());
    let found = |name: &str| products.find("product", name, day).map(|product| product.code.to_string());
    assert_eq!(found("rau muong").as_deref(), Ok("PK1"));
    assert_eq!(found("Ba\u{0306}\u{0301}p ca\u{0309}i ti\u{0301}m").as_deref(), Ok("PK2"), "decomposed");
    assert_eq!(found("bắp cải tim").as_deref(), Ok("PK3"));
    let Err(Refusal::Ambiguous { candidates, .. }) = found("bap cai tim") else { panic!() };
    assert_eq!(candidates.len(), 2);
    let Err(Refusal::Unknown { nearest, .. }) = found("rau mong") else { panic!() };
    assert_eq!(nearest, ["PK1 (Rau muống)"]);
}

#[test]
fn rule_11_a_count_stands_whatever_arrives_later() {
    let mut world = World::new();
    world.record_at("2026-11-20 06:00", open("SM1", "A", 7_000_000)).unwrap();
    world.record_at("2026-11-20 10:00", sell("SM1", &[("A", 700_000)])).unwrap();
    world.record_at("2026-11-21 opening", count("SM1", &[("A", 6_200_000)])).unwrap();
    assert_eq!(world.held("A", "SM1"), 6_200_000);
    // Late: shipped and received before the count.
    world.record_at("2026-11-19 06:00", harvest("A", 56_000)).unwrap();
    world.record_at("2026-11-19 20:00", dispatch("S1", "SM1", &[("A", 56_000)])).unwrap();
    let (_, events) = world.record_at("2026-11-20 05:00", receive("S1", "SM1", &[])).unwrap();
    assert_eq!(world.held("A", "SM1"), 6_200_000);
    let restated = |event: &Event| match &event.fact {
        Fact::CountRestated(restated) => restated.variance_change.0,
        _ => 0,
    };
    assert_eq!(events.iter().map(restated).sum::<i64>(), -56_000);
    // What happens after the count moves the stock.
    world.record_at("2026-11-21 10:00", sell("SM1", &[("A", 200_000)])).unwrap();
    assert_eq!(world.held("A", "SM1"), 6_000_000);
}

#[test]
fn rule_11_a_count_by_product_takes_missing_goods_first_expired_first() {
    let mut world = World::new();
    world.record_at("2026-11-20 06:00", harvest("A", 10_000)).unwrap();
    world.record_at("2026-11-21 06:00", harvest("B", 10_000)).unwrap();
    world.record_at("2026-11-21 20:00", dispatch("S1", "SM1", &[("A", 5_000), ("B", 5_000)])).unwrap();
    world.record_at("2026-11-22 05:00", receive("S1", "SM1", &[])).unwrap();
    world.record_at("2026-11-22 closing", count_product("SM1", 7_000)).unwrap();
    assert_eq!((world.held("A", "SM1"), world.held("B", "SM1")), (2_000, 5_000));
    assert_eq!(reason(world.record_at("2026-11-22 closing", count("SM1", &[("A", 1_000)]))), "COUNTED_ALREADY");
    // A lot that comes to light as received before the count stands at nothing: seven were there, whatever they were.
    world.record_at("2026-11-21 07:00", harvest("C", 3_000)).unwrap();
    world.record_at("2026-11-21 21:00", dispatch("S2", "SM1", &[("C", 3_000)])).unwrap();
    world.record_at("2026-11-22 06:00", receive("S2", "SM1", &[])).unwrap();
    assert_eq!(world.held("A", "SM1") + world.held("B", "SM1") + world.held("C", "SM1"), 7_000);
}

#[test]
fn rule_12_a_receipt_that_nobody_dispatched_waits_for_its_dispatch() {
    let mut world = World::new();
    assert_eq!(reason(world.record_at("2026-11-21 05:00", receive("S1", "SM1", &[("A", 12_000)]))), "UNKNOWN");
    world.report_at("2026-11-21 05:00", receive("S1", "SM1", &[("A", 12_000)])).unwrap();
    assert_eq!(world.held("A", "SM1"), 12_000);
    world.record_at("2026-11-20 06:00", harvest("A", 50_000)).unwrap();
    world.record_at("2026-11-20 20:00", dispatch("S1", "SM1", &[("A", 10_000)])).unwrap();
    assert_eq!((world.held("A", "SM1"), world.in_transit("A", "S1"), world.held("A", "FA1")), (12_000, 0, 40_000));
}

#[test]
fn a_lot_is_begun_once_and_opened_once_a_shop() {
    let mut world = stocked(0);
    assert_eq!(reason(world.record_at("2026-11-21", harvest("A", 1_000))), "LOT_BEGUN");
    assert_eq!(reason(world.record_at("2026-11-20", open("SM1", "A", 1_000))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-20", open("SM1", "A", 1_000))), "LOT_OPENED");
    assert_eq!(reason(world.record_at("2026-11-20", open("SM2", "A", 1_000))), "accepted");
}

#[test]
fn packing_begins_lots_as_old_as_their_inputs() {
    let mut world = stocked(0);
    let (_, events) = world.record_at("2026-11-21 07:00", transform(("A", 60_000), ("P", 55_000))).unwrap();
    let Fact::Transformed(transformed) = &events[0].fact else { panic!("{events:?}") };
    let made = &transformed.outputs[0].0;
    assert_eq!(made.harvest_day.unwrap().to_string(), "2026-11-20");
    assert_eq!(made.expiry.unwrap().to_string(), "2026-11-25");
    assert_eq!((world.held("A", "FA1"), world.held("P", "FA1")), (40_000, 55_000));
}
