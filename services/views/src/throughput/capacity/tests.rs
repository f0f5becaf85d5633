//! What is counted, held against each day looked at by itself.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// By a period's first day, a chain and a unit.
type Rows = BTreeMap<(i32, String, String), Figures>;
/// A unit, its mass, and its pieces.
type Unit = (&'static str, i64, i64);

/// 2026-01-01.
const NEW_YEAR: i32 = 20_454;
const DAYS: i32 = 130;
const CHAINS: [&str; 2] = ["C1", "C2"];
const SITES: [&str; 3] = ["F", "P", "W"];
const PRODUCTS: [&str; 2] = ["BAG", "GREENS"];

/// What was said of things, each from a day on, as it came.
#[derive(Clone, Debug)]
struct Said {
    capacities: Vec<(i32, &'static str, (&'static str, i64))>,
    sites: Vec<(i32, &'static str, bool)>,
    products: Vec<(i32, &'static str, Unit)>,
    /// Day, chain, product, site, where to, and how much.
    sent: Vec<(i32, [&'static str; 4], i64)>,
    entered: Vec<(i32, &'static str)>,
}

fn said() -> impl Strategy<Value = Said> {
    let day = || NEW_YEAR - 10..NEW_YEAR + DAYS;
    let unit = || select(vec!["KGM", "H87"]);
    let capacities = vec((day(), select(&CHAINS), (unit(), 0..4_i64)), 0..5);
    let sites = vec((day(), select(&SITES), any::<bool>()), 0..12);
    let masses = || select(vec![0_i64, 300, 400]);
    let products = vec((day(), select(&PRODUCTS), (unit(), masses(), select(vec![0_i64, 6]))), 0..8);
    let places = (select(&CHAINS), select(&PRODUCTS), select(&SITES), select(vec!["F", "P", "W", "SHOP"]));
    let places = places.prop_map(|(chain, product, site, to_site)| [chain, product, site, to_site]);
    let sent = vec((NEW_YEAR..NEW_YEAR + DAYS, places, select(vec![-3_000_i64, 3_000, 700, 1])), 0..150);
    let entered = vec((day(), select(&CHAINS)), 0..40);
    (capacities, sites, products, sent, entered).prop_map(|(capacities, sites, products, sent, entered)| Said {
        capacities,
        sites,
        products,
        sent,
        entered,
    })
}

/// Facts of a thing by day; of one day the last said.
fn by_day<V: Copy>(said: &[(i32, &'static str, V)], code: &str) -> BTreeMap<i32, V> {
    said.iter().filter(|fact| fact.1 == code).map(|fact| (fact.0, fact.2)).collect()
}

/// What holds on a day, looked up as a person would: the last fact from then or before, or else the first.
fn holds<V: Copy>(facts: &BTreeMap<i32, V>, day: i32) -> Option<V> {
    facts.range(..=day).next_back().or_else(|| facts.first_key_value()).map(|(_, value)| *value)
}

fn always<V: Copy, H: PartialEq>(said: &[(i32, &'static str, V)], code: &str, is: impl Fn(V) -> H) -> Option<History<H>> {
    let mut facts = by_day(said, code).into_iter();
    let mut history = History::always(is(facts.next()?.1));
    facts.for_each(|(day, value)| history.then(day, is(value)));
    Some(history)
}

fn facts(said: &Said) -> Facts {
    let chain = |code: &&str| {
        let mut capacity = History::always(None);
        for (day, (unit, per_day_milli)) in by_day(&said.capacities, code) {
            capacity.then(day, Some(Capacity { unit: unit.into(), per_day_milli }));
        }
        ((*code).to_owned(), Chain { name: String::new(), capacity })
    };
    let product = |(unit, mass_gram, pieces): Unit| Product { base_unit: unit.into(), mass_gram, pieces };
    Facts {
        chains: CHAINS.iter().map(chain).collect(),
        sites: SITES.iter().filter_map(|code| Some(((*code).into(), always(&said.sites, code, |is| is)?))).collect(),
        products: PRODUCTS.iter().filter_map(|code| Some(((*code).into(), always(&said.products, code, product)?))).collect(),
    }
}

/// Tells what was sent, and what of it is to be taken off.
fn add(tally: &mut Tally<'_>, changed: Option<&Changed<'_>>, day: i32, [chain, product, site, to_site]: [&str; 4], milli: i64) {
    for to_site in [None, Some(to_site)] {
        let sent = Sent { day, chain, product, site, to_site, first_milli: milli };
        if changed.is_none_or(|changed| !changed.touches(day, &sent)) {
            tally.add(sent);
        }
    }
}

fn figures(said: &Said, facts: &Facts, period: Period, by_month: bool, range: (i32, i32)) -> Rows {
    let mut tally = Tally::new(facts, period);
    let (first, last) = (BusinessDay(range.0), BusinessDay(range.1));
    let months = crate::filter::Range { from: Some(first), to: Some(last) }.months();
    let changed = facts.changed(months.0, months.1);
    let mut sums: BTreeMap<(i32, [&str; 4]), i64> = BTreeMap::new();
    for (day, places, milli) in said.sent.iter().filter(|sent| (first.0..=last.0).contains(&sent.0)) {
        if by_month && (months.0..months.1).contains(day) {
            let of = month(BusinessDay(*day)).0;
            *sums.entry((of, *places)).or_default() += milli;
            for to_site in [None, Some(places[3])] {
                let [chain, product, site, _] = *places;
                let sent = Sent { day: *day, chain, product, site, to_site, first_milli: *milli };
                if changed.touches(of, &sent) {
                    tally.add(sent);
                }
            }
        } else {
            add(&mut tally, None, *day, *places, *milli);
        }
    }
    for ((of, places), milli) in sums {
        add(&mut tally, Some(&changed), of, places, milli);
    }
    let mut entries: HashMap<String, BTreeMap<i32, ()>> = HashMap::new();
    for (day, chain) in &said.entered {
        entries.entry((*chain).into()).or_default().insert(*day, ());
    }
    let entries = entries.into_iter().map(|(chain, days)| (chain, days.into_keys().collect())).collect();
    let rows = tally.figures(&stretches(period, first, last).collect::<Vec<_>>(), &entries);
    rows.into_iter().map(|((start, chain, unit), figures)| ((start, chain.into(), unit.into()), figures)).collect()
}

/// The same, day by day and without anything that makes it quick.
fn plainly(said: &Said, period: Period, (first, last): (i32, i32)) -> Rows {
    let mut rows = Rows::new();
    let mut nets: BTreeMap<(i32, &str, &str, &str, i32, Unit), i128> = BTreeMap::new();
    for day in first..=last {
        let date = BusinessDay(day).date();
        let start = match period {
            Period::Unspecified => 0,
            Period::Week => day - i32::from(date.weekday().to_monday_zero_offset()),
            Period::Month => day + 1 - i32::from(date.day()),
            Period::Day | Period::Hour => day,
        };
        for chain in CHAINS {
            let capacity = by_day(&said.capacities, chain).range(..=day).next_back().map(|(_, value)| *value);
            let unit = capacity.map_or("", |(unit, _)| unit);
            let row = rows.entry((start, chain.into(), unit.into())).or_default();
            row.days += 1;
            row.with_entries += i32::from(said.entered.contains(&(day, chain)));
            row.with_capacity += i32::from(capacity.is_some());
            row.capacity_milli += capacity.map_or(0, |(_, milli)| milli.into());
            for (_, [_, product, site, to_site], milli) in said.sent.iter().filter(|sent| sent.0 == day && sent.1[0] == chain) {
                let makes = |site: &str| holds(&by_day(&said.sites, site), day) == Some(true);
                let of = by_day(&said.products, product);
                let Some(known) = holds(&of, day) else { continue };
                let again = of.range(..=day).zip(of.range(..=day).skip(1)).filter(|(a, b)| a.1 != b.1).last();
                let since = again.map_or(i32::MIN, |(_, (day, _))| *day);
                if makes(site) && !makes(to_site) {
                    *nets.entry((start, chain, unit, product, since, known)).or_default() += i128::from(*milli);
                }
            }
        }
    }
    let mut missing = HashSet::new();
    for ((start, chain, unit, product, _, (base, mass, pieces)), net) in nets.into_iter().filter(|(_, net)| *net != 0) {
        let row = rows.get_mut(&(start, chain.into(), unit.into())).unwrap();
        let (each, of) = if unit == "H87" { (pieces, "H87") } else { (mass, "KGM") };
        row.dispatched_milli += net * i128::from(each);
        row.estimated |= base != of;
        row.not_counted += i32::from(each == 0 && missing.insert((start, chain, unit, product)));
    }
    for ((.., unit), row) in &mut rows {
        row.dispatched_milli /= if unit == "H87" { 1 } else { 1_000 };
    }
    rows
}

proptest! {
    #[test]
    fn figures_are_those_of_each_day_looked_at_by_itself_however_they_were_summed(
        said in said(), from in 0..DAYS, length in 0..2 * DAYS,
        period in select(vec![Period::Unspecified, Period::Day, Period::Week, Period::Month]),
    ) {
        let range = (NEW_YEAR + from, NEW_YEAR + (from + length).min(DAYS - 1));
        let facts = facts(&said);
        let plain = plainly(&said, period, range);
        prop_assert_eq!(&figures(&said, &facts, period, false, range), &plain);
        if matches!(period, Period::Unspecified | Period::Month) {
            prop_assert_eq!(&figures(&said, &facts, period, true, range), &plain);
        }
    }
}

#[test]
fn stretches_follow_each_other_to_the_end_of_the_range() {
    let day = |text: &str| BusinessDay::of(text.parse().unwrap());
    let seen = |period, from: &str, to: &str| -> Vec<[String; 3]> {
        let shown = |stretch: Stretch| [stretch.start, stretch.first, stretch.beyond].map(|day| BusinessDay(day).to_string());
        stretches(period, day(from), day(to)).map(shown).collect()
    };
    assert_eq!(
        seen(Period::Month, "2026-11-25", "2027-01-01"),
        [
            ["2026-11-01", "2026-11-25", "2026-12-01"],
            ["2026-12-01", "2026-12-01", "2027-01-01"],
            ["2027-01-01", "2027-01-01", "2027-01-02"],
        ]
    );
    // A Thursday; weeks begin on Mondays, before 1970 as well.
    assert_eq!(
        seen(Period::Week, "1969-12-25", "1970-01-05"),
        [
            ["1969-12-22", "1969-12-25", "1969-12-29"],
            ["1969-12-29", "1969-12-29", "1970-01-05"],
            ["1970-01-05", "1970-01-05", "1970-01-06"],
        ]
    );
    assert_eq!(seen(Period::Unspecified, "2026-11-25", "2026-11-26"), [["1970-01-01", "2026-11-25", "2026-11-27"]]);
    assert_eq!(seen(Period::Day, "2026-11-25", "2026-11-26").len(), 2);
}
