//! Sends commands of one organization in batches, again and again where the service could not answer, until each is judged.

use std::time::Duration;

use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::{Command, Outcome, RecordBatchRequest, Verdict};
use wire::status::METADATA_ORGANIZATION;

/// Most commands in a batch: half of what the service takes, so that a batch of long texts stays below its 4 MiB.
const MAX_BATCH: usize = 500;
/// An answer repeats what was recorded and says what followed from it.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Waits before a batch is sent again: about fifteen seconds, in which a server restarts.
const PAUSES: [Duration; 7] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// A batch that was not judged.
#[derive(Debug, thiserror::Error)]
#[error("{count} commands of {organization} could not be recorded: {status}; start the service and run this again: what is recorded is not recorded twice", status = status.message())]
pub struct BatchError {
    /// Whose they are.
    pub organization: String,
    /// How many are not judged.
    pub count: usize,
    /// What the service said last.
    #[source]
    pub status: Box<Status>,
}

/// Sends a batch for an organization.
#[derive(Clone, Debug)]
pub struct Batches {
    client: RecordServiceClient<Channel>,
}

impl Batches {
    /// Over a channel to RecordService.
    pub fn new(channel: Channel) -> Batches {
        Batches { client: RecordServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES) }
    }

    /// Records commands in their order, and gives the judgement on each, in the same order.
    pub async fn record(
        &self,
        organization: &str,
        commands: Vec<Command>,
        mut judged: impl FnMut(usize),
    ) -> Result<Vec<Outcome>, BatchError> {
        let mut outcomes = Vec::with_capacity(commands.len());
        let mut left = commands.into_iter().peekable();
        while left.peek().is_some() {
            let batch: Vec<Command> = left.by_ref().take(MAX_BATCH).collect();
            let answered = self.batch(organization, batch).await.map_err(|(status, unjudged)| BatchError {
                organization: organization.to_owned(),
                count: unjudged + left.len(),
                status: Box::new(status),
            })?;
            judged(answered.len());
            outcomes.extend(answered);
        }
        Ok(outcomes)
    }

    /// One batch. From the first command that could not be judged on it is sent again, so that order is kept.
    async fn batch(&self, organization: &str, mut commands: Vec<Command>) -> Result<Vec<Outcome>, (Status, usize)> {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(commands.len());
        let mut pauses = PAUSES.iter();
        loop {
            let status = match self.send(organization, commands.clone()).await {
                Ok(answered) => {
                    let judged = answered.iter().position(could_not_answer).unwrap_or(answered.len());
                    let failed = answered.get(judged).and_then(|outcome| outcome.refused.clone());
                    outcomes.extend(answered.into_iter().take(judged));
                    commands.drain(..judged.min(commands.len()));
                    match failed {
                        None => return Ok(outcomes),
                        Some(refused) => Status::new(Code::from(refused.code), refused.message),
                    }
                }
                Err(status) => status,
            };
            match pauses.next() {
                Some(pause) if is_passing(status.code()) => tokio::time::sleep(*pause).await,
                _ => return Err((status, commands.len())),
            }
        }
    }

    async fn send(&self, organization: &str, commands: Vec<Command>) -> Result<Vec<Outcome>, Status> {
        let sent = commands.len();
        let mut request = Request::new(RecordBatchRequest { commands });
        let code = AsciiMetadataValue::try_from(organization)
            .map_err(|_| Status::invalid_argument(format!("{organization:?} cannot be an organization's code")))?;
        request.metadata_mut().insert(METADATA_ORGANIZATION, code);
        let outcomes = self.client.clone().record_batch(request).await?.into_inner().outcomes;
        if outcomes.len() != sent {
            return Err(Status::internal(format!("{sent} commands were sent, {} judged", outcomes.len())));
        }
        Ok(outcomes)
    }
}

/// Whether a command was not judged at all: it may or may not be recorded, and is sent again.
fn could_not_answer(outcome: &Outcome) -> bool {
    matches!(outcome.verdict(), Verdict::Refused | Verdict::Unknown)
        && outcome.refused.as_ref().is_some_and(|refused| is_passing(Code::from(refused.code)))
}

/// Failures that pass by themselves.
fn is_passing(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::DeadlineExceeded)
}
