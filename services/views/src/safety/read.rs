//! Reads holds and recalls, and whether a lot may be sold.

use crate::page::Page;
use crate::programme::certificates;
use crate::read::{Cut, Query};
use crate::stock::read::today;
use crate::trace::read::{Direction, candidates, holdings, kin, line, summaries};
use crate::{Error, filter, names, timestamp_of};
use domain::time::BusinessDay;
use std::collections::BTreeMap;
use std::time::SystemTime;
use tokio_postgres::Row;
use uuid::Uuid;
use wire::proto::chuoi::programme::v1::{Certificate, Validity};
use wire::proto::chuoi::safety::v1 as proto;
use wire::proto::chuoi::safety::v1::{BlockKind, Objection};
use wire::proto::chuoi::trace::v1::TraceLotRequest;

/// A hold or recall `b` as it stands. A row of `releases` without a lot releases all.
pub(crate) const BLOCKS: &str = "
    SELECT b.*, e.event_time, e.business_day, e.record_time, o.name AS organization_name, s.name AS site_name,
           r.command_id IS NOT NULL AS is_voided, named.lots, released.lots AS released, released.latest
    FROM blocks b JOIN events e USING (sequence, ordinal)
    LEFT JOIN organizations o ON o.organization_code = b.organization_code LEFT JOIN sites s ON s.site_code = b.site_code
    LEFT JOIN reversals r ON r.organization_code = b.organization_code AND r.command_id = b.command_id
    CROSS JOIN LATERAL (
        SELECT array_agg(l.lot_id ORDER BY l.lot_id) AS lots FROM block_lots l WHERE l.sequence = b.sequence AND l.ordinal = b.ordinal
    ) AS named
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(DISTINCT l.lot_id), '{}') AS lots, max(x.event_time) AS latest
        FROM releases f JOIN events x ON x.sequence = f.sequence AND x.ordinal = f.ordinal
        CROSS JOIN unnest(named.lots) AS l (lot_id)
        WHERE f.organization_code = b.organization_code AND f.command_id = b.command_id AND (f.lot_id IS NULL OR f.lot_id = l.lot_id)
            AND NOT EXISTS (SELECT FROM reversals v WHERE v.organization_code = x.organization_code AND v.command_id = x.command_id)
    ) AS released";

/// Whether it holds for any lot.
pub(crate) const IS_OPEN: &str = "(r.command_id IS NULL AND cardinality(released.lots) < cardinality(named.lots))";

fn block(row: &Row) -> Result<proto::Block, Error> {
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    let ids = |name: &str| row.try_get::<_, Vec<Uuid>>(name).map(|ids| ids.iter().map(Uuid::to_string).collect::<Vec<_>>());
    let is_recall: bool = row.try_get("is_recall")?;
    let (lot_ids, released_lot_ids, voided) = (ids("lots")?, ids("released")?, row.try_get::<_, bool>("is_voided")?);
    let open = !voided && released_lot_ids.len() < lot_ids.len();
    let latest: Option<SystemTime> = row.try_get("latest")?;
    Ok(proto::Block {
        kind: if is_recall { BlockKind::Recalled } else { BlockKind::Held }.into(),
        organization_code: text("organization_code")?,
        organization_name: text("organization_name")?,
        command_id: row.try_get::<_, Uuid>("command_id")?.to_string(),
        event_time: timestamp_of(row.try_get("event_time")?),
        business_date: filter::date(row.try_get("business_day")?),
        record_time: timestamp_of(row.try_get("record_time")?),
        site_code: text("site_code")?,
        site_name: text("site_name")?,
        reason: text("reason")?,
        form: row.try_get::<_, i16>("form")?.into(),
        decision_number: text("decision_number")?,
        acknowledge_by_time: row.try_get::<_, Option<SystemTime>>("acknowledge_by")?.and_then(timestamp_of),
        release_time: latest.filter(|_| !open).and_then(timestamp_of),
        lot_ids,
        released_lot_ids,
        open,
        voided,
    })
}

