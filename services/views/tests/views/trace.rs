//! What TraceService answers.

use crate::book::*;
use crate::server::Server;
use domain::event::{Event, Fact, Lot, RecallForm, Recalled};
use tonic::Code;
use views::{Writer, database};
use wire::proto::chuoi::report::v1::ListWithdrawalsRequest;
use wire::proto::chuoi::report::v1::report_service_client::ReportServiceClient;
use wire::proto::chuoi::safety::v1::safety_service_client::SafetyServiceClient;
use wire::proto::chuoi::safety::v1::{CheckLotRequest, Objection};
use wire::proto::chuoi::stock::v1::OutsideReason;
use wire::proto::chuoi::trace::v1::trace_service_client::TraceServiceClient;
use wire::proto::chuoi::trace::v1::*;

type Client = TraceServiceClient<tonic::service::Routes>;

async fn serve(server: &Server, book: &Book) -> Client {
    Writer::open(&server.settings).await.unwrap().apply(&book.entries).await.unwrap();
    TraceServiceClient::new(views::services(database::connect(&server.settings).unwrap()))
}

async fn trace(client: &mut Client, code: &str) -> TraceLotResponse {
    client.trace_lot(TraceLotRequest { lot_code: code.into(), ..Default::default() }).await.unwrap().into_inner()
}

#[tokio::test]
async fn ten_of_two_lots_are_six_of_one_and_four_of_the_other() {
    let server = Server::start().await;
    let mut book = Book::small();
    let time = book.at("2026-11-16T08:00+07:00");
    let (a, b, mix) = (lot("A", "RAU"), lot("B", "RAU"), lot("MIX", "RAU"));
    book.say("HTX1", &time, harvested(&a, "F1", 60_000));
    book.say("HTX1", &time, harvested(&b, "F1", 40_000));
    book.say("HTX1", &time, packed("F1", &[(&a, 6_000), (&b, 4_000)], &[(&mix, 9_700)]));
    book.say("HTX1", &time, dispatched("1", "F1", "S1", &[(&a, 6_000), (&b, 4_000)]));
    book.say("HTX1", &time, dispatched("2", "F1", "S1", &[(&mix, 9_000)]));
    book.say("BLE1", &time, received("2", "S1", &[(&mix, 5_000)]));
    book.say("BLE1", &time, sold("S1", &[(&mix, 1_000)]));
    let mut client = serve(&server, &book).await;

    let answer = trace(&mut client, "MIX").await;
    assert_eq!(answer.made_from.len(), 1);
    let mut inputs: Vec<_> = answer.made_from[0].inputs.iter().map(|part| (part.lot_id.clone(), part.quantity_milli)).collect();
    inputs.sort_by_key(|(_, milli)| -milli);
    assert_eq!(inputs, [(a.id.to_string(), 6_000), (b.id.to_string(), 4_000)]);
    assert_eq!((answer.made_from[0].outputs[0].quantity_milli, answer.made_from[0].loss_gram), (9_700, Some(300)));
    assert_eq!(answer.lots.len(), 2);

    // Each lot's own share of the truck, and where its goods are now: in the mix.
    let answer = trace(&mut client, "A").await;
    let dispatched = answer.events.iter().find(|event| event.kind() == EventKind::Dispatched).unwrap();
    assert_eq!(dispatched.movements.iter().map(|moved| moved.quantity_milli).collect::<Vec<_>>(), [6_000]);
    assert_eq!((answer.made_into.len(), answer.made_into[0].depth), (1, 1));
    let held: Vec<_> = answer
        .holdings
        .iter()
        .map(|held| (held.lot_id == a.id.to_string(), held.site_code.as_str(), held.shipment_code.as_str(), held.quantity_milli))
        .collect();
    for expected in [
        (true, "F1", "", 48_000),
        (true, "", "1", 6_000),
        (false, "F1", "", 700),
        (false, "S1", "", 4_000),
        (false, "", "2", 4_000),
    ] {
        assert!(held.contains(&expected), "{expected:?} in {held:?}");
    }
    let sold = answer.outside.iter().find(|outside| outside.reason() == OutsideReason::Sold).unwrap();
    assert_eq!((sold.lot_id.clone(), sold.quantity_milli), (mix.id.to_string(), 1_000));
}

