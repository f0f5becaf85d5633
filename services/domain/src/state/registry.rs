//! The registry as deciding looks at it: who and what is known on a day, and how people name it. Rule 10 lives here.

use super::programme::Programme;
use crate::event::registry::{
    Chain, District, DuplicateMerged, Member, NumberAttached, NumberDetached, Organization, Product, RegistryFact, Retirement,
    Site, ThingRef,
};
use crate::id::{ChainCode, DistrictCode, OrganizationCode, ProductCode, SiteCode};
use crate::refusal::Refusal;
use crate::text;
use crate::time::BusinessDay;
use imbl::{OrdMap, OrdSet, Vector};
use std::sync::Arc;

/// Something that the registry knows under a code and a name.
pub trait Thing: Clone {
    /// Type of its code.
    type Code: Clone + Ord + std::fmt::Display;
    /// What it is called in a refusal.
    const WHAT: &'static str;
    /// Its code.
    fn code(&self) -> &Self::Code;
    /// Its name.
    fn name(&self) -> &str;
    /// Its GLN or GTIN, as registered.
    fn number(&self) -> Option<&str>;
    /// Digits of such a number.
    const DIGITS: usize;
    /// Reads its code.
    fn parse_code(text: &str) -> Option<Self::Code>;
}

macro_rules! thing {
    ($type:ty, $code:ty, $what:literal, $digits:literal, $number:expr) => {
        impl Thing for $type {
            type Code = $code;
            const WHAT: &'static str = $what;
            fn code(&self) -> &Self::Code {
                &self.code
            }
            fn name(&self) -> &str {
                &self.name
            }
            const DIGITS: usize = $digits;
            fn number(&self) -> Option<&str> {
                let number: fn(&$type) -> Option<&str> = $number;
                number(self)
            }
            fn parse_code(text: &str) -> Option<Self::Code> {
                <$code>::parse(text).ok()
            }
        }
    };
}
thing!(District, DistrictCode, "district", 13, |_| None);
thing!(Organization, OrganizationCode, "organization", 13, |it| it.gln.as_deref());
thing!(Site, SiteCode, "site", 13, |it| it.gln.as_deref());
thing!(Product, ProductCode, "product", 14, |it| it.gtin.as_deref());
thing!(Chain, ChainCode, "chain", 13, |_| None);

/// What was said for days on; of one day the last said holds.
#[derive(Clone, Debug)]
pub(super) struct Dated<V: Clone>(Vector<(BusinessDay, V)>);

impl<V: Clone> Default for Dated<V> {
    fn default() -> Self {
        Dated(Vector::new())
    }
}

impl<V: Clone> Dated<V> {
    pub(super) fn say(&mut self, from: BusinessDay, value: V) {
        let at = self.0.iter().take_while(|(day, _)| *day <= from).count();
        self.0.insert(at, (from, value));
    }

    pub(super) fn on(&self, day: BusinessDay) -> Option<&(BusinessDay, V)> {
        self.0.iter().rev().find(|(from, _)| *from <= day)
    }

    fn first(&self) -> Option<&(BusinessDay, V)> {
        self.0.front()
    }

    pub(super) fn last(&self) -> Option<&(BusinessDay, V)> {
        self.0.last()
    }

    /// What holds on a day and what is said for later days.
    fn from(&self, day: BusinessDay) -> impl Iterator<Item = &(BusinessDay, V)> {
        self.on(day).into_iter().chain(self.0.iter().filter(move |(from, _)| *from > day))
    }
}

/// All things of a kind, each as known from its days on. A code that was merged into another stands for that one everywhere.
#[derive(Clone, Debug)]
pub struct Book<T: Thing> {
    versions: OrdMap<T::Code, Dated<Arc<T>>>,
    /// What a GLN or GTIN names; none where it was detached.
    numbers: OrdMap<String, Dated<Option<T::Code>>>,
    names: OrdMap<String, OrdSet<T::Code>>,
    retired: OrdMap<T::Code, Dated<bool>>,
    /// What became of the codes of duplicates: each stands here with the end of its chain of merges.
    survivors: OrdMap<T::Code, T::Code>,
    duplicates: OrdMap<T::Code, OrdSet<T::Code>>,
}

