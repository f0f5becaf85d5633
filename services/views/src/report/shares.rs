//! Reads where chains reach and where not: districts by channel, products by source, what goes through which channel, who is idle.

use super::{MOST_DAYS, date, days, length, paged, share, small, tet};
use crate::filter::Range;
use crate::page::Page;
use crate::programme::read as programme;
use crate::read::{Cut, Query};
use crate::registry::read::retired;
use crate::stock::read::today;
use crate::throughput::read::joins;
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use std::collections::BTreeMap;
use wire::proto::chuoi::event::v1::SiteKind;
use wire::proto::chuoi::report::v1 as proto;
use wire::proto::chuoi::throughput::v1::Stage;

/// Shops of each kind in each district, and how many of them were supplied.
pub(super) async fn coverage(
    cut: &Cut<'_>,
    request: &proto::ListCoverageRequest,
    page: &Page,
) -> Result<proto::ListCoverageResponse, Error> {
    let (first, last) = days(cut, &request.from_date, &request.to_date, 7)?;
    let products = filter::products(cut, "products", &request.products).await?;
    let chains = filter::chains(cut, "chains", &request.chains).await?;
    let districts = filter::districts(cut, "districts", &request.districts).await?;
    let channels = filter::channels("channels", &request.channels)?;
    let received = Stage::Received as i32;
    let mut query = Query::default();
    let source = Range { from: Some(first), to: Some(last) }.source(cut, &mut query, true);
    let mapped = filter::day("map_date", &request.map_date)?.map_or_else(|| today(cut), Ok)?;
    let map = query.bind(mapped.0);
    let (products, chains) = (query.bind(products), query.bind(chains));
    let (districts, channels) = (query.bind(districts), query.bind(channels));
    query.sql = format!(
        "WITH shops AS (
             SELECT s.site_code, s.kind, s.district AS district_code FROM {} AS s WHERE s.is_shop AND s.stands <> 'closed'
         ),
         supplied AS (
             SELECT coalesce(ms.survivor_code, k.site_code) AS site_code FROM {source} AS k
             LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = k.site_code
             WHERE k.stage = {received} AND ({products}::text[] IS NULL OR k.product_code = ANY({products}))
                 AND ({chains}::text[] IS NULL OR k.chain_code = ANY({chains}))
             GROUP BY 1 HAVING sum(k.quantity_milli) > 0
         ),
         stocked AS (
             SELECT DISTINCT coalesce(ms.survivor_code, k.site_code) AS site_code FROM stock_totals k
             LEFT JOIN merged ms ON ms.kind = 'site' AND ms.code = k.site_code
             WHERE ({products}::text[] IS NULL OR k.product_code = ANY({products}))
                 AND ({chains}::text[] IS NULL OR k.chain_code = ANY({chains}))
         )
         SELECT d.district_code, d.name, k.kind, count(s.site_code) AS sites, count(u.site_code) AS supplied, count(t.site_code) AS stocked
         FROM districts d CROSS JOIN (SELECT DISTINCT kind FROM shops) AS k
         LEFT JOIN shops s ON s.district_code = d.district_code AND s.kind = k.kind
         LEFT JOIN supplied u ON u.site_code = s.site_code LEFT JOIN stocked t ON t.site_code = s.site_code
         WHERE ({districts}::text[] IS NULL OR d.district_code = ANY({districts}))
             AND ({channels}::text[] IS NULL OR k.kind = ANY({channels}))
             -- The units of the day's map: another shows where shops still name it.
             AND (s.site_code IS NOT NULL OR d.district_code IN (SELECT district_code FROM {} AS map))
         GROUP BY 1, 2, 3 ORDER BY 1, 3",
        programme::sites(&map),
        programme::districts(&map)
    );
    let mut rows = Vec::new();
    for row in cut.query(&query).await? {
        rows.push(proto::Coverage {
            district_code: row.try_get("district_code")?,
            district_name: row.try_get("name")?,
            kind: names::site_kind(row.try_get("kind")?).into(),
            sites: small(row.try_get("sites")?),
            supplied_sites: small(row.try_get("supplied")?),
            stocked_sites: small(row.try_get("stocked")?),
        });
    }
    if request.gaps_only {
        rows.retain(|row| row.supplied_sites == 0);
    }
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListCoverageResponse {
        rows,
        map_date: date(mapped),
        from_date: date(first),
        to_date: date(last),
        next_page_token,
        position: cut.position(),
    })
}

