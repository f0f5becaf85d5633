//! What state the tables are in, for whoever has to find out why something refuses. Changes nothing.

use crate::Error;
use crate::database::{self, Checkpoint, Settings};
use uuid::Uuid;

/// Parked commands that are listed.
const LISTED: i64 = 20;

/// What state PostgreSQL and the tables in it are in.
#[derive(Clone, Debug)]
pub struct Condition {
    /// PostgreSQL's version as it says it: 15.4.
    pub server_version: String,
    /// The same as a number: 150004.
    pub server_version_number: i32,
    /// Migrations that were applied; 0 where there are no tables.
    pub applied: i32,
    /// Migrations that this program has.
    pub known: i32,
    /// How far the tables are; none where nothing was folded.
    pub checkpoint: Option<Checkpoint>,
    /// Commands that could not be folded: how many.
    pub parked_count: i64,
    /// The first of them.
    pub parked: Vec<ParkedCommand>,
    /// Lots, or lots at a site, whose figures may be wrong because of them.
    pub doubtful_count: i64,
}

/// A command that could not be folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedCommand {
    /// Sequence of its entry.
    pub sequence: i64,
    /// Whose.
    pub organization: String,
    /// Which.
    pub command: Uuid,
    /// Why.
    pub reason: String,
}

/// Looks at the tables.
pub async fn condition(settings: &Settings) -> Result<Condition, Error> {
    let client = database::connection(settings).await?;
    let version =
        client.query_one("SELECT current_setting('server_version'), current_setting('server_version_num')::integer", &[]);
    let version = version.await?;
    let mut condition = Condition {
        server_version: version.try_get(0)?,
        server_version_number: version.try_get(1)?,
        applied: 0,
        known: database::known_migrations(),
        checkpoint: None,
        parked_count: 0,
        parked: Vec::new(),
        doubtful_count: 0,
    };
    let history = format!("{}.refinery_schema_history", settings.schema);
    if !client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&history]).await?.try_get::<_, bool>(0)? {
        return Ok(condition);
    }
    condition.applied =
        client.query_one("SELECT coalesce(max(version), 0) FROM refinery_schema_history", &[]).await?.try_get(0)?;
    condition.checkpoint = database::checkpoint(&client).await?;
    let counts = client.query_one("SELECT (SELECT count(*) FROM parked), (SELECT count(*) FROM doubtful)", &[]).await?;
    (condition.parked_count, condition.doubtful_count) = (counts.try_get(0)?, counts.try_get(1)?);
    let parked = "SELECT sequence, organization_code, command_id, reason FROM parked ORDER BY sequence, command_index LIMIT $1";
    for row in client.query(parked, &[&LISTED]).await? {
        condition.parked.push(ParkedCommand {
            sequence: row.try_get(0)?,
            organization: row.try_get(1)?,
            command: row.try_get(2)?,
            reason: row.try_get(3)?,
        });
    }
    Ok(condition)
}
