//! What can be recorded, as it is said on the command line.

use clap::{Args, Subcommand};
use wire::proto::chuoi::event::v1::DocumentReference;
use wire::proto::chuoi::record::v1 as record;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::correct::Replacement;
use wire::proto::chuoi::record::v1::{DayPart, LotLine, LotReference, NewLot, OrderReference, Quantity, ShipmentReference};

use super::trade;
use super::typed::{self, WhenFlags};
use crate::config::ClientFlags;
use crate::failure::Failure;
use crate::words::{ProcessWord, Refusal, WasteWord};

/// What every recording command may say besides what happened.
#[derive(Args, Clone, Debug, Default)]
pub struct RecordFlags {
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
    /// When.
    #[command(flatten)]
    pub when: WhenFlags,
    /// It has happened already: record it, marked, even if a rule about what may happen stands against it
    #[arg(long)]
    pub already_happened: bool,
    /// A remark, kept as typed
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
    /// The paper behind it: KIND/YEAR/NUMBER or ISSUER/KIND/YEAR/NUMBER, for example PXK/2026/0123
    #[arg(long, value_name = "PAPER", value_parser = document)]
    pub document: Option<DocumentReference>,
    /// Id of an earlier attempt, to repeat it: it is recorded once, however often it is sent [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub command_id: Option<uuid::Uuid>,
    /// Judge it only once the journal has reached this position
    #[arg(long, value_name = "POSITION", default_value = "", hide_default_value = true)]
    pub at_least: String,
}

/// A fact with what is said around it.
#[derive(Args, Clone, Debug)]
pub struct Said<F: Args> {
    /// The fact.
    #[command(flatten)]
    pub fact: F,
    /// What is said around it.
    #[command(flatten)]
    pub flags: RecordFlags,
}

/// A lot begins at a producing site.
#[derive(Args, Clone, Debug)]
pub struct Harvest {
    /// Producing site: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// The lot and how much.
    #[command(flatten)]
    pub lot: Begun,
    /// Reference to the plot or barn
    #[arg(long, default_value = "", hide_default_value = true)]
    pub plot: String,
    /// A household whose goods are in the lot, by reference, with its part where it was weighed; once for each
    #[arg(long = "household", value_name = "REFERENCE[=QUANTITY]", value_parser = typed::household)]
    pub households: Vec<record::harvest::Household>,
}

/// What a site held before it kept its book here.
#[derive(Args, Clone, Debug)]
pub struct Open {
    /// Site: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// The lot and how much.
    #[command(flatten)]
    pub lot: Begun,
}

/// A lot that begins, with its quantity.
#[derive(Args, Clone, Debug)]
pub struct Begun {
    /// Product: code, GTIN or name
    #[arg(long)]
    pub product: String,
    /// Code of the lot, for example L20261125
    #[arg(long, value_name = "CODE")]
    pub lot: String,
    /// How much: "1,2 tấn", "50 kg", "300 túi"
    #[arg(long, value_parser = typed::quantity)]
    pub quantity: Quantity,
    /// What else may be said.
    #[command(flatten)]
    pub more: Origin,
    /// Organization that assigned the lot's code [default: yours]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub issuer: String,
}

/// What else may be said of lots that begin.
#[derive(Args, Clone, Debug)]
pub struct Origin {
    /// Chain [default: the only one possible]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub chain: String,
    /// Last day on which it may be sold [default: by the product's shelf life]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub expiry: Option<String>,
}

/// Lots become other lots.
#[derive(Args, Clone, Debug)]
pub struct Transform {
    /// Site: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// Kind of work
    #[arg(long, value_enum, default_value = "packing")]
    pub process: ProcessWord,
    /// What goes in; once for each lot
    #[arg(long = "in", value_name = "LOT=QUANTITY", required = true, value_parser = typed::line)]
    pub inputs: Vec<LotLine>,
    /// What comes out: PRODUCT/LOT=QUANTITY; once for each lot
    #[arg(long = "out", value_name = "LOT=QUANTITY", required = true, value_parser = typed::output)]
    pub outputs: Vec<(NewLot, Quantity)>,
    /// What else may be said.
    #[command(flatten)]
    pub more: Origin,
    /// Mass lost on the way, in grams
    #[arg(long, value_name = "GRAMS")]
    pub loss_gram: Option<i64>,
}

