//! What a batch of entries changes in the views: a pure fold. Each view folds beside its own tables; here an event is taken apart
//! once for all of them. Knows no SQL.

use crate::registry;
use crate::shipments;
use crate::stock;
use crate::throughput;
use crate::trace;
use crate::{codes, notices, orders, safety};
use domain::entry::{Entry, RecordedCommand};
use domain::event::{Event, Fact};
use domain::id::{CommandRef, LotId, SiteCode};
use domain::posting::{Place, Posting};
use domain::quantity::Milli;
use domain::time::BusinessDay;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An entry and where it stands in the journal.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// Journal that it belongs to.
    pub journal: Uuid,
    /// Its sequence.
    pub sequence: u64,
    /// SHA-256 of its payload.
    pub hash: [u8; 32],
    /// What it records.
    pub entry: Entry,
}

/// Where an event stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Sequence of its entry.
    pub sequence: i64,
    /// Its place among the events of its entry; -1 for what the genesis entry says of itself.
    pub ordinal: i32,
}

/// Where an event stands, the command that recorded it, and its business day.
#[derive(Debug)]
pub struct Said {
    /// Where it stands.
    pub at: At,
    /// Its command.
    pub by: CommandRef,
    /// Its day.
    pub day: BusinessDay,
}

impl Said {
    /// Of an event of a command.
    pub fn of(at: At, command: &RecordedCommand, event: &Event) -> Said {
        let by = CommandRef { organization: command.organization.clone(), command: command.id };
        Said { at, by, day: event.time.business_day }
    }
}

/// A command that is not folded, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parked {
    /// Sequence of its entry.
    pub sequence: u64,
    /// Its place in the entry.
    pub command_index: usize,
    /// Why.
    pub reason: String,
}

/// What entries change, view by view.
#[derive(Debug, Default)]
pub struct Batch {
    /// How much was folded.
    pub tally: Tally,
    /// The business time zone, where the genesis entry is among them.
    pub business_time_zone: Option<String>,
    /// Registered facts.
    pub registry: registry::Changes,
    /// Lots and balances.
    pub stock: stock::Changes,
    /// Shipments and their lines.
    pub shipments: shipments::Changes,
    /// Flows by day and month.
    pub throughput: throughput::Changes,
    /// Events, movements, counts.
    pub trace: trace::Changes,
    /// Holds, recalls, discrepancies.
    pub safety: safety::Changes,
    /// Orders.
    pub orders: orders::Changes,
    /// Traceability codes.
    pub codes: codes::Changes,
    /// Notices.
    pub notices: notices::Changes,
    /// Commands that were left out.
    pub parked: Vec<ParkedCommand>,
    /// Lots, and where, that those would have touched.
    pub doubtful: BTreeSet<(LotId, Option<SiteCode>)>,
}

/// How much was folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries.
    pub entries: i64,
    /// Commands.
    pub commands: i64,
    /// Events, those of the registry left out.
    pub events: i64,
    /// Events of the registry.
    pub registry_events: i64,
}

impl Tally {
    /// Both together.
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            entries: self.entries + other.entries,
            commands: self.commands + other.commands,
            events: self.events + other.events,
            registry_events: self.registry_events + other.registry_events,
        }
    }
}

/// A command that was left out.
#[derive(Debug, PartialEq, Eq)]
pub struct ParkedCommand {
    /// Where and why.
    pub parked: Parked,
    /// Whose.
    pub organization: String,
    /// Which.
    pub command: Uuid,
    /// How many events.
    pub events: usize,
    /// Their names.
    pub names: String,
}

