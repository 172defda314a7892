//! From a template to the SQL of each database, and the places of its arguments.
//!
//! A template is part of the program, so a wrong one is a programmer's error and panics with the reason; every statement
//! runs in some test.

use super::Sql;

/// A template, expanded.
#[derive(Debug)]
pub(crate) struct Expanded {
    pub(crate) sql: Sql,
    /// What each argument must be, by its number from 0.
    pub(crate) shapes: Vec<Shape>,
    /// What stands in each of the Postgres parameters, by its number from 0.
    pub(crate) physical: Vec<Physical>,
    /// Whether only reading words occur.
    pub(crate) only_reads: bool,
}

/// What an argument must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Its number is passed over by the template.
    Unused,
    /// One value.
    Value,
    /// A set of rows with these columns.
    Rows(Vec<Column>),
}

/// A column of a set of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
}

/// The types that a column may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Uuid,
    Text,
    Bigint,
    Boolean,
}

impl ColumnType {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Text => "text",
            Self::Bigint => "bigint",
            Self::Boolean => "boolean",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Uuid, Self::Text, Self::Bigint, Self::Boolean].into_iter().find(|kind| kind.name() == name)
    }
}

/// What is bound to a Postgres parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Physical {
    /// The argument itself.
    Value { argument: usize },
    /// One column of the argument's rows, as an array.
    Column { argument: usize, column: usize, kind: ColumnType },
}

/// Words in braces that lock rows: what Postgres gets; SQLite gets nothing.
const LOCKS: [(&str, &str); 2] = [("for update", "FOR UPDATE"), ("for update skip locked", "FOR UPDATE SKIP LOCKED")];

/// Words that change something. Their absence from a statement that starts as a reading one makes it a reading one.
const WRITING_WORDS: [&str; 8] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "ALTER", "DROP", "PRAGMA"];

/// Expands a template for both databases.
pub(crate) fn expand(template: &str) -> Expanded {
    let mut expander = Expander { template, postgres: String::new(), sqlite: String::new(), shapes: Vec::new(), physical: Vec::new() };
    expander.walk(template, Target::BOTH);
    let only_reads = only_reads(&expander.sqlite);
    Expanded {
        sql: Sql { postgres: expander.postgres, sqlite: expander.sqlite },
        shapes: expander.shapes,
        physical: expander.physical,
        only_reads,
    }
}

/// Which of the two is being written.
#[derive(Clone, Copy)]
struct Target {
    postgres: bool,
    sqlite: bool,
}

impl Target {
    const BOTH: Self = Self { postgres: true, sqlite: true };
    const POSTGRES: Self = Self { postgres: true, sqlite: false };
    const SQLITE: Self = Self { postgres: false, sqlite: true };

    fn and(self, other: Self) -> Self {
        Self { postgres: self.postgres && other.postgres, sqlite: self.sqlite && other.sqlite }
    }
}

struct Expander<'t> {
    template: &'t str,
    postgres: String,
    sqlite: String,
    shapes: Vec<Shape>,
    physical: Vec<Physical>,
}

