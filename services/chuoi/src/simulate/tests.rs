//! The plan is played against the rules themselves, in memory: what should be recorded is, what should be refused is, and the
//! simulation's own book agrees with the one that the rules keep.

use std::collections::HashMap;

use domain::command::{Context, Decision, decide};
use domain::entry::{Genesis, RecordedCommand};
use domain::id::{CommandId, CommandRef, LotId, OrganizationCode, SiteCode};
use domain::posting::Place;
use domain::refusal::Refusal;
use domain::state::{Holder, State};
use jiff::civil::date;

use super::*;

const NOW: &str = "2026-11-26T08:00:00+07:00";

struct Journal {
    state: State,
    recorded: HashMap<(OrganizationCode, CommandId), RecordedCommand>,
    events: usize,
}

impl Journal {
    fn begin(tables: &Tables) -> Journal {
        let authority = OrganizationCode::parse("SNN").unwrap();
        let genesis = Genesis { business_time_zone: TIME_ZONE.into(), authority, authority_name: "Sở Mẫu".into() };
        let mut journal = Journal { state: State::begin(&genesis).unwrap(), recorded: HashMap::new(), events: 0 };
        for command in crate::reference::commands(tables) {
            journal.record("SNN", &command).unwrap();
        }
        journal.events = 0;
        journal
    }

    /// Whether it was recorded now, or before.
    fn record(&mut self, organization: &str, command: &Command) -> Result<bool, Refusal> {
        let organization = OrganizationCode::parse(organization).unwrap();
        let (parsed, digest) = (wire::command::parse(command)?, wire::command::digest(command));
        let key = (organization.clone(), parsed.id);
        if let Some(earlier) = self.recorded.get(&key) {
            return if earlier.digest == digest {
                Ok(false)
            } else {
                Err(Refusal::OtherContent { command: CommandRef { organization, command: parsed.id } })
            };
        }
        let named = parsed.action.names(&organization).map(|named| (named.organization, named.command));
        let original = named.and_then(|named| self.recorded.get(&named));
        let context = Context { organization: &organization, now: NOW.parse().unwrap(), original };
        let Decision { events, after } = decide(&self.state, &parsed, &context)?;
        self.state = after;
        self.events += events.len();
        let recorded = RecordedCommand {
            organization,
            id: parsed.id,
            digest,
            actor: parsed.actor,
            device: parsed.device,
            client: parsed.client,
            reported_fact: parsed.reported_fact,
            note: parsed.note,
            document: parsed.document,
            events,
        };
        self.recorded.insert(key, recorded);
        Ok(true)
    }

    /// What happened to a lot at a site, in the order of event times.
    fn story(&self, lot: LotId, site: &str) -> Vec<String> {
        let place = Place::Site(SiteCode::parse(site).unwrap());
        let mut story = Vec::new();
        for (command, event) in self.recorded.values().flat_map(|it| it.events.iter().map(move |event| (it, event))) {
            let moves = event.postings().into_iter().filter(|it| it.lot == lot && (it.from == place || it.to == place));
            story.extend(moves.map(|it| {
                let (from, to, reversal) = (it.from, it.to, it.reversal);
                (
                    event.time.key(),
                    format!("{} {} {from} → {to} {} {reversal} {}", command.id, event.time, it.quantity, command.note),
                )
            }));
        }
        story.sort();
        story.into_iter().map(|(_, told)| told).collect()
    }

    fn play(&mut self, planned: &[Planned]) -> Vec<String> {
        let mut otherwise = Vec::new();
        for Planned { organization, command, expect, .. } in planned {
            let got = self.record(organization, command);
            let as_expected = match (expect, &got) {
                (Expect::Accepted, Ok(true)) | (Expect::Duplicate, Ok(false)) => true,
                (Expect::Refused(reasons), Err(refusal)) => reasons.contains(&refusal.reason()),
                _ => false,
            };
            if !as_expected {
                let got = got.map_err(|refusal| format!("{}: {refusal}", refusal.reason()));
                otherwise.push(format!("{organization} {expect:?}, got {got:?}: {command:?}"));
            }
        }
        otherwise
    }
}

fn plan(tables: &Tables, options: Options, last_day: Date) -> (World, Vec<Vec<Planned>>) {
    let first_day = last_day.saturating_sub(i64::from(options.days - 1).days());
    let run = name_of(&options, first_day, last_day);
    let mut world = World::new(tables, "SNN", run);
    let days = first_day
        .series(1.day())
        .take(options.days as usize)
        .zip(0..)
        .map(|(date, nth)| {
            let dice = dice::Dice::new(run, domain::time::BusinessDay::of(date).0);
            plan_day(&mut world, dice, date, nth, options.scale as usize)
        })
        .collect();
    (world, days)
}

