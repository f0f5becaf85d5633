//! The questions of planners, shops, cooperatives, inspectors and shoppers, over facts whose answers are known.

use crate::system::*;
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use wire::proto::chuoi::event::v1::{self as event, Process, RecallForm, RefusalReason, ReturnReason, SiteKind};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::*;
use wire::proto::chuoi::report::v1::report_service_client::ReportServiceClient;
use wire::proto::chuoi::report::v1::*;
use wire::proto::chuoi::safety::v1::Objection;
use wire::proto::chuoi::throughput::v1::ThroughputKey;

fn today() -> Date {
    TimeZone::get("Asia/Ho_Chi_Minh").unwrap().to_datetime(jiff::Timestamp::now()).date()
}

/// So many days ago, at a time of day.
fn ago(days: i64, time: &str) -> String {
    format!("{} {time}", today() - days.days())
}

fn register(fact: register::Fact) -> Command {
    command("2020-01-01", Action::Register(Register { fact: Some(fact) }))
}

/// A cooperative in a second district that is no source of the first product, and a shop far from the others.
fn more() -> Vec<Command> {
    use register::Fact;
    let site = |code: &str, kind: SiteKind, district: &str, latitude_e6: i32| {
        register(Fact::Site(event::SiteRegistered {
            site_code: code.into(),
            name: format!("Cơ sở {code}"),
            kind: kind.into(),
            organization_code: SHOP.into(),
            district_code: district.into(),
            latitude_e6,
            longitude_e6: 105_814_000,
            ..Default::default()
        }))
    };
    let product = |code: &str, name: &str, gtin: &str| {
        register(Fact::Product(event::ProductRegistered {
            product_code: code.into(),
            name: name.into(),
            group_code: "rau".into(),
            ocop_group: 1,
            base_unit: "KGM".into(),
            mass_gram: 1_000,
            content_kind: "loose".into(),
            gtin: gtin.into(),
            brand_owner_code: COOP.into(),
            ..Default::default()
        }))
    };
    let joined = |chain: &str, product: &str| {
        let member = Some(event::chain_member_joined::Member::ProductCode(product.into()));
        register(Fact::MemberJoined(event::ChainMemberJoined { chain_code: chain.into(), member, is_primary: false }))
    };
    let district = |code: &str, name: &str| {
        register(Fact::District(event::DistrictRegistered {
            district_code: code.into(),
            name: name.into(),
            kind: "quận".into(),
            ends_day: None,
        }))
    };
    vec![
        district("002", "Hoàn Kiếm"),
        site("GS1", SiteKind::GeneralStore, "001", 21_045_000),
        site("GS2", SiteKind::GeneralStore, "001", 21_055_000),
        product("PK2", "Rau cải", "09521234543213"),
        register(Fact::Chain(event::ChainRegistered {
            chain_code: "CH2".into(),
            name: "Chuỗi lặng".into(),
            lead_organization_code: COOP.into(),
            district_code: "002".into(),
            group_code: "rau".into(),
            share_supermarket_percent: 50,
            share_general_percent: 50,
            ..Default::default()
        })),
        joined("CH1", "PK2"),
        joined("CH2", "PK2"),
        joined("CH2", "PK1"),
    ]
}

fn harvest_of(code: &str, plot: &str, milli: i64) -> Action {
    let Action::Harvest(harvest) = harvest(code, milli) else { unreachable!("it is one") };
    let households = vec![
        harvest::Household { household_ref: "H-01".into(), quantity: quantity(milli / 4) },
        harvest::Household { household_ref: "H-02".into(), quantity: quantity(milli - milli / 4) },
    ];
    Action::Harvest(Harvest { plot: plot.into(), households, ..harvest })
}

fn refuse(shipment: &str, code: &str, milli: i64, reason: RefusalReason) -> Action {
    let Action::Receive(Receive { shipment, .. }) = receive(shipment, &[]) else { unreachable!("it is one") };
    Action::RefuseDelivery(RefuseDelivery {
        shipment,
        lines: lines(&[(code, milli)]),
        reason: reason.into(),
        ..Default::default()
    })
}

/// The service of a system.
fn service(system: &System) -> ReportServiceClient<tonic::transport::Channel> {
    ReportServiceClient::new(system.channel.clone())
}

