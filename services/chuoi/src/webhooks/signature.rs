//! Signatures of webhooks, by the scheme of standardwebhooks.com: whoever holds the secret can tell who sent a message, that nobody
//! changed it, and when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// How secrets begin, as they are written in files.
const PREFIX: &str = "whsec_";
/// Bytes of a secret: shorter ones can be guessed, longer ones are no use.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that a receiver shares. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

impl Secret {
    /// Reads a secret: `whsec_` and 24 to 64 bytes in base64. What is wrong is said without saying the secret.
    pub fn read(text: &str) -> Result<Secret, String> {
        let told = "a secret is whsec_ and 24 to 64 random bytes in base64";
        let Some(encoded) = text.strip_prefix(PREFIX) else { return Err(format!("it does not begin with {PREFIX}; {told}")) };
        let bytes = STANDARD.decode(encoded).map_err(|_| format!("what follows {PREFIX} is no base64; {told}"))?;
        if !BYTES.contains(&bytes.len()) {
            return Err(format!("it has {} bytes; {told}", bytes.len()));
        }
        Ok(Secret(bytes))
    }

    /// The signature of a message: of its id, the second at which it is sent, and its body.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        // HMAC takes keys of any length; none is refused.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// What stands in the header `webhook-signature`: a signature by each secret, so that a receiver may still know the old one alone,
/// or already the new one alone.
pub fn header(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    secrets.iter().filter_map(|secret| secret.sign(id, timestamp, body)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// As the scheme's own libraries test it.
    #[test]
    fn the_scheme_s_own_message_has_the_scheme_s_own_signature() {
        let secret = Secret::read(SECRET).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = header(std::slice::from_ref(&secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let other = Secret::read("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let both = header(&[other, secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        let parts: Vec<_> = both.split(' ').collect();
        assert_eq!((parts.len(), parts[1]), (2, signed.as_str()));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_no_secret_is_shown() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%", "whsec_c2hvcnQ=", &format!("whsec_{}", "A".repeat(88))]
        {
            let why = Secret::read(text).unwrap_err();
            assert!(text.len() < 10 || !why.contains(&text[8..]), "{why}");
        }
        assert_eq!(format!("{:?}", Secret::read(SECRET).unwrap()), "a secret");
    }
}
