//! CodeService.

use super::{CodeKeys, read};
use crate::page::Page;
use crate::read::{Views, whole};
use tonic::{Request, Response, Status};
use wire::proto::chuoi::code::v1::code_service_server::CodeService;
use wire::proto::chuoi::code::v1::{ListCodesRequest, ListCodesResponse, ResolveCodeRequest, ResolveCodeResponse};

pub(crate) struct Service(pub(crate) Views, pub(crate) CodeKeys);

#[tonic::async_trait]
impl CodeService for Service {
    async fn resolve_code(&self, request: Request<ResolveCodeRequest>) -> Result<Response<ResolveCodeResponse>, Status> {
        let asked = request.into_inner();
        let client = self.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| read::resolve(cut, &self.1, &asked).await)?))
    }

    async fn list_codes(&self, request: Request<ListCodesRequest>) -> Result<Response<ListCodesResponse>, Status> {
        let asked = request.into_inner();
        let same = ListCodesRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..asked.clone() };
        let page = Page::read(asked.page_size, 1_000, 5_000, &asked.page_token, &same)?;
        let client = self.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| {
            cut.plan_each().await?;
            read::list(cut, &self.1, &asked, &page).await
        })?))
    }
}
