//! What deciding may look at: lots, the ledgers of places, shipments, the registry. A fold of the journal; a clone is cheap, so
//! that a group of commands is decided on a copy.

pub mod block;
pub mod code;
pub mod layers;
pub mod ledger;
pub mod order;
mod ordered;
pub mod paper;
pub mod programme;
pub mod registry;
pub mod unit;

use crate::entry::{Entry, Genesis};
use crate::event::registry::{Organization, OrganizationKind};
use crate::event::{CountBasis, Counted, CountedLine, Event, Fact, Lot, LotAmount, RegistryFact};
use crate::id::{
    CommandId, CommandRef, LotCode, LotId, OrderId, OrganizationCode, ProductCode, ShipmentCode, ShipmentId, SiteCode, Sscc,
    TraceCode,
};
use crate::posting::Place;
use crate::quantity::Milli;
use crate::refusal::LotName;
use crate::time::{BusinessDay, Calendar, EventTime, TimeKey, UnknownTimeZone};
use block::{Block, BlockKey, BlockKind};
use code::Code;
use layers::Layers;
pub use layers::Shelf;
use ledger::{CountMade, Ledger, LedgerKey};
use order::Order;
use ordered::Ordered;
use paper::{PaperKey, PaperUses};
use registry::Registry;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use unit::Unit;

/// A place inside the book.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Holder {
    /// A site.
    Site(SiteCode),
    /// A shipment.
    Shipment(ShipmentId),
}

impl Holder {
    fn of(place: &Place) -> Option<Holder> {
        match place {
            Place::Site(site) => Some(Holder::Site(site.clone())),
            Place::Shipment(shipment) => Some(Holder::Shipment(*shipment)),
            Place::Outside(_) => None,
        }
    }
}

impl From<Holder> for Place {
    fn from(holder: Holder) -> Place {
        match holder {
            Holder::Site(site) => Place::Site(site),
            Holder::Shipment(shipment) => Place::Shipment(shipment),
        }
    }
}

/// A lot that is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KnownLot {
    /// What names it.
    pub lot: Lot,
    /// What began it: a harvest or a transformation; none while it is known from opening balances or unmatched receipts alone.
    pub begun: Option<CommandRef>,
    /// Where it was opened, and by what.
    pub opened: BTreeMap<SiteCode, CommandRef>,
    /// What it was made of.
    pub parents: Vec<LotId>,
    /// What was made of it.
    pub children: Vec<LotId>,
    /// Holds that name it and recalls that reach it, over or not.
    pub blocked_by: Vec<CommandRef>,
}

impl KnownLot {
    /// As people name it.
    pub fn name(&self) -> LotName {
        LotName { issuer: self.lot.issuer.clone(), product: self.lot.product.clone(), code: self.lot.code.clone() }
    }
}

/// Goods that were received before their dispatch was known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnmatchedReceipt {
    /// The lot.
    pub lot: LotId,
    /// What is still unmatched of it.
    pub quantity: Milli,
    /// When it was received.
    pub time: EventTime,
    /// By which command.
    pub by: CommandRef,
    /// By which dispatch it was matched, as far as it was.
    pub matched_by: Option<CommandRef>,
}

/// A line of a shipment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Line {
    /// How much was sent.
    pub sent: Milli,
    /// What of it goes back where it left: turned away at the door, or cancelled on the road.
    pub back: Milli,
    /// What settled part of it last, and when.
    pub settled: Option<(CommandRef, EventTime)>,
}

/// Goods on their way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shipment {
    /// Its id.
    pub id: ShipmentId,
    /// As people name it.
    pub name: String,
    /// Where it comes from and goes to, by what it left and when; none while only receipts are known.
    pub dispatched: Option<Departure>,
    /// What is on it.
    pub lines: Ordered<LotId, Line>,
    /// What was received before the dispatch was known.
    pub unmatched: Vec<UnmatchedReceipt>,
}

