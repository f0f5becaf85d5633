//! Facts of the registry: what is known from a day on. The last one said for a day holds.

use super::programme::{
    Certificate, CertificateStandingChange, CraftVillage, DistrictSuccession, Labels, OcopGrading, OcopRegistration,
    SiteStandingChange, Target, TrademarkCase,
};
use crate::id::{ChainCode, DistrictCode, OrganizationCode, ProductCode, SiteCode};
use crate::quantity::Milli;
use crate::time::BusinessDay;
use crate::unit::{BaseUnit, MarketUnit};

/// A fact of the registry; it holds from its event's business day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryFact {
    /// An administrative unit.
    District(District),
    /// An organization.
    Organization(Organization),
    /// A site.
    Site(Site),
    /// A product kind.
    Product(Product),
    /// A chain.
    Chain(Chain),
    /// A member joins a chain.
    MemberJoined(Membership),
    /// A member leaves a chain.
    MemberLeft(Membership),
    /// What a chain can carry.
    Capacity(Capacity),
    /// No new goods for a thing; what it still has may leave.
    Retired(Retirement),
    /// A retired thing is in use again.
    Reinstated(Retirement),
    /// A number of GS1 names a thing.
    NumberAttached(NumberAttached),
    /// A number of GS1 names a thing no longer.
    NumberDetached(NumberDetached),
    /// Two codes stand for one thing, and did so ever.
    DuplicateMerged(DuplicateMerged),
    /// A certificate.
    Certificate(Certificate),
    /// A certificate stands differently.
    CertificateStanding(CertificateStandingChange),
    /// A product is entered in the OCOP programme.
    OcopRegistered(OcopRegistration),
    /// A product was graded.
    OcopGraded(OcopGrading),
    /// A site is open, closed or restricted.
    SiteStanding(SiteStandingChange),
    /// An administrative unit passes to another.
    DistrictSucceeded(DistrictSuccession),
    /// A craft village.
    CraftVillage(CraftVillage),
    /// What a programme aims at.
    Target(Target),
    /// A step of a trademark's case.
    TrademarkCase(TrademarkCase),
    /// Labels were issued, used, spoiled or voided.
    Labels(Labels),
}

impl RegistryFact {
    /// Its event's name.
    pub const fn name(&self) -> &'static str {
        match self {
            RegistryFact::District(_) => "DistrictRegistered",
            RegistryFact::Organization(_) => "OrganizationRegistered",
            RegistryFact::Site(_) => "SiteRegistered",
            RegistryFact::Product(_) => "ProductRegistered",
            RegistryFact::Chain(_) => "ChainRegistered",
            RegistryFact::MemberJoined(_) => "ChainMemberJoined",
            RegistryFact::MemberLeft(_) => "ChainMemberLeft",
            RegistryFact::Capacity(_) => "CapacityDeclared",
            RegistryFact::Retired(_) => "Retired",
            RegistryFact::Reinstated(_) => "Reinstated",
            RegistryFact::NumberAttached(_) => "NumberAttached",
            RegistryFact::NumberDetached(_) => "NumberDetached",
            RegistryFact::DuplicateMerged(_) => "DuplicateMerged",
            RegistryFact::Certificate(_) => "CertificateIssued",
            RegistryFact::CertificateStanding(_) => "CertificateStandingChanged",
            RegistryFact::OcopRegistered(_) => "OcopRegistered",
            RegistryFact::OcopGraded(_) => "OcopGraded",
            RegistryFact::SiteStanding(_) => "SiteStandingChanged",
            RegistryFact::DistrictSucceeded(_) => "DistrictSucceeded",
            RegistryFact::CraftVillage(_) => "CraftVillageRegistered",
            RegistryFact::Target(_) => "TargetSet",
            RegistryFact::TrademarkCase(_) => "TrademarkCaseStepped",
            RegistryFact::Labels(_) => "LabelsCounted",
        }
    }
}

