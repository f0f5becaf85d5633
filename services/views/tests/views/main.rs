//! The views against a real PostgreSQL: journals made by hand go in, questions are asked over gRPC in the process.
#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests are tests.

mod book;
mod journal;
mod rows;
mod server;

mod changes;
mod following;
mod projecting;
mod registry;
mod stock;
mod throughput;
mod time;
mod trace;
