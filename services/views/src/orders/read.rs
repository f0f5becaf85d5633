//! Reads what was ordered, and how far it was filled by the shipments that serve it.

use crate::page::Page;
use crate::read::{Cut, Query};
use crate::report::{paged, share};
use crate::stock::read::today;
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use wire::proto::chuoi::report::v1 as proto;
use wire::proto::chuoi::report::v1::OrderState;

/// Lines of orders that stand, each with what was sent for it and what became of that. What of a product was accepted counts for the
/// order's line up to what was ordered.
pub(crate) fn lines() -> String {
    let stands = |row: &str| {
        format!(
            "NOT EXISTS (SELECT FROM reversals r WHERE r.organization_code = {row}.organization_code AND r.command_id = {row}.command_id)"
        )
    };
    format!(
        "(SELECT o.*, l.product_code, l.ordered_milli, coalesce(s.sent, 0)::bigint AS sent, coalesce(s.accepted, 0)::bigint AS accepted,
                 coalesce(s.refused, 0)::bigint AS refused, coalesce(s.short, 0)::bigint AS short, coalesce(s.open, 0)::bigint AS open,
                 c.closed_day, c.reason
          FROM orders o JOIN order_lines l USING (sequence, ordinal)
          LEFT JOIN merged ml ON ml.kind = 'product' AND ml.code = l.product_code
          LEFT JOIN LATERAL (
              SELECT sum(sl.sent_milli) AS sent, sum(sl.received_milli + sl.matched_milli) AS accepted, sum(sl.refused_milli) AS refused,
                     sum(sl.short_milli) AS short, sum(sl.open_milli) AS open
              FROM order_shipments os JOIN shipment_lines sl ON sl.shipment_id = os.shipment_id JOIN lots t ON t.lot_id = sl.lot_id
              LEFT JOIN merged mt ON mt.kind = 'product' AND mt.code = t.product_code
              WHERE os.order_id = o.order_id AND {}
                  AND coalesce(mt.survivor_code, t.product_code) = coalesce(ml.survivor_code, l.product_code)
          ) AS s ON true
          LEFT JOIN LATERAL (
              SELECT c.closed_day, c.reason FROM order_closings c WHERE c.order_id = o.order_id AND {}
              ORDER BY c.sequence DESC, c.ordinal DESC LIMIT 1
          ) AS c ON true
          WHERE {})",
        stands("os"),
        stands("c"),
        stands("o"),
    )
}

/// Orders, line by line, by the day by which they are due.
pub(crate) async fn list(
    cut: &Cut<'_>,
    request: &proto::ListOrdersRequest,
    page: &Page,
) -> Result<proto::ListOrdersResponse, Error> {
    let range = filter::Range::read(&request.from_date, &request.to_date)?;
    let sites = filter::sites(cut, "sites", &request.sites).await?;
    let chains = filter::chains(cut, "chains", &request.chains).await?;
    let products = filter::products(cut, "products", &request.products).await?;
    let today = today(cut)?;
    let mut query = Query::default();
    let (from, to) = (query.bind(range.from.map_or(i32::MIN, |day| day.0)), query.bind(range.to.map_or(i32::MAX, |day| day.0)));
    let (sites, chains, products) = (query.bind(sites), query.bind(chains), query.bind(products));
    query.sql = format!(
        "SELECT k.*, s.name AS site_name, s.kind, c.name AS chain_name, p.name AS product_name, p.base_unit FROM {} AS k
         LEFT JOIN sites s ON s.site_code = k.site_code LEFT JOIN chains c ON c.chain_code = k.chain_code
         LEFT JOIN products p ON p.product_code = k.product_code
         WHERE k.due_day BETWEEN {from} AND {to} AND ({sites}::text[] IS NULL OR k.site_code = ANY({sites}))
             AND ({chains}::text[] IS NULL OR k.chain_code = ANY({chains}))
             AND ({products}::text[] IS NULL OR k.product_code = ANY({products}))
         ORDER BY k.due_day, k.sequence, k.ordinal, k.product_code",
        lines()
    );
    let mut rows = Vec::new();
    for row in cut.query(&query).await? {
        let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
        let (ordered, sent, accepted): (i64, i64, i64) =
            (row.try_get("ordered_milli")?, row.try_get("sent")?, row.try_get("accepted")?);
        let (refused, short): (i64, i64) = (row.try_get("refused")?, row.try_get("short")?);
        let due = BusinessDay(row.try_get("due_day")?);
        let closed: Option<i32> = row.try_get("closed_day")?;
        // What was turned away or lost was not filled: it has to be sent again.
        let unsent = ordered.saturating_sub(sent.saturating_sub(refused).saturating_sub(short)).max(0);
        let state = match closed {
            _ if accepted >= ordered => OrderState::Filled,
            Some(_) => OrderState::Closed,
            None if due < today => OrderState::Overdue,
            None => OrderState::Open,
        };
        if request.open_only && !matches!(state, OrderState::Open | OrderState::Overdue) {
            continue;
        }
        rows.push(proto::OrderRow {
            order_code: text("order_code")?,
            buyer_code: text("organization_code")?,
            order_id: row.try_get::<_, uuid::Uuid>("order_id")?.to_string(),
            site_code: text("site_code")?,
            site_name: text("site_name")?,
            channel: names::site_kind(&text("kind")?).into(),
            chain_code: text("chain_code")?,
            chain_name: text("chain_name")?,
            product_code: text("product_code")?,
            product_name: text("product_name")?,
            ordered_date: filter::date(row.try_get("ordered_day")?),
            due_date: filter::date(Some(due.0)),
            ordered_milli: ordered,
            sent_milli: sent,
            accepted_milli: accepted,
            in_transit_milli: row.try_get("open")?,
            unsent_milli: unsent,
            fill_basis_points: share(accepted.min(ordered), ordered),
            state: state.into(),
            closed_reason: text("reason")?,
            unit: text("base_unit")?,
        });
    }
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListOrdersResponse { rows, next_page_token, position: cut.position() })
}
