//! Every setting of the program, by flag, environment (`CHUOI_…`) and file, in that order of precedence; each value knows
//! where it comes from, and an error about it says so.
//!
//! Knows no server. Values are texts until someone asks for them; whoever asks for one of a kind gets it checked.

mod flags;
mod places;

pub use flags::{ClientFlags, GenesisFlags, Given, GlobalFlags, NoticeFlags, ServerFlags};
pub use places::Running;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Address of the gRPC services where nothing else is said.
pub const LISTEN: &str = "127.0.0.1:7420";

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Where the client commands find the services.
    Server,
    /// On whose behalf the client commands speak.
    Organization,
    /// Reference to the person who acts.
    Actor,
    /// Device that sends.
    Device,
    /// How answers are shown.
    Output,
    /// Folder of `chuoi up`.
    Data,
    /// NATS.
    NatsUrl,
    /// Name of the journal's stream.
    Stream,
    /// PostgreSQL.
    DatabaseUrl,
    /// Where the services listen.
    Listen,
    /// Time zone of business days, for `init`.
    TimeZone,
    /// The authority's code, for `init`.
    AuthorityCode,
    /// The authority's name, for `init`.
    AuthorityName,
    /// Which log lines are written.
    Log,
    /// Whether the projector's role tells events on NATS.
    Feed,
    /// File of the keys that traceability codes are checked with.
    CodeKeys,
    /// Whether notices are given and sent beside the projector.
    Notices,
    /// File that lists who is told over the web.
    Webhooks,
}

/// What a setting is called and what it is for.
pub struct Setting {
    /// Which.
    pub key: Key,
    /// Name in the file.
    pub name: &'static str,
    /// Name of its flag.
    pub flag: &'static str,
    /// Name of its environment variable.
    pub variable: &'static str,
    /// Value where nothing is said; empty if there is none.
    pub default: &'static str,
    /// What it is for.
    pub about: &'static str,
}

#[rustfmt::skip] // Columns.
/// All settings. [`Key::Data`]'s default depends on the machine and is filled in by [`Settings::load`].
pub const SETTINGS: &[Setting] = &[
    Setting { key: Key::Server,        name: "server",         flag: "--server",         variable: "CHUOI_SERVER",         default: "http://127.0.0.1:7420",          about: "where the client commands find the services" },
    Setting { key: Key::Organization,  name: "organization",   flag: "--as",             variable: "CHUOI_ORGANIZATION",   default: "",                               about: "code of the organization on whose behalf the client commands speak" },
    Setting { key: Key::Actor,         name: "actor",          flag: "--actor",          variable: "CHUOI_ACTOR",          default: "",                               about: "reference to the person who acts; never a name or a phone number" },
    Setting { key: Key::Device,        name: "device",         flag: "--device",         variable: "CHUOI_DEVICE",         default: "",                               about: "device that sends" },
    Setting { key: Key::Output,        name: "output",         flag: "--output",         variable: "CHUOI_OUTPUT",         default: "table",                          about: "how answers are shown: table, json, or csv for lists" },
    Setting { key: Key::Data,          name: "data",           flag: "--data",           variable: "CHUOI_DATA",           default: "",                               about: "folder of `chuoi up`" },
    Setting { key: Key::NatsUrl,       name: "nats_url",       flag: "--nats-url",       variable: "CHUOI_NATS_URL",       default: "nats://127.0.0.1:4222",          about: "NATS server that holds the journal" },
    Setting { key: Key::Stream,        name: "stream",         flag: "--stream",         variable: "CHUOI_STREAM",         default: "chuoi",                          about: "name of the journal's stream" },
    Setting { key: Key::DatabaseUrl,   name: "database_url",   flag: "--database-url",   variable: "CHUOI_DATABASE_URL",   default: "postgresql://127.0.0.1/chuoi",   about: "PostgreSQL database that holds the views" },
    Setting { key: Key::Listen,        name: "listen",         flag: "--listen",         variable: "CHUOI_LISTEN",         default: LISTEN,                           about: "address on which the services listen: loopback only" },
    Setting { key: Key::TimeZone,      name: "time_zone",      flag: "--time-zone",      variable: "CHUOI_TIME_ZONE",      default: "Asia/Ho_Chi_Minh",               about: "time zone whose days are the business days; a journal keeps the one that it began with" },
    Setting { key: Key::AuthorityCode, name: "authority_code", flag: "--authority-code", variable: "CHUOI_AUTHORITY_CODE", default: "HNA",                            about: "code of the authority that keeps the registry, for a new journal" },
    Setting { key: Key::AuthorityName, name: "authority_name", flag: "--authority-name", variable: "CHUOI_AUTHORITY_NAME", default: "Cơ quan quản lý chuỗi Mẫu Hà Nội", about: "name of that authority" },
    Setting { key: Key::Log,           name: "log",            flag: "--log",            variable: "CHUOI_LOG",            default: "warn",                about: "which log lines are written to standard error, for example debug; `serve` writes info by itself" },
    Setting { key: Key::Feed,          name: "feed",           flag: "--feed",           variable: "CHUOI_FEED",           default: "off",                            about: "whether the projector tells every event on NATS, under chuoi.feed: on or off (a message each, on disk)" },
    Setting { key: Key::CodeKeys,      name: "code_keys",      flag: "--code-keys",      variable: "CHUOI_CODE_KEYS",      default: "",                               about: "file with the keys that traceability codes are checked with, the newest first; `chuoi up` makes one in its folder" },
    Setting { key: Key::Notices,       name: "notices",        flag: "--notices",        variable: "CHUOI_NOTICES",        default: "",                               about: "whether notices are given, and sent to webhooks, beside the projector: on or off; left out, on in `up` and off in `serve`" },
    Setting { key: Key::Webhooks,      name: "webhooks",       flag: "--webhooks",       variable: "CHUOI_WEBHOOKS",       default: "",                               about: "file that lists who is told of notices over the web; left out, webhooks.toml in the data folder" },
];

