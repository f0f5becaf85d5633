//! Holds, recalls, discrepancies, logistic units: rows that are appended as events come, and never change.

use crate::fold::At;
use domain::entry::RecordedCommand;
use domain::event::{Discrepancy, Event, Fact, Packed, RecallForm};
use domain::id::{CommandRef, LotId, ShipmentId, SiteCode};
use jiff::Timestamp;

/// What a batch appends.
#[derive(Debug, Default)]
pub struct Changes {
    /// Lots that an event speaks of without moving them.
    pub event_lots: Vec<(At, LotId)>,
    /// Holds and recalls.
    pub blocks: Vec<Block>,
    /// Releases: what was released, of which lots (none for all), by which event.
    pub releases: Vec<(CommandRef, Option<LotId>, At)>,
    /// Acknowledgements: of which recall, where, by which event.
    pub acknowledgements: Vec<(CommandRef, SiteCode, At)>,
    /// Discrepancies.
    pub discrepancies: Vec<Noted>,
    /// What came of them: of which command, by which event, in words.
    pub resolutions: Vec<(CommandRef, At, String)>,
    /// What went into logistic units and came out.
    pub packings: Vec<Packing>,
}

/// A hold or recall.
#[derive(Debug)]
pub struct Block {
    /// Where it stands.
    pub at: At,
    /// The command that said it.
    pub by: CommandRef,
    /// Whether it is a recall.
    pub is_recall: bool,
    /// Where alone it holds.
    pub site: Option<SiteCode>,
    /// Why.
    pub reason: String,
    /// As in `chuoi.event.v1.RecallForm`; 0 for a hold.
    pub form: i16,
    /// Number of the decision.
    pub decision: String,
    /// Until when sites have to acknowledge.
    pub acknowledge_by: Option<Timestamp>,
    /// Lots that it names.
    pub lots: Vec<LotId>,
}

/// A discrepancy.
#[derive(Debug)]
pub struct Noted {
    /// Where its event stands.
    pub at: At,
    /// What it is.
    pub kind: Discrepancy,
    /// The command that recorded it.
    pub by: CommandRef,
    /// Where.
    pub site: Option<SiteCode>,
    /// Of which shipment.
    pub shipment: Option<ShipmentId>,
    /// On which business day.
    pub day: i32,
}

/// Something went into a logistic unit or came out.
#[derive(Debug)]
pub struct Packing {
    /// Where its event stands.
    pub at: At,
    /// Its place among the event's.
    pub line: i32,
    /// The unit.
    pub sscc: String,
    /// Where.
    pub site: SiteCode,
    /// 1 in, -1 out.
    pub direction: i16,
    /// A lot with its quantity, or else a unit.
    pub what: Result<(LotId, i64), String>,
}

impl Changes {
    /// Takes an event that is none of the registry's.
    pub fn fold(
        &mut self,
        at: At,
        command: &RecordedCommand,
        event: &Event,
        site: Option<&SiteCode>,
        shipment: Option<ShipmentId>,
    ) {
        let by = || CommandRef { organization: command.organization.clone(), command: command.id };
        if let Some(kind) = Discrepancy::of(event) {
            let (site, day) = (site.cloned(), event.time.business_day.0);
            self.discrepancies.push(Noted { at, kind, by: by(), site, shipment, day });
        }
        match &event.fact {
            Fact::Held(held) => {
                self.speaks_of(at, &held.lots);
                self.blocks.push(Block {
                    at,
                    by: by(),
                    is_recall: false,
                    site: held.site.clone(),
                    reason: held.reason.to_string(),
                    form: 0,
                    decision: String::new(),
                    acknowledge_by: None,
                    lots: held.lots.clone(),
                });
            }
            Fact::Recalled(recalled) => {
                self.speaks_of(at, &recalled.lots);
                self.blocks.push(Block {
                    at,
                    by: by(),
                    is_recall: true,
                    site: None,
                    reason: recalled.reason.to_string(),
                    form: match recalled.form {
                        RecallForm::Voluntary => 1,
                        RecallForm::Compulsory => 2,
                    },
                    decision: recalled.decision.as_deref().unwrap_or_default().to_owned(),
                    acknowledge_by: recalled.acknowledge_by,
                    lots: recalled.lots.clone(),
                });
            }
            Fact::Released(released) => {
                self.speaks_of(at, &released.lots);
                if released.lots.is_empty() {
                    self.releases.push((released.block.clone(), None, at));
                }
                for lot in &released.lots {
                    self.releases.push((released.block.clone(), Some(*lot), at));
                }
            }
            Fact::RecallAcknowledged(acknowledged) => {
                self.acknowledgements.push((acknowledged.recall.clone(), acknowledged.site.clone(), at));
            }
            Fact::Packed(packed) => self.packed(at, packed, 1),
            Fact::Unpacked(unpacked) => self.packed(at, unpacked, -1),
            Fact::Observed(observed) => self.speaks_of(at, &observed.lots),
            Fact::CodeIssued(issued) => self.speaks_of(at, issued.lot.as_slice()),
            Fact::NoticeGiven(notice) => self.speaks_of(at, notice.lot.as_slice()),
            Fact::DiscrepancyResolved(resolved) => {
                self.resolutions.push((resolved.command.clone(), at, resolved.resolution.to_string()));
            }
            _ => {}
        }
    }

    fn speaks_of(&mut self, at: At, lots: &[LotId]) {
        self.event_lots.extend(lots.iter().map(|lot| (at, *lot)));
    }

    fn packed(&mut self, at: At, packed: &Packed, direction: i16) {
        let mut lots: Vec<LotId> = packed.lines.iter().map(|line| line.lot).collect();
        lots.sort();
        lots.dedup();
        self.speaks_of(at, &lots);
        let lots = packed.lines.iter().map(|line| Ok((line.lot, line.amount.quantity.0)));
        let units = packed.units.iter().map(|unit| Err(unit.to_string()));
        for (what, line) in lots.chain(units).zip(0..) {
            let (sscc, site) = (packed.sscc.to_string(), packed.site.clone());
            self.packings.push(Packing { at, line, sscc, site, direction, what });
        }
    }
}
