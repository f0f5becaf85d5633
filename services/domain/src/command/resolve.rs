//! Resolve: somebody looked at a discrepancy. What it says of goods is said by commands of their own: a count, a waste, a correction.

use super::deciding::{Deciding, TimedFact, malformed};
use super::hold::{CommandReference, block};
use crate::event::{Discrepancy, DiscrepancyResolved, Fact};
use crate::refusal::Refusal;

/// What came of a discrepancy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The command that recorded it.
    pub command: CommandReference,
    /// What came of it.
    pub resolution: Box<str>,
}

pub(super) fn decide(deciding: &mut Deciding<'_>, resolve: &Resolve) -> Result<Vec<TimedFact>, Refusal> {
    if resolve.resolution.trim().is_empty() {
        return Err(malformed("resolve.resolution", "is empty; say what came of it"));
    }
    let command = block(deciding, "resolve.command", &resolve.command)?;
    let (organizations, caller) = (&deciding.state.registry().organizations, deciding.context.organization);
    if !organizations.same(&command.organization, caller) && !organizations.same(deciding.state.authority(), caller) {
        let authority = deciding.state.authority().clone();
        return Err(Refusal::NotYourBlock { organization: caller.clone(), block: command, authority });
    }
    let original = deciding.context.original;
    let original = original.filter(|original| original.id == command.command && original.organization == command.organization);
    let Some(original) = original else { return Err(Refusal::NoSuchCommand { command }) };
    if !original.events.iter().any(|event| Discrepancy::of(event).is_some()) {
        return Err(Refusal::NothingToResolve { command });
    }
    let resolved = DiscrepancyResolved { command, resolution: resolve.resolution.clone() };
    Ok(vec![(Fact::DiscrepancyResolved(resolved), None)])
}