#[tokio::test]
async fn a_loop_ends_and_names_each_event_once() {
    let server = Server::start().await;
    let mut book = Book::small();
    let time = book.at("2026-11-16T08:00+07:00");
    let (a, b) = (lot("A", "RAU"), lot("B", "RAU"));
    book.say("HTX1", &time, harvested(&a, "F1", 60_000));
    // No recorder begins a lot twice; a trace ends all the same.
    book.say("HTX1", &time, packed("F1", &[(&a, 6_000)], &[(&b, 6_000)]));
    book.say("HTX1", &time, packed("F1", &[(&b, 6_000)], &[(&a, 6_000)]));
    for round in 0..3 {
        let (out, back) = (format!("OUT{round}"), format!("BACK{round}"));
        book.say("HTX1", &time, dispatched(&out, "F1", "S1", &[(&a, 1_000)]));
        book.say("BLE1", &time, refused(&out, "S1", &[(&a, 1_000)], Some((&back, "F1"))));
        book.say("HTX1", &time, received(&back, "F1", &[(&a, 1_000)]));
    }
    let mut client = serve(&server, &book).await;
    let answer = trace(&mut client, "A").await;
    assert_eq!((answer.made_from.len(), answer.made_into.len(), answer.truncated), (2, 2, false));
    let mut ids: Vec<_> = answer.events.iter().map(|event| event.event_id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), answer.total_events), (12, 12));
}

