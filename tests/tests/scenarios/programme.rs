//! Certificates, OCOP grades, closed sites, craft villages, the map of a day, and how far the programme is.

use crate::system::*;
use wire::proto::chuoi::event::v1::{
    self as event, CertificateKind, CertificateStanding, GradingLevel, OcopRule, ProgrammeMeasure, SiteKind, SiteStanding,
};
use wire::proto::chuoi::programme::v1::programme_service_client::ProgrammeServiceClient;
use wire::proto::chuoi::programme::v1::*;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::register::Fact;
use wire::proto::chuoi::record::v1::*;
use wire::proto::chuoi::report::v1::report_service_client::ReportServiceClient;
use wire::proto::chuoi::report::v1::{GetPublicFactsRequest, ListCoverageRequest};
use wire::proto::chuoi::safety::v1::safety_service_client::SafetyServiceClient;
use wire::proto::chuoi::safety::v1::{CheckLotRequest, CheckLotResponse, Objection};

fn day(text: &str) -> i32 {
    domain::time::BusinessDay::of(text.parse().unwrap()).0
}

fn certificate(kind: CertificateKind, number: &str, until: Option<&str>) -> event::CertificateIssued {
    event::CertificateIssued {
        kind: kind.into(),
        number: number.into(),
        holder_code: COOP.into(),
        issuer: "Chi cục QLCL NLS&TS".into(),
        until_day: until.map(day),
        ..Default::default()
    }
}

async fn said(system: &System, date: &str, fact: Fact) -> Outcome {
    system.send(AUTHORITY, command(date, Action::Register(Register { fact: Some(fact) }))).await
}

async fn register(system: &System, date: &str, fact: Fact) -> String {
    let outcome = said(system, date, fact).await;
    assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
    outcome.recorded.unwrap().position
}

/// Why it was refused, and which field is at fault.
async fn refused(system: &System, date: &str, fact: Fact) -> String {
    let outcome = said(system, date, fact).await;
    assert_eq!(outcome.verdict(), Verdict::Refused, "{outcome:?}");
    format!("{outcome:?}")
}

fn programme(system: &System) -> ProgrammeServiceClient<tonic::transport::Channel> {
    ProgrammeServiceClient::new(system.channel.clone())
}

async fn check(system: &System, lot: &str, claims: &[CertificateKind], at_least: &str) -> CheckLotResponse {
    let request = CheckLotRequest {
        lot_code: lot.into(),
        claims: claims.iter().map(|claim| (*claim).into()).collect(),
        at_least: at_least.into(),
        ..Default::default()
    };
    SafetyServiceClient::new(system.channel.clone()).check_lot(request).await.unwrap().into_inner()
}

