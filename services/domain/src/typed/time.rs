//! Days and times as people write them here: day before month, `5h30`, the business time zone where none is given.

use super::{Misread, Reason, is_foreign_digit, plain};
use crate::text::fold;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

/// An instant with the offset in which it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub instant: Timestamp,
    /// Offset from UTC as typed, or that of the business time zone then.
    pub utc_offset_minutes: i32,
}

/// Reads a day: `25/11/2026`, `25.11.26`, `2026-11-25`, `ngày 25 tháng 11 năm 2026`. It may lie ahead, as an expiry day does.
pub fn date(text: &str) -> Result<Date, Misread> {
    read_date(&plain(text)).map_err(|reason| Misread::new(reason, text))
}

/// Reads the day of something that has happened: at most a day ahead of `now`, since clocks and zones differ.
pub fn event_date(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Date, Misread> {
    let date = date(text)?;
    let latest = zone.to_datetime(now).date().saturating_add(1.day());
    if date > latest { Err(Misread::new(Reason::FutureDate, text)) } else { Ok(date) }
}

/// Reads a day with a time: `25/11/2026 06:30`, `6h30 ngày 25/11/2026`, `2026-11-25T06:30+07:00`. Without an offset it is a time of
/// `zone`; a machine's form (with a T) has to say its offset.
pub fn date_time(text: &str, zone: &TimeZone) -> Result<Moment, Misread> {
    read_date_time(&plain(text), zone).map_err(|reason| Misread::new(reason, text))
}

fn read_date(text: &str) -> Result<Date, Reason> {
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.chars().any(is_foreign_digit) {
        return Err(Reason::NotAsciiDigits);
    }
    let words = fold(text);
    if let Some(reason) = other_calendar(&words) {
        return Err(reason);
    }
    // 44531, or 44531,5 with a time: days since 1900, which nobody types.
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    if whole.len() == 5 && is_digits(whole) && is_digits(fraction) {
        return Err(Reason::SpreadsheetSerial);
    }
    let [first, second, third] = match &numbers(&words)?[..] {
        [first, second, third] => [*first, *second, *third],
        [_, _] => return Err(Reason::MissingYear),
        _ => return Err(Reason::BadDate),
    };
    let (year, month, day) = if first.len() == 4 { (first, second, third) } else { (third, second, first) };
    let number = |text: &str| text.parse::<i16>().map_err(|_| Reason::BadDate);
    let year = match year.len() {
        2 => 2_000 + number(year)?,
        4 => number(year)?,
        _ => return Err(Reason::BadDate),
    };
    if day.len() > 2 || month.len() > 2 || year < 1_900 {
        return Err(Reason::BadDate);
    }
    let (month, day) = (number(month)?, number(day)?);
    if !(1..=12).contains(&month) {
        return Err(Reason::BadMonth);
    }
    i8::try_from(month)
        .ok()
        .zip(i8::try_from(day).ok())
        .and_then(|(month, day)| Date::new(year, month, day).ok())
        .ok_or(Reason::NoSuchDay)
}

/// Words that say a day by the moon, or by when it was said.
fn other_calendar(words: &str) -> Option<Reason> {
    let has = |phrase: &str| format!(" {words} ").contains(&format!(" {phrase} "));
    let lunar = ["chap", "gieng", "am lich", "am", "al", "mung", "mong", "ram", "tet", "nhuan"];
    let relative = [
        "hom qua",
        "hom nay",
        "hom kia",
        "hom truoc",
        "hom sau",
        "mai",
        "ngay mai",
        "qua",
        "nay",
        "truoc",
        "tuan",
        "today",
        "yesterday",
        "tomorrow",
        "vua xong",
        "luc nay",
    ];
    if lunar.iter().any(|word| has(word)) {
        Some(Reason::LunarDate)
    } else if relative.iter().any(|word| has(word)) {
        Some(Reason::RelativeDate)
    } else {
        None
    }
}

/// The numbers of a date, in order, where nothing else stands between them than what belongs there.
fn numbers(words: &str) -> Result<Vec<&str>, Reason> {
    if words.contains("thang") {
        let between: Vec<&str> = words.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
        let is_word = |word: &&&str| matches!(**word, "ngay" | "thang" | "nam");
        if between.iter().filter(|word| !is_word(word)).any(|word| !word.bytes().all(|b| b.is_ascii_digit())) {
            return Err(Reason::BadDate);
        }
        return Ok(between.into_iter().filter(|word| !is_word(&word)).collect());
    }
    let words = words.strip_prefix("ngay ").unwrap_or(words);
    let separator = words.chars().find(|c| !c.is_ascii_digit()).unwrap_or('/');
    if !matches!(separator, '/' | '-' | '.') {
        return Err(Reason::BadDate);
    }
    let numbers: Vec<&str> = words.split(separator).map(str::trim).collect();
    if numbers.iter().any(|number| number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit())) {
        return Err(Reason::BadDate);
    }
    Ok(numbers)
}

