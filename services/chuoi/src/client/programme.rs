//! `chuoi programme`: certificates, OCOP grades, craft villages, closed sites, and how far the programme is.

use clap::{Args, Subcommand};
use tonic::transport::Channel;
use wire::proto::chuoi::programme::v1::programme_service_client::ProgrammeServiceClient;
use wire::proto::chuoi::programme::v1::{
    GetLabelRequest, GetScoreRequest, ListCertificatesRequest, ListCraftVillagesRequest, ListLabelsRequest,
    ListOcopProductsRequest, ListOcopProgressRequest, ListStandingsRequest, ListTrademarkCasesRequest,
};

use super::report::{Flags, pages, show};
use super::{Client, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;
use crate::words::CertificateWord;

/// Which question.
#[derive(Subcommand, Clone, Debug)]
pub enum Programme {
    /// Certificates that are valid, those that lapse first before the others
    Certificates(Certificates),
    /// Products of the OCOP programme, with their scores, stars and last days
    Ocop(Ocop),
    /// Products entered and graded in each district, and its OCOP points
    Progress(Progress),
    /// Sites that are closed or restricted, what stands there and what is on its way to them
    Closed(Closed),
    /// Craft villages and their trades
    Villages(Villages),
    /// Cases of trademarks, those that are due first before the others
    Trademarks(Trademarks),
    /// Labels that were issued, used, spoiled and voided; or what became of one
    Labels(Labels),
    /// What the programme counts, beside its targets
    Score(Score),
}

/// Flags of `certificates`.
#[derive(Args, Clone, Debug)]
pub struct Certificates {
    /// Only of these organizations: code or GLN
    #[arg(long = "holder", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub holders: Vec<String>,
    /// Only those that cover these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only of these kinds
    #[arg(long = "kind", value_name = "KIND", value_enum, value_delimiter = ',')]
    pub kinds: Vec<CertificateWord>,
    /// As of this day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// Only those that lapse within so many days
    #[arg(long, value_name = "DAYS", default_value_t = 0, hide_default_value = true)]
    pub lapsing: i32,
    /// Also those that are not valid
    #[arg(long)]
    pub invalid_too: bool,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `ocop`.
#[derive(Args, Clone, Debug)]
pub struct Ocop {
    /// Only of these makers: code or GLN
    #[arg(long = "subject", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub subjects: Vec<String>,
    /// Only these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only of these districts
    #[arg(long = "district", value_name = "DISTRICT", value_delimiter = ',')]
    pub districts: Vec<String>,
    /// As of this day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// Only those whose grade lapses within so many days: its renewal is due
    #[arg(long, value_name = "DAYS", default_value_t = 0, hide_default_value = true)]
    pub lapsing: i32,
    /// Only those with so many stars or more
    #[arg(long, value_name = "STARS", default_value_t = 0, hide_default_value = true)]
    pub min_stars: i32,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `progress`.
#[derive(Args, Clone, Debug)]
pub struct Progress {
    /// As of this day, on its map [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// Only these districts
    #[arg(long = "district", value_name = "DISTRICT", value_delimiter = ',')]
    pub districts: Vec<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `closed`.
#[derive(Args, Clone, Debug)]
pub struct Closed {
    /// As of this day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// Only these sites: code or GLN
    #[arg(long = "site", value_name = "SITE", value_delimiter = ',')]
    pub sites: Vec<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `villages`.
#[derive(Args, Clone, Debug)]
pub struct Villages {
    /// Only in these districts
    #[arg(long = "district", value_name = "DISTRICT", value_delimiter = ',')]
    pub districts: Vec<String>,
    /// Only of this trade, with or without marks
    #[arg(long, default_value = "", hide_default_value = true)]
    pub trade: String,
    /// Only those that were recognised
    #[arg(long)]
    pub recognised: bool,
    /// As of this day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `trademarks`.
#[derive(Args, Clone, Debug)]
pub struct Trademarks {
    /// Only of these makers: code or GLN
    #[arg(long = "subject", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub subjects: Vec<String>,
    /// Only those that have not ended
    #[arg(long)]
    pub open_only: bool,
    /// As of this day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `labels`.
#[derive(Args, Clone, Debug)]
pub struct Labels {
    /// What became of this label: SERIES NUMBER
    #[arg(num_args = 2, value_names = ["SERIES", "NUMBER"])]
    pub label: Vec<String>,
    /// Only of this series
    #[arg(long, default_value = "", hide_default_value = true, conflicts_with = "label")]
    pub series: String,
    /// Only of these makers: code or GLN
    #[arg(long = "subject", value_name = "ORGANIZATION", value_delimiter = ',', conflicts_with = "label")]
    pub subjects: Vec<String>,
    /// As of this day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// Flags of `score`.
#[derive(Args, Clone, Debug)]
pub struct Score {
    /// As of this day [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub date: Option<String>,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

impl Programme {
    /// What every question heeds.
    pub fn flags(&self) -> &Flags {
        match self {
            Programme::Certificates(asked) => &asked.flags,
            Programme::Ocop(asked) => &asked.flags,
            Programme::Progress(asked) => &asked.flags,
            Programme::Closed(asked) => &asked.flags,
            Programme::Villages(asked) => &asked.flags,
            Programme::Trademarks(asked) => &asked.flags,
            Programme::Labels(asked) => &asked.flags,
            Programme::Score(asked) => &asked.flags,
        }
    }
}

/// Runs it.
pub async fn run(settings: Settings, programme: &Programme) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let flags = programme.flags();
    let at_least = flags.read.at_least.clone();
    let mut service = super::service!(ProgrammeServiceClient<Channel>, client.channel.clone());
    match programme.clone() {
        Programme::Certificates(Certificates { holders, products, kinds, date, lapsing, invalid_too, .. }) => {
            let request = ListCertificatesRequest {
                holders,
                products,
                kinds: kinds.iter().map(|kind| kind.number()).collect(),
                date: date.unwrap_or_default(),
                lapsing_within_days: lapsing,
                include_invalid: invalid_too,
                ..Default::default()
            };
            pages!(client, service, flags, list_certificates, "chuoi.programme.v1.ListCertificatesResponse", request)
        }
        Programme::Ocop(Ocop { subjects, products, districts, date, lapsing, min_stars, .. }) => {
            let (date, lapsing_within_days) = (date.unwrap_or_default(), lapsing);
            let request = ListOcopProductsRequest { subjects, products, districts, date, min_stars, ..Default::default() };
            let request = ListOcopProductsRequest { lapsing_within_days, ..request };
            pages!(client, service, flags, list_ocop_products, "chuoi.programme.v1.ListOcopProductsResponse", request)
        }
        Programme::Progress(Progress { date, districts, .. }) => {
            let request = ListOcopProgressRequest { date: date.unwrap_or_default(), districts, at_least };
            let answer = answered(service.list_ocop_progress(query(request)).await)?;
            show(&client, "chuoi.programme.v1.ListOcopProgressResponse", &answer)
        }
        Programme::Closed(Closed { date, sites, .. }) => {
            let request = ListStandingsRequest { date: date.unwrap_or_default(), sites, ..Default::default() };
            pages!(client, service, flags, list_standings, "chuoi.programme.v1.ListStandingsResponse", request)
        }
        Programme::Villages(Villages { districts, trade, recognised, date, .. }) => {
            let (date, recognised_only) = (date.unwrap_or_default(), recognised);
            let request = ListCraftVillagesRequest { districts, trade, recognised_only, date, ..Default::default() };
            pages!(client, service, flags, list_craft_villages, "chuoi.programme.v1.ListCraftVillagesResponse", request)
        }
        Programme::Trademarks(Trademarks { subjects, open_only, date, .. }) => {
            let date = date.unwrap_or_default();
            let request = ListTrademarkCasesRequest { subjects, open_only, date, ..Default::default() };
            pages!(client, service, flags, list_trademark_cases, "chuoi.programme.v1.ListTrademarkCasesResponse", request)
        }
        Programme::Labels(Labels { label, series, subjects, date, .. }) => {
            let date = date.unwrap_or_default();
            let [series_of, number] = label.as_slice() else {
                let request = ListLabelsRequest { subjects, series, date, ..Default::default() };
                return pages!(client, service, flags, list_labels, "chuoi.programme.v1.ListLabelsResponse", request);
            };
            let number = number.parse().map_err(|_| Failure::Usage(format!("{number:?} is no number of a label")))?;
            let request = GetLabelRequest { series: series_of.clone(), number, date, at_least };
            let answer = answered(service.get_label(query(request)).await)?;
            show(&client, "chuoi.programme.v1.GetLabelResponse", &answer)
        }
        Programme::Score(Score { date, .. }) => {
            let request = GetScoreRequest { date: date.unwrap_or_default(), at_least };
            let answer = answered(service.get_score(query(request)).await)?;
            show(&client, "chuoi.programme.v1.GetScoreResponse", &answer)
        }
    }
}
