"""The error tree: what callers rely on."""

from talos.base import errors


def test_invalid_lists_every_problem_with_its_place() -> None:
    problems = [
        errors.Problem("unknown key, did you mean `network`?", "machine.netwrok", "c.yaml:3:5"),
        errors.Problem("expected an integer", "machine.mtu"),
    ]
    text = str(errors.Invalid(problems))
    assert text.splitlines() == [
        "c.yaml:3:5: machine.netwrok: unknown key, did you mean `network`?",
        "machine.mtu: expected an integer",
    ]


def test_lost_writes_share_one_parent() -> None:
    for lost in (errors.VersionConflict, errors.PhaseConflict, errors.OwnerConflict, errors.AlreadyExists):
        assert issubclass(lost, errors.Conflict)
