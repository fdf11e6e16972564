//! Text to tree: reads one YAML document with the parser of serde-saphyr.
//!
//! The parser's events are used, not serde: serde stops at the first error, and does not say whether a
//! scalar was quoted. It resolves aliases and merge keys, and reports duplicate keys with both places.
//! It never expands a variable. Called by [`super::check`].
//!
//! Bounds, because a configuration may come from a ConfigMap that anyone in a namespace can edit: the size
//! of the text, the number of values after aliases are put in, and the depth.

use std::collections::{HashMap, HashSet, hash_map};

use serde_yaml::granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};

use super::error::{ErrorKind, Position};
use super::report::{Report, join};
use super::tree::{Entry, Kind, Node, Origin, resolve};

/// Most bytes of a configuration: four times what a ConfigMap can hold.
pub const TEXT_MOST_BYTES: usize = 4 << 20;
/// Most values in it, with each alias counted in full: a hundred times a large configuration.
const NODES_MOST: usize = 200_000;
/// Most bytes of all scalars, with each alias counted in full.
const BYTES_MOST: usize = 16 << 20;
/// Most levels: what serde_json accepts when a plugin reads its part is 128.
const LEVELS_MOST: usize = 100;

/// What is being built: a list or map that is not yet closed.
enum Open {
    List {
        items: Vec<Node>,
        at: Position,
        anchor: usize,
    },
    Map {
        entries: Vec<Entry>,
        /// Where each key was first seen.
        seen: HashMap<String, Position>,
        /// The key whose value comes next.
        key: Option<(Option<String>, Position)>,
        at: Position,
        anchor: usize,
    },
}

/// Reads the document. `None`, with at least one error in the report, if it is none.
pub(crate) fn read(text: &str, report: &mut Report<'_>) -> Option<Node> {
    if text.len() > TEXT_MOST_BYTES {
        let problem = format!("the file has {} bytes", text.len());
        report
            .error(ErrorKind::Syntax, START, "", problem)
            .expected(format!("at most {TEXT_MOST_BYTES} bytes"));
        return None;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder {
        report,
        open: Vec::new(),
        anchors: Vec::new(),
        root: None,
        nodes: 0,
        bytes: 0,
    };
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = Position {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                };
                let found = builder.report.error(
                    ErrorKind::Syntax,
                    at,
                    "",
                    format!("no valid YAML: {}", error.info()),
                );
                if indented_with_tab(text, at.line) {
                    found.help("indent with spaces: YAML does not allow tabs there");
                } else if after_braced_variable(text, at) {
                    found.help("write \"${NAME}\" in quotes, or $NAME, inside of {…} and […]");
                }
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                let at = position(&span);
                builder
                    .report
                    .error(
                        ErrorKind::Syntax,
                        at,
                        "",
                        "a second document starts here".to_owned(),
                    )
                    .expected("one document")
                    .help("remove the `---`");
                return None;
            }
        }
        builder.event(event, &span)?;
    }
    builder.root
}

const START: Position = Position { line: 1, column: 1 };

