//! ThroughputService.

use crate::page::Page;
use crate::read::{Views, whole};
use crate::throughput::{measures, read, utilization};
use tonic::{Request, Response, Status};
use wire::proto::chuoi::throughput::v1::throughput_service_server::ThroughputService;
use wire::proto::chuoi::throughput::v1::{
    QueryMeasuresRequest, QueryMeasuresResponse, QueryThroughputRequest, QueryThroughputResponse, QueryUtilizationRequest,
    QueryUtilizationResponse,
};

pub(crate) struct Service(pub(crate) Views);

#[tonic::async_trait]
impl ThroughputService for Service {
    async fn query_throughput(
        &self,
        request: Request<QueryThroughputRequest>,
    ) -> Result<Response<QueryThroughputResponse>, Status> {
        let request = request.into_inner();
        let same = QueryThroughputRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 500, 5_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| {
            cut.plan_each().await?;
            read::throughput(cut, &request, &page).await
        })?))
    }

    async fn query_utilization(
        &self,
        request: Request<QueryUtilizationRequest>,
    ) -> Result<Response<QueryUtilizationResponse>, Status> {
        let request = request.into_inner();
        let same =
            QueryUtilizationRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 500, 5_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| {
            cut.plan_each().await?;
            utilization::read(cut, &request, &page).await
        })?))
    }

    async fn query_measures(&self, request: Request<QueryMeasuresRequest>) -> Result<Response<QueryMeasuresResponse>, Status> {
        let request = request.into_inner();
        let same = QueryMeasuresRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 500, 5_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| {
            cut.plan_each().await?;
            measures::measures(cut, &request, &page).await
        })?))
    }
}
