//! Sends a command until it is known whether it was recorded.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::{
    AcknowledgeRecallRequest, CancelShipmentRequest, CloseOrderRequest, CommandHeader, CorrectRequest, CountRequest,
    CountScansRequest, CustomerReturnRequest, DayPart, DispatchRequest, GiveNoticeRequest, HarvestRequest, HarvestResponse,
    HoldRequest, IssueCodeRequest, ObserveRequest, OnConflict, OpenLotRequest, PackRequest, PlaceOrderRequest, RecallRequest,
    ReceiveRequest, RefuseDeliveryRequest, RegisterRequest, ReleaseRequest, ReportShortRequest, ResolveRequest,
    RevokeCodeRequest, SellRequest, TransformRequest, UnpackRequest, VoidRequest, WasteRequest, When,
};

use super::facts::{Correct, RecordFlags, Recordable, Void, named_lots, named_shipment};
use super::names::{self, Names};
use super::{Client, answer, failure, may_pass};
use crate::config::{Key, Output, Settings};
use crate::failure::Failure;
use crate::output;

/// What this program calls itself in the journal.
pub const CLIENT: &str = concat!("chuoi/", env!("CARGO_PKG_VERSION"));

/// Waits between attempts whose outcome is unknown: about fifteen seconds, in which a server restarts.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Records a fact and says what was recorded.
pub async fn fact(settings: Settings, fact: &impl Recordable, flags: &RecordFlags) -> Result<(), Failure> {
    let zone = super::zone(&settings)?;
    let when = flags.when.when(fact.day_part(), Timestamp::now(), &zone)?;
    let header = CommandHeader { when: Some(when), ..header(&settings, flags) };
    send(settings, header, fact.action()).await
}

/// Records that an earlier command was an error.
pub async fn void(settings: Settings, void: &Void, flags: &RecordFlags) -> Result<(), Failure> {
    fact(settings, void, flags).await
}

/// Records that an earlier command was an error, and what stands in its place. A time that is given is the time of the latter.
pub async fn correct(settings: Settings, correct: &Correct, flags: &RecordFlags) -> Result<(), Failure> {
    let (zone, now) = (super::zone(&settings)?, Timestamp::now());
    let part = correct.instead.day_part();
    let when = (flags.when.is_given() || part != DayPart::Unspecified).then(|| flags.when.when(part, now, &zone)).transpose()?;
    let entered = super::typed::WhenFlags::default().when(DayPart::Unspecified, now, &zone)?;
    let header = CommandHeader { when: Some(entered), ..header(&settings, flags) };
    send(settings, header, correct.action(when)?).await
}

/// Records a fact of the registry, in the name of the authority that keeps it unless another is named.
pub async fn register(settings: Settings, when: When, command_id: Option<Uuid>, action: Action) -> Result<(), Failure> {
    let header = CommandHeader { when: Some(when), ..header(&settings, &RecordFlags { command_id, ..RecordFlags::default() }) };
    let authority = match settings.text(Key::Organization) {
        "" => code_of(&settings, Key::AuthorityCode, settings.text(Key::AuthorityCode))?,
        _ => organization(&settings)?,
    };
    send_as(settings, authority, header, action).await
}

/// Who and under which id; the time is left to the caller.
fn header(settings: &Settings, flags: &RecordFlags) -> CommandHeader {
    let on_conflict = if flags.already_happened { OnConflict::Record } else { OnConflict::Unspecified };
    CommandHeader {
        command_id: flags.command_id.unwrap_or_else(Uuid::now_v7).to_string(),
        when: None,
        actor: settings.text(Key::Actor).to_owned(),
        device: settings.text(Key::Device).to_owned(),
        client: CLIENT.to_owned(),
        on_conflict: on_conflict.into(),
        note: flags.note.clone(),
        document: flags.document.clone(),
        at_least: flags.at_least.clone(),
    }
}

async fn send(settings: Settings, header: CommandHeader, action: Action) -> Result<(), Failure> {
    let organization = organization(&settings)?;
    send_as(settings, organization, header, action).await
}

async fn send_as(
    settings: Settings,
    organization: AsciiMetadataValue,
    header: CommandHeader,
    mut action: Action,
) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    for lot in named_lots(&mut action) {
        names::resolve_lot(&client, lot).await?;
    }
    if let Some((shipment, site)) = named_shipment(&mut action) {
        names::resolve_shipment(&client, shipment, &site).await?;
    }
    let id = header.command_id.clone();
    let response = until_known(&client, &organization, header, action).await.map_err(|status| match failure(&status) {
        Failure::Unavailable { message, source } => Failure::Unavailable {
            message: format!("{message}\nwhether it was recorded is not known: say the same again with --command-id {id}, and it is recorded once"),
            source,
        },
        other => other,
    })?;
    match client.output {
        // Every recording command's answer has the same fields.
        Output::Json => output::print(&output::json::of("chuoi.record.v1.HarvestResponse", &response)?.to_string()),
        Output::Table | Output::Csv => {
            let recorded = response.recorded.clone().unwrap_or_default();
            let names = Names::of(&client, &recorded).await;
            output::print(&answer::recorded(response.verdict, &recorded, &names))
        }
    }
}

