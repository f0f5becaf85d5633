//! What is certified, entered and graded, and how sites stand, as far as deciding looks at it.

use super::registry::Dated;
use crate::event::RegistryFact;
use crate::event::programme::{CertificateRef, SiteStanding, SiteStandingChange};
use crate::id::{OrganizationCode, ProductCode, SiteCode};
use crate::time::BusinessDay;
use imbl::{OrdMap, OrdSet};
use std::sync::Arc;

/// What the registry knows besides its things.
#[derive(Clone, Debug, Default)]
pub struct Programme {
    certificates: OrdMap<CertificateRef, (BusinessDay, OrganizationCode)>,
    dossiers: OrdMap<String, (BusinessDay, OrganizationCode, ProductCode)>,
    /// Decisions that graded a dossier, with their days.
    gradings: OrdMap<String, OrdSet<(BusinessDay, String)>>,
    standings: OrdMap<SiteCode, Dated<Arc<SiteStandingChange>>>,
}

impl Programme {
    /// Applies a fact that holds from a day on.
    pub(super) fn evolve(&mut self, from: BusinessDay, fact: &RegistryFact) {
        match fact {
            RegistryFact::Certificate(certificate) => {
                let known = self.certificates.entry(certificate.id.clone()).or_insert((from, certificate.holder.clone()));
                known.0 = known.0.min(from);
            }
            RegistryFact::OcopRegistered(registered) => {
                let product = registered.product.clone();
                self.dossiers.insert(registered.dossier.clone(), (from, registered.subject.clone(), product));
            }
            RegistryFact::OcopGraded(grading) => {
                self.gradings.entry(grading.dossier.clone()).or_default().insert((from, grading.decision.clone()));
            }
            RegistryFact::SiteStanding(change) => {
                self.standings.entry(change.site.clone()).or_default().say(from, Arc::new(change.clone()));
            }
            // Deciding never looks at the rest.
            _ => {}
        }
    }

    /// First day of a certificate, and who holds it.
    pub fn certificate(&self, id: &CertificateRef) -> Option<&(BusinessDay, OrganizationCode)> {
        self.certificates.get(id)
    }

    /// Numbers of certificates of the same kind that look like one.
    pub fn like(&self, id: &CertificateRef) -> Vec<String> {
        let of_kind = self.certificates.keys().filter(|known| known.kind == id.kind);
        let mut scored: Vec<_> = of_kind.map(|known| (strsim::jaro_winkler(&id.number, &known.number), &known.number)).collect();
        scored.retain(|(score, _)| *score > 0.8);
        scored.sort_by(|(one, name), (other, than)| other.total_cmp(one).then_with(|| name.cmp(than)));
        scored.into_iter().take(3).map(|(_, number)| number.clone()).collect()
    }

    /// Day, subject and product of a dossier.
    pub fn dossier(&self, number: &str) -> Option<&(BusinessDay, OrganizationCode, ProductCode)> {
        self.dossiers.get(number)
    }

    /// Whether a decision graded a dossier on a day already.
    pub fn is_graded(&self, dossier: &str, day: BusinessDay, decision: &str) -> bool {
        self.gradings.get(dossier).is_some_and(|decisions| decisions.contains(&(day, decision.to_owned())))
    }

    /// Since when, and why, a site known by these codes is closed on a day, if it is.
    pub fn closed(&self, codes: &[SiteCode], day: BusinessDay) -> Option<(BusinessDay, &str)> {
        let said = codes.iter().filter_map(|code| self.standings.get(code)?.on(day));
        let (from, change) = said.max_by_key(|(from, _)| *from)?;
        if change.on(day) != SiteStanding::Closed {
            return None;
        }
        let since = match (change.standing, change.until) {
            (SiteStanding::Open, Some(until)) => until.plus(1),
            _ => *from,
        };
        Some((since, &change.reason))
    }
}
