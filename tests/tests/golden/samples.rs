//! What the golden files say: each event with all its fields and with as few as it can have, the words of every list, entries.

use crate::{programme, trade};
use domain::entry::{Document, Entry, Genesis, RecordedCommand};
use domain::event::registry::{
    Capacity, Chain, District, DuplicateMerged, Member, Membership, NumberAttached, NumberDetached, Organization,
    OrganizationKind, Product, RegistryFact, Retirement, Site, SiteKind, ThingRef,
};
use domain::event::{
    Amount, CountBasis, CountRestated, Counted, CountedLine, DeliveryRefused, Dispatched, DispatchedLine, Event, Fact, Harvested,
    Lot, LotAmount, LotOpened, Matched, Process, Rebooked, Received, RefusalReason, ShortReported, Sold, Transformed, Violation,
    Voided, WasteReason, Wasted,
};
use domain::id::{
    ChainCode, CommandId, Digest, DistrictCode, LotCode, LotId, OrganizationCode, ProductCode, ShipmentCode, ShipmentId, SiteCode,
};
use domain::quantity::Milli;
use domain::time::{BusinessDay, EventTime, Precision};
use domain::unit::{BaseUnit, MarketUnit};
use jiff::Timestamp;
use uuid::Uuid;
use wire::proto::chuoi::event::v1 as proto;

/// An event and the name of its file.
pub struct EventSample {
    pub name: String,
    pub event: Event,
}

/// An entry, what chains it to others, and the name of its file.
pub struct EntrySample {
    pub name: &'static str,
    pub chained: proto::Entry,
    pub entry: Entry,
}

/// Every event.
pub fn events() -> Vec<EventSample> {
    let full = full_facts().into_iter().map(|(name, fact)| (format!("{name}.full"), full_event(fact)));
    let minimal = minimal_facts().into_iter().map(|(name, fact)| (format!("{name}.minimal"), minimal_event(fact)));
    let trade = trade::facts().into_iter().map(|(name, fact)| (name.to_owned(), full_event(fact)));
    let named = |facts: Vec<(&str, Fact)>, how: &str| {
        facts.into_iter().map(|(name, fact)| (format!("{name}.{how}"), fact)).collect::<Vec<_>>()
    };
    let full_programme = named(programme::full(), "full").into_iter().map(|(name, fact)| (name, full_event(fact)));
    let minimal_programme = named(programme::minimal(), "minimal").into_iter().map(|(name, fact)| (name, minimal_event(fact)));
    full.chain(minimal)
        .chain(trade)
        .chain(full_programme)
        .chain(minimal_programme)
        .chain([("code_issued.named".to_owned(), trade::named())])
        .map(|(name, event)| EventSample { name, event })
        .collect()
}