/// A shipment leaves a site.
#[derive(Args, Clone, Debug)]
pub struct Dispatch {
    /// Site that it leaves: code, GLN or name
    #[arg(long, value_name = "SITE")]
    pub from: String,
    /// Site that it goes to: code, GLN or name
    #[arg(long, value_name = "SITE")]
    pub to: String,
    /// What is on it; once for each lot [default: everything in the logistic unit]
    #[arg(long = "line", value_name = "LOT=QUANTITY", required_unless_present = "sscc", value_parser = typed::line)]
    pub lines: Vec<LotLine>,
    /// Your code for it, for example the number of its slip [default: the command's id]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub code: String,
    /// Groups the shipments of one truck
    #[arg(long, default_value = "", hide_default_value = true)]
    pub trip: String,
    /// SSCC of its logistic unit: 18 digits; one that was packed ships as a whole
    #[arg(long)]
    pub sscc: Option<String>,
    /// The goods stay yours until they are sold (ký gửi)
    #[arg(long)]
    pub consignment: bool,
    /// The order that it serves: BUYER/CODE or its id
    #[arg(long, value_parser = super::order::reference)]
    pub order: Option<OrderReference>,
}

/// Which lines of a shipment.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Which lot and how much; once for each lot
    #[arg(long = "line", value_name = "LOT=QUANTITY", value_parser = typed::line)]
    pub lines: Vec<LotLine>,
    /// Everything of it that is on its way
    #[arg(long)]
    pub everything: bool,
}

/// Goods of a shipment arrive.
#[derive(Args, Clone, Debug)]
pub struct Receive {
    /// Shipment: CODE, ISSUER/CODE or its id
    #[arg(value_parser = typed::shipment)]
    pub shipment: ShipmentReference,
    /// Which lines.
    #[command(flatten)]
    pub which: Which,
    /// Site that receives it [default: the shipment's destination]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub site: String,
}

/// Goods of a shipment are turned away at the door.
#[derive(Args, Clone, Debug)]
pub struct Refuse {
    /// Shipment: CODE, ISSUER/CODE or its id
    #[arg(value_parser = typed::shipment)]
    pub shipment: ShipmentReference,
    /// Which lines.
    #[command(flatten)]
    pub which: Which,
    /// Why
    #[arg(long, value_enum)]
    pub reason: Refusal,
    /// Destroyed at the door instead of sent back
    #[arg(long)]
    pub destroyed: bool,
}

/// Goods of a shipment did not arrive.
#[derive(Args, Clone, Debug)]
pub struct Short {
    /// Shipment: CODE, ISSUER/CODE or its id
    #[arg(value_parser = typed::shipment)]
    pub shipment: ShipmentReference,
    /// Which lines.
    #[command(flatten)]
    pub which: Which,
}

/// Goods are sold to consumers.
#[derive(Args, Clone, Debug)]
pub struct Sell {
    /// Shop: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// Which lot and how much; once for each lot
    #[arg(long = "line", value_name = "LOT=QUANTITY", value_parser = typed::line, required_unless_present = "product")]
    pub lines: Vec<LotLine>,
    /// Product, where the lot is not known: first expired, first out
    #[arg(long, conflicts_with = "lines", requires = "quantity")]
    pub product: Option<String>,
    /// How much of the product
    #[arg(long, value_parser = typed::quantity, requires = "product")]
    pub quantity: Option<Quantity>,
}

/// Goods are lost to use.
#[derive(Args, Clone, Debug)]
pub struct Waste {
    /// Site: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// Which lot and how much; once for each lot
    #[arg(long = "line", value_name = "LOT=QUANTITY", required = true, value_parser = typed::line)]
    pub lines: Vec<LotLine>,
    /// Why
    #[arg(long, value_enum)]
    pub reason: WasteWord,
}

/// Goods are counted.
#[derive(Args, Clone, Debug)]
pub struct Count {
    /// Site: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// Which lot and how much is there, which may be 0; once for each lot
    #[arg(long = "line", value_name = "LOT=QUANTITY", value_parser = typed::counted_line, required_unless_present = "product")]
    pub lines: Vec<LotLine>,
    /// Product, where lots were not told apart: over all its lots
    #[arg(long, conflicts_with = "lines", requires = "quantity")]
    pub product: Option<String>,
    /// How much of the product is there, which may be 0
    #[arg(long, value_parser = typed::counted, requires = "product")]
    pub quantity: Option<Quantity>,
    /// Counted before anything else of its day
    #[arg(long, conflicts_with = "after_closing")]
    pub before_opening: bool,
    /// Counted after anything else of its day
    #[arg(long)]
    pub after_closing: bool,
}

