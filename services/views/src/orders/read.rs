//! Reads what was ordered, and how far it was filled by the shipments that serve it.

use crate::page::Page;
use crate::read::{Cut, Query};
use crate::report::share;
use crate::stock::read::today;
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use tokio_postgres::Row;
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

/// Orders that are looked at first, and at most at once, for a page: of those that are open there may be few among many.
const ORDERS: (i64, i64) = (500, 8_000);

/// Orders, line by line, by the day by which they are due.
pub(crate) async fn list(
    cut: &Cut<'_>,
    request: &proto::ListOrdersRequest,
    page: &Page,
) -> Result<proto::ListOrdersResponse, Error> {
    let range = filter::Range::read(&request.from_date, &request.to_date)?;
    let asked = Asked {
        from: range.from.map_or(i32::MIN, |day| day.0),
        to: range.to.map_or(i32::MAX, |day| day.0),
        sites: filter::sites(cut, "sites", &request.sites).await?,
        chains: filter::chains(cut, "chains", &request.chains).await?,
        products: filter::products(cut, "products", &request.products).await?,
        open_only: request.open_only,
        today: today(cut)?,
    };
    let before: Option<(At, &str)> = match page.after(4)? {
        Some([day, sequence, ordinal, product]) => Some(((page.key(day)?, page.key(sequence)?, page.key(ordinal)?), product)),
        _ => None,
    };
    // The order of the row before may have further lines.
    let mut behind = before
        .map_or((asked.from.saturating_sub(1), 0, 0), |((day, sequence, ordinal), _)| (day, sequence, ordinal.saturating_sub(1)));
    let (mut rows, mut orders) = (Vec::new(), ORDERS.0);
    while let Some(last) = asked.last_of(cut, behind, orders).await? {
        asked.read(cut, behind, last, before, page.size + 1, &mut rows).await?;
        if rows.len() as i64 > page.size {
            break;
        }
        (behind, orders) = (last, (orders * 2).min(ORDERS.1));
    }
    let key =
        |(at, row): &(At, proto::OrderRow)| vec![at.0.to_string(), at.1.to_string(), at.2.to_string(), row.product_code.clone()];
    let next_page_token = page.cut(&mut rows, key);
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(proto::ListOrdersResponse { rows, next_page_token, position: cut.position() })
}

/// The place of an order in the list: the day by which it is due, and where it was recorded.
type At = (i32, i64, i32);

struct Asked {
    from: i32,
    to: i32,
    sites: Option<Vec<String>>,
    chains: Option<Vec<String>>,
    products: Option<Vec<String>>,
    open_only: bool,
    today: BusinessDay,
}

impl Asked {
    /// A condition on orders `o` that are asked for and stand behind a place.
    fn orders(&self, query: &mut Query, behind: At) -> String {
        let (from, to) = (query.bind(self.from.max(behind.0)), query.bind(self.to));
        let (sites, chains) = (query.bind(self.sites.clone()), query.bind(self.chains.clone()));
        let (day, sequence, ordinal) = (query.bind(behind.0), query.bind(behind.1), query.bind(behind.2));
        format!(
            "o.due_day BETWEEN {from} AND {to} AND ({sites}::text[] IS NULL OR o.site_code = ANY({sites}))
             AND ({chains}::text[] IS NULL OR o.chain_code = ANY({chains}))
             AND (o.due_day, o.sequence, o.ordinal) > ({day}, {sequence}, {ordinal})"
        )
    }

    /// The place of the last of so many orders behind a place; none where there is no further one.
    async fn last_of(&self, cut: &Cut<'_>, behind: At, orders: i64) -> Result<Option<At>, Error> {
        let mut query = Query::default();
        let condition = self.orders(&mut query, behind);
        let orders = query.bind(orders);
        query.sql = format!(
            "SELECT * FROM (SELECT o.due_day, o.sequence, o.ordinal FROM orders o WHERE {condition}
                            ORDER BY o.due_day, o.sequence, o.ordinal LIMIT {orders}) AS o
             ORDER BY o.due_day DESC, o.sequence DESC, o.ordinal DESC LIMIT 1"
        );
        let rows = cut.query(&query).await?;
        rows.first().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).transpose()
    }

    /// Adds rows of the orders behind a place and up to another, so many in all; of the order of the row before, what comes after its
    /// product.
    async fn read(
        &self,
        cut: &Cut<'_>,
        behind: At,
        last: At,
        before: Option<(At, &str)>,
        most: i64,
        rows: &mut Vec<(At, proto::OrderRow)>,
    ) -> Result<(), Error> {
        let mut query = Query::default();
        let condition = self.orders(&mut query, behind);
        let (day, sequence, ordinal) = (query.bind(last.0), query.bind(last.1), query.bind(last.2));
        let lines = lines(&format!("{condition} AND (o.due_day, o.sequence, o.ordinal) <= ({day}, {sequence}, {ordinal})"));
        let products = query.bind(self.products.clone());
        let open = if self.open_only { "k.accepted < k.ordered_milli AND k.closed_day IS NULL" } else { "true" };
        let further = match before {
            Some(((day, sequence, ordinal), product)) => {
                let (day, sequence, ordinal) = (query.bind(day), query.bind(sequence), query.bind(ordinal));
                let product = query.bind(product.to_owned());
                format!("(k.due_day, k.sequence, k.ordinal, k.product_code) > ({day}, {sequence}, {ordinal}, {product})")
            }
            None => "true".to_owned(),
        };
        let limit = query.bind(most.saturating_sub(rows.len() as i64));
        query.sql = format!(
            "SELECT k.*, s.name AS site_name, s.kind, c.name AS chain_name, p.name AS product_name, p.base_unit
             FROM (SELECT k.* FROM {lines} AS k
                   WHERE ({products}::text[] IS NULL OR k.product_code = ANY({products})) AND {open} AND {further}
                   ORDER BY k.due_day, k.sequence, k.ordinal, k.product_code LIMIT {limit}) AS k
             LEFT JOIN sites s ON s.site_code = k.site_code LEFT JOIN chains c ON c.chain_code = k.chain_code
             LEFT JOIN products p ON p.product_code = k.product_code
             ORDER BY k.due_day, k.sequence, k.ordinal, k.product_code"
        );
        for row in cut.query(&query).await? {
            rows.push(((row.try_get("due_day")?, row.try_get("sequence")?, row.try_get("ordinal")?), self.row(&row)?));
        }
        Ok(())
    }

    fn row(&self, row: &Row) -> Result<proto::OrderRow, Error> {
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
            None if due < self.today => OrderState::Overdue,
            None => OrderState::Open,
        };
        Ok(proto::OrderRow {
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
        })
    }
}
