//! What people type: which lot, how much, when. Read as Vietnamese people write it; what was typed goes along.

use clap::Args;
use domain::typed::Moment;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;
use wire::proto::chuoi::record::v1::harvest::Household;
use wire::proto::chuoi::record::v1::{
    CommandReference, DayPart, LotLine, LotReference, NewLot, Quantity, ShipmentReference, When,
};

use crate::failure::Failure;

/// Which lot: its id, its code alone, `PRODUCT/LOT` or `ISSUER/PRODUCT/LOT`.
pub fn lot(text: &str) -> Result<LotReference, String> {
    let text = text.trim();
    if let Ok(id) = Uuid::parse_str(text) {
        return Ok(LotReference { lot_id: id.to_string(), ..LotReference::default() });
    }
    // The code comes last and may hold a slash itself, where the issuer is named.
    let parts: Vec<&str> = text.splitn(3, '/').map(str::trim).collect();
    let (issuer, product, code) = match parts[..] {
        [code] => ("", "", code),
        [product, code] => ("", product, code),
        [issuer, product, code] => (issuer, product, code),
        _ => ("", "", ""),
    };
    if code.is_empty() || (parts.len() > 1 && product.is_empty()) {
        return Err(format!("{text:?} names no lot: say LOT, PRODUCT/LOT, ISSUER/PRODUCT/LOT or the lot's id"));
    }
    Ok(LotReference { issuer: issuer.into(), product: product.into(), lot_code: code.into(), ..LotReference::default() })
}

/// A lot that begins: `PRODUCT/LOT` or `ISSUER/PRODUCT/LOT`.
pub fn new_lot(text: &str) -> Result<NewLot, String> {
    let lot = lot(text)?;
    if lot.product.is_empty() {
        return Err(format!("{text:?} names no lot that could begin: say PRODUCT/LOT or ISSUER/PRODUCT/LOT"));
    }
    Ok(NewLot { issuer: lot.issuer, product: lot.product, lot_code: lot.lot_code, ..NewLot::default() })
}

/// Which shipment: its id, its code alone or `ISSUER/CODE`.
pub fn shipment(text: &str) -> Result<ShipmentReference, String> {
    let text = text.trim();
    if let Ok(id) = Uuid::parse_str(text) {
        return Ok(ShipmentReference { shipment_id: id.to_string(), ..ShipmentReference::default() });
    }
    let (issuer, code) = text.split_once('/').unwrap_or(("", text));
    if code.trim().is_empty() {
        return Err(format!("{text:?} names no shipment: say CODE, ISSUER/CODE or the shipment's id"));
    }
    Ok(ShipmentReference { issuer: issuer.trim().into(), shipment_code: code.trim().into(), ..ShipmentReference::default() })
}

/// The two halves of `LOT=QUANTITY`. A lot's code may hold an equals sign; a quantity does not.
fn halves(text: &str) -> Result<(&str, &str), String> {
    text.rsplit_once('=').ok_or_else(|| format!("{text:?} says no quantity: say LOT=QUANTITY, for example PK0002/L1=\"12,5 kg\""))
}

/// A quantity of a lot: `LOT=QUANTITY`.
pub fn line(text: &str) -> Result<LotLine, String> {
    let (named, much) = halves(text)?;
    Ok(LotLine { lot: Some(lot(named)?), quantity: Some(quantity(much)?) })
}

/// A counted quantity of a lot, which may be nothing: `LOT=QUANTITY`.
pub fn counted_line(text: &str) -> Result<LotLine, String> {
    let (named, much) = halves(text)?;
    Ok(LotLine { lot: Some(lot(named)?), quantity: Some(counted(much)?) })
}

/// A lot that comes out of processing, and how much: `PRODUCT/LOT=QUANTITY`.
pub fn output(text: &str) -> Result<(NewLot, Quantity), String> {
    let (named, much) = halves(text)?;
    Ok((new_lot(named)?, quantity(much)?))
}

/// How much: `1,2 tấn`, `50 kg`, `300 túi`, or a number in the product's own unit; with what was measured besides in brackets:
/// `110,4 kg (5 con)`.
pub fn quantity(text: &str) -> Result<Quantity, String> {
    let Some((much, rest)) = text.split_once('(') else { return sent(domain::typed::quantity(text), text) };
    let Some(besides) = rest.trim().strip_suffix(')') else {
        return Err(format!("{text:?} opens a bracket and does not close it: say \"110,4 kg (5 con)\""));
    };
    let catch = domain::typed::quantity(besides).map_err(|misread| misread.to_string())?;
    if catch.unit.is_empty() {
        return Err(format!("{besides:?} says no unit: say \"110,4 kg (5 con)\""));
    }
    let quantity = sent(domain::typed::quantity(much), text)?;
    Ok(Quantity { catch_value_milli: Some(catch.value.0), catch_unit: catch.unit, ..quantity })
}