#[tokio::test]
async fn a_history_is_in_the_order_of_the_world_and_keeps_what_was_taken_back() {
    let server = Server::start().await;
    let mut book = Book::small();
    let a = lot("A", "RAU");
    let (morning, noon, evening) =
        (book.at("2026-11-16T08:00:00.5+07:00"), book.at("2026-11-16T12:00+07:00"), book.at("2026-11-16T20:00+09:00"));
    let date = book.on("2026-11-16");
    book.say("HTX1", &evening, opened(&a, "S1", 0));
    book.say("BLE1", &evening, counted("S1", &a, 0, 0));
    let wrong = book.say("BLE1", &noon, harvested(&a, "S1", 300_000));
    let right = book.take_back("BLE1", &noon, wrong, vec![harvested(&a, "S1", 30_000)]);
    book.say("BLE1", &date, sold("S1", &[(&a, 1_000)]));
    book.say("BLE1", &morning, opened(&a, "S2", 5_000));
    let mut client = serve(&server, &book).await;
    let answer = trace(&mut client, "A").await;
    let seen: Vec<_> = answer.events.iter().map(|event| (event.kind(), event.standing())).collect();
    use EventKind::*;
    use EventStanding::Stands;
    assert_eq!(
        seen,
        [
            (LotOpened, Stands),
            (Harvested, EventStanding::Corrected),
            (Corrected, Stands),
            (Harvested, Stands),
            (Counted, Stands),
            (Sold, Stands), // Known to the day: goods that went out that day come after its moments.
        ]
    );
    assert_eq!(answer.events[1].reversed_by_command_id, right.to_string());
    assert_eq!((answer.events[2].reverses_command_id.clone(), answer.events[2].reason.as_str()), (wrong.to_string(), "gõ nhầm"));
    assert!(answer.events[2].movements[0].is_reversal);
    assert_eq!(answer.events[4].counts[0].counted_milli, Some(0), "a count that changed nothing is history all the same");
    assert_eq!(answer.events[0].event_time.as_ref().unwrap().nanos, 500_000_000);
    assert_eq!((answer.events[4].utc_offset_minutes, answer.events[4].business_date.as_str()), (420, "2026-11-16"));
    // By pages the same.
    let mut paged = Vec::new();
    let mut request = TraceLotRequest { lot_code: "A".into(), page_size: 1, ..Default::default() };
    loop {
        let page = client.trace_lot(request.clone()).await.unwrap().into_inner();
        paged.extend(page.events);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(paged, answer.events);
}

#[tokio::test]
async fn a_code_that_several_lots_have_gives_them_to_choose_from() {
    let server = Server::start().await;
    let mut book = Book::small();
    let time = book.at("2026-11-16T08:00+07:00");
    book.say("HTX1", &time, harvested(&lot("01", "RAU"), "F1", 1_000));
    book.say("HTX1", &time, harvested(&lot("01", "TUI"), "F1", 2_000));
    let mut client = serve(&server, &book).await;
    let answer = trace(&mut client, "01").await;
    assert_eq!(answer.lot, None);
    assert_eq!(answer.candidates.iter().map(|lot| lot.product_code.as_str()).collect::<Vec<_>>(), ["RAU", "TUI"]);
    let one = TraceLotRequest {
        lot_code: "01".into(),
        issuer_code: "HTX1".into(),
        product: "9521415000016".into(),
        ..Default::default()
    };
    let answer = client.trace_lot(one).await.unwrap().into_inner();
    assert_eq!(answer.lot.unwrap().product_name, "Rau muống túi 500 g");
    for (request, code) in [
        (TraceLotRequest { lot_code: "02".into(), ..Default::default() }, Code::NotFound),
        (TraceLotRequest { lot_id: "02".into(), ..Default::default() }, Code::InvalidArgument),
        (TraceLotRequest::default(), Code::InvalidArgument),
    ] {
        assert_eq!(client.trace_lot(request).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn a_lot_of_more_origins_than_are_shown_is_stopped_by_any_of_them() {
    let server = Server::start().await;
    let mut book = Book::small();
    let time = book.at("2026-11-16T08:00+07:00");
    let farms: Vec<Lot> = (0..2_500).map(|number| lot(&format!("H{number}"), "RAU")).collect();
    let (mix, bag) = (lot("MIX", "RAU"), lot("BAG", "RAU"));
    let events = farms.iter().map(|farm| harvested(farm, "F1", 1_000));
    let events = events.map(|fact| Event { time: time.clone(), violations: vec![], names: vec![], fact }).collect();
    book.record("HTX1", events);
    let inputs: Vec<(&Lot, i64)> = farms.iter().map(|farm| (farm, 1_000)).collect();
    book.say("HTX1", &time, packed("F1", &inputs, &[(&mix, 2_400_000)]));
    book.say("HTX1", &time, packed("F1", &[(&mix, 2_000_000)], &[(&bag, 2_000_000)]));
    // The last that anyone would come to who looks at them in their order.
    let last = farms.iter().max_by_key(|farm| farm.id).unwrap();
    let recalled = Recalled {
        lots: vec![last.id],
        form: RecallForm::Compulsory,
        reason: "tồn dư thuốc".into(),
        decision: None,
        acknowledge_by: None,
    };
    book.say("SO-CT", &time, Fact::Recalled(recalled));
    Writer::open(&server.settings).await.unwrap().apply(&book.entries).await.unwrap();
    let routes = views::services(database::connect(&server.settings).unwrap());
    let mut safety = SafetyServiceClient::new(routes.clone());
    let asked = CheckLotRequest { lot_code: "BAG".into(), date: "2026-11-20".into(), ..Default::default() };
    let answer = safety.check_lot(asked).await.unwrap().into_inner();
    let objections: Vec<_> = answer.findings.iter().map(|finding| finding.objection()).collect();
    assert_eq!((answer.sellable, objections), (false, vec![Objection::Recalled]));
    let mut reports = ReportServiceClient::new(routes);
    let asked = ListWithdrawalsRequest { sites: vec!["F1".into()], ..Default::default() };
    let rows = reports.list_withdrawals(asked).await.unwrap().into_inner().rows;
    let mut codes: Vec<_> = rows.iter().filter_map(|row| row.lot.as_ref().map(|lot| lot.lot_code.as_str())).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["BAG", "MIX"]);
}