/// From how many chains each product came.
pub(super) async fn sources(
    cut: &Cut<'_>,
    request: &proto::ListSourcesRequest,
    page: &Page,
) -> Result<proto::ListSourcesResponse, Error> {
    let (first, last) = days(cut, &request.from_date, &request.to_date, 30)?;
    let products = filter::products(cut, "products", &request.products).await?;
    filter::limit("groups", request.groups.len())?;
    let groups = (!request.groups.is_empty()).then(|| request.groups.clone());
    let dispatched = Stage::Dispatched as i32;
    let mut query = Query::default();
    let source = Range { from: Some(first), to: Some(last) }.goods(cut, &mut query, true);
    let today = query.bind(today(cut)?.0);
    let (products, groups) = (query.bind(products), query.bind(groups));
    query.sql = format!(
        "WITH sent AS (
             SELECT coalesce(mp.survivor_code, k.product_code) AS product_code, k.chain_code, sum(k.quantity_milli)::bigint AS milli
             FROM {source} AS k LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = k.product_code
             WHERE k.stage = {dispatched} GROUP BY 1, 2 HAVING sum(k.quantity_milli) > 0
         ),
         active AS (SELECT product_code, count(*) AS chains, min(chain_code) AS only_chain, sum(milli)::bigint AS milli FROM sent GROUP BY 1),
         member AS (
             SELECT coalesce(mp.survivor_code, m.member_code) AS product_code, count(DISTINCT m.chain_code) AS chains,
                    min(m.chain_code) AS only_chain
             FROM memberships m LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = m.member_code
             WHERE m.member_kind = 'product' AND m.is_member GROUP BY 1
         )
         SELECT q.*, c.name AS chain_name FROM (
             SELECT p.product_code, p.name, p.group_code, p.base_unit, coalesce(a.chains, 0) AS active, coalesce(m.chains, 0) AS members,
                    CASE WHEN a.chains = 1 THEN a.only_chain WHEN a.chains IS NULL AND m.chains = 1 THEN m.only_chain ELSE '' END AS only_chain,
                    coalesce(a.milli, 0) AS milli
             FROM products p LEFT JOIN active a USING (product_code) LEFT JOIN member m USING (product_code)
             LEFT JOIN {} AS r ON r.kind = 'product' AND r.code = p.product_code
             LEFT JOIN merged d ON d.kind = 'product' AND d.code = p.product_code
             WHERE d.code IS NULL AND (r.code IS NULL OR a.chains IS NOT NULL)
                 AND ({products}::text[] IS NULL OR p.product_code = ANY({products}))
                 AND ({groups}::text[] IS NULL OR p.group_code = ANY({groups}))
         ) AS q LEFT JOIN chains c ON c.chain_code = q.only_chain ORDER BY q.active, q.members, q.product_code",
        retired(&today)
    );
    let mut rows = Vec::new();
    for row in cut.query(&query).await? {
        rows.push(proto::Source {
            product_code: row.try_get("product_code")?,
            product_name: row.try_get("name")?,
            group_code: row.try_get("group_code")?,
            member_chains: small(row.try_get("members")?),
            active_chains: small(row.try_get("active")?),
            only_chain_code: row.try_get("only_chain")?,
            only_chain_name: row.try_get::<_, Option<String>>("chain_name")?.unwrap_or_default(),
            dispatched_milli: row.try_get("milli")?,
            unit: row.try_get("base_unit")?,
        });
    }
    if let Some(most) = request.most_chains {
        rows.retain(|row| row.active_chains <= most);
    }
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListSourcesResponse {
        rows,
        from_date: date(first),
        to_date: date(last),
        next_page_token,
        position: cut.position(),
    })
}

