//! What happened, event by event, as it is shown in a lot's history.

use crate::fold::{At, Part};
use crate::throughput::fold::{Stage, sites, stage};
use domain::entry::RecordedCommand;
use domain::event::{CountBasis, Event, Fact, Finding, ObservationKind, Process, RefusalReason, ReturnReason, TypedName};
use domain::id::{CommandId, EventId, LotId, ShipmentId, SiteCode};
use domain::posting::Posting;
use domain::state::ledger::LedgerKey;
use domain::time::{EventTime, Precision};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What a batch appends.
#[derive(Debug, Default)]
pub struct Changes {
    /// Events.
    pub events: Vec<EventRow>,
    /// Commands that were taken back.
    pub reversals: Vec<Reversal>,
    /// Movements, reversals with their places exchanged.
    pub movements: Vec<Movement>,
    /// Counted lines.
    pub counts: Vec<Count>,
}

/// An event.
#[derive(Debug, PartialEq)]
pub struct EventRow {
    /// Where it stands.
    pub at: At,
    /// Its id.
    pub id: EventId,
    /// What it was.
    pub kind: &'static str,
    /// When it happened.
    pub time: EventTime,
    /// When the journal took it.
    pub record_time: Timestamp,
    /// Whose command.
    pub organization: String,
    /// Which command.
    pub command: CommandId,
    /// Who acted.
    pub actor: String,
    /// With which device.
    pub device: String,
    /// With which program.
    pub client: String,
    /// Whether it was reported as having happened already.
    pub reported_fact: bool,
    /// Remark.
    pub note: String,
    /// Paper.
    pub document: Option<Value>,
    /// Rules that it broke.
    pub violations: Option<Value>,
    /// Where.
    pub site: Option<SiteCode>,
    /// For a dispatch where to.
    pub to_site: Option<SiteCode>,
    /// Shipment.
    pub shipment: Option<ShipmentId>,
    /// Kind of work.
    pub process: Option<i16>,
    /// Mass lost.
    pub loss_gram: Option<i64>,
    /// What a void or a correction takes back.
    pub reverses: Option<CommandId>,
    /// Why it does; or why a lot is held, released or recalled, or a shipment cancelled.
    pub reason: String,
    /// What else it says.
    pub details: Option<Value>,
}

/// A command that was taken back.
#[derive(Debug, PartialEq, Eq)]
pub struct Reversal {
    /// By which event.
    pub at: At,
    /// Whose.
    pub organization: String,
    /// Which.
    pub command: CommandId,
    /// Whether another stands in its place.
    pub is_correction: bool,
    /// By which command.
    pub by: CommandId,
}

/// A posting of an event.
#[derive(Debug, PartialEq, Eq)]
pub struct Movement {
    /// The event.
    pub at: At,
    /// Its place among the event's.
    pub line: i32,
    /// The posting.
    pub posting: Posting,
    /// How its quantity was given.
    pub given: Option<String>,
    /// Where it lies on the side that the goods leave, and on the side that they enter.
    pub keys: (LedgerKey, LedgerKey),
    /// The stage that it passes.
    pub passed: Option<Passed>,
}

/// What of a movement flowed where.
#[derive(Debug, PartialEq, Eq)]
pub struct Passed {
    /// The stage.
    pub stage: Stage,
    /// 1 where it adds to the stage, -1 where it takes from it.
    pub sign: i16,
    /// Where.
    pub site: SiteCode,
    /// For a dispatch where to.
    pub to_site: Option<SiteCode>,
    /// For a dispatch what had not been dispatched before, signed alike.
    pub first: i64,
}

/// A counted line.
#[derive(Debug, PartialEq, Eq)]
pub struct Count {
    /// The event.
    pub at: At,
    /// Its place among the event's.
    pub line: i32,
    /// The lot.
    pub lot: LotId,
    /// Why the book changes, as in `chuoi.event.v1.CountBasis`.
    pub basis: i16,
    /// What was counted, by a stocktake alone.
    pub counted: Option<i64>,
    /// What the book said.
    pub expected: i64,
    /// Counted less expected.
    pub variance: i64,
}

