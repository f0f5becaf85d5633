//! What people type, as Vietnamese people write it: numbers, quantities, days, times, names and codes, read exactly or not at all.
//! Nothing is guessed: what could mean two things is sent back with both, or with how to write it.
//!
//! Knows no clock, registry or screen: what is known, and now, come in as arguments. `typed/awkward.csv` beside this file is the
//! table of what people really typed and what it means.

mod code;
mod name;
mod number;
mod quantity;
mod time;

pub use code::{Element, digital_link, element_string, gln, gtin, known_code, lot_code, sscc};
pub use name::{Picked, district, pick, product_name};
pub use number::{amount, number};
pub use quantity::{Quantity, Unit, counted, measured, quantity, unit};
pub use time::{Moment, date, date_time, event_date};

use std::fmt;

/// A text that cannot be read: what was typed, why, and how to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// Why; a stable name for programs.
    pub reason: Reason,
    /// What was typed.
    pub typed: String,
    /// What it could have meant, where it is more than one thing.
    pub candidates: Vec<String>,
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wrong, instead) = self.reason.explanation();
        write!(f, "{:?} {wrong}", self.typed)?;
        if !self.candidates.is_empty() {
            write!(f, " ({})", self.candidates.join(", "))?;
        }
        write!(f, "; {instead}")
    }
}

impl std::error::Error for Misread {}

impl Misread {
    fn new(reason: Reason, typed: &str) -> Misread {
        Misread { reason, typed: typed.to_owned(), candidates: Vec::new() }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $wrong:literal; $instead:literal),* $(,)?) => {
        /// Why a text cannot be read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $name),* }

        impl Reason {
            /// Its stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $text),* }
            }

            /// What is wrong, and what to write instead.
            const fn explanation(self) -> (&'static str, &'static str) {
                match self { $(Reason::$name => ($wrong, $instead)),* }
            }
        }
    };
}

