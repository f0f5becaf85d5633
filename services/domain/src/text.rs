//! Vietnamese text: names are kept in NFC and found with or without their marks.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The text in NFC, outer spaces gone, inner runs of white space as one space.
pub fn nfc(text: &str) -> String {
    spaced(text).nfc().collect()
}

/// What a search compares: lower case, no marks, `đ` as `d`, single spaces. Two names that people would type alike fold alike.
pub fn fold(text: &str) -> String {
    let folded: String = spaced(text)
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'đ' { 'd' } else { c })
        .collect();
    // Lower case of some letters brings marks back (İ), and compatibility forms may hold spaces.
    spaced(&folded.chars().filter(|c| !is_combining_mark(*c)).collect::<String>())
}

/// Words separated by single spaces; format characters that nobody sees (zero width, byte order mark) are dropped.
fn spaced(text: &str) -> String {
    let visible: String = text.chars().filter(|c| !matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How alike two texts look, from 0 to 1.
pub(crate) fn likeness(one: &str, other: &str) -> f64 {
    strsim::jaro_winkler(one, other)
}

/// The three that look most alike, each once, of those whose likeness is above a least; where it is the same, in their order.
pub(crate) fn nearest<T: Ord>(scored: impl IntoIterator<Item = (f64, T)>, least: f64) -> Vec<T> {
    let mut scored: Vec<(f64, T)> = scored.into_iter().filter(|(score, _)| *score > least).collect();
    scored.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
    let mut nearest: Vec<T> = Vec::new();
    for (_, thing) in scored {
        if nearest.len() < 3 && !nearest.contains(&thing) {
            nearest.push(thing);
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_and_composed_names_are_one() {
        assert_eq!(nfc("  Be\u{0323}\u{0302}nh\u{00A0} viện "), "Bệnh viện");
        assert_eq!(fold("Be\u{0323}\u{0302}nh"), fold("Bệnh"));
        assert_eq!(fold("ĐẬU Đen\u{200B}"), "dau den");
        assert_eq!(fold("Bắp cải tím"), fold("Bắp cải tim"));
    }
}
