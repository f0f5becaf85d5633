//! Traceability codes on the command line: issued, revoked, scanned, and what they stand for.

use clap::Args;
use tonic::transport::Channel;
use wire::proto::chuoi::code::v1::code_service_client::CodeServiceClient;
use wire::proto::chuoi::code::v1::{ListCodesRequest, ResolveCodeRequest};
use wire::proto::chuoi::record::v1 as record;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{LotReference, ScanCount};

use super::facts::Recordable;
use super::report::{Flags, pages, show};
use super::{Client, ReadFlags, answered, query, typed};
use crate::config::Settings;
use crate::failure::Failure;

/// A traceability code is issued.
#[derive(Args, Clone, Debug)]
pub struct IssueCode {
    /// Lot that it stands on: LOT, PRODUCT/LOT, ISSUER/PRODUCT/LOT or its id [default: all of the product]
    #[arg(long, value_name = "LOT", value_parser = typed::lot, required_unless_present = "product")]
    pub lot: Option<LotReference>,
    /// Product: code, GTIN or name
    #[arg(long, default_value = "", hide_default_value = true)]
    pub product: String,
}

/// A traceability code is revoked.
#[derive(Args, Clone, Debug)]
pub struct RevokeCode {
    /// The code, as printed or without its check
    pub code: String,
    /// Why
    #[arg(long)]
    pub reason: String,
}

/// Traceability codes were scanned.
#[derive(Args, Clone, Debug)]
pub struct CountScans {
    /// Which code, how often, and in which district if that is known; once for each
    #[arg(long = "scan", value_name = "CODE=COUNT[@DISTRICT]", required = true, value_parser = scan)]
    pub scans: Vec<ScanCount>,
}

/// Codes with their scans.
#[derive(Args, Clone, Debug)]
pub struct Codes {
    /// Only these codes, as printed or without their checks
    #[arg(value_name = "CODE")]
    pub codes: Vec<String>,
    /// Only those that these organizations had issued: code or GLN
    #[arg(long = "organization", value_name = "ORGANIZATION", value_delimiter = ',')]
    pub organizations: Vec<String>,
    /// Only those of these products: code or GTIN
    #[arg(long = "product", value_name = "PRODUCT", value_delimiter = ',')]
    pub products: Vec<String>,
    /// Only those on these lots: lot code or id
    #[arg(long = "lot", value_name = "LOT", value_delimiter = ',')]
    pub lots: Vec<String>,
    /// Only those that were probably copied
    #[arg(long)]
    pub copied_only: bool,
    /// What every question heeds.
    #[command(flatten)]
    pub flags: Flags,
}

/// What everybody may know of a code.
#[derive(Args, Clone, Debug)]
pub struct Code {
    /// The code as printed
    pub code: String,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

impl Recordable for IssueCode {
    fn action(&self) -> Action {
        Action::IssueCode(record::IssueCode { product: self.product.clone(), lot: self.lot.clone() })
    }
}

impl Recordable for RevokeCode {
    fn action(&self) -> Action {
        Action::RevokeCode(record::RevokeCode { code: self.code.clone(), reason: self.reason.clone() })
    }
}

impl Recordable for CountScans {
    fn action(&self) -> Action {
        Action::CountScans(record::CountScans { scans: self.scans.clone() })
    }
}

/// How often a code was scanned somewhere: `CODE=COUNT[@DISTRICT]`.
fn scan(text: &str) -> Result<ScanCount, String> {
    let wrong =
        || format!("{text:?} is no count of scans: say CODE=COUNT or CODE=COUNT@DISTRICT, for example 7KQ2-M9X4-0ABC=12@Ba Đình");
    let (code, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (count, district) = rest.split_once('@').unwrap_or((rest, ""));
    let scan_count = count.trim().parse().map_err(|_| wrong())?;
    Ok(ScanCount { code: code.trim().to_owned(), district: district.trim().to_owned(), scan_count })
}

/// Lists codes.
pub async fn list(settings: Settings, asked: &Codes) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(CodeServiceClient<Channel>, client.channel.clone());
    let Codes { codes, organizations, products, lots, copied_only, flags } = asked.clone();
    let request = ListCodesRequest { codes, organizations, products, lots, copied_only, ..Default::default() };
    pages!(client, service, flags, list_codes, "chuoi.code.v1.ListCodesResponse", request)
}

/// Says what a code stands for.
pub async fn resolve(settings: Settings, asked: &Code) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(CodeServiceClient<Channel>, client.channel.clone());
    let request = ResolveCodeRequest { code: asked.code.clone(), at_least: asked.read.at_least.clone() };
    let answer = answered(service.resolve_code(query(request)).await)?;
    show(&client, "chuoi.code.v1.ResolveCodeResponse", &answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_are_counted_by_code_and_district() {
        let counted = scan("7KQ2-M9X4-0ABC=12@Ba Đình").unwrap();
        assert_eq!((counted.code.as_str(), counted.scan_count, counted.district.as_str()), ("7KQ2-M9X4-0ABC", 12, "Ba Đình"));
        assert_eq!(scan("7KQ2M9X40ABC = 3").unwrap().district, "");
        for text in ["7KQ2M9X40ABC", "7KQ2M9X40ABC=", "7KQ2M9X40ABC=a@b"] {
            assert!(scan(text).unwrap_err().contains("CODE=COUNT"), "{text}");
        }
    }
}
