//! The statement that writes a table's rows again, for many transitions at once.

use super::{
    super::{document, tables::Column},
    ids::{AN_HOUR, expression as id, within},
};
use std::{collections::BTreeSet, ops::Range};
use uuid::Uuid;

/// Numbers between these are times, in microseconds since 1970; what is further off stays where it is.
const TIMES: Range<i64> = 1_000_000_000_000_000..4_000_000_000_000_000;
const MICROS_AN_HOUR: i64 = 3_600_000_000;

/// A table, and the rows that one transition has left in it.
#[derive(Debug)]
pub struct Copy {
    table: String,
    columns: Vec<String>,
    /// For each column its expression, where all rows have the same, or each row's.
    values: Vec<Vec<Value>>,
    rows: usize,
    /// Those that occur, by their places among all.
    ids: BTreeSet<usize>,
    postgres: bool,
}

/// A value of a row, as SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Null,
    Plain(String),
    /// As many hours back as the number says.
    Time(i64),
    /// A text with ids in it.
    Text(Vec<Piece>, bool),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// By its place among all.
    Id(usize),
}

impl Copy {
    /// Of these rows, every value as text. `ids` gathers the ids of all tables.
    pub fn of(table: String, columns: Vec<Column>, rows: &[Vec<Option<String>>], ids: &mut Vec<Uuid>, postgres: bool) -> Self {
        let mut copy = Self { table, columns: Vec::new(), values: Vec::new(), rows: rows.len(), ids: BTreeSet::new(), postgres };
        for (index, column) in columns.into_iter().enumerate() {
            let of = |row: &Vec<Option<String>>| copy.value(&column.kind, row.get(index).and_then(Option::as_deref), ids);
            let mut values: Vec<Value> = rows.iter().map(of).collect();
            if values.windows(2).all(|two| two[0] == two[1]) {
                values.truncate(1);
            }
            copy.columns.push(column.name);
            copy.values.push(values);
        }
        copy
    }

    /// Are its rows somebody's?
    pub fn has_ids(&self) -> bool {
        !self.ids.is_empty()
    }

    fn value(&mut self, kind: &str, text: Option<&str>, ids: &mut Vec<Uuid>) -> Value {
        let Some(text) = text else { return Value::Null };
        match kind {
            "text" | "uuid" => Value::Text(self.pieces(text, ids), kind == "uuid" && self.postgres),
            _ => match text.parse() {
                Ok(time) if TIMES.contains(&time) => Value::Time(time),
                _ => Value::Plain(text.to_owned()),
            },
        }
    }

    fn pieces(&mut self, text: &str, ids: &mut Vec<Uuid>) -> Vec<Piece> {
        let (mut pieces, mut end) = (Vec::new(), 0);
        for (at, id) in within(text) {
            // all are of the same partner
            if id == document::partner() || id.is_nil() {
                continue;
            }
            let which = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                ids.push(id);
                ids.len() - 1
            });
            self.ids.insert(which);
            pieces.extend([Piece::Text(text[end..at].to_owned()), Piece::Id(which)]);
            end = at + id.hyphenated().to_string().len();
        }
        pieces.push(Piece::Text(text[end..].to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        pieces
    }

    /// For the numbers from `first` to `last`, of so many in all.
    pub fn statement(&self, ids: &[Uuid], first: usize, last: usize, total: usize) -> String {
        let numbers = if self.postgres {
            format!("numbers AS MATERIALIZED (SELECT n::bigint FROM generate_series({first}, {last}) AS n)")
        } else {
            format!("numbers (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})")
        };
        let ids = self.ids.iter().filter_map(|which| {
            let expression = id(*ids.get(*which)?, *which, total, self.postgres);
            Some(format!(", {expression} AS id{which}"))
        });
        let rows: Vec<String> = (0..self.rows).map(|row| format!("({row})")).collect();
        let values: Vec<String> = self.values.iter().map(|values| expression(values, total)).collect();
        format!(
            "WITH RECURSIVE {numbers}, ids AS MATERIALIZED (SELECT n{} FROM numbers), each_row (k) AS (VALUES {})
             INSERT INTO {} ({}) SELECT {} FROM ids CROSS JOIN each_row",
            ids.collect::<String>(),
            rows.join(", "),
            self.table,
            self.columns.join(", "),
            values.join(", "),
        )
    }
}