impl Changes {
    /// Takes an event that is none of the registry's.
    pub fn fold(
        &mut self,
        at: At,
        record_time: Timestamp,
        command: &RecordedCommand,
        id: EventId,
        event: &Event,
        parts: &[Part<'_>],
    ) {
        let places = places(&event.fact);
        let (process, loss_gram) = match &event.fact {
            Fact::Transformed(fact) => (Some(process(fact.process)), fact.loss_gram),
            _ => (None, None),
        };
        let voided = match &event.fact {
            Fact::Voided(voided) | Fact::Corrected(voided) => Some(voided),
            _ => None,
        };
        self.events.push(EventRow {
            at,
            id,
            kind: event.fact.name(),
            time: event.time.clone(),
            record_time,
            organization: command.organization.to_string(),
            command: command.id,
            actor: command.actor.clone(),
            device: command.device.clone(),
            client: command.client.clone(),
            reported_fact: command.reported_fact,
            note: command.note.clone(),
            document: command.document.as_ref().map(|document| {
                json!({ "issuer": document.issuer, "kind": document.kind, "year": document.year, "number": document.number })
            }),
            violations: (!event.violations.is_empty()).then(|| {
                let violations = event.violations.iter();
                violations.map(|broken| json!({ "rule": broken.rule, "reason": broken.reason, "detail": broken.detail })).collect()
            }),
            site: places.site.cloned(),
            to_site: places.to_site.cloned(),
            shipment: places.shipment,
            process,
            loss_gram,
            reverses: voided.map(|voided| voided.command),
            reason: reason(&event.fact),
            details: with_names(details(&event.fact), &event.names),
        });
        if let Some(voided) = voided {
            self.reversals.push(Reversal {
                at,
                organization: command.organization.to_string(),
                command: voided.command,
                is_correction: matches!(event.fact, Fact::Corrected(_)),
                by: command.id,
            });
        }
        let moves = parts.iter().flat_map(|part| part.moves.iter().map(move |moved| (part, moved)));
        for ((part, moved), line) in moves.zip(0..) {
            let passed = sites(&part.event.fact).zip(stage(&part.event.fact, &moved.posting.from, &moved.posting.to));
            let passed = passed.map(|((site, to_site), (stage, sign))| {
                let sign = if part.is_reversal { -sign } else { sign };
                Passed { stage, sign, site: site.clone(), to_site: to_site.cloned(), first: moved.first.0 * i64::from(sign) }
            });
            let posting = if part.is_reversal { moved.posting.clone().reversed() } else { moved.posting.clone() };
            let key = |incoming| LedgerKey::of(&part.event.fact, &posting, incoming);
            let keys = (key(false), key(true));
            self.movements.push(Movement { at, line, posting, given: moved.given.map(str::to_owned), keys, passed });
        }
        if let Fact::Counted(fact) = &event.fact {
            for (counted, line) in fact.lines.iter().zip(0..) {
                self.counts.push(Count {
                    at,
                    line,
                    lot: counted.lot,
                    basis: basis(fact.basis),
                    counted: (fact.basis == CountBasis::Stocktake).then_some(counted.counted.quantity.0),
                    expected: counted.expected.0,
                    variance: counted.variance.0,
                });
            }
        }
    }
}

#[derive(Default)]
struct Places<'a> {
    site: Option<&'a SiteCode>,
    to_site: Option<&'a SiteCode>,
    shipment: Option<ShipmentId>,
}