reasons! {
    /// Nothing was typed.
    Empty = "empty": "is empty"; "write what is asked for",
    /// Digits of another script.
    NotAsciiDigits = "not_ascii_digits": "holds digits of another script"; "write 0 to 9",

    /// A point or comma that could group thousands or begin decimals.
    AmbiguousSeparator = "ambiguous_separator": "could mean two numbers";
        "write 1.379 for thousands and 1,5 for decimals, without a point or comma where either could be meant",
    /// Groups of other than three digits.
    BadGrouping = "bad_grouping": "is not grouped by threes"; "write 1.379.500 or 1379500",
    /// Below zero.
    Negative = "negative": "is below zero"; "write an amount without a sign: goods that come back are recorded as such",
    /// Zero, where something has to be.
    Zero = "zero": "is nothing"; "write an amount above zero",
    /// More than three decimals.
    TooPrecise = "too_precise": "has more than three decimals"; "write at most three, as in 12,345",
    /// Above 10^9 units.
    OutOfRange = "out_of_range": "is more than 1.000.000.000"; "check it, or record it in parts",
    /// No number.
    BadNumber = "bad_number": "is not one exact number"; "write digits, as in 1.379,5: no words, ranges or exponents",

    /// No unit, and no product that would say one.
    MissingUnit = "missing_unit": "has no unit"; "write one, as in 20 kg",
    /// Not a unit of an amount.
    UnknownUnit = "unknown_unit": "has no unit that is known"; "write kg, g, lạng, yến, tạ, tấn, l, ml, quả, con, cái, chục or tá",
    /// A unit of which each product has its own.
    UnitNeedsConversion = "unit_needs_conversion": "has a unit that differs from product to product";
        "write kg or pieces, or a unit that the product defines",
    /// Without marks it could be two units.
    AmbiguousUnit = "ambiguous_unit": "has a unit that could be two"; "write its marks",
    /// Units that do not measure the same.
    MixedUnits = "mixed_units": "adds units that do not measure the same"; "write one of them",
    /// Part of a piece.
    FractionOfPiece = "fraction_of_piece": "is part of a piece"; "write whole pieces, or a weight",

    /// A month that is none.
    BadMonth = "bad_month": "has no month between 1 and 12 in second place"; "write day/month/year, as in 31/12/2021",
    /// A day that its month does not have.
    NoSuchDay = "no_such_day": "is a day that its month does not have"; "check the day",
    /// Day and month alone.
    MissingYear = "missing_year": "has no year"; "write it too, as in 31/12/2021",
    /// The number by which a spreadsheet keeps a day.
    SpreadsheetSerial = "spreadsheet_serial": "looks like a spreadsheet's number of a day"; "write the day, as in 31/12/2021",
    /// A day of the lunar calendar.
    LunarDate = "lunar_date": "is a day of the lunar calendar"; "write the day of the solar one, as in 31/12/2021",
    /// A day that depends on when it was said.
    RelativeDate = "relative_date": "depends on when it was said"; "write the day, as in 31/12/2021",
    /// Ahead of the clock.
    FutureDate = "future_date": "lies ahead"; "check the year: what is recorded has happened",
    /// No date.
    BadDate = "bad_date": "is not a day as it is known here"; "write 31/12/2021 or 2021-12-31",
    /// A machine's time without its offset.
    MissingOffset = "missing_offset": "has no offset from UTC"; "write 2021-12-31T05:30:00+07:00, or as people do 31/12/2021 05:30",
    /// No time of day.
    BadTime = "bad_time": "has no time between 00:00 and 23:59"; "write 31/12/2021 05:30 or 31/12/2021 5h30",

    /// Text of a code page from before Unicode.
    LegacyEncoding = "legacy_encoding": "is text of an old font (TCVN3)"; "convert it to Unicode",
    /// No such district.
    UnknownDistrict = "unknown_district": "is no district that is known"; "check the spelling, or write its code",
    /// Several such districts.
    AmbiguousDistrict = "ambiguous_district": "fits more than one district"; "write the whole name, or its code",
    /// No such name.
    UnknownName = "unknown_name": "is no name that is known"; "check the spelling, or write the code",
    /// Several such names.
    AmbiguousName = "ambiguous_name": "fits more than one name"; "write it with its marks, or write the code",

    /// A check digit that does not fit.
    CheckDigit = "check_digit": "has a check digit that does not fit the others"; "compare it with the label, digit by digit",
    /// Too few or too many digits.
    BadLength = "bad_length": "has too few or too many digits"; "a GLN has 13, a GTIN 8, 12, 13 or 14, an SSCC 18",
    /// What a spreadsheet made of a long number.
    SpreadsheetNumber = "spreadsheet_number": "was rounded by a spreadsheet"; "take it from the label, and keep the column as text",
    /// Characters that a lot code cannot hold.
    BadCharset = "bad_charset": "holds what a code cannot hold";
        "write letters without marks, digits and !\"%&'()*+,-./:;<=>?_, without spaces",
    /// More characters than a code may have.
    TooLong = "too_long": "has more than 20 characters"; "check where the code ends",
    /// No such code.
    UnknownCode = "unknown_code": "is no code that is known"; "check it (O or 0, I or 1)",
    /// No GS1 Digital Link and no element string.
    BadElements = "bad_elements": "is no GS1 code of a product's lot"; "scan it again, or write product and lot by themselves",
}

/// The text in the characters that are meant: full-width forms as plain ones, every space as a space, nothing at its ends that
/// nobody sees.
fn plain(text: &str) -> String {
    let unseen = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}');
    let plain = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        c if c.is_whitespace() => ' ',
        c => c,
    };
    text.trim_matches(|c: char| c.is_whitespace() || unseen(c)).chars().map(plain).collect()
}

/// A digit that is not one of 0 to 9.
fn is_foreign_digit(c: char) -> bool {
    c.is_numeric() && !c.is_ascii_digit()
}

#[cfg(test)]
mod tests;