impl Key {
    fn setting(self) -> &'static Setting {
        // `SETTINGS` lists every key once, in the order of the enumeration; the test below holds it to that.
        &SETTINGS[self as usize]
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag(&'static str),
    /// The environment.
    Environment(&'static str),
    /// The settings' file.
    File(PathBuf),
    /// The running `chuoi up` of the data folder, which left its addresses there.
    Running(PathBuf),
    /// Nothing was said.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(flag) => f.write_str(flag),
            Source::Environment(variable) => write!(f, "{variable} in the environment"),
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Running(path) => write!(f, "the running `chuoi up` ({})", path.display()),
            Source::Default => f.write_str("default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

/// The settings in effect.
#[derive(Clone, Debug)]
pub struct Settings {
    found: BTreeMap<Key, Found>,
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Words and tables, for people.
    Table,
    /// One line of JSON for each answer, for scripts.
    Json,
    /// The rows of a list as CSV, for spreadsheets.
    Csv,
}

impl Settings {
    /// Reads the settings of this process: what was given by flag, its environment, its file.
    pub fn of_process(given: &[(Key, String)], config: Option<&Path>) -> Result<Settings, Failure> {
        let environment = |name: &str| std::env::var(name).ok();
        let named = config.map(Path::to_owned).or_else(|| environment("CHUOI_CONFIG").map(PathBuf::from));
        let file = match named {
            Some(path) => {
                let text = std::fs::read_to_string(&path);
                let text =
                    text.map_err(|error| Failure::Usage(format!("cannot read the settings in {}: {error}", path.display())))?;
                Some((path, text))
            }
            // The usual place may be empty.
            None => places::config_file(environment).and_then(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?))),
        };
        Settings::load(given, environment, file)
    }

    /// Reads the settings from what was given by flag, an environment, and a file's path and text.
    pub fn load(
        given: &[(Key, String)],
        environment: impl Fn(&str) -> Option<String>,
        file: Option<(PathBuf, String)>,
    ) -> Result<Settings, Failure> {
        let in_file = match &file {
            Some((path, text)) => read_file(path, text)?,
            None => BTreeMap::new(),
        };
        let mut found = BTreeMap::new();
        for setting in SETTINGS {
            let by_flag = given.iter().find(|(key, _)| *key == setting.key);
            let by_flag = by_flag.map(|(_, value)| (value.clone(), Source::Flag(setting.flag)));
            let by_environment = || Some((environment(setting.variable)?, Source::Environment(setting.variable)));
            let by_file = || Some((in_file.get(&setting.key)?.clone(), Source::File(file.as_ref()?.0.clone())));
            let by_default = match setting.key {
                Key::Data => places::data_folder(&environment).map(|path| path.display().to_string()),
                _ => Some(setting.default.to_owned()).filter(|value| !value.is_empty()),
            };
            let by_default = || Some((by_default?, Source::Default));
            if let Some((value, source)) = by_flag.or_else(by_environment).or_else(by_file).or_else(by_default) {
                found.insert(setting.key, Found { value, source });
            }
        }
        Ok(Settings { found })
    }

    /// Takes the addresses of the running `chuoi up` for whatever nobody said.
    pub fn with_running(mut self) -> Settings {
        let Some((path, running)) = self.data().ok().and_then(|data| Running::read(&data)) else { return self };
        for (key, value) in running.settings() {
            if self.found.get(&key).is_none_or(|found| found.source == Source::Default) {
                self.found.insert(key, Found { value, source: Source::Running(path.clone()) });
            }
        }
        self
    }

    /// The same settings with these addresses, whatever was said.
    pub fn at(mut self, path: PathBuf, running: Running) -> Settings {
        for (key, value) in running.settings() {
            self.found.insert(key, Found { value, source: Source::Running(path.clone()) });
        }
        self
    }

    /// A value and where it comes from; none if nobody said and there is no default.
    pub fn get(&self, key: Key) -> Option<&Found> {
        self.found.get(&key)
    }

    /// A value, as text; empty if there is none.
    pub fn text(&self, key: Key) -> &str {
        self.get(key).map_or("", |found| &found.value)
    }

    /// The address on which the services listen.
    pub fn listen(&self) -> Result<SocketAddr, Failure> {
        let addresses = self
            .text(Key::Listen)
            .to_socket_addrs()
            .map_err(|_| self.wrong(Key::Listen, "is not an address with a port", &format!("give one such as {LISTEN}")))?;
        let addresses: Vec<SocketAddr> = addresses.collect();
        match addresses.iter().find(|address| !address.ip().is_loopback()) {
            None => addresses.first().copied().ok_or_else(|| self.wrong(Key::Listen, "is no address", &format!("give one such as {LISTEN}"))),
            Some(_) => Err(self.wrong(
                Key::Listen,
                "can be reached from other machines, and callers are not authenticated yet: anyone there could speak for any organization",
                &format!("give a loopback address such as {LISTEN}"),
            )),
        }
    }

    /// How answers are shown.
    pub fn output(&self) -> Result<Output, Failure> {
        match self.text(Key::Output) {
            "table" => Ok(Output::Table),
            "json" => Ok(Output::Json),
            "csv" => Ok(Output::Csv),
            _ => Err(self.wrong(Key::Output, "is not a way to show answers", "say table, json or csv")),
        }
    }

    /// Whether events are told on NATS.
    pub fn feed(&self) -> Result<bool, Failure> {
        match self.text(Key::Feed) {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(self.wrong(Key::Feed, "is neither on nor off", "say on or off")),
        }
    }

    /// Keys that traceability codes are checked with; none where no file is named.
    pub fn code_keys(&self) -> Result<views::CodeKeys, Failure> {
        let path = self.text(Key::CodeKeys);
        if path.is_empty() {
            return Ok(views::CodeKeys::default());
        }
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| self.wrong(Key::CodeKeys, &format!("cannot be read: {error}"), "name a file"))?;
        views::CodeKeys::parse(&text).map_err(|error| self.wrong(Key::CodeKeys, "holds no keys", &error.to_string()))
    }

    /// Whether notices are given; where nobody said, as whoever asks would have it.
    pub fn notices(&self, usual: bool) -> Result<bool, Failure> {
        match self.text(Key::Notices) {
            "" => Ok(usual),
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(self.wrong(Key::Notices, "is neither on nor off", "say on or off")),
        }
    }

    /// The file that lists who is told over the web. It need not exist.
    pub fn webhooks(&self) -> Result<PathBuf, Failure> {
        match self.text(Key::Webhooks) {
            "" => Ok(self.data()?.join(crate::webhooks::FILE)),
            path => Ok(PathBuf::from(path)),
        }
    }

    /// The folder of `chuoi up`.
    pub fn data(&self) -> Result<PathBuf, Failure> {
        match self.text(Key::Data) {
            "" => Err(Failure::Usage("no data folder: neither XDG_DATA_HOME nor HOME is set; say --data FOLDER".to_owned())),
            path => std::path::absolute(path).map_err(|error| Failure::failed(format!("cannot tell where {path} is"), error)),
        }
    }

    /// The organization on whose behalf the client speaks.
    pub fn organization(&self) -> Result<&str, Failure> {
        match self.text(Key::Organization) {
            "" => Err(Failure::Usage(
                "on whose behalf? say --as CODE, for example --as HTX002, or set CHUOI_ORGANIZATION, or organization = \"CODE\" in the settings' file".to_owned(),
            )),
            code => Ok(code),
        }
    }

    /// A setting that cannot be used: its value and where that comes from, what is wrong, and what to do.
    pub fn wrong(&self, key: Key, what: &str, remedy: &str) -> Failure {
        let name = key.setting().name;
        match self.get(key) {
            Some(Found { value, source }) => {
                Failure::Usage(format!("{name} = {:?} (from {source}) {what}; {remedy}", masked(value)))
            }
            None => Failure::Usage(format!("{name} {what}; {remedy}")),
        }
    }

    /// The settings in effect as a settings' file: each with its purpose and where it comes from, passwords masked.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for setting in SETTINGS {
            text.push_str(&format!("# {}\n", setting.about));
            match self.get(setting.key) {
                Some(Found { value, source }) => {
                    text.push_str(&format!("{} = {}  # {source}\n", setting.name, toml::Value::String(masked(value))));
                }
                None => text.push_str(&format!("# {} =   # not set ({} or {})\n", setting.name, setting.flag, setting.variable)),
            }
        }
        text
    }

    /// The same for scripts.
    pub fn to_json(&self) -> serde_json::Value {
        let each = SETTINGS.iter().map(|setting| {
            let found = self.get(setting.key);
            let value = found.map(|found| masked(&found.value));
            let source = found.map(|found| found.source.to_string());
            (setting.name.to_owned(), serde_json::json!({ "value": value, "source": source }))
        });
        serde_json::Value::Object(each.collect())
    }
}

