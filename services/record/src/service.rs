//! RecordService: parse → record → reply. Shape is checked here, every rule and every repetition in the recorder.

use crate::recorder::{Answer, Asked, Denied, Recorder};
use domain::id::{CommandId, OrganizationCode};
use domain::refusal::Refusal;
use futures::{Stream, StreamExt as _};
use std::pin::Pin;
use stream::Position;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};
use wire::proto::chuoi::record::v1::record_service_server::{RecordService, RecordServiceServer};
use wire::proto::chuoi::record::v1::{self as proto, Outcome, Recorded, Verdict};
use wire::status::ServiceError;

/// Largest request.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// Most commands in a batch.
pub const MAX_BATCH: usize = 1_000;
/// Commands of one stream that may be undecided; beyond that the sender is held back.
const STREAM_WINDOW: usize = 1_024;
/// Metadata key of the caller's organization.
pub const ORGANIZATION_KEY: &str = "chuoi-organization";

/// The service over a recorder.
pub fn service(recorder: Recorder) -> RecordServiceServer<Service> {
    RecordServiceServer::new(Service { recorder })
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        // A batch's answers repeat what was recorded, with the events that followed.
        .max_encoding_message_size(4 * MAX_REQUEST_BYTES)
}

/// RecordService.
#[derive(Clone, Debug)]
pub struct Service {
    recorder: Recorder,
}

/// A command that is read, or the refusal of one that cannot be.
type Read = Result<Asked, Denied>;

impl Service {
    fn read(&self, organization: &OrganizationCode, command: proto::Command) -> Read {
        let digest = wire::command::digest(&command);
        let at_least = command.header.as_ref().map(|header| header.at_least.clone()).filter(|text| !text.is_empty());
        let at_least = at_least.map(|text| text.parse::<Position>().map_err(|error| Denied::BadPosition(error.to_string())));
        let command = wire::command::parse(command)?;
        Ok(Asked { organization: organization.clone(), command, digest, at_least: at_least.transpose()? })
    }

    async fn one(&self, metadata: &MetadataMap, command: proto::Command) -> Result<(Verdict, Recorded), Status> {
        let organization = organization(metadata)?;
        let asked = self.read(&organization, command).map_err(status)?;
        let answer = self.recorder.record(asked).await.map_err(status)?;
        Ok((verdict(&answer), body(&answer)))
    }
}

macro_rules! unary {
    ($($rpc:ident($request:ident) -> $response:ident),* $(,)?) => {
        #[tonic::async_trait]
        impl RecordService for Service {
            $(
                async fn $rpc(&self, request: Request<proto::$request>) -> Result<Response<proto::$response>, Status> {
                    let (metadata, _, request) = request.into_parts();
                    let (verdict, recorded) = self.one(&metadata, request.into()).await?;
                    Ok(Response::new(proto::$response { verdict: verdict.into(), recorded: Some(recorded) }))
                }
            )*

            async fn record_batch(
                &self,
                request: Request<proto::RecordBatchRequest>,
            ) -> Result<Response<proto::RecordBatchResponse>, Status> {
                self.batch(request).await
            }

            type RecordStreamStream = Pin<Box<dyn Stream<Item = Result<proto::RecordStreamResponse, Status>> + Send>>;

            async fn record_stream(
                &self,
                request: Request<Streaming<proto::RecordStreamRequest>>,
            ) -> Result<Response<Self::RecordStreamStream>, Status> {
                self.stream(request)
            }
        }
    };
}

unary! {
    harvest(HarvestRequest) -> HarvestResponse,
    open_lot(OpenLotRequest) -> OpenLotResponse,
    transform(TransformRequest) -> TransformResponse,
    dispatch(DispatchRequest) -> DispatchResponse,
    receive(ReceiveRequest) -> ReceiveResponse,
    refuse_delivery(RefuseDeliveryRequest) -> RefuseDeliveryResponse,
    report_short(ReportShortRequest) -> ReportShortResponse,
    sell(SellRequest) -> SellResponse,
    waste(WasteRequest) -> WasteResponse,
    count(CountRequest) -> CountResponse,
    void(VoidRequest) -> VoidResponse,
    correct(CorrectRequest) -> CorrectResponse,
    register(RegisterRequest) -> RegisterResponse,
}

/// A command of many: what was sent under which id, and where its answer comes from.
enum Pending {
    Answered(String, Denied),
    Waiting(String, oneshot::Receiver<Result<Answer, Denied>>),
}

impl Pending {
    async fn outcome(self) -> Outcome {
        match self {
            Pending::Answered(id, denied) => outcome(id, Err(denied)),
            Pending::Waiting(id, answer) => outcome(id, answer.await.unwrap_or(Err(Denied::OutcomeUnknown))),
        }
    }
}