/// A label's claim is judged on the day of the harvest: a certificate that lapsed since bears it out, one that was suspended then does
/// not, however valid it is today.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_judged_on_the_day_of_the_harvest() {
    let system = System::start().await;
    let vietgap = |until| Fact::Certificate(certificate(CertificateKind::Vietgap, "VG-01", until));
    register(&system, "2024-01-01", vietgap(Some("2024-12-31"))).await;
    let standing = |standing: CertificateStanding, reason: &str| {
        Fact::CertificateStanding(event::CertificateStandingChanged {
            kind: CertificateKind::Vietgap.into(),
            number: "VG-01".into(),
            standing: standing.into(),
            reason: reason.into(),
        })
    };
    register(&system, "2024-06-01", standing(CertificateStanding::Suspended, "mẫu vượt ngưỡng")).await;
    register(&system, "2024-07-01", standing(CertificateStanding::Valid, "đã khắc phục")).await;
    for (code, at) in
        [("T1", "2024-05-31 05:00"), ("T2", "2024-06-30 05:00"), ("T3", "2024-07-01 00:30"), ("T4", "2025-01-01 05:00")]
    {
        system.record(COOP, at, harvest(code, 10_000)).await;
    }
    let at_least = register(&system, "2024-01-01", Fact::Certificate(certificate(CertificateKind::Haccp, "HA-7", None))).await;
    for (code, certified, why) in [
        ("T1", true, ""),
        ("T2", false, "VG-01 was suspended: mẫu vượt ngưỡng"),
        ("T3", true, ""),
        ("T4", false, "VG-01 ended on 2024-12-31"),
    ] {
        let answer = check(&system, code, &[CertificateKind::Vietgap, CertificateKind::Haccp], &at_least).await;
        let found: Vec<_> = answer.findings.iter().filter(|it| it.objection() == Objection::NotCertified).collect();
        assert_eq!(found.is_empty(), certified, "{code}: {found:?}");
        assert!(found.iter().all(|it| it.detail.contains(why)), "{code}: {found:?}");
        assert_eq!(answer.certificates.len(), 2, "{code}: {:?}", answer.certificates);
    }
    let answer = check(&system, "T1", &[CertificateKind::Organic], &at_least).await;
    assert!(
        !answer.sellable && answer.findings.iter().any(|it| it.detail.contains("none is known that covers it")),
        "{answer:?}"
    );
    // Nobody who claims nothing is held to anything.
    let without = check(&system, "T2", &[], &at_least).await;
    assert!(without.findings.iter().all(|it| it.objection() != Objection::NotCertified), "{without:?}");

    // Who scans the code sees those that held.
    let request = GetPublicFactsRequest { code: "T2".into(), at_least: at_least.clone(), ..Default::default() };
    let facts = ReportServiceClient::new(system.channel.clone()).get_public_facts(request).await.unwrap().into_inner();
    let numbers: Vec<_> = facts.lots[0].certificates.iter().filter_map(|it| Some(it.issued.as_ref()?.number.as_str())).collect();
    assert_eq!(numbers, ["HA-7"]);

    // A scope binds: it covers one product at one site alone.
    let narrow =
        event::CertificateIssued { site_codes: vec!["SM1".into()], ..certificate(CertificateKind::Organic, "OR-1", None) };
    let at_least = register(&system, "2024-01-01", Fact::Certificate(narrow)).await;
    let answer = check(&system, "T1", &[CertificateKind::Organic], &at_least).await;
    assert!(answer.findings.iter().any(|it| it.objection() == Objection::NotCertified), "{answer:?}");

    // Nor does it cover what began at another's site, whoever gave the lot its code; and only a code names a thing.
    let others = event::CertificateIssued { holder_code: SHOP.into(), ..certificate(CertificateKind::Iso22000, "IS-1", None) };
    let at_least = register(&system, "2024-01-01", Fact::Certificate(others)).await;
    let answer = check(&system, "T1", &[CertificateKind::Iso22000], &at_least).await;
    assert!(answer.findings.iter().any(|it| it.objection() == Objection::NotCertified), "{answer:?}");
    let ever = event::CertificateIssued { until_day: Some(i32::MAX), ..certificate(CertificateKind::Other, "X-1", None) };
    let why = refused(&system, "2024-01-01", Fact::Certificate(ever)).await;
    assert!(why.contains("until_day") && why.contains("9999-12-31"), "{why}");

    // What lapses, and what has: as of any day.
    let list = async |request: ListCertificatesRequest| {
        let request = ListCertificatesRequest { at_least: at_least.clone(), ..request };
        let rows = programme(&system).list_certificates(request).await.unwrap().into_inner().rows;
        rows.into_iter().map(|it| (it.issued.clone().unwrap().number, it.validity(), it.days_left)).collect::<Vec<_>>()
    };
    let lapsing = ListCertificatesRequest { date: "2024-12-01".into(), lapsing_within_days: 30, ..Default::default() };
    assert_eq!(list(lapsing.clone()).await, [("VG-01".to_owned(), Validity::Valid, Some(30))]);
    assert_eq!(list(ListCertificatesRequest { lapsing_within_days: 29, ..lapsing.clone() }).await, []);
    let all = ListCertificatesRequest { date: "2025-02-01".into(), include_invalid: true, ..Default::default() };
    let expected = [
        ("VG-01".to_owned(), Validity::Lapsed, None),
        ("HA-7".to_owned(), Validity::Valid, None),
        ("IS-1".to_owned(), Validity::Valid, None),
        ("OR-1".to_owned(), Validity::Valid, None),
    ];
    assert_eq!(list(all.clone()).await, expected);
    assert_eq!(list(ListCertificatesRequest { date: "2024-06-15".into(), ..all }).await[0].1, Validity::Suspended);

    // Renewed under its number it holds again; another's it never becomes.
    let at_least = register(&system, "2025-03-01", vietgap(Some("2026-02-28"))).await;
    let request = ListCertificatesRequest { date: "2025-03-01".into(), kinds: vec![1], at_least, ..Default::default() };
    let rows = programme(&system).list_certificates(request).await.unwrap().into_inner().rows;
    assert_eq!((rows.len(), rows[0].validity(), rows[0].until_date.as_str()), (1, Validity::Valid, "2026-02-28"));
    let other = event::CertificateIssued { holder_code: SHOP.into(), ..certificate(CertificateKind::Vietgap, "VG-01", None) };
    let why = refused(&system, "2025-03-01", Fact::Certificate(other)).await;
    assert!(why.contains("a certificate keeps its holder"), "{why}");
    let unknown = event::CertificateStandingChanged {
        kind: CertificateKind::Vietgap.into(),
        number: "VG-O1".into(),
        standing: CertificateStanding::Revoked.into(),
        reason: "x".into(),
    };
    let why = refused(&system, "2025-03-01", Fact::CertificateStanding(unknown)).await;
    assert!(why.contains("VG-01"), "the nearest is named: {why}");
    assert_eq!(system.verify().await.differences, []);
}

