//! The values of a template, as Go's types behave: truth, length, kinds and types by name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use crate::data::Labels;
use crate::structs::Struct;
use crate::time::Time;

/// A text: of the template or the event, or made on the way.
#[derive(Clone, Debug)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Made(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Made(text.into())
    }
}

/// Go's integer types, as far as `typeOf` and `kindOf` tell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntKind {
    Int,
    Int32,
    Int64,
    Uint64,
}

/// A list; `element` is the Go type of its items. A nil list is empty, but `null` in JSON.
#[derive(Clone, Debug)]
pub(crate) struct List<'a> {
    pub(crate) items: Rc<Items<'a>>,
    pub(crate) element: &'static str,
    pub(crate) nil: bool,
}

/// What is in a [`Map`].
pub(crate) type Entries<'a> = BTreeMap<Rc<str>, Value<'a>>;

/// A map of texts to values. As in Go, copies are the same map.
#[derive(Clone, Debug)]
pub(crate) struct Map<'a> {
    pub(crate) entries: Rc<Members<'a>>,
    pub(crate) element: &'static str,
}

impl Map<'_> {
    /// Tells maps apart: copies of one have the same.
    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.entries).addr()
    }
}

/// The items of a list. Lists in lists may be as deep as a template has steps: they are dropped in a
/// loop, not by recursion.
#[derive(Debug, Default)]
pub(crate) struct Items<'a>(Vec<Value<'a>>);

impl<'a> Deref for Items<'a> {
    type Target = [Value<'a>];

    fn deref(&self) -> &[Value<'a>] {
        &self.0
    }
}

impl Drop for Items<'_> {
    fn drop(&mut self) {
        drop_all(std::mem::take(&mut self.0));
    }
}

/// The members of a map, which are dropped like [`Items`].
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(RefCell<Entries<'a>>);

impl<'a> Deref for Members<'a> {
    type Target = RefCell<Entries<'a>>;

    fn deref(&self) -> &RefCell<Entries<'a>> {
        &self.0
    }
}

impl Drop for Members<'_> {
    fn drop(&mut self) {
        drop_all(self.0.take().into_values().collect());
    }
}

fn drop_all(mut pending: Vec<Value<'_>>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => {
                if let Ok(mut items) = Rc::try_unwrap(list.items) {
                    pending.append(&mut items.0);
                }
            }
            Value::Map(map) => {
                if let Ok(members) = Rc::try_unwrap(map.entries) {
                    pending.extend(members.0.take().into_values());
                }
            }
            _ => {}
        }
    }
}

