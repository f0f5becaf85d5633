//! CSV that a spreadsheet opens right: UTF-8 with a byte order mark, quantities in whole thousandths, so that no decimal mark is
//! misread, and codes as text, so that no leading zero is lost and no long number rounded.

use prost_reflect::prost::Message;
use serde_json::Value;

use super::rows;
use crate::failure::Failure;

/// By this a spreadsheet knows that a file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// An answer's rows as CSV, and whether there are more than the answer has.
pub fn of(name: &str, message: &impl Message) -> Result<(String, bool), Failure> {
    let cannot = |error: &dyn std::fmt::Display| Failure::failed("cannot write CSV", std::io::Error::other(error.to_string()));
    let found = rows::of(name, message)?;
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    writer.write_record(&found.columns).map_err(|error| cannot(&error))?;
    for row in &found.rows {
        writer.write_record(row.iter().map(cell)).map_err(|error| cannot(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| cannot(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| cannot(&error))?;
    Ok((text, found.more))
}

fn cell(value: &Value) -> String {
    let text = rows::text(value);
    if !value.is_string() {
        return text;
    }
    // Also what reads as a number with an exponent, such as 9E12.
    if !text.is_empty() && text.parse::<f64>().is_ok() {
        return format!("=\"{text}\"");
    }
    // Whatever somebody typed must not run as a formula.
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::report::v1 as report;

    #[test]
    fn codes_stay_text_and_nothing_typed_runs() {
        let lot = |lot_code: &str, gtin: &str| report::PublicFacts {
            product_name: "Rau muống".to_owned(),
            lot_code: lot_code.to_owned(),
            gtin: gtin.to_owned(),
            sellable: true,
            ..Default::default()
        };
        let lots = vec![lot("9E12", "09521234543213"), lot("=HYPERLINK(1)", ""), lot("A,\"B\"", "")];
        let (name, answer) =
            ("chuoi.report.v1.GetPublicFactsResponse", report::GetPublicFactsResponse { lots, ..Default::default() });
        let (text, more) = of(name, &answer).unwrap();
        assert!(!more);
        assert!(text.starts_with("\u{feff}product_code,product_name,"), "{text}");
        let read: Vec<csv::StringRecord> = csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect();
        let cells = |row: usize| [read[row][1].to_owned(), read[row][3].to_owned(), read[row][4].to_owned()];
        assert_eq!(cells(0), ["Rau muống", "=\"09521234543213\"", "=\"9E12\""]);
        assert_eq!(cells(1), ["Rau muống", "", "'=HYPERLINK(1)"]);
        assert_eq!(cells(2), ["Rau muống", "", "A,\"B\""]);
        assert!(text.ends_with("\r\n"));
        let cut = report::ListShortagesResponse { next_page_token: "00".to_owned(), ..Default::default() };
        assert!(of("chuoi.report.v1.ListShortagesResponse", &cut).unwrap().1);
    }
}
