//! Rows in PostgreSQL's binary COPY format. Knows no view.

use crate::Error;
use crate::fold::Said;
use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::Transaction;
use futures::SinkExt as _;
use jiff::Timestamp;
use uuid::Uuid;

/// Microseconds from 1970, where our instants begin, to 2000, where PostgreSQL's do.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// Rows on their way into one table.
pub struct Rows {
    bytes: BytesMut,
    columns: i16,
    rows: usize,
}

impl Rows {
    /// No rows yet, of so many columns.
    pub fn of(columns: i16) -> Rows {
        let mut bytes = BytesMut::new();
        bytes.put_slice(b"PGCOPY\n\xff\r\n\0");
        bytes.put_u64(0); // No flags, no extension.
        Rows { bytes, columns, rows: 0 }
    }

    /// Begins a row; each of its columns must follow, in order.
    pub fn row(&mut self) -> &mut Rows {
        self.bytes.put_i16(self.columns);
        self.rows += 1;
        self
    }

    /// A null.
    pub fn null(&mut self) -> &mut Rows {
        self.bytes.put_i32(-1);
        self
    }

    /// A smallint.
    pub fn small(&mut self, value: i16) -> &mut Rows {
        self.bytes.put_i32(2);
        self.bytes.put_i16(value);
        self
    }

    /// An integer.
    pub fn int(&mut self, value: i32) -> &mut Rows {
        self.bytes.put_i32(4);
        self.bytes.put_i32(value);
        self
    }

    /// A bigint.
    pub fn big(&mut self, value: i64) -> &mut Rows {
        self.bytes.put_i32(8);
        self.bytes.put_i64(value);
        self
    }

    /// A new row that begins with where an event stands and what recorded it: sequence, ordinal, organization, command.
    pub fn said(&mut self, Said { at, by, .. }: &Said) -> &mut Rows {
        self.row().big(at.sequence).int(at.ordinal).text(by.organization.as_str()).uuid(by.command.0)
    }

    /// A boolean.
    pub fn flag(&mut self, value: bool) -> &mut Rows {
        self.bytes.put_i32(1);
        self.bytes.put_u8(value.into());
        self
    }

    /// A text. PostgreSQL knows no zero byte: it is shown as U+FFFD.
    pub fn text(&mut self, value: &str) -> &mut Rows {
        if value.contains('\0') {
            return self.sized(value.replace('\0', "\u{FFFD}").as_bytes());
        }
        self.sized(value.as_bytes())
    }

    /// A UUID.
    pub fn uuid(&mut self, value: Uuid) -> &mut Rows {
        self.sized(value.as_bytes())
    }

    /// A timestamptz, to the microsecond.
    pub fn instant(&mut self, value: Timestamp) -> &mut Rows {
        self.big(value.as_microsecond() - POSTGRES_EPOCH_MICROS)
    }

    /// A jsonb.
    pub fn json(&mut self, value: &serde_json::Value) -> &mut Rows {
        // Version 1 of its binary form is a byte and the text. Its text cannot hold a zero character either.
        let text = value.to_string().replace("\\u0000", "\\ufffd");
        self.bytes.put_i32(size(text.len() + 1));
        self.bytes.put_u8(1);
        self.bytes.put_slice(text.as_bytes());
        self
    }

    /// A value that may be missing.
    pub fn maybe<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Rows, T) -> &mut Rows) -> &mut Rows {
        match value {
            Some(value) => put(self, value),
            None => self.null(),
        }
    }

    fn sized(&mut self, value: &[u8]) -> &mut Rows {
        self.bytes.put_i32(size(value.len()));
        self.bytes.put_slice(value);
        self
    }

    /// Sends the rows into a table, given as `table (column, …)`. Nothing is asked of PostgreSQL where there are none.
    pub async fn send(self, transaction: &Transaction<'_>, into: &str) -> Result<(), Error> {
        self.copy(transaction, &format!("COPY {into} FROM STDIN (FORMAT binary)")).await
    }

    /// The same into a table that this transaction emptied: nobody else will ever ask whether its rows are there yet.
    pub async fn send_frozen(self, transaction: &Transaction<'_>, into: &str) -> Result<(), Error> {
        self.copy(transaction, &format!("COPY {into} FROM STDIN (FORMAT binary, FREEZE)")).await
    }

    async fn copy(mut self, transaction: &Transaction<'_>, statement: &str) -> Result<(), Error> {
        if self.rows == 0 {
            return Ok(());
        }
        self.bytes.put_i16(-1);
        let copy = transaction.prepare_cached(statement).await?;
        let sink = transaction.copy_in::<_, Bytes>(&copy).await?;
        let mut sink = std::pin::pin!(sink);
        let mut bytes = self.bytes.freeze();
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(256 * 1024));
            sink.send(chunk).await?;
        }
        sink.finish().await?;
        Ok(())
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

/// Sends the rows of tables, each with the columns that they go into.
pub async fn send_all(transaction: &Transaction<'_>, tables: impl IntoIterator<Item = (Rows, &str)>) -> Result<(), Error> {
    for (rows, into) in tables {
        rows.send(transaction, into).await?;
    }
    Ok(())
}

/// A field is far below 2 GiB: an entry is below 1 MiB.
fn size(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
