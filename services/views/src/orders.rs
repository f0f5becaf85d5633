//! What sites ordered, and how far it was filled.

pub(crate) mod fold;
pub(crate) mod read;
pub(crate) mod write;

pub(crate) use fold::Changes;