fn dossier(number: &str, product: &str, district: &str) -> Fact {
    Fact::OcopRegistered(event::OcopRegistered {
        dossier_number: number.into(),
        subject_code: COOP.into(),
        product_code: product.into(),
        district_code: district.into(),
    })
}

fn grade(number: &str, rule: OcopRule, points: [u32; 3]) -> Fact {
    let [community_hundredths, marketing_hundredths, quality_hundredths] = points;
    Fact::OcopGraded(event::OcopGraded {
        dossier_number: number.into(),
        rule: rule.into(),
        community_hundredths,
        marketing_hundredths,
        quality_hundredths,
        level: GradingLevel::Province.into(),
        decision_number: format!("QĐ-{number}"),
    })
}

/// Stars are computed by the rule of their day and hold for 36 months; the score of any day counts what held then, also after the
/// districts were merged away.
#[tokio::test(flavor = "multi_thread")]
async fn stars_follow_from_scores_and_the_programme_is_scored_on_any_day() {
    let system = System::start().await;
    register(&system, "2020-01-01", district("002", "Hoàn Kiếm")).await;
    register(&system, "2021-05-01", dossier("D1", "PK1", "001")).await;
    register(&system, "2021-06-01", dossier("D2", "PK1", "002")).await;
    register(&system, "2021-12-20", grade("D1", OcopRule::Decision1048, [3_000, 2_000, 3_950])).await;
    let why = refused(&system, "2021-12-20", grade("D2", OcopRule::Decision148, [3_000, 2_000, 2_000])).await;
    assert!(why.contains("1048/QĐ-TTg is in force"), "{why}");
    let why = refused(&system, "2021-12-20", grade("D2", OcopRule::Decision1048, [3_501, 2_000, 2_000])).await;
    assert!(why.contains("community_hundredths") && why.contains("3500"), "{why}");
    let why = refused(&system, "2021-12-20", grade("D3", OcopRule::Decision1048, [0; 3])).await;
    assert!(why.contains("register it first"), "{why}");
    // Mistyped points are said again for the day of the decision; a second dossier of the product makes it no second product.
    register(&system, "2021-12-21", dossier("D0", "PK1", "001")).await;
    register(&system, "2021-12-22", grade("D0", OcopRule::Decision1048, [0, 0, 0])).await;
    register(&system, "2021-12-22", grade("D0", OcopRule::Decision1048, [1_000, 1_000, 1_000])).await;
    let target = event::TargetSet {
        measure: ProgrammeMeasure::OcopGraded.into(),
        value: 2,
        due_day: day("2022-06-30"),
        source: "Kế hoạch 2021".into(),
    };
    let at_least = register(&system, "2021-01-01", Fact::Target(target)).await;

    let ocop = async |date: &str, request: ListOcopProductsRequest, at_least: &str| {
        let request = ListOcopProductsRequest { date: date.into(), at_least: at_least.into(), ..request };
        let rows = programme(&system).list_ocop_products(request).await.unwrap().into_inner().rows;
        rows.into_iter().map(|it| (it.dossier_number.clone(), it.stars, it.until_date.clone(), it.validity())).collect::<Vec<_>>()
    };
    // 89.5 points are four stars.
    let graded = ("D1".to_owned(), 4, "2024-12-19".to_owned(), Validity::Valid);
    let waiting = ("D2".to_owned(), 0, String::new(), Validity::Unspecified);
    let weak = ("D0".to_owned(), 2, String::new(), Validity::Unspecified);
    assert_eq!(ocop("2022-01-01", Default::default(), &at_least).await, [graded.clone(), weak, waiting.clone()]);
    assert_eq!(ocop("2021-12-19", Default::default(), &at_least).await[0].1, 0, "not graded the day before");
    let renewals = ListOcopProductsRequest { lapsing_within_days: 90, ..Default::default() };
    assert_eq!(ocop("2024-10-01", renewals.clone(), &at_least).await, std::slice::from_ref(&graded));
    assert_eq!(ocop("2024-12-20", renewals, &at_least).await, []);
    assert_eq!(ocop("2024-12-20", Default::default(), &at_least).await[0].3, Validity::Lapsed);
    assert_eq!(ocop("2024-12-19", ListOcopProductsRequest { min_stars: 4, ..Default::default() }, &at_least).await.len(), 1);

    let score = async |date: &str, at_least: &str| {
        let request = GetScoreRequest { date: date.into(), at_least: at_least.into() };
        let rows = programme(&system).get_score(request).await.unwrap().into_inner().rows;
        let found = |measure: ProgrammeMeasure| rows.iter().find(|it| it.measure() == measure).unwrap().clone();
        (
            found(ProgrammeMeasure::Chains).count,
            found(ProgrammeMeasure::OcopRegistered).count,
            found(ProgrammeMeasure::OcopGraded),
        )
    };
    let (chains, registered, graded) = score("2022-07-01", &at_least).await;
    let counted = (chains, registered, graded.count, graded.target, graded.basis_points, graded.overdue);
    assert_eq!(counted, (1, 1, 1, Some(2), Some(5_000), true), "one product of one maker, three dossiers");
    assert_eq!(score("2021-05-31", &at_least).await.1, 1, "as of that day");

    // On 1 July 2025 both districts pass to one ward; their dossiers and sites count there, and old reports stay what they were.
    register(&system, "2025-07-01", district("10015", "Phường Hoàn Kiếm")).await;
    for code in ["001", "002"] {
        let passed = event::DistrictSucceeded {
            from_district_code: code.into(),
            to_district_code: "10015".into(),
            share_basis_points: 10_000,
        };
        register(&system, "2025-07-01", Fact::DistrictSucceeded(passed)).await;
        let ended = event::DistrictRegistered {
            district_code: code.into(),
            name: "Quận cũ".into(),
            kind: "quận".into(),
            ends_day: Some(day("2025-07-01")),
        };
        register(&system, "2025-07-01", Fact::District(ended)).await;
    }
    let at_least = register(&system, "2025-07-02", grade("D2", OcopRule::Decision148, [3_500, 2_200, 3_400])).await;
    let progress = async |date: &str| {
        let request = ListOcopProgressRequest { date: date.into(), at_least: at_least.clone(), ..Default::default() };
        let rows = programme(&system).list_ocop_progress(request).await.unwrap().into_inner().rows;
        rows.into_iter().map(|it| (it.district_code, it.registered, it.graded, it.five_stars, it.lapsed)).collect::<Vec<_>>()
    };
    assert_eq!(progress("2022-01-01").await, [("001".to_owned(), 1, 1, 0, 0), ("002".to_owned(), 1, 0, 0, 0)]);
    assert_eq!(progress("2025-08-01").await, [("10015".to_owned(), 1, 1, 1, 0)], "its grade was renewed");
    let coverage = async |map_date: &str| {
        let request = ListCoverageRequest { map_date: map_date.into(), at_least: at_least.clone(), ..Default::default() };
        let answer = ReportServiceClient::new(system.channel.clone()).list_coverage(request).await.unwrap().into_inner();
        assert_eq!(answer.map_date, map_date);
        answer.rows.into_iter().filter(|row| row.sites > 0).map(|row| (row.district_code, row.sites)).collect::<Vec<_>>()
    };
    assert_eq!(coverage("2024-01-01").await, [("001".to_owned(), 2)]);
    assert_eq!(coverage("2025-08-01").await, [("10015".to_owned(), 2)]);
    assert_eq!(system.verify().await.differences, []);
}

