//! A small world for tests: two chains, three shops, and a journal in memory.

use crate::command::*;
use crate::entry::{Genesis, RecordedCommand};
use crate::event::registry::*;
use crate::event::{Event, NoticeKind, Process, RecallForm, ReturnReason, WasteReason};
use crate::id::CommandRef;
use crate::id::*;
use crate::posting::Place;
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::repetition::{Judgement, Seen, judge};
use crate::state::block::{Block, BlockKey};
use crate::state::code::Code;
use crate::state::ledger::Ledger;
use crate::state::order::Order;
use crate::state::paper::{PaperKey, PaperUses};
use crate::state::unit::Unit;
use crate::state::{Holder, KnownLot, Leaving, LotAt, Presence, ProductCounts, Shelf, Shelves, Shipment, State};
use crate::time::BusinessDay;
use crate::unit::BaseUnit;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use uuid::Uuid;

pub const AUTHORITY: &str = "SCT";
/// Leads chain CH1 (farm FA1, packing house PH1); products PK1 (kg, keeps 4 days), PK2 (pieces).
pub const COOP: &str = "HTX1";
/// Leads chain CH2 (farm FA2); product PK2 too.
pub const OTHER_COOP: &str = "HTX2";
/// Runs supermarkets SM1 and SM2.
pub const SHOP: &str = "DV1";

/// Commands decided one after the other, as a recorder does it.
#[derive(Clone)]
pub struct World {
    pub state: State,
    /// The same, of which hardly anything is in memory.
    put_away: State,
    cupboard: Cupboard,
    pub journal: Vec<RecordedCommand>,
    pub now: Timestamp,
    next: u128,
}

/// Shelves of clones. What leaves the memory arrives when the next leaves.
#[derive(Clone, Default)]
struct Cupboard {
    drawers: Drawers,
    on_its_way: Option<Leaving>,
}

/// One for each part of a state.
#[derive(Clone, Default)]
struct Drawers {
    lots: BTreeMap<LotId, Arc<KnownLot>>,
    ledgers: BTreeMap<(LotId, Holder), Arc<Ledger>>,
    lots_at: BTreeMap<LotAt, Presence>,
    product_counts: BTreeMap<(SiteCode, ProductCode), Arc<ProductCounts>>,
    shipments: BTreeMap<ShipmentId, Arc<Shipment>>,
    voided: BTreeMap<CommandRef, CommandId>,
    blocks: BTreeMap<BlockKey, Arc<Block>>,
    units: BTreeMap<Sscc, Arc<Unit>>,
    papers: BTreeMap<PaperKey, Arc<PaperUses>>,
    orders: BTreeMap<OrderId, Arc<Order>>,
    codes: BTreeMap<TraceCode, Arc<Code>>,
}

/// What a drawer held when the last arrived.
#[derive(Debug)]
struct Drawer<K, V>(BTreeMap<K, V>);

