//! The rules of the trade: what may be recorded, and what follows from it.
//!
//! Knows no IO, clock, randomness, protobuf, NATS or SQL. In the order of an event's life: the values that cannot be wrong, the
//! facts and their postings, the commands with their rules, the refusals, and the state that deciding looks at.

pub mod quantity;
pub mod unit;

pub mod id;
pub mod text;
pub mod time;

pub mod entry;
pub mod event;
pub mod posting;

pub mod command;
pub mod refusal;
pub mod repetition;
pub mod state;

pub mod typed;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod stories_registry;
#[cfg(test)]
mod stories_trade;
#[cfg(test)]
mod world;