fn places(fact: &Fact) -> Places<'_> {
    let at = |site| Places { site: Some(site), ..Places::default() };
    match fact {
        Fact::Harvested(fact) => at(&fact.site),
        Fact::LotOpened(fact) => at(&fact.site),
        Fact::Transformed(fact) => at(&fact.site),
        Fact::Dispatched(fact) => Places { site: Some(&fact.from), to_site: Some(&fact.to), shipment: Some(fact.shipment) },
        Fact::Received(fact) => Places { shipment: Some(fact.shipment), ..at(&fact.site) },
        Fact::DeliveryRefused(fact) => Places { shipment: Some(fact.shipment), ..at(&fact.site) },
        Fact::ShortReported(fact) => Places { shipment: Some(fact.shipment), ..at(&fact.site) },
        Fact::Sold(fact) => at(&fact.site),
        Fact::Wasted(fact) => at(&fact.site),
        Fact::Counted(fact) => at(&fact.site),
        Fact::CountRestated(fact) => at(&fact.site),
        Fact::Rebooked(fact) => Places { site: Some(&fact.from), to_site: Some(&fact.to), shipment: None },
        Fact::Matched(fact) => Places { shipment: Some(fact.shipment), ..Places::default() },
        Fact::Held(fact) => Places { site: fact.site.as_ref(), ..Places::default() },
        Fact::RecallAcknowledged(fact) => at(&fact.site),
        Fact::CustomerReturned(fact) => at(&fact.site),
        Fact::ShipmentCancelled(fact) => Places { shipment: Some(fact.shipment), ..at(&fact.site) },
        Fact::Ordered(fact) => at(&fact.site),
        Fact::OrderClosed(fact) => at(&fact.site),
        Fact::NoticeGiven(fact) => Places { site: fact.site.as_ref(), ..Places::default() },
        Fact::Packed(fact) | Fact::Unpacked(fact) => at(&fact.site),
        Fact::Observed(fact) => Places { site: fact.site.as_ref(), shipment: fact.shipment, ..Places::default() },
        Fact::Released(_)
        | Fact::Recalled(_)
        | Fact::DiscrepancyResolved(_)
        | Fact::CodeIssued(_)
        | Fact::CodeRevoked(_)
        | Fact::CodesScanned(_) => Places::default(),
        // Whose goods it takes back: whoever watches that shipment hears of it.
        Fact::Voided(voided) | Fact::Corrected(voided) => {
            let shipment = voided.originals.iter().find_map(|original| places(&original.fact).shipment);
            Places { shipment, ..Places::default() }
        }
        Fact::Registered(_) => Places::default(),
    }
}

/// Where an event happened, and the shipment that it was about.
pub(crate) fn where_it_was(event: &Event) -> (Option<&SiteCode>, Option<ShipmentId>) {
    let places = places(&event.fact);
    (places.site, places.shipment)
}

/// Why, in the words of whoever said it.
fn reason(fact: &Fact) -> String {
    match fact {
        Fact::Voided(voided) | Fact::Corrected(voided) => voided.reason.clone(),
        Fact::Held(held) => held.reason.to_string(),
        Fact::Released(released) => released.reason.to_string(),
        Fact::Recalled(recalled) => recalled.reason.to_string(),
        Fact::ShipmentCancelled(cancelled) => cancelled.reason.to_string(),
        Fact::DiscrepancyResolved(resolved) => resolved.resolution.to_string(),
        Fact::OrderClosed(closed) => closed.reason.to_string(),
        Fact::CodeRevoked(revoked) => revoked.reason.to_string(),
        _ => String::new(),
    }
}

/// What else an event says: numbers as in `chuoi.event.v1`.
fn details(fact: &Fact) -> Option<Value> {
    let command = |by: &domain::id::CommandRef| json!({ "organization": by.organization.as_str(), "command": by.command.0 });
    Some(match fact {
        Fact::Harvested(fact) if !fact.households.is_empty() || fact.plot.is_some() => {
            let households = fact.households.iter();
            let shares = households.map(|share| json!({ "household": share.household, "quantity_milli": share.quantity.0 }));
            let key = fact.plot.as_deref().map(plot_key);
            json!({ "plot": fact.plot, "plot_key": key, "households": shares.collect::<Vec<_>>() })
        }
        Fact::Released(released) => json!({ "of": command(&released.block) }),
        Fact::RecallAcknowledged(acknowledged) => json!({ "of": command(&acknowledged.recall) }),
        Fact::DiscrepancyResolved(resolved) => json!({ "of": command(&resolved.command) }),
        Fact::Recalled(recalled) => json!({ "decision_number": recalled.decision }),
        Fact::Packed(packed) | Fact::Unpacked(packed) => {
            json!({ "sscc": packed.sscc.as_str(), "units": packed.units.iter().map(|unit| unit.as_str()).collect::<Vec<_>>() })
        }
        Fact::Observed(observed) => {
            let temperature = observed.temperature.map(|temperature| {
                json!({ "milli_celsius": temperature.milli_celsius, "min_milli_celsius": temperature.min_milli_celsius,
                        "max_milli_celsius": temperature.max_milli_celsius })
            });
            let treatment = observed.treatment.as_ref();
            let treatment = treatment
                .map(|treatment| json!({ "plot_key": plot_key(&treatment.plot), "waiting_days": treatment.waiting_days }));
            json!({ "treatment": treatment, "kind": observation(observed.kind), "what": observed.what, "reference": observed.reference,
                    "finding": finding(observed.finding), "temperature": temperature,
                    "sscc": observed.sscc.as_ref().map(|sscc| sscc.as_str()) })
        }
        Fact::Dispatched(fact) if fact.is_consignment => json!({ "consignment": true }),
        Fact::DeliveryRefused(fact) => json!({ "reason": refusal(fact.reason) }),
        Fact::CustomerReturned(fact) => json!({ "reason": returned(fact.reason) }),
        _ => return None,
    })
}