async fn played() -> (System, String) {
    let system = System::start().await;
    for outcome in system.send_all(AUTHORITY, more()).await {
        assert_eq!(outcome.verdict(), Verdict::Accepted, "{outcome:?}");
    }
    let record = async |organization: &str, at: String, action: Action| system.record(organization, &at, action).await;
    // Ten days ago a harvest of two households goes to two supermarkets and a shop, which sells out.
    record(COOP, ago(10, "04:00"), harvest_of("T10", "Lô 7", 400_000)).await;
    record(COOP, ago(10, "05:00"), dispatch("PX-1", "SM1", &[("T10", 200_000)])).await;
    record(COOP, ago(10, "05:10"), dispatch("PX-2", "GS1", &[("T10", 50_000)])).await;
    record(COOP, ago(10, "05:20"), dispatch("PX-3", "SM2", &[("T10", 50_000)])).await;
    record(SHOP, ago(10, "07:00"), refuse("PX-1", "T10", 20_000, RefusalReason::Temperature)).await;
    record(SHOP, ago(10, "07:05"), receive("PX-1", &[("T10", 180_000)])).await;
    record(SHOP, ago(10, "07:10"), receive("PX-2", &[])).await;
    record(SHOP, ago(10, "07:20"), receive("PX-3", &[])).await;
    record(SHOP, ago(9, "17:00"), sell("GS1", &[("T10", 50_000)])).await;
    record(SHOP, ago(9, "17:30"), sell("SM1", &[("T10", 40_000)])).await;
    let back = CustomerReturn { site: "SM1".into(), lines: lines(&[("T10", 1_000)]), reason: ReturnReason::Quality.into() };
    let last = record(SHOP, ago(8, "09:00"), Action::CustomerReturn(back)).await;
    (system, last.position)
}

/// A shop that sold out sees where the nearest of it stands; a supermarket's stock lasts so many days.
#[tokio::test(flavor = "multi_thread")]
async fn shortages_name_the_nearest_stock_and_cover_counts_days() {
    let (system, at_least) = played().await;
    let request = ListShortagesRequest { products: vec!["PK1".into()], at_least: at_least.clone(), ..Default::default() };
    let rows = service(&system).list_shortages(request.clone()).await.unwrap().into_inner().rows;
    let [row] = rows.as_slice() else { panic!("only GS1 sold out: {rows:?}") };
    assert_eq!((row.site_code.as_str(), row.sold_milli, row.blocked_milli), ("GS1", 50_000, 0));
    assert_eq!(row.last_date, (today() - 9.days()).to_string());
    // SM1, SM2 and the farm stand in one place, 0.01 degrees of latitude away: 1.1 km; of them the first by code.
    assert_eq!((row.nearest_site_code.as_str(), row.nearest_milli), ("FA1", 100_000));
    assert!((1_100..1_125).contains(&row.nearest_metres), "{}", row.nearest_metres);
    // What is recalled is no stock: everybody lacks it.
    let recall = Recall {
        lots: lot("T10").into_iter().collect(),
        form: RecallForm::Compulsory.into(),
        reason: "tồn dư thuốc".into(),
        ..Default::default()
    };
    let at_least = system.record(AUTHORITY, &ago(1, "08:00"), Action::Recall(recall)).await.position;
    let request = ListShortagesRequest { at_least: at_least.clone(), ..request };
    let rows = service(&system).list_shortages(request).await.unwrap().into_inner().rows;
    let short: Vec<_> =
        rows.iter().map(|row| (row.site_code.as_str(), row.blocked_milli, row.nearest_site_code.as_str())).collect();
    assert_eq!(short, [("GS1", 0, ""), ("SM1", 141_000, ""), ("SM2", 50_000, "")]);
    // It has to leave every site where it stands.
    let request = ListWithdrawalsRequest { at_least: at_least.clone(), ..Default::default() };
    let rows = service(&system).list_withdrawals(request).await.unwrap().into_inner().rows;
    let stand: Vec<_> =
        rows.iter().map(|row| (row.site_code.as_str(), row.quantity_milli, row.from_site_code.as_str())).collect();
    assert_eq!(stand, [("FA1", 100_000, ""), ("SM1", 141_000, "FA1"), ("SM2", 50_000, "FA1")]);
    assert!(rows.iter().all(|row| row.reason() == WithdrawalReason::Recalled && row.detail == "tồn dư thuốc"), "{rows:?}");
    // 90 less 1 were sold in 28 days: 3.178 a day, of which the refused 20 are on their way back, and no longer any stock of a shop.
    let request = ListCoverRequest { products: vec!["PK1".into()], at_least, ..Default::default() };
    let answer = service(&system).list_cover(request).await.unwrap().into_inner();
    let [row] = answer.rows.as_slice() else { panic!("one product: {answer:?}") };
    assert_eq!((row.stock_milli, row.sold_per_day_milli), (311_000, 89_000 / 28));
    let basis = row.basis();
    assert!(basis == DemandBasis::RecentMean, "nothing was sold the year before: {basis:?}");
    assert_eq!(row.cover_days, Some(97), "311 less 97 times 89/28 is 2.7");
    assert_eq!(row.run_out_date, (today() + 97.days()).to_string());
    assert_eq!(row.short_before_tet, answer.days_to_tet > 97);
}

