//! Reads notices.

use crate::page::Page;
use crate::read::{Cut, Query, beyond};
use crate::watching::{self, Place};
use crate::{Error, filter, names, timestamp_of};
use std::time::SystemTime;
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::NoticeKind;
use wire::proto::chuoi::notice::v1 as proto;

/// Notices `n` with the names of what they are about.
const NOTICES: &str = "
    SELECT n.*, l.issuer_code, l.lot_code, p.name AS product_name, p.base_unit, s.name AS site_name, c.name AS chain_name
    FROM notices n LEFT JOIN lots l ON l.lot_id = n.lot_id LEFT JOIN products p ON p.product_code = n.product_code
    LEFT JOIN sites s ON s.site_code = n.site_code LEFT JOIN chains c ON c.chain_code = n.chain_code";

fn notice(cut: &Cut<'_>, row: &Row) -> Result<(Place, proto::Notice), Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let id = |name: &str| row.try_get::<_, Option<Uuid>>(name).map(|id| id.map(|id| id.to_string()).unwrap_or_default());
    let at = Place { sequence: row.try_get("sequence")?, ordinal: row.try_get("ordinal")? };
    let certificate: Option<String> = row.try_get("certificate_kind")?;
    let notice = proto::Notice {
        record_time: timestamp_of(row.try_get::<_, SystemTime>("record_time")?),
        kind: kind_of(row.try_get("kind")?).into(),
        site_code: text("site_code")?,
        site_name: text("site_name")?,
        chain_code: text("chain_code")?,
        chain_name: text("chain_name")?,
        product_code: text("product_code")?,
        product_name: text("product_name")?,
        lot_code: text("lot_code")?,
        issuer_code: text("issuer_code")?,
        lot_id: id("lot_id")?,
        quantity_milli: row.try_get("quantity_milli")?,
        unit: text("base_unit")?,
        certificate_kind: certificate.map(|kind| names::certificate_kind(&kind).into()).unwrap_or_default(),
        certificate_number: text("certificate_number")?,
        organization_code: text("organization_code")?,
        about_command_id: id("about_command_id")?,
        about_date: filter::date(row.try_get("about_day")?),
        days: row.try_get("days")?,
        date: filter::date(row.try_get("given_day")?),
        key: text("key")?,
        id: id("command_id")?,
        position: at.position(&cut.checkpoint),
    };
    Ok((at, notice))
}

/// The kind with a name of the domain's.
pub(super) fn kind_of(name: &str) -> NoticeKind {
    NoticeKind::from_str_name(&format!("NOTICE_KIND_{}", name.to_ascii_uppercase().replace('-', "_"))).unwrap_or_default()
}

fn name_of(kind: NoticeKind) -> String {
    kind.as_str_name().trim_start_matches("NOTICE_KIND_").to_ascii_lowercase().replace('_', "-")
}

/// Notices, newest first unless said.
pub(super) async fn list(
    cut: &Cut<'_>,
    request: &proto::ListNoticesRequest,
    page: &Page,
) -> Result<proto::ListNoticesResponse, Error> {
    let mut query = Query::default();
    let mut conditions = vec!["true".to_owned()];
    filter::limit("kinds", request.kinds.len())?;
    let kind = |number: &i32| match NoticeKind::try_from(*number) {
        Ok(kind) if kind != NoticeKind::Unspecified => Ok(name_of(kind)),
        _ => Err(Error::Malformed { field: "kinds", value: number.to_string(), allowed: "kinds of notices, 1 to 7".into() }),
    };
    let kinds: Vec<String> = request.kinds.iter().map(kind).collect::<Result<_, _>>()?;
    if !kinds.is_empty() {
        conditions.push(format!("n.kind = ANY({}::text[])", query.bind(kinds)));
    }
    for (column, codes) in [
        ("site_code", filter::sites(cut, "sites", &request.sites).await?),
        ("chain_code", filter::chains(cut, "chains", &request.chains).await?),
        ("product_code", filter::products(cut, "products", &request.products).await?),
    ] {
        if let Some(codes) = codes {
            conditions.push(format!("n.{column} = ANY({}::text[])", query.bind(codes)));
        }
    }
    for (field, given, compare) in [("from_date", &request.from_date, ">="), ("to_date", &request.to_date, "<=")] {
        if let Some(day) = filter::day(field, given)? {
            conditions.push(format!("n.given_day {compare} {}", query.bind(day.0)));
        }
    }
    for (field, given, compare) in
        [("after_position", &request.after_position, ">"), ("before_position", &request.before_position, "<=")]
    {
        if !given.is_empty() {
            let at = watching::place(cut, field, given)?;
            let (sequence, ordinal) = (query.bind(at.sequence), query.bind(at.ordinal));
            conditions.push(format!("(n.sequence, n.ordinal) {compare} ({sequence}, {ordinal})"));
        }
    }
    let keys = [("n.sequence", "bigint"), ("n.ordinal", "integer")];
    if let Some(after) = page.after(keys.len())? {
        conditions.push(beyond(&mut query, &keys, after, !request.oldest_first));
    }
    let order = if request.oldest_first { "ASC" } else { "DESC" };
    let limit = query.bind(page.size + 1);
    query.sql =
        format!("{NOTICES} WHERE {} ORDER BY n.sequence {order}, n.ordinal {order} LIMIT {limit}", conditions.join(" AND "));
    let rows = cut.query(&query).await?;
    let mut found = rows.iter().map(|row| notice(cut, row)).collect::<Result<Vec<_>, _>>()?;
    let next_page_token = page.cut(&mut found, |(at, _)| vec![at.sequence.to_string(), at.ordinal.to_string()]);
    let rows = found.into_iter().map(|(_, notice)| notice).collect();
    Ok(proto::ListNoticesResponse { rows, next_page_token, position: cut.position() })
}

/// Notices after a place, oldest first.
pub(super) async fn after(cut: &Cut<'_>, at: Place, limit: i64) -> Result<Vec<(Place, proto::Notice)>, Error> {
    let sql = format!("{NOTICES} WHERE (n.sequence, n.ordinal) > ($1, $2) ORDER BY n.sequence, n.ordinal LIMIT $3");
    cut.rows(&sql, &[&at.sequence, &at.ordinal, &limit]).await?.iter().map(|row| notice(cut, row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_domain_has_its_own_in_the_answers() {
        for kind in domain::event::NoticeKind::ALL {
            assert_ne!(kind_of(kind.as_str()), NoticeKind::Unspecified, "{kind:?}");
            assert_eq!(name_of(kind_of(kind.as_str())), kind.as_str());
        }
    }
}
