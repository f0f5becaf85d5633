//! "My refused entries": what was refused, kept for a while in a stream beside the journal. Best effort: no command waits for it or
//! fails by it, and what does not fit is dropped, and counted in the log.

use domain::id::OrganizationCode;
use prost::Message as _;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use stream::{Capped, Caps, Journal, Note, token};
use tokio::sync::mpsc;
use tracing::warn;
use uuid::Uuid;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{self as proto, RefusedCommand};
use wire::status::ServiceError;
use wire::undecodable::timestamp;

/// What is kept: a month, at most 256 MiB, at most so many of one organization.
const CAPS: Caps = Caps { age: Duration::from_hours(30 * 24), bytes: 256 << 20, per_subject: Some(10_000) };
/// Refusals that may wait to be kept.
const WAITING: usize = 1_024;
/// Refusals kept at once.
const TOGETHER: usize = 64;
/// Pause after a failure; how often it is said that some were dropped.
const PAUSE: Duration = Duration::from_secs(1);
const SAID: Duration = Duration::from_secs(10);
/// Rows in a page: where nothing is said, and at most.
const PAGE: i32 = 100;
const MOST_ROWS: i32 = 1_000;

/// Keeps refusals, and lists them.
#[derive(Clone)]
pub struct Refusals {
    queue: mpsc::Sender<RefusedCommand>,
    dropped: Arc<AtomicU64>,
    kept: Capped,
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Refusals(in {})", self.kept.name())
    }
}

impl Refusals {
    /// Of the commands to a journal. What keeps them ends with the last clone. Call it inside a runtime.
    pub fn of(journal: &Journal) -> Refusals {
        let (queue, waiting) = mpsc::channel(WAITING);
        let kept = journal.beside("refusals", format!("{}.refusals", journal.stream()), CAPS);
        let dropped = Arc::new(AtomicU64::new(0));
        tokio::spawn(keep(kept.clone(), waiting, Arc::clone(&dropped)));
        Refusals { queue, dropped, kept }
    }

