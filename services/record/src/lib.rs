//! The command side: takes commands over gRPC, decides them in one order, appends what they caused, and answers.
//!
//! Knows no SQL and nothing of the views. In the order of a command's life: [`service`] (parse → record → reply), [`recorder`]
//! (catch up → decide → group commit), [`store`] (what need not be in memory); [`refusals`] are kept beside it. A dry run
//! (`trial`) decides on a copy and appends nothing.

pub mod recorder;
pub mod refusals;
pub mod service;
pub mod store;
mod trial;

pub use recorder::{Answer, Asked, Denied, Error, Recorder, Recording, Settings};
pub use service::service;