fn read_date_time(text: &str, zone: &TimeZone) -> Result<Moment, Reason> {
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.chars().any(is_foreign_digit) {
        return Err(Reason::NotAsciiDigits);
    }
    if let Some((date, time)) = machine_form(text) {
        return read_machine(date, time);
    }
    let (date, time) = day_and_time(text)?;
    let local = read_date(date)?.to_datetime(read_time(time)?);
    // An hour that the clocks skipped or went through twice is none.
    let instant = zone.to_ambiguous_timestamp(local).unambiguous().map_err(|_| Reason::BadTime)?;
    Ok(Moment { instant, utc_offset_minutes: zone.to_offset(instant).seconds() / 60 })
}

/// The two halves of `2021-11-30T22:30:00Z`; also with a space, where an offset is given.
fn machine_form(text: &str) -> Option<(&str, &str)> {
    let (date, time) = (text.get(..10)?, text.get(10..)?);
    let is_date = date.bytes().enumerate().all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    let has_offset = || time.ends_with(['Z', 'z']) || time.get(1..).is_some_and(|time| time.contains(['+', '-']));
    match time.chars().next() {
        Some('T' | 't') if is_date => Some((date, time.get(1..)?)),
        Some(' ') if is_date && has_offset() => Some((date, time.trim_start())),
        _ => None,
    }
}

fn read_machine(date: &str, time: &str) -> Result<Moment, Reason> {
    let at = time.find(['Z', 'z', '+', '-']).ok_or(Reason::MissingOffset);
    // What is wrong with the time is said before what is missing behind it.
    let (time, offset) = time.split_at(*at.as_ref().unwrap_or(&time.len()));
    let date = read_date(date)?;
    let time: Time = clock(time.trim_end()).ok_or(Reason::BadTime)?;
    at?;
    let utc_offset_minutes = match offset {
        "Z" | "z" => 0,
        offset => offset_minutes(offset).ok_or(Reason::BadTime)?,
    };
    let offset = Offset::from_seconds(utc_offset_minutes * 60).map_err(|_| Reason::BadTime)?;
    let instant = offset.to_timestamp(DateTime::from_parts(date, time)).map_err(|_| Reason::BadDate)?;
    Ok(Moment { instant, utc_offset_minutes })
}

/// `+07:00`, `+0700` or `+07`, at most 18 hours.
fn offset_minutes(text: &str) -> Option<i32> {
    let (sign, text) = if let Some(text) = text.strip_prefix('+') { (1, text) } else { (-1, text.strip_prefix('-')?) };
    let digits = match text.len() {
        5 if text.as_bytes().get(2) == Some(&b':') => text.replacen(':', "", 1),
        4 => text.to_owned(),
        2 => format!("{text}00"),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
    (minutes < 60 && hours * 60 + minutes <= 18 * 60).then_some(sign * (hours * 60 + minutes))
}

/// A day and a time of it, whichever comes first.
fn day_and_time(text: &str) -> Result<(&str, &str), Reason> {
    let is_time = |text: &str| read_time(text).is_ok();
    let splits = || text.char_indices().filter(|(_, c)| *c == ' ').map(|(at, _)| (text[..at].trim(), text[at..].trim()));
    // The longest time that is one; a day by words holds spaces too.
    if let Some((time, date)) = splits().rfind(|(before, _)| is_time(before)) {
        return Ok((date.strip_prefix('-').unwrap_or(date).trim(), time));
    }
    if let Some((date, time)) = splits().find(|(_, after)| is_time(after)) {
        return Ok((date.trim_end_matches([',', ' ']), time));
    }
    match read_date(text) {
        Ok(_) => Err(Reason::BadTime),
        // The day may be what is wrong, as in `hôm qua 5h30`.
        Err(reason) => {
            let (date, _) = splits().next().unwrap_or((text, ""));
            Err(if read_date(date).is_ok() { Reason::BadTime } else { reason })
        }
    }
}

/// A time of day: `5h30`, `5h`, `17:05`, `17:05:30`, `5 giờ 30`, `5:30 chiều`.
fn read_time(text: &str) -> Result<Time, Reason> {
    let words = fold(text);
    let (clock_text, half) = match words.rsplit_once(' ') {
        Some((before, "sang" | "sa" | "am")) => (before, Some(false)),
        Some((before, "chieu" | "toi" | "ch" | "pm")) => (before, Some(true)),
        _ => (words.as_str(), None),
    };
    let clock_text = clock_text.strip_prefix("luc ").unwrap_or(clock_text);
    let time = clock(clock_text).or_else(|| spoken(clock_text)).ok_or(Reason::BadTime)?;
    match (half, time.hour()) {
        (None, _) => Ok(time),
        (Some(false), 0..=11) | (Some(true), 12..) => Ok(time),
        (Some(true), hour) => Time::new(hour + 12, time.minute(), time.second(), 0).map_err(|_| Reason::BadTime),
        (Some(false), _) => Err(Reason::BadTime),
    }
}

/// `05:30`, `5:30:15`, `05:30:15.250`.
fn clock(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (two_digits(parts.next()?)?, two_digits(parts.next()?)?, parts.next().unwrap_or("0"));
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    if parts.next().is_some() || fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Time::new(hour, minute, two_digits(second)?, format!("{fraction:0<9}").parse().ok()?).ok()
}

/// `5h30`, `5h`, `5g30`, `5 gio 30 phut`.
fn spoken(text: &str) -> Option<Time> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (hour, rest) = text.split_at(at);
    let rest = rest.trim_start();
    let minute = ["gio", "h", "g"].into_iter().find_map(|word| rest.strip_prefix(word))?.trim_start();
    let minute = ["phut", "ph", "p"].into_iter().find_map(|word| minute.strip_suffix(word)).unwrap_or(minute).trim_end();
    let minute = if minute.is_empty() { 0 } else { two_digits(minute)? };
    Time::new(two_digits(hour)?, minute, 0, 0).ok()
}

