//! Waste: goods are lost to use. An expired lot may go that way; only a sale is barred to it.

use super::Waste;
use super::deciding::{Deciding, TimedFact, malformed};
use crate::event::{Fact, LotAmount, WasteReason, Wasted};
use crate::refusal::Refusal;
use crate::state::Holder;

pub(super) fn decide(deciding: &mut Deciding<'_>, waste: &Waste) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("waste.site", &waste.site)?;
    if waste.lines.is_empty() {
        return Err(malformed("waste.lines", "is empty; name the lots"));
    }
    let holder = Holder::Site(site.code.clone());
    let mut lines = Vec::new();
    for (index, line) in waste.lines.iter().enumerate() {
        let (lot, amount) = deciding.line(&format!("waste.lines[{index}]"), line, Some(&holder))?;
        if waste.reason == WasteReason::Donated {
            deciding.unblocked(lot, &site, "is given to nobody; it is destroyed or goes back")?;
        }
        lines.push(LotAmount { lot, amount });
    }
    Ok(vec![(Fact::Wasted(Wasted { site: site.code.clone(), lines, reason: waste.reason }), None)])
}
