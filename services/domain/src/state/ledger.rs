//! The book of one lot at one place: what came in and went out, in the order of the world; what was counted; and what follows
//! from both. Rules 2 and 11 live here.
//!
//! What follows (a count's variance, the filling of a reported shortfall) is a function of legs and counts alone. So the stock
//! at the end cannot depend on the order in which facts arrived.

use crate::event::{CountBasis, CountRestated, Counted, Fact};
use crate::id::CommandRef;
use crate::posting::Posting;
use crate::quantity::Milli;
use crate::state::ordered::Ordered;
use crate::time::{BusinessDay, EventTime, Precision, TimeKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where something lies in the order of a place: by day; before opening, what came in that day, moments, what went out that
/// day, after closing; by moment; and at equal times events precede the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LedgerKey {
    /// Business day.
    pub day: BusinessDay,
    rank: u8,
    micros: i64,
    step: Step,
}

/// Order at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Step {
    Leg,
    /// What fills a shortfall just before a count, or at the end of the day.
    Filling,
    Count,
}

impl LedgerKey {
    /// Of one side of a fact's posting: where goods come in, or where they go out. A count's variance lies at the count, a filling
    /// just before it, and what takes them back lies there too.
    pub fn of(fact: &Fact, posting: &Posting, incoming: bool) -> LedgerKey {
        match fact {
            Fact::Counted(Counted { basis, .. }) | Fact::CountRestated(CountRestated { basis, .. }) => match basis {
                CountBasis::Stocktake => LedgerKey::count(posting.time),
                CountBasis::Provisional => LedgerKey::filling(posting.time),
                CountBasis::Surplus => LedgerKey::leg(posting.time, incoming, posting.reversal),
            },
            _ => LedgerKey::leg(posting.time, incoming, posting.reversal),
        }
    }

    /// The last place at a time: whatever has happened by then lies at it or before. A day alone is taken to its end.
    pub fn last_at(time: TimeKey) -> LedgerKey {
        let precision = if time.precision == Precision::Day { Precision::AfterClosing } else { time.precision };
        LedgerKey::count(TimeKey { precision, ..time })
    }

    /// Its parts below the day, as tables hold them: place in the day, microseconds since 1970 of a moment, and step at one time.
    /// Keys are in the order of day and parts.
    pub fn parts(self) -> (i16, i64, i16) {
        (self.rank.into(), self.micros, self.step as i16)
    }

    /// Of goods that come in or go out. A reversal lies where what it reverses lies.
    pub fn leg(time: TimeKey, incoming: bool, reversal: bool) -> LedgerKey {
        let rank = match time.precision {
            Precision::BeforeOpening => 0,
            Precision::Day if incoming != reversal => 1,
            Precision::Moment => 2,
            Precision::Day => 3,
            Precision::AfterClosing => 4,
        };
        LedgerKey { day: time.day, rank, micros: time.micros, step: Step::Leg }
    }

    /// Of a count.
    pub fn count(time: TimeKey) -> LedgerKey {
        LedgerKey { step: Step::Count, ..LedgerKey::leg(time, true, false) }
    }

    /// Of a filling dated so.
    pub fn filling(time: TimeKey) -> LedgerKey {
        LedgerKey { step: Step::Filling, ..LedgerKey::leg(time, true, false) }
    }

    fn day_end(day: BusinessDay) -> LedgerKey {
        LedgerKey { day, rank: 4, micros: 0, step: Step::Filling }
    }

    /// Whether goods themselves move there, and not what follows from a count.
    pub fn is_leg(self) -> bool {
        self.step == Step::Leg
    }

    /// Which kind of count an adjustment at this key belongs to.
    pub fn basis(self) -> CountBasis {
        if self.step == Step::Count { CountBasis::Stocktake } else { CountBasis::Provisional }
    }

    /// The count just after a filling.
    fn of_count(self) -> LedgerKey {
        LedgerKey { step: Step::Count, ..self }
    }
}

/// Goods that came in (above zero) or went out.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Leg {
    quantity: i64,
    by: CommandRef,
}