fn district(code: &str, name: &str) -> Fact {
    Fact::District(event::DistrictRegistered {
        district_code: code.into(),
        name: name.into(),
        kind: "quận".into(),
        ends_day: None,
    })
}

/// A fair lasts five days: it takes goods in while it is open, and what is left when it closes is shown until it has left.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_site_takes_nothing_in_and_what_is_left_there_is_shown() {
    let system = System::start().await;
    let fair = event::SiteRegistered {
        site_code: "FAIR".into(),
        name: "Gian hàng tuần OCOP".into(),
        kind: SiteKind::FairStall.into(),
        organization_code: SHOP.into(),
        district_code: "001".into(),
        ..Default::default()
    };
    register(&system, "2021-12-01", Fact::Site(fair)).await;
    let standing = |standing: SiteStanding, until: Option<&str>, reason: &str| {
        Fact::SiteStanding(event::SiteStandingChanged {
            site_code: "FAIR".into(),
            standing: standing.into(),
            until_day: until.map(day),
            reason: reason.into(),
        })
    };
    register(&system, "2021-12-08", standing(SiteStanding::Open, Some("2021-12-12"), "")).await;
    system.record(COOP, "2021-12-08 04:00", harvest("T1", 50_000)).await;
    system.record(COOP, "2021-12-08 05:00", dispatch("PX-1", "FAIR", &[("T1", 20_000)])).await;
    system.record(SHOP, "2021-12-08 07:00", receive("PX-1", &[])).await;
    system.record(COOP, "2021-12-12 05:00", dispatch("PX-2", "FAIR", &[("T1", 10_000)])).await;
    system.record(SHOP, "2021-12-12 18:00", sell("FAIR", &[("T1", 15_000)])).await;
    let closed = system.send(COOP, command("2021-12-13 05:00", dispatch("PX-3", "FAIR", &[("T1", 10_000)]))).await;
    assert_eq!(closed.verdict(), Verdict::Refused);
    let why = format!("{closed:?}");
    assert!(why.contains("SITE_CLOSED") && why.contains("closed since 2021-12-13"), "{why}");
    // What has happened already is recorded, and marked.
    let late = system.send(SHOP, reported(command("2021-12-13 06:00", receive("PX-2", &[])))).await;
    assert_eq!(late.verdict(), Verdict::Accepted, "{late:?}");
    assert!(format!("{late:?}").contains("SITE_CLOSED"), "{late:?}");
    let at_least = late.recorded.unwrap().position;
    let standings = async |date: &str, at_least: &str| {
        let request = ListStandingsRequest { date: date.into(), at_least: at_least.into(), ..Default::default() };
        let rows = programme(&system).list_standings(request).await.unwrap().into_inner().rows;
        rows.into_iter()
            .map(|it| (it.site_code.clone(), it.standing(), it.from_date.clone(), it.estimated_mass_gram, it.shipment_codes))
            .collect::<Vec<_>>()
    };
    let left = ("FAIR".to_owned(), SiteStanding::Closed, "2021-12-13".to_owned(), 15_000, Vec::new());
    assert_eq!(standings("2021-12-20", &at_least).await, [left]);
    assert_eq!(standings("2021-12-12", &at_least).await, []);
    // It goes back; then nothing is left.
    let back = Dispatch { from_site: "FAIR".into(), ..dispatched(dispatch("TR-1", "FA1", &[("T1", 15_000)])) };
    let at_least = system.record(SHOP, "2021-12-13 09:00", Action::Dispatch(back)).await.position;
    assert_eq!(standings("2021-12-20", &at_least).await[0].3, 0);
    // A restricted site goes on; what is on its way to it is listed, so that it may be led elsewhere.
    register(&system, "2021-12-14", standing(SiteStanding::Restricted, Some("2021-12-20"), "phòng dịch")).await;
    let at_least = system.record(COOP, "2021-12-14 05:00", dispatch("PX-4", "FAIR", &[("T1", 5_000)])).await.position;
    let restricted = ("FAIR".to_owned(), SiteStanding::Restricted, "2021-12-14".to_owned(), 0, vec!["PX-4".to_owned()]);
    assert_eq!(standings("2021-12-20", &at_least).await, [restricted]);
    assert_eq!(standings("2021-12-21", &at_least).await, [], "then it is open again");
    assert_eq!(system.verify().await.differences, []);
}

