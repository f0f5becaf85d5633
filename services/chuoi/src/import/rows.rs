//! Commands of rows: one row a command, or rows of one slip together. Ids are derived from what a row says, so that a file that is
//! brought again doubles nothing: what was recorded is found recorded, what was corrected is new.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use uuid::Uuid;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{self as record, *};

use super::columns::{Columns, Field};
use super::format::Format;
use super::registry;
use super::sheet::{Cell, Row};
use super::words::{FINDINGS, OBSERVATIONS, PROCESSES, REFUSALS, RETURNS, WASTES};
use crate::client::{facts, typed};
use crate::words::{FindingWord, ObservationWord, ProcessWord, RecallWord, Refusal, ReturnWord, WasteWord};

/// Root of the ids derived here. Never changes: they are in journals.
const NAMESPACE: Uuid = Uuid::from_u128(0x3b8e_9d14_6a2f_5c07_8e51_b0c4_7f19_d362);
/// What this program calls itself in what it imports: without a version, since the same row has to be the same command for ever.
pub const CLIENT: &str = "chuoi import";
/// Rows of one command at most; the service takes a thousand lines.
const MOST_ROWS: usize = 1_000;

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Lots begin at producing sites
    Harvest,
    /// What sites held before they kept their book here
    Open,
    /// Lots become other lots; rows of one batch together
    Transform,
    /// Shipments leave; rows of one slip together
    Dispatch,
    /// Goods arrive; rows of one slip together
    Receive,
    /// Goods are turned away; rows of one slip together
    Refuse,
    /// Goods did not arrive; rows of one slip together
    Short,
    /// Goods are sold, by lot or by product
    Sell,
    /// Goods are lost to use
    Waste,
    /// Goods are counted, by lot or by product
    Count,
    /// Lots may not move on
    Hold,
    /// Lots are called back
    Recall,
    /// Consumers bring goods back
    TakeBack,
    /// Shipments turn round
    Cancel,
    /// Goods go into logistic units
    Pack,
    /// Goods come out of logistic units
    Unpack,
    /// Temperatures, inspections, samples, certificates
    Observe,
    /// Sites order goods of chains; rows of one order together
    Orders,
    /// Traceability codes are issued
    Codes,
    /// Traceability codes are revoked
    CodeRevocations,
    /// Traceability codes were scanned
    CodeScans,
    /// Earlier commands were errors
    Void,
    /// Registry: organizations
    Organizations,
    /// Registry: sites
    Sites,
    /// Registry: product kinds
    Products,
    /// Registry: chains
    Chains,
    /// Registry: sites and products of chains
    Members,
    /// Registry: capacities of chains
    Capacities,
    /// Registry: administrative units
    Districts,
    /// Registry: administrative units that pass to others
    DistrictSuccessions,
    /// Registry: certificates
    Certificates,
    /// Registry: certificates that are suspended, valid again or revoked
    CertificateStandings,
    /// Registry: products that are entered in the OCOP programme
    OcopProducts,
    /// Registry: what they were graded
    OcopGrades,
    /// Registry: sites that are open, closed or restricted
    SiteStandings,
    /// Registry: craft villages
    CraftVillages,
    /// Registry: what the programme aims at
    Targets,
    /// Registry: steps of trademarks' cases
    Trademarks,
    /// Registry: labels that were issued, used, spoiled or voided
    Labels,
}

