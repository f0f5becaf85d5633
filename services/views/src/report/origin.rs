//! Reads where lots come from: those of a plot, and what everybody may know of one.

use super::{date, days, paged};
use crate::filter::Range;
use crate::page::Page;
use crate::programme::read as programme;
use crate::read::Cut;
use crate::safety::read::check;
use crate::stock::read::today;
use crate::trace::fold::plot_key;
use crate::trace::read::{Direction, candidates, line, no_lot, summaries};
use crate::{Error, filter};
use domain::time::BusinessDay;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use uuid::Uuid;
use wire::proto::chuoi::programme::v1::Validity;
use wire::proto::chuoi::report::v1 as proto;
use wire::proto::chuoi::safety::v1::{CheckLotRequest, Objection};
use wire::proto::chuoi::trace::v1::{EventKind, LotSummary, TraceLotRequest};

/// Lots that were harvested from a plot, newest first.
pub(super) async fn plot_lots(
    cut: &Cut<'_>,
    request: &proto::ListPlotLotsRequest,
    page: &Page,
) -> Result<proto::ListPlotLotsResponse, Error> {
    let plot = plot_key(&request.plot);
    if plot.is_empty() {
        return Err(Error::Malformed { field: "plot", value: String::new(), allowed: "a plot, as harvests name it".into() });
    }
    let range = Range::read(&request.from_date, &request.to_date)?;
    let organizations = filter::organizations(cut, "organizations", &request.organizations).await?;
    let sql = "
        SELECT m.lot_id, e.details, e.site_code, s.name, e.business_day, sum(m.quantity_milli)::bigint AS harvested,
               (SELECT coalesce(sum(k.quantity_milli), 0)::bigint FROM stock k WHERE k.lot_id = m.lot_id) AS held
        FROM events e JOIN movements m USING (sequence, ordinal) LEFT JOIN sites s ON s.site_code = e.site_code
        WHERE e.kind = 'Harvested' AND e.details ->> 'plot_key' IS NOT NULL AND e.details ->> 'plot_key' = $1
            AND e.business_day BETWEEN $2 AND $3 AND ($4::text[] IS NULL OR e.organization_code = ANY($4))
            AND NOT EXISTS (SELECT FROM reversals r WHERE r.organization_code = e.organization_code AND r.command_id = e.command_id)
        GROUP BY m.lot_id, e.sequence, e.ordinal, e.details, e.site_code, s.name, e.business_day
        ORDER BY e.business_day DESC, e.sequence DESC, e.ordinal DESC, m.lot_id";
    let (from, to) = (range.from.map_or(i32::MIN, |day| day.0), range.to.map_or(i32::MAX, |day| day.0));
    let rows = cut.rows(sql, &[&plot, &from, &to, &organizations]).await?;
    let (rows, next_page_token) = paged(rows, page)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get("lot_id")).collect::<Result<_, _>>()?;
    let lots = summaries(cut, &ids).await?;
    let mut found = Vec::new();
    for row in rows {
        let details: Value = row.try_get("details")?;
        let household = |share: &Value| {
            let household = share.get("household")?.as_str()?.to_owned();
            Some(proto::PlotHousehold { household, quantity_milli: share.get("quantity_milli")?.as_i64()? })
        };
        let households = details.get("households").and_then(Value::as_array).into_iter().flatten();
        found.push(proto::PlotLot {
            lot: lots.get(&row.try_get("lot_id")?).cloned(),
            plot: details.get("plot").and_then(Value::as_str).unwrap_or_default().to_owned(),
            site_code: row.try_get::<_, Option<String>>("site_code")?.unwrap_or_default(),
            site_name: row.try_get::<_, Option<String>>("name")?.unwrap_or_default(),
            harvest_date: filter::date(row.try_get("business_day")?),
            harvested_milli: row.try_get("harvested")?,
            held_milli: row.try_get("held")?,
            households: households.filter_map(household).collect(),
        });
    }
    Ok(proto::ListPlotLotsResponse { rows: found, next_page_token, position: cut.position() })
}

