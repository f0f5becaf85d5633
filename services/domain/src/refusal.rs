//! Why a command is refused: one variant for each rule, with the figures. The text says what to do.

use crate::id::{BadCode, CommandId, CommandRef, LotCode, OrganizationCode, ProductCode, Sscc};
use crate::posting::Place;
use crate::quantity::Milli;
use crate::state::block::BlockKind;
use crate::time::{BusinessDay, EventTime};
use crate::unit::{BaseUnit, Inexact};
use jiff::Timestamp;
use std::fmt;

/// How a refusal would be classed by a caller: what kind of thing to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The command itself cannot be read: mend it.
    Malformed,
    /// It names something that is not known.
    NotFound,
    /// What would begin exists, or the id stands for something else.
    Exists,
    /// The caller may not.
    Forbidden,
    /// A rule stands against it as things are.
    Rule,
}

/// A lot as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotName {
    /// Organization that assigned the code.
    pub issuer: OrganizationCode,
    /// Product kind.
    pub product: ProductCode,
    /// Code of the lot.
    pub code: LotCode,
}

impl fmt::Display for LotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lot {} ({} of {})", self.code, self.product, self.issuer)
    }
}

/// Why a command is refused. Nothing of it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A field is missing or cannot be what it says.
    #[error("{field}: {problem}")]
    Malformed {
        /// Path of the field in the command.
        field: String,
        /// What is wrong, what is allowed.
        problem: String,
    },
    /// A text cannot be the code that it should be.
    #[error("{field}: {source}")]
    BadCode {
        /// Path of the field.
        field: String,
        /// Why.
        source: BadCode,
    },
    /// Rule 1: out of bounds.
    #[error("{field}: the quantity is {quantity}; allowed is {allowed} base units")]
    QuantityOutOfBounds {
        /// Path of the field.
        field: String,
        /// In base units.
        quantity: Milli,
        /// What is allowed, for people.
        allowed: String,
    },
    /// Rule 1: part of a piece.
    #[error("{field}: {quantity} of product {product}, which is counted in whole {unit} only; give a whole number")]
    NotWhole {
        /// Path of the field.
        field: String,
        /// In base units.
        quantity: Milli,
        /// The product.
        product: ProductCode,
        /// Its unit.
        unit: BaseUnit,
    },
    /// Rule 1: no exact conversion.
    #[error("{field}: {source}")]
    Inexact {
        /// Path of the field.
        field: String,
        /// Why.
        source: Inexact,
    },
    /// Rule 2: a place would hold less than nothing.
    #[error("{place} holds {there} of {lot} on {day}: {there} there, {asked} asked; record what came in first, or ask for less")]
    NotEnough {
        /// The place.
        place: Place,
        /// The lot.
        lot: LotName,
        /// The least that any day's end, or a count, leaves from the event on falls on this day.
        day: BusinessDay,
        /// What is there.
        there: Milli,
        /// What was asked of it.
        asked: Milli,
    },
    /// Rule 2, asked by product.
    #[error(
        "{place} holds {there} of product {product} that may leave on {day}: {there} there, {asked} asked; record what came in first, or ask for less"
    )]
    NotEnoughOfProduct {
        /// The place.
        place: Place,
        /// The product.
        product: ProductCode,
        /// Day of the event.
        day: BusinessDay,
        /// What is there in lots that may leave.
        there: Milli,
        /// What was asked.
        asked: Milli,
    },
    /// Rule 2: a count that later or other records contradict.
    #[error(
        "with this count {site} would be {short} of {lot} short on {day}: more left than came in, by what is recorded; record what \
         came in first, correct what left, or send the count as a reported fact"
    )]
    CountContradicts {
        /// The site.
        site: String,
        /// The lot.
        lot: LotName,
        /// The first day that fails.
        day: BusinessDay,
        /// By how much.
        short: Milli,
    },
    /// Rule 4: ahead of the clock.
    #[error(
        "the event time {event_time} is ahead of the journal's clock {now}; at most five minutes are allowed: check the sender's clock"
    )]
    InTheFuture {
        /// The event's.
        event_time: EventTime,
        /// The journal's clock.
        now: Timestamp,
    },
    /// Rule 5: not the destination.
    #[error(
        "shipment {shipment} goes to {destination}, not to {site}; receive it there, or have its sender correct the dispatch"
    )]
    NotTheDestination {
        /// The shipment as people name it.
        shipment: String,
        /// Where it goes.
        destination: String,
        /// Where it was to be received.
        site: String,
    },
    /// Rule 5: before it left.
    #[error("shipment {shipment} was dispatched at {dispatched}; it cannot arrive before that, at {arrived}")]
    BeforeDispatch {
        /// The shipment.
        shipment: String,
        /// When it left.
        dispatched: EventTime,
        /// When it would have arrived.
        arrived: EventTime,
    },
    /// Rule 5: nothing of a line is on its way any more.
    #[error(
        "nothing of {lot} is on its way in shipment {shipment} any more: command {by} settled it, at {at}; {asked} was asked"
    )]
    AlreadyReceived {
        /// The shipment.
        shipment: String,
        /// The lot.
        lot: LotName,
        /// Command that closed the line.
        by: CommandRef,
        /// When.
        at: EventTime,
        /// What was asked.
        asked: Milli,
    },
    /// Rule 5: more than is on its way.
    #[error("{open} of {lot} is on its way in shipment {shipment}: {open} there, {asked} asked")]
    MoreThanOpen {
        /// The shipment.
        shipment: String,
        /// The lot.
        lot: LotName,
        /// What is on its way.
        open: Milli,
        /// What was asked.
        asked: Milli,
    },
    /// Rule 5: the shipment does not carry such a lot.
    #[error("shipment {shipment} does not carry {lot}; it carries {carries}")]
    NotOnShipment {
        /// The shipment.
        shipment: String,
        /// The lot.
        lot: LotName,
        /// What it carries.
        carries: String,
    },
    /// Rule 7: past its expiry day.
    #[error("{lot} expired on {expiry} and cannot be sold on {day}; waste it, return it or recall it")]
    Expired {
        /// The lot.
        lot: LotName,
        /// Last day on which it may be sold.
        expiry: BusinessDay,
        /// Day of the sale.
        day: BusinessDay,
    },
    /// Rule 8: later events rest on what would be taken back.
    #[error(
        "{place} would hold {there} of {lot} on {day} without command {command}; in the way: {}; void or correct these first",
        list(in_the_way)
    )]
    InTheWay {
        /// The command that would be voided or corrected.
        command: CommandRef,
        /// The place.
        place: Place,
        /// The lot.
        lot: LotName,
        /// The first day on which it fails.
        day: BusinessDay,
        /// What would be there: below zero.
        there: Milli,
        /// What took it.
        in_the_way: Vec<CommandRef>,
    },
    /// Rule 8: the command is not in the journal, or is another organization's.
    #[error("no command {command} is recorded; check the id: only the organization that sent a command voids or corrects it")]
    NoSuchCommand {
        /// The command.
        command: CommandRef,
    },
    /// Rule 8: once.
    #[error("command {command} was voided or corrected already, by {by}; record anew what is missing")]
    AlreadyVoided {
        /// The command.
        command: CommandRef,
        /// What voided it.
        by: CommandId,
    },
    /// Rule 8: a void is not voided, a fact of the registry neither.
    #[error("command {command} is {what}, which cannot be voided or corrected; {instead}")]
    NotVoidable {
        /// The command.
        command: CommandRef,
        /// What it is.
        what: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// Rule 9: the organization does not run the site.
    #[error("{organization} does not run site {site}; {runs} does, and has to send this")]
    NotYourSite {
        /// The caller's.
        organization: OrganizationCode,
        /// The site.
        site: String,
        /// Who runs it.
        runs: OrganizationCode,
    },
    /// Rule 9: not a member of the chain on that day.
    #[error("{what} does not belong to chain {chain} on {day}; it belongs to {belongs_to}")]
    NotInChain {
        /// The site or product.
        what: String,
        /// The chain.
        chain: String,
        /// The day.
        day: BusinessDay,
        /// Chains that it belongs to, for people.
        belongs_to: String,
    },
    /// Rule 9: retired; what it still has may leave.
    #[error("{what} {thing} is retired since {since}, and {refused} on {day}; {instead}")]
    Retired {
        /// What kind of thing.
        what: &'static str,
        /// Its code and name.
        thing: String,
        /// First day on which it is retired.
        since: BusinessDay,
        /// The event's day.
        day: BusinessDay,
        /// What does not happen any more.
        refused: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// Rule 9: closed; what it still has may leave.
    #[error(
        "site {site} is closed since {since}{reason}, and no goods come to it on {day}; what it has may be sold, wasted, counted or sent \
         away, and a delivery to it refused; or have it opened again"
    )]
    SiteClosed {
        /// Its code and name.
        site: String,
        /// First day on which it is closed.
        since: BusinessDay,
        /// The event's day.
        day: BusinessDay,
        /// Why, in brackets; empty where nobody said.
        reason: String,
    },
    /// The site is of a kind where such a thing does not happen.
    #[error("site {site} is a {kind}; {what} only at {allowed}")]
    WrongKindOfSite {
        /// The site.
        site: String,
        /// Its kind.
        kind: &'static str,
        /// What happens only elsewhere.
        what: &'static str,
        /// Where.
        allowed: &'static str,
    },
    /// Rule 10: nobody knows it.
    #[error("{field}: no {what} is known as {value:?}{}", nearest_text(nearest))]
    Unknown {
        /// Path of the field.
        field: String,
        /// What kind of thing.
        what: &'static str,
        /// As given.
        value: String,
        /// The nearest that are known.
        nearest: Vec<String>,
    },
    /// Rule 10: fits two.
    #[error("{field}: {value:?} fits more than one {what}: {}; give the code", candidates.join(", "))]
    Ambiguous {
        /// Path of the field.
        field: String,
        /// What kind of thing.
        what: &'static str,
        /// As given.
        value: String,
        /// All that it fits.
        candidates: Vec<String>,
    },
    /// Known, but not yet on that day.
    #[error(
        "{field}: {what} {value} is known from {from} on, not yet on {day}; register it from an earlier day, or check the date"
    )]
    NotYetKnown {
        /// Path of the field.
        field: String,
        /// What kind of thing.
        what: &'static str,
        /// Its code.
        value: String,
        /// First day.
        from: BusinessDay,
        /// The event's day.
        day: BusinessDay,
    },
    /// A lot is begun once.
    #[error("{lot} was begun already, by command {by}; give the new batch a lot code of its own")]
    LotBegun {
        /// The lot.
        lot: LotName,
        /// What began it.
        by: CommandRef,
    },
    /// A lot keeps its chain.
    #[error("{lot} belongs to chain {chain} since it began, not to {given}")]
    LotOfOtherChain {
        /// The lot.
        lot: LotName,
        /// Its chain.
        chain: String,
        /// As given.
        given: String,
    },
    /// A lot is opened once a site.
    #[error("{lot} was opened at {site} already, by command {by}; count it instead")]
    LotOpened {
        /// The lot.
        lot: LotName,
        /// The site.
        site: String,
        /// What opened it.
        by: CommandRef,
    },
    /// The caller may not assign lot codes for that issuer.
    #[error(
        "{organization} cannot begin a lot in the name of {issuer}; allowed are its own code, the chain's lead and the brand owner: {allowed}"
    )]
    NotYourLotCode {
        /// The caller's.
        organization: OrganizationCode,
        /// As given.
        issuer: OrganizationCode,
        /// Who is allowed.
        allowed: String,
    },
    /// A shipment leaves once.
    #[error("shipment {shipment} was dispatched already, by command {by}; give the new one a code of its own")]
    ShipmentExists {
        /// The shipment.
        shipment: String,
        /// What dispatched it.
        by: CommandRef,
    },
    /// An order is placed once.
    #[error("order {order} was placed already, by command {by}; give the new one a code of its own")]
    OrderExists {
        /// The order.
        order: String,
        /// What placed it.
        by: CommandRef,
    },
    /// Nobody placed such an order.
    #[error("{field}: no order {order:?} is known; check its code and buyer, or leave it out")]
    NoOrder {
        /// Path of the field.
        field: String,
        /// The order as named.
        order: String,
    },
    /// The order is closed.
    #[error("order {order} was closed by command {by}; nothing more is sent for it: leave it out, or name another")]
    OrderIsClosed {
        /// The order.
        order: String,
        /// What closed it.
        by: CommandRef,
    },
    /// The same place, lot and time was counted already.
    #[error(
        "{lot} was counted at {site} for {at} already, by command {by}; correct that command, or give the time of the new count"
    )]
    CountedAlready {
        /// The lot.
        lot: LotName,
        /// The site.
        site: String,
        /// When.
        at: EventTime,
        /// What counted it.
        by: CommandRef,
    },
    /// Rule 6: a held or recalled lot does not move on.
    #[error("{lot} is {} since {since}, by command {by} ({reason}); it {what}", kind.as_str())]
    Blocked {
        /// The lot.
        lot: LotName,
        /// Held or recalled.
        kind: BlockKind,
        /// By which command.
        by: CommandRef,
        /// From when.
        since: EventTime,
        /// Why.
        reason: String,
        /// What it does instead.
        what: &'static str,
    },
    /// Rule 6: who may hold and recall a lot.
    #[error("{organization} does not speak for {lot}, so it cannot {what}; allowed are {allowed}")]
    NotYourLot {
        /// The caller's.
        organization: OrganizationCode,
        /// The lot.
        lot: LotName,
        /// What was wanted.
        what: &'static str,
        /// Who is allowed.
        allowed: String,
    },
    /// Rule 6: whoever said it takes it back, or the authority.
    #[error("{organization} did not send command {block}; only its sender and the authority {authority} may say that")]
    NotYourBlock {
        /// The caller's.
        organization: OrganizationCode,
        /// The command.
        block: CommandRef,
        /// The authority.
        authority: OrganizationCode,
    },
    /// Rule 6: a release ends a hold once.
    #[error("{lot} was released already at {at}, by command {by}; hold it anew where that was wrong")]
    ReleasedAlready {
        /// The lot.
        lot: LotName,
        /// By which command.
        by: CommandRef,
        /// When.
        at: EventTime,
    },
    /// Rule 6: a release follows its hold.
    #[error("command {block} holds from {since} on, so it cannot be over at {at}; void it where it was an error")]
    BeforeHold {
        /// The command that holds.
        block: CommandRef,
        /// From when.
        since: EventTime,
        /// As given.
        at: EventTime,
    },
    /// A logistic unit is packed, unpacked and sent where it is.
    #[error("logistic unit {sscc} is at {place}, not at {site}; receive it first, or check the number")]
    UnitElsewhere {
        /// The unit.
        sscc: Sscc,
        /// Where it is.
        place: String,
        /// As given.
        site: String,
    },
    /// A logistic unit inside another goes where that one goes.
    #[error("logistic unit {sscc} is inside {outer}; unpack that one first, or name it instead")]
    UnitInside {
        /// The unit.
        sscc: Sscc,
        /// The unit that it is in.
        outer: Sscc,
    },
    /// Not in that logistic unit.
    #[error("logistic unit {sscc} holds {there} of {what}; {asked} was to come out")]
    NotInUnit {
        /// The unit.
        sscc: Sscc,
        /// What.
        what: String,
        /// What is in it.
        there: Milli,
        /// What was asked.
        asked: Milli,
    },
    /// A logistic unit ships as a whole.
    #[error(
        "logistic unit {sscc} holds {there} of {lot}, and the lines say {asked}; it ships as a whole: leave the lines out, or unpack first"
    )]
    UnitNotWhole {
        /// The unit.
        sscc: Sscc,
        /// The lot.
        lot: LotName,
        /// What is in it.
        there: Milli,
        /// What was asked.
        asked: Milli,
    },
    /// A paper says a thing of a lot once.
    #[error(
        "paper {paper} was recorded already, by command {by}, for one of these lots; correct that command, or check the number"
    )]
    PaperUsed {
        /// The paper.
        paper: String,
        /// By which command.
        by: CommandRef,
    },
    /// Nothing to look at.
    #[error("command {command} recorded nothing that has to be resolved")]
    NothingToResolve {
        /// The command.
        command: CommandRef,
    },
    /// Only the authority keeps the registry and gives notices.
    #[error("{organization} is not the authority that keeps the registry; {authority} is, and this is for it to say")]
    NotTheAuthority {
        /// The caller's.
        organization: OrganizationCode,
        /// Who does.
        authority: OrganizationCode,
    },
    /// A fact of the registry contradicts what is known.
    #[error("{field}: {problem}")]
    Contradiction {
        /// Path of the field.
        field: String,
        /// What contradicts what.
        problem: String,
    },
    /// The same id with other content.
    #[error(
        "command {command} was recorded already with other content; give a new command an id of its own, or send the same content"
    )]
    OtherContent {
        /// The command.
        command: CommandRef,
    },
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn nearest_text(nearest: &[String]) -> String {
    if nearest.is_empty() {
        "; register it first, or check the spelling".to_owned()
    } else {
        format!("; the nearest known: {}", nearest.join(", "))
    }
}

