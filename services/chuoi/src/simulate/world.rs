//! What the simulation knows: chains, sites and products from the tables, and a small book of what lies where, so that a planned
//! sale fits what is there. Knows no rule beyond that; the recorder judges.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::registry::SiteKind;
use domain::id::{LotCode, LotId, OrganizationCode, ProductCode};
use domain::text;
use domain::unit::BaseUnit;
use uuid::Uuid;

use super::fair::{Fair, Season};
use super::office::Office;
use crate::reference::{District, Tables, brand_owner, lead_code, pieces, runs};

/// Index of a chain.
pub type ChainAt = usize;
/// Index of a site.
pub type SiteAt = usize;
/// Index of a product.
pub type ProductAt = usize;
/// Index of a lot.
pub type LotAt = usize;

/// A product kind.
pub struct Product {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// GTIN; may be empty.
    pub gtin: String,
    /// Unit in which stock is counted.
    pub unit: BaseUnit,
    /// Grams in one base unit.
    pub mass_gram: i64,
    /// Pieces in one base unit.
    pub pieces: i64,
    /// Days that it keeps; 0 if it does not expire.
    pub shelf_life_days: i32,
    /// Group.
    pub group: String,
    /// OCOP group; 0 if none.
    pub ocop_group: u32,
    /// Owner of its GTIN.
    pub brand_owner: Option<String>,
    /// Chains that supply it.
    pub chains: Vec<ChainAt>,
}

impl Product {
    /// Least amount in which it is handled: a piece, or 100 g or ml.
    pub fn step(&self) -> i64 {
        if self.unit == BaseUnit::Piece { 1_000 } else { 100 }
    }

    /// An amount as whole steps, rounded down, one at least.
    pub fn whole(&self, milli: i64) -> i64 {
        (milli / self.step()).max(1) * self.step()
    }

    /// Grams in an amount.
    pub fn grams(&self, milli: i64) -> i64 {
        // Amounts of a day are far below what i64 holds.
        milli * self.mass_gram / 1_000
    }
}

/// A chain.
pub struct Chain {
    /// Code.
    pub code: String,
    /// Organization that leads it.
    pub lead: String,
    /// Its own producing site.
    pub site: SiteAt,
    /// Products that it supplies.
    pub products: Vec<ProductAt>,
    /// What each product is packed or made from, where the chain has such a product.
    pub sources: BTreeMap<ProductAt, ProductAt>,
    /// Declared capacity a day, in thousandths.
    pub capacity_milli: i64,
    /// Whether the capacity is in pieces.
    pub by_pieces: bool,
    /// Planned shares of supermarkets, general stores, specialty stores.
    pub shares: [i64; 3],
    /// Shared site that packs, slaughters or processes for it.
    pub hub: Option<SiteAt>,
    /// Distribution centre through which part of its goods go.
    pub center: Option<SiteAt>,
    /// Group.
    pub group: String,
    /// Name.
    pub name: String,
    /// District of its lead.
    pub district: String,
}

/// A site.
pub struct Site {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// GLN; may be empty.
    pub gln: String,
    /// What it is.
    pub kind: SiteKind,
    /// Organization that runs it.
    pub organization: String,
    /// How the shop keeps its book.
    pub keeping: Keeping,
}

/// How a shop keeps its book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Its till sends a file at the end of the day: sales by product, dated to the day.
    Till,
    /// A clerk scans lots as they are sold.
    Scanner,
}

/// A lot that began or was opened.
pub struct Lot {
    /// Organization that assigned the code.
    pub issuer: String,
    /// Its product.
    pub product: ProductAt,
    /// Its code.
    pub code: String,
    /// Its chain.
    pub chain: ChainAt,
    /// Last day on which it may be sold.
    pub expiry: Option<i32>,
    /// Day of its harvest, where known.
    pub harvest_day: Option<i32>,
    /// Its id, for the order in which lots leave.
    pub id: LotId,
}

/// A shipment that is on its way.
#[derive(Clone)]
pub struct Shipment {
    /// Organization that issued its code.
    pub issuer: String,
    /// Its code.
    pub code: String,
    /// Where it goes.
    pub to: SiteAt,
    /// What is on it: one line a lot.
    pub lines: Vec<(LotAt, i64)>,
    /// Whether its dispatch is recorded only later.
    pub unlogged: bool,
}

