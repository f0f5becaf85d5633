//! What the golden files say of certificates, grades, craft villages, closed sites and targets.

use crate::samples::minimal_site;
use domain::event::programme::{
    Certificate, CertificateKind, CertificateRef, CertificateStanding, CertificateStandingChange, CraftVillage,
    DistrictSuccession, GradingLevel, LabelFate, Labels, OcopGrading, OcopRegistration, OcopRule, ProgrammeMeasure, SiteStanding,
    SiteStandingChange, Target, TrademarkCase, TrademarkStep,
};
use domain::event::registry::SiteKind;
use domain::event::{Fact, RegistryFact};
use domain::id::{ChainCode, CraftVillageCode, DistrictCode, OrganizationCode, ProductCode, SiteCode};
use domain::time::BusinessDay;

fn holder(code: &str) -> OrganizationCode {
    OrganizationCode::parse(code).unwrap()
}

fn district(code: &str) -> DistrictCode {
    DistrictCode::parse(code).unwrap()
}

fn named(facts: Vec<(&'static str, RegistryFact)>) -> Vec<(&'static str, Fact)> {
    facts.into_iter().map(|(name, fact)| (name, Fact::Registered(fact))).collect()
}

/// Each with all its fields.
pub fn full() -> Vec<(&'static str, Fact)> {
    let id = |kind| CertificateRef { kind, number: "VietGAP-TT-01-23-01".into() };
    named(vec![
        (
            "certificate_issued",
            RegistryFact::Certificate(Certificate {
                id: id(CertificateKind::SafeChain),
                holder: holder("HTX-CH001"),
                issuer: "Chi cục Quản lý chất lượng Nông lâm sản và Thủy sản Hà Nội".into(),
                products: vec![ProductCode::parse("PK0001").unwrap(), ProductCode::parse("PK0049").unwrap()],
                sites: vec![SiteCode::parse("F-CH001").unwrap()],
                chain: Some(ChainCode::parse("CH001").unwrap()),
                until: Some(BusinessDay(20_800)),
            }),
        ),
        (
            "certificate_standing_changed",
            RegistryFact::CertificateStanding(CertificateStandingChange {
                id: id(CertificateKind::Vietgap),
                standing: CertificateStanding::Suspended,
                reason: "mẫu vượt ngưỡng dư lượng".into(),
            }),
        ),
        (
            "ocop_registered",
            RegistryFact::OcopRegistered(OcopRegistration {
                dossier: "OCOP-2021-0012".into(),
                subject: holder("HTX-CH001"),
                product: ProductCode::parse("PK0001").unwrap(),
                district: district("277"),
            }),
        ),
        (
            "ocop_graded",
            RegistryFact::OcopGraded(OcopGrading {
                dossier: "OCOP-2021-0012".into(),
                rule: OcopRule::Decision148,
                hundredths: [3_050, 2_100, 3_275],
                level: GradingLevel::Province,
                decision: "1234/QĐ-UBND".into(),
            }),
        ),
        (
            "site_standing_changed",
            RegistryFact::SiteStanding(SiteStandingChange {
                site: SiteCode::parse("GH04").unwrap(),
                standing: SiteStanding::Restricted,
                until: Some(BusinessDay(18_973)),
                reason: "phòng dịch".into(),
            }),
        ),
        (
            "district_succeeded",
            RegistryFact::DistrictSucceeded(DistrictSuccession {
                from: district("277"),
                to: district("10015"),
                share_basis_points: 6_250,
            }),
        ),
        (
            "craft_village_registered",
            RegistryFact::CraftVillage(CraftVillage {
                code: CraftVillageCode::parse("LN0001").unwrap(),
                name: "Làng nghề Phú Vinh".into(),
                trade: "mây tre đan".into(),
                district: district("277"),
                recognition: Some("21/QĐ-UBND".into()),
            }),
        ),
        (
            "trademark_case_stepped",
            RegistryFact::TrademarkCase(TrademarkCase {
                number: "NH-2021-07".into(),
                subject: holder("HTX-CH001"),
                mark: "Rau sạch Gió Đồng".into(),
                step: TrademarkStep::Filed,
                due: Some(BusinessDay(19_100)),
            }),
        ),
        (
            "labels_counted",
            RegistryFact::Labels(Labels {
                series: "OCOP-HN".into(),
                fate: LabelFate::Issued,
                first: 1,
                last: 9_900,
                subject: Some(holder("HTX-CH001")),
                product: Some(ProductCode::parse("PK0001").unwrap()),
            }),
        ),
        (
            "target_set",
            RegistryFact::Target(Target {
                measure: ProgrammeMeasure::OcopGraded,
                value: 2_000,
                due: BusinessDay(20_453),
                source: "Kế hoạch OCOP 2021-2025".into(),
            }),
        ),
    ])
}

/// Each with as few fields as it can have.
pub fn minimal() -> Vec<(&'static str, Fact)> {
    let id = || CertificateRef { kind: CertificateKind::Vietgap, number: String::new() };
    let holder = || holder("A");
    named(vec![
        (
            "certificate_issued",
            RegistryFact::Certificate(Certificate {
                id: id(),
                holder: holder(),
                issuer: String::new(),
                products: Vec::new(),
                sites: Vec::new(),
                chain: None,
                until: None,
            }),
        ),
        (
            "certificate_standing_changed",
            RegistryFact::CertificateStanding(CertificateStandingChange {
                id: id(),
                standing: CertificateStanding::Valid,
                reason: String::new(),
            }),
        ),
        (
            "ocop_registered",
            RegistryFact::OcopRegistered(OcopRegistration {
                dossier: String::new(),
                subject: holder(),
                product: ProductCode::parse("A").unwrap(),
                district: district("A"),
            }),
        ),
        ("ocop_graded", RegistryFact::OcopGraded(grading(OcopRule::Decision1048, GradingLevel::District))),
        ("site_standing_changed", RegistryFact::SiteStanding(standing(SiteStanding::Open))),
        (
            "district_succeeded",
            RegistryFact::DistrictSucceeded(DistrictSuccession { from: district("A"), to: district("B"), share_basis_points: 0 }),
        ),
        (
            "craft_village_registered",
            RegistryFact::CraftVillage(CraftVillage {
                code: CraftVillageCode::parse("A").unwrap(),
                name: String::new(),
                trade: String::new(),
                district: district("A"),
                recognition: None,
            }),
        ),
        ("trademark_case_stepped", RegistryFact::TrademarkCase(stepped(TrademarkStep::Opened))),
        ("labels_counted", RegistryFact::Labels(labels(LabelFate::Used))),
        ("target_set", RegistryFact::Target(target(ProgrammeMeasure::Chains))),
    ])
}

fn grading(rule: OcopRule, level: GradingLevel) -> OcopGrading {
    OcopGrading { dossier: String::new(), rule, hundredths: [0; 3], level, decision: String::new() }
}

fn standing(standing: SiteStanding) -> SiteStandingChange {
    SiteStandingChange { site: SiteCode::parse("A").unwrap(), standing, until: None, reason: String::new() }
}

fn target(measure: ProgrammeMeasure) -> Target {
    Target { measure, value: 0, due: BusinessDay(0), source: String::new() }
}

fn stepped(step: TrademarkStep) -> TrademarkCase {
    TrademarkCase { number: String::new(), subject: holder("A"), mark: String::new(), step, due: None }
}

fn labels(fate: LabelFate) -> Labels {
    Labels { series: String::new(), fate, first: 0, last: 0, subject: None, product: None }
}

/// Each word of each list.
pub fn words() -> Vec<Fact> {
    let certificates = CertificateKind::ALL.iter().map(|kind| {
        let id = CertificateRef { kind: *kind, number: String::new() };
        RegistryFact::CertificateStanding(CertificateStandingChange {
            id,
            standing: CertificateStanding::Valid,
            reason: String::new(),
        })
    });
    let standings = CertificateStanding::ALL.iter().map(|standing| {
        let id = CertificateRef { kind: CertificateKind::Other, number: String::new() };
        RegistryFact::CertificateStanding(CertificateStandingChange { id, standing: *standing, reason: String::new() })
    });
    let rules = OcopRule::ALL.iter().map(|rule| RegistryFact::OcopGraded(grading(*rule, GradingLevel::Central)));
    let levels = GradingLevel::ALL.iter().map(|level| RegistryFact::OcopGraded(grading(OcopRule::Decision148, *level)));
    let sites = SiteStanding::ALL.iter().map(|stands| RegistryFact::SiteStanding(standing(*stands)));
    let measures = ProgrammeMeasure::ALL.iter().map(|measure| RegistryFact::Target(target(*measure)));
    let steps = TrademarkStep::ALL.iter().map(|step| RegistryFact::TrademarkCase(stepped(*step)));
    let fates = LabelFate::ALL.iter().map(|fate| RegistryFact::Labels(labels(*fate)));
    let site = std::iter::once(RegistryFact::Site(minimal_site(SiteKind::DesignCenter)));
    let standing = certificates.chain(standings).chain(rules).chain(levels).chain(sites);
    standing.chain(measures).chain(steps).chain(fates).chain(site).map(Fact::Registered).collect()
}