/// The first entry, one that follows it, one of every word, and an empty one.
pub fn entries() -> Vec<EntrySample> {
    let genesis = Genesis {
        business_time_zone: "Asia/Ho_Chi_Minh".into(),
        authority: organization("SNN-HN"),
        authority_name: "Sở Nông nghiệp và Môi trường Hà Nội".into(),
    };
    let first = proto::Entry { journal_id: bytes(1), entry_id: bytes(2), ..proto::Entry::default() };
    let next = |entry: u128| proto::Entry {
        journal_id: bytes(1),
        entry_id: bytes(entry),
        prev_sequence: 41,
        prev_hash: vec![0xab; 32],
        ..proto::Entry::default()
    };
    let full = RecordedCommand {
        organization: organization("HTX-CH001"),
        id: CommandId(id(100)),
        digest: Digest([0xcd; 32]),
        actor: "u-17".into(),
        device: "d-4".into(),
        client: "chuoi/0.1.0".into(),
        reported_fact: true,
        note: "mưa to, cân lại hai lần".into(),
        document: Some(Document { issuer: "HTX-CH001".into(), kind: "PXK".into(), year: 2026, number: "0123".into() }),
        events: full_facts().into_iter().take(2).map(|(_, fact)| full_event(fact)).collect(),
    };
    let minimal = |events: Vec<Event>| RecordedCommand {
        organization: organization("A"),
        id: CommandId(Uuid::nil()),
        digest: Digest([0; 32]),
        actor: String::new(),
        device: String::new(),
        client: String::new(),
        reported_fact: false,
        note: String::new(),
        document: None,
        events,
    };
    let record_time = "2026-11-25T06:31:02.345678901Z".parse().unwrap();
    let few = minimal_facts().into_iter().take(1).map(|(_, fact)| minimal_event(fact)).collect();
    vec![
        EntrySample {
            name: "genesis",
            chained: first,
            entry: Entry { record_time, genesis: Some(genesis), commands: Vec::new() },
        },
        EntrySample {
            name: "commands",
            chained: next(3),
            entry: Entry { record_time, genesis: None, commands: vec![full, minimal(few)] },
        },
        EntrySample {
            name: "words",
            chained: next(4),
            entry: Entry { record_time, genesis: None, commands: vec![minimal(every_word())] },
        },
        EntrySample {
            name: "trade_words",
            chained: next(5),
            entry: Entry { record_time, genesis: None, commands: vec![minimal(trade::every_word())] },
        },
        EntrySample {
            name: "programme_words",
            chained: next(6),
            entry: Entry {
                record_time,
                genesis: None,
                commands: vec![minimal(programme::words().into_iter().map(minimal_event).collect())],
            },
        },
        EntrySample {
            name: "notice_words",
            chained: next(7),
            entry: Entry { record_time, genesis: None, commands: vec![minimal(trade::every_notice())] },
        },
        EntrySample {
            name: "empty",
            chained: proto::Entry::default(),
            entry: Entry { record_time: Timestamp::UNIX_EPOCH, genesis: None, commands: Vec::new() },
        },
    ]
}

/// An instant as protobuf has it.
pub fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0192_f3a1_7c00_7000_8000_0000_0000_0000 + number)
}

fn bytes(number: u128) -> Vec<u8> {
    id(number).as_bytes().to_vec()
}

pub fn organization(code: &str) -> OrganizationCode {
    OrganizationCode::parse(code).unwrap()
}

pub fn site(code: &str) -> SiteCode {
    SiteCode::parse(code).unwrap()
}

fn product(code: &str) -> ProductCode {
    ProductCode::parse(code).unwrap()
}

fn chain(code: &str) -> ChainCode {
    ChainCode::parse(code).unwrap()
}

fn district(code: &str) -> DistrictCode {
    DistrictCode::parse(code).unwrap()
}

pub fn shipment_code(code: &str) -> ShipmentCode {
    ShipmentCode::parse(code).unwrap()
}

pub fn given(milli: i64, text: &str) -> Amount {
    Amount { quantity: Milli(milli), given: Some(text.into()), catch: None }
}

fn nothing() -> Amount {
    Milli::ZERO.into()
}

fn full_event(fact: Fact) -> Event {
    let time = EventTime {
        instant: "2026-11-24T23:30:15.123456Z".parse().unwrap(),
        utc_offset_minutes: 420,
        precision: Precision::Moment,
        business_day: BusinessDay(20_782),
        typed: Some("6h30 ngày 25/11".into()),
    };
    let violation = Violation { rule: 7, reason: "EXPIRED".into(), detail: "lot L1 expired on 2026-11-24".into() };
    let other = Violation { rule: 2, reason: "NOT_ENOUGH".into(), detail: "0 there, 1 asked".into() };
    Event { time, violations: vec![violation, other], names: Vec::new(), fact }
}

pub fn minimal_event(fact: Fact) -> Event {
    let time = EventTime {
        instant: Timestamp::UNIX_EPOCH,
        utc_offset_minutes: 0,
        precision: Precision::Moment,
        business_day: BusinessDay(0),
        typed: None,
    };
    Event { time, violations: Vec::new(), names: Vec::new(), fact }
}

pub fn full_lot() -> Lot {
    Lot {
        id: LotId(id(10)),
        issuer: organization("HTX-CH001"),
        product: product("PK0001"),
        code: LotCode::parse("L20261125-01").unwrap(),
        chain: chain("CH001"),
        expiry: Some(BusinessDay(20_789)),
        harvest_day: Some(BusinessDay(20_782)),
        harvest_time: Some("2026-11-24T23:30:15.123456Z".parse().unwrap()),
    }
}

