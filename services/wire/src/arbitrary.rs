//! Any event that the domain can hold, for property tests.

use domain::entry::{Document, Genesis, RecordedCommand};
use domain::event::programme::{
    Certificate, CertificateKind, CertificateRef, CertificateStanding, CertificateStandingChange, CraftVillage,
    DistrictSuccession, GradingLevel, LabelFate, Labels, OcopGrading, OcopRegistration, OcopRule, ProgrammeMeasure, SiteStanding,
    SiteStandingChange, Target, TrademarkCase, TrademarkStep,
};
use domain::event::registry::{
    Capacity, Chain, District, DuplicateMerged, Member, Membership, NumberAttached, NumberDetached, Organization,
    OrganizationKind, Product, Retirement, Site, SiteKind, ThingRef,
};
use domain::event::{
    Amount, Catch, CodeIssued, CodeRevoked, CodesScanned, CountBasis, CountRestated, Counted, CountedLine, CustomerReturned,
    DeliveryRefused, DiscrepancyResolved, Dispatched, DispatchedLine, Event, Fact, Finding, Harvested, Held, HouseholdShare, Lot,
    LotAmount, LotOpened, Matched, NoticeGiven, NoticeKind, ObservationKind, Observed, OrderClosed, Ordered, OrderedLine, Packed,
    Process, Rebooked, RecallAcknowledged, RecallForm, Recalled, Received, RefusalReason, RegistryFact, Released, ReturnReason,
    Scan, ShipmentCancelled, ShortReported, Sold, Temperature, Transformed, Treatment, TypedName, Violation, Voided, WasteReason,
    Wasted,
};
use domain::id::{
    ChainCode, CommandId, CommandRef, CraftVillageCode, Digest, DistrictCode, LotCode, LotId, OrderId, OrganizationCode,
    ProductCode, ShipmentCode, ShipmentId, SiteCode, Sscc, TraceCode,
};
use domain::quantity::Milli;
use domain::time::{BusinessDay, EventTime, Precision};
use domain::unit::{BaseUnit, MarketUnit};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

const CODE: &str = "[A-Z0-9_.-]{1,20}";

macro_rules! codes {
    ($($name:ident: $type:ty, $pattern:expr);+ $(;)?) => {$(
        fn $name() -> impl Strategy<Value = $type> {
            $pattern.prop_map(|text: String| <$type>::parse(&text).unwrap())
        }
    )+};
}
codes! {
    organization: OrganizationCode, CODE;
    site: SiteCode, CODE;
    product: ProductCode, CODE;
    chain: ChainCode, CODE;
    district: DistrictCode, CODE;
    craft_village: CraftVillageCode, CODE;
    lot_code: LotCode, "[!-?A-Za-z_&&[^#$@]]{1,20}";
    shipment_code: ShipmentCode, "[!-~]{1,40}";
}

