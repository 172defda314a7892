//! The effect ledger, end to end.

use super::fixture::{ODD_TEXTS, ensure, ensure_eq, ensure_err, migrated};
use super::{Failure, Outcome, Place};
use crate::ledger::{Action, Claim, LedgerRow, LedgerState, Verdict, claim, decide, load, lock, page, record};
use crate::ledger::{
    claim::UPDATE,
    read::{LOAD, PAGE},
};
use crate::{Args, Database, Dialect, Statement, StorageError, Value};
use LedgerState::{Done, Fenced, Intent, Refused, Undone};
use Verdict::{Answer, Apply, Fence, LookUp, Stale};
use std::collections::HashMap;
use uuid::Uuid;

const STEP: &str = "map";
const T: Uuid = Uuid::from_u128(7);
const NOW: i64 = 1_790_000_000_000_000;

fn of(item: &str, attempt: u32) -> Claim {
    Claim { transition: T, item: item.to_owned(), attempt }
}

fn row(item: &str, state: LedgerState, attempt: u32, answer: Option<&str>) -> LedgerRow {
    LedgerRow { transition: T, item: item.to_owned(), state, attempt, answer: answer.map(str::to_owned), at: NOW }
}

/// One claim in a transaction of its own, with what is to be recorded after it.
async fn once(database: &Database, action: Action, claimed: Claim, then: &[LedgerRow]) -> Result<(Verdict, Option<LedgerRow>), Failure> {
    let mut tx = database.begin().await?;
    let mut verdicts = claim(&mut tx, STEP, action, &[claimed], NOW).await?;
    record(&mut tx, STEP, then).await?;
    tx.commit().await?;
    verdicts.pop().filter(|_| verdicts.is_empty()).ok_or_else(|| Failure("not one verdict for one claim".to_owned()))
}

async fn stored(database: &Database, item: &str) -> Result<Option<LedgerRow>, StorageError> {
    Ok(load(database, STEP, &[(T, item.to_owned())]).await?.pop())
}

/// Every row, every action, every attempt around the row's: the verdict is that of the pure rules, the row is returned as it was
/// found, and what is stored then is what the verdict promises.
pub(super) async fn by_the_rules(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    for existing in std::iter::once(None).chain(LedgerState::ALL.map(Some)) {
        for action in [Action::Do, Action::Undo] {
            for attempt in [4, 5, 6] {
                let item = format!("{existing:?} {action:?} {attempt}");
                let before = existing.map(|state| row(&item, state, 5, Some("before")));
                if let Some(before) = &before {
                    // Nothing becomes `fenced` after it was `done`, not even in a test.
                    let first = if before.state == Fenced { Action::Undo } else { Action::Do };
                    once(&database, first, of(&item, 5), std::slice::from_ref(before)).await?;
                }
                let (verdict, found) = once(&database, action, of(&item, attempt), &[]).await?;
                ensure_eq!(verdict, decide(existing.map(|state| (state, 5)), action, attempt));
                ensure_eq!(found, before);
                let expected = match (verdict, action) {
                    (Apply, Action::Do) => Some(row(&item, Done, attempt, None)),
                    (Fence, _) => Some(row(&item, Fenced, attempt, None)),
                    _ => before,
                };
                ensure_eq!(stored(&database, &item).await?, expected);
            }
        }
    }
    Ok(())
}

pub(super) async fn done_once(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let done = row("a", Done, 1, Some("{\"at\": 'noon'}"));
    ensure_eq!(once(&database, Action::Do, of("a", 1), std::slice::from_ref(&done)).await?, (Apply, None));
    for attempt in [1, 1, 2, 9, 0] {
        ensure_eq!(once(&database, Action::Do, of("a", attempt), &[]).await?, (Answer, Some(done.clone())));
    }
    // The same item of another step or transition is another item.
    let mut tx = database.begin().await?;
    ensure_eq!(claim(&mut tx, "suspend", Action::Do, &[of("a", 1)], NOW).await?, [(Apply, None)]);
    let other = Claim { transition: Uuid::from_u128(8), ..of("a", 1) };
    ensure_eq!(claim(&mut tx, STEP, Action::Do, &[other], NOW).await?, [(Apply, None)]);
    tx.commit().await?;
    Ok(())
}