/// Folds entries, in order; commands named in `parked` are left out.
pub fn fold(entries: &[Numbered], parked: &[Parked]) -> Batch {
    let mut batch = Batch::default();
    for numbered in entries {
        let sequence = i64::try_from(numbered.sequence).unwrap_or(i64::MAX);
        batch.tally.entries += 1;
        if let Some(genesis) = &numbered.entry.genesis {
            batch.business_time_zone = Some(genesis.business_time_zone.clone());
            batch.registry.genesis(At { sequence, ordinal: -1 }, genesis);
        }
        let mut ordinal = 0;
        for (command_index, command) in numbered.entry.commands.iter().enumerate() {
            batch.tally.commands += 1;
            for event in &command.events {
                match event.fact {
                    Fact::Registered(_) => batch.tally.registry_events += 1,
                    _ => batch.tally.events += 1,
                }
            }
            let known =
                parked.iter().find(|parked| parked.sequence == numbered.sequence && parked.command_index == command_index);
            let reason = known.map(|parked| parked.reason.clone()).or_else(|| unfoldable(command));
            if let Some(reason) = reason {
                batch.park(Parked { sequence: numbered.sequence, command_index, reason }, command);
            } else {
                batch.command(At { sequence, ordinal }, numbered, command);
            }
            ordinal += i32::try_from(command.events.len()).unwrap_or(i32::MAX);
        }
    }
    batch
}

impl Batch {
    fn command(&mut self, first: At, numbered: &Numbered, command: &RecordedCommand) {
        for ((id, event), ordinal) in command.identified_events().zip(first.ordinal..) {
            let at = At { ordinal, ..first };
            let mut parts = Vec::new();
            take_apart(event, false, &mut parts);
            for part in &parts {
                self.stock.fold(at, part);
                self.shipments.fold(at, command, part);
                self.throughput.fold(part);
            }
            if let Fact::Registered(fact) = &event.fact {
                self.registry.fold(at, event.time.business_day, fact);
            } else {
                self.trace.fold(at, numbered.entry.record_time, command, id, event, &parts);
                let (site, shipment) = trace::fold::where_it_was(event);
                self.safety.fold(at, command, event, site, shipment);
                self.orders.fold(at, command, event);
                self.codes.fold(at, command, event);
                self.notices.fold(at, numbered.entry.record_time, command, event);
            }
        }
        // Rules bind commands, not the events inside them: a correction first takes back and then replaces.
        self.stock.end_of_command();
        self.shipments.end_of_command();
    }

    /// Lots whose balances or flows change.
    pub fn moving_lots(&self) -> BTreeSet<LotId> {
        let stock = self.stock.sites.iter().map(|((_, lot), _)| *lot);
        stock.chain(self.throughput.flows.keys().map(|key| key.lot)).collect()
    }

    fn park(&mut self, parked: Parked, command: &RecordedCommand) {
        for posting in command.events.iter().flat_map(Event::postings) {
            for place in [posting.from, posting.to] {
                match place {
                    Place::Site(site) => self.doubtful.insert((posting.lot, Some(site))),
                    Place::Shipment(_) | Place::Outside(_) => self.doubtful.insert((posting.lot, None)),
                };
            }
        }
        let names: Vec<_> = command.events.iter().map(|event| event.fact.name()).collect();
        self.parked.push(ParkedCommand {
            parked,
            organization: command.organization.to_string(),
            command: command.id.0,
            events: command.events.len(),
            names: names.join(", "),
        });
    }
}

/// Why a command cannot be folded, as far as that can be seen without the tables.
fn unfoldable(command: &RecordedCommand) -> Option<String> {
    command.events.iter().find_map(|event| {
        if let Some(posting) = event.postings().iter().find(|posting| posting.quantity <= Milli::ZERO) {
            return Some(format!(
                "{} moves {} of lot {}; a quantity is above zero",
                event.fact.name(),
                posting.quantity,
                posting.lot
            ));
        }
        match &event.fact {
            Fact::Voided(voided) | Fact::Corrected(voided) => {
                voided.originals.iter().find(|original| matches!(original.fact, Fact::Registered(_))).map(|original| {
                    format!("it takes back {}; facts of the registry are replaced by later ones", original.fact.name())
                })
            }
            _ => None,
        }
    })
}

/// An event that moves goods, as it stands or taken back.
#[derive(Debug)]
pub struct Part<'a> {
    /// The event; for a reversal the original.
    pub event: &'a Event,
    /// Whether it is taken back.
    pub is_reversal: bool,
    /// What it moves, in its own direction also where it is taken back.
    pub moves: Vec<Move<'a>>,
}

/// A posting with what its line says besides.
#[derive(Debug)]
pub struct Move<'a> {
    /// The posting.
    pub posting: Posting,
    /// How the quantity was given.
    pub given: Option<&'a str>,
    /// For a dispatch: what had not been dispatched before.
    pub first: Milli,
}