impl Kind {
    /// Whether it is said by the authority that keeps the registry.
    pub fn is_registry(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Organizations
                | Sites
                | Products
                | Chains
                | Members
                | Capacities
                | Districts
                | DistrictSuccessions
                | Certificates
                | CertificateStandings
                | OcopProducts
                | OcopGrades
                | SiteStandings
                | CraftVillages
                | Targets
                | Trademarks
                | Labels
        )
    }

    /// Columns that have to be there.
    pub fn needed(self) -> &'static [Field] {
        use Field as F;
        match self {
            Kind::Harvest | Kind::Open => &[F::Date, F::Site, F::Product, F::Lot, F::Quantity],
            Kind::Transform => &[F::Date, F::Site, F::Lot, F::Quantity, F::OutProduct, F::OutLot, F::OutQuantity],
            Kind::Dispatch => &[F::Date, F::From, F::To, F::Lot, F::Quantity],
            Kind::Receive => &[F::Date, F::Shipment],
            Kind::Refuse => &[F::Date, F::Shipment, F::Reason],
            Kind::Short | Kind::Cancel => &[F::Date, F::Shipment],
            Kind::Sell | Kind::Count => &[F::Date, F::Site, F::Quantity],
            Kind::Waste | Kind::TakeBack => &[F::Date, F::Site, F::Lot, F::Quantity, F::Reason],
            Kind::Hold | Kind::Recall => &[F::Date, F::Lot, F::Reason],
            Kind::Pack | Kind::Unpack => &[F::Date, F::Site, F::Sscc],
            Kind::Observe => &[F::Date, F::Kind],
            Kind::Orders => &[F::Date, F::Site, F::Chain, F::Due, F::Product, F::Quantity],
            Kind::Codes => &[F::Date, F::Product],
            Kind::CodeRevocations => &[F::Date, F::Code, F::Reason],
            Kind::CodeScans => &[F::Date, F::Code, F::Scans],
            Kind::Void => &[F::Id, F::Reason],
            Kind::Organizations => &[F::Date, F::Code, F::Name, F::Kind],
            Kind::Sites => &[F::Date, F::Code, F::Name, F::Kind, F::Organization, F::District],
            Kind::Products => &[F::Date, F::Code, F::Name, F::Unit],
            Kind::Chains => &[F::Date, F::Code, F::Name, F::Organization, F::District],
            Kind::Members => &[F::Date, F::Chain],
            Kind::Capacities => &[F::Date, F::Chain, F::Capacity],
            Kind::Districts => &[F::Date, F::Code, F::Name, F::Kind],
            Kind::DistrictSuccessions => &[F::Date, F::District, F::ToDistrict],
            Kind::Certificates => &[F::Date, F::Kind, F::Number, F::Organization, F::IssuedBy],
            Kind::CertificateStandings => &[F::Date, F::Kind, F::Number, F::Standing, F::Reason],
            Kind::OcopProducts => &[F::Date, F::Dossier, F::Organization, F::Product, F::District],
            Kind::OcopGrades => &[F::Date, F::Dossier, F::Community, F::Marketing, F::Quality, F::Level, F::Decision],
            Kind::SiteStandings => &[F::Date, F::Site, F::Standing],
            Kind::CraftVillages => &[F::Date, F::Code, F::Name, F::Trade, F::District],
            Kind::Targets => &[F::Date, F::Measure, F::Target, F::Due, F::Decision],
            Kind::Trademarks => &[F::Date, F::Number, F::Organization, F::Mark, F::Standing],
            Kind::Labels => &[F::Date, F::Series, F::First, F::Last, F::Standing],
        }
    }

    /// What rows of one command have in common besides following each other; nothing where each row stands for itself.
    fn slip(self) -> &'static [Field] {
        match self {
            Kind::Dispatch => &[Field::Shipment, Field::From, Field::To, Field::Order, Field::Buyer, Field::Date, Field::Time],
            Kind::Receive | Kind::Refuse | Kind::Short | Kind::Cancel => {
                &[Field::Shipment, Field::Sender, Field::Site, Field::Reason, Field::Date, Field::Time]
            }
            Kind::Orders => &[Field::Order, Field::Site, Field::Chain, Field::Due, Field::Date],
            Kind::Transform => &[Field::Batch, Field::Site, Field::Date, Field::Time],
            Kind::Pack | Kind::Unpack => &[Field::Sscc, Field::Site, Field::Date, Field::Time],
            _ => &[],
        }
    }

    /// The field without which a row stands for itself.
    fn slip_key(self) -> Option<Field> {
        self.slip().first().copied()
    }
}

/// A row that cannot be a command, or part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Its number.
    pub row: u64,
    /// Header of the column; empty where no single one is at fault.
    pub column: String,
    /// What stands there.
    pub value: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// Rows that are one command.
#[derive(Debug)]
pub struct Group {
    /// The rows.
    pub rows: Vec<Row>,
    /// The command, or what is wrong with its rows.
    pub command: Result<Command, Vec<Bad>>,
}

