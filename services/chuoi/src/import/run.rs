//! Brings a file: reads it through, tries it, records it, and says of each bad row which cell is wrong and why.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::metadata::AsciiMetadataValue;
use wire::proto::chuoi::record::v1::record_service_client::RecordServiceClient;
use wire::proto::chuoi::record::v1::{Command, Outcome, Refused, TryStreamRequest, Verdict};

use super::columns::{Columns, Field, HeaderError, mapping};
use super::format::{Dates, Format, Numbers};
use super::rows::{Bad, Group, Grouping, Kind, at_fault};
use super::sheet::{self, Row, SheetError};
use crate::client::{Client, record};
use crate::config::{ClientFlags, Key, Output, Settings};
use crate::failure::Failure;
use crate::output::{self, Table};
use crate::reference::batch::Batches;
use crate::words::count;

/// Commands that are sent at once.
const TOGETHER: usize = 500;
/// Commands that a dry run has under way.
const UNDER_WAY: usize = 256;
/// Bad rows that are listed; all of them are counted, and written where a file for them is named.
const LISTED: usize = 1_000;

/// Which file, and how to read it.
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// What its rows are
    #[arg(value_enum)]
    pub kind: Kind,
    /// The file: CSV in UTF-8, or XLSX
    pub file: PathBuf,
    /// Sheet of a workbook [default: the first]
    #[arg(long)]
    pub sheet: Option<String>,
    /// What a column is that has another name: "COLUMN=FIELD"; once for each
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub maps: Vec<String>,
    /// How numbers are written [default: what could be two numbers is refused, or asked about]
    #[arg(long, value_enum)]
    pub numbers: Option<Numbers>,
    /// How days are written
    #[arg(long, value_enum, default_value = "dmy")]
    pub dates: Dates,
    /// Say what would become of each row, and record nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Record the good rows although others are bad [default: all or nothing]
    #[arg(long, conflicts_with = "dry_run")]
    pub good_only: bool,
    /// All of it has happened already: record it, marked, even if a rule about what may happen stands against it
    #[arg(long)]
    pub already_happened: bool,
    /// Write the bad rows to this CSV file, with what is wrong beside them, to be corrected and brought again
    #[arg(long, value_name = "FILE")]
    pub bad_rows: Option<PathBuf>,
    /// Settings.
    #[command(flatten)]
    pub client: ClientFlags,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Report {
    /// Rows behind the header that are not empty.
    pub rows: u64,
    /// Commands that they are.
    pub commands: u64,
    /// Commands that are new.
    pub accepted: u64,
    /// Commands that were recorded before.
    pub duplicates: u64,
    /// Bad rows, as far as they are listed.
    pub bad: Vec<Bad>,
    /// How many rows are bad, or belong to a slip that is.
    pub bad_rows: u64,
    /// Whether anything was recorded; if not it is what would have been.
    pub recorded: bool,
    /// Position of the journal that holds all of it; empty if nothing was recorded.
    pub position: String,
    /// Columns that say nothing that is known.
    pub unknown_columns: Vec<String>,
}

/// Rows that are under way, and where what is wrong with them goes.
struct Ledger {
    columns: Columns,
    report: Report,
    file: Option<csv::Writer<std::fs::File>>,
    bar: ProgressBar,
}

/// Runs it.
pub async fn run(settings: Settings, asked: &Import) -> Result<(), Failure> {
    let client = Client::connect(settings).await?;
    let report = bring(&client, asked).await?;
    show(&client, asked, &report)?;
    match report.bad_rows {
        0 => Ok(()),
        bad if report.recorded => {
            let again = "correct them and bring the file again: what is recorded is not doubled";
            Err(Failure::Refused(format!("{bad} rows were not recorded; {again}")))
        }
        bad => {
            let again = "correct them and bring the file again, or say --good-only";
            Err(Failure::Refused(format!("{bad} rows are bad, so nothing was recorded; {again}")))
        }
    }
}