impl Part<'_> {
    /// 1, or -1 where it is taken back.
    pub fn sign(&self) -> i128 {
        if self.is_reversal { -1 } else { 1 }
    }
}

/// A void is taken apart into what it takes back.
fn take_apart<'a>(event: &'a Event, is_reversal: bool, parts: &mut Vec<Part<'a>>) {
    match &event.fact {
        Fact::Voided(voided) | Fact::Corrected(voided) => {
            for original in &voided.originals {
                take_apart(original, !is_reversal, parts);
            }
        }
        _ => {
            // One line, one posting, in the same order; a line of nothing makes none.
            let lines = lines(event).into_iter().filter(|line| line.quantity != Milli::ZERO);
            let moves = event.postings().into_iter().zip(lines);
            let moves = moves.map(|(posting, line)| Move { posting, given: line.given, first: line.first }).collect();
            parts.push(Part { event, is_reversal, moves });
        }
    }
}

struct Line<'a> {
    quantity: Milli,
    given: Option<&'a str>,
    first: Milli,
}

fn lines(event: &Event) -> Vec<Line<'_>> {
    use domain::event::{
        Amount, CustomerReturned, DeliveryRefused, Matched, Rebooked, Received, ShipmentCancelled, ShortReported, Sold, Wasted,
    };
    fn of(amount: &Amount, quantity: Milli, first: Milli) -> Line<'_> {
        Line { quantity, given: amount.given.as_deref(), first }
    }
    match &event.fact {
        Fact::Harvested(fact) => vec![of(&fact.amount, fact.amount.quantity, Milli::ZERO)],
        Fact::LotOpened(fact) => vec![of(&fact.amount, fact.amount.quantity, Milli::ZERO)],
        Fact::Transformed(fact) => {
            let inputs = fact.inputs.iter().map(|line| &line.amount);
            let outputs = fact.outputs.iter().map(|(_, amount)| amount);
            inputs.chain(outputs).map(|amount| of(amount, amount.quantity, Milli::ZERO)).collect()
        }
        Fact::Dispatched(fact) => fact
            .lines
            .iter()
            .map(|line| of(&line.amount, line.amount.quantity, Milli(line.amount.quantity.0.saturating_sub(line.redispatched.0))))
            .collect(),
        Fact::Received(Received { lines, .. })
        | Fact::DeliveryRefused(DeliveryRefused { lines, .. })
        | Fact::ShortReported(ShortReported { lines, .. })
        | Fact::Sold(Sold { lines, .. })
        | Fact::Wasted(Wasted { lines, .. })
        | Fact::Matched(Matched { lines, .. })
        | Fact::Rebooked(Rebooked { lines, .. })
        | Fact::CustomerReturned(CustomerReturned { lines, .. })
        | Fact::ShipmentCancelled(ShipmentCancelled { lines, .. }) => {
            lines.iter().map(|line| of(&line.amount, line.amount.quantity, Milli::ZERO)).collect()
        }
        Fact::Counted(fact) => fact.lines.iter().map(|line| of(&line.counted, line.variance, Milli::ZERO)).collect(),
        Fact::CountRestated(fact) => vec![Line { quantity: fact.variance_change, given: None, first: Milli::ZERO }],
        Fact::Held(_)
        | Fact::Released(_)
        | Fact::Recalled(_)
        | Fact::RecallAcknowledged(_)
        | Fact::Packed(_)
        | Fact::Unpacked(_)
        | Fact::Observed(_)
        | Fact::DiscrepancyResolved(_)
        | Fact::Ordered(_)
        | Fact::OrderClosed(_)
        | Fact::CodeIssued(_)
        | Fact::CodeRevoked(_)
        | Fact::CodesScanned(_)
        | Fact::NoticeGiven(_)
        | Fact::Voided(_)
        | Fact::Corrected(_)
        | Fact::Registered(_) => Vec::new(),
    }
}

/// A sum of changes, and the lowest that it stood at the end of a command: what was there before must carry that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// The change.
    pub change: i128,
    /// Its lowest value at the end of any command; never above zero.
    pub low: i128,
}

