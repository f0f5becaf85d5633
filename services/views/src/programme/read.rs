//! Reads what is graded, how sites stand and what is aimed at, as it held on a day.

use crate::page::Page;
use crate::read::{Cut, Query};
use crate::registry::read::retired;
use crate::report::{paged, small};
use crate::stock::read::today;
use crate::throughput::read::basis_points;
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use std::collections::BTreeMap;
use tokio_postgres::Row;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::programme::v1 as proto;
use wire::proto::chuoi::programme::v1::Validity;

/// Days that a question looks ahead at most.
const MOST_DAYS_AHEAD: i32 = 3_660;

pub(super) fn on(cut: &Cut<'_>, date: &str) -> Result<BusinessDay, Error> {
    filter::day("date", date)?.map_or_else(|| today(cut), Ok)
}

pub(super) fn ahead(given: i32) -> Result<Option<i32>, Error> {
    match given {
        0 => Ok(None),
        days if (1..=MOST_DAYS_AHEAD).contains(&days) => Ok(Some(days)),
        days => {
            let allowed = format!("1 to {MOST_DAYS_AHEAD}; 0 for all");
            Err(Error::Malformed { field: "lapsing_within_days", value: days.to_string(), allowed })
        }
    }
}

pub(super) fn text(row: &Row, name: &str) -> Result<String, Error> {
    Ok(row.try_get::<_, Option<String>>(name)?.unwrap_or_default())
}

/// Facts of a table as they hold on a day: of each key the one of the latest day up to it, and of that day the last recorded.
pub(super) fn held(table: &str, key: &str, day: &str) -> String {
    format!(
        "(SELECT DISTINCT ON ({key}) * FROM {table} WHERE from_day <= {day} ORDER BY {key}, from_day DESC, sequence DESC, ordinal DESC)"
    )
}

/// Products of the programme with their last gradings up to a day.
fn ocop(day: &str) -> String {
    format!(
        "(SELECT r.dossier_number, r.from_day AS registered_day, r.subject_code, r.product_code, r.district_code,
                 g.from_day AS graded_day, g.rule, g.community_hundredths, g.marketing_hundredths, g.quality_hundredths, g.stars,
                 g.until_day, g.level, g.decision_number, coalesce(ms.survivor_code, r.subject_code) AS subject,
                 coalesce(mp.survivor_code, r.product_code) AS product, coalesce(d.now_code, r.district_code) AS district
          FROM {} AS r LEFT JOIN {} AS g USING (dossier_number)
          LEFT JOIN merged ms ON ms.kind = 'organization' AND ms.code = r.subject_code
          LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = r.product_code
          LEFT JOIN {} AS d ON d.code = r.district_code)",
        held("ocop_registration_facts", "dossier_number", day),
        held("ocop_grading_facts", "dossier_number", day),
        successors(day),
    )
}

/// Units that passed wholly to another up to a day, with the one at the end: what was said of them counts there.
pub(crate) fn successors(day: &str) -> String {
    format!(
        "(WITH RECURSIVE edges AS (SELECT from_district_code, to_district_code FROM {} AS e WHERE share_basis_points = 10000),
          passed AS (
              SELECT from_district_code AS code, to_district_code AS now_code FROM edges
              UNION SELECT p.code, e.to_district_code FROM passed p JOIN edges e ON e.from_district_code = p.now_code
          )
          SELECT p.* FROM passed p WHERE NOT EXISTS (SELECT FROM edges e WHERE e.from_district_code = p.now_code))",
        held("district_succession_facts", "from_district_code", day)
    )
}

/// The stars that a product of a maker has on a day; none where none hold.
pub(crate) async fn stars(cut: &Cut<'_>, subject: &str, product: &str, day: BusinessDay) -> Result<Option<i32>, Error> {
    let mut query = Query::default();
    let (bound, subject, product) = (query.bind(day.0), query.bind(subject.to_owned()), query.bind(product.to_owned()));
    query.sql = format!(
        "SELECT max(stars) FROM {} AS k WHERE k.until_day >= {bound}
             AND k.subject = coalesce((SELECT survivor_code FROM merged WHERE kind = 'organization' AND code = {subject}), {subject})
             AND k.product = coalesce((SELECT survivor_code FROM merged WHERE kind = 'product' AND code = {product}), {product})",
        ocop(&bound)
    );
    Ok(cut.query(&query).await?.first().map(|row| row.try_get(0)).transpose()?.flatten())
}