/// A column's value, in whichever row.
fn expression(values: &[Value], total: usize) -> String {
    match values {
        [same] => same.expression(total),
        each => {
            let cases = each.iter().enumerate().map(|(row, value)| format!(" WHEN {row} THEN {}", value.expression(total)));
            format!("CASE k{} END", cases.collect::<String>())
        }
    }
}

impl Value {
    fn expression(&self, total: usize) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Plain(text) => text.clone(),
            Self::Time(time) => format!("{time} - ({total} - n) / {AN_HOUR} * {MICROS_AN_HOUR}"),
            Self::Text(pieces, is_uuid) => {
                let pieces: Vec<String> = pieces.iter().map(Piece::expression).collect();
                let text = if pieces.is_empty() { "''".to_owned() } else { pieces.join(" || ") };
                if *is_uuid { format!("CAST({text} AS uuid)") } else { text }
            }
        }
    }
}

impl Piece {
    fn expression(&self) -> String {
        match self {
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Id(which) => format!("id{which}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::tables::Tables;
    use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

    fn columns(tables: &mut Tables, table: &str) -> (Vec<Column>, Vec<Vec<Option<String>>>) {
        let columns = tables.columns("main", table);
        let rows = tables.texts("main", table, &columns);
        (columns, rows)
    }

    #[test]
    fn copies_have_ids_and_times_of_their_own() {
        let connection = crate::block_on(SqliteConnectOptions::new().in_memory(true).connect());
        let mut tables = Tables::Sqlite(connection.unwrap());
        let (one, other, partner) = (Uuid::now_v7(), Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"other"), document::partner());
        tables.execute(&format!(
            "CREATE TABLE main.a (id uuid PRIMARY KEY, partner uuid, at bigint, open boolean, body text, none text);
             CREATE TABLE main.b (id uuid, number bigint, text text, PRIMARY KEY (id, number));
             INSERT INTO main.a VALUES ('{one}', '{partner}', 1795386499642371, 0, 'it''s {{\"{other}\"}}', NULL);
             INSERT INTO main.b VALUES ('{one}', 1, 'first'), ('{one}', 2, '{other}')"
        ));
        let mut ids = Vec::new();
        for (table, rows) in [("a", 3), ("b", 6)] {
            let (columns, found) = columns(&mut tables, table);
            let copy = Copy::of(format!("main.{table}"), columns, &found, &mut ids, false);
            assert_eq!(tables.execute(&copy.statement(&ids, 3_999, 4_001, 8_000)), rows);
        }
        assert_eq!(ids, [one, other]);

        let (_, a) = columns(&mut tables, "a");
        assert_eq!(a.len(), 4);
        let mut last = String::new();
        for (row, hours) in a[1..].iter().zip([1, 1, 0]) {
            let text = |column: usize| row[column].clone().unwrap_or_default();
            assert_eq!(text(2), (1_795_386_499_642_371 - hours * MICROS_AN_HOUR).to_string(), "4000 of them in an hour");
            assert_eq!((text(1), text(3), row[5].clone()), (partner.to_string(), "0".to_owned(), None));
            let id: Uuid = text(0).parse().unwrap();
            assert_eq!(id.get_version_num(), 7);
            assert!(last < text(0) && id < one, "in the order of time: {id}");
            assert!(text(4).starts_with("it's {\"") && !text(4).contains(&other.to_string()), "{}", text(4));
            last = text(0);
        }
        // the same id is the same in every table
        let pairs = "SELECT count(*) FROM a JOIN b ON a.id = b.id AND b.number = 2 AND instr(a.body, b.text) > 0";
        assert_eq!(tables.number(pairs), 4);
    }
}
