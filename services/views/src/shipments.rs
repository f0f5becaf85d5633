//! Goods on their way.

pub(crate) mod fold;
pub(crate) mod load;
pub(crate) mod read;
pub(crate) mod watch;
pub(crate) mod write;

pub(crate) use fold::Changes;
