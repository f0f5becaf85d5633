//! Entries: one message of the journal. What chains it to its predecessor is the journal's, not the domain's, and stays there.

use crate::event;
use crate::proto::chuoi::event::v1 as proto;
use crate::undecodable::{At as _, Undecodable, each, required, timestamp, uuid};
use domain::entry::{Document, Entry, Genesis, RecordedCommand};
use domain::id::{CommandId, Digest, OrganizationCode};

/// Reads an entry.
pub fn read(entry: &proto::Entry) -> Result<Entry, Undecodable> {
    Ok(Entry {
        record_time: required(&entry.record_time).and_then(timestamp).at("record_time")?,
        genesis: entry.genesis.as_ref().map(read_genesis).transpose().at("genesis")?,
        commands: each(&entry.commands, read_command).at("commands")?,
    })
}

/// Reads how a journal began.
pub fn read_genesis(genesis: &proto::Genesis) -> Result<Genesis, Undecodable> {
    Ok(Genesis {
        business_time_zone: genesis.business_time_zone.clone(),
        authority: OrganizationCode::parse(&genesis.authority_code).at("authority_code")?,
        authority_name: genesis.authority_name.clone(),
    })
}

/// Writes how a journal begins.
pub fn write_genesis(genesis: &Genesis) -> proto::Genesis {
    let Genesis { business_time_zone, authority, authority_name } = genesis;
    proto::Genesis {
        business_time_zone: business_time_zone.clone(),
        authority_code: authority.to_string(),
        authority_name: authority_name.clone(),
    }
}

/// Reads a command as it was recorded.
pub fn read_command(command: &proto::RecordedCommand) -> Result<RecordedCommand, Undecodable> {
    let digest = <[u8; 32]>::try_from(&command.digest[..])
        .map(Digest)
        .map_err(|_| Undecodable::here(format!("has {} bytes; a digest has 32", command.digest.len())))
        .at("digest")?;
    if command.events.is_empty() {
        return Err(Undecodable::here("is empty; a command records something")).at("events");
    }
    Ok(RecordedCommand {
        organization: OrganizationCode::parse(&command.organization_code).at("organization_code")?,
        id: uuid(&command.command_id).map(CommandId).at("command_id")?,
        digest,
        actor: command.actor.clone(),
        device: command.device.clone(),
        client: command.client.clone(),
        reported_fact: command.reported_fact,
        note: command.note.clone(),
        document: command.document.as_ref().map(read_document),
        events: each(&command.events, event::read).at("events")?,
    })
}

/// Writes a command as it is recorded.
pub fn write_command(command: &RecordedCommand) -> proto::RecordedCommand {
    let RecordedCommand { organization, id, digest, actor, device, client, reported_fact, note, document, events } = command;
    proto::RecordedCommand {
        organization_code: organization.to_string(),
        command_id: id.0.as_bytes().to_vec(),
        digest: digest.0.to_vec(),
        actor: actor.clone(),
        device: device.clone(),
        client: client.clone(),
        reported_fact: *reported_fact,
        note: note.clone(),
        document: document.as_ref().map(write_document),
        events: events.iter().map(event::write).collect(),
    }
}

pub(crate) fn read_document(document: &proto::DocumentReference) -> Document {
    Document {
        issuer: document.issuer_code.clone(),
        kind: document.kind.clone(),
        year: document.year,
        number: document.number.clone(),
    }
}

fn write_document(document: &Document) -> proto::DocumentReference {
    let Document { issuer, kind, year, number } = document;
    proto::DocumentReference { issuer_code: issuer.clone(), kind: kind.clone(), year: *year, number: number.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;
    use crate::undecodable::write_timestamp;
    use domain::event::{Event, Fact, Voided};
    use domain::time::{Calendar, Precision};
    use jiff::Timestamp;
    use proptest::prelude::*;
    use prost::Message as _;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            record_time in arbitrary::timestamp(),
            genesis in proptest::option::of(arbitrary::genesis()),
            commands in proptest::collection::vec(arbitrary::command(), 0..3),
        ) {
            let written = proto::Entry {
                record_time: Some(write_timestamp(record_time)),
                genesis: genesis.as_ref().map(write_genesis),
                commands: commands.iter().map(write_command).collect(),
                ..proto::Entry::default()
            };
            let bytes = written.encode_to_vec();
            let decoded = proto::Entry::decode(&bytes[..]).unwrap();
            prop_assert_eq!(read(&decoded), Ok(Entry { record_time, genesis, commands }));
        }

        /// Bytes that somebody else wrote are read or refused; they stop nobody.
        #[test]
        fn any_bytes_are_read_or_said_to_be_at_fault(
            command in arbitrary::command(), at in any::<prop::sample::Index>(), byte in any::<u8>()
        ) {
            let mut bytes = write_command(&command).encode_to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(decoded) = proto::RecordedCommand::decode(&bytes[..]) {
                match read_command(&decoded) {
                    // What was understood is understood alike when written again.
                    Ok(read) => prop_assert_eq!(read_command(&write_command(&read)), Ok(read)),
                    Err(fault) => prop_assert!(!fault.path.is_empty()),
                }
            }
        }
    }

    fn voided(originals: Vec<Event>) -> Event {
        let calendar = Calendar::of("Asia/Ho_Chi_Minh").unwrap();
        let time = calendar.day_time(calendar.day(Timestamp::UNIX_EPOCH), Precision::Day, None);
        let fact = Fact::Voided(Voided { command: CommandId(Uuid::from_u128(1)), reason: String::new(), originals });
        Event { time, violations: Vec::new(), names: Vec::new(), fact }
    }

    fn entry_of(events: Vec<proto::Event>) -> proto::Entry {
        let command = proto::RecordedCommand {
            organization_code: "HTX1".into(),
            command_id: vec![1; 16],
            digest: vec![2; 32],
            events,
            ..proto::RecordedCommand::default()
        };
        proto::Entry { record_time: Some(prost_types::Timestamp::default()), commands: vec![command], ..proto::Entry::default() }
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_path() {
        let fault = |change: fn(&mut proto::Event)| {
            let mut event = event::write(&voided(vec![voided(Vec::new())]));
            change(&mut event);
            read(&entry_of(vec![event])).unwrap_err().to_string()
        };
        assert_eq!(
            fault(|event| event.fact = None),
            "commands[0].events[0].fact: is missing, or one that this version does not know; read it with a newer version"
        );
        assert_eq!(
            fault(|event| event.event_time.as_mut().unwrap().precision = 9),
            "commands[0].events[0].event_time.precision: is 9, which this version does not know"
        );
        assert_eq!(
            fault(|event| {
                let Some(proto::event::Fact::Voided(voided)) = &mut event.fact else { unreachable!() };
                let Some(proto::event::Fact::Voided(inner)) = &mut voided.originals[0].fact else { unreachable!() };
                inner.command_id.pop();
            }),
            "commands[0].events[0].voided.originals[0].voided.command_id: has 15 bytes; an id has 16"
        );
        assert_eq!(
            read(&entry_of(Vec::new())).unwrap_err().to_string(),
            "commands[0].events: is empty; a command records something"
        );
    }

    #[test]
    fn reversals_are_read_to_a_depth_and_no_deeper() {
        let nested = |depth: usize| (1..depth).fold(voided(Vec::new()), |inner, _| voided(vec![inner]));
        assert!(read(&entry_of(vec![event::write(&nested(event::MAX_NESTING))])).is_ok());
        let fault = read(&entry_of(vec![event::write(&nested(event::MAX_NESTING + 1))])).unwrap_err();
        assert!(fault.to_string().contains("deeper than any"), "{fault}");
    }
}