/// How a shipment left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Departure {
    /// Site that it left.
    pub from: SiteCode,
    /// Site that it goes to.
    pub to: SiteCode,
    /// What recorded it.
    pub by: CommandRef,
    /// When.
    pub time: EventTime,
    /// Whether it takes back what was refused at a door.
    pub is_return: bool,
}

/// A lot at a site, by its product.
pub type LotAt = (SiteCode, ProductCode, LotId);

/// What is known of a lot at a site without opening its book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Code of the lot.
    pub code: LotCode,
    /// Whether something of it stands there.
    pub stands: bool,
    /// Last business day on which it moved there.
    pub last: BusinessDay,
}

/// Counts of a product without lots, by time.
pub type ProductCounts = BTreeMap<TimeKey, (EventTime, CommandRef)>;

/// Where a state's parts are put away, besides the registry: that stays in memory.
#[derive(Clone, Debug)]
pub struct Shelves {
    /// Lots.
    pub lots: Arc<dyn Shelf<LotId, Arc<KnownLot>>>,
    /// The books of places.
    pub ledgers: Arc<dyn Shelf<(LotId, Holder), Arc<Ledger>>>,
    /// Which lots ever were where; the only shelf that is asked for a range.
    pub lots_at: Arc<dyn Shelf<LotAt, Presence>>,
    /// Counts without lots.
    pub product_counts: Arc<dyn Shelf<(SiteCode, ProductCode), Arc<ProductCounts>>>,
    /// Shipments.
    pub shipments: Arc<dyn Shelf<ShipmentId, Arc<Shipment>>>,
    /// What voided a command.
    pub voided: Arc<dyn Shelf<CommandRef, CommandId>>,
    /// Holds and recalls.
    pub blocks: Arc<dyn Shelf<BlockKey, Arc<Block>>>,
    /// Logistic units.
    pub units: Arc<dyn Shelf<Sscc, Arc<Unit>>>,
    /// What was said in the name of a paper.
    pub papers: Arc<dyn Shelf<PaperKey, Arc<PaperUses>>>,
    /// Orders.
    pub orders: Arc<dyn Shelf<OrderId, Arc<Order>>>,
    /// Traceability codes.
    pub codes: Arc<dyn Shelf<TraceCode, Arc<Code>>>,
}

/// What leaves the memory for the shelves.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// Lots.
    pub lots: Arc<BTreeMap<LotId, Arc<KnownLot>>>,
    /// The books of places.
    pub ledgers: Arc<BTreeMap<(LotId, Holder), Arc<Ledger>>>,
    /// Which lots ever were where.
    pub lots_at: Arc<BTreeMap<LotAt, Presence>>,
    /// Counts without lots.
    pub product_counts: Arc<BTreeMap<(SiteCode, ProductCode), Arc<ProductCounts>>>,
    /// Shipments.
    pub shipments: Arc<BTreeMap<ShipmentId, Arc<Shipment>>>,
    /// What voided a command.
    pub voided: Arc<BTreeMap<CommandRef, CommandId>>,
    /// Holds and recalls.
    pub blocks: Arc<BTreeMap<BlockKey, Arc<Block>>>,
    /// Logistic units.
    pub units: Arc<BTreeMap<Sscc, Arc<Unit>>>,
    /// What was said in the name of a paper.
    pub papers: Arc<BTreeMap<PaperKey, Arc<PaperUses>>>,
    /// Orders.
    pub orders: Arc<BTreeMap<OrderId, Arc<Order>>>,
    /// Traceability codes.
    pub codes: Arc<BTreeMap<TraceCode, Arc<Code>>>,
}

