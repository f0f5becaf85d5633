//! Reads how late organizations record.

use super::{date, days, paged, share};
use crate::page::Page;
use crate::read::Cut;
use crate::{Error, filter};
use wire::proto::chuoi::report::v1 as proto;

/// Late after so many hours, unless another number is asked for.
const LATE_HOURS: i32 = 24;
/// Hours at most: a year of them.
const MOST_HOURS: i32 = 8_760;

/// How late each organization records; the latest first.
pub(super) async fn lateness(
    cut: &Cut<'_>,
    request: &proto::ListLatenessRequest,
    page: &Page,
) -> Result<proto::ListLatenessResponse, Error> {
    let (first, last) = days(cut, &request.from_date, &request.to_date, 30)?;
    let organizations = filter::organizations(cut, "organizations", &request.organizations).await?;
    let hours = match request.late_hours {
        0 => LATE_HOURS,
        hours if (1..=MOST_HOURS).contains(&hours) => hours,
        hours => {
            let allowed = format!("1 to {MOST_HOURS}; 0 for {LATE_HOURS}");
            return Err(Error::Malformed { field: "late_hours", value: hours.to_string(), allowed });
        }
    };
    // What follows from other facts, and what takes them back, has no time of its own.
    let sql = "
        SELECT coalesce(m.survivor_code, e.organization_code) AS code, max(o.name) AS name, count(*) AS events,
               percentile_disc(ARRAY[0.5, 0.95, 1.0]) WITHIN GROUP (ORDER BY late.minutes) AS minutes,
               count(*) FILTER (WHERE late.minutes > $4::integer * 60) AS late_events
        FROM events e
        CROSS JOIN LATERAL (SELECT greatest(0, floor(extract(epoch FROM e.record_time - CASE WHEN e.precision = 1 THEN e.event_time
            ELSE (date '1970-01-01' + e.business_day + 1)::timestamp AT TIME ZONE $3::text END) / 60))::bigint AS minutes) AS late
        LEFT JOIN merged m ON m.kind = 'organization' AND m.code = e.organization_code
        LEFT JOIN organizations o ON o.organization_code = coalesce(m.survivor_code, e.organization_code)
        WHERE e.record_time >= (date '1970-01-01' + $1::integer)::timestamp AT TIME ZONE $3::text
            AND e.record_time < (date '1970-01-01' + $2::integer + 1)::timestamp AT TIME ZONE $3::text
            AND e.kind NOT IN ('Voided', 'Corrected', 'Matched', 'CountRestated', 'Rebooked')
            AND ($5::text[] IS NULL OR e.organization_code = ANY($5))
        GROUP BY 1";
    let zone = &cut.checkpoint.business_time_zone;
    let mut rows = Vec::new();
    for row in cut.rows(sql, &[&first.0, &last.0, zone, &hours, &organizations]).await? {
        let (events, late): (i64, i64) = (row.try_get("events")?, row.try_get("late_events")?);
        let minutes: Vec<i64> = row.try_get("minutes")?;
        let at = |index: usize| minutes.get(index).copied().unwrap_or(0);
        rows.push(proto::Lateness {
            organization_code: row.try_get("code")?,
            organization_name: row.try_get::<_, Option<String>>("name")?.unwrap_or_default(),
            events,
            p50_minutes: at(0),
            p95_minutes: at(1),
            max_minutes: at(2),
            late_events: late,
            late_basis_points: share(late, events).unwrap_or(0),
        });
    }
    rows.sort_by_key(|row| (-row.late_basis_points, -row.p95_minutes, row.organization_code.clone()));
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListLatenessResponse {
        rows,
        from_date: date(first),
        to_date: date(last),
        next_page_token,
        position: cut.position(),
    })
}