fn minimal_lot() -> Lot {
    Lot {
        id: LotId(Uuid::nil()),
        issuer: organization("A"),
        product: product("A"),
        code: LotCode::parse("a").unwrap(),
        chain: chain("A"),
        expiry: None,
        harvest_day: None,
        harvest_time: None,
    }
}

pub fn full_lines() -> Vec<LotAmount> {
    vec![
        LotAmount { lot: LotId(id(10)), amount: given(1_200_000, "1,2 tấn") },
        LotAmount { lot: LotId(id(11)), amount: Milli(1).into() },
    ]
}

fn full_facts() -> Vec<(&'static str, Fact)> {
    let (shipment, code) = (ShipmentId(id(20)), shipment_code("PXK/2026-0123"));
    let line = DispatchedLine { lot: LotId(id(10)), amount: given(12_500, "12,5 kg"), redispatched: Milli(2_500) };
    let counted = CountedLine { lot: LotId(id(10)), counted: given(6_200, "6,2"), expected: Milli(6_300), variance: Milli(-100) };
    let voided = || Voided {
        command: CommandId(id(30)),
        reason: "gõ 300 thay vì 30".into(),
        originals: vec![full_event(Fact::Sold(Sold { site: site("SM001"), lines: full_lines(), product: None }))],
    };
    let mut facts = vec![
        (
            "harvested",
            Fact::Harvested(Harvested {
                lot: full_lot(),
                site: site("FA001"),
                amount: given(1_200_000, "1,2 tấn"),
                plot: Some("thửa 7".into()),
                households: Vec::new(),
            }),
        ),
        ("lot_opened", Fact::LotOpened(LotOpened { lot: full_lot(), site: site("SM001"), amount: given(5_000, "5 ký") })),
        (
            "transformed",
            Fact::Transformed(Transformed {
                site: site("PH001"),
                process: Process::Packing,
                inputs: full_lines(),
                outputs: vec![(full_lot(), given(300_000, "300 túi")), (minimal_lot(), nothing())],
                loss_gram: Some(41_500),
            }),
        ),
        (
            "dispatched",
            Fact::Dispatched(Dispatched {
                shipment,
                code: code.clone(),
                from: site("PH001"),
                to: site("SM001"),
                lines: vec![line],
                trip: Some("29C-123.45/2026-11-25".into()),
                sscc: Some("095214100000000011".into()),
                is_consignment: false,
                order: None,
            }),
        ),
        (
            "received",
            Fact::Received(Received {
                shipment,
                site: site("SM001"),
                lines: full_lines(),
                unmatched: Some((organization("HTX-CH001"), code)),
            }),
        ),
        (
            "delivery_refused",
            Fact::DeliveryRefused(DeliveryRefused {
                shipment,
                site: site("SM001"),
                lines: full_lines(),
                reason: RefusalReason::Temperature,
                returned: Some((ShipmentId(id(21)), site("PH001"))),
            }),
        ),
        ("short_reported", Fact::ShortReported(ShortReported { shipment, site: site("SM001"), lines: full_lines() })),
        ("sold", Fact::Sold(Sold { site: site("SM001"), lines: full_lines(), product: Some(product("PK0001")) })),
        ("wasted", Fact::Wasted(Wasted { site: site("SM001"), lines: full_lines(), reason: WasteReason::Expired })),
        (
            "counted",
            Fact::Counted(Counted {
                site: site("SM001"),
                basis: CountBasis::Stocktake,
                lines: vec![counted],
                product: Some(product("PK0001")),
            }),
        ),
        (
            "count_restated",
            Fact::CountRestated(CountRestated {
                site: site("SM001"),
                lot: LotId(id(10)),
                basis: CountBasis::Stocktake,
                variance_change: Milli(-56_000),
            }),
        ),
        ("matched", Fact::Matched(Matched { shipment, lines: full_lines() })),
        ("rebooked", Fact::Rebooked(Rebooked { from: site("SM110"), to: site("SM001"), lines: full_lines() })),
        ("voided", Fact::Voided(voided())),
        ("corrected", Fact::Corrected(voided())),
    ];
    facts.extend(full_registry().into_iter().map(|(name, fact)| (name, Fact::Registered(fact))));
    facts
}

