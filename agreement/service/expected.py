"""What each function of workflows.py, and clerk.py, must come to, by AWS's description of its durable functions' operations and events."""

import dataclasses

ERRORS = "aws_durable_execution_sdk_python.exceptions"


@dataclasses.dataclass(frozen=True)
class Expected:
    """`outcome` is the result, or the error's type and message; `lasts` counts seconds of the service's own time, if they are certain."""

    input: object
    status: str
    outcome: object
    history: str
    lasts: float | None = None
    # Whether branches run at once, so that only the order within each operation is certain.
    at_once: bool = False
    # What somebody outside answers to the callback once the function sleeps.
    answer: bytes | None = None
    # Where they differ from the name.
    function: str | None = None
    module: str = "workflows"


EXPECTED = {
    "quotation": Expected(
        input={"pieces": 3, "price": 14},
        status="SUCCEEDED",
        outcome={"net": 42, "gross": 61},
        lasts=30,
        history="""
            ExecutionStarted
            StepStarted Step net
            StepSucceeded Step net
            WaitStarted Wait cooling-off
            InvocationCompleted
            WaitSucceeded Wait cooling-off
            StepStarted Step gross
            StepSucceeded Step gross
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "stopovers": Expected(
        input="LIS-REC",
        status="SUCCEEDED",
        outcome="arrived",
        lasts=94_200,
        history="""
            ExecutionStarted
            WaitStarted Wait Lisbon
            InvocationCompleted
            WaitSucceeded Wait Lisbon
            WaitStarted Wait Accra
            InvocationCompleted
            WaitSucceeded Wait Accra
            WaitStarted Wait Recife
            InvocationCompleted
            WaitSucceeded Wait Recife
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "stubborn_printer": Expected(
        input=1,
        status="SUCCEEDED",
        outcome="printed at attempt 3",
        lasts=30,
        history="""
            ExecutionStarted
            StepStarted Step print
            StepFailed Step print
            InvocationCompleted
            StepStarted Step print
            StepFailed Step print
            InvocationCompleted
            StepStarted Step print
            StepSucceeded Step print
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "signature": Expected(
        input="lease",
        status="SUCCEEDED",
        outcome="lease signed by Ada",
        answer=b"Ada",
        history="""
            ExecutionStarted
            ContextStarted WaitForCallback sign
            CallbackStarted Callback sign > sign create callback id
            StepStarted Step sign > sign submitter
            StepSucceeded Step sign > sign submitter
            InvocationCompleted
            CallbackSucceeded Callback sign > sign create callback id
            ContextSucceeded WaitForCallback sign
            StepStarted Step file
            StepSucceeded Step file
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "kitchen": Expected(
        input="winter",
        status="SUCCEEDED",
        outcome=["chopped soup, served", "chopped stew, served"],
        lasts=120,
        at_once=True,
        history="""
            ExecutionStarted
            ContextStarted Parallel courses
            ContextStarted ParallelBranch courses > parallel-branch-0
            ContextStarted ParallelBranch courses > parallel-branch-1
            StepStarted Step courses > parallel-branch-0 > chop-soup
            StepSucceeded Step courses > parallel-branch-0 > chop-soup
            StepStarted Step courses > parallel-branch-1 > chop-stew
            StepSucceeded Step courses > parallel-branch-1 > chop-stew
            WaitStarted Wait courses > parallel-branch-0 > simmer-soup
            WaitStarted Wait courses > parallel-branch-1 > simmer-stew
            InvocationCompleted
            WaitSucceeded Wait courses > parallel-branch-0 > simmer-soup
            StepStarted Step courses > parallel-branch-0 > serve-soup
            StepSucceeded Step courses > parallel-branch-0 > serve-soup
            ContextSucceeded ParallelBranch courses > parallel-branch-0
            InvocationCompleted
            WaitSucceeded Wait courses > parallel-branch-1 > simmer-stew
            StepStarted Step courses > parallel-branch-1 > serve-stew
            StepSucceeded Step courses > parallel-branch-1 > serve-stew
            ContextSucceeded ParallelBranch courses > parallel-branch-1
            ContextSucceeded Parallel courses
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "letters": Expected(
        input=["Ines", "Kofi", "Rui"],
        status="SUCCEEDED",
        outcome=["Dear Ines", "Dear Kofi", "Dear Rui"],
        # The pauses begin at once and end at once: one more invocation.
        lasts=5,
        at_once=True,
        history="\n".join(
            ["ExecutionStarted", "ContextStarted Map post"]
            + [
                line.format(n)
                for n in range(3)
                for line in (
                    "ContextStarted MapIteration post > map-item-{0}",
                    "StepStarted Step post > map-item-{0} > write-{0}",
                    "StepSucceeded Step post > map-item-{0} > write-{0}",
                    "WaitStarted Wait post > map-item-{0} > dry-{0}",
                    "WaitSucceeded Wait post > map-item-{0} > dry-{0}",
                    "ContextSucceeded MapIteration post > map-item-{0}",
                )
            ]
            + ["InvocationCompleted", "ContextSucceeded Map post", "InvocationCompleted", "ExecutionSucceeded"]
        ),
    ),
    "moving_house": Expected(
        input=None,
        status="SUCCEEDED",
        outcome=16,
        lasts=3_600,
        history="""
            ExecutionStarted
            ContextStarted RunInChildContext packing
            StepStarted Step packing > pack
            StepSucceeded Step packing > pack
            WaitStarted Wait packing > sleep-over-it
            InvocationCompleted
            WaitSucceeded Wait packing > sleep-over-it
            StepStarted Step packing > one-more-box
            StepSucceeded Step packing > one-more-box
            ContextSucceeded RunInChildContext packing
            StepStarted Step carry
            StepSucceeded Step carry
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "broken_promise": Expected(
        input={},
        status="FAILED",
        outcome=("workflows.OutOfStockError", "nothing came"),
        lasts=60,
        history="""
            ExecutionStarted
            StepStarted Step reserve
            StepSucceeded Step reserve
            WaitStarted Wait restock
            InvocationCompleted
            WaitSucceeded Wait restock
            InvocationCompleted
            ExecutionFailed
        """,
    ),
    "ferry": Expected(
        input=None,
        status="SUCCEEDED",
        outcome={"boats": 3},
        lasts=180,
        history="""
            ExecutionStarted
            StepStarted WaitForCondition look-out
            StepSucceeded WaitForCondition look-out
            InvocationCompleted
            StepStarted WaitForCondition look-out
            StepSucceeded WaitForCondition look-out
            InvocationCompleted
            StepStarted WaitForCondition look-out
            StepSucceeded WaitForCondition look-out
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "sum_at_once": Expected(
        input=[1, 2, 3],
        status="SUCCEEDED",
        outcome=6,
        lasts=0,
        history="""
            ExecutionStarted
            StepStarted Step two
            StepSucceeded Step two
            StepStarted Step three
            StepSucceeded Step three
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "late_crash": Expected(
        input={},
        status="FAILED",
        outcome=(f"{ERRORS}.StepError", "the shelf fell"),
        lasts=28_800,
        history="""
            ExecutionStarted
            WaitStarted Wait night
            InvocationCompleted
            WaitSucceeded Wait night
            StepStarted Step fetch
            StepFailed Step fetch
            InvocationCompleted
            ExecutionFailed
        """,
    ),
    "parcel": Expected(
        input="fragile",
        status="SUCCEEDED",
        outcome="left with a neighbour",
        answer=b"left with a neighbour",
        history="""
            ExecutionStarted
            CallbackStarted Callback delivery
            StepStarted Step call-courier
            StepSucceeded Step call-courier
            InvocationCompleted
            CallbackSucceeded Callback delivery
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "errand": Expected(
        input={"function": "echo", "payload": "hello"},
        status="SUCCEEDED",
        outcome={"answer": {"echo": "hello"}},
        history="""
            ExecutionStarted
            ChainedInvokeStarted ChainedInvoke ask
            InvocationCompleted
            ChainedInvokeSucceeded ChainedInvoke ask
            StepStarted Step note
            StepSucceeded Step note
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "errand to a durable function": Expected(
        function="errand",
        input={"function": "sum_at_once:$LATEST", "payload": [4, 5, 6]},
        status="SUCCEEDED",
        outcome={"answer": 15},
        history="""
            ExecutionStarted
            ChainedInvokeStarted ChainedInvoke ask
            InvocationCompleted
            ChainedInvokeSucceeded ChainedInvoke ask
            StepStarted Step note
            StepSucceeded Step note
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "errand in vain": Expected(
        function="errand",
        input={"function": "echo", "payload": "nobody"},
        status="FAILED",
        outcome=(f"{ERRORS}.InvokeError", "nobody answers"),
        history="""
            ExecutionStarted
            ChainedInvokeStarted ChainedInvoke ask
            InvocationCompleted
            ChainedInvokeFailed ChainedInvoke ask
            InvocationCompleted
            ExecutionFailed
        """,
    ),
    "long_watch": Expected(
        input={},
        status="SUCCEEDED",
        outcome="relieved",
        lasts=80,
        # The SDK sends the beginning of a step while its body runs.
        at_once=True,
        history="""
            ExecutionStarted
            CallbackStarted Callback relief
            WaitStarted Wait first-half
            InvocationCompleted
            WaitSucceeded Wait first-half
            StepStarted Step all-is-well
            StepSucceeded Step all-is-well
            WaitStarted Wait second-half
            InvocationCompleted
            WaitSucceeded Wait second-half
            StepStarted Step hand-over
            CallbackSucceeded Callback relief
            StepSucceeded Step hand-over
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "lonely_watch": Expected(
        input={},
        status="FAILED",
        outcome=(f"{ERRORS}.CallbackTimeoutError", "Callback heartbeat timed out"),
        lasts=60,
        history="""
            ExecutionStarted
            CallbackStarted Callback relief
            InvocationCompleted
            CallbackTimedOut Callback relief
            InvocationCompleted
            ExecutionFailed
        """,
    ),
    "unanswered_letter": Expected(
        input={},
        status="FAILED",
        outcome=(f"{ERRORS}.CallbackTimeoutError", "Callback timed out"),
        lasts=604_800,
        history="""
            ExecutionStarted
            CallbackStarted Callback reply
            InvocationCompleted
            CallbackTimedOut Callback reply
            InvocationCompleted
            ExecutionFailed
        """,
    ),
    "heavy_chapter": Expected(
        input={},
        status="SUCCEEDED",
        outcome=400_000,
        lasts=60,
        history="""
            ExecutionStarted
            ContextStarted RunInChildContext chapter
            StepStarted Step chapter > find
            StepSucceeded Step chapter > find
            ContextSucceeded RunInChildContext chapter
            WaitStarted Wait proof
            InvocationCompleted
            WaitSucceeded Wait proof
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
    "clerk": Expected(
        module="clerk",
        input={},
        status="SUCCEEDED",
        outcome={
            "told": ["EXECUTION"],
            "repeated": True,
            "stale": "Invalid Checkpoint Token",
            "backwards": "Invalid current STEP state to close.",
            "changed": ["drawer", "copy"],
            "pages": [["EXECUTION STARTED", "STEP SUCCEEDED", "CONTEXT STARTED"], ["STEP STARTED"]],
        },
        lasts=0,
        history="""
            ExecutionStarted
            StepSucceeded Step stamp
            ContextStarted RunInChildContext drawer
            StepStarted Step drawer > copy
            StepFailed Step drawer > copy
            InvocationCompleted
            ExecutionSucceeded
        """,
    ),
}
