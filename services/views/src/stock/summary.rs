//! Counts and sums everything once, and looks whether it adds up.

use crate::read::Cut;
use crate::{Error, names};
use domain::posting::Outside;
use std::collections::BTreeMap;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::SiteKind;
use wire::proto::chuoi::stock::v1 as proto;

/// Lots for which places and outside do not add up to nothing. The three tables are written apart from each other, so this is a
/// real check of them.
pub(crate) const UNBALANCED: &str = "
    SELECT lot_id FROM (
        SELECT lot_id, quantity_milli FROM stock UNION ALL SELECT lot_id, open_milli FROM shipment_lines
        UNION ALL SELECT lot_id, quantity_milli FROM outside
    ) AS everywhere GROUP BY lot_id HAVING sum(quantity_milli) <> 0 ORDER BY lot_id LIMIT 100";

/// The summary.
pub(crate) async fn summary(cut: &Cut<'_>) -> Result<proto::GetSummaryResponse, Error> {
    let counts = "SELECT (SELECT count(*) FROM chains),
                         (SELECT count(*) FROM products) - (SELECT count(*) FROM merged WHERE kind = 'product'),
                         (SELECT count(*) FROM organizations) - (SELECT count(*) FROM merged WHERE kind = 'organization'),
                         (SELECT count(*) FROM districts), (SELECT count(*) FROM lots WHERE begins > 0), (SELECT count(*) FROM shipments),
                         (SELECT count(DISTINCT shipment_id) FROM shipment_lines WHERE open_milli > 0), (SELECT count(*) FROM parked)";
    let tally = cut.checkpoint.tally;
    let mut summary = proto::GetSummaryResponse {
        entries: tally.entries,
        commands: tally.commands,
        events: tally.events,
        registry_events: tally.registry_events,
        units: units(cut).await?,
        position: cut.position(),
        ..Default::default()
    };
    for row in cut.rows(counts, &[]).await? {
        summary.chains = row.try_get(0)?;
        summary.products = row.try_get(1)?;
        summary.organizations = row.try_get(2)?;
        summary.districts = row.try_get(3)?;
        summary.lots = row.try_get(4)?;
        summary.shipments = row.try_get(5)?;
        summary.open_shipments = row.try_get(6)?;
        summary.parked_events = row.try_get(7)?;
    }
    for row in cut.rows("SELECT kind, count(*) FROM sites s WHERE NOT EXISTS (SELECT FROM merged m WHERE m.kind = 'site' AND m.code = s.site_code)
               GROUP BY kind", &[]).await? {
        let kind = names::site_kind(row.try_get(0)?).into();
        summary.sites.push(proto::SiteCount { kind, sites: row.try_get(1)? });
    }
    summary.sites.sort_by_key(|count| count.kind);
    for row in cut.rows(UNBALANCED, &[]).await? {
        summary.unbalanced_lot_ids.push(row.try_get::<_, Uuid>(0)?.to_string());
    }
    summary.conservation_holds = summary.unbalanced_lot_ids.is_empty();
    Ok(summary)
}

async fn units(cut: &Cut<'_>) -> Result<Vec<proto::UnitSummary>, Error> {
    let mut units: BTreeMap<String, proto::UnitSummary> = BTreeMap::new();
    let outside =
        "SELECT coalesce(p.base_unit, ''), o.reason, sum(o.quantity_milli)::bigint FROM outside o JOIN lots USING (lot_id)
                   LEFT JOIN products p USING (product_code) GROUP BY 1, 2";
    for row in cut.rows(outside, &[]).await? {
        let (unit, reason, net): (String, String, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let summary = units.entry(unit).or_default();
        let quantity = |quantity_milli| proto::ReasonQuantity { reason: names::outside(&reason).into(), quantity_milli };
        if is_source(&reason) { summary.entered.push(quantity(net.saturating_neg())) } else { summary.left.push(quantity(net)) }
    }
    let at_sites = "SELECT coalesce(p.base_unit, ''), coalesce(s.kind, ''), coalesce(bool_or(s.is_shop), false),
                           sum(t.quantity_milli)::bigint
                    FROM stock_totals t LEFT JOIN sites s USING (site_code) LEFT JOIN products p USING (product_code) GROUP BY 1, 2";
    for row in cut.rows(at_sites, &[]).await? {
        let (unit, kind, is_shop, quantity_milli): (String, String, bool, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        let summary = units.entry(unit).or_default();
        let kind: SiteKind = names::site_kind(&kind);
        summary.at_sites.push(proto::KindQuantity { kind: kind.into(), quantity_milli });
        summary.on_shelves_milli += if is_shop { quantity_milli } else { 0 };
    }
    let in_transit = "SELECT coalesce(p.base_unit, ''), sum(l.open_milli)::bigint FROM shipment_lines l JOIN lots USING (lot_id)
                      LEFT JOIN products p USING (product_code) WHERE l.open_milli > 0 GROUP BY 1";
    for row in cut.rows(in_transit, &[]).await? {
        units.entry(row.try_get(0)?).or_default().in_transit_milli = row.try_get(1)?;
    }
    let named = units.into_iter().map(|(unit, mut summary)| {
        summary.entered.sort_by_key(|quantity| quantity.reason);
        summary.left.sort_by_key(|quantity| quantity.reason);
        summary.at_sites.sort_by_key(|quantity| quantity.kind);
        proto::UnitSummary { unit, ..summary }
    });
    Ok(named.collect())
}

fn is_source(reason: &str) -> bool {
    [Outside::Harvested, Outside::Produced, Outside::Opening, Outside::Found, Outside::Unmatched, Outside::Returned]
        .iter()
        .any(|source| source.as_str() == reason)
}
