"""Whether a model is better than another: paired statistics, and the verdict that they allow.

===================  ==================================================================================
sample               which prompts of the validation set are asked, and in which batches
rows                 comparison.jsonl: each prompt with every model's answer and its grades
interval             the mean difference and its interval: a paired bootstrap, BCa
document             comparison.json, from the rows; and what a run's record keeps of it
verdict              promote or keep, why, in one sentence
extremes             the worst regressions, the best gains, and how the gains are spread
spend                what the answers cost
===================  ==================================================================================
"""