/// Products of the programme.
pub(super) async fn list_ocop_products(
    cut: &Cut<'_>,
    request: &proto::ListOcopProductsRequest,
    page: &Page,
) -> Result<proto::ListOcopProductsResponse, Error> {
    let day = on(cut, &request.date)?;
    let within = ahead(request.lapsing_within_days)?;
    let least = match request.min_stars {
        0..=5 => request.min_stars,
        stars => {
            return Err(Error::Malformed { field: "min_stars", value: stars.to_string(), allowed: "1 to 5; 0 for all".into() });
        }
    };
    let subjects = filter::organizations(cut, "subjects", &request.subjects).await?;
    let products = filter::products(cut, "products", &request.products).await?;
    let districts = filter::districts(cut, "districts", &request.districts).await?;
    let mut query = Query::default();
    let (bound, subjects, products, districts) =
        (query.bind(day.0), query.bind(subjects), query.bind(products), query.bind(districts));
    query.sql = format!(
        "SELECT k.*, o.name AS subject_name, p.name AS product_name, d.name AS district_name FROM {} AS k
         LEFT JOIN organizations o ON o.organization_code = k.subject LEFT JOIN products p ON p.product_code = k.product
         LEFT JOIN districts d ON d.district_code = k.district
         WHERE ({subjects}::text[] IS NULL OR k.subject = ANY({subjects})) AND ({products}::text[] IS NULL OR k.product = ANY({products}))
             AND ({districts}::text[] IS NULL OR k.district = ANY({districts}) OR k.district_code = ANY({districts}))
         ORDER BY k.until_day, k.dossier_number",
        ocop(&bound)
    );
    let mut rows = Vec::new();
    for row in cut.query(&query).await? {
        let product = ocop_product(&row, day)?;
        let is_valid = product.validity() == Validity::Valid;
        let lapses = within.is_none_or(|days| product.days_left.is_some_and(|left| left <= days));
        if lapses && (least == 0 || is_valid && product.stars >= least) {
            rows.push(product);
        }
    }
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListOcopProductsResponse { rows, date: filter::date(Some(day.0)), next_page_token, position: cut.position() })
}

fn ocop_product(row: &Row, day: BusinessDay) -> Result<proto::OcopProduct, Error> {
    let (graded, until): (Option<i32>, Option<i32>) = (row.try_get("graded_day")?, row.try_get("until_day")?);
    let points = |name: &str| row.try_get::<_, Option<i32>>(name).map(|points| points.unwrap_or(0).unsigned_abs());
    let grading = event::OcopGraded {
        dossier_number: text(row, "dossier_number")?,
        rule: names::ocop_rule(&text(row, "rule")?).into(),
        community_hundredths: points("community_hundredths")?,
        marketing_hundredths: points("marketing_hundredths")?,
        quality_hundredths: points("quality_hundredths")?,
        level: names::grading_level(&text(row, "level")?).into(),
        decision_number: text(row, "decision_number")?,
    };
    let total = grading.community_hundredths + grading.marketing_hundredths + grading.quality_hundredths;
    let validity = match until {
        None => Validity::Unspecified,
        Some(until) if until < day.0 => Validity::Lapsed,
        Some(_) => Validity::Valid,
    };
    Ok(proto::OcopProduct {
        dossier_number: grading.dossier_number.clone(),
        registered_date: filter::date(row.try_get("registered_day")?),
        subject_code: text(row, "subject")?,
        subject_name: text(row, "subject_name")?,
        product_code: text(row, "product")?,
        product_name: text(row, "product_name")?,
        district_code: text(row, "district")?,
        district_name: text(row, "district_name")?,
        graded: graded.is_some().then_some(grading),
        graded_date: filter::date(graded),
        total_hundredths: i32::try_from(total).unwrap_or(i32::MAX),
        stars: row.try_get::<_, Option<i32>>("stars")?.unwrap_or(0),
        until_date: filter::date(until),
        validity: validity.into(),
        days_left: until.filter(|until| *until >= day.0).map(|until| until.saturating_sub(day.0)),
    })
}