fn full_registry() -> Vec<(&'static str, RegistryFact)> {
    let gln = || Some("9521410000011".to_owned());
    vec![
        (
            "district_registered",
            RegistryFact::District(District {
                code: district("001"),
                name: "Ba Đình".into(),
                kind: "quận".into(),
                ends: Some(BusinessDay(20_270)),
            }),
        ),
        (
            "organization_registered",
            RegistryFact::Organization(Organization {
                code: organization("HTX-CH001"),
                name: "Hợp tác xã Mẫu 001".into(),
                kind: OrganizationKind::Cooperative,
                gln: gln(),
            }),
        ),
        (
            "site_registered",
            RegistryFact::Site(Site {
                code: site("SM001"),
                name: "Siêu thị Mẫu 001".into(),
                kind: SiteKind::Supermarket,
                organization: organization("O-SM001"),
                district: district("001"),
                gln: gln(),
                latitude_e6: 21_033_781,
                longitude_e6: -105_814_000,
            }),
        ),
        (
            "product_registered",
            RegistryFact::Product(Product {
                code: product("PK0001"),
                name: "Trứng gà ta hộp 10 quả".into(),
                name_en: "Free-range eggs, box of 10".into(),
                group: "trung".into(),
                ocop_group: 1,
                base_unit: BaseUnit::Piece,
                indivisible: true,
                mass_gram: 550,
                pieces: 10,
                content_milli: 10_000,
                content_unit: "H87".into(),
                content_kind: "fixed".into(),
                shelf_life_days: 30,
                temperature_min_celsius: Some(-2),
                temperature_max_celsius: Some(8),
                gtin: Some("09521415000016".into()),
                brand_owner: Some(organization("HTX-CH001")),
                market_units: vec![MarketUnit { name: "chục".into(), numerator: 1, denominator: 3 }],
            }),
        ),
        (
            "chain_registered",
            RegistryFact::Chain(Chain {
                code: chain("CH001"),
                name: "Chuỗi rau an toàn Mẫu".into(),
                lead: organization("HTX-CH001"),
                district: district("001"),
                group: "rau".into(),
                share_supermarket_percent: 40,
                share_general_percent: 35,
                share_specialty_percent: 25,
            }),
        ),
        (
            "chain_member_joined",
            RegistryFact::MemberJoined(Membership {
                chain: chain("CH001"),
                member: Member::Product(product("PK0001")),
                is_primary: true,
            }),
        ),
        (
            "chain_member_left",
            RegistryFact::MemberLeft(Membership {
                chain: chain("CH001"),
                member: Member::Product(product("PK0001")),
                is_primary: false,
            }),
        ),
        (
            "capacity_declared",
            RegistryFact::Capacity(Capacity {
                chain: chain("CH001"),
                quantity_per_day: Milli(2_850_000),
                unit: BaseUnit::Kilogram,
            }),
        ),
        ("retired", RegistryFact::Retired(Retirement { thing: ThingRef::Chain(chain("CH001")), reason: "giải thể".into() })),
        (
            "reinstated",
            RegistryFact::Reinstated(Retirement {
                thing: ThingRef::Organization(organization("HTX-CH001")),
                reason: "hoạt động trở lại".into(),
            }),
        ),
        (
            "number_attached",
            RegistryFact::NumberAttached(NumberAttached {
                thing: ThingRef::Product(product("PK0049")),
                number: "09521415000016".into(),
                brand_owner: Some(organization("HTX-CH001")),
                moved_from: Some("PK0050".into()),
            }),
        ),
        (
            "number_detached",
            RegistryFact::NumberDetached(NumberDetached { thing: ThingRef::Site(site("SM001")), number: "9521410000011".into() }),
        ),
        (
            "duplicate_merged",
            RegistryFact::DuplicateMerged(DuplicateMerged {
                duplicate: ThingRef::Site(site("SM110")),
                survivor: ThingRef::Site(site("SM001")),
                reason: "đăng ký hai lần".into(),
            }),
        ),
    ]
}