impl<T: Thing> Default for Book<T> {
    fn default() -> Self {
        Book {
            versions: OrdMap::new(),
            numbers: OrdMap::new(),
            names: OrdMap::new(),
            retired: OrdMap::new(),
            survivors: OrdMap::new(),
            duplicates: OrdMap::new(),
        }
    }
}

impl<T: Thing> Book<T> {
    /// Enters a thing as known from a day on; what was said last for a day holds. Its names and numbers of before still find it.
    pub fn enter(&mut self, from: BusinessDay, thing: &T) {
        if let Some(number) = thing.number() {
            self.attach(from, number, Some(thing.code().clone()));
        }
        self.names.entry(text::fold(thing.name())).or_default().insert(thing.code().clone());
        self.versions.entry(thing.code().clone()).or_default().say(from, Arc::new(thing.clone()));
    }

    fn attach(&mut self, from: BusinessDay, number: &str, code: Option<T::Code>) {
        self.numbers.entry(number.to_owned()).or_default().say(from, code);
    }

    fn retire(&mut self, from: BusinessDay, code: &T::Code, is_retired: bool) {
        self.retired.entry(code.clone()).or_default().say(from, is_retired);
    }

    fn merge(&mut self, duplicate: &T::Code, survivor: &T::Code) {
        let survivor = self.survivor(survivor).clone();
        let mut codes = self.duplicates.remove(duplicate).unwrap_or_default();
        codes.insert(duplicate.clone());
        for code in &codes {
            self.survivors.insert(code.clone(), survivor.clone());
        }
        self.duplicates.entry(survivor).or_default().extend(codes);
    }

    /// The code that a code stands for: itself, or the end of its chain of merges.
    pub fn survivor<'a>(&'a self, code: &'a T::Code) -> &'a T::Code {
        self.survivors.get(code).unwrap_or(code)
    }

    /// Whether two codes stand for one thing.
    pub fn same(&self, one: &T::Code, other: &T::Code) -> bool {
        self.survivor(one) == self.survivor(other)
    }

    /// The codes merged into a thing, whichever of its codes is given.
    pub fn duplicates(&self, code: &T::Code) -> OrdSet<T::Code> {
        self.duplicates.get(self.survivor(code)).cloned().unwrap_or_default()
    }

    /// All codes of a thing: the survivor's, then those of its duplicates.
    pub fn codes(&self, code: &T::Code) -> Vec<T::Code> {
        std::iter::once(self.survivor(code).clone()).chain(self.duplicates(code)).collect()
    }

    /// The day since which a thing is retired, if it is on a day.
    pub fn retired_since(&self, code: &T::Code, day: BusinessDay) -> Option<BusinessDay> {
        let (since, retired) = self.retired.get(self.survivor(code))?.on(day)?;
        retired.then_some(*since)
    }

    /// Whether the code itself was ever registered.
    pub fn knows(&self, code: &T::Code) -> bool {
        self.versions.contains_key(code)
    }

    /// The thing as known last.
    pub fn latest(&self, code: &T::Code) -> Option<&Arc<T>> {
        self.versions.get(self.survivor(code)).and_then(Dated::last).map(|(_, thing)| thing)
    }

    /// The thing as known on a day. What one of its duplicates was known for holds for the survivor, which it ever was.
    pub fn on(&self, code: &T::Code, day: BusinessDay) -> Option<&Arc<T>> {
        let versions = self.versions.get(self.survivor(code))?;
        let known = versions.on(day).or_else(|| {
            let known = |code: &T::Code| self.versions.get(code).is_some_and(|versions| versions.on(day).is_some());
            self.duplicates(code).iter().any(known).then(|| versions.first()).flatten()
        });
        known.map(|(_, thing)| thing)
    }

    /// The code that a GLN or GTIN stands for on a day; before its first day it already names what it names first.
    pub fn by_number(&self, number: &str, day: BusinessDay) -> Option<&T::Code> {
        // A GTIN may be read with 13 digits where the registry keeps 14.
        let padded = format!("{number:0>14}");
        let said = self.numbers.get(number).or_else(|| self.numbers.get(&padded))?;
        let code = said.on(day).or_else(|| said.first())?.1.as_ref()?;
        Some(self.survivor(code))
    }

