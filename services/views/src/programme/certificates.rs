//! Reads certificates, as they stood on a day.

use super::read::{ahead, held, on, text};
use crate::page::Page;
use crate::read::{Cut, Query};
use crate::report::paged;
use crate::{Error, filter, names};
use domain::time::BusinessDay;
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::event::v1::CertificateKind;
use wire::proto::chuoi::programme::v1 as proto;
use wire::proto::chuoi::programme::v1::Validity;

/// Certificates with their standing on a day; one that begins later as it will be first.
fn certificates(day: &str) -> String {
    format!(
        "(SELECT c.*, o.name AS holder_name, coalesce(h.survivor_code, c.holder_code) AS holder, s.standing, s.reason
          FROM (SELECT DISTINCT ON (kind, number) * FROM certificate_facts
                ORDER BY kind, number, from_day > {day}, CASE WHEN from_day > {day} THEN from_day ELSE -from_day::bigint END,
                         sequence DESC, ordinal DESC) AS c
          LEFT JOIN {} AS s ON s.kind = c.kind AND s.number = c.number
              AND (s.from_day, s.sequence, s.ordinal) > (c.from_day, c.sequence, c.ordinal)
          LEFT JOIN merged h ON h.kind = 'organization' AND h.code = c.holder_code
          LEFT JOIN organizations o ON o.organization_code = coalesce(h.survivor_code, c.holder_code))",
        held("certificate_standing_facts", "kind, number", day)
    )
}

fn certificate(row: &Row, day: BusinessDay) -> Result<proto::Certificate, Error> {
    let codes = |name: &str| -> Result<Vec<String>, Error> {
        let codes: serde_json::Value = row.try_get(name)?;
        Ok(codes.as_array().into_iter().flatten().filter_map(|code| code.as_str().map(str::to_owned)).collect())
    };
    let (from, until): (i32, Option<i32>) = (row.try_get("from_day")?, row.try_get("until_day")?);
    let standing = text(row, "standing")?;
    let validity = match standing.as_str() {
        "revoked" => Validity::Revoked,
        _ if from > day.0 => Validity::NotYet,
        _ if until.is_some_and(|until| until < day.0) => Validity::Lapsed,
        "suspended" => Validity::Suspended,
        _ => Validity::Valid,
    };
    let stopped = matches!(validity, Validity::Revoked | Validity::Suspended);
    Ok(proto::Certificate {
        issued: Some(event::CertificateIssued {
            kind: names::certificate_kind(row.try_get("kind")?).into(),
            number: text(row, "number")?,
            holder_code: text(row, "holder")?,
            issuer: text(row, "issuer")?,
            product_codes: codes("product_codes")?,
            site_codes: codes("site_codes")?,
            chain_code: text(row, "chain_code")?,
            until_day: until,
        }),
        from_date: filter::date(Some(from)),
        until_date: filter::date(until),
        holder_name: text(row, "holder_name")?,
        validity: validity.into(),
        reason: if stopped { text(row, "reason")? } else { String::new() },
        days_left: until.filter(|_| validity == Validity::Valid).map(|until| until.saturating_sub(day.0)),
    })
}

/// A condition on the codes that a certificate covers: none is all, also by the code of a duplicate.
fn covers(column: &str, kind: &str, codes: &str) -> String {
    format!(
        "(c.{column} = '[]'::jsonb OR EXISTS (
             SELECT FROM jsonb_array_elements_text(c.{column}) AS said (code)
             LEFT JOIN merged m ON m.kind = '{kind}' AND m.code = said.code WHERE coalesce(m.survivor_code, said.code) = ANY({codes})))"
    )
}

/// Certificates.
pub(crate) async fn list_certificates(
    cut: &Cut<'_>,
    request: &proto::ListCertificatesRequest,
    page: &Page,
) -> Result<proto::ListCertificatesResponse, Error> {
    let day = on(cut, &request.date)?;
    let within = ahead(request.lapsing_within_days)?;
    let holders = filter::organizations(cut, "holders", &request.holders).await?;
    let products = filter::products(cut, "products", &request.products).await?;
    let kinds = kinds("kinds", &request.kinds)?;
    let mut query = Query::default();
    let (bound, holders, products, kinds) =
        (query.bind(day.0), query.bind(holders), query.bind(products), query.bind((!kinds.is_empty()).then_some(kinds)));
    query.sql = format!(
        "SELECT * FROM {} AS c WHERE ({holders}::text[] IS NULL OR c.holder_code = ANY({holders}) OR c.holder = ANY({holders}))
             AND ({products}::text[] IS NULL OR {}) AND ({kinds}::text[] IS NULL OR c.kind = ANY({kinds}))
         ORDER BY c.until_day, c.kind, c.number",
        certificates(&bound),
        covers("product_codes", "product", &products),
    );
    let mut rows = Vec::new();
    for row in cut.query(&query).await? {
        let certificate = certificate(&row, day)?;
        let is_valid = certificate.validity() == Validity::Valid;
        let lapses = within.is_none_or(|days| is_valid && certificate.days_left.is_some_and(|left| left <= days));
        if lapses && (is_valid || request.include_invalid) {
            rows.push(certificate);
        }
    }
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListCertificatesResponse { rows, date: filter::date(Some(day.0)), next_page_token, position: cut.position() })
}

