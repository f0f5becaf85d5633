//! `chuoi init`: begins a journal.

use jiff::Timestamp;
use serde_json::json;
use stream::Journal;
use wire::proto::chuoi::event::v1::Genesis;

use crate::cli::Init;
use crate::config::{Key, Output, Settings};
use crate::failure::Failure;
use crate::{client, output, serve};

/// Runs it.
pub async fn run(settings: Settings, asked: &Init) -> Result<(), Failure> {
    let shown = settings.output()?;
    let stream = stream::Settings { replicas: asked.replicas, ..serve::journal(&settings) };
    let journal = begin(&settings, &stream).await?;
    let genesis = journal.genesis();
    let position = journal.position(journal.genesis_entry().tip.sequence).to_string();
    match shown {
        Output::Json => output::print(
            &json!({
                "journal_id": journal.id().to_string(), "stream": stream.stream, "authority_code": genesis.authority_code,
                "business_time_zone": genesis.business_time_zone, "position": position,
            })
            .to_string(),
        ),
        Output::Table | Output::Csv => output::print(&format!(
            "journal {} begins in stream {}\nauthority  {} {}\ntime zone  {}\nposition   {position}\n",
            journal.id(),
            stream.stream,
            genesis.authority_code,
            genesis.authority_name,
            genesis.business_time_zone
        )),
    }
}

/// Begins a journal with the authority and the time zone of the settings.
pub async fn begin(settings: &Settings, stream: &stream::Settings) -> Result<Journal, Failure> {
    client::zone(settings)?;
    let genesis = Genesis {
        business_time_zone: settings.text(Key::TimeZone).to_owned(),
        authority_code: settings.text(Key::AuthorityCode).to_owned(),
        authority_name: domain::text::nfc(settings.text(Key::AuthorityName)),
    };
    if let Err(error) = domain::id::OrganizationCode::parse(&genesis.authority_code) {
        return Err(settings.wrong(
            Key::AuthorityCode,
            &format!("is no code of an organization ({error})"),
            "give one such as HNA",
        ));
    }
    stream::init(stream, genesis, Timestamp::now()).await.map_err(|error| match error {
        error @ (stream::Error::Unreachable { .. } | stream::Error::Request { .. }) => {
            Failure::unavailable("cannot begin the journal", error)
        }
        error => Failure::failed("cannot begin the journal", error),
    })
}
