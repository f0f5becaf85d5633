//! A journal made by hand: one command an entry, in the order in which a test says them.

use domain::entry::{Entry, Genesis, RecordedCommand};
use domain::event::registry::{
    Capacity, Chain, District, Member, Membership, Organization, OrganizationKind, Product, Site, SiteKind,
};
use domain::event::*;
use domain::id::*;
use domain::quantity::Milli;
use domain::time::{BusinessDay, Calendar, EventTime, Precision};
use domain::unit::BaseUnit;
use uuid::Uuid;
use views::Numbered;

pub const JOURNAL: Uuid = Uuid::from_u128(0x1234_5678);

/// A journal that grows.
pub struct Book {
    pub entries: Vec<Numbered>,
    pub calendar: Calendar,
    commands: u128,
}

impl Book {
    /// A journal with its genesis entry alone.
    pub fn new() -> Book {
        let mut book = Book { entries: Vec::new(), calendar: Calendar::of("Asia/Ho_Chi_Minh").unwrap(), commands: 0 };
        let genesis = Genesis {
            business_time_zone: "Asia/Ho_Chi_Minh".into(),
            authority: organization("SO-CT"),
            authority_name: "Sở Công Thương".into(),
        };
        book.enter(Some(genesis), Vec::new());
        book
    }

    /// One with a small registry since 2023: farm F1, packing house P1, supermarkets S1 and S2, products RAU (kg) and TUI (a bag of
    /// 500 g), chains CH1 and CH2.
    pub fn small() -> Book {
        let mut book = Book::new();
        let facts = vec![
            district("001", "Ba Đình"),
            district("002", "Hoàn Kiếm"),
            organized("HTX1", "HTX Gió Đồng", OrganizationKind::Cooperative),
            organized("BLE1", "Bán lẻ Mẫu", OrganizationKind::Retailer),
            site_fact("F1", "Vườn Gió Đồng", SiteKind::Farm, "HTX1", "001", None),
            site_fact("P1", "Nhà sơ chế Gió Đồng", SiteKind::PackingHouse, "HTX1", "001", None),
            site_fact("S1", "Siêu thị Ba Đình", SiteKind::Supermarket, "BLE1", "001", Some("9521410000011")),
            site_fact("S2", "Cửa hàng Hoàn Kiếm", SiteKind::GeneralStore, "BLE1", "002", None),
            product_fact("RAU", "Rau muống", "Water spinach", BaseUnit::Kilogram, 1_000, None),
            product_fact("TUI", "Rau muống túi 500 g", "Water spinach bag", BaseUnit::Piece, 500, Some("09521415000016")),
            chain_fact("CH1", "Chuỗi rau Gió Đồng"),
            chain_fact("CH2", "Chuỗi rau Hạt Ngọc"),
            member("CH1", Member::Site(site("F1"))),
            member("CH1", Member::Product(product("RAU"))),
            capacity("CH1", 100, BaseUnit::Kilogram),
        ];
        book.register("2023-01-01", facts);
        book
    }

    pub fn register(&mut self, date: &str, facts: Vec<RegistryFact>) {
        let time = self.on(date);
        self.record(
            "SO-CT",
            facts
                .into_iter()
                .map(|fact| Event { time: time.clone(), violations: vec![], names: vec![], fact: Fact::Registered(fact) })
                .collect(),
        );
    }

    /// Records one fact as a command of its own; gives the command's id.
    pub fn say(&mut self, by: &str, time: &EventTime, fact: Fact) -> CommandId {
        self.record(by, vec![Event { time: time.clone(), violations: vec![], names: vec![], fact }])
    }

    /// Records a command.
    pub fn record(&mut self, by: &str, events: Vec<Event>) -> CommandId {
        self.commands += 1;
        let id = CommandId(Uuid::from_u128(self.commands));
        self.enter(None, vec![command(by, id, events)]);
        id
    }

    /// Takes a command back; whatever follows stands in its place.
    pub fn take_back(&mut self, by: &str, time: &EventTime, original: CommandId, instead: Vec<Fact>) -> CommandId {
        let mut commands = self.entries.iter().flat_map(|numbered| &numbered.entry.commands);
        let originals = commands.find(|command| command.id == original).unwrap().events.clone();
        let voided = Voided { command: original, reason: "gõ nhầm".into(), originals };
        let first = if instead.is_empty() { Fact::Voided(voided) } else { Fact::Corrected(voided) };
        let facts = [first].into_iter().chain(instead);
        self.record(by, facts.map(|fact| Event { time: time.clone(), violations: vec![], names: vec![], fact }).collect())
    }

