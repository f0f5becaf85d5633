//! Filters of requests: codes and GS1 numbers resolved to codes, kinds to names, dates to days. What is not known is refused.

use crate::read::Cut;
use crate::stock::read::today;
use crate::{Error, names};
use domain::time::BusinessDay;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::SiteKind;

/// Values in a filter at most.
const MOST: usize = 1_000;

/// Days in a range at most.
const MOST_DAYS: i32 = 3_700;

const HINT: &str = "see RegistryService.Find";

/// Codes of sites, given as codes or GLNs; none for all. With each come the codes of its duplicates, its own first.
pub(crate) async fn sites(cut: &Cut<'_>, field: &'static str, given: &[String]) -> Result<Option<Vec<String>>, Error> {
    resolve(cut, field, "site", given, &thing("site", "given")).await
}

/// Codes of products, given as codes or GTINs, which may leave their leading zeros out; with those of their duplicates.
pub(crate) async fn products(cut: &Cut<'_>, field: &'static str, given: &[String]) -> Result<Option<Vec<String>>, Error> {
    resolve(cut, field, "product", given, &thing("product", "lpad(given, 14, '0')")).await
}

/// Codes of chains.
pub(crate) async fn chains(cut: &Cut<'_>, field: &'static str, given: &[String]) -> Result<Option<Vec<String>>, Error> {
    resolve(cut, field, "chain", given, "SELECT ARRAY[chain_code] FROM chains WHERE chain_code = upper(given)").await
}

/// Codes of organizations, given as codes or GLNs; with those of their duplicates.
pub(crate) async fn organizations(cut: &Cut<'_>, field: &'static str, given: &[String]) -> Result<Option<Vec<String>>, Error> {
    resolve(cut, field, "organization", given, &thing("organization", "given")).await
}

/// Codes of districts.
pub(crate) async fn districts(cut: &Cut<'_>, field: &'static str, given: &[String]) -> Result<Option<Vec<String>>, Error> {
    resolve(cut, field, "district", given, "SELECT ARRAY[district_code] FROM districts WHERE district_code = upper(given)").await
}

/// All codes of the thing that `given` names: by a code, or by a number that it has today, or else will have first.
fn thing(kind: &str, number: &str) -> String {
    format!(
        "SELECT ARRAY[s.code] || ARRAY(SELECT d.code FROM merged d WHERE d.kind = '{kind}' AND d.survivor_code = s.code ORDER BY d.code)
         FROM (SELECT coalesce(m.survivor_code, f.code) AS code
               FROM (SELECT {kind}_code AS code, 0 AS rank FROM {kind}s WHERE {kind}_code = upper(given)
                     UNION ALL
                     SELECT h.code, 1 FROM (
                         SELECT n.code, n.is_attached FROM number_facts n WHERE n.kind = '{kind}' AND n.number = {number}
                         ORDER BY n.from_day > $2, abs(n.from_day::bigint - $2),
                                  CASE WHEN n.from_day > $2 THEN -n.sequence ELSE n.sequence END DESC,
                                  CASE WHEN n.from_day > $2 THEN -n.ordinal ELSE n.ordinal END DESC LIMIT 1
                     ) AS h WHERE h.is_attached) AS f
               LEFT JOIN merged m ON m.kind = '{kind}' AND m.code = f.code ORDER BY f.rank LIMIT 1) AS s"
    )
}

/// Ids of lots, given as ids or as lot codes, each of which takes every lot of that code.
pub(crate) async fn lots(cut: &Cut<'_>, field: &'static str, given: &[String]) -> Result<Option<Vec<Uuid>>, Error> {
    if given.is_empty() {
        return Ok(None);
    }
    limit(field, given.len())?;
    let (ids, codes): (Vec<_>, Vec<_>) = given.iter().map(|text| text.trim()).partition(|text| text.parse::<Uuid>().is_ok());
    let ids: Vec<Uuid> = ids.iter().filter_map(|text| text.parse().ok()).collect();
    let sql = "SELECT lot_id, lot_id::text AS name FROM lots WHERE lot_id = ANY($1)
               UNION SELECT lot_id, lot_code FROM lots WHERE lot_code = ANY($2)";
    let mut found = Vec::new();
    let mut known = Vec::new();
    for row in cut.rows(sql, &[&ids, &codes]).await? {
        found.push(row.try_get(0)?);
        known.push(row.try_get::<_, String>(1)?);
    }
    let is_known = |text: &&str| {
        let id = text.parse::<Uuid>().map(|id| id.to_string());
        known.iter().any(|name| id.as_ref().map_or(*text, String::as_str) == name)
    };
    match given.iter().map(|text| text.trim()).find(|text| !is_known(text)) {
        Some(name) => Err(Error::NotFound { what: "lot", name: name.to_owned(), hint: "give its id (a UUID) or its lot code" }),
        None => Ok(Some(found)),
    }
}