/// Names of kinds of certificates.
pub(crate) fn kinds(field: &'static str, numbers: &[i32]) -> Result<Vec<String>, Error> {
    let kind = |number: &i32| match CertificateKind::try_from(*number) {
        Ok(kind) if kind != CertificateKind::Unspecified => Ok(names::of_certificate_kind(kind)),
        _ => Err(Error::Malformed { field, value: number.to_string(), allowed: "kinds of certificates, 1 to 10".into() }),
    };
    numbers.iter().map(kind).collect()
}

/// Certificates that cover a lot, by the site where it began and who ran that, as they stood on the day of its harvest: that is the
/// day on which a claim is judged. None where no harvest is known.
pub(crate) async fn of_lot(cut: &Cut<'_>, lot: Uuid) -> Result<Option<(BusinessDay, Vec<proto::Certificate>)>, Error> {
    // Where it began, and who ran that on the day: what was voided, or corrected, did not happen.
    let facts = "SELECT l.harvest_day, l.chain_code, coalesce(p.survivor_code, l.product_code) AS product, began.sites, began.runners
                 FROM lots l LEFT JOIN merged p ON p.kind = 'product' AND p.code = l.product_code
                 CROSS JOIN LATERAL (
                     SELECT coalesce(array_agg(DISTINCT coalesce(s.survivor_code, m.to_site_code)), '{}') AS sites,
                            coalesce(array_agg(DISTINCT coalesce(o.survivor_code, f.organization_code))
                                         FILTER (WHERE f.organization_code IS NOT NULL), '{}') AS runners
                     FROM movements m JOIN events e ON e.sequence = m.sequence AND e.ordinal = m.ordinal
                     LEFT JOIN merged s ON s.kind = 'site' AND s.code = m.to_site_code
                     LEFT JOIN LATERAL (
                         SELECT f.organization_code FROM site_facts f WHERE f.site_code = coalesce(s.survivor_code, m.to_site_code)
                         ORDER BY f.from_day > l.harvest_day, CASE WHEN f.from_day > l.harvest_day THEN f.from_day ELSE -f.from_day::bigint END,
                                  f.sequence DESC, f.ordinal DESC LIMIT 1) AS f ON true
                     LEFT JOIN merged o ON o.kind = 'organization' AND o.code = f.organization_code
                     WHERE m.lot_id = l.lot_id AND m.from_outside IN ('harvested', 'produced') AND NOT m.is_reversal AND NOT EXISTS (
                         SELECT FROM reversals r WHERE r.organization_code = e.organization_code AND r.command_id = e.command_id)
                 ) AS began
                 WHERE l.lot_id = $1 AND l.harvest_day IS NOT NULL";
    let rows = cut.rows(facts, &[&lot]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let day = BusinessDay(row.try_get("harvest_day")?);
    let mut query = Query::default();
    let (bound, chain) = (query.bind(day.0), query.bind(text(row, "chain_code")?));
    let runners = query.bind(row.try_get::<_, Vec<String>>("runners")?);
    let product = query.bind(vec![text(row, "product")?]);
    let sites = query.bind(row.try_get::<_, Vec<String>>("sites")?);
    query.sql = format!(
        "SELECT * FROM {} AS c
         WHERE (c.chain_code = {chain} OR c.chain_code IS NULL AND (c.site_codes <> '[]'::jsonb OR c.holder = ANY({runners}::text[])))
             AND {} AND {} ORDER BY c.kind, c.until_day, c.number",
        certificates(&bound),
        covers("product_codes", "product", &format!("{product}::text[]")),
        covers("site_codes", "site", &format!("{sites}::text[]")),
    );
    let found = cut.query(&query).await?.iter().map(|row| certificate(row, day)).collect::<Result<_, _>>()?;
    Ok(Some((day, found)))
}
