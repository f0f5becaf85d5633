//! What is certified, entered and graded, and how sites stand, as far as deciding looks at it.

use super::registry::Dated;
use crate::event::RegistryFact;
use crate::event::programme::{CertificateRef, LabelFate, Labels, SiteStanding, SiteStandingChange, TrademarkStep};
use crate::id::{OrganizationCode, ProductCode, SiteCode};
use crate::text;
use crate::time::BusinessDay;
use imbl::OrdMap;
use std::sync::Arc;

/// A run of labels: its last number, what became of them, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    last: i64,
    fate: LabelFate,
    since: BusinessDay,
}

/// What the registry knows besides its things.
#[derive(Clone, Debug, Default)]
pub struct Programme {
    certificates: OrdMap<CertificateRef, (BusinessDay, OrganizationCode)>,
    dossiers: OrdMap<String, (BusinessDay, OrganizationCode, ProductCode)>,
    /// Each with its number among all, which says what was recorded last.
    standings: OrdMap<SiteCode, Dated<(u64, Arc<SiteStandingChange>)>>,
    said: u64,
    /// Trademark cases: who is helped, and each step.
    trademarks: OrdMap<String, (OrganizationCode, Dated<TrademarkStep>)>,
    /// Runs of labels of each series by their first number.
    labels: OrdMap<String, OrdMap<i64, Run>>,
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
                let new = || (from, registered.subject.clone(), registered.product.clone());
                let known = self.dossiers.entry(registered.dossier.clone()).or_insert_with(new);
                known.0 = known.0.min(from);
            }
            RegistryFact::SiteStanding(change) => {
                self.said += 1;
                let said = (self.said, Arc::new(change.clone()));
                self.standings.entry(change.site.clone()).or_default().say(from, said);
            }
            RegistryFact::TrademarkCase(case) => {
                let known = self.trademarks.entry(case.number.clone());
                known.or_insert_with(|| (case.subject.clone(), Dated::default())).1.say(from, case.step);
            }
            RegistryFact::Labels(labels) => self.mark(from, labels),
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
        let scored = of_kind.map(|known| (text::likeness(&id.number, &known.number), &known.number));
        text::nearest(scored, 0.8).into_iter().cloned().collect()
    }

    /// Day, subject and product of a dossier.
    pub fn dossier(&self, number: &str) -> Option<&(BusinessDay, OrganizationCode, ProductCode)> {
        self.dossiers.get(number)
    }

    /// Who is helped in a case.
    pub fn trademark(&self, case: &str) -> Option<&OrganizationCode> {
        self.trademarks.get(case).map(|(subject, _)| subject)
    }

    /// The step in the way of another on a day: an earlier one that ended the case, or, where the other ends it, a later one.
    pub fn trademark_in_the_way(
        &self,
        case: &str,
        day: BusinessDay,
        step: TrademarkStep,
    ) -> Option<(BusinessDay, TrademarkStep)> {
        let (_, steps) = self.trademarks.get(case)?;
        let ended = steps.on(day.plus(-1)).filter(|(_, before)| before.is_last());
        ended.copied().or_else(|| steps.last().filter(|(last, _)| step.is_last() && *last > day).copied())
    }

    /// The first label between two numbers, both included, of which something else became than is expected on a day (none: it was
    /// never issued): its number, and what became of it since when.
    pub fn first_other(
        &self,
        day: BusinessDay,
        labels: &Labels,
        expected: Option<LabelFate>,
    ) -> Option<(i64, Option<(LabelFate, BusinessDay)>)> {
        let mut next = labels.first;
        for (first, Run { last, fate, since }) in self.runs(labels) {
            if first > next && expected.is_some() {
                return Some((next, None));
            }
            if Some(fate) != expected || since > day {
                return Some((first.max(labels.first), Some((fate, since))));
            }
            next = last.saturating_add(1);
        }
        (next <= labels.last && expected.is_some()).then_some((next, None))
    }

    /// Runs of a series that reach into others.
    fn runs(&self, labels: &Labels) -> Vec<(i64, Run)> {
        let Some(runs) = self.labels.get(&labels.series) else { return Vec::new() };
        let before = runs.get_prev(&labels.first).filter(|(_, run)| run.last >= labels.first);
        let within = runs.range(labels.first.saturating_add(1)..=labels.last);
        before.into_iter().chain(within).map(|(first, run)| (*first, *run)).collect()
    }

    /// Enters what became of labels in place of what was known of them.
    fn mark(&mut self, since: BusinessDay, labels: &Labels) {
        let reached = self.runs(labels);
        let runs = self.labels.entry(labels.series.clone()).or_default();
        for (first, run) in reached {
            runs.remove(&first);
            if first < labels.first {
                runs.insert(first, Run { last: labels.first - 1, ..run });
            }
            if run.last > labels.last {
                runs.insert(labels.last + 1, run);
            }
        }
        runs.insert(labels.first, Run { last: labels.last, fate: labels.fate, since });
    }

    /// Since when, and why, a site known by these codes is closed on a day, if it is.
    pub fn closed(&self, codes: &[SiteCode], day: BusinessDay) -> Option<(BusinessDay, &str)> {
        let said = codes.iter().filter_map(|code| self.standings.get(code)?.on(day));
        let (from, (_, change)) = said.max_by_key(|(from, (nth, _))| (*from, *nth))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const DAY: BusinessDay = BusinessDay(20_000);

    fn labels(fate: LabelFate, first: i64, last: i64) -> Labels {
        Labels { series: "HN".into(), fate, first, last, subject: None, product: None }
    }

    proptest! {
        /// Runs say of each number what a list of all numbers says.
        #[test]
        fn runs_of_labels_say_of_each_number_what_became_of_it(
            steps in prop::collection::vec((prop::sample::select(LabelFate::ALL), 1..30i64, 0..12i64), 1..25),
        ) {
            let (mut programme, mut each) = (Programme::default(), BTreeMap::new());
            for (fate, first, more) in steps {
                let asked = labels(fate, first, first + more);
                for expected in [None, Some(LabelFate::Issued)] {
                    let said: Vec<(i64, Option<LabelFate>)> =
                        (first..=first + more).map(|number| (number, each.get(&number).copied())).collect();
                    let other = said.into_iter().find(|(_, became)| *became != expected);
                    let found = programme.first_other(DAY, &asked, expected);
                    prop_assert_eq!(found.map(|(number, became)| (number, became.map(|(fate, _)| fate))), other);
                }
                programme.mark(DAY, &asked);
                each.extend((first..=first + more).map(|number| (number, fate)));
            }
        }
    }
}
