//! Reads what shops lack, how long stock lasts, and what has to leave a site.

use super::{MOST_DAYS, date, length, paged, tet};
use crate::filter::Range;
use crate::page::Page;
use crate::read::{Cut, Query};
use crate::safety::read::{Stop, Stopped, stopped};
use crate::stock::read::today;
use crate::throughput::read::{PRODUCT, SITE, joins};
use crate::trace::read::summaries;
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use wire::proto::chuoi::report::v1 as proto;
use wire::proto::chuoi::report::v1::{DemandBasis, WithdrawalReason};
use wire::proto::chuoi::throughput::v1::Stage;

/// Products of a question about shortages: each is held against every site.
const MOST_PRODUCTS: usize = 20;

/// A site, as far as a shortage tells of it.
struct Site {
    name: String,
    kind: String,
    district: String,
    /// Millionths of a degree.
    place: (i32, i32),
}

async fn sites(cut: &Cut<'_>) -> Result<BTreeMap<String, Site>, Error> {
    let sql = "SELECT site_code, name, kind, district_code, latitude_e6, longitude_e6 FROM sites";
    let mut sites = BTreeMap::new();
    for row in cut.rows(sql, &[]).await? {
        let site = Site {
            name: row.try_get("name")?,
            kind: row.try_get("kind")?,
            district: row.try_get("district_code")?,
            place: (row.try_get("latitude_e6")?, row.try_get("longitude_e6")?),
        };
        sites.insert(row.try_get("site_code")?, site);
    }
    Ok(sites)
}

/// Metres between two places as the crow flies, on a globe of the mean radius of the earth.
fn metres(one: (i32, i32), other: (i32, i32)) -> i64 {
    let radians = |e6: i32| (f64::from(e6) / 1e6).to_radians();
    let (north, other_north) = (radians(one.0), radians(other.0));
    let half = |angle: f64| (angle / 2.0).sin().powi(2);
    let chord = half(other_north - north) + north.cos() * other_north.cos() * half(radians(other.1) - radians(one.1));
    // At most half the way round the globe: it fits.
    (2.0 * 6_371_009.0 * chord.min(1.0).sqrt().asin()).round() as i64
}

/// What of a product stands at a site.
#[derive(Clone, Copy, Default)]
struct Standing {
    sellable: i64,
    blocked: i64,
}

/// Shops that received or sold a product in these days and have none of it that may be sold today, as rows of a query: shop, product,
/// the last day, what was sold, name and unit.
pub(crate) fn lacking(
    cut: &Cut<'_>,
    query: &mut Query,
    stopped: &Stopped,
    products: Option<&Vec<String>>,
    first: BusinessDay,
    today: BusinessDay,
) -> String {
    let (received, sold) = (Stage::Received as i32, Stage::Sold as i32);
    let stops = stopped.iter().flat_map(|(lot, stops)| stops.iter().map(|stop| (*lot, stop.site.clone())));
    let (lots, sites): (Vec<Uuid>, Vec<Option<String>>) = stops.unzip();
    let source = Range { from: Some(first), to: Some(today) }.source(cut, query, false);
    let (lots, sites, today) = (query.bind(lots), query.bind(sites), query.bind(today.0));
    let only = products.map(|only| query.bind(only.clone()));
    let of = |column: &str| only.as_ref().map_or("true".to_owned(), |only| format!("{column} = ANY({only}::text[])"));
    format!(
        "(WITH dealt AS (
              SELECT {PRODUCT} AS product_code, {SITE} AS site_code, max(k.day) FILTER (WHERE k.quantity_milli > 0) AS last_day,
                     coalesce(sum(k.quantity_milli) FILTER (WHERE k.stage = {sold}), 0)::bigint AS sold,
                     max(p.name) AS name, max(p.base_unit) AS unit
              FROM {source} AS k {} WHERE {} AND k.stage IN ({received}, {sold})
              GROUP BY 1, 2 HAVING sum(k.quantity_milli) > 0),
          sellable AS (
              SELECT product_code, site_code FROM (
                  SELECT coalesce(mp.survivor_code, l.product_code) AS product_code, coalesce(ms.survivor_code, k.site_code) AS site_code,
                         k.lot_id, k.quantity_milli
                  FROM stock k JOIN lots l USING (lot_id) LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = l.product_code
                  LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = k.site_code
                  WHERE {} AND (l.expiry_day IS NULL OR l.expiry_day >= {today})) AS k
              WHERE NOT EXISTS (SELECT FROM unnest({lots}::uuid[], {sites}::text[]) AS stop (lot_id, site_code)
                                WHERE stop.lot_id = k.lot_id AND coalesce(stop.site_code, k.site_code) = k.site_code)
              GROUP BY 1, 2 HAVING sum(k.quantity_milli) > 0)
          SELECT dealt.* FROM dealt JOIN sites shop USING (site_code)
          WHERE shop.is_shop AND NOT EXISTS (
              SELECT FROM sellable WHERE sellable.product_code = dealt.product_code AND sellable.site_code = dealt.site_code))",
        joins(),
        of("k.product_code"),
        of("l.product_code"),
    )
}

