use super::*;

fn both(template: &'static str) -> (String, String) {
    let expanded = expand(template);
    (expanded.sql.postgres, expanded.sql.sqlite)
}

#[test]
fn values_keep_their_argument_and_repeat() {
    let (postgres, sqlite) = both("SELECT $2, $1, $2 FROM t WHERE a = $11");
    assert_eq!(postgres, "SELECT $1, $2, $1 FROM t WHERE a = $3");
    assert_eq!(sqlite, "SELECT ?2, ?1, ?2 FROM t WHERE a = ?11");
}

#[test]
fn rows_become_arrays_or_json() {
    let (postgres, sqlite) = both("SELECT $1, r.id FROM {2: id uuid, name text, size bigint, done boolean} AS r WHERE x = $3");
    assert_eq!(
        postgres,
        "SELECT $1, r.id FROM UNNEST($2::uuid[], $3::text[], $4::bigint[], $5::boolean[]) AS r(id, name, size, done) WHERE x = $6"
    );
    assert_eq!(
        sqlite,
        "SELECT ?1, r.id FROM (SELECT value->>0 AS id, value->>1 AS name, value->>2 AS size, value->>3 AS done FROM json_each(?2)) AS r \
         WHERE x = ?3"
    );
}

#[test]
fn the_same_rows_twice_share_their_parameters() {
    let (postgres, sqlite) = both("SELECT 1 FROM {1: id uuid} AS a, {1: id uuid}\n  as b");
    assert_eq!(postgres, "SELECT 1 FROM UNNEST($1::uuid[]) AS a(id), UNNEST($1::uuid[]) AS b(id)");
    assert_eq!(sqlite, "SELECT 1 FROM (SELECT value->>0 AS id FROM json_each(?1)) AS a, (SELECT value->>0 AS id FROM json_each(?1)) AS b");
}

#[test]
fn locks_are_for_postgres() {
    assert_eq!(both("SELECT 1 {for update}"), ("SELECT 1 FOR UPDATE".into(), "SELECT 1 ".into()));
    assert_eq!(both("SELECT 1 { for update  skip locked }"), ("SELECT 1 FOR UPDATE SKIP LOCKED".into(), "SELECT 1 ".into()));
}

#[test]
fn one_database_alone() {
    let (postgres, sqlite) = both("SELECT {postgres: f($1, {2: id uuid} AS r)}{sqlite: g($1)}");
    assert_eq!(postgres, "SELECT f($1, UNNEST($2::uuid[]) AS r(id))");
    assert_eq!(sqlite, "SELECT g(?1)");
}

#[test]
fn casts_are_for_postgres() {
    assert_eq!(both("SELECT $1::uuid, sum(x)::bigint"), ("SELECT $1::uuid, sum(x)::bigint".into(), "SELECT ?1, sum(x)".into()));
    assert_eq!(both("SELECT $1::text[]").1, "SELECT ?1");
}

#[test]
fn quoted_text_is_left_alone_and_comments_are_dropped() {
    let template = "SELECT '{\"a\": $1}', 'it''s {', \"od$1d\" -- don't { $9\nFROM t WHERE 'é🦀' = $1";
    let (postgres, sqlite) = both(template);
    assert_eq!(postgres, "SELECT '{\"a\": $1}', 'it''s {', \"od$1d\" \nFROM t WHERE 'é🦀' = $1");
    assert_eq!(sqlite, "SELECT '{\"a\": $1}', 'it''s {', \"od$1d\" \nFROM t WHERE 'é🦀' = ?1");
    assert_eq!(both("SELECT {postgres: '}'}{sqlite: '{'}"), ("SELECT '}'".into(), "SELECT '{'".into()));
}

#[test]
fn reading_is_told_from_writing() {
    for reads in
        ["SELECT 1", " select x FROM t {for update}", "WITH a AS (SELECT 1) SELECT * FROM a", "SELECT 'delete it'", "SELECT updated"]
    {
        assert!(expand(reads).only_reads, "{reads}");
    }
    for writes in
        ["INSERT INTO t SELECT 1", "UPDATE t SET a = 1", "DELETE FROM t", "WITH a AS (SELECT 1) DELETE FROM t", "CREATE TABLE t (a text)"]
    {
        assert!(!expand(writes).only_reads, "{writes}");
    }
}

#[test]
fn wrong_templates_panic() {
    for wrong in [
        "SELECT {",
        "SELECT }",
        "SELECT 'x",
        "SELECT $0",
        "SELECT {nonsense}",
        "FROM {1: id uuid}",
        "FROM {1: id uuid} AS",
        "FROM {1: id uuid} ASr",
        "FROM {1: id float} AS r",
        "FROM {1: id} AS r",
        "FROM {1: i-d uuid} AS r",
        "SELECT $1 FROM {1: id uuid} AS r",
        "FROM {1: id uuid} AS a, {1: id text} AS b",
        "SELECT 1:: ",
    ] {
        assert!(std::panic::catch_unwind(|| expand(wrong)).is_err(), "{wrong}");
    }
}
