//! Who has signed in to the portal. The table knows sessions by what their secrets hash to, and tokens as somebody without the secret
//! sees them.

use super::ReadModel;
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError};

static KEEP: Statement = Statement::new("INSERT INTO portal_sessions (session, token, ends_at) VALUES ($1, $2, $3)");
static FORGET_ENDED: Statement = Statement::new("DELETE FROM portal_sessions WHERE ends_at <= $1");
static READ: Statement = Statement::new("SELECT token FROM portal_sessions WHERE session = $1 AND ends_at > $2");
static END: Statement = Statement::new("DELETE FROM portal_sessions WHERE session = $1");

impl ReadModel {
    /// Keeps a session until it ends. Those that have ended are forgotten with it: there are never more than have begun since.
    pub(crate) async fn keep_session(&self, session: &str, token: &str, ends_at: Timestamp, now: Timestamp) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        transaction.execute(&FORGET_ENDED, Args::new().value(now.as_micros())).await?;
        transaction.execute(&KEEP, Args::new().value(session).value(token).value(ends_at.as_micros())).await?;
        transaction.commit().await.map(drop)
    }

    /// The token of a session that has not ended, encrypted as it was given.
    pub(crate) async fn session(&self, session: &str, now: Timestamp) -> Result<Option<String>, StorageError> {
        let rows = self.database.query(&READ, Args::new().value(session).value(now.as_micros())).await?;
        rows.first().map(|row| row.get(0)).transpose()
    }

    /// Ends a session now.
    pub(crate) async fn end_session(&self, session: &str) -> Result<(), StorageError> {
        self.database.execute(&END, Args::new().value(session)).await.map(drop)
    }
}