/// Holds and recalls, newest first.
pub(crate) async fn blocks(
    cut: &Cut<'_>,
    request: &proto::ListBlocksRequest,
    page: &Page,
) -> Result<proto::ListBlocksResponse, Error> {
    let mut query = Query::default();
    let mut conditions = vec!["true".to_owned()];
    match BlockKind::try_from(request.kind) {
        Ok(BlockKind::Unspecified) => {}
        Ok(kind) => conditions.push(format!("b.is_recall = {}", kind == BlockKind::Recalled)),
        Err(_) => {
            let (field, value) = ("kind", request.kind.to_string());
            return Err(Error::Malformed { field, value, allowed: "1 for holds, 2 for recalls, 0 for both".into() });
        }
    }
    if request.open_only {
        conditions.push(IS_OPEN.to_owned());
    }
    if !request.organization.is_empty() {
        let organizations = filter::organizations(cut, "organization", std::slice::from_ref(&request.organization)).await?;
        conditions.push(format!("b.organization_code = ANY({}::text[])", query.bind(organizations)));
    }
    if !request.lot.is_empty() {
        let lots = filter::lots(cut, "lot", std::slice::from_ref(&request.lot)).await?.unwrap_or_default();
        conditions.push(format!("named.lots && {}::uuid[]", query.bind(lots)));
    }
    if let Some(after) = page.after(2)? {
        let (sequence, ordinal) = (page.key::<i64>(&after[0])?, page.key::<i32>(&after[1])?);
        let (sequence, ordinal) = (query.bind(sequence), query.bind(ordinal));
        conditions.push(format!("(b.sequence, b.ordinal) < ({sequence}, {ordinal})"));
    }
    let limit = query.bind(page.size + 1);
    query.sql = format!("{BLOCKS} WHERE {} ORDER BY b.sequence DESC, b.ordinal DESC LIMIT {limit}", conditions.join(" AND "));
    let row = |row: &Row| Ok::<_, Error>((row.try_get::<_, i64>("sequence")?, row.try_get::<_, i32>("ordinal")?, block(row)?));
    let mut rows = cut.query(&query).await?.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let next_page_token = page.cut(&mut rows, |(sequence, ordinal, _)| vec![sequence.to_string(), ordinal.to_string()]);
    let blocks = rows.into_iter().map(|(.., block)| block).collect();
    Ok(proto::ListBlocksResponse { blocks, next_page_token, position: cut.position() })
}

