//! A map in layers. What stood before lies below, shared by all clones; what changed since lies above, where a clone copies
//! little. So a group of commands is decided on a copy, and the journal is folded in place. Below both, what was put away lies on
//! a shelf, so that memory holds what changed lately and not what ever was.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Bound;
use std::sync::Arc;

/// What was put away, by key. Reading it may fail: then it answers as if it held nothing, and whoever holds the shelf has to ask it
/// before anything that was concluded is used.
pub trait Shelf<K, V>: Debug + Send + Sync {
    /// The value at a key.
    fn get(&self, key: &K) -> Option<V>;
    /// Everything from a key on, in order, as long as its key belongs.
    fn range(&self, from: &K, belongs: &dyn Fn(&K) -> bool) -> Vec<(K, V)>;
}

/// A map whose entries come and change, and never go.
#[derive(Clone, Debug)]
pub struct Layers<K: Ord, V> {
    shelf: Option<Arc<dyn Shelf<K, V>>>,
    /// What changed last before what lies below: it is on the shelf, or on its way there.
    leaving: Arc<BTreeMap<K, V>>,
    below: Arc<BTreeMap<K, V>>,
    above: imbl::OrdMap<K, V>,
}

impl<K: Ord + Clone, V: Clone> Default for Layers<K, V> {
    fn default() -> Self {
        Layers { shelf: None, leaving: Arc::default(), below: Arc::default(), above: imbl::OrdMap::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Layers<K, V> {
    /// The value at a key.
    pub fn get(&self, key: &K) -> Option<V> {
        self.above.get(key).or_else(|| self.below.get(key)).cloned().or_else(|| self.away(key))
    }

    /// What is put away, or on its way.
    fn away(&self, key: &K) -> Option<V> {
        self.leaving.get(key).cloned().or_else(|| self.shelf.as_ref()?.get(key))
    }

    /// The value at a key, to be changed; where there is none yet, that of `new`.
    pub fn get_or_insert_with(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        let is_flat = self.is_flat();
        // Looked up first: the borrow checker sees no further than a match.
        let known = if is_flat { self.below.contains_key(&key) } else { self.above.contains_key(&key) };
        let value = match known {
            true => None,
            false => Some(self.get(&key).unwrap_or_else(new)),
        };
        match (is_flat, value) {
            (true, Some(value)) => Arc::make_mut(&mut self.below).entry(key).or_insert(value),
            (false, Some(value)) => self.above.entry(key).or_insert(value),
            (true, None) => match Arc::make_mut(&mut self.below).get_mut(&key) {
                Some(value) => value,
                None => unreachable!("it was there a moment ago"),
            },
            (false, None) => match self.above.get_mut(&key) {
                Some(value) => value,
                None => unreachable!("it was there a moment ago"),
            },
        }
    }

    /// The value at a key, to be changed, if there is one.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let value = self.get(key)?;
        Some(self.get_or_insert_with(key.clone(), || value))
    }

    /// Puts a value at a key.
    pub fn insert(&mut self, key: K, value: V) {
        if self.is_flat() {
            Arc::make_mut(&mut self.below).insert(key, value);
        } else {
            self.above.insert(key, value);
        }
    }

    /// Everything from a key on, in order, as long as its key belongs.
    pub fn range(&self, from: &K, belongs: impl Fn(&K) -> bool) -> BTreeMap<K, V> {
        let mut all: BTreeMap<K, V> = self.shelf.iter().flat_map(|shelf| shelf.range(from, &belongs)).collect();
        let bounds = (Bound::Included(from), Bound::Unbounded);
        for layer in [&self.leaving, &self.below] {
            let here = layer.range::<K, _>(bounds).take_while(|(key, _)| belongs(key));
            all.extend(here.map(|(key, value)| (key.clone(), value.clone())));
        }
        let above = self.above.range::<_, K>((Bound::Included(from), Bound::Unbounded));
        all.extend(above.take_while(|(key, _)| belongs(key)).map(|(key, value)| (key.clone(), value.clone())));
        all
    }

    /// Everything that is in memory, in no order: everything at all where nothing is put away.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let leaving = self.leaving.iter().filter(|(key, _)| !self.below.contains_key(*key) && !self.above.contains_key(*key));
        leaving.chain(self.below.iter().filter(|(key, _)| !self.above.contains_key(*key))).chain(self.above.iter())
    }

    /// Whether nobody else holds the lower layer, and nothing lies above it: it may be changed in place.
    fn is_flat(&mut self) -> bool {
        self.above.is_empty() && Arc::get_mut(&mut self.below).is_some()
    }

    /// Puts what lies above into the lower layer, unless somebody else holds that too.
    pub fn flatten(&mut self) {
        if let Some(below) = Arc::get_mut(&mut self.below) {
            below.extend(std::mem::take(&mut self.above));
        }
    }

    /// Lays everything upon a shelf.
    pub fn rest_on(&mut self, shelf: Arc<dyn Shelf<K, V>>) {
        self.shelf = Some(shelf);
    }

    /// Takes what changed since the last time off the memory. Whoever calls puts it on the shelf, and does not call again before it
    /// is there: until then it is found here.
    pub fn put_away(&mut self) -> Arc<BTreeMap<K, V>> {
        self.flatten();
        self.leaving = std::mem::take(&mut self.below);
        Arc::clone(&self.leaving)
    }

    /// How many entries have changed since something was last put away.
    pub fn changed(&self) -> usize {
        self.below.len() + self.above.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Layers, Shelf};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    /// A shelf of clones.
    #[derive(Debug, Default)]
    struct Drawer(Mutex<BTreeMap<u8, u32>>);

    impl Shelf<u8, u32> for Drawer {
        fn get(&self, key: &u8) -> Option<u32> {
            self.0.lock().unwrap().get(key).copied()
        }

        fn range(&self, from: &u8, belongs: &dyn Fn(&u8) -> bool) -> Vec<(u8, u32)> {
            self.0.lock().unwrap().range(from..).take_while(|(key, _)| belongs(key)).map(|(key, value)| (*key, *value)).collect()
        }
    }

    proptest! {
        /// Copies that go their own ways, flattened now and then, are each the map that its own changes make.
        #[test]
        fn copies_do_not_see_each_other(steps in prop::collection::vec((0..3_usize, 0..20_u8, 0..4_u8), 1..80)) {
            let mut copies = vec![(Layers::default(), BTreeMap::new()); 3];
            for (copy, key, what) in steps {
                match what {
                    0 => {
                        let other = copies[(copy + 1) % 3].clone();
                        copies[copy] = other;
                    }
                    1 => copies[copy].0.flatten(),
                    2 => {
                        let (layers, plain) = &mut copies[copy];
                        layers.insert(key, 1_000);
                        plain.insert(key, 1_000);
                    }
                    _ => {
                        let (layers, plain) = &mut copies[copy];
                        *layers.get_or_insert_with(key, || 0) += 1;
                        *plain.entry(key).or_insert(0) += 1;
                    }
                }
                for (layers, plain) in &copies {
                    prop_assert_eq!(&layers.iter().map(|(key, value)| (*key, *value)).collect::<BTreeMap<_, _>>(), plain);
                    prop_assert!((0..20).all(|key| layers.get(&key).as_ref() == plain.get(&key)));
                }
            }
        }

        /// What is put away, in memory or on its way, on a copy that is kept or dropped, is found all the same.
        #[test]
        fn what_is_put_away_is_found(steps in prop::collection::vec((0..20_u8, 0..5_u8), 1..120)) {
            let drawer = Arc::new(Drawer::default());
            let mut layers = Layers::default();
            layers.rest_on(Arc::clone(&drawer) as Arc<dyn Shelf<u8, u32>>);
            let (mut plain, mut on_its_way) = (BTreeMap::new(), Arc::<BTreeMap<u8, u32>>::default());
            for (key, what) in steps {
                match what {
                    0 => {
                        // Those of before arrive, and the next leave.
                        drawer.0.lock().unwrap().extend(std::mem::take(&mut on_its_way).iter().map(|(key, value)| (*key, *value)));
                        on_its_way = layers.put_away();
                        prop_assert_eq!(layers.changed(), 0);
                    }
                    1 => {
                        let mut dropped = layers.clone();
                        *dropped.get_or_insert_with(key, || 0) += 7;
                    }
                    2 => {
                        let mut kept = layers.clone();
                        *kept.get_or_insert_with(key, || 0) += 7;
                        *plain.entry(key).or_insert(0) += 7;
                        layers = kept;
                        layers.flatten();
                    }
                    _ => {
                        *layers.get_or_insert_with(key, || 0) += 1;
                        *plain.entry(key).or_insert(0) += 1;
                    }
                }
                prop_assert!((0..20).all(|key| layers.get(&key).as_ref() == plain.get(&key)));
                let all = layers.range(&5, |key| *key < 15);
                prop_assert_eq!(all, plain.range(5..15).map(|(key, value)| (*key, *value)).collect::<BTreeMap<_, _>>());
            }
        }
    }
}
