from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.run.tenants import ADMINISTRATOR, EVERYTHING, MAX_NAME, Scope, Tenants, TenantsInvalid

STS, IAM = "arn:aws:sts::111122223333", "arn:aws:iam::111122223333"
ACME = f"{STS}:assumed-role/acme/*"
GLOBEX = f"{STS}:assumed-role/globex-train/*"
BOTH = Tenants.parse(f"acme={ACME}, globex={GLOBEX},*={IAM}:user/ops/*")
SESSION = st.text(string.ascii_letters + string.digits + "_+=,.@-", min_size=2, max_size=64)


def problems(text: str) -> str:
    with pytest.raises(TenantsInvalid) as caught:
        Tenants.parse(text)
    return "\n".join(caught.value.problems)


# -- the parameter ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", ["", "  "])
def test_without_tenants_every_caller_sees_everything(nothing: str) -> None:
    tenants = Tenants.parse(nothing)
    assert not tenants.are_on
    for scope in (tenants.of_caller(None), tenants.of_upload("inbox/m.jsonl"), tenants.of_event("my.service")):
        assert scope is EVERYTHING
    assert EVERYTHING.origin == (), "ids stay what they were"


def test_everything_wrong_is_named_at_once() -> None:
    told = problems(
        f"acme,Acme={ACME},{'a' * (MAX_NAME + 1)}={ACME},x=*,y=arn:aws:sts::*:assumed-role/r/*,z={STS}:assumed-role/z*,"
        f"ok={STS}:assumed-role/ok/*,ok-eu={STS}:assumed-role/ok-eu/*,other={STS}:assumed-role/ok/*"
    )
    for place in range(1, 7):
        assert f"entry {place} (" in told
    assert "entry 7" not in told
    assert "the models of ok-eu would be those of ok too" in told
    assert f"{STS}:assumed-role/ok/* stands for more than one: ok, other" in told


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "arn:*",
        f"{STS}:*",
        f"{STS}:assumed-role/*",
        f"{STS}:assumed-role/*/*",
        f"{STS}:assumed-role/**/me",
        f"{STS}:assumed-role/acme",
        f"{STS}:assumed-role/acme*",
        f"{STS}:assumed-role/acme/",
        f"{STS}:assumed-role/acme/a/b",
        f"{IAM}:assumed-role/acme/*",
        f"{STS}:user/acme",
        f"{IAM}:user",
        f"{IAM}:user/",
        f"{IAM}:user/a//b",
        f"{IAM}:root/x",
        f"{IAM}:role/acme/*",
        "arn:aws:sts::111122223333:assumed-rol*/acme/*",
        "arn:aws:sts::1111222233*:assumed-role/acme/*",
        f"{STS}:assumed-role/ac me/*",
        f"{STS}:assumed-role/acme/?",
    ],
)
def test_a_pattern_that_reaches_further_than_it_says_is_refused(pattern: str) -> None:
    assert "entry 1" in problems(f"acme={pattern}")


@pytest.mark.parametrize("first", [("acme", "acme-eu"), ("acme-eu", "acme"), ("a", "a-b-c")])
def test_no_name_may_begin_another(first: tuple[str, str]) -> None:
    one, two = first
    assert "no name with a hyphen may begin another" in problems(
        f"{one}={STS}:assumed-role/one/*,{two}={STS}:assumed-role/two/*"
    )
    Tenants.parse(f"acme={ACME},acmeeu={GLOBEX}")


# -- callers ---------------------------------------------------------------------------------------------------------


def test_each_caller_is_one_tenant_or_none() -> None:
    assert BOTH.of_caller(f"{STS}:assumed-role/acme/alice@example.com") == Scope("acme")
    assert BOTH.of_caller(f"{STS}:assumed-role/globex-train/build=17,x") == Scope("globex")
    assert BOTH.of_caller(f"{IAM}:user/ops/carol") == Scope(ADMINISTRATOR)
    for stranger in (None, "", "acme", "*", f"{IAM}:root", f"{IAM}:user/carol", f"{IAM}:user/ops/deep/carol"):
        assert BOTH.of_caller(stranger) is None


@given(SESSION)
def test_no_session_name_makes_another_role_the_tenants(session: str) -> None:
    """Whoever assumes a role chooses the name."""
    assert BOTH.of_caller(f"{STS}:assumed-role/acme/{session}") == Scope("acme")
    for role in ("acme-evil", "evil", "evil-acme", "acm", "ACME"):
        assert BOTH.of_caller(f"{STS}:assumed-role/{role}/{session}") is None
    assert BOTH.of_caller(f"arn:aws:sts::999999999999:assumed-role/acme/{session}") is None
    assert BOTH.of_caller(f"{STS}:federated-user/{session}") is None
    assert BOTH.of_caller(f"{IAM}:user/{session}") is None


