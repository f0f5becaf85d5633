//! Holds and recalls, and which lots they reach: those that they name, and for a recall everything made of them, through any
//! depth, whenever it was made.

use super::State;
use crate::event::{Event, Fact};
use crate::id::{CommandRef, LotId, SiteCode};
use crate::state::KnownLot;
use crate::time::EventTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What keeps lots from moving on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockKind {
    /// Held until it is known more.
    Held,
    /// Called back, with everything made of it.
    Recalled,
}

impl BlockKind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            BlockKind::Held => "held",
            BlockKind::Recalled => "recalled",
        }
    }
}

/// A hold or recall, named by the command that said it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockKey(pub CommandRef);

/// When something was released, and by which command.
pub type Release = (EventTime, CommandRef);

/// A hold or recall.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Block {
    /// Which of both.
    pub kind: BlockKind,
    /// From when.
    pub since: EventTime,
    /// At which site alone.
    pub site: Option<SiteCode>,
    /// Why.
    pub reason: Box<str>,
    /// Lots that it names, each with its release.
    pub lots: BTreeMap<LotId, Option<Release>>,
    /// Whether it was recorded in error.
    pub is_voided: bool,
}

impl Block {
    /// Whether a lot that it reaches may not move on from a site at a time. What is known to the day alone is held for all of it.
    pub fn binds(&self, lot: LotId, time: &EventTime, is_there: impl Fn(&SiteCode) -> bool) -> bool {
        if self.is_voided || time.surely_before(&self.since) || self.site.as_ref().is_some_and(|site| !is_there(site)) {
            return false;
        }
        // What was made of a recalled lot goes with the recall as a whole.
        let release = self.lots.get(&lot).or_else(|| self.lots.values().next());
        !matches!(release, Some(Some((at, _))) if !time.surely_before(at))
    }
}

impl State {
    /// A hold or recall, by the command that said it.
    pub fn block(&self, by: &CommandRef) -> Option<Arc<Block>> {
        self.known_block(by).filter(|block| !block.is_voided)
    }

    /// The same, also where it was recorded in error.
    fn known_block(&self, by: &CommandRef) -> Option<Arc<Block>> {
        self.blocks.get(&BlockKey(by.clone()))
    }

    /// Holds and recalls that reach a lot, over or not.
    pub fn blocks_of(&self, lot: &KnownLot) -> Vec<(CommandRef, Arc<Block>)> {
        lot.blocked_by.iter().filter_map(|by| Some((by.clone(), self.block(by)?))).collect()
    }

    pub(super) fn note_block(&mut self, kind: BlockKind, by: &CommandRef, event: &Event, holds: bool) {
        let (lots, site, reason) = match &event.fact {
            Fact::Held(held) => (&held.lots, held.site.clone(), &held.reason),
            Fact::Recalled(recalled) => (&recalled.lots, None, &recalled.reason),
            _ => return,
        };
        let lots: BTreeSet<LotId> = lots.iter().copied().collect();
        let new = || {
            let (lots, reason) = (lots.iter().map(|lot| (*lot, None)).collect(), reason.clone());
            Arc::new(Block { kind, since: event.time.clone(), site, reason, lots, is_voided: false })
        };
        Arc::make_mut(self.blocks.get_or_insert_with(BlockKey(by.clone()), new)).is_voided = !holds;
        for lot in lots.into_iter().filter(|_| holds) {
            match kind {
                BlockKind::Held => {
                    self.mark(lot, by);
                }
                BlockKind::Recalled => self.reach(lot, by),
            }
        }
    }

    pub(super) fn note_released(&mut self, block: &CommandRef, lots: &[LotId], by: &CommandRef, time: &EventTime, holds: bool) {
        let Some(block) = self.blocks.get_mut(&BlockKey(block.clone())) else { return };
        for (lot, release) in &mut Arc::make_mut(block).lots {
            let is_own = release.as_ref().is_some_and(|(_, released)| released == by);
            if lots.is_empty() || lots.contains(lot) {
                match (holds, &release) {
                    (true, None) => *release = Some((time.clone(), by.clone())),
                    (false, Some(_)) if is_own => *release = None,
                    _ => {}
                }
            }
        }
    }

    /// What a lot was made of, or that it was not.
    pub(super) fn note_descent(&mut self, inputs: &[LotId], output: LotId, holds: bool) {
        for input in inputs.iter().copied().collect::<BTreeSet<LotId>>() {
            let Some(parent) = self.lots.get_mut(&input) else { continue };
            let parent = Arc::make_mut(parent);
            parent.children.retain(|child| *child != output);
            if holds {
                parent.children.push(output);
            }
        }
        let Some(known) = self.lots.get_mut(&output) else { return };
        let known = Arc::make_mut(known);
        known.parents.clear();
        if holds {
            known.parents.extend(inputs.iter().copied().collect::<BTreeSet<LotId>>());
            self.inherit(output);
        } else {
            self.forget_inherited(output);
        }
    }

    /// A lot is born recalled where something that it is made of is.
    fn inherit(&mut self, lot: LotId) {
        let Some(known) = self.lots.get(&lot) else { return };
        let parents: Vec<_> = known.parents.iter().filter_map(|parent| self.lots.get(parent)).collect();
        for by in parents.iter().flat_map(|parent| &parent.blocked_by).collect::<BTreeSet<_>>() {
            if self.known_block(by).is_some_and(|block| block.kind == BlockKind::Recalled) {
                self.reach(lot, by);
            }
        }
    }

    /// Marks a lot and everything made of it. Ends also where lots were made of each other in a circle.
    fn reach(&mut self, lot: LotId, by: &CommandRef) {
        let mut next = vec![lot];
        while let Some(lot) = next.pop() {
            if self.mark(lot, by) {
                next.extend(self.lots.get(&lot).iter().flat_map(|known| known.children.iter().copied()));
            }
        }
    }

    /// Whether that is new.
    fn mark(&mut self, lot: LotId, by: &CommandRef) -> bool {
        let Some(known) = self.lots.get_mut(&lot) else { return false };
        let is_new = !known.blocked_by.contains(by);
        if is_new {
            Arc::make_mut(known).blocked_by.push(by.clone());
        }
        is_new
    }

    /// A lot was not made of what was said: what it and everything made of it had from there is found anew.
    fn forget_inherited(&mut self, lot: LotId) {
        let (mut descendants, mut next) = (BTreeSet::new(), vec![lot]);
        while let Some(lot) = next.pop() {
            if descendants.insert(lot) {
                next.extend(self.lots.get(&lot).iter().flat_map(|known| known.children.iter().copied()));
            }
        }
        for lot in &descendants {
            let Some(known) = self.lots.get(lot) else { continue };
            let names_it = |by: &&CommandRef| self.known_block(by).is_some_and(|block| block.lots.contains_key(lot));
            let own: Vec<CommandRef> = known.blocked_by.iter().filter(names_it).cloned().collect();
            if own.len() != known.blocked_by.len()
                && let Some(known) = self.lots.get_mut(lot)
            {
                Arc::make_mut(known).blocked_by = own;
            }
        }
        for lot in descendants {
            self.inherit(lot);
            let Some(known) = self.lots.get(&lot) else { continue };
            for by in &known.blocked_by {
                for child in &known.children {
                    if self.known_block(by).is_some_and(|block| block.kind == BlockKind::Recalled) {
                        self.reach(*child, by);
                    }
                }
            }
        }
    }
}