pub(super) async fn fence_first(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    ensure_eq!(once(&database, Action::Undo, of("a", 1), &[]).await?, (Fence, None));
    let fenced = row("a", Fenced, 1, None);
    for attempt in [1, 2] {
        ensure_eq!(once(&database, Action::Do, of("a", attempt), &[]).await?, (Answer, Some(fenced.clone())));
        ensure_eq!(once(&database, Action::Undo, of("a", attempt), &[]).await?, (Answer, Some(fenced.clone())));
    }
    Ok(())
}

pub(super) async fn undone_stays(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    ensure_eq!(once(&database, Action::Do, of("a", 1), &[]).await?.0, Apply);
    let undone = row("a", Undone, 1, Some("given back"));
    let (verdict, found) = once(&database, Action::Undo, of("a", 1), std::slice::from_ref(&undone)).await?;
    ensure_eq!((verdict, found), (Apply, Some(row("a", Done, 1, None))));
    for action in [Action::Do, Action::Undo, Action::Do] {
        ensure_eq!(once(&database, action, of("a", 2), &[]).await?, (Answer, Some(undone.clone())));
    }
    Ok(())
}

pub(super) async fn refused_for_its_attempt(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let refused = row("a", Refused, 2, Some("AZ-1"));
    ensure_eq!(once(&database, Action::Do, of("a", 2), std::slice::from_ref(&refused)).await?, (Apply, None));
    ensure_eq!(once(&database, Action::Do, of("a", 2), &[]).await?, (Answer, Some(refused.clone())));
    ensure_eq!(once(&database, Action::Do, of("a", 1), &[]).await?, (Stale, Some(refused.clone())));
    ensure_eq!(once(&database, Action::Do, of("a", 3), &[]).await?, (Apply, Some(refused)));
    ensure_eq!(once(&database, Action::Do, of("a", 4), &[]).await?, (Answer, Some(row("a", Done, 3, None))));
    ensure_eq!(once(&database, Action::Do, of("b", 1), &[row("b", Refused, 1, None)]).await?.0, Apply);
    ensure_eq!(once(&database, Action::Undo, of("b", 1), &[]).await?.0, Fence);
    ensure_eq!(once(&database, Action::Do, of("b", 2), &[]).await?, (Answer, Some(row("b", Fenced, 1, None))));
    Ok(())
}

pub(super) async fn intent(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    for (item, then) in [("a", Done), ("b", Refused), ("c", Undone), ("d", Fenced)] {
        let intent = row(item, Intent, 1, None);
        ensure_eq!(once(&database, Action::Do, of(item, 1), std::slice::from_ref(&intent)).await?, (Apply, None));
        ensure_eq!(once(&database, Action::Do, of(item, 2), &[]).await?, (LookUp, Some(intent.clone())));
        ensure_eq!(once(&database, Action::Undo, of(item, 1), &[]).await?, (LookUp, Some(intent.clone())));
        let mut tx = database.begin().await?;
        ensure_eq!(lock(&mut tx, STEP, &[(T, item.to_owned())]).await?, [intent]);
        record(&mut tx, STEP, &[row(item, then, 1, None)]).await?;
        tx.commit().await?;
        ensure_eq!(stored(&database, item).await?, Some(row(item, then, 1, None)));
    }
    Ok(())
}