/// Districts as the map of a day has them.
pub(crate) fn districts(day: &str) -> String {
    format!("(SELECT * FROM {} AS d WHERE ends_day IS NULL OR ends_day > {day})", held("district_facts", "district_code", day))
}

/// Sites as they were registered on a day, each with how it stood and in which district of that day's map; those that were retired, or
/// turned out to be another, are none.
pub(crate) fn sites(day: &str) -> String {
    format!(
        "(SELECT f.*, coalesce(d.now_code, f.district_code) AS district, coalesce(st.stands, 'open') AS stands, st.since_day, st.last_day,
                 st.reason
          FROM {} AS f
          LEFT JOIN {} AS d ON d.code = f.district_code
          LEFT JOIN {} AS r ON r.kind = 'site' AND r.code = f.site_code
          LEFT JOIN merged m ON m.kind = 'site' AND m.code = f.site_code
          LEFT JOIN {} AS st ON st.site = f.site_code
          WHERE r.code IS NULL AND m.code IS NULL)",
        held("site_facts", "site_code", day),
        successors(day),
        retired(day),
        standings(day)
    )
}

/// How sites stand on a day, as far as anybody said: after the last day of what was said it is the other way round.
fn standings(day: &str) -> String {
    let over = format!("(until_day IS NOT NULL AND until_day < {day})");
    format!(
        "(SELECT site, reason, CASE WHEN NOT {over} THEN standing WHEN standing = 'open' THEN 'closed' ELSE 'open' END AS stands,
                 CASE WHEN {over} THEN until_day + 1 ELSE from_day END AS since_day, CASE WHEN NOT {over} THEN until_day END AS last_day
          FROM (SELECT DISTINCT ON (coalesce(m.survivor_code, s.site_code)) coalesce(m.survivor_code, s.site_code) AS site, s.*
                FROM site_standing_facts s LEFT JOIN merged m ON m.kind = 'site' AND m.code = s.site_code WHERE s.from_day <= {day}
                ORDER BY coalesce(m.survivor_code, s.site_code), s.from_day DESC, s.sequence DESC, s.ordinal DESC) AS said)"
    )
}

/// How far each district is.
pub(super) async fn list_ocop_progress(
    cut: &Cut<'_>,
    request: &proto::ListOcopProgressRequest,
) -> Result<proto::ListOcopProgressResponse, Error> {
    let day = on(cut, &request.date)?;
    let only = filter::districts(cut, "districts", &request.districts).await?;
    let mut query = Query::default();
    let (bound, only) = (query.bind(day.0), query.bind(only));
    query.sql = format!(
        "SELECT d.district_code, d.name, coalesce(k.registered, 0) AS registered, coalesce(k.graded, 0) AS graded,
                coalesce(k.three, 0) AS three, coalesce(k.four, 0) AS four, coalesce(k.five, 0) AS five, coalesce(k.lapsed, 0) AS lapsed,
                coalesce(s.intro, 0) AS intro, coalesce(s.sale, 0) AS sale, coalesce(s.design, 0) AS design
         FROM {} AS d
         LEFT JOIN (SELECT district, count(DISTINCT (subject, product)) AS registered,
                           count(DISTINCT (subject, product)) FILTER (WHERE stars >= 3) AS graded,
                           count(DISTINCT (subject, product)) FILTER (WHERE stars = 3 AND until_day >= {bound}) AS three,
                           count(DISTINCT (subject, product)) FILTER (WHERE stars = 4 AND until_day >= {bound}) AS four,
                           count(DISTINCT (subject, product)) FILTER (WHERE stars = 5 AND until_day >= {bound}) AS five,
                           count(DISTINCT (subject, product)) FILTER (WHERE stars >= 3)
                               - count(DISTINCT (subject, product)) FILTER (WHERE until_day >= {bound}) AS lapsed
                    FROM {} AS o GROUP BY 1) AS k ON k.district = d.district_code
         LEFT JOIN (SELECT district, count(*) FILTER (WHERE kind = 'ocop_intro_point') AS intro,
                           count(*) FILTER (WHERE kind = 'ocop_sale_point') AS sale,
                           count(*) FILTER (WHERE kind = 'design_center') AS design
                    FROM {} AS f WHERE stands <> 'closed' GROUP BY 1) AS s ON s.district = d.district_code
         WHERE ({only}::text[] IS NULL OR d.district_code = ANY({only}))
             -- The units of the day's map: another shows where a dossier or a point still names it.
             AND (d.ends_day IS NULL OR d.ends_day > {bound} OR k.registered > 0 OR s.intro + s.sale + s.design > 0)
         ORDER BY d.district_code",
        held("district_facts", "district_code", &bound),
        ocop(&bound),
        sites(&bound),
    );
    let row = |row: &Row| -> Result<proto::OcopProgress, Error> {
        let count = |name: &str| row.try_get::<_, i64>(name).map(small);
        Ok(proto::OcopProgress {
            district_code: text(row, "district_code")?,
            district_name: text(row, "name")?,
            registered: count("registered")?,
            graded: count("graded")?,
            three_stars: count("three")?,
            four_stars: count("four")?,
            five_stars: count("five")?,
            lapsed: count("lapsed")?,
            intro_points: count("intro")?,
            sale_points: count("sale")?,
            design_centers: count("design")?,
        })
    };
    let rows = cut.query(&query).await?.iter().map(row).collect::<Result<_, _>>()?;
    Ok(proto::ListOcopProgressResponse { rows, date: filter::date(Some(day.0)), position: cut.position() })
}

