//! Measures chuoi on real servers, every acknowledged event on disk, and beside it what the same machine does without it. Figures
//! are ratios of one run: absolute ones say more about the machine.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a run that cannot go on ends, and says where")]

mod callers;
mod echo;
mod jetstream;
mod measured;
mod processes;
mod questions;
mod sql;
mod trade;

use clap::Parser;
use measured::{Measured, median};
use questions::Question;
use serde_json::{Map, Value};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::{Nats, Postgres, System};
use tonic::transport::Channel;
use trade::Trade;
use wire::proto::chuoi::record::v1::command::Action;
use wire::proto::chuoi::record::v1::{SellRequest, SellResponse, Verdict};

/// Measures chuoi beside what the same machine does without it
#[derive(Parser)]
struct Asked {
    /// quick: within five minutes; full: at ten million events, with what takes longer
    #[arg(value_parser = ["quick", "full"])]
    size: String,
    /// Events that the journal is filled to before large sizes are measured
    #[arg(long)]
    events: Option<u64>,
    /// Parts to measure, by name, with commas between; all, where none is named
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// table, or json: a last line of JSON besides
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    output: String,
}

/// A part of the benchmark, as the functions below are named.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Baselines,
    Recording,
    Together,
    Projecting,
    Seeing,
    Country,
    Filling,
    Asking,
    Backdating,
    Rebuilding,
    Flat,
    Starting,
    Overload,
}

/// What was found, in order.
#[derive(Default)]
struct Figures(Map<String, Value>);

impl Figures {
    fn put(&mut self, key: &str, value: f64, what: &str) {
        let shown = if value >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        println!("  {key:<28} {shown:>12}  {what}");
        self.0.insert(key.to_owned(), Value::from((value * 1_000.0).round() / 1_000.0));
    }

