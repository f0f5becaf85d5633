//! The check behind a traceability code: whoever does not know the secret guesses it once in a million times, so a code that somebody
//! made up is told from one that nobody has heard of yet.

use domain::id::TraceCode;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Secrets that codes are checked with. The first makes the checks of what is printed now; the others know what was printed before.
#[derive(Clone, Default)]
pub struct CodeKeys(Vec<Vec<u8>>);

impl std::fmt::Debug for CodeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodeKeys({} secrets)", self.0.len())
    }
}

/// Why a text holds no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no key: give 64 hexadecimal digits (32 bytes) a line, the newest key first")]
pub struct BadKeys {
    /// Which line, from 1.
    pub line: usize,
}

impl CodeKeys {
    /// Reads secrets: one a line, the newest first. Empty lines and those that begin with # say nothing.
    pub fn parse(text: &str) -> Result<CodeKeys, BadKeys> {
        let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let read = |(number, line): (usize, &str)| {
            let bytes = (line.len() == 64 && line.is_ascii())
                .then(|| (0..64).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).ok()).collect());
            bytes.flatten().ok_or(BadKeys { line: number + 1 })
        };
        lines.map(read).collect::<Result<_, _>>().map(CodeKeys)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A code as it is printed: in four groups, the last of them its check; without one where there is no secret.
    pub(crate) fn printed(&self, code: &TraceCode) -> String {
        let check = self.0.first().map(|key| check(key, code)).unwrap_or_default();
        let letters: Vec<char> = code.as_str().chars().chain(check.chars()).collect();
        letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }

    /// Whether a check is that of a code.
    pub(crate) fn holds(&self, code: &TraceCode, given: &str) -> bool {
        self.0.iter().any(|key| check(key, code) == given)
    }
}

/// The first twenty bits of HMAC-SHA256, in the letters of the code.
fn check(key: &[u8], code: &TraceCode) -> String {
    // A secret of any length is one: the error type is for other kinds of code.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(code.as_str().as_bytes());
    let bytes = mac.finalize().into_bytes();
    let bits = bytes.iter().take(4).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    let letters = (1..=TraceCode::CHECK_LENGTH).map(|nth| bits >> (32 - 5 * nth) & 31);
    letters.map(|letter| char::from(TraceCode::ALPHABET[letter as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_that_of_its_code_and_of_any_key_that_is_kept() {
        let (old, new) = ("0".repeat(64), "f".repeat(64));
        let code = TraceCode::parse("01ABCDEFGH10").unwrap().0;
        let printed = CodeKeys::parse(&old).unwrap().printed(&code);
        let (read, check) = TraceCode::parse(&printed).unwrap();
        let check = check.unwrap();
        assert_eq!((&read, printed.len()), (&code, 19));
        let rotated = CodeKeys::parse(&format!("# keys\n\n{new}\n{old}\n")).unwrap();
        assert!(rotated.holds(&code, &check));
        assert_ne!(rotated.printed(&code), printed);
        assert!(!CodeKeys::parse(&new).unwrap().holds(&code, &check));
        let other = TraceCode::parse("01ABCDEFGH11").unwrap().0;
        assert!(!rotated.holds(&other, &check));
        // In codes on goods for ever.
        assert_eq!(printed, "01AB-CDEF-GH10-YJMA");
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        for text in ["00", &"g".repeat(64), &format!("{}\n12", "0".repeat(64)), &"é".repeat(32)] {
            assert!(CodeKeys::parse(text).is_err(), "{text}");
        }
        assert!(CodeKeys::parse("# none yet\n").unwrap().is_empty());
        assert_eq!(format!("{:?}", CodeKeys::parse(&"0".repeat(64)).unwrap()), "CodeKeys(1 secrets)");
    }
}