/// Shops that dealt in a product and have none to sell.
pub(super) async fn shortages(
    cut: &Cut<'_>,
    request: &proto::ListShortagesRequest,
    page: &Page,
) -> Result<proto::ListShortagesResponse, Error> {
    if request.products.is_empty() || request.products.len() > MOST_PRODUCTS {
        let allowed = format!("1 to {MOST_PRODUCTS} products: codes or GTINs");
        return Err(Error::Malformed { field: "products", value: request.products.len().to_string(), allowed });
    }
    let products = filter::products(cut, "products", &request.products).await?.unwrap_or_default();
    let only = filter::sites(cut, "sites", &request.sites).await?;
    let channels = filter::channels("channels", &request.channels)?;
    let districts = filter::districts(cut, "districts", &request.districts).await?;
    let today = today(cut)?;
    let first = today.plus(1 - length("days", request.days, 30)?);
    let sites = sites(cut).await?;
    let stopped = stopped(cut).await?;
    let mut query = Query::default();
    query.sql = format!("SELECT * FROM {} AS lacking", lacking(cut, &mut query, &stopped, Some(&products), first, today));
    let dealt = cut.query(&query).await?;
    let standing = standing(cut, &stopped, &products, today).await?;
    let mut incoming: BTreeMap<(String, String), i64> = BTreeMap::new();
    let sql = "SELECT coalesce(mp.survivor_code, l.product_code) AS product_code, coalesce(ms.survivor_code, sh.to_site_code) AS site_code,
                      sum(sl.open_milli)::bigint AS milli
               FROM shipment_lines sl JOIN shipments sh USING (shipment_id) JOIN lots l USING (lot_id)
               LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = l.product_code
               LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = sh.to_site_code
               WHERE sl.open_milli > 0 AND sh.to_site_code IS NOT NULL AND l.product_code = ANY($1) GROUP BY 1, 2";
    for row in cut.rows(sql, &[&products]).await? {
        incoming.insert((row.try_get("product_code")?, row.try_get("site_code")?), row.try_get("milli")?);
    }
    let mut rows = Vec::new();
    for row in dealt {
        let (product, code): (String, String) = (row.try_get("product_code")?, row.try_get("site_code")?);
        let Some(site) = sites.get(&code) else { continue };
        let asked = |of: &Option<Vec<String>>, value: &String| of.as_ref().is_none_or(|only| only.contains(value));
        if !asked(&only, &code) || !asked(&channels, &site.kind) || !asked(&districts, &site.district) {
            continue;
        }
        let at = standing.get(&product);
        let here = at.and_then(|at| at.get(&code)).copied().unwrap_or_default();
        let others = at.into_iter().flatten().filter(|(_, standing)| standing.sellable > 0);
        let far = others.filter_map(|(other, standing)| {
            let place = sites.get(other)?;
            Some((metres(site.place, place.place), other, place, standing.sellable))
        });
        let nearest = far.min_by_key(|(metres, other, ..)| (*metres, (*other).clone()));
        let mut shortage = proto::Shortage {
            product_name: row.try_get::<_, Option<String>>("name")?.unwrap_or_default(),
            site_name: site.name.clone(),
            kind: names::site_kind(&site.kind).into(),
            district_code: site.district.clone(),
            last_date: filter::date(row.try_get("last_day")?),
            sold_milli: row.try_get("sold")?,
            blocked_milli: here.blocked,
            incoming_milli: incoming.get(&(product.clone(), code.clone())).copied().unwrap_or(0),
            unit: row.try_get::<_, Option<String>>("unit")?.unwrap_or_default(),
            product_code: product,
            site_code: code,
            ..Default::default()
        };
        if let Some((metres, other, place, milli)) = nearest {
            shortage.nearest_site_code = other.clone();
            shortage.nearest_site_name = place.name.clone();
            shortage.nearest_metres = metres;
            shortage.nearest_milli = milli;
        }
        rows.push(shortage);
    }
    rows.sort_by(|one, other| {
        let key = |row: &proto::Shortage| (row.product_code.clone(), -row.sold_milli, row.site_code.clone());
        key(one).cmp(&key(other))
    });
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListShortagesResponse { rows, next_page_token, position: cut.position() })
}