/// Sums by key that remember which keys the current command touched.
#[derive(Debug)]
pub struct Sums<K> {
    sums: BTreeMap<K, Sum>,
    touched: Vec<K>,
}

impl<K> Default for Sums<K> {
    fn default() -> Self {
        Sums { sums: BTreeMap::new(), touched: Vec::new() }
    }
}

impl<K: Ord + Clone> Sums<K> {
    /// Adds to one key.
    pub fn add(&mut self, key: K, change: i128) {
        if change < 0 {
            self.touched.push(key.clone());
        }
        self.sums.entry(key).or_default().change += change;
    }

    /// Takes note of where the command leaves what it took from.
    pub fn end_of_command(&mut self) {
        for key in self.touched.drain(..) {
            if let Some(sum) = self.sums.get_mut(&key) {
                sum.low = sum.low.min(sum.change);
            }
        }
    }

    /// All of them, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Sum)> {
        self.sums.iter()
    }

    /// The same, given away.
    pub fn into_sums(self) -> impl Iterator<Item = (K, Sum)> {
        self.sums.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::entry::Genesis;
    use domain::event::{Amount, Counted, CountedLine, Harvested, Lot, LotAmount, Sold, Voided};
    use domain::event::{CountBasis, RegistryFact, registry};
    use domain::id::{ChainCode, CommandId, Digest, LotCode, OrganizationCode, ProductCode};
    use domain::posting::Outside;
    use domain::time::Calendar;

    const DAY: &str = "2026-11-25T08:00+07:00";

    fn lot() -> Lot {
        let (issuer, product) = (OrganizationCode::parse("HTX1").unwrap(), ProductCode::parse("RAU").unwrap());
        let code = LotCode::parse("A").unwrap();
        Lot {
            id: LotId::derive(&issuer, &product, &code),
            issuer,
            product,
            code,
            chain: ChainCode::parse("CH1").unwrap(),
            expiry: None,
            harvest_day: None,
            harvest_time: None,
        }
    }

    fn site() -> SiteCode {
        SiteCode::parse("F1").unwrap()
    }

    fn event(fact: Fact) -> Event {
        let calendar = Calendar::of("Asia/Ho_Chi_Minh").unwrap();
        Event { time: calendar.moment(DAY.parse().unwrap(), None, None), violations: vec![], names: vec![], fact }
    }

    fn harvested(milli: i64) -> Event {
        event(Fact::Harvested(Harvested {
            lot: lot(),
            site: site(),
            amount: Milli(milli).into(),
            plot: None,
            households: vec![],
        }))
    }

    fn sold(milli: i64) -> Event {
        let amount = Amount { quantity: Milli(milli), given: Some("1 bó".into()), catch: None };
        event(Fact::Sold(Sold { site: site(), lines: vec![LotAmount { lot: lot().id, amount }], product: None }))
    }

    fn voided(originals: &[Event]) -> Event {
        let voided = Voided { command: CommandId(Uuid::nil()), reason: String::new(), originals: originals.to_vec() };
        event(Fact::Voided(voided))
    }

    fn counted(variances: &[i64]) -> Event {
        let line = |variance: &i64| CountedLine {
            lot: lot().id,
            counted: Milli(5).into(),
            expected: Milli(5 - variance),
            variance: Milli(*variance),
        };
        let lines = variances.iter().map(line).collect();
        event(Fact::Counted(Counted { site: site(), basis: CountBasis::Stocktake, lines, product: None }))
    }

    /// A batch of one entry whose commands are given by their events.
    fn folded(commands: &[&[Event]]) -> Batch {
        let command = |(index, events): (usize, &&[Event])| RecordedCommand {
            organization: OrganizationCode::parse("HTX1").unwrap(),
            id: CommandId(Uuid::from_u128(index as u128)),
            digest: Digest([0; 32]),
            actor: String::new(),
            device: String::new(),
            client: String::new(),
            reported_fact: false,
            note: String::new(),
            document: None,
            events: events.to_vec(),
        };
        let entry = Entry {
            record_time: DAY.parse().unwrap(),
            genesis: None,
            commands: commands.iter().enumerate().map(command).collect(),
        };
        fold(&[Numbered { journal: Uuid::nil(), sequence: 9, hash: [0; 32], entry }], &[])
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn balances_are_sums_and_their_lowest_is_taken_between_commands() {
        // commands, change at the site, lowest
        for (commands, change, low) in [
            (vec![vec![harvested(10)]],                                        10, 0),
            (vec![vec![harvested(10)], vec![sold(4)]],                          6, 0),
            (vec![vec![sold(4)], vec![harvested(10)]],                          6, -4), // What was there must carry it.
            (vec![vec![sold(4), harvested(10)]],                                6, 0),  // Within one command nothing must.
            (vec![vec![harvested(10)], vec![voided(&[harvested(10)])]],         0, 0),
            (vec![vec![voided(&[harvested(300)]), harvested(30)]],           -270, -270),
            (vec![vec![counted(&[-3, 0, 2])]],                                 -1, -1),
        ] {
            let commands: Vec<&[Event]> = commands.iter().map(Vec::as_slice).collect();
            let batch = folded(&commands);
            let sums: Vec<_> = batch.stock.sites.iter().map(|(_, sum)| *sum).collect();
            assert_eq!(sums, [Sum { change, low }], "{commands:?}");
            let outside: i128 = batch.stock.outside.values().sum();
            assert_eq!(change + outside, 0, "conservation: {commands:?}");
        }
    }

    #[test]
    fn a_void_is_folded_as_its_originals_the_other_way_round() {
        let batch = folded(&[&[sold(4)], &[voided(&[sold(4)])]]);
        assert_eq!(batch.stock.outside.get(&(lot().id, Outside::Sold)), Some(&0));
        assert!(batch.throughput.flows.values().all(|flow| *flow == crate::throughput::fold::Flow::default()));
        let reversal = &batch.trace.movements[1];
        assert_eq!((&reversal.posting.to, reversal.posting.reversal), (&Place::Site(site()), true));
        assert_eq!(reversal.given.as_deref(), Some("1 bó"));
        assert_eq!(batch.trace.reversals.len(), 1);
    }

    #[test]
    fn a_line_that_moves_nothing_takes_no_other_line_s_words() {
        let batch = folded(&[&[counted(&[0, 2])]]);
        assert_eq!((batch.trace.movements.len(), batch.trace.counts.len()), (1, 2));
        assert_eq!(batch.trace.counts[0].variance, 0);
    }

    #[test]
    fn what_cannot_be_folded_is_parked_and_touches_nothing() {
        let district = registry::District {
            code: domain::id::DistrictCode::parse("001").unwrap(),
            name: "Ba Đình".into(),
            kind: "quận".into(),
            ends: None,
        };
        let registered = event(Fact::Registered(RegistryFact::District(district)));
        let batch = folded(&[&[harvested(10), sold(-1)], &[voided(&[registered])], &[harvested(7)]]);
        let parked: Vec<_> = batch.parked.iter().map(|command| command.parked.command_index).collect();
        assert_eq!(parked, [0, 1]);
        assert_eq!(batch.stock.sites.iter().map(|(_, sum)| sum.change).collect::<Vec<_>>(), [7]);
        assert_eq!(batch.tally, Tally { entries: 1, commands: 3, events: 4, registry_events: 0 });
        // Places in the entry do not depend on what was left out.
        assert_eq!(batch.trace.events[0].at, At { sequence: 9, ordinal: 3 });
        assert!(batch.doubtful.contains(&(lot().id, Some(site()))));
    }

    #[test]
    fn the_genesis_entry_names_the_first_organization_and_the_time_zone() {
        let genesis = Genesis {
            business_time_zone: "Asia/Ho_Chi_Minh".into(),
            authority: OrganizationCode::parse("SO-CT").unwrap(),
            authority_name: "Sở Công Thương".into(),
        };
        let entry = Entry { record_time: DAY.parse().unwrap(), genesis: Some(genesis), commands: vec![] };
        let batch = fold(&[Numbered { journal: Uuid::nil(), sequence: 1, hash: [0; 32], entry }], &[]);
        assert_eq!(batch.business_time_zone.as_deref(), Some("Asia/Ho_Chi_Minh"));
        assert_eq!(batch.registry.organizations[0].fact.name, "Sở Công Thương");
    }
}
