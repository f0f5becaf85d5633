//! Which chain a lot belongs to, for those who read the journal and find only the lot's id in it. A lot keeps its chain, so it does
//! not matter how much later this is asked.

use crate::database::{self, Settings};
use crate::read::Views;
use crate::{Error, read::Cut};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// How long one wait for the views lasts.
const WAIT: Duration = Duration::from_secs(1);

/// Asks for chains.
pub struct Chains(Views);

impl Chains {
    /// Asks these tables. Call it inside a runtime.
    pub fn of(settings: &Settings) -> Result<Chains, Error> {
        let pool = database::connect(&Settings { connections: 1, ..settings.clone() })?;
        Ok(Chains(Views::over(pool, tokio::sync::watch::channel(false).1)))
    }

    /// The chains of lots, once the views hold an entry and so whatever began them. A lot whose beginning is parked has none.
    pub async fn of_lots(&self, sequence: u64, lots: Vec<Uuid>) -> Result<BTreeMap<Uuid, String>, Error> {
        if lots.is_empty() {
            return Ok(BTreeMap::new());
        }
        loop {
            {
                let mut client = self.0.connection().await?;
                let cut = Cut::of(&mut client).await?;
                if cut.checkpoint.sequence >= sequence {
                    let rows = cut.rows("SELECT lot_id, chain_code FROM lots WHERE lot_id = ANY($1)", &[&lots]).await?;
                    let chains = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
                    let chains = chains.collect::<Result<_, Error>>()?;
                    if cut.is_whole().await? {
                        return Ok(chains);
                    }
                }
            }
            self.0.beyond(sequence.saturating_sub(1), WAIT).await;
        }
    }
}
