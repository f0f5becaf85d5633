//! Give notice: somebody has to be told something. The authority says so, once: the command's id follows from the key, and an id
//! stands for one content for ever.

use super::LotReference;
use super::deciding::{Deciding, TimedFact, malformed};
use crate::event::programme::CertificateRef;
use crate::event::{Fact, NoticeGiven, NoticeKind};
use crate::id::CommandId;
use crate::quantity::Milli;
use crate::refusal::Refusal;
use crate::state::Holder;
use crate::time::BusinessDay;

/// Longest key, in bytes.
const MOST_KEY_BYTES: usize = 1_024;

/// Somebody has to be told something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveNotice {
    /// What it is about.
    pub kind: NoticeKind,
    /// What it is about, once for ever.
    pub key: String,
    /// Lot.
    pub lot: Option<LotReference>,
    /// Product: code, GTIN or name; empty for the lot's, or if it is about none.
    pub product: String,
    /// Site: code, GLN or name; empty if it is about none.
    pub site: String,
    /// Chain: code or name; empty for the lot's, or if it is about none.
    pub chain: String,
    /// Certificate.
    pub certificate: Option<CertificateRef>,
    /// Who holds the certificate, or whose command it is about: code, GLN or name; empty if it is about none.
    pub organization: String,
    /// Command that it is about.
    pub command: Option<CommandId>,
    /// Day that it is about.
    pub day: Option<BusinessDay>,
    /// Days left until then, or gone since.
    pub days: Option<i32>,
    /// How much of the lot.
    pub quantity: Option<Milli>,
}

pub(super) fn decide(deciding: &mut Deciding<'_>, give: &GiveNotice) -> Result<Vec<TimedFact>, Refusal> {
    let (state, caller) = (deciding.state, deciding.context.organization);
    let registry = state.registry();
    if !registry.organizations.same(state.authority(), caller) {
        return Err(Refusal::NotTheAuthority { organization: caller.clone(), authority: state.authority().clone() });
    }
    key(give)?;
    let id = CommandId::of_notice(&give.key);
    if deciding.by.command != id {
        let problem = format!("is {}; a notice is given once, so its command has the id of its key, {id}", deciding.by.command);
        return Err(malformed("header.command_id", &problem));
    }
    complete(give)?;
    let given = |text: &str| !text.trim().is_empty();
    let site = given(&give.site).then(|| deciding.site("give_notice.site", &give.site)).transpose()?;
    let near = site.as_ref().map(|site| Holder::Site(site.code.clone()));
    let lot = give.lot.as_ref().map(|lot| deciding.lot("give_notice.lot", lot, near.as_ref())).transpose()?;
    let (mut product, mut chain) = (None, None);
    if let Some(known) = &lot {
        (product, chain) = (Some(known.lot.product.clone()), Some(known.lot.chain.clone()));
    }
    if given(&give.product) {
        let named = deciding.product("give_notice.product", &give.product)?;
        if product.as_ref().is_some_and(|product| !registry.products.same(product, &named.code)) {
            return Err(malformed("give_notice.product", "is not that of the lot; leave it out"));
        }
        product = product.or(Some(named.code.clone()));
    }
    if given(&give.chain) {
        let named = registry.chains.find("give_notice.chain", &give.chain, deciding.day())?;
        if chain.as_ref().is_some_and(|chain| !registry.chains.same(chain, &named.code)) {
            return Err(malformed("give_notice.chain", "is not that of the lot; leave it out"));
        }
        chain = chain.or(Some(named.code.clone()));
    }
    let organization = given(&give.organization)
        .then(|| registry.organizations.find("give_notice.organization", &give.organization, deciding.day()))
        .transpose()?;
    let notice = NoticeGiven {
        kind: give.kind,
        key: give.key.as_str().into(),
        lot: lot.map(|known| known.lot.id),
        product,
        site: site.map(|site| site.code.clone()),
        chain,
        certificate: give.certificate.clone(),
        organization: organization.map(|organization| organization.code.clone()),
        command: give.command,
        day: give.day,
        days: give.days,
        quantity: give.quantity,
    };
    Ok(vec![(Fact::NoticeGiven(notice), None)])
}

/// A key begins with the word of its kind.
fn key(give: &GiveNotice) -> Result<(), Refusal> {
    let field = "give_notice.key";
    let word = give.kind.as_str();
    let rest = give.key.strip_prefix(word).and_then(|rest| rest.strip_prefix('/'));
    if rest.is_none_or(str::is_empty) {
        return Err(malformed(field, &format!("does not begin with {word}/ and then say what tells it from others")));
    }
    if give.key.len() > MOST_KEY_BYTES {
        return Err(malformed(field, &format!("has {} bytes; at most {MOST_KEY_BYTES} are allowed", give.key.len())));
    }
    Ok(())
}

/// A notice names what its kind is about.
fn complete(give: &GiveNotice) -> Result<(), Refusal> {
    let (lot, site, product) = (give.lot.is_some(), !give.site.trim().is_empty(), !give.product.trim().is_empty());
    let (chain, organization) = (!give.chain.trim().is_empty(), !give.organization.trim().is_empty());
    let (certificate, command, day) = (give.certificate.is_some(), give.command.is_some(), give.day.is_some());
    let needs: &[(&str, bool)] = match give.kind {
        NoticeKind::Recall => &[("lot", lot), ("organization", organization), ("about_command_id", command)],
        NoticeKind::Expiry => &[("lot", lot), ("site", site), ("date", day)],
        NoticeKind::OutOfStock => &[("product", product), ("site", site)],
        NoticeKind::IdleChain => &[("chain", chain), ("date", day)],
        NoticeKind::TemperatureBreach | NoticeKind::Discrepancy => {
            &[("organization", organization), ("about_command_id", command)]
        }
        NoticeKind::CertificateLapsing => &[("certificate_number", certificate), ("date", day)],
    };
    match needs.iter().find(|(_, is_said)| !is_said) {
        Some((field, _)) => {
            Err(malformed(&format!("give_notice.{field}"), &format!("is missing; a notice of {} names it", give.kind.as_str())))
        }
        None => Ok(()),
    }
}
