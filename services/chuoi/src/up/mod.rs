//! `chuoi up`: everything on this machine. Starts a private NATS server and PostgreSQL, begins the journal if there is none,
//! runs all roles, imports the reference registry into a new journal, and stops everything in order.

mod folder;
mod servers;
mod summary;

use std::time::{Duration, Instant};

use serde_json::json;
use stream::{Journal, Position};
use tokio::net::TcpListener;
use tonic::transport::Channel;
use views::database;
use wire::proto::chuoi::stock::v1::stock_service_client::StockServiceClient;
use wire::proto::chuoi::stock::v1::{GetSummaryRequest, GetSummaryResponse};

use self::folder::Folder;
use self::servers::Embedded;
use self::summary::Summary;
use crate::cli::Up;
use crate::client::{Client, failure, may_pass, registry, simulate};
use crate::config::{Key, LISTEN, Output, Running, Settings, Source};
use crate::failure::Failure;
use crate::progress::{Step, Steps};
use crate::reference::Tables;
use crate::roles::{self, Roles, Servers};
use crate::serve::Stop;
use crate::simulate::Options;
use crate::{init, output, verify};

/// How long the views may make no headway before that counts as a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the views are asked how far they are.
const LOOK: Duration = Duration::from_millis(100);

/// Runs it until told to stop; with `--once`, until everything is caught up.
pub async fn run(settings: Settings, asked: &Up) -> Result<(), Failure> {
    settings.output()?;
    settings.listen()?;
    let folder = Folder::lock(&settings.data()?)?;
    let listener = listen(&settings).await?;
    let mut stop = Stop::new()?;
    let mut steps = Steps::default();
    let step = Step::begin("starting NATS and PostgreSQL");
    let embedded = tokio::select! {
        embedded = Embedded::start(folder.path()) => embedded?,
        () = stop.told() => return stopped(asked),
    };
    steps.keep("servers", step.done());
    let outcome = on_servers(&settings, asked, listener, &folder, &embedded, &mut stop, &mut steps).await;
    outcome.and(embedded.stop().await)
}

/// All that stands on the private servers: the journal, the roles, and what is done with them.
async fn on_servers(
    settings: &Settings,
    asked: &Up,
    listener: TcpListener,
    folder: &Folder,
    embedded: &Embedded,
    stop: &mut Stop,
    steps: &mut Steps,
) -> Result<(), Failure> {
    let servers = Servers {
        journal: stream::Settings::new(&embedded.nats_url, settings.text(Key::Stream)),
        database: database::Settings::of(&embedded.database_url),
        recorder_folder: folder.path().join("recorder"),
        code_keys: if settings.text(Key::CodeKeys).is_empty() { folder.code_keys()? } else { settings.code_keys()? },
        webhooks: settings.webhooks()?,
        other_recorder: String::new(), // One runs here.
    };
    let step = Step::begin("opening the journal and the tables");
    begin(settings, &servers.journal).await?;
    database::migrate(&servers.database).await.map_err(|error| Failure::failed("cannot prepare the tables", error))?;
    // With `--once` it ends when everything is caught up: nobody waits for notices.
    let notices = settings.notices(!asked.once)?;
    let roles = Roles { recorder: true, projector: true, query: true, feed: settings.feed()?, notices };
    let mut serving = roles::start(roles, servers.clone(), listener).await?;
    steps.keep("journal", step.done());
    let running = Running {
        pid: std::process::id().cast_signed(),
        server: format!("http://{}", serving.address),
        nats_url: embedded.nats_url.clone(),
        stream: settings.text(Key::Stream).to_owned(),
        database_url: embedded.database_url.clone(),
    };
    running.write(folder.path())?;
    let journal = serving.journal.clone();
    let outcome = tokio::select! {
        outcome = work(settings, asked, folder, running, journal, &servers.database, steps) => outcome,
        failure = serving.ended() => Err(failure),
        failure = embedded.watch() => Err(failure),
        () = stop.told() => stopped(asked),
    };
    Running::remove(folder.path());
    outcome.and(serving.stop().await)
}

/// Begins the journal, unless it has begun.
async fn begin(settings: &Settings, stream: &stream::Settings) -> Result<(), Failure> {
    match Journal::open(stream).await {
        Ok(_) => Ok(()),
        // Empty: an earlier start was interrupted before the first entry was written.
        Err(stream::Error::Missing { .. } | stream::Error::Empty { .. }) => init::begin(settings, stream).await.map(drop),
        Err(error) => Err(Failure::failed("cannot open the journal", error)),
    }
}

