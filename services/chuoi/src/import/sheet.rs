//! Rows of a file, one by one: CSV in UTF-8 with any common separator, or a sheet of an XLSX workbook. A thread of its own reads
//! ahead a little; memory does not grow with the file.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{DataRef, Reader as _, Xlsx};
use jiff::civil::{Date, Time};

/// Rows that are read ahead.
const AHEAD: usize = 256;
/// Bytes in which the separator of a CSV file is looked for.
const LOOKED_AT: usize = 64 * 1024;

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text, as typed.
    Text(String),
    /// A number of the spreadsheet's own, to the fifteen digits that it keeps: `1379.5`.
    Number(String),
    /// A day, or a day and a time of the wall clock, of the spreadsheet's own.
    Moment(Date, Option<Time>),
    /// What a formula failed with.
    Failed(String),
}

impl Cell {
    /// As a person sees it.
    pub fn text(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) | Cell::Number(text) | Cell::Failed(text) => text.clone(),
            Cell::Moment(date, None) => date.strftime("%d/%m/%Y").to_string(),
            Cell::Moment(date, Some(time)) => date.to_datetime(*time).strftime("%d/%m/%Y %H:%M").to_string(),
        }
    }

    /// Whether there is nothing to be seen.
    pub fn is_empty(&self) -> bool {
        match self {
            Cell::Empty => true,
            Cell::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }
}

/// A row that is not empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number, as a spreadsheet or an editor counts.
    pub number: u64,
    /// Its cells, from the first column on.
    pub cells: Vec<Cell>,
}

/// Why a file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// It cannot be opened or read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no text in UTF-8.
    #[error("line {line} is no UTF-8 text; save the file as \"CSV UTF-8\", or as XLSX")]
    NotUnicode {
        /// The line.
        line: u64,
    },
    /// It is no CSV.
    #[error("line {line} cannot be read: {problem}")]
    NotCsv {
        /// The line.
        line: u64,
        /// Why.
        problem: String,
    },
    /// It is no workbook.
    #[error("it cannot be read as XLSX ({0}); save it as XLSX or as \"CSV UTF-8\"")]
    NotXlsx(String),
    /// It has no such sheet.
    #[error("it has no sheet {asked:?}; it has {there}")]
    NoSheet {
        /// As asked.
        asked: String,
        /// The sheets that are there.
        there: String,
    },
}

