//! The words in which people say what the protos number, on the command line and in tables.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use wire::proto::chuoi::event::v1::{
    CertificateKind, CertificateStanding, Finding, GradingLevel, LabelFate, NoticeKind, ObservationKind, OrganizationKind,
    Process, ProgrammeMeasure, RecallForm, RefusalReason, ReturnReason, SiteKind, SiteStanding, TrademarkStep, WasteReason,
};
use wire::proto::chuoi::notice::v1::WebhookState;
use wire::proto::chuoi::programme::v1::Validity;
use wire::proto::chuoi::record::v1::Verdict;
use wire::proto::chuoi::registry::v1::RegistryKind;
use wire::proto::chuoi::safety::v1::{BlockKind, DiscrepancyKind, DiscrepancyState, Objection};
use wire::proto::chuoi::stock::v1::{LedgerMoveKind, OutsideReason, ShipmentState, StockKey};
use wire::proto::chuoi::throughput::v1::{LossStage, Measure, Period, Stage, ThroughputKey};
use wire::proto::chuoi::trace::v1::{EventKind, EventStanding};

/// A word for each number of an enumeration, to be typed and to be shown.
macro_rules! words {
    ($($(#[$about:meta])* $name:ident of $proto:ty { $($word:literal = $variant:ident),+ $(,)? })+) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name(pub $proto);

            impl ValueEnum for $name {
                fn value_variants<'a>() -> &'a [Self] {
                    &[$($name(<$proto>::$variant)),+]
                }

                fn to_possible_value(&self) -> Option<PossibleValue> {
                    Some(PossibleValue::new($name::word(self.0 as i32)))
                }
            }

            impl $name {
                /// The number, as messages carry it.
                pub fn number(self) -> i32 {
                    self.0 as i32
                }

                /// The word for a number; empty for one that says nothing or that this program does not know.
                pub fn word(number: i32) -> &'static str {
                    match <$proto>::try_from(number) {
                        $(Ok(<$proto>::$variant) => $word,)+
                        _ => "",
                    }
                }
            }
        )+
    };
}

