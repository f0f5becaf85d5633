//! `chuoi notices` and `chuoi webhooks`: what people were told, and how far those who are told over the web have heard.

use clap::Args;
use tonic::transport::Channel;
use wire::proto::chuoi::notice::v1::notice_service_client::NoticeServiceClient;
use wire::proto::chuoi::notice::v1::{ListNoticesRequest, ListWebhooksRequest};

use super::report::{Flags, pages, show};
use super::{Client, ReadFlags, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::words::NoticeWord;

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
    pages!(client, service, asked.flags, list_notices, "chuoi.notice.v1.ListNoticesResponse", request)
}

/// Runs `webhooks`.
pub async fn webhooks(settings: Settings, asked: &Webhooks) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(NoticeServiceClient<Channel>, client.channel.clone());
    let request = ListWebhooksRequest { include_removed: asked.removed_too, at_least: asked.read.at_least.clone() };
    let answer = answered(service.list_webhooks(query(request)).await)?;
    show(&client, "chuoi.notice.v1.ListWebhooksResponse", &answer)
}
