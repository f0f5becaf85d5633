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
