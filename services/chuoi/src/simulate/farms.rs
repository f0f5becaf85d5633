//! The producers' day: harvest, packing and processing with their yields, night shipments, what comes back, the evening's run.

use std::collections::BTreeMap;

use domain::event::registry::SiteKind;
use domain::unit::BaseUnit;
use wire::proto::chuoi::event::v1::{Process, WasteReason};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{
    Correct, Dispatch, Harvest, NewLot, OrderLine, OrderReference, PlaceOrder, Receive, ShipmentReference, Transform, Void,
    Waste, correct, harvest, transform,
};

use super::plan::{At, Load, Planner, Said, Wave, reference_of};
use super::world::{ChainAt, LotAt, ProductAt, Shipment, SiteAt};

/// How many deliveries a day a shop of each kind has, in tenths.
#[rustfmt::skip] // Columns.
const DELIVERIES: &[(SiteKind, usize)] = &[
    (SiteKind::Supermarket,    60),
    (SiteKind::SpecialtyStore, 30),
    (SiteKind::GeneralStore,   20),
    (SiteKind::OcopIntroPoint, 30),
    (SiteKind::OcopSalePoint,  30),
];

/// What goes to one shop of one product.
struct Wanted {
    shop: SiteAt,
    product: ProductAt,
    milli: i64,
}

/// What is ready to leave: the lot, where it lies.
struct Ready {
    from: SiteAt,
    lot: LotAt,
}

