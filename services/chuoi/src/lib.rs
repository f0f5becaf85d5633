//! The one binary. In the order in which a command goes through it: the command line, the settings, what runs; then the roles
//! and what they run on, what is played on them, the client commands; at last what is printed and how things fail.

pub mod cli;
pub mod config;
pub mod run;

pub mod doctor;
pub mod embedded;
pub mod init;
pub mod rebuild;
pub mod roles;
pub mod serve;
pub mod up;
pub mod verify;

pub mod import;
pub mod reference;
pub mod simulate;

pub mod client;

pub mod failure;
pub mod feed;
pub mod notify;
pub mod output;
pub mod progress;
pub mod webhooks;
pub mod words;

/// Commands and events are many small values: the default allocator took a quarter of the time of a rebuild.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
