//! What PostgreSQL knows of how large the tables are. Statements planned when they were small, where any index does, are planned
//! again when it looks at them. Its own housekeeping does the same, too late for tables that are filled in seconds.

use crate::Error;
use crate::database::{self, Settings};
use std::time::Duration;
use tokio_postgres::GenericClient;

/// Number of events from which it looks at single tables alone, beside the projector: looking takes too long to wait for.
pub(crate) const GROWN: i64 = 10_000;
/// How often tables are looked at from then on.
const LOOK: Duration = Duration::from_secs(1);
/// Tables whose rows are looked up while they are written.
const ANALYZED: &str = "lots, stock, stock_totals, outside, shipments, shipment_lines, flow_daily, flow_monthly, goods_daily, goods_monthly, dispatch_daily, dispatch_monthly, chain_days, movements";

/// Lets it look at all of them.
pub(crate) async fn look(client: &impl GenericClient) -> Result<(), Error> {
    Ok(client.batch_execute(&format!("ANALYZE {ANALYZED}")).await?)
}

/// Lets it look at single tables that have grown, on a connection of its own, as long as that holds: harvests of a whole season may
/// come before the first shipment.
pub(crate) async fn follow(settings: &Settings) -> Result<std::convert::Infallible, Error> {
    tokio::time::sleep(LOOK).await;
    let client = database::connection(settings).await?;
    let grown = "
        SELECT t.relname::text FROM pg_stat_user_tables t JOIN pg_class c ON c.oid = t.relid JOIN checkpoint ON event_count >= $2
        WHERE t.schemaname = current_schema() AND t.relname::text = ANY(string_to_array($1, ', '))
            AND t.n_mod_since_analyze > 3 * greatest(c.reltuples, 2500)";
    let statement = client.prepare(grown).await?;
    loop {
        for row in client.query(&statement, &[&ANALYZED, &GROWN]).await? {
            let table: String = row.try_get(0)?;
            tracing::debug!(table, "analyzes a table that has grown");
            client.batch_execute(&format!("ANALYZE {table}")).await?;
        }
        tokio::time::sleep(LOOK).await;
    }
}
