//! Names of kinds, as tables and answers hold them. Tables hold the domain's names; protobuf's are the same behind a prefix.

use wire::proto::chuoi::event::v1::{
    CertificateKind, GradingLevel, LabelFate, OcopRule, OrganizationKind, ProgrammeMeasure, SiteKind, SiteStanding, TrademarkStep,
};
use wire::proto::chuoi::stock::v1::{LedgerMoveKind, OutsideReason};
use wire::proto::chuoi::trace::v1::EventKind;

/// The kind of site with this name.
pub fn site_kind(name: &str) -> SiteKind {
    SiteKind::from_str_name(&format!("SITE_KIND_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// Name of a kind of site.
pub fn of_site_kind(kind: SiteKind) -> String {
    kind.as_str_name().trim_start_matches("SITE_KIND_").to_ascii_lowercase()
}

/// The kind of organization with this name.
pub fn organization_kind(name: &str) -> OrganizationKind {
    OrganizationKind::from_str_name(&format!("ORGANIZATION_KIND_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// Name of a kind of organization.
pub fn of_organization_kind(kind: OrganizationKind) -> String {
    kind.as_str_name().trim_start_matches("ORGANIZATION_KIND_").to_ascii_lowercase()
}

/// What a certificate with this name certifies.
pub fn certificate_kind(name: &str) -> CertificateKind {
    CertificateKind::from_str_name(&format!("CERTIFICATE_KIND_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// Name of what a certificate certifies.
pub fn of_certificate_kind(kind: CertificateKind) -> String {
    kind.as_str_name().trim_start_matches("CERTIFICATE_KIND_").to_ascii_lowercase()
}

/// The rule with this name.
pub fn ocop_rule(name: &str) -> OcopRule {
    match domain::event::programme::OcopRule::from_name(name) {
        Some(domain::event::programme::OcopRule::Decision1048) => OcopRule::Decision1048,
        Some(domain::event::programme::OcopRule::Decision148) => OcopRule::Decision148,
        None => OcopRule::Unspecified,
    }
}

/// The level with this name.
pub fn grading_level(name: &str) -> GradingLevel {
    GradingLevel::from_str_name(&format!("GRADING_LEVEL_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// How a site with this name stands.
pub fn site_standing(name: &str) -> SiteStanding {
    SiteStanding::from_str_name(&format!("SITE_STANDING_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// The step with this name.
pub fn trademark_step(name: &str) -> TrademarkStep {
    TrademarkStep::from_str_name(&format!("TRADEMARK_STEP_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// What became of labels, by this name.
pub fn label_fate(name: &str) -> LabelFate {
    LabelFate::from_str_name(&format!("LABEL_FATE_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// The measure with this name.
pub fn programme_measure(name: &str) -> ProgrammeMeasure {
    ProgrammeMeasure::from_str_name(&format!("PROGRAMME_MEASURE_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// The reason with this name.
pub fn outside(name: &str) -> OutsideReason {
    OutsideReason::from_str_name(&format!("OUTSIDE_REASON_{}", name.to_ascii_uppercase())).unwrap_or_default()
}

/// The kind of event with this name, for example `LotOpened`.
pub fn event_kind(name: &str) -> EventKind {
    EventKind::from_str_name(&behind("EVENT_KIND", name)).unwrap_or_default()
}

/// The kind of movement of an event with this name.
pub fn move_kind(name: &str) -> LedgerMoveKind {
    LedgerMoveKind::from_str_name(&behind("LEDGER_MOVE_KIND", name)).unwrap_or_default()
}

/// A name such as `LotOpened` in protobuf's spelling, behind a prefix.
fn behind(prefix: &str, name: &str) -> String {
    let mut words = prefix.to_owned();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            words.push('_');
        }
        words.push(letter.to_ascii_uppercase());
    }
    words
}

/// Name of a kind of event.
pub fn of_event_kind(kind: EventKind) -> String {
    let words = kind.as_str_name().trim_start_matches("EVENT_KIND_").split('_');
    words
        .map(|word| word.get(..1).unwrap_or_default().to_owned() + &word.get(1..).unwrap_or_default().to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_domain_has_its_own_in_the_answers() {
        for kind in domain::event::registry::SiteKind::ALL {
            assert_eq!(of_site_kind(site_kind(kind.as_str())), kind.as_str());
        }
        for kind in domain::event::registry::OrganizationKind::ALL {
            assert_eq!(of_organization_kind(organization_kind(kind.as_str())), kind.as_str());
        }
        for reason in domain::posting::Outside::ALL {
            assert_ne!(outside(reason.as_str()), OutsideReason::Unspecified, "{}", reason.as_str());
        }
        for name in [
            "Harvested",
            "LotOpened",
            "Transformed",
            "Dispatched",
            "Received",
            "DeliveryRefused",
            "ShortReported",
            "Sold",
            "Wasted",
            "Counted",
            "CountRestated",
            "Matched",
            "Voided",
            "Corrected",
            "Rebooked",
            "Held",
            "Released",
            "Recalled",
            "RecallAcknowledged",
            "CustomerReturned",
            "ShipmentCancelled",
            "Packed",
            "Unpacked",
            "Observed",
            "DiscrepancyResolved",
            "Ordered",
            "OrderClosed",
            "CodeIssued",
            "CodeRevoked",
            "CodesScanned",
            "NoticeGiven",
        ] {
            assert_ne!(event_kind(name), EventKind::Unspecified, "{name}");
            // These move nothing at a site.
            let moves = ![
                "DeliveryRefused",
                "ShortReported",
                "Matched",
                "Held",
                "Released",
                "Recalled",
                "RecallAcknowledged",
                "Packed",
                "Unpacked",
                "Observed",
                "DiscrepancyResolved",
                "Ordered",
                "OrderClosed",
                "CodeIssued",
                "CodeRevoked",
                "CodesScanned",
                "NoticeGiven",
            ]
            .contains(&name);
            assert_eq!(move_kind(name) != LedgerMoveKind::Unspecified, moves, "{name}");
            assert_eq!(of_event_kind(event_kind(name)), name);
        }
    }
}
