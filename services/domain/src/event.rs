//! Every fact, in the past tense, and the postings that it makes.

mod code;
mod discrepancy;
mod hold;
mod logistic;
mod notice;
mod observed;
mod order;
pub mod programme;
pub mod registry;
mod returned;

use crate::id::{
    ChainCode, CommandId, LotCode, LotId, OrderId, OrganizationCode, ProductCode, ShipmentCode, ShipmentId, SiteCode,
};
use crate::posting::{Outside, Place, Posting};
use crate::quantity::Milli;
use crate::time::{BusinessDay, EventTime};
use crate::unit::BaseUnit;
pub use code::{CodeIssued, CodeRevoked, CodesScanned, Scan};
pub use discrepancy::{Discrepancy, DiscrepancyResolved};
pub use hold::{Held, RecallAcknowledged, RecallForm, Recalled, Released};
use jiff::Timestamp;
pub use logistic::Packed;
pub use notice::{NoticeGiven, NoticeKind};
pub use observed::{Finding, ObservationKind, Observed, Temperature, Treatment};
pub use order::{OrderClosed, Ordered, OrderedLine};
pub use registry::RegistryFact;
pub use returned::{CustomerReturned, ReturnReason, ShipmentCancelled};
use serde::{Deserialize, Serialize};

/// A fact that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened in the world.
    pub time: EventTime,
    /// Rules that it broke; recorded all the same because it had already happened.
    pub violations: Vec<Violation>,
    /// Names that were read as codes (rule 13); with the first event of a command.
    pub names: Vec<TypedName>,
    /// What happened.
    pub fact: Fact,
}

/// A rule that a recorded fact broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the rule in the domain's list.
    pub rule: u8,
    /// Stable reason, as in a refusal.
    pub reason: String,
    /// The figures, for people.
    pub detail: String,
}

/// What a person typed for a thing, and what it was read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedName {
    /// Path of the field in the command.
    pub field: String,
    /// As typed: a name, a number, another code.
    pub typed: String,
    /// Code of the thing.
    pub code: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A lot began at a producing site.
    Harvested(Harvested),
    /// Goods that a site held before it kept its book here.
    LotOpened(LotOpened),
    /// Lots became other lots.
    Transformed(Transformed),
    /// A shipment left a site.
    Dispatched(Dispatched),
    /// Goods of a shipment arrived.
    Received(Received),
    /// Goods of a shipment were turned away at the door.
    DeliveryRefused(DeliveryRefused),
    /// Goods of a shipment did not arrive.
    ShortReported(ShortReported),
    /// Goods were sold to consumers.
    Sold(Sold),
    /// Goods were lost to use.
    Wasted(Wasted),
    /// Goods were counted, or found.
    Counted(Counted),
    /// What became known later changed the variance of a count.
    CountRestated(CountRestated),
    /// The dispatch behind an unmatched receipt became known.
    Matched(Matched),
    /// A command was recorded in error.
    Voided(Voided),
    /// A command was recorded in error; the events after this one in the same command replace it.
    Corrected(Voided),
    /// Goods that stood under the code of a duplicate stand under the surviving site's.
    Rebooked(Rebooked),
    /// Lots may not move on.
    Held(Held),
    /// Held or recalled lots may move on.
    Released(Released),
    /// Lots and what was made of them are called back.
    Recalled(Recalled),
    /// A site has heard of a recall.
    RecallAcknowledged(RecallAcknowledged),
    /// A consumer brought goods back.
    CustomerReturned(CustomerReturned),
    /// A shipment turned round.
    ShipmentCancelled(ShipmentCancelled),
    /// Goods went into a logistic unit.
    Packed(Packed),
    /// Goods came out of a logistic unit.
    Unpacked(Packed),
    /// Something was seen that moves nothing.
    Observed(Observed),
    /// Somebody looked at a discrepancy.
    DiscrepancyResolved(DiscrepancyResolved),
    /// A site ordered goods of a chain.
    Ordered(Ordered),
    /// Nothing more is sent for an order.
    OrderClosed(OrderClosed),
    /// A traceability code was issued.
    CodeIssued(CodeIssued),
    /// A traceability code was revoked.
    CodeRevoked(CodeRevoked),
    /// Traceability codes were scanned.
    CodesScanned(CodesScanned),
    /// Somebody has to be told something.
    NoticeGiven(NoticeGiven),
    /// A fact of the registry.
    Registered(RegistryFact),
}

