//! Units of measure and their exact ratios. A conversion that is not exact is refused with the reason.

use crate::quantity::Milli;
use crate::text;
use smol_str::SmolStr;
use std::fmt;

/// Unit in which a product's stock is counted (UN/CEFACT Recommendation 20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaseUnit {
    /// Kilogram.
    Kilogram,
    /// Litre.
    Litre,
    /// Piece.
    Piece,
}

impl BaseUnit {
    /// All of them.
    pub const ALL: &[BaseUnit] = &[BaseUnit::Kilogram, BaseUnit::Litre, BaseUnit::Piece];

    /// Its code in Recommendation 20.
    pub const fn code(self) -> &'static str {
        match self {
            BaseUnit::Kilogram => "KGM",
            BaseUnit::Litre => "LTR",
            BaseUnit::Piece => "H87",
        }
    }

    /// The unit with that code, if it is one in which stock is counted.
    pub fn from_code(code: &str) -> Option<BaseUnit> {
        BaseUnit::ALL.iter().copied().find(|unit| unit.code() == code)
    }
}

impl fmt::Display for BaseUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BaseUnit::Kilogram => "kg",
            BaseUnit::Litre => "l",
            BaseUnit::Piece => "pieces",
        })
    }
}

/// A unit that a product defines: one of it is `numerator / denominator` base units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketUnit {
    /// What people call it, for example `bó`.
    pub name: SmolStr,
    /// Base units; above zero.
    pub numerator: i64,
    /// For so many of it; above zero.
    pub denominator: i64,
}

/// Units with one meaning for every product: names with their marks, base unit, numerator, denominator.
/// Metric ones from Recommendation 20; lạng, yến, tạ and tấn as the Vietnamese trade has used them since metrication.
#[rustfmt::skip] // Columns.
const COMMON: &[(&[&str], BaseUnit, i64, i64)] = &[
    (&["kgm", "kg", "kilogram", "ki lô", "kilo", "cân"],             BaseUnit::Kilogram, 1,     1),
    (&["grm", "g", "gr", "gam", "gram"],                             BaseUnit::Kilogram, 1,     1_000),
    (&["mgm", "mg", "miligam"],                                      BaseUnit::Kilogram, 1,     1_000_000),
    (&["hgm", "lạng"],                                               BaseUnit::Kilogram, 1,     10),
    (&["yến"],                                                       BaseUnit::Kilogram, 10,    1),
    (&["dtn", "tạ"],                                                 BaseUnit::Kilogram, 100,   1),
    (&["tne", "tấn", "t"],                                           BaseUnit::Kilogram, 1_000, 1),
    (&["ltr", "l", "lít", "litre", "liter"],                         BaseUnit::Litre,    1,     1),
    (&["mlt", "ml", "mililít"],                                      BaseUnit::Litre,    1,     1_000),
    (&["h87", "c62", "ea", "cái", "chiếc", "quả", "trái", "con", "hộp", "gói", "túi", "chai", "lọ", "hũ", "cây", "piece", "pieces"],
                                                                     BaseUnit::Piece,    1,     1),
    (&["chục"],                                                      BaseUnit::Piece,    10,    1),
    (&["dzn", "tá"],                                                 BaseUnit::Piece,    12,    1),
];

/// Without marks these fit two things (tạ or tá; cân or a jerrycan): nobody guesses.
const UNCERTAIN: &[&str] = &["ta", "can"];

/// Why a quantity cannot be read in a product's base unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inexact {
    /// Nobody defined the unit.
    #[error("the unit {unit:?} is not known for this product; known are {known}")]
    UnknownUnit {
        /// Unit as given.
        unit: String,
        /// Units that the product takes.
        known: String,
    },
    /// The unit measures something else than stock is counted in.
    #[error("the product is counted in {base}, and {unit:?} measures {measures}: no exact factor leads from one to the other")]
    OtherDimension {
        /// Unit as given.
        unit: String,
        /// What the unit measures.
        measures: BaseUnit,
        /// Unit of the product's stock.
        base: BaseUnit,
    },
    /// The result has more than three decimals of the base unit.
    #[error(
        "{value} {unit} is {numerator}/{denominator} thousandths of a base unit, which is not whole; give a multiple of the smallest step"
    )]
    NotWhole {
        /// Quantity as given.
        value: Milli,
        /// Unit as given.
        unit: String,
        /// Numerator of the exact result, in thousandths.
        numerator: i128,
        /// Denominator of the exact result.
        denominator: i128,
    },
    /// The result lies beyond what a quantity can be.
    #[error("{value} {unit} is more than a quantity can be; at most {} base units are allowed", Milli::MAX_LINE)]
    TooLarge {
        /// Quantity as given.
        value: Milli,
        /// Unit as given.
        unit: String,
    },
}

