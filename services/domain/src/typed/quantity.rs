//! Quantities with their units, as the trade says them: `1,2 tấn`, `2 kg 3 lạng`, `3 chục trứng`, `500g`.
//!
//! Marks matter: a tạ is a hundred kilograms and a tá a dozen. Typed without marks, what could be both is asked about.

use super::number::decimal;
use super::{Misread, Reason, plain};
use crate::quantity::Milli;
use crate::text::{fold, nfc};
use crate::unit::BaseUnit;

/// A quantity as typed, for a product that says what its own units are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Thousandths of the unit.
    pub value: Milli,
    /// The unit's code or name; empty where none was typed.
    pub unit: String,
}

/// A unit with one meaning for every product.
#[derive(Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its code in UN/CEFACT Recommendation 20; its name, where it has none there.
    pub code: &'static str,
    /// What it measures, as the unit that stock is counted in.
    pub base: BaseUnit,
    /// So many base units …
    pub numerator: i64,
    /// … are so many of it.
    pub denominator: i64,
    /// How it is called; the first as [`crate::unit::to_base`] knows it.
    names: &'static [&'static str],
}

const fn is(code: &'static str, base: BaseUnit, numerator: i64, denominator: i64, names: &'static [&'static str]) -> Unit {
    Unit { code, base, numerator, denominator, names }
}

#[rustfmt::skip] // Columns.
const UNITS: &[Unit] = &[
    is("KGM",  BaseUnit::Kilogram, 1,     1,         &["kg", "kgm", "kilogram", "kilôgam", "kilo", "kilô", "ki lô", "ki-lô", "ký", "kí", "ki", "cân"]),
    is("GRM",  BaseUnit::Kilogram, 1,     1_000,     &["g", "grm", "gr", "gam", "gram"]),
    is("MGM",  BaseUnit::Kilogram, 1,     1_000_000, &["mg", "mgm", "miligam"]),
    is("HGM",  BaseUnit::Kilogram, 1,     10,        &["lạng", "hgm"]),
    is("yến",  BaseUnit::Kilogram, 10,    1,         &["yến"]),
    is("DTN",  BaseUnit::Kilogram, 100,   1,         &["tạ", "dtn"]),
    is("TNE",  BaseUnit::Kilogram, 1_000, 1,         &["tấn", "tne", "t"]),
    is("LTR",  BaseUnit::Litre,    1,     1,         &["l", "ltr", "lít", "litre", "liter"]),
    is("MLT",  BaseUnit::Litre,    1,     1_000,     &["ml", "mlt", "mililít"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["h87", "c62", "ea", "piece", "pieces"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["cái"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["chiếc"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["quả"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["trái"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["con"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["cây"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["hộp"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["gói"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["túi"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["chai"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["lọ"]),
    is("H87",  BaseUnit::Piece,    1,     1,         &["hũ", "hủ"]),
    is("chục", BaseUnit::Piece,    10,    1,         &["chục"]),
    is("tá",   BaseUnit::Piece,    12,    1,         &["tá"]),
];

/// Units that hold another amount for each product, or for each shop.
const OF_THE_PRODUCT: &[&str] = &[
    "bó", "mớ", "thúng", "thùng", "bao", "sọt", "rổ", "giỏ", "khay", "vỉ", "lốc", "két", "nải", "buồng", "chùm", "nắm", "gánh",
    "xe", "can", "bì", "bịch", "kiện", "pallet",
];

/// Words that make a rate of an amount.
const RATE: &[&str] = &["moi", "mot", "ngay", "tuan", "thang", "nam", "gio"];

/// Reads a quantity above zero. A unit that only the product can know is taken as typed; none at all is left empty.
pub fn quantity(text: &str) -> Result<Quantity, Misread> {
    match counted(text)? {
        Quantity { value: Milli::ZERO, .. } => Err(Misread::new(Reason::Zero, text)),
        quantity => Ok(quantity),
    }
}

/// Reads a quantity as [`quantity`] does; zero is one too, since a count may find nothing.
pub fn counted(text: &str) -> Result<Quantity, Misread> {
    let plain = plain(text);
    let parts = parts(&plain).map_err(|reason| Misread::new(reason, text))?;
    let (value, typed) = match &parts[..] {
        [one] => *one,
        several => {
            let (value, base) = sum(text, several)?;
            return Ok(Quantity { value, unit: base.code().to_owned() });
        }
    };
    let unit = match find(typed) {
        // A dozen is no unit of `to_base`, and would be taken for a tạ there.
        Ok(Found::Common(unit)) if unit.names == ["tá"] => {
            let value = value.0.checked_mul(unit.numerator).ok_or_else(|| Misread::new(Reason::OutOfRange, text))?;
            return Ok(Quantity { value: Milli(value), unit: BaseUnit::Piece.code().to_owned() });
        }
        Ok(Found::Common(unit)) => unit.names.first().copied().unwrap_or(unit.code).to_owned(),
        Ok(Found::OfTheProduct(name)) => name.to_owned(),
        // A product may define any word as a unit.
        Err(Reason::UnknownUnit) if typed.chars().all(|c| c.is_alphabetic() || c == ' ') => nfc(typed),
        Err(Reason::MissingUnit) => String::new(),
        Err(reason) => return Err(of_unit(reason, text, typed)),
    };
    Ok(Quantity { value, unit })
}

/// Reads a quantity above zero by its own words alone, without a product that would say what its units are.
pub fn measured(text: &str) -> Result<(Milli, BaseUnit), Misread> {
    let plain = plain(text);
    let parts = parts(&plain).map_err(|reason| Misread::new(reason, text))?;
    let (value, base) = sum(text, &parts)?;
    match value {
        Milli::ZERO => Err(Misread::new(Reason::Zero, text)),
        value if value > Milli::MAX_LINE => Err(Misread::new(Reason::OutOfRange, text)),
        value if base == BaseUnit::Piece && !value.is_whole() => Err(Misread::new(Reason::FractionOfPiece, text)),
        value => Ok((value, base)),
    }
}

/// Reads a unit that has one meaning for every product.
pub fn unit(text: &str) -> Result<&'static Unit, Misread> {
    match find(&plain(text)) {
        Ok(Found::Common(unit)) => Ok(unit),
        Ok(Found::OfTheProduct(_)) => Err(Misread::new(Reason::UnitNeedsConversion, text)),
        Err(Reason::MissingUnit) => Err(Misread::new(Reason::Empty, text)),
        Err(reason) => Err(of_unit(reason, text, text)),
    }
}

/// Each number with what is written behind it, up to the next.
fn parts(text: &str) -> Result<Vec<(Milli, &str)>, Reason> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() || parts.is_empty() {
        let (number, behind) = rest.split_at(rest.find(char::is_alphabetic).unwrap_or(rest.len()));
        if number.is_empty() && !behind.is_empty() {
            return Err(Reason::BadNumber);
        }
        let value = decimal(number.trim_end())?;
        // A digit begins the next number where it stands apart; in H87 it does not.
        let next =
            behind.match_indices(' ').map(|(at, _)| at).find(|at| behind[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
        let (unit, next) = behind.split_at(next.unwrap_or(behind.len()));
        parts.push((value, unit.trim()));
        rest = next.trim_start();
    }
    Ok(parts)
}

/// The sum of parts that measure the same.
fn sum(text: &str, parts: &[(Milli, &str)]) -> Result<(Milli, BaseUnit), Misread> {
    let mut total: Option<(i128, BaseUnit)> = None;
    for (value, typed) in parts {
        let unit = match find(typed) {
            Ok(Found::Common(unit)) => unit,
            Ok(Found::OfTheProduct(_)) => return Err(Misread::new(Reason::UnitNeedsConversion, text)),
            Err(reason) => return Err(of_unit(reason, text, typed)),
        };
        let exact = i128::from(value.0) * i128::from(unit.numerator);
        if exact % i128::from(unit.denominator) != 0 {
            return Err(Misread::new(Reason::TooPrecise, text));
        }
        let part = exact / i128::from(unit.denominator);
        total = match total {
            Some((_, base)) if base != unit.base => return Err(Misread::new(Reason::MixedUnits, text)),
            Some((sum, base)) => Some((sum + part, base)),
            None => Some((part, unit.base)),
        };
    }
    let (sum, base) = total.ok_or_else(|| Misread::new(Reason::Empty, text))?;
    let sum = i64::try_from(sum).map_err(|_| Misread::new(Reason::OutOfRange, text))?;
    Ok((Milli(sum), base))
}

/// What a word for a unit stands for.
enum Found {
    Common(&'static Unit),
    OfTheProduct(&'static str),
}

/// Finds a unit; behind one that counts, what is counted may be named (`3 chục trứng`).
fn find(typed: &str) -> Result<Found, Reason> {
    let typed = nfc(typed).to_lowercase();
    let typed = typed.trim_end_matches('.').trim_end();
    if typed.is_empty() {
        return Err(Reason::MissingUnit);
    }
    let whole = find_word(typed);
    let Err(Reason::UnknownUnit) = whole else { return whole };
    let Some((word, named)) = typed.split_once(' ') else { return whole };
    let is_name = |word: &str| word.chars().all(char::is_alphabetic) && !RATE.contains(&fold(word).as_str());
    match find_word(word) {
        Ok(Found::Common(unit)) if unit.base != BaseUnit::Piece => whole,
        found @ Ok(_) if named.split(' ').all(is_name) => found,
        Err(Reason::AmbiguousUnit) => Err(Reason::AmbiguousUnit),
        _ => whole,
    }
}

fn find_word(typed: &str) -> Result<Found, Reason> {
    if let Some(unit) = UNITS.iter().find(|unit| unit.names.contains(&typed)) {
        return Ok(Found::Common(unit));
    }
    if let Some(name) = OF_THE_PRODUCT.iter().find(|name| **name == typed) {
        return Ok(Found::OfTheProduct(name));
    }
    // Marks that were typed are meant.
    if !typed.is_ascii() {
        return Err(Reason::UnknownUnit);
    }
    let mut fits = without_marks(typed);
    match (fits.next(), fits.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Reason::UnknownUnit),
        (Some(Found::OfTheProduct(name)), Some(Found::OfTheProduct(_))) => Ok(Found::OfTheProduct(name)),
        _ => Err(Reason::AmbiguousUnit),
    }
}

/// Every unit that one would type so without marks.
fn without_marks(typed: &str) -> impl Iterator<Item = Found> {
    let fits = move |name: &&&'static str| fold(name) == typed;
    let common = UNITS.iter().filter(move |unit| unit.names.iter().any(|name| fits(&name))).map(Found::Common);
    common.chain(OF_THE_PRODUCT.iter().filter(move |name| fits(name)).map(|name| Found::OfTheProduct(name)))
}

/// What is wrong with a unit, with what it could be.
fn of_unit(reason: Reason, text: &str, typed: &str) -> Misread {
    let mut misread = Misread::new(reason, text);
    if reason == Reason::AmbiguousUnit {
        let folded = fold(typed);
        let word = folded.split(' ').next().unwrap_or_default();
        misread.candidates = without_marks(word)
            .filter_map(|found| match found {
                Found::Common(unit) => unit.names.first().copied(),
                Found::OfTheProduct(name) => Some(name),
            })
            .map(str::to_owned)
            .collect();
    }
    misread
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::to_base;

    #[test]
    #[rustfmt::skip] // Columns.
    fn a_quantity_keeps_the_unit_that_the_product_may_know() {
        for (text, expected) in [
            ("960",              Ok((960_000, ""))),
            ("1,2 tấn",          Ok((1_200,   "tấn"))),
            ("1,2 tan",          Ok((1_200,   "tấn"))),
            ("500G",             Ok((500_000, "g"))),
            ("7 kí.",            Ok((7_000,   "kg"))),
            ("300 túi",          Ok((300_000, "túi"))),
            ("10 bó rau muống",  Ok((10_000,  "bó"))),
            ("4 giạ",            Ok((4_000,   "giạ"))),
            ("3 chục trứng gà",  Ok((3_000,   "chục"))),
            ("2 tá",             Ok((24_000,  "H87"))),
            ("2 kg 3 lạng",      Ok((2_300,   "KGM"))),
            ("50 H87",           Ok((50_000,  "h87"))),
            ("0 kg",             Err(Reason::Zero)),
            ("2 ta",             Err(Reason::AmbiguousUnit)), // tạ or tá.
            ("2 kg 3 quả",       Err(Reason::MixedUnits)),
            ("5 kg/ngày",        Err(Reason::UnknownUnit)),
            ("khoảng 50 kg",     Err(Reason::BadNumber)),
            ("50-60 kg",         Err(Reason::BadNumber)),
            ("-5 kg",            Err(Reason::Negative)),
            ("1.5 kg",           Err(Reason::AmbiguousSeparator)),
            ("kg",               Err(Reason::BadNumber)),
            ("",                 Err(Reason::Empty)),
        ] {
            let read = quantity(text).map_err(|misread| misread.reason);
            assert_eq!(read.as_ref().map(|it| (it.value.0, it.unit.as_str())), expected.as_ref().map(|it| *it), "{text:?}");
        }
        assert_eq!(counted("0 kg").map(|it| it.value), Ok(Milli::ZERO));
        assert_eq!(quantity("2 ta").unwrap_err().candidates, ["tạ", "tá"]);
    }

    #[test]
    fn a_rate_is_no_quantity() {
        for text in ["3 chục mỗi ngày", "3 chục/ngày", "100 con một tháng", "5 kg mỗi ngày"] {
            assert_eq!(measured(text).map_err(|misread| misread.reason), Err(Reason::UnknownUnit), "{text:?}");
        }
    }

    #[test]
    fn the_first_name_of_a_unit_is_read_alike_where_commands_are_decided() {
        for unit in UNITS.iter().filter(|unit| unit.names != ["tá"]) {
            let thousands = Milli(unit.denominator * 1_000);
            let read = to_base(thousands, unit.names[0], unit.base, &[]);
            assert_eq!(read, Ok(Milli(unit.numerator * 1_000)), "{}", unit.names[0]);
        }
    }
}
