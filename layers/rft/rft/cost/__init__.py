"""What a run costs, before it costs it: from a request and a count of its data to a range of dollars and a verdict.

::

    plan = plan_of(run.request, base_model=run.base_model, training=..., validation=..., grader=GraderFacts(...))
    told = estimate(plan, Prices.of_file().with_overrides(parse_overrides(text)))
    check = check_budget(told, max_usd=..., max_rollouts=...)

``plan_of`` takes the request as ``Run.request`` has it (docs/api.md), the data as ``Records``
(``Records.counted(count, stats)`` with the ``stats`` of a dataset report, or ``Records.within(low, high, ...)`` where
nobody has counted) and what is known of the grader: its seconds and tokens where the gate has measured them. Whatever
isn't given is assumed as a range and listed in ``assumptions``. A price that isn't known makes no number: its item has
no dollars and the estimate names it in ``unknown``.
"""

from rft.cost.budget import DEFAULT_MAX_ROLLOUTS, BudgetCheck, check_budget
from rft.cost.estimate import Estimate, Item, estimate
from rft.cost.plan import GraderFacts, Plan, Records, plan_of
from rft.cost.prices import Price, Prices, PricesInvalid, parse_overrides
from rft.cost.ranges import Range

__all__ = [
    "DEFAULT_MAX_ROLLOUTS",
    "BudgetCheck",
    "Estimate",
    "GraderFacts",
    "Item",
    "Plan",
    "Price",
    "Prices",
    "PricesInvalid",
    "Range",
    "Records",
    "check_budget",
    "estimate",
    "parse_overrides",
    "plan_of",
]
