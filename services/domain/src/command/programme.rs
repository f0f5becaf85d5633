//! Register: what is certified, graded and aimed at, and how sites stand. What it names is known on its day; a certificate keeps its
//! holder; a dossier is graded by the rule of its day, within its points.

use super::deciding::malformed;
use super::register::{contradiction, in_use, named, within};
use crate::event::RegistryFact;
use crate::event::programme::{
    Certificate, CertificateKind, CertificateStandingChange, CraftVillage, DistrictSuccession, LabelFate, Labels, OcopGrading,
    OcopRegistration, OcopRule, SiteStandingChange, Target, TrademarkCase,
};
use crate::refusal::Refusal;
use crate::state::registry::{Book, Registry, Thing};
use crate::time::BusinessDay;

/// Something that is known on a day under this very code: what a fact keeps is no name, and no number.
fn known<T: Thing>(book: &Book<T>, field: &str, code: &T::Code, day: BusinessDay) -> Result<(), Refusal> {
    let found = book.find(field, &code.to_string(), day)?;
    if book.knows(code) {
        return Ok(());
    }
    Err(malformed(field, &format!("{code} is no code but another name of {}; give its code", book.describe(found.code()))))
}

/// A day that people may mean: bytes can say any.
fn possible(field: &str, day: Option<BusinessDay>) -> Result<(), Refusal> {
    let (least, most) = (BusinessDay::of(jiff::civil::date(1900, 1, 1)), BusinessDay::of(jiff::civil::date(9999, 12, 31)));
    match day.filter(|day| !(least..=most).contains(day)) {
        Some(day) => Err(malformed(field, &format!("is day {} since 1970; allowed is {least} to {most}", day.0))),
        None => Ok(()),
    }
}

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
        RegistryFact::Target(target) => check_target(day, target),
        RegistryFact::TrademarkCase(case) => check_trademark(registry, day, case),
        RegistryFact::Labels(labels) => check_labels(registry, day, labels),
        _ => Ok(()),
    }
}

