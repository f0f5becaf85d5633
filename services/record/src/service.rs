//! RecordService: parse → record → reply. Shape is checked here, every rule and every repetition in the recorder.

use crate::recorder::{Answer, Asked, Denied, Recorder};
use crate::refusals::{self, Refusals};
use crate::trial::{self, Trial, Tried};
use domain::id::OrganizationCode;
use domain::refusal::Refusal;
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use std::pin::Pin;
use stream::Position;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};
use wire::proto::chuoi::record::v1::record_service_server::{RecordService, RecordServiceServer};
use wire::proto::chuoi::record::v1::{self as proto, Outcome, Recorded, RefusedCommand, Verdict};
use wire::status::{METADATA_ORGANIZATION, ServiceError};

/// Largest request.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;
/// Most commands in a batch.
pub const MAX_BATCH: usize = 1_000;
/// Commands of one stream that may be undecided; beyond that the sender is held back.
const STREAM_WINDOW: usize = 1_024;

/// The service over a recorder. Call it inside a runtime.
pub fn service(recorder: Recorder) -> RecordServiceServer<Service> {
    let refusals = Refusals::of(recorder.journal());
    RecordServiceServer::new(Service { recorder, refusals })
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        // A batch's answers repeat what was recorded, with the events that followed.
        .max_encoding_message_size(4 * MAX_REQUEST_BYTES)
}

/// RecordService.
#[derive(Clone, Debug)]
pub struct Service {
    recorder: Recorder,
    refusals: Refusals,
}

/// A command that is read, or the refusal of one that cannot be.
type Read = Result<Asked, Denied>;

impl Service {
    fn read(&self, organization: &OrganizationCode, command: proto::Command) -> Read {
        let digest = wire::command::digest(&command);
        let at_least = command.header.as_ref().map(|header| header.at_least.clone()).filter(|text| !text.is_empty());
        let at_least = at_least
            .map(|value| value.parse::<Position>().map_err(|error| Denied::BadPosition { problem: error.to_string(), value }));
        let command = wire::command::parse(&command)?;
        Ok(Asked { organization: organization.clone(), command, digest, at_least: at_least.transpose()? })
    }

    async fn one(&self, metadata: &MetadataMap, command: proto::Command) -> Result<(Verdict, Recorded), Status> {
        let organization = organization(metadata)?;
        let sent = refusals::sent(&organization, &command);
        let answer = match self.read(&organization, command) {
            Ok(asked) => self.recorder.record(asked).await,
            Err(denied) => Err(denied),
        };
        match answer {
            Ok(answer) => Ok((verdict(&answer), body(&answer))),
            Err(denied) => Err(match told(&sent.command_id, denied) {
                Ok(refusal) => {
                    self.keep(sent, &refusal);
                    wire::status::of_refusal(&refusal)
                }
                Err(error) => error.into(),
            }),
        }
    }

    fn keep(&self, sent: RefusedCommand, refusal: &Refusal) {
        self.refusals.keep(RefusedCommand {
            refused: Some(wire::status::refused(refusal)),
            refuse_time: Some(wire::undecodable::write_timestamp(Timestamp::now())),
            ..sent
        });
    }

