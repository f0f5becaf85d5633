//! What keeps goods from moving on, what somebody has to look at, and what is in logistic units.

pub(crate) mod discrepancies;
pub(crate) mod fold;
pub(crate) mod read;
pub(crate) mod service;
pub(crate) mod units;
pub(crate) mod write;

pub(crate) use fold::Changes;
