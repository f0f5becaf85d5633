//! What goes to standard output: tables for people, lines of JSON for scripts, CSV for spreadsheets.

pub mod csv;
pub mod json;
pub mod rows;

use std::io::{ErrorKind, Write as _};

use comfy_table::{CellAlignment, ContentArrangement, Row, Table as Grid, presets};

use crate::failure::Failure;

/// Writes to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    written.and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::NobodyReads,
        _ => Failure::failed("cannot write to standard output", error),
    })
}

/// A table for people. Its columns keep their width, so that what is cut is the terminal's line and never a code.
pub struct Table {
    grid: Grid,
    /// Columns that hold anything in some row; the others are not shown.
    used: Vec<bool>,
    rows: Vec<Vec<String>>,
    header: Vec<String>,
    right: Vec<bool>,
}

impl Table {
    /// A table with these columns; those whose name ends in `>` are aligned to the right, which is where figures belong.
    pub fn new(columns: &[&str]) -> Table {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        Table {
            grid,
            used: vec![false; columns.len()],
            rows: Vec::new(),
            header: columns.iter().map(|name| name.trim_end_matches('>').to_owned()).collect(),
            right: columns.iter().map(|name| name.ends_with('>')).collect(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let row: Vec<String> = cells.into_iter().map(Into::into).collect();
        for (used, cell) in self.used.iter_mut().zip(&row) {
            *used |= !cell.is_empty();
        }
        self.rows.push(row);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text; columns that are empty all the way down are left out.
    pub fn render(mut self) -> String {
        let kept = |cells: Vec<String>| -> Row {
            cells.into_iter().zip(&self.used).filter(|(_, used)| **used).map(|(cell, _)| cell).collect::<Vec<_>>().into()
        };
        self.grid.set_header(kept(self.header.iter().map(|name| name.to_uppercase()).collect()));
        for row in self.rows {
            self.grid.add_row(kept(row));
        }
        let right = self.right.iter().zip(&self.used).filter(|(_, used)| **used).map(|(right, _)| *right);
        for (index, right) in right.enumerate() {
            if let Some(column) = self.grid.column_mut(index) {
                column.set_padding((0, 2));
                column.set_cell_alignment(if right { CellAlignment::Right } else { CellAlignment::Left });
            }
        }
        let mut text: String = self.grid.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        if text.trim().is_empty() {
            text.clear();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_aligns_its_columns_and_leaves_out_empty_ones() {
        let mut table = Table::new(&["site", "trip", "name", "quantity>", "unit"]);
        table.row(["SM001", "", "Siêu thị Mẫu Ba Đình 01", "1 234,5", "kg"]);
        table.row(["GS0001", "", "Cửa hàng Mẫu Đống Đa", "7", "pieces"]);
        insta::assert_snapshot!(table.render(), @r"
        SITE    NAME                     QUANTITY  UNIT
        SM001   Siêu thị Mẫu Ba Đình 01   1 234,5  kg
        GS0001  Cửa hàng Mẫu Đống Đa            7  pieces
        ");
    }
}