/// An earlier command was recorded in error.
#[derive(Args, Clone, Debug)]
pub struct Void {
    /// Id of the earlier command, as it was printed
    pub command: uuid::Uuid,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// An earlier command was recorded in error, and another stands in its place.
#[derive(Args, Clone, Debug)]
pub struct Correct {
    /// Id of the earlier command, as it was printed
    pub command: uuid::Uuid,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// What really happened.
    #[command(subcommand)]
    pub instead: Fact,
}

/// What stands in the place of a corrected command.
#[derive(Subcommand, Clone, Debug)]
#[command(subcommand_value_name = "WHAT REALLY HAPPENED", subcommand_help_heading = "What really happened")]
pub enum Fact {
    /// A lot began at a producing site
    Harvest(Harvest),
    /// What a site held before it kept its book here
    Open(Open),
    /// Lots became other lots
    Transform(Transform),
    /// A shipment left a site
    Dispatch(Dispatch),
    /// Goods of a shipment arrived
    Receive(Receive),
    /// Goods of a shipment were turned away at the door
    Refuse(Refuse),
    /// Goods of a shipment did not arrive
    Short(Short),
    /// Goods were sold to consumers
    Sell(Sell),
    /// Goods were lost to use
    Waste(Waste),
    /// Goods were counted
    Count(Count),
    /// Lots may not move on
    Hold(trade::Hold),
    /// A hold or recall is over
    Release(trade::Release),
    /// Lots and what was made of them are called back
    Recall(trade::Recall),
    /// A site has heard of a recall
    Acknowledge(trade::Acknowledge),
    /// A consumer brought goods back
    TakeBack(trade::TakeBack),
    /// A shipment turned round
    Cancel(trade::Cancel),
    /// Goods went into a logistic unit
    Pack(trade::Pack),
    /// Goods came out of a logistic unit
    Unpack(trade::Unpack),
    /// Something was seen
    Observe(trade::Observe),
}

/// A fact that can be sent.
pub trait Recordable {
    /// As a message.
    fn action(&self) -> Action;

    /// Where in a day without a time it lies.
    fn day_part(&self) -> DayPart {
        DayPart::Unspecified
    }
}

impl Begun {
    fn lot(&self) -> NewLot {
        self.more.of(NewLot {
            issuer: self.issuer.clone(),
            product: self.product.clone(),
            lot_code: self.lot.clone(),
            ..NewLot::default()
        })
    }
}

impl Origin {
    fn of(&self, lot: NewLot) -> NewLot {
        NewLot { chain: self.chain.clone(), expiry_date: self.expiry.clone().unwrap_or_default(), ..lot }
    }
}

impl Recordable for Harvest {
    fn action(&self) -> Action {
        Action::Harvest(record::Harvest {
            site: self.site.clone(),
            lot: Some(self.lot.lot()),
            quantity: Some(self.lot.quantity.clone()),
            plot: self.plot.clone(),
            households: self.households.clone(),
        })
    }
}

impl Recordable for Open {
    fn action(&self) -> Action {
        let (lot, quantity) = (Some(self.lot.lot()), Some(self.lot.quantity.clone()));
        Action::OpenLot(record::OpenLot { site: self.site.clone(), lot, quantity })
    }
}

impl Recordable for Transform {
    fn action(&self) -> Action {
        let output = |(lot, quantity): &(NewLot, Quantity)| record::transform::Output {
            lot: Some(self.more.of(lot.clone())),
            quantity: Some(quantity.clone()),
        };
        Action::Transform(record::Transform {
            site: self.site.clone(),
            process: self.process.number(),
            inputs: self.inputs.clone(),
            outputs: self.outputs.iter().map(output).collect(),
            loss_gram: self.loss_gram,
        })
    }
}

impl Recordable for Dispatch {
    fn action(&self) -> Action {
        Action::Dispatch(record::Dispatch {
            from_site: self.from.clone(),
            to_site: self.to.clone(),
            shipment_code: self.code.clone(),
            lines: self.lines.clone(),
            trip_id: self.trip.clone(),
            sscc: self.sscc.clone().unwrap_or_default(),
            consignment: self.consignment,
            order: self.order.clone(),
        })
    }
}

impl Recordable for Receive {
    fn action(&self) -> Action {
        Action::Receive(record::Receive {
            shipment: Some(self.shipment.clone()),
            site: self.site.clone(),
            lines: self.which.lines.clone(),
            everything: self.which.everything,
        })
    }
}

impl Recordable for Refuse {
    fn action(&self) -> Action {
        Action::RefuseDelivery(record::RefuseDelivery {
            shipment: Some(self.shipment.clone()),
            lines: self.which.lines.clone(),
            everything: self.which.everything,
            reason: self.reason.number(),
            destroyed: self.destroyed,
        })
    }
}

impl Recordable for Short {
    fn action(&self) -> Action {
        Action::ReportShort(record::ReportShort {
            shipment: Some(self.shipment.clone()),
            lines: self.which.lines.clone(),
            everything: self.which.everything,
        })
    }
}

impl Recordable for Sell {
    fn action(&self) -> Action {
        Action::Sell(record::Sell {
            site: self.site.clone(),
            lines: self.lines.clone(),
            product: self.product.clone().unwrap_or_default(),
            quantity: self.quantity.clone(),
        })
    }
}

impl Recordable for Waste {
    fn action(&self) -> Action {
        Action::Waste(record::Waste { site: self.site.clone(), lines: self.lines.clone(), reason: self.reason.number() })
    }
}

impl Recordable for Count {
    fn action(&self) -> Action {
        Action::Count(record::Count {
            site: self.site.clone(),
            lines: self.lines.clone(),
            product: self.product.clone().unwrap_or_default(),
            quantity: self.quantity.clone(),
        })
    }

