//! All rows of all tables, to be held against each other.

use crate::server::Server;
use std::collections::BTreeMap;
use views::database::Settings;

/// The rows of each table as JSON, in order.
pub async fn all(server: &Server, settings: &Settings) -> BTreeMap<String, Vec<String>> {
    let client = server.client(settings).await;
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 AND tablename <> 'refinery_schema_history'";
    let mut tables = BTreeMap::new();
    for table in client.query(sql, &[&settings.schema]).await.unwrap() {
        let table: String = table.get(0);
        let rows = client.query(&format!("SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1"), &[]).await.unwrap();
        tables.insert(table, rows.iter().map(|row| row.get(0)).collect());
    }
    tables
}
