//! Random numbers that are the same for the same seed on every machine: whole numbers from ChaCha, never a float.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use uuid::{Builder, Uuid};

/// A source of random numbers.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The numbers of a run (by its name) and one day of it.
    pub fn new(run: Uuid, day: i32) -> Dice {
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(run.as_bytes());
        seed[16..20].copy_from_slice(&day.to_le_bytes());
        Dice(ChaCha8Rng::from_seed(seed))
    }

    /// Other numbers of the same run and day: what is drawn of these changes nothing of those.
    pub fn apart(&self) -> Dice {
        let mut other = self.0.clone();
        other.set_stream(1);
        other.set_word_pos(0);
        Dice(other)
    }

    /// From 0 to below a number; 0 if it is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The product's upper half: as even as the simulation needs, and free of divisions.
        let scaled = (u128::from(self.0.next_u64()) * end as u128) >> 64;
        scaled as usize
    }

    /// From least to most, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let width = usize::try_from(most - least).unwrap_or(0) + 1;
        least + self.below(width) as i64
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, permille: usize) -> bool {
        self.below(1_000) < permille
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let at = self.below(of.len());
        of.get(at)
    }

    /// Puts them in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.below(at + 1);
            items.swap(at, other);
        }
    }

    /// A UUIDv7 of some second.
    pub fn id(&mut self, seconds: i64) -> Uuid {
        let mut random = [0; 10];
        self.0.fill_bytes(&mut random);
        Builder::from_unix_timestamp_millis(u64::try_from(seconds).unwrap_or(0) * 1_000, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other numbers would be other commands under the same ids.
    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut dice = Dice::new(Uuid::from_u128(7), 20_000);
        let drawn: Vec<usize> = (0..6).map(|_| dice.below(1_000)).collect();
        assert_eq!(drawn, [322, 893, 801, 657, 529, 670]);
        assert_eq!(dice.id(1_700_000_000).to_string(), "018bcfe5-6800-70a4-9ba1-b0965b03e0b0");
        assert_ne!((0..6).map(|_| Dice::new(Uuid::from_u128(7), 20_000).apart().below(1_000)).collect::<Vec<_>>(), drawn);
        assert!((0..1_000).all(|_| (3..=5).contains(&dice.between(3, 5))));
    }
}