/// A fold of the journal.
#[derive(Clone, Debug)]
pub struct State {
    calendar: Calendar,
    authority: OrganizationCode,
    registry: Arc<Registry>,
    lots: Layers<LotId, Arc<KnownLot>>,
    ledgers: Layers<(LotId, Holder), Arc<Ledger>>,
    /// Lots that ever were at a site.
    lots_at: Layers<LotAt, Presence>,
    /// Counts of a product without lots: every lot of it that was not named stands at zero then.
    product_counts: Layers<(SiteCode, ProductCode), Arc<ProductCounts>>,
    shipments: Layers<ShipmentId, Arc<Shipment>>,
    voided: Layers<CommandRef, CommandId>,
    blocks: Layers<BlockKey, Arc<Block>>,
    units: Layers<Sscc, Arc<Unit>>,
    papers: Layers<PaperKey, Arc<PaperUses>>,
    orders: Layers<OrderId, Arc<Order>>,
    codes: Layers<TraceCode, Arc<Code>>,
}

impl State {
    /// The state at the beginning of a journal.
    pub fn begin(genesis: &Genesis) -> Result<State, UnknownTimeZone> {
        let mut registry = Registry::default();
        let authority = Organization {
            code: genesis.authority.clone(),
            name: genesis.authority_name.clone(),
            kind: OrganizationKind::Authority,
            gln: None,
        };
        registry.organizations.enter(BusinessDay(i32::MIN), &authority);
        Ok(State {
            calendar: Calendar::of(&genesis.business_time_zone)?,
            authority: genesis.authority.clone(),
            registry: Arc::new(registry),
            lots: Layers::default(),
            ledgers: Layers::default(),
            lots_at: Layers::default(),
            product_counts: Layers::default(),
            shipments: Layers::default(),
            voided: Layers::default(),
            blocks: Layers::default(),
            units: Layers::default(),
            papers: Layers::default(),
            orders: Layers::default(),
            codes: Layers::default(),
        })
    }

    /// The calendar of business days.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Who keeps the registry.
    pub fn authority(&self) -> &OrganizationCode {
        &self.authority
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A lot.
    pub fn lot(&self, lot: LotId) -> Option<Arc<KnownLot>> {
        self.lots.get(&lot)
    }

    /// A shipment.
    pub fn shipment(&self, shipment: ShipmentId) -> Option<Arc<Shipment>> {
        self.shipments.get(&shipment)
    }

    /// The book of a lot at a place, if it ever was there.
    pub fn ledger(&self, lot: LotId, holder: &Holder) -> Option<Arc<Ledger>> {
        self.ledgers.get(&(lot, holder.clone()))
    }

    /// What a place holds of a lot.
    pub fn held(&self, lot: LotId, holder: &Holder) -> Milli {
        self.ledger(lot, holder).map_or(Milli::ZERO, |ledger| ledger.balance())
    }

    /// Lots of a product, under any of its codes, that ever were at a site.
    pub fn lots_at(&self, site: &SiteCode, product: &ProductCode) -> BTreeSet<LotId> {
        self.lots_of(site, product, |_| true)
    }

    /// Those of them of which something may leave on a day: it stands there, or it moved on that day or later.
    pub fn lots_available(&self, site: &SiteCode, product: &ProductCode, day: BusinessDay) -> BTreeSet<LotId> {
        self.lots_of(site, product, |presence| presence.stands || presence.last >= day)
    }

    fn lots_of(&self, site: &SiteCode, product: &ProductCode, is_meant: impl Fn(&Presence) -> bool) -> BTreeSet<LotId> {
        let products = &self.registry.products;
        let survivor = products.survivor(product);
        let codes = products.duplicates(survivor).into_iter().chain([survivor.clone()]);
        let of = |product: ProductCode| {
            let from = (site.clone(), product, LotId::least());
            self.lots_at.range(&from, |(at, of, _)| *at == from.0 && *of == from.1)
        };
        codes.flat_map(of).filter(|(_, presence)| is_meant(presence)).map(|((_, _, lot), _)| lot).collect()
    }

    /// Lots that ever were at a site, under any of its codes.
    pub fn all_lots_at(&self, site: &SiteCode) -> BTreeMap<LotId, Presence> {
        let of = |site: SiteCode| {
            let from = (site, ProductCode::least(), LotId::least());
            self.lots_at.range(&from, |(at, _, _)| *at == from.0)
        };
        self.registry.sites.codes(site).into_iter().flat_map(of).map(|((_, _, lot), presence)| (lot, presence)).collect()
    }

    /// The count of a product without lots at a time.
    pub fn product_count(&self, site: &SiteCode, product: &ProductCode, time: TimeKey) -> Option<(EventTime, CommandRef)> {
        self.product_counts.get(&(site.clone(), product.clone())).and_then(|counts| counts.get(&time).cloned())
    }

    /// When a lot was last counted at a site, by itself or with its product.
    pub fn last_count(&self, site: &SiteCode, lot: &KnownLot) -> Option<LedgerKey> {
        let by_lot = self.ledger(lot.lot.id, &Holder::Site(site.clone())).and_then(|ledger| ledger.last_count());
        let products = [&lot.lot.product, self.registry.products.survivor(&lot.lot.product)];
        let counts = products.into_iter().filter_map(|product| self.product_counts.get(&(site.clone(), product.clone())));
        counts.filter_map(|counts| counts.last_key_value().map(|(time, _)| LedgerKey::count(*time))).chain(by_lot).max()
    }

    /// What voided or corrected a command.
    pub fn voided_by(&self, command: &CommandRef) -> Option<CommandId> {
        self.voided.get(command)
    }

    /// Every place that holds something of a lot, with how much; of a state of which nothing was put away.
    pub fn balances(&self) -> impl Iterator<Item = (LotId, Place, Milli)> + '_ {
        self.ledgers
            .iter()
            .map(|((lot, holder), ledger)| (*lot, Place::from(holder.clone()), ledger.balance()))
            .filter(|(_, _, balance)| *balance != Milli::ZERO)
    }

