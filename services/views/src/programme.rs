//! What is certified, graded and aimed at, and how sites stand.

pub(crate) mod certificates;
mod labels;
pub(crate) mod read;
pub(crate) mod service;
pub(crate) mod write;
