//! Reads what comes back and why, and who receives a product.

use super::{date, days, paged, share, small};
use crate::filter::Range;
use crate::page::Page;
use crate::read::{Cut, Query};
use crate::throughput::read::{KEYS, PRODUCT, SITE, UNIT, asked, joins};
use crate::{Error, filter, names};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Row;
use wire::proto::chuoi::event::v1::{RefusalReason, ReturnReason};
use wire::proto::chuoi::report::v1 as proto;
use wire::proto::chuoi::report::v1::ReturnKind;
use wire::proto::chuoi::throughput::v1::{Stage, ThroughputKey};

/// Chain, product, group, site, channel, district and unit, as far as they are asked for.
type Key = [String; 7];

fn key(row: &Row) -> Result<Key, Error> {
    let text = |name: &str| row.try_get::<_, String>(name);
    let [chain, product, group] = [text("chain_code")?, text("product_code")?, text("group_code")?];
    Ok([chain, product, group, text("site_code")?, text("kind")?, text("district_code")?, text("unit")?])
}

/// What was turned away and brought back, by reason.
pub(super) async fn returns(
    cut: &Cut<'_>,
    request: &proto::ListReturnsRequest,
    page: &Page,
) -> Result<proto::ListReturnsResponse, Error> {
    let (first, last) = days(cut, &request.from_date, &request.to_date, 30)?;
    let asked = asked(&request.group_by)?;
    let chains = filter::chains(cut, "chains", &request.chains).await?;
    let products = filter::products(cut, "products", &request.products).await?;
    let sites = filter::sites(cut, "sites", &request.sites).await?;
    let keys = KEYS.map(|(of, column, name)| {
        let column = if asked.contains(&(of as i32)) { column } else { "''::text" };
        format!("{column} AS {name}")
    });
    let keys = format!("{}, {UNIT} AS unit", keys.join(", "));
    let only = |query: &mut Query| {
        let named = [("k.chain_code", &chains), ("k.product_code", &products), ("k.site_code", &sites)];
        let named = named.into_iter().filter_map(|(column, values)| Some((column, values.clone()?)));
        let conditions: Vec<_> =
            named.map(|(column, values)| format!("{column} = ANY({}::text[])", query.bind(values))).collect();
        if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") }
    };

    let mut query = Query::default();
    let (from, to) = (query.bind(first.0), query.bind(last.0));
    let conditions = only(&mut query);
    // What was voided or corrected did not happen; what stands in its place is an event of its own.
    query.sql = format!(
        "SELECT k.kind = 'CustomerReturned' AS by_customer, k.reason, {keys}, sum(k.quantity_milli)::bigint AS milli,
                count(DISTINCT (k.sequence, k.ordinal)) AS times
         FROM (SELECT e.kind, coalesce((e.details ->> 'reason')::integer, 0) AS reason, e.sequence, e.ordinal, l.chain_code, l.product_code,
                      coalesce(e.site_code, '') AS site_code, '' AS to_site_code, m.quantity_milli
               FROM events e JOIN movements m USING (sequence, ordinal) JOIN lots l USING (lot_id)
               WHERE e.kind IN ('DeliveryRefused', 'CustomerReturned') AND e.business_day BETWEEN {from} AND {to} AND NOT EXISTS (
                   SELECT FROM reversals v WHERE v.organization_code = e.organization_code AND v.command_id = e.command_id)
         ) AS k {} WHERE {conditions} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
        joins()
    );
    let mut back = Vec::new();
    for row in cut.query(&query).await? {
        let figures: (i64, i64) = (row.try_get("milli")?, row.try_get("times")?);
        back.push((row.try_get::<_, bool>("by_customer")?, row.try_get::<_, i32>("reason")?, key(&row)?, figures));
    }

    back.sort_by(|(by_customer, reason, key, (milli, _)), (other, for_other, to_other, (than, _))| {
        (std::cmp::Reverse(milli), by_customer, reason, key).cmp(&(std::cmp::Reverse(than), other, for_other, to_other))
    });
    let (back, next_page_token) = paged(back, page)?;

    // What it is a share of, for these keys alone.
    let (received, refused, sold) = (Stage::Received as i32, Stage::Refused as i32, Stage::Sold as i32);
    let mut query = Query::default();
    let range = Range { from: Some(first), to: Some(last) };
    let places = [ThroughputKey::Site, ThroughputKey::Channel, ThroughputKey::District];
    let by_place = sites.is_some() || places.iter().any(|of| asked.contains(&(*of as i32)));
    let source = if by_place { range.source(cut, &mut query, true) } else { range.goods(cut, &mut query, true) };
    let conditions = only(&mut query);
    // Read no more than may belong to them.
    let mut narrow = Vec::new();
    for (of, column, at, kind) in [
        (ThroughputKey::Chain, "k.chain_code", 0, "chain"),
        (ThroughputKey::Product, "k.product_code", 1, "product"),
        (ThroughputKey::Site, "k.site_code", 3, "site"),
    ] {
        if asked.contains(&(of as i32)) {
            let codes: BTreeSet<String> = back.iter().map(|(_, _, key, _)| key[at].clone()).collect();
            let codes = query.bind(codes.into_iter().collect::<Vec<_>>());
            narrow.push(format!(
                "{column} IN (SELECT unnest({codes}::text[]) UNION ALL
                              SELECT code FROM merged WHERE kind = '{kind}' AND survivor_code = ANY({codes}::text[]))"
            ));
        }
    }
    let narrow = if narrow.is_empty() { "true".to_owned() } else { narrow.join(" AND ") };
    let wanted: BTreeSet<&Key> = back.iter().map(|(_, _, key, _)| key).collect();
    let columns = (0..7).map(|at| wanted.iter().map(|key| key[at].clone()).collect::<Vec<String>>());
    let unnested: Vec<String> = columns.map(|column| format!("{}::text[]", query.bind(column))).collect();
    let unnested = unnested.join(", ");
    query.sql = format!(
        "SELECT * FROM (
             SELECT {keys}, coalesce(sum(k.quantity_milli) FILTER (WHERE k.stage IN ({received}, {refused})), 0)::bigint AS arrived,
                    coalesce(sum(k.quantity_milli) FILTER (WHERE k.stage = {sold}), 0)::bigint AS sold
             FROM {source} AS k {}
             WHERE k.stage IN ({received}, {refused}, {sold}) AND {narrow} AND {conditions} GROUP BY 1, 2, 3, 4, 5, 6, 7
         ) AS sums JOIN unnest({unnested}) AS asked (chain_code, product_code, group_code, site_code, kind, district_code, unit)
             USING (chain_code, product_code, group_code, site_code, kind, district_code, unit)",
        joins(),
    );
    let mut whole: BTreeMap<Key, (i64, i64)> = BTreeMap::new();
    for row in cut.query(&query).await? {
        whole.insert(key(&row)?, (row.try_get("arrived")?, row.try_get("sold")?));
    }
    let product_names = named(cut, "products", "product_code", back.iter().map(|(.., key, _)| key[1].clone()).collect()).await?;
    let site_names = named(cut, "sites", "site_code", back.iter().map(|(.., key, _)| key[3].clone()).collect()).await?;
    let row = |(by_customer, reason, key, (milli, times)): (bool, i32, Key, (i64, i64))| {
        let (arrived, sold) = whole.get(&key).copied().unwrap_or_default();
        let [chain, product, group, site, channel, district, unit] = key;
        proto::Returned {
            kind: if by_customer { ReturnKind::Customer } else { ReturnKind::Refused }.into(),
            reason: why(by_customer, reason),
            chain_code: chain,
            product_name: product_names.get(&product).cloned().unwrap_or_default(),
            product_code: product,
            group_code: group,
            site_name: site_names.get(&site).cloned().unwrap_or_default(),
            site_code: site,
            channel: names::site_kind(&channel).into(),
            district_code: district,
            quantity_milli: milli,
            times,
            share_basis_points: share(milli, if by_customer { sold } else { arrived }),
            unit,
        }
    };
    let rows = back.into_iter().map(row).collect();
    Ok(proto::ListReturnsResponse {
        rows,
        from_date: date(first),
        to_date: date(last),
        next_page_token,
        position: cut.position(),
    })
}

