//! Quantities of goods: whole thousandths of a product's base unit. Rule 1 lives here.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Thousandths of a product's base unit: grams for kilogram goods, thousandths of a piece for pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Milli(pub i64);

impl Milli {
    /// Nothing.
    pub const ZERO: Milli = Milli(0);
    /// The most that one line may carry: 10^9 base units (rule 1).
    pub const MAX_LINE: Milli = Milli(1_000_000_000_000);
    /// The most that one place may hold of one lot: far above any line, far below where sums overflow.
    pub const MAX_HELD: Milli = Milli(1_000_000_000_000_000);

    /// So many whole base units.
    pub const fn units(units: i64) -> Milli {
        Milli(units * 1_000)
    }

    /// Whether it is a whole number of base units.
    pub const fn is_whole(self) -> bool {
        self.0 % 1_000 == 0
    }
}

/// Base units as a decimal number without grouping: `1.5`, `-3`, `0.005`.
impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (whole, thousandths) = (magnitude / 1_000, magnitude % 1_000);
        let sign = if self.0 < 0 { "-" } else { "" };
        if thousandths == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{thousandths:03}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::Milli;

    #[test]
    #[rustfmt::skip] // Columns.
    fn thousandths_are_shown_as_base_units() {
        for (milli, shown) in [
            (0,                    "0"),
            (5,                    "0.005"),
            (-1_500,               "-1.5"),
            (16_777_217,           "16777.217"),
            (1_000_000_000_000,    "1000000000"),
            (i64::MIN,             "-9223372036854775.808"),
        ] { assert_eq!(Milli(milli).to_string(), shown); }
    }
}
