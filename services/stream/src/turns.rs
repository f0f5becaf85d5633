//! Turns among writers, for fairness alone. Whoever lost the race for a place too often takes a turn, and the others hold back
//! for its short length. That nothing is written twice or over another's entry rests on the expected sequence, never on this:
//! where turns cannot be had, writers race on.

use std::time::Duration;

use async_nats::jetstream::{
    kv::{Config, Operation, Store},
    stream::StorageType,
};
use futures::StreamExt as _;
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tracing::debug;
use uuid::Uuid;

use crate::{Journal, broker::Broker};

/// How long a turn lasts.
const TURN: Duration = Duration::from_millis(100);
/// A holder that does not give its turn back is waited for so long, and no longer.
const LONGEST: Duration = Duration::from_millis(300);
/// A turn that nobody gave back is forgotten by the broker.
const FORGOTTEN: Duration = Duration::from_secs(2);
const KEY: &str = "turn";

/// Whose turn it is.
#[derive(Clone, Debug)]
struct Holder {
    name: String,
    since: Instant,
}

/// One writer's part in the turns.
pub struct Turns {
    name: String,
    broker: Broker,
    holder: watch::Receiver<Option<Holder>>,
    /// Since when, and the revision of the key that says so.
    ours: Option<(Instant, u64)>,
    listening: JoinHandle<()>,
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Turns {
    /// A writer's part in the turns on a journal. Hears of others' turns in the background.
    pub fn on(journal: &Journal) -> Turns {
        let name = Uuid::now_v7().to_string();
        let (heard, holder) = watch::channel(None);
        let listening = tokio::spawn(listen(journal.broker().clone(), heard));
        Turns { name, broker: journal.broker().clone(), holder, ours: None, listening }
    }

    /// Waits while it is another's turn. Costs nothing while nobody has one.
    pub async fn wait_for_others(&mut self) {
        let until = match &*self.holder.borrow_and_update() {
            Some(holder) if holder.name != self.name => holder.since + LONGEST,
            _ => return,
        };
        let over = self.holder.wait_for(|holder| holder.as_ref().is_none_or(|holder| holder.name == self.name));
        let _over_or_forgotten = tokio::time::timeout_at(until, over).await;
    }

    /// Takes a turn if nobody has one.
    pub async fn take(&mut self) {
        if self.ours.is_some() {
            return;
        }
        match self.try_take().await {
            Ok(revision) => self.ours = Some((Instant::now(), revision)),
            Err(reason) => debug!("no turn to be had: {reason}"),
        }
    }

    async fn try_take(&self) -> Result<u64, async_nats::Error> {
        Ok(bucket(&self.broker).await?.create(KEY, self.name.clone().into()).await?)
    }

    /// Gives the turn back once it has lasted long enough, or at once where nothing waits.
    pub async fn give_back(&mut self, idle: bool) {
        let Some((since, revision)) = self.ours else { return };
        if idle || since.elapsed() >= TURN {
            self.ours = None;
            if let Ok(bucket) = bucket(&self.broker).await {
                // Never another's, taken after ours was forgotten. Where this fails, the others stop waiting by themselves.
                let _given_back = bucket.delete_expect_revision(KEY, Some(revision)).await;
            }
        }
    }
}

/// The bucket of the journal's turns, kept in memory: a turn does not outlive a broker.
async fn bucket(broker: &Broker) -> Result<Store, async_nats::Error> {
    let bucket = format!("{}-turns", broker.settings.stream);
    if let Ok(store) = broker.context.get_key_value(&bucket).await {
        return Ok(store);
    }
    let description = "who may append next; for fairness alone".to_owned();
    let config =
        Config { bucket, description, history: 1, max_age: FORGOTTEN, storage: StorageType::Memory, ..Config::default() };
    Ok(broker.context.create_key_value(config).await?)
}

async fn listen(broker: Broker, heard: watch::Sender<Option<Holder>>) {
    loop {
        if let Err(reason) = listen_once(&broker, &heard).await {
            debug!("cannot hear of others' turns: {reason}");
        }
        heard.send_replace(None);
        tokio::time::sleep(FORGOTTEN).await;
    }
}

async fn listen_once(broker: &Broker, heard: &watch::Sender<Option<Holder>>) -> Result<(), async_nats::Error> {
    broker.connected().await;
    let mut changes = bucket(broker).await?.watch_with_history(KEY).await?;
    while let Some(change) = changes.next().await {
        let change = change?;
        let holder = matches!(change.operation, Operation::Put)
            .then(|| Holder { name: String::from_utf8_lossy(&change.value).into_owned(), since: Instant::now() });
        heard.send_replace(holder);
    }
    Ok(())
}