/// What of each product stands where, and whether it may be sold.
async fn standing(
    cut: &Cut<'_>,
    stopped: &Stopped,
    products: &[String],
    today: BusinessDay,
) -> Result<BTreeMap<String, BTreeMap<String, Standing>>, Error> {
    let sql =
        "SELECT coalesce(mp.survivor_code, l.product_code) AS product_code, coalesce(ms.survivor_code, k.site_code) AS site_code,
                      k.lot_id, k.quantity_milli, l.expiry_day
               FROM stock k JOIN lots l USING (lot_id) LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = l.product_code
               LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = k.site_code WHERE l.product_code = ANY($1)";
    let mut standing: BTreeMap<String, BTreeMap<String, Standing>> = BTreeMap::new();
    for row in cut.rows(sql, &[&products]).await? {
        let (product, site, lot): (String, String, Uuid) =
            (row.try_get("product_code")?, row.try_get("site_code")?, row.try_get("lot_id")?);
        let is_expired = row.try_get::<_, Option<i32>>("expiry_day")?.is_some_and(|expiry| expiry < today.0);
        let is_stopped = stopped.get(&lot).is_some_and(|stops| stops.iter().any(|stop| stop.holds_at(&site)));
        let here = standing.entry(product).or_default().entry(site).or_default();
        let milli: i64 = row.try_get("quantity_milli")?;
        let sum = if is_expired || is_stopped { &mut here.blocked } else { &mut here.sellable };
        *sum = sum.saturating_add(milli);
    }
    Ok(standing)
}

/// What is sold of a product, by day.
type Sales = BTreeMap<BusinessDay, i64>;

/// Demand of a day, in thousandths of thousandths: means are no whole figures.
const FINE: i128 = 1_000;

/// What a product's sales say about coming days.
#[derive(Debug, PartialEq, Eq)]
struct Demand {
    basis: DemandBasis,
    /// Days that the stock lasts; none for more than [`MOST_DAYS`].
    cover: Option<i32>,
    /// From today to the day before Tết.
    to_tet: i64,
}

/// How long a stock lasts from a day on, by the sales of so many days before it.
fn demand(stock: i64, sales: &Sales, today: BusinessDay, days: i32) -> Demand {
    let net = |day: BusinessDay| i128::from(sales.get(&day).copied().unwrap_or(0));
    let recent = || (1..=days).map(|back| today.plus(-back));
    // What was brought back on a day when nothing was sold lessens the others.
    let recently = recent().map(net).sum::<i128>().max(0);
    // The same days of the year before: by them its season is scaled to this year.
    let before: i128 = recent().filter_map(tet::aligned_by_next).map(net).sum();
    let mean = recently * FINE / i128::from(days);
    let tet = tet::next(today);
    let mut basis = if recently > 0 { DemandBasis::RecentMean } else { DemandBasis::Unspecified };
    let (mut left, mut to_tet, mut cover) = (i128::from(stock) * FINE, 0, None);
    for ahead in 0..MOST_DAYS {
        let day = today.plus(ahead);
        let season = tet::aligned(day).map(|day| net(day).max(0)).filter(|_| before > 0 && recently > 0);
        let wanted = match season {
            Some(sold) => {
                basis = DemandBasis::TetAligned;
                sold * recently * FINE / before
            }
            None => mean,
        };
        if tet.is_some_and(|tet| day < tet) {
            to_tet += wanted;
        }
        if cover.is_none() {
            left -= wanted;
            if left < 0 {
                cover = Some(ahead);
            }
        }
    }
    Demand { basis, cover, to_tet: i64::try_from(to_tet / FINE).unwrap_or(i64::MAX) }
}

