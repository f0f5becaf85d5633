//! Reads a lot's history, back to its inputs and forward to the shelves. The line is followed level by level with what was seen
//! kept aside: it ends whatever the journal holds, and no event comes twice.

use crate::page::Page;
use crate::read::{Cut, Query, beyond, position};
use crate::stock::read::Doubtful;
use crate::{Error, filter, names, timestamp_of};
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::trace::v1 as proto;
use wire::proto::chuoi::trace::v1::EventStanding;

/// Lots that a line is followed over, each way.
const MOST_LOTS: usize = 2_000;
/// Holdings in an answer.
const MOST_HOLDINGS: i64 = 5_000;

const LOTS: &str = "
    SELECT l.lot_id, l.issuer_code, o.name AS issuer_name, l.product_code, p.name AS product_name, l.lot_code, l.chain_code,
           c.name AS chain_name, l.expiry_day, l.harvest_day, l.harvest_time, p.base_unit
    FROM lots l LEFT JOIN organizations o ON o.organization_code = l.issuer_code
    LEFT JOIN products p ON p.product_code = l.product_code LEFT JOIN chains c ON c.chain_code = l.chain_code";

/// The trace of a lot, or the lots that its name fits.
pub(crate) async fn trace(
    cut: &Cut<'_>,
    request: &proto::TraceLotRequest,
    page: &Page,
) -> Result<proto::TraceLotResponse, Error> {
    let mut candidates = candidates(cut, request).await?;
    let position = cut.position();
    if candidates.len() > 1 {
        return Ok(proto::TraceLotResponse { candidates, position, ..Default::default() });
    }
    let Some(lot) = candidates.pop() else { return Err(no_lot(request)) };
    let id: Uuid = lot.lot_id.parse().unwrap_or_default();
    let (events, next_page_token, total_events) = history(cut, id, page).await?;
    let mut response =
        proto::TraceLotResponse { lot: Some(lot), events, total_events, next_page_token, position, ..Default::default() };
    if !page.is_first() {
        return Ok(response);
    }
    let (made_from, _, cut_back) = line(cut, id, Direction::Back).await?;
    let (made_into, descendants, cut_forward) = line(cut, id, Direction::Forward).await?;
    let mut here: Vec<Uuid> = descendants.into_iter().collect();
    here.push(id);
    let (holdings, cut_holdings) = holdings(cut, &here).await?;
    response.outside = outside(cut, &here).await?;
    let doubtful = Doubtful::read(cut).await?;
    response.doubtful = here.iter().any(|lot| doubtful.lot(&lot.to_string()));
    response.truncated = cut_back || cut_forward || cut_holdings;
    let named =
        made_from.iter().chain(&made_into).flat_map(|made| made.inputs.iter().chain(&made.outputs)).map(|lot| &lot.lot_id);
    let named: BTreeSet<Uuid> = named.filter_map(|lot| lot.parse().ok()).filter(|lot| *lot != id).collect();
    let named: Vec<Uuid> = named.into_iter().collect();
    response.lots = summaries(cut, &named).await?.into_values().collect();
    (response.made_from, response.made_into, response.holdings) = (made_from, made_into, holdings);
    Ok(response)
}

/// Nobody knows that lot.
pub(crate) fn no_lot(request: &proto::TraceLotRequest) -> Error {
    let name = [&request.lot_id, &request.lot_code].into_iter().find(|text| !text.is_empty()).cloned().unwrap_or_default();
    Error::NotFound { what: "lot", name, hint: "give its id (a UUID), or its lot code with issuer and product" }
}

