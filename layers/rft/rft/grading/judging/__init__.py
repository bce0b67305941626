"""Judges: grading by asking a model. Pure: questions are made and replies are read here, nobody is called.

===================  ==================================================================================
question             what is asked of a judge model, and who answers it (a protocol)
fence                a text that is being judged, set apart so that it can't speak for itself
===================  ==================================================================================

Who calls the model, in parallel and against the clock, is :mod:`rft.judges`.
"""