    /// Makes what was decided on a copy part of what stands, now that the copy stands for both: call it when the other is gone.
    pub fn flatten(&mut self) {
        self.lots.flatten();
        self.ledgers.flatten();
        self.lots_at.flatten();
        self.product_counts.flatten();
        self.shipments.flatten();
        self.voided.flatten();
        self.blocks.flatten();
        self.units.flatten();
        self.papers.flatten();
        self.orders.flatten();
        self.codes.flatten();
    }

    /// Lays the state upon shelves: what is not in memory is looked for there.
    pub fn rest_on(&mut self, shelves: &Shelves) {
        self.lots.rest_on(Arc::clone(&shelves.lots));
        self.ledgers.rest_on(Arc::clone(&shelves.ledgers));
        self.lots_at.rest_on(Arc::clone(&shelves.lots_at));
        self.product_counts.rest_on(Arc::clone(&shelves.product_counts));
        self.shipments.rest_on(Arc::clone(&shelves.shipments));
        self.voided.rest_on(Arc::clone(&shelves.voided));
        self.blocks.rest_on(Arc::clone(&shelves.blocks));
        self.units.rest_on(Arc::clone(&shelves.units));
        self.papers.rest_on(Arc::clone(&shelves.papers));
        self.orders.rest_on(Arc::clone(&shelves.orders));
        self.codes.rest_on(Arc::clone(&shelves.codes));
    }

    /// Takes what changed since the last time off the memory. Put it on the shelves before the next time.
    pub fn put_away(&mut self) -> Leaving {
        Leaving {
            lots: self.lots.put_away(),
            ledgers: self.ledgers.put_away(),
            lots_at: self.lots_at.put_away(),
            product_counts: self.product_counts.put_away(),
            shipments: self.shipments.put_away(),
            voided: self.voided.put_away(),
            blocks: self.blocks.put_away(),
            units: self.units.put_away(),
            papers: self.papers.put_away(),
            orders: self.orders.put_away(),
            codes: self.codes.put_away(),
        }
    }

    /// About how many parts have changed since something was last put away: books, of which every movement changes one.
    pub fn changed(&self) -> usize {
        self.ledgers.changed()
    }