/// Puts rows that follow each other together, and makes commands of them.
pub struct Grouping<'a> {
    /// What they are.
    pub kind: Kind,
    /// Which cell is what.
    pub columns: &'a Columns,
    /// How they are written.
    pub format: Format,
    /// Days are days of this zone.
    pub zone: &'a TimeZone,
    /// On whose behalf.
    pub organization: &'a str,
    /// Device and person, as the settings say.
    pub device: &'a str,
    /// Reference to the person who brings the file.
    pub actor: &'a str,
    /// Whether all of it has happened already.
    pub already_happened: bool,
    waiting: Vec<Row>,
    /// How often each content came already: two equal rows are two commands.
    seen: HashMap<[u8; 16], u32>,
}

impl<'a> Grouping<'a> {
    /// No rows yet.
    #[expect(clippy::too_many_arguments, reason = "what every row is read by, named once")]
    pub fn new(
        kind: Kind,
        columns: &'a Columns,
        format: Format,
        zone: &'a TimeZone,
        organization: &'a str,
        device: &'a str,
        actor: &'a str,
        already_happened: bool,
    ) -> Grouping<'a> {
        let (waiting, seen) = (Vec::new(), HashMap::new());
        Grouping { kind, columns, format, zone, organization, device, actor, already_happened, waiting, seen }
    }

    /// Takes a row; the rows before it, if they are complete.
    pub fn take(&mut self, row: Row) -> Option<Group> {
        let belongs = self.waiting.last().is_some_and(|last| self.belong_together(last, &row)) && self.waiting.len() < MOST_ROWS;
        let done = if belongs { None } else { self.finish() };
        self.waiting.push(row);
        done
    }

    /// The last rows.
    pub fn finish(&mut self) -> Option<Group> {
        let rows = std::mem::take(&mut self.waiting);
        if rows.is_empty() {
            return None;
        }
        let command = self.command(&rows);
        Some(Group { rows, command })
    }

    fn belong_together(&self, one: &Row, other: &Row) -> bool {
        let text =
            |row: &Row, field| self.columns.place(field).and_then(|place| row.cells.get(place)).map_or(String::new(), Cell::text);
        let Some(key) = self.kind.slip_key() else { return false };
        let same = |field: &Field| text(one, *field).trim() == text(other, *field).trim();
        !text(one, key).trim().is_empty() && self.kind.slip().iter().all(same)
    }

    fn command(&mut self, rows: &[Row]) -> Result<Command, Vec<Bad>> {
        let cells: Vec<Cells<'_>> = rows.iter().map(|row| Cells { row, columns: self.columns, format: self.format }).collect();
        let Some(first) = cells.first() else { return Err(Vec::new()) };
        let mut bad = Vec::new();
        let action = action(self.kind, &cells, &mut bad);
        let part = if self.kind == Kind::Count { part(first, &mut bad) } else { DayPart::Unspecified };
        let when = first.columns.place(Field::Date).and_then(|_| {
            let when = self.format.when(&first.cell(Field::Date), &first.cell(Field::Time), self.zone);
            when.map(|when| if when.event_time.is_none() { When { day_part: part.into(), ..when } } else { when })
                .map_err(|reason| bad.push(first.bad(Field::Date, reason)))
                .ok()
        });
        let document = first.text(Field::Document);
        let document = (!document.is_empty())
            .then(|| facts::document(&document).map_err(|reason| bad.push(first.bad(Field::Document, reason))));
        let (Some(action), true) = (action, bad.is_empty()) else { return Err(bad) };
        let header = CommandHeader {
            command_id: String::new(),
            when,
            actor: self.actor.to_owned(),
            device: self.device.to_owned(),
            client: CLIENT.to_owned(),
            on_conflict: if self.already_happened { OnConflict::Record } else { OnConflict::Unspecified }.into(),
            note: first.text(Field::Note),
            document: document.and_then(Result::ok),
            at_least: String::new(),
        };
        let command = Command { header: Some(header), action: Some(action) };
        let command_id = self.id(first, &command);
        let header = command.header.map(|header| CommandHeader { command_id, ..header });
        Ok(Command { header, ..command })
    }

    /// The row's own id where it has one; else derived from all that the command says, and how often that was said before.
    fn id(&mut self, first: &Cells<'_>, command: &Command) -> String {
        let own = if self.kind == Kind::Void { String::new() } else { first.text(Field::Id) };
        if let Ok(id) = Uuid::parse_str(&own) {
            return id.to_string();
        }
        let mut said = self.organization.as_bytes().to_vec();
        said.push(0);
        if own.is_empty() {
            // Who brings the file, and from where, is no part of what it says.
            let header =
                command.header.clone().map(|header| CommandHeader { actor: String::new(), device: String::new(), ..header });
            said.extend_from_slice(&wire::command::digest(&Command { header, action: command.action.clone() }).0);
        } else {
            said.extend_from_slice(own.as_bytes());
            return Uuid::new_v5(&NAMESPACE, &said).to_string();
        }
        let content = Uuid::new_v5(&NAMESPACE, &said);
        let times = self.seen.entry(*content.as_bytes()).or_insert(0);
        *times += 1;
        match times {
            1 => content.to_string(),
            times => Uuid::new_v5(&content, &times.to_be_bytes()).to_string(),
        }
    }
}

