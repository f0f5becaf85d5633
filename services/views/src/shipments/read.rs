//! Reads shipments: what is on the road, since when, between whom, and what of it is missing.

use crate::page::Page;
use crate::read::{Cut, Query, beyond};
use crate::stock::read::{Doubtful, total};
use crate::{Error, filter};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::SystemTime;
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::stock::v1 as proto;
use wire::proto::chuoi::stock::v1::ShipmentState;

/// Shipments with what is open of each, and which state follows from that.
pub(super) const SHIPMENTS: &str = "
    shipments AS sh
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(open_milli), 0) AS open, coalesce(sum(unmatched_milli - matched_milli), 0) AS unmatched,
               count(*) AS lines
        FROM shipment_lines l WHERE l.shipment_id = sh.shipment_id
    ) AS b ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN b.open > 0 THEN 1 WHEN b.unmatched > 0 THEN 3 WHEN sh.dispatches <= 0 THEN 4 ELSE 2 END AS state
    ) AS st";

pub(super) const COLUMNS: &str = "
    sh.sequence, sh.ordinal, sh.shipment_id, sh.issuer_code, sh.shipment_code, st.state, sh.from_site_code, sh.trip_id, sh.sscc, sh.is_consignment,
    coalesce(sh.to_site_code, sh.arrived_site_code) AS to_site_code, sh.dispatch_time, sh.dispatch_day, sh.return_of_shipment_id,
    sh.command_id, b.lines, f.name AS from_name, 
    -- Whoever ran the sender when it left: a shop may have changed hands since.
    coalesce((SELECT w.organization_code FROM site_facts w WHERE w.site_code = sh.from_site_code AND w.from_day <= sh.dispatch_day
              ORDER BY w.from_day DESC, w.sequence DESC, w.ordinal DESC LIMIT 1), f.organization_code) AS from_organization,
    t.name AS to_name,
    t.organization_code AS to_organization";

pub(super) const NAMES: &str = "
    LEFT JOIN sites f ON f.site_code = sh.from_site_code
    LEFT JOIN sites t ON t.site_code = coalesce(sh.to_site_code, sh.arrived_site_code)";

/// Lines in an answer at most.
const MOST_LINES: i64 = 10_000;

pub(super) struct Listed {
    keys: Vec<String>,
    lines: i64,
    /// Without its lines.
    pub shipment: proto::Shipment,
}

