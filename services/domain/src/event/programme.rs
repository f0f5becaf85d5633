//! What is certified, graded and aimed at, and where a registered thing stands. Facts of the registry; stars and validity follow from
//! them and are never said.

use super::registry::kinds;
use crate::id::{ChainCode, CraftVillageCode, DistrictCode, OrganizationCode, ProductCode, SiteCode};
use crate::time::BusinessDay;
use jiff::ToSpan as _;

kinds! {
    /// What a certificate certifies.
    CertificateKind {
        /// VietGAP: crops (TCVN 11892-1), livestock, aquaculture.
        Vietgap = "vietgap",
        /// GLOBALG.A.P.
        Globalgap = "globalgap",
        /// Organic (TCVN 11041).
        Organic = "organic",
        /// HACCP.
        Haccp = "haccp",
        /// ISO 22000.
        Iso22000 = "iso22000",
        /// Fitness of an establishment for food safety.
        FoodSafety = "food_safety",
        /// Confirmation of a safe food chain.
        SafeChain = "safe_chain",
        /// Veterinary hygiene, or quarantine.
        Veterinary = "veterinary",
        /// Registered trademark.
        Trademark = "trademark",
        /// Any other.
        Other = "other",
    }
}

/// What names a certificate: its number is one of its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateRef {
    /// What it certifies.
    pub kind: CertificateKind,
    /// Number, as printed.
    pub number: String,
}

/// A certificate, valid from its event's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Which.
    pub id: CertificateRef,
    /// Who holds it.
    pub holder: OrganizationCode,
    /// Who issued it, as printed.
    pub issuer: String,
    /// Products that it covers; all where none is said.
    pub products: Vec<ProductCode>,
    /// Sites that it covers; all of its holder where none is said.
    pub sites: Vec<SiteCode>,
    /// For the confirmation of a safe chain the chain.
    pub chain: Option<ChainCode>,
    /// Last day on which it is valid.
    pub until: Option<BusinessDay>,
}

kinds! {
    /// How a certificate stands.
    CertificateStanding {
        /// It holds, within its days.
        Valid = "valid",
        /// It does not hold for the time being.
        Suspended = "suspended",
        /// It holds no more.
        Revoked = "revoked",
    }
}

/// A certificate stands differently from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateStandingChange {
    /// Which.
    pub id: CertificateRef,
    /// How.
    pub standing: CertificateStanding,
    /// Why, as typed.
    pub reason: String,
}

/// A product is entered in the OCOP programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcopRegistration {
    /// Number of the dossier.
    pub dossier: String,
    /// Who makes it.
    pub subject: OrganizationCode,
    /// Product.
    pub product: ProductCode,
    /// District whose dossier it is.
    pub district: DistrictCode,
}

kinds! {
    /// Rule by which products are graded.
    OcopRule {
        /// Decision 1048/QĐ-TTg of 2019.
        Decision1048 = "1048/QĐ-TTg",
        /// Decision 148/QĐ-TTg of 24 February 2023.
        Decision148 = "148/QĐ-TTg",
    }
}

impl OcopRule {
    /// The rule in force on a day.
    pub fn on(day: BusinessDay) -> OcopRule {
        // Decision 148 was signed, and is in force, on 24 February 2023.
        if day < BusinessDay::of(jiff::civil::date(2023, 2, 24)) { OcopRule::Decision1048 } else { OcopRule::Decision148 }
    }

    /// Points that parts A (community), B (marketing) and C (quality) give at most.
    pub const fn most_points(self) -> [u32; 3] {
        match self {
            OcopRule::Decision1048 => [35, 25, 40],
            OcopRule::Decision148 => [40, 25, 35],
        }
    }
}

kinds! {
    /// Level of a grading body.
    GradingLevel {
        /// District.
        District = "district",
        /// Province.
        Province = "province",
        /// Ministry.
        Central = "central",
    }
}

/// A product was graded; its event's day is that of the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcopGrading {
    /// Number of the dossier.
    pub dossier: String,
    /// Rule.
    pub rule: OcopRule,
    /// Mean scores of parts A, B and C, in hundredths of a point.
    pub hundredths: [u32; 3],
    /// Level of the body that decided.
    pub level: GradingLevel,
    /// Number of its decision, as printed.
    pub decision: String,
}

/// Months that a grade of three stars or more holds (decisions 1048 and 148 alike).
pub const GRADE_MONTHS: i32 = 36;

