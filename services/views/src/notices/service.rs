//! NoticeService.

use super::{deliveries, read};
use crate::page::Page;
use crate::read::{Views, whole};
use tonic::{Request, Response, Status};
use wire::proto::chuoi::notice::v1::notice_service_server::NoticeService;
use wire::proto::chuoi::notice::v1::*;

pub(crate) struct Service(pub(crate) Views);

#[tonic::async_trait]
impl NoticeService for Service {
    async fn list_notices(&self, request: Request<ListNoticesRequest>) -> Result<Response<ListNoticesResponse>, Status> {
        let asked = request.into_inner();
        let mut same = asked.clone();
        (same.page_size, same.page_token, same.at_least) = (0, String::new(), String::new());
        let page = Page::read(asked.page_size, 1_000, 5_000, &asked.page_token, &same)?;
        let client = self.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| {
            cut.plan_each().await?;
            read::list(cut, &asked, &page).await
        })?))
    }

    async fn list_webhooks(&self, request: Request<ListWebhooksRequest>) -> Result<Response<ListWebhooksResponse>, Status> {
        let asked = request.into_inner();
        let client = self.0.reach(&asked.at_least).await?;
        Ok(Response::new(whole!(client, |cut| deliveries::list(cut, &asked).await)?))
    }
}
