"""A record of the calls that functions and jobs make to AWS; see ``call_record``."""