/// Sites that are closed or restricted.
pub(super) async fn list_standings(
    cut: &Cut<'_>,
    request: &proto::ListStandingsRequest,
    page: &Page,
) -> Result<proto::ListStandingsResponse, Error> {
    let day = on(cut, &request.date)?;
    let only = filter::sites(cut, "sites", &request.sites).await?;
    let mut query = Query::default();
    let (bound, only) = (query.bind(day.0), query.bind(only));
    query.sql = format!(
        "WITH stopped AS (SELECT * FROM {} AS f WHERE stands <> 'open' AND ({only}::text[] IS NULL OR site_code = ANY({only}))),
         codes AS (SELECT site_code, site_code AS code FROM stopped
                   UNION SELECT s.site_code, m.code FROM stopped s JOIN merged m ON m.kind = 'site' AND m.survivor_code = s.site_code)
         SELECT s.*, k.lots, k.gram, w.codes, w.shipments FROM stopped s
         LEFT JOIN LATERAL (
             SELECT count(DISTINCT t.lot_id) AS lots, div(sum(t.quantity_milli::numeric * coalesce(p.mass_gram, 0)), 1000)::bigint AS gram
             FROM codes c JOIN stock t ON t.site_code = c.code JOIN lots l ON l.lot_id = t.lot_id
             LEFT JOIN products p ON p.product_code = l.product_code WHERE c.site_code = s.site_code) AS k ON true
         LEFT JOIN LATERAL (
             SELECT count(*) AS shipments, (array_agg(sh.shipment_code ORDER BY sh.dispatch_day, sh.shipment_code))[1:20] AS codes
             FROM codes c JOIN shipments sh ON sh.to_site_code = c.code
             WHERE c.site_code = s.site_code AND EXISTS (
                 SELECT FROM shipment_lines sl WHERE sl.shipment_id = sh.shipment_id AND sl.open_milli > 0)) AS w ON true
         ORDER BY s.site_code",
        sites(&bound)
    );
    let row = |row: &Row| -> Result<proto::Standing, Error> {
        let codes: Option<Vec<Option<String>>> = row.try_get("codes")?;
        Ok(proto::Standing {
            site_code: text(row, "site_code")?,
            site_name: text(row, "name")?,
            kind: names::site_kind(row.try_get("kind")?).into(),
            standing: names::site_standing(&text(row, "stands")?).into(),
            from_date: filter::date(row.try_get("since_day")?),
            until_date: filter::date(row.try_get("last_day")?),
            reason: text(row, "reason")?,
            lots: small(row.try_get::<_, Option<i64>>("lots")?.unwrap_or(0)),
            estimated_mass_gram: row.try_get::<_, Option<i64>>("gram")?.unwrap_or(0),
            shipment_codes: codes.into_iter().flatten().flatten().collect(),
            shipments: small(row.try_get::<_, Option<i64>>("shipments")?.unwrap_or(0)),
        })
    };
    let rows = cut.query(&query).await?.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListStandingsResponse { rows, date: filter::date(Some(day.0)), next_page_token, position: cut.position() })
}

