//! Appends notices. Nothing here is ever changed.

use super::fold::Changes;
use crate::Error;
use crate::copy::Rows;
use deadpool_postgres::Transaction;

/// Rows on their way into the table of this view.
pub struct Appended(Rows);

/// Writes what a batch appends.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut appended = Appended::default();
    appended.add(changes);
    let (rows, into) = appended.into_table();
    rows.send(transaction, into).await
}

impl Default for Appended {
    fn default() -> Appended {
        Appended(Rows::of(18))
    }
}

impl Appended {
    /// Takes what a batch appends.
    pub fn add(&mut self, changes: &Changes) {
        for given in &changes.0 {
            let notice = &given.notice;
            let rows = self.0.row().big(given.at.sequence).int(given.at.ordinal).uuid(given.command.0).instant(given.record_time);
            let rows = rows.int(given.day.0).text(notice.kind.as_str()).text(&notice.key);
            let rows = rows.maybe(notice.lot, |rows, lot| rows.uuid(lot.0));
            let rows = rows.maybe(notice.product.as_ref(), |rows, code| rows.text(code.as_str()));
            let rows = rows.maybe(notice.site.as_ref(), |rows, code| rows.text(code.as_str()));
            let rows = rows.maybe(notice.chain.as_ref(), |rows, code| rows.text(code.as_str()));
            let rows = rows.maybe(notice.certificate.as_ref(), |rows, certificate| rows.text(certificate.kind.as_str()));
            let rows = rows.maybe(notice.certificate.as_ref(), |rows, certificate| rows.text(&certificate.number));
            let rows = rows.maybe(notice.organization.as_ref(), |rows, code| rows.text(code.as_str()));
            let rows = rows.maybe(notice.command, |rows, command| rows.uuid(command.0));
            let rows = rows.maybe(notice.day, |rows, day| rows.int(day.0)).maybe(notice.days, Rows::int);
            rows.maybe(notice.quantity, |rows, quantity| rows.big(quantity.0));
        }
    }

    /// The rows, with the columns that they go into.
    pub fn into_table(self) -> (Rows, &'static str) {
        (
            self.0,
            "notices (sequence, ordinal, command_id, record_time, given_day, kind, key, lot_id, product_code, site_code, chain_code, \
             certificate_kind, certificate_number, organization_code, about_command_id, about_day, days, quantity_milli)",
        )
    }
}
