//! The one writer's loop: catch up → decide → append together → answer. No answer of any kind leaves before the entries that it
//! rests on are acknowledged; a refusal or a repetition is given only after a look at the journal's end shows nothing unread.

use crate::store::{Away, IdKey, Registering, Store, StoreFailed};
use domain::command::{Command, Context};
use domain::entry::{Entry, RecordedCommand};
use domain::event::Fact;
use domain::id::{CommandId, CommandRef, Digest, OrganizationCode};
use domain::refusal::Refusal;
use domain::repetition::{Judgement, Seen, judge};
use domain::state::State;
use domain::state::layers::Layers;
use jiff::Timestamp;
use prost::Message as _;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use stream::{AppendError, Journal, LiveEntry, Position, Tip, Turns};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

/// How a recorder works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Folder for what is not kept in memory; of this recorder alone.
    pub folder: PathBuf,
    /// How many books of places change before they leave the memory for that folder: about as many again stay until the next do.
    pub kept: usize,
    /// Commands that may wait; beyond that callers are told to come back.
    pub waiting: usize,
    /// How long an append may be in doubt before its callers are told so.
    pub doubt_after: Duration,
    /// How often others may be first with their entry before the callers are told to come back.
    pub attempts: u32,
}

impl Settings {
    /// Settings for one machine.
    pub fn new(folder: impl Into<PathBuf>) -> Settings {
        Settings { folder: folder.into(), kept: 50_000, waiting: 20_000, doubt_after: Duration::from_secs(5), attempts: 50 }
    }
}

/// Soft limit of an entry: beyond it commands wait for the next one. Larger entries gain nothing.
const ENTRY_BYTES: usize = 512 * 1024;
/// Callers who may wait for a look at what the recorder knows.
const LOOKS: usize = 16;
/// Commands gathered at once.
const GATHERED: usize = 4_096;
/// A recorder whose clock is further from the broker's stops: record times have to mean something.
const CLOCK_TOLERANCE_SECONDS: i64 = 60;
/// How often the clocks are compared.
const CLOCK_CHECK: Duration = Duration::from_secs(60);
/// Whoever lost so many races in a row takes a turn.
const PATIENT: u32 = 2;
/// How long callers may have to wait at the pace of now; whoever comes beyond that is better off coming back.
const WAITING: Duration = Duration::from_millis(30);
/// So many may wait however slow it is.
const LEAST_WAITING: usize = 256;
/// When those who were turned away may come back: the soonest, and the latest.
const BACK_AFTER_MS: (u64, u64) = (100, 5_000);
/// How often the pace is taken.
const PACE: Duration = Duration::from_millis(250);
/// Entries that are read at once to be folded, and how often so many wait decoded.
const READ_TOGETHER: usize = 256;
const AHEAD: usize = 2;
/// How long another may hold the store.
const LOCKED: Duration = Duration::from_secs(5);
/// A store that fails again so soon is not worth another try.
const STORE_LASTS: Duration = Duration::from_secs(60);
/// How long to read before looking around.
const READ_WAIT: Duration = Duration::from_millis(200);

/// A command to be recorded.
#[derive(Debug)]
pub struct Asked {
    /// On whose behalf.
    pub organization: OrganizationCode,
    /// The command.
    pub command: Command,
    /// Digest of its fields as sent.
    pub digest: Digest,
    /// Position that the journal must have reached before it is judged.
    pub at_least: Option<Position>,
}

/// What was recorded, now or before.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether it was recorded before.
    pub repeated: bool,
    /// Where.
    pub position: Position,
    /// When.
    pub record_time: Timestamp,
    /// What.
    pub recorded: Arc<RecordedCommand>,
}

/// Why a command was not recorded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Denied {
    /// A rule stands against it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Whether it is recorded is not known.
    #[error(
        "whether the command is recorded is not known yet: the journal has not answered; send it again with the same command id"
    )]
    OutcomeUnknown,
    /// It is not recorded: the journal cannot be asked.
    #[error("the journal cannot be reached, and nothing was recorded; send it again later: {0}")]
    Unreachable(String),
    /// Others were first every time.
    #[error("others recorded something {0} times before this could be; nothing was recorded, send it again in a moment")]
    Contended(u32),
    /// Too many commands wait.
    #[error("{waiting} commands are waiting already, which is the limit; nothing was recorded, send it again in {retry_after:?}")]
    Busy {
        /// How many.
        waiting: usize,
        /// When there may be room.
        retry_after: Duration,
    },
    /// The position is one of another journal.
    #[error("at_least: {value:?}: {problem}")]
    BadPosition {
        /// As given.
        value: String,
        /// Why.
        problem: String,
    },
    /// The journal has not reached the position.
    #[error("at_least: the journal ends at {reached}, before {asked}; check where the position comes from")]
    NotReached {
        /// As asked.
        asked: Position,
        /// Where the journal ends.
        reached: Position,
    },
    /// The recorder does not run.
    #[error("the recorder is starting or stopping, and nothing was recorded; send it again later")]
    Stopped,
}

