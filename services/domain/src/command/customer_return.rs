//! Customer return: a consumer brings goods back, of the same lot, also where nothing of it stands there any more, and also where
//! it has expired or is recalled: all the more then.

use super::LotLine;
use super::deciding::{Deciding, TimedFact, malformed};
use crate::event::{CustomerReturned, Fact, LotAmount, ReturnReason};
use crate::refusal::Refusal;
use crate::state::Holder;

/// A consumer brings goods back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerReturn {
    /// Where.
    pub site: String,
    /// What.
    pub lines: Vec<LotLine>,
    /// Why.
    pub reason: ReturnReason,
}

pub(super) fn decide(deciding: &mut Deciding<'_>, given: &CustomerReturn) -> Result<Vec<TimedFact>, Refusal> {
    let site = deciding.own_site("customer_return.site", &given.site)?;
    if given.lines.is_empty() {
        return Err(malformed("customer_return.lines", "is empty; name the lots"));
    }
    let holder = Holder::Site(site.code.clone());
    let mut lines = Vec::new();
    for (index, line) in given.lines.iter().enumerate() {
        let (lot, amount) = deciding.line(&format!("customer_return.lines[{index}]"), line, Some(&holder))?;
        lines.push(LotAmount { lot, amount });
    }
    let returned = CustomerReturned { site: site.code.clone(), lines, reason: given.reason };
    Ok(vec![(Fact::CustomerReturned(returned), None)])
}