/// Any value.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Nil,
    /// A nil pointer, with the type that it would point to.
    NilPointer(&'static str),
    Bool(bool),
    Int(i64, IntKind),
    Float(f64),
    Text(Text<'a>),
    Bytes(Text<'a>),
    List(List<'a>),
    Map(Map<'a>),
    /// A `map[string]string` of the event.
    Labels(Option<&'a Labels<'a>>),
    Struct(Struct<'a>),
    Time(Time),
    Duration(i64),
    Version(Rc<semver::Version>, Text<'a>),
}

/// The Go type of what may be anything.
pub(crate) const ANY: &str = "interface {}";

impl<'a> Value<'a> {
    pub(crate) fn int(value: i64) -> Self {
        Self::Int(value, IntKind::Int)
    }

    pub(crate) fn int64(value: i64) -> Self {
        Self::Int(value, IntKind::Int64)
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Text::from(text.into()))
    }

    pub(crate) fn borrowed(text: &'a str) -> Self {
        Self::Text(Text::Borrowed(text))
    }

    pub(crate) fn list(items: Vec<Value<'a>>) -> Self {
        Self::list_of(ANY, items)
    }

    pub(crate) fn list_of(element: &'static str, items: Vec<Value<'a>>) -> Self {
        Self::List(List {
            items: Rc::new(Items(items)),
            element,
            nil: false,
        })
    }

    pub(crate) fn nil_list(element: &'static str) -> Self {
        Self::List(List {
            items: Rc::default(),
            element,
            nil: true,
        })
    }

    pub(crate) fn texts(items: impl IntoIterator<Item = String>) -> Self {
        Self::list_of("string", items.into_iter().map(Self::text).collect())
    }

    pub(crate) fn map(entries: Entries<'a>) -> Self {
        Self::map_of(ANY, entries)
    }

    pub(crate) fn map_of(element: &'static str, entries: Entries<'a>) -> Self {
        Self::Map(Map {
            entries: Rc::new(Members(RefCell::new(entries))),
            element,
        })
    }

    /// What `if` and `with` ask. A struct is always true, a nil pointer never.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Nil | Self::NilPointer(_) => false,
            Self::Bool(value) => *value,
            Self::Int(value, _) | Self::Duration(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Struct(_) | Self::Time(_) | Self::Version(..) => true,
            _ => self.length() != Some(0),
        }
    }

    /// What `len` gives, in bytes for texts.
    pub(crate) fn length(&self) -> Option<usize> {
        match self {
            Self::Text(text) | Self::Bytes(text) => Some(text.len()),
            Self::List(list) => Some(list.items.len()),
            Self::Map(map) => Some(map.entries.borrow().len()),
            Self::Labels(labels) => Some(labels.map_or(0, BTreeMap::len)),
            _ => None,
        }
    }

    /// The member of a map; `None` when this is no map or has none.
    pub(crate) fn member(&self, key: &str) -> Option<Value<'a>> {
        match self {
            Self::Map(map) => map.entries.borrow().get(key).cloned(),
            Self::Labels(labels) => {
                let found = labels.and_then(|labels| labels.get(key));
                found.map(|text| Self::borrowed(&text.0))
            }
            _ => None,
        }
    }

    /// The members of a map in the order of their keys; `None` when this is no map.
    pub(crate) fn members(&self) -> Option<Vec<(Text<'a>, Value<'a>)>> {
        match self {
            Self::Map(map) => Some(
                map.entries
                    .borrow()
                    .iter()
                    .map(|(key, value)| (Text::Made(key.clone()), value.clone()))
                    .collect(),
            ),
            Self::Labels(labels) => Some(
                labels
                    .iter()
                    .flat_map(|labels| labels.iter())
                    .map(|(key, value)| (Text::Borrowed(&key.0), Self::borrowed(&value.0)))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// What a map gives for a key that it lacks.
    pub(crate) fn missing(&self) -> Value<'a> {
        match self {
            Self::Map(map) if map.element == ANY => Self::Nil,
            _ => Self::borrowed(""),
        }
    }

    /// The value's kind as Go's reflect names it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "invalid",
            Self::NilPointer(_) | Self::Version(..) => "ptr",
            Self::Bool(_) => "bool",
            Self::Int(_, kind) => kind.name(),
            Self::Duration(_) => "int64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Bytes(_) | Self::List(_) => "slice",
            Self::Map(_) | Self::Labels(_) => "map",
            Self::Struct(value) if value.is_pointer() => "ptr",
            Self::Struct(_) | Self::Time(_) => "struct",
        }
    }

    /// The value's type as Go's `%T` prints it.
    pub(crate) fn type_name(&self) -> String {
        match self {
            Self::Nil => "<nil>".to_owned(),
            Self::NilPointer(name) => format!("*{name}"),
            Self::Duration(_) => "time.Duration".to_owned(),
            Self::Bytes(_) => "[]uint8".to_owned(),
            Self::List(list) => format!("[]{}", list.element),
            Self::Map(map) => format!("map[string]{}", map.element),
            Self::Labels(_) => "map[string]string".to_owned(),
            Self::Struct(value) if value.is_pointer() => format!("*{}", value.type_name()),
            Self::Struct(value) => value.type_name().to_owned(),
            Self::Time(time) => time.type_name().to_owned(),
            Self::Version(..) => "*semver.Version".to_owned(),
            other => other.kind().to_owned(),
        }
    }

    /// About how many bytes this value took by itself, without what it shares.
    pub(crate) fn bytes(&self) -> usize {
        const ITEM: usize = size_of::<Value<'_>>();
        match self {
            Self::Text(Text::Made(text)) | Self::Bytes(Text::Made(text)) => text.len(),
            Self::List(list) => list.items.len() * ITEM,
            Self::Map(map) => map.entries.borrow().len() * 3 * ITEM,
            _ => 0,
        }
    }
}

impl IntKind {
    fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint64 => "uint64",
        }
    }
}
