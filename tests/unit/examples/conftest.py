import os

# Before numpy is imported: see local.bedrock.learning.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