/// The organization as metadata carries it.
pub fn organization(settings: &Settings) -> Result<AsciiMetadataValue, Failure> {
    code_of(settings, Key::Organization, settings.organization()?)
}

fn code_of(settings: &Settings, key: Key, given: &str) -> Result<AsciiMetadataValue, Failure> {
    let code = domain::id::OrganizationCode::parse(given).ok();
    code.and_then(|code| AsciiMetadataValue::try_from(code.as_str()).ok()).ok_or_else(|| {
        settings.wrong(key, "is not the code of an organization", "give its code, not its name: `chuoi registry find` shows it")
    })
}

/// The same command under the same id, again and again, until a service says what became of it.
async fn until_known(
    client: &Client,
    organization: &AsciiMetadataValue,
    header: CommandHeader,
    action: Action,
) -> Result<HarvestResponse, Status> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let status = match unary(&client.channel, organization, header.clone(), action.clone()).await {
            Ok(response) => return Ok(response),
            Err(status) => status,
        };
        match pauses.next() {
            Some(pause) if may_pass(status.code()) => {
                eprintln!("no answer yet ({}); asking again in {} ms", status.message(), pause.as_millis());
                tokio::time::sleep(pause).await;
            }
            _ => return Err(status),
        }
    }
}

/// One call of the service.
async fn unary(
    channel: &Channel,
    organization: &AsciiMetadataValue,
    header: CommandHeader,
    action: Action,
) -> Result<HarvestResponse, Status> {
    let mut service = super::service!(RecordServiceClient<Channel>, channel.clone());
    // Each command is a call of its own, with its own types and the same fields.
    macro_rules! call {
        ($call:ident, $request:ident { $field:ident: $fact:expr }) => {{
            let mut request = Request::new($request { header: Some(header), $field: Some($fact) });
            request.metadata_mut().insert(wire::status::METADATA_ORGANIZATION, organization.clone());
            let answer = async move {
                let answer = service.$call(request).await.map(Response::into_inner)?;
                Ok(HarvestResponse { verdict: answer.verdict, recorded: answer.recorded })
            };
            let answer: BoxFuture<'_, Result<HarvestResponse, Status>> = Box::pin(answer);
            answer.await
        }};
    }
    match action {
        Action::Harvest(fact) => call!(harvest, HarvestRequest { harvest: fact }),
        Action::OpenLot(fact) => call!(open_lot, OpenLotRequest { open_lot: fact }),
        Action::Transform(fact) => call!(transform, TransformRequest { transform: fact }),
        Action::Dispatch(fact) => call!(dispatch, DispatchRequest { dispatch: fact }),
        Action::Receive(fact) => call!(receive, ReceiveRequest { receive: fact }),
        Action::RefuseDelivery(fact) => call!(refuse_delivery, RefuseDeliveryRequest { refuse_delivery: fact }),
        Action::ReportShort(fact) => call!(report_short, ReportShortRequest { report_short: fact }),
        Action::Sell(fact) => call!(sell, SellRequest { sell: fact }),
        Action::Waste(fact) => call!(waste, WasteRequest { waste: fact }),
        Action::Count(fact) => call!(count, CountRequest { count: fact }),
        Action::Hold(fact) => call!(hold, HoldRequest { hold: fact }),
        Action::Release(fact) => call!(release, ReleaseRequest { release: fact }),
        Action::Recall(fact) => call!(recall, RecallRequest { recall: fact }),
        Action::AcknowledgeRecall(fact) => call!(acknowledge_recall, AcknowledgeRecallRequest { acknowledge_recall: fact }),
        Action::CustomerReturn(fact) => call!(customer_return, CustomerReturnRequest { customer_return: fact }),
        Action::CancelShipment(fact) => call!(cancel_shipment, CancelShipmentRequest { cancel_shipment: fact }),
        Action::Pack(fact) => call!(pack, PackRequest { pack: fact }),
        Action::Unpack(fact) => call!(unpack, UnpackRequest { unpack: fact }),
        Action::Observe(fact) => call!(observe, ObserveRequest { observe: fact }),
        Action::Resolve(fact) => call!(resolve, ResolveRequest { resolve: fact }),
        Action::PlaceOrder(fact) => call!(place_order, PlaceOrderRequest { place_order: fact }),
        Action::CloseOrder(fact) => call!(close_order, CloseOrderRequest { close_order: fact }),
        Action::IssueCode(fact) => call!(issue_code, IssueCodeRequest { issue_code: fact }),
        Action::RevokeCode(fact) => call!(revoke_code, RevokeCodeRequest { revoke_code: fact }),
        Action::CountScans(fact) => call!(count_scans, CountScansRequest { count_scans: fact }),
        Action::GiveNotice(fact) => call!(give_notice, GiveNoticeRequest { give_notice: fact }),
        Action::Void(fact) => call!(void, VoidRequest { void: fact }),
        Action::Correct(fact) => call!(correct, CorrectRequest { correct: fact }),
        Action::Register(fact) => call!(register, RegisterRequest { register: fact }),
    }
}