impl Refusal {
    /// Number of the rule in the domain's list; 0 if it is none of those.
    pub fn rule(&self) -> u8 {
        use Refusal::*;
        match self {
            QuantityOutOfBounds { .. } | NotWhole { .. } | Inexact { .. } => 1,
            NotEnough { .. } | NotEnoughOfProduct { .. } | CountContradicts { .. } => 2,
            InTheFuture { .. } => 4,
            NotTheDestination { .. }
            | BeforeDispatch { .. }
            | AlreadyReceived { .. }
            | MoreThanOpen { .. }
            | NotOnShipment { .. } => 5,
            Blocked { .. } | NotYourLot { .. } | NotYourBlock { .. } | ReleasedAlready { .. } | BeforeHold { .. } => 6,
            Expired { .. } => 7,
            InTheWay { .. } | NoSuchCommand { .. } | AlreadyVoided { .. } | NotVoidable { .. } => 8,
            NotYourSite { .. } | NotInChain { .. } | Retired { .. } | SiteClosed { .. } => 9,
            Unknown { .. } | Ambiguous { .. } | NotYetKnown { .. } => 10,
            CountedAlready { .. } => 11,
            Malformed { .. }
            | BadCode { .. }
            | WrongKindOfSite { .. }
            | LotBegun { .. }
            | LotOfOtherChain { .. }
            | LotOpened { .. }
            | NotYourLotCode { .. }
            | ShipmentExists { .. }
            | OrderExists { .. }
            | NoOrder { .. }
            | OrderIsClosed { .. }
            | NotTheAuthority { .. }
            | UnitElsewhere { .. }
            | UnitInside { .. }
            | NotInUnit { .. }
            | UnitNotWhole { .. }
            | PaperUsed { .. }
            | NothingToResolve { .. }
            | Contradiction { .. }
            | OtherContent { .. } => 0,
        }
    }