/// What was counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CountMade {
    /// How much.
    pub counted: Milli,
    /// When, as said.
    pub time: EventTime,
    /// By which command.
    pub by: CommandRef,
}

/// The book of one lot at one place.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    legs: Ordered<LedgerKey, Leg>,
    counts: Ordered<LedgerKey, CountMade>,
    /// Variances and fillings that the journal holds.
    adjusted: Ordered<LedgerKey, i64>,
    balance: i64,
    /// Fillings that are not zero.
    fillings: u32,
    /// What came back from an earlier dispatch and has not left again.
    pub returned: Milli,
}

enum Item<'a> {
    Leg(LedgerKey, i64),
    Count(LedgerKey, &'a CountMade),
}

impl Item<'_> {
    fn key(&self) -> LedgerKey {
        match self {
            Item::Leg(key, _) | Item::Count(key, _) => *key,
        }
    }
}

impl Ledger {
    /// What the place holds of the lot, by all that is recorded.
    pub fn balance(&self) -> Milli {
        Milli(self.balance)
    }

    /// Enters goods that come in (above zero) or go out.
    pub fn enter(&mut self, key: LedgerKey, quantity: i64, by: &CommandRef) {
        self.legs.push(key, Leg { quantity, by: by.clone() });
        self.balance += quantity;
    }

    /// Enters a change of a variance or filling.
    pub fn adjust(&mut self, key: LedgerKey, change: i64) {
        let before = self.adjusted_at(key);
        let after = before + change;
        if after == 0 {
            self.adjusted.remove(&key);
        } else {
            self.adjusted.set(key, after);
        }
        if key.basis() == CountBasis::Provisional {
            self.fillings += u32::from(after != 0);
            self.fillings -= u32::from(before != 0);
        }
        self.balance += change;
    }

    /// Enters what was counted.
    pub fn count(&mut self, count: CountMade) {
        self.counts.set(LedgerKey::count(count.time.key()), count);
    }

    /// Takes a count out.
    pub fn forget_count(&mut self, key: LedgerKey) {
        self.counts.remove(&key);
    }

    /// The count at a time.
    pub fn count_at(&self, key: LedgerKey) -> Option<&CountMade> {
        self.counts.get(&key)
    }

    /// When the count just after a filling was made; none if the filling is of a day's end.
    pub fn count_after_filling(&self, key: LedgerKey) -> Option<&CountMade> {
        self.counts.get(&key.of_count())
    }

    /// When the last count was made.
    pub fn last_count(&self) -> Option<LedgerKey> {
        self.counts.last().map(|(key, _)| *key)
    }

