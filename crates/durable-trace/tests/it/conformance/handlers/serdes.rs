//! Formats of the user's own.

use aws_durable_execution_sdk::serdes::SerdesContext;
use aws_durable_execution_sdk::{BoxError, Serdes};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Text, written in upper case and without quotes.
pub(super) struct Uppercase;

impl Serdes<String> for Uppercase {
    async fn serialize(&self, value: String, _: SerdesContext) -> Result<String, BoxError> {
        Ok(value.to_uppercase())
    }

    async fn deserialize(&self, wire: String, _: SerdesContext) -> Result<String, BoxError> {
        Ok(wire)
    }
}

/// JSON whose texts are upper case when they are read.
pub(super) struct ReadUppercase;

impl Serdes<String> for ReadUppercase {
    async fn serialize(&self, value: String, _: SerdesContext) -> Result<String, BoxError> {
        Ok(serde_json::to_string(&value)?)
    }

    async fn deserialize(&self, wire: String, _: SerdesContext) -> Result<String, BoxError> {
        Ok(serde_json::from_str::<String>(&wire)?.to_uppercase())
    }
}

/// JSON whose texts are upper case when they are written.
pub(super) struct WriteUppercase;

impl Serdes<Value> for WriteUppercase {
    async fn serialize(&self, value: Value, _: SerdesContext) -> Result<String, BoxError> {
        Ok(value.to_string().to_uppercase())
    }

    async fn deserialize(&self, wire: String, _: SerdesContext) -> Result<Value, BoxError> {
        Ok(serde_json::from_str(&wire)?)
    }
}

/// Text behind a mark.
pub(super) struct Marked(pub(super) &'static str);

impl Serdes<String> for Marked {
    async fn serialize(&self, value: String, _: SerdesContext) -> Result<String, BoxError> {
        Ok(format!("{}{value}", self.0))
    }

    async fn deserialize(&self, wire: String, _: SerdesContext) -> Result<String, BoxError> {
        let value = wire.strip_prefix(self.0).ok_or("the mark is missing")?;
        Ok(value.to_owned())
    }
}

/// A value in an envelope: `{"wrapped": …}`.
pub(super) struct Wrapped;

impl Serdes<String> for Wrapped {
    async fn serialize(&self, value: String, _: SerdesContext) -> Result<String, BoxError> {
        Ok(json!({"wrapped": value}).to_string())
    }

    async fn deserialize(&self, wire: String, _: SerdesContext) -> Result<String, BoxError> {
        let envelope: Value = serde_json::from_str(&wire)?;
        Ok(envelope["wrapped"]
            .as_str()
            .ok_or("no envelope")?
            .to_owned())
    }
}

/// The summary of a batch of texts, as their list: `OPSERDE:X,Y`. All of them have succeeded.
pub(super) struct Listed;

impl<T: Serialize + DeserializeOwned + Send> Serdes<T> for Listed {
    fn serialize(
        &self,
        value: T,
        _: SerdesContext,
    ) -> impl Future<Output = Result<String, BoxError>> + Send {
        std::future::ready(list(&value))
    }

    fn deserialize(
        &self,
        wire: String,
        _: SerdesContext,
    ) -> impl Future<Output = Result<T, BoxError>> + Send {
        std::future::ready(unlist(&wire))
    }
}

fn list<T: Serialize>(summary: &T) -> Result<String, BoxError> {
    let summary = serde_json::to_value(summary)?;
    let results = summary["results"].as_array().ok_or("no results")?;
    let texts: Result<Vec<String>, _> = results
        .iter()
        .map(|item| serde_json::from_str(item["result"].as_str().unwrap_or_default()))
        .collect();
    Ok(format!("OPSERDE:{}", texts?.join(",")))
}

fn unlist<T: DeserializeOwned>(wire: &str) -> Result<T, BoxError> {
    let texts = wire.strip_prefix("OPSERDE:").ok_or("the mark is missing")?;
    let results: Vec<Value> = texts
        .split(',')
        .enumerate()
        .map(|(index, text)| {
            json!({"index": index, "status": "SUCCEEDED", "result": json!(text).to_string()})
        })
        .collect();
    let summary = json!({"results": results, "reason": "ALL_COMPLETED"});
    Ok(serde_json::from_value(summary)?)
}