/// The rows of a file; of a workbook those of one sheet, the first if none is named.
pub fn rows(path: &Path, sheet: Option<&str>) -> Result<Receiver<Result<Row, SheetError>>, SheetError> {
    let unreadable = |source| SheetError::Unreadable { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut magic = [0; 2];
    let read = file.read(&mut magic).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    let (sender, receiver) = sync_channel(AHEAD);
    // A workbook is a ZIP archive.
    if magic[..read] == *b"PK" {
        let mut workbook = Xlsx::new(BufReader::new(file)).map_err(|error| SheetError::NotXlsx(error.to_string()))?;
        let names = workbook.sheet_names();
        let name = match sheet {
            Some(asked) => names.iter().find(|name| *name == asked),
            None => names.first(),
        };
        let Some(name) = name.cloned() else {
            return Err(SheetError::NoSheet { asked: sheet.unwrap_or_default().to_owned(), there: names.join(", ") });
        };
        std::thread::spawn(move || xlsx(&mut workbook, &name, &sender));
    } else {
        let mut reader = BufReader::with_capacity(LOOKED_AT, file);
        let separator = separator(reader.fill_buf().map_err(unreadable)?);
        std::thread::spawn(move || csv(reader, separator, &sender));
    }
    Ok(receiver)
}

/// The separator that stands most often outside quotes in the first lines: people's programs write what their country uses.
fn separator(beginning: &[u8]) -> u8 {
    let mut counts = [(b';', 0), (b',', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in beginning {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            byte => counts.iter_mut().filter(|(separator, _)| separator == byte).for_each(|(_, count)| *count += 1),
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| separator)
}

/// A text without its carriage returns, and with a line feed at its end: what is left tells where a record ends.
struct Lines<R>(R);

impl<R: std::io::Read> std::io::Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.0.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                if buffer[at] != b'\r' {
                    buffer[kept] = buffer[at];
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

/// Sends rows until nobody wants more.
fn csv(reader: BufReader<File>, separator: u8, sender: &SyncSender<Result<Row, SheetError>>) {
    let reader = Lines(reader).chain(&b"\n"[..]);
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(reader);
    let mut record = ::csv::ByteRecord::new();
    let mut is_first = true;
    loop {
        let line = reader.position().line();
        let row = match reader.read_byte_record(&mut record) {
            Ok(false) => return,
            Ok(true) => {
                // Where it ended, less the lines that its own cells hold: empty lines before it are not looked at.
                let inside = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
                let number = reader.position().line().saturating_sub(1 + inside);
                let cells = record.iter().enumerate().map(|(column, bytes)| {
                    let bytes =
                        if is_first && column == 0 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
                    let text = std::str::from_utf8(bytes).map_err(|_| SheetError::NotUnicode { line: number })?;
                    Ok(if text.is_empty() { Cell::Empty } else { Cell::Text(plain_formula(text).to_owned()) })
                });
                cells.collect::<Result<Vec<_>, _>>().map(|cells| Row { number, cells })
            }
            Err(error) => Err(SheetError::NotCsv { line, problem: error.to_string() }),
        };
        is_first = false;
        let ends = row.is_err();
        let is_empty = row.as_ref().is_ok_and(|row| row.cells.iter().all(Cell::is_empty));
        if (!is_empty && sender.send(row).is_err()) || ends {
            return;
        }
    }
}

/// A code that a spreadsheet was told to keep as text: `="0123"`.
fn plain_formula(text: &str) -> &str {
    text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

/// Sends rows until nobody wants more.
fn xlsx(workbook: &mut Xlsx<BufReader<File>>, name: &str, sender: &SyncSender<Result<Row, SheetError>>) {
    let not_xlsx = |error: calamine::XlsxError| SheetError::NotXlsx(error.to_string());
    let mut reader = match workbook.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        Err(error) => {
            // Whoever is gone needs no answer.
            let _gone = sender.send(Err(not_xlsx(error)));
            return;
        }
    };
    let mut row = Row { number: 0, cells: Vec::new() };
    loop {
        let cell = match reader.next_cell() {
            Ok(cell) => cell,
            Err(error) => {
                let _gone = sender.send(Err(not_xlsx(error)));
                return;
            }
        };
        let number = cell.as_ref().map(|cell| u64::from(cell.get_position().0) + 1);
        if number != Some(row.number) {
            let done = std::mem::replace(&mut row, Row { number: number.unwrap_or(0), cells: Vec::new() });
            if done.cells.iter().any(|cell| !cell.is_empty()) && sender.send(Ok(done)).is_err() {
                return;
            }
        }
        let Some(cell) = cell else { return };
        let column = cell.get_position().1 as usize;
        row.cells.resize(row.cells.len().max(column + 1), Cell::Empty);
        row.cells[column] = value(cell.get_value());
    }
}

fn value(data: &DataRef<'_>) -> Cell {
    match data {
        DataRef::Empty => Cell::Empty,
        DataRef::String(text) => Cell::Text(text.clone()),
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::Int(number) => Cell::Number(number.to_string()),
        DataRef::Float(number) => Cell::Number(digits(*number)),
        DataRef::Bool(truth) => Cell::Text(truth.to_string()),
        DataRef::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            let small = |value: u8| i8::try_from(value).unwrap_or(-1);
            let date = i16::try_from(year).ok().and_then(|year| Date::new(year, small(month), small(day)).ok());
            let time = Time::new(small(hour), small(minute), small(second), 0).ok();
            match date {
                Some(date) => Cell::Moment(date, time.filter(|time| *time != Time::midnight())),
                None => Cell::Number(digits(moment.as_f64())),
            }
        }
        DataRef::DateTime(moment) => Cell::Number(digits(moment.as_f64())),
        DataRef::DateTimeIso(text) => match text.parse::<jiff::civil::DateTime>() {
            Ok(at) => Cell::Moment(at.date(), Some(at.time()).filter(|time| *time != Time::midnight())),
            Err(_) => text.parse::<Date>().map_or_else(|_| Cell::Text(text.clone()), |date| Cell::Moment(date, None)),
        },
        DataRef::DurationIso(text) => Cell::Text(text.clone()),
        DataRef::Error(error) => Cell::Failed(error.to_string()),
    }
}

/// A number as the spreadsheet shows it: it keeps fifteen digits, and what a binary fraction adds behind them nobody typed.
fn digits(number: f64) -> String {
    let shown = format!("{number:.14e}").parse::<f64>().unwrap_or(number);
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Vec<Result<Row, String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        rows(&path, None).unwrap().into_iter().map(|row| row.map_err(|error| error.to_string())).collect()
    }

    fn texts(row: &Row) -> Vec<String> {
        row.cells.iter().map(Cell::text).collect()
    }

    #[test]
    fn any_common_separator_is_found_and_empty_rows_are_left_out() {
        for separator in [",", ";", "\t"] {
            let text = ["\u{feff}Ngày", "Sản phẩm", "SL"].join(separator)
                + "\r\n\r\n"
                + &["01/12/2021", "\"Rau, muống; tươi\"", "\"1.379,5\""].join(separator)
                + "\r\n"
                + &["02/12/2021", "\"hai\r\ndòng\"", "\"=\"\"0123\"\"\""].join(separator)
                + "\r\n"
                + &["03/12/2021", "x", "1"].join(separator);
            let rows = read("a.csv", text.as_bytes());
            let rows: Vec<_> = rows.into_iter().map(Result::unwrap).collect();
            assert_eq!(texts(&rows[0]), ["Ngày", "Sản phẩm", "SL"]);
            assert_eq!(
                (rows[1].number, texts(&rows[1])),
                (3, vec!["01/12/2021".into(), "Rau, muống; tươi".into(), "1.379,5".into()])
            );
        }
    }

    #[test]
    fn text_of_an_old_code_page_is_said_by_its_line() {
        let rows = read("a.csv", b"ngay,so\n1,2\nh\xe0ng,3\n");
        assert!(rows[2].as_ref().unwrap_err().starts_with("line 3 is no UTF-8"), "{rows:?}");
    }

    #[test]
    fn a_workbook_gives_its_own_numbers_and_days() {
        use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        let day = Format::new().set_num_format("dd/mm/yyyy");
        let at = ExcelDateTime::from_ymd(2026, 11, 1).unwrap();
        sheet.write_string(0, 0, "Ngày").unwrap().write_string(0, 2, "SL").unwrap();
        sheet.write_datetime_with_format(2, 0, &at, &day).unwrap();
        sheet.write_number(2, 2, 0.1 + 0.2).unwrap();
        sheet.write_datetime_with_format(3, 0, at.and_hms(5, 30, 0).unwrap(), &day).unwrap();
        sheet.write_number(3, 2, 9_521_415_000_016.0).unwrap();
        let rows: Vec<_> = read("a.xlsx", &workbook.save_to_buffer().unwrap()).into_iter().map(Result::unwrap).collect();
        assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(texts(&rows[1]), ["01/11/2026", "", "0.3"]);
        assert_eq!(texts(&rows[2]), ["01/11/2026 05:30", "", "9521415000016"]);
    }
}
