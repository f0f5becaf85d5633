//! Protobuf: the generated messages and services, and the only code that turns them into the domain's values and back.
//! Knows no NATS, SQL or files.
//!
//! In the order of a command's life: it comes in as a [`request`], is parsed ([`command`]), recorded as an [`entry`] of events
//! ([`event`], [`registry`]), and answered ([`answer`]) or refused ([`status`]).

/// The generated code, a module for each package.
#[allow(missing_docs, clippy::all)]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/packages.rs"));
}

/// The compiled protos, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub mod codec;
pub mod command;
pub mod request;

pub mod entry;
pub mod event;
pub mod programme;
pub mod registry;
pub mod undecodable;
mod words;

pub mod answer;
pub mod status;

#[cfg(test)]
mod arbitrary;

/// Encodes and decodes the generated messages.
pub use prost::Message;
pub use undecodable::Undecodable;
