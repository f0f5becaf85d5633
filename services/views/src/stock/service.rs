//! StockService.

use crate::page::Page;
use crate::read::{Cut, Views, whole};
use crate::shipments;
use crate::shipments::watch::Shipments;
use crate::stock::watch::Stock;
use crate::stock::{ledger, read, summary};
use crate::watching::{self, Messages};
use tonic::{Request, Response, Status};
use wire::proto::chuoi::stock::v1::stock_service_server::StockService;
use wire::proto::chuoi::stock::v1::{
    GetShipmentRequest, GetShipmentResponse, GetSummaryRequest, GetSummaryResponse, ListLotsByExpiryRequest,
    ListLotsByExpiryResponse, ListShipmentsRequest, ListShipmentsResponse, QueryLedgerRequest, QueryLedgerResponse,
    QueryStockRequest, QueryStockResponse, WatchShipmentsRequest, WatchShipmentsResponse, WatchStockRequest, WatchStockResponse,
};

pub(crate) struct Service(pub(crate) Views);

#[tonic::async_trait]
impl StockService for Service {
    async fn query_stock(&self, request: Request<QueryStockRequest>) -> Result<Response<QueryStockResponse>, Status> {
        let request = request.into_inner();
        let same = QueryStockRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 500, 5_000, &request.page_token, &same)?;
        let as_of = request.as_of.as_ref().map_or("", |as_of| &as_of.position);
        let client = self.0.reach_as_of(&request.at_least, "as_of.position", as_of).await?;
        Ok(Response::new(whole!(client, |cut| read::stock(cut, &request, &page).await)?))
    }

    async fn query_ledger(&self, request: Request<QueryLedgerRequest>) -> Result<Response<QueryLedgerResponse>, Status> {
        let request = request.into_inner();
        let same = QueryLedgerRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 500, 5_000, &request.page_token, &same)?;
        let client = self.0.reach_as_of(&request.at_least, "as_of_position", &request.as_of_position).await?;
        Ok(Response::new(whole!(client, |cut| ledger::ledger(cut, &request, &page).await)?))
    }

    async fn list_shipments(&self, request: Request<ListShipmentsRequest>) -> Result<Response<ListShipmentsResponse>, Status> {
        let request = request.into_inner();
        let same = ListShipmentsRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 50, 500, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| shipments::read::list(cut, &request, &page).await)?))
    }

    async fn get_shipment(&self, request: Request<GetShipmentRequest>) -> Result<Response<GetShipmentResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let shipment = shipments::read::get(cut, &request).await?;
            Ok(GetShipmentResponse { shipment: Some(shipment), position: cut.position() })
        });
        Ok(Response::new(answer?))
    }

    async fn list_lots_by_expiry(
        &self,
        request: Request<ListLotsByExpiryRequest>,
    ) -> Result<Response<ListLotsByExpiryResponse>, Status> {
        let request = request.into_inner();
        let same =
            ListLotsByExpiryRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 500, 5_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| read::by_expiry(cut, &request, &page).await)?))
    }

    async fn get_summary(&self, request: Request<GetSummaryRequest>) -> Result<Response<GetSummaryResponse>, Status> {
        let client = self.0.reach(&request.into_inner().at_least).await?;
        Ok(Response::new(whole!(client, |cut| summary::summary(cut).await)?))
    }

    type WatchStockStream = Messages<WatchStockResponse>;

    async fn watch_stock(&self, request: Request<WatchStockRequest>) -> Result<Response<Self::WatchStockStream>, Status> {
        let request = request.into_inner();
        let mut client = self.0.connection().await?;
        let cut = Cut::of(&mut client).await?;
        let at = watching::begin(&cut, &request.after_position, false)?;
        let with_balances = request.with_balances || request.after_position.is_empty();
        let stock = Stock { filter: read::Filter::of_watch(&cut, request.filter.as_ref()).await?, with_balances };
        Ok(Response::new(watching::watch(self.0.clone(), stock, at)))
    }

    type WatchShipmentsStream = Messages<WatchShipmentsResponse>;

    async fn watch_shipments(
        &self,
        request: Request<WatchShipmentsRequest>,
    ) -> Result<Response<Self::WatchShipmentsStream>, Status> {
        let request = request.into_inner();
        let mut client = self.0.connection().await?;
        let cut = Cut::of(&mut client).await?;
        let at = watching::begin(&cut, &request.after_position, request.from_beginning)?;
        let shipments = Shipments::of(&cut, &request).await?;
        Ok(Response::new(watching::watch(self.0.clone(), shipments, at)))
    }
}
