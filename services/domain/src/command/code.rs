//! Issue and revoke traceability codes, and count their scans. A code follows from the command that issues it; the check that is
//! printed behind it needs a secret, and is no matter of the journal.

use super::LotReference;
use super::deciding::{Deciding, TimedFact, malformed};
use super::hold::said;
use crate::event::{CodeIssued, CodeRevoked, CodesScanned, Fact, Scan};
use crate::id::TraceCode;
use crate::refusal::Refusal;
use crate::state::code::Code;
use std::sync::Arc;

/// A traceability code is issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueCode {
    /// Product; may be empty where a lot is named.
    pub product: String,
    /// Lot that it stands on; none for all of the product.
    pub lot: Option<LotReference>,
}

/// A traceability code is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeCode {
    /// Which, as printed or without its check.
    pub code: String,
    /// Why.
    pub reason: Box<str>,
}

/// Traceability codes were scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountScans {
    /// Counts.
    pub scans: Vec<ScanCount>,
}

/// How often a code was scanned somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanCount {
    /// Which, as printed or without its check.
    pub code: String,
    /// Administrative unit; empty where nobody knows.
    pub district: String,
    /// How often.
    pub count: i64,
}

/// Scans that a count may say at most.
const MOST_SCANS: i64 = 1_000_000_000;

/// Whoever speaks for a lot has codes issued for it; of all of a product, everybody for what is theirs.
pub(super) fn issue(deciding: &mut Deciding<'_>, issue: &IssueCode) -> Result<Vec<TimedFact>, Refusal> {
    let lot = issue.lot.as_ref().map(|lot| deciding.lot("issue_code.lot", lot, None)).transpose()?;
    let given = issue.product.trim();
    let product = match &lot {
        Some(known) if given.is_empty() => deciding.product_of(known)?,
        None if given.is_empty() => {
            return Err(malformed("issue_code.product", "is missing; say the product, or a lot of it"));
        }
        _ => deciding.product("issue_code.product", given)?,
    };
    if let Some(known) = &lot {
        if !deciding.state.registry().products.same(&known.lot.product, &product.code) {
            let problem = format!("{} is of product {}, not {}", known.name(), known.lot.product, product.code);
            return Err(Refusal::Contradiction { field: "issue_code.product".to_owned(), problem });
        }
        deciding.speaks_for(known.lot.id, "have a code issued for it")?;
    }
    // What is printed already keeps its code.
    let corrected = deciding.context.original.into_iter().flat_map(|original| &original.events);
    let corrected = corrected.map(|event| &event.fact).find_map(|fact| match fact {
        Fact::CodeIssued(issued) => Some(issued.code.clone()),
        _ => None,
    });
    let code = corrected.unwrap_or_else(|| TraceCode::derive(deciding.context.organization, deciding.by.command));
    if let Some(by) = deciding.state.code(&code).and_then(|known| known.issued.clone()) {
        let problem = format!("code {code}, which follows from it, was issued by command {by}; send this under another id");
        return Err(Refusal::Contradiction { field: "header.command_id".to_owned(), problem });
    }
    let issued = CodeIssued { code, product: product.code.clone(), lot: lot.map(|known| known.lot.id) };
    Ok(vec![(Fact::CodeIssued(issued), None)])
}

/// Whoever had it issued revokes it, or the authority.
pub(super) fn revoke(deciding: &mut Deciding<'_>, revoke: &RevokeCode) -> Result<Vec<TimedFact>, Refusal> {
    said("revoke_code.reason", &revoke.reason)?;
    let (code, known) = find(deciding, "revoke_code.code", &revoke.code)?;
    let organizations = &deciding.state.registry().organizations;
    let (caller, authority) = (deciding.context.organization, deciding.state.authority());
    if let Some(block) = &known.issued
        && !organizations.same(&block.organization, caller)
        && !organizations.same(authority, caller)
    {
        return Err(Refusal::NotYourBlock { organization: caller.clone(), block: block.clone(), authority: authority.clone() });
    }
    if let Some(by) = &known.revoked {
        let problem = format!("code {code} was revoked already, by command {by}");
        return Err(Refusal::Contradiction { field: "revoke_code.code".to_owned(), problem });
    }
    Ok(vec![(Fact::CodeRevoked(CodeRevoked { code, reason: revoke.reason.clone() }), None)])
}

/// Scans are counted by who keeps the page that codes lead to.
pub(super) fn count_scans(deciding: &mut Deciding<'_>, count: &CountScans) -> Result<Vec<TimedFact>, Refusal> {
    let (caller, authority) = (deciding.context.organization, deciding.state.authority());
    let registry = deciding.state.registry();
    if !registry.organizations.same(authority, caller) {
        return Err(Refusal::NotTheAuthority { organization: caller.clone(), authority: authority.clone() });
    }
    let mut scans = Vec::new();
    for (index, said) in count.scans.iter().enumerate() {
        let field = format!("count_scans.scans[{index}]");
        let (code, _) = find(deciding, &format!("{field}.code"), &said.code)?;
        let district = match said.district.trim() {
            "" => None,
            given => Some(deciding.named(&registry.districts, &format!("{field}.district"), given)?.code.clone()),
        };
        if !(1..=MOST_SCANS).contains(&said.count) {
            let problem = format!("is {}; allowed is 1 to {MOST_SCANS}", said.count);
            return Err(malformed(&format!("{field}.scan_count"), &problem));
        }
        scans.push(Scan { code, district, count: said.count });
    }
    Ok(vec![(Fact::CodesScanned(CodesScanned { scans }), None)])
}

/// A code that was issued.
fn find(deciding: &Deciding<'_>, field: &str, given: &str) -> Result<(TraceCode, Arc<Code>), Refusal> {
    let read = TraceCode::parse(given);
    let (code, _) = read.map_err(|source| Refusal::BadCode { field: field.to_owned(), source })?;
    match deciding.state.code(&code).filter(|known| known.issued.is_some()) {
        Some(known) => Ok((code, known)),
        None => Err(Refusal::Unknown {
            field: field.to_owned(),
            what: "traceability code",
            value: given.to_owned(),
            nearest: Vec::new(),
        }),
    }
}
