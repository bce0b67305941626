"""Judges: grading by asking a model. Pure: questions are made and replies are read here, nobody is called.

=====================  ================================================================================
question               what is asked of a judge model, and who answers it (a protocol)
fence                  a text that is being judged, set apart so that it can't speak for itself
reply                  JSON found in what a judge wrote
criteria               a rubric: criteria, each with a closed list of verdicts
texts, prompt          what a judge is shown of a sample, and how it is asked
verdicts               the verdicts in its reply
rubric                 graders made of a rubric: start here for one of your own
instruction_following  four of them, ready to use
summarization
reasoning
rag_faithfulness
=====================  ================================================================================

Who calls the model, in parallel and against the clock, is :mod:`rft.judges`.
"""