impl<K: Ord + Clone + Debug + Send + Sync, V: Clone + Debug + Send + Sync> Shelf<K, V> for Drawer<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        self.0.get(key).cloned()
    }

    fn range(&self, from: &K, belongs: &dyn Fn(&K) -> bool) -> Vec<(K, V)> {
        let all = self.0.range(from..).take_while(|(key, _)| belongs(key));
        all.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

impl Cupboard {
    fn put_away(&mut self, state: &mut State) {
        if let Some(arrived) = self.on_its_way.take() {
            let copy = |of: &mut Drawers| {
                of.lots.extend(arrived.lots.iter().map(|(key, value)| (*key, Arc::clone(value))));
                of.ledgers.extend(arrived.ledgers.iter().map(|(key, value)| (key.clone(), Arc::clone(value))));
                of.lots_at.extend(arrived.lots_at.iter().map(|(key, value)| (key.clone(), value.clone())));
                of.product_counts.extend(arrived.product_counts.iter().map(|(key, value)| (key.clone(), Arc::clone(value))));
                of.shipments.extend(arrived.shipments.iter().map(|(key, value)| (*key, Arc::clone(value))));
                of.voided.extend(arrived.voided.iter().map(|(key, value)| (key.clone(), *value)));
                of.blocks.extend(arrived.blocks.iter().map(|(key, value)| (key.clone(), Arc::clone(value))));
                of.units.extend(arrived.units.iter().map(|(key, value)| (key.clone(), Arc::clone(value))));
                of.papers.extend(arrived.papers.iter().map(|(key, value)| (key.clone(), Arc::clone(value))));
                of.orders.extend(arrived.orders.iter().map(|(key, value)| (*key, Arc::clone(value))));
                of.codes.extend(arrived.codes.iter().map(|(key, value)| (key.clone(), Arc::clone(value))));
            };
            copy(&mut self.drawers);
        }
        self.on_its_way = Some(state.put_away());
        let Drawers { lots, ledgers, lots_at, product_counts, shipments, voided, blocks, units, papers, orders, codes } =
            self.drawers.clone();
        state.rest_on(&Shelves {
            lots: Arc::new(Drawer(lots)),
            ledgers: Arc::new(Drawer(ledgers)),
            lots_at: Arc::new(Drawer(lots_at)),
            product_counts: Arc::new(Drawer(product_counts)),
            shipments: Arc::new(Drawer(shipments)),
            voided: Arc::new(Drawer(voided)),
            blocks: Arc::new(Drawer(blocks)),
            units: Arc::new(Drawer(units)),
            papers: Arc::new(Drawer(papers)),
            orders: Arc::new(Drawer(orders)),
            codes: Arc::new(Drawer(codes)),
        });
    }
}

pub fn organization(code: &str) -> OrganizationCode {
    OrganizationCode::parse(code).unwrap()
}

pub fn site(code: &str) -> SiteCode {
    SiteCode::parse(code).unwrap()
}

/// A lot of the cooperative.
pub fn lot(code: &str) -> LotId {
    LotId::derive(&organization(COOP), &ProductCode::parse("PK1").unwrap(), &LotCode::parse(code).unwrap())
}

pub fn at(text: &str) -> Option<When> {
    let (point, typed) = match text.split_once(' ') {
        None if text.len() == 10 => (date(text, DayPart::Unspecified), None),
        Some((day, "opening")) => (date(day, DayPart::BeforeOpening), None),
        Some((day, "closing")) => (date(day, DayPart::AfterClosing), None),
        _ => {
            let instant = format!("{}+07:00", text.replace(' ', "T")).parse().unwrap();
            (Point::Moment { instant, utc_offset_minutes: Some(420) }, None)
        }
    };
    Some(When { point, typed })
}

fn date(text: &str, part: DayPart) -> Point {
    Point::Date { day: BusinessDay::of(text.parse().unwrap()), part }
}

pub fn base(milli: i64) -> Quantity {
    Quantity { value: Milli(milli), unit: String::new(), typed: None, catch: None }
}

pub fn named(code: &str) -> LotReference {
    LotReference::Named { issuer: COOP.into(), product: "PK1".into(), code: code.into() }
}

pub fn line(code: &str, milli: i64) -> LotLine {
    LotLine { lot: named(code), quantity: base(milli) }
}

pub fn new_lot(product: &str, code: &str) -> NewLot {
    NewLot { issuer: COOP.into(), product: product.into(), code: code.into(), chain: "CH1".into(), expiry: None }
}

pub fn harvest(code: &str, milli: i64) -> Action {
    Action::Harvest(Harvest {
        site: "FA1".into(),
        lot: new_lot("PK1", code),
        quantity: base(milli),
        plot: None,
        households: Vec::new(),
    })
}

pub fn open(site: &str, code: &str, milli: i64) -> Action {
    Action::OpenLot(OpenLot { site: site.into(), lot: new_lot("PK1", code), quantity: base(milli) })
}

pub fn transform(input: (&str, i64), output: (&str, i64)) -> Action {
    Action::Transform(Transform {
        site: "FA1".into(),
        process: Process::Packing,
        inputs: vec![line(input.0, input.1)],
        outputs: vec![(new_lot("PK1", output.0), base(output.1))],
        loss_gram: None,
    })
}

pub fn dispatch(code: &str, to: &str, lines: &[(&str, i64)]) -> Action {
    let lines = lines.iter().map(|(lot, milli)| line(lot, *milli)).collect();
    Action::Dispatch(Dispatch {
        from: "FA1".into(),
        to: to.into(),
        code: code.into(),
        lines,
        trip: None,
        sscc: None,
        is_consignment: false,
        order: None,
    })
}

pub fn shipment(code: &str) -> ShipmentReference {
    ShipmentReference::Named { issuer: COOP.into(), code: code.into() }
}

pub fn shipment_id(code: &str) -> ShipmentId {
    ShipmentId::derive(&organization(COOP), &ShipmentCode::parse(code).unwrap())
}

pub fn extent(lines: &[(&str, i64)]) -> Extent {
    if lines.is_empty() {
        Extent::Everything
    } else {
        Extent::Lines(lines.iter().map(|(lot, milli)| line(lot, *milli)).collect())
    }
}

/// No lines: everything.
pub fn receive(code: &str, site: &str, lines: &[(&str, i64)]) -> Action {
    Action::Receive(Receive { shipment: shipment(code), site: site.into(), extent: extent(lines) })
}

pub fn sell(site: &str, lines: &[(&str, i64)]) -> Action {
    let lines = lines.iter().map(|(lot, milli)| line(lot, *milli)).collect();
    Action::Sell(Sell { site: site.into(), goods: Goods::Lots(lines) })
}

pub fn sell_product(site: &str, milli: i64) -> Action {
    Action::Sell(Sell { site: site.into(), goods: Goods::Product("PK1".into(), base(milli)) })
}

pub fn waste(site: &str, lines: &[(&str, i64)]) -> Action {
    let lines = lines.iter().map(|(lot, milli)| line(lot, *milli)).collect();
    Action::Waste(Waste { site: site.into(), lines, reason: WasteReason::Spoiled })
}

pub fn count(site: &str, lines: &[(&str, i64)]) -> Action {
    let lines = lines.iter().map(|(lot, milli)| line(lot, *milli)).collect();
    Action::Count(Count { site: site.into(), goods: Goods::Lots(lines) })
}

pub fn count_product(site: &str, milli: i64) -> Action {
    Action::Count(Count { site: site.into(), goods: Goods::Product("PK1".into(), base(milli)) })
}

pub fn correct(command: CommandId, replacement: Action) -> Action {
    Action::Correct(Correct { command, reason: "typed wrongly".into(), when: None, replacement: Box::new(replacement) })
}

pub fn void(command: CommandId) -> Action {
    Action::Void(Void { command, reason: "typed wrongly".into() })
}

pub fn hold(site: &str, lots: &[&str]) -> Action {
    Action::Hold(Hold { lots: lots.iter().map(|lot| named(lot)).collect(), site: site.into(), reason: "nghi ngờ".into() })
}

pub fn recall(lots: &[&str]) -> Action {
    Action::Recall(Recall {
        lots: lots.iter().map(|lot| named(lot)).collect(),
        form: RecallForm::Compulsory,
        reason: "tồn dư thuốc".into(),
        decision: Some("12/QĐ".into()),
        acknowledge_by: None,
    })
}

/// Of a command of an organization; empty for the sender's own.
pub fn release(of: &str, block: CommandId) -> Action {
    let block = CommandReference { organization: of.into(), command: block };
    Action::Release(Release { block, lots: Vec::new(), reason: "mẫu đạt".into() })
}

pub fn bring_back(site: &str, lines: &[(&str, i64)]) -> Action {
    let lines = lines.iter().map(|(lot, milli)| line(lot, *milli)).collect();
    Action::CustomerReturn(CustomerReturn { site: site.into(), lines, reason: ReturnReason::Quality })
}

/// No lines: everything.
pub fn cancel(code: &str, lines: &[(&str, i64)]) -> Action {
    Action::CancelShipment(CancelShipment { shipment: shipment(code), extent: extent(lines), reason: "hỏng xe".into() })
}

pub fn pack(site: &str, sscc: &str, lines: &[(&str, i64)], units: &[&str]) -> Action {
    let lines = lines.iter().map(|(lot, milli)| line(lot, *milli)).collect();
    let units = units.iter().map(|unit| (*unit).to_owned()).collect();
    Action::Pack(Pack { site: site.into(), sscc: sscc.into(), lines, units })
}

pub fn unpack(site: &str, sscc: &str) -> Action {
    Action::Unpack(Unpack { site: site.into(), sscc: sscc.into(), extent: UnitExtent::Everything })
}

/// Ten days ahead of the world's first, of the only chain.
pub fn order(site: &str, code: &str, milli: i64) -> Action {
    let due = BusinessDay::of("2026-12-05".parse().unwrap());
    let lines = vec![("PK1".to_owned(), base(milli))];
    Action::PlaceOrder(PlaceOrder { site: site.into(), code: code.into(), chain: "CH1".into(), due, lines })
}

/// An order of the shops.
pub fn close_order(code: &str) -> Action {
    let order = OrderReference::Named { buyer: SHOP.into(), code: code.into() };
    Action::CloseOrder(CloseOrder { order, reason: "hết nhu cầu".into() })
}

/// A code for a lot of the cooperative.
pub fn issue_code(lot: &str) -> Action {
    Action::IssueCode(IssueCode { product: String::new(), lot: Some(named(lot)) })
}

/// A code is given up.
pub fn revoke_code(code: &str) -> Action {
    Action::RevokeCode(RevokeCode { code: code.into(), reason: "tem bị chép".into() })
}

/// A code was scanned so often.
pub fn count_scans(code: &str, count: i64) -> Action {
    Action::CountScans(CountScans { scans: vec![ScanCount { code: code.into(), district: String::new(), count }] })
}

/// A dispatch that serves an order of the shops.
pub fn serving(code: &str, dispatch: Action) -> Action {
    match dispatch {
        Action::Dispatch(dispatch) => {
            let order = Some(OrderReference::Named { buyer: SHOP.into(), code: code.into() });
            Action::Dispatch(Dispatch { order, ..dispatch })
        }
        other => other,
    }
}

/// Whoever may say such a thing in this world.
/// A lot at a site is about to expire.
pub fn notice(site: &str, lot: &str) -> GiveNotice {
    GiveNotice {
        kind: NoticeKind::Expiry,
        key: format!("expiry/{lot}/{site}"),
        lot: Some(named(lot)),
        product: String::new(),
        site: site.into(),
        chain: String::new(),
        certificate: None,
        organization: String::new(),
        command: None,
        day: Some(BusinessDay::of(jiff::civil::date(2026, 11, 24))),
        days: Some(1),
        quantity: Some(Milli(2_000)),
    }
}

pub fn teller(action: &Action) -> &'static str {
    match action {
        Action::Register(_)
        | Action::Recall(_)
        | Action::Release(_)
        | Action::Resolve(_)
        | Action::RevokeCode(_)
        | Action::CountScans(_)
        | Action::GiveNotice(_) => AUTHORITY,
        Action::Dispatch(dispatch) if dispatch.from != "FA1" => SHOP,
        Action::IssueCode(_) | Action::Harvest(_) | Action::Transform(_) | Action::Dispatch(_) | Action::CancelShipment(_) => {
            COOP
        }
        Action::Hold(Hold { site, .. }) if site.is_empty() => COOP,
        Action::Correct(correct) => teller(&correct.replacement),
        Action::OpenLot(OpenLot { site, .. })
        | Action::Sell(Sell { site, .. })
        | Action::Waste(Waste { site, .. })
        | Action::Count(Count { site, .. })
        | Action::Hold(Hold { site, .. })
        | Action::CustomerReturn(CustomerReturn { site, .. })
        | Action::Pack(Pack { site, .. })
        | Action::Unpack(Unpack { site, .. })
        | Action::Observe(Observe { site, .. })
            if site == "FA1" =>
        {
            COOP
        }
        _ => SHOP,
    }
}