/// What each chain sends through each channel, beside its plan.
pub(super) async fn channel_splits(
    cut: &Cut<'_>,
    request: &proto::ListChannelSplitsRequest,
    page: &Page,
) -> Result<proto::ListChannelSplitsResponse, Error> {
    let (first, last) = days(cut, &request.from_date, &request.to_date, 30)?;
    let chains = filter::chains(cut, "chains", &request.chains).await?;
    let received = Stage::Received as i32;
    let mut query = Query::default();
    let source = Range { from: Some(first), to: Some(last) }.source(cut, &mut query, true);
    query.sql = format!(
        "SELECT k.chain_code, s.kind, div(sum(k.quantity_milli::numeric * coalesce(p.mass_gram, 0)), 1000)::bigint AS gram,
                coalesce(sum(k.quantity_milli) FILTER (WHERE coalesce(p.mass_gram, 0) = 0), 0)::bigint AS unknown
         FROM {source} AS k {} WHERE k.stage = {received} AND s.kind IN ('supermarket', 'general_store', 'specialty_store')
         GROUP BY 1, 2",
        joins()
    );
    let mut arrived: BTreeMap<(String, SiteKind), (i64, i64)> = BTreeMap::new();
    for row in cut.query(&query).await? {
        let kind = names::site_kind(row.try_get("kind")?);
        arrived.insert((row.try_get("chain_code")?, kind), (row.try_get("gram")?, row.try_get("unknown")?));
    }
    let sql = "SELECT chain_code, name, share_supermarket_percent, share_general_percent, share_specialty_percent FROM chains
               WHERE $1::text[] IS NULL OR chain_code = ANY($1) ORDER BY chain_code";
    let mut rows = Vec::new();
    for row in cut.rows(sql, &[&chains]).await? {
        let (code, name): (String, String) = (row.try_get("chain_code")?, row.try_get("name")?);
        let of = |kind: SiteKind| arrived.get(&(code.clone(), kind)).copied().unwrap_or_default();
        let planned = [
            (SiteKind::Supermarket, row.try_get::<_, i32>("share_supermarket_percent")?),
            (SiteKind::GeneralStore, row.try_get("share_general_percent")?),
            (SiteKind::SpecialtyStore, row.try_get("share_specialty_percent")?),
        ];
        let whole: i64 = planned.iter().map(|(kind, _)| of(*kind).0).sum();
        for (kind, percent) in planned {
            let (gram, unknown) = of(kind);
            let actual = share(gram, whole);
            rows.push(proto::ChannelSplit {
                chain_code: code.clone(),
                chain_name: name.clone(),
                kind: kind.into(),
                planned_basis_points: percent * 100,
                actual_basis_points: actual,
                gap_basis_points: actual.map(|actual| actual - percent * 100),
                received_gram: gram,
                unknown_milli: unknown,
            });
        }
    }
    let (rows, next_page_token) = paged(rows, page)?;
    let (from_date, to_date) = (date(first), date(last));
    Ok(proto::ListChannelSplitsResponse { rows, from_date, to_date, next_page_token, position: cut.position() })
}

/// Rests of a chain that are needed to tell what is usual.
const FEWEST_RESTS: usize = 3;

/// How long a chain has been silent on a day.
#[derive(Debug, PartialEq, Eq)]
struct Silence {
    last: Option<BusinessDay>,
    idle_days: Option<i32>,
    tet_days: i32,
    usual_gap: Option<i32>,
}

/// The silence of a chain that entered something on these days, which are in order.
fn silence(entered: &[BusinessDay], day: BusinessDay) -> Silence {
    let without_tet = |from: BusinessDay, to: BusinessDay| {
        let rests = (from.0 + 1..=to.0).filter(|day| tet::rests(BusinessDay(*day))).count();
        let rests = i32::try_from(rests).unwrap_or(i32::MAX);
        (to.0 - from.0 - rests, rests)
    };
    // From one entry to the next: a chain that enters something every day has gaps of one day.
    let mut gaps: Vec<i32> = entered.windows(2).map(|days| without_tet(days[0], days[1]).0).collect();
    gaps.sort_unstable();
    let usual = (gaps.len() * 95).div_ceil(100).checked_sub(1).filter(|_| gaps.len() >= FEWEST_RESTS);
    let since = entered.last().map(|last| without_tet(*last, day));
    Silence {
        last: entered.last().copied(),
        idle_days: since.map(|(days, _)| days),
        tet_days: since.map_or(0, |(_, rests)| rests),
        usual_gap: usual.and_then(|at| gaps.get(at).copied()),
    }
}