/// Reads a file through, and records it unless only a dry run was asked for or rows are bad.
pub async fn bring(client: &Client, asked: &Import) -> Result<Report, Failure> {
    let maps = asked.maps.iter().map(|map| mapping(map)).collect::<Result<Vec<_>, _>>();
    let maps = maps.map_err(|error| Failure::Usage(error.to_string()))?;
    let format = Format { numbers: asked.numbers.or_else(ask_numbers), dates: asked.dates };
    let zone = client.zone()?;
    let organization = match (asked.kind.is_registry(), client.settings.text(Key::Organization)) {
        (true, "") => client.settings.text(Key::AuthorityCode).to_owned(),
        _ => record::organization(&client.settings)?.to_str().unwrap_or_default().to_owned(),
    };
    let pass = Pass { asked, maps: &maps, format, zone: &zone, organization: &organization, client };
    if asked.good_only {
        return pass.record().await;
    }
    let tried = pass.attempt().await?;
    if asked.dry_run || tried.bad_rows > 0 { Ok(tried) } else { pass.record().await }
}

/// Asks a person; nobody answers a script.
fn ask_numbers() -> Option<Numbers> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    eprint!("How are numbers written in this file? 1 = 1.379,5   2 = 1,379.5   Enter = ask me row by row what is unclear: ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    match answer.trim() {
        "1" => Some(Numbers::Vi),
        "2" => Some(Numbers::En),
        _ => None,
    }
}

/// One reading of the file.
struct Pass<'a> {
    asked: &'a Import,
    maps: &'a [(String, Field)],
    format: Format,
    zone: &'a TimeZone,
    organization: &'a str,
    client: &'a Client,
}

