//! Compares what callers heard with what is stored. Reads the journal's messages alone, with sums of its own: it shares no rule,
//! no fold and no table with what it checks.

use crate::callers::{Answer, Heard};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;
use stream::Journal;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::event::Fact;
use wire::proto::chuoi::event::v1::{Event, LotAmount};

/// What was found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Answers that said recorded.
    pub acknowledged: usize,
    /// Answers that said refused.
    pub refused: usize,
    /// Attempts without an answer.
    pub unsure: usize,
    /// Commands that were acknowledged and are not stored.
    pub lost: usize,
    /// Commands that are stored more than once.
    pub doubled: usize,
    /// Answers that say other than the journal.
    pub untrue: Vec<String>,
    /// What each site holds at the end, in thousandths, by the checker's own sums.
    pub held: HashMap<String, i64>,
}

/// Organization and command id.
type CommandKey = (String, Vec<u8>);
/// Sequence of an entry, and the events that a command has there.
type Place = (u64, Vec<Vec<u8>>);

/// What stands in the journal.
#[derive(Default)]
struct Stored {
    /// Where each command stands, and its events.
    commands: HashMap<CommandKey, Vec<Place>>,
    /// Every balance that a lot had at a site, with the entry that made it.
    balances: HashMap<(String, String), Vec<(u64, i64)>>,
    /// When each entry was taken.
    times: Vec<(u64, Timestamp)>,
    /// What is open on each shipment, by lot.
    open: HashMap<Vec<u8>, HashMap<Vec<u8>, i64>>,
    codes: HashMap<Vec<u8>, String>,
}

/// Reads everything and compares.
pub async fn check(journal: &Journal, heard: &[Heard]) -> Checked {
    let stored = read(journal).await;
    let mut checked =
        Checked { doubled: stored.commands.values().filter(|places| places.len() > 1).count(), ..Checked::default() };
    let mut by_command: HashMap<CommandKey, Vec<&Heard>> = HashMap::new();
    for heard in heard {
        let id: Uuid =
            heard.sent.command.header.as_ref().and_then(|header| header.command_id.parse().ok()).expect("a command id");
        by_command.entry((heard.sent.organization.to_owned(), id.as_bytes().to_vec())).or_default().push(heard);
    }
    for (key, attempts) in by_command {
        let places = stored.commands.get(&key).map(Vec::as_slice).unwrap_or_default();
        let name = || format!("{} of {}", Uuid::from_slice(&key.1).unwrap_or_default(), key.0);
        let mut is_lost = false;
        for attempt in &attempts {
            match &attempt.answer {
                Answer::Recorded { sequence, events } => {
                    checked.acknowledged += 1;
                    match places.first() {
                        None => is_lost = true,
                        Some((at, as_stored)) if at != sequence || as_stored != events => {
                            checked
                                .untrue
                                .push(format!("{} was answered with entry {sequence}, it stands in {at} or says other", name()));
                        }
                        Some(_) => {}
                    }
                }
                Answer::Refused { reason, there } => {
                    checked.refused += 1;
                    if let Some(untrue) = stored.contradicts(attempt, reason, *there) {
                        checked.untrue.push(format!("{}: {untrue}", name()));
                    }
                }
                Answer::Unsure => checked.unsure += 1,
            }
        }
        checked.lost += usize::from(is_lost);
        let said_refused = attempts.iter().all(|attempt| matches!(attempt.answer, Answer::Refused { .. }));
        if said_refused && !places.is_empty() {
            checked.untrue.push(format!("{} was refused every time, and is stored", name()));
        }
    }
    for ((_, site), balances) in &stored.balances {
        *checked.held.entry(site.clone()).or_default() += balances.last().map_or(0, |(_, milli)| *milli);
    }
    checked
}

