//! Names as people type them, found among those that are known: in any case, with either way to place a tone, without marks where
//! only one fits. What fits two is asked about.

use super::{Misread, Reason, plain};
use crate::text::{fold, nfc};
use unicode_normalization::UnicodeNormalization as _;

/// Most names that a misread lists.
const CANDIDATES: usize = 5;

/// What a typed name fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked<'a> {
    /// One name.
    One(&'a str),
    /// More than one.
    Several(Vec<&'a str>),
    /// None.
    None,
}

/// Finds a name among those that are known. Marks that were typed are meant; without any, a name is found by its bare letters.
pub fn pick<'a>(text: &str, known: &[&'a str]) -> Picked<'a> {
    let typed = nfc(&plain(text));
    if typed.is_empty() {
        return Picked::None;
    }
    let has_marks = !typed.is_ascii();
    let keys: [fn(&str) -> String; 3] = [spelling, |name| spelling(name).replace('y', "i"), fold];
    for key in &keys[..if has_marks { 2 } else { 3 }] {
        let wanted = key(&typed);
        let fits: Vec<&str> = known.iter().copied().filter(|name| key(name) == wanted).collect();
        match fits[..] {
            [] => {}
            [one] => return Picked::One(one),
            _ => return Picked::Several(fits),
        }
    }
    // Part of several names is a question; part of one could as well be another that nobody knows.
    let key = if has_marks { spelling } else { fold };
    let wanted = format!(" {} ", key(&typed));
    let parts: Vec<&str> = known.iter().copied().filter(|name| format!(" {} ", key(name)).contains(&wanted)).collect();
    if parts.len() > 1 { Picked::Several(parts) } else { Picked::None }
}

/// Finds a district among those that are known, with or without what kind of district it is.
pub fn district<'a>(text: &str, known: &[&'a str]) -> Result<&'a str, Misread> {
    let typed = nfc(&plain(text));
    let mut picked = pick(&typed, known);
    if picked == Picked::None
        && let Some(bare) = without_kind(&typed)
    {
        picked = pick(bare, known);
    }
    one(picked, text, &typed, Reason::UnknownDistrict, Reason::AmbiguousDistrict)
}

/// Finds a product's name among those that are known.
pub fn product_name<'a>(text: &str, known: &[&'a str]) -> Result<&'a str, Misread> {
    let typed = nfc(&plain(text));
    one(pick(&typed, known), text, &typed, Reason::UnknownName, Reason::AmbiguousName)
}

fn one<'a>(picked: Picked<'a>, text: &str, typed: &str, unknown: Reason, ambiguous: Reason) -> Result<&'a str, Misread> {
    let misread = |reason, candidates: &[&str]| Misread {
        candidates: candidates.iter().take(CANDIDATES).map(|name| (*name).to_owned()).collect(),
        ..Misread::new(reason, text)
    };
    match picked {
        Picked::One(name) => Ok(name),
        Picked::Several(names) => Err(misread(ambiguous, &names)),
        Picked::None if typed.is_empty() => Err(misread(Reason::Empty, &[])),
        Picked::None if is_legacy(typed) => Err(misread(Reason::LegacyEncoding, &[])),
        Picked::None => Err(misread(unknown, &[])),
    }
}

/// A name as it is spelled: case and the vowel under which a tone stands do not matter (Hoà, Hòa), nor an Icelandic Ð for Đ.
fn spelling(name: &str) -> String {
    let word = |word: &str| {
        let is_tone = |c: &char| matches!(c, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}');
        let (tones, letters): (Vec<char>, Vec<char>) = word.nfd().partition(is_tone);
        let letters = letters.into_iter().chain(tones).map(|c| if matches!(c, 'Ð' | 'ð' | 'Ɖ') { 'đ' } else { c });
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    nfc(name).split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The name without quận, huyện, thị xã or thành phố before it, spelled out or not.
fn without_kind(name: &str) -> Option<&str> {
    let kinds = [
        "quận ",
        "huyện ",
        "thị xã ",
        "thành phố ",
        "quan ",
        "huyen ",
        "thi xa ",
        "thanh pho ",
        "q.",
        "h.",
        "tx.",
        "t.x.",
        "tp.",
        "t.p.",
        "q ",
        "h ",
        "tx ",
        "tp ",
    ];
    let lower = name.to_lowercase();
    // Lower case of these letters is as long as they are.
    kinds.iter().find(|kind| lower.starts_with(**kind)).and_then(|kind| name.get(kind.len()..)).map(str::trim_start)
}

/// Whether it looks like text of TCVN3 read as Latin-1 (CÇu GiÊy): letters that Vietnamese does not have, or capitals inside a word.
fn is_legacy(name: &str) -> bool {
    let foreign = |c: char| {
        matches!(
            c,
            '\u{A1}'
                ..='\u{BF}'
                    | 'Ä'
                    | 'Å'
                    | 'Æ'
                    | 'Ç'
                    | 'Ë'
                    | 'Î'
                    | 'Ï'
                    | 'Ñ'
                    | 'Ö'
                    | '×'
                    | 'Ø'
                    | 'Û'
                    | 'Ü'
                    | 'Þ'
                    | 'ß'
                    | 'ä'
                    | 'å'
                    | 'æ'
                    | 'ç'
                    | 'ë'
                    | 'î'
                    | 'ï'
                    | 'ñ'
                    | 'ö'
                    | '÷'
                    | 'ø'
                    | 'û'
                    | 'ü'
                    | 'þ'
                    | 'ÿ'
        )
    };
    let capital_inside = |word: &str| {
        let letters: Vec<char> = word.chars().collect();
        letters.windows(2).any(|pair| matches!(pair, [a, b] if a.is_lowercase() && b.is_uppercase() && !b.is_ascii()))
    };
    name.split(' ').any(|word| word.chars().any(foreign) || capital_inside(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_name_is_found_though_it_is_part_of_another() {
        let known = ["Rau muống", "Rau muống nước", "Rau muống cạn"];
        assert_eq!(pick("RAU MUỐNG", &known), Picked::One("Rau muống"));
        assert_eq!(pick("muong", &known), Picked::Several(known.to_vec()));
        assert_eq!(pick("muống cạn", &known), Picked::None);
        assert_eq!(pick("", &known), Picked::None);
    }

    #[test]
    fn marks_that_were_typed_are_meant() {
        let known = ["Bắp cải tím", "Bắp cải tim"];
        assert_eq!(pick("bắp cải tim", &known), Picked::One("Bắp cải tim"));
        assert_eq!(pick("bap cai tim", &known), Picked::Several(known.to_vec()));
        assert_eq!(pick("bắp cải tìm", &known), Picked::None);
    }

    #[test]
    fn a_misread_name_lists_what_it_fits() {
        let misread = district("Từ Liêm", &["Bắc Từ Liêm", "Nam Từ Liêm", "Hoàn Kiếm"]).unwrap_err();
        assert_eq!(misread.candidates, ["Bắc Từ Liêm", "Nam Từ Liêm"]);
        assert_eq!(
            misread.to_string(),
            "\"Từ Liêm\" fits more than one district (Bắc Từ Liêm, Nam Từ Liêm); write the whole name, or its code"
        );
    }
}
