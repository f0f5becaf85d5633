//! What the decisions about all commands share: the time of the event, and names, lots and quantities looked up. Rules 1, 4, 9
//! and 10 are checked here.

use super::{Action, Context, DayPart, LotLine, LotReference, NewLot, Point, Quantity, ShipmentReference, When};
use crate::event::registry::{Member, Product, Site};
use crate::event::{Amount, Event, Fact, Lot, Violation};
use crate::id::{ChainCode, LotCode, LotId, OrganizationCode, ShipmentCode, ShipmentId, SiteCode};
use crate::quantity::Milli;
use crate::refusal::{CommandRef, Refusal};
use crate::state::{Holder, KnownLot, Shipment, State};
use crate::time::{BusinessDay, EventTime, Precision};
use crate::unit;
use jiff::ToSpan as _;
use std::sync::Arc;

/// How far an event may lie ahead of the journal's clock (rule 4).
const AHEAD_MINUTES: i64 = 5;

/// One command while it is decided.
pub(super) struct Deciding<'a> {
    pub state: &'a State,
    pub context: &'a Context<'a>,
    pub by: CommandRef,
    pub time: EventTime,
    reported: bool,
    violations: Vec<Violation>,
}

/// When an action happened in the world.
pub(super) fn event_time(
    state: &State,
    context: &Context<'_>,
    when: Option<&When>,
    field: &str,
    action: &Action,
) -> Result<EventTime, Refusal> {
    let Some(When { point, typed }) = when else {
        return Err(malformed(field, "is missing; say when it happened, by event_time or by date"));
    };
    let is_count = matches!(action, Action::Count(_));
    let (time, ahead) = match point {
        Point::Moment { instant, utc_offset_minutes } => {
            let time = state.calendar().moment(*instant, *utc_offset_minutes, typed.clone());
            let ahead = time.instant > latest(context);
            (time, ahead)
        }
        Point::Date { day, part } => {
            let precision = match (part, is_count) {
                (DayPart::BeforeOpening, true) => Precision::BeforeOpening,
                (DayPart::AfterClosing, true) => Precision::AfterClosing,
                (DayPart::Unspecified, false) => Precision::Day,
                (DayPart::Unspecified, true) => {
                    let problem =
                        "a count dated to the day alone says before opening or after closing; say which, or give its time";
                    return Err(malformed(&format!("{field}.day_part"), problem));
                }
                (_, false) => {
                    let problem = "only a count lies before opening or after closing; leave it out, or give the time";
                    return Err(malformed(&format!("{field}.day_part"), problem));
                }
            };
            let time = state.calendar().day_time(*day, precision, typed.clone());
            let ahead = *day > state.calendar().day(latest(context));
            (time, ahead)
        }
    };
    if ahead {
        return Err(Refusal::InTheFuture { event_time: time, now: context.now });
    }
    Ok(time)
}

/// When a void or correction was said: as sent, or now.
pub(super) fn said_time(state: &State, context: &Context<'_>, when: Option<&When>) -> Result<EventTime, Refusal> {
    match when {
        None => Ok(state.calendar().moment(context.now, None, None)),
        Some(When { point: Point::Moment { instant, utc_offset_minutes }, typed }) => {
            let time = state.calendar().moment(*instant, *utc_offset_minutes, typed.clone());
            if time.instant > latest(context) {
                Err(Refusal::InTheFuture { event_time: time, now: context.now })
            } else {
                Ok(time)
            }
        }
        Some(When { point: Point::Date { day, .. }, typed }) => {
            let time = state.calendar().day_time(*day, Precision::Day, typed.clone());
            let ahead = *day > state.calendar().day(latest(context));
            if ahead { Err(Refusal::InTheFuture { event_time: time, now: context.now }) } else { Ok(time) }
        }
    }
}

fn latest(context: &Context<'_>) -> jiff::Timestamp {
    context.now.saturating_add(AHEAD_MINUTES.minutes()).unwrap_or(context.now)
}

pub(super) fn malformed(field: &str, problem: &str) -> Refusal {
    Refusal::Malformed { field: field.to_owned(), problem: problem.to_owned() }
}

impl<'a> Deciding<'a> {
    pub(super) fn new(state: &'a State, context: &'a Context<'a>, by: CommandRef, time: EventTime, reported: bool) -> Self {
        Deciding { state, context, by, time, reported, violations: Vec::new() }
    }

