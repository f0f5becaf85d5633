//! A registry that changes under goods on their way: through the public API, with the tables held against the journal.

use crate::system::*;
use wire::proto::chuoi::event::v1::event::Fact;
use wire::proto::chuoi::event::v1::registered_thing::Thing;
use wire::proto::chuoi::event::v1::*;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{Register, Verdict, register};
use wire::proto::chuoi::registry::v1::registry_service_client::RegistryServiceClient;
use wire::proto::chuoi::registry::v1::{FindRequest, GetHistoryRequest, RegistryKind};

fn register(fact: register::Fact) -> Action {
    Action::Register(Register { fact: Some(fact) })
}

fn site(code: &str) -> Option<RegisteredThing> {
    Some(RegisteredThing { thing: Some(Thing::SiteCode(code.into())) })
}

fn shop(code: &str, name: &str, by: &str) -> Action {
    register(register::Fact::Site(SiteRegistered {
        site_code: code.into(),
        name: name.into(),
        kind: SiteKind::Supermarket.into(),
        organization_code: by.into(),
        district_code: "001".into(),
        ..SiteRegistered::default()
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_found_twice_changes_hands_and_closes_while_goods_are_on_their_way() {
    let system = System::start().await;
    system.record(AUTHORITY, "2020-01-01", shop("SM9", "Siêu thị đăng ký hai lần", SHOP)).await;
    let organization = OrganizationRegistered {
        organization_code: "DV2".into(),
        name: "Bán lẻ Khác".into(),
        ..OrganizationRegistered::default()
    };
    let organization = OrganizationRegistered { kind: OrganizationKind::Retailer.into(), ..organization };
    system.record(AUTHORITY, "2020-01-01", register(register::Fact::Organization(organization))).await;
    system.record(COOP, "2026-11-20 06:00", harvest("L1", 100_000)).await;
    system.record(COOP, "2026-11-20 20:00", dispatch("PXK-1", "SM9", &[("L1", 30_000)])).await;
    system.record(SHOP, "2026-11-21 05:00", receive("PXK-1", &[("L1", 20_000)])).await;

    // The same shop under two codes: goods that stand under the old one, or arrive for it, are the survivor's.
    let merged = DuplicateMerged { duplicate: site("SM9"), survivor: site("SM1"), reason: "đăng ký hai lần".into() };
    system.record(AUTHORITY, "2026-11-21", register(register::Fact::DuplicateMerged(merged))).await;
    let recorded = system.record(SHOP, "2026-11-21 06:00", receive("PXK-1", &[("L1", 10_000)])).await;
    assert_eq!(system.stock("SM1", &recorded.position).await, 30_000);
    assert_eq!(system.stock("SM9", &recorded.position).await, 30_000, "the old code resolves");
    let recorded = system.record(SHOP, "2026-11-21 09:00", sell("SM9", &[("L1", 25_000)])).await;
    assert!(matches!(recorded.events[0].fact, Some(Fact::Rebooked(_))), "{recorded:?}");
    assert_eq!(system.stock("SM1", &recorded.position).await, 5_000);

    // It changes hands: whoever runs it on the day of the event records for it.
    system.record(COOP, "2026-11-21 20:00", dispatch("PXK-2", "SM1", &[("L1", 8_000)])).await;
    system.record(AUTHORITY, "2026-11-22", shop("SM1", "Siêu thị đổi chủ", "DV2")).await;
    let refused = system.send(SHOP, command("2026-11-22 05:00", receive("PXK-2", &[("L1", 8_000)]))).await.refused.unwrap();
    assert_eq!(refused.reason, "NOT_YOUR_SITE");
    system.record("DV2", "2026-11-22 05:00", receive("PXK-2", &[("L1", 8_000)])).await;
    system.record(SHOP, "2026-11-21 21:00", sell("SM1", &[("L1", 1_000)])).await;

    // It closes: no more goods for it, those that it has are sold.
    let retired = Retired { thing: site("SM1"), reason: "đóng cửa".into() };
    system.record(AUTHORITY, "2026-11-23", register(register::Fact::Retired(retired))).await;
    let refused =
        system.send(COOP, command("2026-11-23 05:00", dispatch("PXK-3", "SM9", &[("L1", 1_000)]))).await.refused.unwrap();
    assert_eq!((refused.reason.as_str(), refused.rule), ("RETIRED", 9));
    assert!(refused.message.contains("retired since 2026-11-23"), "{}", refused.message);
    let late = system.send(COOP, command("2026-11-22 05:00", dispatch("PXK-3", "SM1", &[("L1", 1_000)]))).await;
    assert_eq!(late.verdict(), Verdict::Accepted, "{late:?}");
    let recorded = system.record("DV2", "2026-11-23 09:00", sell("SM1", &[("L1", 12_000)])).await;
    assert_eq!(system.stock("SM1", &recorded.position).await, 0);

    let mut client = RegistryServiceClient::new(system.channel.clone());
    let find = |include_retired| FindRequest { query: "sm9".into(), include_retired, ..FindRequest::default() };
    assert_eq!(client.find(find(false)).await.unwrap().into_inner().total, 0);
    let found = client.find(find(true)).await.unwrap().into_inner().found;
    assert_eq!((found[0].code.as_str(), found[0].found_as_code.as_str()), ("SM1", "SM9"));
    assert_eq!(found[0].retired_from_date, "2026-11-23");
    let request = GetHistoryRequest { kind: RegistryKind::Site.into(), code: "SM9".into(), ..GetHistoryRequest::default() };
    let history = client.get_history(request).await.unwrap().into_inner();
    let days: Vec<_> = history.facts.iter().map(|fact| fact.from_date.as_str()).collect();
    assert_eq!(days, ["2020-01-01", "2020-01-01", "2026-11-21", "2026-11-22", "2026-11-23"]);
    system.verify().await;
}
