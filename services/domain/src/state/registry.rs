//! The registry as deciding looks at it: who and what is known on a day, and how people name it. Rule 10 lives here.

use crate::event::registry::{Chain, District, Member, Organization, Product, RegistryFact, Site};
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
    /// Its GLN or GTIN.
    fn alias(&self) -> Option<&str>;
    /// Reads its code.
    fn parse_code(text: &str) -> Option<Self::Code>;
}

macro_rules! thing {
    ($type:ty, $code:ty, $what:literal, $alias:expr) => {
        impl Thing for $type {
            type Code = $code;
            const WHAT: &'static str = $what;
            fn code(&self) -> &Self::Code {
                &self.code
            }
            fn name(&self) -> &str {
                &self.name
            }
            fn alias(&self) -> Option<&str> {
                let alias: fn(&$type) -> Option<&str> = $alias;
                alias(self)
            }
            fn parse_code(text: &str) -> Option<Self::Code> {
                <$code>::parse(text).ok()
            }
        }
    };
}
thing!(District, DistrictCode, "district", |_| None);
thing!(Organization, OrganizationCode, "organization", |it| it.gln.as_deref());
thing!(Site, SiteCode, "site", |it| it.gln.as_deref());
thing!(Product, ProductCode, "product", |it| it.gtin.as_deref());
thing!(Chain, ChainCode, "chain", |_| None);

/// All things of a kind, each as known from its days on.
#[derive(Clone, Debug)]
pub struct Book<T: Thing> {
    versions: OrdMap<T::Code, Vector<(BusinessDay, Arc<T>)>>,
    aliases: OrdMap<String, T::Code>,
    names: OrdMap<String, OrdSet<T::Code>>,
}

impl<T: Thing> Default for Book<T> {
    fn default() -> Self {
        Book { versions: OrdMap::new(), aliases: OrdMap::new(), names: OrdMap::new() }
    }
}

impl<T: Thing> Book<T> {
    /// Enters a thing as known from a day on; what was said last for a day holds.
    pub fn enter(&mut self, from: BusinessDay, thing: &T) {
        if let Some(alias) = thing.alias() {
            self.aliases.insert(alias.to_owned(), thing.code().clone());
        }
        self.names.entry(text::fold(thing.name())).or_default().insert(thing.code().clone());
        let versions = self.versions.entry(thing.code().clone()).or_default();
        let at = versions.iter().take_while(|(day, _)| *day <= from).count();
        versions.insert(at, (from, Arc::new(thing.clone())));
    }

    /// The thing as known last.
    pub fn latest(&self, code: &T::Code) -> Option<&Arc<T>> {
        self.versions.get(code).and_then(|versions| versions.last()).map(|(_, thing)| thing)
    }

    /// The thing as known on a day.
    pub fn on(&self, code: &T::Code, day: BusinessDay) -> Option<&Arc<T>> {
        self.versions.get(code)?.iter().rev().find(|(from, _)| *from <= day).map(|(_, thing)| thing)
    }

    /// The code that a GLN or GTIN stands for.
    pub fn by_alias(&self, alias: &str) -> Option<&T::Code> {
        self.aliases.get(alias)
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
        let code = self.find_code(field, given)?;
        self.on(&code, day).cloned().ok_or_else(|| Refusal::NotYetKnown {
            field: field.to_owned(),
            what: T::WHAT,
            value: code.to_string(),
            from: self.versions.get(&code).and_then(|versions| versions.front()).map_or(day, |(from, _)| *from),
            day,
        })
    }

    fn find_code(&self, field: &str, given: &str) -> Result<T::Code, Refusal> {
        let trimmed = given.trim();
        if trimmed.is_empty() {
            let problem = format!("is empty; give the code, number or name of a {}", T::WHAT);
            return Err(Refusal::Malformed { field: field.to_owned(), problem });
        }
        if let Some(code) = T::parse_code(trimmed).filter(|code| self.versions.contains_key(code)) {
            return Ok(code);
        }
        // A GTIN may be read with 13 digits where the registry keeps 14.
        let padded = format!("{trimmed:0>14}");
        if let Some(code) = self.aliases.get(trimmed).or_else(|| self.aliases.get(&padded)) {
            return Ok(code.clone());
        }
        let fits = self.names.get(&text::fold(given)).cloned().unwrap_or_default();
        let exact = text::nfc(given).to_lowercase();
        let marked: Vec<_> =
            fits.iter().filter(|code| self.latest(code).is_some_and(|thing| thing.name().to_lowercase() == exact)).collect();
        match (fits.len(), &marked[..]) {
            (0, _) => Err(self.unknown(field, given)),
            (_, [one]) => Ok((*one).clone()),
            (1, _) => fits.get_min().cloned().ok_or_else(|| self.unknown(field, given)),
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
        self.latest(code).map_or_else(|| code.to_string(), |thing| format!("{code} ({})", thing.name()))
    }

    fn unknown(&self, field: &str, given: &str) -> Refusal {
        let folded = text::fold(given);
        let mut scored: Vec<(f64, &T::Code)> = Vec::new();
        for (name, codes) in &self.names {
            let score = strsim::jaro_winkler(&folded, name);
            scored.extend(codes.iter().map(|code| (score, code)));
        }
        let code_like = given.trim().to_uppercase();
        scored.extend(self.versions.keys().map(|code| (strsim::jaro_winkler(&code_like, &code.to_string()), code)));
        scored.retain(|(score, _)| *score > 0.8);
        scored.sort_by(|(a, a_code), (b, b_code)| b.total_cmp(a).then_with(|| a_code.cmp(b_code)));
        let mut nearest: Vec<&T::Code> = Vec::new();
        for (_, code) in scored {
            if nearest.len() < 3 && !nearest.contains(&code) {
                nearest.push(code);
            }
        }
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
    members: OrdMap<Member, OrdMap<ChainCode, Vector<(BusinessDay, bool)>>>,
}

impl Registry {
    /// Applies a fact that holds from a day on.
    pub fn evolve(&mut self, from: BusinessDay, fact: &RegistryFact) {
        match fact {
            RegistryFact::District(district) => self.districts.enter(from, district),
            RegistryFact::Organization(organization) => self.organizations.enter(from, organization),
            RegistryFact::Site(site) => self.sites.enter(from, site),
            RegistryFact::Product(product) => self.products.enter(from, product),
            RegistryFact::Chain(chain) => self.chains.enter(from, chain),
            RegistryFact::MemberJoined(membership) => self.member(from, &membership.member, &membership.chain, true),
            RegistryFact::MemberLeft(membership) => self.member(from, &membership.member, &membership.chain, false),
            // Deciding never looks at a capacity: it is a measure, not a limit.
            RegistryFact::Capacity(_) => {}
        }
    }

    fn member(&mut self, from: BusinessDay, member: &Member, chain: &ChainCode, belongs: bool) {
        let days = self.members.entry(member.clone()).or_default().entry(chain.clone()).or_default();
        let at = days.iter().take_while(|(day, _)| *day <= from).count();
        days.insert(at, (from, belongs));
    }

    /// Chains that a site or product belongs to on a day.
    pub fn chains_of(&self, member: &Member, day: BusinessDay) -> Vec<ChainCode> {
        let Some(chains) = self.members.get(member) else { return Vec::new() };
        let belongs = |days: &Vector<(BusinessDay, bool)>| {
            days.iter().rev().find(|(from, _)| *from <= day).is_some_and(|(_, belongs)| *belongs)
        };
        chains.iter().filter(|(_, days)| belongs(days)).map(|(chain, _)| chain.clone()).collect()
    }
}
