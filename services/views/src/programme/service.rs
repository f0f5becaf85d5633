//! ProgrammeService.

use super::{certificates, labels, read};
use crate::page::Page;
use crate::read::{Views, whole};
use tonic::{Request, Response, Status};
use wire::proto::chuoi::programme::v1::programme_service_server::ProgrammeService;
use wire::proto::chuoi::programme::v1::*;

pub(crate) struct Service(pub(crate) Views);

/// A page of an answer.
macro_rules! list {
    ($service:ident, $request:ident, $list:path) => {{
        let asked = $request.into_inner();
        let mut same = asked.clone();
        (same.page_size, same.page_token, same.at_least) = (0, String::new(), String::new());
        let page = Page::read(asked.page_size, 1_000, 5_000, &asked.page_token, &same)?;
        let client = $service.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| {
            cut.plan_each().await?;
            $list(cut, &asked, &page).await
        })?))
    }};
}

#[tonic::async_trait]
impl ProgrammeService for Service {
    async fn list_certificates(
        &self,
        request: Request<ListCertificatesRequest>,
    ) -> Result<Response<ListCertificatesResponse>, Status> {
        list!(self, request, certificates::list_certificates)
    }

    async fn list_ocop_products(
        &self,
        request: Request<ListOcopProductsRequest>,
    ) -> Result<Response<ListOcopProductsResponse>, Status> {
        list!(self, request, read::list_ocop_products)
    }

    async fn list_ocop_progress(
        &self,
        request: Request<ListOcopProgressRequest>,
    ) -> Result<Response<ListOcopProgressResponse>, Status> {
        let asked = request.into_inner();
        let client = self.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| read::list_ocop_progress(cut, &asked).await)?))
    }

    async fn list_standings(&self, request: Request<ListStandingsRequest>) -> Result<Response<ListStandingsResponse>, Status> {
        list!(self, request, read::list_standings)
    }

    async fn list_craft_villages(
        &self,
        request: Request<ListCraftVillagesRequest>,
    ) -> Result<Response<ListCraftVillagesResponse>, Status> {
        list!(self, request, read::list_craft_villages)
    }

    async fn list_trademark_cases(
        &self,
        request: Request<ListTrademarkCasesRequest>,
    ) -> Result<Response<ListTrademarkCasesResponse>, Status> {
        list!(self, request, read::list_trademark_cases)
    }

    async fn list_labels(&self, request: Request<ListLabelsRequest>) -> Result<Response<ListLabelsResponse>, Status> {
        list!(self, request, labels::list_labels)
    }

    async fn get_label(&self, request: Request<GetLabelRequest>) -> Result<Response<GetLabelResponse>, Status> {
        let asked = request.into_inner();
        let client = self.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| labels::label(cut, &asked).await)?))
    }

    async fn get_score(&self, request: Request<GetScoreRequest>) -> Result<Response<GetScoreResponse>, Status> {
        let asked = request.into_inner();
        let client = self.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| read::score(cut, &asked).await)?))
    }
}
