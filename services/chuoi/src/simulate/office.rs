//! The authority's day: certificates, OCOP dossiers and their grades, restrictions of shops, districts that pass to others, craft
//! villages, targets, trademarks and labels; chains that are known differently and declare another capacity; and inspections.
//! On a run's first day it says as well what it had done before.

use domain::event::programme::OcopRule;
use domain::id::{CommandId, OrganizationCode, TraceCode};
use domain::time::BusinessDay;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::event::v1::{CertificateKind, CertificateStanding, Finding, ObservationKind};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::register::Fact;
use wire::proto::chuoi::record::v1::{CountScans, IssueCode, Observe, Register, RevokeCode, ScanCount};

use super::REGISTRY_BEGINS;
use super::plan::{At, Planner, Wave};
use super::world::{ChainAt, SiteAt};

/// Dossiers that were entered before a run's first day, of a usual one, and each day.
const DOSSIERS: [usize; 2] = [60, 2];
/// Of those of before, in a hundred, how many are graded.
const GRADED_PERCENT: i64 = 70;
/// Craft villages, in the same way.
const VILLAGES: [usize; 2] = [40, 1];
/// Districts whose successors are told on the first day.
const PASSED_ON: usize = 3;
/// Runs of labels that are issued each day, and labels in each.
const LABEL_RUNS: usize = 4;
const LABELS: i64 = 5_000;
/// Shops that are restricted each day, and for how many days.
const RESTRICTED: usize = 2;
const RESTRICTED_DAYS: i32 = 3;
/// Inspections of shops each day.
const INSPECTED: usize = 6;
/// Codes that are issued for products before what the run plays, of a usual one, and each day; and how many of them are scanned a day.
const CODES: [usize; 2] = [60, 4];
const SCANNED: usize = 200;
/// Every so many days a chain is known differently.
const CHAIN_CHANGES: u32 = 3;

/// Days that most certificates are valid.
const VALID_DAYS: i32 = 3 * 365;
/// Trades of craft villages.
const TRADES: [&str; 6] = ["mây tre đan", "gốm sứ", "sơn mài", "dệt lụa", "nón lá", "chế biến nông sản"];
/// Who confirms, and who certifies.
const AUTHORITY: &str = "Chi cục Quản lý chất lượng Mẫu Hà Nội";
const CERTIFIER: &str = "Tổ chức chứng nhận Mẫu";

/// What the authority has in hand.
#[derive(Default)]
pub struct Office {
    certificates: Vec<Certificate>,
    /// Certificates that were suspended so far: every second of them is revoked in the end.
    suspended: u32,
    /// Dossiers that wait for the council.
    ungraded: Vec<String>,
    dossiers: u32,
    decisions: u32,
    cases: Vec<Case>,
    opened: u32,
    ended: u32,
    villages: u32,
    last_label: i64,
    /// Traceability codes with the district of whoever had them issued.
    codes: Vec<(TraceCode, String)>,
    /// Restricted shops with the day on which that is lifted.
    restricted: Vec<(SiteAt, i32)>,
}

/// A certificate that was issued.
#[derive(Clone)]
struct Certificate {
    kind: CertificateKind,
    number: String,
    chain: ChainAt,
    until: i32,
    standing: CertificateStanding,
}

/// A trademark's case that goes on.
struct Case {
    number: String,
    chain: ChainAt,
    mark: String,
    step: event::TrademarkStep,
}

