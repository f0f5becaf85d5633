//! What follows from a command in the ledgers that it touched: counts restated, shortfalls filled. Rules 2, 11 and 12 meet here.

use crate::event::{Amount, CountBasis, CountRestated, Counted, CountedLine, Event, Fact, Violation};
use crate::id::{CommandRef, LotId};
use crate::posting::Place;
use crate::quantity::Milli;
use crate::refusal::{LotName, Refusal};
use crate::state::ledger::{Ledger, LedgerKey};
use crate::state::{Holder, State};
use crate::time::{BusinessDay, EventTime, Precision};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What follows from a command.
pub(super) struct Settled {
    /// Events after the command's own.
    pub events: Vec<Event>,
    /// Rules that a reported fact broke.
    pub violations: Vec<Violation>,
}

/// How a command touched a ledger.
#[derive(Default)]
struct Touch {
    days: BTreeSet<BusinessDay>,
    /// A count came or went: everything after it is to be looked at.
    counted: bool,
    /// What was taken out, together over all lines.
    asked: i64,
}

/// Compares the ledgers before and after a command's own events. A place that would hold less than nothing than before is a
/// refusal, or, for a reported fact at a site, filled.
pub(super) fn settle(
    before: &State,
    after: &State,
    primary: &[Event],
    undone: Option<&CommandRef>,
    reported: bool,
) -> Result<Settled, Refusal> {
    let mut touched = BTreeMap::new();
    for event in primary {
        touch(before, after, event, &mut touched);
    }
    let nothing = Arc::new(Ledger::default());
    let mut settled = Settled { events: Vec::new(), violations: Vec::new() };
    for ((lot, holder), touch) in touched {
        let old = before.ledger(lot, &holder).unwrap_or_else(|| Arc::clone(&nothing));
        let new = after.ledger(lot, &holder).unwrap_or_else(|| Arc::clone(&nothing));
        if let (Some(day), 1, false) = (touch.days.first(), touch.days.len(), touch.counted)
            && new.plainly_settled(&old, *day)
        {
            continue;
        }
        let follows = new.consequences();
        if let Some((day, short, least_day)) = grown(&old, &follows) {
            let refusal = refusal(after, &new, lot, &holder, &touch, undone, (day, short, least_day))?;
            if reported && matches!(holder, Holder::Site(_)) {
                settled.violations.push(Violation {
                    rule: refusal.rule(),
                    reason: refusal.reason().to_owned(),
                    detail: refusal.to_string(),
                });
            } else {
                return Err(refusal);
            }
        }
        let Holder::Site(site) = &holder else { continue };
        let keys: BTreeSet<LedgerKey> = follows.keys().copied().chain(new.adjusted().map(|(key, _)| key)).collect();
        for key in keys {
            let change = follows.get(&key).unwrap_or(&0) - new.adjusted_at(key);
            if change == 0 {
                continue;
            }
            let time = time_of(after, &old, &new, key);
            let (basis, change) = (key.basis(), Milli(change));
            let fact = if basis == CountBasis::Provisional && change > Milli::ZERO {
                let line = CountedLine { lot, counted: Amount::from(Milli::ZERO), expected: Milli(-change.0), variance: change };
                Fact::Counted(Counted { site: site.clone(), basis, lines: vec![line], product: None })
            } else {
                Fact::CountRestated(CountRestated { site: site.clone(), lot, basis, variance_change: change })
            };
            settled.events.push(Event { time, violations: Vec::new(), names: Vec::new(), fact });
        }
    }
    Ok(settled)
}