/// For how long the stock of each product lasts.
pub(super) async fn cover(
    cut: &Cut<'_>,
    request: &proto::ListCoverRequest,
    page: &Page,
) -> Result<proto::ListCoverResponse, Error> {
    let products = filter::products(cut, "products", &request.products).await?;
    let groups = (!request.groups.is_empty()).then(|| request.groups.clone());
    filter::limit("groups", request.groups.len())?;
    let today = today(cut)?;
    let days = length("days", request.days, 28)?;
    let recent = (today.plus(-days), today.plus(-1));
    let recently = || (1..=days).map(|back| today.plus(-back));
    let season = (0..MOST_DAYS).filter_map(|ahead| tet::aligned(today.plus(ahead)));
    let read: BTreeSet<BusinessDay> = recently().chain(recently().filter_map(tet::aligned_by_next)).chain(season).collect();
    let mut sales: BTreeMap<String, Sales> = BTreeMap::new();
    let (sold, back) = (Stage::Sold as i32, Stage::Returned as i32);
    let mut query = Query::default();
    let source = Range { from: read.first().copied(), to: read.last().copied() }.goods(cut, &mut query, false);
    let only = products.clone().map(|only| format!("AND k.product_code = ANY({}::text[])", query.bind(only)));
    let read = query.bind(read.iter().map(|day| day.0).collect::<Vec<_>>());
    query.sql = format!(
        "SELECT product_code, day, sum(CASE WHEN stage = {sold} THEN quantity_milli ELSE -quantity_milli END)::bigint AS milli
         FROM {source} AS k WHERE k.stage IN ({sold}, {back}) AND k.day = ANY({read}::integer[]) {} GROUP BY 1, 2",
        only.unwrap_or_default()
    );
    for row in cut.query(&query).await? {
        let of = sales.entry(row.try_get("product_code")?).or_default();
        *of.entry(BusinessDay(row.try_get("day")?)).or_default() += row.try_get::<_, i64>("milli")?;
    }
    let sql = "
        WITH held AS (
            SELECT product_code, sum(quantity_milli)::bigint AS milli FROM stock_totals GROUP BY 1
            UNION ALL SELECT l.product_code, sum(sl.open_milli)::bigint FROM shipment_lines sl JOIN lots l USING (lot_id)
                WHERE sl.open_milli > 0 AND (l.expiry_day IS NULL OR l.expiry_day >= $1) GROUP BY 1
            UNION ALL SELECT l.product_code, -sum(k.quantity_milli)::bigint FROM lots l JOIN stock k USING (lot_id)
                WHERE l.expiry_day < $1 GROUP BY 1
        )
        SELECT p.product_code, p.name, p.group_code, p.base_unit, d.codes AS duplicates, coalesce(h.milli, 0)::bigint AS milli
        FROM products p
        LEFT JOIN (SELECT coalesce(x.survivor_code, held.product_code) AS product_code, sum(held.milli) AS milli FROM held
                   LEFT JOIN merged x ON x.kind = 'product' AND x.code = held.product_code GROUP BY 1) AS h USING (product_code)
        LEFT JOIN (SELECT survivor_code AS product_code, array_agg(code) AS codes FROM merged WHERE kind = 'product' GROUP BY 1) AS d
            USING (product_code)
        WHERE NOT EXISTS (SELECT FROM merged m WHERE m.kind = 'product' AND m.code = p.product_code)
            AND ($2::text[] IS NULL OR p.product_code = ANY($2)) AND ($3::text[] IS NULL OR p.group_code = ANY($3))";
    let tet = tet::next(today);
    let mut rows = Vec::new();
    for row in cut.rows(sql, &[&today.0, &products, &groups]).await? {
        let code: String = row.try_get("product_code")?;
        let mut sold = sales.remove(&code).unwrap_or_default();
        for duplicate in row.try_get::<_, Option<Vec<String>>>("duplicates")?.unwrap_or_default() {
            for (day, milli) in sales.remove(&duplicate).unwrap_or_default() {
                *sold.entry(day).or_default() += milli;
            }
        }
        let stock: i64 = row.try_get::<_, i64>("milli")?.max(0);
        let found = demand(stock, &sold, today, days);
        if stock == 0 && found.basis == DemandBasis::Unspecified {
            continue;
        }
        let run_out = found.cover.map(|days| today.plus(days));
        let recently: i64 = sold.range(recent.0..=recent.1).map(|(_, milli)| milli).sum();
        rows.push(proto::Cover {
            product_code: code,
            product_name: row.try_get("name")?,
            group_code: row.try_get("group_code")?,
            stock_milli: stock,
            sold_per_day_milli: recently / i64::from(days),
            basis: found.basis.into(),
            demand_to_tet_milli: found.to_tet,
            cover_days: found.cover,
            run_out_date: run_out.map(date).unwrap_or_default(),
            short_before_tet: run_out.zip(tet).is_some_and(|(day, tet)| day < tet),
            unit: row.try_get("base_unit")?,
        });
    }
    if request.short_only {
        rows.retain(|row| row.short_before_tet);
    }
    let key = |row: &proto::Cover| (row.cover_days.unwrap_or(i32::MAX), -row.sold_per_day_milli, row.product_code.clone());
    rows.sort_by_key(key);
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListCoverResponse {
        rows,
        tet_date: tet.map(date).unwrap_or_default(),
        days_to_tet: tet.map_or(0, |tet| tet.0 - today.0),
        next_page_token,
        position: cut.position(),
    })
}