/// What a settings' file says. A name that is no setting is an error: it would be a setting that silently does nothing.
fn read_file(path: &Path, text: &str) -> Result<BTreeMap<Key, String>, Failure> {
    let table: toml::Table = text.parse().map_err(|error| Failure::Usage(format!("{} is not TOML: {error}", path.display())))?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
            let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
            return Err(Failure::Usage(format!("{}: {name:?} is no setting; settings are {}", path.display(), names.join(", "))));
        };
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(), // organization = 123
            other => {
                let kind = other.type_str();
                return Err(Failure::Usage(format!("{}: {name} should be a text in quotes, and is {kind}", path.display())));
            }
        };
        values.insert(setting.key, value);
    }
    Ok(values)
}

/// The text without the password that a URL or a list of `key=value` carries.
pub fn masked(value: &str) -> String {
    const HIDDEN: &str = "****";
    if let Some((scheme, rest)) = value.split_once("://") {
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_end);
        let authority = match authority.rsplit_once('@') {
            // A NATS URL may carry a token alone: that is a secret too.
            Some((user, host)) => match user.split_once(':') {
                Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
                None if scheme.starts_with("postgres") => authority.to_owned(),
                None => format!("{HIDDEN}@{host}"),
            },
            None => authority.to_owned(),
        };
        return format!("{scheme}://{authority}{}", masked_parameters(path, &['?', '&']));
    }
    masked_parameters(value, &[' '])
}

