//! Void and Correct: a command was recorded in error. Rule 8 lives here: a whole command, once, with everything that it caused.

use super::Context;
use crate::event::{Event, Fact, Voided};
use crate::id::{CommandId, CommandRef};
use crate::refusal::Refusal;
use crate::state::State;

/// What is reversed: the command, and its own events. What followed from them follows anew from what is left.
pub(super) fn reverse(
    state: &State,
    context: &Context<'_>,
    command: CommandId,
    reason: &str,
) -> Result<(CommandRef, Voided), Refusal> {
    let target = CommandRef { organization: context.organization.clone(), command };
    let original = context
        .original
        .filter(|original| original.id == command && original.organization == *context.organization)
        .ok_or_else(|| Refusal::NoSuchCommand { command: target.clone() })?;
    if let Some(by) = state.voided_by(&target) {
        return Err(Refusal::AlreadyVoided { command: target, by });
    }
    let mut originals = Vec::new();
    for event in original.events.iter().filter(|event| event.is_primary()) {
        match &event.fact {
            Fact::Voided(_) => {
                let (what, instead) = ("a void", "record again what was voided");
                return Err(Refusal::NotVoidable { command: target, what, instead });
            }
            Fact::Registered(_) => {
                let (what, instead) = ("a fact of the registry", "register what holds, from the day from which it holds");
                return Err(Refusal::NotVoidable { command: target, what, instead });
            }
            Fact::DiscrepancyResolved(_) => {
                let (what, instead) = ("what came of a discrepancy", "say what else came of it");
                return Err(Refusal::NotVoidable { command: target, what, instead });
            }
            Fact::NoticeGiven(_) => {
                let (what, instead) = ("a notice", "say what came of it by a command of its own: whoever was told was told");
                return Err(Refusal::NotVoidable { command: target, what, instead });
            }
            // What a correction took back stays so; what it put in its place is reversed.
            Fact::Corrected(_) => {}
            _ => originals.push(event.clone()),
        }
    }
    matched(state, &target, &originals)?;
    Ok((target, Voided { command, reason: reason.to_owned(), originals }))
}

/// A receipt whose dispatch became known rests in that dispatch: it is taken back first.
fn matched(state: &State, target: &CommandRef, originals: &[Event]) -> Result<(), Refusal> {
    for event in originals {
        let Fact::Received(received) = &event.fact else { continue };
        if received.unmatched.is_none() {
            continue;
        }
        let shipment = state.shipment(received.shipment);
        let receipts = shipment.iter().flat_map(|shipment| &shipment.unmatched);
        for receipt in receipts.filter(|receipt| receipt.by == *target) {
            if let (Some(by), Some(known)) = (&receipt.matched_by, state.lot(receipt.lot)) {
                return Err(Refusal::InTheWay {
                    command: target.clone(),
                    place: crate::posting::Place::Shipment(received.shipment),
                    lot: known.name(),
                    day: receipt.time.business_day,
                    there: crate::quantity::Milli(receipt.quantity.0),
                    in_the_way: vec![by.clone()],
                });
            }
        }
    }
    Ok(())
}
