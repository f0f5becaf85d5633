//! A small world of trade, as commands of the public API: one cooperative with a farm, one retailer with two supermarkets, one
//! product, one chain.

use jiff::Timestamp;
use tonic::Request;
use tonic::metadata::MetadataValue;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::{self as event, chain_member_joined::Member};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{self as proto, *};

/// Keeps the registry.
pub const AUTHORITY: &str = "SCT";
/// Leads chain CH1 and runs its farm FA1.
pub const COOP: &str = "HTX1";
/// Runs supermarkets SM1 and SM2.
pub const SHOP: &str = "DV1";

/// A request on behalf of an organization.
pub fn on_behalf_of<T>(organization: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let organization = MetadataValue::try_from(organization).expect("ASCII");
    request.metadata_mut().insert(wire::status::METADATA_ORGANIZATION, organization);
    request
}

/// `2026-11-20`, `2026-11-20 opening`, `2026-11-20 closing` or `2026-11-20 08:00`, at home.
pub fn when(text: &str) -> When {
    match text.split_once(' ') {
        None => When { date: text.into(), ..When::default() },
        Some((date, "opening")) => When { date: date.into(), day_part: DayPart::BeforeOpening.into(), ..When::default() },
        Some((date, "closing")) => When { date: date.into(), day_part: DayPart::AfterClosing.into(), ..When::default() },
        Some((date, time)) => {
            let instant: Timestamp = format!("{date}T{time}+07:00").parse().expect("a time");
            let event_time = prost_types::Timestamp { seconds: instant.as_second(), nanos: 0 };
            When { event_time: Some(event_time), utc_offset_minutes: Some(420), ..When::default() }
        }
    }
}

/// A command under a new id.
pub fn command(at: &str, action: Action) -> Command {
    let header = CommandHeader { command_id: Uuid::now_v7().to_string(), when: Some(when(at)), ..CommandHeader::default() };
    Command { header: Some(header), action: Some(action) }
}

/// What has happened already.
pub fn reported(mut command: Command) -> Command {
    if let Some(header) = &mut command.header {
        header.on_conflict = OnConflict::Record.into();
    }
    command
}

/// Thousandths of a kilogram.
pub fn quantity(milli: i64) -> Option<Quantity> {
    Some(Quantity { value_milli: milli, ..Quantity::default() })
}

/// A lot of PK1 that the cooperative issued.
pub fn lot(code: &str) -> Option<LotReference> {
    Some(LotReference { issuer: COOP.into(), product: "PK1".into(), lot_code: code.into(), ..LotReference::default() })
}

fn line(code: &str, milli: i64) -> LotLine {
    LotLine { lot: lot(code), quantity: quantity(milli) }
}

/// Lots with thousandths of a kilogram.
pub fn lines(lines: &[(&str, i64)]) -> Vec<LotLine> {
    lines.iter().map(|(code, milli)| line(code, *milli)).collect()
}

/// The same, to be begun.
pub fn new_lot(code: &str) -> Option<NewLot> {
    Some(NewLot { issuer: COOP.into(), product: "PK1".into(), lot_code: code.into(), ..NewLot::default() })
}

/// At the farm.
pub fn harvest(code: &str, milli: i64) -> Action {
    Action::Harvest(Harvest { site: "FA1".into(), lot: new_lot(code), quantity: quantity(milli), ..Harvest::default() })
}

/// An opening balance.
pub fn open(site: &str, code: &str, milli: i64) -> Action {
    Action::OpenLot(OpenLot { site: site.into(), lot: new_lot(code), quantity: quantity(milli) })
}

/// From the farm.
pub fn dispatch(shipment: &str, to: &str, of: &[(&str, i64)]) -> Action {
    Action::Dispatch(Dispatch {
        from_site: "FA1".into(),
        to_site: to.into(),
        shipment_code: shipment.into(),
        lines: lines(of),
        ..Dispatch::default()
    })
}

/// At the destination; no lines: everything.
pub fn receive(shipment: &str, of: &[(&str, i64)]) -> Action {
    let reference = ShipmentReference { issuer: COOP.into(), shipment_code: shipment.into(), ..ShipmentReference::default() };
    Action::Receive(Receive { shipment: Some(reference), lines: lines(of), everything: of.is_empty(), ..Receive::default() })
}

/// By lot.
pub fn sell(site: &str, of: &[(&str, i64)]) -> Action {
    Action::Sell(Sell { site: site.into(), lines: lines(of), ..Sell::default() })
}

/// By lot.
pub fn count(site: &str, of: &[(&str, i64)]) -> Action {
    Action::Count(Count { site: site.into(), lines: lines(of), ..Count::default() })
}

/// What the world needs registered, by the authority.
pub fn registry() -> Vec<Command> {
    use register::Fact;
    let organization = |code: &str, kind: event::OrganizationKind| {
        Fact::Organization(event::OrganizationRegistered {
            organization_code: code.into(),
            name: format!("Đơn vị {code}"),
            kind: kind.into(),
            gln: String::new(),
        })
    };
    let site = |code: &str, kind: event::SiteKind, by: &str| {
        Fact::Site(event::SiteRegistered {
            site_code: code.into(),
            name: format!("Cơ sở {code}"),
            kind: kind.into(),
            organization_code: by.into(),
            district_code: "001".into(),
            gln: String::new(),
            latitude_e6: 21_035_000,
            longitude_e6: 105_814_000,
        })
    };
    let joined = |member| {
        Fact::MemberJoined(event::ChainMemberJoined { chain_code: "CH1".into(), member: Some(member), is_primary: true })
    };
    let facts = vec![
        Fact::District(event::DistrictRegistered {
            district_code: "001".into(),
            name: "Ba Đình".into(),
            kind: "quận".into(),
            ends_day: None,
        }),
        organization(COOP, event::OrganizationKind::Cooperative),
        organization(SHOP, event::OrganizationKind::Retailer),
        site("FA1", event::SiteKind::Farm, COOP),
        site("SM1", event::SiteKind::Supermarket, SHOP),
        site("SM2", event::SiteKind::Supermarket, SHOP),
        Fact::Product(event::ProductRegistered {
            product_code: "PK1".into(),
            name: "Rau muống".into(),
            name_en: "Water spinach".into(),
            group_code: "rau".into(),
            ocop_group: 1,
            base_unit: "KGM".into(),
            mass_gram: 1_000,
            content_kind: "loose".into(),
            ..event::ProductRegistered::default()
        }),
        Fact::Chain(event::ChainRegistered {
            chain_code: "CH1".into(),
            name: "Chuỗi rau an toàn".into(),
            lead_organization_code: COOP.into(),
            district_code: "001".into(),
            group_code: "rau".into(),
            share_supermarket_percent: 100,
            ..event::ChainRegistered::default()
        }),
        joined(Member::SiteCode("FA1".into())),
        joined(Member::ProductCode("PK1".into())),
        Fact::Capacity(event::CapacityDeclared {
            chain_code: "CH1".into(),
            quantity_per_day_milli: 1_000_000,
            unit: "KGM".into(),
        }),
    ];
    facts.into_iter().map(|fact| command("2020-01-01", Action::Register(proto::Register { fact: Some(fact) }))).collect()
}
