//! Watches: streams that read the tables on and on, a window of entries at a time, and only as fast as their reader takes what was
//! read. Nothing is held between two windows but the place that was reached: no transaction, no connection, no rows.

use crate::Error;
use crate::database::Checkpoint;
use crate::read::{Cut, Views};
use futures::Stream;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use stream::Position;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Status;
use wire::status::ServiceError;

/// Events after which a window ends with the entry that it is in: what a watch holds at most, besides that entry's.
const WINDOW: i64 = 500;
/// Messages that wait for the reader.
const AHEAD: usize = 16;
/// How long an idle watch says nothing: where it has come further, and where it has not.
const PROGRESS: Duration = Duration::from_secs(1);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Pause between looks at the tables while little comes: what comes meanwhile is read together.
const REST: Duration = Duration::from_millis(20);
/// How long the tables may be out of reach before a watch ends; the pause between tries.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(100);

/// A place in the journal: after one event of an entry, or after all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The entry.
    pub sequence: i64,
    /// The event; `i32::MAX` for all of them.
    pub ordinal: i32,
}

impl Place {
    /// After an entry.
    pub fn after(sequence: i64) -> Place {
        Place { sequence, ordinal: i32::MAX }
    }

    /// As callers see it.
    pub fn position(self, checkpoint: &Checkpoint) -> String {
        let entry = Position::new(checkpoint.journal, self.sequence.unsigned_abs());
        let position = if self.ordinal == i32::MAX { entry } else { entry.within(self.ordinal.unsigned_abs()) };
        position.to_string()
    }
}

/// Where a watch begins: after the position that was given, with the journal's first entry, or after what the cut holds.
pub(crate) fn begin(cut: &Cut<'_>, after_position: &str, from_beginning: bool) -> Result<Place, Error> {
    if after_position.is_empty() {
        let now = i64::try_from(cut.checkpoint.sequence).unwrap_or(i64::MAX);
        return Ok(Place::after(if from_beginning { 0 } else { now }));
    }
    place(cut, "after_position", after_position)
}

/// A place that a request names by its position.
pub(crate) fn place(cut: &Cut<'_>, field: &'static str, given: &str) -> Result<Place, Error> {
    let malformed = || Error::Malformed {
        field,
        value: given.to_owned(),
        allowed: "a position that an answer of this system gave, or empty".into(),
    };
    let position: Position = given.parse().map_err(|_| malformed())?;
    if Position::new(cut.checkpoint.journal, 0).journal_tag() != position.journal_tag() {
        return Err(malformed());
    }
    let sequence = i64::try_from(position.sequence()).map_err(|_| malformed())?;
    let ordinal = position.ordinal().map_or(Ok(i32::MAX), |ordinal| i32::try_from(ordinal).map_err(|_| malformed()))?;
    Ok(Place { sequence, ordinal })
}

/// Some of what there was at the beginning, and how far that is then; none at its end.
pub(crate) type Beginning<W> = (Vec<<W as Watch>::Message>, Option<<W as Watch>::Begun>);

/// What is watched.
pub(crate) trait Watch: Sized + Send + Sync + 'static {
    /// A message.
    type Message: Send + 'static;
    /// How far the beginning has come.
    type Begun: Clone + Send + Sync;

    /// A message that says how far the watch is, and nothing else.
    fn idle(position: String) -> Self::Message;

    /// What is told of the events after a place, up to an entry with all of its own; in order.
    fn read(&self, cut: &Cut<'_>, after: Place, up_to: i64) -> impl Future<Output = Result<Vec<Self::Message>, Error>> + Send;

    /// Whether it begins with what there is.
    fn begins(&self) -> Option<Self::Begun> {
        None
    }

    /// The next messages of what there was at a place.
    fn beginning(
        &self,
        cut: &Cut<'_>,
        at: Place,
        begun: &Self::Begun,
    ) -> impl Future<Output = Result<Beginning<Self>, Error>> + Send;
}

/// Messages of a watch.
pub(crate) type Messages<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

