//! What planners, shops, cooperatives, inspectors and shoppers ask beyond stock, flows and lots. Reads the tables of the other
//! views; has none of its own.

mod flows;
pub(crate) mod goods;
pub(crate) mod origin;
mod records;
pub(crate) mod service;
pub(crate) mod shares;
mod tet;

use crate::Error;
use crate::filter::{self, Range};
use crate::page::Page;
use crate::read::Cut;
use crate::stock::read::today;
use domain::time::BusinessDay;

/// Rows of a page, and the token of the next. The answer is put together anew for each page, so a token says how many rows came
/// before.
pub(crate) fn paged<R>(rows: Vec<R>, page: &Page) -> Result<(Vec<R>, String), Error> {
    let before: usize = match page.after(1)? {
        None => 0,
        Some(before) => page.key(&before[0])?,
    };
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = rows.len() > before.saturating_add(size);
    let token = if more { page.token(&[before.saturating_add(size).to_string()]) } else { String::new() };
    Ok((rows.into_iter().skip(before).take(size).collect(), token))
}

/// First and last day of a report: up to today, and so many days, unless others are given.
fn days(cut: &Cut<'_>, from: &str, to: &str, length: i32) -> Result<(BusinessDay, BusinessDay), Error> {
    let given = Range::read(from, to)?;
    let last = match given.to {
        Some(last) => last,
        None => today(cut)?.max(given.from.unwrap_or(BusinessDay(i32::MIN))),
    };
    let first = given.from.unwrap_or(last.plus(1 - length));
    Range::read(&first.to_string(), &last.to_string())?;
    Ok((first, last))
}

/// A number of days in a request; 0 for what is usual.
fn length(field: &'static str, given: i32, usual: i32) -> Result<i32, Error> {
    match given {
        0 => Ok(usual),
        days if (1..=MOST_DAYS).contains(&days) => Ok(days),
        days => {
            let allowed = format!("1 to {MOST_DAYS}; 0 for {usual}");
            Err(Error::Malformed { field, value: days.to_string(), allowed })
        }
    }
}

/// Days that a report looks back or ahead at most: a year, and what Tết moves by.
const MOST_DAYS: i32 = 400;

/// A whole number of hundredths of a percent.
pub(crate) fn share(part: i64, whole: i64) -> Option<i32> {
    crate::throughput::read::basis_points(part, whole).and_then(|points| i32::try_from(points).ok())
}

fn date(day: BusinessDay) -> String {
    filter::date(Some(day.0))
}

pub(crate) fn small(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::report::v1::ListCoverRequest;

    #[test]
    fn pages_are_the_whole_list_once() {
        let request = ListCoverRequest::default();
        let (mut token, mut all) = (String::new(), Vec::new());
        for _ in 0..4 {
            let page = Page::read(3, 1_000, 5_000, &token, &request).unwrap();
            let (rows, next) = paged((0..10).collect(), &page).unwrap();
            all.extend(rows);
            token = next;
        }
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert_eq!(token, "");
    }
}
