//! Watches stock: what each command changes of it, and what there is after that. A balance at a place is the one of now less what
//! moved since: nothing has to be remembered while a watch goes on, however slowly.

use super::read::Filter;
use crate::Error;
use crate::read::{Cut, Query};
use crate::timestamp_of;
use crate::watching::{Beginning, Place, Watch};
use std::collections::{BTreeMap, HashMap};
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::stock::v1 as proto;

/// Balances in a message at the beginning.
const BALANCES: i64 = 500;

/// What sites hold, by site and lot.
const HELD: &str = "
    (SELECT h.site_code, h.lot_id, h.quantity_milli, lots.product_code, lots.chain_code, lots.lot_code
     FROM stock h JOIN lots USING (lot_id))";
/// What moved, by site and lot: more for what came.
const MOVED: &str = "
    (SELECT m.sequence, m.ordinal, m.line, p.site_code, m.lot_id, p.milli, lots.product_code, lots.chain_code, lots.lot_code,
            lots.issuer_code
     FROM movements m
     CROSS JOIN LATERAL (VALUES (m.from_site_code, -m.quantity_milli), (m.to_site_code, m.quantity_milli)) AS p (site_code, milli)
     JOIN lots USING (lot_id) WHERE p.site_code IS NOT NULL)";

/// Which stock.
pub(crate) struct Stock {
    /// Which.
    pub filter: Filter,
    /// Whether to begin with what there is.
    pub with_balances: bool,
}

/// What a command changed.
struct Changed {
    at: Place,
    organization: String,
    command: Uuid,
    record_time: Option<prost_types::Timestamp>,
    /// By site and lot; described, with the change alone.
    balances: BTreeMap<(String, Uuid), proto::StockBalance>,
}

impl Watch for Stock {
    type Message = proto::WatchStockResponse;
    /// The last site and lot that was sent.
    type Begun = Option<(String, Uuid)>;

    fn idle(position: String) -> proto::WatchStockResponse {
        proto::WatchStockResponse { position, ..Default::default() }
    }

    fn begins(&self) -> Option<Option<(String, Uuid)>> {
        self.with_balances.then_some(None)
    }

    async fn beginning(&self, cut: &Cut<'_>, at: Place, begun: &Option<(String, Uuid)>) -> Result<Beginning<Stock>, Error> {
        let mut query = Query::default();
        let mut conditions = self.filter.conditions(&mut query);
        if let Some((site, lot)) = begun {
            let (site, lot) = (query.bind(site.clone()), query.bind(*lot));
            conditions.push(format!("(k.site_code, k.lot_id) > ({site}, {lot})"));
        }
        let conditions: String = conditions.iter().map(|condition| format!(" AND {condition}")).collect();
        let (sequence, ordinal) = (query.bind(at.sequence), query.bind(at.ordinal));
        // Lots that have left since are among what moved; each part goes as far as the shorter of the two.
        query.sql = format!(
            "WITH here AS (
                 SELECT k.site_code, k.lot_id, k.quantity_milli FROM {HELD} AS k LEFT JOIN sites s ON s.site_code = k.site_code
                 WHERE true{conditions} ORDER BY k.site_code, k.lot_id LIMIT {BALANCES}
             ), since AS (
                 SELECT k.site_code, k.lot_id, sum(k.milli)::bigint AS milli
                 FROM {MOVED} AS k LEFT JOIN sites s ON s.site_code = k.site_code
                 WHERE (k.sequence, k.ordinal) > ({sequence}, {ordinal}){conditions}
                 GROUP BY k.site_code, k.lot_id ORDER BY k.site_code, k.lot_id LIMIT {BALANCES}
             ), edge AS (
                 SELECT site_code, lot_id FROM (
                     (SELECT site_code, lot_id FROM here ORDER BY site_code, lot_id OFFSET {last} LIMIT 1)
                     UNION ALL (SELECT site_code, lot_id FROM since ORDER BY site_code, lot_id OFFSET {last} LIMIT 1)
                 ) AS full_ones ORDER BY site_code, lot_id LIMIT 1
             )
             SELECT b.site_code, b.lot_id, b.milli, EXISTS (SELECT FROM edge) AS more, s.name AS site_name, l.issuer_code,
                    l.lot_code, l.product_code, l.chain_code, p.name AS product_name, p.base_unit
             FROM (
                 SELECT site_code, lot_id, coalesce(here.quantity_milli, 0) - coalesce(since.milli, 0) AS milli
                 FROM here FULL JOIN since USING (site_code, lot_id)
             ) AS b
             LEFT JOIN sites s ON s.site_code = b.site_code LEFT JOIN lots l ON l.lot_id = b.lot_id
             LEFT JOIN products p ON p.product_code = l.product_code
             WHERE NOT EXISTS (SELECT FROM edge) OR (b.site_code, b.lot_id) <= (SELECT site_code, lot_id FROM edge)
             ORDER BY b.site_code, b.lot_id",
            last = BALANCES - 1
        );
        let (mut balances, mut more) = (Vec::new(), None);
        for row in cut.query(&query).await? {
            let quantity_milli: i64 = row.try_get("milli")?;
            if row.try_get("more")? {
                more = Some(Some((row.try_get("site_code")?, row.try_get("lot_id")?)));
            }
            if quantity_milli != 0 {
                balances.push(proto::StockBalance { quantity_milli, ..balance(&row)? });
            }
        }
        let message = proto::WatchStockResponse { balances, at_beginning: true, ..Default::default() };
        let messages = if message.balances.is_empty() { Vec::new() } else { vec![message] };
        Ok((messages, more))
    }

    async fn read(&self, cut: &Cut<'_>, after: Place, up_to: i64) -> Result<Vec<proto::WatchStockResponse>, Error> {
        let mut changed = self.changed(cut, after, up_to).await?;
        let keys: BTreeMap<(String, Uuid), ()> =
            changed.iter().flat_map(|changed| changed.balances.keys()).map(|key| (key.clone(), ())).collect();
        let mut balances = balances_after(cut, keys.into_keys().collect(), up_to).await?;
        // From the last to the first: what was there before a command was there after the one before.
        for changed in changed.iter_mut().rev() {
            for (key, balance) in &mut changed.balances {
                let after = balances.entry(key.clone()).or_default();
                balance.quantity_milli = *after;
                *after -= balance.change_milli;
            }
        }
        let message = |changed: Changed| proto::WatchStockResponse {
            position: changed.at.position(&cut.checkpoint),
            balances: changed.balances.into_values().filter(|balance| balance.change_milli != 0).collect(),
            at_beginning: false,
            organization_code: changed.organization,
            command_id: changed.command.to_string(),
            record_time: changed.record_time,
        };
        Ok(changed.into_iter().map(message).filter(|message| !message.balances.is_empty()).collect())
    }
}

