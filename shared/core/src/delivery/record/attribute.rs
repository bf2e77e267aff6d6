//! The attributes of an item that this version does not know. They survive every write.

use std::collections::BTreeMap;

/// A value of an attribute, as `DynamoDB` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number, in its own digits.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// Null.
    Null,
    /// Bytes.
    Bytes(Vec<u8>),
    /// A set of texts.
    Texts(Vec<String>),
    /// A set of numbers.
    Numbers(Vec<String>),
    /// A set of byte strings.
    ByteStrings(Vec<Vec<u8>>),
    /// A list.
    List(Vec<Attribute>),
    /// A map.
    Map(BTreeMap<String, Attribute>),
}
