//! RegistryService.

use crate::page::Page;
use crate::read::{Views, whole};
use crate::registry::read;
use tonic::{Request, Response, Status};
use wire::proto::chuoi::registry::v1 as proto;
use wire::proto::chuoi::registry::v1::registry_service_server::RegistryService;

pub(crate) struct Service(pub(crate) Views);

#[tonic::async_trait]
impl RegistryService for Service {
    async fn list_chains(
        &self,
        request: Request<proto::ListChainsRequest>,
    ) -> Result<Response<proto::ListChainsResponse>, Status> {
        let request = request.into_inner();
        let same =
            proto::ListChainsRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 100, 1_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let listed = read::chains(cut, &request, &page).await?;
            Ok(proto::ListChainsResponse {
                chains: listed.things,
                total: listed.total,
                next_page_token: listed.next_page_token,
                position: cut.position(),
            })
        });
        Ok(Response::new(answer?))
    }

    async fn list_organizations(
        &self,
        request: Request<proto::ListOrganizationsRequest>,
    ) -> Result<Response<proto::ListOrganizationsResponse>, Status> {
        let request = request.into_inner();
        let same = proto::ListOrganizationsRequest {
            page_size: 0,
            page_token: String::new(),
            at_least: String::new(),
            ..request.clone()
        };
        let page = Page::read(request.page_size, 100, 1_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let listed = read::organizations(cut, &request, &page).await?;
            Ok(proto::ListOrganizationsResponse {
                organizations: listed.things,
                total: listed.total,
                next_page_token: listed.next_page_token,
                position: cut.position(),
            })
        });
        Ok(Response::new(answer?))
    }

    async fn list_sites(&self, request: Request<proto::ListSitesRequest>) -> Result<Response<proto::ListSitesResponse>, Status> {
        let request = request.into_inner();
        let same =
            proto::ListSitesRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 100, 1_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let listed = read::sites(cut, &request, &page).await?;
            Ok(proto::ListSitesResponse {
                sites: listed.things,
                total: listed.total,
                next_page_token: listed.next_page_token,
                position: cut.position(),
            })
        });
        Ok(Response::new(answer?))
    }

    async fn list_products(
        &self,
        request: Request<proto::ListProductsRequest>,
    ) -> Result<Response<proto::ListProductsResponse>, Status> {
        let request = request.into_inner();
        let same =
            proto::ListProductsRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 100, 1_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let listed = read::products(cut, &request, &page).await?;
            Ok(proto::ListProductsResponse {
                products: listed.things,
                total: listed.total,
                next_page_token: listed.next_page_token,
                position: cut.position(),
            })
        });
        Ok(Response::new(answer?))
    }

    async fn list_districts(
        &self,
        request: Request<proto::ListDistrictsRequest>,
    ) -> Result<Response<proto::ListDistrictsResponse>, Status> {
        let request = request.into_inner();
        let same = proto::ListDistrictsRequest { page_size: 0, page_token: String::new(), at_least: String::new() };
        let page = Page::read(request.page_size, 100, 1_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let listed = read::districts(cut, &page).await?;
            Ok(proto::ListDistrictsResponse {
                districts: listed.things,
                total: listed.total,
                next_page_token: listed.next_page_token,
                position: cut.position(),
            })
        });
        Ok(Response::new(answer?))
    }

    async fn get_chain(&self, request: Request<proto::GetChainRequest>) -> Result<Response<proto::GetChainResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let (chain, members) = read::get_chain(cut, &request.chain_code).await?;
            Ok(proto::GetChainResponse { chain: Some(chain), members, position: cut.position() })
        });
        Ok(Response::new(answer?))
    }

    async fn get_organization(
        &self,
        request: Request<proto::GetOrganizationRequest>,
    ) -> Result<Response<proto::GetOrganizationResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let organization = read::get_organization(cut, &request.organization).await?;
            Ok(proto::GetOrganizationResponse { organization: Some(organization), position: cut.position() })
        });
        Ok(Response::new(answer?))
    }

    async fn get_site(&self, request: Request<proto::GetSiteRequest>) -> Result<Response<proto::GetSiteResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let site = read::get_site(cut, &request.site).await?;
            Ok(proto::GetSiteResponse { site: Some(site), position: cut.position() })
        });
        Ok(Response::new(answer?))
    }

    async fn get_product(
        &self,
        request: Request<proto::GetProductRequest>,
    ) -> Result<Response<proto::GetProductResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let product = read::get_product(cut, &request.product).await?;
            Ok(proto::GetProductResponse { product: Some(product), position: cut.position() })
        });
        Ok(Response::new(answer?))
    }

    async fn get_district(
        &self,
        request: Request<proto::GetDistrictRequest>,
    ) -> Result<Response<proto::GetDistrictResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let district = read::get_district(cut, &request.district_code).await?;
            Ok(proto::GetDistrictResponse { district: Some(district), position: cut.position() })
        });
        Ok(Response::new(answer?))
    }

    async fn find(&self, request: Request<proto::FindRequest>) -> Result<Response<proto::FindResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let (found, total) = read::find(cut, &request).await?;
            Ok(proto::FindResponse { found, total, position: cut.position() })
        });
        Ok(Response::new(answer?))
    }

    async fn get_history(
        &self,
        request: Request<proto::GetHistoryRequest>,
    ) -> Result<Response<proto::GetHistoryResponse>, Status> {
        let request = request.into_inner();
        let client = self.0.reach(&request.at_least).await?;
        let answer = whole!(client, |cut| {
            let (code, facts) = read::history(cut, &request).await?;
            Ok(proto::GetHistoryResponse { code, facts, position: cut.position() })
        });
        Ok(Response::new(answer?))
    }
}