impl Stock {
    /// What commands changed, in order.
    async fn changed(&self, cut: &Cut<'_>, after: Place, up_to: i64) -> Result<Vec<Changed>, Error> {
        let mut query = Query::default();
        let (sequence, ordinal, last) = (query.bind(after.sequence), query.bind(after.ordinal), query.bind(up_to));
        let conditions: String = self.filter.conditions(&mut query).iter().map(|condition| format!(" AND {condition}")).collect();
        query.sql = format!(
            "SELECT k.*, e.organization_code, e.command_id, e.record_time, s.name AS site_name, p.name AS product_name, p.base_unit
             FROM {MOVED} AS k JOIN events e ON e.sequence = k.sequence AND e.ordinal = k.ordinal
             LEFT JOIN sites s ON s.site_code = k.site_code LEFT JOIN products p ON p.product_code = k.product_code
             WHERE (k.sequence, k.ordinal) > ({sequence}, {ordinal}) AND k.sequence <= {last}{conditions}
             ORDER BY k.sequence, k.ordinal, k.line"
        );
        let mut all: Vec<Changed> = Vec::new();
        for row in cut.query(&query).await? {
            let at = Place { sequence: row.try_get("sequence")?, ordinal: row.try_get("ordinal")? };
            let (organization, command): (String, Uuid) = (row.try_get("organization_code")?, row.try_get("command_id")?);
            let same = |changed: &&mut Changed| {
                changed.at.sequence == at.sequence && changed.command == command && changed.organization == organization
            };
            let changed = match all.last_mut().filter(same) {
                Some(_) => all.last_mut(),
                None => {
                    let record_time = timestamp_of(row.try_get("record_time")?);
                    all.push(Changed { at, organization, command, record_time, balances: BTreeMap::new() });
                    all.last_mut()
                }
            };
            let Some(changed) = changed else { continue };
            changed.at = at;
            let described = balance(&row)?;
            let key = (described.site_code.clone(), row.try_get("lot_id")?);
            changed.balances.entry(key).or_insert(described).change_milli += row.try_get::<_, i64>("milli")?;
        }
        Ok(all)
    }
}

/// What sites held of lots after an entry.
async fn balances_after(cut: &Cut<'_>, keys: Vec<(String, Uuid)>, up_to: i64) -> Result<HashMap<(String, Uuid), i64>, Error> {
    let (sites, lots): (Vec<String>, Vec<Uuid>) = keys.into_iter().unzip();
    // Nothing moved since the views' own place.
    let since = match cut.checkpoint.sequence > up_to.unsigned_abs() {
        true => {
            "(SELECT coalesce(sum(CASE WHEN m.to_site_code = k.site_code THEN m.quantity_milli ELSE -m.quantity_milli END), 0)::bigint
              FROM movements m WHERE m.lot_id = k.lot_id AND m.sequence > $3
                  AND (m.from_site_code = k.site_code OR m.to_site_code = k.site_code))"
        }
        false => "0 * $3::bigint",
    };
    let sql = format!(
        "SELECT k.site_code, k.lot_id, coalesce(h.quantity_milli, 0) - {since} AS milli
         FROM unnest($1::text[], $2::uuid[]) AS k (site_code, lot_id)
         LEFT JOIN stock h ON h.site_code = k.site_code AND h.lot_id = k.lot_id"
    );
    let rows = cut.rows(&sql, &[&sites, &lots, &up_to]).await?;
    rows.iter().map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?))).collect()
}

/// A site and a lot, described.
fn balance(row: &Row) -> Result<proto::StockBalance, Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    Ok(proto::StockBalance {
        site_code: text("site_code")?,
        site_name: text("site_name")?,
        lot_id: row.try_get::<_, Uuid>("lot_id")?.to_string(),
        issuer_code: text("issuer_code")?,
        lot_code: text("lot_code")?,
        product_code: text("product_code")?,
        product_name: text("product_name")?,
        chain_code: text("chain_code")?,
        unit: text("base_unit")?,
        change_milli: 0,
        quantity_milli: 0,
    })
}