/// Everything that the simulation knows.
pub struct World {
    /// Product kinds.
    pub products: Vec<Product>,
    /// Chains.
    pub chains: Vec<Chain>,
    /// Sites.
    pub sites: Vec<Site>,
    /// Sites where consumers buy.
    pub shops: Vec<SiteAt>,
    /// Names without marks that fit two products.
    pub ambiguous: Vec<String>,
    /// Lots.
    pub lots: Vec<Lot>,
    /// What each site holds.
    pub stock: BTreeMap<SiteAt, BTreeMap<LotAt, i64>>,
    /// What each site held at the end of the day before.
    pub evening_stock: BTreeMap<SiteAt, BTreeMap<LotAt, i64>>,
    /// Lots that were counted, or of which more was sold than the book had: today and the day before.
    pub settled: [BTreeSet<(SiteAt, LotAt)>; 2],
    /// Left in the evening, arrive the next morning.
    pub on_the_road: Vec<Shipment>,
    /// Ends every code, so that two runs never meet in one.
    pub tag: String,
    /// Organization that keeps the registry.
    pub authority: String,
    /// Administrative units.
    pub districts: Vec<District>,
    /// What the authority has in hand.
    pub office: Office,
    /// The product that is sold at fairs alone.
    pub season: Option<Season>,
    /// The last fair.
    pub fair: Option<Fair>,
    lot_count: usize,
    slips: BTreeMap<String, usize>,
}

impl World {
    /// The world of the tables at the beginning of a run.
    pub fn new(tables: &Tables, authority: &str, run: Uuid) -> World {
        let site_at: BTreeMap<&str, SiteAt> =
            tables.sites.iter().enumerate().map(|(at, site)| (site.code.as_str(), at)).collect();
        let chain_at: BTreeMap<&str, ChainAt> = tables.chains.iter().enumerate().map(|(at, it)| (it.code.as_str(), at)).collect();
        let product_at: BTreeMap<&str, ProductAt> =
            tables.products.iter().enumerate().map(|(at, it)| (it.code.as_str(), at)).collect();
        let mut supplied: Vec<Vec<ProductAt>> = vec![Vec::new(); tables.chains.len()];
        let mut suppliers: Vec<Vec<ChainAt>> = vec![Vec::new(); tables.products.len()];
        let mut primary: Vec<Option<&str>> = vec![None; tables.products.len()];
        for it in &tables.chain_products {
            let (chain, product) = (chain_at[it.chain.as_str()], product_at[it.product.as_str()]);
            supplied[chain].push(product);
            suppliers[product].push(chain);
            if it.is_primary {
                primary[product] = Some(&it.chain);
            }
        }
        let products: Vec<Product> = tables
            .products
            .iter()
            .zip(suppliers)
            .zip(primary)
            .map(|((it, chains), primary)| Product {
                code: it.code.clone(),
                name: it.name.clone(),
                gtin: it.gtin.clone(),
                unit: it.base_unit,
                mass_gram: it.mass_gram,
                pieces: pieces(it),
                shelf_life_days: i32::try_from(it.shelf_life_days).unwrap_or(i32::MAX),
                group: it.group.clone(),
                ocop_group: it.ocop_group,
                brand_owner: brand_owner(it, primary),
                chains,
            })
            .collect();
        let own_site: BTreeMap<&str, SiteAt> =
            tables.sites.iter().filter_map(|site| Some((site.chain.as_deref()?, site_at[site.code.as_str()]))).collect();
        let mut chains: Vec<Chain> = tables
            .chains
            .iter()
            .zip(supplied)
            .filter_map(|(it, supplied)| {
                Some(Chain {
                    code: it.code.clone(),
                    lead: lead_code(&it.code),
                    site: *own_site.get(it.code.as_str())?,
                    sources: sources(&products, &supplied),
                    products: supplied,
                    capacity_milli: it.capacity_milli,
                    by_pieces: it.capacity_unit == BaseUnit::Piece,
                    shares: it.share_percent.map(i64::from),
                    hub: None,
                    center: None,
                    group: it.group.clone(),
                    name: it.name.clone(),
                    district: it.district.clone(),
                })
            })
            .collect();
        let sites: Vec<Site> = tables
            .sites
            .iter()
            .enumerate()
            .map(|(at, it)| Site {
                code: it.code.clone(),
                name: it.name.clone(),
                gln: it.gln.clone(),
                kind: it.kind,
                organization: runs(it),
                keeping: if at % 2 == 0 { Keeping::Till } else { Keeping::Scanner },
            })
            .collect();
        let shared: Vec<SiteAt> =
            (0..sites.len()).filter(|at| tables.sites[*at].chain.is_none() && !sites[*at].kind.is_shop()).collect();
        share_out(&sites, &shared, &mut chains);
        let mut names: BTreeMap<String, Vec<ProductAt>> = BTreeMap::new();
        for (at, product) in products.iter().enumerate() {
            names.entry(text::fold(&product.name)).or_default().push(at);
        }
        World {
            shops: (0..sites.len()).filter(|at| sites[*at].kind.is_shop()).collect(),
            ambiguous: names.into_iter().filter(|(_, fits)| fits.len() > 1).map(|(name, _)| name).collect(),
            products,
            chains,
            sites,
            lots: Vec::new(),
            stock: BTreeMap::new(),
            evening_stock: BTreeMap::new(),
            settled: Default::default(),
            on_the_road: Vec::new(),
            tag: tag(run),
            authority: authority.to_owned(),
            districts: tables.districts.clone(),
            office: Office::default(),
            season: None,
            fair: None,
            lot_count: 0,
            slips: BTreeMap::new(),
        }
    }

