//! Stories of a registry that changes: shops that close, codes that turn out to be one, numbers that move, shops that change hands.

use crate::command::*;
use crate::event::registry::*;
use crate::event::{Event, Fact};
use crate::id::*;
use crate::refusal::Refusal;
use crate::state::Holder;
use crate::time::BusinessDay;
use crate::unit::BaseUnit;
use crate::world::*;

fn reason<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.reason(), |_| "accepted")
}

fn product(code: &str) -> ProductCode {
    ProductCode::parse(code).unwrap()
}

fn register(world: &mut World, from: &str, fact: RegistryFact) -> &'static str {
    reason(world.record_at(from, Action::Register(fact)))
}

fn retired(thing: ThingRef) -> RegistryFact {
    RegistryFact::Retired(Retirement { thing, reason: "đóng cửa".into() })
}

fn reinstated(thing: ThingRef) -> RegistryFact {
    RegistryFact::Reinstated(Retirement { thing, reason: "mở lại".into() })
}

fn merged(duplicate: ThingRef, survivor: ThingRef) -> RegistryFact {
    RegistryFact::DuplicateMerged(DuplicateMerged { duplicate, survivor, reason: "trùng".into() })
}

fn shop(code: &str, name: &str, by: &str) -> RegistryFact {
    RegistryFact::Site(Site {
        code: site(code),
        name: name.into(),
        kind: SiteKind::Supermarket,
        organization: organization(by),
        district: DistrictCode::parse("001").unwrap(),
        gln: None,
        latitude_e6: 0,
        longitude_e6: 0,
    })
}

fn retailer(code: &str) -> RegistryFact {
    RegistryFact::Organization(Organization {
        code: organization(code),
        name: format!("Bán lẻ {code}"),
        kind: OrganizationKind::Retailer,
        gln: None,
    })
}

/// Another product that may turn out to be PK1.
fn vegetable(world: &World, code: &str, base_unit: BaseUnit) -> RegistryFact {
    let known = world.state.registry().products.latest(&product("PK1")).unwrap();
    RegistryFact::Product(Product { code: product(code), name: format!("Rau {code}"), base_unit, ..(**known).clone() })
}

fn joined(chain: &str, member: Member) -> RegistryFact {
    RegistryFact::MemberJoined(Membership { chain: ChainCode::parse(chain).unwrap(), member, is_primary: false })
}

/// Lot A: 100 kg harvested on the 20th, 10 of them at SM1, 5 on the road to it.
fn stocked() -> World {
    let mut world = World::new();
    world.record_at("2026-11-20 06:00", harvest("A", 100_000)).unwrap();
    world.record_at("2026-11-20 20:00", dispatch("S0", "SM1", &[("A", 10_000)])).unwrap();
    world.record_at("2026-11-21 05:00", receive("S0", "SM1", &[])).unwrap();
    world.record_at("2026-11-21 06:00", dispatch("S1", "SM1", &[("A", 5_000)])).unwrap();
    world
}

fn by(world: &mut World, who: &str, when: &str, action: Action) -> &'static str {
    let command = world.command(at(when), action, false);
    reason(world.send(who, command))
}

fn refuse(code: &str) -> Action {
    Action::RefuseDelivery(RefuseDelivery {
        shipment: shipment(code),
        extent: Extent::Everything,
        reason: crate::event::RefusalReason::Late,
        destroyed: false,
    })
}