fn position(span: &Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

/// Whether a `${` stands before the place on its line: in `{…}` and `[…]` its brace is YAML's.
fn after_braced_variable(text: &str, at: Position) -> bool {
    let line = text
        .lines()
        .nth(at.line.saturating_sub(1))
        .unwrap_or_default();
    line.find("${")
        .is_some_and(|start| line[..start].chars().count() < at.column)
}

fn indented_with_tab(text: &str, line: usize) -> bool {
    let has_tab = |line: &str| {
        line.chars()
            .take_while(|c| c.is_whitespace())
            .any(|c| c == '\t')
    };
    // The scanner notices a tab at the end of the line before, too.
    text.lines()
        .skip(line.saturating_sub(1))
        .take(2)
        .any(has_tab)
}

struct Builder<'r, 'a> {
    report: &'r mut Report<'a>,
    open: Vec<Open>,
    /// By anchor id, from 1; `None` while the anchored value is still open.
    anchors: Vec<Option<Node>>,
    root: Option<Node>,
    nodes: usize,
    bytes: usize,
}

impl Builder<'_, '_> {
    /// Takes one event. `None` if it makes no sense to go on.
    fn event(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let at = position(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(text.into_owned(), style, tag.as_deref(), at);
                self.add(node, anchor, at)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", at);
                self.push(
                    Open::List {
                        items: Vec::new(),
                        at,
                        anchor,
                    },
                    anchor,
                    at,
                )
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", at);
                self.push(
                    Open::Map {
                        entries: Vec::new(),
                        seen: HashMap::new(),
                        key: None,
                        at,
                        anchor,
                    },
                    anchor,
                    at,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (kind, at, anchor) = match self.open.pop()? {
                    Open::List { items, at, anchor } => (Kind::List(items), at, anchor),
                    Open::Map {
                        entries,
                        at,
                        anchor,
                        ..
                    } => (Kind::Map(self.merge(entries)), at, anchor),
                };
                let node = Node {
                    kind,
                    at,
                    written: String::new(),
                    origin: Origin::Plain,
                };
                self.add(node, anchor, at)
            }
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(id).cloned().flatten() else {
                    self.syntax(at, "an alias stands inside of what it names");
                    return None;
                };
                self.count(&node);
                self.within_levels(self.open.len() + node.size().levels, at)?;
                self.add(node, 0, at)
            }
            _ => Some(()),
        }
    }

    fn push(&mut self, open: Open, anchor: usize, at: Position) -> Option<()> {
        self.set_anchor(anchor, None);
        self.open.push(open);
        self.within_levels(self.open.len(), at)
    }

    fn within_levels(&mut self, levels: usize, at: Position) -> Option<()> {
        if levels <= LEVELS_MOST {
            return Some(());
        }
        self.syntax(at, "nested too deeply")
            .expected(format!("at most {LEVELS_MOST} levels"));
        None
    }

    /// Puts a finished value where it belongs. Its parts are counted already, unless it came by an alias.
    fn add(&mut self, node: Node, anchor: usize, at: Position) -> Option<()> {
        self.nodes += 1;
        self.bytes += node.written.len();
        if anchor > 0 {
            // The copy that is kept for the aliases.
            self.count(&node);
            self.set_anchor(anchor, Some(node.clone()));
        }
        if self.nodes > NODES_MOST || self.bytes > BYTES_MOST {
            self.syntax(at, "too large, with aliases counted in full")
                .expected(format!(
                    "at most {NODES_MOST} values and {BYTES_MOST} bytes"
                ));
            return None;
        }
        self.put(node, at);
        Some(())
    }

    fn put(&mut self, node: Node, at: Position) {
        let mut not_a_key = None;
        let mut twice = None;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map {
                entries, seen, key, ..
            }) => match key.take() {
                // Numbers and truth values are keys as they are written.
                None if !matches!(node.kind, Kind::List(_) | Kind::Map(_) | Kind::Null) => {
                    *key = Some((Some(node.written), at));
                }
                None => {
                    *key = Some((None, at));
                    not_a_key = Some(format!("{} is used as a key", node.found()));
                }
                // The key was reported; its value belongs nowhere.
                Some((None, _)) => {}
                Some((Some(key), key_at)) => match seen.entry(key) {
                    hash_map::Entry::Occupied(first) => {
                        twice = Some((first.key().clone(), key_at, *first.get()))
                    }
                    hash_map::Entry::Vacant(vacant) => {
                        entries.push(Entry {
                            key: vacant.key().clone(),
                            key_at,
                            value: node,
                        });
                        vacant.insert(key_at);
                    }
                },
            },
        }
        if let Some(problem) = not_a_key {
            self.syntax(at, &problem).expected("text as a key");
        }
        if let Some((key, key_at, first)) = twice {
            let path = join(&self.path(), &key);
            let problem = format!(
                "a second time; the first is at {}:{}",
                first.line, first.column
            );
            self.report
                .error(ErrorKind::Duplicate, key_at, &path, problem)
                .help("remove one of them");
        }
    }

    /// The path of what comes next.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.open {
            match open {
                Open::List { items, .. } => path = format!("{path}[{}]", items.len()),
                Open::Map {
                    key: Some((Some(key), _)),
                    ..
                } => path = join(&path, key),
                Open::Map { .. } => {}
            }
        }
        path
    }

    fn count(&mut self, node: &Node) {
        let size = node.size();
        self.nodes += size.nodes;
        self.bytes += size.bytes;
    }

    fn set_anchor(&mut self, id: usize, node: Option<Node>) {
        if id > 0 {
            if self.anchors.len() <= id {
                self.anchors.resize(id + 1, None);
            }
            self.anchors[id] = node;
        }
    }

    fn scalar(
        &mut self,
        written: String,
        style: ScalarStyle,
        tag: Option<&Tag>,
        at: Position,
    ) -> Node {
        let mut origin = if style == ScalarStyle::Plain {
            Origin::Plain
        } else {
            Origin::Quoted
        };
        let core = tag.map(|tag| {
            tag.core_suffix()
                .unwrap_or(if tag.original() == "!" { "str" } else { "" })
        });
        let resolved = resolve(&written);
        let kind = match (core, origin) {
            (None, Origin::Plain) => resolved,
            (None, _) => Kind::String(written.clone()),
            (Some("str"), _) => {
                origin = Origin::Quoted;
                Kind::String(written.clone())
            }
            (Some("int"), _) if matches!(resolved, Kind::Integer(_)) => resolved,
            (Some("float"), _) if matches!(resolved, Kind::Integer(_) | Kind::Float(_)) => resolved,
            (Some("bool"), _) if matches!(resolved, Kind::Bool(_)) => resolved,
            (Some("null"), _) if resolved == Kind::Null => resolved,
            (Some(core), _) => {
                let name = tag.map(Tag::original).unwrap_or_default();
                let problem = if core.is_empty() {
                    format!("the tag {name} has no meaning here")
                } else {
                    format!("the value is not what its tag {name} says")
                };
                self.syntax(at, &problem).help("remove the tag");
                Kind::String(written.clone())
            }
        };
        Node {
            kind,
            at,
            written,
            origin,
        }
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, core: &str, at: Position) {
        if let Some(tag) = tag
            && tag.core_suffix() != Some(core)
            && tag.original() != "!"
        {
            let problem = format!("the tag {} has no meaning here", tag.original());
            self.syntax(at, &problem).help("remove the tag");
        }
    }

    /// Puts what a `<<` names into the map: keys of the map itself win, then what was named first.
    fn merge(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        if entries.iter().all(|entry| entry.key != "<<") {
            return entries;
        }
        let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.key == "<<");
        let mut known: HashSet<String> = own.iter().map(|entry| entry.key.clone()).collect();
        for merge in merges {
            let sources = match merge.value.kind {
                Kind::List(items) => items,
                _ => vec![merge.value],
            };
            for source in sources {
                let found = source.found();
                let Kind::Map(entries) = source.kind else {
                    self.syntax(merge.key_at, &format!("{found} cannot be merged with `<<`"))
                        .expected("a map, or a list of maps");
                    continue;
                };
                for entry in entries {
                    if known.insert(entry.key.clone()) {
                        own.push(entry);
                    }
                }
            }
        }
        own
    }

    fn syntax(&mut self, at: Position, problem: &str) -> &mut super::error::ConfigError {
        let path = self.path();
        self.report
            .error(ErrorKind::Syntax, at, &path, problem.to_owned())
    }
}
