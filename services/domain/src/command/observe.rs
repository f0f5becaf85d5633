//! Observe: a temperature, an inspection, a sample, a certificate. It moves nothing; a temperature beyond what is allowed is said
//! as what it is.

use super::deciding::{Deciding, TimedFact, malformed};
use super::{LotReference, ShipmentReference};
use crate::event::{Fact, Finding, ObservationKind, Observed, Temperature, Treatment};
use crate::id::Sscc;
use crate::refusal::Refusal;
use crate::state::Holder;
use std::collections::BTreeSet;

/// Something was seen, of at least one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    /// At a site; empty if none is named.
    pub site: String,
    /// Of a shipment.
    pub shipment: Option<ShipmentReference>,
    /// Of a logistic unit; empty if none is named.
    pub sscc: String,
    /// Of lots.
    pub lots: Vec<LotReference>,
    /// What.
    pub kind: ObservationKind,
    /// In words.
    pub what: Box<str>,
    /// Number of the report, sample or certificate.
    pub reference: Option<Box<str>>,
    /// What came out; of a temperature it follows.
    pub finding: Finding,
    /// The temperature; where no range is given, that in which the lots' products are stored.
    pub temperature: Option<Temperature>,
    /// The treatment of a plot at the site.
    pub treatment: Option<Treatment>,
}

/// Longest time between a treatment and a harvest; labels of pesticides say days or weeks.
const MOST_WAITING_DAYS: u16 = 365;

/// Coldest and warmest that anybody stores food at, in thousandths of a degree; beyond that a thermometer or a comma is wrong.
const TEMPERATURES_MILLI_CELSIUS: std::ops::RangeInclusive<i32> = -90_000..=250_000;

pub(super) fn decide(deciding: &mut Deciding<'_>, observe: &Observe) -> Result<Vec<TimedFact>, Refusal> {
    let site = if observe.site.trim().is_empty() { None } else { Some(deciding.site("observe.site", &observe.site)?) };
    let shipment = observe.shipment.as_ref().map(|shipment| deciding.shipment(shipment)).transpose()?;
    let sscc = if observe.sscc.trim().is_empty() {
        None
    } else {
        let bad = |source| Refusal::BadCode { field: "observe.sscc".to_owned(), source };
        Some(Sscc::parse(&observe.sscc).map_err(bad)?)
    };
    let near = site.as_ref().map(|site| Holder::Site(site.code.clone()));
    let near = near.or_else(|| shipment.as_ref().map(|shipment| Holder::Shipment(shipment.id)));
    let mut lots = BTreeSet::new();
    for (index, reference) in observe.lots.iter().enumerate() {
        lots.insert(deciding.lot(&format!("observe.lots[{index}]"), reference, near.as_ref())?.lot.id);
    }
    if site.is_none() && shipment.is_none() && sscc.is_none() && lots.is_empty() {
        return Err(malformed("observe", "is about nothing; name a site, a shipment, a logistic unit or lots"));
    }
    may_observe(deciding, site.as_deref(), shipment.as_deref(), &lots)?;
    let temperature = temperature(deciding, observe, &lots)?;
    treatment(observe)?;
    let finding = match (temperature, observe.finding) {
        (Some(temperature), _) if temperature.is_breach() => Finding::NonConformant,
        (Some(Temperature { min_milli_celsius: None, max_milli_celsius: None, .. }), finding) => finding,
        (Some(_), Finding::Unspecified) => Finding::Conformant,
        (_, finding) => finding,
    };
    let observed = Observed {
        site: site.map(|site| site.code.clone()),
        shipment: shipment.map(|shipment| shipment.id),
        sscc,
        lots: lots.into_iter().collect(),
        kind: observe.kind,
        what: observe.what.clone(),
        reference: observe.reference.clone(),
        finding,
        temperature,
        treatment: observe.treatment.clone(),
    };
    Ok(vec![(Fact::Observed(observed), None)])
}