/// An administrative unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct District {
    /// Code of the General Statistics Office.
    pub code: DistrictCode,
    /// Name, NFC.
    pub name: String,
    /// quận, huyện or thị xã.
    pub kind: String,
    /// First day on which it is no more.
    pub ends: Option<BusinessDay>,
}

macro_rules! kinds {
    ($(#[$outer:meta])* $enum:ident { $($(#[$doc:meta])* $name:ident = $text:literal),* $(,)? }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum { $($(#[$doc])* $name),* }

        impl $enum {
            /// All of them.
            pub const ALL: &[$enum] = &[$($enum::$name),*];

            /// Its name in tables and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $($enum::$name => $text),* }
            }

            /// The kind with that name.
            pub fn from_name(name: &str) -> Option<$enum> {
                $enum::ALL.iter().copied().find(|kind| kind.as_str() == name)
            }
        }
    };
}

pub(crate) use kinds;

kinds! {
    /// What an organization is.
    OrganizationKind {
        /// Cooperative (HTX).
        Cooperative = "cooperative",
        /// Farm.
        Farm = "farm",
        /// Processor.
        Processor = "processor",
        /// Distributor.
        Distributor = "distributor",
        /// Retailer.
        Retailer = "retailer",
        /// Authority.
        Authority = "authority",
    }
}

kinds! {
    /// What a site is. For a shop this is its channel.
    SiteKind {
        /// Fields and gardens.
        Farm = "farm",
        /// Barns and sheds.
        LivestockFarm = "livestock_farm",
        /// Ponds and cages.
        Aquafarm = "aquafarm",
        /// Packing house.
        PackingHouse = "packing_house",
        /// Processor.
        Processor = "processor",
        /// Slaughterhouse.
        Slaughterhouse = "slaughterhouse",
        /// Warehouse.
        Warehouse = "warehouse",
        /// Distribution centre.
        DistributionCenter = "distribution_center",
        /// Supermarket.
        Supermarket = "supermarket",
        /// General store.
        GeneralStore = "general_store",
        /// Specialty store.
        SpecialtyStore = "specialty_store",
        /// OCOP introduction point.
        OcopIntroPoint = "ocop_intro_point",
        /// OCOP introduction-and-sale point.
        OcopSalePoint = "ocop_sale_point",
        /// Fair stall.
        FairStall = "fair_stall",
        /// Design-and-sale centre.
        DesignCenter = "design_center",
    }
}

impl SiteKind {
    /// Whether lots begin and are made there: what leaves such a site towards others is what a chain moves.
    pub const fn is_producing(self) -> bool {
        use SiteKind::*;
        matches!(self, Farm | LivestockFarm | Aquafarm | PackingHouse | Processor | Slaughterhouse)
    }

    /// Whether consumers buy there.
    pub const fn is_shop(self) -> bool {
        use SiteKind::*;
        matches!(self, Supermarket | GeneralStore | SpecialtyStore | OcopIntroPoint | OcopSalePoint | FairStall | DesignCenter)
    }
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Internal code.
    pub code: OrganizationCode,
    /// Name, NFC.
    pub name: String,
    /// What it is.
    pub kind: OrganizationKind,
    /// Global Location Number.
    pub gln: Option<String>,
}

/// A place that can hold stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Internal code.
    pub code: SiteCode,
    /// Name, NFC.
    pub name: String,
    /// What it is.
    pub kind: SiteKind,
    /// Organization that runs it.
    pub organization: OrganizationCode,
    /// District that it lies in.
    pub district: DistrictCode,
    /// Global Location Number.
    pub gln: Option<String>,
    /// Latitude in millionths of a degree (WGS 84).
    pub latitude_e6: i32,
    /// Longitude in millionths of a degree (WGS 84).
    pub longitude_e6: i32,
}

