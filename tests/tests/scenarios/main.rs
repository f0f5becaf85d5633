//! Scenarios on real servers: each has its own, on free ports and in folders of its own, so that they run side by side.

mod faults;
mod promises;
mod system;
