//! What callers say has happened: every command as it was sent, names not yet looked up; and what is decided about it. One file
//! a command. Knows no clock, stream or table: time and identity come in with the [`Context`].

mod cancel_shipment;
mod code;
mod count;
mod customer_return;
mod deciding;
mod dispatch;
mod harvest;
mod hold;
mod notice;
mod observe;
mod open_lot;
mod order;
mod pack;
mod paper;
mod programme;
mod rebook;
mod receive;
mod refuse_delivery;
mod register;
mod report_short;
mod resolve;
mod sell;
mod settle;
mod transform;
mod void;
mod waste;

use crate::entry::{Document, RecordedCommand};
use crate::event::{Event, Fact, Process, RefusalReason, RegistryFact, WasteReason};
use crate::id::{CommandId, CommandRef, OrganizationCode};
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::BusinessDay;
pub use cancel_shipment::CancelShipment;
pub use code::{CountScans, IssueCode, RevokeCode, ScanCount};
pub use customer_return::CustomerReturn;
use deciding::Deciding;
pub use hold::{AcknowledgeRecall, CommandReference, Hold, Recall, Release};
use jiff::Timestamp;
pub use notice::GiveNotice;
pub use observe::Observe;
pub use order::{CloseOrder, PlaceOrder};
pub use pack::{Pack, UnitExtent, Unpack};
pub use resolve::Resolve;
use uuid::Uuid;

/// A command: who sends it besides the organization, when it happened, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Id made by the sender.
    pub id: CommandId,
    /// When it happened; for a Void or Correct when that was said, and left out the moment of recording.
    pub when: Option<When>,
    /// Reference to the person or system that acted.
    pub actor: String,
    /// Device that sends it.
    pub device: String,
    /// Program and version that sends it.
    pub client: String,
    /// Whether it has happened already and is to be recorded, marked, where rules 2, 7 or 9 stand against it (rule 12).
    pub reported_fact: bool,
    /// Remark, as typed.
    pub note: String,
    /// The paper behind it.
    pub document: Option<Document>,
    /// What.
    pub action: Action,
}

/// When something happened, as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// Instant or date.
    pub point: Point,
    /// What a person typed.
    pub typed: Option<Box<str>>,
}

/// An instant or a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// An instant, with the offset in which it was given.
    Moment {
        /// The instant.
        instant: Timestamp,
        /// Offset from UTC, in minutes.
        utc_offset_minutes: Option<i32>,
    },
    /// A business day, or one of its ends.
    Date {
        /// The day.
        day: BusinessDay,
        /// Where in it.
        part: DayPart,
    },
}

/// Where in a day something without a time lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayPart {
    /// Somewhere in it.
    Unspecified,
    /// Before anything else of that day.
    BeforeOpening,
    /// After anything else of that day.
    AfterClosing,
}

/// What a command says.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A lot begins.
    Harvest(Harvest),
    /// Opening balance.
    OpenLot(OpenLot),
    /// Lots become other lots.
    Transform(Transform),
    /// A shipment leaves.
    Dispatch(Dispatch),
    /// Goods arrive.
    Receive(Receive),
    /// Goods are turned away.
    RefuseDelivery(RefuseDelivery),
    /// Goods are missing.
    ReportShort(ReportShort),
    /// Goods are sold.
    Sell(Sell),
    /// Goods are lost to use.
    Waste(Waste),
    /// Goods are counted.
    Count(Count),
    /// Lots may not move on.
    Hold(Hold),
    /// They may again.
    Release(Release),
    /// Lots and what was made of them are called back.
    Recall(Recall),
    /// A site has heard of a recall.
    AcknowledgeRecall(AcknowledgeRecall),
    /// A consumer brings goods back.
    CustomerReturn(CustomerReturn),
    /// A shipment turns round.
    CancelShipment(CancelShipment),
    /// Goods go into a logistic unit.
    Pack(Pack),
    /// Goods come out of a logistic unit.
    Unpack(Unpack),
    /// Something is seen that moves nothing.
    Observe(Observe),
    /// Somebody looked at a discrepancy.
    Resolve(Resolve),
    /// A site orders goods of a chain.
    PlaceOrder(PlaceOrder),
    /// Nothing more is sent for an order.
    CloseOrder(CloseOrder),
    /// A traceability code is issued.
    IssueCode(IssueCode),
    /// A traceability code is revoked.
    RevokeCode(RevokeCode),
    /// Traceability codes were scanned.
    CountScans(CountScans),
    /// Somebody has to be told something.
    GiveNotice(GiveNotice),
    /// An earlier command was an error.
    Void(Void),
    /// An earlier command was an error and something stands in its place.
    Correct(Correct),
    /// A fact of the registry.
    Register(RegistryFact),
}

