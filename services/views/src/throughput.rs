//! How much flowed, by day and month, and how far each chain is from its capacity.

pub(crate) mod capacity;
pub(crate) mod fold;
pub(crate) mod load;
pub(crate) mod measures;
pub(crate) mod read;
pub(crate) mod roll;
pub(crate) mod service;
pub(crate) mod utilization;
pub(crate) mod write;

pub(crate) use fold::Changes;
