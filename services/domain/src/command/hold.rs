//! Hold, release, recall, acknowledge: lots that may not move on. Rule 6 lives here: what a held or recalled lot may still do.

use super::LotReference;
use super::deciding::{Deciding, TimedFact, malformed};
use crate::event::registry::Site;
use crate::event::{Fact, Held, RecallAcknowledged, RecallForm, Recalled, Released};
use crate::id::{CommandId, CommandRef, LotId};
use crate::refusal::Refusal;
use crate::state::block::BlockKind;
use crate::state::{Holder, KnownLot};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Lots may not move on, until they are released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Which.
    pub lots: Vec<LotReference>,
    /// At one site; empty for wherever they are.
    pub site: String,
    /// Why.
    pub reason: Box<str>,
}

/// A hold or recall is over, or part of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The command that held or recalled.
    pub block: CommandReference,
    /// Which of the held lots; empty for all.
    pub lots: Vec<LotReference>,
    /// Why.
    pub reason: Box<str>,
}

/// Lots and everything made of them are called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Which.
    pub lots: Vec<LotReference>,
    /// Who made it necessary.
    pub form: RecallForm,
    /// Why.
    pub reason: Box<str>,
    /// Number of the decision.
    pub decision: Option<Box<str>>,
    /// Until when sites have to acknowledge.
    pub acknowledge_by: Option<Timestamp>,
}

/// A site has heard of a recall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcknowledgeRecall {
    /// The command that recalled.
    pub recall: CommandReference,
    /// Which site.
    pub site: String,
}

/// An earlier command, of any organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandReference {
    /// Organization that sent it: code, GLN or name; empty for the caller's own.
    pub organization: String,
    /// Its id.
    pub command: CommandId,
}

pub(super) fn hold(deciding: &mut Deciding<'_>, hold: &Hold) -> Result<Vec<TimedFact>, Refusal> {
    let site = if hold.site.trim().is_empty() { None } else { Some(deciding.site("hold.site", &hold.site)?) };
    said("hold.reason", &hold.reason)?;
    let near = site.as_ref().map(|site| Holder::Site(site.code.clone()));
    let lots = lots(deciding, "hold.lots", &hold.lots, near.as_ref())?;
    let runs_it = site.as_ref().is_some_and(|site| deciding.runs(site).is_ok());
    if !runs_it {
        for lot in &lots {
            deciding.speaks_for(*lot, "hold it, other than at a site of its own")?;
        }
    }
    let held = Held { lots, site: site.map(|site| site.code.clone()), reason: hold.reason.clone() };
    Ok(vec![(Fact::Held(held), None)])
}

pub(super) fn recall(deciding: &mut Deciding<'_>, recall: &Recall) -> Result<Vec<TimedFact>, Refusal> {
    said("recall.reason", &recall.reason)?;
    let lots = lots(deciding, "recall.lots", &recall.lots, None)?;
    for lot in &lots {
        deciding.speaks_for(*lot, "recall it")?;
    }
    let (form, reason, decision) = (recall.form, recall.reason.clone(), recall.decision.clone());
    let recalled = Recalled { lots, form, reason, decision, acknowledge_by: recall.acknowledge_by };
    Ok(vec![(Fact::Recalled(recalled), None)])
}

/// Whoever held or recalled takes it back, or the authority.
pub(super) fn release(deciding: &mut Deciding<'_>, release: &Release) -> Result<Vec<TimedFact>, Refusal> {
    said("release.reason", &release.reason)?;
    let by = block(deciding, "release.block", &release.block)?;
    let Some(known) = deciding.state.block(&by) else { return Err(no_block(&by, "hold or recall")) };
    let organizations = &deciding.state.registry().organizations;
    let caller = deciding.context.organization;
    if !organizations.same(&by.organization, caller) && !organizations.same(deciding.state.authority(), caller) {
        let authority = deciding.state.authority().clone();
        return Err(Refusal::NotYourBlock { organization: caller.clone(), block: by, authority });
    }
    let given = if release.lots.is_empty() { Vec::new() } else { lots(deciding, "release.lots", &release.lots, None)? };
    if known.kind == BlockKind::Recalled && !given.is_empty() {
        return Err(malformed("release.lots", "names lots of a recall, which is lifted as a whole; leave them out"));
    }
    let meant: Vec<LotId> = if given.is_empty() { known.lots.keys().copied().collect() } else { given.clone() };
    for lot in &meant {
        match known.lots.get(lot) {
            None => return Err(malformed("release.lots", &format!("names lot {lot}, which that command did not hold"))),
            Some(Some((since, by))) if given.contains(lot) || meant.len() == 1 => {
                return Err(Refusal::ReleasedAlready { lot: deciding.name_of(*lot)?, by: by.clone(), at: since.clone() });
            }
            Some(_) => {}
        }
    }
    if meant.iter().all(|lot| matches!(known.lots.get(lot), Some(Some(_)))) {
        let released = meant.first().and_then(|lot| Some((*lot, known.lots.get(lot)?.clone()?)));
        if let Some((lot, (at, by))) = released {
            return Err(Refusal::ReleasedAlready { lot: deciding.name_of(lot)?, by, at });
        }
    }
    if deciding.time.surely_before(&known.since) {
        let (since, at) = (known.since.clone(), deciding.time.clone());
        return Err(Refusal::BeforeHold { block: by, since, at });
    }
    Ok(vec![(Fact::Released(Released { block: by, lots: given, reason: release.reason.clone() }), None)])
}

