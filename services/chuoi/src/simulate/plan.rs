//! One day as commands: who sends what, in which order, and how it should be judged. Pure: the same world and dice give
//! the same commands.

use std::collections::{BTreeMap, BTreeSet};

use domain::unit::BaseUnit;
use jiff::civil::Date;
use prost_types::Timestamp;
use uuid::Uuid;
use wire::proto::chuoi::event::v1::DocumentReference;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{
    Command, CommandHeader, DayPart, LotLine, LotReference, NewLot, OnConflict, Quantity, ShipmentReference, When,
};

use super::dice::Dice;
use super::world::{LotAt, ProductAt, Shipment, SiteAt, World};

/// Lots that travel together, with how much of each.
pub(super) type Load = Vec<(LotAt, i64)>;

/// Vietnam has kept +07:00 without summer time since 1975, long before anything that is simulated.
const OFFSET_MINUTES: i32 = 420;
const DAY_SECONDS: i64 = 86_400;

/// Parts of a day: what a later one sends may rest on what an earlier one sent. Within one, each organization keeps its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wave {
    /// The authority says what holds from the day on.
    Office,
    /// Shops order, the day before.
    Orders,
    /// Producers harvest, pack and send off.
    Farms,
    /// Shared packing houses, slaughterhouses and workshops.
    Hubs,
    /// Distribution centres.
    Centers,
    /// Shops take in, sell, count.
    Shops,
    /// Producers take back, send off for the next morning, and tell what they had forgotten.
    Evening,
    /// What comes late: phones that were without a network, clerks who remember.
    Late,
    /// Chains and shops hold and recall lots.
    Stopped,
    /// Those who have some hear of it.
    Heard,
    /// It is over.
    Lifted,
}

/// How a command should be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Recorded, or found recorded if this run was played before.
    Accepted,
    /// Recorded already.
    Duplicate,
    /// A mistake: refused for one of these reasons.
    Refused(&'static [&'static str]),
}

/// A command that will be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// When in the day it is sent.
    pub wave: Wave,
    /// By whom.
    pub organization: String,
    /// The command.
    pub command: Command,
    /// How it should be judged.
    pub expect: Expect,
}

/// When something happens, as its sender says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At a second of the day; below zero the day before.
    Moment(i64),
    /// That day.
    Day,
    /// The day before.
    DayBefore,
    /// Before opening.
    Opening,
    /// After closing.
    Closing,
    /// Another day, in days since 1970.
    On(i32),
    /// A year that somebody mistyped.
    WrongYear,
}

/// What is said of a command besides what happened.
#[derive(Clone, Default)]
pub(super) struct Said {
    /// It has happened already.
    pub reported: bool,
    /// Remark.
    pub note: &'static str,
    /// The paper behind it.
    pub slip: Option<String>,
}

/// Plans one day.
pub struct Planner<'a> {
    pub(super) world: &'a mut World,
    pub(super) dice: Dice,
    pub(super) date: Date,
    pub(super) day: i32,
    pub(super) wave: Wave,
    /// Shipments that reach each shop today.
    pub(super) arriving: BTreeMap<SiteAt, Vec<Shipment>>,
    /// Goods that were refused at a door, on their way back.
    pub(super) returning: Vec<(SiteAt, Uuid, Load)>,
    /// Dispatches that are recorded only in the evening.
    pub(super) forgotten: Vec<(SiteAt, Shipment)>,
    /// Lots that were counted once today, after closing.
    pub(super) closing: BTreeSet<(SiteAt, LotAt)>,
    /// Sales beyond what the book had.
    pub(super) broken: Vec<(SiteAt, Uuid)>,
    planned: Vec<Planned>,
}

/// The nth day of a run, counted from 0: the first opens the books of part of the shops, and says what the authority has done so
/// far. `scale` is the percentage of a usual day.
pub fn plan_day(world: &mut World, dice: Dice, date: Date, nth: u32, scale: usize) -> Vec<Planned> {
    world.begin_day();
    let apart = dice.apart();
    let day = domain::time::BusinessDay::of(date).0;
    let mut arriving: BTreeMap<SiteAt, Vec<Shipment>> = BTreeMap::new();
    for shipment in std::mem::take(&mut world.on_the_road) {
        arriving.entry(shipment.to).or_default().push(shipment);
    }
    let mut planner = Planner {
        world,
        dice,
        date,
        day,
        wave: Wave::Shops,
        arriving,
        returning: Vec::new(),
        forgotten: Vec::new(),
        closing: BTreeSet::new(),
        broken: Vec::new(),
        planned: Vec::new(),
    };
    if nth == 0 {
        planner.open_books(scale);
    }
    planner.farms(scale);
    planner.shops();
    planner.evening(scale);
    planner.late();
    planner.safety(scale);
    planner.dice = apart;
    planner.office(nth, scale);
    planner.fair(nth, scale);
    planner.planned.sort_by_key(|planned| planned.wave);
    planner.planned
}

