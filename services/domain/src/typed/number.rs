//! Numbers as vi-VN writes them: a point or space groups thousands, a comma begins decimals. Exact to the thousandth.

use super::{Misread, Reason, is_foreign_digit, plain};
use crate::quantity::Milli;

/// Reads a number of zero or more and up to 10^9, in thousandths.
pub fn number(text: &str) -> Result<Milli, Misread> {
    decimal(&plain(text))
        .and_then(|value| if value > Milli::MAX_LINE { Err(Reason::OutOfRange) } else { Ok(value) })
        .map_err(|reason| Misread::new(reason, text))
}

/// Reads a number above zero and up to 10^9, in thousandths.
pub fn amount(text: &str) -> Result<Milli, Misread> {
    match number(text)? {
        Milli::ZERO => Err(Misread::new(Reason::Zero, text)),
        value => Ok(value),
    }
}

/// A plain text as a number of any size that fits.
pub(super) fn decimal(text: &str) -> Result<Milli, Reason> {
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.chars().any(is_foreign_digit) {
        return Err(Reason::NotAsciiDigits);
    }
    if let Some(magnitude) = text.strip_prefix(['-', '−', '–']) {
        return Err(if decimal(magnitude.trim_start()).is_ok() { Reason::Negative } else { Reason::BadNumber });
    }
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ');
    if !text.chars().all(is_number)
        || !text.starts_with(|c: char| c.is_ascii_digit())
        || !text.ends_with(|c: char| c.is_ascii_digit())
    {
        return Err(Reason::BadNumber);
    }
    let (whole, decimals) = match text.split_once(',') {
        // As in en-US, or decimals with groups.
        Some((_, rest)) if rest.contains([',', '.', ' ']) => return Err(Reason::AmbiguousSeparator),
        Some((whole, decimals)) => (whole, decimals.trim_end_matches('0')),
        None => (text, ""),
    };
    let digits = grouped(whole, !text.contains(','))?;
    if decimals.len() > 3 {
        return Err(Reason::TooPrecise);
    }
    format!("{digits}{decimals:0<3}").parse().map(Milli).map_err(|_| Reason::OutOfRange)
}

/// The digits of a whole number, whose groups, where it has any, are of three.
fn grouped(whole: &str, may_be_decimals: bool) -> Result<String, Reason> {
    let separator = if whole.contains('.') { '.' } else { ' ' };
    let groups: Vec<&str> = whole.split(separator).collect();
    let [first, rest @ ..] = &groups[..] else { return Err(Reason::BadNumber) };
    let is_group = |group: &&str| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit());
    let is_first = (1..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_digit()) && !first.starts_with('0');
    match rest {
        [] => Ok(whole.to_owned()),
        _ if is_first && rest.iter().all(is_group) => Ok(groups.concat()),
        // One point that groups nothing may have been meant to begin decimals: 1.5, 0.250.
        [_] if separator == '.' && may_be_decimals && !whole.contains(' ') => Err(Reason::AmbiguousSeparator),
        _ => Err(Reason::BadGrouping),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    #[rustfmt::skip] // Columns.
    fn what_could_be_two_numbers_is_none() {
        for (text, expected) in [
            ("0.250",             Err(Reason::AmbiguousSeparator)), // A quarter, or 250.
            ("1379.500",          Err(Reason::AmbiguousSeparator)),
            ("1,379,500",         Err(Reason::AmbiguousSeparator)),
            ("1.379.5",           Err(Reason::BadGrouping)),
            ("1.5,2",             Err(Reason::BadGrouping)),
            ("1 37",              Err(Reason::BadGrouping)),
            ("1.379 500",         Err(Reason::BadGrouping)),
            ("1  379",            Err(Reason::BadGrouping)),
            ("5,",                Err(Reason::BadNumber)),
            (",5",                Err(Reason::BadNumber)),
            ("+5",                Err(Reason::BadNumber)),
            ("5²",                Err(Reason::NotAsciiDigits)),
            ("½",                 Err(Reason::NotAsciiDigits)),
            ("--5",               Err(Reason::BadNumber)),
            ("1.000.000.000",     Ok(1_000_000_000_000)),
            ("1.000.000.000,001", Err(Reason::OutOfRange)),
            ("12,5000",           Ok(12_500)),
            ("0",                 Ok(0)),
            ("1\u{202F}379",      Ok(1_379_000)),
        ] {
            assert_eq!(number(text).map(|value| value.0).map_err(|misread| misread.reason), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_number_written_the_way_it_is_read_is_that_number(milli in 0..=Milli::MAX_LINE.0, point in prop::bool::ANY) {
            let whole = (milli / 1_000).to_string();
            let separator = if point { "." } else { " " };
            let groups: Vec<&str> =
                whole.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
            let text = format!("{},{:03}", groups.join(separator), milli % 1_000);
            prop_assert_eq!(number(&text), Ok(Milli(milli)));
        }
    }
}