/// The text with what follows `password=` hidden up to the next separator.
fn masked_parameters(text: &str, separators: &[char]) -> String {
    let parts = text.split_inclusive(separators);
    let hide = |part: &str| match part.split_once('=') {
        Some((name, value)) if name.trim_end().ends_with("password") => {
            let end = value.chars().next_back().filter(|c| separators.contains(c));
            format!("{name}=****{}", end.map(String::from).unwrap_or_default())
        }
        _ => part.to_owned(),
    };
    parts.map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(given: &[(Key, &str)], environment: &[(&str, &str)], file: Option<&str>) -> Result<Settings, Failure> {
        let given: Vec<(Key, String)> = given.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let variable = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::load(&given, variable, file.map(|text| (PathBuf::from("/etc/chuoi.toml"), text.to_owned())))
    }

    #[test]
    fn every_key_stands_where_its_number_says() {
        for (index, setting) in SETTINGS.iter().enumerate() {
            assert_eq!(setting.key as usize, index, "{}", setting.name);
            assert_eq!(setting.variable, format!("CHUOI_{}", setting.name.to_uppercase()));
        }
    }

    #[test]
    fn a_flag_goes_before_the_environment_and_that_before_the_file() {
        let file = Some("stream = 'file'\nactor = 'file'\ndevice = 'file'\norganization = 123");
        let environment = [("CHUOI_STREAM", "environment"), ("CHUOI_ACTOR", "environment")];
        let settings = load(&[(Key::Stream, "flag")], &environment, file).unwrap();
        let stands = |key| settings.get(key).map(|found| format!("{} from {}", found.value, found.source));
        assert_eq!(stands(Key::Stream).as_deref(), Some("flag from --stream"));
        assert_eq!(stands(Key::Actor).as_deref(), Some("environment from CHUOI_ACTOR in the environment"));
        assert_eq!(stands(Key::Device).as_deref(), Some("file from /etc/chuoi.toml"));
        assert_eq!(stands(Key::Organization).as_deref(), Some("123 from /etc/chuoi.toml"));
        assert_eq!(stands(Key::Server).as_deref(), Some("http://127.0.0.1:7420 from default"));
        assert_eq!(stands(Key::Data), None, "no HOME, no folder");
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn a_setting_that_cannot_be_used_is_refused_with_its_value_and_where_that_comes_from() {
        let listen = |settings: Settings| settings.listen().unwrap_err().to_string();
        for (said, refusal) in [
            (load(&[], &[("CHUOI_LISTEN", "0.0.0.0:7420")], None).map(listen).unwrap(),
             "listen = \"0.0.0.0:7420\" (from CHUOI_LISTEN in the environment) can be reached from other machines, and callers are not authenticated yet: anyone there could speak for any organization; give a loopback address such as 127.0.0.1:7420"),
            (load(&[(Key::Listen, "7420")], &[], None).map(listen).unwrap(),
             "listen = \"7420\" (from --listen) is not an address with a port; give one such as 127.0.0.1:7420"),
            (load(&[], &[], Some("listne = 'x'")).unwrap_err().to_string().split(';').next().unwrap().to_owned(),
             "/etc/chuoi.toml: \"listne\" is no setting"),
            (load(&[], &[], Some("listen = [1]")).unwrap_err().to_string(),
             "/etc/chuoi.toml: listen should be a text in quotes, and is array"),
            (load(&[(Key::Output, "xml")], &[], None).unwrap().output().unwrap_err().to_string(),
             "output = \"xml\" (from --output) is not a way to show answers; say table, json or csv"),
        ] { assert_eq!(said, refusal); }
    }

    #[test]
    #[rustfmt::skip] // Columns.
    fn passwords_are_not_shown() {
        for (value, shown) in [
            ("nats://127.0.0.1:4222",                          "nats://127.0.0.1:4222"),
            ("nats://chuoi:s3cret@127.0.0.1:4222",             "nats://chuoi:****@127.0.0.1:4222"),
            ("nats://t0ken@127.0.0.1:4222",                    "nats://****@127.0.0.1:4222"),
            ("postgresql://me@db/chuoi",                       "postgresql://me@db/chuoi"),
            ("postgresql://me:s3:c@et@db/chuoi?x=1",           "postgresql://me:****@db/chuoi?x=1"),
            ("postgresql:///chuoi?host=/run&password=s3&x=1",  "postgresql:///chuoi?host=/run&password=****&x=1"),
            ("host=/run user=me password=s3cret dbname=chuoi", "host=/run user=me password=**** dbname=chuoi"),
        ] { assert_eq!(masked(value), shown); }
    }

    #[test]
    fn settings_are_printed_as_a_file_that_can_be_read_again() {
        let settings = load(&[(Key::Organization, "HTX-CH001"), (Key::AuthorityName, "Sở \"Mẫu\"")], &[], None).unwrap();
        let text = settings.to_toml();
        assert!(text.contains("organization = \"HTX-CH001\"  # --as\n"), "{text}");
        let again = load(&[], &[], Some(&text)).unwrap();
        assert_eq!(again.text(Key::AuthorityName), "Sở \"Mẫu\"");
    }
}