    /// Days on which goods came in, in order.
    pub fn incoming_days(&self) -> impl Iterator<Item = BusinessDay> + '_ {
        self.legs.iter().filter(|(_, leg)| leg.quantity > 0).map(|(key, _)| key.day)
    }

    /// Time of the last goods that came in, up to some time.
    pub fn last_incoming(&self, until: LedgerKey) -> Option<LedgerKey> {
        self.legs.iter().rev().find(|(key, leg)| *key < until && leg.quantity > 0).map(|(key, _)| *key)
    }

    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let mut legs = self.legs.iter().peekable();
        let mut counts = self.counts.iter().peekable();
        std::iter::from_fn(move || match (legs.peek(), counts.peek()) {
            (Some((leg, _)), Some((count, _))) if count < leg => counts.next().map(|(key, count)| Item::Count(*key, count)),
            (Some(_), _) => legs.next().map(|(key, leg)| Item::Leg(*key, leg.quantity)),
            (None, _) => counts.next().map(|(key, count)| Item::Count(*key, count)),
        })
    }

    /// What follows from legs and counts: fillings where the place would hold less than nothing at a day's end or just before
    /// a count, and the variance of each count.
    pub fn consequences(&self) -> BTreeMap<LedgerKey, i64> {
        let mut follows = BTreeMap::new();
        let (mut balance, mut day) = (0, None);
        for item in self.items() {
            if let Some(day) = day
                && item.key().day > day
                && balance < 0
            {
                follows.insert(LedgerKey::day_end(day), -balance);
                balance = 0;
            }
            day = Some(item.key().day);
            match item {
                Item::Leg(_, quantity) => balance += quantity,
                Item::Count(key, count) => {
                    if balance < 0 {
                        follows.insert(LedgerKey { step: Step::Filling, ..key }, -balance);
                        balance = 0;
                    }
                    if count.counted.0 != balance {
                        follows.insert(key, count.counted.0 - balance);
                    }
                    balance = count.counted.0;
                }
            }
        }
        if let Some(day) = day
            && balance < 0
        {
            follows.insert(LedgerKey::day_end(day), -balance);
        }
        follows
    }

    /// What is recorded of variances and fillings, in order.
    pub fn adjusted(&self) -> impl Iterator<Item = (LedgerKey, i64)> + '_ {
        self.adjusted.iter().copied()
    }

    /// What is recorded of the variance or filling at a key.
    pub fn adjusted_at(&self, key: LedgerKey) -> i64 {
        self.adjusted.get(&key).copied().unwrap_or(0)
    }

    /// What the book says just before a time (of a count: after the events of that moment).
    pub fn expected_before(&self, key: LedgerKey) -> Milli {
        let (mut balance, mut day) = (0i64, None);
        for item in self.items().take_while(|item| item.key() < key) {
            if day.is_some_and(|day| item.key().day > day) {
                balance = balance.max(0);
            }
            day = Some(item.key().day);
            match item {
                Item::Leg(_, quantity) => balance += quantity,
                Item::Count(_, count) => balance = count.counted.0,
            }
        }
        Milli(balance.max(0))
    }

    /// How much more may leave at a time: the least that any day's end from that day on leaves, and the last of them just before
    /// the next count (after which the place holds what was counted, whatever left before). With the day of that least.
    pub fn available(&self, key: LedgerKey) -> (Milli, BusinessDay) {
        let mut least = (i64::MAX, key.day);
        let lower = |least: &mut (i64, BusinessDay), balance: i64, day: BusinessDay| {
            if balance < least.0 {
                *least = (balance, day);
            }
        };
        let (mut balance, mut day) = (0i64, BusinessDay(i32::MIN));
        for item in self.items() {
            let at = item.key();
            if at.day > day {
                balance = balance.max(0);
                if at.day > key.day {
                    lower(&mut least, balance, day.max(key.day));
                }
                day = at.day;
            }
            match item {
                Item::Leg(_, quantity) => balance += quantity,
                Item::Count(_, count) => {
                    if at > key {
                        lower(&mut least, balance.max(0), at.day);
                        return (Milli(least.0), least.1);
                    }
                    balance = count.counted.0;
                }
            }
        }
        lower(&mut least, balance.max(0), day.max(key.day));
        (Milli(least.0), least.1)
    }

    /// Whether a change that touched one day alone leaves everything that follows as it was, and nothing below zero: true only
    /// if that is sure without looking at every leg. The common case: goods move today, and today is last.
    pub fn plainly_settled(&self, before: &Ledger, day: BusinessDay) -> bool {
        let last_leg = before.legs.last().map(|(key, _)| key.day);
        let last_count = self.counts.last().map(|(key, _)| key.day);
        self.balance >= 0
            && self.fillings == 0
            && last_leg.is_none_or(|last| last <= day)
            && last_count.is_none_or(|last| last < day)
    }

    /// Commands that took goods out at or after a time, in order, up to the first day that ends below zero.
    pub fn takers(&self, until: BusinessDay) -> Vec<CommandRef> {
        let mut takers: Vec<CommandRef> = Vec::new();
        let mut net = BTreeMap::new();
        for (key, leg) in self.legs.iter() {
            if key.day <= until {
                *net.entry(&leg.by).or_insert(0) += leg.quantity;
            }
        }
        for (key, leg) in self.legs.iter().rev() {
            if key.day <= until && leg.quantity < 0 && net.get(&leg.by).is_some_and(|net| *net < 0) && !takers.contains(&leg.by) {
                takers.push(leg.by.clone());
            }
        }
        takers.reverse();
        takers
    }
}
