//! Messages as JSON, by their descriptors: every field under its name in the protos, so that a script reads what the protos
//! document. Differs from protobuf's own JSON where that serves no script: names stay as they are, 64-bit numbers are
//! numbers, ids of 16 bytes are written as UUIDs, enumerations as their short words, and fields that were left out have
//! their default value.

use std::sync::LazyLock;

use prost_reflect::prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value as Field,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::failure::Failure;

static POOL: LazyLock<Result<DescriptorPool, String>> =
    LazyLock::new(|| DescriptorPool::decode(wire::DESCRIPTORS).map_err(|error| error.to_string()));

/// A message as JSON; `name` is its full name in the protos.
pub fn of(name: &str, message: &impl Message) -> Result<Value, Failure> {
    let dynamic = DynamicMessage::decode(descriptor(name)?, message.encode_to_vec().as_slice());
    Ok(object(&dynamic.map_err(|error| cannot(name, error.to_string()))?))
}

/// What the protos say of a message, by its full name.
pub(super) fn descriptor(name: &str) -> Result<MessageDescriptor, Failure> {
    let pool = POOL.as_ref().map_err(|error| cannot(name, error.clone()))?;
    pool.get_message_by_name(name).ok_or_else(|| cannot(name, "it is not in the protos".to_owned()))
}

fn cannot(name: &str, error: String) -> Failure {
    Failure::failed(format!("cannot write {name}"), error)
}

fn object(message: &DynamicMessage) -> Value {
    if message.descriptor().full_name() == "google.protobuf.Timestamp" {
        return timestamp(message);
    }
    let mut map = Map::new();
    for field in message.descriptor().fields() {
        // What knows whether it was set is left out when it was not: that differs from a default.
        if field.supports_presence() && !message.has_field(&field) {
            continue;
        }
        map.insert(field.name().to_owned(), value(&field.kind(), &message.get_field(&field)));
    }
    Value::Object(map)
}

fn value(kind: &Kind, held: &Field) -> Value {
    match held {
        Field::Bool(held) => (*held).into(),
        Field::I32(held) => (*held).into(),
        Field::I64(held) => (*held).into(),
        Field::U32(held) => (*held).into(),
        Field::U64(held) => (*held).into(),
        Field::F32(held) => (*held).into(),
        Field::F64(held) => (*held).into(),
        Field::String(held) => held.as_str().into(),
        Field::Bytes(held) => match Uuid::from_slice(held) {
            Ok(id) => id.to_string().into(),
            Err(_) => held.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
        },
        Field::EnumNumber(held) => match kind {
            Kind::Enum(descriptor) => word(descriptor, *held),
            _ => (*held).into(),
        },
        Field::Message(held) => object(held),
        Field::List(held) => held.iter().map(|held| value(kind, held)).collect(),
        Field::Map(held) => {
            let Kind::Message(entry) = kind else { return Value::Null };
            let of = entry.map_entry_value_field();
            let entries = held.iter().map(|(key, held)| {
                let key = match key {
                    MapKey::String(key) => key.clone(),
                    MapKey::Bool(key) => key.to_string(),
                    MapKey::I32(key) => key.to_string(),
                    MapKey::I64(key) => key.to_string(),
                    MapKey::U32(key) => key.to_string(),
                    MapKey::U64(key) => key.to_string(),
                };
                (key, value(&of.kind(), held))
            });
            Value::Object(entries.collect::<std::collections::BTreeMap<_, _>>().into_iter().collect())
        }
    }
}

/// `SITE_KIND_GENERAL_STORE` as `general_store`; null for what says nothing; a number that the protos do not know as it is.
fn word(of: &EnumDescriptor, number: i32) -> Value {
    let Some(held) = of.get_value(number) else { return number.into() };
    // buf's lint has every value begin with the enumeration's own name.
    let mut prefix = String::new();
    for letter in of.name().chars() {
        if letter.is_ascii_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.push(letter.to_ascii_uppercase());
    }
    let name = held.name();
    let short = name.strip_prefix(&prefix).map_or(name, |rest| rest.trim_start_matches('_'));
    if short == "UNSPECIFIED" { Value::Null } else { short.to_ascii_lowercase().into() }
}

fn timestamp(message: &DynamicMessage) -> Value {
    let part = |name: &str| message.get_field_by_name(name).and_then(|held| held.as_i64().or(held.as_i32().map(i64::from)));
    let seconds = part("seconds").unwrap_or_default();
    let nanos = part("nanos").and_then(|nanos| i32::try_from(nanos).ok()).unwrap_or_default();
    match jiff::Timestamp::new(seconds, nanos) {
        Ok(instant) => instant.to_string().into(),
        Err(_) => Value::Null, // Beyond the years that anything can be dated in.
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::event::v1 as event;
    use wire::proto::chuoi::record::v1 as record;
    use wire::proto::chuoi::stock::v1 as stock;

    #[test]
    fn an_answer_is_written_under_the_names_of_its_protos() {
        let answer = stock::GetSummaryResponse {
            sites: vec![stock::SiteCount { kind: event::SiteKind::GeneralStore.into(), sites: 1_400 }],
            conservation_holds: true,
            ..Default::default()
        };
        let json = of("chuoi.stock.v1.GetSummaryResponse", &answer).unwrap();
        assert_eq!(json["sites"][0]["kind"], "general_store");
        assert_eq!(json["sites"][0]["sites"], 1_400);
        assert_eq!(json["conservation_holds"], true);
        assert_eq!(json["entries"], 0, "a script finds every field");
    }

    #[test]
    fn ids_times_and_what_was_left_out() {
        let id = Uuid::from_u128(7);
        let transformed = event::Transformed {
            inputs: vec![event::LotAmount { lot_id: id.as_bytes().to_vec(), amount: None }],
            ..Default::default()
        };
        let recorded = record::Recorded {
            record_time: Some(prost_types::Timestamp { seconds: 0, nanos: 500_000_000 }),
            events: vec![event::Event { fact: Some(event::event::Fact::Transformed(transformed)), ..Default::default() }],
            ..Default::default()
        };
        let json = of("chuoi.record.v1.Recorded", &recorded).unwrap();
        assert_eq!(json["record_time"], "1970-01-01T00:00:00.5Z");
        let transformed = &json["events"][0]["transformed"];
        assert_eq!(transformed["inputs"][0]["lot_id"], id.to_string());
        assert_eq!(transformed["process"], Value::Null);
        assert_eq!(transformed.get("loss_gram"), None, "not said is not zero");
        assert_eq!(json["events"][0].get("harvested"), None);
    }
}
