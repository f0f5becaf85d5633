//! What RegistryService answers.

use crate::book::*;
use crate::server::Server;
use domain::event::registry::SiteKind;
use domain::unit::BaseUnit;
use tonic::Code;
use views::{Writer, database};
use wire::proto::chuoi::registry::v1::registry_service_client::RegistryServiceClient;
use wire::proto::chuoi::registry::v1::*;

type Client = RegistryServiceClient<tonic::service::Routes>;

async fn serve(server: &Server, book: &Book) -> Client {
    Writer::open(&server.settings).await.unwrap().apply(&book.entries).await.unwrap();
    RegistryServiceClient::new(views::services(database::connect(&server.settings).unwrap()))
}

#[tokio::test]
#[rustfmt::skip] // Columns.
async fn names_are_found_with_and_without_their_marks_words_in_any_order() {
    let server = Server::start().await;
    let mut book = Book::small();
    let vegetable = |code, name| product_fact(code, name, "Cabbage", BaseUnit::Kilogram, 1_000, None);
    book.register("2023-01-01", vec![
        vegetable("PK1", "Bắp cải tím"),
        vegetable("PK2", "Bắp cải tim"),
        vegetable("PK3", "Bắp cải tím hữu cơ"),
        vegetable("PK4", "Đậu đen"),
        site_fact("BV", "Bệnh viện Bạch Mai", SiteKind::GeneralStore, "BLE1", "001", None),
    ]);
    let mut client = serve(&server, &book).await;
    for (query, kinds, codes) in [
        ("bap cai tim",                   vec![], vec!["PK2", "PK1", "PK3"]),
        ("Bắp cải tím",                   vec![], vec!["PK1", "PK3", "PK2"]),
        ("TÍM CẢI",                       vec![], vec!["PK1", "PK3", "PK2"]),
        ("ba\u{0301}\u{0306}p",           vec![], vec!["PK1", "PK2", "PK3"]), // Marks in an order that no normal form has.
        ("tím hữ",                        vec![], vec!["PK3"]),
        ("dau den",                       vec![], vec!["PK4"]),
        ("Be\u{0323}\u{0302}nh vien",     vec![], vec!["BV"]),
        ("9521410000011",                 vec![], vec!["S1"]),
        ("09521415",                      vec![], vec!["TUI"]),
        ("pk3",                           vec![], vec!["PK3"]),
        ("gio dong",                      vec![RegistryKind::Organization], vec!["HTX1"]),
        ("100% _ cotton",                 vec![], vec![]),
    ] {
        let request = FindRequest { query: query.into(), kinds: kinds.into_iter().map(Into::into).collect(), ..Default::default() };
        let answer = client.find(request).await.unwrap().into_inner();
        let mut seen: Vec<_> = answer.found.iter().map(|found| found.code.as_str()).collect();
        if query.contains('\u{0306}') { seen.sort() }
        assert_eq!(seen, codes, "{query:?}");
        assert_eq!(answer.total, codes.len() as i64);
    }
    let status = client.find(FindRequest { query: " - ".into(), ..Default::default() }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_holds_now_is_the_fact_of_the_latest_day() {
    let server = Server::start().await;
    let mut book = Book::small();
    let named = |name| vec![site_fact("S1", name, SiteKind::Supermarket, "BLE1", "002", None)];
    book.register("2026-03-01", named("Siêu thị mới"));
    book.register("2026-02-01", named("Siêu thị giữa"));
    book.register("2026-03-01", named("Siêu thị mới nhất"));
    let mut client = serve(&server, &book).await;
    let site =
        client.get_site(GetSiteRequest { site: "s1".into(), ..Default::default() }).await.unwrap().into_inner().site.unwrap();
    assert_eq!(
        (site.registered.unwrap().name.as_str(), site.from_date.as_str(), site.district_name.as_str()),
        ("Siêu thị mới nhất", "2026-03-01", "Hoàn Kiếm")
    );
    let found = client.find(FindRequest { query: "sieu thi".into(), ..Default::default() }).await.unwrap().into_inner().found;
    assert_eq!(found.len(), 1, "an old name is found no more: {found:?}");
}

#[tokio::test]
async fn lists_are_filtered_and_paged_and_things_are_got_by_any_of_their_names() {
    let server = Server::start().await;
    let mut client = serve(&server, &Book::small()).await;
    let shops = ListSitesRequest { kinds: vec![5, 6], ..Default::default() };
    let listed = client.list_sites(shops).await.unwrap().into_inner();
    assert_eq!((listed.sites.len(), listed.total), (2, 2));
    let mut codes = Vec::new();
    let mut request = ListSitesRequest { page_size: 3, ..Default::default() };
    loop {
        let page = client.list_sites(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.total, 4);
        codes.extend(page.sites.into_iter().map(|site| site.registered.unwrap().site_code));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(codes, ["F1", "P1", "S1", "S2"]);
    let of_chain =
        client.list_products(ListProductsRequest { chain_code: "CH1".into(), ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(of_chain.products.len(), 1);
    let chain = client.get_chain(GetChainRequest { chain_code: "ch1".into(), ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(chain.members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["Vườn Gió Đồng", "Rau muống"]);
    assert_eq!(chain.chain.unwrap().capacity_per_day_milli, Some(100_000));
    let chains =
        client.list_chains(ListChainsRequest { product: "RAU".into(), ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(chains.total, 1);
    let organizations =
        client.list_organizations(ListOrganizationsRequest { kind: 6, ..Default::default() }).await.unwrap().into_inner();
    let authority = organizations.organizations[0].registered.as_ref().unwrap();
    assert_eq!((authority.organization_code.as_str(), authority.name.as_str()), ("SO-CT", "Sở Công Thương"));
    let districts = client.list_districts(ListDistrictsRequest::default()).await.unwrap().into_inner();
    assert_eq!(districts.total, 2);
    for name in ["TUI", "tui", "09521415000016", "9521415000016"] {
        let got =
            client.get_product(GetProductRequest { product: name.into(), ..Default::default() }).await.unwrap().into_inner();
        assert_eq!(got.product.unwrap().registered.unwrap().product_code, "TUI");
    }
    assert_eq!(
        client.get_district(GetDistrictRequest { district_code: "999".into(), ..Default::default() }).await.unwrap_err().code(),
        Code::NotFound
    );
    let got = client
        .get_organization(GetOrganizationRequest { organization: "BLE1".into(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(got.organization.unwrap().sites, 2);
}