pub(super) async fn order_and_repeats(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let mut tx = database.begin().await?;
    ensure_eq!(claim(&mut tx, STEP, Action::Do, &[], NOW).await?, []);
    tx.commit().await?;
    once(&database, Action::Do, of("m", 1), &[]).await?;
    once(&database, Action::Do, of("k", 1), &[row("k", Refused, 1, None)]).await?;

    let mut tx = database.begin().await?;
    let claims = [of("z", 1), of("m", 1), of("a", 1), of("z", 1), of("k", 1), of("k", 2), of("a", 3)];
    let verdicts = claim(&mut tx, STEP, Action::Do, &claims, NOW).await?;
    let expected = [
        (Apply, None),
        (Answer, Some(row("m", Done, 1, None))),
        (Answer, None),
        (Answer, None),
        (Answer, None),
        (Apply, Some(row("k", Refused, 1, None))),
        (Apply, None),
    ];
    ensure_eq!(verdicts, expected);
    tx.commit().await?;
    ensure_eq!(stored(&database, "a").await?, Some(row("a", Done, 3, None)));

    // Keys of any text.
    let mut tx = database.begin().await?;
    let odd: Vec<Claim> = ODD_TEXTS.iter().map(|text| of(text, 1)).collect();
    let verdicts = claim(&mut tx, "odd", Action::Do, &odd, NOW).await?;
    ensure!(verdicts.iter().all(|verdict| *verdict == (Apply, None)), "{verdicts:?}");
    let verdicts = claim(&mut tx, "odd", Action::Do, &odd, NOW).await?;
    for (claim, (verdict, found)) in odd.iter().zip(verdicts) {
        ensure_eq!((verdict, found), (Answer, Some(row(&claim.item, Done, 1, None))));
    }
    tx.commit().await?;
    Ok(())
}

pub(super) async fn final_rows(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    once(&database, Action::Do, of("done", 1), &[]).await?;
    once(&database, Action::Undo, of("fenced", 1), &[]).await?;
    once(&database, Action::Do, of("undone", 1), &[]).await?;
    once(&database, Action::Undo, of("undone", 1), &[row("undone", Undone, 1, None)]).await?;
    let wrong = [
        vec![row("fenced", Done, 1, None)],
        vec![row("fenced", Undone, 1, None)],
        vec![row("undone", Done, 1, None)],
        vec![row("undone", Fenced, 1, None)],
        vec![row("done", Fenced, 1, None)],
        vec![row("absent", Done, 1, None)],
        vec![row("done", Undone, 1, None), row("done", Undone, 1, None)],
        vec![row("done", Undone, 1, None), row("fenced", Done, 1, None)],
    ];
    for rows in wrong {
        let mut tx = database.begin().await?;
        ensure_err!(record(&mut tx, STEP, &rows).await, StorageError::Statement(_));
        tx.rollback().await?;
    }
    ensure_eq!(stored(&database, "done").await?.map(|row| row.state), Some(Done));
    // An answer may be added.
    let mut tx = database.begin().await?;
    record(&mut tx, STEP, &[row("fenced", Fenced, 1, Some("answer"))]).await?;
    tx.commit().await?;
    ensure_eq!(stored(&database, "fenced").await?, Some(row("fenced", Fenced, 1, Some("answer"))));
    Ok(())
}

/// Many batches with the same items, each in another order, some of them undos, some dropped: each item is applied or fenced by
/// exactly one that commits, and no batch loses against another (no deadlock).
pub(super) async fn one_applies(place: &dyn Place) -> Outcome {
    const ITEMS: usize = 20;
    const BATCHES: usize = 24;
    async fn batch(database: Database, number: usize) -> Result<Vec<(String, Verdict)>, StorageError> {
        let mut claims: Vec<Claim> = (0..ITEMS).map(|item| of(&format!("item {item}"), 1)).collect();
        claims.rotate_left(number % ITEMS);
        if number.is_multiple_of(2) {
            claims.reverse();
        }
        claims.truncate(ITEMS / 2 + number % ITEMS / 2);
        let action = if number % 6 == 5 { Action::Undo } else { Action::Do };
        let mut tx = database.begin().await?;
        let verdicts = claim(&mut tx, STEP, action, &claims, NOW).await?;
        let undone: Vec<LedgerRow> = verdicts
            .iter()
            .filter(|(verdict, _)| action == Action::Undo && *verdict == Apply)
            .filter_map(|(_, row)| row.clone())
            .map(|row| LedgerRow { state: Undone, ..row })
            .collect();
        record(&mut tx, STEP, &undone).await?;
        if number.is_multiple_of(5) {
            return Ok(Vec::new());
        }
        tx.commit().await?;
        // An undo of what was done is not counted: it is the second of two effects.
        let mut said = claims.into_iter().zip(verdicts).map(|(claim, (verdict, _))| (claim.item, verdict)).collect::<Vec<_>>();
        said.retain(|(_, verdict)| *verdict == Fence || (action == Action::Do && *verdict == Apply));
        Ok(said)
    }
    let databases = [migrated(place).await?, place.open().await?];
    let tasks: Vec<_> = (0..BATCHES).map(|number| tokio::spawn(batch(databases[number % 2].clone(), number))).collect();
    let mut first: HashMap<String, usize> = HashMap::new();
    for task in tasks {
        for (item, _) in task.await?? {
            *first.entry(item).or_default() += 1;
        }
    }
    ensure_eq!(first.len(), ITEMS);
    ensure!(first.values().all(|count| *count == 1), "{first:?}");
    Ok(())
}

