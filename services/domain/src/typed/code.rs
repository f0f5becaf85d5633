//! Codes as people type and scanners read them: GS1 keys, lot codes, Digital Links, element strings, the project's own codes.

use super::{Misread, Reason, is_foreign_digit, plain};
use crate::id::{LotCode, is_gs1_key};
use jiff::civil::Date;
use std::fmt;

/// One thing that a GS1 code says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// AI (01): the product, 14 digits.
    Gtin(String),
    /// AI (10): the lot's code.
    Lot(LotCode),
    /// AI (17): the last day on which it may be sold.
    Expiry(Date),
    /// AI (00): the logistic unit, 18 digits.
    Sscc(String),
    /// Any other AI that is kept apart: its number and its text.
    Other(String, String),
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Gtin(gtin) => write!(f, "gtin={gtin}"),
            Element::Lot(lot) => write!(f, "lot={lot}"),
            Element::Expiry(day) => write!(f, "expiry={day}"),
            Element::Sscc(sscc) => write!(f, "sscc={sscc}"),
            Element::Other(ai, text) => write!(f, "{ai}={text}"),
        }
    }
}

/// Reads a Global Location Number: 13 digits.
pub fn gln(text: &str) -> Result<String, Misread> {
    key(text, &[13], 13)
}

/// Reads a Global Trade Item Number of 8, 12, 13 or 14 digits, as 14.
pub fn gtin(text: &str) -> Result<String, Misread> {
    key(text, &[8, 12, 13, 14], 14)
}

/// Reads a Serial Shipping Container Code: 18 digits.
pub fn sscc(text: &str) -> Result<String, Misread> {
    key(text, &[18], 18)
}

fn key(text: &str, lengths: &[usize], width: usize) -> Result<String, Misread> {
    read_key(text, lengths, width).map_err(|reason| Misread::new(reason, text))
}

fn read_key(text: &str, lengths: &[usize], width: usize) -> Result<String, Reason> {
    let typed = plain(text);
    let upper = typed.to_ascii_uppercase();
    if upper.contains("E+") && upper.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Reason::SpreadsheetNumber);
    }
    let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '-' | '.')).collect();
    if digits.is_empty() {
        return Err(Reason::Empty);
    }
    if digits.chars().any(is_foreign_digit) {
        return Err(Reason::NotAsciiDigits);
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::BadNumber);
    }
    if !lengths.contains(&digits.len()) {
        return Err(Reason::BadLength);
    }
    // Zeros before a key leave its check digit as it is.
    let padded = format!("{digits:0>width$}");
    if is_gs1_key(&padded, width) { Ok(padded) } else { Err(Reason::CheckDigit) }
}

/// Reads a lot's code: up to 20 characters of AI (10), letters in their case.
pub fn lot_code(text: &str) -> Result<LotCode, Misread> {
    let typed = plain(text);
    LotCode::parse(&typed).map_err(|_| {
        let reason = match typed.chars().count() {
            0 => Reason::Empty,
            1..=20 => Reason::BadCharset,
            _ => Reason::TooLong,
        };
        Misread::new(reason, text)
    })
}

/// Reads one of the project's own codes, in upper case, where it is known.
pub fn known_code(text: &str, is_known: impl Fn(&str) -> bool) -> Result<String, Misread> {
    let code = plain(text).to_uppercase();
    match code.as_str() {
        "" => Err(Misread::new(Reason::Empty, text)),
        code if is_known(code) => Ok(code.to_owned()),
        _ => Err(Misread::new(Reason::UnknownCode, text)),
    }
}

/// Reads a GS1 Digital Link (`https://…/01/GTIN/10/LOT?17=YYMMDD`), in the order in which it says things.
pub fn digital_link(text: &str) -> Result<Vec<Element>, Misread> {
    read_link(&plain(text)).map_err(|reason| Misread::new(reason, text))
}

fn read_link(text: &str) -> Result<Vec<Element>, Reason> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(Reason::BadElements)?;
    let (_, path) = rest.split_once('/').ok_or(Reason::BadElements)?;
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    // The owner of the site may put a path of its own before the key.
    let begin = segments.iter().position(|segment| matches!(*segment, "01" | "00")).ok_or(Reason::BadElements)?;
    let mut elements = Vec::new();
    for pair in segments.get(begin..).unwrap_or_default().chunks(2) {
        let [ai, value] = pair else { return Err(Reason::BadElements) };
        elements.push(element(ai, &percent_decoded(value)?)?);
    }
    for pair in query.split('&').filter_map(|pair| pair.split_once('=')) {
        // Words in the query are the site's own.
        if pair.0.bytes().all(|b| b.is_ascii_digit()) {
            elements.push(element(pair.0, &percent_decoded(pair.1)?)?);
        }
    }
    Ok(elements)
}