    /// The events that an action says itself, without what follows from them.
    pub(super) fn primary(mut self, action: &Action) -> Result<Vec<Event>, Refusal> {
        self.reported &= action.may_be_reported();
        let facts = match action {
            Action::Harvest(harvest) => super::harvest::decide(&mut self, harvest)?,
            Action::OpenLot(open) => super::open_lot::decide(&mut self, open)?,
            Action::Transform(transform) => super::transform::decide(&mut self, transform)?,
            Action::Dispatch(dispatch) => super::dispatch::decide(&mut self, dispatch)?,
            Action::Receive(receive) => super::receive::decide(&mut self, receive)?,
            Action::RefuseDelivery(refuse) => super::refuse_delivery::decide(&mut self, refuse)?,
            Action::ReportShort(short) => super::report_short::decide(&mut self, short)?,
            Action::Sell(sell) => super::sell::decide(&mut self, sell)?,
            Action::Waste(waste) => super::waste::decide(&mut self, waste)?,
            Action::Count(count) => super::count::decide(&mut self, count)?,
            Action::Void(_) | Action::Correct(_) | Action::Register(_) => {
                return Err(malformed("replacement", "only what moves goods can stand in a command's place"));
            }
        };
        let mut violations = Some(self.violations);
        Ok(facts
            .into_iter()
            .map(|(fact, time)| Event {
                time: time.unwrap_or_else(|| self.time.clone()),
                violations: violations.take().unwrap_or_default(),
                fact,
            })
            .collect())
    }

    pub(super) fn day(&self) -> BusinessDay {
        self.time.business_day
    }

    pub(super) fn is_reported(&self) -> bool {
        self.reported
    }

    /// Rule 12: what has happened already is recorded, marked; what is about to happen is refused.
    pub(super) fn refuse_or_mark(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        if !self.reported {
            return Err(refusal);
        }
        self.violations.push(Violation {
            rule: refusal.rule(),
            reason: refusal.reason().to_owned(),
            detail: refusal.to_string(),
        });
        Ok(())
    }

    pub(super) fn site(&self, field: &str, given: &str) -> Result<Arc<Site>, Refusal> {
        self.state.registry().sites.find(field, given, self.day())
    }

    /// A site that the caller's organization runs (rule 9). A report of facts does not widen that: who may speak is not a fact.
    pub(super) fn own_site(&self, field: &str, given: &str) -> Result<Arc<Site>, Refusal> {
        let site = self.site(field, given)?;
        self.runs(&site)?;
        Ok(site)
    }

    pub(super) fn runs(&self, site: &Site) -> Result<(), Refusal> {
        if site.organization != *self.context.organization {
            return Err(Refusal::NotYourSite {
                organization: self.context.organization.clone(),
                site: self.state.registry().sites.describe(&site.code),
                runs: site.organization.clone(),
            });
        }
        Ok(())
    }

    /// A site by its code, which an event brought.
    pub(super) fn known_site(&self, code: &SiteCode) -> Result<Arc<Site>, Refusal> {
        self.site("site", code.as_str())
    }

    pub(super) fn product(&self, field: &str, given: &str) -> Result<Arc<Product>, Refusal> {
        self.state.registry().products.find(field, given, self.day())
    }

    pub(super) fn product_of(&self, lot: &KnownLot) -> Result<Arc<Product>, Refusal> {
        self.product("product", lot.lot.product.as_str())
    }

    /// Rule 1, for goods that move.
    pub(super) fn amount(&self, field: &str, quantity: &Quantity, product: &Product) -> Result<Amount, Refusal> {
        let amount = self.counted_amount(field, quantity, product)?;
        if amount.quantity == Milli::ZERO {
            return Err(out_of_bounds(field, amount.quantity, "above zero"));
        }
        Ok(amount)
    }

