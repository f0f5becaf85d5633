//! Traceability codes: issued, told from invented ones, scanned where their goods are and where they never were, revoked.

use crate::system::*;
use tonic::Code;
use wire::proto::chuoi::code::v1::code_service_client::CodeServiceClient;
use wire::proto::chuoi::code::v1::{CodeRow, CodeStanding, ListCodesRequest, ResolveCodeRequest, ResolveCodeResponse};
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::*;

fn issue(of: &str) -> Action {
    let of = (!of.is_empty()).then(|| lot(of)).flatten();
    Action::IssueCode(IssueCode { product: "PK1".into(), lot: of })
}

fn scans(counted: &[(&str, &str, i64)]) -> Action {
    let scan = |(code, district, count): &(&str, &str, i64)| ScanCount {
        code: (*code).into(),
        district: (*district).into(),
        scan_count: *count,
    };
    Action::CountScans(CountScans { scans: counted.iter().map(scan).collect() })
}

fn district(code: &str, name: &str) -> Action {
    let fact = event::DistrictRegistered { district_code: code.into(), name: name.into(), kind: "quận".into(), ends_day: None };
    Action::Register(Register { fact: Some(register::Fact::District(fact)) })
}

async fn resolve(system: &System, code: &str, at_least: &str) -> Result<ResolveCodeResponse, tonic::Status> {
    let request = ResolveCodeRequest { code: code.into(), at_least: at_least.into() };
    Ok(CodeServiceClient::new(system.channel.clone()).resolve_code(request).await?.into_inner())
}

async fn list(system: &System, request: ListCodesRequest) -> Vec<CodeRow> {
    CodeServiceClient::new(system.channel.clone()).list_codes(request).await.unwrap().into_inner().rows
}

