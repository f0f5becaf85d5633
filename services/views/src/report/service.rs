//! ReportService.

use crate::orders::read as orders;
use crate::page::Page;
use crate::read::{Views, whole};
use crate::report::{flows, goods, origin, records, shares};
use tonic::{Request, Response, Status};
use wire::proto::chuoi::report::v1::report_service_server::ReportService;
use wire::proto::chuoi::report::v1::{
    GetPublicFactsRequest, GetPublicFactsResponse, ListBuyersRequest, ListBuyersResponse, ListChannelSplitsRequest,
    ListChannelSplitsResponse, ListCoverRequest, ListCoverResponse, ListCoverageRequest, ListCoverageResponse,
    ListEarlyHarvestsRequest, ListEarlyHarvestsResponse, ListIdleChainsRequest, ListIdleChainsResponse, ListLatenessRequest,
    ListLatenessResponse, ListOrdersRequest, ListOrdersResponse, ListPlotLotsRequest, ListPlotLotsResponse, ListReturnsRequest,
    ListReturnsResponse, ListShortagesRequest, ListShortagesResponse, ListSourcesRequest, ListSourcesResponse,
    ListWithdrawalsRequest, ListWithdrawalsResponse,
};

pub(crate) struct Service(pub(crate) Views);

/// Answers a request for a list, whose token belongs to the request without its page and position.
macro_rules! list {
    ($service:expr, $request:expr, |$cut:ident, $asked:ident, $page:ident| $answer:expr) => {{
        let $asked = $request.into_inner();
        let mut same = $asked.clone();
        (same.page_size, same.page_token, same.at_least) = (0, String::new(), String::new());
        let $page = Page::read($asked.page_size, 1_000, 5_000, &$asked.page_token, &same)?;
        let client = $service.0.reach(&$asked.at_least).await?;
        Ok(Response::new(whole!(client, |$cut| {
            $cut.plan_each().await?;
            $answer.await
        })?))
    }};
}

#[tonic::async_trait]
impl ReportService for Service {
    async fn list_shortages(&self, request: Request<ListShortagesRequest>) -> Result<Response<ListShortagesResponse>, Status> {
        list!(self, request, |cut, asked, page| goods::shortages(cut, &asked, &page))
    }

    async fn list_cover(&self, request: Request<ListCoverRequest>) -> Result<Response<ListCoverResponse>, Status> {
        list!(self, request, |cut, asked, page| goods::cover(cut, &asked, &page))
    }

    async fn list_idle_chains(
        &self,
        request: Request<ListIdleChainsRequest>,
    ) -> Result<Response<ListIdleChainsResponse>, Status> {
        list!(self, request, |cut, asked, page| shares::idle_chains(cut, &asked, &page))
    }

    async fn list_coverage(&self, request: Request<ListCoverageRequest>) -> Result<Response<ListCoverageResponse>, Status> {
        list!(self, request, |cut, asked, page| shares::coverage(cut, &asked, &page))
    }

    async fn list_sources(&self, request: Request<ListSourcesRequest>) -> Result<Response<ListSourcesResponse>, Status> {
        list!(self, request, |cut, asked, page| shares::sources(cut, &asked, &page))
    }

    async fn list_channel_splits(
        &self,
        request: Request<ListChannelSplitsRequest>,
    ) -> Result<Response<ListChannelSplitsResponse>, Status> {
        list!(self, request, |cut, asked, page| shares::channel_splits(cut, &asked, &page))
    }

    async fn list_lateness(&self, request: Request<ListLatenessRequest>) -> Result<Response<ListLatenessResponse>, Status> {
        list!(self, request, |cut, asked, page| records::lateness(cut, &asked, &page))
    }

    async fn list_returns(&self, request: Request<ListReturnsRequest>) -> Result<Response<ListReturnsResponse>, Status> {
        list!(self, request, |cut, asked, page| flows::returns(cut, &asked, &page))
    }

    async fn list_buyers(&self, request: Request<ListBuyersRequest>) -> Result<Response<ListBuyersResponse>, Status> {
        list!(self, request, |cut, asked, page| flows::buyers(cut, &asked, &page))
    }

    async fn list_plot_lots(&self, request: Request<ListPlotLotsRequest>) -> Result<Response<ListPlotLotsResponse>, Status> {
        list!(self, request, |cut, asked, page| origin::plot_lots(cut, &asked, &page))
    }

    async fn list_early_harvests(
        &self,
        request: Request<ListEarlyHarvestsRequest>,
    ) -> Result<Response<ListEarlyHarvestsResponse>, Status> {
        list!(self, request, |cut, asked, page| origin::early_harvests(cut, &asked, &page))
    }

    async fn list_withdrawals(
        &self,
        request: Request<ListWithdrawalsRequest>,
    ) -> Result<Response<ListWithdrawalsResponse>, Status> {
        list!(self, request, |cut, asked, page| goods::withdrawals(cut, &asked, &page))
    }

    async fn list_orders(&self, request: Request<ListOrdersRequest>) -> Result<Response<ListOrdersResponse>, Status> {
        list!(self, request, |cut, asked, page| orders::list(cut, &asked, &page))
    }

    async fn get_public_facts(
        &self,
        request: Request<GetPublicFactsRequest>,
    ) -> Result<Response<GetPublicFactsResponse>, Status> {
        let asked = request.into_inner();
        let client = self.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| origin::public_facts(cut, &asked).await)?))
    }
}
