//! What happens besides the way to the shelf, late in the evening when the day's sales are over: crates that are packed and come
//! back, temperatures, customers' returns, lots that are held or recalled and released, and discrepancies that somebody looks at.

use uuid::Uuid;
use wire::proto::chuoi::event::v1::{ObservationKind, RecallForm, ReturnReason, Temperature, Treatment, WasteReason};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{
    AcknowledgeRecall, CancelShipment, CloseOrder, CommandReference, CustomerReturn, Dispatch, Hold, Observe, OrderLine, Pack,
    Recall, Release, Resolve, Sell, Unpack, Waste,
};

use super::plan::{At, Planner, Said, Wave, reference_of};
use super::world::{LotAt, SiteAt};

/// Shops that read a temperature each day, of a usual day's trade.
const READ: usize = 40;
/// Plots that are treated.
const TREATED: usize = 12;
/// Goods that customers bring back.
const BROUGHT_BACK: usize = 20;
/// Crates that are packed, sent off and come back.
const CRATES: usize = 5;
/// Lots that are held or recalled.
const STOPPED: usize = 6;
/// Discrepancies that somebody looks at.
const LOOKED_AT: usize = 8;

/// Orders that nobody serves and that their shops give up.
const GIVEN_UP: usize = 6;

/// Minutes of the day.
const RETURNED: i64 = 22 * 60 + 32;
const CRATED: i64 = 22 * 60;
const STOPPED_AT: i64 = 22 * 60 + 40;
const TRIED_AT: i64 = 22 * 60 + 50;
const RELEASED_AT: i64 = 23 * 60 + 30;