/// How much, as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Thousandths of the unit.
    pub value: Milli,
    /// Unit code or name; empty for the product's base unit.
    pub unit: String,
    /// What a person typed.
    pub typed: Option<Box<str>>,
    /// The same goods measured in another unit (rule 14): thousandths, and the unit's code or name.
    pub catch: Option<(Milli, String)>,
}

/// Which lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LotReference {
    /// By its id.
    Id(Uuid),
    /// By what names it.
    Named {
        /// Organization that assigned the code: code, GLN or name; empty for the caller's own (for a GTIN its brand owner).
        issuer: String,
        /// Product: code, GTIN or name.
        product: String,
        /// Code of the lot.
        code: String,
    },
}

/// Which shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShipmentReference {
    /// By its id.
    Id(Uuid),
    /// By its issuer and code.
    Named {
        /// Organization that issued the code: code, GLN or name; empty for the caller's own.
        issuer: String,
        /// Code of the shipment.
        code: String,
    },
}

/// Which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderReference {
    /// By its id.
    Id(Uuid),
    /// By its buyer and code.
    Named {
        /// Organization that placed it: code, GLN or name; empty for the caller's own.
        buyer: String,
        /// Code of the order.
        code: String,
    },
}

impl std::fmt::Display for OrderReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OrderReference::Id(id) => id.fmt(f),
            OrderReference::Named { buyer, code } if buyer.is_empty() => f.write_str(code),
            OrderReference::Named { buyer, code } => write!(f, "{buyer}/{code}"),
        }
    }
}

/// A quantity of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotLine {
    /// The lot.
    pub lot: LotReference,
    /// How much.
    pub quantity: Quantity,
}

/// A lot that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLot {
    /// Organization that assigns the code: code, GLN or name; empty for the caller's own.
    pub issuer: String,
    /// Product: code, GTIN or name.
    pub product: String,
    /// Code of the lot.
    pub code: String,
    /// Chain: code or name; empty where only one is possible.
    pub chain: String,
    /// Last day on which it may be sold; left out, it follows from the product's shelf life.
    pub expiry: Option<BusinessDay>,
}

/// A lot begins at a producing site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harvest {
    /// Site: code, GLN or name.
    pub site: String,
    /// The lot.
    pub lot: NewLot,
    /// How much.
    pub quantity: Quantity,
    /// Reference to the plot or barn.
    pub plot: Option<Box<str>>,
    /// Households whose goods are commingled in it, by reference, each with its part where that was weighed.
    pub households: Vec<(Box<str>, Option<Quantity>)>,
}

/// What a site held of a lot before it kept its book here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLot {
    /// Site: code, GLN or name.
    pub site: String,
    /// The lot.
    pub lot: NewLot,
    /// How much.
    pub quantity: Quantity,
}

/// Lots become other lots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transform {
    /// Site: code, GLN or name.
    pub site: String,
    /// Kind of work.
    pub process: Process,
    /// What goes in.
    pub inputs: Vec<LotLine>,
    /// What comes out.
    pub outputs: Vec<(NewLot, Quantity)>,
    /// Mass lost on the way, in grams.
    pub loss_gram: Option<i64>,
}