    /// Applies an entry.
    pub fn evolve_entry(&mut self, entry: &Entry) {
        for command in &entry.commands {
            let by = CommandRef { organization: command.organization.clone(), command: command.id };
            command.events.iter().for_each(|event| self.evolve(&by, event));
            self.note_paper(&by, command.document.as_ref(), &command.events);
        }
    }

    /// Applies a fact that a command recorded. Cannot fail: what happened happened.
    pub fn evolve(&mut self, by: &CommandRef, event: &Event) {
        match &event.fact {
            Fact::Registered(fact) => self.evolve_registry(event.time.business_day, fact),
            Fact::Voided(voided) | Fact::Corrected(voided) => {
                let original = CommandRef { organization: by.organization.clone(), command: voided.command };
                for event in &voided.originals {
                    self.note(&original, event, false);
                    self.post(&original, event, true);
                }
                self.voided.insert(original, by.command);
            }
            _ => {
                self.note(by, event, true);
                self.post(by, event, false);
            }
        }
    }

    fn evolve_registry(&mut self, from: BusinessDay, fact: &RegistryFact) {
        Arc::make_mut(&mut self.registry).evolve(from, fact);
    }

    /// What an event says besides moving goods: what began, left, was settled, was counted; or that it did not.
    fn note(&mut self, by: &CommandRef, event: &Event, holds: bool) {
        match &event.fact {
            Fact::Harvested(harvested) => self.note_begun(&harvested.lot, by, holds),
            Fact::Transformed(transformed) => {
                let inputs: Vec<LotId> = transformed.inputs.iter().map(|input| input.lot).collect();
                for (lot, _) in &transformed.outputs {
                    self.note_begun(lot, by, holds);
                    self.note_descent(&inputs, lot.id, holds);
                }
            }
            Fact::LotOpened(opened) => {
                let known = self.known_lot(&opened.lot);
                // An opening of nothing announces a lot that an unmatched receipt names; it is no opening balance.
                if opened.amount.quantity == Milli::ZERO {
                } else if holds {
                    known.opened.insert(opened.site.clone(), by.clone());
                } else {
                    known.opened.remove(&opened.site);
                }
            }
            Fact::Dispatched(dispatched) => {
                let departure = Departure {
                    from: dispatched.from.clone(),
                    to: dispatched.to.clone(),
                    by: by.clone(),
                    time: event.time.clone(),
                    is_return: false,
                };
                let shipment = self.known_shipment(dispatched.shipment, dispatched.code.to_string());
                shipment.dispatched = holds.then_some(departure);
                for line in &dispatched.lines {
                    let sent = &mut shipment.lines.get_or_default(line.lot).sent;
                    *sent = signed(*sent, line.amount.quantity, holds);
                }
                for line in dispatched.lines.iter().filter(|line| line.redispatched != Milli::ZERO) {
                    let returned = &mut self.ledger_mut(line.lot, Holder::Site(dispatched.from.clone())).returned;
                    *returned = signed(*returned, line.redispatched, !holds);
                }
                if let Some(sscc) = &dispatched.sscc {
                    self.note_unit_left(sscc, dispatched.shipment, holds);
                }
            }
            Fact::Received(received) => match &received.unmatched {
                None => {
                    self.note_settled(received.shipment, &received.lines, by, &event.time, holds);
                    let is_return =
                        self.shipment(received.shipment).is_some_and(|it| it.dispatched.as_ref().is_some_and(|it| it.is_return));
                    for line in received.lines.iter().filter(|_| is_return) {
                        let returned = &mut self.ledger_mut(line.lot, Holder::Site(received.site.clone())).returned;
                        *returned = signed(*returned, line.amount.quantity, holds);
                    }
                }
                Some((_, code)) => self.note_unmatched(received.shipment, code, &received.lines, by, &event.time, holds),
            },
            Fact::DeliveryRefused(refused) => {
                self.note_settled(refused.shipment, &refused.lines, by, &event.time, holds);
                if refused.returned.is_some() {
                    self.note_back(refused.shipment, &refused.lines, holds);
                }
                if let Some((back, site)) = &refused.returned {
                    let name = self.shipment(refused.shipment).map_or(String::new(), |it| it.name.clone());
                    let departure = Departure {
                        from: refused.site.clone(),
                        to: site.clone(),
                        by: by.clone(),
                        time: event.time.clone(),
                        is_return: true,
                    };
                    let back = self.known_shipment(*back, format!("return of {name}"));
                    back.dispatched = holds.then_some(departure);
                    for line in &refused.lines {
                        let sent = &mut back.lines.get_or_default(line.lot).sent;
                        *sent = signed(*sent, line.amount.quantity, holds);
                    }
                }
            }
            Fact::ShortReported(short) => self.note_settled(short.shipment, &short.lines, by, &event.time, holds),
            Fact::Counted(counted) => self.note_counted(counted, by, &event.time, holds),
            Fact::Matched(matched) => self.note_matched(matched.shipment, &matched.lines, by, &event.time, holds),
            Fact::Rebooked(rebooked) => {
                // What came back from a door goes along: it is dispatched again, not for the first time.
                for line in &rebooked.lines {
                    let there = &mut self.ledger_mut(line.lot, Holder::Site(rebooked.from.clone())).returned;
                    let along = line.amount.quantity.min((*there).max(Milli::ZERO));
                    *there = signed(*there, along, !holds);
                    let here = &mut self.ledger_mut(line.lot, Holder::Site(rebooked.to.clone())).returned;
                    *here = signed(*here, along, holds);
                }
            }
            Fact::Held(_) => self.note_block(BlockKind::Held, by, event, holds),
            Fact::Recalled(_) => self.note_block(BlockKind::Recalled, by, event, holds),
            Fact::Released(released) => self.note_released(&released.block, &released.lots, by, &event.time, holds),
            Fact::ShipmentCancelled(cancelled) => {
                self.note_settled(cancelled.shipment, &cancelled.lines, by, &event.time, holds);
                self.note_back(cancelled.shipment, &cancelled.lines, holds);
                // It is dispatched again, not for the first time.
                for line in &cancelled.lines {
                    let returned = &mut self.ledger_mut(line.lot, Holder::Site(cancelled.site.clone())).returned;
                    *returned = signed(*returned, line.amount.quantity, holds);
                }
            }
            Fact::Ordered(ordered) => self.note_ordered(ordered, by, holds),
            Fact::OrderClosed(closed) => self.note_order_closed(closed.order, by, event.time.business_day, holds),
            Fact::CodeIssued(issued) => self.note_code_issued(issued, by, holds),
            Fact::CodeRevoked(revoked) => self.note_code_revoked(&revoked.code, by, holds),
            Fact::Packed(packed) => self.note_packed(packed, holds),
            Fact::Unpacked(unpacked) => self.note_packed(unpacked, !holds),
            Fact::Sold(_)
            | Fact::Wasted(_)
            | Fact::CustomerReturned(_)
            | Fact::CountRestated(_)
            | Fact::RecallAcknowledged(_)
            | Fact::Observed(_)
            | Fact::DiscrepancyResolved(_)
            | Fact::CodesScanned(_)
            | Fact::NoticeGiven(_) => {}
            // A void's originals are primary events of one command: never voids, never facts of the registry.
            Fact::Voided(_) | Fact::Corrected(_) | Fact::Registered(_) => {}
        }
    }

