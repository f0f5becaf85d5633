//! Reads what is in a logistic unit.

use crate::Error;
use crate::read::Cut;
use crate::trace::read::summaries;
use domain::id::Sscc;
use uuid::Uuid;
use wire::proto::chuoi::safety::v1 as proto;

/// What went into a unit less what came out, voids left out.
const CONTENTS: &str = "
    SELECT p.sscc, p.lot_id, p.unit_sscc, sum(p.direction * coalesce(p.quantity_milli, 1))::bigint AS milli
    FROM packings p JOIN events e USING (sequence, ordinal)
    WHERE p.sscc = ANY($1) AND NOT EXISTS (
        SELECT FROM reversals r WHERE r.organization_code = e.organization_code AND r.command_id = e.command_id)
    GROUP BY 1, 2, 3 HAVING sum(p.direction * coalesce(p.quantity_milli, 1)) > 0 ORDER BY 1, 2, 3";

/// A unit and everything in it.
pub(crate) async fn unit(cut: &Cut<'_>, request: &proto::GetUnitRequest) -> Result<proto::GetUnitResponse, Error> {
    let sscc = Sscc::parse(&request.sscc).map_err(|_| Error::Malformed {
        field: "sscc",
        value: request.sscc.clone(),
        allowed: "18 digits, the last a check digit".into(),
    })?;
    let last = "SELECT p.site_code, s.name FROM packings p LEFT JOIN sites s USING (site_code) WHERE p.sscc = $1
                ORDER BY p.sequence DESC, p.ordinal DESC LIMIT 1";
    let rows = cut.rows(last, &[&sscc.as_str()]).await?;
    let Some(row) = rows.first() else {
        let hint = "nothing was ever packed into it; check the number";
        return Err(Error::NotFound { what: "logistic unit", name: sscc.to_string(), hint });
    };
    let mut response = proto::GetUnitResponse {
        sscc: sscc.to_string(),
        site_code: row.try_get(0)?,
        site_name: row.try_get::<_, Option<String>>(1)?.unwrap_or_default(),
        position: cut.position(),
        ..Default::default()
    };
    let shipment =
        "SELECT shipment_id FROM shipments WHERE sscc = $1 AND dispatches > 0 ORDER BY sequence DESC, ordinal DESC LIMIT 1";
    if let Some(row) = cut.rows(shipment, &[&sscc.as_str()]).await?.first() {
        response.shipment_id = row.try_get::<_, Uuid>(0)?.to_string();
    }
    let within = "
        SELECT p.sscc FROM packings p JOIN events e USING (sequence, ordinal)
        WHERE p.unit_sscc = $1 AND NOT EXISTS (
            SELECT FROM reversals r WHERE r.organization_code = e.organization_code AND r.command_id = e.command_id)
        GROUP BY 1 HAVING sum(p.direction) > 0 LIMIT 1";
    if let Some(row) = cut.rows(within, &[&sscc.as_str()]).await?.first() {
        response.within_sscc = row.try_get(0)?;
    }
    let mut held: Vec<(String, Uuid, i64)> = Vec::new();
    let mut level = vec![sscc.to_string()];
    while !level.is_empty() {
        let mut next = Vec::new();
        for row in cut.rows(CONTENTS, &[&level]).await? {
            let inner: Option<String> = row.try_get("unit_sscc")?;
            match inner {
                // Each once: a unit is in one other at a time.
                Some(inner) if !response.unit_ssccs.contains(&inner) && inner != response.sscc => {
                    response.unit_ssccs.push(inner.clone());
                    next.push(inner);
                }
                Some(_) => {}
                None => held.push((row.try_get("sscc")?, row.try_get("lot_id")?, row.try_get("milli")?)),
            }
        }
        level = next;
    }
    let ids: Vec<Uuid> = held.iter().map(|(_, lot, _)| *lot).collect();
    let lots = summaries(cut, &ids).await?;
    let lot =
        |(sscc, lot, quantity_milli): (String, Uuid, i64)| proto::UnitLot { sscc, lot: lots.get(&lot).cloned(), quantity_milli };
    response.lots = held.into_iter().map(lot).collect();
    Ok(response)
}