impl Fact {
    /// Its name, for tables and messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Fact::Harvested(_) => "Harvested",
            Fact::LotOpened(_) => "LotOpened",
            Fact::Transformed(_) => "Transformed",
            Fact::Dispatched(_) => "Dispatched",
            Fact::Received(_) => "Received",
            Fact::DeliveryRefused(_) => "DeliveryRefused",
            Fact::ShortReported(_) => "ShortReported",
            Fact::Sold(_) => "Sold",
            Fact::Wasted(_) => "Wasted",
            Fact::Counted(_) => "Counted",
            Fact::CountRestated(_) => "CountRestated",
            Fact::Matched(_) => "Matched",
            Fact::Voided(_) => "Voided",
            Fact::Corrected(_) => "Corrected",
            Fact::Rebooked(_) => "Rebooked",
            Fact::Held(_) => "Held",
            Fact::Released(_) => "Released",
            Fact::Recalled(_) => "Recalled",
            Fact::RecallAcknowledged(_) => "RecallAcknowledged",
            Fact::CustomerReturned(_) => "CustomerReturned",
            Fact::ShipmentCancelled(_) => "ShipmentCancelled",
            Fact::Packed(_) => "Packed",
            Fact::Unpacked(_) => "Unpacked",
            Fact::Observed(_) => "Observed",
            Fact::DiscrepancyResolved(_) => "DiscrepancyResolved",
            Fact::Ordered(_) => "Ordered",
            Fact::OrderClosed(_) => "OrderClosed",
            Fact::CodeIssued(_) => "CodeIssued",
            Fact::CodeRevoked(_) => "CodeRevoked",
            Fact::CodesScanned(_) => "CodesScanned",
            Fact::NoticeGiven(_) => "NoticeGiven",
            Fact::Registered(fact) => fact.name(),
        }
    }
}

/// A quantity with the words in which it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Thousandths of the base unit.
    pub quantity: Milli,
    /// How it was given or typed, where that differs.
    pub given: Option<Box<str>>,
    /// The same goods in another unit, measured and not computed: five heads beside 110.4 kg (rule 14).
    pub catch: Option<Catch>,
}

impl From<Milli> for Amount {
    fn from(quantity: Milli) -> Amount {
        Amount { quantity, given: None, catch: None }
    }
}

/// Catch weight, or the pieces beside a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Catch {
    /// Thousandths of the unit; above zero.
    pub quantity: Milli,
    /// The unit, another than the product's base unit.
    pub unit: BaseUnit,
}

/// A lot and a quantity of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotAmount {
    /// The lot.
    pub lot: LotId,
    /// How much.
    pub amount: Amount,
}

/// What names a lot for ever, said when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Derived from issuer, product and code.
    pub id: LotId,
    /// Organization that assigned the code.
    pub issuer: OrganizationCode,
    /// Product kind.
    pub product: ProductCode,
    /// Code of the lot.
    pub code: LotCode,
    /// Chain in which it was begun and stays.
    pub chain: ChainCode,
    /// Last business day on which it may be sold.
    pub expiry: Option<BusinessDay>,
    /// Business day of the earliest harvest that it goes back to.
    pub harvest_day: Option<BusinessDay>,
    /// Instant of that harvest, where it is known to the moment.
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::optional")]
    pub harvest_time: Option<Timestamp>,
}

/// A lot begins at a producing site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harvested {
    /// The lot that begins.
    pub lot: Lot,
    /// Where.
    pub site: SiteCode,
    /// How much.
    pub amount: Amount,
    /// Reference to the plot or barn.
    pub plot: Option<Box<str>>,
    /// Households whose goods are commingled in the lot, by reference, each with its part where that was weighed.
    pub households: Vec<HouseholdShare>,
}

/// What of a lot a household brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseholdShare {
    /// Reference to the household: never a name or a phone number.
    pub household: Box<str>,
    /// Thousandths of the product's base unit; zero where it was not weighed apart.
    pub quantity: Milli,
}

