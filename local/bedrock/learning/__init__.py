"""The stand-in's language model and its training: small enough for a laptop, real enough to learn from a grader.

A log-linear language model (`policy`) over hashed features (`features`, `weights`) of the prompt's words and of the
answer so far, trained by group-relative policy gradient (`training`). It proves a dataset, a grader and the wiring
between them; it says nothing about what a Bedrock model will reach, and it can do neither arithmetic nor long prose.

The process that imports this package sets OPENBLAS_NUM_THREADS=1 before numpy is first imported: the matrices are
small, and a second BLAS thread on a busy two-core machine made training several times slower.
"""
