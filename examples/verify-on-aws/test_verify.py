"""Each check fails when what it looks at is not so; and whatever happens on the way, all that was made is removed. No AWS, no network."""

import copy
import hashlib
import io
import json
import tempfile
import unittest
from contextlib import redirect_stdout

import boto3
import checks
import places
from botocore.awsrequest import AWSResponse

ARN = "arn:aws:lambda:us-east-1:123456789012:function:verify-ride:1/durable-execution/wait-1/2"
ID = hashlib.blake2b(f"_datadog_0:{ARN}".encode(), digest_size=16).hexdigest()


def span(name, number, parent, start, **meta):
    metrics = {"aws.durable.suspended_ms": 5000.0} if start > 1 and name == "aws.lambda" else {}
    identity = {"aws.lambda": {"aws.durable.execution_id": ARN.rpartition("/")[2]}, "aws.durable.execute": {"aws.durable.execution_arn": ARN}}
    meta = identity[name] | {"_dd.p.tid": "6b00000000000000"} | meta
    return {"name": name, "resource": "r", "trace_id": 7, "span_id": number, "parent_id": parent, "start": start, "meta": meta, "metrics": metrics}


def seen():
    """An execution as it must be."""
    events = [
        {"EventType": "WaitStarted", "Name": "wait", "Id": "1", "EventTimestamp": 10.0},
        {"EventType": "StepSucceeded", "Name": "_datadog_0", "Id": ID, "EventTimestamp": 10.0},
    ]
    spans = [
        span("aws.lambda", 1, 0, 0),
        span("aws.durable.execute", 2, 1, 1),
        span("aws.lambda", 3, 2, 8),
        span("aws.durable.execute", 4, 3, 9),
    ]
    lines = [{"fields": {"message": "verify.line"}, "executionArn": ARN}]
    return {"task": "wait", "mode": "ride", "arn": ARN, "status": "SUCCEEDED", "result": "woken", "events": events, "spans": spans, "lines": lines}


def failed(facts):
    return [result.check for result in checks.judge(checks.Seen(**facts), "woken") if result.verdict == checks.FAILED]


class Checks(unittest.TestCase):
    def test_an_execution_as_it_must_be_fails_none(self):
        self.assertEqual(failed(seen()), [])

    def test_each_fault_fails_the_check_that_is_about_it(self):
        def spoil(path, value):
            facts = copy.deepcopy(seen())
            *parents, last = path
            place = facts
            for key in parents:
                place = place[key]
            place[last] = value
            return facts

        for path, value, want in [
            (("status",), "FAILED", "the execution succeeds"),
            (("result",), "slept in", "the execution succeeds"),
            (("events", 1, "EventType"), "StepStarted", "a STEP succeeds without a START"),
            (("events",), [], "a STEP succeeds without a START"),
            (("events", 1, "Id"), "1", "its Id is the one that was sent"),
            (("events", 1, "ParentId"), "1", "it has no parent"),
            (("spans", 3, "trace_id"), 8, "all invocations are one trace"),
            (("spans",), [], "all invocations are one trace"),
            (("spans", 2, "meta", "_dd.p.tid"), "0", "its 128-bit id is one"),
            (("spans", 2, "name"), "other", "there are two invocations at least"),
            (("spans", 2, "parent_id"), 1, "the later ones hang on the first execute span"),
            (("spans", 3, "meta", "aws.durable.integration_error_locations"), "ride", "nothing was refused or went wrong"),
            (("spans", 2, "metrics"), {}, "times in the event are understood"),
        ]:
            with self.subTest(path):
                self.assertIn(want, failed(spoil(path, value)))

    def test_lines_that_are_no_spans_are_kept_apart(self):
        lines = ["START", "{broken", '{"span": {"name": "a", "span_id": 1}}', 'text {"span": {"name": "verify.work"}}']
        spans, others = checks.parse(lines)
        self.assertEqual((len(spans), others), (1, [{"span": {"name": "verify.work"}}]))

    def test_the_runtimes_version_is_told_and_not_judged(self):
        line = {"type": "platform.initStart", "record": {"runtimeVersion": "provided:al2023.v1"}}
        self.assertIn("does not hold", checks.judge_runtime([line]).detail)
        self.assertEqual(checks.judge_runtime([]).verdict, checks.NOTED)