    fn day_part(&self) -> DayPart {
        match (self.before_opening, self.after_closing) {
            (true, _) => DayPart::BeforeOpening,
            (_, true) => DayPart::AfterClosing,
            _ => DayPart::Unspecified,
        }
    }
}

impl Recordable for Void {
    fn action(&self) -> Action {
        Action::Void(record::Void { command_id: self.command.to_string(), reason: self.reason.clone() })
    }
}

impl Recordable for Fact {
    fn action(&self) -> Action {
        self.fact().action()
    }

    fn day_part(&self) -> DayPart {
        self.fact().day_part()
    }
}

impl Fact {
    fn fact(&self) -> &dyn Recordable {
        match self {
            Fact::Harvest(fact) => fact,
            Fact::Open(fact) => fact,
            Fact::Transform(fact) => fact,
            Fact::Dispatch(fact) => fact,
            Fact::Receive(fact) => fact,
            Fact::Refuse(fact) => fact,
            Fact::Short(fact) => fact,
            Fact::Sell(fact) => fact,
            Fact::Waste(fact) => fact,
            Fact::Count(fact) => fact,
            Fact::Hold(fact) => fact,
            Fact::Release(fact) => fact,
            Fact::Recall(fact) => fact,
            Fact::Acknowledge(fact) => fact,
            Fact::TakeBack(fact) => fact,
            Fact::Cancel(fact) => fact,
            Fact::Pack(fact) => fact,
            Fact::Unpack(fact) => fact,
            Fact::Observe(fact) => fact,
        }
    }
}

impl Correct {
    /// As a message; `when` is the time of what stands in its place, where that differs from the original's.
    pub fn action(&self, when: Option<record::When>) -> Result<Action, Failure> {
        macro_rules! replacement {
            ($($name:ident),+ $(,)?) => {
                match self.instead.action() {
                    $(Action::$name(fact) => Replacement::$name(fact),)+
                    Action::Void(_)
                    | Action::Correct(_)
                    | Action::Register(_)
                    | Action::Resolve(_)
                    | Action::GiveNotice(_) => {
                        return Err(Failure::Usage("only what happened can stand in place of another command".to_owned()));
                    }
                }
            };
        }
        let replacement = replacement!(
            Harvest,
            OpenLot,
            Transform,
            Dispatch,
            Receive,
            RefuseDelivery,
            ReportShort,
            Sell,
            Waste,
            Count,
            Hold,
            Release,
            Recall,
            AcknowledgeRecall,
            CustomerReturn,
            CancelShipment,
            Pack,
            Unpack,
            Observe,
            PlaceOrder,
            CloseOrder,
            IssueCode,
            RevokeCode,
            CountScans,
        );
        let (command_id, reason) = (self.command.to_string(), self.reason.clone());
        Ok(Action::Correct(record::Correct { command_id, reason, when, replacement: Some(replacement) }))
    }
}

fn of_lines(lines: &mut [LotLine]) -> Vec<&mut LotReference> {
    lines.iter_mut().filter_map(|line| line.lot.as_mut()).collect()
}

/// The same of a command and of what stands in a command's place: they share these facts.
macro_rules! lots_of {
    ($of:ident, $fact:expr, $($rest:pat => $none:expr,)*) => {
        match $fact {
            $of::Transform(fact) => of_lines(&mut fact.inputs),
            $of::Dispatch(fact) => of_lines(&mut fact.lines),
            $of::Receive(fact) => of_lines(&mut fact.lines),
            $of::RefuseDelivery(fact) => of_lines(&mut fact.lines),
            $of::ReportShort(fact) => of_lines(&mut fact.lines),
            $of::Sell(fact) => of_lines(&mut fact.lines),
            $of::Waste(fact) => of_lines(&mut fact.lines),
            $of::Count(fact) => of_lines(&mut fact.lines),
            $of::CustomerReturn(fact) => of_lines(&mut fact.lines),
            $of::CancelShipment(fact) => of_lines(&mut fact.lines),
            $of::Pack(fact) => of_lines(&mut fact.lines),
            $of::Unpack(fact) => of_lines(&mut fact.lines),
            $of::Hold(fact) => fact.lots.iter_mut().collect(),
            $of::Release(fact) => fact.lots.iter_mut().collect(),
            $of::Recall(fact) => fact.lots.iter_mut().collect(),
            $of::Observe(fact) => fact.lots.iter_mut().collect(),
            $of::IssueCode(fact) => fact.lot.iter_mut().collect(),
            $of::Harvest(_)
            | $of::OpenLot(_)
            | $of::AcknowledgeRecall(_)
            | $of::PlaceOrder(_)
            | $of::CloseOrder(_)
            | $of::RevokeCode(_)
            | $of::CountScans(_) => Vec::new(),
            $($rest => $none,)*
        }
    };
}

/// Every lot that an action names and that exists already.
pub fn named_lots(action: &mut Action) -> Vec<&mut LotReference> {
    lots_of!(Action, action,
        Action::Correct(correct) => match &mut correct.replacement {
            Some(replacement) => lots_of!(Replacement, replacement,),
            None => Vec::new(),
        },
        Action::Resolve(_) | Action::GiveNotice(_) | Action::Void(_) | Action::Register(_) => Vec::new(),
    )
}

/// The same of a command and of what stands in a command's place.
macro_rules! shipment_of {
    ($of:ident, $fact:expr) => {
        match $fact {
            $of::Receive(fact) => Some((&mut fact.shipment, fact.site.clone())),
            $of::RefuseDelivery(fact) => Some((&mut fact.shipment, String::new())),
            $of::ReportShort(fact) => Some((&mut fact.shipment, String::new())),
            $of::CancelShipment(fact) => Some((&mut fact.shipment, String::new())),
            $of::Observe(fact) => Some((&mut fact.shipment, String::new())),
            _ => None,
        }
    };
}

/// The shipment that an action names, and the site that it says receives it.
pub fn named_shipment(action: &mut Action) -> Option<(&mut ShipmentReference, String)> {
    let (shipment, site) = match action {
        Action::Correct(correct) => correct.replacement.as_mut().and_then(|replacement| shipment_of!(Replacement, replacement)),
        action => shipment_of!(Action, action),
    }?;
    Some((shipment.as_mut()?, site))
}

/// A paper: `KIND/YEAR/NUMBER` or `ISSUER/KIND/YEAR/NUMBER`.
pub fn document(text: &str) -> Result<DocumentReference, String> {
    let parts: Vec<&str> = text.split('/').map(str::trim).collect();
    let (issuer, kind, year, number) = match parts[..] {
        [kind, year, number] => ("", kind, year, number),
        [issuer, kind, year, number] => (issuer, kind, year, number),
        _ => return Err(format!("{text:?} is not KIND/YEAR/NUMBER or ISSUER/KIND/YEAR/NUMBER, for example PXK/2026/0123")),
    };
    let year = year.parse().map_err(|_| format!("{year:?} is not a year"))?;
    Ok(DocumentReference { issuer_code: issuer.into(), kind: kind.into(), year, number: number.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_is_named_by_its_kind_year_and_number() {
        let paper = document("PXK/2026/0123").unwrap();
        assert_eq!((paper.kind.as_str(), paper.year, paper.number.as_str()), ("PXK", 2026, "0123"));
        assert_eq!(document("HTX-CH001/PXK/2026/7").unwrap().issuer_code, "HTX-CH001");
        assert!(document("0123").is_err() && document("PXK/x/1").is_err());
    }
}