/// The code that an answer says was issued.
fn issued(recorded: &Recorded) -> String {
    match &recorded.events[0].fact {
        Some(event::event::Fact::CodeIssued(fact)) => fact.code.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_told_from_an_invented_one_and_from_one_that_nobody_issued() {
    let system = System::start().await;
    system.record(COOP, "2024-03-01 04:00", harvest("T1", 500_000)).await;
    let recorded = system.record(COOP, "2024-03-01 05:00", issue("T1")).await;
    let (code, at_least) = (issued(&recorded), recorded.position.clone());
    let of_product = system.record(COOP, "2024-03-01 05:10", issue("")).await;
    let rows = list(&system, ListCodesRequest { at_least: of_product.position.clone(), ..Default::default() }).await;
    assert_eq!(rows.len(), 2);
    let row = list(&system, ListCodesRequest { codes: vec![code.clone()], ..Default::default() }).await.remove(0);
    assert_eq!((row.standing(), row.lot_code.as_str(), row.organization_code.as_str()), (CodeStanding::Valid, "T1", COOP));
    let bare: String = row.code.chars().filter(|letter| *letter != '-').collect();
    assert!(bare.starts_with(&code) && bare.len() == 16, "{}", row.code);

    // However it is typed; with what everybody may know of its lot, and nothing of prices, partners or scans.
    for typed in [row.code.clone(), row.code.to_lowercase(), bare.clone()] {
        let found = resolve(&system, &typed, &at_least).await.unwrap();
        assert_eq!(
            (found.standing(), found.code.as_str(), found.producer_name.as_str()),
            (CodeStanding::Valid, row.code.as_str(), "Đơn vị HTX1")
        );
        assert_eq!(found.lot.unwrap().lot_code, "T1");
    }
    // One letter misread, or all of them invented.
    let last = if bare.ends_with('0') { '1' } else { '0' };
    let misread = format!("{}{last}", &bare[..15]);
    let found = resolve(&system, &misread, "").await.unwrap();
    assert_eq!((found.standing(), found.lot, found.product_code.as_str()), (CodeStanding::Invented, None, ""));
    assert_eq!(resolve(&system, "7777-7777-7777-7777", "").await.unwrap().standing(), CodeStanding::Invented);
    // Without its check nobody can tell.
    assert_eq!(resolve(&system, &code, "").await.unwrap_err().code(), Code::InvalidArgument);

    // Voided it was never issued: its check is right all the same.
    let void = Action::Void(Void { command_id: recorded.command_id, reason: "gõ nhầm lô".into() });
    let at_least = system.record(COOP, "2024-03-01 06:00", void).await.position;
    assert_eq!(resolve(&system, &bare, &at_least).await.unwrap().standing(), CodeStanding::Unknown);

    // Revoked it says since when, and why.
    let code = list(&system, ListCodesRequest::default()).await.remove(0).code;
    let revoke = Action::RevokeCode(RevokeCode { code: code.clone(), reason: "tem bị chép".into() });
    let at_least = system.record(COOP, "2024-03-05 06:00", revoke).await.position;
    let found = resolve(&system, &code, &at_least).await.unwrap();
    assert_eq!(
        (found.standing(), found.revoked_date.as_str(), found.revoked_reason.as_str()),
        (CodeStanding::Revoked, "2024-03-05", "tem bị chép")
    );
    assert_eq!(system.verify().await.differences, []);
}

/// Its goods were in Ba Đình alone: scans there are shopping, a few elsewhere too, most of them elsewhere are copies.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_scanned_where_its_goods_never_were_was_probably_copied() {
    let system = System::start().await;
    for (code, name) in [("002", "Hoàn Kiếm"), ("003", "Tây Hồ"), ("004", "Long Biên"), ("005", "Cầu Giấy"), ("006", "Đống Đa")]
    {
        system.record(AUTHORITY, "2020-01-01", district(code, name)).await;
    }
    system.record(COOP, "2024-03-01 04:00", harvest("T1", 500_000)).await;
    let code = issued(&system.record(COOP, "2024-03-01 05:00", issue("T1")).await);
    let wide = issued(&system.record(COOP, "2024-03-01 05:10", issue("")).await);
    let few = issued(&system.record(COOP, "2024-03-01 05:20", issue("T1")).await);
    system.record(COOP, "2024-03-01 06:00", dispatch("PX-1", "SM1", &[("T1", 200_000)])).await;
    system.record(SHOP, "2024-03-01 08:00", receive("PX-1", &[])).await;
    let counted =
        scans(&[(&code, "Ba Đình", 30), (&code, "hoan kiem", 19), (&code, "", 500), (&wide, "001", 40), (&few, "002", 19)]);
    let at_least = system.record(AUTHORITY, "2024-03-02", counted).await.position;
    let judged = |rows: Vec<CodeRow>, code: &str| {
        let row = rows.into_iter().find(|row| row.code.replace('-', "").starts_with(code)).unwrap();
        (row.scan_count, row.elsewhere_scan_count, row.elsewhere_district_count, row.is_probably_copied)
    };
    let request = ListCodesRequest { at_least, ..Default::default() };
    assert_eq!(judged(list(&system, request.clone()).await, &code), (549, 19, 1, false));
    assert_eq!(judged(list(&system, request.clone()).await, &wide), (40, 0, 0, false));
    assert_eq!(judged(list(&system, request).await, &few), (19, 19, 1, false));

    // As many elsewhere as where its goods are is not most of them; twenty and nowhere else is enough.
    let at_least = system.record(AUTHORITY, "2024-03-02", scans(&[(&code, "002", 11), (&few, "003", 1)])).await.position;
    let rows = list(&system, ListCodesRequest { at_least, ..Default::default() }).await;
    assert_eq!(judged(rows.clone(), &code), (560, 30, 1, false));
    assert_eq!(judged(rows, &few), (20, 20, 2, true));

    // A count that was an error is taken back.
    let mistaken = system.record(AUTHORITY, "2024-03-03", scans(&[(&code, "003", 900)])).await;
    let copied = |at_least: String| ListCodesRequest { copied_only: true, at_least, ..Default::default() };
    assert_eq!(list(&system, copied(mistaken.position.clone())).await.len(), 2);
    let void = Action::Void(Void { command_id: mistaken.command_id, reason: "đếm hai lần".into() });
    let at_least = system.record(AUTHORITY, "2024-03-03", void).await.position;
    assert_eq!(list(&system, copied(at_least)).await.len(), 1);

    system.record(AUTHORITY, "2024-03-04", scans(&[(&code, "Long Biên", 1)])).await;
    let everywhere = scans(&[(&wide, "002", 1), (&wide, "003", 1), (&wide, "004", 1), (&wide, "005", 1), (&wide, "006", 1)]);
    let at_least = system.record(AUTHORITY, "2024-03-04", everywhere).await.position;
    let rows = list(&system, copied(at_least)).await;
    assert_eq!(judged(rows.clone(), &code), (561, 31, 1, true));
    assert_eq!(judged(rows.clone(), &wide), (45, 5, 5, true));
    for row in rows {
        assert!(resolve(&system, &row.code, "").await.unwrap().is_probably_copied);
    }
    assert_eq!(system.verify().await.differences, []);
}
