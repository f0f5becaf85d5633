//! What `chuoi up --once` says at its end: how much there is of everything, and whether it adds up.

use serde_json::{Map, Value, json};

use wire::proto::chuoi::stock::v1::{GetSummaryResponse, OutsideReason, ReasonQuantity, UnitSummary};

use crate::progress::Steps;
use crate::simulate::Report;
use crate::words::{Channel, count, number, unit};

/// Everything that was counted, played and proved.
pub struct Summary<'a> {
    /// What the views hold.
    pub counted: GetSummaryResponse,
    /// What the simulation sent, where one was played.
    pub played: Option<Report>,
    /// What the comparison with the journal found.
    pub report: views::Report,
    /// How long each step took.
    pub steps: &'a Steps,
}

/// Names of quantities with the reasons that each sums.
#[rustfmt::skip] // Columns.
const QUANTITIES: &[(&str, &[OutsideReason])] = &[
    ("harvested", &[OutsideReason::Harvested]),
    ("produced",  &[OutsideReason::Produced]),
    ("opening",   &[OutsideReason::Opening]),
    ("found",     &[OutsideReason::Found]),
    ("unmatched", &[OutsideReason::Unmatched]),
    ("returned",  &[OutsideReason::Returned]),
    ("sold",      &[OutsideReason::Sold]),
    ("consumed",  &[OutsideReason::Consumed]),
    ("wasted",    &[OutsideReason::Spoiled, OutsideReason::Damaged, OutsideReason::Expired, OutsideReason::Sampled,
                    OutsideReason::Donated, OutsideReason::Destroyed, OutsideReason::Wasted]),
    ("lost",      &[OutsideReason::Lost]),
    ("missing",   &[OutsideReason::Missing]),
];

/// The quantities of a unit under their names, in thousandths.
fn quantities(of: &UnitSummary) -> Vec<(&'static str, i64)> {
    let sum = |reasons: &[OutsideReason]| {
        let is_one = |part: &&ReasonQuantity| reasons.iter().any(|reason| *reason as i32 == part.reason);
        of.entered.iter().chain(&of.left).filter(is_one).map(|part| part.quantity_milli).sum()
    };
    let mut named: Vec<(&str, i64)> = QUANTITIES.iter().map(|(name, reasons)| (*name, sum(reasons))).collect();
    named.push(("at_sites", of.at_sites.iter().map(|held| held.quantity_milli).sum()));
    named.push(("on_shelves", of.on_shelves_milli));
    named.push(("in_transit", of.in_transit_milli));
    named
}

/// Base units as a JSON number. What is stored and summed are whole thousandths; this is print.
fn base_units(milli: i64) -> Value {
    match milli % 1_000 {
        0 => (milli / 1_000).into(),
        _ => (milli as f64 / 1_000.0).into(),
    }
}

impl Summary<'_> {
    /// For scripts.
    pub fn to_json(&self) -> Value {
        let counted = &self.counted;
        let sites: Map<String, Value> =
            counted.sites.iter().map(|sites| (Channel::word(sites.kind).replace('-', "_"), sites.sites.into())).collect();
        let quantities: Map<String, Value> = counted
            .units
            .iter()
            .map(|of| {
                let named: Map<String, Value> =
                    quantities(of).into_iter().map(|(name, milli)| (name.to_owned(), base_units(milli))).collect();
                (of.unit.clone(), Value::Object(named))
            })
            .collect();
        let played = self.played.clone().unwrap_or_default();
        json!({
            "chains": counted.chains,
            "products": counted.products,
            "organizations": counted.organizations,
            "sites": sites,
            "entries": counted.entries,
            "commands": counted.commands,
            "events": counted.events,
            "registry_events": counted.registry_events,
            "refused": played.refused_expected,
            "duplicates": played.duplicates,
            "unexpected": played.refused_unexpected.len(),
            "lots": counted.lots,
            "shipments": counted.shipments,
            "quantities": quantities,
            "conservation_holds": counted.conservation_holds && self.report.conservation_holds,
            "verify_differences": self.report.differences.len(),
            "journal_damage": self.report.damage,
            "parked": self.report.parked,
            "position": counted.position,
            "seconds": self.steps.seconds(),
        })
    }

    /// For people.
    pub fn words(&self) -> String {
        let counted = &self.counted;
        let mut text = String::new();
        let mut line = |name: &str, said: String| text.push_str(&format!("{name:<14}{said}\n"));
        line("chains", count(counted.chains));
        line("products", count(counted.products));
        let sites = counted.sites.iter().map(|sites| format!("{} {}", count(sites.sites), Channel::word(sites.kind)));
        line("sites", sites.collect::<Vec<_>>().join(", "));
        line("events", format!("{}, and {} of the registry", count(counted.events), count(counted.registry_events)));
        line("lots", count(counted.lots));
        line("shipments", format!("{}, of which {} are on the road", count(counted.shipments), count(counted.open_shipments)));
        if let Some(played) = &self.played {
            let (accepted, refused, duplicates) = (played.accepted, played.refused_expected, played.duplicates);
            let as_count = |figure: u64| count(i64::try_from(figure).unwrap_or(i64::MAX));
            line(
                "commands",
                format!(
                    "{} accepted, {} refused as they should be, {} sent again",
                    as_count(accepted),
                    as_count(refused),
                    as_count(duplicates)
                ),
            );
        }
        for of in &counted.units {
            let shown: Vec<String> = quantities(of)
                .into_iter()
                .filter(|(_, milli)| *milli != 0)
                .map(|(name, milli)| format!("{} {}", name.replace('_', " "), number(milli)))
                .collect();
            line(unit(&of.unit), shown.join(" · "));
        }
        line(
            "conservation",
            if counted.conservation_holds { "holds for every lot".to_owned() } else { "DOES NOT HOLD".to_owned() },
        );
        line("differences", format!("{} between the tables and the journal", self.report.differences.len()));
        let total: f64 = self.steps.seconds().values().sum();
        line("seconds", format!("{total:.1}"));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_summed_under_one_name() {
        let unnamed = [OutsideReason::Unspecified];
        for number in 0..100 {
            let Ok(reason) = OutsideReason::try_from(number) else { continue };
            let names = QUANTITIES.iter().filter(|(_, reasons)| reasons.contains(&reason)).count();
            assert_eq!(names, usize::from(!unnamed.contains(&reason)), "{reason:?}");
        }
    }

    #[test]
    fn quantities_are_printed_in_base_units() {
        for (milli, shown) in [(0, "0"), (1_234_000, "1234"), (16_777_217, "16777.217"), (5, "0.005")] {
            assert_eq!(base_units(milli).to_string(), shown);
        }
    }
}