    fn outcome(&self, sent: RefusedCommand, answer: Result<Answer, Denied>) -> Outcome {
        let id = sent.command_id.clone();
        match answer {
            Ok(answer) if answer.repeated => wire::answer::duplicate(&id, body(&answer)),
            Ok(answer) => wire::answer::accepted(&id, body(&answer)),
            Err(denied) => match told(&id, denied) {
                Ok(refusal) => {
                    self.keep(sent, &refusal);
                    wire::answer::refused(&id, &refusal)
                }
                Err(error) => wire::answer::failed(&id, &error),
            },
        }
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

            async fn list_refusals(
                &self,
                request: Request<proto::ListRefusalsRequest>,
            ) -> Result<Response<proto::ListRefusalsResponse>, Status> {
                let organization = organization(request.metadata())?;
                Ok(Response::new(self.refusals.list(&organization, request.get_ref()).await?))
            }

            type RecordStreamStream = Pin<Box<dyn Stream<Item = Result<proto::RecordStreamResponse, Status>> + Send>>;

            async fn record_stream(
                &self,
                request: Request<Streaming<proto::RecordStreamRequest>>,
            ) -> Result<Response<Self::RecordStreamStream>, Status> {
                self.stream(request)
            }

            type TryStreamStream = Pin<Box<dyn Stream<Item = Result<proto::TryStreamResponse, Status>> + Send>>;

            async fn try_stream(
                &self,
                request: Request<Streaming<proto::TryStreamRequest>>,
            ) -> Result<Response<Self::TryStreamStream>, Status> {
                self.try_out(request).await
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
    hold(HoldRequest) -> HoldResponse,
    release(ReleaseRequest) -> ReleaseResponse,
    recall(RecallRequest) -> RecallResponse,
    acknowledge_recall(AcknowledgeRecallRequest) -> AcknowledgeRecallResponse,
    customer_return(CustomerReturnRequest) -> CustomerReturnResponse,
    cancel_shipment(CancelShipmentRequest) -> CancelShipmentResponse,
    place_order(PlaceOrderRequest) -> PlaceOrderResponse,
    close_order(CloseOrderRequest) -> CloseOrderResponse,
    issue_code(IssueCodeRequest) -> IssueCodeResponse,
    revoke_code(RevokeCodeRequest) -> RevokeCodeResponse,
    count_scans(CountScansRequest) -> CountScansResponse,
    give_notice(GiveNoticeRequest) -> GiveNoticeResponse,
    pack(PackRequest) -> PackResponse,
    unpack(UnpackRequest) -> UnpackResponse,
    observe(ObserveRequest) -> ObserveResponse,
    resolve(ResolveRequest) -> ResolveResponse,
    void(VoidRequest) -> VoidResponse,
    correct(CorrectRequest) -> CorrectResponse,
    register(RegisterRequest) -> RegisterResponse,
}

/// A command of many: what was sent, and where its answer comes from.
enum Pending {
    Answered(RefusedCommand, Denied),
    Waiting(RefusedCommand, oneshot::Receiver<Result<Answer, Denied>>),
}

impl Pending {
    async fn outcome(self, service: &Service) -> Outcome {
        match self {
            Pending::Answered(sent, denied) => service.outcome(sent, Err(denied)),
            Pending::Waiting(sent, answer) => service.outcome(sent, answer.await.unwrap_or(Err(Denied::OutcomeUnknown))),
        }
    }
}

impl Service {
    async fn batch(&self, request: Request<proto::RecordBatchRequest>) -> Result<Response<proto::RecordBatchResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let organization = organization(&metadata)?;
        let count = request.commands.len();
        if count > MAX_BATCH {
            let (value, allowed) = (count as u64, MAX_BATCH as u64);
            return Err(ServiceError::Limit { field: "commands".to_owned(), value, allowed }.into());
        }
        let read = |command| (refusals::sent(&organization, &command), self.read(&organization, command));
        let read: Vec<(RefusedCommand, Read)> = request.commands.into_iter().map(read).collect();
        let (mut asked, mut slots) = (Vec::new(), Vec::with_capacity(read.len()));
        for (sent, read) in read {
            slots.push(match read {
                Ok(one) => {
                    asked.push(one);
                    (sent, None)
                }
                Err(denied) => (sent, Some(denied)),
            });
        }
        let mut answers = self.recorder.submit_all(asked).map_err(status)?.into_iter();
        let mut outcomes = Vec::with_capacity(slots.len());
        for (sent, denied) in slots {
            let pending = match denied {
                Some(denied) => Pending::Answered(sent, denied),
                // One answer for each command that was handed over.
                None => match answers.next() {
                    Some(answer) => Pending::Waiting(sent, answer),
                    None => Pending::Answered(sent, Denied::OutcomeUnknown),
                },
            };
            outcomes.push(pending.outcome(self).await);
        }
        Ok(Response::new(proto::RecordBatchResponse { outcomes }))
    }

    fn stream(
        &self,
        request: Request<Streaming<proto::RecordStreamRequest>>,
    ) -> Result<Response<<Service as RecordService>::RecordStreamStream>, Status> {
        let (metadata, _, mut incoming) = request.into_parts();
        let organization = organization(&metadata)?;
        let (reading, answering) = (self.clone(), self.clone());
        // Bounded: a sender that does not take its answers is held back, and so is one that is faster than deciding.
        let (sender, pending) = mpsc::channel::<Result<Pending, Status>>(STREAM_WINDOW);
        tokio::spawn(async move {
            loop {
                let next = match incoming.message().await {
                    Ok(Some(request)) => {
                        let command = request.command.unwrap_or_default();
                        let sent = refusals::sent(&organization, &command);
                        match reading.read(&organization, command) {
                            Err(denied) => Ok(Pending::Answered(sent, denied)),
                            Ok(asked) => match reading.recorder.submit(asked).await {
                                Ok(answer) => Ok(Pending::Waiting(sent, answer)),
                                Err(denied) => Ok(Pending::Answered(sent, denied)),
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
        let outcomes = ReceiverStream::new(pending).then(move |pending| {
            let service = answering.clone();
            async move { Ok(proto::RecordStreamResponse { outcome: Some(pending?.outcome(&service).await) }) }
        });
        Ok(Response::new(Box::pin(outcomes)))
    }
}

impl Service {
    async fn try_out(
        &self,
        request: Request<Streaming<proto::TryStreamRequest>>,
    ) -> Result<Response<<Service as RecordService>::TryStreamStream>, Status> {
        let (metadata, _, mut incoming) = request.into_parts();
        let organization = organization(&metadata)?;
        let mut trial = Trial::begin(&self.recorder).await.map_err(status)?;
        let service = self.clone();
        let (sender, outcomes) = mpsc::channel::<Result<proto::TryStreamResponse, Status>>(STREAM_WINDOW);
        tokio::spawn(async move {
            loop {
                let command = match incoming.message().await {
                    Ok(Some(request)) => request.command.unwrap_or_default(),
                    Ok(None) => return,
                    Err(error) => {
                        // Whoever is gone needs no answer.
                        let _gone = sender.send(Err(error)).await;
                        return;
                    }
                };
                let id = command.header.as_ref().map(|header| header.command_id.clone()).unwrap_or_default();
                let tried = if trial.len() == trial::MOST {
                    let (value, allowed) = (trial.len() as u64 + 1, trial::MOST as u64);
                    Err(Status::from(ServiceError::Limit { field: "commands".to_owned(), value, allowed }))
                } else {
                    Ok(service.tried(&mut trial, &organization, command, &id).await)
                };
                let ends = tried.is_err();
                let response = tried.map(|outcome| proto::TryStreamResponse { outcome: Some(outcome) });
                if sender.send(response).await.is_err() || ends {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(outcomes))))
    }

    async fn tried(&self, trial: &mut Trial, organization: &OrganizationCode, command: proto::Command, id: &str) -> Outcome {
        let judged = match self.read(organization, command) {
            Ok(asked) => trial.judge(&asked).await,
            Err(denied) => Err(denied),
        };
        let verdict = match judged {
            Ok(Tried::Accepted) => Verdict::Accepted,
            Ok(Tried::Duplicate) => Verdict::Duplicate,
            Err(denied) => {
                return match told(id, denied) {
                    Ok(refusal) => wire::answer::refused(id, &refusal),
                    Err(error) => wire::answer::failed(id, &error),
                };
            }
        };
        Outcome { command_id: id.to_owned(), verdict: verdict.into(), recorded: None, refused: None }
    }
}

/// The caller's organization, until authentication says it.
fn organization(metadata: &MetadataMap) -> Result<OrganizationCode, Status> {
    let given = |given: String| ServiceError::NoOrganization { given };
    let value = metadata.get(METADATA_ORGANIZATION).ok_or_else(|| given("missing".to_owned()))?;
    let text = value.to_str().map_err(|_| given("not ASCII".to_owned()))?;
    Ok(OrganizationCode::parse(text).map_err(|error| given(error.to_string()))?)
}

fn verdict(answer: &Answer) -> Verdict {
    if answer.repeated { Verdict::Duplicate } else { Verdict::Accepted }
}

fn body(answer: &Answer) -> Recorded {
    wire::answer::recorded(&answer.position.to_string(), answer.record_time, &answer.recorded)
}

/// A batch that was not taken as a whole.
fn status(denied: Denied) -> Status {
    match told("", denied) {
        Ok(refusal) => wire::status::of_refusal(&refusal),
        Err(error) => error.into(),
    }
}

/// What a denial is: a refusal with its rule and figures, or a failure.
fn told(id: &str, denied: Denied) -> Result<Refusal, ServiceError> {
    let field = || "header.at_least".to_owned();
    match denied {
        Denied::Refused(refusal) => Ok(refusal),
        Denied::OutcomeUnknown => Err(ServiceError::OutcomeUnknown { command_id: id.to_owned() }),
        Denied::Unreachable(why) => {
            tracing::warn!("nothing was recorded: {why}");
            Err(ServiceError::Unavailable { what: "the journal".to_owned() })
        }
        Denied::Stopped => Err(ServiceError::Unavailable { what: "the recorder".to_owned() }),
        Denied::Busy { waiting, retry_after } => Err(ServiceError::Busy { waiting, retry_after }),
        Denied::Contended(attempts) => Err(ServiceError::Contended { attempts }),
        Denied::BadPosition { value, problem } => Err(ServiceError::BadPosition { field: field(), value, problem }),
        Denied::NotReached { asked, reached } => {
            Err(ServiceError::PositionNotReached { at_least: asked.to_string(), reached: reached.to_string() })
        }
    }
}