class Account(boto3.Session):
    """Takes requests that botocore has checked against AWS's model, and keeps what there is."""

    def __init__(self, fault=None):
        super().__init__("id", "secret", region_name="us-east-1")
        self.there, self.fault = set(), fault
        self.events.register("before-call", self._answer)

    def _answer(self, model, params, **_):
        name = model.name
        if self.fault and self.fault[0] == name:
            self.fault, error = None, self.fault[1]
            raise error
        body = params["body"] if isinstance(params["body"], dict) else json.loads(params["body"] or "{}")
        path = params["url_path"]
        which = body.get("RoleName") or body.get("logGroupName") or body.get("FunctionName") or path.split("/functions/")[-1].split("/")[0]
        kind = next((kind for kind in ("Role", "LogGroup", "Function") if name in (f"Create{kind}", f"Delete{kind}")), None)
        if kind and name.startswith("Create"):
            self.there.add((kind, which))
        elif kind:
            self.there.discard((kind, which))
        parsed = {
            "GetCallerIdentity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/u"},
            "CreateRole": {"Role": {"Arn": "arn:aws:iam::123456789012:role/r"}},
            "GetFunction": {"Configuration": {"State": "Active", "LastUpdateStatus": "Successful"}},
            "GetFunctionConfiguration": {"State": "Active", "LastUpdateStatus": "Successful"},
            "ListDurableExecutionsByFunction": {"DurableExecutions": []},
        }.get(name, {})
        return AWSResponse("", 200, {}, None), parsed


class Deployment(unittest.TestCase):
    def deploy(self, account, body=lambda place: None):
        artifact = tempfile.NamedTemporaryFile(suffix=".zip")
        artifact.write(b"zip")
        artifact.flush()
        with redirect_stdout(io.StringIO()), places.Aws("test", artifact.name, "x86_64", account) as place:
            body(place)

    def test_what_was_made_is_there_and_then_is_not(self):
        account, there = Account(), []
        self.deploy(account, lambda _: there.extend(account.there))
        self.assertEqual(sorted(kind for kind, _ in there), ["Function", "Function", "LogGroup", "LogGroup", "Role"])
        self.assertEqual(account.there, set())

    def test_a_failure_on_the_way_leaves_nothing(self):
        for operation in ("PutRolePolicy", "PutRetentionPolicy", "CreateFunction", "PublishVersion"):
            for error in (RuntimeError("refused"), KeyboardInterrupt()):
                account = Account((operation, error))
                with self.subTest(operation), self.assertRaises(type(error)):
                    self.deploy(account)
                self.assertEqual(account.there, set())

    def test_ctrl_c_during_the_checks_leaves_nothing(self):
        account = Account()

        def interrupted(_):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.deploy(account, interrupted)
        self.assertEqual(account.there, set())

    def test_what_cannot_be_removed_is_told_and_the_rest_is_removed(self):
        account, told = Account(), io.StringIO()
        with redirect_stdout(told):
            place = places.Aws("test", "none", "x86_64", account)
            account.fault = ("DeleteLogGroup", RuntimeError("busy"))
            account.there = {("Role", place.prefix)}
            left = place.remove()
        self.assertEqual(len(left), 1)
        self.assertEqual(account.there, set())

    def test_the_functions_may_reach_only_what_is_theirs(self):
        for statement in places.policy("aws", "us-east-1", "123456789012", "durable-trace-verify-test")["Statement"]:
            self.assertIn("durable-trace-verify-test-", statement["Resource"])


if __name__ == "__main__":
    unittest.main()