/// A page of shipments, newest first.
pub(crate) async fn list(
    cut: &Cut<'_>,
    request: &proto::ListShipmentsRequest,
    page: &Page,
) -> Result<proto::ListShipmentsResponse, Error> {
    let now = now(request)?;
    let state = ShipmentState::try_from(request.state).map_err(|_| Error::Malformed {
        field: "state",
        value: request.state.to_string(),
        allowed: "states of shipments, 1 to 4; 0 for any".into(),
    })?;
    let mut query = Query::default();
    let conditions = conditions(cut, request, state, now, &mut query).await?;
    let totals = conditions.clone();
    let mut conditions = conditions;
    let keys = [("sh.sequence", "bigint"), ("sh.ordinal", "integer"), ("sh.shipment_id", "uuid")];
    if let Some(after) = page.after(keys.len())? {
        conditions.push(beyond(&mut query, &keys, after, true));
    }
    let limit = query.bind(page.size + 1);
    query.sql = format!(
        "SELECT {COLUMNS} FROM {SHIPMENTS} {NAMES} WHERE {} ORDER BY sh.sequence DESC, sh.ordinal DESC, sh.shipment_id DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    let mut rows = cut.query(&query).await?.iter().map(|row| shipment(row, now)).collect::<Result<Vec<_>, _>>()?;
    let mut next_page_token = page.cut(&mut rows, |listed| listed.keys.clone());
    // An answer has to fit into a message: a page ends early rather than grow beyond it.
    let mut lines = 0;
    let fitting = rows.iter().take_while(|listed| {
        lines += listed.lines;
        lines <= MOST_LINES
    });
    let fitting = fitting.count().max(1);
    if fitting < rows.len() {
        rows.truncate(fitting);
        next_page_token = rows.last().map(|last| page.token(&last.keys)).unwrap_or_default();
    }
    let mut shipments: Vec<_> = rows.into_iter().map(|listed| listed.shipment).collect();
    add_lines(cut, &mut shipments).await?;

    let mut count = Query::default();
    self::conditions(cut, request, state, now, &mut count).await?;
    count.sql = format!("SELECT count(*) FROM {SHIPMENTS} WHERE {}", totals.join(" AND "));
    let total_shipments = cut.query(&count).await?.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
    count.sql = format!(
        "SELECT coalesce(p.base_unit, '') AS unit, sum(l.open_milli)::bigint AS quantity_milli,
                div(sum(l.open_milli::numeric * coalesce(p.mass_gram, 0)), 1000)::bigint AS mass_gram,
                coalesce(sum(l.open_milli) FILTER (WHERE coalesce(p.mass_gram, 0) = 0), 0)::bigint AS unknown_milli
         FROM shipment_lines l JOIN lots USING (lot_id) LEFT JOIN products p ON p.product_code = lots.product_code
         WHERE l.open_milli > 0 AND l.shipment_id IN (SELECT sh.shipment_id FROM {SHIPMENTS} WHERE {}) GROUP BY 1 ORDER BY 1",
        totals.join(" AND ")
    );
    let in_transit = cut.query(&count).await?.iter().map(total).collect::<Result<_, _>>()?;
    Ok(proto::ListShipmentsResponse { shipments, in_transit, total_shipments, next_page_token, position: cut.position() })
}

/// The conditions of a request; binds the same values in the same order each time.
async fn conditions(
    cut: &Cut<'_>,
    request: &proto::ListShipmentsRequest,
    state: ShipmentState,
    now: Timestamp,
    query: &mut Query,
) -> Result<Vec<String>, Error> {
    let mut conditions = vec!["true".to_owned()];
    if state == ShipmentState::Open {
        // Few of many: the index of what is open finds them.
        conditions.push("sh.shipment_id IN (SELECT shipment_id FROM shipment_lines WHERE open_milli > 0)".into());
    } else if state != ShipmentState::Unspecified {
        let bound = query.bind(state as i32);
        conditions.push(format!("st.state = {bound}"));
    }
    if let Some(sites) = filter::sites(cut, "from_sites", &request.from_sites).await? {
        let bound = query.bind(sites);
        conditions.push(format!("sh.from_site_code = ANY({bound}::text[])"));
    }
    if let Some(sites) = filter::sites(cut, "to_sites", &request.to_sites).await? {
        let bound = query.bind(sites);
        conditions.push(format!("coalesce(sh.to_site_code, sh.arrived_site_code) = ANY({bound}::text[])"));
    }
    for (column, codes) in [
        ("chain_code", filter::chains(cut, "chains", &request.chains).await?),
        ("product_code", filter::products(cut, "products", &request.products).await?),
    ] {
        if let Some(codes) = codes {
            let bound = query.bind(codes);
            conditions.push(format!(
                "EXISTS (SELECT FROM shipment_lines l JOIN lots USING (lot_id)
                         WHERE l.shipment_id = sh.shipment_id AND lots.{column} = ANY({bound}::text[]))"
            ));
        }
    }
    match request.older_than_hours {
        0 => {}
        hours if (1..=87_600).contains(&hours) => {
            let at = now - jiff::SignedDuration::from_hours(hours.into());
            let bound = query.bind(crate::system_time(at));
            conditions.push(format!("sh.dispatch_time <= {bound}"));
        }
        hours => {
            return Err(Error::Malformed {
                field: "older_than_hours",
                value: hours.to_string(),
                allowed: "1 to 87600; 0 for any age".into(),
            });
        }
    }
    let texts = [("sh.trip_id", &request.trip_id), ("sh.sscc", &request.sscc), ("sh.shipment_code", &request.shipment_code)];
    for (column, text) in texts {
        if !text.is_empty() {
            let bound = query.bind(text.clone());
            conditions.push(format!("{column} = {bound}"));
        }
    }
    Ok(conditions)
}

fn now(request: &proto::ListShipmentsRequest) -> Result<Timestamp, Error> {
    let Some(time) = &request.now_time else { return Ok(Timestamp::now()) };
    // Within the years that dates are read in, so that any age can be taken off.
    let at =
        Timestamp::new(time.seconds, time.nanos).ok().filter(|at| (-2_208_988_800..=32_503_680_000).contains(&at.as_second()));
    at.ok_or_else(|| Error::Malformed {
        field: "now_time",
        value: format!("{} s, {} ns", time.seconds, time.nanos),
        allowed: "a time from 1900 to 2999".into(),
    })
}

/// One shipment, by its id or by issuer and code.
pub(crate) async fn get(cut: &Cut<'_>, request: &proto::GetShipmentRequest) -> Result<proto::Shipment, Error> {
    let mut query = Query::default();
    let mut order = "sh.sequence".to_owned();
    let (condition, name) = if request.shipment_id.is_empty() {
        if request.shipment_code.is_empty() || request.issuer_code.is_empty() {
            return Err(Error::Malformed {
                field: "shipment_id",
                value: String::new(),
                allowed: "a UUID, or else both issuer_code and shipment_code".into(),
            });
        }
        // Under the code that its issuer had when it left, or any other of the issuer's.
        let issuer = query.bind(request.issuer_code.trim().to_ascii_uppercase());
        let code = query.bind(request.shipment_code.trim().to_owned());
        let survivor = |code: &str| {
            format!("coalesce((SELECT survivor_code FROM merged WHERE kind = 'organization' AND code = {code}), {code})")
        };
        order = format!("sh.issuer_code <> {issuer}, sh.sequence");
        let issuer = format!("{} = {}", survivor("sh.issuer_code"), survivor(&issuer));
        (format!("{issuer} AND sh.shipment_code = {code}"), request.shipment_code.clone())
    } else {
        let id: Uuid = request.shipment_id.trim().parse().map_err(|_| Error::Malformed {
            field: "shipment_id",
            value: request.shipment_id.clone(),
            allowed: "a UUID".into(),
        })?;
        (format!("sh.shipment_id = {}", query.bind(id)), request.shipment_id.clone())
    };
    query.sql = format!("SELECT {COLUMNS} FROM {SHIPMENTS} {NAMES} WHERE {condition} ORDER BY {order} LIMIT 1");
    let rows = cut.query(&query).await?;
    let Some(row) = rows.first() else {
        return Err(Error::NotFound { what: "shipment", name, hint: "see StockService.ListShipments" });
    };
    let mut shipments = [shipment(row, Timestamp::now())?.shipment];
    add_lines(cut, &mut shipments).await?;
    let [shipment] = shipments;
    Ok(shipment)
}