pub(crate) async fn candidates(cut: &Cut<'_>, request: &proto::TraceLotRequest) -> Result<Vec<proto::LotSummary>, Error> {
    let mut query = Query::default();
    let mut conditions = Vec::new();
    if !request.lot_id.is_empty() {
        let id: Uuid = request.lot_id.trim().parse().map_err(|_| Error::Malformed {
            field: "lot_id",
            value: request.lot_id.clone(),
            allowed: "a UUID; for a lot code use lot_code".into(),
        })?;
        conditions.push(format!("l.lot_id = {}", query.bind(id)));
    } else if !request.lot_code.trim().is_empty() {
        conditions.push(format!("l.lot_code = {}", query.bind(request.lot_code.trim().to_owned())));
        if !request.issuer_code.is_empty() {
            let issuer = filter::organizations(cut, "issuer_code", std::slice::from_ref(&request.issuer_code)).await?;
            conditions.push(format!("l.issuer_code = ANY({}::text[])", query.bind(issuer)));
        }
        if !request.product.is_empty() {
            let product = filter::products(cut, "product", std::slice::from_ref(&request.product)).await?;
            conditions.push(format!("l.product_code = ANY({}::text[])", query.bind(product)));
        }
    } else {
        return Err(Error::Malformed { field: "lot_id", value: String::new(), allowed: "a UUID, or else a lot_code".into() });
    }
    query.sql = format!("{LOTS} WHERE {} ORDER BY l.issuer_code, l.product_code LIMIT 100", conditions.join(" AND "));
    let found: Vec<proto::LotSummary> = cut.query(&query).await?.iter().map(lot_summary).collect::<Result<_, _>>()?;
    // Where lots of one name were begun before their codes were merged, the code that was given says which is meant.
    let is = |given: &str, code: &str| given.is_empty() || given.trim().eq_ignore_ascii_case(code);
    let named = |lot: &&proto::LotSummary| is(&request.issuer_code, &lot.issuer_code) && is(&request.product, &lot.product_code);
    let literal: Vec<proto::LotSummary> = found.iter().filter(named).cloned().collect();
    Ok(if literal.len() == 1 { literal } else { found })
}

/// Lots by their ids.
pub(crate) async fn summaries(cut: &Cut<'_>, lots: &[Uuid]) -> Result<BTreeMap<Uuid, proto::LotSummary>, Error> {
    let rows = cut.rows(&format!("{LOTS} WHERE l.lot_id = ANY($1)"), &[&lots]).await?;
    rows.iter().map(|row| Ok((row.try_get("lot_id")?, lot_summary(row)?))).collect()
}

fn lot_summary(row: &Row) -> Result<proto::LotSummary, Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    Ok(proto::LotSummary {
        lot_id: row.try_get::<_, Uuid>("lot_id")?.to_string(),
        issuer_code: text("issuer_code")?,
        issuer_name: text("issuer_name")?,
        product_code: text("product_code")?,
        product_name: text("product_name")?,
        lot_code: text("lot_code")?,
        chain_code: text("chain_code")?,
        chain_name: text("chain_name")?,
        expiry_date: filter::date(row.try_get("expiry_day")?),
        harvest_date: filter::date(row.try_get("harvest_day")?),
        harvest_time: row.try_get::<_, Option<SystemTime>>("harvest_time")?.and_then(timestamp_of),
        unit: text("base_unit")?,
    })
}

/// Where an event lies in its day: before opening, what came in that day, moments, what went out that day, after closing. As the
/// domain's ledgers order what happened.
const RANK: &str = "(CASE e.precision WHEN 3 THEN 0 WHEN 4 THEN 4 WHEN 2 THEN
    CASE WHEN e.kind IN ('Harvested', 'LotOpened', 'Received', 'CustomerReturned', 'ShipmentCancelled') THEN 1 ELSE 3 END ELSE 2 END)";

/// What is shown of an event `e`.
pub(crate) const EVENT: &str =
    "e.*, s.name AS site_name, t.name AS to_site_name, sh.shipment_code, r.is_correction, r.by_command_id";
pub(crate) const EVENT_NAMES: &str = "
    LEFT JOIN sites s ON s.site_code = e.site_code LEFT JOIN sites t ON t.site_code = e.to_site_code
    LEFT JOIN shipments sh ON sh.shipment_id = e.shipment_id
    LEFT JOIN reversals r ON r.organization_code = e.organization_code AND r.command_id = e.command_id";

