//! What can be recorded besides the way from the field to the shelf: holds, recalls, returns, logistic units, observations, as
//! they are said on the command line.

use clap::Args;
use wire::proto::chuoi::event::v1::{Temperature, Treatment};
use wire::proto::chuoi::record::v1 as record;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{CommandReference, LotLine, LotReference, ShipmentReference};

use super::facts::{Recordable, Which};
use super::typed;
use crate::words::{FindingWord, ObservationWord, RecallWord, ReturnWord};

/// Lots may not move on.
#[derive(Args, Clone, Debug)]
pub struct Hold {
    /// Which lot: LOT, PRODUCT/LOT, ISSUER/PRODUCT/LOT or its id; once for each
    #[arg(long = "lot", value_name = "LOT", required = true, value_parser = typed::lot)]
    pub lots: Vec<LotReference>,
    /// At one site alone [default: wherever they are]
    #[arg(long, default_value = "", hide_default_value = true)]
    pub site: String,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// A hold or recall is over.
#[derive(Args, Clone, Debug)]
pub struct Release {
    /// The command that held or recalled: its id, or ORGANIZATION/ID where somebody else sent it
    #[arg(value_parser = typed::command)]
    pub command: CommandReference,
    /// Which of the held lots; once for each [default: all]
    #[arg(long = "lot", value_name = "LOT", value_parser = typed::lot)]
    pub lots: Vec<LotReference>,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// Lots, and everything made of them, are called back.
#[derive(Args, Clone, Debug)]
pub struct Recall {
    /// Which lot: LOT, PRODUCT/LOT, ISSUER/PRODUCT/LOT or its id; once for each
    #[arg(long = "lot", value_name = "LOT", required = true, value_parser = typed::lot)]
    pub lots: Vec<LotReference>,
    /// Who made it necessary
    #[arg(long, value_enum, default_value = "voluntary")]
    pub form: RecallWord,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Number of the decision
    #[arg(long, default_value = "", hide_default_value = true)]
    pub decision: String,
    /// Until when every site that holds some has to acknowledge: 2026-11-25T18:00+07:00
    #[arg(long, value_name = "TIME", value_parser = typed::instant)]
    pub acknowledge_by: Option<prost_types::Timestamp>,
}

/// A site has heard of a recall.
#[derive(Args, Clone, Debug)]
pub struct Acknowledge {
    /// The command that recalled: ORGANIZATION/ID
    #[arg(value_parser = typed::command)]
    pub recall: CommandReference,
    /// Site: code, GLN or name
    #[arg(long)]
    pub site: String,
}

/// A consumer brings goods back.
#[derive(Args, Clone, Debug)]
pub struct TakeBack {
    /// Shop: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// Which lot and how much; once for each lot
    #[arg(long = "line", value_name = "LOT=QUANTITY", required = true, value_parser = typed::line)]
    pub lines: Vec<LotLine>,
    /// Why
    #[arg(long, value_enum)]
    pub reason: ReturnWord,
}

/// A shipment comes back.
#[derive(Args, Clone, Debug)]
pub struct Cancel {
    /// Shipment: CODE, ISSUER/CODE or its id
    #[arg(value_parser = typed::shipment)]
    pub shipment: ShipmentReference,
    /// Which lines.
    #[command(flatten)]
    pub which: Which,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// Goods go into a logistic unit.
#[derive(Args, Clone, Debug)]
pub struct Pack {
    /// The unit: its SSCC, 18 digits
    pub sscc: String,
    /// Site: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// Which lot and how much; once for each lot
    #[arg(long = "line", value_name = "LOT=QUANTITY", value_parser = typed::line, required_unless_present = "units")]
    pub lines: Vec<LotLine>,
    /// A unit that goes in: its SSCC; once for each
    #[arg(long = "unit", value_name = "SSCC")]
    pub units: Vec<String>,
}

/// Goods come out of a logistic unit.
#[derive(Args, Clone, Debug)]
pub struct Unpack {
    /// The unit: its SSCC, 18 digits
    pub sscc: String,
    /// Site: code, GLN or name
    #[arg(long)]
    pub site: String,
    /// Which lot and how much; once for each lot [default: everything]
    #[arg(long = "line", value_name = "LOT=QUANTITY", value_parser = typed::line)]
    pub lines: Vec<LotLine>,
    /// A unit that comes out: its SSCC; once for each
    #[arg(long = "unit", value_name = "SSCC")]
    pub units: Vec<String>,
}

/// Something is seen that moves nothing.
#[derive(Args, Clone, Debug)]
pub struct Observe {
    /// What is seen
    #[arg(value_enum)]
    pub kind: ObservationWord,
    /// Site: code, GLN or name
    #[arg(long, default_value = "", hide_default_value = true)]
    pub site: String,
    /// Shipment: CODE, ISSUER/CODE or its id
    #[arg(long, value_parser = typed::shipment)]
    pub shipment: Option<ShipmentReference>,
    /// Logistic unit: its SSCC
    #[arg(long, default_value = "", hide_default_value = true)]
    pub sscc: String,
    /// Which lot; once for each
    #[arg(long = "lot", value_name = "LOT", value_parser = typed::lot)]
    pub lots: Vec<LotReference>,
    /// In words: which test, which certificate
    #[arg(long, default_value = "", hide_default_value = true)]
    pub what: String,
    /// Number of the report, sample or certificate
    #[arg(long, default_value = "", hide_default_value = true)]
    pub reference: String,
    /// What came out [default: for a temperature whether it lies in its range]
    #[arg(long, value_enum)]
    pub finding: Option<FindingWord>,
    /// Degrees Celsius: 4,5
    #[arg(long, value_name = "DEGREES", value_parser = typed::celsius, allow_hyphen_values = true)]
    pub celsius: Option<i32>,
    /// The lowest allowed [default: as the lots' products are stored]
    #[arg(long, value_name = "DEGREES", value_parser = typed::celsius, allow_hyphen_values = true, requires = "celsius")]
    pub min: Option<i32>,
    /// The highest allowed [default: as the lots' products are stored]
    #[arg(long, value_name = "DEGREES", value_parser = typed::celsius, allow_hyphen_values = true, requires = "celsius")]
    pub max: Option<i32>,
    /// Of a treatment: the plot or barn, as harvests name it
    #[arg(long, default_value = "", hide_default_value = true, requires = "waiting_days")]
    pub plot: String,
    /// Of a treatment: days that have to pass before a harvest
    #[arg(long, value_name = "DAYS")]
    pub waiting_days: Option<u16>,
}

/// What came of a discrepancy.
#[derive(Args, Clone, Debug)]
pub struct Resolve {
    /// The command that recorded it: its id, or ORGANIZATION/ID where somebody else sent it
    #[arg(value_parser = typed::command)]
    pub command: CommandReference,
    /// What came of it
    #[arg(long)]
    pub resolution: String,
}

impl Recordable for Hold {
    fn action(&self) -> Action {
        Action::Hold(record::Hold { lots: self.lots.clone(), site: self.site.clone(), reason: self.reason.clone() })
    }
}

impl Recordable for Release {
    fn action(&self) -> Action {
        let block = Some(self.command.clone());
        Action::Release(record::Release { block, lots: self.lots.clone(), reason: self.reason.clone() })
    }
}

impl Recordable for Recall {
    fn action(&self) -> Action {
        Action::Recall(record::Recall {
            lots: self.lots.clone(),
            form: self.form.number(),
            reason: self.reason.clone(),
            decision_number: self.decision.clone(),
            acknowledge_by_time: self.acknowledge_by,
        })
    }
}

impl Recordable for Acknowledge {
    fn action(&self) -> Action {
        Action::AcknowledgeRecall(record::AcknowledgeRecall { recall: Some(self.recall.clone()), site: self.site.clone() })
    }
}

impl Recordable for TakeBack {
    fn action(&self) -> Action {
        let (site, lines, reason) = (self.site.clone(), self.lines.clone(), self.reason.number());
        Action::CustomerReturn(record::CustomerReturn { site, lines, reason })
    }
}

impl Recordable for Cancel {
    fn action(&self) -> Action {
        Action::CancelShipment(record::CancelShipment {
            shipment: Some(self.shipment.clone()),
            lines: self.which.lines.clone(),
            everything: self.which.everything,
            reason: self.reason.clone(),
        })
    }
}

impl Recordable for Pack {
    fn action(&self) -> Action {
        let (lines, unit_ssccs) = (self.lines.clone(), self.units.clone());
        Action::Pack(record::Pack { site: self.site.clone(), sscc: self.sscc.clone(), lines, unit_ssccs })
    }
}

impl Recordable for Unpack {
    fn action(&self) -> Action {
        Action::Unpack(record::Unpack {
            site: self.site.clone(),
            sscc: self.sscc.clone(),
            lines: self.lines.clone(),
            unit_ssccs: self.units.clone(),
            everything: self.lines.is_empty() && self.units.is_empty(),
        })
    }
}

impl Recordable for Observe {
    fn action(&self) -> Action {
        let temperature = self.celsius.map(|milli_celsius| Temperature {
            milli_celsius,
            min_milli_celsius: self.min,
            max_milli_celsius: self.max,
        });
        Action::Observe(record::Observe {
            site: self.site.clone(),
            shipment: self.shipment.clone(),
            sscc: self.sscc.clone(),
            lots: self.lots.clone(),
            kind: self.kind.number(),
            what: self.what.clone(),
            reference: self.reference.clone(),
            finding: self.finding.map_or(0, FindingWord::number),
            temperature,
            treatment: self
                .waiting_days
                .map(|waiting_days| Treatment { plot: self.plot.clone(), waiting_days: waiting_days.into() }),
        })
    }
}

impl Recordable for Resolve {
    fn action(&self) -> Action {
        Action::Resolve(record::Resolve { command: Some(self.command.clone()), resolution: self.resolution.clone() })
    }
}