fn minimal_facts() -> Vec<(&'static str, Fact)> {
    let (shipment, lot, a) = (ShipmentId(Uuid::nil()), LotId(Uuid::nil()), || site("A"));
    let line = DispatchedLine { lot, amount: nothing(), redispatched: Milli::ZERO };
    let counted = CountedLine { lot, counted: nothing(), expected: Milli::ZERO, variance: Milli::ZERO };
    let voided = || Voided { command: CommandId(Uuid::nil()), reason: String::new(), originals: Vec::new() };
    let mut facts = vec![
        (
            "harvested",
            Fact::Harvested(Harvested { lot: minimal_lot(), site: a(), amount: nothing(), plot: None, households: Vec::new() }),
        ),
        ("lot_opened", Fact::LotOpened(LotOpened { lot: minimal_lot(), site: a(), amount: nothing() })),
        (
            "transformed",
            Fact::Transformed(Transformed {
                site: a(),
                process: Process::Packing,
                inputs: Vec::new(),
                outputs: Vec::new(),
                loss_gram: None,
            }),
        ),
        (
            "dispatched",
            Fact::Dispatched(Dispatched {
                shipment,
                code: shipment_code("a"),
                from: a(),
                to: a(),
                lines: vec![line],
                trip: None,
                sscc: None,
                is_consignment: false,
                order: None,
            }),
        ),
        ("received", Fact::Received(Received { shipment, site: a(), lines: Vec::new(), unmatched: None })),
        (
            "delivery_refused",
            Fact::DeliveryRefused(DeliveryRefused {
                shipment,
                site: a(),
                lines: Vec::new(),
                reason: RefusalReason::Unspecified,
                returned: None,
            }),
        ),
        ("short_reported", Fact::ShortReported(ShortReported { shipment, site: a(), lines: Vec::new() })),
        ("sold", Fact::Sold(Sold { site: a(), lines: Vec::new(), product: None })),
        ("wasted", Fact::Wasted(Wasted { site: a(), lines: Vec::new(), reason: WasteReason::Unspecified })),
        ("counted", Fact::Counted(Counted { site: a(), basis: CountBasis::Stocktake, lines: vec![counted], product: None })),
        (
            "count_restated",
            Fact::CountRestated(CountRestated { site: a(), lot, basis: CountBasis::Stocktake, variance_change: Milli::ZERO }),
        ),
        ("matched", Fact::Matched(Matched { shipment, lines: Vec::new() })),
        ("rebooked", Fact::Rebooked(Rebooked { from: site("A"), to: site("B"), lines: Vec::new() })),
        ("voided", Fact::Voided(voided())),
        ("corrected", Fact::Corrected(voided())),
    ];
    facts.extend(minimal_registry().into_iter().map(|(name, fact)| (name, Fact::Registered(fact))));
    facts
}

fn minimal_registry() -> Vec<(&'static str, RegistryFact)> {
    vec![
        (
            "district_registered",
            RegistryFact::District(District { code: district("A"), name: String::new(), kind: String::new(), ends: None }),
        ),
        (
            "organization_registered",
            RegistryFact::Organization(Organization {
                code: organization("A"),
                name: String::new(),
                kind: OrganizationKind::Cooperative,
                gln: None,
            }),
        ),
        ("site_registered", RegistryFact::Site(minimal_site(SiteKind::Farm))),
        (
            "product_registered",
            RegistryFact::Product(Product {
                code: product("A"),
                name: String::new(),
                name_en: String::new(),
                group: String::new(),
                ocop_group: 0,
                base_unit: BaseUnit::Litre,
                indivisible: false,
                mass_gram: 0,
                pieces: 0,
                content_milli: 0,
                content_unit: String::new(),
                content_kind: String::new(),
                shelf_life_days: 0,
                temperature_min_celsius: None,
                temperature_max_celsius: None,
                gtin: None,
                brand_owner: None,
                market_units: Vec::new(),
            }),
        ),
        (
            "chain_registered",
            RegistryFact::Chain(Chain {
                code: chain("A"),
                name: String::new(),
                lead: organization("A"),
                district: district("A"),
                group: String::new(),
                share_supermarket_percent: 0,
                share_general_percent: 0,
                share_specialty_percent: 0,
            }),
        ),
        (
            "chain_member_joined",
            RegistryFact::MemberJoined(Membership { chain: chain("A"), member: Member::Site(site("A")), is_primary: false }),
        ),
        (
            "chain_member_left",
            RegistryFact::MemberLeft(Membership { chain: chain("A"), member: Member::Site(site("A")), is_primary: false }),
        ),
        (
            "capacity_declared",
            RegistryFact::Capacity(Capacity { chain: chain("A"), quantity_per_day: Milli::ZERO, unit: BaseUnit::Kilogram }),
        ),
        ("retired", RegistryFact::Retired(Retirement { thing: ThingRef::Site(site("A")), reason: String::new() })),
        ("reinstated", RegistryFact::Reinstated(Retirement { thing: ThingRef::Site(site("A")), reason: String::new() })),
        (
            "number_attached",
            RegistryFact::NumberAttached(NumberAttached {
                thing: ThingRef::Site(site("A")),
                number: String::new(),
                brand_owner: None,
                moved_from: None,
            }),
        ),
        (
            "number_detached",
            RegistryFact::NumberDetached(NumberDetached { thing: ThingRef::Site(site("A")), number: String::new() }),
        ),
        (
            "duplicate_merged",
            RegistryFact::DuplicateMerged(DuplicateMerged {
                duplicate: ThingRef::Site(site("A")),
                survivor: ThingRef::Site(site("B")),
                reason: String::new(),
            }),
        ),
    ]
}