/// Why a recorder ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal cannot be read or is damaged.
    #[error("the recorder cannot go on")]
    Journal(#[from] stream::Error),
    /// The journal is damaged or refuses entries.
    #[error("the recorder cannot append")]
    Append(#[from] AppendError),
    /// An entry cannot be understood.
    #[error("entry {sequence} cannot be understood; a newer version of chuoi may have written it")]
    Undecodable {
        /// Its sequence.
        sequence: u64,
        /// Why.
        #[source]
        source: wire::Undecodable,
    },
    /// The genesis entry names an unknown time zone.
    #[error("the journal's genesis cannot be used")]
    Genesis(#[from] domain::time::UnknownTimeZone),
    /// The first entry is not a genesis.
    #[error("the journal's first entry is no genesis")]
    NoGenesis,
    /// What is not in memory cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreFailed),
    /// The clocks disagree.
    #[error(
        "this machine's clock is {seconds} s away from the broker's, {CLOCK_TOLERANCE_SECONDS} s are allowed; set the clocks"
    )]
    Clock {
        /// By how much.
        seconds: i64,
    },
}

struct Waiting {
    asked: Asked,
    reply: oneshot::Sender<Result<Answer, Denied>>,
}

/// A handle to a running recorder.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Waiting>,
    looks: mpsc::Sender<oneshot::Sender<Look>>,
    journal: Journal,
    waiting: usize,
    ready: watch::Receiver<bool>,
    recorded: Arc<AtomicU64>,
    admission: Arc<Admission>,
}

/// The other half of a handle: what runs.
pub struct Recording {
    queue: mpsc::Receiver<Waiting>,
    looks: mpsc::Receiver<oneshot::Sender<Look>>,
    journal: Journal,
    settings: Settings,
    ready: watch::Sender<bool>,
    recorded: Arc<AtomicU64>,
    admission: Arc<Admission>,
}

impl Recorder {
    /// A recorder of a journal. It answers once its other half runs and has caught up.
    pub fn new(journal: Journal, settings: Settings) -> (Recorder, Recording) {
        let (sender, queue) = mpsc::channel(settings.waiting.max(1));
        let (looking, looks) = mpsc::channel(LOOKS);
        let (ready, is_ready) = watch::channel(false);
        let recorded = Arc::new(AtomicU64::new(0));
        let waiting = settings.waiting.max(1);
        let limit = AtomicUsize::new(LEAST_WAITING.min(waiting));
        let back_after_ms = AtomicU64::new(BACK_AFTER_MS.0);
        let admission = Arc::new(Admission { waiting: AtomicUsize::new(0), limit, shed: AtomicU64::new(0), back_after_ms });
        let recorder = Recorder {
            queue: sender,
            looks: looking,
            journal: journal.clone(),
            waiting,
            ready: is_ready,
            recorded: Arc::clone(&recorded),
            admission: Arc::clone(&admission),
        };
        (recorder, Recording { queue, looks, journal, settings, ready, recorded, admission })
    }

    /// Waits until the recorder has caught up with the journal; false if it ended.
    pub async fn ready(&self) -> bool {
        self.ready.clone().wait_for(|ready| *ready).await.is_ok()
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Commands recorded by this recorder since it started.
    pub fn recorded(&self) -> u64 {
        self.recorded.load(Ordering::Relaxed)
    }

    /// What the recorder knows now, to judge on without recording.
    pub(crate) async fn look(&self) -> Result<Look, Denied> {
        let (reply, look) = oneshot::channel();
        self.looks.send(reply).await.map_err(|_| Denied::Stopped)?;
        look.await.map_err(|_| Denied::Stopped)
    }

    /// Records a command, or says at once that too many wait: more than are answered within a moment at the pace of now.
    pub async fn record(&self, asked: Asked) -> Result<Answer, Denied> {
        let _place = Place::among(&self.admission)?;
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Waiting { asked, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => self.admission.turned_away(self.waiting),
            mpsc::error::TrySendError::Closed(_) => Denied::Stopped,
        })?;
        answer.await.unwrap_or(Err(Denied::OutcomeUnknown))
    }

