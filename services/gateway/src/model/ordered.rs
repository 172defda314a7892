//! Lists that are read in the order of an index, a page at a time.
//!
//! Postgres plans a list once, with conditions of which it cannot know how many rows meet them. It takes few for granted, reads everything
//! and sorts it; and keeps doing so as the table grows. So it is kept from sorting where an index gives the order.

use super::ReadModel;
use planshift_storage::{Args, Dialect, Row, Statement, StorageError};

pub(super) static NO_SORT: Statement = Statement::new("{postgres: SET LOCAL enable_sort = off}");

impl ReadModel {
    /// The rows of a list whose order is that of an index.
    pub(super) async fn in_order(&self, list: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        if self.database.dialect() == Dialect::Sqlite {
            // it takes such an index by itself, and a transaction would wait for whoever writes
            return self.database.query(list, args).await;
        }
        let mut transaction = self.database.begin().await?;
        transaction.execute(&NO_SORT, Args::new()).await?;
        let rows = transaction.query(list, args).await?;
        transaction.commit().await?;
        Ok(rows)
    }
}