/// A row's cells by what they are.
pub struct Cells<'a> {
    row: &'a Row,
    columns: &'a Columns,
    pub(super) format: Format,
}

impl Cells<'_> {
    pub(super) fn cell(&self, field: Field) -> Cell {
        self.columns.place(field).and_then(|place| self.row.cells.get(place)).cloned().unwrap_or(Cell::Empty)
    }

    pub(super) fn text(&self, field: Field) -> String {
        self.cell(field).text().trim().to_owned()
    }

    /// What is wrong with a cell.
    pub fn bad(&self, field: Field, reason: impl Into<String>) -> Bad {
        Bad { row: self.row.number, column: self.columns.header(field), value: self.text(field), reason: reason.into() }
    }

    pub(super) fn needed(&self, field: Field, bad: &mut Vec<Bad>) -> String {
        let text = self.text(field);
        if text.is_empty() {
            bad.push(self.bad(field, "is empty; it has to be said"));
        }
        if let Cell::Failed(error) = self.cell(field) {
            bad.push(self.bad(field, format!("the formula failed: {error}")));
        }
        text
    }

    pub(super) fn quantity_of(&self, field: Field, may_be_zero: bool, bad: &mut Vec<Bad>) -> Option<Quantity> {
        let unit = self.text(Field::Unit);
        let unit = if unit.is_empty() { self.columns.unit(field).unwrap_or_default().to_owned() } else { unit };
        let quantity = self.format.quantity(&self.cell(field), &unit, may_be_zero);
        let quantity = quantity.map_err(|reason| bad.push(self.bad(field, reason))).ok()?;
        let catch = self.cell(Field::Catch);
        if catch.is_empty() || field != Field::Quantity {
            return Some(quantity);
        }
        let unit = self.columns.unit(Field::Catch).unwrap_or(if fold_is(&quantity.unit, &["kg", "kgm"]) { "con" } else { "kg" });
        let catch = self.format.quantity(&catch, unit, false).map_err(|reason| bad.push(self.bad(Field::Catch, reason))).ok()?;
        Some(Quantity { catch_value_milli: Some(catch.value_milli), catch_unit: catch.unit, ..quantity })
    }

    fn lot(&self, bad: &mut Vec<Bad>) -> Option<LotReference> {
        let code = self.needed(Field::Lot, bad);
        let mut lot = typed::lot(&code)
            .map_err(|reason| {
                if !code.is_empty() {
                    bad.push(self.bad(Field::Lot, reason))
                }
            })
            .ok()?;
        if lot.lot_id.is_empty() {
            let or = |given: String, column: Field| if given.is_empty() { self.text(column) } else { given };
            (lot.product, lot.issuer) = (or(lot.product, Field::Product), or(lot.issuer, Field::Issuer));
        }
        Some(lot)
    }

    fn line(&self, may_be_zero: bool, bad: &mut Vec<Bad>) -> Option<LotLine> {
        let (lot, quantity) = (self.lot(bad), self.quantity_of(Field::Quantity, may_be_zero, bad));
        Some(LotLine { lot: Some(lot?), quantity: Some(quantity?) })
    }

    fn new_lot(&self, product: Field, lot: Field, bad: &mut Vec<Bad>) -> NewLot {
        let expiry = self.cell(Field::Expiry);
        let expiry = if expiry.is_empty() { None } else { Some(self.format.date(&expiry)) };
        let expiry = expiry.map(|read| read.map_err(|reason| bad.push(self.bad(Field::Expiry, reason))));
        NewLot {
            issuer: self.text(Field::Issuer),
            product: self.needed(product, bad),
            lot_code: self.needed(lot, bad),
            chain: self.text(Field::Chain),
            expiry_date: expiry.and_then(Result::ok).map(|date| date.to_string()).unwrap_or_default(),
        }
    }

    fn shipment(&self, bad: &mut Vec<Bad>) -> Option<ShipmentReference> {
        let code = self.needed(Field::Shipment, bad);
        let mut shipment = typed::shipment(&code)
            .map_err(|reason| {
                if !code.is_empty() {
                    bad.push(self.bad(Field::Shipment, reason))
                }
            })
            .ok()?;
        if shipment.shipment_id.is_empty() && shipment.issuer.is_empty() {
            shipment.issuer = self.text(Field::Sender);
        }
        Some(shipment)
    }

    /// A word of a closed list, in English or as `vietnamese` says it.
    pub(super) fn word<W: clap::ValueEnum>(&self, field: Field, vietnamese: &[(&str, &str)], bad: &mut Vec<Bad>) -> Option<W> {
        let given = self.needed(field, bad);
        if given.is_empty() {
            return None;
        }
        let folded = domain::text::fold(&given);
        let english = vietnamese.iter().find(|(word, _)| domain::text::fold(word) == folded).map(|(_, english)| *english);
        let word = W::from_str(english.unwrap_or(&folded.replace([' ', '_'], "-")), true);
        word.map_err(|_| {
            let english = W::value_variants().iter().filter_map(|word| Some(word.to_possible_value()?.get_name().to_owned()));
            let known: Vec<String> = english.chain(vietnamese.iter().map(|(word, _)| (*word).to_owned())).collect();
            bad.push(self.bad(field, format!("is none of {}", known.join(", "))));
        })
        .ok()
    }
}

