//! Writes shipments and their lines.

use super::fold::Changes;
use crate::Error;
use crate::copy::Rows;
use crate::database::{big, execute, refuse_any};
use deadpool_postgres::Transaction;

/// Temporary tables of the connection, empty at each transaction's beginning.
pub const STAGES: &str = "
    CREATE TEMP TABLE IF NOT EXISTS stage_shipments (
        shipment_id uuid, sequence bigint, ordinal integer, issuer_code text, shipment_code text, from_site_code text,
        to_site_code text, trip_id text, sscc text, dispatch_time timestamptz, dispatch_day integer, command_id uuid,
        return_of_shipment_id uuid, arrived_site_code text, dispatches integer, redispatched boolean
    ) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS stage_shipment_lines (
        shipment_id uuid, lot_id uuid, sent_milli bigint, received_milli bigint, refused_milli bigint, short_milli bigint,
        unmatched_milli bigint, matched_milli bigint, low_milli bigint
    ) ON COMMIT DELETE ROWS;";

/// Writes what a batch says about shipments.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let mut rows = Rows::of(16);
    for (id, change) in &changes.shipments {
        let dispatch = change.dispatch.as_ref();
        rows.row().uuid(id.0).big(change.first.sequence).int(change.first.ordinal);
        rows.maybe(change.name.as_ref(), |rows, (issuer, _)| rows.text(issuer));
        rows.maybe(change.name.as_ref(), |rows, (_, code)| rows.text(code));
        rows.maybe(dispatch, |rows, dispatch| rows.text(dispatch.from.as_str()));
        rows.maybe(dispatch, |rows, dispatch| rows.text(dispatch.to.as_str()));
        rows.maybe(dispatch.and_then(|dispatch| dispatch.trip.as_deref()), Rows::text);
        rows.maybe(dispatch.and_then(|dispatch| dispatch.sscc.as_deref()), Rows::text);
        rows.maybe(dispatch, |rows, dispatch| rows.instant(dispatch.time));
        rows.maybe(dispatch, |rows, dispatch| rows.int(dispatch.day.0));
        rows.maybe(dispatch, |rows, dispatch| rows.uuid(dispatch.command));
        rows.maybe(dispatch.and_then(|dispatch| dispatch.return_of), |rows, shipment| rows.uuid(shipment.0));
        rows.maybe(change.arrived.as_ref(), |rows, site| rows.text(site.as_str()));
        rows.int(change.dispatches).flag(dispatch.is_some());
    }
    if !rows.is_empty() {
        rows.send(transaction, "stage_shipments").await?;
        let merge = "
            MERGE INTO shipments AS s USING stage_shipments AS c ON s.shipment_id = c.shipment_id
            WHEN MATCHED AND c.redispatched THEN UPDATE SET
                issuer_code = c.issuer_code, shipment_code = c.shipment_code, from_site_code = c.from_site_code,
                to_site_code = c.to_site_code, trip_id = c.trip_id, sscc = c.sscc, dispatch_time = c.dispatch_time,
                dispatch_day = c.dispatch_day, command_id = c.command_id, return_of_shipment_id = c.return_of_shipment_id,
                arrived_site_code = coalesce(c.arrived_site_code, s.arrived_site_code), dispatches = s.dispatches + c.dispatches
            WHEN MATCHED THEN UPDATE SET
                arrived_site_code = coalesce(c.arrived_site_code, s.arrived_site_code), dispatches = s.dispatches + c.dispatches
            WHEN NOT MATCHED THEN INSERT (shipment_id, sequence, ordinal, issuer_code, shipment_code, from_site_code, to_site_code,
                    trip_id, sscc, dispatch_time, dispatch_day, command_id, return_of_shipment_id, arrived_site_code, dispatches)
                VALUES (c.shipment_id, c.sequence, c.ordinal, c.issuer_code, c.shipment_code, c.from_site_code, c.to_site_code,
                    c.trip_id, c.sscc, c.dispatch_time, c.dispatch_day, c.command_id, c.return_of_shipment_id,
                    c.arrived_site_code, c.dispatches)";
        execute(transaction, merge, &[]).await?;
    }

    let mut rows = Rows::of(9);
    for (key, low) in changes.open.iter() {
        let line = changes.lines.get(key).copied().unwrap_or_default();
        rows.row().uuid(key.0.0).uuid(key.1.0).big(big(line.sent)?).big(big(line.received)?).big(big(line.refused)?);
        rows.big(big(line.short)?).big(big(line.unmatched)?).big(big(line.matched)?).big(big(low.low)?);
    }
    if rows.is_empty() {
        return Ok(());
    }
    rows.send(transaction, "stage_shipment_lines").await?;
    refuse_any(
        transaction,
        "SELECT 'shipment ' || c.shipment_id || ' would carry ' || (coalesce(l.open_milli, 0) + c.low_milli)
                || ' thousandths of lot ' || c.lot_id || '; a shipment carries nothing less than 0'
         FROM stage_shipment_lines c LEFT JOIN shipment_lines l USING (shipment_id, lot_id)
         WHERE coalesce(l.open_milli, 0) + c.low_milli < 0 LIMIT 1",
    )
    .await?;
    let merge = "
        MERGE INTO shipment_lines AS l USING stage_shipment_lines AS c ON l.shipment_id = c.shipment_id AND l.lot_id = c.lot_id
        WHEN MATCHED THEN UPDATE SET
            sent_milli = l.sent_milli + c.sent_milli, received_milli = l.received_milli + c.received_milli,
            refused_milli = l.refused_milli + c.refused_milli, short_milli = l.short_milli + c.short_milli,
            unmatched_milli = l.unmatched_milli + c.unmatched_milli, matched_milli = l.matched_milli + c.matched_milli
        WHEN NOT MATCHED THEN INSERT (shipment_id, lot_id, sent_milli, received_milli, refused_milli, short_milli,
                                      unmatched_milli, matched_milli)
            VALUES (c.shipment_id, c.lot_id, c.sent_milli, c.received_milli, c.refused_milli, c.short_milli,
                    c.unmatched_milli, c.matched_milli)";
    execute(transaction, merge, &[]).await?;
    Ok(())
}