/// Imports the registry, plays the demo, catches up; with `--once` sums up and ends, else serves for as long as it is let.
async fn work(
    settings: &Settings,
    asked: &Up,
    folder: &Folder,
    running: Running,
    journal: Option<Journal>,
    database: &database::Settings,
    steps: &mut Steps,
) -> Result<(), Failure> {
    let Some(journal) = journal else { return Ok(()) }; // Every role runs here, so there is one.
    let client = Client::connect(settings.clone().at(folder.path().to_owned(), running)).await?;
    let step = Step::begin("waiting for the services");
    summary(&client, &journal, 1, &step).await?;
    steps.keep("services", step.done());
    if !folder.has_registry(journal.id()) {
        let step = Step::begin("importing the reference registry");
        let tables = Tables::embedded().map_err(|error| Failure::failed("cannot read the reference registry", error))?;
        let report = registry::import_tables(&client, &tables, &journal.genesis().authority_code, &step).await?;
        registry::refusals(&report)?;
        folder.keep_registry(journal.id())?;
        steps.keep("registry", step.done());
    }
    let mut played = None;
    if asked.demo {
        let step = Step::begin("playing a day of trade");
        let tables = Tables::embedded().map_err(|error| Failure::failed("cannot read the reference registry", error))?;
        let report = simulate::play(&client, &tables, &journal.genesis().authority_code, Options::default(), &step).await?;
        steps.keep("demo", step.done());
        played = Some(report);
    }
    let step = Step::begin("catching up");
    let last = journal.last_sequence().await.map_err(|error| Failure::failed("cannot ask the journal for its end", error))?;
    let counted = summary(&client, &journal, last, &step).await?;
    steps.keep("catch_up", step.done());
    if !asked.once {
        match client.output {
            Output::Json => output::print(&json!({ "server": client.settings.text(Key::Server) }).to_string())?,
            Output::Table | Output::Csv => output::print(&usage(&client, asked))?,
        }
        return std::future::pending().await;
    }
    let step = Step::begin("comparing the views with the journal");
    let report = verify::compare(&journal, database, &step).await?;
    steps.keep("verify", step.done());
    let summary = Summary { counted, played, report, steps };
    match client.output {
        Output::Json => output::print(&summary.to_json().to_string())?,
        Output::Table | Output::Csv => output::print(&summary.words())?,
    }
    if let Some(played) = &summary.played {
        simulate::unexpected(played)?;
    }
    match summary.report.is_clean() {
        true => Ok(()),
        false => Err(Failure::Refused("the views are not what the journal says; `chuoi verify` shows where".to_owned())),
    }
}

/// Sums everything up as soon as the views have reached an entry; waits for as long as they make headway.
async fn summary(client: &Client, journal: &Journal, sequence: u64, step: &Step) -> Result<GetSummaryResponse, Failure> {
    let mut service = StockServiceClient::<Channel>::new(client.channel.clone());
    let at_least = journal.position(sequence).to_string();
    let (mut reached, mut since) = (String::new(), Instant::now());
    loop {
        let status = match service.get_summary(GetSummaryRequest { at_least: at_least.clone() }).await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        let now = wire::status::explain(&status).figures.remove("reached").unwrap_or_default();
        if let Ok(position) = now.parse::<Position>() {
            step.reached(position.sequence(), sequence);
        }
        if now != reached {
            (reached, since) = (now, Instant::now());
        }
        if !may_pass(status.code()) || since.elapsed() > PATIENCE {
            return Err(failure(&status));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// How to go on, for a person who sees it for the first time.
fn usage(client: &Client, asked: &Up) -> String {
    let default = client.settings.get(Key::Data).is_some_and(|found| found.source == Source::Default);
    let data = if default { String::new() } else { format!(" --data {}", client.settings.text(Key::Data)) };
    let mut commands = vec![
        ("stock --site SM001", "what a supermarket has on its shelves"),
        ("throughput --utilization", "how far each chain is from its capacity"),
        ("shipments", "what is on the road"),
        ("registry find rau muong", "products, sites, chains by name"),
        ("verify", "proves the tables against the journal"),
    ];
    if !asked.demo {
        commands.push(("simulate", "plays a day of trade"));
    }
    let width = commands.iter().map(|(command, _)| command.len() + data.len()).max().unwrap_or_default();
    let line = |(command, what): &(&str, &str)| format!("  chuoi {:<width$}   {what}\n", format!("{command}{data}"));
    let commands: String = commands.iter().map(line).collect();
    format!("\nchuoi serves at {}; Ctrl-C stops it. In another terminal:\n\n{commands}\n", client.settings.text(Key::Server))
}

/// Being told to stop is how `up` ends; with `--once` it means that the end was not reached.
fn stopped(asked: &Up) -> Result<(), Failure> {
    match asked.once {
        true => Err(Failure::Failed { message: "stopped before everything was caught up".to_owned(), source: None }),
        false => Ok(()),
    }
}

/// Takes the address: the one that was asked for, or a free one where nobody asked for one and the usual one is taken.
async fn listen(settings: &Settings) -> Result<TcpListener, Failure> {
    let address = settings.listen()?;
    let by_default = settings.get(Key::Listen).is_some_and(|found| found.source == Source::Default);
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(_) if by_default => {
            let free = TcpListener::bind((address.ip(), 0)).await;
            let free = free.map_err(|error| Failure::failed(format!("cannot listen on {}", address.ip()), error))?;
            eprintln!("{LISTEN} is taken; listening on another port");
            Ok(free)
        }
        Err(error) => Err(Failure::failed(format!("cannot listen on {address}; choose another with --listen"), error)),
    }
}
