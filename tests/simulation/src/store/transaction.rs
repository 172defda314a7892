//! A transaction: one at a time, in the order of asking.

use super::{Core, Parameters, Way, pass};
use crate::weather::Commit;
use async_trait::async_trait;
use planshift_storage::{Args, Row, Statement, StorageError, StoreTransaction, sqlite_parameters};
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// The writers' turn. Unless it ends in `commit`, it is rolled back.
pub(super) struct MemoryTransaction {
    core: Arc<Core>,
    way: Option<Way>,
    is_open: bool,
    _turn: OwnedMutexGuard<()>,
}

impl MemoryTransaction {
    pub(super) fn begin(core: Arc<Core>, way: Option<Way>, turn: OwnedMutexGuard<()>) -> Result<Self, StorageError> {
        core.engine().begin()?;
        Ok(Self { core, way, is_open: true, _turn: turn })
    }

    async fn reach(&self) -> Result<(), StorageError> {
        pass(self.way.as_ref()).await?;
        if let Some(way) = &self.way
            && way.weather.conflicts()
        {
            way.sim.note(way.process, None, || "loses against another transaction".to_owned());
            return Err(StorageError::Conflict("deadlock detected".to_owned()));
        }
        Ok(())
    }

    pub(super) async fn run(&mut self, statement: &Statement, parameters: Parameters) -> Result<(Vec<Row>, u64), StorageError> {
        self.reach().await?;
        let mut engine = self.core.engine();
        let Some(sabotage) = &self.core.sabotage else { return engine.run(&statement.sql().sqlite, parameters) };
        if sabotage.is_blind_to(statement) {
            return Ok((Vec::new(), 0));
        }
        if let Some(before) = sabotage.before(statement) {
            engine.run(before, parameters.clone())?;
        }
        let outcome = engine.run(&sabotage.statement(statement), parameters)?;
        if sabotage.commits_each() {
            engine.commit()?;
            engine.begin()?;
        }
        Ok(outcome)
    }

    fn commit_now(&mut self) -> Result<(), StorageError> {
        let mut engine = self.core.engine();
        self.is_open = false;
        if let Some(sabotage) = &self.core.sabotage {
            if let Some(before) = sabotage.before_commit() {
                engine.run_script(before)?;
            }
            if sabotage.loses_commit() {
                return engine.rollback();
            }
        }
        engine.commit()?;
        drop(engine);
        self.core.committed();
        Ok(())
    }

    fn note(&self, text: &'static str) {
        if let Some(way) = &self.way {
            way.sim.note(way.process, None, || text.to_owned());
        }
    }
}

impl Drop for MemoryTransaction {
    fn drop(&mut self) {
        if self.is_open {
            let mut engine = self.core.engine();
            let commits = self.core.sabotage.as_ref().is_some_and(|sabotage| sabotage.commits_on_drop());
            // there is nobody left to be told
            let _ = if commits { engine.commit() } else { engine.rollback() };
        }
    }
}

#[async_trait]
impl StoreTransaction for MemoryTransaction {
    async fn query(&mut self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        let parameters = sqlite_parameters(statement, args)?;
        self.run(statement, parameters).await.map(|(rows, _)| rows)
    }

    async fn execute(&mut self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        let parameters = sqlite_parameters(statement, args)?;
        self.run(statement, parameters).await.map(|(_, changed)| changed)
    }

    async fn run_script(&mut self, sql: &str) -> Result<(), StorageError> {
        self.reach().await?;
        self.core.engine().run_script(sql)
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StorageError> {
        let Some(way) = self.way.clone() else { return self.commit_now() };
        way.sim.pass(way.process).await;
        let fate = way.weather.commit(way.service);
        if fate == Commit::Heard && self.core.sabotage.as_ref().is_some_and(|sabotage| sabotage.defers_commit()) {
            let (sim, process) = (way.sim.clone(), way.process);
            let later = async move {
                for _ in 0..8 {
                    sim.pass(process).await;
                }
                // nobody waits to be told
                let _ = self.commit_now();
            };
            drop(way.sim.spawn(process, later));
            return Ok(());
        }
        match fate {
            Commit::Heard | Commit::Unheard => self.commit_now()?,
            Commit::Lost | Commit::Conflict => {
                self.is_open = false;
                self.core.engine().rollback()?;
            }
        }
        if fate != Commit::Conflict {
            // a moment between the commit and its answer
            way.sim.pass(way.process).await;
        }
        match fate {
            Commit::Heard => Ok(()),
            Commit::Conflict => {
                self.note("loses against another transaction");
                Err(StorageError::Conflict("could not serialize access".to_owned()))
            }
            Commit::Unheard | Commit::Lost => {
                self.note(if fate == Commit::Lost { "commits, not heard: not done" } else { "commits, not heard: done" });
                Err(StorageError::CommitUnknown("the connection was lost".to_owned()))
            }
        }
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StorageError> {
        self.is_open = false;
        self.core.engine().rollback()
    }
}