/// Watches from a place on.
pub(crate) fn watch<W: Watch>(views: Views, watch: W, at: Place) -> Messages<W::Message> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let status = tokio::select! {
            () = sender.closed() => return,
            () = views.closed() => ServiceError::Unavailable { what: "the watch, whose service stops,".into() }.into(),
            error = follow(&views, &watch, at, &sender) => Status::from(error),
        };
        // Whoever takes nothing any more learns it as the stream ends.
        let _ = sender.try_send(Err(status));
    });
    Box::pin(futures::stream::unfold(receiver, |mut receiver| async move {
        let next = receiver.recv().await?;
        Some((next, receiver))
    }))
}

type Sender<M> = mpsc::Sender<Result<M, Status>>;

/// How far a watch is.
struct Reached<B> {
    at: Place,
    /// How much of the beginning was sent; none once all of it was.
    begun: Option<B>,
}

/// What one look at the tables gave.
struct Window<W: Watch> {
    messages: Vec<W::Message>,
    reached: Reached<W::Begun>,
    /// Position of the place that is reached.
    position: String,
    /// Whether there was anything to read.
    moved: bool,
}

async fn follow<W: Watch>(views: &Views, watch: &W, at: Place, sender: &Sender<W::Message>) -> Error {
    let mut reached = Reached { at, begun: watch.begins() };
    // Where a watch begins is said at once.
    let mut said: Option<(Instant, Place)> = None;
    loop {
        let window = match patiently(views, watch, &reached).await {
            Ok(window) => window,
            Err(error) => return error,
        };
        let begins = window.reached.begun.is_some();
        for message in window.messages {
            if sender.send(Ok(message)).await.is_err() {
                return Error::Empty; // Nobody hears it.
            }
            said = said.map(|(_, at)| (Instant::now(), at));
        }
        if reached.begun.is_some() && !begins {
            said = None;
        }
        reached = window.reached;
        let patience = |at: Place| if at == reached.at { HEARTBEAT } else { PROGRESS };
        if !begins && said.is_none_or(|(when, at)| when.elapsed() >= patience(at)) {
            if sender.send(Ok(W::idle(window.position))).await.is_err() {
                return Error::Empty;
            }
            said = Some((Instant::now(), reached.at));
        }
        if !window.moved {
            let wait = said.map_or(PROGRESS, |(_, at)| if at == reached.at { HEARTBEAT } else { PROGRESS });
            tokio::time::sleep(REST).await;
            views.beyond(reached.at.sequence.unsigned_abs(), wait).await;
        }
    }
}

/// Reads a window; tries again for a while where the tables are out of reach, or were exchanged meanwhile.
async fn patiently<W: Watch>(views: &Views, watch: &W, reached: &Reached<W::Begun>) -> Result<Window<W>, Error> {
    let since = Instant::now();
    loop {
        match window(views, watch, reached).await {
            Ok(Some(window)) => return Ok(window),
            Ok(None) => {}
            Err(error @ (Error::Malformed { .. } | Error::NotFound { .. })) => return Err(error),
            Err(error) if since.elapsed() > PATIENCE => return Err(error),
            Err(error) => tracing::debug!(%error, "reading for a watch, trying again"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// One look at the tables; none where they were exchanged meanwhile.
async fn window<W: Watch>(views: &Views, watch: &W, reached: &Reached<W::Begun>) -> Result<Option<Window<W>>, Error> {
    let mut client = views.connection().await?;
    let cut = Cut::of(&mut client).await?;
    let here = |at: Place| at.position(&cut.checkpoint);
    let at = reached.at;
    let last = i64::try_from(cut.checkpoint.sequence).unwrap_or(i64::MAX);
    let window = if let Some(begun) = &reached.begun {
        let (messages, begun) = watch.beginning(&cut, at, begun).await?;
        Window { messages, reached: Reached { at, begun }, position: here(at), moved: true }
    } else if at >= Place::after(last) {
        Window { messages: Vec::new(), reached: Reached { at, begun: None }, position: here(at), moved: false }
    } else {
        let sql = "SELECT sequence FROM events WHERE (sequence, ordinal) > ($1, $2) AND sequence <= $3
                   ORDER BY sequence, ordinal OFFSET $4 LIMIT 1";
        let end = cut.rows(sql, &[&at.sequence, &at.ordinal, &last, &(WINDOW - 1)]).await?;
        let end = end.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(last);
        let messages = watch.read(&cut, at, end).await?;
        let at = Place::after(end);
        Window { messages, reached: Reached { at, begun: None }, position: here(at), moved: true }
    };
    Ok(cut.is_whole().await?.then_some(window))
}