#[test]
#[rustfmt::skip] // Columns.
fn what_is_retired_takes_no_new_goods_and_lets_go_of_those_it_has() {
    let (shop, farm) = (|| ThingRef::Site(site("SM1")), || ThingRef::Site(site("FA1")));
    let chain = || ThingRef::Chain(ChainCode::parse("CH1").unwrap());
    let of = |code: &str| ThingRef::Organization(organization(code));
    // Retired from the 22nd on; what happens when, and its outcome.
    for (thing, when, action, outcome) in [
        (shop(), "2026-11-22 09:00", dispatch("S9", "SM1", &[("A", 1_000)]), "RETIRED"),
        (shop(), "2026-11-21 09:00", dispatch("S9", "SM1", &[("A", 1_000)]), "accepted"), // A late entry from before.
        (shop(), "2026-11-22 09:00", receive("S1", "SM1", &[]),              "RETIRED"),
        (shop(), "2026-11-22 09:00", refuse("S1"),                           "accepted"),
        (shop(), "2026-11-22 09:00", open("SM1", "B", 1_000),                "RETIRED"),
        (shop(), "2026-11-22 09:00", sell("SM1", &[("A", 1_000)]),           "accepted"),
        (shop(), "2026-11-22 09:00", sell_product("SM1", 1_000),             "accepted"),
        (shop(), "2026-11-22 09:00", waste("SM1", &[("A", 1_000)]),          "accepted"),
        (shop(), "2026-11-22 09:00", count("SM1", &[("A", 9_000)]),          "accepted"),
        (farm(), "2026-11-22 09:00", harvest("B", 1_000),                    "RETIRED"),
        (farm(), "2026-11-22 09:00", transform(("A", 1_000), ("B", 1_000)),  "RETIRED"),
        (farm(), "2026-11-22 09:00", dispatch("S9", "SM2", &[("A", 1_000)]), "accepted"),
        (ThingRef::Product(product("PK1")), "2026-11-22 09:00", harvest("B", 1_000),                    "RETIRED"),
        (ThingRef::Product(product("PK1")), "2026-11-22 09:00", dispatch("S9", "SM2", &[("A", 1_000)]), "accepted"),
        (ThingRef::Product(product("PK1")), "2026-11-22 09:00", sell_product("SM1", 1_000),             "accepted"),
        (chain(),    "2026-11-22 09:00", harvest("B", 1_000),                    "RETIRED"),
        (chain(),    "2026-11-22 09:00", receive("S1", "SM1", &[]),              "accepted"),
        (of(COOP),   "2026-11-22 09:00", harvest("B", 1_000),                    "RETIRED"),
        (of(COOP),   "2026-11-22 09:00", dispatch("S9", "SM2", &[("A", 1_000)]), "accepted"),
        (of(SHOP),   "2026-11-22 09:00", receive("S1", "SM1", &[]),              "RETIRED"),
        (of(SHOP),   "2026-11-22 09:00", dispatch("S9", "SM2", &[("A", 1_000)]), "RETIRED"), // To a shop of it.
        (of(SHOP),   "2026-11-22 09:00", sell("SM1", &[("A", 1_000)]),           "accepted"),
    ] {
        let mut world = stocked();
        assert_eq!(register(&mut world, "2026-11-22", retired(thing.clone())), "accepted");
        assert_eq!(reason(world.record_at(when, action.clone())), outcome, "{thing:?} retired, {action:?} on {when}");
        assert_eq!(register(&mut world, "2026-11-23", reinstated(thing.clone())), "accepted");
        if outcome == "RETIRED" {
            let later = world.clone().record_at("2026-11-23 09:00", action.clone());
            assert_eq!(reason(later), "accepted", "{thing:?} in use again, {action:?}");
        }
    }
}

#[test]
fn a_retired_shop_says_since_when_and_a_report_of_facts_is_recorded_and_marked() {
    let mut world = stocked();
    register(&mut world, "2026-11-22", retired(ThingRef::Site(site("SM1"))));
    let refusal = world.record_at("2026-11-23 09:00", receive("S1", "SM1", &[])).unwrap_err();
    assert!(refusal.to_string().starts_with("site SM1 (Cơ sở SM1) is retired since 2026-11-22, and no goods come to it on"));
    let (_, events) = world.report_at("2026-11-23 09:00", receive("S1", "SM1", &[])).unwrap();
    assert_eq!(events[0].violations.iter().map(|it| (it.rule, it.reason.as_str())).collect::<Vec<_>>(), [(9, "RETIRED")]);
    // What a door turned away comes back to where it left, retired or not.
    let mut world = stocked();
    register(&mut world, "2026-11-22", retired(ThingRef::Site(site("FA1"))));
    let (id, _) = world.record_at("2026-11-22 09:00", refuse("S1")).unwrap();
    let back = ShipmentReference::Id(ShipmentId::of_return(&organization(SHOP), id).0);
    let receive = Receive { shipment: back, site: String::new(), extent: Extent::Everything };
    assert_eq!(by(&mut world, COOP, "2026-11-22 20:00", Action::Receive(receive)), "accepted");
    assert_eq!(world.held("A", "FA1"), 90_000);
}

