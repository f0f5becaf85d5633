//! Webhooks: notices sent over HTTP to those that a file lists, signed, in order, each until it is taken.
//!
//! A receiver's cursor moves only after it took a notice, and is on disk before the next is sent: so each hears each notice at least
//! once, whatever breaks, and can tell a repetition by its id. Receivers wait for none but themselves. One deliverer of a database
//! delivers; others stand by.

mod backoff;
mod receivers;
mod signature;

pub use backoff::Backoff;
pub use receivers::Receiver;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tracing::{debug, info, warn};
use uuid::Uuid;
use views::{Attempt, Deliveries, database};
use wire::proto::chuoi::notice::v1::Notice;

use crate::failure::{Failure, chain};
use crate::output::json as messages;
use crate::words::NoticeWord;

/// The file in the data folder of `chuoi up`.
pub const FILE: &str = "webhooks.toml";

/// How often it looks, and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Pause between looks at whether there are new notices, and at whether the file has changed.
    pub look: Duration,
    /// How long a receiver may take to answer.
    pub timeout: Duration,
    /// Pauses after failures.
    pub backoff: Backoff,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { look: Duration::from_secs(1), timeout: Duration::from_secs(10), backoff: Backoff::default() }
    }
}

/// Pauses after a failure of our own, from the first to the longest. Whoever finds another deliverer at work stands by in them.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Notices read at once.
const READ: i64 = 100;