fn trace_code() -> impl Strategy<Value = TraceCode> {
    (organization(), id()).prop_map(|(organization, command)| TraceCode::derive(&organization, CommandId(command)))
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

/// Any text, an empty one among them.
fn text() -> impl Strategy<Value = String> {
    ".{0,12}"
}

/// A text that is there or not; an empty one would not be.
fn optional() -> impl Strategy<Value = Option<Box<str>>> {
    of(".{1,12}".prop_map(String::into_boxed_str))
}

fn number_of_gs1() -> impl Strategy<Value = Option<String>> {
    of("[0-9]{13,14}")
}

fn milli() -> impl Strategy<Value = Milli> {
    any::<i64>().prop_map(Milli)
}

fn day() -> impl Strategy<Value = BusinessDay> {
    any::<i32>().prop_map(BusinessDay)
}

pub(crate) fn timestamp() -> impl Strategy<Value = Timestamp> {
    let (least, most) = (Timestamp::MIN.as_nanosecond(), Timestamp::MAX.as_nanosecond());
    prop_oneof![
        (least..=most).prop_map(|nanos| Timestamp::from_nanosecond(nanos).unwrap()),
        Just(Timestamp::MIN),
        Just(Timestamp::MAX),
        Just(Timestamp::from_nanosecond(-1).unwrap()),
    ]
}

prop_compose! {
    fn time()(
        instant in timestamp(),
        utc_offset_minutes in -1_080..=1_080,
        precision in select(&[Precision::Moment, Precision::Day, Precision::BeforeOpening, Precision::AfterClosing][..]),
        business_day in day(),
        typed in optional(),
    ) -> EventTime {
        EventTime { instant, utc_offset_minutes, precision, business_day, typed }
    }
}

prop_compose! {
    fn amount()(quantity in milli(), given in optional(), catch in of((milli(), base_unit()))) -> Amount {
        Amount { quantity, given, catch: catch.map(|(quantity, unit)| Catch { quantity, unit }) }
    }
}

fn lot_ids() -> impl Strategy<Value = Vec<LotId>> {
    vec(id().prop_map(LotId), 0..3)
}

fn sscc() -> impl Strategy<Value = Sscc> {
    select(&["095214100000000011", "095214100000000028"][..]).prop_map(|text| Sscc::parse(text).unwrap())
}

fn command_ref() -> impl Strategy<Value = CommandRef> {
    (organization(), id()).prop_map(|(organization, command)| CommandRef { organization, command: CommandId(command) })
}

fn said() -> impl Strategy<Value = Box<str>> {
    text().prop_map(String::into_boxed_str)
}

prop_compose! {
    fn packed()(sscc in sscc(), site in site(), lines in lines(), units in vec(sscc(), 0..2)) -> Packed {
        Packed { sscc, site, lines, units }
    }
}

prop_compose! {
    fn observed()(
        (site, shipment, sscc, lots) in (of(site()), of(id()), of(sscc()), lot_ids()),
        kind in select(&[
            ObservationKind::Temperature, ObservationKind::Inspection, ObservationKind::Sample,
            ObservationKind::CertificateCheck, ObservationKind::Other, ObservationKind::Treatment,
        ][..]),
        what in said(),
        reference in optional(),
        finding in select(&[Finding::Unspecified, Finding::Conformant, Finding::NonConformant][..]),
        temperature in of((any::<i32>(), of(any::<i32>()), of(any::<i32>()))),
        treatment in of((said(), any::<u16>()).prop_map(|(plot, waiting_days)| Treatment { plot, waiting_days })),
    ) -> Observed {
        let temperature = temperature.map(|(milli_celsius, min_milli_celsius, max_milli_celsius)| Temperature {
            milli_celsius, min_milli_celsius, max_milli_celsius,
        });
        Observed { site, shipment: shipment.map(ShipmentId), sscc, lots, kind, what, reference, finding, temperature, treatment }
    }
}

prop_compose! {
    fn notice()(
        kind in select(NoticeKind::ALL),
        key in said(),
        (lot, product, site, chain) in (of(id()), of(product()), of(site()), of(chain())),
        certificate in of((select(CertificateKind::ALL), text())),
        (organization, command) in (of(organization()), of(id())),
        (day, days, quantity) in (of(day()), of(any::<i32>()), of(milli())),
    ) -> NoticeGiven {
        let certificate = certificate.map(|(kind, number)| CertificateRef { kind, number });
        let (lot, command) = (lot.map(LotId), command.map(CommandId));
        NoticeGiven { kind, key, lot, product, site, chain, certificate, organization, command, day, days, quantity }
    }
}

fn return_reason() -> impl Strategy<Value = ReturnReason> {
    use ReturnReason::*;
    select(&[Unspecified, Quality, Damaged, Expired, Recalled, WrongGoods][..])
}

/// Facts besides the way from the field to the shelf.
fn trade_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (lot_ids(), of(site()), said()).prop_map(|(lots, site, reason)| Fact::Held(Held { lots, site, reason })),
        (command_ref(), lot_ids(), said()).prop_map(|(block, lots, reason)| Fact::Released(Released { block, lots, reason })),
        (lot_ids(), any::<bool>(), said(), optional(), of(timestamp())).prop_map(
            |(lots, is_voluntary, reason, decision, acknowledge_by)| {
                let form = if is_voluntary { RecallForm::Voluntary } else { RecallForm::Compulsory };
                Fact::Recalled(Recalled { lots, form, reason, decision, acknowledge_by })
            }
        ),
        (command_ref(), site()).prop_map(|(recall, site)| Fact::RecallAcknowledged(RecallAcknowledged { recall, site })),
        (site(), lines(), return_reason()).prop_map(|(site, lines, reason)| Fact::CustomerReturned(CustomerReturned {
            site,
            lines,
            reason
        })),
        (id(), site(), lines(), said()).prop_map(|(shipment, site, lines, reason)| {
            Fact::ShipmentCancelled(ShipmentCancelled { shipment: ShipmentId(shipment), site, lines, reason })
        }),
        (id(), shipment_code(), site(), chain(), day(), vec((product(), amount()), 0..3)).prop_map(
            |(order, code, site, chain, due, lines)| {
                let lines = lines.into_iter().map(|(product, amount)| OrderedLine { product, amount }).collect();
                Fact::Ordered(Ordered { order: OrderId(order), code, site, chain, due, lines })
            }
        ),
        (id(), site(), said())
            .prop_map(|(order, site, reason)| { Fact::OrderClosed(OrderClosed { order: OrderId(order), site, reason }) }),
        (trace_code(), product(), of(id()))
            .prop_map(|(code, product, lot)| { Fact::CodeIssued(CodeIssued { code, product, lot: lot.map(LotId) }) }),
        (trace_code(), said()).prop_map(|(code, reason)| Fact::CodeRevoked(CodeRevoked { code, reason })),
        vec((trace_code(), of(district()), any::<i64>()), 0..3).prop_map(|scans| {
            let scans = scans.into_iter().map(|(code, district, count)| Scan { code, district, count });
            Fact::CodesScanned(CodesScanned { scans: scans.collect() })
        }),
        notice().prop_map(Fact::NoticeGiven),
        packed().prop_map(Fact::Packed),
        packed().prop_map(Fact::Unpacked),
        observed().prop_map(Fact::Observed),
        (command_ref(), said())
            .prop_map(|(command, resolution)| Fact::DiscrepancyResolved(DiscrepancyResolved { command, resolution })),
    ]
}

