//! Reads what somebody has to look at, and what came of it.

use crate::page::Page;
use crate::read::{Cut, Query};
use crate::trace::read::{EVENT, EVENT_NAMES, lot_event};
use crate::trace::watch::add_lots;
use crate::watching::Place;
use crate::{Error, filter, timestamp_of};
use domain::time::BusinessDay;
use std::collections::BTreeMap;
use std::time::SystemTime;
use uuid::Uuid;
use wire::proto::chuoi::safety::v1 as proto;
use wire::proto::chuoi::safety::v1::DiscrepancyKind;
use wire::proto::chuoi::trace::v1::WatchEventsResponse;

/// What filled a shortfall stands as long as the goods behind it have not come to light. Such a filling lies at step 1 of a day.
const IS_FILLED: &str = "
    EXISTS (SELECT FROM movements f
            WHERE f.step = 1 AND coalesce(f.to_site_code, f.from_site_code) = d.site_code
                AND f.lot_id IN (SELECT m.lot_id FROM movements m WHERE m.sequence = d.sequence AND m.ordinal = d.ordinal)
            GROUP BY f.lot_id
            HAVING sum(CASE WHEN f.to_site_code IS NULL THEN -f.quantity_milli ELSE f.quantity_milli END) <> 0)";

/// Of a violation: whether it is of rule 2 alone.
const IS_SHORTFALL: &str =
    "(SELECT bool_and((broken ->> 'rule')::integer = 2) FROM jsonb_array_elements(e.violations) AS broken)";

/// What came of what was said of a discrepancy `d`, `res`; and its state, `st`, beside its event `e` and what took that back, `r`.
fn standing() -> String {
    format!(
        "LEFT JOIN LATERAL (
             SELECT n.resolution, x.organization_code AS by_organization, x.event_time AS resolved
             FROM resolutions n JOIN events x USING (sequence, ordinal)
             WHERE n.organization_code = d.organization_code AND n.command_id = d.command_id
             ORDER BY n.sequence DESC, n.ordinal DESC LIMIT 1
         ) AS res ON true
         CROSS JOIN LATERAL (SELECT CASE
             WHEN r.by_command_id IS NOT NULL THEN 3
             WHEN res.resolution IS NOT NULL THEN 2
             WHEN d.kind = 'unmatched' AND NOT EXISTS (
                 SELECT FROM shipment_lines l WHERE l.shipment_id = d.shipment_id AND l.unmatched_milli > l.matched_milli) THEN 4
             WHEN d.kind = 'shortfall' AND NOT {IS_FILLED} THEN 4
             WHEN d.kind = 'violation' AND {IS_SHORTFALL} AND NOT {IS_FILLED} THEN 4
             ELSE 1 END AS state) AS st"
    )
}

/// A discrepancy that waits for somebody and of which nobody was told.
pub(crate) struct Open {
    /// Whether a temperature was beyond what is allowed.
    pub is_breach: bool,
    /// Who recorded it.
    pub organization: String,
    /// By which command.
    pub command: Uuid,
    /// Where.
    pub site: Option<String>,
    /// On which day.
    pub day: BusinessDay,
    /// The lot that it is about, where it is one.
    pub lot: Option<Uuid>,
}

