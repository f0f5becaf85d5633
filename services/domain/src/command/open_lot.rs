//! Open: what a site held of a lot before it kept its book here. Once for each lot and site.

use super::OpenLot;
use super::deciding::{Deciding, Naming, TimedFact};
use crate::event::{Fact, LotOpened};
use crate::refusal::Refusal;

pub(super) fn decide(deciding: &mut Deciding<'_>, open: &OpenLot) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("open_lot.site", &open.site)?;
    deciding.takes_goods(&site)?;
    let (mut lot, product) = deciding.new_lot("open_lot.lot", &open.lot, &site, Naming::Any)?;
    if let Some(known) = deciding.state.lot(lot.id) {
        let sites = deciding.state.registry().sites.codes(&site.code);
        if let Some(by) = sites.iter().find_map(|site| known.opened.get(site)) {
            let site = deciding.state.registry().sites.describe(&site.code);
            return Err(Refusal::LotOpened { lot: known.name(), site, by: by.clone() });
        }
        // Its dates are known from whoever spoke of it first.
        lot = known.lot.clone();
    }
    let amount = deciding.amount("open_lot.quantity", &open.quantity, &product)?;
    Ok(vec![(Fact::LotOpened(LotOpened { lot, site: site.code.clone(), amount }), None)])
}