/// An earlier command: its id, or `ORGANIZATION/ID`.
pub fn command(text: &str) -> Result<CommandReference, String> {
    let (organization, id) = text.trim().rsplit_once('/').unwrap_or(("", text.trim()));
    let id = Uuid::parse_str(id.trim())
        .map_err(|_| format!("{text:?} names no command: say its id, or ORGANIZATION/ID, as it was printed"))?;
    Ok(CommandReference { organization: organization.trim().into(), command_id: id.to_string() })
}

/// Degrees Celsius, in thousandths: `4,5` or `-18`.
pub fn celsius(text: &str) -> Result<i32, String> {
    let trimmed = text.trim().replace('\u{2212}', "-");
    let (negative, digits) = trimmed.strip_prefix('-').map_or((false, trimmed.as_str()), |digits| (true, digits));
    let wrong = || format!("{text:?} is no temperature: say 4,5 or -18");
    let (whole, part) = digits.split_once([',', '.']).unwrap_or((digits, ""));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || part.len() > 3 || !(part.is_empty() || is_number(part)) || digits.ends_with([',', '.']) {
        return Err(wrong());
    }
    let milli: i32 = format!("{whole}{part:0<3}").parse().map_err(|_| wrong())?;
    Ok(if negative { -milli } else { milli })
}

/// A moment, with its offset: `2026-11-25T18:00+07:00`.
pub fn instant(text: &str) -> Result<prost_types::Timestamp, String> {
    let instant: Timestamp =
        text.trim().parse().map_err(|_| format!("{text:?} is no moment with an offset: say 2026-11-25T18:00+07:00"))?;
    Ok(super::timestamp(instant))
}

/// A household: its reference, and its part where that was weighed.
pub fn household(text: &str) -> Result<Household, String> {
    let (reference, part) = text.split_once('=').map_or((text, None), |(reference, part)| (reference, Some(part)));
    let quantity = part.map(quantity).transpose()?;
    Ok(Household { household_ref: reference.trim().into(), quantity })
}

/// How much was counted: nothing is an answer too.
pub fn counted(text: &str) -> Result<Quantity, String> {
    sent(domain::typed::counted(text), text)
}

fn sent(read: Result<domain::typed::Quantity, domain::typed::Misread>, text: &str) -> Result<Quantity, String> {
    let read = read.map_err(|misread| misread.to_string())?;
    Ok(Quantity { value_milli: read.value.0, unit: read.unit, typed: text.trim().to_owned(), ..Quantity::default() })
}

/// A day: `25/11/2026` or `2026-11-25`.
pub fn date(text: &str) -> Result<String, String> {
    domain::typed::date(text).map(|date| date.to_string()).map_err(|misread| misread.to_string())
}

/// When it happened.
#[derive(Args, Clone, Debug, Default)]
pub struct WhenFlags {
    /// When it happened: "25/11/2026 06:30", or with an offset 2026-11-25T06:30+07:00 [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The day on which it happened, where no time is known: 25/11/2026
    #[arg(long, value_name = "DAY", conflicts_with = "at")]
    pub date: Option<String>,
}

impl WhenFlags {
    /// Whether a time was given.
    pub fn is_given(&self) -> bool {
        self.at.is_some() || self.date.is_some()
    }

    /// The time as a message; now where none was given. A part of a day needs a day: that of `now`, if none was given.
    pub fn when(&self, part: DayPart, now: Timestamp, zone: &TimeZone) -> Result<When, Failure> {
        let today = zone.to_datetime(now).date();
        let day = |date: Date, typed: &str| When {
            date: date.to_string(),
            day_part: part.into(),
            typed: typed.trim().to_owned(),
            ..When::default()
        };
        if self.at.is_some() && part != DayPart::Unspecified {
            return Err(Failure::Usage(
                "--at says the time itself; --before-opening and --after-closing go with --date".to_owned(),
            ));
        }
        match (&self.at, &self.date) {
            (None, None) if part == DayPart::Unspecified => {
                Ok(moment(Moment { instant: now, utc_offset_minutes: zone.to_offset(now).seconds() / 60 }, ""))
            }
            (None, None) => Ok(day(today, "")),
            (_, Some(typed)) => match domain::typed::event_date(typed, now, zone) {
                Ok(date) => Ok(day(date, typed)),
                Err(misread) => Err(Failure::Usage(format!("--date {misread}"))),
            },
            (Some(typed), None) => match domain::typed::date_time(typed, zone) {
                Ok(read) => Ok(moment(read, typed)),
                // A time alone is one of today, a day alone is a day.
                Err(misread) => match (
                    domain::typed::date_time(&format!("{today} {typed}"), zone),
                    domain::typed::event_date(typed, now, zone),
                ) {
                    (Ok(read), _) => Ok(moment(read, typed)),
                    (_, Ok(date)) => Ok(day(date, typed)),
                    _ => Err(Failure::Usage(format!("--at {misread}"))),
                },
            },
        }
    }
}