#[test]
#[rustfmt::skip] // Columns.
fn facts_that_contradict_what_is_retired_or_merged_are_refused() {
    let (sm1, sm2) = (|| ThingRef::Site(site("SM1")), || ThingRef::Site(site("SM2")));
    let (pk1, pk2) = (|| ThingRef::Product(product("PK1")), || ThingRef::Product(product("PK2")));
    let dv1 = || ThingRef::Organization(organization(SHOP));
    let ch = |code: &str| ThingRef::Chain(ChainCode::parse(code).unwrap());
    let world = World::new();
    for (before, fact, outcome) in [
        (vec![],                    retired(ThingRef::Site(site("SM9"))),                         "UNKNOWN"),
        (vec![retired(sm1())],      retired(sm1()),                                               "CONTRADICTION"),
        (vec![],                    reinstated(sm1()),                                            "CONTRADICTION"),
        (vec![],                    retired(ThingRef::Organization(organization(AUTHORITY))),     "CONTRADICTION"),
        (vec![retired(dv1())],      shop("SM9", "Siêu thị mới", SHOP),                            "CONTRADICTION"),
        (vec![retired(ch("CH1"))],  joined("CH1", Member::Product(product("PK3"))),               "CONTRADICTION"),
        (vec![],                    merged(sm2(), sm1()),                                         "accepted"),
        (vec![],                    merged(sm1(), sm1()),                                         "CONTRADICTION"),
        (vec![merged(sm2(), sm1())], merged(sm1(), sm2()),                                        "CONTRADICTION"), // A circle.
        (vec![merged(sm2(), sm1())], merged(sm2(), ThingRef::Site(site("FA1"))),                  "CONTRADICTION"), // Given up already.
        (vec![merged(sm2(), sm1())], shop("SM2", "Siêu thị mới", SHOP),                           "CONTRADICTION"),
        (vec![merged(sm2(), sm1())], retired(sm2()),                                              "CONTRADICTION"),
        (vec![],                    merged(sm1(), ThingRef::Site(site("FA1"))),                   "CONTRADICTION"), // Another kind of site.
        (vec![],                    merged(sm1(), pk1()),                                         "MALFORMED"),
        (vec![],                    merged(ch("CH1"), ch("CH2")),                                 "MALFORMED"),
        (vec![],                    merged(pk2(), pk1()),                                         "CONTRADICTION"), // Pieces are no kilograms.
        (vec![],                    merged(ThingRef::Organization(organization(AUTHORITY)), dv1()), "CONTRADICTION"),
        (vec![vegetable(&world, "PK9", BaseUnit::Kilogram)], merged(ThingRef::Product(product("PK9")), pk1()), "accepted"),
        (vec![retailer("DV2"), shop("SM1", "Cơ sở SM1", "DV2")], merged(sm1(), sm2()),            "CONTRADICTION"), // Run by two.
    ] {
        let mut world = world.clone();
        for fact in before {
            assert_eq!(register(&mut world, "2026-11-20", fact.clone()), "accepted", "{fact:?}");
        }
        assert_eq!(register(&mut world, "2026-11-21", fact.clone()), outcome, "{fact:?}");
    }
}