impl Pass<'_> {
    /// Rows behind the header, and the header.
    fn open(&self) -> Result<(std::sync::mpsc::Receiver<Result<Row, SheetError>>, Columns), Failure> {
        let unusable = |error: &dyn std::error::Error| Failure::Usage(format!("{}: {error}", self.asked.file.display()));
        let rows = sheet::rows(&self.asked.file, self.asked.sheet.as_deref()).map_err(|error| unusable(&error))?;
        let needed = self.asked.kind.needed();
        let mut seen = 0;
        while Columns::may_follow(seen) {
            let Ok(row) = rows.recv() else { break };
            let row = row.map_err(|error| unusable(&error))?;
            if let Some(columns) = Columns::of(&row, needed, self.maps).map_err(|error: HeaderError| unusable(&error))? {
                return Ok((rows, columns));
            }
            seen += 1;
        }
        Err(unusable(&Columns::none(needed)))
    }

    fn ledger(&self, columns: &Columns, doing: &'static str) -> Result<Ledger, Failure> {
        let bar = if self.client.output == Output::Json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {human_pos} rows, {per_sec}, {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(doing);
        let file = self.asked.bad_rows.as_ref().map(|path| {
            let cannot = |error: std::io::Error| Failure::failed(format!("cannot write {}", path.display()), error);
            let mut file = std::fs::File::create(path).map_err(cannot)?;
            // Spreadsheets take UTF-8 for what it is by this mark alone.
            std::io::Write::write_all(&mut file, "\u{feff}".as_bytes()).map_err(cannot)?;
            let mut writer = csv::Writer::from_writer(file);
            let header = ["dòng", "cột", "lý do"].into_iter().chain(columns.headers().iter().map(String::as_str));
            writer.write_record(header).map_err(|error| Failure::failed(format!("cannot write {}", path.display()), error))?;
            Ok::<_, Failure>(writer)
        });
        let unknown_columns = columns.unknown().into_iter().map(str::to_owned).collect();
        let report = Report { unknown_columns, ..Report::default() };
        Ok(Ledger { columns: columns.clone(), report, file: file.transpose()?, bar })
    }

    fn grouping<'c>(&'c self, columns: &'c Columns) -> Grouping<'c> {
        let settings = &self.client.settings;
        let (device, actor) = (settings.text(Key::Device), settings.text(Key::Actor));
        let happened = self.asked.already_happened;
        Grouping::new(self.asked.kind, columns, self.format, self.zone, self.organization, device, actor, happened)
    }

    /// Tries every row in its order, each on top of those before it.
    async fn attempt(&self) -> Result<Report, Failure> {
        let (rows, columns) = self.open()?;
        let mut ledger = self.ledger(&columns, "trying")?;
        let mut grouping = self.grouping(&columns);
        let (sender, requests) = mpsc::channel::<TryStreamRequest>(UNDER_WAY);
        let mut request = Request::new(ReceiverStream::new(requests));
        let organization = self.organization.parse::<AsciiMetadataValue>();
        let organization =
            organization.map_err(|_| Failure::Usage(format!("{:?} is no code of an organization", self.organization)))?;
        request.metadata_mut().insert(wire::status::METADATA_ORGANIZATION, organization);
        let mut service = RecordServiceClient::new(self.client.channel.clone());
        let mut outcomes = service.try_stream(request).await.map_err(|status| crate::client::failure(&status))?.into_inner();
        let mut waiting: HashMap<String, Group> = HashMap::new();
        let mut ends = false;
        while !ends || !waiting.is_empty() {
            let group = if ends || waiting.len() >= UNDER_WAY { None } else { self.next(&rows, &mut grouping, &mut ends)? };
            if let Some(group) = group {
                let command = match ledger.begin(group) {
                    Some((group, command)) => {
                        waiting.insert(id_of(&command), group);
                        command
                    }
                    None => continue,
                };
                let gone = || Failure::unavailable("the services ended the dry run", "stream closed");
                sender.send(TryStreamRequest { command: Some(command) }).await.map_err(|_| gone())?;
                continue;
            }
            if waiting.is_empty() {
                continue;
            }
            let answer = outcomes.message().await.map_err(|status| crate::client::failure(&status))?;
            let outcome = answer.and_then(|answer| answer.outcome);
            let outcome = outcome.ok_or_else(|| Failure::unavailable("the services ended the dry run", "no more answers"))?;
            if let Some(group) = waiting.remove(&outcome.command_id) {
                ledger.settle(&group, outcome)?;
            }
        }
        ledger.end()
    }

    /// Records every row that is good.
    async fn record(&self) -> Result<Report, Failure> {
        let (rows, columns) = self.open()?;
        let mut ledger = self.ledger(&columns, "recording")?;
        let mut grouping = self.grouping(&columns);
        let batches = Batches::new(self.client.channel.clone());
        let mut ends = false;
        while !ends {
            let (mut groups, mut commands) = (Vec::new(), Vec::new());
            while !ends && commands.len() < TOGETHER {
                let Some(group) = self.next(&rows, &mut grouping, &mut ends)? else { continue };
                if let Some((group, command)) = ledger.begin(group) {
                    groups.push(group);
                    commands.push(command);
                }
            }
            let outcomes = batches.record(self.organization, commands, |_| ()).await;
            let outcomes = outcomes.map_err(|error| Failure::unavailable(error.to_string(), error))?;
            for (group, outcome) in groups.iter().zip(outcomes) {
                ledger.settle(group, outcome)?;
            }
        }
        ledger.report.recorded = true;
        ledger.end()
    }

    /// The next rows that belong together; none where more has to be read, or nothing is left.
    fn next(
        &self,
        rows: &std::sync::mpsc::Receiver<Result<Row, SheetError>>,
        grouping: &mut Grouping<'_>,
        ends: &mut bool,
    ) -> Result<Option<Group>, Failure> {
        match rows.recv() {
            Ok(Ok(row)) => Ok(grouping.take(row)),
            Ok(Err(error)) => Err(Failure::Usage(format!("{}: {error}", self.asked.file.display()))),
            Err(_) => {
                *ends = true;
                Ok(grouping.finish())
            }
        }
    }
}

fn id_of(command: &Command) -> String {
    command.header.as_ref().map(|header| header.command_id.clone()).unwrap_or_default()
}

impl Ledger {
    /// Counts rows; gives the command that they are, or takes note of what is wrong with them.
    fn begin(&mut self, group: Group) -> Option<(Group, Command)> {
        self.report.rows += group.rows.len() as u64;
        self.report.commands += 1;
        self.bar.inc(group.rows.len() as u64);
        match group.command {
            Ok(command) => {
                let rows = Group { rows: group.rows, command: Err(Vec::new()) };
                Some((rows, command))
            }
            Err(bad) => {
                let refused = Group { rows: group.rows, command: Err(Vec::new()) };
                self.refuse(&refused, bad);
                None
            }
        }
    }