fn lines() -> impl Strategy<Value = Vec<LotAmount>> {
    vec((id(), amount()).prop_map(|(lot, amount)| LotAmount { lot: LotId(lot), amount }), 0..4)
}

prop_compose! {
    fn lot()(
        id in id(), issuer in organization(), product in product(), code in lot_code(), chain in chain(),
        expiry in of(day()), harvest_day in of(day()), harvest_time in of(timestamp()),
    ) -> Lot {
        Lot { id: LotId(id), issuer, product, code, chain, expiry, harvest_day, harvest_time }
    }
}

prop_compose! {
    fn transformed()(
        site in site(),
        process in select(&[Process::Packing, Process::Processing, Process::Slaughter, Process::Mixing][..]),
        inputs in lines(),
        outputs in vec((lot(), amount()), 0..3),
        loss_gram in of(any::<i64>()),
    ) -> Transformed {
        Transformed { site, process, inputs, outputs, loss_gram }
    }
}

prop_compose! {
    fn dispatched_line()(lot in id(), amount in amount(), redispatched in milli()) -> DispatchedLine {
        DispatchedLine { lot: LotId(lot), amount, redispatched }
    }
}

prop_compose! {
    fn dispatched()(
        shipment in id(), code in shipment_code(), from in site(), to in site(), lines in vec(dispatched_line(), 0..4),
        trip in optional(), sscc in optional(), is_consignment in any::<bool>(), order in of(id()),
    ) -> Dispatched {
        let order = order.map(OrderId);
        Dispatched { shipment: ShipmentId(shipment), code, from, to, lines, trip, sscc, is_consignment, order }
    }
}

