//! Transform: lots become other lots; where most lots on a shelf are born.

use super::Transform;
use super::deciding::{Deciding, Naming, TimedFact, malformed};
use super::harvest::{begins_now, expiry};
use crate::event::registry::SiteKind;
use crate::event::{Fact, LotAmount, Transformed};
use crate::refusal::Refusal;
use crate::state::Holder;
use std::collections::BTreeSet;

pub(super) fn decide(deciding: &mut Deciding<'_>, transform: &Transform) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("transform.site", &transform.site)?;
    if !site.kind.is_producing() && !matches!(site.kind, SiteKind::Warehouse | SiteKind::DistributionCenter) {
        return Err(Refusal::WrongKindOfSite {
            site: deciding.state.registry().sites.describe(&site.code),
            kind: site.kind.as_str(),
            what: "lots become other lots",
            allowed: "producing sites, warehouses and distribution centers",
        });
    }
    deciding.takes_goods(&site)?;
    if transform.inputs.is_empty() || transform.outputs.is_empty() {
        let field = if transform.inputs.is_empty() { "transform.inputs" } else { "transform.outputs" };
        return Err(malformed(field, "is empty; name what went in and what came out (what is lost to use is a waste)"));
    }
    if transform.loss_gram.is_some_and(|gram| gram < 0) {
        return Err(malformed("transform.loss_gram", "is below zero; give what was lost, or leave it out"));
    }
    let holder = Holder::Site(site.code.clone());
    let mut inputs = Vec::new();
    for (index, line) in transform.inputs.iter().enumerate() {
        let (lot, amount) = deciding.line(&format!("transform.inputs[{index}]"), line, Some(&holder))?;
        deciding.unblocked(lot, &site, "is wasted or goes back")?;
        inputs.push(LotAmount { lot, amount });
    }
    // A lot is as old as the oldest of what is in it.
    let oldest = inputs
        .iter()
        .filter_map(|input| deciding.state.lot(input.lot))
        .filter_map(|known| known.lot.harvest_day.map(|day| (day, known.lot.harvest_time)))
        .min();
    let mut outputs = Vec::new();
    let mut begun = BTreeSet::new();
    for (index, (new, quantity)) in transform.outputs.iter().enumerate() {
        let field = format!("transform.outputs[{index}]");
        let (mut lot, product) = deciding.new_lot(&format!("{field}.lot"), new, &site, Naming::Own)?;
        begins_now(deciding, &lot)?;
        if !begun.insert(lot.id) {
            return Err(malformed(&format!("{field}.lot"), "comes out twice; give one output for each lot"));
        }
        let amount = deciding.amount(&format!("{field}.quantity"), quantity, &product)?;
        (lot.harvest_day, lot.harvest_time) = oldest.map_or((None, None), |(day, time)| (Some(day), time));
        lot.expiry = expiry(deciding, &format!("{field}.lot"), &lot, &product)?;
        outputs.push((lot, amount));
    }
    let (site, process, loss_gram) = (site.code.clone(), transform.process, transform.loss_gram);
    Ok(vec![(Fact::Transformed(Transformed { site, process, inputs, outputs, loss_gram }), None)])
}
