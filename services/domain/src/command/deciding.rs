//! What the decisions about all commands share: the time of the event, and names, lots and quantities looked up. Rules 1, 4, 9
//! and 10 are checked here.

use super::{Action, Context, DayPart, LotLine, LotReference, NewLot, Point, Quantity, ShipmentReference, When};
use crate::event::registry::{Member, Product, Site};
use crate::event::{Amount, Catch, Event, Fact, Lot, TypedName, Violation};
use crate::id::{ChainCode, CommandRef, LotCode, LotId, OrganizationCode, ProductCode, ShipmentCode, ShipmentId, SiteCode};
use crate::quantity::Milli;
use crate::refusal::{LotName, Refusal};
use crate::state::registry::{Book, Thing};
use crate::state::{Holder, KnownLot, Shipment, State};
use crate::text;
use crate::time::{BusinessDay, EventTime, Precision};
use crate::unit::{self, BaseUnit};
use jiff::ToSpan as _;
use std::cell::RefCell;
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
    /// Rule 13: names that were read so far. Looking something up changes nothing else.
    names: RefCell<Vec<TypedName>>,
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
    let (time, ahead) = match point {
        Point::Moment { instant, utc_offset_minutes } => {
            let time = state.calendar().moment(*instant, *utc_offset_minutes, typed.clone());
            let ahead = time.instant > latest(context);
            (time, ahead)
        }
        Point::Date { day, part } => {
            let precision = match part {
                DayPart::BeforeOpening => Precision::BeforeOpening,
                DayPart::AfterClosing => Precision::AfterClosing,
                DayPart::Unspecified => Precision::Day,
            };
            if !suits(precision, action) {
                let problem = match precision {
                    Precision::Day => {
                        "a count dated to the day alone says before opening or after closing; say which, or give its time"
                    }
                    _ => "only a count lies before opening or after closing; leave it out, or give the time",
                };
                return Err(malformed(&format!("{field}.day_part"), problem));
            }
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

/// Whether an action may lie at a time of that precision: a count at a day's ends or a moment, everything else in a day or at
/// a moment. What takes over the time of what it corrects is asked too.
pub(super) fn suits(precision: Precision, action: &Action) -> bool {
    match precision {
        Precision::Moment => true,
        Precision::Day => !matches!(action, Action::Count(_)),
        Precision::BeforeOpening | Precision::AfterClosing => matches!(action, Action::Count(_)),
    }
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
        Deciding { state, context, by, time, reported, violations: Vec::new(), names: RefCell::default() }
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
            Action::Hold(hold) => super::hold::hold(&mut self, hold)?,
            Action::Release(release) => super::hold::release(&mut self, release)?,
            Action::Recall(recall) => super::hold::recall(&mut self, recall)?,
            Action::AcknowledgeRecall(acknowledge) => super::hold::acknowledge(&mut self, acknowledge)?,
            Action::CustomerReturn(returned) => super::customer_return::decide(&mut self, returned)?,
            Action::CancelShipment(cancel) => super::cancel_shipment::decide(&mut self, cancel)?,
            Action::Pack(pack) => super::pack::pack(&mut self, pack)?,
            Action::Unpack(unpack) => super::pack::unpack(&mut self, unpack)?,
            Action::Observe(observe) => super::observe::decide(&mut self, observe)?,
            Action::Resolve(resolve) => super::resolve::decide(&mut self, resolve)?,
            Action::PlaceOrder(place) => super::order::place(&mut self, place)?,
            Action::CloseOrder(close) => super::order::close(&mut self, close)?,
            Action::IssueCode(issue) => super::code::issue(&mut self, issue)?,
            Action::RevokeCode(revoke) => super::code::revoke(&mut self, revoke)?,
            Action::CountScans(count) => super::code::count_scans(&mut self, count)?,
            Action::GiveNotice(give) => super::notice::decide(&mut self, give)?,
            Action::Void(_) | Action::Correct(_) | Action::Register(_) => {
                return Err(malformed("replacement", "cannot stand in a command's place; say what happened"));
            }
        };
        let (mut violations, mut names) = (Some(self.violations), Some(self.names.into_inner()));
        Ok(facts
            .into_iter()
            .map(|(fact, time)| Event {
                time: time.unwrap_or_else(|| self.time.clone()),
                violations: violations.take().unwrap_or_default(),
                names: names.take().unwrap_or_default(),
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

    /// A thing by its code, number or name. What was typed is kept beside what it was read as (rule 13).
    pub(super) fn named<T: Thing>(&self, book: &Book<T>, field: &str, given: &str) -> Result<Arc<T>, Refusal> {
        let found = book.find(field, given, self.day())?;
        let (typed, code, mut names) = (given.trim(), found.code().to_string(), self.names.borrow_mut());
        if typed != code && !names.iter().any(|known| known.field == field) {
            names.push(TypedName { field: field.to_owned(), typed: typed.to_owned(), code });
        }
        Ok(found)
    }

    pub(super) fn site(&self, field: &str, given: &str) -> Result<Arc<Site>, Refusal> {
        self.named(&self.state.registry().sites, field, given)
    }

    /// A site that the caller's organization runs (rule 9). A report of facts does not widen that: who may speak is not a fact.
    pub(super) fn own_site(&self, field: &str, given: &str) -> Result<Arc<Site>, Refusal> {
        let site = self.site(field, given)?;
        self.runs(&site)?;
        Ok(site)
    }

    pub(super) fn runs(&self, site: &Site) -> Result<(), Refusal> {
        if !self.state.registry().organizations.same(&site.organization, self.context.organization) {
            return Err(Refusal::NotYourSite {
                organization: self.context.organization.clone(),
                site: self.state.registry().sites.describe(&site.code),
                runs: site.organization.clone(),
            });
        }
        Ok(())
    }

    /// Rule 9: no new goods come to a site that is retired, or whose organization is. What it has may leave.
    pub(super) fn takes_goods(&mut self, site: &Site) -> Result<(), Refusal> {
        self.takes_goods_on(site, self.day())
    }

    /// The same on another day.
    pub(super) fn takes_goods_on(&mut self, site: &Site, day: BusinessDay) -> Result<(), Refusal> {
        let registry = self.state.registry();
        let retired = match registry.sites.retired_since(&site.code, day) {
            Some(since) => Some(("site", registry.sites.describe(&site.code), since)),
            None => registry
                .organizations
                .retired_since(&site.organization, day)
                .map(|since| ("organization", registry.organizations.describe(&site.organization), since)),
        };
        let Some((what, thing, since)) = retired else { return self.is_open(site, day) };
        self.refuse_or_mark(Refusal::Retired {
            what,
            thing,
            since,
            day,
            refused: "no goods come to it",
            instead: "what it has may be sold, wasted, counted or sent away, and a delivery to it refused; or have it reinstated",
        })
    }

    /// Rule 9: no new goods come to a site that is closed.
    fn is_open(&mut self, site: &Site, day: BusinessDay) -> Result<(), Refusal> {
        let registry = self.state.registry();
        let Some((since, reason)) = registry.programme.closed(&registry.sites.codes(&site.code), day) else { return Ok(()) };
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        self.refuse_or_mark(Refusal::SiteClosed { site: registry.sites.describe(&site.code), since, day, reason })
    }

    /// Rule 9: no lot begins of a retired product, in a retired chain or in the name of a retired organization.
    fn may_begin(&mut self, product: &Product, chain: &ChainCode, issuer: Option<&OrganizationCode>) -> Result<(), Refusal> {
        let (registry, day) = (self.state.registry(), self.day());
        let product = registry
            .products
            .retired_since(&product.code, day)
            .map(|since| ("product", registry.products.describe(&product.code), since));
        let chain = registry.chains.retired_since(chain, day).map(|since| ("chain", registry.chains.describe(chain), since));
        let issuer = issuer.and_then(|issuer| {
            let since = registry.organizations.retired_since(issuer, day)?;
            Some(("organization", registry.organizations.describe(issuer), since))
        });
        for (what, thing, since) in [product, chain, issuer].into_iter().flatten() {
            self.refuse_or_mark(Refusal::Retired {
                what,
                thing,
                since,
                day,
                refused: "no lot of it begins",
                instead: "give the day when the lot began if that was before, or have it reinstated",
            })?;
        }
        Ok(())
    }

    /// The code that a sender gives; where it gives none, that of what it corrects, and else the command's id.
    pub(super) fn own_code(&self, given: &str, of: impl Fn(&Fact) -> Option<&ShipmentCode>) -> String {
        if !given.trim().is_empty() {
            return given.to_owned();
        }
        let corrected = self.context.original.into_iter().flat_map(|original| &original.events);
        let corrected = corrected.map(|event| &event.fact).find_map(of);
        corrected.map_or_else(|| self.by.command.to_string(), ToString::to_string)
    }

    /// A site by its code, which an event brought.
    pub(super) fn known_site(&self, code: &SiteCode) -> Result<Arc<Site>, Refusal> {
        self.site("site", code.as_str())
    }

    pub(super) fn product(&self, field: &str, given: &str) -> Result<Arc<Product>, Refusal> {
        self.named(&self.state.registry().products, field, given)
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
        let Quantity { value, unit, typed, catch } = quantity;
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
        let catch =
            catch.as_ref().map(|(value, unit)| self.catch(&format!("{field}.catch"), *value, unit, product)).transpose()?;
        Ok(Amount { quantity: milli, given, catch })
    }

    /// Of lots that are inferred, nobody knows which were measured how.
    pub(super) fn no_catch(&self, field: &str, quantity: &Quantity) -> Result<(), Refusal> {
        match &quantity.catch {
            Some(_) => Err(malformed(&format!("{field}.catch"), "goes with a lot; say the lots, or leave it out")),
            None => Ok(()),
        }
    }

    /// Rule 14: the same goods in another unit; neither is computed from the other.
    fn catch(&self, field: &str, value: Milli, unit: &str, product: &Product) -> Result<Catch, Refusal> {
        let others = BaseUnit::ALL.iter().filter(|base| **base != product.base_unit);
        let read = others.map(|base| (*base, unit::to_base(value, unit, *base, &[]))).find(|(_, read)| read.is_ok());
        let Some((unit, Ok(quantity))) = read.filter(|_| !unit.trim().is_empty()) else {
            let problem = format!(
                "is {value} {unit:?}; give it in another unit than {}, for example pieces beside kilograms",
                product.base_unit
            );
            return Err(malformed(field, &problem));
        };
        if quantity <= Milli::ZERO || quantity > Milli::MAX_LINE {
            return Err(out_of_bounds(field, quantity, "above zero, at most 1000000000"));
        }
        if unit == BaseUnit::Piece && !quantity.is_whole() {
            return Err(Refusal::NotWhole { field: field.to_owned(), quantity, product: product.code.clone(), unit });
        }
        Ok(Catch { quantity, unit })
    }

    /// A lot line looked up: the lot, and how much of it in its product's unit.
    pub(super) fn line(&self, field: &str, line: &LotLine, near: Option<&Holder>) -> Result<(LotId, Amount), Refusal> {
        let known = self.lot(&format!("{field}.lot"), &line.lot, near)?;
        let amount = self.amount(&format!("{field}.quantity"), &line.quantity, &*self.product_of(&known)?)?;
        Ok((known.lot.id, amount))
    }

    /// Finds a lot: by id; by what names it; or, where no issuer is given, by its code among the lots at a place.
    pub(super) fn lot(&self, field: &str, reference: &LotReference, near: Option<&Holder>) -> Result<Arc<KnownLot>, Refusal> {
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
            if let Some(known) = self.known_lot(field, &issuer, product, &code, reference)? {
                return Ok(known);
            }
        }
        let fits: Vec<Arc<KnownLot>> = self
            .lots_near(near)
            .into_iter()
            .filter(|(_, known)| *known == code)
            .filter_map(|(lot, _)| self.state.lot(lot))
            .filter(|known| {
                let products = &self.state.registry().products;
                product.as_ref().is_none_or(|product| products.same(&product.code, &known.lot.product))
            })
            .filter(|known| issuer.trim().is_empty() || self.names_organization(issuer, &known.lot.issuer))
            .collect();
        match &fits[..] {
            [one] => Ok(Arc::clone(one)),
            [] => Err(self.unknown_lot(field, code.as_str(), near)),
            _ => Err(ambiguous_lot(field, &code, &fits)),
        }
    }

    /// The lot of that name under any code of its issuer and product: a lot begun before a merge keeps its id. Where two lots
    /// bore that name before their codes were merged, it takes the code that one of them was named by.
    fn known_lot(
        &self,
        field: &str,
        issuer: &OrganizationCode,
        product: &Product,
        code: &LotCode,
        reference: &LotReference,
    ) -> Result<Option<Arc<KnownLot>>, Refusal> {
        let registry = self.state.registry();
        let products = registry.products.codes(&product.code);
        let ids = registry
            .organizations
            .codes(issuer)
            .into_iter()
            .flat_map(|issuer| products.iter().map(|product| LotId::derive(&issuer, product, code)).collect::<Vec<_>>());
        let fits: Vec<Arc<KnownLot>> = ids.filter_map(|id| self.state.lot(id)).collect();
        let (given_issuer, given_product) = match reference {
            LotReference::Named { issuer, product, .. } => (issuer.trim(), product.trim()),
            LotReference::Id(_) => ("", ""),
        };
        let issuer = if given_issuer.is_empty() { self.context.organization.as_str() } else { given_issuer };
        let literal = |known: &&Arc<KnownLot>| {
            known.lot.issuer.as_str().eq_ignore_ascii_case(issuer)
                && known.lot.product.as_str().eq_ignore_ascii_case(given_product)
        };
        match (&fits[..], fits.iter().find(literal)) {
            ([], _) => Ok(None),
            ([one], _) | (_, Some(one)) => Ok(Some(Arc::clone(one))),
            _ => Err(ambiguous_lot(field, code, &fits)),
        }
    }

    fn names_organization(&self, given: &str, code: &OrganizationCode) -> bool {
        let organizations = &self.state.registry().organizations;
        organizations.find("issuer", given, self.day()).is_ok_and(|found| organizations.same(&found.code, code))
    }

    /// Whose lot code it is: as given; for a GTIN its brand owner; else the caller's.
    fn issuer(&self, field: &str, given: &str, product: &Product, reference: &LotReference) -> Result<OrganizationCode, Refusal> {
        let gtin = match reference {
            LotReference::Named { product: given, .. } => self.gtin_of(given, product),
            LotReference::Id(_) => None,
        };
        self.issuer_of(field, given, gtin)
    }

    fn issuer_of(&self, field: &str, given: &str, gtin: Option<&str>) -> Result<OrganizationCode, Refusal> {
        let registry = self.state.registry();
        if !given.trim().is_empty() {
            return Ok(self.named(&registry.organizations, field, given)?.code.clone());
        }
        let owner = gtin.and_then(|gtin| registry.brand_owner(gtin));
        Ok(owner.unwrap_or_else(|| registry.organizations.survivor(self.context.organization)).clone())
    }

    /// What was given, where it is a GTIN of the product.
    fn gtin_of<'g>(&self, given: &'g str, product: &Product) -> Option<&'g str> {
        let (products, given) = (&self.state.registry().products, given.trim());
        // A code is looked at before a number.
        let is_code = ProductCode::parse(given).is_ok_and(|code| products.knows(&code));
        let names = products.by_number(given, self.day()).is_some_and(|code| products.same(code, &product.code));
        (names && !is_code).then_some(given)
    }

    /// A lot's name.
    pub(super) fn name_of(&self, lot: LotId) -> Result<LotName, Refusal> {
        super::settle::name_of(self.state, lot)
    }

    /// Lots that ever were at a place, with their codes.
    fn lots_near(&self, near: Option<&Holder>) -> Vec<(LotId, LotCode)> {
        match near {
            None => Vec::new(),
            Some(Holder::Site(site)) => {
                self.state.all_lots_at(site).into_iter().map(|(lot, presence)| (lot, presence.code)).collect()
            }
            Some(Holder::Shipment(shipment)) => {
                let shipment = self.state.shipment(*shipment);
                let lots = shipment.iter().flat_map(|it| it.lines.keys());
                lots.filter_map(|lot| Some((*lot, self.state.lot(*lot)?.lot.code.clone()))).collect()
            }
        }
    }

    fn unknown_lot(&self, field: &str, given: &str, near: Option<&Holder>) -> Refusal {
        let scored = self.lots_near(near).into_iter().map(|(lot, code)| (text::likeness(given, code.as_str()), (code, lot)));
        let named = text::nearest(scored, 0.7).into_iter().filter_map(|(_, lot)| self.state.lot(lot));
        let nearest = named.map(|known| format!("{} = {}", known.name(), known.lot.id)).collect();
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
        let reference = LotReference::Named { issuer: new.issuer.clone(), product: new.product.clone(), code: new.code.clone() };
        let issuer = self.issuer(&format!("{field}.issuer"), &new.issuer, &product, &reference)?;
        let known = self.known_lot(field, &issuer, &product, &code, &reference)?;
        let chain = match &known {
            // A lot keeps its chain from when it was first heard of.
            Some(known) if new.chain.trim().is_empty() => known.lot.chain.clone(),
            _ => self.chain(&format!("{field}.chain"), new, site, &product, &issuer)?,
        };
        if let Some(known) = &known
            && known.lot.chain != chain
        {
            let (chain, given) = (self.describe_chain(&known.lot.chain), self.describe_chain(&chain));
            return Err(Refusal::LotOfOtherChain { lot: known.name(), chain, given });
        }
        if naming == Naming::Own {
            self.may_name(&issuer, &chain, &product)?;
        }
        self.may_begin(&product, &chain, (naming == Naming::Own).then_some(&issuer))?;
        self.in_chain(&Member::Product(product.code.clone()), &chain)?;
        self.in_chain(&Member::Site(site.code.clone()), &chain)?;
        // A lot keeps the codes that it was begun under: they name its id.
        let (issuer, product_code) =
            known.map_or((issuer, product.code.clone()), |known| (known.lot.issuer.clone(), known.lot.product.clone()));
        let lot = Lot {
            id: LotId::derive(&issuer, &product_code, &code),
            issuer,
            product: product_code,
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
        let (registry, organization) = (self.state.registry(), self.context.organization);
        let lead = registry.chains.on(chain, self.day()).map(|chain| &chain.lead);
        let allowed = [Some(organization), lead, product.brand_owner.as_ref()].into_iter().flatten();
        if allowed.clone().any(|allowed| registry.organizations.same(allowed, issuer)) {
            return Ok(());
        }
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
            return Ok(self.named(&registry.chains, field, &new.chain)?.code.clone());
        }
        let of_site = registry.chains_of(&Member::Site(site.code.clone()), self.day());
        let of_product = registry.chains_of(&Member::Product(product.code.clone()), self.day());
        let mut possible: Vec<ChainCode> =
            of_product.iter().filter(|chain| of_site.is_empty() || of_site.contains(chain)).cloned().collect();
        if possible.len() > 1 {
            // Not one that is retired, if another is possible.
            let in_use = |chain: &&ChainCode| registry.chains.retired_since(chain, self.day()).is_none();
            let used: Vec<ChainCode> = possible.iter().filter(in_use).cloned().collect();
            if !used.is_empty() {
                possible = used;
            }
            // The issuer's own chain is meant.
            let led = |chain: &ChainCode| {
                let lead = registry.chains.on(chain, self.day()).map(|chain| &chain.lead);
                lead.is_some_and(|lead| registry.organizations.same(lead, issuer))
            };
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
                let organizations = &self.state.registry().organizations;
                // A shipment keeps the code that its issuer had when it left: as given first, then any other of the issuer's.
                let literal = OrganizationCode::parse(issuer.trim()).ok().filter(|code| organizations.knows(code));
                let (literal, issuer) = if issuer.trim().is_empty() {
                    (Some(self.context.organization.clone()), organizations.survivor(self.context.organization).clone())
                } else {
                    (literal, self.named(organizations, "shipment.issuer", issuer)?.code.clone())
                };
                let issuers = literal.into_iter().chain(organizations.codes(&issuer));
                let known = |issuer: &OrganizationCode| self.state.shipment(ShipmentId::derive(issuer, &code)).is_some();
                let issuer = issuers.into_iter().find(known).unwrap_or(issuer);
                Ok((ShipmentId::derive(&issuer, &code), Some((issuer, code))))
            }
        }
    }

    /// A shipment that left, by its reference.
    pub(super) fn shipment(&self, reference: &ShipmentReference) -> Result<Arc<Shipment>, Refusal> {
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

fn ambiguous_lot(field: &str, code: &LotCode, fits: &[Arc<KnownLot>]) -> Refusal {
    Refusal::Ambiguous {
        field: field.to_owned(),
        what: "lot",
        value: code.to_string(),
        candidates: fits.iter().map(|known| format!("{} = {}", known.name(), known.lot.id)).collect(),
    }
}

fn lot_code(field: &str, given: &str) -> Result<LotCode, Refusal> {
    LotCode::parse(given).map_err(|source| Refusal::BadCode { field: format!("{field}.lot_code"), source })
}

fn out_of_bounds(field: &str, quantity: Milli, allowed: &str) -> Refusal {
    Refusal::QuantityOutOfBounds { field: field.to_owned(), quantity, allowed: allowed.to_owned() }
}