pub(super) fn acknowledge(deciding: &mut Deciding<'_>, acknowledge: &AcknowledgeRecall) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("acknowledge_recall.site", &acknowledge.site)?;
    let recall = block(deciding, "acknowledge_recall.recall", &acknowledge.recall)?;
    match deciding.state.block(&recall) {
        Some(known) if known.kind == BlockKind::Recalled => {}
        _ => return Err(no_block(&recall, "recall")),
    }
    Ok(vec![(Fact::RecallAcknowledged(RecallAcknowledged { recall, site: site.code.clone() }), None)])
}

fn no_block(by: &CommandRef, what: &'static str) -> Refusal {
    Refusal::Unknown { field: "command_id".to_owned(), what, value: by.to_string(), nearest: Vec::new() }
}

pub(super) fn said(field: &str, reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        return Err(malformed(field, "is empty; say why, for whoever has to act on it"));
    }
    Ok(())
}

/// The command that is meant.
pub(super) fn block(deciding: &Deciding<'_>, field: &str, reference: &CommandReference) -> Result<CommandRef, Refusal> {
    let organizations = &deciding.state.registry().organizations;
    let given = reference.organization.trim();
    let organization = if given.is_empty() {
        deciding.context.organization.clone()
    } else {
        // As it was recorded: a command keeps the code that its organization had then.
        match crate::id::OrganizationCode::parse(given).ok().filter(|code| organizations.knows(code)) {
            Some(code) => code,
            None => deciding.named(organizations, &format!("{field}.organization"), given)?.code.clone(),
        }
    };
    Ok(CommandRef { organization, command: reference.command })
}

fn lots(deciding: &Deciding<'_>, field: &str, references: &[LotReference], near: Option<&Holder>) -> Result<Vec<LotId>, Refusal> {
    if references.is_empty() {
        return Err(malformed(field, "is empty; name the lots"));
    }
    let mut found = BTreeSet::new();
    for (index, reference) in references.iter().enumerate() {
        found.insert(deciding.lot(&format!("{field}[{index}]"), reference, near)?.lot.id);
    }
    Ok(found.into_iter().collect())
}

impl Deciding<'_> {
    /// Who may hold or recall a lot wherever it is: the authority, whoever assigned its code, its chain's lead, and the brand owner.
    pub(super) fn speaks_for(&self, lot: LotId, what: &'static str) -> Result<(), Refusal> {
        let Some(known) = self.state.lot(lot) else { return Ok(()) };
        let registry = self.state.registry();
        let lead = registry.chains.on(&known.lot.chain, self.day()).map(|chain| chain.lead.clone());
        let brand_owner = registry.products.latest(&known.lot.product).and_then(|product| product.brand_owner.clone());
        let mut allowed = vec![self.state.authority().clone(), known.lot.issuer.clone()];
        allowed.extend(lead.into_iter().chain(brand_owner));
        if allowed.iter().any(|allowed| registry.organizations.same(allowed, self.context.organization)) {
            return Ok(());
        }
        allowed.dedup();
        let allowed = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Err(Refusal::NotYourLot { organization: self.context.organization.clone(), lot: known.name(), what, allowed })
    }

    /// Rule 6: a held or recalled lot does not move on.
    pub(super) fn unblocked(&mut self, lot: LotId, site: &Site, what: &'static str) -> Result<(), Refusal> {
        match self.blocking(lot, site, what) {
            Some(refusal) => self.refuse_or_mark(refusal),
            None => Ok(()),
        }
    }

    /// What stands against a lot's moving on from a site.
    pub(super) fn blocking(&self, lot: LotId, site: &Site, what: &'static str) -> Option<Refusal> {
        let known = self.state.lot(lot)?;
        let sites = &self.state.registry().sites;
        let block = self
            .state
            .blocks_of(&known)
            .into_iter()
            .find(|(_, block)| block.binds(lot, &self.time, |held_at| sites.same(held_at, &site.code)))?;
        let (by, block) = block;
        Some(Refusal::Blocked {
            lot: known.name(),
            kind: block.kind,
            by,
            since: block.since.clone(),
            reason: block.reason.to_string(),
            what,
        })
    }

    /// Whether goods that go there go back: to where the lot stood before and is no shop, or to whoever made it.
    pub(super) fn goes_back(&self, known: &KnownLot, to: &Site) -> bool {
        let registry = self.state.registry();
        let lead = registry.chains.on(&known.lot.chain, self.day()).map(|chain| &chain.lead);
        let made_it = [Some(&known.lot.issuer), lead].into_iter().flatten();
        let is_theirs = made_it.into_iter().any(|organization| registry.organizations.same(organization, &to.organization));
        let stood = || {
            registry.sites.codes(&to.code).into_iter().any(|code| self.state.ledger(known.lot.id, &Holder::Site(code)).is_some())
        };
        !to.kind.is_shop() && (is_theirs || stood())
    }
}