    /// Hands many commands over in their order, all or none; the answers come one by one.
    pub fn submit_all(&self, asked: Vec<Asked>) -> Result<Vec<oneshot::Receiver<Result<Answer, Denied>>>, Denied> {
        let places = self.queue.try_reserve_many(asked.len()).map_err(|error| match error {
            mpsc::error::TrySendError::Full(()) => self.admission.turned_away(self.waiting),
            mpsc::error::TrySendError::Closed(()) => Denied::Stopped,
        })?;
        let mut answers = Vec::with_capacity(asked.len());
        for (place, asked) in places.zip(asked) {
            let (reply, answer) = oneshot::channel();
            place.send(Waiting { asked, reply });
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Hands a command over as soon as there is room for it.
    pub async fn submit(&self, asked: Asked) -> Result<oneshot::Receiver<Result<Answer, Denied>>, Denied> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Waiting { asked, reply }).await.map_err(|_| Denied::Stopped)?;
        Ok(answer)
    }
}

/// What a recorder knew at a moment: copies that cost little. What has left its memory since is read as it is by then.
#[derive(Debug)]
pub(crate) struct Look {
    /// The state.
    pub state: State,
    /// What is recorded under which id.
    pub ids: Layers<IdKey, Seen>,
}

/// How many callers with a command each may wait, by what was answered lately. Batches and streams wait at their own pace.
#[derive(Debug)]
struct Admission {
    waiting: AtomicUsize,
    limit: AtomicUsize,
    /// How many were turned away, ever.
    shed: AtomicU64,
    /// After how many milliseconds they may come back.
    back_after_ms: AtomicU64,
}

impl Admission {
    /// One more who has to come back. Not all at the same moment: each a little later than the last, over a second time as long.
    fn turned_away(&self, waiting: usize) -> Denied {
        let shed = self.shed.fetch_add(1, Ordering::Relaxed);
        let after = self.back_after_ms.load(Ordering::Relaxed);
        Denied::Busy { waiting, retry_after: Duration::from_millis(after + shed % after.max(1)) }
    }
}

/// A caller's place among those who wait.
struct Place<'a>(&'a Admission);

impl Place<'_> {
    fn among(admission: &Admission) -> Result<Place<'_>, Denied> {
        let limit = admission.limit.load(Ordering::Relaxed);
        if admission.waiting.fetch_add(1, Ordering::Relaxed) < limit {
            return Ok(Place(admission));
        }
        admission.waiting.fetch_sub(1, Ordering::Relaxed);
        Err(admission.turned_away(limit))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How fast commands are judged, as a mean of the last seconds.
struct Pace {
    since: Instant,
    judged: usize,
    per_second: f64,
    /// How many had been turned away by then.
    shed: u64,
}

impl Pace {
    fn begin() -> Pace {
        Pace { since: Instant::now(), judged: 0, per_second: 0.0, shed: 0 }
    }

    /// Takes note of a group; sets how many may wait.
    fn judged(&mut self, commands: usize, admission: &Admission, most: usize) {
        self.judged += commands;
        let elapsed = self.since.elapsed();
        if elapsed < PACE {
            return;
        }
        // A quiet moment says nothing of how fast it could be.
        let now = self.judged as f64 / elapsed.as_secs_f64();
        self.per_second = now.max(self.per_second * 0.8 + now * 0.2);
        let limit = (self.per_second * WAITING.as_secs_f64()) as usize;
        admission.limit.store(limit.clamp(LEAST_WAITING.min(most), most), Ordering::Relaxed);
        // To turn a caller away costs nearly as much as to serve one: the more do nothing but ask, the later they come back.
        let shed = admission.shed.load(Ordering::Relaxed);
        let asked_in_vain = (shed - self.shed) as usize;
        let back_after = admission.back_after_ms.load(Ordering::Relaxed);
        // About so many are outside; one in ten of those who ask may be one of them.
        let outside = asked_in_vain as f64 / elapsed.as_secs_f64() * back_after as f64 / 1_000.0 * 1.5;
        let fitting = outside / (self.per_second / 10.0).max(1.0) * 1_000.0;
        // Halfway: those who were told before come back as they were told.
        let back_after = (back_after as f64 / 2.0 + fitting / 2.0) as u64;
        admission.back_after_ms.store(back_after.clamp(BACK_AFTER_MS.0, BACK_AFTER_MS.1), Ordering::Relaxed);
        *self = Pace { per_second: self.per_second, shed, ..Pace::begin() };
    }
}

