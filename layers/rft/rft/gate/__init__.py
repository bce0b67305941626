"""The gate: testing a grader on a sample of the dataset before money is spent.

Pure: the grader and the base model are functions that a caller passes in (see :mod:`rft.gate.ports`).

===================  ==================================================================================
examination          the test as a whole; begin here
codes                everything that can be found, with its weight and the advice
choosing             which records are looked at
probes               the answers that are tried: right, wrong, none, and tricks
calls, reading       calling the grader, and reading its answer by Bedrock's contract
conduct              the same call again, other neighbours, a bad sample, an empty batch
ladder               the right answer on top, silence and tricks at the bottom
signal               do the base model's answers differ in reward?
timing               seconds of a training step, the judge's quota, megabytes
report               the verdict, ``gate.json``, and whether a run may go on
===================  ==================================================================================
"""

from rft.gate.choosing import choose
from rft.gate.codes import CODES
from rft.gate.examination import examine
from rft.gate.findings import Finding
from rft.gate.ports import AskBase, BaseUnavailable, Invocation, InvocationFailed, Invoke
from rft.gate.report import GateReport, may_go_on, with_cost
from rft.gate.settings import AboutGrader, Settings

__all__ = [
    "CODES",
    "AboutGrader",
    "AskBase",
    "BaseUnavailable",
    "Finding",
    "GateReport",
    "Invocation",
    "InvocationFailed",
    "Invoke",
    "Settings",
    "choose",
    "examine",
    "may_go_on",
    "with_cost",
]
