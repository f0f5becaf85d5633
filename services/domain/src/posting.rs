//! Double entry: a quantity of one lot leaves one place and enters another. Conservation holds by construction.

use crate::id::{LotId, ShipmentId, SiteCode};
use crate::quantity::Milli;
use crate::time::{BusinessDay, TimeKey};
use std::fmt;

/// Where goods can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On a site.
    Site(SiteCode),
    /// On the road.
    Shipment(ShipmentId),
    /// Outside the book, for a reason: where goods come from and go to.
    Outside(Outside),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Site(site) => write!(f, "{site}"),
            Place::Shipment(shipment) => write!(f, "shipment {shipment}"),
            Place::Outside(reason) => write!(f, "outside({})", reason.as_str()),
        }
    }
}

macro_rules! outside {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// Why goods enter the book or leave it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Outside { $($(#[$doc])* $name),* }

        impl Outside {
            /// All of them.
            pub const ALL: &[Outside] = &[$(Outside::$name),*];

            /// Its name in tables and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Outside::$name => $text),* }
            }
        }
    };
}

outside! {
    /// Source: a harvest.
    Harvested = "harvested",
    /// Source: a transformation.
    Produced = "produced",
    /// Source: the opening balance of a site.
    Opening = "opening",
    /// Source: found in a count, or more than was sent.
    Found = "found",
    /// Source: received, and nobody logged the dispatch yet.
    Unmatched = "unmatched",
    /// Source: brought back by a consumer.
    Returned = "returned",
    /// Sink: sold to consumers.
    Sold = "sold",
    /// Sink: went into a transformation.
    Consumed = "consumed",
    /// Sink: lost on the road.
    Lost = "lost",
    /// Sink: missing in a count.
    Missing = "missing",
    /// Sink: destroyed, at the door or on somebody's order.
    Destroyed = "destroyed",
    /// Sink: spoiled before expiry.
    Spoiled = "spoiled",
    /// Sink: damaged.
    Damaged = "damaged",
    /// Sink: past its expiry day.
    Expired = "expired",
    /// Sink: taken as a sample.
    Sampled = "sampled",
    /// Sink: given away.
    Donated = "donated",
    /// Sink: lost to use for a reason that was not said.
    Wasted = "wasted",
}

/// A quantity of one lot that moves from one place to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Posting {
    /// The lot.
    pub lot: LotId,
    /// Place that it leaves.
    pub from: Place,
    /// Place that it enters.
    pub to: Place,
    /// How much; above zero.
    pub quantity: Milli,
    /// When.
    pub time: TimeKey,
    /// Whether it takes an earlier posting back: `from` and `to` are then those of that posting, exchanged, and it lies
    /// exactly where that posting lies in the order of a day.
    pub reversal: bool,
}

impl Posting {
    /// Business day on which it counts.
    pub fn day(&self) -> BusinessDay {
        self.time.day
    }

    /// The posting that takes this one back.
    pub fn reversed(self) -> Posting {
        Posting { from: self.to, to: self.from, reversal: !self.reversal, ..self }
    }
}
