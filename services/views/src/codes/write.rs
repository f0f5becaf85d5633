//! Appends codes. Nothing here is ever changed.

use super::fold::Changes;
use crate::Error;
use crate::copy::{Rows, send_all};
use deadpool_postgres::Transaction;

/// Rows on their way into the tables of this view.
pub struct Appended {
    codes: Rows,
    revocations: Rows,
    scans: Rows,
}

/// Writes what a batch appends.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut appended = Appended::default();
    appended.add(changes);
    send_all(transaction, appended.into_tables()).await
}

impl Default for Appended {
    fn default() -> Appended {
        Appended { codes: Rows::of(8), revocations: Rows::of(7), scans: Rows::of(9) }
    }
}

impl Appended {
    /// Takes what a batch appends.
    pub fn add(&mut self, changes: &Changes) {
        for (said, issued) in &changes.issued {
            let rows = self.codes.said(said).text(issued.code.as_str()).text(issued.product.as_str());
            rows.maybe(issued.lot, |rows, lot| rows.uuid(lot.0)).int(said.day.0);
        }
        for (said, revoked) in &changes.revoked {
            self.revocations.said(said).text(revoked.code.as_str()).int(said.day.0).text(&revoked.reason);
        }
        for (said, scanned) in &changes.scanned {
            for (scan, line) in scanned.scans.iter().zip(0..) {
                let rows = self.scans.said(said).int(line).text(scan.code.as_str());
                rows.text(scan.district.as_ref().map_or("", |code| code.as_str())).int(said.day.0).big(scan.count);
            }
        }
    }

    /// The rows of each table, with the columns that they go into.
    pub fn into_tables(self) -> [(Rows, &'static str); 3] {
        [
            (self.codes, "codes (sequence, ordinal, organization_code, command_id, code, product_code, lot_id, issued_day)"),
            (self.revocations, "code_revocations (sequence, ordinal, organization_code, command_id, code, revoked_day, reason)"),
            (
                self.scans,
                "code_scans (sequence, ordinal, organization_code, command_id, line, code, district_code, scanned_day, scan_count)",
            ),
        ]
    }
}
