//! Appends what keeps goods from moving on, and what somebody has to look at. Nothing here is ever changed.

use super::fold::Changes;
use crate::Error;
use crate::copy::{Rows, send_all};
use crate::fold::At;
use deadpool_postgres::Transaction;
use domain::id::CommandRef;

/// Rows on their way into the tables of this view.
pub struct Appended {
    event_lots: Rows,
    blocks: Rows,
    block_lots: Rows,
    releases: Rows,
    acknowledgements: Rows,
    discrepancies: Rows,
    resolutions: Rows,
    packings: Rows,
}

/// Writes what a batch appends.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut appended = Appended::default();
    appended.add(changes);
    send_all(transaction, appended.into_tables()).await
}

impl Default for Appended {
    fn default() -> Appended {
        Appended {
            event_lots: Rows::of(3),
            blocks: Rows::of(10),
            block_lots: Rows::of(3),
            releases: Rows::of(5),
            acknowledgements: Rows::of(5),
            discrepancies: Rows::of(8),
            resolutions: Rows::of(5),
            packings: Rows::of(9),
        }
    }
}

fn at(rows: &mut Rows, at: At) -> &mut Rows {
    rows.big(at.sequence).int(at.ordinal)
}

fn command<'r>(rows: &'r mut Rows, by: &CommandRef) -> &'r mut Rows {
    rows.text(by.organization.as_str()).uuid(by.command.0)
}

impl Appended {
    /// Takes what a batch appends.
    pub fn add(&mut self, changes: &Changes) {
        for (place, lot) in &changes.event_lots {
            at(self.event_lots.row(), *place).uuid(lot.0);
        }
        for block in &changes.blocks {
            let rows = at(command(self.blocks.row(), &block.by), block.at).flag(block.is_recall);
            rows.maybe(block.site.as_ref(), |rows, site| rows.text(site.as_str())).text(&block.reason).small(block.form);
            rows.text(&block.decision).maybe(block.acknowledge_by, Rows::instant);
            for lot in &block.lots {
                at(self.block_lots.row(), block.at).uuid(lot.0);
            }
        }
        for (block, lot, place) in &changes.releases {
            at(command(self.releases.row(), block).maybe(*lot, |rows, lot| rows.uuid(lot.0)), *place);
        }
        for (recall, site, place) in &changes.acknowledgements {
            at(command(self.acknowledgements.row(), recall).text(site.as_str()), *place);
        }
        for noted in &changes.discrepancies {
            let rows = command(at(self.discrepancies.row(), noted.at).text(noted.kind.as_str()), &noted.by);
            rows.maybe(noted.site.as_ref(), |rows, site| rows.text(site.as_str()));
            rows.maybe(noted.shipment, |rows, shipment| rows.uuid(shipment.0)).int(noted.day);
        }
        for (by, place, resolution) in &changes.resolutions {
            at(command(self.resolutions.row(), by), *place).text(resolution);
        }
        for packing in &changes.packings {
            let rows = at(self.packings.row(), packing.at).int(packing.line).text(&packing.sscc).text(packing.site.as_str());
            rows.small(packing.direction);
            match &packing.what {
                Ok((lot, quantity)) => rows.uuid(lot.0).big(*quantity).null(),
                Err(unit) => rows.null().null().text(unit),
            };
        }
    }

    /// The rows of each table, with the columns that they go into.
    pub fn into_tables(self) -> [(Rows, &'static str); 8] {
        [
            (self.event_lots, "event_lots (sequence, ordinal, lot_id)"),
            (
                self.blocks,
                "blocks (organization_code, command_id, sequence, ordinal, is_recall, site_code, reason, form, decision_number, \
                 acknowledge_by)",
            ),
            (self.block_lots, "block_lots (sequence, ordinal, lot_id)"),
            (self.releases, "releases (organization_code, command_id, lot_id, sequence, ordinal)"),
            (self.acknowledgements, "acknowledgements (organization_code, command_id, site_code, sequence, ordinal)"),
            (
                self.discrepancies,
                "discrepancies (sequence, ordinal, kind, organization_code, command_id, site_code, shipment_id, business_day)",
            ),
            (self.resolutions, "resolutions (organization_code, command_id, sequence, ordinal, resolution)"),
            (self.packings, "packings (sequence, ordinal, line, sscc, site_code, direction, lot_id, quantity_milli, unit_sscc)"),
        ]
    }
}
