//! Writes shipments and their lines.

use super::fold::{Changes, LineChange, below_nothing};
use crate::Error;
use crate::database::{big, execute, refuse, run, side_by_side};
use deadpool_postgres::Transaction;
use domain::id::{LotId, ShipmentId};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Writes what a batch says about shipments.
pub async fn write(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    side_by_side([Box::pin(write_shipments(transaction, changes)), Box::pin(write_lines(transaction, changes))]).await
}

async fn write_lines(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    let keys = || changes.open.iter().map(|(key, _)| key);
    let shipments: Vec<_> = keys().map(|(shipment, _)| shipment.0).collect();
    if shipments.is_empty() {
        return Ok(());
    }
    let lots: Vec<_> = keys().map(|(_, lot)| lot.0).collect();
    let lows = changes.open.iter().map(|(_, sum)| big(sum.low)).collect::<Result<Vec<_>, _>>()?;
    let below = "SELECT c.shipment_id, c.lot_id, coalesce(l.open_milli, 0) + c.low_milli
                   FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS c (shipment_id, lot_id, low_milli)
                   LEFT JOIN shipment_lines l USING (shipment_id, lot_id)
                   WHERE coalesce(l.open_milli, 0) + c.low_milli < 0 LIMIT 1";
    // Both before either is sent.
    let (below, merge) = (transaction.prepare_cached(below).await?, transaction.prepare_cached(MERGE_LINES).await?);
    let figures = |figure: fn(&LineChange) -> i128| {
        let line = |key| changes.lines.get(key).copied().unwrap_or_default();
        keys().map(|key| big(figure(&line(key)))).collect::<Result<Vec<_>, _>>()
    };
    let (sent, received, refused) = (figures(|line| line.sent)?, figures(|line| line.received)?, figures(|line| line.refused)?);
    let (short, unmatched, matched) =
        (figures(|line| line.short)?, figures(|line| line.unmatched)?, figures(|line| line.matched)?);
    let cancelled = figures(|line| line.cancelled)?;
    let lows: [&(dyn ToSql + Sync); 3] = [&shipments, &lots, &lows];
    let values: [&(dyn ToSql + Sync); 9] =
        [&shipments, &lots, &sent, &received, &refused, &short, &unmatched, &matched, &cancelled];
    let said = |row: Row| Ok(below_nothing(ShipmentId(row.try_get(0)?), LotId(row.try_get(1)?), row.try_get(2)?));
    side_by_side([Box::pin(refuse(transaction, &below, &lows, said)), Box::pin(run(transaction, &merge, &values))]).await
}

const MERGE_LINES: &str =
    "MERGE INTO shipment_lines AS l USING unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::bigint[])
             AS c (shipment_id, lot_id, sent_milli, received_milli, refused_milli, short_milli, unmatched_milli, matched_milli,
                   cancelled_milli)
             ON l.shipment_id = c.shipment_id AND l.lot_id = c.lot_id
         WHEN MATCHED THEN UPDATE SET
             sent_milli = l.sent_milli + c.sent_milli, received_milli = l.received_milli + c.received_milli,
             refused_milli = l.refused_milli + c.refused_milli, short_milli = l.short_milli + c.short_milli,
             unmatched_milli = l.unmatched_milli + c.unmatched_milli, matched_milli = l.matched_milli + c.matched_milli,
             cancelled_milli = l.cancelled_milli + c.cancelled_milli
         WHEN NOT MATCHED THEN INSERT (shipment_id, lot_id, sent_milli, received_milli, refused_milli, short_milli,
                                       unmatched_milli, matched_milli, cancelled_milli)
             VALUES (c.shipment_id, c.lot_id, c.sent_milli, c.received_milli, c.refused_milli, c.short_milli,
                     c.unmatched_milli, c.matched_milli, c.cancelled_milli)";

