//! Watches shipments: what each command changes of what is on its way.

use super::read::{COLUMNS, LINE, LINE_NAMES, NAMES, SHIPMENTS, line, shipment};
use crate::read::{Cut, Query};
use crate::stock::read::Doubtful;
use crate::watching::{Beginning, Place, Watch};
use crate::{Error, filter, timestamp_of};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;
use wire::proto::chuoi::stock::v1 as proto;

/// Which shipments, resolved to codes.
pub(crate) struct Shipments {
    to_sites: Option<Vec<String>>,
    from_sites: Option<Vec<String>>,
    organizations: Option<Vec<String>>,
}

/// What a command changed.
struct Changed {
    at: Place,
    organization: String,
    command: Uuid,
    record_time: Option<prost_types::Timestamp>,
    /// By shipment: what changed of each lot on its way, and what is on its way after that.
    shipments: BTreeMap<Uuid, BTreeMap<Uuid, (i64, i64)>>,
}

impl Shipments {
    /// Resolves a request's filter.
    pub async fn of(cut: &Cut<'_>, request: &proto::WatchShipmentsRequest) -> Result<Shipments, Error> {
        Ok(Shipments {
            to_sites: filter::sites(cut, "to_sites", &request.to_sites).await?,
            from_sites: filter::sites(cut, "from_sites", &request.from_sites).await?,
            organizations: filter::organizations(cut, "organizations", &request.organizations).await?,
        })
    }

    /// What commands changed, in order.
    async fn changed(&self, cut: &Cut<'_>, after: Place, up_to: i64) -> Result<Vec<Changed>, Error> {
        let mut query = Query::default();
        let (sequence, ordinal, last) = (query.bind(after.sequence), query.bind(after.ordinal), query.bind(up_to));
        let within = |of: &str| format!("({of}.sequence, {of}.ordinal) > ({sequence}, {ordinal}) AND {of}.sequence <= {last}");
        let mut conditions = vec!["true".to_owned()];
        for (values, condition) in [
            (&self.to_sites, "coalesce(sh.to_site_code, sh.arrived_site_code) = ANY(?::text[])"),
            (&self.from_sites, "sh.from_site_code = ANY(?::text[])"),
            (&self.organizations, "(f.organization_code = ANY(?::text[]) OR t.organization_code = ANY(?::text[]))"),
        ] {
            if let Some(values) = values {
                conditions.push(condition.replace('?', &query.bind(values.clone())));
            }
        }
        // Events that name a shipment may change what it is without moving anything on it.
        query.sql = format!(
            "SELECT c.*, e.organization_code, e.command_id, e.record_time
             FROM (
                 SELECT m.sequence, m.ordinal, p.shipment_id, m.lot_id, p.milli
                 FROM movements m CROSS JOIN LATERAL (
                     VALUES (m.from_shipment_id, -m.quantity_milli), (m.to_shipment_id, m.quantity_milli)
                 ) AS p (shipment_id, milli)
                 WHERE {} AND p.shipment_id IS NOT NULL
                 UNION ALL SELECT n.sequence, n.ordinal, n.shipment_id, NULL, 0 FROM events n WHERE {} AND n.shipment_id IS NOT NULL
             ) AS c
             JOIN events e ON e.sequence = c.sequence AND e.ordinal = c.ordinal
             JOIN shipments sh ON sh.shipment_id = c.shipment_id {NAMES}
             WHERE {} ORDER BY c.sequence, c.ordinal",
            within("m"),
            within("n"),
            conditions.join(" AND ")
        );
        let mut all: Vec<Changed> = Vec::new();
        for row in cut.query(&query).await? {
            let at = Place { sequence: row.try_get("sequence")?, ordinal: row.try_get("ordinal")? };
            let (organization, command): (String, Uuid) = (row.try_get("organization_code")?, row.try_get("command_id")?);
            let same = |changed: &Changed| {
                changed.at.sequence == at.sequence && changed.command == command && changed.organization == organization
            };
            if !all.last().is_some_and(same) {
                let record_time = timestamp_of(row.try_get("record_time")?);
                all.push(Changed { at, organization, command, record_time, shipments: BTreeMap::new() });
            }
            let Some(changed) = all.last_mut() else { continue };
            changed.at = at;
            let lots = changed.shipments.entry(row.try_get("shipment_id")?).or_default();
            if let Some(lot) = row.try_get::<_, Option<Uuid>>("lot_id")? {
                lots.entry(lot).or_default().0 += row.try_get::<_, i64>("milli")?;
            }
        }
        Ok(all)
    }
}

