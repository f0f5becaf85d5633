//! Tết, the lunar new year, by which the trade's year turns. Plain functions on days.

use domain::time::BusinessDay;
use jiff::civil::{Date, date};

/// First days of the lunar year: the new moons at UTC+7, as Vietnam reckons them.
const FIRST_DAYS: [Date; 16] = [
    date(2020, 1, 25),
    date(2021, 2, 12),
    date(2022, 2, 1),
    date(2023, 1, 22),
    date(2024, 2, 10),
    date(2025, 1, 29),
    date(2026, 2, 17),
    date(2027, 2, 6),
    date(2028, 1, 26),
    date(2029, 2, 13),
    date(2030, 2, 2),
    date(2031, 1, 23),
    date(2032, 2, 11),
    date(2033, 1, 31),
    date(2034, 2, 19),
    date(2035, 2, 8),
];

/// Days before the first of the year on which many farms and trucks rest already: the 29th of the last month.
const REST_BEFORE: i32 = 2;
/// Days from the first on which they still do: to the fourth.
const REST_FROM: i32 = 4;
/// Days before and after the first in which people buy otherwise than in other weeks.
const SEASON: (i32, i32) = (28, 7);

/// The first of the year on or after a day.
pub fn next(day: BusinessDay) -> Option<BusinessDay> {
    FIRST_DAYS.iter().map(|first| BusinessDay::of(*first)).find(|first| *first >= day)
}

/// Whether many farms and trucks rest on a day.
pub fn rests(day: BusinessDay) -> bool {
    FIRST_DAYS.iter().map(|first| day.0 - BusinessDay::of(*first).0).any(|from| (-REST_BEFORE..REST_FROM).contains(&from))
}

/// The day as far from Tết the year before, for a day whose demand Tết makes: that of an ordinary day is as that of recent ones.
pub fn aligned(day: BusinessDay) -> Option<BusinessDay> {
    let years = FIRST_DAYS.windows(2).map(|years| (BusinessDay::of(years[0]), BusinessDay::of(years[1])));
    let near = |tet: BusinessDay| (-SEASON.0..=SEASON.1).contains(&(day.0 - tet.0));
    years.filter(|(_, tet)| near(*tet)).map(|(before, tet)| before.plus(day.0 - tet.0)).next()
}

/// The same for any day, by the Tết that comes next or, in its season, has come.
pub fn aligned_by_next(day: BusinessDay) -> Option<BusinessDay> {
    let tet = next(day.plus(-SEASON.1))?;
    let before = FIRST_DAYS.iter().map(|first| BusinessDay::of(*first)).rfind(|first| *first < tet)?;
    Some(before.plus(day.0 - tet.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i16, month: i8, of: i8) -> BusinessDay {
        BusinessDay::of(date(year, month, of))
    }

    #[test]
    fn the_first_days_are_new_moons_of_january_and_february() {
        for years in FIRST_DAYS.windows(2) {
            let days = BusinessDay::of(years[1]).0 - BusinessDay::of(years[0]).0;
            assert!([354, 355, 383, 384, 385].contains(&days), "{} to {}: {days} days", years[0], years[1]);
        }
    }

    #[test]
    fn farms_rest_from_the_29th_to_the_fourth() {
        // 2022: the 29th of the twelfth month was 30 January, the fourth 4 February.
        let rest: Vec<BusinessDay> = (20..60).map(|from| day(2022, 1, 1).plus(from)).filter(|day| rests(*day)).collect();
        assert_eq!(rest.first(), Some(&day(2022, 1, 30)));
        assert_eq!(rest.last(), Some(&day(2022, 2, 4)));
        assert_eq!(rest.len(), 6);
    }

    #[test]
    fn a_day_of_the_season_stands_beside_the_one_as_far_from_tet() {
        assert_eq!(next(day(2022, 2, 2)), Some(day(2023, 1, 22)));
        assert_eq!(next(day(2022, 2, 1)), Some(day(2022, 2, 1)));
        assert_eq!(aligned(day(2023, 1, 15)), Some(day(2022, 1, 25)), "a week before both");
        assert_eq!(aligned(day(2023, 6, 15)), None, "summer is as it is");
        assert_eq!(aligned(day(2020, 1, 20)), None, "no year is known before");
        assert_eq!(aligned_by_next(day(2022, 12, 1)), Some(day(2021, 12, 11)), "52 days before both");
        assert_eq!(next(day(2035, 3, 1)), None);
    }
}