/// A shipment leaves a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// Site that it leaves.
    pub from: String,
    /// Site that it goes to.
    pub to: String,
    /// The caller's code for it; empty for the command's id.
    pub code: String,
    /// What is on it; empty for everything in its logistic unit.
    pub lines: Vec<LotLine>,
    /// Groups the shipments of one truck.
    pub trip: Option<Box<str>>,
    /// SSCC of its logistic unit; empty if none.
    pub sscc: Option<Box<str>>,
    /// Whether the goods stay the sender's until they are sold.
    pub is_consignment: bool,
    /// The order that it serves.
    pub order: Option<OrderReference>,
}

/// Some lines, or everything that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// These lines.
    Lines(Vec<LotLine>),
    /// Everything that is open.
    Everything,
}

/// Goods of a shipment arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receive {
    /// The shipment.
    pub shipment: ShipmentReference,
    /// Site that receives it; empty where the shipment says it.
    pub site: String,
    /// What arrives.
    pub extent: Extent,
}

/// Goods of a shipment are turned away at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefuseDelivery {
    /// The shipment.
    pub shipment: ShipmentReference,
    /// What is turned away.
    pub extent: Extent,
    /// Why.
    pub reason: RefusalReason,
    /// Destroyed at the door instead of sent back.
    pub destroyed: bool,
}

/// Goods of a shipment did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportShort {
    /// The shipment.
    pub shipment: ShipmentReference,
    /// What is missing.
    pub extent: Extent,
}

/// By lot, or by product with the lots inferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goods {
    /// By lot.
    Lots(Vec<LotLine>),
    /// By product: code, GTIN or name.
    Product(String, Quantity),
}

/// Goods are sold to consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sell {
    /// Site: code, GLN or name.
    pub site: String,
    /// What is sold.
    pub goods: Goods,
}

/// Goods are lost to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waste {
    /// Site: code, GLN or name.
    pub site: String,
    /// What is lost.
    pub lines: Vec<LotLine>,
    /// Why.
    pub reason: WasteReason,
}

/// Goods are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Site: code, GLN or name.
    pub site: String,
    /// What was counted; a quantity may be zero.
    pub goods: Goods,
}

/// An earlier command was recorded in error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Void {
    /// Its id.
    pub command: CommandId,
    /// Why.
    pub reason: String,
}

/// An earlier command was recorded in error, and this stands in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Correct {
    /// Its id.
    pub command: CommandId,
    /// Why.
    pub reason: String,
    /// When that which stands in its place happened; left out, when the original did.
    pub when: Option<When>,
    /// What stands in its place: any action that moves goods.
    pub replacement: Box<Action>,
}

/// What deciding needs besides state and command.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// On whose behalf the command was sent.
    pub organization: &'a OrganizationCode,
    /// The journal's clock.
    pub now: Timestamp,
    /// The command that the action names ([`Action::names`]), as recorded; none if the journal holds none.
    pub original: Option<&'a RecordedCommand>,
}