/// A treatment says where and for how long; nothing else says one.
fn treatment(observe: &Observe) -> Result<(), Refusal> {
    match (&observe.treatment, observe.kind) {
        (None, ObservationKind::Treatment) => {
            Err(malformed("observe.treatment", "is missing; name the plot and its waiting time in days"))
        }
        (Some(_), kind) if kind != ObservationKind::Treatment => {
            Err(malformed("observe.treatment", "belongs to a treatment alone; say that kind, or leave it out"))
        }
        (Some(treatment), _) => {
            if observe.site.trim().is_empty() {
                return Err(malformed("observe.site", "is missing; a plot is one of a site"));
            }
            if treatment.plot.trim().is_empty() {
                return Err(malformed("observe.treatment.plot", "is empty; name the plot as harvests do"));
            }
            if treatment.waiting_days > MOST_WAITING_DAYS {
                let problem = format!("is {}; 0 to {MOST_WAITING_DAYS} is possible", treatment.waiting_days);
                return Err(malformed("observe.treatment.waiting_days", &problem));
            }
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

/// Whoever runs the site, sends or takes the shipment, made the lot; and the authority, everywhere.
fn may_observe(
    deciding: &Deciding<'_>,
    site: Option<&crate::event::registry::Site>,
    shipment: Option<&crate::state::Shipment>,
    lots: &BTreeSet<crate::id::LotId>,
) -> Result<(), Refusal> {
    let registry = deciding.state.registry();
    if registry.organizations.same(deciding.state.authority(), deciding.context.organization) {
        return Ok(());
    }
    if let Some(site) = site {
        return deciding.runs(site);
    }
    if let Some(departure) = shipment.and_then(|shipment| shipment.dispatched.as_ref()) {
        let ends = [&departure.to, &departure.from].map(|site| deciding.known_site(site).and_then(|site| deciding.runs(&site)));
        let [Err(refusal), Err(_)] = ends else { return Ok(()) };
        return Err(refusal);
    }
    lots.iter().try_for_each(|lot| deciding.speaks_for(*lot, "observe it, other than at a site or on a shipment of its own"))
}

fn temperature(
    deciding: &Deciding<'_>,
    observe: &Observe,
    lots: &BTreeSet<crate::id::LotId>,
) -> Result<Option<Temperature>, Refusal> {
    let Some(mut temperature) = observe.temperature else {
        if observe.kind == ObservationKind::Temperature {
            return Err(malformed("observe.temperature", "is missing; give what was read, in thousandths of a degree Celsius"));
        }
        return Ok(None);
    };
    let Temperature { milli_celsius, min_milli_celsius: min, max_milli_celsius: max } = temperature;
    for (field, value) in [("milli_celsius", Some(milli_celsius)), ("min_milli_celsius", min), ("max_milli_celsius", max)] {
        if let Some(value) = value.filter(|value| !TEMPERATURES_MILLI_CELSIUS.contains(value)) {
            let problem = format!("is {value} thousandths of a degree; -90000 to 250000 is possible: check the comma");
            return Err(malformed(&format!("observe.temperature.{field}"), &problem));
        }
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return Err(malformed("observe.temperature.min_milli_celsius", &format!("is {min}, above the highest allowed, {max}")));
    }
    if min.is_none() && max.is_none() {
        // All of them have to be stored well: the narrowest range.
        let products = lots.iter().filter_map(|lot| deciding.state.lot(*lot)).filter_map(|lot| deciding.product_of(&lot).ok());
        for product in products {
            let milli = |celsius: Option<i32>| celsius.map(|celsius| celsius.saturating_mul(1_000));
            let (min, max) = (milli(product.temperature_min_celsius), milli(product.temperature_max_celsius));
            temperature.min_milli_celsius = temperature.min_milli_celsius.max(min);
            temperature.max_milli_celsius = [temperature.max_milli_celsius, max].into_iter().flatten().min();
        }
    }
    Ok(Some(temperature))
}