    /// Another thing that has a number on a day, or will have it.
    pub fn other_holder(&self, number: &str, day: BusinessDay, code: &T::Code) -> Option<(BusinessDay, &T::Code)> {
        let mut said = self.numbers.get(number)?.from(day);
        said.find_map(|(from, holder)| holder.as_ref().filter(|holder| !self.same(holder, code)).map(|holder| (*from, holder)))
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.versions.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Finds a thing by code, GLN or GTIN, or name, as known on a day.
    pub fn find(&self, field: &str, given: &str, day: BusinessDay) -> Result<Arc<T>, Refusal> {
        let code = self.find_code(field, given, day)?;
        self.on(&code, day).cloned().ok_or_else(|| Refusal::NotYetKnown {
            field: field.to_owned(),
            what: T::WHAT,
            value: code.to_string(),
            from: self.versions.get(&code).and_then(Dated::first).map_or(day, |(from, _)| *from),
            day,
        })
    }

    fn find_code(&self, field: &str, given: &str, day: BusinessDay) -> Result<T::Code, Refusal> {
        let trimmed = given.trim();
        if trimmed.is_empty() {
            let problem = format!("is empty; give the code, number or name of a {}", T::WHAT);
            return Err(Refusal::Malformed { field: field.to_owned(), problem });
        }
        if let Some(code) = T::parse_code(trimmed).filter(|code| self.knows(code)) {
            return Ok(self.survivor(&code).clone());
        }
        if let Some(code) = self.by_number(trimmed, day) {
            return Ok(code.clone());
        }
        let named = self.names.get(&text::fold(given)).cloned().unwrap_or_default();
        let exact = text::nfc(given).to_lowercase();
        let is_exact = |code: &&T::Code| {
            self.versions.get(*code).and_then(Dated::last).is_some_and(|(_, thing)| thing.name().to_lowercase() == exact)
        };
        let survivors = |codes: &mut dyn Iterator<Item = &T::Code>| -> OrdSet<T::Code> {
            codes.map(|code| self.survivor(code).clone()).collect()
        };
        let marked = survivors(&mut named.iter().filter(is_exact));
        let fits = survivors(&mut named.iter());
        match (fits.get_min(), fits.len(), marked.get_min(), marked.len()) {
            (None, ..) => Err(self.unknown(field, given)),
            (_, _, Some(one), 1) | (Some(one), 1, ..) => Ok(one.clone()),
            _ => Err(Refusal::Ambiguous {
                field: field.to_owned(),
                what: T::WHAT,
                value: given.to_owned(),
                candidates: fits.iter().map(|code| self.describe(code)).collect(),
            }),
        }
    }

    /// Code and name, for people.
    pub fn describe(&self, code: &T::Code) -> String {
        self.latest(code).map_or_else(|| code.to_string(), |thing| format!("{} ({})", thing.code(), thing.name()))
    }

    fn unknown(&self, field: &str, given: &str) -> Refusal {
        let folded = text::fold(given);
        let code_like = given.trim().to_uppercase();
        let by_name = self.names.iter().flat_map(|(name, codes)| {
            let score = text::likeness(&folded, name);
            codes.iter().map(move |code| (score, code))
        });
        let by_code = self.versions.keys().map(|code| (text::likeness(&code_like, &code.to_string()), code));
        let nearest = text::nearest(by_name.chain(by_code), 0.8);
        Refusal::Unknown {
            field: field.to_owned(),
            what: T::WHAT,
            value: given.to_owned(),
            nearest: nearest.into_iter().map(|code| self.describe(code)).collect(),
        }
    }
}

/// Everything that the registry knows.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Administrative units.
    pub districts: Book<District>,
    /// Organizations.
    pub organizations: Book<Organization>,
    /// Sites.
    pub sites: Book<Site>,
    /// Product kinds.
    pub products: Book<Product>,
    /// Chains.
    pub chains: Book<Chain>,
    /// Per member and chain, from which day on it belongs (or no longer).
    members: OrdMap<Member, OrdMap<ChainCode, Dated<bool>>>,
    /// What is certified and graded, and how sites stand.
    pub programme: Programme,
    /// Who owns a GTIN: one organization for ever.
    brand_owners: OrdMap<String, OrganizationCode>,
}

