//! Numbers and days as the file's country writes them. What could mean two things is said so, unless the file's way was declared.

use domain::typed;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use wire::proto::chuoi::record::v1::{Quantity, When};

use super::sheet::Cell;
use crate::client::timestamp;

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Numbers {
    /// 1.379,5: a point groups thousands, a comma begins decimals
    Vi,
    /// 1,379.5: a comma groups thousands, a point begins decimals
    En,
}

/// How days are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dates {
    /// 31/12/2021: day, month, year
    Dmy,
    /// 12/31/2021: month, day, year
    Mdy,
}

/// How a file's numbers and days are written.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Numbers; none where nobody said, and what could be two numbers is refused.
    pub numbers: Option<Numbers>,
    /// Days.
    pub dates: Dates,
}

/// Points for commas and commas for points.
fn exchanged(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '.' => ',',
            ',' => '.',
            c => c,
        })
        .collect()
}

impl Format {
    /// Reads a quantity; `unit` where the cell says none. Of a count it may be nothing.
    pub fn quantity(self, cell: &Cell, unit: &str, may_be_zero: bool) -> Result<Quantity, String> {
        let read = |text: &str| if may_be_zero { typed::counted(text) } else { typed::quantity(text) };
        let found = match cell {
            Cell::Failed(error) => return Err(format!("the formula failed: {error}")),
            Cell::Moment(..) => return Err("is a day, not an amount; format the cell as a number".to_owned()),
            // A spreadsheet's own number can mean one thing only.
            Cell::Number(digits) => read(&exchanged(digits)),
            Cell::Empty | Cell::Text(_) => {
                let text = cell.text();
                let (vi, en) = (read(&text), read(&exchanged(&text)));
                match (self.numbers, vi, en) {
                    (Some(Numbers::Vi), vi, _) => vi,
                    (Some(Numbers::En), _, en) => en,
                    (None, Ok(vi), Ok(en)) if vi != en => {
                        return Err(format!(
                            "could mean {} or {}; say --numbers vi where a comma begins decimals, --numbers en where a point does",
                            crate::words::number(vi.value.0),
                            crate::words::number(en.value.0)
                        ));
                    }
                    (None, Err(_), Ok(en)) => Ok(en),
                    (None, vi, _) => vi,
                }
            }
        };
        let found = found.map_err(|misread| misread.to_string())?;
        let unit = if found.unit.is_empty() { unit.trim().to_owned() } else { found.unit };
        let typed = [cell.text().trim(), if cell.text().contains(char::is_alphabetic) { "" } else { unit.as_str() }].join(" ");
        Ok(Quantity { value_milli: found.value.0, unit, typed: typed.trim().to_owned(), ..Quantity::default() })
    }

    /// Reads a day.
    pub fn date(self, cell: &Cell) -> Result<Date, String> {
        match cell {
            Cell::Moment(date, _) => Ok(*date),
            Cell::Failed(error) => Err(format!("the formula failed: {error}")),
            cell => typed::date(&self.day_first(&cell.text())).map_err(|misread| misread.to_string()),
        }
    }

    /// Reads when something happened: a day, or a day and a time, which may stand in a cell of its own.
    pub fn when(self, date: &Cell, time: &Cell, zone: &TimeZone) -> Result<When, String> {
        let typed = [date.text(), time.text()].join(" ").trim().to_owned();
        let of_day = |date: Date| When { date: date.to_string(), typed: typed.clone(), ..When::default() };
        let at = |date: Date, time: Time| {
            let instant = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().map_err(|error| error.to_string())?;
            let utc_offset_minutes = Some(zone.to_offset(instant).seconds() / 60);
            Ok(When { event_time: Some(timestamp(instant)), utc_offset_minutes, typed: typed.clone(), ..When::default() })
        };
        match (date, time) {
            (Cell::Moment(date, Some(time)), time_cell) if time_cell.is_empty() => at(*date, *time),
            (date, Cell::Moment(_, Some(time))) => at(self.date(date)?, *time),
            // A spreadsheet's time of day is a part of a day.
            (date, Cell::Number(part)) => at(self.date(date)?, part_of_day(part).ok_or("is no time of day")?),
            (Cell::Moment(date, _), time) if !time.is_empty() => {
                self.moment(&format!("{} {}", date.strftime("%d/%m/%Y"), time.text()), zone, &typed)
            }
            (date, time) if !time.is_empty() => {
                self.moment(&format!("{} {}", self.day_first(&date.text()), time.text()), zone, &typed)
            }
            (date, _) => match self.date(date) {
                Ok(date) => Ok(of_day(date)),
                Err(misread) if date.text().contains([':', 'h', 'T']) => {
                    self.moment(&self.day_first(&date.text()), zone, &typed).map_err(|_| misread)
                }
                Err(misread) => Err(misread),
            },
        }
    }

