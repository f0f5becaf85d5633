//! Settings as flags. They are groups, so that a command's help shows the settings that it heeds.

use std::path::PathBuf;

use clap::Args;

use super::Key;

/// Settings that every command heeds.
#[derive(Args, Clone, Debug, Default)]
pub struct GlobalFlags {
    /// Settings' file [default: $XDG_CONFIG_HOME/chuoi/config.toml]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Settings")]
    pub config: Option<PathBuf>,
    /// How answers are shown: table, json (one line) for scripts, or csv for spreadsheets
    #[arg(long, value_name = "table|json|csv", global = true, help_heading = "Settings")]
    pub output: Option<String>,
    /// Folder of `chuoi up`; other commands find its addresses there [default: $XDG_DATA_HOME/chuoi/up]
    #[arg(long, value_name = "FOLDER", global = true, help_heading = "Settings")]
    pub data: Option<String>,
    /// Log lines to write to standard error, for example debug
    #[arg(long, value_name = "FILTER", global = true, help_heading = "Settings")]
    pub log: Option<String>,
}

/// Settings of client commands.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct ClientFlags {
    /// Services to ask [default: those of the running `chuoi up`, else http://127.0.0.1:7420]
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Organization on whose behalf you speak, for example HTX002
    #[arg(id = "as", long = "as", value_name = "CODE")]
    pub organization: Option<String>,
    /// Reference to the person who acts; never a name or a phone number
    #[arg(long, value_name = "REFERENCE")]
    pub actor: Option<String>,
    /// Device that sends
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
}

/// Settings of the commands that speak to NATS and PostgreSQL themselves.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct ServerFlags {
    /// NATS server that holds the journal
    #[arg(long, value_name = "URL")]
    pub nats_url: Option<String>,
    /// Name of the journal's stream
    #[arg(long, value_name = "NAME")]
    pub stream: Option<String>,
    /// PostgreSQL database that holds the views
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Whether the projector tells every event on NATS, under chuoi.feed [default: off]
    #[arg(long, value_name = "on|off")]
    pub feed: Option<String>,
    /// File with the keys that traceability codes are checked with, the newest first
    #[arg(long, value_name = "FILE")]
    pub code_keys: Option<String>,
}

/// Settings of those who tell people what they have to know.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct NoticeFlags {
    /// Whether notices are given, and sent to webhooks, beside the projector [default: on in `up`, off in `serve`]
    #[arg(long, value_name = "on|off")]
    pub notices: Option<String>,
    /// File that lists who is told of notices over the web [default: webhooks.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    pub webhooks: Option<String>,
}

/// Settings with which a journal begins.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct GenesisFlags {
    /// Time zone whose days are the business days [default: Asia/Ho_Chi_Minh]
    #[arg(long, value_name = "IANA NAME")]
    pub time_zone: Option<String>,
    /// Code of the authority that keeps the registry
    #[arg(long, value_name = "CODE")]
    pub authority_code: Option<String>,
    /// Name of that authority
    #[arg(long, value_name = "NAME")]
    pub authority_name: Option<String>,
}

/// What was given.
pub type Given = Vec<(Key, String)>;

fn given<const N: usize>(values: [(Key, &Option<String>); N]) -> Given {
    values.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
}

impl GlobalFlags {
    /// What was given.
    pub fn given(&self) -> Given {
        given([(Key::Output, &self.output), (Key::Data, &self.data), (Key::Log, &self.log)])
    }
}

impl ClientFlags {
    /// What was given.
    pub fn given(&self) -> Given {
        let values = [
            (Key::Server, &self.server),
            (Key::Organization, &self.organization),
            (Key::Actor, &self.actor),
            (Key::Device, &self.device),
        ];
        given(values)
    }
}

impl ServerFlags {
    /// What was given.
    pub fn given(&self) -> Given {
        given([
            (Key::NatsUrl, &self.nats_url),
            (Key::Stream, &self.stream),
            (Key::DatabaseUrl, &self.database_url),
            (Key::Feed, &self.feed),
            (Key::CodeKeys, &self.code_keys),
        ])
    }
}

impl NoticeFlags {
    /// What was given.
    pub fn given(&self) -> Given {
        given([(Key::Notices, &self.notices), (Key::Webhooks, &self.webhooks)])
    }
}

impl GenesisFlags {
    /// What was given.
    pub fn given(&self) -> Given {
        let values = [
            (Key::TimeZone, &self.time_zone),
            (Key::AuthorityCode, &self.authority_code),
            (Key::AuthorityName, &self.authority_name),
        ];
        given(values)
    }
}
