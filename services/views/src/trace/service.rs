//! TraceService.

use crate::page::Page;
use crate::read::{Cut, Views, whole};
use crate::trace::read;
use crate::trace::watch::Events;
use crate::watching::{self, Messages};
use tonic::{Request, Response, Status};
use wire::proto::chuoi::trace::v1::trace_service_server::TraceService;
use wire::proto::chuoi::trace::v1::{TraceLotRequest, TraceLotResponse, WatchEventsRequest, WatchEventsResponse};

pub(crate) struct Service(pub(crate) Views);

#[tonic::async_trait]
impl TraceService for Service {
    async fn trace_lot(&self, request: Request<TraceLotRequest>) -> Result<Response<TraceLotResponse>, Status> {
        let request = request.into_inner();
        let same = TraceLotRequest { page_size: 0, page_token: String::new(), at_least: String::new(), ..request.clone() };
        let page = Page::read(request.page_size, 500, 2_000, &request.page_token, &same)?;
        let client = self.0.reach(&request.at_least).await?;
        Ok(Response::new(whole!(client, |cut| read::trace(cut, &request, &page).await)?))
    }

    type WatchEventsStream = Messages<WatchEventsResponse>;

    async fn watch_events(&self, request: Request<WatchEventsRequest>) -> Result<Response<Self::WatchEventsStream>, Status> {
        let request = request.into_inner();
        let mut client = self.0.connection().await?;
        let cut = Cut::of(&mut client).await?;
        let at = watching::begin(&cut, &request.after_position, request.from_beginning)?;
        let events = Events::of(&cut, &request).await?;
        Ok(Response::new(watching::watch(self.0.clone(), events, at)))
    }
}