    /// Rule 1, for a count, which may be zero.
    pub(super) fn counted_amount(&self, field: &str, quantity: &Quantity, product: &Product) -> Result<Amount, Refusal> {
        let Quantity { value, unit, typed } = quantity;
        if value.0 < 0 {
            return Err(out_of_bounds(field, *value, "zero or above"));
        }
        let milli = unit::to_base(*value, unit, product.base_unit, &product.market_units)
            .map_err(|source| Refusal::Inexact { field: field.to_owned(), source })?;
        if milli > Milli::MAX_LINE {
            return Err(out_of_bounds(field, milli, "at most 1000000000"));
        }
        if product.indivisible && !milli.is_whole() {
            let (quantity, product, unit) = (milli, product.code.clone(), product.base_unit);
            return Err(Refusal::NotWhole { field: field.to_owned(), quantity, product, unit });
        }
        let given = typed.clone().or_else(|| (!unit.is_empty()).then(|| format!("{value} {unit}").into_boxed_str()));
        Ok(Amount { quantity: milli, given })
    }

    /// A lot line looked up: the lot, and how much of it in its product's unit.
    pub(super) fn line(&self, field: &str, line: &LotLine, near: Option<&Holder>) -> Result<(LotId, Amount), Refusal> {
        let known = self.lot(&format!("{field}.lot"), &line.lot, near)?;
        let amount = self.amount(&format!("{field}.quantity"), &line.quantity, &*self.product_of(known)?)?;
        Ok((known.lot.id, amount))
    }