fn dispatched(action: Action) -> Dispatch {
    match action {
        Action::Dispatch(dispatch) => dispatch,
        other => panic!("{other:?}"),
    }
}

/// Craft villages are found by their trade without marks, and counted once they were recognised.
#[tokio::test(flavor = "multi_thread")]
async fn craft_villages_are_listed_by_trade_as_of_any_day() {
    let system = System::start().await;
    let village = |code: &str, trade: &str, recognition: &str| {
        Fact::CraftVillage(event::CraftVillageRegistered {
            village_code: code.into(),
            name: format!("Làng {code}"),
            trade: trade.into(),
            district_code: "001".into(),
            recognition_number: recognition.into(),
        })
    };
    register(&system, "2020-01-01", village("LN1", "mây tre đan", "")).await;
    register(&system, "2020-01-01", village("LN2", "Gốm sứ", "1/QĐ")).await;
    let at_least = register(&system, "2022-01-01", village("LN1", "Mây tre đan", "2/QĐ")).await;
    let list = async |request: ListCraftVillagesRequest| {
        let request = ListCraftVillagesRequest { at_least: at_least.clone(), ..request };
        let rows = programme(&system).list_craft_villages(request).await.unwrap().into_inner().rows;
        rows.into_iter().map(|it| it.registered.unwrap().village_code).collect::<Vec<_>>()
    };
    assert_eq!(list(ListCraftVillagesRequest { trade: "MAY TRE DAN".into(), ..Default::default() }).await, ["LN1"]);
    let recognised = ListCraftVillagesRequest { recognised_only: true, ..Default::default() };
    assert_eq!(list(ListCraftVillagesRequest { date: "2021-12-31".into(), ..recognised.clone() }).await, ["LN2"]);
    assert_eq!(list(recognised).await, ["LN1", "LN2"]);
    let request = GetScoreRequest { date: "2021-12-31".into(), at_least: at_least.clone() };
    let rows = programme(&system).get_score(request).await.unwrap().into_inner().rows;
    let count = |measure: ProgrammeMeasure| rows.iter().find(|it| it.measure() == measure).unwrap().count;
    let counts = [ProgrammeMeasure::CraftVillages, ProgrammeMeasure::CraftVillagesRecognised, ProgrammeMeasure::CraftTrades];
    assert_eq!(counts.map(count), [2, 1, 2]);
    assert_eq!(system.verify().await.differences, []);
}