/// A row of the columns above.
pub(super) fn shipment(row: &Row, now: Timestamp) -> Result<Listed, Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let id = |name: &str| row.try_get::<_, Option<Uuid>>(name).map(|id| id.map(|id| id.to_string()).unwrap_or_default());
    let dispatched: Option<SystemTime> = row.try_get("dispatch_time")?;
    let dispatched = dispatched.and_then(|time| Timestamp::try_from(time).ok());
    let return_of = id("return_of_shipment_id")?;
    let keys = vec![
        row.try_get::<_, i64>("sequence")?.to_string(),
        row.try_get::<_, i32>("ordinal")?.to_string(),
        row.try_get::<_, Uuid>("shipment_id")?.to_string(),
    ];
    let shipment = proto::Shipment {
        shipment_id: id("shipment_id")?,
        issuer_code: text("issuer_code")?,
        shipment_code: text("shipment_code")?,
        state: row.try_get("state")?,
        from_site_code: text("from_site_code")?,
        from_site_name: text("from_name")?,
        from_organization_code: text("from_organization")?,
        to_site_code: text("to_site_code")?,
        to_site_name: text("to_name")?,
        to_organization_code: text("to_organization")?,
        trip_id: text("trip_id")?,
        sscc: text("sscc")?,
        dispatch_time: dispatched.map(crate::timestamp),
        dispatch_date: filter::date(row.try_get("dispatch_day")?),
        age_hours: dispatched.map_or(0, |at| now.duration_since(at).as_hours().max(0)),
        is_return: !return_of.is_empty(),
        return_of_shipment_id: return_of,
        lines: Vec::new(),
        command_id: id("command_id")?,
        consignment: row.try_get("is_consignment")?,
    };
    Ok(Listed { keys, lines: row.try_get("lines")?, shipment })
}

async fn add_lines(cut: &Cut<'_>, shipments: &mut [proto::Shipment]) -> Result<(), Error> {
    let ids: Vec<Uuid> = shipments.iter().filter_map(|shipment| shipment.shipment_id.parse().ok()).collect();
    let places: HashMap<String, usize> =
        shipments.iter().enumerate().map(|(place, shipment)| (shipment.shipment_id.clone(), place)).collect();
    let doubtful = Doubtful::read(cut).await?;
    let sql = format!(
        "SELECT {LINE} FROM shipment_lines l {LINE_NAMES} WHERE l.shipment_id = ANY($1)
         ORDER BY lots.product_code, lots.lot_code, l.lot_id"
    );
    for row in cut.rows(&sql, &[&ids]).await? {
        let shipment: Uuid = row.try_get("shipment_id")?;
        let line = line(&row, &doubtful)?;
        if let Some(shipment) = places.get(&shipment.to_string()).and_then(|place| shipments.get_mut(*place)) {
            shipment.lines.push(line);
        }
    }
    Ok(())
}

/// What is shown of a line `l`.
pub(super) const LINE: &str =
    "l.*, lots.issuer_code, lots.lot_code, lots.product_code, lots.chain_code, p.name AS product_name, p.base_unit";
pub(super) const LINE_NAMES: &str = "LEFT JOIN lots USING (lot_id) LEFT JOIN products p ON p.product_code = lots.product_code";

/// A row of those.
pub(super) fn line(row: &Row, doubtful: &Doubtful) -> Result<proto::ShipmentLine, Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let lot_id = row.try_get::<_, Uuid>("lot_id")?.to_string();
    let (unmatched, matched): (i64, i64) = (row.try_get("unmatched_milli")?, row.try_get("matched_milli")?);
    let received: i64 = row.try_get("received_milli")?;
    Ok(proto::ShipmentLine {
        doubtful: doubtful.lot(&lot_id),
        lot_id,
        issuer_code: text("issuer_code")?,
        lot_code: text("lot_code")?,
        product_code: text("product_code")?,
        product_name: text("product_name")?,
        chain_code: text("chain_code")?,
        unit: text("base_unit")?,
        sent_milli: row.try_get("sent_milli")?,
        received_milli: received.saturating_add(unmatched),
        refused_milli: row.try_get("refused_milli")?,
        short_milli: row.try_get("short_milli")?,
        open_milli: row.try_get("open_milli")?,
        unmatched_milli: unmatched.saturating_sub(matched),
    })
}
