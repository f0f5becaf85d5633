//! Golden files: bytes of every message that the journal holds, as they were once written. They are read for ever, so today's code
//! must still read each of them as what it was, and still write it to the same bytes.
//!
//! A file is never changed. A field that a message gains is left out in the samples that there are, and set in a new one beside
//! them; a new event gets samples of its own. Both are asked for by the test that looks for what no sample says. Then
//!
//!     CHUOI_WRITE_GOLDEN=1 cargo test -p tests --test golden
//!
//! writes the files that are missing, and no others. The text beside each file is for people: what the bytes say.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod coverage;
mod programme;
mod samples;
mod trade;

use coverage::Coverage;
use domain::entry::Entry;
use domain::event::Event;
use samples::{EntrySample, EventSample};
use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use wire::Message as _;
use wire::proto::chuoi::event::v1 as proto;

const WRITE: &str = "CHUOI_WRITE_GOLDEN";

/// One file: the bytes that today's code writes, and what they say.
struct File {
    name: String,
    bytes: Vec<u8>,
    text: String,
}

fn of_event(EventSample { name, event }: EventSample) -> File {
    let bytes = wire::event::write(&event).encode_to_vec();
    File { name: format!("event.{name}"), bytes, text: format!("{event:#?}\n") }
}

fn of_entry(EntrySample { name, chained, entry }: EntrySample) -> File {
    let written = proto::Entry {
        record_time: Some(samples::timestamp(entry.record_time)),
        genesis: entry.genesis.as_ref().map(wire::entry::write_genesis),
        commands: entry.commands.iter().map(wire::entry::write_command).collect(),
        ..chained
    };
    File { name: format!("entry.{name}"), bytes: written.encode_to_vec(), text: format!("{entry:#?}\n") }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/files"))
}

/// The stored content; written first where it is missing and that was asked for.
fn stored(name: &str, content: &[u8]) -> Result<Vec<u8>, String> {
    let path = folder().join(name);
    match fs::read(&path) {
        Ok(stored) => Ok(stored),
        Err(error) if error.kind() == ErrorKind::NotFound && std::env::var_os(WRITE).is_some() => {
            // `create_new`: what is there is never written over.
            fs::File::create_new(&path).and_then(|mut file| file.write_all(content)).expect("the file is written");
            Ok(content.to_vec())
        }
        Err(error) => Err(format!("{name}: {error}; a new sample is written with {WRITE}=1")),
    }
}

fn all_files() -> Vec<File> {
    samples::events().into_iter().map(of_event).chain(samples::entries().into_iter().map(of_entry)).collect()
}

#[test]
fn what_was_written_once_is_written_alike_today() {
    let mut wrong = Vec::new();
    for File { name, bytes, text } in all_files() {
        match stored(&format!("{name}.binpb"), &bytes) {
            Ok(stored) if stored != bytes => {
                wrong.push(format!("{name}.binpb: today's code writes {bytes:02x?}, not {stored:02x?}"))
            }
            Ok(_) => {}
            Err(missing) => wrong.push(missing),
        }
        match stored(&format!("{name}.txt"), text.as_bytes()) {
            Ok(stored) if stored != text.as_bytes() => {
                wrong.push(format!(
                    "{name}.txt: is not what the bytes say; if only its form changed, delete it and write it anew"
                ));
            }
            Ok(_) => {}
            Err(missing) => wrong.push(missing),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_was_written_once_is_read_as_what_it_was() {
    let read = |name: String| fs::read(folder().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for EventSample { name, event } in samples::events() {
        let decoded = proto::Event::decode(&read(format!("event.{name}.binpb"))[..]).unwrap();
        assert_eq!(wire::event::read(&decoded), Ok::<Event, _>(event), "{name}");
    }
    for EntrySample { name, chained, entry } in samples::entries() {
        let decoded = proto::Entry::decode(&read(format!("entry.{name}.binpb"))[..]).unwrap();
        assert_eq!(wire::entry::read(&decoded), Ok::<Entry, _>(entry), "{name}");
        let chain = |entry: proto::Entry| (entry.journal_id, entry.entry_id, entry.prev_sequence, entry.prev_hash);
        assert_eq!(chain(decoded), chain(chained), "{name}");
    }
}

/// A sample that is gone would take its promise with it.
#[test]
fn every_file_belongs_to_a_sample() {
    let expected: BTreeSet<String> =
        all_files().into_iter().flat_map(|file| [format!("{}.binpb", file.name), format!("{}.txt", file.name)]).collect();
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let strays: Vec<String> = files.filter(|name| !name.starts_with('.') && !expected.contains(name)).collect();
    assert!(strays.is_empty(), "no sample says what these files are: {strays:?}");
}

/// Every event, every field of every message and every word of every list stands in some file.
#[test]
fn nothing_that_an_entry_can_hold_is_without_a_sample() {
    let mut coverage = Coverage::of(wire::DESCRIPTORS, ".chuoi.event.v1.Entry");
    for file in all_files() {
        let root = if file.name.starts_with("event.") { ".chuoi.event.v1.Event" } else { ".chuoi.event.v1.Entry" };
        coverage.see(root, &file.bytes);
    }
    let missing = coverage.missing();
    assert!(missing.is_empty(), "no sample sets:\n{}", missing.join("\n"));
}