impl Watch for Shipments {
    type Message = proto::WatchShipmentsResponse;
    type Begun = ();

    fn idle(position: String) -> proto::WatchShipmentsResponse {
        proto::WatchShipmentsResponse { position, ..Default::default() }
    }

    async fn read(&self, cut: &Cut<'_>, after: Place, up_to: i64) -> Result<Vec<proto::WatchShipmentsResponse>, Error> {
        let mut changed = self.changed(cut, after, up_to).await?;
        let keys = changed.iter().flat_map(|changed| &changed.shipments);
        let keys = keys.flat_map(|(shipment, lots)| lots.keys().map(|lot| (*shipment, *lot)));
        let keys: BTreeMap<(Uuid, Uuid), ()> = keys.map(|key| (key, ())).collect();
        let (shipments, lots): (Vec<Uuid>, Vec<Uuid>) = keys.into_keys().unzip();
        let mut lines: HashMap<(Uuid, Uuid), (i64, proto::ShipmentLine)> = HashMap::new();
        let doubtful = Doubtful::read(cut).await?;
        let sql = format!(
            "SELECT {LINE}, l.open_milli - (
                 SELECT coalesce(sum(CASE WHEN m.to_shipment_id = l.shipment_id THEN m.quantity_milli ELSE -m.quantity_milli END), 0)
                 FROM movements m WHERE m.lot_id = l.lot_id AND m.sequence > $3
                     AND (m.from_shipment_id = l.shipment_id OR m.to_shipment_id = l.shipment_id)
             )::bigint AS open_then
             FROM unnest($1::uuid[], $2::uuid[]) AS k (shipment_id, lot_id)
             JOIN shipment_lines l USING (shipment_id, lot_id) {LINE_NAMES}"
        );
        for row in cut.rows(&sql, &[&shipments, &lots, &up_to]).await? {
            let key = (row.try_get("shipment_id")?, row.try_get("lot_id")?);
            lines.insert(key, (row.try_get("open_then")?, line(&row, &doubtful)?));
        }
        // From the last to the first: what was open before a command was open after the one before.
        let mut open: HashMap<(Uuid, Uuid), i64> = lines.iter().map(|(key, (open, _))| (*key, *open)).collect();
        for changed in changed.iter_mut().rev() {
            for (shipment, lots) in &mut changed.shipments {
                for (lot, (change, after)) in lots {
                    let open = open.entry((*shipment, *lot)).or_default();
                    *after = *open;
                    *open -= *change;
                }
            }
        }
        let ids: Vec<Uuid> = changed.iter().flat_map(|changed| changed.shipments.keys().copied()).collect();
        let now = Timestamp::now();
        let sql = format!("SELECT {COLUMNS} FROM {SHIPMENTS} {NAMES} WHERE sh.shipment_id = ANY($1)");
        let mut known: HashMap<Uuid, proto::Shipment> = HashMap::new();
        for row in cut.rows(&sql, &[&ids]).await? {
            known.insert(row.try_get("shipment_id")?, shipment(&row, now)?.shipment);
        }
        let change = |id: Uuid, lots: BTreeMap<Uuid, (i64, i64)>| {
            let described = lots.keys().filter_map(|lot| lines.get(&(id, *lot))).map(|(_, line)| line.clone()).collect();
            proto::ShipmentChange {
                shipment: known.get(&id).map(|shipment| proto::Shipment { lines: described, ..shipment.clone() }),
                lines: lots
                    .into_iter()
                    .map(|(lot, (change_milli, open_milli))| proto::ShipmentLineChange {
                        lot_id: lot.to_string(),
                        change_milli,
                        open_milli,
                    })
                    .collect(),
            }
        };
        let message = |changed: Changed| proto::WatchShipmentsResponse {
            position: changed.at.position(&cut.checkpoint),
            changes: changed.shipments.into_iter().map(|(id, lots)| change(id, lots)).collect(),
            organization_code: changed.organization,
            command_id: changed.command.to_string(),
            record_time: changed.record_time,
        };
        Ok(changed.into_iter().map(message).collect())
    }

    async fn beginning(&self, _: &Cut<'_>, _: Place, (): &()) -> Result<Beginning<Shipments>, Error> {
        Ok((Vec::new(), None))
    }
}