/// Delivers for ever, to whom the file lists: whatever fails is tried again. The file is read again and again, so that receivers and
/// secrets change without a restart.
pub async fn run(settings: &database::Settings, file: &Path, pace: Pace) -> Failure {
    // Refused only where one was installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .timeout(pace.timeout)
        .connect_timeout(pace.timeout)
        // Whoever moves says so in the file: what is signed for one address is no other's business.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("chuoi/", env!("CARGO_PKG_VERSION")))
        .build();
    let http = match http {
        Ok(http) => http,
        Err(error) => return Failure::failed("cannot send webhooks", error),
    };
    let deliverer = Deliverer { http, file: file.to_owned(), pace };
    let mut pause = PAUSES.0;
    loop {
        let begun = std::time::Instant::now();
        let failure = deliverer.deliver(settings).await;
        pause = if begun.elapsed() > PAUSES.1 { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
        match failure {
            Ok(()) => debug!("another deliverer sends webhooks, standing by"),
            // At a start the others may not be ready yet.
            Err(failure) if pause == PAUSES.1 => warn!("no webhooks are sent for now, trying again: {}", failure.report()),
            Err(failure) => debug!(?pause, "no webhooks are sent for now, trying again: {}", failure.report()),
        }
        tokio::time::sleep(pause).await;
    }
}

#[derive(Clone)]
struct Deliverer {
    http: reqwest::Client,
    file: PathBuf,
    pace: Pace,
}

/// Those who are told, each by a task of its own.
type Running = BTreeMap<String, (watch::Sender<Receiver>, AbortHandle)>;

impl Deliverer {
    /// Delivers as long as that can be said to be done: returns at once where another does.
    async fn deliver(&self, settings: &database::Settings) -> Result<(), Failure> {
        let cannot = |error: views::Error| Failure::failed("cannot keep what receivers have heard", error);
        let Some(deliveries) = Deliveries::open(settings).await.map_err(cannot)? else { return Ok(()) };
        let deliveries = Arc::new(deliveries);
        let (mut tasks, mut running, mut wrong) = (JoinSet::new(), Running::new(), String::new());
        let mut listed: Option<Vec<String>> = None;
        loop {
            match receivers::read(&self.file) {
                Ok(receivers) => {
                    wrong.clear();
                    let names: Vec<String> = receivers.iter().map(|receiver| receiver.name.clone()).collect();
                    running.retain(|name, (_, task)| {
                        let stays = names.contains(name);
                        if !stays {
                            task.abort();
                        }
                        stays
                    });
                    for receiver in receivers {
                        match running.get(&receiver.name) {
                            Some((told, _)) if *told.borrow() != receiver => {
                                let begun = deliveries.begin(&receiver.name, &receiver.shown(), receiver.from_beginning).await;
                                begun.map_err(cannot)?;
                                told.send_replace(receiver);
                            }
                            Some(_) => {}
                            None => {
                                let name = receiver.name.clone();
                                let (told, hears) = watch::channel(receiver);
                                let task = tasks.spawn(self.clone().tell(Arc::clone(&deliveries), hears));
                                running.insert(name, (told, task));
                            }
                        }
                    }
                    if listed.as_ref() != Some(&names) {
                        deliveries.listed(&names).await.map_err(cannot)?;
                        listed = Some(names);
                    }
                }
                // Those who were listed are told on.
                Err(why) if why != wrong => {
                    warn!("webhooks go on as they were: {} cannot be used: {why}", self.file.display());
                    wrong = why;
                }
                Err(_) => {}
            }
            let ended = tokio::select! {
                Some(ended) = tasks.join_next() => ended,
                () = tokio::time::sleep(self.pace.look) => continue,
            };
            match ended {
                // Its entry is gone.
                Ok(Ok(())) => {}
                Ok(Err(failure)) => return Err(failure),
                Err(error) if error.is_cancelled() => {}
                Err(error) => return Err(Failure::failed("a task that sends webhooks ended", error)),
            }
        }
    }

    /// Tells one receiver, notice by notice, as long as its entry stands.
    async fn tell(self, deliveries: Arc<Deliveries>, mut hears: watch::Receiver<Receiver>) -> Result<(), Failure> {
        let cannot = |error: views::Error| Failure::failed("cannot tell or keep what a receiver has heard", error);
        let receiver = hears.borrow_and_update().clone();
        let name = receiver.name.clone();
        let begun = deliveries.begin(&name, &receiver.shown(), receiver.from_beginning).await;
        let mut cursor = begun.map_err(cannot)?;
        info!(webhook = name, "telling webhook {name}");
        loop {
            let notices = deliveries.after(cursor, READ).await.map_err(cannot)?;
            if notices.is_empty() {
                tokio::time::sleep(self.pace.look).await;
                continue;
            }
            let mut passed = None;
            for outgoing in notices {
                match self.send(&deliveries, &mut hears, &outgoing.notice).await? {
                    Sent::Taken => {
                        deliveries.advance(&name, outgoing.cursor, true).await.map_err(cannot)?;
                        passed = None;
                    }
                    Sent::Unwanted => passed = Some(outgoing.cursor),
                    Sent::Unlisted => return Ok(()),
                }
                cursor = outgoing.cursor;
            }
            if let Some(passed) = passed {
                deliveries.advance(&name, passed, false).await.map_err(cannot)?;
            }
        }
    }

    /// Sends one notice until it is taken.
    async fn send(
        &self,
        deliveries: &Deliveries,
        hears: &mut watch::Receiver<Receiver>,
        notice: &Notice,
    ) -> Result<Sent, Failure> {
        let mut failures = 0;
        loop {
            // As it stands now: secrets may have been rotated.
            let receiver = hears.borrow_and_update().clone();
            if !receiver.wants(notice) {
                return Ok(Sent::Unwanted);
            }
            if !deliveries.is_held() {
                let message = "the connection that keeps what receivers have heard was lost".to_owned();
                return Err(Failure::Failed { message, source: None });
            }
            let Err(refusal) = self.attempt(&receiver, notice).await? else { return Ok(Sent::Taken) };
            failures += 1;
            let (name, problem) = (&receiver.name, refusal.problem);
            let pause = self.pace.backoff.pause(failures, chance(), refusal.asked);
            let next = (!refusal.is_final).then(|| SystemTime::now() + pause);
            let attempt = Attempt { problem: problem.clone(), next };
            let kept = deliveries.failed(name, &attempt).await;
            kept.map_err(|error| Failure::failed("cannot keep that a receiver did not take a notice", error))?;
            let changed = if refusal.is_final {
                warn!(webhook = name, "webhook {name} says that it is gone; nothing is sent to it until its entry changes");
                Some(hears.changed().await)
            } else {
                if failures == 1 {
                    warn!(webhook = name, "webhook {name} did not take a notice, trying again: {problem}");
                } else {
                    debug!(webhook = name, failures, ?pause, "webhook {name} did not take a notice, trying again: {problem}");
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => None,
                    // Whoever mends an entry need not wait.
                    changed = hears.changed() => Some(changed),
                }
            };
            match changed {
                None => {}
                Some(Ok(())) => failures = 0,
                Some(Err(_)) => return Ok(Sent::Unlisted),
            }
        }
    }

    /// One attempt.
    async fn attempt(&self, receiver: &Receiver, notice: &Notice) -> Result<Result<(), Refusal>, Failure> {
        let (body, now) = (body(notice)?, Timestamp::now());
        let signature = signature::header(&receiver.secrets, &notice.id, now.as_second(), &body);
        let request = self
            .http
            .post(receiver.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signature)
            .body(body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            // An address may hold a secret.
            Err(error) => return Ok(Err(Refusal::of(chain(&error.without_url())))),
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(Ok(()));
        }
        let asked = answer.headers().get("retry-after").and_then(|asked| asked.to_str().ok());
        Ok(Err(Refusal {
            asked: asked.and_then(|asked| backoff::retry_after(asked, now)),
            is_final: status == reqwest::StatusCode::GONE,
            ..Refusal::of(format!("it answered {status}"))
        }))
    }
}

/// What became of a notice at a receiver.
enum Sent {
    /// It took it.
    Taken,
    /// It does not want it.
    Unwanted,
    /// It is not in the file any more.
    Unlisted,
}

/// Why a notice was not taken.
struct Refusal {
    problem: String,
    /// How long it wants to be left alone.
    asked: Option<Duration>,
    /// Whether it is gone for good.
    is_final: bool,
}

impl Refusal {
    fn of(problem: String) -> Refusal {
        Refusal { problem, asked: None, is_final: false }
    }
}

/// What is sent: the same bytes for the same notice, as long as nothing in it is called by another name.
fn body(notice: &Notice) -> Result<Vec<u8>, Failure> {
    let data = messages::of("chuoi.notice.v1.Notice", notice)?;
    let kind = format!("notice.{}", NoticeWord::word(notice.kind).replace('-', "_"));
    Ok(json!({ "type": kind, "timestamp": data["record_time"], "data": data }).to_string().into_bytes())
}

/// A number that nobody can tell beforehand: the last bits of a new UUID are random.
fn chance() -> u32 {
    (Uuid::now_v7().as_u128() & u128::from(u32::MAX)) as u32
}