fn check_certificate(registry: &Registry, day: BusinessDay, certificate: &Certificate) -> Result<(), Refusal> {
    let field = |name: &str| format!("register.certificate.{name}");
    named(&field("number"), &certificate.id.number)?;
    named(&field("issuer"), &certificate.issuer)?;
    known(&registry.organizations, &field("holder_code"), &certificate.holder, day)?;
    for (index, product) in certificate.products.iter().enumerate() {
        known(&registry.products, &field(&format!("product_codes[{index}]")), product, day)?;
    }
    for (index, site) in certificate.sites.iter().enumerate() {
        known(&registry.sites, &field(&format!("site_codes[{index}]")), site, day)?;
    }
    match (&certificate.chain, certificate.id.kind) {
        (Some(chain), CertificateKind::SafeChain) => {
            known(&registry.chains, &field("chain_code"), chain, day)?;
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
    possible(&field("until_day"), certificate.until)?;
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
    known(&registry.organizations, &field("subject_code"), &registered.subject, day)?;
    in_use(&registry.organizations, &field("subject_code"), &registered.subject, day)?;
    known(&registry.products, &field("product_code"), &registered.product, day)?;
    known(&registry.districts, &field("district_code"), &registered.district, day)?;
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
    Ok(())
}

fn check_site_standing(registry: &Registry, day: BusinessDay, change: &SiteStandingChange) -> Result<(), Refusal> {
    known(&registry.sites, "register.site_standing.site_code", &change.site, day)?;
    possible("register.site_standing.until_day", change.until)?;
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
    known(&registry.districts, &field("from_district_code"), &succession.from, day)?;
    known(&registry.districts, &field("to_district_code"), &succession.to, day)?;
    if succession.from == succession.to {
        let problem = format!("{} does not pass to itself", succession.from);
        return Err(malformed(&field("to_district_code"), &problem));
    }
    within(&field("share_basis_points"), succession.share_basis_points.into(), 1, 10_000)
}

fn check_village(registry: &Registry, day: BusinessDay, village: &CraftVillage) -> Result<(), Refusal> {
    named("register.craft_village.name", &village.name)?;
    named("register.craft_village.trade", &village.trade)?;
    known(&registry.districts, "register.craft_village.district_code", &village.district, day)
}

fn check_target(day: BusinessDay, target: &Target) -> Result<(), Refusal> {
    named("register.target.source", &target.source)?;
    possible("register.target.due_day", Some(target.due))?;
    if target.due < day {
        let problem = format!("{} is before {day}, the day from which the target holds", target.due);
        return Err(malformed("register.target.due_day", &problem));
    }
    within("register.target.value", target.value, 1, 1_000_000_000)
}

fn check_trademark(registry: &Registry, day: BusinessDay, case: &TrademarkCase) -> Result<(), Refusal> {
    let field = |name: &str| format!("register.trademark_case.{name}");
    named(&field("case_number"), &case.number)?;
    named(&field("mark"), &case.mark)?;
    known(&registry.organizations, &field("subject_code"), &case.subject, day)?;
    possible(&field("due_day"), case.due)?;
    if let Some(due) = case.due.filter(|due| *due < day) {
        return Err(malformed(&field("due_day"), &format!("{due} is before {day}, the day of the step")));
    }
    if case.due.is_some() && case.step.is_last() {
        return Err(malformed(&field("due_day"), &format!("nothing follows {}; leave it out", case.step.as_str())));
    }
    if let Some(subject) = registry.programme.trademark(&case.number)
        && !registry.organizations.same(subject, &case.subject)
    {
        let known = registry.organizations.describe(subject);
        let problem = format!("case {} is that of {known}; give another number", case.number);
        return Err(contradiction(&field("case_number"), problem));
    }
    match registry.programme.trademark_in_the_way(&case.number, day, case.step) {
        Some((since, step)) if since < day => {
            let problem = format!("case {} ended on {since}: {}; open another", case.number, step.as_str());
            Err(contradiction(&field("step"), problem))
        }
        Some((later, step)) => {
            let problem = format!("case {} went on to {} on {later}; it did not end on {day}", case.number, step.as_str());
            Err(contradiction(&field("step"), problem))
        }
        None => Ok(()),
    }
}

/// Numbers of labels at most.
const MOST_LABEL: i64 = 999_999_999_999;

fn check_labels(registry: &Registry, day: BusinessDay, labels: &Labels) -> Result<(), Refusal> {
    let field = |name: &str| format!("register.labels.{name}");
    named(&field("series"), &labels.series)?;
    within(&field("first"), labels.first, 1, MOST_LABEL)?;
    within(&field("last"), labels.last, labels.first, MOST_LABEL)?;
    let (is_issue, expected) =
        (labels.fate == LabelFate::Issued, (labels.fate != LabelFate::Issued).then_some(LabelFate::Issued));
    match (&labels.subject, is_issue) {
        (Some(subject), true) => known(&registry.organizations, &field("subject_code"), subject, day)?,
        (None, true) => return Err(malformed(&field("subject_code"), "is missing; say who got the labels")),
        (Some(_), false) => return Err(malformed(&field("subject_code"), "was said when they were issued; leave it out")),
        (None, false) => {}
    }
    match (&labels.product, is_issue) {
        (Some(product), true) => known(&registry.products, &field("product_code"), product, day)?,
        (Some(_), false) => return Err(malformed(&field("product_code"), "was said when they were issued; leave it out")),
        (None, _) => {}
    }
    let Some((number, became)) = registry.programme.first_other(day, labels, expected) else { return Ok(()) };
    let label = format!("label {} {number}", labels.series);
    let problem = match became {
        None => format!("{label} was never issued"),
        Some((LabelFate::Issued, since)) if !is_issue => format!("{label} is issued on {since} only, after {day}"),
        Some((fate, since)) => {
            format!("{label} is {} already, since {since}; each is issued once, and used, spoiled or voided once", fate.as_str())
        }
    };
    Err(contradiction(&field("first"), problem))
}
