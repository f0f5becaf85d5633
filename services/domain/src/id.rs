//! Names of things: internal codes, and ids derived from what names a thing, so that everyone derives the same.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use smol_str::SmolStr;
use std::fmt;
use uuid::Uuid;

/// Root of every id derived here. Never changes: ids are in events.
const NAMESPACE: Uuid = Uuid::from_u128(0x8f6f_3c1e_51a4_5b0e_9c1d_0d6b_2f7a_4e93);

/// Why a text cannot be a code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} cannot be {what}: {allowed}")]
pub struct BadCode {
    /// What it was meant to be.
    pub what: &'static str,
    /// Text as given.
    pub value: String,
    /// What is allowed.
    pub allowed: &'static str,
}

const CODE_ALLOWED: &str = "1 to 20 of A-Z, 0-9, '-', '_', '.'";

macro_rules! code {
    ($name:ident, $what:literal) => {
        #[doc = concat!("Internal code of ", $what, ": upper case, for ever.")]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(SmolStr);

        impl $name {
            /// Reads a code; lower case letters become upper case.
            pub fn parse(text: &str) -> Result<Self, BadCode> {
                let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                if (1..=20).contains(&text.len()) && text.bytes().all(allowed) {
                    Ok(Self(text.to_ascii_uppercase().into()))
                } else {
                    Err(BadCode { what: concat!("the code of ", $what), value: text.to_owned(), allowed: CODE_ALLOWED })
                }
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code!(OrganizationCode, "an organization");
code!(SiteCode, "a site");
code!(ProductCode, "a product");
code!(ChainCode, "a chain");
code!(DistrictCode, "a district");
code!(CraftVillageCode, "a craft village");

impl ProductCode {
    /// What sorts before every code.
    pub(crate) const fn least() -> Self {
        Self(SmolStr::new_static(""))
    }
}

/// Code of a lot: 1 to 20 characters of GS1 AI (10), as printed, letters in their case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LotCode(SmolStr);

impl LotCode {
    /// Reads a lot code.
    pub fn parse(text: &str) -> Result<Self, BadCode> {
        // GS1 General Specifications, encodable character set 82.
        let allowed = |b: u8| b.is_ascii_alphanumeric() || br#"!"%&'()*+,-./:;<=>?_"#.contains(&b);
        let text = text.trim();
        if (1..=20).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(BadCode {
                what: "a lot code",
                value: text.to_owned(),
                allowed: "1 to 20 characters of GS1 character set 82 (letters, digits and !\"%&'()*+,-./:;<=>?_)",
            })
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LotCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Code that a sender gives a shipment: 1 to 40 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShipmentCode(SmolStr);

impl ShipmentCode {
    /// Reads a shipment code.
    pub fn parse(text: &str) -> Result<Self, BadCode> {
        let text = text.trim();
        if (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(BadCode { what: "a shipment code", value: text.to_owned(), allowed: "1 to 40 visible ASCII characters" })
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShipmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Serial shipping container code: names one logistic unit; 18 digits, the last a check digit (GS1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sscc(SmolStr);

impl Sscc {
    /// Reads an SSCC; spaces between the digits and a leading AI (00) are left out.
    pub fn parse(text: &str) -> Result<Self, BadCode> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let digits = digits.strip_prefix("(00)").unwrap_or(&digits);
        if is_gs1_key(digits, 18) {
            Ok(Self(digits.into()))
        } else {
            Err(BadCode { what: "an SSCC", value: text.to_owned(), allowed: "18 digits, the last a check digit" })
        }
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One batch of one product: derived from (issuer, product, lot code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LotId(pub Uuid);

impl LotId {
    /// What sorts before every id.
    pub(crate) const fn least() -> Self {
        Self(Uuid::nil())
    }

    /// The id of the lot that an issuer named so.
    pub fn derive(issuer: &OrganizationCode, product: &ProductCode, code: &LotCode) -> LotId {
        LotId(derive(&["lot", issuer.as_str(), product.as_str(), code.as_str()]))
    }
}

/// Goods on their way from one site to another: derived from (issuer, shipment code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShipmentId(pub Uuid);

impl ShipmentId {
    /// The id of the shipment that an issuer named so.
    pub fn derive(issuer: &OrganizationCode, code: &ShipmentCode) -> ShipmentId {
        ShipmentId(derive(&["shipment", issuer.as_str(), code.as_str()]))
    }

    /// The id of the shipment that takes back what a command refused at the door.
    pub fn of_return(organization: &OrganizationCode, command: CommandId) -> ShipmentId {
        ShipmentId(derive(&["return", organization.as_str(), &command.0.to_string()]))
    }
}

/// What a site wants of a chain: derived from (buyer, order code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId(pub Uuid);

impl OrderId {
    /// The id of the order that a buyer named so.
    pub fn derive(buyer: &OrganizationCode, code: &ShipmentCode) -> OrderId {
        OrderId(derive(&["order", buyer.as_str(), code.as_str()]))
    }
}

/// What stands on a product or a lot and names it to whoever scans it: 12 characters of Crockford's base32.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TraceCode(SmolStr);

impl TraceCode {
    /// Characters of a code.
    pub const LENGTH: usize = 12;
    /// Characters of the check that is printed behind it.
    pub const CHECK_LENGTH: usize = 4;
    /// Crockford's alphabet: no I, L, O and U.
    pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// The code that a command issues.
    pub fn derive(organization: &OrganizationCode, command: CommandId) -> TraceCode {
        let bytes = derive(&["code", organization.as_str(), &command.0.to_string()]).into_bytes();
        // Sixty bits; those that tell the kind of a UUID stand in bytes 6 and 8.
        let bits = [0, 1, 2, 3, 4, 5, 9, 10].iter().fold(0_u64, |bits, at| bits << 8 | u64::from(bytes[*at]));
        let letters = (1..=Self::LENGTH).map(|nth| char::from(Self::ALPHABET[(bits >> (64 - 5 * nth) & 31) as usize]));
        TraceCode(letters.collect())
    }

    /// Reads a code, and the check behind it where there is one: letters in any case, with spaces or hyphens between them; I and L
    /// are read as 1, O as 0.
    pub fn parse(text: &str) -> Result<(TraceCode, Option<SmolStr>), BadCode> {
        let read = |letter: char| match letter.to_ascii_uppercase() {
            'I' | 'L' => Some('1'),
            'O' => Some('0'),
            letter => Self::ALPHABET.iter().any(|known| char::from(*known) == letter).then_some(letter),
        };
        let letters = text.trim().chars().filter(|letter| !matches!(letter, '-' | ' '));
        let letters: Option<String> = letters.map(read).collect();
        match letters {
            Some(letters) if letters.len() == Self::LENGTH => Ok((TraceCode(letters.into()), None)),
            Some(letters) if letters.len() == Self::LENGTH + Self::CHECK_LENGTH => {
                let (code, check) = letters.split_at(Self::LENGTH);
                Ok((TraceCode(code.into()), Some(check.into())))
            }
            _ => Err(BadCode {
                what: "a traceability code",
                value: text.to_owned(),
                allowed: "16 letters and digits without I, L, O and U as printed, or the first 12 of them",
            }),
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A command, named by its sender; unique within its organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(pub Uuid);

impl CommandId {
    /// The id of the command that gives the notice with this key: whoever gives it gives the same.
    pub fn of_notice(key: &str) -> CommandId {
        CommandId(derive(&["notice", key]))
    }
}

/// A command of an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandRef {
    /// The organization.
    pub organization: OrganizationCode,
    /// Its command.
    pub command: CommandId,
}

impl fmt::Display for CommandRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.command, self.organization)
    }
}

/// An event: derived from (organization, command, index in the command).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub Uuid);

impl EventId {
    /// The id of a command's event.
    pub fn derive(organization: &OrganizationCode, command: CommandId, index: usize) -> EventId {
        EventId(derive(&["event", organization.as_str(), &command.0.to_string(), &index.to_string()]))
    }
}

/// What tells a repetition of a command from another command under the same id: SHA-256 of its fields as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Digest of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }
}

macro_rules! shown_as_uuid {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
shown_as_uuid!(LotId, ShipmentId, OrderId, CommandId, EventId);

/// UUIDv5 of parts, each ended by a byte that none of them may hold.
fn derive(parts: &[&str]) -> Uuid {
    let mut name = Vec::new();
    for part in parts {
        name.extend_from_slice(part.as_bytes());
        name.push(0);
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

/// Whether a text is a GS1 key of that many digits with a valid check digit (GLN 13, GTIN 14, SSCC 18).
pub fn is_gs1_key(text: &str, digits: usize) -> bool {
    if text.len() != digits || !text.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    // From the right, check digit first: weights 1, 3, 1, 3 …
    let sum: u32 = text.bytes().rev().zip([1, 3].into_iter().cycle()).map(|(b, weight)| u32::from(b - b'0') * weight).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_with_one_code_of_two_issuers_and_two_products_are_four() {
        let code = LotCode::parse("01").unwrap();
        let issuers = ["HTX1", "HTX2"].map(|code| OrganizationCode::parse(code).unwrap());
        let products = ["PK0001", "PK0002"].map(|code| ProductCode::parse(code).unwrap());
        let ids: std::collections::BTreeSet<_> =
            issuers.iter().flat_map(|issuer| products.iter().map(|product| LotId::derive(issuer, product, &code))).collect();
        assert_eq!(ids.len(), 4);
    }

    /// In events for ever: a change of the derivation would lose every lot.
    #[test]
    fn derived_ids_never_change() {
        let issuer = OrganizationCode::parse("HTX-CH001").unwrap();
        let lot = LotId::derive(&issuer, &ProductCode::parse("pk0001").unwrap(), &LotCode::parse("L-20261125").unwrap());
        assert_eq!(lot.to_string(), "4468fcd9-873a-5e21-b755-b30b3c8ae91c");
        let shipment = ShipmentId::derive(&issuer, &ShipmentCode::parse("PXK-2026-000001").unwrap());
        assert_eq!(shipment.to_string(), "39ea73a6-2628-5d2e-bc44-dfd23517a7bd");
        let order = OrderId::derive(&issuer, &ShipmentCode::parse("DDH-2026-01").unwrap());
        assert_eq!(order.to_string(), "36124e0f-1068-5c45-a35d-a9af64272d6f");
        assert_eq!(TraceCode::derive(&issuer, CommandId(Uuid::from_u128(7))).as_str(), "QAB7CZD33ZY3");
        let notice = CommandId::of_notice("idle-chain/CH001/2026-11-20");
        assert_eq!(notice.to_string(), "957ac767-b2b0-52d7-bae5-cc8fbef393ec");
        assert_eq!(
            EventId::derive(&issuer, CommandId(Uuid::from_u128(7)), 2).to_string(),
            "cd94759b-34a4-53dc-858b-23d929500adb"
        );
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = TraceCode("01ABCDEFGH10".into());
        for text in ["01ABCDEFGH10", "oIab-cdef-ghlO", " 01AB CDEF GH10 "] {
            assert_eq!(TraceCode::parse(text), Ok((code.clone(), None)), "{text}");
        }
        assert_eq!(TraceCode::parse("01AB-CDEF-GH10-7xyz"), Ok((code, Some("7XYZ".into()))));
        for text in ["", "01ABCDEFGH1", "01ABCDEFGHU0", "01ABCDEFGH10-7XY", "01ABCDEFGH1é"] {
            assert!(TraceCode::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn gs1_check_digits_are_checked() {
        for (text, digits, valid) in [
            ("9521410000011",  13, true),
            ("9521410000012",  13, false),
            ("09521415000016", 14, true),
            ("952141000001",   13, false),
            ("95214100000١1",  13, false), // Another script's digit.
        ] { assert_eq!(is_gs1_key(text, digits), valid, "{text}"); }
    }
}