/// How far a recall reaches.
pub(crate) async fn recall(cut: &Cut<'_>, request: &proto::GetRecallRequest) -> Result<proto::GetRecallResponse, Error> {
    let command: Uuid = request.command_id.trim().parse().map_err(|_| Error::Malformed {
        field: "command_id",
        value: request.command_id.clone(),
        allowed: "a UUID: the command that recalled or held".into(),
    })?;
    let mut query = Query::default();
    let mut sql = format!("{BLOCKS} WHERE b.command_id = {}", query.bind(command));
    if !request.organization_code.is_empty() {
        let organizations =
            filter::organizations(cut, "organization_code", std::slice::from_ref(&request.organization_code)).await?;
        sql.push_str(&format!(" AND b.organization_code = ANY({}::text[])", query.bind(organizations)));
    }
    query.sql = sql;
    let rows = cut.query(&query).await?;
    let Some(found) = rows.first() else {
        let (what, hint) = ("recall or hold", "give the organization and the id of the command, as `ListBlocks` answers them");
        return Err(Error::NotFound { what, name: command.to_string(), hint });
    };
    let block = block(found)?;
    let named: Vec<Uuid> = found.try_get("lots")?;
    let is_recall = block.kind() == BlockKind::Recalled;
    let mut depths: BTreeMap<Uuid, i32> = named.iter().map(|lot| (*lot, 0)).collect();
    let mut truncated = false;
    for lot in named.iter().filter(|_| is_recall) {
        let (transformations, _, is_cut) = line(cut, *lot, Direction::Forward).await?;
        truncated |= is_cut;
        for made in transformations {
            for output in made.outputs.iter().filter_map(|output| output.lot_id.parse().ok()) {
                let depth = depths.entry(output).or_insert(made.depth);
                *depth = made.depth.min(*depth);
            }
        }
    }
    let ids: Vec<Uuid> = depths.keys().copied().collect();
    let known = summaries(cut, &ids).await?;
    let (all, is_cut) = holdings(cut, &ids).await?;
    truncated |= is_cut;
    let balances = balances(cut, &ids).await?;
    let mut units: BTreeMap<String, proto::Balance> = BTreeMap::new();
    let mut lots = Vec::new();
    for (id, depth) in &depths {
        let lot = known.get(id).cloned();
        let unit = lot.as_ref().map(|lot| lot.unit.clone()).unwrap_or_default();
        let balance = proto::Balance { unit: unit.clone(), ..balances.get(id).cloned().unwrap_or_default() };
        let sum = units.entry(unit.clone()).or_insert_with(|| proto::Balance { unit, ..Default::default() });
        add(sum, &balance);
        lots.push(proto::RecallLot { lot, depth: *depth, balance: Some(balance) });
    }
    lots.sort_by_key(|lot| (lot.depth, lot.lot.as_ref().map(|lot| (lot.product_code.clone(), lot.lot_code.clone()))));
    let sites = sites(cut, &ids, &block).await?;
    let (acknowledged_sites, mostly_acknowledged_time) = acknowledged(&sites);
    Ok(proto::GetRecallResponse {
        block: Some(block),
        lots,
        sites,
        in_transit: all.into_iter().filter(|holding| !holding.shipment_id.is_empty()).collect(),
        balances: units.into_values().collect(),
        acknowledged_sites,
        mostly_acknowledged_time,
        truncated,
        position: cut.position(),
    })
}

fn add(sum: &mut proto::Balance, other: &proto::Balance) {
    sum.entered_milli += other.entered_milli;
    sum.held_milli += other.held_milli;
    sum.in_transit_milli += other.in_transit_milli;
    sum.sold_milli += other.sold_milli;
    sum.returned_milli += other.returned_milli;
    sum.wasted_milli += other.wasted_milli;
    sum.processed_milli += other.processed_milli;
    sum.unaccounted_milli += other.unaccounted_milli;
}

/// What became of each lot. `outside` holds what left less what entered, by reason.
async fn balances(cut: &Cut<'_>, lots: &[Uuid]) -> Result<BTreeMap<Uuid, proto::Balance>, Error> {
    let sql = "
        SELECT lot_id, reason, quantity_milli FROM outside WHERE lot_id = ANY($1)
        UNION ALL SELECT lot_id, 'held', sum(quantity_milli)::bigint FROM stock WHERE lot_id = ANY($1) GROUP BY 1
        UNION ALL SELECT lot_id, 'in_transit', sum(open_milli)::bigint FROM shipment_lines WHERE lot_id = ANY($1) GROUP BY 1";
    let mut balances: BTreeMap<Uuid, proto::Balance> = BTreeMap::new();
    for row in cut.rows(sql, &[&lots]).await? {
        let (reason, milli): (String, i64) = (row.try_get("reason")?, row.try_get("quantity_milli")?);
        let balance = balances.entry(row.try_get("lot_id")?).or_default();
        match reason.as_str() {
            "harvested" | "produced" | "opening" | "unmatched" => balance.entered_milli -= milli,
            "held" => balance.held_milli += milli,
            "in_transit" => balance.in_transit_milli += milli,
            "sold" => balance.sold_milli += milli,
            "returned" => {
                balance.sold_milli += milli;
                balance.returned_milli -= milli;
            }
            "consumed" => balance.processed_milli += milli,
            "lost" | "missing" | "found" => balance.unaccounted_milli += milli,
            _ => balance.wasted_milli += milli,
        }
    }
    Ok(balances)
}