impl Registry {
    /// Applies a fact that holds from a day on.
    pub fn evolve(&mut self, from: BusinessDay, fact: &RegistryFact) {
        match fact {
            RegistryFact::District(district) => self.districts.enter(from, district),
            RegistryFact::Organization(organization) => self.organizations.enter(from, organization),
            RegistryFact::Site(site) => self.sites.enter(from, site),
            RegistryFact::Product(product) => {
                self.products.enter(from, product);
                self.own(product.gtin.as_deref(), product.brand_owner.as_ref());
            }
            RegistryFact::Chain(chain) => self.chains.enter(from, chain),
            RegistryFact::MemberJoined(membership) => self.member(from, &membership.member, &membership.chain, true),
            RegistryFact::MemberLeft(membership) => self.member(from, &membership.member, &membership.chain, false),
            RegistryFact::Retired(Retirement { thing, .. }) => self.retire(from, thing, true),
            RegistryFact::Reinstated(Retirement { thing, .. }) => self.retire(from, thing, false),
            RegistryFact::NumberAttached(NumberAttached { thing, number, brand_owner, .. }) => {
                self.attach(from, thing, number, true);
                self.own(Some(number), brand_owner.as_ref());
            }
            RegistryFact::NumberDetached(NumberDetached { thing, number }) => self.attach(from, thing, number, false),
            RegistryFact::DuplicateMerged(DuplicateMerged { duplicate, survivor, .. }) => match (duplicate, survivor) {
                (ThingRef::Organization(duplicate), ThingRef::Organization(survivor)) => {
                    self.organizations.merge(duplicate, survivor)
                }
                (ThingRef::Site(duplicate), ThingRef::Site(survivor)) => self.sites.merge(duplicate, survivor),
                (ThingRef::Product(duplicate), ThingRef::Product(survivor)) => self.products.merge(duplicate, survivor),
                // Refused when it was decided: nothing follows from it.
                _ => {}
            },
            // Deciding never looks at a capacity: it is a measure, not a limit.
            RegistryFact::Capacity(_) => {}
            fact => self.programme.evolve(from, fact),
        }
    }

    fn retire(&mut self, from: BusinessDay, thing: &ThingRef, is_retired: bool) {
        match thing {
            ThingRef::Organization(code) => self.organizations.retire(from, code, is_retired),
            ThingRef::Site(code) => self.sites.retire(from, code, is_retired),
            ThingRef::Product(code) => self.products.retire(from, code, is_retired),
            ThingRef::Chain(code) => self.chains.retire(from, code, is_retired),
        }
    }

    fn attach(&mut self, from: BusinessDay, thing: &ThingRef, number: &str, holds: bool) {
        match thing {
            ThingRef::Organization(code) => self.organizations.attach(from, number, holds.then(|| code.clone())),
            ThingRef::Site(code) => self.sites.attach(from, number, holds.then(|| code.clone())),
            ThingRef::Product(code) => self.products.attach(from, number, holds.then(|| code.clone())),
            // Refused when it was decided: GS1 numbers no chains.
            ThingRef::Chain(_) => {}
        }
    }

    fn own(&mut self, gtin: Option<&str>, owner: Option<&OrganizationCode>) {
        if let (Some(gtin), Some(owner)) = (gtin, owner) {
            self.brand_owners.entry(gtin.to_owned()).or_insert_with(|| owner.clone());
        }
    }

    /// Who owns a GTIN, also where it is given without its leading zeros.
    pub fn brand_owner(&self, gtin: &str) -> Option<&OrganizationCode> {
        self.brand_owners.get(&format!("{:0>14}", gtin.trim())).map(|owner| self.organizations.survivor(owner))
    }

    fn member(&mut self, from: BusinessDay, member: &Member, chain: &ChainCode, belongs: bool) {
        self.members.entry(member.clone()).or_default().entry(chain.clone()).or_default().say(from, belongs);
    }

    /// Chains that a site or product belongs to on a day, under any of its codes.
    pub fn chains_of(&self, member: &Member, day: BusinessDay) -> Vec<ChainCode> {
        let members: Vec<Member> = match member {
            Member::Site(code) => self.sites.codes(code).into_iter().map(Member::Site).collect(),
            Member::Product(code) => self.products.codes(code).into_iter().map(Member::Product).collect(),
        };
        let belongs = |days: &Dated<bool>| days.on(day).is_some_and(|(_, belongs)| *belongs);
        let chains = members.iter().filter_map(|member| self.members.get(member)).flatten();
        let chains: OrdSet<ChainCode> = chains.filter(|(_, days)| belongs(days)).map(|(chain, _)| chain.clone()).collect();
        chains.into_iter().collect()
    }
}
