//! The rows of an answer, under the names of their protos: what spreadsheets and generic tables are made of.

use prost_reflect::prost::Message;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::json;
use crate::failure::Failure;

/// Messages within messages that become columns of their own; deeper ones are written as JSON into one.
const DEPTH: usize = 3;

/// Rows of figures and words, each under its column.
pub struct Rows {
    /// Names of the fields, those of a message within the row behind its name and a dot.
    pub columns: Vec<String>,
    /// Values in the order of the columns; null where nothing was said.
    pub rows: Vec<Vec<Value>>,
    /// Whether the list goes on beyond them.
    pub more: bool,
}

/// The rows of an answer: its list, or, where it has several, the one named `rows` or else the first that holds any. An answer
/// without a list is a row itself.
pub fn of(name: &str, message: &impl Message) -> Result<Rows, Failure> {
    let descriptor = json::descriptor(name)?;
    let answer = json::of(name, message)?;
    let more = !text(&answer["next_page_token"]).is_empty();
    let lists: Vec<(FieldDescriptor, MessageDescriptor)> = descriptor.fields().filter_map(list).collect();
    let holds = |field: &FieldDescriptor| answer[field.name()].as_array().is_some_and(|rows| !rows.is_empty());
    let named = lists.iter().find(|(field, _)| field.name() == "rows");
    let chosen = named.or_else(|| lists.iter().find(|(field, _)| holds(field))).or(lists.first());
    let (of, found) = match chosen {
        Some((field, row)) => (row.clone(), answer[field.name()].as_array().cloned().unwrap_or_default()),
        None => (descriptor, vec![answer]),
    };
    let mut columns = Vec::new();
    columns_of(&of, "", 1, &mut columns);
    let cell = |row: &Value, column: &String| column.split('.').fold(row, |value, part| &value[part]).clone();
    let rows = found.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect()).collect();
    Ok(Rows { columns, rows, more })
}

fn list(field: FieldDescriptor) -> Option<(FieldDescriptor, MessageDescriptor)> {
    match field.kind() {
        Kind::Message(row) if field.is_list() => Some((field, row)),
        _ => None,
    }
}

fn columns_of(message: &MessageDescriptor, before: &str, depth: usize, columns: &mut Vec<String>) {
    for field in message.fields() {
        let name = format!("{before}{}", field.name());
        match field.kind() {
            Kind::Message(inner) if !field.is_list() && !field.is_map() && depth < DEPTH && !is_timestamp(&inner) => {
                columns_of(&inner, &format!("{name}."), depth + 1, columns);
            }
            _ => columns.push(name),
        }
    }
}

fn is_timestamp(message: &MessageDescriptor) -> bool {
    message.full_name() == "google.protobuf.Timestamp"
}

/// A value in words: lists of words separated by semicolons.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(|value| !value.is_object() && !value.is_array()) => {
            values.iter().map(text).collect::<Vec<_>>().join("; ")
        }
        Value::Array(values) if values.is_empty() => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::report::v1 as report;
    use wire::proto::chuoi::trace::v1::LotSummary;

    #[test]
    fn a_list_is_its_rows_and_a_message_within_them_has_columns_of_its_own() {
        let lot = LotSummary { lot_code: "T1".to_owned(), ..Default::default() };
        let withdrawal = report::Withdrawal { site_code: "SM001".to_owned(), lot: Some(lot), ..Default::default() };
        let answer = report::ListWithdrawalsResponse { rows: vec![withdrawal], ..Default::default() };
        let rows = of("chuoi.report.v1.ListWithdrawalsResponse", &answer).unwrap();
        let at = |name: &str| rows.columns.iter().position(|column| column == name).unwrap();
        assert_eq!(rows.rows.len(), 1);
        assert_eq!(rows.rows[0][at("site_code")], "SM001");
        assert_eq!(rows.rows[0][at("lot.lot_code")], "T1");
        assert_eq!(rows.rows[0][at("lot.harvest_time")], Value::Null);
        let none = of("chuoi.report.v1.ListWithdrawalsResponse", &report::ListWithdrawalsResponse::default()).unwrap();
        assert_eq!((none.columns.len(), none.rows.len()), (rows.columns.len(), 0), "an empty list still has its columns");
    }
}