async fn write_shipments(transaction: &Transaction<'_>, changes: &Changes) -> Result<(), Error> {
    if changes.shipments.is_empty() {
        return Ok(());
    }
    let rows = || changes.shipments.values();
    let dispatches = || rows().map(|change| change.dispatch.as_ref());
    let ids: Vec<_> = changes.shipments.keys().map(|id| id.0).collect();
    let sequences: Vec<_> = rows().map(|change| change.first.sequence).collect();
    let ordinals: Vec<_> = rows().map(|change| change.first.ordinal).collect();
    let issuers: Vec<_> = rows().map(|change| change.name.as_ref().map(|(issuer, _)| issuer.as_str())).collect();
    let codes: Vec<_> = rows().map(|change| change.name.as_ref().map(|(_, code)| code.as_str())).collect();
    let from: Vec<_> = dispatches().map(|dispatch| dispatch.map(|dispatch| dispatch.from.as_str())).collect();
    let to: Vec<_> = dispatches().map(|dispatch| dispatch.map(|dispatch| dispatch.to.as_str())).collect();
    let trips: Vec<_> = dispatches().map(|dispatch| dispatch.and_then(|dispatch| dispatch.trip.as_deref())).collect();
    let ssccs: Vec<_> = dispatches().map(|dispatch| dispatch.and_then(|dispatch| dispatch.sscc.as_deref())).collect();
    let times: Vec<_> = dispatches().map(|dispatch| dispatch.map(|dispatch| crate::system_time(dispatch.time))).collect();
    let days: Vec<_> = dispatches().map(|dispatch| dispatch.map(|dispatch| dispatch.day.0)).collect();
    let commands: Vec<_> = dispatches().map(|dispatch| dispatch.map(|dispatch| dispatch.command)).collect();
    let returns: Vec<_> =
        dispatches().map(|dispatch| dispatch.and_then(|dispatch| dispatch.return_of).map(|shipment| shipment.0)).collect();
    let arrived: Vec<_> = rows().map(|change| change.arrived.as_ref().map(|site| site.as_str())).collect();
    let standing: Vec<_> = rows().map(|change| change.dispatches).collect();
    let consigned: Vec<_> = dispatches().map(|dispatch| dispatch.is_some_and(|dispatch| dispatch.is_consignment)).collect();
    execute(
        transaction,
        "MERGE INTO shipments AS s USING unnest($1::uuid[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::text[], $10::timestamptz[], $11::integer[], $12::uuid[], $13::uuid[], $14::text[], $15::integer[],
                $16::boolean[])
             AS c (shipment_id, sequence, ordinal, issuer_code, shipment_code, from_site_code, to_site_code, trip_id, sscc,
                   dispatch_time, dispatch_day, command_id, return_of_shipment_id, arrived_site_code, dispatches, is_consignment)
             ON s.shipment_id = c.shipment_id
         WHEN MATCHED AND c.from_site_code IS NOT NULL THEN UPDATE SET
             issuer_code = c.issuer_code, shipment_code = c.shipment_code, from_site_code = c.from_site_code,
             to_site_code = c.to_site_code, trip_id = c.trip_id, sscc = c.sscc, dispatch_time = c.dispatch_time,
             dispatch_day = c.dispatch_day, command_id = c.command_id, return_of_shipment_id = c.return_of_shipment_id,
             arrived_site_code = coalesce(c.arrived_site_code, s.arrived_site_code), dispatches = s.dispatches + c.dispatches,
             is_consignment = c.is_consignment
         WHEN MATCHED THEN UPDATE SET
             arrived_site_code = coalesce(c.arrived_site_code, s.arrived_site_code), dispatches = s.dispatches + c.dispatches
         WHEN NOT MATCHED THEN INSERT (shipment_id, sequence, ordinal, issuer_code, shipment_code, from_site_code, to_site_code,
                 trip_id, sscc, dispatch_time, dispatch_day, command_id, return_of_shipment_id, arrived_site_code, dispatches, is_consignment)
             VALUES (c.shipment_id, c.sequence, c.ordinal, c.issuer_code, c.shipment_code, c.from_site_code, c.to_site_code,
                 c.trip_id, c.sscc, c.dispatch_time, c.dispatch_day, c.command_id, c.return_of_shipment_id,
                 c.arrived_site_code, c.dispatches, c.is_consignment)",
        &[
            &ids, &sequences, &ordinals, &issuers, &codes, &from, &to, &trips, &ssccs, &times, &days, &commands, &returns, &arrived,
            &standing, &consigned,
        ],
    )
    .await?;
    Ok(())
}