    /// Takes note of what became of a command.
    fn settle(&mut self, group: &Group, outcome: Outcome) -> Result<(), Failure> {
        match outcome.verdict() {
            Verdict::Accepted => self.report.accepted += 1,
            Verdict::Duplicate => self.report.duplicates += 1,
            Verdict::Refused | Verdict::Unknown | Verdict::Unspecified => {
                let bad = self.explain(group, outcome.refused.unwrap_or_default());
                self.refuse(group, vec![bad]);
                return Ok(());
            }
        }
        if let Some(recorded) = outcome.recorded {
            self.report.position = recorded.position;
        }
        Ok(())
    }

    /// Which cell a refusal is about.
    fn explain(&self, group: &Group, refused: Refused) -> Bad {
        let (index, field) = at_fault(refused.metadata.get("field").map_or("", String::as_str));
        let row = group.rows.get(index).or_else(|| group.rows.first());
        let cell = field.and_then(|field| Some((field, self.columns.place(field)?)));
        Bad {
            row: row.map_or(0, |row| row.number),
            column: cell.map(|(field, _)| self.columns.header(field)).unwrap_or_default(),
            value: cell
                .and_then(|(_, place)| row?.cells.get(place).map(sheet::Cell::text))
                .or_else(|| refused.metadata.get("value").cloned())
                .unwrap_or_default(),
            reason: format!("{}: {}", refused.reason, refused.message),
        }
    }

    fn refuse(&mut self, group: &Group, bad: Vec<Bad>) {
        self.report.bad_rows += group.rows.len() as u64;
        let at_fault: Vec<u64> = bad.iter().map(|bad| bad.row).collect();
        let first = bad.first().map_or(0, |bad| bad.row);
        let others = group.rows.iter().filter(|row| !at_fault.contains(&row.number)).map(|row| Bad {
            row: row.number,
            column: String::new(),
            value: String::new(),
            reason: format!("belongs to the same slip as row {first}"),
        });
        for bad in bad.into_iter().chain(others.collect::<Vec<_>>()) {
            if let (Some(file), Some(row)) = (&mut self.file, group.rows.iter().find(|row| row.number == bad.row)) {
                let cells = row.cells.iter().map(sheet::Cell::text);
                let said = [bad.row.to_string(), bad.column.clone(), bad.reason.clone()].into_iter().chain(cells);
                // The report says it too; a disk that is full is said at the end.
                let _full = file.write_record(said);
            }
            if self.report.bad.len() < LISTED {
                self.report.bad.push(bad);
            }
        }
    }

    fn end(mut self) -> Result<Report, Failure> {
        self.bar.finish_and_clear();
        if let Some(file) = &mut self.file {
            file.flush().map_err(|error| Failure::failed("cannot write the bad rows", error))?;
        }
        self.report.bad.sort_by_key(|bad| bad.row);
        Ok(self.report)
    }
}

fn show(client: &Client, asked: &Import, report: &Report) -> Result<(), Failure> {
    let bad = report.bad.iter();
    if client.output == Output::Json {
        let bad: Vec<_> =
            bad.map(|bad| json!({ "row": bad.row, "column": bad.column, "value": bad.value, "reason": bad.reason })).collect();
        let said = json!({
            "file": asked.file.display().to_string(),
            "rows": report.rows,
            "commands": report.commands,
            "accepted": report.accepted,
            "duplicates": report.duplicates,
            "bad_rows": report.bad_rows,
            "bad": bad,
            "unknown_columns": report.unknown_columns,
            "recorded": report.recorded,
            "position": report.position,
        });
        return output::print(&said.to_string());
    }
    let figure = |figure: u64| count(i64::try_from(figure).unwrap_or(i64::MAX));
    let mut text = String::new();
    let mut table = Table::new(&["row>", "column", "value", "what is wrong"]);
    bad.for_each(|bad| table.row([bad.row.to_string(), bad.column.clone(), bad.value.clone(), bad.reason.clone()]));
    if !table.is_empty() {
        text.push_str(&table.render());
        text.push('\n');
    }
    let mut line = |name: &str, said: String| text.push_str(&format!("{name:<13}{said}\n"));
    line("rows", figure(report.rows));
    let done = if report.recorded { "recorded" } else { "would record" };
    line(done, format!("{} new, {} recorded before", figure(report.accepted), figure(report.duplicates)));
    line("bad", figure(report.bad_rows));
    if !report.unknown_columns.is_empty() {
        line("not read", report.unknown_columns.join(", "));
    }
    if !report.position.is_empty() {
        line("position", report.position.clone());
    }
    output::print(&text)
}