/// Goods that have to leave a site.
pub(super) async fn withdrawals(
    cut: &Cut<'_>,
    request: &proto::ListWithdrawalsRequest,
    page: &Page,
) -> Result<proto::ListWithdrawalsResponse, Error> {
    let sites = filter::sites(cut, "sites", &request.sites).await?;
    let organizations = filter::organizations(cut, "organizations", &request.organizations).await?;
    if !(0..=MOST_DAYS).contains(&request.consignment_days) {
        let (field, value) = ("consignment_days", request.consignment_days.to_string());
        return Err(Error::Malformed { field, value, allowed: format!("0 to {MOST_DAYS}") });
    }
    let today = today(cut)?;
    let stopped = stopped(cut).await?;
    let lots: Vec<Uuid> = stopped.keys().copied().collect();
    let sql = "
        SELECT k.site_code, s.name, k.lot_id, k.quantity_milli, coalesce(l.expiry_day < $1, false) AS is_expired, c.lot_id IS NOT NULL AS is_due
        FROM stock k JOIN lots l USING (lot_id) JOIN sites s USING (site_code)
        LEFT JOIN (
            SELECT DISTINCT sl.lot_id, sh.to_site_code AS site_code FROM shipments sh JOIN shipment_lines sl USING (shipment_id)
            JOIN lots n USING (lot_id) WHERE sh.is_consignment AND sh.dispatches > 0 AND n.expiry_day BETWEEN $1 AND $2
        ) AS c ON c.lot_id = k.lot_id AND c.site_code = k.site_code
        WHERE (l.expiry_day < $1 OR k.lot_id = ANY($3) OR c.lot_id IS NOT NULL)
            AND ($4::text[] IS NULL OR k.site_code = ANY($4)) AND ($5::text[] IS NULL OR s.organization_code = ANY($5))";
    let due = today.plus(request.consignment_days).0;
    let mut rows = Vec::new();
    for row in cut.rows(sql, &[&today.0, &due, &lots, &sites, &organizations]).await? {
        let (site, lot): (String, Uuid) = (row.try_get("site_code")?, row.try_get("lot_id")?);
        // Recalls come first.
        let stop: Option<&Stop> = stopped.get(&lot).and_then(|stops| stops.iter().find(|stop| stop.holds_at(&site)));
        let reason = match stop {
            Some(stop) if stop.is_recall => WithdrawalReason::Recalled,
            _ if row.try_get("is_expired")? => WithdrawalReason::Expired,
            Some(_) => WithdrawalReason::Held,
            None if row.try_get("is_due")? => WithdrawalReason::Consignment,
            // Held at another site.
            None => continue,
        };
        let withdrawal = proto::Withdrawal {
            site_name: row.try_get("name")?,
            quantity_milli: row.try_get("quantity_milli")?,
            reason: reason.into(),
            detail: stop.map(|stop| stop.reason.clone()).unwrap_or_default(),
            block: stop.map(|stop| format!("{}/{}", stop.by.0, stop.by.1)).unwrap_or_default(),
            site_code: site,
            ..Default::default()
        };
        rows.push((lot, withdrawal));
    }
    rows.sort_by(|(lot, one), (other_lot, other)| {
        (&one.site_code, one.reason, lot).cmp(&(&other.site_code, other.reason, other_lot))
    });
    let (rows, next_page_token) = paged(rows, page)?;
    let ids: Vec<Uuid> = rows.iter().map(|(lot, _)| *lot).collect();
    let lots = summaries(cut, &ids).await?;
    let senders = senders(cut, &rows).await?;
    let whole = |(lot, row): (Uuid, proto::Withdrawal)| {
        let (from_site_code, from_site_name) = senders.get(&(row.site_code.clone(), lot)).cloned().unwrap_or_default();
        proto::Withdrawal { lot: lots.get(&lot).cloned(), from_site_code, from_site_name, ..row }
    };
    let rows = rows.into_iter().map(whole).collect();
    Ok(proto::ListWithdrawalsResponse { rows, next_page_token, position: cut.position() })
}