impl Planner<'_> {
    /// All of it.
    pub(super) fn safety(&mut self, scale: usize) {
        let of = |usual: usize| (usual * scale / 100).max(1);
        self.crates(of(CRATES));
        self.wave = Wave::Heard;
        self.temperatures(of(READ));
        self.treatments(of(TREATED));
        self.brought_back(of(BROUGHT_BACK));
        self.looked_at(of(LOOKED_AT));
        self.stopped(of(STOPPED));
        self.given_up(of(GIVEN_UP));
    }

    /// Shops with a lot that may be sold and that was not counted today, at random.
    pub(super) fn on_shelves(&mut self, most: usize) -> Vec<(SiteAt, LotAt, i64)> {
        let mut shops = self.world.shops.clone();
        self.dice.shuffle(&mut shops);
        let mut found = Vec::new();
        for shop in shops {
            if found.len() == most {
                break;
            }
            let lots: Vec<(LotAt, i64)> = self.world.lots_at(shop).into_values().flatten().collect();
            let fits = |(lot, milli): &&(LotAt, i64)| {
                let step = self.world.products[self.world.lots[*lot].product].step();
                *milli >= 3 * step && self.world.is_sellable(*lot, self.day) && !self.world.is_settled(shop, *lot)
            };
            if let Some((lot, milli)) = lots.iter().find(fits) {
                found.push((shop, *lot, *milli));
            }
        }
        found
    }

    /// What stayed behind at a farm is crated and sent off; the truck turns round, and the crate is emptied.
    fn crates(&mut self, most: usize) {
        self.wave = Wave::Stopped;
        let mut chains: Vec<usize> = (0..self.world.chains.len()).collect();
        self.dice.shuffle(&mut chains);
        let mut done = 0;
        for chain in chains {
            let site = self.world.chains[chain].site;
            let lots: Vec<(LotAt, i64)> = self.world.lots_at(site).into_values().flatten().collect();
            let Some(&(lot, held)) = lots.first() else { continue };
            let (Some(&shop), true) = (self.dice.pick(&self.world.shops), done < most) else { return };
            done += 1;
            let organization = self.organization(site);
            let (sscc, at) = (self.sscc(), CRATED * 60 + self.dice.between(0, 600));
            let pack = Pack {
                site: self.site_word(site),
                sscc: sscc.clone(),
                lines: self.lines(&[(lot, held)]),
                unit_ssccs: Vec::new(),
            };
            self.record(&organization, At::Moment(at), Action::Pack(pack));
            let code = self.slip(&organization);
            let sent = Dispatch { sscc: sscc.clone(), lines: Vec::new(), ..self.dispatch_of(site, shop, &code, &[(lot, held)]) };
            let said = Said { slip: Some(code.clone()), ..Said::default() };
            self.record_said(&organization, At::Moment(at + 60), Action::Dispatch(sent), said);
            let shipment = super::world::Shipment {
                issuer: organization.clone(),
                code,
                to: shop,
                lines: vec![(lot, held)],
                unlogged: false,
            };
            let cancel = CancelShipment {
                shipment: reference_of(&shipment),
                lines: Vec::new(),
                everything: true,
                reason: "xe hỏng dọc đường".to_owned(),
            };
            self.record(&organization, At::Moment(at + 1_200), Action::CancelShipment(cancel));
            if self.dice.chance(500) {
                let emptied = Unpack { site: self.site_word(site), sscc, everything: true, ..Unpack::default() };
                self.record(&organization, At::Moment(at + 1_500), Action::Unpack(emptied));
            }
        }
    }

    /// Serial shipping container code of this run: a serial reference of ten digits out of the dice, and the check digit.
    fn sscc(&mut self) -> String {
        let serial = self.dice.between(0, 9_999_999_999);
        let digits = format!("0952141{serial:010}");
        let weighted = |(place, digit): (usize, u8)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 };
        let sum: u32 = digits.bytes().enumerate().map(weighted).sum();
        format!("{digits}{}", (10 - sum % 10) % 10)
    }

    /// Producers treat a plot, and wait before they harvest from it; not all of them, and then an inspector finds it.
    fn treatments(&mut self, most: usize) {
        for _ in 0..most {
            let chain = self.dice.below(self.world.chains.len());
            let (site, lead) = (self.world.chains[chain].site, self.world.chains[chain].lead.clone());
            let (substance, waiting_days) =
                [("Abamectin 1.8EC", 5), ("Emamectin benzoate", 3), ("Bacillus thuringiensis", 0)][self.dice.below(3)];
            let observe = Observe {
                site: self.site_word(site),
                kind: ObservationKind::Treatment.into(),
                what: substance.to_owned(),
                treatment: Some(Treatment { plot: format!("thua-{:02}", 1 + self.dice.below(40)), waiting_days }),
                ..Observe::default()
            };
            let at = self.between_minutes(16 * 60, 18 * 60);
            self.record(&lead, At::Moment(at), Action::Observe(observe));
        }
    }

    fn temperatures(&mut self, most: usize) {
        for (shop, lot, _) in self.on_shelves(most) {
            let organization = self.organization(shop);
            let warm = self.dice.chance(100);
            let milli_celsius = if warm { self.dice.between(9_000, 14_000) } else { self.dice.between(2_500, 7_500) } as i32;
            let observe = Observe {
                site: self.site_word(shop),
                lots: vec![self.reference(lot)],
                kind: ObservationKind::Temperature.into(),
                what: "tủ mát".to_owned(),
                temperature: Some(Temperature { milli_celsius, min_milli_celsius: Some(2_000), max_milli_celsius: Some(8_000) }),
                ..Observe::default()
            };
            let at = self.between_minutes(9 * 60, 20 * 60);
            self.record(&organization, At::Moment(at), Action::Observe(observe));
        }
    }

    fn brought_back(&mut self, most: usize) {
        for (shop, lot, _) in self.on_shelves(most) {
            let organization = self.organization(shop);
            let step = self.world.products[self.world.lots[lot].product].step();
            let back = CustomerReturn {
                site: self.site_word(shop),
                lines: self.lines(&[(lot, step)]),
                reason: ReturnReason::Quality.into(),
            };
            self.record(&organization, At::Moment(RETURNED * 60), Action::CustomerReturn(back));
            self.world.change(shop, lot, step);
        }
    }

    /// Somebody looks at what a till sold beyond the book.
    fn looked_at(&mut self, most: usize) {
        for (shop, command) in std::mem::take(&mut self.broken).into_iter().take(most) {
            let organization = self.organization(shop);
            self.resolve(&organization, command, RELEASED_AT * 60 + 300);
        }
    }

    fn resolve(&mut self, organization: &str, command: Uuid, at: i64) {
        let command = Some(CommandReference { organization: String::new(), command_id: command.to_string() });
        let resolve = Resolve { command, resolution: "đã kiểm lại kho, khớp sổ".to_owned() };
        self.record(organization, At::Moment(at), Action::Resolve(resolve));
    }

    /// Lots are held or recalled; their shops try to sell them, hear of it, and are released, or destroy what they have.
    fn stopped(&mut self, most: usize) {
        // Two shops may have some of one lot: it is stopped once.
        let mut chosen = std::collections::BTreeSet::new();
        let on_shelves = self.on_shelves(most).into_iter().filter(|(_, lot, _)| chosen.insert(*lot));
        for (nth, (shop, lot, held)) in on_shelves.collect::<Vec<_>>().into_iter().enumerate() {
            let (shop_by, lead) = (self.organization(shop), self.world.chains[self.world.lots[lot].chain].lead.clone());
            let step = self.world.products[self.world.lots[lot].product].step();
            // By turns, also where one a day is stopped.
            let turn = (nth + self.day.unsigned_abs() as usize) % 3;
            let is_recall = turn == 2;
            // A shop holds what is its own; a lot as a whole its chain.
            let by = if turn == 1 { shop_by.clone() } else { lead };
            self.wave = Wave::Stopped;
            let lots = vec![self.reference(lot)];
            let action = if is_recall {
                Action::Recall(Recall {
                    lots,
                    form: RecallForm::Voluntary.into(),
                    reason: "nghi tồn dư thuốc bảo vệ thực vật".to_owned(),
                    decision_number: format!("TH-{}", self.world.lots[lot].code),
                    acknowledge_by_time: None,
                })
            } else {
                let site = if by == shop_by { self.world.sites[shop].code.clone() } else { String::new() };
                Action::Hold(Hold { lots, site, reason: "chờ kết quả mẫu".to_owned() })
            };
            let block = self.record(&by, At::Moment(STOPPED_AT * 60 + nth as i64), action);
            let block = CommandReference { organization: by.clone(), command_id: block.to_string() };
            self.wave = Wave::Heard;
            let sell = |planner: &mut Self| {
                let lines = planner.lines(&[(lot, step)]);
                Action::Sell(Sell { site: planner.site_word(shop), lines, ..Sell::default() })
            };
            let refused = sell(self);
            let reasons: &[&str] = if is_recall { &["RECALLED"] } else { &["HELD"] };
            self.mistake(&shop_by, At::Moment(TRIED_AT * 60), refused, reasons);
            if is_recall {
                let heard = AcknowledgeRecall { recall: Some(block.clone()), site: self.site_word(shop) };
                self.record(&shop_by, At::Moment(TRIED_AT * 60 + 60), Action::AcknowledgeRecall(heard));
                let offline = sell(self);
                let said = Said { reported: true, note: "bán lúc máy mất mạng", slip: None };
                let sold = self.record_said(&shop_by, At::Moment(TRIED_AT * 60 + 30), offline, said);
                self.world.change(shop, lot, -step);
                self.resolve(&shop_by, sold, RELEASED_AT * 60 + 600);
                if self.is_all_there_is(shop, lot) {
                    let destroyed = self.lines(&[(lot, held - step)]);
                    let waste = Waste { site: self.site_word(shop), lines: destroyed, reason: WasteReason::Destroyed.into() };
                    self.record(&shop_by, At::Moment(TRIED_AT * 60 + 120), Action::Waste(waste));
                    self.world.change(shop, lot, -(held - step));
                    continue;
                }
            }
            self.wave = Wave::Lifted;
            let block = Some(CommandReference { organization: String::new(), ..block });
            let release = Release { block, lots: Vec::new(), reason: "mẫu đạt".to_owned() };
            self.record(&by, At::Moment(RELEASED_AT * 60), Action::Release(release));
        }
    }

    /// Orders that nobody serves; in the evening their shops give them up.
    fn given_up(&mut self, most: usize) {
        for (shop, lot, milli) in self.on_shelves(most) {
            let (product, chain) = (self.world.lots[lot].product, self.world.lots[lot].chain);
            let line = OrderLine { product: self.product_word(product), quantity: self.quantity(product, milli) };
            let order = self.place(chain, shop, vec![line]);
            self.wave = Wave::Lifted;
            let close = CloseOrder { order: Some(order), reason: "hết nhu cầu".to_owned() };
            self.record(&self.organization(shop), At::Moment(RELEASED_AT * 60 + 900), Action::CloseOrder(close));
        }
    }

    /// Whether nobody else has anything of a lot, now or later, and nothing is made of it.
    fn is_all_there_is(&self, shop: SiteAt, lot: LotAt) -> bool {
        let elsewhere =
            self.world.stock.iter().any(|(site, held)| *site != shop && held.get(&lot).is_some_and(|milli| *milli != 0));
        let on_the_road = self.world.on_the_road.iter().any(|shipment| shipment.lines.iter().any(|(on, _)| *on == lot));
        let it = &self.world.lots[lot];
        let is_source = self.world.chains[it.chain].sources.values().any(|source| *source == it.product);
        !elsewhere && !on_the_road && !is_source
    }
}
