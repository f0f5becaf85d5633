//! The shops' day: opening balances, receipts with what goes wrong at the door, sales, waste, counts, and what is told late.

use domain::id::{CommandId, OrganizationCode, ShipmentId};
use uuid::Uuid;
use wire::proto::chuoi::event::v1::{RefusalReason, WasteReason};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{Correct, Count, OpenLot, Receive, RefuseDelivery, ReportShort, Sell, Void, Waste, correct};

use super::plan::{At, Planner, Said, Wave, reference_of};
use super::world::{Keeping, LotAt, ProductAt, Shipment, SiteAt};

/// A receipt that a mistake may be made about.
pub(super) struct Receipt {
    /// The command that recorded it.
    pub id: Uuid,
    /// Its shipment.
    pub shipment: Shipment,
    /// What it took in.
    pub lines: Vec<(LotAt, i64)>,
    /// Whether the shipment is closed with it.
    pub closed: bool,
}

impl Planner<'_> {
    /// Part of the shops begin with goods on the shelf: lots that came before the book was kept here, some of them expired by now.
    pub(super) fn open_books(&mut self, scale: usize) {
        self.wave = Wave::Shops;
        let mut shops = self.world.shops.clone();
        self.dice.shuffle(&mut shops);
        shops.truncate(shops.len() * 22 * scale.min(100) / 10_000);
        let mut known: Vec<LotAt> = Vec::new();
        for shop in shops {
            let organization = self.organization(shop);
            let mut opened: Vec<LotAt> = Vec::new();
            for _ in 0..self.dice.between(2, 4) {
                let lot = match self.dice.pick(&known) {
                    // One lot stands on the shelves of several shops.
                    Some(lot) if self.dice.chance(400) => *lot,
                    _ => {
                        let lot = self.lot_of_before();
                        known.push(lot);
                        lot
                    }
                };
                if opened.contains(&lot) {
                    continue;
                }
                opened.push(lot);
                let product = self.world.lots[lot].product;
                let milli = self.dice.between(5, 60) * 1_000;
                let expiry_date =
                    self.world.lots[lot].expiry.map(|day| domain::time::BusinessDay(day).to_string()).unwrap_or_default();
                let lot_said = self.new_lot(lot).map(|new| wire::proto::chuoi::record::v1::NewLot { expiry_date, ..new });
                let open = OpenLot { site: self.site_word(shop), lot: lot_said, quantity: self.quantity(product, milli) };
                self.record(&organization, At::DayBefore, Action::OpenLot(open.clone()));
                self.world.change(shop, lot, milli);
                if self.dice.chance(15) {
                    self.mistake(&organization, At::DayBefore, Action::OpenLot(open), &["LOT_OPENED"]);
                }
            }
        }
    }

    fn lot_of_before(&mut self) -> LotAt {
        let chain = self.dice.below(self.world.chains.len());
        let product = self.world.chains[chain].products[self.dice.below(self.world.chains[chain].products.len())];
        let keeps = self.world.products[product].shelf_life_days;
        let expiry = (keeps > 0).then(|| self.day - 1 + self.dice.between(0, i64::from(keeps.min(200))) as i32);
        let code = self.world.lot_code(&self.date.to_string());
        self.world.add_lot(chain, product, code, expiry, None)
    }

    /// The day at every shop.
    pub(super) fn shops(&mut self) {
        self.wave = Wave::Shops;
        for shop in self.world.shops.clone() {
            let arrivals = self.arriving.remove(&shop).unwrap_or_default();
            self.count_before_opening(shop);
            let mut receipts = Vec::new();
            for shipment in &arrivals {
                self.before_receipt(shop, shipment);
                receipts.extend(self.receive(shop, shipment));
            }
            match self.world.sites[shop].keeping {
                Keeping::Scanner => self.sell_by_scanner(shop),
                Keeping::Till => self.sell_by_till(shop),
            }
            self.waste(shop);
            self.count_after_closing(shop);
            self.shop_mistake(shop, &receipts);
        }
    }

    /// Goods arrive. Mostly all of them; else in parts, short, refused, too many, mistyped.
    fn receive(&mut self, shop: SiteAt, shipment: &Shipment) -> Vec<Receipt> {
        let at = self.between_minutes(5 * 60 + 15, 8 * 60 + 20);
        if shipment.unlogged {
            return vec![self.receive_unlogged(shop, shipment, at)];
        }
        match self.dice.below(1_000) {
            ..60 => self.receive_in_parts(shop, shipment, at),
            60..100 => self.receive_short(shop, shipment, at, true),
            100..110 => self.receive_short(shop, shipment, at, false),
            110..150 => self.refuse_part(shop, shipment, at),
            150..165 => self.refuse_all(shop, shipment, at),
            165..185 => vec![self.receive_surplus(shop, shipment, at)],
            185..205 => self.receive_mistyped(shop, shipment, at),
            205..215 => self.receive_twice_over(shop, shipment, at),
            _ => vec![self.take_in(shop, shipment, None, at)],
        }
    }

    /// Records a receipt of some lines, or of everything that is on its way.
    fn take_in(&mut self, shop: SiteAt, shipment: &Shipment, lines: Option<&[(LotAt, i64)]>, at: i64) -> Receipt {
        let organization = self.organization(shop);
        let receive = Receive {
            shipment: reference_of(shipment),
            site: if self.dice.chance(500) { self.site_word(shop) } else { String::new() },
            lines: lines.map(|lines| self.lines(lines)).unwrap_or_default(),
            everything: lines.is_none(),
        };
        let id = self.record(&organization, At::Moment(at), Action::Receive(receive));
        let lines = lines.unwrap_or(&shipment.lines).to_vec();
        lines.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, *milli));
        Receipt { id, shipment: shipment.clone(), lines, closed: true }
    }

    /// Part of an amount, in whole steps; none if it cannot be parted.
    fn part(&mut self, lot: LotAt, milli: i64, least: i64, most: i64) -> Option<i64> {
        let product = &self.world.products[self.world.lots[lot].product];
        let part = product.whole(milli * self.dice.between(least, most) / 1_000);
        (part < milli).then_some(part)
    }

    /// Each line in two: what stays in the first, and what is left. None if no line can be parted.
    fn split(&mut self, shipment: &Shipment, least: i64, most: i64) -> Option<[Vec<(LotAt, i64)>; 2]> {
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for (lot, milli) in &shipment.lines {
            match self.part(*lot, *milli, least, most) {
                Some(part) => {
                    first.push((*lot, part));
                    rest.push((*lot, milli - part));
                }
                None => first.push((*lot, *milli)),
            }
        }
        (!rest.is_empty()).then_some([first, rest])
    }

    fn receive_in_parts(&mut self, shop: SiteAt, shipment: &Shipment, at: i64) -> Vec<Receipt> {
        let Some([first, rest]) = self.split(shipment, 300, 700) else { return vec![self.take_in(shop, shipment, None, at)] };
        let first = Receipt { closed: false, ..self.take_in(shop, shipment, Some(&first), at) };
        let mut second = self.take_in(shop, shipment, None, at + 5_400);
        // It took in the rest, not the whole.
        shipment.lines.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, -milli));
        rest.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, *milli));
        second.lines = rest;
        vec![first, second]
    }

    /// Less arrives than was sent; mostly somebody says that it is lost, else it stays open.
    fn receive_short(&mut self, shop: SiteAt, shipment: &Shipment, at: i64, told: bool) -> Vec<Receipt> {
        let Some([first, rest]) = self.split(shipment, 850, 990) else { return vec![self.take_in(shop, shipment, None, at)] };
        let mut receipt = self.take_in(shop, shipment, Some(&first), at);
        receipt.closed = told;
        if told {
            let organization = self.organization(shop);
            let everything = self.dice.chance(500);
            let lines = if everything { Vec::new() } else { self.lines(&rest) };
            let short = ReportShort { shipment: reference_of(shipment), lines, everything };
            self.record(&organization, At::Moment(at + 900), Action::ReportShort(short));
        }
        vec![receipt]
    }

    fn refuse(&mut self, shop: SiteAt, shipment: &Shipment, lines: Option<&[(LotAt, i64)]>, at: i64) {
        const REASONS: [RefusalReason; 8] = [
            RefusalReason::Quality,
            RefusalReason::Temperature,
            RefusalReason::Damaged,
            RefusalReason::ShelfLife,
            RefusalReason::WrongGoods,
            RefusalReason::Documents,
            RefusalReason::Late,
            RefusalReason::Oversupply,
        ];
        let organization = self.organization(shop);
        let destroyed = self.dice.chance(250);
        let reason = REASONS[self.dice.below(REASONS.len())];
        let refuse = RefuseDelivery {
            shipment: reference_of(shipment),
            lines: lines.map(|lines| self.lines(lines)).unwrap_or_default(),
            everything: lines.is_none(),
            reason: reason.into(),
            destroyed,
        };
        let id = self.record(&organization, At::Moment(at), Action::RefuseDelivery(refuse));
        // The goods go back to where the shipment left.
        let from = self.world.sites.iter().position(|site| site.organization == shipment.issuer);
        if let (false, Some(from), Ok(code)) = (destroyed, from, OrganizationCode::parse(&organization)) {
            let back = ShipmentId::of_return(&code, CommandId(id)).0;
            self.returning.push((from, back, lines.unwrap_or(&shipment.lines).to_vec()));
        }
    }

    fn refuse_part(&mut self, shop: SiteAt, shipment: &Shipment, at: i64) -> Vec<Receipt> {
        let Some([first, rest]) = self.split(shipment, 500, 950) else { return self.refuse_all(shop, shipment, at) };
        let receipt = self.take_in(shop, shipment, Some(&first), at);
        self.refuse(shop, shipment, Some(&rest), at + 300);
        vec![receipt]
    }

    fn refuse_all(&mut self, shop: SiteAt, shipment: &Shipment, at: i64) -> Vec<Receipt> {
        self.refuse(shop, shipment, None, at);
        Vec::new()
    }

    /// More arrives than was sent: what was sent is received, what is above it is found.
    fn receive_surplus(&mut self, shop: SiteAt, shipment: &Shipment, at: i64) -> Receipt {
        let mut lines = shipment.lines.clone();
        let step = |planner: &Self, lot: LotAt| planner.world.products[planner.world.lots[lot].product].step();
        if let Some(line) = lines.first_mut() {
            line.1 += step(self, line.0) * self.dice.between(1, 5);
        }
        self.take_in(shop, shipment, Some(&lines), at)
    }

    /// A nought too many, corrected.
    fn receive_mistyped(&mut self, shop: SiteAt, shipment: &Shipment, at: i64) -> Vec<Receipt> {
        let mut mistyped = shipment.lines.clone();
        if let Some(line) = mistyped.first_mut() {
            line.1 *= 10;
        }
        let wrong = self.take_in(shop, shipment, Some(&mistyped), at);
        let receive = Receive {
            shipment: reference_of(shipment),
            site: String::new(),
            lines: self.lines(&shipment.lines),
            everything: false,
        };
        let correct = Correct {
            command_id: wrong.id.to_string(),
            reason: "gõ thừa một số 0".to_owned(),
            when: None,
            replacement: Some(correct::Replacement::Receive(receive)),
        };
        let organization = self.organization(shop);
        self.record(&organization, At::Moment(at + 1_200), Action::Correct(correct));
        mistyped.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, -milli));
        shipment.lines.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, *milli));
        Vec::new()
    }

    /// Taken in, voided, and taken in again.
    fn receive_twice_over(&mut self, shop: SiteAt, shipment: &Shipment, at: i64) -> Vec<Receipt> {
        let wrong = self.take_in(shop, shipment, None, at);
        let void = Void { command_id: wrong.id.to_string(), reason: "nhầm phiếu".to_owned() };
        let organization = self.organization(shop);
        self.record(&organization, At::Moment(at + 300), Action::Void(void));
        wrong.lines.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, -milli));
        vec![self.take_in(shop, shipment, None, at + 600)]
    }

    /// Goods stand in the shop and nobody logged that they left: a fact all the same.
    fn receive_unlogged(&mut self, shop: SiteAt, shipment: &Shipment, at: i64) -> Receipt {
        let organization = self.organization(shop);
        let receive = Receive {
            shipment: reference_of(shipment),
            site: self.site_word(shop),
            lines: self.lines(&shipment.lines),
            everything: false,
        };
        let said = Said { reported: true, note: "phiếu chưa có trên hệ thống", slip: None };
        let id = self.record_said(&organization, At::Moment(at), Action::Receive(receive), said);
        shipment.lines.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, *milli));
        Receipt { id, shipment: shipment.clone(), lines: shipment.lines.clone(), closed: false }
    }

    /// What may be sold, by product, in the order in which it leaves.
    fn sellable(&self, shop: SiteAt) -> Vec<(ProductAt, Vec<(LotAt, i64)>)> {
        let mut on_hand: Vec<_> = self.world.lots_at(shop).into_iter().collect();
        for (_, lots) in &mut on_hand {
            lots.retain(|(lot, _)| self.world.is_sellable(*lot, self.day));
        }
        on_hand.retain(|(_, lots)| !lots.is_empty());
        on_hand
    }

    fn sell_lots(&mut self, shop: SiteAt, lines: &[(LotAt, i64)], at: At, said: Said) -> Uuid {
        let organization = self.organization(shop);
        let sell = Sell { site: self.site_word(shop), lines: self.lines(lines), ..Sell::default() };
        self.record_said(&organization, at, Action::Sell(sell), said)
    }

    /// A sale by product: first expired, first out.
    fn sell_product(&mut self, shop: SiteAt, product: ProductAt, lots: &[(LotAt, i64)], milli: i64, at: At, said: Said) -> Uuid {
        let organization = self.organization(shop);
        let sell = Sell {
            site: self.site_word(shop),
            lines: Vec::new(),
            product: self.product_word(product),
            quantity: self.quantity(product, milli),
        };
        let id = self.record_said(&organization, at, Action::Sell(sell), said);
        let mut left = milli;
        for (lot, held) in lots {
            let taken = left.min(*held);
            self.world.change(shop, *lot, -taken);
            left -= taken;
        }
        id
    }

    /// Sales over the day, mostly by lot; a count or a correction between them.
    fn sell_by_scanner(&mut self, shop: SiteAt) {
        let mut times: Vec<i64> = (0..self.dice.between(3, 6)).map(|_| self.between_minutes(8 * 60 + 45, 20 * 60 + 45)).collect();
        times.sort_unstable();
        times.dedup();
        for at in times {
            let on_hand = self.sellable(shop);
            let Some((product, lots)) = self.dice.pick(&on_hand).cloned() else { return };
            let total: i64 = lots.iter().map(|(_, milli)| milli).sum();
            match self.dice.below(1_000) {
                ..300 => {
                    let milli = self.world.products[product].whole(total * self.dice.between(300, 800) / 1_000).min(total);
                    self.sell_product(shop, product, &lots, milli, At::Moment(at), Said::default());
                }
                300..330 => self.sell_mistyped(shop, lots[0], at),
                330..350 => self.sell_in_error(shop, lots[0], at),
                // Until then goods still come in.
                350..390 if at >= 10 * 3_600 => self.count_lots(shop, &lots[..1], At::Moment(at)),
                _ => {
                    let mut all: Vec<(LotAt, i64)> = on_hand.into_iter().flat_map(|(_, lots)| lots).collect();
                    self.dice.shuffle(&mut all);
                    all.truncate(1 + self.dice.below(3));
                    let lines: Vec<(LotAt, i64)> = all
                        .into_iter()
                        .map(|(lot, held)| {
                            let product = &self.world.products[self.world.lots[lot].product];
                            (lot, product.whole(held * self.dice.between(300, 800) / 1_000).min(held))
                        })
                        .collect();
                    self.sell_lots(shop, &lines, At::Moment(at), Said::default());
                    lines.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, -milli));
                }
            }
        }
    }

    /// Sold more than was: corrected.
    fn sell_mistyped(&mut self, shop: SiteAt, (lot, held): (LotAt, i64), at: i64) {
        let organization = self.organization(shop);
        let original = self.sell_lots(shop, &[(lot, held)], At::Moment(at), Said::default());
        let right = self.part(lot, held, 100, 500).unwrap_or(held);
        let sell = Sell { site: self.site_word(shop), lines: self.lines(&[(lot, right)]), ..Sell::default() };
        let correct = Correct {
            command_id: original.to_string(),
            reason: "bấm nhầm số lượng".to_owned(),
            when: None,
            replacement: Some(correct::Replacement::Sell(sell)),
        };
        self.record(&organization, At::Moment(at + 240), Action::Correct(correct));
        self.world.change(shop, lot, -right);
    }

    /// Never sold: voided.
    fn sell_in_error(&mut self, shop: SiteAt, (lot, held): (LotAt, i64), at: i64) {
        let organization = self.organization(shop);
        let original = self.sell_lots(shop, &[(lot, held)], At::Moment(at), Said::default());
        let void = Void { command_id: original.to_string(), reason: "khách không lấy nữa".to_owned() };
        self.record(&organization, At::Moment(at + 120), Action::Void(void));
    }

    /// The till's daily file: one line a product, dated to the day, sent as what has happened. Now and then it sold more than
    /// the book has.
    fn sell_by_till(&mut self, shop: SiteAt) {
        let said = Said { reported: true, note: "tệp bán hàng cuối ngày", slip: None };
        let with_expired = self.world.lots_at(shop);
        for (product, lots) in self.sellable(shop) {
            if !self.dice.chance(850) {
                continue;
            }
            let total: i64 = lots.iter().map(|(_, milli)| milli).sum();
            // What is beyond the book is laid to the lot received last, which may not be one that has expired.
            if self.dice.chance(12) && with_expired.get(&product).is_some_and(|all| all.len() == lots.len()) {
                // At the till's last minute: what arrived in the morning was there by then.
                let over = total + self.world.products[product].step() * self.dice.between(1, 4);
                let id = self.sell_product(shop, product, &lots, over, At::Moment(21 * 3_600 + 300), said.clone());
                self.broken.push((shop, id));
                lots.iter().for_each(|(lot, _)| self.world.settle(shop, *lot));
                continue;
            }
            let milli = self.world.products[product].whole(total * self.dice.between(400, 950) / 1_000).min(total);
            self.sell_product(shop, product, &lots, milli, At::Day, said.clone());
        }
    }

    /// What is spoiled or damaged; what has expired is taken from the shelf, or was sold all the same.
    fn waste(&mut self, shop: SiteAt) {
        let organization = self.organization(shop);
        let at = self.between_minutes(20 * 60 + 50, 21 * 60);
        let all: Vec<(LotAt, i64)> = self.world.lots_at(shop).into_values().flatten().collect();
        let expired: Vec<(LotAt, i64)> = all
            .iter()
            .copied()
            .filter(|(lot, _)| !self.world.is_sellable(*lot, self.day) && !self.world.is_settled(shop, *lot))
            .collect();
        if let Some(&(lot, held)) = expired.first() {
            match self.dice.below(10) {
                ..6 => {
                    let waste =
                        Waste { site: self.site_word(shop), lines: self.lines(&expired), reason: WasteReason::Expired.into() };
                    self.record(&organization, At::Moment(at), Action::Waste(waste));
                    expired.iter().for_each(|(lot, milli)| self.world.change(shop, *lot, -milli));
                }
                6 => {
                    let milli = self.world.products[self.world.lots[lot].product].whole(held / 4).min(held);
                    let said = Said { reported: true, note: "ghi lại từ điện thoại", slip: None };
                    self.sell_lots(shop, &[(lot, milli)], At::Moment(at - 3_600), said);
                    self.world.change(shop, lot, -milli);
                }
                _ => {
                    let step = self.world.products[self.world.lots[lot].product].step();
                    let sell = Sell { site: self.site_word(shop), lines: self.lines(&[(lot, step)]), ..Sell::default() };
                    self.mistake(&organization, At::Moment(at - 1_800), Action::Sell(sell), &["EXPIRED"]);
                }
            }
        }
        if !self.dice.chance(350) {
            return;
        }
        const REASONS: [WasteReason; 4] =
            [WasteReason::Spoiled, WasteReason::Damaged, WasteReason::Sampled, WasteReason::Donated];
        let fresh: Vec<(LotAt, i64)> = self.sellable(shop).into_iter().flat_map(|(_, lots)| lots).collect();
        let Some(&(lot, held)) = self.dice.pick(&fresh) else { return };
        let milli = self.world.products[self.world.lots[lot].product].whole(held * self.dice.between(20, 80) / 1_000).min(held);
        let reason = REASONS[self.dice.below(REASONS.len())];
        let waste = Waste { site: self.site_word(shop), lines: self.lines(&[(lot, milli)]), reason: reason.into() };
        self.record(&organization, At::Moment(at), Action::Waste(waste));
        self.world.change(shop, lot, -milli);
    }

    /// What a clerk counts where the book has so much: mostly that.
    fn counted(&mut self, product: ProductAt, held: i64, may_find: bool) -> i64 {
        let step = self.world.products[product].step();
        match self.dice.below(10) {
            ..6 => held,
            9 if may_find => held + step,
            _ => (held - step * self.dice.between(1, 2)).max(0),
        }
    }

    fn count_lots(&mut self, shop: SiteAt, lots: &[(LotAt, i64)], at: At) {
        let organization = self.organization(shop);
        let counted: Vec<(LotAt, i64)> =
            lots.iter().map(|(lot, held)| (*lot, self.counted(self.world.lots[*lot].product, *held, true))).collect();
        let count = Count { site: self.site_word(shop), lines: self.lines(&counted), ..Count::default() };
        self.record(&organization, at, Action::Count(count.clone()));
        for ((lot, counted), (_, held)) in counted.iter().zip(lots) {
            self.world.change(shop, *lot, counted - held);
            self.world.settle(shop, *lot);
            if at == At::Closing {
                self.closing.insert((shop, *lot));
            }
        }
        if self.dice.chance(60) {
            self.mistake(&organization, at, Action::Count(count), &["COUNTED_ALREADY"]);
        }
    }

    /// By product, without lots: what is missing is laid to what expires first.
    fn count_product(&mut self, shop: SiteAt, product: ProductAt, lots: &[(LotAt, i64)], at: At) {
        let organization = self.organization(shop);
        let held: i64 = lots.iter().map(|(_, milli)| milli).sum();
        let counted = self.counted(product, held, false);
        let count = Count {
            site: self.site_word(shop),
            lines: Vec::new(),
            product: self.product_word(product),
            quantity: self.quantity(product, counted),
        };
        self.record(&organization, at, Action::Count(count));
        let mut missing = held - counted;
        for (lot, held) in lots {
            let taken = missing.min(*held);
            self.world.change(shop, *lot, -taken);
            missing -= taken;
        }
        // A lot of it that is sold out was counted as well.
        let all: Vec<LotAt> = self.world.stock.get(&shop).into_iter().flat_map(|held| held.keys().copied()).collect();
        for lot in all {
            if self.world.lots[lot].product == product {
                self.world.settle(shop, lot);
            }
        }
    }

    fn count_before_opening(&mut self, shop: SiteAt) {
        if !self.dice.chance(150) {
            return;
        }
        let mut lots: Vec<(LotAt, i64)> = self.world.lots_at(shop).into_values().flatten().collect();
        lots.truncate(3);
        if !lots.is_empty() {
            self.count_lots(shop, &lots, At::Opening);
        }
    }

    fn count_after_closing(&mut self, shop: SiteAt) {
        if !self.dice.chance(200) {
            return;
        }
        // Beyond what was filled there is nothing to count.
        let mut on_hand: Vec<_> = self.world.lots_at(shop).into_iter().collect();
        on_hand.retain(|(_, lots)| lots.iter().all(|(lot, _)| !self.world.is_settled(shop, *lot)));
        let Some((product, lots)) = self.dice.pick(&on_hand).cloned() else { return };
        // A till's sales are dated to the day alone, so they lie after any moment of it. A count by product holds for lots of
        // other runs too: at a second of its own it stands in no other's way.
        if self.world.sites[shop].keeping == Keeping::Scanner && self.dice.chance(700) {
            let at = self.between_minutes(21 * 60 + 30, 22 * 60 + 30);
            self.count_product(shop, product, &lots, At::Moment(at));
        } else {
            let mut lots: Vec<(LotAt, i64)> = on_hand.into_iter().flat_map(|(_, lots)| lots).collect();
            lots.truncate(4);
            self.count_lots(shop, &lots, At::Closing);
        }
    }

    /// What comes late: sales that a clerk remembers, of today or yesterday; some of what was counted since, which then stands.
    pub(super) fn late(&mut self) {
        self.wave = Wave::Late;
        let said = Said { reported: false, note: "gửi muộn, máy mất mạng", slip: None };
        for shop in self.world.shops.clone() {
            if !self.dice.chance(90) {
                continue;
            }
            let lots: Vec<(LotAt, i64)> = self.sellable(shop).into_iter().flat_map(|(_, lots)| lots).collect();
            let Some(&(lot, held)) = self.dice.pick(&lots) else { continue };
            let product = self.world.lots[lot].product;
            let step = self.world.products[product].step();
            if self.world.settled[0].contains(&(shop, lot)) {
                continue;
            }
            let yesterday = self.world.evening_stock.get(&shop).and_then(|held| held.get(&lot)).copied().unwrap_or(0);
            let was_there = yesterday >= step && !self.world.is_settled(shop, lot) && self.world.is_sellable(lot, self.day - 1);
            let (at, most) = if was_there && self.dice.chance(500) {
                (At::Moment(self.between_minutes(9 * 60, 20 * 60) - 86_400), held.min(yesterday))
            } else {
                (At::Moment(self.between_minutes(9 * 60, 20 * 60)), held)
            };
            let milli = self.world.products[product].whole(most / 5).min(most);
            self.sell_lots(shop, &[(lot, milli)], at, said.clone());
            self.world.change(shop, lot, -milli);
        }
        for (shop, lot) in std::mem::take(&mut self.closing) {
            // So much was in the book before the count, whatever the count changed.
            let held = self.world.held(shop, lot);
            let step = self.world.products[self.world.lots[lot].product].step();
            if held >= 6 * step && self.dice.chance(150) && self.world.is_sellable(lot, self.day) {
                let at = At::Moment(self.between_minutes(9 * 60, 20 * 60));
                self.sell_lots(shop, &[(lot, step)], at, said.clone());
            }
        }
    }
}