#[test]
fn goods_under_a_duplicates_code_are_sold_counted_and_sent_under_either() {
    let mut world = stocked();
    register(&mut world, "2020-01-01", shop("SM9", "Siêu thị trùng", SHOP));
    world.record_at("2026-11-21 07:00", dispatch("S9", "SM9", &[("A", 20_000)])).unwrap();
    let to_duplicate = world.command(at("2026-11-21 08:00"), receive("S9", "SM9", &[("A", 18_000)]), false);
    world.send(SHOP, to_duplicate).unwrap();
    assert_eq!(register(&mut world, "2026-11-22", merged(ThingRef::Site(site("SM9")), ThingRef::Site(site("SM1")))), "accepted");
    assert_eq!((world.held("A", "SM1"), world.held("A", "SM9")), (10_000, 18_000));
    // More than either code holds; also late, and by the old code.
    let (sale, events) = world.record_at("2026-11-21 12:00", sell("SM9", &[("A", 20_000)])).unwrap();
    assert!(matches!(&events[0].fact, Fact::Rebooked(it) if it.from == site("SM9") && it.to == site("SM1")), "{events:?}");
    assert!(matches!(&events[1].fact, Fact::Sold(it) if it.site == site("SM1")), "{events:?}");
    assert_eq!((world.held("A", "SM1"), world.held("A", "SM9")), (8_000, 0));
    // What was on the road to the old code arrives at the one that is left.
    assert_eq!(reason(world.record_at("2026-11-22 05:00", receive("S9", "SM1", &[]))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-22 21:00", sell("SM1", &[("A", 11_000)]))), "NOT_ENOUGH");
    assert_eq!(reason(world.record_at("2026-11-22 21:00", sell_product("SM1", 10_000))), "accepted");
    // A void gives back what was sold, wherever it stands by now.
    world.mend(SHOP, void(sale)).unwrap();
    assert_eq!(world.held("A", "SM1") + world.held("A", "SM9"), 20_000);
}

#[test]
fn late_entries_find_goods_that_were_booked_under_the_surviving_code_and_counts_stand() {
    let merging = |counted: Option<(&str, &str, i64)>| {
        let mut world = World::new();
        register(&mut world, "2020-01-01", shop("SM9", "Siêu thị trùng", SHOP));
        for site in ["SM1", "SM9"] {
            let open = world.command(at("2026-11-20 06:00"), open(site, "A", 10_000), false);
            world.send(SHOP, open).unwrap();
        }
        if let Some((site, when, milli)) = counted {
            let count = world.command(at(when), count(site, &[("A", milli)]), false);
            world.send(SHOP, count).unwrap();
        }
        register(&mut world, "2026-11-23", merged(ThingRef::Site(site("SM9")), ThingRef::Site(site("SM1"))));
        world
    };
    let held = |world: &World| world.held("A", "SM1") + world.held("A", "SM9");
    // Brought together by a sale of the 23rd, and sold on the 21st as was logged later.
    let mut world = merging(None);
    assert_eq!(reason(world.record_at("2026-11-23 09:00", sell("SM1", &[("A", 1_000)]))), "accepted");
    assert_eq!(reason(world.record_at("2026-11-21 09:00", sell("SM1", &[("A", 18_000)]))), "accepted");
    assert_eq!(held(&world), 1_000);
    // What was counted under either code stands: nothing is brought in before it, nothing appears or vanishes.
    for (site, when) in [("SM1", "2026-11-22 opening"), ("SM9", "2026-11-22 opening")] {
        let mut world = merging(Some((site, when, 9_000)));
        assert_eq!(reason(world.record_at("2026-11-21 09:00", sell("SM1", &[("A", 2_000)]))), "accepted");
        let left = if site == "SM1" { 19_000 } else { 17_000 };
        assert_eq!(held(&world), left, "counted at {site}");
        assert_eq!(reason(world.record_at("2026-11-23 09:00", sell("SM1", &[("A", left)]))), "accepted");
        assert_eq!(held(&world), 0);
    }
}

#[test]
fn a_count_after_a_merge_counts_what_stands_under_both_codes() {
    for counted in [count("SM1", &[("A", 25_000)]), count_product("SM1", 25_000)] {
        let mut world = stocked();
        register(&mut world, "2020-01-01", shop("SM9", "Siêu thị trùng", SHOP));
        world.record_at("2026-11-21 07:00", dispatch("S9", "SM9", &[("A", 18_000)])).unwrap();
        world.record_at("2026-11-21 08:00", receive("S9", "SM9", &[])).unwrap();
        register(&mut world, "2026-11-22", merged(ThingRef::Site(site("SM9")), ThingRef::Site(site("SM1"))));
        let (_, events) = world.record_at("2026-11-22 closing", counted).unwrap();
        let variance: i64 = events
            .iter()
            .filter_map(|event| match &event.fact {
                Fact::Counted(it) => Some(it.lines.iter().map(|line| line.variance.0).sum::<i64>()),
                _ => None,
            })
            .sum();
        assert_eq!((variance, world.held("A", "SM1"), world.held("A", "SM9")), (-3_000, 25_000, 0));
    }
}

#[test]
#[rustfmt::skip] // Columns.
fn a_lot_is_found_by_the_code_it_was_begun_under_and_by_the_one_that_is_left() {
    let mut world = World::new();
    let duplicate = vegetable(&world, "PK9", BaseUnit::Kilogram);
    register(&mut world, "2020-01-01", duplicate);
    register(&mut world, "2020-01-01", joined("CH1", Member::Product(product("PK9"))));
    let begun = |product: &str, code: &str| Action::Harvest(Harvest {
        site: "FA1".into(), lot: new_lot(product, code), quantity: base(10_000), plot: None, households: Vec::new(),
    });
    world.record_at("2026-11-20 06:00", begun("PK9", "OLD")).unwrap();
    world.record_at("2026-11-20 06:00", begun("PK9", "BOTH")).unwrap();
    world.record_at("2026-11-20 06:00", begun("PK1", "BOTH")).unwrap();
    register(&mut world, "2026-11-21", merged(ThingRef::Product(product("PK9")), ThingRef::Product(product("PK1"))));
    let id = |product: &str, code: &str| {
        LotId::derive(&organization(COOP), &ProductCode::parse(product).unwrap(), &LotCode::parse(code).unwrap())
    };
    for (named, code, lot) in [
        ("PK9",      "OLD",  Ok(id("PK9", "OLD"))),
        ("PK1",      "OLD",  Ok(id("PK9", "OLD"))),
        ("Rau muống", "OLD", Ok(id("PK9", "OLD"))),
        ("Rau PK9",  "OLD",  Ok(id("PK9", "OLD"))), // Its old name.
        ("PK9",      "BOTH", Ok(id("PK9", "BOTH"))),
        ("PK1",      "BOTH", Ok(id("PK1", "BOTH"))),
        ("Rau muống", "BOTH", Err("AMBIGUOUS")),
    ] {
        let mut world = world.clone();
        let lines = vec![LotLine {
            lot: LotReference::Named { issuer: COOP.into(), product: named.into(), code: code.into() }, quantity: base(1_000),
        }];
        let waste = Action::Waste(Waste { site: "FA1".into(), lines, reason: crate::event::WasteReason::Spoiled });
        let seen = world.record_at("2026-11-22", waste).map_err(|refusal| refusal.reason()).map(|(_, events)| match &events[0].fact {
            Fact::Wasted(wasted) => wasted.lines[0].lot,
            other => panic!("{other:?}"),
        });
        assert_eq!(seen, lot, "{named} {code}");
    }
    // The name is taken, under whichever code; a new lot is of the product that is left.
    assert_eq!(reason(world.record_at("2026-11-22", begun("PK1", "OLD"))), "LOT_BEGUN");
    let (_, events) = world.record_at("2026-11-22", begun("PK9", "NEW")).unwrap();
    assert!(matches!(&events[0].fact, Fact::Harvested(it) if it.lot.id == id("PK1", "NEW")), "{events:?}");
    // By product, both are one.
    let sold = Action::Sell(Sell { site: "FA1".into(), goods: Goods::Product("PK9".into(), base(40_000)) });
    assert_eq!(reason(world.record_at("2026-11-22 20:00", sold)), "accepted");
}

#[test]
fn a_merged_organization_runs_what_it_ran_and_its_shipments_and_lots_keep_their_names() {
    let mut world = World::new();
    let coop = |code: &str| {
        RegistryFact::Organization(Organization {
            code: organization(code),
            name: format!("Hợp tác xã {code}"),
            kind: OrganizationKind::Cooperative,
            gln: None,
        })
    };
    register(&mut world, "2020-01-01", coop("HTX3"));
    register(&mut world, "2020-01-01", coop("HTX4"));
    world.record_at("2026-11-20 06:00", harvest("A", 100_000)).unwrap();
    world.record_at("2026-11-20 20:00", dispatch("S1", "SM1", &[("A", 10_000)])).unwrap();
    let of = |code: &str| ThingRef::Organization(organization(code));
    // A chain of merges is followed to its end.
    assert_eq!(register(&mut world, "2026-11-21", merged(of(COOP), of("HTX3"))), "accepted");
    assert_eq!(register(&mut world, "2026-11-21", merged(of("HTX3"), of("HTX4"))), "accepted");
    for (index, who) in [COOP, "HTX3", "HTX4"].into_iter().enumerate() {
        assert_eq!(by(&mut world, who, "2026-11-22 06:00", waste("FA1", &[("A", 1_000)])), "accepted", "{who}");
        let named = LotReference::Named { issuer: who.into(), product: "PK1".into(), code: "A".into() };
        let lines = vec![LotLine { lot: named, quantity: base(1_000) }];
        let to = |code: String| {
            let (from, to, lines) = ("FA1".to_owned(), "SM1".to_owned(), lines.clone());
            Action::Dispatch(Dispatch { from, to, code, lines, trip: None, sscc: None, is_consignment: false, order: None })
        };
        assert_eq!(by(&mut world, who, "2026-11-22 06:00", to("S1".into())), "SHIPMENT_EXISTS", "{who}");
        assert_eq!(by(&mut world, who, "2026-11-22 06:00", to(format!("N{index}"))), "accepted", "{who}");
        let shipment = ShipmentReference::Named { issuer: who.into(), code: "S1".into() };
        let extent = extent(&[("A", 1_000)]);
        let receive = Action::Receive(Receive { shipment, site: "SM1".into(), extent });
        assert_eq!(reason(world.record_at("2026-11-22 07:00", receive)), "accepted", "{who}");
    }
    assert_eq!(by(&mut world, OTHER_COOP, "2026-11-22 06:00", waste("FA1", &[("A", 1_000)])), "NOT_YOUR_SITE");
}

#[test]
#[rustfmt::skip] // Columns.
fn a_number_is_attached_later_moves_from_a_day_on_and_names_one_thing_at_a_time() {
    let gtin = "09521415000016";
    let attach = |thing: ThingRef, number: &str, owner: Option<&str>, moved_from: Option<&str>| {
        RegistryFact::NumberAttached(NumberAttached {
            thing, number: number.into(), brand_owner: owner.map(organization), moved_from: moved_from.map(Into::into),
        })
    };
    let pk = |code: &str| ThingRef::Product(product(code));
    let mut world = World::new();
    for (from, fact, outcome) in [
        ("2026-11-10", attach(pk("PK1"), "09521415000017", Some(COOP), None),        "MALFORMED"), // Check digit.
        ("2026-11-10", attach(pk("PK1"), gtin, None, None),                          "MALFORMED"), // Whose?
        ("2026-11-10", attach(ThingRef::Chain(ChainCode::parse("CH1").unwrap()), gtin, None, None), "MALFORMED"),
        ("2026-11-10", attach(pk("PK1"), gtin, Some(COOP), Some("PK2")),             "CONTRADICTION"),
        ("2026-11-10", attach(pk("PK1"), gtin, Some(COOP), None),                    "accepted"),
        ("2026-11-15", attach(pk("PK3"), gtin, Some(COOP), None),                    "CONTRADICTION"), // Moved from where?
        ("2026-11-05", attach(pk("PK3"), gtin, Some(COOP), None),                    "CONTRADICTION"), // PK1 will have it.
        ("2026-11-15", attach(pk("PK3"), gtin, Some(OTHER_COOP), Some("PK1")),       "CONTRADICTION"), // One brand owner.
        ("2026-11-20", attach(pk("PK3"), gtin, Some(COOP), Some("PK1")),             "accepted"),
        ("2026-11-22", RegistryFact::NumberDetached(NumberDetached { thing: pk("PK1"), number: gtin.into() }), "CONTRADICTION"),
        ("2026-11-24", RegistryFact::NumberDetached(NumberDetached { thing: pk("PK3"), number: gtin.into() }), "accepted"),
        ("2026-11-20", attach(ThingRef::Site(site("SM1")), "9521410000011", None, None), "accepted"),
        ("2026-11-20", attach(ThingRef::Site(site("SM2")), "9521410000011", None, None), "CONTRADICTION"),
    ] { assert_eq!(register(&mut world, from, fact.clone()), outcome, "{fact:?} from {from}"); }
    let found = |given: &str, day: &str| {
        world.state.registry().products.find("product", given, BusinessDay::of(day.parse().unwrap())).map(|it| it.code.to_string())
    };
    for (given, day, code) in [
        (gtin,            "2026-11-01", Some("PK1")), // A label printed before anybody told the registry.
        (gtin,            "2026-11-19", Some("PK1")),
        ("9521415000016", "2026-11-20", Some("PK3")), // Without its leading zero.
        (gtin,            "2026-11-24", None),
    ] { assert_eq!(found(given, day).ok().as_deref(), code, "{given} on {day}"); }
    // A lot that a label names by its GTIN is its brand owner's, in a shop as at the farm.
    world.record_at("2026-11-12 06:00", harvest("A", 10_000)).unwrap();
    let by_label = LotReference::Named { issuer: String::new(), product: gtin.into(), code: "A".into() };
    let receive = Receive {
        shipment: shipment("S1"), site: "9521410000011".into(),
        extent: Extent::Lines(vec![LotLine { lot: by_label, quantity: base(1_000) }]),
    };
    world.report_at("2026-11-13 06:00", Action::Receive(receive)).unwrap();
    assert_eq!(world.held("A", "SM1"), 1_000);
}

#[test]
fn a_shop_that_changes_hands_is_recorded_for_by_whoever_ran_it_that_day() {
    let mut world = stocked();
    register(&mut world, "2020-01-01", retailer("DV2"));
    assert_eq!(register(&mut world, "2026-11-22", shop("SM1", "Siêu thị đổi chủ", "DV2")), "accepted");
    // (who, when, outcome): a shipment dispatched before and received after, sales on either side of the day.
    for (who, when, action, outcome) in [
        (SHOP, "2026-11-21 10:00", sell("SM1", &[("A", 1_000)]), "accepted"),
        ("DV2", "2026-11-21 10:00", sell("SM1", &[("A", 1_000)]), "NOT_YOUR_SITE"),
        (SHOP, "2026-11-22 10:00", sell("SM1", &[("A", 1_000)]), "NOT_YOUR_SITE"),
        ("DV2", "2026-11-22 10:00", sell("SM1", &[("A", 1_000)]), "accepted"),
        (SHOP, "2026-11-22 05:00", receive("S1", "SM1", &[]), "NOT_YOUR_SITE"),
        ("DV2", "2026-11-22 05:00", receive("S1", "SM1", &[]), "accepted"),
    ] {
        assert_eq!(by(&mut world, who, when, action.clone()), outcome, "{who} on {when}: {action:?}");
    }
    assert_eq!(world.held("A", "SM1"), 13_000);
    // Its new name, and the old one on older papers.
    let sites = &world.state.registry().sites;
    for name in ["Siêu thị đổi chủ", "Cơ sở SM1"] {
        assert_eq!(sites.find("site", name, BusinessDay::of("2026-11-25".parse().unwrap())).unwrap().code, site("SM1"), "{name}");
    }
    let lot = lot("A");
    assert_eq!(world.state.held(lot, &Holder::Site(site("SM1"))).0, 13_000);
}

/// Rule 13: what was typed for a thing stays beside the code that it was read as; a code that was typed says itself.
#[test]
fn names_that_were_typed_are_kept_beside_the_codes_that_they_were_read_as() {
    let mut world = stocked();
    let mut sold = sell("SM1", &[("A", 1_000)]);
    let names = |events: &[Event]| -> Vec<(String, String, String)> {
        events
            .iter()
            .flat_map(|event| &event.names)
            .map(|name| (name.field.clone(), name.typed.clone(), name.code.clone()))
            .collect()
    };
    let (_, events) = world.record_at("2026-11-23 09:00", sold.clone()).unwrap();
    assert_eq!(names(&events), []);
    let site = world.state.registry().sites.latest(&site("SM1")).unwrap().name.to_lowercase();
    if let Action::Sell(sell) = &mut sold {
        sell.site = format!(" {site}");
    }
    let command = world.command(at("2026-11-23 09:30"), sold, false);
    let (_, events) = world.send(SHOP, command).unwrap();
    assert_eq!(names(&events), [("sell.site".to_owned(), site, "SM1".to_owned())]);
}