/// Says what a command makes happen: what it says itself, then what follows from it. Or refuses it, and nothing happens.
pub fn decide(state: &State, command: &Command, context: &Context<'_>) -> Result<Decision, Refusal> {
    let by = CommandRef { organization: context.organization.clone(), command: command.id };
    let mut after = state.clone();
    let mut events = Vec::new();
    let (action, time, undone) = match &command.action {
        Action::Register(fact) => {
            let event = register::decide(state, context, command.when.as_ref(), fact)?;
            after.evolve(&by, &event);
            return Ok(Decision { events: vec![event], after });
        }
        Action::Void(Void { command: original, reason }) => {
            let (target, voided) = void::reverse(state, context, *original, reason)?;
            let time = deciding::said_time(state, context, command.when.as_ref())?;
            events.push(Event { time, violations: Vec::new(), names: Vec::new(), fact: Fact::Voided(voided) });
            (None, None, Some(target))
        }
        Action::Correct(Correct { command: original, reason, when, replacement }) => {
            let (target, voided) = void::reverse(state, context, *original, reason)?;
            let original_time = voided.originals.first().map(|event| event.time.clone());
            let said = deciding::said_time(state, context, command.when.as_ref())?;
            events.push(Event { time: said, violations: Vec::new(), names: Vec::new(), fact: Fact::Corrected(voided) });
            let time = match (when, original_time) {
                (None, Some(time)) if deciding::suits(time.precision, replacement) => time,
                (when, _) => deciding::event_time(state, context, when.as_ref(), "correct.when", replacement)?,
            };
            (Some(&**replacement), Some(time), Some(target))
        }
        action => {
            let time = deciding::event_time(state, context, command.when.as_ref(), "header.when", action)?;
            (Some(action), Some(time), None)
        }
    };
    events.iter().for_each(|event| after.evolve(&by, event));
    if let (Some(action), Some(time)) = (action, time) {
        for event in rebook::decide(&after, context, &by, &time, action) {
            after.evolve(&by, &event);
            events.push(event);
        }
        let deciding = Deciding::new(&after, context, by.clone(), time, command.reported_fact);
        let primary =
            deciding.primary(action).map_err(|refusal| if undone.is_some() { refusal.within("correct") } else { refusal })?;
        paper::check(&after, &by, command.document.as_ref(), &primary)?;
        primary.iter().for_each(|event| after.evolve(&by, event));
        events.extend(primary);
    }
    let reported = command.reported_fact && command.action.may_be_reported();
    let settled = settle::settle(state, &after, &events, undone.as_ref(), reported)?;
    let is_own = |event: &Event| event.is_primary() && !matches!(event.fact, Fact::Voided(_) | Fact::Corrected(_));
    if let Some(first) = events.iter_mut().find(|event| is_own(event)) {
        first.violations.extend(settled.violations);
    }
    settled.events.iter().for_each(|event| after.evolve(&by, event));
    events.extend(settled.events);
    after.note_paper(&by, command.document.as_ref(), &events);
    Ok(Decision { events, after })
}

/// What a command comes to.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What it records.
    pub events: Vec<Event>,
    /// The state with that.
    pub after: State,
}

impl Action {
    /// Whether it may be recorded as a fact although rules 2, 7 or 9 stand against it (rule 12). Never what gives goods a chain's
    /// name, and a void or correction mends the book, it reports nothing.
    fn may_be_reported(&self) -> bool {
        match self {
            Action::Harvest(_)
            | Action::OpenLot(_)
            | Action::Receive(_)
            | Action::RefuseDelivery(_)
            | Action::ReportShort(_)
            | Action::Sell(_)
            | Action::Waste(_)
            | Action::Count(_)
            | Action::CustomerReturn(_)
            | Action::CancelShipment(_)
            | Action::Pack(_)
            | Action::Unpack(_)
            | Action::Observe(_)
            | Action::PlaceOrder(_)
            | Action::CloseOrder(_) => true,
            Action::Transform(_)
            | Action::Dispatch(_)
            | Action::Hold(_)
            | Action::Release(_)
            | Action::Recall(_)
            | Action::AcknowledgeRecall(_)
            | Action::Resolve(_)
            | Action::IssueCode(_)
            | Action::RevokeCode(_)
            | Action::CountScans(_)
            | Action::GiveNotice(_)
            | Action::Void(_)
            | Action::Correct(_)
            | Action::Register(_) => false,
        }
    }

    /// The earlier command that it speaks of, which deciding has to see as it was recorded.
    pub fn names(&self, organization: &OrganizationCode) -> Option<CommandRef> {
        let (organization, command) = match self {
            Action::Void(void) => (organization.clone(), void.command),
            Action::Correct(correct) => (organization.clone(), correct.command),
            Action::Resolve(resolve) => {
                let given = OrganizationCode::parse(resolve.command.organization.trim());
                (given.unwrap_or_else(|_| organization.clone()), resolve.command.command)
            }
            _ => return None,
        };
        Some(CommandRef { organization, command })
    }
}