impl Stored {
    /// What a refusal says must have been so at some moment between what was known when the call began, and its answer.
    fn contradicts(&self, attempt: &Heard, reason: &str, there: Option<i64>) -> Option<String> {
        let (lot, site, asked) = attempt.sent.sale.as_ref()?;
        if reason != "NOT_ENOUGH" {
            return None;
        }
        let there = there?;
        let last = self.times.partition_point(|(_, time)| *time <= attempt.answered);
        let last = last.checked_sub(1).map_or(0, |index| self.times[index].0);
        let none = Vec::new();
        let balances = self.balances.get(&(lot.clone(), (*site).to_owned())).unwrap_or(&none);
        let before = balances.iter().rev().find(|(sequence, _)| *sequence <= attempt.known_before).map_or(0, |(_, milli)| *milli);
        let meanwhile =
            balances.iter().filter(|(sequence, _)| (attempt.known_before..=last).contains(sequence)).map(|(_, milli)| *milli);
        let held: Vec<i64> = std::iter::once(before).chain(meanwhile).collect();
        (!held.contains(&there) || there >= *asked).then(|| {
            format!(
                "refused with {there} there of {lot} at {site}, {asked} asked; between entries {} and {last} it held {held:?}",
                attempt.known_before
            )
        })
    }

    fn moved(&mut self, sequence: u64, lot: &[u8], site: &str, milli: i64) {
        let code = self.codes.get(lot).cloned().unwrap_or_default();
        let balances = self.balances.entry((code, site.to_owned())).or_default();
        let before = balances.last().map_or(0, |(_, milli)| *milli);
        balances.push((sequence, before + milli));
    }

    fn event(&mut self, sequence: u64, event: &Event) {
        let milli =
            |amount: &Option<wire::proto::chuoi::event::v1::Amount>| amount.as_ref().map_or(0, |amount| amount.quantity_milli);
        let of = |line: &LotAmount| (line.lot_id.clone(), milli(&line.amount));
        match event.fact.as_ref().expect("a fact") {
            Fact::Harvested(fact) => {
                let lot = fact.lot.as_ref().expect("a lot");
                self.codes.insert(lot.lot_id.clone(), lot.lot_code.clone());
                self.moved(sequence, &lot.lot_id, &fact.site_code, milli(&fact.amount));
            }
            Fact::LotOpened(fact) => {
                let lot = fact.lot.as_ref().expect("a lot");
                self.codes.insert(lot.lot_id.clone(), lot.lot_code.clone());
                self.moved(sequence, &lot.lot_id, &fact.site_code, milli(&fact.amount));
            }
            Fact::Dispatched(fact) => {
                for line in &fact.lines {
                    self.moved(sequence, &line.lot_id, &fact.from_site_code, -milli(&line.amount));
                    *self.open.entry(fact.shipment_id.clone()).or_default().entry(line.lot_id.clone()).or_default() +=
                        milli(&line.amount);
                }
            }
            Fact::Received(fact) => {
                for (lot, milli) in fact.lines.iter().map(of) {
                    self.moved(sequence, &lot, &fact.site_code, milli);
                    *self.open.entry(fact.shipment_id.clone()).or_default().entry(lot).or_default() -= milli;
                }
            }
            Fact::Sold(fact) => {
                for (lot, milli) in fact.lines.iter().map(of) {
                    self.moved(sequence, &lot, &fact.site_code, -milli);
                }
            }
            Fact::DistrictRegistered(_)
            | Fact::OrganizationRegistered(_)
            | Fact::SiteRegistered(_)
            | Fact::ProductRegistered(_)
            | Fact::ChainRegistered(_)
            | Fact::ChainMemberJoined(_)
            | Fact::CapacityDeclared(_) => {}
            other => panic!("callers send nothing that makes {other:?}"),
        }
    }
}

async fn read(journal: &Journal) -> Stored {
    let mut stored = Stored::default();
    let last = journal.last_sequence().await.expect("the journal's end");
    let mut reader = journal.read_from(None);
    while reader.tip().is_none_or(|tip| tip.last_seen < last) {
        for live in reader.next(1_000, Duration::from_secs(5)).await.expect("a sound journal") {
            let sequence = live.tip.sequence;
            stored.times.push((sequence, live.tip.record_time));
            for command in live.entry.commands {
                for event in &command.events {
                    stored.event(sequence, event);
                }
                let events = command.events.iter().map(prost::Message::encode_to_vec).collect();
                stored.commands.entry((command.organization_code, command.command_id)).or_default().push((sequence, events));
            }
        }
    }
    for ((lot, site), balances) in &stored.balances {
        assert!(balances.iter().all(|(_, milli)| *milli >= 0), "lot {lot} was below nothing at {site}: {balances:?}");
    }
    for (shipment, lots) in &stored.open {
        assert!(lots.values().all(|milli| *milli >= 0), "shipment {shipment:?} carried less than nothing: {lots:?}");
    }
    stored
}
