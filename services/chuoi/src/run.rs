//! Runs a command: settings first, then what it does.

use std::future::Future;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command, Registry, Role};
use crate::client::{
    changes, codes, ledger, notices, programme, record, refusals, registry, report, safety, shipments, simulate, stock,
    throughput, trace, watch,
};
use crate::config::{Given, Key, Output, Settings, Source};
use crate::failure::Failure;
use crate::import;
use crate::roles::Roles;
use crate::{doctor, init, output, rebuild, serve, up, verify};

/// Log lines of services that run by themselves. The NATS client says whatever its connection does.
const QUIET_LOG: &str = "warn,stream::broker=error,deadpool.postgres=error";
const SERVING_LOG: &str = "warn,chuoi=info,record=info,stream=info,views=info";

/// Runs a command to its end.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let mut given = cli.settings.given();
    given.extend(cli.command.given());
    let settings = Settings::of_process(&given, cli.settings.config.as_deref())?;
    match cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "chuoi", &mut script);
            output::print(&String::from_utf8_lossy(&script))
        }
        Command::Config(_) => {
            let json = settings.output()? == Output::Json;
            let settings = settings.with_running();
            output::print(&if json { settings.to_json().to_string() } else { settings.to_toml() })
        }
        command => {
            start_log(&settings, matches!(command, Command::Serve(_)))?;
            block_on(perform(command, settings))
        }
    }
}