fn two_digits(text: &str) -> Option<i8> {
    ((1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hanoi() -> TimeZone {
        TimeZone::get("Asia/Ho_Chi_Minh").unwrap()
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("25/11/2026 06:30",                      Ok("2026-11-24T23:30:00Z")),
            ("06:30 25/11/2026",                      Ok("2026-11-24T23:30:00Z")),
            ("6h30 ngày 25/11/2026",                  Ok("2026-11-24T23:30:00Z")),
            ("25/11/2026 6h",                         Ok("2026-11-24T23:00:00Z")),
            ("25/11/2026 5 giờ 30 chiều",             Ok("2026-11-25T10:30:00Z")),
            ("25/11/2026 5:30 CH",                    Ok("2026-11-25T10:30:00Z")),
            ("ngày 25 tháng 11 năm 2026 5g30",        Ok("2026-11-24T22:30:00Z")),
            ("5 giờ 30 phút ngày 25 tháng 11 năm 2026", Ok("2026-11-24T22:30:00Z")),
            ("2026-11-25 06:30",                      Ok("2026-11-24T23:30:00Z")),
            ("2026-11-25 06:30+08:00",                Ok("2026-11-24T22:30:00Z")),
            ("2026-11-25T06:30:15.25+0700",           Ok("2026-11-24T23:30:15.25Z")),
            ("2026-11-25T06:30",                      Err(Reason::MissingOffset)),
            ("2026-11-25T25:30Z",                     Err(Reason::BadTime)),
            ("2026-11-25T06:30+19:00",                Err(Reason::BadTime)),
            ("25/11/2026 24:00",                      Err(Reason::BadTime)),
            ("25/11/2026 6h75",                       Err(Reason::BadTime)),
            ("25/11/2026 13:00 SA",                   Err(Reason::BadTime)),
            ("25/11/2026",                            Err(Reason::BadTime)),
            ("31/11/2026 06:30",                      Err(Reason::NoSuchDay)),
            ("hôm qua 5h30",                          Err(Reason::RelativeDate)),
            ("5h30 sáng nay",                         Err(Reason::RelativeDate)),
            ("",                                      Err(Reason::Empty)),
        ] {
            let read = date_time(text, &hanoi());
            assert_eq!(read.map(|moment| moment.instant.to_string()).map_err(|it| it.reason), expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn days_are_read_as_people_write_them() {
        for (text, expected) in [
            ("25-11-2026",                 Ok("2026-11-25")),
            ("2026/11/25",                 Ok("2026-11-25")),
            ("25 tháng 11, 2026",          Ok("2026-11-25")),
            ("ngày 25/11/2026",            Ok("2026-11-25")),
            ("２５/11/2026",               Ok("2026-11-25")),
            ("25/11",                      Err(Reason::MissingYear)),
            ("0/11/2026",                  Err(Reason::NoSuchDay)),
            ("25/0/2026",                  Err(Reason::BadMonth)),
            ("25/11/202",                  Err(Reason::BadDate)),
            ("25/11-2026",                 Err(Reason::BadDate)),
            ("25/11/0026",                 Err(Reason::BadDate)),
            ("mùng 3 Tết",                 Err(Reason::LunarDate)),
            ("44531,5",                    Err(Reason::SpreadsheetSerial)),
            ("ngày mai",                   Err(Reason::RelativeDate)),
            ("bao giờ cũng được",          Err(Reason::BadDate)),
        ] {
            assert_eq!(date(text).map(|date| date.to_string()).map_err(|it| it.reason), expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn what_has_happened_lies_at_most_a_day_ahead() {
        let now = "2026-11-25T20:00+07:00".parse().unwrap();
        assert!(event_date("26/11/2026", now, &hanoi()).is_ok());
        assert_eq!(event_date("27/11/2026", now, &hanoi()).map_err(|it| it.reason), Err(Reason::FutureDate));
    }
}
