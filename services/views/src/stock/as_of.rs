//! As of when stock is asked for: a moment in the world, a position of the journal, or both. Stock as of then is the stock of now
//! less what moved later: nothing is kept that a late entry would have to rewrite.

use super::read::{BY_LOT, Filter, TOTALS};
use crate::read::{Cut, Query, position};
use crate::{Error, filter, timestamp};
use domain::state::ledger::LedgerKey;
use domain::time::{Calendar, EventTime, Precision};
use jiff::Timestamp;
use stream::Position;
use wire::proto::chuoi::stock::v1 as proto;
use wire::proto::chuoi::stock::v1::DayEdge;

/// As of when; left out, as of everything that is recorded.
#[derive(Debug, Default)]
pub(crate) struct AsOf {
    moment: Option<EventTime>,
    sequence: Option<i64>,
}

impl AsOf {
    /// Reads what a request says. The cut has reached the position already.
    pub fn read(cut: &Cut<'_>, asked: Option<&proto::AsOf>) -> Result<AsOf, Error> {
        let Some(asked) = asked else { return Ok(AsOf::default()) };
        Ok(AsOf { moment: moment(cut, asked)?, sequence: sequence("as_of.position", &asked.position)? })
    }

    /// Whether nothing is taken away from what is recorded.
    pub fn is_now(&self) -> bool {
        self.moment.is_none() && self.sequence.is_none()
    }

    /// The answer's words for it.
    pub fn answer(&self, cut: &Cut<'_>) -> proto::AsOf {
        let position = self.sequence.map_or_else(|| cut.position(), |at| position(&cut.checkpoint, at.unsigned_abs()));
        let Some(moment) = &self.moment else { return proto::AsOf { position, ..Default::default() } };
        let day_edge = match moment.precision {
            Precision::Moment => {
                return proto::AsOf { time: Some(timestamp(moment.instant)), position, ..Default::default() };
            }
            Precision::BeforeOpening => DayEdge::BeforeOpening,
            Precision::Day | Precision::AfterClosing => DayEdge::AfterClosing,
        };
        proto::AsOf { date: moment.business_day.to_string(), day_edge: day_edge.into(), position, time: None }
    }

    /// Stock as of then, to be read from: by site and lot, or, for now, by site, chain and product where that is enough.
    pub fn source(&self, query: &mut Query, filter: &Filter, by_lot: bool) -> String {
        if self.is_now() {
            return if by_lot { BY_LOT } else { TOTALS }.to_owned();
        }
        let stock = filter.on_places(query, "stock.site_code", "stock.lot_id");
        let mut later = Vec::new();
        for (side, sign) in [("to", "-"), ("from", "")] {
            let (places, beyond) =
                (filter.on_places(query, &format!("m.{side}_site_code"), "m.lot_id"), self.beyond(query, side));
            later.push(format!(
                "UNION ALL SELECT m.{side}_site_code, m.lot_id, {sign}m.quantity_milli FROM movements m
                 WHERE m.{side}_site_code IS NOT NULL AND {places} AND ({beyond})"
            ));
        }
        format!(
            "(SELECT held.site_code, held.lot_id, held.quantity_milli, lots.product_code, lots.chain_code, lots.expiry_day
              FROM (SELECT site_code, lot_id, sum(quantity_milli)::bigint AS quantity_milli
                    FROM (SELECT site_code, lot_id, quantity_milli FROM stock WHERE {stock} {}) AS changes
                    GROUP BY site_code, lot_id HAVING sum(quantity_milli) <> 0) AS held JOIN lots USING (lot_id))",
            later.join(" ")
        )
    }

    /// Whether a movement `m` came later, on one of its sides.
    fn beyond(&self, query: &mut Query, side: &str) -> String {
        let mut beyond = Vec::new();
        if let Some(moment) = &self.moment {
            let key = LedgerKey::last_at(moment.key());
            let (rank, micros, step) = key.parts();
            let (day, rank, micros, step) = (query.bind(key.day.0), query.bind(rank), query.bind(micros), query.bind(step));
            beyond.push(format!(
                "(m.business_day >= {day} AND (m.business_day, m.{side}_rank, m.moment_micros, m.step) > ({day}, {rank}, {micros}, {step}))"
            ));
        }
        if let Some(sequence) = self.sequence {
            beyond.push(format!("m.sequence > {}", query.bind(sequence)));
        }
        beyond.join(" OR ")
    }
}

/// Sequence of a position; none where it is left out.
pub(crate) fn sequence(field: &'static str, given: &str) -> Result<Option<i64>, Error> {
    if given.is_empty() {
        return Ok(None);
    }
    let position = given.parse::<Position>().map_err(|_| Error::Malformed {
        field,
        value: given.to_owned(),
        allowed: "a position that an answer of this system gave, or empty".into(),
    })?;
    Ok(Some(i64::try_from(position.sequence()).unwrap_or(i64::MAX)))
}

fn moment(cut: &Cut<'_>, asked: &proto::AsOf) -> Result<Option<EventTime>, Error> {
    let calendar = Calendar::of(&cut.checkpoint.business_time_zone).map_err(|unknown| Error::Settings(unknown.to_string()))?;
    let edge = DayEdge::try_from(asked.day_edge).map_err(|_| Error::Malformed {
        field: "as_of.day_edge",
        value: asked.day_edge.to_string(),
        allowed: "1 before opening, 2 after closing; 0 for the end of the day".into(),
    })?;
    let day = filter::day("as_of.date", &asked.date)?;
    match (asked.time, day) {
        (Some(_), Some(_)) => Err(Error::Malformed {
            field: "as_of.date",
            value: asked.date.clone(),
            allowed: "a date, or else a time in as_of.time".into(),
        }),
        (None, Some(day)) => {
            let edge = if edge == DayEdge::BeforeOpening { Precision::BeforeOpening } else { Precision::AfterClosing };
            Ok(Some(calendar.day_time(day, edge, None)))
        }
        (_, None) if edge != DayEdge::Unspecified => Err(Error::Malformed {
            field: "as_of.day_edge",
            value: edge.as_str_name().to_owned(),
            allowed: "left out, unless as_of.date says of which day".into(),
        }),
        (Some(time), None) => {
            let instant = Timestamp::new(time.seconds, time.nanos).map_err(|_| Error::Malformed {
                field: "as_of.time",
                value: format!("{} s and {} ns", time.seconds, time.nanos),
                allowed: "an instant of the years 1900 to 2999".into(),
            })?;
            Ok(Some(calendar.moment(instant, None, None)))
        }
        (None, None) => Ok(None),
    }
}