impl Service {
    async fn batch(&self, request: Request<proto::RecordBatchRequest>) -> Result<Response<proto::RecordBatchResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let organization = organization(&metadata)?;
        let count = request.commands.len();
        if count > MAX_BATCH {
            let (field, value) = ("commands".to_owned(), format!("{count} commands"));
            let allowed = format!("at most {MAX_BATCH} in a batch; send several batches, or use RecordStream");
            return Err(ServiceError::Limit { field, value, allowed }.into());
        }
        let read: Vec<(String, Read)> = request
            .commands
            .into_iter()
            .map(|command| (sent_id(&command), self.read(&organization, command)))
            .collect();
        let (mut asked, mut slots) = (Vec::new(), Vec::with_capacity(read.len()));
        for (id, read) in read {
            slots.push(match read {
                Ok(one) => {
                    asked.push(one);
                    (id, None)
                }
                Err(denied) => (id, Some(denied)),
            });
        }
        let mut answers = self.recorder.submit_all(asked).map_err(status)?.into_iter();
        let mut outcomes = Vec::with_capacity(slots.len());
        for (id, denied) in slots {
            let pending = match (denied, answers.len()) {
                (Some(denied), _) => Pending::Answered(id, denied),
                (None, _) => match answers.next() {
                    Some(answer) => Pending::Waiting(id, answer),
                    None => Pending::Answered(id, Denied::OutcomeUnknown),
                },
            };
            outcomes.push(pending.outcome().await);
        }
        Ok(Response::new(proto::RecordBatchResponse { outcomes }))
    }

    fn stream(
        &self,
        request: Request<Streaming<proto::RecordStreamRequest>>,
    ) -> Result<Response<<Service as RecordService>::RecordStreamStream>, Status> {
        let (metadata, _, mut incoming) = request.into_parts();
        let organization = organization(&metadata)?;
        let service = self.clone();
        // Bounded: a sender that does not take its answers is held back, and so is one that is faster than deciding.
        let (sender, pending) = mpsc::channel::<Result<Pending, Status>>(STREAM_WINDOW);
        tokio::spawn(async move {
            loop {
                let next = match incoming.message().await {
                    Ok(Some(request)) => {
                        let command = request.command.unwrap_or_default();
                        let id = sent_id(&command);
                        match service.read(&organization, command) {
                            Err(denied) => Ok(Pending::Answered(id, denied)),
                            Ok(asked) => match service.recorder.submit(asked).await {
                                Ok(answer) => Ok(Pending::Waiting(id, answer)),
                                Err(denied) => Ok(Pending::Answered(id, denied)),
                            },
                        }
                    }
                    Ok(None) => return,
                    Err(status) => Err(status),
                };
                let ends = next.is_err();
                if sender.send(next).await.is_err() || ends {
                    return;
                }
            }
        });
        let outcomes = ReceiverStream::new(pending).then(|pending| async {
            Ok(proto::RecordStreamResponse { outcome: Some(pending?.outcome().await) })
        });
        Ok(Response::new(Box::pin(outcomes)))
    }
}

fn sent_id(command: &proto::Command) -> String {
    command.header.as_ref().map(|header| header.command_id.clone()).unwrap_or_default()
}

/// The caller's organization, until authentication says it.
fn organization(metadata: &MetadataMap) -> Result<OrganizationCode, Status> {
    let problem = |problem: String| -> Status { ServiceError::Organization { problem }.into() };
    let value = metadata
        .get(ORGANIZATION_KEY)
        .ok_or_else(|| problem(format!("metadata {ORGANIZATION_KEY} is missing; give your organization's code")))?;
    let text = value.to_str().map_err(|_| problem(format!("metadata {ORGANIZATION_KEY} is not ASCII; give the organization's code")))?;
    OrganizationCode::parse(text).map_err(|error| problem(format!("metadata {ORGANIZATION_KEY}: {error}")))
}

fn verdict(answer: &Answer) -> Verdict {
    if answer.repeated { Verdict::Duplicate } else { Verdict::Accepted }
}

fn body(answer: &Answer) -> Recorded {
    wire::answer::recorded(&answer.position.to_string(), answer.record_time, &answer.recorded)
}

fn outcome(id: String, answer: Result<Answer, Denied>) -> Outcome {
    match answer {
        Ok(answer) => Outcome { command_id: id, verdict: verdict(&answer).into(), recorded: Some(body(&answer)), refused: None },
        Err(denied) => {
            let refused = match told(denied) {
                Ok(refusal) => wire::status::refused(&refusal),
                Err(error) => wire::status::refused_by_service(&error),
            };
            Outcome { command_id: id, verdict: Verdict::Refused.into(), recorded: None, refused: Some(refused) }
        }
    }
}

fn status(denied: Denied) -> Status {
    match told(denied) {
        Ok(refusal) => wire::status::of_refusal(&refusal),
        Err(error) => error.into(),
    }
}

/// What a denial is: a refusal with its rule and figures, or a failure.
fn told(denied: Denied) -> Result<Refusal, ServiceError> {
    let problem = denied.to_string();
    match denied {
        Denied::Refused(refusal) => Ok(refusal),
        Denied::OutcomeUnknown => Err(ServiceError::OutcomeUnknown { problem }),
        Denied::Unreachable(_) | Denied::Stopped => Err(ServiceError::Unreachable { problem }),
        Denied::Busy(_) => Err(ServiceError::Busy { problem }),
        Denied::BadPosition(_) => Err(ServiceError::BadPosition { problem }),
        Denied::NotReached { .. } => Err(ServiceError::PositionNotReached { problem }),
    }
}