prop_compose! {
    fn refused()(
        shipment in id(),
        site in site(),
        lines in lines(),
        reason in select(&[
            RefusalReason::Unspecified, RefusalReason::Quality, RefusalReason::Temperature, RefusalReason::Damaged,
            RefusalReason::ShelfLife, RefusalReason::WrongGoods, RefusalReason::Documents, RefusalReason::Late,
            RefusalReason::Oversupply,
        ][..]),
        returned in of((id(), site())),
    ) -> DeliveryRefused {
        let returned = returned.map(|(shipment, site)| (ShipmentId(shipment), site));
        DeliveryRefused { shipment: ShipmentId(shipment), site, lines, reason, returned }
    }
}

fn basis() -> impl Strategy<Value = CountBasis> {
    select(&[CountBasis::Stocktake, CountBasis::Surplus, CountBasis::Provisional][..])
}

prop_compose! {
    fn counted_line()(lot in id(), counted in amount(), expected in milli(), variance in milli()) -> CountedLine {
        CountedLine { lot: LotId(lot), counted, expected, variance }
    }
}

fn waste_reason() -> impl Strategy<Value = WasteReason> {
    select(
        &[
            WasteReason::Unspecified,
            WasteReason::Spoiled,
            WasteReason::Damaged,
            WasteReason::Expired,
            WasteReason::Sampled,
            WasteReason::Donated,
            WasteReason::Destroyed,
        ][..],
    )
}

/// Every fact that reverses nothing.
fn plain_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        (lot(), site(), amount(), optional(), vec((said(), milli()), 0..3)).prop_map(|(lot, site, amount, plot, shares)| {
            let share = |(household, quantity)| HouseholdShare { household, quantity };
            Fact::Harvested(Harvested { lot, site, amount, plot, households: shares.into_iter().map(share).collect() })
        }),
        trade_fact(),
        (lot(), site(), amount()).prop_map(|(lot, site, amount)| Fact::LotOpened(LotOpened { lot, site, amount })),
        transformed().prop_map(Fact::Transformed),
        dispatched().prop_map(Fact::Dispatched),
        (id(), site(), lines(), of((organization(), shipment_code()))).prop_map(|(shipment, site, lines, unmatched)| {
            Fact::Received(Received { shipment: ShipmentId(shipment), site, lines, unmatched })
        }),
        refused().prop_map(Fact::DeliveryRefused),
        (id(), site(), lines()).prop_map(|(shipment, site, lines)| Fact::ShortReported(ShortReported {
            shipment: ShipmentId(shipment),
            site,
            lines
        })),
        (site(), lines(), of(product())).prop_map(|(site, lines, product)| Fact::Sold(Sold { site, lines, product })),
        (site(), lines(), waste_reason()).prop_map(|(site, lines, reason)| Fact::Wasted(Wasted { site, lines, reason })),
        (site(), basis(), vec(counted_line(), 0..4), of(product()))
            .prop_map(|(site, basis, lines, product)| Fact::Counted(Counted { site, basis, lines, product })),
        (site(), id(), basis(), milli()).prop_map(|(site, lot, basis, variance_change)| {
            Fact::CountRestated(CountRestated { site, lot: LotId(lot), basis, variance_change })
        }),
        (id(), lines()).prop_map(|(shipment, lines)| Fact::Matched(Matched { shipment: ShipmentId(shipment), lines })),
        (site(), site(), lines()).prop_map(|(from, to, lines)| Fact::Rebooked(Rebooked { from, to, lines })),
        registered().prop_map(Fact::Registered),
    ]
}

prop_compose! {
    fn product_kind()(
        (code, name, name_en, group, ocop_group) in (product(), text(), text(), text(), any::<u32>()),
        base_unit in base_unit(),
        indivisible in any::<bool>(),
        (mass_gram, pieces, content_milli, content_unit, content_kind) in (any::<i64>(), any::<i64>(), any::<i64>(), text(), text()),
        shelf_life_days in any::<u32>(),
        (temperature_min_celsius, temperature_max_celsius) in (of(any::<i32>()), of(any::<i32>())),
        (gtin, brand_owner) in (number_of_gs1(), of(organization())),
        market_units in vec((text(), 1..i64::MAX, 1..i64::MAX), 0..3),
    ) -> Product {
        let market_units = market_units
            .into_iter()
            .map(|(name, numerator, denominator)| MarketUnit { name: name.into(), numerator, denominator })
            .collect();
        Product {
            code, name, name_en, group, ocop_group, base_unit, indivisible, mass_gram, pieces, content_milli, content_unit,
            content_kind, shelf_life_days, temperature_min_celsius, temperature_max_celsius, gtin, brand_owner, market_units,
        }
    }
}

