//! The command line: what may be typed, with an example of each.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::client::facts::{self, Said};
use crate::client::trade;
use crate::client::{
    changes, codes, ledger, notices, order, programme, refusals, registry, report, safety, shipments, stock, throughput, trace,
    typed, watch,
};
use crate::config::{ClientFlags, GenesisFlags, GlobalFlags, NoticeFlags, ServerFlags};
use crate::import::Import;

/// Tracks farm products from harvest to the shelf.
#[derive(Parser, Clone, Debug)]
#[command(name = "chuoi", version, max_term_width = 110, propagate_version = true, subcommand_value_name = "COMMAND")]
#[command(after_help = "\
Start here:
  chuoi up --demo                        everything on this machine, with a day of Hanoi's 141 chains
  chuoi stock --site SM001               what a supermarket has on its shelves
  chuoi throughput --utilization         how far each chain is from its capacity
  chuoi trace L20261125                  where a lot came from and where it went

Quantities and times are read as Vietnamese people write them: \"1,2 tấn\", \"25/11/2026 06:30\".
Exit codes: 0 done, 1 refused or failed, 2 the command line or a setting cannot be used, 3 no answer.")]
pub struct Cli {
    /// Settings that every command heeds.
    #[command(flatten)]
    pub settings: GlobalFlags,
    /// Which.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Run everything on this machine: NATS, PostgreSQL and all services, with the reference registry
    #[command(after_help = "\
Examples:
  chuoi up                               until Ctrl-C
  chuoi up --demo                        with a simulated day of trade
  chuoi up --demo --once --output json   ends when everything is caught up; its last line is a summary in JSON")]
    Up(Up),
    /// Begin a journal on a NATS server that exists
    #[command(after_help = "\
Example:
  chuoi init --nats-url nats://db1:4222 --authority-code HNA --authority-name \"Sở Mẫu\"")]
    Init(Init),
    /// Run services against a NATS server and a PostgreSQL that exist
    #[command(after_help = "\
Examples:
  chuoi serve all --nats-url nats://db1:4222 --database-url postgresql://chuoi@db1/chuoi
  chuoi serve recorder
  chuoi serve projector query --listen 127.0.0.1:7421")]
    Serve(Serve),

    /// Record that a lot begins at a producing site
    #[command(after_help = "\
Example:
  chuoi harvest --as HTX002 --site PR002 --product \"Rau dền đỏ an toàn bán cân\" --lot L20261125 \\
      --quantity \"1,2 tấn\" --at \"25/11/2026 06:30\"")]
    Harvest(Said<facts::Harvest>),
    /// Record what a site held before it kept its book here
    #[command(after_help = "\
Example:
  chuoi open --as DV-SM001 --site SM001 --product PK0050 --lot L20261120 --issuer HTX002 --quantity \"12,5 kg\" --date 25/11/2026")]
    Open(Said<facts::Open>),
    /// Record that lots became other lots: packing, processing, slaughter, mixing
    #[command(after_help = "\
Example:
  chuoi transform --as HTX002 --site PR002 --in PK0050/L20261125=\"500 kg\" --out PK0049/T20261125=\"960 túi\" --loss-gram 20000")]
    Transform(Said<facts::Transform>),
    /// Record that a shipment leaves a site
    #[command(after_help = "\
Example:
  chuoi dispatch --as HTX002 --from PR002 --to SM001 --code PX-0125 --line PK0049/T20261125=\"300 túi\" --at \"25/11/2026 21:00\"")]
    Dispatch(Said<facts::Dispatch>),
    /// Record that goods of a shipment arrive, wholly or in part
    #[command(after_help = "\
Examples:
  chuoi receive HTX002/PX-0125 --as DV-SM001 --everything
  chuoi receive PX-0125 --as DV-SM001 --site SM001 --line T20261125=\"290 túi\"")]
    Receive(Said<facts::Receive>),
    /// Record that goods of a shipment are turned away at the door
    #[command(after_help = "\
Example:
  chuoi refuse HTX002/PX-0125 --as DV-SM001 --line T20261125=\"6 túi\" --reason damaged")]
    Refuse(Said<facts::Refuse>),
    /// Record that goods of a shipment did not arrive
    #[command(after_help = "\
