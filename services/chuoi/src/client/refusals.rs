//! `chuoi refusals`: what was refused to an organization.

use clap::Args;
use tonic::Request;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::{ListRefusalsRequest, ListRefusalsResponse};

use super::answer::moment;
use super::{Client, Paging, answered, typed};
use crate::config::{ClientFlags, Key, Settings};
use crate::failure::Failure;
use crate::output::Table;

/// Refusals that the service gives at once.
const PAGE: usize = 1_000;

/// Which refusals.
#[derive(Args, Clone, Debug)]
pub struct Refusals {
    /// Only those from this day on: 25/11/2026
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub since: Option<String>,
    /// Only those up to the end of this day
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub until: Option<String>,
    /// How much to show.
    #[command(flatten)]
    pub paging: Paging,
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
}

/// Runs it.
pub async fn run(settings: Settings, asked: &Refusals) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let zone = client.zone()?;
    let day = |text: &Option<String>, later: i64| -> Result<Option<prost_types::Timestamp>, Failure> {
        let Some(date) = text.as_ref().and_then(|text| text.parse::<jiff::civil::Date>().ok()) else { return Ok(None) };
        let day = date.checked_add(jiff::Span::new().days(later));
        let begins = day.and_then(|day| zone.to_ambiguous_timestamp(day.to_datetime(jiff::civil::Time::midnight())).compatible());
        let begins = begins.map_err(|error| Failure::Usage(format!("{date} cannot be used: {error}")))?;
        Ok(Some(prost_types::Timestamp { seconds: begins.as_second(), nanos: 0 }))
    };
    let mut request =
        ListRefusalsRequest { since_time: day(&asked.since, 0)?, until_time: day(&asked.until, 1)?, ..Default::default() };
    let organization = client.settings.organization()?;
    let organization: AsciiMetadataValue = organization
        .parse()
        .map_err(|_| client.settings.wrong(Key::Organization, "is no code of an organization", "give one such as HTX002"))?;
    let mut service = super::service!(RecordServiceClient<Channel>, client.channel.clone());
    let mut all = ListRefusalsResponse::default();
    loop {
        request.page_size = asked.paging.page_size(all.refusals.len(), PAGE);
        let mut call = Request::new(request.clone());
        call.metadata_mut().insert(wire::status::METADATA_ORGANIZATION, organization.clone());
        let page = answered(service.list_refusals(call).await)?;
        all.refusals.extend(page.refusals);
        request.page_token.clone_from(&page.next_page_token);
        all.next_page_token = page.next_page_token;
        if request.page_token.is_empty() || asked.paging.wanted(all.refusals.len()) == 0 {
            break;
        }
    }
    client.show("chuoi.record.v1.ListRefusalsResponse", &all, || {
        let mut table = Table::new(&["when", "what", "why", "rule>", "by", "device", "command", "message"]);
        for refusal in &all.refusals {
            let time = refusal.refuse_time.as_ref();
            let instant = time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok());
            let offset = instant.map_or(0, |instant| zone.to_offset(instant).seconds() / 60);
            let why = refusal.refused.clone().unwrap_or_default();
            table.row([
                moment(time, offset),
                refusal.action.replace('_', " "),
                why.reason,
                if why.rule == 0 { String::new() } else { why.rule.to_string() },
                refusal.actor.clone(),
                refusal.device.clone(),
                refusal.command_id.clone(),
                why.message,
            ]);
        }
        let mut text = if table.is_empty() { "nothing\n".to_owned() } else { table.render() };
        if !all.next_page_token.is_empty() {
            text.push_str("\nmore      there are more: --all, or a greater --limit, shows them\n");
        }
        text
    })
}
