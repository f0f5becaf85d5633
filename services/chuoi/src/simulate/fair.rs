//! A fair each week: its organizer and stalls are registered, one of them twice, and open for three days; chains sell there, one of
//! them a product of the season. After it the stalls are closed, then everything that was registered for it is retired. Whatever is
//! closed, merged or retired here is the run's own, so that no other run meets it.

use domain::event::registry::SiteKind;
use domain::unit::BaseUnit;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::event::v1::registered_thing::Thing;
use wire::proto::chuoi::event::v1::{RegisteredThing, SiteStanding, WasteReason, chain_member_joined, chain_member_left};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::register::Fact;
use wire::proto::chuoi::record::v1::{Harvest, NewLot, Sell, Waste};

use super::plan::{At, Planner, Said, Wave};
use super::world::{ChainAt, Keeping, LotAt, Product, ProductAt, Site, SiteAt};

/// Days from one fair to the next, and days that one lasts.
const WEEK: u32 = 7;
const LASTS: u32 = 3;
/// Stalls of a usual fair besides the organizer's.
const STALLS: usize = 8;
/// What each stall gets a day, in steps of its product.
const STEPS: (i64, i64) = (20, 80);
/// Nominal mass and shelf life of the product of the season.
const MASS_GRAM: i64 = 200;
const SHELF_LIFE_DAYS: u32 = 60;

/// A fair that is on, or was last.
pub struct Fair {
    organizer: String,
    gln: String,
    /// The organizer's stall.
    common: SiteAt,
    /// Stalls with the chains that sell there.
    stalls: Vec<(SiteAt, ChainAt)>,
    /// Who sells the product of the season for a day without being allowed to later.
    guest: ChainAt,
}

/// What is sold at fairs alone.
#[derive(Clone)]
pub struct Season {
    product: ProductAt,
    chain: ChainAt,
    gtin: String,
}

fn thing(thing: Thing) -> Option<RegisteredThing> {
    Some(RegisteredThing { thing: Some(thing) })
}

