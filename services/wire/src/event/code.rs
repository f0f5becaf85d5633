//! Facts about traceability codes.

use super::{bytes, lot_id};
use crate::proto::chuoi::event::v1 as proto;
use crate::proto::chuoi::event::v1::event::Fact as ProtoFact;
use crate::undecodable::{At as _, Undecodable, each};
use domain::event::{CodeIssued, CodeRevoked, CodesScanned, Scan};
use domain::id::{DistrictCode, ProductCode, TraceCode};

fn code(text: &str) -> Result<TraceCode, Undecodable> {
    TraceCode::parse(text).map(|(code, _)| code).at("code")
}

pub(super) fn read_issued(fact: &proto::CodeIssued) -> Result<CodeIssued, Undecodable> {
    Ok(CodeIssued {
        code: code(&fact.code)?,
        product: ProductCode::parse(&fact.product_code).at("product_code")?,
        lot: (!fact.lot_id.is_empty()).then(|| lot_id(&fact.lot_id)).transpose().at("lot_id")?,
    })
}

pub(super) fn read_revoked(fact: &proto::CodeRevoked) -> Result<CodeRevoked, Undecodable> {
    Ok(CodeRevoked { code: code(&fact.code)?, reason: fact.reason.as_str().into() })
}

pub(super) fn read_scanned(fact: &proto::CodesScanned) -> Result<CodesScanned, Undecodable> {
    let scan = |scan: &proto::codes_scanned::Scan| {
        let district = (!scan.district_code.is_empty()).then(|| DistrictCode::parse(&scan.district_code));
        Ok::<_, Undecodable>(Scan {
            code: code(&scan.code)?,
            district: district.transpose().at("district_code")?,
            count: scan.scan_count,
        })
    };
    Ok(CodesScanned { scans: each(&fact.scans, scan).at("scans")? })
}

pub(super) fn write_issued(CodeIssued { code, product, lot }: &CodeIssued) -> ProtoFact {
    let lot_id = lot.map(|lot| bytes(lot.0)).unwrap_or_default();
    ProtoFact::CodeIssued(proto::CodeIssued { code: code.to_string(), product_code: product.to_string(), lot_id })
}

pub(super) fn write_revoked(CodeRevoked { code, reason }: &CodeRevoked) -> ProtoFact {
    ProtoFact::CodeRevoked(proto::CodeRevoked { code: code.to_string(), reason: reason.to_string() })
}

pub(super) fn write_scanned(CodesScanned { scans }: &CodesScanned) -> ProtoFact {
    let scan = |Scan { code, district, count }: &Scan| proto::codes_scanned::Scan {
        code: code.to_string(),
        district_code: district.as_ref().map(ToString::to_string).unwrap_or_default(),
        scan_count: *count,
    };
    ProtoFact::CodesScanned(proto::CodesScanned { scans: scans.iter().map(scan).collect() })
}