    /// Appends an entry.
    pub fn enter(&mut self, genesis: Option<Genesis>, commands: Vec<RecordedCommand>) {
        let sequence = self.entries.len() as u64 + 1;
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&sequence.to_be_bytes());
        let record_time =
            "2026-11-25T00:00:00Z".parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_secs(sequence as i64);
        self.entries.push(Numbered { journal: JOURNAL, sequence, hash, entry: Entry { record_time, genesis, commands } });
    }

    /// A moment, given with its offset.
    pub fn at(&self, text: &str) -> EventTime {
        self.calendar.moment(text.parse().unwrap(), None, None)
    }

    /// A day, in business time.
    pub fn on(&self, date: &str) -> EventTime {
        self.calendar.day_time(day(date), Precision::Day, None)
    }
}

pub fn command(by: &str, id: CommandId, events: Vec<Event>) -> RecordedCommand {
    RecordedCommand {
        organization: organization(by),
        id,
        digest: Digest([7; 32]),
        actor: "nv-12".into(),
        device: "may-3".into(),
        client: "test".into(),
        reported_fact: false,
        note: String::new(),
        document: None,
        events,
    }
}

pub fn day(date: &str) -> BusinessDay {
    BusinessDay::of(date.parse().unwrap())
}

pub fn organization(code: &str) -> OrganizationCode {
    OrganizationCode::parse(code).unwrap()
}

pub fn site(code: &str) -> SiteCode {
    SiteCode::parse(code).unwrap()
}

pub fn product(code: &str) -> ProductCode {
    ProductCode::parse(code).unwrap()
}

pub fn district(code: &str, name: &str) -> RegistryFact {
    RegistryFact::District(District {
        code: DistrictCode::parse(code).unwrap(),
        name: name.into(),
        kind: "quận".into(),
        ends: None,
    })
}

pub fn organized(code: &str, name: &str, kind: OrganizationKind) -> RegistryFact {
    RegistryFact::Organization(Organization { code: organization(code), name: name.into(), kind, gln: None })
}

pub fn site_fact(code: &str, name: &str, kind: SiteKind, by: &str, district: &str, gln: Option<&str>) -> RegistryFact {
    RegistryFact::Site(Site {
        code: site(code),
        name: name.into(),
        kind,
        organization: organization(by),
        district: DistrictCode::parse(district).unwrap(),
        gln: gln.map(Into::into),
        latitude_e6: 21_034_000,
        longitude_e6: 105_814_300,
    })
}

pub fn product_fact(
    code: &str,
    name: &str,
    name_en: &str,
    base_unit: BaseUnit,
    mass_gram: i64,
    gtin: Option<&str>,
) -> RegistryFact {
    RegistryFact::Product(Product {
        code: product(code),
        name: name.into(),
        name_en: name_en.into(),
        group: "rau".into(),
        ocop_group: 1,
        base_unit,
        indivisible: base_unit == BaseUnit::Piece,
        mass_gram,
        pieces: 0,
        content_milli: 0,
        content_unit: String::new(),
        content_kind: "loose".into(),
        shelf_life_days: 4,
        temperature_min_celsius: Some(4),
        temperature_max_celsius: Some(10),
        gtin: gtin.map(Into::into),
        brand_owner: None,
        market_units: Vec::new(),
    })
}

pub fn chain_fact(code: &str, name: &str) -> RegistryFact {
    RegistryFact::Chain(Chain {
        code: ChainCode::parse(code).unwrap(),
        name: name.into(),
        lead: organization("HTX1"),
        district: DistrictCode::parse("001").unwrap(),
        group: "rau".into(),
        share_supermarket_percent: 20,
        share_general_percent: 70,
        share_specialty_percent: 10,
    })
}

pub fn member(chain: &str, member: Member) -> RegistryFact {
    RegistryFact::MemberJoined(Membership { chain: ChainCode::parse(chain).unwrap(), member, is_primary: true })
}

pub fn capacity(chain: &str, units: i64, unit: BaseUnit) -> RegistryFact {
    RegistryFact::Capacity(Capacity { chain: ChainCode::parse(chain).unwrap(), quantity_per_day: Milli::units(units), unit })
}