/// Every site that ever had some of these lots, with what it has and what became of it there. What made the lots and has nothing
/// left is among them: it is called back from there too.
async fn sites(cut: &Cut<'_>, lots: &[Uuid], block: &proto::Block) -> Result<Vec<proto::RecallSite>, Error> {
    let sql = "
        WITH legs AS (
            SELECT to_site_code AS site_code, lot_id, quantity_milli AS milli, from_outside AS reason
            FROM movements WHERE lot_id = ANY($1) AND to_site_code IS NOT NULL
            UNION ALL
            SELECT from_site_code, lot_id, -quantity_milli, to_outside
            FROM movements WHERE lot_id = ANY($1) AND from_site_code IS NOT NULL
        ), had AS (
            SELECT site_code, lot_id, sum(milli)::bigint AS held,
                   coalesce(-sum(milli) FILTER (WHERE reason IN ('sold', 'returned')), 0)::bigint AS sold,
                   coalesce(-sum(milli) FILTER (WHERE reason IN ('destroyed', 'spoiled', 'damaged', 'expired', 'sampled', 'donated',
                                                                'wasted')), 0)::bigint AS wasted
            FROM legs GROUP BY 1, 2
        )
        SELECT had.*, s.name, s.kind, s.organization_code, s.district_code,
               (SELECT min(x.event_time) FROM acknowledgements a JOIN events x ON x.sequence = a.sequence AND x.ordinal = a.ordinal
                WHERE a.organization_code = $2 AND a.command_id = $3 AND a.site_code = had.site_code
                    AND NOT EXISTS (SELECT FROM reversals v
                                    WHERE v.organization_code = x.organization_code AND v.command_id = x.command_id)) AS heard
        FROM had LEFT JOIN sites s USING (site_code) ORDER BY had.site_code, had.lot_id";
    let command: Uuid = block.command_id.parse().unwrap_or_default();
    let due = block.acknowledge_by_time.as_ref().and_then(|time| wire::undecodable::timestamp(time).ok());
    let is_due = block.open && due.is_some_and(|due| due < jiff::Timestamp::now());
    let mut sites: BTreeMap<String, proto::RecallSite> = BTreeMap::new();
    for row in cut.rows(sql, &[&lots, &block.organization_code, &command]).await? {
        let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
        let code = text("site_code")?;
        let heard = row.try_get::<_, Option<SystemTime>>("heard")?.and_then(timestamp_of);
        let new = proto::RecallSite {
            site_code: code.clone(),
            site_name: text("name")?,
            kind: names::site_kind(&text("kind")?).into(),
            organization_code: text("organization_code")?,
            district_code: text("district_code")?,
            lots: Vec::new(),
            overdue: is_due && heard.is_none(),
            acknowledge_time: heard,
        };
        sites.entry(code).or_insert(new).lots.push(proto::RecallHolding {
            lot_id: row.try_get::<_, Uuid>("lot_id")?.to_string(),
            held_milli: row.try_get("held")?,
            sold_milli: row.try_get("sold")?,
            wasted_milli: row.try_get("wasted")?,
        });
    }
    let mut sites: Vec<proto::RecallSite> = sites.into_values().collect();
    let held = |site: &proto::RecallSite| site.lots.iter().map(|lot| i128::from(lot.held_milli)).sum::<i128>();
    sites.sort_by(|one, other| held(other).cmp(&held(one)).then_with(|| one.site_code.cmp(&other.site_code)));
    Ok(sites)
}

/// How many sites have heard, and when 95 of a hundred had.
fn acknowledged(sites: &[proto::RecallSite]) -> (i32, Option<prost_types::Timestamp>) {
    let mut times: Vec<_> = sites.iter().filter_map(|site| site.acknowledge_time).collect();
    times.sort_by_key(|time| (time.seconds, time.nanos));
    let mostly = (sites.len() * 95).div_ceil(100).checked_sub(1).and_then(|most| times.get(most).copied());
    (i32::try_from(times.len()).unwrap_or(i32::MAX), mostly)
}