impl Expander<'_> {
    /// Scans by bytes: all that is looked for is ASCII, so every cut falls on a character's boundary.
    fn walk(&mut self, text: &str, target: Target) {
        let bytes = text.as_bytes();
        let mut copied = 0;
        let mut at = 0;
        while at < bytes.len() {
            let next = bytes.get(at + 1).copied();
            match bytes[at] {
                quote @ (b'\'' | b'"') => at = self.after_quoted(text, at, quote),
                b'-' if next == Some(b'-') => {
                    self.copy(&text[copied..at], target);
                    at = text[at..].find('\n').map_or(text.len(), |length| at + length);
                    copied = at;
                }
                b'$' if next.is_some_and(|b| b.is_ascii_digit()) => {
                    self.copy(&text[copied..at], target);
                    let digits = leading(&text[at + 1..], |c| c.is_ascii_digit());
                    self.value(digits, target);
                    at += 1 + digits.len();
                    copied = at;
                }
                b':' if next == Some(b':') => {
                    self.copy(&text[copied..at], target);
                    let name = leading(&text[at + 2..], |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '[' | ']'));
                    if name.is_empty() {
                        self.wrong("`::` without a type");
                    }
                    self.copy("::", target.and(Target::POSTGRES));
                    self.copy(name, target.and(Target::POSTGRES));
                    at += 2 + name.len();
                    copied = at;
                }
                b'{' => {
                    self.copy(&text[copied..at], target);
                    let end = self.closing_brace(text, at);
                    at = end + 1 + self.braces(text[at + 1..end].trim(), &text[end + 1..], target);
                    copied = at;
                }
                b'}' => self.wrong("a `}` without its `{`"),
                _ => at += 1,
            }
        }
        self.copy(&text[copied..], target);
    }

    fn copy(&mut self, text: &str, target: Target) {
        if target.postgres {
            self.postgres.push_str(text);
        }
        if target.sqlite {
            self.sqlite.push_str(text);
        }
    }

    /// What stands between braces. Returns how much of what follows them was used (an alias).
    fn braces(&mut self, body: &str, rest: &str, target: Target) -> usize {
        if let Some(body) = body.strip_prefix("postgres:") {
            self.walk(body.trim(), target.and(Target::POSTGRES));
            return 0;
        }
        if let Some(body) = body.strip_prefix("sqlite:") {
            self.walk(body.trim(), target.and(Target::SQLITE));
            return 0;
        }
        let words = body.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        if let Some((_, sql)) = LOCKS.iter().find(|(name, _)| *name == words) {
            self.copy(sql, target.and(Target::POSTGRES));
            return 0;
        }
        let Some((number, columns)) = body.split_once(':').filter(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) else {
            self.wrong(&format!("unknown braces {{{body}}}"))
        };
        self.rows(number, columns, rest, target)
    }

    fn value(&mut self, digits: &str, target: Target) {
        let argument = self.argument(digits, Shape::Value);
        if target.postgres {
            let number = self.parameter(Physical::Value { argument });
            self.postgres.push_str(&format!("${number}"));
        }
        if target.sqlite {
            self.sqlite.push_str(&format!("?{}", argument + 1));
        }
    }

    fn rows(&mut self, digits: &str, columns: &str, rest: &str, target: Target) -> usize {
        let columns: Vec<Column> = columns.split(',').map(|column| self.column(column)).collect();
        let argument = self.argument(digits, Shape::Rows(columns.clone()));
        let (alias, used) = self.alias(rest);
        if target.postgres {
            let arrays: Vec<String> = columns
                .iter()
                .enumerate()
                .map(|(column, Column { kind, .. })| {
                    format!("${}::{}[]", self.parameter(Physical::Column { argument, column, kind: *kind }), kind.name())
                })
                .collect();
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            self.postgres.push_str(&format!("UNNEST({}) AS {alias}({})", arrays.join(", "), names.join(", ")));
        }
        if target.sqlite {
            let names: Vec<String> =
                columns.iter().enumerate().map(|(index, column)| format!("value->>{index} AS {}", column.name)).collect();
            self.sqlite.push_str(&format!("(SELECT {} FROM json_each(?{})) AS {alias}", names.join(", "), argument + 1));
        }
        used
    }

    fn column(&self, text: &str) -> Column {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [name, kind] = words[..] else { self.wrong(&format!("a column is a name and a type, not {text:?}")) };
        let Some(kind) = ColumnType::parse(kind) else { self.wrong(&format!("{kind:?} is no type of a column")) };
        if leading(name, is_word) != name {
            self.wrong(&format!("{name:?} is no name of a column"));
        }
        Column { name: name.to_owned(), kind }
    }

    /// The alias right behind a set of rows, and how long it is with its `AS`.
    fn alias<'r>(&self, rest: &'r str) -> (&'r str, usize) {
        let found = rest.trim_start();
        let name = found
            .get(..2)
            .filter(|word| word.eq_ignore_ascii_case("as"))
            .map(|_| &found[2..])
            .filter(|after| after.starts_with(char::is_whitespace))
            .map(|after| leading(after.trim_start(), is_word))
            .filter(|name| !name.is_empty());
        let Some(name) = name else { self.wrong("a set of rows needs `AS alias` right behind it") };
        let start = name.as_ptr().addr() - rest.as_ptr().addr();
        (name, start + name.len())
    }

    /// The argument's number from 0, once its shape is known to be the same everywhere.
    fn argument(&mut self, digits: &str, shape: Shape) -> usize {
        let Some(argument) = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) else {
            self.wrong(&format!("{digits} is no number of an argument"))
        };
        if self.shapes.len() <= argument {
            self.shapes.resize(argument + 1, Shape::Unused);
        }
        if self.shapes[argument] == Shape::Unused {
            self.shapes[argument] = shape;
        } else if self.shapes[argument] != shape {
            self.wrong(&format!("argument {digits} is not the same everywhere"));
        }
        argument
    }

    /// The number, from 1, of the Postgres parameter for this, the same one each time it is asked.
    fn parameter(&mut self, wanted: Physical) -> usize {
        if let Some(index) = self.physical.iter().position(|known| *known == wanted) {
            return index + 1;
        }
        self.physical.push(wanted);
        self.physical.len()
    }

    /// The place after a quoted text. A doubled quote within it reads as an end and a new start, which comes to the same.
    fn after_quoted(&self, text: &str, at: usize, quote: u8) -> usize {
        match text[at + 1..].bytes().position(|b| b == quote) {
            Some(length) => at + 1 + length + 1,
            None => self.wrong("a quote without its end"),
        }
    }

    fn closing_brace(&self, text: &str, open: usize) -> usize {
        let bytes = text.as_bytes();
        let mut depth = 0_usize;
        let mut at = open;
        while at < bytes.len() {
            match bytes[at] {
                quote @ (b'\'' | b'"') => {
                    at = self.after_quoted(text, at, quote);
                    continue;
                }
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at;
            }
            at += 1;
        }
        self.wrong("a `{` without its `}`")
    }

    fn wrong(&self, problem: &str) -> ! {
        panic!("a statement's template is wrong: {problem}; in: {}", self.template)
    }
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    text.find(|c| !belongs(c)).map_or(text, |end| &text[..end])
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Looks at words outside of quotes. A name that looks like a writing word only costs the faster way.
fn only_reads(sql: &str) -> bool {
    let unquoted: String = sql.split(['\'', '"']).step_by(2).collect::<Vec<_>>().join(" ");
    let mut words = unquoted.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    let reads = words.next().is_some_and(|first| ["SELECT", "VALUES", "WITH"].iter().any(|word| first.eq_ignore_ascii_case(word)));
    reads && !words.any(|word| WRITING_WORDS.iter().any(|writing| word.eq_ignore_ascii_case(writing)))
}