    /// A day begins: what was there yesterday evening is kept for what is told late.
    pub fn begin_day(&mut self) {
        for held in self.stock.values_mut() {
            held.retain(|_, milli| *milli != 0);
        }
        self.evening_stock.clone_from(&self.stock);
        self.settled.swap(0, 1);
        self.settled[0].clear();
        self.lot_count = 0;
        self.slips.clear();
    }

    /// A lot code that nobody has: L261124-0042-K7F2Q, up to 20 characters.
    pub fn lot_code(&mut self, date: &str) -> String {
        self.lot_count += 1;
        format!("L{}{}{}-{:04}-{}", &date[2..4], &date[5..7], &date[8..10], self.lot_count, self.tag)
    }

    /// The number of an organization's next issue slip (phiếu xuất kho), as they are numbered: by issuer and year. The day of the
    /// year leads, so that days do not have to know of each other.
    pub fn slip(&mut self, organization: &str, year: i16, day_of_year: i16) -> String {
        let count = self.slips.entry(organization.to_owned()).or_insert(0);
        *count += 1;
        format!("PXK-{year}-{day_of_year:03}{count:03}-{}", self.tag)
    }

    /// A new lot.
    pub fn add_lot(
        &mut self,
        chain: ChainAt,
        product: ProductAt,
        code: String,
        expiry: Option<i32>,
        harvest_day: Option<i32>,
    ) -> LotAt {
        let issuer = self.chains[chain].lead.clone();
        let parsed = (OrganizationCode::parse(&issuer), ProductCode::parse(&self.products[product].code), LotCode::parse(&code));
        let id = match parsed {
            (Ok(issuer), Ok(product), Ok(code)) => LotId::derive(&issuer, &product, &code),
            // Such a lot would be refused, and its order among others does not matter.
            _ => LotId(Uuid::nil()),
        };
        self.lots.push(Lot { issuer, product, code, chain, expiry, harvest_day, id });
        self.lots.len() - 1
    }

    /// What a site holds of a lot.
    pub fn held(&self, site: SiteAt, lot: LotAt) -> i64 {
        self.stock.get(&site).and_then(|held| held.get(&lot)).copied().unwrap_or(0)
    }

    /// Goods come in, or go out below zero.
    pub fn change(&mut self, site: SiteAt, lot: LotAt, milli: i64) {
        let held = self.stock.entry(site).or_default().entry(lot).or_insert(0);
        *held += milli;
        debug_assert!(*held >= 0, "{} holds {held} of {}", self.sites[site].code, self.lots[lot].code);
    }