/// The simulation's book is the rules' book.
fn assert_same_stock(world: &World, journal: &Journal) {
    let mut lots = 0;
    for (site, held) in &world.stock {
        let holder = Holder::Site(SiteCode::parse(&world.sites[*site].code).unwrap());
        for (lot, milli) in held {
            let (id, code) = (world.lots[*lot].id, &world.lots[*lot].code);
            let kept = journal.state.held(id, &holder).0;
            assert_eq!(kept, *milli, "{code} at {holder:?}: {:#?}", journal.story(id, &world.sites[*site].code));
            lots += 1;
        }
    }
    assert!(lots > 100, "{lots}");
}

#[test]
fn a_day_is_judged_as_planned_and_is_large_enough_to_show() {
    let tables = Tables::embedded().unwrap();
    let (world, days) = plan(&tables, Options::default(), date(2026, 11, 24));
    let mut journal = Journal::begin(&tables);
    let otherwise = journal.play(&days[0]);
    assert!(
        otherwise.is_empty(),
        "{} of {}, the first: {:#?}",
        otherwise.len(),
        days[0].len(),
        &otherwise[..otherwise.len().min(5)]
    );
    assert_same_stock(&world, &journal);
    let acting: BTreeSet<&str> = journal.recorded.keys().map(|(organization, _)| organization.as_str()).collect();
    let shops = world.shops.iter().filter(|shop| acting.contains(world.sites[**shop].organization.as_str())).count();
    assert!(world.chains.iter().all(|chain| acting.contains(chain.lead.as_str())) && shops > 1_700, "{shops} shops");
    assert!((25_000..=35_000).contains(&journal.events), "{} events", journal.events);
    let refused: BTreeSet<&str> = days[0]
        .iter()
        .filter_map(|planned| match planned.expect {
            Expect::Refused(reasons) => reasons.first().copied(),
            _ => None,
        })
        .collect();
    println!("{} commands, {} events, {shops} shops, {} reasons: {refused:?}", days[0].len(), journal.events, refused.len());
    assert!(refused.len() > 20, "{refused:?}");
}

#[test]
fn several_days_of_another_seed_are_judged_as_planned() {
    let tables = Tables::embedded().unwrap();
    let mut journal = Journal::begin(&tables);
    let (world, days) = plan(&tables, Options { days: 4, seed: 2, last_day: None, scale: 10 }, date(2026, 3, 1));
    for (nth, planned) in days.iter().enumerate() {
        let otherwise = journal.play(planned);
        let few = &otherwise[..otherwise.len().min(5)];
        assert!(otherwise.is_empty(), "day {nth}: {} of {}, the first: {few:#?}", otherwise.len(), planned.len());
    }
    assert_same_stock(&world, &journal);
}

/// Kinds of events that no run makes, each with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[("NoticeGiven", "said by the notifier about what is played")];