fn touch(before: &State, after: &State, event: &Event, touched: &mut BTreeMap<(LotId, Holder), Touch>) {
    for posting in event.postings() {
        for (place, incoming) in [(&posting.from, false), (&posting.to, true)] {
            let holder = match place {
                Place::Site(site) => Holder::Site(site.clone()),
                Place::Shipment(shipment) => Holder::Shipment(*shipment),
                Place::Outside(_) => continue,
            };
            let touch = touched.entry((posting.lot, holder)).or_default();
            touch.days.insert(posting.day());
            if !incoming && !posting.reversal {
                touch.asked += posting.quantity.0;
            }
        }
    }
    match &event.fact {
        Fact::Counted(counted) => {
            let mut lots: BTreeSet<LotId> = counted.lines.iter().map(|line| line.lot).collect();
            for state in [before, after] {
                lots.extend(counted.product.iter().flat_map(|product| state.lots_at(&counted.site, product)));
            }
            for lot in lots {
                touched.entry((lot, Holder::Site(counted.site.clone()))).or_default().counted = true;
            }
        }
        Fact::Voided(voided) | Fact::Corrected(voided) => {
            for original in &voided.originals {
                touch_counts(before, after, original, touched);
            }
        }
        _ => {}
    }
}

fn touch_counts(before: &State, after: &State, original: &Event, touched: &mut BTreeMap<(LotId, Holder), Touch>) {
    if matches!(original.fact, Fact::Counted(_)) {
        touch(before, after, original, touched);
    }
}

/// Whether some day needs more filling than it had: the first such day, by how much in all, and the last such day (where the
/// place is lowest).
fn grown(old: &Ledger, follows: &BTreeMap<LedgerKey, i64>) -> Option<(BusinessDay, i64, BusinessDay)> {
    let mut by_day: BTreeMap<BusinessDay, i64> = BTreeMap::new();
    let changes = follows.iter().map(|(key, filled)| (*key, *filled)).chain(old.adjusted().map(|(key, filled)| (key, -filled)));
    for (key, change) in changes.filter(|(key, _)| key.basis() == CountBasis::Provisional) {
        *by_day.entry(key.day).or_insert(0) += change;
    }
    by_day.retain(|_, grown| *grown > 0);
    let (first, last) = (*by_day.first_key_value()?.0, *by_day.last_key_value()?.0);
    Some((first, by_day.values().sum(), last))
}

fn refusal(
    after: &State,
    new: &Ledger,
    lot: LotId,
    holder: &Holder,
    touch: &Touch,
    undone: Option<&CommandRef>,
    (first_day, short, least_day): (BusinessDay, i64, BusinessDay),
) -> Result<Refusal, Refusal> {
    let place = Place::from(holder.clone());
    let lot = name_of(after, lot)?;
    Ok(match (undone, touch.asked) {
        (Some(command), _) => Refusal::InTheWay {
            command: command.clone(),
            place,
            lot,
            day: first_day,
            there: Milli(-short),
            in_the_way: new.takers(least_day).into_iter().filter(|taker| taker != command).collect(),
        },
        (None, 0) => Refusal::CountContradicts { site: place.to_string(), lot, day: first_day, short: Milli(short) },
        (None, asked) => {
            Refusal::NotEnough { place, lot, day: least_day, there: Milli((asked - short).max(0)), asked: Milli(asked) }
        }
    })
}

/// A lot's name. Every lot in a ledger is known, since an event brought it; where it is not, what was put away could not be read,
/// and nobody hears this refusal.
pub(super) fn name_of(state: &State, lot: LotId) -> Result<LotName, Refusal> {
    let unknown = || Refusal::Unknown { field: "lot".to_owned(), what: "lot", value: lot.to_string(), nearest: Vec::new() };
    state.lot(lot).map(|known| known.name()).ok_or_else(unknown)
}

fn time_of(after: &State, old: &Ledger, new: &Ledger, key: LedgerKey) -> EventTime {
    let count = match key.basis() {
        CountBasis::Stocktake => new.count_at(key).or_else(|| old.count_at(key)),
        CountBasis::Provisional | CountBasis::Surplus => new.count_after_filling(key).or_else(|| old.count_after_filling(key)),
    };
    match count {
        Some(count) => EventTime { typed: None, ..count.time.clone() },
        None => after.calendar().day_time(key.day, Precision::AfterClosing, None),
    }
}
