//! What goes into a statement and what comes out of it.

use crate::StorageError;
use uuid::Uuid;

/// A value of a column. Times are `Int`: microseconds since 1970, UTC. JSON is `Text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// SQL's NULL.
    Null,
    /// `bigint`, and `boolean` as 0 and 1 where the database has no booleans.
    Int(i64),
    /// `boolean`.
    Bool(bool),
    /// `text`.
    Text(String),
    /// `uuid`; lower-case text where the database has no such type.
    Uuid(Uuid),
}

macro_rules! into_value {
    ($($from:ty => |$v:ident| $to:expr),* $(,)?) => { $(impl From<$from> for Value { fn from($v: $from) -> Self { $to } })* };
}
into_value!(
    i64 => |v| Self::Int(v), u32 => |v| Self::Int(i64::from(v)), i32 => |v| Self::Int(i64::from(v)), bool => |v| Self::Bool(v),
    String => |v| Self::Text(v), &str => |v| Self::Text(v.to_owned()), &String => |v| Self::Text(v.clone()), Uuid => |v| Self::Uuid(v),
);
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of a result: values in the order of the select list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The value of column `index` (from 0) as `T`.
    ///
    /// # Errors
    /// `StorageError::Decode` where the column is missing, null (unless `T` is an `Option`) or of another type.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, StorageError> {
        let value = self.0.get(index).ok_or_else(|| StorageError::decode(index, "no such column"))?;
        T::from_value(value).ok_or_else(|| StorageError::decode(index, &format!("{value:?} is not a {}", std::any::type_name::<T>())))
    }
}

/// What a [`Value`] can be read as.
pub trait FromValue: Sized {
    /// `None` where the value is of another type.
    fn from_value(value: &Value) -> Option<Self>;
}
impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(v) => Some(*v),
            // SQLite cannot tell the two apart, so neither is told apart here.
            Value::Bool(v) => Some(Self::from(*v)),
            _ => None,
        }
    }
}
impl FromValue for u32 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).and_then(|v| Self::try_from(v).ok())
    }
}
impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(v) => Some(*v),
            Value::Int(v) => Some(*v != 0),
            _ => None,
        }
    }
}
impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(v) => Some(v.clone()),
            // SQLite cannot tell the two apart, so neither is told apart here.
            Value::Uuid(v) => Some(v.to_string()),
            _ => None,
        }
    }
}
impl FromValue for Uuid {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Uuid(v) => Some(*v),
            Value::Text(v) => Self::try_parse(v).ok(),
            _ => None,
        }
    }
}
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        if matches!(value, Value::Null) { Some(None) } else { T::from_value(value).map(Some) }
    }
}
