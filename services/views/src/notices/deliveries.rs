//! How far each receiver of webhooks has heard. It is no view: it is not made from the journal, so it stands in a schema of its own,
//! which no rebuild of the tables touches. Places in the journal are what it keeps, and those never change.

use super::read;
use crate::database::{self, Settings};
use crate::read::{Cut, Views, whole};
use crate::watching::Place;
use crate::{Error, timestamp_of};
use deadpool_postgres::ClientWrapper;
use std::time::SystemTime;
use uuid::Uuid;
use wire::proto::chuoi::notice::v1 as proto;
use wire::proto::chuoi::notice::v1::WebhookState;

/// What follows the schema of the tables in the name of the one for this.
const SUFFIX: &str = "_webhooks";

/// How far a receiver has heard: after which event of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(Place);

/// A notice to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// How far a receiver has heard that took it.
    pub cursor: Cursor,
    /// What it says.
    pub notice: proto::Notice,
}

/// An attempt that failed.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What it came to; never a secret.
    pub problem: String,
    /// When the next is due; none where nothing is sent any more.
    pub next: Option<SystemTime>,
}

/// Keeps cursors, for the one deliverer of a database.
pub struct Deliveries {
    views: Views,
    /// Holds the lock by which there is one; without it nothing is written.
    client: ClientWrapper,
    table: String,
}

impl Deliveries {
    /// Begins to deliver notices of these tables; none where another does. Call it inside a runtime.
    pub async fn open(settings: &Settings) -> Result<Option<Deliveries>, Error> {
        let client = database::keeping_connection(settings).await?;
        let schema = format!("{}{SUFFIX}", settings.schema);
        let lock = client.query_one("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", &[&schema]).await?;
        if !lock.try_get::<_, bool>(0)? {
            return Ok(None);
        }
        let table = format!("\"{schema}\".receivers");
        // On disk: a cursor that a crash sets back sends again what was taken long ago.
        client
            .batch_execute(&format!(
                "SET synchronous_commit = on; CREATE SCHEMA IF NOT EXISTS \"{schema}\";
                 CREATE TABLE IF NOT EXISTS {table} (
                     name text PRIMARY KEY,
                     url text NOT NULL,
                     -- After this event of this journal.
                     journal_id uuid NOT NULL,
                     sequence bigint NOT NULL,
                     ordinal integer NOT NULL,
                     delivered_count bigint NOT NULL DEFAULT 0,
                     delivered_time timestamptz,
                     failures_count integer NOT NULL DEFAULT 0,
                     problem text NOT NULL DEFAULT '',
                     problem_time timestamptz,
                     next_time timestamptz,
                     is_listed boolean NOT NULL DEFAULT true
                 )"
            ))
            .await?;
        let pool = database::connect(&Settings { connections: 2, ..settings.clone() })?;
        let views = Views::over(pool, tokio::sync::watch::channel(false).1);
        Ok(Some(Deliveries { views, client, table }))
    }

    /// How far a receiver has heard. One that is new, or that heard of another journal, begins here: at the journal's beginning, or
    /// after what the tables hold now.
    pub async fn begin(&self, receiver: &str, url: &str, from_beginning: bool) -> Result<Cursor, Error> {
        let client = self.views.connection().await?;
        let (journal, now): (Uuid, i64) =
            whole!(client, |cut| Ok((cut.checkpoint.journal, i64::try_from(cut.checkpoint.sequence).unwrap_or(i64::MAX))))?;
        let begin = Place::after(if from_beginning { 0 } else { now });
        let sql = format!(
            "INSERT INTO {table} AS r (name, url, journal_id, sequence, ordinal) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET url = excluded.url, is_listed = true, journal_id = excluded.journal_id,
                 sequence = CASE WHEN r.journal_id = excluded.journal_id THEN r.sequence ELSE excluded.sequence END,
                 ordinal = CASE WHEN r.journal_id = excluded.journal_id THEN r.ordinal ELSE excluded.ordinal END
             RETURNING sequence, ordinal",
            table = self.table
        );
        let row = self.client.query_one(&sql, &[&receiver, &url, &journal, &begin.sequence, &begin.ordinal]).await?;
        Ok(Cursor(Place { sequence: row.try_get(0)?, ordinal: row.try_get(1)? }))
    }