impl Planner<'_> {
    /// What of a fair falls on the nth day.
    pub(super) fn fair(&mut self, nth: u32, scale: usize) {
        let season = match &self.world.season {
            Some(season) => season.clone(),
            None => self.begin_season(),
        };
        let day = nth % WEEK;
        if day == 0 {
            self.open_fair(nth, (STALLS * scale.min(100) / 100).max(1), &season);
        }
        let Some(fair) = self.world.fair.take() else { return };
        match day {
            ..LASTS => {
                self.sell_of_the_season(&fair, &season, day);
                self.sell_at_stalls(&fair, day);
            }
            LASTS => self.after_the_fair(&fair, &season),
            4 => self.retire_fair(&fair),
            _ => {}
        }
        self.world.fair = Some(fair);
    }

    /// Twelve digits out of the dice under a prefix that no table uses, and their check digit.
    fn gs1_number(&mut self) -> String {
        let digits = format!("9529{:08}", self.dice.between(0, 99_999_999));
        let weighted = |(place, digit): (usize, u8)| u32::from(digit - b'0') * if place % 2 == 0 { 1 } else { 3 };
        let sum: u32 = digits.bytes().enumerate().map(weighted).sum();
        format!("{digits}{}", (10 - sum % 10) % 10)
    }

    /// A chain has a new product, which somebody registers twice; it gets a number of its own.
    fn begin_season(&mut self) -> Season {
        self.wave = Wave::Office;
        let chain = self.dice.below(self.world.chains.len());
        let (tag, lead) = (self.world.tag.clone(), self.world.chains[chain].lead.clone());
        let (code, name) = (format!("PK-{tag}"), format!("Mứt sen Mẫu {tag} hộp {MASS_GRAM} g"));
        let registered = |product_code: String, name: String, group_code: String| event::ProductRegistered {
            product_code,
            name,
            name_en: format!("Lotus jam {tag}"),
            group_code,
            ocop_group: 1,
            base_unit: BaseUnit::Piece.code().to_owned(),
            indivisible: true,
            mass_gram: MASS_GRAM,
            pieces: 1,
            content_milli: MASS_GRAM * 1_000,
            content_unit: "GRM".to_owned(),
            content_kind: "fixed".to_owned(),
            shelf_life_days: SHELF_LIFE_DAYS,
            ..event::ProductRegistered::default()
        };
        let group = self.world.chains[chain].group.clone();
        self.register(self.day, Fact::Product(registered(code.clone(), name.clone(), group.clone())));
        let again = format!("{code}-2");
        self.register(self.day, Fact::Product(registered(again.clone(), format!("{name} (ghi lại)"), group.clone())));
        self.merge(Thing::ProductCode(again), Thing::ProductCode(code.clone()));
        self.join(chain, &code, true);
        let gtin = format!("0{}", self.gs1_number());
        self.attach(Thing::ProductCode(code.clone()), &gtin, lead);
        let product = self.world.products.len();
        self.world.products.push(Product {
            code,
            name,
            gtin: String::new(),
            unit: BaseUnit::Piece,
            mass_gram: MASS_GRAM,
            pieces: 1,
            shelf_life_days: SHELF_LIFE_DAYS as i32,
            group,
            ocop_group: 1,
            brand_owner: None,
            chains: vec![chain],
        });
        let season = Season { product, chain, gtin };
        self.world.season = Some(season.clone());
        season
    }

    fn merge(&mut self, duplicate: Thing, survivor: Thing) {
        let merged =
            event::DuplicateMerged { duplicate: thing(duplicate), survivor: thing(survivor), reason: "ghi hai lần".to_owned() };
        self.register(self.day, Fact::DuplicateMerged(merged));
    }

    fn join(&mut self, chain: ChainAt, product: &str, is_primary: bool) {
        let chain_code = self.world.chains[chain].code.clone();
        let member = Some(chain_member_joined::Member::ProductCode(product.to_owned()));
        self.register(self.day, Fact::MemberJoined(event::ChainMemberJoined { chain_code, member, is_primary }));
    }

    fn attach(&mut self, named: Thing, number: &str, brand_owner_code: String) {
        let attached = event::NumberAttached {
            thing: thing(named),
            number: number.to_owned(),
            brand_owner_code,
            moved_from_code: String::new(),
        };
        self.register(self.day, Fact::NumberAttached(attached));
    }

    fn detach(&mut self, named: Thing, number: &str) {
        let detached = event::NumberDetached { thing: thing(named), number: number.to_owned() };
        self.register(self.day, Fact::NumberDetached(detached));
    }

    fn retire(&mut self, retired: Thing, reason: &str) {
        self.register(self.day, Fact::Retired(event::Retired { thing: thing(retired), reason: reason.to_owned() }));
    }

    /// The organizer and its stalls, open for the days of the fair.
    fn open_fair(&mut self, nth: u32, stalls: usize, season: &Season) {
        self.wave = Wave::Office;
        let (week, tag) = (nth / WEEK + 1, self.world.tag.clone());
        let code = self.world.products[season.product].code.clone();
        if nth > 0 {
            let reinstated =
                event::Reinstated { thing: thing(Thing::ProductCode(code.clone())), reason: "hội chợ mới".to_owned() };
            self.register(self.day, Fact::Reinstated(reinstated));
            let lead = self.world.chains[season.chain].lead.clone();
            self.attach(Thing::ProductCode(code.clone()), &season.gtin, lead);
        }
        let chains = self.world.chains.len();
        let guest = (season.chain + 1 + self.dice.below(chains.max(2) - 1)) % chains;
        if guest != season.chain {
            self.join(guest, &code, false);
        }
        let organizer = format!("BTC{week}-{tag}");
        for (code, words) in [(organizer.clone(), ""), (format!("{organizer}-2"), " (ghi lại)")] {
            let registered = event::OrganizationRegistered {
                organization_code: code,
                name: format!("Ban tổ chức hội chợ Mẫu {week} {tag}{words}"),
                kind: event::OrganizationKind::Distributor.into(),
                gln: String::new(),
            };
            self.register(self.day, Fact::Organization(registered));
        }
        self.merge(Thing::OrganizationCode(format!("{organizer}-2")), Thing::OrganizationCode(organizer.clone()));
        let gln = self.gs1_number();
        self.attach(Thing::OrganizationCode(organizer.clone()), &gln, String::new());
        let common = self.stall(week, 0, &organizer);
        let mut sellers: Vec<ChainAt> = (0..chains).collect();
        self.dice.shuffle(&mut sellers);
        let stalls = (1..).zip(sellers.into_iter().take(stalls));
        let stalls = stalls
            .map(|(number, chain)| {
                let lead = self.world.chains[chain].lead.clone();
                (self.stall(week, number, &lead), chain)
            })
            .collect();
        self.world.fair = Some(Fair { organizer, gln, common, stalls, guest });
    }

    /// A stall that is open for the days of the fair.
    fn stall(&mut self, week: u32, number: usize, organization: &str) -> SiteAt {
        let tag = self.world.tag.clone();
        let code = format!("HC{week}-{number:02}-{tag}");
        let stall = self.register_stall(code, format!("Gian hàng Mẫu {week}-{number:02} {tag}"), organization);
        let last = self.day + LASTS as i32 - 1;
        self.site_stands(stall, SiteStanding::Open, Some(last), "hội chợ");
        stall
    }

    fn register_stall(&mut self, code: String, name: String, organization: &str) -> SiteAt {
        let district_code = self.dice.pick(&self.world.chains).map(|chain| chain.district.clone()).unwrap_or_default();
        let registered = event::SiteRegistered {
            site_code: code.clone(),
            name: name.clone(),
            kind: event::SiteKind::FairStall.into(),
            organization_code: organization.to_owned(),
            district_code,
            gln: String::new(),
            latitude_e6: 21_030_000,
            longitude_e6: 105_850_000,
        };
        self.register(self.day, Fact::Site(registered));
        self.world.sites.push(Site {
            code,
            name,
            gln: String::new(),
            kind: SiteKind::FairStall,
            organization: organization.to_owned(),
            keeping: Keeping::Scanner,
        });
        self.world.sites.len() - 1
    }

    /// A lot that is harvested for a stall, goes there and is taken in.
    fn bring(&mut self, chain: ChainAt, product: ProductAt, stall: SiteAt) -> (LotAt, i64) {
        self.wave = Wave::Farms;
        let milli = self.world.products[product].step() * self.dice.between(STEPS.0, STEPS.1);
        let lot = self.harvest(chain, product, milli, false);
        let at = self.between_minutes(200, 260);
        let shipment = self.dispatch(self.world.chains[chain].site, stall, &[(lot, milli)], At::Moment(at));
        self.wave = Wave::Shops;
        let at = self.between_minutes(6 * 60, 7 * 60);
        self.receive_all(stall, &shipment, At::Moment(at));
        (lot, milli)
    }

    fn sell_at(&mut self, stall: SiteAt, lot: LotAt, milli: i64, at: i64) {
        self.wave = Wave::Late;
        let sell = Sell { site: self.site_word(stall), lines: self.lines(&[(lot, milli)]), ..Sell::default() };
        self.record_said(&self.organization(stall), At::Moment(at), Action::Sell(sell), Said::default());
        self.world.change(stall, lot, -milli);
    }

    /// The organizer sells it. On the first day the goods are taken in under a code under which somebody had registered the stall
    /// before; that is found out in the evening, and what is sold then is brought under the stall's own code.
    fn sell_of_the_season(&mut self, fair: &Fair, season: &Season, day: u32) {
        let (lot, milli) = if day == 0 {
            self.wave = Wave::Office;
            let (code, name) = (self.world.sites[fair.common].code.clone(), self.world.sites[fair.common].name.clone());
            let again = self.register_stall(format!("{code}B"), format!("{name} (ghi lại)"), &fair.organizer);
            let (lot, milli) = self.bring(season.chain, season.product, again);
            self.wave = Wave::Evening;
            self.merge(Thing::SiteCode(format!("{code}B")), Thing::SiteCode(code));
            self.world.change(again, lot, -milli);
            self.world.change(fair.common, lot, milli);
            (lot, milli)
        } else {
            self.bring(season.chain, season.product, fair.common)
        };
        let sold = self.world.products[season.product].whole(milli / 2);
        let at = self.between_minutes(19 * 60, 21 * 60);
        self.sell_at(fair.common, lot, sold, at);
        if day == 1 && fair.guest != season.chain {
            self.guest_leaves(fair.guest, season.product);
        }
    }

    /// What the chain may supply no longer it harvests no longer.
    fn guest_leaves(&mut self, guest: ChainAt, product: ProductAt) {
        self.wave = Wave::Office;
        let (chain, code) = (&self.world.chains[guest], self.world.products[product].code.clone());
        let left =
            event::ChainMemberLeft { chain_code: chain.code.clone(), member: Some(chain_member_left::Member::ProductCode(code)) };
        self.register(self.day, Fact::MemberLeft(left));
        self.harvest_in_vain(guest, product, &["NOT_IN_CHAIN"]);
    }

    fn harvest_in_vain(&mut self, chain: ChainAt, product: ProductAt, reasons: &'static [&'static str]) {
        self.wave = Wave::Farms;
        let (site, lead) = (self.world.chains[chain].site, self.world.chains[chain].lead.clone());
        let harvest = Harvest {
            site: self.world.sites[site].code.clone(),
            lot: Some(NewLot {
                product: self.world.products[product].code.clone(),
                lot_code: self.world.lot_code(&self.date.to_string()),
                chain: self.world.chains[chain].code.clone(),
                ..NewLot::default()
            }),
            quantity: self.quantity(product, 10_000),
            ..Harvest::default()
        };
        let at = self.between_minutes(60, 120);
        self.mistake(&lead, At::Moment(at), Action::Harvest(harvest), reasons);
    }

    /// Chains sell what they grow. An inspector closes a stall for the second day, when what stands there may be sold and nothing
    /// else comes; on the last evening the rest goes home.
    fn sell_at_stalls(&mut self, fair: &Fair, day: u32) {
        for (nth, &(stall, chain)) in fair.stalls.iter().enumerate() {
            let product = self.world.chains[chain].products[self.dice.below(self.world.chains[chain].products.len())];
            if day == 1 && nth == 0 {
                self.wave = Wave::Office;
                self.site_stands(stall, SiteStanding::Closed, Some(self.day), "kiểm tra vệ sinh");
                self.send_in_vain(chain, stall, &["SITE_CLOSED"]);
            } else {
                if day == 2 && nth == 0 {
                    self.wave = Wave::Office;
                    self.site_stands(stall, SiteStanding::Open, Some(self.day), "đã khắc phục");
                }
                self.bring(chain, product, stall);
            }
            let on_hand: Vec<(LotAt, i64)> = self.world.lots_at(stall).into_values().flatten().collect();
            for (lot, held) in on_hand {
                if !self.world.is_sellable(lot, self.day) {
                    continue;
                }
                let product = &self.world.products[self.world.lots[lot].product];
                let milli = product.whole(held * self.dice.between(300, 900) / 1_000).min(held);
                let at = self.between_minutes(9 * 60, 20 * 60);
                self.sell_at(stall, lot, milli, at);
            }
            if day + 1 == LASTS {
                self.go_home(stall, chain);
            }
        }
    }

    fn go_home(&mut self, stall: SiteAt, chain: ChainAt) {
        let rest: Vec<(LotAt, i64)> = self.world.lots_at(stall).into_values().flatten().collect();
        if rest.is_empty() {
            return;
        }
        self.wave = Wave::Stopped;
        let home = self.world.chains[chain].site;
        let at = self.between_minutes(20 * 60 + 30, 21 * 60);
        let shipment = self.dispatch(stall, home, &rest, At::Moment(at));
        self.receive_all(home, &shipment, At::Moment(at + 5_400));
    }

    /// A truck that is sent to a stall which takes nothing in.
    fn send_in_vain(&mut self, chain: ChainAt, stall: SiteAt, reasons: &'static [&'static str]) {
        self.wave = Wave::Shops;
        let site = self.world.chains[chain].site;
        let Some(&(lot, _)) = self.world.lots_at(site).values().flatten().next() else { return };
        let (lead, step) = (self.organization(site), self.world.products[self.world.lots[lot].product].step());
        let code = self.slip(&lead);
        let dispatch = self.dispatch_of(site, stall, &code, &[(lot, step)]);
        let at = self.between_minutes(300, 400);
        self.mistake(&lead, At::Moment(at), Action::Dispatch(dispatch), reasons);
    }

    /// The stalls are closed by themselves; what is left of the product of the season is given away, and it is out of use.
    fn after_the_fair(&mut self, fair: &Fair, season: &Season) {
        for &(stall, chain) in &fair.stalls {
            self.send_in_vain(chain, stall, &["SITE_CLOSED"]);
        }
        let rest: Vec<(LotAt, i64)> = self.world.lots_at(fair.common).into_values().flatten().collect();
        if !rest.is_empty() {
            self.wave = Wave::Shops;
            let waste =
                Waste { site: self.site_word(fair.common), lines: self.lines(&rest), reason: WasteReason::Donated.into() };
            let at = self.between_minutes(8 * 60, 10 * 60);
            self.record(&fair.organizer, At::Moment(at), Action::Waste(waste));
            rest.iter().for_each(|(lot, milli)| self.world.change(fair.common, *lot, -milli));
        }
        self.wave = Wave::Office;
        let code = self.world.products[season.product].code.clone();
        self.detach(Thing::ProductCode(code.clone()), &season.gtin);
        self.retire(Thing::ProductCode(code), "hết mùa");
        self.harvest_in_vain(season.chain, season.product, &["RETIRED"]);
    }

    /// Nobody needs the stalls and the organizer any more.
    fn retire_fair(&mut self, fair: &Fair) {
        self.wave = Wave::Office;
        for stall in fair.stalls.iter().map(|(stall, _)| *stall).chain([fair.common]) {
            self.retire(Thing::SiteCode(self.world.sites[stall].code.clone()), "hội chợ kết thúc");
        }
        self.detach(Thing::OrganizationCode(fair.organizer.clone()), &fair.gln);
        self.retire(Thing::OrganizationCode(fair.organizer.clone()), "hội chợ kết thúc");
    }
}
