//! SafetyService.

use crate::page::Page;
use crate::read::{Views, whole};
use crate::safety::{discrepancies, read, units};
use tonic::{Request, Response, Status};
use wire::proto::chuoi::safety::v1::safety_service_server::SafetyService;
use wire::proto::chuoi::safety::v1::{
    CheckLotRequest, CheckLotResponse, GetRecallRequest, GetRecallResponse, GetUnitRequest, GetUnitResponse, ListBlocksRequest,
    ListBlocksResponse, ListDiscrepanciesRequest, ListDiscrepanciesResponse,
};

pub(crate) struct Service(pub(crate) Views);

#[tonic::async_trait]
impl SafetyService for Service {
    async fn get_recall(&self, request: Request<GetRecallRequest>) -> Result<Response<GetRecallResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| read::recall(cut, &request).await)?))
    }

    async fn list_blocks(&self, request: Request<ListBlocksRequest>) -> Result<Response<ListBlocksResponse>, Status> {
        let request = request.into_inner();
        let same = ListBlocksRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 100, 1_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| read::blocks(cut, &request, &page).await)?))
    }

    async fn check_lot(&self, request: Request<CheckLotRequest>) -> Result<Response<CheckLotResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| read::check(cut, &request).await)?))
    }

    async fn list_discrepancies(
        &self,
        request: Request<ListDiscrepanciesRequest>,
    ) -> Result<Response<ListDiscrepanciesResponse>, Status> {
        let request = request.into_inner();
        let same =
            ListDiscrepanciesRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 100, 1_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| discrepancies::list(cut, &request, &page).await)?))
    }

    async fn get_unit(&self, request: Request<GetUnitRequest>) -> Result<Response<GetUnitResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| units::unit(cut, &request).await)?))
    }
}
