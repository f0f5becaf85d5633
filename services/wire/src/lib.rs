//! Protobuf: the generated messages and services, and the only code that turns them into the domain's values and back.
//! Knows no NATS, SQL or files.

/// The generated code, a module for each package.
#[allow(missing_docs, clippy::all)]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/packages.rs"));
}

/// The compiled protos, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
