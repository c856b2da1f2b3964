//! What spans and events of the SDK's say, read into room that is used again.

use std::cell::RefCell;
use std::fmt::Write as _;

use tracing::field::{Field, Visit};

use crate::sdk_names::field_names;

/// What a span or an event of the SDK's says.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) arn: String,
    pub(super) attempt: u32,
    pub(super) message: String,
    pub(super) operation_id: String,
    pub(super) operation_sub_type: String,
    pub(super) operation_type: String,
    pub(super) request_id: String,
    /// Nobody asks for the ARN.
    pub(super) skips_arn: bool,
}

thread_local! {
    /// Of the event before: the SDK tells of each operation, and the same room serves all of them.
    static SPARE: RefCell<Fields> = RefCell::default();
}

impl Fields {
    pub(super) fn of(record: impl FnOnce(&mut Self)) -> Self {
        let mut fields = SPARE.try_with(RefCell::take).unwrap_or_default();
        for text in [
            &mut fields.arn,
            &mut fields.message,
            &mut fields.operation_id,
            &mut fields.operation_sub_type,
            &mut fields.operation_type,
            &mut fields.request_id,
        ] {
            text.clear();
        }
        fields.attempt = 0;
        fields.skips_arn = false;
        record(&mut fields);
        fields
    }

    pub(super) fn put_back(self) {
        let _ = SPARE.try_with(|spare| spare.replace(self));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message.clear();
            let _ = write!(self.message, "{value:?}"); // a text takes whatever is written to it
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = match field.name() {
            field_names::EXECUTION_ARN if self.skips_arn => return,
            field_names::EXECUTION_ARN => &mut self.arn,
            field_names::OPERATION_ID => &mut self.operation_id,
            field_names::OPERATION_SUB_TYPE => &mut self.operation_sub_type,
            field_names::OPERATION_TYPE => &mut self.operation_type,
            field_names::REQUEST_ID => &mut self.request_id,
            "message" => &mut self.message,
            _ => return,
        };
        value.clone_into(text);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == field_names::ATTEMPT {
            self.attempt = u32::try_from(value).unwrap_or(u32::MAX);
        }
    }
}