impl OcopGrading {
    /// Mean score in hundredths of a point.
    pub fn total_hundredths(&self) -> u32 {
        self.hundredths.iter().fold(0, |sum, part| sum.saturating_add(*part))
    }

    /// Stars: 5 from 90 points, 4 from 70, 3 from 50, 2 from 30, otherwise 1.
    pub fn stars(&self) -> u8 {
        match self.total_hundredths() {
            9_000.. => 5,
            7_000.. => 4,
            5_000.. => 3,
            3_000.. => 2,
            _ => 1,
        }
    }

    /// Last day on which the grade of a decision of that day holds; none below three stars, which gives no certificate.
    pub fn until(&self, day: BusinessDay) -> Option<BusinessDay> {
        let end = day.date().checked_add(GRADE_MONTHS.months()).map_or(BusinessDay(i32::MAX), BusinessDay::of);
        (self.stars() >= 3).then(|| end.plus(-1))
    }
}

kinds! {
    /// How a site stands.
    SiteStanding {
        /// Open.
        Open = "open",
        /// Closed: takes no goods in.
        Closed = "closed",
        /// Open with restrictions.
        Restricted = "restricted",
    }
}

/// A site stands differently from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteStandingChange {
    /// Site.
    pub site: SiteCode,
    /// How.
    pub standing: SiteStanding,
    /// Last day of it.
    pub until: Option<BusinessDay>,
    /// Why, as typed.
    pub reason: String,
}

impl SiteStandingChange {
    /// How the site stands on a day from the change's own on: after its last day it is the other way round.
    pub fn on(&self, day: BusinessDay) -> SiteStanding {
        match (self.until, self.standing) {
            (Some(until), SiteStanding::Open) if day > until => SiteStanding::Closed,
            (Some(until), SiteStanding::Closed | SiteStanding::Restricted) if day > until => SiteStanding::Open,
            (_, standing) => standing,
        }
    }
}

/// An administrative unit passes to another, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistrictSuccession {
    /// Unit that passes.
    pub from: DistrictCode,
    /// Unit that it passes to.
    pub to: DistrictCode,
    /// How much of it, in hundredths of a percent.
    pub share_basis_points: u32,
}

/// A craft village.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CraftVillage {
    /// Code.
    pub code: CraftVillageCode,
    /// Name, NFC.
    pub name: String,
    /// Its trade.
    pub trade: String,
    /// District that it lies in.
    pub district: DistrictCode,
    /// Decision that recognised it.
    pub recognition: Option<String>,
}

kinds! {
    /// What a programme counts.
    ProgrammeMeasure {
        /// Chains in use.
        Chains = "chains",
        /// Product kinds in use.
        Products = "products",
        /// Supermarkets in use.
        Supermarkets = "supermarkets",
        /// General stores in use.
        GeneralStores = "general_stores",
        /// Specialty stores in use.
        SpecialtyStores = "specialty_stores",
        /// OCOP introduction points in use.
        OcopIntroPoints = "ocop_intro_points",
        /// OCOP introduction-and-sale points in use.
        OcopSalePoints = "ocop_sale_points",
        /// Products entered in the OCOP programme.
        OcopRegistered = "ocop_registered",
        /// Districts with products entered.
        OcopRegisteredDistricts = "ocop_registered_districts",
        /// Products that were graded with three stars or more.
        OcopGraded = "ocop_graded",
        /// Districts with such products.
        OcopGradedDistricts = "ocop_graded_districts",
        /// Products whose grade of three stars or more holds.
        OcopValid = "ocop_valid",
        /// Products with five stars that hold.
        OcopFiveStars = "ocop_five_stars",
        /// Craft villages.
        CraftVillages = "craft_villages",
        /// Craft villages that were recognised.
        CraftVillagesRecognised = "craft_villages_recognised",
        /// Trades of craft villages.
        CraftTrades = "craft_trades",
        /// Design-and-sale centres in use.
        DesignCenters = "design_centers",
    }
}

/// What a programme aims at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What is counted.
    pub measure: ProgrammeMeasure,
    /// How many at least.
    pub value: i64,
    /// Day by which.
    pub due: BusinessDay,
    /// Plan or decision that says so, as printed.
    pub source: String,
}