async fn perform(command: Command, settings: Settings) -> Result<(), Failure> {
    // Before anything is recorded.
    let asked = settings.get(Key::Output).is_some_and(|found| matches!(found.source, Source::Flag(_)));
    if asked && settings.output()? == Output::Csv && !command.lists() {
        return Err(Failure::Usage("csv is for lists: say --output json, or leave it out".to_owned()));
    }
    match command {
        Command::Up(asked) => up::run(settings, &asked).await,
        Command::Init(asked) => init::run(settings, &asked).await,
        Command::Serve(asked) => {
            let has = |role| asked.roles.contains(&role) || asked.roles.contains(&Role::All);
            let (recorder, projector, query) = (has(Role::Recorder), has(Role::Projector), has(Role::Query));
            let notices = projector && settings.notices(false)?;
            let roles = Roles { recorder, projector, query, feed: projector && settings.feed()?, notices };
            serve::run(settings, roles).await
        }
        Command::Harvest(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Open(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Transform(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Dispatch(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Receive(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Refuse(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Short(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Sell(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Waste(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Count(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Hold(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Release(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Recall(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Acknowledge(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::TakeBack(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Cancel(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Order(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::CloseOrder(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::IssueCode(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::RevokeCode(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::CountScans(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Pack(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Unpack(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Observe(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Resolve(said) => record::fact(settings, &said.fact, &said.flags).await,

        Command::Void(said) => record::fact(settings, &said.fact, &said.flags).await,
        Command::Correct(said) => record::correct(settings, &said.fact, &said.flags).await,
        Command::Stock(asked) => stock::run(settings, &asked).await,
        Command::Ledger(asked) => ledger::run(settings, &asked).await,
        Command::Throughput(asked) => throughput::run(settings, &asked).await,
        Command::Trace(asked) => trace::run(settings, &asked).await,
        Command::Shipments(asked) => shipments::run(settings, &asked).await,
        Command::Recalls(asked) => safety::recalls(settings, &asked).await,
        Command::Check(asked) => safety::check(settings, &asked).await,
        Command::Discrepancies(asked) => safety::discrepancies(settings, &asked).await,
        Command::Unit(asked) => safety::unit_of(settings, &asked).await,
        Command::Report { report } => report::run(settings, &report).await,
        Command::Codes(asked) => codes::list(settings, &asked).await,
        Command::Code(asked) => codes::resolve(settings, &asked).await,
        Command::Programme { programme } => programme::run(settings, &programme).await,
        Command::Notices(asked) => notices::notices(settings, &asked).await,
        Command::Webhooks(asked) => notices::webhooks(settings, &asked).await,
        Command::Refusals(asked) => refusals::run(settings, &asked).await,
        Command::Watch { watch: asked } => watch::run(settings, &asked).await,
        Command::Registry { command: Registry::List { list } } => registry::list(settings, &list).await,
        Command::Registry { command: Registry::Find(asked) } => registry::find(settings, &asked).await,
        Command::Import(asked) => import::run(settings, &asked).await,
        Command::Registry { command: Registry::Import(asked) } => registry::import(settings, &asked).await,
        Command::Registry { command: Registry::Show(asked) } => changes::show(settings, &asked).await,
        Command::Registry { command: Registry::Retire(asked) } => changes::retire(settings, &asked).await,
        Command::Registry { command: Registry::Reinstate(asked) } => changes::reinstate(settings, &asked).await,
        Command::Registry { command: Registry::Merge(asked) } => changes::merge(settings, &asked).await,
        Command::Registry { command: Registry::Alias(asked) } => changes::alias(settings, &asked).await,
        Command::Registry { command: Registry::Rename(asked) } => changes::rename(settings, &asked).await,
        Command::Registry { command: Registry::Move(asked) } => changes::hand_over(settings, &asked).await,
        Command::Verify(_) => verify::run(settings).await,
        Command::Rebuild(_) => rebuild::run(settings).await,
        Command::Doctor(_) => doctor::run(settings).await,
        Command::Simulate(asked) => simulate::run(settings, &asked).await,
        // Need no runtime; done before.
        Command::Completions { .. } | Command::Config(_) => Ok(()),
    }
}

/// Runs to the end, or to the first failure to start at all.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::failed("cannot start", error))?.block_on(work)
}

/// Log lines go to standard error: standard output holds answers alone.
fn start_log(settings: &Settings, serving: bool) -> Result<(), Failure> {
    let said = settings.get(Key::Log).filter(|found| found.source != Source::Default);
    let filter = match said {
        Some(found) => found.value.as_str(),
        None if serving => SERVING_LOG,
        // The private servers of `up` are stopped on purpose, which their clients take for a fault.
        None => QUIET_LOG,
    };
    let filter = tracing_subscriber::EnvFilter::try_new(filter).map_err(|error| {
        settings.wrong(Key::Log, &format!("is no filter of log lines ({error})"), "say debug, or views=debug,info")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    Ok(())
}

impl Command {
    /// Whether its answer is a list.
    fn lists(&self) -> bool {
        match self {
            Command::Stock(_) | Command::Ledger(_) | Command::Throughput(_) | Command::Trace(_) | Command::Shipments(_) => true,
            Command::Recalls(_) | Command::Check(_) | Command::Discrepancies(_) | Command::Unit(_) => true,
            Command::Refusals(_)
            | Command::Report { .. }
            | Command::Programme { .. }
            | Command::Codes(_)
            | Command::Notices(_)
            | Command::Webhooks(_) => true,
            Command::Registry { command } => matches!(command, Registry::List { .. } | Registry::Find(_) | Registry::Show(_)),
            _ => false,
        }
    }

    /// The settings that were given by flag.
    fn given(&self) -> Given {
        let listen =
            |address: &Option<String>| address.clone().map(|address| (Key::Listen, address)).into_iter().collect::<Given>();
        match self {
            Command::Up(asked) => [listen(&asked.listen), asked.notices.given(), asked.genesis.given()].concat(),
            Command::Init(asked) => [asked.servers.given(), asked.genesis.given()].concat(),
            Command::Serve(asked) => [listen(&asked.listen), asked.servers.given(), asked.notices.given()].concat(),
            Command::Harvest(said) => said.flags.client.given(),
            Command::Open(said) => said.flags.client.given(),
            Command::Transform(said) => said.flags.client.given(),
            Command::Dispatch(said) => said.flags.client.given(),
            Command::Receive(said) => said.flags.client.given(),
            Command::Refuse(said) => said.flags.client.given(),
            Command::Short(said) => said.flags.client.given(),
            Command::Sell(said) => said.flags.client.given(),
            Command::Waste(said) => said.flags.client.given(),
            Command::Count(said) => said.flags.client.given(),
            Command::Hold(said) => said.flags.client.given(),
            Command::Release(said) => said.flags.client.given(),
            Command::Recall(said) => said.flags.client.given(),
            Command::Acknowledge(said) => said.flags.client.given(),
            Command::TakeBack(said) => said.flags.client.given(),
            Command::Cancel(said) => said.flags.client.given(),
            Command::Order(said) => said.flags.client.given(),
            Command::CloseOrder(said) => said.flags.client.given(),
            Command::IssueCode(said) => said.flags.client.given(),
            Command::RevokeCode(said) => said.flags.client.given(),
            Command::CountScans(said) => said.flags.client.given(),
            Command::Pack(said) => said.flags.client.given(),
            Command::Unpack(said) => said.flags.client.given(),
            Command::Observe(said) => said.flags.client.given(),
            Command::Resolve(said) => said.flags.client.given(),

            Command::Void(said) => said.flags.client.given(),
            Command::Correct(said) => said.flags.client.given(),
            Command::Stock(asked) => asked.read.client.given(),
            Command::Ledger(asked) => asked.read.client.given(),
            Command::Throughput(asked) => asked.read.client.given(),
            Command::Trace(asked) => asked.read.client.given(),
            Command::Shipments(asked) => asked.read.client.given(),
            Command::Import(asked) => asked.client.given(),
            Command::Recalls(asked) => asked.read.client.given(),
            Command::Check(asked) => asked.read.client.given(),
            Command::Discrepancies(asked) => asked.read.client.given(),
            Command::Unit(asked) => asked.read.client.given(),
            Command::Report { report } => report.flags().read.client.given(),
            Command::Programme { programme } => programme.flags().read.client.given(),
            Command::Codes(asked) => asked.flags.read.client.given(),
            Command::Code(asked) => asked.read.client.given(),
            Command::Notices(asked) => asked.flags.read.client.given(),
            Command::Webhooks(asked) => asked.read.client.given(),
            Command::Refusals(asked) => asked.client.given(),
            Command::Watch { watch } => watch.client().given(),
            Command::Registry { command: Registry::Import(asked) } => asked.client.given(),
            Command::Registry { command: Registry::List { list } } => list.read().client.given(),
            Command::Registry { command: Registry::Find(asked) } => asked.read.client.given(),
            Command::Registry { command: Registry::Show(asked) } => asked.read.client.given(),
            Command::Registry { command: Registry::Retire(asked) | Registry::Reinstate(asked) } => asked.flags.client.given(),
            Command::Registry { command: Registry::Merge(asked) } => asked.flags.client.given(),
            Command::Registry { command: Registry::Alias(asked) } => asked.flags.client.given(),
            Command::Registry { command: Registry::Rename(asked) } => asked.flags.client.given(),
            Command::Registry { command: Registry::Move(asked) } => asked.flags.client.given(),
            Command::Verify(asked) | Command::Rebuild(asked) => asked.servers.given(),
            Command::Doctor(asked) => {
                let server = asked.server.clone().map(|url| (Key::Server, url)).into_iter().collect();
                [server, asked.servers.given()].concat()
            }
            Command::Simulate(asked) => asked.client.given(),
            Command::Completions { .. } => Given::new(),
            Command::Config(asked) => {
                [asked.client.given(), asked.servers.given(), asked.notices.given(), listen(&asked.listen), asked.genesis.given()]
                    .concat()
            }
        }
    }
}