/// What the recorder knows of the acknowledged journal, and its part in the turns on it.
struct Known {
    turns: Turns,
    state: State,
    ids: Layers<IdKey, Seen>,
    tip: Tip,
    store: Arc<Store>,
    /// Commands that registered something and are not in the store yet.
    registering: Vec<Registering>,
    /// What is on its way into the store.
    leaving: Option<JoinHandle<Result<(), StoreFailed>>>,
}

impl Known {
    /// Takes note of what was recorded, besides what the state folds of it.
    fn remember(&mut self, sequence: u64, commands: &[Arc<RecordedCommand>]) {
        for (index, command) in (0..).zip(commands) {
            self.ids.insert((command.organization.clone(), command.id), Seen { sequence, digest: command.digest });
            if command.events.iter().any(|event| matches!(event.fact, Fact::Registered(_))) {
                self.registering.push((sequence, index, Arc::clone(command)));
            }
        }
    }

    /// Sends off what changed, once that is enough. Never two at once: what is on its way stays in memory until it is there.
    async fn put_away(&mut self, journal: uuid::Uuid, kept: usize) -> Result<(), StoreFailed> {
        if self.state.changed() < kept {
            return Ok(());
        }
        if self.leaving.as_ref().is_some_and(|leaving| !leaving.is_finished()) && self.state.changed() < 2 * kept {
            return Ok(());
        }
        self.arrived().await?;
        let away = Away {
            state: self.state.put_away(),
            ids: self.ids.put_away(),
            registry: std::mem::take(&mut self.registering),
            tip: self.tip.clone(),
        };
        let store = Arc::clone(&self.store);
        self.leaving = Some(tokio::task::spawn_blocking(move || store.put(journal, &away)));
        Ok(())
    }

    fn show(&self, reply: oneshot::Sender<Look>) {
        // Whoever is gone needs no answer.
        let _gone = reply.send(Look { state: self.state.clone(), ids: self.ids.clone() });
    }

    /// Waits for what is on its way.
    async fn arrived(&mut self) -> Result<(), StoreFailed> {
        match self.leaving.take() {
            None => Ok(()),
            Some(leaving) => leaving.await.unwrap_or(Err(StoreFailed::Damaged("it ended while it was written"))),
        }
    }
}

/// A command of the group in hand, judged against the overlay.
enum Judged {
    /// Recorded with this group, at an index of its commands.
    Accepted(usize),
    /// The same as a command of this group.
    RepeatsGroup(usize),
    /// The same as a command recorded before.
    Repeats(u64),
    Refused(Box<Refusal>),
    Denied(Denied),
}

impl Recording {
    /// Runs until every handle is gone or the journal fails for good. What was put away and cannot be read again is made anew from
    /// the journal; callers who wait for an answer meanwhile hear that their outcome is unknown.
    pub async fn run(mut self) -> Result<(), Error> {
        let mut made_anew: Option<Instant> = None;
        loop {
            match self.record().await {
                Err(Error::Store(error))
                    if !matches!(error, StoreFailed::Locked(_)) && made_anew.is_none_or(|at| at.elapsed() > STORE_LASTS) =>
                {
                    warn!(error = &error as &dyn std::error::Error, "reading the journal from its beginning");
                    self.ready.send_replace(false);
                    Store::remove(&self.store_folder())?;
                    made_anew = Some(Instant::now());
                }
                outcome => return outcome,
            }
        }
    }

    fn store_folder(&self) -> PathBuf {
        self.settings.folder.join("state")
    }

    async fn record(&mut self) -> Result<(), Error> {
        let mut known = self.begin().await?;
        info!(sequence = known.tip.sequence, "recorder has caught up");
        self.ready.send_replace(true);
        let mut deferred: VecDeque<Waiting> = VecDeque::new();
        let mut clock_checked: Option<Instant> = None;
        let mut pace = Pace::begin();
        loop {
            let mut group: Vec<Waiting> = deferred.drain(..).collect();
            if group.len() < GATHERED {
                if group.is_empty() {
                    tokio::select! {
                        // Whoever records comes first.
                        biased;
                        received = self.queue.recv_many(&mut group, GATHERED) => if received == 0 {
                            return Ok(known.arrived().await?);
                        },
                        Some(reply) = self.looks.recv() => {
                            self.catch_up_patiently(&mut known).await?;
                            known.show(reply);
                            continue;
                        }
                    }
                } else {
                    while group.len() < GATHERED
                        && let Ok(waiting) = self.queue.try_recv()
                    {
                        group.push(waiting);
                    }
                }
            }
            let (asked, begun) = (group.len(), Instant::now());
            let appended = self.settle(&mut known, group, &mut deferred).await?;
            debug!(asked, deferred = deferred.len(), elapsed = ?begun.elapsed(), "settled a group");
            while let Ok(reply) = self.looks.try_recv() {
                known.show(reply);
            }
            pace.judged(asked.saturating_sub(deferred.len()), &self.admission, self.settings.waiting);
            known.turns.give_back(deferred.is_empty() && self.queue.is_empty()).await;
            if appended && clock_checked.is_none_or(|last| last.elapsed() > CLOCK_CHECK) {
                self.check_clock(&known.tip).await?;
                clock_checked = Some(Instant::now());
            }
        }
    }

