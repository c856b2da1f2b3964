"""Durable functions for the local service to run, one for each thing that a workflow can do."""

import boto3
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryDecision
from aws_durable_execution_sdk_python.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
)


class OutOfStockError(Exception):
    pass


def pause(context, name, seconds):
    context.wait(Duration.from_seconds(seconds), name=name)


def thrice(_error, attempts):
    """Retries after 10 s, then after 20 s, then not at all."""
    return RetryDecision.no_retry() if attempts > 2 else RetryDecision.retry(Duration.from_seconds(10 * attempts))


def never(_error, _attempts):
    return RetryDecision.no_retry()


@durable_execution
def quotation(order, context):
    net = context.step(lambda _: order["pieces"] * order["price"], name="net")
    pause(context, "cooling-off", seconds=30)
    gross = context.step(lambda _: net + 19, name="gross")
    return {"net": net, "gross": gross}


@durable_execution
def stopovers(_route, context):
    pause(context, "Lisbon", seconds=600)
    pause(context, "Accra", seconds=7_200)
    pause(context, "Recife", seconds=86_400)
    return "arrived"


@durable_execution
def stubborn_printer(_page, context):
    def print_page(step):
        if step.attempt < 3:
            raise OutOfStockError(f"no paper at attempt {step.attempt}")
        return f"printed at attempt {step.attempt}"

    return context.step(print_page, name="print", config=StepConfig(retry_strategy=thrice))


@durable_execution
def signature(contract, context):
    signed = context.wait_for_callback(lambda _id, _: None, name="sign")
    return context.step(lambda _: f"{contract} signed by {signed}", name="file")


@durable_execution
def kitchen(_menu, context):
    def course(name, seconds):
        def cook(branch):
            chopped = branch.step(lambda _: f"chopped {name}", name=f"chop-{name}")
            pause(branch, f"simmer-{name}", seconds=seconds)
            return branch.step(lambda _: f"{chopped}, served", name=f"serve-{name}")

        return cook

    return context.parallel([course("soup", 60), course("stew", 120)], name="courses").get_results()


@durable_execution
def letters(names, context):
    def write(item, name, index, _names):
        letter = item.step(lambda _: f"Dear {name}", name=f"write-{index}")
        pause(item, f"dry-{index}", seconds=5)
        return letter

    return context.map(names, write, name="post").get_results()


@durable_execution
def moving_house(_address, context):
    def pack(child):
        boxes = child.step(lambda _: 7, name="pack")
        pause(child, "sleep-over-it", seconds=3_600)
        return child.step(lambda _: boxes + 1, name="one-more-box")

    boxes = context.run_in_child_context(pack, name="packing")
    return context.step(lambda _: boxes * 2, name="carry")


@durable_execution
def broken_promise(_order, context):
    context.step(lambda _: "reserved", name="reserve")
    pause(context, "restock", seconds=60)
    raise OutOfStockError("nothing came")


@durable_execution
def ferry(_ticket, context):
    def look(seen, _):
        return {"boats": seen["boats"] + 1}

    def until_three(seen, _attempts):
        if seen["boats"] < 3:
            return WaitForConditionDecision.continue_waiting(Duration.from_seconds(90))
        return WaitForConditionDecision.stop_polling()

    config = WaitForConditionConfig(wait_strategy=until_three, initial_state={"boats": 0})
    return context.wait_for_condition(look, config=config, name="look-out")


@durable_execution
def sum_at_once(numbers, context):
    half = context.step(lambda _: numbers[0] + numbers[1], name="two")
    return context.step(lambda _: half + numbers[2], name="three")


@durable_execution
def late_crash(_order, context):
    def crash(_):
        raise OutOfStockError("the shelf fell")

    pause(context, "night", seconds=28_800)
    return context.step(crash, name="fetch", config=StepConfig(retry_strategy=never))


@durable_execution
def parcel(_label, context):
    """Goes on while its callback is open, and asks for its result last."""
    delivery = context.create_callback(name="delivery")
    context.step(lambda _: "called", name="call-courier")
    return delivery.result()


@durable_execution
def errand(call, context):
    answer = context.invoke(call["function"], call["payload"], name="ask")
    return context.step(lambda _: {"answer": answer}, name="note")


def echo(event, _context):
    """Not durable: a target of `errand`."""
    if event == "nobody":
        raise OutOfStockError("nobody answers")
    return {"echo": event}


@durable_execution
def long_watch(_post, context):
    """Outlives its callback's heartbeat limit of 60 s, for it sends a heartbeat itself after 40 s, and answers after 80 s."""
    aws = boto3.client("lambda")
    relief = context.create_callback(name="relief", config=CallbackConfig(heartbeat_timeout=Duration.from_seconds(60)))
    pause(context, "first-half", seconds=40)
    context.step(lambda _: aws.send_durable_execution_callback_heartbeat(CallbackId=relief.callback_id) and None, name="all-is-well")
    pause(context, "second-half", seconds=40)
    context.step(lambda _: aws.send_durable_execution_callback_success(CallbackId=relief.callback_id, Result=b"relieved") and None, name="hand-over")
    return relief.result()


@durable_execution
def lonely_watch(_post, context):
    """Nobody sends its heartbeat."""
    return context.create_callback(name="relief", config=CallbackConfig(heartbeat_timeout=Duration.from_seconds(60))).result()


@durable_execution
def unanswered_letter(_letter, context):
    """Nobody answers in a week."""
    return context.create_callback(name="reply", config=CallbackConfig(timeout=Duration.from_days(7))).result()


@durable_execution
def heavy_chapter(_book, context):
    """The child's result is larger than a checkpoint may be: 256 KiB. Its children are replayed instead."""

    def write(child):
        words = child.step(lambda _: "word", name="find")
        return words * 100_000

    text = context.run_in_child_context(write, name="chapter")
    pause(context, "proof", seconds=60)
    return len(text)
