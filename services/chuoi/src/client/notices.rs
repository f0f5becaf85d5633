//! `chuoi notices` and `chuoi webhooks`: what people were told, and how far those who are told over the web have heard.

use clap::Args;
use tonic::transport::Channel;
use wire::proto::chuoi::notice::v1::notice_service_client::NoticeServiceClient;
use wire::proto::chuoi::notice::v1::{ListNoticesRequest, ListNoticesResponse, ListWebhooksRequest};

use super::report::{Flags, PAGE};
use super::safety::listed;
use super::stock::named;
use super::{Client, ReadFlags, answered, local, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Table;
use crate::words::{CertificateWord, NoticeWord, WebhookWord, number, unit};

/// Flags of `notices`.
#[derive(Args, Clone, Debug)]
pub struct Notices {
    /// Only of these kinds
    #[arg(long = "kind", value_name = "KIND", value_enum, value_delimiter = ',')]
    pub kinds: Vec<NoticeWord>,
    /// Only about these sites: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// Only about these chains
    #[arg(long = "chain", value_name = "CHAIN", value_delimiter = ',')]
    pub chains: Vec<String>,
    /// Only about these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only those given on this day or later
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub from: Option<String>,
    /// Only those given on this day or before
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub to: Option<String>,
    /// Only those after this position, as a notice or any answer says it
    #[arg(long, value_name = "POSITION")]
    pub after: Option<String>,
    /// Only those up to this position
    #[arg(long, value_name = "POSITION")]
    pub before: Option<String>,
    /// The oldest first
    #[arg(long)]
    pub oldest_first: bool,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `webhooks`.
#[derive(Args, Clone, Debug)]
pub struct Webhooks {
    /// Also those that are not in the file any more
    #[arg(long)]
    pub removed_too: bool,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Runs `notices`.
pub async fn notices(settings: Settings, asked: &Notices) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(NoticeServiceClient<Channel>, client.channel.clone());
    let request = ListNoticesRequest {
        kinds: asked.kinds.iter().map(|kind| kind.number()).collect(),
        sites: asked.sites.clone(),
        chains: asked.chains.clone(),
        products: asked.products.clone(),
        from_date: asked.from.clone().unwrap_or_default(),
        to_date: asked.to.clone().unwrap_or_default(),
        after_position: asked.after.clone().unwrap_or_default(),
        before_position: asked.before.clone().unwrap_or_default(),
        oldest_first: asked.oldest_first,
        ..ListNoticesRequest::default()
    };
    let mut request = ListNoticesRequest { at_least: asked.flags.read.at_least.clone(), ..request };
    let mut all = ListNoticesResponse::default();
    loop {
        request.page_size = asked.flags.paging.page_size(all.rows.len(), PAGE);
        let page = answered(service.list_notices(query(request.clone())).await)?;
        all.rows.extend(page.rows);
        request.page_token.clone_from(&page.next_page_token);
        (all.next_page_token, all.position) = (page.next_page_token, page.position);
        if request.page_token.is_empty() || asked.flags.paging.wanted(all.rows.len()) == 0 {
            break;
        }
    }
    let zone = client.zone()?;
    client.show("chuoi.notice.v1.ListNoticesResponse", &all, || {
        let columns = ["when", "what", "where", "chain", "product", "lot", "quantity>", "unit", "day", "days>", "about"];
        let mut table = Table::new(&columns);
        for notice in &all.rows {
            let certificate = [CertificateWord::word(notice.certificate_kind), &notice.certificate_number].join(" ");
            let command = [notice.organization_code.as_str(), &notice.about_command_id].join("/");
            table.row([
                notice.record_time.as_ref().map(|time| local(time, &zone)).unwrap_or_default(),
                NoticeWord::word(notice.kind).to_owned(),
                named(&notice.site_code, &notice.site_name),
                notice.chain_code.clone(),
                named(&notice.product_code, &notice.product_name),
                notice.lot_code.clone(),
                notice.quantity_milli.map(number).unwrap_or_default(),
                notice.quantity_milli.map(|_| unit(&notice.unit).to_owned()).unwrap_or_default(),
                notice.about_date.clone(),
                notice.days.map(|days| days.to_string()).unwrap_or_default(),
                if notice.about_command_id.is_empty() { certificate.trim().to_owned() } else { command },
            ]);
        }
        listed(table, &all.next_page_token, &all.position)
    })
}

/// Runs `webhooks`.
pub async fn webhooks(settings: Settings, asked: &Webhooks) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(NoticeServiceClient<Channel>, client.channel.clone());
    let request = ListWebhooksRequest { include_removed: asked.removed_too, at_least: asked.read.at_least.clone() };
    let answer = answered(service.list_webhooks(query(request)).await)?;
    let zone = client.zone()?;
    client.show("chuoi.notice.v1.ListWebhooksResponse", &answer, || {
        let mut table =
            Table::new(&["name", "url", "state", "behind>", "taken>", "last taken", "failed>", "next attempt", "problem"]);
        let time = |time: &Option<prost_types::Timestamp>| time.as_ref().map(|time| local(time, &zone)).unwrap_or_default();
        for webhook in &answer.rows {
            let fails = webhook.failures_count > 0;
            table.row([
                webhook.name.clone(),
                webhook.url.clone(),
                WebhookWord::word(webhook.state).to_owned(),
                webhook.behind_count.to_string(),
                webhook.delivered_count.to_string(),
                time(&webhook.delivered_time),
                webhook.failures_count.to_string(),
                time(&webhook.next_time),
                if fails { webhook.problem.clone() } else { String::new() },
            ]);
        }
        listed(table, "", &answer.position)
    })
}
