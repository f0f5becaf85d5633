//! Times of events: instants with their offset, business days, and the order in which a place's goods move.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A day in the business time zone, in days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BusinessDay(pub i32);

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Days of a span at most (`jiff::Span::days`).
const MOST_SPAN_DAYS: i64 = 7_304_484;

impl BusinessDay {
    /// The day of a date.
    pub fn of(date: Date) -> BusinessDay {
        // Dates reach from -9999 to 9999: days fit, and the span of two dates is whole days.
        BusinessDay((date - EPOCH).get_days())
    }

    /// Its date; days beyond the calendar's years -9999 to 9999 are taken as its ends.
    pub fn date(self) -> Date {
        // A span holds no more days than lie between the ends of the calendar.
        let days = i64::from(self.0).clamp(-MOST_SPAN_DAYS, MOST_SPAN_DAYS);
        EPOCH.saturating_add(days.days())
    }

    /// So many days later.
    pub fn plus(self, days: i32) -> BusinessDay {
        BusinessDay(self.0.saturating_add(days))
    }
}

/// As 2026-11-25.
impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

/// How exactly an event's time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Precision {
    /// To the instant.
    Moment,
    /// To the day: goods came in before they went out.
    Day,
    /// Before anything else of its day.
    BeforeOpening,
    /// After everything else of its day.
    AfterClosing,
}

/// When something happened in the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventTime {
    /// The instant; for a date alone the instant at which that business day begins.
    #[serde(with = "jiff::fmt::serde::timestamp::nanosecond::required")]
    pub instant: Timestamp,
    /// Offset from UTC in which the time was given, in minutes; kept as given.
    pub utc_offset_minutes: i32,
    /// How exact it is.
    pub precision: Precision,
    /// Business day, computed once.
    pub business_day: BusinessDay,
    /// What a person typed, where that is known.
    pub typed: Option<Box<str>>,
}

/// Shown as people date things: `2026-11-25 08:30+07:00`, or the date and the part of the day.
impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.precision {
            Precision::Moment => {
                let offset =
                    jiff::tz::Offset::from_seconds(self.utc_offset_minutes.saturating_mul(60)).unwrap_or(jiff::tz::Offset::UTC);
                write!(f, "{}", offset.to_datetime(self.instant).strftime("%Y-%m-%d %H:%M:%S"))?;
                let (sign, minutes) = (if self.utc_offset_minutes < 0 { '-' } else { '+' }, self.utc_offset_minutes.abs());
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Precision::Day => write!(f, "{}", self.business_day),
            Precision::BeforeOpening => write!(f, "{} before opening", self.business_day),
            Precision::AfterClosing => write!(f, "{} after closing", self.business_day),
        }
    }
}

/// Where a posting lies in time; with its direction it gives the place in the order of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeKey {
    /// Business day.
    pub day: BusinessDay,
    /// How exact.
    pub precision: Precision,
    /// Microseconds since 1970 of a moment; 0 otherwise.
    pub micros: i64,
}

impl EventTime {
    /// Its place in time.
    pub fn key(&self) -> TimeKey {
        let micros = if self.precision == Precision::Moment { self.instant.as_microsecond() } else { 0 };
        TimeKey { day: self.business_day, precision: self.precision, micros }
    }

    /// Whether it lies before another for certain: what is known to the day only may lie anywhere in it.
    pub fn surely_before(&self, other: &EventTime) -> bool {
        if self.business_day != other.business_day {
            return self.business_day < other.business_day;
        }
        match (self.precision, other.precision) {
            (Precision::Moment, Precision::Moment) => self.instant < other.instant,
            (Precision::BeforeOpening, at) => at != Precision::BeforeOpening,
            (at, Precision::AfterClosing) => at != Precision::AfterClosing,
            _ => false,
        }
    }
}

/// The calendar of business days: days of one time zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
}

/// A time zone that nobody knows.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0:?} is not a time zone that is known; give an IANA name such as Asia/Ho_Chi_Minh")]
pub struct UnknownTimeZone(pub String);

impl Calendar {
    /// The calendar of an IANA time zone.
    pub fn of(zone: &str) -> Result<Calendar, UnknownTimeZone> {
        TimeZone::get(zone).map(|zone| Calendar { zone }).map_err(|_| UnknownTimeZone(zone.to_owned()))
    }

    /// Business day of an instant.
    pub fn day(&self, instant: Timestamp) -> BusinessDay {
        BusinessDay::of(self.zone.to_datetime(instant).date())
    }

    /// An instant as an event's time; without an offset the zone's own is taken.
    pub fn moment(&self, instant: Timestamp, utc_offset_minutes: Option<i32>, typed: Option<Box<str>>) -> EventTime {
        EventTime {
            instant,
            utc_offset_minutes: utc_offset_minutes.unwrap_or_else(|| self.zone.to_offset(instant).seconds() / 60),
            precision: Precision::Moment,
            business_day: self.day(instant),
            typed,
        }
    }

    /// A business day, or its beginning or end, as an event's time.
    pub fn day_time(&self, day: BusinessDay, precision: Precision, typed: Option<Box<str>>) -> EventTime {
        // A day that the zone cannot place (the calendar's very ends) begins at UTC's.
        let start = self.zone.to_ambiguous_timestamp(day.date().to_datetime(jiff::civil::Time::midnight()));
        let instant = start.compatible().unwrap_or(if day.0 < 0 { Timestamp::MIN } else { Timestamp::MAX });
        EventTime {
            instant,
            utc_offset_minutes: self.zone.to_offset(instant).seconds() / 60,
            precision,
            business_day: day,
            typed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_past_midnight_at_home_is_the_new_day() {
        let calendar = Calendar::of("Asia/Ho_Chi_Minh").unwrap();
        let time = calendar.moment("2024-01-01T00:30+07:00".parse().unwrap(), None, None);
        assert_eq!(time.business_day.to_string(), "2024-01-01");
        assert_eq!(time.to_string(), "2024-01-01 00:30:00+07:00");
        assert_eq!(calendar.day_time(time.business_day, Precision::Day, None).instant.to_string(), "2023-12-31T17:00:00Z");
        assert_eq!(BusinessDay::of(time.business_day.date()), time.business_day);
    }

    #[test]
    fn only_what_is_certain_is_before() {
        let calendar = Calendar::of("Asia/Ho_Chi_Minh").unwrap();
        let at = |text: &str| calendar.moment(text.parse().unwrap(), None, None);
        let day = calendar.day_time(at("2026-11-25T12:00+07:00").business_day, Precision::Day, None);
        assert!(at("2026-11-25T08:00+07:00").surely_before(&at("2026-11-25T08:01+07:00")));
        assert!(!at("2026-11-25T08:00+07:00").surely_before(&day) && !day.surely_before(&at("2026-11-25T08:00+07:00")));
        assert!(at("2026-11-24T23:59+07:00").surely_before(&day));
    }
}
