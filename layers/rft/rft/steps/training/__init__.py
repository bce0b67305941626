"""The training job: submitted, waited for, followed."""
