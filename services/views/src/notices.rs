//! Notices: who has to be told what, what was told, and how far those who are told over the web have heard of it.

pub(crate) mod deliveries;
pub(crate) mod due;
pub(crate) mod fold;
pub(crate) mod read;
pub(crate) mod service;
pub(crate) mod write;

pub(crate) use fold::Changes;