fn fold_is(text: &str, words: &[&str]) -> bool {
    words.contains(&domain::text::fold(text).as_str())
}

/// Where in its day a count lies.
fn part(row: &Cells<'_>, bad: &mut Vec<Bad>) -> DayPart {
    match domain::text::fold(&row.text(Field::Part)).as_str() {
        "" => DayPart::Unspecified,
        "truoc mo cua" | "dau ngay" | "before opening" => DayPart::BeforeOpening,
        "sau dong cua" | "cuoi ngay" | "after closing" => DayPart::AfterClosing,
        _ => {
            bad.push(row.bad(Field::Part, "is none of trước mở cửa, sau đóng cửa, before opening, after closing"));
            DayPart::Unspecified
        }
    }
}

fn action(kind: Kind, rows: &[Cells<'_>], bad: &mut Vec<Bad>) -> Option<Action> {
    let first = rows.first()?;
    let lines =
        |may_be_zero, bad: &mut Vec<Bad>| -> Vec<LotLine> { rows.iter().filter_map(|row| row.line(may_be_zero, bad)).collect() };
    // A slip without lots speaks of everything that is on its way.
    let everything = rows.iter().all(|row| row.text(Field::Lot).is_empty());
    let some_lines = |bad: &mut Vec<Bad>| if everything { Vec::new() } else { lines(false, bad) };
    Some(match kind {
        Kind::Harvest => {
            let lot = first.new_lot(Field::Product, Field::Lot, bad);
            let (site, quantity) = (first.needed(Field::Site, bad), first.quantity_of(Field::Quantity, false, bad));
            let household = first.text(Field::Household);
            let households = (!household.is_empty()).then_some(harvest::Household { household_ref: household, quantity: None });
            let plot = first.text(Field::Plot);
            Action::Harvest(Harvest { site, lot: Some(lot), quantity, plot, households: households.into_iter().collect() })
        }
        Kind::Open => Action::OpenLot(OpenLot {
            site: first.needed(Field::Site, bad),
            lot: Some(first.new_lot(Field::Product, Field::Lot, bad)),
            quantity: first.quantity_of(Field::Quantity, false, bad),
        }),
        Kind::Transform => {
            let process = match first.text(Field::Process).as_str() {
                "" => Some(ProcessWord(event::Process::Packing)),
                _ => first.word::<ProcessWord>(Field::Process, PROCESSES, bad),
            };
            let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
            for row in rows {
                // A batch of several lots may leave cells of the shorter side empty.
                if !row.text(Field::Lot).is_empty() || rows.len() == 1 {
                    inputs.extend(row.line(false, bad));
                }
                if !row.text(Field::OutLot).is_empty() || rows.len() == 1 {
                    let lot = row.new_lot(Field::OutProduct, Field::OutLot, bad);
                    let quantity = row.quantity_of(Field::OutQuantity, false, bad);
                    outputs.push(transform::Output { lot: Some(lot), quantity });
                }
            }
            let loss = first.text(Field::LossGram);
            let loss_gram = (!loss.is_empty()).then(|| {
                loss.replace([' ', '.', ','], "")
                    .parse::<i64>()
                    .map_err(|_| bad.push(first.bad(Field::LossGram, "is no whole number of grams")))
            });
            let (site, loss_gram) = (first.needed(Field::Site, bad), loss_gram.and_then(Result::ok));
            Action::Transform(Transform { site, process: process?.number(), inputs, outputs, loss_gram })
        }
        Kind::Dispatch => Action::Dispatch(Dispatch {
            from_site: first.needed(Field::From, bad),
            to_site: first.needed(Field::To, bad),
            shipment_code: first.text(Field::Shipment),
            lines: lines(false, bad),
            order: order(first, bad),
            trip_id: first.text(Field::Trip),
            sscc: first.text(Field::Sscc),
            consignment: false,
        }),
        Kind::Receive => {
            let (shipment, lines) = (first.shipment(bad)?, some_lines(bad));
            Action::Receive(Receive { shipment: Some(shipment), site: first.text(Field::Site), lines, everything })
        }
        Kind::Refuse => {
            let (shipment, lines) = (first.shipment(bad)?, some_lines(bad));
            let reason = first.word::<Refusal>(Field::Reason, REFUSALS, bad)?.number();
            Action::RefuseDelivery(RefuseDelivery { shipment: Some(shipment), lines, everything, reason, destroyed: false })
        }
        Kind::Short => {
            let (shipment, lines) = (first.shipment(bad)?, some_lines(bad));
            Action::ReportShort(ReportShort { shipment: Some(shipment), lines, everything })
        }
        Kind::Cancel => {
            let (shipment, lines) = (first.shipment(bad)?, some_lines(bad));
            let reason = first.text(Field::Reason);
            Action::CancelShipment(CancelShipment { shipment: Some(shipment), lines, everything, reason })
        }
        Kind::Sell if first.text(Field::Lot).is_empty() => Action::Sell(Sell {
            site: first.needed(Field::Site, bad),
            lines: Vec::new(),
            product: first.needed(Field::Product, bad),
            quantity: first.quantity_of(Field::Quantity, false, bad),
        }),
        Kind::Sell => Action::Sell(Sell { site: first.needed(Field::Site, bad), lines: lines(false, bad), ..Sell::default() }),
        Kind::Count if first.text(Field::Lot).is_empty() => Action::Count(record::Count {
            site: first.needed(Field::Site, bad),
            lines: Vec::new(),
            product: first.needed(Field::Product, bad),
            quantity: first.quantity_of(Field::Quantity, true, bad),
        }),
        Kind::Count => Action::Count(record::Count {
            site: first.needed(Field::Site, bad),
            lines: lines(true, bad),
            ..record::Count::default()
        }),
        Kind::Waste => {
            let (site, lines) = (first.needed(Field::Site, bad), lines(false, bad));
            Action::Waste(Waste { site, lines, reason: first.word::<WasteWord>(Field::Reason, WASTES, bad)?.number() })
        }
        Kind::TakeBack => {
            let (site, lines) = (first.needed(Field::Site, bad), lines(false, bad));
            let reason = first.word::<ReturnWord>(Field::Reason, RETURNS, bad)?.number();
            Action::CustomerReturn(CustomerReturn { site, lines, reason })
        }
        Kind::Hold => {
            let lots = first.lot(bad).into_iter().collect();
            Action::Hold(Hold { lots, site: first.text(Field::Site), reason: first.needed(Field::Reason, bad) })
        }
        Kind::Recall => Action::Recall(Recall {
            lots: first.lot(bad).into_iter().collect(),
            form: RecallWord(event::RecallForm::Compulsory).number(),
            reason: first.needed(Field::Reason, bad),
            decision_number: first.text(Field::Reference),
            acknowledge_by_time: None,
        }),
        Kind::Pack => {
            let (site, sscc, lines) = (first.needed(Field::Site, bad), first.needed(Field::Sscc, bad), lines(false, bad));
            Action::Pack(Pack { site, sscc, lines, unit_ssccs: Vec::new() })
        }
        Kind::Unpack => {
            let (site, sscc, lines) = (first.needed(Field::Site, bad), first.needed(Field::Sscc, bad), some_lines(bad));
            Action::Unpack(Unpack { site, sscc, lines, unit_ssccs: Vec::new(), everything })
        }
        Kind::Observe => {
            let kind = first.word::<ObservationWord>(Field::Kind, OBSERVATIONS, bad)?;
            let finding = match first.text(Field::Finding).as_str() {
                "" => 0,
                _ => first.word::<FindingWord>(Field::Finding, FINDINGS, bad)?.number(),
            };
            let celsius = first.text(Field::Celsius);
            let temperature = (!celsius.is_empty())
                .then(|| typed::celsius(&celsius).map_err(|reason| bad.push(first.bad(Field::Celsius, reason))))
                .and_then(Result::ok);
            let waiting_days = first.text(Field::WaitingDays);
            let treatment = (!waiting_days.is_empty())
                .then(|| {
                    let days = waiting_days.parse::<u16>();
                    days.map_err(|_| bad.push(first.bad(Field::WaitingDays, "is no whole number of days".to_owned())))
                })
                .and_then(Result::ok)
                .map(|days| event::Treatment { plot: first.text(Field::Plot), waiting_days: days.into() });
            Action::Observe(Observe {
                site: first.text(Field::Site),
                shipment: if first.text(Field::Shipment).is_empty() { None } else { first.shipment(bad) },
                sscc: first.text(Field::Sscc),
                lots: if first.text(Field::Lot).is_empty() { Vec::new() } else { first.lot(bad).into_iter().collect() },
                kind: kind.number(),
                what: first.text(Field::What),
                reference: first.text(Field::Reference),
                finding,
                temperature: temperature
                    .map(|milli_celsius| event::Temperature { milli_celsius, ..event::Temperature::default() }),
                treatment,
            })
        }
        Kind::Orders => {
            let line = |row: &Cells<'_>, bad: &mut Vec<Bad>| OrderLine {
                product: row.needed(Field::Product, bad),
                quantity: row.quantity_of(Field::Quantity, false, bad),
            };
            let due = first.format.date(&first.cell(Field::Due));
            Action::PlaceOrder(PlaceOrder {
                site: first.needed(Field::Site, bad),
                order_code: first.text(Field::Order),
                chain: first.needed(Field::Chain, bad),
                due_date: due.map_err(|reason| bad.push(first.bad(Field::Due, reason))).ok()?.to_string(),
                lines: rows.iter().map(|row| line(row, bad)).collect(),
            })
        }
        Kind::Codes => {
            let lot = if first.text(Field::Lot).is_empty() { None } else { first.lot(bad) };
            Action::IssueCode(IssueCode { product: first.needed(Field::Product, bad), lot })
        }
        Kind::CodeRevocations => {
            let (code, reason) = (first.needed(Field::Code, bad), first.needed(Field::Reason, bad));
            Action::RevokeCode(RevokeCode { code, reason })
        }
        Kind::CodeScans => {
            let scans = first.needed(Field::Scans, bad);
            let counted = scans.parse();
            let scan_count = counted.map_err(|_| bad.push(first.bad(Field::Scans, "is no whole number".to_owned()))).ok()?;
            let (code, district) = (first.needed(Field::Code, bad), first.text(Field::District));
            Action::CountScans(CountScans { scans: vec![ScanCount { code, district, scan_count }] })
        }
        Kind::Void => {
            Action::Void(record::Void { command_id: first.needed(Field::Id, bad), reason: first.needed(Field::Reason, bad) })
        }
        Kind::Organizations
        | Kind::Sites
        | Kind::Products
        | Kind::Chains
        | Kind::Members
        | Kind::Capacities
        | Kind::Districts
        | Kind::DistrictSuccessions
        | Kind::Certificates
        | Kind::CertificateStandings
        | Kind::OcopProducts
        | Kind::OcopGrades
        | Kind::SiteStandings
        | Kind::CraftVillages
        | Kind::Targets
        | Kind::Trademarks
        | Kind::Labels => Action::Register(Register { fact: Some(registry::fact(kind, first, bad)?) }),
    })
}