/// Opening balance of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotOpened {
    /// The lot; begins here unless it is known already.
    pub lot: Lot,
    /// Where.
    pub site: SiteCode,
    /// How much.
    pub amount: Amount,
}

/// Kinds of transformation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    /// Washing, grading, packing, labelling.
    Packing,
    /// Cooking, drying, milling, fermenting and the like.
    Processing,
    /// Live animals into meat.
    Slaughter,
    /// Lots of one product into one.
    Mixing,
}

/// Lots become other lots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transformed {
    /// Where.
    pub site: SiteCode,
    /// Kind of work.
    pub process: Process,
    /// What went in.
    pub inputs: Vec<LotAmount>,
    /// Lots that begin here, with how much came out.
    pub outputs: Vec<(Lot, Amount)>,
    /// Mass lost on the way, in grams, as said.
    pub loss_gram: Option<i64>,
}

/// A shipment leaves a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatched {
    /// Derived from the sender and its code.
    pub shipment: ShipmentId,
    /// The sender's code for it.
    pub code: ShipmentCode,
    /// Site that it leaves.
    pub from: SiteCode,
    /// Site that it goes to.
    pub to: SiteCode,
    /// What is on it.
    pub lines: Vec<DispatchedLine>,
    /// Groups the shipments of one truck.
    pub trip: Option<Box<str>>,
    /// SSCC of its logistic unit.
    pub sscc: Option<Box<str>>,
    /// Whether the goods stay the sender's until they are sold (ký gửi).
    pub is_consignment: bool,
    /// The order that it serves.
    pub order: Option<OrderId>,
}

/// A lot on a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchedLine {
    /// The lot.
    pub lot: LotId,
    /// How much.
    pub amount: Amount,
    /// Part of it that had been dispatched before and came back.
    pub redispatched: Milli,
}

/// Goods of a shipment arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The shipment.
    pub shipment: ShipmentId,
    /// Site that received it.
    pub site: SiteCode,
    /// What arrived of what was sent.
    pub lines: Vec<LotAmount>,
    /// Issuer and code as the receiver read them, where no dispatch was known: the goods are then from outside(unmatched).
    pub unmatched: Option<(OrganizationCode, ShipmentCode)>,
}

/// Why goods are turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// Not said.
    Unspecified,
    /// Quality below what was agreed.
    Quality,
    /// Too warm or too cold.
    Temperature,
    /// Damaged goods or packing.
    Damaged,
    /// Too little time left before expiry.
    ShelfLife,
    /// Not what was ordered.
    WrongGoods,
    /// Papers or label missing or wrong.
    Documents,
    /// Came too late.
    Late,
    /// More than was ordered.
    Oversupply,
}

/// Goods of a shipment are turned away at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRefused {
    /// The shipment.
    pub shipment: ShipmentId,
    /// Site that turned them away.
    pub site: SiteCode,
    /// What was turned away.
    pub lines: Vec<LotAmount>,
    /// Why.
    pub reason: RefusalReason,
    /// The shipment that takes them back and the site it goes to; none if they were destroyed at the door.
    pub returned: Option<(ShipmentId, SiteCode)>,
}

/// Goods of a shipment did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortReported {
    /// The shipment.
    pub shipment: ShipmentId,
    /// Site that missed them.
    pub site: SiteCode,
    /// What was missing.
    pub lines: Vec<LotAmount>,
}

/// Goods sold to consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sold {
    /// Where.
    pub site: SiteCode,
    /// What was sold.
    pub lines: Vec<LotAmount>,
    /// Product by which the seller reported; the lots were then inferred, first expired first out.
    pub product: Option<ProductCode>,
}

/// Why goods were lost to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WasteReason {
    /// Not said.
    Unspecified,
    /// Spoiled before expiry.
    Spoiled,
    /// Damaged.
    Damaged,
    /// Past its expiry day.
    Expired,
    /// Taken as a sample.
    Sampled,
    /// Given away.
    Donated,
    /// Destroyed on somebody's order.
    Destroyed,
}