    async fn begin(&self) -> Result<Known, Error> {
        let genesis = self.journal.genesis_entry();
        let entry = understand(genesis)?;
        let mut state = State::begin(&entry.genesis.ok_or(Error::NoGenesis)?)?;
        let (store, tip) = self.store(&mut state).await?;
        state.rest_on(&store.shelves());
        let mut ids = Layers::default();
        ids.rest_on(store.shelf());
        let tip = tip.unwrap_or_else(|| genesis.tip.clone());
        info!(sequence = tip.sequence, "reading the journal on from here");
        let turns = Turns::on(&self.journal);
        let mut known = Known { turns, state, ids, tip, store, registering: Vec::new(), leaving: None };
        loop {
            match self.catch_up(&mut known).await {
                Ok(()) => return Ok(known),
                Err(Error::Journal(error)) if is_passing(&error) => {
                    warn!("reading the journal: {error}, trying again");
                    tokio::time::sleep(READ_WAIT).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The store, and up to where it speaks of this very journal; where it does not, an empty one. Brings the registry back.
    async fn store(&self, state: &mut State) -> Result<(Arc<Store>, Option<Tip>), Error> {
        let folder = self.store_folder();
        let begun = Instant::now();
        let opened = loop {
            match Store::open(&folder) {
                // The recorder before this one may be about to let go of it.
                Err(StoreFailed::Locked(_)) if begun.elapsed() < LOCKED => tokio::time::sleep(READ_WAIT).await,
                opened => break opened,
            }
        };
        match opened.and_then(|store| Ok((store.kept(self.journal.id())?, store))) {
            Err(error @ StoreFailed::Locked(_)) => return Err(error.into()),
            Err(error) => warn!(error = &error as &dyn std::error::Error, "making anew what was put away"),
            Ok((None, store)) => drop(store),
            Ok((Some(kept), store)) if self.holds(&kept.tip).await? => {
                // Whatever else they did is in the store.
                for command in &kept.registry {
                    let by = CommandRef { organization: command.organization.clone(), command: command.id };
                    let registered = command.events.iter().filter(|event| matches!(event.fact, Fact::Registered(_)));
                    registered.for_each(|event| state.evolve(&by, event));
                }
                return Ok((store, Some(kept.tip)));
            }
            Ok((Some(kept), _)) => warn!(sequence = kept.tip.sequence, "what was put away is not of this journal"),
        }
        Store::remove(&folder)?;
        Ok((Store::open(&folder)?, None))
    }

    /// Whether the journal holds an entry.
    async fn holds(&self, tip: &Tip) -> Result<bool, Error> {
        loop {
            match self.journal.entry_at(tip.sequence).await {
                Ok(live) => return Ok(live.tip.hash == tip.hash),
                Err(error) if is_passing(&error) => {
                    warn!("reading the journal: {error}, trying again");
                    tokio::time::sleep(READ_WAIT).await;
                }
                Err(error) => {
                    warn!("reading the journal: {error}");
                    return Ok(false);
                }
            }
        }
    }

    /// Folds everything up to what is the journal's end at the time of asking.
    async fn catch_up(&self, known: &mut Known) -> Result<(), Error> {
        let last = self.journal.last_sequence().await?;
        if last <= known.tip.last_seen {
            return Ok(());
        }
        let mut reader = self.journal.read_from(Some(known.tip.clone()));
        // Beside the fold, a task reads and decodes what comes next.
        let (sender, mut chunks) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            loop {
                let chunk = match reader.next(READ_TOGETHER, READ_WAIT).await {
                    Ok(live) => live.into_iter().map(|live| Ok((understand(&live)?, live.tip))).collect(),
                    Err(error) => Err(Error::Journal(error)),
                };
                let reached = reader.tip().cloned();
                let ends = chunk.is_err() || reached.as_ref().is_some_and(|tip| tip.last_seen >= last);
                if sender.send((chunk, reached)).await.is_err() || ends {
                    return;
                }
            }
        });
        while let Some((chunk, reached)) = chunks.recv().await {
            let chunk: Vec<(Entry, Tip)> = chunk?;
            for (entry, tip) in chunk {
                known.state.evolve_entry(&entry);
                let commands: Vec<_> = entry.commands.into_iter().map(Arc::new).collect();
                known.remember(tip.sequence, &commands);
                known.tip = tip;
                known.store.check()?;
                known.put_away(self.journal.id(), self.settings.kept).await?;
            }
            // A stale entry may lie at the end: it was seen, and holds nothing.
            if let Some(tip) = reached {
                known.tip = tip;
            }
        }
        Ok(())
    }

    /// Decides a group and sees it through; true if something was appended. What does not fit is deferred.
    async fn settle(
        &mut self,
        known: &mut Known,
        mut group: Vec<Waiting>,
        deferred: &mut VecDeque<Waiting>,
    ) -> Result<bool, Error> {
        let mut overtaken = 0;
        loop {
            known.turns.wait_for_others().await;
            self.reach_positions(known, &mut group).await?;
            if group.is_empty() {
                return Ok(false);
            }
            let record_time = Timestamp::now().max(known.tip.record_time);
            let Decided { overlay, commands, wired, judged } = self.decide(known, &group, record_time).await?;
            for waiting in group.split_off(judged.len()).into_iter().rev() {
                deferred.push_front(waiting);
            }
            if commands.is_empty() {
                match self.journal.last_sequence().await {
                    Ok(last) if last <= known.tip.last_seen => {
                        self.answer(&known.tip, &[], group, judged);
                        return Ok(false);
                    }
                    Ok(_) => self.catch_up_patiently(known).await?,
                    Err(error) if is_passing(&error) => {
                        deny(group, &Denied::Unreachable(error.to_string()));
                        return Ok(false);
                    }
                    Err(error) => return Err(error.into()),
                }
                continue;
            }
            let sealed = match self.journal.seal(&known.tip, record_time, wired) {
                Ok(sealed) => sealed,
                // Groups are cut by size: only a command that is too large by itself comes here.
                Err(error) => {
                    let (field, problem) = ("command".to_owned(), format!("what it records is too large: {error}"));
                    deny(group, &Refusal::Malformed { field, problem }.into());
                    return Ok(false);
                }
            };
            let mut in_hand = Some((group, judged));
            match self.append(&sealed, &mut in_hand).await {
                Ok(tip) => {
                    known.state = overlay;
                    known.state.flatten();
                    known.remember(tip.sequence, &commands);
                    known.tip = tip;
                    self.recorded.fetch_add(commands.len() as u64, Ordering::Relaxed);
                    if let Some((group, judged)) = in_hand {
                        self.answer(&known.tip, &commands, group, judged);
                    }
                    known.put_away(self.journal.id(), self.settings.kept).await?;
                    return Ok(true);
                }
                Err(AppendError::Overtaken { place }) => {
                    overtaken += 1;
                    debug!(place, overtaken, "another recorder was first; deciding again");
                    if overtaken >= PATIENT {
                        known.turns.take().await;
                    }
                    self.catch_up_patiently(known).await?;
                    if overtaken >= self.settings.attempts {
                        deny(in_hand.map(|(group, _)| group).unwrap_or_default(), &Denied::Contended(overtaken));
                        return Ok(false);
                    }
                }
                Err(error @ AppendError::Refused { .. }) => {
                    warn!("{error}");
                    deny(in_hand.map(|(group, _)| group).unwrap_or_default(), &Denied::Unreachable(error.to_string()));
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
            match in_hand {
                Some((again, _)) => group = again,
                // Its callers were told that the outcome is unknown; now it is known that nothing was recorded.
                None => return Ok(false),
            }
        }
    }

    /// Appends and waits until that is settled. Callers do not wait that long: after a while they are told that the outcome is
    /// unknown, and who comes meanwhile is told to come back.
    async fn append(
        &mut self,
        sealed: &stream::Sealed,
        in_hand: &mut Option<(Vec<Waiting>, Vec<Judged>)>,
    ) -> Result<Tip, AppendError> {
        let journal = self.journal.clone();
        let appending = journal.append(sealed);
        tokio::pin!(appending);
        match tokio::time::timeout(self.settings.doubt_after, &mut appending).await {
            Ok(outcome) => return outcome,
            Err(_) => warn!("an append is in doubt; it is settled before anything else is recorded"),
        }
        deny(in_hand.take().map(|(group, _)| group).unwrap_or_default(), &Denied::OutcomeUnknown);
        loop {
            tokio::select! {
                outcome = &mut appending => return outcome,
                Some(waiting) = self.queue.recv() => {
                    deny(vec![waiting], &Denied::Unreachable("an earlier append is not answered yet".to_owned()));
                }
            }
        }
    }

    /// Sees that the journal has reached what callers know of it.
    async fn reach_positions(&self, known: &mut Known, group: &mut Vec<Waiting>) -> Result<(), Error> {
        let (mut kept, mut caught_up) = (Vec::with_capacity(group.len()), false);
        for waiting in group.drain(..) {
            let Some(position) = waiting.asked.at_least else {
                kept.push(waiting);
                continue;
            };
            let sequence = match self.journal.sequence_of(position) {
                Ok(sequence) => sequence,
                Err(error) => {
                    deny(vec![waiting], &Denied::BadPosition { value: position.to_string(), problem: error.to_string() });
                    continue;
                }
            };
            if sequence > known.tip.last_seen && !caught_up {
                self.catch_up_patiently(known).await?;
                caught_up = true;
            }
            if sequence > known.tip.last_seen {
                let reached = self.journal.position(known.tip.last_seen);
                deny(vec![waiting], &Denied::NotReached { asked: position, reached });
            } else {
                kept.push(waiting);
            }
        }
        *group = kept;
        Ok(())
    }

    async fn catch_up_patiently(&self, known: &mut Known) -> Result<(), Error> {
        loop {
            match self.catch_up(known).await {
                Err(Error::Journal(error)) if is_passing(&error) => {
                    warn!("reading the journal: {error}, trying again");
                    tokio::time::sleep(READ_WAIT).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Decides commands one after the other on a copy of the state, until an entry is full or one rests on another of them.
    async fn decide(&self, known: &Known, group: &[Waiting], now: Timestamp) -> Result<Decided, Error> {
        let mut decided = Decided {
            overlay: known.state.clone(),
            commands: Vec::new(),
            wired: Vec::new(),
            judged: Vec::with_capacity(group.len()),
        };
        let mut in_group: HashMap<(OrganizationCode, CommandId), usize> = HashMap::new();
        let mut bytes = 0;
        for Waiting { asked, .. } in group {
            let Asked { organization, command, digest, .. } = asked;
            let key = (organization.clone(), command.id);
            if let Some(&index) = in_group.get(&key) {
                let seen = Seen { sequence: 0, digest: decided.commands[index].digest };
                decided.judged.push(match judge(Some(seen), *digest) {
                    Judgement::OtherContent => Judged::Refused(Box::new(other_content(asked))),
                    Judgement::New | Judgement::Repetition { .. } => Judged::RepeatsGroup(index),
                });
                continue;
            }
            match judge(known.ids.get(&key), *digest) {
                Judgement::New => {}
                Judgement::Repetition { sequence } => {
                    decided.judged.push(Judged::Repeats(sequence));
                    continue;
                }
                Judgement::OtherContent => {
                    decided.judged.push(Judged::Refused(Box::new(other_content(asked))));
                    continue;
                }
            }
            let original = match command.action.names(organization) {
                Some(named) if in_group.contains_key(&(named.organization.clone(), named.command)) => break,
                Some(named) => match self.recorded_command(known, &named.organization, named.command).await {
                    Ok(original) => original,
                    Err(Error::Journal(error)) if is_passing(&error) => {
                        decided.judged.push(Judged::Denied(Denied::Unreachable(error.to_string())));
                        continue;
                    }
                    Err(error) => return Err(error),
                },
                None => None,
            };
            let context = Context { organization, now, original: original.as_deref() };
            let decision = match domain::command::decide(&decided.overlay, command, &context) {
                Ok(decision) => decision,
                Err(refusal) => {
                    decided.judged.push(Judged::Refused(Box::new(refusal)));
                    continue;
                }
            };
            let recorded = recorded(asked, decision.events);
            let wired = wire::entry::write_command(&recorded);
            let size = wired.encoded_len();
            if bytes > 0 && bytes + size > ENTRY_BYTES {
                break;
            }
            bytes += size;
            decided.overlay = decision.after;
            in_group.insert(key, decided.commands.len());
            decided.judged.push(Judged::Accepted(decided.commands.len()));
            decided.commands.push(Arc::new(recorded));
            decided.wired.push(wired);
        }
        known.store.check()?;
        Ok(decided)
    }

    /// A command as the journal holds it.
    async fn recorded_command(
        &self,
        known: &Known,
        organization: &OrganizationCode,
        command: CommandId,
    ) -> Result<Option<Arc<RecordedCommand>>, Error> {
        match known.ids.get(&(organization.clone(), command)) {
            None => Ok(None),
            Some(seen) => {
                let live = self.journal.entry_at(seen.sequence).await?;
                Ok(find_in(&live, organization, command)?.map(Arc::new))
            }
        }
    }

    /// Answers a group whose entry, or whose end of the journal, is acknowledged.
    fn answer(&self, tip: &Tip, commands: &[Arc<RecordedCommand>], group: Vec<Waiting>, judged: Vec<Judged>) {
        let position = self.journal.position(tip.sequence);
        for (Waiting { asked, reply }, judged) in group.into_iter().zip(judged) {
            let here = |index: usize, repeated| Answer {
                repeated,
                position,
                record_time: tip.record_time,
                recorded: Arc::clone(&commands[index]),
            };
            let answer = match judged {
                Judged::Accepted(index) => Ok(here(index, false)),
                Judged::RepeatsGroup(index) => Ok(here(index, true)),
                Judged::Refused(refusal) => Err(Denied::Refused(*refusal)),
                Judged::Denied(denied) => Err(denied),
                Judged::Repeats(sequence) => {
                    // Read again from its entry, beside the loop: nobody else waits for that.
                    let journal = self.journal.clone();
                    tokio::spawn(async move {
                        let _gone = reply.send(first_answer(&journal, sequence, &asked).await);
                    });
                    continue;
                }
            };
            let _gone = reply.send(answer);
        }
    }

    /// Compares the clocks by the entry just appended, which the broker stamped.
    async fn check_clock(&self, tip: &Tip) -> Result<(), Error> {
        let live = match self.journal.entry_at(tip.sequence).await {
            Err(error) if is_passing(&error) => return Ok(()),
            live => live?,
        };
        let seconds = Timestamp::now().duration_since(live.stored_time).as_secs();
        // The entry was stored a moment ago; a clock that is right shows that.
        if seconds.abs() > CLOCK_TOLERANCE_SECONDS { Err(Error::Clock { seconds }) } else { Ok(()) }
    }
}

/// What became of a group, before it is acknowledged.
struct Decided {
    overlay: State,
    commands: Vec<Arc<RecordedCommand>>,
    wired: Vec<wire::proto::chuoi::event::v1::RecordedCommand>,
    /// One for each command that was judged; those behind them were not.
    judged: Vec<Judged>,
}

fn deny(group: Vec<Waiting>, denied: &Denied) {
    for waiting in group {
        // Whoever is gone needs no answer.
        let _gone = waiting.reply.send(Err(denied.clone()));
    }
}

pub(crate) fn other_content(asked: &Asked) -> Refusal {
    Refusal::OtherContent { command: CommandRef { organization: asked.organization.clone(), command: asked.command.id } }
}

pub(crate) fn recorded(asked: &Asked, events: Vec<domain::event::Event>) -> RecordedCommand {
    let Asked { organization, command, digest, .. } = asked;
    RecordedCommand {
        organization: organization.clone(),
        id: command.id,
        digest: *digest,
        actor: command.actor.clone(),
        device: command.device.clone(),
        client: command.client.clone(),
        reported_fact: command.reported_fact,
        note: command.note.clone(),
        document: command.document.clone(),
        events,
    }
}

async fn first_answer(journal: &Journal, sequence: u64, asked: &Asked) -> Result<Answer, Denied> {
    let live = journal.entry_at(sequence).await.map_err(|error| Denied::Unreachable(error.to_string()))?;
    match find_in(&live, &asked.organization, asked.command.id) {
        Ok(Some(recorded)) => Ok(Answer {
            repeated: true,
            position: journal.position(sequence),
            record_time: live.tip.record_time,
            recorded: Arc::new(recorded),
        }),
        Ok(None) => Err(Denied::Unreachable(format!("entry {sequence} does not hold the command that it should"))),
        Err(error) => Err(Denied::Unreachable(error.to_string())),
    }
}

pub(crate) fn find_in(
    live: &LiveEntry,
    organization: &OrganizationCode,
    command: CommandId,
) -> Result<Option<RecordedCommand>, Error> {
    let entry = understand(live)?;
    Ok(entry.commands.into_iter().find(|recorded| recorded.id == command && recorded.organization == *organization))
}

fn understand(live: &LiveEntry) -> Result<domain::entry::Entry, Error> {
    wire::entry::read(&live.entry).map_err(|source| Error::Undecodable { sequence: live.tip.sequence, source })
}

/// Whether the next try may succeed.
pub(crate) fn is_passing(error: &stream::Error) -> bool {
    matches!(error, stream::Error::Request { .. } | stream::Error::Unreachable { .. })
}