impl World {
    pub fn new() -> World {
        let genesis = Genesis {
            business_time_zone: "Asia/Ho_Chi_Minh".into(),
            authority: organization(AUTHORITY),
            authority_name: "Sở Công Thương".into(),
        };
        let mut world = World {
            state: State::begin(&genesis).unwrap(),
            put_away: State::begin(&genesis).unwrap(),
            cupboard: Cupboard::default(),
            journal: Vec::new(),
            now: "2026-11-25T12:00+07:00".parse().unwrap(),
            next: 1,
        };
        for fact in registry() {
            world.record_at("2020-01-01", Action::Register(fact)).unwrap();
        }
        world
    }

    /// Records an action, by whoever may say it.
    pub fn record_at(&mut self, when: &str, action: Action) -> Result<(CommandId, Vec<Event>), Refusal> {
        let command = self.command(at(when), action, false);
        self.send(teller(&command.action), command)
    }

    /// Records what has happened already.
    pub fn report_at(&mut self, when: &str, action: Action) -> Result<(CommandId, Vec<Event>), Refusal> {
        let command = self.command(at(when), action, true);
        self.send(teller(&command.action), command)
    }

    /// Voids or corrects a command of an organization.
    pub fn mend(&mut self, by: &str, action: Action) -> Result<(CommandId, Vec<Event>), Refusal> {
        let command = self.command(None, action, false);
        self.send(by, command)
    }