kinds! {
    /// Where the case of a trademark stands.
    TrademarkStep {
        /// Help was agreed upon.
        Opened = "opened",
        /// It was applied for.
        Filed = "filed",
        /// The application was published.
        Published = "published",
        /// It is registered.
        Granted = "granted",
        /// It was refused.
        Refused = "refused",
        /// It was given up.
        Withdrawn = "withdrawn",
    }
}

impl TrademarkStep {
    /// Whether nothing follows.
    pub const fn is_last(self) -> bool {
        matches!(self, TrademarkStep::Granted | TrademarkStep::Refused | TrademarkStep::Withdrawn)
    }
}

/// A step of a trademark's case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrademarkCase {
    /// Number of the case.
    pub number: String,
    /// Who is helped.
    pub subject: OrganizationCode,
    /// The mark, as written.
    pub mark: String,
    /// Where it stands.
    pub step: TrademarkStep,
    /// Day by which the next step is due.
    pub due: Option<BusinessDay>,
}

kinds! {
    /// What became of labels.
    LabelFate {
        /// They were issued.
        Issued = "issued",
        /// They are on goods.
        Used = "used",
        /// They were spoiled.
        Spoiled = "spoiled",
        /// They were voided.
        Voided = "voided",
    }
}

/// A run of numbered labels, and what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Series, as printed before the number.
    pub series: String,
    /// What became of them.
    pub fate: LabelFate,
    /// First number.
    pub first: i64,
    /// Last number.
    pub last: i64,
    /// Who got them.
    pub subject: Option<OrganizationCode>,
    /// Product that they are for.
    pub product: Option<ProductCode>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> BusinessDay {
        BusinessDay::of(text.parse().unwrap())
    }

    fn graded(hundredths: [u32; 3]) -> OcopGrading {
        let decision = "12/QĐ-UBND".to_owned();
        OcopGrading { dossier: "D1".into(), rule: OcopRule::Decision148, hundredths, level: GradingLevel::Province, decision }
    }

    #[test]
    fn stars_follow_from_the_scores() {
        // Sources print 70 to 89 for four stars: 89.5 are four, and 90 five.
        for (hundredths, stars) in [
            ([4_000, 2_500, 3_500], 5),
            ([3_000, 2_500, 3_500], 5),
            ([3_000, 2_500, 3_450], 4),
            ([3_000, 2_500, 3_499], 4),
            ([2_000, 2_000, 3_000], 4),
            ([2_000, 2_000, 2_999], 3),
            ([1_000, 1_500, 2_500], 3),
            ([1_000, 1_500, 2_499], 2),
            ([1_000, 1_000, 1_000], 2),
            ([1_000, 1_000, 999], 1),
            ([0, 0, 0], 1),
        ] {
            assert_eq!(graded(hundredths).stars(), stars, "{hundredths:?}");
        }
    }

    #[test]
    fn a_grade_holds_for_36_months_and_the_rule_is_that_of_its_day() {
        let four = graded([2_000, 2_000, 3_000]);
        assert_eq!(four.until(day("2021-12-20")), Some(day("2024-12-19")));
        assert_eq!(four.until(day("2021-02-28")), Some(day("2024-02-27")));
        assert_eq!(graded([0, 0, 0]).until(day("2021-12-20")), None);
        assert_eq!(OcopRule::on(day("2023-02-23")), OcopRule::Decision1048);
        assert_eq!(OcopRule::on(day("2023-02-24")), OcopRule::Decision148);
        for rule in OcopRule::ALL {
            assert_eq!(rule.most_points().iter().sum::<u32>(), 100);
        }
    }

    #[test]
    fn a_site_is_as_it_was_said_until_its_last_day() {
        let said = |standing, until: Option<&str>| SiteStandingChange {
            site: SiteCode::parse("S1").unwrap(),
            standing,
            until: until.map(day),
            reason: String::new(),
        };
        use SiteStanding::{Closed, Open, Restricted};
        for (standing, until, on, stands) in [
            (Open, Some("2021-12-12"), "2021-12-12", Open),
            (Open, Some("2021-12-12"), "2021-12-13", Closed),
            (Restricted, Some("2021-12-12"), "2021-12-12", Restricted),
            (Restricted, Some("2021-12-12"), "2021-12-13", Open),
            (Closed, Some("2021-12-12"), "2021-12-13", Open),
            (Closed, None, "2031-12-13", Closed),
        ] {
            assert_eq!(said(standing, until).on(day(on)), stands, "{standing:?} {until:?} on {on}");
        }
    }
}