impl Planner<'_> {
    /// All of it.
    pub(super) fn office(&mut self, nth: u32, scale: usize) {
        let of = |usual: usize| (usual * scale.min(100) / 100).max(1);
        let since = usize::from(nth > 0);
        self.wave = Wave::Office;
        if nth == 0 {
            self.confirm_chains(scale.min(100));
            self.plan_of_the_year();
            self.pass_districts_on();
        }
        self.certificates();
        self.dossiers(of(DOSSIERS[since]), nth == 0);
        self.grade(of(DOSSIERS[1]));
        self.trademarks(nth == 0);
        self.villages(of(VILLAGES[since]), nth == 0);
        self.labels(of(LABEL_RUNS));
        self.codes(of(CODES[since]));
        self.restrictions(of(RESTRICTED));
        self.chains(nth);
        self.inspections(of(INSPECTED));
    }

    /// A fact of the registry that holds from a day on.
    pub(super) fn register(&mut self, day: i32, fact: Fact) {
        let authority = self.world.authority.clone();
        self.record(&authority, At::On(day), Action::Register(Register { fact: Some(fact) }));
    }

    fn register_mistaken(&mut self, fact: Fact, reasons: &'static [&'static str]) {
        let authority = self.world.authority.clone();
        self.mistake(&authority, At::Day, Action::Register(Register { fact: Some(fact) }), reasons);
    }

    /// A day so long ago, but not before anybody was known.
    fn ago(&self, days: i64) -> i32 {
        (self.day - i32::try_from(days).unwrap_or(i32::MAX)).max(BusinessDay::of(REGISTRY_BEGINS).0)
    }

    /// A day at random, so long ago.
    fn once(&mut self, least: i64, most: i64) -> i32 {
        let days = self.dice.between(least, most);
        self.ago(days)
    }

    /// Chains are confirmed as safe, and half of them hold a certificate of how they grow, keep or make things.
    fn confirm_chains(&mut self, percent: usize) {
        for chain in 0..(self.world.chains.len() * percent / 100).max(12).min(self.world.chains.len()) {
            let from = self.once(30, 1_090);
            self.certify(CertificateKind::SafeChain, chain, from);
            if self.dice.chance(500) {
                let kind = match self.world.chains[chain].group.as_str() {
                    "thit_lon" | "thit_bo" | "gia_cam" => CertificateKind::Veterinary,
                    "rau" | "qua" | "nam" | "thuy_san" => {
                        [CertificateKind::Vietgap, CertificateKind::Organic][self.dice.below(2)]
                    }
                    _ => [CertificateKind::Haccp, CertificateKind::FoodSafety][self.dice.below(2)],
                };
                let from = self.once(30, 1_090);
                self.certify(kind, chain, from);
            }
        }
    }

    /// A new certificate of a chain's lead.
    fn certify(&mut self, kind: CertificateKind, chain: ChainAt, from: i32) {
        let number = format!("{:04}/{}", self.world.office.certificates.len() + 1, self.world.tag);
        let certificate = Certificate { kind, number, chain, until: from + VALID_DAYS - 1, standing: CertificateStanding::Valid };
        self.issue(&certificate, from);
        self.world.office.certificates.push(certificate);
    }

    fn issue(&mut self, certificate: &Certificate, from: i32) {
        let (chain, is_safe) = (&self.world.chains[certificate.chain], certificate.kind == CertificateKind::SafeChain);
        let some = chain.products.iter().take(6).map(|product| self.world.products[*product].code.clone());
        let issued = event::CertificateIssued {
            kind: certificate.kind.into(),
            number: certificate.number.clone(),
            holder_code: chain.lead.clone(),
            issuer: if is_safe { AUTHORITY } else { CERTIFIER }.to_owned(),
            product_codes: if is_safe { Vec::new() } else { some.collect() },
            site_codes: if is_safe { Vec::new() } else { vec![self.world.sites[chain.site].code.clone()] },
            chain_code: if is_safe { chain.code.clone() } else { String::new() },
            until_day: Some(certificate.until),
        };
        self.register(from, Fact::Certificate(issued));
    }

    /// One is suspended each day after an inspection; the next day it is valid again, or revoked and another takes its place. What
    /// is about to lapse is renewed.
    fn certificates(&mut self) {
        for at in 0..self.world.office.certificates.len() {
            let certificate = self.world.office.certificates[at].clone();
            match certificate.standing {
                CertificateStanding::Suspended if self.world.office.suspended % 2 == 1 => {
                    self.stand(at, CertificateStanding::Valid, "đã khắc phục");
                }
                CertificateStanding::Suspended => {
                    self.stand(at, CertificateStanding::Revoked, "không khắc phục trong thời hạn");
                    self.certify(certificate.kind, certificate.chain, self.day);
                }
                CertificateStanding::Valid if certificate.until < self.day + 5 => {
                    let renewed = Certificate { until: self.day + VALID_DAYS - 1, ..certificate };
                    self.issue(&renewed, self.day);
                    self.world.office.certificates[at] = renewed;
                }
                _ => {}
            }
        }
        let at = self.dice.below(self.world.office.certificates.len());
        if self.world.office.certificates[at].standing == CertificateStanding::Valid {
            self.world.office.suspended += 1;
            let site = self.world.chains[self.world.office.certificates[at].chain].site;
            self.inspect(site, Finding::NonConformant);
            self.stand(at, CertificateStanding::Suspended, "kiểm tra đột xuất không đạt");
        }
        let unknown = event::CertificateStandingChanged {
            kind: CertificateKind::Globalgap.into(),
            number: format!("0000/{}", self.world.tag),
            standing: CertificateStanding::Revoked.into(),
            reason: "ghi nhầm số".to_owned(),
        };
        self.register_mistaken(Fact::CertificateStanding(unknown), &["UNKNOWN"]);
    }

    fn stand(&mut self, at: usize, standing: CertificateStanding, reason: &str) {
        let certificate = &mut self.world.office.certificates[at];
        certificate.standing = standing;
        let change = event::CertificateStandingChanged {
            kind: certificate.kind.into(),
            number: certificate.number.clone(),
            standing: standing.into(),
            reason: reason.to_owned(),
        };
        self.register(self.day, Fact::CertificateStanding(change));
    }

    /// The authority looks at a site.
    fn inspect(&mut self, site: SiteAt, finding: Finding) {
        let authority = self.world.authority.clone();
        let observe = Observe {
            site: self.site_word(site),
            kind: ObservationKind::Inspection.into(),
            what: "kiểm tra an toàn thực phẩm".to_owned(),
            reference: format!("BB-{}-{}", self.world.tag, self.date),
            finding: finding.into(),
            ..Observe::default()
        };
        let at = self.between_minutes(8 * 60, 11 * 60);
        self.record(&authority, At::Moment(at), Action::Observe(observe));
    }

    /// Shops are inspected, samples taken, certificates looked at.
    fn inspections(&mut self, most: usize) {
        self.wave = Wave::Heard;
        let authority = self.world.authority.clone();
        for (nth, (shop, lot, _)) in self.on_shelves(most).into_iter().enumerate() {
            // By turns, also where one a day is inspected.
            let (by, kind, what) = match (nth + self.day.unsigned_abs() as usize) % 3 {
                0 => (authority.clone(), ObservationKind::Sample, "dư lượng thuốc bảo vệ thực vật"),
                1 => (self.organization(shop), ObservationKind::CertificateCheck, "giấy chứng nhận của lô"),
                _ => (self.organization(shop), ObservationKind::Other, "vệ sinh kệ hàng"),
            };
            let observe = Observe {
                site: self.site_word(shop),
                lots: vec![self.reference(lot)],
                kind: kind.into(),
                what: what.to_owned(),
                finding: Finding::Conformant.into(),
                ..Observe::default()
            };
            let at = self.between_minutes(9 * 60, 17 * 60);
            self.record(&by, At::Moment(at), Action::Observe(observe));
            self.inspect(shop, Finding::Conformant);
        }
    }

    /// What the city aims at by the end of the year after.
    fn plan_of_the_year(&mut self) {
        use event::ProgrammeMeasure::{CraftVillagesRecognised, OcopFiveStars, OcopValid};
        let year = self.date.year() + 1;
        let due_day = jiff::civil::Date::new(year, 12, 31).map_or(self.day + 365, |date| BusinessDay::of(date).0);
        for (measure, value) in [(OcopValid, 400), (OcopFiveStars, 30), (CraftVillagesRecognised, 320)] {
            let source = format!("Kế hoạch Mẫu {} năm {year}", self.world.tag);
            self.register(self.day, Fact::Target(event::TargetSet { measure: measure.into(), value, due_day, source }));
        }
    }

    /// Districts that ended pass to what came after them, wholly or in parts. What a district becomes is the same in every run.
    fn pass_districts_on(&mut self) {
        let mut ended: Vec<usize> =
            (0..self.world.districts.len()).filter(|at| self.world.districts[*at].ends.is_some()).collect();
        self.dice.shuffle(&mut ended);
        for at in ended.into_iter().take(PASSED_ON) {
            let district = self.world.districts[at].clone();
            let Some(day) = district.ends.map(|date| BusinessDay::of(date).0) else { continue };
            let kind = if district.kind == "quận" { "phường" } else { "xã" };
            let shares: &[u32] = if at.is_multiple_of(2) { &[10_000] } else { &[6_000, 4_000] };
            for (part, &share_basis_points) in (1..).zip(shares) {
                let code = format!("{}-{part}", district.code);
                let name =
                    if part == 1 { format!("{kind} {}", district.name) } else { format!("{kind} {} {part}", district.name) };
                let after =
                    event::DistrictRegistered { district_code: code.clone(), name, kind: kind.to_owned(), ends_day: None };
                self.register(day, Fact::District(after));
                let passed = event::DistrictSucceeded {
                    from_district_code: district.code.clone(),
                    to_district_code: code,
                    share_basis_points,
                };
                self.register(day, Fact::DistrictSucceeded(passed));
            }
        }
    }

    /// Codes that were issued are scanned, and one of them is given up; those who lead chains have others issued for their products.
    fn codes(&mut self, many: usize) {
        let authority = self.world.authority.clone();
        let mut scans = Vec::new();
        for at in 0..self.world.office.codes.len().min(SCANNED) {
            let scan_count = self.dice.between(1, 40);
            let (code, district) = self.world.office.codes[at].clone();
            scans.push(ScanCount { code: code.to_string(), district, scan_count });
        }
        if !scans.is_empty() {
            self.record(&authority, At::Day, Action::CountScans(CountScans { scans }));
            let at = self.dice.below(self.world.office.codes.len());
            let code = self.world.office.codes.swap_remove(at).0.to_string();
            let revoke = RevokeCode { code: code.clone(), reason: "tem bị chép".to_owned() };
            self.record(&authority, At::Day, Action::RevokeCode(revoke.clone()));
            self.mistake(&authority, At::Day, Action::RevokeCode(revoke), &["CONTRADICTION"]);
        }
        for _ in 0..many {
            let at = self.dice.below(self.world.chains.len());
            let (lead, district) = (self.world.chains[at].lead.clone(), self.world.chains[at].district.clone());
            let Some(&product) = self.dice.pick(&self.world.chains[at].products) else { continue };
            let product = self.product_word(product);
            let id = self.record(&lead, At::Day, Action::IssueCode(IssueCode { product, lot: None }));
            // What the registry took for a code is one.
            let Ok(organization) = OrganizationCode::parse(&lead) else { continue };
            self.world.office.codes.push((TraceCode::derive(&organization, CommandId(id)), district));
        }
    }

    /// Products are entered in the OCOP programme; most of what was entered before a run's first day was graded before.
    fn dossiers(&mut self, many: usize, before: bool) {
        for _ in 0..many {
            let chain = self.dice.below(self.world.chains.len());
            let mut products = self.world.chains[chain].products.clone();
            products.retain(|product| self.world.products[*product].ocop_group > 0);
            let Some(&product) = self.dice.pick(&products) else { continue };
            self.world.office.dossiers += 1;
            let dossier_number = format!("OCOP-{:04}-{}", self.world.office.dossiers, self.world.tag);
            let entered = if before { self.dice.between(90, 1_200) } else { 0 };
            let registered = event::OcopRegistered {
                dossier_number: dossier_number.clone(),
                subject_code: self.world.chains[chain].lead.clone(),
                product_code: self.world.products[product].code.clone(),
                district_code: self.world.chains[chain].district.clone(),
            };
            self.register(self.ago(entered), Fact::OcopRegistered(registered));
            if before && self.dice.between(1, 100) <= GRADED_PERCENT {
                self.decide(dossier_number, self.ago(entered - 60));
            } else {
                self.world.office.ungraded.push(dossier_number);
            }
        }
    }

    /// The council sits on the oldest dossiers.
    fn grade(&mut self, most: usize) {
        let most = most.min(self.world.office.ungraded.len());
        for dossier in self.world.office.ungraded.drain(..most).collect::<Vec<_>>() {
            self.decide(dossier, self.day);
        }
        // Parts A, B and C as they were before 2023.
        let by_the_old_rule = event::OcopGraded {
            dossier_number: format!("OCOP-{:04}-{}", 1, self.world.tag),
            rule: event::OcopRule::Decision1048.into(),
            community_hundredths: 3_500,
            marketing_hundredths: 2_500,
            quality_hundredths: 4_000,
            level: event::GradingLevel::Province.into(),
            decision_number: "nhầm quyết định".to_owned(),
        };
        if OcopRule::on(BusinessDay(self.day)) == OcopRule::Decision148 && self.world.office.dossiers > 0 {
            self.register_mistaken(Fact::OcopGraded(by_the_old_rule), &["MALFORMED"]);
        }
    }

    fn decide(&mut self, dossier_number: String, day: i32) {
        let rule = OcopRule::on(BusinessDay(day));
        // Most are worth three or four stars, some five, a few two.
        let percent = self.dice.between(35, 98);
        let [community_hundredths, marketing_hundredths, quality_hundredths] =
            rule.most_points().map(|most| u32::try_from(i64::from(most) * percent).unwrap_or_default());
        let level = match percent {
            90.. => event::GradingLevel::Central,
            70.. => event::GradingLevel::Province,
            _ => event::GradingLevel::District,
        };
        let rule = match rule {
            OcopRule::Decision1048 => event::OcopRule::Decision1048,
            OcopRule::Decision148 => event::OcopRule::Decision148,
        };
        self.world.office.decisions += 1;
        let graded = event::OcopGraded {
            dossier_number,
            rule: rule.into(),
            community_hundredths,
            marketing_hundredths,
            quality_hundredths,
            level: level.into(),
            decision_number: format!("{:03}/QĐ-{}", self.world.office.decisions, self.world.tag),
        };
        self.register(day, Fact::OcopGraded(graded));
    }

    /// A case is opened each day, one goes a step on, and one ends: by turns it is granted, refused, or given up. Those of before the
    /// first day had come as far as their publication.
    fn trademarks(&mut self, before: bool) {
        use event::TrademarkStep::{Filed, Granted, Opened, Published, Refused, Withdrawn};
        if before {
            for _ in 0..6 {
                self.open_case(self.ago(300));
                self.step_on(self.world.office.cases.len() - 1, Filed, self.ago(240));
                self.step_on(self.world.office.cases.len() - 1, Published, self.ago(60));
            }
        }
        let ended = self.world.office.cases.iter().position(|case| case.step == Published);
        if let Some(at) = ended {
            let step = [Granted, Refused, Withdrawn][self.world.office.ended as usize % 3];
            self.world.office.ended += 1;
            self.step_on(at, step, self.day);
            let case = self.world.office.cases.remove(at);
            if step == Granted {
                self.certify(CertificateKind::Trademark, case.chain, self.day);
            }
        }
        let next = self.world.office.cases.iter().position(|case| matches!(case.step, Opened | Filed));
        if let Some(at) = next {
            let step = if self.world.office.cases[at].step == Opened { Filed } else { Published };
            self.step_on(at, step, self.day);
        }
        self.open_case(self.day);
    }

    fn open_case(&mut self, day: i32) {
        self.world.office.opened += 1;
        let chain = self.dice.below(self.world.chains.len());
        let number = format!("NH-{:04}-{}", self.world.office.opened, self.world.tag);
        let mark = self.world.chains[chain].name.split(' ').rev().take(2).collect::<Vec<_>>();
        let mark = mark.into_iter().rev().collect::<Vec<_>>().join(" ").to_uppercase();
        let step = event::TrademarkStep::Opened;
        self.world.office.cases.push(Case { number, chain, mark, step });
        self.step_on(self.world.office.cases.len() - 1, step, day);
    }

    fn step_on(&mut self, at: usize, step: event::TrademarkStep, day: i32) {
        use event::TrademarkStep::{Filed, Opened, Published};
        let case = &mut self.world.office.cases[at];
        case.step = step;
        let stepped = event::TrademarkCaseStepped {
            case_number: case.number.clone(),
            subject_code: self.world.chains[case.chain].lead.clone(),
            mark: case.mark.clone(),
            step: step.into(),
            due_day: matches!(step, Opened | Filed | Published).then_some(day + 120),
        };
        self.register(day, Fact::TrademarkCase(stepped));
    }

    /// Craft villages; a quarter of them are recognised.
    fn villages(&mut self, many: usize, before: bool) {
        for _ in 0..many {
            self.world.office.villages += 1;
            let nth = self.world.office.villages;
            let trade = TRADES[self.dice.below(TRADES.len())];
            let Some(chain) = self.dice.pick(&self.world.chains) else { return };
            let village = event::CraftVillageRegistered {
                village_code: format!("LN{nth:04}-{}", self.world.tag),
                name: format!("Làng nghề Mẫu {trade} {} {nth:04}", self.world.tag),
                trade: trade.to_owned(),
                district_code: chain.district.clone(),
                recognition_number: if nth.is_multiple_of(4) {
                    format!("{nth:04}/QĐ-{}", self.world.tag)
                } else {
                    String::new()
                },
            };
            let day = if before { self.once(30, 1_500) } else { self.day };
            self.register(day, Fact::CraftVillage(village));
        }
    }

    /// Labels are issued, and their makers tell what became of those of the day before.
    fn labels(&mut self, runs: usize) {
        let series = format!("HN-{}", self.world.tag);
        let counted = |fate: event::LabelFate, first: i64, last: i64| event::LabelsCounted {
            series: series.clone(),
            fate: fate.into(),
            first,
            last,
            subject_code: String::new(),
            product_code: String::new(),
        };
        for _ in 0..runs {
            let chain = self.dice.below(self.world.chains.len());
            let product = self.dice.pick(&self.world.chains[chain].products).copied();
            let first = self.world.office.last_label + 1;
            let last = self.world.office.last_label + LABELS;
            self.world.office.last_label = last;
            let issued = event::LabelsCounted {
                subject_code: self.world.chains[chain].lead.clone(),
                product_code: product.map(|product| self.world.products[product].code.clone()).unwrap_or_default(),
                ..counted(event::LabelFate::Issued, first, last)
            };
            self.register(self.ago(1), Fact::Labels(issued));
            let (used, spoiled) = (first + self.dice.between(1_000, 4_000), self.dice.between(5, 60));
            let voided = self.dice.between(1, 20);
            self.register(self.day, Fact::Labels(counted(event::LabelFate::Used, first, used)));
            self.register(self.day, Fact::Labels(counted(event::LabelFate::Spoiled, used + 1, used + spoiled)));
            self.register(self.day, Fact::Labels(counted(event::LabelFate::Voided, last - voided, last)));
            if self.dice.chance(200) {
                let again = counted(event::LabelFate::Used, used, used + 1);
                self.register_mistaken(Fact::Labels(again), &["CONTRADICTION"]);
            }
        }
    }

    /// Shops are restricted for some days, and open again; goods still come to them.
    fn restrictions(&mut self, most: usize) {
        let day = self.day;
        for (shop, _) in self.world.office.restricted.extract_if(.., |(_, until)| *until <= day).collect::<Vec<_>>() {
            self.site_stands(shop, event::SiteStanding::Open, None, "hết phong tỏa");
        }
        for _ in 0..most {
            let Some(&shop) = self.dice.pick(&self.world.shops) else { return };
            if self.world.office.restricted.iter().all(|(restricted, _)| *restricted != shop) {
                self.site_stands(shop, event::SiteStanding::Restricted, None, "phong tỏa tạm thời");
                self.world.office.restricted.push((shop, day + RESTRICTED_DAYS));
            }
        }
    }

    /// A site stands so from today on, to a last day where one is known.
    pub(super) fn site_stands(&mut self, site: SiteAt, standing: event::SiteStanding, until_day: Option<i32>, reason: &str) {
        let site_code = self.world.sites[site].code.clone();
        let change = event::SiteStandingChanged { site_code, standing: standing.into(), until_day, reason: reason.to_owned() };
        self.register(self.day, Fact::SiteStanding(change));
    }

    /// A chain declares that it can carry somewhat more or less; now and then one plans other shares for its channels.
    fn chains(&mut self, nth: u32) {
        let chain = self.dice.below(self.world.chains.len());
        let percent = self.dice.between(95, 106);
        let it = &mut self.world.chains[chain];
        it.capacity_milli = (it.capacity_milli * percent / 100 / 1_000).max(1) * 1_000;
        let declared = event::CapacityDeclared {
            chain_code: it.code.clone(),
            quantity_per_day_milli: it.capacity_milli,
            unit: if it.by_pieces { "H87" } else { "KGM" }.to_owned(),
        };
        self.register(self.day, Fact::Capacity(declared));
        if !nth.is_multiple_of(CHAIN_CHANGES) {
            return;
        }
        let it = &mut self.world.chains[chain];
        it.shares.rotate_left(1);
        let share = |at: usize| u32::try_from(it.shares[at]).unwrap_or_default();
        let known = event::ChainRegistered {
            chain_code: it.code.clone(),
            name: it.name.clone(),
            lead_organization_code: it.lead.clone(),
            district_code: it.district.clone(),
            group_code: it.group.clone(),
            share_supermarket_percent: share(0),
            share_general_percent: share(1),
            share_specialty_percent: share(2),
        };
        self.register(self.day, Fact::Chain(known));
    }
}