/// Chains that are silent for longer than they usually are.
pub(crate) async fn idle_chains(
    cut: &Cut<'_>,
    request: &proto::ListIdleChainsRequest,
    page: &Page,
) -> Result<proto::ListIdleChainsResponse, Error> {
    let day = match filter::day("date", &request.date)? {
        Some(day) => day,
        None => today(cut)?,
    };
    let chains = filter::chains(cut, "chains", &request.chains).await?;
    let least = length("min_days", request.min_days, 3)?;
    let sql = format!(
        "SELECT c.chain_code, c.name, c.lead_organization_code,
                ARRAY(SELECT d.business_day FROM chain_days d WHERE d.chain_code = c.chain_code AND d.business_day BETWEEN $2 AND $1
                      ORDER BY 1) AS days
         FROM chains c LEFT JOIN {} AS r ON r.kind = 'chain' AND r.code = c.chain_code
         WHERE r.code IS NULL AND ($3::text[] IS NULL OR c.chain_code = ANY($3))",
        retired("$1")
    );
    let mut rows = Vec::new();
    for row in cut.rows(&sql, &[&day.0, &day.plus(-MOST_DAYS).0, &chains]).await? {
        let entered: Vec<BusinessDay> = row.try_get::<_, Vec<i32>>("days")?.into_iter().map(BusinessDay).collect();
        let silence = silence(&entered, day);
        let idle = silence.idle_days.is_none_or(|days| days >= least && days > silence.usual_gap.unwrap_or(0));
        if !idle && !request.all {
            continue;
        }
        rows.push(proto::IdleChain {
            chain_code: row.try_get("chain_code")?,
            chain_name: row.try_get("name")?,
            lead_organization_code: row.try_get("lead_organization_code")?,
            last_date: silence.last.map(date).unwrap_or_default(),
            idle_days: silence.idle_days,
            tet_days: silence.tet_days,
            usual_gap_days: silence.usual_gap,
            idle,
        });
    }
    rows.sort_by_key(|row| (-row.idle_days.unwrap_or(i32::MAX), row.chain_code.clone()));
    let (rows, next_page_token) = paged(rows, page)?;
    let tet_pause = tet::rests(day);
    Ok(proto::ListIdleChainsResponse { rows, date: date(day), tet_pause, next_page_token, position: cut.position() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as of;

    fn day(year: i16, month: i8, day: i8) -> BusinessDay {
        BusinessDay::of(of(year, month, day))
    }

    #[test]
    fn rests_for_tet_are_no_silence() {
        // Entered daily to 29 January 2022; Tết was 1 February, and farms rest from 30 January to 4 February.
        let entered: Vec<BusinessDay> = (1..=29).map(|of| day(2022, 1, of)).collect();
        let quiet = silence(&entered, day(2022, 2, 4));
        assert_eq!((quiet.idle_days, quiet.tet_days, quiet.usual_gap), (Some(0), 6, Some(1)));
        assert_eq!(silence(&entered, day(2022, 2, 8)).idle_days, Some(4));
    }

    #[test]
    fn what_is_usual_is_told_from_the_rests_of_the_chain() {
        // Every third day, with one rest of nine.
        let mut entered: Vec<BusinessDay> = (0..30).map(|times| day(2026, 3, 1).plus(times * 3)).collect();
        entered.push(entered[29].plus(9));
        assert_eq!(silence(&entered, entered[30].plus(5)).usual_gap, Some(3), "95 of a hundred");
        assert_eq!(silence(&entered[..3], entered[2]).usual_gap, None, "two rests tell nothing");
        let never = silence(&[], day(2026, 3, 1));
        assert_eq!(never, Silence { last: None, idle_days: None, tet_days: 0, usual_gap: None });
    }
}
