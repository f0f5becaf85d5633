//! B5: what gRPC itself costs here: a unary call that answers at once, with messages of the same sizes.

use crate::measured::Measured;
use futures::future::{BoxFuture, join_all};
use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request as HttpRequest, Response as HttpResponse};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use wire::proto::chuoi::record::v1::{SellRequest, SellResponse};

const PATH: &str = "/bench.Echo/Sell";

/// Answers every request with the same message.
#[derive(Clone)]
struct Echo(SellResponse);

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl UnaryService<SellRequest> for Echo {
    type Response = SellResponse;
    type Future = BoxFuture<'static, Result<Response<SellResponse>, Status>>;

    fn call(&mut self, _: Request<SellRequest>) -> Self::Future {
        let answer = self.0.clone();
        Box::pin(async move { Ok(Response::new(answer)) })
    }
}

impl Service<HttpRequest<Body>> for Echo {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<HttpResponse<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let echo = self.clone();
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(echo, request).await) })
    }
}

/// Calls in a second, with the answer and the requests of a sale.
pub async fn measure(request: SellRequest, answer: SellResponse, callers: usize, time: Duration) -> Measured {
    let address = tests::free_address();
    // As a process of its own would be: another runtime on threads of its own.
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(Server::builder().add_service(Echo(answer)).serve_with_shutdown(address, async {
            tokio::time::sleep(time + Duration::from_secs(2)).await;
        }))
    });
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    let channels: Vec<Channel> = loop {
        let connected = join_all((0..8).map(|_| endpoint.connect())).await;
        if let Ok(channels) = connected.into_iter().collect() {
            break channels;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let begun = Instant::now();
    let caller = |number: usize| {
        let (channel, request) = (channels[number % channels.len()].clone(), request.clone());
        async move {
            let mut measured = Measured::none();
            let mut client = tonic::client::Grpc::new(channel);
            while begun.elapsed() < time {
                let since = Instant::now();
                client.ready().await.expect("a server");
                let codec: ProstCodec<SellRequest, SellResponse> = ProstCodec::default();
                let path = tonic::codegen::http::uri::PathAndQuery::from_static(PATH);
                client.unary(Request::new(request.clone()), path, codec).await.expect("an echo");
                measured.waited(since);
                measured.accepted += 1;
            }
            measured
        }
    };
    let parts = join_all((0..callers).map(caller)).await;
    let measured = Measured::together(parts, begun.elapsed().as_secs_f64());
    drop(channels);
    let _ended = server.join();
    measured
}