impl Planner<'_> {
    /// A command that should be recorded; now and then it is sent twice, or again under its id with other content.
    pub(super) fn record(&mut self, organization: &str, at: At, action: Action) -> Uuid {
        self.record_said(organization, at, action, Said::default())
    }

    pub(super) fn record_said(&mut self, organization: &str, at: At, action: Action, said: Said) -> Uuid {
        let (id, command) = self.command(organization, at, action, said);
        let planned = Planned { wave: self.wave, organization: organization.to_owned(), command, expect: Expect::Accepted };
        self.planned.push(planned.clone());
        if self.dice.chance(25) {
            self.planned.push(Planned { expect: Expect::Duplicate, ..planned.clone() });
        }
        if self.dice.chance(10) {
            self.planned.push(Planned { expect: Expect::Duplicate, wave: self.wave.max(Wave::Late), ..planned.clone() });
        }
        if self.dice.chance(3) {
            let mut other = planned;
            if let Some(header) = &mut other.command.header {
                header.note = "sửa lại rồi gửi lần nữa".to_owned();
            }
            self.planned.push(Planned { expect: Expect::Refused(&["OTHER_CONTENT"]), ..other });
        }
        id
    }

    /// A mistake that has to be refused.
    pub(super) fn mistake(&mut self, organization: &str, at: At, action: Action, reasons: &'static [&'static str]) -> Uuid {
        let (id, command) = self.command(organization, at, action, Said::default());
        let (wave, expect) = (self.wave, Expect::Refused(reasons));
        self.planned.push(Planned { wave, organization: organization.to_owned(), command, expect });
        id
    }

    fn command(&mut self, organization: &str, at: At, action: Action, said: Said) -> (Uuid, Command) {
        let (when, seconds) = self.when(at);
        let id = self.dice.id(seconds);
        let on_conflict = if said.reported { OnConflict::Record } else { OnConflict::Unspecified };
        let number = |slip: &str| slip.split('-').nth(2).unwrap_or_default().to_owned();
        let header = CommandHeader {
            command_id: id.to_string(),
            when: Some(when),
            actor: format!("nv-{}-{}", organization.to_lowercase(), 1 + self.dice.below(3)),
            device: if said.reported { "may-tinh-tien" } else { "dien-thoai" }.to_owned(),
            client: "chuoi simulate".to_owned(),
            on_conflict: on_conflict.into(),
            note: said.note.to_owned(),
            document: said.slip.map(|slip| DocumentReference {
                issuer_code: organization.to_owned(),
                kind: "PXK".to_owned(),
                year: i32::from(self.date.year()),
                number: number(&slip),
            }),
            at_least: String::new(),
        };
        (id, Command { header: Some(header), action: Some(action) })
    }

    fn when(&self, at: At) -> (When, i64) {
        let midnight = i64::from(self.day) * DAY_SECONDS - i64::from(OFFSET_MINUTES) * 60;
        let date = |text: String, part: DayPart| When { date: text, day_part: part.into(), ..When::default() };
        match at {
            At::Moment(second) => {
                let seconds = midnight + second;
                let event_time = Some(Timestamp { seconds, nanos: 0 });
                (When { event_time, utc_offset_minutes: Some(OFFSET_MINUTES), ..When::default() }, seconds)
            }
            At::Day => (date(self.date.to_string(), DayPart::Unspecified), midnight + DAY_SECONDS / 2),
            At::DayBefore => {
                let before = domain::time::BusinessDay(self.day - 1);
                (date(before.to_string(), DayPart::Unspecified), midnight - DAY_SECONDS / 2)
            }
            At::On(day) => (date(domain::time::BusinessDay(day).to_string(), DayPart::Unspecified), midnight + DAY_SECONDS / 2),
            At::Opening => (date(self.date.to_string(), DayPart::BeforeOpening), midnight + 5 * 3_600),
            At::Closing => (date(self.date.to_string(), DayPart::AfterClosing), midnight + 22 * 3_600),
            // Decades ahead, on a day that every year has.
            At::WrongYear => {
                let (year, month, day) = (2090 + self.date.year() % 10, self.date.month(), self.date.day().min(28));
                let mut wrong = date(format!("{year}-{month:02}-{day:02}"), DayPart::Unspecified);
                wrong.typed.clone_from(&wrong.date);
                (wrong, midnight + DAY_SECONDS / 2)
            }
        }
    }

    /// The number of the organization's next slip.
    pub(super) fn slip(&mut self, organization: &str) -> String {
        self.world.slip(organization, self.date.year(), self.date.day_of_year())
    }

    /// A site as its people write it: by code, now and then by GLN or name.
    pub(super) fn site_word(&mut self, site: SiteAt) -> String {
        let site = &self.world.sites[site];
        match self.dice.below(40) {
            0 => site.name.clone(),
            1 if !site.gln.is_empty() => site.gln.clone(),
            _ => site.code.clone(),
        }
    }

    /// A product as people write it.
    pub(super) fn product_word(&mut self, product: ProductAt) -> String {
        let product = &self.world.products[product];
        match self.dice.below(40) {
            0 => product.name.clone(),
            1 if !product.gtin.is_empty() => product.gtin.clone(),
            _ => product.code.clone(),
        }
    }

    /// An amount as people give it: in the base unit, now and then in a unit of the market where that is exact.
    pub(super) fn quantity(&mut self, product: ProductAt, milli: i64) -> Option<Quantity> {
        let base = Quantity { value_milli: milli, ..Quantity::default() };
        let (unit, factor) = match (self.world.products[product].unit, self.dice.below(30)) {
            (BaseUnit::Kilogram, 0) => ("tạ", 100),
            (BaseUnit::Kilogram, 1) => ("yến", 10),
            (BaseUnit::Kilogram, 2..8) => ("kg", 1),
            (BaseUnit::Piece, 0) => ("chục", 10),
            (BaseUnit::Litre, 0) => ("lít", 1),
            _ => return Some(base),
        };
        if milli % factor != 0 {
            return Some(base);
        }
        let value_milli = milli / factor;
        let typed = format!("{} {unit}", decimal_comma(value_milli));
        Some(Quantity { value_milli, unit: unit.to_owned(), typed, ..Quantity::default() })
    }

    pub(super) fn reference(&mut self, lot: LotAt) -> LotReference {
        let product = self.product_word(self.world.lots[lot].product);
        let lot = &self.world.lots[lot];
        LotReference { lot_id: String::new(), issuer: lot.issuer.clone(), product, lot_code: lot.code.clone() }
    }

    pub(super) fn line(&mut self, lot: LotAt, milli: i64) -> LotLine {
        let quantity = self.quantity(self.world.lots[lot].product, milli);
        LotLine { lot: Some(self.reference(lot)), quantity }
    }

    pub(super) fn lines(&mut self, lines: &[(LotAt, i64)]) -> Vec<LotLine> {
        lines.iter().map(|(lot, milli)| self.line(*lot, *milli)).collect()
    }

    pub(super) fn new_lot(&mut self, lot: LotAt) -> Option<NewLot> {
        let product = self.product_word(self.world.lots[lot].product);
        let lot = &self.world.lots[lot];
        let chain = self.world.chains[lot.chain].code.clone();
        Some(NewLot { issuer: lot.issuer.clone(), product, lot_code: lot.code.clone(), chain, expiry_date: String::new() })
    }

    pub(super) fn organization(&self, site: SiteAt) -> String {
        self.world.sites[site].organization.clone()
    }

    /// A second of the day between two of its minutes.
    pub(super) fn between_minutes(&mut self, least: i64, most: i64) -> i64 {
        self.dice.between(least * 60, most * 60)
    }
}

pub(super) fn reference_of(shipment: &Shipment) -> Option<ShipmentReference> {
    Some(ShipmentReference { shipment_id: String::new(), issuer: shipment.issuer.clone(), shipment_code: shipment.code.clone() })
}

/// As people type it here: 1,25.
fn decimal_comma(milli: i64) -> String {
    match milli % 1_000 {
        0 => (milli / 1_000).to_string(),
        part => format!("{},{part:03}", milli / 1_000).trim_end_matches('0').to_owned(),
    }
}
