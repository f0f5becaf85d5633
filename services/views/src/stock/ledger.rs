//! What moved at sites between two days: balances are computed back from the stock of now, movement by movement, so that a late or
//! voided entry is in its place without anything being rewritten.

use super::as_of::sequence;
use super::read::{Doubtful, Filter};
use crate::filter::Range;
use crate::page::Page;
use crate::read::{Cut, Query, beyond, position};
use crate::{Error, filter, names, timestamp, timestamp_of};
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::TimePrecision;
use wire::proto::chuoi::stock::v1 as proto;

/// Keys of a movement in its place; those of a ledger in which nothing moved are nothing.
const KEYS: [(&str, &str); 9] = [
    ("a.site_code", "text"),
    ("a.product_code", "text"),
    ("coalesce(m.business_day, 0)", "integer"),
    ("coalesce(m.rank, 0)", "smallint"),
    ("coalesce(m.moment_micros, 0)", "bigint"),
    ("coalesce(m.step, 0)", "smallint"),
    ("coalesce(m.sequence, 0)", "bigint"),
    ("coalesce(m.ordinal, 0)", "integer"),
    ("coalesce(m.line, 0)", "integer"),
];

/// A page of ledgers.
pub(crate) async fn ledger(
    cut: &Cut<'_>,
    request: &proto::QueryLedgerRequest,
    page: &Page,
) -> Result<proto::QueryLedgerResponse, Error> {
    let filter = Filter::read(cut, request.filter.as_ref()).await?;
    if !filter.is_narrow() {
        return Err(Error::Malformed {
            field: "filter",
            value: "neither site, lot, product, channel nor district".into(),
            allowed: "at least one of these".into(),
        });
    }
    let (first, last) = Range::read(&request.from_date, &request.to_date)?.closed()?;
    let known = sequence("as_of_position", &request.as_of_position)?;
    let mut query = Query::default();
    let (from, to) = (query.bind(first.0), query.bind(last.0));
    let until = query.bind(known.unwrap_or(i64::MAX));
    let stock = filter.on_places(&mut query, "stock.site_code", "stock.lot_id");
    let mut sides = Vec::new();
    for (side, sign) in [("to", ""), ("from", "-")] {
        let places = filter.on_places(&mut query, &format!("m.{side}_site_code"), "m.lot_id");
        // Without a position what counts on earlier days is of no interest: the index by day.
        let later = if known.is_some() {
            format!("(m.business_day >= {from} OR m.sequence > {until})")
        } else {
            format!("m.business_day >= {from}")
        };
        sides.push(format!(
            "SELECT m.{side}_site_code AS site_code, m.lot_id, {sign}m.quantity_milli AS change, m.business_day, m.{side}_rank AS rank,
                    m.moment_micros, m.step, m.sequence, m.ordinal, m.line, m.is_reversal,
                    ('{side}' = 'to') <> m.is_reversal AS is_in, coalesce(m.from_outside, m.to_outside) AS outside,
                    coalesce(m.from_shipment_id, m.to_shipment_id) AS shipment_id
             FROM movements m WHERE m.{side}_site_code IS NOT NULL AND {places} AND {later}"
        ));
    }
    let columns: Vec<_> = KEYS.iter().map(|(column, _)| *column).collect();
    let after = match page.after(KEYS.len())? {
        Some(after) => beyond(&mut query, &KEYS, after, false),
        None => "true".to_owned(),
    };
    let limit = query.bind(page.size + 1);
    query.sql = format!(
        "WITH later AS MATERIALIZED ({}),
         opening AS (
             SELECT site_code, lot_id, sum(change)::bigint AS opening
             FROM (SELECT site_code, lot_id, quantity_milli AS change FROM stock WHERE {stock}
                   UNION ALL SELECT site_code, lot_id, -change FROM later) AS changes GROUP BY site_code, lot_id
         ),
         moves AS (
             SELECT m.*, l.product_code, l.lot_code,
                    -- With everything of the same moment: what leaves and what comes at once is no dip.
                    o.opening + sum(m.change) OVER (PARTITION BY m.site_code, m.lot_id
                        ORDER BY m.business_day, m.rank, m.moment_micros, m.step) AS lot_then,
                    o.opening + sum(m.change) OVER (PARTITION BY m.site_code, m.lot_id ORDER BY m.business_day, m.rank, m.moment_micros,
                        m.step, m.sequence, m.ordinal, m.line) AS lot_balance,
                    sum(m.change) OVER (PARTITION BY m.site_code, l.product_code ORDER BY m.business_day, m.rank, m.moment_micros,
                        m.step, m.sequence, m.ordinal, m.line) AS moved
             FROM later m JOIN opening o USING (site_code, lot_id) JOIN lots l ON l.lot_id = m.lot_id
             WHERE m.business_day BETWEEN {from} AND {to} AND m.sequence <= {until}
         ),
         moved AS (
             SELECT site_code, product_code, coalesce(sum(change) FILTER (WHERE is_in), 0)::bigint AS came,
                    coalesce(-sum(change) FILTER (WHERE NOT is_in), 0)::bigint AS went
             FROM moves GROUP BY site_code, product_code
         ),
         accounts AS (
             SELECT o.site_code, l.product_code, sum(o.opening)::bigint AS opening FROM opening o JOIN lots l USING (lot_id)
             GROUP BY o.site_code, l.product_code
         )
         SELECT {}, s.name AS site_name, p.name AS product_name, coalesce(p.base_unit, '') AS unit, a.opening,
                coalesce(t.came, 0) AS came, coalesce(t.went, 0) AS went,
                m.business_day, m.rank, m.moment_micros, m.step, m.sequence, m.ordinal, m.line, m.change, m.is_in, m.is_reversal,
                m.outside, m.shipment_id, m.lot_id, m.lot_code, (a.opening + m.moved)::bigint AS balance, m.lot_balance::bigint,
                m.lot_then < 0 AS below_zero, e.kind, e.organization_code, e.command_id, e.record_time, sh.shipment_code,
                r.is_correction
         FROM accounts a LEFT JOIN moved t USING (site_code, product_code) LEFT JOIN moves m USING (site_code, product_code)
         LEFT JOIN sites s ON s.site_code = a.site_code LEFT JOIN products p ON p.product_code = a.product_code
         LEFT JOIN events e ON e.sequence = m.sequence AND e.ordinal = m.ordinal
         LEFT JOIN shipments sh ON sh.shipment_id = m.shipment_id
         LEFT JOIN reversals r ON r.organization_code = e.organization_code AND r.command_id = e.command_id AND r.sequence <= {until}
         WHERE (a.opening <> 0 OR m.sequence IS NOT NULL) AND {after} ORDER BY {} LIMIT {limit}",
        sides.join(" UNION ALL "),
        "a.site_code, a.product_code",
        columns.join(", "),
    );
    let doubtful = Doubtful::read(cut).await?;
    let mut rows = cut.query(&query).await?.iter().map(|row| self::row(cut, row)).collect::<Result<Vec<_>, _>>()?;
    let next_page_token = page.cut(&mut rows, |(keys, ..)| keys.clone());
    let mut ledgers: Vec<proto::Ledger> = Vec::new();
    for (_, mut ledger, moved) in rows {
        let same = |last: &proto::Ledger| (&last.site_code, &last.product_code) == (&ledger.site_code, &ledger.product_code);
        match ledgers.last_mut().filter(|last| same(last)) {
            Some(last) => last.moves.extend(moved),
            None => {
                let (site_code, product_code) = (ledger.site_code.clone(), ledger.product_code.clone());
                ledger.doubtful = doubtful.concerns(&proto::StockRow { site_code, product_code, ..Default::default() });
                ledger.moves.extend(moved);
                ledgers.push(ledger);
            }
        }
    }
    Ok(proto::QueryLedgerResponse {
        ledgers,
        next_page_token,
        as_of_position: known.map_or_else(|| cut.position(), |at| position(&cut.checkpoint, at.unsigned_abs())),
        position: cut.position(),
    })
}