/// What chains reach and where not, how they keep their plans, who is silent, who is late.
#[tokio::test(flavor = "multi_thread")]
async fn planners_see_gaps_single_sources_shares_silence_and_lateness() {
    let (system, at_least) = played().await;
    let from_date = (today() - 20.days()).to_string();
    let request = ListCoverageRequest { from_date: from_date.clone(), at_least: at_least.clone(), ..Default::default() };
    let rows = service(&system).list_coverage(request.clone()).await.unwrap().into_inner().rows;
    let seen = |row: &Coverage| (row.district_code.clone(), row.kind(), row.sites, row.supplied_sites, row.stocked_sites);
    let expected = [
        ("001".to_owned(), SiteKind::GeneralStore, 2, 1, 0),
        ("001".to_owned(), SiteKind::Supermarket, 2, 2, 2),
        ("002".to_owned(), SiteKind::GeneralStore, 0, 0, 0),
        ("002".to_owned(), SiteKind::Supermarket, 0, 0, 0),
    ];
    assert_eq!(rows.iter().map(seen).collect::<Vec<_>>(), expected);
    let gaps = ListCoverageRequest { gaps_only: true, ..request };
    assert_eq!(service(&system).list_coverage(gaps).await.unwrap().into_inner().rows.len(), 2);

    let request = ListSourcesRequest { most_chains: Some(1), at_least: at_least.clone(), ..Default::default() };
    let rows = service(&system).list_sources(request).await.unwrap().into_inner().rows;
    let seen = |row: &Source| (row.product_code.clone(), row.member_chains, row.active_chains, row.only_chain_code.clone());
    let expected = [("PK2".to_owned(), 2, 0, String::new()), ("PK1".to_owned(), 2, 1, "CH1".to_owned())];
    assert_eq!(rows.iter().map(seen).collect::<Vec<_>>(), expected);
    assert_eq!(rows[1].dispatched_milli, 300_000);

    let request = ListChannelSplitsRequest { chains: vec!["CH1".into()], at_least: at_least.clone(), ..Default::default() };
    let rows = service(&system).list_channel_splits(request).await.unwrap().into_inner().rows;
    let seen = |row: &ChannelSplit| (row.kind(), row.planned_basis_points, row.actual_basis_points, row.gap_basis_points);
    let expected = [
        // 230 of 280 kg.
        (SiteKind::Supermarket, 10_000, Some(8_214), Some(-1_786)),
        (SiteKind::GeneralStore, 0, Some(1_786), Some(1_786)),
        (SiteKind::SpecialtyStore, 0, Some(0), Some(0)),
    ];
    assert_eq!(rows.iter().map(seen).collect::<Vec<_>>(), expected);

    let request = ListIdleChainsRequest { at_least: at_least.clone(), ..Default::default() };
    let rows = service(&system).list_idle_chains(request).await.unwrap().into_inner().rows;
    let seen: Vec<_> = rows.iter().map(|row| (row.chain_code.as_str(), row.idle, row.idle_days.is_some())).collect();
    assert_eq!(seen, [("CH2", true, false), ("CH1", true, true)], "one never entered anything");
    assert_eq!(rows[1].last_date, (today() - 8.days()).to_string());
    let on_time = ListIdleChainsRequest { date: rows[1].last_date.clone(), at_least: at_least.clone(), ..Default::default() };
    let rows = service(&system).list_idle_chains(on_time).await.unwrap().into_inner().rows;
    assert_eq!(rows.iter().map(|row| row.chain_code.as_str()).collect::<Vec<_>>(), ["CH2"]);

    let request = ListLatenessRequest { organizations: vec![COOP.into(), SHOP.into()], at_least, ..Default::default() };
    let mut rows = service(&system).list_lateness(request).await.unwrap().into_inner().rows;
    // Delays are told within four hundredths: which of the two is the later depends on the time of day.
    assert!(rows.is_sorted_by_key(|row| -row.p95_minutes), "{rows:?}");
    rows.sort_by(|one, other| one.organization_code.cmp(&other.organization_code));
    let seen: Vec<_> = rows.iter().map(|row| (row.organization_code.as_str(), row.events, row.late_basis_points)).collect();
    assert_eq!(seen, [(SHOP, 7, 10_000), (COOP, 4, 10_000)]);
    let minutes = rows[1].p50_minutes;
    assert!((9 * 1_440..=11 * 1_440).contains(&minutes), "ten days: {minutes}");
}