fn moment(read: Moment, typed: &str) -> When {
    When {
        event_time: Some(prost_types::Timestamp { seconds: read.instant.as_second(), nanos: read.instant.subsec_nanosecond() }),
        utc_offset_minutes: Some(read.utc_offset_minutes),
        typed: typed.trim().to_owned(),
        ..When::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(issuer: &str, product: &str, code: &str) -> LotReference {
        LotReference { lot_id: String::new(), issuer: issuer.into(), product: product.into(), lot_code: code.into() }
    }

    #[test]
    fn a_lot_is_named_by_as_much_as_is_needed() {
        let id = "0192f3a1-7c00-7000-8000-000000000001";
        assert_eq!(lot(id), Ok(LotReference { lot_id: id.into(), ..LotReference::default() }));
        assert_eq!(lot("L20261125"), Ok(named("", "", "L20261125")));
        assert_eq!(lot(" PK0001 / L1"), Ok(named("", "PK0001", "L1")));
        assert_eq!(lot("HTX-CH001/PK0001/A/B"), Ok(named("HTX-CH001", "PK0001", "A/B")));
        assert!(lot("PK0001/").is_err() && lot("/L1").is_err() && lot("").is_err());
        assert!(new_lot("L1").is_err());
    }

    #[test]
    fn a_shipment_is_named_by_as_much_as_is_needed() {
        assert_eq!(shipment("PX-7").map(|shipment| shipment.shipment_code), Ok("PX-7".to_owned()));
        let full = shipment("HTX-CH001/PX-7/2").unwrap();
        assert_eq!((full.issuer.as_str(), full.shipment_code.as_str()), ("HTX-CH001", "PX-7/2"));
        assert!(shipment("HTX-CH001/").is_err());
    }

    #[test]
    fn a_line_is_a_lot_and_how_much() {
        let line = line("HTX-CH001/PK0001/A=B=1,2 tấn").unwrap();
        assert_eq!(line.lot, Some(named("HTX-CH001", "PK0001", "A=B")));
        assert_eq!(
            line.quantity,
            Some(Quantity { value_milli: 1_200, unit: "tấn".into(), typed: "1,2 tấn".into(), ..Quantity::default() })
        );
        assert_eq!(super::line("L1=300 bó").unwrap().quantity.unwrap().unit, "bó", "the product knows what that is");
        assert!(super::line("L1=0").is_err(), "nothing is no quantity");
        assert_eq!(counted_line("L1=0").unwrap().quantity.unwrap().value_milli, 0, "but a count may find nothing");
        assert!(super::line("L1").unwrap_err().contains("LOT=QUANTITY"));
        assert!(super::line("L1=1.5 kg").unwrap_err().contains("could mean two numbers"));
    }

    #[test]
    fn a_time_is_read_as_people_write_it() {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        let now: Timestamp = "2026-11-25T03:00:00Z".parse().unwrap();
        let when = |at: Option<&str>, date: Option<&str>, part| {
            let flags = WhenFlags { at: at.map(str::to_owned), date: date.map(str::to_owned) };
            flags.when(part, now, &zone).map(|when| {
                let instant = when.event_time.map(|time| Timestamp::new(time.seconds, time.nanos).unwrap().to_string());
                (instant.unwrap_or(when.date), when.utc_offset_minutes, when.day_part, when.typed)
            })
        };
        let none = DayPart::Unspecified;
        assert_eq!(when(None, None, none).unwrap(), ("2026-11-25T03:00:00Z".into(), Some(420), 0, String::new()));
        for typed in ["25/11/2026 06:30", "6h30", "06:30", "2026-11-25T06:30+07:00"] {
            assert_eq!(when(Some(typed), None, none).unwrap(), ("2026-11-24T23:30:00Z".into(), Some(420), 0, typed.into()));
        }
        assert_eq!(when(Some("24/11/2026"), None, none).unwrap(), ("2026-11-24".into(), None, 0, "24/11/2026".into()));
        let closing = DayPart::AfterClosing;
        assert_eq!(when(None, Some("24/11/26"), closing).unwrap(), ("2026-11-24".into(), None, 2, "24/11/26".into()));
        assert_eq!(when(None, None, closing).unwrap().0, "2026-11-25");
        assert!(when(Some("6h30"), None, closing).is_err());
        let refusal = when(Some("31/11/2026 06:30"), None, none).unwrap_err().to_string();
        assert!(refusal.starts_with("--at \"31/11/2026 06:30\" is a day that its month does not have"), "{refusal}");
    }
}