/// A reason's own word.
fn why(by_customer: bool, number: i32) -> String {
    let (name, prefix) = if by_customer {
        (ReturnReason::try_from(number).unwrap_or_default().as_str_name(), "RETURN_REASON_")
    } else {
        (RefusalReason::try_from(number).unwrap_or_default().as_str_name(), "REFUSAL_REASON_")
    };
    let word = name.trim_start_matches(prefix).to_ascii_lowercase();
    if word == "unspecified" { String::new() } else { word }
}

/// Names of registered things, by their codes.
async fn named(cut: &Cut<'_>, table: &str, column: &str, codes: Vec<String>) -> Result<BTreeMap<String, String>, Error> {
    let sql = format!("SELECT {column}, name FROM {table} WHERE {column} = ANY($1)");
    let rows = cut.rows(&sql, &[&codes]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Who receives a product.
pub(super) async fn buyers(
    cut: &Cut<'_>,
    request: &proto::ListBuyersRequest,
    page: &Page,
) -> Result<proto::ListBuyersResponse, Error> {
    let (first, last) = days(cut, &request.from_date, &request.to_date, 30)?;
    let products = filter::products(cut, "products", &request.products).await?;
    let Some(products) = products else {
        return Err(Error::Malformed { field: "products", value: String::new(), allowed: "products: codes or GTINs".into() });
    };
    let chains = filter::chains(cut, "chains", &request.chains).await?;
    let (received, refused) = (Stage::Received as i32, Stage::Refused as i32);
    let mut query = Query::default();
    let source = Range { from: Some(first), to: Some(last) }.source(cut, &mut query, false);
    let (products, chains) = (query.bind(products), query.bind(chains));
    query.sql = format!(
        "SELECT {SITE} AS site_code, {PRODUCT} AS product_code, k.chain_code, max(s.name) AS site_name, max(s.kind) AS kind,
                max(s.organization_code) AS organization_code, max(s.district_code) AS district_code, max(p.name) AS product_name,
                max({UNIT}) AS unit,
                coalesce(sum(k.quantity_milli) FILTER (WHERE k.stage = {received}), 0)::bigint AS received,
                coalesce(sum(k.quantity_milli) FILTER (WHERE k.stage = {refused}), 0)::bigint AS refused,
                count(DISTINCT k.day) FILTER (WHERE k.stage = {received} AND k.quantity_milli > 0) AS days,
                max(k.day) FILTER (WHERE k.stage = {received} AND k.quantity_milli > 0) AS last_day
         FROM {source} AS k {} WHERE k.stage IN ({received}, {refused}) AND k.product_code = ANY({products}::text[])
             AND ({chains}::text[] IS NULL OR k.chain_code = ANY({chains}))
         GROUP BY 1, 2, 3 HAVING sum(k.quantity_milli) > 0
         ORDER BY received DESC, refused DESC, site_code, product_code, chain_code",
        joins()
    );
    let mut rows = Vec::new();
    for row in cut.query(&query).await? {
        let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
        rows.push(proto::Buyer {
            site_code: text("site_code")?,
            site_name: text("site_name")?,
            kind: names::site_kind(&text("kind")?).into(),
            organization_code: text("organization_code")?,
            district_code: text("district_code")?,
            product_code: text("product_code")?,
            product_name: text("product_name")?,
            chain_code: text("chain_code")?,
            received_milli: row.try_get("received")?,
            refused_milli: row.try_get("refused")?,
            days: small(row.try_get("days")?),
            last_date: filter::date(row.try_get("last_day")?),
            unit: text("unit")?,
        });
    }
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListBuyersResponse { rows, from_date: date(first), to_date: date(last), next_page_token, position: cut.position() })
}
