//! What is certified, graded and aimed at, and how sites stand, in entries and in commands alike.

use crate::proto::chuoi::event::v1 as proto;
use crate::proto::chuoi::event::v1::event::Fact;
use crate::undecodable::{At as _, Undecodable, each};
use crate::words;
use domain::event::RegistryFact;
use domain::event::programme::{
    Certificate, CertificateRef, CertificateStandingChange, CraftVillage, DistrictSuccession, Labels, OcopGrading,
    OcopRegistration, SiteStandingChange, Target, TrademarkCase,
};
use domain::id::{ChainCode, CraftVillageCode, DistrictCode, OrganizationCode, ProductCode, SiteCode};
use domain::time::BusinessDay;

fn certificate_ref(kind: i32, number: &str) -> Result<CertificateRef, Undecodable> {
    Ok(CertificateRef { kind: words::said(words::certificate_kind(kind), kind).at("kind")?, number: number.to_owned() })
}

/// Reads a certificate.
pub fn read_certificate(certificate: &proto::CertificateIssued) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::Certificate(Certificate {
        id: certificate_ref(certificate.kind, &certificate.number)?,
        holder: OrganizationCode::parse(&certificate.holder_code).at("holder_code")?,
        issuer: certificate.issuer.clone(),
        products: each(&certificate.product_codes, |code| Ok(ProductCode::parse(code)?)).at("product_codes")?,
        sites: each(&certificate.site_codes, |code| Ok(SiteCode::parse(code)?)).at("site_codes")?,
        chain: (!certificate.chain_code.is_empty())
            .then(|| ChainCode::parse(&certificate.chain_code))
            .transpose()
            .at("chain_code")?,
        until: certificate.until_day.map(BusinessDay),
    }))
}

/// Reads how a certificate stands.
pub fn read_certificate_standing(change: &proto::CertificateStandingChanged) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::CertificateStanding(CertificateStandingChange {
        id: certificate_ref(change.kind, &change.number)?,
        standing: words::said(words::certificate_standing(change.standing), change.standing).at("standing")?,
        reason: change.reason.clone(),
    }))
}

/// Reads that a product is entered in the OCOP programme.
pub fn read_ocop_registered(registered: &proto::OcopRegistered) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::OcopRegistered(OcopRegistration {
        dossier: registered.dossier_number.clone(),
        subject: OrganizationCode::parse(&registered.subject_code).at("subject_code")?,
        product: ProductCode::parse(&registered.product_code).at("product_code")?,
        district: DistrictCode::parse(&registered.district_code).at("district_code")?,
    }))
}

/// Reads a grading.
pub fn read_ocop_graded(graded: &proto::OcopGraded) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::OcopGraded(OcopGrading {
        dossier: graded.dossier_number.clone(),
        rule: words::said(words::ocop_rule(graded.rule), graded.rule).at("rule")?,
        hundredths: [graded.community_hundredths, graded.marketing_hundredths, graded.quality_hundredths],
        level: words::said(words::grading_level(graded.level), graded.level).at("level")?,
        decision: graded.decision_number.clone(),
    }))
}

/// Reads how a site stands.
pub fn read_site_standing(change: &proto::SiteStandingChanged) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::SiteStanding(SiteStandingChange {
        site: SiteCode::parse(&change.site_code).at("site_code")?,
        standing: words::said(words::site_standing(change.standing), change.standing).at("standing")?,
        until: change.until_day.map(BusinessDay),
        reason: change.reason.clone(),
    }))
}

/// Reads that a unit passes to another.
pub fn read_succession(succession: &proto::DistrictSucceeded) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::DistrictSucceeded(DistrictSuccession {
        from: DistrictCode::parse(&succession.from_district_code).at("from_district_code")?,
        to: DistrictCode::parse(&succession.to_district_code).at("to_district_code")?,
        share_basis_points: succession.share_basis_points,
    }))
}

/// Reads a craft village.
pub fn read_village(village: &proto::CraftVillageRegistered) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::CraftVillage(CraftVillage {
        code: CraftVillageCode::parse(&village.village_code).at("village_code")?,
        name: village.name.clone(),
        trade: village.trade.clone(),
        district: DistrictCode::parse(&village.district_code).at("district_code")?,
        recognition: (!village.recognition_number.is_empty()).then(|| village.recognition_number.clone()),
    }))
}

/// Reads what a programme aims at.
pub fn read_target(target: &proto::TargetSet) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::Target(Target {
        measure: words::said(words::programme_measure(target.measure), target.measure).at("measure")?,
        value: target.value,
        due: BusinessDay(target.due_day),
        source: target.source.clone(),
    }))
}

/// Reads a step of a trademark's case.
pub fn read_trademark(case: &proto::TrademarkCaseStepped) -> Result<RegistryFact, Undecodable> {
    Ok(RegistryFact::TrademarkCase(TrademarkCase {
        number: case.case_number.clone(),
        subject: OrganizationCode::parse(&case.subject_code).at("subject_code")?,
        mark: case.mark.clone(),
        step: words::said(words::trademark_step(case.step), case.step).at("step")?,
        due: case.due_day.map(BusinessDay),
    }))
}