/// The order that a shipment serves, where the row names one: by its buyer and code in two columns, or in one.
fn order(row: &Cells<'_>, bad: &mut Vec<Bad>) -> Option<OrderReference> {
    let (buyer, order_code) = (row.text(Field::Buyer), row.text(Field::Order));
    match (order_code.is_empty(), buyer.is_empty()) {
        (true, _) => None,
        (false, true) => {
            crate::client::order::reference(&order_code).map_err(|reason| bad.push(row.bad(Field::Order, reason))).ok()
        }
        (false, false) => Some(OrderReference { buyer, order_code, ..OrderReference::default() }),
    }
}

/// The cell that a refusal is about: its row among those of the command, and its field.
pub fn at_fault(path: &str) -> (usize, Option<Field>) {
    let index =
        path.split_once('[').and_then(|(_, rest)| rest.split_once(']')).and_then(|(index, _)| index.parse().ok()).unwrap_or(0);
    let is_output = path.contains("outputs");
    let field = path.rsplit('.').map(|part| part.split('[').next().unwrap_or(part)).find_map(|part| {
        Some(match part {
            "product" if is_output => Field::OutProduct,
            "product" => Field::Product,
            "lot" | "lot_code" | "lots" if is_output => Field::OutLot,
            "lot" | "lot_code" | "lots" => Field::Lot,
            "issuer" if path.starts_with("register.") => Field::IssuedBy,
            "issuer" => Field::Issuer,
            "chain" | "chain_code" => Field::Chain,
            "quantity" | "unit" | "value_milli" if is_output => Field::OutQuantity,
            "quantity" | "unit" | "value_milli" => Field::Quantity,
            "catch" => Field::Catch,
            "expiry_date" => Field::Expiry,
            "site" | "site_code" => Field::Site,
            "from_site" => Field::From,
            "to_site" => Field::To,
            "shipment" | "shipment_code" => Field::Shipment,
            "code" => Field::Code,
            "scan_count" => Field::Scans,
            "district" => Field::District,
            "order" | "order_code" => Field::Order,
            "due_date" => Field::Due,
            "sscc" => Field::Sscc,
            "when" | "event_time" | "date" | "day_part" => Field::Date,
            "reason" => Field::Reason,
            "households" | "household_ref" => Field::Household,
            "organization_code" | "lead_organization_code" => Field::Organization,
            "district_code" => Field::District,
            "gln" => Field::Gln,
            "name" => Field::Name,
            "holder_code" | "subject_code" => Field::Organization,
            "product_codes" | "product_code" => Field::Product,
            "site_codes" => Field::Site,
            "number" => Field::Number,
            "until_day" => Field::Until,
            "due_day" => Field::Due,
            "value" => Field::Target,
            "measure" => Field::Measure,
            "level" => Field::Level,
            "dossier_number" => Field::Dossier,
            "community_hundredths" => Field::Community,
            "marketing_hundredths" => Field::Marketing,
            "quality_hundredths" => Field::Quality,
            "decision_number" | "source" => Field::Decision,
            "to_district_code" => Field::ToDistrict,
            "from_district_code" => Field::District,
            "share_basis_points" => Field::Share,
            "trade" => Field::Trade,
            "case_number" => Field::Number,
            "mark" => Field::Mark,
            "series" => Field::Series,
            "first" => Field::First,
            "last" => Field::Last,
            "step" | "fate" => Field::Standing,
            "standing" => Field::Standing,
            _ => return None,
        })
    });
    (index, field)
}