const TOUCHED: &str = "
    (SELECT sequence, ordinal FROM movements WHERE lot_id = $1 UNION SELECT sequence, ordinal FROM counts WHERE lot_id = $1
     UNION SELECT sequence, ordinal FROM event_lots WHERE lot_id = $1) AS m
    JOIN events e USING (sequence, ordinal)";

async fn history(cut: &Cut<'_>, lot: Uuid, page: &Page) -> Result<(Vec<proto::LotEvent>, String, i64), Error> {
    let count = format!("SELECT count(*) FROM {TOUCHED}");
    let total = cut.rows(&count, &[&lot]).await?.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
    let mut query = Query::default();
    query.bind(lot);
    let keys = [
        ("e.business_day", "integer"),
        (RANK, "integer"),
        ("e.event_time", "timestamptz"),
        ("e.sequence", "bigint"),
        ("e.ordinal", "integer"),
    ];
    let after = match page.after(keys.len())? {
        Some(after) => beyond(&mut query, &keys, after, false),
        None => "true".to_owned(),
    };
    let limit = query.bind(page.size + 1);
    query.sql = format!(
        "SELECT {EVENT}, {RANK} AS rank, to_char(e.event_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' AS time_key
         FROM {TOUCHED} {EVENT_NAMES}
         WHERE {after} ORDER BY e.business_day, {RANK}, e.event_time, e.sequence, e.ordinal LIMIT {limit}"
    );
    let mut events = Vec::new();
    for row in cut.query(&query).await? {
        let at: (i64, i32) = (row.try_get("sequence")?, row.try_get("ordinal")?);
        let keys = vec![
            row.try_get::<_, i32>("business_day")?.to_string(),
            row.try_get::<_, i32>("rank")?.to_string(),
            row.try_get("time_key")?,
            at.0.to_string(),
            at.1.to_string(),
        ];
        events.push((at, keys, lot_event(cut, &row)?));
    }
    let next_page_token = page.cut(&mut events, |(_, keys, _)| keys.clone());
    add_shares(cut, lot, &mut events).await?;
    Ok((events.into_iter().map(|(.., event)| event).collect(), next_page_token, total))
}

pub(crate) fn lot_event(cut: &Cut<'_>, row: &Row) -> Result<proto::LotEvent, Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let id = |name: &str| row.try_get::<_, Option<Uuid>>(name).map(|id| id.map(|id| id.to_string()).unwrap_or_default());
    let document: Option<serde_json::Value> = row.try_get("document")?;
    let violations: Option<serde_json::Value> = row.try_get("violations")?;
    let details: Option<serde_json::Value> = row.try_get("details")?;
    let standing = match row.try_get::<_, Option<bool>>("is_correction")? {
        None => EventStanding::Stands,
        Some(false) => EventStanding::Voided,
        Some(true) => EventStanding::Corrected,
    };
    Ok(proto::LotEvent {
        event_id: id("event_id")?,
        kind: names::event_kind(row.try_get("kind")?).into(),
        event_time: timestamp_of(row.try_get("event_time")?),
        utc_offset_minutes: row.try_get("utc_offset_minutes")?,
        precision: row.try_get::<_, i16>("precision")?.into(),
        business_date: filter::date(row.try_get("business_day")?),
        typed_time: text("typed_time")?,
        record_time: timestamp_of(row.try_get("record_time")?),
        position: position(&cut.checkpoint, row.try_get::<_, i64>("sequence")?.unsigned_abs()),
        organization_code: text("organization_code")?,
        actor: text("actor")?,
        device: text("device")?,
        client: text("client")?,
        command_id: id("command_id")?,
        reported_fact: row.try_get("reported_fact")?,
        note: text("note")?,
        document: document.as_ref().map(|document| event::DocumentReference {
            issuer_code: of(document, "issuer"),
            kind: of(document, "kind"),
            year: document.get("year").and_then(|year| year.as_i64()).and_then(|year| year.try_into().ok()).unwrap_or(0),
            number: of(document, "number"),
        }),
        violations: violations.as_ref().and_then(|broken| broken.as_array()).into_iter().flatten().map(violation).collect(),
        site_code: text("site_code")?,
        site_name: text("site_name")?,
        shipment_id: id("shipment_id")?,
        shipment_code: text("shipment_code")?,
        to_site_code: text("to_site_code")?,
        to_site_name: text("to_site_name")?,
        movements: Vec::new(),
        counts: Vec::new(),
        standing: standing.into(),
        reversed_by_command_id: id("by_command_id")?,
        reverses_command_id: id("reverses_command_id")?,
        reason: text("reason")?,
        given: String::new(),
        names: details.as_ref().and_then(|details| details.get("names")?.as_array()).into_iter().flatten().map(name).collect(),
    })
}