Example:
  chuoi short HTX002/PX-0125 --as DV-SM001 --everything")]
    Short(Said<facts::Short>),
    /// Record goods sold to consumers, by lot or by product
    #[command(after_help = "\
Examples:
  chuoi sell --as DV-SM001 --site SM001 --line T20261125=\"12 túi\"
  chuoi sell --as DV-SM001 --site SM001 --product PK0049 --quantity \"12 túi\"")]
    Sell(Said<facts::Sell>),
    /// Record goods lost to use
    #[command(after_help = "\
Example:
  chuoi waste --as DV-SM001 --site SM001 --line T20261125=\"2 túi\" --reason spoiled")]
    Waste(Said<facts::Waste>),
    /// Record what was counted; after it the site holds that
    #[command(after_help = "\
Examples:
  chuoi count --as DV-SM001 --site SM001 --line T20261125=\"270 túi\"
  chuoi count --as DV-SM001 --site SM001 --product PK0049 --quantity 0 --date 25/11/2026 --after-closing")]
    Count(Said<facts::Count>),
    /// Record that lots may not move on: not sold, not processed, not sent on
    #[command(after_help = "\
Examples:
  chuoi hold --as HTX002 --lot PK0049/T20261125 --reason \"chờ kết quả mẫu\"
  chuoi hold --as DV-SM001 --site SM001 --lot T20261125 --reason \"tủ hỏng\"")]
    Hold(Said<trade::Hold>),
    /// Record that a hold or recall is over
    #[command(after_help = "\
Examples:
  chuoi release 0193616e-… --as HTX002 --reason \"mẫu đạt\"
  chuoi release HTX002/0193616e-… --as HNA --reason \"kết luận thanh tra\"")]
    Release(Said<trade::Release>),
    /// Record that lots, and everything made of them, are called back
    #[command(after_help = "\
Example:
  chuoi recall --as HNA --lot HTX002/PK0050/L20261125 --form compulsory --reason \"tồn dư thuốc\" --decision 12/QĐ-SNN \\
      --acknowledge-by 2026-11-26T18:00+07:00")]
    Recall(Said<trade::Recall>),
    /// Record that a site has heard of a recall and set aside what it holds
    #[command(after_help = "\
Example:
  chuoi acknowledge HNA/0193616e-… --as DV-SM001 --site SM001")]
    Acknowledge(Said<trade::Acknowledge>),
    /// Record that a consumer brings goods back
    #[command(after_help = "\
Example:
  chuoi take-back --as DV-SM001 --site SM001 --line T20261125=\"1 túi\" --reason quality")]
    TakeBack(Said<trade::TakeBack>),
    /// Record that a shipment, or what is still on its way of it, is back where it left
    #[command(after_help = "\
Example:
  chuoi cancel PX-0125 --as HTX002 --everything --reason \"hỏng xe\"")]
    Cancel(Said<trade::Cancel>),
    /// Order goods of a chain
    #[command(after_help = "\
Example:
  chuoi order --as DV-SM001 --site SM001 --chain CH002 --due 28/11/2026 --line PK0049=\"300 túi\" --code DDH-12")]
    Order(Said<order::Order>),
    /// Say that nothing more is to be sent for an order
    #[command(after_help = "\
Example:
  chuoi close-order DDH-12 --as DV-SM001 --reason \"đủ hàng\"")]
    CloseOrder(Said<order::CloseOrder>),
    /// Have a traceability code issued, for a lot or for all of a product of yours
    #[command(after_help = "\
Examples:
  chuoi issue-code --as HTX002 --lot PK0049/T20261125
  chuoi issue-code --as HTX002 --product PK0049")]
    IssueCode(Said<codes::IssueCode>),
    /// Revoke a traceability code
    #[command(after_help = "\
Example:
  chuoi revoke-code 7KQ2-M9X4-0ABC-D3FG --as HTX002 --reason \"tem bị chép\"")]
    RevokeCode(Said<codes::RevokeCode>),
    /// Record how often traceability codes were scanned, and where
    #[command(after_help = "\
Example:
  chuoi count-scans --as HNA --scan \"7KQ2-M9X4-0ABC-D3FG=12@Ba Đình\"")]
    CountScans(Said<codes::CountScans>),
    /// Record what goes into a logistic unit
    #[command(after_help = "\
