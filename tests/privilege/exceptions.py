"""Rights that no end-to-end run needs, each with the reason why it stays.

A right is named as ``tests/iam/usage.py`` writes it, of a stack ``rft`` in the account 111122223333; ``*`` stands for
any text. An entry whose right was needed after all, or that names no right any more, fails the test; one whose right is
needed by chance only has to name one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.iam.matching import like
from tests.iam.usage import Denial, Grant


@dataclass(frozen=True)
class Unneeded:
    role: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str
    where: str = "*"
    """How the grant is written: which of those that differ in a condition only."""
    by_chance: bool = False
    """Whether it takes two things at one moment, which may come about on a busy machine: then it is no fault."""

    @property
    def parts(self) -> list[Unneeded]:
        """One for each action and one for each resource: each has to name something."""
        apart = [replace(self, actions=(action,)) for action in self.actions]
        return apart + [replace(self, resources=(resource,)) for resource in self.resources]

    def names(self, grant: Grant) -> bool:
        fits = any(like(grant.resource, one) for one in self.resources) and like(str(grant), self.where)
        return fits and grant.role == self.role and grant.action in self.actions


@dataclass(frozen=True)
class Tolerated:
    """A right that calls would take and that stays away, because the code can do without it."""

    role: str
    action: str
    resource: str
    reason: str

    def names(self, denial: Denial) -> bool:
        need = denial.need
        return (denial.role, need.action) == (self.role, self.action) and like(need.resource, self.resource)


_NOT_THERE = "To whoever may not list the whole bucket S3 says of an object that isn't there that it is forbidden: "

TOLERATED = (
    Tolerated(
        "PublishReportRole",
        "s3:ListBucket",
        "arn:aws:s3:::*-databucket*",
        _NOT_THERE + "to the report both are an object that isn't there.",
    ),
    Tolerated(
        "PrepareDatasetRole",
        "s3:ListBucket",
        "arn:aws:s3:::*-databucket*",
        _NOT_THERE + "both reject the run, whose dataset can't be read.",
    ),
    Tolerated(
        "BedrockRole",
        "s3:ListBucket",
        "arn:aws:s3:::*-databucket*",
        _NOT_THERE
        + "what a job makes of a log that is gone is Bedrock's affair, and no prompt comes of it either way.",
    ),
)

_BUCKET = "arn:aws:s3:::rft-databucket"
_BEDROCK = "arn:aws:bedrock:us-east-1:111122223333:"
_GRADER = "arn:aws:lambda:us-east-1:111122223333:function:rft-grader-"
_ABORT = ("s3:AbortMultipartUpload",)
_BREAKS_OFF = "An upload in parts that breaks off midway is given up, so that no parts are left that cost money."

EXCEPTIONS = (
    # -- failures that the local cloud doesn't bring about ------------------------------------------------------------
    Unneeded("AssembleLogsRole", _ABORT, (f"{_BUCKET}/runs/*/dataset/source.jsonl",), _BREAKS_OFF),
    Unneeded("CompareModelsRole", _ABORT, (f"{_BUCKET}/runs/*/comparison.jsonl",), _BREAKS_OFF),
    Unneeded("ConvertLogsRole", _ABORT, (f"{_BUCKET}/runs/*/dataset/logs/*",), _BREAKS_OFF),
    Unneeded(
        "ConvertLogsRole",
        ("dynamodb:PutItem", "dynamodb:UpdateItem"),
        ("arn:aws:dynamodb:us-east-1:111122223333:table/rft-RunTable",),
        "A batch of logs that fails puts its fault on the run's record, which the run is failed with.",
        by_chance=True,
    ),
    Unneeded("PrepareDatasetRole", _ABORT, (f"{_BUCKET}/runs/*/dataset/*",), _BREAKS_OFF),
    Unneeded(
        "SubmitJobRole",
        ("bedrock:GetModelCustomizationJob", "bedrock:ListTagsForResource"),
        (f"{_BEDROCK}model-customization-job/*",),
        "Bedrock took the job and its answer was lost: at the next try the name is taken, and tags say by whose job.",
        by_chance=True,
    ),
    Unneeded(
        "SubmitJobRole",
        ("bedrock:StopModelCustomizationJob",),
        (f"{_BEDROCK}model-customization-job/*",),
        "The run was stopped in the moment in which Bedrock took its job: nobody else knows of the job yet.",
        by_chance=True,
    ),
    Unneeded(
        "AwaitJobRole",
        ("bedrock:StopModelCustomizationJob",),
        (f"{_BEDROCK}model-customization-job/*",),
        "The first request for a stop was refused or lost, or the deadline of the job has passed, which takes hours.",
        by_chance=True,
    ),
    Unneeded(
        "DeployModelRole",
        ("bedrock:DeleteCustomModelDeployment", "bedrock:DeleteProvisionedModelThroughput"),
        (f"{_BEDROCK}custom-model-deployment/*", f"{_BEDROCK}provisioned-model/*"),
        "An earlier try left a failed deployment under the candidate's name, which has to go before there is another.",
    ),
    Unneeded(
        "DeployModelRole",
        ("bedrock:UpdateCustomModelDeployment",),
        (f"{_BEDROCK}custom-model-deployment/*", f"{_BEDROCK}custom-model/*"),
        "An exchange of the live model went on after its run was aborted: the model on record is put back.",
        by_chance=True,
    ),
    Unneeded(
        "PromoteModelRole",
        ("bedrock:ListTagsForResource",),
        (f"{_BEDROCK}custom-model-deployment/*", f"{_BEDROCK}provisioned-model/*"),
        "The live deployment's name is taken at the first promotion: tags say whether by a lost answer or by others.",
        by_chance=True,
    ),
    Unneeded(
        "CloseRunRole",
        ("bedrock:ListTagsForResource",),
        (f"{_BEDROCK}custom-model-deployment/*", f"{_BEDROCK}provisioned-model/*"),
        "The run ended before what it made to be live was on record: it is found by its name, and known by its tags.",
        by_chance=True,
    ),
    Unneeded(
        "CloseRunRole",
        ("ssm:PutParameter",),
        ("arn:aws:ssm:us-east-1:111122223333:parameter/rft/models/*",),
        "The run was aborted between the exchange of the live model and its record: the promotion is finished.",
        by_chance=True,
    ),
    # -- what AWS doesn't document ------------------------------------------------------------------------------------
    *(
        Unneeded(
            role,
            ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
            ("arn:aws:kms:us-east-1:111122223333:key/rft-Keys-DataKey",),
            "Whether Bedrock asks whoever deploys an encrypted model for its key. The stand-in doesn't. If Bedrock "
            "does, a model that is trained and paid for couldn't be deployed without it.",
            where="*kms:ViaService bedrock.*",
        )
        for role in ("CloseRunRole", "DeployModelRole", "PromoteModelRole")
    ),
    # -- what the local runs leave out --------------------------------------------------------------------------------
    Unneeded(
        "ApiFunctionRole",
        ("sns:Publish",),
        ("arn:aws:sns:us-east-1:111122223333:rft-Topic",),
        "The topic is told of a start where the parameter NotifyOnStart says so, which is off here.",
    ),
    Unneeded(
        "ApiFunctionRole",
        ("kms:Decrypt", "kms:GenerateDataKey"),
        ("arn:aws:kms:us-east-1:111122223333:key/rft-Keys-MessageKey",),
        "The topic is encrypted: what it takes to tell it of a start, which is off here as well.",
    ),
    Unneeded(
        "BedrockRole",
        ("s3:GetObject",),
        (f"{_BUCKET}/runs/*/output/*",),
        "AWS documents it for a job's output; the stand-in writes there and doesn't read what it wrote.",
    ),
    Unneeded(
        "BedrockRole",
        ("s3:ListBucket",),
        (_BUCKET,),
        "AWS documents it for a job's input and output; the stand-in is told the names of its files and lists none.",
        where="*s3:prefix runs/*",
    ),
    Unneeded(
        "CompareModelsRole",
        ("lambda:InvokeFunction",),
        tuple(
            f"{_GRADER}{name}:*"
            for name in ("generic", "instruction-following", "math-reasoning", "rag-faithfulness", "reasoning")
        ),
        "A comparison is graded by the training's grader; which runs go as far here is the tests' affair. "
        "test_bedrock_role.py shows that it may call those that trainings and the gate may, which call all eight here.",
        by_chance=True,
    ),
)