fn violation(broken: &serde_json::Value) -> event::Violation {
    event::Violation {
        rule: broken.get("rule").and_then(|rule| rule.as_u64()).and_then(|rule| rule.try_into().ok()).unwrap_or(0),
        reason: of(broken, "reason"),
        detail: of(broken, "detail"),
    }
}

fn name(typed: &serde_json::Value) -> event::TypedName {
    event::TypedName { field: of(typed, "field"), typed: of(typed, "typed"), code: of(typed, "code") }
}

fn of(value: &serde_json::Value, key: &str) -> String {
    value.get(key).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
}

/// Adds what each event moved and counted of the lot: its own share.
async fn add_shares(cut: &Cut<'_>, lot: Uuid, events: &mut [((i64, i32), Vec<String>, proto::LotEvent)]) -> Result<(), Error> {
    let places: BTreeMap<(i64, i32), usize> = events.iter().enumerate().map(|(place, (at, ..))| (*at, place)).collect();
    let (sequences, ordinals): (Vec<i64>, Vec<i32>) = places.keys().copied().unzip();
    let asked = "FROM unnest($2::bigint[], $3::integer[]) AS asked (sequence, ordinal)";
    let sql = format!("SELECT m.* {asked} JOIN movements m USING (sequence, ordinal) WHERE m.lot_id = $1 ORDER BY 1, 2, m.line");
    for row in cut.rows(&sql, &[&lot, &sequences, &ordinals]).await? {
        let Some((.., event)) = at(&row, &places)?.and_then(|place| events.get_mut(place)) else { continue };
        event.movements.push(movement(&row)?);
        if event.given.is_empty() {
            event.given = row.try_get::<_, Option<String>>("given")?.unwrap_or_default();
        }
    }
    let sql = format!("SELECT c.* {asked} JOIN counts c USING (sequence, ordinal) WHERE c.lot_id = $1 ORDER BY 1, 2, c.line");
    for row in cut.rows(&sql, &[&lot, &sequences, &ordinals]).await? {
        let Some((.., event)) = at(&row, &places)?.and_then(|place| events.get_mut(place)) else { continue };
        event.counts.push(count(&row)?);
    }
    Ok(())
}

/// A row of `movements`.
pub(super) fn movement(row: &Row) -> Result<proto::LotMovement, Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let id = |name: &str| row.try_get::<_, Option<Uuid>>(name).map(|id| id.map(|id| id.to_string()).unwrap_or_default());
    Ok(proto::LotMovement {
        from_site_code: text("from_site_code")?,
        from_shipment_id: id("from_shipment_id")?,
        from_outside: names::outside(&text("from_outside")?).into(),
        to_site_code: text("to_site_code")?,
        to_shipment_id: id("to_shipment_id")?,
        to_outside: names::outside(&text("to_outside")?).into(),
        quantity_milli: row.try_get("quantity_milli")?,
        business_date: filter::date(row.try_get("business_day")?),
        is_reversal: row.try_get("is_reversal")?,
    })
}

/// A row of `counts`.
pub(super) fn count(row: &Row) -> Result<proto::LotCount, Error> {
    Ok(proto::LotCount {
        counted_milli: row.try_get("counted_milli")?,
        expected_milli: row.try_get("expected_milli")?,
        variance_milli: row.try_get("variance_milli")?,
        basis: row.try_get::<_, i16>("basis")?.into(),
    })
}