pub fn minimal_site(kind: SiteKind) -> Site {
    Site {
        code: site("A"),
        name: String::new(),
        kind,
        organization: organization("A"),
        district: district("A"),
        gln: None,
        latitude_e6: 0,
        longitude_e6: 0,
    }
}

/// Each word of each list, in an event of its own.
fn every_word() -> Vec<Event> {
    use Precision::{AfterClosing, BeforeOpening, Day};
    let (shipment, a) = (ShipmentId(Uuid::nil()), || site("A"));
    let sold = || Fact::Sold(Sold { site: a(), lines: Vec::new(), product: None });
    let at = |precision| {
        let event = minimal_event(sold());
        Event { time: EventTime { precision, ..event.time }, ..event }
    };
    let processes = [Process::Packing, Process::Processing, Process::Slaughter, Process::Mixing].map(|process| {
        Fact::Transformed(Transformed { site: a(), process, inputs: Vec::new(), outputs: Vec::new(), loss_gram: None })
    });
    let refusals = [
        RefusalReason::Unspecified,
        RefusalReason::Quality,
        RefusalReason::Temperature,
        RefusalReason::Damaged,
        RefusalReason::ShelfLife,
        RefusalReason::WrongGoods,
        RefusalReason::Documents,
        RefusalReason::Late,
        RefusalReason::Oversupply,
    ]
    .map(|reason| Fact::DeliveryRefused(DeliveryRefused { shipment, site: a(), lines: Vec::new(), reason, returned: None }));
    let wastes = [
        WasteReason::Unspecified,
        WasteReason::Spoiled,
        WasteReason::Damaged,
        WasteReason::Expired,
        WasteReason::Sampled,
        WasteReason::Donated,
        WasteReason::Destroyed,
    ]
    .map(|reason| Fact::Wasted(Wasted { site: a(), lines: Vec::new(), reason }));
    let counts = [CountBasis::Stocktake, CountBasis::Surplus, CountBasis::Provisional]
        .map(|basis| Fact::Counted(Counted { site: a(), basis, lines: Vec::new(), product: None }));
    let organizations = OrganizationKind::ALL.iter().map(|kind| {
        let organization = Organization { code: organization("A"), name: String::new(), kind: *kind, gln: None };
        Fact::Registered(RegistryFact::Organization(organization))
    });
    // Kinds that were known when this file was written; later ones stand in files of their own.
    let known = SiteKind::ALL.iter().filter(|kind| **kind != SiteKind::DesignCenter);
    let sites = known.map(|kind| Fact::Registered(RegistryFact::Site(minimal_site(*kind))));
    let units = [BaseUnit::Kilogram, BaseUnit::Litre, BaseUnit::Piece].map(|unit| {
        Fact::Registered(RegistryFact::Capacity(Capacity { chain: chain("A"), quantity_per_day: Milli::ZERO, unit }))
    });
    let facts = processes.into_iter().chain(refusals).chain(wastes).chain(counts).chain(organizations).chain(sites).chain(units);
    [Day, BeforeOpening, AfterClosing].map(at).into_iter().chain(facts.map(minimal_event)).collect()
}
