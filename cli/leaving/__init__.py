"""``rft destroy``: a stack, or one model of it, leaves nothing behind that costs money.

Start with ``work``: a ``Leaving`` finds, lists and removes a whole stack, kind by kind in an order in which AWS lets it
go, and looks once more. What a kind has to know is in ``things``; the kinds are in ``runs``, ``bedrock``,
``parameters``, ``stack``, ``logs``, ``data`` and ``keys``, by the service. ``resources`` is what CloudFormation says of
the stack, ``account`` how its account is reached, ``view`` what a reader is shown. ``model`` is the end of one model,
which the API brings about.
"""
