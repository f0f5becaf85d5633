//! Shipments and their lines in memory, as they become when the journal is read from its beginning; written once, at the end.

use super::fold::{Changes, Dispatch, LineChange, ShipmentChange, below_nothing};
use crate::Error;
use crate::copy::Rows;
use crate::database::big;
use crate::load::{Obstacle, Piece, fits, pieces, sorted};
use domain::id::{LotId, ShipmentId};
use std::collections::HashMap;

/// The tables of this view.
#[derive(Default)]
pub struct Tables {
    shipments: HashMap<ShipmentId, ShipmentChange>,
    lines: HashMap<(ShipmentId, LotId), LineChange>,
}

impl Tables {
    /// Whether what a batch changes can be taken.
    pub fn check(&self, changes: &Changes) -> Result<(), Obstacle> {
        for (key, sum) in changes.open.iter() {
            let (shipment, lot) = key;
            let line = self.lines.get(key).copied().unwrap_or_default();
            if line.open() + sum.low < 0 {
                return Err(Obstacle::Refused(below_nothing(*shipment, *lot, fits(line.open() + sum.low)?)));
            }
            for figure in line.plus(changes.lines.get(key).copied().unwrap_or_default()).figures() {
                if fits(figure)? < 0 {
                    return Err(Obstacle::Unclear); // The table's own checks say it.
                }
            }
        }
        Ok(())
    }

    /// Takes what a batch changes, which was checked.
    pub fn apply(&mut self, changes: Changes) {
        for (id, change) in changes.shipments {
            match self.shipments.get_mut(&id) {
                None => {
                    self.shipments.insert(id, change);
                }
                Some(known) => {
                    known.dispatches += change.dispatches;
                    if change.arrived.is_some() {
                        known.arrived = change.arrived;
                    }
                    if change.dispatch.is_some() {
                        (known.name, known.dispatch) = (change.name, change.dispatch);
                    }
                }
            }
        }
        for (key, change) in changes.lines {
            let line = self.lines.entry(key).or_default();
            *line = line.plus(change);
        }
    }

    /// The rows of each table.
    pub fn rows(&self) -> impl Iterator<Item = Result<Piece, Error>> {
        let into = "shipments (shipment_id, sequence, ordinal, issuer_code, shipment_code, from_site_code, to_site_code, trip_id, \
                    sscc, dispatch_time, dispatch_day, command_id, arrived_site_code, return_of_shipment_id, dispatches, \
                    is_consignment)";
        let shipments = pieces(into, 16, sorted(&self.shipments), |rows, (id, change)| {
            let ShipmentChange { first, name, dispatch, dispatches, arrived } = change;
            rows.uuid(id.0).big(first.sequence).int(first.ordinal);
            rows.maybe(name.as_ref(), |rows, (issuer, _)| rows.text(issuer));
            rows.maybe(name.as_ref(), |rows, (_, code)| rows.text(code));
            let dispatch = || dispatch.as_ref();
            rows.maybe(dispatch(), |rows, Dispatch { from, .. }| rows.text(from.as_str()));
            rows.maybe(dispatch(), |rows, Dispatch { to, .. }| rows.text(to.as_str()));
            rows.maybe(dispatch().and_then(|it| it.trip.as_deref()), Rows::text);
            rows.maybe(dispatch().and_then(|it| it.sscc.as_deref()), Rows::text);
            rows.maybe(dispatch(), |rows, it| rows.instant(it.time)).maybe(dispatch(), |rows, it| rows.int(it.day.0));
            rows.maybe(dispatch(), |rows, it| rows.uuid(it.command));
            rows.maybe(arrived.as_ref(), |rows, site| rows.text(site.as_str()));
            rows.maybe(dispatch().and_then(|it| it.return_of), |rows, back| rows.uuid(back.0)).int(*dispatches);
            rows.flag(dispatch().is_some_and(|it| it.is_consignment));
            Ok(())
        });
        let into = "shipment_lines (shipment_id, lot_id, sent_milli, received_milli, refused_milli, short_milli, unmatched_milli, \
                    matched_milli, cancelled_milli)";
        let lines = pieces(into, 9, sorted(&self.lines), |rows, ((shipment, lot), line)| {
            rows.uuid(shipment.0).uuid(lot.0).big(big(line.sent)?).big(big(line.received)?).big(big(line.refused)?);
            rows.big(big(line.short)?).big(big(line.unmatched)?).big(big(line.matched)?).big(big(line.cancelled)?);
            Ok(())
        });
        shipments.chain(lines)
    }
}

impl LineChange {
    fn figures(self) -> [i128; 7] {
        [self.sent, self.received, self.refused, self.short, self.unmatched, self.matched, self.cancelled]
    }

    fn open(self) -> i128 {
        self.sent - self.received - self.refused - self.short - self.matched - self.cancelled
    }

    fn plus(self, other: LineChange) -> LineChange {
        LineChange {
            sent: self.sent + other.sent,
            received: self.received + other.received,
            refused: self.refused + other.refused,
            short: self.short + other.short,
            unmatched: self.unmatched + other.unmatched,
            matched: self.matched + other.matched,
            cancelled: self.cancelled + other.cancelled,
        }
    }
}
