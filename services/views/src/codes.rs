//! Traceability codes: what they stand for, the check that is printed with them, and where they were scanned.

mod check;
pub(crate) mod fold;
pub(crate) mod read;
pub(crate) mod service;
pub(crate) mod write;

pub use check::{BadKeys, CodeKeys};
pub use fold::Changes;