words! {
    /// What a site is; for a shop, its channel.
    Channel of SiteKind {
        "farm" = Farm, "livestock-farm" = LivestockFarm, "aquafarm" = Aquafarm, "packing-house" = PackingHouse,
        "processor" = Processor, "slaughterhouse" = Slaughterhouse, "warehouse" = Warehouse,
        "distribution-center" = DistributionCenter, "supermarket" = Supermarket, "general-store" = GeneralStore,
        "specialty-store" = SpecialtyStore, "ocop-intro-point" = OcopIntroPoint, "ocop-sale-point" = OcopSalePoint,
        "fair-stall" = FairStall, "design-center" = DesignCenter,
    }
    /// What an organization is.
    OrganizationWord of OrganizationKind {
        "cooperative" = Cooperative, "farm" = Farm, "processor" = Processor, "distributor" = Distributor,
        "retailer" = Retailer, "authority" = Authority,
    }
    /// Kind of transformation.
    ProcessWord of Process {
        "packing" = Packing, "processing" = Processing, "slaughter" = Slaughter, "mixing" = Mixing,
    }
    /// Why goods are turned away.
    Refusal of RefusalReason {
        "quality" = Quality, "temperature" = Temperature, "damaged" = Damaged, "shelf-life" = ShelfLife,
        "wrong-goods" = WrongGoods, "documents" = Documents, "late" = Late, "oversupply" = Oversupply,
    }
    /// Why goods are lost to use.
    WasteWord of WasteReason {
        "spoiled" = Spoiled, "damaged" = Damaged, "expired" = Expired, "sampled" = Sampled, "donated" = Donated,
        "destroyed" = Destroyed,
    }
    /// Who made a recall necessary.
    RecallWord of RecallForm { "voluntary" = Voluntary, "compulsory" = Compulsory }
    /// Why a consumer brings goods back.
    ReturnWord of ReturnReason {
        "quality" = Quality, "damaged" = Damaged, "expired" = Expired, "recalled" = Recalled, "wrong-goods" = WrongGoods,
    }
    /// What is observed.
    ObservationWord of ObservationKind {
        "temperature" = Temperature, "inspection" = Inspection, "sample" = Sample, "certificate-check" = CertificateCheck,
        "other" = Other, "treatment" = Treatment,
    }
    /// Whether what was seen is as it should be.
    FindingWord of Finding { "conformant" = Conformant, "non-conformant" = NonConformant }
    /// How a command was judged.
    VerdictWord of Verdict { "accepted" = Accepted, "duplicate" = Duplicate, "refused" = Refused }
    /// Kind of registered thing.
    RegistryWord of RegistryKind {
        "chain" = Chain, "site" = Site, "product" = Product, "organization" = Organization, "district" = District,
    }
    /// Why quantity enters from outside or leaves to outside.
    Reason of OutsideReason {
        "harvested" = Harvested, "produced" = Produced, "opening" = Opening, "found" = Found, "unmatched" = Unmatched,
        "sold" = Sold, "consumed" = Consumed, "lost" = Lost, "missing" = Missing, "destroyed" = Destroyed,
        "spoiled" = Spoiled, "damaged" = Damaged, "expired" = Expired, "sampled" = Sampled, "donated" = Donated,
        "wasted" = Wasted, "returned" = Returned,
    }
    /// What has become of a shipment.
    State of ShipmentState { "any" = Unspecified, "open" = Open, "closed" = Closed, "unmatched" = Unmatched, "voided" = Voided }
    /// What stock is grouped by.
    StockBy of StockKey {
        "site" = Site, "lot" = Lot, "product" = Product, "chain" = Chain, "channel" = Channel, "district" = District,
    }
    /// Length of periods.
    PeriodWord of Period { "hour" = Hour, "day" = Day, "week" = Week, "month" = Month }
    /// Where in its way from harvest to shelf quantity moved.
    StageWord of Stage {
        "harvested" = Harvested, "opened" = Opened, "consumed" = Consumed, "produced" = Produced,
        "dispatched" = Dispatched, "received" = Received, "refused" = Refused, "short" = Short, "sold" = Sold,
        "wasted" = Wasted, "found" = Found, "missing" = Missing, "returned" = Returned, "cancelled" = Cancelled,
    }
    /// What throughput is grouped by.
    ThroughputBy of ThroughputKey {
        "chain" = Chain, "product" = Product, "channel" = Channel, "district" = District, "site" = Site,
        "group" = Group,
    }
    /// What is measured.
    MeasureWord of Measure { "fill-rate" = FillRate, "shrink" = Shrink, "harvest-to-shelf" = HarvestToShelf }
    /// What a certificate certifies.
    CertificateWord of CertificateKind {
        "vietgap" = Vietgap, "globalgap" = Globalgap, "organic" = Organic, "haccp" = Haccp, "iso-22000" = Iso22000,
        "food-safety" = FoodSafety, "safe-chain" = SafeChain, "veterinary" = Veterinary, "trademark" = Trademark, "other" = Other,
    }
    /// How a certificate stands.
    CertificateStandingWord of CertificateStanding { "valid" = Valid, "suspended" = Suspended, "revoked" = Revoked }
    /// Level of a grading body.
    LevelWord of GradingLevel { "district" = District, "province" = Province, "central" = Central }
    /// How a site stands.
    StandingWord of SiteStanding { "open" = Open, "closed" = Closed, "restricted" = Restricted }
    /// Where the case of a trademark stands.
    TrademarkWord of TrademarkStep {
        "opened" = Opened, "filed" = Filed, "published" = Published, "granted" = Granted, "refused" = Refused,
        "withdrawn" = Withdrawn,
    }
    /// What became of labels.
    LabelWord of LabelFate { "issued" = Issued, "used" = Used, "spoiled" = Spoiled, "voided" = Voided }
    /// What a programme counts.
    MeasuredWord of ProgrammeMeasure {
        "chains" = Chains, "products" = Products, "supermarkets" = Supermarkets, "general-stores" = GeneralStores,
        "specialty-stores" = SpecialtyStores, "ocop-intro-points" = OcopIntroPoints, "ocop-sale-points" = OcopSalePoints,
        "ocop-registered" = OcopRegistered, "ocop-registered-districts" = OcopRegisteredDistricts, "ocop-graded" = OcopGraded,
        "ocop-graded-districts" = OcopGradedDistricts, "ocop-valid" = OcopValid, "ocop-five-stars" = OcopFiveStars,
        "craft-villages" = CraftVillages, "craft-villages-recognised" = CraftVillagesRecognised, "craft-trades" = CraftTrades,
        "design-centers" = DesignCenters,
    }
    /// Whether something holds on a day.
    ValidityWord of Validity {
        "valid" = Valid, "not yet" = NotYet, "lapsed" = Lapsed, "suspended" = Suspended, "revoked" = Revoked,
    }
    /// Where goods are lost.
    LossWord of LossStage { "production" = Production, "transit" = Transit, "storage" = Storage, "shop" = Shop }
    /// What recorded a movement in a ledger.
    MoveWord of LedgerMoveKind {
        "harvested" = Harvested, "opened" = LotOpened, "transformed" = Transformed, "dispatched" = Dispatched,
        "received" = Received, "sold" = Sold, "wasted" = Wasted, "counted" = Counted, "count restated" = CountRestated,
        "voided" = Voided, "corrected" = Corrected, "rebooked" = Rebooked, "returned" = CustomerReturned,
        "cancelled" = ShipmentCancelled,
    }
    /// Kind of event in a lot's history.
    EventWord of EventKind {
        "harvested" = Harvested, "opened" = LotOpened, "transformed" = Transformed, "dispatched" = Dispatched,
        "received" = Received, "refused" = DeliveryRefused, "short" = ShortReported, "sold" = Sold, "wasted" = Wasted,
        "counted" = Counted, "count restated" = CountRestated, "matched" = Matched, "voided" = Voided,
        "corrected" = Corrected, "rebooked" = Rebooked, "held" = Held, "released" = Released, "recalled" = Recalled,
        "recall acknowledged" = RecallAcknowledged, "returned" = CustomerReturned, "cancelled" = ShipmentCancelled,
        "packed" = Packed, "unpacked" = Unpacked, "observed" = Observed, "resolved" = DiscrepancyResolved,
        "ordered" = Ordered, "order closed" = OrderClosed, "code issued" = CodeIssued,
        "code revoked" = CodeRevoked, "codes scanned" = CodesScanned,
        "notice" = NoticeGiven,
    }
    /// What a notice is about.
    NoticeWord of NoticeKind {
        "recall" = Recall, "expiry" = Expiry, "out-of-stock" = OutOfStock, "idle-chain" = IdleChain,
        "temperature-breach" = TemperatureBreach, "discrepancy" = Discrepancy, "certificate-lapsing" = CertificateLapsing,
    }
    /// How it goes with who is told over the web.
    WebhookWord of WebhookState { "active" = Active, "failing" = Failing, "stopped" = Stopped, "removed" = Removed }
    /// Hold or recall.
    BlockWord of BlockKind { "held" = Held, "recalled" = Recalled }
    /// Why a lot may not be sold.
    ObjectionWord of Objection {
        "expired" = Expired, "held" = Held, "recalled" = Recalled, "origin" = OriginUnknown, "not there" = NotThere,
        "not certified" = NotCertified,
    }
    /// What somebody has to look at.
    DiscrepancyWord of DiscrepancyKind {
        "violation" = Violation, "shortfall" = Shortfall, "surplus" = Surplus, "short" = Short, "unmatched" = Unmatched,
        "refused" = Refused, "count-variance" = CountVariance, "non-conformant" = NonConformant,
    }
    /// Whether it waits for somebody.
    DiscrepancyStateWord of DiscrepancyState {
        "open" = Open, "resolved" = Resolved, "taken back" = Reversed, "settled" = Settled,
    }
    /// What has become of a recorded event.
    Standing of EventStanding { "stands" = Stands, "voided" = Voided, "corrected" = Corrected }
}

