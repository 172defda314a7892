//! Who has signed in to the portal. The table knows sessions by what their secrets hash to, and tokens as somebody without the secret
//! sees them.

use super::ReadModel;
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError};

static KEEP: Statement = Statement::new("INSERT INTO portal_sessions (session, token, by_provider, ends_at) VALUES ($1, $2, $3, $4)");
static FORGET_ENDED: Statement = Statement::new("DELETE FROM portal_sessions WHERE ends_at <= $1");
static READ: Statement = Statement::new("SELECT token FROM portal_sessions WHERE session = $1 AND ends_at > $2");
static END: Statement = Statement::new("DELETE FROM portal_sessions WHERE session = $1 RETURNING by_provider");
static FORGET_ATTEMPTS: Statement = Statement::new("DELETE FROM portal_sign_ins WHERE ends_at <= $1");
static USE: Statement = Statement::new("INSERT INTO portal_sign_ins (attempt, ends_at) VALUES ($1, $2) ON CONFLICT (attempt) DO NOTHING");

/// A session that begins.
pub(crate) struct NewSession<'a> {
    /// What its secret hashes to.
    pub(crate) name: &'a str,
    /// Its token, encrypted.
    pub(crate) token: &'a str,
    /// The OpenID provider has led here.
    pub(crate) by_provider: bool,
    pub(crate) ends_at: Timestamp,
}

impl ReadModel {
    /// Keeps a session until it ends. Those that have ended are forgotten with it: there are never more than have begun since.
    pub(crate) async fn keep_session(&self, session: &NewSession<'_>, now: Timestamp) -> Result<(), StorageError> {
        let NewSession { name, token, by_provider, ends_at } = session;
        let mut transaction = self.database.begin().await?;
        transaction.execute(&FORGET_ENDED, Args::new().value(now.as_micros())).await?;
        let args = Args::new().value(*name).value(*token).value(i64::from(*by_provider)).value(ends_at.as_micros());
        transaction.execute(&KEEP, args).await?;
        transaction.commit().await.map(drop)
    }

    /// The token of a session that has not ended, encrypted as it was given.
    pub(crate) async fn session(&self, session: &str, now: Timestamp) -> Result<Option<String>, StorageError> {
        let rows = self.database.query(&READ, Args::new().value(session).value(now.as_micros())).await?;
        rows.first().map(|row| row.get(0)).transpose()
    }

    /// Ends a session now. Had the OpenID provider led to it?
    pub(crate) async fn end_session(&self, session: &str) -> Result<bool, StorageError> {
        let rows = self.database.query(&END, Args::new().value(session)).await?;
        Ok(rows.first().map(|row| row.get::<i64>(0)).transpose()? == Some(1))
    }

    /// Uses an attempt to sign in: true once, whoever asks. It is remembered until it would be too old anyway.
    pub(crate) async fn use_sign_in(&self, attempt: &str, ends_at: Timestamp, now: Timestamp) -> Result<bool, StorageError> {
        self.database.execute(&FORGET_ATTEMPTS, Args::new().value(now.as_micros())).await?;
        Ok(self.database.execute(&USE, Args::new().value(attempt).value(ends_at.as_micros())).await? == 1)
    }
}
