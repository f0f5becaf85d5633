//! Lots that may not move on: held, released, recalled, and who has heard of it. None of it moves goods.

use crate::id::{CommandRef, LotId, SiteCode};
use jiff::Timestamp;

/// Lots may not move on, until they are released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub lots: Vec<LotId>,
    /// At one site; none for wherever they are.
    pub site: Option<SiteCode>,
    /// Why, as typed.
    pub reason: Box<str>,
}

/// A hold or recall is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// The command that held or recalled.
    pub block: CommandRef,
    /// Which of its lots; empty for all. A recall is lifted as a whole.
    pub lots: Vec<LotId>,
    /// Why, as typed.
    pub reason: Box<str>,
}

/// Who made a recall necessary (Circular 17/2021/TT-BNNPTNT knows both).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecallForm {
    /// The producer recalls by itself.
    Voluntary,
    /// The authority orders it.
    Compulsory,
}

/// Lots and everything made of them, now and later, may not move on and are called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// Which.
    pub lots: Vec<LotId>,
    /// Who made it necessary.
    pub form: RecallForm,
    /// Why, as typed.
    pub reason: Box<str>,
    /// Number of the decision.
    pub decision: Option<Box<str>>,
    /// Until when every site that holds some has to say that it has heard.
    pub acknowledge_by: Option<Timestamp>,
}

/// A site has heard of a recall and set aside what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecallAcknowledged {
    /// The command that recalled.
    pub recall: CommandRef,
    /// Which site.
    pub site: SiteCode,
}