Examples:
  chuoi pack 095214100000000011 --as HTX002 --site PR002 --line PK0049/T20261125=\"300 túi\"
  chuoi pack 095214100000000028 --as HTX002 --site PR002 --unit 095214100000000011")]
    Pack(Said<trade::Pack>),
    /// Record what comes out of a logistic unit
    #[command(after_help = "\
Example:
  chuoi unpack 095214100000000011 --as DV-SM001 --site SM001")]
    Unpack(Said<trade::Unpack>),
    /// Record what is seen and moves nothing: a temperature, an inspection, a sample, a certificate
    #[command(after_help = "\
Examples:
  chuoi observe temperature --as DV-SM001 --site SM001 --lot T20261125 --celsius 4,5
  chuoi observe sample --as HNA --lot HTX002/PK0050/L20261125 --what \"dư lượng thuốc\" --reference M-17 --finding non-conformant")]
    Observe(Said<trade::Observe>),
    /// Record what came of a discrepancy
    #[command(after_help = "\
Example:
  chuoi resolve 0193616e-… --as DV-SM001 --resolution \"cân lại: 40 kg\"")]
    Resolve(Said<trade::Resolve>),
    /// Bring a table that people keep, CSV or XLSX: each good row is recorded once, each bad one is said with its cell and why
    #[command(after_help = "\
Examples:
  chuoi import harvest thu-hoach.xlsx --as HTX002 --dry-run
  chuoi import dispatch phieu-xuat.csv --as HTX002 --numbers vi
  chuoi import sell ban-hang.csv --as DV-SM001 --good-only --bad-rows sai.csv
  chuoi import sites diem-ban.xlsx --map \"Tên điểm=name\"")]
    Import(Import),
    /// Record that an earlier command was recorded in error, and take it back
    #[command(after_help = "\
Example:
  chuoi void 0193616e-… --as DV-SM001 --reason \"entered twice\"")]
    Void(Said<facts::Void>),
    /// Record that an earlier command was recorded in error, and what really happened
    #[command(after_help = "\
Example (a time that is given is the time of what really happened):
  chuoi correct 0193616e-… --as DV-SM001 --reason \"typed 300 for 30\" receive HTX002/PX-0125 --line T20261125=\"30 túi\"")]
    Correct(Box<Said<facts::Correct>>),

    /// Show where the goods are, or were
    #[command(after_help = "\
Examples:
  chuoi stock --site SM001               the lots of a shop
  chuoi stock --product PK0049           who has a product
  chuoi stock --chain CH001 --by channel,product
  chuoi stock --site SM001 --expiring 28/11/2026
  chuoi stock --site SM001 --as-of \"20/11/2026 09:00\"
  chuoi stock --site SM001 --as-of 20/11/2026 --before-opening
  chuoi stock --summary                  everything at once, and whether it adds up")]
    Stock(stock::Stock),
    /// Show what moved at sites between two days, with the balance before, after each movement, and after all
    #[command(after_help = "\
Examples:
  chuoi ledger --site SM001 --product PK0049
  chuoi ledger --site SM001 --lot T20261125 --from 01/11/2026 --to 25/11/2026")]
    Ledger(ledger::Ledger),
    /// Show how much flows through the chains, and how far each is from its capacity
    #[command(after_help = "\
Examples:
  chuoi throughput --utilization --from 01/11/2026 --period week
  chuoi throughput --chain CH001 --by product --period day
  chuoi throughput --stage received --by channel
  chuoi throughput --stage sold --period hour --from 25/11/2026 --to 25/11/2026
  chuoi throughput --by chain --compare-from 18/11/2025
  chuoi throughput --measures --by chain --compare-from 01/10/2026 --from 01/11/2026")]
    Throughput(throughput::Throughput),
    /// Show where a lot came from and where it went
    #[command(after_help = "\
Examples:
  chuoi trace T20261125
  chuoi trace HTX002/PK0049/T20261125 --output json")]
    Trace(trace::Trace),
    /// Show what is held or recalled, and how far a recall reaches: who holds what, on the road, sold, unaccounted, who has heard
    #[command(after_help = "\
Examples:
  chuoi recalls
  chuoi recalls HNA/0193616e-… --output json")]
    Recalls(safety::Recalls),
    /// Tell whether a lot may be sold, and why not
    #[command(after_help = "\