    pub fn command(&mut self, when: Option<When>, action: Action, reported_fact: bool) -> Command {
        self.next += 1;
        Command {
            id: CommandId(Uuid::from_u128(self.next)),
            when,
            actor: String::new(),
            device: String::new(),
            client: String::new(),
            reported_fact,
            note: String::new(),
            document: None,
            action,
        }
    }

    pub fn send(&mut self, by: &str, command: Command) -> Result<(CommandId, Vec<Event>), Refusal> {
        let organization = organization(by);
        let named = command.action.names(&organization);
        let is_named = |it: &&RecordedCommand| {
            named.as_ref().is_some_and(|named| it.id == named.command && it.organization == named.organization)
        };
        let original = self.journal.iter().find(is_named);
        let digest = Digest::of(format!("{:?}{:?}", command.when, command.action).as_bytes());
        let known = self.journal.iter().position(|it| it.id == command.id && it.organization == organization);
        let seen = known.map(|index| Seen { sequence: index as u64, digest: self.journal[index].digest });
        match judge(seen, digest) {
            Judgement::New => {}
            Judgement::Repetition { sequence } => return Ok((command.id, self.journal[sequence as usize].events.clone())),
            Judgement::OtherContent => {
                return Err(Refusal::OtherContent { command: CommandRef { organization, command: command.id } });
            }
        }
        let context = Context { organization: &organization, now: self.now, original };
        let decided = decide(&self.state, &command, &context);
        let same = decide(&self.put_away, &command, &context);
        let outcome = |of: &Result<Decision, Refusal>| format!("{:?}", of.as_ref().map(|decision| &decision.events));
        assert_eq!(outcome(&decided), outcome(&same), "what is put away is found again");
        let Decision { events, after } = decided?;
        self.state = after;
        self.put_away = same?.after;
        if self.journal.len().is_multiple_of(3) {
            self.cupboard.put_away(&mut self.put_away);
        }
        self.journal.push(RecordedCommand {
            organization,
            id: command.id,
            digest,
            actor: String::new(),
            device: String::new(),
            client: String::new(),
            reported_fact: command.reported_fact,
            note: String::new(),
            document: command.document.clone(),
            events: events.clone(),
        });
        Ok((command.id, events))
    }