/// A row's keys, its ledger, and its movement, if anything moved.
fn row(cut: &Cut<'_>, row: &Row) -> Result<(Vec<String>, proto::Ledger, Option<proto::LedgerMove>), Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let (opening, came, went): (i64, i64, i64) = (row.try_get("opening")?, row.try_get("came")?, row.try_get("went")?);
    let ledger = proto::Ledger {
        site_code: text("site_code")?,
        site_name: text("site_name")?,
        product_code: text("product_code")?,
        product_name: text("product_name")?,
        unit: text("unit")?,
        opening_milli: opening,
        in_milli: came,
        out_milli: went,
        closing_milli: opening.saturating_add(came).saturating_sub(went),
        moves: Vec::new(),
        doubtful: false,
    };
    let mut keys = vec![ledger.site_code.clone(), ledger.product_code.clone()];
    let Some(sequence) = row.try_get::<_, Option<i64>>("sequence")? else {
        keys.resize(KEYS.len(), "0".to_owned());
        return Ok((keys, ledger, None));
    };
    let (day, rank, micros): (i32, i16, i64) =
        (row.try_get("business_day")?, row.try_get("rank")?, row.try_get("moment_micros")?);
    keys.extend([day.to_string(), rank.to_string(), micros.to_string()]);
    keys.extend([row.try_get::<_, i16>("step")?.to_string(), sequence.to_string()]);
    keys.extend([row.try_get::<_, i32>("ordinal")?.to_string(), row.try_get::<_, i32>("line")?.to_string()]);
    let precision = match rank {
        0 => TimePrecision::BeforeOpening,
        2 => TimePrecision::Moment,
        4 => TimePrecision::AfterClosing,
        _ => TimePrecision::Day,
    };
    let moment = (precision == TimePrecision::Moment).then(|| jiff::Timestamp::from_microsecond(micros).ok()).flatten();
    let (change, is_in): (i64, bool) = (row.try_get("change")?, row.try_get("is_in")?);
    let correction: Option<bool> = row.try_get("is_correction")?;
    let id = |name: &str| row.try_get::<_, Option<Uuid>>(name).map(|id| id.map(|id| id.to_string()).unwrap_or_default());
    let moved = proto::LedgerMove {
        business_date: filter::date(Some(day)),
        event_time: moment.map(timestamp),
        precision: precision.into(),
        kind: names::move_kind(&text("kind")?).into(),
        outside: names::outside(&text("outside")?).into(),
        lot_id: id("lot_id")?,
        lot_code: text("lot_code")?,
        in_milli: if is_in { change } else { 0 },
        out_milli: if is_in { 0 } else { change.saturating_neg() },
        balance_milli: row.try_get("balance")?,
        lot_balance_milli: row.try_get("lot_balance")?,
        below_zero: row.try_get("below_zero")?,
        is_reversal: row.try_get("is_reversal")?,
        voided: correction == Some(false),
        corrected: correction == Some(true),
        shipment_id: id("shipment_id")?,
        shipment_code: text("shipment_code")?,
        organization_code: text("organization_code")?,
        command_id: id("command_id")?,
        record_time: timestamp_of(row.try_get("record_time")?),
        position: position(&cut.checkpoint, sequence.unsigned_abs()),
    };
    Ok((keys, ledger, Some(moved)))
}