Example:
  chuoi check HTX002/PK0049/T20261125 --site SM001")]
    Check(safety::Check),
    /// Show what somebody has to look at: rules broken, shortfalls, surpluses, unmatched receipts
    #[command(after_help = "\
Examples:
  chuoi discrepancies --site SM001
  chuoi discrepancies --kind violation,unmatched --closed-too --output json")]
    Discrepancies(safety::Discrepancies),
    /// Show what is in a logistic unit
    #[command(after_help = "\
Example:
  chuoi unit 095214100000000011")]
    Unit(safety::Unit),
    /// Answer a question: what is out of stock, how long stock lasts, who is idle or late, what came back and why, what must go back
    #[command(after_help = "\
Examples:
  chuoi report shortages PK0049
  chuoi report cover --short-only
  chuoi report idle --date 20/02/2026
  chuoi report returns --by product --output csv > returns.csv
  chuoi report withdrawals --site SM001
  chuoi report orders --open-only
  chuoi report public T20261125")]
    Report {
        /// Which question.
        #[command(subcommand)]
        report: report::Report,
    },
    /// List traceability codes as they are printed, with how often and where they were scanned
    #[command(after_help = "\
Examples:
  chuoi codes --organization HTX002
  chuoi codes --copied-only --output csv > copied.csv")]
    Codes(codes::Codes),
    /// Tell what everybody may know of a traceability code, and whether it can be true
    #[command(after_help = "\
Example:
  chuoi code 7KQ2-M9X4-0ABC-D3FG")]
    Code(codes::Code),
    /// Show certificates, OCOP grades, closed sites, craft villages, and how far the programme is
    #[command(after_help = "\
Examples:
  chuoi programme certificates --lapsing 60
  chuoi programme ocop --lapsing 90 --output csv > renewals.csv
  chuoi programme progress
  chuoi programme closed
  chuoi programme score --date 31/12/2025")]
    Programme {
        /// Which question.
        #[command(subcommand)]
        programme: programme::Programme,
    },
    /// Show what people had to be told: recalls, expiry, empty shelves, idle chains, temperatures, discrepancies, lapsing certificates
    #[command(after_help = "\
Examples:
  chuoi notices
  chuoi notices --kind recall,temperature-breach --site SM001
  chuoi notices --kind out-of-stock --chain CH001 --output csv > empty.csv")]
    Notices(notices::Notices),
    /// Show who is told of notices over the web, how far each has heard, and what stands in the way
    #[command(after_help = "\
Examples:
  chuoi webhooks
  chuoi webhooks --removed-too --output json