    /// Lots that a site holds, by product, each in the order in which they leave: by expiry, age, id.
    pub fn lots_at(&self, site: SiteAt) -> BTreeMap<ProductAt, Vec<(LotAt, i64)>> {
        let mut by_product: BTreeMap<ProductAt, Vec<(LotAt, i64)>> = BTreeMap::new();
        for (lot, milli) in self.stock.get(&site).into_iter().flatten().filter(|(_, milli)| **milli > 0) {
            by_product.entry(self.lots[*lot].product).or_default().push((*lot, *milli));
        }
        for lots in by_product.values_mut() {
            lots.sort_by_key(|(lot, _)| self.leaving_order(*lot));
        }
        by_product
    }

    fn leaving_order(&self, lot: LotAt) -> (i32, i32, LotId) {
        let lot = &self.lots[lot];
        (lot.expiry.unwrap_or(i32::MAX), lot.harvest_day.unwrap_or(i32::MAX), lot.id)
    }

    /// Whether a lot may be sold on a day.
    pub fn is_sellable(&self, lot: LotAt, day: i32) -> bool {
        self.lots[lot].expiry.is_none_or(|expiry| expiry >= day)
    }

    /// A day's variances are fixed: nothing dated before is told later.
    pub fn settle(&mut self, site: SiteAt, lot: LotAt) {
        self.settled[0].insert((site, lot));
    }

    /// Whether a lot was counted, or sold beyond the book, today or yesterday.
    pub fn is_settled(&self, site: SiteAt, lot: LotAt) -> bool {
        self.settled.iter().any(|settled| settled.contains(&(site, lot)))
    }
}

/// Five characters that name a run.
fn tag(run: Uuid) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    run.as_bytes().iter().take(5).map(|byte| char::from(DIGITS[usize::from(byte % 32)])).collect()
}

/// What is made from what: a product with the same first two words that is sold loose, or else comes in a larger pack.
fn sources(products: &[Product], supplied: &[ProductAt]) -> BTreeMap<ProductAt, ProductAt> {
    let kind = |at: ProductAt| products[at].name.split(' ').take(2).collect::<Vec<_>>();
    let is_loose = |at: ProductAt| products[at].unit == BaseUnit::Kilogram;
    let mut sources = BTreeMap::new();
    for &product in supplied.iter().filter(|at| !is_loose(**at)) {
        let of_kind = || supplied.iter().copied().filter(|other| *other != product && kind(*other) == kind(product));
        let larger = of_kind().filter(|other| products[*other].mass_gram > products[product].mass_gram);
        let source = of_kind().find(|other| is_loose(*other)).or_else(|| larger.max_by_key(|other| products[*other].mass_gram));
        if let Some(source) = source {
            sources.insert(product, source);
        }
    }
    // What is made from something is no source of something else: one step a day.
    let made: BTreeSet<ProductAt> = sources.keys().copied().collect();
    sources.retain(|_, source| !made.contains(source));
    sources
}

/// Gives the shared sites their chains: packing houses pack for growers, slaughterhouses and workshops for others; each
/// distribution centre carries for several of the largest.
fn share_out(sites: &[Site], shared: &[SiteAt], chains: &mut [Chain]) {
    let mut largest: Vec<ChainAt> = (0..chains.len()).collect();
    largest.sort_by_key(|at| (std::cmp::Reverse(chains[*at].capacity_milli), *at));
    let is_animal = |group: &str| matches!(group, "thit_lon" | "thit_bo" | "gia_cam" | "thuy_san" | "trung" | "sua");
    for &site in shared {
        let fits = |chain: &Chain| match sites[site].kind {
            SiteKind::PackingHouse => chain.group == "rau" || chain.group == "qua" || chain.group == "nam",
            SiteKind::Slaughterhouse => is_animal(&chain.group),
            SiteKind::Processor => true,
            _ => false,
        };
        let free = largest.iter().copied().find(|at| {
            let chain = &chains[*at];
            fits(chain) && chain.hub.is_none() && !chain.sources.is_empty()
        });
        if let Some(chain) = free {
            chains[chain].hub = Some(site);
        }
    }
    let centers: Vec<SiteAt> = shared
        .iter()
        .copied()
        .filter(|at| matches!(sites[*at].kind, SiteKind::DistributionCenter | SiteKind::Warehouse))
        .collect();
    for (nth, &chain) in largest.iter().take(centers.len() * 6).enumerate() {
        chains[chain].center = centers.get(nth % centers.len()).copied();
    }
}
