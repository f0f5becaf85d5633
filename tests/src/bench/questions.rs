//! How long questions take, and how soon a write is seen.

use crate::callers::unary;
use crate::measured::Measured;
use crate::trade::Trade;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use tonic::Code;
use tonic::transport::Channel;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{QueryStockRequest, StockFilter, StockKey};
use wire::proto::chuoi::throughput::v1::throughput_service_client::ThroughputServiceClient;
use wire::proto::chuoi::throughput::v1::{Period, QueryUtilizationRequest};
use wire::proto::chuoi::trace::v1::TraceLotRequest;
use wire::proto::chuoi::trace::v1::trace_service_client::TraceServiceClient;

/// A question that people ask.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// The stock of a shop, by product.
    Shop,
    /// What a shop has of one product: an answer of one size, however much trade there is.
    Shelf,
    /// A product across all shops, by channel.
    Product,
    /// All chains by month for a year, with utilization.
    Chains,
    /// The same by day: a page of 5,000 rows.
    ChainsByDay,
    /// A lot's history.
    Trace,
    /// What a harvest became, and where all of it is: the question of a recall.
    Family,
}

/// So many of one kind, one after the other; each of something else.
pub async fn asked(query: &Channel, trade: &Trade, question: Question, times: usize) -> Measured {
    let (mut measured, begun) = (Measured::none(), Instant::now());
    for number in 0..times {
        let (shop, product, _) = trade.asked(number);
        let since = Instant::now();
        match question {
            Question::Shop => stock(query, vec![shop], vec![], StockKey::Product).await,
            Question::Shelf => stock(query, vec![shop], vec![product], StockKey::Product).await,
            Question::Product => stock(query, vec![], vec![product], StockKey::Channel).await,
            Question::Chains | Question::ChainsByDay => {
                let year = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date().year();
                let request = QueryUtilizationRequest {
                    from_date: format!("{}-12-01", year - 1),
                    to_date: format!("{year}-11-30"),
                    period: if matches!(question, Question::Chains) { Period::Month } else { Period::Day }.into(),
                    page_size: 5_000,
                    ..Default::default()
                };
                ThroughputServiceClient::new(query.clone()).query_utilization(request).await.expect("utilization");
            }
            Question::Trace => {
                let request = TraceLotRequest { lot_code: format!("B{}", number + 1), ..Default::default() };
                TraceServiceClient::new(query.clone()).trace_lot(request).await.expect("a trace");
            }
            Question::Family => {
                let (lot_code, issuer_code, product) = trade.family().0;
                let request = TraceLotRequest { lot_code, issuer_code, product, ..Default::default() };
                let traced = TraceServiceClient::new(query.clone()).trace_lot(request).await.expect("a trace").into_inner();
                assert!(traced.holdings.len() >= 3 * 40 && traced.made_into.len() >= 13, "{} places", traced.holdings.len());
            }
        }
        measured.waited(since);
        measured.accepted += 1;
    }
    measured.seconds = begun.elapsed().as_secs_f64();
    measured
}

async fn stock(query: &Channel, sites: Vec<String>, products: Vec<String>, key: StockKey) {
    let request = QueryStockRequest {
        filter: Some(StockFilter { sites, products, ..StockFilter::default() }),
        group_by: vec![key.into()],
        ..QueryStockRequest::default()
    };
    StockServiceClient::new(query.clone()).query_stock(request).await.expect("stock");
}

/// How long a recorded step takes from the call to its answer, and from there until a question shows it.
pub async fn seen(recorder: &Channel, query: &Channel, step: crate::trade::Step, shop: &str) -> (Duration, Duration) {
    let since = Instant::now();
    let recorded = unary(recorder, step).await.expect("recorded").expect("a position");
    let answered = since.elapsed();
    while !shows(query, shop, &recorded.position).await {}
    (answered, since.elapsed() - answered)
}

/// Whether a shop's stock was answered as of a position; not, where the tables did not reach it in time.
async fn shows(query: &Channel, shop: &str, at_least: &str) -> bool {
    let request = QueryStockRequest {
        filter: Some(StockFilter { sites: vec![shop.to_owned()], ..StockFilter::default() }),
        group_by: vec![StockKey::Product.into()],
        at_least: at_least.to_owned(),
        ..QueryStockRequest::default()
    };
    match StockServiceClient::new(query.clone()).query_stock(request).await {
        Ok(_) => true,
        Err(status) if status.code() == Code::DeadlineExceeded => false,
        Err(status) => panic!("{status:?}"),
    }
}

/// From the acknowledgement of a write until a query of its shop's stock has answered with it.
pub async fn visible(recorder: &Channel, query: &Channel, trade: &Trade, time: Duration, pause: Duration) -> Measured {
    let (mut measured, begun) = (Measured::none(), Instant::now());
    while begun.elapsed() < time {
        let lot = trade.next();
        for step in lot.at_the_farm() {
            unary(recorder, step).await.expect("recorded");
        }
        for step in lot.at_the_shop().into_iter().filter(|step| !step.is_refused) {
            let recorded = unary(recorder, step).await.expect("recorded").expect("a position");
            let since = Instant::now();
            while !shows(query, lot.shop(), &recorded.position).await {}
            measured.waited(since);
            measured.accepted += 1;
            sleep(pause).await;
        }
    }
    measured.seconds = begun.elapsed().as_secs_f64();
    measured
}