/// Reads an element string as it is printed: `(01)09521415000016(17)220131(10)L01`.
pub fn element_string(text: &str) -> Result<Vec<Element>, Misread> {
    read_elements(&plain(text)).map_err(|reason| Misread::new(reason, text))
}

fn read_elements(text: &str) -> Result<Vec<Element>, Reason> {
    let mut elements = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (ai, behind) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or(Reason::BadElements)?;
        // A lot's code may hold a bracket; only one with two to four digits inside begins an AI.
        let next = behind.match_indices('(').map(|(at, _)| at).find(|at| is_ai(&behind[*at..])).unwrap_or(behind.len());
        let (value, next) = behind.split_at(next);
        elements.push(element(ai, value.trim())?);
        rest = next;
    }
    if elements.is_empty() { Err(Reason::Empty) } else { Ok(elements) }
}

fn is_ai(text: &str) -> bool {
    let inside = text.strip_prefix('(').and_then(|text| text.split_once(')')).map(|(inside, _)| inside);
    inside.is_some_and(|ai| (2..=4).contains(&ai.len()) && ai.bytes().all(|b| b.is_ascii_digit()))
}

fn element(ai: &str, value: &str) -> Result<Element, Reason> {
    match ai {
        "00" => read_key(value, &[18], 18).map(Element::Sscc),
        "01" => read_key(value, &[8, 12, 13, 14], 14).map(Element::Gtin),
        "10" => lot_code(value).map(Element::Lot).map_err(|misread| misread.reason),
        "17" => expiry(value).map(Element::Expiry),
        ai if (2..=4).contains(&ai.len()) && ai.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Element::Other(ai.to_owned(), value.to_owned()))
        }
        _ => Err(Reason::BadElements),
    }
}

/// YYMMDD of this century; day 00 is the month's last (GS1 General Specifications, AI 17).
fn expiry(text: &str) -> Result<Date, Reason> {
    if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::BadElements);
    }
    let two = |at: usize| text.get(at..at + 2).and_then(|digits| digits.parse::<i8>().ok()).ok_or(Reason::BadElements);
    let (year, month, day) = (2_000 + i16::from(two(0)?), two(2)?, two(4)?);
    let first = Date::new(year, month, 1).map_err(|_| Reason::BadMonth)?;
    if day == 0 {
        return Ok(first.last_of_month());
    }
    Date::new(year, month, day).map_err(|_| Reason::NoSuchDay)
}

/// Text of a link with its %-escapes resolved.
fn percent_decoded(text: &str) -> Result<String, Reason> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, behind @ ..] = behind else { return Err(Reason::BadElements) };
        let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(Reason::BadElements);
        bytes.push(digit(high)? * 16 + digit(low)?);
        rest = behind;
    }
    String::from_utf8(bytes).map_err(|_| Reason::BadElements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(elements: Result<Vec<Element>, Misread>) -> Result<String, Reason> {
        elements.map(|it| it.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")).map_err(|it| it.reason)
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn scans_say_what_they_say() {
        for (text, expected) in [
            ("https://a.vn/x/01/9521415000016/10/L%2F1?17=220131&lang=vi", Ok("gtin=09521415000016;lot=L/1;expiry=2022-01-31")),
            ("http://a.vn/00/095214100000000011",                          Ok("sscc=095214100000000011")),
            ("https://a.vn/01",                                            Err(Reason::BadElements)),
            ("https://a.vn/01/09521415000017",                             Err(Reason::CheckDigit)),
            ("https://a.vn/01/09521415000016/10/L%2",                      Err(Reason::BadElements)),
            ("https://a.vn/",                                              Err(Reason::BadElements)),
            ("PK0001",                                                     Err(Reason::BadElements)),
        ] { assert_eq!(shown(digital_link(text)), expected.map(str::to_owned), "{text}"); }
        for (text, expected) in [
            ("(01)09521415000016(10)L(1)A(21)7", Ok("gtin=09521415000016;lot=L(1)A;21=7")),
            ("(00)095214100000000011",           Ok("sscc=095214100000000011")),
            ("(17)221301",                       Err(Reason::BadMonth)),
            ("(17)220230",                       Err(Reason::NoSuchDay)),
            ("(10)",                             Err(Reason::Empty)),
            ("09521415000016",                   Err(Reason::BadElements)),
        ] { assert_eq!(shown(element_string(text)), expected.map(str::to_owned), "{text}"); }
    }
}
