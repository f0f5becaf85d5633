//! The feed: every event of the journal as one message of JSON on a subject of NATS, for whoever wants to hear it:
//! `chuoi.feed.<kind>.<chain>.<site>`, for example `chuoi.feed.received.CH001.SM001`; `-` stands where an event has none, or several.
//!
//! How far it is, its own last message says: nothing else is kept, so nothing else can be lost. Each message expects the one before
//! it, so any number may run, and a crash between two messages doubles nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use domain::event::{Event, Fact};
use domain::id::SiteCode;
use jiff::Timestamp;
use serde_json::json;
use stream::{Capped, Caps, Journal, LiveEntry, Note, Position, token};
use tracing::{debug, info, warn};
use uuid::Uuid;
use views::{Chains, database};
use wire::proto::chuoi::event::v1 as proto;

use crate::failure::Failure;
use crate::output::json;

/// First part of all subjects.
pub const ROOT: &str = "chuoi.feed";
/// What is kept for those who are away: a week, and at most 1 GiB.
pub const CAPS: Caps = Caps { age: Duration::from_hours(7 * 24), bytes: 1 << 30, per_subject: None };

/// Entries read at once.
const ENTRIES: usize = 64;
/// How long one wait for entries lasts; it ends at once when there is one.
const WAIT: Duration = Duration::from_secs(1);
/// Pauses after a failure, from the first to the longest. Whoever finds another runner at work stands by in them.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// NATS takes messages of 1 MiB unless told otherwise. A longer event goes without what it says in full.
const MOST_BYTES: usize = 900_000;

