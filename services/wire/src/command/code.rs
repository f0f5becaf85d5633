//! Commands about traceability codes.

use super::{as_typed, lot_reference, text, within_limit};
use crate::proto::chuoi::record::v1 as proto;
use crate::undecodable::{At as _, Undecodable, each};
use domain::command::{Action, CountScans, IssueCode, RevokeCode, ScanCount};

pub(super) fn issue(issue: &proto::IssueCode) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(IssueCode {
            product: text(&issue.product).at("product")?,
            lot: issue.lot.as_ref().map(lot_reference).transpose().at("lot")?,
        })
    };
    read().map(Action::IssueCode).at("issue_code")
}

pub(super) fn revoke(revoke: &proto::RevokeCode) -> Result<Action, Undecodable> {
    let read = || {
        Ok::<_, Undecodable>(RevokeCode {
            code: text(&revoke.code).at("code")?,
            reason: as_typed(&revoke.reason).map(Box::from).at("reason")?,
        })
    };
    read().map(Action::RevokeCode).at("revoke_code")
}

pub(super) fn count_scans(count: &proto::CountScans) -> Result<Action, Undecodable> {
    let scan = |scan: &proto::ScanCount| {
        Ok::<_, Undecodable>(ScanCount {
            code: text(&scan.code).at("code")?,
            district: text(&scan.district).at("district")?,
            count: scan.scan_count,
        })
    };
    let read = || {
        if count.scans.is_empty() {
            return Err(Undecodable::here("is empty; say what was scanned")).at("scans");
        }
        within_limit(count.scans.len()).at("scans")?;
        Ok(CountScans { scans: each(&count.scans, scan).at("scans")? })
    };
    read().map(Action::CountScans).at("count_scans")
}