/// Whoever adds an event has it played here, or says why not.
#[test]
fn a_week_and_a_day_make_every_kind_of_event() {
    use domain::event::programme::{CertificateStanding, GradingLevel, LabelFate, SiteStanding, TrademarkStep};
    use domain::event::{Fact, RegistryFact};
    let tables = Tables::embedded().unwrap();
    let mut journal = Journal::begin(&tables);
    let imported = journal.recorded.len();
    let (world, days) = plan(&tables, Options { days: 8, seed: 3, last_day: None, scale: 4 }, date(2026, 10, 8));
    for (nth, planned) in days.iter().enumerate() {
        let otherwise = journal.play(planned);
        let few = &otherwise[..otherwise.len().min(5)];
        assert!(otherwise.is_empty(), "day {nth}: {} of {}, the first: {few:#?}", otherwise.len(), planned.len());
    }
    assert_same_stock(&world, &journal);
    let played: BTreeSet<(String, uuid::Uuid)> = days
        .iter()
        .flatten()
        .filter_map(|planned| {
            let id = planned.command.header.as_ref()?.command_id.parse().ok()?;
            Some((planned.organization.clone(), id))
        })
        .collect();
    let events: Vec<_> = journal
        .recorded
        .iter()
        .filter(|((organization, id), _)| played.contains(&(organization.to_string(), id.0)))
        .flat_map(|(_, command)| &command.events)
        .collect();
    assert_eq!(
        journal.recorded.len() - imported,
        journal.recorded.iter().filter(|((by, id), _)| played.contains(&(by.to_string(), id.0))).count()
    );
    let made: BTreeSet<&str> = events.iter().map(|event| event.fact.name()).collect();
    let pool = prost_reflect::DescriptorPool::decode(wire::DESCRIPTORS).unwrap();
    let event = pool.get_message_by_name("chuoi.event.v1.Event").unwrap();
    let facts = event.oneofs().find(|oneof| oneof.name() == "fact").unwrap();
    let kinds: BTreeSet<String> = facts.fields().filter_map(|field| Some(field.kind().as_message()?.name().to_owned())).collect();
    assert!(kinds.len() >= 50 && events.len() > 1_000, "{kinds:?}");
    let missing: BTreeSet<&str> = kinds.iter().map(String::as_str).filter(|kind| !made.contains(kind)).collect();
    assert_eq!(missing, NOT_PLAYED.iter().map(|(kind, _)| *kind).collect(), "not played, or played and said not to be");

    // What a fact of the programme says, in each of its ways.
    let mut said: BTreeSet<&str> = BTreeSet::new();
    let mut certificates: BTreeSet<_> = BTreeSet::new();
    for event in &events {
        said.extend(match &event.fact {
            Fact::Registered(RegistryFact::CertificateStanding(change)) => Some(change.standing.as_str()),
            Fact::Registered(RegistryFact::SiteStanding(change)) => Some(change.standing.as_str()),
            Fact::Registered(RegistryFact::OcopGraded(graded)) => Some(graded.level.as_str()),
            Fact::Registered(RegistryFact::TrademarkCase(case)) => Some(case.step.as_str()),
            Fact::Registered(RegistryFact::Labels(labels)) => Some(labels.fate.as_str()),
            _ => None,
        });
        if let Fact::Registered(RegistryFact::Certificate(certificate)) = &event.fact {
            certificates.insert(certificate.id.kind);
        }
    }
    let ways = CertificateStanding::ALL.iter().map(|it| it.as_str());
    let ways = ways.chain(SiteStanding::ALL.iter().map(|it| it.as_str())).chain(GradingLevel::ALL.iter().map(|it| it.as_str()));
    let ways = ways.chain(TrademarkStep::ALL.iter().map(|it| it.as_str())).chain(LabelFate::ALL.iter().map(|it| it.as_str()));
    let unsaid: Vec<&str> = ways.filter(|way| !said.contains(way)).collect();
    assert!(unsaid.is_empty(), "{unsaid:?} of {said:?}");
    assert!(certificates.len() > 2, "{certificates:?}");
    let observed: BTreeSet<String> = events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::Observed(observed) => Some(format!("{:?}", observed.kind)),
            _ => None,
        })
        .collect();
    assert_eq!(observed.len(), 6, "{observed:?}");
}

#[test]
fn the_same_seed_plans_the_same_and_another_shares_no_id_or_code() {
    let tables = Tables::embedded().unwrap();
    let options = Options { days: 2, scale: 5, ..Options::default() };
    let (_, first) = plan(&tables, options, date(2026, 2, 28));
    assert!(first == plan(&tables, options, date(2026, 2, 28)).1);
    let ids = |days: &[Vec<Planned>]| -> BTreeSet<String> {
        days.iter()
            .flatten()
            .filter_map(|planned| planned.command.header.as_ref())
            .map(|header| header.command_id.clone())
            .collect()
    };
    for other in [Options { seed: 2, ..options }, Options { days: 3, ..options }, Options { scale: 6, ..options }] {
        let (world, days) = plan(&tables, other, date(2026, 2, 28));
        assert!(ids(&days).is_disjoint(&ids(&first)));
        assert_ne!(world.tag, plan(&tables, options, date(2026, 2, 28)).0.tag);
    }
}

#[test]
fn only_days_that_are_over_and_known_are_played() {
    let now: Timestamp = NOW.parse().unwrap();
    let of = |days, last_day| range(&Options { days, last_day, ..Options::default() }, now).map_err(|error| error.to_string());
    assert_eq!(of(2, None), Ok((date(2026, 11, 24), date(2026, 11, 25))));
    assert_eq!(
        of(1, Some(date(2026, 11, 26))).unwrap_err(),
        "the last day 2026-11-26 is not over: today is 2026-11-26; give a day before it"
    );
    assert!(of(3_660, None).unwrap_err().contains("begin before 2020-01-01"));
    assert!(of(0, None).unwrap_err().contains("nothing to play"));
}