    /// Finds a lot: by id; by what names it; or, where no issuer is given, by its code among the lots at a place.
    pub(super) fn lot(&self, field: &str, reference: &LotReference, near: Option<&Holder>) -> Result<&'a KnownLot, Refusal> {
        let (issuer, product, code) = match reference {
            LotReference::Id(id) => {
                return self.state.lot(LotId(*id)).ok_or_else(|| self.unknown_lot(field, &id.to_string(), near));
            }
            LotReference::Named { issuer, product, code } => (issuer, product, code),
        };
        let code = lot_code(field, code)?;
        let product = if product.trim().is_empty() { None } else { Some(self.product(&format!("{field}.product"), product)?) };
        if let Some(product) = &product {
            let issuer = self.issuer(&format!("{field}.issuer"), issuer, product, reference)?;
            if let Some(known) = self.state.lot(LotId::derive(&issuer, &product.code, &code)) {
                return Ok(known);
            }
        }
        let fits: Vec<&KnownLot> = self
            .lots_near(near)
            .into_iter()
            .filter(|known| known.lot.code == code)
            .filter(|known| product.as_ref().is_none_or(|product| product.code == known.lot.product))
            .filter(|known| issuer.trim().is_empty() || self.names_organization(issuer, &known.lot.issuer))
            .collect();
        match &fits[..] {
            [one] => Ok(one),
            [] => Err(self.unknown_lot(field, code.as_str(), near)),
            _ => Err(Refusal::Ambiguous {
                field: field.to_owned(),
                what: "lot",
                value: code.to_string(),
                candidates: fits.iter().map(|known| format!("{} = {}", known.name(), known.lot.id)).collect(),
            }),
        }
    }

    fn names_organization(&self, given: &str, code: &OrganizationCode) -> bool {
        self.state.registry().organizations.find("issuer", given, self.day()).is_ok_and(|found| found.code == *code)
    }

    /// Whose lot code it is: as given; for a GTIN its brand owner; else the caller's.
    fn issuer(&self, field: &str, given: &str, product: &Product, reference: &LotReference) -> Result<OrganizationCode, Refusal> {
        let by_gtin = matches!(reference, LotReference::Named { product: given, .. } if is_gtin_of(given, product));
        self.issuer_of(field, given, product, by_gtin)
    }

    fn issuer_of(&self, field: &str, given: &str, product: &Product, by_gtin: bool) -> Result<OrganizationCode, Refusal> {
        if !given.trim().is_empty() {
            return Ok(self.state.registry().organizations.find(field, given, self.day())?.code.clone());
        }
        match &product.brand_owner {
            Some(owner) if by_gtin => Ok(owner.clone()),
            _ => Ok(self.context.organization.clone()),
        }
    }

    fn lots_near(&self, near: Option<&Holder>) -> Vec<&'a KnownLot> {
        let lots: Vec<LotId> = match near {
            None => Vec::new(),
            Some(Holder::Site(site)) => self.state.all_lots_at(site).collect(),
            Some(Holder::Shipment(shipment)) => {
                self.state.shipment(*shipment).map(|it| it.lines.keys().copied().collect()).unwrap_or_default()
            }
        };
        lots.into_iter().filter_map(|lot| self.state.lot(lot)).collect()
    }

    fn unknown_lot(&self, field: &str, given: &str, near: Option<&Holder>) -> Refusal {
        let mut scored: Vec<(f64, String)> = self
            .lots_near(near)
            .into_iter()
            .map(|known| (strsim::jaro_winkler(given, known.lot.code.as_str()), format!("{} = {}", known.name(), known.lot.id)))
            .filter(|(score, _)| *score > 0.7)
            .collect();
        scored.sort_by(|(a, a_name), (b, b_name)| b.total_cmp(a).then_with(|| a_name.cmp(b_name)));
        scored.truncate(3);
        let nearest = scored.into_iter().map(|(_, name)| name).collect();
        Refusal::Unknown { field: field.to_owned(), what: "lot", value: given.to_owned(), nearest }
    }

    /// A lot that begins, or is announced, at a site.
    pub(super) fn new_lot(
        &mut self,
        field: &str,
        new: &NewLot,
        site: &Site,
        naming: Naming,
    ) -> Result<(Lot, Arc<Product>), Refusal> {
        let product = self.product(&format!("{field}.product"), &new.product)?;
        let code = lot_code(field, &new.code)?;
        let by_gtin = is_gtin_of(&new.product, &product);
        let issuer = self.issuer_of(&format!("{field}.issuer"), &new.issuer, &product, by_gtin)?;
        let id = LotId::derive(&issuer, &product.code, &code);
        let known = self.state.lot(id);
        let chain = match known {
            // A lot keeps its chain from when it was first heard of.
            Some(known) if new.chain.trim().is_empty() => known.lot.chain.clone(),
            _ => self.chain(&format!("{field}.chain"), new, site, &product, &issuer)?,
        };
        if let Some(known) = known
            && known.lot.chain != chain
        {
            let (chain, given) = (self.describe_chain(&known.lot.chain), self.describe_chain(&chain));
            return Err(Refusal::LotOfOtherChain { lot: known.name(), chain, given });
        }
        if naming == Naming::Own {
            self.may_name(&issuer, &chain, &product)?;
        }
        self.in_chain(&Member::Product(product.code.clone()), &chain)?;
        self.in_chain(&Member::Site(site.code.clone()), &chain)?;
        let lot = Lot {
            id,
            issuer,
            product: product.code.clone(),
            code,
            chain,
            expiry: new.expiry,
            harvest_day: None,
            harvest_time: None,
        };
        Ok((lot, product))
    }

    /// Lot codes are given by their issuer, its chain's lead, or whoever owns the brand: nobody takes another's names.
    fn may_name(&self, issuer: &OrganizationCode, chain: &ChainCode, product: &Product) -> Result<(), Refusal> {
        let organization = self.context.organization;
        let lead = self.state.registry().chains.on(chain, self.day()).map(|chain| &chain.lead);
        if issuer == organization || lead == Some(issuer) || product.brand_owner.as_ref() == Some(issuer) {
            return Ok(());
        }
        let allowed = [Some(organization), lead, product.brand_owner.as_ref()].into_iter().flatten();
        let mut allowed: Vec<String> = allowed.map(ToString::to_string).collect();
        allowed.dedup();
        Err(Refusal::NotYourLotCode { organization: organization.clone(), issuer: issuer.clone(), allowed: allowed.join(", ") })
    }

    fn chain(
        &self,
        field: &str,
        new: &NewLot,
        site: &Site,
        product: &Product,
        issuer: &OrganizationCode,
    ) -> Result<ChainCode, Refusal> {
        let registry = self.state.registry();
        if !new.chain.trim().is_empty() {
            return Ok(registry.chains.find(field, &new.chain, self.day())?.code.clone());
        }
        let of_site = registry.chains_of(&Member::Site(site.code.clone()), self.day());
        let of_product = registry.chains_of(&Member::Product(product.code.clone()), self.day());
        let mut possible: Vec<ChainCode> =
            of_product.iter().filter(|chain| of_site.is_empty() || of_site.contains(chain)).cloned().collect();
        if possible.len() > 1 {
            // The issuer's own chain is meant.
            let led = |chain: &ChainCode| registry.chains.on(chain, self.day()).is_some_and(|chain| chain.lead == *issuer);
            let own: Vec<ChainCode> = possible.iter().filter(|chain| led(chain)).cloned().collect();
            if own.len() == 1 {
                possible = own;
            }
        }
        match &possible[..] {
            [one] => Ok(one.clone()),
            [] => Err(Refusal::NotInChain {
                what: format!("product {}", registry.products.describe(&product.code)),
                chain: if of_site.is_empty() { "any".to_owned() } else { self.describe_chains(&of_site) },
                day: self.day(),
                belongs_to: self.describe_chains(&of_product),
            }),
            several => Err(Refusal::Ambiguous {
                field: field.to_owned(),
                what: "chain",
                value: String::new(),
                candidates: several.iter().map(|chain| self.describe_chain(chain)).collect(),
            }),
        }
    }

    /// Rule 9. A site that is in no chain serves every chain.
    pub(super) fn in_chain(&mut self, member: &Member, chain: &ChainCode) -> Result<(), Refusal> {
        let registry = self.state.registry();
        let chains = registry.chains_of(member, self.day());
        if chains.contains(chain) || (chains.is_empty() && matches!(member, Member::Site(_))) {
            return Ok(());
        }
        let what = match member {
            Member::Site(site) => format!("site {}", registry.sites.describe(site)),
            Member::Product(product) => format!("product {}", registry.products.describe(product)),
        };
        let (chain, belongs_to) = (self.describe_chain(chain), self.describe_chains(&chains));
        self.refuse_or_mark(Refusal::NotInChain { what, chain, day: self.day(), belongs_to })
    }

    fn describe_chain(&self, chain: &ChainCode) -> String {
        self.state.registry().chains.describe(chain)
    }

    fn describe_chains(&self, chains: &[ChainCode]) -> String {
        if chains.is_empty() {
            return "none".to_owned();
        }
        chains.iter().map(|chain| self.describe_chain(chain)).collect::<Vec<_>>().join(", ")
    }

    /// The id that a reference to a shipment stands for, with issuer and code where they are given.
    pub(super) fn shipment_id(
        &self,
        reference: &ShipmentReference,
    ) -> Result<(ShipmentId, Option<(OrganizationCode, ShipmentCode)>), Refusal> {
        match reference {
            ShipmentReference::Id(id) => Ok((ShipmentId(*id), None)),
            ShipmentReference::Named { issuer, code } => {
                let code = ShipmentCode::parse(code)
                    .map_err(|source| Refusal::BadCode { field: "shipment.shipment_code".to_owned(), source })?;
                let issuer = if issuer.trim().is_empty() {
                    self.context.organization.clone()
                } else {
                    self.state.registry().organizations.find("shipment.issuer", issuer, self.day())?.code.clone()
                };
                Ok((ShipmentId::derive(&issuer, &code), Some((issuer, code))))
            }
        }
    }

    /// A shipment that left, by its reference.
    pub(super) fn shipment(&self, reference: &ShipmentReference) -> Result<&'a Shipment, Refusal> {
        let (id, named) = self.shipment_id(reference)?;
        self.state.shipment(id).filter(|shipment| shipment.dispatched.is_some()).ok_or_else(|| Refusal::Unknown {
            field: "shipment".to_owned(),
            what: "shipment",
            value: named.map_or_else(|| id.to_string(), |(issuer, code)| format!("{code} of {issuer}")),
            nearest: Vec::new(),
        })
    }
}

/// Whose lot codes may be given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// Those of whoever may begin a lot.
    Own,
    /// Anybody's: the lot came from elsewhere.
    Any,
}

/// A fact, and its time where that is not the command's.
pub(super) type TimedFact = (Fact, Option<EventTime>);

fn is_gtin_of(given: &str, product: &Product) -> bool {
    product.gtin.as_deref().is_some_and(|gtin| format!("{:0>14}", given.trim()) == gtin)
}

fn lot_code(field: &str, given: &str) -> Result<LotCode, Refusal> {
    LotCode::parse(given).map_err(|source| Refusal::BadCode { field: format!("{field}.lot_code"), source })
}

fn out_of_bounds(field: &str, quantity: Milli, allowed: &str) -> Refusal {
    Refusal::QuantityOutOfBounds { field: field.to_owned(), quantity, allowed: allowed.to_owned() }
}
