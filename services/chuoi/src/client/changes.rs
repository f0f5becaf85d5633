//! `chuoi registry retire`, `merge`, `alias` and their like: what becomes of registered things, from a day on; and `registry show`,
//! the history of one.

use clap::{Args, ValueEnum};
use tonic::transport::Channel;
use wire::proto::chuoi::event::v1 as event;
use wire::proto::chuoi::event::v1::registered_thing::Thing;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::register::Fact;
use wire::proto::chuoi::record::v1::{Register, When};
use wire::proto::chuoi::registry::v1::historic_fact::Fact as Told;
use wire::proto::chuoi::registry::v1::registry_service_client::RegistryServiceClient;
use wire::proto::chuoi::registry::v1::{
    GetChainRequest, GetHistoryRequest, GetHistoryResponse, GetOrganizationRequest, GetProductRequest, GetSiteRequest,
    RegistryKind,
};

use super::{Client, ReadFlags, answer, answered, query, record, typed};
use crate::config::{ClientFlags, Settings};
use crate::failure::Failure;
use crate::output::Table;

/// Kinds of things that something can become of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KindWord {
    /// An organization
    Organization,
    /// A site
    Site,
    /// A product kind
    Product,
    /// A chain
    Chain,
}

impl KindWord {
    fn thing(self, code: &str) -> Option<event::RegisteredThing> {
        let code = code.to_owned();
        let thing = match self {
            KindWord::Organization => Thing::OrganizationCode(code),
            KindWord::Site => Thing::SiteCode(code),
            KindWord::Product => Thing::ProductCode(code),
            KindWord::Chain => Thing::ChainCode(code),
        };
        Some(event::RegisteredThing { thing: Some(thing) })
    }

    fn kind(self) -> RegistryKind {
        match self {
            KindWord::Organization => RegistryKind::Organization,
            KindWord::Site => RegistryKind::Site,
            KindWord::Product => RegistryKind::Product,
            KindWord::Chain => RegistryKind::Chain,
        }
    }
}

/// What every change of the registry says besides.
#[derive(Args, Clone, Debug)]
pub struct ChangeFlags {
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
    /// First day on which it holds, past or ahead: 01/12/2026 [default: today]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub from: Option<String>,
    /// Id of an earlier attempt, to repeat it: it is recorded once, however often it is sent [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub command_id: Option<uuid::Uuid>,
}