Who is told stands in webhooks.toml in the data folder, or where --webhooks of `up` and `serve` says; changes hold at once:
  [[webhook]]
  name = \"warehouse\"
  url = \"https://example.com/chuoi\"
  kinds = [\"recall\", \"temperature-breach\"]
  secrets = [\"whsec_…\"]                 each signs: add the new one, then take the old one out
  from = \"beginning\"                    or what is told from now on, if left out
Messages are signed as standardwebhooks.com says; one that came before comes again under the same webhook-id.")]
    Webhooks(notices::Webhooks),
    /// Show what was refused to you, newest first, as far as it is kept
    #[command(after_help = "\
Examples:
  chuoi refusals --as HTX002
  chuoi refusals --as DV-SM001 --since 25/11/2026 --output json")]
    Refusals(refusals::Refusals),
    /// Show what is on the road, and what became of what was
    #[command(after_help = "\
Examples:
  chuoi shipments --to SM001
  chuoi shipments --older-than 24        what should have arrived
  chuoi shipments HTX002/PX-0125      one shipment with its lines")]
    Shipments(shipments::Shipments),
    /// Show what happens as it happens, until Ctrl-C: events, stock or shipments
    Watch {
        /// What.
        #[command(subcommand)]
        watch: watch::Watch,
    },
    /// Show, import or change what is registered: chains, sites, products, organizations, districts
    Registry {
        /// Which.
        #[command(subcommand)]
        command: Registry,
    },

    /// Compare the views with the journal, row by row
    #[command(after_help = "\
Examples:
  chuoi verify                           of the running `chuoi up`
  chuoi verify --nats-url nats://db1:4222 --database-url postgresql://chuoi@db1/chuoi")]
    Verify(Verify),
    /// Build the views anew from the journal, beside those that are read, and put them in their place
    #[command(after_help = "\
Examples:
  chuoi rebuild                          of the running `chuoi up`; queries and recording go on
  chuoi rebuild --nats-url nats://db1:4222 --database-url postgresql://chuoi@db1/chuoi")]
    Rebuild(Verify),
    /// Tell in what state each part is, why it refuses, and what to do
    #[command(after_help = "\
Examples:
  chuoi doctor                           of the running `chuoi up`
  chuoi doctor --nats-url nats://db1:4222 --database-url postgresql://chuoi@db1/chuoi --server http://app1:7420")]
    Doctor(Doctor),
    /// Play days of trade of the reference registry through the services
    #[command(after_help = "\
Example:
  chuoi simulate --days 7 --seed 1")]
    Simulate(Simulate),
    /// Print a completion script for a shell
    #[command(after_help = "\
Example:
  chuoi completions bash > ~/.local/share/bash-completion/completions/chuoi")]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the settings in effect, as a settings' file, with where each comes from
    Config(ConfigFlags),
}

/// Commands about the registry.
#[derive(Subcommand, Clone, Debug)]
pub enum Registry {
    /// Import the tables of a folder, or the reference registry that comes with the program
    #[command(after_help = "\
Examples:
  chuoi registry import --reference
  chuoi registry import ./hanoi")]
    Import(ImportRegistry),
    /// List what is registered
    #[command(after_help = "\
Examples:
  chuoi registry list chains --group rau
  chuoi registry list sites --kind supermarket --district 001
  chuoi registry list products --chain CH001 --all")]
    List {
        /// What to list.
        #[command(subcommand)]
        list: registry::List,
    },
    /// Find something by name or code, with or without diacritics
    #[command(after_help = "\
Examples:
  chuoi registry find rau muong
  chuoi registry find \"cầu giấy\" --kind site")]
    Find(registry::Find),
    /// Show all that was ever said of an organization, site, product or chain
    #[command(after_help = "\
Example:
  chuoi registry show site SM001")]
    Show(changes::Show),
    /// Retire an organization, site, product or chain: no new goods for it, what it still has may leave
    #[command(after_help = "\
Example:
  chuoi registry retire site SM001 --from 01/12/2026 --reason \"đóng cửa\"")]
    Retire(changes::Retire),
    /// Take something that was retired into use again
    #[command(after_help = "\
Example:
  chuoi registry reinstate site SM001 --from 15/12/2026")]
    Reinstate(changes::Retire),
    /// Say that two codes stand for one thing: the one resolves to the other, for ever back
    #[command(after_help = "\
Example:
  chuoi registry merge site SM110 --into SM001 --reason \"đăng ký hai lần\"")]
    Merge(changes::Merge),
    /// Say that a GLN or GTIN names something, from a day on
    #[command(after_help = "\
Examples:
  chuoi registry alias site SM001 9521410000011 --from 01/12/2026
  chuoi registry alias product PK0049 09521415000016 --owner HTX002
  chuoi registry alias product PK0049 09521415000016 --owner HTX002 --moved-from PK0050
  chuoi registry alias site SM001 9521410000011 --remove")]
    Alias(changes::Alias),
    /// Give something another name, from a day on
    #[command(after_help = "\
Example:
  chuoi registry rename site SM001 --name \"Siêu thị Hoàn Kiếm\" --from 01/12/2026")]
    Rename(changes::Rename),
    /// Put a site into other hands, from a day on
    #[command(after_help = "\
Example:
  chuoi registry move SM001 --to DV-SM002 --from 01/12/2026")]
    Move(changes::Move),
}

/// `up`.
#[derive(Args, Clone, Debug)]
pub struct Up {
    /// Play a day of trade
    #[arg(long)]
    pub demo: bool,
    /// End when the views have caught up, with a summary
    #[arg(long)]
    pub once: bool,
    /// Address of the services: loopback only [default: 127.0.0.1:7420, or a free port where that is taken]
    #[arg(long, value_name = "ADDRESS", help_heading = "Settings")]
    pub listen: Option<String>,
    /// Who is told what.
    #[command(flatten)]
    pub notices: NoticeFlags,
    /// Settings with which a journal begins.
    #[command(flatten)]
    pub genesis: GenesisFlags,
}

