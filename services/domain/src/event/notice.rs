//! Notices: somebody has to be told something. They move nothing and are given once; what there is to tell is found in the tables.

use super::programme::CertificateRef;
use crate::id::{ChainCode, CommandId, LotId, OrganizationCode, ProductCode, SiteCode};
use crate::quantity::Milli;
use crate::time::BusinessDay;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A lot is called back.
    Recall,
    /// A lot on hand is about to expire.
    Expiry,
    /// A shop that dealt in a product has none to sell.
    OutOfStock,
    /// A chain enters nothing for longer than it usually does.
    IdleChain,
    /// A temperature was beyond what is allowed.
    TemperatureBreach,
    /// The book and the world differ, or a rule was broken.
    Discrepancy,
    /// A certificate is about to lapse.
    CertificateLapsing,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: &[NoticeKind] = &[
        NoticeKind::Recall,
        NoticeKind::Expiry,
        NoticeKind::OutOfStock,
        NoticeKind::IdleChain,
        NoticeKind::TemperatureBreach,
        NoticeKind::Discrepancy,
        NoticeKind::CertificateLapsing,
    ];

    /// Its word: in tables, and as the first part of a notice's key.
    pub const fn as_str(self) -> &'static str {
        match self {
            NoticeKind::Recall => "recall",
            NoticeKind::Expiry => "expiry",
            NoticeKind::OutOfStock => "out-of-stock",
            NoticeKind::IdleChain => "idle-chain",
            NoticeKind::TemperatureBreach => "temperature-breach",
            NoticeKind::Discrepancy => "discrepancy",
            NoticeKind::CertificateLapsing => "certificate-lapsing",
        }
    }
}

/// Somebody has to be told something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeGiven {
    /// What it is about.
    pub kind: NoticeKind,
    /// What it is about, once for ever.
    pub key: Box<str>,
    /// Lot; product and chain are then its own.
    pub lot: Option<LotId>,
    /// Product.
    pub product: Option<ProductCode>,
    /// Site.
    pub site: Option<SiteCode>,
    /// Chain.
    pub chain: Option<ChainCode>,
    /// Certificate.
    pub certificate: Option<CertificateRef>,
    /// Who holds the certificate, or whose command it is about.
    pub organization: Option<OrganizationCode>,
    /// Command that it is about.
    pub command: Option<CommandId>,
    /// Day that it is about.
    pub day: Option<BusinessDay>,
    /// Days left until then, or gone since.
    pub days: Option<i32>,
    /// How much of the lot.
    pub quantity: Option<Milli>,
}
