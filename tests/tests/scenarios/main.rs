//! Scenarios on real servers: each has its own, on free ports and in folders of its own, so that they run side by side.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a scenario that cannot go on fails")]

mod codes;
mod contention;
mod faults;
mod feed;
mod import;
mod notices;
mod orders;
mod programme;
mod promises;
mod refusals;
mod registry;
mod report;
mod system;
mod trade;
mod watching;