    /// Enters an event's postings in the ledgers, or takes them back.
    fn post(&mut self, by: &CommandRef, event: &Event, reversal: bool) {
        for posting in event.postings() {
            let posting = if reversal { posting.reversed() } else { posting };
            for (place, incoming) in [(&posting.from, false), (&posting.to, true)] {
                let Some(holder) = Holder::of(place) else { continue };
                let change = if incoming { posting.quantity.0 } else { -posting.quantity.0 };
                let key = LedgerKey::of(&event.fact, &posting, incoming);
                let ledger = self.ledger_mut(posting.lot, holder);
                if key.is_leg() {
                    ledger.enter(key, change, by)
                } else {
                    ledger.adjust(key, change)
                }
                let stands = ledger.balance() != Milli::ZERO;
                if let Place::Site(site) = place {
                    self.note_presence(posting.lot, site, stands, key.day);
                }
            }
        }
    }

    fn known_lot(&mut self, lot: &Lot) -> &mut KnownLot {
        let new = || {
            Arc::new(KnownLot {
                lot: lot.clone(),
                begun: None,
                opened: BTreeMap::new(),
                parents: Vec::new(),
                children: Vec::new(),
                blocked_by: Vec::new(),
            })
        };
        let known = self.lots.get_or_insert_with(lot.id, new);
        Arc::make_mut(known)
    }

