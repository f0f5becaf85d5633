//! Reads codes: how they stand, and whether they are scanned where their goods never were.

use super::CodeKeys;
use crate::page::Page;
use crate::programme::{certificates, read as programme};
use crate::read::{Cut, Query};
use crate::report::origin;
use crate::stock::read::today;
use crate::trace::read::candidates;
use crate::{Error, filter};
use domain::id::TraceCode;
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::code::v1 as proto;
use wire::proto::chuoi::code::v1::CodeStanding;
use wire::proto::chuoi::programme::v1::ListCertificatesRequest;
use wire::proto::chuoi::trace::v1::TraceLotRequest;

/// Scans where the goods never were that make a code suspect at least: fewer may be people who took their shopping home.
const ELSEWHERE_SCANS: i64 = 20;
/// Districts where the goods never were, on one day, that make it suspect by themselves.
const ELSEWHERE_DISTRICTS: i64 = 5;

/// Whether a code of scans `s` was probably copied: scanned in many places where its goods never were on one day, or mostly there.
fn is_copied() -> String {
    format!(
        "coalesce(s.districts >= {ELSEWHERE_DISTRICTS} OR (s.elsewhere >= {ELSEWHERE_SCANS} AND s.elsewhere > s.located - s.elsewhere), false)"
    )
}

/// Codes that fit a condition on `c`, in the order of the codes, each with its revocation and its scans. Goods were where their lot
/// was moved; those of a product where any lot of it was that its issuer began. A unit that passed to another is the other, too.
fn codes(condition: &str) -> String {
    let stands = |row: &str| {
        format!(
            "NOT EXISTS (SELECT FROM reversals r WHERE r.organization_code = {row}.organization_code AND r.command_id = {row}.command_id)"
        )
    };
    format!(
        "SELECT c.code, coalesce(mo.survivor_code, c.organization_code) AS organization_code, o.name AS organization_name,
                coalesce(mp.survivor_code, c.product_code) AS product_code, p.name AS product_name, c.lot_id, l.lot_code, c.issued_day,
                v.revoked_day, v.reason, coalesce(s.total, 0)::bigint AS total, coalesce(s.located, 0)::bigint AS located,
                coalesce(s.elsewhere, 0)::bigint AS elsewhere, coalesce(s.districts, 0)::bigint AS districts, {} AS is_copied, s.last_day
         FROM codes c
         LEFT JOIN merged mo ON mo.kind = 'organization' AND mo.code = c.organization_code
         LEFT JOIN organizations o ON o.organization_code = coalesce(mo.survivor_code, c.organization_code)
         LEFT JOIN merged mp ON mp.kind = 'product' AND mp.code = c.product_code
         LEFT JOIN products p ON p.product_code = coalesce(mp.survivor_code, c.product_code)
         LEFT JOIN lots l ON l.lot_id = c.lot_id
         LEFT JOIN LATERAL (
             SELECT v.revoked_day, v.reason FROM code_revocations v WHERE v.code = c.code AND {}
             ORDER BY v.sequence DESC, v.ordinal DESC LIMIT 1) AS v ON true
         LEFT JOIN LATERAL (
             WITH scanned AS (
                 SELECT s.scanned_day, s.district_code, sum(s.scan_count) AS scans
                 FROM code_scans s WHERE s.code = c.code AND {} GROUP BY 1, 2),
             places AS (
                 SELECT si.district_code FROM (
                     SELECT unnest(ARRAY[m.from_site_code, m.to_site_code]) AS site_code
                     FROM lots t JOIN movements m ON m.lot_id = t.lot_id
                     WHERE t.lot_id = c.lot_id
                         OR c.lot_id IS NULL AND t.issuer_code = c.organization_code AND t.product_code = c.product_code
                 ) AS was JOIN sites si ON si.site_code = was.site_code
                 WHERE EXISTS (SELECT FROM scanned WHERE district_code <> '')),
             near AS (
                 SELECT district_code FROM places
                 UNION SELECT d.from_district_code FROM district_succession_facts d JOIN places ON d.to_district_code = places.district_code
                 UNION SELECT d.to_district_code FROM district_succession_facts d JOIN places ON d.from_district_code = places.district_code),
             days AS (
                 SELECT scanned_day, sum(scans) AS total, sum(scans) FILTER (WHERE district_code <> '') AS located,
                        sum(scans) FILTER (WHERE is_elsewhere) AS elsewhere, count(*) FILTER (WHERE is_elsewhere) AS districts
                 FROM (SELECT *, district_code <> '' AND district_code NOT IN (SELECT district_code FROM near) AS is_elsewhere
                       FROM scanned) AS judged GROUP BY 1)
             SELECT sum(total) AS total, sum(located) AS located, sum(elsewhere) AS elsewhere, max(districts) AS districts,
                    max(scanned_day) AS last_day FROM days) AS s ON true
         WHERE {} AND {condition} ORDER BY c.code",
        is_copied(),
        stands("v"),
        stands("s"),
        stands("c"),
    )
}

fn text(row: &Row, column: &str) -> Result<String, Error> {
    Ok(row.try_get::<_, Option<String>>(column)?.unwrap_or_default())
}

/// A code that stands in a table is one.
fn code(row: &Row) -> Result<TraceCode, Error> {
    let text = text(row, "code")?;
    TraceCode::parse(&text).map(|(code, _)| code).map_err(|error| Error::Unfoldable(error.to_string()))
}

fn standing(row: &Row) -> Result<CodeStanding, Error> {
    let revoked: Option<i32> = row.try_get("revoked_day")?;
    Ok(if revoked.is_some() { CodeStanding::Revoked } else { CodeStanding::Valid })
}

