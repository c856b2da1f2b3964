"""Histories as lines of text, and what holds for every one of them."""

DETAILS = "Details"


def lines(events):
    """A line an event: its type, its operation's sub-type, and the names of its contexts and its own."""
    names, parents = {}, {}
    told = []
    for event in events:
        kind = event["EventType"]
        if kind.startswith(("Execution", "Invocation")):
            told.append(kind)
            continue
        names[event["Id"]], parents[event["Id"]] = event.get("Name", "?"), event.get("ParentId")
        path, at = [], event["Id"]
        while at:
            path.insert(0, names.get(at, "?"))
            at = parents.get(at)
        told.append(" ".join((kind, event.get("SubType", "?"), " > ".join(path))))
    return told


def sorted_by_operation(told):
    """The order that is certain where branches run at once: that within each operation, and how many invocations there were."""
    operations = {}
    for line in told:
        kind, _, subject = line.partition(" ")
        operations.setdefault(subject, []).append(kind)
    return dict(sorted(operations.items()))


def faults(execution, events):
    """What contradicts the rules that hold for the history of every execution that has ended."""
    found = []

    def rule(holds, what):
        if not holds:
            found.append(what)

    rule([event["EventId"] for event in events] == list(range(1, len(events) + 1)), "ids do not count from 1")
    times = [event["EventTimestamp"] for event in events]
    rule(times == sorted(times), "time goes back")
    first, last = events[0], events[-1]
    rule(first["EventType"] == "ExecutionStarted", "it does not begin with the execution")
    rule(last["EventType"] == "Execution" + execution["Status"].title().replace("_", ""), "it does not end with the execution's status")
    rule({first["Name"], last["Name"]} == {execution["DurableExecutionName"]}, "the execution has another name")
    rule((times[0], times[-1]) == (execution["StartTimestamp"], execution["EndTimestamp"]), "the execution has other times")
    rule(payload(first, "Input") == execution["InputPayload"], "the input is another")
    rule(payload(last, "Result") == execution.get("Result"), "the result is another")
    rule(payload(last, "Error") == execution.get("Error"), "the error is another")

    begun, attempts, ends_at = set(), {}, {}
    for event in events:
        place, kind = f"event {event['EventId']}", event["EventType"]
        own = [key for key in event if key.endswith(DETAILS)]
        rule(own == [kind + DETAILS], f"{place}, {kind}: its details are {own}")
        details = event.get(kind + DETAILS, {})
        if "Id" not in event:
            rule(kind == "InvocationCompleted" and details["StartTimestamp"] <= details["EndTimestamp"], f"{place}: an odd invocation")
            continue
        rule(event.get("ParentId") is None or event["ParentId"] in begun, f"{place}: its parent has not begun")
        if kind.endswith("Started"):
            begun.add(event["Id"])
            ends_at[event["Id"]] = details.get("ScheduledEndTimestamp")
            continue
        # An update may end a step or a context that none began: then that is its only event.
        rule(event["Id"] in begun or kind.startswith(("Context", "Step")), f"{place}: it ends without a beginning")
        if kind.startswith("Step"):
            attempts[event["Id"]] = attempts.get(event["Id"], 0) + 1
            rule(details["RetryDetails"]["CurrentAttempt"] == attempts[event["Id"]], f"{place}: a wrong attempt")
        if kind == "WaitSucceeded":
            rule(event["EventTimestamp"] == ends_at[event["Id"]], f"{place}: the wait ends at another time")
    return found


def payload(event, member):
    """The payload in an event's details; None if there is none."""
    return event[event["EventType"] + DETAILS].get(member, {}).get("Payload")
