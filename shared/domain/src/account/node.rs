//! A small piece of JSON, with only the properties that its [`Shape`] knows, each told apart from its repetitions.
//!
//! What nobody asks for is skipped while it is read. So what is held depends on what is known, not on what is sent, and
//! the reader goes no deeper than the shapes do, however deep the document is.

use super::{
    fault::quoted,
    shape::{LEAF, Shape},
};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// A value.
#[derive(Debug)]
pub(super) enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written where its property is exact, else a value as near as 64 bits get.
    Number(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object.
    Object(Members),
}

impl Node {
    /// What stands there, for a fault.
    pub(super) fn found(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) if text.len() <= 40 => text.clone(),
            Self::Number(text) => format!("{}…", &text[..40]),
            Self::Text(text) => quoted(text),
            Self::List(items) if items.is_empty() => "an empty list".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

/// The known properties of an object.
#[derive(Debug)]
pub(super) struct Members {
    shape: &'static Shape,
    slots: Vec<Option<Node>>,
    /// Properties that came once more, each with its spelling there.
    pub(super) again: Vec<(&'static str, String)>,
}

impl Members {
    pub(super) fn new(shape: &'static Shape) -> Self {
        Self { shape, slots: shape.0.iter().map(|_| None).collect(), again: Vec::new() }
    }

    /// Takes out the property of that name.
    pub(super) fn take(&mut self, name: &str) -> Option<Node> {
        let position = self.shape.0.iter().position(|p| p.name == name)?;
        self.slots[position].take()
    }

    /// Reads the next property that is known and new, skipping the others: its name, with its value still to be read.
    ///
    /// It counts as present from here on; [`put`](Self::put) gives it its value where that is to be kept.
    pub(super) fn next<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<Option<usize>, A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed(self))? {
            match key {
                Key::Known(position) => {
                    self.slots[position] = Some(Node::Null);
                    return Ok(Some(position));
                }
                Key::Again(name, spelling) => self.again.push((name, spelling)),
                Key::Unknown => {}
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    /// Reads the value of the property at that position.
    pub(super) fn put<'de, A: MapAccess<'de>>(&mut self, position: usize, map: &mut A) -> Result<(), A::Error> {
        let property = &self.shape.0[position];
        let node = if property.exact {
            exact(&map.next_value::<Box<RawValue>>()?).map_err(A::Error::custom)?
        } else {
            map.next_value_seed(Value(Tree { shape: property.shape, listed: false }))?
        };
        self.slots[position] = Some(node);
        Ok(())
    }
}

enum Key {
    Known(usize),
    Again(&'static str, String),
    Unknown,
}

struct KeySeed<'a>(&'a Members);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}
impl Visitor<'_> for KeySeed<'_> {
    type Value = Key;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property name")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
        let properties = self.0.shape.0;
        Ok(match properties.iter().position(|p| p.name.eq_ignore_ascii_case(text)) {
            None => Key::Unknown,
            Some(position) if self.0.slots[position].is_none() => Key::Known(position),
            Some(position) => Key::Again(properties[position].name, quoted(text)),
        })
    }
}

/// What to do with a value, whatever kind it turns out to be.
pub(super) trait Take<'de>: Sized {
    /// What comes of it.
    type Out;

    /// It is none that is streamed.
    fn other(self, node: Node) -> Self::Out;

    /// It is an object: by default not one that is streamed.
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Out, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.other(Node::Object(Members::new(&LEAF))))
    }

    /// It is a list: by default not one that is streamed.
    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Out, A::Error> {
        let mut any = Vec::new();
        while items.next_element::<IgnoredAny>()?.is_some() {
            if any.is_empty() {
                any.push(Node::Null);
            }
        }
        Ok(self.other(Node::List(any)))
    }
}

/// Lets a [`Take`] meet a value of any kind.
pub(super) struct Value<T>(pub(super) T);

impl<'de, T: Take<'de>> DeserializeSeed<'de> for Value<T> {
    type Value = T::Out;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Out, D::Error> {
        deserializer.deserialize_any(self)
    }
}
impl<'de, T: Take<'de>> Visitor<'de> for Value<T> {
    type Value = T::Out;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: Error>(self) -> Result<T::Out, E> {
        Ok(self.0.other(Node::Null))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<T::Out, E> {
        Ok(self.0.other(Node::Bool(value)))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<T::Out, E> {
        Ok(self.0.other(Node::Number(value.to_string())))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<T::Out, E> {
        Ok(self.0.other(Node::Number(value.to_string())))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<T::Out, E> {
        Ok(self.0.other(Node::Number(value.to_string())))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T::Out, E> {
        Ok(self.0.other(Node::Text(text.to_owned())))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T::Out, A::Error> {
        self.0.object(map)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T::Out, A::Error> {
        self.0.list(items)
    }
}

/// Keeps what its shape knows.
pub(super) struct Tree {
    pub(super) shape: &'static Shape,
    /// It is an item of a list. A list in a list is never right, so it is not kept, which bounds the depth.
    pub(super) listed: bool,
}

impl<'de> Take<'de> for Tree {
    type Out = Node;
    fn other(self, node: Node) -> Node {
        node
    }
    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Members::new(self.shape);
        while let Some(position) = members.next(&mut map)? {
            members.put(position, &mut map)?;
        }
        Ok(Node::Object(members))
    }
    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        if self.listed {
            while items.next_element::<IgnoredAny>()?.is_some() {}
        } else {
            while let Some(node) = items.next_element_seed(Value(Self { shape: self.shape, listed: true }))? {
                nodes.push(node);
            }
        }
        Ok(Node::List(nodes))
    }
}

/// A leaf whose number keeps the digits that were written: the parser itself would round it to 64 bits.
fn exact(raw: &RawValue) -> serde_json::Result<Node> {
    let text = raw.get();
    if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Ok(Node::Number(text.to_owned()));
    }
    Value(Tree { shape: &LEAF, listed: true }).deserialize(&mut serde_json::Deserializer::from_str(text))
}
