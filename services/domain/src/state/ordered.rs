//! A small ordered list of keys and values, as compact as what it holds: most ledgers have two or three entries, and there are
//! millions of ledgers. Long ones are cut into blocks, so that a copy that changes one entry copies one block.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Entries of a block at most.
const BLOCK: usize = 64;

/// A list that short has no room to spare.
const SMALL: usize = 4;

/// Keys in order, with their values; equal keys in the order in which they came.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<(K, V)>", into = "Vec<(K, V)>", bound(serialize = "K: Clone + Serialize, V: Clone + Serialize"))]
pub struct Ordered<K, V> {
    /// None is empty, and keys ascend from block to block.
    blocks: Vec<Arc<Vec<(K, V)>>>,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Ordered { blocks: Vec::new() }
    }
}

/// Of keys in order.
impl<K, V> From<Vec<(K, V)>> for Ordered<K, V> {
    fn from(entries: Vec<(K, V)>) -> Self {
        let (mut blocks, mut entries) = (Vec::new(), entries.into_iter().peekable());
        while entries.peek().is_some() {
            blocks.push(Arc::new(entries.by_ref().take(BLOCK).collect()));
        }
        Ordered { blocks }
    }
}

impl<K: Clone, V: Clone> From<Ordered<K, V>> for Vec<(K, V)> {
    fn from(ordered: Ordered<K, V>) -> Self {
        ordered.blocks.iter().flat_map(|block| block.iter().cloned()).collect()
    }
}

impl<K: Ord + Clone, V: Clone> Ordered<K, V> {
    /// Everything, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &(K, V)> {
        self.blocks.iter().flat_map(|block| block.iter())
    }

    /// Its keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The last.
    pub fn last(&self) -> Option<&(K, V)> {
        self.blocks.last().and_then(|block| block.last())
    }

    /// Puts a value behind all of its key.
    pub fn push(&mut self, key: K, value: V) {
        let after = self.blocks.partition_point(|block| block.first().is_some_and(|(first, _)| *first <= key));
        let Some(block) = self.blocks.get_mut(after.saturating_sub(1)) else {
            self.blocks = vec![Arc::new(vec![(key, value)])];
            return;
        };
        let entries = Arc::make_mut(block);
        if entries.len() < SMALL {
            entries.reserve_exact(1);
        }
        entries.insert(entries.partition_point(|(known, _)| *known <= key), (key, value));
        if entries.len() > BLOCK {
            let rest = entries.split_off(BLOCK / 2);
            self.blocks.insert(after.max(1), Arc::new(rest));
        }
    }

    /// The value at a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        let (block, place) = self.find(key)?;
        Some(&self.blocks[block][place].1)
    }

    /// Puts a value in the place of the one at its key.
    pub fn set(&mut self, key: K, value: V) {
        match self.find(&key) {
            Some((block, place)) => Arc::make_mut(&mut self.blocks[block])[place].1 = value,
            None => self.push(key, value),
        }
    }

    /// The value at a key, to be changed; where there is none yet, the default.
    pub fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let (block, place) = match self.find(&key) {
            Some(found) => found,
            None => {
                self.push(key.clone(), V::default());
                // Just put there.
                self.find(&key).unwrap_or_default()
            }
        };
        &mut Arc::make_mut(&mut self.blocks[block])[place].1
    }

    /// Takes the value at a key out.
    pub fn remove(&mut self, key: &K) {
        let Some((block, place)) = self.find(key) else { return };
        let entries = Arc::make_mut(&mut self.blocks[block]);
        entries.remove(place);
        if entries.is_empty() {
            self.blocks.remove(block);
        }
    }

    fn find(&self, key: &K) -> Option<(usize, usize)> {
        let block = self.blocks.partition_point(|block| block.last().is_some_and(|(last, _)| last < key));
        let place = self.blocks.get(block)?.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        Some((block, place))
    }
}

#[cfg(test)]
mod tests {
    use super::Ordered;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Also where it is many blocks long, and where copies are held.
        #[test]
        fn it_is_a_sorted_list(keys in prop::collection::vec(0..2_000_u32, 0..600), kept in 0..600_usize) {
            let (mut ordered, mut plain) = (Ordered::default(), Vec::new());
            let mut copy = (Ordered::default(), Vec::new());
            for (at, key) in keys.iter().enumerate() {
                ordered.push(*key, at);
                plain.push((*key, at));
                plain.sort();
                if at == kept {
                    copy = (ordered.clone(), plain.clone());
                }
            }
            prop_assert!(ordered.iter().eq(plain.iter()));
            prop_assert!(ordered.iter().rev().eq(plain.iter().rev()));
            prop_assert_eq!(ordered.last(), plain.last());
            prop_assert!(Ordered::from(Vec::from(ordered)).iter().eq(plain.iter()));
            prop_assert!(copy.0.iter().eq(copy.1.iter()));
        }

        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..200_u32, 0..3_u8), 0..600)) {
            let (mut ordered, mut plain) = (Ordered::default(), BTreeMap::new());
            for (at, (key, what)) in steps.into_iter().enumerate() {
                match what {
                    0 => {
                        ordered.remove(&key);
                        plain.remove(&key);
                    }
                    1 => {
                        ordered.set(key, at);
                        plain.insert(key, at);
                    }
                    _ => {
                        *ordered.get_or_default(key) += 1;
                        *plain.entry(key).or_default() += 1;
                    }
                }
                prop_assert_eq!(ordered.get(&key), plain.get(&key));
            }
            prop_assert!(ordered.iter().map(|(key, value)| (key, value)).eq(plain.iter()));
        }
    }
}
