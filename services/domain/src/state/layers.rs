//! A map in two layers. What stood before lies below, as compact as a map is and shared by all clones; what changed since lies
//! above, where a clone copies little. So a group of commands is decided on a copy, and the journal is folded in place.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// A map whose entries come and change, and never go.
#[derive(Clone, Debug)]
pub struct Layers<K, V> {
    below: Arc<HashMap<K, V>>,
    above: imbl::HashMap<K, V>,
}

impl<K, V> Default for Layers<K, V> {
    fn default() -> Self {
        Layers { below: Arc::default(), above: imbl::HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Layers<K, V> {
    /// The value at a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.above.get(key).or_else(|| self.below.get(key))
    }

    /// Whether there is a value at a key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// The value at a key, to be changed; where there is none yet, that of `new`.
    pub fn get_or_insert_with(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        if self.is_flat() {
            return Arc::make_mut(&mut self.below).entry(key).or_insert_with(new);
        }
        let below = &self.below;
        match self.above.entry(key) {
            imbl::hashmap::Entry::Occupied(entry) => entry.into_mut(),
            imbl::hashmap::Entry::Vacant(entry) => {
                let value = below.get(entry.key()).cloned().unwrap_or_else(new);
                entry.insert(value)
            }
        }
    }

    /// The value at a key, to be changed, if there is one.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let value = self.get(key)?.clone();
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

    /// Everything, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.below.iter().filter(|(key, _)| !self.above.contains_key(*key)).chain(self.above.iter())
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
}

#[cfg(test)]
mod tests {
    use super::Layers;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Copies that go their own ways, flattened now and then, are each the map that its own changes make.
        #[test]
        fn copies_do_not_see_each_other(steps in prop::collection::vec((0..3_usize, 0..20_u8, 0..4_u8), 1..80)) {
            let mut copies = vec![(Layers::default(), HashMap::new()); 3];
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
                    prop_assert_eq!(&layers.iter().map(|(key, value)| (*key, *value)).collect::<HashMap<_, _>>(), plain);
                    prop_assert!((0..20).all(|key| layers.get(&key) == plain.get(&key)));
                }
            }
        }
    }
}