    fn note_begun(&mut self, lot: &Lot, by: &CommandRef, holds: bool) {
        let known = self.known_lot(lot);
        known.begun = holds.then(|| by.clone());
        if holds {
            // Who makes a lot knows its dates best, whoever spoke of it first.
            known.lot = lot.clone();
        }
    }

    fn known_shipment(&mut self, id: ShipmentId, name: String) -> &mut Shipment {
        let new = || Arc::new(Shipment { id, name, dispatched: None, lines: Ordered::default(), unmatched: Vec::new() });
        let known = self.shipments.get_or_insert_with(id, new);
        Arc::make_mut(known)
    }

    fn note_settled(&mut self, shipment: ShipmentId, lines: &[LotAmount], by: &CommandRef, time: &EventTime, holds: bool) {
        let Some(shipment) = self.shipments.get_mut(&shipment) else { return };
        let shipment = Arc::make_mut(shipment);
        for line in lines {
            let known = shipment.lines.get_or_default(line.lot);
            if holds {
                known.settled = Some((by.clone(), time.clone()));
            } else if known.settled.as_ref().is_some_and(|(last, _)| last == by) {
                known.settled = None;
            }
        }
    }

    fn note_back(&mut self, shipment: ShipmentId, lines: &[LotAmount], holds: bool) {
        let Some(shipment) = self.shipments.get_mut(&shipment) else { return };
        for line in lines {
            let back = &mut Arc::make_mut(shipment).lines.get_or_default(line.lot).back;
            *back = signed(*back, line.amount.quantity, holds);
        }
    }

    fn note_unmatched(
        &mut self,
        shipment: ShipmentId,
        code: &ShipmentCode,
        lines: &[LotAmount],
        by: &CommandRef,
        time: &EventTime,
        holds: bool,
    ) {
        let shipment = self.known_shipment(shipment, code.to_string());
        if holds {
            shipment.unmatched.extend(lines.iter().map(|line| UnmatchedReceipt {
                lot: line.lot,
                quantity: line.amount.quantity,
                time: time.clone(),
                by: by.clone(),
                matched_by: None,
            }));
        } else {
            shipment.unmatched.retain(|receipt| receipt.by != *by);
        }
    }

    /// A dispatch took over what earlier receipts had; its time is that of the receipt or, if later, its own.
    fn note_matched(&mut self, shipment: ShipmentId, lines: &[LotAmount], by: &CommandRef, time: &EventTime, holds: bool) {
        let Some(shipment) = self.shipments.get_mut(&shipment) else { return };
        let shipment = Arc::make_mut(shipment);
        for line in lines {
            let mut left = line.amount.quantity;
            for receipt in shipment.unmatched.iter_mut().filter(|receipt| receipt.lot == line.lot) {
                if holds {
                    let taken = left.min(receipt.quantity);
                    if taken > Milli::ZERO {
                        receipt.quantity = Milli(receipt.quantity.0 - taken.0);
                        receipt.matched_by = Some(by.clone());
                        left = Milli(left.0 - taken.0);
                    }
                } else if receipt.matched_by.as_ref() == Some(by) {
                    receipt.quantity = Milli(receipt.quantity.0 + left.0);
                    receipt.matched_by = None;
                    left = Milli::ZERO;
                }
            }
            let known = shipment.lines.get_or_default(line.lot);
            known.settled = if holds { Some((by.clone(), time.clone())) } else { None };
        }
    }

