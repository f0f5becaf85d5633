//! Register: what is certified, graded and aimed at, and how sites stand. What it names is known on its day; a certificate keeps its
//! holder; a dossier is graded by the rule of its day, within its points.

use super::deciding::malformed;
use super::register::{contradiction, in_use, named, within};
use crate::event::RegistryFact;
use crate::event::programme::{
    Certificate, CertificateKind, CertificateStandingChange, CraftVillage, DistrictSuccession, OcopGrading, OcopRegistration,
    OcopRule, SiteStandingChange, Target,
};
use crate::refusal::Refusal;
use crate::state::registry::Registry;
use crate::time::BusinessDay;

/// Checks a fact of these; nothing of any other.
pub(super) fn check(registry: &Registry, day: BusinessDay, fact: &RegistryFact) -> Result<(), Refusal> {
    match fact {
        RegistryFact::Certificate(certificate) => check_certificate(registry, day, certificate),
        RegistryFact::CertificateStanding(change) => check_certificate_standing(registry, day, change),
        RegistryFact::OcopRegistered(registered) => check_registered(registry, day, registered),
        RegistryFact::OcopGraded(grading) => check_graded(registry, day, grading),
        RegistryFact::SiteStanding(change) => check_site_standing(registry, day, change),
        RegistryFact::DistrictSucceeded(succession) => check_succession(registry, day, succession),
        RegistryFact::CraftVillage(village) => check_village(registry, day, village),
        RegistryFact::Target(target) => check_target(target),
        _ => Ok(()),
    }
}

fn check_certificate(registry: &Registry, day: BusinessDay, certificate: &Certificate) -> Result<(), Refusal> {
    let field = |name: &str| format!("register.certificate.{name}");
    named(&field("number"), &certificate.id.number)?;
    named(&field("issuer"), &certificate.issuer)?;
    registry.organizations.find(&field("holder_code"), certificate.holder.as_str(), day)?;
    for (index, product) in certificate.products.iter().enumerate() {
        registry.products.find(&field(&format!("product_codes[{index}]")), product.as_str(), day)?;
    }
    for (index, site) in certificate.sites.iter().enumerate() {
        registry.sites.find(&field(&format!("site_codes[{index}]")), site.as_str(), day)?;
    }
    match (&certificate.chain, certificate.id.kind) {
        (Some(chain), CertificateKind::SafeChain) => {
            registry.chains.find(&field("chain_code"), chain.as_str(), day)?;
        }
        (None, CertificateKind::SafeChain) => {
            return Err(malformed(
                &field("chain_code"),
                "is missing; the confirmation of a safe chain is that of a chain: give it",
            ));
        }
        (Some(_), _) => {
            return Err(malformed(&field("chain_code"), "only the confirmation of a safe chain names one; leave it out"));
        }
        (None, _) => {}
    }
    if let Some(until) = certificate.until.filter(|until| *until < day) {
        let problem = format!("{until} is before {day}, the first day of the certificate");
        return Err(malformed(&field("until_day"), &problem));
    }
    match registry.programme.certificate(&certificate.id) {
        Some((_, holder)) if !registry.organizations.same(holder, &certificate.holder) => {
            let problem = format!(
                "certificate {} {} is held by {}; a certificate keeps its holder: give another number",
                certificate.id.kind.as_str(),
                certificate.id.number,
                registry.organizations.describe(holder)
            );
            Err(contradiction(&field("holder_code"), problem))
        }
        _ => Ok(()),
    }
}

fn check_certificate_standing(registry: &Registry, day: BusinessDay, change: &CertificateStandingChange) -> Result<(), Refusal> {
    let field = "register.certificate_standing.number";
    named("register.certificate_standing.reason", &change.reason)?;
    match registry.programme.certificate(&change.id) {
        None => Err(Refusal::Unknown {
            field: field.to_owned(),
            what: "certificate",
            value: change.id.number.clone(),
            nearest: registry.programme.like(&change.id),
        }),
        Some((first, _)) if *first > day => {
            let problem = format!("certificate {} was first issued on {first}, after {day}", change.id.number);
            Err(contradiction(field, problem))
        }
        Some(_) => Ok(()),
    }
}