/// A lot of HTX1 in chain CH1.
pub fn lot(code: &str, of: &str) -> Lot {
    let (issuer, product, code) = (organization("HTX1"), product(of), LotCode::parse(code).unwrap());
    let id = LotId::derive(&issuer, &product, &code);
    let chain = ChainCode::parse("CH1").unwrap();
    Lot { id, issuer, product, code, chain, expiry: Some(day("2026-12-01")), harvest_day: None, harvest_time: None }
}

fn amount(milli: i64) -> Amount {
    Milli(milli).into()
}

fn lines(of: &[(&Lot, i64)]) -> Vec<LotAmount> {
    of.iter().map(|(lot, milli)| LotAmount { lot: lot.id, amount: amount(*milli) }).collect()
}

pub fn harvested(lot: &Lot, at: &str, milli: i64) -> Fact {
    Fact::Harvested(Harvested { lot: lot.clone(), site: site(at), amount: amount(milli), plot: None, households: vec![] })
}

pub fn opened(lot: &Lot, at: &str, milli: i64) -> Fact {
    Fact::LotOpened(LotOpened { lot: lot.clone(), site: site(at), amount: amount(milli) })
}

pub fn packed(at: &str, inputs: &[(&Lot, i64)], outputs: &[(&Lot, i64)]) -> Fact {
    let outputs = outputs.iter().map(|(lot, milli)| ((*lot).clone(), amount(*milli))).collect();
    Fact::Transformed(Transformed {
        site: site(at),
        process: Process::Packing,
        inputs: lines(inputs),
        outputs,
        loss_gram: Some(300),
    })
}

pub fn shipment(code: &str) -> ShipmentId {
    ShipmentId::derive(&organization("HTX1"), &ShipmentCode::parse(code).unwrap())
}

pub fn dispatched(code: &str, from: &str, to: &str, of: &[(&Lot, i64)]) -> Fact {
    let line = |(lot, milli): &(&Lot, i64)| DispatchedLine { lot: lot.id, amount: amount(*milli), redispatched: Milli::ZERO };
    Fact::Dispatched(Dispatched {
        shipment: shipment(code),
        code: ShipmentCode::parse(code).unwrap(),
        from: site(from),
        to: site(to),
        lines: of.iter().map(line).collect(),
        trip: Some("XE-1".into()),
        sscc: None,
        is_consignment: false,
        order: None,
    })
}

pub fn received(code: &str, at: &str, of: &[(&Lot, i64)]) -> Fact {
    Fact::Received(Received { shipment: shipment(code), site: site(at), lines: lines(of), unmatched: None })
}

pub fn received_unmatched(code: &str, at: &str, of: &[(&Lot, i64)]) -> Fact {
    let named = (organization("HTX1"), ShipmentCode::parse(code).unwrap());
    Fact::Received(Received { shipment: shipment(code), site: site(at), lines: lines(of), unmatched: Some(named) })
}

pub fn matched(code: &str, of: &[(&Lot, i64)]) -> Fact {
    Fact::Matched(Matched { shipment: shipment(code), lines: lines(of) })
}

pub fn refused(code: &str, at: &str, of: &[(&Lot, i64)], back: Option<(&str, &str)>) -> Fact {
    let returned = back.map(|(code, to)| (shipment(code), site(to)));
    Fact::DeliveryRefused(DeliveryRefused {
        shipment: shipment(code),
        site: site(at),
        lines: lines(of),
        reason: RefusalReason::Quality,
        returned,
    })
}

pub fn short(code: &str, at: &str, of: &[(&Lot, i64)]) -> Fact {
    Fact::ShortReported(ShortReported { shipment: shipment(code), site: site(at), lines: lines(of) })
}

pub fn sold(at: &str, of: &[(&Lot, i64)]) -> Fact {
    Fact::Sold(Sold { site: site(at), lines: lines(of), product: None })
}

pub fn wasted(at: &str, of: &[(&Lot, i64)]) -> Fact {
    Fact::Wasted(Wasted { site: site(at), lines: lines(of), reason: WasteReason::Spoiled })
}

pub fn counted(at: &str, lot: &Lot, expected: i64, counted: i64) -> Fact {
    let line =
        CountedLine { lot: lot.id, counted: amount(counted), expected: Milli(expected), variance: Milli(counted - expected) };
    Fact::Counted(Counted { site: site(at), basis: CountBasis::Stocktake, lines: vec![line], product: None })
}

pub fn restated(at: &str, lot: &Lot, change: i64) -> Fact {
    Fact::CountRestated(CountRestated {
        site: site(at),
        lot: lot.id,
        basis: CountBasis::Stocktake,
        variance_change: Milli(change),
    })
}
