//! The mistakes that people make at a shop. Each has to be refused, for its own reason, and leaves the book as it is.

use domain::unit::BaseUnit;
use wire::proto::chuoi::event::v1::{OrganizationKind, OrganizationRegistered, RefusalReason};
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::register::Fact;
use wire::proto::chuoi::record::v1::{
    Count, Harvest, LotReference, NewLot, Quantity, Receive, RefuseDelivery, Register, Sell, Void,
};

use super::plan::{At, Planner, reference_of};
use super::shops::Receipt;
use super::world::{LotAt, Shipment, SiteAt};

impl Planner<'_> {
    /// Before a shipment is taken in: it cannot have come before it left, nor at another shop, nor can more be turned away than
    /// is on it.
    pub(super) fn before_receipt(&mut self, shop: SiteAt, shipment: &Shipment) {
        if shipment.unlogged || !self.dice.chance(25) {
            return;
        }
        let organization = self.organization(shop);
        let receive = Receive { shipment: reference_of(shipment), site: String::new(), lines: Vec::new(), everything: true };
        match self.dice.below(3) {
            // A phone that is a day behind.
            0 => {
                self.mistake(&organization, At::Moment(-4 * 3_600), Action::Receive(receive), &["BEFORE_DISPATCH"]);
            }
            1 => {
                let Some(other) = self.dice.pick(&self.world.shops).copied().filter(|other| *other != shop) else { return };
                let organization = self.organization(other);
                let receive = Receive { site: self.world.sites[other].code.clone(), ..receive };
                let at = At::Moment(self.between_minutes(5 * 60, 5 * 60 + 10));
                self.mistake(&organization, at, Action::Receive(receive), &["NOT_THE_DESTINATION"]);
            }
            _ => {
                let Some(&(lot, milli)) = shipment.lines.first() else { return };
                let refuse = RefuseDelivery {
                    shipment: reference_of(shipment),
                    lines: self.lines(&[(lot, milli * 10)]),
                    everything: false,
                    reason: RefusalReason::Oversupply.into(),
                    destroyed: false,
                };
                // Played again, nothing is on its way any more.
                let reasons = &["MORE_THAN_OPEN", "ALREADY_RECEIVED"];
                let at = At::Moment(self.between_minutes(5 * 60, 5 * 60 + 10));
                self.mistake(&organization, at, Action::RefuseDelivery(refuse), reasons);
            }
        }
    }

    /// At the end of the day: one mistake at every third shop.
    pub(super) fn shop_mistake(&mut self, shop: SiteAt, receipts: &[Receipt]) {
        if !self.dice.chance(330) {
            return;
        }
        let organization = self.organization(shop);
        let at = At::Moment(self.between_minutes(12 * 60, 21 * 60));
        let lots: Vec<(LotAt, i64)> = self.world.lots_at(shop).into_values().flatten().collect();
        let sellable = lots.iter().copied().filter(|(lot, _)| self.world.is_sellable(*lot, self.day)).collect::<Vec<_>>();
        let Some(&(lot, held)) = self.dice.pick(&sellable) else {
            return self.nameless_mistake(shop, &organization, at);
        };
        let product = self.world.lots[lot].product;
        let (unit, step) = (self.world.products[product].unit, self.world.products[product].step());
        let line = self.line(lot, step);
        let of_lot = |quantity: Quantity| {
            let mut line = line.clone();
            line.quantity = Some(quantity);
            Sell { site: String::new(), lines: vec![line], ..Sell::default() }
        };
        let site = self.world.sites[shop].code.clone();
        let milli = |value_milli: i64| Quantity { value_milli, ..Quantity::default() };
        let sell = |sell: Sell| Action::Sell(Sell { site: site.clone(), ..sell });
        match self.dice.below(13) {
            0 => {
                let unit = if unit == BaseUnit::Piece { "kg" } else { "hộp" };
                let wrong = of_lot(Quantity {
                    value_milli: 2_000,
                    unit: unit.to_owned(),
                    typed: format!("2 {unit}"),
                    ..Quantity::default()
                });
                self.mistake(&organization, at, sell(wrong), &["INEXACT"]);
            }
            1 if unit == BaseUnit::Piece => {
                let half = Quantity { value_milli: 1_500, unit: String::new(), typed: "1,5".to_owned(), ..Quantity::default() };
                self.mistake(&organization, at, sell(of_lot(half)), &["NOT_WHOLE"]);
            }
            2 => {
                self.mistake(&organization, at, sell(of_lot(milli(held + 1_000_000))), &["NOT_ENOUGH"]);
            }
            3 => {
                let code = self.world.products[product].code.clone();
                let too_much = Sell { product: code, quantity: Some(milli(900_000_000_000)), ..Sell::default() };
                self.mistake(&organization, at, sell(too_much), &["NOT_ENOUGH_OF_PRODUCT"]);
            }
            4 => {
                self.mistake(&organization, at, sell(of_lot(milli(0))), &["QUANTITY_OUT_OF_BOUNDS"]);
            }
            5 => {
                self.mistake(&organization, At::WrongYear, sell(of_lot(milli(step))), &["IN_THE_FUTURE"]);
            }
            6 => {
                // The letter O for the figure 0, or I for L.
                let mut wrong = of_lot(milli(step));
                if let Some(LotReference { lot_code, .. }) = wrong.lines.first_mut().and_then(|line| line.lot.as_mut()) {
                    *lot_code =
                        if lot_code.contains('0') { lot_code.replacen('0', "O", 1) } else { lot_code.replacen('L', "I", 1) };
                }
                self.mistake(&organization, at, sell(wrong), &["UNKNOWN"]);
            }
            7 => {
                let Some(other) = self.dice.pick(&self.world.shops).copied().filter(|other| *other != shop) else { return };
                let other = self.organization(other);
                self.mistake(&other, at, sell(of_lot(milli(step))), &["NOT_YOUR_SITE"]);
            }
            8 => {
                let harvest = Harvest {
                    site: site.clone(),
                    lot: Some(NewLot {
                        product: self.world.products[product].code.clone(),
                        lot_code: self.world.lot_code(&self.date.to_string()),
                        chain: self.world.chains[self.world.lots[lot].chain].code.clone(),
                        ..NewLot::default()
                    }),
                    quantity: Some(milli(step)),
                    ..Default::default()
                };
                self.mistake(&organization, at, Action::Harvest(harvest), &["WRONG_KIND_OF_SITE"]);
            }
            9 => {
                // Neither before opening nor after closing.
                let count = Count { site: site.clone(), lines: of_lot(milli(step)).lines, ..Count::default() };
                self.mistake(&organization, At::Day, Action::Count(count), &["MALFORMED"]);
            }
            10 | 11 => self.mistake_about_a_receipt(shop, &organization, receipts, at),
            _ => self.nameless_mistake(shop, &organization, at),
        }
    }

    /// Taken in twice; voided after its goods were sold; goods that it does not carry.
    fn mistake_about_a_receipt(&mut self, shop: SiteAt, organization: &str, receipts: &[Receipt], at: At) {
        let Some(receipt) = self.dice.pick(receipts) else { return self.nameless_mistake(shop, organization, at) };
        let sold =
            receipt.lines.iter().any(|(lot, milli)| self.world.held(shop, *lot) < *milli && !self.world.is_settled(shop, *lot));
        if sold && self.dice.chance(500) {
            let void = Void { command_id: receipt.id.to_string(), reason: "nhập nhầm".to_owned() };
            self.mistake(organization, at, Action::Void(void), &["IN_THE_WAY"]);
            return;
        }
        let receive =
            Receive { shipment: reference_of(&receipt.shipment), site: String::new(), lines: Vec::new(), everything: true };
        if receipt.closed {
            self.mistake(organization, at, Action::Receive(receive), &["ALREADY_RECEIVED"]);
        } else if !receipt.shipment.unlogged {
            let foreign = self
                .world
                .lots_at(shop)
                .into_values()
                .flatten()
                .find(|(lot, _)| receipt.shipment.lines.iter().all(|(on_it, _)| on_it != lot));
            if let Some((lot, milli)) = foreign {
                let receive = Receive { lines: self.lines(&[(lot, milli)]), everything: false, ..receive };
                self.mistake(organization, at, Action::Receive(receive), &["NOT_ON_SHIPMENT"]);
            }
        }
    }

    /// Mistakes that need nothing on the shelf.
    fn nameless_mistake(&mut self, shop: SiteAt, organization: &str, at: At) {
        let site = self.world.sites[shop].code.clone();
        let one = Quantity { value_milli: 1_000, ..Quantity::default() };
        let sell =
            |product: String| Action::Sell(Sell { site: site.clone(), product, quantity: Some(one.clone()), ..Sell::default() });
        match self.dice.below(5) {
            0 => {
                self.mistake(organization, at, sell("Rau mống túi".to_owned()), &["UNKNOWN"]);
            }
            1 => {
                let Some(name) = self.dice.pick(&self.world.ambiguous).cloned() else { return };
                self.mistake(organization, at, sell(name), &["AMBIGUOUS"]);
            }
            2 => {
                let code = self.world.products[self.dice.below(self.world.products.len())].code.clone();
                let elsewhere = Sell { site: format!("{site}99"), product: code, quantity: Some(one), ..Sell::default() };
                self.mistake(organization, at, Action::Sell(elsewhere), &["UNKNOWN"]);
            }
            3 => {
                let never_sent = self.dice.id(i64::from(self.day) * 86_400);
                let void = Void { command_id: never_sent.to_string(), reason: "ghi nhầm".to_owned() };
                self.mistake(organization, at, Action::Void(void), &["NO_SUCH_COMMAND"]);
            }
            _ => {
                let register = Register {
                    fact: Some(Fact::Organization(OrganizationRegistered {
                        organization_code: "HTX-MOI".to_owned(),
                        name: "HTX Mẫu mới".to_owned(),
                        kind: OrganizationKind::Cooperative.into(),
                        gln: String::new(),
                    })),
                };
                self.mistake(organization, at, Action::Register(register), &["NOT_THE_AUTHORITY"]);
            }
        }
    }
}