impl WasteReason {
    /// Where such goods go.
    pub const fn outside(self) -> Outside {
        match self {
            WasteReason::Unspecified => Outside::Wasted,
            WasteReason::Spoiled => Outside::Spoiled,
            WasteReason::Damaged => Outside::Damaged,
            WasteReason::Expired => Outside::Expired,
            WasteReason::Sampled => Outside::Sampled,
            WasteReason::Donated => Outside::Donated,
            WasteReason::Destroyed => Outside::Destroyed,
        }
    }
}

/// Goods lost to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wasted {
    /// Where.
    pub site: SiteCode,
    /// What was lost.
    pub lines: Vec<LotAmount>,
    /// Why.
    pub reason: WasteReason,
}

/// Why the book changes without goods moving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CountBasis {
    /// Somebody counted: after it the place holds what was counted.
    Stocktake,
    /// More arrived than was sent.
    Surplus,
    /// A reported fact took more than the book had; taken back as far as earlier goods become known.
    Provisional,
}

/// Goods were counted, or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Where.
    pub site: SiteCode,
    /// Why the book changes.
    pub basis: CountBasis,
    /// Each lot with what was counted.
    pub lines: Vec<CountedLine>,
    /// Product by which it was counted; the lots were then inferred, and any other lot of it stands at zero.
    pub product: Option<ProductCode>,
}

/// A lot that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedLine {
    /// The lot.
    pub lot: LotId,
    /// What was counted; of weight for a stocktake alone.
    pub counted: Amount,
    /// What the book said just before.
    pub expected: Milli,
    /// Counted less expected: what was found, or, below zero, is missing.
    pub variance: Milli,
}

/// What became known later changes what had been found or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountRestated {
    /// Where.
    pub site: SiteCode,
    /// The lot.
    pub lot: LotId,
    /// Which kind of count changes.
    pub basis: CountBasis,
    /// By how much the variance changes.
    pub variance_change: Milli,
}

/// The dispatch behind an unmatched receipt became known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The shipment.
    pub shipment: ShipmentId,
    /// What earlier receipts had taken of it.
    pub lines: Vec<LotAmount>,
}

/// A command was recorded in error: its postings are reversed, on their own days.
#[derive(Clone, Debug, PartialEq)]
pub struct Voided {
    /// The command, of the same organization.
    pub command: CommandId,
    /// Why.
    pub reason: String,
    /// The events that it recorded and that are reversed.
    pub originals: Vec<Event>,
}

/// Goods that stood under the code of a duplicate stand under the surviving site's: nothing moved in the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebooked {
    /// The duplicate's code.
    pub from: SiteCode,
    /// The surviving site.
    pub to: SiteCode,
    /// What.
    pub lines: Vec<LotAmount>,
}