/// Whether a lot may be sold, and why not.
pub(crate) async fn check(cut: &Cut<'_>, request: &proto::CheckLotRequest) -> Result<proto::CheckLotResponse, Error> {
    let named = TraceLotRequest {
        lot_id: request.lot_id.clone(),
        lot_code: request.lot_code.clone(),
        issuer_code: request.issuer_code.clone(),
        product: request.product.clone(),
        ..TraceLotRequest::default()
    };
    let mut fits = candidates(cut, &named).await?;
    let position = cut.position();
    if fits.len() > 1 {
        return Ok(proto::CheckLotResponse { candidates: fits, position, ..Default::default() });
    }
    let Some(lot) = fits.pop() else { return Err(crate::trace::read::no_lot(&named)) };
    let id: Uuid = lot.lot_id.parse().unwrap_or_default();
    let day = match filter::day("date", &request.date)? {
        Some(day) => day,
        None => today(cut)?,
    };
    let sites = match request.site.as_str() {
        "" => None,
        site => filter::sites(cut, "site", &[site.to_owned()]).await?,
    };
    let mut findings = Vec::new();
    if filter::day("expiry_date", &lot.expiry_date)?.is_some_and(|expiry| expiry < day) {
        let detail = format!("expired after {}; it may be wasted or returned", lot.expiry_date);
        findings.push(proto::CheckFinding { objection: Objection::Expired.into(), detail, block: None });
    }
    let begun =
        "SELECT EXISTS (SELECT FROM outside WHERE lot_id = $1 AND reason IN ('harvested', 'produced') AND quantity_milli < 0)";
    let begun: bool = cut.rows(begun, &[&id]).await?.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(false);
    if !begun {
        let detail = "nobody logged its harvest or processing; it is known from receipts and opening balances alone".to_owned();
        findings.push(proto::CheckFinding { objection: Objection::OriginUnknown.into(), detail, block: None });
    }
    findings.extend(blocked(cut, id, sites.as_deref()).await?);
    if let Some(sites) = &sites {
        let there = "SELECT EXISTS (SELECT FROM stock WHERE lot_id = $1 AND site_code = ANY($2))";
        let there: bool = cut.rows(there, &[&id, sites]).await?.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(false);
        if !there {
            let detail = format!("nothing of it is at {}", sites.first().map_or("", String::as_str));
            findings.push(proto::CheckFinding { objection: Objection::NotThere.into(), detail, block: None });
        }
    }
    let claims = certificates::kinds("claims", &request.claims)?;
    let certificates = match certificates::of_lot(cut, id).await? {
        Some((harvested, certificates)) => {
            findings.extend(uncertified(claims, harvested, &certificates));
            certificates
        }
        None if claims.is_empty() => Vec::new(),
        None => {
            let detail = "the day of its harvest is not known, so no claim of a certificate can be judged".to_owned();
            findings.push(proto::CheckFinding { objection: Objection::NotCertified.into(), detail, block: None });
            Vec::new()
        }
    };
    Ok(proto::CheckLotResponse {
        certificates,
        sellable: findings.is_empty(),
        findings,
        lot: Some(lot),
        date: filter::date(Some(day.0)),
        candidates: Vec::new(),
        position,
    })
}

/// Claims of a label that no certificate bears out on the day of the harvest.
fn uncertified(claims: Vec<String>, harvested: BusinessDay, certificates: &[Certificate]) -> Vec<proto::CheckFinding> {
    let mut findings = Vec::new();
    for claim in claims {
        let of_kind =
            certificates.iter().filter(|it| it.issued.as_ref().is_some_and(|it| names::of_certificate_kind(it.kind()) == claim));
        let of_kind: Vec<_> = of_kind.collect();
        if of_kind.iter().any(|certificate| certificate.validity() == Validity::Valid) {
            continue;
        }
        let known: Vec<String> = of_kind.iter().map(|certificate| said(certificate)).collect();
        let known = if known.is_empty() { "none is known that covers it".to_owned() } else { known.join("; ") };
        let detail = format!("no {claim} certificate was valid on the day of its harvest, {harvested}: {known}");
        findings.push(proto::CheckFinding { objection: Objection::NotCertified.into(), detail, block: None });
    }
    findings
}

