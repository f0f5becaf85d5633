//! The command side: takes commands over gRPC, decides them in one order, appends what they caused, and answers.
//!
//! Knows no SQL and nothing of the views. In the order of a command's life: [`service`] (parse → record → reply), [`recorder`]
//! (catch up → decide → group commit), [`ids`] (what is recorded under an id, for ever); [`refusals`] are kept beside it.

pub mod ids;
pub mod recorder;
pub mod refusals;
pub mod service;

pub use recorder::{Answer, Asked, Denied, Error, Recorder, Recording, Settings};
pub use service::service;