/// What everybody may know of a code.
pub(super) async fn resolve(
    cut: &Cut<'_>,
    keys: &CodeKeys,
    request: &proto::ResolveCodeRequest,
) -> Result<proto::ResolveCodeResponse, Error> {
    if keys.is_empty() {
        return Err(Error::NoCodeKeys);
    }
    let read = TraceCode::parse(&request.code).ok().and_then(|(code, check)| Some((code, check?)));
    let Some((code, check)) = read else {
        let allowed = "16 letters and digits without I, L, O and U, as printed".into();
        return Err(Error::Malformed { field: "code", value: request.code.clone(), allowed });
    };
    let position = cut.position();
    if !keys.holds(&code, &check) {
        let standing = CodeStanding::Invented.into();
        return Ok(proto::ResolveCodeResponse { code: request.code.clone(), standing, position, ..Default::default() });
    }
    let mut answer = proto::ResolveCodeResponse { code: keys.printed(&code), position, ..Default::default() };
    let mut query = Query::default();
    let bound = query.bind(code.as_str().to_owned());
    query.sql = codes(&format!("c.code = {bound}"));
    let found = cut.query(&query).await?;
    let Some(row) = found.first() else {
        answer.set_standing(CodeStanding::Unknown);
        return Ok(answer);
    };
    answer.set_standing(standing(row)?);
    let (organization, today) = (text(row, "organization_code")?, today(cut)?);
    answer.is_probably_copied = row.try_get("is_copied")?;
    answer.product_code = text(row, "product_code")?;
    answer.product_name = text(row, "product_name")?;
    answer.producer_name = text(row, "organization_name")?;
    answer.issued_date = filter::date(row.try_get("issued_day")?);
    answer.revoked_date = filter::date(row.try_get("revoked_day")?);
    answer.revoked_reason = text(row, "reason")?;
    answer.ocop_stars = programme::stars(cut, &organization, &answer.product_code, today).await?.unwrap_or(0);
    match row.try_get::<_, Option<Uuid>>("lot_id")? {
        Some(lot) => {
            let named = TraceLotRequest { lot_id: lot.to_string(), ..TraceLotRequest::default() };
            if let Some(lot) = candidates(cut, &named).await?.into_iter().next() {
                answer.lot = Some(origin::facts(cut, lot).await?);
            }
        }
        None => {
            let (holders, products) = (vec![organization], vec![answer.product_code.clone()]);
            let covering = ListCertificatesRequest { holders, products, ..ListCertificatesRequest::default() };
            answer.certificates = certificates::list_certificates(cut, &covering, &Page::all()).await?.rows;
        }
    }
    Ok(answer)
}

/// Codes, by code.
pub(super) async fn list(
    cut: &Cut<'_>,
    keys: &CodeKeys,
    request: &proto::ListCodesRequest,
    page: &Page,
) -> Result<proto::ListCodesResponse, Error> {
    if keys.is_empty() {
        return Err(Error::NoCodeKeys);
    }
    filter::limit("codes", request.codes.len())?;
    let named = request.codes.iter().map(|given| match TraceCode::parse(given) {
        Ok((code, _)) => Ok(code.as_str().to_owned()),
        Err(error) => Err(Error::Malformed { field: "codes", value: given.clone(), allowed: error.allowed.into() }),
    });
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let named = (!named.is_empty()).then_some(named);
    let organizations = filter::organizations(cut, "organizations", &request.organizations).await?;
    let products = filter::products(cut, "products", &request.products).await?;
    let lots = filter::lots(cut, "lots", &request.lots).await?;
    let after = page.after(1)?.map(|after| after[0].clone());
    let mut query = Query::default();
    let (named, organizations) = (query.bind(named), query.bind(organizations));
    let (products, lots, after) = (query.bind(products), query.bind(lots), query.bind(after));
    let limit = query.bind(page.size.saturating_add(1));
    let suspect = if request.copied_only { is_copied() } else { "true".to_owned() };
    let all = codes(&format!(
        "({named}::text[] IS NULL OR c.code = ANY({named})) AND ({organizations}::text[] IS NULL OR c.organization_code = ANY({organizations}))
         AND ({products}::text[] IS NULL OR c.product_code = ANY({products})) AND ({lots}::uuid[] IS NULL OR c.lot_id = ANY({lots}))
         AND ({after}::text IS NULL OR c.code > {after}) AND {suspect}"
    ));
    query.sql = format!("{all} LIMIT {limit}");
    let mut found = cut.query(&query).await?;
    let next_page_token = page.cut(&mut found, |row| vec![row.try_get("code").unwrap_or_default()]);
    let mut rows = Vec::new();
    for row in &found {
        rows.push(proto::CodeRow {
            code: keys.printed(&code(row)?),
            standing: standing(row)?.into(),
            organization_code: text(row, "organization_code")?,
            product_code: text(row, "product_code")?,
            product_name: text(row, "product_name")?,
            lot_code: text(row, "lot_code")?,
            lot_id: row.try_get::<_, Option<Uuid>>("lot_id")?.map(|id| id.to_string()).unwrap_or_default(),
            issued_date: filter::date(row.try_get("issued_day")?),
            revoked_date: filter::date(row.try_get("revoked_day")?),
            revoked_reason: text(row, "reason")?,
            scan_count: row.try_get("total")?,
            elsewhere_scan_count: row.try_get("elsewhere")?,
            elsewhere_district_count: i32::try_from(row.try_get::<_, i64>("districts")?).unwrap_or(i32::MAX),
            last_scanned_date: filter::date(row.try_get("last_day")?),
            is_probably_copied: row.try_get("is_copied")?,
        });
    }
    Ok(proto::ListCodesResponse { rows, next_page_token, position: cut.position() })
}