    fn get(&self, key: &str) -> f64 {
        self.0.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// Of one figure to another.
    fn ratio(&mut self, key: &str, of: &str, to: &str, what: &str) {
        self.put(key, self.get(of) / self.get(to), what);
    }

    fn load(&mut self, key: &str, measured: &Measured, what: &str) {
        self.put(key, measured.rate(), what);
        println!(
            "  {:<28} {:>12}  p50 {:.2} ms, p99 {:.2} ms; {} refused, {} shed",
            "",
            "",
            measured.ms(50.0),
            measured.ms(99.0),
            measured.refused,
            measured.shed
        );
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tests::until_told_to_end(run(Asked::parse())).await
}

async fn run(asked: Asked) -> ExitCode {
    let begun = Instant::now();
    let (mut figures, time) = (Figures::default(), Duration::from_secs(4));
    let asks = |part: Part| asked.only.is_empty() || asked.only.contains(&part);
    if asks(Part::Baselines) {
        baselines(&mut figures, time).await;
    }
    let (mut small, large) = tokio::join!(Bench::start(), Bench::start());
    println!("chuoi: callers in closed loops, no projector");
    let bench = large;
    let mut bench = bench.without_projector().await;
    if asks(Part::Recording) {
        bench.recording(&mut figures, time).await;
    }
    if asks(Part::Together) {
        bench.recording_together(&mut figures, time).await;
    }
    bench.system.projectors[0].start_again();
    if asks(Part::Projecting) {
        bench.projecting(&mut figures, time).await;
    }
    if asks(Part::Seeing) {
        bench.seeing(&mut figures).await;
    }
    if asks(Part::Country) && asked.size == "full" {
        bench.country(&mut figures).await;
    }
    if asks(Part::Filling) && (asked.size == "full" || asked.events.is_some()) {
        bench.fill(asked.events.unwrap_or(10_000_000)).await;
    }
    if asks(Part::Asking) {
        bench.asking(&mut figures).await;
    }
    if asks(Part::Backdating) {
        bench.backdating(&mut figures, if asked.size == "full" { 200_000 } else { 2_000 }).await;
    }
    if asks(Part::Rebuilding) {
        bench.rebuilding(&mut figures).await;
    }
    if asks(Part::Flat) {
        flat(&mut small, &bench, &mut figures).await;
    }
    if asks(Part::Starting) {
        bench.starting(&mut figures).await;
    }
    if asks(Part::Overload) {
        bench.overload(&mut figures, time).await;
    }
    let differences = bench.differences().await + small.differences().await;
    figures.put("verify_differences", differences as f64, "rows that are not what the journal says, at the end");
    figures.put("seconds", begun.elapsed().as_secs_f64(), "all of this");
    if asked.output == "json" {
        println!("{}", Value::Object(figures.0));
    }
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// About what an event is in the journal.
const EVENT_BYTES: usize = 350;

async fn baselines(figures: &mut Figures, time: Duration) {
    println!("what this machine does without chuoi");
    let payload = vec![b'e'; EVENT_BYTES];
    let postgres = Postgres::start_durable().await;
    for callers in [16, 64] {
        let measured = sql::by_hand(postgres.url(), &payload, callers, time).await;
        figures.load(&format!("sql{callers}_per_s"), &measured, "B1: SQL by hand, commands/s");
    }
    drop(postgres);
    let nats = Nats::start().await;
    for publishers in [1, 64] {
        let measured = jetstream::published(&nats, EVENT_BYTES, publishers, time).await;
        figures.load(&format!("raw{publishers}_per_s"), &measured, "B2: JetStream alone, a message an event");
        figures.put(&format!("raw{publishers}_p50_ms"), measured.ms(50.0), "");
    }
    let hundreds = jetstream::published(&nats, EVENT_BYTES * 100, 16, time).await;
    figures.put("raw_hundreds_per_s", hundreds.rate() * 100.0, "B3: JetStream alone, a message a hundred events");
    let best = figures.get("sql16_per_s").max(figures.get("sql64_per_s"));
    figures.put("sql_per_s", best, "the better of B1");
    let best = figures.get("raw1_per_s").max(figures.get("raw64_per_s"));
    figures.put("raw_per_s", best, "the better of B2");
}

/// A system with the reference registry, and its load.
struct Bench {
    system: System,
    trade: Trade,
}

impl Bench {
    async fn start() -> Bench {
        let system = System::empty(Postgres::start_durable().await).await;
        let tables = chuoi::reference::Tables::embedded().expect("the reference registry");
        let report = chuoi::reference::import(system.channels[0].clone(), &tables, tests::world::AUTHORITY, |_, _| {}).await;
        report.expect("registered");
        system.caught_up().await;
        Bench { system, trade: Trade::new(365) }
    }

    async fn without_projector(mut self) -> Bench {
        self.system.projectors[0].kill().await;
        self
    }

    async fn connections(&self, recorders: usize) -> Vec<Channel> {
        callers::connections(&self.system.addresses[..recorders]).await
    }

    /// Seconds of processor time that each part took so far. The callers are this process, without those that it started.
    fn cpu(&self) -> [(&'static str, f64); 5] {
        let process = |process: &tests::Process| process.id().map_or(0.0, processes::cpu_seconds);
        [
            ("recorder", process(&self.system.recorders[0])),
            ("projector", process(&self.system.projectors[0])),
            ("nats", processes::cpu_seconds(self.system.nats.pid())),
            ("postgres", processes::cpu_seconds(self.system.postgres.pid())),
            ("callers", processes::own_cpu_seconds(std::process::id())),
        ]
    }

    /// Processors that each part took over so many seconds.
    fn cores(&self, before: [(&'static str, f64); 5], seconds: f64, prefix: &str, figures: &mut Figures) {
        for ((part, before), (_, after)) in before.into_iter().zip(self.cpu()) {
            figures.put(&format!("{prefix}_cores_{part}"), (after - before) / seconds, "processors that it took");
        }
    }

    /// One call a command.
    async fn recording(&mut self, figures: &mut Figures, time: Duration) {
        let channels = self.connections(1).await;
        for callers in [1, 16, 64, 256] {
            let (cpu, stored) = (self.cpu(), self.stored());
            let measured = callers::unary_callers(&channels, &self.trade, callers, time).await;
            figures.load(&format!("unary{callers}_per_s"), &measured, "unary calls, accepted events/s");
            figures.put(&format!("unary{callers}_p50_ms"), measured.ms(50.0), "");
            figures.put(&format!("unary{callers}_p99_ms"), measured.ms(99.0), "");
            if callers == 64 {
                self.cores(cpu, measured.seconds, "unary64", figures);
            }
            if callers == 1 {
                let bytes = (self.stored() - stored) as f64 / measured.accepted as f64;
                figures.put("bytes_per_event_alone", bytes, "bytes of the stream an event, one event an entry");
            }
        }
        let (request, answer) = self.sale(&channels[0]).await;
        for callers in [64, 256] {
            let measured = echo::measure(request.clone(), answer.clone(), callers, time).await;
            figures.load(&format!("echo{callers}_per_s"), &measured, "B5: gRPC alone, calls/s");
        }
        let best = figures.get("echo64_per_s");
        figures.ratio("unary64_vs_sql", "unary64_per_s", "sql_per_s", "aim: 3 or more");
        figures.ratio("unary64_vs_raw", "unary64_per_s", "raw_per_s", "aim: 2.5 or more");
        figures.put("unary64_vs_echo", figures.get("unary64_per_s") / best, "aim: 0.4 or more");
        figures.ratio("unary256_vs_unary64", "unary256_per_s", "unary64_per_s", "aim: 1 or more");
        figures.ratio("unary1_p50_vs_raw", "unary1_p50_ms", "raw1_p50_ms", "aim: 2 or less");
    }

    /// A sale as it is asked and answered.
    async fn sale(&self, channel: &Channel) -> (SellRequest, SellResponse) {
        let lot = self.trade.next();
        let mut last = None;
        for step in lot.steps().into_iter().filter(|step| !step.is_refused) {
            let asked = step.command.clone();
            let recorded = callers::unary(channel, step).await.expect("recorded");
            if let Some(Action::Sell(sell)) = asked.action {
                let request = SellRequest { header: asked.header, sell: Some(sell) };
                last = Some((request, SellResponse { verdict: Verdict::Accepted.into(), recorded }));
            }
        }
        last.expect("a lot is sold")
    }

    /// Many commands in a call, and two recorders.
    async fn recording_together(&mut self, figures: &mut Figures, time: Duration) {
        let channels = self.connections(1).await;
        let stored = self.stored();
        let measured = callers::batch_callers(&channels, &self.trade, 8, time).await;
        figures.load("batch_per_s", &measured, "batches of a hundred from 8 callers, accepted events/s");
        let bytes = (self.stored() - stored) as f64 / measured.accepted as f64;
        figures.put("bytes_per_event", bytes, "bytes of the stream an event, many events an entry; aim: 160 or less");
        let measured = callers::stream_callers(&channels, &self.trade, 8, time).await;
        figures.load("stream_per_s", &measured, "8 streams, accepted events/s");
        let both = self.connections(2).await;
        let measured = callers::unary_callers(&both, &self.trade, 64, time).await;
        figures.load("two_recorders_per_s", &measured, "unary calls from 64 callers to two recorders");
        figures.ratio("batch_vs_sql", "batch_per_s", "sql_per_s", "aim: 15 or more");
        figures.ratio("stream_vs_sql", "stream_per_s", "sql_per_s", "aim: 15 or more");
    }

    /// The projector comes back, catches up, and runs beside the callers.
    async fn projecting(&mut self, figures: &mut Figures, time: Duration) {
        let behind = self.events().await;
        let seconds = self.system.caught_up().await;
        figures.put("catching_up_per_s", behind as f64 / seconds, "events/s of a projector that has everything before it");
        let (channels, cpu) = (self.connections(1).await, self.cpu());
        let measured = callers::unary_callers(&channels, &self.trade, 64, time).await;
        self.cores(cpu, measured.seconds, "unary64_projecting", figures);
        let drained = self.system.caught_up().await;
        figures.load("unary64_projecting_per_s", &measured, "unary calls, with the projector");
        figures.put("unary64_drain_s", drained, "seconds until the tables had the rest");
        figures.ratio("unary64_projecting_vs_sql", "unary64_projecting_per_s", "sql_per_s", "aim: 2 or more");
        let measured = callers::batch_callers(&channels, &self.trade, 8, time).await;
        let drained = self.system.caught_up().await;
        figures.load("batch_projecting_per_s", &measured, "batches of a hundred, with the projector");
        figures.put("batch_drain_s", drained, "seconds until the tables had the rest");
    }

    /// How soon a write is seen.
    async fn seeing(&mut self, figures: &mut Figures) {
        let (recorder, query) = (self.connections(1).await, self.system.query());
        // Waits its turn before the figures below are taken.
        self.system.caught_up().await;
        let idle = questions::visible(&recorder[0], &query, &self.trade, Duration::from_secs(4), Duration::from_millis(20)).await;
        figures.put("idle_visible_p50_ms", idle.ms(50.0), "from the acknowledgement to a query that shows it, idle");
        figures.put("idle_visible_p99_ms", idle.ms(99.0), "aim: 15 or less");
        // What the machine records while it projects too.
        let peak = figures.get("unary64_projecting_per_s");
        let half = if peak.is_nan() { 4_000.0 } else { peak / 2.0 };
        let (load, seen) = self.under(half, Duration::from_secs(10)).await;
        figures.put("half_load_per_s", load.rate(), "the load meanwhile; half of unary64_projecting_per_s is meant");
        figures.put("visible_p50_ms", seen.ms(50.0), "the same under that load; aim: 20 or less");
        figures.put("visible_p99_ms", seen.ms(99.0), "aim: 60 or less");
    }

    /// A load of so many events a second, and how soon writes are seen meanwhile.
    async fn under(&self, per_second: f64, time: Duration) -> (Measured, Measured) {
        let (recorder, query) = (self.connections(1).await, self.system.query());
        let stop = std::sync::atomic::AtomicBool::new(false);
        let load = callers::paced(&recorder, &self.trade, per_second, &stop);
        let seeing = async {
            // Once the load is under way.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let seen = questions::visible(&recorder[0], &query, &self.trade, time, Duration::from_millis(10)).await;
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            seen
        };
        tokio::join!(load, seeing)
    }

    /// What 63 provinces may record at their busiest, a hundred times one city's load, as long as this machine is given for it.
    async fn country(&mut self, figures: &mut Figures) {
        let (load, seen) = self.under(5_000.0, Duration::from_secs(60)).await;
        figures.put("country_per_s", load.rate(), "events/s for a minute; 5,000 are meant");
        figures.put("country_p99_ms", load.ms(99.0), "of their answers");
        figures.put("country_visible_p50_ms", seen.ms(50.0), "from an acknowledgement to a query that shows it, meanwhile");
        figures.put("country_visible_p99_ms", seen.ms(99.0), "");
        figures.put("country_drain_s", self.system.caught_up().await, "seconds until the tables had the rest");
    }

    /// More trade, in batches, up to so many events.
    async fn fill(&mut self, events: u64) {
        let channels = self.connections(1).await;
        let begun = Instant::now();
        while self.events().await < events {
            callers::batch_callers(&channels, &self.trade, 8, Duration::from_secs(if events > 1_000_000 { 10 } else { 1 })).await;
        }
        let seconds = self.system.caught_up().await;
        println!(
            "  filled to {} events in {:.0} s; {seconds:.0} s of it the tables alone",
            self.events().await,
            begun.elapsed().as_secs_f64()
        );
    }

    /// Until tables have everything, and PostgreSQL is through with them: what a fill of ten million in minutes leaves behind is none
    /// of what ten million are.
    async fn settled(&self) {
        self.system.caught_up().await;
        sql::settled(&self.system.database()).await;
    }

    async fn asking(&mut self, figures: &mut Figures) {
        let query = self.system.query();
        let channel = self.connections(1).await.remove(0);
        for step in self.trade.family().1 {
            callers::unary(&channel, step).await.expect("recorded");
        }
        self.settled().await;
        figures.put("events", self.events().await as f64, "events in the journal");
        for (question, key, aim) in [
            (Question::Shop, "query_shop_p99_ms", "stock of a shop; aim at ten million events: 5 or less"),
            (Question::Product, "query_product_p99_ms", "a product across 1,810 shops by channel; aim: 20 or less"),
            (Question::Chains, "query_chains_p99_ms", "141 chains by month for a year with utilization; aim: 100 or less"),
            (Question::ChainsByDay, "query_chains_by_day_p99_ms", "the same by day: a page of 5,000 rows"),
            (Question::Trace, "query_trace_p99_ms", "a lot's trace; aim: 20 or less"),
            (
                Question::Family,
                "query_recall_p99_ms",
                "three products, five levels, forty shops each: where all is; aim: 200 or less",
            ),
        ] {
            questions::asked(&query, &self.trade, question, 10).await;
            figures.put(key, questions::asked(&query, &self.trade, question, 500).await.ms(99.0), aim);
        }
    }

    /// Entries into a shop that has sold a lot: of today, and of two years ago. `lots` is how many it opened, four sales of each.
    async fn backdating(&mut self, figures: &mut Figures, lots: u64) {
        let channels = self.connections(1).await;
        // Each caller waits for its own batches: a lot is opened before it is sold.
        let callers = (0..8_u64).map(|caller| {
            let (channel, trade) = (&channels[caller as usize], &self.trade);
            async move {
                let mut measured = Measured::none();
                for first in (caller * 20..lots).step_by(8 * 20) {
                    let steps = (first..first + 20).flat_map(|number| trade.opened(number, 1, 4)).collect();
                    callers::batch(channel, steps, &mut measured).await;
                }
                measured.accepted
            }
        });
        let later: u64 = futures::future::join_all(callers).await.into_iter().sum();
        self.system.caught_up().await;
        figures.put("backdated_later_events", later as f64, "events of one shop before which an entry is dated");
        let (query, shop) = (self.system.query(), self.trade.first_shop().to_owned());
        let mut times: [Measured; 4] = std::array::from_fn(|_| Measured::none());
        for number in 0..200 {
            for (place, days_ago) in [(0, 0), (2, 730)] {
                let step = self.trade.opened(1_000_000_000 + number * 2 + place as u64 / 2, days_ago, 0).remove(0);
                let (answered, shown) = questions::seen(&channels[0], &query, step, &shop).await;
                times[place].took(answered);
                times[place + 1].took(shown);
            }
        }
        let ratio = |of: usize, to: usize| times[of].ms(50.0) / times[to].ms(50.0);
        figures.put(
            "backdated_vs_current",
            ratio(2, 0),
            "an answer to an entry of two years ago, of one of today; aim: 2 or less",
        );
        figures.put("backdated_shown_vs_current", ratio(3, 1), "the same until a question shows it");
    }

    async fn rebuilding(&mut self, figures: &mut Figures) {
        let query = self.system.query();
        let before = questions::asked(&query, &self.trade, Question::Shop, 200).await;
        let stop = std::sync::atomic::AtomicBool::new(false);
        let reading = async {
            let mut all = Vec::new();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                all.push(questions::asked(&query, &self.trade, Question::Shop, 10).await);
            }
            Measured::together(all, 1.0)
        };
        let rebuilding = async {
            let begun = Instant::now();
            let rebuilt =
                views::rebuild(&self.system.journal, &self.system.database(), |_, _| {}).await.expect("tables built anew");
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            (rebuilt, begun.elapsed().as_secs_f64())
        };
        let (during, (rebuilt, seconds)) = tokio::join!(reading, rebuilding);
        let (copied, size) = sql::copied(&self.system.database()).await;
        figures.put("rebuild_events_per_s", rebuilt.events as f64 / seconds, "tables built anew; aim: 100,000 or more");
        figures.put("copy_events_per_s", rebuilt.events as f64 / copied, "B4: COPY of the same rows into the same tables");
        figures.put("rebuild_vs_copy", copied / seconds, "aim: 0.5 or more");
        figures.put(
            "rebuild_reads_p50",
            during.ms(50.0) / before.ms(50.0),
            "a shop's stock meanwhile, of its time before; aim: 3 or less",
        );
        figures.put("table_bytes_per_event", size as f64 / rebuilt.events as f64, "bytes of all tables and indexes an event");
    }

    async fn starting(&mut self, figures: &mut Figures) {
        let (lots, id) = (self.trade.so_far() as f64, self.system.recorders[0].id().unwrap_or(0));
        let most = processes::memory_bytes(id, "VmHWM");
        figures.put(
            "recorder_bytes_per_lot",
            processes::memory_bytes(id, "VmRSS") / lots,
            "all memory of the recorder by lot; aim: 314 or less",
        );
        figures.put("recorder_peak_mib", most / 1_048_576.0, "");
        for (key, process) in [("projector_peak_mib", &self.system.projectors[0]), ("query_peak_mib", &self.system.query_process)]
        {
            figures.put(key, process.id().map_or(0.0, |id| processes::memory_bytes(id, "VmHWM")) / 1_048_576.0, "");
        }
        self.system.recorders[0].kill().await;
        let begun = Instant::now();
        self.system.recorders[0].start_again();
        loop {
            let recorder = self.system.channels[0].clone();
            let step = self.trade.next().at_the_farm().into_iter().next().expect("a harvest");
            if callers::unary(&recorder, step).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        figures.put("start_s", begun.elapsed().as_secs_f64(), "seconds from the start of a recorder to its first answer");
    }

    /// Far more callers than it can serve.
    async fn overload(&mut self, figures: &mut Figures, time: Duration) {
        let channels = self.connections(1).await;
        let at_capacity = callers::unary_callers(&channels, &self.trade, 256, time).await;
        let beyond = callers::unary_callers(&channels, &self.trade, 2_000, time).await;
        figures.load("overload_per_s", &beyond, "2,000 callers who come back when they are told to");
        figures.put("overload_shed", beyond.shed as f64, "turned away with RESOURCE_EXHAUSTED");
        figures.put(
            "overload_p99_vs_capacity",
            beyond.ms(99.0) / at_capacity.ms(99.0),
            "p99 of the accepted, of that of 256 callers; aim: 3 or less",
        );
    }

    async fn differences(&self) -> usize {
        self.system.caught_up().await;
        let report = views::verify(&self.system.journal, &self.system.database(), |_, _| {}).await.expect("a comparison");
        report.differences.len() + usize::from(!report.conservation_holds) + report.parked as usize
    }

    /// Events in the journal as far as the trade made them; the registry's are left out.
    async fn events(&self) -> u64 {
        self.trade.so_far() * 5
    }

    fn stored(&self) -> u64 {
        processes::folder_bytes(self.system.nats.folder())
    }
}

/// Whether a long journal makes writes and questions slower than a short one: a journal of a hundred thousand events beside the large
/// one, five runs of each in turn.
async fn flat(small: &mut Bench, large: &Bench, figures: &mut Figures) {
    small.fill(100_000).await;
    for bench in [&*small, large] {
        bench.settled().await;
    }
    let mut ratios: [Vec<f64>; 4] = Default::default();
    let channels = [small.connections(1).await, large.connections(1).await];
    for _ in 0..5 {
        let mut writes = Vec::new();
        let mut asked = Vec::new();
        for (bench, channels) in [(&*small, &channels[0]), (large, &channels[1])] {
            writes.push(callers::unary_callers(channels, &bench.trade, 16, Duration::from_secs(2)).await);
            bench.system.caught_up().await;
            asked.push(questions::asked(&bench.system.query(), &bench.trade, Question::Shelf, 300).await);
        }
        for (place, (of, percent)) in [(&writes, 50.0), (&writes, 99.0), (&asked, 50.0), (&asked, 99.0)].into_iter().enumerate() {
            ratios[place].push(of[1].ms(percent) / of[0].ms(percent));
        }
    }
    let [write_p50, write_p99, query_p50, query_p99] = ratios.map(median);
    figures.put("flat_write_p50", write_p50, "of the same after 100,000 events; aim: 1.25 or less");
    figures.put("flat_write_p99", write_p99, "aim: 1.6 or less");
    figures.put("flat_query_p50", query_p50, "a shop's stock of a product; aim: 1.25 or less");
    figures.put("flat_query_p99", query_p99, "aim: 1.6 or less");
}