/// What came back and why, who buys, and that what was voided did not happen.
#[tokio::test(flavor = "multi_thread")]
async fn returns_are_summed_by_reason_and_buyers_by_what_they_took() {
    let (system, at_least) = played().await;
    let request = ListReturnsRequest { at_least: at_least.clone(), ..Default::default() };
    let rows = service(&system).list_returns(request.clone()).await.unwrap().into_inner().rows;
    let seen = |row: &Returned| (row.kind(), row.reason.clone(), row.quantity_milli, row.times, row.share_basis_points);
    let expected = [
        // 20 of 300 that arrived; 1 of 90 that was sold.
        (ReturnKind::Refused, "temperature".to_owned(), 20_000, 1, Some(667)),
        (ReturnKind::Customer, "quality".to_owned(), 1_000, 1, Some(111)),
    ];
    assert_eq!(rows.iter().map(seen).collect::<Vec<_>>(), expected);
    let by_site = ListReturnsRequest { group_by: vec![ThroughputKey::Site.into()], ..request.clone() };
    let rows = service(&system).list_returns(by_site).await.unwrap().into_inner().rows;
    let seen: Vec<_> = rows.iter().map(|row| (row.site_code.as_str(), row.share_basis_points)).collect();
    assert_eq!(seen, [("SM1", Some(1_000)), ("SM1", Some(250))], "of the 200 and the 40 of that site");

    let refused = system.record(SHOP, &ago(7, "07:00"), sell("SM2", &[("T10", 5_000)])).await;
    let back = CustomerReturn { site: "SM2".into(), lines: lines(&[("T10", 5_000)]), ..Default::default() };
    let back = system.record(SHOP, &ago(7, "08:00"), Action::CustomerReturn(back)).await;
    assert_ne!(refused.command_id, back.command_id);
    let void = Action::Void(Void { command_id: back.command_id, reason: "nhầm".into() });
    let voided = system.record(SHOP, &ago(7, "09:00"), void).await;
    let after = ListReturnsRequest { at_least: voided.position.clone(), ..request };
    assert_eq!(service(&system).list_returns(after).await.unwrap().into_inner().rows.len(), 2, "what was voided is no return");

    let request = ListBuyersRequest { products: vec!["PK1".into()], at_least: voided.position, ..Default::default() };
    let rows = service(&system).list_buyers(request.clone()).await.unwrap().into_inner().rows;
    let seen: Vec<_> = rows.iter().map(|row| (row.site_code.as_str(), row.received_milli, row.refused_milli, row.days)).collect();
    assert_eq!(seen, [("SM1", 180_000, 20_000, 1), ("GS1", 50_000, 0, 1), ("SM2", 50_000, 0, 1)]);
    // In pages of two.
    let first = service(&system).list_buyers(ListBuyersRequest { page_size: 2, ..request.clone() }).await.unwrap().into_inner();
    let rest = ListBuyersRequest { page_size: 2, page_token: first.next_page_token, ..request.clone() };
    let rest = service(&system).list_buyers(rest).await.unwrap().into_inner();
    assert_eq!((first.rows.len(), rest.rows.len(), rest.next_page_token.as_str()), (2, 1, ""));
    let nothing = service(&system).list_buyers(ListBuyersRequest { products: Vec::new(), ..request }).await.unwrap_err();
    assert_eq!(nothing.code(), tonic::Code::InvalidArgument, "{nothing}");
}

