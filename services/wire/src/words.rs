//! The words of closed lists: protobuf's numbers and the domain's names, each pair once.

use crate::Undecodable;
use crate::proto::chuoi::event::v1 as proto;
use domain::event as facts;
use domain::event::programme;
use domain::event::registry as registered;
use domain::time::Precision;

/// Pairs of one list, read and written. Zero and numbers that this version does not know are no word; who reads decides whether
/// one has to be said.
macro_rules! words {
    ($read:ident, $write:ident: $proto:ident, $domain:ty { $($word:ident),+ $(,)? } $($unsaid:ident)?) => {
        pub(crate) fn $read(number: i32) -> Option<$domain> {
            match proto::$proto::try_from(number) {
                $(Ok(proto::$proto::$word) => Some(<$domain>::$word),)+
                Ok(proto::$proto::Unspecified) | Err(_) => None,
            }
        }

        pub(crate) fn $write(word: $domain) -> i32 {
            let word = match word {
                $(<$domain>::$word => proto::$proto::$word,)+
                $(<$domain>::$unsaid => proto::$proto::Unspecified,)?
            };
            word.into()
        }
    };
}

words!(precision, write_precision: TimePrecision, Precision { Moment, Day, BeforeOpening, AfterClosing });
words!(process, write_process: Process, facts::Process { Packing, Processing, Slaughter, Mixing });
words!(refusal_reason, write_refusal_reason: RefusalReason, facts::RefusalReason {
    Quality, Temperature, Damaged, ShelfLife, WrongGoods, Documents, Late, Oversupply,
} Unspecified);
words!(waste_reason, write_waste_reason: WasteReason, facts::WasteReason {
    Spoiled, Damaged, Expired, Sampled, Donated, Destroyed,
} Unspecified);
words!(recall_form, write_recall_form: RecallForm, facts::RecallForm { Voluntary, Compulsory });
words!(return_reason, write_return_reason: ReturnReason, facts::ReturnReason {
    Quality, Damaged, Expired, Recalled, WrongGoods,
} Unspecified);
words!(observation_kind, write_observation_kind: ObservationKind, facts::ObservationKind {
    Temperature, Inspection, Sample, CertificateCheck, Other, Treatment,
});
words!(finding, write_finding: Finding, facts::Finding { Conformant, NonConformant } Unspecified);
words!(count_basis, write_count_basis: CountBasis, facts::CountBasis { Stocktake, Surplus, Provisional });
words!(organization_kind, write_organization_kind: OrganizationKind, registered::OrganizationKind {
    Cooperative, Farm, Processor, Distributor, Retailer, Authority,
});
words!(site_kind, write_site_kind: SiteKind, registered::SiteKind {
    Farm, LivestockFarm, Aquafarm, PackingHouse, Processor, Slaughterhouse, Warehouse, DistributionCenter, Supermarket, GeneralStore,
    SpecialtyStore, OcopIntroPoint, OcopSalePoint, FairStall, DesignCenter,
});

words!(certificate_kind, write_certificate_kind: CertificateKind, programme::CertificateKind {
    Vietgap, Globalgap, Organic, Haccp, Iso22000, FoodSafety, SafeChain, Veterinary, Trademark, Other,
});
words!(certificate_standing, write_certificate_standing: CertificateStanding, programme::CertificateStanding {
    Valid, Suspended, Revoked,
});
words!(ocop_rule, write_ocop_rule: OcopRule, programme::OcopRule { Decision1048, Decision148 });
words!(grading_level, write_grading_level: GradingLevel, programme::GradingLevel { District, Province, Central });
words!(site_standing, write_site_standing: SiteStanding, programme::SiteStanding { Open, Closed, Restricted });
words!(programme_measure, write_programme_measure: ProgrammeMeasure, programme::ProgrammeMeasure {
    Chains, Products, Supermarkets, GeneralStores, SpecialtyStores, OcopIntroPoints, OcopSalePoints, OcopRegistered,
    OcopRegisteredDistricts, OcopGraded, OcopGradedDistricts, OcopValid, OcopFiveStars, CraftVillages, CraftVillagesRecognised,
    CraftTrades, DesignCenters,
});

words!(trademark_step, write_trademark_step: TrademarkStep, programme::TrademarkStep {
    Opened, Filed, Published, Granted, Refused, Withdrawn,
});
words!(label_fate, write_label_fate: LabelFate, programme::LabelFate { Issued, Used, Spoiled, Voided });

words!(notice_kind, write_notice_kind: NoticeKind, facts::NoticeKind {
    Recall, Expiry, OutOfStock, IdleChain, TemperatureBreach, Discrepancy, CertificateLapsing,
});

/// A word that has to be said.
pub(crate) fn said<W>(word: Option<W>, number: i32) -> Result<W, Undecodable> {
    word.ok_or_else(|| match number {
        0 => Undecodable::here("is not said; it has to be"),
        _ => Undecodable::here(format!("is {number}, which this version does not know")),
    })
}