/// A product kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Internal code.
    pub code: ProductCode,
    /// Vietnamese name, NFC.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Group, for example rau.
    pub group: String,
    /// OCOP group, 1 to 6; 0 if none.
    pub ocop_group: u32,
    /// Unit in which stock is counted.
    pub base_unit: BaseUnit,
    /// Whether stock is counted in whole base units only.
    pub indivisible: bool,
    /// Nominal mass of one base unit, in grams; 0 if unknown.
    pub mass_gram: i64,
    /// Pieces in one base unit; 0 if it does not apply.
    pub pieces: i64,
    /// Content of one base unit, in thousandths of `content_unit`; 0 if sold loose.
    pub content_milli: i64,
    /// Unit of the content.
    pub content_unit: String,
    /// fixed, nominal or loose.
    pub content_kind: String,
    /// Days that it keeps from its harvest or production; 0 if it does not expire.
    pub shelf_life_days: u32,
    /// Lowest storage temperature in degrees Celsius.
    pub temperature_min_celsius: Option<i32>,
    /// Highest storage temperature in degrees Celsius.
    pub temperature_max_celsius: Option<i32>,
    /// Global Trade Item Number.
    pub gtin: Option<String>,
    /// Organization that owns the GTIN.
    pub brand_owner: Option<OrganizationCode>,
    /// The market's own units of this product.
    pub market_units: Vec<MarketUnit>,
}

/// A production-to-retail chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Internal code.
    pub code: ChainCode,
    /// Name, NFC.
    pub name: String,
    /// Organization that leads it.
    pub lead: OrganizationCode,
    /// District of its lead.
    pub district: DistrictCode,
    /// Product group that it deals in.
    pub group: String,
    /// Planned share of supermarkets, in percent.
    pub share_supermarket_percent: u32,
    /// Planned share of general stores, in percent.
    pub share_general_percent: u32,
    /// Planned share of specialty stores, in percent.
    pub share_specialty_percent: u32,
}

/// What can belong to a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A site.
    Site(SiteCode),
    /// A product kind.
    Product(ProductCode),
}

/// A member of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The chain.
    pub chain: ChainCode,
    /// Its member.
    pub member: Member,
    /// Whether the chain is the product's first source; of weight when it joins.
    pub is_primary: bool,
}

/// What a chain can carry a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The chain.
    pub chain: ChainCode,
    /// Thousandths of the unit, a day.
    pub quantity_per_day: Milli,
    /// Kilogram (by nominal mass) or piece.
    pub unit: BaseUnit,
}

/// A thing of the registry, by its kind and code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ThingRef {
    /// An organization.
    Organization(OrganizationCode),
    /// A site.
    Site(SiteCode),
    /// A product kind.
    Product(ProductCode),
    /// A chain.
    Chain(ChainCode),
}

impl ThingRef {
    /// What it is, for tables and people.
    pub const fn kind(&self) -> &'static str {
        match self {
            ThingRef::Organization(_) => "organization",
            ThingRef::Site(_) => "site",
            ThingRef::Product(_) => "product",
            ThingRef::Chain(_) => "chain",
        }
    }

    /// Text of its code.
    pub fn code(&self) -> &str {
        match self {
            ThingRef::Organization(code) => code.as_str(),
            ThingRef::Site(code) => code.as_str(),
            ThingRef::Product(code) => code.as_str(),
            ThingRef::Chain(code) => code.as_str(),
        }
    }
}

/// A thing is retired, or in use again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// The thing.
    pub thing: ThingRef,
    /// Why, as typed.
    pub reason: String,
}

/// A number of GS1 names a thing besides its code: never a new identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberAttached {
    /// An organization or site (GLN), or a product kind (GTIN).
    pub thing: ThingRef,
    /// GLN: 13 digits; GTIN: 14 digits.
    pub number: String,
    /// For a GTIN the organization that owns it.
    pub brand_owner: Option<OrganizationCode>,
    /// Code of the thing that had the number until then.
    pub moved_from: Option<String>,
}

/// A number of GS1 names a thing no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberDetached {
    /// An organization, site or product kind.
    pub thing: ThingRef,
    /// GLN or GTIN.
    pub number: String,
}

/// Two codes stand for one thing, and did so ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateMerged {
    /// The code that is given up.
    pub duplicate: ThingRef,
    /// The thing that stays, of the same kind.
    pub survivor: ThingRef,
    /// Why, as typed.
    pub reason: String,
}