/// Reads what became of labels.
pub fn read_labels(labels: &proto::LabelsCounted) -> Result<RegistryFact, Undecodable> {
    let subject = (!labels.subject_code.is_empty()).then(|| OrganizationCode::parse(&labels.subject_code));
    let product = (!labels.product_code.is_empty()).then(|| ProductCode::parse(&labels.product_code));
    Ok(RegistryFact::Labels(Labels {
        series: labels.series.clone(),
        fate: words::said(words::label_fate(labels.fate), labels.fate).at("fate")?,
        first: labels.first,
        last: labels.last,
        subject: subject.transpose().at("subject_code")?,
        product: product.transpose().at("product_code")?,
    }))
}

/// Writes a step of a trademark's case.
pub(crate) fn write_trademark(case: &TrademarkCase) -> Fact {
    Fact::TrademarkCaseStepped(proto::TrademarkCaseStepped {
        case_number: case.number.clone(),
        subject_code: case.subject.to_string(),
        mark: case.mark.clone(),
        step: words::write_trademark_step(case.step),
        due_day: case.due.map(|day| day.0),
    })
}

/// Writes what became of labels.
pub(crate) fn write_labels(labels: &Labels) -> Fact {
    Fact::LabelsCounted(proto::LabelsCounted {
        series: labels.series.clone(),
        fate: words::write_label_fate(labels.fate),
        first: labels.first,
        last: labels.last,
        subject_code: labels.subject.as_ref().map(ToString::to_string).unwrap_or_default(),
        product_code: labels.product.as_ref().map(ToString::to_string).unwrap_or_default(),
    })
}

/// Writes a certificate.
pub(crate) fn write_certificate(certificate: &Certificate) -> Fact {
    Fact::CertificateIssued(proto::CertificateIssued {
        kind: words::write_certificate_kind(certificate.id.kind),
        number: certificate.id.number.clone(),
        holder_code: certificate.holder.to_string(),
        issuer: certificate.issuer.clone(),
        product_codes: certificate.products.iter().map(ToString::to_string).collect(),
        site_codes: certificate.sites.iter().map(ToString::to_string).collect(),
        chain_code: certificate.chain.as_ref().map(ToString::to_string).unwrap_or_default(),
        until_day: certificate.until.map(|day| day.0),
    })
}

/// Writes how a certificate stands.
pub(crate) fn write_certificate_standing(change: &CertificateStandingChange) -> Fact {
    Fact::CertificateStandingChanged(proto::CertificateStandingChanged {
        kind: words::write_certificate_kind(change.id.kind),
        number: change.id.number.clone(),
        standing: words::write_certificate_standing(change.standing),
        reason: change.reason.clone(),
    })
}

/// Writes that a product is entered in the OCOP programme.
pub(crate) fn write_ocop_registered(registered: &OcopRegistration) -> Fact {
    Fact::OcopRegistered(proto::OcopRegistered {
        dossier_number: registered.dossier.clone(),
        subject_code: registered.subject.to_string(),
        product_code: registered.product.to_string(),
        district_code: registered.district.to_string(),
    })
}

/// Writes a grading.
pub(crate) fn write_ocop_graded(grading: &OcopGrading) -> Fact {
    let [community_hundredths, marketing_hundredths, quality_hundredths] = grading.hundredths;
    Fact::OcopGraded(proto::OcopGraded {
        dossier_number: grading.dossier.clone(),
        rule: words::write_ocop_rule(grading.rule),
        community_hundredths,
        marketing_hundredths,
        quality_hundredths,
        level: words::write_grading_level(grading.level),
        decision_number: grading.decision.clone(),
    })
}

/// Writes how a site stands.
pub(crate) fn write_site_standing(change: &SiteStandingChange) -> Fact {
    Fact::SiteStandingChanged(proto::SiteStandingChanged {
        site_code: change.site.to_string(),
        standing: words::write_site_standing(change.standing),
        until_day: change.until.map(|day| day.0),
        reason: change.reason.clone(),
    })
}

/// Writes that a unit passes to another.
pub(crate) fn write_succession(succession: &DistrictSuccession) -> Fact {
    Fact::DistrictSucceeded(proto::DistrictSucceeded {
        from_district_code: succession.from.to_string(),
        to_district_code: succession.to.to_string(),
        share_basis_points: succession.share_basis_points,
    })
}

/// Writes a craft village.
pub(crate) fn write_village(village: &CraftVillage) -> Fact {
    Fact::CraftVillageRegistered(proto::CraftVillageRegistered {
        village_code: village.code.to_string(),
        name: village.name.clone(),
        trade: village.trade.clone(),
        district_code: village.district.to_string(),
        recognition_number: village.recognition.clone().unwrap_or_default(),
    })
}

/// Writes what a programme aims at.
pub(crate) fn write_target(target: &Target) -> Fact {
    Fact::TargetSet(proto::TargetSet {
        measure: words::write_programme_measure(target.measure),
        value: target.value,
        due_day: target.due.0,
        source: target.source.clone(),
    })
}
