//! Appends events, reversals, movements and counts. Nothing here is ever changed.

use super::fold::{Changes, precision};
use crate::Error;
use crate::copy::{Rows, send_all};
use deadpool_postgres::Transaction;
use domain::posting::Place;

/// Rows on their way into the tables of this view.
pub struct Appended {
    events: Rows,
    reversals: Rows,
    movements: Rows,
    counts: Rows,
}

/// Writes what a batch appends.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut appended = Appended::default();
    appended.add(changes);
    send_all(transaction, appended.into_tables()).await
}

impl Default for Appended {
    fn default() -> Appended {
        Appended { events: Rows::of(27), reversals: Rows::of(6), movements: Rows::of(23), counts: Rows::of(8) }
    }
}

impl Appended {
    /// Takes what a batch appends.
    pub fn add(&mut self, changes: &Changes) {
        self.add_events(changes);
        self.add_movements(changes);
        for reversal in &changes.reversals {
            self.reversals.row().text(&reversal.organization).uuid(reversal.command.0).flag(reversal.is_correction);
            self.reversals.big(reversal.at.sequence).int(reversal.at.ordinal).uuid(reversal.by.0);
        }
        for count in &changes.counts {
            let rows = self.counts.row().big(count.at.sequence).int(count.at.ordinal).int(count.line);
            rows.uuid(count.lot.0).small(count.basis).maybe(count.counted, Rows::big).big(count.expected).big(count.variance);
        }
    }

    fn add_events(&mut self, changes: &Changes) {
        let rows = &mut self.events;
        for event in &changes.events {
            rows.row().big(event.at.sequence).int(event.at.ordinal).uuid(event.id.0).text(event.kind).instant(event.time.instant);
            rows.int(event.time.utc_offset_minutes).small(precision(event.time.precision)).int(event.time.business_day.0);
            rows.text(event.time.typed.as_deref().unwrap_or("")).instant(event.record_time).text(&event.organization);
            rows.uuid(event.command.0).text(&event.actor).text(&event.device).text(&event.client).flag(event.reported_fact);
            rows.text(&event.note).maybe(event.document.as_ref(), Rows::json).maybe(event.violations.as_ref(), Rows::json);
            rows.maybe(event.site.as_ref(), |rows, site| rows.text(site.as_str()));
            rows.maybe(event.to_site.as_ref(), |rows, site| rows.text(site.as_str()));
            rows.maybe(event.shipment, |rows, shipment| rows.uuid(shipment.0)).maybe(event.process, Rows::small);
            rows.maybe(event.loss_gram, Rows::big)
                .maybe(event.reverses, |rows, command| rows.uuid(command.0))
                .text(&event.reason)
                .maybe(event.details.as_ref(), Rows::json);
        }
    }

    fn add_movements(&mut self, changes: &Changes) {
        let rows = &mut self.movements;
        for movement in &changes.movements {
            let posting = &movement.posting;
            rows.row().big(movement.at.sequence).int(movement.at.ordinal).int(movement.line).uuid(posting.lot.0);
            place(rows, &posting.from);
            place(rows, &posting.to);
            rows.big(posting.quantity.0).int(posting.day().0).flag(posting.reversal).maybe(movement.given.as_deref(), Rows::text);
            let ((from_rank, micros, step), (to_rank, ..)) = (movement.keys.0.parts(), movement.keys.1.parts());
            rows.small(from_rank).small(to_rank).big(micros).small(step);
            match &movement.passed {
                Some(passed) => {
                    rows.small(passed.stage as i16).small(passed.sign).text(passed.site.as_str());
                    rows.maybe(passed.to_site.as_ref(), |rows, site| rows.text(site.as_str()));
                    rows.maybe((passed.first != 0).then_some(passed.first), Rows::big);
                }
                None => {
                    rows.null().null().null().null().null();
                }
            }
        }
    }

    /// About how many bytes wait.
    pub fn bytes(&self) -> usize {
        self.events.bytes() + self.movements.bytes() + self.counts.bytes() + self.reversals.bytes()
    }

    /// The rows of each table, with the columns that they go into.
    pub fn into_tables(self) -> [(Rows, &'static str); 4] {
        [
            (
                self.events,
                "events (sequence, ordinal, event_id, kind, event_time, utc_offset_minutes, precision, business_day, typed_time, \
                 record_time, organization_code, command_id, actor, device, client, reported_fact, note, document, violations, \
                 site_code, to_site_code, shipment_id, process, loss_gram, reverses_command_id, reason, details)",
            ),
            (self.reversals, "reversals (organization_code, command_id, is_correction, sequence, ordinal, by_command_id)"),
            (
                self.movements,
                "movements (sequence, ordinal, line, lot_id, from_site_code, from_shipment_id, from_outside, to_site_code, \
                 to_shipment_id, to_outside, quantity_milli, business_day, is_reversal, given, from_rank, to_rank, moment_micros, \
                 step, stage, stage_sign, stage_site_code, stage_to_site_code, first_milli)",
            ),
            (self.counts, "counts (sequence, ordinal, line, lot_id, basis, counted_milli, expected_milli, variance_milli)"),
        ]
    }
}

fn place(rows: &mut Rows, place: &Place) {
    match place {
        Place::Site(site) => rows.text(site.as_str()).null().null(),
        Place::Shipment(shipment) => rows.null().uuid(shipment.0).null(),
        Place::Outside(reason) => rows.null().null().text(reason.as_str()),
    };
}
