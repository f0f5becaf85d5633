//! Pages: a token names the last row of a page by its keys, which never change, and the request that it belongs to.

use crate::Error;
use prost::Message;

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows at most.
    pub size: i64,
    /// Keys of the row before; none for the first page.
    pub after: Option<Vec<String>>,
    request: u64,
}

impl Page {
    /// Reads what a request says. `request` is the request without its page and position: a token of another is refused.
    pub fn read(size: i32, default: i32, most: i32, token: &str, request: &impl Message) -> Result<Page, Error> {
        let size = match size {
            0 => default,
            size if (1..=most).contains(&size) => size,
            size => {
                return Err(Error::Malformed {
                    field: "page_size",
                    value: size.to_string(),
                    allowed: format!("1 to {most}; 0 for {default}"),
                });
            }
        };
        let request = digest(&request.encode_to_vec());
        let after = if token.is_empty() { None } else { Some(read(token, request).ok_or_else(|| foreign(token.to_owned()))?) };
        Ok(Page { size: size.into(), after, request })
    }

    /// Everything at once, for readers of our own.
    pub fn all() -> Page {
        Page { size: i64::MAX >> 1, after: None, request: 0 }
    }

    /// Whether it is the first.
    pub fn is_first(&self) -> bool {
        self.after.is_none()
    }

    /// Token of the page after this row.
    pub fn token(&self, keys: &[String]) -> String {
        let mut bytes = self.request.to_be_bytes().to_vec();
        for key in keys {
            bytes.extend_from_slice(key.as_bytes());
            bytes.push(0); // No key holds one: PostgreSQL's texts cannot.
        }
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Cuts rows that were read one beyond the page, and gives the token of the next.
    pub fn cut<R>(&self, rows: &mut Vec<R>, keys: impl Fn(&R) -> Vec<String>) -> String {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if rows.len() <= size {
            return String::new();
        }
        rows.truncate(size);
        rows.last().map(|last| self.token(&keys(last))).unwrap_or_default()
    }

    /// The keys of the row before, where there are so many.
    pub fn after(&self, keys: usize) -> Result<Option<&[String]>, Error> {
        match &self.after {
            Some(after) if after.len() != keys => Err(foreign(self.token(after))),
            after => Ok(after.as_deref()),
        }
    }

    /// What a key of the row before says.
    pub fn key<T: std::str::FromStr>(&self, key: &str) -> Result<T, Error> {
        key.parse().map_err(|_| foreign(self.token(&[key.to_owned()])))
    }
}

fn foreign(token: String) -> Error {
    let allowed = "a next_page_token of the same request; empty for the first page".into();
    Error::Malformed { field: "page_token", value: token, allowed }
}

fn read(token: &str, request: u64) -> Option<Vec<String>> {
    if !token.is_ascii() || !token.len().is_multiple_of(2) {
        return None;
    }
    let bytes = (0..token.len()).step_by(2).map(|at| u8::from_str_radix(token.get(at..at + 2)?, 16).ok());
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    let (of, keys) = bytes.split_at_checked(8)?;
    if of != request.to_be_bytes() {
        return None;
    }
    let keys = keys.strip_suffix(&[0])?;
    keys.split(|byte| *byte == 0).map(|key| String::from_utf8(key.to_vec()).ok()).collect()
}

/// FNV-1a: tells requests apart; nothing more is asked of it.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::stock::v1::GetShipmentRequest;

    fn request(code: &str) -> GetShipmentRequest {
        GetShipmentRequest { shipment_code: code.into(), ..Default::default() }
    }

    #[test]
    fn a_token_gives_back_its_keys_to_its_own_request_only() {
        let page = Page::read(0, 100, 1_000, "", &request("A")).unwrap();
        assert_eq!((page.size, page.after(2).unwrap()), (100, None));
        let keys = vec![String::new(), "Bắp cải".to_owned()];
        let token = page.token(&keys);
        let next = Page::read(7, 100, 1_000, &token, &request("A")).unwrap();
        assert_eq!((next.size, next.after(2).unwrap()), (7, Some(keys.as_slice())));
        assert!(next.after(3).is_err());
        assert!(Page::read(7, 100, 1_000, &token, &request("B")).is_err());
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn what_is_no_token_or_size_is_refused() {
        for (size, token, field) in [
            (-1,    "",       "page_size"),
            (1_001, "",       "page_size"),
            (10,    "zz",     "page_token"),
            (10,    "abc",    "page_token"),
            (10,    "é",      "page_token"),
            (10,    "00",     "page_token"),
        ] {
            let error = Page::read(size, 100, 1_000, token, &request("A")).unwrap_err();
            assert!(matches!(&error, Error::Malformed { field: named, .. } if *named == field), "{size} {token}: {error}");
        }
    }

    #[test]
    fn only_a_full_page_has_a_next_one() {
        let page = Page::read(2, 100, 1_000, "", &request("A")).unwrap();
        let mut rows = vec![1, 2];
        assert_eq!(page.cut(&mut rows, |row| vec![row.to_string()]), "");
        let mut rows = vec![1, 2, 3];
        let token = page.cut(&mut rows, |row| vec![row.to_string()]);
        assert_eq!(rows, [1, 2]);
        assert_eq!(Page::read(2, 100, 1_000, &token, &request("A")).unwrap().after, Some(vec!["2".into()]));
    }
}
