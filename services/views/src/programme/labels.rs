//! Reads runs of labels, and what became of one.

use super::read::{on, text};
use crate::page::Page;
use crate::read::{Cut, Query};
use crate::report::paged;
use crate::{Error, filter, names};
use tokio_postgres::Row;
use wire::proto::chuoi::programme::v1 as proto;

/// Runs of labels as they were issued up to a day, and how many of each became what; by a condition on a run `i`.
fn runs(day: &str, condition: &str) -> String {
    let became = |fate: &str| {
        format!(
            "coalesce((SELECT sum(least(f.last, i.last) - greatest(f.first, i.first) + 1) FROM label_facts f
                       WHERE f.series = i.series AND f.fate = '{fate}' AND f.from_day <= {day} AND f.first <= i.last AND f.last >= i.first),
                      0)::bigint"
        )
    };
    format!(
        "SELECT i.*, coalesce(m.survivor_code, i.subject_code) AS subject, o.name AS subject_name, {} AS used, {} AS spoiled, {} AS voided
         FROM label_facts i LEFT JOIN merged m ON m.kind = 'organization' AND m.code = i.subject_code
         LEFT JOIN organizations o ON o.organization_code = coalesce(m.survivor_code, i.subject_code)
         WHERE i.fate = 'issued' AND i.from_day <= {day} AND {condition} ORDER BY i.series, i.first",
        became("used"),
        became("spoiled"),
        became("voided")
    )
}

fn label_run(row: &Row) -> Result<proto::LabelRun, Error> {
    let (first, last): (i64, i64) = (row.try_get("first")?, row.try_get("last")?);
    let (used, spoiled, voided): (i64, i64, i64) = (row.try_get("used")?, row.try_get("spoiled")?, row.try_get("voided")?);
    let issued = last.saturating_sub(first).saturating_add(1);
    Ok(proto::LabelRun {
        series: text(row, "series")?,
        first,
        last,
        issued_date: filter::date(row.try_get("from_day")?),
        subject_code: text(row, "subject")?,
        subject_name: text(row, "subject_name")?,
        product_code: text(row, "product_code")?,
        issued,
        used,
        spoiled,
        voided,
        left: issued.saturating_sub(used).saturating_sub(spoiled).saturating_sub(voided),
    })
}

/// Runs of labels.
pub(super) async fn list_labels(
    cut: &Cut<'_>,
    request: &proto::ListLabelsRequest,
    page: &Page,
) -> Result<proto::ListLabelsResponse, Error> {
    let day = on(cut, &request.date)?;
    let subjects = filter::organizations(cut, "subjects", &request.subjects).await?;
    let mut query = Query::default();
    let (bound, subjects, series) = (query.bind(day.0), query.bind(subjects), query.bind(domain::text::nfc(&request.series)));
    query.sql = runs(
        &bound,
        &format!(
            "({subjects}::text[] IS NULL OR i.subject_code = ANY({subjects}) OR m.survivor_code = ANY({subjects}))
             AND ({series} = '' OR i.series = {series})"
        ),
    );
    let rows = cut.query(&query).await?.iter().map(label_run).collect::<Result<Vec<_>, _>>()?;
    let (rows, next_page_token) = paged(rows, page)?;
    Ok(proto::ListLabelsResponse { rows, date: filter::date(Some(day.0)), next_page_token, position: cut.position() })
}

/// What became of one label.
pub(super) async fn label(cut: &Cut<'_>, request: &proto::GetLabelRequest) -> Result<proto::GetLabelResponse, Error> {
    let day = on(cut, &request.date)?;
    let mut query = Query::default();
    let named = domain::text::nfc(&request.series);
    let (bound, series, number) = (query.bind(day.0), query.bind(named.clone()), query.bind(request.number));
    query.sql = runs(&bound, &format!("i.series = {series} AND {number} BETWEEN i.first AND i.last"));
    let found = cut.query(&query).await?;
    let Some(row) = found.first() else {
        let (name, hint) = (format!("{} {}", request.series, request.number), "see ListLabels for what was issued");
        return Err(Error::NotFound { what: "label", name, hint });
    };
    let run = label_run(row)?;
    let sql = "SELECT fate, from_day FROM label_facts WHERE series = $1 AND $2 BETWEEN first AND last AND from_day <= $3
               ORDER BY (fate = 'issued'), from_day DESC, sequence DESC, ordinal DESC LIMIT 1";
    let last = cut.rows(sql, &[&named, &request.number, &day.0]).await?;
    let fate = last.first().map(|row| row.try_get::<_, String>("fate")).transpose()?.unwrap_or_default();
    let since = last.first().map(|row| row.try_get::<_, i32>("from_day")).transpose()?;
    Ok(proto::GetLabelResponse {
        fate: names::label_fate(&fate).into(),
        since_date: filter::date(since),
        run: Some(run),
        date: filter::date(Some(day.0)),
        position: cut.position(),
    })
}