fn at(row: &Row, places: &BTreeMap<(i64, i32), usize>) -> Result<Option<usize>, Error> {
    Ok(places.get(&(row.try_get("sequence")?, row.try_get("ordinal")?)).copied())
}

/// Which way a line is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To what a lot was made of.
    Back,
    /// To what was made of it.
    Forward,
}

/// Lots, and every lot that they were made of or that was made of them, through any depth. What was voided, or corrected, did not
/// happen.
pub(crate) async fn kin(cut: &Cut<'_>, lots: &[Uuid], direction: Direction) -> Result<BTreeSet<Uuid>, Error> {
    let (mine, theirs) = match direction {
        Direction::Back => ("mine.from_outside = 'produced'", "other.to_outside = 'consumed'"),
        Direction::Forward => ("mine.to_outside = 'consumed'", "other.from_outside = 'produced'"),
    };
    let sql = format!(
        "WITH RECURSIVE kin (lot_id) AS (
             SELECT unnest($1::uuid[])
             UNION
             SELECT other.lot_id FROM kin
             JOIN movements mine ON mine.lot_id = kin.lot_id AND {mine} AND NOT mine.is_reversal
             JOIN events e ON e.sequence = mine.sequence AND e.ordinal = mine.ordinal
             JOIN movements other ON other.sequence = mine.sequence AND other.ordinal = mine.ordinal AND {theirs} AND NOT other.is_reversal
             WHERE NOT EXISTS (
                 SELECT FROM reversals r WHERE r.organization_code = e.organization_code AND r.command_id = e.command_id)
         )
         SELECT lot_id FROM kin"
    );
    cut.rows(&sql, &[&lots]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The transformations that a lot goes back to, or that it went into, each once and nearest first; the lots that they reach; and
/// whether there are more.
pub(crate) async fn line(
    cut: &Cut<'_>,
    lot: Uuid,
    direction: Direction,
) -> Result<(Vec<proto::Transformation>, BTreeSet<Uuid>, bool), Error> {
    let (mine, theirs) = match direction {
        Direction::Back => ("m.from_outside = 'produced'", "consumed"),
        Direction::Forward => ("m.to_outside = 'consumed'", "produced"),
    };
    // What was voided, or corrected, did not happen.
    let steps = format!(
        "SELECT DISTINCT e.sequence, e.ordinal, e.event_id, e.event_time, e.business_day, e.site_code, s.name AS site_name, e.process,
                e.loss_gram
         FROM movements m JOIN events e USING (sequence, ordinal) LEFT JOIN sites s ON s.site_code = e.site_code
         WHERE m.lot_id = ANY($1) AND {mine} AND NOT m.is_reversal AND NOT EXISTS (
             SELECT FROM reversals r WHERE r.organization_code = e.organization_code AND r.command_id = e.command_id)
         ORDER BY e.event_time, e.sequence, e.ordinal"
    );
    let parts = "SELECT m.sequence, m.ordinal, m.lot_id, m.quantity_milli, m.to_outside IS NOT NULL AS is_input
                 FROM unnest($1::bigint[], $2::integer[]) AS asked (sequence, ordinal) JOIN movements m USING (sequence, ordinal)
                 WHERE (m.to_outside = 'consumed' OR m.from_outside = 'produced') AND NOT m.is_reversal
                 ORDER BY m.sequence, m.ordinal, m.line";
    let mut found: Vec<proto::Transformation> = Vec::new();
    let mut seen: BTreeMap<(i64, i32), usize> = BTreeMap::new();
    let mut reached = BTreeSet::new();
    let mut level = vec![lot];
    let mut depth = 0;
    while !level.is_empty() {
        depth += 1;
        let mut fresh = BTreeMap::new();
        for row in cut.rows(&steps, &[&level]).await? {
            let at: (i64, i32) = (row.try_get("sequence")?, row.try_get("ordinal")?);
            if seen.contains_key(&at) {
                continue;
            }
            seen.insert(at, found.len());
            fresh.insert(at, found.len());
            found.push(proto::Transformation {
                event_id: row.try_get::<_, Uuid>("event_id")?.to_string(),
                event_time: timestamp_of(row.try_get("event_time")?),
                business_date: filter::date(row.try_get("business_day")?),
                site_code: row.try_get::<_, Option<String>>("site_code")?.unwrap_or_default(),
                site_name: row.try_get::<_, Option<String>>("site_name")?.unwrap_or_default(),
                process: row.try_get::<_, Option<i16>>("process")?.unwrap_or(0).into(),
                depth,
                inputs: Vec::new(),
                outputs: Vec::new(),
                loss_gram: row.try_get("loss_gram")?,
            });
        }
        let (sequences, ordinals): (Vec<i64>, Vec<i32>) = fresh.keys().copied().unzip();
        let mut next = BTreeSet::new();
        for row in cut.rows(parts, &[&sequences, &ordinals]).await? {
            let Some(made) = at(&row, &fresh)?.and_then(|place| found.get_mut(place)) else { continue };
            let id: Uuid = row.try_get("lot_id")?;
            let part = proto::LotQuantity { lot_id: id.to_string(), quantity_milli: row.try_get("quantity_milli")? };
            let is_input: bool = row.try_get("is_input")?;
            if is_input {
                made.inputs.push(part)
            } else {
                made.outputs.push(part)
            }
            if is_input == (theirs == "consumed") && id != lot && !reached.contains(&id) {
                next.insert(id);
            }
        }
        reached.extend(next.iter().copied());
        if reached.len() > MOST_LOTS {
            return Ok((found, reached, true));
        }
        level = next.into_iter().collect();
    }
    Ok((found, reached, false))
}

pub(crate) async fn holdings(cut: &Cut<'_>, lots: &[Uuid]) -> Result<(Vec<proto::Holding>, bool), Error> {
    let sql = "
        SELECT k.lot_id, k.site_code, s.name, s.kind, NULL::uuid AS shipment_id, '' AS shipment_code, '' AS to_site_code,
               k.quantity_milli
        FROM stock k LEFT JOIN sites s USING (site_code) WHERE k.lot_id = ANY($1)
        UNION ALL
        SELECT l.lot_id, '', '', '', l.shipment_id, sh.shipment_code, coalesce(sh.to_site_code, ''), l.open_milli
        FROM shipment_lines l LEFT JOIN shipments sh USING (shipment_id) WHERE l.lot_id = ANY($1) AND l.open_milli > 0
        ORDER BY lot_id, site_code, shipment_id LIMIT $2";
    let mut holdings = Vec::new();
    for row in cut.rows(sql, &[&lots, &(MOST_HOLDINGS + 1)]).await? {
        let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
        holdings.push(proto::Holding {
            lot_id: row.try_get::<_, Uuid>("lot_id")?.to_string(),
            site_code: text("site_code")?,
            site_name: text("name")?,
            kind: names::site_kind(&text("kind")?).into(),
            shipment_id: row.try_get::<_, Option<Uuid>>("shipment_id")?.map(|id| id.to_string()).unwrap_or_default(),
            shipment_code: text("shipment_code")?,
            to_site_code: text("to_site_code")?,
            quantity_milli: row.try_get("quantity_milli")?,
        });
    }
    let most = usize::try_from(MOST_HOLDINGS).unwrap_or(usize::MAX);
    let is_cut = holdings.len() > most;
    holdings.truncate(most);
    Ok((holdings, is_cut))
}

async fn outside(cut: &Cut<'_>, lots: &[Uuid]) -> Result<Vec<proto::Outside>, Error> {
    let sql = "SELECT lot_id, reason, abs(quantity_milli) AS quantity_milli FROM outside WHERE lot_id = ANY($1) ORDER BY lot_id, reason";
    let row = |row: &Row| {
        Ok(proto::Outside {
            lot_id: row.try_get::<_, Uuid>("lot_id")?.to_string(),
            reason: names::outside(row.try_get("reason")?).into(),
            quantity_milli: row.try_get("quantity_milli")?,
        })
    };
    cut.rows(sql, &[&lots]).await?.iter().map(row).collect()
}