fn base_unit() -> impl Strategy<Value = BaseUnit> {
    select(&[BaseUnit::Kilogram, BaseUnit::Litre, BaseUnit::Piece][..])
}

prop_compose! {
    fn site_of_registry()(
        code in site(), name in text(), kind in select(SiteKind::ALL), organization in organization(), district in district(),
        gln in number_of_gs1(), latitude_e6 in any::<i32>(), longitude_e6 in any::<i32>(),
    ) -> Site {
        Site { code, name, kind, organization, district, gln, latitude_e6, longitude_e6 }
    }
}

prop_compose! {
    fn chain_of_registry()(
        code in chain(), name in text(), lead in organization(), district in district(), group in text(), shares in any::<[u32; 3]>(),
    ) -> Chain {
        let [share_supermarket_percent, share_general_percent, share_specialty_percent] = shares;
        Chain { code, name, lead, district, group, share_supermarket_percent, share_general_percent, share_specialty_percent }
    }
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![site().prop_map(Member::Site), product().prop_map(Member::Product)]
}

fn thing() -> impl Strategy<Value = ThingRef> {
    prop_oneof![
        organization().prop_map(ThingRef::Organization),
        site().prop_map(ThingRef::Site),
        product().prop_map(ThingRef::Product),
        chain().prop_map(ThingRef::Chain),
    ]
}

fn registered() -> impl Strategy<Value = RegistryFact> {
    prop_oneof![
        (district(), text(), text(), of(day())).prop_map(|(code, name, kind, ends)| RegistryFact::District(District {
            code,
            name,
            kind,
            ends
        })),
        (organization(), text(), select(OrganizationKind::ALL), number_of_gs1())
            .prop_map(|(code, name, kind, gln)| RegistryFact::Organization(Organization { code, name, kind, gln })),
        site_of_registry().prop_map(RegistryFact::Site),
        product_kind().prop_map(RegistryFact::Product),
        chain_of_registry().prop_map(RegistryFact::Chain),
        (chain(), member(), any::<bool>()).prop_map(|(chain, member, is_primary)| RegistryFact::MemberJoined(Membership {
            chain,
            member,
            is_primary
        })),
        (chain(), member()).prop_map(|(chain, member)| RegistryFact::MemberLeft(Membership { chain, member, is_primary: false })),
        (chain(), milli(), base_unit()).prop_map(|(chain, quantity_per_day, unit)| RegistryFact::Capacity(Capacity {
            chain,
            quantity_per_day,
            unit
        })),
        (thing(), text()).prop_map(|(thing, reason)| RegistryFact::Retired(Retirement { thing, reason })),
        (thing(), text()).prop_map(|(thing, reason)| RegistryFact::Reinstated(Retirement { thing, reason })),
        (thing(), text(), of(organization()), of(CODE)).prop_map(|(thing, number, brand_owner, moved_from)| {
            RegistryFact::NumberAttached(NumberAttached { thing, number, brand_owner, moved_from })
        }),
        (thing(), text()).prop_map(|(thing, number)| RegistryFact::NumberDetached(NumberDetached { thing, number })),
        (thing(), thing(), text()).prop_map(|(duplicate, survivor, reason)| {
            RegistryFact::DuplicateMerged(DuplicateMerged { duplicate, survivor, reason })
        }),
        programme(),
    ]
}

fn certificate_ref() -> impl Strategy<Value = CertificateRef> {
    (select(CertificateKind::ALL), text()).prop_map(|(kind, number)| CertificateRef { kind, number })
}

prop_compose! {
    fn certificate()(
        id in certificate_ref(), holder in organization(), issuer in text(), products in vec(product(), 0..3), sites in vec(site(), 0..3),
        chain in of(chain()), until in of(day()),
    ) -> Certificate {
        Certificate { id, holder, issuer, products, sites, chain, until }
    }
}

