//! Words by which things are found: as written, and folded so that a search needs no diacritics. PostgreSQL only compares.

use domain::text::{fold, nfc};

/// The words of some texts, as written (lower case, NFC) and folded, each list surrounded and separated by single spaces.
pub fn words(texts: &[&str]) -> (String, String) {
    let text = texts.join(" ");
    (spaced(&nfc(&text).to_lowercase()), spaced(&fold(&text)))
}

/// The words of a query, as written and folded, in pairs.
pub fn query_words(query: &str) -> Vec<(String, String)> {
    let written = nfc(query).to_lowercase();
    split(&written).map(|word| (word.to_owned(), fold(word))).filter(|(_, folded)| !folded.is_empty()).collect()
}

fn spaced(text: &str) -> String {
    let mut words = String::from(" ");
    for word in split(text) {
        words.push_str(word);
        words.push(' ');
    }
    words
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_as_written_and_folded() {
        let (written, folded) = words(&["Bắp cải TÍM (túi 500 g)", "PK0041"]);
        assert_eq!(written, " bắp cải tím túi 500 g pk0041 ");
        assert_eq!(folded, " bap cai tim tui 500 g pk0041 ");
    }

    #[test]
    fn decomposed_and_composed_texts_give_the_same_words() {
        assert_eq!(words(&["Đậu đen Be\u{0323}\u{0302}nh"]), words(&["ĐẬU ĐEN BỆNH"]));
        assert_eq!(query_words("Be\u{0323}\u{0302}nh, VIỆN"), query_words("bệnh viện"));
        assert_eq!(query_words(" - "), []);
    }
}
