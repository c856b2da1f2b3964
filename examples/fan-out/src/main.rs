//! A durable function that works on many items, a few at a time. The one line that is about tracing is in `main`.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

/// How many chapters are with the translator at once.
const AT_ONCE: usize = 3;

/// A book to translate.
#[derive(Deserialize)]
struct Book {
    title: String,
    chapters: Vec<String>,
}

/// The book, in the order of its chapters.
#[derive(Serialize)]
struct Translation {
    title: String,
    chapters: Vec<String>,
}

async fn translate_book(book: Book, ctx: DurableContext) -> Result<Translation, BoxError> {
    let chapters = ctx
        .map(book.chapters, translate_chapter)
        .name("translation")
        .max_concurrency(AT_ONCE)
        .await?;
    Ok(Translation {
        title: book.title,
        chapters,
    })
}

/// One item. Its context is its own: what it has done is in the log under it, whatever the others do meanwhile.
async fn translate_chapter(
    ctx: DurableContext,
    chapter: String,
    _index: usize,
) -> Result<String, BoxError> {
    let ticket = ctx
        .step(move |_| async move { Ok(hand_in(chapter).await) })
        .name("hand-in")
        .await?;

    // When all that are under way sleep, the function ends and is invoked again a minute later.
    ctx.wait(Duration::from_mins(1)).name("translator").await?;

    let translated = ctx
        .step(move |_| async move { Ok(format!("{ticket}, translated")) })
        .name("fetch")
        .await?;
    Ok(translated)
}

async fn hand_in(chapter: String) -> String {
    // An ordinary `tracing` span: it shows under the step whose body opens it.
    let span = tracing::info_span!("translator.request");
    tokio::time::sleep(Duration::from_millis(2))
        .instrument(span)
        .await;
    chapter
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    durable_trace::run(translate_book).await
}
