"""The grader tried and the cost held against the budget, before a job is paid for."""
