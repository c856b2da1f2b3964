"""Runs one handler under AWS's runtime client: `python function.py FOLDER MODULE.HANDLER`.

The answers that the handler's SDK gets are held against boto3's model too: one that contradicts it is raised where it came.
"""

import sys

import boto3
from answers import Answers
from awslambdaric.__main__ import main

folder, handler = sys.argv[1:]
sys.path.insert(0, folder)

answers = Answers()
boto3.setup_default_session()
answers.listen(boto3.DEFAULT_SESSION.events)


def refuse_faults(**_):
    if faults := answers.take_faults():
        raise AssertionError("; ".join(faults))


boto3.DEFAULT_SESSION.events.register_last("after-call.lambda", refuse_faults)
main([__file__, handler])