/// `registry retire` and `registry reinstate`.
#[derive(Args, Clone, Debug)]
pub struct Retire {
    /// What it is
    #[arg(value_enum)]
    pub kind: KindWord,
    /// Its code
    pub code: String,
    /// Why, kept as typed
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// What is said besides.
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `registry merge`.
#[derive(Args, Clone, Debug)]
pub struct Merge {
    /// What they are: organizations, sites or products
    #[arg(value_enum)]
    pub kind: KindWord,
    /// Code that is given up; it stands for the other from now on and for ever back
    pub duplicate: String,
    /// Code that stays
    #[arg(long, value_name = "CODE")]
    pub into: String,
    /// Why, kept as typed
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// What is said besides.
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `registry alias`.
#[derive(Args, Clone, Debug)]
pub struct Alias {
    /// What it is: organization, site or product
    #[arg(value_enum)]
    pub kind: KindWord,
    /// Its code
    pub code: String,
    /// The number: a GLN of 13 digits, for a product a GTIN of 14
    pub number: String,
    /// For a GTIN the organization that owns it: code
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    pub owner: String,
    /// Code of the thing that had the number until then
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true, conflicts_with = "remove")]
    pub moved_from: String,
    /// The number names it no longer
    #[arg(long, conflicts_with = "owner")]
    pub remove: bool,
    /// What is said besides.
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `registry rename`.
#[derive(Args, Clone, Debug)]
pub struct Rename {
    /// What it is
    #[arg(value_enum)]
    pub kind: KindWord,
    /// Its code
    pub code: String,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// What is said besides.
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `registry move`.
#[derive(Args, Clone, Debug)]
pub struct Move {
    /// Code of the site
    pub site: String,
    /// Organization that runs it from then on: code
    #[arg(long, value_name = "CODE")]
    pub to: String,
    /// What is said besides.
    #[command(flatten)]
    pub flags: ChangeFlags,
}

/// `registry show`.
#[derive(Args, Clone, Debug)]
pub struct Show {
    /// What it is
    #[arg(value_enum)]
    pub kind: KindWord,
    /// Its code, GLN or GTIN
    pub code: String,
    /// Settings, and the position.
    #[command(flatten)]
    pub read: ReadFlags,
}

/// Runs `registry retire`.
pub async fn retire(settings: Settings, asked: &Retire) -> Result<(), Failure> {
    let (thing, reason) = (asked.kind.thing(&asked.code), asked.reason.clone());
    say(settings, &asked.flags, Fact::Retired(event::Retired { thing, reason })).await
}

/// Runs `registry reinstate`.
pub async fn reinstate(settings: Settings, asked: &Retire) -> Result<(), Failure> {
    let (thing, reason) = (asked.kind.thing(&asked.code), asked.reason.clone());
    say(settings, &asked.flags, Fact::Reinstated(event::Reinstated { thing, reason })).await
}

/// Runs `registry merge`.
pub async fn merge(settings: Settings, asked: &Merge) -> Result<(), Failure> {
    let fact = event::DuplicateMerged {
        duplicate: asked.kind.thing(&asked.duplicate),
        survivor: asked.kind.thing(&asked.into),
        reason: asked.reason.clone(),
    };
    say(settings, &asked.flags, Fact::DuplicateMerged(fact)).await
}

/// Runs `registry alias`.
pub async fn alias(settings: Settings, asked: &Alias) -> Result<(), Failure> {
    let (thing, number) = (asked.kind.thing(&asked.code), asked.number.clone());
    let fact = if asked.remove {
        Fact::NumberDetached(event::NumberDetached { thing, number })
    } else {
        let (brand_owner_code, moved_from_code) = (asked.owner.clone(), asked.moved_from.clone());
        Fact::NumberAttached(event::NumberAttached { thing, number, brand_owner_code, moved_from_code })
    };
    say(settings, &asked.flags, fact).await
}

/// Runs `registry rename`: what is known of the thing is registered again under another name.
pub async fn rename(settings: Settings, asked: &Rename) -> Result<(), Failure> {
    let client = Client::connect(settings.clone()).await?;
    let mut service = super::service!(RegistryServiceClient<Channel>, client.channel.clone());
    let (name, code, at_least) = (asked.name.clone(), asked.code.clone(), String::new());
    let known = match asked.kind {
        KindWord::Organization => {
            let request = GetOrganizationRequest { organization: code, at_least };
            let answer = answered(service.get_organization(query(request)).await)?;
            let known = answer.organization.and_then(|known| known.registered);
            known.map(|known| Fact::Organization(event::OrganizationRegistered { name, ..known }))
        }
        KindWord::Site => {
            let answer = answered(service.get_site(query(GetSiteRequest { site: code, at_least })).await)?;
            let known = answer.site.and_then(|known| known.registered);
            known.map(|known| Fact::Site(event::SiteRegistered { name, ..known }))
        }
        KindWord::Product => {
            let answer = answered(service.get_product(query(GetProductRequest { product: code, at_least })).await)?;
            let known = answer.product.and_then(|known| known.registered);
            known.map(|known| Fact::Product(event::ProductRegistered { name, ..known }))
        }
        KindWord::Chain => {
            let answer = answered(service.get_chain(query(GetChainRequest { chain_code: code, at_least })).await)?;
            let known = answer.chain.and_then(|known| known.registered);
            known.map(|known| Fact::Chain(event::ChainRegistered { name, ..known }))
        }
    };
    match known {
        Some(fact) => say(settings, &asked.flags, fact).await,
        None => Err(nothing_said(&asked.code)),
    }
}

/// Runs `registry move`: the site is registered again under another organization.
pub async fn hand_over(settings: Settings, asked: &Move) -> Result<(), Failure> {
    let client = Client::connect(settings.clone()).await?;
    let mut service = super::service!(RegistryServiceClient<Channel>, client.channel.clone());
    let request = GetSiteRequest { site: asked.site.clone(), at_least: String::new() };
    let known = answered(service.get_site(query(request)).await)?.site.and_then(|known| known.registered);
    match known {
        Some(known) => {
            let fact = event::SiteRegistered { organization_code: asked.to.clone(), ..known };
            say(settings, &asked.flags, Fact::Site(fact)).await
        }
        None => Err(nothing_said(&asked.site)),
    }
}

fn nothing_said(code: &str) -> Failure {
    Failure::Failed { message: format!("the services answered nothing about {code}; are they of another version?"), source: None }
}

/// Says a fact in the name of the authority that keeps the registry.
async fn say(settings: Settings, flags: &ChangeFlags, fact: Fact) -> Result<(), Failure> {
    let date = match &flags.from {
        Some(date) => date.clone(),
        None => super::zone(&settings)?.to_datetime(jiff::Timestamp::now()).date().to_string(),
    };
    let when = When { date, ..When::default() };
    record::register(settings, when, flags.command_id, Action::Register(Register { fact: Some(fact) })).await
}

/// Runs `registry show`.
pub async fn show(settings: Settings, asked: &Show) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let mut service = super::service!(RegistryServiceClient<Channel>, client.channel.clone());
    let request =
        GetHistoryRequest { kind: asked.kind.kind().into(), code: asked.code.clone(), at_least: asked.read.at_least.clone() };
    let answer = answered(service.get_history(query(request)).await)?;
    client.show("chuoi.registry.v1.GetHistoryResponse", &answer, || history(&answer))
}

fn history(answer: &GetHistoryResponse) -> String {
    let mut table = Table::new(&["from", "code", "what", "recorded at"]);
    for fact in &answer.facts {
        let (code, what) = fact.fact.as_ref().map(|fact| told(fact, &answer.code)).unwrap_or_default();
        table.row([fact.from_date.clone(), code, what, fact.position.clone()]);
    }
    format!("{}\nposition  {}\n", table.render(), answer.position)
}

/// Whose code it was said of, and what.
fn told(fact: &Told, code: &str) -> (String, String) {
    let bare = |thing: &Option<event::RegisteredThing>| {
        let named = answer::thing(thing.as_ref());
        named.split_once(' ').map(|(_, code)| code.to_owned()).unwrap_or_default()
    };
    let because = |reason: &str| if reason.is_empty() { String::new() } else { format!(": {reason}") };
    match fact {
        Told::Organization(it) => (it.organization_code.clone(), format!("registered as {}", it.name)),
        Told::Site(it) => (it.site_code.clone(), format!("registered as {}, run by {}", it.name, it.organization_code)),
        Told::Product(it) => (it.product_code.clone(), format!("registered as {}", it.name)),
        Told::Chain(it) => (it.chain_code.clone(), format!("registered as {}, led by {}", it.name, it.lead_organization_code)),
        Told::Retired(it) => (bare(&it.thing), format!("retired{}", because(&it.reason))),
        Told::Reinstated(it) => (bare(&it.thing), format!("in use again{}", because(&it.reason))),
        Told::NumberAttached(it) if it.moved_from_code.is_empty() => (bare(&it.thing), format!("has the number {}", it.number)),
        Told::NumberAttached(it) => {
            (bare(&it.thing), format!("has the number {}, which {} had before", it.number, it.moved_from_code))
        }
        Told::NumberDetached(it) => (bare(&it.thing), format!("has the number {} no more", it.number)),
        Told::DuplicateMerged(it) => {
            let duplicate = bare(&it.duplicate);
            let into = bare(&it.survivor);
            let end = if into == code { String::new() } else { format!(" (now {code})") };
            (duplicate, format!("merged into {into}{end}{}", because(&it.reason)))
        }
    }
}