/// Reads a quantity given in some unit as thousandths of the base unit. The product's own units come first: where a piece is a
/// box of ten eggs, a product may say that a chục is one piece.
pub fn to_base(value: Milli, unit: &str, base: BaseUnit, market_units: &[MarketUnit]) -> Result<Milli, Inexact> {
    if unit.is_empty() {
        return Ok(value);
    }
    let folded = text::fold(unit);
    let own = market_units.iter().find(|own| text::nfc(unit).to_lowercase() == own.name.to_lowercase());
    let own = own.or_else(|| market_units.iter().find(|own| text::fold(&own.name) == folded));
    let (numerator, denominator) = match own {
        Some(own) => (own.numerator, own.denominator),
        None => match common(unit) {
            Some((measures, numerator, denominator)) if measures == base => (numerator, denominator),
            Some((measures, ..)) => return Err(Inexact::OtherDimension { unit: unit.to_owned(), measures, base }),
            None => {
                let common = COMMON.iter().filter(|(_, of, ..)| *of == base).map(|(names, ..)| names[0].to_uppercase());
                let known = market_units.iter().map(|own| own.name.to_string()).chain(common).collect::<Vec<_>>().join(", ");
                return Err(Inexact::UnknownUnit { unit: unit.to_owned(), known });
            }
        },
    };
    let (numerator, denominator) = (i128::from(value.0) * i128::from(numerator), i128::from(denominator));
    if numerator % denominator != 0 {
        return Err(Inexact::NotWhole { value, unit: unit.to_owned(), numerator, denominator });
    }
    i64::try_from(numerator / denominator).map(Milli).map_err(|_| Inexact::TooLarge { value, unit: unit.to_owned() })
}

/// A unit with one meaning for every product: what it measures, and its ratio to that base unit. A name with marks is that name;
/// one without may stand for the only one that it fits.
pub fn common(name: &str) -> Option<(BaseUnit, i64, i64)> {
    let (marked, folded) = (text::nfc(name).to_lowercase(), text::fold(name));
    let named = |fits: &dyn Fn(&str) -> bool| COMMON.iter().find(|(names, ..)| names.iter().any(|name| fits(name)));
    let found = named(&|known| known == marked).or_else(|| {
        let is_plain = marked == folded && !UNCERTAIN.contains(&folded.as_str());
        if is_plain { named(&|known| text::fold(known) == folded) } else { None }
    });
    found.map(|&(_, base, numerator, denominator)| (base, numerator, denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip] // Columns.
    fn units_convert_exactly_or_not_at_all() {
        let sack = [MarketUnit { name: "bó".into(), numerator: 1, denominator: 400 }, MarketUnit { name: "thùng".into(), numerator: 12, denominator: 1 }];
        // value, unit, base, expected thousandths of the base unit
        for (value, unit, base, expected) in [
            (2_850,     "kg",    BaseUnit::Kilogram, Some(2_850)),
            (1_200,     "tấn",   BaseUnit::Kilogram, Some(1_200_000)),
            (3_000,     "lạng",  BaseUnit::Kilogram, Some(300)),
            (500_000,   "GRM",   BaseUnit::Kilogram, Some(500)),
            (1,         "g",     BaseUnit::Kilogram, None), // A thousandth of a gram.
            (3_000,     "chục",  BaseUnit::Piece,    Some(30_000)),
            (2_000,     "Thùng", BaseUnit::Piece,    Some(24_000)),
            (1_000,     "bó",    BaseUnit::Piece,    None), // 2.5 thousandths.
            (2_000,     "bó",    BaseUnit::Piece,    Some(5)),
            (1_000,     "kg",    BaseUnit::Piece,    None),
            (1_000,     "giạ",   BaseUnit::Kilogram, None),
            (2_000,     "tá",    BaseUnit::Piece,    Some(24_000)),
            (2_000,     "tá",    BaseUnit::Kilogram, None), // A dozen, never the tạ of 100 kg.
            (2_000,     "ta",    BaseUnit::Kilogram, None), // Either.
            (2_000,     "tan",   BaseUnit::Kilogram, Some(2_000_000)),
            (5_000,     "can",   BaseUnit::Kilogram, None), // Cân, or a jerrycan.
            (7,         "",      BaseUnit::Litre,    Some(7)),
        ] { assert_eq!(to_base(Milli(value), unit, base, &sack).ok(), expected.map(Milli), "{value} {unit:?}"); }
    }
}
