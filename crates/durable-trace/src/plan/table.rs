//! Every operation that is known: as the log has it, or as this invocation has changed it.

use std::collections::{BTreeSet, HashMap};

use durable_trace_wire::{OperationType, UnixMillis};

use super::Shape;
use super::log::{Log, Logged};
use super::operation::{Entry, is_active, shape};
use crate::sdk_names::sub_types;

/// The operations by id.
#[derive(Debug, Default)]
pub(super) struct Table {
    log: Log,
    /// Those that this invocation has touched, which count instead of the log's.
    entries: HashMap<String, Entry>,
    /// How many of `entries` the log does not have.
    added: usize,
    /// Ids of operations that may keep the function awake or the execution pending; all are among `entries`.
    active: BTreeSet<String>,
    /// Ids of maps and parallels that have begun and not ended.
    batches: BTreeSet<String>,
    /// Ids of `wait_for_callback`s that have begun and not ended, and whose submitter is done.
    submitted: BTreeSet<String>,
}

impl Table {
    /// Takes in the log, of which nothing was known before.
    pub(super) fn load(&mut self, log: Log) {
        self.log = log;
        let alive: Vec<String> = self
            .log
            .iter()
            .filter(|logged| {
                is_active(logged.kind(), logged.status())
                    || (!logged.status().is_ended() && is_batch(Known::Logged(*logged).shape()))
            })
            .map(|logged| logged.id().to_owned())
            .collect();
        for id in alive {
            self.get_mut(&id);
            self.sort(&id);
        }
        let steps = self
            .log
            .iter()
            .filter(|logged| logged.kind() == OperationType::Step && logged.status().is_ended());
        let parents = steps.filter_map(Logged::parent_id);
        let waiting = parents.filter(|id| self.is_waiting_for_callback(id));
        self.submitted = waiting.map(str::to_owned).collect();
    }

    fn is_waiting_for_callback(&self, id: &str) -> bool {
        let known = self.get(id);
        known.is_some_and(|known| known.awaits_callback() && !known.has_ended(None))
    }

    /// How many operations there are.
    pub(super) fn len(&self) -> usize {
        self.log.len() + self.added
    }

    pub(super) fn get(&self, id: &str) -> Option<Known<'_>> {
        let touched = self.entries.get(id).map(Known::Touched);
        touched.or_else(|| self.log.get(id).map(Known::Logged))
    }

    /// The operation, to be changed; [`Table::sort`] it afterwards.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        if !self.entries.contains_key(id) {
            let entry = self.log.get(id)?.to_entry();
            self.entries.insert(id.to_owned(), entry);
        }
        self.entries.get_mut(id)
    }

    /// Adds an operation, or puts it in the place of the one with its id.
    pub(super) fn insert(&mut self, entry: Entry) {
        let id = entry.facts.id.clone();
        let replaced = self.entries.insert(id.clone(), entry);
        if replaced.is_none() && self.log.get(&id).is_none() {
            self.added += 1;
        }
        self.sort(&id);
    }

    /// Keeps what is remembered of operations true to one that has changed.
    pub(super) fn sort(&mut self, id: &str) {
        let Some(entry) = self.entries.get(id) else {
            return;
        };
        keep(&mut self.active, id, entry.is_active());
        let has_ended = entry.has_ended(None);
        if is_batch(entry.facts.shape()) {
            keep(&mut self.batches, id, !has_ended);
        }
        let parent_id = entry.facts.parent_id.clone();
        if entry.facts.kind == OperationType::Step
            && has_ended
            && let Some(parent_id) = parent_id.filter(|id| self.is_waiting_for_callback(id))
        {
            self.submitted.insert(parent_id);
        }
    }

    /// Whether the submitter of the `wait_for_callback` is done, by a request that was answered.
    pub(super) fn is_submitted(&self, id: &str) -> bool {
        self.submitted.contains(id)
    }

    /// Those that may keep the function awake or the execution pending, by their ids.
    pub(super) fn active(&self) -> impl Iterator<Item = &Entry> {
        self.active.iter().filter_map(|id| self.entries.get(id))
    }

    /// The map or parallel that has begun and not ended, if there is just one.
    pub(super) fn only_batch(&self) -> Option<&str> {
        match self.batches.len() {
            1 => self.batches.first().map(String::as_str),
            _ => None,
        }
    }

    /// Ids of those that had ended before this invocation began, in the log's order.
    pub(super) fn recorded(&self) -> Vec<String> {
        let ended = self.log.iter().filter(|logged| logged.status().is_ended());
        ended.map(|logged| logged.id().to_owned()).collect()
    }
}

fn is_batch(shape: Option<Shape>) -> bool {
    matches!(shape, Some(Shape::Map | Shape::Parallel))
}

fn keep(ids: &mut BTreeSet<String>, id: &str, is_one: bool) {
    if !is_one {
        ids.remove(id);
    } else if !ids.contains(id) {
        ids.insert(id.to_owned());
    }
}

/// An operation, to be looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known<'a> {
    Logged(Logged<'a>),
    Touched(&'a Entry),
}

impl<'a> Known<'a> {
    pub(super) fn shape(self) -> Option<Shape> {
        match self {
            Self::Logged(logged) => shape(logged.kind(), logged.sub_type(), logged.name()),
            Self::Touched(entry) => entry.facts.shape(),
        }
    }

    pub(super) fn parent_id(self) -> Option<&'a str> {
        match self {
            Self::Logged(logged) => logged.parent_id(),
            Self::Touched(entry) => entry.facts.parent_id.as_deref(),
        }
    }

    pub(super) fn started_at(self) -> Option<UnixMillis> {
        match self {
            Self::Logged(logged) => logged.started_at(),
            Self::Touched(entry) => entry.started_at,
        }
    }

    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Touched(entry) if entry.is_open)
    }

    /// Whether its end is recorded or on the way with the request `sequence`.
    pub(super) fn has_ended(self, sequence: Option<u64>) -> bool {
        match self {
            Self::Logged(logged) => logged.status().is_ended(),
            Self::Touched(entry) => entry.has_ended(sequence),
        }
    }

    /// Whether it is a `wait_for_callback`.
    pub(super) fn awaits_callback(self) -> bool {
        let sub_type = match self {
            Self::Logged(logged) => logged.sub_type(),
            Self::Touched(entry) => entry.facts.sub_type.as_deref(),
        };
        sub_type == Some(sub_types::WAIT_FOR_CALLBACK)
    }
}