/// A certificate and why it is not valid, in words.
fn said(certificate: &Certificate) -> String {
    let number = certificate.issued.as_ref().map_or("", |issued| issued.number.as_str());
    match certificate.validity() {
        Validity::NotYet => format!("{number} begins on {}", certificate.from_date),
        Validity::Lapsed => format!("{number} ended on {}", certificate.until_date),
        Validity::Suspended => format!("{number} was suspended: {}", certificate.reason),
        Validity::Revoked => format!("{number} was revoked: {}", certificate.reason),
        Validity::Valid | Validity::Unspecified => number.to_owned(),
    }
}

/// Why a lot may not move on.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// Whether it is recalled, or made of what is; held otherwise.
    pub is_recall: bool,
    /// Where alone; none for everywhere.
    pub site: Option<String>,
    /// In the words of who said it.
    pub reason: String,
    /// Organization and command that said it.
    pub by: (String, String),
}

impl Stop {
    /// Whether it holds at a site.
    pub fn holds_at(&self, site: &str) -> bool {
        self.site.as_ref().is_none_or(|only| only == site)
    }
}

/// Lots that may not move on, recalls first.
pub(crate) type Stopped = BTreeMap<Uuid, Vec<Stop>>;

/// All of them.
pub(crate) async fn stopped(cut: &Cut<'_>) -> Result<Stopped, Error> {
    let mut stopped = Stopped::new();
    for row in cut.rows(&format!("{BLOCKS} WHERE {IS_OPEN} ORDER BY b.is_recall DESC, b.sequence, b.ordinal"), &[]).await? {
        let (named, released): (Vec<Uuid>, Vec<Uuid>) = (row.try_get("lots")?, row.try_get("released")?);
        let stop = Stop {
            is_recall: row.try_get("is_recall")?,
            site: row.try_get("site_code")?,
            reason: row.try_get("reason")?,
            by: (row.try_get("organization_code")?, row.try_get::<_, Uuid>("command_id")?.to_string()),
        };
        let lots = match stop.is_recall {
            true => kin(cut, &named, Direction::Forward).await?,
            false => named.into_iter().filter(|lot| !released.contains(lot)).collect(),
        };
        for lot in lots {
            stopped.entry(lot).or_default().push(stop.clone());
        }
    }
    Ok(stopped)
}

/// Holds of a lot, and recalls of it and of everything that it was made of, that stand.
async fn blocked(cut: &Cut<'_>, lot: Uuid, sites: Option<&[String]>) -> Result<Vec<proto::CheckFinding>, Error> {
    let origins: Vec<Uuid> = kin(cut, &[lot], Direction::Back).await?.into_iter().collect();
    let sites: Option<Vec<String>> = sites.map(<[String]>::to_vec);
    let sql = format!(
        "{BLOCKS} WHERE {IS_OPEN} AND (
             (b.is_recall AND named.lots && $1::uuid[])
             OR (NOT b.is_recall AND $2 = ANY(named.lots) AND $2 <> ALL(released.lots)
                 AND (b.site_code IS NULL OR $3::text[] IS NULL OR b.site_code = ANY($3::text[]))))
         ORDER BY b.sequence, b.ordinal"
    );
    let mut findings = Vec::new();
    for row in cut.rows(&sql, &[&origins, &lot, &sites]).await? {
        let block = block(&row)?;
        let is_recall = block.kind() == BlockKind::Recalled;
        let objection = if is_recall { Objection::Recalled } else { Objection::Held };
        let what = if is_recall { "recalled" } else { "held" };
        let place = if block.site_code.is_empty() { String::new() } else { format!(" at {}", block.site_code) };
        let detail = format!("{what}{place} by {} since {}: {}", block.organization_code, block.business_date, block.reason);
        findings.push(proto::CheckFinding { objection: objection.into(), detail, block: Some(block) });
    }
    Ok(findings)
}