    /// Stable reason, for programs.
    pub fn reason(&self) -> &'static str {
        use Refusal::*;
        match self {
            Malformed { .. } => "MALFORMED",
            BadCode { .. } => "BAD_CODE",
            QuantityOutOfBounds { .. } => "QUANTITY_OUT_OF_BOUNDS",
            NotWhole { .. } => "NOT_WHOLE",
            Inexact { .. } => "INEXACT",
            NotEnough { .. } => "NOT_ENOUGH",
            NotEnoughOfProduct { .. } => "NOT_ENOUGH_OF_PRODUCT",
            CountContradicts { .. } => "COUNT_CONTRADICTS",
            InTheFuture { .. } => "IN_THE_FUTURE",
            NotTheDestination { .. } => "NOT_THE_DESTINATION",
            BeforeDispatch { .. } => "BEFORE_DISPATCH",
            AlreadyReceived { .. } => "ALREADY_RECEIVED",
            MoreThanOpen { .. } => "MORE_THAN_OPEN",
            NotOnShipment { .. } => "NOT_ON_SHIPMENT",
            Expired { .. } => "EXPIRED",
            InTheWay { .. } => "IN_THE_WAY",
            NoSuchCommand { .. } => "NO_SUCH_COMMAND",
            AlreadyVoided { .. } => "ALREADY_VOIDED",
            NotVoidable { .. } => "NOT_VOIDABLE",
            NotYourSite { .. } => "NOT_YOUR_SITE",
            NotInChain { .. } => "NOT_IN_CHAIN",
            Retired { .. } => "RETIRED",
            SiteClosed { .. } => "SITE_CLOSED",
            WrongKindOfSite { .. } => "WRONG_KIND_OF_SITE",
            Unknown { .. } => "UNKNOWN",
            Ambiguous { .. } => "AMBIGUOUS",
            NotYetKnown { .. } => "NOT_YET_KNOWN",
            LotBegun { .. } => "LOT_BEGUN",
            LotOfOtherChain { .. } => "LOT_OF_OTHER_CHAIN",
            LotOpened { .. } => "LOT_OPENED",
            NotYourLotCode { .. } => "NOT_YOUR_LOT_CODE",
            ShipmentExists { .. } => "SHIPMENT_EXISTS",
            OrderExists { .. } => "ORDER_EXISTS",
            NoOrder { .. } => "NO_ORDER",
            OrderIsClosed { .. } => "ORDER_CLOSED",
            CountedAlready { .. } => "COUNTED_ALREADY",
            Blocked { kind: BlockKind::Held, .. } => "HELD",
            Blocked { kind: BlockKind::Recalled, .. } => "RECALLED",
            NotYourLot { .. } => "NOT_YOUR_LOT",
            NotYourBlock { .. } => "NOT_YOUR_COMMAND",
            ReleasedAlready { .. } => "RELEASED_ALREADY",
            BeforeHold { .. } => "BEFORE_HOLD",
            UnitElsewhere { .. } => "UNIT_ELSEWHERE",
            UnitInside { .. } => "UNIT_INSIDE",
            NotInUnit { .. } => "NOT_IN_UNIT",
            UnitNotWhole { .. } => "UNIT_NOT_WHOLE",
            PaperUsed { .. } => "PAPER_USED",
            NothingToResolve { .. } => "NOTHING_TO_RESOLVE",
            NotTheAuthority { .. } => "NOT_THE_AUTHORITY",
            Contradiction { .. } => "CONTRADICTION",
            OtherContent { .. } => "OTHER_CONTENT",
        }
    }

    /// What kind of thing to do about it.
    pub fn class(&self) -> Class {
        use Refusal::*;
        match self {
            Malformed { .. }
            | BadCode { .. }
            | QuantityOutOfBounds { .. }
            | NotWhole { .. }
            | Inexact { .. }
            | Ambiguous { .. } => Class::Malformed,
            Unknown { .. } | NoSuchCommand { .. } | NoOrder { .. } => Class::NotFound,
            LotBegun { .. }
            | LotOpened { .. }
            | ShipmentExists { .. }
            | OrderExists { .. }
            | OtherContent { .. }
            | CountedAlready { .. }
            | PaperUsed { .. } => Class::Exists,
            NotYourSite { .. } | NotYourLotCode { .. } | NotYourLot { .. } | NotYourBlock { .. } | NotTheAuthority { .. } => {
                Class::Forbidden
            }
            NotEnough { .. }
            | NotEnoughOfProduct { .. }
            | CountContradicts { .. }
            | InTheFuture { .. }
            | NotTheDestination { .. }
            | BeforeDispatch { .. }
            | AlreadyReceived { .. }
            | MoreThanOpen { .. }
            | NotOnShipment { .. }
            | Expired { .. }
            | InTheWay { .. }
            | AlreadyVoided { .. }
            | NotVoidable { .. }
            | NotInChain { .. }
            | Retired { .. }
            | SiteClosed { .. }
            | OrderIsClosed { .. }
            | WrongKindOfSite { .. }
            | NotYetKnown { .. }
            | LotOfOtherChain { .. }
            | Blocked { .. }
            | ReleasedAlready { .. }
            | BeforeHold { .. }
            | UnitElsewhere { .. }
            | UnitInside { .. }
            | NotInUnit { .. }
            | UnitNotWhole { .. }
            | NothingToResolve { .. }
            | Contradiction { .. } => Class::Rule,
        }
    }

    /// Path of the field at fault, where it is one field.
    pub fn field(&self) -> Option<&str> {
        use Refusal::*;
        match self {
            Malformed { field, .. }
            | BadCode { field, .. }
            | QuantityOutOfBounds { field, .. }
            | NotWhole { field, .. }
            | Inexact { field, .. }
            | Unknown { field, .. }
            | Ambiguous { field, .. }
            | NotYetKnown { field, .. }
            | Contradiction { field, .. } => Some(field),
            _ => None,
        }
    }

    /// The same of a part of `outer`: the field's path begins there.
    pub fn within(mut self, outer: &str) -> Refusal {
        use Refusal::*;
        if let Malformed { field, .. }
        | BadCode { field, .. }
        | QuantityOutOfBounds { field, .. }
        | NotWhole { field, .. }
        | Inexact { field, .. }
        | Unknown { field, .. }
        | Ambiguous { field, .. }
        | NotYetKnown { field, .. }
        | Contradiction { field, .. } = &mut self
        {
            field.insert_str(0, &format!("{outer}."));
        }
        self
    }

    /// The figures one by one, for programs.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        use Refusal::*;
        match self {
            NotEnough { place, lot, day, there, asked } => vec![
                ("place", place.to_string()),
                ("lot", lot.to_string()),
                ("day", day.to_string()),
                ("there_milli", there.0.to_string()),
                ("asked_milli", asked.0.to_string()),
            ],
            NotEnoughOfProduct { place, product, day, there, asked } => vec![
                ("place", place.to_string()),
                ("product", product.to_string()),
                ("day", day.to_string()),
                ("there_milli", there.0.to_string()),
                ("asked_milli", asked.0.to_string()),
            ],
            MoreThanOpen { shipment, lot, open, asked } => vec![
                ("shipment", shipment.clone()),
                ("lot", lot.to_string()),
                ("open_milli", open.0.to_string()),
                ("asked_milli", asked.0.to_string()),
            ],
            AlreadyReceived { shipment, lot, by, at, asked } => vec![
                ("shipment", shipment.clone()),
                ("lot", lot.to_string()),
                ("by_organization", by.organization.to_string()),
                ("by_command", by.command.to_string()),
                ("at", at.to_string()),
                ("asked_milli", asked.0.to_string()),
            ],
            InTheFuture { event_time, now } => vec![("event_time", event_time.instant.to_string()), ("now", now.to_string())],
            InTheWay { command, place, lot, day, there, in_the_way } => vec![
                ("command", command.command.to_string()),
                ("place", place.to_string()),
                ("lot", lot.to_string()),
                ("day", day.to_string()),
                ("there_milli", there.0.to_string()),
                ("in_the_way", list(in_the_way)),
            ],
            Unknown { value, nearest, .. } => vec![("value", value.clone()), ("nearest", nearest.join(", "))],
            Ambiguous { value, candidates, .. } => vec![("value", value.clone()), ("candidates", candidates.join(", "))],
            Expired { lot, expiry, day } => {
                vec![("lot", lot.to_string()), ("expiry", expiry.to_string()), ("day", day.to_string())]
            }
            Blocked { lot, kind, by, since, reason, .. } => vec![
                ("lot", lot.to_string()),
                ("kind", kind.as_str().to_owned()),
                ("by_organization", by.organization.to_string()),
                ("by_command", by.command.to_string()),
                ("since", since.to_string()),
                ("reason", reason.clone()),
            ],
            NotInUnit { sscc, there, asked, .. } | UnitNotWhole { sscc, there, asked, .. } => {
                vec![("sscc", sscc.to_string()), ("there_milli", there.0.to_string()), ("asked_milli", asked.0.to_string())]
            }
            PaperUsed { paper, by } => vec![
                ("paper", paper.clone()),
                ("by_organization", by.organization.to_string()),
                ("by_command", by.command.to_string()),
            ],
            Retired { what, thing, since, day, .. } => vec![
                ("kind", (*what).to_owned()),
                ("thing", thing.clone()),
                ("since", since.to_string()),
                ("day", day.to_string()),
            ],
            SiteClosed { site, since, day, .. } => {
                vec![("site", site.clone()), ("since", since.to_string()), ("day", day.to_string())]
            }
            QuantityOutOfBounds { quantity, .. } | NotWhole { quantity, .. } => vec![("quantity_milli", quantity.0.to_string())],
            _ => Vec::new(),
        }
    }
}
