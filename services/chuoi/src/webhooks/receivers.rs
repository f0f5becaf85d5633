//! The file that lists receivers of webhooks.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Url;
use serde::Deserialize;
use wire::proto::chuoi::notice::v1::Notice;

use super::signature::Secret;
use crate::words::NoticeWord;

/// Who is told over the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Its name: what it has heard is kept under this.
    pub name: String,
    /// Where it is told.
    pub url: Url,
    /// Only these kinds, as their numbers; all where none is said.
    pub kinds: Vec<i32>,
    /// Only about these chains; about any, and about none, where none is said.
    pub chains: Vec<String>,
    /// Only about these sites; about any, and about none, where none is said.
    pub sites: Vec<String>,
    /// What it is signed with: by each.
    pub secrets: Vec<Secret>,
    /// Whether a new receiver hears what was told before, too.
    pub from_beginning: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    webhook: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    url: String,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    chains: Vec<String>,
    #[serde(default)]
    sites: Vec<String>,
    secrets: Vec<String>,
    #[serde(default)]
    from: Option<String>,
}

impl Receiver {
    /// Whether a notice is for it.
    pub fn wants(&self, notice: &Notice) -> bool {
        let among = |only: &[String], code: &str| only.is_empty() || only.iter().any(|only| only == code);
        (self.kinds.is_empty() || self.kinds.contains(&notice.kind))
            && among(&self.chains, &notice.chain_code)
            && among(&self.sites, &notice.site_code)
    }

    /// Where it is told, without what might be secret in it.
    pub fn shown(&self) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.url.scheme(), self.url.host_str().unwrap_or_default())
    }
}

/// Reads the file; no receivers where there is none. What is wrong is said without secrets: nothing of the file's text is.
pub fn read(path: &Path) -> Result<Vec<Receiver>, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn parse(text: &str) -> Result<Vec<Receiver>, String> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        // The message itself may quote the file's text.
        let line = line.map(|line| format!("about line {line} ")).unwrap_or_default();
        format!(
            "{line}it is no list of [[webhook]] with name, url and secrets, and kinds, chains, sites and from where they are wanted"
        )
    })?;
    let mut names = BTreeSet::new();
    file.webhook.into_iter().map(|entry| receiver(entry, &mut names)).collect()
}

fn receiver(entry: Entry, names: &mut BTreeSet<String>) -> Result<Receiver, String> {
    let Entry { name, url, kinds, chains, sites, secrets, from } = entry;
    if name.trim().is_empty() || !names.insert(name.clone()) {
        return Err(format!("name {name:?} is empty or stands twice; give each webhook a name of its own"));
    }
    let of = |what: &str| format!("webhook {name}: {what}");
    let url = Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| of("its url is no address such as https://example.com/chuoi"))?;
    let word = |word: &String| {
        <NoticeWord as clap::ValueEnum>::from_str(word, false).map(NoticeWord::number).map_err(|_| {
            let known: Vec<_> =
                <NoticeWord as clap::ValueEnum>::value_variants().iter().map(|kind| NoticeWord::word(kind.number())).collect();
            of(&format!("{word:?} is no kind of notice; known are {}", known.join(", ")))
        })
    };
    let kinds = kinds.iter().map(word).collect::<Result<_, _>>()?;
    if secrets.is_empty() {
        return Err(of("it has no secrets; give at least one"));
    }
    let secrets = secrets.iter().enumerate();
    let secrets = secrets.map(|(index, text)| Secret::read(text).map_err(|why| of(&format!("secret {}: {why}", index + 1))));
    let secrets = secrets.collect::<Result<_, _>>()?;
    let from_beginning = match from.as_deref() {
        None | Some("now") => false,
        Some("beginning") => true,
        Some(_) => return Err(of("its from is neither \"now\" nor \"beginning\"")),
    };
    Ok(Receiver { name, url, kinds, chains, sites, secrets, from_beginning })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::proto::chuoi::event::v1::NoticeKind;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_receiver_says_what_it_wants() {
        let text = format!(
            "[[webhook]]\nname = \"kho\"\nurl = \"https://user:pw@example.com:8443/in?token=t0p\"\nkinds = [\"recall\", \"out-of-stock\"]\n\
             chains = [\"CH001\"]\nsecrets = [\"{SECRET}\"]\nfrom = \"beginning\"\n"
        );
        let [receiver] = parse(&text).unwrap().try_into().unwrap();
        assert_eq!((receiver.shown().as_str(), receiver.from_beginning), ("https://example.com:8443", true));
        let notice = |kind: NoticeKind, chain: &str| Notice { kind: kind.into(), chain_code: chain.into(), ..Notice::default() };
        for (kind, chain, wanted) in [
            (NoticeKind::Recall, "CH001", true),
            (NoticeKind::Recall, "CH002", false),
            (NoticeKind::Recall, "", false),
            (NoticeKind::Expiry, "CH001", false),
        ] {
            assert_eq!(receiver.wants(&notice(kind, chain)), wanted, "{kind:?} {chain}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        let entry = |more: &str| format!("[[webhook]]\nname = \"a\"\nurl = \"http://localhost/\"\n{more}");
        for (text, said) in [
            (entry(""), "about line"),
            (entry("secrets = []"), "no secrets"),
            (entry("secrets = [\"s3cret-s3cret\"]"), "secret 1: it does not begin"),
            (entry(&format!("secrets = [\"{SECRET}\"\n")), "about line"),
            (entry(&format!("secrets = [\"{SECRET}\"]\nkinds = [\"fire\"]")), "no kind of notice"),
            (entry(&format!("secrets = [\"{SECRET}\"]\nfrom = \"today\"")), "neither"),
            (entry(&format!("secrets = [\"{SECRET}\"]\nsecret = \"s3cret-s3cret\"")), "about line"),
            (
                entry(&format!(
                    "secrets = [\"{SECRET}\"]\n[[webhook]]\nname = \"a\"\nurl = \"http://b/\"\nsecrets = [\"{SECRET}\"]"
                )),
                "twice",
            ),
            ("[[webhook]]\nname = \"a\"\nurl = \"ftp://x\"\nsecrets = []".to_owned(), "no address"),
        ] {
            let why = parse(&text).unwrap_err();
            assert!(why.contains(said) && !why.contains("MfKQ9r8") && !why.contains("s3cret-s3cret"), "{why}");
        }
    }
}
