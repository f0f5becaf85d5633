//! `chuoi import`: rows of a table that people keep become commands, each recorded once however often the file is brought again.
//!
//! In the order of a row's life: `sheet` reads it from the file, `columns` says what each cell is, `format` reads numbers and days,
//! `rows` makes commands of them, `run` tries or records those and says of each bad row which cell is wrong and why.

pub mod columns;
pub mod format;
mod registry;
pub mod rows;
pub mod run;
pub mod sheet;
mod words;

pub use run::{Import, Report, bring, run};