impl Event {
    /// Every movement of goods that the event says, conservation built in.
    pub fn postings(&self) -> Vec<Posting> {
        let time = self.time.key();
        let mut postings = Vec::new();
        let mut post = |lot: LotId, from: Place, to: Place, quantity: Milli| {
            if quantity != Milli::ZERO {
                postings.push(Posting { lot, from, to, quantity, time, reversal: false });
            }
        };
        let outside = Place::Outside;
        match &self.fact {
            Fact::Harvested(Harvested { lot, site, amount, .. }) => {
                post(lot.id, outside(Outside::Harvested), Place::Site(site.clone()), amount.quantity);
            }
            Fact::LotOpened(LotOpened { lot, site, amount }) => {
                post(lot.id, outside(Outside::Opening), Place::Site(site.clone()), amount.quantity);
            }
            Fact::Transformed(Transformed { site, inputs, outputs, .. }) => {
                for input in inputs {
                    post(input.lot, Place::Site(site.clone()), outside(Outside::Consumed), input.amount.quantity);
                }
                for (lot, amount) in outputs {
                    post(lot.id, outside(Outside::Produced), Place::Site(site.clone()), amount.quantity);
                }
            }
            Fact::Dispatched(Dispatched { shipment, from, lines, .. }) => {
                for line in lines {
                    post(line.lot, Place::Site(from.clone()), Place::Shipment(*shipment), line.amount.quantity);
                }
            }
            Fact::Received(Received { shipment, site, lines, unmatched }) => {
                let from = if unmatched.is_some() { outside(Outside::Unmatched) } else { Place::Shipment(*shipment) };
                for line in lines {
                    post(line.lot, from.clone(), Place::Site(site.clone()), line.amount.quantity);
                }
            }
            Fact::DeliveryRefused(DeliveryRefused { shipment, lines, returned, .. }) => {
                let to = returned.as_ref().map_or(outside(Outside::Destroyed), |(shipment, _)| Place::Shipment(*shipment));
                for line in lines {
                    post(line.lot, Place::Shipment(*shipment), to.clone(), line.amount.quantity);
                }
            }
            Fact::ShortReported(ShortReported { shipment, lines, .. }) => {
                for line in lines {
                    post(line.lot, Place::Shipment(*shipment), outside(Outside::Lost), line.amount.quantity);
                }
            }
            Fact::Sold(Sold { site, lines, .. }) => {
                for line in lines {
                    post(line.lot, Place::Site(site.clone()), outside(Outside::Sold), line.amount.quantity);
                }
            }
            Fact::Wasted(Wasted { site, lines, reason }) => {
                for line in lines {
                    post(line.lot, Place::Site(site.clone()), outside(reason.outside()), line.amount.quantity);
                }
            }
            Fact::Counted(Counted { site, basis, lines, .. }) => {
                for line in lines {
                    let (from, to, quantity) = adjustment(site, *basis, line.variance);
                    post(line.lot, from, to, quantity);
                }
            }
            Fact::CountRestated(CountRestated { site, lot, basis, variance_change }) => {
                let (from, to, quantity) = adjustment(site, *basis, *variance_change);
                post(*lot, from, to, quantity);
            }
            Fact::Matched(Matched { shipment, lines }) => {
                for line in lines {
                    post(line.lot, Place::Shipment(*shipment), outside(Outside::Unmatched), line.amount.quantity);
                }
            }
            Fact::Voided(voided) | Fact::Corrected(voided) => {
                postings.extend(voided.originals.iter().flat_map(Event::postings).map(Posting::reversed));
            }
            Fact::Rebooked(Rebooked { from, to, lines }) => {
                for line in lines {
                    post(line.lot, Place::Site(from.clone()), Place::Site(to.clone()), line.amount.quantity);
                }
            }
            Fact::CustomerReturned(CustomerReturned { site, lines, .. }) => {
                for line in lines {
                    post(line.lot, outside(Outside::Returned), Place::Site(site.clone()), line.amount.quantity);
                }
            }
            Fact::ShipmentCancelled(ShipmentCancelled { shipment, site, lines, .. }) => {
                for line in lines {
                    post(line.lot, Place::Shipment(*shipment), Place::Site(site.clone()), line.amount.quantity);
                }
            }
            Fact::Held(_)
            | Fact::Released(_)
            | Fact::Recalled(_)
            | Fact::RecallAcknowledged(_)
            | Fact::Packed(_)
            | Fact::Unpacked(_)
            | Fact::Observed(_)
            | Fact::DiscrepancyResolved(_)
            | Fact::Ordered(_)
            | Fact::OrderClosed(_)
            | Fact::CodeIssued(_)
            | Fact::CodeRevoked(_)
            | Fact::CodesScanned(_)
            | Fact::NoticeGiven(_)
            | Fact::Registered(_) => {}
        }
        postings
    }

    /// Whether it is what its command said, not what followed from it.
    pub fn is_primary(&self) -> bool {
        match &self.fact {
            // Where goods stand in the book stays so when what spoke of them is voided: others may have taken of them since.
            Fact::CountRestated(_) | Fact::Rebooked(_) => false,
            Fact::Counted(counted) => counted.basis != CountBasis::Provisional,
            _ => true,
        }
    }
}

/// How a variance moves goods: what is found comes from outside, what is missing goes there; a provisional filling is taken
/// back to where it came from.
fn adjustment(site: &SiteCode, basis: CountBasis, variance: Milli) -> (Place, Place, Milli) {
    let (site, quantity) = (Place::Site(site.clone()), Milli(variance.0.abs()));
    if variance >= Milli::ZERO {
        (Place::Outside(Outside::Found), site, quantity)
    } else if basis == CountBasis::Stocktake {
        (site, Place::Outside(Outside::Missing), quantity)
    } else {
        (site, Place::Outside(Outside::Found), quantity)
    }
}
