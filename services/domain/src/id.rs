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

/// A command, named by its sender; unique within its organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(pub Uuid);

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
        assert_eq!(
            EventId::derive(&issuer, CommandId(Uuid::from_u128(7)), 2).to_string(),
            "cd94759b-34a4-53dc-858b-23d929500adb"
        );
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