/// Such discrepancies recorded since a day and behind an entry, oldest first. A command's are told together.
pub(crate) async fn open(cut: &Cut<'_>, since: BusinessDay, behind: i64, limit: i64) -> Result<Vec<Open>, Error> {
    let standing = standing();
    let sql = format!(
        "SELECT DISTINCT ON (k.sequence, k.organization_code, k.command_id) k.*
         FROM (SELECT d.*, coalesce(e.kind = 'Observed' AND (
                          (e.details #>> '{{temperature,milli_celsius}}')::integer < (e.details #>> '{{temperature,min_milli_celsius}}')::integer
                          OR (e.details #>> '{{temperature,milli_celsius}}')::integer > (e.details #>> '{{temperature,max_milli_celsius}}')::integer
                      ), false) AS is_breach
               FROM discrepancies d JOIN events e USING (sequence, ordinal)
               LEFT JOIN reversals r ON r.organization_code = d.organization_code AND r.command_id = d.command_id {standing}
               WHERE d.sequence > $3 AND e.record_time >= to_timestamp($1::bigint * 86400.0)
                   AND NOT EXISTS (SELECT FROM notices n
                                   WHERE n.key = 'discrepancy/' || d.organization_code || '/' || d.command_id
                                       OR n.key = 'temperature-breach/' || d.organization_code || '/' || d.command_id)
                   AND st.state = 1
               ORDER BY d.sequence, d.ordinal LIMIT $2) AS k
         ORDER BY k.sequence, k.organization_code, k.command_id, k.ordinal"
    );
    let mut found = Vec::new();
    for row in cut.rows(&sql, &[&i64::from(since.0), &limit, &behind]).await? {
        let (sequence, ordinal): (i64, i32) = (row.try_get("sequence")?, row.try_get("ordinal")?);
        let lots = "SELECT DISTINCT lot_id FROM movements WHERE sequence = $1 AND ordinal = $2
                    UNION SELECT lot_id FROM event_lots WHERE sequence = $1 AND ordinal = $2 LIMIT 2";
        let lots = cut.rows(lots, &[&sequence, &ordinal]).await?;
        found.push(Open {
            is_breach: row.try_get("is_breach")?,
            organization: row.try_get("organization_code")?,
            command: row.try_get("command_id")?,
            site: row.try_get("site_code")?,
            day: BusinessDay(row.try_get("business_day")?),
            lot: if let [one] = lots.as_slice() { Some(one.try_get(0)?) } else { None },
        });
    }
    Ok(found)
}

/// Discrepancies, newest first.
pub(crate) async fn list(
    cut: &Cut<'_>,
    request: &proto::ListDiscrepanciesRequest,
    page: &Page,
) -> Result<proto::ListDiscrepanciesResponse, Error> {
    let mut query = Query::default();
    let mut conditions = vec!["true".to_owned()];
    filter::limit("kinds", request.kinds.len())?;
    let kind = |number: &i32| match DiscrepancyKind::try_from(*number) {
        Ok(kind) if kind != DiscrepancyKind::Unspecified => Ok(name_of(kind)),
        _ => {
            Err(Error::Malformed { field: "kinds", value: number.to_string(), allowed: "kinds of discrepancies, 1 to 8".into() })
        }
    };
    let kinds: Vec<String> = request.kinds.iter().map(kind).collect::<Result<_, _>>()?;
    if !kinds.is_empty() {
        conditions.push(format!("d.kind = ANY({}::text[])", query.bind(kinds)));
    }
    if let Some(sites) = filter::sites(cut, "sites", &request.sites).await? {
        conditions.push(format!("d.site_code = ANY({}::text[])", query.bind(sites)));
    }
    if let Some(organizations) = filter::organizations(cut, "organizations", &request.organizations).await? {
        conditions.push(format!("d.organization_code = ANY({}::text[])", query.bind(organizations)));
    }
    for (field, given, compare) in [("from_date", &request.from_date, ">="), ("to_date", &request.to_date, "<=")] {
        if let Some(day) = filter::day(field, given)? {
            conditions.push(format!("d.business_day {compare} {}", query.bind(day.0)));
        }
    }
    if !request.closed_too {
        conditions.push("st.state = 1".to_owned());
    }
    if let Some(after) = page.after(2)? {
        let (sequence, ordinal) = (page.key::<i64>(&after[0])?, page.key::<i32>(&after[1])?);
        let (sequence, ordinal) = (query.bind(sequence), query.bind(ordinal));
        conditions.push(format!("(d.sequence, d.ordinal) < ({sequence}, {ordinal})"));
    }
    let limit = query.bind(page.size + 1);
    query.sql = format!(
        "SELECT {EVENT}, d.kind AS noted, st.state, res.resolution, res.by_organization, res.resolved
         FROM discrepancies d JOIN events e USING (sequence, ordinal) {EVENT_NAMES}
         {} WHERE {} ORDER BY d.sequence DESC, d.ordinal DESC LIMIT {limit}",
        standing(),
        conditions.join(" AND ")
    );
    let mut found = Vec::new();
    let mut events = BTreeMap::new();
    for row in cut.query(&query).await? {
        let at = Place { sequence: row.try_get("sequence")?, ordinal: row.try_get("ordinal")? };
        events.insert(at, WatchEventsResponse { event: Some(lot_event(cut, &row)?), ..Default::default() });
        let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
        let discrepancy = proto::Discrepancy {
            kind: kind_of(row.try_get("noted")?).into(),
            state: row.try_get("state")?,
            event: None,
            lots: Vec::new(),
            resolution: text("resolution")?,
            resolved_by_organization_code: text("by_organization")?,
            resolve_time: row.try_get::<_, Option<SystemTime>>("resolved")?.and_then(timestamp_of),
        };
        found.push((at, discrepancy));
    }
    let next_page_token = page.cut(&mut found, |(at, _)| vec![at.sequence.to_string(), at.ordinal.to_string()]);
    add_lots(cut, &mut events).await?;
    let with_event = |(at, discrepancy): (Place, proto::Discrepancy)| match events.remove(&at) {
        Some(WatchEventsResponse { event, lots, .. }) => proto::Discrepancy { event, lots, ..discrepancy },
        None => discrepancy,
    };
    let discrepancies = found.into_iter().map(with_event).collect();
    Ok(proto::ListDiscrepanciesResponse { discrepancies, next_page_token, position: cut.position() })
}

/// The kind with a name of the domain's.
fn kind_of(name: &str) -> DiscrepancyKind {
    DiscrepancyKind::from_str_name(&format!("DISCREPANCY_KIND_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

fn name_of(kind: DiscrepancyKind) -> String {
    kind.as_str_name().trim_start_matches("DISCREPANCY_KIND_").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::safety::v1::DiscrepancyState;

    #[test]
    fn every_kind_of_the_domain_has_its_own_in_the_answers() {
        for kind in domain::event::Discrepancy::ALL {
            assert_eq!(name_of(kind_of(kind.as_str())), kind.as_str());
        }
        // The states that the query says in numbers.
        let numbers = [DiscrepancyState::Open, DiscrepancyState::Resolved, DiscrepancyState::Reversed, DiscrepancyState::Settled];
        assert_eq!(numbers.map(i32::from), [1, 2, 3, 4]);
    }
}