/// Craft villages.
pub(super) async fn list_craft_villages(
    cut: &Cut<'_>,
    request: &proto::ListCraftVillagesRequest,
    page: &Page,
) -> Result<proto::ListCraftVillagesResponse, Error> {
    let day = on(cut, &request.date)?;
    let only = filter::districts(cut, "districts", &request.districts).await?;
    let mut query = Query::default();
    let (bound, only) = (query.bind(day.0), query.bind(only));
    let (trade, recognised) = (query.bind(domain::text::fold(&request.trade)), query.bind(request.recognised_only));
    query.sql = format!(
        "SELECT v.*, coalesce(s.now_code, v.district_code) AS district, d.name AS district_name FROM {} AS v
         LEFT JOIN {} AS s ON s.code = v.district_code LEFT JOIN districts d ON d.district_code = coalesce(s.now_code, v.district_code)
         WHERE ({only}::text[] IS NULL OR v.district_code = ANY({only}) OR s.now_code = ANY({only}))
             AND ({trade} = '' OR v.trade_folded = {trade}) AND (NOT {recognised} OR v.recognition_number IS NOT NULL)
         ORDER BY v.village_code",
        held("craft_village_facts", "village_code", &bound),
        successors(&bound),
    );
    let row = |row: &Row| -> Result<proto::CraftVillage, Error> {
        Ok(proto::CraftVillage {
            registered: Some(event::CraftVillageRegistered {
                village_code: text(row, "village_code")?,
                name: text(row, "name")?,
                trade: text(row, "trade")?,
                district_code: text(row, "district")?,
                recognition_number: text(row, "recognition_number")?,
            }),
            from_date: filter::date(row.try_get("from_day")?),
            district_name: text(row, "district_name")?,
        })
    };
    let rows = cut.query(&query).await?.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListCraftVillagesResponse { rows, date: filter::date(Some(day.0)), next_page_token, position: cut.position() })
}

/// Cases of trademarks.
pub(super) async fn list_trademark_cases(
    cut: &Cut<'_>,
    request: &proto::ListTrademarkCasesRequest,
    page: &Page,
) -> Result<proto::ListTrademarkCasesResponse, Error> {
    let day = on(cut, &request.date)?;
    let subjects = filter::organizations(cut, "subjects", &request.subjects).await?;
    let mut query = Query::default();
    let (bound, subjects, open_only) = (query.bind(day.0), query.bind(subjects), query.bind(request.open_only));
    query.sql = format!(
        "SELECT t.*, coalesce(m.survivor_code, t.subject_code) AS subject, o.name AS subject_name,
                (SELECT min(f.from_day) FROM trademark_facts f WHERE f.case_number = t.case_number) AS opened_day
         FROM {} AS t LEFT JOIN merged m ON m.kind = 'organization' AND m.code = t.subject_code
         LEFT JOIN organizations o ON o.organization_code = coalesce(m.survivor_code, t.subject_code)
         WHERE ({subjects}::text[] IS NULL OR t.subject_code = ANY({subjects}) OR m.survivor_code = ANY({subjects}))
             AND NOT ({open_only} AND t.is_last)
         ORDER BY t.due_day, t.case_number",
        held("trademark_facts", "case_number", &bound)
    );
    let row = |row: &Row| -> Result<proto::TrademarkCase, Error> {
        let due: Option<i32> = row.try_get("due_day")?;
        Ok(proto::TrademarkCase {
            case_number: text(row, "case_number")?,
            subject_code: text(row, "subject")?,
            subject_name: text(row, "subject_name")?,
            mark: text(row, "mark")?,
            step: names::trademark_step(row.try_get("step")?).into(),
            step_date: filter::date(row.try_get("from_day")?),
            opened_date: filter::date(row.try_get("opened_day")?),
            due_date: filter::date(due),
            overdue: due.is_some_and(|due| due < day.0),
        })
    };
    let rows = cut.query(&query).await?.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListTrademarkCasesResponse { rows, date: filter::date(Some(day.0)), next_page_token, position: cut.position() })
}

