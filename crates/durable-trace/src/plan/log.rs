//! What the log said when the invocation began. Kept small: most of it is never looked at again.

use std::collections::HashSet;
use std::hash::BuildHasher as _;

use durable_trace_wire::{Context, Operation, OperationStatus, OperationType, UnixMillis};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::Failure;
use super::operation::{Entry, Facts, Live};

/// The operations of the log by their ids, in its order; without the execution itself.
///
/// A table, its index and all texts in one: so many allocations, whatever the number of operations.
#[derive(Debug, Default)]
pub(super) struct Log {
    rows: Vec<Row>,
    texts: String,
    /// Places of rows, by id.
    index: HashTable<usize>,
    hasher: DefaultHashBuilder,
}

#[derive(Debug)]
struct Row {
    id: Text,
    name: Option<Text>,
    sub_type: Option<Text>,
    parent_id: Option<Text>,
    kind: OperationType,
    status: OperationStatus,
    attempt: u32,
    started_at: Option<UnixMillis>,
    ended_at: Option<UnixMillis>,
    timer: Option<UnixMillis>,
    // Few operations have these.
    failure: Option<Box<Failure>>,
    completer: Option<Box<Context>>,
}

/// A part of `Log::texts`.
#[derive(Clone, Copy, Debug)]
struct Text {
    start: u32,
    end: u32,
}

impl Log {
    /// Takes in the log. Who completed a callback is looked for where its id is among `told`; `None`: everywhere.
    pub(super) fn new(operations: &[Operation<'_>], told: Option<&HashSet<&str>>) -> Self {
        let lengths = operations.iter().map(|operation| {
            let texts = [&operation.name, &operation.sub_type, &operation.parent_id];
            let texts = texts.into_iter().flatten().map(|text| text.len());
            operation.id.len() + texts.sum::<usize>()
        });
        let mut log = Self {
            rows: Vec::with_capacity(operations.len()),
            texts: String::with_capacity(lengths.sum()),
            index: HashTable::with_capacity(operations.len()),
            hasher: DefaultHashBuilder::default(),
        };
        for operation in operations {
            if operation.kind != OperationType::Execution {
                log.add(operation, told);
            }
        }
        log
    }

    /// Of two operations with the same id, the later one says what has become of it.
    fn add(&mut self, operation: &Operation<'_>, told: Option<&HashSet<&str>>) {
        let hash = self.hasher.hash_one(operation.id.as_ref());
        let place = match self.find(&operation.id, hash) {
            Some(place) => place,
            None => match self.insert(operation, hash) {
                Some(place) => place,
                None => return,
            },
        };
        let Some(row) = self.rows.get_mut(place) else {
            return;
        };
        let is_told = told.is_none_or(|ids| ids.contains(operation.id.as_ref()));
        let completer = if is_told { operation.completer() } else { None };
        row.status = operation.status;
        row.attempt = operation.attempt.unwrap_or(row.attempt);
        row.started_at = operation.started_at.or(row.started_at);
        row.ended_at = operation.ended_at.or(row.ended_at);
        row.timer = operation
            .scheduled_end_at
            .or(operation.next_attempt_at)
            .or(row.timer);
        let failure = operation.error.as_ref().map(Failure::from).map(Box::new);
        row.failure = failure.or(row.failure.take());
        row.completer = completer.map(Box::new).or(row.completer.take());
    }

    /// Adds a row that says nothing but which operation it is; `None` beyond 4 GB of texts, which no event has.
    fn insert(&mut self, operation: &Operation<'_>, hash: u64) -> Option<usize> {
        let row = Row {
            id: self.keep(&operation.id)?,
            name: self.keep_some(operation.name.as_deref())?,
            sub_type: self.keep_some(operation.sub_type.as_deref())?,
            parent_id: self.keep_some(operation.parent_id.as_deref())?,
            kind: operation.kind,
            status: OperationStatus::Started,
            attempt: 0,
            started_at: None,
            ended_at: None,
            timer: None,
            failure: None,
            completer: None,
        };
        let place = self.rows.len();
        self.rows.push(row);
        let (rows, texts, hasher) = (&self.rows, &self.texts, &self.hasher);
        let hash_of = |place: &usize| {
            let id = rows.get(*place).and_then(|row| row.id.of(texts));
            hasher.hash_one(id.unwrap_or_default())
        };
        self.index.insert_unique(hash, place, hash_of);
        Some(place)
    }

    fn keep(&mut self, text: &str) -> Option<Text> {
        let start = u32::try_from(self.texts.len()).ok()?;
        let end = u32::try_from(self.texts.len() + text.len()).ok()?;
        self.texts.push_str(text);
        Some(Text { start, end })
    }

    /// The outer `None` as [`Log::keep`].
    #[expect(
        clippy::option_option,
        reason = "a text that is not there is kept, too"
    )]
    fn keep_some(&mut self, text: Option<&str>) -> Option<Option<Text>> {
        match text {
            Some(text) => self.keep(text).map(Some),
            None => Some(None),
        }
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.find(id, self.hasher.hash_one(id))
    }

    fn find(&self, id: &str, hash: u64) -> Option<usize> {
        let is_it = |place: &usize| {
            let row = self.rows.get(*place);
            row.and_then(|row| row.id.of(&self.texts)) == Some(id)
        };
        self.index.find(hash, is_it).copied()
    }

    pub(super) fn get(&self, id: &str) -> Option<Logged<'_>> {
        let row = self.rows.get(self.place(id)?)?;
        Some(Logged { log: self, row })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Logged<'_>> {
        self.rows.iter().map(|row| Logged { log: self, row })
    }
}

impl Text {
    fn of(self, texts: &str) -> Option<&str> {
        texts.get(usize::try_from(self.start).ok()?..usize::try_from(self.end).ok()?)
    }
}

/// An operation as the log has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logged<'a> {
    log: &'a Log,
    row: &'a Row,
}

impl<'a> Logged<'a> {
    pub(super) fn id(self) -> &'a str {
        self.row.id.of(&self.log.texts).unwrap_or_default()
    }

    pub(super) fn kind(self) -> OperationType {
        self.row.kind
    }

    pub(super) fn status(self) -> OperationStatus {
        self.row.status
    }

    pub(super) fn sub_type(self) -> Option<&'a str> {
        self.row.sub_type?.of(&self.log.texts)
    }

    pub(super) fn name(self) -> Option<&'a str> {
        self.row.name?.of(&self.log.texts)
    }

    pub(super) fn parent_id(self) -> Option<&'a str> {
        self.row.parent_id?.of(&self.log.texts)
    }

    pub(super) fn started_at(self) -> Option<UnixMillis> {
        self.row.started_at
    }

    /// All of it, to be changed in this invocation.
    pub(super) fn to_entry(self) -> Entry {
        let facts = Facts {
            id: self.id().to_owned(),
            kind: self.row.kind,
            sub_type: self.sub_type().map(str::to_owned),
            name: self.name().map(str::to_owned),
            parent_id: self.parent_id().map(str::to_owned),
            invoked: None,
        };
        Entry {
            status: self.row.status,
            recorded: self.row.status.is_ended(),
            failure: self.row.failure.as_deref().cloned(),
            completer: self.row.completer.as_deref().cloned(),
            started_at: self.row.started_at,
            ended_at: self.row.ended_at,
            timer: self.row.timer,
            ..Entry::new(facts, self.row.attempt, Live::Idle)
        }
    }
}
