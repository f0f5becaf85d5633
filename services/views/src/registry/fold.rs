//! Facts of the registry as rows: each with the day from which it holds and the words by which it is found.

use crate::fold::At;
use crate::registry::words;
use domain::entry::Genesis;
use domain::event::RegistryFact;
use domain::event::registry::{
    Capacity, Chain, District, DuplicateMerged, Member, Membership, NumberAttached, NumberDetached, Organization,
    OrganizationKind, Product, Retirement, Site, ThingRef,
};
use domain::id::OrganizationCode;
use domain::time::BusinessDay;

/// Day from which that holds which the journal begins with.
pub const EVER: BusinessDay = BusinessDay(i32::MIN);

/// A fact, from when it holds, and where it stands in the journal.
#[derive(Debug, PartialEq, Eq)]
pub struct Dated<F> {
    /// Where it stands.
    pub at: At,
    /// First day on which it holds.
    pub from: BusinessDay,
    /// The fact.
    pub fact: F,
    /// Its words as written, and folded.
    pub words: (String, String),
}

/// Whether something belongs to a chain.
#[derive(Debug, PartialEq, Eq)]
pub struct Belongs {
    /// What and to which.
    pub membership: Membership,
    /// Whether it does.
    pub is_member: bool,
}

/// What a batch registers.
#[derive(Debug, Default)]
pub struct Changes {
    /// Administrative units.
    pub districts: Vec<Dated<District>>,
    /// Organizations.
    pub organizations: Vec<Dated<Organization>>,
    /// Sites.
    pub sites: Vec<Dated<Site>>,
    /// Product kinds.
    pub products: Vec<Dated<Product>>,
    /// Chains.
    pub chains: Vec<Dated<Chain>>,
    /// Members that join or leave.
    pub memberships: Vec<Dated<Belongs>>,
    /// Capacities.
    pub capacities: Vec<Dated<Capacity>>,
    /// Things that are retired, or in use again.
    pub retirements: Vec<Dated<Retires>>,
    /// Numbers that name things, those that they were registered with among them.
    pub numbers: Vec<Dated<Number>>,
    /// Codes that turned out to be one thing.
    pub merges: Vec<Dated<DuplicateMerged>>,
    /// What is certified, graded and aimed at, and how sites stand.
    pub programme: Vec<Dated<RegistryFact>>,
}

impl Changes {
    /// Whether a batch registers nothing.
    pub fn is_empty(&self) -> bool {
        let Changes {
            districts,
            organizations,
            sites,
            products,
            chains,
            memberships,
            capacities,
            retirements,
            numbers,
            merges,
            programme,
        } = self;
        districts.is_empty()
            && organizations.is_empty()
            && sites.is_empty()
            && products.is_empty()
            && chains.is_empty()
            && memberships.is_empty()
            && capacities.is_empty()
            && retirements.is_empty()
            && numbers.is_empty()
            && merges.is_empty()
            && programme.is_empty()
    }
}

/// Whether something is retired.
#[derive(Debug, PartialEq, Eq)]
pub struct Retires {
    /// What and why.
    pub retirement: Retirement,
    /// Whether it is.
    pub is_retired: bool,
}

/// Whether a number names a thing.
#[derive(Debug, PartialEq, Eq)]
pub struct Number {
    /// The number, the thing, and for a GTIN its owner.
    pub attached: NumberAttached,
    /// Whether it does.
    pub is_attached: bool,
}

impl Changes {
    /// The authority that the genesis entry names is the first organization, since ever: any fact about it replaces this one.
    pub fn genesis(&mut self, at: At, genesis: &Genesis) {
        let authority = Organization {
            code: genesis.authority.clone(),
            name: genesis.authority_name.clone(),
            kind: OrganizationKind::Authority,
            gln: None,
        };
        self.fold(at, EVER, &RegistryFact::Organization(authority));
    }

    /// Takes a fact.
    pub fn fold(&mut self, at: At, from: BusinessDay, fact: &RegistryFact) {
        match fact.clone() {
            RegistryFact::District(fact) => {
                let words = words(&[&fact.name, fact.code.as_str()]);
                self.districts.push(Dated { at, from, fact, words });
            }
            RegistryFact::Organization(fact) => {
                self.registered_with(at, from, fact.gln.as_ref(), ThingRef::Organization(fact.code.clone()), None);
                let words = words(&[&fact.name, fact.code.as_str(), fact.gln.as_deref().unwrap_or("")]);
                self.organizations.push(Dated { at, from, fact, words });
            }
            RegistryFact::Site(fact) => {
                self.registered_with(at, from, fact.gln.as_ref(), ThingRef::Site(fact.code.clone()), None);
                let words = words(&[&fact.name, fact.code.as_str(), fact.gln.as_deref().unwrap_or("")]);
                self.sites.push(Dated { at, from, fact, words });
            }
            RegistryFact::Product(fact) => {
                let thing = ThingRef::Product(fact.code.clone());
                self.registered_with(at, from, fact.gtin.as_ref(), thing, fact.brand_owner.as_ref());
                let words = words(&[&fact.name, &fact.name_en, fact.code.as_str(), fact.gtin.as_deref().unwrap_or("")]);
                self.products.push(Dated { at, from, fact, words });
            }
            RegistryFact::Chain(fact) => {
                let words = words(&[&fact.name, fact.code.as_str()]);
                self.chains.push(Dated { at, from, fact, words });
            }
            RegistryFact::MemberJoined(membership) => self.belongs(at, from, membership, true),
            RegistryFact::MemberLeft(membership) => self.belongs(at, from, membership, false),
            RegistryFact::Capacity(fact) => self.capacities.push(Dated { at, from, fact, words: Default::default() }),
            RegistryFact::Retired(retirement) => self.retires(at, from, retirement, true),
            RegistryFact::Reinstated(retirement) => self.retires(at, from, retirement, false),
            RegistryFact::NumberAttached(attached) => self.number(at, from, attached, true),
            RegistryFact::NumberDetached(NumberDetached { thing, number }) => {
                let attached = NumberAttached { thing, number, brand_owner: None, moved_from: None };
                self.number(at, from, attached, false);
            }
            RegistryFact::DuplicateMerged(fact) => self.merges.push(Dated { at, from, fact, words: Default::default() }),
            fact => self.programme.push(Dated { at, from, fact, words: Default::default() }),
        }
    }

    fn retires(&mut self, at: At, from: BusinessDay, retirement: Retirement, is_retired: bool) {
        self.retirements.push(Dated { at, from, fact: Retires { retirement, is_retired }, words: Default::default() });
    }

    fn number(&mut self, at: At, from: BusinessDay, attached: NumberAttached, is_attached: bool) {
        self.numbers.push(Dated { at, from, fact: Number { attached, is_attached }, words: Default::default() });
    }

    fn registered_with(
        &mut self,
        at: At,
        from: BusinessDay,
        number: Option<&String>,
        thing: ThingRef,
        brand_owner: Option<&OrganizationCode>,
    ) {
        if let Some(number) = number {
            let attached = NumberAttached { thing, number: number.clone(), brand_owner: brand_owner.cloned(), moved_from: None };
            self.number(at, from, attached, true);
        }
    }

    fn belongs(&mut self, at: At, from: BusinessDay, membership: Membership, is_member: bool) {
        self.memberships.push(Dated { at, from, fact: Belongs { membership, is_member }, words: Default::default() });
    }
}

/// Kind and code of a member, as the tables name it.
pub fn member(member: &Member) -> (&'static str, &str) {
    match member {
        Member::Site(code) => ("site", code.as_str()),
        Member::Product(code) => ("product", code.as_str()),
    }
}