    fn note_counted(&mut self, counted: &Counted, by: &CommandRef, time: &EventTime, holds: bool) {
        if counted.basis != CountBasis::Stocktake {
            return;
        }
        let key = LedgerKey::count(time.key());
        let site = Holder::Site(counted.site.clone());
        if let Some(product) = &counted.product {
            let of_product = (counted.site.clone(), product.clone());
            let counts = Arc::make_mut(self.product_counts.get_or_insert_with(of_product, Arc::default));
            if holds {
                counts.insert(time.key(), (time.clone(), by.clone()));
            } else {
                counts.remove(&time.key());
            }
            // Lots that were not named stand at zero; those that become known later learn of it when they come.
            for lot in self.lots_at(&counted.site, product) {
                let ledger = self.ledger_mut(lot, site.clone());
                if holds {
                    ledger.count(CountMade { counted: Milli::ZERO, time: time.clone(), by: by.clone() });
                } else if ledger.count_at(key).is_some_and(|count| count.by == *by) {
                    ledger.forget_count(key);
                }
            }
        }
        for CountedLine { lot, counted, .. } in &counted.lines {
            let ledger = self.ledger_mut(*lot, site.clone());
            if holds {
                ledger.count(CountMade { counted: counted.quantity, time: time.clone(), by: by.clone() });
            } else {
                ledger.forget_count(key);
            }
        }
    }

    fn ledger_mut(&mut self, lot: LotId, holder: Holder) -> &mut Ledger {
        let key = (lot, holder);
        let known = self.ledgers.get(&key).unwrap_or_else(|| Arc::new(self.begin_ledger(lot, &key.1)));
        Arc::make_mut(self.ledgers.get_or_insert_with(key, || known))
    }

    /// A book begins with the counts that said of a product's unnamed lots that they stand at zero.
    fn begin_ledger(&mut self, lot: LotId, holder: &Holder) -> Ledger {
        let mut ledger = Ledger::default();
        if let (Holder::Site(site), Some(known)) = (holder, self.lots.get(&lot)) {
            let product = known.lot.product.clone();
            for counted in BTreeSet::from([&product, self.registry.products.survivor(&product)]) {
                let counts = self.product_counts.get(&(site.clone(), counted.clone()));
                for (time, by) in counts.iter().flat_map(|counts| counts.values()) {
                    ledger.count(CountMade { counted: Milli::ZERO, time: time.clone(), by: by.clone() });
                }
            }
            let presence = Presence { code: known.lot.code.clone(), stands: false, last: BusinessDay(i32::MIN) };
            self.lots_at.insert((site.clone(), product, lot), presence);
        }
        ledger
    }

    /// Keeps in mind whether something of a lot stands at a site, and when it moved there last.
    fn note_presence(&mut self, lot: LotId, site: &SiteCode, stands: bool, day: BusinessDay) {
        let Some(known) = self.lots.get(&lot) else { return };
        let key = (site.clone(), known.lot.product.clone(), lot);
        let before = self.lots_at.get(&key);
        let last = before.as_ref().map_or(day, |presence| presence.last.max(day));
        let presence = Presence { code: known.lot.code.clone(), stands, last };
        if before.as_ref() != Some(&presence) {
            self.lots_at.insert(key, presence);
        }
    }
}

fn signed(value: Milli, change: Milli, plus: bool) -> Milli {
    Milli(if plus { value.0 + change.0 } else { value.0 - change.0 })
}