impl Planner<'_> {
    /// The night and the early morning at every chain.
    pub(super) fn farms(&mut self, scale: usize) {
        for (chain, shops) in self.customers(scale).into_iter().enumerate() {
            let evening = self.has_evening_run(chain);
            let utilization = self.dice.between(600, 950) * if evening { 75 } else { 100 };
            let target = self.world.chains[chain].capacity_milli * utilization / 100_000 * scale.min(100) as i64 / 100;
            self.run(chain, &shops, target, false);
            self.producer_mistakes(chain);
        }
    }

    fn has_evening_run(&self, chain: ChainAt) -> bool {
        (chain as i64 + i64::from(self.day)) % 4 == 0
    }

    /// Which shops each chain delivers to today: every shop has its number of deliveries, larger chains have more shops.
    fn customers(&mut self, scale: usize) -> Vec<Vec<SiteAt>> {
        let chains = self.world.chains.len();
        let mut round: Vec<ChainAt> = (0..chains)
            .flat_map(|chain| {
                let turns = match self.world.chains[chain].capacity_milli / 1_000 {
                    ..500 => 1,
                    500..2_000 => 2,
                    2_000..5_000 => 3,
                    _ => 4,
                };
                std::iter::repeat_n(chain, turns)
            })
            .collect();
        self.dice.shuffle(&mut round);
        let mut shops = self.world.shops.clone();
        self.dice.shuffle(&mut shops);
        let mut customers = vec![Vec::new(); chains];
        let mut next = 0;
        for shop in shops {
            let tenths =
                DELIVERIES.iter().find(|(kind, _)| *kind == self.world.sites[shop].kind).map_or(10, |(_, tenths)| *tenths);
            let tenths = tenths * scale / 100;
            let deliveries = tenths / 10 + usize::from(self.dice.below(10) < tenths % 10);
            for _ in 0..deliveries {
                let chain = round[next % round.len()];
                next += 1;
                if !customers[chain].contains(&shop) {
                    customers[chain].push(shop);
                }
            }
        }
        // Small samples of the trade leave nobody out.
        for customers in customers.iter_mut().take(chains).filter(|customers| customers.is_empty()) {
            customers.extend(self.dice.pick(&self.world.shops));
        }
        customers
    }

    /// One run of a chain: harvest, make, send off, for so much of its capacity's unit.
    fn run(&mut self, chain: ChainAt, shops: &[SiteAt], target: i64, evening: bool) {
        let wanted = self.wanted(chain, shops, target);
        let mut by_product: BTreeMap<ProductAt, Vec<&Wanted>> = BTreeMap::new();
        for line in &wanted {
            by_product.entry(line.product).or_default().push(line);
        }
        self.wave = if evening { Wave::Evening } else { Wave::Farms };
        let mut by_source: BTreeMap<ProductAt, Vec<(ProductAt, i64)>> = BTreeMap::new();
        let mut ready: BTreeMap<ProductAt, Vec<Ready>> = BTreeMap::new();
        let site = self.world.chains[chain].site;
        for (product, lines) in &by_product {
            let sum: i64 = lines.iter().map(|line| line.milli).sum();
            match self.world.chains[chain].sources.get(product) {
                Some(source) => by_source.entry(*source).or_default().push((*product, sum)),
                None => {
                    let milli = self.with_reserve(*product, sum);
                    let lot = self.harvest(chain, *product, milli, evening);
                    ready.entry(*product).or_default().push(Ready { from: site, lot });
                }
            }
        }
        let hub = if evening { None } else { self.world.chains[chain].hub };
        for (source, outputs) in by_source {
            for (product, made) in self.make(chain, source, &outputs, hub, evening) {
                ready.entry(product).or_default().push(made);
            }
        }
        self.send_off(chain, &wanted, &ready, evening);
        self.waste_leftovers(chain, evening);
    }

    /// What each shop gets: the chain's planned shares by channel, spread over the channel's shops, some products each.
    fn wanted(&mut self, chain: ChainAt, shops: &[SiteAt], target: i64) -> Vec<Wanted> {
        let mut products = self.world.chains[chain].products.clone();
        self.dice.shuffle(&mut products);
        products.truncate((products.len() * 6 / 10).clamp(4, 9));
        let channel = |site: SiteAt| match self.world.sites[site].kind {
            SiteKind::Supermarket => 0,
            SiteKind::GeneralStore => 1,
            SiteKind::SpecialtyStore => 2,
            _ => 3,
        };
        let shares = self.world.chains[chain].shares;
        // OCOP points take small consignments, in no plan.
        let shares = [shares[0].max(1), shares[1].max(1), shares[2].max(1), 2];
        let mut counts = [0i64; 4];
        shops.iter().for_each(|shop| counts[channel(*shop)] += 1);
        let channels: Vec<usize> = shops.iter().map(|shop| channel(*shop)).collect();
        let weights: Vec<i64> =
            channels.iter().map(|channel| shares[*channel] * 1_000 / counts[*channel] * self.dice.between(600, 1_400)).collect();
        let sum: i64 = weights.iter().sum::<i64>().max(1);
        let mut wanted = Vec::new();
        for (shop, weight) in shops.iter().zip(weights) {
            self.dice.shuffle(&mut products);
            let lines = products.len().min(2 + self.dice.below(3));
            for product in products.iter().take(lines) {
                let share = i128::from(target) * i128::from(weight) / i128::from(sum) / lines as i128;
                let it = &self.world.products[*product];
                let in_base_unit = if self.world.chains[chain].by_pieces { it.pieces * 1_000 } else { it.mass_gram };
                let milli = i64::try_from(share * 1_000 / i128::from(in_base_unit.max(1))).unwrap_or(i64::MAX);
                // A small chain does not send a whole sack of everything to everybody.
                if milli < it.step() && wanted.last().is_some_and(|line: &Wanted| line.shop == *shop) {
                    continue;
                }
                wanted.push(Wanted { shop: *shop, product: *product, milli: it.whole(milli) });
            }
        }
        wanted
    }

    /// More than is ordered: what stays behind, and what a shop may still ask for.
    fn with_reserve(&mut self, product: ProductAt, milli: i64) -> i64 {
        let step = self.world.products[product].step();
        milli + self.world.products[product].whole(milli * self.dice.between(10, 50) / 1_000).max(step)
    }

    fn expiry(&self, product: ProductAt) -> Option<i32> {
        let days = self.world.products[product].shelf_life_days;
        (days > 0).then(|| self.day + days)
    }

    /// A lot begins at the chain's own site. Now and then somebody types a nought too many, and corrects it.
    pub(super) fn harvest(&mut self, chain: ChainAt, product: ProductAt, milli: i64, evening: bool) -> LotAt {
        let code = self.world.lot_code(&self.date.to_string());
        let lot = self.world.add_lot(chain, product, code, self.expiry(product), Some(self.day));
        let (site, lead) = (self.world.chains[chain].site, self.world.chains[chain].lead.clone());
        let at = if evening { self.between_minutes(13 * 60, 16 * 60) } else { self.between_minutes(15, 100) };
        let harvest = Harvest {
            site: self.site_word(site),
            lot: self.new_lot(lot),
            quantity: self.quantity(product, milli),
            plot: format!("thua-{:02}", 1 + self.dice.below(40)),
            households: self.households(),
        };
        if self.dice.chance(20) {
            let mistyped = Harvest { quantity: self.quantity(product, milli * 10), ..harvest.clone() };
            let original = self.record(&lead, At::Moment(at), Action::Harvest(mistyped));
            let correct = Correct {
                command_id: original.to_string(),
                reason: "gõ thừa một số 0".to_owned(),
                when: None,
                replacement: Some(correct::Replacement::Harvest(harvest)),
            };
            self.record(&lead, At::Moment(at + 600), Action::Correct(correct));
        } else {
            self.record(&lead, At::Moment(at), Action::Harvest(harvest));
        }
        self.world.change(site, lot, milli);
        lot
    }

    /// Now and then several households bring what becomes one lot.
    fn households(&mut self) -> Vec<harvest::Household> {
        if !self.dice.chance(300) {
            return Vec::new();
        }
        let first = self.dice.between(1, 80);
        let household = |nth| harvest::Household { household_ref: format!("ho-{:03}", first + nth), quantity: None };
        (0..self.dice.between(2, 5)).map(household).collect()
    }

    /// Lots of one source become lots of several products, at the chain's own site or at a shared one, with a loss.
    fn make(
        &mut self,
        chain: ChainAt,
        source: ProductAt,
        outputs: &[(ProductAt, i64)],
        hub: Option<SiteAt>,
        evening: bool,
    ) -> Vec<(ProductAt, Ready)> {
        let outputs: Vec<(ProductAt, i64)> =
            outputs.iter().map(|(product, milli)| (*product, self.with_reserve(*product, *milli))).collect();
        let grams: i64 = outputs.iter().map(|(product, milli)| self.world.products[*product].grams(*milli)).sum();
        let needed = grams * 1_000 / self.dice.between(820, 970);
        let (step, mass) = (self.world.products[source].step(), self.world.products[source].mass_gram);
        // Rounded up to whole steps: what goes in weighs no less than what comes out.
        let milli = (needed * 1_000 / mass / step + 1) * step;
        let mut inputs = Vec::new();
        let plots = 1 + self.dice.below(3) as i64;
        for nth in 0..plots {
            let part = if nth + 1 == plots {
                milli - inputs.iter().map(|(_, part)| part).sum::<i64>()
            } else {
                milli / plots / step * step
            };
            if part > 0 {
                let kept = if self.dice.chance(300) { step * self.dice.between(1, 5) } else { 0 };
                inputs.push((self.harvest(chain, source, part + kept, evening), part));
            }
        }
        let own = self.world.chains[chain].site;
        let site = hub.unwrap_or(own);
        if let Some(hub) = hub {
            let shipment = self.dispatch(own, hub, &inputs, At::Moment(110 * 60));
            self.wave = Wave::Hubs;
            self.receive_all(hub, &shipment, At::Moment(140 * 60));
        }
        let organization = self.organization(site);
        let mut made = Vec::new();
        for (product, milli) in outputs {
            let code = self.world.lot_code(&self.date.to_string());
            let lot = self.world.add_lot(chain, product, code, self.expiry(product), Some(self.day));
            made.push((product, lot, milli));
        }
        let outputs = made
            .iter()
            .map(|(product, lot, milli)| transform::Output { lot: self.new_lot(*lot), quantity: self.quantity(*product, *milli) })
            .collect();
        let process = match (self.world.sites[site].kind, self.world.chains[chain].group.as_str()) {
            (SiteKind::Slaughterhouse, _) | (_, "thit_lon" | "thit_bo" | "gia_cam") => Process::Slaughter,
            (SiteKind::Processor, _) => Process::Processing,
            _ => Process::Packing,
        };
        let transform = Transform {
            site: self.site_word(site),
            process: process.into(),
            inputs: self.lines(&inputs),
            outputs,
            loss_gram: Some(self.world.products[source].grams(milli) - grams),
        };
        let at = if evening { self.between_minutes(18 * 60, 20 * 60) } else { 145 * 60 + self.between_minutes(0, 20) };
        self.record(&organization, At::Moment(at), Action::Transform(transform));
        inputs.iter().for_each(|(lot, milli)| self.world.change(site, *lot, -milli));
        made.iter().for_each(|(_, lot, milli)| self.world.change(site, *lot, *milli));
        self.wave = if evening { Wave::Evening } else { Wave::Farms };
        made.into_iter().map(|(product, lot, _)| (product, Ready { from: site, lot })).collect()
    }

    /// Shipments to each shop, from where its goods lie; for part of a large chain's customers through a distribution centre.
    fn send_off(&mut self, chain: ChainAt, wanted: &[Wanted], ready: &BTreeMap<ProductAt, Vec<Ready>>, evening: bool) {
        let mut loads: BTreeMap<(SiteAt, SiteAt), Vec<(LotAt, i64)>> = BTreeMap::new();
        for line in wanted {
            if let Some(it) = ready.get(&line.product).and_then(|ready| ready.first()) {
                loads.entry((it.from, line.shop)).or_default().push((it.lot, line.milli));
            }
        }
        let center = if evening { None } else { self.world.chains[chain].center };
        let mut through: BTreeMap<SiteAt, Vec<(SiteAt, Load)>> = BTreeMap::new();
        for ((from, shop), lines) in loads {
            if center.is_some() && (self.world.sites[shop].kind == SiteKind::Supermarket || self.dice.chance(300)) {
                through.entry(from).or_default().push((shop, lines));
                continue;
            }
            let own = self.world.chains[chain].site == from;
            self.wave = match (evening, own) {
                (true, _) => Wave::Evening,
                (false, true) => Wave::Farms,
                (false, false) => Wave::Hubs,
            };
            let at = if evening { self.between_minutes(21 * 60 + 30, 23 * 60 + 40) } else { self.between_minutes(170, 260) };
            if !evening && own && self.dice.chance(6) {
                self.forget(from, shop, &lines);
                continue;
            }
            if self.dice.chance(8) {
                self.dispatch_to_the_wrong_shop(from, shop, &lines, at);
            }
            // Orders of the evening's shipments would have come after them.
            let order = (!evening && self.dice.chance(150)).then(|| self.order(chain, shop, &lines));
            let shipment = self.dispatch_for(from, shop, &lines, At::Moment(at), order);
            if evening {
                self.world.on_the_road.push(shipment);
            } else {
                self.arriving.entry(shop).or_default().push(shipment);
            }
        }
        if let Some(center) = center {
            for (from, loads) in through {
                self.through_center(from, center, loads, self.world.chains[chain].site == from);
            }
        }
    }

    /// One truck to the centre, where its load is split for the shops.
    fn through_center(&mut self, from: SiteAt, center: SiteAt, loads: Vec<(SiteAt, Vec<(LotAt, i64)>)>, own: bool) {
        let mut sum: BTreeMap<LotAt, i64> = BTreeMap::new();
        loads.iter().flat_map(|(_, lines)| lines).for_each(|(lot, milli)| *sum.entry(*lot).or_insert(0) += milli);
        self.wave = if own { Wave::Farms } else { Wave::Hubs };
        let truck = self.dispatch(from, center, &sum.into_iter().collect::<Vec<_>>(), At::Moment(172 * 60));
        self.wave = Wave::Centers;
        self.receive_all(center, &truck, At::Moment(230 * 60));
        for (shop, lines) in loads {
            let at = self.between_minutes(240, 290);
            let shipment = self.dispatch(center, shop, &lines, At::Moment(at));
            self.arriving.entry(shop).or_default().push(shipment);
        }
    }

    /// A shop orders, the day before, what is sent to it, or somewhat more; the order's buyer and code.
    fn order(&mut self, chain: ChainAt, shop: SiteAt, lines: &[(LotAt, i64)]) -> OrderReference {
        let mut wanted: BTreeMap<ProductAt, i64> = BTreeMap::new();
        for (lot, milli) in lines {
            *wanted.entry(self.world.lots[*lot].product).or_default() += milli;
        }
        let lines = wanted.into_iter().map(|(product, milli)| {
            let more = if self.dice.chance(300) { self.world.products[product].step() } else { 0 };
            OrderLine { product: self.product_word(product), quantity: self.quantity(product, milli + more) }
        });
        let lines = lines.collect();
        self.place(chain, shop, lines)
    }

    /// An order of the day before.
    pub(super) fn place(&mut self, chain: ChainAt, shop: SiteAt, lines: Vec<OrderLine>) -> OrderReference {
        let organization = self.organization(shop);
        let order_code = self.slip(&organization).replace("PXK", "DDH");
        let place = PlaceOrder {
            site: self.site_word(shop),
            order_code: order_code.clone(),
            chain: self.world.chains[chain].code.clone(),
            due_date: self.date.to_string(),
            lines,
        };
        let wave = std::mem::replace(&mut self.wave, Wave::Orders);
        self.record(&organization, At::DayBefore, Action::PlaceOrder(place));
        self.wave = wave;
        OrderReference { order_id: String::new(), buyer: organization, order_code }
    }

    /// A shipment leaves.
    pub(super) fn dispatch(&mut self, from: SiteAt, to: SiteAt, lines: &[(LotAt, i64)], at: At) -> Shipment {
        self.dispatch_for(from, to, lines, at, None)
    }

    /// A shipment leaves, for an order or none.
    fn dispatch_for(
        &mut self,
        from: SiteAt,
        to: SiteAt,
        lines: &[(LotAt, i64)],
        at: At,
        order: Option<OrderReference>,
    ) -> Shipment {
        let organization = self.organization(from);
        let code = self.slip(&organization);
        let dispatch = Dispatch { order, ..self.dispatch_of(from, to, &code, lines) };
        let said = Said { slip: Some(code.clone()), ..Said::default() };
        self.record_said(&organization, at, Action::Dispatch(dispatch), said);
        lines.iter().for_each(|(lot, milli)| self.world.change(from, *lot, -milli));
        Shipment { issuer: organization, code, to, lines: lines.to_vec(), unlogged: false }
    }

    pub(super) fn dispatch_of(&mut self, from: SiteAt, to: SiteAt, code: &str, lines: &[(LotAt, i64)]) -> Dispatch {
        Dispatch {
            from_site: self.site_word(from),
            to_site: self.site_word(to),
            shipment_code: code.to_owned(),
            lines: self.lines(lines),
            trip_id: format!("XE-{}-{:02}", self.world.sites[from].code, 1 + self.dice.below(4)),
            // OCOP points pay for what they have sold.
            consignment: matches!(self.world.sites[to].kind, SiteKind::OcopIntroPoint | SiteKind::OcopSalePoint),
            ..Dispatch::default()
        }
    }

    /// Sent to the neighbour, voided, and sent again under a number of its own.
    fn dispatch_to_the_wrong_shop(&mut self, from: SiteAt, shop: SiteAt, lines: &[(LotAt, i64)], at: i64) {
        let Some(wrong) = self.dice.pick(&self.world.shops).copied().filter(|wrong| *wrong != shop) else { return };
        let organization = self.organization(from);
        let code = self.slip(&organization);
        let dispatch = self.dispatch_of(from, wrong, &code, lines);
        let said = Said { slip: Some(code), ..Said::default() };
        let id = self.record_said(&organization, At::Moment(at - 300), Action::Dispatch(dispatch), said);
        let void = Void { command_id: id.to_string(), reason: "ghi nhầm điểm bán".to_owned() };
        self.record(&organization, At::Moment(at - 60), Action::Void(void.clone()));
        if self.dice.chance(500) {
            self.mistake(&organization, At::Moment(at), Action::Void(void), &["ALREADY_VOIDED"]);
        }
    }

    /// Goods that leave without a record; they are no longer there for anybody else.
    fn forget(&mut self, from: SiteAt, to: SiteAt, lines: &[(LotAt, i64)]) {
        let issuer = self.organization(from);
        let code = self.slip(&issuer);
        lines.iter().for_each(|(lot, milli)| self.world.change(from, *lot, -milli));
        let shipment = Shipment { issuer, code, to, lines: lines.to_vec(), unlogged: true };
        self.arriving.entry(to).or_default().push(shipment.clone());
        self.forgotten.push((from, shipment));
    }

    pub(super) fn receive_all(&mut self, site: SiteAt, shipment: &Shipment, at: At) {
        let organization = self.organization(site);
        let receive = Receive { shipment: reference_of(shipment), site: String::new(), lines: Vec::new(), everything: true };
        self.record(&organization, at, Action::Receive(receive));
        shipment.lines.iter().for_each(|(lot, milli)| self.world.change(site, *lot, *milli));
    }

    /// Leftovers of the day before that go to waste.
    fn waste_leftovers(&mut self, chain: ChainAt, evening: bool) {
        if evening || !self.dice.chance(250) {
            return;
        }
        let site = self.world.chains[chain].site;
        let leftovers: Vec<(LotAt, i64)> = self.world.lots_at(site).into_values().flatten().collect();
        let Some(&(lot, held)) = self.dice.pick(&leftovers) else { return };
        let product = &self.world.products[self.world.lots[lot].product];
        let milli = product.whole(held * self.dice.between(200, 800) / 1_000).min(held);
        let waste = Waste { site: self.site_word(site), lines: self.lines(&[(lot, milli)]), reason: WasteReason::Spoiled.into() };
        let (organization, at) = (self.organization(site), self.between_minutes(280, 320));
        self.record(&organization, At::Moment(at), Action::Waste(waste));
        self.world.change(site, lot, -milli);
    }

    /// What came back from the doors is taken in, forgotten slips are told, and some chains send off for the next morning.
    pub(super) fn evening(&mut self, scale: usize) {
        self.wave = Wave::Evening;
        for (site, shipment, lines) in std::mem::take(&mut self.returning) {
            if !self.dice.chance(850) {
                continue;
            }
            let organization = self.organization(site);
            let reference = ShipmentReference { shipment_id: shipment.to_string(), ..ShipmentReference::default() };
            let receive = Receive { shipment: Some(reference), site: self.site_word(site), lines: Vec::new(), everything: true };
            let at = self.between_minutes(10 * 60 + 30, 12 * 60 + 30);
            self.record(&organization, At::Moment(at), Action::Receive(receive));
            lines.iter().for_each(|(lot, milli)| self.world.change(site, *lot, *milli));
            if self.dice.chance(500) {
                let waste = Waste { site: self.site_word(site), lines: self.lines(&lines), reason: WasteReason::Damaged.into() };
                self.record(&organization, At::Moment(at + 1_800), Action::Waste(waste));
                lines.iter().for_each(|(lot, milli)| self.world.change(site, *lot, -milli));
            }
        }
        for (from, shipment) in std::mem::take(&mut self.forgotten) {
            let dispatch = self.dispatch_of(from, shipment.to, &shipment.code, &shipment.lines);
            let said = Said { slip: Some(shipment.code.clone()), note: "quên ghi phiếu buổi sáng", reported: false };
            let at = self.between_minutes(175, 250);
            self.record_said(&shipment.issuer, At::Moment(at), Action::Dispatch(dispatch), said);
        }
        for chain in 0..self.world.chains.len() {
            if !self.has_evening_run(chain) {
                continue;
            }
            let mut shops = self.world.shops.clone();
            self.dice.shuffle(&mut shops);
            shops.truncate((self.dice.between(8, 16) as usize * scale / 100).max(1));
            let target =
                self.world.chains[chain].capacity_milli * self.dice.between(120, 220) / 1_000 * scale.min(100) as i64 / 100;
            self.run(chain, &shops, target, true);
        }
    }

    /// What goes wrong at a producer's desk.
    fn producer_mistakes(&mut self, chain: ChainAt) {
        self.wave = Wave::Farms;
        let (site, lead) = (self.world.chains[chain].site, self.world.chains[chain].lead.clone());
        let held: Vec<(LotAt, i64)> = self.world.lots_at(site).into_values().flatten().collect();
        let Some(&(lot, milli)) = self.dice.pick(&held) else { return };
        let product = self.world.lots[lot].product;
        let at = At::Moment(self.between_minutes(265, 300));
        let harvest = |lot: NewLot, planner: &mut Self| Harvest {
            site: planner.world.sites[site].code.clone(),
            lot: Some(lot),
            quantity: planner.quantity(product, planner.world.products[product].step()),
            ..Harvest::default()
        };
        let Some(known) = self.new_lot(lot) else { return };
        let code = self.world.lot_code(&self.date.to_string());
        let other = (chain + 1 + self.dice.below(self.world.chains.len() - 1)) % self.world.chains.len();
        match self.dice.below(7) {
            0 => {
                let again = harvest(known, self);
                self.mistake(&lead, at, Action::Harvest(again), &["LOT_BEGUN"]);
            }
            1 => {
                let foreign = self.world.chains[other]
                    .products
                    .iter()
                    .copied()
                    .find(|it| !self.world.products[*it].chains.contains(&chain));
                let Some(foreign) = foreign else { return };
                let mut wrong =
                    harvest(NewLot { product: self.world.products[foreign].code.clone(), lot_code: code, ..known }, self);
                wrong.quantity = self.quantity(foreign, self.world.products[foreign].step());
                self.mistake(&lead, at, Action::Harvest(wrong), &["NOT_IN_CHAIN"]);
            }
            2 => {
                let other = self.world.chains[other].lead.clone();
                if self.world.products[product].brand_owner.as_ref() != Some(&other) {
                    let wrong = harvest(NewLot { issuer: other, lot_code: code, ..known }, self);
                    self.mistake(&lead, at, Action::Harvest(wrong), &["NOT_YOUR_LOT_CODE"]);
                }
            }
            3 => {
                let wrong = harvest(NewLot { lot_code: format!("{code} lô buổi sáng"), ..known }, self);
                self.mistake(&lead, at, Action::Harvest(wrong), &["BAD_CODE"]);
            }
            4 => {
                // A nought too many, and more.
                let Some(&shop) = self.dice.pick(&self.world.shops) else { return };
                let slip = self.slip(&lead);
                let dispatch = self.dispatch_of(site, shop, &slip, &[(lot, milli + 100_000_000)]);
                self.mistake(&lead, at, Action::Dispatch(dispatch), &["NOT_ENOUGH"]);
            }
            5 => {
                let slip = self.slip(&lead);
                let dispatch = self.dispatch_of(site, site, &slip, &[(lot, self.world.products[product].step())]);
                let nowhere = Dispatch { to_site: "Siêu thị Mẫu Bà Đỉnh Mới".to_owned(), ..dispatch };
                self.mistake(&lead, at, Action::Dispatch(nowhere), &["UNKNOWN"]);
            }
            _ => {
                // Grams for kilograms of a product that is counted, or the other way round.
                let mut wrong = harvest(NewLot { lot_code: code, ..known }, self);
                let unit = if self.world.products[product].unit == BaseUnit::Piece { "kg" } else { "hộp" };
                wrong.quantity.iter_mut().for_each(|quantity| {
                    quantity.unit = unit.to_owned();
                    quantity.value_milli = 5_000;
                });
                self.mistake(&lead, at, Action::Harvest(wrong), &["INEXACT"]);
            }
        }
    }
}