    pub fn held(&self, code: &str, at: &str) -> i64 {
        self.state.held(lot(code), &Holder::Site(site(at))).0
    }

    pub fn in_transit(&self, code: &str, shipment: &str) -> i64 {
        self.state.held(lot(code), &Holder::Shipment(shipment_id(shipment))).0
    }

    /// What every place holds, outside included, summed anew from the postings of the journal.
    pub fn books(&self) -> BTreeMap<(LotId, Place), i64> {
        let mut books = BTreeMap::new();
        for posting in self.journal.iter().flat_map(|command| &command.events).flat_map(Event::postings) {
            *books.entry((posting.lot, posting.from)).or_insert(0) -= posting.quantity.0;
            *books.entry((posting.lot, posting.to)).or_insert(0) += posting.quantity.0;
        }
        books.retain(|_, held| *held != 0);
        books
    }

    /// Stock at sites and in shipments.
    pub fn stock(&self) -> BTreeMap<(LotId, Place), i64> {
        self.state.balances().map(|(lot, place, held)| ((lot, place), held.0)).collect()
    }
}

fn registry() -> Vec<RegistryFact> {
    let district = DistrictCode::parse("001").unwrap();
    let organization_fact = |code: &str, kind| {
        RegistryFact::Organization(Organization { code: organization(code), name: format!("Đơn vị {code}"), kind, gln: None })
    };
    let site_fact = |code: &str, kind, by: &str| {
        RegistryFact::Site(Site {
            code: site(code),
            name: format!("Cơ sở {code}"),
            kind,
            organization: organization(by),
            district: district.clone(),
            gln: None,
            latitude_e6: 21_035_000,
            longitude_e6: 105_814_000,
        })
    };
    let product_fact = |code: &str, name: &str, base_unit, indivisible, shelf_life_days| {
        RegistryFact::Product(Product {
            code: ProductCode::parse(code).unwrap(),
            name: name.into(),
            name_en: String::new(),
            group: "rau".into(),
            ocop_group: 1,
            base_unit,
            indivisible,
            mass_gram: 1_000,
            pieces: 0,
            content_milli: 0,
            content_unit: String::new(),
            content_kind: "loose".into(),
            shelf_life_days,
            temperature_min_celsius: None,
            temperature_max_celsius: None,
            gtin: None,
            brand_owner: None,
            market_units: Vec::new(),
        })
    };
    let chain_fact = |code: &str, lead: &str| {
        RegistryFact::Chain(Chain {
            code: ChainCode::parse(code).unwrap(),
            name: format!("Chuỗi {code}"),
            lead: organization(lead),
            district: district.clone(),
            group: "rau".into(),
            share_supermarket_percent: 50,
            share_general_percent: 30,
            share_specialty_percent: 20,
        })
    };
    let joined = |chain: &str, member| {
        RegistryFact::MemberJoined(Membership { chain: ChainCode::parse(chain).unwrap(), member, is_primary: true })
    };
    let product = |code: &str| Member::Product(ProductCode::parse(code).unwrap());
    vec![
        RegistryFact::District(District { code: district.clone(), name: "Ba Đình".into(), kind: "quận".into(), ends: None }),
        organization_fact(COOP, OrganizationKind::Cooperative),
        organization_fact(OTHER_COOP, OrganizationKind::Cooperative),
        organization_fact(SHOP, OrganizationKind::Retailer),
        site_fact("FA1", SiteKind::Farm, COOP),
        site_fact("FA2", SiteKind::Farm, OTHER_COOP),
        site_fact("SM1", SiteKind::Supermarket, SHOP),
        site_fact("SM2", SiteKind::Supermarket, SHOP),
        product_fact("PK1", "Rau muống", BaseUnit::Kilogram, false, 4),
        product_fact("PK2", "Bắp cải tím", BaseUnit::Piece, true, 0),
        product_fact("PK3", "Bắp cải tim", BaseUnit::Piece, true, 0),
        chain_fact("CH1", COOP),
        chain_fact("CH2", OTHER_COOP),
        joined("CH1", Member::Site(site("FA1"))),
        joined("CH2", Member::Site(site("FA2"))),
        joined("CH1", product("PK1")),
        joined("CH1", product("PK2")),
        joined("CH2", product("PK2")),
    ]
}
