"""Symbolic maths: does a worked solution end in an expression that equals the reference's?

===================  ==================================================================================
scoring              from an answer and a reference to a Score: numbers first, expressions where it must
expressions          the expression in an answer and the one in a reference
comparison           two expressions compared by math-verify, in a child process that can't go on for ever
===================  ==================================================================================

``comparison``, and so ``scoring``, import math-verify and sympy, which take longer to load than all of boto3. They are
in a layer of their own (layers/symbolic_math), and nothing else in the library imports them.
"""
