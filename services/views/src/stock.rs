//! Where the goods are, and were: lots, and balances by site, chain, product and outside.

pub(crate) mod as_of;
pub(crate) mod fold;
pub(crate) mod ledger;
pub(crate) mod load;
pub(crate) mod read;
pub(crate) mod service;
pub(crate) mod summary;
pub(crate) mod watch;
pub(crate) mod write;

pub(crate) use fold::Changes;