pub(super) async fn dropped_claim(place: &dyn Place) -> Outcome {
    let databases = [migrated(place).await?, place.open().await?];
    let mut tx = databases[0].begin().await?;
    ensure_eq!(claim(&mut tx, STEP, Action::Do, &[of("a", 1)], NOW).await?, [(Apply, None)]);
    let waiting = tokio::spawn({
        let database = databases[1].clone();
        async move { once(&database, Action::Undo, of("a", 1), &[]).await }
    });
    tokio::task::yield_now().await;
    drop(tx);
    ensure_eq!(waiting.await??, (Fence, None));
    ensure_eq!(once(&databases[0], Action::Do, of("a", 1), &[]).await?.0, Answer);
    Ok(())
}

pub(super) async fn pages(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    ensure_eq!(page(&database, None, 10).await?, []);
    let mut expected = Vec::new();
    for transition in [Uuid::nil(), Uuid::from_u128(1), Uuid::max()] {
        for step in ["map", "Map", "suspend", "é"] {
            let claims: Vec<Claim> = ODD_TEXTS.iter().map(|text| Claim { transition, item: (*text).to_owned(), attempt: 1 }).collect();
            let mut tx = database.begin().await?;
            claim(&mut tx, step, Action::Do, &claims, NOW).await?;
            tx.commit().await?;
            expected.extend(claims.into_iter().map(|claim| (transition, step.to_owned(), claim.item)));
        }
    }
    expected.sort();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let rows = page(&database, after.as_ref(), 50).await?;
        ensure!(rows.len() <= 50, "a page of {} rows", rows.len());
        let Some((last, _)) = rows.last() else { break };
        after = Some(last.clone());
        seen.extend(rows.into_iter().map(|(key, _)| (key.transition, key.step, key.item)));
    }
    ensure_eq!(seen, expected);
    Ok(())
}

/// However large the ledger grows: also where the planner was asked while it was empty, and without statistics.
pub(super) async fn found_by_key(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let key = || vec![Value::from(T), STEP.into(), "a".into()];
    let row = [key(), vec!["done".into(), 1_i64.into(), Value::Null, 1_i64.into()]].concat();
    let statements = [
        (&LOAD, Args::new().rows(vec![key()])),
        (&UPDATE, Args::new().rows(vec![row])),
        (&PAGE, Args::new().value(T).value("").value("").value(1_i64)),
    ];
    for (statement, args) in statements {
        let explain = match database.dialect() {
            Dialect::Postgres => "EXPLAIN",
            Dialect::Sqlite => "EXPLAIN QUERY PLAN",
        };
        // a statement lives as long as the program
        let explained: &'static str = format!("{explain} {}", statement.template()).leak();
        let mut tx = database.begin().await?;
        let lines = tx.query(&Statement::new(explained), args).await?;
        let (column, by_key) = match database.dialect() {
            Dialect::Postgres => (0, "Cond: (("),
            Dialect::Sqlite => (3, "USING PRIMARY KEY"),
        };
        let plan = lines.iter().map(|line| line.get::<String>(column)).collect::<Result<Vec<_>, _>>()?;
        let found: Vec<_> = plan.iter().filter(|line| line.contains(by_key) || line.contains("Cond: (ROW(")).collect();
        ensure!(found.len() == 1 && (found[0].contains("item") || found[0].contains("PRIMARY KEY")), "not by the key: {plan:#?}");
    }
    Ok(())
}