/// `init`.
#[derive(Args, Clone, Debug)]
pub struct Init {
    /// Settings.
    #[command(flatten)]
    pub servers: ServerFlags,
    /// Copies of the journal in a NATS cluster: 1 or 3
    #[arg(long, default_value_t = 1, value_parser = replicas)]
    pub replicas: usize,
    /// Settings with which a journal begins.
    #[command(flatten)]
    pub genesis: GenesisFlags,
}

fn replicas(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("1 or 3 copies are possible".to_owned()),
    }
}

/// Services that can run on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Decides commands and appends to the journal; needs NATS
    Recorder,
    /// Follows the journal into the tables; needs NATS and PostgreSQL
    Projector,
    /// Answers questions; needs PostgreSQL
    Query,
    /// All of them
    All,
}

/// `serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Which services
    #[arg(required = true, value_enum)]
    pub roles: Vec<Role>,
    /// Address of the services: loopback only [default: 127.0.0.1:7420]
    #[arg(long, value_name = "ADDRESS", help_heading = "Settings")]
    pub listen: Option<String>,
    /// Settings.
    #[command(flatten)]
    pub servers: ServerFlags,
    /// Who is told what.
    #[command(flatten)]
    pub notices: NoticeFlags,
}

/// `registry import`.
#[derive(Args, Clone, Debug)]
pub struct ImportRegistry {
    /// Folder with the tables
    #[arg(value_name = "FOLDER", required_unless_present = "reference")]
    pub folder: Option<std::path::PathBuf>,
    /// The registry that comes with the program: Hanoi's 141 chains
    #[arg(long, conflicts_with = "folder")]
    pub reference: bool,
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
}

/// `doctor`.
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    /// Address of the services [default: http://127.0.0.1:7420]
    #[arg(long, value_name = "URL", help_heading = "Settings")]
    pub server: Option<String>,
    /// Settings.
    #[command(flatten)]
    pub servers: ServerFlags,
}

/// `verify` and `rebuild`.
#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// Settings.
    #[command(flatten)]
    pub servers: ServerFlags,
}

/// `simulate`.
#[derive(Args, Clone, Debug)]
pub struct Simulate {
    /// How many days
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3_660))]
    pub days: u32,
    /// The same seed and days play the same trade; played again, it is found recorded
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The last of the days [default: yesterday]
    #[arg(long, value_name = "DAY", value_parser = typed::date)]
    pub last_day: Option<String>,
    /// Deliveries of the shops, in percent of a usual day
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub scale: u32,
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
}

/// Every setting, so that `config` shows what any command would see.
#[derive(Args, Clone, Debug)]
pub struct ConfigFlags {
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
    /// Settings.
    #[command(flatten)]
    pub servers: ServerFlags,
    /// Who is told what.
    #[command(flatten)]
    pub notices: NoticeFlags,
    /// Address of the services
    #[arg(long, value_name = "ADDRESS", help_heading = "Settings")]
    pub listen: Option<String>,
    /// Settings with which a journal begins.
    #[command(flatten)]
    pub genesis: GenesisFlags,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_in_the_help_parses() {
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default().replace("\\\n      ", "");
            for example in help.lines().map(str::trim).filter(|line| line.starts_with("chuoi ")) {
                let words = words(&example.replace("0193616e-…", "0193616e-0000-7000-8000-000000000000"));
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("{example}\n{error}");
                }
            }
        }
    }

    /// The words of a line as a shell would give them, up to what an example explains after two spaces or sends to a file.
    fn words(line: &str) -> Vec<String> {
        let line = line.split(" > ").next().unwrap_or_default();
        let (mut words, mut word, mut quoted, mut spaces) = (Vec::new(), String::new(), false, 0);
        for letter in line.chars().chain([' ']) {
            match letter {
                '"' => quoted = !quoted,
                ' ' if !quoted => {
                    spaces += 1;
                    if !word.is_empty() {
                        words.push(std::mem::take(&mut word));
                    } else if spaces == 3 {
                        break;
                    }
                    continue;
                }
                other => word.push(other),
            }
            spaces = 0;
        }
        words
    }
}