/// Each label is issued once and used, spoiled or voided once; a case goes from step to step and ends.
#[tokio::test(flavor = "multi_thread")]
async fn each_label_is_accounted_for_once_and_a_trademark_s_case_ends() {
    use wire::proto::chuoi::event::v1::{LabelFate, TrademarkStep};
    let system = System::start().await;
    let labels = |fate: LabelFate, first: i64, last: i64| {
        let subject_code = if fate == LabelFate::Issued { COOP } else { "" }.to_owned();
        let (series, product_code) = ("OCOP-HN".to_owned(), String::new());
        Fact::Labels(event::LabelsCounted { series, fate: fate.into(), first, last, subject_code, product_code })
    };
    register(&system, "2021-12-01", labels(LabelFate::Issued, 1, 1_000)).await;
    register(&system, "2021-12-02", labels(LabelFate::Issued, 1_001, 1_500)).await;
    register(&system, "2021-12-10", labels(LabelFate::Used, 1, 300)).await;
    register(&system, "2021-12-11", labels(LabelFate::Spoiled, 301, 310)).await;
    let at_least = register(&system, "2021-12-12", labels(LabelFate::Voided, 990, 1_010)).await;
    for (again, why) in [
        (labels(LabelFate::Issued, 1_500, 1_600), "OCOP-HN 1500 is issued already"),
        (labels(LabelFate::Used, 300, 305), "OCOP-HN 300 is used already"),
        (labels(LabelFate::Used, 980, 995), "OCOP-HN 990 is voided already"),
        (labels(LabelFate::Used, 1_490, 1_510), "OCOP-HN 1501 was never issued"),
    ] {
        let refused = refused(&system, "2021-12-13", again).await;
        assert!(refused.contains(why), "{why}: {refused}");
    }
    let early = refused(&system, "2021-11-30", labels(LabelFate::Used, 400, 410)).await;
    assert!(early.contains("is issued on 2021-12-01 only"), "{early}");
    let list = async |date: &str| {
        let request = ListLabelsRequest { date: date.into(), at_least: at_least.clone(), ..Default::default() };
        let rows = programme(&system).list_labels(request).await.unwrap().into_inner().rows;
        rows.into_iter().map(|it| (it.first, it.issued, it.used, it.spoiled, it.voided, it.left)).collect::<Vec<_>>()
    };
    assert_eq!(list("2021-12-12").await, [(1, 1_000, 300, 10, 11, 679), (1_001, 500, 0, 0, 10, 490)]);
    assert_eq!(list("2021-12-10").await, [(1, 1_000, 300, 0, 0, 700), (1_001, 500, 0, 0, 0, 500)]);
    let one = async |number: i64| {
        let request = GetLabelRequest { series: "OCOP-HN".into(), number, at_least: at_least.clone(), ..Default::default() };
        programme(&system).get_label(request).await.map(|answer| answer.into_inner())
    };
    let spoiled = one(305).await.unwrap();
    assert_eq!((spoiled.fate(), spoiled.since_date.as_str()), (LabelFate::Spoiled, "2021-12-11"));
    assert_eq!(spoiled.run.unwrap().subject_code, COOP);
    assert_eq!(one(500).await.unwrap().fate(), LabelFate::Issued);
    assert_eq!(one(2_000).await.unwrap_err().code(), tonic::Code::NotFound);

    let step = |step: TrademarkStep, due: Option<&str>| {
        Fact::TrademarkCase(event::TrademarkCaseStepped {
            case_number: "NH-7".into(),
            subject_code: COOP.into(),
            mark: "Rau sạch Gió Đồng".into(),
            step: step.into(),
            due_day: due.map(day),
        })
    };
    register(&system, "2021-01-10", step(TrademarkStep::Opened, Some("2021-03-01"))).await;
    let at_least = register(&system, "2021-02-20", step(TrademarkStep::Filed, Some("2021-12-31"))).await;
    let cases = async |date: &str, at_least: &str| {
        let request = ListTrademarkCasesRequest { date: date.into(), at_least: at_least.into(), ..Default::default() };
        let rows = programme(&system).list_trademark_cases(request).await.unwrap().into_inner().rows;
        rows.into_iter().map(|it| (it.step(), it.opened_date.clone(), it.overdue)).collect::<Vec<_>>()
    };
    let opened = "2021-01-10".to_owned();
    assert_eq!(cases("2021-02-01", &at_least).await, [(TrademarkStep::Opened, opened.clone(), false)]);
    assert_eq!(cases("2022-01-01", &at_least).await, [(TrademarkStep::Filed, opened.clone(), true)]);
    let at_least = register(&system, "2022-06-01", step(TrademarkStep::Granted, None)).await;
    assert_eq!(cases("2022-06-01", &at_least).await, [(TrademarkStep::Granted, opened, false)]);
    let why = refused(&system, "2022-07-01", step(TrademarkStep::Filed, None)).await;
    assert!(why.contains("ended on 2022-06-01"), "{why}");
    let why = refused(&system, "2021-02-01", step(TrademarkStep::Withdrawn, None)).await;
    assert!(why.contains("went on to granted on 2022-06-01"), "{why}");
    // What was typed wrongly is said again for its day.
    let at_least = register(&system, "2022-06-01", step(TrademarkStep::Refused, None)).await;
    assert_eq!(cases("2022-06-01", &at_least).await[0].0, TrademarkStep::Refused);
    assert_eq!(system.verify().await.differences, []);
}