    /// Notices after a cursor, in order.
    pub async fn after(&self, cursor: Cursor, limit: i64) -> Result<Vec<Outgoing>, Error> {
        let client = self.views.connection().await?;
        let found = whole!(client, |cut| read::after(cut, cursor.0, limit).await)?;
        Ok(found.into_iter().map(|(at, notice)| Outgoing { cursor: Cursor(at), notice }).collect())
    }

    /// Whether this is still the one deliverer, as far as can be seen from here.
    pub fn is_held(&self) -> bool {
        !self.client.is_closed()
    }

    /// A receiver has heard so far: it took a notice, or those up to here are none for it.
    pub async fn advance(&self, receiver: &str, cursor: Cursor, delivered: bool) -> Result<(), Error> {
        let sql = format!(
            "UPDATE {} SET sequence = $2, ordinal = $3, delivered_count = delivered_count + $4::bigint,
                 delivered_time = CASE WHEN $4 = 1 THEN now() ELSE delivered_time END, failures_count = 0, next_time = NULL
             WHERE name = $1",
            self.table
        );
        let Cursor(Place { sequence, ordinal }) = cursor;
        self.client.execute(&sql, &[&receiver, &sequence, &ordinal, &i64::from(delivered)]).await?;
        Ok(())
    }

    /// A receiver did not take a notice: the cursor stays where it is.
    pub async fn failed(&self, receiver: &str, attempt: &Attempt) -> Result<(), Error> {
        let sql = format!(
            "UPDATE {} SET failures_count = failures_count + 1, problem = $2, problem_time = now(), next_time = $3 WHERE name = $1",
            self.table
        );
        self.client.execute(&sql, &[&receiver, &attempt.problem, &attempt.next]).await?;
        Ok(())
    }

    /// Only these receivers are in the file now. What the others have heard is kept: who comes back goes on.
    pub async fn listed(&self, receivers: &[String]) -> Result<(), Error> {
        let sql = format!("UPDATE {} SET is_listed = false WHERE is_listed AND name <> ALL($1)", self.table);
        self.client.execute(&sql, &[&receivers]).await?;
        Ok(())
    }
}

/// Receivers, by name.
pub(super) async fn list(cut: &Cut<'_>, request: &proto::ListWebhooksRequest) -> Result<proto::ListWebhooksResponse, Error> {
    let table = cut
        .rows(
            "SELECT name, to_regclass(name) IS NOT NULL
             FROM (SELECT quote_ident(current_schema()::text || $1::text) || '.receivers' AS name) AS named",
            &[&SUFFIX],
        )
        .await?;
    let mut rows = Vec::new();
    for row in &table {
        let (table, is_there): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
        if is_there {
            rows = receivers(cut, &table, request).await?;
        }
    }
    Ok(proto::ListWebhooksResponse { rows, position: cut.position() })
}

async fn receivers(cut: &Cut<'_>, table: &str, request: &proto::ListWebhooksRequest) -> Result<Vec<proto::Webhook>, Error> {
    let sql = format!(
        "SELECT r.*, (SELECT count(*) FROM notices n WHERE (n.sequence, n.ordinal) > (r.sequence, r.ordinal)) AS behind
         FROM {table} r WHERE r.journal_id = $1 AND (r.is_listed OR $2) ORDER BY r.name"
    );
    let mut rows = Vec::new();
    for row in cut.rows(&sql, &[&cut.checkpoint.journal, &request.include_removed]).await? {
        let time = |name: &str| row.try_get::<_, Option<SystemTime>>(name).map(|time| time.and_then(timestamp_of));
        let (failures_count, next_time): (i32, _) = (row.try_get("failures_count")?, time("next_time")?);
        let state = match (row.try_get("is_listed")?, failures_count, &next_time) {
            (false, ..) => WebhookState::Removed,
            (true, 0, _) => WebhookState::Active,
            (true, _, Some(_)) => WebhookState::Failing,
            (true, _, None) => WebhookState::Stopped,
        };
        rows.push(proto::Webhook {
            name: row.try_get("name")?,
            url: row.try_get("url")?,
            state: state.into(),
            cursor_position: Place { sequence: row.try_get("sequence")?, ordinal: row.try_get("ordinal")? }
                .position(&cut.checkpoint),
            behind_count: row.try_get("behind")?,
            delivered_count: row.try_get("delivered_count")?,
            delivered_time: time("delivered_time")?,
            failures_count,
            problem: row.try_get("problem")?,
            problem_time: time("problem_time")?,
            next_time,
        });
    }
    Ok(rows)
}