    /// Keeps a refusal, if there is room.
    pub fn keep(&self, refused: RefusedCommand) {
        if self.queue.try_send(refused).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A page of an organization's refusals, newest first.
    pub async fn list(
        &self,
        organization: &OrganizationCode,
        request: &proto::ListRefusalsRequest,
    ) -> Result<proto::ListRefusalsResponse, ServiceError> {
        let malformed = |field: &str, value: &str, allowed: &str| ServiceError::Malformed {
            field: field.into(),
            value: value.into(),
            allowed: allowed.into(),
        };
        let size = match request.page_size {
            0 => PAGE,
            size if (1..=MOST_ROWS).contains(&size) => size,
            size => return Err(malformed("page_size", &size.to_string(), &format!("1 to {MOST_ROWS}; 0 for {PAGE}"))),
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let before: u64 = match request.page_token.as_str() {
            "" => u64::MAX,
            token => token
                .parse()
                .map_err(|_| malformed("page_token", token, "a next_page_token of the same request; empty for the first page"))?,
        };
        let refused = |field: &str, seconds: i64| malformed(field, &format!("{seconds} s"), "a time up to the year 9999");
        let since = request.since_time.as_ref().map(|time| timestamp(time).map_err(|_| refused("since_time", time.seconds)));
        let until = request.until_time.as_ref().map(|time| timestamp(time).map_err(|_| refused("until_time", time.seconds)));
        let (since, until) = (since.transpose()?, until.transpose()?);
        let mut rows: VecDeque<(u64, RefusedCommand)> = VecDeque::new();
        // The stream reads forwards alone; of what one organization may have there, the last rows stay.
        let subject = token(organization.as_str());
        let read = self.kept.read(&subject, since, |kept| {
            let Ok(refused) = RefusedCommand::decode(kept.payload) else { return };
            let at = refused.refuse_time.as_ref().and_then(|time| timestamp(time).ok());
            let fits = at.is_some_and(|at| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until));
            // Two codes may share a subject.
            if fits && kept.sequence < before && refused.organization_code == organization.as_str() {
                rows.push_back((kept.sequence, refused));
                if rows.len() > size + 1 {
                    rows.pop_front();
                }
            }
        });
        if let Err(error) = read.await {
            warn!(error = &error as &dyn std::error::Error, "could not list refusals");
            return Err(ServiceError::Unavailable { what: "the stream of refusals".into() });
        }
        let more = rows.len() > size;
        if more {
            rows.pop_front();
        }
        let next_page_token = if more { rows.front().map(|(sequence, _)| sequence.to_string()) } else { None };
        Ok(proto::ListRefusalsResponse {
            refusals: rows.into_iter().rev().map(|(_, refused)| refused).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        })
    }
}

async fn keep(kept: Capped, mut waiting: mpsc::Receiver<RefusedCommand>, dropped: Arc<AtomicU64>) {
    let (mut some, mut said, mut told) = (Vec::new(), Instant::now(), 0);
    while waiting.recv_many(&mut some, TOGETHER).await > 0 {
        let note = |refused: &RefusedCommand| Note {
            subject: token(&refused.organization_code),
            id: Uuid::now_v7().to_string(),
            payload: refused.encode_to_vec().into(),
        };
        let notes: Vec<Note> = some.drain(..).map(|refused| note(&refused)).collect();
        if let Err(error) = publish(&kept, &notes).await {
            warn!(error = &error as &dyn std::error::Error, "could not keep {} refusals", notes.len());
            dropped.fetch_add(notes.len() as u64, Ordering::Relaxed);
            tokio::time::sleep(PAUSE).await;
        }
        let count = dropped.load(Ordering::Relaxed);
        if count > told && said.elapsed() > SAID {
            warn!(dropped = count, "refusals were dropped: more came than could be kept");
            (said, told) = (Instant::now(), count);
        }
    }
}

/// Publishes, and makes the stream first if it is not there.
async fn publish(kept: &Capped, notes: &[Note]) -> Result<(), stream::Error> {
    if kept.publish(notes).await? {
        return Ok(());
    }
    kept.prepare().await?;
    kept.publish(notes).await.map(drop)
}

/// A command as it is kept if it is refused.
pub fn sent(organization: &OrganizationCode, command: &proto::Command) -> RefusedCommand {
    let header = command.header.clone().unwrap_or_default();
    RefusedCommand {
        organization_code: organization.to_string(),
        command_id: header.command_id,
        action: command.action.as_ref().map(action).unwrap_or_default().into(),
        refused: None,
        refuse_time: None,
        when: header.when,
        actor: header.actor,
        device: header.device,
        client: header.client,
    }
}

fn action(action: &Action) -> &'static str {
    match action {
        Action::Harvest(_) => "harvest",
        Action::OpenLot(_) => "open_lot",
        Action::Transform(_) => "transform",
        Action::Dispatch(_) => "dispatch",
        Action::Receive(_) => "receive",
        Action::RefuseDelivery(_) => "refuse_delivery",
        Action::ReportShort(_) => "report_short",
        Action::Sell(_) => "sell",
        Action::Waste(_) => "waste",
        Action::Count(_) => "count",
        Action::Hold(_) => "hold",
        Action::Release(_) => "release",
        Action::Recall(_) => "recall",
        Action::AcknowledgeRecall(_) => "acknowledge_recall",
        Action::CustomerReturn(_) => "customer_return",
        Action::CancelShipment(_) => "cancel_shipment",
        Action::Pack(_) => "pack",
        Action::Unpack(_) => "unpack",
        Action::Observe(_) => "observe",
        Action::Resolve(_) => "resolve",
        Action::PlaceOrder(_) => "place_order",
        Action::CloseOrder(_) => "close_order",
        Action::IssueCode(_) => "issue_code",
        Action::RevokeCode(_) => "revoke_code",
        Action::CountScans(_) => "count_scans",
        Action::GiveNotice(_) => "give_notice",
        Action::Void(_) => "void",
        Action::Correct(_) => "correct",
        Action::Register(_) => "register",
    }
}
