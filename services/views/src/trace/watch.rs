//! Watches events.

use super::read::{EVENT, EVENT_NAMES, count, lot_event, movement, summaries};
use crate::read::{Cut, Query};
use crate::watching::{Beginning, Place, Watch};
use crate::{Error, filter, names};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::trace::v1 as proto;
use wire::proto::chuoi::trace::v1::EventKind;

/// Which events, resolved to codes.
pub(crate) struct Events {
    kinds: Option<Vec<String>>,
    sites: Option<Vec<String>>,
    chains: Option<Vec<String>>,
    products: Option<Vec<String>>,
    lots: Option<Vec<String>>,
    organizations: Option<Vec<String>>,
}

impl Events {
    /// Resolves a request's filter.
    pub async fn of(cut: &Cut<'_>, request: &proto::WatchEventsRequest) -> Result<Events, Error> {
        filter::limit("kinds", request.kinds.len())?;
        let kind = |number: &i32| match EventKind::try_from(*number) {
            Ok(kind) if kind != EventKind::Unspecified => Ok(names::of_event_kind(kind)),
            _ => Err(Error::Malformed { field: "kinds", value: number.to_string(), allowed: "kinds of events, 1 to 25".into() }),
        };
        let kinds: Vec<String> = request.kinds.iter().map(kind).collect::<Result<_, _>>()?;
        Ok(Events {
            kinds: (!kinds.is_empty()).then_some(kinds),
            sites: filter::sites(cut, "sites", &request.sites).await?,
            chains: filter::chains(cut, "chains", &request.chains).await?,
            products: filter::products(cut, "products", &request.products).await?,
            lots: filter::lot_names("lots", &request.lots)?,
            organizations: filter::organizations(cut, "organizations", &request.organizations).await?,
        })
    }

    fn conditions(&self, query: &mut Query) -> Vec<String> {
        let mut conditions = Vec::new();
        for (column, values) in [("e.kind", &self.kinds), ("e.organization_code", &self.organizations)] {
            if let Some(values) = values {
                let bound = query.bind(values.clone());
                conditions.push(format!("{column} = ANY({bound}::text[])"));
            }
        }
        if let Some(sites) = &self.sites {
            let bound = query.bind(sites.clone());
            conditions.push(format!(
                "(e.site_code = ANY({bound}::text[]) OR e.to_site_code = ANY({bound}::text[]) OR EXISTS (
                     SELECT FROM movements m WHERE m.sequence = e.sequence AND m.ordinal = e.ordinal
                         AND (m.from_site_code = ANY({bound}::text[]) OR m.to_site_code = ANY({bound}::text[]))))"
            ));
        }
        let mut of_lot = Vec::new();
        for (column, values) in [("l.chain_code", &self.chains), ("l.product_code", &self.products)] {
            if let Some(values) = values {
                let bound = query.bind(values.clone());
                of_lot.push(format!("{column} = ANY({bound}::text[])"));
            }
        }
        if let Some(lots) = &self.lots {
            let bound = query.bind(lots.clone());
            of_lot.push(format!("(l.lot_id::text = ANY({bound}::text[]) OR l.lot_code = ANY({bound}::text[]))"));
        }
        if !of_lot.is_empty() {
            // One lot has to be all of it.
            conditions.push(format!(
                "EXISTS (SELECT FROM (
                     SELECT m.lot_id FROM movements m WHERE m.sequence = e.sequence AND m.ordinal = e.ordinal
                     UNION ALL SELECT c.lot_id FROM counts c WHERE c.sequence = e.sequence AND c.ordinal = e.ordinal
                     UNION ALL SELECT s.lot_id FROM event_lots s WHERE s.sequence = e.sequence AND s.ordinal = e.ordinal
                 ) AS touched JOIN lots l USING (lot_id) WHERE {})",
                of_lot.join(" AND ")
            ));
        }
        conditions
    }
}

impl Watch for Events {
    type Message = proto::WatchEventsResponse;
    type Begun = ();

    fn idle(position: String) -> proto::WatchEventsResponse {
        proto::WatchEventsResponse { position, ..Default::default() }
    }

    async fn read(&self, cut: &Cut<'_>, after: Place, up_to: i64) -> Result<Vec<proto::WatchEventsResponse>, Error> {
        let mut query = Query::default();
        let (sequence, ordinal, last) = (query.bind(after.sequence), query.bind(after.ordinal), query.bind(up_to));
        let mut conditions = vec![format!("(e.sequence, e.ordinal) > ({sequence}, {ordinal}) AND e.sequence <= {last}")];
        conditions.extend(self.conditions(&mut query));
        query.sql = format!(
            "SELECT {EVENT} FROM events e {EVENT_NAMES} WHERE {} ORDER BY e.sequence, e.ordinal",
            conditions.join(" AND ")
        );
        let mut events = BTreeMap::new();
        for row in cut.query(&query).await? {
            let at = at(&row)?;
            let message = proto::WatchEventsResponse {
                position: at.position(&cut.checkpoint),
                event: Some(lot_event(cut, &row)?),
                lots: Vec::new(),
            };
            events.insert(at, message);
        }
        add_lots(cut, &mut events).await?;
        Ok(events.into_values().collect())
    }

    async fn beginning(&self, _: &Cut<'_>, _: Place, (): &()) -> Result<Beginning<Events>, Error> {
        Ok((Vec::new(), None))
    }
}

fn at(row: &Row) -> Result<Place, Error> {
    Ok(Place { sequence: row.try_get("sequence")?, ordinal: row.try_get("ordinal")? })
}

/// Adds what each event moved and counted, lot by lot in the order of its lines.
pub(crate) async fn add_lots(cut: &Cut<'_>, events: &mut BTreeMap<Place, proto::WatchEventsResponse>) -> Result<(), Error> {
    let (sequences, ordinals): (Vec<i64>, Vec<i32>) = events.keys().map(|at| (at.sequence, at.ordinal)).unzip();
    let asked = "FROM unnest($1::bigint[], $2::integer[]) AS asked (sequence, ordinal)";
    let mut ids = BTreeSet::new();
    let mut shares: BTreeMap<Place, Vec<(Uuid, proto::EventLot)>> = BTreeMap::new();
    for (table, order) in [("movements", "line"), ("counts", "line"), ("event_lots", "lot_id")] {
        let sql =
            format!("SELECT t.* {asked} JOIN {table} t USING (sequence, ordinal) ORDER BY t.sequence, t.ordinal, t.{order}");
        for row in cut.rows(&sql, &[&sequences, &ordinals]).await? {
            let lot: Uuid = row.try_get("lot_id")?;
            ids.insert(lot);
            let of = shares.entry(at(&row)?).or_default();
            let known = of.iter().position(|(id, _)| *id == lot);
            let place = known.unwrap_or_else(|| {
                of.push((lot, proto::EventLot::default()));
                of.len() - 1
            });
            let Some((_, share)) = of.get_mut(place) else { continue };
            if table == "movements" {
                share.movements.push(movement(&row)?);
                if share.given.is_empty() {
                    share.given = row.try_get::<_, Option<String>>("given")?.unwrap_or_default();
                }
            } else if table == "counts" {
                share.counts.push(count(&row)?);
            }
        }
    }
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let lots = summaries(cut, &ids).await?;
    for (at, shares) in shares {
        if let Some(message) = events.get_mut(&at) {
            let share = |(id, share): (Uuid, proto::EventLot)| proto::EventLot { lot: lots.get(&id).cloned(), ..share };
            message.lots = shares.into_iter().map(share).collect();
        }
    }
    Ok(())
}
