"""Graders that ask a judge model: the calls, in parallel and against the clock, under the scorers of rft.grading.

=============  ===========================================================================================
handler        from a scorer that asks a judge to the Lambda function that Bedrock calls
parallel       a batch graded by several threads, whole or not at all
calls          one question answered, tried again while the model is busy and there is time
cache          equal questions asked once
reliability    when a judge gives too few verdicts to train on
=============  ===========================================================================================
"""
