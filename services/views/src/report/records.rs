//! Reads how late organizations record.

use super::{date, days, paged, share};
use crate::page::Page;
use crate::read::Cut;
use crate::{Error, filter};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
    // What follows from other facts, and what takes them back, has no time of its own. A day's event has its beginning as its time.
    // Grouped by the logarithm of the delay, so that a month of a million events is counted and not sorted.
    let sql = format!(
        "SELECT coalesce(m.survivor_code, g.organization_code) AS code, o.name, g.steps, g.counts, g.most, g.late_events
         FROM (SELECT organization_code, array_agg(step) AS steps, array_agg(events) AS counts, max(most) AS most,
                      sum(late_events)::bigint AS late_events
         FROM (
             SELECT organization_code, floor({STEPS} * ln(1 + greatest(0, delay_seconds) / 60))::integer AS step,
                    floor(greatest(0, max(delay_seconds)) / 60)::bigint AS most, count(*) AS events,
                    count(*) FILTER (WHERE delay_seconds > $4) AS late_events
             FROM (
                 SELECT e.organization_code,
                        date_part('epoch', e.record_time - e.event_time) - CASE WHEN e.precision = 1 THEN 0 ELSE 86400 END AS delay_seconds
                 FROM events e
                 WHERE e.record_time >= (date '1970-01-01' + $1::integer)::timestamp AT TIME ZONE $3::text
                     AND e.record_time < (date '1970-01-01' + $2::integer + 1)::timestamp AT TIME ZONE $3::text
                     AND e.kind NOT IN ('Voided', 'Corrected', 'Matched', 'CountRestated', 'Rebooked')
                     AND ($5::text[] IS NULL OR e.organization_code = ANY($5))
             ) AS delays
             GROUP BY 1, 2
         ) AS steps GROUP BY 1) AS g
         LEFT JOIN merged m ON m.kind = 'organization' AND m.code = g.organization_code
         LEFT JOIN organizations o ON o.organization_code = coalesce(m.survivor_code, g.organization_code)"
    );
    let zone = &cut.checkpoint.business_time_zone;
    let mut by_organization: BTreeMap<String, (String, Delays, proto::Lateness)> = BTreeMap::new();
    for row in cut.rows(&sql, &[&first.0, &last.0, zone, &(f64::from(hours) * 3_600.0), &organizations]).await? {
        let name = || row.try_get::<_, Option<String>>("name").map(Option::unwrap_or_default);
        let (_, delays, sums) = match by_organization.entry(row.try_get("code")?) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(free) => free.insert((name()?, Delays::new(), proto::Lateness::default())),
        };
        let (steps, counts): (Vec<i32>, Vec<i64>) = (row.try_get("steps")?, row.try_get("counts")?);
        for (step, events) in steps.into_iter().zip(counts) {
            *delays.entry(step).or_default() += events;
            sums.events += events;
        }
        sums.late_events += row.try_get::<_, i64>("late_events")?;
        sums.max_minutes = sums.max_minutes.max(row.try_get("most")?);
    }
    let row = |(code, (name, delays, sums)): (String, (String, Delays, proto::Lateness))| proto::Lateness {
        organization_code: code,
        organization_name: name,
        p50_minutes: minutes(percentile(&delays, 50)),
        p95_minutes: minutes(percentile(&delays, 95)),
        late_basis_points: share(sums.late_events, sums.events).unwrap_or(0),
        ..sums
    };
    let mut rows: Vec<proto::Lateness> = by_organization.into_iter().map(row).collect();
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

/// Steps of a delay while it grows by a factor of e: one is four hundredths.
const STEPS: i32 = 25;

/// The least delay of a step, in minutes.
fn minutes(step: i32) -> i64 {
    // A delay of years has some four hundred steps: it fits.
    ((f64::from(step) / f64::from(STEPS)).exp() - 1.0).ceil() as i64
}

/// Events by the steps of their delay.
type Delays = BTreeMap<i32, i64>;

/// The step that so many of a hundred did not exceed.
fn percentile(delays: &Delays, percent: i64) -> i32 {
    let events: i64 = delays.values().sum();
    let mut left = (events * percent + 99) / 100;
    for (step, events) in delays {
        left -= events;
        if left <= 0 {
            return *step;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_delay_that_occurred() {
        let delays = Delays::from([(0, 10), (5, 9), (700, 1)]);
        assert_eq!([50, 51, 95, 96, 100].map(|percent| percentile(&delays, percent)), [0, 5, 5, 700, 700]);
        assert_eq!(percentile(&Delays::new(), 50), 0);
    }

    #[test]
    fn a_step_is_told_within_four_hundredths() {
        for delay in (0..200).chain([1_440, 14_400, 525_600]) {
            let step = (f64::from(STEPS) * f64::ln(1.0 + f64::from(delay))).floor() as i32;
            let told = minutes(step);
            assert!(told <= i64::from(delay) && told * 100 >= i64::from(delay) * 96 - 100, "{delay} is told as {told}");
        }
    }
}