/// Feeds for ever: whatever fails is tried again.
pub async fn run(journal: Journal, settings: &database::Settings) -> Failure {
    let chains = match Chains::of(settings) {
        Ok(chains) => chains,
        Err(error) => return Failure::failed("cannot use the database", error),
    };
    let feed = journal.beside("feed", ROOT, CAPS);
    let mut pause = PAUSES.0;
    loop {
        let mut published = false;
        let failure = match follow(&journal, &feed, &chains, &mut published).await {
            Ok(never) => match never {},
            Err(failure) => failure,
        };
        pause = if published { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
        // At a start the others may not be ready yet; a second runner stands by.
        if pause == PAUSES.1 {
            warn!("the feed stands still, trying again: {}", failure.report());
        } else {
            debug!(?pause, "the feed stops, trying again: {}", failure.report());
        }
        tokio::time::sleep(pause).await;
    }
}

async fn follow(journal: &Journal, feed: &Capped, chains: &Chains, published: &mut bool) -> Result<Infallible, Failure> {
    let cannot = |what: &'static str| move |error: stream::Error| Failure::failed(what, error);
    feed.prepare().await.map_err(cannot("cannot prepare the feed"))?;
    let end = feed.end().await.map_err(cannot("cannot tell how far the feed is"))?;
    let end = end.ok_or_else(|| Failure::Failed { message: format!("stream {} is gone", feed.name()), source: None })?;
    // Where nothing is kept any more: what would have left by its age need not come again.
    let oldest = Timestamp::now().checked_sub(feed.age()).unwrap_or(Timestamp::MIN);
    let (mut sequence, mut waiting, after) = (end.sequence, Vec::new(), position(journal, feed, end.last_id.as_deref())?);
    let mut reader = match after {
        None => journal.read_from(None),
        Some((at, _)) => {
            let entry = journal.entry_at(at).await.map_err(cannot("cannot read where the feed is"))?;
            let tip = entry.tip.clone();
            waiting.push(entry);
            journal.read_from(Some(tip))
        }
    };
    info!(sequence = after.map_or(0, |(at, _)| at), "feeding {}", feed.name());
    loop {
        waiting.extend(reader.next(ENTRIES, WAIT).await.map_err(cannot("cannot read the journal"))?);
        waiting.retain(|live| after.is_some() || live.tip.record_time >= oldest);
        let Some(last) = waiting.last() else { continue };
        let read = waiting.iter().map(told).collect::<Result<Vec<_>, _>>()?;
        let told: Vec<Told> = read.into_iter().flatten().filter(|told| after.is_none_or(|after| told.place > after)).collect();
        let lots: BTreeSet<Uuid> = told.iter().flat_map(|told| told.lots.iter().copied()).collect();
        let lots = chains.of_lots(last.tip.sequence, lots.into_iter().collect()).await;
        let lots = lots.map_err(|error| Failure::failed("cannot ask the views for chains", error))?;
        let notes = told.into_iter().map(|told| note(journal, told, &lots)).collect::<Result<Vec<_>, _>>()?;
        if !notes.is_empty() {
            sequence = feed.publish_after(sequence, notes).await.map_err(cannot("cannot publish"))?;
            *published = true;
        }
        waiting.clear();
    }
}

/// The event that a message is about: its entry, and its number in that.
fn position(journal: &Journal, feed: &Capped, id: Option<&str>) -> Result<Option<(u64, u32)>, Failure> {
    let Some(id) = id else { return Ok(None) };
    let position = id.parse::<Position>().ok().filter(|position| journal.sequence_of(*position).is_ok());
    let place = position.and_then(|position| Some((position.sequence(), position.ordinal()?)));
    place.map(Some).ok_or_else(|| Failure::Failed {
        message: format!(
            "stream {} ends with message {id:?}, which is no event of this journal; remove the stream, and the feed begins again",
            feed.name()
        ),
        source: None,
    })
}

/// An event that is to be told.
struct Told {
    place: (u64, u32),
    organization: String,
    command: Uuid,
    record_time: Timestamp,
    kind: String,
    lots: BTreeSet<Uuid>,
    sites: BTreeSet<String>,
    event: proto::Event,
}

fn told(live: &LiveEntry) -> Result<Vec<Told>, Failure> {
    let sequence = live.tip.sequence;
    let entry = wire::entry::read(&live.entry);
    let entry = entry.map_err(|error| Failure::failed(format!("entry {sequence} of the journal cannot be read"), error))?;
    let events =
        entry.commands.iter().zip(&live.entry.commands).flat_map(|(command, wired)| {
            command.events.iter().zip(&wired.events).map(move |(event, wired)| (command, event, wired))
        });
    let told = events.zip(0..).map(|((command, event, wired), ordinal)| Told {
        place: (sequence, ordinal),
        organization: command.organization.to_string(),
        command: command.id.0,
        record_time: entry.record_time,
        kind: kind(event.fact.name()),
        lots: lots(event),
        sites: sites(event).into_iter().map(ToString::to_string).collect(),
        event: wired.clone(),
    });
    Ok(told.collect())
}

/// `LotOpened` as `lot_opened`.
fn kind(name: &str) -> String {
    let letter = |(at, letter): (usize, char)| match letter.is_ascii_uppercase() {
        true if at > 0 => format!("_{}", letter.to_ascii_lowercase()),
        _ => letter.to_ascii_lowercase().to_string(),
    };
    name.char_indices().map(letter).collect()
}

fn lots(event: &Event) -> BTreeSet<Uuid> {
    let mut lots: BTreeSet<Uuid> = event.postings().iter().map(|posting| posting.lot.0).collect();
    // A count that finds what the book says moves nothing.
    match &event.fact {
        Fact::Counted(fact) => lots.extend(fact.lines.iter().map(|line| line.lot.0)),
        Fact::Held(held) => lots.extend(held.lots.iter().map(|lot| lot.0)),
        Fact::Released(released) => lots.extend(released.lots.iter().map(|lot| lot.0)),
        Fact::Recalled(recalled) => lots.extend(recalled.lots.iter().map(|lot| lot.0)),
        Fact::Packed(packed) | Fact::Unpacked(packed) => lots.extend(packed.lines.iter().map(|line| line.lot.0)),
        Fact::Observed(observed) => lots.extend(observed.lots.iter().map(|lot| lot.0)),
        Fact::CodeIssued(issued) => lots.extend(issued.lot.map(|lot| lot.0)),
        Fact::NoticeGiven(notice) => lots.extend(notice.lot.map(|lot| lot.0)),
        _ => {}
    }
    lots
}

/// Where it happened; of a void, where what it takes back happened.
fn sites(event: &Event) -> Vec<&SiteCode> {
    match &event.fact {
        Fact::Harvested(fact) => vec![&fact.site],
        Fact::LotOpened(fact) => vec![&fact.site],
        Fact::Transformed(fact) => vec![&fact.site],
        Fact::Dispatched(fact) => vec![&fact.from],
        Fact::Received(fact) => vec![&fact.site],
        Fact::DeliveryRefused(fact) => vec![&fact.site],
        Fact::ShortReported(fact) => vec![&fact.site],
        Fact::Sold(fact) => vec![&fact.site],
        Fact::Wasted(fact) => vec![&fact.site],
        Fact::Counted(fact) => vec![&fact.site],
        Fact::CountRestated(fact) => vec![&fact.site],
        Fact::Voided(voided) | Fact::Corrected(voided) => voided.originals.iter().flat_map(sites).collect(),
        Fact::Rebooked(fact) => vec![&fact.from, &fact.to],
        Fact::Held(held) => held.site.iter().collect(),
        Fact::RecallAcknowledged(acknowledged) => vec![&acknowledged.site],
        Fact::CustomerReturned(fact) => vec![&fact.site],
        Fact::ShipmentCancelled(fact) => vec![&fact.site],
        Fact::Ordered(fact) => vec![&fact.site],
        Fact::OrderClosed(fact) => vec![&fact.site],
        Fact::NoticeGiven(notice) => notice.site.iter().collect(),
        Fact::Packed(packed) | Fact::Unpacked(packed) => vec![&packed.site],
        Fact::Observed(observed) => observed.site.iter().collect(),
        Fact::Matched(_)
        | Fact::Released(_)
        | Fact::Recalled(_)
        | Fact::DiscrepancyResolved(_)
        | Fact::CodeIssued(_)
        | Fact::CodeRevoked(_)
        | Fact::CodesScanned(_)
        | Fact::Registered(_) => Vec::new(),
    }
}

/// The one of them, as a part of a subject.
fn only<'a>(all: impl IntoIterator<Item = &'a String>) -> String {
    let mut all = all.into_iter();
    match (all.next(), all.next()) {
        (Some(one), None) => token(one),
        _ => token(""),
    }
}

fn note(journal: &Journal, told: Told, chains: &BTreeMap<Uuid, String>) -> Result<Note, Failure> {
    let Told { place: (sequence, ordinal), organization, command, record_time, kind, lots, sites, event } = told;
    let position = journal.position(sequence).within(ordinal).to_string();
    let of: BTreeSet<&String> = lots.iter().filter_map(|lot| chains.get(lot)).collect();
    let mut said = json!({
        "position": position,
        "kind": kind,
        "chains": of,
        "sites": sites,
        "organization_code": organization,
        "command_id": command.to_string(),
        "record_time": record_time.to_string(),
        "event": json::of("chuoi.event.v1.Event", &event)?,
    });
    let subject = format!("{kind}.{}.{}", only(of), only(&sites));
    if said.to_string().len() > MOST_BYTES {
        said["event"] = serde_json::Value::Null;
    }
    Ok(Note { subject, id: position, payload: said.to_string().into() })
}