/// Ids and codes of lots that need not be known; none for all.
pub(crate) fn lot_names(field: &'static str, given: &[String]) -> Result<Option<Vec<String>>, Error> {
    limit(field, given.len())?;
    let name = |text: &String| text.trim().parse::<Uuid>().map_or_else(|_| text.trim().to_owned(), |id| id.to_string());
    Ok((!given.is_empty()).then(|| given.iter().map(name).collect()))
}

/// Names of kinds of sites.
pub(crate) fn channels(field: &'static str, given: &[i32]) -> Result<Option<Vec<String>>, Error> {
    limit(field, given.len())?;
    let kind = |number: &i32| match SiteKind::try_from(*number) {
        Ok(kind) if kind != SiteKind::Unspecified => Ok(names::of_site_kind(kind)),
        _ => Err(Error::Malformed { field, value: number.to_string(), allowed: "kinds of sites, 1 to 15".into() }),
    };
    if given.is_empty() { Ok(None) } else { given.iter().map(kind).collect::<Result<_, _>>().map(Some) }
}

/// The day of a date; none where it is left out.
pub(crate) fn day(field: &'static str, given: &str) -> Result<Option<BusinessDay>, Error> {
    if given.is_empty() {
        return Ok(None);
    }
    let date = given.trim().parse::<jiff::civil::Date>().ok().filter(|date| (1900..=2999).contains(&date.year()));
    let date =
        date.ok_or_else(|| Error::Malformed { field, value: given.to_owned(), allowed: "a date such as 2026-11-25".into() })?;
    Ok(Some(BusinessDay::of(date)))
}

/// First and last day; none at an open end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// First day.
    pub from: Option<BusinessDay>,
    /// Last day.
    pub to: Option<BusinessDay>,
}

impl Range {
    /// Reads `from_date` and `to_date`.
    pub fn read(from: &str, to: &str) -> Result<Range, Error> {
        let range = Range { from: day("from_date", from)?, to: day("to_date", to)? };
        if let (Some(first), Some(last)) = (range.from, range.to) {
            if last < first {
                return Err(Error::Malformed {
                    field: "to_date",
                    value: to.into(),
                    allowed: format!("a date not before from_date, {first}"),
                });
            }
            if last.0 - first.0 >= MOST_DAYS {
                return Err(Error::Malformed {
                    field: "to_date",
                    value: to.into(),
                    allowed: format!("a date within {MOST_DAYS} days of from_date, up to {}", first.plus(MOST_DAYS - 1)),
                });
            }
        }
        Ok(range)
    }

    /// Both ends of a range that may not be open.
    pub fn closed(self) -> Result<(BusinessDay, BusinessDay), Error> {
        let needed = |field, day: Option<BusinessDay>| {
            day.ok_or_else(|| Error::Malformed { field, value: String::new(), allowed: "a date such as 2026-11-25".into() })
        };
        Ok((needed("from_date", self.from)?, needed("to_date", self.to)?))
    }
}

/// Text of a day; empty where there is none.
pub(crate) fn date(day: Option<i32>) -> String {
    day.map(|day| BusinessDay(day).to_string()).unwrap_or_default()
}

/// Refuses more values than a filter may have.
pub(crate) fn limit(field: &'static str, values: usize) -> Result<(), Error> {
    if values > MOST {
        return Err(Error::Malformed { field, value: format!("{values} values"), allowed: format!("at most {MOST} values") });
    }
    Ok(())
}

async fn resolve(
    cut: &Cut<'_>,
    field: &'static str,
    what: &'static str,
    given: &[String],
    query: &str,
) -> Result<Option<Vec<String>>, Error> {
    if given.is_empty() {
        return Ok(None);
    }
    limit(field, given.len())?;
    let trimmed: Vec<&str> = given.iter().map(|text| text.trim()).collect();
    let sql = format!("SELECT ({query}) AS code FROM unnest($1::text[]) WITH ORDINALITY AS asked (given, place) ORDER BY place");
    let mut codes = Vec::new();
    let rows = match query.contains("$2") {
        true => cut.rows(&sql, &[&trimmed, &today(cut)?.0]).await?,
        false => cut.rows(&sql, &[&trimmed]).await?,
    };
    for (row, name) in rows.iter().zip(&trimmed) {
        match row.try_get::<_, Option<Vec<String>>>(0)? {
            Some(of_one) => codes.extend(of_one),
            None => return Err(Error::NotFound { what, name: (*name).to_owned(), hint: HINT }),
        }
    }
    Ok(Some(codes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_and_its_limits_are_named() {
        assert!(Range::read("2026-02-30", "").is_err());
        assert!(Range::read("2026-02-02", "2026-02-01").is_err());
        assert!(Range::read("2016-01-01", "2026-02-17").is_err());
        assert!(Range::read("2026-01-01", "2026-01-01").is_ok());
        assert!(Range::read("", "").is_ok());
    }
}
