//! What happened to each lot, where it came from and where it went.

pub(crate) mod fold;
pub(crate) mod read;
pub(crate) mod service;
pub(crate) mod watch;
pub(crate) mod write;

pub(crate) use fold::Changes;