fn check_registered(registry: &Registry, day: BusinessDay, registered: &OcopRegistration) -> Result<(), Refusal> {
    let field = |name: &str| format!("register.ocop_registered.{name}");
    named(&field("dossier_number"), &registered.dossier)?;
    registry.organizations.find(&field("subject_code"), registered.subject.as_str(), day)?;
    in_use(&registry.organizations, &field("subject_code"), &registered.subject, day)?;
    registry.products.find(&field("product_code"), registered.product.as_str(), day)?;
    registry.districts.find(&field("district_code"), registered.district.as_str(), day)?;
    match registry.programme.dossier(&registered.dossier) {
        Some((since, subject, product))
            if !registry.organizations.same(subject, &registered.subject)
                || !registry.products.same(product, &registered.product) =>
        {
            let problem = format!(
                "dossier {} is that of {} for {} since {since}; a dossier keeps its subject and product: give another number",
                registered.dossier,
                registry.organizations.describe(subject),
                registry.products.describe(product)
            );
            Err(contradiction(&field("dossier_number"), problem))
        }
        _ => Ok(()),
    }
}

fn check_graded(registry: &Registry, day: BusinessDay, grading: &OcopGrading) -> Result<(), Refusal> {
    let field = |name: &str| format!("register.ocop_graded.{name}");
    named(&field("decision_number"), &grading.decision)?;
    let Some((since, ..)) = registry.programme.dossier(&grading.dossier) else {
        let problem = format!("dossier {:?} is not known; register it first", grading.dossier);
        return Err(contradiction(&field("dossier_number"), problem));
    };
    if *since > day {
        let problem = format!("dossier {} is of {since}, after {day}", grading.dossier);
        return Err(contradiction(&field("dossier_number"), problem));
    }
    let in_force = OcopRule::on(day);
    if grading.rule != in_force {
        let problem = format!("is {}; on {day} decision {} is in force", grading.rule.as_str(), in_force.as_str());
        return Err(malformed(&field("rule"), &problem));
    }
    let parts = ["community_hundredths", "marketing_hundredths", "quality_hundredths"];
    for ((name, hundredths), most) in parts.into_iter().zip(grading.hundredths).zip(grading.rule.most_points()) {
        within(&field(name), hundredths.into(), 0, i64::from(most) * 100)?;
    }
    if registry.programme.is_graded(&grading.dossier, day, &grading.decision) {
        let problem = format!("decision {} graded dossier {} on {day} already", grading.decision, grading.dossier);
        return Err(contradiction(&field("decision_number"), problem));
    }
    Ok(())
}

fn check_site_standing(registry: &Registry, day: BusinessDay, change: &SiteStandingChange) -> Result<(), Refusal> {
    registry.sites.find("register.site_standing.site_code", change.site.as_str(), day)?;
    match change.until.filter(|until| *until < day) {
        Some(until) => {
            let problem = format!("{until} is before {day}, the first day of it");
            Err(malformed("register.site_standing.until_day", &problem))
        }
        None => Ok(()),
    }
}

fn check_succession(registry: &Registry, day: BusinessDay, succession: &DistrictSuccession) -> Result<(), Refusal> {
    let field = |name: &str| format!("register.district_succeeded.{name}");
    registry.districts.find(&field("from_district_code"), succession.from.as_str(), day)?;
    registry.districts.find(&field("to_district_code"), succession.to.as_str(), day)?;
    if succession.from == succession.to {
        let problem = format!("{} does not pass to itself", succession.from);
        return Err(malformed(&field("to_district_code"), &problem));
    }
    within(&field("share_basis_points"), succession.share_basis_points.into(), 1, 10_000)
}

fn check_village(registry: &Registry, day: BusinessDay, village: &CraftVillage) -> Result<(), Refusal> {
    named("register.craft_village.name", &village.name)?;
    named("register.craft_village.trade", &village.trade)?;
    registry.districts.find("register.craft_village.district_code", village.district.as_str(), day).map(|_| ())
}

fn check_target(target: &Target) -> Result<(), Refusal> {
    named("register.target.source", &target.source)?;
    within("register.target.value", target.value, 1, 1_000_000_000)
}