@given(st.text(max_size=40))
def test_no_text_behind_a_role_is_another_one(text: str) -> None:
    """Not even one that AWS would never give: a slash, a line break, a colon."""
    fits = BOTH.of_caller(f"{STS}:assumed-role/evil/{text}")
    assert fits is None
    if text:
        assert BOTH.of_caller(f"{text}{STS}:assumed-role/acme/me") is None


def test_an_asterisk_within_a_roles_name_ends_with_it() -> None:
    tenants = Tenants.parse(f"acme={STS}:assumed-role/AWSReservedSSO_Acme_*/*")
    assert tenants.of_caller(f"{STS}:assumed-role/AWSReservedSSO_Acme_0a1b2c/alice") == Scope("acme")
    assert tenants.of_caller(f"{STS}:assumed-role/evil/AWSReservedSSO_Acme_0a1b2c") is None
    ends = Tenants.parse(f"acme={STS}:assumed-role/*-acme/*")
    assert ends.of_caller(f"{STS}:assumed-role/train-acme/s") == Scope("acme")
    assert ends.of_caller(f"{STS}:assumed-role/evil/x-acme") is None


def test_characters_that_mean_something_elsewhere_mean_themselves() -> None:
    tenants = Tenants.parse(f"acme={IAM}:user/a.b+c")
    assert tenants.of_caller(f"{IAM}:user/a.b+c") == Scope("acme")
    assert tenants.of_caller(f"{IAM}:user/axbbc") is None


def test_a_caller_who_is_two_is_nobody() -> None:
    tenants = Tenants.parse(f"acme={STS}:assumed-role/shared/*,*={STS}:assumed-role/shared/admin")
    assert tenants.of_caller(f"{STS}:assumed-role/shared/x") == Scope("acme")
    assert tenants.of_caller(f"{STS}:assumed-role/shared/admin") is None, (
        "the session's name makes nobody administrator"
    )
    twice = Tenants.parse(f"acme={STS}:assumed-role/one/*,acme={STS}:assumed-role/*e/*")
    assert twice.of_caller(f"{STS}:assumed-role/one/x") == Scope("acme"), "two entries of one name are one tenant"


def test_a_root_and_a_federated_user_can_be_named() -> None:
    tenants = Tenants.parse(f"*={IAM}:root,acme={STS}:federated-user/acme-*")
    assert tenants.of_caller(f"{IAM}:root") == Scope(ADMINISTRATOR)
    assert tenants.of_caller(f"{STS}:federated-user/acme-1") == Scope("acme")


# -- the other doors -------------------------------------------------------------------------------------------------


def test_an_upload_is_of_the_tenant_of_its_folder() -> None:
    assert BOTH.of_upload("inbox/acme-triage.jsonl") == Scope("acme")
    assert BOTH.of_upload("inbox/globex-m/run.json") == Scope("globex")
    for key in (
        "inbox/acme.jsonl",
        "inbox/acme/run.json",
        "inbox/Acme-m.jsonl",
        "inbox/m.jsonl",
        "inbox//acme-m.jsonl",
    ):
        assert BOTH.of_upload(key) is None


def test_an_event_is_of_the_tenant_in_its_source() -> None:
    assert BOTH.of_event("rft.tenant.acme") == Scope("acme")
    for source in ("acme", "rft.tenant.", "rft.tenant.*", "rft.tenant.acme-", "rft.tenant.ACME", "my.rft.tenant.acme"):
        assert BOTH.of_event(source) is None


# -- what is whose ---------------------------------------------------------------------------------------------------


def test_models_and_keys_are_told_by_their_names() -> None:
    acme = Scope("acme")
    assert acme.has_model("acme-triage")
    for model in ("acme", "acmex", "globex-m", "x-acme-m", ""):
        assert not acme.has_model(model)
    run = "acme-triage-0123456789ab"
    for key in ("inbox/acme-m/train.jsonl", "datasets/acme-x", f"runs/{run}/dataset/source.jsonl"):
        assert acme.has_key(key)
    for key in (
        "inbox/acme/train.jsonl",
        "datasets/globex-m/train.jsonl",
        "train.jsonl",
        "x/datasets/acme-m",
        f"runs/{run}/output/model",
        f"runs/{run}",
        "runs/globex-m-0123456789ab/dataset/source.jsonl",
        "runs/acme-0123456789ab/dataset/source.jsonl",  # of the model acme, which is nobody's
        "runs/acme-x/dataset/source.jsonl",
        "runs//dataset/source.jsonl",
    ):
        assert not acme.has_key(key)
    for scope in (EVERYTHING, Scope(ADMINISTRATOR)):
        assert scope.sees_all
        assert scope.has_model("globex-m")
        assert scope.has_key("anything")