/// Lots that were harvested before the waiting time of a treatment of their plot was over, newest first.
pub(super) async fn early_harvests(
    cut: &Cut<'_>,
    request: &proto::ListEarlyHarvestsRequest,
    page: &Page,
) -> Result<proto::ListEarlyHarvestsResponse, Error> {
    let (first, last) = days(cut, &request.from_date, &request.to_date, 30)?;
    let sites = filter::sites(cut, "sites", &request.sites).await?;
    let stands = |event: &str| {
        format!(
            "NOT EXISTS (SELECT FROM reversals r WHERE r.organization_code = {event}.organization_code AND r.command_id = {event}.command_id)"
        )
    };
    // What is known to the day only may have been either way round: it is listed.
    let sql = format!(
        "SELECT m.lot_id, h.details ->> 'plot' AS plot, h.site_code, s.name, h.business_day AS harvested, t.business_day AS treated,
                t.details ->> 'what' AS substance, (t.details #>> '{{treatment,waiting_days}}')::integer AS waiting,
                t.organization_code, t.command_id,
                (SELECT coalesce(sum(k.quantity_milli), 0)::bigint FROM stock k WHERE k.lot_id = m.lot_id) AS held
         FROM events t
         JOIN events h ON h.kind = 'Harvested' AND h.details ->> 'plot_key' IS NOT NULL AND h.site_code = t.site_code
             AND h.details ->> 'plot_key' = t.details #>> '{{treatment,plot_key}}'
             AND h.business_day >= t.business_day AND h.business_day < t.business_day + (t.details #>> '{{treatment,waiting_days}}')::integer
             AND (h.event_time >= t.event_time OR h.precision <> 1 OR t.precision <> 1)
         JOIN movements m ON m.sequence = h.sequence AND m.ordinal = h.ordinal LEFT JOIN sites s ON s.site_code = h.site_code
         WHERE t.kind = 'Observed' AND t.details #>> '{{treatment,plot_key}}' IS NOT NULL AND h.business_day BETWEEN $1 AND $2
             AND t.business_day BETWEEN $1 - 365 AND $2 AND ($3::text[] IS NULL OR t.site_code = ANY($3)) AND {} AND {}
         ORDER BY h.business_day DESC, h.sequence DESC, h.ordinal DESC, m.lot_id, t.sequence, t.ordinal",
        stands("t"),
        stands("h"),
    );
    let rows = cut.rows(&sql, &[&first.0, &last.0, &sites]).await?;
    let (rows, next_page_token) = paged(rows, page)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get("lot_id")).collect::<Result<_, _>>()?;
    let lots = summaries(cut, &ids).await?;
    let mut found = Vec::new();
    for row in rows {
        let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
        let (treated, waiting): (i32, i32) = (row.try_get("treated")?, row.try_get("waiting")?);
        found.push(proto::EarlyHarvest {
            lot: lots.get(&row.try_get("lot_id")?).cloned(),
            plot: text("plot")?,
            site_code: text("site_code")?,
            site_name: text("name")?,
            harvest_date: filter::date(row.try_get("harvested")?),
            treatment_date: filter::date(Some(treated)),
            substance: text("substance")?,
            waiting_days: waiting,
            allowed_from_date: date(BusinessDay(treated).plus(waiting)),
            held_milli: row.try_get("held")?,
            treatment: format!("{}/{}", text("organization_code")?, row.try_get::<_, Uuid>("command_id")?),
        });
    }
    let (from_date, to_date) = (date(first), date(last));
    Ok(proto::ListEarlyHarvestsResponse { rows: found, from_date, to_date, next_page_token, position: cut.position() })
}

/// A lot code and a product, out of a GS1 Digital Link: key qualifiers 01 (GTIN) and 10 (lot) of its path. None for other text.
fn digital_link(text: &str) -> Option<(String, String)> {
    let path = text.split(['?', '#']).next()?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let segments: Vec<&str> = path.split('/').collect();
    let behind = |key: &str| {
        let at = segments.iter().position(|segment| *segment == key)?;
        let value = percent_decode_str(segments.get(at + 1)?).decode_utf8().ok()?;
        (!value.is_empty()).then(|| value.into_owned())
    };
    Some((behind("01")?, behind("10")?))
}

/// What everybody may know about the lots of a code.
pub(super) async fn public_facts(
    cut: &Cut<'_>,
    request: &proto::GetPublicFactsRequest,
) -> Result<proto::GetPublicFactsResponse, Error> {
    let code = request.code.trim();
    if code.is_empty() {
        let allowed = "the code of a lot, its id (a UUID), or a GS1 Digital Link".into();
        return Err(Error::Malformed { field: "code", value: String::new(), allowed });
    }
    let mut named = TraceLotRequest { product: request.product.clone(), ..TraceLotRequest::default() };
    if let Some((product, lot)) = digital_link(code) {
        (named.product, named.lot_code) = (product, lot);
    } else if code.parse::<Uuid>().is_ok() {
        named.lot_id = code.to_owned();
    } else {
        named.lot_code = code.to_owned();
    }
    let found = candidates(cut, &named).await?;
    if found.is_empty() {
        return Err(no_lot(&named));
    }
    let mut lots = Vec::new();
    for lot in found {
        lots.push(facts(cut, lot).await?);
    }
    Ok(proto::GetPublicFactsResponse { lots, position: cut.position() })
}

/// What everybody may know about a lot.
pub(crate) async fn facts(cut: &Cut<'_>, lot: LotSummary) -> Result<proto::PublicFacts, Error> {
    let id: Uuid = lot.lot_id.parse().unwrap_or_default();
    let checked = check(cut, &CheckLotRequest { lot_id: lot.lot_id.clone(), ..CheckLotRequest::default() }).await?;
    let mut objections: Vec<i32> = checked.findings.iter().map(|finding| finding.objection).collect();
    objections.sort_unstable();
    objections.dedup();
    let recalled = checked.findings.iter().find(|finding| finding.objection() == Objection::Recalled);
    let recall_reason = recalled.and_then(|finding| finding.block.as_ref()).map(|block| block.reason.clone()).unwrap_or_default();

    let (_, mut origins, _) = line(cut, id, Direction::Back).await?;
    origins.insert(id);
    let origins: Vec<Uuid> = origins.into_iter().collect();
    // Where and when each lot of its line began: a harvest, or what made it.
    let sql = "
        SELECT e.kind, e.business_day, m.lot_id, p.name AS product_name, d.name AS district_name
        FROM movements m JOIN events e USING (sequence, ordinal) JOIN lots l ON l.lot_id = m.lot_id
        LEFT JOIN products p ON p.product_code = l.product_code LEFT JOIN sites s ON s.site_code = e.site_code
        LEFT JOIN districts d ON d.district_code = s.district_code
        WHERE m.lot_id = ANY($1) AND m.from_outside IN ('harvested', 'produced') AND NOT m.is_reversal AND NOT EXISTS (
            SELECT FROM reversals r WHERE r.organization_code = e.organization_code AND r.command_id = e.command_id)
        GROUP BY e.sequence, e.ordinal, e.kind, e.event_time, e.business_day, m.lot_id, p.name, d.name
        ORDER BY e.event_time, e.sequence, e.ordinal, m.lot_id";
    let mut steps = Vec::new();
    for row in cut.rows(sql, &[&origins]).await? {
        let is_harvest = row.try_get::<_, String>("kind")? == "Harvested";
        steps.push(proto::PublicStep {
            kind: if is_harvest { EventKind::Harvested } else { EventKind::Transformed }.into(),
            date: filter::date(row.try_get("business_day")?),
            what: row.try_get::<_, Option<String>>("product_name")?.unwrap_or_default(),
            district_name: row.try_get::<_, Option<String>>("district_name")?.unwrap_or_default(),
        });
    }
    // Each once, however many lots of a product went in.
    steps.dedup();
    let sql = "SELECT name_en, gtin FROM products WHERE product_code = $1";
    let rows = cut.rows(sql, &[&lot.product_code]).await?;
    let text = |name: &str| rows.first().map(|row| row.try_get::<_, Option<String>>(name)).transpose();
    let valid = checked.certificates.into_iter().filter(|certificate| certificate.validity() == Validity::Valid);
    Ok(proto::PublicFacts {
        certificates: valid.collect(),
        ocop_stars: programme::stars(cut, &lot.issuer_code, &lot.product_code, today(cut)?).await?.unwrap_or(0),
        product_name_en: text("name_en")?.flatten().unwrap_or_default(),
        gtin: text("gtin")?.flatten().unwrap_or_default(),
        product_code: lot.product_code,
        product_name: lot.product_name,
        lot_code: lot.lot_code,
        producer_name: lot.issuer_name,
        origin_district_name: steps.first().map(|step| step.district_name.clone()).unwrap_or_default(),
        chain_name: lot.chain_name,
        harvest_date: lot.harvest_date,
        expiry_date: lot.expiry_date,
        sellable: checked.sellable,
        objections,
        recall_reason,
        steps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digital_link_names_product_and_lot() {
        let named = Some(("09521234543213".to_owned(), "T2026/11".to_owned()));
        assert_eq!(digital_link("https://example.vn/q/01/09521234543213/10/T2026%2F11?17=261231"), named);
        assert_eq!(digital_link("/01/09521234543213/10/T2026%2F11"), named);
        for other in ["T20261125", "https://example.vn/01/09521234543213", "https://example.vn/01/x/10/", "a/10/b"] {
            assert_eq!(digital_link(other), None, "{other}");
        }
    }
}