/// The site that last sent each lot to each site, and its name.
async fn senders(cut: &Cut<'_>, rows: &[(Uuid, proto::Withdrawal)]) -> Result<BTreeMap<(String, Uuid), (String, String)>, Error> {
    let (sites, lots): (Vec<&str>, Vec<Uuid>) = rows.iter().map(|(lot, row)| (row.site_code.as_str(), *lot)).unzip();
    let sql = "
        SELECT DISTINCT ON (asked.site_code, asked.lot_id) asked.site_code, asked.lot_id, sh.from_site_code, f.name
        FROM unnest($1::text[], $2::uuid[]) AS asked (site_code, lot_id) JOIN shipment_lines sl ON sl.lot_id = asked.lot_id
        JOIN shipments sh ON sh.shipment_id = sl.shipment_id AND sh.to_site_code = asked.site_code JOIN sites f ON f.site_code = sh.from_site_code
        WHERE sh.dispatches > 0 AND sh.return_of_shipment_id IS NULL AND sl.received_milli + sl.unmatched_milli > 0
        ORDER BY asked.site_code, asked.lot_id, sh.sequence DESC, sh.ordinal DESC";
    let rows = cut.rows(sql, &[&sites, &lots]).await?;
    rows.iter().map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), (row.try_get(2)?, row.try_get(3)?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as of;

    fn day(year: i16, month: i8, day: i8) -> BusinessDay {
        BusinessDay::of(of(year, month, day))
    }

    #[test]
    fn the_distance_between_two_places_is_that_of_a_map() {
        // Hoàn Kiếm to Hà Đông: about 11 km; a degree of latitude is 111.2 km.
        let (centre, south) = ((21_028_500, 105_852_300), (20_971_200, 105_778_500));
        let apart = metres(centre, south);
        assert!((9_500..10_500).contains(&apart), "{apart}");
        assert!((111_000..111_400).contains(&metres((20_000_000, 105_000_000), (21_000_000, 105_000_000))));
        assert_eq!(metres(centre, centre), 0);
    }

    #[test]
    fn a_stock_lasts_as_long_as_the_mean_of_recent_days_says() {
        let today = day(2026, 6, 1);
        let sales: Sales = (1..=28).map(|back| (today.plus(-back), 10_000)).collect();
        let found = demand(35_000, &sales, today, 28);
        assert_eq!((found.basis, found.cover), (DemandBasis::RecentMean, Some(3)), "three whole days, not a fourth");
        assert_eq!(found.to_tet, i64::from(day(2027, 2, 6).0 - today.0) * 10_000);
        assert_eq!(demand(0, &sales, today, 28).cover, Some(0));
        let none = demand(5, &Sales::new(), today, 28);
        assert_eq!(none, Demand { basis: DemandBasis::Unspecified, cover: None, to_tet: 0 });
    }

    #[test]
    fn before_tet_the_year_before_says_how_demand_rises() {
        // Three weeks before Tết 2022 and 2023; the year before half as much was sold, and four times that in the last ten days.
        let (today, tet, before) = (day(2023, 1, 1), day(2023, 1, 22), day(2022, 2, 1));
        let mut sales: Sales = (1..=28).map(|back| (today.plus(-back), 10_000)).collect();
        sales.extend((-60..=-11).map(|from| (before.plus(from), 5_000)));
        sales.extend((-10..=-1).map(|from| (before.plus(from), 20_000)));
        let days = tet.0 - today.0;
        let found = demand(210_000, &sales, today, 28);
        assert_eq!(found.basis, DemandBasis::TetAligned);
        assert_eq!(found.to_tet, i64::from(days - 10) * 10_000 + 10 * 40_000);
        // 11 ordinary days leave 100: two and a half days of the rush.
        assert_eq!(found.cover, Some(13));
    }
}
