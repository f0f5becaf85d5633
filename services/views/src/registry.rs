//! What is registered: districts, organizations, sites, products, chains, their members and capacities.

pub(crate) mod fold;
pub(crate) mod read;
pub(crate) mod service;
pub(crate) mod words;
pub(crate) mod write;

pub(crate) use fold::{Changes, Dated};
pub(crate) use words::words;