/// The same with what people typed for things.
fn with_names(details: Option<Value>, names: &[TypedName]) -> Option<Value> {
    if names.is_empty() {
        return details;
    }
    let mut details = details.unwrap_or_else(|| json!({}));
    let names = names.iter().map(|name| json!({ "field": name.field, "typed": name.typed, "code": name.code }));
    details["names"] = names.collect();
    Some(details)
}

/// By what a plot is found: people write its letters in either case.
pub(crate) fn plot_key(plot: &str) -> String {
    domain::text::nfc(plot.trim()).to_lowercase()
}

/// As in `chuoi.event.v1.RefusalReason`.
fn refusal(reason: RefusalReason) -> i16 {
    match reason {
        RefusalReason::Unspecified => 0,
        RefusalReason::Quality => 1,
        RefusalReason::Temperature => 2,
        RefusalReason::Damaged => 3,
        RefusalReason::ShelfLife => 4,
        RefusalReason::WrongGoods => 5,
        RefusalReason::Documents => 6,
        RefusalReason::Late => 7,
        RefusalReason::Oversupply => 8,
    }
}

/// As in `chuoi.event.v1.ReturnReason`.
fn returned(reason: ReturnReason) -> i16 {
    match reason {
        ReturnReason::Unspecified => 0,
        ReturnReason::Quality => 1,
        ReturnReason::Damaged => 2,
        ReturnReason::Expired => 3,
        ReturnReason::Recalled => 4,
        ReturnReason::WrongGoods => 5,
    }
}

/// As in `chuoi.event.v1.ObservationKind`.
fn observation(kind: ObservationKind) -> i16 {
    match kind {
        ObservationKind::Temperature => 1,
        ObservationKind::Inspection => 2,
        ObservationKind::Sample => 3,
        ObservationKind::CertificateCheck => 4,
        ObservationKind::Other => 5,
        ObservationKind::Treatment => 6,
    }
}

/// As in `chuoi.event.v1.Finding`.
fn finding(finding: Finding) -> i16 {
    match finding {
        Finding::Unspecified => 0,
        Finding::Conformant => 1,
        Finding::NonConformant => 2,
    }
}

/// As in `chuoi.event.v1.Process`.
fn process(process: Process) -> i16 {
    match process {
        Process::Packing => 1,
        Process::Processing => 2,
        Process::Slaughter => 3,
        Process::Mixing => 4,
    }
}

/// As in `chuoi.event.v1.CountBasis`.
fn basis(basis: CountBasis) -> i16 {
    match basis {
        CountBasis::Stocktake => 1,
        CountBasis::Surplus => 2,
        CountBasis::Provisional => 3,
    }
}

/// As in `chuoi.event.v1.TimePrecision`.
pub fn precision(precision: Precision) -> i16 {
    match precision {
        Precision::Moment => 1,
        Precision::Day => 2,
        Precision::BeforeOpening => 3,
        Precision::AfterClosing => 4,
    }
}
