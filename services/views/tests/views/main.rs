//! The views against a real PostgreSQL: journals made by hand go in, questions are asked over gRPC in the process.

mod book;
mod rows;
mod server;

mod projecting;
mod registry;
mod stock;
mod throughput;
mod trace;
