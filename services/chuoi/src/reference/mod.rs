//! The reference registry: tables of chains, sites and products, the commands that register them, and their import through the
//! public API. The tables of Hanoi are compiled in; a folder with the same tables does as well.
//!
//! Knows no journal and no database. Importing again records nothing: the id of each command follows from what it says.

pub mod batch;
mod commands;
mod import;
mod tables;

pub use batch::Batches;
pub(crate) use commands::{brand_owner, pieces, runs};
pub use commands::{commands, lead_code, organization_code};
pub use import::{ImportError, Refused, Report, import};
pub use tables::{Chain, ChainProduct, District, Product, Site, TableError, Tables, Target};
