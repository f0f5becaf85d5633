//! Reads what was ordered, and how far it was filled by the shipments that serve it.

use crate::page::Page;
use crate::read::{Cut, Query};
use crate::report::{paged, share};
use crate::stock::read::today;
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use wire::proto::chuoi::report::v1 as proto;
use wire::proto::chuoi::report::v1::OrderState;

/// Lines of orders that stand and fit a condition on `o`, each with what was sent for it and what became of that.
pub(crate) fn lines(condition: &str) -> String {
    let stands = |row: &str| {
        format!(
            "NOT EXISTS (SELECT FROM reversals r WHERE r.organization_code = {row}.organization_code AND r.command_id = {row}.command_id)"
        )
    };
    format!(
        "(WITH wanted AS (SELECT o.* FROM orders o WHERE {condition} AND {}),
          served AS (
              SELECT o.order_id, coalesce(m.survivor_code, t.product_code) AS product, sum(sl.sent_milli)::bigint AS sent,
                     sum(sl.received_milli + sl.matched_milli)::bigint AS accepted, sum(sl.refused_milli)::bigint AS refused,
                     sum(sl.short_milli)::bigint AS short, sum(sl.cancelled_milli)::bigint AS cancelled,
                     sum(sl.open_milli)::bigint AS open
              FROM wanted o JOIN order_shipments os ON os.order_id = o.order_id AND {}
              JOIN shipment_lines sl ON sl.shipment_id = os.shipment_id JOIN lots t ON t.lot_id = sl.lot_id
              LEFT JOIN merged m ON m.kind = 'product' AND m.code = t.product_code GROUP BY 1, 2
          ),
          ended AS (
              SELECT DISTINCT ON (c.order_id) c.order_id, c.closed_day, c.reason
              FROM wanted o JOIN order_closings c ON c.order_id = o.order_id AND (c.sequence, c.ordinal) > (o.sequence, o.ordinal) AND {}
              ORDER BY c.order_id, c.sequence DESC, c.ordinal DESC
          )
          SELECT o.*, l.product_code, l.ordered_milli, coalesce(s.sent, 0) AS sent, coalesce(s.accepted, 0) AS accepted,
                 coalesce(s.refused, 0) AS refused, coalesce(s.short, 0) AS short, coalesce(s.cancelled, 0) AS cancelled,
                 coalesce(s.open, 0) AS open, c.closed_day, c.reason
          FROM wanted o
          -- Two codes of one product are one line.
          JOIN (SELECT l.sequence, l.ordinal, coalesce(m.survivor_code, l.product_code) AS product_code,
                       sum(l.ordered_milli)::bigint AS ordered_milli
                FROM wanted JOIN order_lines l USING (sequence, ordinal)
                LEFT JOIN merged m ON m.kind = 'product' AND m.code = l.product_code GROUP BY 1, 2, 3) AS l USING (sequence, ordinal)
          LEFT JOIN served s ON s.order_id = o.order_id AND s.product = l.product_code
          LEFT JOIN ended c ON c.order_id = o.order_id)",
        stands("o"),
        stands("os"),
        stands("c"),
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
         WHERE {products}::text[] IS NULL OR k.product_code = ANY({products})
         ORDER BY k.due_day, k.sequence, k.ordinal, k.product_code",
        lines(&format!(
            "o.due_day BETWEEN {from} AND {to} AND ({sites}::text[] IS NULL OR o.site_code = ANY({sites}))
             AND ({chains}::text[] IS NULL OR o.chain_code = ANY({chains}))"
        ))
    );
    let mut rows = Vec::new();
    for row in cut.query(&query).await? {
        let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
        let (ordered, sent, accepted): (i64, i64, i64) =
            (row.try_get("ordered_milli")?, row.try_get("sent")?, row.try_get("accepted")?);
        let lost: i64 =
            row.try_get::<_, i64>("refused")?.saturating_add(row.try_get("short")?).saturating_add(row.try_get("cancelled")?);
        let due = BusinessDay(row.try_get("due_day")?);
        let closed: Option<i32> = row.try_get("closed_day")?;
        // What was turned away, lost or turned round was not filled: it has to be sent again.
        let unsent = ordered.saturating_sub(sent.saturating_sub(lost)).max(0);
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