/// What an inspector finds of a plot, and what a shopper sees: never a quantity, a buyer or another shop.
#[tokio::test(flavor = "multi_thread")]
async fn a_plot_leads_to_its_lots_and_a_code_to_what_everybody_may_know() {
    let (system, _) = played().await;
    let packed = Transform {
        site: "FA1".into(),
        process: Process::Packing.into(),
        inputs: lines(&[("T10", 50_000)]),
        outputs: vec![transform::Output { lot: new_lot("P10"), quantity: quantity(48_000) }],
        ..Default::default()
    };
    let packed = system.record(COOP, &ago(9, "06:00"), Action::Transform(packed)).await;
    let request = ListPlotLotsRequest { plot: "lô 7".into(), at_least: packed.position.clone(), ..Default::default() };
    let rows = service(&system).list_plot_lots(request.clone()).await.unwrap().into_inner().rows;
    let [row] = rows.as_slice() else { panic!("one harvest: {rows:?}") };
    let households: Vec<_> = row.households.iter().map(|of| (of.household.as_str(), of.quantity_milli)).collect();
    assert_eq!(households, [("H-01", 100_000), ("H-02", 300_000)]);
    assert_eq!((row.lot.as_ref().unwrap().lot_code.as_str(), row.harvested_milli), ("T10", 400_000));
    let before = ListPlotLotsRequest { to_date: (today() - 11.days()).to_string(), ..request };
    assert!(service(&system).list_plot_lots(before).await.unwrap().into_inner().rows.is_empty());

    // Treated five days before that harvest, with a waiting time of seven; and with six the day after it.
    for (days, waiting_days) in [(15, 7), (9, 6)] {
        let treated = Observe {
            site: "FA1".into(),
            kind: event::ObservationKind::Treatment.into(),
            what: "Abamectin 1.8EC".into(),
            treatment: Some(event::Treatment { plot: "LÔ 7".into(), waiting_days }),
            ..Default::default()
        };
        system.record(COOP, &ago(days, "16:00"), Action::Observe(treated)).await;
    }
    let other = Observe {
        site: "FA1".into(),
        kind: event::ObservationKind::Treatment.into(),
        treatment: Some(event::Treatment { plot: "Lô 8".into(), waiting_days: 30 }),
        ..Default::default()
    };
    let last = system.record(COOP, &ago(15, "17:00"), Action::Observe(other)).await.position;
    let request = ListEarlyHarvestsRequest { at_least: last, ..Default::default() };
    let rows = service(&system).list_early_harvests(request).await.unwrap().into_inner().rows;
    let [row] = rows.as_slice() else { panic!("one harvest came too early: {rows:?}") };
    assert_eq!((row.lot.as_ref().unwrap().lot_code.as_str(), row.waiting_days), ("T10", 7));
    assert_eq!(row.allowed_from_date, (today() - 8.days()).to_string());
    assert_eq!(row.substance, "Abamectin 1.8EC");

    let scan = GetPublicFactsRequest { code: "P10".into(), at_least: packed.position.clone(), ..Default::default() };
    let lots = service(&system).get_public_facts(scan.clone()).await.unwrap().into_inner().lots;
    let [facts] = lots.as_slice() else { panic!("one lot: {lots:?}") };
    assert_eq!((facts.product_name.as_str(), facts.origin_district_name.as_str()), ("Rau muống", "Ba Đình"));
    assert_eq!(facts.harvest_date, (today() - 10.days()).to_string());
    assert!(facts.sellable, "{facts:?}");
    let steps: Vec<_> = facts.steps.iter().map(|step| (step.kind().as_str_name(), step.date.clone())).collect();
    let day = |days: i64| (today() - days.days()).to_string();
    assert_eq!(steps, [("EVENT_KIND_HARVESTED", day(10)), ("EVENT_KIND_TRANSFORMED", day(9))]);
    let all = format!("{facts:?}");
    for secret in ["SM1", "SM2", "GS1", SHOP, "48000", "400000", "H-01"] {
        assert!(!all.contains(secret), "{secret} is nobody's business: {all}");
    }
    // What was made of a recalled lot says so.
    let form = RecallForm::Compulsory.into();
    let recall =
        Recall { lots: lot("T10").into_iter().collect(), form, reason: "tồn dư thuốc".into(), ..Default::default() };
    let recalled = system.record(AUTHORITY, &ago(1, "08:00"), Action::Recall(recall)).await;
    let scan = GetPublicFactsRequest { at_least: recalled.position, ..scan };
    let lots = service(&system).get_public_facts(scan.clone()).await.unwrap().into_inner().lots;
    assert_eq!(lots[0].objections, [i32::from(Objection::Recalled)]);
    assert_eq!((lots[0].sellable, lots[0].recall_reason.as_str()), (false, "tồn dư thuốc"));
    let unknown = GetPublicFactsRequest { code: "https://example.vn/01/09521234543213/10/NONE".into(), ..scan };
    let unknown = service(&system).get_public_facts(unknown).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound, "{unknown}");
}
