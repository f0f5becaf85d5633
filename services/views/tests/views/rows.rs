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

/// The indexes and constraints of all tables, as they are defined.
pub async fn indexes(server: &Server, settings: &Settings) -> Vec<String> {
    let client = server.client(settings).await;
    let sql = "SELECT indexdef FROM pg_indexes WHERE schemaname = $1
               UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
               WHERE connamespace = $1::text::regnamespace
               UNION ALL SELECT relname::text || ' ' || relpersistence::text FROM pg_class WHERE relnamespace = $1::text::regnamespace
               ORDER BY 1";
    client.query(sql, &[&settings.schema]).await.unwrap().iter().map(|row| row.get(0)).collect()
}
