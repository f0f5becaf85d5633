//! Which fields and words of the protos some bytes use, by their descriptors: what no sample says yet is found here.

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use std::collections::{BTreeMap, BTreeSet};
use wire::Message as _;

/// Fields and words that can stand in a message, and those that were seen.
pub struct Coverage {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
    root: String,
    seen: BTreeSet<String>,
}

impl Coverage {
    /// Nothing seen yet of a message and all that it can hold.
    pub fn of(descriptors: &[u8], root: &str) -> Coverage {
        let mut coverage =
            Coverage { messages: BTreeMap::new(), enums: BTreeMap::new(), root: root.to_owned(), seen: BTreeSet::new() };
        for file in FileDescriptorSet::decode(descriptors).unwrap().file {
            let package = format!(".{}", file.package());
            file.message_type.into_iter().for_each(|message| coverage.enter(&package, message));
            file.enum_type.into_iter().for_each(|words| coverage.enter_enum(&package, words));
        }
        coverage
    }

    fn enter(&mut self, scope: &str, message: DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        message.nested_type.iter().for_each(|nested| self.enter(&name, nested.clone()));
        message.enum_type.iter().for_each(|words| self.enter_enum(&name, words.clone()));
        self.messages.insert(name, message);
    }

    fn enter_enum(&mut self, scope: &str, words: EnumDescriptorProto) {
        self.enums.insert(format!("{scope}.{}", words.name()), words);
    }

    /// Sees what a message says.
    pub fn see(&mut self, message: &str, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            let number = i32::try_from(tag >> 3).unwrap();
            let field = self.field(message, number);
            self.seen.insert(field_key(message, &field));
            match tag & 7 {
                0 => {
                    let value = varint(&mut bytes);
                    if field.r#type() == Type::Enum {
                        let number = i32::try_from(value).unwrap();
                        self.seen.insert(word_key(field.type_name(), number));
                    }
                }
                2 => {
                    let length = usize::try_from(varint(&mut bytes)).unwrap();
                    let (value, rest) = bytes.split_at(length);
                    bytes = rest;
                    if field.r#type() == Type::Message {
                        self.see(field.type_name(), value);
                    }
                }
                kind => panic!("{message}.{}: wire type {kind} is used by none of these messages; read it too", field.name()),
            }
        }
    }

    fn field(&self, message: &str, number: i32) -> FieldDescriptorProto {
        let fields = &self.messages[message].field;
        fields.iter().find(|field| field.number() == number).unwrap_or_else(|| panic!("{message} has no field {number}")).clone()
    }

    /// What the message can hold and nothing that was seen holds.
    pub fn missing(&self) -> Vec<String> {
        let (mut missing, mut waiting, mut reached) = (Vec::new(), vec![self.root.clone()], BTreeSet::new());
        while let Some(message) = waiting.pop() {
            if !reached.insert(message.clone()) {
                continue;
            }
            for field in &self.messages[&message].field {
                missing.push(field_key(&message, field));
                match field.r#type() {
                    Type::Message => waiting.push(field.type_name().to_owned()),
                    // Zero is never written.
                    Type::Enum => missing.extend(
                        self.enums[field.type_name()]
                            .value
                            .iter()
                            .filter(|word| word.number() != 0)
                            .map(|word| word_key(field.type_name(), word.number())),
                    ),
                    _ => {}
                }
            }
        }
        missing.retain(|key| !self.seen.contains(key));
        missing
    }
}

fn field_key(message: &str, field: &FieldDescriptorProto) -> String {
    format!("{message}.{}", field.name())
}

fn word_key(words: &str, number: i32) -> String {
    format!("{words} = {number}")
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}