fn programme() -> impl Strategy<Value = RegistryFact> {
    prop_oneof![
        certificate().prop_map(RegistryFact::Certificate),
        (certificate_ref(), select(CertificateStanding::ALL), text()).prop_map(|(id, standing, reason)| {
            RegistryFact::CertificateStanding(CertificateStandingChange { id, standing, reason })
        }),
        (text(), organization(), product(), district()).prop_map(|(dossier, subject, product, district)| {
            RegistryFact::OcopRegistered(OcopRegistration { dossier, subject, product, district })
        }),
        (text(), select(OcopRule::ALL), any::<[u32; 3]>(), select(GradingLevel::ALL), text()).prop_map(
            |(dossier, rule, hundredths, level, decision)| {
                RegistryFact::OcopGraded(OcopGrading { dossier, rule, hundredths, level, decision })
            }
        ),
        (site(), select(SiteStanding::ALL), of(day()), text()).prop_map(|(site, standing, until, reason)| {
            RegistryFact::SiteStanding(SiteStandingChange { site, standing, until, reason })
        }),
        (district(), district(), any::<u32>()).prop_map(|(from, to, share_basis_points)| {
            RegistryFact::DistrictSucceeded(DistrictSuccession { from, to, share_basis_points })
        }),
        (craft_village(), text(), text(), district(), of("[a-z]{1,9}")).prop_map(|(code, name, trade, district, recognition)| {
            RegistryFact::CraftVillage(CraftVillage { code, name, trade, district, recognition })
        }),
        (text(), organization(), text(), select(TrademarkStep::ALL), of(day())).prop_map(|(number, subject, mark, step, due)| {
            RegistryFact::TrademarkCase(TrademarkCase { number, subject, mark, step, due })
        }),
        (text(), select(LabelFate::ALL), any::<i64>(), any::<i64>(), of(organization()), of(product())).prop_map(
            |(series, fate, first, last, subject, product)| {
                RegistryFact::Labels(Labels { series, fate, first, last, subject, product })
            }
        ),
        (select(ProgrammeMeasure::ALL), any::<i64>(), day(), text())
            .prop_map(|(measure, value, due, source)| { RegistryFact::Target(Target { measure, value, due, source }) }),
    ]
}

prop_compose! {
    fn violation()(rule in any::<u8>(), reason in text(), detail in text()) -> Violation {
        Violation { rule, reason, detail }
    }
}

fn with(fact: impl Strategy<Value = Fact>) -> impl Strategy<Value = Event> {
    let name = (text(), text(), text()).prop_map(|(field, typed, code)| TypedName { field, typed, code });
    (time(), vec(violation(), 0..2), vec(name, 0..2), fact).prop_map(|(time, violations, names, fact)| Event {
        time,
        violations,
        names,
        fact,
    })
}

fn reversing_fact() -> impl Strategy<Value = Fact> {
    (any::<bool>(), id(), text(), vec(with(plain_fact()), 0..3)).prop_map(|(is_void, command, reason, originals)| {
        let voided = Voided { command: CommandId(command), reason, originals };
        if is_void { Fact::Voided(voided) } else { Fact::Corrected(voided) }
    })
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    with(prop_oneof![8 => plain_fact(), 1 => reversing_fact()])
}

prop_compose! {
    fn document()(issuer in text(), kind in text(), year in any::<i32>(), number in text()) -> Document {
        Document { issuer, kind, year, number }
    }
}

prop_compose! {
    pub(crate) fn command()(
        organization in organization(), id in id(), digest in any::<[u8; 32]>(), actor in text(), device in text(), client in text(),
        reported_fact in any::<bool>(), note in text(), document in of(document()), events in vec(event(), 1..4),
    ) -> RecordedCommand {
        RecordedCommand {
            organization, id: CommandId(id), digest: Digest(digest), actor, device, client, reported_fact, note, document, events,
        }
    }
}

prop_compose! {
    pub(crate) fn genesis()(business_time_zone in text(), authority in organization(), authority_name in text()) -> Genesis {
        Genesis { business_time_zone, authority, authority_name }
    }
}