    fn moment(self, text: &str, zone: &TimeZone, typed: &str) -> Result<When, String> {
        let moment = typed::date_time(text, zone).map_err(|misread| misread.to_string())?;
        let utc_offset_minutes = Some(moment.utc_offset_minutes);
        Ok(When { event_time: Some(timestamp(moment.instant)), utc_offset_minutes, typed: typed.to_owned(), ..When::default() })
    }

    /// A day with its month first as one with its day first; anything else as it is.
    fn day_first(self, text: &str) -> String {
        let text = text.trim();
        let (day, rest) = text.split_once(' ').map_or((text, ""), |(day, rest)| (day, rest));
        let parts: Vec<&str> = day.split('/').collect();
        match (self.dates, &parts[..]) {
            (Dates::Mdy, [month, day, year]) => format!("{day}/{month}/{year} {rest}").trim().to_owned(),
            _ => text.to_owned(),
        }
    }
}

/// Parts of a day in the first digits behind the point, exactly to the minute.
fn part_of_day(digits: &str) -> Option<Time> {
    let part: f64 = digits.parse().ok().filter(|part| (0.0..1.0).contains(part))?;
    let minutes = (part * 1_440.0).round() as i64;
    Time::new(i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.into())
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn what_could_be_two_numbers_is_asked_about_unless_declared() {
        for (cell, numbers, milli) in [
            (text("1.379"),            None,              None),
            (text("1.379"),            Some(Numbers::Vi), Some(1_379_000)),
            (text("1.379"),            Some(Numbers::En), Some(1_379)),
            (text("1,379"),            Some(Numbers::En), Some(1_379_000)),
            (text("1.379,5"),          None,              Some(1_379_500)),
            (text("1,379.5"),          None,              Some(1_379_500)),
            (text("12,5 kg"),          None,              Some(12_500)),
            (text("50"),               None,              Some(50_000)),
            (Cell::Number("1.379".into()), None,          Some(1_379)),
            (Cell::Number("1379".into()),  Some(Numbers::En), Some(1_379_000)),
            (text("khoảng 50"),        None,              None),
            (Cell::Failed("#REF!".into()), None,          None),
            (Cell::Empty,              None,              None),
        ] {
            let format = Format { numbers, dates: Dates::Dmy };
            let read = format.quantity(&cell, "kg", false);
            assert_eq!(read.as_ref().ok().map(|quantity| quantity.value_milli), milli, "{cell:?} {numbers:?} {read:?}");
            assert!(read.is_err() || read.is_ok_and(|quantity| quantity.unit == "kg"));
        }
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn days_are_read_as_the_file_writes_them() {
        let zone = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
        let serial = |date: &str, time: Option<&str>| Cell::Moment(date.parse().unwrap(), time.map(|time| time.parse().unwrap()));
        for (date, time, dates, expected) in [
            (text("01/11/2026"),       Cell::Empty,     Dates::Dmy, Some("2026-11-01")),
            (text("01/11/2026"),       Cell::Empty,     Dates::Mdy, Some("2026-01-11")),
            (text("2026-11-01"),       Cell::Empty,     Dates::Mdy, Some("2026-11-01")),
            (text("46327"),            Cell::Empty,     Dates::Dmy, None), // A serial as text: nobody guesses.
            (serial("2026-11-01", None), Cell::Empty,   Dates::Mdy, Some("2026-11-01")),
            (text("12/31/2021"),       Cell::Empty,     Dates::Dmy, None),
            (text("01/12/2021 5h30"),  Cell::Empty,     Dates::Dmy, Some("1638311400")),
            (text("01/12/2021"),       text("5h30"),    Dates::Dmy, Some("1638311400")),
            (text("12/01/2021"),       text("05:30"),   Dates::Mdy, Some("1638311400")),
            (serial("2021-12-01", Some("05:30")), Cell::Empty, Dates::Dmy, Some("1638311400")),
            (serial("2021-12-01", None), Cell::Number("0.229166666666667".into()), Dates::Dmy, Some("1638311400")),
            (text("hôm qua"),          Cell::Empty,     Dates::Dmy, None),
        ] {
            let read = Format { numbers: None, dates }.when(&date, &time, &zone);
            let said = read.as_ref().ok().map(|when| match &when.event_time {
                Some(time) => time.seconds.to_string(),
                None => when.date.clone(),
            });
            assert_eq!(said.as_deref(), expected, "{date:?} {time:?} {read:?}");
        }
    }
}
