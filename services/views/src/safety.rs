//! What keeps goods from moving on, what somebody has to look at, and what was seen.

pub(crate) mod fold;
pub(crate) mod write;

pub(crate) use fold::Changes;