/// The unit in which stock is counted, as people write it.
pub fn unit(code: &str) -> &str {
    match code {
        "KGM" => "kg",
        "LTR" => "l",
        "H87" => "pieces",
        other => other,
    }
}

/// Thousandths as Vietnamese people write numbers, and as the command line reads them: `1 234,5`. Spaces group, since a
/// dot or comma there would be read as a decimal mark by one half of the readers.
pub fn number(milli: i64) -> String {
    let (whole, thousandths) = (milli.unsigned_abs() / 1_000, milli.unsigned_abs() % 1_000);
    let sign = if milli < 0 { "-" } else { "" };
    let mut text = format!("{sign}{}", grouped(whole));
    if thousandths != 0 {
        text.push(',');
        text.push_str(format!("{thousandths:03}").trim_end_matches('0'));
    }
    text
}

/// A whole number in groups of three digits.
pub fn grouped(whole: u64) -> String {
    let digits = whole.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A count of things, in groups of three digits.
pub fn count(things: i64) -> String {
    let sign = if things < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(things.unsigned_abs()))
}

/// A quantity with its unit.
pub fn quantity(milli: i64, unit_code: &str) -> String {
    if (milli, unit_code) == (1_000, "H87") {
        return "1 piece".to_owned();
    }
    format!("{} {}", number(milli), unit(unit_code)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip] // Columns.
    fn numbers_are_shown_as_they_are_typed() {
        for (milli, shown) in [
            (0,                "0"),
            (500,              "0,5"),
            (999_000,          "999"),
            (1_200_000,        "1 200"),
            (-1_234_567_050,   "-1 234 567,05"),
        ] { assert_eq!(number(milli), shown); }
        assert_eq!(quantity(1_500, "H87"), "1,5 pieces");
    }

    #[test]
    fn each_word_names_one_number() {
        for channel in Channel::value_variants() {
            let word = Channel::word(channel.number());
            assert_eq!(Channel::from_str(word, false), Ok(*channel));
        }
        assert_eq!(Channel::word(0), "");
        assert_eq!(Channel::word(99), "");
    }
}