/// What the programme counts, beside its targets.
pub(super) async fn score(cut: &Cut<'_>, request: &proto::GetScoreRequest) -> Result<proto::GetScoreResponse, Error> {
    let day = on(cut, &request.date)?;
    let mut query = Query::default();
    let bound = query.bind(day.0);
    let things = |kind: &str| {
        format!(
            "(SELECT count(DISTINCT f.{kind}_code) FROM {kind}_facts f LEFT JOIN {} AS r ON r.kind = '{kind}' AND r.code = f.{kind}_code
              LEFT JOIN merged m ON m.kind = '{kind}' AND m.code = f.{kind}_code
              WHERE f.from_day <= {bound} AND r.code IS NULL AND m.code IS NULL)",
            retired(&bound)
        )
    };
    query.sql = format!(
        "WITH site AS (SELECT kind, count(*) AS sites FROM {} AS s WHERE stands <> 'closed' GROUP BY 1),
         product AS (SELECT * FROM {} AS o), village AS (SELECT * FROM {} AS v)
         SELECT 'chains' AS measure, {} AS count UNION ALL SELECT 'products', {}
         UNION ALL SELECT names.measure, coalesce(site.sites, 0)
             FROM (VALUES ('supermarkets', 'supermarket'), ('general_stores', 'general_store'), ('specialty_stores', 'specialty_store'),
                          ('ocop_intro_points', 'ocop_intro_point'), ('ocop_sale_points', 'ocop_sale_point'),
                          ('design_centers', 'design_center')) AS names (measure, kind)
             LEFT JOIN site USING (kind)
         UNION ALL SELECT 'ocop_registered', count(DISTINCT (subject, product)) FROM product
         UNION ALL SELECT 'ocop_registered_districts', count(DISTINCT district) FROM product
         UNION ALL SELECT 'ocop_graded', count(DISTINCT (subject, product)) FROM product WHERE stars >= 3
         UNION ALL SELECT 'ocop_graded_districts', count(DISTINCT district) FROM product WHERE stars >= 3
         UNION ALL SELECT 'ocop_valid', count(DISTINCT (subject, product)) FROM product WHERE until_day >= {bound}
         UNION ALL SELECT 'ocop_five_stars', count(DISTINCT (subject, product)) FROM product WHERE stars = 5 AND until_day >= {bound}
         UNION ALL SELECT 'craft_villages', count(*) FROM village
         UNION ALL SELECT 'craft_villages_recognised', count(*) FROM village WHERE recognition_number IS NOT NULL
         UNION ALL SELECT 'craft_trades', count(DISTINCT trade_folded) FROM village",
        sites(&bound),
        ocop(&bound),
        held("craft_village_facts", "village_code", &bound),
        things("chain"),
        things("product"),
    );
    let mut counts: BTreeMap<i32, i64> = BTreeMap::new();
    for row in cut.query(&query).await? {
        counts.insert(names::programme_measure(&text(&row, "measure")?).into(), row.try_get("count")?);
    }
    let mut targets: BTreeMap<i32, Vec<(i64, i32, String)>> = BTreeMap::new();
    let mut query = Query::default();
    let bound = query.bind(day.0);
    query.sql =
        format!("SELECT * FROM {} AS t ORDER BY due_day, source", held("target_facts", "measure, due_day, source", &bound));
    for row in cut.query(&query).await? {
        let measure = names::programme_measure(&text(&row, "measure")?);
        let target = (row.try_get("value")?, row.try_get("due_day")?, text(&row, "source")?);
        targets.entry(measure.into()).or_default().push(target);
    }
    let mut rows = Vec::new();
    for (measure, count) in counts {
        let score = proto::Score { measure, count, ..proto::Score::default() };
        match targets.remove(&measure) {
            None => rows.push(score),
            Some(targets) => rows.extend(targets.into_iter().map(|(target, due, source)| proto::Score {
                target: Some(target),
                due_date: filter::date(Some(due)),
                source,
                basis_points: basis_points(count, target),
                overdue: due < day.0 && count < target,
                ..score.clone()
            })),
        }
    }
    Ok(proto::GetScoreResponse { rows, date: filter::date(Some(day.0)), position: cut.position() })
}
